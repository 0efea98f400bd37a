/* The 8237A pair and its page registers, against the data sheet and the AT's wiring. */
#include "rig.h"

#include "dev/dma.h"

#include <string.h>

enum { COMMAND1 = 0x08, REQUEST1, SINGLE_MASK1, MODE1, FLIP_FLOP1, MASTER_CLEAR1, CLEAR_MASK1, ALL_MASK1 };
enum {
    COMMAND2 = 0xd0,
    REQUEST2 = 0xd2,
    SINGLE_MASK2 = 0xd4,
    MODE2 = 0xd6,
    FLIP_FLOP2 = 0xd8,
    MASTER_CLEAR2 = 0xda,
    ALL_MASK2 = 0xde
};
enum {
    MODE_VERIFY = 0x40,
    MODE_TO_MEMORY = 0x44,
    MODE_FROM_MEMORY = 0x48,
    MODE_AUTO = 0x10,
    MODE_DOWN = 0x20,
    MODE_BLOCK = 0x80
};

static struct rig *dma_rig(void)
{
    struct rig *rig = rig_create();
    rig_add(rig, &dma_class);
    rig_out(rig, MODE2, 0xc0);
    rig_out(rig, SINGLE_MASK2, 0x00);
    return rig;
}

static void write_word(struct rig *rig, u16 port, u16 value)
{
    rig_out(rig, port, (u8)value);
    rig_out(rig, port, (u8)(value >> 8));
}

static u16 read_word(struct rig *rig, u16 port)
{
    u8 low = rig_in(rig, port);
    return (u16)(low | rig_in(rig, port) << 8);
}

/* Channel 1 or 5 (`second`), page 01h, unmasked. */
static void program(struct rig *rig, bool second, u8 mode, u16 address, u16 count)
{
    rig_out(rig, second ? FLIP_FLOP2 : FLIP_FLOP1, 0);
    rig_out(rig, second ? MODE2 : MODE1, mode | 1);
    write_word(rig, second ? 0xc4 : 0x02, address);
    write_word(rig, second ? 0xc6 : 0x03, count);
    rig_out(rig, second ? 0x8b : 0x83, 0x01);
    rig_out(rig, second ? SINGLE_MASK2 : SINGLE_MASK1, 1);
}

static u8 guest_byte(struct rig *rig, u32 gpa)
{
    u8 value;
    assert_true(memory_read(&rig->machine.memory, gpa, &value, 1));
    return value;
}

static void registers_are_sixteen_bits_behind_a_flip_flop(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    write_word(rig, 0x04, 0x1234);
    write_word(rig, 0x05, 0xabcd);
    assert_int_equal(read_word(rig, 0x04), 0x1234);
    assert_int_equal(read_word(rig, 0x05), 0xabcd);
    rig_in(rig, 0x04);
    assert_int_equal(rig_in(rig, 0x05), 0xab); /* one flip-flop for all channels */
    rig_in(rig, 0x04);
    rig_out(rig, FLIP_FLOP1, 0);
    assert_int_equal(rig_in(rig, 0x04), 0x34);
    write_word(rig, 0xc4, 0x5678); /* the other controller has its own */
    assert_int_equal(read_word(rig, 0xc5), 0x5678);
    assert_int_equal(rig_in(rig, 0x04), 0x12);
    rig_destroy(rig);
}

static void page_registers_keep_what_is_written(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    for (u16 port = 0x81; port <= 0x8f; port++)
        rig_out(rig, port, (u8)(port * 5));
    for (u16 port = 0x81; port <= 0x8f; port++)
        assert_int_equal(rig_in(rig, port), (u8)(port * 5));
    assert_null(bus_port_name(&rig->machine.bus, 0x80));
    rig_destroy(rig);
}

/* Each channel with its own page register. */
static void every_channel_reaches_its_page(void **state)
{
    (void)state;
    static const struct {
        u8 channel;
        u16 address, count, page;
    } t[] = {{0, 0x00, 0x01, 0x87}, {1, 0x02, 0x03, 0x83}, {2, 0x04, 0x05, 0x81}, {3, 0x06, 0x07, 0x82},
             {5, 0xc4, 0xc6, 0x8b}, {6, 0xc8, 0xca, 0x89}, {7, 0xcc, 0xce, 0x8a}};
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        struct rig *rig = dma_rig();
        bool tc, words = t[i].channel > 4;
        u8 data[2] = {0x11, 0x22};
        rig_out(rig, words ? MODE2 : MODE1, MODE_TO_MEMORY | (t[i].channel & 3));
        write_word(rig, t[i].address, 0x2000);
        write_word(rig, t[i].count, 0xffff);
        rig_out(rig, t[i].page, 0x06);
        rig_out(rig, words ? SINGLE_MASK2 : SINGLE_MASK1, t[i].channel & 3);
        assert_int_equal(dma_transfer(rig->machine.dma, t[i].channel, DMA_TO_MEMORY, data, 2, &tc), 2);
        assert_int_equal(guest_byte(rig, words ? 0x64001 : 0x62001), 0x22);
        assert_int_equal(read_word(rig, t[i].address), words ? 0x2001 : 0x2002);
        rig_destroy(rig);
    }
}

