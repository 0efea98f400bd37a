/* The built-in DOS in a saved state: what is not in guest memory. Files that were open are opened again. */
#include "dos/dos_impl.h"

#include "base/hash.h"
#include "dos/embedded.h"
#include "machine/state.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRY_BYTES_MIN = DOS_NAME_BYTES + 1 + 2 + 2 + 4, MODE_ACCESS = 7, MODE_WRITE = 1 };

static void drives_fit(const struct dos *dos, struct state *s)
{
    for (u8 drive = 0; drive < DOS_DRIVES; drive++) {
        bool there = drive_volume(dos, drive) != NULL, saved = there;
        state_bool(s, &saved);
        if (!s->failed && saved && !there)
            state_fail(s, "it was saved with a drive %c:, and here there is none", 'A' + drive);
    }
}

static void console_state(struct dos_console *con, struct state *s)
{
    bool *const flags[] = {&con->polled, &con->poll_there, &con->have_scan, &con->have_key, &con->editing, &con->line_done,
                           &con->insert, &con->delivering, &con->in_ended};
    for (u32 i = 0; i < ARRAY_LEN(flags); i++)
        state_bool(s, flags[i]);
    state_u8(s, &con->scan);
    state_u16(s, &con->key);
    state_u8(s, &con->prefix);
    state_u32_in(s, &con->start_column, 0, UINT8_MAX, "the column of a line");
    state_bytes(s, con->line, sizeof con->line);
    state_u32_in(s, &con->length, 0, LINE_BYTES, "the length of a line");
    state_bytes(s, con->template, sizeof con->template);
    state_u32_in(s, &con->template_length, 0, LINE_BYTES, "the length of the line before");
    state_u32_in(s, &con->template_at, 0, LINE_BYTES, "the place in the line before");
    state_u32_in(s, &con->delivered, 0, LINE_BYTES, "what was read of a line");
    state_check(s, con->delivered <= con->length, "what was read of a line is longer than it");
    state_bytes(s, con->in, sizeof con->in);
    state_u32_in(s, &con->in_count, 0, LINE_BYTES, "the input's length");
    state_u32_in(s, &con->in_at, 0, LINE_BYTES, "the place in the input");
    state_check(s, con->in_at <= con->in_count, "the place in the input is behind its end");
}

/* --- open files --- */

static void close_file(struct dos *dos, struct dos_file *file)
{
    struct volume *volume = drive_volume(dos, file->drive);
    if (file->file)
        volume->class->close_file(volume->object, file->file);
    *file = (struct dos_file){.file = NULL};
}

static void open_again(struct dos *dos, int entry, u8 drive, const char *saved, struct state *s)
{
    char text[DOS_PATH_BYTES + 4] = {(char)('A' + drive), ':', '\\'};
    struct dos_path path;
    struct volume_file *file;
    u8 mode = guest_u16(dos, sft_at(entry) + SFT_MODE) & MODE_ACCESS;
    u32 access = mode == 0 ? VOLUME_READ : mode == MODE_WRITE ? VOLUME_WRITE : VOLUME_READ | VOLUME_WRITE;
    strcat(text, saved);
    enum dos_error error = path_parse(dos, text, &path);
    if (!error && (path.device || path.wild))
        error = DOS_FILE_NOT_FOUND;
    struct volume *volume = drive_volume(dos, path.drive);
    if (!error)
        error = volume->class->open(volume->object, path.path, access, &file);
    if (error) {
        state_fail(s, "the file %s was open, and cannot be opened again (DOS error %u)", text, error);
        return;
    }
    dos->file[entry] = (struct dos_file){.file = file, .drive = path.drive};
    strcpy(dos->file[entry].path, path.path);
}

static void file_state(struct dos *dos, int entry, struct state *s)
{
    struct dos_file *file = &dos->file[entry];
    bool open = file->file != NULL;
    u8 drive = file->drive;
    char path[DOS_PATH_BYTES];
    memcpy(path, file->path, sizeof path);
    state_bool(s, &open);
    if (s->loading)
        close_file(dos, file);
    if (!open)
        return;
    state_u8_in(s, &drive, 0, DOS_DRIVES - 1, "the drive of a file");
    state_bytes(s, path, sizeof path);
    state_check(s, memchr(path, 0, sizeof path) != NULL, "the path of a file has no end");
    if (s->loading && !s->failed)
        open_again(dos, entry, drive, path, s);
}

