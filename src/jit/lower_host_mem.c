/* Memory, stack and strings in host code.
 *
 * A plain access:  offset into r8; is it inside the segment; where the segment is into r9; mov [r9 + r8]. Or, for a segment of
 * 4 GiB and where the address is looked at, linear address into r8; does a store hit code; mov [r13 + r8]. Where no RAM is the
 * mov faults. Whatever goes wrong on the way, nothing has been changed yet, and the cold code executes the instruction in the
 * interpreter. A device access: the linear address, then lower_host_device.c. */
#include "jit/translate.h"

static struct host_mem segment_base(u8 sreg)
{
    return cpu_at(offsetof(struct cpu_state, sreg) + sreg * sizeof(struct cpu_segment) + offsetof(struct cpu_segment, base));
}

static struct host_mem segment_selector(u8 sreg)
{
    return cpu_at(offsetof(struct cpu_state, sreg) + sreg * sizeof(struct cpu_segment) + offsetof(struct cpu_segment, selector));
}

struct host_mem gen_segment_at(u8 sreg)
{
    return frame_at(offsetof(struct jit_frame, segment) + sreg * sizeof(u8 *));
}

static const struct segment_shape *shape_of(struct gen *g, u8 sreg)
{
    if (!(g->t->segments & BIT(sreg))) {
        g->t->segments |= (u8)BIT(sreg);
        g->t->shape[sreg] = jit_segment_shape(g->cpu, sreg);
    }
    return &g->t->shape[sreg];
}

bool gen_segment_is_native(struct gen *g, u8 sreg, bool write)
{
    const struct segment_shape *shape = shape_of(g, sreg);
    return shape->limit != LIMIT_OTHER && (shape->writable || !write);
}

/* --- addresses --- */

static enum host_reg address_reg(u8 operand)
{
    return operand == OPERAND_NONE ? HOST_NONE : gen_reg(operand, 4);
}

/* Is there nothing above the lower 16 bits of the register? */
static bool is_offset(const struct gen *g, u8 operand)
{
    return operand < CPU_REGS && (g->lower.words & BIT(operand));
}

/* The operand's offset: into r8d, if no register is just that. Which one. */
static enum host_reg emit_offset(struct gen *g, const struct step_mem *mem)
{
    enum host_reg base = address_reg(mem->base), index = address_reg(mem->index);
    bool word = mem->addr_size == 2;
    if (base == HOST_NONE && index == HOST_NONE) {
        emit_ri(&g->e, M(MOV), 4, R8, (s32)(word ? (u16)mem->disp : mem->disp));
        return R8;
    }
    if (base == HOST_NONE && mem->scale == 0) {
        base = index;
        index = HOST_NONE;
    }
    s32 disp = word ? (s16)mem->disp : (s32)mem->disp;
    if (word && index == HOST_NONE && disp == 0) {
        if (is_offset(g, mem->base == OPERAND_NONE ? mem->index : mem->base))
            return base;
        emit_extend(&g->e, M(MOVZX), 4, R8, 2, base);
        return R8;
    }
    emit_lea(&g->e, 4, R8, host_mem_index(base, index, (u8)(1 << mem->scale), disp));
    if (word)
        emit_extend(&g->e, M(MOVZX), 4, R8, 2, R8);
    return R8;
}

static bool is_constant(const struct step_mem *mem)
{
    return mem->base == OPERAND_NONE && mem->index == OPERAND_NONE;
}

/* A 16-bit offset reaches every byte of a 64 KiB segment; anything wider may stick out. */
static bool fits_always(const struct step_mem *mem, u8 size)
{
    if (mem->addr_size != 2)
        return false;
    return size == 1 || (is_constant(mem) && (u16)mem->disp <= 0x10000 - size);
}

/*  mov r9b, [r13 + offset + size - 1 - ENV_LIMIT_BYTES], which faults, and leaves the flags alone;  or, where the offset may be any:
 *  cmp offset, 0x10000 - size; ja cold */
static void emit_limit_check(struct gen *g, u8 sreg, const struct step_mem *mem, u8 size, enum host_reg offset)
{
    if (shape_of(g, sreg)->limit == LIMIT_4G || fits_always(mem, size))
        return;
    if (g->jit->env->guarded && mem->addr_size == 2) {
        gen_may_fault(g);
        emit_rm(&g->e, M(MOV), 1, R9, host_mem_index(R13, offset, 1, size - 1 - ENV_LIMIT_BYTES));
        return;
    }
    gen_save_flags(g);
    emit_ri(&g->e, M(CMP), 4, offset, 0x10000 - size);
    gen_branch_cold(g, M(JNBE));
}

