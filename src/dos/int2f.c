/* INT 2Fh, the multiplex interrupt: what is installed, and a few of DOS's inner functions that programs use. Ralf Brown's
 * Interrupt List. What is not answered here is not installed: AL stays as it was. */
#include "dos/dos_impl.h"

static enum dos_next inner(struct dos *dos, u8 function)
{
    enum { INSTALLED = 0xff };
    u16 bx = reg16(dos, CPU_EBX);
    switch (function) {
    case 0x00:
        set_low(dos, CPU_EAX, INSTALLED);
        return DOS_RETURN;
    case 0x03: /* DOS's data segment */
        set_sreg(dos, CPU_DS, DOS_SEG);
        return DOS_RETURN;
    case 0x16: /* entry BX of the system file table */
        if (bx >= SFT_ENTRIES)
            break;
        set_sreg(dos, CPU_ES, DOS_SEG);
        set_reg16(dos, CPU_EDI, (u16)sft_at(bx));
        return dos_ok(dos);
    case 0x20: { /* the byte of handle BX in the job file table */
        far_t table = guest_u32(dos, far(current_psp(dos), PSP_JFT_POINTER)) + bx;
        if (bx >= guest_u16(dos, far(current_psp(dos), PSP_JFT_COUNT)))
            break;
        set_sreg(dos, CPU_ES, (u16)(table >> 16));
        set_reg16(dos, CPU_EDI, (u16)table);
        return dos_ok(dos);
    }
    default:
        return DOS_RETURN;
    }
    set_low(dos, CPU_EAX, DOS_INVALID_HANDLE);
    set_caller_flag(dos, FLAG_CF, true);
    return DOS_RETURN;
}

/* AH=16h: no Windows. AL=80h: the program has nothing to do until something happens. */
static enum dos_next windows(struct dos *dos, u8 function)
{
    if (function == 0x00)
        set_low(dos, CPU_EAX, 0);
    if (function != 0x80)
        return DOS_RETURN;
    set_low(dos, CPU_EAX, 0);
    return help(dos, STUB_HALT, AFTER_RETURN);
}

enum dos_next int2f(struct dos *dos)
{
    u8 function = reg_low(dos, CPU_EAX);
    switch (reg_high(dos, CPU_EAX)) {
    case 0x12:
        return inner(dos, function);
    case 0x16:
        return windows(dos, function);
    case 0x43:
        return xms_installed(dos, function);
    default:
        return DOS_RETURN;
    }
}
