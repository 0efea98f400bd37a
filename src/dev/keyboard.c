/* IBM PS/2 Hardware Interface Technical Reference, "Keyboards (101- and 102-key)".
 * LIMIT: no typematic repeat (whoever injects keys may repeat the press); the fake shifts which a real
 * keyboard puts around the grey cursor keys while Shift is held or Num Lock is on are not sent. */
#include "dev/keyboard.h"

#include "machine/state.h"

#include <string.h>

enum keyboard_command {
    COMMAND_SET_LEDS = 0xed,
    COMMAND_ECHO = 0xee,
    COMMAND_SELECT_SET = 0xf0,
    COMMAND_READ_ID = 0xf2,
    COMMAND_SET_TYPEMATIC = 0xf3,
    COMMAND_ENABLE = 0xf4,
    COMMAND_DISABLE = 0xf5,
    COMMAND_DEFAULTS = 0xf6,
    COMMAND_ALL_TYPEMATIC = 0xf7,
    COMMAND_ALL_MAKE_BREAK = 0xf8,
    COMMAND_ALL_MAKE = 0xf9,
    COMMAND_ALL_TYPEMATIC_MAKE_BREAK = 0xfa,
    COMMAND_KEY_TYPEMATIC = 0xfb,
    COMMAND_KEY_MAKE_BREAK = 0xfc,
    COMMAND_KEY_MAKE = 0xfd,
    COMMAND_RESEND = 0xfe,
    COMMAND_RESET = 0xff,
    COMMAND_FIRST = COMMAND_SET_LEDS,
};
enum keyboard_reply {
    REPLY_ACK = 0xfa,
    REPLY_RESEND = 0xfe,
    REPLY_SELF_TEST_OK = 0xaa,
    REPLY_ID_FIRST = 0xab,
    REPLY_ID_SECOND = 0x83,
};
enum scan_code { SCAN_EXTENDED = 0xe0, SCAN_PAUSE = 0xe1, SCAN_BREAK = 0xf0, SCAN_BREAK_SET_1 = 0x80 };
enum { OVERRUN_SET_1 = 0xff, OVERRUN = 0x00, DEFAULT_SET = 2, DEFAULT_TYPEMATIC = 0x2b };

struct key_codes {
    u8 set1, set2, set3;
    bool extended; /* sets 1 and 2 */
};

