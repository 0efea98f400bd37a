/* --control: what its clients may do to the guest, and how the guest stands still for them. Orders come at
 * attention, after a kick; a guest without a client pays nothing, and without --control all of this is not
 * there. */
#include "vmm_internal.h"

#include "control/control.h"
#include "dev/kbc.h"
#include "dev/vga/vga.h"
#include "report/json.h"

#include <errno.h>
#include <stdlib.h>

enum { KEY_EVENTS = 256 };

/* Between two looks at a keyboard that is full. */
#define KEY_RETRY_NS NS_PER_MS

struct key_event {
    enum key key;
    bool down;
    u64 after_ns; /* not before so much virtual time has passed since the one before */
};

struct vmm_control {
    struct control *control;
    bool stopped;
    bool reset_asked; /* the next reset is a client's */
    struct clock_event type_event;
    struct key_event event[KEY_EVENTS]; /* waiting to be typed, a ring */
    u32 first, waiting;
    u64 typed_ns; /* the last one */
};

/* --- keys --- */

static void type_keys(void *opaque, u64 deadline_ns)
{
    struct vmm *vmm = opaque;
    struct vmm_control *c = vmm->control;
    (void)deadline_ns;
    while (c->waiting && !vmm->ended) {
        const struct key_event *event = &c->event[c->first];
        u64 now_ns = clock_now(&vmm->machine.clock), due_ns = c->typed_ns + event->after_ns;
        if (kbc_key_queue_full(vmm->machine.kbc))
            due_ns = now_ns + KEY_RETRY_NS;
        if (due_ns > now_ns) {
            clock_event_arm(&c->type_event, due_ns);
            return;
        }
        kbc_key(vmm->machine.kbc, event->key, event->down);
        c->typed_ns = now_ns;
        c->first = (c->first + 1) % KEY_EVENTS;
        c->waiting--;
    }
}

static void add_key(struct vmm_control *c, enum key key, bool down, u64 after_ns)
{
    c->event[(c->first + c->waiting++) % KEY_EVENTS] = (struct key_event){key, down, after_ns};
}

static bool guest_keys(void *opaque, const enum key *keys, u32 n, u64 hold_ns)
{
    struct vmm *vmm = opaque;
    struct vmm_control *c = vmm->control;
    if (c->waiting + 2 * n > KEY_EVENTS)
        return false;
    for (u32 i = 0; i < n; i++)
        add_key(c, keys[i], true, 0);
    for (u32 i = n; i--;)
        add_key(c, keys[i], false, i == n - 1 ? hold_ns : 0);
    if (!c->type_event.armed)
        clock_event_arm(&c->type_event, clock_now(&vmm->machine.clock));
    return true;
}

/* --- the other orders --- */

static void guest_look(void *opaque, struct control_look *look)
{
    struct vmm *vmm = opaque;
    vmm_stats_look(vmm, &look->stats);
    look->level = (int)vmm->level;
    vmm_control_avoided(vmm, look->avoided);
}

static int guest_picture(void *opaque, struct vga_picture *picture)
{
    struct vmm *vmm = opaque;
    return vga_render(vmm->machine.vga, VGA_VIEW_BEAM, picture);
}

static void guest_set_level(void *opaque, int level)
{
    vmm_set_level(opaque, (enum cluster_level)level);
}

static void guest_stop(void *opaque)
{
    struct vmm *vmm = opaque;
    struct vmm_control *c = vmm->control;
    if (c->stopped)
        return;
    c->stopped = true;
    control_set_running(c->control, false);
    control_event(c->control, "STOP", NULL);
}

static void guest_go_on(void *opaque)
{
    struct vmm *vmm = opaque;
    struct vmm_control *c = vmm->control;
    if (!c->stopped)
        return;
    c->stopped = false;
    control_set_running(c->control, true);
    control_event(c->control, "RESUME", NULL);
}

static void guest_reset(void *opaque)
{
    struct vmm *vmm = opaque;
    machine_request_reset(&vmm->machine);
    vmm->control->reset_asked = true;
}

static void guest_quit(void *opaque)
{
    vmm_end(opaque, RUN_END_CONTROL, 0, "a client of --control said quit");
}

/* --- the run loop --- */

