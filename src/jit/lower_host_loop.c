/* Loops of one basic block that need only the lower parts of some registers.
 *
 * Writing AL or AX leaves the rest of the host's register as it was, so what is computed in it waits for everything before, round
 * after round; and AX as an address must first be extended. In such a loop the upper part of these registers is kept in
 * cpu_state, where it does not change; in the host's register the part above AX is zero (or rubbish, where only AL is used),
 * and what writes the lower part extends it. Where the loop is left they are joined again, in its tails too.
 *
 * LOOP counts in ECX, which is also what fuel is looked at with. If nothing else uses it, the rounds are made in chunks for which
 * there surely is fuel: ECX counts those of the chunk, frame->chunk_* know the rest.
 *
 *   head:   mov [cpu edi], edi; movzx edi, di; mov [cpu ecx], ecx; movzx ecx, cx
 *   chunk:  a chunk of CX or one round into ecx
 *   inner:  ...; mov [r9 + rdi], al; ...; lea ecx, [rcx - 1]; jrcxz next; jmp inner
 *   next:   ecx = the rest of CX; jrcxz out; is there fuel?; jmp chunk
 *   out:    join edi, ecx
 *
 * An instruction inside can be entered as any other, by way of gen_loop_entries. */
#include "jit/translate.h"

/* A chunk is as many rounds as the fuel there is at most surely is enough for, as a power of two; or, where there is less, a 16th
 * of them, or one. */
enum { CHUNK_INSNS = JIT_FUEL, LESS_SHIFT = 4, MAX_COUNTED = CHUNK_INSNS >> (LESS_SHIFT + 1) };

/* What the instructions of a loop do with general registers: a bit each. */
struct usage {
    u8 whole, word, low, high; /* EAX, AX, AL, AH */
    u8 sets_word, sets_low;    /* AX or AL is written without being read */
    u8 address;                /* AX is an address */
    bool t1, string;           /* t1 is used; an address of a string is advanced */
    u32 n;                     /* instructions */
};

static bool is_general(u8 operand)
{
    return operand < CPU_REGS;
}

static void use(struct usage *u, u8 operand, u8 size)
{
    u->t1 |= operand == STEP_T1;
    if (!is_general(operand))
        return;
    if (size == 4)
        u->whole |= (u8)BIT(operand);
    else if (size == 2)
        u->word |= (u8)BIT(operand);
    else if (operand < 4)
        u->low |= (u8)BIT(operand);
    else
        u->high |= (u8)BIT(operand - 4);
}

static void set(struct usage *u, u8 operand, u8 size)
{
    use(u, operand, size);
    if (is_general(operand) && size == 2)
        u->sets_word |= (u8)BIT(operand);
    else if (operand < 4 && size == 1)
        u->sets_low |= (u8)BIT(operand);
}

static void use_address(struct usage *u, u8 operand, u8 size)
{
    use(u, operand, size);
    if (is_general(operand) && size == 2)
        u->address |= (u8)BIT(operand);
}

static void use_mem(struct usage *u, const struct step_mem *mem)
{
    use_address(u, mem->base, mem->addr_size);
    use_address(u, mem->index, mem->addr_size);
}

static void use_string(struct usage *u, const struct step *step)
{
    u->string = true;
    if (step->op != STRING_STOS)
        use_address(u, CPU_ESI, step->mem.addr_size);
    if (step->op != STRING_LODS)
        use_address(u, CPU_EDI, step->mem.addr_size);
    if (step->op == STRING_LODS)
        set(u, CPU_EAX, step->size);
    else if (step->op == STRING_STOS)
        use(u, CPU_EAX, step->size);
}

