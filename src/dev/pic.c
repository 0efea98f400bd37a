/* Two 8259A, as the AT wires them: the slave's INT drives the master's IR2. Intel 8259A data sheet
 * (231468).
 *
 * `line` is what the devices drive. In edge mode a rising line sets the edge latch; the latch is the
 * request, and it goes when the request is acknowledged or when the line falls too early: the processor's
 * acknowledge then finds nothing and gets the spurious IR7. In level mode the line itself is the request.
 * Invariant: after every entry point machine->intr is the master's INT pin.
 * LIMIT: MCS-80/85 mode (ICW4 bit 0 clear) answers as 8086 mode does; the buffered mode bits have no
 * effect. */
#include "dev/pic.h"

#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>

enum { PIC_MASTER, PIC_SLAVE, PIC_CHIPS };
enum { PIC_CASCADE_IR = 2, PIC_SPURIOUS_IR = 7, PIC_IRS = 8, PIC_NO_IR = -1 };

/* Data sheet, figures 7 and 8. */
enum pic_icw {
    ICW1_IC4 = BIT(0),
    ICW1_SNGL = BIT(1),
    ICW1_LTIM = BIT(3),
    ICW1_SELECT = BIT(4),
    ICW2_BASE = 0xf8,
    ICW3_SLAVE_ID = 7,
    ICW4_AEOI = BIT(1),
    ICW4_SFNM = BIT(4),
};
enum pic_ocw {
    OCW_SELECT_3 = BIT(3),
    OCW2_LEVEL = 7,
    OCW2_EOI = BIT(5),
    OCW2_SL = BIT(6),
    OCW2_R = BIT(7),
    OCW3_RIS = BIT(0),
    OCW3_RR = BIT(1),
    OCW3_POLL = BIT(2),
    OCW3_SMM = BIT(5),
    OCW3_ESMM = BIT(6),
};

/* Which initialization word the data port expects. */
enum pic_step { STEP_READY, STEP_ICW2, STEP_ICW3, STEP_ICW4 };

struct pic_chip {
    u8 line;  /* IR inputs */
    u8 latch; /* edge latches */
    u8 isr;
    u8 imr;
    u8 icw1;
    u8 base; /* ICW2 */
    u8 icw3; /* master: which inputs have slaves; slave: its ID */
    u8 icw4;
    u8 elcr;   /* inputs that are level triggered */
    u8 lowest; /* the IR with the lowest priority */
    u8 step;   /* enum pic_step */
    bool initialized;
    bool rotate_in_aeoi;
    bool special_mask;
    bool read_isr;
    bool poll;
    bool int_pin;
};

struct pic {
    struct machine *machine;
    struct pic_chip chip[PIC_CHIPS];
};

/* Not inlined into what guests do in every interrupt: that then calls nothing and saves no registers. */
#define rare __attribute__((noinline, cold))

/* --- One chip --- */

static u8 chip_irr(const struct pic_chip *c)
{
    u8 level = c->icw1 & ICW1_LTIM ? 0xff : c->elcr;
    return (u8)((c->line & level) | (c->latch & ~level));
}

static inline u8 chip_unmasked(const struct pic_chip *c)
{
    return chip_irr(c) & (u8)~c->imr;
}

/* The IR of the highest priority in `set`, or PIC_NO_IR. */
static int chip_highest(const struct pic_chip *c, u8 set)
{
    if (!set)
        return PIC_NO_IR;
    u32 first = (c->lowest + 1u) % PIC_IRS;
    u32 rotated = set * 0x101u >> first; /* the IR with the highest priority in bit 0 */
    return (int)((first + (u32)__builtin_ctz(rotated)) % PIC_IRS);
}

/* 0 is the highest priority. */
static int chip_rank(const struct pic_chip *c, int ir)
{
    return (ir - c->lowest - 1 + 2 * PIC_IRS) % PIC_IRS;
}

static bool chip_has_slave_at(const struct pic_chip *c, bool master, int ir)
{
    return master && !(c->icw1 & ICW1_SNGL) && (c->icw3 & BIT(ir));
}

/* The IR that would be acknowledged now, or PIC_NO_IR. In special mask mode only unmasked inputs in
 * service hold others off; in special fully nested mode a slave's input does not hold off itself. */
static int chip_choose(const struct pic_chip *c, bool master, u8 requests)
{
    int ir = chip_highest(c, requests);
    int serving = chip_highest(c, c->special_mask ? c->isr & (u8)~c->imr : c->isr);
    if (serving == PIC_NO_IR || chip_rank(c, ir) < chip_rank(c, serving))
        return ir;
    if (ir == serving && (c->icw4 & ICW4_SFNM) && chip_has_slave_at(c, master, ir))
        return ir;
    return PIC_NO_IR;
}