static void terminal_count_ends_and_masks(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    u8 data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    bool tc;
    program(rig, false, MODE_TO_MEMORY, 0x8000, 5);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 4, &tc), 4);
    assert_false(tc);
    assert_int_equal(read_word(rig, 0x03), 1);
    assert_int_equal(rig_in(rig, COMMAND1), 0);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data + 4, 4, &tc), 2);
    assert_true(tc);
    assert_int_equal(guest_byte(rig, 0x18005), 6);
    assert_int_equal(guest_byte(rig, 0x18006), 0);
    assert_int_equal(read_word(rig, 0x03), 0xffff);
    assert_int_equal(read_word(rig, 0x02), 0x8006);
    assert_int_equal(rig_in(rig, COMMAND1), 0x02); /* told once */
    assert_int_equal(rig_in(rig, COMMAND1), 0x00);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 1, &tc), 0);
    assert_false(tc);
    rig_destroy(rig);
}

static void auto_init_starts_over_unmasked(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    u8 data[4] = {0x51, 0x52, 0x53, 0x54};
    bool tc;
    program(rig, false, MODE_TO_MEMORY | MODE_AUTO, 0x100, 3);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 4, &tc), 4);
    assert_true(tc);
    assert_int_equal(read_word(rig, 0x02), 0x100);
    assert_int_equal(read_word(rig, 0x03), 3);
    data[0] = 0x99;
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 1, &tc), 1);
    assert_int_equal(guest_byte(rig, 0x10100), 0x99);
    rig_destroy(rig);
}

static void addresses_wrap_in_their_page(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    u8 data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    bool tc;
    program(rig, false, MODE_TO_MEMORY, 0xfffe, 100);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 4, &tc), 4);
    assert_int_equal(guest_byte(rig, 0x1ffff), 2);
    assert_int_equal(guest_byte(rig, 0x10000), 3);
    assert_int_equal(guest_byte(rig, 0x20000), 0);
    program(rig, true, MODE_TO_MEMORY, 0xffff, 100); /* words, 128 KiB; page bit 0 is ignored */
    assert_int_equal(dma_transfer(rig->machine.dma, 5, DMA_TO_MEMORY, data, 8, &tc), 8);
    assert_int_equal(guest_byte(rig, 0x1fffe), 1);
    assert_int_equal(guest_byte(rig, 0x00000), 3);
    assert_int_equal(guest_byte(rig, 0x00005), 8);
    rig_destroy(rig);
}

static void decrement_goes_down(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    u8 data[3] = {1, 2, 3};
    bool tc;
    program(rig, false, MODE_TO_MEMORY | MODE_DOWN, 0x0001, 9);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 3, &tc), 3);
    assert_int_equal(guest_byte(rig, 0x10001), 1);
    assert_int_equal(guest_byte(rig, 0x10000), 2);
    assert_int_equal(guest_byte(rig, 0x1ffff), 3);
    assert_int_equal(read_word(rig, 0x02), 0xfffe);
    rig_destroy(rig);
}

static void reads_memory_for_the_device(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    u8 data[4], wanted[4] = {9, 8, 7, 6};
    bool tc;
    assert_true(memory_write(&rig->machine.memory, 0x14000, wanted, 4));
    program(rig, false, MODE_FROM_MEMORY, 0x4000, 3);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_FROM_MEMORY, data, 4, &tc), 4);
    assert_true(tc);
    assert_memory_equal(data, wanted, 4);
    rig_destroy(rig);
}

static void verify_and_wrong_direction_count_only(void **state)
{
    (void)state;
    const u8 modes[] = {MODE_VERIFY, MODE_FROM_MEMORY};
    for (u32 i = 0; i < ARRAY_LEN(modes); i++) {
        struct rig *rig = dma_rig();
        u8 data[4] = {1, 2, 3, 4};
        bool tc;
        program(rig, false, modes[i], 0x5000, 3);
        assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 4, &tc), 4);
        assert_true(tc);
        assert_int_equal(guest_byte(rig, 0x15000), 0);
        assert_int_equal(data[2], 3);
        program(rig, false, MODE_VERIFY, 0x5000, 3);
        assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_FROM_MEMORY, data, 4, &tc), 4);
        assert_int_equal(data[2], 0xff);
        rig_destroy(rig);
    }
}

