/* One cluster to host code: the order of instructions, where flags are, branches between instructions, and
 * the ways out at the end:
 *
 *   <instructions, fall-through order>
 *   tails:  mov r8d, number; jmp interpret | leave
 *
 * Every instruction can be entered: jit_prepare puts the flags both into the host's and into frame->flags,
 * and takes back what the code will count too much. */
#include "jit/translate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- flags --- */

void gen_save_flags(struct gen *g)
{
    if (g->flags == FLAGS_SAVED)
        return;
    emit_save_flags(&g->e, R9);
    g->flags = FLAGS_SAVED;
}

void gen_restore_flags(struct gen *g)
{
    if (g->flags == FLAGS_HOST)
        return;
    emit_restore_flags(&g->e, R8);
    g->flags = FLAGS_HOST;
}

/*  lea r15, [r15 + n] */
void gen_count(struct gen *g)
{
    if (!g->pending)
        return;
    emit_lea(&g->e, 8, R15, host_mem(R15, (s32)g->pending));
    g->pending = 0;
}

/* --- ways out --- */

static void add_fixup(struct gen *g, u8 *field, bool to_tail, u32 number)
{
    if (g->n_fixups == MAX_FIXUPS) {
        g->e.failed = true;
        return;
    }
    g->fixup[g->n_fixups++] = (struct fixup){.field = field, .to_tail = to_tail, .number = number};
}

static u32 add_tail(struct gen *g, int kind, u32 number)
{
    if (g->n_tails == MAX_TAILS) {
        g->e.failed = true;
        return 0;
    }
    g->tail[g->n_tails] = (struct tail){
        .kind = kind, .number = number, .flags = g->flags, .pending = g->pending, .lower = g->lower};
    return g->n_tails++;
}

static u32 add_leave(struct gen *g, enum cluster_leave reason, u32 eip)
{
    if (g->n_leaves == MAX_LEAVES) {
        g->e.failed = true;
        return 0;
    }
    g->leave[g->n_leaves] = (struct leave_record){.eip = eip, .pending = g->pending, .reason = (u8)reason};
    return add_tail(g, TAIL_LEAVE, g->n_leaves++);
}

/* The cold code of this instruction in the state that now is. One per instruction and state. */
static u32 cold_tail(struct gen *g)
{
    for (u32 i = g->n_tails; i-- > 0 && g->n_tails - i <= 4;) {
        const struct tail *t = &g->tail[i];
        if (t->kind == TAIL_INTERPRET && t->number == g->i && t->flags == g->flags)
            return i;
    }
    return add_tail(g, TAIL_INTERPRET, g->i);
}

void gen_branch_cold(struct gen *g, ZydisMnemonic mnemonic)
{
    add_fixup(g, emit_branch(&g->e, mnemonic), true, cold_tail(g));
}

void gen_may_fault(struct gen *g)
{
    if (g->n_accesses == MAX_ACCESSES) {
        g->e.failed = true;
        return;
    }
    g->access[g->n_accesses++] = (struct pending_access){.at = g->e.at, .tail = cold_tail(g)};
}

void gen_branch_stub(struct gen *g, ZydisMnemonic mnemonic, const u8 *stub)
{
    const struct code_buffer *buffer = &g->jit->buffer;
    emit_patch(&g->e, emit_branch(&g->e, mnemonic), buffer->writable + (stub - buffer->executable));
}

void gen_branch_out(struct gen *g, ZydisMnemonic mnemonic, enum cluster_leave reason, u32 eip)
{
    if (g->chain)
        add_fixup(g, emit_branch(&g->e, mnemonic), true, add_tail(g, TAIL_CHAIN, eip));
    else
        gen_branch_leave(g, mnemonic, reason, eip);
}

void gen_branch_leave(struct gen *g, ZydisMnemonic mnemonic, enum cluster_leave reason, u32 eip)
{
    add_fixup(g, emit_branch(&g->e, mnemonic), true, add_leave(g, reason, eip));
}

/* Is there no more fuel? Without touching the flags.
 *   mov r9d, ecx; shrx rcx, r15, r12 (the sign);  without SHRX:  mov [fuel], r15; movsx ecx, byte [fuel + 7];
 *   jrcxz out; mov ecx, r9d */
