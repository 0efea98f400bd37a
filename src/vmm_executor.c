/* What executes clusters: the step interpreter, or host code made from their steps. */
#include "vmm_internal.h"

#include "jit/jit.h"

static void guard_page(void *opaque, u32 page)
{
    memory_guard(opaque, page);
}

int vmm_code_map_create(struct vmm *vmm)
{
    int rc = code_map_init(&vmm->code_map);
    if (rc)
        return rc;
    if (vmm->config->exec.executor == EXECUTOR_HOST) {
        vmm->code_map.guard = guard_page;
        vmm->code_map.opaque = &vmm->machine.memory;
    }
    vmm->env.code_map = &vmm->code_map;
    vmm->env.guarded = vmm->machine.memory.guarded;
    return 0;
}

static int create_host(struct vmm *vmm)
{
    const struct executor_config *exec = &vmm->config->exec;
    const struct jit_config config = {
        .chain = vmm->config->check ? JIT_CHAIN_ENGINE : JIT_CHAIN_ON,
        .counts_idle = vmm_horizon(vmm) != HORIZON_INF,
        .code_bytes = exec->code_bytes,
        .flush_each_run = exec->flush_each_run,
        .slow_memory = exec->slow_memory,
        .slow_threshold = exec->slow_threshold,
    };
    int rc = jit_create(&vmm->jit, vmm_check_interp(vmm), &config);
    if (rc)
        return rc;
    if (vmm->machine.clock.mode == CLOCK_MODE_HOST && !vmm->config->check)
        vmm->machine.clock.pulse = &vmm->pulse;
    jit_set_perf_map(vmm->jit, exec->perf_map_fd);
    vmm->executor = cluster_backend_host(vmm->jit);
    return 0;
}

int vmm_executor_create(struct vmm *vmm)
{
    if (vmm->config->exec.executor == EXECUTOR_HOST)
        return create_host(vmm);
    vmm->executor = cluster_backend_interp(vmm_check_interp(vmm));
    return 0;
}

void vmm_executor_destroy(struct vmm *vmm)
{
    jit_destroy(vmm->jit);
}

void vmm_executor_stats(struct vmm *vmm)
{
    struct run_stats *s = vmm->stats;
    struct jit_stats jit;
    snprintf(s->executor, sizeof s->executor, "%s", vmm->executor.name);
    if (!vmm->jit)
        return;
    jit_stats(vmm->jit, &jit);
    s->translation = (struct run_translation){
        .translations = jit.translations,
        .instructions = jit.instructions,
        .code_bytes = jit.code_bytes,
        .host_ns = vmm_tsc_to_ns(vmm, jit.translate_cycles),
        .flushes = jit.flushes,
        .faults = jit.faults,
        .recompiled = jit.recompiled,
        .interpreted = jit.interpreted,
        .failed = jit.failed,
    };
}
