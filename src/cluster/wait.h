/* Does the guest do nothing but read ports over and over, waiting for another answer? That is so if, whatever
 * the ports answer for the time being, it comes from one read to the next with nothing done: there is only a
 * small number of states (registers, and what it stores) in which it can be at a read, and it never leaves
 * them. The proof goes through all of them in the interpreter, with each answer, on a private view of memory.
 */
#ifndef HUDDLE_CLUSTER_WAIT_H
#define HUDDLE_CLUSTER_WAIT_H

#include "base/cpu.h"
#include "cluster/env.h"
#include "cluster/wait_count.h"

#define WAIT_VALUES 4
#define WAIT_PORTS  4
#define WAIT_OTHERS 7 /* addresses of a page besides the one in hand */

/* What byte reads of a port can give. */
struct wait_port {
    u16 port;
    u8 value[WAIT_VALUES];
    u32 n;
};

struct wait_config {
    const struct cluster_env *env; /* the guest's world; no device of it is accessed */
    u8 *view;                      /* its memory once more, in which stores stay private until dropped */
    void (*drop)(void *opaque, u32 page);
    /* The other addresses of the page of RAM at `page`; returns how many. NULL: none ever. */
    u32 (*others)(void *opaque, u32 page, u32 other[WAIT_OTHERS]);
    /* Fills in what reads of port->port can give; false: reads of it do something. */
    bool (*ask)(void *opaque, struct wait_port *port);
    void *opaque;
};

struct wait_proof {
    struct wait_port port[WAIT_PORTS]; /* that it reads */
    u32 n_ports;
    bool interruptible; /* interrupts are enabled somewhere on the way */
    u32 steps;          /* instructions the proof took */
    struct wait_count count;
};

struct wait;

/* 0 or -ENOMEM. `config` is copied; what it points to must live as long. */
must_check int wait_create(struct wait **wait, const struct wait_config *config);
void wait_destroy(struct wait *wait);

/* True: the guest that goes on from `cpu` waits so, as far as `max_steps` instructions can tell. The mode
 * must be supported (cpu_mode_supported), TF clear. `counting`: and it counts down, proof->count, once from
 * each read to the next. After n such rounds its state is what it is now, but for a register that has changed
 * by n, if it does not become zero. If it is not proved without that, proof->count.found says whether it is
 * worth trying. */
bool wait_prove(struct wait *wait, const struct cpu_state *cpu, u32 max_steps, bool counting,
                struct wait_proof *proof);

#endif
