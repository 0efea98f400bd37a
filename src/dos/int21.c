/* INT 21h: one row per function. Ralf Brown's Interrupt List; Microsoft MS-DOS Programmer's Reference, version 5. */
#include "dos/dos_impl.h"

#include <string.h>

/* What DOS answers to functions that it has not: AL = 0. Networks, say, are looked for like that (AX=DC00h). */
static enum dos_next null_function(struct dos *dos)
{
    set_low(dos, CPU_EAX, 0);
    return DOS_RETURN;
}

static enum dos_next set_dta(struct dos *dos)
{
    guest_put_u32(dos, in_dos(SDA + SDA_DTA), ds_dx(dos));
    return DOS_RETURN;
}

static enum dos_next get_dta(struct dos *dos)
{
    u32 dta = guest_u32(dos, in_dos(SDA + SDA_DTA));
    set_sreg(dos, CPU_ES, (u16)(dta >> 16));
    set_reg16(dos, CPU_EBX, (u16)dta);
    return DOS_RETURN;
}

static enum dos_next set_vector(struct dos *dos)
{
    vector_set(dos, reg_low(dos, CPU_EAX), ds_dx(dos));
    return DOS_RETURN;
}

static enum dos_next get_vector(struct dos *dos)
{
    far_t handler = vector_get(dos, reg_low(dos, CPU_EAX));
    set_sreg(dos, CPU_ES, (u16)(handler >> 16));
    set_reg16(dos, CPU_EBX, (u16)handler);
    return DOS_RETURN;
}

static enum dos_next set_verify(struct dos *dos)
{
    dos->verify = reg_low(dos, CPU_EAX) & 1;
    return DOS_RETURN;
}

static enum dos_next get_verify(struct dos *dos)
{
    set_low(dos, CPU_EAX, dos->verify);
    return DOS_RETURN;
}

/* AL=1: flags in BH (0: not in ROM, 8: in ROM, 10h: in the HMA); else the OEM number: FFh, Microsoft. */
static enum dos_next version(struct dos *dos)
{
    enum { VERSION_5_00 = 0x0005 };
    u8 flag = reg_low(dos, CPU_EAX);
    set_reg16(dos, CPU_EAX, VERSION_5_00);
    set_high(dos, CPU_EBX, flag == 1 ? 0 : 0xff);
    set_low(dos, CPU_EBX, 0);
    set_reg16(dos, CPU_ECX, 0);
    return DOS_RETURN;
}

/* AH=33h: checking for Ctrl-C everywhere, boot drive, true version. */
static enum dos_next break_state(struct dos *dos)
{
    u8 before = guest_u8(dos, in_dos(SDA + SDA_BREAK));
    switch (reg_low(dos, CPU_EAX)) {
    case 0:
        set_low(dos, CPU_EDX, before);
        break;
    case 1:
        guest_put_u8(dos, in_dos(SDA + SDA_BREAK), reg_low(dos, CPU_EDX) & 1);
        break;
    case 2:
        guest_put_u8(dos, in_dos(SDA + SDA_BREAK), reg_low(dos, CPU_EDX) & 1);
        set_low(dos, CPU_EDX, before);
        break;
    case 5:
        set_low(dos, CPU_EDX, (u8)(dos->config.boot_drive - 'A' + 1));
        break;
    case 6:
        set_reg16(dos, CPU_EBX, 0x0005);
        set_reg16(dos, CPU_EDX, 0);
        break;
    default:
        set_low(dos, CPU_EAX, 0xff);
    }
    return DOS_RETURN;
}

static enum dos_next get_indos(struct dos *dos)
{
    set_sreg(dos, CPU_ES, DOS_SEG);
    set_reg16(dos, CPU_EBX, SDA + SDA_INDOS);
    return DOS_RETURN;
}

static enum dos_next list_of_lists(struct dos *dos)
{
    set_sreg(dos, CPU_ES, DOS_SEG);
    set_reg16(dos, CPU_EBX, LOL);
    return DOS_RETURN;
}

/* AH=37h: the switch character is '/', and \DEV\ is not asked for. */
static enum dos_next switch_character(struct dos *dos)
{
    u8 function = reg_low(dos, CPU_EAX);
    if (function > 3)
        set_low(dos, CPU_EAX, 0xff);
    else if (function == 0)
        set_low(dos, CPU_EDX, '/');
    else if (function == 2)
        set_low(dos, CPU_EDX, 0xff);
    if (function <= 3)
        set_low(dos, CPU_EAX, 0);
    return DOS_RETURN;
}

/* AH=5Dh: the swappable data area, and the extended error. */
static enum dos_next server(struct dos *dos)
{
    switch (reg_low(dos, CPU_EAX)) {
    case 0x06:
        set_sreg(dos, CPU_DS, DOS_SEG);
        set_reg16(dos, CPU_ESI, SDA);
        set_reg16(dos, CPU_ECX, DOS_STACKS - SDA + DOS_STACK_COUNT * DOS_STACK_BYTES);
        set_reg16(dos, CPU_EDX, SDA_ALWAYS_BYTES);
        return dos_ok(dos);
    case 0x0a:
        return int21_set_error(dos);
    default:
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    }
}

/* AH=0Dh: everything is on its way to the host already. */
static enum dos_next disk_reset(struct dos *dos)
{
    return dos_ok(dos);
}

