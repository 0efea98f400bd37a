/* String instructions. An element is atomic; between elements a REP string may stop with its registers
 * stepped (INTERP_AGAIN): for an interrupt, for the run loop, or because the next element cannot be executed
 * here, which the next call then reports with no effect. Runs of elements in RAM, or from a port into it, are
 * done page by page. 486 manual, chapter 26 (REP, MOVS, INS...); src/cluster/interp.h states the rule for
 * interrupts. */
#include "cluster/interp_alu.h"
#include "cluster/interp_impl.h"

static u32 step_of(const struct exec *x, const struct step *step)
{
    return x->cpu->eflags & FLAG_DF ? -(u32)step->size : step->size;
}

static u32 index_read(const struct exec *x, const struct step *step, enum cpu_reg reg)
{
    return reg_read(x->cpu, reg, step->mem.addr_size);
}

static void index_advance(struct exec *x, const struct step *step, enum cpu_reg reg)
{
    reg_write(x->cpu, reg, step->mem.addr_size, index_read(x, step, reg) + step_of(x, step));
}

static enum interp_result find_source(struct exec *x, const struct step *step, linear_t *linear)
{
    return exec_linear(x, step->mem.segment, index_read(x, step, CPU_ESI), step->size, MEM_READ, linear);
}

static enum interp_result find_destination(struct exec *x, const struct step *step, enum mem_intent intent,
                                           linear_t *linear)
{
    return exec_linear(x, CPU_ES, index_read(x, step, CPU_EDI), step->size, intent, linear);
}

static enum interp_result movs(struct exec *x, const struct step *step)
{
    linear_t from, to;
    u32 value;
    enum interp_result result = find_source(x, step, &from);

    if (result == INTERP_DONE)
        result = find_destination(x, step, MEM_WRITE, &to);
    if (result == INTERP_DONE)
        result = mem_read(x, from, step->size, &value);
    if (result == INTERP_DONE)
        result = mem_write(x, to, step->size, value);
    if (result != INTERP_DONE)
        return result;
    index_advance(x, step, CPU_ESI);
    index_advance(x, step, CPU_EDI);
    return INTERP_DONE;
}

static enum interp_result stos(struct exec *x, const struct step *step)
{
    linear_t to;
    enum interp_result result = find_destination(x, step, MEM_WRITE, &to);

    if (result == INTERP_DONE)
        result = mem_write(x, to, step->size, reg_read(x->cpu, CPU_EAX, step->size));
    if (result == INTERP_DONE)
        index_advance(x, step, CPU_EDI);
    return result;
}

static enum interp_result lods(struct exec *x, const struct step *step)
{
    linear_t from;
    u32 value;
    enum interp_result result = find_source(x, step, &from);

    if (result == INTERP_DONE)
        result = mem_read(x, from, step->size, &value);
    if (result != INTERP_DONE)
        return result;
    reg_write(x->cpu, CPU_EAX, step->size, value);
    index_advance(x, step, CPU_ESI);
    return INTERP_DONE;
}

static enum interp_result cmps(struct exec *x, const struct step *step)
{
    linear_t from, to;
    u32 first, second;
    enum interp_result result = find_source(x, step, &from);

    if (result == INTERP_DONE)
        result = find_destination(x, step, MEM_READ, &to);
    if (result == INTERP_DONE)
        result = mem_allowed(x, to, step->size, MEM_READ);
    if (result == INTERP_DONE)
        result = mem_read(x, from, step->size, &first);
    if (result == INTERP_DONE)
        result = mem_read(x, to, step->size, &second);
    if (result != INTERP_DONE)
        return result;
    alu_execute(ALU_CMP, step->size, first, second, &x->cpu->eflags);
    index_advance(x, step, CPU_ESI);
    index_advance(x, step, CPU_EDI);
    return INTERP_DONE;
}

static enum interp_result scas(struct exec *x, const struct step *step)
{
    linear_t to;
    u32 value;
    enum interp_result result = find_destination(x, step, MEM_READ, &to);

