/* One run of a guest in a process of its own, for comparisons. */
#ifndef HUDDLE_AB_CHILD_H
#define HUDDLE_AB_CHILD_H

#include "drives.h"
#include "options.h"
#include "report/difference.h"
#include "report/run_stats.h"

/* For ab --html: the last picture (PNG), the last text screen (UTF-8, empty in graphics modes), the hottest clusters (JSON). */
enum ab_page_part { AB_PAGE_PICTURE, AB_PAGE_TEXT, AB_PAGE_CLUSTERS, AB_PAGE_PARTS };

/* What a run leaves: the statistics, the access stream's records, final memory, what it said. */
struct ab_child {
    struct run_stats *stats; /* in memory shared with the child */
    int records_fd;          /* memfd; -1: none */
    int output_fd;           /* memfd with the child's standard output and error; -1: it wrote to ours */
    struct records records;  /* mapped from records_fd by ab_child_map */
    size_t mapped_bytes;
    int ram_fd;              /* memfd with the guest's final memory */
    int page_fd[AB_PAGE_PARTS]; /* memfds with what only ab --html shows; -1: not there */
};

/* Memory for the statistics of `n` runs, shared with children; NULL (logged). */
struct run_stats *ab_child_share(u32 n);
void ab_child_unshare(struct run_stats *stats, u32 n);

/* Runs the guest as `options` and `variant` say and waits for its end. `quiet` keeps what the child prints.
 * `child->stats` must be set, the rest is filled. 0 whatever happened to the guest: a child that dies is a
 * run with RUN_END_HOST_ERROR. -errno (logged) if there was no child. */
must_check int ab_child_run(struct ab_child *child, const struct options *options,
                            const struct drives *drives, const struct variant *variant, bool quiet);

/* Adds to a DIFFERENCE_RAM between the two runs where their memories differ, if both can be read back. */
void ab_child_locate_ram(struct difference *difference, const struct ab_child *a, const struct ab_child *b);

/* What the run left for the page: NUL-terminated, the caller's; NULL: nothing. */
char *ab_child_read_page(const struct ab_child *child, enum ab_page_part part, size_t *bytes);

/* Prints what a quiet child said to standard error. */
void ab_child_print_output(const struct ab_child *child);

/* Forgets records and output; the statistics stay. */
void ab_child_close(struct ab_child *child);

#endif
