/* The helpers that belong to ordinary programs: stack frames, BOUND, decimal adjustments, software interrupts
 * and far transfers; and the table of all. System instructions are in interp_system.c. 486 manual,
 * chapter 26. */
#include "cluster/interp_helper.h"

#include "cluster/interp_alu.h"
#include "cluster/interp_far.h"

/* --- stack frames --- */

static enum interp_result stack_offset(struct exec *x, u32 offset, u8 size, enum mem_intent intent,
                                       linear_t *linear)
{
    return exec_linear(x, CPU_SS, offset & x->stack_mask, size, intent, linear);
}

/* LIMIT (like_kvm): PUSHA and POPA with the stack on a device are left to KVM (INTERP_UNSUPPORTED), whose emulator loses some of the
 * stores and repeats some of the reads. `first` is the lowest slot's distance from the stack pointer. */
static bool stack_on_device(struct exec *x, const struct step *step, u32 first, enum mem_intent intent)
{
    linear_t linear;

    for (u32 i = 0; i < CPU_REGS; i++)
        if (stack_offset(x, x->cpu->reg[CPU_ESP] + first + i * step->size, step->size, intent, &linear) ==
                INTERP_DONE &&
            !mem_is_plain(x->env, linear, step->size, intent))
            return true;
    return false;
}

static enum interp_result helper_pusha(struct exec *x, const struct step *step)
{
    u32 old_esp = x->cpu->reg[CPU_ESP];
    enum interp_result result = stack_check_push(x, CPU_REGS, step->size);

    if (result == INTERP_DONE && x->interp->like_kvm && stack_on_device(x, step, -(u32)(CPU_REGS * step->size), MEM_WRITE))
        return INTERP_UNSUPPORTED;
    for (u8 reg = CPU_EAX; reg <= CPU_EDI && result == INTERP_DONE; reg++)
        result = stack_push(x, step->size, reg == CPU_ESP ? old_esp : x->cpu->reg[reg]);
    return result;
}

/* Would POPA's reads be made in full? The stored ESP is skipped, not read (the manual's pseudo-code only increments ESP
 * there, and so does KVM's emulator): its slot may lie across the end of the segment. */
static enum interp_result check_popa(struct exec *x, const struct step *step)
{
    enum interp_result result = INTERP_DONE;
    linear_t linear;

    for (u32 i = 0; i < CPU_REGS && result == INTERP_DONE; i++) {
        if (i == CPU_EDI - CPU_ESP)
            continue;
        result = stack_offset(x, x->cpu->reg[CPU_ESP] + i * step->size, step->size, MEM_READ, &linear);
        if (result == INTERP_DONE)
            result = mem_allowed(x, linear, step->size, MEM_READ);
    }
    return result;
}

static enum interp_result helper_popa(struct exec *x, const struct step *step)
{
    u32 value;
    enum interp_result result = check_popa(x, step);

    if (result == INTERP_DONE && x->interp->like_kvm && stack_on_device(x, step, 0, MEM_READ))
        return INTERP_UNSUPPORTED;
    for (u32 i = 0; i < CPU_REGS && result == INTERP_DONE; i++) {
        u8 reg = (u8)(CPU_EDI - i);
        if (reg == CPU_ESP)
            continue;
        result = stack_peek(x, i * step->size, step->size, &value);
        if (result == INTERP_DONE)
            reg_write(x->cpu, reg, step->size, value);
    }
    if (result == INTERP_DONE)
        stack_move(x, CPU_REGS * (u32)step->size);
    return result;
}

/* Copies the frame pointers of the enclosing levels. With `check` only says whether it could be done. LIMIT:
 * frames on a device are INTERP_UNSUPPORTED, since the copy could not be taken back. */
static enum interp_result copy_frames(struct exec *x, const struct step *step, bool check)
{
    linear_t linear;
    u32 value;

    for (u32 level = 1; level < step->imm2; level++) {
        enum interp_result result =
            stack_offset(x, x->cpu->reg[CPU_EBP] - level * step->size, step->size, MEM_READ, &linear);
        if (result == INTERP_DONE && !mem_is_plain(x->env, linear, step->size, MEM_READ))
            result = x->interp->allow_devices ? INTERP_UNSUPPORTED : INTERP_DEVICE;
        if (result != INTERP_DONE || check) {
            if (result != INTERP_DONE)
                return result;
            continue;
        }
        result = mem_read(x, linear, step->size, &value);
        if (result == INTERP_DONE)
            result = stack_push(x, step->size, value);
        if (result != INTERP_DONE)
            return result;
    }
    return INTERP_DONE;
}

static enum interp_result check_enter(struct exec *x, const struct step *step)
{
    u32 pushes = 1 + step->imm2;
    linear_t linear;
    enum interp_result result = stack_check_push(x, pushes, step->size);

    if (result == INTERP_DONE)
        result = copy_frames(x, step, true);
    if (result == INTERP_DONE) /* the new top of the stack must be writable, though it is not written */
        result = stack_offset(x, x->cpu->reg[CPU_ESP] - pushes * step->size - step->imm, step->size,
                              MEM_WRITE, &linear);
    return result;
}

