/* The machine as its parts see it: memory, bus, clock, interrupt lines, and pointers to the chips that other
 * chips are wired to. Also the funnel through which every processor access to a device goes, whether it came as
 * an exit or inside a cluster: one place that counts, records, advances time and runs what is due. */
#ifndef HUDDLE_MACHINE_MACHINE_H
#define HUDDLE_MACHINE_MACHINE_H

#include "machine/bus.h"
#include "machine/clock.h"
#include "machine/irq.h"
#include "machine/memory.h"
#include "machine/trace.h"

#define MACHINE_FLOPPIES 2
#define MACHINE_DISKS    4 /* primary master, primary slave, secondary master, secondary slave */

struct block;   /* dev/block.h: a disk image */
struct pic;     /* dev/pic.h */
struct pit;     /* dev/pit.h */
struct rtc;     /* dev/rtc.h */
struct kbc;     /* dev/kbc.h: 8042, keyboard and mouse */
struct dma;     /* dev/dma.h */
struct fdc;     /* dev/fdc.h */
struct ide;     /* dev/ide.h */
struct uart;    /* dev/uart.h */
struct vga;     /* dev/vga/vga.h */
struct ne2000;  /* dev/ne2000.h */
struct net;     /* net/net.h */

/* What the machine is built from; owned by the caller, valid for the machine's life. */
struct machine_config {
    u32 ram_bytes;
    enum clock_mode clock_mode;
    struct block *floppy[MACHINE_FLOPPIES]; /* NULL: drive present but empty for A:, absent for B: */
    struct block *disk[MACHINE_DISKS];      /* NULL: absent */
    char boot[4];            /* order: 'a' floppy, 'c' hard disk; NUL-terminated */
    s64 rtc_epoch_s;         /* date and time at power-on, seconds since 1970, shown as is by the RTC */
    const u8 *vgabios;       /* VGA option ROM, for fw_cfg and C0000h */
    u32 vgabios_bytes;
    const char *vgabios_name; /* file name without directory */
    u16 exit_port;           /* F4h; 0 = none */
    const u8 *boot_rom;      /* option ROM of the built-in DOS; NULL: there is none, and not its port either */
    u32 boot_rom_bytes;
    struct net *net;         /* NULL: no network, and no card for one */
    int serial_in_fd;        /* -1: none */
    int serial_out_fd;       /* -1: none */
    int debugcon_fd;         /* -1: none */
};

enum machine_request {
    REQUEST_RESET = 1 << 0, /* 8042 pulse, port 92h bit 0 */
    REQUEST_EXIT = 1 << 1,  /* the guest wrote the exit port */
    REQUEST_DOS = 1 << 2,   /* the guest calls the built-in DOS */
};

struct machine {
    struct memory memory;
    struct bus bus;
    struct clock clock;
    struct trace trace;
    const struct machine_config *config;

    struct irq_line irq[16]; /* set up by the interrupt controller; copy the one you drive */
    bool intr;               /* INTR pin: the interrupt controllers have something for the processor */
    u32 requests;            /* enum machine_request; looked at by the run loop after each exit or cluster */
    u8 exit_value;           /* with REQUEST_EXIT */
    /* Counts what an executor must look at after an access: INTR has risen, a request, memory or its mapping has changed, the
     * next deadline has come nearer. */
    u32 changes;

    struct pic *pic;
    struct pit *pit;
    struct rtc *rtc;
    struct kbc *kbc;
    struct dma *dma;
    struct fdc *fdc;
    struct ide *ide;
    struct uart *uart;
    struct vga *vga;
    struct ne2000 *ne2000; /* NULL: none */
    struct coprocessor *coprocessor;

    u64 accesses; /* device accesses of the processor, all kinds */
    u8 unclaimed_memory_seen;
};

struct state; /* machine/state.h */

/* A chip: its rows on the bus and its life. `create` is called in the order of the device table, finds the chips
 * it is wired to in `machine`, and returns the object handed to the port handlers; 0 or -errno (logged).
 * `reset` is the hardware reset line, also called once after creation.
 * `state` saves or loads what the chip remembers (machine/state.h), events of the clock included: between two accesses, time
 * and memory loaded before. It drives no line: the interrupt controller's inputs are in its own state. NULL: nothing. */
struct dev_class {
    const char *name;
    const struct bus_port *ports;
    size_t n_ports;
    int (*create)(struct machine *machine, void **dev);
    void (*reset)(void *dev);
    void (*destroy)(void *dev);
    void (*state)(void *dev, struct state *state);
};

#define MACHINE_MAX_DEVS 24

/* The funnel. Sizes are 1, 2 or 4 for ports, 1 to 4 for memory. Values are zero-extended. */
u32 machine_port_in(struct machine *machine, u16 port, u8 size);
void machine_port_out(struct machine *machine, u16 port, u8 size, u32 value);
u32 machine_mmio_read(struct machine *machine, gpa_t addr, u8 size);
void machine_mmio_write(struct machine *machine, gpa_t addr, u8 size, u32 value);

/* The end of machine_account_in_access_time when there is more to do: a full chunk of the stream, or an event is due. */
void machine_account_rare(struct machine *machine);

/* What the funnel does after the device has been called, for a caller that has called it itself. Under the access clock:
 * the record, time, and what is due. Under the host's clock nothing but the count: the run loop runs what is due when a
 * timer signal tells it. */
static inline void machine_account_in_access_time(struct machine *machine, enum access_kind kind, u32 addr, u8 size,
                                                  u32 value)
{
    struct clock *clock = &machine->clock;
    machine->accesses++;
    bool full = trace_put(&machine->trace, kind, addr, size, value);
    clock->access_ns += clock->access_step_ns;
    if (__builtin_expect(full | (clock->access_ns >= clock->next_deadline_ns), false))
        machine_account_rare(machine);
}

static inline void machine_account(struct machine *machine, enum access_kind kind, u32 addr, u8 size, u32 value)
{
    if (machine->clock.mode == CLOCK_MODE_ACCESS)
        machine_account_in_access_time(machine, kind, addr, size, value);
    else
        machine->accesses++;
}

/* Accesses to device memory that a string instruction made: its element i read at `from` and wrote at `to`, or one of the two. */
struct machine_run {
    u32 count;
    u8 size;
    bool reads, writes;
    s32 distance; /* between elements */
    gpa_t from, to;
    const u32 *values; /* [count] under the access clock */
};

/* How many elements with so many accesses each may be made before the account has more to do than to count. */
u32 machine_run_room(const struct machine *machine, u32 accesses);
/* The account of a run no longer than that. */
void machine_account_run(struct machine *machine, const struct machine_run *run);

/* The A20 gate as PC chipsets with both controls behave: the 8042 and port 92h each set it, the last one wins. */
static inline void machine_set_a20(struct machine *machine, bool on)
{
    memory_set_a20(&machine->memory, on);
}

/* The machine but for its chips: time, RAM, A20, the stream of accesses so far. What was opened of the display memory must be
 * closed. Requests are not part of it: they must have been served. */
void machine_state(struct machine *machine, struct state *state);

/* Asks the run loop to reset the machine after the current access. */
static inline void machine_request_reset(struct machine *machine)
{
    machine->requests |= REQUEST_RESET;
    machine->changes++;
}

#endif
