/* What an ATA disk does with each command code: PIO data, addresses, settings, power. ANSI X3.298 (ATA-3),
 * clause 8.
 * A table maps the code to the function that starts it; the rest of a command runs in steps from the device's
 * event.
 * LIMIT: no DMA, no security, SMART or removable media commands, no standby timer: those codes are aborted
 * as a disk without them would, and the timer value is accepted and never runs out. */
#include "dev/ide.h"

/* Long enough that a driver's 400 ns wait comes first, short enough that nobody waits. */
#define IDE_COMMAND_NS    (4 * NS_PER_US)
#define IDE_NEXT_BLOCK_NS (2 * NS_PER_US)

enum { IDE_COUNT_256 = 256, IDE_LBA_HEAD_SHIFT = 24 };

/* --- addresses --- */

/* The sector the registers name; false: no such place in the translation in force. */
static bool register_lba(const struct ide_device *d, u64 *lba)
{
    const struct ide_registers *r = &d->reg;
    u32 cylinder = r->cylinder_low | (u32)r->cylinder_high << 8;
    u32 head = r->device_head & IDE_DH_HEAD;
    if (r->device_head & IDE_DH_LBA) {
        *lba = r->sector_number | (u64)cylinder << 8 | (u64)head << IDE_LBA_HEAD_SHIFT;
        return *lba < block_sectors(d->block);
    }
    const struct block_geometry *g = &d->geometry;
    if (r->sector_number < 1 || r->sector_number > g->sectors || head >= g->heads || cylinder >= g->cylinders)
        return false;
    *lba = ((u64)cylinder * g->heads + head) * g->sectors + r->sector_number - 1;
    return *lba < block_sectors(d->block);
}

static void set_cylinder_and_head(struct ide_registers *r, u32 cylinder, u32 head)
{
    r->cylinder_low = (u8)cylinder;
    r->cylinder_high = (u8)(cylinder >> 8);
    r->device_head = (u8)((r->device_head & ~IDE_DH_HEAD) | (head & IDE_DH_HEAD));
}

/* Shows where the command stands, in the way it was addressed. */
static void show_lba(struct ide_device *d, u64 lba)
{
    struct ide_registers *r = &d->reg;
    if (r->device_head & IDE_DH_LBA) {
        r->sector_number = (u8)lba;
        set_cylinder_and_head(r, (u32)(lba >> 8) & 0xffff, (u32)(lba >> IDE_LBA_HEAD_SHIFT));
        return;
    }
    const struct block_geometry *g = &d->geometry;
    r->sector_number = (u8)(lba % g->sectors + 1);
    u64 track = lba / g->sectors;
    set_cylinder_and_head(r, (u32)(track / g->heads), (u32)(track % g->heads));
}

static void fail_at(struct ide_device *d, u64 lba, u8 error)
{
    show_lba(d, lba);
    ide_fail(d, error);
}

/* Sets up lba and sectors_left from the registers; if there is no such sector, the command ends with IDNF. */
static bool start_transfer(struct ide_device *d, u32 block_sectors)
{
    d->sectors_left = d->reg.sector_count ? d->reg.sector_count : IDE_COUNT_256;
    d->block_sectors = block_sectors;
    d->power = IDE_POWER_ACTIVE;
    return register_lba(d, &d->lba);
}

/* Sectors of the next DRQ block; 0: the next one lies beyond the end of the disk. */
static u32 next_block(const struct ide_device *d)
{
    u64 on_disk = block_sectors(d->block) - d->lba;
    u32 n = MIN(d->sectors_left, d->block_sectors);
    return on_disk < n ? (u32)on_disk : n;
}

static void advance(struct ide_device *d, u32 sectors)
{
    show_lba(d, d->lba + sectors - 1);
    d->lba += sectors;
    d->sectors_left -= sectors;
    d->reg.sector_count = (u8)d->sectors_left;
}

/* --- steps shared by many --- */

static void step_complete(struct ide_device *d)
{
    ide_complete(d);
}

