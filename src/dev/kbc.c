/* The 8042 of a PS/2, ports 60h and 64h. IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
 * Auxiliary Device Controller"; for the AT-only commands, IBM PC AT Technical Reference, "Keyboard
 * controller".
 *
 * One byte at a time sits in the output register (OBF). When it has been read, the next one comes after a
 * delay: short for an answer to a command, longer for keys and packets, so that each makes an interrupt
 * of its own.
 * NOTE: the controller takes what the processor writes at once: IBF is never seen set.
 * LIMIT: no password, no diagnostic dump, no polling of the input port to the status register (A4h-A6h,
 * ACh, C1h, C2h do nothing). */
#include "dev/kbc.h"

#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>

enum kbc_status {
    STATUS_OBF = BIT(0),
    STATUS_SYSTEM = BIT(2),
    STATUS_COMMAND = BIT(3), /* the last write went to port 64h */
    STATUS_UNLOCKED = BIT(4),
    STATUS_AUX_OBF = BIT(5),
};
enum kbc_command_byte {
    CB_KEYBOARD_IRQ = BIT(0),
    CB_AUX_IRQ = BIT(1),
    CB_SYSTEM = BIT(2),
    CB_KEYBOARD_OFF = BIT(4),
    CB_AUX_OFF = BIT(5),
    CB_TRANSLATE = BIT(6),
};
enum kbc_command {
    KBC_READ_RAM = 0x20,  /* to 3Fh; 20h is the command byte */
    KBC_WRITE_RAM = 0x60, /* to 7Fh */
    KBC_TEST_PASSWORD = 0xa4,
    KBC_AUX_OFF = 0xa7,
    KBC_AUX_ON = 0xa8,
    KBC_TEST_AUX = 0xa9,
    KBC_SELF_TEST = 0xaa,
    KBC_TEST_KEYBOARD = 0xab,
    KBC_KEYBOARD_OFF = 0xad,
    KBC_KEYBOARD_ON = 0xae,
    KBC_READ_INPUT_PORT = 0xc0,
    KBC_READ_OUTPUT_PORT = 0xd0,
    KBC_WRITE_OUTPUT_PORT = 0xd1,
    KBC_WRITE_KEYBOARD_OBF = 0xd2,
    KBC_WRITE_AUX_OBF = 0xd3,
    KBC_WRITE_AUX = 0xd4,
    KBC_A20_OFF = 0xdd,
    KBC_A20_ON = 0xdf,
    KBC_READ_TEST_INPUTS = 0xe0,
    KBC_PULSE_OUTPUT = 0xf0, /* to FFh: a zero bit pulses the output low */
};
enum kbc_answer { SELF_TEST_OK = 0x55, INTERFACE_OK = 0x00, NO_PASSWORD = 0xf1 };
enum kbc_output_port {
    OUT_NOT_RESET = BIT(0),
    OUT_A20 = BIT(1),
    OUT_KEYBOARD_IRQ = BIT(4),
    OUT_AUX_IRQ = BIT(5)
};
/* Unlocked, no manufacturing jumper, colour display, second RAM bank on. */
enum { INPUT_PORT = 0xb0, TEST_INPUTS_IDLE = 0x03, OUTPUT_PORT_ONES = 0xcc };
enum { KBC_RAM_BYTES = 32, KBC_ANSWERS = 4, KBC_IRQ = 1, KBC_AUX_IRQ = 12, SCAN_BREAK = 0xf0 };
#define KBC_ANSWER_NS (3 * NS_PER_US)
#define KBC_BYTE_NS   (200 * NS_PER_US)

enum kbc_source { FROM_NOBODY, FROM_CONTROLLER, FROM_KEYBOARD, FROM_AUX };

struct kbc_byte {
    u8 value;
    bool aux;
};

struct kbc {
    struct machine *machine;
    struct irq_line irq, aux_irq;
    struct clock_event output; /* the next byte gets into the output register */
    struct clock_event sample; /* the mouse looks at its sensors */
    u64 sampled_ns;
    u8 pending; /* a command that awaits its data byte; 0: none */
    bool last_was_command;
    bool obf;
    bool break_prefix;   /* F0h was translated away: the next code gets bit 7 */
    struct kbc_byte out; /* the output register */
    struct kbc_byte answer[KBC_ANSWERS];
    u32 answers;
    u8 ram[KBC_RAM_BYTES]; /* [0] is the command byte */
    struct keyboard keyboard;
    struct mouse mouse;
};

