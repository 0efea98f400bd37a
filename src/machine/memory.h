/* Guest physical memory: one memfd, mapped three times, or four under --check (struct memory_shadow).
 *   plain: RAM as the bus sees it (DMA, disk, loaders, reports); A20 never applies.
 *   view:  4 GiB of address space in which the byte at guest physical address a is view[a], as the processor
 *          sees it: A20 applied, device windows and holes inaccessible. KVM's memory slots are this mapping.
 *   guarded: the same once more, for translated code: pages it must not store to without being noticed are read-only.
 * A20 off is done by mapping each even MiB of RAM over the odd MiB above it (no memory-slot ioctl: KVM.md 5).
 * Expanded memory is mapped over its page frame in the same way, in all of them: DMA finds there what the processor does.
 * LIMIT: with A20 off the VGA window does not repeat at 1A0000h; only unreal-mode code could reach it. */
#ifndef HUDDLE_MACHINE_MEMORY_H
#define HUDDLE_MACHINE_MEMORY_H

#include "base/types.h"

enum page_kind {
    PAGE_NONE,   /* nobody answers: reads as ones */
    PAGE_RAM,
    PAGE_ROM,    /* reads like RAM, writes go nowhere (through the device path) */
    PAGE_DEVICE, /* a bus window */
};

#define PAGE_SHIFT 12
#define PAGE_BYTES 4096u
#define PAGE_COUNT (1u << 20)

/* Each view has a page behind it: an access at its last byte faults there, and not in whatever else is mapped. */
#define MEMORY_VIEW_DISTANCE ((1ull << 32) + PAGE_BYTES)

/* In front of the guarded view: 64 KiB that can be read, and 64 KiB that cannot. What is read at an offset from their beginning
 * faults if the offset is beyond the limit of a 64 KiB segment. */
#define MEMORY_LIMIT_BYTES (2u * 64 * KIB)

/* Display memory: a device window, or, where it is opened, plain memory that is no RAM of the machine. */
#define MEMORY_WINDOW_FIRST 0xa0000u
#define MEMORY_WINDOW_BYTES (128 * KIB)

/* The page frame of expanded memory: four places that can show pieces of storage that is no RAM of the machine. */
#define MEMORY_FRAME_FIRST 0xd0000u
enum {
    MEMORY_PIECE_BYTES = 16 * KIB,
    MEMORY_FRAME_PLACES = 4,
    MEMORY_NO_PIECE = 0xffff, /* the place shows the RAM beneath */
    MEMORY_OTHERS_MAX = 2 * MEMORY_FRAME_PLACES - 1,
    MEMORY_EXPANDED_MAX = 32 * MIB,
};

struct memory {
    int fd;
    u32 ram_bytes;
    u32 rom_bytes;  /* firmware image visible at the end of the 4 GiB */
    u8 *plain;
    u8 *view;       /* at guarded + MEMORY_VIEW_DISTANCE */
    u8 *guarded;
    u8 *window;     /* [MEMORY_WINDOW_BYTES]: behind the display memory windows that are open */
    u8 *page_kind;  /* [PAGE_COUNT], enum page_kind */
    u8 *page_guard; /* [PAGE_COUNT], bool: of the addresses without A20's bit */
    bool a20;
    u8 *expanded;       /* [expanded_bytes]: all pieces, whether they are shown or not; NULL: there are none */
    u32 expanded_bytes;
    u16 frame[MEMORY_FRAME_PLACES]; /* the piece at each place, or MEMORY_NO_PIECE */
    u32 frame_changes;  /* counts changes of frame[] */
    u32 window_changes; /* counts openings and closings of display memory */
    u32 generation; /* counts changes of mapping and of contents that no processor store made (DMA, loaders) */
    u32 *changes;   /* counts them too, among others; may be NULL */

    /* Called before a device reads or writes RAM and before A20 or the page frame changes: whoever holds back the processor's stores must
     * make them now. May be NULL. */
    void (*before_bus_access)(void *opaque);
    void *before_bus_access_opaque;
};

struct memory_slot {
    gpa_t first;
    u32 bytes;
    u8 *host;
    bool readonly;
};

