/* The fixed host code between C and translated code. System V calling convention. */
#include "jit/jit_impl.h"

#include <errno.h>

static const enum host_reg callee_saved[] = {RBX, RBP, R12, R13, R14, R15};
static const enum host_reg guest_reg[CPU_REGS] = {RAX, RCX, RDX, RBX, R14, RBP, RSI, RDI};

static struct host_mem cpu_reg(enum cpu_reg reg)
{
    return cpu_at(offsetof(struct cpu_state, reg) + reg * sizeof(u32));
}

/*  mov scratch, eax; lahf; seto al; mov [flags], eax; mov eax, scratch */
void emit_save_flags(struct emit *e, enum host_reg scratch)
{
    emit_rr(e, M(MOV), 4, scratch, RAX);
    emit_none(e, M(LAHF));
    emit_r(e, M(SETO), 1, RAX);
    emit_mr(e, M(MOV), 4, FRAME(flags), RAX);
    emit_rr(e, M(MOV), 4, RAX, scratch);
}

/*  mov eax, [flags]; add al, 0x7f (OF := AL); sahf (the other five) */
static void emit_flags_through_eax(struct emit *e)
{
    emit_rm(e, M(MOV), 4, RAX, FRAME(flags));
    emit_ri(e, M(ADD), 1, RAX, 0x7f);
    emit_none(e, M(SAHF));
}

void emit_restore_flags(struct emit *e, enum host_reg scratch)
{
    emit_rr(e, M(MOV), 4, scratch, RAX);
    emit_flags_through_eax(e);
    emit_rr(e, M(MOV), 4, RAX, scratch);
}

/*  resume:  mov guest registers but eax, [r15+..]
 *           flags; mov eax, [r15+eax]; jmp [target] */
static void emit_resume(struct emit *e)
{
    for (int i = 1; i < CPU_REGS; i++)
        emit_rm(e, M(MOV), 4, guest_reg[i], cpu_reg(i));
    emit_flags_through_eax(e);
    emit_rm(e, M(MOV), 8, R15, FRAME(fuel));
    emit_rm(e, M(MOV), 4, RAX, cpu_reg(CPU_EAX));
    emit_m(e, M(JMP), 8, FRAME(target));
}

/*  enter(frame rdi, view rsi, address rdx):  push rbx..r15; then resume. Translated code has a stack
 * that a call makes fit for another: device calls, which are many, need no alignment. */
static void emit_enter(struct emit *e)
{
    for (u32 i = 0; i < ARRAY_LEN(callee_saved); i++)
        emit_r(e, M(PUSH), 8, callee_saved[i]);
    emit_lea(e, 8, R12, host_mem(RDI, FRAME_BIAS));
    emit_rr(e, M(MOV), 8, R13, RSI);
    emit_mr(e, M(MOV), 8, FRAME(target), RDX);
}

static void emit_store_registers(struct emit *e)
{
    for (int i = 0; i < CPU_REGS; i++)
        emit_mr(e, M(MOV), 4, cpu_reg(i), guest_reg[i]);
    emit_mr(e, M(MOV), 8, FRAME(fuel), R15);
}

static void emit_exit(struct emit *e)
{
    for (u32 i = ARRAY_LEN(callee_saved); i-- > 0;)
        emit_r(e, M(POP), 8, callee_saved[i]);
    emit_none(e, M(RET));
}

/*  interpret:  store registers; rax = jit_interpret(r12, r8d); mov [target], rax; jmp resume */
static void emit_interpret(struct emit *e, const u8 *resume)
{
    emit_store_registers(e);
    emit_lea(e, 8, RDI, host_mem(R12, -FRAME_BIAS));
    emit_rr(e, M(MOV), 4, RSI, R8);
    emit_ri(e, M(MOV), 8, RAX, (s64)(uintptr_t)jit_interpret);
    emit_ri(e, M(SUB), 8, RSP, 8);
    emit_r(e, M(CALL), 8, RAX);
    emit_ri(e, M(ADD), 8, RSP, 8);
    emit_mr(e, M(MOV), 8, FRAME(target), RAX);
    emit_patch(e, emit_branch(e, M(JMP)), resume);
}

static const u8 clobbered[] = {CPU_EAX, CPU_ECX, CPU_EDX, CPU_ESI, CPU_EDI}; /* by C; RBX, RBP, R14 are not */

