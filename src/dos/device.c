/* Character devices: CON, AUX, PRN, NUL, CLOCK$, COM1, LPT1, EMMXXXX0. MS-DOS Programmer's Reference, "Character-device input and
 * output". */
#include "dos/dos_impl.h"

#include <string.h>

enum { HEADER_BYTES = 18, BIOS_SERIAL = 0x14, BIOS_PRINTER = 0x17, SERIAL_SEND = 0x0100, PRINTER_TIMEOUT = 0x0100,
       SERIAL_TIMEOUT = 0x8000, CLOCK_BYTES = 6 };

static const struct {
    const char *name;
    u16 info;
} devices[DEVICES] = {
    [DEVICE_CON] = {"CON", INFO_DEVICE | INFO_NOT_EOF | INFO_STDIN | INFO_STDOUT | INFO_INT29},
    [DEVICE_AUX] = {"AUX", INFO_DEVICE | INFO_NOT_EOF},
    [DEVICE_PRN] = {"PRN", INFO_DEVICE | INFO_NOT_EOF | 0x2000},
    [DEVICE_NUL] = {"NUL", INFO_DEVICE | INFO_NUL},
    [DEVICE_CLOCK] = {"CLOCK$", INFO_DEVICE | INFO_NOT_EOF | INFO_CLOCK},
    [DEVICE_COM1] = {"COM1", INFO_DEVICE | INFO_NOT_EOF},
    [DEVICE_LPT1] = {"LPT1", INFO_DEVICE | INFO_NOT_EOF | 0x2000},
    [DEVICE_EMS] = {"EMMXXXX0", INFO_DEVICE | INFO_NOT_EOF | 0x4000},
};

int device_of_name(const struct dos *dos, const char *name)
{
    int n = dos->ems.pages ? DEVICES : DEVICE_EMS;
    for (int i = 0; i < n; i++)
        if (strcmp(devices[i].name, name) == 0)
            return i;
    return -1;
}

u16 device_info(int device)
{
    return devices[device].info;
}

const char *device_name(int device)
{
    return devices[device].name;
}

far_t device_header(const struct dos *dos, int device)
{
    static const u8 order[DEVICES] = {[DEVICE_CON] = 0, [DEVICE_CLOCK] = 1, [DEVICE_AUX] = 2, [DEVICE_PRN] = 3,
                                      [DEVICE_COM1] = 4, [DEVICE_LPT1] = 5};
    if (device == DEVICE_NUL)
        return in_dos(LOL + LOL_NUL);
    if (device == DEVICE_EMS)
        return ems_header(dos);
    return in_dos((u16)(dos->entry[STUB_DEVICES] + order[device] * HEADER_BYTES));
}

static int device_of_entry(const struct dos *dos, int entry)
{
    u8 fcb[11];
    char name[DOS_NAME_BYTES];
    guest_read(dos, sft_at(entry) + SFT_NAME, fcb, sizeof fcb);
    fcb_to_name(fcb, name);
    return device_of_name(dos, name);
}

/* Days since 1980, minutes, hours, hundredths, seconds. */
static enum dos_next read_clock(struct dos *dos, far_t to, u16 bytes)
{
    struct dos_clock now = time_now(dos);
    u8 clock[CLOCK_BYTES] = {(u8)now.day, (u8)(now.day >> 8), now.minute, now.hour, now.hundredth, now.second};
    u16 n = MIN(bytes, (u16)CLOCK_BYTES);
    guest_write(dos, to, clock, n);
    return dos_ok_ax(dos, n);
}

/* The same six bytes set the clock; what makes no sense is not taken, and nobody is told. */
static enum dos_next write_clock(struct dos *dos, far_t from, u16 bytes)
{
    u8 clock[CLOCK_BYTES];
    if (bytes >= CLOCK_BYTES) {
        guest_read(dos, from, clock, sizeof clock);
        time_set(dos, &(struct dos_clock){.day = (u16)(clock[0] | clock[1] << 8), .minute = clock[2], .hour = clock[3],
                                          .hundredth = clock[4], .second = clock[5]});
    }
    return dos_ok_ax(dos, bytes);
}

