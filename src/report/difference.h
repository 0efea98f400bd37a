/* Whether two runs of a guest were the same for the guest, and if not, where they first differ. */
#ifndef HUDDLE_REPORT_DIFFERENCE_H
#define HUDDLE_REPORT_DIFFERENCE_H

#include "machine/trace.h"
#include "report/run_stats.h"

#include <stdio.h>

/* The records of an access stream that were kept: all, or the first ones. */
struct records {
    const struct access *first;
    u64 count;
};

enum difference_kind {
    DIFFERENCE_NONE,
    DIFFERENCE_FAILED,  /* a run could not be made at all */
    DIFFERENCE_ACCESS,  /* record `index` differs */
    DIFFERENCE_LENGTH,  /* the same as far as one of them goes; record `index` is there only once */
    DIFFERENCE_BEYOND,  /* the streams differ behind the `index` records that were kept */
    DIFFERENCE_STOPPED, /* one was stopped from outside, and was the same up to there */
    DIFFERENCE_END,     /* they ended in different ways */
    DIFFERENCE_RAM,
    DIFFERENCE_FRAME,
};

#define DIFFERENCE_CONTEXT   4
#define DIFFERENCE_RAM_BYTES 16 /* shown of memory that differs */

struct difference {
    enum difference_kind kind;
    const struct run_stats *a, *b;
    u64 index;         /* of the record, from 0 */
    bool has_a, has_b; /* that record exists */
    struct access record_a, record_b;
    struct access context[DIFFERENCE_CONTEXT]; /* the records before it, the same in both */
    u32 n_context;
    bool ram_located;
    u32 ram_addr;      /* guest physical, of the first byte that differs */
    u64 ram_differing; /* bytes that differ in all */
    u8 ram_a[DIFFERENCE_RAM_BYTES], ram_b[DIFFERENCE_RAM_BYTES]; /* from ram_addr on */
};

/* Compares run `b` with run `a`. `difference` points to both. */
void difference_find(struct difference *difference, const struct run_stats *a, struct records records_a,
                     const struct run_stats *b, struct records records_b);

/* Finds where two memories of `bytes` bytes first differ and how much does. Nothing if they are the same. */
void difference_locate_ram(struct difference *difference, const u8 *a, const u8 *b, u32 bytes);

/* The machine's name for a port, or NULL. */
typedef const char *difference_port_name(u16 port);

/* "port write 3CFh (VGA GC data): 0Fh" into `text`. `port_name` may be NULL. */
void difference_format_access(char *text, size_t size, const struct access *access,
                              difference_port_name *port_name);

/* One line: what differs. */
void difference_summary(char *text, size_t size, const struct difference *difference);

/* The records around the difference, or how both runs ended, as a table with headings. False: this kind of difference has none, or
 * the ends are not worth a word. */
struct table;
bool difference_table_records(struct table *table, const struct difference *difference, difference_port_name *port_name);
bool difference_table_ends(struct table *table, const struct difference *difference);

/* Several lines: the records on both sides, with context; ends, hashes. Nothing for DIFFERENCE_NONE. */
void difference_print(FILE *out, const struct difference *difference, difference_port_name *port_name);

#endif
