/* What the beam has to do with it: split screen, panning, changes in mid-frame, the latched start address,
 * and the files that pictures go to. */
#include "vga_tests.h"

#include "dev/vga/vga_scan.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static u64 now(struct rig *rig)
{
    return clock_now(&rig->machine->clock);
}

/* Mode 13h with a picture in which each pixel tells its line (green part of the color: line & 63). */
static void striped_screen(struct rig *rig)
{
    set_mode(rig, 0x13);
    rig_dac_identity(rig);
    for (u32 i = 0; i < 65536; i++)
        write8(rig, 0xa0000 + i, (u8)(i / 320 & 63));
}

/* `row[y]` is the line of memory that picture line y must show. */
static void assert_lines(struct rig *rig, enum vga_view view, const u32 row[200])
{
    struct vga_picture p = rig_picture(rig, view);
    for (u32 y = 0; y < 200; y++)
        assert_int_equal(rig_pixel(&p, 160, y), rig_dac_color(row[y] & 63));
    vga_picture_fini(&p);
}

static void split_screen(void **state)
{
    struct rig *rig = *state;
    u32 row[200];
    striped_screen(rig);
    crtc_out(rig, 0x0c, 80 * 20 >> 8);
    crtc_out(rig, 0x0d, 80 * 20 & 0xff);
    crtc_out(rig, 0x11, 0x0e);
    crtc_out(rig, 0x09, 0x01); /* line compare bit 9 */
    crtc_out(rig, 0x07, 0x1f); /* bit 8 */
    crtc_out(rig, 0x18, 0x2b); /* 299: line 300 is the first of the split */
    for (u32 y = 0; y < 200; y++)
        row[y] = y < 150 ? y + 20 : y - 150;
    assert_lines(rig, VGA_VIEW_STILL, row);
    rig_beam_to(rig, 0);
    rig_beam_to(rig, 410); /* a whole frame later */
    assert_lines(rig, VGA_VIEW_BEAM, row);
}

static void split_screen_and_panning(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    rig_dac_identity(rig);
    seq_out(rig, 2, 1);
    for (u32 i = 0; i < 80 * 480; i += 80)
        write8(rig, 0xa0000 + i + 1, 0x80); /* a vertical line at x = 8 */
    crtc_out(rig, 0x11, 0x0c);
    crtc_out(rig, 0x09, 0x00);
    crtc_out(rig, 0x07, 0x2e);
    crtc_out(rig, 0x18, 99);
    attr_out(rig, 0x13, 3);
    for (u32 compatible = 0; compatible < 2; compatible++) {
        attr_out(rig, 0x10, compatible ? 0x21 : 0x01);
        struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
        for (u32 y = 0; y < 480; y++) {
            u32 at = y < 100 || !compatible ? 5 : 8;
            assert_int_equal(rig_pixel(&p, at, y), rig_dac_color(1));
            assert_int_equal(rig_pixel(&p, 13 - at, y), rig_dac_color(0));
        }
        vga_picture_fini(&p);
    }
    crtc_out(rig, 0x08, 0x20); /* byte panning: one character, above the split */
    attr_out(rig, 0x13, 0);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(rig_pixel(&p, 0, 99), rig_dac_color(1));
    assert_int_equal(rig_pixel(&p, 8, 100), rig_dac_color(1));
    vga_picture_fini(&p);
}

/* The split begins with the first of two scans, wherever the line compare hit. */
static void split_screen_restarts_double_scan(void **state)
{
    struct rig *rig = *state;
    struct vga_scan scan;
    set_mode(rig, 0x0d);
    crtc_out(rig, 0x11, 0x0e);
    crtc_out(rig, 0x09, 0x80);
    crtc_out(rig, 0x07, 0x0f);
    for (u8 compare = 20; compare < 22; compare++) {
        crtc_out(rig, 0x18, compare);
        vga_scan_begin(&scan, rig->vga, VGA_VIEW_STILL);
        while (scan.line < compare)
            vga_scan_next_line(&scan);
        assert_int_equal(scan.row_address, 40 * 10);
        for (u32 i = 0; i < 6; i++) {
            vga_scan_next_line(&scan);
            assert_int_equal(scan.row_address, i / 2 * 40);
        }
    }
}

