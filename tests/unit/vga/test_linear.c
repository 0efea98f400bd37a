/* The window as plain memory: two VGAs get the same registers and accesses, one of them with its window
 * opened whenever it may be, and must not be told apart. */
#include "vga_tests.h"

#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

enum { AFTER = 3, ROUNDS = 40, OPS = 2500 };

struct pair {
    struct rig *device; /* never opens its window */
    struct rig *linear;
    u64 random;
    u64 closed;    /* of `linear`, as last seen */
    u64 direct;    /* accesses to plain memory */
    u64 opened[3]; /* by layout */
};

static u32 pick(struct pair *p, u32 below)
{
    p->random = p->random * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)((p->random >> 33) % below);
}

static struct memory *memory_of(struct rig *rig)
{
    return &rig->machine->memory;
}

static bool is_open(const struct rig *rig)
{
    return rig->vga->linear.open != VGA_LAYOUT_NONE;
}

static int pair_setup(void **state)
{
    struct pair *p = calloc(1, sizeof *p);
    if (rig_setup((void **)&p->device) || rig_setup((void **)&p->linear))
        return -1;
    if (memory_init(memory_of(p->linear), MIB))
        return -1;
    vga_set_linear(p->linear->vga, &(struct vga_linear_policy){.accesses = AFTER});
    *state = p;
    return 0;
}

static int pair_teardown(void **state)
{
    struct pair *p = *state;
    struct memory memory = *memory_of(p->linear);
    vga_set_linear(p->linear->vga, &(struct vga_linear_policy){0});
    rig_teardown((void **)&p->device);
    rig_teardown((void **)&p->linear);
    memory_fini(&memory);
    free(p);
    return 0;
}

/* The latches after reads of plain memory are the LIMIT of vga_linear.h: they are compared after reads
 * through the device only, and made equal when the window has been closed. */
static void note_changes(struct pair *p)
{
    struct vga_linear *l = &p->linear->vga->linear;
    if (l->stats.closed != p->closed)
        p->linear->vga->latch = p->device->vga->latch;
    p->closed = l->stats.closed;
}

static void out_both(struct pair *p, u16 port, u16 value)
{
    out16(p->device, port, value);
    out16(p->linear, port, value);
    note_changes(p);
}

static void misc_both(struct pair *p, u8 value)
{
    out8(p->device, 0x3c2, value);
    out8(p->linear, 0x3c2, value);
    note_changes(p);
}

/* As a processor accesses memory that lies in one page. */
static u32 read_as_processor(struct pair *p, gpa_t addr, u8 size)
{
    struct memory *mem = memory_of(p->linear);
    u32 value = 0;
    if (memory_kind(mem, addr) != PAGE_RAM)
        return read_mem(p->linear, addr, size);
    memcpy(&value, (p->direct++ & 1 ? mem->view : mem->guarded) + addr, size);
    return value;
}

static void write_as_processor(struct pair *p, gpa_t addr, u8 size, u32 value)
{
    struct memory *mem = memory_of(p->linear);
    if (memory_kind(mem, addr) != PAGE_RAM)
        write_mem(p->linear, addr, size, value);
    else
        memcpy((p->direct++ & 1 ? mem->view : mem->guarded) + addr, &value, size);
}

static void access_both(struct pair *p, gpa_t addr, u8 size)
{
    bool as_kvm = pick(p, 8) == 0;
    u32 value = pick(p, UINT32_MAX);
    bool was_open = is_open(p->linear);
    size = (u8)MIN(size, PAGE_BYTES - addr % PAGE_BYTES);
    if (pick(p, 3)) {
        write_mem(p->device, addr, size, value);
        if (as_kvm)
            write_mem(p->linear, addr, size, value);
        else
            write_as_processor(p, addr, size, value);
    } else {
        u32 mask = size == 4 ? UINT32_MAX : BIT(8 * size) - 1;
        u32 expected = read_mem(p->device, addr, size) & mask;
        u32 seen = as_kvm ? read_mem(p->linear, addr, size) : read_as_processor(p, addr, size);
        assert_int_equal(seen & mask, expected);
        if (as_kvm || !was_open)
            assert_int_equal(p->linear->vga->latch, p->device->vga->latch);
        else
            p->linear->vga->latch = p->device->vga->latch;
    }
    if (!was_open && is_open(p->linear))
        p->opened[p->linear->vga->linear.open]++;
}

/* Mostly where the picture is, and where the open window begins and ends. */
static gpa_t some_address(struct pair *p)
{
    static const gpa_t near[] = {0xa0000, 0xb0000, 0xb8000, 0xa0000, 0xafff0, 0xb7ff0, 0xbfff0, 0xa4000};
    if (pick(p, 8) == 0)
        return 0xa0000 + pick(p, 0x20000 - 4);
    return near[pick(p, ARRAY_LEN(near))] + pick(p, 12);
}

