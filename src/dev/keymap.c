/* The US layout and the names of keys. Two tables. */
#include "dev/keymap.h"

#include <string.h>

struct keymap_char {
    u8 key; /* enum key */
    bool shift;
};

static const struct keymap_char keymap_chars[128] = {
    ['\b'] = {KEY_BACKSPACE}, ['\t'] = {KEY_TAB}, ['\n'] = {KEY_ENTER}, ['\r'] = {KEY_ENTER},
    [0x1b] = {KEY_ESC},
    [' '] = {KEY_SPACE}, ['!'] = {KEY_1, true}, ['"'] = {KEY_APOSTROPHE, true}, ['#'] = {KEY_3, true},
    ['$'] = {KEY_4, true}, ['%'] = {KEY_5, true}, ['&'] = {KEY_7, true}, ['\''] = {KEY_APOSTROPHE},
    ['('] = {KEY_9, true}, [')'] = {KEY_0, true}, ['*'] = {KEY_8, true}, ['+'] = {KEY_EQUAL, true},
    [','] = {KEY_COMMA}, ['-'] = {KEY_MINUS}, ['.'] = {KEY_PERIOD}, ['/'] = {KEY_SLASH},
    ['0'] = {KEY_0}, ['1'] = {KEY_1}, ['2'] = {KEY_2}, ['3'] = {KEY_3}, ['4'] = {KEY_4},
    ['5'] = {KEY_5}, ['6'] = {KEY_6}, ['7'] = {KEY_7}, ['8'] = {KEY_8}, ['9'] = {KEY_9},
    [':'] = {KEY_SEMICOLON, true}, [';'] = {KEY_SEMICOLON}, ['<'] = {KEY_COMMA, true}, ['='] = {KEY_EQUAL},
    ['>'] = {KEY_PERIOD, true}, ['?'] = {KEY_SLASH, true}, ['@'] = {KEY_2, true},
    ['A'] = {KEY_A, true}, ['B'] = {KEY_B, true}, ['C'] = {KEY_C, true}, ['D'] = {KEY_D, true},
    ['E'] = {KEY_E, true}, ['F'] = {KEY_F, true}, ['G'] = {KEY_G, true}, ['H'] = {KEY_H, true},
    ['I'] = {KEY_I, true}, ['J'] = {KEY_J, true}, ['K'] = {KEY_K, true}, ['L'] = {KEY_L, true},
    ['M'] = {KEY_M, true}, ['N'] = {KEY_N, true}, ['O'] = {KEY_O, true}, ['P'] = {KEY_P, true},
    ['Q'] = {KEY_Q, true}, ['R'] = {KEY_R, true}, ['S'] = {KEY_S, true}, ['T'] = {KEY_T, true},
    ['U'] = {KEY_U, true}, ['V'] = {KEY_V, true}, ['W'] = {KEY_W, true}, ['X'] = {KEY_X, true},
    ['Y'] = {KEY_Y, true}, ['Z'] = {KEY_Z, true},
    ['['] = {KEY_LEFT_BRACKET}, ['\\'] = {KEY_BACKSLASH}, [']'] = {KEY_RIGHT_BRACKET},
    ['^'] = {KEY_6, true},
    ['_'] = {KEY_MINUS, true}, ['`'] = {KEY_GRAVE},
    ['a'] = {KEY_A}, ['b'] = {KEY_B}, ['c'] = {KEY_C}, ['d'] = {KEY_D}, ['e'] = {KEY_E}, ['f'] = {KEY_F},
    ['g'] = {KEY_G}, ['h'] = {KEY_H}, ['i'] = {KEY_I}, ['j'] = {KEY_J}, ['k'] = {KEY_K}, ['l'] = {KEY_L},
    ['m'] = {KEY_M}, ['n'] = {KEY_N}, ['o'] = {KEY_O}, ['p'] = {KEY_P}, ['q'] = {KEY_Q}, ['r'] = {KEY_R},
    ['s'] = {KEY_S}, ['t'] = {KEY_T}, ['u'] = {KEY_U}, ['v'] = {KEY_V}, ['w'] = {KEY_W}, ['x'] = {KEY_X},
    ['y'] = {KEY_Y}, ['z'] = {KEY_Z},
    ['{'] = {KEY_LEFT_BRACKET, true}, ['|'] = {KEY_BACKSLASH, true}, ['}'] = {KEY_RIGHT_BRACKET, true},
    ['~'] = {KEY_GRAVE, true},
};

