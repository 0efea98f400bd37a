/* What the page frame shows: mapping pages, keeping and restoring what is mapped, jumps and calls into pages.
 * LIM EMS 4.0. */
#include "dos/dos_impl.h"

#include <string.h>

enum { UNMAPPED = 0xffff, PLACE_PARAGRAPHS = EMS_PAGE_BYTES / 16, CHECK = 0x6b35 };

/* One page of a list, as AH=50h, 55h and 56h take it. */
struct wish {
    u16 logical, physical;
};

static far_t ds_si(const struct dos *dos)
{
    return far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI));
}

static far_t es_di(const struct dos *dos)
{
    return far(sreg(dos, CPU_ES), reg16(dos, CPU_EDI));
}

static u16 place_segment(u32 place)
{
    return (u16)(EMS_FRAME_SEG + place * PLACE_PARAGRAPHS);
}

/* -1: no place begins there. */
static int place_of_segment(u16 segment)
{
    u16 distance = segment - EMS_FRAME_SEG;
    return distance % PLACE_PARAGRAPHS || distance / PLACE_PARAGRAPHS >= EMS_PLACES
               ? -1
               : distance / PLACE_PARAGRAPHS;
}

static bool is_piece(const struct dos *dos, u16 piece)
{
    return piece == MEMORY_NO_PIECE || piece < dos->ems.pages;
}

static void show(struct dos *dos, u32 place, u16 piece)
{
    memory_show_piece(&dos->machine->memory, place, piece);
}

/* --- mapping --- */

static enum ems_error look_up(const struct dos *dos, const struct ems_handle *handle, u16 logical, u32 place,
                              u16 *piece)
{
    if (place >= EMS_PLACES)
        return EMS_INVALID_PHYSICAL_PAGE;
    int found = logical == UNMAPPED ? MEMORY_NO_PIECE : ems_piece(dos, handle, logical);
    if (found < 0)
        return EMS_INVALID_LOGICAL_PAGE;
    *piece = (u16)found;
    return EMS_OK;
}

enum ems_error ems_map(struct dos *dos)
{
    const struct ems_handle *handle = ems_handle_of(dos, reg16(dos, CPU_EDX));
    u32 place = reg_low(dos, CPU_EAX);
    u16 piece;
    if (!handle)
        return EMS_INVALID_HANDLE;
    enum ems_error error = look_up(dos, handle, reg16(dos, CPU_EBX), place, &piece);
    if (!error)
        show(dos, place, piece);
    return error;
}

/* All of them, or none. */
static enum ems_error map_list(struct dos *dos, u16 number, far_t list, u32 count, bool segments)
{
    const struct ems_handle *handle = ems_handle_of(dos, number);
    u16 wanted[EMS_PLACES];
    memcpy(wanted, dos->machine->memory.frame, sizeof wanted);
    if (!handle)
        return EMS_INVALID_HANDLE;
    for (u32 i = 0; i < count; i++) {
        struct wish wish;
        guest_read(dos, far_add(list, i * sizeof wish), &wish, sizeof wish);
        int place = segments ? place_of_segment(wish.physical) : wish.physical;
        if (place < 0)
            return EMS_INVALID_PHYSICAL_PAGE;
        u16 piece;
        enum ems_error error = look_up(dos, handle, wish.logical, (u32)place, &piece);
        if (error)
            return error;
        wanted[place] = piece;
    }
    for (u32 place = 0; place < EMS_PLACES; place++)
        show(dos, place, wanted[place]);
    return EMS_OK;
}

enum ems_error ems_map_many(struct dos *dos)
{
    u8 by_segment = reg_low(dos, CPU_EAX);
    if (by_segment > 1)
        return EMS_INVALID_SUBFUNCTION;
    return map_list(dos, reg16(dos, CPU_EDX), ds_si(dos), reg16(dos, CPU_ECX), by_segment);
}

enum ems_error ems_mappable(struct dos *dos)
{
    enum { GET, COUNT };
    u8 function = reg_low(dos, CPU_EAX);
    if (function > COUNT)
        return EMS_INVALID_SUBFUNCTION;
    for (u16 place = 0; function == GET && place < EMS_PLACES; place++) {
        u16 entry[2] = {place_segment(place), place};
        guest_write(dos, far_add(es_di(dos), place * sizeof entry), entry, sizeof entry);
    }
    set_reg16(dos, CPU_ECX, EMS_PLACES);
    return EMS_OK;
}

/* --- keeping what is mapped --- */

