/* Random code where things end: offsets around the ends of segments, addresses around those of RAM, of the
 * device window and of the first megabyte (where A20 matters), stacks that wrap, strings with a device on one
 * side or both; and the transfers that are too rare in random bytes: near conditional, through memory, far,
 * by INT and IRET. */
#include "random.h"

enum { BODY_MAX = 2, SPREAD = 20 };

static bool put_value(struct random *r, u32 value, u8 size)
{
    u8 bytes[4] = {(u8)value, (u8)(value >> 8), (u8)(value >> 16), (u8)(value >> 24)};
    return random_put(r, bytes, size);
}

/* An offset or displacement of the code's own size. */
static bool put_offset(struct random *r, u32 value)
{
    return put_value(r, value, random_is_32(r) ? 4 : 2);
}

static void set_offset(struct random *r, u32 at, u32 value)
{
    u8 *p = r->s->code + at;
    for (u32 i = 0; i < (random_is_32(r) ? 4 : 2); i++)
        p[i] = (u8)(value >> 8 * i);
}

/* The offset in CS of what is appended next. */
static u32 here(const struct random *r)
{
    return r->s->start.eip + r->s->code_bytes;
}

static bool put_body(struct random *r)
{
    for (u32 n = 1 + random_below(r, BODY_MAX); n > 0; n--)
        if (!random_insn(r))
            return false;
    return true;
}

/* --- addresses --- */

static u32 near_an_end(struct random *r, bool wide)
{
    static const u16 offsets[] = {0, 0x1000, 0x8000, 0xffff, 0xffff, 0xffff};
    static const u32 addresses[] = {0x1000,   0x8000,   0x10000,    0xa0000,    0xc0000, 0x100000,
                                    0x110000, 0x200000, 0xfffeffff, 0xffffffff, 0xffff,  0};
    u32 end = wide ? addresses[random_below(r, ARRAY_LEN(addresses))]
                   : offsets[random_below(r, ARRAY_LEN(offsets))];
    return end + random_below(r, SPREAD) - SPREAD / 2;
}

/*  mov reg, value */
static bool put_mov(struct random *r, enum cpu_reg reg, u32 value, bool wide)
{
    static const char *const name[CPU_REGS] = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    sequence_add_line(r->s, "  mov %s%s, %x\n", wide ? "e" : "", name[reg], value);
    return (wide ? PUT_DWORD(r, 0xb8 + reg) : PUT_WORD(r, 0xb8 + reg)) && put_value(r, value, wide ? 4 : 2);
}

static bool edge_access(struct random *r)
{
    static const u8 pointer[] = {CPU_EBX, CPU_EBP, CPU_ESI, CPU_EDI};
    enum cpu_reg reg = pointer[random_below(r, sizeof pointer)];
    bool wide = random_is_32(r) ? random_below(r, 4) : random_one_in(r, 3);
    if (!put_mov(r, reg, near_an_end(r, wide), wide))
        return false;
    return random_insn_at(r, reg) && (random_below(r, 2) || random_insn_at(r, reg));
}

/*  mov sp, value; pushes and pops; mov sp, what it was */
static bool edge_stack(struct random *r)
{
    static const u8 opcode[] = {0x50, 0x54, 0x5b, 0x5f, 0x60, 0x61, 0x9c, 0x06,
                                0x0e, 0x16, 0x1e, 0xc9, 0x50, 0x60, 0x61};
    u32 sp = random_below(r, 2) ? random_below(r, 36) : 0xffff - random_below(r, 36);
    bool wide = random_is_32(r) && random_below(r, 2);
    if (!put_mov(r, CPU_ESP, wide ? 0x20000 + sp : sp, wide))
        return false;
    for (u32 n = 1 + random_below(r, 3); n > 0; n--) {
        u8 op = opcode[random_below(r, sizeof opcode)];
        sequence_add_line(r->s, "  stack %02x\n", op);
        if (!(random_one_in(r, 3) ? PUT(r, 0x66, op) : PUT(r, op)))
            return false;
    }
    return put_mov(r, CPU_ESP, r->s->start.reg[CPU_ESP], true);
}

/* A string's pointer into the device window, or a little before its begin or end. */
static bool point_to_device(struct random *r, enum cpu_reg reg)
{
    static const u16 selector[] = {0xa000, 0xb800, 0x9fff, 0xbfff};
    if (r->s->mode != MODE_REAL)
        return put_mov(r, reg, DEVICE_FIRST - 8 + random_below(r, DEVICE_BYTES), true);
    u8 sreg = reg == CPU_EDI ? CPU_ES : CPU_DS;
    return put_mov(r, CPU_EAX, selector[random_below(r, ARRAY_LEN(selector))], false) &&
           PUT(r, 0x8e, 0xc0 | sreg << 3) && put_mov(r, reg, random_below(r, 0x8000), false);
}

