/* Files by file control block, as programs of DOS 1 use them: INT 21h AH=0Fh-17h, 21h-24h, 27h-29h. MS-DOS Programmer's
 * Reference, "File control blocks". */
#include "dos/dos_impl.h"

#include <string.h>

enum {
    EXTENDED_MARK = 0xff,
    EXTENDED_BYTES = 7, /* in front of the block: mark, five bytes, attributes */
    RECORD_BYTES = 128,
    RECORDS_PER_BLOCK = 128,
    FAILED = 0xff,
    /* What reading and writing answer in AL. */
    ANSWER_OK = 0,
    ANSWER_END = 1, /* nothing read; disk full */
    ANSWER_WRAP = 2,
    ANSWER_PART = 3,
};

struct __attribute__((packed)) fcb {
    u8 drive; /* 0 = current, 1 = A: */
    u8 name[11];
    u16 block, record_bytes;
    u32 file_bytes;
    u16 date, time;
    u8 entry; /* ours: of the system file table, + 1; searches: */
    u8 search_attributes;
    u16 index, snapshot;
    u8 reserved[2];
    u8 record;
    u32 random;
};
_Static_assert(sizeof(struct fcb) == 37, "as DOS lays it out");

struct open_fcb {
    far_t at;
    bool extended;
    u8 attributes;
    struct fcb fcb;
};

static struct open_fcb get_fcb(struct dos *dos)
{
    struct open_fcb o = {.at = ds_dx(dos)};
    if (guest_u8(dos, o.at) == EXTENDED_MARK) {
        o.extended = true;
        o.attributes = guest_u8(dos, o.at + EXTENDED_BYTES - 1);
        o.at += EXTENDED_BYTES;
    }
    guest_read(dos, o.at, &o.fcb, sizeof o.fcb);
    return o;
}

static void put_fcb(struct dos *dos, const struct open_fcb *o)
{
    guest_write(dos, o->at, &o->fcb, sizeof o->fcb);
}

static enum dos_next answer(struct dos *dos, u8 al)
{
    set_low(dos, CPU_EAX, al);
    return DOS_RETURN;
}

static enum dos_next failed(struct dos *dos, enum dos_error error)
{
    return dos_fail_fcb(dos, error);
}

/* The file in the current directory of the block's drive. */
static enum dos_error path_of(struct dos *dos, u8 number, const u8 name[11], struct dos_path *path)
{
    char text[DOS_NAME_BYTES + 2] = {0};
    u8 drive = number ? number - 1 : current_drive(dos);
    if (!drive_volume(dos, drive))
        return DOS_INVALID_DRIVE;
    text[0] = (char)('A' + drive);
    text[1] = ':';
    fcb_to_name(name, text + 2);
    return path_parse(dos, text, path);
}

/* --- open, create, close --- */

static enum dos_next opened(struct dos *dos, struct open_fcb *o, const struct dos_path *path, int entry)
{
    far_t sft = sft_at(entry);
    guest_put_u16(dos, sft + SFT_MODE, guest_u16(dos, sft + SFT_MODE) | SFT_MODE_FCB);
    o->fcb.drive = path->drive + 1;
    o->fcb.block = 0;
    o->fcb.record_bytes = RECORD_BYTES;
    o->fcb.file_bytes = guest_u32(dos, sft + SFT_SIZE);
    o->fcb.date = guest_u16(dos, sft + SFT_DATE);
    o->fcb.time = guest_u16(dos, sft + SFT_TIME);
    o->fcb.entry = (u8)(entry + 1);
    put_fcb(dos, o);
    return answer(dos, ANSWER_OK);
}

static enum dos_next fcb_open(struct dos *dos)
{
    struct open_fcb o = get_fcb(dos);
    struct dos_path path;
    int entry;
    enum dos_error error = path_of(dos, o.fcb.drive, o.fcb.name, &path);
    if (error)
        return failed(dos, error);
    error = sft_open(dos, &path, 2, &entry);
    if (error == DOS_ACCESS_DENIED)
        error = sft_open(dos, &path, 0, &entry); /* read-only */
    return error ? failed(dos, error) : opened(dos, &o, &path, entry);
}

static enum dos_next fcb_create(struct dos *dos)
{
    struct open_fcb o = get_fcb(dos);
    struct dos_path path;
    int entry;
    enum dos_error error = path_of(dos, o.fcb.drive, o.fcb.name, &path);
    if (!error)
        error = sft_create(dos, &path, o.attributes, false, &entry);
    return error ? failed(dos, error) : opened(dos, &o, &path, entry);
}

