/* Reads a script file and carries it out: a state machine polled by the run loop, which it never blocks. */
#include "script.h"

#include "script_command.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two key events: a quick typist, slow enough for programs that poll the keyboard once a tick or two.
 */
#define KEY_PAUSE_NS  (15 * NS_PER_MS)
#define STATUS_FAILED 1

static int add_command(struct script *s, const struct script_command *command)
{
    struct script_command *all = realloc(s->commands, (s->n_commands + 1) * sizeof *all);
    if (!all)
        return -ENOMEM;
    s->commands = all;
    all[s->n_commands++] = *command;
    return 0;
}

static int parse_file(struct script *s, FILE *file)
{
    char *line = NULL, why[256];
    size_t size = 0;
    ssize_t len;
    int rc = 0;
    for (u32 number = 1; !rc && (len = getline(&line, &size, file)) >= 0; number++) {
        struct script_command command;
        bool blank;
        bool text = !memchr(line, '\0', (size_t)len);
        if (len && line[len - 1] == '\n')
            line[len - 1] = '\0';
        snprintf(why, sizeof why, "a zero byte: this is not a text file");
        rc = text ? script_parse_line(&command, line, &blank, why, sizeof why) : -EINVAL;
        if (rc) {
            log_error("%s:%u: %s", s->path, number, why);
        } else if (!blank) {
            command.line = number;
            rc = add_command(s, &command);
            if (rc)
                script_command_fini(&command);
        }
    }
    free(line);
    if (!rc && ferror(file)) {
        rc = -EIO;
        log_error("%s: cannot be read", s->path);
    }
    return rc;
}

int script_load(struct script **script, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file) {
        int rc = -errno;
        log_error("%s: %s", path, strerror(-rc));
        return rc;
    }
    struct script *s = calloc(1, sizeof *s);
    int rc = -ENOMEM;
    if (s && (s->path = strdup(path)) && (s->screen = malloc(SCRIPT_SCREEN_BYTES)))
        rc = parse_file(s, file);
    fclose(file);
    if (rc) {
        script_free(s);
        return rc;
    }
    *script = s;
    return 0;
}

void script_free(struct script *s)
{
    if (!s)
        return;
    for (u32 i = 0; i < s->n_commands; i++)
        script_command_fini(&s->commands[i]);
    free(s->commands);
    free(s->screen);
    free(s->path);
    free(s);
}

bool script_changes_cluster(const struct script *s)
{
    for (u32 i = 0; i < s->n_commands; i++)
        if (s->commands[i].verb == SCRIPT_CLUSTER)
            return true;
    return false;
}

enum step { STEP_DONE, STEP_WAITING, STEP_STOP };

static enum step fail(struct script *s)
{
    s->state = SCRIPT_FAILED;
    s->status = STATUS_FAILED;
    return STEP_STOP;
}

static const char *read_screen(struct script *s, const struct script_host *host)
{
    size_t n = host->text(host->opaque, s->screen, SCRIPT_SCREEN_BYTES);
    s->screen[MIN(n, (size_t)SCRIPT_SCREEN_BYTES - 1)] = '\0';
    return s->screen;
}

static enum step do_wait_text(struct script *s, const struct script_command *c,
                              const struct script_host *host)
{
    const char *screen = read_screen(s, host);
    if (strstr(screen, c->text))
        return STEP_DONE;
    if (host->now_ns(host->opaque) - s->started_ns < c->ns)
        return STEP_WAITING;
    log_error("%s:%u: \"%s\" did not appear within %llu ms of the guest's time; the screen is:\n%s", s->path,
              c->line, c->text, (unsigned long long)(c->ns / NS_PER_MS), screen[0] ? screen : "(no text)");
    return fail(s);
}

static enum step do_wait(struct script *s, const struct script_command *c, const struct script_host *host)
{
    return host->now_ns(host->opaque) - s->started_ns < c->ns ? STEP_WAITING : STEP_DONE;
}

