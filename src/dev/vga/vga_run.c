/* Runs of accesses. What is worth a loop of its own: stores in planar addressing, four addresses at a time,
 * whatever the write mode (the latches do not change between two stores); byte copies and loads in planar
 * addressing; chain-4 with nothing for the pipeline to do. Everything else goes through the accessor, an
 * element at a time. */
#include "dev/vga/vga_run.h"

#include "dev/vga/vga_pipeline.h"

#include <emmintrin.h>
#include <string.h>

enum { LANES = 4 };

static s32 distance(const struct vga_run *run)
{
    return run->down ? -(s32)run->size : (s32)run->size;
}

/* The first of the run's bytes in ascending order. */
static u32 lowest(const struct vga_run *run, u32 at)
{
    return run->down ? at - (run->count - 1) * run->size : at;
}

static bool is_chain_4(const struct vga *vga)
{
    return vga->r.seq[VGA_SEQ_MEMORY_MODE] & SEQ4_CHAIN_4;
}

/* Addresses of a page are cells one behind the other. */
static bool is_flat(const struct vga *vga)
{
    enum { PAGE_MASK = 0xfff };
    return (vga->pipe.addr_and & PAGE_MASK) == PAGE_MASK && !is_chain_4(vga);
}

bool vga_run_possible(const struct vga *vga)
{
    const struct vga_linear *linear = &vga->linear;
    return !linear->policy.accesses || linear->near == VGA_LAYOUT_NONE;
}

/* --- stores in planar addressing --- */

/* Where the bytes of a store run come from: ascending bytes in RAM, or a value again and again. */
struct bytes {
    const u8 *ram; /* NULL: `pattern` */
    u32 pattern;   /* four bytes; the size of an element divides four */
};

always_inline u32 bytes_four(const struct bytes *b, u32 i)
{
    u32 four;
    if (!b->ram)
        return b->pattern;
    memcpy(&four, b->ram + i, sizeof four);
    return four;
}

always_inline u8 bytes_one(const struct bytes *b, u32 i)
{
    return b->ram ? b->ram[i] : (u8)(b->pattern >> 8 * (i & 3));
}

/* Each of four bytes rotated. */
always_inline u32 rotate_four(u32 bytes, u8 count)
{
    u32 low = ALL_PLANES * (0xffu >> count);
    return (bytes >> count & low) | (bytes << (8 - count) & ~low);
}

/* Each of four bytes in all planes of its lane. */
always_inline __m128i spread(u32 bytes)
{
    __m128i v = _mm_cvtsi32_si128((s32)bytes);
    v = _mm_unpacklo_epi8(v, v);
    return _mm_unpacklo_epi16(v, v);
}

always_inline __m128i all_lanes(u32 value)
{
    return _mm_set1_epi32((s32)value);
}

/* b where the mask is one, else a */
always_inline __m128i blend(__m128i a, __m128i b, __m128i mask)
{
    return _mm_or_si128(_mm_andnot_si128(mask, a), _mm_and_si128(mask, b));
}

always_inline __m128i combine_lanes(__m128i data, __m128i latch, enum function function)
{
    switch (function) {
    case FUNCTION_AND:
        return _mm_and_si128(data, latch);
    case FUNCTION_OR:
        return _mm_or_si128(data, latch);
    case FUNCTION_XOR:
        return _mm_xor_si128(data, latch);
    default:
        return data;
    }
}

/* pipeline() for four bytes. */
always_inline __m128i pipeline_lanes(const struct vga_pipeline *p, u32 latch, u32 bytes, enum write_mode mode,
                                     enum function function)
{
    __m128i latches = all_lanes(latch), bit_mask = all_lanes(p->bit_mask), data;
    switch (mode) {
    case WRITE_MODE_0:
        data = spread(rotate_four(bytes, p->rotate));
        data = _mm_or_si128(_mm_andnot_si128(all_lanes(p->enable_set_reset), data), all_lanes(p->forced));
        break;
    case WRITE_MODE_1:
        return latches;
    case WRITE_MODE_2:
        data = _mm_set_epi32((s32)vga_expand_planes(bytes >> 24), (s32)vga_expand_planes(bytes >> 16),
                             (s32)vga_expand_planes(bytes >> 8), (s32)vga_expand_planes(bytes));
        break;
    default:
        data = all_lanes(p->set_reset);
        bit_mask = _mm_and_si128(bit_mask, spread(rotate_four(bytes, p->rotate)));
        break;
    }
    return blend(latches, combine_lanes(data, latches, function), bit_mask);
}

/* Ascending: every byte has a cell of its own, or planes of its own in a cell, so their order does not
 * matter. */
