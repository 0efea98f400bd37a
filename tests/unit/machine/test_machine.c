/* The bus, virtual time, guest memory and the access stream. */
#include "machine/machine.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- bus --- */

struct recorder {
    char log[256];
};

static u32 rec_in(void *dev, u16 port, u8 size)
{
    struct recorder *r = dev;
    sprintf(r->log + strlen(r->log), "r%x.%u ", port, size);
    return 0x11223344u >> (8 * (port & 3));
}

static void rec_out(void *dev, u16 port, u8 size, u32 value)
{
    struct recorder *r = dev;
    sprintf(r->log + strlen(r->log), "w%x.%u=%x ", port, size, value);
}

static const struct bus_port rec_ports[] = {
    {.first = 0x300, .count = 4, .width = BUS_8, .name = "bytes", .in = rec_in, .out = rec_out},
    {.first = 0x304, .count = 2, .width = BUS_8 | BUS_16, .name = "words", .in = rec_in, .out = rec_out},
    {.first = 0x308, .count = 1, .width = BUS_8, .name = "read only", .in = rec_in},
};

static void bus_splits_into_what_the_device_takes(void **state)
{
    (void)state;
    static struct bus bus;
    struct recorder rec = {""};
    bus_init(&bus);
    bus_add_ports(&bus, rec_ports, ARRAY_LEN(rec_ports), &rec);
    bus_out(&bus, 0x300, 4, 0xaabbccdd);
    assert_string_equal(rec.log, "w300.1=dd w301.1=cc w302.1=bb w303.1=aa ");
    rec.log[0] = 0;
    bus_out(&bus, 0x304, 2, 0x1234);
    bus_out(&bus, 0x304, 4, 0x89ab1234);
    assert_string_equal(rec.log, "w304.2=1234 w304.2=1234 ");
    rec.log[0] = 0;
    assert_int_equal(bus_in(&bus, 0x302, 4), 0x33441122); /* 302h and 303h by bytes, 304h as a word */
    assert_string_equal(rec.log, "r302.1 r303.1 r304.2 ");
    assert_int_equal(bus_in(&bus, 0x300, 2), 0x3344);
}

struct unclaimed {
    u32 calls;
    u16 port;
};

static void note(void *opaque, u16 port, u8 size, bool in)
{
    struct unclaimed *u = opaque;
    (void)size;
    (void)in;
    u->calls++;
    u->port = port;
}

static void unclaimed_ports_read_ones_and_are_told_once(void **state)
{
    (void)state;
    static struct bus bus;
    struct recorder rec = {""};
    struct unclaimed u = {0};
    bus_init(&bus);
    bus.on_unclaimed = note;
    bus.on_unclaimed_opaque = &u;
    bus_add_ports(&bus, rec_ports, ARRAY_LEN(rec_ports), &rec);
    assert_int_equal(bus_in(&bus, 0x400, 4), 0xffffffff);
    assert_int_equal(u.calls, 4);
    bus_in(&bus, 0x400, 1);
    bus_out(&bus, 0x401, 1, 5);
    assert_int_equal(u.calls, 4);
    bus_out(&bus, 0x308, 1, 7); /* claimed, read-only: ignored without a word */
    assert_int_equal(u.calls, 4);
    assert_int_equal(bus_in(&bus, 0xffff, 2) & 0xff00, 0xff00); /* wraps to port 0 */
    assert_null(bus_port_name(&bus, 0x400));
    assert_string_equal(bus_port_name(&bus, 0x305), "words");
}

/* --- clock --- */

struct fired {
    struct clock_event event;
    char *order;
    char id;
    u64 period_ns;
};

static void fire(void *opaque, u64 deadline_ns)
{
    struct fired *f = opaque;
    strncat(f->order, &f->id, 1);
    if (f->period_ns)
        clock_event_arm(&f->event, deadline_ns + f->period_ns);
}