static void nothing_moves_while_stopped(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    u8 data[4] = {0};
    bool tc = true;
    program(rig, false, MODE_TO_MEMORY, 0x5000, 300);
    const struct {
        u16 port;
        u8 stop, go;
    } ways[] = {
        {SINGLE_MASK1, 0x05, 0x01}, {ALL_MASK1, 0x02, 0x0d},    {COMMAND1, 0x04, 0x00},
        {MODE1, 0xc5, 0x45},        {SINGLE_MASK2, 0x04, 0x00}, {COMMAND2, 0x04, 0x00},
    };
    for (u32 i = 0; i < ARRAY_LEN(ways); i++) {
        rig_out(rig, ways[i].port, ways[i].stop);
        assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 4, &tc), 0);
        assert_false(tc);
        rig_out(rig, ways[i].port, ways[i].go);
        assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 4, &tc), 4);
    }
    assert_int_equal(dma_transfer(rig->machine.dma, 4, DMA_TO_MEMORY, data, 4, &tc), 0);
    rig_destroy(rig);
}

static void clears(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    u8 data[2] = {1, 2};
    bool tc;
    program(rig, false, MODE_TO_MEMORY, 0x5000, 0);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 1, &tc), 1);
    rig_in(rig, 0x02); /* flip-flop to the high half */
    rig_out(rig, MASTER_CLEAR1, 0);
    assert_int_equal(rig_in(rig, COMMAND1), 0); /* terminal counts forgotten */
    assert_int_equal(rig_in(rig, 0x02), 0x01);  /* low half again: 5001h */
    rig_out(rig, FLIP_FLOP1, 0);
    write_word(rig, 0x03, 10);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 1, &tc), 0); /* masked */
    rig_out(rig, CLEAR_MASK1, 0);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 1, &tc), 1);
    rig_out(rig, MASTER_CLEAR1, 0); /* masks all */
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 1, &tc), 0);
    assert_int_equal(rig_in(rig, 0x0d), 0);
    rig_destroy(rig);
}

static void status_shows_requests(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    dma_set_dreq(rig->machine.dma, 3, true);
    dma_set_dreq(rig->machine.dma, 6, true);
    rig_out(rig, REQUEST1, 0x04); /* single mode: pends */
    assert_int_equal(rig_in(rig, COMMAND1), 0x90);
    assert_int_equal(rig_in(rig, COMMAND2), 0x40);
    dma_set_dreq(rig->machine.dma, 3, false);
    rig_out(rig, REQUEST1, 0x00);
    assert_int_equal(rig_in(rig, COMMAND1), 0x00);
    rig_destroy(rig);
}

static void software_request_runs_a_block(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    program(rig, false, MODE_BLOCK | (MODE_TO_MEMORY & 0x0c), 0x7000, 999);
    rig_out(rig, SINGLE_MASK1, 0x05); /* requests by software are not maskable */
    rig_out(rig, REQUEST1, 0x05);
    assert_int_equal(rig_in(rig, COMMAND1), 0x02);
    assert_int_equal(guest_byte(rig, 0x17000 + 999), 0xff);
    assert_int_equal(guest_byte(rig, 0x17000 + 1000), 0x00);
    rig_destroy(rig);
}

static void bytes_beyond_ram_float(void **state)
{
    (void)state;
    struct rig *rig = dma_rig();
    u8 data[4] = {1, 2, 3, 4};
    const u8 ones[4] = {0xff, 0xff, 0xff, 0xff};
    bool tc;
    program(rig, false, MODE_TO_MEMORY, 0x0000, 7);
    rig_out(rig, 0x83, 0x20); /* just above the 2 MiB */
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_TO_MEMORY, data, 4, &tc), 4);
    program(rig, false, MODE_FROM_MEMORY, 0x0000, 7);
    rig_out(rig, 0x83, 0x20);
    assert_int_equal(dma_transfer(rig->machine.dma, 1, DMA_FROM_MEMORY, data, 4, &tc), 4);
    assert_memory_equal(data, ones, 4);
    rig_destroy(rig);
}

int dma_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers_are_sixteen_bits_behind_a_flip_flop),
        cmocka_unit_test(page_registers_keep_what_is_written),
        cmocka_unit_test(every_channel_reaches_its_page),
        cmocka_unit_test(terminal_count_ends_and_masks),
        cmocka_unit_test(auto_init_starts_over_unmasked),
        cmocka_unit_test(addresses_wrap_in_their_page),
        cmocka_unit_test(decrement_goes_down),
        cmocka_unit_test(reads_memory_for_the_device),
        cmocka_unit_test(verify_and_wrong_direction_count_only),
        cmocka_unit_test(nothing_moves_while_stopped),
        cmocka_unit_test(clears),
        cmocka_unit_test(status_shows_requests),
        cmocka_unit_test(software_request_runs_a_block),
        cmocka_unit_test(bytes_beyond_ram_float),
    };
    return cmocka_run_group_tests_name("dma", tests, NULL, NULL);
}