static void panning_by_mode(void **state)
{
    struct rig *rig = *state;
    static const u8 bar[16] = {0x80};
    set_mode(rig, 3);
    rig_dac_identity(rig);
    rig_load_glyph(rig, 0, 'B', bar);
    crtc_out(rig, 0x0a, 0x20);
    write_mem(rig, 0xb8002, 2, 0x0742); /* a dot at x = 9 */
    for (u8 i = 0; i <= 8; i++) {
        attr_out(rig, 0x13, i);
        struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
        u32 at = i == 8 ? 9 : 9 - (i + 1u);
        for (u32 x = 0; x < 12; x++)
            assert_int_equal(rig_pixel(&p, x, 0), rig_dac_color(x == at ? 7 : 0));
        vga_picture_fini(&p);
    }
    set_mode(rig, 0x13);
    write8(rig, 0xa0004, 9);
    for (u8 i = 0; i < 4; i++) {
        attr_out(rig, 0x13, (u8)(2 * i));
        struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
        for (u32 x = 0; x < 8; x++)
            assert_int_equal(rig_pixel(&p, x, 0), rig_dac_color(x == 4u - i ? 9 : 0));
        vga_picture_fini(&p);
    }
}

static void preset_row_scan(void **state)
{
    struct rig *rig = *state;
    static const u8 stripes[16] = {[5] = 0xff};
    set_mode(rig, 3);
    rig_dac_identity(rig);
    rig_load_glyph(rig, 0, 'B', stripes);
    crtc_out(rig, 0x0a, 0x20);
    write_mem(rig, 0xb8000, 2, 0x0742);
    write_mem(rig, 0xb80a0, 2, 0x0742);
    crtc_out(rig, 0x08, 3); /* smooth scrolling: the first row is short */
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    for (u32 y = 0; y < 40; y++)
        assert_int_equal(rig_pixel(&p, 0, y), rig_dac_color(y == 2 || y == 18 ? 7 : 0));
    vga_picture_fini(&p);
}

static void palette_change_in_mid_frame(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    dac_out(rig, 0, 63, 0, 0);
    rig_beam_to(rig, 200);
    dac_out(rig, 0, 0, 63, 0);
    rig_advance(rig, 50 * 31778);
    dac_out(rig, 0, 0, 0, 63);
    rig_advance(rig, 100 * 31778);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_BEAM);
    for (u32 y = 0; y < 200; y++)
        assert_int_equal(rig_pixel(&p, 7, y), y < 100 ? 0xff0000 : y < 125 ? 0x00ff00 : 0x0000ff);
    vga_picture_fini(&p);
    p = rig_picture(rig, VGA_VIEW_STILL);
    assert_int_equal(rig_pixel(&p, 0, 0), 0x0000ff);
    vga_picture_fini(&p);
    rig_beam_to(rig, 10); /* next frame: nothing written, nothing left of it */
    p = rig_picture(rig, VGA_VIEW_BEAM);
    for (u32 y = 0; y < 200; y++)
        assert_int_equal(rig_pixel(&p, 7, y), 0x0000ff);
    vga_picture_fini(&p);
}

/* Written during retrace: all of the next frame, none of the one before. */
static void palette_change_in_retrace(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    dac_out(rig, 0, 63, 0, 0);
    rig_beam_to(rig, 420);
    dac_out(rig, 0, 0, 63, 0);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_BEAM);
    assert_int_equal(rig_pixel(&p, 0, 0), 0xff0000);
    assert_int_equal(rig_pixel(&p, 0, 199), 0xff0000);
    vga_picture_fini(&p);
    rig_beam_to(rig, 1);
    p = rig_picture(rig, VGA_VIEW_BEAM);
    assert_int_equal(rig_pixel(&p, 0, 0), 0x00ff00);
    vga_picture_fini(&p);
}

static void registers_of_all_groups_in_mid_frame(void **state)
{
    struct rig *rig = *state;
    striped_screen(rig);
    rig_beam_to(rig, 100);
    out8(rig, 0x3c6, 0);
    rig_advance(rig, 20 * 31778);
    out8(rig, 0x3c6, 0xff);
    seq_out(rig, 1, 0x21);
    rig_advance(rig, 20 * 31778);
    seq_out(rig, 1, 0x01);
    rig_advance(rig, 20 * 31778);
    crtc_out(rig, 0x13, 0);
    rig_advance(rig, 10 * 31778);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_BEAM);
    for (u32 y = 0; y < 200; y++) {
        u32 expected = rig_dac_color((u8)(y & 63));
        if (y >= 50 && y < 60)
            expected = rig_dac_color(0);
        else if (y >= 60 && y < 70)
            expected = 0;
        else if (y >= 80)
            expected = rig_dac_color(80 & 63);
        assert_int_equal(rig_pixel(&p, 3, y), expected);
    }
    vga_picture_fini(&p);
}

