/* Paths as volume.h has them. */
#include "dos/volume/path.h"

#include "dos/volume/cp437.h"

#include <string.h>

bool path_next(const char **path, char name[DOS_NAME_BYTES])
{
    size_t length = strcspn(*path, "\\");
    if (length == 0 || length >= DOS_NAME_BYTES)
        return false;
    for (size_t i = 0; i < length; i++)
        name[i] = (char)cp437_upper((u8)(*path)[i]);
    name[length] = 0;
    *path += length + ((*path)[length] == '\\');
    return true;
}

const char *path_last(const char *path)
{
    const char *separator = strrchr(path, '\\');
    return separator ? separator + 1 : path;
}
