/* The state of the machine but for its chips: time, memory, the stream of accesses. */
#include "machine/machine.h"
#include "machine/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define NO_PAGE UINT32_MAX

static bool is_zero(const u8 *page)
{
    u64 any = 0;
    const u64 *word = (const u64 *)page;
    for (u32 i = 0; i < PAGE_BYTES / sizeof *word; i += 8) {
        for (u32 k = 0; k < 8; k++)
            any |= word[i + k];
        if (any)
            return false;
    }
    return true;
}

/* A part of the memory file. */
struct area {
    const struct memory *mem;
    u8 *bytes;
    u64 offset;
    u32 pages;
};

static struct area ram_area(const struct memory *mem)
{
    return (struct area){mem, mem->plain, 0, mem->ram_bytes >> PAGE_SHIFT};
}

static struct area expanded_area(const struct memory *mem)
{
    return (struct area){mem, mem->expanded, memory_expanded_offset(mem), mem->expanded_bytes >> PAGE_SHIFT};
}

/* Looking at a page that was never touched would make it. */
static u32 next_data(const struct area *area, u32 page)
{
    off_t at = lseek(area->mem->fd, (off_t)(area->offset + ((u64)page << PAGE_SHIFT)), SEEK_DATA);
    if (at < 0)
        return errno == ENXIO ? area->pages : page;
    return (u32)MIN(((u64)at - area->offset) >> PAGE_SHIFT, (u64)area->pages);
}

/* Where the data that `page` lies in ends. */
static u32 next_hole(const struct area *area, u32 page)
{
    off_t at = lseek(area->mem->fd, (off_t)(area->offset + ((u64)page << PAGE_SHIFT)), SEEK_HOLE);
    return at < 0 ? area->pages : (u32)MIN(((u64)at - area->offset + PAGE_BYTES - 1) >> PAGE_SHIFT, (u64)area->pages);
}

/* The page as it is in the file, also where the page frame shows something else. */
static bool file_page(const struct area *area, u32 page, u8 *copy)
{
    u64 at = area->offset + ((u64)page << PAGE_SHIFT);
    return pread(area->mem->fd, copy, PAGE_BYTES, (off_t)at) == (ssize_t)PAGE_BYTES;
}

static bool in_frame(const struct area *area, u32 page)
{
    enum { FIRST = MEMORY_FRAME_FIRST >> PAGE_SHIFT, PAGES = MEMORY_FRAME_PLACES * MEMORY_PIECE_BYTES >> PAGE_SHIFT };
    return area->mem->expanded && !area->offset && page >= FIRST && page < FIRST + PAGES;
}

/* Pages that hold something, each behind its number. */
static void save_pages(const struct area *area, struct state *s)
{
    u32 end = 0;
    u8 copy[PAGE_BYTES];
    for (u32 page = 0; page < area->pages; page++) {
        if (page >= end) {
            page = next_data(area, page);
            end = next_hole(area, page);
        }
        u8 *at = area->bytes + ((size_t)page << PAGE_SHIFT);
        if (page < area->pages && in_frame(area, page) && file_page(area, page, copy))
            at = copy;
        if (page >= area->pages || is_zero(at))
            continue;
        state_u32(s, &page);
        state_bytes(s, at, PAGE_BYTES);
    }
    u32 none = NO_PAGE;
    state_u32(s, &none);
}

static void clear_pages(const struct area *area)
{
    u64 bytes = (u64)area->pages << PAGE_SHIFT;
    if (bytes && fallocate(area->mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)area->offset, (off_t)bytes))
        memset(area->bytes, 0, bytes);
}

static void load_pages(const struct area *area, struct state *s)
{
    u32 next = 0;
    clear_pages(area);
    for (;;) {
        u32 page = NO_PAGE;
        state_u32(s, &page);
        if (s->failed || page == NO_PAGE)
            return;
        if (page < next || page >= area->pages) {
            state_fail(s, "%s: page %u is not where it should be", s->section, page);
            return;
        }
        state_bytes(s, area->bytes + ((size_t)page << PAGE_SHIFT), PAGE_BYTES);
        next = page + 1;
    }
}

/* A machine in which nobody has asked for expanded memory yet gets it; one that has too much goes on without using it. */
static void expanded_fits(struct memory *mem, struct state *s)
{
    u32 bytes = mem->expanded_bytes;
    state_u32_in(s, &bytes, 0, MEMORY_EXPANDED_MAX, "the size of expanded memory");
    state_check(s, bytes % MEMORY_PIECE_BYTES == 0, "expanded memory ends within a page");
    if (!s->loading || s->failed || bytes == mem->expanded_bytes || !bytes)
        return;
    if (mem->expanded_bytes)
        state_fail(s, "it was saved with %u KiB of expanded memory, this machine has %u", bytes / KIB,
                   mem->expanded_bytes / KIB);
    else if (memory_add_expanded(mem, bytes))
        state_fail(s, "there is no memory for %u KiB of expanded memory", bytes / KIB);
}

static void frame_state(struct memory *mem, struct state *s)
{
    u32 pieces = mem->expanded_bytes / MEMORY_PIECE_BYTES;
    for (u32 place = 0; place < MEMORY_FRAME_PLACES; place++) {
        u16 piece = mem->frame[place];
        state_u16(s, &piece);
        state_check(s, piece == MEMORY_NO_PIECE || piece < pieces, "a page of expanded memory that does not exist");
        if (s->loading && !s->failed)
            memory_show_piece(mem, place, piece);
    }
}

void memory_state(struct memory *mem, struct state *s)
{
    struct area ram = ram_area(mem), expanded;
    bool a20 = mem->a20;
    state_bool(s, &a20);
    expanded_fits(mem, s);
    expanded = expanded_area(mem);
    if (s->loading) {
        memory_clear_frame(mem);
        load_pages(&ram, s);
        load_pages(&expanded, s);
        memory_set_a20(mem, a20);
        memory_stored(mem);
    } else {
        save_pages(&ram, s);
        save_pages(&expanded, s);
    }
    frame_state(mem, s);
}

void trace_state(struct trace *trace, struct state *s)
{
    state_u64(s, &trace->count);
    state_u64(s, &trace->hash);
    state_u32_in(s, &trace->fill, 0, TRACE_CHUNK - 1, "the length of the stream");
    state_bytes(s, trace->chunk, trace->fill * sizeof trace->chunk[0]);
}

void machine_state(struct machine *m, struct state *s)
{
    clock_state(&m->clock, s);
    state_u64(s, &m->accesses);
    trace_state(&m->trace, s);
    memory_state(&m->memory, s);
    if (s->loading)
        m->changes++;
}