/* A register of those that decide about the window, often with a value that standard modes give it. */
static void some_register(struct pair *p)
{
    static const struct {
        u16 port;
        u8 index;
        u8 usual[4];
    } registers[] = {
        {0x3c4, 2, {0x0f, 3, 0x0f, 3}}, {0x3c4, 4, {2, 0x0e, 6, 0x0a}}, {0x3ce, 0, {0, 0, 0, 5}},
        {0x3ce, 1, {0, 0, 0, 0x0f}},    {0x3ce, 3, {0, 0, 0, 0x10}},    {0x3ce, 4, {0, 1, 2, 0}},
        {0x3ce, 5, {0x10, 0x40, 0, 1}}, {0x3ce, 6, {0x0e, 5, 0x0a, 4}}, {0x3ce, 8, {0xff, 0xff, 0xff, 0x0f}},
        {0x3d4, 0x0d, {0, 80, 4, 0}},   {0x3d4, 0x0c, {0, 0, 1, 0}},
    };
    u32 i = pick(p, ARRAY_LEN(registers));
    u8 value = pick(p, 4) ? registers[i].usual[pick(p, 4)] : (u8)pick(p, 256);
    out_both(p, registers[i].port, (u16)(registers[i].index | value << 8));
    if (pick(p, 16) == 0)
        misc_both(p, pick(p, 4) ? 0x67 : 0x65); /* without display memory */
}

static void some_mode(struct pair *p)
{
    static const u8 modes[] = {0x03, 0x13, 0x07, 0x04, 0x01, 0x13, 0x03, 0x12, 0x0d};
    u8 mode = modes[pick(p, ARRAY_LEN(modes))];
    out_both(p, 0x3ce, 0x0008); /* set_mode clears the planes: closed, they are the truth */
    set_mode(p->device, mode);
    set_mode(p->linear, mode);
    note_changes(p);
    p->linear->vga->latch = p->device->vga->latch;
}

static void compare(struct pair *p)
{
    assert_int_equal(vga_frame_hash(p->linear->vga, VGA_VIEW_BEAM),
                     vga_frame_hash(p->device->vga, VGA_VIEW_BEAM));
    vga_linear_sync(p->linear->vga);
    assert_memory_equal(p->linear->vga->vram, p->device->vga->vram, sizeof p->device->vga->vram);
}

static void test_same(void **state)
{
    struct pair *p = *state;
    p->random = 20;
    rig_dac_identity(p->device);
    rig_dac_identity(p->linear);
    for (u32 round = 0; round < ROUNDS; round++) {
        u32 calm = 1 + pick(p, 200); /* accesses from register to register */
        some_mode(p);
        for (u32 i = 0; i < OPS; i++) {
            if (pick(p, calm) == 0)
                some_register(p);
            if (pick(p, 4 * calm) == 0)
                some_mode(p);
            access_both(p, some_address(p), (u8)(1 + pick(p, 4)));
            if (pick(p, 500) == 0)
                compare(p);
        }
        compare(p);
    }
    assert_true(p->opened[VGA_LAYOUT_CHAIN_4] > ROUNDS);
    assert_true(p->opened[VGA_LAYOUT_ODD_EVEN] > ROUNDS);
    assert_true(p->closed > 2 * ROUNDS && p->direct > ROUNDS * OPS / 20);
}

/* Every byte of the window, both ways. */
static void check_whole(struct pair *p, u8 mode, gpa_t first, u32 bytes, enum vga_layout layout)
{
    set_mode(p->device, mode);
    set_mode(p->linear, mode);
    for (u32 i = 0; i < bytes; i++) {
        write8(p->device, first + i, (u8)hash64(&i, sizeof i));
        if (!is_open(p->linear))
            write8(p->linear, first + i, (u8)hash64(&i, sizeof i));
    }
    assert_int_equal(p->linear->vga->linear.open, layout);
    assert_int_equal(memory_kind(memory_of(p->linear), first), PAGE_RAM);
    assert_int_equal(memory_kind(memory_of(p->linear), first + bytes - 1), PAGE_RAM);
    for (u32 i = AFTER; i < bytes; i++) {
        assert_int_equal(memory_of(p->linear)->view[first + i], 0);
        memory_of(p->linear)->view[first + i] = (u8)hash64(&i, sizeof i);
    }
    compare(p);
    assert_true(is_open(p->linear));
    out_both(p, 0x3ce, 0x0008);
    assert_int_equal(memory_kind(memory_of(p->linear), first), PAGE_DEVICE);
    compare(p);
    out_both(p, 0x3ce, 0xff08);
    for (u32 i = 0; i < AFTER; i++)
        assert_int_equal(read8(p->linear, first + i), read8(p->device, first + i));
    assert_memory_equal(memory_of(p->linear)->view + first, memory_of(p->linear)->guarded + first, bytes);
    for (u32 i = 0; i < bytes; i++)
        assert_int_equal(memory_of(p->linear)->view[first + i], read8(p->device, first + i));
    out_both(p, 0x3ce, 0x0008);
}

