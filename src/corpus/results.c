/* A line is one write, so what a killed process leaves is whole lines and at most a piece of one. */
#include "corpus/results.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_whole(int fd, char **text, size_t *bytes)
{
    struct stat st;
    if (fstat(fd, &st))
        return -errno;
    *bytes = 0;
    *text = malloc((size_t)st.st_size + 1);
    if (!*text)
        return -ENOMEM;
    while (*bytes < (size_t)st.st_size) {
        ssize_t n = pread(fd, *text + *bytes, (size_t)st.st_size - *bytes, (off_t)*bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        *bytes += (size_t)n;
    }
    return 0;
}

static int add(struct corpus_results *r, const struct corpus_result *result)
{
    struct corpus_result *more = realloc(r->result, (r->n_results + 1) * sizeof *more);
    if (!more)
        return -ENOMEM;
    r->result = more;
    more[r->n_results++] = *result;
    return 0;
}

/* Whole lines only. */
static int read_lines(struct corpus_results *r, const char *text, size_t bytes)
{
    const char *at = text, *end = text + bytes;
    u32 line = 1, strange = 0;
    for (; at < end; line++) {
        const char *next = memchr(at, '\n', (size_t)(end - at));
        struct corpus_result result;
        if (!corpus_result_read(&result, at, (size_t)(next - at))) {
            if (!strange++)
                log_warn("%s:%u: not a result of huddle ab --corpus: left alone", r->path, line);
        } else {
            int rc = add(r, &result);
            if (rc)
                return rc;
        }
        at = next + 1;
    }
    if (strange && !r->n_results) {
        log_error("%s: exists, and is not a file of results of huddle ab --corpus", r->path);
        return -EEXIST;
    }
    return 0;
}

/* The file up to the last end of a line. A piece alone, with nothing before it, must look like one of a
 * result. */
static int drop_half_line(const struct corpus_results *r, const char *text, size_t *bytes)
{
    static const char begin[] = "{\"key\":\"";
    const char *last = memrchr(text, '\n', *bytes);
    size_t whole = last ? (size_t)(last - text) + 1 : 0;
    size_t piece = *bytes - whole;
    if (!piece)
        return 0;
    if (memcmp(text + whole, begin, MIN(piece, strlen(begin)))) {
        log_error("%s: exists, and is not a file of results of huddle ab --corpus", r->path);
        return -EEXIST;
    }
    log_warn("%s: its last line is only half there: that guest is run again", r->path);
    *bytes = whole;
    return ftruncate(r->fd, (off_t)whole) ? -errno : 0;
}

static int open_for_us(struct corpus_results *r)
{
    r->fd = open(r->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (r->fd < 0)
        return -errno;
    /* Where files cannot be locked (some network file systems) nobody is warned. */
    if (flock(r->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        return -EBUSY;
    return 0;
}

int corpus_results_open(struct corpus_results *r, const char *path)
{
    char *text = NULL;
    size_t bytes = 0;
    *r = (struct corpus_results){.path = path, .fd = -1};
    int rc = open_for_us(r);
    if (!rc)
        rc = read_whole(r->fd, &text, &bytes);
    if (rc == -EBUSY)
        log_error("%s: another huddle is writing to it", path);
    else if (rc)
        log_error("%s: %s", path, strerror(-rc));
    if (!rc)
        rc = drop_half_line(r, text, &bytes);
    if (!rc)
        rc = read_lines(r, text, bytes);
    free(text);
    if (rc)
        corpus_results_close(r);
    return rc;
}

const struct corpus_result *corpus_results_find(const struct corpus_results *r, u64 key)
{
    for (u32 i = r->n_results; i-- > 0;)
        if (r->result[i].key == key)
            return &r->result[i];
    return NULL;
}

int corpus_results_append(const struct corpus_results *r, const char *line)
{
    size_t left = strlen(line);
    while (left) {
        ssize_t n = write(r->fd, line, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int rc = n ? -errno : -EIO;
            log_error("%s: cannot be written: %s", r->path, strerror(-rc));
            return rc;
        }
        line += n;
        left -= (size_t)n;
    }
    return 0;
}

void corpus_results_close(struct corpus_results *r)
{
    if (r->fd >= 0)
        close(r->fd);
    free(r->result);
    *r = (struct corpus_results){.fd = -1};
}
