/* The 8042: commands, translation, interrupts, the order and pace of its output. */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/kbc.h"

enum { DATA = 0x60, STATUS = 0x64 };
enum { OBF = 0x01, SYSTEM = 0x04, COMMAND = 0x08, AUX = 0x20 };
#define SOON (10 * NS_PER_US)
#define BYTE (200 * NS_PER_US)

/* Interrupts on, translation on, both devices on. */
static struct rig *new_kbc(u8 command_byte)
{
    struct rig *rig = rig_new();
    rig_add(rig, &kbc_class);
    rig_out(rig, STATUS, 0x60);
    rig_out(rig, DATA, command_byte);
    return rig;
}

/* The byte that is there after a while, or -1. */
static int next_byte(struct rig *rig, u64 wait_ns)
{
    rig_advance(rig, wait_ns);
    if (!(rig_in(rig, STATUS) & OBF))
        return -1;
    return rig_in(rig, DATA);
}

static int answer(struct rig *rig, u8 command)
{
    rig_out(rig, STATUS, command);
    return next_byte(rig, SOON);
}

static void kbc_commands_are_answered(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    assert_int_equal(rig_in(rig, STATUS), 0x10);
    assert_int_equal(answer(rig, 0xaa), 0x55);
    assert_int_equal(rig_in(rig, STATUS), 0x10 | SYSTEM | COMMAND);
    assert_int_equal(answer(rig, 0x20), 0x47); /* the self-test set the system flag */
    assert_int_equal(answer(rig, 0xab), 0x00);
    assert_int_equal(answer(rig, 0xa9), 0x00);
    assert_int_equal(answer(rig, 0xa4), 0xf1);
    assert_int_equal(answer(rig, 0xc0), 0xb0);
    assert_int_equal(answer(rig, 0xad), -1);
    assert_int_equal(answer(rig, 0xa7), -1);
    assert_int_equal(answer(rig, 0x20), 0x77);
    assert_int_equal(answer(rig, 0xae), -1);
    assert_int_equal(answer(rig, 0xa8), -1);
    assert_int_equal(answer(rig, 0x20), 0x47);
    rig_out(rig, STATUS, 0x75);
    rig_out(rig, DATA, 0x99);
    assert_int_equal(rig_in(rig, STATUS) & COMMAND, 0);
    assert_int_equal(answer(rig, 0x35), 0x99);
    assert_int_equal(rig_in(rig, DATA), 0x99); /* the register keeps its last byte */
    rig_free(rig);
}

static void kbc_a20_and_reset(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    assert_int_equal(answer(rig, 0xd0), 0xcf);
    rig_out(rig, STATUS, 0xd1);
    rig_out(rig, DATA, 0xdd);
    assert_false(rig->machine.memory.a20);
    assert_int_equal(answer(rig, 0xd0), 0xcd);
    rig_out(rig, STATUS, 0xd1);
    rig_out(rig, DATA, 0xdf);
    assert_true(rig->machine.memory.a20);
    rig_out(rig, STATUS, 0xdd);
    assert_false(rig->machine.memory.a20);
    rig_out(rig, STATUS, 0xdf);
    assert_true(rig->machine.memory.a20);
    rig_out(rig, STATUS, 0xff); /* pulses nothing */
    assert_int_equal(rig->machine.requests, 0);
    rig_out(rig, STATUS, 0xfe);
    assert_int_equal(rig->machine.requests, REQUEST_RESET);
    rig->machine.requests = 0;
    rig_out(rig, STATUS, 0xd1);
    rig_out(rig, DATA, 0xde);
    assert_int_equal(rig->machine.requests, REQUEST_RESET);
    rig_out(rig, STATUS, 0xd1);
    rig_out(rig, DATA, 0x01);
    kbc_class.reset(rig->dev[0]);
    assert_true(rig->machine.memory.a20);
    rig_free(rig);
}

static void kbc_key_makes_an_interrupt(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    kbc_key(rig->machine.kbc, KEY_A, true);
    assert_false(rig->line[1]);
    rig_advance(rig, BYTE);
    assert_true(rig->line[1]);
    assert_int_equal(rig_in(rig, STATUS) & (OBF | AUX), OBF);
    assert_int_equal(rig_in(rig, DATA), 0x1e);
    assert_false(rig->line[1]);
    kbc_key(rig->machine.kbc, KEY_A, false);
    kbc_key(rig->machine.kbc, KEY_UP, true);
    unsigned before = rig->rises[1];
    assert_int_equal(next_byte(rig, BYTE), 0x9e); /* translated */
    assert_int_equal(rig->rises[1] - before, 1);
    assert_int_equal(next_byte(rig, BYTE - 1), -1); /* the next takes its time */
    assert_int_equal(next_byte(rig, 1), 0xe0);
    assert_int_equal(next_byte(rig, BYTE), 0x48);
    assert_int_equal(rig->rises[1] - before, 3);
    assert_null(rig->machine.clock.events);
    rig_free(rig);
}