static void step_abort(struct ide_device *d)
{
    ide_fail(d, IDE_ERROR_ABRT);
}

static void step_no_such_sector(struct ide_device *d)
{
    ide_fail(d, IDE_ERROR_IDNF);
}

static void finish_soon(struct ide_device *d)
{
    ide_busy(d, step_complete, IDE_COMMAND_NS);
}

static void command_abort(struct ide_device *d)
{
    ide_busy(d, step_abort, IDE_COMMAND_NS);
}

/* --- reading --- */

static void read_block(struct ide_device *d);

static void read_block_moved(struct ide_device *d)
{
    if (d->sectors_left)
        ide_busy(d, read_block, IDE_NEXT_BLOCK_NS);
    else
        ide_idle(d);
}

static void read_block(struct ide_device *d)
{
    u32 n = next_block(d);
    if (!n) {
        fail_at(d, d->lba, IDE_ERROR_IDNF);
        return;
    }
    if (block_read(d->block, d->lba, n, d->buffer)) {
        fail_at(d, d->lba, IDE_ERROR_UNC);
        return;
    }
    advance(d, n);
    ide_request_data(d, true, n * SECTOR_BYTES, true, read_block_moved);
}

static void start_read(struct ide_device *d, u32 block_sectors)
{
    bool ok = start_transfer(d, block_sectors);
    ide_busy(d, ok ? read_block : step_no_such_sector, IDE_COMMAND_NS);
}

static void command_read_sectors(struct ide_device *d)
{
    start_read(d, 1);
}

static void command_read_multiple(struct ide_device *d)
{
    if (d->multiple)
        start_read(d, d->multiple);
    else
        command_abort(d);
}

/* Looks at every sector, shows none. */
static void verify_sectors(struct ide_device *d)
{
    while (d->sectors_left) {
        u32 n = next_block(d);
        if (!n || block_read(d->block, d->lba, n, d->buffer)) {
            fail_at(d, d->lba, n ? IDE_ERROR_UNC : IDE_ERROR_IDNF);
            return;
        }
        advance(d, n);
    }
    ide_complete(d);
}

static void command_read_verify(struct ide_device *d)
{
    bool ok = start_transfer(d, IDE_MAX_MULTIPLE);
    ide_busy(d, ok ? verify_sectors : step_no_such_sector, IDE_COMMAND_NS);
}

/* --- writing --- */

/* The host could not keep what was written. */
static void fail_device_fault(struct ide_device *d)
{
    ide_fail(d, IDE_ERROR_ABRT);
    d->status |= IDE_STATUS_DF;
}

static void ask_for_block(struct ide_device *d);

static void write_block(struct ide_device *d)
{
    if (block_write(d->block, d->lba, d->end / SECTOR_BYTES, d->buffer)) {
        show_lba(d, d->lba);
        fail_device_fault(d);
        return;
    }
    advance(d, d->end / SECTOR_BYTES);
    if (d->sectors_left)
        ask_for_block(d);
    else if (!d->write_cache && block_flush(d->block))
        fail_device_fault(d);
    else
        ide_complete(d);
}

static void write_block_moved(struct ide_device *d)
{
    ide_busy(d, write_block, IDE_NEXT_BLOCK_NS);
}

static void request_block(struct ide_device *d, bool interrupt)
{
    u32 n = next_block(d);
    if (n)
        ide_request_data(d, false, n * SECTOR_BYTES, interrupt, write_block_moved);
    else
        fail_at(d, d->lba, IDE_ERROR_IDNF);
}

static void ask_for_block(struct ide_device *d)
{
    request_block(d, true);
}

/* The host waits for DRQ, not for INTRQ, before the first block. */
static void ask_for_first_block(struct ide_device *d)
{
    request_block(d, false);
}

static void start_write(struct ide_device *d, u32 block_sectors)
{
    if (block_readonly(d->block)) {
        command_abort(d);
        return;
    }
    bool ok = start_transfer(d, block_sectors);
    ide_busy(d, ok ? ask_for_first_block : step_no_such_sector, IDE_COMMAND_NS);
}

