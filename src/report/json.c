/* struct run_stats -> JSON. Jansson takes NULL where a value could not be made and fails the call that gets
 * it, so what is missing for want of memory is missing in the file; nothing here dereferences it. */
#include "report/json.h"

#include "base/log.h"
#include "report/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void json_set_u64(json_t *object, const char *key, u64 value)
{
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

json_t *json_text(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    char *ascii = strdup(text);
    for (char *p = ascii; p && *p; p++)
        if (*p & 0x80)
            *p = '?';
    string = ascii ? json_string(ascii) : NULL;
    free(ascii);
    return string;
}

static void set_text(json_t *object, const char *key, const char *text)
{
    json_object_set_new(object, key, json_text(text));
}

static void set_hash(json_t *object, const char *key, u64 hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016llx", (unsigned long long)hash);
    set_text(object, key, text);
}

static json_t *json_exits(const struct run_stats *s)
{
    json_t *o = json_object();
    json_set_u64(o, "total", s->exits_total);
#define X(id, text) json_set_u64(o, #id, s->exits[EXIT_##id]);
    EXIT_KINDS(X)
#undef X
    return o;
}

static json_t *json_leaves(const struct cluster_stats *c)
{
    json_t *o = json_object();
#define X(id, text) json_set_u64(o, #id, c->leave[LEAVE_##id]);
    CLUSTER_LEAVES(X)
#undef X
    return o;
}

static json_t *json_misses(const struct cluster_stats *c)
{
    json_t *o = json_object();
#define X(id, text) json_set_u64(o, #id, c->miss[MISS_##id]);
    CLUSTER_MISSES(X)
#undef X
    return o;
}

static json_t *json_stops(const struct cluster_stats *c)
{
    json_t *array = json_array();
    for (u32 i = 0; i < CLUSTER_STOP_KINDS && c->stop[i].count; i++) {
        json_t *o = json_object();
        set_text(o, "mnemonic", c->stop[i].mnemonic);
        json_set_u64(o, "count", c->stop[i].count);
        json_array_append_new(array, o);
    }
    return array;
}

static json_t *json_clusters(const struct cluster_stats *c)
{
    json_t *o = json_object();
    json_set_u64(o, "formed", c->formed);
    json_set_u64(o, "formed_instructions", c->formed_instructions);
    json_set_u64(o, "runs", c->runs);
    json_set_u64(o, "instructions", c->instructions);
    json_set_u64(o, "exits_avoided", c->exits_avoided);
    json_object_set_new(o, "left", json_leaves(c));
    json_object_set_new(o, "not_run", json_misses(c));
    json_object_set_new(o, "stops", json_stops(c));
    return o;
}

/* null: the executor translates nothing. */
static json_t *json_translation(const struct run_translation *t)
{
    static const struct run_translation none;
    if (!memcmp(t, &none, sizeof none))
        return json_null();
    json_t *o = json_object();
    json_set_u64(o, "translations", t->translations);
    json_set_u64(o, "instructions", t->instructions);
    json_set_u64(o, "code_bytes", t->code_bytes);
    json_set_u64(o, "host_ns", t->host_ns);
    json_set_u64(o, "flushes", t->flushes);
    json_set_u64(o, "faults", t->faults);
    json_set_u64(o, "recompiled", t->recompiled);
    json_set_u64(o, "interpreted", t->interpreted);
    json_set_u64(o, "failed", t->failed);
    return o;
}

static json_t *json_host_ns(const struct run_stats *s)
{
    json_t *o = json_object();
    json_set_u64(o, "total", s->host_ns_total);
    json_set_u64(o, "kvm", s->host_ns_kvm);
    json_set_u64(o, "devices", s->host_ns_devices);
    json_set_u64(o, "cluster", s->host_ns_cluster);
    return o;
}

static json_t *json_targets(const struct run_stats *s)
{
    json_t *array = json_array();
    for (u32 i = 0; i < RUN_TOP && s->targets[i].exits; i++) {
        json_t *o = json_object();
        set_text(o, "name", s->targets[i].name);
        json_object_set_new(o, "memory", json_boolean(s->targets[i].memory));
        json_set_u64(o, "addr", s->targets[i].addr);
        json_set_u64(o, "exits", s->targets[i].exits);
        json_array_append_new(array, o);
    }
    return array;
}

static json_t *json_sites(const struct run_stats *s)
{
    json_t *array = json_array();
    for (u32 i = 0; i < RUN_TOP && s->sites[i].exits; i++) {
        json_t *o = json_object();
        json_set_u64(o, "cs", s->sites[i].cs);
        json_set_u64(o, "ip", s->sites[i].ip);
        json_set_u64(o, "linear", s->sites[i].linear);
        json_object_set_new(o, "after", json_boolean(s->sites[i].after));
        set_text(o, "instruction", s->sites[i].text);
        json_set_u64(o, "exits", s->sites[i].exits);
        json_array_append_new(array, o);
    }
    return array;
}

static const char *end_id(enum run_end end)
{
    static const char *const ids[] = {
        [RUN_END_EXIT_PORT] = "exit_port",
        [RUN_END_PROGRAM] = "program",
        [RUN_END_TEXT] = "text",
        [RUN_END_FRAMES] = "frames",
        [RUN_END_SCRIPT] = "script",
        [RUN_END_TIMEOUT] = "timeout",
        [RUN_END_SIGNAL] = "signal",
        [RUN_END_CRASH] = "crash",
        [RUN_END_CHECK] = "check",
        [RUN_END_HOST_ERROR] = "host_error",
        [RUN_END_DISPLAY] = "display",
        [RUN_END_CONTROL] = "control",
        [RUN_END_SCRIPT_FAILED] = "script_failed",
    };
    return (u32)end < ARRAY_LEN(ids) && ids[end] ? ids[end] : "unknown";
}

static json_t *json_end(const struct run_stats *s)
{
    json_t *o = json_object();
    set_text(o, "reason", end_id(s->end));
    json_set_u64(o, "status", (u64)s->status);
    set_text(o, "text", s->end_text);
    return o;
}

static json_t *json_result(const struct run_stats *s)
{
    json_t *o = json_object();
    json_set_u64(o, "stream_count", s->stream_count);
    set_hash(o, "stream_hash", s->stream_hash);
    set_hash(o, "ram_hash", s->ram_hash);
    set_hash(o, "frame_hash", s->frame_hash);
    json_set_u64(o, "frame_width", s->frame_width);
    json_set_u64(o, "frame_height", s->frame_height);
    return o;
}

static json_t *json_check(const struct run_check *check)
{
    json_t *o = json_object();
    json_set_u64(o, "compared", check->compared);
    json_set_u64(o, "not_comparable", check->not_comparable);
    json_set_u64(o, "differences", check->differences);
    return o;
}

static json_t *json_window(const struct run_window *window)
{
    json_t *o = json_object();
    json_set_u64(o, "opened", window->opened);
    json_set_u64(o, "closed", window->closed);
    json_set_u64(o, "synced", window->synced);
    return o;
}

static json_t *json_net(const struct run_net *net)
{
    json_t *o = json_object(), *dropped = json_object(), *trips = json_object();
    set_text(o, "name", net->name);
    json_set_u64(o, "sent", net->sent);
    json_set_u64(o, "sent_bytes", net->sent_bytes);
    json_set_u64(o, "received", net->received);
    json_set_u64(o, "received_bytes", net->received_bytes);
#define X(id, text) json_set_u64(dropped, #id, net->dropped[NET_DROP_##id]);
    NET_DROPS(X)
#undef X
    json_object_set_new(o, "dropped", dropped);
    json_set_u64(trips, "count", net->trips);
    json_set_u64(trips, "exits", net->trip_exits);
    json_set_u64(trips, "accesses", net->trip_accesses);
    json_set_u64(trips, "host_ns", net->trip_ns);
    json_object_set_new(o, "round_trips", trips);
    return o;
}

static json_t *json_horizon(const struct run_horizon *h)
{
    json_t *o = json_object(), *points = json_array();
    if (h->instructions == UINT64_MAX)
        json_object_set_new(o, "instructions", json_null());
    else
        json_set_u64(o, "instructions", h->instructions);
    json_set_u64(o, "exit_ns", h->exit_ns);
    json_set_u64(o, "guest_ps", h->guest_ps);
    json_set_u64(o, "translated_ps", h->translated_ps);
    for (u32 i = 0; i < RUN_TOP && h->leave_point[i].leaves; i++) {
        const struct run_leave_point *p = &h->leave_point[i];
        json_t *point = json_object();
        json_set_u64(point, "linear", p->linear);
        json_set_u64(point, "leaves", p->leaves);
        json_set_u64(point, "kvm_ns", p->kvm_ns);
        json_set_u64(point, "horizons", p->horizons);
        json_array_append_new(points, point);
    }
    json_object_set_new(o, "leave_points", points);
    return o;
}

/* Counts per bucket, from start_ns on. */
static json_t *json_timeline(const struct run_timeline *t)
{
    json_t *o = json_object(), *accesses = json_array(), *exits = json_array(), *avoided = json_array();
    json_set_u64(o, "start_ns", t->start_ns);
    json_set_u64(o, "width_ns", t->width_ns);
    for (u32 i = 0; i < t->used; i++) {
        json_array_append_new(accesses, json_integer((json_int_t)t->bucket[i].accesses));
        json_array_append_new(exits, json_integer((json_int_t)t->bucket[i].exits));
        json_array_append_new(avoided, json_integer((json_int_t)t->bucket[i].avoided));
    }
    json_object_set_new(o, "accesses", accesses);
    json_object_set_new(o, "exits", exits);
    json_object_set_new(o, "exits_avoided", avoided);
    return o;
}

json_t *json_variant(const struct run_stats *s)
{
    json_t *o = json_object();
    set_text(o, "name", s->variant);
    json_object_set_new(o, "end", json_end(s));
    json_object_set_new(o, "exits", json_exits(s));
    json_set_u64(o, "kvm_run", s->kvm_run);
    json_set_u64(o, "completions", s->completions);
    json_set_u64(o, "ioctls", s->ioctls);
    json_set_u64(o, "accesses", s->accesses);
    json_set_u64(o, "interrupts", s->interrupts);
    json_set_u64(o, "pending_instructions", s->pending_instructions);
    json_set_u64(o, "rescued_instructions", s->rescued_instructions);
    json_set_u64(o, "time_nudges", s->time_nudges);
    json_set_u64(o, "spins", s->spins);
    json_set_u64(o, "polls", s->polls);
    json_set_u64(o, "sleeps", s->sleeps);
    set_text(o, "executor", s->executor);
    json_object_set_new(o, "clusters", json_clusters(&s->clusters));
    json_object_set_new(o, "translation", json_translation(&s->translation));
    json_object_set_new(o, "display_window", json_window(&s->window));
    if (s->horizon.instructions)
        json_object_set_new(o, "horizon", json_horizon(&s->horizon));
    if (s->net.name[0])
        json_object_set_new(o, "net", json_net(&s->net));
    if (s->check.on)
        json_object_set_new(o, "check", json_check(&s->check));
    if (s->explain.on)
        json_object_set_new(o, "explain", explain_json(&s->explain));
    json_object_set_new(o, "host_ns", json_host_ns(s));
    json_set_u64(o, "cpu_ns", s->cpu_ns);
    json_set_u64(o, "virtual_ns", s->virtual_ns);
    if (s->timeline.width_ns)
        json_object_set_new(o, "timeline", json_timeline(&s->timeline));
    json_object_set_new(o, "result", json_result(s));
    json_object_set_new(o, "targets", json_targets(s));
    json_object_set_new(o, "sites", json_sites(s));
    return o;
}

int json_write(const json_t *json, const char *path)
{
    FILE *file = json ? fopen(path, "w") : NULL;
    int rc = !json ? -ENOMEM : !file ? -errno : 0;
    if (!rc && (json_dumpf(json, file, JSON_INDENT(2)) || fputc('\n', file) == EOF))
        rc = -EIO;
    if (file && fclose(file) && !rc)
        rc = -errno;
    if (rc)
        log_error("%s: cannot be written: %s", path, strerror(-rc));
    return rc;
}
