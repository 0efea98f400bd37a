/* The file of results: JSON lines, one per guest, appended as guests end, and read back to go on. */
#ifndef HUDDLE_CORPUS_RESULTS_H
#define HUDDLE_CORPUS_RESULTS_H

#include "corpus/result.h"

/* In the order of the file. */
struct corpus_results {
    const char *path; /* the caller's */
    int fd;
    struct corpus_result *result;
    u32 n_results;
};

/* Opens or makes the file `path`, takes it for this process, and reads what is there. Half a line at its end,
 * of a process that was killed while it wrote, is cut off; other lines that are no results are named and left
 * alone. A file in which there is no result at all, but something else, is refused. 0 or -errno (logged). */
must_check int corpus_results_open(struct corpus_results *results, const char *path);

/* The last result with that key, or NULL. */
const struct corpus_result *corpus_results_find(const struct corpus_results *results, u64 key);

/* Appends a line (of corpus_result_write) in one piece. 0 or -errno (logged). */
must_check int corpus_results_append(const struct corpus_results *results, const char *line);

void corpus_results_close(struct corpus_results *results);

#endif
