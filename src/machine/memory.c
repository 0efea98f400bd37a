/* Guest RAM in one memfd; the processor's view is rebuilt with MAP_FIXED when A20 or the page frame changes. */
#include "machine/memory.h"

#include "base/bug.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    VGA_FIRST = MEMORY_WINDOW_FIRST,
    VGA_END = MEMORY_WINDOW_FIRST + MEMORY_WINDOW_BYTES,
    BIOS_SHADOW_BYTES = 128 * KIB,
    ROM_MAX_BYTES = 256 * KIB,
};
#define VIEW_BYTES (1ull << 32)
#define VIEW_MAPPING_BYTES MEMORY_VIEW_DISTANCE
#define GUARDED_BYTES      (MEMORY_LIMIT_BYTES + 2 * VIEW_MAPPING_BYTES)
#define A20_BIT            ((gpa_t)MIB)

static void changed(struct memory *mem)
{
    mem->generation++;
    if (mem->changes)
        ++*mem->changes;
}

static void set_kind(struct memory *mem, u64 first, u64 end, enum page_kind kind)
{
    memset(mem->page_kind + (first >> PAGE_SHIFT), kind, (end - first) >> PAGE_SHIFT);
}

/* Maps `bytes` of the memfd at `offset` into the view at `view`, at `gpa`. `share`: MAP_SHARED or MAP_PRIVATE. */
static int map_view(const struct memory *mem, u8 *view, int share, u64 gpa, u64 bytes, u64 offset, int prot)
{
    void *p = mmap(view + gpa, bytes, prot, share | MAP_FIXED | MAP_NORESERVE, mem->fd, (off_t)offset);
    return p == MAP_FAILED ? -errno : 0;
}