static void events_fire_in_order_and_may_arm_themselves(void **state)
{
    (void)state;
    struct clock clock;
    char order[32] = "";
    struct fired a = {.order = order, .id = 'a', .period_ns = 300}, b = {.order = order, .id = 'b'},
                 c = {.order = order, .id = 'c'};
    clock_init(&clock, CLOCK_MODE_ACCESS);
    clock_event_init(&a.event, &clock, "a", fire, &a);
    clock_event_init(&b.event, &clock, "b", fire, &b);
    clock_event_init(&c.event, &clock, "c", fire, &c);
    clock_event_arm(&b.event, 500);
    clock_event_arm(&a.event, 300);
    clock_event_arm(&c.event, 500); /* a tie: after b */
    clock.access_ns = 299;
    clock_run_due(&clock);
    assert_string_equal(order, "");
    clock.access_ns = 900;
    clock_run_due(&clock);
    assert_string_equal(order, "abcaa"); /* 300, 500, 500, 600, 900 */
    assert_int_equal(clock.next_deadline_ns, 1200);
    clock_event_disarm(&a.event);
    assert_true(clock.next_deadline_ns == CLOCK_NEVER);
    assert_false(clock_jump_to_next(&clock));
    clock_event_arm(&b.event, 5000);
    assert_true(clock_jump_to_next(&clock));
    assert_int_equal(clock_now(&clock), 5000);
}

static void access_time_moves_by_accesses_only(void **state)
{
    (void)state;
    struct clock clock;
    clock_init(&clock, CLOCK_MODE_ACCESS);
    assert_int_equal(clock_now(&clock), 0);
    clock_account_access(&clock);
    clock_account_access(&clock);
    assert_int_equal(clock_now(&clock), 2 * CLOCK_ACCESS_STEP_NS);
    clock_init(&clock, CLOCK_MODE_HOST);
    u64 before = clock_now(&clock);
    clock_account_access(&clock);
    assert_true(clock_now(&clock) - before < NS_PER_S);
}

/* A recent time stands still until the pulse or 32 looks later, and never lies before a time that was told. */
static void recent_time_is_as_old_as_the_pulse(void **state)
{
    struct clock clock;
    u32 pulse = 7;
    (void)state;
    clock_init(&clock, CLOCK_MODE_HOST);
    clock.pulse = &pulse;
    u64 first = clock_recent(&clock);
    assert_true(clock_recent(&clock) == first);
    u64 told = clock_now(&clock);
    assert_true(told > first);
    assert_true(clock_recent(&clock) == told);
    pulse++;
    u64 second = clock_recent(&clock);
    assert_true(second > told);
    for (u32 i = 0; i < 31; i++)
        assert_true(clock_recent(&clock) == second);
    u32 looks = 1;
    while (clock_recent(&clock) == second)
        looks++;
    assert_true(looks <= 2);
    clock.pulse = NULL;
    u64 now = clock_recent(&clock);
    while (clock_recent(&clock) == now) /* the host's clock may be a coarse one */
        looks++;
}

static u64 host_ns(const struct clock *clock)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (u64)ts.tv_sec * NS_PER_S + (u64)ts.tv_nsec - clock->origin_ns;
}

/* Looks at the clock for `ns`: it never goes back, and shows the host's time but for `tolerance_ns`. */
static void follow_host(struct clock *clock, u64 ns, u64 tolerance_ns)
{
    u64 last = clock_now(clock), end = host_ns(clock) + ns, before;
    do {
        before = host_ns(clock);
        u64 now = clock_now(clock);
        assert_true(now >= last);
        assert_true(now + tolerance_ns >= before);
        assert_true(now <= host_ns(clock) + tolerance_ns);
        last = now;
    } while (before < end);
}

#define TOLERANCE_NS (50 * NS_PER_US)

