/* The two 8237A controllers (ports 00h-0Fh, and C0h-DFh with one address line left out) and the 74LS612 page
 * registers (81h-8Fh; port 80h belongs to the diagnostic port). Intel 8237A data sheet; IBM PC AT Technical
 * Reference, "DMA controller".
 * Invariants: `address` and `count` are 16-bit and in the channel's own unit; the page never changes during a
 * transfer, so addresses wrap within 64 KiB (128 KiB on the word channels).
 * LIMIT: memory-to-memory transfers (command bit 0) do not happen; the AT's page registers make them
 * useless. */
#include "dev/dma.h"

#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DMA_CHANNELS = 8, DMA_CONTROLLERS = 2, CHANNELS_EACH = 4, CASCADE_CHANNEL = 4 };

enum dma_command { COMMAND_DISABLE = 1 << 2 };

enum dma_mode {
    MODE_CHANNEL = 3,
    MODE_TRANSFER = 3 << 2,
    MODE_TRANSFER_VERIFY = 0 << 2,
    MODE_TRANSFER_WRITE = 1 << 2, /* to memory */
    MODE_TRANSFER_READ = 2 << 2,
    MODE_AUTO_INIT = 1 << 4,
    MODE_DECREMENT = 1 << 5,
    MODE_SERVICE = 3 << 6,
    MODE_SERVICE_BLOCK = 2 << 6,
    MODE_SERVICE_CASCADE = 3 << 6,
};

enum { REQUEST_CHANNEL = 3, REQUEST_SET = 1 << 2, MASK_ALL = 0x0f };

struct dma_channel {
    u16 base_address, address;
    u16 base_count, count; /* units minus one */
    u8 mode;               /* enum dma_mode; the low two bits are not kept */
};

struct dma_controller {
    u8 command;
    u8 mask;            /* bit per channel */
    u8 request;         /* software requests */
    u8 dreq;            /* lines */
    u8 terminal_counts; /* since the status register was last read */
    bool high_byte;     /* the byte pointer flip-flop */
};

struct dma {
    struct machine *machine;
    struct dma_channel channel[DMA_CHANNELS];
    struct dma_controller controller[DMA_CONTROLLERS];
    u8 page[16]; /* by the low four bits of the port */
};

/* Which page register serves a channel: the 74LS612's inputs are the DACK lines, encoded. */
static const u8 page_of_channel[DMA_CHANNELS] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

static bool port_is_second(u16 port)
{
    return port >= 0xc0;
}

/* Register number 0-15 of a port of either controller. */
static u8 port_register(u16 port)
{
    return port_is_second(port) ? (port - 0xc0) >> 1 : (u8)port;
}

static struct dma_controller *port_controller(struct dma *dma, u16 port)
{
    return &dma->controller[port_is_second(port)];
}

static struct dma_channel *port_channel(struct dma *dma, u16 port)
{
    return &dma->channel[(port_is_second(port) ? CHANNELS_EACH : 0) + port_register(port) / 2];
}

/* --- moving --- */

/* Channels 0-3 reach the processor through channel 4. */
static bool channel_ready(const struct dma *dma, u8 channel)
{
    const struct dma_controller *c = &dma->controller[channel / CHANNELS_EACH];
    if ((c->command & COMMAND_DISABLE) || (c->mask & BIT(channel % CHANNELS_EACH)))
        return false;
    if ((dma->channel[channel].mode & MODE_SERVICE) == MODE_SERVICE_CASCADE)
        return false;
    const struct dma_controller *second = &dma->controller[1];
    return channel >= CASCADE_CHANNEL || (!(second->command & COMMAND_DISABLE) && !(second->mask & BIT(0)));
}

static u32 channel_gpa(const struct dma *dma, u8 channel)
{
    u32 page = dma->page[page_of_channel[channel]];
    u32 address = dma->channel[channel].address;
    /* Word channels drive A1-A16; the page's lowest bit is not used. */
    return channel < CASCADE_CHANNEL ? page << 16 | address : (page & 0xfe) << 16 | address << 1;
}

/* Bytes outside RAM: nobody latches writes, reads float high. */
static void move_span(struct dma *dma, u32 gpa, u8 *buf, u32 bytes, enum dma_direction dir)
{
    struct memory *mem = &dma->machine->memory;
    if (dir == DMA_TO_MEMORY) {
        bool ok = memory_write(mem, gpa, buf, bytes);
        (void)ok;
    } else if (!memory_read(mem, gpa, buf, bytes)) {
        memset(buf, 0xff, bytes);
    }
}

