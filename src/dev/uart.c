/* The 16550A: registers, FIFOs and interrupts by the PC16550D data sheet, section 8; the other end of the
 * line is a pair of file descriptors.
 * NOTE: the transmitter is always empty: a byte leaves as soon as it is written, whatever the divisor says,
 * as nobody gains from a guest that spins on THRE. Received bytes arrive no faster than the line rate, and
 * only while there is room for them, so host input never overruns.
 * Output is collected and written at a line feed, when the buffer is full, and a little later in any case. */
#include "dev/uart.h"

#include "base/log.h"
#include "dev/devices.h"
#include "machine/state.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UART_CLOCK_HZ      1843200ull
#define UART_INPUT_POLL_NS (10 * NS_PER_MS)
#define UART_FLUSH_NS      (20 * NS_PER_MS)
enum {
    UART_FIFO_BYTES = 16,
    UART_OUTPUT_BYTES = 1024,
    UART_CLOCKS_PER_BIT = 16,
    UART_TIMEOUT_CHARACTERS = 4,
    UART_DIVISOR_9600 = 12,
    UART_IRQ = 4,
    UART_OUTPUT_PATIENCE_MS = 1000,
};

struct uart_character {
    u8 value;
    u8 errors; /* enum uart_lsr: PE, FE, BI */
};

struct uart {
    struct machine *machine;
    struct irq_line irq;

    u8 ier, lcr, mcr, scratch;
    u8 fcr; /* as last written with FCR_ENABLE, else 0 */
    u8 lsr; /* only LSR_ERRORS: the rest is computed */
    u8 msr;
    u16 divisor;
    bool thre_interrupt;    /* THR became empty and IIR has not told */
    bool timeout_interrupt; /* bytes lie in the FIFO below the trigger level */

    struct uart_character fifo[UART_FIFO_BYTES]; /* receiver; without FIFO mode only the first is used */
    u8 fifo_first, fifo_count;
    struct clock_event timeout_event;

    int in_fd;        /* -1: nothing (more) to receive */
    bool input_flows; /* the last look found something */
    struct clock_event input_event;

    int out_fd;
    bool output_failed; /* said once */
    u8 output[UART_OUTPUT_BYTES];
    u32 output_fill;
    struct clock_event flush_event;
};

static bool fifo_mode(const struct uart *uart)
{
    return uart->fcr & FCR_ENABLE;
}

/* Start, data, parity and stop bits of one character. */
static u64 character_ns(const struct uart *uart)
{
    u32 bits = 1 + 5 + (uart->lcr & LCR_WORD_LENGTH) + (uart->lcr & LCR_PARITY ? 1 : 0) +
               (uart->lcr & LCR_STOP_2 ? 2 : 1);
    u32 divisor = uart->divisor ? uart->divisor : 1;
    return clock_muldiv((u64)bits * UART_CLOCKS_PER_BIT * divisor, NS_PER_S, UART_CLOCK_HZ);
}

/* --- interrupts --- */

static u8 trigger_level(const struct uart *uart)
{
    static const u8 levels[4] = {1, 4, 8, 14};
    return fifo_mode(uart) ? levels[uart->fcr >> FCR_TRIGGER_SHIFT] : 1;
}

/* The highest of the enabled causes. */
static u8 interrupt_cause(const struct uart *uart)
{
    if ((uart->ier & IER_LINE_STATUS) && (uart->lsr & LSR_ERRORS))
        return IIR_LINE_STATUS;
    if ((uart->ier & IER_RECEIVED) && uart->fifo_count >= trigger_level(uart))
        return IIR_RECEIVED;
    if ((uart->ier & IER_RECEIVED) && uart->timeout_interrupt)
        return IIR_TIMEOUT;
    if ((uart->ier & IER_THR_EMPTY) && uart->thre_interrupt)
        return IIR_THR_EMPTY;
    if ((uart->ier & IER_MODEM_STATUS) && (uart->msr & ~MSR_LINES))
        return IIR_MODEM_STATUS;
    return IIR_NONE;
}

