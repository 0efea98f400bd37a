/* SIGSEGV. Translated code accesses guest memory without looking what is there; where no RAM is, the
 * reservation is inaccessible and the access faults. The handler moves execution to the instruction's cold
 * code. Only faults of our code in the guest's reservation are taken; every other goes where it went before.
 */
#include "jit/jit_impl.h"

#include <errno.h>
#include <string.h>
#include <ucontext.h>

/* A signal handler has no argument of ours. */
static _Thread_local struct jit *volatile running;

/* Who had SIGSEGV before the first of `users` translators. The process's, as the signal is: a fault may be any thread's. */
static struct {
    struct sigaction action;
    u32 users;
} before;

void fault_watch(struct jit *jit)
{
    running = jit;
}

static const u8 *find_cold(const struct jit *jit, const u8 *at)
{
    u32 low = 0, high = jit->n_accesses;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (jit->access[middle].at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < jit->n_accesses && jit->access[low].at == at ? jit->access[low].cold : NULL;
}

static bool in_reservation(const struct jit *jit, const void *address)
{
    enum { GUARD = 4096 };
    const u64 bytes = (1ull << 32) + GUARD;
    const u8 *guarded = jit->env->guarded;
    return (u64)((const u8 *)address - jit->env->view) < bytes ||
           (guarded && (u64)((const u8 *)address - (guarded - ENV_LIMIT_BYTES)) < ENV_LIMIT_BYTES + bytes);
}

/* Not ours: whoever had the signal before has it, on whatever thread. */
static void pass_on(int signal, siginfo_t *info, void *context)
{
    /* These two may come with any flags. */
    bool handled = before.action.sa_handler != SIG_DFL && before.action.sa_handler != SIG_IGN;
    if (handled && before.action.sa_flags & SA_SIGINFO) {
        before.action.sa_sigaction(signal, info, context);
        return;
    }
    if (handled) {
        before.action.sa_handler(signal);
        return;
    }
    sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    if (info->si_code <= 0)
        raise(signal); /* somebody sent it: no instruction will fault again */
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
    struct jit *jit = running;
    ucontext_t *ucontext = context;
    greg_t *rip = &ucontext->uc_mcontext.gregs[REG_RIP];
    const u8 *at = (const u8 *)(uintptr_t)*rip;
    const u8 *cold = NULL;
    if (jit && code_buffer_holds(&jit->buffer, at) && in_reservation(jit, info->si_addr))
        cold = find_cold(jit, at);
    if (!cold) {
        pass_on(signal, info, context);
        return;
    }
    jit->faulted = true;
    *rip = (greg_t)(uintptr_t)cold;
}

int fault_install(struct jit *jit)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    if (!before.users && (sigaction(SIGSEGV, NULL, &before.action) || sigaction(SIGSEGV, &action, NULL)))
        return -errno;
    before.users++;
    jit->watches_faults = true;
    return 0;
}

void fault_remove(struct jit *jit)
{
    if (running == jit)
        running = NULL;
    if (!jit->watches_faults)
        return;
    jit->watches_faults = false;
    if (!--before.users)
        sigaction(SIGSEGV, &before.action, NULL);
}
