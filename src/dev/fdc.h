/* The floppy controller, an Intel 82077AA in AT mode, with two drives: 3F0h-3F5h, 3F7h, IRQ6, DMA channel 2.
 * fdc.c owns registers, phases, reset and interrupts; fdc_commands.c the commands that move no data;
 * fdc_transfer.c those that do. Intel 82077AA data sheet (290166). */
#ifndef HUDDLE_DEV_FDC_H
#define HUDDLE_DEV_FDC_H

#include "dev/block.h"
#include "machine/machine.h"

/* Changes the disk in drive 0 or 1; NULL takes it out. The caller owns the blocks. */
void fdc_change_media(struct fdc *fdc, u8 drive, struct block *block);

/* --- what follows is for the three files of the controller and their tests --- */

enum fdc_dor {
    DOR_DRIVE = 3,
    DOR_NOT_RESET = 1 << 2,
    DOR_NOT_DMAGATE = 1 << 3, /* 0: INT and DRQ are not driven */
    DOR_MOTOR_0 = 1 << 4,
};

enum fdc_msr {
    MSR_DRIVE_0_BUSY = 1 << 0,
    MSR_CMDBSY = 1 << 4,
    MSR_NONDMA = 1 << 5,
    MSR_DIO = 1 << 6, /* 1: the host reads */
    MSR_RQM = 1 << 7,
};

enum fdc_dsr { DSR_RESET = 1 << 7, DSR_POWERDOWN = 1 << 6, DSR_DRATE = 3 };
enum fdc_rate { RATE_500K, RATE_300K, RATE_250K, RATE_1M };
enum fdc_dir { DIR_DSKCHG = 1 << 7 };

enum fdc_st0 {
    ST0_DS = 3,
    ST0_H = 1 << 2,
    ST0_EC = 1 << 4,
    ST0_SE = 1 << 5,
    ST0_IC_ABNORMAL = 1 << 6,
    ST0_IC_INVALID = 2 << 6,
    ST0_IC_POLLING = 3 << 6,
};
enum fdc_st1 {
    ST1_MA = 1 << 0,
    ST1_NW = 1 << 1,
    ST1_ND = 1 << 2,
    ST1_OR = 1 << 4,
    ST1_DE = 1 << 5,
    ST1_EN = 1 << 7,
};
enum fdc_st2 { ST2_MD = 1 << 0, ST2_BC = 1 << 1, ST2_WC = 1 << 4, ST2_DD = 1 << 5, ST2_CM = 1 << 6 };
enum fdc_st3 { ST3_H = 1 << 2, ST3_ONES = 1 << 3 | 1 << 5, ST3_T0 = 1 << 4, ST3_WP = 1 << 6 };

enum fdc_configure {
    CONFIG_FIFOTHR = 0x0f,
    CONFIG_POLL = 1 << 4,  /* 1: polling disabled */
    CONFIG_EFIFO = 1 << 5, /* 1: FIFO disabled */
    CONFIG_EIS = 1 << 6,
};

enum fdc_phase { PHASE_RESET, PHASE_COMMAND, PHASE_EXECUTION, PHASE_RESULT };

enum {
    FDC_DRIVES = 4, /* that the chip can address; MACHINE_FLOPPIES are wired */
    FDC_COMMAND_BYTES = 9,
    FDC_RESULT_BYTES = 10,
    FDC_FIFO_BYTES = 16,
    FDC_MAX_CYLINDER = 85, /* the mechanical stop */
    FDC_DMA_CHANNEL = 2,
    FDC_SECTOR_CODE = 2, /* N of 512-byte sectors */
};

struct fdc_drive {
    bool present;
    struct block *block; /* NULL: empty */
    u8 cylinder;         /* where the heads are */
    bool changed;        /* the DSKCHG latch */
};

/* A sector's ID field, and the place of the next sector in a command. */
struct fdc_id {
    u8 c, h, r, n;
};

enum fdc_operation { FDC_READ, FDC_WRITE, FDC_READ_TRACK, FDC_VERIFY, FDC_FORMAT };

