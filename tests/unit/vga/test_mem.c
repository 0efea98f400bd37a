/* The memory window against a model that goes bit by bit, written from the manual's description of each
 * register (FreeVGA, "Graphics Registers", "Sequencer Registers", "Accessing the VGA Display Memory") and
 * sharing nothing with the code under test. */
#include "vga_tests.h"

#include <stdlib.h>
#include <string.h>

struct model {
    u8 seq[5];
    u8 gc[9];
    u8 misc;
    u8 plane[4][65536];
    u8 latch[4];
};

struct model_cell {
    bool decoded;
    u32 addr;  /* in a plane */
    u8 planes; /* that a write may reach, a bit each */
    u8 read_plane;
};

static bool bit(u32 value, u32 n)
{
    return value >> n & 1;
}

/* Chain-4: A1 and A0 choose the plane, A15 and A14 take their place. Odd/even: A0 chooses between planes 0/2
 * and 1/3 and is replaced by A16 in the 128 KiB map, by 0 in the others. */
static struct model_cell model_decode(const struct model *m, gpa_t addr)
{
    static const gpa_t first[4] = {0xa0000, 0xa0000, 0xb0000, 0xb8000};
    static const gpa_t last[4] = {0xbffff, 0xaffff, 0xb7fff, 0xbffff};
    u32 map = m->gc[6] / 4 % 4;
    struct model_cell cell = {0};
    if (!bit(m->misc, 1) || addr < first[map] || addr > last[map])
        return cell;
    u32 offset = addr - first[map];
    cell.decoded = true;
    cell.planes = 15;
    cell.read_plane = m->gc[4];
    cell.addr = offset % 65536;
    if (bit(m->seq[4], 3)) {
        cell.planes = (u8)(1 << offset % 4);
        cell.read_plane = offset % 4;
        cell.addr = cell.addr / 4 * 4 + cell.addr / 16384;
    } else {
        if (!bit(m->seq[4], 2))
            cell.planes = offset % 2 ? 8 + 2 : 4 + 1;
        if (bit(m->gc[5], 4))
            cell.read_plane = (u8)(m->gc[4] / 2 * 2 + offset % 2);
        if (bit(m->gc[6], 1))
            cell.addr = cell.addr / 2 * 2 + (map == 0 && offset >= 65536);
    }
    if (!bit(m->seq[4], 1))
        cell.addr %= 16384;
    return cell;
}

/* One bit of one plane: what the pipeline gives, before the map mask. */
static bool model_bit(const struct model *m, u8 data, u32 p, u32 b)
{
    u8 rotate = m->gc[3] % 8;
    bool rotated = bit(data, (b + rotate) % 8);
    bool latch = bit(m->latch[p], b);
    bool masked_in = bit(m->gc[8], b);
    bool source;
    switch (m->gc[5] % 4) {
    case 0:
        source = bit(m->gc[1], p) ? bit(m->gc[0], p) : rotated;
        break;
    case 1:
        return latch;
    case 2:
        source = bit(data, p);
        break;
    default:
        source = bit(m->gc[0], p);
        masked_in = masked_in && rotated;
    }
    switch (m->gc[3] / 8) {
    case 1:
        source = source && latch;
        break;
    case 2:
        source = source || latch;
        break;
    case 3:
        source = source != latch;
        break;
    }
    return masked_in ? source : latch;
}

static void model_write_byte(struct model *m, gpa_t addr, u8 data)
{
    struct model_cell cell = model_decode(m, addr);
    if (!cell.decoded)
        return;
    for (u32 p = 0; p < 4; p++) {
        if (!bit(m->seq[2], p) || !bit(cell.planes, p))
            continue;
        u8 byte = 0;
        for (u32 b = 0; b < 8; b++)
            byte |= (u8)(model_bit(m, data, p, b) << b);
        m->plane[p][cell.addr] = byte;
    }
}

static u8 model_read_byte(struct model *m, gpa_t addr)
{
    struct model_cell cell = model_decode(m, addr);
    if (!cell.decoded)
        return 0xff;
    for (u32 p = 0; p < 4; p++)
        m->latch[p] = m->plane[p][cell.addr];
    if (!bit(m->gc[5], 3))
        return m->latch[cell.read_plane];
    u8 value = 0;
    for (u32 b = 0; b < 8; b++) {
        bool equal = true;
        for (u32 p = 0; p < 4; p++)
            if (bit(m->gc[7], p) && bit(m->latch[p], b) != bit(m->gc[2], p))
                equal = false;
        value |= (u8)(equal << b);
    }
    return value;
}

static u32 random_below(u32 n)
{
    return (u32)random() % n;
}

