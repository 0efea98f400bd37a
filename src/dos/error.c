/* How calls end: carry and AX, the extended error (INT 21h AH=59h), critical errors (INT 24h). DOS Programmer's Reference,
 * "Extended Error Codes". */
#include "dos/dos_impl.h"

enum { FLAGS_AT = 4, FAILED_INT24 = 0x53 };
enum locus { LOCUS_UNKNOWN = 1, LOCUS_DISK = 2, LOCUS_MEMORY = 5 };
enum class { CLASS_RESOURCE = 1, CLASS_INTERNAL = 4, CLASS_HARDWARE = 5, CLASS_APPLICATION = 7, CLASS_NOT_FOUND = 8,
             CLASS_FORMAT = 9, CLASS_LOCKED = 10, CLASS_MEDIA = 11, CLASS_EXISTS = 12, CLASS_UNKNOWN = 13,
             CLASS_ACCESS = 3 };
enum action { ACTION_RETRY = 1, ACTION_DELAY = 2, ACTION_ASK = 3, ACTION_ABORT = 4, ACTION_IGNORE = 6, ACTION_INTERVENE = 7 };

void set_caller_flag(struct dos *dos, u16 flag, bool on)
{
    far_t at = far(sreg(dos, CPU_SS), (u16)(reg16(dos, CPU_ESP) + FLAGS_AT));
    u16 flags = guest_u16(dos, at);
    u16 now = on ? flags | flag : flags & (u16)~flag;
    if (now != flags)
        guest_put_u16(dos, at, now);
}

enum dos_next dos_ok(struct dos *dos)
{
    set_caller_flag(dos, FLAG_CF, false);
    return DOS_RETURN;
}

enum dos_next dos_ok_ax(struct dos *dos, u16 ax)
{
    set_reg16(dos, CPU_EAX, ax);
    return dos_ok(dos);
}

static const struct {
    u8 error, class, action, locus;
} extended[] = {
    {DOS_INVALID_FUNCTION, CLASS_APPLICATION, ACTION_ABORT, LOCUS_UNKNOWN},
    {DOS_FILE_NOT_FOUND, CLASS_NOT_FOUND, ACTION_ASK, LOCUS_DISK},
    {DOS_PATH_NOT_FOUND, CLASS_NOT_FOUND, ACTION_ASK, LOCUS_DISK},
    {DOS_TOO_MANY_OPEN_FILES, CLASS_RESOURCE, ACTION_ABORT, LOCUS_UNKNOWN},
    {DOS_ACCESS_DENIED, CLASS_ACCESS, ACTION_ASK, LOCUS_UNKNOWN},
    {DOS_INVALID_HANDLE, CLASS_APPLICATION, ACTION_ABORT, LOCUS_UNKNOWN},
    {DOS_ARENA_TRASHED, CLASS_APPLICATION, ACTION_ABORT, LOCUS_MEMORY},
    {DOS_NOT_ENOUGH_MEMORY, CLASS_RESOURCE, ACTION_ABORT, LOCUS_MEMORY},
    {DOS_INVALID_BLOCK, CLASS_APPLICATION, ACTION_ABORT, LOCUS_MEMORY},
    {DOS_BAD_ENVIRONMENT, CLASS_APPLICATION, ACTION_ABORT, LOCUS_MEMORY},
    {DOS_BAD_FORMAT, CLASS_FORMAT, ACTION_ASK, LOCUS_UNKNOWN},
    {DOS_INVALID_ACCESS, CLASS_APPLICATION, ACTION_ABORT, LOCUS_UNKNOWN},
    {DOS_INVALID_DRIVE, CLASS_NOT_FOUND, ACTION_ASK, LOCUS_DISK},
    {DOS_NO_MORE_FILES, CLASS_NOT_FOUND, ACTION_IGNORE, LOCUS_DISK},
    {DOS_FILE_EXISTS, CLASS_EXISTS, ACTION_ASK, LOCUS_DISK},
    {DOS_NOT_READY, CLASS_HARDWARE, ACTION_INTERVENE, LOCUS_DISK},
    {DOS_WRITE_PROTECT, CLASS_MEDIA, ACTION_INTERVENE, LOCUS_DISK},
    {DOS_HANDLE_DISK_FULL, CLASS_RESOURCE, ACTION_ABORT, LOCUS_DISK},
    {DOS_SHARING_VIOLATION, CLASS_LOCKED, ACTION_DELAY, LOCUS_DISK},
};

