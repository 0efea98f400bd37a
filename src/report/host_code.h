/* Host code as text, for listings. */
#ifndef HUDDLE_REPORT_HOST_CODE_H
#define HUDDLE_REPORT_HOST_CODE_H

#include "base/types.h"

#define HOST_CODE_BYTES 96

/* One instruction of the `size` bytes of x86-64 code at `code`, which stands at offset `at` of a translation
 * of `bytes` bytes: branches inside the translation go to "+1F", offsets in it; others to addresses. Writes
 * the text (HOST_CODE_BYTES) and returns the instruction's length, or 0 if it is none. */
u32 host_code_format(char *text, const u8 *code, u32 size, u32 at, u32 bytes);

#endif
