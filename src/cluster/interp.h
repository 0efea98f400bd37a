/* The step interpreter: the reference executor. It executes guest instructions exactly as a 486 does in real mode
 * (also with large limits) and in 16/32-bit protected mode without paging at CPL 0.
 *
 *   bytes --insn_decode--> struct insn --lower--> steps --interp--> effects
 *
 * Every instruction is atomic: it completes, or has no effect at all on registers and memory ("fault"), so that
 * KVM can execute it again from its start. Exception: a REP string instruction may stop between elements (registers
 * stepped, eip still at it, RF set), as the processor does.
 *
 * REP and interrupts (the rule that makes streams equal at every level): behind an element that writes to a device an
 * interrupt is taken, unless the next element reads one. Behind another it is taken if no device has been read since the
 * string, or the last write to a device: having read one, KVM goes on without looking. */
#ifndef HUDDLE_CLUSTER_INTERP_H
#define HUDDLE_CLUSTER_INTERP_H

#include "base/cpu.h"
#include "cluster/env.h"
#include "decode/insn.h"

struct cluster;
struct steps; /* cluster/step.h: one instruction lowered */

enum interp_result {
    INTERP_DONE,        /* executed; eip at the next instruction (also after HLT: see cpu->halted) */
    INTERP_AGAIN,       /* a REP string instruction stopped between elements: eip still at it */
    INTERP_FAULT,       /* would raise an exception: no effect; vector and error code in struct interp */
    INTERP_DEVICE,      /* would access a device and allow_devices is false: no effect */
    INTERP_UNSUPPORTED, /* not known: no effect */
};

struct interp {
    const struct cluster_env *env;
    bool allow_devices;   /* false: stop before any device access (INTERP_DEVICE) */
    bool like_kvm;        /* true: what KVM's emulator does in its own way is INTERP_UNSUPPORTED, left to it */

    /* Of the next instruction: host code has done elements of this string before, and must not be interrupted now. */
    bool string_has_read;

    /* Of the last instruction. */
    u32 device_accesses;  /* how many it made */
    u8 fault_vector;      /* INTERP_FAULT */
    bool fault_has_error;
    u32 fault_error;
    u32 n_stores;                  /* where it stored to RAM: */
    struct interp_store {
        u32 first, last;           /* guest physical addresses */
    } store[2];                    /* two, for a string or a stack may go on at the other end of its segment */
    bool x87;             /* it looked at the x87's state, or changed it */
    u16 unknown;          /* INTERP_UNSUPPORTED from interp_fetch: what it is (ZydisMnemonic), 0 if it cannot be read */
    bool poked;           /* it changed mode, segments of the code path, tables or control registers */

    struct insn_cache *cache; /* decoded and lowered instructions by address, bytes compared on use */
};

must_check int interp_init(struct interp *interp, const struct cluster_env *env);
void interp_fini(struct interp *interp);

/* Did the last instruction store to code of `cluster`? */
bool interp_stored_to(const struct interp *interp, const struct cluster *cluster);

/* Fetches, decodes (cached) and executes the instruction at CS:EIP. The mode must be supported
 * (cpu_mode_supported). Handles the interrupt shadow. TF: executes the instruction and leaves the trap to the
 * caller (LIMIT: callers hand guests with TF set to KVM). */
enum interp_result interp_step(struct interp *interp, struct cpu_state *cpu);

/* Its first half: the instruction at CS:EIP, lowered; valid until the next call. INTERP_DONE, or why there is none. */
enum interp_result interp_fetch(struct interp *interp, struct cpu_state *cpu, const struct steps **steps);

/* Executes one already lowered instruction that stands at CS:EIP. Same results. */
enum interp_result interp_exec(struct interp *interp, struct cpu_state *cpu, const struct steps *steps);

/* Delivers an interrupt or exception through the IVT or IDT as the processor does: pushes the frame, clears
 * IF/TF/RF/NT as the gate says, loads CS:EIP, clears the shadow and halted. `error` is pushed if has_error (protected mode only).
 * INTERP_DONE, or INTERP_FAULT / INTERP_UNSUPPORTED (task gates, frames on devices): nothing changed. */
enum interp_result interp_deliver(struct interp *interp, struct cpu_state *cpu, u8 vector, bool has_error, u32 error);

#endif