/* The loopback mode releases all outputs, OUT2 too, and with it the PC's interrupt driver. */
static void update_irq(struct uart *uart)
{
    bool driven = (uart->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
    irq_set(&uart->irq, driven && interrupt_cause(uart) != IIR_NONE);
}

/* --- receiver --- */

/* Errors of a character show in the line status when it reaches the top of the FIFO. */
static void reveal_errors(struct uart *uart)
{
    if (!uart->fifo_count)
        return;
    struct uart_character *top = &uart->fifo[uart->fifo_first];
    uart->lsr |= top->errors;
    top->errors = 0;
}

static void restart_timeout(struct uart *uart)
{
    uart->timeout_interrupt = false;
    if (fifo_mode(uart) && uart->fifo_count)
        clock_event_arm(&uart->timeout_event,
                        clock_now(&uart->machine->clock) + UART_TIMEOUT_CHARACTERS * character_ns(uart));
    else
        clock_event_disarm(&uart->timeout_event);
}

static void fire_timeout(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    struct uart *uart = opaque;
    uart->timeout_interrupt = true;
    update_irq(uart);
}

static u8 receiver_room(const struct uart *uart)
{
    return (u8)((fifo_mode(uart) ? UART_FIFO_BYTES : 1) - uart->fifo_count);
}

static u8 word_mask(const struct uart *uart)
{
    return (u8)(0xff >> (3 - (uart->lcr & LCR_WORD_LENGTH)));
}

static void receive(struct uart *uart, u8 value, u8 errors)
{
    if (!receiver_room(uart)) {
        uart->lsr |= LSR_OE;
        if (fifo_mode(uart))
            return;           /* lost in the shift register */
        uart->fifo_count = 0; /* the buffer register is overwritten */
    }
    u8 at = (u8)((uart->fifo_first + uart->fifo_count) % UART_FIFO_BYTES);
    uart->fifo[at] = (struct uart_character){value & word_mask(uart), errors};
    uart->fifo_count++;
    reveal_errors(uart);
    restart_timeout(uart);
}

static void clear_receiver(struct uart *uart)
{
    uart->fifo_count = 0;
    restart_timeout(uart);
}

static bool fifo_holds_error(const struct uart *uart)
{
    for (u32 i = 0; i < uart->fifo_count; i++)
        if (uart->fifo[(uart->fifo_first + i) % UART_FIFO_BYTES].errors)
            return true;
    return false;
}

/* --- host input --- */

/* Up to `room` bytes that are there now; 0: none. */
static u32 read_input(struct uart *uart, u8 *buf, u32 room)
{
    struct pollfd p = {.fd = uart->in_fd, .events = POLLIN};
    if (poll(&p, 1, 0) <= 0)
        return 0;
    ssize_t n = read(uart->in_fd, buf, room);
    if (n > 0)
        return (u32)n;
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (n < 0)
        log_error("serial input: %s", strerror(errno));
    uart->in_fd = -1; /* the end of it; whoever opened it closes it */
    return 0;
}

static void poll_input(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    struct uart *uart = opaque;
    u8 buf[UART_FIFO_BYTES];
    u8 room = uart->mcr & MCR_LOOP ? 0 : receiver_room(uart);
    u32 n = room ? read_input(uart, buf, room) : 0;
    for (u32 i = 0; i < n; i++)
        receive(uart, buf[i], 0);
    if (room)
        uart->input_flows = n > 0;
    if (uart->in_fd >= 0)
        clock_event_arm(&uart->input_event,
                        clock_now(&uart->machine->clock) + (n ? n * character_ns(uart) : UART_INPUT_POLL_NS));
    update_irq(uart);
}

/* More may be waiting on the host: do not let the line idle until the next look. */
static void hasten_input(struct uart *uart)
{
    u64 soon = clock_now(&uart->machine->clock) + character_ns(uart);
    if (uart->input_flows && uart->in_fd >= 0 && uart->input_event.deadline_ns > soon)
        clock_event_arm(&uart->input_event, soon);
}

/* --- host output --- */

static bool wait_writable(struct uart *uart)
{
    struct pollfd p = {.fd = uart->out_fd, .events = POLLOUT};
    return poll(&p, 1, UART_OUTPUT_PATIENCE_MS) > 0;
}

void uart_flush(struct uart *uart)
{
    u32 done = 0;
    while (done < uart->output_fill && !uart->output_failed) {
        ssize_t n = write(uart->out_fd, uart->output + done, uart->output_fill - done);
        if (n >= 0) {
            done += (u32)n;
        } else if (errno != EINTR && !(errno == EAGAIN && wait_writable(uart))) {
            log_error("serial output: %s; what follows is lost", strerror(errno));
            uart->output_failed = true;
        }
    }
    uart->output_fill = 0;
    clock_event_disarm(&uart->flush_event);
}

static void fire_flush(void *opaque, u64 deadline_ns)
{
    (void)deadline_ns;
    uart_flush(opaque);
}

static void send(struct uart *uart, u8 value)
{
    if (uart->out_fd < 0 || uart->output_failed)
        return;
    if (uart->output_fill == 0)
        clock_event_arm(&uart->flush_event, clock_now(&uart->machine->clock) + UART_FLUSH_NS);
    uart->output[uart->output_fill++] = value;
    if (value == '\n' || uart->output_fill == UART_OUTPUT_BYTES)
        uart_flush(uart);
}

/* --- modem lines --- */

/* In loopback the outputs are wired to the inputs; else a ready peer is there if either descriptor is. */
static u8 modem_lines(const struct uart *uart)
{
    if (!(uart->mcr & MCR_LOOP))
        return uart->out_fd >= 0 || uart->in_fd >= 0 ? MSR_CTS | MSR_DSR | MSR_DCD : 0;
    return (uart->mcr & MCR_RTS ? MSR_CTS : 0) | (uart->mcr & MCR_DTR ? MSR_DSR : 0) |
           (uart->mcr & MCR_OUT1 ? MSR_RI : 0) | (uart->mcr & MCR_OUT2 ? MSR_DCD : 0);
}

static void update_modem_lines(struct uart *uart)
{
    u8 old = uart->msr & MSR_LINES, now = modem_lines(uart);
    u8 deltas = (u8)((old ^ now) >> 4) & (MSR_DCTS | MSR_DDSR | MSR_DDCD);
    if ((old & MSR_RI) && !(now & MSR_RI))
        deltas |= MSR_TERI;
    uart->msr = now | (uart->msr & ~MSR_LINES) | deltas;
}

/* --- registers --- */

static u8 read_received(struct uart *uart)
{
    u8 value = uart->fifo[uart->fifo_first].value; /* an empty one shows the last byte again */
    if (uart->fifo_count && --uart->fifo_count)
        uart->fifo_first = (uart->fifo_first + 1) % UART_FIFO_BYTES;
    reveal_errors(uart);
    restart_timeout(uart);
    if (!uart->fifo_count)
        hasten_input(uart);
    update_irq(uart);
    return value;
}

static u32 uart_data_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    return uart->lcr & LCR_DLAB ? uart->divisor & 0xff : read_received(uart);
}

