/* The commands: which there are, what they take, what they do to the guest and what they return. Names,
 * arguments and results are QEMU's (QMP reference manual); those that begin with huddle- are our own. */
#include "control/control_impl.h"
#include "control/qcode.h"

#include "level.h"
#include "report/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOLD_MS = 100, HOLD_MS_MAX = 60000 };

static bool refuse(struct control_order *order, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct control_order *order, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(order->why, sizeof order->why, format, args);
    va_end(args);
    return false;
}

static const char *string_of(const json_t *arguments, const char *name)
{
    return json_string_value(json_object_get(arguments, name));
}

/* --- what QEMU has --- */

static json_t *answer_status(struct control_order *order)
{
    bool running = order->status.running;
    return json_pack("{s:b,s:b,s:s}", "running", running, "singlestep", 0, "status",
                     running ? "running" : "paused");
}

static json_t *answer_version(struct control_order *order)
{
    (void)order;
    json_t *greeting = qmp_greeting();
    json_t *version = json_incref(json_object_get(json_object_get(greeting, "QMP"), "version"));
    json_decref(greeting);
    return version;
}

static json_t *answer_name(struct control_order *order)
{
    json_t *answer = json_object();
    if (order->status.guest)
        json_object_set_new(answer, "name", json_text(order->status.guest));
    return answer;
}

static json_t *answer_kvm(struct control_order *order)
{
    (void)order;
    return json_pack("{s:b,s:b}", "enabled", 1, "present", 1);
}

static void do_stop(struct control_order *order, const struct control_guest *guest)
{
    (void)order;
    guest->stop(guest->opaque);
}

static void do_cont(struct control_order *order, const struct control_guest *guest)
{
    (void)order;
    guest->go_on(guest->opaque);
}

static void do_reset(struct control_order *order, const struct control_guest *guest)
{
    (void)order;
    guest->reset(guest->opaque);
}

static void do_quit(struct control_order *order, const struct control_guest *guest)
{
    (void)order;
    guest->quit(guest->opaque);
}

/* --- screendump --- */

static bool prepare_screendump(struct control_order *order, const json_t *arguments)
{
    const char *format = string_of(arguments, "format"), *path = string_of(arguments, "filename");
    order->ppm = !format || strcmp(format, "ppm") == 0;
    if (!order->ppm && strcmp(format, "png") != 0)
        return refuse(order, "Parameter 'format' does not accept value '%.60s'", format);
    if (!*path)
        return refuse(order, "Parameter 'filename' must not be empty");
    order->path = strdup(path);
    return order->path || refuse(order, "out of memory");
}

static void do_screendump(struct control_order *order, const struct control_guest *guest)
{
    int rc = guest->picture(guest->opaque, &order->picture);
    if (rc)
        refuse(order, "there is no picture: %s", strerror(-rc));
}

/* The file is written by this thread: the guest need not wait for it. */
static json_t *answer_screendump(struct control_order *order)
{
    int rc = vga_picture_save(&order->picture, order->path, order->ppm ? VGA_FILE_PPM : VGA_FILE_PNG);
    if (rc)
        refuse(order, "failed to write file '%.100s': %s", order->path, strerror(-rc));
    return NULL;
}

/* --- send-key --- */

static bool add_key(struct control_order *order, const json_t *value)
{
    const char *type = string_of(value, "type");
    const json_t *data = json_object_get(value, "data");
    enum key key = KEY_NONE;
    if (!type || !data || json_object_size(value) != 2)
        return refuse(
            order, "a key is {\"type\": \"qcode\", \"data\": NAME} or {\"type\": \"number\", \"data\": N}");
    if (strcmp(type, "qcode") == 0 && json_is_string(data))
        key = qcode_key(json_string_value(data));
    else if (strcmp(type, "number") == 0 && json_is_integer(data))
        key = qcode_number_key(json_integer_value(data));
    else
        return refuse(order, "Parameter 'type' is neither qcode with a name nor number with a number");
    if (key == KEY_NONE && json_is_string(data))
        return refuse(order, "Parameter 'data' does not accept value '%.60s'", json_string_value(data));
    if (key == KEY_NONE)
        return refuse(order, "Parameter 'data' does not accept value %lld",
                      (long long)json_integer_value(data));
    if (order->n_keys == CONTROL_KEYS)
        return refuse(order, "Parameter 'keys' has more than %d keys", CONTROL_KEYS);
    order->keys[order->n_keys++] = key;
    return true;
}

static bool prepare_send_key(struct control_order *order, const json_t *arguments)
{
    const json_t *hold = json_object_get(arguments, "hold-time");
    json_int_t ms = hold ? json_integer_value(hold) : HOLD_MS;
    size_t i;
    json_t *value;
    if (ms < 0 || ms > HOLD_MS_MAX)
        return refuse(order, "Parameter 'hold-time' expects 0 to %d ms", HOLD_MS_MAX);
    order->hold_ns = (u64)ms * NS_PER_MS;
    json_array_foreach(json_object_get(arguments, "keys"), i, value) if (!add_key(order, value)) return false;
    return order->n_keys || refuse(order, "Parameter 'keys' is empty");
}

static void do_send_key(struct control_order *order, const struct control_guest *guest)
{
    if (!guest->keys(guest->opaque, order->keys, order->n_keys, order->hold_ns))
        refuse(order, "too many keys are waiting to be typed");
}

