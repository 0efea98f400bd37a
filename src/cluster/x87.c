/* x87 instructions of the interpreter: checks, operands, the host's x87, pending exceptions. 486 manual,
 * chapters 15 to 17.
 *
 * The image of the guest's x87 is loaded, the same encoding is executed from a table of thunks, and the image
 * stored again: see x87_thunks.S. Pointers are the guest's, kept here. FCMOVcc, FCOMI and FISTTP came later
 * than the 486: not lowered (INTERP_UNSUPPORTED), like CMOVcc.
 *
 * LIMIT: clusters keep these pointers as a 486 does. Processors of today keep only some of them (no
 * selectors; opcode and data pointer only after unmasked exceptions), so that what FNSTENV shows may differ
 * where KVM runs the guest natively.
 *
 * LIMIT: with CR0.NE clear a waiting instruction that finds an exception pending does not stop until the
 * interrupt comes, but is executed, as with IGNNE# active. */
#include "cluster/x87.h"

#include "cluster/interp_helper.h"

typedef u8 x87_thunk[4];
extern const x87_thunk x87_register_thunks[8][64]; /* x87_thunks.S */
extern const x87_thunk x87_memory_thunks[8][8];
void x87_run(void *operand, const void *thunk, struct x87_image *image);

_Static_assert(sizeof(struct x87_image) == 512, "FXSAVE");
_Static_assert(offsetof(struct x87_image, st) == 32, "FXSAVE");

/* --- what an encoding is --- */

enum x87_kind {
    X87_RESERVED, /* no instruction of a 486's */
    X87_PLAIN,    /* registers only */
    X87_LOAD,     /* `bytes` from memory */
    X87_STORE,    /* `bytes` to memory, unless an exception forbids it */
    X87_LOAD_CONTROL,
    X87_STORE_CONTROL,
    X87_STORE_STATUS,
    X87_LOAD_ENVIRONMENT,
    X87_STORE_ENVIRONMENT,
    X87_LOAD_STATE,
    X87_STORE_STATE,
    X87_CLEAR, /* FNCLEX, and what did something on an 8087 or 287 */
    X87_INIT,
};

struct x87_form {
    u8 kind; /* enum x87_kind */
    u8 bytes;
};

/* By escape and the reg field of ModRM. 486 manual, appendix A, ESC opcode maps. */
static const struct x87_form memory_forms[8][8] = {
    {[0 ... 7] = {X87_LOAD, 4}},
    {{X87_LOAD, 4},
     {0},
     {X87_STORE, 4},
     {X87_STORE, 4},
     {X87_LOAD_ENVIRONMENT, 0},
     {X87_LOAD_CONTROL, 2},
     {X87_STORE_ENVIRONMENT, 0},
     {X87_STORE_CONTROL, 2}},
    {[0 ... 7] = {X87_LOAD, 4}},
    {{X87_LOAD, 4}, {0}, {X87_STORE, 4}, {X87_STORE, 4}, {0}, {X87_LOAD, 10}, {0}, {X87_STORE, 10}},
    {[0 ... 7] = {X87_LOAD, 8}},
    {{X87_LOAD, 8},
     {0},
     {X87_STORE, 8},
     {X87_STORE, 8},
     {X87_LOAD_STATE, 80},
     {0},
     {X87_STORE_STATE, 80},
     {X87_STORE_STATUS, 2}},
    {[0 ... 7] = {X87_LOAD, 2}},
    {{X87_LOAD, 2},
     {0},
     {X87_STORE, 2},
     {X87_STORE, 2},
     {X87_LOAD, 10},
     {X87_LOAD, 8},
     {X87_STORE, 10},
     {X87_STORE, 8}},
};

/* By escape: the register forms that are instructions, a bit per ModRM & 3Fh. Aliases that every x87 has are
 * among them. */
