/* Inside of the host executor.
 *
 * Host registers in translated code:
 *   rax rcx rdx rbx rbp rsi rdi   the guest's EAX ECX EDX EBX EBP ESI EDI (upper halves are zero or rubbish)
 *   r14                           the guest's ESP
 *   r13                           env->guarded, or env->view: guest memory at guest address
 *   r12                           struct jit_frame, + FRAME_BIAS; the guest's struct cpu_state is in it
 *   r15                           the fuel: below zero until the run loop is to be looked at
 *   r8, r9                        scratch: addresses. r9 is the address between the load and the store of one operand
 *   r10, r11                      temporaries t0, t1 of the steps
 * Arithmetic flags are the host's (FLAGS_HOST) or in frame->flags (FLAGS_SAVED: the code needed the host's for itself).
 * DF, IF and the rest stay in cpu_state; the host's DF is always clear. */
#ifndef HUDDLE_JIT_JIT_IMPL_H
#define HUDDLE_JIT_JIT_IMPL_H

#include "cluster/interp_impl.h"
#include "jit/code_buffer.h"
#include "jit/emit.h"
#include "jit/jit.h"

#include <signal.h>

enum flags_place {
    FLAGS_HOST,  /* in the host's flags */
    FLAGS_SAVED, /* in frame->flags; the host's are rubbish */
};

/* Saved flags: as LAHF gives them, in AH; OF in AL. */
enum { JIT_OVERFLOW = 1, JIT_FLAGS_SHIFT = 8, JIT_FLAGS = 0xd5, JIT_OF_SHIFT = 11 };

/* Instructions between looks at the run loop: a microsecond, or 20 if they are all device accesses; 10 ns for a look. */
enum { JIT_FUEL = 2048 };

enum device_call { DEVICE_LOAD, DEVICE_STORE, DEVICE_IN, DEVICE_OUT, DEVICE_CALLS };

/* What a segment register must look like for the code made with it. */
enum segment_limit { LIMIT_OTHER, LIMIT_64K, LIMIT_4G };
struct segment_shape {
    u8 limit;      /* enum segment_limit; LIMIT_OTHER: accesses through it are left to the interpreter. LIMIT_64K: and no byte of
                    * it lies beyond the 4 GiB, so that sums with the base need no wrap */
    bool flat;     /* LIMIT_4G with base 0, in protected mode: code cannot load another base */
    bool writable;
    bool big;      /* B: a stack of it is addressed by ESP */
};

/* The highest base of a segment of 64 KiB that ends with the address space, or before. */
#define HIGHEST_64K 0xffff0000u

/* A way out of the code: where the guest goes on. */
struct leave_record {
    u32 eip;
    u32 pending; /* instructions executed on the way out and not counted yet */
    u8 reason;   /* enum cluster_leave; LEAVE_REASONS: frame->leave has it */
};

/* A device access in the code. */
struct device_site {
    struct cluster_insn *insn;
    u8 size;
    bool port_is_dx; /* IN, OUT; else it is `imm` */
    u32 imm;
    struct env_port port; /* IN, OUT: who answers port.number; .in and .out are NULL if not known */
    bool port_known;
    struct env_window window; /* LOAD, STORE: the device memory it went to last */
    bool inlined;         /* this is the way out of inlined code */
    u32 calls;            /* LOAD, STORE */
    u32 pending;          /* instructions up to this one that the code counts later */
};

struct insn_code {
    u32 offset;       /* of its host code in the translation */
    u32 entry;        /* where it is entered with whole registers: there, or, inside a loop, elsewhere */
    u32 bytes;
    s32 pending;      /* instructions before it on its straight stretch that are counted at its end */
    u8 faults;        /* plain accesses of it that hit a device */
    u8 guard_faults;  /* and stores that hit a page with code */
    bool device;      /* its accesses are compiled as device accesses */
    u8 plain_again;   /* times that they were made plain ones after that: each takes twice as many hits of memory that */
    u16 plain_hits;   /* belongs to a device, but is plain now */
    bool checked;     /* its stores look whether they hit code, and pass the guard if not */
};

/* Where a region is entered from another one: flags are saved, nothing is pending. */
struct landing {
    u32 eip;
    u32 offset; /* in the translation */
};

struct translation {
    struct cluster *cluster;
    u64 epoch;        /* of the code buffer; older: there is no code */
    bool impossible;  /* it cannot be translated: not tried again */
    u32 waited;       /* runs before it was translated */
    u8 respecialised; /* times it was made again for another state of a device */
    bool stale;       /* an assumption changed: translate again before the next run */
    const u8 *code;
    u32 bytes;
    u32 eip_limit;    /* CS limit the code needs */
    u8 segments;      /* bit per segment register whose shape is assumed */
    struct segment_shape shape[CPU_SREGS];
    u32 n_leaves, n_sites, n_landings;
    struct landing *landing; /* [n_landings]; the first is its beginning */
    struct leave_record *leave; /* [n_leaves] */
    struct device_site *site;   /* [n_sites] */
    struct insn_code insn[];    /* [cluster->n] */
};

