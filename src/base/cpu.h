/* The architectural state of the guest's processor (a 486 without time-stamp counter), shared by KVM, the
 * interpreter and, later, translated code. It is converted to and from KVM's format only where a cluster is
 * entered and left (src/kvm/vcpu_state.c). Intel 486 Programmer's Reference Manual, chapters 2 and 4. */
#ifndef HUDDLE_BASE_CPU_H
#define HUDDLE_BASE_CPU_H

#include "base/types.h"

/* Order is the ModRM encoding. */
enum cpu_reg { CPU_EAX, CPU_ECX, CPU_EDX, CPU_EBX, CPU_ESP, CPU_EBP, CPU_ESI, CPU_EDI, CPU_REGS };

/* Order is the ModRM sreg encoding. */
enum cpu_sreg { CPU_ES, CPU_CS, CPU_SS, CPU_DS, CPU_FS, CPU_GS, CPU_SREGS };

enum cpu_flag {
    FLAG_CF = 1u << 0,
    FLAG_FIXED = 1u << 1, /* always one */
    FLAG_PF = 1u << 2,
    FLAG_AF = 1u << 4,
    FLAG_ZF = 1u << 6,
    FLAG_SF = 1u << 7,
    FLAG_TF = 1u << 8,
    FLAG_IF = 1u << 9,
    FLAG_DF = 1u << 10,
    FLAG_OF = 1u << 11,
    FLAG_IOPL = 3u << 12,
    FLAG_NT = 1u << 14,
    FLAG_RF = 1u << 16,
    FLAG_VM = 1u << 17,
    FLAG_AC = 1u << 18,
    FLAG_ID = 1u << 21,
};
#define FLAGS_ARITH (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

enum cpu_cr0 {
    CR0_PE = 1u << 0,
    CR0_MP = 1u << 1,
    CR0_EM = 1u << 2,
    CR0_TS = 1u << 3,
    CR0_ET = 1u << 4,
    CR0_NE = 1u << 5,
    CR0_WP = 1u << 16,
    CR0_AM = 1u << 18,
    CR0_NW = 1u << 29,
    CR0_CD = 1u << 30,
    CR0_PG = 1u << 31,
};

enum cpu_exception {
    EXC_DE = 0,
    EXC_DB = 1,
    EXC_NMI = 2,
    EXC_BP = 3,
    EXC_OF = 4,
    EXC_BR = 5,
    EXC_UD = 6,
    EXC_NM = 7,
    EXC_DF = 8,
    EXC_TS = 10,
    EXC_NP = 11,
    EXC_SS = 12,
    EXC_GP = 13,
    EXC_PF = 14,
    EXC_MF = 16,
    EXC_AC = 17,
};

/* A segment register with its descriptor cache. `limit` is in bytes (already scaled by G). */
struct cpu_segment {
    u32 base;
    u32 limit;
    u16 selector;
    u8 type;  /* descriptor type field, 4 bits: for code/data bit 3 code, 2 expand-down/conforming, 1 writable/readable, 0 accessed */
    u8 dpl;
    bool s;   /* 1 = code or data, 0 = system */
    bool present;
    bool db;  /* D (code) or B (stack): 32-bit */
    bool g;
    bool unusable;
    bool avl;
};

struct cpu_table {
    u32 base;
    u16 limit;
};

struct cpu_state {
    u32 reg[CPU_REGS];
    u32 eip;
    u32 eflags;
    struct cpu_segment sreg[CPU_SREGS];
    struct cpu_segment ldt, tr;
    struct cpu_table gdt, idt;
    u32 cr0, cr2, cr3, cr4;
    /* One instruction long: set after STI (that changed IF from 0 to 1), MOV SS and POP SS. External
     * interrupts are not taken while it is set. */
    bool interrupt_shadow;
    bool halted; /* HLT was executed; eip is after it */
};

static inline bool cpu_protected(const struct cpu_state *cpu)
{
    return cpu->cr0 & CR0_PE;
}

/* Linear address of the next instruction. */
static inline linear_t cpu_rip_linear(const struct cpu_state *cpu)
{
    return cpu->sreg[CPU_CS].base + cpu->eip;
}

/* Modes in which clusters are formed and the interpreter can run: real mode (also with large limits), and
 * protected mode without paging at CPL 0. LIMIT: paging, virtual-8086 and outer rings go to KVM. */
static inline bool cpu_mode_supported(const struct cpu_state *cpu)
{
    if (cpu->cr0 & CR0_PG)
        return false;
    return !(cpu->cr0 & CR0_PE) || (!(cpu->eflags & FLAG_VM) && (cpu->sreg[CPU_SS].dpl & 3) == 0);
}

/* Where the processor is and in which mode: what code at one place means depends on nothing else. */
struct cpu_where {
    u32 eip;
    u32 cs_base;
    u32 mode; /* enum cpu_mode_bit */
};

enum cpu_mode_bit {
    MODE_PROTECTED = 1 << 0,
    MODE_CODE32 = 1 << 1,
    MODE_STACK32 = 1 << 2,
    MODE_TRAP = 1 << 3,        /* TF */
    MODE_UNSUPPORTED = 1 << 4, /* paging, virtual-8086 or outer ring: see cpu_mode_supported */
};

static inline u32 cpu_mode_bits(u32 cr0, u32 eflags, bool code32, bool stack32, u8 cpl)
{
    bool protected = cr0 & CR0_PE;
    bool unsupported = (cr0 & CR0_PG) || (protected && ((eflags & FLAG_VM) || cpl));
    return (protected ? MODE_PROTECTED : 0) | (code32 ? MODE_CODE32 : 0) | (stack32 ? MODE_STACK32 : 0) |
           (eflags & FLAG_TF ? MODE_TRAP : 0) | (unsupported ? MODE_UNSUPPORTED : 0);
}

#endif
