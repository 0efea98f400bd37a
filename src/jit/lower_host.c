/* Steps to host code: what is not memory. The guest's flags are the host's, so most steps are one host
 * instruction; an operation that writes all arithmetic flags does not care where they are before it. */
#include "jit/translate.h"

enum host_reg gen_reg(u8 operand, u8 size)
{
    static const enum host_reg general[CPU_REGS] = {RAX, RCX, RDX, RBX, R14, RBP, RSI, RDI};
    if (gen_is_temp(operand))
        return operand == STEP_T0 ? R10 : R11;
    if (size == 1)
        return operand < 4 ? general[operand] : (enum host_reg)(HOST_AH + operand - 4);
    return general[operand];
}

/* --- which instructions --- */

static bool is_shift(u8 op)
{
    return op >= ALU_ROL && op <= ALU_SAR;
}

static bool is_temp_known(u8 operand)
{
    return !gen_is_temp(operand) || operand == STEP_T0 || operand == STEP_T1;
}

static bool string_is_native(struct gen *g, const struct step *step)
{
    if (step->repeat != REPEAT_NO)
        return false;
    switch (step->op) {
    case STRING_MOVS:
        return gen_segment_is_native(g, step->mem.segment, false) && gen_segment_is_native(g, CPU_ES, true);
    case STRING_LODS:
        return gen_segment_is_native(g, step->mem.segment, false);
    case STRING_STOS:
        return gen_segment_is_native(g, CPU_ES, true);
    default:
        return false;
    }
}

/* An interrupt shadow lasts for one instruction, at whose end nothing may ask for the processor: plain, and the next in line. */
static bool shadow_is_native(struct gen *g)
{
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    if (insn->next == CLUSTER_NO_INSN || g->is_label[insn->next])
        return false;
    const struct steps *next = &g->cluster->insn[insn->next].steps;
    return next->flow == FLOW_NEXT && next->class != INSN_STRONG && !g->t->insn[insn->next].device &&
           !gen_begins_shadow(next) && gen_is_native(g, &g->cluster->insn[insn->next]);
}

bool gen_begins_shadow(const struct steps *steps)
{
    for (u32 i = 0; i < steps->count; i++) {
        const struct step *step = &steps->step[i];
        if ((step->kind == STEP_FLAG && step->op == FLAG_OP_STI) || (step->kind == STEP_LOAD_SEGMENT && step->op == CPU_SS))
            return true;
    }
    return false;
}

static bool flag_is_native(struct gen *g, const struct step *step)
{
    return step->op == FLAG_OP_STI ? shadow_is_native(g) : step->op != FLAG_OP_SALC;
}

static bool alu_is_native(const struct step *step)
{
    if (step->op == ALU_BSWAP)
        return step->size == 4;
    return !is_shift(step->op) || step->src != OPERAND_IMM || gen_reg(step->dst, step->size) != HOST_CH;
}

/* SHLD and SHRD go by CL also for an immediate count (see emit_shift_imm), which must not be an operand then.
 */
static bool shift_double_is_native(const struct step *step)
{
    return step->by_cl || (step->dst != CPU_ECX && step->src != CPU_ECX);
}

static bool is_real_mode(const struct gen *g)
{
    return !(g->cluster->key.where.mode & MODE_PROTECTED);
}

