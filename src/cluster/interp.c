/* The interpreter's core: fetch, the steps' meanings, and the end of an instruction. Arithmetic is in
 * interp_alu.c, memory in interp_mem.c, strings, helpers and delivery in files of those names. */
#include "cluster/insn_cache.h"
#include "cluster/interp_alu.h"
#include "cluster/interp_impl.h"
#include "cluster/segment.h"

#include <errno.h>

int interp_init(struct interp *interp, const struct cluster_env *env)
{
    *interp = (struct interp){.env = env, .allow_devices = true};
    interp->cache = insn_cache_create();
    return interp->cache ? 0 : -ENOMEM;
}

void interp_fini(struct interp *interp)
{
    insn_cache_destroy(interp->cache);
    interp->cache = NULL;
}

void exec_init(struct exec *x, struct interp *interp, struct cpu_state *cpu)
{
    x->interp = interp;
    x->env = interp->env;
    x->cpu = cpu;
    x->steps = NULL;
    x->next_eip = cpu->eip;
    x->stack_mask = stack_mask_of(cpu);
    x->shadow = false;
    x->keep_rf = false;
    x->wrote_device = false;
    x->read_device = interp->string_has_read;
    interp->string_has_read = false;
    x->external = 0;
    interp->device_accesses = 0;
    interp->n_stores = 0;
    interp->poked = false;
    interp->x87 = false;
}

/* --- steps: data --- */

static inline enum interp_result step_mov(struct exec *x, const struct step *step)
{
    operand_write(x, step->dst, step->size, operand_read(x, step, step->src, step->size));
    return INTERP_DONE;
}

static inline u32 sign_extend(u32 value, u8 size)
{
    return size == 1 ? (u32)(s8)value : size == 2 ? (u32)(s16)value : value;
}

static inline enum interp_result step_extend(struct exec *x, const struct step *step)
{
    u32 value = operand_read(x, step, step->src, step->src_size);

    operand_write(x, step->dst, step->size, step->op ? sign_extend(value, step->src_size) : value);
    return INTERP_DONE;
}

static inline enum interp_result step_sign(struct exec *x, const struct step *step)
{
    u32 value = operand_read(x, step, step->src, step->size);
    bool negative = value >> (8 * step->size - 1);

    operand_write(x, step->dst, step->size, negative ? 0xffffffff : 0);
    return INTERP_DONE;
}

static inline enum interp_result step_lea(struct exec *x, const struct step *step)
{
    operand_write(x, step->dst, step->size, exec_offset(x, &step->mem));
    return INTERP_DONE;
}

/* The bit index is signed and counts operands of the instruction's size. */
static inline enum interp_result step_bit_address(struct exec *x, const struct step *step)
{
    s32 index = (s32)sign_extend(operand_read(x, step, step->src, step->size), step->size);
    s32 operands = index >> (step->size == 4 ? 5 : 4);
    u32 offset = operand_read(x, step, step->dst, 4) + (u32)operands * step->size;

    operand_write(x, step->dst, step->mem.addr_size, offset);
    return INTERP_DONE;
}

static inline enum interp_result step_load(struct exec *x, const struct step *step)
{
    linear_t linear;
    u32 value;
    enum interp_result result = exec_linear(x, step->mem.segment, exec_offset(x, &step->mem), step->size,
                                            step->rmw ? MEM_READ_WRITE : MEM_READ, &linear);

    if (result != INTERP_DONE)
        return result;
    if (step->rmw) {
        x->rmw_linear = linear;
        if (unlikely(mem_allowed(x, linear, step->size, MEM_WRITE) != INTERP_DONE))
            return INTERP_DEVICE;
    }
    result = mem_read(x, linear, step->size, &value);
    if (result == INTERP_DONE)
        operand_write(x, step->dst, step->size, value);
    return result;
}

static inline enum interp_result step_store(struct exec *x, const struct step *step)
{
    u32 value = operand_read(x, step, step->src, step->size);
    linear_t linear;

    if (step->rmw)
        return mem_write(x, x->rmw_linear, step->size, value);
    enum interp_result result =
        exec_linear(x, step->mem.segment, exec_offset(x, &step->mem), step->size, MEM_WRITE, &linear);
    return result == INTERP_DONE ? mem_write(x, linear, step->size, value) : result;
}

/* One access of four or six bytes. LIMIT: six bytes of a device (a 48-bit pointer) are INTERP_UNSUPPORTED. */
static enum interp_result step_load_far(struct exec *x, const struct step *step)
{
    linear_t linear;
    u32 size = step->size + 2u, low, high = 0;
    enum interp_result result =
        exec_linear(x, step->mem.segment, exec_offset(x, &step->mem), size, MEM_READ, &linear);