static void transmit(struct uart *uart, u8 value)
{
    uart->thre_interrupt = false;
    update_irq(uart); /* the line falls and rises: the interrupt controller wants edges */
    if (uart->mcr & MCR_LOOP)
        receive(uart, value & word_mask(uart), 0);
    else
        send(uart, value & word_mask(uart));
    uart->thre_interrupt = true;
    update_irq(uart);
}

static void uart_data_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    if (uart->lcr & LCR_DLAB)
        uart->divisor = (u16)((uart->divisor & 0xff00) | value);
    else
        transmit(uart, (u8)value);
}

static u32 uart_ier_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    return uart->lcr & LCR_DLAB ? uart->divisor >> 8 : uart->ier;
}

static void uart_ier_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    if (uart->lcr & LCR_DLAB) {
        uart->divisor = (u16)((uart->divisor & 0x00ff) | value << 8);
        return;
    }
    /* Enabling the interrupt while THR is empty raises it at once. */
    if ((value & ~uart->ier) & IER_THR_EMPTY)
        uart->thre_interrupt = true;
    uart->ier = value & IER_BITS;
    update_irq(uart);
}

static u32 uart_iir_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    u8 cause = interrupt_cause(uart);
    if (cause == IIR_THR_EMPTY)
        uart->thre_interrupt = false;
    update_irq(uart);
    return cause | (fifo_mode(uart) ? IIR_FIFO_ENABLED : 0);
}

