/* Loops on ports: which of them are found to do nothing but wait, and that looking at them leaves no trace.
 */
#include "cluster/wait.h"

#include "interp_tests.h"
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STATUS = 0x3da, KEYS = 0x64, WORK = 0x60, MANY_STEPS = 10000, PAGE = 4096, ALIAS = 0x10000 };

struct world {
    struct rig *rig;
    u8 *view; /* the private one */
    struct wait *wait;
    struct wait_proof proof;
    u8 status[WAIT_VALUES];
    u32 n_status;
    bool counting;
    bool aliases; /* each page of the first 64 KiB is also 64 KiB further on */
};

static void drop(void *opaque, u32 page)
{
    struct world *w = opaque;
    assert_int_equal(page % PAGE, 0);
    memcpy(w->view + page, w->rig->ram + page, PAGE);
}

static bool ask(void *opaque, struct wait_port *port)
{
    struct world *w = opaque;
    if (port->port == KEYS) {
        port->n = 1;
        port->value[0] = 0x1c;
        return true;
    }
    port->n = w->n_status;
    memcpy(port->value, w->status, sizeof port->value);
    return port->port == STATUS;
}

static u32 others(void *opaque, u32 page, u32 other[WAIT_OTHERS])
{
    const struct world *w = opaque;
    if (!w->aliases || page >= 2 * ALIAS)
        return 0;
    other[0] = page ^ ALIAS;
    return 1;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_int_equal(rig_setup((void **)&w->rig), 0);
    w->view = malloc(RIG_RAM_BYTES);
    assert_non_null(w->view);
    struct wait_config config = {.env = &w->rig->env, .view = w->view, .drop = drop, .others = others, .ask = ask, .opaque = w};
    assert_int_equal(wait_create(&w->wait, &config), 0);
    w->rig->cpu.reg[CPU_EDX] = STATUS;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    wait_destroy(w->wait);
    rig_teardown((void **)&w->rig);
    free(w->view);
    free(w);
    return 0;
}

static void status_is(struct world *w, u32 n, u8 first, u8 second)
{
    w->n_status = n;
    w->status[0] = first;
    w->status[1] = second;
}

/* Looks at the code from its beginning; whatever comes of it, nothing may have changed. */
static bool proves_in(struct world *w, u32 max_steps, const u8 *code, u32 bytes)
{
    struct rig *rig = w->rig;
    rig_code(rig, code, bytes);
    u8 *before = malloc(RIG_RAM_BYTES);
    struct cpu_state cpu = rig->cpu;
    memcpy(before, rig->ram, RIG_RAM_BYTES);
    memcpy(w->view, rig->ram, RIG_RAM_BYTES);
    bool proved = wait_prove(w->wait, &rig->cpu, max_steps, w->counting, &w->proof);
    assert_memory_equal(rig->ram, before, RIG_RAM_BYTES);
    assert_memory_equal(w->view, before, RIG_RAM_BYTES);
    assert_memory_equal(&rig->cpu, &cpu, sizeof cpu);
    assert_int_equal(rig->logged, 0);
    free(before);
    return proved;
}
#define PROVES_IN(w, steps, ...)                                                                             \
    proves_in(w, steps, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
#define PROVES(w, ...) PROVES_IN(w, MANY_STEPS, __VA_ARGS__)

/* in al, dx; test al, 8; jz */
#define AWAIT_BIT_3 0xec, 0xa8, 0x08, 0x74, 0xfb

static void a_loop_waits_for_what_does_not_come(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    assert_true(PROVES(w, AWAIT_BIT_3));
    assert_int_equal(w->proof.n_ports, 1);
    assert_int_equal(w->proof.port[0].port, STATUS);
    assert_false(w->proof.interruptible);
    status_is(w, 1, 0x30, 0);
    assert_true(PROVES(w, AWAIT_BIT_3));
}

static void a_loop_does_not_wait_for_what_may_come(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x09);
    assert_false(PROVES(w, AWAIT_BIT_3, 0xf4));
    status_is(w, 2, 0x09, 0x00);
    assert_false(PROVES(w, AWAIT_BIT_3, 0xf4));
    status_is(w, 1, 0x08, 0);
    assert_false(PROVES(w, AWAIT_BIT_3, 0xf4));
}