static void command_write_sectors(struct ide_device *d)
{
    start_write(d, 1);
}

static void command_write_multiple(struct ide_device *d)
{
    if (d->multiple)
        start_write(d, d->multiple);
    else
        command_abort(d);
}

static void flush_step(struct ide_device *d)
{
    if (block_flush(d->block))
        fail_device_fault(d);
    else
        ide_complete(d);
}

static void command_flush_cache(struct ide_device *d)
{
    ide_busy(d, flush_step, IDE_COMMAND_NS);
}

/* --- the sector buffer, and IDENTIFY --- */

static void offer_buffer(struct ide_device *d)
{
    ide_request_data(d, true, SECTOR_BYTES, true, ide_idle);
}

static void offer_identity(struct ide_device *d)
{
    ide_identify(d);
    offer_buffer(d);
}

static void command_identify_device(struct ide_device *d)
{
    ide_busy(d, offer_identity, IDE_COMMAND_NS);
}

static void command_read_buffer(struct ide_device *d)
{
    ide_busy(d, offer_buffer, IDE_COMMAND_NS);
}

static void ask_for_buffer(struct ide_device *d)
{
    ide_request_data(d, false, SECTOR_BYTES, false, finish_soon);
}

static void command_write_buffer(struct ide_device *d)
{
    ide_busy(d, ask_for_buffer, IDE_COMMAND_NS);
}

/* --- positioning and translation --- */

static void command_recalibrate(struct ide_device *d)
{
    d->power = IDE_POWER_ACTIVE;
    finish_soon(d);
}

static void command_seek(struct ide_device *d)
{
    u64 lba;
    d->power = IDE_POWER_ACTIVE;
    ide_busy(d, register_lba(d, &lba) ? step_complete : step_no_such_sector, IDE_COMMAND_NS);
}

static void command_initialize_parameters(struct ide_device *d)
{
    u32 heads = (d->reg.device_head & IDE_DH_HEAD) + 1u;
    u32 sectors = d->reg.sector_count;
    u64 cylinders = sectors ? block_sectors(d->block) / (heads * sectors) : 0;
    if (!cylinders) {
        command_abort(d);
        return;
    }
    d->geometry = (struct block_geometry){(u32)MIN(cylinders, 0xffffu), heads, sectors};
    finish_soon(d);
}

static void command_set_multiple(struct ide_device *d)
{
    u8 n = d->reg.sector_count;
    bool supported = n <= IDE_MAX_MULTIPLE && (n & (n - 1)) == 0;
    d->multiple = supported ? n : 0;
    if (supported)
        finish_soon(d);
    else
        command_abort(d);
}

/* --- SET FEATURES --- */

enum ide_feature {
    FEATURE_ENABLE_WRITE_CACHE = 0x02,
    FEATURE_SET_TRANSFER_MODE = 0x03,
    FEATURE_DISABLE_LOOK_AHEAD = 0x55,
    FEATURE_KEEP_SETTINGS = 0x66,
    FEATURE_DISABLE_WRITE_CACHE = 0x82,
    FEATURE_ENABLE_LOOK_AHEAD = 0xaa,
    FEATURE_REVERT_SETTINGS = 0xcc,
};

/* In the sector count: 00h and 01h default PIO, 08h-0Ch PIO with flow control modes 0 to 4. */
static bool is_pio_mode(u8 mode)
{
    return mode <= 0x01 || (mode >= 0x08 && mode <= 0x0c);
}

static bool set_feature(struct ide_device *d)
{
    switch (d->reg.features) {
    case FEATURE_ENABLE_WRITE_CACHE:
        d->write_cache = true;
        return true;
    case FEATURE_DISABLE_WRITE_CACHE:
        d->write_cache = false;
        return true;
    case FEATURE_ENABLE_LOOK_AHEAD:
        d->look_ahead = true;
        return true;
    case FEATURE_DISABLE_LOOK_AHEAD:
        d->look_ahead = false;
        return true;
    case FEATURE_KEEP_SETTINGS:
        d->keep_settings = true;
        return true;
    case FEATURE_REVERT_SETTINGS:
        d->keep_settings = false;
        return true;
    case FEATURE_SET_TRANSFER_MODE:
        return is_pio_mode(d->reg.sector_count);
    default:
        return false;
    }
}