static const u64 register_forms[8] = {
    ~0ull,                 /* D8: arithmetic */
    0xffff7f33ff01ffffull, /* D9: FLD, FXCH, FNOP, FSTP, constants, functions */
    1ull << 0x29,          /* DA: FUCOMPP */
    0x0000001full << 0x20, /* DB: FNENI, FNDISI, FNCLEX, FNINIT, FNSETPM */
    ~0ull,                 /* DC: arithmetic */
    0x0000ffffffffffffull, /* DD: FFREE, FXCH, FST, FSTP, FUCOM, FUCOMP */
    0xffffffff02ffffffull, /* DE: arithmetic that pops, FCOMPP */
    0x00000001ffffffffull, /* DF: FFREEP, FXCH, FSTP, FNSTSW AX */
};

/* Opcodes as struct x87_image has them: escape << 8 | ModRM. */
enum x87_opcode { FNENI = 0x3e0, FNDISI, FNCLEX, FNINIT, FNSETPM, FNSTSW_AX = 0x7e0 };

static bool in_memory(u16 opcode)
{
    return (opcode & 0xc0) != 0xc0;
}

static u8 escape_of(u16 opcode)
{
    return opcode >> 8 & 7;
}

static u8 reg_of(u16 opcode)
{
    return opcode >> 3 & 7;
}

static struct x87_form register_form(u16 opcode)
{
    if (!(register_forms[escape_of(opcode)] >> (opcode & 0x3f) & 1))
        return (struct x87_form){X87_RESERVED, 0};
    if (opcode == FNINIT)
        return (struct x87_form){X87_INIT, 0};
    if (opcode == FNSTSW_AX)
        return (struct x87_form){X87_STORE_STATUS, 2};
    return (struct x87_form){opcode >= FNENI && opcode <= FNSETPM ? X87_CLEAR : X87_PLAIN, 0};
}

static struct x87_form form_of(u16 opcode)
{
    return in_memory(opcode) ? memory_forms[escape_of(opcode)][reg_of(opcode)] : register_form(opcode);
}

/* Looks for pending exceptions first. */
static bool waits(enum x87_kind kind)
{
    return kind != X87_STORE_CONTROL && kind != X87_STORE_STATUS && kind != X87_STORE_ENVIRONMENT &&
           kind != X87_STORE_STATE && kind != X87_CLEAR && kind != X87_INIT;
}

static bool changes_state(enum x87_kind kind)
{
    return kind != X87_STORE_CONTROL && kind != X87_STORE_STATUS;
}

/* --- images --- */

void x87_init(struct x87_image *image)
{
    static const u32 mxcsr_init = 0x1f80; /* everything masked */
    *image = (struct x87_image){.control = X87_CONTROL_INIT, .mxcsr = mxcsr_init};
}

struct x87_pointers x87_get_pointers(const struct x87_image *image)
{
    return (struct x87_pointers){
        .opcode = image->opcode, .cs = image->cs, .ds = image->ds, .ip = image->ip, .dp = image->dp};
}

void x87_set_pointers(struct x87_image *image, const struct x87_pointers *p)
{
    image->opcode = p->opcode;
    image->ip = p->ip;
    image->cs = p->cs;
    image->dp = p->dp;
    image->ds = p->ds;
    image->reserved_14 = image->reserved_22 = 0;
}

/* --- one instruction --- */

/* An instruction in execution. */
struct x87_exec {
    struct exec *x;
    const struct step *step;
    struct x87_image *image;
    struct x87_format format;
    struct x87_pointers pointers; /* as they will be */
    u16 opcode;
    struct x87_form form;
    u32 bytes; /* of the memory operand */
    linear_t linear;
    u8 operand[X87_STATE_BYTES]; /* guest memory */
};

static const void *thunk_of(u16 opcode)
{
    return in_memory(opcode) ? x87_memory_thunks[escape_of(opcode)][reg_of(opcode)]
                             : x87_register_thunks[escape_of(opcode)][opcode & 0x3f];
}

/* Returns the unmasked exceptions of this instruction; loading a state or environment has none. */
static u16 host_execute(struct x87_exec *e, void *operand)
{
    struct x87_image *image = e->image;
    /* The host would raise what is pending now; here it was decided that nothing comes of it. */
    u16 held = waits(e->form.kind) ? x87_pending(image) : 0;
    if (held)
        image->status &= ~(held | X87_STATUS_ERROR | X87_STATUS_BUSY);
    x87_run(operand, thunk_of(e->opcode), image);
    if (e->form.kind == X87_LOAD_ENVIRONMENT || e->form.kind == X87_LOAD_STATE)
        return 0;
    u16 raised = x87_pending(image);
    image->status |= held;
    if (x87_pending(image))
        image->status |= X87_STATUS_ERROR | X87_STATUS_BUSY;
    return raised;
}