/* Values that matter come often. */
static u8 random_byte(void)
{
    static const u8 corner[] = {0, 0xff, 0x0f, 0xf0, 0x01, 0x80};
    return random_below(4) ? (u8)random() : corner[random_below(ARRAY_LEN(corner))];
}

static void set_registers(struct rig *rig, struct model *m, u8 write_mode, u8 read_mode, u8 function,
                          u8 rotate)
{
    for (u8 i = 0; i < 9; i++)
        m->gc[i] = random_byte() & 0x0f;
    m->gc[4] &= 3;
    m->gc[3] = (u8)(function << 3 | rotate);
    m->gc[5] = (u8)(write_mode | read_mode << 3 | random_below(2) << 4);
    m->gc[8] = random_byte();
    m->seq[2] = random_byte() & 15;
    m->seq[4] = (random_byte() & 0x0c) | (random_below(8) ? 2 : 0);
    m->misc = random_below(16) ? 3 : 1;
    out8(rig, 0x3c2, m->misc);
    seq_out(rig, 2, m->seq[2]);
    seq_out(rig, 4, m->seq[4]);
    for (u8 i = 0; i < 9; i++)
        gc_out(rig, i, m->gc[i]);
}

/* Few addresses, so that accesses meet; often at the edges of the windows. */
static gpa_t random_address(void)
{
    static const gpa_t edge[] = {0xa0000, 0xa3ffe, 0xa7ffd, 0xaffff, 0xb0000,
                                 0xb7ffd, 0xb7fff, 0xb8000, 0xbfff0};
    return edge[random_below(ARRAY_LEN(edge))] + random_below(12);
}

static void access_both(struct rig *rig, struct model *m)
{
    gpa_t addr = random_address();
    u8 size = (u8)(1 + random_below(4));
    u32 value = (u32)random() ^ (u32)random() << 16;
    if (random_below(2)) {
        write_mem(rig, addr, size, size == 4 ? value : value & (BIT(8 * size) - 1));
        for (u32 i = 0; i < size; i++)
            model_write_byte(m, addr + i, (u8)(value >> 8 * i));
        return;
    }
    u32 expected = 0;
    for (u32 i = 0; i < size; i++)
        expected |= (u32)model_read_byte(m, addr + i) << 8 * i;
    assert_int_equal(read_mem(rig, addr, size), expected);
}

static void compare_memory(struct rig *rig, const struct model *m)
{
    for (u32 a = 0; a < 65536; a++) {
        u32 expected =
            m->plane[0][a] | (u32)m->plane[1][a] << 8 | (u32)m->plane[2][a] << 16 | (u32)m->plane[3][a] << 24;
        assert_int_equal(rig->vga->vram[a], expected);
    }
}

static void every_mode_agrees_with_the_model(void **state)
{
    struct rig *rig = *state;
    struct model *m = calloc(1, sizeof *m);
    srandom(1);
    for (u32 combination = 0; combination < 4 * 2 * 4 * 8; combination++) {
        for (u32 round = 0; round < 60; round++) {
            set_registers(rig, m, combination & 3, combination >> 2 & 1, combination >> 3 & 3,
                          combination >> 5 & 7);
            for (u32 i = 0; i < 12; i++)
                access_both(rig, m);
        }
        compare_memory(rig, m);
    }
    free(m);
}

/* The short ways through write mode 0 with nothing to do: all sizes and alignments, all map masks. */
static void plain_writes_agree_with_the_model(void **state)
{
    struct rig *rig = *state;
    struct model *m = calloc(1, sizeof *m);
    srandom(2);
    for (u32 round = 0; round < 20000; round++) {
        set_registers(rig, m, 0, (u8)random_below(2), 0, 0);
        m->gc[1] = 0;
        m->gc[8] = 0xff;
        gc_out(rig, 1, 0);
        gc_out(rig, 8, 0xff);
        for (u32 i = 0; i < 4; i++)
            access_both(rig, m);
    }
    compare_memory(rig, m);
    free(m);
}

/* What struct vga_planes says of byte accesses is what they do, in every mode that it claims. */
static u32 planes_store(const struct vga_planes *p, u32 a, u8 value)
{
    u32 v = value * 0x01010101u;
    if (!p->plain) {
        v = (v & ~*p->from_set_reset) | *p->forced;
        v = (v & *p->bit_mask) | (*p->latch & ~*p->bit_mask);
    }
    return (p->cells[a] & ~*p->mask) | (v & *p->mask);
}

