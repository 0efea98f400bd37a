/* Accesses, in the long and in the direct way: the state moves when the device is asked, log and event follow when the
 * access is accounted for. */
#include "device.h"

#include "base/bug.h"

static u32 ones(u8 size)
{
    return size == 4 ? 0xffffffffu : BIT(8 * size) - 1;
}

static u32 answer(struct device *d, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    bool read = kind == ACCESS_PORT_IN || kind == ACCESS_MMIO_READ;
    d->state = (d->state ^ addr ^ (u64)kind << 40 ^ (u64)size << 32) * 0x9e3779b97f4a7c15ull;
    d->state ^= d->state >> 29;
    return read ? (u32)d->state & ones(size) : value;
}

static void fire(struct device *d)
{
    d->fired = true;
    switch (d->plan.event) {
    case EVENT_INTR:
        d->intr = true;
        break;
    case EVENT_ATTENTION:
        d->attention = 1;
        break;
    case EVENT_REQUEST:
        d->requests = 1;
        break;
    case EVENT_DMA:
        BUG_ON(!memory_write(d->mem, d->plan.dma, &d->plan.dma_value, 1));
        break;
    case EVENT_A20:
        memory_set_a20(d->mem, !d->mem->a20);
        break;
    case EVENT_WINDOW:
        d->window_generation++;
        break;
    default:
        break;
    }
}

static void account(struct device *d, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    const struct device_plan *plan = &d->plan;
    if (d->n < DEVICE_LOG)
        d->log[d->n] = (struct access){.addr = addr, .value = value, .kind = (u8)kind, .size = size};
    d->n++;
    if (plan->event != EVENT_NONE && (plan->event == EVENT_INTR ? d->n % plan->at == 0 : d->n == plan->at))
        fire(d);
    if (d->n >= DEVICE_LOG) /* enough: everybody stops here */
        d->attention = 1;
}

u32 device_access(struct device *d, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    value = answer(d, kind, addr, size, value);
    account(d, kind, addr, size, value);
    return value;
}

void device_begin(struct device *d, const struct device_plan *plan)
{
    d->plan = *plan;
    d->state = 1;
    d->n = 0;
    d->fired = d->intr = false;
    d->attention = 0;
    d->requests = 0;
}

/* --- the long way --- */

static u32 port_in(void *opaque, u16 port, u8 size)
{
    return device_access(opaque, ACCESS_PORT_IN, port, size, 0);
}

static void port_out(void *opaque, u16 port, u8 size, u32 value)
{
    device_access(opaque, ACCESS_PORT_OUT, port, size, value);
}

static u32 mmio_read(void *opaque, u32 gpa, u8 size)
{
    return device_access(opaque, ACCESS_MMIO_READ, gpa, size, 0);
}

static void mmio_write(void *opaque, u32 gpa, u8 size, u32 value)
{
    device_access(opaque, ACCESS_MMIO_WRITE, gpa, size, value);
}

/* --- the direct way --- */

static u32 direct_in(void *dev, u16 port, u8 size)
{
    return answer(dev, ACCESS_PORT_IN, port, size, 0);
}

static void direct_out(void *dev, u16 port, u8 size, u32 value)
{
    answer(dev, ACCESS_PORT_OUT, port, size, value);
}

static u32 direct_read(void *dev, u32 gpa, u8 size)
{
    return answer(dev, ACCESS_MMIO_READ, gpa, size, 0);
}

static void direct_write(void *dev, u32 gpa, u8 size, u32 value)
{
    answer(dev, ACCESS_MMIO_WRITE, gpa, size, value);
}

static void port_done(void *opaque, bool in, u16 port, u8 size, u32 value)
{
    account(opaque, in ? ACCESS_PORT_IN : ACCESS_PORT_OUT, port, size, value);
}

static void memory_done(void *opaque, bool read, u32 gpa, u8 size, u32 value)
{
    account(opaque, read ? ACCESS_MMIO_READ : ACCESS_MMIO_WRITE, gpa, size, value);
}

/* Ports are direct by their number: in both directions, in one, or not. */
static void find_port(void *opaque, struct env_port *port)
{
    struct device *d = opaque;
    port->direct = d->plan.direct && port->number % 4 != 3;
    port->dev = d;
    port->in = port->number % 4 != 1 ? direct_in : NULL;
    port->out = port->number % 4 != 2 ? direct_out : NULL;
}

/* The upper quarter of the window is nobody's. */
static void find_window(void *opaque, u32 gpa, struct env_window *window)
{
    enum { DIRECT_BYTES = DEVICE_BYTES / 4 * 3 };
    struct device *d = opaque;
    (void)gpa;
    *window = (struct env_window){.first = DEVICE_FIRST,
                                  .bytes = d->plan.direct ? DIRECT_BYTES : 0,
                                  .generation = d->window_generation,
                                  .generation_now = &d->window_generation,
                                  .dev = d,
                                  .read = direct_read,
                                  .write = direct_write};
}

void device_env(struct device *d, struct cluster_env *env)
{
    env->opaque = d;
    env->port_in = port_in;
    env->port_out = port_out;
    env->mmio_read = mmio_read;
    env->mmio_write = mmio_write;
    env->find_port = find_port;
    env->port_done = port_done;
    env->find_window = find_window;
    env->memory_done = memory_done;
    env->intr = &d->intr;
    env->attention = &d->attention;
    env->requests = &d->requests;
}
