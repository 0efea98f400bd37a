/* The run loop's own state, shared by vmm_*.c.
 *
 * The processor's state is in one of two places: in KVM (the shared page), or in vmm->cpu (`cpu_current`). vmm_sync
 * fetches it, finishing the instruction of the last exit first; it goes back before the next KVM_RUN. */
#ifndef HUDDLE_VMM_INTERNAL_H
#define HUDDLE_VMM_INTERNAL_H

#include "base/host.h"
#include "base/log.h"
#include "cluster/code_map.h"
#include "cluster/engine.h"
#include "cluster/interp.h"
#include "dev/devices.h"
#include "dos/dos.h"
#include "explain.h"
#include "kvm/vcpu.h"
#include "leave_point.h"
#include "machine/state.h"
#include "vmm.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#define RECENT_EXITS         32
#define DEVICE_SAMPLE_PERIOD 17 /* exits; a prime, so that loops do not beat with it */

struct recent_exit {
    linear_t rip;
    enum exit_kind kind;
    u32 addr;
    u8 size;
    u64 value;
};

/* vmm_look.c: loops by the address at which they were met, and what came of looking at them. */
struct look_site {
    linear_t at;
    bool known;
    u32 credit;        /* it has been seen to wait: looks in vain that are free */
    u32 failures;      /* those that were not */
    u64 rests_until;   /* TSC: not looked at before */
};
struct look {
    struct look_site site[64];
    u64 rests_until; /* TSC: nor any that has not been seen to wait */
    u64 begun;       /* TSC: the look that has begun */
};

#define LEAVE_POINTS 512

enum { ATTENTION_POLL = 2 }; /* vmm->attention, if vmm_check_poll is all that is wanted */

/* vmm_state.c: what a script wants saved or loaded. */
struct state_order {
    const char *path; /* NULL: nothing */
    bool load, done;
    int rc; /* if done */
};

#define STATE_PARTS 4

struct vmm_poll;    /* vmm_poll.c */
struct vmm_control; /* vmm_control.c */
struct control_avoided; /* control/control.h */
struct exit_counts; /* vmm_stats.c */
struct vmm_check;   /* vmm_check.c */
struct vmm_explain; /* vmm_explain.c */
struct jit;

struct vmm {
    const struct run_config *config;
    struct run_stats *stats;

    struct machine machine;
    struct devices devices;
    struct dos *dos; /* NULL: no built-in DOS */
    bool loads_self_test; /* the state that is being loaded is config->post_cache */
    bool post_loaded; /* the result of the firmware's self-test is not to be kept: config->post_cache has it, or the machine was reset */
    struct vm vm;
    struct vcpu vcpu;

    struct cpu_state cpu;
    bool cpu_current;   /* vmm->cpu is the truth, KVM's copy is stale */
    struct vmexit exit; /* the last one */
    bool exit_open;     /* its instruction may not be finished */

    struct cluster_env env;
    struct code_map code_map;
    struct interp interp;
    struct jit *jit; /* NULL: not the executor */
    struct cluster_backend executor;
    struct cluster_engine *engine;
    struct vmm_check *check; /* NULL: no --check */
    struct vmm_control *control; /* NULL: no --control */
    enum cluster_level level; /* in force, as the next two */
    u32 window; /* in force: 0 = clusters off */
    bool regions; /* level on */
    bool goes_on; /* if cpu_current: cluster_engine_go_on has the guest next, not KVM */
    u64 horizon;
    struct leave_point leave_points[LEAVE_POINTS];
    struct leave_point *left_at; /* KVM has the guest since left_tsc because of it; NULL: nobody asks */
    u64 left_tsc;
    u64 accesses_at_look; /* see vmm_region.c */
    u32 look_period, stretches;
    struct look look;                  /* host clock */
    struct vmm_poll *poll;             /* NULL: the guest's polling is not looked for */
    u32 stretch; /* host clock: instructions without an access after which a loop is looked at */

    u32 pulse; /* cluster_env.pulse; counts at exits from KVM, too */