static void host_time_follows_the_hosts_clock(void **state)
{
    (void)state;
    struct clock clock;
    clock_init(&clock, CLOCK_MODE_HOST);
    follow_host(&clock, 30 * NS_PER_MS, TOLERANCE_NS);
    assert_true(!clock.tsc.usable || clock.tsc.span > 0); /* it was in use */
    clock_init(&clock, CLOCK_MODE_HOST);
    clock.tsc.usable = false;
    follow_host(&clock, 5 * NS_PER_MS, 0);
}

/* After a jump, and with a rate that is wrong: for no longer than the counter is trusted. */
static void host_time_survives_a_bad_counter(void **state)
{
    (void)state;
    struct clock clock;
    clock_init(&clock, CLOCK_MODE_HOST);
    if (!clock.tsc.usable)
        skip();
    follow_host(&clock, 5 * NS_PER_MS, TOLERANCE_NS);
    u64 anchor = clock.tsc.anchor, first = clock.tsc.first;
    clock.tsc.anchor = anchor + (1ull << 42); /* as if the counter had gone back */
    clock.tsc.first = first + (1ull << 42);
    follow_host(&clock, 20 * NS_PER_MS, 2 * NS_PER_MS);
    follow_host(&clock, 5 * NS_PER_MS, TOLERANCE_NS);
    clock.tsc.anchor -= 1ull << 42; /* ahead */
    clock.tsc.first -= 1ull << 42;
    follow_host(&clock, 20 * NS_PER_MS, 2 * NS_PER_MS);
    follow_host(&clock, 5 * NS_PER_MS, TOLERANCE_NS);
    assert_true(clock.tsc.span > 0);
    for (int i = 1; i <= 2; i++) {
        clock_init(&clock, CLOCK_MODE_HOST);
        follow_host(&clock, 5 * NS_PER_MS, TOLERANCE_NS);
        clock.tsc.ns_per_tick = i == 1 ? clock.tsc.ns_per_tick * 2 : clock.tsc.ns_per_tick / 2;
        follow_host(&clock, 20 * NS_PER_MS, 2 * NS_PER_MS);
        follow_host(&clock, 5 * NS_PER_MS, TOLERANCE_NS);
    }
}

static void held_time_stands_still(void **state)
{
    (void)state;
    struct clock clock;
    clock_init(&clock, CLOCK_MODE_HOST);
    for (u32 usable = 0; usable < 2; usable++) {
        clock.tsc.usable &= usable;
        u64 before = clock_now(&clock);
        clock_hold(&clock, before + 5);
        for (u32 i = 0; i < 1000; i++)
            assert_int_equal(clock_now(&clock), before + 5);
        clock_release(&clock);
        u64 after = clock_now(&clock);
        assert_true(after > before + 5); /* a thousand looks took more than that */
        assert_true(clock_now(&clock) >= after);
    }
}

static void stopped_time_goes_on_where_it_was(void **state)
{
    (void)state;
    struct clock clock;
    for (u32 usable = 0; usable < 2; usable++) {
        clock_init(&clock, CLOCK_MODE_HOST);
        clock.tsc.usable &= usable;
        u64 age = clock_host_age_ns(&clock);
        clock_stop(&clock);
        u64 at = clock_now(&clock);
        while (clock_host_age_ns(&clock) < age + 20 * NS_PER_MS)
            assert_int_equal(clock_now(&clock), at);
        clock_go_on(&clock);
        u64 now = clock_now(&clock);
        assert_true(now >= at);
        assert_true(now + 20 * NS_PER_MS <= clock_host_age_ns(&clock)); /* it is behind the host by that */
        while (clock_now(&clock) == now)
            ;
    }
    clock_init(&clock, CLOCK_MODE_ACCESS);
    clock_stop(&clock);
    clock_account_access(&clock);
    clock_go_on(&clock);
    assert_int_equal(clock_now(&clock), CLOCK_ACCESS_STEP_NS);
}

/* --- memory --- */

