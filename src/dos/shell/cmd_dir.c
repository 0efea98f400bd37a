/* DIR.
 *
 *     DIR [path] [/P] [/W] [/A[[:]attributes]] [/O[[:]order]] [/S] [/B] [/L]
 *
 * and the same switches in the variable DIRCMD; "-" before a letter there turns one off here ("/-W"). Sorted
 * entries are kept in a block of DOS's memory: if they do not all fit, what fits is sorted, and shown, and
 * then the rest. */
#include "shell.h"
#include "text.h"

enum {
    WIDE_COLUMNS = 5,
    WIDE_WIDTH = 16,
    BIOS_ROWS = 0x484, /* rows of the screen less one */
    FIND_ALL = ATTR_READ_ONLY | ATTR_HIDDEN | ATTR_SYSTEM | ATTR_DIRECTORY,
    ORDER_KEYS = 6,
};

struct entry { /* as kept for sorting */
    char name[NAME_BYTES];
    u8 attributes;
    u16 time, date;
    u32 bytes;
    u16 index; /* as DOS found it: what is equal stays in that order */
};

struct dir {
    u32 switches;            /* SWITCH() */
    u8 must_have, must_lack; /* attributes */
    char order[ORDER_KEYS];  /* letters, lower case for reverse; "": as DOS finds them */
    struct country country;
    u8 rows, row, column;
    u16 capacity, kept; /* entries in shell.buffer_segment */
    u32 files, bytes;   /* of this directory */
    u32 all_files, all_bytes;
    char path[PATH_BYTES]; /* of the directory */
    char pattern[NAME_BYTES];
};

static void new_line(struct dir *dir)
{
    out("\n");
    dir->column = 0;
    if (!(dir->switches & SWITCH('P')) || ++dir->row < dir->rows)
        return;
    dir->row = 0;
    out("Press any key to continue . . .");
    (void)key_read();
    out("\n");
}

