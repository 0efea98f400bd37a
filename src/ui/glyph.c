/* See glyph.h. IBM Code Page 437; terminfo(5), "Line Graphics". The code points are the VGA's
 * (dev/vga/vga_text.c). */
#include "ui/glyph.h"

#include "dev/vga/vga.h"

enum {
    NO_BREAK_SPACE = 0xa0,
    LAST = 0xff,
    FIRST_PRINTED = 0x20,
    FIRST_CONTROL = 1,
    LINES = 0xb0,
    LINES_END = 0xdb
};

u32 glyph_unicode(u8 code)
{
    return code == LAST ? NO_BREAK_SPACE : vga_code_point(code);
}

bool glyph_code(u32 code_point, u8 *code)
{
    /* Printable ones first: 00h looks like a blank, too. */
    for (u32 i = FIRST_PRINTED; i < FIRST_PRINTED + 256 - FIRST_CONTROL; i++) {
        *code = (u8)(i < 256 ? i : i - 256 + FIRST_CONTROL);
        if (glyph_unicode(*code) == code_point)
            return true;
    }
    return false;
}

char glyph_ascii(u8 code)
{
    static const char low[FIRST_PRINTED] __attribute__((nonstring)) = {
        ' ', 'o', 'o', '*', '*', '*', '*', '.', 'o', 'o', 'o', 'm', 'f', 'j', 'j', '*', /* 00 */
        '>', '<', '|', '!', 'P', 'S', '_', '|', '^', 'v', '>', '<', 'L', '-', '^', 'v', /* 10 */
    };
    static const char high[] = "CueaaaaceeeiiiAAEaAooouuyOUcLYPf" /* 80, 90 */
                               "aiounNao?--24!<>"                 /* A0 */
                               "###|++++++|+++++"                 /* B0 */
                               "++++-++++++++-++"                 /* C0 */
                               "+++++++++++#_||\""                /* D0 */
                               "aBGpSsutFOOd8fen"                 /* E0 */
                               "=+><()/~o..Vn2# ";                /* F0 */
    _Static_assert(sizeof high == 128 + 1, "one for each character from 80h on");
    if (code >= 0x80)
        return high[code - 0x80];
    if (code == 0x7f)
        return '^';
    return code < FIRST_PRINTED ? low[code] : (char)code;
}

char glyph_vt100(u8 code)
{
    static const char lines[] = "aaaxuuukkuxkjjjk" /* B0 */
                                "mvwtqnttmlvwtqnv" /* C0 */
                                "vwwmmllnnjl";     /* D0 */
    _Static_assert(sizeof lines == LINES_END - LINES + 1, "B0h to DAh");
    return code >= LINES && code < LINES_END ? lines[code - LINES] : 0;
}
