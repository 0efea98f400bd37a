/* A guest that waits in a loop without device accesses (for the BIOS tick, for a flag that an interrupt handler sets). Under
 * --clock=access it would wait for ever, since only accesses and HLT move time; under the host's clock it would keep a
 * processor busy. Here such a loop is proved: the interpreter runs the guest until its whole state comes back, twice, with
 * the same stores in between. Then nothing but an event can change anything, and time may jump to the next one, or the
 * thread sleep until then, without changing what the guest can see.
 * The interrupt is taken at the same instruction of the loop in every run: the one with the lowest address. */
#include "vmm_explain.h"

#include "base/hash.h"

#include <string.h>

enum { SEARCH_ROUNDS = 4 }; /* of the longest period, until it must have been found */

struct spin_state {
    u32 reg[CPU_REGS];
    u32 eip, eflags;
    u16 selector[CPU_SREGS];
    u16 pad[2];
};

static void take_state(struct spin_state *s, const struct cpu_state *cpu)
{
    memset(s, 0, sizeof *s);
    memcpy(s->reg, cpu->reg, sizeof s->reg);
    s->eip = cpu->eip;
    s->eflags = cpu->eflags;
    for (int i = 0; i < CPU_SREGS; i++)
        s->selector[i] = cpu->sreg[i].selector;
}

bool vmm_at_halt(const struct vmm *vmm)
{
    enum { HLT = 0xf4 };
    const struct memory *mem = &vmm->machine.memory;
    linear_t linear = cpu_rip_linear(&vmm->cpu);
    enum page_kind kind = memory_kind(mem, linear);
    return (kind == PAGE_RAM || kind == PAGE_ROM) && mem->view[linear] == HLT;
}

/* One instruction; *stores takes in what it wrote. False if it cannot be part of a pure loop; the x87's state is not
 * looked at. */
static bool step(struct vmm *vmm, u64 *stores)
{
    struct interp *in = &vmm->interp;
    if (vmm_at_halt(vmm) || interp_step(in, &vmm->cpu) != INTERP_DONE || in->x87 || vmm->cpu.halted ||
        !cpu_mode_supported(&vmm->cpu))
        return false;
    for (u32 i = 0; i < in->n_stores; i++) {
        u32 first = in->store[i].first, length = in->store[i].last - first + 1;
        u64 link[3] = {*stores, first, hash64(vmm->machine.memory.view + first, length)};
        *stores = hash64(link, sizeof link);
    }
    return true;
}

/* Runs one round of `period` instructions from `anchor`; *stores is what it wrote, *lowest the lowest address. */
static bool round_of(struct vmm *vmm, u32 period, u64 *stores, linear_t *lowest)
{
    *stores = 0;
    for (u32 i = 0; i < period; i++) {
        *lowest = MIN(*lowest, cpu_rip_linear(&vmm->cpu));
        if (!step(vmm, stores))
            return false;
    }
    return true;
}

/* Brent's cycle search on the processor state. The period, or 0. The state is then on the cycle, at the anchor. */
static u32 find_period(struct vmm *vmm, u32 max_period)
{
    struct spin_state anchor, now;
    u64 stores = 0;
    u32 power = 1, length = 0;
    take_state(&anchor, &vmm->cpu);
    for (u32 i = 0; i < SEARCH_ROUNDS * max_period; i++) {
        if (!step(vmm, &stores))
            return 0;
        length++;
        take_state(&now, &vmm->cpu);
        if (!memcmp(&anchor, &now, sizeof now))
            return length;
        if (length == power) {
            anchor = now;
            power *= 2;
            length = 0;
        }
    }
    return 0;
}

static bool prove_loop(struct vmm *vmm, u32 max_period, linear_t *lowest)
{
    u32 period = find_period(vmm, max_period);
    if (!period)
        return false;
    struct spin_state before, after;
    u64 first, second;
    *lowest = UINT32_MAX;
    take_state(&before, &vmm->cpu);
    if (!round_of(vmm, period, &first, lowest) || !round_of(vmm, period, &second, lowest))
        return false;
    take_state(&after, &vmm->cpu);
    return first == second && !memcmp(&before, &after, sizeof after);
}

/* To the next event. False: there is none. */
static bool pass_time(struct vmm *vmm)
{
    struct clock *clock = &vmm->machine.clock;
    if (clock->mode == CLOCK_MODE_HOST && clock->next_deadline_ns != CLOCK_NEVER) {
        vmm->stats->sleeps++;
        vmm_sleep_until(vmm, clock->next_deadline_ns);
    }
    vmm_timeline_sample(vmm);
    return clock_jump_to_next(clock);
}

static int check_spin(struct vmm *vmm, u32 max_period)
{
    int rc = vmm_sync(vmm);
    if (rc || !vmm->cpu_current || vmm->cpu.halted || vmm->machine.intr || !cpu_mode_supported(&vmm->cpu) || (vmm->cpu.eflags & FLAG_TF))
        return rc;
    linear_t lowest;
    u64 stores = 0;
    vmm->interp.allow_devices = false;
    if (!prove_loop(vmm, max_period, &lowest))
        return 0;
    while (cpu_rip_linear(&vmm->cpu) != lowest && step(vmm, &stores))
        ;
    vmm->stats->spins++;
    struct machine *m = &vmm->machine;
    u32 generation = m->memory.generation;
    while (!m->intr && !m->requests && !vmm->ended && !vmm->attention && m->memory.generation == generation)
        if (!pass_time(vmm))
            break;
    return 0;
}

int vmm_check_spin(struct vmm *vmm, u32 max_period)
{
    struct vmm_span span = vmm_span_begin(vmm);
    int rc = check_spin(vmm, max_period);
    vmm_span_end(vmm, EXPLAIN_waiting, &span);
    return rc;
}