/* What it may become depends on the value before: mov ah, al; in al, dx; cmp ah, al; je mov */
static void a_change_between_two_reads_counts(void **state)
{
    struct world *w = *state;
    status_is(w, 1, 0x01, 0);
    assert_true(PROVES(w, 0xec, 0x88, 0xc4, 0xec, 0x38, 0xc4, 0x74, 0xf9, 0xf4));
    status_is(w, 2, 0x01, 0x00);
    assert_false(PROVES(w, 0xec, 0x88, 0xc4, 0xec, 0x38, 0xc4, 0x74, 0xf9, 0xf4));
}

/* in al, dx; test al, 8; loopz / in al, dx; inc word [500h]; test al, 8; jz */
static void a_count_is_work(void **state)
{
    struct world *w = *state;
    status_is(w, 1, 0x00, 0);
    w->rig->cpu.reg[CPU_ECX] = 0xffff;
    assert_false(PROVES(w, 0xec, 0xa8, 0x08, 0xe1, 0xfb));
    assert_false(PROVES(w, 0xec, 0xff, 0x06, 0x00, 0x05, 0xa8, 0x08, 0x74, 0xf7));
}

/* again: call f; call g; jmp again; f: push dx; in al, dx; pop dx; ret; g: sti; nop; cli; ret: the same
 * stack, other contents. */
static void stores_that_come_back_are_no_work(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    assert_true(PROVES(w, 0xe8, 0x05, 0x00, 0xe8, 0x06, 0x00, 0xeb, 0xf8, /* again */
                       0x52, 0xec, 0x5a, 0xc3,                            /* f */
                       0xfb, 0x90, 0xfa, 0xc3));                          /* g */
    assert_true(w->proof.interruptible);
}

/* push ax; in al, dx; add sp, 2; jmp: what is pushed depends on the value read before. */
static void stores_may_depend_on_what_is_read(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    assert_true(PROVES(w, 0x50, 0xec, 0x83, 0xc4, 0x02, 0xeb, 0xf9));
    /* ... and a wait for the sum of two: pop bx; add al, bl; cmp al, 2; jne */
    assert_false(PROVES(w, 0x50, 0xec, 0x5b, 0x50, 0xec, 0x5b, 0x00, 0xd8, 0x3c, 0x02, 0x75, 0xf4, 0xf4));
}

/* A sum of this read and the one before: in al, dx; mov ah, [500h]; mov [500h], al; add al, ah; cmp al, n;
 * jne */
static void stores_belong_to_the_state(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    assert_true(
        PROVES(w, 0xec, 0x8a, 0x26, 0x00, 0x05, 0xa2, 0x00, 0x05, 0x00, 0xe0, 0x3c, 0x03, 0x75, 0xf2, 0xf4));
    assert_false(
        PROVES(w, 0xec, 0x8a, 0x26, 0x00, 0x05, 0xa2, 0x00, 0x05, 0x00, 0xe0, 0x3c, 0x02, 0x75, 0xf2, 0xf4));
}

/* in al, 64h; test al, 1; jnz away; in al, dx; test al, 8; jz */
static void two_ports_are_waited_for(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    assert_true(PROVES(w, 0xe4, 0x64, 0xa8, 0x01, 0x75, 0x05, 0xec, 0xa8, 0x08, 0x74, 0xf5, 0xf4));
    assert_int_equal(w->proof.n_ports, 2);
}

