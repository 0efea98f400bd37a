/* What STEP_HELPER runs: one function per enum step_helper. */
#ifndef HUDDLE_CLUSTER_INTERP_HELPER_H
#define HUDDLE_CLUSTER_INTERP_HELPER_H

#include "cluster/interp_impl.h"

typedef enum interp_result helper_fn(struct exec *x, const struct step *step);

/* interp_system.c */
helper_fn helper_lgdt, helper_lidt, helper_sgdt, helper_sidt, helper_lmsw, helper_smsw, helper_clts,
    helper_mov_from_cr, helper_mov_to_cr, helper_lldt, helper_sldt, helper_ltr, helper_str, helper_lar, helper_lsl,
    helper_verr, helper_verw, helper_arpl, helper_cpuid;

/* x87.c */
helper_fn helper_fwait, helper_x87;

#endif
