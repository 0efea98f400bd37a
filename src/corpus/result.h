/* What became of one guest of a corpus: a row of the table, and a line of the file of results. */
#ifndef HUDDLE_CORPUS_RESULT_H
#define HUDDLE_CORPUS_RESULT_H

#include "base/types.h"

#include <jansson.h>

enum corpus_verdict {
    CORPUS_SAME,      /* the guest saw the same in all variants */
    CORPUS_DIFFERENT, /* it did not */
    CORPUS_UNDECIDED, /* a variant was stopped by a time limit, or its time was moved on (see
                         run_stats.time_nudges) */
    CORPUS_FAILED,    /* there is no comparison */
    CORPUS_VERDICTS
};

#define CORPUS_REASON_BYTES 240

struct corpus_result {
    u64 key; /* what the result belongs to: never shown, compared as a whole */
    enum corpus_verdict verdict;
    int status;                       /* of `huddle ab`; 128 + signal if it died of one */
    char reason[CORPUS_REASON_BYTES]; /* one line; CORPUS_SAME: "" or a remark */
    bool counted;                     /* there are figures: */
    char first[32], last[32];         /* the variants that are set against each other */
    char backend[32];
    u64 exits_first, exits_last; /* of the guest: without kicks, which come with the host's time */
    u64 ns_first, ns_last;       /* of a processor of the host: what other work there is does not count */
};

/* Takes verdict, reason and figures from what `huddle ab` left: its status as waitpid gives it, its JSON
 * (NULL: none) and what it said on standard error, of which the last line is a failure's reason. */
void corpus_result_judge(struct corpus_result *result, int wait_status, const json_t *report,
                         const char *said);

/* A failure for a reason of the caller's, with that status. */
void corpus_result_fail(struct corpus_result *result, int status, const char *reason);

/* Reads and writes one line of the file of results; `text` is the guest as the list has it. The line ends in
 * LF and is the caller's to free; NULL: out of memory. False: it is not such a line. */
char *corpus_result_write(const struct corpus_result *result, const char *text, const json_t *report);
must_check bool corpus_result_read(struct corpus_result *result, const char *line, size_t bytes);

#endif
