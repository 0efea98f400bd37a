/* What the differential tests run: a piece of guest code, the processor's state before it, and what the device will do. */
#ifndef HUDDLE_TESTS_SEQUENCE_H
#define HUDDLE_TESTS_SEQUENCE_H

#include "base/cpu.h"
#include "decode/insn.h"
#include "device.h"

enum {
    SEQUENCE_CODE = 768,
    SEQUENCE_LISTING = 6144,
};

enum mode { MODE_REAL, MODE_PM32, MODE_PM16, MODES };

/* Protected-mode selectors. */
enum selector {
    SEL_CODE32 = 0x08,
    SEL_DATA = 0x10,     /* flat */
    SEL_CODE16 = 0x18,   /* at CODE16_BASE */
    SEL_STACK16 = 0x20,  /* 64 KiB at STACK16_BASE */
    SEL_HANDLER = 0x28,
    SEL_FLAT16 = 0x30,   /* flat, but a stack there has 16 bits */
    SEL_READ_ONLY = 0x38,
    SEL_SMALL = 0x40,    /* 4 KiB at SMALL_BASE */
    SEL_DOWN16 = 0x48,   /* expand-down at DOWN_BASE: offsets from 8000h to FFFFh */
    SEL_DOWN32 = 0x50,   /* from 8000h on */
    SEL_END = 0x58,
};

enum layout {
    RAM_BYTES = 2 * MIB,
    IVT_HANDLERS = 0x1000, /* 256 HLTs, one per vector */
    INTR_HANDLER = 0x1180, /* OUT 80h, AL; IRET (16 and 32 bits) */
    INTR_HANDLER32 = 0x1190,
    GDT = 0x2000,
    IDT = 0x2800,
    CODE16_BASE = 0x5000,
    STACK16_BASE = 0x20000,
    SMALL_BASE = 0x30000,
    DOWN_BASE = 0x40000,
    INTR_VECTOR = 0x20,
    ROM_BYTES = 64 * KIB,  /* at the end of the 4 GiB; and in RAM at F0000h */
};

struct sequence {
    u64 seed;
    enum mode mode;
    struct cpu_state start;
    u8 code[SEQUENCE_CODE]; /* at CS:EIP */
    u32 code_bytes;
    bool a20;
    struct device_plan device;
    u32 window;     /* of the clusters formed from it; 0: none are formed */
    u8 exiting;     /* of 256 code bytes so many begin an instruction known to exit */
    u8 executor;    /* which host executor (of the configurations in executor.c) */
    char listing[SEQUENCE_LISTING];
};

/* Linear address of its byte `i`. */
linear_t sequence_linear(const struct sequence *s, u32 i);

/* The state that every sequence starts from, in its mode: segments, tables, all else zero. */
void sequence_init(struct sequence *s, enum mode mode);

void sequence_add_line(struct sequence *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sequence_print(const struct sequence *s);

struct cpu_segment segment_in_real_mode(u16 selector, bool code);
/* A segment of the tables that image_tables() makes. */
struct cpu_segment segment_of_selector(u16 selector);
/* Interrupt table, descriptor tables and handlers into the image of guest memory. */
void image_tables(u8 *ram);

#endif
