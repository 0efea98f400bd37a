/* --check: glue between the checking executor and the machine's memory. */
#include "vmm_internal.h"

#include "cluster/check.h"

#include <errno.h>
#include <stdlib.h>

enum { DIFFERENCE_STATUS = 70 };

struct vmm_check {
    struct memory_shadow shadow;
    struct check *check;
};

static bool follow(void *opaque)
{
    struct memory_shadow *shadow = opaque;
    memory_shadow_follow(shadow);
    return memory_has_aliases(shadow->mem);
}

_Static_assert((int)CHECK_OTHERS_MAX >= (int)MEMORY_OTHERS_MAX, "a page has more addresses than are asked for");

static u32 others(void *opaque, u32 page, u32 other[CHECK_OTHERS_MAX])
{
    const struct memory_shadow *shadow = opaque;
    return memory_others(shadow->mem, page, other);
}

static void drop(void *opaque, u32 page)
{
    memory_shadow_drop(opaque, page);
}

static void before_bus_access(void *opaque)
{
    check_before_bus_access(opaque);
}

static void on_difference(void *opaque, const char *what)
{
    vmm_end(opaque, RUN_END_CHECK, DIFFERENCE_STATUS, "the executors of clusters differ: %s", what);
}

int vmm_check_create(struct vmm *vmm)
{
    if (!vmm->config->check)
        return 0;
    struct memory *mem = &vmm->machine.memory;
    struct vmm_check *c = vmm->check = calloc(1, sizeof *c);
    int rc = c ? memory_shadow_init(&c->shadow, mem) : -ENOMEM;
    if (rc)
        return rc;
    struct check_config config = {
        .env = &vmm->env,
        .view = {.opaque = &c->shadow, .view = c->shadow.view,
                 .follow = follow, .others = others, .drop = drop},
        .like_kvm = vmm->interp.like_kvm,
        .report = stderr,
        .on_difference = on_difference,
        .opaque = vmm,
    };
    rc = check_create(&c->check, &config);
    if (rc)
        return rc;
    mem->before_bus_access = before_bus_access;
    mem->before_bus_access_opaque = c->check;
    return 0;
}

void vmm_check_destroy(struct vmm *vmm)
{
    if (!vmm->check)
        return;
    vmm->machine.memory.before_bus_access = NULL;
    check_destroy(vmm->check->check);
    memory_shadow_fini(&vmm->check->shadow);
    free(vmm->check);
}

struct interp *vmm_check_interp(struct vmm *vmm)
{
    return vmm->check ? check_interp(vmm->check->check) : &vmm->interp;
}

void vmm_check_wrap(struct vmm *vmm)
{
    if (vmm->check)
        vmm->executor = cluster_backend_check(vmm->check->check, &vmm->executor);
}

void vmm_check_stats(struct vmm *vmm)
{
    struct check_stats stats = {0};
    if (vmm->check)
        check_stats(vmm->check->check, &stats);
    vmm->stats->check = (struct run_check){
        .on = vmm->check != NULL,
        .compared = stats.compared,
        .not_comparable = stats.not_comparable,
        .differences = stats.differences,
    };
}
