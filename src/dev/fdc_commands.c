/* The commands of the 82077AA that move no data: seeking, status, configuration; and the table of all
 * commands.
 * Data sheet section 5. The chip has no SCAN commands (ST2's scan bits are always 0): they are invalid,
 * and so are the commands of the 82078. Times are short: the guest sees virtual time, and no program needs
 * a slow drive. */
#include "dev/fdc.h"

#define FDC_STEP_NS   (100 * NS_PER_US)
#define FDC_SETTLE_NS (200 * NS_PER_US)
enum { RECALIBRATE_STEPS = 79, VERSION_82077AA = 0x90, HD_DS = ST0_H | ST0_DS };

static void enter_command_done(struct fdc *fdc)
{
    fdc_enter_result(fdc, 0, false);
}

/* --- seeking --- */

void fdc_move_heads(struct fdc *fdc, s32 steps)
{
    struct fdc_drive *drive = fdc_selected_drive(fdc);
    if (!drive || steps == 0)
        return;
    s32 to = drive->cylinder + steps;
    drive->cylinder = (u8)(to < 0 ? 0 : MIN(to, FDC_MAX_CYLINDER));
    if (drive->block)
        drive->changed = false;
}

/* The seek of `unit` ends after `steps` steps with `st0`. Seeks of several drives overlap. */
static void end_seek_later(struct fdc *fdc, u8 unit, u32 steps, u8 st0)
{
    fdc->seek_st0[unit] = st0;
    fdc->drive_busy |= (u8)(MSR_DRIVE_0_BUSY << unit);
    clock_event_arm(&fdc->seek_event[unit],
                    clock_now(fdc->seek_event[unit].clock) + FDC_SETTLE_NS + steps * FDC_STEP_NS);
    enter_command_done(fdc);
}

void fdc_seek_done(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    const struct fdc_seek_slot *slot = opaque;
    slot->fdc->seek_pending |= (u8)BIT(slot->drive);
    fdc_update_irq(slot->fdc);
}

/* Steps out until the drive says track 0, 79 times at most. */
static void command_recalibrate(struct fdc *fdc)
{
    u8 unit = fdc->command[1] & ST0_DS;
    struct fdc_drive *drive = fdc_selected_drive(fdc);
    u8 steps = drive ? MIN(drive->cylinder, RECALIBRATE_STEPS) : RECALIBRATE_STEPS;
    fdc_move_heads(fdc, -steps);
    fdc->pcn[unit] = 0;
    bool at_track_0 = drive && drive->cylinder == 0;
    u8 st0 = ST0_SE | unit;
    if (!at_track_0)
        st0 |= ST0_IC_ABNORMAL | ST0_EC;
    end_seek_later(fdc, unit, steps, st0);
}

static void command_seek(struct fdc *fdc)
{
    u8 unit = fdc->command[1] & ST0_DS;
    s32 steps = fdc->command[2] - fdc->pcn[unit];
    fdc_move_heads(fdc, steps);
    fdc->pcn[unit] = fdc->command[2];
    end_seek_later(fdc, unit, (u32)(steps < 0 ? -steps : steps), ST0_SE | (fdc->command[1] & HD_DS));
}

static void command_relative_seek(struct fdc *fdc)
{
    enum { DIRECTION_IN = 1 << 6 };
    u8 unit = fdc->command[1] & ST0_DS;
    s32 steps = fdc->command[0] & DIRECTION_IN ? fdc->command[2] : -fdc->command[2];
    fdc_move_heads(fdc, steps);
    fdc->pcn[unit] = (u8)(fdc->pcn[unit] + steps);
    end_seek_later(fdc, unit, fdc->command[2], ST0_SE | (fdc->command[1] & HD_DS));
}

/* --- status --- */

static u8 lowest_bit(u8 bits)
{
    return (u8)__builtin_ctz(bits);
}

static void command_invalid(struct fdc *fdc)
{
    fdc->result[0] = ST0_IC_INVALID;
    fdc_enter_result(fdc, 1, false);
}

static void command_sense_interrupt(struct fdc *fdc)
{
    u8 unit;
    if (fdc->reset_pending) {
        unit = lowest_bit(fdc->reset_pending);
        fdc->reset_pending &= (u8)~BIT(unit);
        fdc->irq_reset = false;
        fdc->result[0] = ST0_IC_POLLING | unit;
    } else if (fdc->seek_pending) {
        unit = lowest_bit(fdc->seek_pending);
        fdc->seek_pending &= (u8)~BIT(unit);
        fdc->drive_busy &= (u8) ~(MSR_DRIVE_0_BUSY << unit);
        fdc->result[0] = fdc->seek_st0[unit];
    } else {
        command_invalid(fdc);
        return;
    }
    fdc->result[1] = fdc->pcn[unit];
    fdc_enter_result(fdc, 2, false);
}

