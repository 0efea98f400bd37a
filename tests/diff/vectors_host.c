/* Clusters of one instruction. cluster_form() makes none that lead to no exit, and goes on behind the
 * instruction: here the run must end there, so the cluster is put together from the same parts. */
#include "vectors_host.h"

#include "cluster/interp_impl.h"

#include <stdlib.h>
#include <string.h>

int host_insn_open(struct host_insn *h, struct interp *interp)
{
    static const struct jit_config config = {0};
    h->interp = interp;
    int rc = jit_create(&h->jit, interp, &config);
    if (!rc)
        h->backend = cluster_backend_host(h->jit);
    return rc;
}

void host_insn_close(struct host_insn *h)
{
    jit_destroy(h->jit);
}

static bool decode(const struct host_insn *h, const struct cpu_state *cpu, struct insn *insn)
{
    const struct cpu_segment *cs = &cpu->sreg[CPU_CS];
    u8 bytes[INSN_MAX_BYTES];
    u32 n = 0;
    for (linear_t at = cpu_rip_linear(cpu); n < sizeof bytes && cpu->eip + n <= cs->limit; at++, n++) {
        if (!mem_readable(h->interp->env, at))
            break;
        bytes[n] = h->interp->env->view[at];
    }
    return insn_decode(insn, bytes, n, cpu->eip, cs->db) && insn->class != INSN_UNSUPPORTED;
}

static void fill(struct cluster *c, const struct insn *insn, const struct cpu_state *cpu)
{
    bool relative = insn->flow == FLOW_BRANCH || insn->flow == FLOW_JUMP || insn->flow == FLOW_CALL;
    struct cluster_insn *only = &c->insn[0];
    c->key.where = (struct cpu_where){.eip = cpu->eip,
                                      .cs_base = cpu->sreg[CPU_CS].base,
                                      .mode = cpu_mode_bits(cpu->cr0, cpu->eflags, cpu->sreg[CPU_CS].db,
                                                            cpu->sreg[CPU_SS].db, cpu->sreg[CPU_SS].dpl)};
    c->key.position = POSITION_AFTER;
    c->formed = 1;
    c->n = 1;
    c->code_first = cpu_rip_linear(cpu);
    c->code_last = c->scan_last = c->code_first + insn->length - 1;
    c->eip_last = cpu->eip + insn->length - 1;
    only->eip = cpu->eip;
    only->next_eip = cpu->eip + insn->length;
    only->target_eip = relative ? insn->target : only->next_eip;
    only->next = only->target = CLUSTER_NO_INSN;
    only->exiting = insn->class == INSN_STRONG;
}

/* Its bytes, in one stretch. */
static bool keep_code(struct cluster *c, const struct insn *insn)
{
    c->code = calloc(1, sizeof *c->code);
    c->bytes = malloc(insn->length);
    if (!c->code || !c->bytes)
        return false;
    c->n_code = 1;
    c->code[0] = (struct cluster_code){.first = c->code_first, .bytes = insn->length};
    memcpy(c->bytes, insn->bytes, insn->length);
    return true;
}

struct cluster *host_insn_form(const struct host_insn *h, const struct cpu_state *cpu)
{
    struct insn insn;
    if (!decode(h, cpu, &insn))
        return NULL;
    struct cluster *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->insn = calloc(1, sizeof *c->insn);
    if (c->insn) {
        fill(c, &insn, cpu);
        if (steps_lower(&c->insn[0].steps, &insn) && keep_code(c, &insn))
            return c;
    }
    cluster_free(c);
    return NULL;
}

void host_insn_free(struct host_insn *h, struct cluster *cluster)
{
    h->backend.discard(h->backend.opaque, cluster);
    cluster_free(cluster);
}

enum interp_result host_insn_run(struct host_insn *h, struct cluster *cluster, struct cpu_state *cpu)
{
    struct cluster_stats stats = {0};
    u32 eip = cpu->eip;
    enum cluster_leave leave = h->backend.run(h->backend.opaque, cluster, 0, cpu, &stats);
    switch (leave) {
    case LEAVE_fault:
        return INTERP_FAULT;
    case LEAVE_unsupported:
        return INTERP_UNSUPPORTED;
    case LEAVE_self_modified: /* a REP may have got to its own bytes before its end */
        return cluster->insn[0].steps.flow == FLOW_NEXT && cpu->eip == eip ? INTERP_AGAIN : INTERP_DONE;
    default:
        return INTERP_DONE;
    }
}