static u8 *emit_poll(struct gen *g, bool ecx_in_r9)
{
    struct emit *e = &g->e;
    if (!ecx_in_r9)
        emit_rr(e, M(MOV), 4, R9, RCX);
    if (g->jit->has_shrx) {
        emit_shift_x(e, M(SHRX), 8, RCX, R15, R12);
    } else {
        const s32 upper = sizeof(s64) - 1;
        emit_mr(e, M(MOV), 8, FRAME(fuel), R15);
        emit_extend_m(e, M(MOVSX), 4, RCX, 1, frame_at(offsetof(struct jit_frame, fuel) + upper));
    }
    u8 *out = emit_branch_short(e, M(JRCXZ));
    emit_rr(e, M(MOV), 4, RCX, R9);
    return out;
}

void gen_place_flags(struct gen *g, enum flags_place place)
{
    if (place == FLAGS_SAVED && g->flags == FLAGS_HOST)
        emit_save_flags(&g->e, R8);
    else if (place == FLAGS_HOST)
        gen_restore_flags(g);
    g->flags = place;
}

bool gen_edge_is_plain(const struct gen *g, s16 target)
{
    return g->label_flags[target] == g->flags && !cluster_edge_is_back(&g->cluster->insn[g->i]);
}

void gen_branch_label(struct gen *g, ZydisMnemonic mnemonic, s16 target)
{
    add_fixup(g, emit_branch(&g->e, mnemonic), false, (u32)target);
}

void gen_edge(struct gen *g, s16 target, u32 eip, bool ecx_in_r9)
{
    enum flags_place flags = g->flags;
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    bool back = target != CLUSTER_NO_INSN && cluster_edge_is_back(insn) && eip == insn->target_eip;
    if (ecx_in_r9 && !back)
        emit_rr(&g->e, M(MOV), 4, RCX, R9);
    if (target == CLUSTER_NO_INSN) {
        gen_branch_out(g, M(JMP), LEAVE_branch, eip);
        return;
    }
    gen_place_flags(g, g->label_flags[target]);
    u8 *out = back ? emit_poll(g, ecx_in_r9) : NULL;
    if (back && target == g->loop.head)
        emit_patch(&g->e, emit_branch(&g->e, M(JMP)), g->loop.inner);
    else
        gen_branch_label(g, M(JMP), target);
    if (back) {
        emit_patch_short(&g->e, out, g->e.at);
        u32 tail = add_leave(g, LEAVE_attention, eip);
        g->tail[tail].kind = TAIL_REFUEL;
        g->tail[tail].target = target;
        add_fixup(g, emit_branch(&g->e, M(JMP)), true, tail);
    }
    g->flags = flags; /* on the other way, which this code is not on */
}

/* --- instructions --- */

static bool is_branch(const struct cluster_insn *insn)
{
    return insn->steps.flow == FLOW_BRANCH || insn->steps.flow == FLOW_JUMP || insn->steps.flow == FLOW_CALL ||
           insn->steps.flow == FLOW_INDIRECT;
}

/* A device access may have asked to leave. */
static void check_leave(struct gen *g, const struct cluster_insn *insn)
{
    gen_save_flags(g);
    emit_mi(&g->e, M(CMP), 4, FRAME(leave), 0);
    gen_branch_leave(g, M(JNZ), LEAVE_REASONS, insn->next_eip);
}

static void emit_native(struct gen *g, const struct cluster_insn *insn)
{
    const struct steps *steps = &insn->steps;
    g->accessed_device = false;
    g->n_over = 0;
    g->last_step = steps->count ? &steps->step[steps->count - 1] : NULL;
    for (u32 s = 0; s < steps->count; s++)
        if (gen_is_joined(g, &steps->step[s]))
            gen_joined(g, &steps->step[s++]);
        else
            gen_step(g, &steps->step[s]);
    if (g->shadow)
        emit_mi(&g->e, M(MOV), 1, CPU(interrupt_shadow), 0);
    g->shadow = gen_begins_shadow(steps);
    if (is_branch(insn))
        return; /* has counted itself */
    g->pending++;
    if (g->accessed_device)
        check_leave(g, insn);
    for (u32 i = 0; i < g->n_over; i++)
        emit_patch(&g->e, g->over[i], g->e.at);
}