static void kbc_translates_every_key(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    for (enum key key = KEY_NONE + 1; key < KEY_COUNT; key++) {
        bool extended;
        u8 code = keyboard_make_code(key, 1, &extended);
        if (!code)
            continue;
        for (int down = 1; down >= 0; down--) {
            kbc_key(rig->machine.kbc, key, down);
            if (extended)
                assert_int_equal(next_byte(rig, BYTE), 0xe0);
            assert_int_equal(next_byte(rig, BYTE), code | (down ? 0 : 0x80));
        }
        assert_int_equal(next_byte(rig, BYTE), -1);
    }
    rig_free(rig);
}

static void kbc_without_translation(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x03);
    kbc_key(rig->machine.kbc, KEY_A, false);
    assert_int_equal(next_byte(rig, BYTE), 0xf0);
    assert_int_equal(next_byte(rig, BYTE), 0x1c);
    rig_free(rig);
}

static void kbc_keyboard_commands_pass(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x53); /* keyboard off */
    kbc_key(rig->machine.kbc, KEY_A, true);
    assert_int_equal(next_byte(rig, NS_PER_S), -1);
    rig_out(rig, DATA, 0xf2); /* sending switches it on */
    assert_int_equal(next_byte(rig, SOON), 0xfa);
    assert_int_equal(next_byte(rig, SOON), 0xab);
    assert_int_equal(next_byte(rig, SOON), 0x41); /* 83h, translated as anything else */
    assert_int_equal(next_byte(rig, BYTE), 0x1e);
    rig_out(rig, DATA, 0xff);
    assert_int_equal(next_byte(rig, SOON), 0xfa);
    assert_int_equal(next_byte(rig, SOON), 0xaa);
    rig_free(rig);
}

static void kbc_answer_overtakes_a_key(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    kbc_key(rig->machine.kbc, KEY_A, true);
    rig_advance(rig, 10 * NS_PER_US);
    assert_int_equal(answer(rig, 0x20), 0x43);
    assert_int_equal(next_byte(rig, BYTE), 0x1e);
    rig_free(rig);
}

static void kbc_interrupt_enables(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x40);
    kbc_key(rig->machine.kbc, KEY_A, true);
    rig_advance(rig, BYTE);
    assert_false(rig->line[1]);
    rig_out(rig, STATUS, 0x60);
    rig_out(rig, DATA, 0x43);
    assert_true(rig->line[1]);
    (void)rig_in(rig, DATA);
    assert_false(rig->line[1]);
    rig_out(rig, STATUS, 0xd2);
    rig_out(rig, DATA, 0x77);
    rig_advance(rig, SOON);
    assert_true(rig->line[1]);
    assert_int_equal(rig_in(rig, DATA), 0x77);
    rig_out(rig, STATUS, 0xd3);
    rig_out(rig, DATA, 0x78);
    rig_advance(rig, SOON);
    assert_true(rig->line[12]);
    assert_false(rig->line[1]);
    assert_int_equal(rig_in(rig, STATUS) & (OBF | AUX), OBF | AUX);
    assert_int_equal(rig_in(rig, DATA), 0x78);
    assert_false(rig->line[12]);
    assert_int_equal(rig_in(rig, STATUS) & (OBF | AUX), 0);
    rig_free(rig);
}

static void send_aux(struct rig *rig, u8 value)
{
    rig_out(rig, STATUS, 0xd4);
    rig_out(rig, DATA, value);
}

static void kbc_mouse_reports(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x47);
    kbc_mouse(rig->machine.kbc, 5, 0, 0, 0);
    assert_null(rig->machine.clock.events); /* not enabled */
    send_aux(rig, 0xf4);
    rig_advance(rig, SOON);
    assert_true(rig->line[12]);
    assert_int_equal(rig_in(rig, STATUS) & (OBF | AUX), OBF | AUX);
    assert_int_equal(rig_in(rig, DATA), 0xfa);
    rig_advance(rig, 20 * NS_PER_MS);
    unsigned before = rig->rises[12];
    kbc_mouse(rig->machine.kbc, 5, 0, 0, MOUSE_LEFT);
    assert_int_equal(next_byte(rig, BYTE), 0x09);
    assert_int_equal(next_byte(rig, BYTE), 0x05); /* not translated */
    assert_int_equal(next_byte(rig, BYTE), 0x00);
    assert_int_equal(rig->rises[12] - before, 3);
    u64 first = rig_now(rig);
    kbc_mouse(rig->machine.kbc, 1, 0, 0, MOUSE_LEFT);
    kbc_mouse(rig->machine.kbc, 1, 0, 0, MOUSE_LEFT);
    assert_int_equal(next_byte(rig, 9 * NS_PER_MS), -1); /* 100 samples a second */
    assert_int_equal(next_byte(rig, NS_PER_MS), 0x09);
    assert_true(rig_now(rig) - first <= 10 * NS_PER_MS);
    assert_int_equal(next_byte(rig, BYTE), 0x02); /* both movements in one packet */
    rig_free(rig);
}

