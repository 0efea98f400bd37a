/* Calibration and cost of exits in a scratch VM of one page of real-mode code. */
#include "kvm/backend.h"

#include "base/host.h"
#include "kvm/scratch.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <unistd.h>

enum {
    EXITS_PER_BATCH = 200,
    BATCHES = 5,
    LOOP_INSNS = 20000,
    QUICK_BATCHES = 3, /* for every run of a guest: about a millisecond */
    QUICK_EXITS = 20,
    QUICK_INSNS = 400,
    FAST_INSN_PS = 20000,
    WINDOW_TRIES = 8,
    LATE_WINDOW_INSNS = 16, /* an exact backend opens the window within one or two */
};

static int calibrate_out(struct scratch *s, struct vcpu_traits *traits)
{
    static const u8 code[] = {0xee, 0xf4}; /* out dx, al / hlt */
    struct vmexit exit;
    scratch_load(s, code, sizeof code, 0);
    int rc = vcpu_run(&s->vcpu, &exit);
    if (rc)
        return rc;
    if (exit.kind != VMEXIT_PIO)
        return -EIO;
    traits->out_rip_after = vcpu_rip_linear(&s->vcpu) != SCRATCH_CODE;
    return vcpu_run(&s->vcpu, &exit); /* to the HLT: nothing stays pending */
}

static int try_window(struct scratch *s, bool *late)
{
    static const u8 code[] = {0xfb, 0x40, 0xeb, 0xfd}; /* sti / 1: inc ax / jmp 1b */
    struct vmexit exit;
    struct cpu_state cpu;
    scratch_load(s, code, sizeof code, 0);
    vcpu_request_window(&s->vcpu, true);
    int rc = vcpu_run(&s->vcpu, &exit);
    vcpu_request_window(&s->vcpu, false);
    if (rc)
        return rc;
    if (exit.kind != VMEXIT_IRQ_WINDOW)
        return -EIO;
    vcpu_get_state(&s->vcpu, &cpu);
    *late = (cpu.reg[CPU_EAX] & 0xffff) > LATE_WINDOW_INSNS;
    return 0;
}

/* A late window opens early when the host happens to want the processor just then: one late answer decides. */
static int calibrate_window(struct scratch *s, struct vcpu_traits *traits)
{
    traits->late_window = false;
    for (int i = 0; i < WINDOW_TRIES && !traits->late_window; i++) {
        int rc = try_window(s, &traits->late_window);
        if (rc)
            return rc;
    }
    return 0;
}

static int calibrate_push(struct scratch *s, struct vcpu_traits *traits)
{
    static const u8 code[] = {0x66, 0x06, 0xf4}; /* push es, 32 bits / hlt */
    struct vmexit exit;
    scratch_load(s, code, sizeof code, 0);
    memset(s->memory + SCRATCH_STACK - 4, 0xff, 4);
    int rc = vcpu_run(&s->vcpu, &exit);
    if (rc)
        return rc;
    if (exit.kind != VMEXIT_HLT)
        return -EIO;
    traits->push_sreg_whole = s->memory[SCRATCH_STACK - 1] == 0;
    return 0;
}

static int calibrate_cpuid(struct scratch *s, struct vcpu_traits *traits)
{
    static const u8 code[] = {0x66, 0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0xf4}; /* mov eax, 1 / cpuid / hlt */
    struct vmexit exit;
    struct cpu_state cpu;
    scratch_load(s, code, sizeof code, 0);
    int rc = vcpu_run(&s->vcpu, &exit);
    if (rc)
        return rc;
    if (exit.kind != VMEXIT_HLT)
        return -EIO;
    u32 want[4];
    vcpu_cpuid(&s->vcpu.traits, 1, want);
    vcpu_get_state(&s->vcpu, &cpu);
    const u32 seen[4] = {cpu.reg[CPU_EAX], cpu.reg[CPU_EBX], cpu.reg[CPU_ECX], cpu.reg[CPU_EDX]};
    traits->cpuid_leaks = seen[2] != want[2] || seen[3] != want[3];
    memcpy(traits->leaf1, seen, sizeof seen);
    return 0;
}

static int calibrate(struct scratch *s, struct vcpu_traits *traits)
{
    int rc = calibrate_out(s, traits);
    if (!rc)
        rc = calibrate_window(s, traits);
    if (!rc)
        rc = calibrate_push(s, traits);
    return rc ? rc : calibrate_cpuid(s, traits);
}

/* Nanoseconds per exit of a loop of OUTs, best of so many batches of so many exits; with `sync`, all registers are read and
 * replaced at each. */