static bool step_is_native(struct gen *g, const struct step *step)
{
    bool is_sreg = step->src >= OPERAND_SREG && step->src < OPERAND_SREG + CPU_SREGS;
    if (!is_temp_known(step->dst) || !is_temp_known(step->src) || !is_temp_known(step->mem.base) ||
        !is_temp_known(step->mem.index))
        return false;
    switch ((enum step_kind)step->kind) {
    case STEP_MOV:
    case STEP_EXTEND:
    case STEP_SIGN:
    case STEP_LEA:
    case STEP_MULTIPLY:
    case STEP_SETCC:
    case STEP_DROP:
    case STEP_IN:
    case STEP_OUT:
    case STEP_BRANCH:
    case STEP_LOOP:
        return true;
    case STEP_COMPARE_EXCHANGE: /* AL is an operand too: no swapping of AH beside r10 */
        return step->size != 1 || !gen_is_temp(step->dst) || step->src < 4;
    case STEP_SHIFT_DOUBLE:
        return shift_double_is_native(step);
    case STEP_ALU:
        return alu_is_native(step);
    case STEP_LOAD:
        return gen_segment_is_native(g, step->mem.segment, step->rmw);
    case STEP_STORE:
        return gen_segment_is_native(g, step->mem.segment, true);
    case STEP_LOAD_FAR:
        return step->size == 2 && is_real_mode(g) && !g->device &&
               gen_segment_is_native(g, step->mem.segment, false);
    case STEP_LOAD_SEGMENT:
        return is_real_mode(g) && step->op != CPU_CS && (step->op != CPU_SS || shadow_is_native(g));
    case STEP_DIVIDE: /* a device read before a #DE cannot be made again; AH to DH cannot be compared with r8
                       */
        return !g->device && (step->size != 1 || step->src < 4 || gen_is_temp(step->src));
    case STEP_PUSH:
        return gen_segment_is_native(g, CPU_SS, true) && !(is_sreg && step->size == 4);
    case STEP_CHECK_PUSH:
        return gen_segment_is_native(g, CPU_SS, true);
    case STEP_POP:
    case STEP_PEEK:
        return gen_segment_is_native(g, CPU_SS, false);
    case STEP_FLAG:
        return flag_is_native(g, step);
    case STEP_GET_FLAGS:
        return true;
    case STEP_SET_FLAGS: /* POPF: a read of a device cannot be made again */
        return !g->device;
    case STEP_STRING:
        return string_is_native(g, step);
    case STEP_JUMP:
        return step->src == OPERAND_IMM || (gen_indirect_is_native(g, step) && !g->device);
    case STEP_CALL: /* a push onto a device might ask to leave in the middle; it moves ESP */
        return (step->src == OPERAND_IMM || (gen_indirect_is_native(g, step) && step->src != CPU_ESP)) && !g->device &&
               gen_segment_is_native(g, CPU_SS, true);
    case STEP_RETURN:
        return gen_indirect_is_native(g, step) && !g->device && gen_segment_is_native(g, CPU_SS, false);
    default:
        return false;
    }
}

static bool accesses_memory(const struct step *step)
{
    switch ((enum step_kind)step->kind) {
    case STEP_LOAD:
    case STEP_STORE:
    case STEP_LOAD_FAR:
    case STEP_PUSH:
    case STEP_POP:
    case STEP_PEEK:
        return true;
    default:
        return false;
    }
}

/* Two accesses of one instruction that are not the halves of a read-modify-write: if the second fails after
 * the first has read a device, the instruction cannot be started again. */
static bool has_two_operands(const struct steps *steps)
{
    u32 accesses = 0;
    for (u32 i = 0; i < steps->count; i++)
        accesses +=
            accesses_memory(&steps->step[i]) && !(steps->step[i].kind == STEP_STORE && steps->step[i].rmw);
    return accesses > 1;
}

static bool flow_is_native(const struct gen *g, const struct cluster_insn *insn)
{
    switch ((enum insn_flow)insn->steps.flow) {
    case FLOW_NEXT:
        return true;
    case FLOW_BRANCH:
    case FLOW_CALL:
    case FLOW_JUMP: /* beyond the limit: #GP */
        return insn->target_eip <= g->cpu->sreg[CPU_CS].limit;
    case FLOW_INDIRECT:
        return g->chain;
    default:
        return false;
    }
}

bool gen_is_native(struct gen *g, const struct cluster_insn *insn)
{
    const struct steps *steps = &insn->steps;
    if (!flow_is_native(g, insn) || (g->device && has_two_operands(steps)))
        return false;
    for (u32 i = 0; i < steps->count; i++)
        if (!step_is_native(g, &steps->step[i]))
            return false;
    return true;
}

/* --- operands --- */

static s64 signed_imm(u32 imm, u8 size)
{
    return size == 1 ? (s8)imm : size == 2 ? (s16)imm : (s32)imm;
}

/* AH to BH have no encoding beside r8 to r15: then the register's two low bytes are exchanged around the
 * operation. XCHG leaves the flags alone. Returns the register to use. */
static enum host_reg swap_in(struct gen *g, enum host_reg reg, bool needed)
{
    if (!needed)
        return reg;
    emit_rr(&g->e, M(XCHG), 1, gen_low_of(reg), reg);
    return gen_low_of(reg);
}

