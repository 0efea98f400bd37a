/* The comparison as one HTML file that needs nothing else: no network, no scripts. Its style is in ab.css.
 * HTML Living Standard, written so that it is well-formed XML, too; W3C, WAI-ARIA Authoring Practices. */
#ifndef HUDDLE_REPORT_HTML_H
#define HUDDLE_REPORT_HTML_H

#include "report/ab.h"

#include <jansson.h>
#include <stdio.h>

#define HTML_CLUSTERS 10 /* of a variant that are shown */

struct html_host {
    char cpu[128], kernel[160]; /* "": not known */
    u32 processors;
    char made[32];      /* when; "": not said */
    const char *huddle; /* version */
};

/* What a variant left besides its statistics. */
struct html_run {
    u8 *picture; /* the last one, PNG; NULL: none */
    size_t picture_bytes;
    char *text;       /* the last text screen, UTF-8; NULL: none */
    json_t *clusters; /* clusters_json_top; NULL: none */
};

struct html_report {
    const struct ab_report *ab;
    struct html_host host;
    struct html_run run[AB_MAX_VARIANTS];
};

/* The whole page. Whatever is in the texts of the report, it is well-formed; errors are those of `out`. */
void html_print(FILE *out, const struct html_report *report);

/* Writes it to a temporary file beside `path`, then renames that. 0 or -errno (logged with the name). */
must_check int html_write(const struct html_report *report, const char *path);

#endif