static void other_accesses_are_work(void **state)
{
    struct world *w = *state;
    status_is(w, 1, 0x00, 0);
    assert_false(PROVES(w, 0xec, 0xee, 0xeb, 0xfc));       /* out dx, al */
    assert_false(PROVES(w, 0xec, 0xe4, WORK, 0xeb, 0xfb)); /* a port that nobody answers for */
    assert_false(PROVES(w, 0xed, 0xeb, 0xfd));             /* a word */
    assert_false(PROVES(w, 0xec, 0xf4, 0xeb, 0xfc));       /* hlt */
    assert_false(PROVES(w, 0xec, 0xdf, 0xe0, 0xeb, 0xfb)); /* fnstsw ax */
    w->rig->cpu.sreg[CPU_ES].base = RIG_DEVICE;
    assert_false(PROVES(w, 0xec, 0x26, 0x8a, 0x26, 0x00, 0x00, 0xeb, 0xf8)); /* mov ah, es:[0] */
    assert_false(PROVES(w, 0xec, 0x26, 0x88, 0x26, 0x00, 0x00, 0xeb, 0xf8)); /* mov es:[0], ah */
}

/* in al, dx; mov cx, 3000h; mov di, 2000h; rep stosb; jmp */
static void too_many_stores_leave_no_trace(void **state)
{
    struct world *w = *state;
    status_is(w, 1, 0x55, 0);
    assert_false(PROVES(w, 0xec, 0xb9, 0x00, 0x30, 0xbf, 0x00, 0x20, 0xf3, 0xaa, 0xeb, 0xf5));
}

static void a_proof_has_an_end(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    assert_false(PROVES_IN(w, 5, AWAIT_BIT_3));
    assert_false(PROVES(w, 0xeb, 0xfe));             /* no read at all */
    assert_false(PROVES(w, 0xec, 0x43, 0xeb, 0xfc)); /* inc bx: as many states as it has values */
}

/* in al, dx; insb; dec di; jmp: two reads, the second to memory. */
/* next: push 1234h; pop ax; in al, dx; cmp word [ds:SP - 2], 1234h; jne out; test al, 8; jz next; out: hlt, where DS is 64 KiB
 * above SS */
static void a_store_shows_at_other_addresses(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    w->rig->cpu.sreg[CPU_DS].base = ALIAS;
    static const u8 code[] = {0x68, 0x34, 0x12, 0x58, 0xec, 0x81, 0x3e, (RIG_STACK - 2) & 255, (RIG_STACK - 2) >> 8, 0x34, 0x12,
                              0x75, 0x04, 0xa8, 0x08, 0x74, 0xef, 0xf4};
    assert_false(proves_in(w, MANY_STEPS, code, sizeof code));
    w->aliases = true;
    assert_true(proves_in(w, MANY_STEPS, code, sizeof code));
}

static void reads_to_memory_are_reads(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    assert_true(PROVES(w, 0xec, 0x6c, 0x4f, 0xeb, 0xfb));
    /* rep insb reads as often as it says: mov cx, 2; rep insb; sub di, 2; jmp */
    assert_false(PROVES(w, 0xb9, 0x02, 0x00, 0xf3, 0x6c, 0x83, 0xef, 0x02, 0xeb, 0xf6));
}

/* --- loops that count their rounds --- */

static void a_count_of_rounds_is_found(void **state)
{
    struct world *w = *state;
    struct wait_count *count = &w->proof.count;
    w->rig->cpu.reg[CPU_ECX] = 0x12345678;
    status_is(w, 2, 0x00, 0x01);
    assert_false(PROVES(w, 0xec, 0xa8, 0x08, 0xe1, 0xfb)); /* in al, dx; test al, 8; loopz */
    assert_true(count->found);
    w->counting = true;
    assert_true(PROVES(w, 0xec, 0xa8, 0x08, 0xe1, 0xfb));
    assert_true(count->reg == CPU_ECX && count->size == 2 && count->step == -1);
    assert_int_equal(wait_count_left(count, w->rig->cpu.reg[CPU_ECX]), 0x5678);
    assert_int_equal(wait_count_left(count, 0x10000), 0x10000);
    /* test al, 8; jnz out; dec ecx; jnz */
    assert_true(PROVES(w, 0xec, 0xa8, 0x08, 0x75, 0x04, 0x66, 0x49, 0x75, 0xf7, 0xf4));
    assert_true(count->reg == CPU_ECX && count->size == 4 && count->step == -1);
    assert_int_equal(wait_count_left(count, 0), 1ull << 32);
    assert_true(PROVES(w, 0xec, 0x46, 0xa8, 0x08, 0x74, 0xfa, 0xf4)); /* inc si; test al, 8; jz */
    assert_true(count->reg == CPU_ESI && count->size == 2 && count->step == 1);
    assert_int_equal(wait_count_left(count, 0xffff), 1);
    assert_false(PROVES(w, AWAIT_BIT_3)); /* does not count */
    assert_false(count->found);
}

