/* The PS/2 mouse at the end of its cable. */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/mouse.h"

#include <limits.h>
#include <stdio.h>

static struct mouse new_mouse(void)
{
    struct mouse m = {0};
    mouse_reset(&m);
    return m;
}

static const char *sent(struct mouse *m, char *buf)
{
    u8 value;
    bool reply;
    char *p = buf;
    *p = 0;
    while (mouse_send(m, &value, &reply))
        p += sprintf(p, "%s%02x", p == buf ? "" : " ", value);
    return buf;
}

static const char *command(struct mouse *m, u8 value, char *buf)
{
    mouse_receive(m, value);
    return sent(m, buf);
}

static const char *sample(struct mouse *m, char *buf)
{
    mouse_sample(m);
    return sent(m, buf);
}

static void set_rate(struct mouse *m, u8 rate)
{
    char buf[100];
    assert_string_equal(command(m, 0xf3, buf), "fa");
    assert_string_equal(command(m, rate, buf), "fa");
}

static void commands_are_answered(void **state)
{
    (void)state;
    char buf[100];
    struct mouse m = new_mouse();
    assert_string_equal(command(&m, 0xff, buf), "fa aa 00");
    assert_string_equal(command(&m, 0xf2, buf), "fa 00");
    assert_string_equal(command(&m, 0xe9, buf), "fa 00 02 64");
    assert_string_equal(command(&m, 0xe8, buf), "fa");
    assert_string_equal(command(&m, 0x03, buf), "fa");
    assert_string_equal(command(&m, 0xe7, buf), "fa");
    assert_string_equal(command(&m, 0xf4, buf), "fa");
    mouse_move(&m, 0, 0, 0, MOUSE_LEFT | MOUSE_RIGHT);
    assert_string_equal(command(&m, 0xe9, buf), "fa 35 03 64");
    assert_string_equal(command(&m, 0xf0, buf), "fa");
    mouse_move(&m, 0, 0, 0, MOUSE_MIDDLE);
    assert_string_equal(command(&m, 0xe9, buf), "fa 72 03 64");
    assert_string_equal(command(&m, 0xf6, buf), "fa");
    assert_string_equal(command(&m, 0xe9, buf), "fa 02 02 64");
    assert_string_equal(command(&m, 0xfe, buf), "64");
    assert_string_equal(command(&m, 0x01, buf), "fe");
    set_rate(&m, 40);
    assert_int_equal(mouse_period_ns(&m), NS_PER_S / 40);
}

static void wrong_arguments(void **state)
{
    (void)state;
    char buf[100];
    struct mouse m = new_mouse();
    (void)command(&m, 0xf3, buf);
    assert_string_equal(command(&m, 33, buf), "fe");
    assert_string_equal(command(&m, 34, buf), "fc"); /* the second ends the command */
    assert_string_equal(command(&m, 40, buf), "fe");
    (void)command(&m, 0xe8, buf);
    assert_string_equal(command(&m, 4, buf), "fe");
    assert_string_equal(command(&m, 1, buf), "fa");
    assert_int_equal(m.resolution, 1);
}

static void stream_reports(void **state)
{
    (void)state;
    char buf[100];
    struct mouse m = new_mouse();
    mouse_move(&m, 5, 5, 0, 0);
    assert_false(mouse_wants_sample(&m)); /* reporting is off */
    (void)command(&m, 0xf4, buf);         /* and starts from zero */
    assert_false(mouse_wants_sample(&m));
    mouse_move(&m, 5, 3, 0, MOUSE_LEFT);
    assert_true(mouse_wants_sample(&m));
    assert_string_equal(sample(&m, buf), "29 05 fd"); /* down is negative */
    assert_false(mouse_wants_sample(&m));
    mouse_move(&m, -1, -2, 0, MOUSE_RIGHT);
    assert_string_equal(sample(&m, buf), "1a ff 02");
    mouse_move(&m, 0, 0, 0, MOUSE_MIDDLE);
    assert_string_equal(sample(&m, buf), "0c 00 00");
    mouse_move(&m, 0, 0, 1, MOUSE_MIDDLE);
    assert_false(mouse_wants_sample(&m)); /* a standard mouse has no wheel */
}

static void far_movement_takes_several_packets(void **state)
{
    (void)state;
    char buf[100];
    struct mouse m = new_mouse();
    (void)command(&m, 0xf4, buf);
    mouse_move(&m, 300, 300, 0, 0);
    assert_string_equal(sample(&m, buf), "28 ff 00"); /* 255, -256 */
    assert_string_equal(sample(&m, buf), "28 2d d4");
    assert_false(mouse_wants_sample(&m));
    for (unsigned i = 0; i < 100; i++)
        mouse_move(&m, INT_MAX, INT_MIN + 1, INT_MAX, 0);
    assert_true(mouse_wants_sample(&m));
}