/* --- searches --- */

static void entry_state(struct dos_entry *entry, struct state *s)
{
    state_bytes(s, entry->name, sizeof entry->name);
    state_check(s, memchr(entry->name, 0, sizeof entry->name) != NULL, "a name has no end");
    state_u8(s, &entry->attributes);
    state_u16(s, &entry->date);
    state_u16(s, &entry->time);
    state_u32(s, &entry->bytes);
}

/* Is it what path_parse would have made? */
static void check_directory(struct dos *dos, const struct dos_snapshot *snapshot, struct state *s)
{
    char text[DOS_PATH_BYTES + 4] = {(char)('A' + snapshot->drive), ':', '\\'};
    struct dos_path path;
    state_check(s, memchr(snapshot->directory, 0, sizeof snapshot->directory) != NULL, "the path of a directory has no end");
    if (s->failed || !snapshot->directory[0])
        return;
    strcat(text, snapshot->directory);
    bool same = !path_parse(dos, text, &path) && !path.wild && !path.device && strcmp(path.path, snapshot->directory) == 0;
    state_check(s, same, "the path of a directory is none");
}

static void snapshot_state(struct dos *dos, struct dos_snapshot *snapshot, struct state *s)
{
    u32 count = snapshot->count;
    state_u16(s, &snapshot->id);
    state_u8_in(s, &snapshot->drive, 0, DOS_DRIVES - 1, "the drive of a directory");
    state_bool(s, &snapshot->stale);
    state_bytes(s, snapshot->directory, sizeof snapshot->directory);
    check_directory(dos, snapshot, s);
    state_u64(s, &snapshot->used);
    state_u32(s, &count);
    if (s->loading) {
        state_check(s, count <= state_left(s) / ENTRY_BYTES_MIN, "a directory has more entries than the file");
        snapshot->entry = s->failed || !count ? NULL : calloc(count, sizeof *snapshot->entry);
        snapshot->count = snapshot->entry ? count : 0;
        if (!s->failed && count && !snapshot->entry)
            state_fail(s, "there is no memory for a directory");
    }
    for (u32 i = 0; i < snapshot->count && !s->failed; i++)
        entry_state(&snapshot->entry[i], s);
}

/* The stub is in the guest's memory, and the addresses of its calls are this one's. */
static void same_stub(struct state *s)
{
    u64 hash = hash64(dos_stub, dos_stub_bytes), saved = hash;
    state_u64(s, &saved);
    state_check(s, saved == hash, "it was saved by a huddle with another built-in DOS");
}

void dos_state(void *object, struct state *s)
{
    struct dos *dos = object;
    state_bool(s, &dos->booted);
    if (!dos->booted)
        return; /* the firmware has not come to us yet: any drives will do */
    same_stub(s);
    drives_fit(dos, s);
    console_state(&dos->con, s);
    for (int entry = 0; entry < OPEN_FILES && !s->failed; entry++)
        file_state(dos, entry, s);
    if (s->loading)
        find_forget(dos);
    for (u32 i = 0; i < DIRECTORY_SNAPSHOTS && !s->failed; i++)
        snapshot_state(dos, &dos->snapshot[i], s);
    state_u16(s, &dos->last_snapshot);
    state_u64(s, &dos->uses);
    state_bool(s, &dos->verify);
    state_bool(s, &dos->divided);
    state_u8(s, &dos->allocation);
    state_u16(s, &dos->upper_first);
    state_s32_in(s, &dos->day, 0, INT32_MAX, "the day");
    state_u16(s, &dos->bios_ax);
    state_bool(s, &dos->bios_answered);
    state_u32_in(s, &dos->progress, 0, UINT16_MAX, "the progress of a write");
    mouse_saved(dos, s);
    xms_state(dos, s);
    ems_state(dos, s);
}
