/* Code page 437, in which DOS sees names, and UTF-8, in which the host keeps them. */
#ifndef HUDDLE_DOS_VOLUME_CP437_H
#define HUDDLE_DOS_VOLUME_CP437_H

#include "base/types.h"

#define UNICODE_NONE 0xffffffffu

/* As DOS folds the letters of file names: some letters with accents lose them (INT 21h AX=6504h). */
u8 cp437_upper(u8 c);
/* The small letter that cp437_upper makes `c` from; `c` itself if there is none or it would not come back. */
u8 cp437_lower(u8 c);

/* UNICODE_NONE for control characters. */
u32 cp437_to_unicode(u8 c);
/* 0 if the code page has no such character. */
u8 cp437_from_unicode(u32 code_point);
/* The letter without its accent, for letters of Latin-1 that the code page lacks; 0 if there is none. */
u8 cp437_resembling(u32 code_point);

/* The next character of a NUL-terminated text, past which *text is moved; a byte that is no UTF-8 is one
 * character, UNICODE_NONE. */
u32 utf8_next(const char **text);
/* `code_point` as up to 4 bytes and no NUL; returns how many. */
u32 utf8_put(u32 code_point, char out[4]);

#endif
