/* The registers of two ATA channels, device selection, resets and INTRQ. ANSI X3.298 (ATA-3), clauses 7 and
 * 9.
 * Invariants: DRQ is set exactly while index < end; BSY exactly while the device's event is armed or SRST is
 * set.
 * Both devices latch every write to the command block; only the selected one answers reads and drives INTRQ.
 * Device 1 absent: device 0 answers for it, with status 00h. Device 0 absent, or none: nobody drives the
 * bus, and the pull-down that ATA-3 asks for on DD7 makes every register read 7Fh. So BSY is clear and no
 * prober waits for a device that is not there, while the register read-back test of a prober fails at
 * once. */
#include "dev/ide.h"

#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { IDE_FLOATING = 0x7f, IDE_FLOATING_DATA = 0xff7f };
enum { PORT_SECOND_CHANNEL_CLEAR = 0x80 }; /* address bit that tells 1F0h from 170h, 3F6h from 376h */
#define IDE_RESET_NS (300 * NS_PER_US)

static struct ide_channel *port_channel(struct ide *ide, u16 port)
{
    return &ide->channel[(port & PORT_SECOND_CHANNEL_CLEAR) ? 0 : 1];
}

static struct ide_device *selected_device(struct ide_channel *ch)
{
    return &ch->device[ch->selected];
}

/* Whose registers a read shows; NULL: nobody's. */
static struct ide_device *answering_device(struct ide_channel *ch)
{
    struct ide_device *d = selected_device(ch);
    if (d->block)
        return d;
    return d->number == 1 && ch->device[0].block ? &ch->device[0] : NULL;
}

static void update_irq(struct ide_channel *ch)
{
    irq_set(&ch->irq, selected_device(ch)->intrq && !(ch->control & IDE_CONTROL_NIEN));
}

static void set_intrq(struct ide_device *d, bool level)
{
    d->intrq = level;
    update_irq(d->channel);
}

/* --- status transitions --- */

void ide_busy(struct ide_device *d, ide_step step, u64 ns)
{
    d->status = (d->status & IDE_STATUS_DRDY) | IDE_STATUS_BSY;
    d->next = step;
    d->looked_ns = 0;
    clock_event_arm(&d->event, clock_now(d->event.clock) + ns);
}

void ide_idle(struct ide_device *d)
{
    d->status = IDE_STATUS_DRDY | IDE_STATUS_DSC;
}

void ide_complete(struct ide_device *d)
{
    ide_idle(d);
    set_intrq(d, true);
}

void ide_fail(struct ide_device *d, u8 error)
{
    d->reg.error = error;
    d->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_ERR;
    set_intrq(d, true);
}

void ide_request_data(struct ide_device *d, bool to_host, u32 bytes, bool interrupt, ide_step moved)
{
    d->status = IDE_STATUS_DRDY | IDE_STATUS_DSC | IDE_STATUS_DRQ;
    d->to_host = to_host;
    d->index = 0;
    d->end = bytes;
    d->data_moved = moved;
    if (interrupt)
        set_intrq(d, true);
}

void ide_set_signature(struct ide_device *d)
{
    d->reg = (struct ide_registers){
        .error = IDE_DIAGNOSTIC_PASSED, .sector_count = 1, .sector_number = 1, .device_head = IDE_DH_ONES};
    ide_idle(d);
}

static void run_event(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    struct ide_device *d = opaque;
    d->next(d);
}

/* --- data port --- */

static void finish_block(struct ide_device *d)
{
    d->status &= (u8)~IDE_STATUS_DRQ;
    d->data_moved(d);
}

static u16 read_word(struct ide_channel *ch)
{
    struct ide_device *d = selected_device(ch);
    if (!(d->status & IDE_STATUS_DRQ) || !d->to_host)
        return IDE_FLOATING_DATA;
    u16 word;
    memcpy(&word, d->buffer + d->index, sizeof word);
    d->index += sizeof word;
    if (d->index == d->end)
        finish_block(d);
    return word;
}

static void write_word(struct ide_channel *ch, u16 word)
{
    struct ide_device *d = selected_device(ch);
    if (!(d->status & IDE_STATUS_DRQ) || d->to_host)
        return;
    memcpy(d->buffer + d->index, &word, sizeof word);
    d->index += sizeof word;
    if (d->index == d->end)
        finish_block(d);
}