static void a_count_that_ends_is_none(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    w->counting = true;
    w->rig->cpu.reg[CPU_ECX] = 1;
    assert_false(PROVES(w, 0xec, 0xa8, 0x08, 0xe1, 0xfb, 0xf4));
    status_is(w, 2, 0x00, 0x08);
    w->rig->cpu.reg[CPU_ECX] = 1000;
    assert_false(PROVES(w, 0xec, 0xa8, 0x08, 0xe1, 0xfb, 0xf4)); /* and so may the wait */
}

static void a_count_that_is_looked_at_is_work(void **state)
{
    struct world *w = *state;
    status_is(w, 2, 0x00, 0x01);
    w->counting = true;
    w->rig->cpu.reg[CPU_ECX] = 0x8000;
    assert_true(PROVES(w, 0xec, 0x49, 0x90, 0x90, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* dec cx; jz */
    assert_false(PROVES(w, 0xec, 0x49, 0x90, 0x90, 0x78, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* js */
    assert_false(PROVES(w, 0xec, 0x49, 0x9f, 0x90, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* lahf */
    assert_false(
        PROVES(w, 0xec, 0x49, 0x88, 0xcb, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* mov bl, cl */
    assert_false(
        PROVES(w, 0xec, 0x49, 0x88, 0xd9, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* mov cl, bl */
    assert_false(
        PROVES(w, 0xec, 0x49, 0x88, 0xeb, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* mov bl, ch */
    assert_false(
        PROVES(w, 0xec, 0x49, 0xd3, 0xe3, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* shl bx, cl */
    assert_false(
        PROVES(w, 0xec, 0x49, 0x51, 0x5b, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* push cx; pop bx */
    assert_false(
        PROVES(w, 0xec, 0x49, 0x49, 0x90, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* dec cx twice */
    assert_false(PROVES(w, 0xec, 0x49, 0x43, 0x90, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* inc bx */
    assert_false(
        PROVES(w, 0xec, 0x49, 0x86, 0xc9, 0x74, 0xfa, 0xa8, 0x08, 0x74, 0xf6, 0xf4)); /* xchg cl, cl */
}

/* dec bx; mov si, [bx]: an address */
static void a_count_may_not_be_an_address(void **state)
{
    struct world *w = *state;
    status_is(w, 1, 0x00, 0);
    w->counting = true;
    w->rig->cpu.reg[CPU_EBX] = 0x5000;
    assert_false(PROVES(w, 0xec, 0x4b, 0x8b, 0x37, 0xa8, 0x08, 0x74, 0xf8));
    assert_true(PROVES(w, 0xec, 0x4b, 0x8b, 0x35, 0xa8, 0x08, 0x74, 0xf8)); /* [di] */
}

int test_wait(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_loop_waits_for_what_does_not_come, setup, teardown),
        cmocka_unit_test_setup_teardown(a_loop_does_not_wait_for_what_may_come, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_between_two_reads_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_count_is_work, setup, teardown),
        cmocka_unit_test_setup_teardown(stores_that_come_back_are_no_work, setup, teardown),
        cmocka_unit_test_setup_teardown(stores_may_depend_on_what_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(stores_belong_to_the_state, setup, teardown),
        cmocka_unit_test_setup_teardown(two_ports_are_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_shows_at_other_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(reads_to_memory_are_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(other_accesses_are_work, setup, teardown),
        cmocka_unit_test_setup_teardown(a_count_of_rounds_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(a_count_that_ends_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_count_that_is_looked_at_is_work, setup, teardown),
        cmocka_unit_test_setup_teardown(a_count_may_not_be_an_address, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_stores_leave_no_trace, setup, teardown),
        cmocka_unit_test_setup_teardown(a_proof_has_an_end, setup, teardown),
    };
    return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
