/* The code of guest.asm and where things are in the memory of its machine. */
#ifndef HUDDLE_BENCH_GUEST_H
#define HUDDLE_BENCH_GUEST_H

#include "base/types.h"

/* The order of `entries` in guest.asm, which begins with a dword for each: its address. */
enum guest_entry {
    GUEST_IRQ,
    GUEST_FAULT,
    GUEST_CONTROL,
    GUEST_RUN = GUEST_CONTROL, /* chase.asm */
    GUEST_CPUID,
    GUEST_VMCALL,
    GUEST_VMMCALL,
    GUEST_COALESCED_PORT,
    GUEST_COALESCED_MMIO,
    GUEST_OUT,
    GUEST_IN,
    GUEST_MMIO_WRITE,
    GUEST_MMIO_READ,
    GUEST_STRING_OUT,
    GUEST_STRING_IN,
    GUEST_HALT,
    GUEST_HALT_IF,
    GUEST_WINDOW,
    GUEST_OUT_IF,
    GUEST_SPIN,
    GUEST_ENTRIES,
};

/* Equates of guest.asm. */
enum {
    GUEST_CODE = 0x1000,
    GUEST_TABLES = 0x3000, /* the 64-bit guest's GDT; its IDT is the page behind it */
    GUEST_SAMPLES = 0x7000,
    GUEST_BATCH = 64,
    GUEST_STACK = 0x9000,
    GUEST_SPINS_REAL = 512,
    GUEST_SPINS_LONG = 32768,
    GUEST_NULL_PORT = 0x80,
    GUEST_COALESCED_PORT_NUMBER = 0x84,
    GUEST_DONE_PORT = 0xf0,
    GUEST_FAULT_PORT = 0xf1,
    GUEST_COALESCED_ADDRESS = 0xa1000,
    GUEST_PAGES = 0x40000, /* page tables */
    GUEST_RAM_BYTES = 0xa0000,
    GUEST_VECTOR = 0x20, /* of the interrupt */
};

extern const u8 bench_guest16[];
extern const u32 bench_guest16_bytes;
extern const u8 bench_guest64[];
extern const u32 bench_guest64_bytes;
/* chase.asm */
extern const u8 bench_chase16[];
extern const u32 bench_chase16_bytes;
extern const u8 bench_chase32[];
extern const u32 bench_chase32_bytes;
extern const u8 bench_chase64[];
extern const u32 bench_chase64_bytes;

#endif