/* False: a step of a kind that such loops do not have. */
static bool use_step(struct usage *u, const struct step *step)
{
    switch ((enum step_kind)step->kind) {
    case STEP_MOV:
        set(u, step->dst, step->size);
        use(u, step->src, step->size);
        return true;
    case STEP_EXTEND:
        set(u, step->dst, step->size);
        use(u, step->src, step->src_size);
        return true;
    case STEP_LEA:
    case STEP_LOAD:
        set(u, step->dst, step->size);
        use_mem(u, &step->mem);
        return true;
    case STEP_STORE:
        use(u, step->src, step->size);
        use_mem(u, &step->mem);
        return true;
    case STEP_ALU:
        use(u, step->dst, step->size);
        use(u, step->src, step->size);
        return true;
    case STEP_STRING:
        use_string(u, step);
        return true;
    case STEP_BRANCH:
        return true;
    case STEP_LOOP: /* the counter by itself: see is_counted */
        if (step->mem.addr_size == 4)
            use(u, CPU_ECX, 4);
        return step->op != LOOP_JCXZ;
    case STEP_FLAG:
        return step->op == FLAG_OP_CLC || step->op == FLAG_OP_STC || step->op == FLAG_OP_CMC;
    default:
        return false;
    }
}

/* The two steps of gen_is_joined: no temporary. */
static void use_joined(struct usage *u, const struct step *load)
{
    bool t1 = u->t1;
    use_mem(u, &load->mem);
    use(u, load[1].dst, load[1].size);
    use(u, load[1].src, load[1].size);
    u->t1 = t1;
}

static bool use_steps(struct gen *g, const struct steps *steps, struct usage *u)
{
    g->last_step = steps->count ? &steps->step[steps->count - 1] : NULL;
    for (u32 s = 0; s < steps->count; s++)
        if (gen_is_joined(g, &steps->step[s]))
            use_joined(u, &steps->step[s++]);
        else if (!use_step(u, &steps->step[s]))
            return false;
    return true;
}

/* Is instruction `i` plain host code and nothing else? */
static bool is_plain(struct gen *g, u32 i, struct usage *u)
{
    const struct cluster_insn *insn = &g->cluster->insn[i];
    const struct steps *steps = &insn->steps;
    if (steps->class == INSN_STRONG || g->t->insn[i].device || !use_steps(g, steps, u))
        return false;
    u32 now = g->i;
    g->i = i;
    bool native = gen_is_native(g, insn);
    g->i = now;
    u->n++;
    return native;
}

/* The instruction that branches back to `head`, if all in between is plain and entered nowhere else; or CLUSTER_NO_INSN. */
static int find_end(struct gen *g, u32 head, struct usage *u)
{
    int i = (int)head;
    for (;;) {
        const struct cluster_insn *insn = &g->cluster->insn[i];
        if (!is_plain(g, (u32)i, u))
            return CLUSTER_NO_INSN;
        if (insn->steps.flow == FLOW_BRANCH)
            return insn->target == (s16)head && insn->next != (s16)head && cluster_edge_is_back(insn) ? i : CLUSTER_NO_INSN;
        i = insn->next;
        if (insn->steps.flow != FLOW_NEXT || i == CLUSTER_NO_INSN || g->is_label[i] || g->label[i])
            return CLUSTER_NO_INSN;
    }
}

/* Is it LOOP by CX, which is used for nothing else? */
static bool is_counted(const struct gen *g, u32 end, const struct usage *u)
{
    const struct steps *steps = &g->cluster->insn[end].steps;
    const struct step *last = &steps->step[steps->count - 1];
    return last->kind == STEP_LOOP && last->op == LOOP_ALWAYS && last->mem.addr_size == 2 && g->jit->has_shrx &&
           !((u->whole | u->word | u->low | u->high) & BIT(CPU_ECX)) && u->n <= MAX_COUNTED;
}

static bool ends_with_loop(const struct gen *g, u32 end)
{
    const struct steps *steps = &g->cluster->insn[end].steps;
    return steps->step[steps->count - 1].kind == STEP_LOOP;
}

static struct host_mem saved_register(u32 reg)
{
    return cpu_at(offsetof(struct cpu_state, reg) + reg * sizeof(u32));
}

/* Registers whose upper part is not theirs in the loop. */
#define EACH_LOWER(reg, parts)                                                                               \
    for (u32 left_ = (parts)->words | (parts)->bytes, reg; left_ && (reg = (u32)__builtin_ctz(left_), true); left_ &= left_ - 1)

