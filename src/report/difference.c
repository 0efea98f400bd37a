/* Comparing two runs. The stream comes first: what differs earliest is nearest to the cause, and a different
 * stream makes everything after it different. */
#include "report/difference.h"

#include "report/number.h"
#include "report/table.h"

#include <string.h>

static bool same_record(const struct access *a, const struct access *b)
{
    return a->addr == b->addr && a->value == b->value && a->kind == b->kind && a->size == b->size;
}

static u64 first_differing(struct records a, struct records b)
{
    u64 n = MIN(a.count, b.count);
    for (u64 i = 0; i < n; i++)
        if (!same_record(&a.first[i], &b.first[i]))
            return i;
    return n;
}

static bool stopped_from_outside(const struct run_stats *s)
{
    return s->end == RUN_END_TIMEOUT || s->end == RUN_END_SIGNAL;
}

static void set_context(struct difference *d, struct records a)
{
    u64 from = d->index > DIFFERENCE_CONTEXT ? d->index - DIFFERENCE_CONTEXT : 0;
    d->n_context = (u32)(d->index - from);
    for (u32 i = 0; i < d->n_context; i++)
        d->context[i] = a.first[from + i];
}

static void set_records(struct difference *d, struct records a, struct records b)
{
    d->has_a = d->index < a.count;
    d->has_b = d->index < b.count;
    if (d->has_a)
        d->record_a = a.first[d->index];
    if (d->has_b)
        d->record_b = b.first[d->index];
    set_context(d, a);
}

/* The streams are known to differ; where? */
static enum difference_kind find_in_streams(struct difference *d, struct records a, struct records b)
{
    d->index = first_differing(a, b);
    set_records(d, a, b);
    if (d->has_a && d->has_b)
        return DIFFERENCE_ACCESS;
    bool a_shorter = d->a->stream_count < d->b->stream_count;
    if (stopped_from_outside(a_shorter ? d->a : d->b))
        return DIFFERENCE_STOPPED;
    /* A side without this record has ended, or its records were not kept so far. */
    if ((!d->has_a && a.count < d->a->stream_count) || (!d->has_b && b.count < d->b->stream_count) ||
        d->has_a == d->has_b)
        return DIFFERENCE_BEYOND;
    return DIFFERENCE_LENGTH;
}

/* The streams are known to be the same; what do they leave? */
static enum difference_kind find_at_end(const struct run_stats *a, const struct run_stats *b)
{
    if (a->end != b->end || a->status != b->status)
        return DIFFERENCE_END;
    if (a->ram_hash != b->ram_hash)
        return DIFFERENCE_RAM;
    if (a->frame_hash != b->frame_hash || a->frame_width != b->frame_width ||
        a->frame_height != b->frame_height)
        return DIFFERENCE_FRAME;
    return DIFFERENCE_NONE;
}

static enum difference_kind classify(struct difference *d, struct records records_a, struct records records_b)
{
    const struct run_stats *a = d->a, *b = d->b;
    if (a->end == RUN_END_HOST_ERROR || b->end == RUN_END_HOST_ERROR)
        return DIFFERENCE_FAILED;
    if (a->stream_count != b->stream_count || a->stream_hash != b->stream_hash)
        return find_in_streams(d, records_a, records_b);
    enum difference_kind kind = find_at_end(a, b);
    if (kind == DIFFERENCE_NONE || (!stopped_from_outside(a) && !stopped_from_outside(b)))
        return kind;
    d->index = a->stream_count; /* stopped between two accesses, at different places */
    return DIFFERENCE_STOPPED;
}

void difference_find(struct difference *d, const struct run_stats *a, struct records records_a,
                     const struct run_stats *b, struct records records_b)
{
    memset(d, 0, sizeof *d);
    d->a = a;
    d->b = b;
    d->kind = classify(d, records_a, records_b);
}

void difference_locate_ram(struct difference *d, const u8 *a, const u8 *b, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++) {
        if (a[i] == b[i])
            continue;
        if (!d->ram_located)
            d->ram_addr = i;
        d->ram_located = true;
        d->ram_differing++;
    }
    if (!d->ram_located)
        return;
    u32 n = MIN(bytes - d->ram_addr, DIFFERENCE_RAM_BYTES);
    memcpy(d->ram_a, a + d->ram_addr, n);
    memcpy(d->ram_b, b + d->ram_addr, n);
}

static const char *access_verb(u8 kind)
{
    static const char *const verbs[] = {
        [ACCESS_PORT_IN] = "port read",     [ACCESS_PORT_OUT] = "port write",
        [ACCESS_MMIO_READ] = "memory read", [ACCESS_MMIO_WRITE] = "memory write",
        [ACCESS_INTERRUPT] = "interrupt",
    };
    return kind < ARRAY_LEN(verbs) ? verbs[kind] : "?";
}

static void format_where(char *text, size_t size, const struct access *r, difference_port_name *port_name)
{
    bool memory = r->kind == ACCESS_MMIO_READ || r->kind == ACCESS_MMIO_WRITE;
    bool port = r->kind == ACCESS_PORT_IN || r->kind == ACCESS_PORT_OUT;
    const char *name = port && port_name ? port_name((u16)r->addr) : NULL;
    int digits = memory ? 5 : port ? 3 : 2;
    snprintf(text, size, "%0*Xh%s%s%s", digits, r->addr, name ? " (" : "", name ? name : "", name ? ")" : "");
}

void difference_format_access(char *text, size_t size, const struct access *r,
                              difference_port_name *port_name)
{
    char where[64];
    format_where(where, sizeof where, r, port_name);
    if (r->kind == ACCESS_INTERRUPT)
        snprintf(text, size, "interrupt %s", where);
    else
        snprintf(text, size, "%s %s: %0*Xh", access_verb(r->kind), where, r->size * 2, r->value);
}

