/* The DP8390D's registers and commands, its interrupt, and the card around it. Data sheet section 10; page
 * numbers there.
 *
 * The card exists only in a machine that has a network; its ports are where the configuration says, so its
 * rows on the bus live in the object. LIMIT: the four bytes that page 3 would be are for the chip's makers:
 * they read as ones. */
#include "dev/ne2000.h"

#include "base/log.h"
#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { OFFSET_DATA = 0x10, OFFSET_RESET = 0x18, REGISTERS = 0x10 };

static void update_irq(struct ne2000 *nic)
{
    irq_set(&nic->irq, nic->isr & nic->imr & ISR_INTERRUPTS);
}

void ne2000_raise(struct ne2000 *nic, u8 isr)
{
    nic->isr |= isr;
    update_irq(nic);
}

void ne2000_count(struct ne2000 *nic, enum ne2000_counter counter)
{
    if (nic->counter[counter] < COUNTER_MAX)
        nic->counter[counter]++;
    if (nic->counter[counter] & COUNTER_INTERRUPT)
        ne2000_raise(nic, ISR_CNT);
}

/* --- the command register --- */

/* The reset state. A transmission in progress is finished first. */
static void stop(struct ne2000 *nic)
{
    nic->command |= CR_STP; /* STA stays as it was */
    nic->remote = REMOTE_IDLE;
    if (!nic->sending)
        nic->isr |= ISR_RST;
}

static void start(struct ne2000 *nic)
{
    nic->command = (u8)((nic->command & ~CR_STP) | CR_STA);
    nic->isr &= (u8)~ISR_RST;
}

static void remote_command(struct ne2000 *nic, u8 rd)
{
    if (rd & CR_RD_ABORT)
        nic->remote = REMOTE_IDLE;
    else if (rd == CR_RD_READ)
        ne2000_remote_start(nic, REMOTE_READ);
    else if (rd == CR_RD_WRITE)
        ne2000_remote_start(nic, REMOTE_WRITE);
    else if (rd == CR_RD_SEND)
        ne2000_remote_start(nic, REMOTE_SEND);
}

static void write_command(struct ne2000 *nic, u8 value)
{
    u8 kept = nic->command & (CR_STP | CR_STA | CR_TXP);
    u8 rd = value & CR_RD ? value & CR_RD : nic->command & CR_RD; /* 000 is not allowed */
    nic->command = (u8)((value & CR_PS) | rd | kept);
    if (value & CR_STP)
        stop(nic);
    else if (value & CR_STA)
        start(nic);
    if (value & CR_RD)
        remote_command(nic, rd);
    if ((value & CR_TXP) && ne2000_runs(nic))
        ne2000_send(nic);
}

/* --- reading --- */

static u8 read_counter(struct ne2000 *nic, u32 n)
{
    u8 value = nic->counter[n];
    nic->counter[n] = 0;
    return value;
}

static u8 read_fifo(struct ne2000 *nic)
{
    u8 value = nic->fifo[nic->fifo_at];
    nic->fifo_at = (nic->fifo_at + 1) % NE2000_FIFO_BYTES;
    return value;
}

static u8 read_page0(struct ne2000 *nic, u32 offset)
{
    switch (offset) {
    case P0_CLDA0:
        return (u8)nic->clda;
    case P0_CLDA1:
        return (u8)(nic->clda >> 8);
    case P0_BNRY:
        return nic->bnry;
    case P0_TSR:
        return nic->tsr;
    case P0_NCR:
        return 0; /* collisions */
    case P0_FIFO:
        return read_fifo(nic);
    case P0_ISR:
        return nic->isr;
    case P0_CRDA0:
        return (u8)nic->rsar;
    case P0_CRDA1:
        return (u8)(nic->rsar >> 8);
    case P0_RSR:
        return nic->rsr | (nic->rcr & RCR_MON ? RSR_DIS : 0);
    case P0_CNTR0:
    case P0_CNTR1:
    case P0_CNTR2:
        return read_counter(nic, offset - P0_CNTR0);
    default:
        return 0xff;
    }
}

