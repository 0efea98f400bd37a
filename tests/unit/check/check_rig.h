/* A world in which a cluster is checked: real guest memory with its private view, devices that log, and an executor that
 * is the interpreter with one fault put in. */
#ifndef HUDDLE_TESTS_CHECK_RIG_H
#define HUDDLE_TESTS_CHECK_RIG_H

#include "cluster/check.h"
#include "cluster/x87.h"
#include "machine/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    RIG_CODE = 0x1000,
    RIG_DATA = 0x5000,
    RIG_STACK = 0x8000,
    RIG_FAR_PAGE = 0x70000, /* no register points there */
};

/* Ports that do something. */
enum {
    PORT_INTR = 0x20,      /* raises INTR */
    PORT_DMA_WRITE = 0x0b, /* a device writes AL to RIG_DATA */
    PORT_DMA_READ = 0x0c,  /* a device reads RIG_DATA */
    PORT_A20 = 0x92,       /* bit 1 */
    PORT_ATTENTION = 0x93, /* the run loop is wanted */
    PORT_EXIT = 0xf4,
};

/* What the executor does wrong. */
enum fault {
    FAULT_NONE,
    FAULT_REGISTER,
    FAULT_EIP,
    FAULT_FLAG,
    FAULT_SHADOW,
    FAULT_SEGMENT,
    FAULT_MEMORY,       /* another byte of a page stored to */
    FAULT_STACK_PAGE,   /* a store below the stack pointer, in a page that nothing was stored to */
    FAULT_FAR_PAGE,
    FAULT_ACCESS_LEFT_OUT,
    FAULT_ACCESS_ADDED,
    FAULT_ACCESS_VALUE,
    FAULT_ACCESS_ADDRESS,
    FAULT_ACCESS_SIZE,
    FAULT_ACCESS_KIND,
    FAULT_DONE_LEFT_OUT, /* a direct access is not accounted for */
    FAULT_DONE_VALUE,    /* or as another one */
    FAULT_LEAVE,
    FAULT_INSTRUCTIONS,
    FAULT_EXITS,
    FAULT_INSN_EXITS,
    FAULT_X87,
};

struct check_rig {
    struct memory mem;
    struct memory_shadow shadow;
    struct cluster_env env; /* the real devices */
    bool intr;
    volatile int attention;
    u32 requests;
    u32 accesses, reads;
    u8 dma_byte; /* what a device read */

    struct check *check;
    struct cluster_backend backend;
    struct cluster *cluster;
    struct cpu_state cpu;
    struct cluster_stats stats;

    enum fault fault;
    struct x87_image x87; /* the real state */
    bool direct; /* ports are accessed directly */
    u32 direct_accesses;
    u32 candidate_accesses;
    struct interp faulty;         /* over faulty_env, which goes on to the candidate's */
    struct cluster_env faulty_env;
    u32 candidate_runs;

    char *report;
    size_t report_bytes;
    FILE *report_file;
    u32 told;
    char what[128]; /* the last difference */
};

int check_setup(void **state);
int check_teardown(void **state);
#define CHECK_TEST(test) cmocka_unit_test_setup_teardown(test, check_setup, check_teardown)

/* Forms the cluster of this code at RIG_CODE. */
void check_code_bytes(struct check_rig *rig, const u8 *bytes, u32 size);
#define CHECK_CODE(rig, ...)                                                                                 \
    check_code_bytes(rig, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

/* Runs it from its start. */
enum cluster_leave check_run(struct check_rig *rig);

struct check_stats check_rig_stats(const struct check_rig *rig);
/* The report so far. */
const char *check_rig_report(struct check_rig *rig);

#endif