static inline int chip_request(const struct pic_chip *c, bool master)
{
    u8 requests = chip_unmasked(c);
    return requests && c->initialized ? chip_choose(c, master, requests) : PIC_NO_IR;
}

/* INTA: request -> in service. Returns the IR, IR7 if there is no request any more. */
static int chip_acknowledge(struct pic_chip *c, bool master)
{
    int ir = chip_request(c, master);
    if (ir == PIC_NO_IR)
        return PIC_SPURIOUS_IR;
    c->latch &= (u8)~BIT(ir);
    if (!(c->icw4 & ICW4_AEOI))
        c->isr |= (u8)BIT(ir);
    else if (c->rotate_in_aeoi)
        c->lowest = (u8)ir;
    return ir;
}

static void chip_set_line(struct pic_chip *c, u8 ir, bool level)
{
    u8 bit = (u8)BIT(ir);
    if (level && !(c->line & bit))
        c->latch |= bit;
    if (!level)
        c->latch &= (u8)~bit;
    c->line = level ? c->line | bit : c->line & (u8)~bit;
}

/* --- The pair --- */

static __attribute__((noinline)) void pic_update(struct pic *pic)
{
    struct pic_chip *master = &pic->chip[PIC_MASTER], *slave = &pic->chip[PIC_SLAVE];
    slave->int_pin = chip_request(slave, false) != PIC_NO_IR;
    chip_set_line(master, PIC_CASCADE_IR, slave->int_pin);
    master->int_pin = chip_request(master, true) != PIC_NO_IR;
    pic->machine->changes += master->int_pin && !pic->machine->intr;
    pic->machine->intr = master->int_pin;
}

/* The chip's INT pin falls with the acknowledge even if more is pending: the master's edge latch needs
 * that. */
static int pic_acknowledge_slave(struct pic *pic)
{
    int ir = chip_acknowledge(&pic->chip[PIC_SLAVE], false);
    chip_set_line(&pic->chip[PIC_MASTER], PIC_CASCADE_IR, false);
    return ir;
}

u8 pic_acknowledge(struct pic *pic)
{
    struct pic_chip *master = &pic->chip[PIC_MASTER], *slave = &pic->chip[PIC_SLAVE];
    int ir = chip_acknowledge(master, true);
    u8 vector = master->base | (u8)ir;
    if (ir == PIC_CASCADE_IR && chip_has_slave_at(master, true, ir)) {
        if ((slave->icw3 & ICW3_SLAVE_ID) == PIC_CASCADE_IR)
            vector = slave->base | (u8)pic_acknowledge_slave(pic);
        else
            vector = 0xff; /* nobody drives the bus */
    }
    pic_update(pic);
    return vector;
}

bool pic_masked(const struct pic *pic, u8 n)
{
    u8 cascade = n < PIC_IRS ? 0 : BIT(PIC_CASCADE_IR);
    const struct pic_chip *own = &pic->chip[n < PIC_IRS ? PIC_MASTER : PIC_SLAVE];
    return (own->imr & BIT(n % PIC_IRS)) || (pic->chip[PIC_MASTER].imr & cascade);
}

bool pic_busy(const struct pic *pic, u8 n)
{
    const struct pic_chip *own = &pic->chip[n < PIC_IRS ? PIC_MASTER : PIC_SLAVE];
    return (own->isr | chip_irr(own)) & BIT(n % PIC_IRS);
}

static void pic_set_irq(void *opaque, u8 n, bool level)
{
    struct pic *pic = opaque;
    struct pic_chip *chip = &pic->chip[n / PIC_IRS];
    if ((chip->line >> n % PIC_IRS & 1) == level)
        return; /* devices say it with every access */
    chip_set_line(chip, n % PIC_IRS, level);
    pic_update(pic);
}

/* --- Registers --- */

/* Data sheet, "Initialization": the edge sense circuit is reset (a high line must fall and rise again),
 * IMR cleared, IR7 lowest, special mask cleared, status read set to IRR, and without IC4 all functions of
 * ICW4 are zero. */
static rare void chip_write_icw1(struct pic_chip *c, u8 value)
{
    u8 line = c->line, elcr = c->elcr;
    *c = (struct pic_chip){
        .line = line, .elcr = elcr, .icw1 = value, .lowest = PIC_SPURIOUS_IR, .step = STEP_ICW2};
    c->icw3 = ICW3_SLAVE_ID;
}

