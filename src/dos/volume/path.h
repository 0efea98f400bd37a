/* Taking the paths of volume.h apart. */
#ifndef HUDDLE_DOS_VOLUME_PATH_H
#define HUDDLE_DOS_VOLUME_PATH_H

#include "dos/volume/volume.h"

/* Takes the first component off *path, in upper case as this folder folds it (cp437.h). False if there is
 * none, or if it is too long for a name of DOS (then *path is not ""). */
bool path_next(const char **path, char name[DOS_NAME_BYTES]);
/* The last component. */
const char *path_last(const char *path);

#endif
