/* Registers, phases, reset and interrupts of the 82077AA. Data sheet sections 2 (registers), 3 (drive
 * interface), 4.4 (phases), 8 (resets).
 * AT mode: SRA and SRB are not driven; of DIR and TDR only the chip's own bits are, the rest float high.
 * LIMIT: power-down and precompensation are stored, nothing more; the auto power-down of later chips is
 * absent. */
#include "dev/fdc.h"

#include "dev/devices.h"
#include "dev/dma.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FDC_POLL_NS (60 * NS_PER_US) /* from the end of reset to the interrupt */
enum { TDR_TAPE_SELECT = 3, TDR_FLOATING = 0xfc, DIR_FLOATING = 0x7f, FDC_IRQ = 6 };

struct fdc_drive *fdc_selected_drive(struct fdc *fdc)
{
    u8 n = fdc->dor & DOR_DRIVE;
    struct fdc_drive *drive = &fdc->drive[n];
    return drive->present && (fdc->dor & (DOR_MOTOR_0 << n)) ? drive : NULL;
}

void fdc_update_irq(struct fdc *fdc)
{
    bool pending = fdc->irq_result || fdc->irq_reset || fdc->seek_pending;
    irq_set(&fdc->irq, pending && (fdc->dor & DOR_NOT_DMAGATE));
}

enum fdc_rate fdc_data_rate(const struct fdc *fdc)
{
    return (enum fdc_rate)fdc->ccr_rate;
}

void fdc_step_after(struct fdc *fdc, void (*step)(struct fdc *), u64 ns)
{
    fdc->step = step;
    clock_event_arm(&fdc->event, clock_now(fdc->event.clock) + ns);
}

static void run_step(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    struct fdc *fdc = opaque;
    fdc->step(fdc);
}

static void enter_command_phase(struct fdc *fdc)
{
    fdc->phase = PHASE_COMMAND;
    fdc->command_fill = 0;
}

void fdc_enter_result(struct fdc *fdc, u8 n, bool interrupt)
{
    fdc->result_pos = 0;
    fdc->result_length = n;
    fdc->irq_result = interrupt;
    if (n)
        fdc->phase = PHASE_RESULT;
    else
        enter_command_phase(fdc);
    fdc_update_irq(fdc);
}

/* --- resets --- */

/* What CONFIGURE set survives a software reset only where LOCK says so; EIS and POLL never do. */
static void reset_configuration(struct fdc *fdc, bool hardware)
{
    if (hardware)
        fdc->lock = false;
    fdc->config &= CONFIG_EFIFO | CONFIG_FIFOTHR;
    if (fdc->lock)
        return;
    fdc->config = CONFIG_EFIFO;
    fdc->pretrk = 0;
}

static void stop_everything(struct fdc *fdc)
{
    clock_event_disarm(&fdc->event);
    clock_event_disarm(&fdc->poll_event);
    dma_set_dreq(fdc->machine->dma, FDC_DMA_CHANNEL, false);
    for (u32 i = 0; i < FDC_DRIVES; i++)
        clock_event_disarm(&fdc->seek_event[i]);
    fdc->irq_result = fdc->irq_reset = false;
    fdc->reset_pending = fdc->seek_pending = fdc->drive_busy = 0;
    memset(fdc->pcn, 0, sizeof fdc->pcn);
    fdc->perpendicular &= 0x3c; /* GAP and WGATE go, the drives' bits stay */
    fdc->phase = PHASE_RESET;
    fdc_update_irq(fdc);
}

/* The first poll after reset finds every drive changed to ready. */
static void end_of_poll(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    struct fdc *fdc = opaque;
    fdc->reset_pending = 0x0f;
    fdc->irq_reset = true;
    fdc_update_irq(fdc);
}

static void leave_reset(struct fdc *fdc)
{
    enter_command_phase(fdc);
    /* Always: CONFIGURE's way to disable polling did not survive the reset. */
    clock_event_arm(&fdc->poll_event, clock_now(fdc->poll_event.clock) + FDC_POLL_NS);
}

/* --- registers --- */

static u32 fdc_dor_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    return ((struct fdc *)dev)->dor;
}

static void fdc_dor_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct fdc *fdc = dev;
    u8 changed = fdc->dor ^ (u8)value;
    fdc->dor = (u8)value;
    if (changed & DOR_NOT_RESET) {
        if (value & DOR_NOT_RESET) {
            leave_reset(fdc);
        } else {
            stop_everything(fdc);
            reset_configuration(fdc, false);
        }
    }
    fdc_update_irq(fdc);
}

static u32 fdc_tdr_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    return ((struct fdc *)dev)->tdr | TDR_FLOATING;
}

static void fdc_tdr_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    ((struct fdc *)dev)->tdr = value & TDR_TAPE_SELECT;
}

