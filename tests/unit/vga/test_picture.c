/* Features of the picture that no BIOS mode uses by itself: fonts, cursor, blinking, colors, tweaked modes.
 */
#include "vga_tests.h"

#include "dev/vga/vga_scan.h"

#include <string.h>

static const u8 blank[16] = {0};
static const u8 solid[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Color at one place of the present still picture. */
static u32 shown(struct rig *rig, u32 x, u32 y)
{
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    u32 pixel = rig_pixel(&p, x, y);
    vga_picture_fini(&p);
    return pixel;
}

static void assert_size(struct rig *rig, u32 width, u32 height)
{
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(p.width, width);
    assert_int_equal(p.height, height);
    vga_picture_fini(&p);
}

static void text_screen(struct rig *rig)
{
    set_mode(rig, 3);
    rig_dac_identity(rig);
    rig_load_glyph(rig, 0, ' ', blank);
    rig_load_glyph(rig, 0, 'X', solid);
    crtc_out(rig, 0x0a, 0x20);
    for (u32 i = 0; i < 80 * 25; i++)
        write_mem(rig, 0xb8000 + 2 * i, 2, 0x0720);
}

static void next_frame(struct rig *rig)
{
    rig_advance(rig, vga_next_frame_ns(rig->vga) - clock_now(&rig->machine->clock));
}

/* All eight fonts, for both values of attribute bit 3. */
static void character_map_select(void **state)
{
    struct rig *rig = *state;
    static const u32 address[8] = {0x0000, 0x4000, 0x8000, 0xc000, 0x2000, 0x6000, 0xa000, 0xe000};
    text_screen(rig);
    for (u32 i = 0; i < 8; i++) {
        u8 rows[16] = {0};
        rows[0] = (u8)(0x80 >> i);
        rig_load_glyph(rig, address[i], 'F', rows);
    }
    write_mem(rig, 0xb8000, 2, 0x0746);
    write_mem(rig, 0xb8002, 2, 0x0f46);
    for (u8 b = 0; b < 8; b++) {
        for (u8 a = 0; a < 8; a++) {
            seq_out(rig, 3, (u8)((b & 3) | (b & 4) << 2 | (a & 3) << 2 | (a & 4) << 3));
            struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
            for (u32 x = 0; x < 8; x++) {
                assert_int_equal(rig_pixel(&p, x, 0), rig_dac_color(x == b ? 7 : 0));
                assert_int_equal(rig_pixel(&p, 9 + x, 0), rig_dac_color(x == a ? 0x3f : 0));
            }
            vga_picture_fini(&p);
        }
    }
    seq_out(rig, 4, 0); /* without extended memory: the first font only */
    assert_int_equal(shown(rig, 0, 0), rig_dac_color(7));
}

static void cursor_shape_and_place(void **state)
{
    struct rig *rig = *state;
    text_screen(rig);
    crtc_out(rig, 0x0a, 5);
    crtc_out(rig, 0x0b, 7);
    crtc_out(rig, 0x0e, 0);
    crtc_out(rig, 0x0f, 81);
    for (u32 y = 16; y < 32; y++)
        assert_int_equal(shown(rig, 9, y), rig_dac_color(y >= 21 && y <= 23 ? 7 : 0));
    assert_int_equal(shown(rig, 17, 22), rig_dac_color(7)); /* nine dots wide */
    assert_int_equal(shown(rig, 18, 22), rig_dac_color(0));
    assert_int_equal(shown(rig, 8, 22), rig_dac_color(0));
    crtc_out(rig, 0x0b, 7 | 1 << 5); /* skew: a character later */
    assert_int_equal(shown(rig, 9, 22), rig_dac_color(0));
    assert_int_equal(shown(rig, 18, 22), rig_dac_color(7));
    crtc_out(rig, 0x0b, 4); /* ends before it begins */
    for (u32 y = 16; y < 32; y++)
        assert_int_equal(shown(rig, 18, y), rig_dac_color(0));
    crtc_out(rig, 0x0b, 7);
    crtc_out(rig, 0x0d, 80); /* the place is an address, not a row */
    assert_int_equal(shown(rig, 9, 6), rig_dac_color(7));
    crtc_out(rig, 0x0a, 0x25);
    assert_int_equal(shown(rig, 9, 6), rig_dac_color(0));
}

/* Cursor: 8 frames on, 8 off. Characters: 16 on, 16 off, and only with the blink bit. */
static void blinking(void **state)
{
    struct rig *rig = *state;
    text_screen(rig);
    crtc_out(rig, 0x0a, 0);
    crtc_out(rig, 0x0b, 15);
    crtc_out(rig, 0x0f, 5);
    write_mem(rig, 0xb8000, 2, 0x9758);
    u32 cursor_on = 0, character_on = 0, cursor_changes = 0, character_changes = 0;
    bool cursor = false, character = false;
    for (u32 frame = 0; frame < 96; frame++) {
        next_frame(rig);
        bool c = shown(rig, 45, 0) == rig_dac_color(7);
        u32 corner = shown(rig, 0, 0);
        bool ch = corner == rig_dac_color(7);
        if (!ch)
            assert_int_equal(corner, rig_dac_color(1));
        assert_int_equal(shown(rig, 8, 0), rig_dac_color(1)); /* background without intensity */
        cursor_changes += frame && c != cursor;
        character_changes += frame && ch != character;
        cursor_on += cursor = c;
        character_on += character = ch;
    }
    assert_int_equal(cursor_on, 48);
    assert_int_equal(character_on, 48);
    assert_in_range(cursor_changes, 11, 12);
    assert_in_range(character_changes, 5, 6);
    attr_out(rig, 0x10, 0x04); /* intensity instead */
    for (u32 frame = 0; frame < 40; frame++) {
        next_frame(rig);
        assert_int_equal(shown(rig, 0, 0), rig_dac_color(7));
        assert_int_equal(shown(rig, 8, 0), rig_dac_color(0x39));
    }
}

/* A cursor on a blinking character does not follow the character. */
static void cursor_on_a_blinking_character(void **state)
{
    struct rig *rig = *state;
    u32 on = 0;
    text_screen(rig);
    crtc_out(rig, 0x0a, 0);
    crtc_out(rig, 0x0b, 15);
    write_mem(rig, 0xb8000, 2, 0x8720);
    for (u32 frame = 0; frame < 32; frame++) {
        next_frame(rig);
        on += shown(rig, 0, 0) == rig_dac_color(7);
    }
    assert_int_equal(on, 16);
}

static void attribute_colors(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    for (u32 i = 0; i < 256; i++)
        dac_out(rig, (u8)i, i & 63, (u8)(i >> 2), 0);
    gc_out(rig, 0, 0x0b); /* set/reset: the whole byte in color 11 */
    gc_out(rig, 1, 0x0f);
    write8(rig, 0xa0000, 0);
    attr_out(rig, 11, 0x2a);
#define COLOR(i) ((u32)(((i)&63) << 2 | ((i)&63) >> 4) << 16 | (u32)(((i) >> 2) << 2 | (i) >> 6) << 8)
    assert_int_equal(shown(rig, 0, 0), COLOR(0x2a));
    attr_out(rig, 0x14, 0x0d); /* P7 P6 = 3, P5 P4 = 1 not yet selected */
    assert_int_equal(shown(rig, 0, 0), COLOR(0xea));
    attr_out(rig, 0x10, 0x81); /* P54S */
    assert_int_equal(shown(rig, 0, 0), COLOR(0xda));
    out8(rig, 0x3c6, 0x9f);
    assert_int_equal(shown(rig, 0, 0), COLOR(0x9a));
    out8(rig, 0x3c6, 0xff);
    attr_out(rig, 3, 0x15);
    attr_out(rig, 0x12, 0x07); /* plane 3 disabled: color 3 */
    assert_int_equal(shown(rig, 0, 0), COLOR(0xd5));
    attr_out(rig, 0x11, 0x42);
    in8(rig, 0x3da);
    out8(rig, 0x3c0, 0); /* palette address source: the border everywhere */
    assert_int_equal(shown(rig, 0, 0), COLOR(0x42));
    out8(rig, 0x3c0, 0x20);
    in8(rig, 0x3da);
    out8(rig, 0x3c0, 0x20);
    assert_int_equal(shown(rig, 0, 0), COLOR(0xd5));
    dac_out(rig, 0, 63, 63, 63);
    seq_out(rig, 1, 0x21); /* screen off is black, whatever color 0 is */
    assert_int_equal(shown(rig, 0, 0), 0);
}

/* In 256-color modes both halves of a byte go through the internal palette and the plane enable. */
static void eight_bit_colors_pass_the_palette(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    rig_dac_identity(rig);
    write8(rig, 0xa0000, 0x12);
    assert_int_equal(shown(rig, 0, 0), rig_dac_color(0x12));
    attr_out(rig, 2, 5);
    assert_int_equal(shown(rig, 0, 0), rig_dac_color(0x15));
    attr_out(rig, 0x12, 0x0e);
    assert_int_equal(shown(rig, 0, 0), rig_dac_color(0x05));
    attr_out(rig, 0x14, 0x0f); /* no effect here */
    assert_int_equal(shown(rig, 0, 0), rig_dac_color(0x05));
}

/* 320 x 240, unchained, as published ("mode X"). */
static void mode_x(void **state)
{
    struct rig *rig = *state;
    static const u8 crtc[][2] = {{0x06, 0x0d}, {0x07, 0x3e}, {0x09, 0x41}, {0x10, 0xea}, {0x11, 0xac},
                                 {0x12, 0xdf}, {0x14, 0x00}, {0x15, 0xe7}, {0x16, 0x06}, {0x17, 0xe3}};
    set_mode(rig, 0x13);
    rig_dac_identity(rig);
    seq_out(rig, 4, 6);
    out8(rig, 0x3c2, 0xe3);
    crtc_out(rig, 0x11, 0x2c);
    for (u32 i = 0; i < ARRAY_LEN(crtc); i++)
        crtc_out(rig, crtc[i][0], crtc[i][1]);
    for (u32 i = 0; i < 320 * 240; i++) {
        seq_out(rig, 2, (u8)(1 << (i & 3)));
        write8(rig, 0xa0000 + i / 4, (u8)(i * 7 / 5 & 63));
    }
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(p.width, 320);
    assert_int_equal(p.height, 240);
    for (u32 i = 0; i < 320 * 240; i++)
        assert_int_equal(p.pixels[i], rig_dac_color((u8)(i * 7 / 5 & 63)));
    vga_picture_fini(&p);
}

/* Every scan line its own: 320 x 400; four of the same: 320 x 100. */
static void heights_of_256_color_modes(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    rig_dac_identity(rig);
    seq_out(rig, 4, 6);
    crtc_out(rig, 0x14, 0);
    crtc_out(rig, 0x17, 0xe3);
    crtc_out(rig, 0x09, 0x40);
    seq_out(rig, 2, 1);
    write8(rig, 0xa0000 + 80 * 399, 9);
    assert_size(rig, 320, 400);
    assert_int_equal(shown(rig, 0, 399), rig_dac_color(9));
    crtc_out(rig, 0x09, 0x43);
    assert_size(rig, 320, 100);
    write8(rig, 0xa0000 + 80 * 99, 8);
    assert_int_equal(shown(rig, 0, 99), rig_dac_color(8));
    crtc_out(rig, 0x09, 0xc0);
    assert_size(rig, 320, 200);
}

/* Both row scan bits in the address: four banks of 8 KiB, as on a Hercules card. */
static void four_banks_by_row_scan(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 6);
    rig_dac_identity(rig);
    crtc_out(rig, 0x09, 0x43);
    crtc_out(rig, 0x17, 0xc0);
    assert_size(rig, 640, 400);
    for (u32 y = 0; y < 400; y++)
        write8(rig, 0xb8000 + (y & 1) * 0x2000 + (y >> 1 & 1) * 0x4000 + y / 4 * 80 + y % 80, 0x80);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    for (u32 y = 0; y < 400; y++)
        for (u32 x = 0; x < 640; x += 8)
            assert_int_equal(rig_pixel(&p, x, y), rig_dac_color(x / 8 == y % 80 ? 0x17 : 0));
    vga_picture_fini(&p);
}

