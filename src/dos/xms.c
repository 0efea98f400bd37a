/* The eXtended Memory Specification, version 3.0 (Microsoft, Lotus, Intel, AST, 1991): what HIMEM.SYS does,
 * with /HMAMIN=0.
 *
 * DOS itself is low, so the high memory area is the first program's that asks. Upper memory is DOS's, as with
 * DOS=UMB: there are no UMBs to be had here. */
#include "dos/dos_impl.h"

#include "machine/state.h"

#include <string.h>

enum {
    VERSION = 0x0300,
    REVISION = 0x0301,
    AREA_KIB = 64,
    FIRST_KIB = 1024,
    INSTALLED = 0x80,
    MAX_LOCKS = 255,
};

static enum dos_next answer(struct dos *dos, enum xms_error error)
{
    set_reg16(dos, CPU_EAX, error == XMS_OK);
    if (error)
        set_low(dos, CPU_EBX, (u8)error);
    return DOS_RETURN;
}

/* Some functions tell in BL that all is well. */
static enum dos_next answer_bl(struct dos *dos, enum xms_error error)
{
    set_low(dos, CPU_EBX, (u8)error);
    return answer(dos, error);
}

static u16 word(u32 value)
{
    return (u16)MIN(value, 0xffffu);
}

static bool has_area(const struct dos *dos)
{
    return dos->machine->memory.ram_bytes / KIB >= FIRST_KIB + AREA_KIB;
}

/* --- blocks --- */

struct xms_block *xms_block_of(struct dos *dos, u16 handle)
{
    if (!handle || handle > XMS_HANDLES || !dos->xms.block[handle - 1].used)
        return NULL;
    return &dos->xms.block[handle - 1];
}

static u16 free_handles(const struct xms *xms)
{
    u16 n = 0;
    for (u32 i = 0; i < XMS_HANDLES; i++)
        n += !xms->block[i].used;
    return n;
}

/* Where the first block at or behind `from` begins, `but` for one; *behind: where it ends. */
static u32 next_block(const struct xms *xms, const struct xms_block *but, u32 from, u32 *behind)
{
    u32 first = xms->end_kib;
    *behind = xms->end_kib;
    for (const struct xms_block *b = xms->block; b < xms->block + XMS_HANDLES; b++)
        if (b != but && b->used && b->kib && b->first_kib >= from && b->first_kib < first) {
            first = b->first_kib;
            *behind = b->first_kib + b->kib;
        }
    return first;
}

struct room {
    u32 largest, total;
    bool found;
    u32 first; /* of the first that is large enough */
};

/* What is free, or would be without `but`. */
static struct room look(const struct xms *xms, const struct xms_block *but, u32 wanted)
{
    struct room room = {0};
    for (u32 from = xms->first_kib, behind; from < xms->end_kib; from = behind) {
        u32 size = next_block(xms, but, from, &behind) - from;
        room.total += size;
        room.largest = MAX(room.largest, size);
        if (!room.found && size >= wanted) {
            room.found = true;
            room.first = from;
        }
    }
    room.found |= !wanted;
    return room;
}

static enum xms_error allocate(struct dos *dos, u32 kib)
{
    struct xms *xms = &dos->xms;
    struct room room = look(xms, NULL, kib);
    if (!room.found)
        return XMS_NO_MEMORY;
    for (u16 i = 0; i < XMS_HANDLES; i++)
        if (!xms->block[i].used) {
            xms->block[i] = (struct xms_block){.used = true, .first_kib = room.first, .kib = kib};
            set_reg16(dos, CPU_EDX, i + 1);
            return XMS_OK;
        }
    return XMS_NO_HANDLES;
}

static enum xms_error release(struct dos *dos, u16 handle)
{
    struct xms_block *block = xms_block_of(dos, handle);
    if (!block)
        return XMS_INVALID_HANDLE;
    if (block->locks)
        return XMS_LOCKED;
    *block = (struct xms_block){0};
    return XMS_OK;
}

/* A block that cannot grow where it is goes where there is room. */
static enum xms_error reallocate(struct dos *dos, u16 handle, u32 kib)
{
    struct memory *mem = &dos->machine->memory;
    struct xms_block *block = xms_block_of(dos, handle);
    u32 behind;
    if (!block)
        return XMS_INVALID_HANDLE;
    if (block->locks)
        return XMS_LOCKED;
    bool stays =
        block->kib && next_block(&dos->xms, block, block->first_kib, &behind) - block->first_kib >= kib;
    struct room room = look(&dos->xms, block, kib);
    if (!stays && !room.found)
        return XMS_NO_MEMORY;
    if (!stays) {
        memmove(mem->plain + (u64)room.first * KIB, mem->plain + (u64)block->first_kib * KIB,
                (u64)MIN(block->kib, kib) * KIB);
        memory_stored(mem);
        block->first_kib = room.first;
    }
    block->kib = kib;
    return XMS_OK;
}