static void memory_views_agree_and_a20_wraps(void **state)
{
    (void)state;
    struct memory mem;
    assert_int_equal(memory_init(&mem, 4 * MIB), 0);
    memset(mem.plain, 0x11, 64);
    memset(mem.plain + MIB, 0x22, 64);
    memset(mem.plain + 3 * MIB, 0x33, 64);
    assert_int_equal(mem.view[MIB], 0x22);
    u32 generation = mem.generation;
    memory_set_a20(&mem, false);
    assert_int_not_equal(mem.generation, generation);
    assert_int_equal(mem.view[MIB], 0x11);
    assert_int_equal(mem.view[3 * MIB], mem.plain[2 * MIB]);
    mem.view[MIB + 5] = 0x44; /* a wrapped store lands low */
    assert_int_equal(mem.plain[5], 0x44);
    assert_int_equal(mem.plain[MIB], 0x22); /* DMA is not gated */
    memory_set_a20(&mem, true);
    assert_int_equal(mem.view[MIB], 0x22);
    assert_int_equal(mem.view[MIB + 5], 0x22);
    assert_int_equal(memory_kind(&mem, 0xa0000), PAGE_DEVICE);
    assert_int_equal(memory_kind(&mem, 0xc0000), PAGE_RAM);
    assert_int_equal(memory_kind(&mem, 4 * MIB), PAGE_NONE);
    memory_fini(&mem);
}

/* The kernel says EFAULT where a processor would fault. */
static bool is_writable(u8 *at)
{
    int fds[2];
    u8 byte = 0x22;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], &byte, 1), 1);
    ssize_t n = read(fds[0], at, 1);
    close(fds[0]);
    close(fds[1]);
    return n == 1;
}

static void open_window_is_memory_of_its_own(void **state)
{
    (void)state;
    enum { FIRST = 0xb8000, BYTES = 32 * KIB, LAST = FIRST + BYTES - 1 };
    struct memory mem;
    struct memory_slot slot[4];
    assert_int_equal(memory_init(&mem, 2 * MIB), 0);
    memset(mem.plain + FIRST, 0x11, BYTES);
    mem.window[FIRST - MEMORY_WINDOW_FIRST] = 0x22;
    memory_guard(&mem, FIRST + PAGE_BYTES); /* there was code once */
    for (u32 times = 0; times < 2; times++) {
        u32 generation = mem.generation;
        assert_false(is_writable(mem.view + FIRST) || is_writable(mem.guarded + LAST));
        assert_int_equal(memory_open_window(&mem, FIRST, BYTES), 0);
        assert_int_not_equal(mem.generation, generation);
        assert_int_equal(memory_kind(&mem, FIRST - 1), PAGE_DEVICE);
        assert_int_equal(memory_kind(&mem, FIRST), PAGE_RAM);
        assert_int_equal(memory_kind(&mem, LAST), PAGE_RAM);
        assert_int_equal(mem.view[FIRST], 0x22);
        mem.guarded[LAST] = (u8)(0x33 + times);
        assert_int_equal(mem.view[LAST], 0x33 + times);
        assert_int_equal(mem.window[LAST - MEMORY_WINDOW_FIRST], 0x33 + times);
        assert_int_equal(mem.plain[LAST], 0x11); /* not the RAM that lies below it */
        assert_false(is_writable(mem.view + FIRST - 1) || is_writable(mem.guarded + FIRST + PAGE_BYTES));
        assert_true(is_writable(mem.guarded + FIRST + 1) && is_writable(mem.view + FIRST + PAGE_BYTES));
        generation = mem.generation;
        memory_close_window(&mem, FIRST, BYTES);
        assert_int_not_equal(mem.generation, generation);
        assert_int_equal(memory_kind(&mem, LAST), PAGE_DEVICE);
        assert_false(is_writable(mem.view + LAST) || is_writable(mem.guarded + FIRST));
        for (u32 i = memory_slots(&mem, slot); i-- > 0;)
            assert_true(slot[i].first > LAST || slot[i].first + slot[i].bytes <= MEMORY_WINDOW_FIRST);
    }
    memory_fini(&mem);
}

