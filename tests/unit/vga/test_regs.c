/* The register groups as the processor sees them. */
#include "vga_tests.h"

static void unused_bits_read_as_zero(void **state)
{
    struct rig *rig = *state;
    static const u8 seq[5] = {0x03, 0x3d, 0x0f, 0x3f, 0x0e};
    static const u8 gc[9] = {0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff};
    set_mode(rig, 3);
    for (u8 i = 0; i < 5; i++) {
        seq_out(rig, i, 0xff);
        out8(rig, 0x3c4, i);
        assert_int_equal(in8(rig, 0x3c5), seq[i]);
        assert_int_equal(bus_in(&rig->machine->bus, 0x3c4, 2), i | seq[i] << 8);
    }
    for (u8 i = 0; i < 9; i++) {
        gc_out(rig, i, 0xff);
        assert_int_equal(bus_in(&rig->machine->bus, 0x3ce, 2), i | gc[i] << 8);
        gc_out(rig, i, 0);
        assert_int_equal(in8(rig, 0x3cf), 0);
    }
    for (u8 i = 0; i < 16; i++) {
        in8(rig, 0x3da);
        out8(rig, 0x3c0, i);
        out8(rig, 0x3c0, 0xff);
        assert_int_equal(in8(rig, 0x3c1), 0x3f);
    }
}

/* A word access to an index port and two byte accesses are the same thing. */
static void index_data_pairs_take_words(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    out16(rig, 0x3ce, 0x5a08);
    assert_int_equal(rig->vga->r.gc[8], 0x5a);
    out8(rig, 0x3ce, 8);
    out8(rig, 0x3cf, 0xa5);
    assert_int_equal(bus_in(&rig->machine->bus, 0x3ce, 2), 0xa508);
    bus_out(&rig->machine->bus, 0x3c4, 2, 0x0902);
    assert_int_equal(rig->vga->r.seq[2], 9);
    out16(rig, 0x3d4, 0x340e);
    assert_int_equal(crtc_in(rig, 0x0e), 0x34);
    bus_out(&rig->machine->bus, 0x3ce, 4, 0x00003c08);
    assert_int_equal(rig->vga->r.gc[8], 0x3c);
}

static void crtc_registers_0_to_7_are_protected(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    assert_int_equal(crtc_in(rig, 0x11), 0x8e);
    u8 before[8];
    for (u8 i = 0; i < 8; i++)
        before[i] = crtc_in(rig, i);
    for (u8 i = 0; i < 8; i++)
        crtc_out(rig, i, (u8)~before[i]);
    for (u8 i = 0; i < 7; i++)
        assert_int_equal(crtc_in(rig, i), before[i]);
    assert_int_equal(before[7], 0x1f);
    assert_int_equal(crtc_in(rig, 7), 0x0f); /* only line compare bit 8 went through */
    crtc_out(rig, 7, 0x10);
    assert_int_equal(crtc_in(rig, 7), 0x1f);
    crtc_out(rig, 8, 0x05);
    assert_int_equal(crtc_in(rig, 8), 0x05);
    crtc_out(rig, 0x11, 0x0e);
    crtc_out(rig, 0, 0x60);
    assert_int_equal(crtc_in(rig, 0), 0x60);
    crtc_out(rig, 7, 0x2f);
    assert_int_equal(crtc_in(rig, 7), 0x2f);
}

static void vertical_registers_read_as_light_pen(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    assert_int_equal(crtc_in(rig, 0x10), 0x9c);
    crtc_out(rig, 0x11, 0x0e);
    crtc_out(rig, 3, 0x02);
    assert_int_equal(crtc_in(rig, 0x10), 0);
    assert_int_equal(crtc_in(rig, 0x11), 0);
    assert_int_equal(rig->vga->r.crtc[0x10], 0x9c);
}

static void misc_output_moves_the_crtc(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    out8(rig, 0x3d4, 0x0f);
    out8(rig, 0x3d5, 0x77);
    assert_int_equal(in8(rig, 0x3b5), 0xff);
    assert_int_equal(in8(rig, 0x3ba), 0xff);
    out16(rig, 0x3b4, 0x110f);
    assert_int_equal(crtc_in(rig, 0x0f), 0x77);
    out8(rig, 0x3da, 0x09);
    assert_int_equal(in8(rig, 0x3ca), 0x09);
    out8(rig, 0x3ba, 0x02);
    assert_int_equal(in8(rig, 0x3ca), 0x09);
    out8(rig, 0x3c2, 0x66);
    assert_int_equal(in8(rig, 0x3cc), 0x66);
    assert_int_equal(in8(rig, 0x3d4), 0xff);
    assert_int_equal(in8(rig, 0x3d5), 0xff);
    assert_int_equal(in8(rig, 0x3da), 0xff);
    assert_int_equal(bus_in(&rig->machine->bus, 0x3d4, 2), 0xffff);
    out16(rig, 0x3b4, 0x110f);
    assert_int_equal(in8(rig, 0x3b5), 0x11);
    out8(rig, 0x3ba, 0x02);
    assert_int_equal(in8(rig, 0x3ca), 0x02);
}

