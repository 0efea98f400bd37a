/* Random control flow and what else ends runs of clusters: loops, waits for a device, calls, stores into the code, interrupts
 * allowed and not, segment loads. */
#include "random.h"

#include <string.h>

enum { SHORT_BACK = 126, BODY_MAX = 3, LOOPS_MAX = 24 };

static bool put_body(struct random *r)
{
    for (u32 n = 1 + random_below(r, BODY_MAX); n > 0; n--)
        if (!random_insn(r))
            return false;
    return true;
}

/* Bytes from `target` to the end of a 2-byte branch here, as its displacement; 0: too far. */
static u8 back_to(const struct random *r, u32 target)
{
    u32 bytes = r->s->code_bytes + 2 - target;
    return bytes <= SHORT_BACK ? (u8)-bytes : 0;
}

static bool put_back_branch(struct random *r, u8 opcode, u32 target, const char *name)
{
    u8 displacement = back_to(r, target);
    if (!displacement)
        return true;
    sequence_add_line(r->s, "  %s back %u bytes\n", name, (u8)-displacement);
    return PUT(r, opcode, displacement);
}

/* mov cl, n; movzx ecx, cl */
static bool put_count(struct random *r)
{
    return PUT(r, 0xb1, 1 + (u8)random_below(r, LOOPS_MAX)) &&
           (random_is_32(r) ? PUT(r, 0x0f, 0xb6, 0xc9) : PUT(r, 0x66, 0x0f, 0xb6, 0xc9));
}

/*  mov ecx, n; 1: body; loop/loope/loopne 1b */
static bool counted_loop(struct random *r)
{
    if (!put_count(r))
        return false;
    u32 head = r->s->code_bytes;
    return put_body(r) && put_back_branch(r, 0xe0 + (u8)random_below(r, 3), head, "loop");
}

/*  1: body; [flags]; dec reg or jcc back: may go round until the limit */
static bool conditional_loop(struct random *r)
{
    u32 head = r->s->code_bytes;
    u8 reg = (u8)random_below(r, 2) ? 5 : 3; /* BP, BX */
    if (!PUT_WORD(r, 0xb8 + reg, 1 + (u8)random_below(r, LOOPS_MAX), 0))
        return false;
    if (random_below(r, 4))
        head = r->s->code_bytes;
    return put_body(r) && PUT_WORD(r, 0x48 + reg) &&
           put_back_branch(r, random_below(r, 4) ? 0x75 : 0x70 | (u8)random_below(r, 16), head, "jcc");
}

/*  1: in al, port; test al, mask; jz 1b */
static bool wait_for_port(struct random *r)
{
    u32 head = r->s->code_bytes;
    sequence_add_line(r->s, "  wait:\n");
    return PUT(r, 0xe4, (u8)random_next(r), 0xa8, 0x01 | (u8)random_next(r)) &&
           put_back_branch(r, random_below(r, 4) ? 0x74 : 0x70 | (u8)random_below(r, 16), head, "jcc");
}

/*  jecxz/jcxz over a body */
static bool skip_by_count(struct random *r)
{
    u8 opcode[] = {0x67, 0xe3};
    u32 prefix = random_below(r, 2);
    if (!random_put(r, opcode + 1 - prefix, 1 + prefix) || !PUT(r, 0))
        return false;
    u32 at = r->s->code_bytes;
    sequence_add_line(r->s, "  jcxz over:\n");
    if (!random_insn(r))
        return false;
    u32 bytes = r->s->code_bytes - at;
    r->s->code[at - 1] = bytes < 0x80 ? (u8)bytes : 0;
    return true;
}

static bool put_near(struct random *r, u32 displacement)
{
    u8 bytes[4] = {(u8)displacement, (u8)(displacement >> 8), (u8)(displacement >> 16), (u8)(displacement >> 24)};
    return random_put(r, bytes, random_is_32(r) ? 4 : 2);
}

static void set_near(struct random *r, u32 at)
{
    u32 displacement = r->s->code_bytes - (at + (random_is_32(r) ? 4 : 2));
    memcpy(r->s->code + at, &displacement, random_is_32(r) ? 4 : 2);
}

/*  call 1f; jmp 2f; 1: body; ret; 2: */
static bool call(struct random *r)
{
    sequence_add_line(r->s, "  call:\n");
    if (!PUT(r, 0xe8))
        return false;
    u32 call_at = r->s->code_bytes;
    if (!put_near(r, 0) || !PUT(r, 0xe9))
        return false;
    u32 jump_at = r->s->code_bytes;
    if (!put_near(r, 0))
        return false;
    set_near(r, call_at);
    if (!put_body(r) || !PUT(r, 0xc3))
        return false;
    set_near(r, jump_at);
    return true;
}

/*  push imm; ret    or    mov ax, imm; jmp ax: to just behind */
static bool indirect(struct random *r)
{
    bool by_stack = random_below(r, 2);
    sequence_add_line(r->s, by_stack ? "  push next; ret\n" : "  mov eax, next; jmp eax\n");
    if (!PUT(r, by_stack ? 0x68 : 0xb8))
        return false;
    u32 at = r->s->code_bytes;
    if (!put_near(r, 0) || !(by_stack ? PUT(r, 0xc3) : PUT(r, 0xff, 0xe0)))
        return false;
    u32 target = r->s->start.eip + r->s->code_bytes;
    memcpy(r->s->code + at, &target, random_is_32(r) ? 4 : 2);
    return true;
}

