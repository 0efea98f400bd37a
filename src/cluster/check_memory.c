/* Memory of a pair: which pages the reference stored to, making or forgetting those stores, and copies of pages that the
 * candidate must not touch. */
#include "cluster/check_impl.h"

#include <stdlib.h>
#include <string.h>

enum {
    FULL_RUNS_SHIFT = 4, /* all of memory is compared in runs 1, 16, 256, ... of a cluster */
    NEAR_BYTES = 64,     /* pages this close to a register's address are watched */
};

static bool is_ram(const struct check *check, u32 page)
{
    return check->config.env->page_kind[page >> CHECK_PAGE_SHIFT] == ENV_PAGE_RAM;
}

static u8 *real_page(const struct check *check, u32 page)
{
    return check->config.env->view + page;
}

static u8 *private_page(const struct check *check, u32 page)
{
    return check->config.view.view + page;
}

static void set_dirty(struct check *check, u32 page)
{
    if (check->dirty[page >> CHECK_PAGE_SHIFT])
        return;
    check->dirty[page >> CHECK_PAGE_SHIFT] = true;
    check->dirty_page[check->n_dirty++] = page;
}

/* The same bytes at their other addresses. */
static void store_at_others(struct check *check, u32 page, u32 first, u32 last)
{
    const struct check_view *view = &check->config.view;
    u32 other[CHECK_OTHERS_MAX];
    u32 n = check->has_others ? view->others(view->opaque, page, other) : 0;
    for (u32 i = 0; i < n; i++) {
        if (!is_ram(check, other[i]))
            continue;
        memcpy(private_page(check, other[i]) + first, private_page(check, page) + first, last - first + 1);
        set_dirty(check, other[i]);
    }
}

static void note_store(struct check *check, const struct interp_store *store)
{
    u32 first_page = store->first & ~(CHECK_PAGE_BYTES - 1), last_page = store->last & ~(CHECK_PAGE_BYTES - 1);
    for (u64 page = first_page; page <= last_page; page += CHECK_PAGE_BYTES) {
        if (!is_ram(check, (u32)page))
            continue;
        set_dirty(check, (u32)page);
        store_at_others(check, (u32)page, page == first_page ? store->first - first_page : 0,
                        page == last_page ? store->last - last_page : CHECK_PAGE_BYTES - 1);
    }
}

void check_note_stores(struct check *check)
{
    const struct interp *interp = &check->reference.interp;
    for (u32 i = 0; i < interp->n_stores; i++)
        note_store(check, &interp->store[i]);
}

void check_drop_stores(struct check *check)
{
    const struct check_view *view = &check->config.view;
    for (u32 i = 0; i < check->n_dirty; i++) {
        view->drop(view->opaque, check->dirty_page[i]);
        check->dirty[check->dirty_page[i] >> CHECK_PAGE_SHIFT] = false;
    }
    check->n_dirty = 0;
}

void check_commit_stores(struct check *check)
{
    check->comparable = false;
    for (u32 i = 0; i < check->n_dirty; i++) {
        u32 page = check->dirty_page[i];
        memcpy(real_page(check, page), private_page(check, page), CHECK_PAGE_BYTES);
    }
    check_drop_stores(check);
}

void check_follow_mapping(struct check *check)
{
    const struct check_view *view = &check->config.view;
    u32 generation = *check->config.env->generation;
    if (generation == check->mapping_seen)
        return;
    check->has_others = view->follow(view->opaque);
    check->mapping_seen = generation;
}

/* --- real memory as the candidate finds it --- */

static void copy_page(struct check *check, struct check_copies *copies, u32 max, u32 page)
{
    if (copies->n == max || !is_ram(check, page))
        return;
    for (u32 i = 0; max == CHECK_WATCHED_MAX && i < copies->n; i++)
        if (copies->page[i] == page)
            return;
    copies->page[copies->n] = page;
    memcpy(copies->bytes + (size_t)copies->n++ * CHECK_PAGE_BYTES, real_page(check, page), CHECK_PAGE_BYTES);
}

