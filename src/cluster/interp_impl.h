/* Inside of the interpreter: the state of one instruction in execution and the checked ways to memory, stack and
 * ports. Every function that returns enum interp_result has had no effect unless it returns INTERP_DONE. */
#ifndef HUDDLE_CLUSTER_INTERP_IMPL_H
#define HUDDLE_CLUSTER_INTERP_IMPL_H

#include "base/bug.h"
#include "cluster/code_map.h"
#include "cluster/interp.h"
#include "cluster/step.h"

#include <string.h>

#define PAGE_BYTES 4096u
#define PAGE_SHIFT 12

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct exec {
    struct interp *interp;
    const struct cluster_env *env;
    struct cpu_state *cpu;
    const struct steps *steps;
    u32 temp[STEP_TEMPS];
    u32 next_eip;     /* becomes eip when the instruction is done */
    u32 rmw_linear;   /* STEP_LOAD with rmw: where the store goes */
    u32 stack_mask;   /* of the stack pointer, as the instruction found SS */
    bool shadow;      /* the interrupt shadow this instruction leaves */
    bool keep_rf;     /* it loaded RF itself (IRETD) */
    bool wrote_device; /* it wrote to a device; REP strings: the last element did */
    bool read_device;  /* it read one; REP strings: and must not be interrupted now, see interp.h */
    u8 external;      /* EXT bit of error codes: 1 while delivering an event that is no INT instruction */
};

enum mem_intent { MEM_READ, MEM_WRITE, MEM_READ_WRITE };

/* Descriptor types, enum cpu_segment.type of code and data segments. 486 manual, 5.1.2. */
enum segment_type {
    TYPE_ACCESSED = 1,
    TYPE_WRITABLE = 2,  /* data */
    TYPE_READABLE = 2,  /* code */
    TYPE_EXPAND_DOWN = 4, /* data */
    TYPE_CONFORMING = 4,  /* code */
    TYPE_CODE = 8,
};

/* --- faults --- */

/* Records the fault. The error code counts only in protected mode. */
enum interp_result exec_fault(struct exec *x, enum cpu_exception vector, u32 error);

static inline enum interp_result exec_gp(struct exec *x)
{
    return exec_fault(x, EXC_GP, 0);
}

static inline enum interp_result exec_ud(struct exec *x)
{
    return exec_fault(x, EXC_UD, 0);
}

/* --- segments --- */

/* The rare shapes and all failures of exec_linear. */
enum interp_result exec_linear_slow(struct exec *x, u8 sreg, u32 offset, u32 size, enum mem_intent intent,
                                    linear_t *linear);

/* Checks an access of `size` bytes at sreg:offset and gives its linear address. */
static inline enum interp_result exec_linear(struct exec *x, u8 sreg, u32 offset, u32 size,
                                             enum mem_intent intent, linear_t *linear)
{
    const struct cpu_segment *segment = &x->cpu->sreg[sreg];
    u32 last = offset + size - 1;

    *linear = segment->base + offset;
    if (likely((segment->type & ~TYPE_ACCESSED) == TYPE_WRITABLE && !segment->unusable && last >= offset &&
               last <= segment->limit))
        return INTERP_DONE;
    return exec_linear_slow(x, sreg, offset, size, intent, linear);
}

/* --- memory by linear (= physical) address --- */

enum interp_result mem_read_slow(struct exec *x, linear_t linear, u8 size, u32 *value);
enum interp_result mem_write_slow(struct exec *x, linear_t linear, u8 size, u32 value);

/* INTERP_DONE if the access may be made: always, unless devices are not allowed and it touches one. */
enum interp_result mem_allowed(const struct exec *x, linear_t linear, u32 size, enum mem_intent intent);

/* Whether all of it is RAM (for reading also ROM). */
bool mem_is_plain(const struct cluster_env *env, linear_t linear, u32 size, enum mem_intent intent);

static inline bool mem_in_page(linear_t linear, u32 size)
{
    return (linear & (PAGE_BYTES - 1)) + size <= PAGE_BYTES;
}