static void memory_accessors_refuse_what_is_outside(void **state)
{
    (void)state;
    struct memory mem;
    u8 buf[16] = {1, 2, 3};
    assert_int_equal(memory_init(&mem, 2 * MIB), 0);
    assert_true(memory_write(&mem, 2 * MIB - 16, buf, 16));
    assert_false(memory_write(&mem, 2 * MIB - 15, buf, 16));
    assert_false(memory_read(&mem, UINT64_MAX - 3, buf, 16));
    assert_true(memory_read(&mem, 2 * MIB, buf, 0));
    memory_fini(&mem);
}

static void firmware_appears_low_and_high(void **state)
{
    (void)state;
    struct memory mem;
    u8 *image = malloc(256 * KIB);
    for (u32 i = 0; i < 256 * KIB; i++)
        image[i] = (u8)(i >> 10);
    assert_int_equal(memory_init(&mem, 2 * MIB), 0);
    assert_int_equal(memory_load_bios(&mem, image, 100), -EINVAL);
    assert_int_equal(memory_load_bios(&mem, image, 256 * KIB), 0);
    assert_memory_equal(mem.plain + 0xe0000, image + 128 * KIB, 128 * KIB);
    assert_memory_equal(mem.view + 0xfffc0000u, image, 256 * KIB);
    assert_int_equal(memory_kind(&mem, 0xfffffff0u), PAGE_ROM);
    struct memory_slot slot[4];
    assert_int_equal(memory_slots(&mem, slot), 3);
    assert_true(slot[2].readonly && slot[2].first == 0xfffc0000u);
    memory_fini(&mem);
    free(image);
}

struct announced {
    struct memory *mem;
    u32 calls;
    bool a20;
    u8 byte;
};

static void before_bus_access(void *opaque)
{
    struct announced *a = opaque;
    a->calls++;
    a->a20 = a->mem->a20;
    a->byte = a->mem->plain[0x1000];
}

static void bus_accesses_are_announced_before_they_are_made(void **state)
{
    (void)state;
    struct memory mem;
    struct announced a = {.mem = &mem};
    u8 byte = 7;
    assert_int_equal(memory_init(&mem, 4 * MIB), 0);
    mem.before_bus_access = before_bus_access;
    mem.before_bus_access_opaque = &a;
    assert_true(memory_write(&mem, 0x1000, &byte, 1));
    assert_true(a.calls == 1 && a.byte == 0);
    assert_true(memory_read(&mem, 0x1000, &byte, 1));
    assert_true(a.calls == 2 && a.byte == 7);
    memory_set_a20(&mem, false);
    assert_true(a.calls == 3 && a.a20);
    memory_set_a20(&mem, false);
    assert_false(memory_write(&mem, 4 * MIB, &byte, 1));
    assert_int_equal(a.calls, 3);
    memory_fini(&mem);
}

static void shadow_keeps_its_stores_until_dropped(void **state)
{
    (void)state;
    struct memory mem;
    struct memory_shadow shadow;
    u8 *bios = calloc(1, 128 * KIB);
    bios[128 * KIB - 16] = 0xea;
    assert_int_equal(memory_init(&mem, 4 * MIB), 0);
    assert_int_equal(memory_load_bios(&mem, bios, 128 * KIB), 0);
    assert_int_equal(memory_shadow_init(&shadow, &mem), 0);
    mem.view[0x5000] = 1;
    assert_int_equal(shadow.view[0x5000], 1);
    assert_int_equal(shadow.view[0xffff0], 0xea);
    assert_int_equal(shadow.view[0xfffffff0], 0xea);
    shadow.view[0x5001] = 2;
    mem.view[0x5002] = 3;
    assert_memory_equal(mem.view + 0x5000, "\1\0\3", 3);
    assert_memory_equal(shadow.view + 0x5000, "\1\2\0", 3);
    memory_shadow_drop(&shadow, 0x5000);
    assert_memory_equal(shadow.view + 0x5000, "\1\0\3", 3);
    memory_shadow_fini(&shadow);
    memory_fini(&mem);
    free(bios);
}

