/* All states of a guest that polls. A node is a state in which it stands at a read of a port; from there an
 * edge for each answer leads to the node in which it stands at the next read. Of memory a state has the lines
 * that were stored to since the proof began. It is complete when no edge leads to a new node. */
#include "cluster/wait.h"

#include "cluster/interp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_NODES = 32,
    MAX_LINES = 16,
    LINE_BYTES = 16,
    PAGE_SHIFT = 12,
    PAGE_BYTES = 1 << PAGE_SHIFT,
};

struct node {
    struct cpu_state cpu;
    u32 tainted; /* wait_count.tainted here */
    u32 n_lines; /* the lines known when it was found; the others were as in the guest's memory */
    u8 line[MAX_LINES][LINE_BYTES];
};

struct line {
    u32 at;
    u8 before[LINE_BYTES]; /* what the guest's memory has there */
};

struct wait {
    struct wait_config config;
    struct cluster_env env;
    struct interp interp;
    struct cpu_state cpu;

    struct wait_proof *proof;
    u32 steps_left;
    bool counting;
    struct line line[MAX_LINES];
    u32 n_lines;
    struct node node[MAX_NODES];
    u32 n_nodes;

    /* The read in hand. */
    u32 choice;   /* which of its values it gets */
    u32 n_values; /* that it could get */
    bool foul;    /* it was no such read */

    /* What the interpreter looks at for reasons to stop. */
    bool intr;
    volatile int attention;
    u32 requests;
};

/* --- the world --- */

static const struct wait_port *find_port(struct wait *w, u16 number)
{
    struct wait_proof *proof = w->proof;
    for (u32 i = 0; i < proof->n_ports; i++)
        if (proof->port[i].port == number)
            return &proof->port[i];
    if (proof->n_ports == WAIT_PORTS)
        return NULL;
    struct wait_port *port = &proof->port[proof->n_ports];
    *port = (struct wait_port){.port = number};
    if (!w->config.ask(w->config.opaque, port))
        return NULL;
    proof->n_ports++;
    return port;
}

static u32 port_in(void *opaque, u16 number, u8 size)
{
    struct wait *w = opaque;
    const struct wait_port *port = size == 1 ? find_port(w, number) : NULL;
    if (!port || w->n_values) { /* INS reads more than once */
        w->foul = true;
        return 0;
    }
    w->n_values = port->n;
    return port->value[w->choice];
}

static void port_out(void *opaque, u16 number, u8 size, u32 value)
{
    struct wait *w = opaque;
    (void)number, (void)size, (void)value;
    w->foul = true;
}

static u32 mmio_read(void *opaque, u32 gpa, u8 size)
{
    struct wait *w = opaque;
    (void)gpa, (void)size;
    w->foul = true;
    return 0;
}

static void mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct wait *w = opaque;
    (void)gpa, (void)size, (void)value;
    w->foul = true;
}

static void cpuid(void *opaque, u32 leaf, u32 subleaf, u32 out[4])
{
    const struct cluster_env *env = ((struct wait *)opaque)->config.env;
    env->cpuid(env->opaque, leaf, subleaf, out);
}

/* --- memory --- */

static void drop_pages(const struct wait *w, u32 first, u32 last)
{
    for (u64 page = first >> PAGE_SHIFT; page <= last >> PAGE_SHIFT; page++)
        if (w->env.page_kind[page] == ENV_PAGE_RAM)
            w->config.drop(w->config.opaque, (u32)(page << PAGE_SHIFT));
}

/* Makes memory the guest's again. */
static void drop_stores(const struct wait *w)
{
    for (u32 i = 0; i < w->n_lines; i++) {
        u32 page = w->line[i].at >> PAGE_SHIFT, known = 0;
        while (w->line[known].at >> PAGE_SHIFT != page)
            known++;
        if (known == i)
            drop_pages(w, w->line[i].at, w->line[i].at);
    }
}