/* The device moves words: a byte access takes a whole one, a doubleword access two. */
static u32 ide_data_in(void *dev, u16 port, u8 size)
{
    struct ide_channel *ch = port_channel(dev, port);
    u32 value = read_word(ch);
    if (size == BUS_32)
        value |= (u32)read_word(ch) << 16;
    return value;
}

static void ide_data_out(void *dev, u16 port, u8 size, u32 value)
{
    struct ide_channel *ch = port_channel(dev, port);
    write_word(ch, (u16)value);
    if (size == BUS_32)
        write_word(ch, (u16)(value >> 16));
}

/* How many of `count` elements do not end the block: its last word is for an access by itself. */
static u32 run_room(const struct ide_device *d, bool to_host, u32 element_bytes, u32 count)
{
    if (!(d->status & IDE_STATUS_DRQ) || d->to_host != to_host)
        return 0;
    return MIN(count, (d->end - d->index - 1) / element_bytes);
}

static u32 ide_data_in_run(void *dev, u16 port, u8 size, u32 count, u8 *to)
{
    struct ide_device *d = selected_device(port_channel(dev, port));
    u32 element_bytes = MAX(size, BUS_16);
    u32 n = run_room(d, true, element_bytes, count);
    const u8 *from = d->buffer + d->index;
    if (size == BUS_8)
        for (u32 i = 0; i < n; i++)
            to[i] = from[i * element_bytes];
    else
        memcpy(to, from, n * element_bytes);
    d->index += n * element_bytes;
    return n;
}

static u32 ide_data_out_run(void *dev, u16 port, u8 size, u32 count, const u8 *from)
{
    struct ide_device *d = selected_device(port_channel(dev, port));
    u32 element_bytes = MAX(size, BUS_16);
    u32 n = run_room(d, false, element_bytes, count);
    u8 *to = d->buffer + d->index;
    if (size == BUS_8)
        for (u32 i = 0; i < n; i++) {
            const u8 word[BUS_16] = {from[i]};
            memcpy(to + i * sizeof word, word, sizeof word);
        }
    else
        memcpy(to, from, n * element_bytes);
    d->index += n * element_bytes;
    return n;
}

/* --- command block --- */

/* Register `offset` of the command block, for reading. */
static u8 read_register(const struct ide_registers *reg, u16 offset)
{
    const u8 by_offset[8] = {0,
                             reg->error,
                             reg->sector_count,
                             reg->sector_number,
                             reg->cylinder_low,
                             reg->cylinder_high,
                             reg->device_head | IDE_DH_ONES};
    return by_offset[offset & 7];
}

static u32 ide_register_in(void *dev, u16 port, u8 size)
{
    (void)size;
    struct ide_device *d = answering_device(port_channel(dev, port));
    return d ? read_register(&d->reg, port & 7) : IDE_FLOATING;
}

static void write_register(struct ide_device *d, u16 offset, u8 value)
{
    u8 *const by_offset[8] = {NULL,
                              &d->reg.features,
                              &d->reg.sector_count,
                              &d->reg.sector_number,
                              &d->reg.cylinder_low,
                              &d->reg.cylinder_high,
                              &d->reg.device_head};
    if (d->block && !(d->status & IDE_STATUS_BSY))
        *by_offset[offset & 7] = value;
}

static void ide_register_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct ide_channel *ch = port_channel(dev, port);
    for (u32 i = 0; i < IDE_DEVICES; i++)
        write_register(&ch->device[i], port & 7, (u8)value);
}

static void ide_device_head_out(void *dev, u16 port, u8 size, u32 value)
{
    struct ide_channel *ch = port_channel(dev, port);
    if (ch->control & IDE_CONTROL_SRST)
        return;
    ide_register_out(dev, port, size, value);
    ch->selected = (value & IDE_DH_DEV) != 0;
    update_irq(ch);
}

static u8 read_status(struct ide_channel *ch)
{
    struct ide_device *d = answering_device(ch);
    if (!d)
        return IDE_FLOATING;
    return d->number == ch->selected ? d->status : 0;
}

