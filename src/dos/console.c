/* CON: characters from the BIOS's keyboard services or from the host's standard input, and to the host's standard output. */
#include "dos/dos_impl.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum {
    CTRL_C = 3,
    END_OF_FILE = 0x1a,
    EXTENDED = 0xe0, /* INT 16h AH=10h: the grey keys */
    BIOS_SEGMENT = 0xf000,
    HOST_WAIT_MS = 20,
    BREAK_SEEN = 0x80,
};

bool con_from_host(const struct dos *dos)
{
    return dos->config.in_fd >= 0;
}

/* --- the host's standard input --- */

/* Until there is something, or `timeout_ms` are over; under the access clock they are not, for who waits must not see time. */
static bool host_wait(struct dos *dos, int timeout_ms)
{
    struct pollfd fd = {.fd = dos->config.in_fd, .events = POLLIN};
    bool still = timeout_ms && dos->machine->clock.mode == CLOCK_MODE_ACCESS && dos->config.stopped;
    int ready;
    do
        ready = poll(&fd, 1, timeout_ms);
    while (ready <= 0 && still && !dos->config.stopped(dos->config.stopped_opaque));
    return ready > 0;
}

/* 1: there is something, or the end; 0: not yet. */
static int host_fill(struct dos *dos, int timeout_ms)
{
    struct dos_console *con = &dos->con;
    if (con->in_at < con->in_count || con->in_ended)
        return 1;
    if (!host_wait(dos, timeout_ms))
        return 0;
    ssize_t n = read(dos->config.in_fd, con->in, sizeof con->in);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    con->in_at = 0;
    con->in_count = n > 0 ? (u32)n : 0;
    con->in_ended = n <= 0;
    return 1;
}

static bool host_get(struct dos *dos, bool wait, u8 *c, enum dos_next *next)
{
    struct dos_console *con = &dos->con;
    *next = DOS_RETURN;
    if (!host_fill(dos, wait ? HOST_WAIT_MS : 0)) {
        if (wait)
            *next = help(dos, STUB_IDLE, AFTER_AGAIN); /* interrupts are due meanwhile */
        return false;
    }
    if (con->in_at == con->in_count) {
        *c = END_OF_FILE;
        return true;
    }
    *c = con->in[con->in_at++];
    if (*c == '\n')
        *c = '\r';
    return true;
}

/* --- the keyboard --- */

static bool bios_has_key(const struct dos *dos)
{
    return guest_u16(dos, far(0, BDA_KEY_HEAD)) != guest_u16(dos, far(0, BDA_KEY_TAIL));
}

/* Nobody has taken INT 16h: its buffer can be looked at without calling it. */
static bool bios_keyboard(const struct dos *dos)
{
    return vector_get(dos, 0x16) >> 16 == BIOS_SEGMENT;
}

void con_key(struct dos *dos, u16 ax, bool there)
{
    struct dos_console *con = &dos->con;
    if (con->polled) {
        con->poll_there = there;
        return;
    }
    con->have_key = there;
    con->key = ax;
}

/* Is a key waiting in the BIOS? False and *next other than DOS_RETURN: it is being asked. */
static bool keyboard_waiting(struct dos *dos, enum dos_next *next)
{
    struct dos_console *con = &dos->con;
    *next = DOS_RETURN;
    if (con->polled) {
        con->polled = false;
        return con->poll_there;
    }
    if (bios_keyboard(dos))
        return bios_has_key(dos);
    con->polled = true;
    *next = help(dos, STUB_POLL_KEY, AFTER_POLL);
    return false;
}

static u8 character_of(struct dos *dos, u16 key)
{
    u8 c = (u8)key, scan = (u8)(key >> 8);
    if (c && !(c == EXTENDED && scan))
        return c;
    dos->con.have_scan = true;
    dos->con.scan = scan;
    return 0;
}

bool con_get(struct dos *dos, bool wait, u8 *c, enum dos_next *next)
{
    struct dos_console *con = &dos->con;
    *next = DOS_RETURN;
    if (con->have_scan) {
        con->have_scan = false;
        *c = con->scan;
        return true;
    }
    if (con_from_host(dos))
        return host_get(dos, wait, c, next);
    if (con->have_key) {
        con->have_key = false;
        *c = character_of(dos, con->key);
        return true;
    }
    if (wait || keyboard_waiting(dos, next))
        *next = help(dos, STUB_READ_KEY, AFTER_KEY);
    return false;
}

bool con_ready(struct dos *dos, enum dos_next *next)
{
    struct dos_console *con = &dos->con;
    *next = DOS_RETURN;
    if (con->have_scan || con->have_key)
        return true;
    return con_from_host(dos) ? host_fill(dos, 0) : keyboard_waiting(dos, next);
}

void con_flush(struct dos *dos)
{
    struct dos_console *con = &dos->con;
    con->have_scan = con->have_key = con->polled = false;
    if (!con_from_host(dos))
        guest_put_u16(dos, far(0, BDA_KEY_HEAD), guest_u16(dos, far(0, BDA_KEY_TAIL)));
}

/* --- Ctrl-C --- */

static u16 next_key(const struct dos *dos)
{
    return guest_u16(dos, far(0x40, guest_u16(dos, far(0, BDA_KEY_HEAD))));
}

bool con_break_pending(const struct dos *dos)
{
    if (con_from_host(dos))
        return false;
    if (bda_u8(dos, BDA_BREAK) & BREAK_SEEN)
        return true;
    if (dos->con.have_key)
        return (u8)dos->con.key == CTRL_C;
    return bios_has_key(dos) && (u8)next_key(dos) == CTRL_C;
}

static void drop_next_key(struct dos *dos)
{
    u16 head = (u16)(guest_u16(dos, far(0, BDA_KEY_HEAD)) + 2);
    if (head >= guest_u16(dos, far(0, BDA_KEY_END)))
        head = guest_u16(dos, far(0, BDA_KEY_START));
    guest_put_u16(dos, far(0, BDA_KEY_HEAD), head);
}

enum dos_next con_break(struct dos *dos)
{
    u8 seen = bda_u8(dos, BDA_BREAK);
    if (seen & BREAK_SEEN) {
        guest_put_u8(dos, far(0, BDA_BREAK), seen & (u8)~BREAK_SEEN);
        con_flush(dos); /* the BIOS has put a key without code there */
    } else if (dos->con.have_key) {
        dos->con.have_key = false;
    } else if (bios_has_key(dos)) {
        drop_next_key(dos);
    }
    return help_break(dos);
}

/* --- the host's standard output --- */

void con_tee(struct dos *dos, const u8 *text, u32 count)
{
    while (dos->config.out_fd >= 0 && count) {
        ssize_t n = write(dos->config.out_fd, text, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN) {
            struct pollfd fd = {.fd = dos->config.out_fd, .events = POLLOUT};
            poll(&fd, 1, -1);
            continue;
        }
        if (n <= 0)
            return; /* nobody reads any more */
        text += n;
        count -= (u32)n;
    }
}
