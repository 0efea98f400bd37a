/* The mouse driver's cursor on the screen. It is drawn as any program draws: by writes to video memory and, in modes with planes, to the
 * adapter's registers, which are as before afterwards: the program that is interrupted knows nothing of it. Microsoft Mouse
 * Programmer's Reference, 2nd ed.; IBM VGA Technical Reference. */
#include "dos/dos_impl.h"

#include "dev/vga/vga.h"

#include <string.h>

enum { BDA_COLUMNS = 0x44a, BDA_PAGE_BYTES = 0x44c };
enum { MODE_MONOCHROME_TEXT = 7, COLOR_TEXT = 0xb800, MONOCHROME_TEXT = 0xb000, GRAPHICS = 0xa000 };
enum { CGA_ROW_BYTES = 80, CGA_ODD_ROWS = 0x2000, CELL_LINES_LOG2 = 3, MAX_COLUMNS = 132 };
enum vga_port { CRTC_MONOCHROME = 0x3b4, SEQUENCER = 0x3c4, GRAPHICS_CONTROLLER = 0x3ce, CRTC = 0x3d4 };
enum vga_index {
    SEQ_MAP_MASK = 2,
    GC_ENABLE_SET_RESET = 1,
    GC_DATA_ROTATE = 3,
    GC_READ_MAP = 4,
    GC_MODE = 5,
    GC_BIT_MASK = 8,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_END = 0x0b,
    CRTC_CURSOR_HIGH = 0x0e,
    CRTC_CURSOR_LOW = 0x0f,
};
enum { GC_MODE_WRITE = 0x03, GC_MODE_READ = 0x08, BYTE_COLUMNS_LOG2 = 3, PIXEL_ON = 0x0f };

const struct mouse_screen *mouse_screen(u8 mode)
{
    static const struct mouse_screen unknown = {MOUSE_NO_SCREEN, 0, 0, 0, 640, 200};
    static const struct mouse_screen screens[] = {
        [0x00] = {MOUSE_TEXT, 1, 4, 3, 640, 200},   [0x01] = {MOUSE_TEXT, 1, 4, 3, 640, 200},
        [0x02] = {MOUSE_TEXT, 0, 3, 3, 640, 200},   [0x03] = {MOUSE_TEXT, 0, 3, 3, 640, 200},
        [0x04] = {MOUSE_CGA, 0, 1, 0, 640, 200},    [0x05] = {MOUSE_CGA, 0, 1, 0, 640, 200},
        [0x06] = {MOUSE_CGA, 0, 0, 0, 640, 200},    [0x07] = {MOUSE_TEXT, 0, 3, 3, 640, 200},
        [0x0d] = {MOUSE_PLANAR, 1, 1, 0, 640, 200}, [0x0e] = {MOUSE_PLANAR, 0, 0, 0, 640, 200},
        [0x0f] = {MOUSE_PLANAR, 0, 0, 0, 640, 350}, [0x10] = {MOUSE_PLANAR, 0, 0, 0, 640, 350},
        [0x11] = {MOUSE_PLANAR, 0, 0, 0, 640, 480}, [0x12] = {MOUSE_PLANAR, 0, 0, 0, 640, 480},
        [0x13] = {MOUSE_BYTES, 1, 1, 0, 640, 200},
    };
    return mode < ARRAY_LEN(screens) && screens[mode].width ? &screens[mode] : &unknown;
}

/* --- where --- */

struct place {
    u32 at; /* of the page, or of the character */
    s16 x, y;
};

static u32 page_offset(const struct dos *dos)
{
    return (u16)(dos->mouse.s.page * guest_u16(dos, far(0, BDA_PAGE_BYTES)));
}

static struct place place_of(const struct dos *dos, s16 x, s16 y)
{
    const struct dos_mouse *m = &dos->mouse;
    const struct mouse_screen *screen = mouse_screen(m->mode);
    struct place place = {.at = page_offset(dos)};
    if (screen->layout == MOUSE_TEXT) {
        u32 columns = MIN(guest_u16(dos, far(0, BDA_COLUMNS)), (u16)MAX_COLUMNS);
        u32 column = (u32)(MAX(x, 0) >> screen->grid_x), row = (u32)(MAX(y, 0) >> CELL_LINES_LOG2);
        place.at = (u16)(place.at + 2 * (row * columns + column));
    } else {
        place.x = (s16)((x >> screen->x_shift) - m->s.hot_x);
        place.y = (s16)(y - m->s.hot_y);
    }
    return place;
}