/* Same reference, "Scan code tables". */
static const struct key_codes key_codes[KEY_COUNT] = {
    [KEY_ESC] = {0x01, 0x76, 0x08},
    [KEY_F1] = {0x3b, 0x05, 0x07},
    [KEY_F2] = {0x3c, 0x06, 0x0f},
    [KEY_F3] = {0x3d, 0x04, 0x17},
    [KEY_F4] = {0x3e, 0x0c, 0x1f},
    [KEY_F5] = {0x3f, 0x03, 0x27},
    [KEY_F6] = {0x40, 0x0b, 0x2f},
    [KEY_F7] = {0x41, 0x83, 0x37},
    [KEY_F8] = {0x42, 0x0a, 0x3f},
    [KEY_F9] = {0x43, 0x01, 0x47},
    [KEY_F10] = {0x44, 0x09, 0x4f},
    [KEY_F11] = {0x57, 0x78, 0x56},
    [KEY_F12] = {0x58, 0x07, 0x5e},
    [KEY_PRINT] = {0, 0, 0x57},
    [KEY_SCROLL_LOCK] = {0x46, 0x7e, 0x5f},
    [KEY_PAUSE] = {0, 0, 0x62},
    [KEY_GRAVE] = {0x29, 0x0e, 0x0e},
    [KEY_1] = {0x02, 0x16, 0x16},
    [KEY_2] = {0x03, 0x1e, 0x1e},
    [KEY_3] = {0x04, 0x26, 0x26},
    [KEY_4] = {0x05, 0x25, 0x25},
    [KEY_5] = {0x06, 0x2e, 0x2e},
    [KEY_6] = {0x07, 0x36, 0x36},
    [KEY_7] = {0x08, 0x3d, 0x3d},
    [KEY_8] = {0x09, 0x3e, 0x3e},
    [KEY_9] = {0x0a, 0x46, 0x46},
    [KEY_0] = {0x0b, 0x45, 0x45},
    [KEY_MINUS] = {0x0c, 0x4e, 0x4e},
    [KEY_EQUAL] = {0x0d, 0x55, 0x55},
    [KEY_BACKSPACE] = {0x0e, 0x66, 0x66},
    [KEY_TAB] = {0x0f, 0x0d, 0x0d},
    [KEY_Q] = {0x10, 0x15, 0x15},
    [KEY_W] = {0x11, 0x1d, 0x1d},
    [KEY_E] = {0x12, 0x24, 0x24},
    [KEY_R] = {0x13, 0x2d, 0x2d},
    [KEY_T] = {0x14, 0x2c, 0x2c},
    [KEY_Y] = {0x15, 0x35, 0x35},
    [KEY_U] = {0x16, 0x3c, 0x3c},
    [KEY_I] = {0x17, 0x43, 0x43},
    [KEY_O] = {0x18, 0x44, 0x44},
    [KEY_P] = {0x19, 0x4d, 0x4d},
    [KEY_LEFT_BRACKET] = {0x1a, 0x54, 0x54},
    [KEY_RIGHT_BRACKET] = {0x1b, 0x5b, 0x5b},
    [KEY_BACKSLASH] = {0x2b, 0x5d, 0x5c},
    [KEY_CAPS_LOCK] = {0x3a, 0x58, 0x14},
    [KEY_A] = {0x1e, 0x1c, 0x1c},
    [KEY_S] = {0x1f, 0x1b, 0x1b},
    [KEY_D] = {0x20, 0x23, 0x23},
    [KEY_F] = {0x21, 0x2b, 0x2b},
    [KEY_G] = {0x22, 0x34, 0x34},
    [KEY_H] = {0x23, 0x33, 0x33},
    [KEY_J] = {0x24, 0x3b, 0x3b},
    [KEY_K] = {0x25, 0x42, 0x42},
    [KEY_L] = {0x26, 0x4b, 0x4b},
    [KEY_SEMICOLON] = {0x27, 0x4c, 0x4c},
    [KEY_APOSTROPHE] = {0x28, 0x52, 0x52},
    [KEY_ENTER] = {0x1c, 0x5a, 0x5a},
    [KEY_LEFT_SHIFT] = {0x2a, 0x12, 0x12},
    [KEY_102ND] = {0x56, 0x61, 0x13},
    [KEY_Z] = {0x2c, 0x1a, 0x1a},
    [KEY_X] = {0x2d, 0x22, 0x22},
    [KEY_C] = {0x2e, 0x21, 0x21},
    [KEY_V] = {0x2f, 0x2a, 0x2a},
    [KEY_B] = {0x30, 0x32, 0x32},
    [KEY_N] = {0x31, 0x31, 0x31},
    [KEY_M] = {0x32, 0x3a, 0x3a},
    [KEY_COMMA] = {0x33, 0x41, 0x41},
    [KEY_PERIOD] = {0x34, 0x49, 0x49},
    [KEY_SLASH] = {0x35, 0x4a, 0x4a},
    [KEY_RIGHT_SHIFT] = {0x36, 0x59, 0x59},
    [KEY_LEFT_CTRL] = {0x1d, 0x14, 0x11},
    [KEY_LEFT_WIN] = {0x5b, 0x1f, 0x8b, true},
    [KEY_LEFT_ALT] = {0x38, 0x11, 0x19},
    [KEY_SPACE] = {0x39, 0x29, 0x29},
    [KEY_RIGHT_ALT] = {0x38, 0x11, 0x39, true},
    [KEY_RIGHT_WIN] = {0x5c, 0x27, 0x8c, true},
    [KEY_MENU] = {0x5d, 0x2f, 0x8d, true},
    [KEY_RIGHT_CTRL] = {0x1d, 0x14, 0x58, true},
    [KEY_INSERT] = {0x52, 0x70, 0x67, true},
    [KEY_HOME] = {0x47, 0x6c, 0x6e, true},
    [KEY_PAGE_UP] = {0x49, 0x7d, 0x6f, true},
    [KEY_DELETE] = {0x53, 0x71, 0x64, true},
    [KEY_END] = {0x4f, 0x69, 0x65, true},
    [KEY_PAGE_DOWN] = {0x51, 0x7a, 0x6d, true},
    [KEY_UP] = {0x48, 0x75, 0x63, true},
    [KEY_LEFT] = {0x4b, 0x6b, 0x61, true},
    [KEY_DOWN] = {0x50, 0x72, 0x60, true},
    [KEY_RIGHT] = {0x4d, 0x74, 0x6a, true},
    [KEY_NUM_LOCK] = {0x45, 0x77, 0x76},
    [KEY_KP_SLASH] = {0x35, 0x4a, 0x77, true},
    [KEY_KP_STAR] = {0x37, 0x7c, 0x7e},
    [KEY_KP_MINUS] = {0x4a, 0x7b, 0x84},
    [KEY_KP_7] = {0x47, 0x6c, 0x6c},
    [KEY_KP_8] = {0x48, 0x75, 0x75},
    [KEY_KP_9] = {0x49, 0x7d, 0x7d},
    [KEY_KP_PLUS] = {0x4e, 0x79, 0x7c},
    [KEY_KP_4] = {0x4b, 0x6b, 0x6b},
    [KEY_KP_5] = {0x4c, 0x73, 0x73},
    [KEY_KP_6] = {0x4d, 0x74, 0x74},
    [KEY_KP_1] = {0x4f, 0x69, 0x69},
    [KEY_KP_2] = {0x50, 0x72, 0x72},
    [KEY_KP_3] = {0x51, 0x7a, 0x7a},
    [KEY_KP_ENTER] = {0x1c, 0x5a, 0x79, true},
    [KEY_KP_0] = {0x52, 0x70, 0x70},
    [KEY_KP_PERIOD] = {0x53, 0x71, 0x71},
};

