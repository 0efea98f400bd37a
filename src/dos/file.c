/* Files by handle: INT 21h AH=3Ch-40h, 42h, 44h-46h, 57h, 5Ah-5Ch, 67h, 68h, 6Ch. */
#include "dos/dos_impl.h"

#include <stdio.h>
#include <string.h>

enum { MODE_NO_INHERIT = 0x80 };

/* A new entry becomes a handle. */
static enum dos_next to_handle(struct dos *dos, int handle, int entry, u8 mode)
{
    if (mode & MODE_NO_INHERIT) {
        far_t at = sft_at(entry) + SFT_INFO;
        guest_put_u16(dos, at, guest_u16(dos, at) | INFO_NO_INHERIT);
    }
    handle_set(dos, (u16)handle, (u8)entry);
    return dos_ok_ax(dos, (u16)handle);
}

static enum dos_next create(struct dos *dos, bool fresh)
{
    struct dos_path path;
    int entry, handle = handle_free(dos);
    enum dos_error error = path_parse_at(dos, ds_dx(dos), &path);
    if (!error && handle < 0)
        error = DOS_TOO_MANY_OPEN_FILES;
    if (!error)
        error = sft_create(dos, &path, (u8)reg16(dos, CPU_ECX), fresh, &entry);
    return error ? dos_fail(dos, error) : to_handle(dos, handle, entry, 0);
}

enum dos_next int21_create(struct dos *dos)
{
    return create(dos, false);
}

enum dos_next int21_create_new(struct dos *dos)
{
    return create(dos, true);
}

enum dos_next int21_open(struct dos *dos)
{
    struct dos_path path;
    u8 mode = reg_low(dos, CPU_EAX);
    int entry, handle = handle_free(dos);
    enum dos_error error = path_parse_at(dos, ds_dx(dos), &path);
    if (!error && handle < 0)
        error = DOS_TOO_MANY_OPEN_FILES;
    if (!error)
        error = sft_open(dos, &path, mode, &entry);
    return error ? dos_fail(dos, error) : to_handle(dos, handle, entry, mode);
}

enum dos_next int21_close(struct dos *dos)
{
    u16 handle = reg16(dos, CPU_EBX);
    int entry = sft_of_handle(dos, handle);
    if (entry < 0)
        return dos_fail(dos, DOS_INVALID_HANDLE);
    u16 references = guest_u16(dos, sft_at(entry) + SFT_REFERENCES);
    enum dos_error error = sft_close(dos, entry);
    if (error)
        return dos_fail(dos, error);
    handle_set(dos, handle, 0xff);
    set_low(dos, CPU_EAX, (u8)references);
    return dos_ok(dos);
}

static void advance(struct dos *dos, int entry, u32 position)
{
    guest_put_u32(dos, sft_at(entry) + SFT_POSITION, position);
}

enum dos_next int21_read(struct dos *dos)
{
    int entry = sft_of_handle(dos, reg16(dos, CPU_EBX));
    u16 bytes = reg16(dos, CPU_ECX);
    u32 done;
    if (entry < 0)
        return dos_fail(dos, DOS_INVALID_HANDLE);
    if (sft_is_device(dos, entry))
        return device_read(dos, entry, ds_dx(dos), bytes);
    u32 position = guest_u32(dos, sft_at(entry) + SFT_POSITION);
    enum dos_error error = sft_read_at(dos, entry, position, ds_dx(dos), bytes, &done);
    if (error)
        return dos_fail(dos, error);
    advance(dos, entry, position + done);
    return dos_ok_ax(dos, (u16)done);
}

enum dos_next int21_write(struct dos *dos)
{
    int entry = sft_of_handle(dos, reg16(dos, CPU_EBX));
    u16 bytes = reg16(dos, CPU_ECX);
    u32 done = 0;
    if (entry < 0)
        return dos_fail(dos, DOS_INVALID_HANDLE);
    if (sft_is_device(dos, entry))
        return device_write(dos, entry, ds_dx(dos), bytes);
    u32 position = guest_u32(dos, sft_at(entry) + SFT_POSITION);
    enum dos_error error = bytes ? sft_write_at(dos, entry, position, ds_dx(dos), bytes, &done) :
                                   sft_set_size(dos, entry, position);
    if (error)
        return dos_fail(dos, error);
    advance(dos, entry, position + done);
    return dos_ok_ax(dos, (u16)done);
}

