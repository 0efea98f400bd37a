/* INT 33h: the functions of the mouse driver, one row each. Microsoft Mouse Programmer's Reference, 2nd ed.; Ralf Brown's Interrupt
 * List. It says that it is version 8.20 for a PS/2 mouse.
 *
 * LIMIT: not there, and returning with all registers as they were, are 12h (a large cursor), 28h and 29h (video modes), 2Bh to 2Eh
 * (acceleration), 33h and 34h (settings, MOUSE.INI): function 32h says so. 11h is of other makers' drivers. The light pen is not
 * emulated; the rate of interrupts (1Ch) is only for InPort mice. */
#include "dos/dos_impl.h"

#include <string.h>

enum { VERSION = 0x0820, TYPE_PS2 = 4, IRQ_PS2 = 0, THERE = 1, FAILED = 0xffff, KEYS_OF_MASK = 0xe0, MAX_SENSITIVITY = 100 };

static struct mouse_state *state(struct dos *dos)
{
    return &dos->mouse.s;
}

static void set_ax(struct dos *dos, u16 value)
{
    set_reg16(dos, CPU_EAX, value);
}

static s16 signed16(const struct dos *dos, enum cpu_reg r)
{
    return (s16)reg16(dos, r);
}

static far_t es_dx(const struct dos *dos)
{
    return far(sreg(dos, CPU_ES), reg16(dos, CPU_EDX));
}

/* --- reset, on and off --- */

static void reset(struct dos *dos)
{
    bool there = guest_u8(dos, in_dos(dos->entry[STUB_MOUSE_THERE])) == THERE;
    mouse_erase(dos);
    mouse_reset_state(dos);
    set_reg16(dos, CPU_EBX, there ? MOUSE_BUTTONS : 0);
    if (there)
        set_ax(dos, 0xffff);
    else if (reg16(dos, CPU_EAX) != 0x21)
        set_ax(dos, 0);
}

static void disable(struct dos *dos)
{
    state(dos)->enabled = 0;
    mouse_refresh(dos);
    set_sreg(dos, CPU_ES, (u16)(dos->mouse.old_vector >> 16));
    set_reg16(dos, CPU_EBX, (u16)dos->mouse.old_vector);
}

static void enable(struct dos *dos)
{
    state(dos)->enabled = 1;
    mouse_refresh(dos);
}

static void get_version(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, VERSION);
    set_reg16(dos, CPU_ECX, TYPE_PS2 << 8 | IRQ_PS2);
}

/* Bits 12 and 13: the cursor; 8 to 11: 100 interrupts a second. */
static void get_information(struct dos *dos)
{
    enum { RATE_100 = 3 << 8, CURSOR_HARDWARE = 1 << 12, CURSOR_GRAPHICS = 2 << 12 };
    u8 layout = mouse_screen(dos->mouse.mode)->layout;
    u16 cursor = layout != MOUSE_TEXT ? CURSOR_GRAPHICS : state(dos)->hardware_cursor ? CURSOR_HARDWARE : 0;
    set_ax(dos, (u16)(RATE_100 | cursor));
    set_reg16(dos, CPU_EBX, 0);
    set_reg16(dos, CPU_ECX, 0);
    set_reg16(dos, CPU_EDX, 0);
}

static void get_functions(struct dos *dos);

/* --- the cursor --- */

static void show(struct dos *dos)
{
    struct mouse_state *s = state(dos);
    s->excludes = 0;
    if (s->shown < 0)
        s->shown++;
    mouse_refresh(dos);
}

static void hide(struct dos *dos)
{
    struct mouse_state *s = state(dos);
    if (s->shown > INT16_MIN)
        s->shown--;
    mouse_refresh(dos);
}