void dos_note_error(struct dos *dos, u16 error)
{
    u8 class = CLASS_UNKNOWN, action = ACTION_ABORT, locus = LOCUS_UNKNOWN;
    for (u32 i = 0; i < ARRAY_LEN(extended); i++)
        if (extended[i].error == error)
            class = extended[i].class, action = extended[i].action, locus = extended[i].locus;
    guest_put_u16(dos, in_dos(SDA + SDA_ERROR), (u16)error);
    guest_put_u8(dos, in_dos(SDA + SDA_ERROR_CLASS), class);
    guest_put_u8(dos, in_dos(SDA + SDA_ERROR_ACTION), action);
    guest_put_u8(dos, in_dos(SDA + SDA_ERROR_LOCUS), locus);
}

/* The errors that programs of DOS 2 were told of: with another, a function gives the last of its row. What it was, AH=59h tells. */
static const u8 told[][10] = {
    [0x38] = {0x01, 0x02},
    [0x39] = {0x03, 0x02, 0x05},
    [0x3a] = {0x10, 0x03, 0x02, 0x05},
    [0x3b] = {0x02, 0x03},
    [0x3c] = {0x03, 0x02, 0x04, 0x05},
    [0x3d] = {0x03, 0x02, 0x0c, 0x04, 0x20, 0x05},
    [0x3e] = {0x06},
    [0x3f] = {0x06, 0x05},
    [0x40] = {0x06, 0x05},
    [0x41] = {0x03, 0x02, 0x05},
    [0x42] = {0x06, 0x01},
    [0x43] = {0x03, 0x02, 0x01, 0x05},
    [0x44] = {0x0f, 0x0d, 0x01, 0x06, 0x05},
    [0x45] = {0x06, 0x04},
    [0x46] = {0x04, 0x06},
    [0x4b] = {0x03, 0x01, 0x02, 0x04, 0x0b, 0x0a, 0x08, 0x05},
    [0x4e] = {0x03, 0x02, 0x12},
    [0x4f] = {0x12},
    [0x56] = {0x11, 0x03, 0x02, 0x10, 0x05},
    [0x57] = {0x01, 0x06},
    [0x5a] = {0x03, 0x02, 0x04, 0x05},
    [0x5b] = {0x50, 0x03, 0x02, 0x04, 0x05},
    [0x68] = {0x06},
    [0x6c] = {0x01, 0x03, 0x02, 0x0c, 0x04, 0x50, 0x20, 0x05},
};

static u16 error_told(const struct dos *dos, u16 error)
{
    u8 function = reg_high(dos, CPU_EAX);
    if (function >= ARRAY_LEN(told) || !told[function][0])
        return error;
    u32 i = 0;
    while (told[function][i] != error && told[function][i + 1])
        i++;
    return told[function][i];
}

static enum dos_next fail_now(struct dos *dos, u16 error)
{
    dos_note_error(dos, error);
    set_reg16(dos, CPU_EAX, error_told(dos, error));
    set_caller_flag(dos, FLAG_CF, true);
    return DOS_RETURN;
}

/* Functions with FCBs tell in AL. */
static bool has_fcb(const struct dos *dos)
{
    u8 function = reg_high(dos, CPU_EAX);
    return (function >= 0x0f && function <= 0x17) || (function >= 0x21 && function <= 0x28);
}

static bool moves_records(const struct dos *dos)
{
    u8 function = reg_high(dos, CPU_EAX);
    return function == 0x14 || function == 0x15 || function == 0x21 || function == 0x22 || function == 0x27 || function == 0x28;
}

/* What can be ignored: nothing else would have a result to go on with. */
static bool transfers(const struct dos *dos)
{
    enum { READ = 0x3f, WRITE = 0x40 };
    return reg_high(dos, CPU_EAX) == READ || reg_high(dos, CPU_EAX) == WRITE || moves_records(dos);
}

static bool is_critical(const struct dos *dos, enum dos_error error)
{
    return error >= DOS_WRITE_PROTECT && error <= DOS_GENERAL_FAILURE && !guest_u8(dos, in_dos(SDA + SDA_CRITICAL_ERROR));
}

/* To INT 24h. AH: what may be answered, and where on the disk it was; DI: the error; BP:SI: the device's header. A drive's is NUL's: nobody
 * may do more than look at it. */