void gen_end_here(struct gen *g, u8 *field)
{
    BUG_ON(g->n_over == ARRAY_LEN(g->over));
    g->over[g->n_over++] = field;
}

/* Hands the instruction to the interpreter, which goes on wherever it leads. */
static void emit_interpreted(struct gen *g)
{
    add_fixup(g, emit_branch(&g->e, M(JMP)), true, add_tail(g, TAIL_INTERPRET, g->i));
}

/* Where branches arrive, flags are where the label wants them and nothing is pending. */
static void arrive(struct gen *g, u32 i)
{
    gen_place_flags(g, g->label_flags[i]);
    gen_count(g);
}

/* Instruction `i` is not fallen into: it is entered with the flags in both places, or by branches. */
static void begin_stretch(struct gen *g, u32 i)
{
    g->flags = g->label_flags[i];
    g->pending = 0;
    g->shadow = false;
}

/* Emits instruction g->i. True if execution can fall out of its end. */
static bool emit_insn(struct gen *g)
{
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    struct insn_code *code = &g->t->insn[g->i];
    if (g->is_label[g->i])
        arrive(g, g->i);
    g->label[g->i] = g->e.at;
    g->device = code->device;
    g->checked = code->checked;
    code->offset = code->entry = (u32)(g->e.at - g->start);
    code->pending = (s32)g->pending;
    gen_note_entry(g);
    if (g->is_label[g->i] && !code->device)
        gen_begin_loop(g);
    bool native = gen_is_native(g, insn);
    if (native)
        emit_native(g, insn);
    else
        emit_interpreted(g);
    gen_end_loop(g);
    code->bytes = (u32)(g->e.at - g->start) - code->offset;
    return native && (insn->steps.flow == FLOW_NEXT || insn->steps.flow == FLOW_BRANCH);
}

/* Emits a chain of instructions, each falling through to the next. */
static void emit_chain(struct gen *g, u32 first)
{
    int i = (int)first;
    begin_stretch(g, first);
    for (;;) {
        g->i = (u32)i;
        const struct cluster_insn *insn = &g->cluster->insn[i];
        bool falls = emit_insn(g);
        i = insn->next;
        if (!falls) {
            if (i == CLUSTER_NO_INSN || g->label[i])
                return;
            begin_stretch(g, (u32)i);
            continue;
        }
        if (i == CLUSTER_NO_INSN) {
            gen_branch_out(g, M(JMP), insn->steps.flow == FLOW_BRANCH ? LEAVE_branch : LEAVE_end, insn->next_eip);
            return;
        }
        if (g->label[i]) {
            gen_count(g);
            gen_edge(g, (s16)i, insn->next_eip, false);
            return;
        }
    }
}

static bool accesses_device(const struct gen *g, u32 i)
{
    return g->cluster->insn[i].steps.class == INSN_STRONG || g->t->insn[i].device;
}

/* In a loop with a device access the flags are saved every time round: then they are expected so at its head.
 */
static enum flags_place place_for_loop(const struct gen *g, const struct cluster_insn *branch)
{
    for (u32 i = 0; i < g->cluster->n; i++) {
        u32 eip = g->cluster->insn[i].eip;
        if (eip >= branch->target_eip && eip <= branch->eip && accesses_device(g, i))
            return FLAGS_SAVED;
    }
    return FLAGS_HOST;
}

/* Instructions reached otherwise than by falling out of the one before. */
static void find_labels(struct gen *g)
{
    bool seen[CLUSTER_MAX_INSNS] = {false};
    for (u32 i = 0; i < g->cluster->n; i++) {
        const struct cluster_insn *insn = &g->cluster->insn[i];
        if (is_branch(insn) && insn->target != CLUSTER_NO_INSN) {
            g->is_label[insn->target] = true;
            if (place_for_loop(g, insn) == FLAGS_SAVED)
                g->label_flags[insn->target] = FLAGS_SAVED;
        }
        if (insn->next == CLUSTER_NO_INSN)
            continue;
        g->is_label[insn->next] |= seen[insn->next];
        seen[insn->next] = true;
    }
}

