/* The mouse driver: what becomes of a packet of the pointing device. The BIOS calls the stub (mouse.asm) with it, the stub calls here, and
 * goes on with the program's handler, if the packet has something for it. Microsoft Mouse Programmer's Reference, 2nd ed.; Ralf
 * Brown's Interrupt List, INT 33h. */
#include "dos/dos_impl.h"

#include "machine/state.h"

#include <string.h>

enum { BDA_SHIFTS = 0x417, BDA_MODE = 0x449, BDA_LAST_ROW = 0x484, MODE_BITS = 0x7f, MAX_ROWS = 128 };
enum { NO_MODE = 0xff }; /* not what BDA_MODE may say */
enum { CELL = 8, PIXEL = 1 << 16, RATIO_PIXELS = 8, SENSITIVITY = 50, SIGNATURE = 0x4d444c48 };
enum mouse_default { RATIO_X = 8, RATIO_Y = 16, THRESHOLD = 64, HIDDEN = -1, TEXT_AND = 0x77ff, TEXT_XOR = 0x7700 };

/* Bits of call masks, and of AX when a handler is called. */
enum mouse_event {
    EVENT_MOVED = 1 << 0,
    EVENT_PRESSED = 1 << 1,  /* left; the others follow, two bits each */
    EVENT_RELEASED = 1 << 2,
    EVENT_LEFT_RIGHT = 0x1f,
    EVENT_ALL = 0x7f,
    /* Function 18h: which keys are held down. */
    KEYS_SHIFT = 1 << 5,
    KEYS_CTRL = 1 << 6,
    KEYS_ALT = 1 << 7,
    KEYS = KEYS_SHIFT | KEYS_CTRL | KEYS_ALT,
};

/* --- the screen --- */

static void take_extents(struct dos_mouse *m)
{
    const struct mouse_screen *screen = mouse_screen(m->mode);
    m->width = screen->width;
    m->height = screen->layout == MOUSE_TEXT && m->rows ? (u16)(m->rows * CELL) : screen->height;
}

static void take_whole_screen(struct dos *dos)
{
    struct dos_mouse *m = &dos->mouse;
    mouse_set_range(dos, &m->s.range_x, 0, (s16)(m->width - 1));
    mouse_set_range(dos, &m->s.range_y, 0, (s16)(m->height - 1));
}

void mouse_look(struct dos *dos)
{
    struct dos_mouse *m = &dos->mouse;
    u8 mode = bda_u8(dos, BDA_MODE) & MODE_BITS;
    u8 rows = (u8)MIN(bda_u8(dos, BDA_LAST_ROW) + 1, MAX_ROWS);
    if (mode == m->mode && rows == m->rows)
        return;
    if (mode == m->mode) {
        mouse_erase(dos);
    } else {
        m->drawn = 0; /* what was beneath it is gone, too */
        m->s.shown = HIDDEN;
        m->s.excludes = 0;
        m->s.page = 0;
    }
    m->mode = mode;
    m->rows = rows;
    take_extents(m);
    take_whole_screen(dos);
}

/* What is on the screen goes; at the next look it is a new mode, also if it is the same. */
enum dos_next mouse_mode_set(struct dos *dos)
{
    dos->mouse.drawn = 0;
    dos->mouse.mode = NO_MODE;
    return DOS_RETURN;
}

static bool excluded(const struct dos_mouse *m, s16 x, s16 y)
{
    const struct mouse_state *s = &m->s;
    const struct mouse_screen *screen = mouse_screen(m->mode);
    if (!s->excludes)
        return false;
    s32 left = x, top = y, right = x, bottom = y;
    if (screen->layout != MOUSE_TEXT) { /* the whole picture counts */
        left -= s->hot_x * (1 << screen->x_shift);
        top -= s->hot_y;
        right = left + ((MOUSE_CURSOR_ROWS << screen->x_shift) - 1);
        bottom = top + MOUSE_CURSOR_ROWS - 1;
    }
    return right >= s->exclude_x.min && left <= s->exclude_x.max && bottom >= s->exclude_y.min &&
           top <= s->exclude_y.max;
}

void mouse_refresh(struct dos *dos)
{
    struct dos_mouse *m = &dos->mouse;
    s16 x = mouse_x(dos), y = mouse_y(dos);
    bool wanted = m->s.shown == 0 && m->s.enabled && !excluded(m, x, y);
    if (m->drawn && (!wanted || !mouse_drawn_there(dos, x, y)))
        mouse_erase(dos);
    if (wanted && !m->drawn)
        mouse_draw(dos, x, y);
}

/* --- the position --- */

static s16 on_grid(s32 position, u8 grid)
{
    return (s16)((position >> 16) & ~((1 << grid) - 1));
}

