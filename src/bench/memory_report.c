/* What was measured, as text, JSON, CSV and picture. */
#include "bench/memory.h"

#include "base/log.h"
#include "report/json.h"
#include "report/number.h"
#include "report/svg.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { SIZE_COLUMNS = 10, COLUMNS = 14 };

static bool is_guest(enum memory_place place)
{
    return place != MEMORY_host_small && place != MEMORY_host_huge;
}

/* How many times as long as without a guest; 0: unknown. */
static double slowdown(const struct memory_bench *b, enum memory_place place, enum memory_order order,
                       u32 size)
{
    double host = memory_ns(b, memory_reference(place), order, size);
    if (!host)
        host = memory_ns(b, MEMORY_host_small, order, size);
    return host ? memory_ns(b, place, order, size) / host : 0;
}

static void print_order(FILE *out, const struct memory_bench *b, enum memory_order order)
{
    fprintf(out, "\n%-*s", SIZE_COLUMNS, memory_order_text(order));
    for (int p = 0; p < MEMORY_PLACE_COUNT; p++)
        fprintf(out, "%*s", COLUMNS, memory_column((enum memory_place)p));
    fputc('\n', out);
    for (u32 i = 0; i < b->sizes; i++) {
        char text[SVG_TEXT_BYTES];
        fprintf(out, "%-*s", SIZE_COLUMNS, svg_format(text, (double)b->bytes[i], SVG_BYTES));
        for (int p = 0; p < MEMORY_PLACE_COUNT; p++) {
            double ns = memory_ns(b, (enum memory_place)p, order, i);
            fprintf(out, "%*s", COLUMNS, ns ? svg_format(text, ns, SVG_NS) : "-");
        }
        fputc('\n', out);
    }
}

/* The longest list, where it shows most. */
static void print_meaning(FILE *out, const struct memory_bench *b)
{
    char size[SVG_TEXT_BYTES];
    u32 last = b->sizes - 1;
    svg_format(size, (double)b->bytes[last], SVG_BYTES);
    fputc('\n', out);
    for (int p = 0; p < MEMORY_PLACE_COUNT; p++) {
        enum memory_place place = (enum memory_place)p;
        if (b->why[p])
            fprintf(out, "%s: not here: %s\n", memory_text(place), b->why[p]);
        else if (is_guest(place))
            fprintf(out, "%s: %s at random in %.3gx the host's time, in order in %.3gx\n", memory_text(place),
                    size, slowdown(b, place, MEMORY_RANDOM, last),
                    slowdown(b, place, MEMORY_SEQUENTIAL, last));
    }
}

/* Code of 32-bit guests goes another way where KVM interprets it. */
static bool kvm_interprets(const struct memory_bench *b)
{
    double guest = memory_ns(b, MEMORY_flat_kvm, MEMORY_SEQUENTIAL, 0),
           host = memory_ns(b, MEMORY_host_small, MEMORY_SEQUENTIAL, 0);
    enum { FAR_SLOWER = 20 }; /* in a list that the first cache holds */
    return host && guest > host * FAR_SLOWER;
}

static const char *backend_note(const struct memory_bench *b)
{
    return kvm_interprets(b)
               ? "this KVM interprets 32-bit guests: their curve is the interpreter's, not memory's"
               : "all guests run on the processor itself";
}

void memory_print(FILE *out, const struct memory_bench *b)
{
    fprintf(out, "What memory costs a guest: following a list of elements of 64 bytes, time for each\n\n");
    fprintf(out, "host      %s, %s; processor %u\n", b->host.cpu, b->host.kernel, b->host.pinned_cpu);
    fprintf(out, "KVM       backend %s; %s\n", bench_host_backend(&b->host), backend_note(b));
    fprintf(out, "cycles    %.3f in a nanosecond\n", b->cycles_per_ns);
    print_order(out, b, MEMORY_SEQUENTIAL);
    print_order(out, b, MEMORY_RANDOM);
    print_meaning(out, b);
}

static json_t *json_points(const struct memory_bench *b, enum memory_place place, enum memory_order order)
{
    json_t *points = json_array();
    for (u32 i = 0; i < b->sizes; i++) {
        const struct memory_point *p = &b->point[place][order][i];
        if (!p->elements)
            continue;
        json_t *o = json_object();
        json_object_set_new(o, "bytes", json_integer((json_int_t)b->bytes[i]));
        json_object_set_new(o, "elements", json_integer((json_int_t)p->elements));
        json_object_set_new(o, "cycles", json_integer((json_int_t)p->cycles));
        json_object_set_new(o, "ns_per_element", json_real(memory_ns(b, place, order, i)));
        if (is_guest(place))
            json_object_set_new(o, "slowdown", json_real(slowdown(b, place, order, i)));
        json_array_append_new(points, o);
    }
    return points;
}