bool mouse_drawn_there(const struct dos *dos, s16 x, s16 y)
{
    const struct dos_mouse *m = &dos->mouse;
    struct place place = place_of(dos, x, y);
    return m->drawn && place.at == m->drawn_at && place.x == m->drawn_x && place.y == m->drawn_y;
}

/* --- text --- */

static far_t text_at(const struct dos_mouse *m)
{
    return far(m->drawn_mode == MODE_MONOCHROME_TEXT ? MONOCHROME_TEXT : COLOR_TEXT, (u16)m->drawn_at);
}

static u8 indexed_in(struct dos *dos, u16 port, u8 index)
{
    machine_port_out(dos->machine, port, 1, index);
    return (u8)machine_port_in(dos->machine, port + 1, 1);
}

static void indexed_out(struct dos *dos, u16 port, u8 index, u8 value)
{
    machine_port_out(dos->machine, port, 1, index);
    machine_port_out(dos->machine, port + 1, 1, value);
}

static const u8 cursor_registers[] = {CRTC_CURSOR_START, CRTC_CURSOR_END, CRTC_CURSOR_HIGH, CRTC_CURSOR_LOW};

/* Sets the CRT controller's cursor; `old`, if not NULL, takes what it was. */
static void set_hardware_cursor(struct dos *dos, const u8 *values, u8 *old)
{
    u16 crtc = dos->mouse.drawn_mode == MODE_MONOCHROME_TEXT ? CRTC_MONOCHROME : CRTC;
    u8 index = (u8)machine_port_in(dos->machine, crtc, 1);
    for (u32 i = 0; i < ARRAY_LEN(cursor_registers); i++) {
        if (old)
            old[i] = indexed_in(dos, crtc, cursor_registers[i]);
        indexed_out(dos, crtc, cursor_registers[i], values[i]);
    }
    machine_port_out(dos->machine, crtc, 1, index);
}

static void draw_text(struct dos *dos)
{
    struct dos_mouse *m = &dos->mouse;
    m->drawn_hardware = m->s.hardware_cursor != 0;
    if (m->drawn_hardware) {
        u32 cell = m->drawn_at / 2;
        u8 values[] = {(u8)m->s.text_and, (u8)m->s.text_xor, (u8)(cell >> 8), (u8)cell};
        set_hardware_cursor(dos, values, m->under);
        return;
    }
    m->under_word = guest_u16(dos, text_at(m));
    m->drawn_word = (m->under_word & m->s.text_and) ^ m->s.text_xor;
    guest_put_u16(dos, text_at(m), m->drawn_word);
}

static void erase_text(struct dos *dos)
{
    const struct dos_mouse *m = &dos->mouse;
    if (m->drawn_hardware)
        set_hardware_cursor(dos, m->under, NULL);
    else if (guest_u16(dos, text_at(m)) == m->drawn_word) /* else the program has written there meanwhile */
        guest_put_u16(dos, text_at(m), m->under_word);
}

/* --- graphics with bits --- */

/* What is on the screen of a row of the cursor: bytes first to end-1 of the up to three it touches. */
struct row {
    far_t at;
    u32 first, end;
};

static bool row_of(const struct dos_mouse *m, u32 i, struct row *row)
{
    const struct mouse_screen *screen = mouse_screen(m->drawn_mode);
    bool cga = screen->layout == MOUSE_CGA;
    s32 y = m->drawn_y + (s32)i, byte = m->drawn_x >> BYTE_COLUMNS_LOG2;
    s32 bytes = (screen->width >> screen->x_shift) >> BYTE_COLUMNS_LOG2;
    s32 touched = m->drawn_x & 7 ? MOUSE_ROW_BYTES : MOUSE_ROW_BYTES - 1;
    if (y < 0 || y >= screen->height || byte + touched <= 0 || byte >= bytes)
        return false;
    row->first = (u32)MAX(0, -byte);
    row->end = (u32)MIN(touched, bytes - byte);
    s32 line = cga ? (y & 1) * CGA_ODD_ROWS + (y >> 1) * CGA_ROW_BYTES : y * bytes;
    row->at = far(cga ? COLOR_TEXT : GRAPHICS, (u16)(m->drawn_at + (u32)(line + byte) + row->first));
    return true;
}

