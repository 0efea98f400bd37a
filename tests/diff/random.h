/* Random sequences. One seed always gives the same one. */
#ifndef HUDDLE_TESTS_RANDOM_H
#define HUDDLE_TESTS_RANDOM_H

#include "sequence.h"

struct random {
    u64 state;
    struct sequence *s;
    bool emulated_cpu; /* leave out what emulated processors do wrong */
    bool flow;         /* the sequence may loop, wait, call, allow interrupts and change its own code */
};

u64 random_next(struct random *r);
u32 random_below(struct random *r, u32 n);
static inline bool random_one_in(struct random *r, u32 n)
{
    return random_below(r, n) == 0;
}
/* Values at the edges are where bugs are. */
u32 random_value(struct random *r);

/* Appends bytes to the code. False: there is no room. */
bool random_put(struct random *r, const u8 *bytes, u32 size);

#define PUT(r, ...) random_put(r, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
/* The same with a 16-bit operand in any mode, or a 32-bit one: with a prefix where it is needed. */
#define PUT_WORD(r, ...) random_put_sized(r, 2, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
#define PUT_DWORD(r, ...) random_put_sized(r, 4, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))
bool random_put_sized(struct random *r, u8 op_size, const u8 *bytes, u32 size);

static inline bool random_is_32(const struct random *r)
{
    return r->s->mode == MODE_PM32;
}

/* Appends a random instruction of the allow-list that falls through, and behind it what defines the flags again that
 * it leaves undefined. False: there is no room. */
bool random_insn(struct random *r);
/* The same, one that accesses memory where general register `base` points to, if one is found. */
bool random_insn_at(struct random *r, enum cpu_reg base);

/* random_flow.c: appends a loop, a wait, a call, a store into the code, a segment load ... False: no room. */
bool random_part(struct random *r);

/* random_edge.c: appends accesses where segments, address space and windows end, strings with devices, and the rarer
 * transfers. False: no room. */
bool random_edge(struct random *r);

/* random_state.c: registers and segments to start from. */
void random_start(struct random *r);

/* The sequence of `seed`: straight code, or with `flow` everything. */
void random_sequence(struct sequence *s, u64 seed, bool flow, bool emulated_cpu);

#endif