    if (result == INTERP_DONE)
        result = mem_read(x, to, step->size, &value);
    if (result != INTERP_DONE)
        return result;
    alu_execute(ALU_CMP, step->size, x->cpu->reg[CPU_EAX], value, &x->cpu->eflags);
    index_advance(x, step, CPU_EDI);
    return INTERP_DONE;
}

/* Would the elements that are left run over the end of the segment, or of the addresses? */
static bool runs_over(const struct exec *x, const struct step *step)
{
    const struct cpu_segment *es = &x->cpu->sreg[CPU_ES];
    u32 last = es->type & TYPE_EXPAND_DOWN && cpu_protected(x->cpu) ? es->db ? 0xffffffff : 0xffff : es->limit;
    u64 count = step->repeat == REPEAT_NO ? 1 : reg_read(x->cpu, CPU_ECX, step->mem.addr_size);

    return !(x->cpu->eflags & FLAG_DF) &&
           index_read(x, step, CPU_EDI) + count * step->size > (u64)MIN(last, size_mask(step->mem.addr_size)) + 1;
}

/* LIMIT (like_kvm): INS into a device is left to KVM (INTERP_UNSUPPORTED): it reads the port for a whole batch before it
 * writes any of it, in pieces of its own. So is INS that runs over the end of its segment or wraps around: KVM's
 * emulator checks the segment limit for the batch and faults. */
static enum interp_result ins(struct exec *x, const struct step *step)
{
    linear_t to;
    u32 value;
    enum interp_result result = find_destination(x, step, MEM_WRITE, &to);

    if (result == INTERP_DONE && x->interp->like_kvm &&
        (!mem_is_plain(x->env, to, step->size, MEM_WRITE) || runs_over(x, step)))
        return INTERP_UNSUPPORTED;
    if (result == INTERP_DONE)
        result = port_read(x, (u16)x->cpu->reg[CPU_EDX], step->size, &value);
    if (result == INTERP_DONE)
        result = mem_write(x, to, step->size, value);
    if (result == INTERP_DONE)
        index_advance(x, step, CPU_EDI);
    return result;
}

/* The data advances, the port does not. */
static enum interp_result outs(struct exec *x, const struct step *step)
{
    linear_t from;
    u32 value;
    enum interp_result result = find_source(x, step, &from);

    if (result == INTERP_DONE)
        result = mem_read(x, from, step->size, &value);
    if (result == INTERP_DONE)
        result = port_write(x, (u16)x->cpu->reg[CPU_EDX], step->size, value);
    if (result == INTERP_DONE)
        index_advance(x, step, CPU_ESI);
    return result;
}

static enum interp_result element(struct exec *x, const struct step *step)
{
    switch ((enum string_op)step->op) {
    case STRING_MOVS:
        return movs(x, step);
    case STRING_STOS:
        return stos(x, step);
    case STRING_LODS:
        return lods(x, step);
    case STRING_CMPS:
        return cmps(x, step);
    case STRING_SCAS:
        return scas(x, step);
    case STRING_INS:
        return ins(x, step);
    case STRING_OUTS:
        return outs(x, step);
    }
    BUG_ON(true);
}

static bool is_wanted(const struct exec *x)
{
    return *x->env->attention || *x->env->requests || ((x->cpu->eflags & FLAG_IF) && *x->env->intr);
}

/* --- runs of elements --- */

/* Elements from sreg:`offset` on, up or down, that stay in one page and below the wrap of the address size. */
static u32 run_room(const struct exec *x, const struct step *step, u8 sreg, u32 offset, u32 count)
{
    u32 in_page = (x->cpu->sreg[sreg].base + offset) & (PAGE_BYTES - 1);
    u64 above = MIN((u64)PAGE_BYTES - in_page, (u64)size_mask(step->mem.addr_size) + 1 - offset);

    if (!(x->cpu->eflags & FLAG_DF))
        return (u32)MIN((u64)count, above / step->size);
    return above < step->size ? 0 : MIN(count, 1 + MIN(in_page, offset) / step->size);
}

