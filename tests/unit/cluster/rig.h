/* A fake world for interpreter tests: 1 MiB of RAM with a hole, a logged device and a ROM; ports that count;
 * an x87. */
#ifndef HUDDLE_TESTS_CLUSTER_RIG_H
#define HUDDLE_TESTS_CLUSTER_RIG_H

#include "cluster/interp.h"
#include "cluster/step.h"
#include "cluster/x87.h"

enum rig_layout {
    RIG_RAM_BYTES = 1 << 20,
    RIG_DEVICE = 0xa0000, /* 64 KiB: byte a reads as (u8)a */
    RIG_DEVICE_END = 0xb0000,
    RIG_ROM = 0xf0000,           /* to the end */
    RIG_CODE = 0x1000,           /* where rig_code puts instructions, CS = 0 */
    RIG_STACK = 0x8000,          /* initial SP, SS = 0 */
    RIG_PORT_VALUE = 0x12345670, /* what ports read, plus the number of reads before */
};

struct rig_access {
    char kind; /* 'i' in, 'o' out, 'r' read, 'w' write */
    u8 size;
    u32 address;
    u32 value;
};

#define RIG_LOG_MAX 256

struct rig {
    struct interp interp;
    struct cluster_env env;
    struct cpu_state cpu;
    u8 *ram;
    u8 *page_kind;
    bool intr;
    volatile int attention;
    u32 requests, generation;
    struct rig_access log[RIG_LOG_MAX];
    u32 logged;
    u32 port_reads;
    struct x87_image x87; /* for tests that put rig_x87_state into the environment */
    bool x87_written;     /* it was asked for in order to be changed */
    u32 raise_after;      /* raise `intr` at this many accesses (0: never) */
};

/* cmocka set-up and tear-down: a processor in real mode at 0:RIG_CODE. */
int rig_setup(void **state);
int rig_teardown(void **state);
#define RIG_TEST(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

/* cluster_env.fpu_state of a processor with an x87: rig->x87, which x87_init prepares. */
void *rig_x87_state(void *opaque, bool write);

/* Puts code at RIG_CODE and EIP there. */
void rig_code(struct rig *rig, const u8 *bytes, u32 size);
#define RIG_CODE_BYTES(rig, ...) rig_code(rig, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

/* Runs one instruction that must end so. */
void rig_step(struct rig *rig, enum interp_result expected);
/* Runs one instruction that must fault and change nothing but the fault's description. */
void rig_fault(struct rig *rig, u8 vector, bool has_error, u32 error);

void rig_assert_access(const struct rig *rig, u32 n, char kind, u32 address, u8 size, u32 value);

void rig_put(struct rig *rig, u32 address, u8 size, u32 value);
u32 rig_get(const struct rig *rig, u32 address, u8 size);

/* Flat protected mode at CPL 0: GDT at RIG_GDT with the selectors below, IDT at RIG_IDT (empty). `code32`: D
 * and B of CS and SS. */
enum rig_tables {
    RIG_GDT = 0x2000,
    RIG_IDT = 0x3000,
    RIG_LDT = 0x4000,
    SEL_CODE32 = 0x08,
    SEL_DATA32 = 0x10,
    SEL_CODE16 = 0x18,
    SEL_DATA16 = 0x20, /* 64 KiB at 0 */
    SEL_READ_ONLY = 0x28,
    SEL_ABSENT = 0x30,
    SEL_DOWN = 0x38,      /* expand-down, limit 0FFFh, 32-bit */
    SEL_RING3 = 0x40,     /* data of ring 3 */
    SEL_CALL_GATE = 0x48, /* 32-bit, to SEL_CODE32:5678h */
    SEL_LDT = 0x50,
    SEL_TSS = 0x58,
    SEL_EXECUTE = 0x60, /* code that cannot be read */
    SEL_SMALL = 0x68,   /* code, limit 0FFFh, at 1000h */
    SEL_COUNT = 14,
};
void rig_protected(struct rig *rig, bool code32);
void rig_descriptor(struct rig *rig, u32 at, u32 base, u32 limit, u8 access, u8 flags);
void rig_gate(struct rig *rig, u32 at, u16 selector, u32 offset, u8 access);

#endif
