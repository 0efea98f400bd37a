/* Device accesses in host code: calls of the functions in runtime.c, and what needs no call.
 *
 * Where accesses need no account (cluster_env.changes), a byte port access calls the device's own function from a stub, and a
 * byte in a window of planes (struct env_planes) is loaded or stored right here, as long as the device works as it did when the
 * code was made. */
#include "jit/translate.h"

#include <limits.h>

static struct device_site *add_site(struct gen *g, const struct step *step)
{
    if (g->n_sites == MAX_SITES) {
        g->e.failed = true;
        return &g->site[0];
    }
    struct device_site *site = &g->site[g->n_sites++];
    *site = (struct device_site){.insn = &g->cluster->insn[g->i], .size = step->size, .imm = step->imm,
                                  .pending = g->pending + 1};
    return site;
}

/*  mov r9, site; call stub */
static void emit_call(struct gen *g, struct device_site *site, const u8 *const stub[2])
{
    emit_ri(&g->e, M(MOV), 8, R9, INT64_MAX); /* known later */
    g->site_field[site - g->site] = g->e.at - sizeof(u64);
    gen_branch_stub(g, M(CALL), stub[g->flags]);
    g->flags = FLAGS_SAVED;
    g->accessed_device = true;
}

/* --- planes --- */

static bool find_planes(struct gen *g, const struct step *step, struct env_planes *p)
{
    const struct cluster_env *env = g->jit->env;
    if (!env->find_planes || step->size != 1)
        return false;
    env->find_planes(env->opaque, p);
    return p->bytes && (step->kind == STEP_STORE || step->kind == STEP_LOAD || step->kind == STEP_STRING);
}

/* Something of the device's, addressed from where r9 points. */
static struct host_mem near_r9(struct gen *g, const struct env_planes *p, const void *at, enum host_reg index, u8 scale)
{
    s64 distance = (const u8 *)at - (const u8 *)p->generation_now;
    if (distance < INT_MIN || distance > INT_MAX)
        g->e.failed = true;
    return index == HOST_NONE ? host_mem(R9, (s32)distance) : host_mem_index(R9, index, scale, (s32)distance);
}

/* Ways to the call of the device's function. */
struct slow_ways {
    u8 *field[3];
    u32 n;
};

static void emit_slow(struct gen *g, struct slow_ways *slow, ZydisMnemonic mnemonic)
{
    slow->field[slow->n++] = emit_branch(&g->e, mnemonic);
}

/*  mov r9, generation_now; cmp [r9], generation; jne slow; lea r10d, [r8 - first]; cmp r10d, bytes; jae slow */
static void emit_planes_check(struct gen *g, const struct env_planes *p, struct slow_ways *slow)
{
    struct emit *e = &g->e;
    gen_save_flags(g);
    emit_ri(e, M(MOV), 8, R9, (s64)(uintptr_t)p->generation_now);
    emit_mi(e, M(CMP), 4, host_mem(R9, 0), (s32)p->generation);
    emit_slow(g, slow, M(JNZ));
    emit_lea(e, 4, R10, host_mem(R8, -(s32)p->first));
    emit_ri(e, M(CMP), 4, R10, (s32)p->bytes);
    emit_slow(g, slow, M(JNB));
}

/* What jit_note_access does:  lea r9, [r15 + pending]; mov [last], r9 */
static void emit_note_access(struct gen *g)
{
    struct emit *e = &g->e;
    if (!g->jit->config.counts_idle)
        return;
    emit_lea(e, 8, R9, host_mem(R15, (s32)g->pending + 1));
    emit_mr(e, M(MOV), 8, FRAME(last), R9);
}

/*  add [accesses of the run], 1; mov r9, insn; add [r9], 1; jmp over; slow: */
static u8 *emit_planes_end(struct gen *g, const struct slow_ways *slow)
{
    struct emit *e = &g->e;
    emit_mi(e, M(ADD), 8, FRAME(inlined), 1);
    emit_ri(e, M(MOV), 8, R9, (s64)(uintptr_t)&g->cluster->insn[g->i].exits_avoided);
    emit_mi(e, M(ADD), 8, host_mem(R9, 0), 1);
    emit_note_access(g);
    u8 *over = emit_branch(e, M(JMP));
    for (u32 i = 0; i < slow->n; i++)
        emit_patch(e, slow->field[i], e->at);
    return over;
}

