/* Processes: their output, their limits, their ends, and that nothing of them is left. */
#include "corpus_tests.h"

#include "corpus/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS = 6 };

struct jobs {
    const char *script[JOBS]; /* for the shell; NULL: nothing to do */
    u64 limit_ns;
    char *argv[JOBS][4];
    struct pool_end end[JOBS];
    char said[JOBS][64], json[JOBS][64];
    u32 done[JOBS], stop_after, n_done, most_running;
};

static struct pool_command command_of(void *context, u32 job)
{
    struct jobs *j = context;
    if (!j->script[job])
        return (struct pool_command){NULL, 0};
    j->argv[job][0] = "sh";
    j->argv[job][1] = "-c";
    j->argv[job][2] = (char *)j->script[job];
    return (struct pool_command){j->argv[job], j->limit_ns};
}

static bool job_done(void *context, u32 job, const struct pool_end *end)
{
    struct jobs *j = context;
    assert_int_equal(strlen(end->json), end->json_bytes);
    j->end[job] = *end;
    snprintf(j->said[job], sizeof j->said[job], "%s", end->said);
    snprintf(j->json[job], sizeof j->json[job], "%s", end->json);
    j->done[job]++;
    return ++j->n_done != j->stop_after;
}

static void see_running(void *context, const u32 *running, u32 n)
{
    struct jobs *j = context;
    (void)running;
    j->most_running = n > j->most_running ? n : j->most_running;
}

static int run(struct jobs *j, u32 at_a_time)
{
    const struct pool pool = {.n_jobs = JOBS,
                              .at_a_time = at_a_time,
                              .program = "/bin/sh",
                              .directory = "/",
                              .context = j,
                              .command = command_of,
                              .done = job_done,
                              .progress = see_running};
    int rc = pool_run(&pool);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left */
    assert_int_equal(errno, ECHILD);
    return rc;
}

static void ends(void **state)
{
    (void)state;
    for (u32 at_a_time = 1; at_a_time <= 8; at_a_time += 7) {
        struct jobs j = {.script = {"echo text; echo said >&2; printf '{}' >" POOL_JSON_PATH, "exit 3", NULL,
                                    "kill -SEGV $$", "pwd >&2; cat", "echo quiet"}};
        assert_int_equal(run(&j, at_a_time), 0);
        assert_int_equal(j.n_done, 5);
        assert_int_equal(j.done[2], 0);
        assert_string_equal(j.said[0], "said\n");
        assert_string_equal(j.json[0], "{}");
        assert_int_equal(WEXITSTATUS(j.end[1].wait_status), 3);
        assert_true(WIFSIGNALED(j.end[3].wait_status) && WTERMSIG(j.end[3].wait_status) == SIGSEGV);
        assert_string_equal(j.said[4], "/\n");
        assert_int_equal(j.end[4].wait_status, 0); /* its standard input is at its end */
        assert_string_equal(j.said[5], "");
        assert_true(j.most_running <= at_a_time);
        if (at_a_time == 1)
            assert_int_equal(j.most_running, 1);
    }
}

/* One that waits for ever, one that does not listen, and one that leaves somebody behind. */
static void limits(void **state)
{
    struct jobs j = {.script = {"sleep 1000", "sleep 1000 & wait", NULL, NULL, "echo x >&2", NULL},
                     .limit_ns = 300 * NS_PER_MS};
    (void)state;
    assert_int_equal(run(&j, 3), 0);
    assert_int_equal(j.n_done, 3);
    assert_true(j.end[0].timed_out && j.end[1].timed_out);
    assert_false(j.end[4].timed_out);
    assert_string_equal(j.said[4], "x\n");
}

static void caller_wants_an_end(void **state)
{
    struct jobs j = {
        .script = {"exit 1", "sleep 1000", "sleep 1000", "sleep 1000", "sleep 1000", "sleep 1000"},
        .stop_after = 1};
    (void)state;
    assert_int_equal(run(&j, 3), -EINTR);
    assert_int_equal(j.n_done, 1);
}

static void interrupted(void **state)
{
    struct jobs j = {
        .script = {"exit 0", "kill -INT $PPID; sleep 1000", "sleep 1000 & sleep 1000", NULL, NULL, NULL}};
    (void)state;
    signal(SIGINT, SIG_DFL); /* who runs the tests in the background ignores it */
    assert_int_equal(run(&j, 1), -EINTR);
    assert_int_equal(j.n_done, 1);
    assert_int_equal(j.done[0], 1);
}

/* As under nohup. */
static void ignored(void **state)
{
    struct jobs j = {.script = {"kill -HUP $PPID", "exit 0"}};
    (void)state;
    signal(SIGHUP, SIG_IGN);
    int rc = run(&j, 1);
    signal(SIGHUP, SIG_DFL);
    assert_int_equal(rc, 0);
    assert_int_equal(j.n_done, 2);
}

static void no_program(void **state)
{
    struct jobs j = {.script = {"exit 0"}};
    const struct pool pool = {.n_jobs = 1,
                              .at_a_time = 1,
                              .program = "/no/such/program",
                              .directory = "/",
                              .context = &j,
                              .command = command_of,
                              .done = job_done};
    (void)state;
    assert_int_equal(pool_run(&pool), 0);
    assert_int_equal(WEXITSTATUS(j.end[0].wait_status), 127);
    assert_non_null(strstr(j.said[0], "No such file"));
}

int test_pool(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends),        cmocka_unit_test(limits),     cmocka_unit_test(caller_wants_an_end),
        cmocka_unit_test(interrupted), cmocka_unit_test(ignored),    cmocka_unit_test(no_program),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