static void kbc_mouse_can_be_switched_off(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x47);
    send_aux(rig, 0xf4);
    assert_int_equal(next_byte(rig, SOON), 0xfa);
    rig_out(rig, STATUS, 0xa7);
    kbc_mouse(rig->machine.kbc, 5, 0, 0, 0);
    assert_int_equal(next_byte(rig, NS_PER_S), -1);
    rig_out(rig, STATUS, 0xa8);
    assert_int_equal(next_byte(rig, BYTE), 0x08);
    rig_free(rig);
}

static void kbc_typing_can_be_paced(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    struct kbc *kbc = rig->machine.kbc;
    assert_int_equal(kbc_keys_pending(kbc), 0);
    unsigned typed = 0;
    while (!kbc_key_queue_full(kbc)) {
        kbc_key(kbc, KEY_A, true);
        typed++;
    }
    assert_int_equal(typed, 9);
    assert_int_equal(kbc_keys_pending(kbc), 9);
    kbc_key(kbc, KEY_PAUSE, false);
    rig_advance(rig, BYTE);
    assert_int_equal(kbc_keys_pending(kbc), 9); /* one of them in the output register */
    assert_int_equal(rig_in(rig, DATA), 0x1e);
    assert_false(kbc_key_queue_full(kbc));
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(next_byte(rig, BYTE), 0x1e);
    assert_int_equal(kbc_keys_pending(kbc), 0);
    rig_free(rig);
}

/* With the host's clock a guest may poll before the run loop has noticed the event. */
static void kbc_polling_sees_a_due_byte(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    rig_out(rig, STATUS, 0xaa);
    rig->machine.clock.access_ns += SOON;
    assert_int_equal(rig_in(rig, STATUS) & OBF, OBF);
    assert_int_equal(rig_in(rig, DATA), 0x55);
    assert_null(rig->machine.clock.events);
    rig_free(rig);
}

static void kbc_bears_random_writes(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    u32 seed = 1;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525u + 1013904223u;
        u8 value = (u8)(seed >> 24);
        switch (seed >> 8 & 7) {
        case 0:
        case 1:
            rig_out(rig, DATA, value);
            break;
        case 2:
        case 3:
            rig_out(rig, STATUS, value);
            break;
        case 4:
            kbc_key(rig->machine.kbc, value, seed >> 16 & 1);
            break;
        case 5:
            kbc_mouse(rig->machine.kbc, (int)seed, (int)(seed << 7), value, value);
            break;
        default:
            (void)next_byte(rig, seed & 0xfffff);
        }
    }
    kbc_class.reset(rig->dev[0]);
    assert_int_equal(answer(rig, 0xaa), 0x55);
    rig_out(rig, DATA, 0xff);
    assert_int_equal(next_byte(rig, SOON), 0xfa);
    rig_free(rig);
}

static void kbc_tells_what_polls_give(void **state)
{
    (void)state;
    struct rig *rig = new_kbc(0x43);
    struct bus_poll poll;
    assert_true(bus_poll(&rig->machine.bus, STATUS, &poll));
    assert_true(poll.n == 1 && poll.value[0] == rig_in(rig, STATUS) && poll.until_ns == BUS_POLL_EVENT);
    assert_true(bus_poll(&rig->machine.bus, DATA, &poll));
    assert_int_equal(poll.value[0], rig_in(rig, DATA));
    kbc_key(rig->machine.kbc, KEY_A, true);
    rig_advance(rig, BYTE);
    assert_true(bus_poll(&rig->machine.bus, STATUS, &poll));
    assert_int_equal(poll.value[0] & OBF, OBF);
    assert_false(bus_poll(&rig->machine.bus, DATA, &poll)); /* a read takes the byte */
    assert_int_equal(rig_in(rig, DATA), 0x1e);
    assert_true(bus_poll(&rig->machine.bus, DATA, &poll));
    assert_int_equal(poll.value[0], 0x1e);
    rig_free(rig);
}

int kbc_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kbc_commands_are_answered),  cmocka_unit_test(kbc_a20_and_reset),
        cmocka_unit_test(kbc_key_makes_an_interrupt), cmocka_unit_test(kbc_translates_every_key),
        cmocka_unit_test(kbc_without_translation),    cmocka_unit_test(kbc_keyboard_commands_pass),
        cmocka_unit_test(kbc_answer_overtakes_a_key), cmocka_unit_test(kbc_interrupt_enables),
        cmocka_unit_test(kbc_mouse_reports),          cmocka_unit_test(kbc_mouse_can_be_switched_off),
        cmocka_unit_test(kbc_typing_can_be_paced),    cmocka_unit_test(kbc_polling_sees_a_due_byte),
        cmocka_unit_test(kbc_tells_what_polls_give),  cmocka_unit_test(kbc_bears_random_writes),
    };
    return cmocka_run_group_tests_name("kbc", tests, NULL, NULL);
}