/* The lowest address of `count` elements that run_room has found. False: not all of them are RAM of the segment. */
static bool run_linear(struct exec *x, const struct step *step, u8 sreg, u32 offset, u32 count, enum mem_intent intent,
                       linear_t *linear)
{
    u32 bytes = count * step->size;
    u32 first = x->cpu->eflags & FLAG_DF ? offset - (bytes - step->size) : offset;

    return mem_is_plain(x->env, x->cpu->sreg[sreg].base + first, bytes, intent) &&
           exec_linear(x, sreg, first, bytes, intent, linear) == INTERP_DONE;
}

/* The first `period` bytes over and over, up to `bytes` of them. */
static void repeat_up(u8 *to, u32 period, u32 bytes)
{
    for (u32 done = period, part; done < bytes; done += part) {
        part = MIN(done, bytes - done);
        memcpy(to + done, to, part);
    }
}

/* The last `period` of `bytes` bytes over and over, down to the first. */
static void repeat_down(u8 *to, u32 period, u32 bytes)
{
    for (u32 done = period, part; done < bytes; done += part) {
        part = MIN(done, bytes - done);
        memcpy(to + bytes - done - part, to + bytes - part, part);
    }
}

static void fill(u8 *to, u8 size, u32 value, u32 count)
{
    enum { PATTERN = 16 }; /* elements, so that few copies make it long */

    if (size == 1) {
        memset(to, (u8)value, count);
        return;
    }
    for (u32 i = 0; i < MIN(count, (u32)PATTERN); i++)
        bytes_put(to + i * size, size, value);
    repeat_up(to, PATTERN * size, count * size);
}

/* As the elements do one after the other, upward. Where the destination begins inside the source what is read has been
 * written before, and the bytes up to there repeat. */
static void copy_up(u8 *to, const u8 *from, u8 size, u32 bytes)
{
    size_t ahead = (size_t)(to - from);

    if (ahead == 0 || ahead >= bytes) {
        memmove(to, from, bytes);
    } else if (ahead >= size) {
        memcpy(to, from, ahead);
        repeat_up(to, (u32)ahead, bytes);
    } else {
        for (u32 i = 0; i < bytes; i += size)
            bytes_put(to + i, size, bytes_get(from + i, size));
    }
}

static void copy_down(u8 *to, const u8 *from, u8 size, u32 bytes)
{
    size_t behind = (size_t)(from - to);

    if (behind == 0 || behind >= bytes) {
        memmove(to, from, bytes);
    } else if (behind >= size) {
        memcpy(to + bytes - behind, from + bytes - behind, behind);
        repeat_down(to, (u32)behind, bytes);
    } else {
        for (u32 i = bytes; i > 0; i -= size)
            bytes_put(to + i - size, size, bytes_get(from + i - size, size));
    }
}

/* Executes a run of INS into RAM, if the device can; returns how many elements, possibly none. They are the
 * same accesses, with the same account, as one after the other. Downward, which nobody does, there are no
 * runs. */
static u32 run_ins(struct exec *x, const struct step *step, u32 count)
{
    const struct cluster_env *env = x->env;
    u32 di = index_read(x, step, CPU_EDI);
    linear_t to;

    if (!env->device_run || !x->interp->allow_devices || (x->cpu->eflags & FLAG_DF) ||
        (x->interp->like_kvm && runs_over(x, step)))
        return 0;
    count = run_room(x, step, CPU_ES, di, count);
    if (count < 2 || !run_linear(x, step, CPU_ES, di, count, MEM_WRITE, &to))
        return 0;
    u32 done = env->device_run(env->opaque, &(struct env_run){.source = ENV_SIDE_PORT,
                                                              .sink = ENV_SIDE_RAM,
                                                              .size = step->size,
                                                              .port = (u16)x->cpu->reg[CPU_EDX],
                                                              .count = count,
                                                              .ram_to = env->view + to});
    if (done == 0)
        return 0;
    x->interp->device_accesses += done;
    x->read_device = true;
    mem_note_store(x->interp, to, done * step->size);
    reg_write(x->cpu, CPU_EDI, step->mem.addr_size, di + done * step->size);
    return done;
}

