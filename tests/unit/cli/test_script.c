/* Scripts: what parses, what does not and why, and what they do to a machine that is not there. */
#include "cli_tests.h"

#include "dev/keyboard.h"
#include "script.h"
#include "script_command.h"
#include "vmm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_NS (10 * NS_PER_MS)

/* A machine that writes down what is done to it. */
struct fake {
    u64 now_ns;
    const char *screen;
    bool keyboard_full;
    bool state_asked;
    char log[2048];
};

static void note(struct fake *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note(struct fake *f, const char *format, ...)
{
    va_list args;
    size_t n = strlen(f->log);
    va_start(args, format);
    vsnprintf(f->log + n, sizeof f->log - n, format, args);
    va_end(args);
}

static u64 fake_now(void *opaque)
{
    return ((struct fake *)opaque)->now_ns;
}

static size_t fake_text(void *opaque, char *text, size_t size)
{
    return (size_t)snprintf(text, size, "%s", ((struct fake *)opaque)->screen);
}

static bool fake_key(void *opaque, int key, bool down)
{
    struct fake *f = opaque;
    if (f->keyboard_full)
        return false;
    note(f, "%llu:%s%d ", (unsigned long long)(f->now_ns / NS_PER_MS), down ? "+" : "-", key);
    return true;
}

static void fake_mouse(void *opaque, int dx, int dy, unsigned buttons)
{
    note(opaque, "mouse %d %d %u ", dx, dy, buttons);
}

static int fake_screenshot(void *opaque, const char *path)
{
    note(opaque, "picture %s ", path);
    return strcmp(path, "bad.png") == 0 ? -EIO : 0;
}

static void fake_cluster(void *opaque, int level)
{
    note(opaque, "cluster %d ", level);
}

/* Takes two polls. */
static int fake_state(void *opaque, bool load_it, const char *path)
{
    struct fake *f = opaque;
    f->state_asked = !f->state_asked;
    if (f->state_asked)
        return -EAGAIN;
    note(f, "%s %s ", load_it ? "load" : "save", path);
    if (load_it)
        f->now_ns = 0; /* a moment that lies back */
    return strcmp(path, "bad.state") == 0 ? -EINVAL : 0;
}

static struct script_host host_of(struct fake *f)
{
    return (struct script_host){f, fake_now, fake_text, fake_key, fake_mouse, fake_screenshot, fake_cluster, fake_state};
}

static int load(struct script **script, const char *text)
{
    const char *path = temp_file("script.txt", text, strlen(text), strlen(text));
    int rc = script_load(script, path);
    unlink(path);
    return rc;
}

/* Polls as the run loop does, for at most `ms` of virtual time. */
static enum script_state run(struct script *script, struct fake *f, u64 ms)
{
    struct script_host host = host_of(f);
    u64 end = f->now_ns + ms * NS_PER_MS;
    enum script_state state;
    while ((state = script_poll(script, &host)) == SCRIPT_RUNNING && f->now_ns < end)
        f->now_ns += POLL_NS;
    return state;
}

static void run_text(const char *text, struct fake *f, enum script_state expected)
{
    struct script *script;
    assert_int_equal(load(&script, text), 0);
    assert_int_equal(run(script, f, 60000), expected);
    script_free(script);
}

static void empty_scripts_end(void **state)
{
    struct fake f = {.screen = ""};
    (void)state;
    run_text("", &f, SCRIPT_ENDED);
    run_text("\n  # nothing\n\t\n#type \"x\"", &f, SCRIPT_ENDED);
    assert_string_equal(f.log, "");
}

static void typing(void **state)
{
    struct fake f = {.screen = ""};
    char expected[200];
    (void)state;
    run_text("type \"aB\\n\"", &f, SCRIPT_ENDED);
    snprintf(expected, sizeof expected, "0:+%d 20:-%d 40:+%d 60:+%d 80:-%d 100:-%d 120:+%d 140:-%d ", KEY_A,
             KEY_A, KEY_LEFT_SHIFT, KEY_B, KEY_B, KEY_LEFT_SHIFT, KEY_ENTER, KEY_ENTER);
    assert_string_equal(f.log, expected);
}

static void chords(void **state)
{
    struct fake f = {.screen = ""};
    char expected[200];
    (void)state;
    run_text("key ctrl-alt-del", &f, SCRIPT_ENDED);
    snprintf(expected, sizeof expected, "0:+%d 20:+%d 40:+%d 60:-%d 80:-%d 100:-%d ", KEY_LEFT_CTRL,
             KEY_LEFT_ALT, KEY_DELETE, KEY_DELETE, KEY_LEFT_ALT, KEY_LEFT_CTRL);
    assert_string_equal(f.log, expected);
}

/* "-" is a key as well as what joins names. */
static void the_minus_key(void **state)
{
    struct fake f = {.screen = ""};
    char expected[100];
    (void)state;
    run_text("key ctrl--\n", &f, SCRIPT_ENDED);
    snprintf(expected, sizeof expected, "0:+%d 20:+%d 40:-%d 60:-%d ", KEY_LEFT_CTRL, KEY_MINUS, KEY_MINUS,
             KEY_LEFT_CTRL);
    assert_string_equal(f.log, expected);
}

static void a_full_keyboard_is_waited_for(void **state)
{
    struct fake f = {.screen = "", .keyboard_full = true};
    struct script *script;
    (void)state;
    assert_int_equal(load(&script, "type \"a\""), 0);
    assert_int_equal(run(script, &f, 500), SCRIPT_RUNNING);
    assert_string_equal(f.log, "");
    f.keyboard_full = false;
    assert_int_equal(run(script, &f, 500), SCRIPT_ENDED);
    assert_non_null(strstr(f.log, "500:+"));
    script_free(script);
}

static void waiting_for_text(void **state)
{
    struct fake f = {.screen = "Starting..."};
    struct script *script;
    (void)state;
    assert_int_equal(load(&script, "wait-text \"A:\\\\>\" 2s\nmouse 1 -2 left middle"), 0);
    assert_int_equal(run(script, &f, 1000), SCRIPT_RUNNING);
    f.screen = "hello\nA:\\>\n";
    assert_int_equal(run(script, &f, 0), SCRIPT_ENDED);
    assert_string_equal(f.log, "mouse 1 -2 5 ");
    script_free(script);
}

static void text_that_never_comes(void **state)
{
    struct fake f = {.screen = ""};
    struct script *script;
    (void)state;
    assert_int_equal(load(&script, "wait-text \"x\" 200ms\nquit 3"), 0);
    assert_int_equal(run(script, &f, 190), SCRIPT_RUNNING);
    assert_int_equal(run(script, &f, 10), SCRIPT_FAILED);
    assert_int_equal(script_status(script), 1);
    assert_int_equal(run(script, &f, 100), SCRIPT_FAILED);
    script_free(script);
}

static void waiting(void **state)
{
    struct fake f = {.screen = "", .now_ns = 5 * NS_PER_S};
    (void)state;
    run_text("wait 1s\nwait 250ms\nscreenshot x.png", &f, SCRIPT_ENDED);
    assert_string_equal(f.log, "picture x.png ");
    assert_int_equal(f.now_ns, 5 * NS_PER_S + 1250 * NS_PER_MS);
}

/* Time that goes back must not make the next key wait for the time that was. */
static void states(void **state)
{
    struct fake f = {.screen = "", .now_ns = 5 * NS_PER_S};
    (void)state;
    run_text("save \"x y\"\ntype \"a\"\nload b.state\nkey b\nscreenshot p.png", &f, SCRIPT_ENDED);
    assert_non_null(strstr(f.log, "save x y "));
    const char *loaded = strstr(f.log, "load b.state ");
    assert_non_null(loaded);
    u32 ms, key;
    assert_int_equal(sscanf(loaded, "load b.state %u:+%u ", &ms, &key), 2);
    assert_true(ms < 100);
    f = (struct fake){.screen = ""};
    run_text("load bad.state\nscreenshot never.png", &f, SCRIPT_FAILED);
    assert_null(strstr(f.log, "never"));
}

static void screenshots_that_fail(void **state)
{
    struct fake f = {.screen = ""};
    (void)state;
    run_text("screenshot bad.png\nscreenshot never.png", &f, SCRIPT_FAILED);
    assert_string_equal(f.log, "picture bad.png ");
}

static void changing_the_level(void **state)
{
    struct fake f = {.screen = ""};
    struct script *script;
    (void)state;
    assert_int_equal(load(&script, "cluster off\ncluster on\n"), 0);
    assert_true(script_changes_cluster(script));
    assert_int_equal(run(script, &f, 0), SCRIPT_ENDED);
    assert_string_equal(f.log, "cluster 0 cluster 3 ");
    script_free(script);
    assert_int_equal(load(&script, "wait 1s"), 0);
    assert_false(script_changes_cluster(script));
    script_free(script);
}

static void quitting(void **state)
{
    struct fake f = {.screen = ""};
    struct script *script;
    (void)state;
    assert_int_equal(load(&script, "quit 7\nscreenshot never.png"), 0);
    assert_int_equal(run(script, &f, 100), SCRIPT_QUIT);
    assert_int_equal(script_status(script), 7);
    assert_string_equal(f.log, "");
    script_free(script);
}

static void dos_line_ends(void **state)
{
    struct fake f = {.screen = ""};
    (void)state;
    run_text("screenshot x.png\r\n\r\nscreenshot y.png\r\n", &f, SCRIPT_ENDED);
    assert_string_equal(f.log, "picture x.png picture y.png ");
}

static const struct {
    const char *line, *why;
} bad_lines[] = {
    {"frob", "frob: no such command"},
    {"wait-text A:", "a text in double quotes is expected"},
    {"wait-text \"A:", "the text has no closing quote"},
    {"wait-text \"\"", "the text is empty"},
    {"wait-text \"A\" soon", "soon: not a time (20s, 500ms)"},
    {"wait-text \"A\" 5s 6s", "too much behind wait-text: 6s"},
    {"wait", "a time is expected (20s, 500ms)"},
    {"wait 5", "5: not a time (20s, 500ms)"},
    {"wait -5s", "-5s: not a time (20s, 500ms)"},
    {"wait 99999999999999999999s", "99999999999999999999s: not a time (20s, 500ms)"},
    {"type \"a\\q\"", "unknown escape \\q in the text (there are \\n \\t \\e \\b \\\\ \\\")"},
    {"type \"a\\", "unknown escape \\  in the text (there are \\n \\t \\e \\b \\\\ \\\")"},
    {"type \"\xc3\xa4\"", "a US keyboard has no key for byte C3h of the text"},
    {"key", "the name of a key is expected (enter, f1, ctrl-alt-del)"},
    {"key any", "any: no key has that name"},
    {"key ctrl-alt-", "an empty name: no key has that name"},
    {"key a-b-c-d-e-f-g-h-i", "more than 8 keys at once"},
    {"mouse", "two distances are expected"},
    {"mouse 1", "a second distance is expected"},
    {"mouse 1 x", "x: not a number from -10000 to 10000"},
    {"mouse 1 20000", "20000: not a number from -10000 to 10000"},
    {"mouse 1 2 up", "up: not one of left, right, middle"},
    {"screenshot", "the name of a file is expected"},
    {"save", "the name of a file is expected"},
    {"load \"\"", "the text is empty"},
    {"text now", "too much behind text: now"},
    {"cluster", "one of off, pairs, window, on is expected"},
    {"cluster max", "one of off, pairs, window, on is expected"},
    {"quit 256", "256: not a number from 0 to 255"},
    {"quit x", "x: not a number from 0 to 255"},
};

static void bad_lines_say_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_lines); i++) {
        struct script_command command;
        char why[256] = "";
        bool blank;
        assert_int_equal(script_parse_line(&command, bad_lines[i].line, &blank, why, sizeof why), -EINVAL);
        assert_string_equal(why, bad_lines[i].why);
        assert_null(command.text);
        assert_null(command.keys);
    }
}