static void swap_out(struct gen *g, enum host_reg reg, bool needed)
{
    if (needed)
        emit_rr(&g->e, M(XCHG), 1, gen_low_of(reg), reg);
}

static bool needs_rex(enum host_reg reg)
{
    return reg >= R8 && reg <= R15;
}

/*  operation dst, src  on registers */
static void emit_two(struct gen *g, ZydisMnemonic mnemonic, u8 size, enum host_reg dst, enum host_reg src)
{
    bool swap_dst = gen_is_high(dst) && needs_rex(src), swap_src = gen_is_high(src) && needs_rex(dst);
    enum host_reg d = swap_in(g, dst, swap_dst), s = swap_in(g, src, swap_src);
    emit_rr(&g->e, mnemonic, size, d, s);
    swap_out(g, dst, swap_dst);
    swap_out(g, src, swap_src);
}

/* --- data --- */

static void gen_mov(struct gen *g, const struct step *step)
{
    enum host_reg dst = gen_reg(step->dst, step->size);
    if (step->src == OPERAND_IMM && gen_extends(g, step->dst, step->size)) {
        emit_ri(&g->e, M(MOV), 4, gen_reg(step->dst, 4), (s32)(step->imm & size_mask(step->size)));
    } else if (step->src == OPERAND_IMM) {
        emit_ri(&g->e, M(MOV), step->size, dst, signed_imm(step->imm, step->size));
    } else if (step->src >= OPERAND_SREG && step->src < OPERAND_SREG + CPU_SREGS) {
        size_t sreg =
            offsetof(struct cpu_state, sreg) + (step->src - OPERAND_SREG) * sizeof(struct cpu_segment);
        struct host_mem selector = cpu_at(sreg + offsetof(struct cpu_segment, selector));
        if (step->size == 4 || gen_extends(g, step->dst, 2))
            emit_extend_m(&g->e, M(MOVZX), 4, gen_reg(step->dst, 4), 2, selector);
        else
            emit_rm(&g->e, M(MOV), 2, dst, selector);
    } else if (gen_extends(g, step->dst, step->size) && !gen_is_high(gen_reg(step->src, step->size))) {
        emit_extend(&g->e, M(MOVZX), 4, gen_reg(step->dst, 4), step->size, gen_reg(step->src, step->size));
    } else {
        emit_two(g, M(MOV), step->size, dst, gen_reg(step->src, step->size));
    }
}

static void gen_extend(struct gen *g, const struct step *step)
{
    ZydisMnemonic mnemonic = step->op ? M(MOVSX) : M(MOVZX);
    enum host_reg dst = gen_reg(step->dst, step->size), src = gen_reg(step->src, step->src_size);
    bool swap = gen_is_high(src) && needs_rex(dst);
    enum host_reg s = swap_in(g, src, swap);
    u8 size = mnemonic == M(MOVZX) && gen_extends(g, step->dst, step->size) ? 4 : step->size;
    emit_extend(&g->e, mnemonic, size, dst, step->src_size, s);
    swap_out(g, src, swap);
}

/* DX or EDX from AX or EAX: the host has the same instruction on the same registers. */
static void gen_sign(struct gen *g, const struct step *step)
{
    emit_none(&g->e, step->size == 4 ? M(CDQ) : M(CWD));
}

/*  selector; base = selector * 16, also as an address: in real mode the rest of the register stays */
static void gen_load_segment(struct gen *g, const struct step *step)
{
    struct emit *e = &g->e;
    size_t sreg = offsetof(struct cpu_state, sreg) + step->op * sizeof(struct cpu_segment);
    enum host_reg src = R8;
    if (step->src >= OPERAND_SREG && step->src < OPERAND_SREG + CPU_SREGS) {
        emit_extend_m(e, M(MOVZX), 4, R8, 2,
                      cpu_at(offsetof(struct cpu_state, sreg) + (step->src - OPERAND_SREG) * sizeof(struct cpu_segment) +
                             offsetof(struct cpu_segment, selector)));
    } else {
        src = gen_reg(step->src, 2);
        emit_extend(e, M(MOVZX), 4, R8, 2, src);
    }
    emit_mr(e, M(MOV), 2, cpu_at(sreg + offsetof(struct cpu_segment, selector)), R8);
    emit_lea(e, 4, R8, host_mem_index(HOST_NONE, R8, 8, 0));
    emit_lea(e, 4, R8, host_mem_index(R8, R8, 1, 0));
    emit_mr(e, M(MOV), 4, cpu_at(sreg + offsetof(struct cpu_segment, base)), R8);
    emit_lea(e, 8, R8, host_mem_index(R13, R8, 1, 0));
    emit_mr(e, M(MOV), 8, gen_segment_at(step->op), R8);
    if (!gen_segment_is_native(g, step->op, false)) { /* else they are so already */
        emit_mi(e, M(MOV), 1, cpu_at(sreg + offsetof(struct cpu_segment, s)), 1);
        emit_mi(e, M(MOV), 1, cpu_at(sreg + offsetof(struct cpu_segment, present)), 1);
        emit_mi(e, M(MOV), 1, cpu_at(sreg + offsetof(struct cpu_segment, unusable)), 0);
    }
    if (step->op == CPU_SS)
        emit_mi(e, M(MOV), 1, CPU(interrupt_shadow), 1);
}