always_inline void store_flat(struct vga *vga, u32 a, u32 n, const struct bytes *bytes, enum write_mode mode,
                              enum function function)
{
    const struct vga_pipeline p = vga->pipe;
    u32 latch = vga->latch, i = 0;
    u32 *cell = &vga->vram[plane_address(&p, a)];
    u32 m[LANES];
    for (u32 lane = 0; lane < LANES; lane++)
        m[lane] = p.write_mask[(a + lane) & 3];
    __m128i mask = _mm_loadu_si128((const __m128i *)(const void *)m);
    for (; i + LANES <= n; i += LANES) {
        __m128i *to = (__m128i *)(void *)(cell + i);
        __m128i value = pipeline_lanes(&p, latch, bytes_four(bytes, i), mode, function);
        _mm_storeu_si128(to, blend(_mm_loadu_si128(to), value, mask));
    }
    for (; i < n; i++) {
        u32 value = pipeline(&p, latch, bytes_one(bytes, i), mode, function);
        cell[i] = (cell[i] & ~m[i & 3]) | (value & m[i & 3]);
    }
}

typedef void store_t(struct vga *vga, u32 a, u32 n, const struct bytes *bytes);
#define STORE(name, mode, function)                                                                          \
    static void name(struct vga *vga, u32 a, u32 n, const struct bytes *bytes)                               \
    {                                                                                                        \
        store_flat(vga, a, n, bytes, mode, function);                                                        \
    }
STORE(store_0_copy, WRITE_MODE_0, FUNCTION_COPY)
STORE(store_0_and, WRITE_MODE_0, FUNCTION_AND)
STORE(store_0_or, WRITE_MODE_0, FUNCTION_OR)
STORE(store_0_xor, WRITE_MODE_0, FUNCTION_XOR)
STORE(store_1, WRITE_MODE_1, FUNCTION_COPY)
STORE(store_2_copy, WRITE_MODE_2, FUNCTION_COPY)
STORE(store_2_and, WRITE_MODE_2, FUNCTION_AND)
STORE(store_2_or, WRITE_MODE_2, FUNCTION_OR)
STORE(store_2_xor, WRITE_MODE_2, FUNCTION_XOR)
STORE(store_3_copy, WRITE_MODE_3, FUNCTION_COPY)
STORE(store_3_and, WRITE_MODE_3, FUNCTION_AND)
STORE(store_3_or, WRITE_MODE_3, FUNCTION_OR)
STORE(store_3_xor, WRITE_MODE_3, FUNCTION_XOR)

static store_t *const stores[4][4] = {
    [WRITE_MODE_0] = {store_0_copy, store_0_and, store_0_or, store_0_xor},
    [WRITE_MODE_1] = {store_1, store_1, store_1, store_1},
    [WRITE_MODE_2] = {store_2_copy, store_2_and, store_2_or, store_2_xor},
    [WRITE_MODE_3] = {store_3_copy, store_3_and, store_3_or, store_3_xor},
};

/* --- stores in chain-4 with nothing to do: four bytes are a cell --- */

/* The pattern's four bytes from byte `i` on. */
static u32 rotate_pattern(u32 pattern, u32 i)
{
    u32 shift = 8 * (i & 3);
    return shift ? pattern >> shift | pattern << (32 - shift) : pattern;
}

static void store_chain_4(struct vga *vga, u32 a, u32 n, const struct bytes *bytes)
{
    const struct vga_pipeline *p = &vga->pipe;
    u32 map_mask = p->map_mask, i = 0;
    for (; i < n && (a + i) & 3; i++)
        store(vga, a + i, bytes_one(bytes, i) * ALL_PLANES);
    u32 *cell = &vga->vram[plane_address(p, a + i)];
    for (u32 *end = cell + (n - i) / 4 * 4; cell < end; cell += 4, i += 4) {
        u32 four = bytes->ram ? bytes_four(bytes, i) : rotate_pattern(bytes->pattern, i);
        *cell = (*cell & ~map_mask) | (four & map_mask);
    }
    for (; i < n; i++)
        store(vga, a + i, bytes_one(bytes, i) * ALL_PLANES);
}

/* --- any store --- */

static void note_moved(const struct vga_run *run)
{
    const u8 *at = run->ram_from;
    for (u32 i = 0; i < run->count && run->moved; i++, at += at ? distance(run) : 0)
        run->moved[i] = at ? vga_run_element(at, run->size) : run->value;
}

static void store_elements(struct vga *vga, const struct vga_run *run)
{
    const u8 *at = run->ram_from;
    gpa_t to = run->to;
    for (u32 i = 0; i < run->count; i++, to += (u32)distance(run)) {
        vga->accessor.write(vga, to, run->size, at ? vga_run_element(at, run->size) : run->value);
        at += at ? distance(run) : 0;
    }
}

