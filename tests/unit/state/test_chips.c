/* Each chip saved in the middle of something that a guest has begun, and the rest of it done on the copy. */
#include "machine_rig.h"
#include "state_tests.h"

#include "dev/kbc.h"
#include "dev/pic.h"

/* The copy takes the original's place. */
static struct rig *swap(struct rig *rig)
{
    struct rig *clone = rig_clone(rig);
    rig_free(rig);
    return clone;
}

static void test_pit_half_written(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_out(rig, 0x43, 0xb4); /* counter 2, both bytes, mode 2 */
    rig_out(rig, 0x61, 1);
    rig_out(rig, 0x42, 0x34);
    rig = swap(rig);
    rig_out(rig, 0x42, 0x12);
    rig_advance(rig, NS_PER_US);
    rig_out(rig, 0x43, 0x80); /* latch */
    u8 low = rig_in(rig, 0x42);
    rig = swap(rig);
    u32 count = low | (u32)rig_in(rig, 0x42) << 8;
    assert_in_range(count, 0x1200, 0x1234);
    rig_free(rig);
}

static void test_pic_in_its_initialization(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_out(rig, 0x20, 0x11);
    rig_out(rig, 0x21, 0x50); /* ICW2 */
    rig = swap(rig);
    rig_out(rig, 0x21, 0x04); /* ICW3 */
    rig = swap(rig);
    rig_out(rig, 0x21, 0x01); /* ICW4 */
    rig_out(rig, 0x21, 0xfe);
    irq_set(&rig->machine.irq[0], false);
    irq_set(&rig->machine.irq[0], true);
    assert_true(rig->machine.intr);
    rig = swap(rig);
    assert_true(rig->machine.intr);
    assert_int_equal(pic_acknowledge(rig->machine.pic), 0x50);
    rig_free(rig);
}

static void test_cmos_index(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_out(rig, 0x70, 0x40);
    rig_out(rig, 0x71, 0x5a);
    rig = swap(rig);
    assert_int_equal(rig_in(rig, 0x71), 0x5a);
    rig_free(rig);
}

static void test_keyboard_controller_awaits_its_byte(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_out(rig, 0x64, 0xd2); /* the next byte comes as from the keyboard */
    rig = swap(rig);
    rig_out(rig, 0x60, 0x77);
    rig_advance(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, 0x64) & 1, 1);
    rig = swap(rig);
    assert_int_equal(rig_in(rig, 0x60), 0x77);
    rig_free(rig);
}

static void send_mouse(struct rig *rig, u8 value)
{
    rig_out(rig, 0x64, 0xd4);
    rig_out(rig, 0x60, value);
    rig_advance(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, 0x60), 0xfa);
}

static void test_mouse_in_a_packet(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_out(rig, 0x64, 0xad); /* the keyboard is to be quiet */
    send_mouse(rig, 0xf4);
    kbc_mouse(rig->machine.kbc, 5, -7, 0, 1);
    rig_advance(rig, 20 * NS_PER_MS);
    assert_int_equal(rig_in(rig, 0x60), 0x09); /* left button */
    rig_advance(rig, NS_PER_MS);
    rig = swap(rig);
    assert_int_equal(rig_in(rig, 0x60), 5);
    rig = swap(rig);
    rig_advance(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, 0x60), 7);
    rig_free(rig);
}

static void wait_floppy(struct rig *rig)
{
    for (u32 i = 0; i < 10000 && !(rig_in(rig, 0x3f4) & 0x80); i++)
        rig_advance(rig, 10 * NS_PER_US);
}

static void test_floppy_in_a_command(void **state)
{
    (void)state;
    static const u8 read[] = {0x46, 0, 0, 0, 2, 2, 2, 0x1b, 0xff};
    struct rig *rig = rig_new();
    rig_out(rig, 0x3f2, 0x1c);
    rig_out(rig, 0x3f7, 0);
    rig_advance(rig, NS_PER_MS);
    for (u32 i = 0; i < 4; i++) {
        rig_out(rig, 0x3f5, 0x08);
        rig_in(rig, 0x3f5);
        rig_in(rig, 0x3f5);
    }
    static const u8 no_dma[] = {0x03, 0xdf, 0x03};
    for (u32 i = 0; i < sizeof no_dma; i++)
        rig_out(rig, 0x3f5, no_dma[i]);
    for (u32 i = 0; i < sizeof read; i++) {
        rig_out(rig, 0x3f5, read[i]);
        if (i == 4)
            rig = swap(rig); /* in the command phase */
    }
    rig = swap(rig); /* before the sector comes by */
    for (u32 i = 0; i < SECTOR_BYTES; i++) {
        wait_floppy(rig);
        assert_int_equal(rig_in(rig, 0x3f5), 8); /* sector 2 of the image: 1 * 7 + 1 */
        if (i == 100)
            rig = swap(rig); /* in the sector */
    }
    wait_floppy(rig);
    rig = swap(rig); /* in the result phase */
    assert_int_equal(rig_in(rig, 0x3f4) & 0xd0, 0xd0);
    rig_free(rig);
}

static void test_disk_in_a_sector(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_advance(rig, NS_PER_S);
    rig_out(rig, 0x1f6, 0xe0);
    rig_out(rig, 0x1f2, 2);
    rig_out(rig, 0x1f3, 5);
    rig_out(rig, 0x1f4, 0);
    rig_out(rig, 0x1f5, 0);
    rig_out(rig, 0x1f7, 0x20);
    rig = swap(rig); /* busy */
    rig_advance(rig, NS_PER_MS);
    for (u32 i = 0; i < SECTOR_BYTES / 2; i++) {
        assert_int_equal(machine_port_in(&rig->machine, 0x1f0, 2), 0x2424); /* 5 * 7 + 1 */
        if (i == 77)
            rig = swap(rig);
    }
    rig = swap(rig); /* between two sectors */
    rig_advance(rig, NS_PER_MS);
    assert_int_equal(machine_port_in(&rig->machine, 0x1f0, 2), 0x2b2b);
    rig_free(rig);
}