/*  r11d = (r11d & ~from_set_reset) | forced;  r11d = latch ^ ((r11d ^ latch) & bit_mask) */
static void emit_pipeline(struct gen *g, const struct env_planes *p)
{
    struct emit *e = &g->e;
    emit_rm(e, M(MOV), 4, R8, near_r9(g, p, p->from_set_reset, HOST_NONE, 0));
    emit_r(e, M(NOT), 4, R8);
    emit_rr(e, M(AND), 4, R11, R8);
    emit_rm(e, M(OR), 4, R11, near_r9(g, p, p->forced, HOST_NONE, 0));
    emit_rm(e, M(MOV), 4, R8, near_r9(g, p, p->latch, HOST_NONE, 0));
    emit_rr(e, M(XOR), 4, R11, R8);
    emit_rm(e, M(AND), 4, R11, near_r9(g, p, p->bit_mask, HOST_NONE, 0));
    emit_rr(e, M(XOR), 4, R11, R8);
}

/*  [cmp byte [rotate], 0; jne slow;] r11d = byte in all planes; [pipeline;] r11d &= mask;
 *  cells[r10] = (cells[r10] & ~mask) | r11d */
static void emit_planes_store(struct gen *g, const struct env_planes *p, struct slow_ways *slow)
{
    struct emit *e = &g->e;
    static const s32 all_planes = 0x01010101;
    if (!p->plain) {
        emit_mi(e, M(CMP), 1, near_r9(g, p, p->rotate, HOST_NONE, 0), 0);
        emit_slow(g, slow, M(JNZ));
    }
    emit_extend(e, M(MOVZX), 4, R11, 1, R11);
    emit_imul(e, 4, R11, R11, all_planes);
    if (!p->plain)
        emit_pipeline(g, p);
    emit_rm(e, M(MOV), 4, R8, near_r9(g, p, p->mask, HOST_NONE, 0));
    emit_rr(e, M(AND), 4, R11, R8);
    emit_r(e, M(NOT), 4, R8);
    emit_rm(e, M(AND), 4, R8, near_r9(g, p, p->cells, R10, 4));
    emit_rr(e, M(OR), 4, R8, R11);
    emit_mr(e, M(MOV), 4, near_r9(g, p, p->cells, R10, 4), R8);
}

/*  r8d = the byte; the latch is loaded:  mov r11d, cells[r10]; mov [latch], r11d; movzx r8d, byte [shift]; shr r8d, 3;
 *  lea r8, [r8 + r10 * 4]; movzx r8d, byte [cells + r8] */
static void emit_planes_load(struct gen *g, const struct env_planes *p)
{
    struct emit *e = &g->e;
    emit_rm(e, M(MOV), 4, R11, near_r9(g, p, p->cells, R10, 4));
    emit_mr(e, M(MOV), 4, near_r9(g, p, p->latch, HOST_NONE, 0), R11);
    emit_extend_m(e, M(MOVZX), 4, R8, 1, near_r9(g, p, p->shift, HOST_NONE, 0));
    emit_ri(e, M(SHR), 4, R8, 3);
    emit_lea(e, 8, R8, host_mem_index(R8, R10, 4, 0));
    emit_extend_m(e, M(MOVZX), 4, R8, 1, near_r9(g, p, p->cells, R8, 1));
}

void gen_device_load(struct gen *g, const struct step *step)
{
    struct env_planes planes;
    struct slow_ways slow = {.n = 0};
    u8 *over = NULL;
    bool inlined = find_planes(g, step, &planes) && planes.loads;
    if (inlined) {
        if (step->rmw)
            emit_mr(&g->e, M(MOV), 4, FRAME(rmw), R8);
        emit_planes_check(g, &planes, &slow);
        emit_planes_load(g, &planes);
        over = emit_planes_end(g, &slow);
    }
    struct device_site *site = add_site(g, step);
    site->inlined = inlined;
    emit_call(g, site, g->jit->call[DEVICE_LOAD]);
    if (over)
        emit_patch(&g->e, over, g->e.at);
}

/*  r11d = value. t0 may still be wanted after it. */
static void emit_value(struct gen *g, const struct step *step, u8 src)
{
    if (src == OPERAND_IMM) {
        emit_ri(&g->e, M(MOV), 4, R11, (s32)step->imm);
        return;
    }
    enum host_reg reg = gen_store_source(g, step, src, R11);
    if (reg != R11)
        emit_rr(&g->e, M(MOV), 4, R11, reg);
}