json_t *memory_json(const struct memory_bench *b)
{
    json_t *o = json_object(), *places = json_array();
    for (int p = 0; p < MEMORY_PLACE_COUNT; p++) {
        enum memory_place place = (enum memory_place)p;
        json_t *one = json_object();
        json_object_set_new(one, "id", json_string(memory_id(place)));
        json_object_set_new(one, "name", json_string(memory_text(place)));
        json_object_set_new(one, "there", json_boolean(!b->why[p]));
        if (b->why[p])
            json_object_set_new(one, "why", json_string(b->why[p]));
        for (int order = 0; order < MEMORY_ORDERS; order++)
            json_object_set_new(one, memory_order_text((enum memory_order)order),
                                json_points(b, place, (enum memory_order)order));
        json_array_append_new(places, one);
    }
    json_object_set_new(o, "benchmark", json_string("memory"));
    json_object_set_new(o, "host", bench_host_json(&b->host, b->cycles_per_ns));
    json_object_set_new(o, "kvm_interprets", json_boolean(kvm_interprets(b)));
    json_object_set_new(o, "element_bytes", json_integer(MEMORY_LINE));
    json_object_set_new(o, "places", places);
    return o;
}

int memory_csv(const struct memory_bench *b, const char *path)
{
    FILE *out = fopen(path, "w");
    if (!out) {
        int rc = -errno;
        log_error("%s: %s", path, strerror(-rc));
        return rc;
    }
    fputs("place,order,bytes,elements,cycles,ns_per_element\n", out);
    for (int p = 0; p < MEMORY_PLACE_COUNT; p++) {
        for (int order = 0; order < MEMORY_ORDERS; order++) {
            for (u32 i = 0; i < b->sizes; i++) {
                const struct memory_point *point = &b->point[p][order][i];
                if (point->elements)
                    fprintf(out, "%s,%s,%llu,%llu,%llu,%.4f\n", memory_id((enum memory_place)p),
                            memory_order_text((enum memory_order)order), (unsigned long long)b->bytes[i],
                            (unsigned long long)point->elements, (unsigned long long)point->cycles,
                            memory_ns(b, (enum memory_place)p, (enum memory_order)order, i));
            }
        }
    }
    int rc = ferror(out) ? -EIO : 0;
    if (fclose(out) && !rc)
        rc = -errno;
    if (rc)
        log_error("%s: %s", path, strerror(-rc));
    return rc;
}

typedef double value_of(const struct memory_bench *b, enum memory_place place, enum memory_order order,
                        u32 size);

static void add_chart(struct svg *svg, const struct memory_bench *b, enum memory_order order,
                      const char *title, const struct svg_axis *y, value_of *value, bool guests_only)
{
    const struct svg_axis x = {.title = "length of the list", .unit = SVG_BYTES, .log = true};
    struct svg_point point[MEMORY_PLACE_COUNT][MEMORY_SIZES_MAX];
    struct svg_series series[MEMORY_PLACE_COUNT];
    u32 n = 0;
    for (int p = 0; p < MEMORY_PLACE_COUNT; p++) {
        if (b->why[p] || (guests_only && !is_guest((enum memory_place)p)))
            continue;
        for (u32 i = 0; i < b->sizes; i++)
            point[n][i] = (struct svg_point){(double)b->bytes[i], value(b, (enum memory_place)p, order, i)};
        series[n] = (struct svg_series){.name = memory_text((enum memory_place)p),
                                        .point = point[n],
                                        .n = b->sizes,
                                        .colour = (u32)p,
                                        .dashed = !is_guest((enum memory_place)p)};
        n++;
    }
    svg_add_lines(svg, title, &x, y, series, n);
}

int memory_svg(const struct memory_bench *b, const char *path)
{
    const struct svg_axis ns = {.title = "time for each element", .unit = SVG_NS, .log = true},
                          times = {.title = "as many times as long as in the host",
                                   .unit = SVG_RATIO,
                                   .log = true};
    char text[320];
    snprintf(text, sizeof text, "%s, %s, KVM backend %s; %s.", b->host.cpu, b->host.kernel,
             bench_host_backend(&b->host), backend_note(b));
    struct svg *svg = svg_create("bench-memory", "What memory costs a guest", text);
    if (!svg) {
        log_error("%s: %s", path, strerror(ENOMEM));
        return -ENOMEM;
    }
    svg_add_text(svg, text);
    add_chart(svg, b, MEMORY_RANDOM, "A list in random order", &ns, memory_ns, false);
    add_chart(svg, b, MEMORY_SEQUENTIAL, "A list in order", &ns, memory_ns, false);
    add_chart(svg, b, MEMORY_RANDOM, "Slowdown, random order", &times, slowdown, true);
    add_chart(svg, b, MEMORY_SEQUENTIAL, "Slowdown, in order", &times, slowdown, true);
    return svg_finish_file(svg, path);
}
