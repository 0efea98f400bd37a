/* The access funnel: device call, then the record, then time. */
#include "machine/machine.h"

#include "base/log.h"

void machine_account_rare(struct machine *m)
{
    if (m->trace.fill == TRACE_CHUNK)
        trace_flush_chunk(&m->trace);
    if (m->clock.access_ns >= m->clock.next_deadline_ns)
        clock_run_due(&m->clock);
}

u32 machine_port_in(struct machine *m, u16 port, u8 size)
{
    u32 value = bus_in(&m->bus, port, size);
    machine_account(m, ACCESS_PORT_IN, port, size, value);
    return value;
}

void machine_port_out(struct machine *m, u16 port, u8 size, u32 value)
{
    bus_out(&m->bus, port, size, value);
    machine_account(m, ACCESS_PORT_OUT, port, size, value);
}

/* The I/O and local APICs of later machines: SeaBIOS reads a version there for its tables, whatever CPUID says. */
enum { APIC_FIRST = 0xfec00000u, APIC_END = 0xfef00000u };

static void note_unclaimed_memory(struct machine *m, gpa_t addr, u8 size, bool write)
{
    if (m->unclaimed_memory_seen || (addr >= APIC_FIRST && addr < APIC_END))
        return;
    m->unclaimed_memory_seen = 1;
    log_warn("the guest %s memory where nothing is: %08Xh, %u bytes (said once)", write ? "writes" : "reads", addr,
             size);
}

u32 machine_mmio_read(struct machine *m, gpa_t addr, u8 size)
{
    const struct bus_window *w = bus_window_at(&m->bus, addr);
    u32 value = size == 4 ? 0xffffffffu : BIT(8 * size) - 1;
    if (w)
        value &= w->read(w->dev, addr, size);
    else
        note_unclaimed_memory(m, addr, size, false);
    machine_account(m, ACCESS_MMIO_READ, addr, size, value);
    return value;
}

void machine_mmio_write(struct machine *m, gpa_t addr, u8 size, u32 value)
{
    const struct bus_window *w = bus_window_at(&m->bus, addr);
    if (w)
        w->write(w->dev, addr, size, value);
    else if (memory_kind(&m->memory, addr) == PAGE_NONE)
        note_unclaimed_memory(m, addr, size, true);
    machine_account(m, ACCESS_MMIO_WRITE, addr, size, value);
}