/* The data command in execution. */
struct fdc_transfer {
    enum fdc_operation op;
    bool multi_track, mfm, skip, deleted;
    u8 head; /* physical side in use */
    struct fdc_id id;
    u8 eot;
    u32 count;    /* sectors still to verify (VERIFY with EC), to format, or read so far (READ TRACK) */
    bool counted; /* `count` ends the command */
    u8 fill;      /* FORMAT's data byte */
    u8 st1, st2;  /* gathered on the way */
    bool to_host;
    u32 index, bytes; /* of buffer: moved so far, to be moved */
    u32 fifo_end;     /* non-DMA: the host may access up to here */
    u32 dma_tries;
    u8 buffer[SECTOR_BYTES];
};

struct fdc {
    struct machine *machine;
    struct irq_line irq;
    struct fdc_drive drive[FDC_DRIVES];

    u8 dor, tdr, dsr, ccr_rate;
    u8 pcn[FDC_DRIVES]; /* present cylinder number, as the chip believes */
    u8 srt_hut, hlt_nd; /* SPECIFY */
    u8 config, pretrk;  /* CONFIGURE */
    u8 perpendicular;
    bool lock;
    u8 sc_eot; /* DUMPREG: SC of the last FORMAT or EOT of the last other data command */

    enum fdc_phase phase;
    u8 command[FDC_COMMAND_BYTES];
    u8 command_fill, command_length;
    u8 result[FDC_RESULT_BYTES];
    u8 result_pos, result_length;

    /* Interrupt causes. */
    bool irq_result;  /* result phase, or a byte wanted in non-DMA mode */
    bool irq_reset;   /* polling after reset; until the first SENSE INTERRUPT STATUS */
    u8 reset_pending; /* drives whose change of ready is not sensed yet */
    u8 seek_pending;  /* drives whose end of seek is not sensed yet */
    u8 seek_st0[FDC_DRIVES];
    u8 drive_busy; /* as in the MSR */

    struct clock_event poll_event; /* the first poll after reset */
    struct clock_event event;      /* the steps of a data command */
    void (*step)(struct fdc *fdc);
    struct clock_event seek_event[FDC_DRIVES];
    struct fdc_seek_slot {
        struct fdc *fdc;
        u8 drive;
    } seek_slot[FDC_DRIVES]; /* what the seek events get */

    struct fdc_transfer transfer;
    bool layout_warned;
};

/* fdc.c */

/* The drive that DOR selects with its motor on, NULL if there is none. */
struct fdc_drive *fdc_selected_drive(struct fdc *fdc);
void fdc_update_irq(struct fdc *fdc);
/* Runs `step` in `ns`. */
void fdc_step_after(struct fdc *fdc, void (*step)(struct fdc *), u64 ns);
/* Enters the result phase with `n` bytes of fdc->result; 0: the command has no result. */
void fdc_enter_result(struct fdc *fdc, u8 n, bool interrupt);
/* The data rate in force: the last of DSR and CCR. */
enum fdc_rate fdc_data_rate(const struct fdc *fdc);

/* fdc_commands.c */

/* Number of bytes of the command that starts with `first`, itself included. */
u8 fdc_command_length(u8 first);
/* All bytes are in fdc->command. */
void fdc_execute(struct fdc *fdc);
/* Moves the heads of the selected drive by `steps` cylinders, inwards if positive; each step ends DSKCHG. */
void fdc_move_heads(struct fdc *fdc, s32 steps);
void fdc_seek_done(void *opaque, u64 deadline_ns);

/* fdc_transfer.c: execution of the data commands, from fdc->command */
void fdc_start_transfer(struct fdc *fdc, enum fdc_operation op, bool deleted);
void fdc_start_format(struct fdc *fdc);
void fdc_start_read_id(struct fdc *fdc);
/* Execution in either direction: what fdc->event will do next, and the transfer. */
void fdc_transfer_state(struct fdc *fdc, struct state *state);
/* Non-DMA mode: the host accesses the FIFO in the execution phase. */
bool fdc_fifo_wants_host(const struct fdc *fdc);
u8 fdc_fifo_read(struct fdc *fdc);
void fdc_fifo_write(struct fdc *fdc, u8 value);

#endif
