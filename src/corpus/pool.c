/* The signals that end us, and SIGCHLD, are blocked and waited for: nothing happens in handlers, so there is
 * no state outside. What a process starts stays in its group, and comes to us when its parent dies before it
 * (PR_SET_CHILD_SUBREAPER), so a job is over when nobody is left in its group. Who outlives SIGTERM by some
 * seconds is killed. */
#include "corpus/pool.h"

#include "base/host.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS    (200 * NS_PER_MS) /* for time limits; ends are signalled */
#define GRACE_NS   (5 * NS_PER_S)    /* between SIGTERM and SIGKILL */
#define SAID_BYTES 4096
#define JSON_FD    3
#define FIRST_FD   10 /* of ours in the child: above those that it gets */
#define NOT_FOUND  127

struct process {
    pid_t pid; /* and its group; 0: a free place */
    u32 job;
    int said_fd, json_fd;
    u64 end_ns; /* of its limit; 0: none */
    bool told;  /* SIGTERM was sent */
    bool timed_out;
    bool gone; /* it has ended, with wait_status; others of its group may be there */
    int wait_status;
};

struct run {
    const struct pool *pool;
    struct process *process; /* [at_a_time] */
    u32 running, next;
    sigset_t waited, old_mask;
};

/* --- starting --- */

static int keep_file(const char *name)
{
    int low = memfd_create(name, MFD_CLOEXEC);
    int fd = low < 0 ? -1 : fcntl(low, F_DUPFD_CLOEXEC, FIRST_FD);
    int rc = fd < 0 ? -errno : fd;
    if (low >= 0)
        close(low);
    return rc;
}

/* In the child. */
static void become(const struct run *run, const struct process *p, char *const *argv, pid_t parent)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(NOT_FOUND);
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(p->said_fd, STDERR_FILENO) < 0 || dup2(p->json_fd, JSON_FD) < 0)
        _exit(NOT_FOUND);
    if (chdir(run->pool->directory) == 0)
        execv(run->pool->program, argv);
    log_error("%s: %s", run->pool->directory, strerror(errno));
    _exit(NOT_FOUND);
}

static void close_files(struct process *p)
{
    if (p->said_fd >= 0)
        close(p->said_fd);
    if (p->json_fd >= 0)
        close(p->json_fd);
    p->said_fd = p->json_fd = -1;
}

static int start(struct run *run, struct process *p, const struct pool_command *command)
{
    pid_t parent = getpid();
    *p = (struct process){
        .job = run->next, .said_fd = keep_file("huddle-said"), .json_fd = keep_file("huddle-json")};
    fflush(NULL);
    pid_t pid = p->said_fd < 0 ? p->said_fd : p->json_fd < 0 ? p->json_fd : fork();
    if (pid == 0)
        become(run, p, command->argv, parent);
    if (pid < 0) {
        int rc = p->said_fd < 0 || p->json_fd < 0 ? (int)pid : -errno;
        log_error("cannot start a process: %s", strerror(-rc));
        close_files(p);
        return rc;
    }
    setpgid(pid, pid); /* here as well: it may be signalled before it gets there itself */
    p->end_ns = command->limit_ns ? host_monotonic_ns() + command->limit_ns : 0;
    p->pid = pid;
    run->running++;
    return 0;
}

static void show_progress(const struct run *run)
{
    u32 *job = calloc(run->running + 1, sizeof *job), n = 0;
    if (job && run->pool->progress) {
        for (u32 i = 0; i < run->pool->at_a_time; i++)
            if (run->process[i].pid)
                job[n++] = run->process[i].job;
        run->pool->progress(run->pool->context, job, n);
    }
    free(job);
}

static int start_some(struct run *run)
{
    for (u32 i = 0; i < run->pool->at_a_time; i++) {
        while (!run->process[i].pid && run->next < run->pool->n_jobs) {
            struct pool_command command = run->pool->command(run->pool->context, run->next);
            int rc = command.argv ? start(run, &run->process[i], &command) : 0;
            if (rc)
                return rc;
            run->next++;
            if (command.argv)
                show_progress(run);
        }
    }
    return 0;
}

/* --- ending --- */

