/* One guest, run from power-on to its end. */
#ifndef HUDDLE_VMM_H
#define HUDDLE_VMM_H

#include "machine/machine.h"
#include "report/run_stats.h"

#include <stdio.h>

enum cluster_level { CLUSTER_OFF, CLUSTER_PAIRS, CLUSTER_WINDOW, CLUSTER_ON };

/* What executes clusters: the step interpreter, or host code made from their steps. */
enum executor { EXECUTOR_INTERP, EXECUTOR_HOST };

#define CLUSTER_WINDOW_DEFAULT 16
#define CLUSTER_WINDOW_MAX     256 /* 1: no cluster is ever formed */

struct script; /* script.h */
struct display; /* ui/display.h */
struct control; /* control/control.h */
struct dos_config; /* dos/dos.h */
struct cluster_engine;
struct cluster_backend;

/* Zero-initialised fields are the defaults. */
struct executor_config {
    enum executor executor;
    u32 form_at; /* exits at one place at which a cluster is formed */
    /* EXECUTOR_HOST: see struct jit_config. */
    u32 code_bytes;
    bool flush_each_run, slow_memory;
    u32 slow_threshold;
    int perf_map_fd; /* -1: none */
};

/* What a triple fault is: a reset if the guest has left a sign that it wants one, and else a crash; always the one; always
 * the other. */
enum triple_fault { TRIPLE_FAULT_AUTO, TRIPLE_FAULT_RESET, TRIPLE_FAULT_CRASH };

struct run_config {
    struct machine_config machine;
    const u8 *bios; /* system firmware image */
    u32 bios_bytes;

    enum cluster_level level;
    u32 window;               /* instructions, 1..CLUSTER_WINDOW_MAX */
    struct executor_config exec;
    u64 horizon;              /* CLUSTER_ON: instructions without a device access after which KVM has the guest; or: */
#define HORIZON_AUTO 0
#define HORIZON_INF  UINT64_MAX
#define HORIZON_MIN  500
#define HORIZON_TRANSLATED_PS 700 /* what a translated instruction takes, as long as nothing was measured */
    enum triple_fault triple_fault;
    bool check;               /* execute clusters twice and compare */
    bool explain;             /* fill stats->explain */
    const char *post_cache;   /* with `dos`: where the state after the firmware's self-test is kept; NULL = nowhere */
    const struct dos_config *dos; /* the built-in DOS; NULL: none. machine.boot_rom must be its ROM */

    u64 timeout_ns;           /* host time; 0 = none */
    u64 frames;               /* stop after that many vertical retraces; 0 = none */
    const char *until_text;   /* NULL = none */
    struct script *script;    /* NULL = none */
    struct display *display;  /* open; NULL = none */
    struct control *control;  /* open; NULL = none */
    const char *load_state;   /* loaded before the guest begins; NULL = none */
    const char *save_state;   /* written at the end; NULL = none */
    const char *screenshot;   /* PNG written at the end; NULL = none */
    int trace_fd;             /* access stream records go here; -1 = hash only */
    int ram_fd;               /* guest RAM is copied there at the end; -1 = hash only */
    bool timeline;            /* access clock: keep one (struct run_timeline) */
    int picture_fd;           /* the last picture goes there as PNG; 0 = not wanted */
    int text_fd;              /* the last text screen, UTF-8, nothing in graphics modes; 0 = not wanted */
    bool print_text_at_end;   /* --until-text found: print the text screen */

    /* Called at the end of the run while its clusters are still there, the statistics filled; NULL = not wanted. */
    void (*at_end)(void *opaque, const struct cluster_engine *engine, const struct cluster_backend *backend);
    void *at_end_opaque;
};

/* The horizon from the costs of an exit, and of an instruction in KVM and translated, in picoseconds; see vmm_horizon.c. */
static inline u64 horizon_of_costs(u64 exit_ps, u64 guest_ps, u64 translated_ps)
{
    if (translated_ps <= guest_ps)
        return HORIZON_INF;
    u64 horizon = exit_ps / (translated_ps - guest_ps);
    return horizon > HORIZON_MIN ? horizon : HORIZON_MIN;
}

/* XXH3 of everything that decides what the firmware leaves behind when it starts an operating system: the firmware and the
 * configuration, huddle's version included. 0: no memory to tell. */
u64 vmm_state_key(const struct run_config *config);

/* Runs the guest. Fills `stats` whatever happened. Returns 0, or -errno if the machine could not be started at all
 * (logged; stats->status is then 71). The process status to end with is stats->status. Installs handlers for
 * SIGINT and SIGTERM during the run. */
int vmm_run(const struct run_config *config, struct run_stats *stats);

#endif
