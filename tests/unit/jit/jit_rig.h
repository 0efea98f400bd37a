/* A world for host code: real guest memory, ports and display memory that count, and the executor. */
#ifndef HUDDLE_TESTS_JIT_RIG_H
#define HUDDLE_TESTS_JIT_RIG_H

#include "jit/jit.h"
#include "machine/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { RIG_CODE = 0x1000, RIG_DATA = 0x5000, RIG_STACK = 0x8000, RIG_VGA = 0xa0000, PORT_EXIT = 0xf4 };

struct jit_rig {
    struct memory mem;
    struct cluster_env env;
    struct interp interp;
    struct jit *jit;
    struct cluster_backend backend;
    struct cpu_state cpu;
    struct cluster_stats stats;
    bool intr;
    volatile int attention;
    u32 requests;
    u32 port_accesses, mmio_accesses;
};

int jit_setup(void **state);
int jit_teardown(void **state);
#define JIT_TEST(test) cmocka_unit_test_setup_teardown(test, jit_setup, jit_teardown)

/* Another executor for the rig. */
void jit_configure(struct jit_rig *rig, const struct jit_config *config);

/* The cluster of this code at RIG_CODE; instructions whose bit is set in `exiting` have exited before. An unsupported
 * instruction behind the code ends it. */
struct cluster *jit_form(struct jit_rig *rig, const u8 *code, u32 bytes, u32 exiting);
enum cluster_leave jit_run(struct jit_rig *rig, struct cluster *cluster);
void jit_free(struct jit_rig *rig, struct cluster *cluster);

int test_code_buffer(void);
int test_emit(void);
int test_fault(void);
int test_golden(void);
int test_loop(void);
int test_poll(void);
int test_run(void);

#endif
