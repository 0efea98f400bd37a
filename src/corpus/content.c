/* Chained XXH3 over pieces. Hashing runs at the memory's speed, so nothing is remembered between calls. */
#include "corpus/content.h"

#include "base/hash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE_BYTES (1 * MIB)
#define DEPTH_MAX   32

static u64 chain(u64 hash, u64 next)
{
    u64 both[2] = {hash, next};
    return hash64(both, sizeof both);
}

u64 corpus_hash_text(u64 hash, const char *text)
{
    return chain(hash, hash64(text, strlen(text)));
}

static u64 hash_error(u64 hash, int error)
{
    return chain(hash, ~(u64)error);
}

static u64 hash_data(u64 hash, int fd)
{
    u64 total = 0;
    char *piece = malloc(PIECE_BYTES);
    if (!piece)
        return hash_error(hash, ENOMEM);
    for (;;) {
        ssize_t n = read(fd, piece, PIECE_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            hash = hash_error(hash, errno);
        if (n <= 0)
            break;
        hash = chain(hash, hash64(piece, (size_t)n));
        total += (u64)n;
    }
    free(piece);
    return chain(hash, total);
}

static u64 hash_open(u64 hash, int at, const char *path, u32 depth, const struct stat *except);

static int wanted(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_file(int at, const char *name, const struct stat *file)
{
    struct stat st;
    return file && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == file->st_dev &&
           st.st_ino == file->st_ino;
}

static u64 hash_directory(u64 hash, int fd, u32 depth, const struct stat *except)
{
    u64 hashed = 0;
    struct dirent **entry;
    int n = depth < DEPTH_MAX ? scandirat(fd, ".", &entry, wanted, by_bytes) : 0;
    if (n < 0)
        return hash_error(hash, errno);
    for (int i = 0; i < n; i++) {
        if (!is_file(fd, entry[i]->d_name, except)) {
            hash = corpus_hash_text(hash, entry[i]->d_name);
            hash = hash_open(hash, fd, entry[i]->d_name, depth + 1, except);
            hashed++;
        }
        free(entry[i]);
    }
    if (depth < DEPTH_MAX)
        free(entry);
    return chain(hash, hashed);
}

/* O_NONBLOCK: a pipe must not hold us up. Links are followed where somebody has named them. */
static u64 hash_open(u64 hash, int at, const char *path, u32 depth, const struct stat *except)
{
    struct stat st;
    int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (depth ? O_NOFOLLOW : 0));
    if (fd < 0 || fstat(fd, &st)) {
        hash = hash_error(hash, errno);
    } else if (S_ISDIR(st.st_mode)) {
        hash = hash_directory(hash, fd, depth, except);
    } else if (S_ISREG(st.st_mode)) {
        hash = hash_data(hash, fd);
    } else {
        hash = hash_error(hash, EINVAL);
    }
    if (fd >= 0)
        close(fd);
    return hash;
}

u64 corpus_hash_file(u64 hash, int at, const char *path)
{
    return corpus_hash_without(hash, at, path, NULL);
}

u64 corpus_hash_without(u64 hash, int at, const char *path, const struct stat *except)
{
    return hash_open(hash, at, path, 0, except);
}