static enum interp_result helper_enter(struct exec *x, const struct step *step)
{
    enum interp_result result = check_enter(x, step);
    u32 frame;

    if (result == INTERP_DONE)
        result = stack_push(x, step->size, x->cpu->reg[CPU_EBP]);
    if (result != INTERP_DONE)
        return result;
    frame = x->cpu->reg[CPU_ESP];
    if (step->imm2 > 0) {
        result = copy_frames(x, step, false);
        if (result == INTERP_DONE)
            result = stack_push(x, step->size, frame);
        BUG_ON(result != INTERP_DONE);
    }
    reg_write(x->cpu, CPU_EBP, step->size, frame);
    stack_move(x, -step->imm);
    return INTERP_DONE;
}

static enum interp_result helper_leave(struct exec *x, const struct step *step)
{
    linear_t linear;
    u32 value, frame = x->cpu->reg[CPU_EBP];
    enum interp_result result = stack_offset(x, frame, step->size, MEM_READ, &linear);

    if (result == INTERP_DONE)
        result = mem_read(x, linear, step->size, &value);
    if (result != INTERP_DONE)
        return result;
    stack_set(x, frame + step->size);
    reg_write(x->cpu, CPU_EBP, step->size, value);
    return INTERP_DONE;
}

/* --- BOUND --- */

static s32 as_signed(u32 value, u8 size)
{
    return size == 2 ? (s16)value : (s32)value;
}

static enum interp_result helper_bound(struct exec *x, const struct step *step)
{
    linear_t linear;
    u32 low, high;
    u8 size = step->size;
    enum interp_result result =
        exec_linear(x, step->mem.segment, exec_offset(x, &step->mem), 2u * size, MEM_READ, &linear);

    if (result == INTERP_DONE)
        result = mem_allowed(x, linear, 2u * size, MEM_READ);
    if (result == INTERP_DONE)
        result = mem_read(x, linear, size, &low);
    if (result == INTERP_DONE)
        result = mem_read(x, linear + size, size, &high);
    if (result != INTERP_DONE)
        return result;
    s32 index = as_signed(reg_read(x->cpu, step->dst, size), size);
    if (index < as_signed(low, size) || index > as_signed(high, size))
        return exec_fault(x, EXC_BR, 0);
    return INTERP_DONE;
}

/* --- decimal adjustments --- */

enum { DAA_NIBBLE_MAX = 9, DAA_BYTE_MAX = 0x99, AL = 0, AH = 4 };

static void flag_set(struct cpu_state *cpu, u32 flag, bool on)
{
    cpu->eflags = on ? cpu->eflags | flag : cpu->eflags & ~flag;
}

/* SF, ZF, PF of `value`; OF, AF and CF clear, as the OR instruction leaves them. */
static void flags_of_byte(struct cpu_state *cpu, u32 value)
{
    alu_execute(ALU_OR, 1, value, 0, &cpu->eflags);
}

static enum interp_result decimal_adjust(struct exec *x, int sign)
{
    struct cpu_state *cpu = x->cpu;
    u32 al = reg_read(cpu, AL, 1), old = al;
    bool old_carry = cpu->eflags & FLAG_CF;
    bool adjust = (al & 0xf) > DAA_NIBBLE_MAX || (cpu->eflags & FLAG_AF);
    bool high = old > DAA_BYTE_MAX || old_carry;
    bool carry = high;

    if (adjust) {
        carry |= sign < 0 && al < 6; /* DAS: the borrow of AL - 6 */
        al += 6 * sign;
    }
    if (high)
        al += 0x60 * sign;
    reg_write(cpu, AL, 1, al);
    flags_of_byte(cpu, al & 0xff);
    flag_set(cpu, FLAG_AF, adjust);
    flag_set(cpu, FLAG_CF, carry);
    return INTERP_DONE;
}

static enum interp_result helper_daa(struct exec *x, const struct step *step)
{
    (void)step;
    return decimal_adjust(x, 1);
}

static enum interp_result helper_das(struct exec *x, const struct step *step)
{
    (void)step;
    return decimal_adjust(x, -1);
}

static enum interp_result ascii_adjust(struct exec *x, u32 delta)
{
    struct cpu_state *cpu = x->cpu;
    u32 ax = reg_read(cpu, CPU_EAX, 2);
    bool adjust = (ax & 0xf) > DAA_NIBBLE_MAX || (cpu->eflags & FLAG_AF);

    if (adjust)
        ax += delta;
    ax &= 0xff0f;
    reg_write(cpu, CPU_EAX, 2, ax);
    flags_of_byte(cpu, ax & 0xff);
    flag_set(cpu, FLAG_AF | FLAG_CF, adjust);
    return INTERP_DONE;
}

/* Since the 286 the carry of AL + 6 goes into AH. */
static enum interp_result helper_aaa(struct exec *x, const struct step *step)
{
    (void)step;
    return ascii_adjust(x, 0x106);
}

static enum interp_result helper_aas(struct exec *x, const struct step *step)
{
    (void)step;
    return ascii_adjust(x, -0x106u);
}