/*  count; mov r10d, offset; jmp dispatch */
static void emit_chain_tail(struct gen *g, const struct tail *t)
{
    g->pending = t->pending;
    gen_count(g);
    emit_ri(&g->e, M(MOV), 4, R10, (s32)t->number);
    gen_branch_stub(g, M(JMP), g->jit->dispatch[t->flags]);
}

/*  mov ecx, r9d; whole registers; mov r8d, leave record; call refuel; jmp label */
static void emit_refuel_tail(struct gen *g, const struct tail *t)
{
    emit_rr(&g->e, M(MOV), 4, RCX, R9);
    gen_join_parts(g, &t->lower);
    emit_ri(&g->e, M(MOV), 4, R8, (s32)t->number);
    gen_branch_stub(g, M(CALL), g->jit->refuel[t->flags]);
    gen_branch_label(g, M(JMP), t->target);
}

static void emit_tail(struct gen *g, const struct tail *t)
{
    bool leaves = t->kind == TAIL_LEAVE;
    u32 number = leaves ? t->number : t->number | t->pending << INTERPRET_PENDING_SHIFT;
    gen_join_parts(g, &t->lower);
    emit_ri(&g->e, M(MOV), 4, R8, (s32)number);
    gen_branch_stub(g, M(JMP), (leaves ? g->jit->leave : g->jit->interpret)[t->flags]);
}

static void emit_tails(struct gen *g)
{
    for (u32 i = 0; i < g->n_tails; i++) {
        struct tail *t = &g->tail[i];
        t->at = g->e.at;
        switch (t->kind) {
        case TAIL_CHAIN:
            emit_chain_tail(g, t);
            break;
        case TAIL_REFUEL:
            emit_refuel_tail(g, t);
            break;
        default:
            emit_tail(g, t);
        }
    }
}

/* --- putting it together --- */

static int keep_tables(struct gen *g)
{
    struct translation *t = g->t;
    free(t->leave);
    free(t->site);
    free(t->landing);
    t->landing = calloc(MAX(g->n_landings, 1u), sizeof *t->landing);
    if (!t->landing)
        return -ENOMEM;
    memcpy(t->landing, g->landing, g->n_landings * sizeof *t->landing);
    t->n_landings = g->n_landings;
    t->leave = calloc(MAX(g->n_leaves, 1u), sizeof *t->leave);
    t->site = calloc(MAX(g->n_sites, 1u), sizeof *t->site);
    if (!t->leave || !t->site)
        return -ENOMEM;
    memcpy(t->leave, g->leave, g->n_leaves * sizeof *t->leave);
    memcpy(t->site, g->site, g->n_sites * sizeof *t->site);
    t->n_leaves = g->n_leaves;
    t->n_sites = g->n_sites;
    return 0;
}

static void resolve(struct gen *g)
{
    for (u32 i = 0; i < g->n_fixups; i++) {
        const struct fixup *f = &g->fixup[i];
        emit_patch(&g->e, f->field, f->to_tail ? g->tail[f->number].at : g->label[f->number]);
    }
    for (u32 i = 0; i < g->n_sites; i++) {
        u64 address = (u64)(uintptr_t)&g->t->site[i];
        memcpy(g->site_field[i], &address, sizeof address);
    }
}

/* Adds to the table that the SIGSEGV handler searches. Code addresses ascend, and so do those within. */
static int keep_accesses(struct gen *g)
{
    struct jit *jit = g->jit;
    if (jit->n_accesses + g->n_accesses > jit->max_accesses) {
        u32 max = 2 * (jit->n_accesses + g->n_accesses);
        struct access_site *more = realloc(jit->access, max * sizeof *more);
        if (!more)
            return -ENOMEM;
        jit->access = more;
        jit->max_accesses = max;
    }
    for (u32 i = 0; i < g->n_accesses; i++)
        jit->access[jit->n_accesses++] =
            (struct access_site){.at = code_buffer_executable(&jit->buffer, g->access[i].at),
                                 .cold = code_buffer_executable(&jit->buffer, g->tail[g->access[i].tail].at)};
    return 0;
}

static u32 eip_limit(const struct cluster *cluster)
{
    u32 limit = cluster->eip_last;
    for (u32 i = 0; i < cluster->n; i++)
        if (is_branch(&cluster->insn[i]))
            limit = MAX(limit, cluster->insn[i].target_eip);
    return limit;
}