/* RAM of `ram_bytes` (a multiple of 1 MiB, 1 MiB to 3 GiB), zeroed, A20 on; A0000h-BFFFFh a device window.
 * 0 or -errno (logged). */
must_check int memory_init(struct memory *mem, u32 ram_bytes);
void memory_fini(struct memory *mem);

/* Loads firmware: the last 128 KiB (or all, if shorter) at E0000h-FFFFFh in RAM, as the ISA machine shadows it,
 * and the whole read-only at the end of the 4 GiB. `bytes` must be a multiple of 64 KiB, at most 256 KiB. */
must_check int memory_load_bios(struct memory *mem, const u8 *image, u32 bytes);

/* KVM's slots in ascending order; returns their number (at most 4). */
u32 memory_slots(const struct memory *mem, struct memory_slot *slots);

void memory_set_a20(struct memory *mem, bool on);

/* Storage for expanded memory, zeroed: a multiple of MEMORY_PIECE_BYTES, at most MEMORY_EXPANDED_MAX. Once. 0 or -errno (logged). */
must_check int memory_add_expanded(struct memory *mem, u32 bytes);
/* Shows a piece (or none: MEMORY_NO_PIECE) at a place of the page frame. A piece may be at several places at once. */
void memory_show_piece(struct memory *mem, u32 place, u16 piece);
void memory_clear_frame(struct memory *mem);
/* Where the pieces begin in the memory file. */
u64 memory_expanded_offset(const struct memory *mem);

/* Has some RAM more than one address now: with A20 off, or while a piece is at two places? */
bool memory_has_aliases(const struct memory *mem);
/* The other addresses of the page of RAM at `page`; returns how many. */
u32 memory_others(const struct memory *mem, gpa_t page, gpa_t other[MEMORY_OTHERS_MAX]);

/* Makes the page of RAM at `page` read-only in the guarded view, at both addresses it may have with A20 off. For good. */
void memory_guard(struct memory *mem, gpa_t page);

/* Makes `bytes` (whole pages) at `first` of A0000h-BFFFFh plain memory for translated code and interpreter, with what is at
 * the same place in `window`: the display adapter's, which then has to do without being asked. KVM does not see it: its
 * accesses go on to be the device's. 0 or -errno (logged): it is a device window as before. */
must_check int memory_open_window(struct memory *mem, gpa_t first, u32 bytes);
/* Makes what was opened a device window again. */
void memory_close_window(struct memory *mem, gpa_t first, u32 bytes);

/* The checked accessors for device models (bus view). False if any byte lies outside RAM; nothing is copied then. */
must_check bool memory_read(const struct memory *mem, u64 gpa, void *buf, u32 len);
must_check bool memory_write(struct memory *mem, u64 gpa, const void *buf, u32 len);

/* Somebody else than the processor has stored through `view`. */
void memory_stored(struct memory *mem);

/* RAM, A20, expanded memory and its page frame, in either direction. */
struct state;
void memory_state(struct memory *mem, struct state *state);

/* A second view of the same memory in which stores stay private: the byte at a is view[a], as in struct memory. A page
 * that was not stored to shows what the guest's memory holds now; one that was keeps its own contents until dropped.
 * NOTE: a store to one of several addresses of a byte (memory_has_aliases) does not show at the others. */
struct memory_shadow {
    const struct memory *mem;
    u8 *view;
    bool a20;
    u32 frame_changes, window_changes; /* of `mem`, that it is up to date with */
};

/* `mem` must live as long, its firmware must be loaded. 0 or -errno (logged). */
must_check int memory_shadow_init(struct memory_shadow *shadow, const struct memory *mem);
void memory_shadow_fini(struct memory_shadow *shadow);
/* Brings the mapping up to date after A20, the page frame, or what of display memory is open may have changed; private contents of the odd megabytes and of
 * the frame are lost if so. */
void memory_shadow_follow(struct memory_shadow *shadow);
/* Forgets what was stored privately to the page (of RAM) at `page`. */
void memory_shadow_drop(struct memory_shadow *shadow, gpa_t page);

static inline enum page_kind memory_kind(const struct memory *mem, gpa_t gpa)
{
    return mem->page_kind[gpa >> PAGE_SHIFT];
}

#endif
