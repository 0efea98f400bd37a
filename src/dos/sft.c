/* The system file table: what is open, with position and size where programs look for them; and the handles of programs. */
#include "dos/dos_impl.h"

#include <string.h>

enum { CLOSED = 0xff, MODE_ACCESS = 3, MODE_READ = 0, MODE_WRITE = 1, MODE_BOTH = 2, BOUNCE_BYTES = 32 * KIB };

far_t sft_at(int entry)
{
    return in_dos((u16)(SFT + SFT_HEADER_BYTES + entry * SFT_BYTES));
}

/* --- handles --- */

static far_t jft_at(const struct dos *dos, u16 psp, u16 handle)
{
    far_t table = guest_u32(dos, far(psp, PSP_JFT_POINTER));
    return far((u16)(table >> 16), (u16)(table + handle));
}

static u16 jft_count(const struct dos *dos, u16 psp)
{
    return guest_u16(dos, far(psp, PSP_JFT_COUNT));
}

static int entry_of(const struct dos *dos, u16 psp, u16 handle)
{
    if (handle >= jft_count(dos, psp))
        return -1;
    u8 entry = guest_u8(dos, jft_at(dos, psp, handle));
    return entry < SFT_ENTRIES && guest_u16(dos, sft_at(entry) + SFT_REFERENCES) ? entry : -1;
}

int sft_of_handle(const struct dos *dos, u16 handle)
{
    return entry_of(dos, current_psp(dos), handle);
}

int handle_free(const struct dos *dos)
{
    u16 psp = current_psp(dos), count = jft_count(dos, psp);
    for (u32 handle = 0; handle < count; handle++)
        if (guest_u8(dos, jft_at(dos, psp, (u16)handle)) == CLOSED)
            return (int)handle;
    return -1;
}

void handle_set(struct dos *dos, u16 handle, u8 entry)
{
    guest_put_u8(dos, jft_at(dos, current_psp(dos), handle), entry);
}

void files_close_all(struct dos *dos, u16 psp)
{
    u16 count = jft_count(dos, psp);
    for (u32 handle = 0; handle < count; handle++) {
        int entry = entry_of(dos, psp, (u16)handle);
        if (entry < 0)
            continue;
        enum dos_error error = sft_close(dos, entry);
        (void)error; /* nobody is left who could be told */
        guest_put_u8(dos, jft_at(dos, psp, (u16)handle), CLOSED);
    }
    for (int entry = 0; entry < SFT_ENTRIES; entry++) { /* opened by FCB */
        far_t sft = sft_at(entry);
        if (!guest_u16(dos, sft + SFT_REFERENCES) || !(guest_u16(dos, sft + SFT_MODE) & SFT_MODE_FCB) ||
            guest_u16(dos, sft + SFT_OWNER) != psp)
            continue;
        enum dos_error error = sft_close(dos, entry);
        (void)error;
    }
}

/* --- entries --- */

bool sft_is_device(const struct dos *dos, int entry)
{
    return guest_u16(dos, sft_at(entry) + SFT_INFO) & INFO_DEVICE;
}

/* What is still open in a free entry, its program has forgotten by writing to the table. */
static int entry_free(struct dos *dos)
{
    for (int i = 0; i < SFT_ENTRIES; i++) {
        struct dos_file *file = &dos->file[i];
        if (guest_u16(dos, sft_at(i) + SFT_REFERENCES))
            continue;
        if (file->file) {
            struct volume *volume = drive_volume(dos, file->drive);
            volume->class->close_file(volume->object, file->file);
            *file = (struct dos_file){.file = NULL};
        }
        return i;
    }
    return -1;
}

static void describe(struct dos *dos, int entry, u16 mode, u16 info, const char *name)
{
    u8 sft[SFT_BYTES] = {1, 0, (u8)mode, (u8)(mode >> 8), 0, (u8)info, (u8)(info >> 8)};
    u16 date, time, psp = current_psp(dos);
    time_stamp(dos, &date, &time);
    memcpy(sft + SFT_TIME, &time, sizeof time);
    memcpy(sft + SFT_DATE, &date, sizeof date);
    name_to_fcb(name, sft + SFT_NAME);
    memcpy(sft + SFT_OWNER, &psp, sizeof psp);
    guest_write(dos, sft_at(entry), sft, sizeof sft);
}

static void open_device(struct dos *dos, int entry, const char *name, u8 mode)
{
    int device = device_of_name(dos, name);
    describe(dos, entry, mode, device_info(device), name);
    guest_put_u32(dos, sft_at(entry) + SFT_DEVICE, device_header(dos, device));
}

static struct volume *volume_of(struct dos *dos, int entry)
{
    dos->error_drive = dos->file[entry].drive;
    return drive_volume(dos, dos->file[entry].drive);
}

/* Size and time, after they may have changed. */
static void refresh(struct dos *dos, int entry)
{
    struct volume *volume = volume_of(dos, entry);
    struct dos_entry now;
    if (volume->class->stat_file(volume->object, dos->file[entry].file, &now))
        return;
    guest_put_u32(dos, sft_at(entry) + SFT_SIZE, now.bytes);
    guest_put_u8(dos, sft_at(entry) + SFT_ATTRIBUTES, now.attributes);
}

