/* See chord.h. terminfo(5) for the names of keys; xterm's "PC-Style Function Keys" for the modifiers in them.
 */
#include "ui/chord.h"

#include "dev/keymap.h"
#include "ui/glyph.h"

#include <stdlib.h>
#include <string.h>

enum { ASCII_DELETE = 0x7f, FIRST_PRINTED = 0x20, CONTROL_BASE = 0x40, FUNCTION_KEYS = 12 };

/* Control characters that are no letter's. */
static bool control_chord(u32 c, struct chord *chord)
{
    static const struct chord other[] = {
        [0x00] = {.key = KEY_2, .ctrl = true},
        [0x1c] = {.key = KEY_BACKSLASH, .ctrl = true},
        [0x1d] = {.key = KEY_RIGHT_BRACKET, .ctrl = true},
        [0x1e] = {.key = KEY_6, .ctrl = true},
        [0x1f] = {.key = KEY_MINUS, .ctrl = true},
    };
    bool shift;
    *chord = other[c];
    if (chord->key)
        return true;
    chord->ctrl = true;
    return keymap_ascii((char)(c + CONTROL_BASE), &chord->key, &shift);
}

bool chord_of_char(u32 c, struct chord *chord)
{
    *chord = (struct chord){.key = KEY_NONE};
    if (c == ASCII_DELETE)
        c = '\b';
    if (c < ASCII_DELETE && keymap_ascii((char)c, &chord->key, &chord->shift))
        return true;
    if (c < FIRST_PRINTED)
        return control_chord(c, chord);
    return glyph_code(c, &chord->code);
}

static const struct named {
    const char *name;
    struct chord chord;
} named_keys[] = {
    {"KEY_UP", {KEY_UP}},
    {"KEY_DOWN", {KEY_DOWN}},
    {"KEY_LEFT", {KEY_LEFT}},
    {"KEY_RIGHT", {KEY_RIGHT}},
    {"KEY_HOME", {KEY_HOME}},
    {"KEY_FIND", {KEY_HOME}},
    {"KEY_END", {KEY_END}},
    {"KEY_SELECT", {KEY_END}},
    {"KEY_LL", {KEY_END}},
    {"KEY_PPAGE", {KEY_PAGE_UP}},
    {"KEY_NPAGE", {KEY_PAGE_DOWN}},
    {"KEY_IC", {KEY_INSERT}},
    {"KEY_DC", {KEY_DELETE}},
    {"KEY_BACKSPACE", {KEY_BACKSPACE}},
    {"KEY_ENTER", {KEY_ENTER}},
    {"KEY_PRINT", {KEY_PRINT}},
    {"KEY_SUSPEND", {KEY_Z, .ctrl = true}},
    {"KEY_CANCEL", {KEY_PAUSE, .ctrl = true}},
    {"KEY_BREAK", {KEY_PAUSE, .ctrl = true}},
    {"KEY_A1", {KEY_KP_7}},
    {"KEY_A3", {KEY_KP_9}},
    {"KEY_B2", {KEY_KP_5}},
    {"KEY_C1", {KEY_KP_1}},
    {"KEY_C3", {KEY_KP_3}},
    {"KEY_BTAB", {KEY_TAB, .shift = true}},
    {"KEY_SR", {KEY_UP, .shift = true}},
    {"KEY_SF", {KEY_DOWN, .shift = true}},
    {"KEY_SLEFT", {KEY_LEFT, .shift = true}},
    {"KEY_SRIGHT", {KEY_RIGHT, .shift = true}},
    {"KEY_SHOME", {KEY_HOME, .shift = true}},
    {"KEY_SEND", {KEY_END, .shift = true}},
    {"KEY_SPREVIOUS", {KEY_PAGE_UP, .shift = true}},
    {"KEY_SNEXT", {KEY_PAGE_DOWN, .shift = true}},
    {"KEY_SIC", {KEY_INSERT, .shift = true}},
    {"KEY_SDC", {KEY_DELETE, .shift = true}},
};

/* "KEY_F(n)": terminfo counts on where there are modifiers: 12 with Shift, with Ctrl, with both, with Alt,
 * with Alt and Shift. */