static void resolution_and_scaling(void **state)
{
    (void)state;
    char buf[100];
    struct mouse m = new_mouse();
    (void)command(&m, 0xf4, buf);
    (void)command(&m, 0xe8, buf);
    (void)command(&m, 3, buf);
    mouse_move(&m, 2, 0, 0, 0);
    assert_string_equal(sample(&m, buf), "08 04 00"); /* twice as fine */
    (void)command(&m, 0xe8, buf);
    (void)command(&m, 0, buf);
    mouse_move(&m, 3, 0, 0, 0);
    assert_false(mouse_wants_sample(&m));
    mouse_move(&m, 2, 0, 0, 0); /* what is left adds up: 5/4 */
    assert_string_equal(sample(&m, buf), "08 01 00");
    (void)command(&m, 0xf6, buf);
    (void)command(&m, 0xf4, buf);
    (void)command(&m, 0xe7, buf);
    static const struct {
        int in;
        const char *out;
    } scaled[] = {{1, "08 01 00"}, {2, "08 01 00"}, {3, "08 03 00"}, {4, "08 06 00"},
                  {5, "08 09 00"}, {6, "08 0c 00"}, {-4, "18 fa 00"}};
    for (size_t i = 0; i < ARRAY_LEN(scaled); i++) {
        mouse_move(&m, scaled[i].in, 0, 0, 0);
        assert_string_equal(sample(&m, buf), scaled[i].out);
    }
    mouse_move(&m, 4, 0, 0, 0);
    assert_string_equal(command(&m, 0xeb, buf), "fa 08 04 00"); /* read data does not scale */
}

static void remote_and_wrap(void **state)
{
    (void)state;
    char buf[100];
    struct mouse m = new_mouse();
    (void)command(&m, 0xf4, buf);
    (void)command(&m, 0xf0, buf);
    mouse_move(&m, 1, 0, 0, 0);
    assert_false(mouse_wants_sample(&m));
    assert_string_equal(command(&m, 0xeb, buf), "fa 08 01 00");
    assert_string_equal(command(&m, 0xea, buf), "fa");
    mouse_move(&m, 1, 0, 0, 0);
    assert_true(mouse_wants_sample(&m));
    assert_string_equal(command(&m, 0xee, buf), "fa");
    assert_string_equal(command(&m, 0xf2, buf), "f2");
    assert_string_equal(command(&m, 0x12, buf), "12");
    assert_string_equal(command(&m, 0xec, buf), "fa");
    assert_string_equal(command(&m, 0xf2, buf), "fa 00");
    (void)command(&m, 0xee, buf);
    assert_string_equal(command(&m, 0xff, buf), "fa aa 00");
}

static void wheel_appears_after_the_knock(void **state)
{
    (void)state;
    char buf[100];
    struct mouse m = new_mouse();
    set_rate(&m, 200);
    set_rate(&m, 200);
    set_rate(&m, 80);
    assert_string_equal(command(&m, 0xf2, buf), "fa 00");
    set_rate(&m, 200);
    set_rate(&m, 100);
    set_rate(&m, 60); /* starts over */
    set_rate(&m, 80);
    assert_string_equal(command(&m, 0xf2, buf), "fa 00");
    set_rate(&m, 200);
    set_rate(&m, 200); /* counts as a first */
    set_rate(&m, 100);
    set_rate(&m, 80);
    assert_string_equal(command(&m, 0xf2, buf), "fa 03");
    (void)command(&m, 0xf4, buf);
    mouse_move(&m, 0, 0, -1, 0);
    assert_string_equal(sample(&m, buf), "08 00 00 ff");
    mouse_move(&m, 0, 0, 10, 0);
    assert_string_equal(sample(&m, buf), "08 00 00 07");
    assert_string_equal(sample(&m, buf), "08 00 00 03");
    (void)command(&m, 0xff, buf);
    assert_string_equal(command(&m, 0xf2, buf), "fa 00");
}

static void replies_push_out_reports(void **state)
{
    (void)state;
    char buf[100];
    struct mouse m = new_mouse();
    (void)command(&m, 0xf4, buf);
    mouse_move(&m, 1, 0, 0, 0);
    mouse_sample(&m);
    assert_string_equal(command(&m, 0xf2, buf), "fa 00");
    for (unsigned i = 0; i < 100; i++)
        mouse_receive(&m, 0xe9); /* nobody reads: bounded */
    assert_int_equal(m.queued, MOUSE_QUEUE_BYTES);
}

int mouse_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_are_answered),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(stream_reports),
        cmocka_unit_test(far_movement_takes_several_packets),
        cmocka_unit_test(resolution_and_scaling),
        cmocka_unit_test(remote_and_wrap),
        cmocka_unit_test(wheel_appears_after_the_knock),
        cmocka_unit_test(replies_push_out_reports),
    };
    return cmocka_run_group_tests_name("mouse", tests, NULL, NULL);
}
