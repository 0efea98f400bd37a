/* What the BIOS modes show, drawn through the window as programs draw. */
#include "vga_tests.h"

#include <stdlib.h>
#include <string.h>

/* How a pixel is put in a mode, by the formulas of the programmer's guides. */
static void put_cga(struct rig *rig, u32 x, u32 y, u8 color, u32 bits)
{
    u32 per_byte = 8 / bits;
    u32 shift = 8 - bits - x % per_byte * bits;
    gpa_t addr = 0xb8000 + (y & 1) * 0x2000 + y / 2 * 80 + x / per_byte;
    u8 mask = (u8)((BIT(bits) - 1) << shift);
    write8(rig, addr, (u8)((read8(rig, addr) & ~mask) | color << shift));
}

static void put_4_colors(struct rig *rig, u32 x, u32 y, u8 color)
{
    put_cga(rig, x, y, color, 2);
}

static void put_2_colors(struct rig *rig, u32 x, u32 y, u8 color)
{
    put_cga(rig, x, y, color, 1);
}

/* Write mode 2 under a bit mask. */
static void put_planar(struct rig *rig, u32 x, u32 y, u8 color, u32 row_bytes)
{
    gpa_t addr = 0xa0000 + y * row_bytes + x / 8;
    gc_out(rig, 5, 2);
    gc_out(rig, 8, 0x80 >> x % 8);
    read8(rig, addr);
    write8(rig, addr, color);
}

static void put_planar_320(struct rig *rig, u32 x, u32 y, u8 color)
{
    put_planar(rig, x, y, color, 40);
}

static void put_planar_640(struct rig *rig, u32 x, u32 y, u8 color)
{
    put_planar(rig, x, y, color, 80);
}

static void put_byte(struct rig *rig, u32 x, u32 y, u8 color)
{
    write8(rig, 0xa0000 + y * 320 + x, color);
}

static const struct graphics_mode {
    u8 mode;
    u32 width, height;
    u32 colors;
    void (*put)(struct rig *rig, u32 x, u32 y, u8 color);
    u8 palette[16]; /* DAC index of each color; all zero: the color itself */
} graphics_modes[] = {
    {0x04, 320, 200, 4, put_4_colors, {0, 0x13, 0x15, 0x17}},
    {0x05, 320, 200, 4, put_4_colors, {0, 0x13, 0x15, 0x17}},
    {0x06, 640, 200, 2, put_2_colors, {0, 0x17}},
    {0x0d, 320, 200, 16, put_planar_320, {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23}},
    {0x0e, 640, 200, 16, put_planar_640, {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23}},
    {0x10, 640, 350, 16, put_planar_640, {0, 1, 2, 3, 4, 5, 20, 7, 56, 57, 58, 59, 60, 61, 62, 63}},
    {0x11, 640, 480, 2, put_planar_640, {0, 0x3f}},
    {0x12, 640, 480, 16, put_planar_640, {0, 1, 2, 3, 4, 5, 20, 7, 56, 57, 58, 59, 60, 61, 62, 63}},
    {0x13, 320, 200, 64, put_byte, {0}},
};

static void check_graphics_mode(struct rig *rig, const struct graphics_mode *mode)
{
    u8 *drawn = calloc(mode->width, mode->height);
    set_mode(rig, mode->mode);
    rig_dac_identity(rig);
    for (u32 i = 0; i < 20000; i++) {
        u32 x = (u32)random() % mode->width, y = (u32)random() % mode->height;
        u8 color = (u8)((u32)random() % mode->colors);
        mode->put(rig, x, y, color);
        drawn[y * mode->width + x] = color;
    }
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(p.width, mode->width);
    assert_int_equal(p.height, mode->height);
    for (u32 i = 0; i < p.width * p.height; i++) {
        u8 index = mode->palette[1] ? mode->palette[drawn[i]] : drawn[i];
        assert_int_equal(p.pixels[i], rig_dac_color(index));
    }
    vga_picture_fini(&p);
    free(drawn);
}

static void graphics_modes_show_what_was_drawn(void **state)
{
    srandom(3);
    for (u32 i = 0; i < ARRAY_LEN(graphics_modes); i++)
        check_graphics_mode(*state, &graphics_modes[i]);
}

/* Two planes: off, video, blinking, intensified. */
static void mode_0fh_blinks(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x0f);
    rig_dac_identity(rig);
    static const u8 color[] = {0, 1, 4, 5, 3, 12};
    for (u32 i = 0; i < ARRAY_LEN(color); i++)
        put_planar_640(rig, i, 349, color[i]);
    static const u8 shown[] = {0, 8, 0x18, 0x18, 8, 0x18}, hidden[] = {0, 8, 0, 0x18, 8, 0};
    bool seen[2] = {false, false};
    for (u32 frame = 0; frame < 64; frame++) {
        struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
        assert_int_equal(p.height, 350);
        bool on = rig_pixel(&p, 2, 349) == rig_dac_color(0x18);
        seen[on] = true;
        for (u32 i = 0; i < ARRAY_LEN(color); i++)
            assert_int_equal(rig_pixel(&p, i, 349), rig_dac_color(on ? shown[i] : hidden[i]));
        vga_picture_fini(&p);
        rig_advance(rig, vga_next_frame_ns(rig->vga) - clock_now(&rig->machine->clock));
    }
    assert_true(seen[0] && seen[1]);
}

static const u8 corner_glyph[16] = {0x80, 0x01, 0xff, [15] = 0x81};

