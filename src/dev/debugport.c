/* Ports for messages: 80h, the POST code of the AT (a latch that can be read back); E9h, Bochs' "port E9
 * hack"; and 402h, where SeaBIOS writes its log. Bytes of the last two go to the configured file by the
 * line. A guest looks for E9h and 402h by reading the port's own sign, E9h. With no file nobody listens:
 * they read as ones then, and SeaBIOS saves itself thousands of accesses. */
#include "base/log.h"
#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEBUG_PRESENT = 0xe9, DEBUG_BUFFER_BYTES = 4096 };

struct debugport {
    int fd; /* -1: none */
    u8 post_code;
    u32 fill;
    u8 buffer[DEBUG_BUFFER_BYTES];
};

static void debug_flush(struct debugport *d)
{
    u32 done = 0;
    while (done < d->fill && d->fd >= 0) {
        ssize_t n = write(d->fd, d->buffer + done, d->fill - done);
        if (n > 0) {
            done += (u32)n;
        } else if (n == 0 || errno != EINTR) {
            log_warn("cannot write the guest's debug messages: %s; the rest is lost", strerror(errno));
            d->fd = -1;
        }
    }
    d->fill = 0;
}

static u32 debug_in(void *dev, u16 port, u8 size)
{
    struct debugport *d = dev;
    (void)port, (void)size;
    return d->fd >= 0 ? DEBUG_PRESENT : 0xff;
}

static void debug_out(void *dev, u16 port, u8 size, u32 value)
{
    struct debugport *d = dev;
    (void)port, (void)size;
    if (d->fd < 0)
        return;
    d->buffer[d->fill++] = (u8)value;
    if (value == '\n' || d->fill == DEBUG_BUFFER_BYTES)
        debug_flush(d);
}

static u32 post_in(void *dev, u16 port, u8 size)
{
    struct debugport *d = dev;
    (void)port, (void)size;
    return d->post_code;
}

static void post_out(void *dev, u16 port, u8 size, u32 value)
{
    struct debugport *d = dev;
    (void)port, (void)size;
    d->post_code = (u8)value;
}

static void post_latch(void *dev, u16 port, struct bus_latch *latch)
{
    struct debugport *d = dev;
    (void)port;
    *latch = (struct bus_latch){.out = &d->post_code, .out_mask = 0xff, .in = &d->post_code, .busy = &bus_never_busy};
}

static const struct bus_port debug_ports[] = {
    {0x80, 1, BUS_8, "POST code", post_in, post_out, .latch = post_latch},
    {0xe9, 1, BUS_8, "debug console E9", debug_in, debug_out},
    {0x402, 1, BUS_8, "SeaBIOS log", debug_in, debug_out},
};

static int debug_create(struct machine *machine, void **dev)
{
    struct debugport *d = calloc(1, sizeof *d);
    if (!d)
        return -ENOMEM;
    d->fd = machine->config->debugcon_fd;
    *dev = d;
    return 0;
}

static void debug_destroy(void *dev)
{
    debug_flush(dev);
    free(dev);
}

/* What is in the buffer has been said in the run that goes on. */
static void debug_state(void *dev, struct state *s)
{
    struct debugport *d = dev;
    state_u8(s, &d->post_code);
}

const struct dev_class debugport_class = {
    .name = "debugport",
    .ports = debug_ports,
    .n_ports = ARRAY_LEN(debug_ports),
    .create = debug_create,
    .destroy = debug_destroy,
    .state = debug_state,
};