/* --- Output --- */

/* Scan code set 2 to set 1, the controller's ROM table (IBM PC AT Technical Reference). Codes above pass
 * as they are, but for those of F7 and SysRq. */
static u8 kbc_translate_code(u8 code)
{
    static const u8 table[128] = {
        0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
        0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
        0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
        0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
        0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
        0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
        0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
        0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
    };
    if (code < sizeof table)
        return table[code];
    return code == 0x83 ? table[0x02] : code == 0x84 ? table[0x7f] : code;
}

static void kbc_update_irqs(struct kbc *kbc)
{
    irq_set(&kbc->irq, kbc->obf && !kbc->out.aux && (kbc->ram[0] & CB_KEYBOARD_IRQ));
    irq_set(&kbc->aux_irq, kbc->obf && kbc->out.aux && (kbc->ram[0] & CB_AUX_IRQ));
}

/* Who sends next; `*answer` if it is an answer to a command. A clock held low keeps a device silent. */
static enum kbc_source kbc_next_source(const struct kbc *kbc, bool *answer)
{
    bool keyboard = !(kbc->ram[0] & CB_KEYBOARD_OFF), aux = !(kbc->ram[0] & CB_AUX_OFF);
    *answer = true;
    if (kbc->answers)
        return FROM_CONTROLLER;
    if (keyboard && kbc->keyboard.replies)
        return FROM_KEYBOARD;
    if (aux && kbc->mouse.replies)
        return FROM_AUX;
    *answer = false;
    if (keyboard && kbc->keyboard.buffered)
        return FROM_KEYBOARD;
    return aux && kbc->mouse.queued ? FROM_AUX : FROM_NOBODY;
}

/* The next byte of the keyboard, translated if that is on. False: only a break prefix was left. */
static bool kbc_take_keyboard(struct kbc *kbc, u8 *value)
{
    bool reply;
    while (keyboard_send(&kbc->keyboard, value, &reply)) {
        if (!(kbc->ram[0] & CB_TRANSLATE))
            return true;
        if (*value != SCAN_BREAK) {
            *value = kbc_translate_code(*value) | (kbc->break_prefix ? 0x80 : 0);
            kbc->break_prefix = false;
            return true;
        }
        kbc->break_prefix = true;
    }
    return false;
}

static bool kbc_take_aux(struct kbc *kbc, u8 *value)
{
    bool reply;
    return mouse_send(&kbc->mouse, value, &reply);
}

static bool kbc_take(struct kbc *kbc, enum kbc_source source, struct kbc_byte *byte)
{
    byte->aux = source == FROM_AUX;
    if (source == FROM_KEYBOARD)
        return kbc_take_keyboard(kbc, &byte->value);
    if (source == FROM_AUX)
        return kbc_take_aux(kbc, &byte->value);
    if (source != FROM_CONTROLLER)
        return false;
    *byte = kbc->answer[0];
    kbc->answers--;
    for (u32 i = 0; i < kbc->answers; i++)
        kbc->answer[i] = kbc->answer[i + 1];
    return true;
}

/* Arms the next transfer if there is room and somebody to send; an answer overtakes a key on its way. */
static void kbc_arm_output(struct kbc *kbc)
{
    bool answer;
    if (kbc->obf || kbc_next_source(kbc, &answer) == FROM_NOBODY) {
        clock_event_disarm(&kbc->output);
        return;
    }
    u64 deadline = clock_now(&kbc->machine->clock) + (answer ? KBC_ANSWER_NS : KBC_BYTE_NS);
    if (!kbc->output.armed || deadline < kbc->output.deadline_ns)
        clock_event_arm(&kbc->output, deadline);
}

static void kbc_arm_sample(struct kbc *kbc)
{
    u64 now = clock_now(&kbc->machine->clock), next = kbc->sampled_ns + mouse_period_ns(&kbc->mouse);
    if (!mouse_wants_sample(&kbc->mouse))
        clock_event_disarm(&kbc->sample);
    else if (!kbc->sample.armed)
        clock_event_arm(&kbc->sample, MAX(now, next));
}

