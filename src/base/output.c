/* See output.h. */
#include "base/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_file(struct output *output)
{
    struct stat st;
    bool replaced = lstat(output->path, &st) || S_ISREG(st.st_mode);
    if (!replaced)
        return open(output->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (asprintf(&output->temporary, "%s.tmp.%d", output->path, (int)getpid()) < 0) {
        output->temporary = NULL;
        errno = ENOMEM;
        return -1;
    }
    unlink(output->temporary); /* of a process that had our number before */
    return open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
}

int output_open(struct output *output, const char *path)
{
    *output = (struct output){.path = path};
    int fd = open_file(output);
    output->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (output->file)
        return 0;
    int rc = -errno;
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && output->temporary)
        unlink(output->temporary);
    free(output->temporary);
    return rc;
}

int output_close(struct output *output, int rc)
{
    if (!rc && ferror(output->file))
        rc = -EIO;
    if (fclose(output->file) && !rc)
        rc = -errno;
    if (!output->temporary)
        return rc;
    if (!rc && rename(output->temporary, output->path))
        rc = -errno;
    if (rc)
        unlink(output->temporary);
    free(output->temporary);
    return rc;
}
