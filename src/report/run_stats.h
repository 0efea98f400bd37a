/* Everything one run of a guest left to report: plain data of fixed size, so that it can cross a fork in shared
 * memory. Filled by the run loop, read by the reports. */
#ifndef HUDDLE_REPORT_RUN_STATS_H
#define HUDDLE_REPORT_RUN_STATS_H

#include "base/types.h"
#include "cluster/stats.h"
#include "net/net_drops.h"

/* JSON key, text. Every return of KVM_RUN with a reason is exactly one of these. */
#define EXIT_KINDS(X)                                                                                        \
    X(pio_in, "port reads")                                                                                  \
    X(pio_out, "port writes")                                                                                \
    X(string, "string port I/O")                                                                             \
    X(mmio_read, "memory-mapped reads")                                                                      \
    X(mmio_write, "memory-mapped writes")                                                                    \
    X(hlt, "HLT")                                                                                            \
    X(irq_window, "interrupt window")                                                                        \
    X(kick, "kick (timer or signal)")                                                                        \
    X(other, "other")

enum exit_kind {
#define X(id, text) EXIT_##id,
    EXIT_KINDS(X)
#undef X
    EXIT_KIND_COUNT
};

#define RUN_TOP 24

/* Where exits came from: a port or an address. */
struct run_target {
    char name[40]; /* "VGA GC data 3CFh", "VGA memory A0000h-A0FFFh" */
    u32 addr;
    bool memory;
    u64 exits;
};

/* An instruction that exited. */
struct run_site {
    u16 cs;
    u32 ip;
    u32 linear;
    bool after;     /* cs:ip is just behind the instruction: KVM had already stepped over it */
    char text[48];  /* disassembly */
    u64 exits;
};

/* What the host executor did (struct jit_stats says more of each). */
struct run_translation {
    u64 translations;
    u64 instructions; /* guest instructions in them */
    u64 code_bytes;   /* host code made */
    u64 host_ns;      /* time it took */
    u64 flushes;      /* of the whole code buffer */
    u64 faults;       /* plain accesses that hit a device */
    u64 recompiled;   /* translations made anew because an access of theirs became a device access */
    u64 interpreted;  /* instructions that host code handed to the interpreter */
    u64 failed;       /* clusters that were interpreted as a whole */
};

/* The VGA's window as plain memory (dev/vga/vga_linear.h). */
struct run_window {
    u64 opened, closed;
    u64 synced; /* times that the planes were brought up to date: for pictures, and when it was closed */
};

/* Where regions were left because no device access came within the horizon. */
struct run_leave_point {
    u32 linear;
    u64 leaves;
    u64 kvm_ns;   /* that KVM had the guest from there to the next exit */
    u32 horizons; /* for which regions go on from there now */
};
struct run_horizon {
    u64 instructions; /* UINT64_MAX: there is none; 0: no regions */
    u32 exit_ns;      /* what it follows from */
    u32 guest_ps, translated_ps; /* of an instruction */
    struct run_leave_point leave_point[RUN_TOP]; /* sorted, longest time first; unused: leaves == 0 */
};

/* When exits were made and avoided, in virtual time: report/timeline.h. Bucket i begins at start_ns + i * width_ns. */
#define TIMELINE_BUCKETS 256
struct run_timeline_bucket {
    u64 accesses; /* of devices, however executed */
    u64 exits, avoided;
};
struct run_timeline {
    u64 start_ns, width_ns; /* width 0: not kept */
    u32 used;               /* buckets that have begun */
    struct run_timeline_bucket bucket[TIMELINE_BUCKETS];
};

/* --check: runs of clusters executed twice. */
struct run_check {
    bool on;
    u64 compared;
    u64 not_comparable; /* a device accessed memory meanwhile, or the run loop was wanted */
    u64 differences;
};

/* --explain: what an exit's time is spent on, from one entry of KVM_RUN to the next. JSON key, text. The first are its
 * overhead; the others are what exits are made for, and sleep. */
#define EXPLAIN_OVERHEADS(X)                                                                                 \
    X(syscall, "system call")                                                                                \
    X(kvm, "KVM, but for the guest")                                                                         \
    X(world, "leaving the guest, entering it again")                                                         \
    X(state, "registers out of KVM, into KVM")                                                               \
    X(completion, "finishing the instruction in KVM")                                                        \
    X(count, "telling and counting the exit")                                                                \
    X(device, "device")                                                                                      \
    X(lookup, "finding and checking a cluster")                                                              \
    X(interrupt, "interrupts")                                                                               \
    X(rescue, "what KVM cannot execute")                                                                     \
    X(events, "events and timers")                                                                           \
    X(waiting, "looking whether the guest waits")                                                            \
    X(longer, "longer than 20 exits, not cut")
#define EXPLAIN_WORK(X)                                                                                      \
    X(guest, "guest, in KVM")                                                                                \
    X(cluster, "guest, in clusters")                                                                         \
    X(asleep, "asleep")