void vga_run_store(struct vga *vga, const struct vga_run *run)
{
    static const u32 repeat[] = {[1] = 0x01010101, [2] = 0x00010001, [4] = 1};
    u32 bytes = run->count * run->size;
    struct bytes source = {.pattern = run->value * repeat[run->size]};
    if (run->ram_from)
        source.ram = run->down ? run->ram_from - (bytes - run->size) : run->ram_from;
    u32 a = window_offset(vga, lowest(run, run->to));
    note_moved(run);
    if (is_flat(vga))
        stores[vga->r.gc[VGA_GC_MODE] & GC5_WRITE_MODE]
              [vga->r.gc[VGA_GC_DATA_ROTATE] >> GC3_FUNCTION_SHIFT & 3](vga, a, bytes, &source);
    else if (is_chain_4(vga) && vga->pipe.plain)
        store_chain_4(vga, a, bytes, &source);
    else
        store_elements(vga, run);
}

/* --- loads --- */

static void load_elements(struct vga *vga, const struct vga_run *run)
{
    u8 *at = run->ram_to;
    gpa_t from = run->from;
    for (u32 i = 0; i < run->count; i++, from += (u32)distance(run)) {
        u32 value = vga->accessor.read(vga, from, run->size);
        if (run->moved)
            run->moved[i] = value;
        if (at) {
            memcpy(at, &value, run->size);
            at += distance(run);
        }
    }
}

static void load_flat(struct vga *vga, const struct vga_run *run)
{
    u32 a = window_offset(vga, run->from);
    const u32 *cell = &vga->vram[plane_address(&vga->pipe, a)];
    s32 step = distance(run);
    u8 *at = run->ram_to;
    for (u32 i = 0; i < run->count; i++, a += (u32)step, cell += step) {
        u8 value = (u8)(*cell >> vga->pipe.read_shift[a & 3]);
        if (run->moved)
            run->moved[i] = value;
        if (at) {
            *at = value;
            at += step;
        }
    }
    vga->latch = cell[-step];
}

void vga_run_load(struct vga *vga, const struct vga_run *run)
{
    if (run->size == 1 && is_flat(vga) && !(vga->r.gc[VGA_GC_MODE] & GC5_READ_MODE_1))
        load_flat(vga, run);
    else
        load_elements(vga, run);
}

/* --- copies --- */

static void copy_elements(struct vga *vga, const struct vga_run *run)
{
    gpa_t from = run->from, to = run->to;
    for (u32 i = 0; i < run->count; i++, from += (u32)distance(run), to += (u32)distance(run)) {
        u32 value = vga->accessor.read(vga, from, run->size);
        vga->accessor.write(vga, to, run->size, value);
        if (run->moved)
            run->moved[i] = value;
    }
}

/* Would copying in one piece be the same as one by one, upwards? */
static bool is_one_piece(const struct vga *vga, const struct vga_run *run, const u32 *from, const u32 *to)
{
    const u32 *mask = vga->pipe.write_mask;
    bool all_planes = (mask[0] & mask[1] & mask[2] & mask[3]) == UINT32_MAX;
    return all_planes && !run->down && !run->moved && (to <= from || to >= from + run->count);
}

/* Bytes through the latches. In order: where the two overlap, what was written is read. */
static void copy_latches(struct vga *vga, const struct vga_run *run)
{
    const struct vga_pipeline *p = &vga->pipe;
    u32 a = window_offset(vga, run->from), b = window_offset(vga, run->to);
    const u32 *from = &vga->vram[plane_address(p, a)];
    u32 *to = &vga->vram[plane_address(p, b)];
    s32 step = distance(run);
    u32 mask[LANES], latch = vga->latch;
    if (is_one_piece(vga, run, from, to)) {
        vga->latch = from[run->count - 1];
        memmove(to, from, run->count * sizeof *to);
        return;
    }
    memcpy(mask, p->write_mask, sizeof mask);
    for (u32 i = 0; i < run->count; i++) {
        latch = *from;
        *to = (*to & ~mask[b & 3]) | (latch & mask[b & 3]);
        if (run->moved)
            run->moved[i] = latch >> p->read_shift[a & 3] & 0xff;
        a += (u32)step, b += (u32)step, from += step, to += step;
    }
    vga->latch = latch;
}

void vga_run_copy(struct vga *vga, const struct vga_run *run)
{
    u8 mode = vga->r.gc[VGA_GC_MODE];
    bool latches = (mode & GC5_WRITE_MODE) == WRITE_MODE_1 && !(mode & GC5_READ_MODE_1);
    if (run->size == 1 && latches && is_flat(vga))
        copy_latches(vga, run);
    else
        copy_elements(vga, run);
}
