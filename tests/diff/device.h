/* The device of the differential tests: it stands behind all ports and in the device window, answers by what it was asked
 * before, keeps every access, and can want something from the processor at one of them. Every side has its own, and all
 * answer alike. */
#ifndef HUDDLE_TESTS_DEVICE_H
#define HUDDLE_TESTS_DEVICE_H

#include "cluster/env.h"
#include "machine/memory.h"
#include "machine/trace.h"

enum { DEVICE_LOG = 4096, DEVICE_FIRST = 0xa0000, DEVICE_BYTES = 0x20000 };

/* What it does at the access number `at`; EVENT_INTR also at every multiple of it. */
enum device_event {
    EVENT_NONE,
    EVENT_INTR,      /* raises INTR */
    EVENT_ATTENTION, /* the run loop is wanted */
    EVENT_REQUEST,   /* reset or exit */
    EVENT_DMA,       /* writes to memory */
    EVENT_A20,       /* switches A20 */
    EVENT_WINDOW,    /* its window's short cut is void: a mode register changed */
    EVENTS
};

struct device_plan {
    enum device_event event;
    u32 at;      /* from 1 */
    gpa_t dma;   /* EVENT_DMA: where it writes `dma_value` */
    u8 dma_value;
    bool direct; /* it offers the short cuts of struct cluster_env for some of its accesses */
};

struct device {
    struct memory *mem; /* of its side */
    struct device_plan plan;
    u64 state;
    u32 n;              /* accesses */
    bool fired;         /* the event has happened */
    bool intr;
    volatile int attention;
    u32 requests;
    u32 window_generation;
    struct access log[DEVICE_LOG];
};

void device_begin(struct device *d, const struct device_plan *plan);

/* One access, as KVM's exits bring it. Returns the value read or written. */
u32 device_access(struct device *d, enum access_kind kind, u32 addr, u8 size, u32 value);

/* The device's part of a cluster environment; `d` is its opaque. */
void device_env(struct device *d, struct cluster_env *env);

#endif