/* The file's last `limit` bytes (all: 0), with a zero behind them; NULL: no memory. */
static char *read_back(int fd, size_t limit, size_t *bytes)
{
    off_t size = lseek(fd, 0, SEEK_END);
    off_t from = limit && size > (off_t)limit ? size - (off_t)limit : 0;
    char *text = size < 0 ? NULL : malloc((size_t)(size - from) + 1);
    *bytes = 0;
    if (!text)
        return NULL;
    ssize_t n;
    while ((n = pread(fd, text + *bytes, (size_t)(size - from) - *bytes, from + (off_t)*bytes)) > 0)
        *bytes += (size_t)n;
    text[*bytes] = 0;
    return text;
}

static bool report(const struct run *run, struct process *p)
{
    size_t said_bytes, json_bytes;
    char *said = read_back(p->said_fd, SAID_BYTES, &said_bytes),
         *json = read_back(p->json_fd, 0, &json_bytes);
    struct pool_end end = {p->wait_status, p->timed_out, said ? said : "", json ? json : "", json_bytes};
    bool go_on = run->pool->done(run->pool->context, p->job, &end);
    free(said);
    free(json);
    return go_on;
}

/* Is nobody left of the group? */
static bool has_ended(struct process *p)
{
    int wait_status;
    pid_t pid;
    while ((pid = waitpid(-p->pid, &wait_status, WNOHANG)) > 0) {
        if (pid != p->pid)
            continue;
        p->gone = true;
        p->wait_status = wait_status;
        p->end_ns = host_monotonic_ns() + GRACE_NS; /* for those it leaves behind: its death is a SIGTERM to them */
        p->told = true;
    }
    return pid < 0;
}

/* Takes leave of those that have ended; tells about them unless `quiet`. False: `done` wanted an end. */
static bool reap(struct run *run, bool quiet)
{
    bool go_on = true;
    for (u32 i = 0; i < run->pool->at_a_time; i++) {
        struct process *p = &run->process[i];
        if (!p->pid || !has_ended(p))
            continue;
        p->pid = 0;
        run->running--;
        if (!quiet && go_on)
            go_on = report(run, p);
        close_files(p);
        if (!quiet)
            show_progress(run);
    }
    return go_on;
}

/* SIGTERM for those whose time is over, and SIGKILL for those that do not care. */
static void end_late(struct run *run)
{
    u64 now = host_monotonic_ns();
    for (u32 i = 0; i < run->pool->at_a_time; i++) {
        struct process *p = &run->process[i];
        if (!p->pid || !p->end_ns || now < p->end_ns)
            continue;
        p->timed_out |= !p->gone;
        kill(-p->pid, p->told ? SIGKILL : SIGTERM);
        p->told = true;
        p->end_ns = now + GRACE_NS;
    }
}

/* True: one of the signals that end us. */
static bool wait_signal(const struct run *run)
{
    struct timespec look = {.tv_nsec = LOOK_NS};
    int signal = sigtimedwait(&run->waited, NULL, &look);
    return signal > 0 && signal != SIGCHLD;
}

static void end_all(struct run *run)
{
    for (u32 i = 0; i < run->pool->at_a_time; i++)
        if (run->process[i].pid && !run->process[i].told)
            run->process[i].end_ns = 1; /* long ago */
    for (;;) {
        end_late(run);
        reap(run, true);
        if (!run->running)
            return;
        (void)wait_signal(run);
    }
}

static int run_jobs(struct run *run)
{
    for (;;) {
        int rc = start_some(run);
        if (rc)
            return rc;
        if (!run->running)
            return 0;
        if (wait_signal(run) || !reap(run, false))
            return -EINTR;
        end_late(run);
    }
}

/* Of those that end us: nohup, or a shell that has put us in the background, wants us to go on. */
static bool is_ignored(int signal)
{
    struct sigaction action;
    return signal != SIGCHLD && sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

int pool_run(const struct pool *pool)
{
    static const int signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    struct run run = {.pool = pool, .process = calloc(pool->at_a_time, sizeof *run.process)};
    if (!run.process)
        return -ENOMEM;
    sigemptyset(&run.waited);
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        if (!is_ignored(signals[i]))
            sigaddset(&run.waited, signals[i]);
    sigprocmask(SIG_BLOCK, &run.waited, &run.old_mask);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int rc = run_jobs(&run);
    end_all(&run);
    while (sigtimedwait(&run.waited, NULL, &(struct timespec){.tv_sec = 0}) > 0) {
        /* Ctrl-C again: what it asked for has been done. */
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    sigprocmask(SIG_SETMASK, &run.old_mask, NULL);
    free(run.process);
    return rc;
}
