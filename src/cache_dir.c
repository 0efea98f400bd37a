/* See cache_dir.h. A missing folder is no error anywhere: what would be kept is made again the next time. */
#include "cache_dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The specification: a relative path is to be ignored. */
static const char *absolute(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0] == '/' ? value : NULL;
}

static bool fits(int n, size_t size)
{
    return n > 0 && (size_t)n < size;
}

static bool base_folder(char *path, size_t size)
{
    const char *cache = absolute("XDG_CACHE_HOME"), *home = absolute("HOME");
    if (cache)
        return fits(snprintf(path, size, "%s", cache), size);
    return home && fits(snprintf(path, size, "%s/.cache", home), size);
}

/* A folder of ours, made if it is not there. Others could put a state of their own into one of theirs. */
static bool make_folder(const char *path)
{
    struct stat st;
    if (mkdir(path, 0700) && errno != EEXIST)
        return false;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

bool cache_file(char *path, size_t size, const char *name)
{
    char folder[PATH_MAX];
    if (!base_folder(folder, sizeof folder - sizeof "/huddle") || !make_folder(folder))
        return false;
    strcat(folder, "/huddle");
    return make_folder(folder) && fits(snprintf(path, size, "%s/%s", folder, name), size);
}
