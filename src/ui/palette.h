/* Which of a terminal's colours stand for the guest's. */
#ifndef HUDDLE_UI_PALETTE_H
#define HUDDLE_UI_PALETTE_H

#include "base/types.h"

enum { PALETTE_SLOTS = 16 };

/* What a terminal with 8, 16 or 256 colours shows for colour `index`, 00RRGGBBh: the first sixteen as
 * everybody has them (users choose other shades), then a cube and greys. */
u32 palette_rgb(u32 index);

/* The terminal's colour nearest to each of `rgb`, `colors` of them being there (8, 16, 256 or more). Of 256
 * none of the first sixteen is taken: theirs are the user's. `distinct`: no two alike but for equal ones, for
 * who then sets them to what they should be. */
void palette_assign(const u32 rgb[PALETTE_SLOTS], u32 colors, bool distinct, u16 out[PALETTE_SLOTS]);

/* How bright it is, 0 to 255. */
u32 palette_brightness(u32 rgb);

#endif
