/* The Expanded Memory Specification, version 4.0 (Lotus, Intel, Microsoft, 1987): handles and their pages,
 * names, what there is. Pages are pieces of memory that is no RAM of the machine; they are seen through a
 * frame of four of them. */
#include "dos/dos_impl.h"

#include "machine/state.h"

#include <string.h>

enum { VERSION = 0x40, INT_EMS = 0x67, KEY = 0x4d2a51c3 };

struct ems_handle *ems_handle_of(struct dos *dos, u16 handle)
{
    return handle < EMS_HANDLES && dos->ems.handle[handle].used ? &dos->ems.handle[handle] : NULL;
}

int ems_piece(const struct dos *dos, const struct ems_handle *handle, u32 logical)
{
    return logical < handle->pages ? dos->ems.page[handle->first + logical] : -1;
}

static u16 free_pages(const struct ems *ems)
{
    return ems->pages - ems->used;
}

/* --- pages change hands --- */

/* The `n` pages at `from` go to `to`, and what is between moves up or down. */
static void move_pages(struct ems *ems, u16 from, u16 n, u16 to)
{
    u16 moved[EMS_PAGES_MAX];
    memcpy(moved, ems->page + from, n * sizeof moved[0]);
    if (to > from)
        memmove(ems->page + from, ems->page + from + n, (u32)(to - from) * sizeof moved[0]);
    else
        memmove(ems->page + to + n, ems->page + to, (u32)(from - to) * sizeof moved[0]);
    memcpy(ems->page + to, moved, n * sizeof moved[0]);
}

/* Whose pages begin at `at` or behind, but for one: they have moved. */
static void shift_handles(struct ems *ems, const struct ems_handle *but, u16 at, int pages)
{
    for (struct ems_handle *h = ems->handle; h < ems->handle + EMS_HANDLES; h++)
        if (h->used && h != but && h->first >= at)
            h->first = (u16)(h->first + pages);
}

/* Gives the last `n` pages of the handle back. What nobody owns is not to be seen. */
static void take_away(struct dos *dos, struct ems_handle *handle, u16 n)
{
    struct ems *ems = &dos->ems;
    struct memory *mem = &dos->machine->memory;
    u16 at = handle->first + handle->pages - n;
    for (u32 i = at; i < (u32)at + n; i++)
        for (u32 place = 0; place < EMS_PLACES; place++)
            if (mem->frame[place] == ems->page[i])
                memory_show_piece(mem, place, MEMORY_NO_PIECE);
    move_pages(ems, at, n, ems->used - n);
    ems->used -= n;
    handle->pages -= n;
    shift_handles(ems, handle, at, -n);
}

static enum ems_error resize(struct dos *dos, struct ems_handle *handle, u16 pages)
{
    struct ems *ems = &dos->ems;
    if (pages > ems->pages)
        return EMS_MORE_THAN_THERE_IS;
    if (pages <= handle->pages) {
        take_away(dos, handle, handle->pages - pages);
        return EMS_OK;
    }
    if (!handle->pages)
        handle->first = ems->used; /* they were nowhere */
    u16 more = pages - handle->pages, at = handle->first + handle->pages;
    if (more > free_pages(ems))
        return EMS_MORE_THAN_IS_FREE;
    move_pages(ems, ems->used, more, at);
    shift_handles(ems, handle, at, more);
    ems->used += more;
    handle->pages = pages;
    return EMS_OK;
}

static enum ems_error allocate(struct dos *dos, u16 pages)
{
    struct ems *ems = &dos->ems;
    if (pages > ems->pages)
        return EMS_MORE_THAN_THERE_IS;
    if (pages > free_pages(ems))
        return EMS_MORE_THAN_IS_FREE;
    for (u16 i = 1; i < EMS_HANDLES; i++)
        if (!ems->handle[i].used) {
            ems->handle[i] = (struct ems_handle){.used = true, .first = ems->used};
            set_reg16(dos, CPU_EDX, i);
            return resize(dos, &ems->handle[i], pages);
        }
    return EMS_NO_HANDLES;
}

