/* A VGA on a bus of its own, in access time that only the test moves, and the standard modes' register
 * tables. */
#ifndef HUDDLE_TESTS_UNIT_VGA_RIG_H
#define HUDDLE_TESTS_UNIT_VGA_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "dev/vga/vga_state.h"

struct rig {
    struct machine *machine;
    struct vga *vga;
};

int rig_setup(void **state); /* *state becomes a struct rig */
int rig_teardown(void **state);

void out8(struct rig *rig, u16 port, u8 value);
void out16(struct rig *rig, u16 port, u16 value);
u8 in8(struct rig *rig, u16 port);
u8 read8(struct rig *rig, gpa_t addr);
u32 read_mem(struct rig *rig, gpa_t addr, u8 size);
void write8(struct rig *rig, gpa_t addr, u8 value);
void write_mem(struct rig *rig, gpa_t addr, u8 size, u32 value);

/* Index/data pairs. */
void seq_out(struct rig *rig, u8 index, u8 value);
void gc_out(struct rig *rig, u8 index, u8 value);
void crtc_out(struct rig *rig, u8 index, u8 value);
u8 crtc_in(struct rig *rig, u8 index);
/* Writes the attribute register and turns the picture on again. */
void attr_out(struct rig *rig, u8 index, u8 value);
u8 attr_in(struct rig *rig, u8 index);
void dac_out(struct rig *rig, u8 index, u8 r, u8 g, u8 b);

/* Programs all registers of BIOS mode 0-13h through the ports and clears the memory. The DAC is left: entry i
 * is what rig_dac_identity makes it. */
void set_mode(struct rig *rig, u8 mode);
/* Color i = (i, i ^ 15h, 63 - i) in six bits, so that every index below 64 is told apart. */
void rig_dac_identity(struct rig *rig);
u32 rig_dac_color(u8 index); /* the pixel of that color */

/* A picture of the rig's VGA; free it with vga_picture_fini. Fails the test if there is none. */
struct vga_picture rig_picture(struct rig *rig, enum vga_view view);
u32 rig_pixel(const struct vga_picture *picture, u32 x, u32 y);

/* In text modes: writes a character's 16 rows to the font at `map2_address` and restores the text addressing.
 */
void rig_load_glyph(struct rig *rig, u32 map2_address, u8 code, const u8 rows[16]);

void rig_advance(struct rig *rig, u64 ns);
/* Moves time to the first nanosecond of a scan line of the next frame. */
void rig_beam_to(struct rig *rig, u32 line);

#endif
