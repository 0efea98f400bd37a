/* Input status 1 over whole frames, the count of frames, and the interrupt. Expected numbers are those of the
 * modes' published timings, not of the code. */
#include "vga_tests.h"

enum { DISPLAY_DISABLED = 0x01, V_RETRACE = 0x08 };
#define STEP_NS 100

struct frame_timing {
    u64 frame_ns; /* from one retrace's start to the next */
    u64 retrace_ns;
    u64 active_line_ns; /* of one line in the middle of the picture */
    u64 line_ns;        /* between the starts of two active lines */
    u32 active_lines;
};

static u8 step(struct rig *rig)
{
    rig_advance(rig, STEP_NS);
    return in8(rig, 0x3da);
}

static u64 now(struct rig *rig)
{
    return clock_now(&rig->machine->clock);
}

static void wait_retrace_start(struct rig *rig)
{
    while (step(rig) & V_RETRACE)
        ;
    while (!(step(rig) & V_RETRACE))
        ;
}

/* Measures as a program would: by polling. */
static struct frame_timing measure(struct rig *rig)
{
    struct frame_timing t = {0};
    u64 line_start = 0;
    wait_retrace_start(rig);
    u64 start = now(rig);
    u8 last = DISPLAY_DISABLED | V_RETRACE;
    for (;;) {
        u8 status = step(rig);
        if (!(status & V_RETRACE) && (last & V_RETRACE))
            t.retrace_ns = now(rig) - start;
        if ((status & V_RETRACE) && !(last & V_RETRACE))
            break;
        if (!(status & DISPLAY_DISABLED) && (last & DISPLAY_DISABLED)) {
            if (line_start)
                t.line_ns = now(rig) - line_start;
            line_start = now(rig);
            t.active_lines++;
        }
        if ((status & DISPLAY_DISABLED) && !(last & DISPLAY_DISABLED))
            t.active_line_ns = now(rig) - line_start;
        last = status;
    }
    t.frame_ns = now(rig) - start;
    return t;
}

static void assert_near(u64 value, u64 expected)
{
    assert_in_range(value, expected - 2 * STEP_NS, expected + 2 * STEP_NS);
}

/* 28.322 MHz, 900 dots, 449 lines: 70.087 Hz, 31.469 kHz. */
static void mode_3_timing(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    struct frame_timing t = measure(rig);
    assert_near(t.frame_ns, 14268060);
    assert_near(t.line_ns, 31777);
    assert_near(t.active_line_ns, 25422); /* 720 dots */
    assert_near(t.retrace_ns, 2 * 31777);
    assert_int_equal(t.active_lines, 400);
}

/* 25.175 MHz, 800 dots, 525 lines: 59.94 Hz. */
static void mode_12h_timing(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    struct frame_timing t = measure(rig);
    assert_near(t.frame_ns, 16683217);
    assert_near(t.line_ns, 31778);
    assert_near(t.active_line_ns, 25422);
    assert_near(t.retrace_ns, 2 * 31778);
    assert_int_equal(t.active_lines, 480);
}

/* 25.175 MHz, 800 dots, 449 lines: 70.086 Hz. */
static void mode_13h_timing(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x13);
    struct frame_timing t = measure(rig);
    assert_near(t.frame_ns, 14268123);
    assert_near(t.line_ns, 31778);
    assert_int_equal(t.active_lines, 400);
}

/* Half the dot clock, half the characters: the same lines. */
static void mode_0dh_timing(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x0d);
    struct frame_timing t = measure(rig);
    assert_near(t.frame_ns, 14268123);
    assert_near(t.active_line_ns, 25422);
    assert_int_equal(t.active_lines, 400);
}

static void sync_disabled_has_no_retrace(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    crtc_out(rig, 0x17, 0x23);
    for (u32 i = 0; i < 20000; i++) {
        rig_advance(rig, 1000);
        assert_int_equal(in8(rig, 0x3da) & V_RETRACE, 0);
    }
}

static void frames_are_counted(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 0x12);
    u64 first = vga_frame_count(rig->vga);
    rig_advance(rig, 1000 * NS_PER_S);
    assert_in_range(vga_frame_count(rig->vga) - first, 59940, 59941);
    /* The count steps exactly when vga_next_frame_ns said. */
    for (u32 i = 0; i < 200; i++) {
        u64 before = vga_frame_count(rig->vga);
        u64 next = vga_next_frame_ns(rig->vga);
        assert_true(next > now(rig));
        rig_advance(rig, next - now(rig) - 1);
        assert_int_equal(vga_frame_count(rig->vga), before);
        assert_int_equal(in8(rig, 0x3da) & V_RETRACE, 0);
        rig_advance(rig, 1);
        assert_int_equal(vga_frame_count(rig->vga), before + 1);
        assert_int_equal(in8(rig, 0x3da) & V_RETRACE, V_RETRACE);
    }
}

