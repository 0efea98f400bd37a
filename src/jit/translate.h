/* Inside of the translation: the state of one translation in the making, shared by translate.c (order, edges, ways out),
 * lower_host.c (steps) and lower_host_mem.c (memory, ports). */
#ifndef HUDDLE_JIT_TRANSLATE_H
#define HUDDLE_JIT_TRANSLATE_H

#include "jit/jit_impl.h"

/* Registers of which only AL (`bytes`) or AX (`words`, and zero above it) is in the host's register: a bit each. The rest is in
 * cpu_state. `counted`: ECX counts the rounds of a chunk (lower_host_loop.c). */
struct lower_parts {
    u8 bytes, words;
    bool counted;
    bool direction; /* r11 is frame->direction */
};

/* Out-of-line code that ends in the interpreter or in a leave. */
struct tail {
    enum { TAIL_INTERPRET, TAIL_LEAVE, TAIL_CHAIN, TAIL_REFUEL } kind;
    u32 number;             /* instruction, leave record, or offset of another region */
    enum flags_place flags;
    u32 pending;
    struct lower_parts lower;
    s16 target;             /* TAIL_REFUEL: ECX is in r9, and this is where to go on */
    u8 *at;                 /* once emitted */
};

struct fixup {
    u8 *field;
    bool to_tail;           /* else to instruction `number` */
    u32 number;
};

struct pending_access {
    u8 *at;
    u32 tail;
};

enum { MAX_TAILS = 6 * CLUSTER_MAX_INSNS, MAX_FIXUPS = 12 * CLUSTER_MAX_INSNS, MAX_LEAVES = 4 * CLUSTER_MAX_INSNS,
       MAX_ACCESSES = 6 * CLUSTER_MAX_INSNS, MAX_SITES = 3 * CLUSTER_MAX_INSNS, MAX_LANDINGS = 32 };

/* The loop in the making. */
struct loop {
    s16 head;               /* CLUSTER_NO_INSN: there is none */
    u32 end;                /* the instruction that branches back */
    u32 n;                  /* instructions */
    u8 chunk_shift;         /* rounds of a chunk, as a power of two */
    u8 *chunk;              /* where a chunk begins */
    u8 *inner;              /* where its branch back goes */
};

/* An instruction of a loop, and what registers are there. */
struct loop_entry {
    u32 insn;
    struct lower_parts lower;
};

struct gen {
    struct jit *jit;
    struct translation *t;
    const struct cpu_state *cpu; /* at translation: segment shapes */
    struct cluster *cluster;
    struct emit e;
    u8 *start;

    u32 i;                  /* instruction in the making */
    const struct step *step, *last_step;
    enum flags_place flags;
    u32 pending;            /* instructions done on this straight stretch and not counted yet */
    bool device;            /* this instruction's accesses are device accesses */
    bool checked;           /* its stores look into the code map */
    bool accessed_device;   /* and it has made one */
    u8 *over[2];            /* branches over the look whether it has asked to leave */
    u32 n_over;
    bool shadow;            /* this instruction begins an interrupt shadow; the next one ends it */

    struct loop loop;
    struct lower_parts lower;
    struct loop_entry entry[CLUSTER_MAX_INSNS];
    u32 n_entries;

    bool is_label[CLUSTER_MAX_INSNS]; /* branches go there: nothing is pending, and flags are in */
    u8 label_flags[CLUSTER_MAX_INSNS]; /* enum flags_place */
    u8 *label[CLUSTER_MAX_INSNS];
    struct tail tail[MAX_TAILS];
    u32 n_tails;
    struct fixup fixup[MAX_FIXUPS];
    u32 n_fixups;
    struct leave_record leave[MAX_LEAVES];
    u32 n_leaves;
    struct pending_access access[MAX_ACCESSES];
    u32 n_accesses;
    struct device_site site[MAX_SITES];
    u32 n_sites;
    u8 *site_field[MAX_SITES]; /* where the address of the site goes: eight bytes */
    bool chain;             /* ways out of the region lead to the dispatch stub */
    u32 eip_limit;          /* indirect branches reach offsets up to there */
    struct landing landing[MAX_LANDINGS];
    u32 n_landings;
};

#define CPU(field)   cpu_at(offsetof(struct cpu_state, field))

/* translate.c */
void gen_save_flags(struct gen *g);    /* makes the host's flags free for use; r9 is lost */
void gen_restore_flags(struct gen *g); /* makes the host's flags the guest's; r8 is lost */
/* Brings flags to where code at a label expects them. r9 may be in use, r8 is lost. */
void gen_place_flags(struct gen *g, enum flags_place place);
/* Counts what is pending. Flags stay. */
void gen_count(struct gen *g);
/* Branch (JMP, Jcc) to the cold code of this instruction: from its start, in the interpreter. */
void gen_branch_cold(struct gen *g, ZydisMnemonic mnemonic);
/* Branch (JMP, CALL) to one of the stubs. */
void gen_branch_stub(struct gen *g, ZydisMnemonic mnemonic, const u8 *stub);
/* The next host instruction may fault, and the cold code executes the guest instruction then. */
void gen_may_fault(struct gen *g);
/* Branch (JMP, Jcc) to where the run is left, at offset `eip`. */
void gen_branch_leave(struct gen *g, ZydisMnemonic mnemonic, enum cluster_leave reason, u32 eip);
/* Leaves the region for offset `eip`, everything before counted or pending: to the region there, if there is one. `reason` if
 * regions are not chained. */