static void opened(struct dos *dos, int entry, const struct dos_path *path, u8 mode, struct volume_file *file)
{
    struct volume *volume = drive_volume(dos, path->drive);
    struct dos_entry now;
    dos->file[entry] = (struct dos_file){.file = file, .drive = path->drive};
    strcpy(dos->file[entry].path, path->path);
    describe(dos, entry, mode, path->drive | INFO_NOT_EOF, path_name(path));
    refresh(dos, entry);
    if (volume->class->stat_file(volume->object, file, &now))
        return;
    guest_put_u16(dos, sft_at(entry) + SFT_TIME, now.time);
    guest_put_u16(dos, sft_at(entry) + SFT_DATE, now.date);
}

enum dos_error sft_open(struct dos *dos, const struct dos_path *path, u8 mode, int *entry)
{
    static const u8 access[] = {[MODE_READ] = VOLUME_READ, [MODE_WRITE] = VOLUME_WRITE, [MODE_BOTH] = VOLUME_READ | VOLUME_WRITE};
    struct volume_file *file;
    *entry = entry_free(dos);
    if (*entry < 0)
        return DOS_TOO_MANY_OPEN_FILES;
    if ((mode & 7) > MODE_BOTH)
        return DOS_INVALID_ACCESS;
    if (path->device) {
        open_device(dos, *entry, path->path, mode);
        return DOS_OK;
    }
    if (path->wild)
        return DOS_FILE_NOT_FOUND;
    struct volume *volume = drive_volume(dos, path->drive);
    enum dos_error error = volume->class->open(volume->object, path->path, access[mode & 7], &file);
    if (!error)
        opened(dos, *entry, path, mode, file);
    return error;
}

enum dos_error sft_create(struct dos *dos, const struct dos_path *path, u8 attributes, bool fresh, int *entry)
{
    struct volume_file *file;
    *entry = entry_free(dos);
    if (*entry < 0)
        return DOS_TOO_MANY_OPEN_FILES;
    if (path->device) {
        open_device(dos, *entry, path->path, MODE_BOTH);
        return fresh ? DOS_FILE_EXISTS : DOS_OK;
    }
    if (path->wild || !path->path[0] || attributes & (DOS_ATTR_DIRECTORY | DOS_ATTR_LABEL))
        return path->wild ? DOS_FILE_NOT_FOUND : DOS_ACCESS_DENIED;
    struct volume *volume = drive_volume(dos, path->drive);
    enum dos_error error = volume->class->create(volume->object, path->path, attributes, fresh, &file);
    if (!error)
        opened(dos, *entry, path, MODE_BOTH, file);
    return error;
}

/* A file that was written gets the guest's time, or the one that the program has set. */
static enum dos_error stamp(struct dos *dos, int entry, const struct volume *volume)
{
    u16 info = guest_u16(dos, sft_at(entry) + SFT_INFO), date, time;
    if ((info & INFO_NOT_EOF) && !(info & INFO_NO_TIME))
        return DOS_OK;
    sft_time(dos, entry, &date, &time);
    return volume->class->set_time(volume->object, dos->file[entry].file, date, time);
}

enum dos_error sft_close(struct dos *dos, int entry)
{
    u16 references = guest_u16(dos, sft_at(entry) + SFT_REFERENCES);
    struct dos_file *file = &dos->file[entry];
    enum dos_error error = DOS_OK;
    if (references > 1) {
        guest_put_u16(dos, sft_at(entry) + SFT_REFERENCES, references - 1);
        return DOS_OK;
    }
    if (file->file) {
        struct volume *volume = volume_of(dos, entry);
        error = stamp(dos, entry, volume);
        volume->class->close_file(volume->object, file->file);
        *file = (struct dos_file){.file = NULL};
    }
    guest_put_u16(dos, sft_at(entry) + SFT_REFERENCES, 0);
    return error;
}

/* --- what files hold --- */

static bool allows(const struct dos *dos, int entry, u8 forbidden)
{
    return (guest_u16(dos, sft_at(entry) + SFT_MODE) & MODE_ACCESS) != forbidden && dos->file[entry].file;
}

enum dos_error sft_read_byte(struct dos *dos, int entry, u32 position, u8 *c, u32 *done)
{
    if (!allows(dos, entry, MODE_WRITE))
        return DOS_ACCESS_DENIED;
    struct volume *volume = volume_of(dos, entry);
    return volume->class->read(volume->object, dos->file[entry].file, position, c, 1, done);
}

enum dos_error sft_read_at(struct dos *dos, int entry, u32 position, far_t to, u32 bytes, u32 *done)
{
    u8 part[BOUNCE_BYTES];
    *done = 0;
    if (!allows(dos, entry, MODE_WRITE))
        return DOS_ACCESS_DENIED;
    struct volume *volume = volume_of(dos, entry);
    while (*done < bytes) {
        u32 wanted = MIN(bytes - *done, (u32)sizeof part), got = 0;
        if (position + *done < position)
            break;
        enum dos_error error = volume->class->read(volume->object, dos->file[entry].file, position + *done, part, wanted, &got);
        if (error)
            return *done ? DOS_OK : error;
        guest_write(dos, far_add(to, *done), part, got);
        *done += got;
        if (got < wanted)
            break;
    }
    return DOS_OK;
}