u8 keyboard_make_code(enum key key, unsigned set, bool *extended)
{
    if ((unsigned)key >= KEY_COUNT)
        key = KEY_NONE;
    *extended = key_codes[key].extended;
    return set == 1 ? key_codes[key].set1 : key_codes[key].set2;
}

/* --- What a key sends --- */

struct sequence {
    u8 byte[KEYBOARD_KEY_BYTES];
    u32 n;
};

static void sequence_put(struct sequence *s, u8 value)
{
    s->byte[s->n++] = value;
}

/* One code with its prefixes, in set 1 or 2. */
static void sequence_code(struct sequence *s, const struct keyboard *kb, struct key_codes codes, bool down)
{
    if (codes.extended)
        sequence_put(s, SCAN_EXTENDED);
    if (kb->set == 1) {
        sequence_put(s, codes.set1 | (down ? 0 : SCAN_BREAK_SET_1));
        return;
    }
    if (!down)
        sequence_put(s, SCAN_BREAK);
    sequence_put(s, codes.set2);
}

/* Print Screen is the extended keypad star with a shift around it, unless one is held; with Alt it is
 * SysRq. */
static void sequence_print(struct sequence *s, const struct keyboard *kb, bool down)
{
    static const struct key_codes shift = {0x2a, 0x12, 0, true}, star = {0x37, 0x7c, 0, true};
    static const struct key_codes sysrq = {0x54, 0x84, 0, false};
    bool bare = !kb->shift && !kb->ctrl;
    if (kb->alt) {
        sequence_code(s, kb, sysrq, down);
        return;
    }
    if (bare && down)
        sequence_code(s, kb, shift, down);
    sequence_code(s, kb, star, down);
    if (bare && !down)
        sequence_code(s, kb, shift, down);
}

/* Pause has no break code: it sends everything when pressed. With Ctrl it is Break. */
static void sequence_pause(struct sequence *s, const struct keyboard *kb, bool down)
{
    static const struct key_codes ctrl = {0x1d, 0x14, 0, false}, num = {0x45, 0x77, 0, false};
    static const struct key_codes brk = {0x46, 0x7e, 0, true};
    if (!down)
        return;
    for (int make = 1; make >= 0; make--) {
        if (kb->ctrl) {
            sequence_code(s, kb, brk, make);
            continue;
        }
        sequence_put(s, SCAN_PAUSE);
        sequence_code(s, kb, ctrl, make);
        sequence_code(s, kb, num, make);
    }
}

