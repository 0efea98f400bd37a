/* Made-up results of runs, as a planar blitting guest might leave them. */
#ifndef HUDDLE_TESTS_FAKE_RUNS_H
#define HUDDLE_TESTS_FAKE_RUNS_H

#include "report/ab.h"

struct fake_ab {
    struct run_stats runs[AB_MAX_VARIANTS];
    struct run_stats windows[AB_MAX_WINDOWS];
    struct access records[2][16];
    struct ab_report report; /* points into the above */
};

/* `n` variants that were the same for the guest. */
void fake_ab_init(struct fake_ab *fake, u32 n);
void fake_ab_add_windows(struct fake_ab *fake);
/* The last variant reads something else at access 7. */
void fake_ab_differ(struct fake_ab *fake);

/* Twelve accesses: index and data of a VGA register, memory, an interrupt. */
u32 fake_records(struct access *records);

const char *fake_port_name(u16 port);

#endif