static int entry_of(const struct dos *dos, const struct open_fcb *o)
{
    int entry = o->fcb.entry - 1;
    if (entry < 0 || entry >= SFT_ENTRIES || !(guest_u16(dos, sft_at(entry) + SFT_MODE) & SFT_MODE_FCB) ||
        !guest_u16(dos, sft_at(entry) + SFT_REFERENCES))
        return -1;
    return entry;
}

static enum dos_next fcb_close(struct dos *dos)
{
    struct open_fcb o = get_fcb(dos);
    int entry = entry_of(dos, &o);
    if (entry < 0)
        return failed(dos, DOS_FILE_NOT_FOUND);
    enum dos_error error = sft_close(dos, entry);
    o.fcb.entry = 0;
    put_fcb(dos, &o);
    return error ? failed(dos, error) : answer(dos, ANSWER_OK);
}

/* --- records --- */

static u32 record_number(const struct fcb *fcb)
{
    return (u32)fcb->block * RECORDS_PER_BLOCK + fcb->record;
}

static void set_record(struct fcb *fcb, u32 number)
{
    fcb->block = (u16)(number / RECORDS_PER_BLOCK);
    fcb->record = (u8)(number % RECORDS_PER_BLOCK);
}

/* `count` records from number `first` on, to or from the DTA; *moved records, a part of one too. *error: what a handler of INT 24h is
 * asked about. */
static u8 transfer(struct dos *dos, struct open_fcb *o, u32 first, u32 count, bool write, u32 *moved, enum dos_error *error)
{
    int entry = entry_of(dos, o);
    u32 size = o->fcb.record_bytes ? o->fcb.record_bytes : RECORD_BYTES, done = 0;
    far_t dta = guest_u32(dos, in_dos(SDA + SDA_DTA));
    *moved = 0;
    *error = DOS_OK;
    if (entry < 0)
        return ANSWER_END;
    if ((u64)size * count + (dta & 0xffff) > 0x10000)
        return ANSWER_WRAP;
    u64 position = (u64)first * size;
    if (position > UINT32_MAX)
        return ANSWER_END;
    *error = write ? sft_write_at(dos, entry, (u32)position, dta, size * count, &done) :
                     sft_read_at(dos, entry, (u32)position, dta, size * count, &done);
    o->fcb.file_bytes = sft_size(dos, entry);
    *moved = (done + size - 1) / size;
    if (*error || (write && done < size * count))
        return ANSWER_END;
    if (done == size * count)
        return ANSWER_OK;
    if (done % size)
        guest_fill(dos, dta + done, 0, size - done % size);
    return done % size ? ANSWER_PART : ANSWER_END;
}

static enum dos_next moved_or_failed(struct dos *dos, u8 al, enum dos_error error)
{
    return error ? dos_fail_fcb(dos, error) : answer(dos, al);
}

static enum dos_next sequential(struct dos *dos, bool write)
{
    struct open_fcb o = get_fcb(dos);
    u32 moved, number = record_number(&o.fcb);
    enum dos_error error;
    u8 al = transfer(dos, &o, number, 1, write, &moved, &error);
    if (moved)
        set_record(&o.fcb, number + 1);
    put_fcb(dos, &o);
    return moved_or_failed(dos, al, error);
}

static enum dos_next random_record(struct dos *dos, bool write)
{
    struct open_fcb o = get_fcb(dos);
    u32 moved;
    enum dos_error error;
    set_record(&o.fcb, o.fcb.random);
    u8 al = transfer(dos, &o, o.fcb.random, 1, write, &moved, &error);
    put_fcb(dos, &o);
    return moved_or_failed(dos, al, error);
}

/* CX records; writing none sets the file's size. */
static enum dos_next random_block(struct dos *dos, bool write)
{
    struct open_fcb o = get_fcb(dos);
    u16 count = reg16(dos, CPU_ECX);
    u32 moved = 0, size = o.fcb.record_bytes ? o.fcb.record_bytes : RECORD_BYTES;
    u8 al = ANSWER_OK;
    enum dos_error error = DOS_OK;
    if (write && !count) {
        int entry = entry_of(dos, &o);
        u64 bytes = (u64)o.fcb.random * size;
        if (entry < 0 || bytes > UINT32_MAX || sft_set_size(dos, entry, (u32)bytes))
            al = ANSWER_END;
        else
            o.fcb.file_bytes = (u32)bytes;
    } else if (count) {
        al = transfer(dos, &o, o.fcb.random, count, write, &moved, &error);
    }
    if (error && !moved)
        return moved_or_failed(dos, al, error);
    o.fcb.random += moved;
    set_record(&o.fcb, o.fcb.random);
    put_fcb(dos, &o);
    set_reg16(dos, CPU_ECX, (u16)moved);
    return answer(dos, al);
}

