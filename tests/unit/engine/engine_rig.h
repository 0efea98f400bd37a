/* A fake world for tests of the cluster engine: the interpreter's (tests/unit/cluster/rig.h) with an engine over it, a
 * second interpreter that stands in for KVM, and a hook into every device access. */
#ifndef HUDDLE_TESTS_ENGINE_RIG_H
#define HUDDLE_TESTS_ENGINE_RIG_H

#include "../cluster/rig.h"
#include "cluster/code_map.h"
#include "cluster/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ENGINE_WINDOW 16

struct engine_rig {
    struct rig *rig;
    struct cpu_state *cpu;  /* = &rig->cpu */
    struct cluster_env env; /* the rig's, with the hook behind each access */
    struct interp interp;   /* executes clusters */
    struct interp kvm;      /* executes what a cluster does not */
    struct cluster_engine *engine;
    u32 backend_fails;      /* so many translations fail before one succeeds */
    u32 discarded;          /* clusters the engine gave back */
    struct code_map code_map; /* of engine_use_regions */
    bool regions, goes_on;

    /* Called after device access number `n` (from 1); may be NULL. */
    void (*hook)(struct engine_rig *er, u32 n);
    u32 stop_at; /* for hooks */
    u32 accesses;
    char last_kind; /* of the last access, as in struct rig_access */
    u64 stream; /* hash of all accesses and interrupts, in order */

    bool out_at;   /* as on hardware backends: RIP is still at the OUT */
    u64 exits;     /* of the stand-in for KVM */
    u64 delivered; /* interrupts */
};

int engine_setup(void **state);
int engine_teardown(void **state);
#define ENGINE_TEST(test) cmocka_unit_test_setup_teardown(test, engine_setup, engine_teardown)

/* Puts code at RIG_CODE and EIP there. */
#define ENGINE_CODE(er, ...) RIG_CODE_BYTES((er)->rig, __VA_ARGS__)

/* Level on, with a map of code, as the monitor has it. */
void engine_use_regions(struct engine_rig *er);

/* Place and mode of the processor as it stands. */
struct cpu_where engine_where(const struct engine_rig *er);

/* An exit where the processor stands. */
struct cluster *engine_exit(struct engine_rig *er, enum cluster_position position);

/* Three exits where the processor stands: the third must give a cluster. */
struct cluster *engine_form(struct engine_rig *er, enum cluster_position position);

struct cluster_stats engine_stats(const struct engine_rig *er);

/* What a monitor does: runs the guest until it halts with interrupts off, counting exits and running the clusters the
 * engine gives for them (or, with regions, going on there), and delivers interrupts (vector 20h) as soon as they can be taken. The guest must
 * halt within `limit` instructions outside clusters. */
void engine_run_guest(struct engine_rig *er, u32 limit);

int test_form(void);
int test_golden(void);
int test_life(void);
int test_counts(void);
int test_leave(void);
int test_equal(void);
int test_region(void);

#endif