static enum dos_error write_part(struct dos *dos, int entry, u32 position, const u8 *part, u32 bytes, u32 *done)
{
    struct volume *volume = volume_of(dos, entry);
    return volume->class->write(volume->object, dos->file[entry].file, position, part, bytes, done);
}

static void note_written(struct dos *dos, int entry, u32 end)
{
    far_t info = sft_at(entry) + SFT_INFO, size = sft_at(entry) + SFT_SIZE;
    guest_put_u16(dos, info, guest_u16(dos, info) & (u16)~INFO_NOT_EOF);
    if (end > guest_u32(dos, size))
        guest_put_u32(dos, size, end);
}

enum dos_error sft_write_at(struct dos *dos, int entry, u32 position, far_t from, u32 bytes, u32 *done)
{
    u8 part[BOUNCE_BYTES];
    enum dos_error error = DOS_OK;
    *done = 0;
    if (!allows(dos, entry, MODE_READ))
        return DOS_ACCESS_DENIED;
    while (*done < bytes) {
        u32 wanted = MIN(bytes - *done, (u32)sizeof part), put = 0;
        if (position + *done < position)
            break;
        guest_read(dos, far_add(from, *done), part, wanted);
        error = write_part(dos, entry, position + *done, part, wanted, &put);
        *done += put;
        if (error || put < wanted)
            break;
    }
    if (*done)
        note_written(dos, entry, position + *done);
    return *done ? DOS_OK : error;
}

enum dos_error sft_write_bytes(struct dos *dos, int entry, u32 position, const u8 *text, u32 bytes, u32 *done)
{
    *done = 0;
    if (!allows(dos, entry, MODE_READ))
        return DOS_ACCESS_DENIED;
    if (position + bytes < position)
        return DOS_OK;
    enum dos_error error = write_part(dos, entry, position, text, bytes, done);
    if (*done)
        note_written(dos, entry, position + *done);
    return error;
}

enum dos_error sft_set_size(struct dos *dos, int entry, u32 bytes)
{
    if (!allows(dos, entry, MODE_READ))
        return DOS_ACCESS_DENIED;
    struct volume *volume = volume_of(dos, entry);
    enum dos_error error = volume->class->set_size(volume->object, dos->file[entry].file, bytes);
    refresh(dos, entry);
    return error;
}

u32 sft_size(struct dos *dos, int entry)
{
    if (dos->file[entry].file)
        refresh(dos, entry); /* another handle, or the host, may have changed it */
    return guest_u32(dos, sft_at(entry) + SFT_SIZE);
}

void sft_time(struct dos *dos, int entry, u16 *date, u16 *time)
{
    if (sft_is_device(dos, entry)) {
        time_stamp(dos, date, time);
        return;
    }
    *date = guest_u16(dos, sft_at(entry) + SFT_DATE);
    *time = guest_u16(dos, sft_at(entry) + SFT_TIME);
    bool written = !(guest_u16(dos, sft_at(entry) + SFT_INFO) & (INFO_NOT_EOF | INFO_NO_TIME));
    if (written)
        time_stamp(dos, date, time);
}

enum dos_error sft_set_time(struct dos *dos, int entry, u16 date, u16 time)
{
    if (sft_is_device(dos, entry))
        return DOS_OK;
    far_t info = sft_at(entry) + SFT_INFO;
    guest_put_u16(dos, info, guest_u16(dos, info) | INFO_NO_TIME);
    guest_put_u16(dos, sft_at(entry) + SFT_DATE, date);
    guest_put_u16(dos, sft_at(entry) + SFT_TIME, time);
    return DOS_OK;
}

enum dos_error sft_commit(struct dos *dos, int entry)
{
    if (!dos->file[entry].file)
        return DOS_OK;
    struct volume *volume = volume_of(dos, entry);
    return volume->class->commit(volume->object, dos->file[entry].file);
}

/* --- the beginning --- */

void files_boot(struct dos *dos)
{
    static const u8 first[] = {DEVICE_CON, DEVICE_AUX, DEVICE_PRN};
    u16 references = 3; /* CON: standard input, output and error */
    guest_fill(dos, in_dos(SFT), 0, SFT_HEADER_BYTES + SFT_ENTRIES * SFT_BYTES);
    guest_put_u32(dos, in_dos(SFT), 0xffffffffu); /* the only table */
    guest_put_u16(dos, in_dos(SFT + 4), SFT_ENTRIES);
    guest_put_u32(dos, in_dos(LOL + LOL_SFT), in_dos(SFT));
    guest_put_u32(dos, in_dos(LOL + LOL_FCBS), 0xffffffffu);
    for (u32 i = 0; i < ARRAY_LEN(first); i++) {
        open_device(dos, (int)i, device_name(first[i]), MODE_BOTH);
        guest_put_u16(dos, sft_at((int)i) + SFT_REFERENCES, references);
        references = 1;
    }
}
