/* Forking one run. A process per run, so that every variant starts from the same state whatever the one
 * before did, and a crash of the monitor in one of them is a result, not the end. Statistics come back
 * through shared memory, the access stream through a memfd: its pages are the only copy, mapped by the parent
 * to compare. */
#include "ab_child.h"

#include "base/log.h"
#include "cmd.h"
#include "report/clusters.h"
#include "report/html.h"
#include "setup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Records of one run: a quarter of the memory that is free (two streams are held at a time), divided by the
 * comparisons that run at once, within these bounds. */
#define RECORDS_MIN_BYTES (64ull * MIB)
#define RECORDS_MAX_BYTES (2048ull * MIB)

struct run_stats *ab_child_share(u32 n)
{
    void *stats =
        mmap(NULL, n * sizeof(struct run_stats), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (stats != MAP_FAILED)
        return stats;
    log_error("no memory to share with the runs: %s", strerror(errno));
    return NULL;
}

void ab_child_unshare(struct run_stats *stats, u32 n)
{
    munmap(stats, n * sizeof(struct run_stats));
}

static u64 records_limit(u64 jobs)
{
    u64 quarter = (u64)sysconf(_SC_AVPHYS_PAGES) * (u64)sysconf(_SC_PAGESIZE) / 4 / MAX(jobs, 1);
    u64 bytes = MIN(MAX(quarter, RECORDS_MIN_BYTES), RECORDS_MAX_BYTES);
    return bytes - bytes % (TRACE_CHUNK * sizeof(struct access));
}

/* A file in memory that cannot grow beyond the limit: the stream then stops being kept, and the guest goes
 * on. */
static int create_records(u64 jobs)
{
    int fd = memfd_create("huddle-stream", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    if (ftruncate(fd, (off_t)records_limit(jobs)) || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK)) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

/* What of these cannot be had will be missing in the page. */
static void open_page(struct ab_child *child, bool wanted)
{
    static const char *const names[] = {"huddle-picture", "huddle-text", "huddle-clusters"};
    for (u32 i = 0; i < AB_PAGE_PARTS; i++)
        child->page_fd[i] = wanted ? memfd_create(names[i], MFD_CLOEXEC) : -1;
}

static int open_files(struct ab_child *child, u64 jobs, bool quiet, bool page)
{
    open_page(child, page);
    child->records_fd = create_records(jobs);
    child->ram_fd = memfd_create("huddle-final-ram", MFD_CLOEXEC); /* without it, only hashes are compared */
    child->output_fd = quiet ? memfd_create("huddle-output", MFD_CLOEXEC) : -1;
    int rc = child->records_fd < 0 ? child->records_fd : quiet && child->output_fd < 0 ? -errno : 0;
    if (rc) {
        log_error("cannot keep a run's access stream: %s", strerror(-rc));
        ab_child_close(child);
    }
    return rc;
}

/* In the child. Standard output is the report's: what a script prints goes the way of messages. */
static void redirect(int output_fd)
{
    if (output_fd >= 0)
        dup2(output_fd, STDERR_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
}

static void set_failed(struct run_stats *stats, int status, const char *text)
{
    stats->end = RUN_END_HOST_ERROR;
    stats->status = status;
    snprintf(stats->end_text, sizeof stats->end_text, "%s", text);
}

static void set_name(struct run_stats *stats, const struct variant *variant)
{
    snprintf(stats->variant, sizeof stats->variant, "%s", variant->name);
}

/* In the child: what its page shows of the clusters. */
static void write_clusters(void *opaque, const struct cluster_engine *engine, const struct cluster_backend *backend)
{
    const struct ab_child *child = opaque;
    const struct clusters_report report = {.guest = "", .run = child->stats, .engine = engine, .backend = backend};
    json_t *json = clusters_json_top(&report, HTML_CLUSTERS);
    if (!json || json_dumpfd(json, child->page_fd[AB_PAGE_CLUSTERS], JSON_COMPACT))
        log_warn("the page will be without the clusters of %s", child->stats->variant);
    json_decref(json);
}

static void wish_page(const struct ab_child *child, struct run_config *config)
{
    config->timeline = true;
    config->explain = true;
    config->picture_fd = MAX(child->page_fd[AB_PAGE_PICTURE], 0);
    config->text_fd = MAX(child->page_fd[AB_PAGE_TEXT], 0);
    if (config->level == CLUSTER_OFF || child->page_fd[AB_PAGE_CLUSTERS] < 0)
        return;
    config->at_end = write_clusters;
    config->at_end_opaque = (void *)child;
}

/* In the child: the whole run. */
static void run_guest(const struct ab_child *child, const struct options *options,
                      const struct drives *drives, const struct variant *variant)
{
    struct options own = *options;
    struct setup setup;
    own.snapshot = true;
    own.level = variant->level;
    if (variant->window)
        own.window = variant->window;
    if (variant->own_horizon)
        own.horizon = variant->horizon;
    if (setup_open(&setup, &own, drives)) {
        set_failed(child->stats, STATUS_USAGE, "it could not be set up");
        return;
    }
    setup.config.trace_fd = child->records_fd;
    setup.config.ram_fd = child->ram_fd;
    setup.config.print_text_at_end = false;
    if (options->html)
        wish_page(child, &setup.config);
    if (vmm_run(&setup.config, child->stats))
        set_failed(child->stats, STATUS_HOST_ERROR, "the machine could not be started");
    setup_close(&setup);
}

static void child_main(struct ab_child *child, const struct options *options, const struct drives *drives,
                       const struct variant *variant)
{
    /* Die with the parent; take Ctrl-C as any run does. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGINT, SIG_DFL);
    redirect(child->output_fd);
    run_guest(child, options, drives, variant);
    fflush(NULL);
}

static int wait_for(pid_t pid, struct run_stats *stats)
{
    int status;
    char text[80];
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return -errno;
    }
    if (!WIFSIGNALED(status))
        return 0;
    snprintf(text, sizeof text, "huddle itself died of signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
    set_failed(stats, STATUS_HOST_ERROR, text);
    return 0;
}

static void map_records(struct ab_child *child)
{
    struct stat st;
    u64 bytes = child->stats->stream_count * sizeof(struct access);
    if (!bytes || fstat(child->records_fd, &st))
        return;
    child->mapped_bytes = (size_t)MIN(bytes, (u64)st.st_size);
    void *p = mmap(NULL, child->mapped_bytes, PROT_READ, MAP_SHARED, child->records_fd, 0);
    if (p == MAP_FAILED) {
        log_error("the access stream cannot be read back: %s", strerror(errno));
        child->mapped_bytes = 0;
        return;
    }
    child->records = (struct records){p, child->mapped_bytes / sizeof(struct access)};
}

int ab_child_run(struct ab_child *child, const struct options *options, const struct drives *drives,
                 const struct variant *variant, bool quiet)
{
    child->records = (struct records){NULL, 0};
    child->mapped_bytes = 0;
    memset(child->stats, 0, sizeof *child->stats);
    int rc = open_files(child, options->jobs, quiet, options->html != NULL);
    if (rc)
        return rc;
    set_failed(child->stats, STATUS_HOST_ERROR, "the run left nothing behind");
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        child_main(child, options, drives, variant);
        _exit(STATUS_OK); /* the fork's way out: main's belongs to the parent */
    }
    if (pid < 0) {
        rc = -errno;
        log_error("cannot start a process: %s", strerror(-rc));
        ab_child_close(child);
        return rc;
    }
    rc = wait_for(pid, child->stats);
    set_name(child->stats, variant);
    if (!rc)
        map_records(child);
    return rc;
}

static const u8 *map_ram(const struct ab_child *child, size_t bytes)
{
    struct stat st;
    if (child->ram_fd < 0 || fstat(child->ram_fd, &st) || (size_t)st.st_size != bytes)
        return NULL;
    void *p = mmap(NULL, bytes, PROT_READ, MAP_SHARED, child->ram_fd, 0);
    return p == MAP_FAILED ? NULL : p;
}

void ab_child_locate_ram(struct difference *difference, const struct ab_child *a, const struct ab_child *b)
{
    struct stat st;
    if (a->ram_fd < 0 || fstat(a->ram_fd, &st) || !st.st_size)
        return;
    size_t bytes = (size_t)st.st_size;
    const u8 *ram_a = map_ram(a, bytes), *ram_b = map_ram(b, bytes);
    if (ram_a && ram_b)
        difference_locate_ram(difference, ram_a, ram_b, (u32)bytes);
    if (ram_a)
        munmap((void *)ram_a, bytes);
    if (ram_b)
        munmap((void *)ram_b, bytes);
}

char *ab_child_read_page(const struct ab_child *child, enum ab_page_part part, size_t *bytes)
{
    struct stat st;
    int fd = child->page_fd[part];
    *bytes = 0;
    if (fd < 0 || fstat(fd, &st) || !st.st_size)
        return NULL;
    size_t size = (size_t)st.st_size;
    char *data = malloc(size + 1);
    if (!data || pread(fd, data, size, 0) != (ssize_t)size) {
        free(data);
        return NULL;
    }
    data[size] = '\0';
    *bytes = size;
    return data;
}

void ab_child_print_output(const struct ab_child *child)
{
    char buffer[4096];
    ssize_t n;
    off_t at = 0;
    if (child->output_fd < 0)
        return;
    while ((n = pread(child->output_fd, buffer, sizeof buffer, at)) > 0) {
        fwrite(buffer, 1, (size_t)n, stderr);
        at += n;
    }
}

void ab_child_close(struct ab_child *child)
{
    if (child->mapped_bytes)
        munmap((void *)child->records.first, child->mapped_bytes);
    if (child->records_fd >= 0)
        close(child->records_fd);
    if (child->ram_fd >= 0)
        close(child->ram_fd);
    if (child->output_fd >= 0)
        close(child->output_fd);
    for (u32 i = 0; i < AB_PAGE_PARTS; i++) {
        if (child->page_fd[i] >= 0)
            close(child->page_fd[i]);
        child->page_fd[i] = -1;
    }
    child->ram_fd = -1;
    child->records = (struct records){NULL, 0};
    child->mapped_bytes = 0;
    child->records_fd = child->output_fd = -1;
}
