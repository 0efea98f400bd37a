/* Forming a cluster: scan, classify, prune, lower. */
#include "cluster/cluster.h"

#include <stdlib.h>
#include <string.h>

/* An instruction seen by the scan. */
struct seen {
    u32 eip, next_eip, target_eip;
    s16 next, target; /* indices into the scan */
    bool exiting;
    bool leads_to_exit;
    struct steps steps;
};

struct scan {
    const struct form_request *request;
    const struct cluster_key *key;
    u32 n;
    linear_t last;
    struct seen seen[CLUSTER_MAX_INSNS];
};

static bool readable(const struct cluster_env *env, linear_t addr)
{
    u8 kind = env->page_kind[addr >> 12];
    return kind == ENV_PAGE_RAM || kind == ENV_PAGE_ROM;
}

/* Bytes that can be fetched at `linear`, up to one instruction. */
static u32 fetch(const struct cluster_env *env, linear_t linear, u8 *bytes)
{
    u32 n = 0;
    while (n < INSN_MAX_BYTES && readable(env, linear + n)) {
        bytes[n] = env->view[(linear_t)(linear + n)];
        n++;
    }
    return n;
}

static bool is_exiting(const struct scan *scan, const struct insn *insn, linear_t linear)
{
    if (insn->class == INSN_STRONG)
        return true;
    return insn->class == INSN_WEAK && heat_of(scan->request->heat, linear, insn->length) > 0;
}

/* Past the end of 4 GiB, where code goes on at the bottom. */
static bool wraps(u32 first, u32 length)
{
    return first + length - 1 < first;
}

/* Adds the instruction at `eip` if it is on the allow-list. Its index, or CLUSTER_NO_INSN. */
static s16 scan_add(struct scan *scan, u32 eip)
{
    for (u32 i = 0; i < scan->n; i++)
        if (scan->seen[i].eip == eip)
            return (s16)i;
    if (scan->n >= scan->request->window || scan->n >= CLUSTER_MAX_INSNS)
        return CLUSTER_NO_INSN;
    u8 bytes[INSN_MAX_BYTES];
    linear_t linear = scan->key->where.cs_base + eip;
    u32 avail = fetch(scan->request->env, linear, bytes);
    struct insn insn;
    if (!insn_decode(&insn, bytes, avail, eip, scan->key->where.mode & MODE_CODE32))
        return CLUSTER_NO_INSN;
    if (wraps(eip, insn.length) || wraps(linear, insn.length))
        return CLUSTER_NO_INSN;
    struct seen *seen = &scan->seen[scan->n];
    bool known = insn.class != INSN_UNSUPPORTED || (scan->request->has_been && insn.flow == FLOW_FAR);
    if (!known || !steps_lower(&seen->steps, &insn) ||
        (steps_are_x87(&seen->steps) && !scan->request->env->fpu_state)) {
        scan->request->on_stop(scan->request->on_stop_opaque, &insn);
        return CLUSTER_NO_INSN;
    }
    seen->eip = eip;
    seen->next_eip = eip + insn.length;
    bool relative = insn.flow == FLOW_BRANCH || insn.flow == FLOW_JUMP || insn.flow == FLOW_CALL;
    seen->target_eip = relative ? insn.target : seen->next_eip;
    seen->next = seen->target = CLUSTER_NO_INSN;
    seen->exiting = is_exiting(scan, &insn, linear);
    seen->leads_to_exit = seen->exiting || scan->request->has_been;
    scan->last = MAX(scan->last, linear + insn.length - 1);
    return (s16)scan->n++;
}

/* The beginning of a basic block. In a region, where the guest has not been it will hardly go. */
static s16 scan_block(struct scan *scan, u32 eip)
{
    const struct form_request *request = scan->request;
    if (request->has_been && !request->has_been(request->has_been_opaque, eip))
        return CLUSTER_NO_INSN;
    return scan_add(scan, eip);
}

static s16 scan_next(struct scan *scan, const struct seen *seen)
{
    const struct steps *steps = &seen->steps;
    switch ((enum insn_flow)steps->flow) {
    case FLOW_NEXT:
        return scan_add(scan, seen->next_eip);
    case FLOW_BRANCH:
        return scan_block(scan, seen->next_eip);
    case FLOW_CALL:
    case FLOW_INDIRECT: /* it will return there */
        if (scan->request->has_been && steps->step[steps->count - 1].kind == STEP_CALL)
            return scan_block(scan, seen->next_eip);
        return CLUSTER_NO_INSN;
    default:
        return CLUSTER_NO_INSN;
    }
}

/* Breadth first: the array is its own queue. */
static void scan_downstream(struct scan *scan)
{
    for (u32 i = 0; i < scan->n; i++) {
        u8 flow = scan->seen[i].steps.flow;
        s16 next = scan_next(scan, &scan->seen[i]);
        scan->seen[i].next = next;
        if (flow == FLOW_BRANCH || flow == FLOW_JUMP || flow == FLOW_CALL) {
            s16 target = scan_block(scan, scan->seen[i].target_eip);
            scan->seen[i].target = target;
        }
    }
}

static bool leads(const struct scan *scan, s16 i)
{
    return i != CLUSTER_NO_INSN && scan->seen[i].leads_to_exit;
}