static void watch(struct check *check, const struct cpu_state *cpu, enum cpu_sreg sreg, enum cpu_reg reg)
{
    u32 at[] = {cpu->sreg[sreg].base + cpu->reg[reg], cpu->sreg[sreg].base + (u16)cpu->reg[reg]};
    for (u32 i = 0; i < ARRAY_LEN(at); i++) {
        copy_page(check, &check->watched, CHECK_WATCHED_MAX, (at[i] - NEAR_BYTES) & ~(CHECK_PAGE_BYTES - 1));
        copy_page(check, &check->watched, CHECK_WATCHED_MAX, (at[i] + NEAR_BYTES) & ~(CHECK_PAGE_BYTES - 1));
    }
}

static void watch_state(struct check *check, const struct cpu_state *cpu)
{
    watch(check, cpu, CPU_SS, CPU_ESP);
    watch(check, cpu, CPU_ES, CPU_EDI);
    watch(check, cpu, CPU_DS, CPU_ESI);
    watch(check, cpu, CPU_DS, CPU_EBX);
    watch(check, cpu, CPU_SS, CPU_EBP);
}

static bool is_full_run(u64 runs)
{
    return !runs || (!(runs & (runs - 1)) && __builtin_ctzll(runs) % FULL_RUNS_SHIFT == 0);
}

void check_keep_memory(struct check *check)
{
    check->watched.n = check->full.n = 0;
    copy_page(check, &check->watched, CHECK_WATCHED_MAX, 0);
    watch_state(check, &check->entry);
    watch_state(check, &check->reference.cpu);
    if (!is_full_run(check->cluster->runs))
        return;
    for (u32 page = 0; page < CHECK_FULL_PAGES; page++)
        copy_page(check, &check->full, CHECK_FULL_PAGES, page * CHECK_PAGE_BYTES);
}

static void copied_page(const struct check *check, const struct check_copies *copies, u32 i, struct check_page *page)
{
    page->at = copies->page[i];
    page->have = real_page(check, page->at);
    bool stored = check->dirty[page->at >> CHECK_PAGE_SHIFT];
    page->want = stored ? page->have : copies->bytes + (size_t)i * CHECK_PAGE_BYTES; /* those are compared anyway */
}

bool check_page(const struct check *check, u32 i, struct check_page *page)
{
    if (i < check->n_dirty) {
        page->at = check->dirty_page[i];
        page->want = private_page(check, page->at);
        page->have = real_page(check, page->at);
        return true;
    }
    i -= check->n_dirty;
    if (check->full.n) { /* then the watched ones are among them, or above */
        if (i < check->full.n) {
            copied_page(check, &check->full, i, page);
            return true;
        }
        i -= check->full.n;
    }
    if (i >= check->watched.n)
        return false;
    copied_page(check, &check->watched, i, page);
    return true;
}

/* --- comparing --- */

bool check_memory_equal(const struct check *check)
{
    struct check_page page;
    for (u32 i = 0; check_page(check, i, &page); i++)
        if (memcmp(page.want, page.have, CHECK_PAGE_BYTES))
            return false;
    return true;
}

void check_repair_memory(struct check *check)
{
    struct check_page page;
    for (u32 i = 0; check_page(check, i, &page); i++)
        if (page.want != page.have)
            memcpy(real_page(check, page.at), page.want, CHECK_PAGE_BYTES);
}

/* --- life --- */

static bool alloc_copies(struct check_copies *copies, u32 pages)
{
    copies->page = calloc(pages, sizeof *copies->page);
    copies->bytes = malloc((size_t)pages * CHECK_PAGE_BYTES);
    return copies->page && copies->bytes;
}

bool check_memory_init(struct check *check)
{
    const struct check_view *view = &check->config.view;
    check->dirty = calloc(CHECK_PAGES, 1);
    check->dirty_page = calloc(CHECK_PAGES, sizeof *check->dirty_page);
    if (!check->dirty || !check->dirty_page || !alloc_copies(&check->watched, CHECK_WATCHED_MAX) ||
        !alloc_copies(&check->full, CHECK_FULL_PAGES))
        return false;
    check->mapping_seen = *check->config.env->generation;
    check->has_others = view->follow(view->opaque);
    return true;
}

void check_memory_fini(struct check *check)
{
    free(check->watched.page);
    free(check->watched.bytes);
    free(check->full.page);
    free(check->full.bytes);
    free(check->dirty);
    free(check->dirty_page);
}