/* Under the host's clock, does a look at the status bring the end of BSY nearer? */
static bool look_matters(const struct ide_device *d)
{
    return d->event.armed && d->event.clock->mode == CLOCK_MODE_HOST;
}

/* A command takes less than the host's timers can wait for: a guest that looks at the status sees its end at once. */
static void end_if_due(struct ide_device *d)
{
    if (!look_matters(d) || clock_now(d->event.clock) + d->looked_ns < d->event.deadline_ns)
        return;
    clock_event_disarm(&d->event);
    d->next(d);
}

/* The end of a look. It takes a cycle of the ISA bus, where this one has taken a hundredth of that: the
 * device has that time as well, and a guest that only waits need not do so a hundred times. */
static void look_ends(struct ide_device *d)
{
    if (!look_matters(d))
        return;
    d->looked_ns += d->event.clock->access_step_ns;
    end_if_due(d);
}

static u32 ide_status_in(void *dev, u16 port, u8 size)
{
    (void)size;
    struct ide_channel *ch = port_channel(dev, port);
    struct ide_device *d = selected_device(ch);
    end_if_due(d);
    u8 status = read_status(ch);
    set_intrq(d, false);
    look_ends(d);
    return status;
}

/* Reading the status acknowledges the interrupt, reading the alternate one does not. */
static bool ide_status_poll(void *dev, u16 port, struct bus_poll *poll)
{
    struct ide_channel *ch = port_channel(dev, port);
    const struct ide_device *d = selected_device(ch);
    bus_poll_constant(poll, read_status(ch));
    return !d->intrq && !look_matters(d);
}

static bool ide_alternate_status_poll(void *dev, u16 port, struct bus_poll *poll)
{
    struct ide_channel *ch = port_channel(dev, port);
    bus_poll_constant(poll, read_status(ch));
    return !look_matters(selected_device(ch));
}

static u32 ide_alternate_status_in(void *dev, u16 port, u8 size)
{
    (void)size;
    struct ide_channel *ch = port_channel(dev, port);
    struct ide_device *d = selected_device(ch);
    end_if_due(d);
    u8 status = read_status(ch);
    look_ends(d);
    return status;
}

/* --- diagnostic and resets, which concern both devices --- */

static void end_reset(struct ide_device *d)
{
    ide_set_signature(d);
}

static void end_diagnostic(struct ide_device *d)
{
    ide_set_signature(d);
    /* Device 1 only tells device 0 that it passed. */
    if (d->number == 0 || !d->channel->device[0].block)
        set_intrq(d, true);
}

enum { COMMAND_EXECUTE_DEVICE_DIAGNOSTIC = 0x90 };
#define IDE_DIAGNOSTIC_NS (50 * NS_PER_US)

static void execute_diagnostic(struct ide_channel *ch)
{
    ch->selected = 0;
    for (u32 i = 0; i < IDE_DEVICES; i++)
        if (ch->device[i].block)
            ide_busy(&ch->device[i], end_diagnostic, IDE_DIAGNOSTIC_NS);
    update_irq(ch);
}

static void ide_command_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct ide_channel *ch = port_channel(dev, port);
    struct ide_device *d = selected_device(ch);
    struct ide_device *any = answering_device(ch);
    if (!any || (any->status & IDE_STATUS_BSY))
        return;
    if (value == COMMAND_EXECUTE_DEVICE_DIAGNOSTIC) {
        set_intrq(d, false);
        execute_diagnostic(ch);
    } else if (d->block) {
        set_intrq(d, false);
        ide_execute(d, (u8)value);
    }
}

/* Whatever was going on stops; a DRQ block of a write that is not complete is lost, as on the wire. */
static void stop_device(struct ide_device *d)
{
    clock_event_disarm(&d->event);
    d->status = d->block ? IDE_STATUS_BSY : 0;
    d->intrq = false;
    d->index = d->end = 0;
}

static void assert_reset(struct ide_channel *ch)
{
    for (u32 i = 0; i < IDE_DEVICES; i++)
        stop_device(&ch->device[i]);
    ch->selected = 0;
}

