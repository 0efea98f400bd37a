/* Sending the guest into routines of the stub, and what comes after: see dos_impl.h. The registers of the caller are on its
 * own stack meanwhile, the routine runs on one of DOS's, at whose top this is kept: */
#include "dos/dos_impl.h"

#include <string.h>

struct help_record {
    u16 after; /* enum dos_after */
    u16 site;  /* enum stub_entry: the call */
    u16 sp, ss;
};

enum { SHOWN_AT_ONCE = 128 };

static const enum cpu_reg pushed[] = {CPU_EAX, CPU_EBX, CPU_ECX, CPU_EDX, CPU_ESI, CPU_EDI, CPU_EBP};
enum { PUSHED_REGS = ARRAY_LEN(pushed), FRAME_WORDS = PUSHED_REGS + 2 };

static far_t stack_top(const struct dos *dos)
{
    return far(sreg(dos, CPU_SS), reg16(dos, CPU_ESP));
}

void push_caller(struct dos *dos)
{
    u16 frame[FRAME_WORDS];
    for (u32 i = 0; i < PUSHED_REGS; i++)
        frame[i] = reg16(dos, pushed[i]);
    frame[PUSHED_REGS] = sreg(dos, CPU_DS);
    frame[PUSHED_REGS + 1] = sreg(dos, CPU_ES);
    set_reg16(dos, CPU_ESP, (u16)(reg16(dos, CPU_ESP) - sizeof frame));
    guest_write(dos, stack_top(dos), frame, sizeof frame);
    guest_put_u32(dos, far(current_psp(dos), PSP_STACK), stack_top(dos));
}

void pop_caller(struct dos *dos)
{
    u16 frame[FRAME_WORDS];
    guest_read(dos, stack_top(dos), frame, sizeof frame);
    for (u32 i = 0; i < PUSHED_REGS; i++)
        set_reg16(dos, pushed[i], frame[i]);
    set_sreg(dos, CPU_DS, frame[PUSHED_REGS]);
    set_sreg(dos, CPU_ES, frame[PUSHED_REGS + 1]);
    set_reg16(dos, CPU_ESP, (u16)(reg16(dos, CPU_ESP) + sizeof frame));
}

void stub_goto(struct dos *dos, enum stub_entry entry)
{
    set_sreg(dos, CPU_CS, DOS_SEG);
    dos->cpu->eip = dos->entry[entry];
}

/* Onto the next free stack of DOS, if there is one; `above` bytes stay free above the record. */
static void switch_stack(struct dos *dos, u32 above, enum dos_after after)
{
    struct help_record record = {(u16)after, (u16)dos->site, reg16(dos, CPU_ESP), sreg(dos, CPU_SS)};
    u8 depth = guest_u8(dos, in_dos(SDA + SDA_INDOS));
    if (depth < DOS_STACK_COUNT) {
        set_sreg(dos, CPU_SS, DOS_SEG);
        set_reg16(dos, CPU_ESP, (u16)(DOS_STACKS + (depth + 1) * DOS_STACK_BYTES));
    }
    guest_put_u8(dos, in_dos(SDA + SDA_INDOS), (u8)(depth + 1));
    set_reg16(dos, CPU_ESP, (u16)(reg16(dos, CPU_ESP) - above - sizeof record));
    guest_write(dos, stack_top(dos), &record, sizeof record);
}

enum dos_next help(struct dos *dos, enum stub_entry routine, enum dos_after after)
{
    push_caller(dos);
    switch_stack(dos, 0, after);
    stub_goto(dos, routine);
    return DOS_HELP;
}

static bool int29_is_ours(const struct dos *dos)
{
    return vector_get(dos, 0x29) == in_dos(dos->entry[STUB_INT29]);
}

static void tee_from_guest(struct dos *dos, far_t text, u16 count)
{
    u8 part[SHOWN_AT_ONCE];
    for (u32 done = 0, n; done < count; done += n) {
        n = MIN((u32)count - done, sizeof part);
        guest_read(dos, far_add(text, done), part, n);
        con_tee(dos, part, n);
    }
}