static void uart_fcr_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    bool mode_changes = (value ^ uart->fcr) & FCR_ENABLE;
    uart->fcr = value & FCR_ENABLE ? (u8)value : 0;
    if (mode_changes || (uart->fcr & FCR_RESET_RECEIVER))
        clear_receiver(uart);
    update_irq(uart);
}

static u32 uart_lcr_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    return ((struct uart *)dev)->lcr;
}

static void uart_lcr_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    bool break_begins = (value & ~uart->lcr) & LCR_BREAK;
    uart->lcr = (u8)value;
    if (break_begins && (uart->mcr & MCR_LOOP))
        receive(uart, 0, LSR_BI);
    update_irq(uart);
}

static u32 uart_mcr_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    return ((struct uart *)dev)->mcr;
}

static void uart_mcr_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    uart->mcr = value & MCR_BITS;
    update_modem_lines(uart);
    update_irq(uart);
}

static u8 line_status(const struct uart *uart)
{
    u8 lsr = uart->lsr | LSR_THRE | LSR_TEMT | (uart->fifo_count ? LSR_DR : 0);
    if (fifo_mode(uart) && ((uart->lsr & (LSR_PE | LSR_FE | LSR_BI)) || fifo_holds_error(uart)))
        lsr |= LSR_FIFO_ERROR;
    return lsr;
}

/* A read clears the errors. */
static bool uart_lsr_poll(void *dev, u16 port, struct bus_poll *poll)
{
    (void)port;
    struct uart *uart = dev;
    bus_poll_constant(poll, line_status(uart));
    return !uart->lsr;
}

static u32 uart_lsr_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    u8 lsr = line_status(uart);
    uart->lsr = 0;
    update_irq(uart);
    return lsr;
}

/* A read clears the deltas. */
static bool uart_msr_poll(void *dev, u16 port, struct bus_poll *poll)
{
    (void)port;
    struct uart *uart = dev;
    bus_poll_constant(poll, uart->msr);
    return !(uart->msr & ~MSR_LINES);
}

static u32 uart_msr_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    struct uart *uart = dev;
    u8 msr = uart->msr;
    uart->msr &= MSR_LINES;
    update_irq(uart);
    return msr;
}

static u32 uart_scratch_in(void *dev, u16 port, u8 size)
{
    (void)port, (void)size;
    return ((struct uart *)dev)->scratch;
}

static void uart_scratch_out(void *dev, u16 port, u8 size, u32 value)
{
    (void)port, (void)size;
    ((struct uart *)dev)->scratch = (u8)value;
}

/* --- life --- */

/* Master reset; scratch and divisor keep what they had. */
static void uart_reset(void *dev)
{
    struct uart *uart = dev;
    uart->ier = uart->lcr = uart->mcr = uart->fcr = uart->lsr = 0;
    uart->thre_interrupt = false;
    clear_receiver(uart);
    uart->msr = modem_lines(uart);
    update_irq(uart);
}

static int uart_create(struct machine *machine, void **dev)
{
    struct uart *uart = calloc(1, sizeof *uart);
    if (!uart)
        return -ENOMEM;
    uart->machine = machine;
    uart->irq = machine->irq[UART_IRQ];
    uart->divisor = UART_DIVISOR_9600;
    uart->in_fd = machine->config->serial_in_fd;
    uart->out_fd = machine->config->serial_out_fd;
    clock_event_init(&uart->timeout_event, &machine->clock, "UART timeout", fire_timeout, uart);
    clock_event_init(&uart->input_event, &machine->clock, "UART input", poll_input, uart);
    clock_event_init(&uart->flush_event, &machine->clock, "UART flush", fire_flush, uart);
    uart->input_event.watches = uart->flush_event.watches = true;
    if (uart->in_fd >= 0)
        clock_event_arm(&uart->input_event, clock_now(&machine->clock) + UART_INPUT_POLL_NS);
    machine->uart = uart;
    *dev = uart;
    return 0;
}