/*  [movsxd r11, [direction];] movzx edi, di */
static void emit_extend_words(struct gen *g, const struct lower_parts *lower)
{
    if (lower->direction)
        emit_extend_m(&g->e, M(MOVSXD), 8, R11, 4, FRAME(direction));
    for (u32 left = lower->words; left; left &= left - 1) {
        enum host_reg reg = gen_reg((u8)__builtin_ctz(left), 4);
        emit_extend(&g->e, M(MOVZX), 4, reg, 2, reg);
    }
}

/* Is the fuel not used up before the last round of 2^shift?
 *   lea r9, [r15 + instructions of the rounds before it]; shrx rcx, r9, r12: the sign */
static void emit_enough(struct gen *g, u32 shift)
{
    emit_lea(&g->e, 8, R9, host_mem(R15, (s32)(((1u << shift) - 1) * g->loop.n)));
    emit_shift_x(&g->e, M(SHRX), 8, RCX, R9, R12);
}

/* Of the rounds in ecx, 0 being 65,536, those up to a multiple of a chunk.
 *   lea r8d, [rcx - 1]; enough for less?; jrcxz one; enough?; not ecx; lea r9d, [rcx * 4 + 40 - shift] (+4 if not);
 *   shlx ecx, r8d, r9d; shrx ecx, ecx, r9d;
 *   one: mov [chunk_from], r8d; mov [chunk_less], ecx; lea ecx, [rcx + 1] */
static void emit_chunk(struct gen *g)
{
    enum { BITS = 32, ENOUGH = ~1 };
    struct emit *e = &g->e;
    u8 shift = g->loop.chunk_shift;
    emit_lea(e, 4, R8, host_mem(RCX, -1));
    emit_enough(g, shift - LESS_SHIFT);
    u8 *one = emit_branch_short(e, M(JRCXZ));
    emit_enough(g, shift);
    emit_r(e, M(NOT), 8, RCX);
    emit_lea(e, 4, R9, host_mem_index(HOST_NONE, RCX, LESS_SHIFT, BITS - shift - LESS_SHIFT * ENOUGH));
    emit_shift_x(e, M(SHLX), 4, RCX, R8, R9);
    emit_shift_x(e, M(SHRX), 4, RCX, RCX, R9);
    emit_patch_short(e, one, e->at);
    emit_mr(e, M(MOV), 4, FRAME(chunk_from), R8);
    emit_mr(e, M(MOV), 4, FRAME(chunk_less), RCX);
    emit_lea(e, 4, RCX, host_mem(RCX, 1));
}

/* The guest's CX, where ecx counts the rounds of a chunk: into the lower part of ecx.
 *   mov r9d, [chunk_less]; not r9d; lea ecx, [r9 + rcx + 1]; mov r9d, [chunk_from]; lea ecx, [rcx + r9] */
static void emit_count(struct gen *g)
{
    struct emit *e = &g->e;
    emit_rm(e, M(MOV), 4, R9, FRAME(chunk_less));
    emit_r(e, M(NOT), 4, R9);
    emit_lea(e, 4, RCX, host_mem_index(R9, RCX, 1, 1));
    emit_rm(e, M(MOV), 4, R9, FRAME(chunk_from));
    emit_lea(e, 4, RCX, host_mem_index(RCX, R9, 1, 0));
}

void gen_begin_loop(struct gen *g)
{
    struct usage u = {0};
    int end = find_end(g, g->i, &u);
    if (end == CLUSTER_NO_INSN)
        return;
    u8 known = (u8)~(u.whole | BIT(CPU_ESP));
    struct lower_parts lower = {.bytes = known & u.sets_low & (u8)~(u.word | u.high), .words = known & (u.sets_word | u.address)};
    if (ends_with_loop(g, (u32)end))
        lower.words |= known & BIT(CPU_ECX);
    lower.bytes &= (u8)~lower.words;
    lower.counted = is_counted(g, (u32)end, &u);
    lower.direction = u.string && !u.t1;
    if (!lower.bytes && !lower.words)
        return;
    g->loop = (struct loop){.head = (s16)g->i, .end = (u32)end, .n = u.n};
    g->loop.chunk_shift = (u8)(31 - __builtin_clz(CHUNK_INSNS / u.n));
    EACH_LOWER(reg, &lower)
        emit_mr(&g->e, M(MOV), 4, saved_register(reg), gen_reg((u8)reg, 4));
    emit_extend_words(g, &lower);
    g->loop.chunk = g->e.at;
    if (lower.counted)
        emit_chunk(g);
    g->loop.inner = g->e.at;
    g->lower = lower;
}

