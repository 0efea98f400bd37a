/* SIGSEGV that is not of translated code: whoever had the signal before gets it. */
#include "jit_rig.h"

#include "base/types.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, SENTINEL = 0x5a };

/* A page that cannot be read until the handler lets it. */
static volatile u8 *volatile closed_page;
static volatile sig_atomic_t faults;

static void open_page(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    faults++;
    if (info->si_addr == closed_page)
        mprotect((void *)closed_page, PAGE, PROT_READ | PROT_WRITE);
    else
        _exit(1);
}

static void make_page(void)
{
    closed_page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(closed_page != MAP_FAILED);
    faults = 0;
}

static void *touch(void *unused)
{
    (void)unused;
    *closed_page = SENTINEL;
    return NULL;
}

static void stop_translating(struct jit_rig *rig)
{
    jit_destroy(rig->jit);
    rig->jit = NULL;
}

static void goes_to_the_handler_before(void **state)
{
    struct sigaction before, mine = {.sa_sigaction = open_page, .sa_flags = SA_SIGINFO}, after;
    struct jit_rig *rig = *state;
    pthread_t thread;
    assert_int_equal(sigaction(SIGSEGV, &mine, &before), 0);
    jit_configure(rig, &(struct jit_config){0});
    make_page();
    touch(NULL);
    assert_int_equal(faults, 1);
    munmap((void *)closed_page, PAGE);
    make_page();
    assert_int_equal(pthread_create(&thread, NULL, touch, NULL), 0);
    pthread_join(thread, NULL);
    assert_int_equal(faults, 1);
    munmap((void *)closed_page, PAGE);
    stop_translating(rig);
    assert_int_equal(sigaction(SIGSEGV, &before, &after), 0);
    assert_true(after.sa_sigaction == open_page);
}

static int status_of_child(void (*child)(void))
{
    int status;
    pid_t pid = fork();
    if (!pid) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        child();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void be_sent_one(void)
{
    kill(getpid(), SIGSEGV);
}

static void make_one(void)
{
    make_page();
    touch(NULL);
}

/* As if nobody had taken the signal: the process dies of it. */
static void kills_if_nobody_had_it(void **state)
{
    struct sigaction before;
    struct jit_rig *rig = *state;
    sigaction(SIGSEGV, &(struct sigaction){.sa_handler = SIG_DFL}, &before);
    jit_configure(rig, &(struct jit_config){0});
    int sent = status_of_child(be_sent_one), made = status_of_child(make_one);
    assert_true(WIFSIGNALED(sent) && WTERMSIG(sent) == SIGSEGV);
    assert_true(WIFSIGNALED(made) && WTERMSIG(made) == SIGSEGV);
    stop_translating(rig);
    sigaction(SIGSEGV, &before, NULL);
}

int test_fault(void)
{
    const struct CMUnitTest tests[] = {
        JIT_TEST(goes_to_the_handler_before),
        JIT_TEST(kills_if_nobody_had_it),
    };
    return cmocka_run_group_tests_name("foreign faults", tests, NULL, NULL);
}