static u8 read_page1(const struct ne2000 *nic, u32 offset)
{
    if (offset == P1_CURR)
        return nic->curr;
    return offset < P1_CURR ? nic->par[offset - P1_PAR0] : nic->mar[offset - P1_MAR0];
}

static u8 read_page2(const struct ne2000 *nic, u32 offset)
{
    switch (offset) {
    case P2_PSTART:
        return nic->pstart;
    case P2_PSTOP:
        return nic->pstop;
    case P2_REMOTE_NEXT:
        return nic->remote_next;
    case P2_TPSR:
        return nic->tpsr;
    case P2_LOCAL_NEXT:
        return nic->local_next;
    case P2_ADDRESS1:
        return (u8)(nic->address >> 8);
    case P2_ADDRESS0:
        return (u8)nic->address;
    case P2_RCR:
        return nic->rcr;
    case P2_TCR:
        return nic->tcr;
    case P2_DCR:
        return nic->dcr;
    case P2_IMR:
        return nic->imr;
    default:
        return 0xff;
    }
}

static u8 page_of(const struct ne2000 *nic)
{
    return nic->command >> CR_PS_SHIFT;
}

static u32 register_in(void *dev, u16 port, u8 size)
{
    struct ne2000 *nic = dev;
    u32 offset = (u32)(port - nic->io);
    (void)size;
    if (!offset)
        return nic->command;
    switch (page_of(nic)) {
    case 0:
        return read_page0(nic, offset);
    case 1:
        return read_page1(nic, offset);
    case 2:
        return read_page2(nic, offset);
    default:
        return 0xff;
    }
}

/* CR, ISR and CURR: reading them changes nothing, and only an event or a frame changes them. */
static bool register_poll(void *dev, u16 port, struct bus_poll *poll)
{
    bus_poll_constant(poll, (u8)register_in(dev, port, BUS_8));
    return true;
}

/* --- writing --- */

static void set_low(u16 *value, u8 byte)
{
    *value = (u16)((*value & 0xff00) | byte);
}

static void set_high(u16 *value, u8 byte)
{
    *value = (u16)((*value & 0x00ff) | byte << 8);
}

/* Frames have been taken out of the ring. */
static void write_boundary(struct ne2000 *nic, u8 value)
{
    nic->bnry = value;
    nic->ring_full = false;
    if (!(nic->command & CR_STP))
        nic->isr &= (u8)~ISR_RST;
}

static void write_interrupts(struct ne2000 *nic, u8 value)
{
    nic->isr &= (u8) ~(value & ISR_INTERRUPTS);
    update_irq(nic);
}

static void write_page0(struct ne2000 *nic, u32 offset, u8 value)
{
    switch (offset) {
    case P0_PSTART:
        nic->pstart = value;
        break;
    case P0_PSTOP:
        nic->pstop = value;
        break;
    case P0_BNRY:
        write_boundary(nic, value);
        break;
    case P0_TPSR:
        nic->tpsr = value;
        break;
    case P0_TBCR0:
        set_low(&nic->tbcr, value);
        break;
    case P0_TBCR1:
        set_high(&nic->tbcr, value);
        break;
    case P0_ISR:
        write_interrupts(nic, value);
        break;
    case P0_RSAR0:
        set_low(&nic->rsar, value);
        break;
    case P0_RSAR1:
        set_high(&nic->rsar, value);
        break;
    case P0_RBCR0:
        set_low(&nic->rbcr, value);
        break;
    case P0_RBCR1:
        set_high(&nic->rbcr, value);
        break;
    case P0_RCR:
        nic->rcr = value & RCR_BITS;
        break;
    case P0_TCR:
        nic->tcr = value & TCR_BITS;
        ne2000_transmit_config(nic);
        break;
    case P0_DCR:
        nic->dcr = value;
        break;
    default:
        nic->imr = value & ISR_INTERRUPTS;
        update_irq(nic);
        break;
    }
}

