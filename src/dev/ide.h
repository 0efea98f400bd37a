/* Two ATA channels as the AT's bus adapter wires them: 1F0h-1F7h, 3F6h, IRQ14 and 170h-177h, 376h, IRQ15.
 * ide.c owns registers, status and interrupts; ide_commands.c what the devices do. ANSI X3.298 (ATA-3). */
#ifndef HUDDLE_DEV_IDE_H
#define HUDDLE_DEV_IDE_H

#include "dev/block.h"
#include "machine/machine.h"

enum ide_status {
    IDE_STATUS_ERR = 1 << 0,
    IDE_STATUS_DRQ = 1 << 3,
    IDE_STATUS_DSC = 1 << 4,
    IDE_STATUS_DF = 1 << 5,
    IDE_STATUS_DRDY = 1 << 6,
    IDE_STATUS_BSY = 1 << 7,
};

enum ide_error {
    IDE_ERROR_ABRT = 1 << 2,
    IDE_ERROR_IDNF = 1 << 4,
    IDE_ERROR_UNC = 1 << 6,
    IDE_DIAGNOSTIC_PASSED = 0x01, /* the error register after reset and EXECUTE DEVICE DIAGNOSTIC */
};

enum ide_device_head {
    IDE_DH_HEAD = 0x0f,
    IDE_DH_DEV = 1 << 4,
    IDE_DH_LBA = 1 << 6,
    IDE_DH_ONES = 0xa0, /* bits 7 and 5 read as ones */
};

enum ide_control {
    IDE_CONTROL_NIEN = 1 << 1,
    IDE_CONTROL_SRST = 1 << 2,
};

enum ide_power { IDE_POWER_ACTIVE, IDE_POWER_IDLE, IDE_POWER_STANDBY, IDE_POWER_SLEEP };

#define IDE_CHANNELS     2
#define IDE_DEVICES      2  /* per channel */
#define IDE_MAX_MULTIPLE 16 /* sectors per DRQ block of READ/WRITE MULTIPLE */

/* The command block: the host writes both devices' at once, and reads the selected one's. */
struct ide_registers {
    u8 features;
    u8 error;
    u8 sector_count;
    u8 sector_number;
    u8 cylinder_low;
    u8 cylinder_high;
    u8 device_head;
};

struct ide_device;

/* The next step of a command, run by the channel's event while BSY is set. */
typedef void (*ide_step)(struct ide_device *device);

struct ide_device {
    struct ide_channel *channel;
    struct block *block; /* NULL: absent */
    u8 number;           /* 0 or 1 */
    u8 status;           /* enum ide_status */
    bool intrq;          /* interrupt pending in this device; the line also needs selection and nIEN = 0 */
    struct ide_registers reg;

    /* Settings that outlive a command. */
    struct block_geometry geometry; /* the translation in force */
    u8 multiple;                    /* sectors per block; 0: READ/WRITE MULTIPLE disabled */
    u8 power;                       /* enum ide_power */
    bool write_cache, look_ahead;
    bool keep_settings; /* over a software reset */

    /* The command in progress. */
    struct clock_event event; /* the end of BSY ... */
    ide_step next;            /* ... and what happens then */
    u64 looked_ns;            /* host clock: what the guest's looks at BSY have taken on its bus */
    ide_step data_moved;      /* the host has moved the whole DRQ block */
    u64 lba;                  /* next sector */
    u32 sectors_left;
    u32 block_sectors; /* at most, per DRQ block */

    /* The DRQ block: bytes `index` to `end` are still to be moved by the host. */
    u32 index;
    u32 end;
    bool to_host;
    u8 buffer[IDE_MAX_MULTIPLE * SECTOR_BYTES];
};

struct ide_channel {
    struct irq_line irq;
    struct ide_device device[IDE_DEVICES];
    u8 number;   /* 0 primary, 1 secondary */
    u8 selected; /* device 0 or 1 */
    u8 control;  /* enum ide_control */
};

struct ide {
    struct ide_channel channel[IDE_CHANNELS];
    struct machine *machine;
};

/* ide.c, for ide_commands.c */

/* Sets BSY and runs `step` after `ns`. BSY lasts until the step calls one of the next three, or ide_busy
 * again. */
void ide_busy(struct ide_device *device, ide_step step, u64 ns);
/* Ends the command well, with INTRQ. */
void ide_complete(struct ide_device *device);
/* Ends the command with ERR, the error register and INTRQ. */
void ide_fail(struct ide_device *device, u8 error);
/* Offers a DRQ block of `bytes` in the buffer to the host, or asks the host for one; then `moved` is
 * called. */
void ide_request_data(struct ide_device *device, bool to_host, u32 bytes, bool interrupt, ide_step moved);
/* Back to ready, without INTRQ: after the last block that the host has read. */
void ide_idle(struct ide_device *device);
/* What the registers of a disk show after reset and diagnostic, and readiness. */
void ide_set_signature(struct ide_device *device);

/* ide_commands.c */

/* Starts a command on a device that is present and not busy. */
void ide_execute(struct ide_device *device, u8 command);
/* Settings at power-on (`hardware`) or after SRST. */
void ide_set_defaults(struct ide_device *device, bool hardware);

/* The functions that a command may wait for, by number; a state has the number. NULL: there are fewer. */
ide_step ide_command_step(u32 n);

/* ide_identify.c: the 512 bytes of IDENTIFY DEVICE, into the buffer. */
void ide_identify(struct ide_device *device);

#endif