static void release_reset(struct ide_channel *ch, bool hardware)
{
    for (u32 i = 0; i < IDE_DEVICES; i++) {
        if (!ch->device[i].block)
            continue;
        ide_set_defaults(&ch->device[i], hardware);
        ide_busy(&ch->device[i], end_reset, IDE_RESET_NS);
    }
}

static void ide_control_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct ide_channel *ch = port_channel(dev, port);
    u8 changed = ch->control ^ (u8)value;
    ch->control = (u8)value;
    if (changed & IDE_CONTROL_SRST) {
        if (value & IDE_CONTROL_SRST)
            assert_reset(ch);
        else
            release_reset(ch, false);
    }
    update_irq(ch);
}

/* --- life --- */

static void ide_reset(void *dev)
{
    struct ide *ide = dev;
    for (u32 c = 0; c < IDE_CHANNELS; c++) {
        struct ide_channel *ch = &ide->channel[c];
        ch->control = 0;
        assert_reset(ch);
        release_reset(ch, true);
        update_irq(ch);
    }
}

static int ide_create(struct machine *machine, void **dev)
{
    static const u8 irqs[IDE_CHANNELS] = {14, 15};
    struct ide *ide = calloc(1, sizeof *ide);
    if (!ide)
        return -ENOMEM;
    ide->machine = machine;
    for (u32 c = 0; c < IDE_CHANNELS; c++) {
        struct ide_channel *ch = &ide->channel[c];
        ch->irq = machine->irq[irqs[c]];
        ch->number = (u8)c;
        for (u32 i = 0; i < IDE_DEVICES; i++) {
            struct ide_device *d = &ch->device[i];
            d->channel = ch;
            d->number = (u8)i;
            d->block = machine->config->disk[c * IDE_DEVICES + i];
            clock_event_init(&d->event, &machine->clock, "IDE", run_event, d);
        }
    }
    machine->ide = ide;
    *dev = ide;
    return 0;
}

static void ide_destroy(void *dev)
{
    struct ide *ide = dev;
    for (u32 c = 0; c < IDE_CHANNELS; c++)
        for (u32 i = 0; i < IDE_DEVICES; i++)
            clock_event_disarm(&ide->channel[c].device[i].event);
    ide->machine->ide = NULL;
    free(ide);
}

/* clang-format off */
#define IDE_ROW(channel, what, port, read, write)                                                            \
    {.first = (port), .count = 1, .width = BUS_8, .name = channel " " what, .in = (read), .out = (write)}

#define IDE_DATA_ROW(channel, port)                                                                          \
    {.first = (port), .count = 1, .width = BUS_8 | BUS_16 | BUS_32, .name = channel " data",                 \
     .in = ide_data_in, .out = ide_data_out, .in_run = ide_data_in_run, .out_run = ide_data_out_run}

#define IDE_POLLED_ROW(channel, what, port, ask, read, write)                                                \
    {.first = (port), .count = 1, .width = BUS_8, .name = channel " " what, .in = (read), .out = (write),    \
     .poll = (ask)}

#define IDE_ROWS(channel, base, control)                                                                     \
    IDE_DATA_ROW(channel, (base)),                                                                           \
    IDE_ROW(channel, "error/features", (base) + 1, ide_register_in, ide_register_out),                       \
    IDE_ROW(channel, "sector count", (base) + 2, ide_register_in, ide_register_out),                         \
    IDE_ROW(channel, "sector number", (base) + 3, ide_register_in, ide_register_out),                        \
    IDE_ROW(channel, "cylinder low", (base) + 4, ide_register_in, ide_register_out),                         \
    IDE_ROW(channel, "cylinder high", (base) + 5, ide_register_in, ide_register_out),                        \
    IDE_ROW(channel, "device/head", (base) + 6, ide_register_in, ide_device_head_out),                       \
    IDE_POLLED_ROW(channel, "status/command", (base) + 7, ide_status_poll, ide_status_in, ide_command_out),  \
    IDE_POLLED_ROW(channel, "alternate status/control", (control), ide_alternate_status_poll,                \
                   ide_alternate_status_in, ide_control_out)

static const struct bus_port ide_ports[] = {
    IDE_ROWS("IDE0", 0x1f0, 0x3f6),
    IDE_ROWS("IDE1", 0x170, 0x376),
};
/* clang-format on */

