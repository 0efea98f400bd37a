/* Guest code that was assembled and made part of huddle (embed.py). */
#ifndef HUDDLE_DOS_EMBEDDED_H
#define HUDDLE_DOS_EMBEDDED_H

#include "base/types.h"

extern const u8 dos_stub[]; /* stub.asm */
extern const u32 dos_stub_bytes;
extern const u8 dos_rom[]; /* rom.asm */
extern const u32 dos_rom_bytes;

#endif