/* AX=5E00h and 5F..: a network is not there. */
static enum dos_next network(struct dos *dos)
{
    return dos_fail(dos, DOS_INVALID_FUNCTION);
}

static enum dos_next int21_fn_get_psp(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, current_psp(dos));
    return DOS_RETURN;
}

typedef enum dos_next service_fn(struct dos *dos);

static service_fn *const service[] = {
    [0x00] = int21_terminate,
    [0x01] = int21_char_in_echo,
    [0x02] = int21_char_out,
    [0x03] = int21_aux_in,
    [0x04] = int21_aux_out,
    [0x05] = int21_prn_out,
    [0x06] = int21_direct,
    [0x07] = int21_char_in_raw,
    [0x08] = int21_char_in,
    [0x09] = int21_string_out,
    [0x0a] = int21_line_in,
    [0x0b] = int21_status,
    [0x0c] = int21_flush_in,
    [0x0d] = disk_reset,
    [0x0e] = int21_select_drive,
    [0x0f] = int21_fcb,
    [0x10] = int21_fcb,
    [0x11] = int21_fcb,
    [0x12] = int21_fcb,
    [0x13] = int21_fcb,
    [0x14] = int21_fcb,
    [0x15] = int21_fcb,
    [0x16] = int21_fcb,
    [0x17] = int21_fcb,
    [0x18] = null_function,
    [0x19] = int21_get_drive,
    [0x1a] = set_dta,
    [0x1b] = int21_allocation,
    [0x1c] = int21_allocation,
    [0x1d] = null_function,
    [0x1e] = null_function,
    [0x1f] = int21_dpb,
    [0x20] = null_function,
    [0x21] = int21_fcb,
    [0x22] = int21_fcb,
    [0x23] = int21_fcb,
    [0x24] = int21_fcb,
    [0x25] = set_vector,
    [0x26] = int21_create_psp,
    [0x27] = int21_fcb,
    [0x28] = int21_fcb,
    [0x29] = int21_fcb,
    [0x2a] = int21_get_date,
    [0x2b] = int21_set_date,
    [0x2c] = int21_get_time,
    [0x2d] = int21_set_time,
    [0x2e] = set_verify,
    [0x2f] = get_dta,
    [0x30] = version,
    [0x31] = int21_keep,
    [0x32] = int21_dpb,
    [0x33] = break_state,
    [0x34] = get_indos,
    [0x35] = get_vector,
    [0x36] = int21_free_space,
    [0x37] = switch_character,
    [0x38] = int21_country,
    [0x39] = int21_mkdir,
    [0x3a] = int21_rmdir,
    [0x3b] = int21_chdir,
    [0x3c] = int21_create,
    [0x3d] = int21_open,
    [0x3e] = int21_close,
    [0x3f] = int21_read,
    [0x40] = int21_write,
    [0x41] = int21_unlink,
    [0x42] = int21_seek,
    [0x43] = int21_attributes,
    [0x44] = int21_ioctl,
    [0x45] = int21_dup,
    [0x46] = int21_dup2,
    [0x47] = int21_getcwd,
    [0x48] = int21_allocate,
    [0x49] = int21_free,
    [0x4a] = int21_resize,
    [0x4b] = int21_exec,
    [0x4c] = int21_exit,
    [0x4d] = int21_return_code,
    [0x4e] = int21_find_first,
    [0x4f] = int21_find_next,
    [0x50] = int21_set_psp,
    [0x51] = int21_fn_get_psp,
    [0x52] = list_of_lists,
    [0x54] = get_verify,
    [0x55] = int21_child_psp,
    [0x56] = int21_rename,
    [0x57] = int21_file_time,
    [0x58] = int21_strategy,
    [0x59] = int21_extended_error,
    [0x5a] = int21_create_temp,
    [0x5b] = int21_create_new,
    [0x5c] = int21_lock,
    [0x5d] = server,
    [0x5e] = network,
    [0x5f] = network,
    [0x60] = int21_truename,
    [0x62] = int21_fn_get_psp,
    [0x63] = int21_double_byte,
    [0x65] = int21_country_tables,
    [0x66] = int21_code_page,
    [0x67] = int21_handle_count,
    [0x68] = int21_commit,
    [0x69] = int21_serial,
    [0x6a] = int21_commit,
    [0x6c] = int21_extended_open,
};

/* Functions at which a program can be stopped with Ctrl-C when BREAK is on. */
static bool checks_break(const struct dos *dos, u8 function)
{
    enum { FIRST_DISK = 0x0d, EXIT = 0x4c };
    return function >= FIRST_DISK && function != EXIT && guest_u8(dos, in_dos(SDA + SDA_BREAK));
}

enum dos_next int21(struct dos *dos)
{
    enum { LAST_CONSOLE = 0x0c, EXTENDED_ERROR = 0x59 };
    u8 function = reg_high(dos, CPU_EAX);
    if (function >= ARRAY_LEN(service) || !service[function])
        return null_function(dos);
    /* A handler of INT 24h calls nothing above: it has gone back to the program by itself. */
    if (function > LAST_CONSOLE && function != EXTENDED_ERROR && guest_u8(dos, in_dos(SDA + SDA_CRITICAL_ERROR)))
        guest_put_u8(dos, in_dos(SDA + SDA_CRITICAL_ERROR), 0);
    if (checks_break(dos, function) && con_break_pending(dos))
        return con_break(dos);
    return service[function](dos);
}
