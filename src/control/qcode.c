/* See qcode.h. Names: QEMU's qapi/ui.json, QKeyCode. */
#include "control/qcode.h"

#include <string.h>

static const struct {
    const char *name;
    enum key key;
} qcodes[] = {
    {"shift", KEY_LEFT_SHIFT},
    {"shift_r", KEY_RIGHT_SHIFT},
    {"alt", KEY_LEFT_ALT},
    {"alt_r", KEY_RIGHT_ALT},
    {"ctrl", KEY_LEFT_CTRL},
    {"ctrl_r", KEY_RIGHT_CTRL},
    {"menu", KEY_MENU},
    {"compose", KEY_MENU},
    {"meta_l", KEY_LEFT_WIN},
    {"meta_r", KEY_RIGHT_WIN},
    {"esc", KEY_ESC},
    {"1", KEY_1},
    {"2", KEY_2},
    {"3", KEY_3},
    {"4", KEY_4},
    {"5", KEY_5},
    {"6", KEY_6},
    {"7", KEY_7},
    {"8", KEY_8},
    {"9", KEY_9},
    {"0", KEY_0},
    {"minus", KEY_MINUS},
    {"equal", KEY_EQUAL},
    {"backspace", KEY_BACKSPACE},
    {"tab", KEY_TAB},
    {"q", KEY_Q},
    {"w", KEY_W},
    {"e", KEY_E},
    {"r", KEY_R},
    {"t", KEY_T},
    {"y", KEY_Y},
    {"u", KEY_U},
    {"i", KEY_I},
    {"o", KEY_O},
    {"p", KEY_P},
    {"bracket_left", KEY_LEFT_BRACKET},
    {"bracket_right", KEY_RIGHT_BRACKET},
    {"ret", KEY_ENTER},
    {"a", KEY_A},
    {"s", KEY_S},
    {"d", KEY_D},
    {"f", KEY_F},
    {"g", KEY_G},
    {"h", KEY_H},
    {"j", KEY_J},
    {"k", KEY_K},
    {"l", KEY_L},
    {"semicolon", KEY_SEMICOLON},
    {"apostrophe", KEY_APOSTROPHE},
    {"grave_accent", KEY_GRAVE},
    {"backslash", KEY_BACKSLASH},
    {"z", KEY_Z},
    {"x", KEY_X},
    {"c", KEY_C},
    {"v", KEY_V},
    {"b", KEY_B},
    {"n", KEY_N},
    {"m", KEY_M},
    {"comma", KEY_COMMA},
    {"dot", KEY_PERIOD},
    {"slash", KEY_SLASH},
    {"asterisk", KEY_KP_STAR},
    {"spc", KEY_SPACE},
    {"caps_lock", KEY_CAPS_LOCK},
    {"less", KEY_102ND},
    {"f1", KEY_F1},
    {"f2", KEY_F2},
    {"f3", KEY_F3},
    {"f4", KEY_F4},
    {"f5", KEY_F5},
    {"f6", KEY_F6},
    {"f7", KEY_F7},
    {"f8", KEY_F8},
    {"f9", KEY_F9},
    {"f10", KEY_F10},
    {"f11", KEY_F11},
    {"f12", KEY_F12},
    {"num_lock", KEY_NUM_LOCK},
    {"scroll_lock", KEY_SCROLL_LOCK},
    {"kp_divide", KEY_KP_SLASH},
    {"kp_multiply", KEY_KP_STAR},
    {"kp_subtract", KEY_KP_MINUS},
    {"kp_add", KEY_KP_PLUS},
    {"kp_enter", KEY_KP_ENTER},
    {"kp_decimal", KEY_KP_PERIOD},
    {"kp_0", KEY_KP_0},
    {"kp_1", KEY_KP_1},
    {"kp_2", KEY_KP_2},
    {"kp_3", KEY_KP_3},
    {"kp_4", KEY_KP_4},
    {"kp_5", KEY_KP_5},
    {"kp_6", KEY_KP_6},
    {"kp_7", KEY_KP_7},
    {"kp_8", KEY_KP_8},
    {"kp_9", KEY_KP_9},
    {"print", KEY_PRINT},
    {"sysrq", KEY_PRINT},
    {"pause", KEY_PAUSE},
    {"home", KEY_HOME},
    {"end", KEY_END},
    {"pgup", KEY_PAGE_UP},
    {"pgdn", KEY_PAGE_DOWN},
    {"insert", KEY_INSERT},
    {"delete", KEY_DELETE},
    {"up", KEY_UP},
    {"down", KEY_DOWN},
    {"left", KEY_LEFT},
    {"right", KEY_RIGHT},
};

enum key qcode_key(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(qcodes); i++)
        if (strcmp(name, qcodes[i].name) == 0)
            return qcodes[i].key;
    return KEY_NONE;
}

enum key qcode_number_key(s64 number)
{
    enum { BEHIND_E0 = 0x80, ALL = 0xff };
    if (number <= 0 || number > ALL)
        return KEY_NONE;
    for (int key = KEY_NONE + 1; key < KEY_COUNT; key++) {
        bool extended = false;
        u8 code = keyboard_make_code((enum key)key, 1, &extended);
        if (code && (code | (extended ? BEHIND_E0 : 0)) == number)
            return (enum key)key;
    }
    return KEY_NONE;
}