/* What translated code and the functions it calls work on. r12's low six bits are FRAME_BIAS: as a shift count they bring down
 * the sign of a register, without touching the flags. */
enum { FRAME_ALIGNMENT = 64, FRAME_BIAS = 63 };
struct jit_frame {
    u32 flags;          /* AH: SF ZF AF PF CF as LAHF gives them, AL: OF */
    u32 t0;             /* across calls */
    u32 rmw;            /* r9 across calls */
    u32 leave;          /* 1 + enum cluster_leave: leave after this instruction; 0: go on */
    s32 direction;      /* of string instructions: 1 or -1 */
    u32 left_by;        /* index of the leave record */
    s64 fuel;           /* - instructions until jit_refuel looks whether the run goes on. In code: r15 */
    s64 last;           /* the fuel at the last device access */
    u8 *segment[CPU_SREGS]; /* memory + base, for segments that are LIMIT_64K */
    s64 horizon;        /* loops are left when fuel - last is so much */
    u64 executed;       /* + fuel: instructions of this run */
    u64 accesses;       /* of devices by host code */
    u64 inlined;        /* and those that cluster_env.accesses does not know of yet */
    const u32 *changes_now;
    u32 changes;        /* *changes_now when it was last looked at */
    u32 chunk_from, chunk_less; /* lower_host_loop.c: the guest's CX is chunk_from - chunk_less + ecx */
    u32 value;          /* across calls */
    struct device_site *site; /* across calls */
    const struct cluster_env *env;
    const void *target; /* where to go on */
    const volatile int *attention;
    const bool *intr;
    const u8 *granules; /* of the code map */
    u64 context;        /* see chain.c; in the upper half */
    u32 spread;         /* an offset's slot is at offset ^ spread */
    struct chain_slot *slots;

    u8 *memory;         /* in code: r13 */

    struct jit *jit;
    struct translation *translation;
    struct cpu_state *cpu;  /* &state */
    struct cpu_state state;
    struct cluster_stats *stats;
    u32 generation;     /* of memory, at entry */
    bool again;         /* enter again at `next` with new code */
    int next;
    enum cluster_leave reason;
};

struct gen;
struct chain;

/* A plain access of translated code: if it faults, execution goes on at `cold`. Ascending by `at`. */
struct access_site {
    const u8 *at;
    const u8 *cold;
};

struct jit {
    struct interp *interp;
    const struct cluster_env *env;
    struct jit_config config;
    struct jit_stats stats;
    struct code_buffer buffer;
    struct gen *gen;
    struct emit_cache *encodings;
    u64 epoch;          /* counts flushes of the buffer; starts at 1 */
    int perf_map;
    _Alignas(FRAME_ALIGNMENT) struct jit_frame frame;
    bool has_shrx;
    struct chain *chain; /* NULL: regions are not chained */
    struct access_site *access;
    u32 n_accesses, max_accesses;
    volatile bool faulted; /* the cold code now running was entered by SIGSEGV */
    bool watches_faults;   /* fault_install has succeeded */

    /* The stubs at the bottom of the buffer. Those with [FLAGS_HOST] save the flags first. */
    void (*enter)(struct jit_frame *frame, u8 *view, const void *address);
    const u8 *leave[2];     /* r8d: leave record. Stores the registers, returns from enter() */
    const u8 *interpret[2]; /* r8d: instruction + pending << INTERPRET_PENDING_SHIFT. Executes it in the interpreter */
    /* A call. r9: struct device_site; LOAD, STORE: r8d: linear address; STORE: r11d: value. LOAD, IN: the value is in r8d
     * afterwards. r9, r10, r11 are lost. */
    const u8 *call[DEVICE_CALLS][2];
    /* The same for a byte from (1) or to (0) port r8d where accesses need no account; r8 is lost by an OUT. */
    const u8 *port_call[2][2];
    const u8 *refuel[2];    /* A call. r8d: leave record to leave by if jit_refuel says no; r8-r11 are lost */
    const u8 *dispatch[2];  /* r10: offset where the guest goes on, everything counted: another region, or the engine */
    const u8 *exit;         /* returns from enter(): cpu_state is complete */
};

