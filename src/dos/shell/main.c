/* Start, options, and the loop that reads commands.
 *
 *     COMMAND [drive:\path] [device] [/E:bytes] [/A] [/P] [/Q] [/C command | /K command]
 *
 * /E:bytes  size of the environment
 * /A        run \AUTOEXEC.BAT of the current drive first, if there is one
 * /P        permanent: EXIT does nothing
 * /Q        ECHO is off
 * /C        run the command and exit with its status; /K: and go on. The rest of the line belongs to the
 * command. */
#include "shell.h"
#include "text.h"

struct shell shell;

extern u8 image_end[], stack_start[];

struct options {
    bool once, keep, autoexec;
    u16 environment_bytes;
    char directory[PATH_BYTES]; /* of COMMAND.COM, for COMSPEC; "" if not given */
    char command[128];
};

enum { PSP_TAIL = 0x80, ENVIRONMENT_MIN = 160, ENVIRONMENT_MAX = 32768 };

bool shell_has_stack(u16 bytes)
{
    return (u8 *)__builtin_frame_address(0) > stack_start + STACK_RESERVE + bytes;
}

void shell_exit(u8 status)
{
    out_flush();
    while (shell.redirections) /* DOS closes only what is in the table of handles */
        redirection_end();
    dos_simple(0x4c00 | status, 0);
    __builtin_unreachable();
}

/* Gives back what lies behind the stack, or nothing could be loaded. */
static void memory_shrink(void)
{
    struct regs regs;
    regs_init(&regs, 0x4a00);
    regs.bx = ((u32)image_end + 15) / 16;
    (void)dos_regs(&regs);
}

/* A word that is no option: where COMMAND.COM is, or the device to talk to. */
static void option_word(struct options *options, const char *word)
{
    s32 handle = file_open(word, OPEN_BOTH);
    bool device = handle >= 0 && (file_device(handle) & IS_DEVICE);
    if (handle >= 0)
        file_close(handle);
    if (device)
        cmd_ctty((char *)word);
    else if (path_is_directory(word))
        (void)path_absolute(options->directory, word);
    else
        complain("Specified COMMAND search directory bad");
}

static void option_environment(struct options *options, char *value)
{
    value += *value == ':';
    s32 bytes = number_read(&value);
    if (bytes < ENVIRONMENT_MIN || bytes > ENVIRONMENT_MAX)
        complain("Invalid environment size specified");
    else
        options->environment_bytes = bytes;
}

/* At a '/'. Returns where to go on. */
static char *option_switch(struct options *options, char *text)
{
    char letter = char_upper(text[1]);
    switch (letter) {
    case 0:
        return text + 1;
    case 'C':
    case 'K':
        options->once = letter == 'C';
        options->keep = letter == 'K';
        text_copy(options->command, sizeof(options->command), text + 2);
        return text + text_length(text);
    case 'A':
        options->autoexec = true;
        break;
    case 'P':
        shell.permanent = true;
        break;
    case 'Q':
        shell.echo = false;
        break;
    case 'E':
        option_environment(options, text + 2);
        break;
    default:
        complain("Invalid switch - /%c", letter);
    }
    for (text += 2; *text && *text != '/' && !char_is_delimiter(*text); text++)
        ;
    return text;
}

static void options_read(struct options *options, char *text)
{
    while (*(text = skip_delimiters(text))) {
        if (*text == '/') {
            text = option_switch(options, text);
            continue;
        }
        char *word = text;
        while (*text && *text != '/' && !char_is_delimiter(*text))
            text++;
        char end = *text;
        *text = 0;
        option_word(options, word);
        *text = end;
    }
}

/* COMSPEC: where we were told that we are; or where we were loaded from, if nobody has set it. */
static void comspec_set(const struct options *options, const char *loaded)
{
    char path[PATH_BYTES];
    if (options->directory[0]) {
        text_copy(path, sizeof(path), options->directory);
        if (path_append(path, "COMMAND.COM"))
            (void)environment_set("COMSPEC", path);
    } else if (environment_find("COMSPEC") < 0) {
        (void)environment_set("COMSPEC", loaded);
    }
}

/* The path that DOS puts behind the strings of an environment: NUL, a word, the path. "" if there is none. */
static void loaded_path(char *path)
{
    u16 segment = far_get(segment_own(), 0x2c) | far_get(segment_own(), 0x2d) << 8;
    u16 offset = 0;
    path[0] = 0;
    if (!segment)
        return;
    while ((far_get(segment, offset) || far_get(segment, offset + 1)) && offset < ENVIRONMENT_MAX)
        offset++;
    far_read(segment, offset + 4, path, PATH_BYTES - 1);
    path[PATH_BYTES - 1] = 0;
}

static void options_apply(const struct options *options)
{
    char loaded[PATH_BYTES];
    loaded_path(loaded);
    if (!environment_init(options->environment_bytes))
        complain("Insufficient memory");
    comspec_set(options, loaded);
}

/* Reads and runs commands until EXIT or the end of the input. */
static void loop(void)
{
    static char line[LINE_BYTES];
    for (;;) {
        if (shell.echo) {
            out("\n");
            prompt_show();
        }
        if (!line_input(line, sizeof(line)))
            shell_exit(shell.status);
        line_run(line);
    }
}

void shell_main(void)
{
    static struct options options;
    char tail[128];
    shell.echo = true;
    memory_shrink();
    interrupt_install();
    far_read(segment_own(), PSP_TAIL + 1, tail, sizeof(tail) - 1);
    tail[MIN(far_get(segment_own(), PSP_TAIL), sizeof(tail) - 1)] = 0;
    if (text_has(tail, '\r'))
        *text_last(tail, '\r') = 0;
    options_read(&options, tail);
    options_apply(&options);
    if (!options.once && !options.keep)
        cmd_ver(tail + text_length(tail));
    /* From here on Ctrl-C leads back to this point, with what was being done forgotten. */
    jump_save(&shell.restart);
    if (options.autoexec) {
        options.autoexec = false;
        if (path_is_file("\\AUTOEXEC.BAT"))
            batch_start("\\AUTOEXEC.BAT", "\\AUTOEXEC.BAT", "");
    }
    if (options.command[0]) {
        char command[128];
        memcpy(command, options.command, sizeof(command));
        options.command[0] = 0;
        line_run(command);
    }
    if (options.once)
        shell_exit(shell.status);
    loop();
    __builtin_unreachable();
}
