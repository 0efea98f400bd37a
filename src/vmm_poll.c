/* Host clock, level on: a guest that polls ports. Translated code reads a port every few nanoseconds, and
 * what the guest waits for is a millisecond away.
 * - Reads of ports that can be polled are counted, and every so many the guest is looked at: rarely, as long
 *   as it does something else meanwhile.
 * - It is proved that nothing else happens until one of the ports gives another answer: cluster/wait.h, with
 *   what the devices say that they can answer until then (struct bus_poll).
 * - The thread sleeps until then, or until an event. If the loop counts its rounds, it has counted those that
 *   went by.
 * - The ports are read once as at that moment, however late the thread woke up: a retrace is short.
 * That the guest stands still meanwhile is nothing it could notice: at worst it was proved in vain. */
#include "vmm_internal.h"

#include "cluster/wait.h"

#include <errno.h>
#include <stdlib.h>

enum {
    MAX_POLLED = 32, /* rows of ports */
    FIRST_GAP = 16,  /* reads between two looks, after the guest polled */
    MAX_GAP = 8192,  /* twice as many with each time it did not */
    STEPS_PER_PERIOD = 16,
    MAX_STEPS = 1 << 14, /* instructions of a proof */
};

/* Falling asleep and waking up takes about as long. */
#define MIN_SLEEP_NS (20 * NS_PER_US)
/* What a read takes, more or less. */
#define READ_NS 20
/* With no event ahead. */
#define MAX_SLEEP_NS NS_PER_S

#define rare __attribute__((noinline, cold))

/* A row of ports that can be polled, in front of its device. */
struct polled {
    struct vmm_poll *poll;
    const struct bus_port *row;
    void *dev;
};

struct vmm_poll {
    struct vmm *vmm;
    u32 left;   /* reads until the next look */
    u32 gap;    /* reads between two */
    bool found; /* it is time for one */
    struct polled polled[MAX_POLLED];
    u32 n_polled;
    struct memory_shadow shadow;
    struct wait *wait;
    struct look look;
    /* The proof in hand. */
    bool counting;     /* it is of a loop that counts its rounds */
    bool same;         /* it is for what the ports give now, not for all that they may give */
    u64 until_ns;      /* as long as they give one of those values */
    u64 same_until_ns; /* or what they give now */
};

/* --- watching --- */

/* The region is left, for vmm_check_poll. The signal handler's 1 must not get lost. */
static void call_attention(struct vmm *vmm)
{
    int none = 0;
    vmm->machine.changes++;
    __atomic_compare_exchange_n(&vmm->attention, &none, ATTENTION_POLL, false, __ATOMIC_RELAXED,
                                __ATOMIC_RELAXED);
}

static rare void look_at_reads(struct vmm_poll *poll)
{
    poll->left = MAX_GAP;
    if (!poll->vmm->goes_on)
        return;
    poll->found = true;
    call_attention(poll->vmm);
}

static inline void note_read(struct vmm_poll *poll)
{
    if (__builtin_expect(--poll->left == 0, false))
        look_at_reads(poll);
}

static u32 polled_in(void *dev, u16 port, u8 size)
{
    struct polled *polled = dev;
    note_read(polled->poll);
    return polled->row->in(polled->dev, port, size);
}

static void polled_out(void *dev, u16 port, u8 size, u32 value)
{
    struct polled *polled = dev;
    polled->row->out(polled->dev, port, size, value);
}

static struct polled *find_polled(struct vmm_poll *poll, const struct bus_port *row)
{
    u32 i = 0;
    while (i < poll->n_polled && poll->polled[i].row != row)
        i++;
    if (i == MAX_POLLED)
        return NULL;
    poll->n_polled = MAX(poll->n_polled, i + 1);
    return &poll->polled[i];
}

void vmm_watch_port(struct vmm *vmm, const struct bus_port *row, struct env_port *port)
{
    struct polled *polled = find_polled(vmm->poll, row);
    if (!polled)
        return;
    *polled = (struct polled){.poll = vmm->poll, .row = row, .dev = port->dev};
    port->dev = polled;
    port->in = polled_in;
    port->out = row->out ? polled_out : NULL;
}