static void sequence_set_3(struct sequence *s, const struct keyboard *kb, u8 code, bool down)
{
    if (!down && !(kb->breaks[code / 8] & BIT(code % 8)))
        return;
    if (!down)
        sequence_put(s, SCAN_BREAK);
    sequence_put(s, code);
}

static void keyboard_track_modifiers(struct keyboard *kb, enum key key, bool down)
{
    if (key == KEY_LEFT_SHIFT || key == KEY_RIGHT_SHIFT)
        kb->shift = down;
    else if (key == KEY_LEFT_CTRL || key == KEY_RIGHT_CTRL)
        kb->ctrl = down;
    else if (key == KEY_LEFT_ALT || key == KEY_RIGHT_ALT)
        kb->alt = down;
}

/* What does not fit is lost, and all that follows until the buffer is empty; the overrun code takes its
 * place. */
static void keyboard_buffer(struct keyboard *kb, const struct sequence *s)
{
    if (kb->overrun && kb->buffered)
        return;
    kb->overrun = kb->buffered + s->n > KEYBOARD_BUFFER_BYTES;
    if (kb->overrun) {
        kb->buffer[kb->buffered++] = kb->set == 1 ? OVERRUN_SET_1 : OVERRUN;
        return;
    }
    memcpy(kb->buffer + kb->buffered, s->byte, s->n);
    kb->buffered += s->n;
}

void keyboard_key(struct keyboard *kb, enum key key, bool down)
{
    struct sequence s = {.n = 0};
    if (key <= KEY_NONE || key >= KEY_COUNT)
        return;
    keyboard_track_modifiers(kb, key, down);
    if (!kb->scanning)
        return;
    if (kb->set == 3)
        sequence_set_3(&s, kb, key_codes[key].set3, down);
    else if (key == KEY_PRINT)
        sequence_print(&s, kb, down);
    else if (key == KEY_PAUSE)
        sequence_pause(&s, kb, down);
    else
        sequence_code(&s, kb, key_codes[key], down);
    keyboard_buffer(kb, &s);
}

/* --- Commands --- */

static void keyboard_reply(struct keyboard *kb, u8 value)
{
    if (kb->replies < KEYBOARD_REPLY_BYTES)
        kb->reply[kb->replies++] = value;
}

/* Set 3: whether key `code` sends break codes, or all do. */
static void keyboard_set_break(struct keyboard *kb, u8 code, bool on)
{
    u8 bit = (u8)BIT(code % 8);
    kb->breaks[code / 8] = on ? kb->breaks[code / 8] | bit : kb->breaks[code / 8] & (u8)~bit;
}

static void keyboard_default_breaks(struct keyboard *kb)
{
    static const u8 make_break[] = {KEY_LEFT_SHIFT, KEY_RIGHT_SHIFT, KEY_LEFT_CTRL, KEY_LEFT_ALT,
                                    KEY_CAPS_LOCK};
    memset(kb->breaks, 0, sizeof kb->breaks);
    for (size_t i = 0; i < sizeof make_break; i++)
        keyboard_set_break(kb, key_codes[make_break[i]].set3, true);
}

static void keyboard_defaults(struct keyboard *kb)
{
    kb->buffered = 0;
    kb->set = DEFAULT_SET;
    kb->typematic = DEFAULT_TYPEMATIC;
    keyboard_default_breaks(kb);
}

void keyboard_reset(struct keyboard *kb)
{
    *kb = (struct keyboard){.scanning = true};
    keyboard_defaults(kb);
}

static void keyboard_select_set(struct keyboard *kb, u8 set)
{
    if (set > 3) {
        keyboard_reply(kb, REPLY_RESEND);
        return;
    }
    keyboard_reply(kb, REPLY_ACK);
    if (!set) {
        keyboard_reply(kb, kb->set);
        return;
    }
    kb->set = set;
    kb->buffered = 0;
}