static void command_set_features(struct ide_device *d)
{
    if (!set_feature(d))
        command_abort(d);
    else if (d->reg.features == FEATURE_DISABLE_WRITE_CACHE)
        command_flush_cache(d);
    else
        finish_soon(d);
}

/* --- power --- */

static void command_idle(struct ide_device *d)
{
    d->power = IDE_POWER_IDLE;
    finish_soon(d);
}

static void command_standby(struct ide_device *d)
{
    d->power = IDE_POWER_STANDBY;
    command_flush_cache(d);
}

static void command_sleep(struct ide_device *d)
{
    d->power = IDE_POWER_SLEEP;
    command_flush_cache(d);
}

static void command_check_power_mode(struct ide_device *d)
{
    static const u8 answer[] = {
        [IDE_POWER_ACTIVE] = 0xff, [IDE_POWER_IDLE] = 0x80, [IDE_POWER_STANDBY] = 0x00};
    d->reg.sector_count = answer[d->power];
    finish_soon(d);
}

/* --- the table --- */

/* clang-format off */
static const ide_step commands[256] = {
    [0x00] = command_abort, /* NOP ends with ABRT by definition */
    [0x10 ... 0x1f] = command_recalibrate,
    [0x20] = command_read_sectors, /* with retry */
    [0x21] = command_read_sectors, /* without */
    [0x30] = command_write_sectors,
    [0x31] = command_write_sectors,
    [0x3c] = command_write_sectors, /* WRITE VERIFY: the host's write reports its own errors */
    [0x40] = command_read_verify,
    [0x41] = command_read_verify,
    [0x70 ... 0x7f] = command_seek,
    [0x91] = command_initialize_parameters,
    [0x94] = command_standby, /* ATA-1's codes for power, 94h-99h, then those of ATA-3 */
    [0x95] = command_idle,
    [0x96] = command_standby,
    [0x97] = command_idle,
    [0x98] = command_check_power_mode,
    [0x99] = command_sleep,
    [0xc4] = command_read_multiple,
    [0xc5] = command_write_multiple,
    [0xc6] = command_set_multiple,
    [0xe0] = command_standby,
    [0xe1] = command_idle,
    [0xe2] = command_standby,
    [0xe3] = command_idle,
    [0xe4] = command_read_buffer,
    [0xe5] = command_check_power_mode,
    [0xe6] = command_sleep,
    [0xe7] = command_flush_cache,
    [0xe8] = command_write_buffer,
    [0xec] = command_identify_device,
    [0xef] = command_set_features,
};
/* clang-format on */

void ide_execute(struct ide_device *d, u8 command)
{
    if (d->power == IDE_POWER_SLEEP)
        return; /* only a reset wakes it */
    d->reg.error = 0;
    d->index = d->end = 0;
    ide_step start = commands[command] ? commands[command] : command_abort;
    start(d);
}

void ide_set_defaults(struct ide_device *d, bool hardware)
{
    d->power = IDE_POWER_ACTIVE;
    if (d->keep_settings && !hardware)
        return;
    d->geometry = block_geometry(d->block);
    d->multiple = 0;
    d->write_cache = true;
    d->look_ahead = true;
    d->keep_settings = false;
}

/* --- state --- */

/* The list only grows at its end. */
ide_step ide_command_step(u32 n)
{
    static const ide_step steps[] = {
        step_complete, step_abort, step_no_such_sector, read_block, read_block_moved, verify_sectors, write_block,
        write_block_moved, ask_for_first_block, flush_step, offer_identity, offer_buffer, ask_for_buffer, finish_soon,
        ide_idle,
    };
    return n < ARRAY_LEN(steps) ? steps[n] : NULL;
}
