/* INT n and IRET in real mode, which programs go through the BIOS by: called by host code, for the plain case. The stack is a
 * segment of 64 KiB, the frame lies in one page of RAM and hits no code, no trap follows. Everything else is left to the
 * interpreter, untouched. 486 manual, 22.3. */
#include "jit/jit_impl.h"

#include "cluster/segment.h"

#include <string.h>

enum { FRAME_BYTES = 6, IVT_ENTRY_BYTES = 4 };

struct real_frame {
    u16 ip, cs, flags;
};

/* The frame at SS:SP in host memory; NULL: not the plain case. */
static u8 *frame_at_sp(const struct jit_frame *frame, u16 sp, enum mem_intent intent)
{
    const struct cpu_segment *ss = &frame->cpu->sreg[CPU_SS];
    const struct cluster_env *env = frame->env;
    linear_t linear = ss->base + sp;
    if (ss->limit != 0xffff || ss->db || ss->unusable || (ss->type & (TYPE_CODE | TYPE_EXPAND_DOWN | TYPE_WRITABLE)) != TYPE_WRITABLE)
        return NULL;
    if (sp > 0x10000 - FRAME_BYTES || linear % PAGE_BYTES > PAGE_BYTES - FRAME_BYTES ||
        !mem_is_plain(env, linear, FRAME_BYTES, intent))
        return NULL;
    if (intent == MEM_WRITE && code_map_holds(env->code_map, linear, linear + FRAME_BYTES - 1))
        return NULL;
    return env->view + linear;
}

static void enter_segment(struct cpu_state *cpu, u16 selector, u16 ip, s32 sp_delta)
{
    cpu->sreg[CPU_CS] = segment_real(&cpu->sreg[CPU_CS], selector);
    cpu->eip = ip;
    cpu->reg[CPU_ESP] = (cpu->reg[CPU_ESP] & ~0xffffu) | (u16)(cpu->reg[CPU_ESP] + (u32)sp_delta);
}

static bool interrupt(const struct jit_frame *frame, u8 vector, u32 next_eip)
{
    struct cpu_state *cpu = frame->cpu;
    u32 offset = (u32)vector * IVT_ENTRY_BYTES;
    linear_t at = cpu->idt.base + offset;
    u16 entry[2];
    u8 *stack = frame_at_sp(frame, (u16)(cpu->reg[CPU_ESP] - FRAME_BYTES), MEM_WRITE);
    if (!stack || offset + IVT_ENTRY_BYTES - 1 > cpu->idt.limit || at % IVT_ENTRY_BYTES ||
        !mem_is_plain(frame->env, at, IVT_ENTRY_BYTES, MEM_READ))
        return false;
    memcpy(entry, frame->env->view + at, sizeof entry);
    if (entry[0] > cpu->sreg[CPU_CS].limit)
        return false;
    struct real_frame pushed = {
        .ip = (u16)next_eip, .cs = cpu->sreg[CPU_CS].selector, .flags = (u16)(cpu->eflags | FLAG_FIXED)};
    memcpy(stack, &pushed, FRAME_BYTES);
    enter_segment(cpu, entry[1], entry[0], -FRAME_BYTES);
    cpu->eflags &= ~(u32)(FLAG_IF | FLAG_TF | FLAG_AC | FLAG_RF);
    return true;
}

static bool interrupt_return(const struct jit_frame *frame)
{
    struct cpu_state *cpu = frame->cpu;
    const u8 *stack = frame_at_sp(frame, (u16)cpu->reg[CPU_ESP], MEM_READ);
    struct real_frame popped;
    if (!stack)
        return false;
    memcpy(&popped, stack, FRAME_BYTES);
    if (popped.ip > cpu->sreg[CPU_CS].limit || (popped.flags & FLAG_TF))
        return false;
    enter_segment(cpu, popped.cs, popped.ip, FRAME_BYTES);
    flags_pop(cpu, 2, popped.flags);
    return true;
}

bool jit_real_transfer(struct jit_frame *frame, const struct cluster_insn *insn)
{
    const struct step *step = &insn->steps.step[0];
    struct cpu_state *cpu = frame->cpu;
    if (step->kind != STEP_HELPER || (step->op != HELPER_INT && step->op != HELPER_IRET))
        return false;
    if (step->size != 2 || cpu_protected(cpu) || cpu->interrupt_shadow || !frame->env->code_map)
        return false;
    if (!(step->op == HELPER_INT ? interrupt(frame, (u8)step->imm, insn->next_eip) : interrupt_return(frame)))
        return false;
    frame->fuel++;
    return true;
}