static inline bool mem_readable(const struct cluster_env *env, linear_t linear)
{
    u8 kind = env->page_kind[linear >> PAGE_SHIFT];

    return kind == ENV_PAGE_RAM || kind == ENV_PAGE_ROM;
}

static inline bool mem_writable(const struct cluster_env *env, linear_t linear)
{
    return env->page_kind[linear >> PAGE_SHIFT] == ENV_PAGE_RAM;
}

static inline u32 bytes_get(const u8 *at, u8 size)
{
    u16 word;
    u32 dword;

    switch (size) {
    case 1:
        return *at;
    case 2:
        memcpy(&word, at, sizeof(word));
        return word;
    default:
        memcpy(&dword, at, sizeof(dword));
        return dword;
    }
}

static inline void bytes_put(u8 *at, u8 size, u32 value)
{
    switch (size) {
    case 1:
        *at = (u8)value;
        break;
    case 2:
        memcpy(at, &value, 2);
        break;
    default:
        memcpy(at, &value, 4);
        break;
    }
}

/* Notes a store to RAM: with the one that it adjoins, if there is one, or as the second. */
static inline void mem_note_store(struct interp *interp, linear_t first, u32 size)
{
    linear_t last = first + size - 1;
    struct interp_store *store = &interp->store[0];

    if (interp->n_stores && (first > store->last + 1 || last + 1 < store->first))
        store++;
    if (interp->n_stores <= store - interp->store) {
        interp->n_stores++;
        *store = (struct interp_store){first, last};
    } else {
        store->first = MIN(store->first, first);
        store->last = MAX(store->last, last);
    }
    if (interp->env->code_map)
        code_map_stored(interp->env->code_map, first, last);
}

static inline enum interp_result mem_read(struct exec *x, linear_t linear, u8 size, u32 *value)
{
    if (likely(mem_in_page(linear, size) && mem_readable(x->env, linear))) {
        *value = bytes_get(x->env->view + linear, size);
        return INTERP_DONE;
    }
    return mem_read_slow(x, linear, size, value);
}

static inline enum interp_result mem_write(struct exec *x, linear_t linear, u8 size, u32 value)
{
    if (likely(mem_in_page(linear, size) && mem_writable(x->env, linear))) {
        bytes_put(x->env->view + linear, size, value);
        mem_note_store(x->interp, linear, size);
        return INTERP_DONE;
    }
    return mem_write_slow(x, linear, size, value);
}

/* --- registers --- */

static inline u32 reg_read(const struct cpu_state *cpu, u8 reg, u8 size)
{
    switch (size) {
    case 1:
        return (u8)(cpu->reg[reg & 3] >> (reg & 4 ? 8 : 0));
    case 2:
        return (u16)cpu->reg[reg];
    default:
        return cpu->reg[reg];
    }
}

static inline void reg_write(struct cpu_state *cpu, u8 reg, u8 size, u32 value)
{
    switch (size) {
    case 1:
        bytes_put((u8 *)&cpu->reg[reg & 3] + (reg >> 2), 1, value);
        break;
    case 2:
        bytes_put((u8 *)&cpu->reg[reg], 2, value);
        break;
    default:
        cpu->reg[reg] = value;
        break;
    }
}

static inline u32 size_mask(u8 size)
{
    return size == 4 ? 0xffffffff : size == 2 ? 0xffff : 0xff;
}

static inline u32 address_part(const struct exec *x, u8 operand)
{
    if (operand < OPERAND_SREG)
        return x->cpu->reg[operand];
    return operand == OPERAND_NONE ? 0 : x->temp[operand - OPERAND_TEMP];
}

/* Offset of a memory operand. */
static inline u32 exec_offset(const struct exec *x, const struct step_mem *mem)
{
    u32 offset = mem->disp + address_part(x, mem->base) + (address_part(x, mem->index) << mem->scale);

    return mem->addr_size == 2 ? (u16)offset : offset;
}

/* Reads and writes a step's operand (general register, selector, temporary, immediate). */
static inline u32 operand_read(const struct exec *x, const struct step *step, u8 operand, u8 size)
{
    if (operand < OPERAND_SREG)
        return reg_read(x->cpu, operand, size);
    if (operand == OPERAND_IMM)
        return step->imm & size_mask(size);
    if (operand >= OPERAND_TEMP)
        return x->temp[operand - OPERAND_TEMP] & size_mask(size);
    return x->cpu->sreg[operand - OPERAND_SREG].selector;
}