enum dos_next int21_seek(struct dos *dos)
{
    enum { FROM_BEGIN, FROM_HERE, FROM_END };
    int entry = sft_of_handle(dos, reg16(dos, CPU_EBX));
    u32 offset = (u32)reg16(dos, CPU_ECX) << 16 | reg16(dos, CPU_EDX);
    u8 from = reg_low(dos, CPU_EAX);
    if (from > FROM_END)
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    if (entry < 0)
        return dos_fail(dos, DOS_INVALID_HANDLE);
    if (sft_is_device(dos, entry))
        offset = 0;
    else if (from == FROM_HERE)
        offset += guest_u32(dos, sft_at(entry) + SFT_POSITION);
    else if (from == FROM_END)
        offset += sft_size(dos, entry);
    advance(dos, entry, offset);
    set_reg16(dos, CPU_EDX, (u16)(offset >> 16));
    return dos_ok_ax(dos, (u16)offset);
}

static enum dos_next dup_to(struct dos *dos, int entry, u16 handle)
{
    far_t references = sft_at(entry) + SFT_REFERENCES;
    guest_put_u16(dos, references, guest_u16(dos, references) + 1);
    handle_set(dos, handle, (u8)entry);
    return dos_ok(dos);
}

enum dos_next int21_dup(struct dos *dos)
{
    int entry = sft_of_handle(dos, reg16(dos, CPU_EBX)), handle = handle_free(dos);
    if (entry < 0)
        return dos_fail(dos, DOS_INVALID_HANDLE);
    if (handle < 0)
        return dos_fail(dos, DOS_TOO_MANY_OPEN_FILES);
    set_reg16(dos, CPU_EAX, (u16)handle);
    return dup_to(dos, entry, (u16)handle);
}

enum dos_next int21_dup2(struct dos *dos)
{
    int entry = sft_of_handle(dos, reg16(dos, CPU_EBX));
    u16 handle = reg16(dos, CPU_ECX);
    if (entry < 0 || handle >= guest_u16(dos, far(current_psp(dos), PSP_JFT_COUNT)))
        return dos_fail(dos, DOS_INVALID_HANDLE);
    if (handle == reg16(dos, CPU_EBX))
        return dos_ok(dos);
    int before = sft_of_handle(dos, handle);
    enum dos_error error = before < 0 ? DOS_OK : sft_close(dos, before);
    return error ? dos_fail(dos, error) : dup_to(dos, entry, handle);
}

/* AH=57h: AL=0 get, 1 set. */
enum dos_next int21_file_time(struct dos *dos)
{
    int entry = sft_of_handle(dos, reg16(dos, CPU_EBX));
    u16 date = reg16(dos, CPU_EDX), time = reg16(dos, CPU_ECX);
    if (reg_low(dos, CPU_EAX) > 1)
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    if (entry < 0)
        return dos_fail(dos, DOS_INVALID_HANDLE);
    if (reg_low(dos, CPU_EAX) == 0) {
        sft_time(dos, entry, &date, &time);
        set_reg16(dos, CPU_EDX, date);
        set_reg16(dos, CPU_ECX, time);
        return dos_ok(dos);
    }
    enum dos_error error = sft_set_time(dos, entry, date, time);
    return error ? dos_fail(dos, error) : dos_ok(dos);
}

/* AH=5Ah: a name of its own in the directory at DS:DX, which ends with '\' and gets it. */
enum dos_next int21_create_temp(struct dos *dos)
{
    enum { TRIES = 4096, NAME_MASK = 0xfff };
    char text[DOS_PATH_BYTES + DOS_NAME_BYTES];
    struct dos_path path;
    int entry, handle = handle_free(dos);
    enum dos_error error = DOS_TOO_MANY_OPEN_FILES;
    if (!guest_string(dos, ds_dx(dos), text, DOS_PATH_BYTES))
        return dos_fail(dos, DOS_PATH_NOT_FOUND);
    size_t length = strlen(text);
    const char *separator = length && text[length - 1] != '\\' && text[length - 1] != '/' && text[length - 1] != ':' ? "\\" : "";
    for (u32 i = 0; handle >= 0 && i < TRIES; i++) {
        snprintf(text + length, sizeof text - length, "%s%04X%04X", separator, (u16)(dos->uses++ & 0xffff), (u16)i);
        error = path_parse(dos, text, &path);
        if (!error)
            error = sft_create(dos, &path, (u8)reg16(dos, CPU_ECX), true, &entry);
        if (error != DOS_FILE_EXISTS)
            break;
    }
    if (error)
        return dos_fail(dos, error);
    guest_write(dos, ds_dx(dos), text, (u32)strlen(text) + 1);
    return to_handle(dos, handle, entry, 0);
}

