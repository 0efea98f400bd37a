/* Sectors of disks: INT 25h and 26h, and what the IOCTL functions move. Ralf Brown's Interrupt List. */
#include "dos/dos_impl.h"

#include <string.h>

enum { SECTOR = 512, AT_ONCE = 64, PACKET = 0xffff, SMALL_DISK = 0xffff };

/* What AX tells: in AL the code as INT 24h has it, in AH what the BIOS would have said. */
enum disk_status {
    STATUS_WRITE_PROTECT = 0x0300,
    STATUS_UNKNOWN_UNIT = 0x0201,
    STATUS_NOT_READY = 0x8002,
    STATUS_UNKNOWN_MEDIUM = 0x0207, /* a large disk, and the request has no room for its sectors' numbers */
    STATUS_NOT_FOUND = 0x0408,
    STATUS_WRITE_FAULT = 0x020a,
    STATUS_READ_FAULT = 0x020b,
    STATUS_GENERAL = 0x020c,
};

struct request {
    u32 sector, count;
    far_t buffer;
};

enum dos_error disk_transfer(struct dos *dos, u8 drive, bool write, u32 sector, u32 count, far_t buffer)
{
    struct volume *volume = drive_volume(dos, drive);
    u8 part[AT_ONCE * SECTOR];
    for (u32 done = 0, n; done < count; done += n) {
        far_t at = far_add(buffer, done * SECTOR);
        n = MIN(count - done, (u32)AT_ONCE);
        if (write)
            guest_read(dos, at, part, n * SECTOR);
        enum dos_error error = write ? volume->class->write_sectors(volume->object, sector + done, n, part) :
                                       volume->class->read_sectors(volume->object, sector + done, n, part);
        if (error)
            return error;
        if (!write)
            guest_write(dos, at, part, n * SECTOR);
    }
    return DOS_OK;
}

static u16 status_of(enum dos_error error)
{
    switch (error) {
    case DOS_WRITE_PROTECT:
        return STATUS_WRITE_PROTECT;
    case DOS_NOT_READY:
        return STATUS_NOT_READY;
    case DOS_SECTOR_NOT_FOUND:
        return STATUS_NOT_FOUND;
    case DOS_WRITE_FAULT:
        return STATUS_WRITE_FAULT;
    case DOS_READ_FAULT:
        return STATUS_READ_FAULT;
    default:
        return STATUS_GENERAL;
    }
}

/* CX sectors from DX on at DS:BX; or, CX = FFFFh, what the packet there says. */
static bool get_request(struct dos *dos, const struct dos_geometry *geometry, struct request *request)
{
    struct __attribute__((packed)) {
        u32 sector;
        u16 count;
        u32 buffer;
    } packet;
    far_t at = far(sreg(dos, CPU_DS), reg16(dos, CPU_EBX));
    if (reg16(dos, CPU_ECX) != PACKET) {
        *request = (struct request){reg16(dos, CPU_EDX), reg16(dos, CPU_ECX), at};
        return geometry->sectors <= SMALL_DISK;
    }
    guest_read(dos, at, &packet, sizeof packet);
    *request = (struct request){packet.sector, packet.count, packet.buffer};
    return true;
}

static u16 absolute(struct dos *dos, u8 drive, bool write)
{
    struct dos_geometry geometry;
    struct request request;
    if (!drive_volume(dos, drive) || !disk_has_sectors(dos, drive))
        return STATUS_UNKNOWN_UNIT;
    disk_geometry(dos, drive, &geometry);
    if (!get_request(dos, &geometry, &request))
        return STATUS_UNKNOWN_MEDIUM;
    if (request.sector > geometry.sectors || request.count > geometry.sectors - request.sector)
        return STATUS_NOT_FOUND;
    enum dos_error error = disk_transfer(dos, drive, write, geometry.hidden + request.sector, request.count, request.buffer);
    return error ? status_of(error) : 0;
}

/* The interrupt returns with the caller's flags still on the stack; its own tell. */
enum dos_next absolute_disk(struct dos *dos)
{
    u16 status = absolute(dos, reg_low(dos, CPU_EAX), dos->site == STUB_AT_INT26);
    if (status)
        set_reg16(dos, CPU_EAX, status);
    dos->cpu->eflags = (dos->cpu->eflags & ~(u32)FLAG_CF) | FLAG_IF | (status ? FLAG_CF : 0);
    return DOS_RETURN;
}