static void show(struct dos *dos, far_t text, u16 count)
{
    bool ours = int29_is_ours(dos);
    if (ours)
        tee_from_guest(dos, text, count);
    set_sreg(dos, CPU_DS, (u16)(text >> 16));
    set_reg16(dos, CPU_ESI, (u16)text);
    set_reg16(dos, CPU_ECX, count);
    stub_goto(dos, ours ? STUB_CON_SHOW : STUB_CON_WRITE);
}

enum dos_next help_show(struct dos *dos, far_t text, u16 count, enum dos_after after)
{
    push_caller(dos);
    switch_stack(dos, 0, after);
    show(dos, text, count);
    return DOS_HELP;
}

enum dos_next help_show_text(struct dos *dos, const u8 *text, u32 count, enum dos_after after)
{
    count = MIN(count, (u32)SHOWN_AT_ONCE);
    u32 above = (count + 1) & ~1u;
    push_caller(dos);
    switch_stack(dos, above, after);
    far_t at = stack_top(dos) + sizeof(struct help_record);
    guest_write(dos, at, text, count);
    show(dos, at, (u16)count);
    return DOS_HELP;
}

enum dos_next help_send(struct dos *dos, u8 number, u8 function, far_t text, u16 count)
{
    help(dos, STUB_SEND, AFTER_RETURN);
    guest_put_u8(dos, in_dos(dos->entry[STUB_SEND_NUMBER]), number);
    guest_put_u8(dos, in_dos(dos->entry[STUB_SEND_FUNCTION]), function);
    set_sreg(dos, CPU_DS, (u16)(text >> 16));
    set_reg16(dos, CPU_ESI, (u16)text);
    set_reg16(dos, CPU_ECX, count);
    return DOS_HELP;
}

enum dos_next help_bios(struct dos *dos, u8 number, u16 ax, u16 dx)
{
    help(dos, STUB_CALL_BIOS, AFTER_BIOS);
    guest_put_u8(dos, in_dos(dos->entry[STUB_BIOS_NUMBER]), number);
    set_reg16(dos, CPU_EAX, ax);
    set_reg16(dos, CPU_EDX, dx);
    return DOS_HELP;
}

enum dos_next help_done(struct dos *dos)
{
    struct help_record record;
    guest_read(dos, stack_top(dos), &record, sizeof record);
    u16 ax = reg16(dos, CPU_EAX);
    bool zero = dos->cpu->eflags & FLAG_ZF;
    u8 depth = guest_u8(dos, in_dos(SDA + SDA_INDOS));
    guest_put_u8(dos, in_dos(SDA + SDA_INDOS), depth ? (u8)(depth - 1) : 0);
    set_sreg(dos, CPU_SS, record.ss);
    set_reg16(dos, CPU_ESP, record.sp);
    pop_caller(dos);
    dos->site = record.site < STUB_ENTRIES ? record.site : STUB_AT_INT21;
    stub_goto(dos, dos->site);
    switch (record.after) {
    case AFTER_KEY:
        con_key(dos, ax, true);
        break;
    case AFTER_POLL:
        con_key(dos, ax, !zero);
        break;
    case AFTER_BIOS:
        dos->bios_ax = ax;
        dos->bios_answered = true;
        break;
    case AFTER_BREAK:
        guest_put_u16(dos, in_dos(SDA + SDA_BREAK_SP), reg16(dos, CPU_ESP));
        stub_goto(dos, STUB_CALL_INT23);
        return DOS_JUMP;
    case AFTER_AGAIN:
        break;
    default:
        return DOS_RETURN;
    }
    return dos_serve(dos);
}

enum dos_next help_break(struct dos *dos)
{
    static const u8 shown[] = {'^', 'C', '\r', '\n'};
    dos->site = STUB_AT_INT21;
    return help_show_text(dos, shown, sizeof shown, AFTER_BREAK);
}

/* IRET: the call is made again, with the registers as they are now. RETF 2-less, the flags still there: carry ends the program. */
enum dos_next help_break_done(struct dos *dos)
{
    u16 sp = guest_u16(dos, in_dos(SDA + SDA_BREAK_SP));
    bool flags_left = reg16(dos, CPU_ESP) != sp;
    set_reg16(dos, CPU_ESP, sp);
    if (flags_left && dos->cpu->eflags & FLAG_CF)
        return process_end(dos, 0, ENDED_BREAK);
    stub_goto(dos, STUB_INT21);
    return DOS_JUMP;
}
