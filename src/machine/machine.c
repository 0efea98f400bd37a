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

u32 machine_run_room(const struct machine *m, u32 accesses)
{
    const struct clock *clock = &m->clock;
    if (clock->mode == CLOCK_MODE_HOST || clock->next_deadline_ns == CLOCK_NEVER)
        return UINT32_MAX;
    if (clock->next_deadline_ns <= clock->access_ns)
        return 0;
    u64 steps = (clock->next_deadline_ns - clock->access_ns - 1) / clock->access_step_ns;
    return (u32)MIN(steps / accesses, UINT32_MAX);
}

static void record(struct machine *m, enum access_kind kind, gpa_t addr, u8 size, u32 value)
{
    if (trace_put(&m->trace, kind, addr, size, value))
        trace_flush_chunk(&m->trace);
}

void machine_account_run(struct machine *m, const struct machine_run *run)
{
    u32 accesses = run->count * ((u32)run->reads + (u32)run->writes);
    if (m->clock.mode == CLOCK_MODE_HOST) {
        m->accesses += accesses;
        return;
    }
    gpa_t from = run->from, to = run->to;
    for (u32 i = 0; i < run->count; i++) {
        if (run->reads)
            record(m, ACCESS_MMIO_READ, from, run->size, run->values[i]);
        if (run->writes)
            record(m, ACCESS_MMIO_WRITE, to, run->size, run->values[i]);
        from += (u32)run->distance;
        to += (u32)run->distance;
    }
    m->accesses += accesses;
    m->clock.access_ns += accesses * m->clock.access_step_ns;
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