    /* Kicks. The signal handler sets attention and makes KVM_RUN return. */
    volatile int attention;
    volatile struct timespec sleep_until; /* of CLOCK_MONOTONIC; the handler puts it into the past */
    volatile int signal_seen; /* SIGINT or SIGTERM */
    volatile unsigned ticks_waiting; /* access mode: ticks without an access that the run loop has not seen yet */
    linear_t kicked_at; /* where the last kick found the guest, */
    u64 kicked_run;     /* and the KVM_RUN that it ended */
    u64 accesses_at_signal;          /* access mode: when the last tick came */
    pthread_t vcpu_thread, signal_thread;
    bool signal_thread_runs;
    volatile bool signal_thread_ends;
    sigset_t old_mask;
    timer_t deadline_timer, timeout_timer;
    bool timers_created;
    u64 armed_ns;       /* virtual deadline the timer is armed for; CLOCK_NEVER: not armed */
    u64 timeout_at_ns;  /* host monotonic; 0 = none */
    u64 accesses_at_tick; /* access mode: to see whether the guest made any */
    u64 quiet_since_cpu_ns; /* access mode: processor time of this thread at the last tick that saw one */
    u64 spin_look_cpu_ns; /* access mode: not looked at before */

    struct clock_event poll_event;  /* script and --until-text, every 10 ms of virtual time */
    struct clock_event frame_event; /* --frames */
    u64 frames_done, frames_before; /* retraces: of this run; before it, or before a state was loaded */
    struct clock_event display_event; /* the display wants a turn */

    struct state_part part[STATE_PARTS];
    u32 n_parts;
    struct state_order state_order;

    bool ended;
    u32 unclaimed_lines; /* said about ports that nobody claims */
    struct exit_counts *counts;
    struct run_timeline *timeline; /* NULL: none is kept */
    u64 timeline_accesses, timeline_avoided; /* that are in it */
    struct recent_exit recent[RECENT_EXITS];
    u64 n_recent;
    u64 start_ns, start_tsc, start_cpu_ns;
    u64 tsc_kvm, tsc_devices, tsc_cluster;
    u64 tsc_regions; /* of tsc_cluster */
    u64 tsc_asleep;
    u32 since_device_sample;
    enum explain_entry entry;    /* what the next KVM_RUN has to take over */
    struct vmm_explain *explain; /* NULL: no --explain */
    struct explain *sampled;     /* the exit in hand is timed; NULL: it is not */
};

static inline u64 tsc_now(void)
{
    return __builtin_ia32_rdtsc();
}

/* vmm.c */
/* Makes vmm->cpu current, finishing the instruction of the last exit. 0 or -errno. If that raised an exception, KVM
 * delivers it at the next KVM_RUN and must keep the state until then: cpu_current stays false. */
must_check int vmm_sync(struct vmm *vmm);
/* Ends the run. The first reason stays. */
void vmm_end(struct vmm *vmm, enum run_end end, int status, const char *format, ...) printf_like(4, 5);
/* Decodes the guest instruction at offset `eip` of the current code segment; vmm->cpu must be current. False if the
 * bytes are none, or are not in RAM or ROM. */
bool vmm_decode(const struct vmm *vmm, u32 eip, struct insn *insn);
void vmm_set_level(struct vmm *vmm, enum cluster_level level);
/* Resets the machine, ends the run or calls DOS, as machine.requests say. 0 or -errno. */
must_check int vmm_service_requests(struct vmm *vmm);
/* Serves requests, or lets KVM have the guest until its next exit, whether the run has ended or not. 0 or -errno. */
must_check int vmm_go_on_a_little(struct vmm *vmm);
bool vmm_interrupt_deliverable(const struct vmm *vmm);

/* vmm_env.c: fills vmm->env; the machine and the vCPU's traits must be there. */
void vmm_env_init(struct vmm *vmm);

/* vmm_exit.c: serves vmm->exit. 0 or -errno. */
must_check int vmm_handle_exit(struct vmm *vmm);
/* Did KVM leave RIP behind the instruction of this I/O exit? Reads: no. Memory writes: yes. OUT: as the backend does
 * (struct vcpu_traits), but for OUTS and KVM's odd port 7Eh, behind which it is everywhere. */
