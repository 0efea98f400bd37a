/* Characters of code page 437 for terminals: in Unicode, and in what there is without it. */
#ifndef HUDDLE_UI_GLYPH_H
#define HUDDLE_UI_GLYPH_H

#include "base/types.h"

/* The code point that looks like the character: 00h is a blank, FFh one that is not broken at. */
u32 glyph_unicode(u8 code);
/* The character that looks like a code point. False: there is none. */
bool glyph_code(u32 code_point, u8 *code);
/* An ASCII character that resembles it. */
char glyph_ascii(u8 code);
/* The letter by which a VT100 calls that line or shade (terminfo, acsc); 0: it is none. */
char glyph_vt100(u8 code);

#endif