void vmm_watch_read(struct vmm *vmm, u16 port)
{
    void *dev;
    const struct bus_port *row = bus_port_row(&vmm->machine.bus, port, &dev);
    if (row && row->poll)
        note_read(vmm->poll);
}

/* --- proving --- */

static bool ask(void *opaque, struct wait_port *port)
{
    struct vmm_poll *poll = opaque;
    struct bus_poll answer;
    if (!bus_poll(&poll->vmm->machine.bus, port->port, &answer))
        return false;
    port->n = poll->same ? 1 : answer.n;
    for (u32 i = 0; i < port->n; i++)
        port->value[i] = answer.value[i];
    poll->until_ns = MIN(poll->until_ns, answer.until_ns);
    poll->same_until_ns = MIN(poll->same_until_ns, answer.same_until_ns);
    return true;
}

static bool try_proof(struct vmm *vmm, bool counting, u32 max_steps, struct wait_proof *proof)
{
    vmm->poll->until_ns = vmm->poll->same_until_ns = CLOCK_NEVER;
    vmm->poll->counting = counting;
    return wait_prove(vmm->poll->wait, &vmm->cpu, max_steps, counting, proof);
}

static bool proves(struct vmm *vmm, bool same, u32 max_steps, struct wait_proof *proof)
{
    vmm->poll->same = same;
    return try_proof(vmm, false, max_steps, proof) ||
           (proof->n_ports && proof->count.found && try_proof(vmm, true, max_steps, proof));
}

/* A loop may wait for the bit that changes more often. */
static bool prove(struct vmm *vmm, u32 max_steps, struct wait_proof *proof)
{
    if (proves(vmm, false, max_steps, proof))
        return true;
    bool far = vmm->poll->same_until_ns > clock_now(&vmm->machine.clock) + MIN_SLEEP_NS;
    return proof->n_ports && far && proves(vmm, true, max_steps, proof);
}

/* --- sleeping --- */

/* The guest reads its ports as at `ns`, to which the thread has slept. It is a few instructions before the
 * reads. */
static void read_as_at(struct vmm *vmm, u64 ns, const struct wait_proof *proof)
{
    u64 accesses = vmm->machine.accesses;
    clock_hold(&vmm->machine.clock, ns);
    vmm->interp.allow_devices = true;
    for (u32 i = 0; i < proof->steps && vmm->machine.accesses - accesses < proof->n_ports; i++)
        if (interp_step(&vmm->interp, &vmm->cpu) != INTERP_DONE || vmm->cpu.halted)
            break;
    clock_release(&vmm->machine.clock);
}

/* Rounds of a loop that counts them which may go by unseen. */
static u64 rounds_left(const struct vmm *vmm, const struct wait_proof *proof)
{
    enum { LAST_ROUNDS = 4 }; /* the guest has to do itself */
    u64 left = wait_count_left(&proof->count, vmm->cpu.reg[proof->count.reg]);
    return left > LAST_ROUNDS ? left - LAST_ROUNDS : 0;
}

static u64 longest_ns(const struct vmm *vmm, const struct wait_proof *proof)
{
    return vmm->poll->counting ? MIN(rounds_left(vmm, proof) * READ_NS, MAX_SLEEP_NS) : MAX_SLEEP_NS;
}

/* A loop that counts its rounds has done as many as it would have while the thread slept. */
static void count_rounds(struct vmm *vmm, const struct wait_proof *proof, u64 slept_ns)
{
    const struct wait_count *count = &proof->count;
    if (!vmm->poll->counting)
        return;
    u64 rounds = MIN(slept_ns / READ_NS, rounds_left(vmm, proof));
    u32 *reg = &vmm->cpu.reg[count->reg];
    u32 value = count->step > 0 ? *reg + (u32)rounds : *reg - (u32)rounds;
    *reg = count->size == 2 ? (*reg & 0xffff0000) | (value & 0xffff) : value;
}

static void sleep_to(struct vmm *vmm, const struct wait_proof *proof, u64 now_ns, u64 deadline_ns,
                     bool answers)
{
    struct clock *clock = &vmm->machine.clock;
    vmm->stats->polls++;
    vmm->stats->sleeps++;
    vmm_sleep_until(vmm, deadline_ns);
    u64 woken_ns = MAX(host_monotonic_ns() - clock->origin_ns, now_ns);
    count_rounds(vmm, proof, MIN(woken_ns, deadline_ns) - now_ns);
    if (answers && woken_ns >= deadline_ns)
        read_as_at(vmm, deadline_ns, proof);
    else
        clock_run_due(clock);
}