static bool function_chord(const char *name, struct chord *chord)
{
    static const struct chord with[] = {
        {.key = KEY_NONE}, {.shift = true},
        {.ctrl = true},    {.ctrl = true, .shift = true},
        {.alt = true},     {.alt = true, .shift = true},
    };
    static const u8 key[FUNCTION_KEYS] = {KEY_F1, KEY_F2, KEY_F3, KEY_F4,  KEY_F5,  KEY_F6,
                                          KEY_F7, KEY_F8, KEY_F9, KEY_F10, KEY_F11, KEY_F12};
    if (strncmp(name, "KEY_F(", 6) != 0)
        return false;
    u32 n = (u32)strtoul(name + 6, NULL, 10);
    if (n < 1 || n > FUNCTION_KEYS * ARRAY_LEN(with))
        return false;
    *chord = with[(n - 1) / FUNCTION_KEYS];
    chord->key = key[(n - 1) % FUNCTION_KEYS];
    return true;
}

/* "kUP5" and the like: the digit less one is Shift, 2 Alt, 4 Ctrl. Without a digit it is Shift. */
static bool modified_chord(const char *name, struct chord *chord)
{
    static const struct {
        const char *name;
        enum key key;
    } keys[] = {
        {"kUP", KEY_UP},     {"kDN", KEY_DOWN},   {"kLFT", KEY_LEFT},    {"kRIT", KEY_RIGHT},
        {"kHOM", KEY_HOME},  {"kEND", KEY_END},   {"kPRV", KEY_PAGE_UP}, {"kNXT", KEY_PAGE_DOWN},
        {"kIC", KEY_INSERT}, {"kDC", KEY_DELETE},
    };
    enum { SHIFT = 1, ALT = 2, CTRL = 4 };
    size_t letters = strcspn(name, "0123456789");
    u32 with = name[letters] ? (u32)strtoul(name + letters, NULL, 10) - 1 : SHIFT;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (strlen(keys[i].name) != letters || strncmp(keys[i].name, name, letters) != 0 ||
            with > (SHIFT | ALT | CTRL))
            continue;
        *chord = (struct chord){keys[i].key, .shift = with & SHIFT, .alt = with & ALT, .ctrl = with & CTRL};
        return true;
    }
    return false;
}

bool chord_of_name(const char *name, struct chord *chord)
{
    for (size_t i = 0; i < ARRAY_LEN(named_keys); i++) {
        if (strcmp(named_keys[i].name, name) != 0)
            continue;
        *chord = named_keys[i].chord;
        return true;
    }
    return function_chord(name, chord) || modified_chord(name, chord);
}

static u32 add_event(struct chord_event *event, u32 n, enum key key, bool down)
{
    event[n] = (struct chord_event){.key = (u8)key, .down = down};
    return n + 1;
}

/* Alt goes down, digits are typed, Alt goes up: that is when the BIOS has the character. */
static u32 code_events(u8 code, struct chord_event *event)
{
    static const u8 digit[10] = {KEY_KP_0, KEY_KP_1, KEY_KP_2, KEY_KP_3, KEY_KP_4,
                                 KEY_KP_5, KEY_KP_6, KEY_KP_7, KEY_KP_8, KEY_KP_9};
    u32 n = add_event(event, 0, KEY_LEFT_ALT, true);
    for (u32 unit = code >= 100 ? 100 : code >= 10 ? 10 : 1; unit; unit /= 10) {
        n = add_event(event, n, digit[code / unit % 10], true);
        n = add_event(event, n, digit[code / unit % 10], false);
    }
    return add_event(event, n, KEY_LEFT_ALT, false);
}

u32 chord_events(const struct chord *chord, struct chord_event event[CHORD_MAX_EVENTS], u32 *held)
{
    const struct {
        bool on;
        enum key key;
    } modifier[] = {{chord->ctrl, KEY_LEFT_CTRL}, {chord->alt, KEY_LEFT_ALT}, {chord->shift, KEY_LEFT_SHIFT}};
    u32 n = 0;
    if (chord->key == KEY_NONE) {
        n = code_events(chord->code, event);
        *held = n;
        return n;
    }
    for (size_t i = 0; i < ARRAY_LEN(modifier); i++)
        if (modifier[i].on)
            n = add_event(event, n, modifier[i].key, true);
    n = add_event(event, n, chord->key, true);
    *held = n;
    n = add_event(event, n, chord->key, false);
    for (size_t i = ARRAY_LEN(modifier); i-- > 0;)
        if (modifier[i].on)
            n = add_event(event, n, modifier[i].key, false);
    return n;
}
