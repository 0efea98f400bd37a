/* Host time: the signals that bring the vCPU thread back from KVM_RUN, from a cluster, or from sleep.
 *
 *   deadline timer  host clock: one shot at the next device deadline; access clock: every few ms, to see whether
 *                   the guest waits for time to pass
 *   timeout timer   --timeout
 *   signal thread   SIGINT, SIGTERM, SIGHUP
 *   vmm_kick        the display, --control, the network's thread
 *
 * All use one real-time signal whose value points at the vmm: no file-scope state. */
#include "vmm_explain.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KICK_SIGNAL SIGRTMIN
#define ACCESS_TICK_NS (5 * NS_PER_MS)

/* Without an access for this long, time is moved on although the guest is busy: it may wait in a way that cannot be
 * proved. Processor time, without that of the attempts to prove it and of serving others (a client of --control may ask without end), so that
 * neither a loaded host nor a slow build makes a long computation look like that; and much more than any that the firmware does, for moving time on in the middle of
 * one makes runs differ. */
#define NUDGE_CPU_NS (2 * NS_PER_S)

/* A tick of the access clock waits until KVM_RUN returns, which it sees to: if it took the guest out of a cluster, the
 * number of exits would depend on the host's time. Unless nothing has happened for this many ticks. */
enum { MAX_QUIET_TICKS = 20 };

/* What the guest gets between two timer signals at least: a device with a very short period must not stop it. */
#define MIN_GUEST_NS (20 * NS_PER_US)

static bool timed_out(const struct vmm *vmm)
{
    return vmm->timeout_at_ns && host_monotonic_ns() >= vmm->timeout_at_ns;
}

/* In the signal handler. */
static bool tick_can_wait(struct vmm *vmm)
{
    bool quiet = vmm->machine.accesses == vmm->accesses_at_signal;
    vmm->accesses_at_signal = vmm->machine.accesses;
    vmm->ticks_waiting = quiet ? vmm->ticks_waiting + 1 : 1;
    return vmm->ticks_waiting < MAX_QUIET_TICKS && !timed_out(vmm);
}

static void on_kick(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    struct vmm *vmm = info->si_value.sival_ptr;
    bool tick = info->si_code == SI_TIMER && vmm->machine.clock.mode == CLOCK_MODE_ACCESS;
    if (!tick || !tick_can_wait(vmm))
        vmm->attention = 1;
    vmm->sleep_until = (struct timespec){0};
    vcpu_kick(&vmm->vcpu);
}

/* Those that end the run. */
static void ending_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGHUP);
}

void vmm_kick(struct vmm *vmm)
{
    pthread_sigqueue(vmm->vcpu_thread, KICK_SIGNAL, (union sigval){.sival_ptr = vmm});
}

static void *watch_signals(void *opaque)
{
    struct vmm *vmm = opaque;
    sigset_t set;
    ending_signals(&set);
    for (;;) {
        int seen = sigwaitinfo(&set, NULL);
        if (vmm->signal_thread_ends)
            break;
        if (seen < 0)
            continue;
        vmm->signal_seen = seen;
        vmm_kick(vmm);
    }
    return NULL;
}

static int create_timer(struct vmm *vmm, timer_t *timer)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID,
        .sigev_signo = KICK_SIGNAL,
        .sigev_value.sival_ptr = vmm,
    };
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    return timer_create(CLOCK_MONOTONIC, &event, timer) ? -errno : 0;
}

