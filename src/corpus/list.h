/* The list of guests of `huddle ab --corpus`: a guest per line, its words as on a command line. */
#ifndef HUDDLE_CORPUS_LIST_H
#define HUDDLE_CORPUS_LIST_H

#include "base/types.h"

#define CORPUS_WHY_BYTES 320

struct corpus_guest {
    u32 line;     /* in the list, from 1 */
    char *text;   /* the line without its comment and the blanks around it */
    char **words; /* n_words, then NULL */
    u32 n_words;  /* at least 1 */
};

struct corpus_list {
    struct corpus_guest *guest;
    u32 n_guests;
};

/* Takes `bytes` bytes apart. Lines end in LF or CR LF; empty ones are skipped, as is what follows a # that
 * begins a word. Words are separated by blanks and tabs. Between '' everything is itself; between "" all but
 * a backslash before " or another. Outside, a backslash makes ' " # blank, tab and backslash themselves, and
 * is itself before anything else, so C:\GAME needs no quotes. 0, -EINVAL (`why`, CORPUS_WHY_BYTES, begins
 * with the line's number: "3: a quote is not closed") or -ENOMEM. */
must_check int corpus_list_parse(struct corpus_list *list, const char *text, size_t bytes, char *why);

void corpus_list_free(struct corpus_list *list);

#endif
