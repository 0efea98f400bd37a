/* Enumerated forms: every instruction that may stand in a cluster, in every form it can be encoded in, each
 * run with several states by host code, by the interpreter and by KVM.
 *
 *   forms_walk.c   all encodings of the opcode maps --insn_decode, steps_lower--> forms on the allow-list
 *   forms_state.c  a form -> cases: registers, flags, where its operands lie, what memory holds
 *   forms_run.c    a case -> the three executors, and are they the same?
 *   forms_table.c  what was run, instruction by instruction; is anything missing? */
#ifndef HUDDLE_TESTS_FORMS_H
#define HUDDLE_TESTS_FORMS_H

#include "trio.h"

/* An encoding of an instruction of the allow-list. */
struct form {
    struct insn insn; /* at FORM_EIP */
    enum mode mode;
    u32 number;
    bool memory; /* an operand is in memory: named, or implied (stack, strings) */
    bool far;    /* it loads CS: only regions hold it */
};

enum {
    FORM_EIP_REAL = 0x1000,
    FORM_CS_REAL = 0x9800, /* reaches into the device window */
    FORM_EIP_PM32 = 0x99000,
    FORM_EIP_PM16 = 0x1000,
    FORM_TARGET = 0x40, /* bytes from the instruction to where indirect branches go */
    FORM_CODE = 96,     /* bytes: the instruction, HLTs behind it */
};

/* --- forms_walk.c --- */

struct forms_walk {
    enum mode mode;
    bool full; /* every SIB byte and every register beside every addressing form */
    /* False: no more. */
    bool (*each)(void *opaque, const struct form *form);
    /* An instruction that the decoder has on its list and that cannot be lowered. */
    void (*refused)(void *opaque, const struct insn *insn);
    void *opaque;
    /* Its own. */
    u32 turn;
    u32 number;
    bool stop;
};

/* Calls `each` for the forms of one mode. Every opcode of the one-byte, 0F, 0F 38 and 0F 3A maps is tried
 * with every ModRM byte, so nothing that the decoder would accept in a cluster is missed. x87 instructions
 * are left out: tests/unit/cluster compares them with the host's own. */
void forms_walk(struct forms_walk *walk);

/* --- forms_state.c --- */

enum { CASE_PATCHES = 4, CASE_PAGES = 64, PATCH_BYTES = 16 };

/* Memory that is not as it is everywhere else. */
struct patch {
    linear_t at;
    u32 n;
    u8 bytes[PATCH_BYTES];
};

struct form_case {
    u32 index;
    struct cpu_state start;
    u8 code[FORM_CODE];
    struct device_plan device;
    bool odd_stack;     /* kvm-pvm delivers exceptions elsewhere: at linear ESP */
    bool any_exception; /* two operands can fault, and processors differ in which does so first */
    u32 n_patches, n_pages;
    struct patch patch[CASE_PATCHES];
    u32 page[CASE_PAGES]; /* addresses of the pages of RAM that it may write to */
    char text[96];        /* where its operands are, for people */
};

/* Case `index` of a form, or false: there are no more. */
bool form_case_make(const struct form *form, u32 index, struct form_case *c);

/* --- forms_run.c --- */

enum form_verdict {
    FORM_SAME,
    FORM_NO_CLUSTER,  /* none begins with it: an indirect jump leads to no exit that could be seen */
    FORM_UNSUPPORTED, /* left to KVM where the case comes to, or without an end */
    FORM_DIFFERENT,   /* printed */
};

struct form_outcome {
    enum form_verdict verdict;
    bool fault;  /* it raised an exception */
    bool native; /* no part of it was handed to the interpreter by host code */
    bool by_kvm; /* compared with KVM */
};

/* Runs a case: `first` of its form in that configuration of the executors, and by KVM too if that is there
 * and `kvm`. Puts memory back. */
struct form_outcome form_run(struct trio *t, const struct form *form, const struct form_case *c, u32 config,
                             bool first, bool kvm);

/* Is all memory as it was before? Prints where not. Finds stores beside the pages of a case. */
bool forms_memory_clean(struct trio *t);

/* --- forms_table.c --- */

enum { FORM_SIZES = 3 }; /* 8, 16, 32 bits */

struct form_row {
    u32 forms[FORM_SIZES], memory_forms;
    u32 cases, faults, no_cluster, unsupported, native, by_kvm;
    u32 completed[FORM_SIZES]; /* cases executed to their end, by size */
};

struct form_table {
    u32 refused;
    struct form_row row[ZYDIS_MNEMONIC_MAX_VALUE + 1];
};

void form_table_add_form(struct form_table *table, const struct form *form);
void form_table_add_case(struct form_table *table, const struct form *form,
                         const struct form_outcome *result);

/* Prints the table. True if every instruction was executed to its end at each of its sizes, by both
 * executors. */
bool form_table_report(const struct form_table *table, bool kvm);

#endif