static void test_whole(void **state)
{
    check_whole(*state, 0x13, 0xa0000, 64 * KIB, VGA_LAYOUT_CHAIN_4);
    check_whole(*state, 0x03, 0xb8000, 32 * KIB, VGA_LAYOUT_ODD_EVEN);
    check_whole(*state, 0x07, 0xb0000, 32 * KIB, VGA_LAYOUT_ODD_EVEN);
    check_whole(*state, 0x04, 0xb8000, 32 * KIB, VGA_LAYOUT_ODD_EVEN);
}

/* One register different from mode 13h's, or from text's, and the window must stay closed. */
static void test_not_linear(void **state)
{
    static const struct {
        u8 mode;
        u16 port, value;
    } not_linear[] = {
        {0x13, 0x3c4, 0x0702}, {0x13, 0x3c4, 0x0c04}, {0x13, 0x3ce, 0x0101}, {0x13, 0x3ce, 0x0103},
        {0x13, 0x3ce, 0x0803}, {0x13, 0x3ce, 0x4105}, {0x13, 0x3ce, 0x4205}, {0x13, 0x3ce, 0x4305},
        {0x13, 0x3ce, 0x4805}, {0x13, 0x3ce, 0x0106}, {0x13, 0x3ce, 0x7f08}, {0x13, 0x3c4, 0x0604},
        {0x03, 0x3c4, 0x0f02}, {0x03, 0x3c4, 0x0102}, {0x03, 0x3c4, 0x0604}, {0x03, 0x3c4, 0x0004},
        {0x03, 0x3ce, 0x0204}, {0x03, 0x3ce, 0x0005}, {0x03, 0x3ce, 0x1805}, {0x03, 0x3ce, 0x0c06},
        {0x03, 0x3ce, 0x0206}, {0x03, 0x3ce, 0x0f01}, {0x03, 0x3ce, 0xfe08},
    };
    struct pair *p = *state;
    for (u32 i = 0; i < ARRAY_LEN(not_linear); i++) {
        gpa_t at = not_linear[i].mode == 3 ? 0xb8000 : 0xa0000;
        out_both(p, 0x3ce, 0x0008);
        set_mode(p->linear, not_linear[i].mode);
        out_both(p, not_linear[i].port, not_linear[i].value);
        for (u32 n = 0; n < 4 * AFTER; n++)
            write8(p->linear, at + n, (u8)n);
        assert_false(is_open(p->linear));
        set_mode(p->linear, not_linear[i].mode);
        for (u32 n = 0; n < AFTER; n++)
            write8(p->linear, at + n, (u8)n);
        assert_true(is_open(p->linear));
        out_both(p, not_linear[i].port, not_linear[i].value);
        assert_false(is_open(p->linear));
    }
}

static void use_window(struct pair *p)
{
    for (u32 i = 0; i < AFTER; i++)
        write8(p->linear, 0xa0000 + i, 1);
}

static void reopen_window(struct pair *p)
{
    gc_out(p->linear, 8, 0);
    gc_out(p->linear, 8, 0xff);
    use_window(p);
}

/* After a number of accesses, not sooner than a period after the last time, a longer one when it was in vain.
 */
static void test_policy(void **state)
{
    struct pair *p = *state;
    const u64 period = NS_PER_MS;
    set_mode(p->linear, 0x13);
    vga_set_linear(p->linear->vga, &(struct vga_linear_policy){.accesses = AFTER, .period_ns = period});
    for (u32 i = 0; i < AFTER; i++) {
        assert_false(is_open(p->linear));
        write8(p->linear, 0xa0000, 1);
    }
    assert_true(is_open(p->linear));
    reopen_window(p);
    assert_false(is_open(p->linear));
    rig_advance(p->linear, 2 * period - 1);
    use_window(p);
    assert_false(is_open(p->linear));
    rig_advance(p->linear, 1);
    use_window(p);
    assert_true(is_open(p->linear));
    rig_advance(p->linear, 2 * period); /* worth it: the next may follow at once */
    reopen_window(p);
    assert_true(is_open(p->linear));
    assert_int_equal(vga_linear_stats(p->linear->vga).opened, 3);
    assert_int_equal(vga_linear_stats(p->linear->vga).closed, 2);
    vga_set_linear(p->linear->vga, &(struct vga_linear_policy){0});
    assert_false(is_open(p->linear));
    use_window(p);
    assert_false(is_open(p->linear));
    assert_int_equal(read8(p->linear, 0xa0000 + AFTER - 1), 1);
}

int test_linear(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same, pair_setup, pair_teardown),
        cmocka_unit_test_setup_teardown(test_whole, pair_setup, pair_teardown),
        cmocka_unit_test_setup_teardown(test_not_linear, pair_setup, pair_teardown),
        cmocka_unit_test_setup_teardown(test_policy, pair_setup, pair_teardown),
    };
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
