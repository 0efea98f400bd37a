/* What was measured, as text, JSON, CSV and picture. Times are less the control, samples in the CSV are not.
 */
#include "bench/exits.h"

#include "base/log.h"
#include "report/blocks.h"
#include "report/json.h"
#include "report/number.h"
#include "report/svg.h"

#include <errno.h>
#include <string.h>

enum {
    NAME_COLUMNS = 24,
    NUMBER_COLUMNS = 9,
    SPARK_COLUMNS = 10,
    SPARK_BINS = DISTRIBUTION_BINS / SPARK_COLUMNS
};

/* The exits that count: not the control and the like. */
static bool is_exit(enum exits_kind kind)
{
    return kind != EXITS_control && kind != EXITS_spin;
}

static double ns_of(const struct exits_bench *b, double cycles)
{
    return cycles / b->cycles_per_ns;
}

/* "8.52 us" in so many columns. */
static void print_ns(FILE *out, double ns)
{
    char text[SVG_TEXT_BYTES];
    fprintf(out, "%*s", NUMBER_COLUMNS, ns ? svg_format(text, ns, SVG_NS) : "0 ns");
}

static void print_shape(FILE *out, const struct distribution *d)
{
    char text[BLOCKS_BYTES];
    double column[SPARK_COLUMNS] = {0};
    for (u32 i = 0; i < d->bins; i++)
        column[i / SPARK_BINS] += d->count[i];
    blocks_columns(text, column, SPARK_COLUMNS);
    size_t end = strlen(text);
    while (end && text[end - 1] == ' ')
        text[--end] = '\0';
    fprintf(out, "  %s", text);
}

static void print_result(FILE *out, const struct exits_bench *b, enum exits_kind kind,
                         const struct exits_result *r)
{
    char cycles[NUMBER_BYTES];
    const struct distribution *d = &r->net;
    fprintf(out, "%-*s", NAME_COLUMNS, exits_text(kind));
    if (!r->there) {
        fprintf(out, "  not here: %s\n", r->why ? r->why : "no samples");
        return;
    }
    fprintf(out, "%*s", NUMBER_COLUMNS, number_format(cycles, d->p50));
    const u64 values[] = {d->min, d->p10, d->p50, d->p90, d->p99, d->max};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        print_ns(out, ns_of(b, (double)values[i]));
    print_shape(out, d);
    fputc('\n', out);
}

static void print_run(FILE *out, const struct exits_bench *b, const struct exits_run *run)
{
    static const char *const heads[] = {"cycles", "min", "p10", "p50", "p90", "p99", "max"};
    fprintf(out, "\n%-*s", NAME_COLUMNS, exits_mode_text(run->mode));
    for (size_t i = 0; i < ARRAY_LEN(heads); i++)
        fprintf(out, "%*s", NUMBER_COLUMNS, heads[i]);
    fputs("  min to p99\n", out);
    for (int i = 0; i < EXITS_KIND_COUNT; i++)
        print_result(out, b, (enum exits_kind)i, &run->kind[i]);
    for (int i = 0; i < EXITS_KIND_COUNT; i++)
        if (run->kind[i].there && run->kind[i].elements > 1)
            fprintf(out, "%s: %u bytes an exit\n", exits_text((enum exits_kind)i), run->kind[i].elements);
}

/* The same without a processor of its own: what moves is the tail. */
static void print_free(FILE *out, const struct exits_bench *b)
{
    static const char *const heads[] = {"p50", "p99", "max"};
    const struct exits_run *runs[] = {&b->run[2], &b->run[3]};
    fprintf(out, "\n%-*s%*s%*s\n%-*s", NAME_COLUMNS, "on any processor", 3 * NUMBER_COLUMNS,
            exits_mode_text(runs[0]->mode), 3 * NUMBER_COLUMNS, exits_mode_text(runs[1]->mode), NAME_COLUMNS,
            "");
    for (size_t i = 0; i < 2 * ARRAY_LEN(heads); i++)
        fprintf(out, "%*s", NUMBER_COLUMNS, heads[i % ARRAY_LEN(heads)]);
    fputc('\n', out);
    for (int i = 0; i < EXITS_KIND_COUNT; i++) {
        fprintf(out, "%-*s", NAME_COLUMNS, exits_text((enum exits_kind)i));
        for (size_t k = 0; k < ARRAY_LEN(runs); k++) {
            const struct exits_result *r = &runs[k]->kind[i];
            const u64 values[] = {r->net.p50, r->net.p99, r->net.max};
            for (size_t v = 0; v < ARRAY_LEN(values); v++) {
                if (r->there)
                    print_ns(out, ns_of(b, (double)values[v]));
                else
                    fprintf(out, "%*s", NUMBER_COLUMNS, "-");
            }
        }
        fputc('\n', out);
    }
}

static double p50_ns(const struct exits_bench *b, const struct exits_run *run, enum exits_kind kind)
{
    return run->kind[kind].there ? ns_of(b, (double)run->kind[kind].net.p50) : 0;
}