static void command_sense_drive(struct fdc *fdc)
{
    const struct fdc_drive *drive = fdc_selected_drive(fdc);
    u8 st3 = ST3_ONES | (fdc->command[1] & HD_DS);
    if (drive && drive->cylinder == 0)
        st3 |= ST3_T0;
    if (drive && drive->block && block_readonly(drive->block))
        st3 |= ST3_WP;
    fdc->result[0] = st3;
    fdc_enter_result(fdc, 1, false);
}

static void command_version(struct fdc *fdc)
{
    fdc->result[0] = VERSION_82077AA;
    fdc_enter_result(fdc, 1, false);
}

static void command_dumpreg(struct fdc *fdc)
{
    for (u32 i = 0; i < FDC_DRIVES; i++)
        fdc->result[i] = fdc->pcn[i];
    fdc->result[4] = fdc->srt_hut;
    fdc->result[5] = fdc->hlt_nd;
    fdc->result[6] = fdc->sc_eot;
    fdc->result[7] = (u8)(fdc->lock << 7) | fdc->perpendicular;
    fdc->result[8] = fdc->config;
    fdc->result[9] = fdc->pretrk;
    fdc_enter_result(fdc, 10, false);
}

/* --- configuration --- */

static void command_specify(struct fdc *fdc)
{
    fdc->srt_hut = fdc->command[1];
    fdc->hlt_nd = fdc->command[2];
    enter_command_done(fdc);
}

static void command_configure(struct fdc *fdc)
{
    fdc->config = fdc->command[2] & (CONFIG_EIS | CONFIG_EFIFO | CONFIG_POLL | CONFIG_FIFOTHR);
    fdc->pretrk = fdc->command[3];
    enter_command_done(fdc);
}

static void command_perpendicular(struct fdc *fdc)
{
    enum { OVERWRITE = 1 << 7, DRIVES = 0x3c, GAP_WGATE = 0x03 };
    u8 drives = fdc->command[1] & OVERWRITE ? fdc->command[1] : fdc->perpendicular;
    fdc->perpendicular = (drives & DRIVES) | (fdc->command[1] & GAP_WGATE);
    enter_command_done(fdc);
}

static void command_lock(struct fdc *fdc)
{
    enum { LOCK_BIT = 1 << 7 };
    fdc->lock = fdc->command[0] & LOCK_BIT;
    fdc->result[0] = (u8)(fdc->lock << 4);
    fdc_enter_result(fdc, 1, false);
}

/* --- data commands --- */

static void command_read_data(struct fdc *fdc)
{
    fdc_start_transfer(fdc, FDC_READ, false);
}

static void command_read_deleted(struct fdc *fdc)
{
    fdc_start_transfer(fdc, FDC_READ, true);
}

static void command_write_data(struct fdc *fdc)
{
    fdc_start_transfer(fdc, FDC_WRITE, false);
}

static void command_write_deleted(struct fdc *fdc)
{
    fdc_start_transfer(fdc, FDC_WRITE, true);
}

static void command_read_track(struct fdc *fdc)
{
    fdc_start_transfer(fdc, FDC_READ_TRACK, false);
}

static void command_verify(struct fdc *fdc)
{
    fdc_start_transfer(fdc, FDC_VERIFY, false);
}

/* --- the table --- */

struct command {
    u8 mask, code; /* which bits of the first byte tell the command, and what they are */
    u8 length;
    void (*run)(struct fdc *fdc);
};

/* clang-format off */
static const struct command commands[] = {
    {0x1f, 0x06, 9, command_read_data},
    {0x1f, 0x0c, 9, command_read_deleted},
    {0x3f, 0x05, 9, command_write_data},
    {0x3f, 0x09, 9, command_write_deleted},
    {0xbf, 0x02, 9, command_read_track},
    {0x1f, 0x16, 9, command_verify},
    {0xbf, 0x0d, 6, fdc_start_format},
    {0xbf, 0x0a, 2, fdc_start_read_id},
    {0xff, 0x07, 2, command_recalibrate},
    {0xff, 0x0f, 3, command_seek},
    {0xbf, 0x8f, 3, command_relative_seek},
    {0xff, 0x08, 1, command_sense_interrupt},
    {0xff, 0x03, 3, command_specify},
    {0xff, 0x04, 2, command_sense_drive},
    {0xff, 0x13, 4, command_configure},
    {0x7f, 0x14, 1, command_lock},
    {0xff, 0x0e, 1, command_dumpreg},
    {0xff, 0x10, 1, command_version},
    {0xff, 0x12, 2, command_perpendicular},
};
/* clang-format on */

static const struct command *find_command(u8 first)
{
    static const struct command invalid = {0, 0, 1, command_invalid};
    for (u32 i = 0; i < ARRAY_LEN(commands); i++)
        if ((first & commands[i].mask) == commands[i].code)
            return &commands[i];
    return &invalid;
}

u8 fdc_command_length(u8 first)
{
    return find_command(first)->length;
}

void fdc_execute(struct fdc *fdc)
{
    find_command(fdc->command[0])->run(fdc);
}
