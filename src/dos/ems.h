/* Expanded memory of the built-in DOS: which pages belong to which handle, and what is in the page frame. Part of struct dos.
 * A page is a piece of struct memory. */
#ifndef HUDDLE_DOS_EMS_H
#define HUDDLE_DOS_EMS_H

#include "base/types.h"
#include "machine/memory.h"

enum {
    EMS_PAGES_MAX = MEMORY_EXPANDED_MAX / MEMORY_PIECE_BYTES,
    EMS_HANDLES = 255, /* 0 is the operating system's and always there */
    EMS_NAME_BYTES = 8,
    EMS_PLACES = MEMORY_FRAME_PLACES,
    EMS_PAGE_BYTES = MEMORY_PIECE_BYTES,
    EMS_FRAME_SEG = MEMORY_FRAME_FIRST >> 4,
};

struct ems_handle {
    bool used, saved; /* `saved`: AH=47h has filled `map` */
    u16 first, pages; /* in struct ems's page[] */
    u8 name[EMS_NAME_BYTES];
    u16 map[EMS_PLACES];
};

struct ems {
    u16 pages; /* in all; 0: there is no expanded memory */
    u16 used;  /* of page[]: those behind belong to nobody */
    u16 page[EMS_PAGES_MAX]; /* pieces, each once: in the order of the handles' logical pages */
    struct ems_handle handle[EMS_HANDLES];
    bool denied;  /* AX=5D01h: the operating system's functions are */
    bool has_key; /* AH=5Dh was called */
    u32 key;
    u32 context;  /* AX=5B01h: far pointer, or 0 */
};

/* AH after a call: LIM EMS 4.0, appendix B. */
enum ems_error {
    EMS_OK = 0x00,
    EMS_INVALID_HANDLE = 0x83,
    EMS_INVALID_FUNCTION = 0x84,
    EMS_NO_HANDLES = 0x85,
    EMS_MAP_SAVED = 0x86,
    EMS_MORE_THAN_THERE_IS = 0x87,
    EMS_MORE_THAN_IS_FREE = 0x88,
    EMS_ZERO_PAGES = 0x89,
    EMS_INVALID_LOGICAL_PAGE = 0x8a,
    EMS_INVALID_PHYSICAL_PAGE = 0x8b,
    EMS_ALREADY_SAVED = 0x8d,
    EMS_NOT_SAVED = 0x8e,
    EMS_INVALID_SUBFUNCTION = 0x8f,
    EMS_INVALID_ATTRIBUTE = 0x90,
    EMS_NOT_NONVOLATILE = 0x91,
    EMS_OVERLAP_MOVED = 0x92, /* success */
    EMS_BEYOND_HANDLE = 0x93,
    EMS_CONVENTIONAL_OVERLAP = 0x94,
    EMS_INVALID_OFFSET = 0x95,
    EMS_TOO_LONG = 0x96,
    EMS_OVERLAP = 0x97,
    EMS_INVALID_TYPE = 0x98,
    EMS_NO_REGISTER_SETS = 0x9c,
    EMS_NAME_NOT_FOUND = 0xa0,
    EMS_NAME_EXISTS = 0xa1,
    EMS_WRAPS = 0xa2,
    EMS_INVALID_MAP = 0xa3,
    EMS_DENIED = 0xa4,
};

struct dos;
struct state;

void ems_boot(struct dos *dos);
void ems_state(struct dos *dos, struct state *state);
/* Far pointer to the device header. */
u32 ems_header(const struct dos *dos);
enum dos_next int67(struct dos *dos);
/* What AH=56h has called is back. */
enum dos_next ems_back(struct dos *dos);

/* Inside. A handle, NULL: there is none; the piece that is its logical page, -1: it has none such. */
struct ems_handle *ems_handle_of(struct dos *dos, u16 handle);
int ems_piece(const struct dos *dos, const struct ems_handle *handle, u32 logical);
/* ems_map.c */
void ems_context_put(struct dos *dos, u32 to);
enum ems_error ems_context_check(const struct dos *dos, u32 from);
void ems_context_set(struct dos *dos, u32 from);
enum { EMS_CONTEXT_BYTES = 2 * EMS_PLACES + 2 };
enum ems_error ems_map(struct dos *dos);          /* AH=44h */
enum ems_error ems_save(struct dos *dos);         /* 47h */
enum ems_error ems_restore(struct dos *dos);      /* 48h */
enum ems_error ems_page_map(struct dos *dos);     /* 4Eh */
enum ems_error ems_partial_map(struct dos *dos);  /* 4Fh */
enum ems_error ems_map_many(struct dos *dos);     /* 50h */
enum dos_next ems_jump(struct dos *dos);          /* 55h */
enum dos_next ems_call(struct dos *dos);          /* 56h */
enum ems_error ems_mappable(struct dos *dos);     /* 58h */
/* ems_move.c */
enum ems_error ems_move(struct dos *dos);         /* 57h */

#endif
