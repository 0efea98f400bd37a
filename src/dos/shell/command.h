/* COMMAND.COM as a part of huddle: the file's bytes. The other headers of this folder are the program's own.
 */
#ifndef HUDDLE_DOS_SHELL_COMMAND_H
#define HUDDLE_DOS_SHELL_COMMAND_H

#include "base/types.h"

extern const u8 command_com[];
extern const u32 command_com_bytes;

#endif