static enum interp_result read_operand(struct x87_exec *e)
{
    enum interp_result result = INTERP_DONE;
    for (u32 at = 0; at < e->bytes && result == INTERP_DONE; at += 4) {
        u8 size = (u8)MIN(e->bytes - at, 4u);
        u32 value;
        result = mem_read(e->x, e->linear + at, size, &value);
        if (result == INTERP_DONE)
            memcpy(e->operand + at, &value, size);
    }
    return result;
}

/* Cannot fail: the access was checked. */
static void write_operand(struct x87_exec *e)
{
    for (u32 at = 0; at < e->bytes; at += 4) {
        u8 size = (u8)MIN(e->bytes - at, 4u);
        u32 value = 0;
        memcpy(&value, e->operand + at, size);
        enum interp_result result = mem_write(e->x, e->linear + at, size, value);
        BUG_ON(result != INTERP_DONE);
    }
}

/* The instruction and its operand are what the pointers point to from now on. */
static void point_here(struct x87_exec *e)
{
    const struct cpu_state *cpu = e->x->cpu;
    e->pointers.opcode = e->opcode;
    e->pointers.ip = cpu->eip;
    e->pointers.cs = cpu->sreg[CPU_CS].selector;
    if (in_memory(e->opcode)) {
        e->pointers.dp = exec_offset(e->x, &e->step->mem);
        e->pointers.ds = cpu->sreg[e->step->mem.segment].selector;
    }
}

/* Invalid operation, overflow and their like leave a memory operand alone where they are unmasked; lost
 * precision does not. SDM volume 1, 8.5. */
static void store(struct x87_exec *e)
{
    if (!(host_execute(e, e->operand) & ~X87_PRECISION))
        write_operand(e);
}

static void store_word(struct x87_exec *e, u16 word)
{
    if (!in_memory(e->opcode)) {
        reg_write(e->x->cpu, CPU_EAX, 2, word);
        return;
    }
    memcpy(e->operand, &word, sizeof word);
    write_operand(e);
}

/* Environment and registers: the head is converted, the registers are the same everywhere. */
static void load_environment(struct x87_exec *e)
{
    u8 host[X87_STATE_BYTES];
    x87_environment_load(&e->format, e->operand, host, &e->pointers);
    memcpy(host + X87_ENVIRONMENT_BYTES, e->operand + x87_environment_bytes(&e->format), e->form.bytes);
    host_execute(e, host);
}

static void store_environment(struct x87_exec *e)
{
    u8 host[X87_STATE_BYTES];
    host_execute(e, host);
    x87_environment_store(&e->format, e->operand, host, &e->pointers);
    memcpy(e->operand + x87_environment_bytes(&e->format), host + X87_ENVIRONMENT_BYTES, e->form.bytes);
    write_operand(e);
    if (e->form.kind == X87_STORE_STATE)
        e->pointers = (struct x87_pointers){0};
}

static void execute(struct x87_exec *e)
{
    switch ((enum x87_kind)e->form.kind) {
    case X87_PLAIN:
    case X87_LOAD:
        host_execute(e, e->operand);
        point_here(e);
        break;
    case X87_STORE:
        store(e);
        point_here(e);
        break;
    case X87_LOAD_CONTROL:
    case X87_CLEAR:
        host_execute(e, e->operand);
        break;
    case X87_INIT:
        host_execute(e, e->operand);
        e->pointers = (struct x87_pointers){0};
        break;
    case X87_STORE_CONTROL:
        store_word(e, e->image->control);
        break;
    case X87_STORE_STATUS:
        store_word(e, e->image->status);
        break;
    case X87_LOAD_ENVIRONMENT:
    case X87_LOAD_STATE:
        load_environment(e);
        break;
    case X87_STORE_ENVIRONMENT:
    case X87_STORE_STATE:
        store_environment(e);
        break;
    case X87_RESERVED:
        break;
    }
    if (changes_state(e->form.kind))
        x87_set_pointers(e->image, &e->pointers);
}