/* The start address counts from the retrace after it was written. */
static void start_address_is_latched_at_retrace(void **state)
{
    struct rig *rig = *state;
    u32 top[200], lower[200];
    for (u32 y = 0; y < 200; y++) {
        top[y] = y;
        lower[y] = y + 5;
    }
    striped_screen(rig);
    rig_beam_to(rig, 100);
    crtc_out(rig, 0x0d, 0x90); /* five lines down: 400 */
    crtc_out(rig, 0x0c, 0x01);
    assert_lines(rig, VGA_VIEW_BEAM, top);
    assert_lines(rig, VGA_VIEW_STILL, lower);
    rig_advance(rig, vga_next_frame_ns(rig->vga) - now(rig));
    assert_lines(rig, VGA_VIEW_BEAM, top); /* retrace: what was just drawn */
    crtc_out(rig, 0x0d, 0);                /* too late for the next frame */
    crtc_out(rig, 0x0c, 0);
    rig_beam_to(rig, 0);
    assert_lines(rig, VGA_VIEW_BEAM, lower);
    rig_beam_to(rig, 0);
    assert_lines(rig, VGA_VIEW_BEAM, top);
    rig_advance(rig, 10 * NS_PER_S);
    assert_lines(rig, VGA_VIEW_BEAM, top);
}

/* Input status 1 bits 4 and 5: the video outputs, as a BIOS's self-test looks at them. */
static void video_outputs_can_be_read_back(void **state)
{
    struct rig *rig = *state;
    static const u8 low_bit[4] = {0, 4, 1, 6}, high_bit[4] = {2, 5, 3, 7};
    set_mode(rig, 0x13);
    for (u32 i = 0; i < 64000; i++)
        write8(rig, 0xa0000 + i, i / 320 == 50 ? (u8)(i % 320) : 0x5a);
    attr_out(rig, 0x11, 0xc6);
    rig_beam_to(rig, 100); /* picture line 50 */
    for (u8 select = 1; select < 4; select++) {
        attr_out(rig, 0x12, (u8)(0x0f | select << 4));
        u8 dot = (u8)(vga_timing_beam(&rig->vga->timing, now(rig)).dot / 2);
        u8 status = in8(rig, 0x3da);
        assert_int_equal(status & 1, 0);
        assert_int_equal(status >> 4 & 1, dot >> low_bit[select] & 1);
        assert_int_equal(status >> 5 & 1, dot >> high_bit[select] & 1);
        rig_advance(rig, 5000);
    }
    for (u8 select = 0; select < 4; select++) {
        attr_out(rig, 0x12, (u8)(0x0f | select << 4));
        rig_beam_to(rig, 405);
        u8 status = in8(rig, 0x3da);
        assert_int_equal(status >> 4 & 1, 0xc6 >> low_bit[select] & 1);
        assert_int_equal(status >> 5 & 1, 0xc6 >> high_bit[select] & 1);
    }
}

/* More writes than the journal keeps: the present registers, and a fresh start in the next frame. */
static void journal_overflow(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    rig_beam_to(rig, 10);
    for (u32 i = 0; i <= VGA_JOURNAL_ENTRIES; i++)
        out8(rig, 0x3c6, (u8)i);
    assert_true(rig->vga->raster.overflow);
    out8(rig, 0x3c6, 0xff);
    dac_out(rig, 0, 63, 0, 0);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_BEAM);
    assert_int_equal(rig_pixel(&p, 0, 0), 0xff0000);
    vga_picture_fini(&p);
    rig_beam_to(rig, 200);
    dac_out(rig, 0, 0, 63, 0);
    assert_false(rig->vga->raster.overflow);
    p = rig_picture(rig, VGA_VIEW_BEAM);
    assert_int_equal(rig_pixel(&p, 0, 99), 0xff0000);
    assert_int_equal(rig_pixel(&p, 0, 100), 0x00ff00);
    vga_picture_fini(&p);
}