/*  r9d = base; r8d = offset + r9d */
static void emit_linear(struct gen *g, u8 sreg, enum host_reg offset)
{
    if (shape_of(g, sreg)->flat) {
        if (offset != R8)
            emit_rr(&g->e, M(MOV), 4, R8, offset);
        return;
    }
    emit_rm(&g->e, M(MOV), 4, R9, segment_base(sreg));
    emit_lea(&g->e, 4, R8, host_mem_index(offset, R9, 1, 0));
}

/* Does the store hit the cluster's own code? With A20 off a byte answers at two addresses: bit 20 is not
 * looked at. mov r9d, ~A20; and r9d, r8d; sub r9d, first - (size - 1); cmp r9d, span; jbe cold */
static void emit_code_check(struct gen *g, u8 size)
{
    static const u32 a20 = BIT(20);
    const struct cluster *c = g->cluster;
    gen_save_flags(g);
    u32 below = c->code_first - (size - 1u);
    u32 span = c->code_last - below;
    bool framed = code_in_frame(c->code_first) || code_in_frame(c->code_last);
    if (framed || (c->code_first ^ c->code_last) & a20 || (below ^ c->code_first) & a20) {
        gen_branch_cold(g, M(JMP));
        return;
    }
    emit_ri(&g->e, M(MOV), 4, R9, (s32)~a20);
    emit_rr(&g->e, M(AND), 4, R9, R8);
    emit_ri(&g->e, M(SUB), 4, R9, (s32)(below & ~a20));
    emit_ri(&g->e, M(CMP), 4, R9, (s32)span);
    gen_branch_cold(g, M(JBE));
}

/* The store goes where the page's guard is not, if no code is there.
 *   mov r9, ~A20; and r9d, r8d; shr r9d, 4; add r9, [granules]; cmp byte [r9], 0; jne cold; the same for the last byte;
 *   mov r9, distance; add r8, r9 */
static void emit_guard_pass(struct gen *g, u8 size)
{
    struct emit *e = &g->e;
    gen_save_flags(g);
    for (u8 byte = 0; byte < size; byte = (u8)(byte + MAX(size - 1, 1))) {
        emit_lea(e, 4, R9, host_mem(R8, byte));
        emit_ri(e, M(AND), 4, R9, (s32)~CODE_A20);
        emit_ri(e, M(SHR), 4, R9, CODE_GRANULE_SHIFT);
        emit_rm(e, M(ADD), 8, R9, FRAME(granules));
        emit_mi(e, M(CMP), 1, host_mem(R9, 0), 0);
        gen_branch_cold(g, M(JNZ));
    }
    emit_ri(e, M(MOV), 8, R9, g->jit->env->view - g->jit->env->guarded);
    emit_rr(e, M(ADD), 8, R8, R9);
}

/* The linear address into r8, checked; for a plain store also against the code. */
static void emit_checked_address(struct gen *g, u8 sreg, const struct step_mem *mem, u8 size, bool write)
{
    enum host_reg offset = emit_offset(g, mem);
    emit_limit_check(g, sreg, mem, size, offset);
    emit_linear(g, sreg, offset);
    if (!write || g->device)
        return;
    if (!g->jit->env->guarded)
        emit_code_check(g, size);
    else if (g->checked)
        emit_guard_pass(g, size);
}

/* Must the code know the linear address? */
static bool looks_at_address(const struct gen *g, bool write)
{
    return g->device || (write && (!g->jit->env->guarded || g->checked));
}

/* An offset that needs no register. */
static bool is_displacement(const struct step_mem *mem, u8 size)
{
    return is_constant(mem) && (mem->addr_size == 4 ? mem->disp <= INT32_MAX : fits_always(mem, size));
}

/* Is what emit_address uses the operand's offset, if it is no constant? Else it makes a linear address of it. */
static bool uses_offset(struct gen *g, u8 sreg, bool write)
{
    const struct segment_shape *shape = shape_of(g, sreg);
    return !looks_at_address(g, write) && (shape->flat || shape->limit == LIMIT_64K);
}

