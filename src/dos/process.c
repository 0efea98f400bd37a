/* Programs: the program segment prefix, their end, staying resident. INT 20h, 27h, INT 21h AH=00h, 26h, 31h, 4Ch, 4Dh, 50h, 55h. */
#include "dos/dos_impl.h"

#include <string.h>

enum { CLOSED = 0xff, IP_AT = 0, CS_AT = 2 };

u16 current_psp(const struct dos *dos)
{
    return guest_u16(dos, in_dos(SDA + SDA_PSP));
}

static void set_psp(struct dos *dos, u16 psp)
{
    guest_put_u16(dos, in_dos(SDA + SDA_PSP), psp);
}

/* Handles of the parent that are for children too. */
static void inherit(struct dos *dos, u16 psp, u16 parent)
{
    far_t table = guest_u32(dos, far(parent, PSP_JFT_POINTER));
    u16 count = MIN(guest_u16(dos, far(parent, PSP_JFT_COUNT)), (u16)PSP_JFT_ENTRIES);
    for (u16 i = 0; i < PSP_JFT_ENTRIES; i++) {
        u8 entry = i < count ? guest_u8(dos, table + i) : CLOSED;
        if (entry < SFT_ENTRIES && guest_u16(dos, sft_at(entry) + SFT_INFO) & INFO_NO_INHERIT)
            entry = CLOSED;
        if (entry < SFT_ENTRIES) {
            far_t references = sft_at(entry) + SFT_REFERENCES;
            guest_put_u16(dos, references, guest_u16(dos, references) + 1);
        }
        guest_put_u8(dos, far(psp, PSP_JFT + i), entry);
    }
}

static void lay_out(struct dos *dos, u16 psp, u16 parent, u16 end)
{
    static const u8 int20[] = {0xcd, 0x20}, int21_retf[] = {0xcd, 0x21, 0xcb};
    /* A far call to 0000:00C0, so written that the word at 6 is what a .COM program may use of its segment. */
    static const u8 call5[] = {0x9a, 0xf0, 0xfe, 0x1d, 0xf0};
    static const u8 vectors[] = {0x22, 0x23, 0x24};
    guest_fill(dos, far(psp, 0), 0, PSP_BYTES);
    guest_write(dos, far(psp, PSP_INT20), int20, sizeof int20);
    guest_put_u16(dos, far(psp, PSP_END), end);
    guest_write(dos, far(psp, PSP_CALL5), call5, sizeof call5);
    for (u16 i = 0; i < ARRAY_LEN(vectors); i++)
        guest_put_u32(dos, far(psp, PSP_INT22 + 4 * i), vector_get(dos, vectors[i]));
    guest_put_u16(dos, far(psp, PSP_PARENT), parent);
    guest_fill(dos, far(psp, PSP_JFT), CLOSED, PSP_JFT_ENTRIES);
    guest_put_u16(dos, far(psp, PSP_JFT_COUNT), PSP_JFT_ENTRIES);
    guest_put_u32(dos, far(psp, PSP_JFT_POINTER), far(psp, PSP_JFT));
    guest_put_u32(dos, far(psp, PSP_PREVIOUS), 0xffffffffu);
    guest_put_u16(dos, far(psp, PSP_VERSION), 0x0005);
    guest_put_u8(dos, far(psp, PSP_DEPTH), guest_u8(dos, in_dos(SDA + SDA_INDOS)));
    guest_write(dos, far(psp, PSP_INT21), int21_retf, sizeof int21_retf);
}

void psp_make(struct dos *dos, u16 psp, u16 parent, u16 end)
{
    lay_out(dos, psp, parent, end);
    if (parent != psp)
        inherit(dos, psp, parent);
}

/* --- the end --- */

/* The first program's parent goes on behind its EXEC; should it end itself, everything does. */
static enum dos_next end_first(struct dos *dos, u8 code)
{
    enum { OUT_BYTES = 2 };
    set_reg16(dos, CPU_EAX, code);
    dos->cpu->eflags &= ~(u32)FLAG_CF;
    stub_goto(dos, STUB_AT_FINISHED);
    dos->cpu->eip -= OUT_BYTES;
    return DOS_JUMP;
}

static void restore_vectors(struct dos *dos, u16 psp)
{
    vector_set(dos, 0x22, guest_u32(dos, far(psp, PSP_INT22)));
    vector_set(dos, 0x23, guest_u32(dos, far(psp, PSP_INT23)));
    vector_set(dos, 0x24, guest_u32(dos, far(psp, PSP_INT24)));
}