static u32 measure_exit(struct scratch *s, bool sync, int batches, u32 exits)
{
    static const u8 code[] = {0xee, 0xeb, 0xfd}; /* 1: out dx, al / jmp 1b */
    u64 best = UINT64_MAX;
    scratch_load(s, code, sizeof code, 0);
    for (int batch = 0; batch < batches; batch++) {
        u64 start = host_thread_cpu_ns();
        for (u32 i = 0; i < exits; i++) {
            struct vmexit exit;
            if (vcpu_run(&s->vcpu, &exit) || exit.kind != VMEXIT_PIO)
                return 0;
            if (sync)
                s->vcpu.run->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;
        }
        best = MIN(best, host_thread_cpu_ns() - start);
    }
    return (u32)(best / exits);
}

/* Picoseconds per instruction of a DEC/JNZ loop, the exit at its end subtracted; best of so many batches. */
static u32 measure_insn(struct scratch *s, u32 exit_ns, int batches, u32 instructions)
{
    static const u8 code[] = {0x49, 0x75, 0xfd, 0xee}; /* 1: dec cx / jnz 1b / out dx, al */
    u64 best = UINT64_MAX;
    for (int batch = 0; batch < batches; batch++) {
        struct vmexit exit;
        scratch_load(s, code, sizeof code, (u16)(instructions / 2));
        u64 start = host_thread_cpu_ns();
        if (vcpu_run(&s->vcpu, &exit) || exit.kind != VMEXIT_PIO)
            return 0;
        best = MIN(best, host_thread_cpu_ns() - start);
    }
    return best > exit_ns ? (u32)((best - exit_ns) * 1000 / instructions) : 0;
}

int vcpu_calibrate(struct vcpu_traits *traits)
{
    struct scratch s;
    int rc = scratch_open(&s);
    if (rc)
        return rc;
    rc = calibrate(&s, traits);
    traits->costs.exit_ns = measure_exit(&s, false, QUICK_BATCHES, QUICK_EXITS);
    traits->costs.insn_ps = measure_insn(&s, traits->costs.exit_ns, QUICK_BATCHES, QUICK_INSNS);
    if (traits->costs.insn_ps < FAST_INSN_PS) /* then many more are needed to see them beside an exit */
        traits->costs.insn_ps = measure_insn(&s, traits->costs.exit_ns, QUICK_BATCHES, LOOP_INSNS);
    scratch_close(&s);
    return rc;
}

enum backend backend_detect(void)
{
    static const struct {
        const char *path;
        enum backend backend;
    } module[] = {
        {"/sys/module/kvm_intel", BACKEND_VMX},
        {"/sys/module/kvm_amd", BACKEND_SVM},
        {"/sys/module/kvm_pvm", BACKEND_PVM},
    };
    for (size_t i = 0; i < ARRAY_LEN(module); i++)
        if (!access(module[i].path, F_OK))
            return module[i].backend;
    return access("/dev/kvm", F_OK) ? BACKEND_NONE : BACKEND_UNKNOWN;
}

bool backend_host_nested(void)
{
    unsigned eax, ebx, ecx = 0, edx;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & BIT(31));
}

const char *backend_name(enum backend backend, bool nested)
{
    static const char *const name[][2] = {
        [BACKEND_NONE] = {"none", "none"},
        [BACKEND_VMX] = {"vmx", "nested vmx"},
        [BACKEND_SVM] = {"svm", "nested svm"},
        [BACKEND_PVM] = {"pvm", "pvm"}, /* made to run under another hypervisor: nesting says nothing new */
        [BACKEND_UNKNOWN] = {"unknown", "nested unknown"},
    };
    return name[backend][nested];
}

void backend_probe(struct backend_probe *probe)
{
    memset(probe, 0, sizeof *probe);
    probe->backend = backend_detect();
    probe->nested = backend_host_nested();
    int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        probe->open_error = -errno;
        return;
    }
    vm_missing_capabilities(fd, probe->missing, sizeof probe->missing);
    close(fd);
    struct scratch s;
    if (probe->missing[0] || scratch_open(&s))
        return;
    if (!calibrate(&s, &probe->traits)) {
        probe->exit_ns = measure_exit(&s, false, BATCHES, EXITS_PER_BATCH);
        u32 synced = measure_exit(&s, true, BATCHES, EXITS_PER_BATCH);
        probe->sync_ns = synced > probe->exit_ns ? synced - probe->exit_ns : 0;
        probe->insn_ns_tenths = measure_insn(&s, probe->exit_ns, BATCHES, LOOP_INSNS) / 100;
    }
    scratch_close(&s);
}