static enum interp_result helper_aam(struct exec *x, const struct step *step)
{
    u32 al = reg_read(x->cpu, AL, 1);

    if (step->imm == 0)
        return exec_fault(x, EXC_DE, 0);
    reg_write(x->cpu, AH, 1, al / step->imm);
    reg_write(x->cpu, AL, 1, al % step->imm);
    flags_of_byte(x->cpu, al % step->imm);
    return INTERP_DONE;
}

static enum interp_result helper_aad(struct exec *x, const struct step *step)
{
    u32 al = (reg_read(x->cpu, AL, 1) + reg_read(x->cpu, AH, 1) * step->imm) & 0xff;

    reg_write(x->cpu, CPU_EAX, 2, al);
    flags_of_byte(x->cpu, al);
    return INTERP_DONE;
}

/* --- transfers --- */

static enum interp_result helper_int(struct exec *x, const struct step *step)
{
    return deliver(x, (u8)step->imm, true, false, 0, x->next_eip);
}

static enum interp_result helper_int3(struct exec *x, const struct step *step)
{
    (void)step;
    return deliver(x, EXC_BP, true, false, 0, x->next_eip);
}

static enum interp_result helper_int1(struct exec *x, const struct step *step)
{
    (void)step;
    return deliver(x, EXC_DB, false, false, 0, x->next_eip);
}

static enum interp_result helper_into(struct exec *x, const struct step *step)
{
    (void)step;
    if (!(x->cpu->eflags & FLAG_OF))
        return INTERP_DONE;
    return deliver(x, EXC_OF, true, false, 0, x->next_eip);
}

static enum interp_result helper_iret(struct exec *x, const struct step *step)
{
    return far_iret(x, step->size);
}

/* A far pointer is in the step, or step_load_far has put it into t0 and t1. */
static u16 far_selector(const struct exec *x, const struct step *step)
{
    return (u16)(step->src == OPERAND_IMM ? step->imm2 : x->temp[1]);
}

static u32 far_offset(const struct exec *x, const struct step *step)
{
    return step->src == OPERAND_IMM ? step->imm : x->temp[0];
}

static enum interp_result helper_jump_far(struct exec *x, const struct step *step)
{
    return far_jump(x, step->size, far_selector(x, step), far_offset(x, step));
}

static enum interp_result helper_call_far(struct exec *x, const struct step *step)
{
    return far_call(x, step->size, far_selector(x, step), far_offset(x, step));
}

static enum interp_result helper_return_far(struct exec *x, const struct step *step)
{
    return far_return(x, step->size, step->imm);
}

static enum interp_result helper_ud(struct exec *x, const struct step *step)
{
    (void)step;
    return exec_ud(x);
}

static helper_fn *const helpers[HELPERS] = {
    [HELPER_PUSHA] = helper_pusha,
    [HELPER_POPA] = helper_popa,
    [HELPER_ENTER] = helper_enter,
    [HELPER_LEAVE] = helper_leave,
    [HELPER_BOUND] = helper_bound,
    [HELPER_DAA] = helper_daa,
    [HELPER_DAS] = helper_das,
    [HELPER_AAA] = helper_aaa,
    [HELPER_AAS] = helper_aas,
    [HELPER_AAM] = helper_aam,
    [HELPER_AAD] = helper_aad,
    [HELPER_INT] = helper_int,
    [HELPER_INTO] = helper_into,
    [HELPER_INT3] = helper_int3,
    [HELPER_INT1] = helper_int1,
    [HELPER_IRET] = helper_iret,
    [HELPER_JUMP_FAR] = helper_jump_far,
    [HELPER_CALL_FAR] = helper_call_far,
    [HELPER_RETURN_FAR] = helper_return_far,
    [HELPER_LGDT] = helper_lgdt,
    [HELPER_LIDT] = helper_lidt,
    [HELPER_SGDT] = helper_sgdt,
    [HELPER_SIDT] = helper_sidt,
    [HELPER_LMSW] = helper_lmsw,
    [HELPER_SMSW] = helper_smsw,
    [HELPER_CLTS] = helper_clts,
    [HELPER_MOV_FROM_CR] = helper_mov_from_cr,
    [HELPER_MOV_TO_CR] = helper_mov_to_cr,
    [HELPER_LLDT] = helper_lldt,
    [HELPER_SLDT] = helper_sldt,
    [HELPER_LTR] = helper_ltr,
    [HELPER_STR] = helper_str,
    [HELPER_LAR] = helper_lar,
    [HELPER_LSL] = helper_lsl,
    [HELPER_VERR] = helper_verr,
    [HELPER_VERW] = helper_verw,
    [HELPER_ARPL] = helper_arpl,
    [HELPER_CPUID] = helper_cpuid,
    [HELPER_FWAIT] = helper_fwait,
    [HELPER_X87] = helper_x87,
    [HELPER_UD] = helper_ud,
};

enum interp_result exec_helper(struct exec *x, const struct step *step)
{
    return helpers[step->op](x, step);
}