/* AH=67h: the table moves into a block of its own if it does not fit into the PSP. */
enum dos_next int21_handle_count(struct dos *dos)
{
    u16 psp = current_psp(dos), before = guest_u16(dos, far(psp, PSP_JFT_COUNT)), count = reg16(dos, CPU_EBX);
    far_t table = guest_u32(dos, far(psp, PSP_JFT_POINTER)), now = far(psp, PSP_JFT);
    u8 entries[UINT16_MAX];
    u16 segment, largest;
    count = count < PSP_JFT_ENTRIES ? PSP_JFT_ENTRIES : count;
    memset(entries, 0xff, sizeof entries);
    guest_read(dos, table, entries, MIN(before, count));
    for (u32 handle = count; handle < before; handle++)
        if (sft_of_handle(dos, (u16)handle) >= 0)
            return dos_fail(dos, DOS_TOO_MANY_OPEN_FILES);
    if (count > PSP_JFT_ENTRIES) {
        if (arena_allocate(dos, psp, (u16)((count + 15) / 16), &segment, &largest))
            return dos_fail(dos, DOS_NOT_ENOUGH_MEMORY);
        now = far(segment, 0);
    }
    guest_write(dos, now, entries, count);
    guest_put_u16(dos, far(psp, PSP_JFT_COUNT), count);
    guest_put_u32(dos, far(psp, PSP_JFT_POINTER), now);
    if (table >> 16 != psp && arena_free(dos, (u16)(table >> 16)))
        return dos_fail(dos, DOS_ARENA_TRASHED);
    return dos_ok(dos);
}

enum dos_next int21_commit(struct dos *dos)
{
    int entry = sft_of_handle(dos, reg16(dos, CPU_EBX));
    if (entry < 0)
        return dos_fail(dos, DOS_INVALID_HANDLE);
    enum dos_error error = sft_commit(dos, entry);
    return error ? dos_fail(dos, error) : dos_ok(dos);
}

/* AH=6Ch: BX mode, CX attributes, DL what to do if it is there (0 fail, 1 open, 2 empty) and, in its upper half, if it is not
 * (0 fail, 1 create). CX: what was done. */
enum dos_next int21_extended_open(struct dos *dos)
{
    enum { OPENED = 1, CREATED, REPLACED };
    struct dos_path path;
    u8 action = reg_low(dos, CPU_EDX), there = action & 0xf, missing = action >> 4, mode = reg_low(dos, CPU_EBX);
    u16 attributes = reg16(dos, CPU_ECX), done = OPENED;
    int entry, handle = handle_free(dos);
    if (reg_low(dos, CPU_EAX) || there > 2 || missing > 1)
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    enum dos_error error = path_parse_at(dos, far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI)), &path);
    if (!error && handle < 0)
        error = DOS_TOO_MANY_OPEN_FILES;
    if (error)
        return dos_fail(dos, error);
    error = sft_open(dos, &path, mode, &entry);
    if (!error && there != 1) {
        error = sft_close(dos, entry);
        if (!error)
            error = there == 2 ? sft_create(dos, &path, (u8)attributes, false, &entry) : DOS_FILE_EXISTS;
        done = REPLACED;
    } else if (error == DOS_FILE_NOT_FOUND && missing) {
        error = sft_create(dos, &path, (u8)attributes, true, &entry);
        done = CREATED;
    }
    if (error)
        return dos_fail(dos, error);
    set_reg16(dos, CPU_ECX, done);
    return to_handle(dos, handle, entry, mode);
}

/* AH=5Ch: without SHARE there are no locks. */
enum dos_next int21_lock(struct dos *dos)
{
    return dos_fail(dos, DOS_INVALID_FUNCTION);
}
