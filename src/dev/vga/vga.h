/* The VGA as the rest of the monitor sees it: pictures, text, frames, and the accessor of its memory window.
 * Manuals: IBM VGA (PS/2 Hardware Interface) Technical Reference, Video Subsystem; FreeVGA.
 *
 * Pictures are made only when somebody asks: writes to registers that the picture depends on are remembered
 * for the current frame (vga_raster.h), so that a picture shows what the beam has drawn so far above the
 * beam, and the present registers below it. The contents of the memory are those at the time of asking. */
#ifndef HUDDLE_DEV_VGA_H
#define HUDDLE_DEV_VGA_H

#include "base/types.h"

struct vga;

/* A picture: width * height pixels 00RRGGBBh, rows top down without gaps. Zero-initialise before the first
 * use; vga_render makes the buffer grow and reuses it. */
struct vga_picture {
    u32 width;
    u32 height;
    u32 *pixels;
    size_t capacity; /* pixels that fit the buffer */
};

enum vga_view {
    VGA_VIEW_BEAM,  /* what the monitor shows at this instant */
    VGA_VIEW_STILL, /* what it would show a frame later if nothing was written: the present registers
                       everywhere */
};

/* Draws the active display. Lines (and dots) that the mode merely repeats are given once: mode 13h is 320 x
 * 200. 0, or -ENOMEM (logged, picture unchanged). */
must_check int vga_render(struct vga *vga, enum vga_view view, struct vga_picture *out);
void vga_picture_fini(struct vga_picture *picture);

/* XXH3 over the size and the pixels of the picture at this instant; 0 if it could not be drawn. */
u64 vga_frame_hash(struct vga *vga, enum vga_view view);

enum vga_file { VGA_FILE_PNG, VGA_FILE_PPM };

/* Writes a picture: to a temporary file beside `path`, then renamed. 0 or -errno (logged with the name). */
must_check int vga_picture_save(const struct vga_picture *picture, const char *path, enum vga_file file);

/* Writes the picture as PNG: to a temporary file beside `path`, then renamed. 0 or -errno (logged with the
 * name). */
must_check int vga_screenshot(struct vga *vga, enum vga_view view, const char *path);

/* Writes it to a file that is open for writing, from where that stands. 0 or -errno (logged). */
must_check int vga_write_png(struct vga *vga, enum vga_view view, int fd);

/* True in alphanumeric modes. */
bool vga_text_mode(const struct vga *vga);

/* The text screen from the present registers: one line per row ended by '\n', trailing blanks trimmed, code
 * page 437 as UTF-8, NUL-terminated. Returns the length without the NUL; what does not fit `size` is left out
 * at a character's boundary. 0 outside text modes. */
size_t vga_text(struct vga *vga, char *utf8, size_t size);

/* What the character of code page 437 looks like, as a code point of Unicode; 00h, 20h and FFh are blanks. */
u16 vga_code_point(u8 code);

/* Vertical retraces begun since power-on, in virtual time. Never goes back. */
u64 vga_frame_count(struct vga *vga);

/* Virtual time, later than now, at which the next vertical retrace begins if the registers stay as they are.
 */
u64 vga_next_frame_ns(struct vga *vga);

/* How the processor's accesses to A0000h-BFFFFh are carried out now. Chosen when a register changes. */
struct vga_accessor {
    /* The whole access must lie in the window. Bytes at ascending addresses. */
    u32 (*read)(void *vga, gpa_t addr, u8 size);
    void (*write)(void *vga, gpa_t addr, u8 size, u32 value);
    gpa_t first; /* the window that answers; the rest of A0000h-BFFFFh reads as ones */
    u32 bytes;   /* 0: display RAM is disabled */
    /* Names the kind of access: addressing (planar, odd/even, chain-4), write mode, function, read mode,
     * window, memory size, and whether the write pipeline changes anything at all. Equal generations mean the same
     * kind and the same read, write, first and bytes, also when the guest went to another and came back. Masks,
     * colours, rotate count, maps and latches are data, not part of it. */
    u32 generation;
};
const struct vga_accessor *vga_accessor(const struct vga *vga);

/* Accesses of one byte that need no function, as long as the accessor's generation stays: at offset a in the window,
 *   stores: v = the byte in all planes; unless `plain`, and then only while *rotate is 0:
 *             v = (v & ~*from_set_reset) | *forced; v = (v & *bit_mask) | (*latch & ~*bit_mask)
 *           cells[a] = (cells[a] & ~*mask) | (v & *mask)
 *   loads:  *latch = cells[a]; the byte at bit *shift of it */
struct vga_planes {
    bool stores, loads, plain;
    u32 *cells;
    const u32 *mask;
    const u32 *from_set_reset, *forced, *bit_mask;
    const u8 *rotate;
    u32 *latch;
    const u8 *shift;
};
void vga_planes(struct vga *vga, struct vga_planes *planes);

/* When the window becomes plain memory (vga_linear.h): after that many accesses through the accessor, if it is linear
 * and `period_ns` of virtual time or more have passed since the last time. */
struct vga_linear_policy {
    u32 accesses; /* 0: never, which it is at first */
    u64 period_ns;
};
void vga_set_linear(struct vga *vga, const struct vga_linear_policy *policy);

struct vga_linear_stats {
    u64 opened, closed;
    u64 synced; /* times that the planes were brought up to date */
};
struct vga_linear_stats vga_linear_stats(const struct vga *vga);

#endif
