/* The drives, the first program and the console of the built-in DOS, from the command line. */
#include "dos_session.h"

#include "base/log.h"
#include "dos/shell/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DRIVE_C = 2, DRIVE_Z = 25, WHY_BYTES = 256, MAX_TAIL = 126 };

static bool is_directory(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0 && S_ISDIR(st.st_mode);
}

bool dos_session_wanted(const struct options *o)
{
    return o->n_mounts || o->n_commands || (o->image && (options_is_program(o->image) || is_directory(o->image)));
}

/* --- drives --- */

static int mount_directory(struct dos_session *s, u32 drive, const char *directory, bool read_only)
{
    char why[WHY_BYTES];
    if (s->volume[drive].object) {
        log_error("%s: drive %c: is another directory already", directory, 'A' + drive);
        return -EEXIST;
    }
    int rc = volume_host_open(&s->volume[drive], directory, read_only, why, sizeof why);
    if (rc)
        log_error("%s", why);
    return rc;
}

/* The FAT file system in an image. */
static int mount_image(struct dos_session *s, u32 drive, const char *path, bool read_only, bool snapshot)
{
    enum { FLOPPY_MAX_BYTES = 2880 * KIB };
    char why[WHY_BYTES];
    struct stat st;
    enum block_kind kind = stat(path, &st) == 0 && st.st_size > FLOPPY_MAX_BYTES ? BLOCK_DISK : BLOCK_FLOPPY;
    if (s->volume[drive].object) {
        log_error("%s: drive %c: is something else already", path, 'A' + drive);
        return -EEXIST;
    }
    int rc = block_open(&s->image[drive], path, kind, snapshot || read_only);
    if (rc)
        return rc;
    if (read_only)
        block_protect(s->image[drive]);
    rc = volume_fat_open(&s->volume[drive], s->image[drive], why, sizeof why);
    if (rc)
        log_error("%s: %s", path, why);
    return rc;
}

/* "D=DIRECTORY", "D=IMAGE", either with ":ro". */
static int mount_option(struct dos_session *s, const struct options *o, const char *text)
{
    u32 drive = (u32)((text[0] | 0x20) - 'a');
    char *path = strdup(text + 2);
    if (!path)
        return -ENOMEM;
    size_t length = strlen(path);
    bool read_only = o->command != COMMAND_RUN;
    if (length > 3 && strcmp(path + length - 3, ":ro") == 0) {
        read_only = true;
        path[length - 3] = 0;
    }
    int rc = is_directory(path) ? mount_directory(s, drive, path, read_only) :
                                  mount_image(s, drive, path, read_only, o->snapshot);
    free(path);
    return rc;
}

static int mount_all(struct dos_session *s, const struct options *o, const char *directory)
{
    bool read_only = o->command != COMMAND_RUN; /* comparisons begin with the same files */
    int rc = 0;
    if (directory)
        rc = is_directory(directory) ? mount_directory(s, DRIVE_C, directory, read_only) :
                                       mount_image(s, DRIVE_C, directory, read_only, o->snapshot);
    for (u32 i = 0; !rc && i < o->n_mounts; i++)
        rc = mount_option(s, o, o->mounts[i]);
    if (!rc && !s->volume[DRIVE_C].object)
        rc = mount_directory(s, DRIVE_C, ".", read_only);
    return rc;
}

/* --- the first program --- */

/* Behind the program's name: a space, and the words with a space between them. */
static int append_words(struct dos_session *s, const struct options *o)
{
    for (u32 i = 0; i < o->n_arguments; i++) {
        size_t length = strlen(s->tail);
        if (length + 1 + strlen(o->arguments[i]) > MAX_TAIL) {
            log_error("%s: the arguments are longer than the %d characters that DOS has for them", o->image, MAX_TAIL);
            return -E2BIG;
        }
        snprintf(s->tail + length, sizeof s->tail - length, " %s", o->arguments[i]);
    }
    return 0;
}

static int use_shell(struct dos_session *s, const char *options)
{
    strcpy(s->program, "Z:\\COMMAND.COM");
    snprintf(s->tail, sizeof s->tail, " %s", options);
    return 0;
}

