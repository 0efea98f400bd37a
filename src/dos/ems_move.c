/* AH=57h: moving and exchanging regions of conventional and expanded memory, without the page frame. LIM
 * EMS 4.0. */
#include "dos/dos_impl.h"

#include <string.h>

enum { REGION_BYTES = 18, PART_BYTES = 4 * KIB, CONVENTIONAL = 0, EXPANDED = 1, MAX_BYTES = MIB };

struct region {
    u8 type;
    u16 number; /* of the handle */
    const struct ems_handle *handle;
    u32 at; /* linear, or in the handle's pages */
};

static u16 get16(const u8 *at)
{
    return (u16)(at[0] | at[1] << 8);
}

static enum ems_error find(struct dos *dos, const u8 *raw, u32 bytes, struct region *region)
{
    u16 offset = get16(raw + 3), segment_or_page = get16(raw + 5);
    *region = (struct region){.type = raw[0], .number = get16(raw + 1)};
    if (region->type > EXPANDED)
        return EMS_INVALID_TYPE;
    if (region->type == CONVENTIONAL) {
        region->at = segment_or_page * 16u + offset;
        return region->at + bytes > MIB ? EMS_WRAPS : EMS_OK;
    }
    region->handle = ems_handle_of(dos, region->number);
    if (!region->handle)
        return EMS_INVALID_HANDLE;
    if (offset >= EMS_PAGE_BYTES)
        return EMS_INVALID_OFFSET;
    if (segment_or_page >= region->handle->pages)
        return EMS_INVALID_LOGICAL_PAGE;
    region->at = segment_or_page * (u32)EMS_PAGE_BYTES + offset;
    return region->at + bytes > region->handle->pages * (u32)EMS_PAGE_BYTES ? EMS_BEYOND_HANDLE : EMS_OK;
}

/* To where the page ends, at most. */
static u32 part_of(const struct region *region, u32 at, u32 bytes)
{
    return region->type == EXPANDED ? MIN(bytes, EMS_PAGE_BYTES - at % EMS_PAGE_BYTES) : bytes;
}

static u8 *page_at(const struct dos *dos, const struct region *region, u32 at)
{
    int piece = ems_piece(dos, region->handle, at / EMS_PAGE_BYTES);
    return dos->machine->memory.expanded + (u32)piece * EMS_PAGE_BYTES + at % EMS_PAGE_BYTES;
}

static void get(const struct dos *dos, const struct region *region, u32 distance, u8 *to, u32 bytes)
{
    u32 at = region->at + distance;
    if (region->type == CONVENTIONAL) {
        guest_read_linear(dos, at, to, bytes);
        return;
    }
    for (u32 done = 0, n; done < bytes; done += n) {
        n = part_of(region, at + done, bytes - done);
        memcpy(to + done, page_at(dos, region, at + done), n);
    }
}

static void put(struct dos *dos, const struct region *region, u32 distance, const u8 *from, u32 bytes)
{
    u32 at = region->at + distance;
    if (region->type == CONVENTIONAL) {
        guest_write_linear(dos, at, from, bytes);
        return;
    }
    for (u32 done = 0, n; done < bytes; done += n) {
        n = part_of(region, at + done, bytes - done);
        memcpy(page_at(dos, region, at + done), from + done, n);
    }
}

static bool same_memory(const struct region *a, const struct region *b)
{
    return a->type == b->type && (a->type == CONVENTIONAL || a->number == b->number);
}

static bool overlap(const struct region *a, const struct region *b, u32 bytes)
{
    return same_memory(a, b) && a->at < b->at + bytes && b->at < a->at + bytes;
}

/* Does conventional memory show some of the other region, in the page frame? */
static bool shows(const struct dos *dos, const struct region *conventional, const struct region *expanded,
                  u32 bytes)
{
    for (u32 place = 0; place < EMS_PLACES; place++) {
        u32 first = MEMORY_FRAME_FIRST + place * EMS_PAGE_BYTES;
        if (conventional->at >= first + EMS_PAGE_BYTES || conventional->at + bytes <= first)
            continue;
        u32 last_page = (expanded->at + bytes - 1) / EMS_PAGE_BYTES;
        for (u32 page = expanded->at / EMS_PAGE_BYTES; page <= last_page; page++)
            if (ems_piece(dos, expanded->handle, page) == dos->machine->memory.frame[place])
                return true;
    }
    return false;
}

static bool mixed_overlap(const struct dos *dos, const struct region *a, const struct region *b, u32 bytes)
{
    if (a->type == b->type || !bytes)
        return false;
    return a->type == CONVENTIONAL ? shows(dos, a, b, bytes) : shows(dos, b, a, bytes);
}

/* Whichever way they overlap. */
static void move(struct dos *dos, const struct region *from, const struct region *to, u32 bytes)
{
    u8 part[PART_BYTES];
    bool down = same_memory(from, to) && to->at > from->at;
    for (u32 done = 0, n; done < bytes; done += n) {
        n = MIN(bytes - done, (u32)sizeof part);
        u32 at = down ? bytes - done - n : done;
        get(dos, from, at, part, n);
        put(dos, to, at, part, n);
    }
}

static void exchange(struct dos *dos, const struct region *a, const struct region *b, u32 bytes)
{
    u8 part[2][PART_BYTES];
    for (u32 done = 0, n; done < bytes; done += n) {
        n = MIN(bytes - done, (u32)sizeof part[0]);
        get(dos, a, done, part[0], n);
        get(dos, b, done, part[1], n);
        put(dos, a, done, part[1], n);
        put(dos, b, done, part[0], n);
    }
}

enum ems_error ems_move(struct dos *dos)
{
    enum { MOVE, EXCHANGE };
    u8 raw[REGION_BYTES], function = reg_low(dos, CPU_EAX);
    struct region from, to;
    if (function > EXCHANGE)
        return EMS_INVALID_SUBFUNCTION;
    guest_read(dos, far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI)), raw, sizeof raw);
    u32 bytes = get16(raw) | (u32)get16(raw + 2) << 16;
    if (bytes > MAX_BYTES)
        return EMS_TOO_LONG;
    enum ems_error error = find(dos, raw + 4, bytes, &from);
    if (!error)
        error = find(dos, raw + 11, bytes, &to);
    if (error)
        return error;
    if (mixed_overlap(dos, &from, &to, bytes))
        return EMS_CONVENTIONAL_OVERLAP;
    bool overlaps = overlap(&from, &to, bytes);
    if (function == EXCHANGE && overlaps)
        return EMS_OVERLAP;
    if (function == EXCHANGE)
        exchange(dos, &from, &to, bytes);
    else
        move(dos, &from, &to, bytes);
    memory_stored(&dos->machine->memory);
    return overlaps && function == MOVE ? EMS_OVERLAP_MOVED : EMS_OK;
}
