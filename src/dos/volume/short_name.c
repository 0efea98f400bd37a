/* The rules by which long names become short, and the numbering of those that would be equal. */
#include "dos/volume/short_name.h"

#include "base/hash.h"
#include "dos/volume/cp437.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEM_CHARS = 8,
    EXTENSION_CHARS = 3,
    TAIL_STEM_CHARS = 6, /* of the stem, before "~1" */
    TAIL_MAX = 9999999,  /* "~9999999" fills the stem */
};

/* What a host name comes to. */
struct candidate {
    char stem[STEM_CHARS + 1], extension[EXTENSION_CHARS + 1];
    bool exact; /* nothing was lost: no tail needed */
    struct short_name *item;
};

/* --- one name --- */

static bool is_allowed(u8 c)
{
    return c > ' ' && c != 0x7f && !strchr("\"*+,./:;<=>?[\\]|", c);
}

/* The character for DOS, 0 to drop it; `exact` is cleared where something is lost. */
static u8 convert_character(u32 code_point, bool *exact)
{
    bool combining = code_point >= 0x300 && code_point < 0x370;
    if (code_point == ' ' || code_point == '.' || combining) {
        *exact = false;
        return 0;
    }
    u8 c = cp437_from_unicode(code_point);
    if (c && is_allowed(c))
        return cp437_upper(c);
    *exact = false;
    u8 plain = cp437_resembling(code_point);
    return plain ? plain : '_';
}

/* Characters up to `end` into at most `max`. */
static void convert_part(const char *text, const char *end, char *out, u32 max, bool *exact)
{
    u32 length = 0;
    while (text < end) {
        u8 c = convert_character(utf8_next(&text), exact);
        if (c && length < max)
            out[length++] = (char)c;
        else if (c)
            *exact = false;
    }
    out[length] = 0;
}

static bool is_device_stem(const char *stem)
{
    static const char *const plain[] = {"CON", "AUX", "PRN", "NUL", "CLOCK$"};
    for (u32 i = 0; i < ARRAY_LEN(plain); i++)
        if (!strcmp(stem, plain[i]))
            return true;
    return (!strncmp(stem, "COM", 3) || !strncmp(stem, "LPT", 3)) && stem[3] >= '1' && stem[3] <= '4' &&
           !stem[4];
}

static void convert_name(const char *host, struct candidate *to)
{
    const char *start = host + strspn(host, ".");
    const char *end = start + strlen(start);
    const char *dot = strrchr(start, '.');
    to->exact = start == host && (!dot || dot + 1 < end);
    convert_part(start, dot ? dot : end, to->stem, STEM_CHARS, &to->exact);
    convert_part(dot ? dot + 1 : end, end, to->extension, EXTENSION_CHARS, &to->exact);
    if (!to->stem[0]) {
        strcpy(to->stem, "_");
        to->exact = false;
    }
    if (is_device_stem(to->stem))
        to->exact = false;
}

/* At most 8 characters of stem and tail, 3 of the extension. */
static void compose(char dos[DOS_NAME_BYTES], const char *stem, u32 stem_chars, const char *tail,
                    const char *extension)
{
    char *end = mempcpy(dos, stem, strnlen(stem, stem_chars));
    end = mempcpy(end, tail, strlen(tail));
    if (*extension) {
        *end++ = '.';
        end = mempcpy(end, extension, strlen(extension));
    }
    *end = 0;
}

/* --- the names taken: open addressing, at most half full --- */

struct name_set {
    const char **slots;
    u32 mask;
};

static const char **set_slot(const struct name_set *set, const char *dos)
{
    u32 at = (u32)hash64(dos, strlen(dos)) & set->mask;
    while (set->slots[at] && strcmp(set->slots[at], dos))
        at = (at + 1) & set->mask;
    return &set->slots[at];
}

static bool set_has(const struct name_set *set, const char *dos)
{
    return *set_slot(set, dos) != NULL;
}

static void set_add(const struct name_set *set, const char *dos)
{
    *set_slot(set, dos) = dos;
}

static bool set_init(struct name_set *set, u32 count)
{
    u64 slots = 16;
    while (slots < (u64)count * 2)
        slots *= 2;
    set->mask = (u32)(slots - 1);
    set->slots = calloc(slots, sizeof *set->slots);
    return set->slots != NULL;
}

