/* The names of a directory, kept between accesses. A listing is good while the directory's times are what
 * they were when it was read. File systems stamp changes with a clock that moves in steps, so a listing read
 * within a step of the last change may miss a later one of the same step: it is read again at the next
 * access, until it is old enough
 * ("settled"). After changes of our own it is brought up to date in place and read again once the step has
 * passed.
 *
 * A name that stays keeps its short name when the directory is read again: programs delete one file after the
 * other by names that they have got before. */
#include "dos/volume/host_impl.h"

#include "dos/volume/short_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Steps: of the kernel's clock at 50 Hz, and of file systems that keep whole seconds (FAT: two). */
enum { STEP_NS = 20000000, COARSE_STEP_S = 2 };

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* More than a step of the clock lies between the directory's last change and now. */
static bool is_settled(const struct stat *stat)
{
    struct timespec now, then = stat->st_mtim;
    if (stat->st_ctim.tv_sec > then.tv_sec ||
        (stat->st_ctim.tv_sec == then.tv_sec && stat->st_ctim.tv_nsec > then.tv_nsec))
        then = stat->st_ctim;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (then.tv_nsec == 0)
        then.tv_sec += COARSE_STEP_S;
    then.tv_nsec += STEP_NS;
    then.tv_sec += then.tv_nsec / (long)NS_PER_S;
    then.tv_nsec %= (long)NS_PER_S;
    return now.tv_sec > then.tv_sec || (now.tv_sec == then.tv_sec && now.tv_nsec > then.tv_nsec);
}

static bool is_same_directory(const struct host_listing *listing, const struct stat *stat)
{
    return listing->device == stat->st_dev && listing->inode == stat->st_ino;
}

static bool is_current(const struct host_listing *listing, const struct stat *stat)
{
    if (!is_same_directory(listing, stat) || !same_time(listing->modified, stat->st_mtim) ||
        !same_time(listing->changed, stat->st_ctim))
        return false;
    return listing->settled || (listing->own && !is_settled(stat));
}

static void stamp(struct host_listing *listing, const struct stat *stat)
{
    listing->device = stat->st_dev;
    listing->inode = stat->st_ino;
    listing->modified = stat->st_mtim;
    listing->changed = stat->st_ctim;
    listing->settled = is_settled(stat);
}

/* --- names --- */

static void free_names(struct host_name **names, u32 count)
{
    for (u32 i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static struct host_name *create_name(const char *host)
{
    size_t bytes = strlen(host) + 1;
    struct host_name *name = calloc(1, sizeof *name + bytes);
    if (name)
        memcpy(name->host, host, bytes);
    return name;
}

/* Place for one more. */
static bool reserve(struct host_name ***names, u32 count, u32 *capacity)
{
    if (count < *capacity)
        return true;
    u32 more = *capacity ? *capacity * 2 : 32;
    struct host_name **grown = realloc(*names, more * sizeof **names);
    if (!grown)
        return false;
    *names = grown;
    *capacity = more;
    return true;
}

static int by_dos(const void *a, const void *b)
{
    return strcmp((*(struct host_name *const *)a)->dos, (*(struct host_name *const *)b)->dos);
}

static int by_host(const void *a, const void *b)
{
    return strcmp((*(struct host_name *const *)a)->host, (*(struct host_name *const *)b)->host);
}

/* --- reading --- */

static bool is_dots(const char *name)
{
    return !strcmp(name, ".") || !strcmp(name, "..");
}

/* Appends the names of the directory to an empty listing. */
static int read_names(DIR *directory, struct host_listing *into)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry)
            return -errno;
        if (is_dots(entry->d_name))
            continue;
        struct host_name *name = NULL;
        if (reserve(&into->names, into->count, &into->capacity))
            name = create_name(entry->d_name);
        if (!name)
            return -ENOMEM;
        into->names[into->count++] = name;
    }
}

/* What is known of names that were there before. Both sorted by host name. */
static void keep_known(struct host_listing *into, const struct host_listing *old)
{
    for (u32 i = 0, j = 0; i < into->count && j < old->count;) {
        int order = strcmp(into->names[i]->host, old->names[j]->host);
        if (order == 0) {
            strcpy(into->names[i]->dos, old->names[j]->dos);
            into->names[i]->look = old->names[j]->look;
        }
        i += order <= 0;
        j += order >= 0;
    }
}

/* Two equal host names: some file systems say one twice while others change the directory. */
static void drop_repeated(struct host_listing *listing)
{
    u32 kept = 0;
    for (u32 i = 0; i < listing->count; i++) {
        if (kept && !strcmp(listing->names[kept - 1]->host, listing->names[i]->host))
            free(listing->names[i]);
        else
            listing->names[kept++] = listing->names[i];
    }
    listing->count = kept;
}

/* Names are sorted by host name, as short_names_assign leaves them too. */
static int assign_short_names(struct host_listing *listing)
{
    struct short_name *items = calloc((size_t)listing->count + 1, sizeof *items);
    if (!items)
        return -ENOMEM;
    for (u32 i = 0; i < listing->count; i++) {
        items[i].host = listing->names[i]->host;
        strcpy(items[i].dos, listing->names[i]->dos);
    }
    int rc = short_names_assign(items, listing->count);
    u32 kept = 0;
    for (u32 i = 0; !rc && i < listing->count; i++) {
        strcpy(listing->names[i]->dos, items[i].dos);
        if (items[i].dos[0])
            listing->names[kept++] = listing->names[i];
        else
            free(listing->names[i]); /* LIMIT: ten million names that begin alike */
    }
    if (!rc)
        listing->count = kept;
    free(items);
    return rc;
}