/* Where the operand is, checked. A device access: the linear address is in r8. r8 and r9 may be in use. */
static struct host_mem emit_address(struct gen *g, u8 sreg, const struct step_mem *mem, u8 size, bool write)
{
    const struct segment_shape *shape = shape_of(g, sreg);
    if (!uses_offset(g, sreg, write)) {
        emit_checked_address(g, sreg, mem, size, write);
        return host_mem_index(R13, R8, 1, 0);
    }
    bool displaced = is_displacement(mem, size) && (shape->flat || mem->addr_size == 2);
    enum host_reg base = shape->flat ? R13 : R9;
    enum host_reg offset = HOST_NONE;
    if (!displaced) {
        offset = emit_offset(g, mem);
        emit_limit_check(g, sreg, mem, size, offset);
    }
    if (!shape->flat)
        emit_rm(&g->e, M(MOV), 8, R9, gen_segment_at(sreg));
    if (displaced)
        return host_mem(base, (s32)(mem->addr_size == 2 ? (u16)mem->disp : mem->disp));
    return host_mem_index(base, offset, 1, 0);
}

/* --- loads and stores --- */

static void emit_plain_load(struct gen *g, u8 dst, u8 size, struct host_mem from)
{
    enum host_reg reg = gen_reg(dst, size);
    struct emit *e = &g->e;
    gen_may_fault(g);
    if (gen_is_high(reg)) { /* not encodable beside r8 to r15 */
        emit_extend_m(e, M(MOVZX), 4, R8, 1, from);
        gen_set_register(g, dst, size, R8);
    } else if (size != 4 && (gen_is_temp(dst) || gen_extends(g, dst, size))) {
        emit_extend_m(e, M(MOVZX), 4, gen_reg(dst, 4), size, from);
    } else {
        emit_rm(e, M(MOV), size, reg, from);
    }
}

void gen_set_register(struct gen *g, u8 dst, u8 size, enum host_reg src)
{
    enum host_reg reg = gen_reg(dst, size);
    struct emit *e = &g->e;
    if (gen_is_high(reg)) {
        emit_rr(e, M(XCHG), 1, gen_low_of(reg), reg);
        emit_rr(e, M(MOV), 1, gen_low_of(reg), src);
        emit_rr(e, M(XCHG), 1, gen_low_of(reg), reg);
    } else {
        emit_rr(e, M(MOV), gen_is_temp(dst) ? 4 : size, reg, src);
    }
}

/* `from`: what emit_address said. */
static void emit_load(struct gen *g, const struct step *step, u8 dst, struct host_mem from)
{
    if (!g->device) {
        emit_plain_load(g, dst, step->size, from);
        return;
    }
    gen_device_load(g, step);
    gen_set_register(g, dst, step->size, R8);
}

enum host_reg gen_store_source(struct gen *g, const struct step *step, u8 src, enum host_reg scratch)
{
    if (src >= OPERAND_SREG && src < OPERAND_SREG + CPU_SREGS) {
        emit_extend_m(&g->e, M(MOVZX), 4, scratch, 2, segment_selector(src - OPERAND_SREG));
        return scratch;
    }
    enum host_reg reg = gen_reg(src, step->size);
    if (!gen_is_high(reg))
        return reg;
    emit_rr(&g->e, M(XCHG), 1, gen_low_of(reg), reg);
    emit_rr(&g->e, M(MOV), 4, scratch, gen_low_of(reg));
    emit_rr(&g->e, M(XCHG), 1, gen_low_of(reg), reg);
    return scratch;
}

static s64 signed_imm(u32 imm, u8 size)
{
    return size == 1 ? (s8)imm : size == 2 ? (s16)imm : (s32)imm;
}

static bool is_in_register(u8 src, u8 size)
{
    return gen_is_temp(src) || (src < CPU_REGS && !gen_is_high(gen_reg(src, size)));
}

/*  [lea r9, [to];] mov [to], src */
static void emit_plain_store(struct gen *g, const struct step *step, u8 src, struct host_mem to)
{
    if (src == OPERAND_IMM) {
        gen_may_fault(g);
        emit_mi(&g->e, M(MOV), step->size, to, signed_imm(step->imm, step->size));
        return;
    }
    if (!is_in_register(src, step->size) && to.index != HOST_NONE) { /* a register is needed for it */
        emit_lea(&g->e, 8, R9, to);
        to = host_mem(R9, 0);
    }
    enum host_reg reg = gen_store_source(g, step, src, R8);
    gen_may_fault(g);
    emit_mr(&g->e, M(MOV), step->size, to, reg);
}