/* The functions that a device may wait for, from 1: the resets, then the commands'. */
static ide_step step_of(u32 n)
{
    return n == 1 ? end_reset : n == 2 ? end_diagnostic : n > 2 ? ide_command_step(n - 3) : NULL;
}

static void step_state(ide_step *step, bool waits, struct state *s)
{
    u32 n = 0;
    for (u32 i = 1; waits && !s->loading && !n && step_of(i); i++)
        n = step_of(i) == *step ? i : 0;
    state_u32(s, &n);
    if (!s->loading)
        return;
    *step = step_of(n);
    state_check(s, !waits || *step, "the next step of a command");
}

static void registers_state(struct ide_registers *reg, struct state *s)
{
    state_u8(s, &reg->features);
    state_u8(s, &reg->error);
    state_u8(s, &reg->sector_count);
    state_u8(s, &reg->sector_number);
    state_u8(s, &reg->cylinder_low);
    state_u8(s, &reg->cylinder_high);
    state_u8(s, &reg->device_head);
}

static void settings_state(struct ide_device *d, struct state *s)
{
    state_u32_in(s, &d->geometry.cylinders, 1, 0xffff, "the cylinders");
    state_u32_in(s, &d->geometry.heads, 1, IDE_DH_HEAD + 1, "the heads");
    state_u32_in(s, &d->geometry.sectors, 1, 0xff, "the sectors of a track");
    state_u8_in(s, &d->multiple, 0, IDE_MAX_MULTIPLE, "the sectors of a block");
    state_u8_in(s, &d->power, IDE_POWER_ACTIVE, IDE_POWER_SLEEP, "the power mode");
    state_bool(s, &d->write_cache);
    state_bool(s, &d->look_ahead);
    state_bool(s, &d->keep_settings);
}

/* What registers can name, whether the disk has it or not, and a transfer more. */
#define IDE_MAX_LBA ((1ull << 28) + 256)

/* What moving words relies on: whole ones, and some left while DRQ is set. A diagnostic leaves a block behind without DRQ. */
static bool block_is_possible(const struct ide_device *d)
{
    return d->index <= d->end && !(d->index % BUS_16) && !(d->end % BUS_16) &&
           (d->index < d->end || !(d->status & IDE_STATUS_DRQ));
}

static void device_state(struct ide_device *d, struct state *s)
{
    state_u8(s, &d->status);
    state_bool(s, &d->intrq);
    registers_state(&d->reg, s);
    settings_state(d, s);
    clock_event_state(&d->event, s);
    step_state(&d->next, d->event.armed, s);
    state_u64_in(s, &d->looked_ns, 0, CLOCK_STATE_MAX_NS, "the time of looks");
    state_u64_in(s, &d->lba, 0, IDE_MAX_LBA, "the next sector");
    state_u32_in(s, &d->sectors_left, 0, 256, "the sectors left");
    state_u32_in(s, &d->block_sectors, 0, IDE_MAX_MULTIPLE, "the sectors of a block");
    state_u32_in(s, &d->index, 0, sizeof d->buffer, "the buffer");
    state_u32_in(s, &d->end, 0, sizeof d->buffer, "the buffer");
    state_check(s, block_is_possible(d), "the buffer");
    step_state(&d->data_moved, d->status & IDE_STATUS_DRQ, s);
    state_bool(s, &d->to_host);
    state_bytes(s, d->buffer, sizeof d->buffer);
}

static void ide_state(void *dev, struct state *s)
{
    struct ide *ide = dev;
    for (u32 c = 0; c < IDE_CHANNELS; c++) {
        struct ide_channel *ch = &ide->channel[c];
        state_u8_in(s, &ch->selected, 0, IDE_DEVICES - 1, "the selected device");
        state_u8(s, &ch->control);
        for (u32 i = 0; i < IDE_DEVICES; i++)
            if (ch->device[i].block)
                device_state(&ch->device[i], s);
    }
}

const struct dev_class ide_class = {
    .name = "ide",
    .ports = ide_ports,
    .n_ports = ARRAY_LEN(ide_ports),
    .create = ide_create,
    .reset = ide_reset,
    .destroy = ide_destroy,
    .state = ide_state,
};