static void write_page1(struct ne2000 *nic, u32 offset, u8 value)
{
    if (offset == P1_CURR) {
        nic->curr = value;
        nic->ring_full = false;
    } else if (offset < P1_CURR) {
        nic->par[offset - P1_PAR0] = value;
    } else {
        nic->mar[offset - P1_MAR0] = value;
    }
}

static void write_page2(struct ne2000 *nic, u32 offset, u8 value)
{
    switch (offset) {
    case P2_CLDA0:
        set_low(&nic->clda, value);
        break;
    case P2_CLDA1:
        set_high(&nic->clda, value);
        break;
    case P2_REMOTE_NEXT:
        nic->remote_next = value;
        break;
    case P2_LOCAL_NEXT:
        nic->local_next = value;
        break;
    case P2_ADDRESS1:
        set_high(&nic->address, value);
        break;
    case P2_ADDRESS0:
        set_low(&nic->address, value);
        break;
    default:
        break;
    }
}

static void register_out(void *dev, u16 port, u8 size, u32 value)
{
    struct ne2000 *nic = dev;
    u32 offset = (u32)(port - nic->io);
    (void)size;
    if (!offset)
        write_command(nic, (u8)value);
    else if (page_of(nic) == 0)
        write_page0(nic, offset, (u8)value);
    else if (page_of(nic) == 1)
        write_page1(nic, offset, (u8)value);
    else if (page_of(nic) == 2)
        write_page2(nic, offset, (u8)value);
}

/* --- reset --- */

/* Data sheet 11.0: these bits, and no others. */
static void hardware_reset(struct ne2000 *nic)
{
    clock_event_disarm(&nic->send_event);
    nic->sending = nic->held = nic->transmitter_off = false;
    nic->remote = REMOTE_IDLE;
    nic->command = CR_STP | CR_RD_ABORT;
    nic->isr |= ISR_RST;
    nic->imr = 0;
    nic->dcr |= DCR_LAS;
    nic->tcr &= (u8)~TCR_LB;
    update_irq(nic);
}

static u32 reset_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    hardware_reset(dev);
    return 0xff;
}

/* The end of the reset pulse. */
static void reset_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)dev, (void)port, (void)size, (void)value;
}

static void ne2000_reset(void *dev)
{
    if (dev)
        hardware_reset(dev);
}

/* --- life --- */

static void fill_prom(struct ne2000 *nic)
{
    enum { SIGNATURE = 'W', SIGNATURE_AT = 14 };
    /* Eight bits wide on a bus of sixteen: each byte is there twice. */
    for (u32 i = 0; i < NE2000_PROM_BYTES; i++) {
        u32 at = i / 2;
        nic->prom[i] = at < NET_MAC_BYTES ? nic->net->config.mac[at] : at >= SIGNATURE_AT ? SIGNATURE : 0;
    }
}

static void add_rows(struct ne2000 *nic)
{
    static const struct bus_port rows[NE2000_ROWS] = {
        {.first = 0,
         .count = 1,
         .width = BUS_8,
         .name = "NE2000 command",
         .in = register_in,
         .out = register_out,
         .poll = register_poll},
        {.first = 1,
         .count = 6,
         .width = BUS_8,
         .name = "NE2000 register",
         .in = register_in,
         .out = register_out},
        {.first = P0_ISR,
         .count = 1,
         .width = BUS_8,
         .name = "NE2000 interrupts/CURR",
         .in = register_in,
         .out = register_out,
         .poll = register_poll},
        {.first = 8,
         .count = 8,
         .width = BUS_8,
         .name = "NE2000 register",
         .in = register_in,
         .out = register_out},
        {.first = OFFSET_DATA,
         .count = OFFSET_RESET - OFFSET_DATA,
         .width = BUS_8 | BUS_16 | BUS_32,
         .name = "NE2000 data",
         .in = ne2000_data_in,
         .out = ne2000_data_out,
         .in_run = ne2000_data_in_run,
         .out_run = ne2000_data_out_run},
        {.first = OFFSET_RESET,
         .count = 8,
         .width = BUS_8,
         .name = "NE2000 reset",
         .in = reset_in,
         .out = reset_out},
    };
    for (u32 i = 0; i < NE2000_ROWS; i++) {
        nic->row[i] = rows[i];
        nic->row[i].first = (u16)(nic->row[i].first + nic->io);
    }
    bus_add_ports(&nic->machine->bus, nic->row, NE2000_ROWS, nic);
}