/* `to`: what emit_address said. */
static void emit_store(struct gen *g, const struct step *step, u8 src, struct host_mem to)
{
    if (g->device)
        gen_device_store(g, step, src, R8);
    else
        emit_plain_store(g, step, src, to);
}

/* The store of a read-modify-write comes after the flags have changed, when the cold code could not start the
 * instruction again. So the load finds out whether it will fault (ROM reads, but does not take writes): it
 * writes back what it read. */
void gen_load(struct gen *g, const struct step *step)
{
    struct host_mem at = emit_address(g, step->mem.segment, &step->mem, step->size, step->rmw);
    emit_load(g, step, step->dst, at);
    if (!step->rmw)
        return;
    if (g->device) {
        emit_rm(&g->e, M(MOV), 4, R9, FRAME(rmw));
        return;
    }
    gen_may_fault(g);
    emit_mr(&g->e, M(MOV), step->size, at, gen_reg(step->dst, step->size));
    emit_lea(&g->e, 8, R9, at);
}

/* May the operation read memory itself? Only where the flags before it do not matter: it may fault behind a place where they were
 * the host's. AH to BH cannot be encoded beside r8 to r15. */
static bool takes_memory(const struct step *alu, u8 temp)
{
    bool writes_register = alu->src == temp && alu->dst < CPU_REGS && !gen_is_high(gen_reg(alu->dst, alu->size));
    bool reads_only = alu->dst == temp && (alu->src == OPERAND_IMM || is_in_register(alu->src, alu->size)) && alu->src != temp;
    switch (alu->op) {
    case ALU_ADD:
    case ALU_OR:
    case ALU_AND:
    case ALU_SUB:
    case ALU_XOR:
        return writes_register;
    case ALU_CMP:
        return writes_register || reads_only;
    case ALU_TEST:
        return reads_only;
    default:
        return false;
    }
}

bool gen_is_joined(const struct gen *g, const struct step *load)
{
    const struct step *alu = load + 1;
    return load < g->last_step && alu == g->last_step && load->kind == STEP_LOAD && alu->kind == STEP_ALU && !load->rmw &&
           !g->device && gen_is_temp(load->dst) && load->size == alu->size && takes_memory(alu, load->dst);
}

/*  add reg, [m];  cmp [m], reg;  cmp [m], imm */
void gen_joined(struct gen *g, const struct step *load)
{
    struct emit *e = &g->e;
    const struct step *alu = load + 1;
    ZydisMnemonic mnemonic = gen_alu_mnemonic(alu->op);
    struct host_mem at = emit_address(g, load->mem.segment, &load->mem, load->size, false);
    gen_may_fault(g);
    if (alu->src == load->dst)
        emit_rm(e, mnemonic, alu->size, gen_reg(alu->dst, alu->size), at);
    else if (alu->src == OPERAND_IMM)
        emit_mi(e, mnemonic, alu->size, at, signed_imm(alu->imm, alu->size));
    else
        emit_mr(e, mnemonic, alu->size, at, gen_reg(alu->src, alu->size));
    g->flags = FLAGS_HOST;
}

void gen_store(struct gen *g, const struct step *step)
{
    if (!step->rmw)
        emit_store(g, step, step->src, emit_address(g, step->mem.segment, &step->mem, step->size, true));
    else if (g->device)
        gen_device_store(g, step, step->src, R9);
    else
        emit_plain_store(g, step, step->src, host_mem(R9, 0));
}

/*  les r, m in real mode: offset and selector in two loads */
void gen_load_far(struct gen *g, const struct step *step)
{
    struct host_mem at = emit_address(g, step->mem.segment, &step->mem, 4, false);
    gen_may_fault(g);
    emit_rm(&g->e, M(MOV), 4, R10, at);
    at.disp += 2;
    gen_may_fault(g);
    emit_extend_m(&g->e, M(MOVZX), 4, R11, 2, at);
    emit_extend(&g->e, M(MOVZX), 4, R10, 2, R10);
}

/* --- stack --- */

/* As SS is now: the cluster's key says how it was at the cluster's entry. */
static bool stack_is_32(struct gen *g)
{
    return shape_of(g, CPU_SS)->big;
}

