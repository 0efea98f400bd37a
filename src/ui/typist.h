/* Types what a person has typed, or pasted, as fast as the guest can take it and no faster.
 *
 * Chords are put in by the display's thread and typed by the run loop's. Three things keep the pace: the
 * keyboard's own buffer; the BIOS's buffer, into which what comes in too fast would be lost; and the time for
 * which a key is held if nothing is waiting behind it, for programs that look which keys are down. */
#ifndef HUDDLE_UI_TYPIST_H
#define HUDDLE_UI_TYPIST_H

#include "ui/chord.h"
#include "ui/display.h"

#include <pthread.h>

#define TYPIST_QUEUE 4096

struct typist {
    pthread_mutex_t lock;
    struct chord queue[TYPIST_QUEUE]; /* under the lock, like the next two */
    u32 first, waiting;
    /* The run loop's. */
    struct chord_event event[CHORD_MAX_EVENTS]; /* of the chord being typed */
    u32 n_events, next_event, held_at;
    u64 hold_until_ns;
    u32 taken_at; /* display_guest.typed_ahead */
    bool waits;   /* for a key to be taken out of the BIOS's buffer, since: */
    u64 waits_since_ns;
    bool ignored; /* nobody takes keys out of the BIOS's buffer: it says nothing */
};

void typist_init(struct typist *typist);
void typist_fini(struct typist *typist);
/* Chords that typist_put would take now. */
u32 typist_room(struct typist *typist);
/* Any thread. False: there is no room. */
bool typist_put(struct typist *typist, const struct chord *chord);
/* The run loop's turn: types what can be typed. Nanoseconds of virtual time until there may be more, or
 * DISPLAY_IDLE. */
u64 typist_poll(struct typist *typist, const struct display_guest *guest);

#endif