/* What follows from the medians. */
static void print_meaning(FILE *out, const struct exits_bench *b, const struct exits_run *run)
{
    char trip[SVG_TEXT_BYTES], other[SVG_TEXT_BYTES], more[SVG_TEXT_BYTES], number[NUMBER_BYTES];
    double exit = p50_ns(b, run, EXITS_out), insn = p50_ns(b, run, EXITS_spin) / 1000,
           kernel = p50_ns(b, run, EXITS_cpuid);
    double synced = p50_ns(b, run, EXITS_sync), ioctls = 0;
    const char *mode = exits_mode_text(run->mode);
    if (!exit)
        return;
    svg_format(trip, exit, SVG_NS);
    if (!insn || !kernel)
        fprintf(out, "%s: an exit to userspace takes %s.\n", mode, trip);
    else
        fprintf(out, "%s: an exit to userspace takes %s, as long as %s guest instructions, or %.1f CPUIDs.\n",
                mode, trip, number_format(number, (u64)(exit / insn + 0.5)), exit / kernel);
    for (int i = EXITS_get_regs; i <= EXITS_set_sregs; i++)
        ioctls += p50_ns(b, run, (enum exits_kind)i);
    if (synced && ioctls)
        fprintf(out, "%s: all registers out and in add %s by the shared page, %s by ioctls.\n", mode,
                synced > exit ? svg_format(other, synced - exit, SVG_NS) : "nothing",
                svg_format(more, ioctls, SVG_NS));
}

static double bare_ratio(const struct exits_bench *b)
{
    return b->bare.bare_ns > 0 ? b->bare.sampled_ns / b->bare.bare_ns : 0;
}

void exits_print(FILE *out, const struct exits_bench *b)
{
    char samples[NUMBER_BYTES], sampled[SVG_TEXT_BYTES], bare[SVG_TEXT_BYTES];
    fprintf(out, "What an exit costs, one round trip each\n\n");
    fprintf(out, "host      %s, %s\n", b->host.cpu, b->host.kernel);
    fprintf(
        out, "KVM       backend %s%s\n", bench_host_backend(&b->host),
        b->host.backend == BACKEND_PVM
            ? ": code of real mode and of ring 0 is interpreted by the kernel, 64-bit code of ring 3 is not"
            : "");
    fprintf(out,
            "samples   %s of each kind, fewer of slow ones, pinned to processor %u; the counter runs at %.3f "
            "GHz\n",
            number_format(samples, b->config.samples), b->host.pinned_cpu, b->cycles_per_ns);
    fprintf(out, "          times are less the control: two RDTSC, or the guest's jump back\n");
    print_run(out, b, &b->run[0]);
    print_run(out, b, &b->run[1]);
    print_free(out, b);
    fputc('\n', out);
    print_meaning(out, b, &b->run[0]);
    print_meaning(out, b, &b->run[1]);
    double ratio = bare_ratio(b);
    fprintf(out, "A bare loop of KVM_RUN beside it: %s an exit, sampled %s: ratio %.2f, %s.\n",
            svg_format(bare, b->bare.bare_ns, SVG_NS), svg_format(sampled, b->bare.sampled_ns, SVG_NS), ratio,
            ratio > 0.8 && ratio < 1.2 ? "they agree within 20 %"
                                       : "THEY DISAGREE by more than 20 %: the host is too busy");
}

static json_t *json_percentiles(const struct distribution *d, double scale)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f}", "min", (double)d->min * scale, "p10",
                     (double)d->p10 * scale, "p50", (double)d->p50 * scale, "p90", (double)d->p90 * scale,
                     "p99", (double)d->p99 * scale, "max", (double)d->max * scale);
}

static json_t *json_bins(const struct exits_bench *b, const struct distribution *d)
{
    json_t *edges = json_array(), *counts = json_array();
    for (u32 i = 0; d->bins && i <= d->bins; i++)
        json_array_append_new(edges, json_real(ns_of(b, d->edge[i])));
    for (u32 i = 0; i < d->bins; i++)
        json_array_append_new(counts, json_integer((json_int_t)d->count[i]));
    return json_pack("{s:o, s:o, s:i}", "edges_ns", edges, "counts", counts, "beyond", (int)d->beyond);
}

static json_t *json_kind(const struct exits_bench *b, enum exits_kind kind, const struct exits_result *r)
{
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(exits_id(kind)));
    json_object_set_new(o, "name", json_string(exits_text(kind)));
    json_object_set_new(o, "there", json_boolean(r->there));
    if (!r->there) {
        json_object_set_new(o, "why", json_string(r->why ? r->why : "no samples"));
        return o;
    }
    json_object_set_new(o, "ring", json_integer(r->ring3 ? 3 : 0));
    json_object_set_new(o, "samples", json_integer(r->n));
    json_object_set_new(o, "bytes_per_exit", json_integer(r->elements));
    json_object_set_new(o, "control_cycles", json_integer((json_int_t)r->control));
    json_object_set_new(o, "cycles", json_percentiles(&r->net, 1));
    json_object_set_new(o, "ns", json_percentiles(&r->net, 1 / b->cycles_per_ns));
    json_object_set_new(o, "histogram", json_bins(b, &r->net));
    return o;
}