    if (result != INTERP_DONE)
        return result;
    if (size > 4 && !mem_is_plain(x->env, linear, size, MEM_READ))
        return x->interp->allow_devices ? INTERP_UNSUPPORTED : INTERP_DEVICE;
    result = mem_read(x, linear, 4, &low);
    if (result == INTERP_DONE && size > 4)
        result = mem_read(x, linear + 4, 2, &high);
    if (result != INTERP_DONE)
        return result;
    x->temp[0] = low & size_mask(step->size);
    x->temp[1] = size > 4 ? high : low >> 16;
    return INTERP_DONE;
}

static enum interp_result step_load_segment(struct exec *x, const struct step *step)
{
    enum interp_result result = segment_load(x, step->op, (u16)operand_read(x, step, step->src, 2));

    /* LSS and consecutive loads of SS: the shadow covers one instruction only. */
    if (result == INTERP_DONE && step->op == CPU_SS && !x->cpu->interrupt_shadow)
        x->shadow = true;
    return result;
}

/* --- steps: arithmetic --- */

static inline enum interp_result step_alu(struct exec *x, const struct step *step)
{
    u32 src = operand_read(x, step, step->src, step->size);
    u32 dst = operand_read(x, step, step->dst, step->size);

    dst = alu_execute(step->op, step->size, dst, src, &x->cpu->eflags);
    if (step->op != ALU_CMP && step->op != ALU_TEST && step->op != ALU_BT)
        operand_write(x, step->dst, step->size, dst);
    return INTERP_DONE;
}

static enum interp_result step_shift_double(struct exec *x, const struct step *step)
{
    u8 count = (u8)(step->by_cl ? x->cpu->reg[CPU_ECX] : step->imm);
    u32 src = operand_read(x, step, step->src, step->size);
    u32 dst = operand_read(x, step, step->dst, step->size);

    operand_write(x, step->dst, step->size,
                  alu_shift_double(step->op, step->size, dst, src, count, &x->cpu->eflags));
    return INTERP_DONE;
}

static void accumulator_write(struct exec *x, u8 size, u32 low, u32 high)
{
    reg_write(x->cpu, CPU_EAX, size == 4 ? 4 : 2, low);
    if (size != 1)
        reg_write(x->cpu, CPU_EDX, size, high);
}

static enum interp_result step_multiply(struct exec *x, const struct step *step)
{
    u32 low = x->cpu->reg[CPU_EAX], high = x->cpu->reg[CPU_EDX];
    u32 src = operand_read(x, step, step->src, step->size);

    alu_multiply(step->op, step->size, &low, &high, src, &x->cpu->eflags);
    accumulator_write(x, step->size, low, high);
    return INTERP_DONE;
}

static enum interp_result step_divide(struct exec *x, const struct step *step)
{
    u32 low = x->cpu->reg[CPU_EAX], high = x->cpu->reg[CPU_EDX];
    u32 src = operand_read(x, step, step->src, step->size);

    if (!alu_divide(step->op, step->size, &low, &high, src, &x->cpu->eflags))
        return exec_fault(x, EXC_DE, 0);
    accumulator_write(x, step->size, low, high);
    return INTERP_DONE;
}

static inline enum interp_result step_setcc(struct exec *x, const struct step *step)
{
    operand_write(x, step->dst, 1, alu_condition(step->op, x->cpu->eflags));
    return INTERP_DONE;
}

static enum interp_result step_compare_exchange(struct exec *x, const struct step *step)
{
    u32 old = operand_read(x, step, step->dst, step->size);
    u32 accumulator = reg_read(x->cpu, CPU_EAX, step->size);

    alu_execute(ALU_CMP, step->size, accumulator, old, &x->cpu->eflags);
    if (x->cpu->eflags & FLAG_ZF)
        operand_write(x, step->dst, step->size, operand_read(x, step, step->src, step->size));
    else
        reg_write(x->cpu, CPU_EAX, step->size, old);
    return INTERP_DONE;
}

/* --- steps: stack --- */

static inline enum interp_result step_push(struct exec *x, const struct step *step)
{
    u32 value = operand_read(x, step, step->src, step->size);
    linear_t linear;

    bool sreg = step->src >= OPERAND_SREG && step->src < OPERAND_SREG + CPU_SREGS;
    if (step->size != 4 || !sreg)
        return stack_push(x, step->size, value);
    enum interp_result result =
        exec_linear(x, CPU_SS, (x->cpu->reg[CPU_ESP] - 4) & x->stack_mask, 2, MEM_WRITE, &linear);
    /* A stack on a device is the work of KVM's emulator, which writes two bytes whatever the processor does. */
    if (x->env->push_sreg_whole && (result != INTERP_DONE || mem_writable(x->env, linear)))
        return stack_push(x, 4, value);
    if (result == INTERP_DONE)
        result = mem_write(x, linear, 2, value);
    if (result == INTERP_DONE)
        stack_move(x, -4u);
    return result;
}

