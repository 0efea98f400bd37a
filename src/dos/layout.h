/* Where things are in guest memory: the resident part of DOS and the tables that programs look into. Offsets of fields
 * are those of DOS 5.0 (Undocumented DOS, 2nd ed., appendix A; Ralf Brown's Interrupt List). Whatever a program may
 * read or change is kept here and nowhere else: so it is also what a saved state restores. */
#ifndef HUDDLE_DOS_LAYOUT_H
#define HUDDLE_DOS_LAYOUT_H

#include "base/types.h"

enum {
    DOS_PORT = 0xe7, /* OUT DOS_PORT, AL is a call of the monitor; which one, its address tells */

    DOS_SEG = 0x0070, /* stub.bin lies at its beginning */
    STUB_MAX_BYTES = 0x700,
};

/* Offsets in DOS_SEG. */
enum {
    LOL = 0x0726, /* list of lists: INT 21h AH=52h */
    SDA = 0x07a0, /* swappable data area: INT 21h AX=5D06h */
    DOS_STACKS = 0x07c0,
    DOS_STACK_BYTES = 0x300,
    DOS_STACK_COUNT = 3,
    SFT = DOS_STACKS + DOS_STACK_COUNT * DOS_STACK_BYTES,
    SFT_HEADER_BYTES = 6,
    SFT_ENTRIES = 60,
    SFT_BYTES = 0x3b,
    CDS = 0x1ea0,
    CDS_BYTES = 0x58,
    DRIVES = 26,
    DPB = CDS + DRIVES * CDS_BYTES,
    DPB_BYTES = 0x21,
    COUNTRY_TABLES = 0x2af0,
    DOS_END = 0x2d30,

    FIRST_MCB = DOS_SEG + DOS_END / 16,
};
_Static_assert(SFT + SFT_HEADER_BYTES + SFT_ENTRIES * SFT_BYTES <= CDS, "the tables overlap");
_Static_assert(DPB + DRIVES * DPB_BYTES <= COUNTRY_TABLES, "the tables overlap");

enum lol_field {
    LOL_FIRST_MCB = -2,
    LOL_DPB = 0x00,
    LOL_SFT = 0x04,
    LOL_CLOCK = 0x08,
    LOL_CON = 0x0c,
    LOL_MAX_SECTOR = 0x10,
    LOL_BUFFERS = 0x12,
    LOL_CDS = 0x16,
    LOL_FCBS = 0x1a,
    LOL_BLOCK_DEVICES = 0x20,
    LOL_LASTDRIVE = 0x21,
    LOL_NUL = 0x22, /* device header */
    LOL_BUFFER_COUNT = 0x3f,
    LOL_BOOT_DRIVE = 0x43,
    LOL_386 = 0x44,
    LOL_EXTENDED_KB = 0x45,
    LOL_UMB_LINKED = 0x63,
    LOL_FIRST_UMB = 0x66,
};

enum sda_field {
    SDA_CRITICAL_ERROR = 0x00,
    SDA_INDOS = 0x01,
    SDA_ERROR_DRIVE = 0x02,
    SDA_ERROR_LOCUS = 0x03,
    SDA_ERROR = 0x04,
    SDA_ERROR_ACTION = 0x06,
    SDA_ERROR_CLASS = 0x07,
    SDA_DTA = 0x0c,
    SDA_PSP = 0x10,
    SDA_BREAK_SP = 0x12,
    SDA_RETURN_CODE = 0x14,
    SDA_DRIVE = 0x16,
    SDA_BREAK = 0x17,
    SDA_ALWAYS_BYTES = 0x18,
    SDA_SCRATCH = 0x18, /* ours: a character */
};

/* Memory control block, one paragraph in front of what it describes. */
enum mcb_field { MCB_TYPE = 0, MCB_OWNER = 1, MCB_SIZE = 3, MCB_NAME = 8 };

/* Program segment prefix. */
enum psp_field {
    PSP_INT20 = 0x00,
    PSP_END = 0x02,
    PSP_CALL5 = 0x05,
    PSP_INT22 = 0x0a,
    PSP_INT23 = 0x0e,
    PSP_INT24 = 0x12,
    PSP_PARENT = 0x16,
    PSP_JFT = 0x18,
    PSP_ENVIRONMENT = 0x2c,
    PSP_STACK = 0x2e,
    PSP_JFT_COUNT = 0x32,
    PSP_JFT_POINTER = 0x34,
    PSP_PREVIOUS = 0x38,
    PSP_VERSION = 0x40,
    PSP_DEPTH = 0x48, /* ours: of calls of DOS, when its parent started it */
    PSP_INT21 = 0x50,
    PSP_FCB1 = 0x5c,
    PSP_FCB2 = 0x6c,
    PSP_TAIL = 0x80,
    PSP_BYTES = 0x100,
    PSP_JFT_ENTRIES = 20,
};

/* System file table entry. */
enum sft_field {
    SFT_REFERENCES = 0x00,
    SFT_MODE = 0x02,
    SFT_ATTRIBUTES = 0x04,
    SFT_INFO = 0x05, /* enum sft_info; for a file the drive in its low 6 bits */
    SFT_DEVICE = 0x07,
    SFT_TIME = 0x0d,
    SFT_DATE = 0x0f,
    SFT_SIZE = 0x11,
    SFT_POSITION = 0x15,
    SFT_NAME = 0x20, /* 11 characters, as in a directory */
    SFT_OWNER = 0x31,
};