static u8 execution_status(const struct fdc *fdc)
{
    u8 status = MSR_CMDBSY;
    if (fdc->hlt_nd & 1)
        status |= MSR_NONDMA;
    if (fdc_fifo_wants_host(fdc))
        status |= MSR_RQM | (fdc->transfer.to_host ? MSR_DIO : 0);
    return status;
}

static u32 fdc_msr_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    const struct fdc *fdc = dev;
    switch (fdc->phase) {
    case PHASE_RESET:
        return 0;
    case PHASE_COMMAND:
        return MSR_RQM | (fdc->command_fill ? MSR_CMDBSY : 0) | fdc->drive_busy;
    case PHASE_EXECUTION:
        return execution_status(fdc) | fdc->drive_busy;
    case PHASE_RESULT:
        break;
    }
    return MSR_RQM | MSR_DIO | MSR_CMDBSY | fdc->drive_busy;
}

static bool fdc_msr_poll(void *dev, u16 port, struct bus_poll *poll)
{
    bus_poll_constant(poll, (u8)fdc_msr_in(dev, port, BUS_8));
    return true;
}

static void fdc_dsr_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct fdc *fdc = dev;
    fdc->dsr = (u8)(value & ~(u32)DSR_RESET); /* clears itself */
    fdc->ccr_rate = value & DSR_DRATE;
    if (!(value & DSR_RESET))
        return;
    stop_everything(fdc);
    reset_configuration(fdc, false);
    if (fdc->dor & DOR_NOT_RESET)
        leave_reset(fdc);
}

static u8 read_result(struct fdc *fdc)
{
    u8 value = fdc->result[fdc->result_pos++];
    fdc->irq_result = false;
    if (fdc->result_pos == fdc->result_length)
        enter_command_phase(fdc);
    fdc_update_irq(fdc);
    return value;
}

static u32 fdc_fifo_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    struct fdc *fdc = dev;
    if (fdc->phase == PHASE_RESULT)
        return read_result(fdc);
    if (fdc->phase == PHASE_EXECUTION && fdc_fifo_wants_host(fdc) && fdc->transfer.to_host)
        return fdc_fifo_read(fdc);
    return 0; /* not ready: what is read means nothing */
}

static void take_command_byte(struct fdc *fdc, u8 value)
{
    if (fdc->command_fill == 0)
        fdc->command_length = fdc_command_length(value);
    fdc->command[fdc->command_fill++] = value;
    if (fdc->command_fill < fdc->command_length)
        return;
    fdc->phase = PHASE_EXECUTION;
    fdc_execute(fdc);
}

static void fdc_fifo_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct fdc *fdc = dev;
    if (fdc->phase == PHASE_COMMAND)
        take_command_byte(fdc, (u8)value);
    else if (fdc->phase == PHASE_EXECUTION && fdc_fifo_wants_host(fdc) && !fdc->transfer.to_host)
        fdc_fifo_write(fdc, (u8)value);
}

static u32 fdc_dir_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    const struct fdc_drive *drive = fdc_selected_drive(dev);
    return DIR_FLOATING | (drive && drive->changed ? DIR_DSKCHG : 0);
}

static void fdc_ccr_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct fdc *fdc = dev;
    fdc->ccr_rate = value & DSR_DRATE;
}

void fdc_change_media(struct fdc *fdc, u8 drive, struct block *block)
{
    if (drive >= MACHINE_FLOPPIES)
        return;
    fdc->drive[drive].block = block;
    fdc->drive[drive].changed = true;
}

/* --- life --- */

static void fdc_reset(void *dev)
{
    struct fdc *fdc = dev;
    fdc->dor = 0;
    fdc->tdr = 0;
    fdc->dsr = RATE_250K;
    fdc->ccr_rate = RATE_250K;
    fdc->srt_hut = fdc->hlt_nd = 0;
    fdc->sc_eot = 0;
    stop_everything(fdc);
    reset_configuration(fdc, true);
    fdc->perpendicular = 0;
}

static int fdc_create(struct machine *machine, void **dev)
{
    struct fdc *fdc = calloc(1, sizeof *fdc);
    if (!fdc)
        return -ENOMEM;
    fdc->machine = machine;
    fdc->irq = machine->irq[FDC_IRQ];
    clock_event_init(&fdc->poll_event, &machine->clock, "FDC poll", end_of_poll, fdc);
    clock_event_init(&fdc->event, &machine->clock, "FDC", run_step, fdc);
    for (u8 i = 0; i < FDC_DRIVES; i++) {
        fdc->seek_slot[i].fdc = fdc;
        fdc->seek_slot[i].drive = i;
        clock_event_init(&fdc->seek_event[i], &machine->clock, "FDC seek", fdc_seek_done, &fdc->seek_slot[i]);
    }
    for (u8 i = 0; i < MACHINE_FLOPPIES; i++) {
        fdc->drive[i].present = i == 0 || machine->config->floppy[i];
        fdc->drive[i].block = machine->config->floppy[i];
        fdc->drive[i].changed = true;
    }
    machine->fdc = fdc;
    *dev = fdc;
    return 0;
}

