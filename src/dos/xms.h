/* Extended memory of the built-in DOS: blocks between the high memory area and the end of RAM, the area itself, and who wants
 * A20. Part of struct dos. */
#ifndef HUDDLE_DOS_XMS_H
#define HUDDLE_DOS_XMS_H

#include "base/types.h"

enum { XMS_HANDLES = 64 };

struct xms_block {
    bool used;
    u8 locks;
    u32 first_kib, kib; /* kib 0: it is nowhere */
};

struct xms {
    u32 first_kib, end_kib; /* of all; equal: there is none, and no XMS */
    bool area_used;         /* the high memory area has been given out */
    bool a20_global;
    u16 a20_local;          /* how often it was enabled more than disabled */
    struct xms_block block[XMS_HANDLES]; /* handle 1 is the first */
};

/* BL after a call: eXtended Memory Specification 3.0, appendix A. */
enum xms_error {
    XMS_OK = 0x00,
    XMS_NOT_IMPLEMENTED = 0x80,
    XMS_NO_AREA = 0x90,
    XMS_AREA_IN_USE = 0x91,
    XMS_AREA_NOT_ALLOCATED = 0x93,
    XMS_A20_STILL_ENABLED = 0x94,
    XMS_NO_MEMORY = 0xa0,
    XMS_NO_HANDLES = 0xa1,
    XMS_INVALID_HANDLE = 0xa2,
    XMS_INVALID_SOURCE = 0xa3,
    XMS_INVALID_SOURCE_OFFSET = 0xa4,
    XMS_INVALID_DESTINATION = 0xa5,
    XMS_INVALID_DESTINATION_OFFSET = 0xa6,
    XMS_INVALID_LENGTH = 0xa7,
    XMS_INVALID_OVERLAP = 0xa8,
    XMS_NOT_LOCKED = 0xaa,
    XMS_LOCKED = 0xab,
    XMS_LOCK_OVERFLOW = 0xac,
    XMS_NO_UMB = 0xb1,
    XMS_INVALID_UMB = 0xb2,
};

struct dos;
struct state;

void xms_boot(struct dos *dos);
void xms_state(struct dos *dos, struct state *state);
/* A program has called the entry point. */
enum dos_next xms_call(struct dos *dos);
/* INT 2Fh AH=43h. */
enum dos_next xms_installed(struct dos *dos, u8 function);

/* Inside: the block of a handle, NULL: there is none; AH=0Bh: xms_move.c. */
struct xms_block *xms_block_of(struct dos *dos, u16 handle);
enum xms_error xms_move(struct dos *dos);

#endif