static void shadow_follows_open_windows(void **state)
{
    (void)state;
    enum { TEXT = 0xb8000, TEXT_BYTES = 0x8000 };
    struct memory mem;
    struct memory_shadow shadow;
    assert_int_equal(memory_init(&mem, 4 * MIB), 0);
    assert_int_equal(memory_shadow_init(&shadow, &mem), 0);
    assert_int_equal(memory_open_window(&mem, TEXT, TEXT_BYTES), 0);
    memory_shadow_follow(&shadow);
    mem.view[TEXT] = 1;
    assert_int_equal(shadow.view[TEXT], 1);
    shadow.view[TEXT] = 2;
    assert_int_equal(mem.view[TEXT], 1);
    memory_shadow_drop(&shadow, TEXT);
    assert_int_equal(shadow.view[TEXT], 1);
    memory_close_window(&mem, TEXT, TEXT_BYTES);
    memory_shadow_follow(&shadow);
    char byte;
    struct iovec here = {&byte, 1}, there = {shadow.view + TEXT, 1};
    assert_int_equal(process_vm_readv(getpid(), &here, 1, &there, 1, 0), -1); /* as a device window is */
    memory_shadow_fini(&shadow);
    memory_fini(&mem);
}

static void shadow_follows_a20(void **state)
{
    (void)state;
    struct memory mem;
    struct memory_shadow shadow;
    assert_int_equal(memory_init(&mem, 4 * MIB), 0);
    memory_set_a20(&mem, false);
    assert_int_equal(memory_shadow_init(&shadow, &mem), 0);
    mem.plain[0x5000] = 1;
    mem.plain[3 * MIB + 0x5000] = 3;
    assert_int_equal(shadow.view[MIB + 0x5000], 1);
    assert_int_equal(shadow.view[3 * MIB + 0x5000], 0);
    memory_set_a20(&mem, true);
    memory_shadow_follow(&shadow);
    assert_int_equal(shadow.view[0x5000], 1);
    assert_int_equal(shadow.view[MIB + 0x5000], 0);
    assert_int_equal(shadow.view[3 * MIB + 0x5000], 3);
    memory_set_a20(&mem, false);
    memory_shadow_follow(&shadow);
    assert_int_equal(shadow.view[MIB + 0x5000], 1);
    memory_shadow_fini(&shadow);
    memory_fini(&mem);
}

/* --- stream --- */

static void stream_hash_depends_on_every_record(void **state)
{
    (void)state;
    static struct trace a, b, c;
    int fd = memfd_create("trace", 0);
    trace_init(&a, fd);
    trace_init(&b, -1);
    trace_init(&c, -1);
    for (u32 i = 0; i < 3 * TRACE_CHUNK / 2; i++) {
        trace_add(&a, ACCESS_PORT_OUT, 0x3c4, 1, i & 0xff);
        trace_add(&b, ACCESS_PORT_OUT, 0x3c4, 1, i & 0xff);
        trace_add(&c, ACCESS_PORT_OUT, 0x3c4, 1, (i & 0xff) ^ (i == TRACE_CHUNK + 1));
    }
    u64 hash = trace_finish(&a);
    assert_true(hash == trace_finish(&b));
    assert_true(hash != trace_finish(&c));
    assert_int_equal(a.count, 3 * TRACE_CHUNK / 2);
    assert_int_equal(lseek(fd, 0, SEEK_END), (off_t)(3 * TRACE_CHUNK / 2 * sizeof(struct access)));
    struct access last;
    assert_int_equal(pread(fd, &last, sizeof last, (3 * TRACE_CHUNK / 2 - 1) * sizeof last), sizeof last);
    assert_true(last.addr == 0x3c4 && last.value == ((3 * TRACE_CHUNK / 2 - 1) & 0xff) && last.size == 1 &&
                last.kind == ACCESS_PORT_OUT);
    close(fd);
}

