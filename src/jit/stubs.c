/* The fixed host code between C and translated code. System V calling convention. */
#include "jit/jit_impl.h"

#include <errno.h>

static const enum host_reg saved[] = {RBX, RBP, R12, R13, R14, R15};
static const enum host_reg guest_reg[CPU_REGS] = {RAX, RCX, RDX, RBX, R14, RBP, RSI, RDI};

static struct host_mem frame_field(size_t offset)
{
    return host_mem(R12, (s32)offset);
}

static struct host_mem cpu_reg(enum cpu_reg reg)
{
    return host_mem(R15, (s32)(offsetof(struct cpu_state, reg) + reg * sizeof(u32)));
}

/*  resume:  mov guest registers but eax, [r15+..]
 *           movzx eax, word [flags]; add al, 0x7f (OF := AL); sahf (the other five)
 *           mov eax, [r15+eax]; jmp [target] */
static void emit_resume(struct emit *e)
{
    for (int i = 1; i < CPU_REGS; i++)
        emit_rm(e, M(MOV), 4, guest_reg[i], cpu_reg(i));
    emit_extend_m(e, M(MOVZX), 4, RAX, 2, frame_field(offsetof(struct jit_frame, flags)));
    emit_ri(e, M(ADD), 1, RAX, 0x7f);
    emit_none(e, M(SAHF));
    emit_rm(e, M(MOV), 4, RAX, cpu_reg(CPU_EAX));
    emit_m(e, M(JMP), 8, frame_field(offsetof(struct jit_frame, target)));
}

/*  enter(frame rdi, cpu rsi, view rdx, address rcx):  push rbx..r15; sub rsp, 8; then resume */
static void emit_enter(struct emit *e)
{
    for (u32 i = 0; i < ARRAY_LEN(saved); i++)
        emit_r(e, M(PUSH), 8, saved[i]);
    emit_ri(e, M(SUB), 8, RSP, 8);
    emit_rr(e, M(MOV), 8, R12, RDI);
    emit_rr(e, M(MOV), 8, R15, RSI);
    emit_rr(e, M(MOV), 8, R13, RDX);
    emit_mr(e, M(MOV), 8, frame_field(offsetof(struct jit_frame, target)), RCX);
}

static void emit_store_registers(struct emit *e)
{
    for (int i = 0; i < CPU_REGS; i++)
        emit_mr(e, M(MOV), 4, cpu_reg(i), guest_reg[i]);
}

static void emit_exit(struct emit *e)
{
    emit_ri(e, M(ADD), 8, RSP, 8);
    for (u32 i = ARRAY_LEN(saved); i-- > 0;)
        emit_r(e, M(POP), 8, saved[i]);
    emit_none(e, M(RET));
}

/*  interpret:  store registers; rax = jit_interpret(r12, r8d); mov [target], rax; jmp resume */
static void emit_interpret(struct emit *e, const u8 *resume)
{
    emit_store_registers(e);
    emit_rr(e, M(MOV), 8, RDI, R12);
    emit_rr(e, M(MOV), 4, RSI, R8);
    emit_ri(e, M(MOV), 8, RAX, (s64)(uintptr_t)jit_interpret);
    emit_r(e, M(CALL), 8, RAX);
    emit_mr(e, M(MOV), 8, frame_field(offsetof(struct jit_frame, target)), RAX);
    emit_patch(e, emit_branch(e, M(JMP)), resume);
}

int stubs_create(struct jit *jit)
{
    enum { ROOM = 1024 };
    struct code_buffer *buffer = &jit->buffer;
    u8 *start = code_buffer_reserve(buffer, ROOM);
    if (!start)
        return -ENOSPC;
    struct emit e = {.at = start, .end = start + ROOM};
    emit_enter(&e);
    u8 *resume = e.at;
    emit_resume(&e);
    u8 *leave = e.at;
    emit_mr(&e, M(MOV), 4, frame_field(offsetof(struct jit_frame, left_by)), R8);
    emit_store_registers(&e);
    u8 *exit = e.at;
    emit_exit(&e);
    u8 *interpret = e.at;
    emit_interpret(&e, resume);
    if (e.failed)
        return -ENOSPC;
    const u8 *at = code_buffer_commit(buffer, (u32)(e.at - start));
    jit->enter = (void (*)(struct jit_frame *, struct cpu_state *, u8 *, const void *))(uintptr_t)at;
    jit->resume = at + (resume - start);
    jit->leave = at + (leave - start);
    jit->exit = at + (exit - start);
    jit->interpret = at + (interpret - start);
    code_buffer_keep(buffer);
    return 0;
}