/* Moves `units` that neither wrap nor pass terminal count. Ascending addresses go as one copy. */
static void move_units(struct dma *dma, u8 channel, u8 *buf, u32 units, enum dma_direction dir)
{
    struct dma_channel *ch = &dma->channel[channel];
    u32 unit_bytes = channel < CASCADE_CHANNEL ? 1 : 2;
    u8 transfer = ch->mode & MODE_TRANSFER;
    bool moves = transfer == (dir == DMA_TO_MEMORY ? MODE_TRANSFER_WRITE : MODE_TRANSFER_READ);
    if (!moves && dir == DMA_FROM_MEMORY)
        memset(buf, 0xff, (size_t)units * unit_bytes);
    if (!(ch->mode & MODE_DECREMENT)) {
        if (moves)
            move_span(dma, channel_gpa(dma, channel), buf, units * unit_bytes, dir);
        ch->address = (u16)(ch->address + units);
        return;
    }
    for (u32 i = 0; i < units; i++, ch->address--)
        if (moves)
            move_span(dma, channel_gpa(dma, channel), buf + (size_t)i * unit_bytes, unit_bytes, dir);
}

/* What happens to the registers when the word count passes from 0 to FFFFh. */
static void reach_terminal_count(struct dma *dma, u8 channel)
{
    struct dma_controller *c = &dma->controller[channel / CHANNELS_EACH];
    struct dma_channel *ch = &dma->channel[channel];
    u8 bit = (u8)BIT(channel % CHANNELS_EACH);
    c->terminal_counts |= bit;
    c->request &= (u8)~bit;
    if (ch->mode & MODE_AUTO_INIT) {
        ch->address = ch->base_address;
        ch->count = ch->base_count;
    } else {
        c->mask |= bit;
    }
}

/* Up to `units`, stopping at terminal count. */
static u32 transfer_units(struct dma *dma, u8 channel, u8 *buf, u32 units, enum dma_direction dir, bool *tc)
{
    struct dma_channel *ch = &dma->channel[channel];
    u32 unit_bytes = channel < CASCADE_CHANNEL ? 1 : 2;
    u32 done = 0;
    *tc = false;
    while (done < units && !*tc) {
        u32 to_wrap = (ch->mode & MODE_DECREMENT) ? ch->address + 1u : 0x10000u - ch->address;
        u32 run = MIN(MIN(units - done, ch->count + 1u), to_wrap);
        move_units(dma, channel, buf + (size_t)done * unit_bytes, run, dir);
        *tc = run == ch->count + 1u;
        ch->count = (u16)(ch->count - run);
        done += run;
    }
    if (*tc)
        reach_terminal_count(dma, channel);
    return done;
}

u32 dma_transfer(struct dma *dma, u8 channel, enum dma_direction dir, void *buf, u32 bytes,
                 bool *terminal_count)
{
    *terminal_count = false;
    if (channel >= DMA_CHANNELS || channel == CASCADE_CHANNEL || !channel_ready(dma, channel))
        return 0;
    u32 unit_bytes = channel < CASCADE_CHANNEL ? 1 : 2;
    return transfer_units(dma, channel, buf, bytes / unit_bytes, dir, terminal_count) * unit_bytes;
}

void dma_set_dreq(struct dma *dma, u8 channel, bool level)
{
    u8 *dreq = &dma->controller[channel / CHANNELS_EACH].dreq;
    u8 bit = (u8)BIT(channel % CHANNELS_EACH);
    *dreq = level ? *dreq | bit : *dreq & (u8)~bit;
}

/* A software request (block service only, not maskable) runs to terminal count with no device on the data
 * bus. */
static void run_software_request(struct dma *dma, u8 channel)
{
    struct dma_channel *ch = &dma->channel[channel];
    const struct dma_controller *c = &dma->controller[channel / CHANNELS_EACH];
    if ((ch->mode & MODE_SERVICE) != MODE_SERVICE_BLOCK || (c->command & COMMAND_DISABLE) ||
        channel == CASCADE_CHANNEL)
        return;
    bool tc = false;
    while (!tc) {
        u8 floating[512];
        memset(floating, 0xff, sizeof floating);
        enum dma_direction dir =
            (ch->mode & MODE_TRANSFER) == MODE_TRANSFER_READ ? DMA_FROM_MEMORY : DMA_TO_MEMORY;
        transfer_units(dma, channel, floating, sizeof floating / 2, dir, &tc);
    }
}

/* --- registers --- */

/* Address and count are 16-bit behind 8-bit ports: one flip-flop per controller picks the half. */
static u8 read_half(struct dma_controller *c, u16 value)
{
    bool high = c->high_byte;
    c->high_byte = !high;
    return (u8)(high ? value >> 8 : value);
}