void gen_device_store(struct gen *g, const struct step *step, u8 src, enum host_reg address)
{
    struct emit *e = &g->e;
    struct env_planes planes;
    struct slow_ways slow = {.n = 0};
    u8 *over = NULL;
    bool last = step == g->last_step;
    if (!last)
        emit_mr(e, M(MOV), 4, FRAME(t0), R10);
    emit_value(g, step, src);
    if (address != R8)
        emit_rr(e, M(MOV), 4, R8, address);
    bool inlined = find_planes(g, step, &planes) && planes.stores;
    if (inlined) {
        emit_planes_check(g, &planes, &slow);
        emit_planes_store(g, &planes, &slow);
        over = emit_planes_end(g, &slow);
    }
    struct device_site *site = add_site(g, step);
    site->inlined = inlined;
    emit_call(g, site, g->jit->call[DEVICE_STORE]);
    if (over && last && step->kind == STEP_STORE)
        gen_end_here(g, over);
    else if (over)
        emit_patch(e, over, e->at);
    if (!last)
        emit_rm(e, M(MOV), 4, R10, FRAME(t0));
}

/* --- ports --- */

/*  cmp [number], r8w; jne call; mov r11, [latch]; test r11, r11; jz call; mov r10, [latch_busy]; cmp byte [r10], 0; jne call;
 *  mov al, [r11]  or  mov r10d, eax; and r10b, [latch_mask]; mov [r11], r10b;
 *  count; jmp over; call: */
static void emit_latch(struct gen *g, bool in)
{
    struct emit *e = &g->e;
    u8 *call[3];
    emit_mr(e, M(CMP), 2, host_mem(R9, offsetof(struct device_site, port.number)), R8);
    call[0] = emit_branch(e, M(JNZ));
    size_t latch = in ? offsetof(struct device_site, port.latch_in) : offsetof(struct device_site, port.latch_out);
    emit_rm(e, M(MOV), 8, R11, host_mem(R9, (s32)latch));
    emit_rr(e, M(TEST), 8, R11, R11);
    call[1] = emit_branch(e, M(JZ));
    emit_rm(e, M(MOV), 8, R10, host_mem(R9, offsetof(struct device_site, port.latch_busy)));
    emit_mi(e, M(CMP), 1, host_mem(R10, 0), 0);
    call[2] = emit_branch(e, M(JNZ));
    if (in) {
        emit_rm(e, M(MOV), 1, RAX, host_mem(R11, 0));
    } else {
        emit_rr(e, M(MOV), 4, R10, RAX);
        emit_rm(e, M(AND), 1, R10, host_mem(R9, offsetof(struct device_site, port.latch_mask)));
        emit_mr(e, M(MOV), 1, host_mem(R11, 0), R10);
    }
    emit_mi(e, M(ADD), 8, FRAME(inlined), 1);
    emit_rm(e, M(MOV), 8, R9, host_mem(R9, offsetof(struct device_site, insn)));
    emit_mi(e, M(ADD), 8, host_mem(R9, offsetof(struct cluster_insn, exits_avoided)), 1);
    emit_note_access(g);
    gen_end_here(g, emit_branch(e, M(JMP)));
    for (u32 i = 0; i < ARRAY_LEN(call); i++)
        emit_patch(e, call[i], e->at);
}

/* A byte from or to a port, where accesses need no account: the device's function is called by a stub, if there is more to it
 * than a latch.
 *  mov r8d, port; mov r9, site; <latch>; call stub */
static void gen_byte_port(struct gen *g, struct device_site *site, bool in)
{
    struct emit *e = &g->e;
    gen_save_flags(g);
    if (site->port_is_dx)
        emit_extend(e, M(MOVZX), 4, R8, 2, RDX);
    else
        emit_ri(e, M(MOV), 4, R8, (s32)site->imm);
    emit_ri(e, M(MOV), 8, R9, INT64_MAX); /* known later */
    g->site_field[site - g->site] = e->at - sizeof(u64);
    emit_latch(g, in);
    gen_branch_stub(g, M(CALL), g->jit->port_call[in][FLAGS_SAVED]);
    g->accessed_device = true;
}

/*  mov r9, site; call stub */
void gen_port(struct gen *g, const struct step *step)
{
    bool in = step->kind == STEP_IN;
    struct device_site *site = add_site(g, step);
    site->port_is_dx = (in ? step->src : step->dst) != OPERAND_IMM;
    if (g->jit->env->changes && step->size == 1)
        gen_byte_port(g, site, in);
    else
        emit_call(g, site, g->jit->call[in ? DEVICE_IN : DEVICE_OUT]);
    if (in)
        gen_set_register(g, CPU_EAX, step->size, R8);
}