static void attribute_flip_flop(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    in8(rig, 0x3da);
    assert_int_equal(crtc_in(rig, 0x24), 0);
    out8(rig, 0x3c0, 0x33); /* index 13h, palette address source on */
    assert_int_equal(crtc_in(rig, 0x24), 0x80);
    assert_int_equal(crtc_in(rig, 0x26), 0x33);
    assert_int_equal(in8(rig, 0x3c0), 0x33);
    assert_int_equal(in8(rig, 0x3c1), 8);
    out8(rig, 0x3c0, 0x04);
    assert_int_equal(in8(rig, 0x3c1), 4);
    out8(rig, 0x3c0, 0x31); /* an index again */
    out8(rig, 0x3c0, 0xc7);
    assert_int_equal(attr_in(rig, 0x11), 0xc7);
    in8(rig, 0x3da);
    out8(rig, 0x3c0, 0x30);
    in8(rig, 0x3da); /* back to the index */
    out8(rig, 0x3c0, 0x32);
    assert_int_equal(in8(rig, 0x3c0), 0x32);
    in8(rig, 0x3ba); /* not ours in a color mode */
    assert_int_equal(crtc_in(rig, 0x24), 0x80);
}

static void palette_is_locked_while_it_is_shown(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    in8(rig, 0x3da);
    out8(rig, 0x3c0, 0x25);
    out8(rig, 0x3c0, 0x2a);
    assert_int_equal(attr_in(rig, 5), 5);
    in8(rig, 0x3da);
    out8(rig, 0x3c0, 0x05);
    out8(rig, 0x3c0, 0x2a);
    assert_int_equal(attr_in(rig, 5), 0x2a);
}

static void dac_state_machine(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    dac_out(rig, 10, 1, 2, 3);
    assert_int_equal(in8(rig, 0x3c8), 11);
    assert_int_equal(in8(rig, 0x3c7), 0);
    out8(rig, 0x3c9, 0xff); /* 11: six bits */
    out8(rig, 0x3c9, 0x45);
    out8(rig, 0x3c9, 0x3f);
    out8(rig, 0x3c9, 9); /* 12 begun and abandoned */
    out8(rig, 0x3c9, 9);
    out8(rig, 0x3c7, 10);
    assert_int_equal(in8(rig, 0x3c7), 3);
    static const u8 expected[] = {1, 2, 3, 0x3f, 0x05, 0x3f, 0, 0, 0};
    for (u32 i = 0; i < ARRAY_LEN(expected); i++)
        assert_int_equal(in8(rig, 0x3c9), expected[i]);
    dac_out(rig, 255, 4, 5, 6);
    out8(rig, 0x3c9, 7); /* wraps to 0 */
    out8(rig, 0x3c9, 8);
    out8(rig, 0x3c9, 9);
    out8(rig, 0x3c7, 255);
    static const u8 wrapped[] = {4, 5, 6, 7, 8, 9};
    for (u32 i = 0; i < ARRAY_LEN(wrapped); i++)
        assert_int_equal(in8(rig, 0x3c9), wrapped[i]);
    out8(rig, 0x3c6, 0x0f);
    assert_int_equal(in8(rig, 0x3c6), 0x0f);
}

/* Monitor detection: the comparator tells a bright color from a dark one. */
static void switch_sense_follows_the_dac(void **state)
{
    struct rig *rig = *state;
    dac_out(rig, 0, 0x04, 0x12, 0x04);
    u8 dark = in8(rig, 0x3c2);
    dac_out(rig, 0, 0x2d, 0x2d, 0x2d);
    u8 bright = in8(rig, 0x3c2);
    assert_int_equal((dark ^ bright) & 0x10, 0x10);
}

static void ram_can_be_disabled(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    write8(rig, 0xa0000, 0x42);
    out8(rig, 0x3c2, 0x61);
    assert_int_equal(read8(rig, 0xa0000), 0xff);
    assert_int_equal(read_mem(rig, 0xa0000, 4), 0xffffffff);
    write8(rig, 0xa0000, 0x24);
    out8(rig, 0x3c2, 0x63);
    assert_int_equal(read8(rig, 0xa0000), 0x42);
}

static void rows_have_names(void **state)
{
    struct rig *rig = *state;
    assert_string_equal(bus_port_name(&rig->machine->bus, 0x3ce), "VGA GC index");
    assert_string_equal(bus_port_name(&rig->machine->bus, 0x3cf), "VGA GC data");
    assert_string_equal(bus_port_name(&rig->machine->bus, 0x3da), "VGA input status 1");
    assert_string_equal(bus_port_name(&rig->machine->bus, 0x3c9), "VGA DAC data");
}

static void reset_turns_the_picture_off(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    write8(rig, 0xa0000, 0x42);
    vga_class.reset(rig->vga);
    assert_int_equal(read8(rig, 0xa0000), 0xff);
    assert_int_equal(in8(rig, 0x3cc) & 2, 0);
    assert_int_equal(rig->vga->vram[0], 0x42);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(unused_bits_read_as_zero, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(index_data_pairs_take_words, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(crtc_registers_0_to_7_are_protected, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(vertical_registers_read_as_light_pen, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(misc_output_moves_the_crtc, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(attribute_flip_flop, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(palette_is_locked_while_it_is_shown, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(dac_state_machine, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(switch_sense_follows_the_dac, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(ram_can_be_disabled, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(rows_have_names, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(reset_turns_the_picture_off, rig_setup, rig_teardown),
};

int test_regs(void)
{
    return cmocka_run_group_tests_name("registers", tests, NULL, NULL);
}
