/* The virtual processor: running it, completing what an exit left half done, reading and replacing its state
 * through the shared page (KVM_CAP_SYNC_REGS), never by an ioctl.
 *
 * An exit by a read (IN, INS, a memory read, the first half of a read-modify-write) is half an instruction. KVM
 * finishes it at the next KVM_RUN with the data we gave, and overwrites RIP and RFLAGS then. So: before the
 * state is replaced, vcpu_complete. Writes leave the final state at the exit on every backend, but for OUT on VMX and
 * SVM (RIP still at it), fragments of page-crossing writes, and a live STI shadow. */
#ifndef HUDDLE_KVM_VCPU_H
#define HUDDLE_KVM_VCPU_H

#include "base/cpu.h"
#include "kvm/vm.h"
#include "kvm/vmexit.h"

struct kvm_run;
struct vcpu_fpu; /* vcpu_fpu.c */

/* Measured roughly by vcpu_calibrate. */
struct vcpu_costs {
    u32 exit_ns; /* OUT to userspace and back, everything included */
    u32 insn_ps; /* a simple guest instruction */
};

/* What this host's KVM does where backends differ; measured once by vcpu_calibrate. */
struct vcpu_traits {
    struct vcpu_costs costs;
    bool out_rip_after; /* at an OUT exit RIP is behind the instruction */
    bool push_sreg_whole; /* a 32-bit PUSH of a segment register writes four bytes, not two: both exist in hardware */
    bool late_window;   /* the interrupt window opens late: a software KVM that tests it between batches */
    /* The host's feature bits show through CPUID leaf 1 whatever was set: leaf 0 then says that there is no leaf 1, and
     * `leaf1` is what shows to a guest that does not believe it. */
    bool cpuid_leaks;
    u32 leaf1[4];
};

struct vcpu {
    int fd;
    struct kvm_run *run;
    u32 run_bytes;
    struct vcpu_traits traits;
    u64 runs;        /* KVM_RUN calls */
    u64 completions; /* of these with immediate_exit to complete an instruction */
    u64 ioctls;      /* others */
    struct vcpu_fpu *fpu; /* NULL until it is asked for */
    const volatile int *attention; /* what a signal handler sets beside immediate_exit */
};

/* Creates vCPU 0 with the CPUID of a 486, in its reset state. 0 or -errno (logged). `attention` is nonzero when a
 * signal handler wants KVM_RUN to return. */
must_check int vcpu_open(struct vcpu *vcpu, struct vm *vm, const struct vcpu_traits *traits,
                         const volatile int *attention);
void vcpu_close(struct vcpu *vcpu);
/* A vCPU that was never opened: vcpu_close is all it may be given to. */
void vcpu_init_closed(struct vcpu *vcpu);

/* Runs until an exit. 0 or -errno (logged): KVM itself failed. */
must_check int vcpu_run(struct vcpu *vcpu, struct vmexit *exit);

/* Does the exit in hand leave the instruction unfinished as far as replacing registers goes? */
bool vcpu_needs_completion(const struct vcpu *vcpu, const struct vmexit *exit);

/* Finishes the instruction of the last exit without running further. 1: it needs another exit, now in *exit: serve
 * it and call again. 0: done, the state in the shared page is the one after the instruction (REP: RIP may
 * still be at it). -errno (logged): KVM failed. */
must_check int vcpu_complete(struct vcpu *vcpu, struct vmexit *exit);

/* Linear RIP as KVM left it at the exit. */
linear_t vcpu_rip_linear(const struct vcpu *vcpu);
/* DX at the exit. */
u16 vcpu_dx(const struct vcpu *vcpu);
/* Place and mode as KVM left them at the exit, without copying the whole state. `resumes` tells whether RF is set: RIP is
 * at a REP string instruction that stopped between elements. */
void vcpu_where(const struct vcpu *vcpu, struct cpu_where *where, bool *resumes);

/* RF at the exit: RIP is at a REP string instruction that stopped between elements. */
bool vcpu_resumes(const struct vcpu *vcpu);

/* Copies the state out of the shared page. */
void vcpu_get_state(const struct vcpu *vcpu, struct cpu_state *cpu);
/* Replaces the state at the next KVM_RUN. Clears a pending exception of a failed emulation. True: segment or control
 * registers are others, which takes KVM longer. */
bool vcpu_put_state(struct vcpu *vcpu, const struct cpu_state *cpu);

/* The x87's state, 512 bytes as FXSAVE stores them without REX.W, good until the next KVM_RUN. `write`: they will be
 * changed, and go back to KVM before it. NULL (logged) if KVM does not give them. */
void *vcpu_fpu(struct vcpu *vcpu, bool write);
/* For vcpu_run: gives KVM what was changed. 0 or -errno (logged). */
must_check int vcpu_fpu_put_back(struct vcpu *vcpu);
void vcpu_fpu_free(struct vcpu *vcpu);

/* DR0-DR3, DR6, DR7. KVM may have none: then they are as after RESET, and putting others fails. 0 or -errno (logged). */
#define VCPU_DEBUG_REGS 6
void vcpu_get_debug(struct vcpu *vcpu, u32 dr[VCPU_DEBUG_REGS]);
must_check int vcpu_put_debug(struct vcpu *vcpu, const u32 dr[VCPU_DEBUG_REGS]);

/* Is there nothing that KVM will do at the next KVM_RUN before the guest's next instruction: an exception, an interrupt that
 * vcpu_inject has handed over? Then struct cpu_state, the x87 and the debug registers are the whole processor. */
bool vcpu_is_whole(const struct vcpu *vcpu);

/* After vcpu_complete: has the instruction raised an exception (or a trap: TF) that KVM will deliver at the next
 * KVM_RUN? Replacing the state would lose it. */
bool vcpu_has_exception(const struct vcpu *vcpu);

/* KVM's own delivery, for modes the interpreter does not know. Only if vcpu_can_inject. */
bool vcpu_can_inject(const struct vcpu *vcpu);
void vcpu_inject(struct vcpu *vcpu, u8 vector);
void vcpu_request_window(struct vcpu *vcpu, bool wanted);

/* Async-signal-safe part of a kick: makes the KVM_RUN in progress or the next one return. */
void vcpu_kick(struct vcpu *vcpu);

/* The state of a 486 after RESET. */
void cpu_reset(struct cpu_state *cpu);

/* What CPUID shows: the 486 presented to guests, without time-stamp counter. out = eax, ebx, ecx, edx. */
void vcpu_cpuid(const struct vcpu_traits *traits, u32 leaf, u32 out[4]);

#endif
