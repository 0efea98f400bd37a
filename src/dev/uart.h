/* COM1, a 16550A at 3F8h-3FFh with IRQ4. National PC16550D data sheet; OUT2 gates the interrupt, as on the
 * PC. */
#ifndef HUDDLE_DEV_UART_H
#define HUDDLE_DEV_UART_H

#include "machine/machine.h"

enum uart_ier {
    IER_RECEIVED = 1,
    IER_THR_EMPTY = 2,
    IER_LINE_STATUS = 4,
    IER_MODEM_STATUS = 8,
    IER_BITS = 0x0f
};

enum uart_iir {
    IIR_MODEM_STATUS = 0x00,
    IIR_NONE = 0x01,
    IIR_THR_EMPTY = 0x02,
    IIR_RECEIVED = 0x04,
    IIR_LINE_STATUS = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFO_ENABLED = 0xc0,
};

enum uart_fcr { FCR_ENABLE = 1, FCR_RESET_RECEIVER = 2, FCR_RESET_TRANSMITTER = 4, FCR_TRIGGER_SHIFT = 6 };
enum uart_lcr { LCR_WORD_LENGTH = 3, LCR_STOP_2 = 4, LCR_PARITY = 8, LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum uart_mcr {
    MCR_DTR = 1,
    MCR_RTS = 2,
    MCR_OUT1 = 4,
    MCR_OUT2 = 8,
    MCR_LOOP = 0x10,
    MCR_BITS = 0x1f,
};

enum uart_lsr {
    LSR_DR = 1,
    LSR_OE = 2,
    LSR_PE = 4,
    LSR_FE = 8,
    LSR_BI = 0x10,
    LSR_THRE = 0x20,
    LSR_TEMT = 0x40,
    LSR_FIFO_ERROR = 0x80,
    LSR_ERRORS = LSR_OE | LSR_PE | LSR_FE | LSR_BI,
};

enum uart_msr {
    MSR_DCTS = 1,
    MSR_DDSR = 2,
    MSR_TERI = 4,
    MSR_DDCD = 8,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
    MSR_LINES = 0xf0,
};

/* Writes what the guest has sent and the host has not got yet. */
void uart_flush(struct uart *uart);

#endif