static void kbc_arm(struct kbc *kbc)
{
    kbc_arm_output(kbc);
    kbc_arm_sample(kbc);
}

static void kbc_output(void *opaque, u64 deadline_ns)
{
    struct kbc *kbc = opaque;
    struct kbc_byte byte;
    bool answer;
    (void)deadline_ns;
    if (!kbc->obf && kbc_take(kbc, kbc_next_source(kbc, &answer), &byte)) {
        kbc->out = byte;
        kbc->obf = true;
        kbc_update_irqs(kbc);
    }
    kbc_arm(kbc);
}

static void kbc_sample(void *opaque, u64 deadline_ns)
{
    struct kbc *kbc = opaque;
    kbc->sampled_ns = deadline_ns;
    mouse_sample(&kbc->mouse);
    kbc_arm(kbc);
}

/* When time runs by itself a guest that polls need not wait for the event to be noticed. */
static void kbc_catch_up(struct kbc *kbc)
{
    if (kbc->output.armed && kbc->output.deadline_ns <= clock_now(&kbc->machine->clock)) {
        clock_event_disarm(&kbc->output);
        kbc_output(kbc, kbc->output.deadline_ns);
    }
}

/* --- Commands --- */

static void kbc_answer(struct kbc *kbc, u8 value, bool aux)
{
    if (kbc->answers < KBC_ANSWERS)
        kbc->answer[kbc->answers++] = (struct kbc_byte){.value = value, .aux = aux};
}

static u8 kbc_output_port(const struct kbc *kbc)
{
    bool irq = kbc->obf && !kbc->out.aux, aux_irq = kbc->obf && kbc->out.aux;
    return OUTPUT_PORT_ONES | OUT_NOT_RESET | (kbc->machine->memory.a20 ? OUT_A20 : 0) |
           (irq ? OUT_KEYBOARD_IRQ : 0) | (aux_irq ? OUT_AUX_IRQ : 0);
}

static void kbc_write_output_port(struct kbc *kbc, u8 value)
{
    machine_set_a20(kbc->machine, value & OUT_A20);
    if (!(value & OUT_NOT_RESET))
        machine_request_reset(kbc->machine);
}

static void kbc_write_command_byte(struct kbc *kbc, u8 value)
{
    kbc->ram[0] = value;
    kbc_update_irqs(kbc);
}

static void kbc_set_command_byte(struct kbc *kbc, u8 bits, bool on)
{
    kbc_write_command_byte(kbc, on ? kbc->ram[0] | bits : kbc->ram[0] & (u8)~bits);
}

static void kbc_self_test(struct kbc *kbc)
{
    kbc->answers = 0;
    kbc->obf = false;
    kbc_set_command_byte(kbc, CB_SYSTEM, true);
    kbc_answer(kbc, SELF_TEST_OK, false);
}

/* The data byte of kbc->pending. */
static void kbc_command_data(struct kbc *kbc, u8 command, u8 value)
{
    switch (command) {
    case KBC_WRITE_RAM:
        kbc_write_command_byte(kbc, value);
        break;
    case KBC_WRITE_OUTPUT_PORT:
        kbc_write_output_port(kbc, value);
        break;
    case KBC_WRITE_KEYBOARD_OBF:
    case KBC_WRITE_AUX_OBF:
        kbc_answer(kbc, value, command == KBC_WRITE_AUX_OBF);
        break;
    case KBC_WRITE_AUX:
        kbc_set_command_byte(kbc, CB_AUX_OFF, false);
        mouse_receive(&kbc->mouse, value);
        break;
    default: /* 61h to 7Fh */
        kbc->ram[command % KBC_RAM_BYTES] = value;
    }
}

static void kbc_command_pulse(struct kbc *kbc, u8 command)
{
    if (!(command & OUT_NOT_RESET))
        machine_request_reset(kbc->machine);
}