bool vmm_exit_is_behind(const struct vmm *vmm, const struct vmexit *exit);
/* The device half of an I/O exit: also for the further exits of an instruction being completed. */
void vmm_serve(struct vmm *vmm, struct vmexit *exit);

/* vmm_horizon.c */
/* Instructions without a device access after which KVM has the guest, or HORIZON_INF; the vCPU's traits must be there. */
u64 vmm_horizon(const struct vmm *vmm);
/* A region has reached the horizon at `at`. True: KVM gets the guest; false: it goes on for another horizon. */
bool vmm_leave_for_horizon(struct vmm *vmm, linear_t at);
/* The next exit has come: what did leaving cost? */
void vmm_note_residency(struct vmm *vmm);
/* Fills what vmm->stats says of it. */
void vmm_horizon_stats(struct vmm *vmm);

/* vmm_region.c */
void vmm_set_horizon(struct vmm *vmm);
/* An exit with regions: from the third at a place on they follow it. 0 or -errno. */
must_check int vmm_enter_regions(struct vmm *vmm, const struct cpu_where *where, enum cluster_position position);
/* The guest goes on in regions, until something is to be done or KVM shall have it. 0 or -errno. */
must_check int vmm_go_on(struct vmm *vmm);

/* vmm_window.c: the VGA's window as plain memory. */
/* Allows or forbids it after the level has been set. */
void vmm_window_follow(struct vmm *vmm);
/* Fills what vmm->stats says of it. */
void vmm_window_stats(struct vmm *vmm);

/* vmm_poll.c */
/* vmm->env must be there. 0 or -errno. */
must_check int vmm_poll_create(struct vmm *vmm);
void vmm_poll_destroy(struct vmm *vmm);
/* *port has been found to be `row`, which is polled: makes its reads known. */
void vmm_watch_port(struct vmm *vmm, const struct bus_port *row, struct env_port *port);
/* A byte was read from `port`, not through a port made so. */
void vmm_watch_read(struct vmm *vmm, u16 port);
/* Attention was called for ATTENTION_POLL, perhaps also for others: the guest seems to poll. If it does nothing but that,
 * it is asleep now until it gets another answer, or an event. */
void vmm_check_poll(struct vmm *vmm);

/* vmm_interrupt.c */
/* The interrupt controllers ask. Delivers if the processor can take it now; else brings the guest to where it can.
 * 0 or -errno. */
must_check int vmm_service_interrupt(struct vmm *vmm);
/* The processor is halted: waits (host clock) or moves time on (access clock) until something happens. */
void vmm_halt(struct vmm *vmm);
/* KVM could not emulate the instruction at RIP: the interpreter executes it. 0 or -errno. */
must_check int vmm_rescue(struct vmm *vmm);
/* A kick: if the one before found the guest at the same instruction, and it is one at which KVM's emulator does not come on, the
 * interpreter executes it. 0 or -errno. */
must_check int vmm_rescue_if_stuck(struct vmm *vmm);
/* The run has ended, perhaps inside an instruction. Finishes it: what it leaves in RAM must not depend on whether KVM or
 * a cluster was executing it. */
void vmm_finish_instruction(struct vmm *vmm);

/* vmm_look.c */
enum { LOOK_MAX_PERIOD = 4096 }; /* instructions in one round of a wait loop */
/* May the loop at `at` be looked at now? look_end must follow if so. */
bool look_begin(struct look *look, linear_t at);
/* How long a round it is worth looking for, in instructions. */
u32 look_period(struct look *look, linear_t at);
void look_end(struct look *look, linear_t at, bool waits);

/* vmm_spin.c: the guest made no access for a while. Finds out whether it spins in a pure wait loop with rounds of up to
 * `max_period` instructions. If so: access clock, moves time to the next event; host clock, sleeps until then. 0 or -errno. */
