/* Scripts: what a person at the keyboard would do, as lines of text.
 *
 *   wait-text "A:\>" 20s      until the text screen contains it (fails after the time; default 30s)
 *   wait 2s                   virtual time; also 500ms
 *   type "dir\n"              keys of a US keyboard; escapes \n \t \e \b \\ \"
 *   key ctrl-alt-del          one chord by names
 *   mouse DX DY [left|right|middle ...]
 *   screenshot x.png
 *   text                      print the text screen
 *   cluster off|pairs|window|on
 *   save x.state              the whole machine, but for the contents of disk images
 *   load x.state
 *   quit [STATUS]
 *   # comment
 *
 * A script runs on virtual time, polled every 10 ms of it, so under --clock=access it is deterministic. */
#ifndef HUDDLE_SCRIPT_H
#define HUDDLE_SCRIPT_H

#include "base/types.h"

struct script;

/* What a script may do to the machine; filled by the run loop. */
struct script_host {
    void *opaque;
    u64 (*now_ns)(void *opaque);                             /* virtual */
    size_t (*text)(void *opaque, char *utf8, size_t size);   /* the text screen; empty in graphics modes */
    bool (*key)(void *opaque, int key, bool down);           /* enum key; false: queue full, try again */
    void (*mouse)(void *opaque, int dx, int dy, unsigned buttons);
    int (*screenshot)(void *opaque, const char *path);       /* 0 or -errno (logged) */
    void (*cluster)(void *opaque, int level);                /* enum cluster_level */
    int (*state)(void *opaque, bool load, const char *path); /* 0 or -errno (logged); -EAGAIN: ask again at the next poll */
};

enum script_state { SCRIPT_RUNNING, SCRIPT_ENDED, SCRIPT_QUIT, SCRIPT_FAILED };

/* Parses the whole file. 0 or -errno; errors are logged as "FILE:LINE: reason". */
must_check int script_load(struct script **script, const char *path);
void script_free(struct script *script);
/* Whether it has a `cluster` command: such a script cannot be used to compare levels. */
bool script_changes_cluster(const struct script *script);

/* Goes as far as it can without waiting. To be called every 10 ms of virtual time. */
enum script_state script_poll(struct script *script, const struct script_host *host);
/* With SCRIPT_QUIT: its status. With SCRIPT_FAILED: 1. */
int script_status(const struct script *script);

#endif