static void kbc_command(struct kbc *kbc, u8 command)
{
    kbc->pending = 0;
    if (command >= KBC_PULSE_OUTPUT) {
        kbc_command_pulse(kbc, command);
        return;
    }
    if (command >= KBC_READ_RAM && command < KBC_READ_RAM + KBC_RAM_BYTES) {
        kbc_answer(kbc, kbc->ram[command - KBC_READ_RAM], false);
        return;
    }
    if (command >= KBC_WRITE_RAM && command < KBC_WRITE_RAM + KBC_RAM_BYTES) {
        kbc->pending = command;
        return;
    }
    switch (command) {
    case KBC_WRITE_OUTPUT_PORT:
    case KBC_WRITE_KEYBOARD_OBF:
    case KBC_WRITE_AUX_OBF:
    case KBC_WRITE_AUX:
        kbc->pending = command;
        break;
    case KBC_TEST_PASSWORD:
        kbc_answer(kbc, NO_PASSWORD, false);
        break;
    case KBC_AUX_OFF:
    case KBC_AUX_ON:
        kbc_set_command_byte(kbc, CB_AUX_OFF, command == KBC_AUX_OFF);
        break;
    case KBC_KEYBOARD_OFF:
    case KBC_KEYBOARD_ON:
        kbc_set_command_byte(kbc, CB_KEYBOARD_OFF, command == KBC_KEYBOARD_OFF);
        break;
    case KBC_TEST_AUX:
    case KBC_TEST_KEYBOARD:
        kbc_answer(kbc, INTERFACE_OK, false);
        break;
    case KBC_SELF_TEST:
        kbc_self_test(kbc);
        break;
    case KBC_READ_INPUT_PORT:
        kbc_answer(kbc, INPUT_PORT, false);
        break;
    case KBC_READ_OUTPUT_PORT:
        kbc_answer(kbc, kbc_output_port(kbc), false);
        break;
    case KBC_A20_OFF:
    case KBC_A20_ON:
        machine_set_a20(kbc->machine, command == KBC_A20_ON);
        break;
    case KBC_READ_TEST_INPUTS:
        kbc_answer(kbc, TEST_INPUTS_IDLE, false);
        break;
    }
}

/* --- Bus --- */

static u32 kbc_data_in(void *dev, u16 port, u8 size)
{
    struct kbc *kbc = dev;
    (void)port, (void)size;
    kbc_catch_up(kbc);
    if (kbc->obf) {
        kbc->obf = false;
        kbc_update_irqs(kbc);
        kbc_arm(kbc);
    }
    return kbc->out.value;
}

static void kbc_data_out(void *dev, u16 port, u8 size, u32 value)
{
    struct kbc *kbc = dev;
    u8 command = kbc->pending;
    (void)port, (void)size;
    kbc->pending = 0;
    kbc->last_was_command = false;
    if (command) {
        kbc_command_data(kbc, command, (u8)value);
    } else {
        /* Sending to the keyboard raises its clock. */
        kbc_set_command_byte(kbc, CB_KEYBOARD_OFF, false);
        keyboard_receive(&kbc->keyboard, (u8)value);
    }
    kbc_arm(kbc);
}

/* An empty output register shows its last byte again. */
static bool kbc_data_poll(void *dev, u16 port, struct bus_poll *poll)
{
    struct kbc *kbc = dev;
    (void)port;
    kbc_catch_up(kbc);
    bus_poll_constant(poll, kbc->out.value);
    return !kbc->obf;
}

static u8 kbc_status(const struct kbc *kbc)
{
    return STATUS_UNLOCKED | (kbc->ram[0] & CB_SYSTEM ? STATUS_SYSTEM : 0) |
           (kbc->last_was_command ? STATUS_COMMAND : 0) | (kbc->obf ? STATUS_OBF : 0) |
           (kbc->obf && kbc->out.aux ? STATUS_AUX_OBF : 0);
}

static u32 kbc_status_in(void *dev, u16 port, u8 size)
{
    struct kbc *kbc = dev;
    (void)port, (void)size;
    kbc_catch_up(kbc);
    return kbc_status(kbc);
}

static bool kbc_status_poll(void *dev, u16 port, struct bus_poll *poll)
{
    struct kbc *kbc = dev;
    (void)port;
    kbc_catch_up(kbc);
    bus_poll_constant(poll, kbc_status(kbc));
    return true;
}