static bool add_line(struct wait *w, u32 at)
{
    for (u32 i = 0; i < w->n_lines; i++)
        if (w->line[i].at == at)
            return true;
    if (w->n_lines == MAX_LINES || w->env.page_kind[at >> PAGE_SHIFT] != ENV_PAGE_RAM)
        return false;
    struct line *line = &w->line[w->n_lines++];
    line->at = at;
    memcpy(line->before, w->config.env->view + at, LINE_BYTES);
    return true;
}

/* Makes a store to the line at `at` seen at the other addresses of its page. LIMIT: not within an instruction. */
static bool store_at_others(struct wait *w, u32 at)
{
    u32 other[WAIT_OTHERS], offset = at & (PAGE_BYTES - 1);
    u32 n = w->config.others ? w->config.others(w->config.opaque, at - offset, other) : 0;
    for (u32 i = 0; i < n; i++) {
        if (!add_line(w, other[i] + offset))
            return false;
        memcpy(w->config.view + other[i] + offset, w->config.view + at, LINE_BYTES);
    }
    return true;
}

static bool note_store(struct wait *w, const struct interp_store *store)
{
    for (u64 at = store->first & ~(LINE_BYTES - 1u); at <= store->last; at += LINE_BYTES)
        if (!add_line(w, (u32)at) || !store_at_others(w, (u32)at))
            return false;
    return true;
}

/* Notes the lines that the last instruction stored to. False: too many. */
static bool note_stores(struct wait *w)
{
    const struct interp *in = &w->interp;
    bool noted = true;
    for (u32 i = 0; i < in->n_stores; i++)
        noted &= note_store(w, &in->store[i]);
    for (u32 i = 0; !noted && i < in->n_stores; i++)
        drop_pages(w, in->store[i].first, in->store[i].last);
    return noted;
}

static const u8 *line_of(const struct wait *w, const struct node *node, u32 i)
{
    return i < node->n_lines ? node->line[i] : w->line[i].before;
}

/* --- running --- */

static bool is_ordinary(const struct wait *w)
{
    return !w->interp.x87 && !w->cpu.halted && cpu_mode_supported(&w->cpu) && !(w->cpu.eflags & FLAG_TF);
}

/* A string that reads a device goes on to its end, however long it is. */
static bool is_repeated(const struct steps *steps)
{
    return steps->count && steps->step[0].kind == STEP_STRING && steps->step[0].repeat != REPEAT_NO;
}

static enum interp_result step(struct wait *w, bool allow_devices)
{
    const struct steps *steps;
    w->interp.allow_devices = allow_devices;
    w->proof->interruptible |= (w->cpu.eflags & FLAG_IF) != 0;
    w->proof->steps++;
    enum interp_result result = interp_fetch(&w->interp, &w->cpu, &steps);
    if (result == INTERP_DONE && allow_devices && is_repeated(steps))
        return INTERP_UNSUPPORTED;
    if (result == INTERP_DONE)
        result = interp_exec(&w->interp, &w->cpu, steps);
    if (result == INTERP_DONE)
        wait_count_note(&w->proof->count, steps);
    return result;
}

/* To where a device access is next. False: it is not reached in an ordinary way. */
static bool run_to_access(struct wait *w)
{
    while (w->steps_left--) {
        enum interp_result result = step(w, false);
        if (result == INTERP_DEVICE)
            return true;
        if (!note_stores(w) || result != INTERP_DONE || !is_ordinary(w))
            return false;
    }
    return false;
}

/* Executes the access that is next if it is a read of a port, giving it value number `choice`. */
static bool read_port(struct wait *w, u32 choice)
{
    w->choice = choice;
    w->n_values = 0;
    w->foul = false;
    bool done = step(w, true) == INTERP_DONE;
    return note_stores(w) && done && !w->foul && w->n_values && is_ordinary(w);
}

/* --- the graph --- */