static void set_graphics_cursor(struct dos *dos)
{
    struct mouse_state *s = state(dos);
    u16 masks[2][MOUSE_CURSOR_ROWS];
    guest_read(dos, es_dx(dos), masks, sizeof masks);
    mouse_erase(dos);
    s->hot_x = signed16(dos, CPU_EBX);
    s->hot_y = signed16(dos, CPU_ECX);
    memcpy(s->screen_mask, masks[0], sizeof masks[0]);
    memcpy(s->cursor_mask, masks[1], sizeof masks[1]);
    mouse_refresh(dos);
}

static void set_text_cursor(struct dos *dos)
{
    struct mouse_state *s = state(dos);
    mouse_erase(dos);
    s->hardware_cursor = reg16(dos, CPU_EBX) != 0;
    s->text_and = reg16(dos, CPU_ECX);
    s->text_xor = reg16(dos, CPU_EDX);
    mouse_refresh(dos);
}

static void exclude(struct dos *dos)
{
    struct mouse_state *s = state(dos);
    s->exclude_x = (struct mouse_range){signed16(dos, CPU_ECX), signed16(dos, CPU_ESI)};
    s->exclude_y = (struct mouse_range){signed16(dos, CPU_EDX), signed16(dos, CPU_EDI)};
    s->excludes = 1;
    mouse_refresh(dos);
}

static void set_page(struct dos *dos)
{
    mouse_erase(dos);
    state(dos)->page = reg16(dos, CPU_EBX);
    mouse_refresh(dos);
}

static void get_page(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, state(dos)->page);
}

static void get_masks(struct dos *dos)
{
    struct mouse_state *s = state(dos);
    set_ax(dos, s->text_and);
    set_reg16(dos, CPU_EBX, s->text_xor);
    set_reg16(dos, CPU_ECX, (u16)s->seen_x);
    set_reg16(dos, CPU_EDX, (u16)s->seen_y);
    s->seen_x = s->seen_y = 0;
}

static void get_hot_spot(struct dos *dos)
{
    set_ax(dos, (u16)state(dos)->shown);
    set_reg16(dos, CPU_EBX, (u16)state(dos)->hot_x);
    set_reg16(dos, CPU_ECX, (u16)state(dos)->hot_y);
    set_reg16(dos, CPU_EDX, TYPE_PS2);
}

/* The stub has started the device anew. */
static void reset_hardware(struct dos *dos)
{
    if (guest_u8(dos, in_dos(dos->entry[STUB_MOUSE_THERE])) == THERE)
        set_ax(dos, 0xffff);
}

/* A BallPoint's orientation and state: there is none. */
static void get_ballpoint(struct dos *dos)
{
    set_ax(dos, FAILED);
}

/* --- position and movement --- */

static void get_position(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, dos->mouse.buttons);
    set_reg16(dos, CPU_ECX, (u16)mouse_x(dos));
    set_reg16(dos, CPU_EDX, (u16)mouse_y(dos));
}

static void set_position(struct dos *dos)
{
    mouse_place(dos, signed16(dos, CPU_ECX), signed16(dos, CPU_EDX));
    mouse_refresh(dos);
}

static void give_clicks(struct dos *dos, struct mouse_clicks *clicks)
{
    u16 button = reg16(dos, CPU_EBX);
    struct mouse_clicks none = {0}, *c = button < MOUSE_BUTTONS ? &clicks[button] : &none;
    set_ax(dos, dos->mouse.buttons);
    set_reg16(dos, CPU_EBX, c->count);
    set_reg16(dos, CPU_ECX, (u16)c->x);
    set_reg16(dos, CPU_EDX, (u16)c->y);
    c->count = 0;
}

static void get_presses(struct dos *dos)
{
    give_clicks(dos, state(dos)->press);
}

static void get_releases(struct dos *dos)
{
    give_clicks(dos, state(dos)->release);
}

static void set_range_x(struct dos *dos)
{
    mouse_set_range(dos, &state(dos)->range_x, signed16(dos, CPU_ECX), signed16(dos, CPU_EDX));
    mouse_refresh(dos);
}

static void set_range_y(struct dos *dos)
{
    mouse_set_range(dos, &state(dos)->range_y, signed16(dos, CPU_ECX), signed16(dos, CPU_EDX));
    mouse_refresh(dos);
}