static void emit_store_clobbered(struct emit *e)
{
    for (u32 i = 0; i < ARRAY_LEN(clobbered); i++)
        emit_mr(e, M(MOV), 4, cpu_reg(clobbered[i]), guest_reg[clobbered[i]]);
    emit_mr(e, M(MOV), 8, FRAME(fuel), R15);
}

static void emit_load_clobbered(struct emit *e)
{
    for (u32 i = 0; i < ARRAY_LEN(clobbered); i++)
        emit_rm(e, M(MOV), 4, guest_reg[clobbered[i]], cpu_reg(clobbered[i]));
    emit_rm(e, M(MOV), 8, R15, FRAME(fuel));
}

static struct host_mem site_at(size_t offset)
{
    return host_mem(R9, (s32)offset);
}
#define SITE(field) site_at(offsetof(struct device_site, field))

/*  What jit_note_access does:  mov eax, [pending]; add rax, [fuel]; mov [last], rax */
static void emit_note_access(struct emit *e)
{
    emit_rm(e, M(MOV), 4, RAX, SITE(pending));
    emit_rm(e, M(ADD), 8, RAX, FRAME(fuel));
    emit_mr(e, M(MOV), 8, FRAME(last), RAX);
}

/*  port call:  store registers; is the site's device known, and at this port? call it;
 *              count; has anything changed? jit_look; load registers; ret
 *              not known: as the call of jit_in or jit_out */
static void emit_port_call(struct emit *e, bool in, bool counts_idle)
{
    u8 *unknown[2];
    emit_store_clobbered(e);
    emit_mr(e, M(CMP), 2, SITE(port.number), R8);
    unknown[0] = emit_branch(e, M(JNZ));
    emit_rm(e, M(MOV), 8, R10, in ? SITE(port.in) : SITE(port.out));
    emit_rr(e, M(TEST), 8, R10, R10);
    unknown[1] = emit_branch(e, M(JZ));
    emit_mr(e, M(MOV), 8, FRAME(site), R9);
    emit_rm(e, M(MOV), 8, RDI, SITE(port.dev));
    emit_rr(e, M(MOV), 4, RSI, R8);
    if (!in)
        emit_extend(e, M(MOVZX), 4, RCX, 1, RAX);
    emit_ri(e, M(MOV), 4, RDX, 1);
    emit_r(e, M(CALL), 8, R10);
    if (in)
        emit_mr(e, M(MOV), 4, FRAME(value), RAX);
    emit_rm(e, M(MOV), 8, R9, FRAME(site));
    emit_mi(e, M(ADD), 8, FRAME(inlined), 1);
    emit_rm(e, M(MOV), 8, RAX, SITE(insn));
    emit_mi(e, M(ADD), 8, host_mem(RAX, offsetof(struct cluster_insn, exits_avoided)), 1);
    if (counts_idle)
        emit_note_access(e);
    emit_rm(e, M(MOV), 8, RAX, FRAME(changes_now));
    emit_rm(e, M(MOV), 4, RAX, host_mem(RAX, 0));
    emit_mr(e, M(CMP), 4, FRAME(changes), RAX);
    u8 *same = emit_branch(e, M(JZ));
    emit_lea(e, 8, RDI, host_mem(R12, -FRAME_BIAS));
    emit_ri(e, M(MOV), 8, RAX, (s64)(uintptr_t)jit_look);
    emit_r(e, M(CALL), 8, RAX);
    emit_patch(e, same, e->at);
    if (in)
        emit_rm(e, M(MOV), 4, R8, FRAME(value));
    emit_load_clobbered(e);
    emit_none(e, M(RET));
    emit_patch(e, unknown[0], e->at);
    emit_patch(e, unknown[1], e->at);
    emit_lea(e, 8, RDI, host_mem(R12, -FRAME_BIAS));
    emit_rr(e, M(MOV), 8, RSI, R9);
    emit_rr(e, M(MOV), 4, RCX, RAX);
    emit_ri(e, M(MOV), 8, RAX, in ? (s64)(uintptr_t)jit_in : (s64)(uintptr_t)jit_out);
    emit_r(e, M(CALL), 8, RAX);
    emit_rr(e, M(MOV), 4, R8, RAX);
    emit_load_clobbered(e);
    emit_none(e, M(RET));
}

/*  call:  store the registers that C may change; r8d = function(frame r12, site r9, then two of: address r8d,
 * value r11d, guest's EDX, guest's EAX); load the registers; ret */