static void poll_control(struct vmm *vmm)
{
    const struct control_guest guest = {
        .opaque = vmm,
        .look = guest_look,
        .picture = guest_picture,
        .set_level = guest_set_level,
        .keys = guest_keys,
        .stop = guest_stop,
        .go_on = guest_go_on,
        .reset = guest_reset,
        .quit = guest_quit,
    };
    control_poll(vmm->control->control, &guest);
}

/* As long as a client wants it. Virtual time stands still; signals, --timeout, the display and resets do not.
 */
static int stand_still(struct vmm *vmm)
{
    int rc = 0;
    clock_stop(&vmm->machine.clock);
    while (vmm->control->stopped && !vmm->ended && !rc) {
        if (vmm->machine.requests & REQUEST_RESET)
            rc = vmm_service_requests(vmm);
        vmm_sleep_until(vmm, CLOCK_NEVER);
        vmm->attention = 0;
        vmm->ticks_waiting = 0;
        if (!vmm_stopped(vmm)) {
            vmm_display_poll(vmm);
            poll_control(vmm);
        }
    }
    clock_go_on(&vmm->machine.clock);
    return rc;
}

int vmm_control_serve(struct vmm *vmm)
{
    if (!vmm->control || vmm->ended)
        return 0;
    poll_control(vmm);
    return vmm->control->stopped && !vmm->ended ? stand_still(vmm) : 0;
}

void vmm_control_note_level(struct vmm *vmm)
{
    if (vmm->control)
        control_set_level(vmm->control->control, (int)vmm->level);
}

bool vmm_control_asks_reset(const struct vmm *vmm)
{
    return vmm->control && vmm->control->reset_asked;
}

void vmm_control_rebase(struct vmm *vmm)
{
    struct vmm_control *c = vmm->control;
    if (!c)
        return;
    c->typed_ns = clock_now(&vmm->machine.clock);
    if (c->waiting)
        clock_event_arm(&c->type_event, c->typed_ns + c->event[c->first].after_ns);
}

/* Software for the 286 resets the processor thousands of times a second: that is no news. */
void vmm_control_note_reset(struct vmm *vmm, bool only_processor)
{
    if (!vmm->control || (only_processor && !vmm->control->reset_asked))
        return;
    bool asked = vmm->control->reset_asked;
    vmm->control->reset_asked = false;
    control_event(
        vmm->control->control, "RESET",
        json_pack("{s:b,s:s}", "guest", !asked, "reason", asked ? "host-qmp-system-reset" : "guest-reset"));
}

/* QEMU's ShutdownCause. */
static const char *shutdown_reason(enum run_end end)
{
    switch (end) {
    case RUN_END_EXIT_PORT:
    case RUN_END_PROGRAM:
        return "guest-shutdown";
    case RUN_END_CRASH:
        return "guest-panic";
    case RUN_END_SIGNAL:
        return "host-signal";
    case RUN_END_CONTROL:
        return "host-qmp-quit";
    case RUN_END_CHECK:
    case RUN_END_HOST_ERROR:
        return "host-error";
    default:
        return "host-ui";
    }
}

static void tell_end(struct vmm *vmm)
{
    const char *reason = shutdown_reason(vmm->stats->end);
    bool guest = reason[0] == 'g';
    control_event(vmm->control->control, "SHUTDOWN",
                  json_pack("{s:b,s:s,s:i,s:o}", "guest", guest, "reason", reason, "status",
                            vmm->stats->status, "text", json_text(vmm->stats->end_text)));
}

/* --- life --- */

static void kick(void *opaque)
{
    vmm_kick(opaque);
}

int vmm_control_start(struct vmm *vmm)
{
    struct control *control = vmm->config->control;
    if (!control)
        return 0;
    struct vmm_control *c = vmm->control = calloc(1, sizeof *c);
    if (!c)
        return -ENOMEM;
    c->control = control;
    clock_event_init(&c->type_event, &vmm->machine.clock, "control", type_keys, vmm);
    c->type_event.watches = true;
    return control_start(control, &(struct control_loop){.opaque = vmm, .kick = kick}, (int)vmm->level);
}

void vmm_control_stop(struct vmm *vmm)
{
    if (!vmm->control)
        return;
    tell_end(vmm);
    control_stop(vmm->control->control);
    clock_event_disarm(&vmm->control->type_event); /* keys that were never typed */
    free(vmm->control);
    vmm->control = NULL;
}
