/* The two worlds of a pair: the reference's accesses reach the devices and are logged, the candidate's are answered from
 * that log. */
#include "cluster/check_impl.h"

#include <stdlib.h>

enum { LOG_MAX = 1 << 20 }; /* accesses of one run that are kept */

/* --- the reference's devices: real, and logged --- */

struct check_signals check_real_signals(const struct check *check)
{
    const struct cluster_env *env = check->config.env;
    return (struct check_signals){.intr = *env->intr, .attention = *env->attention, .requests = *env->requests,
                                  .generation = *env->generation};
}

static bool log_grow(struct check *check)
{
    u32 room = check->log_room * 2;
    struct check_access *log = room > LOG_MAX ? NULL : realloc(check->log, room * sizeof *log);
    if (!log)
        return false;
    check->log = log;
    check->log_room = room;
    return true;
}

static void log_access(struct check *check, enum check_access_kind kind, u32 addr, u8 size, u32 value)
{
    struct check_signals signals = check_real_signals(check);
    check->frozen_attention = signals.attention;
    if (signals.generation != check->mapping_seen) {
        check_note_stores(check);
        check_commit_stores(check);
        check_follow_mapping(check);
    }
    if (check->logged == check->log_room && !log_grow(check)) {
        check->comparable = false;
        return;
    }
    check->log[check->logged++] =
        (struct check_access){.kind = (u8)kind, .size = size, .addr = addr, .value = value, .after = signals};
}

static u32 reference_in(void *opaque, u16 port, u8 size)
{
    struct check *check = opaque;
    const struct cluster_env *env = check->config.env;
    u32 value = env->port_in(env->opaque, port, size);
    log_access(check, CHECK_IN, port, size, value);
    return value;
}

static void reference_out(void *opaque, u16 port, u8 size, u32 value)
{
    struct check *check = opaque;
    const struct cluster_env *env = check->config.env;
    env->port_out(env->opaque, port, size, value);
    log_access(check, CHECK_OUT, port, size, value);
}

static u32 reference_read(void *opaque, u32 gpa, u8 size)
{
    struct check *check = opaque;
    const struct cluster_env *env = check->config.env;
    u32 value = env->mmio_read(env->opaque, gpa, size);
    log_access(check, CHECK_READ, gpa, size, value);
    return value;
}

static void reference_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    struct check *check = opaque;
    const struct cluster_env *env = check->config.env;
    env->mmio_write(env->opaque, gpa, size, value);
    log_access(check, CHECK_WRITE, gpa, size, value);
}

static void cpuid(void *opaque, u32 leaf, u32 subleaf, u32 out[4])
{
    const struct check *check = opaque;
    const struct cluster_env *env = check->config.env;
    env->cpuid(env->opaque, leaf, subleaf, out);
}

/* --- the candidate's: the log --- */

void check_give_signals(struct check *check, const struct check_signals *signals)
{
    check->answer = *signals;
    check->answer_attention = signals->attention;
}

/* From the first access that is not the reference's on, what it reads is ones, and it is asked to leave. */
static void diverge(struct check *check, const struct check_access *access)
{
    if (!check->diverged)
        check->divergent = *access;
    check->diverged = true;
    check->answer.requests = 1;
    check->answer_attention = 1;
}

static bool matches(const struct check *check, const struct check_access *access)
{
    const struct check_access *want = &check->log[check->replayed];
    bool writes = access->kind == CHECK_OUT || access->kind == CHECK_WRITE;
    return !check->diverged && !check->done_missing && check->replayed != check->logged && want->kind == access->kind &&
           want->size == access->size && want->addr == access->addr && (!writes || want->value == access->value);
}

/* The device half of an access. */
static u32 answer(struct check *check, enum check_access_kind kind, u32 addr, u8 size, u32 value)
{
    struct check_access access = {.kind = (u8)kind, .size = size, .addr = addr, .value = value};
    if (matches(check, &access))
        return check->log[check->replayed++].value;
    diverge(check, &access);
    return size == 4 ? 0xffffffff : BIT(8 * size) - 1;
}

/* What comes of it. */
static void account(struct check *check)
{
    if (!check->diverged)
        check_give_signals(check, &check->log[check->replayed - 1].after);
}

static u32 replay(struct check *check, enum check_access_kind kind, u32 addr, u8 size, u32 value)
{
    value = answer(check, kind, addr, size, value);
    account(check);
    return value;
}

static u32 candidate_in(void *opaque, u16 port, u8 size)
{
    return replay(opaque, CHECK_IN, port, size, 0);
}

static void candidate_out(void *opaque, u16 port, u8 size, u32 value)
{
    replay(opaque, CHECK_OUT, port, size, value);
}

