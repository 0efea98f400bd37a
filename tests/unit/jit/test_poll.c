/* Loops without an access are left when the run loop is wanted, and at the horizon: nothing the guest does may keep the
 * processor. How soon is printed, in nanoseconds from the signal's handler to the end of the run; it is not asserted. */
#include "jit_rig.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS = 50 };

/* What a signal handler can reach. */
static volatile int *wanted;
static volatile u64 wanted_ns;

static u64 now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec;
}

static void want(int signal)
{
    (void)signal;
    wanted_ns = now_ns();
    *wanted = 1;
}

static timer_t make_timer(struct jit_rig *rig)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1};
    timer_t timer;
    wanted = &rig->attention;
    assert_int_equal(sigaction(SIGRTMIN + 1, &(struct sigaction){.sa_handler = want}, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    return timer;
}

static int by_value(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;
    return (x > y) - (x < y);
}

/* From the third instruction on it loops for ever; its end, which exits, is never reached. */
static void loop_until_wanted(struct jit_rig *rig, struct cluster *cluster, const char *name)
{
    u64 latency[RUNS];
    timer_t timer = make_timer(rig);
    for (int i = 0; i < RUNS; i++) {
        struct itimerspec soon = {.it_value.tv_nsec = 200 * NS_PER_US + i * 7919};
        rig->attention = 0;
        rig->cpu.eip = RIG_CODE;
        assert_int_equal(timer_settime(timer, 0, &soon, NULL), 0);
        assert_int_equal(jit_run(rig, cluster), LEAVE_attention);
        latency[i] = now_ns() - wanted_ns;
    }
    timer_delete(timer);
    qsort(latency, RUNS, sizeof latency[0], by_value);
    print_message("%s: left %llu ns after the signal, worst %llu ns\n", name,
                  (unsigned long long)latency[RUNS / 2], (unsigned long long)latency[RUNS - 1]);
}

static void a_tight_loop_is_left(void **state)
{
    struct jit_rig *rig = *state;
    static const u8 code[] = {0x75, 0x02, 0xeb, 0xfc}; /* 1: jnz over; jmp 1b; over: */
    struct cluster *cluster = jit_form(rig, code, sizeof code, 0);
    rig->cpu.eflags |= FLAG_ZF;
    loop_until_wanted(rig, cluster, "a loop of two branches");
    assert_true(rig->cpu.eflags & FLAG_ZF);
    jit_free(rig, cluster);
}

static void a_loop_over_memory_is_left(void **state)
{
    struct jit_rig *rig = *state;
    static const u8 code[] = {0x01, 0x07, 0x43, 0x79, 0xfb, 0x31, 0xdb, 0x74, 0xf7};
    /* 1: add [bx], ax; inc bx; jns 1b; xor bx, bx; jz 1b: never over the segment's end, but a cluster must have one */
    struct cluster *cluster = jit_form(rig, code, sizeof code, 0);
    struct jit_stats stats;
    rig->cpu.sreg[CPU_DS].base = 0x10000;
    loop_until_wanted(rig, cluster, "a loop over memory");
    jit_stats(rig->jit, &stats);
    assert_int_equal(stats.translations, 1);
    jit_free(rig, cluster);
}

static void the_horizon_ends_a_loop(void **state)
{
    struct jit_rig *rig = *state;
    static const u8 code[] = {0x75, 0x02, 0xeb, 0xfc};
    struct cluster *cluster = jit_form(rig, code, sizeof code, 0);
    rig->cpu.eflags |= FLAG_ZF;
    rig->stats.horizon = 1000;
    assert_int_equal(jit_run(rig, cluster), LEAVE_horizon);
    assert_int_equal(rig->stats.instructions, 1000);
    assert_int_equal(rig->stats.idle, 1000);
    jit_free(rig, cluster);
}

static void an_access_puts_the_horizon_off(void **state)
{
    struct jit_rig *rig = *state;
    static const u8 code[] = {0xe6, 0x80, 0x49, 0x75, 0xfb, 0x75, 0x02, 0xeb, 0xfc};
    /* 1: out 80h, al; dec cx; jnz 1b; 2: jnz over; jmp 2b; over: */
    struct cluster *cluster = jit_form(rig, code, sizeof code, 0);
    rig->cpu.reg[CPU_ECX] = 5000;
    rig->stats.horizon = 100;
    assert_int_equal(jit_run(rig, cluster), LEAVE_horizon);
    assert_int_equal(rig->port_accesses, 5000);
    assert_int_equal(rig->stats.instructions, 3 * 5000 + 98);
    assert_int_equal(rig->stats.idle, 100);
    jit_free(rig, cluster);
}

int test_poll(void)
{
    const struct CMUnitTest tests[] = {
        JIT_TEST(a_tight_loop_is_left),
        JIT_TEST(a_loop_over_memory_is_left),
        JIT_TEST(the_horizon_ends_a_loop),
        JIT_TEST(an_access_puts_the_horizon_off),
    };
    return cmocka_run_group_tests_name("loops", tests, NULL, NULL);
}