/* Mode changes at any moment: the count never goes back and never jumps. */
static void frames_are_counted_over_mode_changes(void **state)
{
    struct rig *rig = *state;
    static const u8 modes[] = {3, 0x13, 0x12, 0x10, 4, 0x0d, 7};
    u64 before = vga_frame_count(rig->vga);
    for (u32 i = 0; i < 500; i++) {
        set_mode(rig, modes[i % ARRAY_LEN(modes)]);
        u64 count = vga_frame_count(rig->vga);
        assert_in_range(count - before, 0,
                        3); /* a few microseconds of nonsense timing may end a frame early */
        rig_advance(rig, 1234567);
        u64 later = vga_frame_count(rig->vga);
        assert_in_range(later - count, 0, 1);
        before = later;
    }
}

/* Asking often and asking once gives the same beam: looking does not disturb the clock. */
static void looking_does_not_move_the_beam(void **state)
{
    struct rig *rig = *state;
    set_mode(rig, 3);
    struct vga_timing often = rig->vga->timing, once = rig->vga->timing;
    u64 t = now(rig);
    for (u32 i = 0; i < 100000; i++)
        vga_timing_beam(&often, t += 91234567);
    struct vga_beam a = vga_timing_beam(&often, t), b = vga_timing_beam(&once, t);
    assert_int_equal(a.frame, b.frame);
    assert_int_equal(a.line, b.line);
    assert_int_equal(a.dot, b.dot);
}

struct pin {
    bool level;
    u32 rises;
};

static void pin_set(void *opaque, u8 n, bool level)
{
    struct pin *pin = opaque;
    assert_int_equal(n, 9);
    pin->rises += level && !pin->level;
    pin->level = level;
}

static void retrace_interrupt(void **state)
{
    struct rig *rig = *state;
    struct pin pin = {0};
    rig->machine->irq[9] = (struct irq_line){.set = pin_set, .opaque = &pin, .n = 9};
    set_mode(rig, 3);
    assert_false(rig->vga->interrupt_event.armed); /* 8Eh holds the latch clear */
    rig_advance(rig, 50 * NS_PER_MS);
    assert_int_equal(in8(rig, 0x3c2) & 0x80, 0);
    crtc_out(rig, 0x11, 0x9e);
    u64 due = vga_next_frame_ns(rig->vga);
    rig_advance(rig, due - now(rig) - 1);
    assert_false(pin.level);
    assert_int_equal(in8(rig, 0x3c2) & 0x80, 0);
    rig_advance(rig, 1);
    assert_true(pin.level);
    assert_int_equal(in8(rig, 0x3c2) & 0x80, 0x80);
    rig_advance(rig, 100 * NS_PER_MS); /* stays until it is cleared */
    assert_int_equal(pin.rises, 1);
    crtc_out(rig, 0x11, 0x8e);
    assert_false(pin.level);
    crtc_out(rig, 0x11, 0x9e);
    assert_false(pin.level);
    rig_advance(rig, 15 * NS_PER_MS);
    assert_int_equal(pin.rises, 2);
    crtc_out(rig, 0x11, 0x8e);
    crtc_out(rig, 0x11, 0xbe); /* latch without the line */
    rig_advance(rig, 15 * NS_PER_MS);
    assert_int_equal(pin.rises, 2);
    assert_int_equal(in8(rig, 0x3c2) & 0x80, 0x80);
}

/* No register values can make the beam stand still or the counters divide by nothing. */
static void odd_timings_do_no_harm(void **state)
{
    struct rig *rig = *state;
    u32 seed = 12345;
    for (u32 i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        if (i % 64 == 0)
            crtc_out(rig, 0x11, 0);
        crtc_out(rig, seed >> 24 & 0x1f, (u8)(seed >> 8));
        seq_out(rig, 1, (u8)(seed >> 16));
        rig_advance(rig, seed >> 12);
        in8(rig, 0x3da);
        u64 next = vga_next_frame_ns(rig->vga);
        assert_true(next > now(rig));
        assert_true(next - now(rig) < NS_PER_S);
    }
}

/* What is kept between two polls must not outlive a register write, the line, or its active part. */
static void polls_show_the_beam(void **state)
{
    struct rig *rig = *state;
    struct vga *vga = rig->vga;
    u32 seed = 3, kept = 0;
    set_mode(rig, 0x13);
    for (u32 i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        u8 value = (u8)(seed >> 8);
        switch (seed >> 16 & 1023) {
        case 0:
            crtc_out(rig, 0x11, 0);
            crtc_out(rig, seed >> 26 & 0x1f, value);
            break;
        case 1:
            seq_out(rig, 1, value);
            break;
        case 2:
            attr_out(rig, 0x11, value);
            break;
        case 3:
            attr_out(rig, 0x12, value & 0x0f);
            break;
        case 4:
            out8(rig, 0x3c2, value | 1);
            break;
        case 5:
            set_mode(rig, value & 1 ? 0x13 : 0x03);
            break;
        }
        rig_advance(rig, seed >> 28 ? seed >> 26 & 1023 : seed >> 10 & 0xffff);
        kept += now(rig) < vga->status_until_ns;
        u8 status = in8(rig, vga->r.misc & 1 ? 0x3da : 0x3ba);
        struct vga_timing copy = vga->timing;
        struct vga_beam beam = vga_timing_beam(&copy, now(rig));
        assert_int_equal(status & 1, !vga_timing_displaying(&copy, &beam));
        assert_int_equal(status >> 3 & 1, vga_timing_in_retrace(&copy, &beam));
        assert_int_equal(status >> 4 & 3, (vga->r.attr[0x11] & 1) | (vga->r.attr[0x11] >> 1 & 2));
    }
    assert_true(kept > 100000);
}