static void emit_device_call(struct emit *e, enum device_call call)
{
    static const void *const function[DEVICE_CALLS] = {
        [DEVICE_LOAD] = jit_load, [DEVICE_STORE] = jit_store, [DEVICE_IN] = jit_in, [DEVICE_OUT] = jit_out};
    emit_store_clobbered(e);
    emit_lea(e, 8, RDI, host_mem(R12, -FRAME_BIAS));
    emit_rr(e, M(MOV), 8, RSI, R9);
    if (call == DEVICE_LOAD || call == DEVICE_STORE)
        emit_rr(e, M(MOV), 4, RDX, R8); /* else it is the guest's already */
    emit_rr(e, M(MOV), 4, RCX, call == DEVICE_STORE ? R11 : RAX);
    emit_ri(e, M(MOV), 8, RAX, (s64)(uintptr_t)function[call]);
    emit_r(e, M(CALL), 8, RAX);
    emit_rr(e, M(MOV), 4, R8, RAX);
    emit_load_clobbered(e);
    emit_none(e, M(RET));
}

/* Where an address that was written at `at` will be executed, after code_buffer_commit. */
static const u8 *executable(const struct jit *jit, const u8 *at)
{
    return code_buffer_executable(&jit->buffer, at);
}

/* Begins a stub with two entries: the first saves the flags, and loses `scratch`. */
static void begin(const struct jit *jit, struct emit *e, const u8 *stub[2], enum host_reg scratch)
{
    stub[FLAGS_HOST] = executable(jit, e->at);
    emit_save_flags(e, scratch);
    stub[FLAGS_SAVED] = executable(jit, e->at);
}

/*  store the registers that C may change; al = jit_refuel(r12); load the registers. The host's zero flag: no more fuel.
 *  `aligned`: the stack is as after a call. */
static void emit_ask_for_fuel(struct emit *e, bool aligned)
{
    emit_store_clobbered(e);
    emit_lea(e, 8, RDI, host_mem(R12, -FRAME_BIAS));
    emit_ri(e, M(MOV), 8, RAX, (s64)(uintptr_t)jit_refuel);
    if (!aligned)
        emit_ri(e, M(SUB), 8, RSP, 8);
    emit_r(e, M(CALL), 8, RAX);
    if (!aligned)
        emit_ri(e, M(ADD), 8, RSP, 8);
    emit_rr(e, M(TEST), 1, RAX, RAX);
    emit_load_clobbered(e);
}

/* What jit_refuel does when nothing wants the processor and the horizon is far: changes r9 and the host's flags. Else on at
 * `ask`.
 *   mov r9, [attention]; cmp dword [r9], 0; jne ask; r9 = horizon - idle; cmp r9, JIT_FUEL; jl ask;
 *   r9 = what is added to the fuel; sub [last], r9; add [executed], r9; mov r15, -JIT_FUEL; [++*pulse] */
static void emit_refuel_quickly(struct emit *e, u8 *ask[2])
{
    emit_rm(e, M(MOV), 8, R9, FRAME(attention));
    emit_mi(e, M(CMP), 4, host_mem(R9, 0), 0);
    ask[0] = emit_branch(e, M(JNZ));
    emit_rm(e, M(MOV), 8, R9, FRAME(horizon));
    emit_rr(e, M(SUB), 8, R9, R15);
    emit_rm(e, M(ADD), 8, R9, FRAME(last));
    emit_ri(e, M(CMP), 8, R9, JIT_FUEL);
    ask[1] = emit_branch(e, M(JL));
    emit_lea(e, 8, R9, host_mem(R15, JIT_FUEL));
    emit_mr(e, M(SUB), 8, FRAME(last), R9);
    emit_mr(e, M(ADD), 8, FRAME(executed), R9);
    emit_ri(e, M(MOV), 8, R15, -JIT_FUEL);
    emit_rm(e, M(MOV), 8, R9, FRAME(env));
    emit_rm(e, M(MOV), 8, R9, host_mem(R9, offsetof(struct cluster_env, pulse)));
    emit_rr(e, M(TEST), 8, R9, R9);
    u8 *over = emit_branch(e, M(JZ));
    emit_mi(e, M(ADD), 4, host_mem(R9, 0), 1);
    emit_patch(e, over, e->at);
}

static void emit_return(struct emit *e, enum flags_place flags)
{
    if (flags == FLAGS_HOST)
        emit_restore_flags(e, R8);
    emit_none(e, M(RET));
}

/*  refuel:  quickly; [restore flags;] ret
 *     ask:  mov [left_by], r8d; ask; jz out; [restore flags;] ret
 *     out:  drop the return address; store registers; exit */
