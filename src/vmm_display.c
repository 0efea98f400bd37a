/* The display's turns (ui/display.h): after a kick, and when the virtual time is over that it asked for. What
 * it may do to the guest is here. */
#include "vmm_internal.h"

#include "dev/kbc.h"
#include "dev/pic.h"
#include "ui/display.h"

#include <string.h>

/* IBM BIOS data area, 0040:001A: the keyboard's buffer as a ring of words; offsets in segment 40h. */
enum { BDA = 0x400, BDA_KEYS_HEAD = 0x1a, BDA_KEYS_TAIL = 0x1c, BDA_KEYS_START = 0x80, BDA_KEYS_END = 0x82 };

static u64 guest_now(void *opaque)
{
    struct vmm *vmm = opaque;
    return clock_now(&vmm->machine.clock);
}

static bool guest_key(void *opaque, enum key key, bool down)
{
    struct vmm *vmm = opaque;
    if (kbc_key_queue_full(vmm->machine.kbc))
        return false;
    kbc_key(vmm->machine.kbc, key, down);
    return true;
}

static void guest_mouse(void *opaque, int dx, int dy, unsigned buttons)
{
    struct vmm *vmm = opaque;
    kbc_mouse(vmm->machine.kbc, dx, dy, 0, buttons);
}

static u16 bda_word(const struct vmm *vmm, u32 offset)
{
    u16 word;
    memcpy(&word, vmm->machine.memory.plain + BDA + offset, sizeof word);
    return word;
}

/* A guest may have put anything there. */
static u32 guest_typed_ahead(void *opaque, u32 *at)
{
    const struct vmm *vmm = opaque;
    u32 head = bda_word(vmm, BDA_KEYS_HEAD), tail = bda_word(vmm, BDA_KEYS_TAIL);
    u32 start = bda_word(vmm, BDA_KEYS_START), end = bda_word(vmm, BDA_KEYS_END);
    *at = head;
    if (head < start || head >= end || tail < start || tail >= end)
        return 0;
    return (tail >= head ? tail - head : end - head + tail - start) / 2;
}

static u16 vector_segment(const struct vmm *vmm, u32 number)
{
    u16 segment;
    memcpy(&segment, vmm->machine.memory.plain + 4 * number + 2, sizeof segment);
    return segment;
}

static bool guest_protected(const struct vmm *vmm)
{
    struct cpu_where where;
    bool resumes;
    if (vmm->cpu_current)
        return cpu_protected(&vmm->cpu);
    vcpu_where(&vmm->vcpu, &where, &resumes);
    return where.mode & MODE_PROTECTED;
}

/* Into the BIOS's buffer, as its INT 9 puts a key there: with scan code 0, as one of Alt and the keypad has. INT 9 must be
 * the BIOS's own and must not run meanwhile; INT 16h need not be: a program that has put itself before it sees the character
 * like any. What finds no room is lost, as with the BIOS.
 * LIMIT: a program in the middle of INT 16h AH=05h, which puts keys there too, may lose one. */
static enum display_put guest_character(void *opaque, u8 code)
{
    enum { INT_KEYBOARD = 9, BIOS_SEGMENT = 0xf000, KEYBOARD_IRQ = 1 };
    struct vmm *vmm = opaque;
    struct machine *m = &vmm->machine;
    u16 head = bda_word(vmm, BDA_KEYS_HEAD), tail = bda_word(vmm, BDA_KEYS_TAIL);
    u16 start = bda_word(vmm, BDA_KEYS_START), end = bda_word(vmm, BDA_KEYS_END), word = code;
    if (guest_protected(vmm) || vector_segment(vmm, INT_KEYBOARD) != BIOS_SEGMENT || tail < start || tail >= end || end - start < 2 * (int)sizeof word)
        return DISPLAY_REFUSED;
    if (kbc_keys_pending(m->kbc) || pic_busy(m->pic, KEYBOARD_IRQ))
        return DISPLAY_BUSY;
    u16 next = (u16)(tail + sizeof word) >= end ? start : (u16)(tail + sizeof word);
    bool room = next != head;
    if (room && (!memory_write(&m->memory, BDA + tail, &word, sizeof word) ||
                 !memory_write(&m->memory, BDA + BDA_KEYS_TAIL, &next, sizeof next)))
        return DISPLAY_REFUSED;
    return DISPLAY_PUT;
}

static void guest_quit(void *opaque, int status, const char *why)
{
    struct vmm *vmm = opaque;
    vmm_end(vmm, RUN_END_DISPLAY, status, "%s", why);
    vmm->attention = 1; /* the device access that made time pass may be a running cluster's: out of it */
}

void vmm_display_poll(struct vmm *vmm)
{
    struct display *display = vmm->config->display;
    const struct display_guest guest = {
        .opaque = vmm,
        .vga = vmm->machine.vga,
        .now_ns = guest_now,
        .key = guest_key,
        .mouse = guest_mouse,
        .typed_ahead = guest_typed_ahead,
        .character = guest_character,
        .quit = guest_quit,
    };
    if (!display || vmm->ended)
        return;
    u64 again_ns = display->class->poll(display, &guest);
    if (again_ns != DISPLAY_IDLE)
        clock_event_arm(&vmm->display_event, clock_now(&vmm->machine.clock) + again_ns);
}

static void on_display(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    vmm_display_poll(opaque);
}

static void kick(void *opaque)
{
    vmm_kick(opaque);
}

int vmm_display_start(struct vmm *vmm)
{
    struct display *display = vmm->config->display;
    clock_event_init(&vmm->display_event, &vmm->machine.clock, "display", on_display, vmm);
    return display ? display->class->start(display, &(struct display_loop){.opaque = vmm, .kick = kick}) : 0;
}

void vmm_display_stop(struct vmm *vmm)
{
    if (vmm->config->display)
        vmm->config->display->class->stop(vmm->config->display);
}