static void mode_3_shows_characters(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    rig_dac_identity(rig);
    rig_load_glyph(rig, 0, 'A', corner_glyph);
    rig_load_glyph(rig, 0, 0xc4, corner_glyph);
    crtc_out(rig, 0x0a, 0x20);
    write_mem(rig, 0xb8000, 2, 0x1e41);           /* yellow on blue */
    write_mem(rig, 0xb8000 + 160 + 2, 2, 0x4fc4); /* line graphics, second row and column */
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(p.width, 720);
    assert_int_equal(p.height, 400);
    u32 yellow = rig_dac_color(0x3e), blue = rig_dac_color(1), red = rig_dac_color(4),
        white = rig_dac_color(0x3f);
    assert_int_equal(rig_pixel(&p, 0, 0), yellow);
    assert_int_equal(rig_pixel(&p, 1, 0), blue);
    assert_int_equal(rig_pixel(&p, 7, 1), yellow);
    assert_int_equal(rig_pixel(&p, 8, 1), blue); /* ninth dot is background */
    assert_int_equal(rig_pixel(&p, 7, 2), yellow);
    assert_int_equal(rig_pixel(&p, 0, 15), yellow);
    assert_int_equal(rig_pixel(&p, 0, 14), blue);
    assert_int_equal(rig_pixel(&p, 9, 16), white);
    assert_int_equal(rig_pixel(&p, 10, 16), red);
    assert_int_equal(rig_pixel(&p, 17, 16), red);
    assert_int_equal(rig_pixel(&p, 17, 17), white); /* ninth dot repeats the eighth for C0h-DFh */
    assert_int_equal(rig_pixel(&p, 18, 17), rig_dac_color(0));
    vga_picture_fini(&p);
    attr_out(rig, 0x10, 0x08); /* line graphics off */
    p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(rig_pixel(&p, 16, 17), white);
    assert_int_equal(rig_pixel(&p, 17, 17), red);
    vga_picture_fini(&p);
}

static void mode_1_has_40_columns(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0);
    rig_dac_identity(rig);
    rig_load_glyph(rig, 0, 'A', corner_glyph);
    crtc_out(rig, 0x0a, 0x20);
    write_mem(rig, 0xb8000 + 80 * 24 + 2 * 39, 2, 0x0f41);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(p.width, 360);
    assert_int_equal(p.height, 400);
    assert_int_equal(rig_pixel(&p, 351, 384), rig_dac_color(0x3f));
    assert_int_equal(rig_pixel(&p, 358, 399), rig_dac_color(0x3f));
    vga_picture_fini(&p);
}

static void mode_7_underlines(void **state)
{
    struct rig *rig = *state;
    static const u8 blank[16] = {0};
    set_mode(rig, 7);
    rig_dac_identity(rig);
    rig_load_glyph(rig, 0, ' ', blank);
    crtc_out(rig, 0x0a, 0x20);
    write_mem(rig, 0xb0000, 2, 0x0120);
    write_mem(rig, 0xb0002, 2, 0x0720);
    write_mem(rig, 0xb0004, 2, 0x0920);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(p.width, 720);
    assert_int_equal(p.height, 400);
    assert_int_equal(rig_pixel(&p, 0, 13), rig_dac_color(8));
    assert_int_equal(rig_pixel(&p, 8, 13), rig_dac_color(8)); /* through the ninth dot */
    assert_int_equal(rig_pixel(&p, 0, 12), rig_dac_color(0));
    assert_int_equal(rig_pixel(&p, 9, 13), rig_dac_color(0));
    assert_int_equal(rig_pixel(&p, 18, 13), rig_dac_color(0x18));
    vga_picture_fini(&p);
    assert_int_equal(read8(rig, 0xb8000), 0xff);
}

static void text_is_extracted(void **state)
{
    struct rig *rig = *state;
    static const char line[] = "Hello, world  ";
    char text[8192];
    set_mode(rig, 3);
    for (u32 i = 0; i < 80 * 25; i++)
        write_mem(rig, 0xb8000 + 2 * i, 2, 0x0720);
    for (u32 i = 0; line[i]; i++)
        write8(rig, 0xb8000 + 2 * i, (u8)line[i]);
    write8(rig, 0xb8000 + 160 * 24 + 4, 0xc9);
    assert_true(vga_text_mode(rig->vga));
    size_t n = vga_text(rig->vga, text, sizeof text);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(text, "Hello, world\n\n", 14);
    assert_string_equal(text + 12 + 24, "  \xe2\x95\x94\n");
    assert_int_equal(vga_text(rig->vga, text, 6), 5);
    assert_string_equal(text, "Hello");
    write8(rig, 0xb8000, 0xc9);
    assert_int_equal(vga_text(rig->vga, text, 3), 0); /* three bytes and a NUL do not fit */
    assert_string_equal(text, "");
    crtc_out(rig, 0x0d, 80); /* one row down */
    vga_text(rig->vga, text, sizeof text);
    assert_memory_equal(text, "\n\n", 2);
    set_mode(rig, 0x13);
    assert_false(vga_text_mode(rig->vga));
    assert_int_equal(vga_text(rig->vga, text, sizeof text), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(graphics_modes_show_what_was_drawn, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_0fh_blinks, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_3_shows_characters, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_1_has_40_columns, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_7_underlines, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(text_is_extracted, rig_setup, rig_teardown),
};

int test_modes(void)
{
    return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
