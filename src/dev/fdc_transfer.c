/* The data commands of the 82077AA: READ, WRITE, READ TRACK, VERIFY, FORMAT, READ ID. Data sheet sections
 * 5.1, 5.2.
 * One sector per event: find it, move it (DMA channel 2, or the host through the FIFO), go to the next. The
 * tracks are those of a freshly formatted disk: sectors 1 to n, 512 bytes, MFM, with the ID that the place
 * says.
 * LIMIT: a raw image keeps no deleted-data marks, no other sector sizes and no bad CRCs: sectors written by
 * WRITE DELETED DATA read as normal, and sectors that FORMAT lays out otherwise are not kept (logged once).
 * NOTE: an empty or stopped drive gives no index pulses, and the chip would wait for them until it is
 * reset. Firmware then waits seconds per try; we end with a missing address mark, as after two pulses on
 * an unformatted disk. */
#include "dev/fdc.h"

#include "base/bug.h"
#include "base/log.h"
#include "dev/dma.h"
#include "machine/state.h"

#include <string.h>

#define FDC_START_NS     (200 * NS_PER_US) /* a head load and half a turn, shortened */
#define FDC_SECTOR_NS    (50 * NS_PER_US)
#define FDC_FIFO_NS      (1 * NS_PER_US) /* until the FIFO asks for the host again */
#define FDC_DMA_RETRY_NS (1 * NS_PER_MS)
#define FDC_TURN_NS      (200 * NS_PER_MS)
enum { FDC_DMA_TRIES = 200, FORMAT_ID_BYTES = 4, COUNT_256 = 256 };

/* First command byte. */
enum { COMMAND_MT = 1 << 7, COMMAND_MFM = 1 << 6, COMMAND_SK = 1 << 5 };
/* VERIFY's second. */
enum { VERIFY_EC = 1 << 7 };

static void sector_begin(struct fdc *fdc);

/* --- the end --- */

static void finish(struct fdc *fdc, u8 st0)
{
    const struct fdc_transfer *t = &fdc->transfer;
    fdc->result[0] = st0 | (t->head ? ST0_H : 0) | (fdc->command[1] & ST0_DS);
    fdc->result[1] = t->st1;
    fdc->result[2] = t->st2;
    fdc->result[3] = t->id.c;
    fdc->result[4] = t->id.h;
    fdc->result[5] = t->id.r;
    fdc->result[6] = t->id.n;
    fdc_enter_result(fdc, 7, true);
}

static void fail(struct fdc *fdc, u8 st1, u8 st2)
{
    fdc->transfer.st1 |= st1;
    fdc->transfer.st2 |= st2;
    finish(fdc, ST0_IC_ABNORMAL);
}

/* --- the medium --- */

/* Whether what is on the disk can be told at this rate. Double density disks turn at either speed. */
static bool rate_fits(const struct fdc *fdc, struct block_geometry g)
{
    enum { DD_MAX_SECTORS = 10, HD_MAX_SECTORS = 24 };
    enum fdc_rate rate = fdc_data_rate(fdc);
    if (g.sectors <= DD_MAX_SECTORS)
        return rate == RATE_250K || rate == RATE_300K;
    return rate == (g.sectors <= HD_MAX_SECTORS ? RATE_500K : RATE_1M);
}

/* The drive whose heads are over a readable track on side `head`, else NULL. */
static struct fdc_drive *readable_drive(struct fdc *fdc, u8 head, bool mfm)
{
    struct fdc_drive *drive = fdc_selected_drive(fdc);
    if (!drive || !drive->block || !mfm)
        return NULL;
    struct block_geometry g = block_geometry(drive->block);
    bool track = drive->cylinder < g.cylinders && head < g.heads;
    return track && rate_fits(fdc, g) ? drive : NULL;
}

static u64 track_lba(const struct fdc_drive *drive, u8 head)
{
    struct block_geometry g = block_geometry(drive->block);
    return ((u64)drive->cylinder * g.heads + head) * g.sectors;
}

/* Finds the sector whose ID is t->id on the track under the heads. False: the command has failed. */
static bool find_sector(struct fdc *fdc, u64 *lba)
{
    const struct fdc_transfer *t = &fdc->transfer;
    const struct fdc_drive *drive = readable_drive(fdc, t->head, t->mfm);
    if (!drive) {
        fail(fdc, ST1_MA, 0);
        return false;
    }
    if (t->id.c != drive->cylinder) {
        fail(fdc, ST1_ND, ST2_WC);
        return false;
    }
    if (t->id.h != t->head || t->id.n != FDC_SECTOR_CODE || t->id.r < 1 ||
        t->id.r > block_geometry(drive->block).sectors) {
        fail(fdc, ST1_ND, 0);
        return false;
    }
    *lba = track_lba(drive, t->head) + t->id.r - 1;
    return true;
}

