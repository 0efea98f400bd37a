/* The world as decode, cluster and translated code see it; they know neither KVM nor devices. Tests fake it. */
#ifndef HUDDLE_CLUSTER_ENV_H
#define HUDDLE_CLUSTER_ENV_H

#include "base/types.h"

/* Same values as the machine's enum page_kind. */
enum env_page { ENV_PAGE_NONE, ENV_PAGE_RAM, ENV_PAGE_ROM, ENV_PAGE_DEVICE };

enum { ENV_LIMIT_BYTES = 0x20000 };

/* Who answers a port access: what find_port fills in. */
struct env_port {
    u16 number;
    u8 size;
    bool direct; /* one device takes accesses of this size at once, through `in` and `out` (NULL: not that way) */
    void *dev;
    u32 (*in)(void *dev, u16 port, u8 size);
    void (*out)(void *dev, u16 port, u8 size, u32 value);
    /* Where accesses need no account: a byte written is stored there (those bits), a byte read is there, as long as
     * *latch_busy is zero. NULL: not so. */
    u8 *latch_out;
    const u8 *latch_in, *latch_busy;
    u8 latch_mask;
};

/* Who answers accesses to device memory, as long as *generation_now is `generation`: what find_window fills in. */
struct env_window {
    u32 first, bytes; /* bytes 0: nobody in this direct way */
    bool plain;       /* it is a device's, but at present RAM like any other */
    u32 generation;
    const u32 *generation_now;
    void *dev;
    u32 (*read)(void *dev, u32 gpa, u8 size); /* the access lies in the window */
    void (*write)(void *dev, u32 gpa, u8 size, u32 value);
};

/* Memory of a device that is an array of cells, a byte for each of four planes, and as long as *generation_now is `generation`
 * works like this for bytes at `first` + a:
 *   store: v = the byte in all planes; unless `plain`, and then only while *rotate is 0:
 *            v = (v & ~*from_set_reset) | *forced; v = (v & *bit_mask) | (*latch & ~*bit_mask)
 *          cells[a] = (cells[a] & ~*mask) | (v & *mask)
 *   load:  *latch = cells[a]; the byte at bit *shift of it */
struct env_planes {
    u32 first, bytes; /* bytes 0: there is none */
    u32 generation;
    const u32 *generation_now;
    bool stores, loads, plain;
    u32 *cells;
    const u32 *mask;
    const u32 *from_set_reset, *forced, *bit_mask;
    const u8 *rotate;
    u32 *latch;
    const u8 *shift;
};

/* Elements of a string instruction with a device at one of its ends, or at both: what device_run is asked for. */
enum env_side {
    ENV_SIDE_VALUE,  /* source: `value`; sink: `value` becomes what was read last */
    ENV_SIDE_RAM,    /* host memory */
    ENV_SIDE_WINDOW, /* device memory, found by find_window */
    ENV_SIDE_PORT,   /* a sink; or a source, if the sink is RAM */
};
struct env_run {
    u8 source, sink; /* enum env_side */
    u8 size;         /* of an element: 1, 2 or 4 bytes */
    bool down;       /* addresses descend */
    u16 port;
    u32 count;       /* of elements; each end lies in one 4 KiB page */
    u32 from, to;    /* device memory: of the first element */
    const u8 *ram_from;
    u8 *ram_to;      /* of the first element */
    u32 value;
};

struct code_map; /* cluster/code_map.h */

struct cluster_env {
    void *opaque; /* first argument of the functions below */

    /* The processor's view of guest physical memory: byte a is view[a] where page_kind[a >> 12] is RAM or ROM
     * (page_kind has 2^20 entries). Elsewhere, and for writes to ROM, use the mmio functions. */
    u8 *view;
    const u8 *page_kind;

    /* The same memory for translated code: stores to pages that `code_map` guards fault there. In front of it lie
     * ENV_LIMIT_BYTES of which the lower half can be read and the upper half faults. Both may be NULL: then code looks
     * at every store itself, and only for its own cluster. */
    u8 *guarded;
    struct code_map *code_map;

    u32 *pulse; /* host code counts here when it begins and at least every 2,048 instructions; may be NULL */

    /* Device accesses: sizes 1, 2, 4 bytes for ports; 1 to 4 for memory (an access that crosses a 4 KiB page
     * comes as two, lower part first, as KVM delivers it). */
    u32 (*port_in)(void *opaque, u16 port, u8 size);
    void (*port_out)(void *opaque, u16 port, u8 size, u32 value);
    u32 (*mmio_read)(void *opaque, u32 gpa, u8 size);
    void (*mmio_write)(void *opaque, u32 gpa, u8 size, u32 value);

    /* A short cut for code that accesses one port again and again: find_port once, then the device's own function, and
     * port_done after every access. May be NULL: there is none. */
    void (*find_port)(void *opaque, struct env_port *port);
    void (*port_done)(void *opaque, bool in, u16 port, u8 size, u32 value);
    /* The same for memory: a window that the access at `gpa` may or may not lie in. */
    void (*find_window)(void *opaque, u32 gpa, struct env_window *window);
    void (*memory_done)(void *opaque, bool read, u32 gpa, u8 size, u32 value);

    /* Many elements in one call, with the effects and the account of one after the other. How many were done:
     * fewer than asked for where the caller must look at intr, requests, attention, generation and windows
     * again, or where the port's device wants the next element by itself (port_in); 0: not this way, not now.
     * May be NULL. */
    u32 (*device_run)(void *opaque, struct env_run *run);

    /* A20, CPUID: what instructions outside the cluster allow-list need when they are interpreted alone. */
    void (*cpuid)(void *opaque, u32 leaf, u32 subleaf, u32 out[4]); /* eax, ebx, ecx, edx */

    /* The x87's state: a struct x87_image (cluster/x87.h), good until something else runs the guest. `write`: it is about
     * to be changed. NULL, as the function or its answer: x87 instructions are not known (INTERP_UNSUPPORTED). */
    void *(*fpu_state)(void *opaque, bool write);
    /* With CR0.NE clear: the x87 has begun or ceased to signal an error (FERR#). Repetitions mean nothing. May be NULL. */
    void (*fpu_error)(void *opaque, bool on);

    /* A 32-bit PUSH of a segment register writes four bytes, the upper two zero, and not just two: clusters do as the
     * processor that runs the rest of the guest. */
    bool push_sreg_whole;

    /* Where accesses need no account but to be counted (time passes by itself, nothing is recorded): how many there were, and
     * a count that changes whenever one of the four below may have. NULL: memory_done and port_done are called. */
    u64 *accesses;
    const u32 *changes;
    /* Device memory that may be accessed without a call, as the device is now. May be NULL. */
    void (*find_planes)(void *opaque, struct env_planes *planes);

    const bool *intr;              /* the interrupt controllers ask for the processor */
    const volatile int *attention; /* nonzero: the run loop is wanted (signal, timer); leave at the next boundary */
    const u32 *requests;           /* nonzero: reset or exit was requested by a device access; leave right after it */
    const u32 *generation;         /* changes when memory mapping or contents changed behind the processor's back */
};

#endif