/* The three ways from the counter to the address, and where the shifted-out bits go. */
static void crtc_addressing(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    struct vga_regs r = rig->vga->r;
    assert_int_equal(vga_crtc_address(&r, 0xabcd, 0), 0xabcd);
    r.crtc[0x17] = 0xa3;
    assert_int_equal(vga_crtc_address(&r, 0xabcd, 0), 0x579b); /* MA15 in bit 0 */
    r.crtc[0x17] = 0x83;
    assert_int_equal(vga_crtc_address(&r, 0xabcd, 0), 0x579b); /* MA13 in bit 0: here also 1 */
    assert_int_equal(vga_crtc_address(&r, 0x8bcd, 0), 0x179a);
    r.crtc[0x14] = 0x40;
    assert_int_equal(vga_crtc_address(&r, 0x2001, 0), 0x8006);
    r.crtc[0x14] = 0;
    r.crtc[0x17] = 0xe2;
    assert_int_equal(vga_crtc_address(&r, 0x2000, 2), 0x0000);
    assert_int_equal(vga_crtc_address(&r, 0x0000, 3), 0x2000);
    r.crtc[0x17] = 0xe1;
    assert_int_equal(vga_crtc_address(&r, 0x4000, 1), 0x0000);
    assert_int_equal(vga_crtc_address(&r, 0x0000, 2), 0x4000);
}