enum ems_error ems_save(struct dos *dos)
{
    struct ems_handle *handle = ems_handle_of(dos, reg16(dos, CPU_EDX));
    if (!handle)
        return EMS_INVALID_HANDLE;
    if (handle->saved)
        return EMS_ALREADY_SAVED;
    memcpy(handle->map, dos->machine->memory.frame, sizeof handle->map);
    handle->saved = true;
    return EMS_OK;
}

enum ems_error ems_restore(struct dos *dos)
{
    struct ems_handle *handle = ems_handle_of(dos, reg16(dos, CPU_EDX));
    if (!handle)
        return EMS_INVALID_HANDLE;
    if (!handle->saved)
        return EMS_NOT_SAVED;
    for (u32 place = 0; place < EMS_PLACES; place++)
        show(dos, place, handle->map[place]);
    handle->saved = false;
    return EMS_OK;
}

/* Programs keep contexts, and may damage them: the last word tells. */
static u16 check_word(const u16 *words, u32 n)
{
    u16 sum = CHECK;
    for (u32 i = 0; i < n; i++)
        sum = (u16)(sum * 31 + words[i]);
    return sum;
}

void ems_context_put(struct dos *dos, far_t to)
{
    u16 context[EMS_PLACES + 1];
    memcpy(context, dos->machine->memory.frame, EMS_PLACES * sizeof context[0]);
    context[EMS_PLACES] = check_word(context, EMS_PLACES);
    guest_write(dos, to, context, sizeof context);
}

enum ems_error ems_context_check(const struct dos *dos, far_t from)
{
    u16 context[EMS_PLACES + 1];
    guest_read(dos, from, context, sizeof context);
    bool fits = context[EMS_PLACES] == check_word(context, EMS_PLACES);
    for (u32 place = 0; place < EMS_PLACES; place++)
        fits &= is_piece(dos, context[place]);
    return fits ? EMS_OK : EMS_INVALID_MAP;
}

void ems_context_set(struct dos *dos, far_t from)
{
    u16 context[EMS_PLACES];
    guest_read(dos, from, context, sizeof context);
    for (u32 place = 0; place < EMS_PLACES; place++)
        show(dos, place, context[place]);
}

enum ems_error ems_page_map(struct dos *dos)
{
    enum { GET, SET, GET_AND_SET, SIZE };
    u8 context[EMS_CONTEXT_BYTES];
    u8 function = reg_low(dos, CPU_EAX);
    if (function > SIZE)
        return EMS_INVALID_SUBFUNCTION;
    if (function == SIZE) {
        set_low(dos, CPU_EAX, EMS_CONTEXT_BYTES);
        return EMS_OK;
    }
    enum ems_error error = function == GET ? EMS_OK : ems_context_check(dos, ds_si(dos));
    if (error)
        return error;
    guest_read(dos, ds_si(dos), context, sizeof context); /* the one kept may go over it */
    if (function != SET)
        ems_context_put(dos, es_di(dos));
    for (u32 place = 0; function != GET && place < EMS_PLACES; place++)
        show(dos, place, (u16)(context[2 * place] | context[2 * place + 1] << 8));
    return EMS_OK;
}

/* A part of a context: count, place and piece of each, check word. */
enum { PARTIAL_WORDS = 1 + 2 * EMS_PLACES + 1 };

static enum ems_error partial_get(struct dos *dos)
{
    u16 words[PARTIAL_WORDS], n = 0, count = guest_u16(dos, ds_si(dos));
    if (count > EMS_PLACES)
        return EMS_INVALID_MAP;
    words[n++] = count;
    for (u32 i = 1; i <= count; i++) {
        int place = place_of_segment(guest_u16(dos, far_add(ds_si(dos), i * sizeof words[0])));
        if (place < 0)
            return EMS_INVALID_PHYSICAL_PAGE;
        words[n++] = (u16)place;
        words[n++] = dos->machine->memory.frame[place];
    }
    words[n] = check_word(words, n);
    guest_write(dos, es_di(dos), words, (n + 1u) * sizeof words[0]);
    return EMS_OK;
}

static enum ems_error partial_set(struct dos *dos)
{
    u16 words[PARTIAL_WORDS], count = guest_u16(dos, ds_si(dos)), n = 1 + 2 * count;
    if (count > EMS_PLACES)
        return EMS_INVALID_MAP;
    guest_read(dos, ds_si(dos), words, (n + 1u) * sizeof words[0]);
    bool fits = words[n] == check_word(words, n);
    for (u32 i = 1; i < n; i += 2)
        fits &= words[i] < EMS_PLACES && is_piece(dos, words[i + 1]);
    for (u32 i = 1; fits && i < n; i += 2)
        show(dos, words[i], words[i + 1]);
    return fits ? EMS_OK : EMS_INVALID_MAP;
}

