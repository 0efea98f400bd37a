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

/* Looking at a page that was never touched would make it. */
static u32 next_data(const struct memory *mem, u32 page)
{
    off_t at = lseek(mem->fd, (off_t)page << PAGE_SHIFT, SEEK_DATA);
    if (at < 0)
        return errno == ENXIO ? mem->ram_bytes >> PAGE_SHIFT : page;
    return (u32)MIN((u64)at >> PAGE_SHIFT, (u64)(mem->ram_bytes >> PAGE_SHIFT));
}

/* Where the data that `page` lies in ends. */
static u32 next_hole(const struct memory *mem, u32 page)
{
    off_t at = lseek(mem->fd, (off_t)page << PAGE_SHIFT, SEEK_HOLE);
    u32 pages = mem->ram_bytes >> PAGE_SHIFT;
    return at < 0 ? pages : (u32)MIN(((u64)at + PAGE_BYTES - 1) >> PAGE_SHIFT, (u64)pages);
}

/* Pages that hold something, each behind its number. */
static void save_ram(struct memory *mem, struct state *s)
{
    u32 pages = mem->ram_bytes >> PAGE_SHIFT, end = 0;
    for (u32 page = 0; page < pages; page++) {
        if (page >= end) {
            page = next_data(mem, page);
            end = next_hole(mem, page);
        }
        u8 *at = mem->plain + ((size_t)page << PAGE_SHIFT);
        if (page >= pages || is_zero(at))
            continue;
        state_u32(s, &page);
        state_bytes(s, at, PAGE_BYTES);
    }
    u32 none = NO_PAGE;
    state_u32(s, &none);
}

static void clear_ram(struct memory *mem)
{
    if (fallocate(mem->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, mem->ram_bytes))
        memset(mem->plain, 0, mem->ram_bytes);
}

static void load_ram(struct memory *mem, struct state *s)
{
    u32 pages = mem->ram_bytes >> PAGE_SHIFT, next = 0;
    clear_ram(mem);
    for (;;) {
        u32 page = NO_PAGE;
        state_u32(s, &page);
        if (s->failed || page == NO_PAGE)
            return;
        if (page < next || page >= pages) {
            state_fail(s, "%s: page %u is not where it should be", s->section, page);
            return;
        }
        state_bytes(s, mem->plain + ((size_t)page << PAGE_SHIFT), PAGE_BYTES);
        next = page + 1;
    }
}

void memory_state(struct memory *mem, struct state *s)
{
    bool a20 = mem->a20;
    state_bool(s, &a20);
    if (!s->loading) {
        save_ram(mem, s);
        return;
    }
    load_ram(mem, s);
    memory_set_a20(mem, a20);
    memory_stored(mem);
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