/* --- runs of CMPS and SCAS --- */

/* Where one side of a comparison comes from. */
struct compared {
    linear_t at;
    bool device;
    struct env_window window;
};

static bool find_compared(struct exec *x, const struct step *step, u8 sreg, u32 offset, u32 count, struct compared *side)
{
    const struct cluster_env *env = x->env;
    u32 bytes = count * step->size;
    u32 lowest = x->cpu->eflags & FLAG_DF ? offset - (bytes - step->size) : offset;
    linear_t first;

    if (exec_linear(x, sreg, lowest, bytes, MEM_READ, &first) != INTERP_DONE)
        return false;
    *side = (struct compared){.at = x->cpu->sreg[sreg].base + offset, .device = !mem_is_plain(env, first, bytes, MEM_READ)};
    if (!side->device)
        return true;
    if (!x->interp->allow_devices || !env->find_window)
        return false;
    env->find_window(env->opaque, first, &side->window);
    return first - side->window.first < side->window.bytes && first - side->window.first + bytes <= side->window.bytes;
}

static u32 compared_value(struct exec *x, const struct compared *side, u8 size)
{
    const struct cluster_env *env = x->env;
    u32 value;

    if (!side->device)
        return bytes_get(env->view + side->at, size);
    value = side->window.read(side->window.dev, side->at, size) & size_mask(size);
    env->memory_done(env->opaque, true, side->at, size, value);
    x->interp->device_accesses++;
    x->read_device = true;
    return value;
}

static bool is_still(const struct compared *side)
{
    return !side->device || *side->window.generation_now == side->window.generation;
}

/* Executes elements up to the one that ends the string, or after which somebody must look; returns how many, possibly
 * none. The flags are those of the last. */
static u32 run_compare(struct exec *x, const struct step *step, u32 count)
{
    u32 di = index_read(x, step, CPU_EDI), si = index_read(x, step, CPU_ESI);
    bool cmps = step->op == STRING_CMPS, while_equal = step->repeat == REPEAT_WHILE_EQUAL;
    u32 distance = step_of(x, step), done = 0;
    u32 first = reg_read(x->cpu, CPU_EAX, step->size), second;
    struct compared from = {0}, to;

    count = run_room(x, step, CPU_ES, di, count);
    if (cmps)
        count = run_room(x, step, step->mem.segment, si, count);
    if (count < 2 || (cmps && !find_compared(x, step, step->mem.segment, si, count, &from)) ||
        !find_compared(x, step, CPU_ES, di, count, &to))
        return 0;
    bool device = from.device || to.device;
    do {
        if (cmps)
            first = compared_value(x, &from, step->size);
        second = compared_value(x, &to, step->size);
        from.at += distance;
        to.at += distance;
        done++;
    } while (done < count && (first == second) == while_equal &&
             !(device && (is_wanted(x) || !is_still(&from) || !is_still(&to))));
    alu_execute(ALU_CMP, step->size, first, second, &x->cpu->eflags);
    if (cmps)
        reg_write(x->cpu, CPU_ESI, step->mem.addr_size, si + done * distance);
    reg_write(x->cpu, CPU_EDI, step->mem.addr_size, di + done * distance);
    return done;
}