static void get_ranges(struct dos *dos)
{
    const struct mouse_state *s = state(dos);
    set_ax(dos, (u16)s->range_x.min);
    set_reg16(dos, CPU_EBX, (u16)s->range_y.min);
    set_reg16(dos, CPU_ECX, (u16)s->range_x.max);
    set_reg16(dos, CPU_EDX, (u16)s->range_y.max);
}

static void get_screen(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, !state(dos)->enabled);
    set_reg16(dos, CPU_ECX, dos->mouse.width - 1);
    set_reg16(dos, CPU_EDX, dos->mouse.height - 1);
}

static void get_motion(struct dos *dos)
{
    struct mouse_state *s = state(dos);
    set_reg16(dos, CPU_ECX, (u16)s->mickeys_x);
    set_reg16(dos, CPU_EDX, (u16)s->mickeys_y);
    s->mickeys_x = s->mickeys_y = 0;
}

static void set_ratio(struct dos *dos)
{
    enum { MAX_RATIO = 0x7fff };
    u16 x = reg16(dos, CPU_ECX), y = reg16(dos, CPU_EDX);
    if (x && x <= MAX_RATIO)
        state(dos)->ratio_x = x;
    if (y && y <= MAX_RATIO)
        state(dos)->ratio_y = y;
}

static void set_threshold(struct dos *dos)
{
    enum { DEFAULT = 64 };
    u16 threshold = reg16(dos, CPU_EDX);
    state(dos)->threshold = threshold ? threshold : DEFAULT;
}

static u16 sensitivity(u16 value)
{
    return (u16)MAX(1, MIN(value, MAX_SENSITIVITY));
}

static void set_sensitivity(struct dos *dos)
{
    state(dos)->sensitivity_x = sensitivity(reg16(dos, CPU_EBX));
    state(dos)->sensitivity_y = sensitivity(reg16(dos, CPU_ECX));
    state(dos)->sensitivity_double = sensitivity(reg16(dos, CPU_EDX));
}

static void get_sensitivity(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, state(dos)->sensitivity_x);
    set_reg16(dos, CPU_ECX, state(dos)->sensitivity_y);
    set_reg16(dos, CPU_EDX, state(dos)->sensitivity_double);
}

/* --- handlers --- */

static void set_handler(struct dos *dos)
{
    state(dos)->handler = (struct mouse_handler){.mask = reg16(dos, CPU_ECX), .routine = es_dx(dos)};
}

static void exchange_handlers(struct dos *dos)
{
    struct mouse_handler old = state(dos)->handler;
    set_handler(dos);
    set_reg16(dos, CPU_ECX, old.mask);
    set_sreg(dos, CPU_ES, (u16)(old.routine >> 16));
    set_reg16(dos, CPU_EDX, (u16)old.routine);
}

static struct mouse_handler *alternate(struct dos *dos, u16 mask)
{
    for (u32 i = 0; i < MOUSE_ALTERNATES; i++)
        if (state(dos)->alternate[i].mask == mask)
            return &state(dos)->alternate[i];
    return NULL;
}

static void remove_alternates(struct dos *dos, u16 keys)
{
    for (u32 i = 0; i < MOUSE_ALTERNATES; i++)
        if ((state(dos)->alternate[i].mask & KEYS_OF_MASK) == keys)
            state(dos)->alternate[i] = (struct mouse_handler){.mask = 0};
}

/* One that has the same mask is replaced. A mask of keys only takes away the handlers for them. */
static void set_alternate(struct dos *dos)
{
    u16 mask = reg16(dos, CPU_ECX) & 0xff, keys = mask & KEYS_OF_MASK;
    struct mouse_handler *h = alternate(dos, mask);
    if (!h)
        h = alternate(dos, 0);
    if (keys && mask == keys)
        remove_alternates(dos, keys);
    else if (keys && h)
        *h = (struct mouse_handler){.mask = mask, .routine = es_dx(dos)};
    else
        set_ax(dos, FAILED);
}

