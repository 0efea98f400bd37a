/* Finding programs and running them (AH=4Bh). */
#include "shell.h"
#include "text.h"

enum kind { KIND_NONE, KIND_COM, KIND_EXE, KIND_BAT };

static const char *const extensions[] = {[KIND_COM] = ".COM", [KIND_EXE] = ".EXE", [KIND_BAT] = ".BAT"};

/* Is `path` there, with the extension it has, or one that it may have? It then has it. */
static enum kind program_at(char *path)
{
    char *dot = text_last(path_name(path), '.');
    size_t n = text_length(path);
    for (enum kind kind = KIND_COM; kind <= KIND_BAT; kind++) {
        if (dot) {
            if (text_same(dot, extensions[kind]))
                return path_is_file(path) ? kind : KIND_NONE;
        } else if (text_append(path, PATH_BYTES, extensions[kind]) && path_is_file(path)) {
            return kind;
        } else {
            path[n] = 0;
        }
    }
    return KIND_NONE;
}

/* Not inlined, here and below: who runs a batch file has no room for their frames. */
#define own_frame __attribute__((noinline))

/* In the directories of PATH, read from the environment one by one. */
own_frame static enum kind program_in_path(char *path, const char *word)
{
    char directory[PATH_BYTES];
    s32 at = environment_find("PATH");
    if (at < 0)
        return KIND_NONE;
    for (char c = ';'; c;) {
        u16 n = 0;
        while ((c = far_get(shell.environment, at++)) && c != ';') {
            if (n + 1u < sizeof(directory))
                directory[n++] = c;
        }
        directory[n] = 0;
        text_copy(path, PATH_BYTES, directory);
        if (!n || n + 1u == sizeof(directory) || !path_append(path, word))
            continue;
        enum kind kind = program_at(path);
        if (kind)
            return kind;
    }
    return KIND_NONE;
}

static enum kind program_find(char *path, const char *word)
{
    if (!*word || path_has_wildcard(word))
        return KIND_NONE;
    enum kind kind = path_absolute(path, word) ? program_at(path) : KIND_NONE;
    if (!kind && path_name(word) == word)
        kind = program_in_path(path, word);
    return kind;
}

struct load { /* parameter block of AH=4Bh, AL=0 */
    u16 environment;
    u16 tail[2], fcb1[2], fcb2[2];
} __attribute__((packed));

/* The first two words of the tail as file names (AH=29h), as DOS 1 programs want them. */
static void fcbs_parse(const u8 *tail, u8 *fcb1, u8 *fcb2)
{
    struct regs regs;
    u8 *fcb[2] = {fcb1, fcb2};
    regs_init(&regs, 0);
    regs.si = (u16)(u32)(tail + 1);
    for (u16 i = 0; i < 2; i++) {
        regs.ax = 0x2901; /* over separators */
        regs.di = (u16)(u32)fcb[i];
        (void)dos_regs(&regs);
        while (char_upper(*(char *)(u32)regs.si) != '\r' && !char_is_delimiter(*(char *)(u32)regs.si))
            regs.si++; /* what cannot be part of a name */
    }
}

/* Links upper memory and wants it first (AH=58h), or puts that back as it was in *before. */
static void memory_high(u16 before[2], bool on)
{
    struct regs regs;
    if (on) {
        before[0] = dos_simple(0x5800, 0);
        before[1] = dos_simple(0x5802, 0) & 0xff;
    }
    (void)dos(&regs, 0x5803, on ? 1 : before[1], 0, NULL);
    (void)dos(&regs, 0x5801, on ? 0x80 : before[0], 0, NULL);
}

static void exec_complain(u16 error)
{
    if (error == DOS_NOT_ENOUGH_MEMORY)
        complain("Program too big to fit in memory");
    else if (error == DOS_FILE_NOT_FOUND || error == DOS_PATH_NOT_FOUND)
        complain("Bad command or file name");
    else if (error == DOS_BAD_FORMAT)
        complain("Error in EXE file");
    else
        complain_code(error, NULL);
}

enum { ENDED_BY_CTRL_C = 1 };

static void program_ended(u16 error)
{
    if (error) {
        exec_complain(error);
        shell.status = 1;
        return;
    }
    u16 code = dos_simple(0x4d00, 0);
    shell.status = shell.errorlevel = code & 0xff;
    if (code >> 8 == ENDED_BY_CTRL_C)
        break_shell();
}

static u16 program_load(const char *path, const u8 *tail)
{
    struct regs regs;
    u16 own = segment_own(), before[2];
    bool high = shell.high;
    u8 fcb1[40], fcb2[40]; /* 37 at most */
    memset(fcb1, 0, sizeof(fcb1));
    memset(fcb2, 0, sizeof(fcb2));
    fcbs_parse(tail, fcb1, fcb2);
    struct load load = {
        .environment = shell.environment,
        .tail = {(u16)(u32)tail, own},
        .fcb1 = {(u16)(u32)fcb1, own},
        .fcb2 = {(u16)(u32)fcb2, own},
    };
    if (high)
        memory_high(before, true);
    regs_init(&regs, 0x4b00);
    regs.dx = (u16)(u32)path;
    regs.bx = (u16)(u32)&load;
    child_runs = 1;
    intr(0x21, &regs);
    child_runs = 0;
    if (high)
        memory_high(before, false);
    return regs.flags & FLAG_CARRY ? regs.ax : 0;
}

own_frame static void program_exec(const char *path, const char *arguments)
{
    u8 tail[TAIL_BYTES + 2];
    size_t n = text_length(arguments);
    if (n > TAIL_BYTES) {
        shell.status = complain("Line too long");
        return;
    }
    tail[0] = n;
    memcpy(tail + 1, arguments, n);
    tail[n + 1] = '\r';
    out_flush();
    program_ended(program_load(path, tail));
}

bool program_run(const char *word, char *tail)
{
    char path[PATH_BYTES];
    enum kind kind = program_find(path, word);
    if (!kind)
        return false;
    if (kind == KIND_BAT)
        batch_start(path, word, tail);
    else
        program_exec(path, tail);
    return true;
}