static enum ems_error release(struct dos *dos, u16 number)
{
    struct ems_handle *handle = ems_handle_of(dos, number);
    if (!handle)
        return EMS_INVALID_HANDLE;
    if (handle->saved)
        return EMS_MAP_SAVED;
    take_away(dos, handle, handle->pages);
    memset(handle->name, 0, sizeof handle->name);
    handle->used = !number; /* the system's stays */
    return EMS_OK;
}

static enum ems_error reallocate(struct dos *dos)
{
    struct ems_handle *handle = ems_handle_of(dos, reg16(dos, CPU_EDX));
    if (!handle)
        return EMS_INVALID_HANDLE;
    enum ems_error error = resize(dos, handle, reg16(dos, CPU_EBX));
    set_reg16(dos, CPU_EBX, handle->pages);
    return error;
}

/* --- what there is --- */

static u16 open_handles(const struct ems *ems)
{
    u16 n = 0;
    for (u32 i = 0; i < EMS_HANDLES; i++)
        n += ems->handle[i].used;
    return n;
}

static enum ems_error count_pages(struct dos *dos)
{
    const struct ems_handle *handle = ems_handle_of(dos, reg16(dos, CPU_EDX));
    if (!handle)
        return EMS_INVALID_HANDLE;
    set_reg16(dos, CPU_EBX, handle->pages);
    return EMS_OK;
}

static far_t es_di(const struct dos *dos)
{
    return far(sreg(dos, CPU_ES), reg16(dos, CPU_EDI));
}

static far_t ds_si(const struct dos *dos)
{
    return far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI));
}

static enum ems_error all_pages(struct dos *dos)
{
    const struct ems *ems = &dos->ems;
    far_t to = es_di(dos);
    for (u16 i = 0; i < EMS_HANDLES; i++) {
        u16 entry[2] = {i, ems->handle[i].pages};
        if (!ems->handle[i].used)
            continue;
        guest_write(dos, to, entry, sizeof entry);
        to = far_add(to, sizeof entry);
    }
    set_reg16(dos, CPU_EBX, open_handles(ems));
    return EMS_OK;
}

static void free_and_all(struct dos *dos)
{
    set_reg16(dos, CPU_EBX, free_pages(&dos->ems));
    set_reg16(dos, CPU_EDX, dos->ems.pages);
}

/* AH=52h: all pages are volatile. */
static enum ems_error attribute(struct dos *dos, u8 function)
{
    enum { GET, SET, CAPABILITY, NONVOLATILE = 1 };
    u8 wanted = reg_low(dos, CPU_EBX);
    if (function > CAPABILITY)
        return EMS_INVALID_SUBFUNCTION;
    if (function != CAPABILITY && !ems_handle_of(dos, reg16(dos, CPU_EDX)))
        return EMS_INVALID_HANDLE;
    if (function == SET)
        return wanted > NONVOLATILE ? EMS_INVALID_ATTRIBUTE : wanted ? EMS_NOT_NONVOLATILE : EMS_OK;
    set_low(dos, CPU_EAX, 0);
    return EMS_OK;
}

/* --- names --- */

static const u8 no_name[EMS_NAME_BYTES];

static int handle_of_name(const struct ems *ems, const u8 *name)
{
    for (int i = 0; i < EMS_HANDLES; i++)
        if (ems->handle[i].used && memcmp(ems->handle[i].name, name, EMS_NAME_BYTES) == 0)
            return i;
    return -1;
}

static enum ems_error handle_name(struct dos *dos, u8 function)
{
    enum { GET, SET };
    struct ems_handle *handle = ems_handle_of(dos, reg16(dos, CPU_EDX));
    u8 name[EMS_NAME_BYTES];
    if (function > SET)
        return EMS_INVALID_SUBFUNCTION;
    if (!handle)
        return EMS_INVALID_HANDLE;
    if (function == GET) {
        guest_write(dos, es_di(dos), handle->name, sizeof handle->name);
        return EMS_OK;
    }
    guest_read(dos, ds_si(dos), name, sizeof name);
    int owner = memcmp(name, no_name, sizeof name) == 0 ? -1 : handle_of_name(&dos->ems, name);
    if (owner >= 0 && &dos->ems.handle[owner] != handle)
        return EMS_NAME_EXISTS;
    memcpy(handle->name, name, sizeof name);
    return EMS_OK;
}

