/* INT 2Eh, by which programs have the shell run a command. Ralf Brown's Interrupt List.
 *
 * LIMIT: another shell does it (COMSPEC, with /C), which takes memory of its own and keeps what SET does to itself. A resident shell
 * that takes the vector does better. */
#include "dos/dos_impl.h"

#include <string.h>
#include <strings.h>

enum { MAX_TAIL = 126, ENVIRONMENT_MAX = 32 * KIB, TEXT_BYTES = 256, RETURN = 0x0d, EXEC = 0x4b00 };

/* The value of COMSPEC in the environment of the current program. */
static void shell_of(const struct dos *dos, char shell[DOS_PATH_BYTES])
{
    static const char name[] = "COMSPEC=";
    u16 environment = guest_u16(dos, far(current_psp(dos), PSP_ENVIRONMENT));
    char text[TEXT_BYTES];
    strcpy(shell, "Z:\\COMMAND.COM");
    for (u32 at = 0; environment && at < ENVIRONMENT_MAX; at += (u32)strlen(text) + 1) {
        if (!guest_string(dos, far(environment, (u16)at), text, sizeof text))
            continue; /* longer: no path. What is left of it is looked at, too */
        if (!*text)
            return;
        size_t length = strlen(text) - MIN(strlen(text), sizeof name - 1);
        if (strncasecmp(text, name, sizeof name - 1) == 0 && length && length < DOS_PATH_BYTES)
            memcpy(shell, text + sizeof name - 1, length + 1);
    }
}

/* Registers for AH=4Bh, which the stub calls next; with carry it does not. DS:SI is a length, and a line with its CR. */
enum dos_next int2e(struct dos *dos)
{
    static const char option[] = " /C ";
    char shell[DOS_PATH_BYTES] = {0};
    u8 tail[MAX_TAIL + 2] = {0};
    far_t line = far(sreg(dos, CPU_DS), reg16(dos, CPU_ESI));
    u32 length = guest_u8(dos, line), room = MAX_TAIL - (sizeof option - 1);
    dos->cpu->eflags |= FLAG_CF;
    if (length > room)
        return DOS_RETURN;
    memcpy(tail + 1, option, sizeof option - 1);
    guest_read(dos, far_add(line, 1), tail + sizeof option, length);
    const u8 *end = memchr(tail + sizeof option, RETURN, length);
    u32 used = end ? (u32)(end - tail) - 1 : (u32)sizeof option - 1 + length;
    tail[0] = (u8)used;
    tail[1 + used] = RETURN;
    shell_of(dos, shell);
    guest_write(dos, in_dos(dos->entry[STUB_EXEC_TAIL]), tail, sizeof tail);
    guest_write(dos, in_dos(dos->entry[STUB_EXEC_NAME]), shell, sizeof shell);
    set_reg16(dos, CPU_EAX, EXEC);
    set_sreg(dos, CPU_DS, DOS_SEG);
    set_sreg(dos, CPU_ES, DOS_SEG);
    set_reg16(dos, CPU_EDX, dos->entry[STUB_EXEC_NAME]);
    set_reg16(dos, CPU_EBX, dos->entry[STUB_EXEC_BLOCK]);
    dos->cpu->eflags &= ~(u32)FLAG_CF;
    return DOS_RETURN;
}
