/* Tables of code page 437: IBM's assignment to Unicode, and the upper-case table of country 001 (DOS
 * Programmer's Reference, INT 21h function 65h). */
#include "dos/volume/cp437.h"

enum { FIRST_HIGH = 0x80, DELETE = 0x7f, FIRST_PRINTED = 0x20 };

static const u16 high_unicode[128] = {
    0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, /* 80 */
    0x00ea, 0x00eb, 0x00e8, 0x00ef, 0x00ee, 0x00ec, 0x00c4, 0x00c5, /* 88 */
    0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, /* 90 */
    0x00ff, 0x00d6, 0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, /* 98 */
    0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba, /* a0 */
    0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, /* a8 */
    0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556, /* b0 */
    0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, /* b8 */
    0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f, /* c0 */
    0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, /* c8 */
    0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, /* d0 */
    0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580, /* d8 */
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, /* e0 */
    0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6, 0x03b5, 0x2229, /* e8 */
    0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, /* f0 */
    0x00b0, 0x2219, 0x00b7, 0x221a, 0x207f, 0x00b2, 0x25a0, 0x00a0, /* f8 */
};

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
    return c < FIRST_HIGH ? c : high_unicode[c - FIRST_HIGH];
}

u8 cp437_from_unicode(u32 code_point)
{
    if (code_point < FIRST_PRINTED || code_point == DELETE)
        return 0;
    if (code_point < FIRST_HIGH)
        return (u8)code_point;
    for (u32 i = 0; i < ARRAY_LEN(high_unicode); i++)
        if (high_unicode[i] == code_point)
            return (u8)(i + FIRST_HIGH);
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