/* --- arithmetic --- */

static const ZydisMnemonic alu_mnemonic[ALU_OPS] = {
    [ALU_ADD] = M(ADD),     [ALU_OR] = M(OR),   [ALU_ADC] = M(ADC),   [ALU_SBB] = M(SBB), [ALU_AND] = M(AND),
    [ALU_SUB] = M(SUB),     [ALU_XOR] = M(XOR), [ALU_CMP] = M(CMP),   [ALU_ROL] = M(ROL), [ALU_ROR] = M(ROR),
    [ALU_RCL] = M(RCL),     [ALU_RCR] = M(RCR), [ALU_SHL] = M(SHL),   [ALU_SHR] = M(SHR), [ALU_SAR] = M(SAR),
    [ALU_TEST] = M(TEST),   [ALU_INC] = M(INC), [ALU_DEC] = M(DEC),   [ALU_NOT] = M(NOT), [ALU_NEG] = M(NEG),
    [ALU_BSWAP] = M(BSWAP), [ALU_BT] = M(BT),   [ALU_BTS] = M(BTS),   [ALU_BTR] = M(BTR), [ALU_BTC] = M(BTC),
    [ALU_BSF] = M(BSF),     [ALU_BSR] = M(BSR), [ALU_IMUL] = M(IMUL),
};

ZydisMnemonic gen_alu_mnemonic(u8 op)
{
    return alu_mnemonic[op];
}

/* Writes all six flags whatever they were, and reads none. */
static bool sets_all_flags(u8 op)
{
    switch (op) {
    case ALU_ADD:
    case ALU_OR:
    case ALU_AND:
    case ALU_SUB:
    case ALU_XOR:
    case ALU_CMP:
    case ALU_TEST:
    case ALU_NEG:
        return true;
    default:
        return false;
    }
}

static bool is_unary(u8 op)
{
    return op == ALU_INC || op == ALU_DEC || op == ALU_NOT || op == ALU_NEG || op == ALU_BSWAP;
}

/* Writes all flags but the carry, which it keeps or reads. */
static bool needs_carry_only(u8 op)
{
    return op == ALU_INC || op == ALU_DEC || op == ALU_ADC || op == ALU_SBB;
}

/* Nobody sees what INC or DEC leaves in the carry: the next instruction neither reads flags nor can fail, and sets them all. */
static bool kept_carry_is_dead(const struct gen *g, u8 op)
{
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    if ((op != ALU_INC && op != ALU_DEC) || insn->steps.count != 1 || insn->next == CLUSTER_NO_INSN)
        return false;
    const struct steps *next = &g->cluster->insn[insn->next].steps;
    return next->count == 1 && next->step[0].kind == STEP_ALU && sets_all_flags(next->step[0].op);
}

/* Puts the flags that the operation needs into the host's, where all are after it. */
static void place_flags(struct gen *g, u8 op)
{
    static const u8 saved_carry = 8; /* bit of frame->flags */
    if (op == ALU_NOT || op == ALU_BSWAP)
        return;
    if (kept_carry_is_dead(g, op))
        g->flags = FLAGS_HOST;
    if (needs_carry_only(op) && g->flags == FLAGS_SAVED)
        emit_mi(&g->e, M(BT), 4, FRAME(flags), saved_carry);
    else if (!sets_all_flags(op))
        gen_restore_flags(g);
    g->flags = FLAGS_HOST;
}