/* --- to the next sector --- */

/* Table 5-6: the ID after the last sector. True at the end of the cylinder, where only TC ends well. */
static bool advance_id(struct fdc_transfer *t)
{
    if (t->id.r != t->eot) {
        t->id.r++;
        return false;
    }
    t->id.r = 1;
    bool first_side = !(t->id.h & 1);
    if (t->multi_track) {
        t->id.h ^= 1;
        t->head ^= 1;
        if (first_side)
            return false;
    }
    t->id.c++;
    return true;
}

/* READ TRACK counts sectors, not their numbers. */
static bool advance_on_track(struct fdc_transfer *t)
{
    if (++t->count < t->eot) {
        t->id.r++;
        return false;
    }
    t->id.r = 1;
    t->id.c++;
    return true;
}

/* The result shows the side of the last sector. */
static void finish_on_side(struct fdc *fdc, u8 head, u8 st0)
{
    fdc->transfer.head = head;
    finish(fdc, st0);
}

static void sector_end(struct fdc *fdc, bool terminal_count)
{
    struct fdc_transfer *t = &fdc->transfer;
    if ((t->st2 & ST2_CM) && !t->skip) {
        finish(fdc, 0); /* table 5-5: the next sector is not looked for */
        return;
    }
    u8 head = t->head;
    bool end_of_cylinder = t->op == FDC_READ_TRACK ? advance_on_track(t) : advance_id(t);
    bool done = terminal_count || (t->counted && --t->count == 0);
    if (t->op == FDC_VERIFY && !t->counted)
        done |= end_of_cylinder;
    if (done) {
        finish_on_side(fdc, head, 0);
    } else if (end_of_cylinder) {
        t->st1 |= ST1_EN;
        finish_on_side(fdc, head, ST0_IC_ABNORMAL);
    } else {
        fdc_step_after(fdc, sector_begin, FDC_SECTOR_NS);
    }
}

/* --- moving a buffer --- */

static void format_sector(struct fdc *fdc);

static void write_sector(struct fdc *fdc, bool terminal_count)
{
    struct fdc_transfer *t = &fdc->transfer;
    struct fdc_drive *drive;
    u64 lba;
    memset(t->buffer + t->index, 0, t->bytes - t->index); /* terminal count came early */
    if (!find_sector(fdc, &lba))
        return; /* the disk was taken out meanwhile */
    drive = fdc_selected_drive(fdc);
    if (block_write(drive->block, lba, 1, t->buffer))
        finish(fdc, ST0_IC_ABNORMAL | ST0_EC); /* the host cannot keep it: a fault of the drive */
    else
        sector_end(fdc, terminal_count);
}

static void buffer_moved(struct fdc *fdc, bool terminal_count)
{
    switch (fdc->transfer.op) {
    case FDC_WRITE:
        write_sector(fdc, terminal_count);
        break;
    case FDC_FORMAT:
        format_sector(fdc);
        break;
    default:
        sector_end(fdc, terminal_count);
    }
}

/* DRQ stays up until the DMA controller serves it; a turn of the disk later it is too late. */
static void dma_step(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    struct dma *dma = fdc->machine->dma;
    bool tc = false;
    if (fdc->dor & DOR_NOT_DMAGATE)
        t->index += dma_transfer(dma, FDC_DMA_CHANNEL, t->to_host ? DMA_TO_MEMORY : DMA_FROM_MEMORY,
                                 t->buffer + t->index, t->bytes - t->index, &tc);
    bool moved = tc || t->index == t->bytes;
    dma_set_dreq(dma, FDC_DMA_CHANNEL, !moved);
    if (moved) {
        buffer_moved(fdc, tc);
    } else if (++t->dma_tries < FDC_DMA_TRIES) {
        fdc_step_after(fdc, dma_step, FDC_DMA_RETRY_NS);
    } else {
        dma_set_dreq(dma, FDC_DMA_CHANNEL, false);
        fail(fdc, ST1_OR, 0);
    }
}

/* Non-DMA: as many bytes at a time as the FIFO holds, or single ones without it. */
static void fifo_step(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (t->index == t->bytes) {
        buffer_moved(fdc, false);
        return;
    }
    u32 chunk = fdc->config & CONFIG_EFIFO ? 1 : FDC_FIFO_BYTES;
    t->fifo_end = MIN(t->index + chunk, t->bytes);
    fdc->irq_result = true;
    fdc_update_irq(fdc);
}

static void move_buffer(struct fdc *fdc, bool to_host, u32 bytes)
{
    struct fdc_transfer *t = &fdc->transfer;
    t->to_host = to_host;
    t->index = t->fifo_end = 0;
    t->bytes = bytes;
    t->dma_tries = 0;
    if (fdc->hlt_nd & 1)
        fifo_step(fdc);
    else
        dma_step(fdc);
}

