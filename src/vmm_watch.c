/* What watches the guest on virtual time: scripts, --until-text, --frames. */
#include "vmm_internal.h"

#include "dev/kbc.h"
#include "dev/vga/vga.h"
#include "script.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define POLL_NS (10 * NS_PER_MS)

enum { TEXT_BYTES = 64 * KIB }; /* the largest text screen in UTF-8: 132 x 60 cells of 3 bytes, and some */

static u64 script_now(void *opaque)
{
    struct vmm *vmm = opaque;
    return clock_now(&vmm->machine.clock);
}

/* The text screen without the empty lines at its end. Returns its length; 0 outside text modes. */
static size_t screen_text(struct vmm *vmm, char *utf8, size_t size)
{
    size_t n = vga_text(vmm->machine.vga, utf8, size);
    while (n >= 2 && utf8[n - 1] == '\n' && utf8[n - 2] == '\n')
        utf8[--n] = '\0';
    return n;
}

static size_t script_text(void *opaque, char *utf8, size_t size)
{
    return screen_text(opaque, utf8, size);
}

static bool script_key(void *opaque, int key, bool down)
{
    struct vmm *vmm = opaque;
    if (kbc_key_queue_full(vmm->machine.kbc))
        return false;
    kbc_key(vmm->machine.kbc, (enum key)key, down);
    return true;
}

static void script_mouse(void *opaque, int dx, int dy, unsigned buttons)
{
    struct vmm *vmm = opaque;
    kbc_mouse(vmm->machine.kbc, dx, dy, 0, buttons);
}

static int script_screenshot(void *opaque, const char *path)
{
    struct vmm *vmm = opaque;
    return vga_screenshot(vmm->machine.vga, VGA_VIEW_BEAM, path);
}

static void script_cluster(void *opaque, int level)
{
    struct vmm *vmm = opaque;
    vmm_set_level(vmm, (enum cluster_level)level);
    vmm->attention = 1; /* the device access that made this time pass may be a running cluster's: out of it */
}

static int script_state(void *opaque, bool load, const char *path)
{
    return vmm_script_state(opaque, load, path);
}

static void poll_script(struct vmm *vmm)
{
    const struct script_host host = {
        .opaque = vmm,
        .now_ns = script_now,
        .text = script_text,
        .key = script_key,
        .mouse = script_mouse,
        .screenshot = script_screenshot,
        .cluster = script_cluster,
        .state = script_state,
    };
    struct script *script = vmm->config->script;
    switch (script_poll(script, &host)) {
    case SCRIPT_RUNNING:
    case SCRIPT_ENDED: /* the guest goes on until something else ends the run */
        break;
    case SCRIPT_QUIT:
        vmm_end(vmm, RUN_END_SCRIPT, script_status(script), "the script said quit");
        break;
    case SCRIPT_FAILED:
        vmm_end(vmm, RUN_END_SCRIPT_FAILED, script_status(script), "the script failed");
        break;
    }
}

void vmm_watch_go_on(struct vmm *vmm)
{
    if (vmm->config->script && !vmm->ended)
        poll_script(vmm);
}

static void poll_text(struct vmm *vmm)
{
    char text[TEXT_BYTES];
    if (!screen_text(vmm, text, sizeof text) || !strstr(text, vmm->config->until_text))
        return;
    if (vmm->config->print_text_at_end)
        fputs(text, stdout);
    vmm_end(vmm, RUN_END_TEXT, 0, "the screen shows \"%.100s\"", vmm->config->until_text);
}

void vmm_keep_screen(struct vmm *vmm)
{
    const struct run_config *config = vmm->config;
    char text[TEXT_BYTES];
    if (config->picture_fd && vga_write_png(vmm->machine.vga, VGA_VIEW_BEAM, config->picture_fd))
        log_warn("the report will be without it");
    size_t n = config->text_fd ? screen_text(vmm, text, sizeof text) : 0;
    if (n && write(config->text_fd, text, n) != (ssize_t)n)
        log_warn("the text screen could not be kept for the report");
}

void vmm_print_screen(struct vmm *vmm)
{
    char text[TEXT_BYTES];
    if (screen_text(vmm, text, sizeof text))
        fputs(text, stdout);
}

static void on_poll(void *opaque, u64 deadline_ns)
{
    struct vmm *vmm = opaque;
    if (vmm->ended)
        return; /* the last instruction is still being finished */
    if (vmm->config->until_text)
        poll_text(vmm);
    if (vmm->config->script && !vmm->ended)
        poll_script(vmm);
    if (vmm->ended)
        vmm->attention = 1;
    clock_event_arm(&vmm->poll_event, MAX(deadline_ns, clock_now(&vmm->machine.clock)) / POLL_NS * POLL_NS + POLL_NS);
}

static void on_frame(void *opaque, u64 deadline_ns)
{
    struct vmm *vmm = opaque;
    (void)deadline_ns;
    vmm->frames_done = vga_frame_count(vmm->machine.vga) - vmm->frames_before;
    if (vmm->frames_done >= vmm->config->frames) {
        vmm_end(vmm, RUN_END_FRAMES, 0, "%llu frames were shown", (unsigned long long)vmm->frames_done);
        vmm->attention = 1;
        return;
    }
    clock_event_arm(&vmm->frame_event, vga_next_frame_ns(vmm->machine.vga));
}

void vmm_watch_rebase(struct vmm *vmm)
{
    const struct run_config *config = vmm->config;
    vmm->frames_before = vga_frame_count(vmm->machine.vga) - vmm->frames_done;
    if (config->until_text || config->script)
        clock_event_arm(&vmm->poll_event, clock_now(&vmm->machine.clock) / POLL_NS * POLL_NS + POLL_NS);
    if (config->frames)
        clock_event_arm(&vmm->frame_event, vga_next_frame_ns(vmm->machine.vga));
}

void vmm_watch_start(struct vmm *vmm)
{
    struct clock *clock = &vmm->machine.clock;
    clock_event_init(&vmm->poll_event, clock, "watch", on_poll, vmm);
    clock_event_init(&vmm->frame_event, clock, "frames", on_frame, vmm);
    vmm->poll_event.watches = vmm->frame_event.watches = true;
    vmm_watch_rebase(vmm);
}
