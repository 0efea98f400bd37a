/* Regions that follow each other without the engine: a table from offset and context to host code, looked into by the
 * dispatch stub.
 *
 * A context is all that translated code takes for granted beside the offset: place and kind of the code segment, shapes of the
 * other segments, and the epoch in which code was last compared. It has a number; when something it stands for changes, it gets
 * another, and no old slot fits any more. */
#include "jit/jit_impl.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXTS = 16, SHAPES = 8, CONTEXT_SHIFT = 32, SPREAD = 0x9e5 };

/* All of the context but the place of the code segment. In real mode only a change of mode changes it. */
struct shapes {
    u32 cs_limit, mode;
    struct segment_shape shape[CPU_SREGS];
};

struct context {
    u32 cs_base;
    u32 shapes; /* index */
    u32 number; /* 0: free */
};

struct chain {
    bool find;
    struct shapes shapes[SHAPES];
    u32 n_shapes, now; /* `now` has been found last */
    bool settled;      /* loading a segment in real mode will not change the shapes */
    struct context context[CONTEXTS];
    u32 next;          /* to be replaced */
    u32 number;        /* given last */
    u32 epoch;
    struct chain_slot slot[CHAIN_SLOTS];
};

struct chain *chain_create(bool find)
{
    struct chain *chain = calloc(1, sizeof *chain);
    if (chain)
        chain->find = find;
    return chain;
}

void chain_destroy(struct chain *chain)
{
    free(chain);
}

void chain_forget(struct chain *chain)
{
    if (!chain)
        return;
    memset(chain->context, 0, sizeof chain->context);
    chain->n_shapes = 0;
    chain->settled = false;
    if (chain->number < UINT32_MAX / 2)
        return;
    memset(chain->slot, 0, sizeof chain->slot); /* the numbers begin again */
    chain->number = 0;
}

static void describe(struct shapes *s, const struct cpu_state *cpu)
{
    const struct cpu_segment *cs = &cpu->sreg[CPU_CS], *ss = &cpu->sreg[CPU_SS];
    memset(s, 0, sizeof *s);
    s->cs_limit = cs->limit;
    s->mode = cpu_mode_bits(cpu->cr0, cpu->eflags, cs->db, ss->db, ss->dpl & 3);
    for (int i = 0; i < CPU_SREGS; i++)
        s->shape[i] = jit_segment_shape(cpu, (u8)i);
}

static bool is_settled(const struct cpu_state *cpu)
{
    bool usable = true;
    for (int i = 0; i < CPU_SREGS; i++)
        usable &= !cpu->sreg[i].unusable && cpu->sreg[i].base <= HIGHEST_64K;
    return usable && !cpu_protected(cpu);
}

/* Of what may have changed the mode in real mode, far transfers are by far the most: they load CS and nothing else. */
static bool is_still_real(const struct chain *chain, const struct cpu_state *cpu)
{
    const struct shapes *s = &chain->shapes[chain->now];
    const struct cpu_segment *cs = &cpu->sreg[CPU_CS];
    return !cpu_protected(cpu) && !(cpu->eflags & FLAG_TF) && cs->limit == s->cs_limit && !cs->unusable &&
           cs->db == ((s->mode & MODE_CODE32) != 0) && (cs->type & TYPE_WRITABLE);
}

static void find_shapes(struct chain *chain, const struct cpu_state *cpu)
{
    struct shapes now;
    describe(&now, cpu);
    chain->settled = is_settled(cpu);
    for (chain->now = 0; chain->now < chain->n_shapes; chain->now++)
        if (!memcmp(&chain->shapes[chain->now], &now, sizeof now))
            return;
    if (chain->n_shapes == SHAPES) {
        chain_forget(chain);
        chain->now = 0;
    }
    chain->shapes[chain->n_shapes++] = now;
    chain->settled = is_settled(cpu);
}

static u32 number_of(struct chain *chain, u32 cs_base)
{
    for (u32 i = 0; i < CONTEXTS; i++) {
        const struct context *c = &chain->context[i];
        if (c->cs_base == cs_base && c->shapes == chain->now && c->number)
            return c->number;
    }
    chain->context[chain->next++ % CONTEXTS] =
        (struct context){.cs_base = cs_base, .shapes = chain->now, .number = ++chain->number};
    return chain->number;
}

bool chain_follow(struct jit_frame *frame, bool poked)
{
    struct jit *jit = frame->jit;
    struct chain *chain = jit->chain;
    if (!chain)
        return true;
    u32 epoch = jit->env->code_map ? jit->env->code_map->epoch : 0;
    if (epoch != chain->epoch)
        chain_forget(chain);
    chain->epoch = epoch;
    bool same = chain->settled && (!poked || is_still_real(chain, frame->cpu));
    if (!same)
        find_shapes(chain, frame->cpu);
    u32 number = number_of(chain, frame->cpu->sreg[CPU_CS].base);
    frame->context = (u64)number << CONTEXT_SHIFT;
    frame->spread = number * SPREAD;
    return !same;
}

static struct chain_slot *slot_of(const struct jit_frame *frame, u32 eip)
{
    return &frame->slots[(eip ^ frame->spread) % CHAIN_SLOTS];
}

static void keep(struct jit_frame *frame, u32 eip, const void *code)
{
    *slot_of(frame, eip) = (struct chain_slot){.tag = frame->context | eip, .code = code};
}

void chain_enter(struct jit_frame *frame, const struct translation *t)
{
    struct chain *chain = frame->jit->chain;
    if (!chain)
        return;
    frame->slots = chain->slot;
    chain_follow(frame, true);
    if (!chain->find)
        return;
    for (u32 i = t->n_landings; i-- > 0;) /* its beginning last */
        keep(frame, t->landing[i].eip, t->code + t->landing[i].offset);
}

const void *chain_find(struct jit_frame *frame, bool poked)
{
    const struct cpu_state *cpu = frame->cpu;
    if (!frame->jit->chain || !frame->slots || cpu->interrupt_shadow || *frame->attention ||
        (frame->fuel >= 0 && !jit_refuel(frame)))
        return NULL;
    chain_follow(frame, poked);
    const struct chain_slot *slot = slot_of(frame, cpu->eip);
    return slot->tag == (frame->context | cpu->eip) ? slot->code : NULL;
}
