/* Memory blocks: the chain of memory control blocks, its strategies, upper memory. INT 21h AH=48h-4Ah, 58h. */
#include "dos/dos_impl.h"

#include <string.h>

enum { MCB_BYTES = 16, FREE = 0, SYSTEM = 8, MORE = 'M', LAST = 'Z', MAX_BLOCKS = 0xffff };
enum strategy { FIRST_FIT, BEST_FIT, LAST_FIT, FIT = 3, HIGH_ONLY = 0x40, HIGH_FIRST = 0x80 };

struct mcb {
    u16 segment; /* of the control block */
    u8 type;
    u16 owner, size;
};

static struct mcb mcb_get(const struct dos *dos, u16 segment)
{
    u8 raw[5];
    guest_read(dos, far(segment, 0), raw, sizeof raw);
    return (struct mcb){segment, raw[MCB_TYPE], (u16)(raw[1] | raw[2] << 8), (u16)(raw[3] | raw[4] << 8)};
}

static void mcb_put(struct dos *dos, const struct mcb *mcb)
{
    u8 raw[5] = {mcb->type, (u8)mcb->owner, (u8)(mcb->owner >> 8), (u8)mcb->size, (u8)(mcb->size >> 8)};
    guest_write(dos, far(mcb->segment, 0), raw, sizeof raw);
}

static void mcb_name(struct dos *dos, u16 segment, const char *name)
{
    char field[8] = {0};
    memcpy(field, name, MIN(strlen(name), sizeof field));
    guest_write(dos, far(segment, MCB_NAME), field, sizeof field);
}

static bool valid(const struct mcb *mcb)
{
    return mcb->type == MORE || mcb->type == LAST;
}

/* False at the end of the chain, and where it makes no sense. */
static bool next(const struct dos *dos, struct mcb *mcb)
{
    u32 segment = (u32)mcb->segment + mcb->size + 1;
    if (mcb->type != MORE || segment > 0xffff)
        return false;
    *mcb = mcb_get(dos, (u16)segment);
    return valid(mcb);
}

static struct mcb first(const struct dos *dos)
{
    return mcb_get(dos, guest_u16(dos, in_dos(LOL + LOL_FIRST_MCB)));
}

/* A free block takes in the free ones behind it. */
static void merge(struct dos *dos, struct mcb *mcb)
{
    struct mcb behind = *mcb;
    bool changed = false;
    while (mcb->owner == FREE && next(dos, &behind) && behind.owner == FREE &&
           (u32)mcb->size + behind.size + 1 <= 0xffff) {
        mcb->size += behind.size + 1;
        mcb->type = behind.type;
        behind = *mcb;
        changed = true;
    }
    if (changed)
        mcb_put(dos, mcb);
}

static bool is_upper(const struct dos *dos, u16 segment)
{
    return dos->upper_first && segment >= dos->upper_first;
}

struct search {
    u16 paragraphs;
    u8 fit;
    bool upper;
    bool found;
    struct mcb best;
    u16 largest;
};

static bool better(const struct search *s, const struct mcb *mcb)
{
    if (!s->found)
        return true;
    return s->fit == LAST_FIT || (s->fit == BEST_FIT && mcb->size < s->best.size);
}

static enum dos_error look(struct dos *dos, struct search *s)
{
    struct mcb mcb = first(dos);
    if (!valid(&mcb))
        return DOS_ARENA_TRASHED;
    for (u32 i = 0; i < MAX_BLOCKS; i++) {
        merge(dos, &mcb);
        if (mcb.owner == FREE && is_upper(dos, mcb.segment) == s->upper) {
            s->largest = mcb.size > s->largest ? mcb.size : s->largest;
            if (mcb.size >= s->paragraphs && better(s, &mcb)) {
                s->best = mcb;
                s->found = true;
            }
        }
        if (mcb.type == LAST)
            return DOS_OK;
        if (!next(dos, &mcb))
            return DOS_ARENA_TRASHED;
    }
    return DOS_ARENA_TRASHED;
}

/* Cuts the block down to `paragraphs`; the rest, a free block, is in front if `high`. Returns its segment. */
static u16 cut(struct dos *dos, struct mcb mcb, u16 paragraphs, bool high, u16 owner)
{
    struct mcb rest = mcb;
    if (mcb.size > paragraphs) {
        u16 spare = mcb.size - paragraphs - 1;
        if (high) {
            rest.size = spare;
            rest.type = MORE;
            mcb.segment += spare + 1;
        } else {
            rest.segment += paragraphs + 1;
            rest.size = spare;
            mcb.type = MORE;
        }
        mcb.size = paragraphs;
        rest.owner = FREE;
        mcb_put(dos, &rest);
    }
    mcb.owner = owner;
    mcb_put(dos, &mcb);
    mcb_name(dos, mcb.segment, "");
    return mcb.segment + 1;
}

