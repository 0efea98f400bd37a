/* A cluster: the guest instructions downstream of an exit that would exit next, and the gap fillers between them,
 * lowered to steps once and executed many times. Agesen, Mattson, Rugina, Sheldon: "Software Techniques for Avoiding Hardware
 * Virtualization Exits" (USENIX ATC 2012). */
#ifndef HUDDLE_CLUSTER_CLUSTER_H
#define HUDDLE_CLUSTER_CLUSTER_H

#include "base/cpu.h"
#include "cluster/env.h"
#include "cluster/heat.h"
#include "cluster/stats.h"
#include "cluster/step.h"

#define CLUSTER_MAX_INSNS 256
#define CLUSTER_NO_INSN   (-1)

/* What a cluster is looked up by; hashed with XXH3, compared whole. */
struct cluster_key {
    struct cpu_where where;
    u32 position; /* enum cluster_position */
};

/* Where KVM left RIP at the exit. */
enum cluster_position {
    POSITION_AT,     /* at the instruction that exits: it is finished before the cluster is entered */
    POSITION_AFTER,  /* just behind it */
    POSITION_INSIDE, /* at a REP string instruction that has elements left */
    POSITION_REGION, /* a region: entered with a complete state, wherever that came from */
};

struct cluster_insn {
    u32 eip, next_eip;
    u32 target_eip;  /* of a relative branch; else next_eip */
    s16 next, target; /* index of that instruction in the cluster, or CLUSTER_NO_INSN */
    bool exiting;
    u64 exits_avoided; /* accesses it made in clusters; formed again, an instruction that stayed counts on */
    struct steps steps;
};

/* Does its branch close a loop? Every loop has such an edge: there the run loop and the horizon are looked at. */
static inline bool cluster_edge_is_back(const struct cluster_insn *insn)
{
    return insn->target_eip <= insn->eip;
}

/* Adjacent bytes of guest code. */
struct cluster_code {
    linear_t first;
    u32 bytes;
    u32 at; /* index in the cluster's `bytes` */
};

struct cluster {
    struct cluster_key key;
    u32 n;
    struct cluster_insn *insn; /* [n], in the order of the scan */
    struct cluster_code *code; /* [n_code], ascending: all of its instructions, and nothing else */
    u32 n_code;
    u8 *bytes;                 /* guest code at formation, stretch by stretch: the coherency check compares them */
    struct code_map *code_map; /* that knows of this code; NULL: none does */
    linear_t code_first, code_last; /* lowest and highest address of any byte above */
    u32 eip_last;              /* highest offset of any of them: must lie inside the code segment */
    linear_t scan_last;        /* how far the scan looked: an exit up to there at what did not join asks for a new formation */
    void *translation;         /* the back-end's; NULL for the interpreter */
    /* Counts of all the clusters there have been with this key. */
    u32 formed;
    u64 runs;
    u64 leave[LEAVE_REASONS];  /* of these runs */
    u64 exits_avoided_gone;    /* by instructions that are no longer in it */
};

enum form_result { FORM_OK, FORM_ALONE, FORM_UNREADABLE };

struct form_request {
    const struct cluster_env *env;
    const struct heat *heat;
    u32 window; /* instructions to scan, the exiting one included */
    /* A region: all that can be reached over branches to where the guest has been, exiting or not. NULL: a window. */
    bool (*has_been)(void *opaque, u32 eip);
    void *has_been_opaque;
    /* Told which instruction ended the scan because it is not on the allow-list. */
    void (*on_stop)(void *opaque, const struct insn *insn);
    void *on_stop_opaque;
};

/* Scans downstream from `key` and builds the cluster if at least one more exiting instruction can be reached: breadth
 * first over fall-through and branch targets, at most `window` instructions; what leads to no exiting
 * instruction is dropped. *cluster is owned by the caller (cluster_free). */
enum form_result cluster_form(const struct form_request *request, const struct cluster_key *key,
                              struct cluster **cluster);
void cluster_free(struct cluster *cluster);

/* Fills code and bytes from the instructions and enters them in `map` (NULL: nowhere); code.c. False: no memory. */
must_check bool cluster_keep_code(struct cluster *cluster, struct code_map *map);
/* It will not be run any more: stores to its code mean nothing. */
void cluster_release_code(struct cluster *cluster);

/* The coherency check: are all guest bytes the cluster was made from still there? */
bool cluster_coherent(const struct cluster *cluster, const struct cluster_env *env);

/* Are any bytes of its instructions among those at `first` to `last` (both included)? With A20 off a byte answers at
 * two addresses: both count, whatever A20 is. */
bool cluster_holds(const struct cluster *cluster, linear_t first, linear_t last);

/* Index of the instruction at offset `eip`, or CLUSTER_NO_INSN. */
int cluster_find(const struct cluster *cluster, u32 eip);

/* Takes over the counts of `old`, the cluster there was with this key before. */
void cluster_inherit(struct cluster *cluster, const struct cluster *old);

/* Exits avoided by its instructions, those included that are no longer in it. */
u64 cluster_exits_avoided(const struct cluster *cluster);

/* A listing into `text`, cut at `size`: a headline, then per instruction address, bytes, class, what it does to the
 * run ("exits") and where it goes on if not to the line below. print.c */
void cluster_print(const struct cluster *cluster, char *text, size_t size);

#endif
