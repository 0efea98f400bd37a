/* Regions that follow each other without the engine: a table from offset and context to host code, looked into by the
 * dispatch stub.
 *
 * A context is all that translated code takes for granted beside the offset: place and kind of the code segment, shapes of the
 * other segments, and the epoch in which code was last compared. It has a number; when something it stands for changes, it gets
 * another, and no old slot fits any more. */
#include "jit/jit_impl.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXTS = 16, CONTEXT_SHIFT = 32 };

struct context {
    u32 cs_base, cs_limit, mode;
    struct segment_shape shape[CPU_SREGS];
    u32 number; /* 0: free */
};

struct chain {
    struct context context[CONTEXTS];
    u32 next;   /* to be replaced */
    u32 number; /* given last */
    u32 epoch;
    struct chain_slot slot[CHAIN_SLOTS];
};

struct chain *chain_create(void)
{
    return calloc(1, sizeof(struct chain));
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
    if (chain->number < UINT32_MAX / 2)
        return;
    memset(chain->slot, 0, sizeof chain->slot); /* the numbers begin again */
    chain->number = 0;
}

static void describe(struct context *c, const struct cpu_state *cpu)
{
    const struct cpu_segment *cs = &cpu->sreg[CPU_CS], *ss = &cpu->sreg[CPU_SS];
    memset(c, 0, sizeof *c);
    c->cs_base = cs->base;
    c->cs_limit = cs->limit;
    c->mode = cpu_mode_bits(cpu->cr0, cpu->eflags, cs->db, ss->db, ss->dpl & 3);
    for (int i = 0; i < CPU_SREGS; i++)
        c->shape[i] = jit_segment_shape(&cpu->sreg[i]);
}

static u32 number_of(struct chain *chain, const struct cpu_state *cpu)
{
    struct context now;
    describe(&now, cpu);
    for (u32 i = 0; i < CONTEXTS; i++) {
        struct context *c = &chain->context[i];
        now.number = c->number;
        if (c->number && !memcmp(c, &now, sizeof now))
            return c->number;
    }
    now.number = ++chain->number;
    chain->context[chain->next++ % CONTEXTS] = now;
    return now.number;
}

void chain_follow(struct jit_frame *frame)
{
    struct jit *jit = frame->jit;
    struct chain *chain = jit->chain;
    if (!chain)
        return;
    u32 epoch = jit->env->code_map ? jit->env->code_map->epoch : 0;
    if (epoch != chain->epoch)
        chain_forget(chain);
    chain->epoch = epoch;
    frame->context = (u64)number_of(chain, frame->cpu) << CONTEXT_SHIFT;
}

static void keep(struct jit_frame *frame, u32 eip, const void *code)
{
    frame->slots[eip % CHAIN_SLOTS] = (struct chain_slot){.tag = frame->context | eip, .code = code};
}

void chain_enter(struct jit_frame *frame, const struct translation *t)
{
    struct chain *chain = frame->jit->chain;
    if (!chain)
        return;
    frame->slots = chain->slot;
    chain_follow(frame);
    for (u32 i = t->n_landings; i-- > 0;) /* its beginning last */
        keep(frame, t->landing[i].eip, t->code + t->landing[i].offset);
}

const void *chain_find(struct jit_frame *frame)
{
    const struct cpu_state *cpu = frame->cpu;
    if (!frame->jit->chain || !frame->slots || cpu->interrupt_shadow || *frame->attention || frame->fuel >= 0)
        return NULL;
    chain_follow(frame);
    const struct chain_slot *slot = &frame->slots[cpu->eip % CHAIN_SLOTS];
    return slot->tag == (frame->context | cpu->eip) ? slot->code : NULL;
}