/* translate.c: the working memory of a translation, used for all of them. NULL: no memory. */
struct gen *gen_create(struct jit *jit);
void gen_destroy(struct gen *gen);
/* 0, -ENOSPC (the code buffer is full), -EINVAL (an instruction cannot be encoded), -ENOMEM. */
must_check int translate(struct jit *jit, struct translation *t, const struct cpu_state *cpu);

/* stubs.c: the fixed code at the bottom of the buffer. */
must_check int stubs_create(struct jit *jit);
/* Saves the host's flags, which may be used afterwards. `scratch` is lost. */
void emit_save_flags(struct emit *e, enum host_reg scratch);
/* Makes the saved flags the host's. */
void emit_restore_flags(struct emit *e, enum host_reg scratch);

static inline struct host_mem frame_at(size_t offset)
{
    return host_mem(R12, (s32)offset - FRAME_BIAS);
}

/* A field of the guest's processor. */
static inline struct host_mem cpu_at(size_t offset)
{
    return frame_at(offsetof(struct jit_frame, state) + offset);
}
#define FRAME(field) frame_at(offsetof(struct jit_frame, field))

/* Instructions since the last device access. */
static inline u64 jit_idle(const struct jit_frame *frame)
{
    return (u64)(frame->fuel - frame->last);
}

/* The last `pending` instructions are counted later, up to one that has just accessed a device. */
static inline void jit_note_access(struct jit_frame *frame, u32 pending)
{
    frame->last = frame->fuel + (s64)pending;
}

/* The fuel is used up: gives more, if nothing wants the processor and the horizon is not reached. */
bool jit_refuel(struct jit_frame *frame);

/* runtime.c: what translated code calls. */
enum { INTERPRET_PENDING_SHIFT = 16 };
const void *jit_interpret(struct jit_frame *frame, u32 i_and_pending);
u32 jit_load(struct jit_frame *frame, struct device_site *site, linear_t linear);
void jit_store(struct jit_frame *frame, struct device_site *site, linear_t linear, u32 value);
/* The guest's EDX, and EAX. */
u32 jit_in(struct jit_frame *frame, struct device_site *site, u32 edx);
void jit_out(struct jit_frame *frame, struct device_site *site, u32 edx, u32 eax);
/* cluster_env.changes is not what it was: must the run end? */
void jit_look(struct jit_frame *frame);
/* string_run.c: the elements of a REP string instruction that can be done quickly; cpu_state is complete and at it. True:
 * it was stopped between two elements, and the run must end for *reason. False: the interpreter goes on with it. */
bool jit_string_run(struct jit_frame *frame, struct cluster_insn *insn, enum cluster_leave *reason);
/* real_transfer.c: INT n or IRET in real mode; cpu_state is complete and at it. True: executed and counted; the effects are to be
 * looked at. False: it is the interpreter's. */
bool jit_real_transfer(struct jit_frame *frame, const struct cluster_insn *insn);
struct segment_shape jit_segment_shape(const struct cpu_state *cpu, u8 sreg);
/* Do the segments still look as the translation assumed? */
bool jit_shapes_hold(const struct translation *t, const struct cpu_state *cpu);
/* EFLAGS with the arithmetic flags that the code saved. */
u32 jit_flags(const struct jit_frame *frame);
/* Prepares to go on at instruction `i` from a complete cpu_state: where. */
const void *jit_prepare(struct jit_frame *frame, int i);

/* chain.c: regions that follow each other. */
enum { CHAIN_SLOTS = 4096 }; /* a power of two */
struct chain_slot {
    u64 tag;          /* offset | context */
    const void *code;
};
/* What enter() was left by: not a leave record. */
enum { LEFT_BY_EXIT = -1, LEFT_BY_DISPATCH = -2 };
/* `find`: what it says; else nothing is ever found. */
struct chain *chain_create(bool find);
void chain_destroy(struct chain *chain);
/* Nothing that was known holds any more: code has moved, or may not be what it was made from. */
void chain_forget(struct chain *chain);
/* The run that begins is in `t`: it and its landings can be found from now on. */
void chain_enter(struct jit_frame *frame, const struct translation *t);
/* The state in cpu_state is complete and may be another context than before. Code to go on with, or NULL. */
const void *chain_find(struct jit_frame *frame, bool poked);
/* Brings frame->context up to date with cpu_state. `poked`: what was executed may have changed the mode. False: the shapes of
 * all segments are surely what they were. */
bool chain_follow(struct jit_frame *frame, bool poked);

/* fault.c: SIGSEGV. One at a time per thread. Faults that are not of translated code go to whoever had the signal before. */
must_check int fault_install(struct jit *jit);
void fault_remove(struct jit *jit);
/* Tells the handler whose code runs on this thread; NULL: none. */
void fault_watch(struct jit *jit);

#endif