static enum dos_next file_size(struct dos *dos)
{
    struct open_fcb o = get_fcb(dos);
    struct dos_path path;
    struct dos_entry entry;
    enum dos_error error = path_of(dos, o.fcb.drive, o.fcb.name, &path);
    if (!error && (path.wild || path.device))
        error = DOS_FILE_NOT_FOUND;
    if (!error) {
        struct volume *volume = drive_volume(dos, path.drive);
        error = volume->class->find(volume->object, path.path, &entry);
    }
    if (error)
        return failed(dos, error);
    u32 size = o.fcb.record_bytes ? o.fcb.record_bytes : RECORD_BYTES;
    o.fcb.random = entry.bytes / size + (entry.bytes % size ? 1 : 0);
    put_fcb(dos, &o);
    return answer(dos, ANSWER_OK);
}

static enum dos_next set_random(struct dos *dos)
{
    struct open_fcb o = get_fcb(dos);
    o.fcb.random = record_number(&o.fcb);
    put_fcb(dos, &o);
    return DOS_RETURN;
}

/* --- searching, deleting, renaming --- */

/* What is found goes to the DTA as a block of the same kind, with the directory entry behind the drive. */
static void tell(struct dos *dos, const struct open_fcb *o, const struct dos_entry *entry)
{
    struct __attribute__((packed)) {
        u8 drive, name[11], attributes, reserved[10];
        u16 time, date, cluster;
        u32 bytes;
    } found = {.drive = o->fcb.drive, .attributes = entry->attributes, .time = entry->time, .date = entry->date,
               .bytes = entry->bytes};
    far_t dta = guest_u32(dos, in_dos(SDA + SDA_DTA));
    name_to_fcb(entry->name, found.name);
    if (o->extended) {
        u8 head[EXTENDED_BYTES] = {EXTENDED_MARK, [EXTENDED_BYTES - 1] = entry->attributes};
        guest_write(dos, dta, head, sizeof head);
        dta += EXTENDED_BYTES;
    }
    guest_write(dos, dta, &found, sizeof found);
}

static enum dos_next search(struct dos *dos, bool first)
{
    struct open_fcb o = get_fcb(dos);
    struct dos_entry entry;
    char directory[DOS_PATH_BYTES];
    int drive = drive_of_number(dos, o.fcb.drive);
    if (drive < 0)
        return failed(dos, DOS_INVALID_DRIVE);
    if (first) {
        o.fcb.drive = (u8)(drive + 1);
        o.fcb.search_attributes = o.attributes;
        o.fcb.index = o.fcb.snapshot = 0;
    }
    current_directory(dos, (u8)drive, directory);
    u16 index = o.fcb.index, snapshot = o.fcb.snapshot;
    u8 pattern[11];
    for (u32 i = 0; i < sizeof pattern; i++)
        pattern[i] = dos_upper(o.fcb.name[i]);
    enum dos_error error = find_entry(dos, (u8)drive, directory, &snapshot, pattern, o.fcb.search_attributes, &index, &entry);
    if (error)
        return failed(dos, error);
    o.fcb.index = index;
    o.fcb.snapshot = snapshot;
    put_fcb(dos, &o);
    tell(dos, &o, &entry);
    return answer(dos, ANSWER_OK);
}

/* The name that replaces `from` under `to`'s question marks. */
static void merge_name(const u8 to[11], const u8 from[11], u8 out[11])
{
    for (u32 i = 0; i < 11; i++)
        out[i] = to[i] == '?' ? from[i] : to[i];
}

/* Every file that matches is removed, or renamed to `to`. */
static enum dos_next for_all(struct dos *dos, const u8 *to)
{
    struct open_fcb o = get_fcb(dos);
    struct dos_entry entry;
    char directory[DOS_PATH_BYTES];
    u16 index = 0, snapshot = 0;
    bool any = false;
    int drive = drive_of_number(dos, o.fcb.drive);
    if (drive < 0)
        return failed(dos, DOS_INVALID_DRIVE);
    current_directory(dos, (u8)drive, directory);
    while (find_entry(dos, (u8)drive, directory, &snapshot, o.fcb.name, o.attributes, &index, &entry) == DOS_OK) {
        struct dos_path path, target;
        u8 name[11], new_name[11];
        if (entry.attributes & DOS_ATTR_LABEL && o.attributes != DOS_ATTR_LABEL)
            continue; /* no file's entry */
        struct volume *volume = drive_volume(dos, (u8)drive);
        name_to_fcb(entry.name, name);
        enum dos_error error = path_of(dos, (u8)(drive + 1), name, &path);
        if (!error && to) {
            merge_name(to, name, new_name);
            error = path_of(dos, (u8)(drive + 1), new_name, &target);
            if (!error && target.wild)
                error = DOS_FILE_NOT_FOUND;
        }
        if (!error)
            error = to ? volume->class->rename(volume->object, path.path, target.path) :
                         volume->class->remove(volume->object, path.path);
        if (error)
            return failed(dos, error);
        find_removed(dos, (u8)drive);
        any = true;
    }
    return any ? answer(dos, ANSWER_OK) : failed(dos, DOS_FILE_NOT_FOUND);
}

