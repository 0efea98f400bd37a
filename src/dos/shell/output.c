/* What the interpreter writes and asks: to standard output through a buffer, complaints to standard error. */
#include <stdarg.h>

#include "dos.h"
#include "shell.h"
#include "text.h"

enum { CTRL_Z = 0x1a };

void out_flush(void)
{
    u16 count = shell.out_count;
    shell.out_count = 0; /* first: the write may end in INT 23h */
    if (count)
        (void)file_write(shell.complaining ? STDERR : STDOUT, shell.out, count);
}

void out_char(char c)
{
    if (c == '\n')
        out_char('\r');
    if (shell.out_count == sizeof(shell.out))
        out_flush();
    shell.out[shell.out_count++] = c;
}

static void out_padding(s32 count, char c)
{
    while (count-- > 0)
        out_char(c);
}

static void out_text(const char *text, u16 width, bool left)
{
    s32 padding = width - (s32)text_length(text);
    if (!left)
        out_padding(padding, ' ');
    while (*text)
        out_char(*text++);
    if (left)
        out_padding(padding, ' ');
}

static void out_number(u32 number, u16 width, char pad)
{
    char digits[11];
    char *p = digits + sizeof(digits);
    *--p = 0;
    do
        *--p = '0' + number % 10;
    while (number /= 10);
    out_padding(width - (s32)text_length(p), pad);
    out_text(p, 0, false);
}

static void out_va(const char *format, va_list args)
{
    for (; *format; format++) {
        if (*format != '%') {
            out_char(*format);
            continue;
        }
        bool left = *++format == '-';
        format += left;
        char pad = *format == '0' ? '0' : ' ';
        u16 width = 0;
        while (char_is_digit(*format))
            width = width * 10 + *format++ - '0';
        if (*format == 's')
            out_text(va_arg(args, const char *), width, left);
        else if (*format == 'u')
            out_number(va_arg(args, u32), width, pad);
        else if (*format == 'c')
            out_char(va_arg(args, int));
        else
            out_char(*format);
    }
}

void out(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    out_va(format, args);
    va_end(args);
}

static void complaint_begin(void)
{
    out_flush();
    shell.complaining = true;
}

static int complaint_end(void)
{
    out_char('\n');
    out_flush();
    shell.complaining = false;
    return 1;
}

int complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complaint_begin();
    out_va(format, args);
    va_end(args);
    return complaint_end();
}

static const char *const code_texts[] = {
    [0x01] = "Invalid function",
    [0x02] = "File not found",
    [0x03] = "Path not found",
    [0x04] = "Too many open files",
    [0x05] = "Access denied",
    [0x06] = "Invalid handle",
    [0x07] = "Memory control blocks destroyed",
    [0x08] = "Insufficient memory",
    [0x09] = "Invalid memory block address",
    [0x0a] = "Invalid environment",
    [0x0b] = "Invalid format",
    [0x0c] = "Invalid function parameter",
    [0x0d] = "Invalid data",
    [0x0f] = "Invalid drive specification",
    [0x10] = "Attempt to remove current directory",
    [0x11] = "Not same device",
    [0x12] = "File not found", /* "No more files": none at all */
    [0x13] = "Write protect error",
    [0x14] = "Invalid unit",
    [0x15] = "Not ready",
    [0x1d] = "Write fault error",
    [0x1e] = "Read fault error",
    [0x1f] = "General failure",
    [0x20] = "Sharing violation",
    [0x21] = "Lock violation",
    [0x27] = "Insufficient disk space",
    [0x50] = "File exists",
    [0x52] = "Cannot make directory entry",
    [0x53] = "Fail on INT 24",
};

int complain_code(u16 code, const char *what)
{
    const char *text = code < ARRAY_LEN(code_texts) ? code_texts[code] : NULL;
    complaint_begin();
    if (text)
        out("%s", text);
    else
        out("Extended Error %u", (u32)code);
    if (what)
        out(" - %s", what);
    return complaint_end();
}

char key_read(void)
{
    out_flush();
    char key = dos_simple(0x0800, 0);
    if (!key) /* an extended key: its code follows */
        (void)dos_simple(0x0800, 0);
    return key;
}

bool ask_yes_no(const char *text)
{
    char answer[8];
    do {
        out("%s (Y/N)?", text);
        if (!line_input(answer, sizeof(answer)))
            return false;
        answer[0] = char_upper(answer[0]);
    } while (answer[0] != 'Y' && answer[0] != 'N');
    return answer[0] == 'Y';
}

bool ask_key(const char *text)
{
    enum { FLUSH_AND_READ = 0x0c01 };
    char key;
    do {
        out("%s (Y/N)?", text);
        out_flush();
        key = char_upper((char)dos_simple(FLUSH_AND_READ, 0));
        out("\n");
        out_flush(); /* what is given up next is what was not written */
    } while (key != 'Y' && key != 'N' && key != CTRL_Z);
    return key != 'N';
}

/* From a file, byte by byte, since what follows belongs to whoever reads next. Shown, as DOS shows what
 * AH=0Ah reads. */
static bool file_line(char *line, size_t bytes)
{
    size_t n = 0;
    char c;
    bool any = false;
    while (file_read(STDIN, &c, 1) == 1 && c != 0x1a) {
        any = true;
        if (c == '\n')
            break;
        if (c != '\r' && n + 1 < bytes)
            line[n++] = c;
    }
    line[n] = 0;
    out("%s\n", line);
    return any;
}

bool line_input(char *line, size_t bytes)
{
    struct regs regs;
    out_flush();
    s32 device = file_device(STDIN);
    if (device < 0 || !(device & IS_DEVICE) || (device & DEVICE_NUL))
        return file_line(line, bytes);
    shell.input.room = MIN(bytes, sizeof(shell.input.text));
    /* An editor that is resident (AX=4810h, DOSKEY) or else DOS's. */
    regs_init(&regs, 0x4810);
    regs.dx = (u16)(u32)&shell.input;
    intr(0x2f, &regs);
    if (regs.ax)
        (void)dos(&regs, 0x0a00, 0, 0, &shell.input);
    u8 count = MIN(shell.input.count, bytes - 1);
    if (count == 1 && shell.input.text[0] == CTRL_Z)
        return false; /* Ctrl-Z alone: whoever types, or the host's standard input, has come to an end */
    memcpy(line, shell.input.text, count);
    line[count] = 0;
    out("\n");
    return true;
}
