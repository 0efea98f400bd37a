/* huddle bench: what this host's KVM costs. Measuring and reporting are src/bench's. */
#include "cmd.h"

#include "base/log.h"
#include "bench/exits.h"
#include "bench/memory.h"
#include "report/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    EXITS_SAMPLES = 4000,
    EXITS_SAMPLES_QUICK = 200,
    EXITS_KIND_MS = 250,
    EXITS_KIND_MS_QUICK = 20,
    EXITS_BARE_ROUNDS = 61,
    EXITS_BARE_ROUNDS_QUICK = 15,
    MEMORY_BYTES = 256 * MIB,
    MEMORY_BYTES_QUICK = 1 * MIB,
    MEMORY_POINT_MS = 12,
    MEMORY_POINT_MS_QUICK = 2,
};

/* Before anything is measured: can the file be written at all? */
static bool can_write(const char *path)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (path && fd < 0)
        log_error("%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return !path || fd >= 0;
}

static int write_json(json_t *json, const char *path)
{
    int rc = path ? json_write(json, path) : 0;
    json_decref(json);
    return rc;
}

static int report_exits(const struct options *o, const struct exits_bench *bench)
{
    exits_print(stdout, bench);
    int rc = write_json(exits_json(bench), o->json);
    if (!rc && o->csv)
        rc = exits_csv(bench, o->csv);
    if (!rc && o->svg)
        rc = exits_svg(bench, o->svg);
    return rc ? STATUS_USAGE : STATUS_OK;
}

static int bench_exits(const struct options *o, const struct bench_host *host)
{
    struct exits_bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return STATUS_HOST_ERROR;
    bench->host = *host;
    bench->config =
        o->quick ? (struct exits_config){EXITS_SAMPLES_QUICK, EXITS_KIND_MS_QUICK, EXITS_BARE_ROUNDS_QUICK}
                 : (struct exits_config){EXITS_SAMPLES, EXITS_KIND_MS, EXITS_BARE_ROUNDS};
    int status = exits_measure(bench) ? STATUS_HOST_ERROR : report_exits(o, bench);
    exits_free(bench);
    free(bench);
    return status;
}

static int report_memory(const struct options *o, const struct memory_bench *bench)
{
    memory_print(stdout, bench);
    int rc = write_json(memory_json(bench), o->json);
    if (!rc && o->csv)
        rc = memory_csv(bench, o->csv);
    if (!rc && o->svg)
        rc = memory_svg(bench, o->svg);
    return rc ? STATUS_USAGE : STATUS_OK;
}

static int bench_memory(const struct options *o, const struct bench_host *host)
{
    struct memory_bench *bench = calloc(1, sizeof *bench);
    if (!bench)
        return STATUS_HOST_ERROR;
    bench->host = *host;
    bench->config = o->quick ? (struct memory_config){MEMORY_BYTES_QUICK, MEMORY_POINT_MS_QUICK}
                             : (struct memory_config){MEMORY_BYTES, MEMORY_POINT_MS};
    int status = memory_measure(bench, memory_measure_machine) ? STATUS_HOST_ERROR : report_memory(o, bench);
    free(bench);
    return status;
}

int cmd_bench(const struct options *o)
{
    struct bench_host host;
    if (!can_write(o->json) || !can_write(o->csv) || !can_write(o->svg))
        return STATUS_USAGE;
    if (bench_host_init(&host, o->cpu))
        return STATUS_USAGE;
    return o->benchmark == BENCHMARK_MEMORY ? bench_memory(o, &host) : bench_exits(o, &host);
}
