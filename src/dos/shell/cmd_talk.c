/* ECHO, PAUSE, CLS, VER, VOL, VERIFY, BREAK, CHCP, CTTY: what says or sets something small. */
#include "shell.h"
#include "text.h"

/* 1: ON, 0: OFF, -1: neither. */
static s32 on_or_off(const char *word)
{
    return text_same(word, "ON") ? 1 : text_same(word, "OFF") ? 0 : -1;
}

static const char *state_name(bool on)
{
    return on ? "on" : "off";
}

int cmd_echo(char *args)
{
    char word[4];
    char *text = skip_delimiters(args);
    if (!*text && (!*args || char_is_delimiter(*args))) {
        out("ECHO is %s\n", state_name(shell.echo));
        return 0;
    }
    /* ON or OFF with blanks behind is it too. */
    size_t n = 0;
    while (text[n] && !char_is_delimiter(text[n]) && n + 1 < sizeof(word)) {
        word[n] = text[n];
        n++;
    }
    word[n] = 0;
    s32 on = *skip_delimiters(text + n) || !char_is_delimiter(*args) ? -1 : on_or_off(word);
    if (on >= 0)
        shell.echo = on;
    else
        out("%s\n", args + 1);
    return 0;
}

int cmd_pause(char *args)
{
    (void)args;
    out("Press any key to continue . . .");
    (void)key_read();
    out("\n");
    return 0;
}

int cmd_cls(char *args)
{
    enum {
        BIOS_COLUMNS = 0x44a,
        BIOS_ROWS = 0x484,
        VIDEO_SCROLL_UP = 0x0600,
        VIDEO_CURSOR = 0x0200,
        GREY = 0x07
    };
    struct regs regs;
    (void)args;
    s32 device = file_device(STDOUT);
    if (device < 0 || !(device & IS_DEVICE) || !(device & DEVICE_STDOUT)) {
        out("\033[2J");
        return 0;
    }
    u8 rows = far_get(0, BIOS_ROWS);
    regs_init(&regs, VIDEO_SCROLL_UP);
    regs.bx = GREY << 8;
    regs.dx = (rows ? rows : 24) << 8 | (u8)(far_get(0, BIOS_COLUMNS) - 1);
    intr(0x10, &regs);
    regs_init(&regs, VIDEO_CURSOR);
    intr(0x10, &regs);
    return 0;
}

void version_show(void)
{
    u16 version = dos_simple(0x3000, 0);
    out("COMMAND of huddle, DOS Version %u.%02u", (u32)(version & 0xff), (u32)(version >> 8));
}

int cmd_ver(char *args)
{
    (void)args;
    out("\n");
    version_show();
    out("\n");
    return 0;
}

/* The serial number in the boot sector (AX=440Dh, get media ID). False: the drive has none. */
static bool volume_serial(u8 drive, u16 serial[2])
{
    struct {
        u16 level, serial[2];
        char label[11], type[8];
    } __attribute__((packed)) id;
    struct regs regs;
    memset(&id, 0, sizeof(id));
    if (dos(&regs, 0x440d, drive + 1, 0x0866, &id))
        return false;
    serial[0] = id.serial[0];
    serial[1] = id.serial[1];
    return serial[0] || serial[1];
}

static void hex_show(u16 number)
{
    for (s32 shift = 12; shift >= 0; shift -= 4)
        out_char("0123456789ABCDEF"[number >> shift & 15]);
}

void volume_show(u8 drive)
{
    struct find find;
    char pattern[] = "A:\\*.*";
    u16 serial[2];
    pattern[0] += drive;
    out(" Volume in drive %c ", pattern[0]);
    /* The label is the name of an entry: eight and three characters, with a '.' that is not its own. */
    if (!find_first(&find, pattern, ATTR_LABEL) && (find.attributes & ATTR_LABEL)) {
        char *dot = text_last(find.name, '.');
        if (dot == find.name + 8)
            memmove(dot, dot + 1, text_length(dot));
        out("is %s\n", find.name);
    } else {
        out("has no label\n");
    }
    if (!volume_serial(drive, serial))
        return;
    out(" Volume Serial Number is ");
    hex_show(serial[1]);
    out_char('-');
    hex_show(serial[0]);
    out("\n");
}

int cmd_vol(char *args)
{
    struct args parsed;
    char path[PATH_BYTES];
    if (!args_parse(&parsed, args, 0, 0, 1))
        return 1;
    u8 drive = drive_current();
    if (parsed.count) {
        drive = char_upper(parsed.word[0][0]) - 'A';
        if (parsed.word[0][1] != ':' || parsed.word[0][2] || drive > 25 || drive_directory(drive, path))
            return complain("Invalid drive specification");
    }
    out("\n");
    volume_show(drive);
    return 0;
}

/* A switch of DOS: shown, or set to ON or OFF. */
static int toggle(char *args, const char *name, u16 get, u16 set)
{
    struct args parsed;
    struct regs regs;
    if (!args_parse(&parsed, args, 0, 0, 1))
        return 1;
    if (!parsed.count) {
        regs_init(&regs, get);
        intr(0x21, &regs);
        out("%s is %s\n", name, state_name(get >> 8 == 0x33 ? regs.dx & 1 : regs.ax & 1));
        return 0;
    }
    s32 on = on_or_off(parsed.word[0]);
    if (on < 0)
        return complain("Must specify ON or OFF");
    regs_init(&regs, set >> 8 == 0x33 ? set : set | on);
    regs.dx = set >> 8 == 0x33 ? on : 0;
    intr(0x21, &regs);
    return 0;
}

/* AX=6601h and 6602h: the code page in BX. */
int cmd_chcp(char *args)
{
    enum { GET = 0x6601, SET = 0x6602 };
    struct args parsed;
    struct regs regs;
    if (!args_parse(&parsed, args, 0, 0, 1))
        return 1;
    if (!parsed.count) {
        u16 error = dos(&regs, GET, 0, 0, NULL);
        if (error)
            return complain_code(error, NULL);
        out("\nActive code page: %u\n", (u32)regs.bx);
        return 0;
    }
    char *text = parsed.word[0];
    s32 page = number_read(&text);
    if (page < 0 || *text)
        return complain("Parameter format not correct - %s", parsed.word[0]);
    return dos(&regs, SET, page, 0, NULL) ? complain("Invalid code page") : 0;
}

int cmd_verify(char *args)
{
    return toggle(args, "VERIFY", 0x5400, 0x2e00);
}

int cmd_break(char *args)
{
    return toggle(args, "BREAK", 0x3300, 0x3301);
}

int cmd_ctty(char *args)
{
    struct args parsed;
    if (!args_parse(&parsed, args, 0, 1, 1))
        return 1;
    s32 handle = file_open(parsed.word[0], OPEN_BOTH);
    bool device = handle >= 0 && (file_device(handle) & IS_DEVICE);
    out_flush();
    if (device) {
        for (u16 standard = STDIN; standard <= STDERR; standard++)
            (void)file_force(handle, standard);
    }
    if (handle >= 0)
        file_close(handle);
    return device ? 0 : complain("Invalid device");
}