static void chip_eoi(struct pic_chip *c, u8 value)
{
    int ir = value & OCW2_LEVEL;
    if (!(value & OCW2_SL)) {
        /* In special mask mode a masked input in service is not touched by a non-specific EOI. */
        ir = chip_highest(c, c->special_mask ? c->isr & (u8)~c->imr : c->isr);
        if (ir == PIC_NO_IR)
            return;
    }
    c->isr &= (u8)~BIT(ir);
    if (value & OCW2_R)
        c->lowest = (u8)ir;
}

static void chip_write_ocw2(struct pic_chip *c, u8 value)
{
    if (value & OCW2_EOI)
        chip_eoi(c, value);
    else if (!(value & OCW2_SL))
        c->rotate_in_aeoi = value & OCW2_R;
    else if (value & OCW2_R)
        c->lowest = value & OCW2_LEVEL;
}

static void chip_write_ocw3(struct pic_chip *c, u8 value)
{
    if (value & OCW3_ESMM)
        c->special_mask = value & OCW3_SMM;
    if (value & OCW3_POLL)
        c->poll = true;
    else if (value & OCW3_RR)
        c->read_isr = value & OCW3_RIS;
}

static void chip_write_command(struct pic_chip *c, u8 value)
{
    if (value & ICW1_SELECT)
        chip_write_icw1(c, value);
    else if (value & OCW_SELECT_3)
        chip_write_ocw3(c, value);
    else
        chip_write_ocw2(c, value);
}

static void chip_next_step(struct pic_chip *c, enum pic_step next)
{
    if (next == STEP_ICW3 && (c->icw1 & ICW1_SNGL))
        next = STEP_ICW4;
    if (next == STEP_ICW4 && !(c->icw1 & ICW1_IC4))
        next = STEP_READY;
    c->step = next;
    c->initialized = next == STEP_READY;
}

/* ICW2 to ICW4, at the data port. */
static rare void chip_write_icw(struct pic_chip *c, u8 value)
{
    switch ((enum pic_step)c->step) {
    case STEP_ICW2:
        c->base = value & ICW2_BASE;
        chip_next_step(c, STEP_ICW3);
        break;
    case STEP_ICW3:
        c->icw3 = value;
        chip_next_step(c, STEP_ICW4);
        break;
    case STEP_ICW4:
        c->icw4 = value;
        chip_next_step(c, STEP_READY);
        break;
    case STEP_READY:
        break;
    }
}

/* What the master is told cannot change the slave's pin, and mostly nothing is pending. */
static inline void pic_update_after_write(struct pic *pic, int n)
{
    struct pic_chip *master = &pic->chip[PIC_MASTER];
    if (n != PIC_MASTER || chip_unmasked(master)) {
        pic_update(pic);
        return;
    }
    master->int_pin = false;
    pic->machine->intr = false;
}

/* The read after a poll command is an acknowledge: bit 7 says whether there was a request, bits 2-0 which. */
static rare u8 pic_poll(struct pic *pic, int n)
{
    struct pic_chip *c = &pic->chip[n];
    c->poll = false;
    u8 pending = chip_request(c, n == PIC_MASTER) != PIC_NO_IR ? 0x80 : 0;
    int ir = n == PIC_MASTER ? chip_acknowledge(c, true) : pic_acknowledge_slave(pic);
    pic_update(pic);
    return pending | (u8)ir;
}

/* --- Bus --- */

static int port_chip(u16 port)
{
    return port & 0x80 ? PIC_SLAVE : PIC_MASTER;
}

static u32 pic_command_in(void *dev, u16 port, u8 size)
{
    struct pic *pic = dev;
    const struct pic_chip *c = &pic->chip[port_chip(port)];
    (void)size;
    if (c->poll)
        return pic_poll(pic, port_chip(port));
    return c->read_isr ? c->isr : chip_irr(c);
}

static u32 pic_data_in(void *dev, u16 port, u8 size)
{
    struct pic *pic = dev;
    const struct pic_chip *c = &pic->chip[port_chip(port)];
    (void)size;
    return c->poll ? pic_poll(pic, port_chip(port)) : c->imr;
}

_Static_assert(sizeof(bool) == 1, "a latch is busy by a byte");
static void pic_data_latch(void *dev, u16 port, struct bus_latch *latch)
{
    struct pic *pic = dev;
    struct pic_chip *c = &pic->chip[port_chip(port)];
    *latch = (struct bus_latch){.in = &c->imr, .busy = (const u8 *)&c->poll};
}