json_t *exits_json(const struct exits_bench *b)
{
    json_t *o = json_object(), *runs = json_array();
    for (u32 i = 0; i < EXITS_RUNS; i++) {
        json_t *kinds = json_array();
        for (int k = 0; k < EXITS_KIND_COUNT; k++)
            json_array_append_new(kinds, json_kind(b, (enum exits_kind)k, &b->run[i].kind[k]));
        json_array_append_new(runs, json_pack("{s:s, s:b, s:o}", "mode", exits_mode_text(b->run[i].mode),
                                              "pinned", (int)b->run[i].pinned, "kinds", kinds));
    }
    json_object_set_new(o, "benchmark", json_string("exits"));
    json_object_set_new(o, "host", bench_host_json(&b->host, b->cycles_per_ns));
    json_object_set_new(o, "runs", runs);
    json_object_set_new(o, "bare_loop",
                        json_pack("{s:f, s:f, s:f}", "bare_ns", b->bare.bare_ns, "sampled_ns",
                                  b->bare.sampled_ns, "ratio", bare_ratio(b)));
    return o;
}

int exits_csv(const struct exits_bench *b, const char *path)
{
    FILE *out = fopen(path, "w");
    if (!out) {
        int rc = -errno;
        log_error("%s: %s", path, strerror(-rc));
        return rc;
    }
    fputs("mode,pinned,kind,sample,cycles,control_cycles\n", out);
    for (u32 i = 0; i < EXITS_RUNS; i++) {
        const struct exits_run *run = &b->run[i];
        for (int k = 0; k < EXITS_KIND_COUNT; k++) {
            const struct exits_result *r = &run->kind[k];
            for (u32 n = 0; r->there && n < r->n; n++)
                fprintf(out, "%s,%d,%s,%u,%llu,%llu\n", exits_mode_text(run->mode), run->pinned,
                        exits_id((enum exits_kind)k), n, (unsigned long long)r->sample[n],
                        (unsigned long long)r->control);
        }
    }
    int rc = ferror(out) ? -EIO : 0;
    if (fclose(out) && !rc)
        rc = -errno;
    if (rc)
        log_error("%s: %s", path, strerror(-rc));
    return rc;
}

static void add_ranges(struct svg *svg, const struct exits_bench *b, const struct exits_run *run)
{
    struct svg_row rows[EXITS_KIND_COUNT];
    double values[EXITS_KIND_COUNT][SVG_RANGE];
    const struct svg_axis axis = {.title = "one round trip", .unit = SVG_NS, .log = true};
    u32 n = 0;
    for (int i = 0; i < EXITS_KIND_COUNT; i++) {
        const struct distribution *d = &run->kind[i].net;
        if (!run->kind[i].there || !d->p50)
            continue;
        const u64 from[SVG_RANGE] = {d->min, d->p10, d->p50, d->p90, d->max};
        for (int k = 0; k < SVG_RANGE; k++)
            values[n][k] = ns_of(b, (double)MAX(from[k], (u64)1));
        rows[n] = (struct svg_row){.name = exits_text((enum exits_kind)i), .value = values[n]};
        n++;
    }
    svg_add_ranges(svg, exits_mode_text(run->mode), &axis, rows, n);
}

static void add_histogram(struct svg *svg, const struct exits_bench *b, const struct exits_run *run,
                          enum exits_kind kind)
{
    const struct exits_result *r = &run->kind[kind];
    const struct svg_axis x = {.title = "one round trip, up to the 99th percentile", .unit = SVG_NS},
                          y = {.title = "samples"};
    double edge[DISTRIBUTION_BINS + 1];
    char title[96];
    if (!r->there || !is_exit(kind))
        return;
    for (u32 i = 0; i <= r->net.bins; i++)
        edge[i] = ns_of(b, r->net.edge[i]);
    snprintf(title, sizeof title, "%s, %s", exits_text(kind), exits_mode_text(run->mode));
    svg_add_histogram(svg, title, &x, &y, edge, r->net.count, r->net.bins, 0);
}

int exits_svg(const struct exits_bench *b, const char *path)
{
    static const enum exits_kind shown[] = {EXITS_cpuid, EXITS_out, EXITS_mmio_write};
    char text[480];
    snprintf(
        text, sizeof text,
        "%s, %s, KVM backend %s, pinned to processor %u. Boxes are from the 10th to the 90th percentile, "
        "marks and numbers are medians, lines go from the least to the greatest.",
        b->host.cpu, b->host.kernel, bench_host_backend(&b->host), b->host.pinned_cpu);
    struct svg *svg = svg_create("bench-exits", "What an exit costs", text);
    if (!svg) {
        log_error("%s: %s", path, strerror(ENOMEM));
        return -ENOMEM;
    }
    svg_add_text(svg, text);
    for (u32 i = 0; i < 2; i++)
        add_ranges(svg, b, &b->run[i]);
    for (size_t k = 0; k < ARRAY_LEN(shown); k++)
        for (u32 i = 0; i < 2; i++)
            add_histogram(svg, b, &b->run[i], shown[k]);
    return svg_finish_file(svg, path);
}