enum ems_error ems_partial_map(struct dos *dos)
{
    enum { GET, SET, SIZE };
    u16 count = reg16(dos, CPU_EBX);
    switch (reg_low(dos, CPU_EAX)) {
    case GET:
        return partial_get(dos);
    case SET:
        return partial_set(dos);
    case SIZE:
        if (count > EMS_PLACES)
            return EMS_INVALID_PHYSICAL_PAGE;
        set_low(dos, CPU_EAX, (u8)((2 + 2 * count) * sizeof(u16)));
        return EMS_OK;
    default:
        return EMS_INVALID_SUBFUNCTION;
    }
}

/* --- jumps and calls --- */

enum {
    FRAME_IP = 0, /* of the caller, on the stack */
    FRAME_FLAGS = 4,
    MAP_COUNT = 4,
    MAP_LIST = 5,
    OLD_COUNT = 9,
    OLD_LIST = 10,
    FLAGS_OF_USE = 0x7fd5,
};

/* What is on the stack while a page's routine runs, behind its return address. */
struct call_record {
    u16 handle;
    u8 count, segments;
    u32 list;
};

static enum dos_next fail(struct dos *dos, enum ems_error error)
{
    set_high(dos, CPU_EAX, (u8)error);
    return DOS_RETURN;
}

static enum ems_error map_for_target(struct dos *dos)
{
    far_t what = ds_si(dos);
    u8 segments = reg_low(dos, CPU_EAX);
    if (segments > 1)
        return EMS_INVALID_SUBFUNCTION;
    return map_list(dos, reg16(dos, CPU_EDX), guest_u32(dos, far_add(what, MAP_LIST)),
                    guest_u8(dos, far_add(what, MAP_COUNT)), segments);
}

enum dos_next ems_jump(struct dos *dos)
{
    far_t target = guest_u32(dos, ds_si(dos));
    enum ems_error error = map_for_target(dos);
    if (!error)
        guest_put_u32(dos, far(sreg(dos, CPU_SS), reg16(dos, CPU_ESP)) + FRAME_IP, target);
    return fail(dos, error);
}

static void push(struct dos *dos, const void *data, u16 bytes)
{
    set_reg16(dos, CPU_ESP, reg16(dos, CPU_ESP) - bytes);
    guest_write(dos, far(sreg(dos, CPU_SS), reg16(dos, CPU_ESP)), data, bytes);
}

enum dos_next ems_call(struct dos *dos)
{
    enum { STACK_NEEDED = 2, INTERRUPT_FRAME = 6 };
    far_t what = ds_si(dos), target = guest_u32(dos, what), back = in_dos(dos->entry[STUB_EMS_BACK]);
    struct call_record record = {reg16(dos, CPU_EDX), guest_u8(dos, far_add(what, OLD_COUNT)),
                                 reg_low(dos, CPU_EAX), guest_u32(dos, far_add(what, OLD_LIST))};
    if (record.segments == STACK_NEEDED) {
        set_reg16(dos, CPU_EBX, sizeof record + sizeof back + INTERRUPT_FRAME);
        return fail(dos, EMS_OK);
    }
    enum ems_error error = map_for_target(dos);
    fail(dos, error);
    if (error)
        return DOS_RETURN;
    u16 flags = guest_u16(dos, far(sreg(dos, CPU_SS), reg16(dos, CPU_ESP)) + FRAME_FLAGS);
    dos->cpu->eflags = (dos->cpu->eflags & ~0xffffu) | (flags & FLAGS_OF_USE) | FLAG_FIXED;
    push(dos, &record, sizeof record);
    push(dos, &back, sizeof back);
    set_sreg(dos, CPU_CS, (u16)(target >> 16));
    dos->cpu->eip = (u16)target;
    return DOS_JUMP;
}

enum dos_next ems_back(struct dos *dos)
{
    struct call_record record;
    guest_read(dos, far(sreg(dos, CPU_SS), reg16(dos, CPU_ESP)), &record, sizeof record);
    set_reg16(dos, CPU_ESP, (u16)(reg16(dos, CPU_ESP) + sizeof record));
    return fail(dos, map_list(dos, record.handle, record.list, record.count, record.segments));
}
