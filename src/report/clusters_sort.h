/* The clusters of an engine in the order of listings, and what is said of them in every form. */
#ifndef HUDDLE_REPORT_CLUSTERS_SORT_H
#define HUDDLE_REPORT_CLUSTERS_SORT_H

#include "report/clusters.h"

/* A cluster with what is summed up over it. */
struct clusters_item {
    const struct cluster *cluster;
    u64 exits_avoided;
    u32 exiting; /* instructions */
    u16 *order;  /* [cluster->n] indices of its instructions by address, the entry first */
};

struct clusters_list {
    u32 n;
    struct clusters_item *item; /* [n], most exits avoided first; NULL: no memory */
    u64 runs, exits_avoided;    /* of all of them */
};

/* Valid until the engine sees another exit. False: no memory. */
must_check bool clusters_list_init(struct clusters_list *list, const struct cluster_engine *engine);
void clusters_list_fini(struct clusters_list *list);

struct clusters_leave {
    enum cluster_leave reason;
    u64 count;
};
/* The reasons for which it was left, most frequent first; returns how many. */
u32 clusters_leaves(struct clusters_leave leaves[LEAVE_REASONS], const struct cluster *cluster);

#define CLUSTERS_TEXT_BYTES 96

/* "0000:7C3A", or the linear address where code does not lie as in real mode. Returns `text`. */
const char *clusters_address(char text[CLUSTERS_TEXT_BYTES], const struct cluster *cluster, u32 eip);
/* The instruction's disassembly. Returns `text`. */
const char *clusters_disassemble(char text[CLUSTERS_TEXT_BYTES], const struct cluster *cluster,
                                 const struct cluster_insn *insn);
/* "strong", "weak", "filler". */
const char *clusters_class(const struct cluster_insn *insn);
/* "at", "before", "inside": where the exit is, seen from the cluster's address; "region": it is entered without one. */
const char *clusters_position(const struct cluster *cluster);
bool clusters_is_region(const struct cluster *cluster);
/* Which instructions are targets of branches inside the cluster. Returns how many basic blocks there are. */
u32 clusters_blocks(bool targets[CLUSTER_MAX_INSNS], const struct cluster *cluster);
/* Host code of instruction `i`, or of all for CLUSTER_NO_INSN; NULL: there is none. */
const u8 *clusters_host_code(const struct clusters_report *report, const struct cluster *cluster, int i,
                             u32 *bytes);

#endif
