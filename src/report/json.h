/* What a run left, as JSON. Keys are those of the X-macro lists; hashes are strings of 16 hexadecimal digits.
 */
#ifndef HUDDLE_REPORT_JSON_H
#define HUDDLE_REPORT_JSON_H

#include "report/run_stats.h"

#include <jansson.h>

/* One variant's object; the caller's reference. */
json_t *json_variant(const struct run_stats *stats);

/* A string. Names of files can be any bytes: what is not UTF-8 gets a '?' for each byte beyond ASCII. */
json_t *json_text(const char *text);

void json_set_u64(json_t *object, const char *key, u64 value);

/* Writes `json` (NULL: out of memory) to a file, indented. 0 or -errno (logged). */
must_check int json_write(const json_t *json, const char *path);

#endif
