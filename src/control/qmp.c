/* See qmp.h. The texts of errors are as near to QEMU's as they can be: people look for them. */
#include "control/qmp.h"

#include "report/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static bool refuse(char *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, QMP_WHY_BYTES, format, args);
    va_end(args);
    return false;
}

/* --- what clients say --- */

static bool take_members(struct qmp_request *r, char *why)
{
    const char *name;
    json_t *value;
    r->id = json_object_get(r->root, "id");
    json_object_foreach(r->root, name, value)
    {
        if (strcmp(name, "execute") == 0) {
            if (!json_is_string(value))
                return refuse(why, "QMP input member 'execute' must be a string");
            r->execute = json_string_value(value);
        } else if (strcmp(name, "arguments") == 0) {
            if (!json_is_object(value))
                return refuse(why, "QMP input member 'arguments' must be an object");
            r->arguments = value;
        } else if (strcmp(name, "id") != 0) {
            return refuse(why, "QMP input member '%.60s' is unexpected", name);
        }
    }
    return r->execute || refuse(why, "QMP input lacks member 'execute'");
}

bool qmp_request_parse(struct qmp_request *r, const char *text, size_t bytes, char *why)
{
    json_error_t error;
    *r = (struct qmp_request){.root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error)};
    if (!r->root)
        return refuse(why, "JSON parse error, %.160s", error.text);
    if (!json_is_object(r->root))
        return refuse(why, "QMP input must be a JSON object");
    return take_members(r, why);
}

void qmp_request_fini(struct qmp_request *r)
{
    json_decref(r->root);
    *r = (struct qmp_request){.root = NULL};
}

static bool has_type(const json_t *value, enum qmp_type type)
{
    switch (type) {
    case QMP_TYPE_STRING:
        return json_is_string(value);
    case QMP_TYPE_INT:
        return json_is_integer(value);
    case QMP_TYPE_LIST:
        return json_is_array(value);
    }
    return false;
}

static const struct qmp_param *find_param(const struct qmp_param *params, const char *name)
{
    for (; params->name; params++)
        if (strcmp(params->name, name) == 0)
            return params;
    return NULL;
}

bool qmp_check_arguments(const json_t *arguments, const struct qmp_param *params, char *why)
{
    static const char *const types[] = {
        [QMP_TYPE_STRING] = "string", [QMP_TYPE_INT] = "integer", [QMP_TYPE_LIST] = "array"};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)arguments, name, value) if (!find_param(params, name)) return refuse(
        why, "Parameter '%.60s' is unexpected", name);
    for (; params->name; params++) {
        value = json_object_get(arguments, params->name);
        if (!value && !params->optional)
            return refuse(why, "Parameter '%s' is missing", params->name);
        if (value && !has_type(value, params->type))
            return refuse(why, "Invalid parameter type for '%s', expected: %s", params->name,
                          types[params->type]);
    }
    return true;
}

/* --- what is said to them --- */

json_t *qmp_greeting(void)
{
    int major = 0, minor = 0, micro = 0;
    (void)sscanf(HUDDLE_VERSION, "%d.%d.%d", &major, &minor, &micro);
    return json_pack("{s:{s:{s:{s:i,s:i,s:i},s:s},s:[]}}", "QMP", "version", "qemu", "major", major, "minor",
                     minor, "micro", micro, "package", "huddle " HUDDLE_VERSION, "capabilities");
}

static json_t *with_id(json_t *message, json_t *id)
{
    if (message && id)
        json_object_set(message, "id", id);
    return message;
}

json_t *qmp_return(json_t *value, json_t *id)
{
    return with_id(json_pack("{s:o}", "return", value ? value : json_object()), id);
}

json_t *qmp_error(enum qmp_error class, const char *text, json_t *id)
{
    static const char *const classes[] = {
        [QMP_GENERIC_ERROR] = "GenericError", [QMP_COMMAND_NOT_FOUND] = "CommandNotFound"};
    return with_id(json_pack("{s:{s:s,s:o}}", "error", "class", classes[class], "desc", json_text(text)), id);
}

json_t *qmp_event(const char *name, json_t *data)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    json_t *event = json_pack("{s:s,s:{s:I,s:I}}", "event", name, "timestamp", "seconds",
                              (json_int_t)now.tv_sec, "microseconds", (json_int_t)now.tv_nsec / 1000);
    if (data)
        json_object_set_new(event, "data", data);
    return event;
}