static struct timespec to_timespec(u64 ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static void set_timer(timer_t timer, int flags, u64 value_ns, u64 interval_ns)
{
    struct itimerspec spec = {.it_value = to_timespec(value_ns), .it_interval = to_timespec(interval_ns)};
    timer_settime(timer, flags, &spec, NULL);
}

static int start_signals(struct vmm *vmm)
{
    /* SA_RESTART is for what writes files and pipes meanwhile: KVM_RUN and clock_nanosleep are interrupted all the same. */
    struct sigaction action = {.sa_sigaction = on_kick, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigset_t set;
    sigemptyset(&action.sa_mask);
    ending_signals(&set);
    vmm->vcpu_thread = pthread_self();
    if (sigaction(KICK_SIGNAL, &action, NULL))
        return -errno;
    pthread_sigmask(SIG_BLOCK, &set, &vmm->old_mask); /* inherited by the thread, which waits for them */
    int rc = -pthread_create(&vmm->signal_thread, NULL, watch_signals, vmm);
    vmm->signal_thread_runs = !rc;
    return rc;
}

int vmm_time_start(struct vmm *vmm)
{
    int rc = start_signals(vmm);
    if (!rc)
        rc = create_timer(vmm, &vmm->deadline_timer);
    if (!rc)
        rc = create_timer(vmm, &vmm->timeout_timer);
    if (rc) {
        log_error("cannot set up timers: %s", strerror(-rc));
        return rc;
    }
    vmm->timers_created = true;
    prctl(PR_SET_TIMERSLACK, 1); /* ns; the thread that waits for the guest wakes up as late as that, at best */
    if (vmm->config->timeout_ns) {
        vmm->timeout_at_ns = host_monotonic_ns() + vmm->config->timeout_ns;
        set_timer(vmm->timeout_timer, TIMER_ABSTIME, vmm->timeout_at_ns, 0);
    }
    if (vmm->machine.clock.mode == CLOCK_MODE_ACCESS)
        set_timer(vmm->deadline_timer, 0, ACCESS_TICK_NS, ACCESS_TICK_NS);
    return 0;
}

void vmm_time_stop(struct vmm *vmm)
{
    if (vmm->timers_created) {
        timer_delete(vmm->deadline_timer);
        timer_delete(vmm->timeout_timer);
    }
    if (!vmm->signal_thread_runs)
        return;
    vmm->signal_thread_ends = true;
    pthread_kill(vmm->signal_thread, SIGTERM); /* out of sigwaitinfo */
    pthread_join(vmm->signal_thread, NULL);
    /* A kick that is still queued must not find the vmm gone. */
    signal(KICK_SIGNAL, SIG_IGN);
    pthread_sigmask(SIG_SETMASK, &vmm->old_mask, NULL);
}

void vmm_arm_deadline(struct vmm *vmm)
{
    struct clock *clock = &vmm->machine.clock;
    if (clock->mode != CLOCK_MODE_HOST || clock->next_deadline_ns >= vmm->armed_ns)
        return;
    vmm->armed_ns = clock->next_deadline_ns;
    u64 at_ns = MAX(vmm->armed_ns, clock_now(clock) + MIN_GUEST_NS);
    set_timer(vmm->deadline_timer, TIMER_ABSTIME, clock->origin_ns + at_ns, 0);
}

/* Access clock: has the guest made an access since the last tick? */
static int look_for_quiet(struct vmm *vmm, u64 cpu_ns)
{
    if (vmm->machine.accesses != vmm->accesses_at_tick) {
        vmm->accesses_at_tick = vmm->machine.accesses;
        vmm->quiet_since_cpu_ns = cpu_ns;
        vmm->spin_look_cpu_ns = 0;
        return 0;
    }
    if (cpu_ns - vmm->quiet_since_cpu_ns >= NUDGE_CPU_NS) {
        vmm->quiet_since_cpu_ns = cpu_ns;
        vmm->stats->time_nudges++;
        vmm_timeline_sample(vmm);
        clock_jump_to_next(&vmm->machine.clock);
        return 0;
    }
    if (cpu_ns < vmm->spin_look_cpu_ns)
        return 0;
    /* A look interprets thousands of instructions. Where that takes longer than a tick, KVM gets its turn too. */
    int rc = vmm_check_spin(vmm, LOOK_MAX_PERIOD);
    u64 after_ns = host_thread_cpu_ns();
    vmm->spin_look_cpu_ns = after_ns + (after_ns - cpu_ns);
    vmm->quiet_since_cpu_ns += after_ns - cpu_ns;
    return rc;
}

bool vmm_stopped(struct vmm *vmm)
{
    if (vmm->signal_seen)
        vmm_end(vmm, RUN_END_SIGNAL, 128 + vmm->signal_seen, "stopped by %s",
                vmm->signal_seen == SIGINT ? "Ctrl-C" : "a signal");
    else if (timed_out(vmm))
        vmm_end(vmm, RUN_END_TIMEOUT, 124, "the time given by --timeout is over");
    else
        return false;
    return true;
}

/* A kick ends the sleep (clock_nanosleep is not restarted), and one that came before the thread sleeps keeps it awake: it sets
 * attention, which is looked at behind the moment in memory, and makes that moment one that has passed. */
void vmm_sleep_until(struct vmm *vmm, u64 deadline_ns)
{
    u64 origin_ns = vmm->machine.clock.origin_ns;
    vmm->sleep_until = to_timespec(origin_ns + MIN(deadline_ns, INT64_MAX - origin_ns));
    u64 start = tsc_now();
    if (!vmm->attention)
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, (const struct timespec *)&vmm->sleep_until, NULL);
    u64 end = tsc_now();
    vmm->tsc_asleep += end - start;
    if (vmm_explains(vmm))
        vmm_explain_span(vmm, EXPLAIN_asleep, end - start);
}

static int serve_others(struct vmm *vmm)
{
    vmm_display_poll(vmm);
    vmm_serve_state(vmm);
    int rc = vmm_control_serve(vmm);
    vmm_net_poll(vmm); /* behind a standstill, which takes the kicks of frames */
    return rc;
}

int vmm_service_attention(struct vmm *vmm)
{
    vmm->attention = 0;
    vmm->ticks_waiting = 0;
    if (vmm_stopped(vmm))
        return 0;
    bool looks = vmm->machine.clock.mode == CLOCK_MODE_ACCESS;
    u64 before_ns = looks ? host_thread_cpu_ns() : 0;
    int rc = serve_others(vmm);
    if (rc || vmm->ended)
        return rc;
    if (looks) {
        u64 cpu_ns = host_thread_cpu_ns();
        vmm->quiet_since_cpu_ns += cpu_ns - before_ns;
        return look_for_quiet(vmm, cpu_ns);
    }
    vmm->armed_ns = CLOCK_NEVER;
    clock_run_due(&vmm->machine.clock);
    return 0;
}
