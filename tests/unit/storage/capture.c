/* Standard error goes into a pipe for a while. */
#include "capture.h"

#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void capture_begin(struct capture *c)
{
    assert_int_equal(pipe2(c->pipe, O_CLOEXEC | O_NONBLOCK), 0);
    c->saved = dup(STDERR_FILENO);
    dup2(c->pipe[1], STDERR_FILENO);
}

void capture_end(struct capture *c)
{
    fflush(stderr);
    dup2(c->saved, STDERR_FILENO);
    close(c->saved);
    ssize_t n = read(c->pipe[0], c->text, sizeof c->text - 1);
    c->text[n > 0 ? n : 0] = 0;
    close(c->pipe[0]);
    close(c->pipe[1]);
}

void assert_said_once(const struct capture *c, const char *part)
{
    assert_non_null(strstr(c->text, part));
    assert_ptr_equal(strchr(c->text, '\n'), c->text + strlen(c->text) - 1);
}