static void name_show(const struct dir *dir, const char *name, u16 width)
{
    char shown[PATH_BYTES];
    text_copy(shown, sizeof(shown), name);
    if (dir->switches & SWITCH('L')) {
        for (char *c = shown; *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c;
    }
    out("%s", shown);
    for (u16 n = text_length(shown); n < width; n++)
        out_char(' ');
}

static void entry_bare(struct dir *dir, const struct entry *entry)
{
    if (text_same(entry->name, ".") || text_same(entry->name, ".."))
        return;
    if (dir->switches & SWITCH('S')) {
        name_show(dir, dir->path, 0);
        if (dir->path[3])
            out_char('\\');
    }
    name_show(dir, entry->name, 0);
    new_line(dir);
}

static void entry_wide(struct dir *dir, const struct entry *entry)
{
    bool directory = entry->attributes & ATTR_DIRECTORY;
    u16 width = text_length(entry->name) + 2 * directory;
    if (directory)
        out_char('[');
    name_show(dir, entry->name, 0);
    if (directory)
        out_char(']');
    if (++dir->column == WIDE_COLUMNS) {
        new_line(dir);
        return;
    }
    for (; width < WIDE_WIDTH; width++)
        out_char(' ');
}

static void entry_line(struct dir *dir, const struct entry *entry)
{
    char name[NAME_BYTES];
    text_copy(name, sizeof(name), entry->name);
    char *dot = name[0] == '.' ? NULL : text_last(name, '.');
    if (dot)
        *dot = 0;
    name_show(dir, name, 9);
    name_show(dir, dot ? dot + 1 : "", 3);
    if (entry->attributes & ATTR_DIRECTORY)
        out(" <DIR>     ");
    else
        out("%10u ", entry->bytes);
    if (entry->date) {
        date_show(&dir->country, (entry->date >> 9) + 1980, entry->date >> 5 & 15, entry->date & 31, false);
        out("  ");
        time_show(&dir->country, entry->time >> 11, entry->time >> 5 & 63);
    }
    new_line(dir);
}

static void entry_show(struct dir *dir, const struct entry *entry)
{
    if (dir->switches & SWITCH('B'))
        entry_bare(dir, entry);
    else if (dir->switches & SWITCH('W'))
        entry_wide(dir, entry);
    else
        entry_line(dir, entry);
}

static s32 compare_text(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (s32)(u8)*a - (s32)(u8)*b;
}

static const char *extension(const char *name)
{
    const char *dot = name[0] == '.' ? NULL : text_last(name, '.');
    return dot ? dot + 1 : "";
}

static s32 compare_number(u32 a, u32 b)
{
    return a < b ? -1 : a > b;
}

static s32 compare_key(const struct entry *a, const struct entry *b, char key)
{
    switch (key) {
    case 'N':
        return compare_text(a->name, b->name);
    case 'E':
        return compare_text(extension(a->name), extension(b->name));
    case 'G':
        return (b->attributes & ATTR_DIRECTORY) - (a->attributes & ATTR_DIRECTORY);
    case 'S':
        return compare_number(a->bytes, b->bytes);
    default:
        return compare_number((u32)a->date << 16 | a->time, (u32)b->date << 16 | b->time);
    }
}

static s32 compare(const struct dir *dir, const struct entry *a, const struct entry *b)
{
    for (const char *key = dir->order; *key; key++) {
        s32 order = compare_key(a, b, char_upper(*key));
        if (order)
            return *key == char_upper(*key) ? order : -order;
    }
    return compare_number(a->index, b->index);
}

static void entry_get(u16 index, struct entry *entry)
{
    far_read(shell.buffer_segment, index * sizeof(*entry), entry, sizeof(*entry));
}

static void entry_put(u16 index, const struct entry *entry)
{
    far_write(shell.buffer_segment, index * sizeof(*entry), entry, sizeof(*entry));
}

/* Shell sort: in place, no recursion, and quick enough for what fits into a segment. */
static void sort(const struct dir *dir)
{
    struct entry moving, other;
    u16 gap = 1;
    while (gap < dir->kept / 3)
        gap = gap * 3 + 1;
    for (; gap; gap /= 3) {
        for (u16 i = gap; i < dir->kept; i++) {
            u16 at = i;
            entry_get(i, &moving);
            for (; at >= gap; at -= gap) {
                entry_get(at - gap, &other);
                if (compare(dir, &other, &moving) <= 0)
                    break;
                entry_put(at, &other);
            }
            entry_put(at, &moving);
        }
    }
}

static void kept_show(struct dir *dir)
{
    struct entry entry;
    sort(dir);
    for (u16 i = 0; i < dir->kept; i++) {
        entry_get(i, &entry);
        entry_show(dir, &entry);
    }
    dir->kept = 0;
}

static bool wanted(const struct dir *dir, const struct find *find)
{
    return (find->attributes & dir->must_have) == dir->must_have && !(find->attributes & dir->must_lack);
}

static void found_add(struct dir *dir, const struct find *find)
{
    struct entry entry;
    memset(&entry, 0, sizeof(entry));
    text_copy(entry.name, NAME_BYTES, find->name);
    entry.attributes = find->attributes;
    entry.time = find->time;
    entry.date = find->date;
    entry.bytes = find->attributes & ATTR_DIRECTORY ? 0 : find->bytes;
    entry.index = dir->files++;
    dir->bytes += entry.bytes;
    if (!dir->order[0] || !dir->capacity) {
        entry_show(dir, &entry);
        return;
    }
    if (dir->kept == dir->capacity)
        kept_show(dir);
    entry_put(dir->kept++, &entry);
}

static void directory_title(struct dir *dir)
{
    if (dir->switches & SWITCH('B'))
        return;
    out(dir->switches & SWITCH('S') ? "Directory of " : " Directory of ");
    name_show(dir, dir->path, 0);
    new_line(dir);
    new_line(dir);
}

static void total_show(struct dir *dir, u32 files, u32 bytes)
{
    out("%9u file(s)%11u bytes", files, bytes);
    new_line(dir);
}

/* dir->path and the pattern, or `name` instead of it. The length of dir->path is what it was afterwards. */
static u16 find_in(struct dir *dir, struct find *find, const char *name, u16 attributes)
{
    size_t n = text_length(dir->path);
    u16 error = path_append(dir->path, name) ? find_first(find, dir->path, attributes) : DOS_PATH_NOT_FOUND;
    dir->path[n] = 0;
    return error;
}

/* Lists one directory. The error if nothing is found. */
static u16 directory_list(struct dir *dir)
{
    struct find find;
    dir->files = dir->bytes = 0;
    u16 error = find_in(dir, &find, dir->pattern, FIND_ALL);
    u16 result = error;
    for (; !error; error = find_next(&find)) {
        if (!wanted(dir, &find) || (find.attributes & (ATTR_LABEL | ATTR_DEVICE)))
            continue;
        if (!dir->files && (dir->switches & SWITCH('S')))
            directory_title(dir);
        found_add(dir, &find);
    }
    kept_show(dir);
    if (dir->column)
        new_line(dir);
    if (!result && !dir->files)
        result = DOS_FILE_NOT_FOUND;
    if (dir->files && !(dir->switches & SWITCH('B'))) {
        total_show(dir, dir->files, dir->bytes);
        if (dir->switches & SWITCH('S'))
            new_line(dir);
    }
    dir->all_files += dir->files;
    dir->all_bytes += dir->bytes;
    return result;
}

/* The directory and all below. */
static void tree_list(struct dir *dir)
{
    struct find find;
    size_t n = text_length(dir->path);
    (void)directory_list(dir);
    if (!shell_has_stack(128))
        return;
    u16 error = find_in(dir, &find, "*.*", FIND_ALL);
    for (; !error; error = find_next(&find)) {
        if (!(find.attributes & ATTR_DIRECTORY) || find.name[0] == '.')
            continue;
        if ((find.attributes & (ATTR_HIDDEN | ATTR_SYSTEM)) & dir->must_lack)
            continue;
        if (path_append(dir->path, find.name))
            tree_list(dir);
        dir->path[n] = 0;
    }
}

static void free_show(struct dir *dir)
{
    struct regs regs;
    regs_init(&regs, 0x3600);
    regs.dx = char_upper(dir->path[0]) - 'A' + 1;
    intr(0x21, &regs);
    if (regs.ax == 0xffff)
        return;
    out("%28u bytes free", (u32)regs.ax * regs.cx * regs.bx);
    new_line(dir);
}

static int attributes_read(struct dir *dir, const char *text)
{
    static const char letters[] = "RHSDA";
    static const u8 bits[] = {ATTR_READ_ONLY, ATTR_HIDDEN, ATTR_SYSTEM, ATTR_DIRECTORY, ATTR_ARCHIVE};
    dir->must_have = dir->must_lack = 0;
    for (; *text; text++) {
        bool lack = *text == '-';
        text += lack;
        const char *letter = *text ? text_last(letters, char_upper(*text)) : NULL;
        if (!letter)
            return complain("Parameter value not allowed - %s", text);
        *(lack ? &dir->must_lack : &dir->must_have) |= bits[letter - letters];
    }
    return 0;
}

static int order_read(struct dir *dir, const char *text)
{
    u16 n = 0;
    if (!*text)
        text = "GN";
    for (; *text; text++) {
        bool reverse = *text == '-';
        text += reverse;
        char key = char_upper(*text);
        if (!key || !text_has("NEDSG", key) || n + 1 == ORDER_KEYS)
            return complain("Parameter value not allowed - %s", text);
        dir->order[n++] = reverse ? key - 'A' + 'a' : key;
    }
    dir->order[n] = 0;
    return 0;
}

/* "/-W" and the like become a set of what is not wanted. */
static u32 switches_off(char *text)
{
    u32 off = 0;
    for (; *text; text++) {
        if (text[0] == '/' && text[1] == '-' && char_is_letter(text[2])) {
            off |= SWITCH(char_upper(text[2]));
            text[0] = text[1] = text[2] = ' ';
        }
    }
    return off;
}

/* Switches of a line or of DIRCMD; what they say is added. */
static int options_read(struct dir *dir, struct args *args, char *text)
{
    u32 off = switches_off(text);
    if (!args_parse(args, text,
                    SWITCH('A') | SWITCH('B') | SWITCH('L') | SWITCH('O') | SWITCH('P') | SWITCH('S') |
                        SWITCH('W'),
                    0, 1))
        return 1;
    if (off & SWITCH('O'))
        dir->order[0] = 0;
    if (off & SWITCH('A'))
        dir->must_lack = ATTR_HIDDEN | ATTR_SYSTEM, dir->must_have = 0;
    dir->switches = (dir->switches & ~off) | args->switches;
    if ((args->switches & SWITCH('A')) && attributes_read(dir, args->value['A' - 'A']))
        return 1;
    return args->switches & SWITCH('O') ? order_read(dir, args->value['O' - 'A']) : 0;
}

/* Splits `word` into dir->path and dir->pattern. */
static int target_set(struct dir *dir, const char *word)
{
    char full[PATH_BYTES];
    text_copy(dir->pattern, NAME_BYTES, "*.*");
    if (path_is_directory(word))
        return path_absolute(dir->path, word) ? 0 : complain("Path not found");
    const char *name = path_name(word);
    size_t n = name - word;
    if (n >= sizeof(full))
        return complain("Path not found");
    memcpy(full, word, n);
    full[n] = 0;
    if (!path_absolute(dir->path, full))
        return complain(word[0] && word[1] == ':' ? "Invalid drive specification" : "Path not found");
    dir->pattern[0] = 0;
    if (*name == '.')
        text_copy(dir->pattern, NAME_BYTES, "*");
    bool fits = text_append(dir->pattern, NAME_BYTES, name);
    if (fits && !text_has(name, '.'))
        fits = text_append(dir->pattern, NAME_BYTES, ".*");
    return fits ? 0 : complain("File not found");
}

static void sort_begin(struct dir *dir)
{
    if (!dir->order[0])
        return;
    u16 paragraphs = 0xfff;
    shell.buffer_segment = memory_allocate(&paragraphs);
    dir->capacity = shell.buffer_segment ? paragraphs * 16u / sizeof(struct entry) : 0;
}

static void sort_end(void)
{
    if (shell.buffer_segment)
        memory_free(shell.buffer_segment);
    shell.buffer_segment = 0;
}

static int tree_show(struct dir *dir)
{
    tree_list(dir);
    if (!dir->all_files)
        return complain("File not found");
    if (!(dir->switches & SWITCH('B'))) {
        out("Total files listed:");
        new_line(dir);
        total_show(dir, dir->all_files, dir->all_bytes);
        free_show(dir);
    }
    return 0;
}

static int directory_show(struct dir *dir)
{
    directory_title(dir);
    u16 error = directory_list(dir);
    if (error)
        return complain(error == DOS_PATH_NOT_FOUND ? "Path not found" : "File not found");
    if (!(dir->switches & SWITCH('B')))
        free_show(dir);
    return 0;
}

/* Everything but the defaults that DIRCMD gives. */
static int show(struct dir *dir, char *text)
{
    struct args args;
    if (options_read(dir, &args, text) || target_set(dir, args.count ? args.word[0] : "."))
        return 1;
    country_get(&dir->country);
    dir->rows = far_get(0, BIOS_ROWS) ? far_get(0, BIOS_ROWS) : 24;
    if (!(dir->switches & SWITCH('B'))) {
        new_line(dir);
        volume_show(char_upper(dir->path[0]) - 'A');
        dir->row += 2;
        if (dir->switches & SWITCH('S'))
            new_line(dir);
    }
    sort_begin(dir);
    int status = dir->switches & SWITCH('S') ? tree_show(dir) : directory_show(dir);
    sort_end();
    return status;
}

/* DIRCMD is only for switches. */
static int defaults_read(struct dir *dir)
{
    struct args args;
    char text[64];
    (void)environment_get("DIRCMD", text, sizeof(text));
    return options_read(dir, &args, text);
}

int cmd_dir(char *args)
{
    struct dir dir;
    memset(&dir, 0, sizeof(dir));
    dir.must_lack = ATTR_HIDDEN | ATTR_SYSTEM;
    return defaults_read(&dir) ? 1 : show(&dir, args);
}