bool keymap_ascii(char c, enum key *key, bool *shift)
{
    u8 at = (u8)c;
    if (at >= ARRAY_LEN(keymap_chars) || !keymap_chars[at].key)
        return false;
    *key = keymap_chars[at].key;
    *shift = keymap_chars[at].shift;
    return true;
}

static const struct {
    const char *name;
    enum key key;
} keymap_names[] = {
    {"esc", KEY_ESC}, {"f1", KEY_F1}, {"f2", KEY_F2}, {"f3", KEY_F3}, {"f4", KEY_F4}, {"f5", KEY_F5},
    {"f6", KEY_F6}, {"f7", KEY_F7}, {"f8", KEY_F8}, {"f9", KEY_F9}, {"f10", KEY_F10}, {"f11", KEY_F11},
    {"f12", KEY_F12}, {"print", KEY_PRINT}, {"scrolllock", KEY_SCROLL_LOCK}, {"pause", KEY_PAUSE},
    {"backspace", KEY_BACKSPACE}, {"tab", KEY_TAB}, {"capslock", KEY_CAPS_LOCK}, {"enter", KEY_ENTER},
    {"shift", KEY_LEFT_SHIFT}, {"lshift", KEY_LEFT_SHIFT}, {"rshift", KEY_RIGHT_SHIFT},
    {"102nd", KEY_102ND},
    {"ctrl", KEY_LEFT_CTRL}, {"lctrl", KEY_LEFT_CTRL}, {"rctrl", KEY_RIGHT_CTRL}, {"alt", KEY_LEFT_ALT},
    {"lalt", KEY_LEFT_ALT}, {"ralt", KEY_RIGHT_ALT}, {"altgr", KEY_RIGHT_ALT}, {"win", KEY_LEFT_WIN},
    {"lwin", KEY_LEFT_WIN}, {"rwin", KEY_RIGHT_WIN}, {"menu", KEY_MENU}, {"space", KEY_SPACE},
    {"minus", KEY_MINUS}, {"plus", KEY_KP_PLUS}, {"insert", KEY_INSERT}, {"ins", KEY_INSERT},
    {"home", KEY_HOME},
    {"pageup", KEY_PAGE_UP}, {"pgup", KEY_PAGE_UP}, {"delete", KEY_DELETE}, {"del", KEY_DELETE},
    {"end", KEY_END},
    {"pagedown", KEY_PAGE_DOWN}, {"pgdn", KEY_PAGE_DOWN}, {"up", KEY_UP}, {"left", KEY_LEFT},
    {"down", KEY_DOWN},
    {"right", KEY_RIGHT}, {"numlock", KEY_NUM_LOCK}, {"kpslash", KEY_KP_SLASH}, {"kpstar", KEY_KP_STAR},
    {"kpminus", KEY_KP_MINUS}, {"kpplus", KEY_KP_PLUS}, {"kpenter", KEY_KP_ENTER},
    {"kpperiod", KEY_KP_PERIOD},
    {"kp0", KEY_KP_0}, {"kp1", KEY_KP_1}, {"kp2", KEY_KP_2}, {"kp3", KEY_KP_3}, {"kp4", KEY_KP_4},
    {"kp5", KEY_KP_5}, {"kp6", KEY_KP_6}, {"kp7", KEY_KP_7}, {"kp8", KEY_KP_8}, {"kp9", KEY_KP_9},
};

enum key keymap_name(const char *name)
{
    enum key key;
    bool shift;
    if (name[0] && !name[1])
        return keymap_ascii(name[0], &key, &shift) && !shift ? key : KEY_NONE;
    for (size_t i = 0; i < ARRAY_LEN(keymap_names); i++)
        if (!strcmp(name, keymap_names[i].name))
            return keymap_names[i].key;
    return KEY_NONE;
}