void gen_end_loop(struct gen *g)
{
    if (g->loop.head == CLUSTER_NO_INSN || g->i != g->loop.end)
        return;
    gen_join_parts(g, &g->lower);
    g->lower = (struct lower_parts){0};
    g->loop.head = CLUSTER_NO_INSN;
}

/*  [the guest's CX;] mov r8d, [cpu edi]; mov r8w, di; mov edi, r8d */
void gen_join_parts(struct gen *g, const struct lower_parts *lower)
{
    if (lower->counted)
        emit_count(g);
    EACH_LOWER(reg, lower)
    {
        enum host_reg host = gen_reg((u8)reg, 4);
        emit_rm(&g->e, M(MOV), 4, R8, saved_register(reg));
        emit_rr(&g->e, M(MOV), lower->bytes & BIT(reg) ? 1 : 2, R8, host);
        emit_rr(&g->e, M(MOV), 4, host, R8);
    }
}

/*  lea ecx, [rcx - 1]; jrcxz next; jmp inner; next: the guest's CX into ecx; movzx ecx, cx; jrcxz out; <edge to chunk>; out: */
void gen_counted_loop(struct gen *g)
{
    struct emit *e = &g->e;
    const struct cluster_insn *insn = &g->cluster->insn[g->i];
    gen_place_flags(g, g->label_flags[insn->target]);
    emit_lea(e, 4, RCX, host_mem(RCX, -1));
    u8 *next = emit_branch_short(e, M(JRCXZ));
    emit_patch(e, emit_branch(e, M(JMP)), g->loop.inner);
    emit_patch_short(e, next, e->at);
    emit_count(g);
    emit_extend(e, M(MOVZX), 4, RCX, 2, RCX);
    g->lower.counted = false;
    u8 *out = emit_branch_short(e, M(JRCXZ));
    g->loop.inner = g->loop.chunk;
    gen_edge(g, insn->target, insn->target_eip, false);
    emit_patch_short(e, out, e->at);
}

/* Registers are whole, and in cpu_state too. Of a counted loop this is one round.
 *   movzx edi, di; [lea r8d, [rcx - 1]; mov [chunk_from], r8d; mov dword [chunk_less], 0; mov ecx, 1;] jmp instruction */
static void emit_entry(struct gen *g, const struct loop_entry *entry)
{
    struct emit *e = &g->e;
    g->t->insn[entry->insn].entry = (u32)(e->at - g->start);
    emit_extend_words(g, &entry->lower);
    if (entry->lower.counted) {
        emit_lea(e, 4, R8, host_mem(RCX, -1));
        emit_mr(e, M(MOV), 4, FRAME(chunk_from), R8);
        emit_mi(e, M(MOV), 4, FRAME(chunk_less), 0);
        emit_ri(e, M(MOV), 4, RCX, 1);
    }
    emit_patch(e, emit_branch(e, M(JMP)), g->label[entry->insn]);
}

void gen_loop_entries(struct gen *g)
{
    for (u32 i = 0; i < g->n_entries; i++)
        emit_entry(g, &g->entry[i]);
}

void gen_note_entry(struct gen *g)
{
    if (g->loop.head != CLUSTER_NO_INSN && g->i != (u32)g->loop.head)
        g->entry[g->n_entries++] = (struct loop_entry){.insn = g->i, .lower = g->lower};
}

bool gen_extends(const struct gen *g, u8 operand, u8 size)
{
    if (!is_general(operand))
        return false;
    return size == 2 ? g->lower.words & BIT(operand) : size == 1 && operand < 4 && (g->lower.bytes & BIT(operand));
}
