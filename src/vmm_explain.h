/* --explain in the run loop: where a step ends and the next begins. Without --explain each of these is one
 * test that is never true. */
#ifndef HUDDLE_VMM_EXPLAIN_H
#define HUDDLE_VMM_EXPLAIN_H

#include "vmm_internal.h"

#include "explain.h"

/* vmm->config must be there. 0 or -ENOMEM. A host on which exits cannot be measured is told, and the guest
 * runs without. */
must_check int vmm_explain_create(struct vmm *vmm);
/* After the engine is gone. */
void vmm_explain_destroy(struct vmm *vmm);
/* Makes vmm->executor one that is timed. */
void vmm_explain_wrap(struct vmm *vmm);
/* Fills what vmm->stats says of it, at the end of the run. */
void vmm_explain_stats(struct vmm *vmm);

static inline bool vmm_explains(const struct vmm *vmm)
{
    return __builtin_expect(vmm->explain != NULL, false);
}

/* Only if vmm_explains; see explain.h. */
void vmm_explain_ran(struct vmm *vmm, u64 start, u64 end);
void vmm_explain_counted(struct vmm *vmm, enum exit_kind kind);
void vmm_explain_further(struct vmm *vmm);
/* The engine has been asked for a cluster: it may have formed one. */
void vmm_explain_formations(struct vmm *vmm);
void vmm_explain_span(struct vmm *vmm, enum explain_step step, u64 ticks);

/* If the exit in hand is a sample: from now on it is `step`. Returns the step until now, to go back to. */
static inline enum explain_step vmm_mark(struct vmm *vmm, enum explain_step step)
{
    if (__builtin_expect(vmm->sampled != NULL, false))
        return explain_mark(vmm->sampled, step, tsc_now());
    return step;
}

/* Something that is not part of most exits begins. Inside of it nothing is marked. */
struct vmm_span {
    struct explain *sampled;
    u64 start, spanned, runs;
};

void vmm_explain_begin_span(struct vmm *vmm, struct vmm_span *span);
void vmm_explain_end_span(struct vmm *vmm, enum explain_step step, const struct vmm_span *span);

static inline struct vmm_span vmm_span_begin(struct vmm *vmm)
{
    struct vmm_span span = {0};
    if (vmm_explains(vmm))
        vmm_explain_begin_span(vmm, &span);
    return span;
}

/* It was `step`, but for the spans that were inside of it. */
static inline void vmm_span_end(struct vmm *vmm, enum explain_step step, const struct vmm_span *span)
{
    if (vmm_explains(vmm))
        vmm_explain_end_span(vmm, step, span);
}

#endif