/* The commands of -c, as a batch file: the status of the last one becomes the shell's. */
static int use_commands(struct dos_session *s, const struct options *o)
{
    size_t bytes = strlen("@ECHO OFF\r\n") + 1;
    for (u32 i = 0; i < o->n_commands; i++)
        bytes += strlen(o->commands[i]) + 2;
    s->batch = malloc(bytes);
    if (!s->batch)
        return -ENOMEM;
    strcpy(s->batch, "@ECHO OFF\r\n");
    for (u32 i = 0; i < o->n_commands; i++)
        strcat(strcat(s->batch, o->commands[i]), "\r\n");
    return use_shell(s, o->autoexec ? "/A /C Z:\\RUN.BAT" : "/C Z:\\RUN.BAT");
}

static int use_program(struct dos_session *s, const struct options *o, const char *name)
{
    size_t length = strlen(name);
    char dos_name[DOS_NAME_BYTES];
    if (!volume_host_name(&s->volume[DRIVE_C], name, dos_name)) {
        log_error("%s: not found", o->image);
        return -ENOENT;
    }
    if (strcasecmp(name + length - 4, ".bat") == 0) {
        char command[32];
        snprintf(command, sizeof command, "/C C:\\%s", dos_name);
        use_shell(s, command);
    } else {
        snprintf(s->program, sizeof s->program, "C:\\%s", dos_name);
    }
    return append_words(s, o);
}

static int choose_program(struct dos_session *s, const struct options *o, const char *name)
{
    if (o->n_commands)
        return use_commands(s, o);
    if (name)
        return use_program(s, o, name);
    s->config.restarts = true;
    return use_shell(s, o->autoexec ? "/A" : "");
}

/* --- */

static int add_rom_drive(struct dos_session *s)
{
    u32 n = 0;
    s->files[n++] = (struct volume_rom_file){"COMMAND.COM", command_com, command_com_bytes};
    if (s->batch)
        s->files[n++] = (struct volume_rom_file){"RUN.BAT", (const u8 *)s->batch, (u32)strlen(s->batch)};
    return volume_rom_open(&s->volume[DRIVE_Z], s->files, n);
}

/* What programs write goes to standard output, and standard input feeds CON; but where keys come from elsewhere. */
static void set_console(struct dos_session *s, const struct options *o)
{
    bool plain = o->command == COMMAND_RUN && !options_given(o, "serial") && !o->display;
    s->config.out_fd = plain ? STDOUT_FILENO : -1;
    s->config.in_fd = plain && !o->script ? STDIN_FILENO : -1;
}

static int open_all(struct dos_session *s, const struct options *o)
{
    char *directory = NULL;
    const char *name = NULL;
    int rc = 0;
    if (o->image && options_is_program(o->image) && !is_directory(o->image)) {
        const char *slash = strrchr(o->image, '/');
        name = slash ? slash + 1 : o->image;
        directory = slash ? strndup(o->image, (size_t)(slash - o->image) + 1) : strdup(".");
    } else if (o->image) {
        directory = strdup(o->image);
    }
    if (o->image && !directory)
        return -ENOMEM;
    rc = mount_all(s, o, directory);
    free(directory);
    if (!rc)
        rc = choose_program(s, o, name);
    return rc ? rc : add_rom_drive(s);
}

int dos_session_open(struct dos_session *s, const struct options *o)
{
    static const char *const environment[] = {"COMSPEC=Z:\\COMMAND.COM", "PATH=Z:\\;C:\\", "PROMPT=$P$G"};
    *s = (struct dos_session){.config = {.boot_drive = 'C', .in_fd = -1, .out_fd = -1, .xms_kib = (u32)o->xms_kib, .ems_kib = (u32)o->ems_kib}};
    memcpy(s->environment, environment, sizeof environment);
    s->rom = dos_rom_image(&s->rom_bytes);
    int rc = s->rom ? open_all(s, o) : -ENOMEM;
    if (rc) {
        dos_session_close(s);
        return rc;
    }
    for (u32 i = 0; i < DOS_DRIVES; i++)
        s->config.drive[i] = s->volume[i].object ? &s->volume[i] : NULL;
    s->config.program = s->program;
    s->config.tail = s->tail;
    s->config.environment = s->environment;
    set_console(s, o);
    return 0;
}

void dos_session_close(struct dos_session *s)
{
    for (u32 i = 0; i < DOS_DRIVES; i++)
        if (s->volume[i].object)
            volume_close(&s->volume[i]);
    for (u32 i = 0; i < DOS_DRIVES; i++)
        block_close(s->image[i]);
    free(s->batch);
    free(s->rom);
    *s = (struct dos_session){.batch = NULL};
}
