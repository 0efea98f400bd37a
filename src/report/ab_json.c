/* The comparison as JSON. Memory that runs out leaves values out (see json.c). */
#include "report/ab.h"

#include "report/json.h"

#include <string.h>

static const char *kind_id(enum difference_kind kind)
{
    static const char *const ids[] = {
        [DIFFERENCE_NONE] = "none",     [DIFFERENCE_FAILED] = "failed", [DIFFERENCE_ACCESS] = "access",
        [DIFFERENCE_LENGTH] = "length", [DIFFERENCE_BEYOND] = "beyond", [DIFFERENCE_STOPPED] = "stopped",
        [DIFFERENCE_END] = "end",       [DIFFERENCE_RAM] = "ram",       [DIFFERENCE_FRAME] = "frame",
    };
    return ids[kind];
}

static json_t *access_json(const struct access *access, difference_port_name *port_name)
{
    static const char *const kinds[] = {
        [ACCESS_PORT_IN] = "pio_in",      [ACCESS_PORT_OUT] = "pio_out",
        [ACCESS_MMIO_READ] = "mmio_read", [ACCESS_MMIO_WRITE] = "mmio_write",
        [ACCESS_INTERRUPT] = "interrupt",
    };
    char text[128];
    json_t *o = json_object();
    difference_format_access(text, sizeof text, access, port_name);
    json_object_set_new(o, "kind", json_text(access->kind < ARRAY_LEN(kinds) ? kinds[access->kind] : "?"));
    json_object_set_new(o, "addr", json_integer(access->addr));
    json_object_set_new(o, "size", json_integer(access->size));
    json_object_set_new(o, "value", json_integer(access->value));
    json_object_set_new(o, "text", json_text(text));
    return o;
}

static json_t *side_json(const struct run_stats *s, bool has, const struct access *access,
                         difference_port_name *port_name)
{
    json_t *o = json_object();
    json_object_set_new(o, "variant", json_text(s->variant));
    json_object_set_new(o, "access", has ? access_json(access, port_name) : json_null());
    json_object_set_new(o, "status", json_integer(s->status));
    json_object_set_new(o, "end", json_text(s->end_text));
    return o;
}

/* null if nothing differs. */
static json_t *difference_json(const struct difference *d, difference_port_name *port_name)
{
    char summary[160];
    if (d->kind == DIFFERENCE_NONE)
        return json_null();
    json_t *o = json_object(), *context = json_array();
    difference_summary(summary, sizeof summary, d);
    for (u32 i = 0; i < d->n_context; i++)
        json_array_append_new(context, access_json(&d->context[i], port_name));
    json_object_set_new(o, "kind", json_text(kind_id(d->kind)));
    json_object_set_new(o, "text", json_text(summary));
    json_object_set_new(o, "index", json_integer((json_int_t)d->index));
    json_object_set_new(o, "context", context);
    if (d->ram_located) {
        json_object_set_new(o, "ram_addr", json_integer(d->ram_addr));
        json_object_set_new(o, "ram_differing", json_integer((json_int_t)d->ram_differing));
    }
    json_object_set_new(o, "a", side_json(d->a, d->has_a, &d->record_a, port_name));
    json_object_set_new(o, "b", side_json(d->b, d->has_b, &d->record_b, port_name));
    return o;
}

static json_t *variants_json(const struct ab_report *r)
{
    json_t *array = json_array();
    for (u32 i = 0; i < r->n_variants; i++) {
        json_t *o = json_variant(r->variant[i]);
        json_object_set_new(o, "identical", json_boolean(r->variant_same[i]));
        json_array_append_new(array, o);
    }
    return array;
}

/* A variant's object, and what it is compared with the first. */
static json_t *windows_json(const struct ab_report *r)
{
    json_t *array = json_array();
    for (u32 i = 0; i < r->n_windows; i++) {
        const struct run_stats *s = r->window_run[i];
        json_t *o = json_variant(s);
        json_object_set_new(o, "window", json_integer(r->window[i]));
        json_object_set_new(o, "identical", json_boolean(r->window_same[i]));
        json_object_set_new(o, "ratio",
                            s->exits_total
                                ? json_real((double)r->variant[0]->exits_total / (double)s->exits_total)
                                : json_null());
        json_array_append_new(array, o);
    }
    return array;
}

json_t *ab_json(const struct ab_report *r)
{
    json_t *o = json_object();
    json_object_set_new(o, "guest", json_text(r->guest));
    json_object_set_new(o, "backend", json_text(r->backend));
    json_object_set_new(o, "identical", json_boolean(r->difference.kind == DIFFERENCE_NONE));
    json_object_set_new(o, "first_difference", difference_json(&r->difference, r->port_name));
    json_object_set_new(o, "variants", variants_json(r));
    json_object_set_new(o, "windows", windows_json(r));
    return o;
}