static int finish(struct gen *g)
{
    int rc = keep_tables(g);
    if (rc)
        return rc;
    resolve(g);
    rc = keep_accesses(g);
    if (rc)
        return rc;
    struct translation *t = g->t;
    t->bytes = (u32)(g->e.at - g->start);
    t->code = code_buffer_commit(&g->jit->buffer, t->bytes);
    t->epoch = g->jit->epoch;
    t->stale = false;
    t->eip_limit = MAX(MIN(eip_limit(g->cluster), g->cpu->sreg[CPU_CS].limit), g->eip_limit);
    return 0;
}

struct gen *gen_create(struct jit *jit)
{
    struct gen *g = calloc(1, sizeof *g);
    if (g)
        g->jit = jit;
    return g;
}

void gen_destroy(struct gen *g)
{
    free(g);
}

/* A large struct that is used again: only what a cluster of `n` instructions needs is cleared. */
static void begin(struct gen *g, u32 n)
{
    memset(g->is_label, 0, n * sizeof g->is_label[0]);
    memset(g->label, 0, n * sizeof g->label[0]);
    memset(g->label_flags, FLAGS_HOST, n * sizeof g->label_flags[0]);
    g->n_tails = g->n_fixups = g->n_leaves = g->n_accesses = g->n_sites = g->n_landings = 0;
    g->eip_limit = 0;
    g->lower = (struct lower_parts){0};
    g->loop.head = CLUSTER_NO_INSN;
    g->n_entries = 0;
}

/* Is the instruction one to which a call in the region returns? */
static bool is_return_site(const struct gen *g, u32 i)
{
    for (u32 c = 0; c < g->cluster->n; c++) {
        const struct cluster_insn *insn = &g->cluster->insn[c];
        if (insn->next == (s16)i && (insn->steps.flow == FLOW_CALL || insn->steps.flow == FLOW_INDIRECT))
            return true;
    }
    return false;
}

/* Where other regions, and returns, may come in. */
static void find_landings(struct gen *g)
{
    for (u32 i = 0; i < g->cluster->n && g->n_landings < MAX_LANDINGS; i++) {
        if (i && !is_return_site(g, i))
            continue;
        g->is_label[i] = true;
        g->landing[g->n_landings++] = (struct landing){.eip = g->cluster->insn[i].eip, .offset = i};
    }
}

/*  mov r8, translation; mov [translation], r8; [restore flags;] jmp instruction */
static void emit_landings(struct gen *g)
{
    struct emit *e = &g->e;
    for (u32 i = 0; i < g->n_landings; i++) {
        struct landing *landing = &g->landing[i];
        const u8 *label = g->label[landing->offset];
        bool restore = g->label_flags[landing->offset] == FLAGS_HOST;
        landing->offset = (u32)(e->at - g->start);
        emit_ri(e, M(MOV), 8, R8, (s64)(uintptr_t)g->t);
        emit_mr(e, M(MOV), 8, FRAME(translation), R8);
        if (restore)
            emit_restore_flags(e, R8);
        emit_patch(e, emit_branch(e, M(JMP)), label);
    }
}

int translate(struct jit *jit, struct translation *t, const struct cpu_state *cpu)
{
    struct cluster *cluster = t->cluster;
    u32 room;
    u8 *start = code_buffer_reserve(&jit->buffer, &room);
    struct gen *g = jit->gen;
    begin(g, cluster->n);
    g->t = t;
    g->cpu = cpu;
    g->cluster = cluster;
    g->start = start;
    g->e = (struct emit){.at = start, .end = start + room, .cache = jit->encodings};
    t->segments = 0;
    g->chain = jit->chain && cluster->key.position == POSITION_REGION;
    find_labels(g);
    if (g->chain)
        find_landings(g);
    for (u32 i = 0; i < cluster->n; i++)
        if (!g->label[i])
            emit_chain(g, i);
    emit_tails(g);
    gen_loop_entries(g);
    emit_landings(g);
    if (g->e.failed)
        return g->e.full ? -ENOSPC : -EINVAL;
    return finish(g);
}
