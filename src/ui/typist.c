/* See typist.h. */
#include "ui/typist.h"

#define HOLD_NS  (30 * NS_PER_MS)
#define PAUSE_NS (2 * NS_PER_MS) /* the keyboard sends a byte in 0.2 ms */

/* The BIOS's buffer holds 15 keys, and up to 7 are still on their way. */
enum { MAX_TYPED_AHEAD = 7, PASTED = 8 };

/* How long a program may leave the BIOS's buffer alone: a person who types ahead wants to hear the beep; a
 * text that is being pasted waits for a program that is busy. */
#define PATIENCE_NS        (300 * NS_PER_MS)
#define PATIENCE_PASTED_NS (10 * NS_PER_S)

void typist_init(struct typist *t)
{
    *t = (struct typist){.first = 0};
    pthread_mutex_init(&t->lock, NULL);
}

void typist_fini(struct typist *t)
{
    pthread_mutex_destroy(&t->lock);
}

u32 typist_room(struct typist *t)
{
    pthread_mutex_lock(&t->lock);
    u32 room = TYPIST_QUEUE - t->waiting;
    pthread_mutex_unlock(&t->lock);
    return room;
}

bool typist_put(struct typist *t, const struct chord *chord)
{
    pthread_mutex_lock(&t->lock);
    bool room = t->waiting < TYPIST_QUEUE;
    if (room)
        t->queue[(t->first + t->waiting++) % TYPIST_QUEUE] = *chord;
    pthread_mutex_unlock(&t->lock);
    return room;
}

static u32 waiting(struct typist *t)
{
    return TYPIST_QUEUE - typist_room(t);
}

static bool take(struct typist *t)
{
    pthread_mutex_lock(&t->lock);
    bool some = t->waiting;
    if (some) {
        t->n_events = chord_events(&t->queue[t->first], t->event, &t->held_at);
        t->next_event = 0;
        t->first = (t->first + 1) % TYPIST_QUEUE;
        t->waiting--;
    }
    pthread_mutex_unlock(&t->lock);
    return some;
}

/* A character that no key makes, if one is next. Some BIOSes do not know Alt with the keypad, SeaBIOS is one of them, so it is given to
 * the BIOS where that is possible. */
static enum display_put put_character(struct typist *t, const struct display_guest *guest)
{
    pthread_mutex_lock(&t->lock);
    struct chord next = t->queue[t->first]; /* only this thread takes it away */
    pthread_mutex_unlock(&t->lock);
    enum display_put put = next.key == KEY_NONE ? guest->character(guest->opaque, next.code) : DISPLAY_REFUSED;
    if (put == DISPLAY_PUT && take(t))
        t->n_events = t->next_event = 0;
    return put;
}

/* Would the BIOS have room for another key? */
static bool bios_has_room(struct typist *t, const struct display_guest *guest)
{
    u32 at = 0, ahead = guest->typed_ahead(guest->opaque, &at);
    u64 now = guest->now_ns(guest->opaque);
    bool taken = at != t->taken_at;
    t->taken_at = at;
    t->ignored &= !taken;
    if (ahead <= MAX_TYPED_AHEAD || t->ignored) {
        t->waits = false;
        return true;
    }
    if (taken || !t->waits)
        t->waits_since_ns = now;
    t->waits = true;
    t->ignored = now - t->waits_since_ns >= (waiting(t) > PASTED ? PATIENCE_PASTED_NS : PATIENCE_NS);
    return t->ignored;
}

/* The key is down, and nothing waits. */
static bool keep_holding(struct typist *t, const struct display_guest *guest)
{
    return t->next_event == t->held_at && guest->now_ns(guest->opaque) < t->hold_until_ns && !waiting(t);
}

u64 typist_poll(struct typist *t, const struct display_guest *guest)
{
    for (;;) {
        if (t->next_event == t->n_events) {
            if (!waiting(t))
                return DISPLAY_IDLE;
            if (!bios_has_room(t, guest))
                return PAUSE_NS;
            enum display_put put = put_character(t, guest);
            if (put == DISPLAY_PUT)
                continue;
            if (put == DISPLAY_BUSY || !take(t))
                return PAUSE_NS;
        }
        if (keep_holding(t, guest))
            return PAUSE_NS;
        const struct chord_event *event = &t->event[t->next_event];
        if (!guest->key(guest->opaque, (enum key)event->key, event->down))
            return PAUSE_NS;
        if (++t->next_event == t->held_at)
            t->hold_until_ns = guest->now_ns(guest->opaque) + HOLD_NS;
    }
}