enum dos_error arena_allocate(struct dos *dos, u16 owner, u16 paragraphs, u16 *segment, u16 *largest)
{
    struct search s = {.paragraphs = paragraphs, .fit = dos->allocation & FIT};
    bool linked = guest_u8(dos, in_dos(LOL + LOL_UMB_LINKED));
    s.upper = linked && dos->allocation & (HIGH_ONLY | HIGH_FIRST);
    enum dos_error error = look(dos, &s);
    if (!error && !s.found && !(s.upper && dos->allocation & HIGH_ONLY) && linked) {
        s.upper = !s.upper;
        error = look(dos, &s);
    }
    *largest = s.largest;
    if (error)
        return error;
    if (!s.found)
        return DOS_NOT_ENOUGH_MEMORY;
    *segment = cut(dos, s.best, paragraphs, s.fit == LAST_FIT, owner);
    return DOS_OK;
}

static bool block_of(const struct dos *dos, u16 segment, struct mcb *mcb)
{
    *mcb = mcb_get(dos, segment - 1);
    return segment && valid(mcb);
}

enum dos_error arena_free(struct dos *dos, u16 segment)
{
    struct mcb mcb;
    if (!block_of(dos, segment, &mcb))
        return DOS_INVALID_BLOCK;
    mcb.owner = FREE;
    mcb_put(dos, &mcb);
    return DOS_OK;
}

enum dos_error arena_resize(struct dos *dos, u16 segment, u16 paragraphs, u16 *largest)
{
    struct mcb mcb, behind;
    if (!block_of(dos, segment, &mcb))
        return DOS_INVALID_BLOCK;
    u16 owner = mcb.owner, size = mcb.size;
    behind = mcb;
    if (next(dos, &behind) && behind.owner == FREE) {
        merge(dos, &behind);
        if ((u32)size + behind.size + 1 <= 0xffff) {
            mcb.size = size + behind.size + 1;
            mcb.type = behind.type;
        }
    }
    *largest = mcb.size;
    if (mcb.size < paragraphs) {
        mcb_put(dos, &mcb); /* as DOS does: it has all that there is */
        return DOS_NOT_ENOUGH_MEMORY;
    }
    cut(dos, mcb, paragraphs, false, owner);
    return DOS_OK;
}

void arena_free_all(struct dos *dos, u16 owner)
{
    struct mcb mcb = first(dos);
    bool linked = guest_u8(dos, in_dos(LOL + LOL_UMB_LINKED));
    for (u32 i = 0; valid(&mcb) && i < MAX_BLOCKS; i++) {
        if (mcb.owner == owner) {
            mcb.owner = FREE;
            mcb_put(dos, &mcb);
        }
        if (mcb.type == LAST && !linked && dos->upper_first && !is_upper(dos, mcb.segment))
            mcb = mcb_get(dos, dos->upper_first);
        else if (!next(dos, &mcb))
            return;
    }
}

void arena_own(struct dos *dos, u16 segment, u16 owner, const char *name)
{
    struct mcb mcb;
    if (!block_of(dos, segment, &mcb))
        return;
    mcb.owner = owner;
    mcb_put(dos, &mcb);
    mcb_name(dos, mcb.segment, name);
}

/* --- the beginning --- */

enum { ROMS_FIRST = 0xc000, ROM_STEP = 0x80, UPPER_LIMIT = 0xee00, FRAME_FIRST = 0xd000, FRAME_END = 0xe000, SPARE = 0x80 };

static u16 behind_roms(const struct dos *dos)
{
    enum { SIGNATURE = 0xaa55, SIZE_AT = 2, UNIT = 512 / 16 };
    u16 segment = ROMS_FIRST;
    while (segment < UPPER_LIMIT && guest_u16(dos, far(segment, 0)) == SIGNATURE) {
        u16 size = (u16)(guest_u8(dos, far(segment, SIZE_AT)) * UNIT);
        segment += (u16)((size + ROM_STEP - 1) / ROM_STEP * ROM_STEP);
        if (!size)
            break;
    }
    return segment;
}

/* The firmware has cleared what it does not use of C0000h to EFFFFh ("Space available for UMB"), and keeps its own above. */
static u16 unused_end(const struct dos *dos, u16 from)
{
    u8 block[ROM_STEP * 16];
    static const u8 zero[sizeof block];
    for (; from < UPPER_LIMIT; from += ROM_STEP) {
        guest_read(dos, far(from, 0), block, sizeof block);
        if (memcmp(block, zero, sizeof block) != 0)
            return from - SPARE;
    }
    return from;
}