s16 mouse_x(const struct dos *dos)
{
    return on_grid(dos->mouse.s.x, mouse_screen(dos->mouse.mode)->grid_x);
}

s16 mouse_y(const struct dos *dos)
{
    return on_grid(dos->mouse.s.y, mouse_screen(dos->mouse.mode)->grid_y);
}

static s32 within(s64 position, const struct mouse_range *range)
{
    s64 min = (s64)range->min * PIXEL, max = (s64)range->max * PIXEL;
    return (s32)(position < min ? min : position > max ? max : position);
}

void mouse_place(struct dos *dos, s32 x, s32 y)
{
    struct mouse_state *s = &dos->mouse.s;
    s->x = within((s64)x * PIXEL, &s->range_x);
    s->y = within((s64)y * PIXEL, &s->range_y);
}

void mouse_set_range(struct dos *dos, struct mouse_range *range, s16 one, s16 other)
{
    struct mouse_state *s = &dos->mouse.s;
    range->min = MIN(one, other);
    range->max = MAX(one, other);
    s->x = within(s->x, &s->range_x);
    s->y = within(s->y, &s->range_y);
}

void mouse_reset_state(struct dos *dos)
{
    /* An arrow. */
    static const u16 screen_mask[] = {0x3fff, 0x1fff, 0x0fff, 0x07ff, 0x03ff, 0x01ff, 0x00ff, 0x007f,
                                      0x003f, 0x001f, 0x01ff, 0x10ff, 0x30ff, 0xf87f, 0xf87f, 0xfcff};
    static const u16 cursor_mask[] = {0x0000, 0x4000, 0x6000, 0x7000, 0x7800, 0x7c00, 0x7e00, 0x7f00,
                                      0x7f80, 0x7c00, 0x6c00, 0x4600, 0x0600, 0x0300, 0x0300, 0x0000};
    struct dos_mouse *m = &dos->mouse;
    u16 language = m->s.language;
    m->s = (struct mouse_state){
        .signature = SIGNATURE,
        .ratio_x = RATIO_X,
        .ratio_y = RATIO_Y,
        .sensitivity_x = SENSITIVITY,
        .sensitivity_y = SENSITIVITY,
        .sensitivity_double = SENSITIVITY,
        .threshold = THRESHOLD,
        .shown = HIDDEN,
        .language = language,
        .text_and = TEXT_AND,
        .text_xor = TEXT_XOR,
        .enabled = 1,
    };
    memcpy(m->s.screen_mask, screen_mask, sizeof screen_mask);
    memcpy(m->s.cursor_mask, cursor_mask, sizeof cursor_mask);
    m->fast = 0;
    memset(m->window_mickeys, 0, sizeof m->window_mickeys);
    take_extents(m);
    take_whole_screen(dos);
    mouse_place(dos, m->width / 2, m->height / 2);
}

bool mouse_state_valid(const struct mouse_state *s)
{
    return s->signature == SIGNATURE && s->ratio_x && s->ratio_y && s->sensitivity_x && s->sensitivity_y &&
           s->sensitivity_double && s->threshold && s->range_x.min <= s->range_x.max && s->range_y.min <= s->range_y.max &&
           s->shown <= 0;
}

void mouse_boot(struct dos *dos)
{
    dos->mouse = (struct dos_mouse){.old_vector = vector_get(dos, 0x33)};
    guest_put_u32(dos, in_dos(dos->entry[STUB_BIOS_INT10]), vector_get(dos, 0x10));
    mouse_look(dos);
    mouse_reset_state(dos);
}

void mouse_saved(struct dos *dos, struct state *s)
{
    state_bytes(s, &dos->mouse, sizeof dos->mouse);
    state_check(s, mouse_state_valid(&dos->mouse.s), "the mouse driver's state cannot be worked with");
}

/* --- packets --- */

/* Whether the mouse is so fast that movement counts double. What it has made in the time before tells: a single large movement
 * says nothing about speed. */
static bool is_fast(struct dos *dos, u32 mickeys)
{
    enum { WINDOWS_PER_S = 16 };
    const u64 window_ns = NS_PER_S / WINDOWS_PER_S;
    struct dos_mouse *m = &dos->mouse;
    u64 now = clock_now(&dos->machine->clock), elapsed = now - m->window_ns;
    if (elapsed >= window_ns) {
        m->window_mickeys[0] = elapsed < 2 * window_ns ? m->window_mickeys[1] : 0;
        m->window_mickeys[1] = 0;
        m->window_ns = now;
    }
    m->window_mickeys[1] += mickeys;
    return m->window_mickeys[0] * WINDOWS_PER_S * m->s.sensitivity_double > (u32)m->s.threshold * SENSITIVITY;
}