enum explain_step {
#define X(id, text) EXPLAIN_##id,
    EXPLAIN_OVERHEADS(X) EXPLAIN_WORK(X)
#undef X
    EXPLAIN_STEPS,
    EXPLAIN_OVERHEAD_STEPS = EXPLAIN_guest
};

struct run_explain_kind {
    u64 exits;          /* with an entry of KVM_RUN of their own */
    u64 sampled;        /* of these, those whose every step was timed */
    u32 exit_ns;        /* KVM_RUN with such an exit and nothing else, measured at start: syscall, kvm and world together */
    u64 median_ns;      /* of all overhead of an exit */
    struct {
        u64 sum_ns;     /* of all exits */
        u64 median_ns;  /* of one */
    } step[EXPLAIN_STEPS];
};
struct run_explain {
    bool on;
    u64 further_exits;  /* came up while another exit's instruction was being finished: in that one's costs */
    u32 syscall_ns, immediate_ns, regs_ns, sregs_ns; /* measured at start; see struct exit_cost */
    /* Measured without samples, from the first entry of KVM_RUN on: every KVM_RUN, cluster and sleep is timed. */
    u64 total_ns;
    u64 guest_ns;       /* in KVM_RUN, but for what its exits cost by the measurement at start */
    u64 cluster_ns;     /* host code and interpreter, translating included */
    u64 asleep_ns;
    struct run_explain_kind kind[EXIT_KIND_COUNT];
};

/* The network card; no name: there is none. A round trip is a frame that the guest got between sending its first and its last. */
struct run_net {
    char name[16];
    u64 sent, sent_bytes, received, received_bytes;
    u64 dropped[NET_DROP_KINDS], dropped_all;
    u64 trips, trip_exits, trip_accesses, trip_ns;
};

enum run_end {
    RUN_END_EXIT_PORT,  /* the guest wrote the exit port: status (value << 1) | 1 */
    RUN_END_PROGRAM,    /* the program that DOS was started for ended: its errorlevel */
    RUN_END_TEXT,       /* --until-text was seen: 0 */
    RUN_END_FRAMES,     /* --frames reached: 0 */
    RUN_END_SCRIPT,     /* script ended or quit: 0 */
    RUN_END_TIMEOUT,    /* 124 */
    RUN_END_SIGNAL,     /* Ctrl-C, SIGTERM: 130, 143 */
    RUN_END_CRASH,      /* triple fault, stop, impossible state: 70 */
    RUN_END_CHECK,      /* --check found a difference: 70 */
    RUN_END_HOST_ERROR, /* KVM or host failed: 71 */
    RUN_END_DISPLAY,       /* somebody asked for it at the display: 0, or 129 if that is gone */
    RUN_END_CONTROL,       /* a client of --control said quit: 0 */
    RUN_END_SCRIPT_FAILED, /* wait-text timed out and the like: 1 */
};

struct run_stats {
    char variant[32];
    enum run_end end;
    int status; /* process status */
    bool status_of_program; /* RUN_END_PROGRAM: the program ran, and `status` is its errorlevel */
    char end_text[160]; /* one line for people: "the guest exited with 0 through port F4h" */

    u64 exits[EXIT_KIND_COUNT];
    u64 exits_total;
    u64 kvm_run;          /* KVM_RUN calls, completions included */
    u64 completions;      /* of these: immediate_exit runs that complete an instruction */
    u64 ioctls;           /* vCPU and VM ioctls other than KVM_RUN, after start-up */
    u64 accesses;         /* device accesses of the guest, wherever executed */
    u64 interrupts;       /* taken by the guest */

    /* Guest instructions executed by the interpreter outside clusters: while an interrupt waited for IF, and
     * where KVM could not emulate. */
    u64 pending_instructions;
    u64 rescued_instructions;
    u64 time_nudges;      /* --clock=access: time was moved on although the guest was busy: streams may differ */
    u64 spins;            /* pure wait loops: time jumped (access clock) or the thread slept (host clock) to the next event */
    u64 polls;            /* --clock=host: pure loops on ports, in which the thread slept until another answer */
    u64 sleeps;           /* --clock=host: times the thread slept although the guest did not halt */

    struct cluster_stats clusters;
    char executor[16]; /* of clusters: "interp", "host" */
    struct run_check check;
    struct run_window window;
    struct run_horizon horizon;
    struct run_net net;
    struct run_translation translation; /* all zero: another executor than host */
    struct run_explain explain;

    u64 host_ns_total, host_ns_kvm, host_ns_cluster;
    u64 host_ns_devices; /* serving exits; extrapolated from a sample of them */
    u64 cpu_ns;           /* user + system of the process during the run */
    u64 virtual_ns;

    u64 stream_count, stream_hash; /* struct trace */
    u64 ram_hash, frame_hash;
    u32 frame_width, frame_height;

    struct run_timeline timeline;

    struct run_target targets[RUN_TOP]; /* sorted, most exits first; unused: exits == 0 */
    struct run_site sites[RUN_TOP];
};

#endif