static void write_directory(struct dos *dos)
{
    const struct ems *ems = &dos->ems;
    far_t to = es_di(dos);
    for (u16 i = 0; i < EMS_HANDLES; i++) {
        if (!ems->handle[i].used)
            continue;
        guest_put_u16(dos, to, i);
        guest_write(dos, far_add(to, sizeof i), ems->handle[i].name, EMS_NAME_BYTES);
        to = far_add(to, sizeof i + EMS_NAME_BYTES);
    }
    set_low(dos, CPU_EAX, (u8)open_handles(ems));
}

static enum ems_error search_name(struct dos *dos)
{
    u8 name[EMS_NAME_BYTES];
    guest_read(dos, ds_si(dos), name, sizeof name);
    if (memcmp(name, no_name, sizeof name) == 0)
        return EMS_NAME_EXISTS; /* of handles without a name there are many */
    int handle = handle_of_name(&dos->ems, name);
    if (handle < 0)
        return EMS_NAME_NOT_FOUND;
    set_reg16(dos, CPU_EDX, (u16)handle);
    return EMS_OK;
}

static enum ems_error directory(struct dos *dos, u8 function)
{
    enum { GET, SEARCH, TOTAL };
    switch (function) {
    case GET:
        write_directory(dos);
        return EMS_OK;
    case SEARCH:
        return search_name(dos);
    case TOTAL:
        set_reg16(dos, CPU_EBX, EMS_HANDLES);
        return EMS_OK;
    default:
        return EMS_INVALID_SUBFUNCTION;
    }
}

/* --- for operating systems --- */

static enum ems_error hardware(struct dos *dos, u8 function)
{
    enum { CONFIGURATION, RAW_PAGES };
    if (function == RAW_PAGES) {
        free_and_all(dos);
        return EMS_OK;
    }
    if (function != CONFIGURATION)
        return EMS_INVALID_SUBFUNCTION;
    if (dos->ems.denied)
        return EMS_DENIED;
    /* Paragraphs of a page, alternate register sets, bytes of a context, DMA register sets, DMA without them.
     */
    u16 what[5] = {EMS_PAGE_BYTES / 16, 0, EMS_CONTEXT_BYTES, 0, 0};
    guest_write(dos, es_di(dos), what, sizeof what);
    return EMS_OK;
}

static enum ems_error get_register_set(struct dos *dos)
{
    u32 context = dos->ems.context;
    if (context)
        ems_context_put(dos, context);
    set_sreg(dos, CPU_ES, (u16)(context >> 16));
    set_reg16(dos, CPU_EDI, (u16)context);
    set_low(dos, CPU_EBX, 0);
    return EMS_OK;
}

static enum ems_error set_register_set(struct dos *dos)
{
    u32 context = es_di(dos);
    if (reg_low(dos, CPU_EBX))
        return EMS_NO_REGISTER_SETS;
    enum ems_error error = context ? ems_context_check(dos, context) : EMS_OK;
    if (error)
        return error;
    dos->ems.context = context;
    if (context)
        ems_context_set(dos, context);
    return EMS_OK;
}

/* AH=5Bh: register sets are a feature of boards; what stands in for set 0 is memory of the operating
 * system's. */