static inline void operand_write(struct exec *x, u8 operand, u8 size, u32 value)
{
    if (operand < OPERAND_SREG)
        reg_write(x->cpu, operand, size, value);
    else
        x->temp[operand - OPERAND_TEMP] = value & size_mask(size);
}

/* --- stack --- */

static inline u32 stack_mask_of(const struct cpu_state *cpu)
{
    return cpu->sreg[CPU_SS].db ? 0xffffffff : 0xffff;
}

static inline void stack_set(struct exec *x, u32 esp)
{
    x->cpu->reg[CPU_ESP] = (x->cpu->reg[CPU_ESP] & ~x->stack_mask) | (esp & x->stack_mask);
}

static inline void stack_move(struct exec *x, u32 delta)
{
    stack_set(x, x->cpu->reg[CPU_ESP] + delta);
}

/* The value `depth` bytes above the top of the stack. */
static inline enum interp_result stack_peek(struct exec *x, u32 depth, u8 size, u32 *value)
{
    linear_t linear;
    enum interp_result result = exec_linear(x, CPU_SS, (x->cpu->reg[CPU_ESP] + depth) & x->stack_mask, size,
                                            MEM_READ, &linear);

    return result == INTERP_DONE ? mem_read(x, linear, size, value) : result;
}

static inline enum interp_result stack_push(struct exec *x, u8 size, u32 value)
{
    linear_t linear;
    enum interp_result result = exec_linear(x, CPU_SS, (x->cpu->reg[CPU_ESP] - size) & x->stack_mask, size,
                                            MEM_WRITE, &linear);

    if (result == INTERP_DONE)
        result = mem_write(x, linear, size, value);
    if (result == INTERP_DONE)
        stack_move(x, -(u32)size);
    return result;
}

/* Would `count` pushes of `size` bytes be made in full? */
enum interp_result stack_check_push(struct exec *x, u32 count, u8 size);
/* Would `count` pops? */
enum interp_result stack_check_pop(struct exec *x, u32 count, u8 size);

/* --- control flow --- */

/* Sets the offset of the next instruction, or #GP if it is beyond the limit of CS. */
static inline enum interp_result exec_go(struct exec *x, u32 target)
{
    if (unlikely(target > x->cpu->sreg[CPU_CS].limit))
        return exec_gp(x);
    x->next_eip = target;
    return INTERP_DONE;
}

/* --- flags --- */

/* What POPF and IRET may change at CPL 0; bits 1, 3, 5, 15 are fixed. A 486 with CPUID has ID. */
#define FLAGS_POP32 (FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_AC | FLAG_ID)
#define FLAGS_POP16 (FLAGS_POP32 & 0xffff)

static inline void flags_pop(struct cpu_state *cpu, u8 size, u32 image)
{
    u32 mask = size == 4 ? FLAGS_POP32 : FLAGS_POP16;

    cpu->eflags = (cpu->eflags & ~mask) | (image & mask) | FLAG_FIXED;
}

/* --- the parts (one file each) --- */

enum interp_result exec_string(struct exec *x, const struct step *step);  /* interp_string.c */
/* NOTE: a string that reads a device is not interrupted, so that clusters behave like KVM, which completes
 * it; but ECX can ask for hours of it. After this many elements the run loop may have the processor. */
#define UNINTERRUPTED_MAX 65536u
/* Does the next element of the string instruction read a device? */
bool string_reads_device(const struct cluster_env *env, const struct cpu_state *cpu, const struct step *step);
enum interp_result exec_helper(struct exec *x, const struct step *step);  /* interp_helper.c */

/* Port accesses, counted; INTERP_DEVICE if devices are not allowed. */
enum interp_result port_read(struct exec *x, u16 port, u8 size, u32 *value);
enum interp_result port_write(struct exec *x, u16 port, u8 size, u32 value);

/* An exec for work outside an instruction's steps (interp_deliver). */
void exec_init(struct exec *x, struct interp *interp, struct cpu_state *cpu);

#endif
