/* What the standard modes show, drawn through the window as programs draw. */
#include "vga_tests.h"

#include <string.h>

static struct vga_picture picture_of(struct rig *rig)
{
    struct vga_picture picture = {0};
    assert_int_equal(vga_render(rig->vga, VGA_VIEW_STILL, &picture), 0);
    return picture;
}

static u32 pixel(const struct vga_picture *p, u32 x, u32 y)
{
    assert_true(x < p->width && y < p->height);
    return p->pixels[(size_t)y * p->width + x];
}

static void load_glyph(struct rig *rig, u8 code, const u8 rows[16])
{
    seq_out(rig, 2, 4);
    seq_out(rig, 4, 6);
    gc_out(rig, 5, 0);
    gc_out(rig, 6, 4);
    for (u32 i = 0; i < 16; i++)
        write8(rig, 0xa0000 + code * 32u + i, rows[i]);
    seq_out(rig, 2, 3);
    seq_out(rig, 4, 2);
    gc_out(rig, 5, 0x10);
    gc_out(rig, 6, 0x0e);
}

static void mode_3_shows_characters(void **state)
{
    struct rig *rig = *state;
    static const u8 glyph[16] = {0x80, 0x01, 0xff, [15] = 0x81};
    set_mode(rig, 3);
    rig_dac_identity(rig);
    load_glyph(rig, 'A', glyph);
    load_glyph(rig, 0xc4, glyph);
    crtc_out(rig, 0x0a, 0x20);
    write_mem(rig, 0xb8000, 2, 0x1e41);           /* yellow on blue */
    write_mem(rig, 0xb8000 + 160 + 2, 2, 0x4fc4); /* line graphics, second row and column */
    struct vga_picture p = picture_of(rig);
    assert_int_equal(p.width, 720);
    assert_int_equal(p.height, 400);
    u32 yellow = rig_dac_color(0x3e), blue = rig_dac_color(1), red = rig_dac_color(4),
        white = rig_dac_color(0x3f);
    assert_int_equal(pixel(&p, 0, 0), yellow);
    assert_int_equal(pixel(&p, 1, 0), blue);
    assert_int_equal(pixel(&p, 7, 1), yellow);
    assert_int_equal(pixel(&p, 8, 1), blue); /* ninth dot is background */
    assert_int_equal(pixel(&p, 7, 2), yellow);
    assert_int_equal(pixel(&p, 0, 15), yellow);
    assert_int_equal(pixel(&p, 0, 14), blue);
    assert_int_equal(pixel(&p, 9, 16), white);
    assert_int_equal(pixel(&p, 10, 16), red);
    assert_int_equal(pixel(&p, 17, 16), red);
    assert_int_equal(pixel(&p, 17, 17), white); /* ninth dot repeats the eighth for C0h-DFh */
    assert_int_equal(pixel(&p, 18, 17), rig_dac_color(0));
    vga_picture_fini(&p);
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
    n = vga_text(rig->vga, text, 6);
    assert_string_equal(text, "Hello");
    assert_int_equal(n, 5);
    set_mode(rig, 0x13);
    assert_false(vga_text_mode(rig->vga));
    assert_int_equal(vga_text(rig->vga, text, sizeof text), 0);
}

static void mode_12h_shows_planes(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    rig_dac_identity(rig);
    gc_out(rig, 5, 2);
    gc_out(rig, 8, 0x40);
    read8(rig, 0xa0000 + 80 * 479 + 79);
    write8(rig, 0xa0000 + 80 * 479 + 79, 0x0e);
    struct vga_picture p = picture_of(rig);
    assert_int_equal(p.width, 640);
    assert_int_equal(p.height, 480);
    assert_int_equal(pixel(&p, 633, 479), rig_dac_color(0x3e));
    assert_int_equal(pixel(&p, 632, 479), rig_dac_color(0));
    assert_int_equal(pixel(&p, 633, 478), rig_dac_color(0));
    vga_picture_fini(&p);
}

static void mode_13h_shows_bytes(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    rig_dac_identity(rig);
    for (u32 i = 0; i < 64000; i += 4)
        write_mem(rig, 0xa0000 + i, 4,
                  (i * 7 & 0xff) | (i * 5 & 0xff) << 8 | (i >> 8 & 0xff) << 16 | (i & 63) << 24);
    struct vga_picture p = picture_of(rig);
    assert_int_equal(p.width, 320);
    assert_int_equal(p.height, 200);
    for (u32 i = 0; i < 64000; i++)
        assert_int_equal(p.pixels[i], rig_dac_color(read8(rig, 0xa0000 + i)));
    assert_int_equal(pixel(&p, 0, 100), rig_dac_color((u8)(32000 * 7)));
    vga_picture_fini(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(mode_3_shows_characters, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(text_is_extracted, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_12h_shows_planes, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_13h_shows_bytes, rig_setup, rig_teardown),
};

int test_modes(void)
{
    return cmocka_run_group_tests_name("modes", tests, NULL, NULL);
}