/* Executes a run of MOVS or STOS in RAM, of INS, CMPS or SCAS; returns how many elements, possibly none. */
static u32 run(struct exec *x, const struct step *step, u32 count)
{
    u32 di = index_read(x, step, CPU_EDI), si = index_read(x, step, CPU_ESI);
    bool down = x->cpu->eflags & FLAG_DF;
    linear_t from = 0, to;

    if (step->op == STRING_INS)
        return run_ins(x, step, count);
    if (step->op == STRING_CMPS || step->op == STRING_SCAS)
        return run_compare(x, step, count);
    if (step->op != STRING_MOVS && step->op != STRING_STOS)
        return 0;
    count = run_room(x, step, CPU_ES, di, count);
    if (step->op == STRING_MOVS)
        count = run_room(x, step, step->mem.segment, si, count);
    if (count < 2 || !run_linear(x, step, CPU_ES, di, count, MEM_WRITE, &to))
        return 0;
    if (step->op == STRING_MOVS && !run_linear(x, step, step->mem.segment, si, count, MEM_READ, &from))
        return 0;
    u8 *view = x->env->view;
    u32 bytes = count * step->size;
    if (step->op == STRING_STOS)
        fill(view + to, step->size, x->cpu->reg[CPU_EAX], count);
    else if (down)
        copy_down(view + to, view + from, step->size, bytes);
    else
        copy_up(view + to, view + from, step->size, bytes);
    if (step->op == STRING_MOVS)
        reg_write(x->cpu, CPU_ESI, step->mem.addr_size, down ? si - bytes : si + bytes);
    reg_write(x->cpu, CPU_EDI, step->mem.addr_size, down ? di - bytes : di + bytes);
    mem_note_store(x->interp, to, bytes);
    return count;
}

/* --- repetition --- */

static bool ends_on_flag(const struct exec *x, const struct step *step)
{
    bool zero = x->cpu->eflags & FLAG_ZF;

    return (step->repeat == REPEAT_WHILE_EQUAL && !zero) || (step->repeat == REPEAT_WHILE_NOT_EQUAL && zero);
}

static bool on_device(const struct cluster_env *env, const struct cpu_state *cpu, const struct step *step, u8 sreg,
                      enum cpu_reg reg)
{
    return !mem_readable(env, cpu->sreg[sreg].base + reg_read(cpu, reg, step->mem.addr_size));
}

bool string_reads_device(const struct cluster_env *env, const struct cpu_state *cpu, const struct step *step)
{
    switch ((enum string_op)step->op) {
    case STRING_INS:
        return true;
    case STRING_STOS:
        return false;
    case STRING_SCAS:
        return on_device(env, cpu, step, CPU_ES, CPU_EDI);
    case STRING_CMPS:
        return on_device(env, cpu, step, step->mem.segment, CPU_ESI) || on_device(env, cpu, step, CPU_ES, CPU_EDI);
    case STRING_MOVS:
    case STRING_LODS:
    case STRING_OUTS:
        return on_device(env, cpu, step, step->mem.segment, CPU_ESI);
    }
    BUG_ON(true);
}

static bool may_stop(const struct exec *x, u32 done)
{
    return !x->read_device || (done >= UNINTERRUPTED_MAX && *x->env->attention);
}

static enum interp_result repeat(struct exec *x, const struct step *step)
{
    u8 size = step->mem.addr_size;
    u32 count = reg_read(x->cpu, CPU_ECX, size);
    u32 done = 0;

    while (count != 0) {
        u32 elements = run(x, step, count);
        if (elements == 0) {
            enum interp_result result = element(x, step);
            if (result != INTERP_DONE)
                return done == 0 ? result : INTERP_AGAIN;
            elements = 1;
        }
        done += elements;
        count -= elements;
        reg_write(x->cpu, CPU_ECX, size, count);
        if (ends_on_flag(x, step))
            break;
        if (x->wrote_device)
            x->read_device = string_reads_device(x->env, x->cpu, step);
        x->wrote_device = false;
        if (count != 0 && is_wanted(x) && may_stop(x, done))
            return INTERP_AGAIN;
    }
    return INTERP_DONE;
}

enum interp_result exec_string(struct exec *x, const struct step *step)
{
    return step->repeat == REPEAT_NO ? element(x, step) : repeat(x, step);
}