static u16 write_half(struct dma_controller *c, u16 old, u8 value)
{
    bool high = c->high_byte;
    c->high_byte = !high;
    return high ? (u16)((old & 0x00ff) | value << 8) : (u16)((old & 0xff00) | value);
}

static u32 dma_address_in(void *dev, u16 port, u8 size)
{
    (void)size;
    struct dma *dma = dev;
    return read_half(port_controller(dma, port), port_channel(dma, port)->address);
}

static void dma_address_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct dma *dma = dev;
    struct dma_channel *ch = port_channel(dma, port);
    ch->base_address = write_half(port_controller(dma, port), ch->base_address, (u8)value);
    ch->address = ch->base_address;
}

static u32 dma_count_in(void *dev, u16 port, u8 size)
{
    (void)size;
    struct dma *dma = dev;
    return read_half(port_controller(dma, port), port_channel(dma, port)->count);
}

static void dma_count_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct dma *dma = dev;
    struct dma_channel *ch = port_channel(dma, port);
    ch->base_count = write_half(port_controller(dma, port), ch->base_count, (u8)value);
    ch->count = ch->base_count;
}

static u32 dma_status_in(void *dev, u16 port, u8 size)
{
    (void)size;
    struct dma_controller *c = port_controller(dev, port);
    u8 status = (u8)((c->request | c->dreq) << 4) | c->terminal_counts;
    c->terminal_counts = 0;
    return status;
}

static void dma_command_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    port_controller(dev, port)->command = (u8)value;
}

static void dma_request_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct dma *dma = dev;
    struct dma_controller *c = port_controller(dma, port);
    u8 n = value & REQUEST_CHANNEL;
    if (!(value & REQUEST_SET)) {
        c->request &= (u8)~BIT(n);
        return;
    }
    c->request |= (u8)BIT(n);
    run_software_request(dma, (port_is_second(port) ? CHANNELS_EACH : 0) + n);
}

static void dma_single_mask_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct dma_controller *c = port_controller(dev, port);
    u8 bit = (u8)BIT(value & REQUEST_CHANNEL);
    c->mask = (value & REQUEST_SET) ? c->mask | bit : c->mask & (u8)~bit;
}

static void dma_mode_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct dma *dma = dev;
    u8 n = (u8)((port_is_second(port) ? CHANNELS_EACH : 0) + (value & MODE_CHANNEL));
    dma->channel[n].mode = (u8)(value & ~(u32)MODE_CHANNEL);
}

static void dma_clear_flip_flop_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size, (void)value;
    port_controller(dev, port)->high_byte = false;
}

/* The temporary register only ever holds memory-to-memory data. */
static u32 dma_temporary_in(void *dev, u16 port, u8 size)
{
    (void)dev, (void)port, (void)size;
    return 0;
}

static void controller_clear(struct dma_controller *c)
{
    u8 dreq = c->dreq; /* a line of the devices, not a register */
    *c = (struct dma_controller){.mask = MASK_ALL, .dreq = dreq};
}

static void dma_master_clear_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size, (void)value;
    controller_clear(port_controller(dev, port));
}

static void dma_clear_mask_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size, (void)value;
    port_controller(dev, port)->mask = 0;
}

static void dma_all_mask_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    port_controller(dev, port)->mask = value & MASK_ALL;
}

static u32 dma_page_in(void *dev, u16 port, u8 size)
{
    (void)size;
    struct dma *dma = dev;
    return dma->page[port & 0xf];
}

static void dma_page_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)size;
    struct dma *dma = dev;
    dma->page[port & 0xf] = (u8)value;
}

/* --- life --- */

static void dma_reset(void *dev)
{
    struct dma *dma = dev;
    for (u32 i = 0; i < DMA_CONTROLLERS; i++)
        controller_clear(&dma->controller[i]);
    memset(dma->channel, 0, sizeof dma->channel);
    memset(dma->page, 0, sizeof dma->page);
}

static int dma_create(struct machine *machine, void **dev)
{
    struct dma *dma = calloc(1, sizeof *dma);
    if (!dma)
        return -ENOMEM;
    dma->machine = machine;
    machine->dma = dma;
    *dev = dma;
    return 0;
}

static void dma_destroy(void *dev)
{
    struct dma *dma = dev;
    dma->machine->dma = NULL;
    free(dma);
}

/* clang-format off */
#define CHANNEL_ROWS(controller, channel, at, step)                                                          \
    {.first = (at), .count = (step), .width = BUS_8, .name = controller " channel " channel " address",      \
     .in = dma_address_in, .out = dma_address_out},                                                          \
    {.first = (at) + (step), .count = (step), .width = BUS_8,                                                \
     .name = controller " channel " channel " count",                                                        \
     .in = dma_count_in, .out = dma_count_out}