bool fdc_fifo_wants_host(const struct fdc *fdc)
{
    return fdc->transfer.index < fdc->transfer.fifo_end;
}

static void fifo_accessed(struct fdc *fdc)
{
    if (fdc_fifo_wants_host(fdc))
        return;
    fdc->irq_result = false;
    fdc_update_irq(fdc);
    fdc_step_after(fdc, fifo_step, FDC_FIFO_NS);
}

u8 fdc_fifo_read(struct fdc *fdc)
{
    u8 value = fdc->transfer.buffer[fdc->transfer.index++];
    fifo_accessed(fdc);
    return value;
}

void fdc_fifo_write(struct fdc *fdc, u8 value)
{
    fdc->transfer.buffer[fdc->transfer.index++] = value;
    fifo_accessed(fdc);
}

/* --- a sector of each command --- */

static void read_sector(struct fdc *fdc, u64 lba)
{
    struct fdc_transfer *t = &fdc->transfer;
    if (block_read(fdc_selected_drive(fdc)->block, lba, 1, t->buffer)) {
        fail(fdc, ST1_DE, ST2_DD);
        return;
    }
    if (t->deleted)
        t->st2 |= ST2_CM; /* asked for deleted data, found normal */
    if (t->op == FDC_VERIFY || (t->deleted && t->skip))
        sector_end(fdc, false);
    else
        move_buffer(fdc, true, SECTOR_BYTES);
}

/* From the index hole, whatever the IDs are: a mismatch is told, not obeyed. */
static void read_track_sector(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    const struct fdc_drive *drive = readable_drive(fdc, t->head, t->mfm);
    if (!drive) {
        fail(fdc, ST1_MA, 0);
        return;
    }
    u32 physical = t->count % block_geometry(drive->block).sectors;
    if (t->id.c != drive->cylinder || t->id.h != t->head || t->id.r != physical + 1)
        t->st1 |= ST1_ND;
    read_sector(fdc, track_lba(drive, t->head) + physical);
}

static void sector_begin(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    u64 lba;
    if (t->op == FDC_READ_TRACK) {
        read_track_sector(fdc);
    } else if (find_sector(fdc, &lba)) {
        if (t->op == FDC_WRITE)
            move_buffer(fdc, false, SECTOR_BYTES);
        else
            read_sector(fdc, lba);
    }
}

/* --- starting --- */

static bool write_protected(struct fdc *fdc)
{
    const struct fdc_drive *drive = fdc_selected_drive(fdc);
    return drive && drive->block && block_readonly(drive->block);
}

static void fail_write_protected(struct fdc *fdc)
{
    fail(fdc, ST1_NW, 0);
}

/* What all data commands begin with. */
static struct fdc_transfer *prepare(struct fdc *fdc, enum fdc_operation op)
{
    struct fdc_transfer *t = &fdc->transfer;
    *t = (struct fdc_transfer){
        .op = op,
        .multi_track = fdc->command[0] & COMMAND_MT,
        .mfm = fdc->command[0] & COMMAND_MFM,
        .head = (fdc->command[1] & ST0_H) != 0,
    };
    return t;
}

static void implied_seek(struct fdc *fdc, u8 cylinder)
{
    u8 *pcn = &fdc->pcn[fdc->command[1] & ST0_DS];
    fdc_move_heads(fdc, cylinder - *pcn);
    *pcn = cylinder;
}

void fdc_start_transfer(struct fdc *fdc, enum fdc_operation op, bool deleted)
{
    const u8 *command = fdc->command;
    struct fdc_transfer *t = prepare(fdc, op);
    t->skip = command[0] & COMMAND_SK;
    t->deleted = deleted && op == FDC_READ;
    t->id = (struct fdc_id){command[2], command[3], command[4], command[5]};
    t->eot = fdc->sc_eot = command[6];
    if (op == FDC_VERIFY && (command[1] & VERIFY_EC)) {
        t->counted = true;
        t->count = command[8] ? command[8] : COUNT_256;
    }
    if (fdc->config & CONFIG_EIS)
        implied_seek(fdc, t->id.c);
    bool protected = op == FDC_WRITE && write_protected(fdc);
    fdc_step_after(fdc, protected ? fail_write_protected : sector_begin, FDC_START_NS);
}

/* --- FORMAT TRACK --- */

static void format_next(struct fdc *fdc)
{
    move_buffer(fdc, false, FORMAT_ID_BYTES);
}

static void warn_layout(struct fdc *fdc)
{
    if (!fdc->layout_warned)
        log_warn("floppy: the guest formats sectors that the image cannot hold; they are lost (said once)");
    fdc->layout_warned = true;
}