/* The bits of a shift count or bit index that count. */
static u32 count_mask(const struct step *step)
{
    return is_shift(step->op) ? 31 : 8u * step->size - 1;
}

/* NOTE: some flags are undefined after a shift by more than one, and processors leave them differently for
 * the immediate form and the form by CL. The interpreter uses the latter for both; so does this. mov r8d,
 * ecx; [mov r9, dst]; mov cl, imm; operation dst, cl; mov ecx, r8d; [mov dst, r9] R9 is the address of an
 * operand in memory; but then dst is not ECX. */
static void emit_shift_imm(struct gen *g, const struct step *step, enum host_reg dst)
{
    struct emit *e = &g->e;
    enum host_reg at = dst == RCX ? R9 : dst;
    emit_rr(e, M(MOV), 4, R8, RCX);
    if (at == R9)
        emit_rr(e, M(MOV), 4, R9, RCX);
    emit_ri(e, M(MOV), 1, RCX, step->imm & count_mask(step));
    emit_shift_cl(e, alu_mnemonic[step->op], step->size, at);
    emit_rr(e, M(MOV), 4, RCX, R8);
    if (at == R9)
        emit_rr(e, M(MOV), step->size, RCX, R9);
}

static void gen_alu(struct gen *g, const struct step *step)
{
    ZydisMnemonic mnemonic = alu_mnemonic[step->op];
    enum host_reg dst = gen_reg(step->dst, step->size);
    place_flags(g, step->op);
    if (is_unary(step->op)) {
        emit_r(&g->e, mnemonic, step->size, dst);
    } else if (step->src == OPERAND_IMM) {
        bool count = is_shift(step->op) || (step->op >= ALU_BT && step->op <= ALU_BTC);
        if (is_shift(step->op) && (step->imm & count_mask(step)) > 1)
            emit_shift_imm(g, step, dst);
        else if (step->op == ALU_IMUL)
            emit_imul(&g->e, step->size, dst, dst, signed_imm(step->imm, step->size));
        else
            emit_ri(&g->e, mnemonic, step->size, dst,
                    count ? step->imm & count_mask(step) : signed_imm(step->imm, step->size));
    } else if (is_shift(step->op)) {
        emit_shift_cl(&g->e, mnemonic, step->size, dst);
    } else {
        emit_two(g, mnemonic, step->size, dst, gen_reg(step->src, step->size));
    }
}

/*  [mov r8d, ecx; mov cl, imm;] shld dst, src, cl; [mov ecx, r8d] */
static void gen_shift_double(struct gen *g, const struct step *step)
{
    struct emit *e = &g->e;
    gen_restore_flags(g);
    if (!step->by_cl) {
        emit_rr(e, M(MOV), 4, R8, RCX);
        emit_ri(e, M(MOV), 1, RCX, step->imm & 31);
    }
    emit_shift_double_cl(e, step->op ? M(SHRD) : M(SHLD), step->size, gen_reg(step->dst, step->size),
                         gen_reg(step->src, step->size));
    if (!step->by_cl)
        emit_rr(e, M(MOV), 4, RCX, R8);
}

static void gen_multiply(struct gen *g, const struct step *step)
{
    gen_restore_flags(g); /* NOTE: it leaves some undefined: as this host does, given what they were */
    emit_r(&g->e, step->op ? M(IMUL) : M(MUL), step->size, gen_reg(step->src, step->size));
}

/* Does the quotient fit? Zero is below everything.
 *   cmp edx, src; jae cold;   of AX by a byte:  movzx r8d, ax; shr r8d, 8; cmp r8b, src; jae cold */
static void emit_unsigned_guard(struct gen *g, u8 size, enum host_reg src)
{
    struct emit *e = &g->e;
    enum host_reg high = RDX;
    if (size == 1) {
        high = R8;
        emit_extend(e, M(MOVZX), 4, R8, 2, RAX);
        emit_ri(e, M(SHR), 4, R8, 8);
    }
    emit_rr(e, M(CMP), size, high, src);
    gen_branch_cold(g, M(JNB));
}

/* Only the plain case, a dividend that is no longer than the divisor, by neither 0 nor -1, surely fits.
 *   r8 = sign of eax; cmp edx, r8d; jne cold; r8 = src + 1; cmp r8, 1; jbe cold */