static bool is_store(enum x87_kind kind)
{
    return kind == X87_STORE || kind == X87_STORE_CONTROL || kind == X87_STORE_STATUS ||
           kind == X87_STORE_ENVIRONMENT || kind == X87_STORE_STATE;
}

static u32 operand_bytes(const struct x87_exec *e)
{
    switch ((enum x87_kind)e->form.kind) {
    case X87_LOAD_ENVIRONMENT:
    case X87_STORE_ENVIRONMENT:
    case X87_LOAD_STATE:
    case X87_STORE_STATE:
        return x87_environment_bytes(&e->format) + e->form.bytes;
    default:
        return e->form.bytes;
    }
}

/* Everything that can go wrong with the memory operand does so here. */
static enum interp_result prepare_operand(struct x87_exec *e)
{
    struct exec *x = e->x;
    enum mem_intent intent = is_store(e->form.kind) ? MEM_WRITE : MEM_READ;
    if (!in_memory(e->opcode))
        return INTERP_DONE;
    e->bytes = operand_bytes(e);
    enum interp_result result =
        exec_linear(x, e->step->mem.segment, exec_offset(x, &e->step->mem), e->bytes, intent, &e->linear);
    if (result == INTERP_DONE)
        result = mem_allowed(x, e->linear, e->bytes, intent);
    return result == INTERP_DONE && intent == MEM_READ ? read_operand(e) : result;
}

static struct x87_image *fetch_image(struct exec *x, bool write)
{
    x->interp->x87 = true;
    return x->env->fpu_state(x->env->opaque, write);
}

/* FERR# follows the pending exceptions. */
static void signal_error(struct exec *x, bool on)
{
    if (x->env->fpu_error && !(x->cpu->cr0 & CR0_NE))
        x->env->fpu_error(x->env->opaque, on);
}

/* A waiting instruction found exceptions pending. */
static enum interp_result report_pending(struct exec *x)
{
    if (x->cpu->cr0 & CR0_NE)
        return exec_fault(x, EXC_MF, 0);
    signal_error(x, true);
    return INTERP_DONE;
}

static enum interp_result run(struct x87_exec *e)
{
    struct exec *x = e->x;
    bool was_pending = x87_pending(e->image);
    enum interp_result result = INTERP_DONE;
    if (was_pending && waits(e->form.kind))
        result = report_pending(x);
    if (result == INTERP_DONE)
        result = prepare_operand(e);
    if (result != INTERP_DONE)
        return result;
    e->pointers = x87_get_pointers(e->image);
    execute(e);
    bool is_pending = x87_pending(e->image);
    if (is_pending != was_pending)
        signal_error(x, is_pending);
    return INTERP_DONE;
}

enum interp_result helper_x87(struct exec *x, const struct step *step)
{
    if (x->cpu->cr0 & (CR0_TS | CR0_EM))
        return exec_fault(x, EXC_NM, 0);
    u16 opcode = (u16)step->imm;
    struct x87_form form = form_of(opcode);
    if (!x->env->fpu_state || form.kind == X87_RESERVED)
        return INTERP_UNSUPPORTED;
    struct x87_image *image = fetch_image(x, changes_state(form.kind));
    if (!image)
        return INTERP_UNSUPPORTED;
    struct x87_exec e = {.x = x,
                         .step = step,
                         .image = image,
                         .opcode = opcode,
                         .form = form,
                         .format = {.op_size = step->size, .protected = cpu_protected(x->cpu)}};
    return run(&e);
}

enum interp_result helper_fwait(struct exec *x, const struct step *step)
{
    (void)step;
    if ((x->cpu->cr0 & CR0_TS) && (x->cpu->cr0 & CR0_MP))
        return exec_fault(x, EXC_NM, 0);
    if (!x->env->fpu_state)
        return INTERP_DONE;
    const struct x87_image *image = fetch_image(x, false);
    if (!image)
        return INTERP_UNSUPPORTED;
    return x87_pending(image) ? report_pending(x) : INTERP_DONE;
}