static void area(struct dos *dos, u16 first_segment, u16 end, u8 type, u16 owner, const char *name)
{
    struct mcb mcb = {first_segment, type, owner, (u16)(end - first_segment - 1)};
    guest_fill(dos, far(first_segment, 0), 0, MCB_BYTES);
    mcb_put(dos, &mcb);
    mcb_name(dos, first_segment, name);
}

void arena_boot(struct dos *dos)
{
    enum { PARAGRAPHS_PER_KB = 64 };
    u16 end = (u16)(guest_u16(dos, far(0, BDA_MEMORY_KB)) * PARAGRAPHS_PER_KB);
    u16 upper = behind_roms(dos), upper_end = unused_end(dos, upper);
    guest_put_u16(dos, in_dos(LOL + LOL_FIRST_MCB), FIRST_MCB);
    guest_put_u8(dos, in_dos(LOL + LOL_UMB_LINKED), 0);
    guest_put_u16(dos, in_dos(LOL + LOL_FIRST_UMB), 0xffff);
    bool frame = dos->ems.pages;
    if (frame ? upper >= FRAME_FIRST || upper_end <= FRAME_END : upper_end <= upper + ROM_STEP) {
        area(dos, FIRST_MCB, end, LAST, FREE, "");
        return;
    }
    /* The paragraph before the end describes what is no memory between here and there. */
    area(dos, FIRST_MCB, end - 1, LAST, FREE, "");
    area(dos, end - 1, upper, MORE, SYSTEM, "SC");
    if (frame) {
        area(dos, upper, FRAME_FIRST - 1, MORE, FREE, "");
        area(dos, FRAME_FIRST - 1, FRAME_END, MORE, SYSTEM, "SC");
        upper = FRAME_END;
    }
    area(dos, upper, upper_end, LAST, FREE, "");
    dos->upper_first = end - 1;
    guest_put_u16(dos, in_dos(LOL + LOL_FIRST_UMB), dos->upper_first);
}

/* --- services --- */

enum dos_next int21_allocate(struct dos *dos)
{
    u16 segment, largest;
    enum dos_error error = arena_allocate(dos, current_psp(dos), reg16(dos, CPU_EBX), &segment, &largest);
    if (error == DOS_NOT_ENOUGH_MEMORY)
        set_reg16(dos, CPU_EBX, largest);
    return error ? dos_fail(dos, error) : dos_ok_ax(dos, segment);
}

enum dos_next int21_free(struct dos *dos)
{
    enum dos_error error = arena_free(dos, sreg(dos, CPU_ES));
    return error ? dos_fail(dos, error) : dos_ok(dos);
}

enum dos_next int21_resize(struct dos *dos)
{
    u16 largest = 0;
    enum dos_error error = arena_resize(dos, sreg(dos, CPU_ES), reg16(dos, CPU_EBX), &largest);
    if (error == DOS_NOT_ENOUGH_MEMORY)
        set_reg16(dos, CPU_EBX, largest);
    return error ? dos_fail(dos, error) : dos_ok_ax(dos, sreg(dos, CPU_ES));
}

/* The last block of conventional memory becomes the last of all, or not. */
static enum dos_error link_upper(struct dos *dos, bool link)
{
    struct mcb mcb = first(dos);
    if (!dos->upper_first)
        return DOS_INVALID_FUNCTION;
    while (valid(&mcb) && (u32)mcb.segment + mcb.size + 1 < dos->upper_first)
        if (!next(dos, &mcb))
            return DOS_ARENA_TRASHED;
    if (!valid(&mcb) || (u32)mcb.segment + mcb.size + 1 != dos->upper_first)
        return DOS_ARENA_TRASHED;
    mcb.type = link ? MORE : LAST;
    mcb_put(dos, &mcb);
    guest_put_u8(dos, in_dos(LOL + LOL_UMB_LINKED), link);
    return DOS_OK;
}

enum dos_next int21_strategy(struct dos *dos)
{
    u16 bx = reg16(dos, CPU_EBX);
    enum dos_error error = DOS_OK;
    switch (reg_low(dos, CPU_EAX)) {
    case 0:
        return dos_ok_ax(dos, dos->allocation);
    case 1:
        if ((bx & ~(FIT | HIGH_ONLY | HIGH_FIRST)) || (bx & FIT) > LAST_FIT)
            return dos_fail(dos, DOS_INVALID_FUNCTION);
        dos->allocation = (u8)bx;
        return dos_ok(dos);
    case 2:
        set_low(dos, CPU_EAX, guest_u8(dos, in_dos(LOL + LOL_UMB_LINKED)));
        return dos_ok(dos);
    case 3:
        error = bx > 1 ? DOS_INVALID_FUNCTION : link_upper(dos, bx);
        return error ? dos_fail(dos, error) : dos_ok(dos);
    default:
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    }
}