static enum ems_error register_sets(struct dos *dos, u8 function)
{
    enum { GET, SET, SIZE, ALLOCATE, FREE, DMA_ALLOCATE, DMA_ENABLE, DMA_DISABLE, DMA_FREE };
    if (function > DMA_FREE)
        return EMS_INVALID_SUBFUNCTION;
    if (dos->ems.denied)
        return EMS_DENIED;
    switch (function) {
    case GET:
        return get_register_set(dos);
    case SET:
        return set_register_set(dos);
    case SIZE:
        set_reg16(dos, CPU_EDX, EMS_CONTEXT_BYTES);
        return EMS_OK;
    case ALLOCATE:
    case DMA_ALLOCATE:
        set_low(dos, CPU_EBX, 0); /* none */
        return EMS_OK;
    default:
        return reg_low(dos, CPU_EBX) ? EMS_NO_REGISTER_SETS : EMS_OK;
    }
}

/* AH=5Dh. The first call gets a key, which the others must show. */
static enum ems_error access(struct dos *dos, u8 function)
{
    enum { ENABLE, DISABLE, RETURN_KEY };
    struct ems *ems = &dos->ems;
    u32 key = (u32)reg16(dos, CPU_EBX) << 16 | reg16(dos, CPU_ECX);
    if (function > RETURN_KEY)
        return EMS_INVALID_SUBFUNCTION;
    if (!ems->has_key && function != RETURN_KEY) {
        ems->has_key = true;
        ems->key += KEY;
        set_reg16(dos, CPU_EBX, (u16)(ems->key >> 16));
        set_reg16(dos, CPU_ECX, (u16)ems->key);
    } else if (!ems->has_key || key != ems->key) {
        return EMS_DENIED;
    }
    ems->denied = function == DISABLE;
    if (function == RETURN_KEY)
        ems->has_key = false;
    return EMS_OK;
}

/* --- dispatch --- */

static enum ems_error serve(struct dos *dos, u8 function)
{
    u8 al = reg_low(dos, CPU_EAX);
    u16 bx = reg16(dos, CPU_EBX);
    switch (function) {
    case 0x40:
        return EMS_OK;
    case 0x41:
        set_reg16(dos, CPU_EBX, EMS_FRAME_SEG);
        return EMS_OK;
    case 0x42:
        free_and_all(dos);
        return EMS_OK;
    case 0x43:
        return bx ? allocate(dos, bx) : EMS_ZERO_PAGES;
    case 0x44:
        return ems_map(dos);
    case 0x45:
        return release(dos, reg16(dos, CPU_EDX));
    case 0x46:
        set_low(dos, CPU_EAX, VERSION);
        return EMS_OK;
    case 0x47:
        return ems_save(dos);
    case 0x48:
        return ems_restore(dos);
    case 0x4b:
        set_reg16(dos, CPU_EBX, open_handles(&dos->ems));
        return EMS_OK;
    case 0x4c:
        return count_pages(dos);
    case 0x4d:
        return all_pages(dos);
    case 0x4e:
        return ems_page_map(dos);
    case 0x4f:
        return ems_partial_map(dos);
    case 0x50:
        return ems_map_many(dos);
    case 0x51:
        return reallocate(dos);
    case 0x52:
        return attribute(dos, al);
    case 0x53:
        return handle_name(dos, al);
    case 0x54:
        return directory(dos, al);
    case 0x57:
        return ems_move(dos);
    case 0x58:
        return ems_mappable(dos);
    case 0x59:
        return hardware(dos, al);
    case 0x5a:
        return al > 1 ? EMS_INVALID_SUBFUNCTION : allocate(dos, bx);
    case 0x5b:
        return register_sets(dos, al);
    case 0x5c: /* prepare for warm boot */
        return EMS_OK;
    case 0x5d:
        return access(dos, al);
    default:
        return EMS_INVALID_FUNCTION;
    }
}

enum dos_next int67(struct dos *dos)
{
    u8 function = reg_high(dos, CPU_EAX);
    if (function == 0x55)
        return ems_jump(dos);
    if (function == 0x56)
        return ems_call(dos);
    set_high(dos, CPU_EAX, (u8)serve(dos, function));
    return DOS_RETURN;
}

u32 ems_header(const struct dos *dos)
{
    return far((u16)(DOS_SEG + dos->entry[STUB_EMS_DEVICE] / 16), 0);
}