/*  mov byte [somewhere in this code], imm8: CS in real mode, DS (flat) in protected mode */
static bool store_into_code(struct random *r)
{
    u32 where = random_below(r, SEQUENCE_CODE / 4) + (random_below(r, 2) ? r->s->code_bytes : 0);
    u32 offset = r->s->mode == MODE_PM32 ? r->s->start.eip + where : (r->s->start.eip + where) & 0xffff;
    if (r->s->mode == MODE_PM16)
        offset = sequence_linear(r->s, where);
    u8 word[] = {0x2e, 0xc6, 0x06, (u8)offset, (u8)(offset >> 8), (u8)random_next(r)};
    sequence_add_line(r->s, "  mov byte [code + %x], %x\n", where, word[5]);
    if (!random_is_32(r))
        return random_put(r, word + (r->s->mode == MODE_PM16), sizeof word - (r->s->mode == MODE_PM16));
    return PUT(r, 0xc6, 0x05, (u8)offset, (u8)(offset >> 8), (u8)(offset >> 16), (u8)(offset >> 24), word[5]);
}

static bool interrupt_flag(struct random *r)
{
    static const char *const name[] = {"sti", "cli", "sti; cli", "pushf; sti; popf", "pushf; cli; popf", "push; popf"};
    u16 image = (u16)(random_next(r) & ~FLAG_TF);
    u32 pick = random_below(r, ARRAY_LEN(name));
    sequence_add_line(r->s, "  %s\n", name[pick]);
    switch (pick) {
    case 0:
        return PUT(r, 0xfb);
    case 1:
        return PUT(r, 0xfa);
    case 2:
        return PUT(r, 0xfb, 0xfa);
    case 3:
        return PUT(r, 0x9c, 0xfb, 0x9d);
    case 4:
        return PUT(r, 0x9c, 0xfa, 0x9d);
    default:
        return PUT_WORD(r, 0x68, (u8)image, (u8)(image >> 8)) && PUT_WORD(r, 0x9d);
    }
}

static u16 good_selector(struct random *r, bool stack)
{
    static const u16 real[] = {0x1000, 0x2345, 0x9000, 0x9fff, 0xa000, 0xb800, 0xffff, 0xf000, 0};
    static const u16 protected[] = {SEL_DATA, SEL_FLAT16, SEL_STACK16, SEL_SMALL, SEL_DOWN16,
                                    SEL_DOWN32, SEL_READ_ONLY, SEL_CODE32, 0};
    if (r->s->mode == MODE_REAL)
        return real[random_below(r, stack ? 3 : ARRAY_LEN(real))];
    return protected[random_below(r, stack ? 3 : ARRAY_LEN(protected))];
}

/*  push imm16; pop sreg    or    mov ax, imm16; mov sreg, ax */
static bool segment_load(struct random *r)
{
    static const u8 pop_sreg[] = {0x07, 0x17, 0x1f}, sreg_of[] = {CPU_ES, CPU_SS, CPU_DS};
    u32 which = random_below(r, 5);
    u8 sreg = which < 3 ? sreg_of[which] : which == 3 ? CPU_FS : CPU_GS;
    u16 selector = good_selector(r, sreg == CPU_SS);
    sequence_add_line(r->s, "  load segment register %u with %x\n", sreg, selector);
    if (random_below(r, 2) || which >= 3)
        return PUT_WORD(r, 0xb8, (u8)selector, (u8)(selector >> 8)) && PUT(r, 0x8e, 0xc0 | sreg << 3);
    return PUT_WORD(r, 0x68, (u8)selector, (u8)(selector >> 8)) && PUT_WORD(r, pop_sreg[which]);
}

/*  mov ecx, n; [mov edi, device window;] rep string */
static bool repeat(struct random *r)
{
    static const u8 string[] = {0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf, 0x6c, 0x6d, 0x6e, 0x6f};
    u8 opcode = string[random_below(r, sizeof string)];
    u16 offset = (u16)random_value(r);
    if (!put_count(r))
        return false;
    if (random_below(r, 2)) {
        u8 mov = 0xbe + (u8)random_below(r, 2);
        sequence_add_line(r->s, "  mov %s, %x\n", mov == 0xbe ? "si" : "di", offset);
        if (!PUT_WORD(r, mov, (u8)offset, (u8)(offset >> 8)))
            return false;
    }
    if (random_one_in(r, 4) && !PUT(r, 0xfc + (u8)random_below(r, 2)))
        return false;
    sequence_add_line(r->s, "  rep %02x (%s)\n", opcode, opcode < 0x6e && opcode >= 0x6c ? "ins" : "string");
    return (random_below(r, 3) || PUT(r, 0x66)) && PUT(r, random_one_in(r, 3) ? 0xf2 : 0xf3, opcode);
}

/*  push ax; jmp over; something; pop ax: the stack, and a jump that is always taken */
static bool jump_over(struct random *r)
{
    sequence_add_line(r->s, "  jmp over %s\n", "1 byte");
    return PUT(r, 0x50, 0xeb, 0x01, (u8)random_next(r), 0x58);
}

bool random_part(struct random *r)
{
    static bool (*const parts[])(struct random *) = {
        counted_loop, counted_loop, conditional_loop, wait_for_port, skip_by_count, call,   indirect,
        store_into_code, interrupt_flag, segment_load, repeat, repeat, jump_over, random_insn,
        random_edge, random_edge, random_edge, random_edge, random_edge,
    };
    return parts[random_below(r, ARRAY_LEN(parts))](r);
}