/* --- all names of a directory --- */

static int by_host(const void *a, const void *b)
{
    return strcmp(((const struct short_name *)a)->host, ((const struct short_name *)b)->host);
}

/* Those that are numbered together next to each other, in the order of their host names. */
static int by_group(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = strncmp(x->stem, y->stem, TAIL_STEM_CHARS);
    if (!order)
        order = strcmp(x->extension, y->extension);
    return order ? order : strcmp(x->item->host, y->item->host);
}

static bool same_group(const struct candidate *x, const struct candidate *y)
{
    return !strncmp(x->stem, y->stem, TAIL_STEM_CHARS) && !strcmp(x->extension, y->extension);
}

/* The first free name with a number from *number. */
static void assign_tail(struct candidate *candidate, const struct name_set *taken, u32 *number)
{
    char dos[DOS_NAME_BYTES], tail[STEM_CHARS + 1];
    for (; *number <= TAIL_MAX; ++*number) {
        u32 length = (u32)snprintf(tail, sizeof tail, "~%u", MIN(*number, (u32)TAIL_MAX));
        compose(dos, candidate->stem, MIN(STEM_CHARS - length, (u32)TAIL_STEM_CHARS), tail,
                candidate->extension);
        if (set_has(taken, dos))
            continue;
        strcpy(candidate->item->dos, dos);
        set_add(taken, candidate->item->dos);
        ++*number;
        return;
    }
}

/* Names that need no tail are given away; the others are left in `rest`. Returns how many. */
static u32 assign_exact(struct short_name *items, u32 count, const struct name_set *taken,
                        struct candidate *rest)
{
    u32 left = 0;
    for (u32 i = 0; i < count; i++) {
        struct candidate *candidate = &rest[left];
        if (items[i].dos[0])
            continue;
        convert_name(items[i].host, candidate);
        candidate->item = &items[i];
        char dos[DOS_NAME_BYTES];
        compose(dos, candidate->stem, STEM_CHARS, "", candidate->extension);
        if (!candidate->exact || set_has(taken, dos)) {
            left++;
            continue;
        }
        strcpy(items[i].dos, dos);
        set_add(taken, items[i].dos);
    }
    return left;
}

int short_names_assign(struct short_name *items, u32 count)
{
    struct name_set taken;
    struct candidate *rest = malloc(((size_t)count + 1) * sizeof *rest);
    bool ready = set_init(&taken, count);
    if (!rest || !ready) {
        free(rest);
        free(taken.slots);
        return -ENOMEM;
    }
    if (count)
        qsort(items, count, sizeof *items, by_host);
    for (u32 i = 0; i < count; i++)
        if (items[i].dos[0])
            set_add(&taken, items[i].dos);
    u32 left = assign_exact(items, count, &taken, rest);
    qsort(rest, left, sizeof *rest, by_group);
    u32 number = 1;
    for (u32 i = 0; i < left; i++) {
        if (i && !same_group(&rest[i - 1], &rest[i]))
            number = 1;
        assign_tail(&rest[i], &taken, &number);
    }
    free(rest);
    free(taken.slots);
    return 0;
}

/* --- single names --- */

bool short_name_is_device(const char *dos)
{
    char stem[STEM_CHARS + 1];
    size_t length = strcspn(dos, ".");
    if (length > STEM_CHARS)
        return false;
    memcpy(stem, dos, length);
    stem[length] = 0;
    return is_device_stem(stem);
}

bool short_name_to_host(const char *dos, bool capitals, char host[3 * DOS_NAME_BYTES])
{
    u32 bytes = 0;
    for (const char *c = dos; *c && c < dos + DOS_NAME_BYTES; c++) {
        u32 code_point = cp437_to_unicode(capitals ? (u8)*c : cp437_lower((u8)*c));
        if (code_point == UNICODE_NONE)
            return false;
        bytes += utf8_put(code_point, host + bytes);
    }
    host[bytes] = 0;
    struct candidate back;
    char again[DOS_NAME_BYTES];
    convert_name(host, &back);
    compose(again, back.stem, STEM_CHARS, "", back.extension);
    return back.exact && !strcmp(again, dos);
}

void short_name_words(const char *host, char *out, u32 max)
{
    bool exact = true;
    convert_part(host, host + strlen(host), out, max, &exact);
}
