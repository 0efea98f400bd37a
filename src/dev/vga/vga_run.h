/* Many accesses to the memory window in one call: the elements of a string instruction. Each has the effects
 * it would have alone and in its turn; only what does not change between them is looked at once. */
#ifndef HUDDLE_DEV_VGA_RUN_H
#define HUDDLE_DEV_VGA_RUN_H

#include "base/types.h"

#include <string.h>

struct vga;

/* An element in RAM. */
static inline u32 vga_run_element(const u8 *at, u8 size)
{
    u32 four;
    u16 two;
    switch (size) {
    case 1:
        return *at;
    case 2:
        memcpy(&two, at, sizeof two);
        return two;
    default:
        memcpy(&four, at, sizeof four);
        return four;
    }
}

/* Elements one behind the other, all in one 4 KiB page of RAM and one of the window that answers (struct
 * vga_accessor). */
struct vga_run {
    u32 count;          /* at least 1 */
    u8 size;            /* of an element: 1, 2 or 4 bytes */
    bool down;          /* addresses descend */
    gpa_t from, to;     /* window: of the first element */
    const u8 *ram_from; /* RAM: of the first element; NULL: every element is `value` */
    u8 *ram_to;         /* NULL: nowhere but to `moved` */
    u32 value;
    u32 *moved; /* [count] the elements' values are left here; may be NULL, but for loads to nowhere */
};

/* False: the window is plain memory, or on its way there, which is better than runs (vga_linear.h). */
bool vga_run_possible(const struct vga *vga);
void vga_run_store(struct vga *vga, const struct vga_run *run); /* ram_from or value -> to */
void vga_run_load(struct vga *vga, const struct vga_run *run);  /* from -> ram_to, moved */
void vga_run_copy(struct vga *vga,
                  const struct vga_run *run); /* from -> to, an element read before it is written */

#endif
