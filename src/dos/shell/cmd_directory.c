/* CD, MD, RD, TRUENAME. */
#include "shell.h"
#include "text.h"

int cmd_cd(char *args)
{
    struct args parsed;
    struct regs regs;
    char path[PATH_BYTES];
    if (!args_parse(&parsed, args, 0, 0, 1))
        return 1;
    char *word = parsed.count ? parsed.word[0] : "";
    if (*word && !(word[1] == ':' && !word[2]))
        return dos(&regs, 0x3b00, 0, 0, word) ? complain("Invalid directory") : 0;
    if (drive_directory(*word ? char_upper(*word) - 'A' : drive_current(), path))
        return complain("Invalid drive specification");
    out("%s\n", path);
    return 0;
}

int cmd_md(char *args)
{
    struct args parsed;
    struct regs regs;
    if (!args_parse(&parsed, args, 0, 1, 1))
        return 1;
    char *word = parsed.word[0];
    if (path_is_directory(word))
        return complain("Directory already exists");
    return dos(&regs, 0x3900, 0, 0, word) ? complain("Unable to create directory") : 0;
}

int cmd_rd(char *args)
{
    struct args parsed;
    struct regs regs;
    if (!args_parse(&parsed, args, 0, 1, 1))
        return 1;
    u16 error = dos(&regs, 0x3a00, 0, 0, parsed.word[0]);
    if (error == DOS_CURRENT_DIRECTORY)
        return complain_code(error, parsed.word[0]);
    return error ? complain("Invalid path, not directory,\nor directory not empty") : 0;
}

int cmd_truename(char *args)
{
    struct args parsed;
    struct regs regs;
    char full[128];
    if (!args_parse(&parsed, args, 0, 0, 1))
        return 1;
    memset(full, 0, sizeof(full));
    regs_init(&regs, 0x6000);
    regs.si = (u16)(u32)(parsed.count ? parsed.word[0] : ".");
    regs.di = (u16)(u32)full;
    u16 error = dos_regs(&regs);
    if (error)
        return complain_code(error, parsed.word[0]);
    full[sizeof(full) - 1] = 0;
    out("\n%s\n", full);
    return 0;
}