/* The same registers and flags, but for what the count is in? */
static bool is_same_cpu(const struct wait *w, const struct node *node)
{
    const struct wait_count *count = &w->proof->count;
    if (!w->counting || !count->found)
        return !memcmp(&node->cpu, &w->cpu, sizeof w->cpu);
    struct cpu_state cpu;
    memcpy(&cpu, &w->cpu, sizeof cpu);
    cpu.reg[count->reg] = node->cpu.reg[count->reg];
    cpu.eflags ^= (cpu.eflags ^ node->cpu.eflags) & count->tainted;
    return node->tainted == count->tainted && !memcmp(&node->cpu, &cpu, sizeof cpu);
}

static bool is_here(const struct wait *w, const struct node *node)
{
    if (!is_same_cpu(w, node))
        return false;
    for (u32 i = 0; i < w->n_lines; i++)
        if (memcmp(line_of(w, node, i), w->config.view + w->line[i].at, LINE_BYTES))
            return false;
    return true;
}

/* The state at hand becomes a node if it is none. False: too many. */
static bool note_node(struct wait *w)
{
    for (u32 i = 0; i < w->n_nodes; i++)
        if (is_here(w, &w->node[i]))
            return true;
    if (w->n_nodes == MAX_NODES)
        return false;
    struct node *node = &w->node[w->n_nodes++];
    memcpy(&node->cpu, &w->cpu, sizeof w->cpu);
    node->tainted = w->proof->count.tainted;
    node->n_lines = w->n_lines;
    for (u32 i = 0; i < w->n_lines; i++)
        memcpy(node->line[i], w->config.view + w->line[i].at, LINE_BYTES);
    return true;
}

static void go_to(struct wait *w, const struct node *node)
{
    memcpy(&w->cpu, &node->cpu, sizeof w->cpu);
    w->proof->count.tainted = node->tainted;
    for (u32 i = 0; i < w->n_lines; i++)
        memcpy(w->config.view + w->line[i].at, line_of(w, node, i), LINE_BYTES);
}

/* Follows all edges from node `i`. */
static bool expand(struct wait *w, u32 i)
{
    u32 choice = 0, choices = 1;
    for (; choice < choices; choice++) {
        u32 times = w->proof->count.times;
        go_to(w, &w->node[i]);
        if (!read_port(w, choice))
            return false;
        choices = w->n_values;
        if (!run_to_access(w) || !note_node(w) || (w->counting && w->proof->count.times != times + 1))
            return false;
    }
    return true;
}

/* Does nothing but the count depend on the count? */
static bool is_mere_count(const struct wait_count *count)
{
    return !count->foul && !(count->used & BIT(count->reg));
}

bool wait_prove(struct wait *w, const struct cpu_state *cpu, u32 max_steps, bool counting,
                struct wait_proof *proof)
{
    *proof = (struct wait_proof){0};
    w->proof = proof;
    w->steps_left = max_steps;
    w->counting = counting;
    w->n_lines = w->n_nodes = 0;
    memcpy(&w->cpu, cpu, sizeof w->cpu);
    bool waits = run_to_access(w) && note_node(w);
    for (u32 i = 0; waits && i < w->n_nodes; i++)
        waits = expand(w, i);
    drop_stores(w);
    return waits && (!counting || is_mere_count(&proof->count));
}

/* --- life --- */

int wait_create(struct wait **wait, const struct wait_config *config)
{
    struct wait *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;
    const struct cluster_env *real = config->env;
    w->config = *config;
    w->env = (struct cluster_env){
        .opaque = w,
        .view = config->view,
        .page_kind = real->page_kind,
        .port_in = port_in,
        .port_out = port_out,
        .mmio_read = mmio_read,
        .mmio_write = mmio_write,
        .cpuid = cpuid,
        .push_sreg_whole = real->push_sreg_whole,
        .intr = &w->intr,
        .attention = &w->attention,
        .requests = &w->requests,
        .generation = real->generation,
    };
    int rc = interp_init(&w->interp, &w->env);
    if (rc) {
        free(w);
        return rc;
    }
    w->interp.like_kvm = true;
    w->attention = 1; /* long strings stop on the way: no wait needs them */
    *wait = w;
    return 0;
}

void wait_destroy(struct wait *wait)
{
    if (!wait)
        return;
    interp_fini(&wait->interp);
    free(wait);
}