static void kbc_command_out(void *dev, u16 port, u8 size, u32 value)
{
    struct kbc *kbc = dev;
    (void)port, (void)size;
    kbc->last_was_command = true;
    kbc_command(kbc, (u8)value);
    kbc_arm(kbc);
}

static const struct bus_port kbc_ports[] = {
    {0x60, 1, BUS_8, "keyboard data", kbc_data_in, kbc_data_out, kbc_data_poll},
    {0x64, 1, BUS_8, "keyboard status/command", kbc_status_in, kbc_command_out, kbc_status_poll},
};

/* --- Keys and mouse from outside --- */

void kbc_key(struct kbc *kbc, enum key key, bool down)
{
    keyboard_key(&kbc->keyboard, key, down);
    kbc_arm(kbc);
}

u32 kbc_keys_pending(const struct kbc *kbc)
{
    return kbc->keyboard.buffered + (kbc->obf && !kbc->out.aux);
}

bool kbc_key_queue_full(const struct kbc *kbc)
{
    return kbc->keyboard.buffered + KEYBOARD_KEY_BYTES > KEYBOARD_BUFFER_BYTES;
}

void kbc_mouse(struct kbc *kbc, int dx, int dy, int dz, unsigned buttons)
{
    mouse_move(&kbc->mouse, dx, dy, dz, buttons);
    kbc_arm(kbc);
}

/* --- Life --- */

static int kbc_create(struct machine *machine, void **dev)
{
    struct kbc *kbc = calloc(1, sizeof *kbc);
    if (!kbc)
        return -ENOMEM;
    kbc->machine = machine;
    kbc->irq = machine->irq[KBC_IRQ];
    kbc->aux_irq = machine->irq[KBC_AUX_IRQ];
    clock_event_init(&kbc->output, &machine->clock, "keyboard controller output", kbc_output, kbc);
    clock_event_init(&kbc->sample, &machine->clock, "mouse sample", kbc_sample, kbc);
    machine->kbc = kbc;
    *dev = kbc;
    return 0;
}

static void kbc_reset(void *dev)
{
    struct kbc *kbc = dev;
    kbc->pending = 0;
    kbc->answers = 0;
    kbc->obf = kbc->break_prefix = kbc->last_was_command = false;
    kbc->out = (struct kbc_byte){.value = 0};
    keyboard_reset(&kbc->keyboard);
    mouse_reset(&kbc->mouse);
    kbc_write_command_byte(kbc, CB_KEYBOARD_IRQ | CB_AUX_OFF | CB_TRANSLATE);
    machine_set_a20(kbc->machine, true); /* all outputs are high */
    kbc_arm(kbc);
}

static void kbc_destroy(void *dev)
{
    struct kbc *kbc = dev;
    clock_event_disarm(&kbc->output);
    clock_event_disarm(&kbc->sample);
    free(kbc);
}

static void kbc_byte_state(struct kbc_byte *byte, struct state *s)
{
    state_u8(s, &byte->value);
    state_bool(s, &byte->aux);
}

static void kbc_state(void *dev, struct state *s)
{
    struct kbc *kbc = dev;
    clock_event_state(&kbc->output, s);
    clock_event_state(&kbc->sample, s);
    state_u64_in(s, &kbc->sampled_ns, 0, CLOCK_STATE_MAX_NS, "the mouse's last sample");
    state_u8(s, &kbc->pending);
    state_bool(s, &kbc->last_was_command);
    state_bool(s, &kbc->obf);
    state_bool(s, &kbc->break_prefix);
    kbc_byte_state(&kbc->out, s);
    state_u32_in(s, &kbc->answers, 0, KBC_ANSWERS, "the answers");
    for (u32 i = 0; i < kbc->answers; i++)
        kbc_byte_state(&kbc->answer[i], s);
    state_bytes(s, kbc->ram, sizeof kbc->ram);
    keyboard_state(&kbc->keyboard, s);
    mouse_state(&kbc->mouse, s);
}

const struct dev_class kbc_class = {
    .name = "kbc",
    .ports = kbc_ports,
    .n_ports = ARRAY_LEN(kbc_ports),
    .create = kbc_create,
    .reset = kbc_reset,
    .destroy = kbc_destroy,
    .state = kbc_state,
};