/* The memory address counter clocked every second or fourth character. */
static void counter_dividers(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    rig_dac_identity(rig);
    seq_out(rig, 2, 1);
    write8(rig, 0xa0001, 0x80);
    crtc_out(rig, 0x17, 0xeb);
    assert_int_equal(shown(rig, 8, 0), rig_dac_color(0));
    assert_int_equal(shown(rig, 16, 0), rig_dac_color(1));
    assert_int_equal(shown(rig, 24, 0), rig_dac_color(1));
    seq_out(rig, 1, 0x05); /* and loaded every second character */
    assert_int_equal(shown(rig, 16, 0), rig_dac_color(1));
    assert_int_equal(shown(rig, 24, 0), rig_dac_color(0));
    crtc_out(rig, 0x14, 0x20);
    seq_out(rig, 1, 0x11);
    assert_int_equal(shown(rig, 16, 0), rig_dac_color(0));
    assert_int_equal(shown(rig, 32, 0), rig_dac_color(1));
    assert_int_equal(shown(rig, 40, 0), rig_dac_color(0));
}

static void vertical_blanking_inside_the_picture(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    rig_dac_identity(rig); /* color 0 is not black */
    crtc_out(rig, 0x15, 100);
    crtc_out(rig, 0x16, 200);
    crtc_out(rig, 0x09, 0x41);
    crtc_out(rig, 0x11, 0x0e);
    crtc_out(rig, 0x07, 0x17); /* blank start bit 8 off */
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    for (u32 y = 0; y < 200; y++)
        assert_int_equal(rig_pixel(&p, 5, y), y >= 50 && y < 100 ? 0 : rig_dac_color(0));
    vga_picture_fini(&p);
}