static void planes_do_what_they_say(void **state)
{
    struct rig *rig = *state;
    struct model *m = calloc(1, sizeof *m);
    struct vga_planes p;
    u32 stores = 0, pipelined = 0, loads = 0;
    srandom(3);
    for (u32 round = 0; round < 40000; round++) {
        set_registers(rig, m, (u8)random_below(4), (u8)random_below(2), (u8)random_below(4), (u8)random_below(8));
        if (random_below(2)) {
            gc_out(rig, 8, 0xff);
            gc_out(rig, 1, random_below(2) ? 0 : 0x0f);
        }
        if (random_below(2)) { /* as programs set them */
            seq_out(rig, 4, 6);
            gc_out(rig, 5, (u8)(random_below(3)));
            gc_out(rig, 6, 5);
            gc_out(rig, 3, (u8)(random_below(4) ? 0 : random_below(32)));
        }
        vga_planes(rig->vga, &p);
        u32 a = random_below(8) * 0x1fff;
        gpa_t addr = vga_accessor(rig->vga)->first + a;
        if (a >= vga_accessor(rig->vga)->bytes)
            continue;
        if (p.stores && (p.plain || !*p.rotate)) {
            u8 value = random_byte();
            u32 expected = planes_store(&p, a, value);
            write8(rig, addr, value);
            assert_int_equal(p.cells[a], expected);
            stores++;
            pipelined += !p.plain;
        }
        if (p.loads) {
            u32 cell = p.cells[a];
            assert_int_equal(read8(rig, addr), cell >> *p.shift & 0xff);
            assert_int_equal(*p.latch, cell);
            loads++;
        }
    }
    assert_true(pipelined > 100 && stores > pipelined + 100 && loads > 1000);
    free(m);
}

static void generation_names_the_kind_of_access(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    u32 plain = vga_accessor(rig->vga)->generation;
    gc_out(rig, 8, 0xaa); /* the pipeline does something now: that is a kind */
    u32 planar = vga_accessor(rig->vga)->generation;
    assert_int_not_equal(planar, plain);
    gc_out(rig, 8, 0x55); /* data, not kind */
    seq_out(rig, 2, 3);
    gc_out(rig, 4, 2);
    gc_out(rig, 3, 5);
    assert_int_equal(vga_accessor(rig->vga)->generation, planar);
    static const struct {
        u16 port;
        u16 value;
        u16 back;
    } kinds[] = {
        {0x3ce, 0x0105, 0x0005}, /* write mode */
        {0x3ce, 0x0805, 0x0005}, /* read mode */
        {0x3ce, 0x1005, 0x0005}, /* odd/even */
        {0x3ce, 0x0803, 0x0003}, /* function */
        {0x3ce, 0x0106, 0x0506}, /* window */
        {0x3c4, 0x0e04, 0x0604}, /* chain-4 */
        {0x3c4, 0x0404, 0x0604}, /* memory size */
    };
    u32 seen[ARRAY_LEN(kinds)];
    for (u32 i = 0; i < ARRAY_LEN(kinds); i++) {
        out16(rig, kinds[i].port, kinds[i].value);
        seen[i] = vga_accessor(rig->vga)->generation;
        assert_int_not_equal(seen[i], planar);
        for (u32 j = 0; j < i; j++)
            assert_int_not_equal(seen[i], seen[j]);
        out16(rig, kinds[i].port, kinds[i].back);
        assert_int_equal(vga_accessor(rig->vga)->generation, planar);
    }
}

static void latches_survive_the_processor(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    rig->vga->vram[5] = 0x78563412;
    read8(rig, 0xa0005);
    for (u8 p = 0; p < 4; p++) {
        gc_out(rig, 4, p);
        assert_int_equal(crtc_in(rig, 0x22), 0x12 + 0x22 * p);
    }
    gc_out(rig, 5, 1);
    seq_out(rig, 2, 0x0f);
    write_mem(rig, 0xa0100, 4, 0);
    for (u32 i = 0; i < 4; i++)
        assert_int_equal(rig->vga->vram[0x100 + i], 0x78563412);
    assert_int_equal(rig->vga->vram[0x104], 0);
}

/* Mode 13h's bytes as mode X sees them: every fourth address of each plane. */
static void chain_4_scatters_over_the_planes(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    for (u32 i = 0; i < 16; i++)
        write8(rig, 0xa0000 + i, (u8)(0x10 + i));
    seq_out(rig, 4, 6);
    for (u8 p = 0; p < 4; p++) {
        gc_out(rig, 4, p);
        for (u32 i = 0; i < 16; i++)
            assert_int_equal(read8(rig, 0xa0000 + i), i & 3 ? 0 : 0x10 + i + p);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(every_mode_agrees_with_the_model, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(plain_writes_agree_with_the_model, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(planes_do_what_they_say, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(generation_names_the_kind_of_access, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(latches_survive_the_processor, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(chain_4_scatters_over_the_planes, rig_setup, rig_teardown),
};

int test_mem(void)
{
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