/* An operand at SS:[E]SP + disp. */
static struct step_mem stack_mem(struct gen *g, s32 disp)
{
    return (struct step_mem){.segment = CPU_SS,
                             .base = CPU_ESP,
                             .index = OPERAND_NONE,
                             .addr_size = stack_is_32(g) ? 4 : 2,
                             .disp = (u32)disp};
}

static void emit_stack_move(struct gen *g, s32 delta)
{
    if (stack_is_32(g)) {
        emit_lea(&g->e, 4, R14, host_mem(R14, delta));
        return;
    }
    emit_lea(&g->e, 4, R8, host_mem(R14, delta));
    emit_rr(&g->e, M(MOV), 2, R14, R8);
}

void gen_push(struct gen *g, const struct step *step)
{
    struct step_mem mem = stack_mem(g, -step->size);
    struct host_mem to = emit_address(g, CPU_SS, &mem, step->size, true);
    emit_store(g, step, step->src, to);
    bool kept = step->src == OPERAND_IMM || is_in_register(step->src, step->size);
    if (kept && uses_offset(g, CPU_SS, true))
        emit_rr(&g->e, M(MOV), stack_is_32(g) ? 4 : 2, R14, R8);
    else
        emit_stack_move(g, -step->size);
}

/* POP SP: the pointer moves before the value is written. PEEK: it does not move. POPF: gen_set_flags moves it. */
void gen_pop(struct gen *g, const struct step *step)
{
    struct step_mem mem = stack_mem(g, 0);
    struct host_mem from = emit_address(g, CPU_SS, &mem, step->size, false);
    bool through_r11 = step->kind == STEP_POP && step->dst == CPU_ESP;
    emit_load(g, step, through_r11 ? (u8)STEP_T1 : step->dst, from);
    if (step->kind == STEP_POP && g->last_step->kind != STEP_SET_FLAGS)
        emit_stack_move(g, step->size);
    if (through_r11)
        emit_rr(&g->e, M(MOV), step->size, R14, R11);
}

void gen_drop(struct gen *g, const struct step *step)
{
    emit_stack_move(g, (s32)step->imm);
}

/* --- strings, one element --- */

static struct step_mem string_mem(const struct step *step, u8 reg)
{
    return (struct step_mem){.base = reg, .index = OPERAND_NONE, .addr_size = step->mem.addr_size};
}

/*  movsxd r9, [direction]; lea r8d, [reg + r9 * size]; mov reg, r8 */
static void emit_advance(struct gen *g, const struct step *step, u8 operand)
{
    enum host_reg reg = gen_reg(operand, 4);
    enum host_reg direction = g->lower.direction ? R11 : R9;
    if (direction == R9)
        emit_extend_m(&g->e, M(MOVSXD), 8, R9, 4, FRAME(direction));
    if (is_offset(g, operand)) {
        emit_lea(&g->e, 4, reg, host_mem_index(reg, direction, step->size, 0));
        emit_extend(&g->e, M(MOVZX), 4, reg, 2, reg);
        return;
    }
    emit_lea(&g->e, 4, R8, host_mem_index(reg, direction, step->size, 0));
    emit_rr(&g->e, M(MOV), step->mem.addr_size, reg, R8);
}

void gen_string(struct gen *g, const struct step *step)
{
    struct step_mem source = string_mem(step, CPU_ESI), destination = string_mem(step, CPU_EDI);
    u8 value = CPU_EAX;
    if (step->op == STRING_MOVS) {
        if (g->device) { /* the read must not be made in vain */
            emit_limit_check(g, CPU_ES, &destination, step->size, emit_offset(g, &destination));
        }
        value = STEP_T0;
    }
    if (step->op != STRING_STOS) {
        emit_load(g, step, value, emit_address(g, step->mem.segment, &source, step->size, false));
    }
    if (step->op != STRING_LODS) {
        emit_store(g, step, value, emit_address(g, CPU_ES, &destination, step->size, true));
        emit_advance(g, step, CPU_EDI);
    }
    if (step->op != STRING_STOS)
        emit_advance(g, step, CPU_ESI);
}

/* --- LEA --- */

void gen_lea(struct gen *g, const struct step *step)
{
    enum host_reg offset = emit_offset(g, &step->mem);
    enum host_reg dst = gen_reg(step->dst, 4);
    if (gen_extends(g, step->dst, step->size))
        emit_extend(&g->e, M(MOVZX), 4, dst, step->size, offset);
    else
        emit_rr(&g->e, M(MOV), gen_is_temp(step->dst) ? 4 : step->size, dst, offset);
}