must_check int vmm_check_spin(struct vmm *vmm, u32 max_period);
/* HLT is next. It stays KVM's: executed elsewhere it would be one exit less, depending on when a tick came. */
bool vmm_at_halt(const struct vmm *vmm);

/* vmm_time.c */
must_check int vmm_time_start(struct vmm *vmm);
void vmm_time_stop(struct vmm *vmm);
/* Host clock: makes sure a signal comes at the next deadline. */
void vmm_arm_deadline(struct vmm *vmm);
/* Makes the run loop look at attention soon; from any thread. */
void vmm_kick(struct vmm *vmm);
/* Something wanted the run loop. 0 or -errno. */
must_check int vmm_service_attention(struct vmm *vmm);
/* Ends the run if a signal or --timeout asked for it; true then. */
bool vmm_stopped(struct vmm *vmm);
/* Host clock: waits until `deadline_ns` of virtual time, or until something wants the run loop. */
void vmm_sleep_until(struct vmm *vmm, u64 deadline_ns);

/* vmm_executor.c */
/* Makes stores to code known; vmm->env must be there. 0 or -errno. */
must_check int vmm_code_map_create(struct vmm *vmm);
/* Makes vmm->executor what the configuration asks for; vmm->interp must be there. 0 or -errno (logged). */
must_check int vmm_executor_create(struct vmm *vmm);
/* After the engine is gone. */
void vmm_executor_destroy(struct vmm *vmm);
/* Fills what vmm->stats says of it. */
void vmm_executor_stats(struct vmm *vmm);

/* vmm_check.c: --check. Without it these do nothing. */
/* vmm->env and vmm->interp must be there. 0 or -errno. */
must_check int vmm_check_create(struct vmm *vmm);
/* After the engine is gone. */
void vmm_check_destroy(struct vmm *vmm);
/* The interpreter that an executor of clusters must be built on. */
struct interp *vmm_check_interp(struct vmm *vmm);
/* Makes vmm->executor the one that checks it. */
void vmm_check_wrap(struct vmm *vmm);
/* Fills what vmm->stats says of it. */
void vmm_check_stats(struct vmm *vmm);

/* vmm_watch.c: scripts, --until-text, --frames. */
void vmm_watch_start(struct vmm *vmm);
/* The text screen to standard output; nothing in graphics modes. */
void vmm_print_screen(struct vmm *vmm);
/* Writes the last picture and text to where the configuration wants them. What cannot be had (logged) is not there. */
void vmm_keep_screen(struct vmm *vmm);
/* What the script waited for has been done, at this moment and not at the next poll. */
void vmm_watch_go_on(struct vmm *vmm);
/* Time is another: a state was loaded. */
void vmm_watch_rebase(struct vmm *vmm);

/* vmm_state.c */
/* Adds a section to all states from now on. The object must live as long. */
void vmm_add_state_part(struct vmm *vmm, const struct state_part *part);
/* Can the machine be saved and loaded now: behind a whole instruction, vmm->cpu current, no request waiting, nothing left to
 * KVM? */
bool vmm_is_whole(const struct vmm *vmm);
/* If vmm_is_whole, and from outside of device accesses. 0, or -errno with the reason in `why` (STATE_WHY_BYTES) and not
 * logged: a file that cannot be read or written (-ENOENT ...), or is no state that fits this machine (-EINVAL). A failure
 * changes nothing: neither the file nor the machine. */
must_check int vmm_save_state(struct vmm *vmm, const char *path, char *why, size_t size);
must_check int vmm_load_state(struct vmm *vmm, const char *path, char *why, size_t size);
/* --load-state, if given. 0, or -EINVAL: the run has ended (logged). */
must_check int vmm_load_at_start(struct vmm *vmm);
/* --save-state, if given: logs and changes the status if it cannot be done. */
void vmm_save_at_end(struct vmm *vmm);
/* For a script's `save` and `load`, called until the answer is another than -EAGAIN: 0, or -errno (logged). `path` stays. */
int vmm_script_state(struct vmm *vmm, bool load, const char *path);
/* Does what a script has asked for, if the guest is where it can be done. */
void vmm_serve_state(struct vmm *vmm);