/* One event, then a pause; a full queue is tried again at the next poll. */
static enum step do_keys(struct script *s, const struct script_command *c, const struct script_host *host)
{
    u64 now = host->now_ns(host->opaque);
    if (now < s->next_key_ns)
        return STEP_WAITING;
    if (s->next_key == c->n_keys)
        return STEP_DONE;
    const struct script_key *key = &c->keys[s->next_key];
    if (host->key(host->opaque, key->key, key->down)) {
        s->next_key++;
        s->next_key_ns = now + KEY_PAUSE_NS;
    }
    return STEP_WAITING;
}

static enum step do_mouse(struct script *s, const struct script_command *c, const struct script_host *host)
{
    (void)s;
    host->mouse(host->opaque, c->dx, c->dy, c->buttons);
    return STEP_DONE;
}

static enum step do_screenshot(struct script *s, const struct script_command *c,
                               const struct script_host *host)
{
    if (host->screenshot(host->opaque, c->text) == 0)
        return STEP_DONE;
    log_error("%s:%u: no screenshot", s->path, c->line);
    return fail(s);
}

static enum step do_text(struct script *s, const struct script_command *c, const struct script_host *host)
{
    (void)c;
    fputs(read_screen(s, host), stdout);
    fflush(stdout);
    return STEP_DONE;
}

static enum step do_cluster(struct script *s, const struct script_command *c, const struct script_host *host)
{
    (void)s;
    host->cluster(host->opaque, c->level);
    return STEP_DONE;
}

/* Not from inside of the access that made this time pass: by the run loop, which then polls at once. */
static enum step move_state(struct script *s, const struct script_command *c, const struct script_host *host, bool load)
{
    int rc = host->state(host->opaque, load, c->text);
    if (rc == -EAGAIN)
        return STEP_WAITING;
    s->next_key_ns = 0; /* time may be another */
    if (!rc)
        return STEP_DONE;
    log_error("%s:%u: no state was %s", s->path, c->line, load ? "loaded" : "saved");
    return fail(s);
}

static enum step do_save(struct script *s, const struct script_command *c, const struct script_host *host)
{
    return move_state(s, c, host, false);
}

static enum step do_load(struct script *s, const struct script_command *c, const struct script_host *host)
{
    return move_state(s, c, host, true);
}

static enum step do_quit(struct script *s, const struct script_command *c, const struct script_host *host)
{
    (void)host;
    s->state = SCRIPT_QUIT;
    s->status = c->status;
    return STEP_STOP;
}

static enum step (*const script_verbs[])(struct script *, const struct script_command *,
                                         const struct script_host *) = {
    [SCRIPT_WAIT_TEXT] = do_wait_text,
    [SCRIPT_WAIT] = do_wait,
    [SCRIPT_KEYS] = do_keys,
    [SCRIPT_MOUSE] = do_mouse,
    [SCRIPT_SCREENSHOT] = do_screenshot,
    [SCRIPT_TEXT] = do_text,
    [SCRIPT_CLUSTER] = do_cluster,
    [SCRIPT_SAVE] = do_save,
    [SCRIPT_LOAD] = do_load,
    [SCRIPT_QUIT_VERB] = do_quit,
};

static void begin_command(struct script *s, const struct script_host *host)
{
    s->started = true;
    s->started_ns = host->now_ns(host->opaque);
    s->next_key = 0;
}

enum script_state script_poll(struct script *s, const struct script_host *host)
{
    while (s->state == SCRIPT_RUNNING) {
        if (s->at == s->n_commands) {
            s->state = SCRIPT_ENDED;
            break;
        }
        if (!s->started)
            begin_command(s, host);
        const struct script_command *command = &s->commands[s->at];
        enum step step = script_verbs[command->verb](s, command, host);
        if (step == STEP_WAITING)
            break;
        s->started = false;
        s->at++;
    }
    return s->state;
}

int script_status(const struct script *s)
{
    return s->status;
}