/* What went to standard error while `text` was loaded. */
static void error_of(const char *text, char *error, size_t size)
{
    struct script *script;
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_non_null(file);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    int rc = load(&script, text);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    size_t n = fread(error, 1, size - 1, file);
    error[n] = '\0';
    fclose(file);
    assert_int_equal(rc, -EINVAL);
}

static void errors_name_file_and_line(void **state)
{
    char error[400];
    (void)state;
    error_of("# first\nwait 1s\nfrob\nalso wrong\n", error, sizeof error);
    assert_non_null(strstr(error, "script.txt:3: frob: no such command\n"));
    assert_null(strstr(error, "also"));
}

static void missing_files(void **state)
{
    struct script *script;
    (void)state;
    assert_int_equal(script_load(&script, "/no/such/script"), -ENOENT);
    assert_int_not_equal(script_load(&script, "/"), 0);
}

int test_script(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_scripts_end),
        cmocka_unit_test(typing),
        cmocka_unit_test(chords),
        cmocka_unit_test(the_minus_key),
        cmocka_unit_test(a_full_keyboard_is_waited_for),
        cmocka_unit_test(waiting_for_text),
        cmocka_unit_test(text_that_never_comes),
        cmocka_unit_test(waiting),
        cmocka_unit_test(states),
        cmocka_unit_test(screenshots_that_fail),
        cmocka_unit_test(changing_the_level),
        cmocka_unit_test(quitting),
        cmocka_unit_test(dos_line_ends),
        cmocka_unit_test(bad_lines_say_why),
        cmocka_unit_test(errors_name_file_and_line),
        cmocka_unit_test(missing_files),
    };
    return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