static inline enum interp_result step_pop(struct exec *x, const struct step *step)
{
    u32 value;
    enum interp_result result = stack_peek(x, 0, step->size, &value);

    if (result != INTERP_DONE)
        return result;
    stack_move(x, step->size); /* before the write: POP SP */
    operand_write(x, step->dst, step->size, value);
    return INTERP_DONE;
}

static inline enum interp_result step_peek(struct exec *x, const struct step *step)
{
    u32 value;
    enum interp_result result = stack_peek(x, 0, step->size, &value);

    if (result == INTERP_DONE)
        operand_write(x, step->dst, step->size, value);
    return result;
}

static inline enum interp_result step_drop(struct exec *x, const struct step *step)
{
    stack_move(x, step->imm);
    return INTERP_DONE;
}

/* --- steps: flags --- */

static void set_interrupt_flag(struct exec *x)
{
    if (!(x->cpu->eflags & FLAG_IF))
        x->shadow = true;
    x->cpu->eflags |= FLAG_IF;
}

enum { LAHF_FLAGS = FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF, REG_AH = 4 };

static enum interp_result step_flag(struct exec *x, const struct step *step)
{
    u32 *eflags = &x->cpu->eflags;

    switch ((enum flag_op)step->op) {
    case FLAG_OP_CLC:
        *eflags &= ~FLAG_CF;
        break;
    case FLAG_OP_STC:
        *eflags |= FLAG_CF;
        break;
    case FLAG_OP_CMC:
        *eflags ^= FLAG_CF;
        break;
    case FLAG_OP_CLD:
        *eflags &= ~FLAG_DF;
        break;
    case FLAG_OP_STD:
        *eflags |= FLAG_DF;
        break;
    case FLAG_OP_CLI:
        *eflags &= ~FLAG_IF;
        break;
    case FLAG_OP_STI:
        set_interrupt_flag(x);
        break;
    case FLAG_OP_LAHF:
        reg_write(x->cpu, REG_AH, 1, (*eflags & LAHF_FLAGS) | FLAG_FIXED);
        break;
    case FLAG_OP_SAHF:
        *eflags = (*eflags & ~LAHF_FLAGS) | (reg_read(x->cpu, REG_AH, 1) & LAHF_FLAGS);
        break;
    case FLAG_OP_SALC:
        reg_write(x->cpu, CPU_EAX, 1, *eflags & FLAG_CF ? 0xff : 0);
        break;
    }
    return INTERP_DONE;
}

static inline enum interp_result step_get_flags(struct exec *x, const struct step *step)
{
    operand_write(x, step->dst, step->size, (x->cpu->eflags | FLAG_FIXED) & ~(u32)(FLAG_VM | FLAG_RF));
    return INTERP_DONE;
}

static inline enum interp_result step_set_flags(struct exec *x, const struct step *step)
{
    flags_pop(x->cpu, step->size, operand_read(x, step, step->src, step->size));
    return INTERP_DONE;
}

/* --- steps: ports --- */

static inline enum interp_result step_in(struct exec *x, const struct step *step)
{
    u32 value;
    enum interp_result result = port_read(x, (u16)operand_read(x, step, step->src, 2), step->size, &value);

    if (result == INTERP_DONE)
        operand_write(x, step->dst, step->size, value);
    return result;
}

static inline enum interp_result step_out(struct exec *x, const struct step *step)
{
    return port_write(x, (u16)operand_read(x, step, step->dst, 2), step->size,
                      operand_read(x, step, step->src, step->size));
}

/* --- steps: control flow --- */

static inline enum interp_result step_branch(struct exec *x, const struct step *step)
{
    return alu_condition(step->op, x->cpu->eflags) ? exec_go(x, step->imm) : INTERP_DONE;
}

static enum interp_result step_loop(struct exec *x, const struct step *step)
{
    u8 size = step->mem.addr_size;
    u32 count = reg_read(x->cpu, CPU_ECX, size);
    bool zero_flag = x->cpu->eflags & FLAG_ZF;
    bool taken = true;

    if (step->op == LOOP_JCXZ)
        return count == 0 ? exec_go(x, step->imm) : INTERP_DONE;
    count = (count - 1) & size_mask(size);
    if (step->op != LOOP_ALWAYS)
        taken = zero_flag == (step->op == LOOP_EQUAL);
    if (count != 0 && taken) {
        enum interp_result result = exec_go(x, step->imm);
        if (result != INTERP_DONE)
            return result;
    }
    reg_write(x->cpu, CPU_ECX, size, count);
    return INTERP_DONE;
}

static inline enum interp_result step_jump(struct exec *x, const struct step *step)
{
    return exec_go(x, operand_read(x, step, step->src, step->size));
}

