/* XMS function 0Bh, move extended memory block: between blocks, and conventional memory, which is handle 0.
 */
#include "dos/dos_impl.h"

#include <string.h>

enum { MOVE_BYTES = 16, BOUNCE_BYTES = 32 * KIB };
#define CONVENTIONAL_END (MIB + 64 * KIB - 16)

struct place {
    u16 handle;
    u32 offset; /* handle 0: a far pointer */
};

static u16 get16(const u8 *at)
{
    return (u16)(at[0] | at[1] << 8);
}

static u32 get32(const u8 *at)
{
    return get16(at) | (u32)get16(at + 2) << 16;
}

/* *linear: where `bytes` at the place are. */
static enum xms_error find(struct dos *dos, const struct place *place, u32 bytes, u64 *linear,
                           enum xms_error bad_handle, enum xms_error bad_offset)
{
    if (!place->handle) {
        *linear = (place->offset >> 16) * 16 + (place->offset & 0xffff);
        return *linear + bytes > CONVENTIONAL_END ? bad_offset : XMS_OK;
    }
    const struct xms_block *block = xms_block_of(dos, place->handle);
    if (!block)
        return bad_handle;
    u64 size = (u64)block->kib * KIB;
    if (place->offset > size)
        return bad_offset;
    if (bytes > size - place->offset)
        return XMS_INVALID_LENGTH;
    *linear = (u64)block->first_kib * KIB + place->offset;
    return XMS_OK;
}

static void read_any(const struct dos *dos, u64 at, u8 *to, u32 bytes)
{
    if (at < CONVENTIONAL_END)
        guest_read_linear(dos, (gpa_t)at, to, bytes);
    else
        memcpy(to, dos->machine->memory.plain + at, bytes);
}

static void write_any(struct dos *dos, u64 at, const u8 *from, u32 bytes)
{
    if (at < CONVENTIONAL_END)
        guest_write_linear(dos, (gpa_t)at, from, bytes);
    else
        memcpy(dos->machine->memory.plain + at, from, bytes);
}

enum xms_error xms_move(struct dos *dos)
{
    u8 raw[MOVE_BYTES], part[BOUNCE_BYTES];
    guest_read(dos, far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI)), raw, sizeof raw);
    u32 bytes = get32(raw);
    struct place source = {get16(raw + 4), get32(raw + 6)}, destination = {get16(raw + 10), get32(raw + 12)};
    u64 from = 0, to = 0;
    enum xms_error error = find(dos, &source, bytes, &from, XMS_INVALID_SOURCE, XMS_INVALID_SOURCE_OFFSET);
    if (!error)
        error = find(dos, &destination, bytes, &to, XMS_INVALID_DESTINATION, XMS_INVALID_DESTINATION_OFFSET);
    if (error)
        return error;
    if (bytes & 1)
        return XMS_INVALID_LENGTH;
    if (to > from && to < from + bytes) /* only moves towards the beginning may overlap */
        return XMS_INVALID_OVERLAP;
    for (u32 done = 0, n; done < bytes; done += n) {
        n = MIN(bytes - done, (u32)sizeof part);
        read_any(dos, from + done, part, n);
        write_any(dos, to + done, part, n);
    }
    memory_stored(&dos->machine->memory);
    return XMS_OK;
}