static void emit_signed_guard(struct gen *g, u8 size, enum host_reg src)
{
    struct emit *e = &g->e;
    if (size == 1) {
        emit_extend(e, M(MOVSX), 4, R8, 1, RAX);
        emit_rr(e, M(CMP), 2, RAX, R8);
    } else {
        emit_rr(e, M(MOV), size, R8, RAX);
        emit_ri(e, M(SAR), size, R8, 8 * size - 1);
        emit_rr(e, M(CMP), size, RDX, R8);
    }
    gen_branch_cold(g, M(JNZ));
    emit_rr(e, M(MOV), size, R8, src);
    emit_ri(e, M(ADD), size, R8, 1);
    emit_ri(e, M(CMP), size, R8, 1);
    gen_branch_cold(g, M(JBE));
}

/* What may raise #DE is the interpreter's. */
static void gen_divide(struct gen *g, const struct step *step)
{
    enum host_reg src = gen_reg(step->src, step->size);
    gen_save_flags(g);
    if (step->op)
        emit_signed_guard(g, step->size, src);
    else
        emit_unsigned_guard(g, step->size, src);
    gen_restore_flags(g);
    emit_r(&g->e, step->op ? M(IDIV) : M(DIV), step->size, src);
}

static ZydisMnemonic setcc_mnemonic(u8 condition)
{
    static const ZydisMnemonic setcc[16] = {M(SETO),  M(SETNO),  M(SETB),  M(SETNB), M(SETZ), M(SETNZ),
                                            M(SETBE), M(SETNBE), M(SETS),  M(SETNS), M(SETP), M(SETNP),
                                            M(SETL),  M(SETNL),  M(SETLE), M(SETNLE)};
    return setcc[condition];
}

static void gen_compare_exchange(struct gen *g, const struct step *step)
{
    g->flags = FLAGS_HOST;
    emit_two(g, M(CMPXCHG), step->size, gen_reg(step->dst, step->size), gen_reg(step->src, step->size));
}

void gen_step(struct gen *g, const struct step *step)
{
    switch ((enum step_kind)step->kind) {
    case STEP_MOV:
        gen_mov(g, step);
        break;
    case STEP_EXTEND:
        gen_extend(g, step);
        break;
    case STEP_SIGN:
        gen_sign(g, step);
        break;
    case STEP_LEA:
        gen_lea(g, step);
        break;
    case STEP_LOAD:
        gen_load(g, step);
        break;
    case STEP_STORE:
        gen_store(g, step);
        break;
    case STEP_LOAD_FAR:
        gen_load_far(g, step);
        break;
    case STEP_LOAD_SEGMENT:
        gen_load_segment(g, step);
        break;
    case STEP_ALU:
        gen_alu(g, step);
        break;
    case STEP_SHIFT_DOUBLE:
        gen_shift_double(g, step);
        break;
    case STEP_MULTIPLY:
        gen_multiply(g, step);
        break;
    case STEP_DIVIDE:
        gen_divide(g, step);
        break;
    case STEP_SETCC:
        gen_restore_flags(g);
        emit_r(&g->e, setcc_mnemonic(step->op), 1, gen_reg(step->dst, 1));
        break;
    case STEP_COMPARE_EXCHANGE:
        gen_compare_exchange(g, step);
        break;
    case STEP_CHECK_PUSH: /* plain: the push itself finds out, before anything has changed */
        break;
    case STEP_PUSH:
        gen_push(g, step);
        break;
    case STEP_POP:
    case STEP_PEEK:
        gen_pop(g, step);
        break;
    case STEP_DROP:
        gen_drop(g, step);
        break;
    case STEP_FLAG:
        gen_flag(g, step);
        break;
    case STEP_GET_FLAGS:
        gen_get_flags(g, step);
        break;
    case STEP_SET_FLAGS:
        gen_set_flags(g, step);
        break;
    case STEP_STRING:
        gen_string(g, step);
        break;
    case STEP_IN:
    case STEP_OUT:
        gen_port(g, step);
        break;
    case STEP_BRANCH:
        gen_branch(g, step);
        break;
    case STEP_LOOP:
        gen_loop(g, step);
        break;
    case STEP_JUMP:
        gen_jump(g, step);
        break;
    case STEP_RETURN:
        gen_return(g, step);
        break;
    case STEP_CALL:
        gen_call(g, step);
        break;
    default:
        BUG_ON(true); /* gen_is_native */
    }
}