static u32 candidate_read(void *opaque, u32 gpa, u8 size)
{
    return replay(opaque, CHECK_READ, gpa, size, 0);
}

static void candidate_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    replay(opaque, CHECK_WRITE, gpa, size, value);
}

/* --- the candidate's short cuts: as wide as the real ones, but to the log --- */

static u32 answer_directly(struct check *check, enum check_access_kind kind, u32 addr, u8 size, u32 value)
{
    value = answer(check, kind, addr, size, value);
    check->done_missing = true;
    return value;
}

static u32 direct_in(void *dev, u16 port, u8 size)
{
    return answer_directly(dev, CHECK_IN, port, size, 0);
}

static void direct_out(void *dev, u16 port, u8 size, u32 value)
{
    answer_directly(dev, CHECK_OUT, port, size, value);
}

static u32 direct_read(void *dev, u32 gpa, u8 size)
{
    return answer_directly(dev, CHECK_READ, gpa, size, 0);
}

static void direct_write(void *dev, u32 gpa, u8 size, u32 value)
{
    answer_directly(dev, CHECK_WRITE, gpa, size, value);
}

/* Every direct access must be accounted for, as what it was. */
static void done(struct check *check, enum check_access_kind kind, u32 addr, u8 size, u32 value)
{
    struct check_access access = {.kind = (u8)kind, .size = size, .addr = addr, .value = value};
    const struct check_access *want = check->replayed ? &check->log[check->replayed - 1] : NULL;
    bool right = check->done_missing && want && want->kind == kind && want->addr == addr && want->size == size &&
                 want->value == value;
    check->done_missing = false;
    if (!right && !check->diverged)
        diverge(check, &access);
    account(check);
}

static void candidate_port_done(void *opaque, bool in, u16 port, u8 size, u32 value)
{
    done(opaque, in ? CHECK_IN : CHECK_OUT, port, size, value);
}

static void candidate_memory_done(void *opaque, bool read, u32 gpa, u8 size, u32 value)
{
    done(opaque, read ? CHECK_READ : CHECK_WRITE, gpa, size, value);
}

static void candidate_find_port(void *opaque, struct env_port *port)
{
    struct check *check = opaque;
    const struct cluster_env *env = check->config.env;
    env->find_port(env->opaque, port);
    if (!port->direct)
        return;
    port->dev = check;
    port->in = port->in ? direct_in : NULL;
    port->out = port->out ? direct_out : NULL;
}

/* Where the device answers now; in the middle of the run it may have been elsewhere, which makes no difference to the
 * log. */
static void candidate_find_window(void *opaque, u32 gpa, struct env_window *window)
{
    struct check *check = opaque;
    const struct cluster_env *env = check->config.env;
    env->find_window(env->opaque, gpa, window);
    window->dev = check;
    window->read = direct_read;
    window->write = direct_write;
    window->generation = check->window_generation;
    window->generation_now = &check->window_generation;
}

/* --- life --- */

static void init_envs(struct check *check)
{
    const struct cluster_env *real = check->config.env;
    check->reference.env = (struct cluster_env){
        .opaque = check, .view = check->config.view.view, .page_kind = real->page_kind, .code_map = real->code_map,
        .port_in = reference_in, .port_out = reference_out,
        .mmio_read = reference_read, .mmio_write = reference_write, .cpuid = cpuid,
        .push_sreg_whole = real->push_sreg_whole,
        .intr = real->intr, .attention = &check->frozen_attention, .requests = real->requests,
        .generation = real->generation,
    };
    /* No short cut to real devices: what is not listed stays NULL. */
    check->candidate.env = (struct cluster_env){
        .opaque = check, .view = real->view, .page_kind = real->page_kind,
        .guarded = real->guarded, .code_map = real->code_map,
        .port_in = candidate_in, .port_out = candidate_out,
        .mmio_read = candidate_read, .mmio_write = candidate_write,
        .find_port = real->find_port ? candidate_find_port : NULL, .port_done = candidate_port_done,
        .find_window = real->find_window ? candidate_find_window : NULL, .memory_done = candidate_memory_done,
        .cpuid = cpuid,
        .push_sreg_whole = real->push_sreg_whole,
        .intr = &check->answer.intr, .attention = &check->answer_attention, .requests = &check->answer.requests,
        .generation = &check->answer.generation,
    };
}

bool check_env_init(struct check *check)
{
    static const u32 log_room = 256;
    check->log = malloc(log_room * sizeof *check->log);
    check->log_room = log_room;
    init_envs(check);
    check_x87_init(check);
    return check->log != NULL;
}

void check_env_fini(struct check *check)
{
    free(check->log);
}
