/* What a guest's files hold, as one number: a result belongs to that, not to their names. */
#ifndef HUDDLE_CORPUS_CONTENT_H
#define HUDDLE_CORPUS_CONTENT_H

#include "base/types.h"

#include <sys/stat.h>

/* `hash` carried on over a word. */
u64 corpus_hash_text(u64 hash, const char *text);

/* `hash` carried on over the contents of `path` (relative to the directory `at`): of a directory, of all
 * files in it and beneath, with their names; links in it are not followed. What cannot be read counts as what
 * the error is. */
u64 corpus_hash_file(u64 hash, int at, const char *path);

/* The same without the file `except` (its st_dev and st_ino; NULL: with all) where a directory has it, as if it were not
 * there. */
u64 corpus_hash_without(u64 hash, int at, const char *path, const struct stat *except);

#endif