static int ne2000_create(struct machine *machine, void **dev)
{
    *dev = NULL;
    if (!machine->config->net)
        return 0;
    struct ne2000 *nic = calloc(1, sizeof *nic);
    if (!nic)
        return -ENOMEM;
    nic->machine = machine;
    nic->net = machine->config->net;
    nic->irq = machine->irq[nic->net->config.irq];
    nic->io = nic->net->config.io;
    fill_prom(nic);
    ne2000_wire_init(nic);
    add_rows(nic);
    machine->ne2000 = nic;
    *dev = nic;
    return 0;
}

static void ne2000_destroy(void *dev)
{
    struct ne2000 *nic = dev;
    if (!nic)
        return;
    clock_event_disarm(&nic->send_event);
    clock_event_disarm(&nic->receive_event);
    nic->machine->ne2000 = NULL;
    free(nic);
}

/* --- state --- */

static void registers_state(struct ne2000 *nic, struct state *s)
{
    u8 *const bytes[] = {&nic->command, &nic->isr,  &nic->imr,  &nic->dcr,         &nic->tcr,
                         &nic->rcr,     &nic->tsr,  &nic->rsr,  &nic->pstart,      &nic->pstop,
                         &nic->bnry,    &nic->curr, &nic->tpsr, &nic->remote_next, &nic->local_next};
    u16 *const words[] = {&nic->tbcr, &nic->clda,      &nic->address,   &nic->rsar,
                          &nic->rbcr, &nic->send_from, &nic->send_bytes};
    for (u32 i = 0; i < ARRAY_LEN(bytes); i++)
        state_u8(s, bytes[i]);
    for (u32 i = 0; i < ARRAY_LEN(words); i++)
        state_u16(s, words[i]);
    state_bytes(s, nic->par, sizeof nic->par);
    state_bytes(s, nic->mar, sizeof nic->mar);
    for (u32 i = 0; i < COUNTERS; i++)
        state_u8_in(s, &nic->counter[i], 0, COUNTER_MAX, "a tally counter");
}

static void ne2000_state(void *dev, struct state *s)
{
    struct ne2000 *nic = dev;
    if (!nic)
        return;
    registers_state(nic, s);
    state_bool(s, &nic->ring_full);
    STATE_ENUM(s, nic->remote, REMOTE_KINDS, "the remote DMA");
    state_bytes(s, nic->fifo, sizeof nic->fifo);
    state_u8_in(s, &nic->fifo_at, 0, NE2000_FIFO_BYTES - 1, "the FIFO");
    state_bool(s, &nic->sending);
    state_bool(s, &nic->held);
    state_bool(s, &nic->transmitter_off);
    state_bool(s, &nic->deferred);
    state_bool(s, &nic->receiving);
    state_u64_in(s, &nic->line_free_ns, 0, CLOCK_STATE_MAX_NS, "the wire");
    clock_event_state(&nic->send_event, s);
    clock_event_state(&nic->receive_event, s);
    state_check(s, nic->sending == nic->send_event.armed, "the transmitter");
    state_bytes(s, nic->ram, sizeof nic->ram);
    net_state(nic->net, s);
    if (s->loading && !s->failed)
        ne2000_look(nic); /* what the peer has had to wait with */
}

const struct dev_class ne2000_class = {
    .name = "ne2000",
    .create = ne2000_create,
    .reset = ne2000_reset,
    .destroy = ne2000_destroy,
    .state = ne2000_state,
};