/* The host has given one ID: writes the filler where the image keeps that sector. */
static void format_sector(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    u64 lba;
    t->id = (struct fdc_id){t->buffer[0], t->buffer[1], t->buffer[2], t->buffer[3]};
    const struct fdc_drive *drive = readable_drive(fdc, t->head, t->mfm);
    if (!drive) {
        fail(fdc, ST1_MA, 0);
        return;
    }
    struct block_geometry g = block_geometry(drive->block);
    bool kept = t->id.c == drive->cylinder && t->id.h == t->head && t->id.n == FDC_SECTOR_CODE &&
                t->id.r >= 1 && t->id.r <= g.sectors;
    if (kept) {
        lba = track_lba(drive, t->head) + t->id.r - 1;
        memset(t->buffer, t->fill, SECTOR_BYTES);
        if (block_write(drive->block, lba, 1, t->buffer)) {
            finish(fdc, ST0_IC_ABNORMAL | ST0_EC);
            return;
        }
    } else {
        warn_layout(fdc);
    }
    if (--t->count)
        fdc_step_after(fdc, format_next, FDC_SECTOR_NS);
    else
        finish(fdc, 0);
}

static void format_begin(struct fdc *fdc)
{
    const struct fdc_transfer *t = &fdc->transfer;
    if (!readable_drive(fdc, t->head, t->mfm))
        fail(fdc, ST1_MA, 0);
    else if (t->count == 0)
        finish(fdc, 0);
    else
        format_next(fdc);
}

void fdc_start_format(struct fdc *fdc)
{
    struct fdc_transfer *t = prepare(fdc, FDC_FORMAT);
    t->id.n = fdc->command[2];
    t->count = fdc->sc_eot = fdc->command[3];
    t->fill = fdc->command[5];
    fdc_step_after(fdc, write_protected(fdc) ? fail_write_protected : format_begin, FDC_START_NS);
}

/* --- READ ID --- */

/* The next ID to come by; the disk turns with virtual time. */
static void read_id(struct fdc *fdc)
{
    struct fdc_transfer *t = &fdc->transfer;
    const struct fdc_drive *drive = readable_drive(fdc, t->head, t->mfm);
    if (!drive) {
        fail(fdc, ST1_MA, 0);
        return;
    }
    u32 sectors = block_geometry(drive->block).sectors;
    u64 angle_ns = clock_now(fdc->event.clock) % FDC_TURN_NS;
    u8 r = (u8)(clock_muldiv(angle_ns, sectors, FDC_TURN_NS) + 1);
    t->id = (struct fdc_id){drive->cylinder, t->head, r, FDC_SECTOR_CODE};
    finish(fdc, 0);
}

void fdc_start_read_id(struct fdc *fdc)
{
    prepare(fdc, FDC_READ);
    fdc_step_after(fdc, read_id, FDC_START_NS);
}

/* --- state --- */

/* What fdc->step may be: a state has the place in this list, so it only grows at its end. */
static void (*const steps[])(struct fdc *) = {
    NULL, sector_begin, dma_step, fifo_step, format_next, format_begin, fail_write_protected, read_id,
};

static void step_state(struct fdc *fdc, struct state *s)
{
    u8 step = 0;
    while (fdc->event.armed && !s->loading && steps[step] != fdc->step)
        BUG_ON(++step == ARRAY_LEN(steps));
    clock_event_state(&fdc->event, s);
    state_u8_in(s, &step, 0, ARRAY_LEN(steps) - 1, "the next step");
    state_check(s, !fdc->event.armed || steps[step], "the next step");
    if (s->loading)
        fdc->step = steps[step];
}

void fdc_transfer_state(struct fdc *fdc, struct state *s)
{
    struct fdc_transfer *t = &fdc->transfer;
    step_state(fdc, s);
    STATE_ENUM(s, t->op, FDC_FORMAT + 1, "the operation");
    state_bool(s, &t->multi_track);
    state_bool(s, &t->mfm);
    state_bool(s, &t->skip);
    state_bool(s, &t->deleted);
    state_u8_in(s, &t->head, 0, 1, "the head");
    state_u8(s, &t->id.c);
    state_u8(s, &t->id.h);
    state_u8(s, &t->id.r);
    state_u8(s, &t->id.n);
    state_u8(s, &t->eot);
    state_u32(s, &t->count);
    state_bool(s, &t->counted);
    state_u8(s, &t->fill);
    state_u8(s, &t->st1);
    state_u8(s, &t->st2);
    state_bool(s, &t->to_host);
    state_u32_in(s, &t->index, 0, sizeof t->buffer, "the buffer");
    state_u32_in(s, &t->bytes, 0, sizeof t->buffer, "the buffer");
    state_u32_in(s, &t->fifo_end, 0, sizeof t->buffer, "the FIFO");
    state_check(s, t->index <= t->bytes && t->fifo_end <= t->bytes, "the buffer");
    state_u32(s, &t->dma_tries);
    state_bytes(s, t->buffer, sizeof t->buffer);
}
