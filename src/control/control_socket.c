/* The socket in the file system: unix(7). It is its owner's alone from the moment it is there: Linux takes
 * its mode from the unbound socket's. */
#include "control/control_impl.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 8 };

static int refuse(const char *path, int rc, const char *why)
{
    log_error("--control=%s: %s", path, why);
    return rc;
}

static const struct sockaddr *address_of(const struct control_socket *s)
{
    return (const struct sockaddr *)&s->address;
}

/* Whether somebody listens: 0, or -errno. */
static int try_to_connect(const struct control_socket *s)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int rc = connect(fd, address_of(s), sizeof s->address) ? -errno : 0;
    close(fd);
    return rc == -EAGAIN ? 0 : rc; /* its queue is full: somebody is there */
}

/* A huddle that was killed leaves its socket. Nothing else may be replaced. */
static int remove_stale(const struct control_socket *s, const char *path)
{
    struct stat at;
    if (lstat(path, &at))
        return errno == ENOENT ? 0 : refuse(path, -errno, strerror(errno));
    if (!S_ISSOCK(at.st_mode))
        return refuse(path, -EEXIST, "there is something else than a socket: not replaced");
    if (at.st_uid != geteuid())
        return refuse(path, -EEXIST, "there is a socket of another user: not replaced");
    int rc = try_to_connect(s);
    if (rc == 0)
        return refuse(path, -EADDRINUSE, "a program listens there already");
    if (rc != -ECONNREFUSED)
        return refuse(path, rc, strerror(-rc));
    return unlink(path) && errno != ENOENT ? refuse(path, -errno, strerror(errno)) : 0;
}

static int set_address(struct control_socket *s, const char *path)
{
    s->address.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof s->address.sun_path) {
        char why[80];
        snprintf(why, sizeof why, "too long for a socket: at most %zu bytes", sizeof s->address.sun_path - 1);
        return refuse(path, -ENAMETOOLONG, why);
    }
    strcpy(s->address.sun_path, path);
    return 0;
}

static int bind_and_listen(struct control_socket *s, const char *path)
{
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || fchmod(s->fd, S_IRUSR | S_IWUSR) || bind(s->fd, address_of(s), sizeof s->address))
        return refuse(path, -errno, strerror(errno));
    if (lstat(path, &s->at) || listen(s->fd, BACKLOG)) {
        int rc = -errno;
        unlink(path);
        return refuse(path, rc, strerror(-rc));
    }
    return 0;
}

int control_socket_open(struct control_socket *s, const char *path)
{
    *s = (struct control_socket){.fd = -1};
    int rc = set_address(s, path);
    if (!rc)
        rc = remove_stale(s, path);
    if (!rc)
        rc = bind_and_listen(s, path);
    if (rc && s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    return rc;
}

void control_socket_close(struct control_socket *s)
{
    struct stat now;
    if (s->fd < 0)
        return;
    const char *path = s->address.sun_path;
    if (!lstat(path, &now) && now.st_dev == s->at.st_dev && now.st_ino == s->at.st_ino)
        unlink(path);
    close(s->fd);
    s->fd = -1;
}