static void keyboard_argument(struct keyboard *kb, u8 value)
{
    u8 command = kb->command;
    kb->command = 0;
    switch (command) {
    case COMMAND_SET_LEDS:
        kb->leds = value & 7;
        break;
    case COMMAND_SET_TYPEMATIC:
        kb->typematic = value;
        break;
    case COMMAND_SELECT_SET:
        keyboard_select_set(kb, value);
        return;
    case COMMAND_KEY_TYPEMATIC:
    case COMMAND_KEY_MAKE_BREAK:
    case COMMAND_KEY_MAKE:
        keyboard_set_break(kb, value, command == COMMAND_KEY_MAKE_BREAK);
        kb->command = command; /* more keys until the next command */
        break;
    }
    keyboard_reply(kb, REPLY_ACK);
}

static void keyboard_command(struct keyboard *kb, u8 command)
{
    switch (command) {
    case COMMAND_ECHO:
        keyboard_reply(kb, COMMAND_ECHO);
        return;
    case COMMAND_RESEND:
        keyboard_reply(kb, kb->last_sent);
        return;
    case COMMAND_RESET:
        keyboard_reset(kb);
        keyboard_reply(kb, REPLY_ACK);
        keyboard_reply(kb, REPLY_SELF_TEST_OK);
        return;
    case COMMAND_READ_ID:
        keyboard_reply(kb, REPLY_ACK);
        keyboard_reply(kb, REPLY_ID_FIRST);
        keyboard_reply(kb, REPLY_ID_SECOND);
        return;
    case COMMAND_SET_LEDS:
    case COMMAND_SET_TYPEMATIC:
    case COMMAND_SELECT_SET:
    case COMMAND_KEY_TYPEMATIC:
    case COMMAND_KEY_MAKE_BREAK:
    case COMMAND_KEY_MAKE:
        kb->command = command;
        break;
    case COMMAND_ENABLE:
        kb->buffered = 0;
        kb->scanning = true;
        break;
    case COMMAND_DISABLE:
        keyboard_defaults(kb);
        kb->scanning = false;
        break;
    case COMMAND_DEFAULTS:
        keyboard_defaults(kb);
        break;
    case COMMAND_ALL_TYPEMATIC:
    case COMMAND_ALL_MAKE:
        memset(kb->breaks, 0, sizeof kb->breaks);
        break;
    case COMMAND_ALL_MAKE_BREAK:
    case COMMAND_ALL_TYPEMATIC_MAKE_BREAK:
        memset(kb->breaks, 0xff, sizeof kb->breaks);
        break;
    default:
        keyboard_reply(kb, REPLY_RESEND);
        return;
    }
    keyboard_reply(kb, REPLY_ACK);
}

/* A command in place of an argument is taken as the command it is. */
void keyboard_receive(struct keyboard *kb, u8 value)
{
    if (kb->command && value < COMMAND_FIRST) {
        keyboard_argument(kb, value);
        return;
    }
    kb->command = 0;
    keyboard_command(kb, value);
}

bool keyboard_send(struct keyboard *kb, u8 *value, bool *reply)
{
    *reply = kb->replies;
    u8 *from = *reply ? kb->reply : kb->buffer;
    u32 *n = *reply ? &kb->replies : &kb->buffered;
    if (!*n)
        return false;
    *value = from[0];
    memmove(from, from + 1, --*n);
    kb->last_sent = *value;
    return true;
}

void keyboard_state(struct keyboard *kb, struct state *s)
{
    state_u8_in(s, &kb->set, 1, 3, "the keyboard's scan code set");
    state_u8(s, &kb->command);
    state_u8(s, &kb->leds);
    state_u8(s, &kb->typematic);
    state_u8(s, &kb->last_sent);
    state_bool(s, &kb->scanning);
    state_bool(s, &kb->shift);
    state_bool(s, &kb->ctrl);
    state_bool(s, &kb->alt);
    state_u32_in(s, &kb->buffered, 0, sizeof kb->buffer, "the keyboard's buffer");
    state_bytes(s, kb->buffer, kb->buffered);
    state_bool(s, &kb->overrun);
    state_check(s, kb->overrun || kb->buffered <= KEYBOARD_BUFFER_BYTES, "the keyboard's buffer");
    state_u32_in(s, &kb->replies, 0, sizeof kb->reply, "the keyboard's replies");
    state_bytes(s, kb->reply, kb->replies);
    state_bytes(s, kb->breaks, sizeof kb->breaks);
}