static void uart_destroy(void *dev)
{
    struct uart *uart = dev;
    uart_flush(uart);
    clock_event_disarm(&uart->timeout_event);
    clock_event_disarm(&uart->input_event);
    uart->machine->uart = NULL;
    free(uart);
}

/* clang-format off */
#define UART_ROW(offset, what, read, write)                                                                  \
    {.first = 0x3f8 + (offset), .count = 1, .width = BUS_8, .name = "COM1 " what,                            \
     .in = (read), .out = (write)}
#define UART_POLLED_ROW(offset, what, read, ask)                                                             \
    {.first = 0x3f8 + (offset), .count = 1, .width = BUS_8, .name = "COM1 " what, .in = (read), .poll = (ask)}

static const struct bus_port uart_ports[] = {
    UART_ROW(0, "data/divisor low", uart_data_in, uart_data_out),
    UART_ROW(1, "interrupt enable/divisor high", uart_ier_in, uart_ier_out),
    UART_ROW(2, "interrupt identification/FIFO control", uart_iir_in, uart_fcr_out),
    UART_ROW(3, "line control", uart_lcr_in, uart_lcr_out),
    UART_ROW(4, "modem control", uart_mcr_in, uart_mcr_out),
    UART_POLLED_ROW(5, "line status", uart_lsr_in, uart_lsr_poll),
    UART_POLLED_ROW(6, "modem status", uart_msr_in, uart_msr_poll),
    UART_ROW(7, "scratch", uart_scratch_in, uart_scratch_out),
};
/* clang-format on */

/* Output that the host has not got yet is not the guest's any more. Input comes from what this run has to read. */
static void uart_state(void *dev, struct state *s)
{
    struct uart *uart = dev;
    if (s->loading)
        uart_flush(uart);
    state_u8_bits(s, &uart->ier, IER_BITS, "IER");
    state_u8(s, &uart->lcr);
    state_u8_bits(s, &uart->mcr, MCR_BITS, "MCR");
    state_u8(s, &uart->scratch);
    state_u8(s, &uart->fcr);
    state_u8_bits(s, &uart->lsr, LSR_ERRORS, "LSR");
    state_u8(s, &uart->msr);
    state_u16(s, &uart->divisor);
    state_bool(s, &uart->thre_interrupt);
    state_bool(s, &uart->timeout_interrupt);
    state_u8_in(s, &uart->fifo_first, 0, UART_FIFO_BYTES - 1, "the FIFO");
    state_u8_in(s, &uart->fifo_count, 0, UART_FIFO_BYTES, "the FIFO");
    for (u32 i = 0; i < UART_FIFO_BYTES; i++) {
        state_u8(s, &uart->fifo[i].value);
        state_u8_bits(s, &uart->fifo[i].errors, LSR_ERRORS, "the FIFO");
    }
    clock_event_state(&uart->timeout_event, s);
    state_check(s, fifo_mode(uart) || uart->fifo_count <= 1, "the FIFO");
    if (!s->loading || s->failed)
        return;
    uart->input_flows = false;
    if (uart->in_fd >= 0)
        clock_event_arm(&uart->input_event, clock_now(&uart->machine->clock) + UART_INPUT_POLL_NS);
    update_modem_lines(uart); /* the peer may have come or gone */
    update_irq(uart);
}

const struct dev_class uart_class = {
    .name = "uart",
    .ports = uart_ports,
    .n_ports = ARRAY_LEN(uart_ports),
    .create = uart_create,
    .reset = uart_reset,
    .destroy = uart_destroy,
    .state = uart_state,
};