enum dos_next process_end(struct dos *dos, u8 code, enum process_ended how)
{
    u16 psp = current_psp(dos), parent = guest_u16(dos, far(psp, PSP_PARENT));
    far_t back = guest_u32(dos, far(psp, PSP_INT22));
    guest_put_u16(dos, in_dos(SDA + SDA_RETURN_CODE), (u16)(code | how << 8));
    if (how != ENDED_RESIDENT && parent != psp) {
        files_close_all(dos, psp);
        arena_free_all(dos, psp);
    }
    if (parent == psp)
        return end_first(dos, code);
    restore_vectors(dos, psp);
    guest_put_u8(dos, in_dos(SDA + SDA_INDOS), guest_u8(dos, far(psp, PSP_DEPTH)));
    guest_put_u8(dos, in_dos(SDA + SDA_CRITICAL_ERROR), 0);
    dos->con.editing = dos->con.delivering = dos->con.polled = dos->bios_answered = false;
    dos->progress = 0;
    set_psp(dos, parent);
    u32 stack = guest_u32(dos, far(parent, PSP_STACK));
    set_sreg(dos, CPU_SS, (u16)(stack >> 16));
    set_reg16(dos, CPU_ESP, (u16)stack);
    pop_caller(dos);
    far_t frame = far(sreg(dos, CPU_SS), reg16(dos, CPU_ESP));
    guest_put_u16(dos, frame + IP_AT, (u16)back);
    guest_put_u16(dos, frame + CS_AT, (u16)(back >> 16));
    set_caller_flag(dos, FLAG_CF, false);
    stub_goto(dos, STUB_AT_INT21);
    return DOS_JUMP;
}

enum dos_next int21_exit(struct dos *dos)
{
    return process_end(dos, reg_low(dos, CPU_EAX), ENDED_NORMAL);
}

enum dos_next int21_terminate(struct dos *dos)
{
    return process_end(dos, 0, ENDED_NORMAL);
}

static enum dos_next keep(struct dos *dos, u16 paragraphs, u8 code)
{
    u16 largest;
    enum { LEAST = 6 };
    enum dos_error error = arena_resize(dos, current_psp(dos), paragraphs < LEAST ? LEAST : paragraphs, &largest);
    (void)error; /* then it keeps what it has */
    return process_end(dos, code, ENDED_RESIDENT);
}

enum dos_next int21_keep(struct dos *dos)
{
    return keep(dos, reg16(dos, CPU_EDX), reg_low(dos, CPU_EAX));
}

/* INT 27h: DX bytes of its segment. */
enum dos_next int27_keep(struct dos *dos)
{
    return keep(dos, (u16)((reg16(dos, CPU_EDX) + 15u) / 16), 0);
}

enum dos_next int21_return_code(struct dos *dos)
{
    u16 code = guest_u16(dos, in_dos(SDA + SDA_RETURN_CODE));
    guest_put_u16(dos, in_dos(SDA + SDA_RETURN_CODE), 0); /* it is told once */
    return dos_ok_ax(dos, code);
}

/* INT 0 that nobody has taken. */
enum dos_next int0(struct dos *dos)
{
    static const u8 text[] = "\r\nDivide overflow\r\n";
    if (!dos->divided) {
        dos->divided = true;
        return help_show_text(dos, text, sizeof text - 1, AFTER_AGAIN);
    }
    dos->divided = false;
    return process_end(dos, 0xff, ENDED_NORMAL);
}

/* --- program segment prefixes --- */

enum dos_next int21_set_psp(struct dos *dos)
{
    set_psp(dos, reg16(dos, CPU_EBX));
    return DOS_RETURN;
}

/* AH=26h: a copy of the current one at DX. */
enum dos_next int21_create_psp(struct dos *dos)
{
    static const u8 vectors[] = {0x22, 0x23, 0x24};
    u8 copy[PSP_BYTES];
    u16 psp = reg16(dos, CPU_EDX);
    guest_read(dos, far(current_psp(dos), 0), copy, sizeof copy);
    guest_write(dos, far(psp, 0), copy, sizeof copy);
    for (u16 i = 0; i < ARRAY_LEN(vectors); i++)
        guest_put_u32(dos, far(psp, PSP_INT22 + 4 * i), vector_get(dos, vectors[i]));
    return DOS_RETURN;
}

/* AH=55h: a child's at DX, memory up to SI; it becomes the current one. */
enum dos_next int21_child_psp(struct dos *dos)
{
    u16 psp = reg16(dos, CPU_EDX);
    psp_make(dos, psp, current_psp(dos), reg16(dos, CPU_ESI));
    set_psp(dos, psp);
    return DOS_RETURN;
}
