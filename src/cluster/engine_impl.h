/* Inside of the cluster engine: the cache of clusters, shared by engine.c (exits and windows) and region.c (level on). */
#ifndef HUDDLE_CLUSTER_ENGINE_IMPL_H
#define HUDDLE_CLUSTER_ENGINE_IMPL_H

#include "cluster/engine.h"

enum {
    CACHE_SLOTS = 65536, /* a power of two */
    CACHE_MAX_USED = CACHE_SLOTS / 4 * 3,
    FORM_AT_EXIT = 3,    /* "translate on 3rd exit", unless cluster_engine_set_form_at says otherwise */
    QUICK_WIDENINGS = 8, /* of one entry; then its exits must double between two */
};

struct entry {
    struct cluster_key key;
    bool used;
    u32 widenings;
    u64 exits;
    u64 form_at;  /* exits at which formation is tried */
    u64 widen_at; /* exits from which it may be formed again because code that did not join became hot */
    struct cluster *cluster;
    struct cluster *old; /* given up, to be formed again: only its counts are of interest */
    u32 verified;   /* epoch of the code map in which the cluster's code was compared; region.c */
};

struct cluster_engine {
    /* What every exit needs comes first, in as few cache lines as can be: after KVM they are cold. */
    const struct cluster_env *env;
    u32 window;
    u32 wanted_window;
    bool regions;            /* level on: window does not count */
    bool wanted_regions;
    bool window_changed;     /* to wanted_window, at the next exit: the cluster handed out may be running */
    bool kvm_ran;            /* since the epoch of the code map began */
    u32 generation_seen;     /* *env->generation as it began */
    u32 form_at;             /* exits at one place at which a cluster is formed */
    u32 n_used;
    struct entry *given;     /* the entry whose cluster cluster_engine_exit returned last */
    struct entry *last_left; /* the entry whose cluster ran to its end or out of it by a branch, until the next exit */
    struct cluster_backend backend;
    struct interp *interp;   /* regions: for code that is not often executed */
    struct cluster_stats stats;
    u64 formations;          /* tried */
    struct heat heat;
    u32 stop_count[ZYDIS_MNEMONIC_MAX_VALUE + 1];
    u32 used[CACHE_MAX_USED]; /* n_used slots: most of them never are, and their memory is not touched */
    struct entry entry[CACHE_SLOTS];
};

/* Puts cluster_engine_set_window into effect. */
void engine_change_window(struct cluster_engine *engine);
/* The entry with this key, or the free one where it would go. */
struct entry *engine_find(struct cluster_engine *engine, const struct cluster_key *key);
/* The entry with this key, made if there is none. */
struct entry *engine_entry(struct cluster_engine *engine, const struct cluster_key *key);
/* The entry's cluster is not run any more; the next one with its key counts on. */
void engine_drop_cluster(struct cluster_engine *engine, struct entry *entry);
/* Forms the entry's cluster as `request` says, or puts the next attempt off. */
void engine_try_form(struct cluster_engine *engine, struct entry *entry, struct form_request *request);

#endif