static enum xms_error lock(struct dos *dos, u16 handle)
{
    struct xms_block *block = xms_block_of(dos, handle);
    if (!block)
        return XMS_INVALID_HANDLE;
    if (block->locks == MAX_LOCKS)
        return XMS_LOCK_OVERFLOW;
    block->locks++;
    u32 linear = (block->kib ? block->first_kib : dos->xms.first_kib) * KIB;
    set_reg16(dos, CPU_EDX, (u16)(linear >> 16));
    set_reg16(dos, CPU_EBX, (u16)linear);
    return XMS_OK;
}

static enum xms_error unlock(struct dos *dos, u16 handle)
{
    struct xms_block *block = xms_block_of(dos, handle);
    if (!block)
        return XMS_INVALID_HANDLE;
    if (!block->locks)
        return XMS_NOT_LOCKED;
    block->locks--;
    return XMS_OK;
}

static enum dos_next query(struct dos *dos)
{
    struct room room = look(&dos->xms, NULL, 0);
    set_reg16(dos, CPU_EDX, word(room.total));
    set_low(dos, CPU_EBX, room.total ? XMS_OK : XMS_NO_MEMORY);
    set_reg16(dos, CPU_EAX, word(room.largest));
    return DOS_RETURN;
}

static enum dos_next query_any(struct dos *dos)
{
    struct room room = look(&dos->xms, NULL, 0);
    dos->cpu->reg[CPU_EDX] = room.total;
    dos->cpu->reg[CPU_ECX] = dos->machine->memory.ram_bytes - 1;
    set_low(dos, CPU_EBX, room.total ? XMS_OK : XMS_NO_MEMORY);
    dos->cpu->reg[CPU_EAX] = room.largest;
    return DOS_RETURN;
}

static enum xms_error tell(struct dos *dos, bool any)
{
    const struct xms_block *block = xms_block_of(dos, reg16(dos, CPU_EDX));
    u16 handles = free_handles(&dos->xms);
    if (!block)
        return XMS_INVALID_HANDLE;
    set_high(dos, CPU_EBX, block->locks);
    if (any) {
        set_reg16(dos, CPU_ECX, handles);
        dos->cpu->reg[CPU_EDX] = block->kib;
    } else {
        set_low(dos, CPU_EBX, (u8)handles);
        set_reg16(dos, CPU_EDX, word(block->kib));
    }
    return XMS_OK;
}

/* --- the high memory area, A20 --- */

static enum xms_error request_area(struct dos *dos)
{
    if (!has_area(dos))
        return XMS_NO_AREA;
    if (dos->xms.area_used)
        return XMS_AREA_IN_USE;
    dos->xms.area_used = true;
    return XMS_OK;
}

static enum xms_error release_area(struct dos *dos)
{
    if (!has_area(dos))
        return XMS_NO_AREA;
    if (!dos->xms.area_used)
        return XMS_AREA_NOT_ALLOCATED;
    dos->xms.area_used = false;
    return XMS_OK;
}

static enum xms_error enable_a20(struct dos *dos, bool global)
{
    struct xms *xms = &dos->xms;
    if (global)
        xms->a20_global = true;
    else if (xms->a20_local < UINT16_MAX)
        xms->a20_local++;
    machine_set_a20(dos->machine, true);
    return XMS_OK;
}

static enum xms_error disable_a20(struct dos *dos, bool global)
{
    struct xms *xms = &dos->xms;
    if (global)
        xms->a20_global = false;
    else if (xms->a20_local)
        xms->a20_local--;
    if (xms->a20_global || xms->a20_local)
        return XMS_A20_STILL_ENABLED;
    machine_set_a20(dos->machine, false);
    return XMS_OK;
}

static enum dos_next query_a20(struct dos *dos)
{
    set_low(dos, CPU_EBX, XMS_OK);
    set_reg16(dos, CPU_EAX, dos->machine->memory.a20);
    return DOS_RETURN;
}

/* --- the entry point --- */

static enum dos_next version(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, REVISION);
    set_reg16(dos, CPU_EDX, has_area(dos));
    set_reg16(dos, CPU_EAX, VERSION);
    return DOS_RETURN;
}

