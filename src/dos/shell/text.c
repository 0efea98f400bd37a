/* Characters and words; see text.h. */
#include "text.h"

void *memset(void *to, int value, size_t bytes)
{
    char *p = to;
    while (bytes--)
        *p++ = value;
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    char *p = to;
    const char *q = from;
    if (p <= q) {
        while (bytes--)
            *p++ = *q++;
    } else {
        while (bytes--)
            p[bytes] = q[bytes];
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
    return memmove(to, from, bytes);
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const u8 *p = a, *q = b;
    for (; bytes; p++, q++, bytes--) {
        if (*p != *q)
            return *p - *q;
    }
    return 0;
}

size_t text_length(const char *text)
{
    size_t n = 0;
    while (text[n])
        n++;
    return n;
}

bool text_copy(char *to, size_t bytes, const char *from)
{
    size_t n = 0;
    for (; from[n] && n + 1 < bytes; n++)
        to[n] = from[n];
    to[n] = 0;
    return !from[n];
}

bool text_append(char *to, size_t bytes, const char *from)
{
    size_t n = text_length(to);
    return text_copy(to + n, bytes - n, from);
}

bool text_same(const char *a, const char *b)
{
    for (; char_upper(*a) == char_upper(*b); a++, b++) {
        if (!*a)
            return true;
    }
    return false;
}

char *text_last(const char *text, char c)
{
    const char *last = NULL;
    for (; *text; text++) {
        if (*text == c)
            last = text;
    }
    return (char *)last;
}

bool text_has(const char *text, char c)
{
    return text_last(text, c) != NULL;
}

char char_upper(char c)
{
    return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

bool char_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool char_is_letter(char c)
{
    c = char_upper(c);
    return c >= 'A' && c <= 'Z';
}

bool char_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool char_is_delimiter(char c)
{
    return char_is_blank(c) || c == ',' || c == ';' || c == '=';
}

char *skip_blanks(char *text)
{
    while (char_is_blank(*text))
        text++;
    return text;
}

char *skip_delimiters(char *text)
{
    while (char_is_delimiter(*text))
        text++;
    return text;
}

s32 number_read(char **text)
{
    s32 number = -1;
    for (; char_is_digit(**text); ++*text) {
        number = (number < 0 ? 0 : number) * 10 + **text - '0';
        if (number > 0xffff)
            return -1;
    }
    return number;
}
