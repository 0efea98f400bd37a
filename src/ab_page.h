/* What `huddle ab --html` gathers for its page while the variants run. */
#ifndef HUDDLE_AB_PAGE_H
#define HUDDLE_AB_PAGE_H

#include "ab_child.h"
#include "report/html.h"

/* Zero-initialised: nothing yet. */
struct ab_page {
    struct html_run run[AB_MAX_VARIANTS]; /* what is in them is ours */
};

/* Keeps what variant `i` left for the page, if anything: before its child is closed. */
void ab_page_take(struct ab_page *page, u32 i, const struct ab_child *child);
/* 0 or -errno (logged with the file's name). */
must_check int ab_page_write(const struct ab_page *page, const struct ab_report *report, const char *path);
void ab_page_free(struct ab_page *page);

#endif