static void fdc_destroy(void *dev)
{
    struct fdc *fdc = dev;
    stop_everything(fdc);
    fdc->machine->fdc = NULL;
    free(fdc);
}

/* clang-format off */
static const struct bus_port fdc_ports[] = {
    {.first = 0x3f0, .count = 1, .width = BUS_8, .name = "FDC SRA (not driven)"},
    {.first = 0x3f1, .count = 1, .width = BUS_8, .name = "FDC SRB (not driven)"},
    {.first = 0x3f2, .count = 1, .width = BUS_8, .name = "FDC DOR", .in = fdc_dor_in, .out = fdc_dor_out},
    {.first = 0x3f3, .count = 1, .width = BUS_8, .name = "FDC TDR", .in = fdc_tdr_in, .out = fdc_tdr_out},
    {.first = 0x3f4, .count = 1, .width = BUS_8, .name = "FDC MSR/DSR", .in = fdc_msr_in, .out = fdc_dsr_out,
     .poll = fdc_msr_poll},
    {.first = 0x3f5, .count = 1, .width = BUS_8, .name = "FDC data FIFO", .in = fdc_fifo_in,
     .out = fdc_fifo_out},
    {.first = 0x3f7, .count = 1, .width = BUS_8, .name = "FDC DIR/CCR", .in = fdc_dir_in, .out = fdc_ccr_out},
};
/* clang-format on */

static void drive_state(struct fdc *fdc, u32 i, struct state *s)
{
    state_u8_in(s, &fdc->drive[i].cylinder, 0, FDC_MAX_CYLINDER, "a cylinder");
    state_bool(s, &fdc->drive[i].changed);
    state_u8(s, &fdc->pcn[i]);
    state_u8(s, &fdc->seek_st0[i]);
    clock_event_state(&fdc->seek_event[i], s);
}

static void command_state(struct fdc *fdc, struct state *s)
{
    STATE_ENUM(s, fdc->phase, PHASE_RESULT + 1, "the phase");
    state_bytes(s, fdc->command, sizeof fdc->command);
    state_u8_in(s, &fdc->command_fill, 0, FDC_COMMAND_BYTES, "the command");
    state_u8_in(s, &fdc->command_length, 0, FDC_COMMAND_BYTES, "the command");
    state_check(s, fdc->phase != PHASE_COMMAND || !fdc->command_fill || fdc->command_fill < fdc->command_length,
                "the command");
    state_bytes(s, fdc->result, sizeof fdc->result);
    state_u8_in(s, &fdc->result_pos, 0, FDC_RESULT_BYTES, "the result");
    state_u8_in(s, &fdc->result_length, 0, FDC_RESULT_BYTES, "the result");
    state_check(s, fdc->phase != PHASE_RESULT || fdc->result_pos < fdc->result_length, "the result");
}

static void fdc_state(void *dev, struct state *s)
{
    struct fdc *fdc = dev;
    state_u8(s, &fdc->dor);
    state_u8(s, &fdc->tdr);
    state_u8(s, &fdc->dsr);
    state_u8_bits(s, &fdc->ccr_rate, DSR_DRATE, "the data rate");
    state_u8(s, &fdc->srt_hut);
    state_u8(s, &fdc->hlt_nd);
    state_u8(s, &fdc->config);
    state_u8(s, &fdc->pretrk);
    state_u8(s, &fdc->perpendicular);
    state_bool(s, &fdc->lock);
    state_u8(s, &fdc->sc_eot);
    command_state(fdc, s);
    state_bool(s, &fdc->irq_result);
    state_bool(s, &fdc->irq_reset);
    state_u8_bits(s, &fdc->reset_pending, BIT(FDC_DRIVES) - 1, "a change of ready");
    state_u8_bits(s, &fdc->seek_pending, BIT(FDC_DRIVES) - 1, "an end of seek");
    state_u8_bits(s, &fdc->drive_busy, BIT(FDC_DRIVES) - 1, "a seek");
    clock_event_state(&fdc->poll_event, s);
    for (u32 i = 0; i < FDC_DRIVES; i++)
        drive_state(fdc, i, s);
    fdc_transfer_state(fdc, s);
}

const struct dev_class fdc_class = {
    .name = "fdc",
    .ports = fdc_ports,
    .n_ports = ARRAY_LEN(fdc_ports),
    .create = fdc_create,
    .reset = fdc_reset,
    .destroy = fdc_destroy,
    .state = fdc_state,
};