static void test_what_a_snapshot_holds(void **state)
{
    (void)state;
    u8 sector[SECTOR_BYTES] = {0xee};
    struct rig *rig = rig_new();
    assert_int_equal(block_write(rig->config.disk[0], 1000, 1, sector), 0);
    rig = swap(rig);
    sector[0] = 0;
    assert_int_equal(block_read(rig->config.disk[0], 1000, 1, sector), 0);
    assert_int_equal(sector[0], 0xee);
    rig_free(rig);
}

static void test_vga_flip_flop_and_color(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_out(rig, 0x3c2, 1);
    rig_in(rig, 0x3da);
    rig_out(rig, 0x3c0, 0x11); /* index; data is next */
    rig_out(rig, 0x3c8, 9);
    rig_out(rig, 0x3c9, 10);
    rig = swap(rig);
    rig_out(rig, 0x3c0, 0x2a);
    rig_in(rig, 0x3da);
    rig_out(rig, 0x3c0, 0x11);
    assert_int_equal(rig_in(rig, 0x3c1), 0x2a);
    rig_out(rig, 0x3c9, 20);
    rig = swap(rig);
    rig_out(rig, 0x3c9, 30);
    rig_out(rig, 0x3c7, 9);
    assert_int_equal(rig_in(rig, 0x3c9), 10);
    rig = swap(rig);
    assert_int_equal(rig_in(rig, 0x3c9), 20);
    assert_int_equal(rig_in(rig, 0x3c9), 30);
    rig_free(rig);
}

static void test_uart_divisor_and_fifo(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig_out(rig, 0x3fa, 1);
    rig_out(rig, 0x3fb, 0x83);
    rig_out(rig, 0x3f8, 0x0c);
    rig = swap(rig); /* DLAB set */
    rig_out(rig, 0x3f9, 0);
    rig_out(rig, 0x3fb, 0x03);
    rig_out(rig, 0x3fc, 0x10); /* loopback */
    rig_out(rig, 0x3f8, 'x');
    rig_out(rig, 0x3f8, 'y');
    rig = swap(rig);
    assert_int_equal(rig_in(rig, 0x3f8), 'x');
    rig = swap(rig);
    assert_int_equal(rig_in(rig, 0x3f8), 'y');
    rig_free(rig);
}

static void test_memory_and_a20(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig->machine.memory.plain[0x12345] = 0x77;
    rig->machine.memory.plain[0x112345] = 0x88;
    rig_out(rig, 0x92, 0);
    rig = swap(rig);
    assert_int_equal(rig->machine.memory.view[0x112345], 0x77);
    rig_out(rig, 0x92, 2);
    assert_int_equal(rig->machine.memory.view[0x112345], 0x88);
    rig_free(rig);
}

static void test_expanded_memory(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    struct memory *mem = &rig->machine.memory;
    mem->plain[MEMORY_FRAME_FIRST + 5] = 0x11; /* beneath */
    assert_int_equal(memory_add_expanded(mem, 4 * MEMORY_PIECE_BYTES), 0);
    memory_show_piece(mem, 0, 3);
    memory_show_piece(mem, 2, 3);
    mem->plain[MEMORY_FRAME_FIRST + 5] = 0x22;
    struct rig *before = rig_new();
    struct saved none = rig_save(before);
    rig = swap(rig);
    mem = &rig->machine.memory;
    assert_int_equal(mem->view[MEMORY_FRAME_FIRST + 2 * MEMORY_PIECE_BYTES + 5], 0x22);
    assert_int_equal(mem->view[MEMORY_FRAME_FIRST + MEMORY_PIECE_BYTES + 5], 0);
    memory_clear_frame(mem);
    assert_int_equal(mem->view[MEMORY_FRAME_FIRST + 5], 0x11);
    memory_show_piece(mem, 1, 3);
    assert_true(rig_load(rig, &none, NULL)); /* from before there was any */
    assert_int_equal(mem->view[MEMORY_FRAME_FIRST + MEMORY_PIECE_BYTES + 5], 0);
    memory_show_piece(mem, 1, 3);
    assert_int_equal(mem->view[MEMORY_FRAME_FIRST + MEMORY_PIECE_BYTES + 5], 0);
    saved_free(&none);
    rig_free(before);
    rig_free(rig);
}

int run_chip_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pit_half_written),
        cmocka_unit_test(test_pic_in_its_initialization),
        cmocka_unit_test(test_cmos_index),
        cmocka_unit_test(test_keyboard_controller_awaits_its_byte),
        cmocka_unit_test(test_mouse_in_a_packet),
        cmocka_unit_test(test_floppy_in_a_command),
        cmocka_unit_test(test_disk_in_a_sector),
        cmocka_unit_test(test_what_a_snapshot_holds),
        cmocka_unit_test(test_vga_flip_flop_and_color),
        cmocka_unit_test(test_uart_divisor_and_fifo),
        cmocka_unit_test(test_memory_and_a20),
        cmocka_unit_test(test_expanded_memory),
    };
    return cmocka_run_group_tests_name("chips", tests, NULL, NULL);
}