static void stream_that_is_off_stays_empty(void **state)
{
    (void)state;
    static struct trace trace;
    trace_init(&trace, -1);
    trace.off = true;
    for (u32 i = 0; i < 2 * TRACE_CHUNK; i++)
        trace_add(&trace, ACCESS_PORT_IN, 0x60, 1, 0);
    trace_finish(&trace);
    assert_int_equal(trace.count, 0);
}

/* The account of a run is that of its accesses, and as long as there is room nothing is due. */
static void run_is_accounted_like_its_accesses(void **state)
{
    (void)state;
    enum { COUNT = 3 * TRACE_CHUNK / 4 };
    static u32 values[COUNT];
    struct machine *m[2] = {calloc(1, sizeof *m[0]), calloc(1, sizeof *m[1])};
    struct machine_run run = {.count = COUNT,
                              .size = 2,
                              .reads = true,
                              .writes = true,
                              .distance = -2,
                              .from = 0xa1000,
                              .to = 0xa3000,
                              .values = values};
    for (int e = 0; e < 2; e++) {
        clock_init(&m[e]->clock, CLOCK_MODE_ACCESS);
        trace_init(&m[e]->trace, -1);
    }
    for (u32 i = 0; i < COUNT; i++) {
        values[i] = i * 77 & 0xffff;
        machine_account(m[0], ACCESS_MMIO_READ, run.from - 2 * i, 2, values[i]);
        machine_account(m[0], ACCESS_MMIO_WRITE, run.to - 2 * i, 2, values[i]);
    }
    assert_true(machine_run_room(m[1], 2) >= COUNT);
    machine_account_run(m[1], &run);
    assert_int_equal(m[0]->accesses, m[1]->accesses);
    assert_int_equal(clock_now(&m[0]->clock), clock_now(&m[1]->clock));
    assert_true(trace_finish(&m[0]->trace) == trace_finish(&m[1]->trace));
    m[1]->clock.next_deadline_ns = clock_now(&m[1]->clock) + 10 * CLOCK_ACCESS_STEP_NS;
    assert_int_equal(machine_run_room(m[1], 1), 9);
    assert_int_equal(machine_run_room(m[1], 2), 4);
    m[1]->clock.next_deadline_ns = clock_now(&m[1]->clock);
    assert_int_equal(machine_run_room(m[1], 1), 0);
    free(m[0]);
    free(m[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bus_splits_into_what_the_device_takes),
        cmocka_unit_test(unclaimed_ports_read_ones_and_are_told_once),
        cmocka_unit_test(events_fire_in_order_and_may_arm_themselves),
        cmocka_unit_test(access_time_moves_by_accesses_only),
        cmocka_unit_test(host_time_follows_the_hosts_clock),
        cmocka_unit_test(host_time_survives_a_bad_counter),
        cmocka_unit_test(held_time_stands_still),
        cmocka_unit_test(stopped_time_goes_on_where_it_was),
        cmocka_unit_test(memory_views_agree_and_a20_wraps),
        cmocka_unit_test(bus_accesses_are_announced_before_they_are_made),
        cmocka_unit_test(shadow_keeps_its_stores_until_dropped),
        cmocka_unit_test(shadow_follows_open_windows),
        cmocka_unit_test(shadow_follows_a20),
        cmocka_unit_test(open_window_is_memory_of_its_own),
        cmocka_unit_test(memory_accessors_refuse_what_is_outside),
        cmocka_unit_test(firmware_appears_low_and_high),
        cmocka_unit_test(stream_hash_depends_on_every_record),
        cmocka_unit_test(stream_that_is_off_stays_empty),
        cmocka_unit_test(run_is_accounted_like_its_accesses),
        cmocka_unit_test(recent_time_is_as_old_as_the_pulse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