static s64 pixels(s32 mickeys, u16 ratio, u16 sensitivity, bool fast)
{
    return (s64)mickeys * (fast ? 2 : 1) * sensitivity * RATIO_PIXELS * PIXEL / ((s64)ratio * SENSITIVITY);
}

static void add_mickeys(s16 *counter, s32 mickeys)
{
    *counter = (s16)((u32)*counter + (u32)mickeys);
}

static void move(struct dos *dos, s32 dx, s32 dy)
{
    struct mouse_state *s = &dos->mouse.s;
    u32 across = (u32)(dx < 0 ? -dx : dx), down = (u32)(dy < 0 ? -dy : dy);
    bool fast = is_fast(dos, MAX(across, down));
    add_mickeys(&s->mickeys_x, dx);
    add_mickeys(&s->mickeys_y, dy);
    add_mickeys(&s->seen_x, dx);
    add_mickeys(&s->seen_y, dy);
    s->x = within(s->x + pixels(dx, s->ratio_x, s->sensitivity_x, fast), &s->range_x);
    s->y = within(s->y + pixels(dy, s->ratio_y, s->sensitivity_y, fast), &s->range_y);
}

static void count_click(struct dos *dos, struct mouse_clicks *clicks)
{
    clicks->count++;
    clicks->x = mouse_x(dos);
    clicks->y = mouse_y(dos);
}

/* Returns the events. */
static u16 press(struct dos *dos, u8 buttons)
{
    struct dos_mouse *m = &dos->mouse;
    u8 changed = buttons ^ m->buttons;
    u16 events = 0;
    for (u32 i = 0; i < MOUSE_BUTTONS; i++) {
        if (!(changed & BIT(i)))
            continue;
        bool down = buttons & BIT(i);
        events |= (u16)((down ? EVENT_PRESSED : EVENT_RELEASED) << 2 * i);
        count_click(dos, down ? &m->s.press[i] : &m->s.release[i]);
    }
    m->buttons = buttons;
    return events;
}

static u16 keys_held(const struct dos *dos)
{
    enum { SHIFTS = 0x03, CTRL = 0x04, ALT = 0x08 };
    u8 held = bda_u8(dos, BDA_SHIFTS);
    return (u16)((held & SHIFTS ? KEYS_SHIFT : 0) | (held & CTRL ? KEYS_CTRL : 0) | (held & ALT ? KEYS_ALT : 0));
}

/* Who is to be called for these events, and with what in AX. */
static u32 find_handler(const struct dos *dos, u16 events, u16 *ax)
{
    const struct mouse_state *s = &dos->mouse.s;
    u16 keys = keys_held(dos);
    for (u32 i = 0; keys && i < MOUSE_ALTERNATES; i++) {
        const struct mouse_handler *h = &s->alternate[i];
        *ax = (u16)((h->mask & events & EVENT_LEFT_RIGHT) | keys);
        if ((h->mask & KEYS) == keys && h->mask & events & EVENT_LEFT_RIGHT && h->routine)
            return h->routine;
    }
    *ax = s->handler.mask & events & EVENT_ALL;
    return *ax ? s->handler.routine : 0;
}

static void call_handler(struct dos *dos, u32 routine, u16 ax)
{
    const struct dos_mouse *m = &dos->mouse;
    guest_put_u32(dos, in_dos(dos->entry[STUB_MOUSE_HANDLER]), routine);
    set_reg16(dos, CPU_EAX, ax);
    set_reg16(dos, CPU_EBX, m->buttons);
    set_reg16(dos, CPU_ECX, (u16)mouse_x(dos));
    set_reg16(dos, CPU_EDX, (u16)mouse_y(dos));
    set_reg16(dos, CPU_ESI, (u16)m->s.mickeys_x);
    set_reg16(dos, CPU_EDI, (u16)m->s.mickeys_y);
}

enum dos_next mouse_packet(struct dos *dos)
{
    enum { BUTTONS = 0x07, X_SIGN = 0x10, Y_SIGN = 0x20, SIGN = 0x100 };
    u8 first = reg_low(dos, CPU_EAX);
    s32 dx = reg_low(dos, CPU_EBX) - (first & X_SIGN ? SIGN : 0);
    s32 dy = -(reg_low(dos, CPU_ECX) - (first & Y_SIGN ? SIGN : 0));
    set_reg16(dos, CPU_EAX, 0);
    mouse_look(dos);
    if (!dos->mouse.s.enabled)
        return DOS_RETURN;
    u16 events = dx || dy ? EVENT_MOVED : 0, ax;
    if (events)
        move(dos, dx, dy);
    events |= press(dos, first & BUTTONS);
    mouse_refresh(dos);
    u32 routine = find_handler(dos, events, &ax);
    if (routine)
        call_handler(dos, routine, ax);
    return DOS_RETURN;
}
