/* Port dispatch: one byte per port indexes the row of the device that claimed it. */
#include "machine/bus.h"

#include "base/bug.h"

#include <string.h>

enum { ROW_UNCLAIMED = 0 };

void bus_init(struct bus *bus)
{
    memset(bus, 0, sizeof *bus);
    bus->n_rows = 1;
}

void bus_add_ports(struct bus *bus, const struct bus_port *ports, size_t n, void *dev)
{
    for (size_t i = 0; i < n; i++) {
        BUG_ON(bus->n_rows >= BUS_MAX_ROWS);
        bus->rows[bus->n_rows].row = &ports[i];
        bus->rows[bus->n_rows].dev = dev;
        for (u32 p = ports[i].first; p < (u32)ports[i].first + ports[i].count; p++) {
            BUG_ON(p > 0xffff || bus->port[p] != ROW_UNCLAIMED);
            bus->port[p] = (u8)bus->n_rows;
        }
        bus->n_rows++;
    }
}

void bus_add_window(struct bus *bus, const struct bus_window *window)
{
    BUG_ON(bus->n_windows >= BUS_MAX_WINDOWS);
    bus->window[bus->n_windows++] = *window;
}

static void note_unclaimed(struct bus *bus, u16 port, u8 size, bool in)
{
    bus->unclaimed_accesses++;
    u8 bit = (u8)BIT(port & 7);
    if (bus->unclaimed_seen[port >> 3] & bit)
        return;
    bus->unclaimed_seen[port >> 3] |= bit;
    if (bus->on_unclaimed)
        bus->on_unclaimed(bus->on_unclaimed_opaque, port, size, in);
}

static u32 ones(u8 size)
{
    return size == 4 ? 0xffffffffu : BIT(8 * size) - 1;
}

u32 bus_in(struct bus *bus, u16 port, u8 size)
{
    const struct bus_port *row = bus->rows[bus->port[port]].row;
    if (row && row->in && (row->width & size))
        return row->in(bus->rows[bus->port[port]].dev, port, size) & ones(size);
    if (size == BUS_8) {
        if (!row)
            note_unclaimed(bus, port, size, true);
        return 0xff;
    }
    u8 half = size / 2;
    u32 low = bus_in(bus, port, half);
    return low | bus_in(bus, (u16)(port + half), half) << (8 * half);
}

void bus_out(struct bus *bus, u16 port, u8 size, u32 value)
{
    const struct bus_port *row = bus->rows[bus->port[port]].row;
    if (row && row->out && (row->width & size)) {
        row->out(bus->rows[bus->port[port]].dev, port, size, value & ones(size));
        return;
    }
    if (size == BUS_8) {
        if (!row)
            note_unclaimed(bus, port, size, false);
        return;
    }
    u8 half = size / 2;
    bus_out(bus, port, half, value & ones(half));
    bus_out(bus, (u16)(port + half), half, value >> (8 * half));
}

bool bus_poll(const struct bus *bus, u16 port, struct bus_poll *poll)
{
    const struct bus_port *row = bus->rows[bus->port[port]].row;
    return row && row->poll && row->poll(bus->rows[bus->port[port]].dev, port, poll);
}

const struct bus_port *bus_port_row(const struct bus *bus, u16 port, void **dev)
{
    *dev = bus->rows[bus->port[port]].dev;
    return bus->rows[bus->port[port]].row;
}

const struct bus_window *bus_window_at(const struct bus *bus, gpa_t addr)
{
    for (u32 i = 0; i < bus->n_windows; i++)
        if (addr - bus->window[i].first < bus->window[i].bytes)
            return &bus->window[i];
    return NULL;
}

const char *bus_port_name(const struct bus *bus, u16 port)
{
    const struct bus_port *row = bus->rows[bus->port[port]].row;
    return row ? row->name : NULL;
}
