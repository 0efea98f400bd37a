/* What the files of the host volume share (host*.c).
 *
 * Nothing outside the mounted directory is ever reached: every path is resolved by the kernel below a
 * descriptor of its root (openat2, RESOLVE_BENEATH), symbolic links included; what changes a directory names
 * one component in a directory that was opened so, and follows no link. So nothing depends on what was seen
 * before, and others may change the tree at any time. */
#ifndef HUDDLE_DOS_VOLUME_HOST_IMPL_H
#define HUDDLE_DOS_VOLUME_HOST_IMPL_H

#include "dos/volume/volume.h"

#include <limits.h>
#include <sys/stat.h>
#include <time.h>

enum { HOST_LISTINGS = 256 };

/* What a look into a file said, valid while it is that file with that ctime. */
struct host_look {
    bool valid, readable;
    u8 attributes; /* hidden, system, archive */
    dev_t device;
    ino_t inode;
    struct timespec changed;
};

/* A name in a directory, of whatever kind. */
struct host_name {
    char dos[DOS_NAME_BYTES];
    struct host_look look;
    char host[];
};

/* The names in a directory, as they were at a time. */
struct host_listing {
    char *path; /* on the host, "" for the root; NULL: this place is free */
    u64 used;
    dev_t device;
    ino_t inode;
    struct timespec modified, changed;
    bool settled; /* read so late after the last change that a later one gives another time */
    bool own;     /* brought up to date by ourselves since it was read */
    struct host_name **names;
    u32 count, capacity; /* sorted by `dos` */
};

struct volume_file {
    int fd;
    u32 access;
    bool written;
    char first[2]; /* of the host's name: a dot hides it */
    char name[DOS_NAME_BYTES];
    struct stat identity;
    struct volume_file *next;
};

struct host {
    int root;
    bool read_only;
    char label[12];
    u64 uses;
    struct host_listing listings[HOST_LISTINGS];
    struct volume_file *files;
};

/* A directory, open, and its names as of now. */
struct host_place {
    int fd; /* O_PATH */
    struct stat stat;
    struct host_listing
        *listing;        /* valid until 100 other directories were entered, or it was entered again */
    char path[PATH_MAX]; /* below the root; "" is the root */
};

/* --- host_beneath.c --- */

/* Opens `path` ("" is the root) below the root, with the flags of openat2. Follows symbolic links that stay
 * below, unless O_NOFOLLOW. A descriptor or -errno. */
int host_beneath(const struct host *host, const char *path, u64 flags);
/* The error of DOS for an -errno or errno. */
enum dos_error host_error(int error);
/* "directory/name", or "name" in the root. False if it gets too long. */
bool host_join(char out[PATH_MAX], const char *directory, const char *name);

/* --- host_listing.c --- */

/* Takes place->fd, ->stat and ->path, and finds or makes the listing. 0 or -errno. */
must_check int host_listing_get(struct host *host, struct host_place *place);
struct host_name *host_listing_find(const struct host_listing *listing, const char *dos);
/* How a new file or directory there is to be called on the host. False if it cannot be. */
bool host_new_name(const struct host_listing *listing, const char *dos, char host_name[3 * DOS_NAME_BYTES]);
/* After a change of our own in that directory: the name is there now, or no longer. */
void host_listing_added(struct host_place *place, const char *dos, const char *host_name);
void host_listing_removed(struct host_place *place, const char *dos);
void host_listings_free(struct host *host);

/* --- host_walk.c --- */

/* The directory `path` of DOS. On DOS_OK the caller calls host_leave. */
enum dos_error host_enter(struct host *host, const char *path, struct host_place *place);
/* The directory that `path`, which is not "", is in; *last is the last component, folded. */
enum dos_error host_enter_parent(struct host *host, const char *path, struct host_place *place,
                                 char last[DOS_NAME_BYTES]);
void host_leave(struct host_place *place);

/* What the guest is to see of a name. DOS_FILE_NOT_FOUND if there is nothing for it: gone, neither regular
 * file nor directory, not readable, or out of the volume. `stat` is of what a link leads to. */
enum dos_error host_look(struct host *host, const struct host_place *place, struct host_name *name,
                         struct stat *stat, struct dos_entry *entry);

/* --- host_attribute.c --- */

/* Hidden, system and archive of an open file or directory, called `name` on the host: of that only the first
 * character counts. */
u8 host_attributes(int fd, const char *name);
/* Sets them; with `with_mode` read-only too. `fd` is open for reading. 0 or -errno. */
must_check int host_set_attributes(int fd, const char *name, u8 attributes, bool with_mode);
/* Fills all but the name. */
void host_entry(const struct host *host, const struct stat *stat, u8 attributes, struct dos_entry *entry);

/* --- host_file.c: the functions of volume_class of these names --- */

enum dos_error host_open(void *volume, const char *path, u32 access, struct volume_file **file);
enum dos_error host_create(void *volume, const char *path, u8 attributes, bool fresh,
                           struct volume_file **file);
void host_close_file(void *volume, struct volume_file *file);
enum dos_error host_read(void *volume, struct volume_file *file, u32 offset, void *buf, u32 bytes, u32 *done);
enum dos_error host_write(void *volume, struct volume_file *file, u32 offset, const void *buf, u32 bytes,
                          u32 *done);
enum dos_error host_set_size(void *volume, struct volume_file *file, u32 bytes);
enum dos_error host_stat_file(void *volume, struct volume_file *file, struct dos_entry *entry);
enum dos_error host_set_time(void *volume, struct volume_file *file, u16 date, u16 time);
enum dos_error host_commit(void *volume, struct volume_file *file);

/* --- host_change.c: the same --- */

enum dos_error host_change_attributes(void *volume, const char *path, u8 attributes);
enum dos_error host_remove(void *volume, const char *path);
enum dos_error host_rename(void *volume, const char *from, const char *to);
enum dos_error host_make_directory(void *volume, const char *path);
enum dos_error host_remove_directory(void *volume, const char *path);

#endif