/* Trailing instructions are those from which no exiting one can be reached. */
static void mark_leading(struct scan *scan)
{
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 i = scan->n; i-- > 0;) {
            struct seen *s = &scan->seen[i];
            if (s->leads_to_exit || !(leads(scan, s->next) || leads(scan, s->target)))
                continue;
            s->leads_to_exit = changed = true;
        }
    }
}

/* Can an exiting instruction be reached from where the cluster is entered? */
static bool worthwhile(const struct scan *scan)
{
    const struct seen *first = &scan->seen[0];
    if (scan->request->has_been)
        return true;
    if (scan->key->position == POSITION_AT)
        return leads(scan, first->next) || leads(scan, first->target);
    return first->leads_to_exit;
}

static s16 renumber(const s16 *map, s16 i)
{
    return i == CLUSTER_NO_INSN ? CLUSTER_NO_INSN : map[i];
}

static struct cluster *cluster_alloc(u32 n)
{
    struct cluster *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->insn = calloc(n, sizeof *c->insn);
    if (c->insn)
        return c;
    cluster_free(c);
    return NULL;
}

/* Copies what leads to an exit, in scan order, and renumbers the edges. */
static struct cluster *build(const struct scan *scan)
{
    s16 map[CLUSTER_MAX_INSNS];
    u32 n = 0;
    /* The instruction of the exit itself is kept: it is where the cluster is found by its address. */
    for (u32 i = 0; i < scan->n; i++)
        map[i] = i == 0 || scan->seen[i].leads_to_exit ? (s16)n++ : CLUSTER_NO_INSN;
    struct cluster *c = cluster_alloc(n);
    if (!c)
        return NULL;
    c->key = *scan->key;
    c->formed = 1;
    c->n = n;
    c->scan_last = scan->last;
    c->code_first = UINT32_MAX;
    for (u32 i = 0; i < scan->n; i++) {
        const struct seen *s = &scan->seen[i];
        if (map[i] == CLUSTER_NO_INSN)
            continue;
        c->insn[map[i]] = (struct cluster_insn){
            .eip = s->eip,
            .next_eip = s->next_eip,
            .target_eip = s->target_eip,
            .next = renumber(map, s->next),
            .target = renumber(map, s->target),
            .exiting = s->exiting,
            .steps = s->steps,
        };
        linear_t linear = c->key.where.cs_base + s->eip;
        c->code_first = MIN(c->code_first, linear);
        c->code_last = MAX(c->code_last, linear + s->steps.length - 1);
        c->eip_last = MAX(c->eip_last, s->eip + s->steps.length - 1);
    }
    if (cluster_keep_code(c, scan->request->env->code_map))
        return c;
    cluster_free(c);
    return NULL;
}

enum form_result cluster_form(const struct form_request *request, const struct cluster_key *key,
                              struct cluster **cluster)
{
    struct scan *scan = malloc(sizeof *scan);
    if (!scan)
        return FORM_UNREADABLE;
    scan->request = request;
    scan->key = key;
    scan->n = 0;
    scan->last = 0;
    enum form_result result = FORM_ALONE;
    if (scan_add(scan, key->where.eip) != CLUSTER_NO_INSN) {
        scan_downstream(scan);
        mark_leading(scan);
        if (worthwhile(scan)) {
            *cluster = build(scan);
            result = *cluster ? FORM_OK : FORM_UNREADABLE;
        }
    }
    free(scan);
    return result;
}

void cluster_free(struct cluster *cluster)
{
    if (!cluster)
        return;
    cluster_release_code(cluster);
    free(cluster->insn);
    free(cluster->code);
    free(cluster->bytes);
    free(cluster);
}

/* The instruction that is still the one that `old` was, or NULL. */
static struct cluster_insn *find_same(struct cluster *cluster, const struct cluster_insn *old)
{
    int i = cluster_find(cluster, old->eip);
    if (i == CLUSTER_NO_INSN)
        return NULL;
    const struct steps *a = &cluster->insn[i].steps, *b = &old->steps;
    return a->length == b->length && !memcmp(a->bytes, b->bytes, a->length) ? &cluster->insn[i] : NULL;
}

void cluster_inherit(struct cluster *cluster, const struct cluster *old)
{
    cluster->formed += old->formed;
    cluster->runs += old->runs;
    for (u32 i = 0; i < LEAVE_REASONS; i++)
        cluster->leave[i] += old->leave[i];
    cluster->exits_avoided_gone += old->exits_avoided_gone;
    for (u32 i = 0; i < old->n; i++) {
        struct cluster_insn *same = find_same(cluster, &old->insn[i]);
        *(same ? &same->exits_avoided : &cluster->exits_avoided_gone) += old->insn[i].exits_avoided;
    }
}

u64 cluster_exits_avoided(const struct cluster *cluster)
{
    u64 sum = cluster->exits_avoided_gone;
    for (u32 i = 0; i < cluster->n; i++)
        sum += cluster->insn[i].exits_avoided;
    return sum;
}

int cluster_find(const struct cluster *cluster, u32 eip)
{
    for (u32 i = 0; i < cluster->n; i++)
        if (cluster->insn[i].eip == eip)
            return (int)i;
    return CLUSTER_NO_INSN;
}