static enum dos_next fcb_rename(struct dos *dos)
{
    enum { NEW_NAME_AT = 0x11 };
    struct open_fcb o = get_fcb(dos);
    u8 to[11];
    guest_read(dos, o.at + NEW_NAME_AT, to, sizeof to);
    return for_all(dos, to);
}

/* --- parsing a name: AH=29h --- */

enum parse_option { PARSE_SKIP_SEPARATORS = 1, PARSE_KEEP_DRIVE = 2, PARSE_KEEP_NAME = 4, PARSE_KEEP_EXTENSION = 8 };

static bool separates(u8 c)
{
    return c && strchr(":.;,=+\t ", c);
}

static bool ends_name(u8 c)
{
    return c <= ' ' || strchr(":.;,=+/\\\"[]<>|", c);
}

/* Up to `room` characters of a name; returns how many of the text it took. */
static u32 parse_part(const char *text, u8 *part, u32 room, bool keep, bool *wild)
{
    u32 i = 0, n = 0;
    if (ends_name((u8)text[0]) && keep)
        return 0;
    memset(part, ' ', room);
    for (; !ends_name((u8)text[i]); i++) {
        if (text[i] == '*') {
            while (n < room)
                part[n++] = '?';
            *wild = true;
        } else if (n < room) {
            part[n++] = dos_upper((u8)text[i]);
            *wild |= text[i] == '?';
        }
    }
    return i;
}

static enum dos_next parse(struct dos *dos)
{
    enum { TEXT_BYTES = 128, NO_WILDCARD = 0, WILDCARD = 1 };
    char text[TEXT_BYTES];
    u8 options = reg_low(dos, CPU_EAX), head[12];
    far_t at = far(sreg(dos, CPU_ES), reg16(dos, CPU_EDI));
    u32 i = 0;
    bool wild = false, bad_drive = false;
    guest_read(dos, far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI)), text, sizeof text);
    text[sizeof text - 1] = 0;
    guest_read(dos, at, head, sizeof head);
    while (options & PARSE_SKIP_SEPARATORS ? separates((u8)text[i]) : text[i] == ' ' || text[i] == '\t')
        i++;
    if (text[i] && text[i + 1] == ':') {
        head[0] = (u8)(dos_upper((u8)text[i]) - 'A' + 1);
        bad_drive = !drive_volume(dos, (u8)(head[0] - 1));
        i += 2;
    } else if (!(options & PARSE_KEEP_DRIVE)) {
        head[0] = 0;
    }
    i += parse_part(text + i, head + 1, 8, options & PARSE_KEEP_NAME, &wild);
    bool extension = text[i] == '.';
    i += extension;
    if (extension)
        i += parse_part(text + i, head + 9, 3, false, &wild);
    else if (!(options & PARSE_KEEP_EXTENSION))
        memset(head + 9, ' ', 3);
    guest_write(dos, at, head, sizeof head);
    set_reg16(dos, CPU_ESI, (u16)(reg16(dos, CPU_ESI) + i));
    return answer(dos, bad_drive ? FAILED : wild ? WILDCARD : NO_WILDCARD);
}

enum dos_next int21_fcb(struct dos *dos)
{
    switch (reg_high(dos, CPU_EAX)) {
    case 0x0f:
        return fcb_open(dos);
    case 0x10:
        return fcb_close(dos);
    case 0x11:
        return search(dos, true);
    case 0x12:
        return search(dos, false);
    case 0x13:
        return for_all(dos, NULL);
    case 0x14:
        return sequential(dos, false);
    case 0x15:
        return sequential(dos, true);
    case 0x16:
        return fcb_create(dos);
    case 0x17:
        return fcb_rename(dos);
    case 0x21:
        return random_record(dos, false);
    case 0x22:
        return random_record(dos, true);
    case 0x23:
        return file_size(dos);
    case 0x24:
        return set_random(dos);
    case 0x27:
        return random_block(dos, false);
    case 0x28:
        return random_block(dos, true);
    default:
        return parse(dos);
    }
}