void difference_summary(char *text, size_t size, const struct difference *d)
{
    char index[NUMBER_BYTES];
    number_format(index, d->index);
    switch (d->kind) {
    case DIFFERENCE_NONE:
        snprintf(text, size, "nothing the guest can see differs");
        break;
    case DIFFERENCE_FAILED:
        snprintf(text, size, "not both could be run");
        break;
    case DIFFERENCE_ACCESS:
        snprintf(text, size, "they part at access %s", index);
        break;
    case DIFFERENCE_LENGTH:
        snprintf(text, size, "%s stops after %s accesses, %s goes on",
                 d->has_a ? d->b->variant : d->a->variant, index, d->has_a ? d->a->variant : d->b->variant);
        break;
    case DIFFERENCE_BEYOND:
        snprintf(text, size, "accesses differ somewhere behind the first %s, which is all that was kept",
                 index);
        break;
    case DIFFERENCE_STOPPED:
        snprintf(text, size, "stopped before the end; the same as far as both went, %s accesses", index);
        break;
    case DIFFERENCE_END:
        snprintf(text, size, "the same accesses, but another end");
        break;
    case DIFFERENCE_RAM:
        snprintf(text, size, "the same accesses, but final memory differs");
        break;
    case DIFFERENCE_FRAME:
        snprintf(text, size, "the same accesses and memory, but the final picture differs");
        break;
    }
}

static void add_record(struct table *t, const char *who, u64 index, const struct access *r,
                       difference_port_name *port_name)
{
    char where[64], number[NUMBER_BYTES];
    format_where(where, sizeof where, r, port_name);
    table_row(t, "%s", who);
    table_cell(t, 1, "%s", number_format(number, index));
    table_cell(t, 2, "%s", access_verb(r->kind));
    table_cell(t, 3, "%s", where);
    if (r->kind != ACCESS_INTERRUPT)
        table_cell(t, 4, "%0*Xh", r->size * 2, r->value);
}

static void add_side(struct table *t, const struct run_stats *s, bool has, u64 index, const struct access *r,
                     difference_port_name *port_name)
{
    if (has) {
        add_record(t, s->variant, index, r, port_name);
        return;
    }
    table_row(t, "%s", s->variant);
    table_cell(t, 2, "(nothing more)");
}

bool difference_table_records(struct table *t, const struct difference *d, difference_port_name *port_name)
{
    if (d->kind != DIFFERENCE_ACCESS && d->kind != DIFFERENCE_LENGTH)
        return false;
    table_init(t, "lrllr");
    table_row(t, "%s", "");
    table_cell(t, 1, "access");
    table_cell(t, 4, "value");
    for (u32 i = 0; i < d->n_context; i++)
        add_record(t, "both", d->index - d->n_context + i, &d->context[i], port_name);
    if (d->has_a || d->has_b) {
        add_side(t, d->a, d->has_a, d->index, &d->record_a, port_name);
        add_side(t, d->b, d->has_b, d->index, &d->record_b, port_name);
    }
    return true;
}

bool difference_table_ends(struct table *t, const struct difference *d)
{
    if (d->a->end == d->b->end && d->a->status == d->b->status && d->kind != DIFFERENCE_FAILED &&
        d->kind != DIFFERENCE_STOPPED)
        return false;
    table_init(t, "lrl");
    table_row(t, "%s", "");
    table_cell(t, 1, "status");
    table_cell(t, 2, "end");
    for (u32 i = 0; i < 2; i++) {
        const struct run_stats *s = i ? d->b : d->a;
        table_row(t, "%s", s->variant);
        table_cell(t, 1, "%d", s->status);
        table_cell(t, 2, "%s", s->end_text);
    }
    return true;
}

static void print_hashes(FILE *out, const struct difference *d, u64 a, u64 b)
{
    fprintf(out, "  %s %016llx, %s %016llx\n", d->a->variant, (unsigned long long)a, d->b->variant,
            (unsigned long long)b);
}

static void print_bytes(FILE *out, const char *who, const u8 *bytes)
{
    fprintf(out, "  %-12s", who);
    for (u32 i = 0; i < DIFFERENCE_RAM_BYTES; i++)
        fprintf(out, " %02x", bytes[i]);
    fputc('\n', out);
}

static void print_ram(FILE *out, const struct difference *d)
{
    char differing[NUMBER_BYTES];
    if (!d->ram_located) {
        print_hashes(out, d, d->a->ram_hash, d->b->ram_hash);
        return;
    }
    fprintf(out, "  %s bytes differ, the first at %08Xh:\n", number_format(differing, d->ram_differing), d->ram_addr);
    print_bytes(out, d->a->variant, d->ram_a);
    print_bytes(out, d->b->variant, d->ram_b);
}

void difference_print(FILE *out, const struct difference *d, difference_port_name *port_name)
{
    char summary[160];
    struct table t;
    if (d->kind == DIFFERENCE_NONE)
        return;
    difference_summary(summary, sizeof summary, d);
    fprintf(out, "%s %s and %s: %s\n", d->kind == DIFFERENCE_STOPPED ? "Between" : "First difference between",
            d->a->variant, d->b->variant, summary);
    if (difference_table_records(&t, d, port_name))
        table_print(out, &t, 2);
    if (d->kind == DIFFERENCE_RAM)
        print_ram(out, d);
    if (d->kind == DIFFERENCE_FRAME)
        print_hashes(out, d, d->a->frame_hash, d->b->frame_hash);
    if (difference_table_ends(&t, d))
        table_print(out, &t, 2);
}
