/* The 8042 keyboard controller with the keyboard and the PS/2 mouse behind it. */
#ifndef HUDDLE_DEV_KBC_H
#define HUDDLE_DEV_KBC_H

#include "base/types.h"
#include "dev/keyboard.h"
#include "dev/mouse.h"

struct kbc;

/* A key goes down or up on the keyboard. */
void kbc_key(struct kbc *kbc, enum key key, bool down);
/* Bytes the guest has not read yet: in the keyboard's buffer and in the controller's output register. */
u32 kbc_keys_pending(const struct kbc *kbc);
/* A key pressed or released now might be lost: whoever types should wait. */
bool kbc_key_queue_full(const struct kbc *kbc);
/* Mouse movement and buttons, as mouse_move. */
void kbc_mouse(struct kbc *kbc, int dx, int dy, int dz, unsigned buttons);

#endif