static void emit_refuel(struct emit *e, enum flags_place flags)
{
    u8 *ask[2];
    if (flags == FLAGS_HOST)
        emit_save_flags(e, R9);
    emit_refuel_quickly(e, ask);
    emit_return(e, flags);
    emit_patch(e, ask[0], e->at);
    emit_patch(e, ask[1], e->at);
    emit_mr(e, M(MOV), 4, FRAME(left_by), R8);
    emit_ask_for_fuel(e, true);
    u8 *out = emit_branch(e, M(JZ));
    emit_mi(e, M(MOV), 4, FRAME(left_by), LEFT_BY_EXIT);
    emit_return(e, flags);
    emit_patch(e, out, e->at);
    emit_ri(e, M(ADD), 8, RSP, 8);
    emit_store_registers(e);
    emit_exit(e);
}

/*  dispatch:  mov r10d, r10d; mov [eip], r10d; test r15, r15; jns empty
 *       find: r9 = context | r10; r8 = slot at (r10 ^ spread); cmp [r8], r9; jne out; jmp [r8 + 8]
 *      empty: ask for fuel; mov r10d, [eip]; jnz find
 *        out: left by dispatch; store registers; exit */
static void emit_dispatch(struct emit *e)
{
    u8 *out;
    emit_rr(e, M(MOV), 4, R10, R10);
    emit_mr(e, M(MOV), 4, cpu_at(offsetof(struct cpu_state, eip)), R10);
    emit_rr(e, M(TEST), 8, R15, R15);
    u8 *empty = emit_branch(e, M(JNS));
    u8 *find = e->at;
    emit_rm(e, M(MOV), 8, R9, FRAME(context));
    emit_rr(e, M(OR), 8, R9, R10);
    emit_rm(e, M(MOV), 4, R8, FRAME(spread));
    emit_rr(e, M(XOR), 4, R8, R10);
    emit_ri(e, M(AND), 4, R8, CHAIN_SLOTS - 1);
    emit_ri(e, M(SHL), 4, R8, __builtin_ctz(sizeof(struct chain_slot)));
    emit_rm(e, M(ADD), 8, R8, FRAME(slots));
    emit_mr(e, M(CMP), 8, host_mem(R8, offsetof(struct chain_slot, tag)), R9);
    out = emit_branch(e, M(JNZ));
    emit_m(e, M(JMP), 8, host_mem(R8, offsetof(struct chain_slot, code)));
    emit_patch(e, empty, e->at);
    emit_ask_for_fuel(e, false);
    emit_rm(e, M(MOV), 4, R10, cpu_at(offsetof(struct cpu_state, eip)));
    emit_patch(e, emit_branch(e, M(JNZ)), find);
    emit_patch(e, out, e->at);
    emit_mi(e, M(MOV), 4, FRAME(left_by), LEFT_BY_DISPATCH);
    emit_store_registers(e);
    emit_exit(e);
}

int stubs_create(struct jit *jit)
{
    u32 room;
    u8 *start = code_buffer_reserve(&jit->buffer, &room);
    struct emit e = {.at = start, .end = start + room};
    emit_enter(&e);
    u8 *resume = e.at;
    emit_resume(&e);
    begin(jit, &e, jit->leave, R9);
    emit_mr(&e, M(MOV), 4, FRAME(left_by), R8);
    emit_store_registers(&e);
    jit->exit = executable(jit, e.at);
    emit_exit(&e);
    begin(jit, &e, jit->interpret, R9);
    emit_interpret(&e, resume);
    for (u32 place = FLAGS_HOST; place <= FLAGS_SAVED; place++) {
        jit->refuel[place] = executable(jit, e.at);
        emit_refuel(&e, place);
    }
    begin(jit, &e, jit->dispatch, R9);
    emit_dispatch(&e);
    for (u32 i = 0; i < DEVICE_CALLS; i++) {
        begin(jit, &e, jit->call[i], R10);
        emit_device_call(&e, i);
    }
    for (u32 in = 0; in < 2; in++) {
        begin(jit, &e, jit->port_call[in], R10);
        emit_port_call(&e, in, jit->config.counts_idle);
    }
    if (e.failed)
        return -ENOSPC;
    const u8 *at = code_buffer_commit(&jit->buffer, (u32)(e.at - start));
    jit->enter = (void (*)(struct jit_frame *, u8 *, const void *))(uintptr_t)at;
    code_buffer_keep(&jit->buffer);
    return 0;
}