enum { SFT_MODE_FCB = 0x8000 }; /* in SFT_MODE: opened by FCB */

enum sft_info {
    INFO_STDIN = 1 << 0,
    INFO_STDOUT = 1 << 1,
    INFO_NUL = 1 << 2,
    INFO_CLOCK = 1 << 3,
    INFO_INT29 = 1 << 4,
    INFO_RAW = 1 << 5,
    INFO_NOT_EOF = 1 << 6, /* device; for a file: not written */
    INFO_DEVICE = 1 << 7,
    INFO_NO_INHERIT = 1 << 12,
    INFO_NO_TIME = 1 << 14, /* file: its time is not set at close */
    INFO_REMOTE = 1 << 15,
};

/* Current directory structure. */
enum cds_field { CDS_PATH = 0x00, CDS_FLAGS = 0x43, CDS_DPB = 0x45, CDS_CLUSTER = 0x49, CDS_ROOT = 0x4f };
enum { CDS_NETWORK = 0x8000, CDS_PHYSICAL = 0x4000, CDS_PATH_BYTES = 67 };

/* BIOS data area and vectors, linear. */
enum {
    BDA_MEMORY_KB = 0x413,
    BDA_KEY_HEAD = 0x41a,
    BDA_KEY_TAIL = 0x41c,
    BDA_TICKS = 0x46c,
    BDA_MIDNIGHT = 0x470,
    BDA_KEY_START = 0x480,
    BDA_KEY_END = 0x482,
    BDA_BREAK = 0x471, /* bit 7: Ctrl-Break was pressed */
};

/* What stub.bin begins with: an offset of each. Calls of the monitor: the address behind their OUT. */
enum stub_entry {
    STUB_INT20,
    STUB_INT21,
    STUB_INT23,
    STUB_INT24,
    STUB_INT25,
    STUB_INT26,
    STUB_INT27,
    STUB_INT29,
    STUB_INT2E,
    STUB_INT2F,
    STUB_INT1B,
    STUB_IRET,
    STUB_INT0,
    STUB_CALL5,
    STUB_INT33,
    STUB_DEVICES, /* the first device header after NUL */
    STUB_CLOCK_DEVICE,
    STUB_CON_DEVICE,
    STUB_STRATEGY,
    STUB_NUL_INTERRUPT,
    STUB_START, /* the first process begins here */
    /* Data. */
    STUB_TEE,        /* byte: what CON shows goes to the monitor too */
    STUB_EXEC_BLOCK, /* of the first program */
    STUB_EXEC_NAME,  /* [80] */
    STUB_EXEC_TAIL,  /* [128] */
    STUB_REQUEST,    /* far pointer: of the device drivers */
    STUB_CARPOS,     /* byte: column of CON */
    STUB_MOUSE_THERE,   /* byte: 0 not started yet, 1 it works, 2 there is none */
    STUB_MOUSE_HANDLER, /* far pointer: whom to call, after STUB_AT_MOUSE_PACKET */
    STUB_BIOS_INT10,    /* far pointer: the firmware's INT 10h */
    /* Routines that DOS runs in the guest: see struct dos_help. */
    STUB_READ_KEY,
    STUB_POLL_KEY,
    STUB_IDLE,
    STUB_CON_WRITE,
    STUB_CON_SHOW,
    STUB_CALL_INT24,
    STUB_CALL_INT23,
    STUB_CALL_BIOS,
    STUB_BIOS_NUMBER, /* byte: the interrupt that STUB_CALL_BIOS calls */
    STUB_SEND,
    STUB_SEND_NUMBER,   /* byte: the interrupt that STUB_SEND calls ... */
    STUB_SEND_FUNCTION, /* ... and AH */
    STUB_HALT,
    STUB_CASE_MAP,
    STUB_CASE_TABLE, /* word: address of the table of capitals, less 80h */
    /* Calls of the monitor. */
    STUB_AT_INT20,
    STUB_AT_INT21,
    STUB_AT_FLUSHED, /* INT 21h AH=0Ch, whose first half is done */
    STUB_AT_INT25,
    STUB_AT_INT26,
    STUB_AT_INT27,
    STUB_AT_INT29,
    STUB_AT_INT2E,
    STUB_AT_INT2F,
    STUB_AT_INT0,
    STUB_AT_DRIVER,
    STUB_AT_FINISHED, /* the first program has ended, or could not begin: carry */
    STUB_AT_HELPED,
    STUB_AT_INT23_DONE,
    STUB_AT_INT24_DONE,
    STUB_AT_INT33,
    STUB_AT_MOUSE_PACKET,
    STUB_AT_MODE_SET,
    /* Extended and expanded memory. */
    STUB_XMS,
    STUB_INT15,
    STUB_OLD_INT15, /* far pointer */
    STUB_EMS_DEVICE,
    STUB_INT67,
    STUB_EMS_BACK,
    STUB_AT_XMS,
    STUB_AT_INT67,
    STUB_AT_EMS_BACK,
    STUB_AT_EMS_DRIVER,
    STUB_ENTRIES,
};

#endif