#define CONTROLLER_ROW(controller, what, at, step, read, write)                                              \
    {.first = (at), .count = (step), .width = BUS_8, .name = controller " " what,                            \
     .in = (read), .out = (write)}

/* The second controller does not decode A0: each register answers at two ports. */
#define CONTROLLER_ROWS(controller, at, step)                                                                \
    CONTROLLER_ROW(controller, "status/command", (at), step, dma_status_in, dma_command_out),                \
    CONTROLLER_ROW(controller, "request", (at) + 1 * (step), step, NULL, dma_request_out),                   \
    CONTROLLER_ROW(controller, "single mask", (at) + 2 * (step), step, NULL, dma_single_mask_out),           \
    CONTROLLER_ROW(controller, "mode", (at) + 3 * (step), step, NULL, dma_mode_out),                         \
    CONTROLLER_ROW(controller, "clear flip-flop", (at) + 4 * (step), step, NULL, dma_clear_flip_flop_out),   \
    CONTROLLER_ROW(controller, "temporary/master clear", (at) + 5 * (step), step, dma_temporary_in,          \
                   dma_master_clear_out),                                                                    \
    CONTROLLER_ROW(controller, "clear mask", (at) + 6 * (step), step, NULL, dma_clear_mask_out),             \
    CONTROLLER_ROW(controller, "all mask", (at) + 7 * (step), step, NULL, dma_all_mask_out)

#define PAGE_ROW(what, at, n)                                                                                \
    {.first = (at), .count = (n), .width = BUS_8, .name = "DMA page " what, .in = dma_page_in,               \
     .out = dma_page_out}

static const struct bus_port dma_ports[] = {
    CHANNEL_ROWS("DMA1", "0", 0x00, 1),
    CHANNEL_ROWS("DMA1", "1", 0x02, 1),
    CHANNEL_ROWS("DMA1", "2", 0x04, 1),
    CHANNEL_ROWS("DMA1", "3", 0x06, 1),
    CONTROLLER_ROWS("DMA1", 0x08, 1),
    CHANNEL_ROWS("DMA2", "4", 0xc0, 2),
    CHANNEL_ROWS("DMA2", "5", 0xc4, 2),
    CHANNEL_ROWS("DMA2", "6", 0xc8, 2),
    CHANNEL_ROWS("DMA2", "7", 0xcc, 2),
    CONTROLLER_ROWS("DMA2", 0xd0, 2),
    PAGE_ROW("channel 2", 0x81, 1),
    PAGE_ROW("channel 3", 0x82, 1),
    PAGE_ROW("channel 1", 0x83, 1),
    PAGE_ROW("scratch 84h-86h", 0x84, 3),
    PAGE_ROW("channel 0", 0x87, 1),
    PAGE_ROW("scratch 88h", 0x88, 1),
    PAGE_ROW("channel 6", 0x89, 1),
    PAGE_ROW("channel 7", 0x8a, 1),
    PAGE_ROW("channel 5", 0x8b, 1),
    PAGE_ROW("scratch 8Ch-8Eh", 0x8c, 3),
    PAGE_ROW("refresh", 0x8f, 1),
};
/* clang-format on */

static void dma_state(void *dev, struct state *s)
{
    struct dma *dma = dev;
    for (u32 i = 0; i < DMA_CHANNELS; i++) {
        struct dma_channel *ch = &dma->channel[i];
        state_u16(s, &ch->base_address);
        state_u16(s, &ch->address);
        state_u16(s, &ch->base_count);
        state_u16(s, &ch->count);
        state_u8(s, &ch->mode);
    }
    for (u32 i = 0; i < DMA_CONTROLLERS; i++) {
        struct dma_controller *c = &dma->controller[i];
        state_u8(s, &c->command);
        state_u8_bits(s, &c->mask, MASK_ALL, "a mask");
        state_u8_bits(s, &c->request, MASK_ALL, "a request");
        state_u8_bits(s, &c->dreq, MASK_ALL, "a request line");
        state_u8_bits(s, &c->terminal_counts, MASK_ALL, "a terminal count");
        state_bool(s, &c->high_byte);
    }
    state_bytes(s, dma->page, sizeof dma->page);
}

const struct dev_class dma_class = {
    .name = "dma",
    .ports = dma_ports,
    .n_ports = ARRAY_LEN(dma_ports),
    .create = dma_create,
    .reset = dma_reset,
    .destroy = dma_destroy,
    .state = dma_state,
};