/* The guest does nothing but wait for another answer. If that is near it had better go on; what meets with
 * that again and again is looked at less often. */
static void sleep_and_go_on(struct vmm *vmm, const struct wait_proof *proof)
{
    struct vmm_poll *poll = vmm->poll;
    const struct clock *clock = &vmm->machine.clock;
    u64 now_ns = clock_now(&vmm->machine.clock);
    u64 answer_ns = poll->same ? poll->same_until_ns : poll->until_ns;
    u64 deadline_ns = MIN(MIN(answer_ns, clock->next_deadline_ns), now_ns + longest_ns(vmm, proof));
    if (deadline_ns < now_ns + MIN_SLEEP_NS) {
        u32 reads = deadline_ns > now_ns ? (u32)(deadline_ns - now_ns) / READ_NS : 0;
        poll->gap = MIN(2 * poll->gap, (u32)MAX_GAP);
        poll->left = MAX(reads, poll->gap);
        return;
    }
    poll->left = poll->gap = FIRST_GAP;
    if (!proof->interruptible || !vmm->machine.intr)
        sleep_to(vmm, proof, now_ns, deadline_ns, deadline_ns == answer_ns);
}

static bool can_be_proved(const struct vmm *vmm)
{
    return vmm->cpu_current && !vmm->cpu.halted && !vmm_interrupt_deliverable(vmm) &&
           cpu_mode_supported(&vmm->cpu) && !(vmm->cpu.eflags & FLAG_TF);
}

static bool polls(struct vmm *vmm, struct wait_proof *proof)
{
    struct look *look = &vmm->poll->look;
    linear_t at = cpu_rip_linear(&vmm->cpu);
    if (!can_be_proved(vmm) || !look_begin(look, at))
        return false;
    memory_shadow_follow(&vmm->poll->shadow);
    bool waits = prove(vmm, MIN(STEPS_PER_PERIOD * look_period(look, at), (u32)MAX_STEPS), proof);
    look_end(look, at, waits);
    return waits;
}

void vmm_check_poll(struct vmm *vmm)
{
    struct vmm_poll *poll = vmm->poll;
    int attention = ATTENTION_POLL;
    __atomic_compare_exchange_n(&vmm->attention, &attention, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    if (!poll->found)
        return;
    poll->found = false;
    struct wait_proof proof;
    if (polls(vmm, &proof))
        sleep_and_go_on(vmm, &proof);
    else
        poll->left = poll->gap = MIN(2 * poll->gap, (u32)MAX_GAP);
}

/* --- life --- */

static void drop(void *opaque, u32 page)
{
    struct vmm_poll *poll = opaque;
    memory_shadow_drop(&poll->shadow, page);
}

_Static_assert((int)WAIT_OTHERS >= (int)MEMORY_OTHERS_MAX, "a page has more addresses than are asked for");

static u32 others(void *opaque, u32 page, u32 other[WAIT_OTHERS])
{
    const struct vmm_poll *poll = opaque;
    return memory_others(poll->shadow.mem, page, other);
}

int vmm_poll_create(struct vmm *vmm)
{
    if (vmm->machine.clock.mode != CLOCK_MODE_HOST || vmm->config->check)
        return 0;
    struct vmm_poll *poll = vmm->poll = calloc(1, sizeof *poll);
    if (!poll)
        return -ENOMEM;
    poll->vmm = vmm;
    poll->left = poll->gap = FIRST_GAP;
    int rc = memory_shadow_init(&poll->shadow, &vmm->machine.memory);
    if (rc)
        return rc;
    struct wait_config config = {
        .env = &vmm->env, .view = poll->shadow.view, .drop = drop, .others = others, .ask = ask, .opaque = poll};
    return wait_create(&poll->wait, &config);
}

void vmm_poll_destroy(struct vmm *vmm)
{
    if (!vmm->poll)
        return;
    wait_destroy(vmm->poll->wait);
    memory_shadow_fini(&vmm->poll->shadow);
    free(vmm->poll);
}
