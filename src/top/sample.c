/* See sample.h. */
#include "top/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_ids[EXIT_KIND_COUNT] = {
#define X(id, text) [EXIT_##id] = #id,
    EXIT_KINDS(X)
#undef X
};

/* --- reading --- */

static u64 number(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (u64)value : 0;
}

/* Names come from the guest's side: nothing but ASCII goes to the terminal. */
static void set_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
    for (; *to; to++)
        if (*to < ' ' || *to > '~')
            *to = '?';
}

static void name_place(struct top_item *item, const json_t *site)
{
    enum { REAL_MODE_END = 0x10000, PARAGRAPH = 16, REACH = 0xffff };
    const char *insn = json_string_value(json_object_get(site, "instruction"));
    u64 linear = number(site, "linear"), ip = number(site, "ip");
    u64 base = json_object_get(site, "cs_base") ? number(site, "cs_base") : linear - ip;
    char text[TOP_NAME_BYTES];
    if (base % PARAGRAPH == 0 && base / PARAGRAPH <= REACH && ip <= REACH)
        snprintf(text, sizeof text, "%04X:%04X %.48s", (u32)(base / PARAGRAPH), (u32)ip, insn ? insn : "?");
    else
        snprintf(text, sizeof text, " %08X %.48s", (u32)linear, insn ? insn : "?");
    set_text(item->name, sizeof item->name, text);
    item->key = linear << 1 | json_is_true(json_object_get(site, "after"));
}

static void name_target(struct top_item *item, const json_t *target)
{
    set_text(item->name, sizeof item->name, json_string_value(json_object_get(target, "name")));
    item->key = number(target, "addr") << 1 | json_is_true(json_object_get(target, "memory"));
}

static void parse_list(struct top_list *list, const json_t *array, const char *count,
                       void (*name)(struct top_item *item, const json_t *value))
{
    size_t i;
    json_t *value;
    list->n = 0;
    json_array_foreach(array, i, value)
    {
        if (list->n == RUN_TOP)
            return;
        struct top_item *item = &list->item[list->n++];
        *item = (struct top_item){.count = number(value, count)};
        name(item, value);
    }
}

void top_sample_parse(struct top_sample *s, const json_t *stats)
{
    const json_t *exits = json_object_get(stats, "exits"), *host = json_object_get(stats, "host_ns");
    const char *status = json_string_value(json_object_get(stats, "status"));
    *s = (struct top_sample){
        .running = status && strcmp(status, "running") == 0,
        .host_ns = number(host, "total"),
        .kvm_ns = number(host, "kvm"),
        .cluster_ns = number(host, "cluster"),
        .device_ns = number(host, "devices"),
        .virtual_ns = number(stats, "virtual_ns"),
        .exits = number(exits, "total"),
        .avoided = number(stats, "avoided"),
        .accesses = number(stats, "accesses"),
        .instructions = number(stats, "instructions"),
        .interrupts = number(stats, "interrupts"),
    };
    set_text(s->guest, sizeof s->guest, json_string_value(json_object_get(stats, "guest")));
    set_text(s->level, sizeof s->level, json_string_value(json_object_get(stats, "level")));
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++)
        s->kind[i] = number(exits, kind_ids[i]);
    parse_list(&s->targets, json_object_get(stats, "targets"), "exits", name_target);
    parse_list(&s->sites, json_object_get(stats, "sites"), "exits", name_place);
    parse_list(&s->avoided_sites, json_object_get(stats, "avoided_sites"), "avoided", name_place);
}

/* --- rates --- */

/* What an item had before. One that was not among the first then had at most as much as the last of them. */
static u64 count_before(const struct top_list *list, const struct top_item *item)
{
    for (u32 i = 0; i < list->n; i++)
        if (list->item[i].key == item->key && strcmp(list->item[i].name, item->name) == 0)
            return list->item[i].count;
    return list->n == RUN_TOP ? list->item[RUN_TOP - 1].count : 0;
}

static int by_rate(const void *a, const void *b)
{
    const struct top_item *x = a, *y = b;
    if (x->rate != y->rate)
        return x->rate < y->rate ? 1 : -1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static double per_second(u64 before, u64 after, double seconds)
{
    return after > before ? (double)(after - before) / seconds : 0;
}

static void rate_list(struct top_list *out, const struct top_list *before, const struct top_list *after,
                      double seconds)
{
    out->n = 0;
    for (u32 i = 0; i < after->n; i++) {
        struct top_item item = after->item[i];
        item.rate = per_second(count_before(before, &item), item.count, seconds);
        if (item.rate > 0)
            out->item[out->n++] = item;
    }
    qsort(out->item, out->n, sizeof out->item[0], by_rate);
}

void top_rates(struct top_rates *r, const struct top_sample *a, const struct top_sample *b)
{
    *r = (struct top_rates){.seconds = 0};
    if (b->host_ns <= a->host_ns)
        return;
    double s = r->seconds = (double)(b->host_ns - a->host_ns) / NS_PER_S,
           ns = (double)(b->host_ns - a->host_ns);
    r->exits = per_second(a->exits, b->exits, s);
    r->avoided = per_second(a->avoided, b->avoided, s);
    r->accesses = per_second(a->accesses, b->accesses, s);
    r->instructions = per_second(a->instructions, b->instructions, s);
    r->interrupts = per_second(a->interrupts, b->interrupts, s);
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++)
        r->kind[i] = per_second(a->kind[i], b->kind[i], s);
    r->kvm = MIN(per_second(a->kvm_ns, b->kvm_ns, ns), 1.0);
    r->cluster = MIN(per_second(a->cluster_ns, b->cluster_ns, ns), 1.0);
    r->device = MIN(per_second(a->device_ns, b->device_ns, ns), 1.0);
    r->elsewhere = MAX(1 - r->kvm - r->cluster - r->device, 0.0);
    r->speed = per_second(a->virtual_ns, b->virtual_ns, ns);
    rate_list(&r->targets, &a->targets, &b->targets, s);
    rate_list(&r->sites, &a->sites, &b->sites, s);
    rate_list(&r->avoided_sites, &a->avoided_sites, &b->avoided_sites, s);
}

static json_t *list_json(const struct top_list *list)
{
    json_t *array = json_array();
    for (u32 i = 0; i < list->n; i++)
        json_array_append_new(
            array, json_pack("{s:s,s:f}", "name", list->item[i].name, "per_second", list->item[i].rate));
    return array;
}

json_t *top_rates_json(const struct top_rates *r)
{
    json_t *kinds = json_object();
    for (u32 i = 0; i < EXIT_KIND_COUNT; i++)
        json_object_set_new(kinds, kind_ids[i], json_real(r->kind[i]));
    return json_pack("{s:f,s:f,s:f,s:f,s:f,s:f,s:o,s:{s:f,s:f,s:f,s:f},s:f,s:o,s:o,s:o}", "seconds",
                     r->seconds, "exits", r->exits, "avoided", r->avoided, "accesses", r->accesses,
                     "instructions", r->instructions, "interrupts", r->interrupts, "kinds", kinds, "time",
                     "kvm", r->kvm, "cluster", r->cluster, "devices", r->device, "elsewhere", r->elsewhere,
                     "speed", r->speed, "targets", list_json(&r->targets), "sites", list_json(&r->sites),
                     "avoided_sites", list_json(&r->avoided_sites));
}