static enum dos_next critical(struct dos *dos, enum dos_error error, u8 ah, far_t header)
{
    enum { MAY_FAIL_OR_RETRY = 0x18, MAY_IGNORE = 0x20 };
    u8 drive = dos->error_drive;
    ah |= MAY_FAIL_OR_RETRY | (transfers(dos) ? MAY_IGNORE : 0);
    push_caller(dos);
    dos_note_error(dos, error);
    guest_put_u8(dos, in_dos(SDA + SDA_ERROR_DRIVE), drive);
    guest_put_u8(dos, in_dos(SDA + SDA_CRITICAL_ERROR), 1);
    stub_goto(dos, STUB_CALL_INT24);
    set_reg16(dos, CPU_EAX, (u16)(ah << 8 | drive));
    set_reg16(dos, CPU_EDI, (u16)(error - DOS_WRITE_PROTECT));
    set_reg16(dos, CPU_EBP, (u16)(header >> 16));
    set_reg16(dos, CPU_ESI, (u16)header);
    return DOS_HELP;
}

static enum dos_next critical_of_disk(struct dos *dos, enum dos_error error)
{
    enum { WRITING = 0x01, DIRECTORY = 0x04, CONTENTS = 0x06 };
    u8 write = error == DOS_WRITE_FAULT || error == DOS_WRITE_PROTECT ? WRITING : 0;
    return critical(dos, error, write | (transfers(dos) ? CONTENTS : DIRECTORY), in_dos(LOL + LOL_NUL));
}

enum dos_next dos_fail(struct dos *dos, enum dos_error error)
{
    return is_critical(dos, error) ? critical_of_disk(dos, error) : fail_now(dos, (u16)error);
}

enum dos_next dos_fail_device(struct dos *dos, int device, enum dos_error error)
{
    enum { DEVICE = 0x80, WRITING = 0x01, READ = 0x3f };
    u8 write = reg_high(dos, CPU_EAX) == READ ? 0 : WRITING;
    if (!is_critical(dos, error))
        return fail_now(dos, (u16)error);
    return critical(dos, error, DEVICE | write, device_header(dos, device));
}

static enum dos_next fail_fcb_now(struct dos *dos, u16 error)
{
    dos_note_error(dos, error);
    set_low(dos, CPU_EAX, moves_records(dos) ? 1 : 0xff);
    return DOS_RETURN;
}

enum dos_next dos_fail_fcb(struct dos *dos, enum dos_error error)
{
    return is_critical(dos, error) ? critical_of_disk(dos, error) : fail_fcb_now(dos, (u16)error);
}

static enum dos_next ignored(struct dos *dos)
{
    set_low(dos, CPU_EAX, 0);
    return has_fcb(dos) ? DOS_RETURN : dos_ok_ax(dos, reg16(dos, CPU_ECX)); /* as if all had been moved */
}

enum dos_next dos_critical_answer(struct dos *dos)
{
    enum { IGNORE, RETRY, ABORT };
    u8 answer = reg_low(dos, CPU_EAX);
    pop_caller(dos);
    dos->site = STUB_AT_INT21; /* the handler may have called DOS */
    stub_goto(dos, dos->site);
    guest_put_u8(dos, in_dos(SDA + SDA_CRITICAL_ERROR), 0);
    if (answer == RETRY)
        return int21(dos);
    if (answer == ABORT)
        return process_end(dos, 0, ENDED_CRITICAL);
    if (answer == IGNORE && transfers(dos))
        return ignored(dos);
    return has_fcb(dos) ? fail_fcb_now(dos, FAILED_INT24) : fail_now(dos, FAILED_INT24);
}

enum dos_next int21_extended_error(struct dos *dos)
{
    u16 error = guest_u16(dos, in_dos(SDA + SDA_ERROR));
    set_reg16(dos, CPU_EAX, error);
    set_reg16(dos, CPU_EBX, error ? (u16)(guest_u8(dos, in_dos(SDA + SDA_ERROR_CLASS)) << 8 |
                                          guest_u8(dos, in_dos(SDA + SDA_ERROR_ACTION))) : 0);
    set_high(dos, CPU_ECX, error ? guest_u8(dos, in_dos(SDA + SDA_ERROR_LOCUS)) : 0);
    return DOS_RETURN;
}

/* AX=5D0Ah: from a table of registers at DS:DX. */
enum dos_next int21_set_error(struct dos *dos)
{
    struct {
        u16 ax, bx, cx;
    } set;
    guest_read(dos, ds_dx(dos), &set, sizeof set);
    guest_put_u16(dos, in_dos(SDA + SDA_ERROR), set.ax);
    guest_put_u8(dos, in_dos(SDA + SDA_ERROR_CLASS), (u8)(set.bx >> 8));
    guest_put_u8(dos, in_dos(SDA + SDA_ERROR_ACTION), (u8)set.bx);
    guest_put_u8(dos, in_dos(SDA + SDA_ERROR_LOCUS), (u8)(set.cx >> 8));
    return dos_ok(dos);
}