/* --- huddle's own --- */

static void do_stats(struct control_order *order, const struct control_guest *guest)
{
    order->look = malloc(sizeof *order->look);
    if (order->look)
        guest->look(guest->opaque, order->look);
    else
        refuse(order, "out of memory");
}

static json_t *json_avoided(const struct control_look *look)
{
    json_t *list = json_array();
    for (u32 i = 0; i < RUN_TOP && look->avoided[i].exits; i++) {
        const struct control_avoided *a = &look->avoided[i];
        json_array_append_new(list, json_pack("{s:I,s:I,s:I,s:s,s:I}", "cs_base", (json_int_t)a->cs_base,
                                              "ip", (json_int_t)a->eip, "linear", (json_int_t)a->linear,
                                              "instruction", a->text, "avoided", (json_int_t)a->exits));
    }
    return list;
}

/* What --stats writes at the end, without what there is only then. */
static json_t *answer_stats(struct control_order *order)
{
    const struct run_stats *s = &order->look->stats;
    json_t *answer = json_variant(s);
    json_object_del(answer, "name");
    json_object_del(answer, "end");
    json_object_del(answer, "result");
    json_object_set_new(answer, "guest", order->status.guest ? json_text(order->status.guest) : json_null());
    json_object_set_new(answer, "status", json_string(order->status.running ? "running" : "paused"));
    json_object_set_new(answer, "level", json_string(level_name((enum cluster_level)order->look->level)));
    json_object_set_new(answer, "avoided", json_integer((json_int_t)s->clusters.exits_avoided));
    json_object_set_new(answer, "instructions", json_integer((json_int_t)s->clusters.instructions));
    json_object_set_new(answer, "avoided_sites", json_avoided(order->look));
    return answer;
}

static bool prepare_cluster(struct control_order *order, const json_t *arguments)
{
    const char *name = string_of(arguments, "level");
    enum cluster_level level;
    order->level = -1;
    if (!name)
        return true;
    if (!level_parse(name, &level))
        return refuse(order, "Parameter 'level' does not accept value '%.60s': " LEVEL_NAMES, name);
    order->level = (int)level;
    return true;
}

static bool cluster_is_only_asked_for(const struct control_order *order)
{
    return order->level < 0;
}

static void do_cluster(struct control_order *order, const struct control_guest *guest)
{
    guest->set_level(guest->opaque, order->level);
}

static json_t *answer_cluster(struct control_order *order)
{
    return json_pack("{s:s}", "level", level_name((enum cluster_level)order->status.level));
}

/* --- the table --- */

static const struct qmp_param no_params[] = {{NULL}};
static const struct qmp_param screendump_params[] = {
    {"filename", QMP_TYPE_STRING}, {"format", QMP_TYPE_STRING, true}, {NULL}};
static const struct qmp_param send_key_params[] = {
    {"keys", QMP_TYPE_LIST}, {"hold-time", QMP_TYPE_INT, true}, {NULL}};
static const struct qmp_param cluster_params[] = {{"level", QMP_TYPE_STRING, true}, {NULL}};

static json_t *answer_commands(struct control_order *order);

static const struct control_command commands[] = {
    {"cont", no_params, .execute = do_cont},
    {"huddle-cluster", cluster_params, prepare_cluster, do_cluster, answer_cluster,
     cluster_is_only_asked_for},
    {"huddle-stats", no_params, .execute = do_stats, .answer = answer_stats},
    {"query-commands", no_params, .answer = answer_commands},
    {"query-kvm", no_params, .answer = answer_kvm},
    {"query-name", no_params, .answer = answer_name},
    {"query-status", no_params, .answer = answer_status},
    {"query-version", no_params, .answer = answer_version},
    {"quit", no_params, .execute = do_quit},
    {"screendump", screendump_params, prepare_screendump, do_screendump, answer_screendump},
    {"send-key", send_key_params, prepare_send_key, do_send_key},
    {"stop", no_params, .execute = do_stop},
    {"system_reset", no_params, .execute = do_reset},
};

static json_t *answer_commands(struct control_order *order)
{
    json_t *list = json_pack("[{s:s}]", "name", "qmp_capabilities");
    (void)order;
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        json_array_append_new(list, json_pack("{s:s}", "name", commands[i].name));
    return list;
}

const struct control_command *control_command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

/* --- orders --- */

struct control_order *control_order_create(const struct control_command *command,
                                           const struct qmp_request *request)
{
    struct control_order *order = calloc(1, sizeof *order);
    if (!order)
        return NULL;
    order->command = command;
    order->id = json_incref(request->id);
    if (qmp_check_arguments(request->arguments, command->params, order->why) && command->prepare)
        (void)command->prepare(order, request->arguments);
    return order;
}

void control_order_destroy(struct control_order *order)
{
    json_decref(order->id);
    vga_picture_fini(&order->picture);
    free(order->look);
    free(order->path);
    free(order);
}

bool control_order_needs_machine(const struct control_order *order)
{
    const struct control_command *command = order->command;
    return !order->why[0] && command->execute && !(command->needless && command->needless(order));
}

json_t *control_order_reply(struct control_order *order)
{
    json_t *value = !order->why[0] && order->command->answer ? order->command->answer(order) : NULL;
    if (!order->why[0])
        return qmp_return(value, order->id);
    json_decref(value);
    return qmp_error(QMP_GENERIC_ERROR, order->why, order->id);
}