/* vmm_display.c. Without a display these do nothing. */
must_check int vmm_display_start(struct vmm *vmm);
void vmm_display_stop(struct vmm *vmm);
/* The display's turn. */
void vmm_display_poll(struct vmm *vmm);

/* vmm_control.c. Without --control these do nothing. */
must_check int vmm_control_start(struct vmm *vmm);
/* Before the run's statistics go: clients are told how it ended. */
void vmm_control_stop(struct vmm *vmm);
/* Its turn. Comes back when the guest may go on, or the run has ended. 0 or -errno. */
must_check int vmm_control_serve(struct vmm *vmm);
/* The level is another; the machine has been reset, or only its processor. */
void vmm_control_note_level(struct vmm *vmm);
void vmm_control_note_reset(struct vmm *vmm, bool only_processor);
/* Is the reset that is waiting a client's? That is the button, whatever the guest has left for its own. */
bool vmm_control_asks_reset(const struct vmm *vmm);
/* Time is another: a state was loaded. */
void vmm_control_rebase(struct vmm *vmm);

/* vmm_control_avoided.c */
/* Fills out[RUN_TOP]. */
void vmm_control_avoided(const struct vmm *vmm, struct control_avoided *out);

/* vmm_net.c. Without a network these do nothing. */
/* Frames may come from now on, until vmm_net_stop. */
must_check int vmm_net_start(struct vmm *vmm);
void vmm_net_stop(struct vmm *vmm);
/* After a kick: frames may have come. */
void vmm_net_poll(struct vmm *vmm);
/* Fills what vmm->stats says of it. */
void vmm_net_stats(struct vmm *vmm);

/* vmm_dos.c: without a built-in DOS these do nothing. */
must_check int vmm_dos_create(struct vmm *vmm);
/* Goes to behind the firmware's self-test, if that is known. */
void vmm_dos_start(struct vmm *vmm);
/* The guest has called DOS. 0 or -errno. */
must_check int vmm_dos_call(struct vmm *vmm);

/* vmm_reset.c: the RESET line, and a triple fault: a crash that `what` describes unless the guest may have meant it. 0 or -errno. */
must_check int vmm_reset(struct vmm *vmm);
must_check int vmm_triple_fault(struct vmm *vmm, const char *what);
/* The same as the RESET line, the state being complete, and whatever the shutdown code: chips and firmware start over, or the run ends with
 * the program that the built-in DOS was started for. */
must_check int vmm_restart(struct vmm *vmm);

/* vmm_crash.c: prints the report and ends the run. */
void vmm_crash(struct vmm *vmm, const char *format, ...) printf_like(2, 3);

/* vmm_timeline.c */
/* Begins one if it is wanted; the engine must be there. */
void vmm_timeline_start(struct vmm *vmm);
/* The exits avoided since the last call were avoided until now. To be called before time jumps, and at the end. */
void vmm_timeline_sample(struct vmm *vmm);
/* An exit is made; only if vmm->timeline. */
void vmm_timeline_exit(struct vmm *vmm);
/* The stream is another: a state was loaded. */
void vmm_timeline_rebase(struct vmm *vmm);

/* vmm_stats.c */
must_check int vmm_stats_start(struct vmm *vmm);
/* Returns its kind. */
enum exit_kind vmm_count_exit(struct vmm *vmm, const struct vmexit *exit);
/* The exit counted last, a read, has its value now: for the crash report. */
void vmm_note_read(struct vmm *vmm, const struct vmexit *exit);
/* TSC ticks of the run so far in nanoseconds. */
u64 vmm_tsc_to_ns(const struct vmm *vmm, u64 ticks);
/* What vmm->stats would be now, without what there is only at the end: hashes of the stream, of RAM and of the picture. */
void vmm_stats_look(struct vmm *vmm, struct run_stats *out);
/* Fills vmm->stats at the end of the run. */
void vmm_stats_finish(struct vmm *vmm);
void vmm_stats_stop(struct vmm *vmm);

#endif
