/* Runs of accesses (vga_run.h) against the same elements one by one through the accessor, on two VGAs in the
 * same random state: every addressing, write mode, function, size, direction and alignment. */
#include "vga_tests.h"

#include "dev/vga/vga_run.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20000, PAGE = 4096, SHORT_RUN = 70 };

struct pair {
    struct vga *run, *single;
    u8 ram[PAGE], ram_run[PAGE], ram_single[PAGE];
    u32 moved[PAGE], expected[PAGE];
    u64 quick; /* runs long enough for the loops of four, in planar addressing */
};

static u32 below(u32 n)
{
    return (u32)random() % n;
}

static void set_registers(struct rig *rig)
{
    static const u8 corner[] = {0, 0xff, 0x0f};
    bool plain = !below(3);
    out8(rig, 0x3c2, 3);
    seq_out(rig, 2, below(3) ? (u8)below(16) : 15);
    seq_out(rig, 4, (u8)(below(4) << 2 | (below(8) ? 2 : 0)));
    for (u8 i = 0; i < 9; i++)
        gc_out(rig, i, below(3) ? (u8)below(256) : corner[below(3)]);
    if (!plain)
        return;
    gc_out(rig, 1, 0);
    gc_out(rig, 3, 0);
    gc_out(rig, 5, rig->vga->r.gc[5] & 0xfc);
    gc_out(rig, 8, 0xff);
}

static void copy_state(struct pair *p, struct rig *rig)
{
    for (u32 i = 0; i < 500; i++)
        rig->vga->vram[below(VGA_PLANE_BYTES)] = (u32)random() << 1;
    rig->vga->latch = (u32)random() << 1;
    memcpy(p->run, rig->vga, sizeof *p->run);
    memcpy(p->single, rig->vga, sizeof *p->single);
    for (u32 i = 0; i < PAGE; i++)
        p->ram[i] = p->ram_run[i] = p->ram_single[i] = (u8)random();
}

/* Where a run of `bytes` begins in a page, its lowest byte. */
static u32 random_start(u32 bytes)
{
    return below(4) ? below(PAGE - bytes + 1) : below(2) ? 0 : PAGE - bytes;
}

static gpa_t random_page(const struct vga *vga)
{
    return vga->accessor.first + PAGE * below(vga->accessor.bytes / PAGE);
}

static struct vga_run random_run(const struct vga *vga)
{
    static const u8 sizes[] = {1, 1, 2, 4};
    struct vga_run r = {.size = sizes[below(4)], .down = below(3) == 0, .value = (u32)random()};
    r.count = 1 + below(below(8) ? SHORT_RUN : PAGE / r.size);
    if (r.size < 4)
        r.value &= BIT(8 * r.size) - 1;
    u32 bytes = r.count * r.size, first = r.down ? bytes - r.size : 0;
    r.from = random_page(vga) + random_start(bytes) + first;
    r.to = random_page(vga) + random_start(bytes) + first;
    if (below(2)) /* so near that they overlap */
        r.to = (r.from & ~(PAGE - 1)) + random_start(bytes) + first;
    return r;
}

static void store_one_by_one(struct pair *p, const struct vga_run *r, const u8 *at)
{
    s32 step = r->down ? -(s32)r->size : (s32)r->size;
    for (u32 i = 0; i < r->count; i++) {
        p->expected[i] = r->value;
        if (at) {
            p->expected[i] = 0;
            memcpy(&p->expected[i], at + (s32)i * step, r->size);
        }
        p->single->accessor.write(p->single, r->to + i * (u32)step, r->size, p->expected[i]);
    }
}

static void load_one_by_one(struct pair *p, const struct vga_run *r, u8 *at, bool copy)
{
    s32 step = r->down ? -(s32)r->size : (s32)r->size;
    for (u32 i = 0; i < r->count; i++) {
        u32 value = p->expected[i] = p->single->accessor.read(p->single, r->from + i * (u32)step, r->size);
        if (copy)
            p->single->accessor.write(p->single, r->to + i * (u32)step, r->size, value);
        else if (at)
            memcpy(at + (s32)i * step, &value, r->size);
    }
}

static void run_and_compare(struct pair *p)
{
    struct vga_run r = random_run(p->run);
    u32 bytes = r.count * r.size, start = random_start(bytes) + (r.down ? bytes - r.size : 0);
    bool with_moved = below(2), with_ram = below(2);
    memset(p->moved, 0, sizeof p->moved);
    r.moved = with_moved || !with_ram ? p->moved : NULL;
    switch (below(3)) {
    case 0:
        r.ram_from = with_ram ? p->ram + start : NULL;
        store_one_by_one(p, &r, r.ram_from);
        vga_run_store(p->run, &r);
        p->quick += bytes >= 8 && (p->run->pipe.addr_and & 3) == 3;
        break;
    case 1:
        r.ram_to = with_ram ? p->ram_run + start : NULL;
        load_one_by_one(p, &r, with_ram ? p->ram_single + start : NULL, false);
        vga_run_load(p->run, &r);
        break;
    default:
        load_one_by_one(p, &r, NULL, true);
        vga_run_copy(p->run, &r);
        break;
    }
    if (r.moved)
        assert_memory_equal(p->moved, p->expected, r.count * sizeof p->moved[0]);
    assert_int_equal(p->run->latch, p->single->latch);
    assert_memory_equal(p->run->vram, p->single->vram, sizeof p->run->vram);
    assert_memory_equal(p->ram_run, p->ram_single, PAGE);
}

static void runs_are_their_elements(void **state)
{
    struct rig *rig = *state;
    struct pair *p = calloc(1, sizeof *p);
    p->run = malloc(sizeof *p->run);
    p->single = malloc(sizeof *p->single);
    srandom(5);
    for (u32 round = 0; round < ROUNDS; round++) {
        if (round % 8 == 0) {
            set_registers(rig);
            copy_state(p, rig);
        }
        run_and_compare(p);
    }
    assert_true(p->quick > ROUNDS / 50);
    free(p->run);
    free(p->single);
    free(p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(runs_are_their_elements, rig_setup, rig_teardown),
};

int test_run(void)
{
    return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