/* Nobody has put a ROM there. */
static bool frame_is_unused(const struct dos *dos)
{
    u8 page[PAGE_BYTES];
    static const u8 zero[sizeof page];
    for (u32 at = 0; at < EMS_PLACES * EMS_PAGE_BYTES; at += sizeof page) {
        guest_read(dos, far(EMS_FRAME_SEG, 0) + at, page, sizeof page);
        if (memcmp(page, zero, sizeof zero) != 0)
            return false;
    }
    return true;
}

void ems_boot(struct dos *dos)
{
    struct memory *mem = &dos->machine->memory;
    u32 pages = MIN(dos->config.ems_kib / (EMS_PAGE_BYTES / KIB), (u32)EMS_PAGES_MAX);
    if (mem->expanded) /* the machine was reset, or a state was loaded */
        pages = MIN(pages, mem->expanded_bytes / EMS_PAGE_BYTES);
    memory_clear_frame(mem);
    dos->ems = (struct ems){0};
    if (!pages || !frame_is_unused(dos) ||
        (!mem->expanded && memory_add_expanded(mem, pages * EMS_PAGE_BYTES)))
        return;
    dos->ems.pages = (u16)pages;
    for (u16 i = 0; i < pages; i++)
        dos->ems.page[i] = i;
    dos->ems.handle[0].used = true;
    u32 header = ems_header(dos);
    guest_put_u32(dos, device_header(dos, DEVICE_LPT1), header);
    vector_set(dos, INT_EMS, far((u16)(header >> 16), dos->entry[STUB_INT67] - dos->entry[STUB_EMS_DEVICE]));
}

/* Every page belongs to one place in the order, and no two handles to the same. */
static bool consistent(const struct ems *ems)
{
    bool seen[EMS_PAGES_MAX] = {false}, owned[EMS_PAGES_MAX] = {false};
    for (u32 i = 0; i < ems->pages; i++) {
        if (ems->page[i] >= ems->pages || seen[ems->page[i]])
            return false;
        seen[ems->page[i]] = true;
    }
    u32 n = 0;
    for (const struct ems_handle *h = ems->handle; h < ems->handle + EMS_HANDLES; h++) {
        if (!h->used || !h->pages)
            continue;
        if ((u32)h->first + h->pages > ems->used)
            return false;
        for (u32 i = h->first; i < (u32)h->first + h->pages; i++, n++) {
            if (owned[i])
                return false;
            owned[i] = true;
        }
    }
    return n == ems->used;
}

static void handle_state(const struct ems *ems, struct ems_handle *handle, struct state *s)
{
    state_bool(s, &handle->used);
    state_bool(s, &handle->saved);
    state_u16(s, &handle->first);
    state_u16(s, &handle->pages);
    state_bytes(s, handle->name, sizeof handle->name);
    for (u32 place = 0; place < EMS_PLACES; place++) {
        state_u16(s, &handle->map[place]);
        state_check(
            s, !handle->saved || handle->map[place] == MEMORY_NO_PIECE || handle->map[place] < ems->pages,
            "a page of expanded memory that does not exist");
    }
}

void ems_state(struct dos *dos, struct state *s)
{
    struct ems *ems = &dos->ems;
    u32 pages = dos->machine->memory.expanded_bytes / EMS_PAGE_BYTES;
    state_u16_in(s, &ems->pages, 0, (u16)MIN(pages, (u32)EMS_PAGES_MAX), "how many pages there are");
    state_u16_in(s, &ems->used, 0, ems->pages, "how many pages are used");
    for (u32 i = 0; i < ems->pages; i++)
        state_u16(s, &ems->page[i]);
    for (u32 i = 0; i < EMS_HANDLES; i++)
        handle_state(ems, &ems->handle[i], s);
    state_check(s, consistent(ems), "handles and pages of expanded memory do not fit together");
    state_bool(s, &ems->denied);
    state_bool(s, &ems->has_key);
    state_u32(s, &ems->key);
    state_u32(s, &ems->context);
}
