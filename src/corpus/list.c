/* Lines to words. Every buffer of a line is as long as the line: no word is longer, and there are no more
 * words than characters. */
#include "corpus/list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a line is read. */
struct reader {
    const char *at, *end;
    const char *last; /* behind what belongs to the guest: no comment, no blanks */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* A backslash before one of `special`. */
static bool is_escape(const struct reader *r, const char *special)
{
    return *r->at == '\\' && r->at + 1 < r->end && strchr(special, r->at[1]);
}

/* Copies the inside of a quoted part; `at` is behind the opening quote, and then behind the closing one.
 * False: there is none. */
static bool take_quoted(struct reader *r, char quote, char **out)
{
    for (; r->at < r->end && *r->at != quote; r->at++) {
        if (quote == '"' && is_escape(r, "\\\""))
            r->at++;
        *(*out)++ = *r->at;
    }
    if (r->at == r->end)
        return false;
    r->at++;
    return true;
}

/* One word; `at` is at its first character. NULL: a quote is not closed. */
static char *take_word(struct reader *r, char *buffer)
{
    char *out = buffer;
    while (r->at < r->end && !is_blank(*r->at)) {
        char c = *r->at;
        if (c == '\'' || c == '"') {
            r->at++;
            if (!take_quoted(r, c, &out))
                return NULL;
            continue;
        }
        if (is_escape(r, "\\'\"# \t"))
            r->at++;
        *out++ = *r->at++;
    }
    r->last = r->at;
    return strndup(buffer, (size_t)(out - buffer));
}

static int add_word(struct corpus_guest *guest, char *word)
{
    char **more = realloc(guest->words, (guest->n_words + 2) * sizeof *more);
    if (!more) {
        free(word);
        return -ENOMEM;
    }
    guest->words = more;
    more[guest->n_words++] = word;
    more[guest->n_words] = NULL;
    return 0;
}

static int take_words(struct corpus_guest *guest, struct reader *r, char *buffer)
{
    for (;;) {
        while (r->at < r->end && is_blank(*r->at))
            r->at++;
        if (r->at == r->end || *r->at == '#')
            return 0;
        errno = 0;
        char *word = take_word(r, buffer);
        if (!word)
            return errno ? -ENOMEM : -EINVAL;
        int rc = add_word(guest, word);
        if (rc)
            return rc;
    }
}

static void free_guest(struct corpus_guest *guest)
{
    for (u32 i = 0; i < guest->n_words; i++)
        free(guest->words[i]);
    free(guest->words);
    free(guest->text);
}

/* A line without its end. Nothing is added for one without words. */
static int add_line(struct corpus_list *list, u32 line, const char *text, size_t bytes, char *why)
{
    struct corpus_guest guest = {.line = line};
    struct reader r = {text, text + bytes, text};
    char *buffer = malloc(bytes + 1);
    size_t indent = 0;
    while (indent < bytes && is_blank(text[indent]))
        indent++;
    int rc = !buffer ? -ENOMEM : memchr(text, 0, bytes) ? -EILSEQ : take_words(&guest, &r, buffer);
    if (rc == -EILSEQ)
        snprintf(why, CORPUS_WHY_BYTES, "%u: a zero byte: this is not a list", line);
    else if (rc == -EINVAL)
        snprintf(why, CORPUS_WHY_BYTES, "%u: a quote is not closed", line);
    free(buffer);
    if (!rc && guest.n_words) {
        struct corpus_guest *more = realloc(list->guest, (list->n_guests + 1) * sizeof *more);
        guest.text = strndup(text + indent, (size_t)(r.last - text) - indent);
        list->guest = more ? more : list->guest;
        rc = more && guest.text ? 0 : -ENOMEM;
        if (!rc) {
            more[list->n_guests++] = guest;
            return 0;
        }
    }
    free_guest(&guest);
    return rc == -EILSEQ ? -EINVAL : rc;
}

int corpus_list_parse(struct corpus_list *list, const char *text, size_t bytes, char *why)
{
    const char *end = text + bytes;
    *list = (struct corpus_list){NULL, 0};
    for (u32 line = 1; text < end; line++) {
        const char *next = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((next ? next : end) - text);
        if (length && text[length - 1] == '\r')
            length--;
        int rc = add_line(list, line, text, length, why);
        if (rc) {
            corpus_list_free(list);
            return rc;
        }
        text = next ? next + 1 : end;
    }
    return 0;
}

void corpus_list_free(struct corpus_list *list)
{
    for (u32 i = 0; i < list->n_guests; i++)
        free_guest(&list->guest[i]);
    free(list->guest);
    *list = (struct corpus_list){NULL, 0};
}