void gen_branch_out(struct gen *g, ZydisMnemonic mnemonic, enum cluster_leave reason, u32 eip);
/* The taken edge of a branch: never falls through. Everything is counted. `ecx_in_r9`: the guest's ECX is there. */
void gen_edge(struct gen *g, s16 target, u32 eip, bool ecx_in_r9);
/* Is the taken edge nothing but a branch: no loop, and flags as they are expected? */
bool gen_edge_is_plain(const struct gen *g, s16 target);
/* Branch (JMP, Jcc) to an instruction of the cluster. */
void gen_branch_label(struct gen *g, ZydisMnemonic mnemonic, s16 target);

/* lower_host.c: false: this instruction is for the interpreter. */
bool gen_is_native(struct gen *g, const struct cluster_insn *insn);
/* STI, MOV SS and the like. */
bool gen_begins_shadow(const struct steps *steps);
void gen_step(struct gen *g, const struct step *step);
ZydisMnemonic gen_alu_mnemonic(u8 op);

/* lower_host_flags.c */
void gen_flag(struct gen *g, const struct step *step);
void gen_get_flags(struct gen *g, const struct step *step);
void gen_set_flags(struct gen *g, const struct step *step);

/* lower_host_mem.c */
void gen_load(struct gen *g, const struct step *step);
void gen_store(struct gen *g, const struct step *step);
/* Are this load and the operation behind it, the last of the instruction, one host instruction? */
bool gen_is_joined(const struct gen *g, const struct step *load);
void gen_joined(struct gen *g, const struct step *load);
void gen_push(struct gen *g, const struct step *step);
void gen_pop(struct gen *g, const struct step *step);
void gen_drop(struct gen *g, const struct step *step);
void gen_load_far(struct gen *g, const struct step *step);
void gen_string(struct gen *g, const struct step *step);
void gen_lea(struct gen *g, const struct step *step);
/* mov register or temporary `dst`, `src`, which is none of the guest's. */
void gen_set_register(struct gen *g, u8 dst, u8 size, enum host_reg src);
/* The source of a store as a register; `scratch` is free. */
enum host_reg gen_store_source(struct gen *g, const struct step *step, u8 src, enum host_reg scratch);
/* The address at which a segment's first byte is, in the frame. */
struct host_mem gen_segment_at(u8 sreg);
/* Can the memory accesses of this step be made by host code? */
bool gen_segment_is_native(struct gen *g, u8 sreg, bool write);

/* `field` branches to the end of the instruction: nothing has asked to leave. Only after its last step. */
void gen_end_here(struct gen *g, u8 *field);

/* lower_host_device.c. r9, r10, r11 are lost. */
/* r8d: linear address; the value afterwards. */
void gen_device_load(struct gen *g, const struct step *step);
/* t0 stays if the step is not the last. */
void gen_device_store(struct gen *g, const struct step *step, u8 src, enum host_reg address);
void gen_port(struct gen *g, const struct step *step);

/* lower_host_loop.c */
/* Instruction g->i is a label: begins a loop of one block there, if that gains something. */
void gen_begin_loop(struct gen *g);
/* Behind instruction g->i: ends the loop if that was its last. */
void gen_end_loop(struct gen *g);
/* In front of instruction g->i: it may be inside a loop, and entered. */
void gen_note_entry(struct gen *g);
/* How those are entered. */
void gen_loop_entries(struct gen *g);
/* Makes registers whole. r8 and r9 are lost, the flags stay. */
void gen_join_parts(struct gen *g, const struct lower_parts *lower);
/* LOOP where g->lower.counted. */
void gen_counted_loop(struct gen *g);
/* Shall a write to the operand zero-extend to the host's register? */
bool gen_extends(const struct gen *g, u8 operand, u8 size);

/* lower_host_flow.c */
void gen_branch(struct gen *g, const struct step *step);
void gen_loop(struct gen *g, const struct step *step);
void gen_jump(struct gen *g, const struct step *step);
void gen_return(struct gen *g, const struct step *step);
/* Can an indirect branch with this operand be made by host code? */
bool gen_indirect_is_native(const struct gen *g, const struct step *step);
void gen_call(struct gen *g, const struct step *step);

/* Host register of a general register or temporary; size 1 gives AH to BH as such. */
enum host_reg gen_reg(u8 operand, u8 size);
static inline bool gen_is_high(enum host_reg reg)
{
    return reg >= HOST_AH;
}
/* AL for AH, and so on: with them exchanged the high byte can be used beside any register. */
static inline enum host_reg gen_low_of(enum host_reg high)
{
    return (enum host_reg)(RAX + (high - HOST_AH));
}
static inline bool gen_is_temp(u8 operand)
{
    return operand >= OPERAND_TEMP && operand < OPERAND_TEMP + STEP_TEMPS;
}

#endif