static u8 *under_row(struct dos_mouse *m, u32 plane, u32 i)
{
    return m->under + (plane * MOUSE_CURSOR_ROWS + i) * MOUSE_ROW_BYTES;
}
_Static_assert(MOUSE_PLANES * MOUSE_CURSOR_ROWS * MOUSE_ROW_BYTES <= MOUSE_UNDER_BYTES, "the cursor does not fit");

static void draw_plane(struct dos *dos, u32 plane)
{
    struct dos_mouse *m = &dos->mouse;
    u32 shift = 8 - (m->drawn_x & 7u);
    struct row row;
    for (u32 i = 0; i < MOUSE_CURSOR_ROWS; i++) {
        if (!row_of(m, i, &row))
            continue;
        u32 cleared = (u32)(u16)~m->s.screen_mask[i] << shift, inverted = (u32)m->s.cursor_mask[i] << shift;
        u8 *under = under_row(m, plane, i), shown[MOUSE_ROW_BYTES];
        guest_read(dos, row.at, under + row.first, row.end - row.first);
        for (u32 k = row.first; k < row.end; k++) {
            u32 bits = 8 * (MOUSE_ROW_BYTES - 1 - k);
            shown[k] = (u8)((under[k] & ~(cleared >> bits)) ^ (inverted >> bits));
        }
        guest_write(dos, row.at, shown + row.first, row.end - row.first);
    }
}

static void erase_plane(struct dos *dos, u32 plane)
{
    struct dos_mouse *m = &dos->mouse;
    struct row row;
    for (u32 i = 0; i < MOUSE_CURSOR_ROWS; i++)
        if (row_of(m, i, &row))
            guest_write(dos, row.at, under_row(m, plane, i) + row.first, row.end - row.first);
}

/* The adapter's registers that access to planes needs, in the program's state. */
struct planes_state {
    u8 seq_index, map_mask, gc_index;
    u8 gc[5];
    u32 latch;
};

static const u8 gc_touched[] = {GC_ENABLE_SET_RESET, GC_DATA_ROTATE, GC_READ_MAP, GC_MODE, GC_BIT_MASK};

/* The latches cannot be read by any program; they are the one thing taken past the bus. */
static u32 *vga_latch(struct dos *dos)
{
    struct vga_planes planes;
    vga_planes(dos->machine->vga, &planes);
    return planes.latch;
}

static void planes_begin(struct dos *dos, struct planes_state *state)
{
    struct machine *machine = dos->machine;
    state->latch = *vga_latch(dos);
    state->seq_index = (u8)machine_port_in(machine, SEQUENCER, 1);
    state->gc_index = (u8)machine_port_in(machine, GRAPHICS_CONTROLLER, 1);
    state->map_mask = indexed_in(dos, SEQUENCER, SEQ_MAP_MASK);
    for (u32 i = 0; i < ARRAY_LEN(gc_touched); i++)
        state->gc[i] = indexed_in(dos, GRAPHICS_CONTROLLER, gc_touched[i]);
    indexed_out(dos, GRAPHICS_CONTROLLER, GC_ENABLE_SET_RESET, 0);
    indexed_out(dos, GRAPHICS_CONTROLLER, GC_DATA_ROTATE, 0);
    indexed_out(dos, GRAPHICS_CONTROLLER, GC_BIT_MASK, 0xff);
    u8 mode = indexed_in(dos, GRAPHICS_CONTROLLER, GC_MODE) & (u8)~(GC_MODE_WRITE | GC_MODE_READ);
    indexed_out(dos, GRAPHICS_CONTROLLER, GC_MODE, mode);
}

static void planes_end(struct dos *dos, const struct planes_state *state)
{
    for (u32 i = 0; i < ARRAY_LEN(gc_touched); i++)
        indexed_out(dos, GRAPHICS_CONTROLLER, gc_touched[i], state->gc[i]);
    indexed_out(dos, SEQUENCER, SEQ_MAP_MASK, state->map_mask);
    machine_port_out(dos->machine, GRAPHICS_CONTROLLER, 1, state->gc_index);
    machine_port_out(dos->machine, SEQUENCER, 1, state->seq_index);
    *vga_latch(dos) = state->latch;
}

