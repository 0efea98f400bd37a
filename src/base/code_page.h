/* Code page 437 as Unicode, in which every character has a glyph on the screen, control characters too. IBM, "Code Page 437". */
#ifndef HUDDLE_BASE_CODE_PAGE_H
#define HUDDLE_BASE_CODE_PAGE_H

#include "base/types.h"

extern const u16 code_page_437[256];

#endif
