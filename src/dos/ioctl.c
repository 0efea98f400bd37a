/* IOCTL: INT 21h AH=44h. Ralf Brown's Interrupt List. */
#include "dos/dos_impl.h"

enum { LOW_INFO = 0xff };

static enum dos_next get_info(struct dos *dos, int entry)
{
    enum { ATTRIBUTES_AT = 4 };
    u16 info = guest_u16(dos, sft_at(entry) + SFT_INFO) & (u16)~INFO_NO_INHERIT;
    if (info & INFO_DEVICE) /* DH is the upper half of the driver's attributes */
        info = (info & LOW_INFO) | (guest_u16(dos, guest_u32(dos, sft_at(entry) + SFT_DEVICE) + ATTRIBUTES_AT) & (u16)~LOW_INFO);
    set_reg16(dos, CPU_EDX, info);
    return dos_ok_ax(dos, info);
}

static enum dos_next set_info(struct dos *dos, int entry)
{
    far_t at = sft_at(entry) + SFT_INFO;
    if (!sft_is_device(dos, entry))
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    if (reg_high(dos, CPU_EDX))
        return dos_fail(dos, DOS_INVALID_DATA);
    guest_put_u16(dos, at, (guest_u16(dos, at) & (u16)~LOW_INFO) | INFO_DEVICE | reg_low(dos, CPU_EDX));
    return dos_ok(dos);
}

static enum dos_next status(struct dos *dos, int entry, bool input)
{
    enum { READY = 0xff };
    enum dos_next next = DOS_RETURN;
    bool ready = true;
    if (sft_is_device(dos, entry)) {
        if (input && guest_u16(dos, sft_at(entry) + SFT_INFO) & INFO_STDIN)
            ready = con_ready(dos, &next);
    } else if (input) {
        ready = guest_u32(dos, sft_at(entry) + SFT_POSITION) < sft_size(dos, entry);
    }
    return next == DOS_RETURN ? dos_ok_ax(dos, ready ? READY : 0) : next;
}

static enum dos_next by_handle(struct dos *dos, u8 function)
{
    int entry = sft_of_handle(dos, reg16(dos, CPU_EBX));
    if (entry < 0)
        return dos_fail(dos, DOS_INVALID_HANDLE);
    switch (function) {
    case 0x00:
        return get_info(dos, entry);
    case 0x01:
        return set_info(dos, entry);
    case 0x06:
    case 0x07:
        return status(dos, entry, function == 0x06);
    case 0x0a: /* local */
        set_reg16(dos, CPU_EDX, guest_u16(dos, sft_at(entry) + SFT_INFO));
        return dos_ok(dos);
    default: /* control data: no driver takes any */
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    }
}

static enum dos_next by_drive(struct dos *dos, u8 function)
{
    enum { ATTRIBUTES = 0x08c2 }; /* of the driver: local, removable media, generic control, sectors of 32 bits */
    int drive = drive_of_number(dos, reg_low(dos, CPU_EBX));
    if (drive < 0)
        return dos_fail(dos, DOS_INVALID_DRIVE);
    switch (function) {
    case 0x08:
        return dos_ok_ax(dos, disk_is_fixed(dos, (u8)drive));
    case 0x09:
        set_reg16(dos, CPU_EDX, ATTRIBUTES);
        return dos_ok(dos);
    case 0x0d:
        return disk_ioctl(dos, (u8)drive);
    case 0x0e: /* one letter for the drive */
    case 0x0f:
        set_low(dos, CPU_EAX, 0);
        return dos_ok(dos);
    case 0x11:
        return disk_ioctl_known(dos, (u8)drive, reg16(dos, CPU_ECX)) ? dos_ok(dos) : dos_fail(dos, DOS_INVALID_FUNCTION);
    default: /* control data: no driver takes any */
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    }
}

enum dos_next int21_ioctl(struct dos *dos)
{
    u8 function = reg_low(dos, CPU_EAX);
    switch (function) {
    case 0x00:
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x06:
    case 0x07:
    case 0x0a:
    case 0x0c:
    case 0x10:
        return by_handle(dos, function);
    case 0x04:
    case 0x05:
    case 0x08:
    case 0x09:
    case 0x0d:
    case 0x0e:
    case 0x0f:
    case 0x11:
        return by_drive(dos, function);
    case 0x0b: /* retries of SHARE */
        return dos_ok(dos);
    default:
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    }
}