static void pic_command_out(void *dev, u16 port, u8 size, u32 value)
{
    struct pic *pic = dev;
    (void)size;
    chip_write_command(&pic->chip[port_chip(port)], (u8)value);
    pic_update_after_write(pic, port_chip(port));
}

static void pic_data_out(void *dev, u16 port, u8 size, u32 value)
{
    struct pic *pic = dev;
    struct pic_chip *c = &pic->chip[port_chip(port)];
    (void)size;
    if (c->step == STEP_READY)
        c->imr = (u8)value;
    else
        chip_write_icw(c, (u8)value);
    pic_update_after_write(pic, port_chip(port));
}

/* The timer, the keyboard, the cascade, the clock and the coprocessor are always edge triggered (EISA
 * 2.7.4). */
static const u8 elcr_writable[PIC_CHIPS] = {[PIC_MASTER] = 0xf8, [PIC_SLAVE] = 0xde};

static u32 elcr_in(void *dev, u16 port, u8 size)
{
    struct pic *pic = dev;
    (void)size;
    return pic->chip[port & 1].elcr;
}

static void elcr_out(void *dev, u16 port, u8 size, u32 value)
{
    struct pic *pic = dev;
    (void)size;
    pic->chip[port & 1].elcr = (u8)value & elcr_writable[port & 1];
    pic_update(pic);
}

static const struct bus_port pic_ports[] = {
    {0x20, 1, BUS_8, "PIC master command", pic_command_in, pic_command_out},
    {0x21, 1, BUS_8, "PIC master mask", pic_data_in, pic_data_out, .latch = pic_data_latch},
    {0xa0, 1, BUS_8, "PIC slave command", pic_command_in, pic_command_out},
    {0xa1, 1, BUS_8, "PIC slave mask", pic_data_in, pic_data_out, .latch = pic_data_latch},
    {0x4d0, 1, BUS_8, "PIC master edge/level", elcr_in, elcr_out},
    {0x4d1, 1, BUS_8, "PIC slave edge/level", elcr_in, elcr_out},
};

static int pic_create(struct machine *machine, void **dev)
{
    struct pic *pic = calloc(1, sizeof *pic);
    if (!pic)
        return -ENOMEM;
    pic->machine = machine;
    for (u8 n = 0; n < ARRAY_LEN(machine->irq); n++)
        machine->irq[n] = (struct irq_line){.set = pic_set_irq, .opaque = pic, .n = n};
    /* The slave is on it; what the bus calls IRQ2 arrives as IRQ9. */
    machine->irq[PIC_CASCADE_IR].set = NULL;
    machine->pic = pic;
    *dev = pic;
    return 0;
}

/* The 8259A has no reset pin: at power-on it waits for ICW1. The lines keep what the devices drive. */
static void pic_reset(void *dev)
{
    struct pic *pic = dev;
    for (int i = 0; i < PIC_CHIPS; i++) {
        pic->chip[i] = (struct pic_chip){.line = pic->chip[i].line, .lowest = PIC_SPURIOUS_IR, .imr = 0xff};
    }
    pic_update(pic);
}

static void chip_state(struct pic_chip *c, struct state *s)
{
    state_u8(s, &c->line);
    state_u8(s, &c->latch);
    state_u8(s, &c->isr);
    state_u8(s, &c->imr);
    state_u8(s, &c->icw1);
    state_u8_bits(s, &c->base, ICW2_BASE, "ICW2");
    state_u8(s, &c->icw3);
    state_u8(s, &c->icw4);
    state_u8(s, &c->elcr);
    state_u8_in(s, &c->lowest, 0, PIC_IRS - 1, "the lowest priority");
    state_u8_in(s, &c->step, STEP_READY, STEP_ICW4, "the initialization step");
    state_bool(s, &c->initialized);
    state_bool(s, &c->rotate_in_aeoi);
    state_bool(s, &c->special_mask);
    state_bool(s, &c->read_isr);
    state_bool(s, &c->poll);
    state_bool(s, &c->int_pin);
}

static void pic_state(void *dev, struct state *s)
{
    struct pic *pic = dev;
    for (int i = 0; i < PIC_CHIPS; i++)
        chip_state(&pic->chip[i], s);
    if (s->loading)
        pic->machine->intr = pic->chip[PIC_MASTER].int_pin;
}

const struct dev_class pic_class = {
    .name = "pic",
    .ports = pic_ports,
    .n_ports = ARRAY_LEN(pic_ports),
    .create = pic_create,
    .reset = pic_reset,
    .destroy = free,
    .state = pic_state,
};