static inline enum interp_result step_call(struct exec *x, const struct step *step)
{
    u32 back = x->next_eip;
    enum interp_result result = exec_go(x, operand_read(x, step, step->src, step->size));

    return result == INTERP_DONE ? stack_push(x, step->size, back) : result;
}

static inline enum interp_result step_return(struct exec *x, const struct step *step)
{
    u32 target;
    enum interp_result result = stack_peek(x, 0, step->size, &target);

    if (result == INTERP_DONE)
        result = exec_go(x, target);
    if (result == INTERP_DONE)
        stack_move(x, step->size + step->imm);
    return result;
}

static inline enum interp_result step_halt(struct exec *x)
{
    x->cpu->halted = true;
    return INTERP_DONE;
}

static inline enum interp_result step_execute(struct exec *x, const struct step *step)
{
    switch ((enum step_kind)step->kind) {
    case STEP_MOV:
        return step_mov(x, step);
    case STEP_EXTEND:
        return step_extend(x, step);
    case STEP_SIGN:
        return step_sign(x, step);
    case STEP_LEA:
        return step_lea(x, step);
    case STEP_BIT_ADDRESS:
        return step_bit_address(x, step);
    case STEP_LOAD:
        return step_load(x, step);
    case STEP_STORE:
        return step_store(x, step);
    case STEP_LOAD_FAR:
        return step_load_far(x, step);
    case STEP_LOAD_SEGMENT:
        return step_load_segment(x, step);
    case STEP_ALU:
        return step_alu(x, step);
    case STEP_SHIFT_DOUBLE:
        return step_shift_double(x, step);
    case STEP_MULTIPLY:
        return step_multiply(x, step);
    case STEP_DIVIDE:
        return step_divide(x, step);
    case STEP_SETCC:
        return step_setcc(x, step);
    case STEP_COMPARE_EXCHANGE:
        return step_compare_exchange(x, step);
    case STEP_CHECK_PUSH:
        return stack_check_push(x, 1, step->size);
    case STEP_PUSH:
        return step_push(x, step);
    case STEP_POP:
        return step_pop(x, step);
    case STEP_PEEK:
        return step_peek(x, step);
    case STEP_DROP:
        return step_drop(x, step);
    case STEP_FLAG:
        return step_flag(x, step);
    case STEP_GET_FLAGS:
        return step_get_flags(x, step);
    case STEP_SET_FLAGS:
        return step_set_flags(x, step);
    case STEP_IN:
        return step_in(x, step);
    case STEP_OUT:
        return step_out(x, step);
    case STEP_STRING:
        return exec_string(x, step);
    case STEP_BRANCH:
        return step_branch(x, step);
    case STEP_LOOP:
        return step_loop(x, step);
    case STEP_JUMP:
        return step_jump(x, step);
    case STEP_CALL:
        return step_call(x, step);
    case STEP_RETURN:
        return step_return(x, step);
    case STEP_HALT:
        return step_halt(x);
    case STEP_HELPER:
        return exec_helper(x, step);
    case STEP_KINDS:
        break;
    }
    BUG_ON(true);
}

/* --- instructions --- */

static void finish(struct exec *x, enum interp_result result)
{
    struct cpu_state *cpu = x->cpu;

    cpu->interrupt_shadow = x->shadow;
    if (result == INTERP_AGAIN) {
        cpu->eflags |= FLAG_RF;
        return;
    }
    cpu->eip = x->next_eip;
    if (!x->keep_rf)
        cpu->eflags &= ~FLAG_RF;
}

enum interp_result interp_exec(struct interp *interp, struct cpu_state *cpu, const struct steps *steps)
{
    struct exec x;
    enum interp_result result = INTERP_DONE;

    exec_init(&x, interp, cpu);
    x.steps = steps;
    x.next_eip = cpu->eip + steps->length;
    for (u32 i = 0; i < steps->count; i++) {
        result = step_execute(&x, &steps->step[i]);
        if (unlikely(result != INTERP_DONE))
            break;
    }
    if (result == INTERP_DONE || result == INTERP_AGAIN)
        finish(&x, result);
    return result;
}

enum interp_result interp_fetch(struct interp *interp, struct cpu_state *cpu, const struct steps **steps)
{
    struct exec x;

    *steps = insn_cache_find(interp->cache, interp->env, cpu);
    if (likely(*steps != NULL))
        return INTERP_DONE;
    exec_init(&x, interp, cpu);
    interp->unknown = 0;
    return insn_cache_fill(interp->cache, &x, steps);
}

enum interp_result interp_step(struct interp *interp, struct cpu_state *cpu)
{
    const struct steps *steps;
    enum interp_result result = interp_fetch(interp, cpu, &steps);

    return result == INTERP_DONE ? interp_exec(interp, cpu, steps) : result;
}