/* That nothing more can be kept holds to the last moment of the frame, and not longer. */
static void overflow_ends_with_the_frame(void **state)
{
    struct rig *rig = *state;
    struct vga_raster *raster = &rig->vga->raster;
    set_mode(rig, 0x13);
    for (u32 frame = 0; frame < 3; frame++) {
        rig_beam_to(rig, 100);
        for (u32 i = 0; i <= VGA_JOURNAL_ENTRIES; i++)
            out8(rig, 0x3c6, (u8)i);
        assert_true(raster->overflow);
        assert_in_range(raster->full_until_ns, now(rig) + 1, now(rig) + 20000000);
        rig_advance(rig, raster->full_until_ns - now(rig) - 1);
        out8(rig, 0x3c6, 0x11);
        assert_true(raster->overflow);
        assert_int_equal(vga_timing_beam(&rig->vga->timing, now(rig)).frame, raster->frame);
        rig_advance(rig, 1);
        out8(rig, 0x3c6, 0x22);
        assert_false(raster->overflow);
        assert_int_equal(raster->n, 1);
        assert_int_equal(raster->entry[0].line, 0);
        assert_int_equal(raster->entry[0].value, 0x22);
    }
    for (u32 i = 0; i <= VGA_JOURNAL_ENTRIES; i++)
        out8(rig, 0x3c6, (u8)i);
    assert_true(raster->overflow);
    set_mode(rig, 0x12); /* another timing: begins anew */
    assert_false(raster->overflow);
    assert_int_equal(raster->full_until_ns, 0);
}

/* Memory accesses and writes that change nothing leave no trace. */
static void nothing_is_kept_without_need(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    rig_beam_to(rig, 0);
    rig->vga->raster.n = 0;
    gc_out(rig, 8, 0x55);
    gc_out(rig, 5, 2);
    seq_out(rig, 2, 5);
    out8(rig, 0x3c6, 0xff);
    write8(rig, 0xa0000, 1);
    crtc_out(rig, 0x13, 0x28);
    assert_int_equal(rig->vga->raster.n, 0);
}

static void frame_hash_follows_the_picture(void **state)
{
    struct rig *rig = *state;
    striped_screen(rig);
    u64 hash = vga_frame_hash(rig->vga, VGA_VIEW_STILL);
    assert_true(hash == vga_frame_hash(rig->vga, VGA_VIEW_STILL));
    write8(rig, 0xa0000 + 63999, 63);
    u64 changed = vga_frame_hash(rig->vga, VGA_VIEW_STILL);
    assert_true(hash != changed);
    write8(rig, 0xa0000 + 63999, (199 & 63));
    assert_true(hash == vga_frame_hash(rig->vga, VGA_VIEW_STILL));
}

static void assert_png_shows(const char *path, const struct vga_picture *p)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    assert_int_equal(image.width, p->width);
    assert_int_equal(image.height, p->height);
    image.format = PNG_FORMAT_RGB;
    u8 *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    for (u32 i = 0; i < p->width * p->height; i++)
        assert_int_equal((u32)pixels[3 * i] << 16 | (u32)pixels[3 * i + 1] << 8 | pixels[3 * i + 2],
                         p->pixels[i]);
    free(pixels);
    png_image_free(&image);
}

static void screenshot_is_a_png(void **state)
{
    struct rig *rig = *state;
    char directory[] = "/tmp/huddle-vga-XXXXXX";
    char path[64], missing[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/shot.png", directory);
    snprintf(missing, sizeof missing, "%s/none/shot.png", directory);
    striped_screen(rig);
    assert_int_equal(vga_screenshot(rig->vga, VGA_VIEW_STILL, path), 0);
    struct vga_picture p = rig_picture(rig, VGA_VIEW_STILL);
    assert_png_shows(path, &p);
    vga_picture_fini(&p);
    assert_int_equal(vga_screenshot(rig->vga, VGA_VIEW_STILL, missing), -ENOENT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0); /* no temporary file is left */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(split_screen, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(split_screen_and_panning, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(split_screen_restarts_double_scan, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(panning_by_mode, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(preset_row_scan, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(palette_change_in_mid_frame, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(palette_change_in_retrace, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(registers_of_all_groups_in_mid_frame, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(start_address_is_latched_at_retrace, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(video_outputs_can_be_read_back, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(journal_overflow, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(overflow_ends_with_the_frame, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(nothing_is_kept_without_need, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(frame_hash_follows_the_picture, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(screenshot_is_a_png, rig_setup, rig_teardown),
};

int test_raster(void)
{
    return cmocka_run_group_tests_name("raster", tests, NULL, NULL);
}