/* 200-line text: characters of eight lines, each scanned twice. */
static void double_scanned_text(void **state)
{
    struct rig *rig = *state;
    static const u8 stripes[16] = {0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0};
    text_screen(rig);
    rig_load_glyph(rig, 0, 'S', stripes);
    write_mem(rig, 0xb8000 + 160, 2, 0x0753);
    crtc_out(rig, 0x09, 0xc7);
    assert_size(rig, 720, 200);
    for (u32 y = 0; y < 24; y++)
        assert_int_equal(shown(rig, 0, y), rig_dac_color(y >= 8 && y < 16 && !(y & 1) ? 7 : 0));
}

/* Vertical counter at half speed: twice the lines. */
static void vertical_half(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    crtc_out(rig, 0x17, 0xe7);
    assert_size(rig, 640, 960);
}

/* Rendering must hold for any register contents. */
static void any_registers_can_be_drawn(void **state)
{
    struct rig *rig = *state;
    struct vga_picture p = {0};
    char text[4096];
    u32 seed = 99;
    set_mode(rig, 3);
    for (u32 i = 0; i < 300; i++) {
        for (u32 j = 0; j < 60; j++) {
            seed = seed * 1664525 + 1013904223;
            if (j % 8 == 0)
                crtc_out(rig, 0x11, (u8)(seed >> 8 & 0x7f));
            crtc_out(rig, seed >> 24 & 0x1f, (u8)(seed >> 8));
            attr_out(rig, seed >> 19 & 0x1f, (u8)(seed >> 7));
            gc_out(rig, seed >> 20 & 0x0f, (u8)(seed >> 9));
            seq_out(rig, seed >> 21 & 7, (u8)(seed >> 10) & 0xdf);
            rig_advance(rig, seed >> 14);
        }
        assert_int_equal(vga_render(rig->vga, i & 1 ? VGA_VIEW_STILL : VGA_VIEW_BEAM, &p), 0);
        assert_true(p.width <= VGA_MAX_DOTS && p.height <= 2048);
        vga_text(rig->vga, text, sizeof text);
    }
    vga_picture_fini(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(character_map_select, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(cursor_shape_and_place, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(blinking, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(cursor_on_a_blinking_character, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(attribute_colors, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(eight_bit_colors_pass_the_palette, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_x, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(heights_of_256_color_modes, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(four_banks_by_row_scan, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(crtc_addressing, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(counter_dividers, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(vertical_blanking_inside_the_picture, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(double_scanned_text, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(vertical_half, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(any_registers_can_be_drawn, rig_setup, rig_teardown),
};

int test_picture(void)
{
    return cmocka_run_group_tests_name("picture", tests, NULL, NULL);
}