/* `into` is empty, `old` is what was known of the same directory and becomes unsorted. */
static int read_listing(struct host *host, const struct host_place *place, struct host_listing *into,
                        struct host_listing *old)
{
    int fd = host_beneath(host, place->path, O_RDONLY | O_DIRECTORY);
    if (fd < 0)
        return fd;
    DIR *directory = fdopendir(fd);
    if (!directory) {
        close(fd);
        return -ENOMEM;
    }
    struct stat stat;
    int rc = fstat(fd, &stat) ? -errno : 0; /* before reading: what happens meanwhile changes it */
    stamp(into, &stat);
    if (!rc)
        rc = read_names(directory, into);
    closedir(directory);
    if (rc)
        return rc;
    if (into->count)
        qsort(into->names, into->count, sizeof *into->names, by_host);
    drop_repeated(into);
    if (old->count && is_same_directory(old, &stat)) {
        qsort(old->names, old->count, sizeof *old->names, by_host);
        keep_known(into, old);
    }
    rc = assign_short_names(into);
    if (!rc && into->count)
        qsort(into->names, into->count, sizeof *into->names, by_dos);
    return rc;
}

/* --- the cache --- */

static void forget(struct host_listing *listing)
{
    free_names(listing->names, listing->count);
    free(listing->path);
    *listing = (struct host_listing){0};
}

void host_listings_free(struct host *host)
{
    for (u32 i = 0; i < HOST_LISTINGS; i++)
        forget(&host->listings[i]);
}

/* That of `path`, or the one not used for longest, forgotten. NULL: no memory. */
static struct host_listing *find_listing(struct host *host, const char *path)
{
    struct host_listing *oldest = &host->listings[0];
    for (u32 i = 0; i < HOST_LISTINGS; i++) {
        struct host_listing *listing = &host->listings[i];
        if (listing->path && !strcmp(listing->path, path))
            return listing;
        if (listing->used < oldest->used)
            oldest = listing;
    }
    forget(oldest);
    oldest->path = strdup(path);
    return oldest->path ? oldest : NULL;
}

int host_listing_get(struct host *host, struct host_place *place)
{
    struct host_listing *listing = find_listing(host, place->path);
    if (!listing)
        return -ENOMEM;
    place->listing = listing;
    listing->used = ++host->uses;
    if (is_current(listing, &place->stat))
        return 0;
    struct host_listing fresh = {.used = listing->used};
    int rc = read_listing(host, place, &fresh, listing);
    if (rc) {
        free_names(fresh.names, fresh.count);
        forget(listing);
        return rc;
    }
    fresh.path = listing->path;
    free_names(listing->names, listing->count);
    *listing = fresh;
    return 0;
}

/* Where `dos` is or would be. */
static u32 position(const struct host_listing *listing, const char *dos)
{
    u32 low = 0, high = listing->count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (strcmp(listing->names[middle]->dos, dos) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct host_name *host_listing_find(const struct host_listing *listing, const char *dos)
{
    u32 at = position(listing, dos);
    return at < listing->count && !strcmp(listing->names[at]->dos, dos) ? listing->names[at] : NULL;
}

bool host_new_name(const struct host_listing *listing, const char *dos, char host_name[3 * DOS_NAME_BYTES])
{
    if (!short_name_to_host(dos, false, host_name))
        return false;
    /* That may be there with a tail, from when another file had the name without; it keeps it. */
    for (u32 i = 0; i < listing->count; i++)
        if (!strcmp(listing->names[i]->host, host_name))
            return short_name_to_host(dos, true, host_name);
    return true;
}

/* --- changes of our own --- */

/* The listing is what the directory is now. */
static void restamp(struct host_place *place)
{
    struct stat stat;
    if (fstat(place->fd, &stat) || !is_same_directory(place->listing, &stat)) {
        place->listing->inode = 0; /* read it again */
        return;
    }
    stamp(place->listing, &stat);
    place->listing->settled = false;
    place->listing->own = true;
}

void host_listing_added(struct host_place *place, const char *dos, const char *host_name)
{
    struct host_listing *listing = place->listing;
    u32 at = position(listing, dos);
    struct host_name *name = NULL;
    if (reserve(&listing->names, listing->count, &listing->capacity))
        name = create_name(host_name);
    if (!name) {
        listing->inode = 0;
        return;
    }
    strcpy(name->dos, dos);
    memmove(&listing->names[at + 1], &listing->names[at], (listing->count - at) * sizeof *listing->names);
    listing->names[at] = name;
    listing->count++;
    restamp(place);
}

void host_listing_removed(struct host_place *place, const char *dos)
{
    struct host_listing *listing = place->listing;
    u32 at = position(listing, dos);
    if (at < listing->count && !strcmp(listing->names[at]->dos, dos)) {
        free(listing->names[at]);
        listing->count--;
        memmove(&listing->names[at], &listing->names[at + 1], (listing->count - at) * sizeof *listing->names);
    }
    restamp(place);
}