static enum dos_next no_upper_block(struct dos *dos)
{
    set_reg16(dos, CPU_EDX, 0);
    return answer(dos, XMS_NO_UMB);
}

enum dos_next xms_call(struct dos *dos)
{
    u16 dx = reg16(dos, CPU_EDX);
    switch (reg_high(dos, CPU_EAX)) {
    case 0x00:
        return version(dos);
    case 0x01:
        return answer(dos, request_area(dos));
    case 0x02:
        return answer(dos, release_area(dos));
    case 0x03:
    case 0x05:
        return answer(dos, enable_a20(dos, reg_high(dos, CPU_EAX) == 0x03));
    case 0x04:
    case 0x06:
        return answer(dos, disable_a20(dos, reg_high(dos, CPU_EAX) == 0x04));
    case 0x07:
        return query_a20(dos);
    case 0x08:
        return query(dos);
    case 0x09:
        return answer(dos, allocate(dos, dx));
    case 0x0a:
        return answer(dos, release(dos, dx));
    case 0x0b:
        return answer(dos, xms_move(dos));
    case 0x0c:
        return answer(dos, lock(dos, dx));
    case 0x0d:
        return answer(dos, unlock(dos, dx));
    case 0x0e:
        return answer(dos, tell(dos, false));
    case 0x0f:
        return answer(dos, reallocate(dos, dx, reg16(dos, CPU_EBX)));
    case 0x10:
        return no_upper_block(dos);
    case 0x11:
    case 0x12:
        return answer(dos, XMS_INVALID_UMB);
    case 0x88:
        return query_any(dos);
    case 0x89:
        return answer(dos, allocate(dos, dos->cpu->reg[CPU_EDX]));
    case 0x8e:
        return answer_bl(dos, tell(dos, true));
    case 0x8f:
        return answer(dos, reallocate(dos, dx, dos->cpu->reg[CPU_EBX]));
    default:
        return answer(dos, XMS_NOT_IMPLEMENTED);
    }
}

enum dos_next xms_installed(struct dos *dos, u8 function)
{
    enum { CHECK = 0x00, ENTRY = 0x10 };
    if (dos->xms.first_kib == dos->xms.end_kib)
        return DOS_RETURN;
    if (function == CHECK)
        set_low(dos, CPU_EAX, INSTALLED);
    if (function == ENTRY) {
        set_sreg(dos, CPU_ES, DOS_SEG);
        set_reg16(dos, CPU_EBX, dos->entry[STUB_XMS]);
    }
    return DOS_RETURN;
}

void xms_boot(struct dos *dos)
{
    enum { BIOS_SYSTEM = 0x15 };
    u32 first = FIRST_KIB + AREA_KIB, end = dos->machine->memory.ram_bytes / KIB;
    u32 kib = end > first ? MIN(end - first, dos->config.xms_kib) : 0;
    dos->xms = (struct xms){.first_kib = first, .end_kib = first + kib};
    if (!kib)
        return;
    guest_put_u32(dos, in_dos(dos->entry[STUB_OLD_INT15]), vector_get(dos, BIOS_SYSTEM));
    vector_set(dos, BIOS_SYSTEM, in_dos(dos->entry[STUB_INT15]));
}

/* A block that was saved lies where blocks do, and over no other. */
static bool fits(const struct xms *xms, const struct xms_block *block)
{
    u32 behind;
    if (!block->used || !block->kib)
        return true;
    return block->first_kib >= xms->first_kib && block->first_kib < xms->end_kib &&
           block->kib <= next_block(xms, block, block->first_kib, &behind) - block->first_kib;
}

void xms_state(struct dos *dos, struct state *s)
{
    struct xms *xms = &dos->xms;
    u32 end = dos->machine->memory.ram_bytes / KIB;
    state_u32_in(s, &xms->first_kib, FIRST_KIB + AREA_KIB, FIRST_KIB + AREA_KIB,
                 "where extended memory begins");
    state_u32_in(s, &xms->end_kib, xms->first_kib, MAX(end, xms->first_kib), "where extended memory ends");
    state_bool(s, &xms->area_used);
    state_bool(s, &xms->a20_global);
    state_u16(s, &xms->a20_local);
    for (u32 i = 0; i < XMS_HANDLES; i++) {
        state_bool(s, &xms->block[i].used);
        state_u8(s, &xms->block[i].locks);
        state_u32(s, &xms->block[i].first_kib);
        state_u32(s, &xms->block[i].kib);
    }
    for (u32 i = 0; i < XMS_HANDLES; i++)
        state_check(s, fits(xms, &xms->block[i]), "a block of extended memory lies over another");
}