static void for_planes(struct dos *dos, void (*work)(struct dos *dos, u32 plane))
{
    struct planes_state state;
    planes_begin(dos, &state);
    for (u32 plane = 0; plane < MOUSE_PLANES; plane++) {
        indexed_out(dos, GRAPHICS_CONTROLLER, GC_READ_MAP, (u8)plane);
        indexed_out(dos, SEQUENCER, SEQ_MAP_MASK, (u8)BIT(plane));
        work(dos, plane);
    }
    planes_end(dos, &state);
}

/* --- graphics with bytes --- */

/* Pixels first to end-1 of the cursor's row i. */
static bool pixels_of(const struct dos_mouse *m, u32 i, struct row *row)
{
    const struct mouse_screen *screen = mouse_screen(m->drawn_mode);
    s32 width = screen->width >> screen->x_shift, y = m->drawn_y + (s32)i, x = m->drawn_x;
    if (y < 0 || y >= screen->height || x + MOUSE_CURSOR_ROWS <= 0 || x >= width)
        return false;
    row->first = (u32)MAX(0, -x);
    row->end = (u32)MIN((s32)MOUSE_CURSOR_ROWS, width - x);
    row->at = far(GRAPHICS, (u16)(m->drawn_at + (u32)(y * width + x) + row->first));
    return true;
}
_Static_assert(MOUSE_CURSOR_ROWS * MOUSE_CURSOR_ROWS <= MOUSE_UNDER_BYTES, "the cursor does not fit");

static void draw_bytes(struct dos *dos)
{
    struct dos_mouse *m = &dos->mouse;
    struct row row;
    for (u32 i = 0; i < MOUSE_CURSOR_ROWS; i++) {
        if (!pixels_of(m, i, &row))
            continue;
        u8 *under = m->under + i * MOUSE_CURSOR_ROWS, shown[MOUSE_CURSOR_ROWS];
        guest_read(dos, row.at, under + row.first, row.end - row.first);
        for (u32 k = row.first; k < row.end; k++) {
            u32 bit = MOUSE_CURSOR_ROWS - 1 - k;
            shown[k] = (u8)((m->s.screen_mask[i] >> bit & 1 ? under[k] : 0) ^ (m->s.cursor_mask[i] >> bit & 1 ? PIXEL_ON : 0));
        }
        guest_write(dos, row.at, shown + row.first, row.end - row.first);
    }
}

static void erase_bytes(struct dos *dos)
{
    const struct dos_mouse *m = &dos->mouse;
    struct row row;
    for (u32 i = 0; i < MOUSE_CURSOR_ROWS; i++)
        if (pixels_of(m, i, &row))
            guest_write(dos, row.at, m->under + i * MOUSE_CURSOR_ROWS + row.first, row.end - row.first);
}

/* --- all --- */

void mouse_draw(struct dos *dos, s16 x, s16 y)
{
    struct dos_mouse *m = &dos->mouse;
    struct place place = place_of(dos, x, y);
    m->drawn = 1;
    m->drawn_mode = m->mode;
    m->drawn_at = place.at;
    m->drawn_x = place.x;
    m->drawn_y = place.y;
    switch (mouse_screen(m->mode)->layout) {
    case MOUSE_TEXT:
        draw_text(dos);
        break;
    case MOUSE_CGA:
        draw_plane(dos, 0);
        break;
    case MOUSE_PLANAR:
        for_planes(dos, draw_plane);
        break;
    case MOUSE_BYTES:
        draw_bytes(dos);
        break;
    default:
        m->drawn = 0;
    }
}

void mouse_erase(struct dos *dos)
{
    struct dos_mouse *m = &dos->mouse;
    if (!m->drawn)
        return;
    m->drawn = 0;
    switch (mouse_screen(m->drawn_mode)->layout) {
    case MOUSE_TEXT:
        erase_text(dos);
        break;
    case MOUSE_CGA:
        erase_plane(dos, 0);
        break;
    case MOUSE_PLANAR:
        for_planes(dos, erase_plane);
        break;
    case MOUSE_BYTES:
        erase_bytes(dos);
        break;
    }
}