static u32 next_random(u32 *seed)
{
    return *seed = *seed * 1664525 + 1013904223;
}

/* Reads the port up to the time that it was told for; at that time the retrace bit must change. */
static void assert_poll_told_right(struct rig *rig, u16 port, u32 *seed)
{
    struct bus_poll poll;
    u64 end = now(rig) + 20 * NS_PER_MS;
    in8(rig, port);
    assert_true(bus_poll(&rig->machine->bus, port, &poll));
    assert_int_equal(poll.n, 2);
    assert_true(poll.same_until_ns <= poll.until_ns && poll.until_ns > now(rig));
    while (now(rig) < poll.until_ns && now(rig) < end) {
        u8 status = in8(rig, port);
        assert_true(status == poll.value[0] || (status == poll.value[1] && now(rig) >= poll.same_until_ns));
        u64 step_ns = 1 + (next_random(seed) >> 8 & 0x3fff);
        rig_advance(rig, MIN(step_ns, poll.until_ns - now(rig)));
    }
    if (now(rig) == poll.until_ns)
        assert_int_equal((in8(rig, port) ^ poll.value[0]) & V_RETRACE, V_RETRACE);
}

static void what_polls_will_show_is_known(void **state)
{
    struct rig *rig = *state;
    static const u8 modes[] = {0x03, 0x12, 0x13, 0x0d, 0x07};
    u32 seed = 1, long_rests = 0;
    for (u32 i = 0; i < 1000; i++) {
        u8 mode = modes[next_random(&seed) >> 8 & 3];
        if (i % 16 == 0)
            set_mode(rig, mode);
        if (i % 4 == 0) /* odd timings, too */
            crtc_out(rig, next_random(&seed) >> 8 & 0x18, (u8)(next_random(&seed) >> 8));
        rig_advance(rig, next_random(&seed) >> 8);
        assert_poll_told_right(rig, 0x3da, &seed); /* mostly up to a retrace, */
        assert_poll_told_right(rig, 0x3da, &seed); /* and to its end */
        struct bus_poll poll;
        assert_true(bus_poll(&rig->machine->bus, 0x3da, &poll));
        long_rests += poll.same_until_ns > now(rig) + NS_PER_MS / 2;
    }
    assert_true(long_rests > 50); /* in the vertical blank */
}

static void polls_that_do_something_are_not_told(void **state)
{
    struct rig *rig = *state;
    struct bus_poll poll;
    set_mode(rig, 3);
    in8(rig, 0x3da);
    assert_true(bus_poll(&rig->machine->bus, 0x3da, &poll));
    out8(rig, 0x3c0, 0x31);
    assert_false(bus_poll(&rig->machine->bus, 0x3da, &poll)); /* a read resets the flip-flop */
    in8(rig, 0x3da);
    assert_true(bus_poll(&rig->machine->bus, 0x3da, &poll));
    attr_out(rig, 0x12, 0x1f);
    in8(rig, 0x3da);
    assert_false(bus_poll(&rig->machine->bus, 0x3da, &poll)); /* every dot shows */
    assert_true(bus_poll(&rig->machine->bus, 0x3ba, &poll));
    assert_true(poll.n == 1 && poll.value[0] == 0xff && poll.until_ns == BUS_POLL_EVENT);
    assert_false(bus_poll(&rig->machine->bus, 0x3c4, &poll));
    assert_false(bus_poll(&rig->machine->bus, 0x3e0, &poll));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(mode_3_timing, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_12h_timing, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_13h_timing, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(mode_0dh_timing, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(sync_disabled_has_no_retrace, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(frames_are_counted, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(frames_are_counted_over_mode_changes, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(looking_does_not_move_the_beam, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(polls_show_the_beam, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(what_polls_will_show_is_known, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(polls_that_do_something_are_not_told, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(retrace_interrupt, rig_setup, rig_teardown),
    cmocka_unit_test_setup_teardown(odd_timings_do_no_harm, rig_setup, rig_teardown),
};

int test_timing(void)
{
    return cmocka_run_group_tests_name("timing", tests, NULL, NULL);
}