/* Cooked input ends behind a return, or before the end of a file. */
static enum dos_next serial_read(struct dos *dos, int entry, far_t to, u16 bytes)
{
    enum { RECEIVE = 0x0200, RETURN = 0x0d, CTRL_Z = 0x1a };
    bool raw = guest_u16(dos, sft_at(entry) + SFT_INFO) & INFO_RAW, over = !bytes;
    if (dos->bios_answered) {
        u8 c = (u8)dos->bios_ax;
        dos->bios_answered = false;
        if (dos->bios_ax & SERIAL_TIMEOUT && !dos->progress)
            return dos_fail_device(dos, DEVICE_AUX, DOS_NOT_READY);
        over = dos->bios_ax & SERIAL_TIMEOUT || (!raw && c == CTRL_Z);
        if (!over)
            guest_put_u8(dos, far_add(to, dos->progress++), c);
        over = over || dos->progress >= bytes || (!raw && c == RETURN);
    }
    if (!over)
        return help_bios(dos, BIOS_SERIAL, RECEIVE, 0);
    u16 done = (u16)dos->progress;
    dos->progress = 0;
    return dos_ok_ax(dos, done);
}

enum dos_next device_read(struct dos *dos, int entry, far_t to, u16 bytes)
{
    u16 info = guest_u16(dos, sft_at(entry) + SFT_INFO);
    switch (device_of_entry(dos, entry)) {
    case DEVICE_CON:
        return con_read(dos, to, bytes, info & INFO_RAW);
    case DEVICE_CLOCK:
        return read_clock(dos, to, bytes);
    case DEVICE_AUX:
    case DEVICE_COM1:
        return serial_read(dos, entry, to, bytes);
    default: /* NUL: at its end; a printer tells nothing */
        return dos_ok_ax(dos, 0);
    }
}

/* One character after the other by the BIOS. */
static enum dos_next write_by_bios(struct dos *dos, int device, far_t from, u16 bytes)
{
    bool printer = device == DEVICE_PRN || device == DEVICE_LPT1;
    u8 number = printer ? BIOS_PRINTER : BIOS_SERIAL;
    u16 ax = printer ? 0 : SERIAL_SEND, timeout = printer ? PRINTER_TIMEOUT : SERIAL_TIMEOUT;
    if (dos->bios_answered) {
        dos->bios_answered = false;
        if (dos->bios_ax & timeout) {
            dos->progress = 0;
            return dos_fail_device(dos, device, printer ? DOS_OUT_OF_PAPER : DOS_NOT_READY);
        }
        dos->progress++;
    }
    if (dos->progress < bytes)
        return help_bios(dos, number, ax | guest_u8(dos, far_add(from, dos->progress)), 0);
    dos->progress = 0;
    return dos_ok_ax(dos, bytes);
}

/* Cooked output ends at a Ctrl-Z. */
static u16 cooked_length(const struct dos *dos, far_t from, u16 bytes)
{
    enum { CTRL_Z = 0x1a };
    u8 part[256];
    for (u32 i = 0, n; i < bytes; i += n) {
        n = MIN((u32)bytes - i, (u32)sizeof part);
        guest_read(dos, far_add(from, i), part, n);
        const u8 *end = memchr(part, CTRL_Z, n);
        if (end)
            return (u16)(i + (u32)(end - part));
    }
    return bytes;
}

enum dos_next device_write(struct dos *dos, int entry, far_t from, u16 bytes)
{
    u16 info = guest_u16(dos, sft_at(entry) + SFT_INFO);
    int device = device_of_entry(dos, entry);
    switch (device) {
    case DEVICE_CON:
        if (con_break_pending(dos))
            return con_break(dos);
        dos_ok_ax(dos, bytes);
        return help_show(dos, from, info & INFO_RAW ? bytes : cooked_length(dos, from, bytes), AFTER_RETURN);
    case DEVICE_AUX:
    case DEVICE_COM1:
    case DEVICE_PRN:
    case DEVICE_LPT1:
        return write_by_bios(dos, device, from, bytes);
    case DEVICE_CLOCK:
        return write_clock(dos, from, bytes);
    default: /* NUL */
        return dos_ok_ax(dos, bytes);
    }
}

enum dos_next device_send(struct dos *dos, int entry, far_t text, u16 count)
{
    switch (device_of_entry(dos, entry)) {
    case DEVICE_AUX:
    case DEVICE_COM1:
        return help_send(dos, BIOS_SERIAL, SERIAL_SEND >> 8, text, count);
    case DEVICE_PRN:
    case DEVICE_LPT1:
        return help_send(dos, BIOS_PRINTER, 0, text, count);
    default:
        return DOS_RETURN;
    }
}

/* A driver called with a request at the pointer that its strategy routine was given. Its commands are done by INT 21h and
 * the BIOS: done, unknown command. */
enum dos_next device_request(struct dos *dos)
{
    enum { STATUS_AT = 3, DONE_WITH_ERROR = 0x8103 };
    far_t request = guest_u32(dos, in_dos(dos->entry[STUB_REQUEST]));
    guest_put_u16(dos, request + STATUS_AT, DONE_WITH_ERROR);
    return DOS_RETURN;
}