static void get_alternate(struct dos *dos)
{
    u16 mask = reg16(dos, CPU_ECX) & 0xff;
    const struct mouse_handler *h = mask ? alternate(dos, mask) : NULL;
    if (!h)
        set_ax(dos, FAILED);
    set_reg16(dos, CPU_ECX, h ? h->mask : 0);
    set_reg16(dos, CPU_EBX, h ? (u16)(h->routine >> 16) : 0);
    set_reg16(dos, CPU_EDX, h ? (u16)h->routine : 0);
}

/* --- state --- */

static void get_state_bytes(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, sizeof(struct mouse_state));
}

static void save_state(struct dos *dos)
{
    guest_write(dos, es_dx(dos), state(dos), sizeof(struct mouse_state));
}

static void restore_state(struct dos *dos)
{
    struct mouse_state s;
    guest_read(dos, es_dx(dos), &s, sizeof s);
    if (!mouse_state_valid(&s))
        return;
    mouse_erase(dos);
    *state(dos) = s;
    s16 x = (s16)(s.x >> 16), y = (s16)(s.y >> 16);
    mouse_place(dos, x, y);
    mouse_refresh(dos);
}

static void set_rate(struct dos *dos)
{
    state(dos)->rate = reg16(dos, CPU_EBX);
}

static void set_language(struct dos *dos)
{
    state(dos)->language = reg16(dos, CPU_EBX);
}

static void get_language(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, state(dos)->language);
}

static void nothing(struct dos *dos)
{
    (void)dos;
}

static void (*const functions[])(struct dos *dos) = {
    [0x00] = reset,
    [0x01] = show,
    [0x02] = hide,
    [0x03] = get_position,
    [0x04] = set_position,
    [0x05] = get_presses,
    [0x06] = get_releases,
    [0x07] = set_range_x,
    [0x08] = set_range_y,
    [0x09] = set_graphics_cursor,
    [0x0a] = set_text_cursor,
    [0x0b] = get_motion,
    [0x0c] = set_handler,
    [0x0d] = nothing, /* the light pen's emulation, on */
    [0x0e] = nothing, /* and off */
    [0x0f] = set_ratio,
    [0x10] = exclude,
    [0x13] = set_threshold,
    [0x14] = exchange_handlers,
    [0x15] = get_state_bytes,
    [0x16] = save_state,
    [0x17] = restore_state,
    [0x18] = set_alternate,
    [0x19] = get_alternate,
    [0x1a] = set_sensitivity,
    [0x1b] = get_sensitivity,
    [0x1c] = set_rate,
    [0x1d] = set_page,
    [0x1e] = get_page,
    [0x1f] = disable,
    [0x20] = enable,
    [0x21] = reset,
    [0x22] = set_language,
    [0x23] = get_language,
    [0x24] = get_version,
    [0x25] = get_information,
    [0x26] = get_screen,
    [0x27] = get_masks,
    [0x2a] = get_hot_spot,
    [0x2f] = reset_hardware,
    [0x30] = get_ballpoint,
    [0x31] = get_ranges,
    [0x32] = get_functions,
};

/* Bit 15 is function 25h, bit 0 is 34h. */
static void get_functions(struct dos *dos)
{
    enum { FIRST = 0x25, BITS = 16 };
    u16 there = 0;
    for (u32 i = 0; i < BITS; i++)
        if (FIRST + i < ARRAY_LEN(functions) && functions[FIRST + i])
            there |= (u16)(0x8000 >> i);
    set_ax(dos, there);
    set_reg16(dos, CPU_EBX, 0);
    set_reg16(dos, CPU_ECX, 0);
    set_reg16(dos, CPU_EDX, 0);
}

enum dos_next int33(struct dos *dos)
{
    u16 function = reg16(dos, CPU_EAX);
    mouse_look(dos);
    if (function < ARRAY_LEN(functions) && functions[function])
        functions[function](dos);
    return DOS_RETURN;
}