static u8 *reserve(u64 bytes)
{
    return mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* In the memfd: RAM, firmware, what is behind open windows, expanded memory. */
static u64 window_offset(const struct memory *mem)
{
    return (u64)mem->ram_bytes + ROM_MAX_BYTES;
}

u64 memory_expanded_offset(const struct memory *mem)
{
    return window_offset(mem) + MEMORY_WINDOW_BYTES;
}

static gpa_t place_address(u32 place)
{
    return MEMORY_FRAME_FIRST + place * MEMORY_PIECE_BYTES;
}

static u64 place_offset(const struct memory *mem, u32 place)
{
    u16 piece = mem->frame[place];
    return piece == MEMORY_NO_PIECE ? place_address(place) : memory_expanded_offset(mem) + (u64)piece * MEMORY_PIECE_BYTES;
}

/* Does the place answer a second time, A20's bit being nothing? */
static bool place_repeats(const struct memory *mem, u32 place)
{
    return !mem->a20 && (place_address(place) | A20_BIT) < mem->ram_bytes;
}

static int map_place(const struct memory *mem, u8 *view, int share, u32 place)
{
    gpa_t at = place_address(place);
    u64 offset = place_offset(mem, place);
    int rc = map_view(mem, view, share, at, MEMORY_PIECE_BYTES, offset, PROT_READ | PROT_WRITE);
    if (rc || !place_repeats(mem, place))
        return rc;
    return map_view(mem, view, share, at | A20_BIT, MEMORY_PIECE_BYTES, offset, PROT_READ | PROT_WRITE);
}

static int map_frame(const struct memory *mem, u8 *view, int share)
{
    int rc = 0;
    for (u32 place = 0; place < MEMORY_FRAME_PLACES && !rc; place++)
        rc = map_place(mem, view, share, place);
    return rc;
}

static int map_ram(const struct memory *mem, u8 *view, int share)
{
    int rc = map_view(mem, view, share, 0, mem->ram_bytes, 0, PROT_READ | PROT_WRITE);
    return rc ? rc : map_view(mem, view, share, VGA_FIRST, MEMORY_WINDOW_BYTES, window_offset(mem), PROT_NONE);
}

static int map_a20(const struct memory *mem, u8 *view, int share)
{
    int rc = 0;
    for (u64 odd = MIB; odd < mem->ram_bytes && !rc; odd += 2 * MIB)
        rc = map_view(mem, view, share, odd, MIB, mem->a20 ? odd : odd - MIB, PROT_READ | PROT_WRITE);
    return rc || mem->a20 || !mem->expanded_bytes ? rc : map_frame(mem, view, share);
}

static int map_rom(const struct memory *mem, u8 *view, int share)
{
    u64 bytes = mem->rom_bytes;
    return bytes ? map_view(mem, view, share, VIEW_BYTES - bytes, bytes, mem->ram_bytes, PROT_READ) : 0;
}

static int build_views(struct memory *mem)
{
    int rc = map_ram(mem, mem->view, MAP_SHARED);
    if (!rc)
        rc = map_ram(mem, mem->guarded, MAP_SHARED);
    if (rc)
        return rc;
    /* Fewer, larger pages if the host allows it: a hint, so failure does not matter. */
    (void)madvise(mem->view, mem->ram_bytes, MADV_HUGEPAGE);
    (void)madvise(mem->guarded, mem->ram_bytes, MADV_HUGEPAGE);
    set_kind(mem, 0, mem->ram_bytes, PAGE_RAM);
    set_kind(mem, VGA_FIRST, VGA_END, PAGE_DEVICE);
    return 0;
}

static void protect_page(const struct memory *mem, gpa_t page)
{
    if (mem->page_kind[page >> PAGE_SHIFT] == PAGE_RAM)
        BUG_ON(mprotect(mem->guarded + page, PAGE_BYTES, PROT_READ));
}

/* They have been mapped anew. */
static void guard_pages(const struct memory *mem, gpa_t first, u32 bytes)
{
    for (gpa_t page = first; page < first + bytes; page += PAGE_BYTES)
        if (mem->page_guard[(page & ~A20_BIT) >> PAGE_SHIFT])
            protect_page(mem, page);
}

static void guard_again(const struct memory *mem)
{
    for (gpa_t odd = MIB; odd < mem->ram_bytes; odd += 2 * MIB)
        guard_pages(mem, odd, MIB);
    if (mem->expanded_bytes)
        guard_pages(mem, MEMORY_FRAME_FIRST, MEMORY_FRAME_PLACES * MEMORY_PIECE_BYTES);
}

void memory_guard(struct memory *mem, gpa_t page)
{
    u8 *guard = &mem->page_guard[(page & ~A20_BIT) >> PAGE_SHIFT];
    if (*guard)
        return;
    *guard = true;
    page &= ~(gpa_t)(PAGE_BYTES - 1);
    protect_page(mem, page & ~A20_BIT);
    protect_page(mem, page | A20_BIT);
}

static void announce(const struct memory *mem)
{
    if (mem->before_bus_access)
        mem->before_bus_access(mem->before_bus_access_opaque);
}

int memory_init(struct memory *mem, u32 ram_bytes)
{
    *mem = (struct memory){.fd = -1, .ram_bytes = ram_bytes, .a20 = true, .plain = MAP_FAILED, .view = MAP_FAILED,
                           .guarded = MAP_FAILED, .page_kind = MAP_FAILED, .page_guard = MAP_FAILED};
    memset(mem->frame, 0xff, sizeof mem->frame);
    int rc;
    mem->fd = memfd_create("huddle-ram", MFD_CLOEXEC);
    if (mem->fd < 0 || ftruncate(mem->fd, (off_t)(window_offset(mem) + MEMORY_WINDOW_BYTES)))
        goto fail;
    mem->plain = mmap(NULL, ram_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, mem->fd, 0);
    mem->window = mmap(NULL, MEMORY_WINDOW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, mem->fd,
                       (off_t)window_offset(mem));
    if (mem->plain == MAP_FAILED || mem->window == MAP_FAILED)
        goto fail;
    mem->guarded = reserve(GUARDED_BYTES);
    if (mem->guarded == MAP_FAILED)
        goto fail;
    mem->guarded += MEMORY_LIMIT_BYTES;
    if (mprotect(mem->guarded - MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES / 2, PROT_READ))
        goto fail;
    mem->view = mem->guarded + MEMORY_VIEW_DISTANCE;
    mem->page_kind = mmap(NULL, PAGE_COUNT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mem->page_guard = mmap(NULL, PAGE_COUNT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mem->page_kind == MAP_FAILED || mem->page_guard == MAP_FAILED)
        goto fail;
    rc = build_views(mem);
    if (!rc)
        return 0;
    errno = -rc;
fail:
    rc = -errno;
    log_error("cannot get %u MiB of guest memory: %s", ram_bytes / MIB, strerror(errno));
    memory_fini(mem);
    return rc;
}

void memory_fini(struct memory *mem)
{
    if (mem->page_kind != MAP_FAILED)
        munmap(mem->page_kind, PAGE_COUNT);
    if (mem->page_guard != MAP_FAILED)
        munmap(mem->page_guard, PAGE_COUNT);
    if (mem->guarded != MAP_FAILED)
        munmap(mem->guarded - MEMORY_LIMIT_BYTES, GUARDED_BYTES);
    if (mem->plain != MAP_FAILED)
        munmap(mem->plain, mem->ram_bytes);
    if (mem->window && mem->window != MAP_FAILED)
        munmap(mem->window, MEMORY_WINDOW_BYTES);
    if (mem->expanded)
        munmap(mem->expanded, mem->expanded_bytes);
    mem->expanded = NULL;
    if (mem->fd >= 0)
        close(mem->fd);
    mem->page_kind = mem->page_guard = mem->view = mem->guarded = mem->plain = mem->window = MAP_FAILED;
    mem->fd = -1;
}

int memory_load_bios(struct memory *mem, const u8 *image, u32 bytes)
{
    if (!bytes || bytes % (64 * KIB) || bytes > ROM_MAX_BYTES)
        return -EINVAL;
    u32 shadow = MIN(bytes, BIOS_SHADOW_BYTES);
    memcpy(mem->plain + MIB - shadow, image + bytes - shadow, shadow);
    u64 done = 0;
    while (done < bytes) {
        ssize_t n = pwrite(mem->fd, image + done, bytes - done, (off_t)(mem->ram_bytes + done));
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (u64)n;
    }
    mem->rom_bytes = bytes;
    set_kind(mem, VIEW_BYTES - bytes, VIEW_BYTES, PAGE_ROM);
    changed(mem);
    int rc = map_rom(mem, mem->view, MAP_SHARED);
    return rc ? rc : map_rom(mem, mem->guarded, MAP_SHARED);
}

u32 memory_slots(const struct memory *mem, struct memory_slot *slots)
{
    u32 n = 0;
    slots[n++] = (struct memory_slot){0, VGA_FIRST, mem->view, false};
    slots[n++] = (struct memory_slot){VGA_END, mem->ram_bytes - VGA_END, mem->view + VGA_END, false};
    if (mem->rom_bytes) {
        gpa_t rom = (gpa_t)(VIEW_BYTES - mem->rom_bytes);
        slots[n++] = (struct memory_slot){rom, mem->rom_bytes, mem->view + rom, true};
    }
    return n;
}

void memory_set_a20(struct memory *mem, bool on)
{
    if (mem->a20 == on)
        return;
    announce(mem);
    mem->a20 = on;
    changed(mem);
    int rc = map_a20(mem, mem->view, MAP_SHARED);
    if (!rc)
        rc = map_a20(mem, mem->guarded, MAP_SHARED);
    BUG_ON(rc); /* the same pages were mapped here before */
    guard_again(mem);
}

/* --- expanded memory --- */

int memory_add_expanded(struct memory *mem, u32 bytes)
{
    BUG_ON(mem->expanded_bytes || !bytes || bytes > MEMORY_EXPANDED_MAX || bytes % MEMORY_PIECE_BYTES);
    u8 *p = MAP_FAILED;
    if (!ftruncate(mem->fd, (off_t)(memory_expanded_offset(mem) + bytes)))
        p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, mem->fd, (off_t)memory_expanded_offset(mem));
    if (p == MAP_FAILED) {
        int rc = -errno;
        log_error("cannot get %u KiB of expanded memory: %s", bytes / KIB, strerror(errno));
        return rc;
    }
    mem->expanded = p;
    mem->expanded_bytes = bytes;
    return 0;
}

void memory_show_piece(struct memory *mem, u32 place, u16 piece)
{
    BUG_ON(place >= MEMORY_FRAME_PLACES || (piece != MEMORY_NO_PIECE && piece >= mem->expanded_bytes / MEMORY_PIECE_BYTES));
    gpa_t at = place_address(place);
    if (mem->frame[place] == piece)
        return;
    announce(mem);
    mem->frame[place] = piece;
    mem->frame_changes++;
    changed(mem);
    int rc = map_view(mem, mem->plain, MAP_SHARED, at, MEMORY_PIECE_BYTES, place_offset(mem, place), PROT_READ | PROT_WRITE);
    if (!rc)
        rc = map_place(mem, mem->view, MAP_SHARED, place);
    if (!rc)
        rc = map_place(mem, mem->guarded, MAP_SHARED, place);
    BUG_ON(rc); /* something of the same kind was mapped here before */
    guard_pages(mem, at, MEMORY_PIECE_BYTES);
    if (place_repeats(mem, place))
        guard_pages(mem, at | A20_BIT, MEMORY_PIECE_BYTES);
}

void memory_clear_frame(struct memory *mem)
{
    for (u32 place = 0; place < MEMORY_FRAME_PLACES; place++)
        memory_show_piece(mem, place, MEMORY_NO_PIECE);
}

bool memory_has_aliases(const struct memory *mem)
{
    for (u32 i = 1; i < MEMORY_FRAME_PLACES; i++)
        for (u32 k = 0; mem->frame[i] != MEMORY_NO_PIECE && k < i; k++)
            if (mem->frame[i] == mem->frame[k])
                return true;
    return !mem->a20;
}

static u32 add_other(const struct memory *mem, gpa_t page, gpa_t other, gpa_t *others, u32 n)
{
    if (other != page && other < mem->ram_bytes)
        others[n++] = other;
    return n;
}

u32 memory_others(const struct memory *mem, gpa_t page, gpa_t other[MEMORY_OTHERS_MAX])
{
    gpa_t a20 = mem->a20 ? 0 : A20_BIT, even = page & ~a20;
    u32 n = 0, here = (even - MEMORY_FRAME_FIRST) / MEMORY_PIECE_BYTES;
    for (u32 place = 0; place < MEMORY_FRAME_PLACES; place++) {
        bool same = place == here || (here < MEMORY_FRAME_PLACES && mem->frame[here] != MEMORY_NO_PIECE &&
                                      mem->frame[place] == mem->frame[here]);
        gpa_t at = place_address(place) + even % MEMORY_PIECE_BYTES;
        if (!same)
            continue;
        n = add_other(mem, page, at, other, n);
        if (a20)
            n = add_other(mem, page, at | a20, other, n);
    }
    if (a20 && here >= MEMORY_FRAME_PLACES)
        n = add_other(mem, page, page ^ a20, other, n);
    return n;
}

/* --- display memory --- */

static int protect_window(const struct memory *mem, gpa_t first, u32 bytes, int prot)
{
    if (mprotect(mem->view + first, bytes, prot) || mprotect(mem->guarded + first, bytes, prot))
        return -errno;
    return 0;
}

int memory_open_window(struct memory *mem, gpa_t first, u32 bytes)
{
    BUG_ON(first < VGA_FIRST || first + bytes > VGA_END || (first | bytes) % PAGE_BYTES);
    int rc = protect_window(mem, first, bytes, PROT_READ | PROT_WRITE);
    if (rc) {
        log_error("cannot map display memory: %s", strerror(-rc));
        BUG_ON(protect_window(mem, first, bytes, PROT_NONE)); /* as it was before */
        return rc;
    }
    set_kind(mem, first, (u64)first + bytes, PAGE_RAM);
    mem->window_changes++;
    guard_pages(mem, first, bytes);
    changed(mem);
    return 0;
}

void memory_close_window(struct memory *mem, gpa_t first, u32 bytes)
{
    set_kind(mem, first, (u64)first + bytes, PAGE_DEVICE);
    mem->window_changes++;
    BUG_ON(protect_window(mem, first, bytes, PROT_NONE));
    changed(mem);
}

static bool in_ram(const struct memory *mem, u64 gpa, u32 len)
{
    return gpa <= mem->ram_bytes && len <= mem->ram_bytes - gpa;
}

bool memory_read(const struct memory *mem, u64 gpa, void *buf, u32 len)
{
    if (!in_ram(mem, gpa, len))
        return false;
    announce(mem);
    memcpy(buf, mem->plain + gpa, len);
    return true;
}

bool memory_write(struct memory *mem, u64 gpa, const void *buf, u32 len)
{
    if (!in_ram(mem, gpa, len))
        return false;
    announce(mem);
    memcpy(mem->plain + gpa, buf, len);
    changed(mem);
    return true;
}

void memory_stored(struct memory *mem)
{
    changed(mem);
}

/* --- the private view --- */

int memory_shadow_init(struct memory_shadow *shadow, const struct memory *mem)
{
    *shadow = (struct memory_shadow){.mem = mem, .a20 = true};
    shadow->view = reserve(VIEW_MAPPING_BYTES);
    int rc = shadow->view == MAP_FAILED ? -errno : map_ram(mem, shadow->view, MAP_PRIVATE);
    if (!rc)
        rc = map_rom(mem, shadow->view, MAP_PRIVATE);
    if (!rc) {
        memory_shadow_follow(shadow);
        return 0;
    }
    log_error("cannot get a second view of the guest's memory: %s", strerror(-rc));
    memory_shadow_fini(shadow);
    return rc;
}

void memory_shadow_fini(struct memory_shadow *shadow)
{
    if (shadow->view && shadow->view != MAP_FAILED)
        munmap(shadow->view, VIEW_MAPPING_BYTES);
    shadow->view = NULL;
}

static int protect_windows(const struct memory *mem, u8 *view)
{
    for (gpa_t page = VGA_FIRST; page < VGA_END; page += PAGE_BYTES) {
        bool open = memory_kind(mem, page) == PAGE_RAM;
        if (mprotect(view + page, PAGE_BYTES, open ? PROT_READ | PROT_WRITE : PROT_NONE))
            return -errno;
    }
    return 0;
}

void memory_shadow_follow(struct memory_shadow *shadow)
{
    const struct memory *mem = shadow->mem;
    int rc = 0;
    if (shadow->window_changes != mem->window_changes)
        rc = protect_windows(mem, shadow->view);
    if (!rc && shadow->a20 != mem->a20)
        rc = map_a20(mem, shadow->view, MAP_PRIVATE);
    if (!rc && shadow->frame_changes != mem->frame_changes)
        rc = map_frame(mem, shadow->view, MAP_PRIVATE);
    BUG_ON(rc); /* the same pages were mapped here before */
    shadow->a20 = mem->a20;
    shadow->frame_changes = mem->frame_changes;
    shadow->window_changes = mem->window_changes;
}

void memory_shadow_drop(struct memory_shadow *shadow, gpa_t page)
{
    BUG_ON(page % PAGE_BYTES || madvise(shadow->view + page, PAGE_BYTES, MADV_DONTNEED));
}