/*  mov ecx, n; source, destination or both on the device; [std]; rep string; cld */
static bool device_string(struct random *r)
{
    static const u8 string[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac,
                                0xad, 0xae, 0xaf, 0x6c, 0x6d, 0x6e, 0x6f};
    u8 opcode = string[random_below(r, sizeof string)];
    bool down = random_one_in(r, 4);
    if (!put_mov(r, CPU_ECX, 1 + random_below(r, 20), true))
        return false;
    if (random_below(r, 2) && !point_to_device(r, CPU_ESI))
        return false;
    if (random_below(r, 2) && !point_to_device(r, CPU_EDI))
        return false;
    if (down && !PUT(r, 0xfd))
        return false;
    sequence_add_line(r->s, "  rep %02x (string on the device)%s\n", opcode, down ? " downwards" : "");
    if (r->s->mode == MODE_PM16 && !PUT(r, 0x67)) /* the pointers have 32 bits */
        return false;
    if (random_one_in(r, 3) && !PUT(r, 0x66))
        return false;
    return (random_below(r, 4) ? PUT(r, random_one_in(r, 3) ? 0xf2 : 0xf3, opcode) : PUT(r, opcode)) &&
           (!down || PUT(r, 0xfc));
}

/* --- transfers --- */

/*  jcc near over a body */
static bool near_branch(struct random *r)
{
    u8 condition = (u8)random_below(r, 16);
    sequence_add_line(r->s, "  near j%x over:\n", condition);
    if (!PUT(r, 0x0f, 0x80 | condition))
        return false;
    u32 at = r->s->code_bytes;
    if (!put_offset(r, 0))
        return false;
    u32 from = here(r);
    if (!put_body(r))
        return false;
    set_offset(r, at, here(r) - from);
    return true;
}

/*  jmp cs:[1f]; 1: dw 2f; 2:    (in 32-bit code with a doubleword) */
static bool through_memory(struct random *r)
{
    sequence_add_line(r->s, "  jmp through memory\n");
    if (!PUT(r, 0x2e, 0xff, random_is_32(r) ? 0x25 : 0x26))
        return false;
    u32 bytes = random_is_32(r) ? 4 : 2;
    return put_offset(r, here(r) + bytes) && put_offset(r, here(r) + bytes);
}

/*  call far cs:1f; jmp 2f; 1: body; retf; 2: */
static bool far_call(struct random *r)
{
    sequence_add_line(r->s, "  call far:\n");
    if (!PUT(r, 0x9a))
        return false;
    u32 call_at = r->s->code_bytes;
    if (!put_offset(r, 0) || !put_value(r, r->s->start.sreg[CPU_CS].selector, 2) || !PUT(r, 0xe9))
        return false;
    u32 jump_at = r->s->code_bytes;
    if (!put_offset(r, 0))
        return false;
    u32 from = here(r);
    set_offset(r, call_at, from);
    if (!put_body(r) || !PUT(r, 0xcb))
        return false;
    set_offset(r, jump_at, here(r) - from);
    return true;
}

/*  pushf; push cs; call 1f; jmp 2f; 1: body; iret; 2: */
static bool call_and_iret(struct random *r)
{
    sequence_add_line(r->s, "  pushf, far call and iret:\n");
    if (!PUT(r, 0x9c, 0x0e, 0xe8))
        return false;
    u32 call_at = r->s->code_bytes;
    if (!put_offset(r, 0))
        return false;
    u32 back = here(r);
    if (!PUT(r, 0xe9))
        return false;
    u32 jump_at = r->s->code_bytes;
    if (!put_offset(r, 0))
        return false;
    u32 from = here(r);
    set_offset(r, call_at, from - back);
    if (!put_body(r) || !PUT(r, 0xcf))
        return false;
    set_offset(r, jump_at, here(r) - from);
    return true;
}

/* The handler of INTR makes an access and returns. */
static bool interrupt(struct random *r)
{
    sequence_add_line(r->s, "  int %x\n", INTR_VECTOR);
    return PUT(r, 0xcd, INTR_VECTOR);
}

/* kvm-pvm's emulator has no INT and IRET of protected mode: fewer there, for they end the comparison with it.
 */
static bool by_interrupt(struct random *r)
{
    if (r->s->mode != MODE_REAL && random_below(r, 8))
        return random_insn(r);
    return random_below(r, 2) ? interrupt(r) : call_and_iret(r);
}

bool random_edge(struct random *r)
{
    static bool (*const parts[])(struct random *) = {
        edge_access,   edge_access, edge_access,    edge_stack, device_string,
        device_string, near_branch, through_memory, far_call,   by_interrupt,
    };
    return parts[random_below(r, ARRAY_LEN(parts))](r);
}
