/* Inside of the lowering: one function per instruction family, one table cell (lower.c) per mnemonic. */
#ifndef HUDDLE_CLUSTER_LOWER_H
#define HUDDLE_CLUSTER_LOWER_H

#include "cluster/step.h"

struct lower {
    struct steps *steps;
    const struct insn *insn;
    bool failed; /* an operand shape the steps cannot express */
};

/* Lowers one family. `op` is the table cell's parameter. False: not known. */
typedef bool lower_fn(struct lower *lower, u8 op);

lower_fn lower_mov, lower_extend, lower_convert, lower_exchange, lower_lea, lower_xlat, lower_load_far,
    lower_alu, lower_unary, lower_bit_test, lower_bit_scan, lower_imul, lower_multiply, lower_shift_double,
    lower_setcc, lower_xadd, lower_cmpxchg, lower_string, lower_in, lower_out;
lower_fn lower_push, lower_pop, lower_pushf, lower_popf, lower_flag, lower_branch, lower_loop, lower_jump,
    lower_call, lower_return, lower_halt, lower_nop, lower_helper, lower_helper_operand, lower_enter;

/* Appends a step of the given operand size. Never null. */
struct step *lower_emit(struct lower *lower, enum step_kind kind, u8 size);

/* Appends the step that carries the instruction's flag effects (decoder data and the override table). */
struct step *lower_emit_flags(struct lower *lower, enum step_kind kind, u8 size);

/* Size in bytes of visible operand n. */
u8 lower_size(const struct lower *lower, u32 n);
bool lower_is_mem(const struct lower *lower, u32 n);
bool lower_is_imm(const struct lower *lower, u32 n);

/* The code of register operand n (general or segment). */
u8 lower_reg(struct lower *lower, u32 n);
u32 lower_imm(const struct lower *lower, u32 n);
void lower_mem(struct lower *lower, u32 n, struct step_mem *mem);

/* Makes operand n readable: its register, OPERAND_IMM (put the value into the step with lower_set_src), or `temp`
 * after a load. */
u8 lower_read(struct lower *lower, u32 n, u8 temp, bool rmw);

/* Uses operand n, already read into `code`, as the source of `step`. */
void lower_set_src(struct lower *lower, struct step *step, u32 n, u8 code);

/* Stores `src` to memory operand n; `rmw`: to the address the load of the same operand kept. */
struct step *lower_store(struct lower *lower, u32 n, u8 src, bool rmw);

#endif
