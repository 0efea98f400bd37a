/* Names in code page 437: from and to Unicode, and the upper-case table of country 001 (DOS
 * Programmer's Reference, INT 21h function 65h). */
#include "dos/volume/cp437.h"

#include "base/code_page.h"

enum { FIRST_HIGH = 0x80, DELETE = 0x7f, FIRST_PRINTED = 0x20 };

/* From 80h to A5h; what follows is its own upper case. */
static const u8 high_upper[] = {
    0x80, 0x9a, 'E',  'A',  0x8e, 'A',  0x8f, 0x80, 'E', 'E', 'E',  'I',  'I',
    'I',  0x8e, 0x8f, 0x90, 0x92, 0x92, 'O',  0x99, 'O', 'U', 'U',  'Y',  0x99,
    0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f, 'A',  'I',  'O', 'U', 0xa5, 0xa5,
};

/* U+00C0 to U+00FF without their accents. */
static const char latin1_plain[65] = "AAAAAAACEEEEIIIIDNOOOOO.OUUUUY.SAAAAAAACEEEEIIIIDNOOOOO.OUUUUY.Y";

u8 cp437_upper(u8 c)
{
    if (c >= 'a' && c <= 'z')
        return (u8)(c - 'a' + 'A');
    return c >= FIRST_HIGH && c < FIRST_HIGH + ARRAY_LEN(high_upper) ? high_upper[c - FIRST_HIGH] : c;
}

u8 cp437_lower(u8 c)
{
    if (c >= 'A' && c <= 'Z')
        return (u8)(c - 'A' + 'a');
    for (u32 i = 0; c >= FIRST_HIGH && i < ARRAY_LEN(high_upper); i++)
        if (high_upper[i] == c && i + FIRST_HIGH != c)
            return (u8)(i + FIRST_HIGH);
    return c;
}

u32 cp437_to_unicode(u8 c)
{
    if (c < FIRST_PRINTED || c == DELETE)
        return UNICODE_NONE;
    return code_page_437[c];
}

u8 cp437_from_unicode(u32 code_point)
{
    if (code_point < FIRST_PRINTED || code_point == DELETE)
        return 0;
    if (code_point < FIRST_HIGH)
        return (u8)code_point;
    for (u32 i = FIRST_HIGH; i < ARRAY_LEN(code_page_437); i++)
        if (code_page_437[i] == code_point)
            return (u8)i;
    return 0;
}

u8 cp437_resembling(u32 code_point)
{
    if (code_point < 0xc0 || code_point > 0xff || latin1_plain[code_point - 0xc0] == '.')
        return 0;
    return (u8)latin1_plain[code_point - 0xc0];
}

/* Length of the sequence that `lead` begins, and its own bits; 0 if it cannot begin one. */
static u32 sequence_length(u8 lead, u32 *bits)
{
    if (lead < 0x80) {
        *bits = lead;
        return 1;
    }
    if (lead >= 0xc2 && lead < 0xe0) {
        *bits = lead & 0x1f;
        return 2;
    }
    if (lead >= 0xe0 && lead < 0xf0) {
        *bits = lead & 0x0f;
        return 3;
    }
    *bits = lead & 0x07;
    return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

u32 utf8_next(const char **text)
{
    static const u32 least[] = {0, 0, 0x80, 0x800, 0x10000}; /* below: more bytes than needed */
    const u8 *from = (const u8 *)*text;
    u32 bits;
    u32 length = sequence_length(from[0], &bits);
    for (u32 i = 1; i < length; i++) {
        if ((from[i] & 0xc0) != 0x80) { /* the terminating NUL too */
            length = 0;
            break;
        }
        bits = bits << 6 | (from[i] & 0x3f);
    }
    bool surrogate = bits >= 0xd800 && bits < 0xe000;
    if (!length || bits < least[length] || bits > 0x10ffff || surrogate) {
        *text += 1;
        return UNICODE_NONE;
    }
    *text += length;
    return bits;
}

u32 utf8_put(u32 code_point, char out[4])
{
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    u32 length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (u32 i = length - 1; i; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3f));
        code_point >>= 6;
    }
    out[0] = (char)(0xf00u >> length | code_point);
    return length;
}
