/* The 16550A against its data sheet; the other end is a pair of pipes. */
#include "capture.h"
#include "rig.h"

#include "dev/uart.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RBR = 0x3f8,
    THR = 0x3f8,
    DLL = 0x3f8,
    IER = 0x3f9,
    DLM = 0x3f9,
    IIR = 0x3fa,
    FCR = 0x3fa,
    LCR = 0x3fb,
    MCR = 0x3fc,
    LSR = 0x3fd,
    MSR = 0x3fe,
    SCR = 0x3ff
};
#define EMPTY    (LSR_THRE | LSR_TEMT)
#define LINE_8N1 3
/* 10 bits at 9,600 baud */
#define CHARACTER_NS (NS_PER_S * 10 / 9600)

struct line {
    struct rig *rig;
    int to_guest;   /* write end */
    int from_guest; /* read end */
};

/* A guest with both directions connected, the line set to 8N1 and OUT2 on. */
static struct line line_create(void)
{
    struct line line = {.rig = rig_create()};
    int in[2], out[2];
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
    line.rig->config.serial_in_fd = in[0];
    line.rig->config.serial_out_fd = out[1];
    line.to_guest = in[1];
    line.from_guest = out[0];
    rig_add(line.rig, &uart_class);
    rig_out(line.rig, LCR, LINE_8N1);
    rig_out(line.rig, MCR, MCR_OUT2);
    return line;
}

static void line_destroy(struct line line)
{
    int in = line.rig->config.serial_in_fd, out = line.rig->config.serial_out_fd;
    rig_destroy(line.rig);
    close(in);
    close(out);
    close(line.to_guest);
    close(line.from_guest);
}

static void send_to_guest(struct line line, const char *text)
{
    assert_int_equal(write(line.to_guest, text, strlen(text)), strlen(text));
}

/* Nothing connected, for loopback and registers. */
static struct rig *lone_uart(void)
{
    struct rig *rig = rig_create();
    rig_add(rig, &uart_class);
    rig_out(rig, LCR, LINE_8N1);
    return rig;
}

static void reset_state(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    rig_add(rig, &uart_class);
    assert_int_equal(rig_in(rig, IER), 0);
    assert_int_equal(rig_in(rig, IIR), IIR_NONE);
    assert_int_equal(rig_in(rig, LCR), 0);
    assert_int_equal(rig_in(rig, MCR), 0);
    assert_int_equal(rig_in(rig, LSR), EMPTY);
    assert_int_equal(rig_in(rig, MSR), 0);
    rig_out(rig, LCR, LCR_DLAB);
    assert_int_equal(rig_in(rig, DLL), 12);
    assert_int_equal(rig_in(rig, DLM), 0);
    rig_destroy(rig);
}

static void registers_keep_what_is_written(void **state)
{
    (void)state;
    struct rig *rig = lone_uart();
    rig_out(rig, SCR, 0xa7);
    rig_out(rig, IER, 0xff);
    rig_out(rig, MCR, 0xff);
    assert_int_equal(rig_in(rig, SCR), 0xa7);
    assert_int_equal(rig_in(rig, IER), 0x0f);
    assert_int_equal(rig_in(rig, MCR), 0x1f);
    rig_out(rig, LCR, 0xff);
    assert_int_equal(rig_in(rig, LCR), 0xff);
    rig_out(rig, DLL, 0x34);
    rig_out(rig, DLM, 0x12);
    assert_int_equal(rig_in(rig, DLL), 0x34);
    assert_int_equal(rig_in(rig, DLM), 0x12);
    rig_out(rig, LCR, 0x7f);
    assert_int_equal(rig_in(rig, IER), 0x0f);
    rig_out(rig, LSR, 0x00); /* read-only */
    assert_int_equal(rig_in(rig, LSR) & EMPTY, EMPTY);
    rig_destroy(rig);
}

static void transmits_lines(void **state)
{
    (void)state;
    struct line line = line_create();
    char got[32];
    const char *text = "hello\nwor";
    for (const char *p = text; *p; p++)
        rig_out(line.rig, THR, (u8)*p);
    assert_int_equal(read(line.from_guest, got, sizeof got), 6); /* at the line feed */
    assert_memory_equal(got, "hello\n", 6);
    assert_int_equal(read(line.from_guest, got, sizeof got), -1);
    rig_pass(line.rig, 30 * NS_PER_MS);
    assert_int_equal(read(line.from_guest, got, sizeof got), 3); /* after a while */
    rig_out(line.rig, THR, 'x');
    uart_flush(line.rig->machine.uart);
    assert_int_equal(read(line.from_guest, got, sizeof got), 1);
    rig_out(line.rig, THR, 'y');
    line.rig->class[0]->destroy(line.rig->dev[0]); /* nothing is lost at the end */
    line.rig->n_devs = 0;
    assert_int_equal(read(line.from_guest, got, sizeof got), 1);
    assert_int_equal(got[0], 'y');
    line_destroy(line);
}

static void long_output_goes_in_few_writes(void **state)
{
    (void)state;
    struct line line = line_create();
    static u8 got[8192];
    for (u32 i = 0; i < 5000; i++)
        rig_out(line.rig, THR, (u8)(i % 251 == 10 ? 0 : i % 251));
    ssize_t n = read(line.from_guest, got, sizeof got);
    assert_int_equal(n, 4096); /* four full buffers */
    uart_flush(line.rig->machine.uart);
    assert_int_equal(read(line.from_guest, got + n, sizeof got - (size_t)n), 5000 - 4096);
    for (u32 i = 0; i < 5000; i++)
        assert_int_equal(got[i], i % 251 == 10 ? 0 : i % 251);
    line_destroy(line);
}

static void word_length_masks(void **state)
{
    (void)state;
    struct line line = line_create();
    char got[4];
    rig_out(line.rig, LCR, 2); /* 7 bits */
    rig_out(line.rig, THR, 0xc1);
    rig_out(line.rig, LCR, 0); /* 5 bits */
    rig_out(line.rig, THR, 0xff);
    uart_flush(line.rig->machine.uart);
    assert_int_equal(read(line.from_guest, got, 4), 2);
    assert_int_equal(got[0], 0x41);
    assert_int_equal(got[1], 0x1f);
    line_destroy(line);
}

static void receives_without_fifo(void **state)
{
    (void)state;
    struct line line = line_create();
    send_to_guest(line, "abc");
    assert_int_equal(rig_in(line.rig, LSR), EMPTY);
    rig_pass(line.rig, 15 * NS_PER_MS);
    for (const char *p = "abc"; *p; p++) {
        assert_int_equal(rig_in(line.rig, LSR), EMPTY | LSR_DR); /* one at a time, no overrun */
        assert_int_equal(rig_in(line.rig, RBR), *p);
        assert_int_equal(rig_in(line.rig, LSR), EMPTY);
        rig_pass(line.rig, CHARACTER_NS / 2);
        assert_int_equal(rig_in(line.rig, LSR), EMPTY); /* not faster than the line */
        rig_pass(line.rig, 4 * CHARACTER_NS);
    }
    assert_int_equal(rig_in(line.rig, LSR), EMPTY);
    line_destroy(line);
}

static void word_length_and_loopback_concern_input_too(void **state)
{
    (void)state;
    struct line line = line_create();
    rig_out(line.rig, LCR, 2); /* 7 bits */
    rig_out(line.rig, MCR, MCR_LOOP);
    send_to_guest(line, "\xe1");
    rig_pass(line.rig, 50 * NS_PER_MS);
    assert_int_equal(rig_in(line.rig, LSR), EMPTY); /* the line is cut off */
    rig_out(line.rig, MCR, 0);
    rig_pass(line.rig, 50 * NS_PER_MS);
    assert_int_equal(rig_in(line.rig, RBR), 0x61);
    line_destroy(line);
}

static void trigger_levels_interrupt(void **state)
{
    (void)state;
    static const u8 levels[4] = {1, 4, 8, 14};
    for (u8 i = 0; i < 4; i++) {
        struct rig *rig = lone_uart();
        rig_out(rig, FCR, (u8)(FCR_ENABLE | i << FCR_TRIGGER_SHIFT));
        rig_out(rig, IER, IER_RECEIVED);
        rig_out(rig, MCR, MCR_LOOP | MCR_OUT2);
        for (u8 n = 1; n < levels[i]; n++) {
            rig_out(rig, THR, n);
            assert_int_equal(rig_in(rig, IIR), IIR_FIFO_ENABLED | IIR_NONE);
        }
        rig_out(rig, THR, 99);
        assert_int_equal(rig_in(rig, IIR), IIR_FIFO_ENABLED | IIR_RECEIVED);
        rig_out(rig, MCR, MCR_OUT2); /* out of loopback the line shows it */
        assert_true(rig->irq_level[4]);
        rig_in(rig, RBR);
        assert_int_equal(rig_in(rig, IIR), IIR_FIFO_ENABLED | IIR_NONE);
        assert_false(rig->irq_level[4]);
        rig_destroy(rig);
    }
}

static void bytes_below_the_trigger_time_out(void **state)
{
    (void)state;
    struct line line = line_create();
    struct rig *rig = line.rig;
    rig_out(rig, FCR, FCR_ENABLE | 2 << FCR_TRIGGER_SHIFT);
    rig_out(rig, IER, IER_RECEIVED);
    send_to_guest(line, "hi");
    rig_pass(rig, 10 * NS_PER_MS + 3 * CHARACTER_NS);
    assert_int_equal(rig_in(rig, LSR), EMPTY | LSR_DR);
    assert_int_equal(rig_in(rig, IIR), IIR_FIFO_ENABLED | IIR_NONE);
    rig_pass(rig, 2 * CHARACTER_NS);
    assert_true(rig->irq_level[4]);
    assert_int_equal(rig_in(rig, IIR), IIR_FIFO_ENABLED | IIR_TIMEOUT);
    assert_int_equal(rig_in(rig, RBR), 'h');
    assert_int_equal(rig_in(rig, IIR), IIR_FIFO_ENABLED | IIR_NONE); /* starts over */
    rig_pass(rig, 5 * CHARACTER_NS);
    assert_int_equal(rig_in(rig, IIR), IIR_FIFO_ENABLED | IIR_TIMEOUT);
    assert_int_equal(rig_in(rig, RBR), 'i');
    rig_pass(rig, 50 * NS_PER_MS);
    assert_int_equal(rig_in(rig, IIR), IIR_FIFO_ENABLED | IIR_NONE);
    line_destroy(line);
}

static void host_input_never_overruns(void **state)
{
    (void)state;
    struct line line = line_create();
    char text[101] = {0};
    for (u32 i = 0; i < 100; i++)
        text[i] = (char)('!' + i % 90);
    rig_out(line.rig, FCR, FCR_ENABLE);
    send_to_guest(line, text);
    rig_pass(line.rig, 500 * NS_PER_MS);
    for (u32 i = 0; i < 100; i++) {
        assert_int_equal(rig_in(line.rig, LSR), EMPTY | LSR_DR);
        assert_int_equal(rig_in(line.rig, RBR), text[i]);
        if (i % 16 == 15)
            rig_pass(line.rig, 2 * CHARACTER_NS); /* much less than the polling interval */
    }
    assert_int_equal(rig_in(line.rig, LSR), EMPTY);
    line_destroy(line);
}

static void end_of_input_stops_the_polling(void **state)
{
    (void)state;
    struct line line = line_create();
    send_to_guest(line, "z");
    close(line.to_guest);
    rig_out(line.rig, FCR, FCR_ENABLE);
    rig_pass(line.rig, 100 * NS_PER_MS);
    assert_int_equal(rig_in(line.rig, RBR), 'z');
    rig_pass(line.rig, 100 * NS_PER_MS);
    assert_null(line.rig->machine.clock.events);
    line.to_guest = dup(line.from_guest);
    line_destroy(line);
}

static void overrun_with_and_without_fifo(void **state)
{
    (void)state;
    struct rig *rig = lone_uart();
    rig_out(rig, MCR, MCR_LOOP);
    rig_out(rig, IER, IER_LINE_STATUS);
    rig_out(rig, THR, 1);
    assert_int_equal(rig_in(rig, IIR), IIR_NONE);
    rig_out(rig, THR, 2);
    assert_int_equal(rig_in(rig, IIR), IIR_LINE_STATUS);
    assert_int_equal(rig_in(rig, LSR), EMPTY | LSR_DR | LSR_OE);
    assert_int_equal(rig_in(rig, IIR), IIR_NONE);
    assert_int_equal(rig_in(rig, LSR), EMPTY | LSR_DR);
    assert_int_equal(rig_in(rig, RBR), 2); /* the newer */
    rig_out(rig, FCR, FCR_ENABLE);
    for (u8 i = 0; i < 17; i++)
        rig_out(rig, THR, (u8)(100 + i));
    assert_int_equal(rig_in(rig, LSR), EMPTY | LSR_DR | LSR_OE);
    for (u8 i = 0; i < 16; i++)
        assert_int_equal(rig_in(rig, RBR), 100 + i); /* the seventeenth is lost */
    assert_int_equal(rig_in(rig, LSR), EMPTY);
    rig_destroy(rig);
}

static void break_comes_with_its_character(void **state)
{
    (void)state;
    struct rig *rig = lone_uart();
    rig_out(rig, FCR, FCR_ENABLE);
    rig_out(rig, MCR, MCR_LOOP);
    rig_out(rig, THR, 'a');
    rig_out(rig, LCR, LINE_8N1 | LCR_BREAK);
    rig_out(rig, LCR, LINE_8N1);
    assert_int_equal(rig_in(rig, LSR), EMPTY | LSR_DR | LSR_FIFO_ERROR); /* somewhere in the FIFO */
    assert_int_equal(rig_in(rig, RBR), 'a');
    assert_int_equal(rig_in(rig, LSR), EMPTY | LSR_DR | LSR_FIFO_ERROR | LSR_BI);
    assert_int_equal(rig_in(rig, RBR), 0);
    assert_int_equal(rig_in(rig, LSR), EMPTY);
    rig_destroy(rig);
}

static void fifo_resets(void **state)
{
    (void)state;
    struct rig *rig = lone_uart();
    rig_out(rig, MCR, MCR_LOOP);
    rig_out(rig, FCR, FCR_ENABLE);
    rig_out(rig, THR, 1);
    rig_out(rig, FCR, FCR_ENABLE | FCR_RESET_RECEIVER);
    assert_int_equal(rig_in(rig, LSR), EMPTY);
    rig_out(rig, THR, 2);
    rig_out(rig, FCR, FCR_ENABLE); /* keeps them */
    assert_int_equal(rig_in(rig, LSR), EMPTY | LSR_DR);
    rig_out(rig, FCR, 0xfe); /* without FCR0 the others are not programmed */
    assert_int_equal(rig_in(rig, LSR), EMPTY);
    assert_int_equal(rig_in(rig, IIR), IIR_NONE);
    rig_destroy(rig);
}

static void thre_interrupt_comes_and_goes(void **state)
{
    (void)state;
    struct rig *rig = lone_uart();
    rig_out(rig, MCR, MCR_OUT2);
    rig_out(rig, IER, IER_THR_EMPTY);
    assert_true(rig->irq_level[4]); /* empty when enabled */
    assert_int_equal(rig_in(rig, IIR), IIR_THR_EMPTY);
    assert_false(rig->irq_level[4]); /* telling it clears it */
    assert_int_equal(rig_in(rig, IIR), IIR_NONE);
    u32 edges = rig->irq_edges[4];
    rig_out(rig, THR, 'a');
    rig_out(rig, THR, 'b'); /* each makes an edge, also without IIR having been read */
    assert_int_equal(rig->irq_edges[4], edges + 2);
    rig_out(rig, IER, 0);
    assert_false(rig->irq_level[4]);
    rig_destroy(rig);
}

static void causes_have_priorities(void **state)
{
    (void)state;
    struct rig *rig = lone_uart();
    rig_out(rig, MCR, MCR_LOOP);
    rig_in(rig, MSR);
    rig_out(rig, THR, 1);
    rig_out(rig, THR, 2); /* overrun */
    rig_out(rig, MCR, MCR_LOOP | MCR_RTS);
    rig_out(rig, IER, 0x0f);
    assert_int_equal(rig_in(rig, IIR), IIR_LINE_STATUS);
    rig_in(rig, LSR);
    assert_int_equal(rig_in(rig, IIR), IIR_RECEIVED);
    rig_in(rig, RBR);
    assert_int_equal(rig_in(rig, IIR), IIR_THR_EMPTY);
    assert_int_equal(rig_in(rig, IIR), IIR_MODEM_STATUS);
    rig_in(rig, MSR);
    assert_int_equal(rig_in(rig, IIR), IIR_NONE);
    rig_destroy(rig);
}

static void out2_and_loopback_gate_the_line(void **state)
{
    (void)state;
    struct rig *rig = lone_uart();
    rig_out(rig, IER, IER_THR_EMPTY);
    assert_false(rig->irq_level[4]);
    rig_out(rig, MCR, MCR_OUT2);
    assert_true(rig->irq_level[4]);
    rig_out(rig, MCR, MCR_OUT2 | MCR_LOOP);
    assert_false(rig->irq_level[4]);
    rig_destroy(rig);
}

static void loopback_wires_the_modem_lines(void **state)
{
    (void)state;
    static const struct {
        u8 mcr, msr;
    } t[] = {{MCR_RTS, MSR_CTS}, {MCR_DTR, MSR_DSR}, {MCR_OUT1, MSR_RI}, {MCR_OUT2, MSR_DCD}};
    struct line line = line_create();
    struct rig *rig = line.rig;
    assert_int_equal(rig_in(rig, MSR), MSR_CTS | MSR_DSR | MSR_DCD); /* a ready peer */
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        rig_out(rig, MCR, MCR_LOOP);
        rig_in(rig, MSR);
        rig_out(rig, MCR, MCR_LOOP | t[i].mcr);
        u8 delta = t[i].msr == MSR_RI ? 0 : t[i].msr >> 4; /* RI: only its trailing edge counts */
        assert_int_equal(rig_in(rig, MSR), t[i].msr | delta);
        assert_int_equal(rig_in(rig, MSR), t[i].msr);
        rig_out(rig, MCR, MCR_LOOP);
        assert_int_equal(rig_in(rig, MSR), t[i].msr >> 4);
    }
    rig_out(rig, THR, 'q'); /* does not leave */
    uart_flush(rig->machine.uart);
    char got;
    assert_int_equal(read(line.from_guest, &got, 1), -1);
    assert_int_equal(rig_in(rig, RBR), 'q');
    line_destroy(line);
}

static void input_error_is_told_and_ends_it(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    struct capture capture;
    int directory = open("/tmp", O_RDONLY | O_CLOEXEC); /* ready, and cannot be read */
    rig->config.serial_in_fd = directory;
    rig_add(rig, &uart_class);
    capture_begin(&capture);
    rig_pass(rig, 100 * NS_PER_MS);
    capture_end(&capture);
    assert_said_once(&capture, "serial input: Is a directory");
    assert_null(rig->machine.clock.events);
    rig_destroy(rig);
    close(directory);
}

static void broken_output_is_told_once(void **state)
{
    (void)state;
    struct line line = line_create();
    struct capture capture;
    void (*old)(int) = signal(SIGPIPE, SIG_IGN);
    close(line.from_guest);
    capture_begin(&capture);
    for (u32 i = 0; i < 5000; i++)
        rig_out(line.rig, THR, '\n');
    capture_end(&capture);
    assert_said_once(&capture, "serial output: Broken pipe");
    signal(SIGPIPE, old);
    line.from_guest = dup(line.to_guest);
    line_destroy(line);
}

/* A descriptor that would block is waited for, a byte at a time if need be. */
static void slow_output_loses_nothing(void **state)
{
    (void)state;
    struct line line = line_create();
    int out = line.rig->config.serial_out_fd;
    static u8 got[70000];
    assert_int_equal(fcntl(out, F_SETPIPE_SZ, 4096), 4096);
    pid_t reader = fork();
    if (reader == 0) {
        u32 n = 0;
        close(out);
        fcntl(line.from_guest, F_SETFL, 0);
        usleep(20000); /* until the pipe is full */
        for (ssize_t r; (r = read(line.from_guest, got + n, sizeof got - n)) > 0;)
            n += (u32)r;
        for (u32 i = 0; i < n; i++)
            if (got[i] != (u8)(i * 3))
                _exit(1);
        _exit(n == 20000 ? 0 : 2);
    }
    fcntl(out, F_SETFL, O_NONBLOCK);
    for (u32 i = 0; i < 20000; i++)
        rig_out(line.rig, THR, (u8)(i * 3));
    uart_flush(line.rig->machine.uart);
    line_destroy(line);
    int status;
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
}

static void tells_what_polls_give(void **state)
{
    (void)state;
    struct line line = line_create();
    struct bus_poll poll;
    struct bus *bus = &line.rig->machine.bus;
    assert_true(bus_poll(bus, LSR, &poll));
    assert_true(poll.n == 1 && poll.value[0] == EMPTY && poll.until_ns == BUS_POLL_EVENT);
    assert_true(bus_poll(bus, MSR, &poll));
    assert_int_equal(poll.value[0], rig_in(line.rig, MSR));
    send_to_guest(line, "ab");
    rig_pass(line.rig, 20 * NS_PER_MS);
    assert_true(bus_poll(bus, LSR, &poll));
    assert_int_equal(poll.value[0], rig_in(line.rig, LSR));
    assert_int_equal(poll.value[0] & LSR_DR, LSR_DR);
    assert_false(bus_poll(bus, RBR, &poll));
    line_destroy(line);

    struct rig *rig = lone_uart();
    rig_out(rig, MCR, MCR_LOOP);
    rig_out(rig, THR, 1);
    rig_out(rig, THR, 2);
    assert_false(bus_poll(&rig->machine.bus, LSR, &poll)); /* a read clears the overrun */
    assert_int_equal(rig_in(rig, LSR) & LSR_OE, LSR_OE);
    assert_true(bus_poll(&rig->machine.bus, LSR, &poll));
    rig_out(rig, MCR, MCR_LOOP | MCR_RTS);
    assert_false(bus_poll(&rig->machine.bus, MSR, &poll)); /* and the delta */
    rig_in(rig, MSR);
    assert_true(bus_poll(&rig->machine.bus, MSR, &poll));
    rig_destroy(rig);
}

int uart_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_state),
        cmocka_unit_test(registers_keep_what_is_written),
        cmocka_unit_test(transmits_lines),
        cmocka_unit_test(long_output_goes_in_few_writes),
        cmocka_unit_test(word_length_masks),
        cmocka_unit_test(receives_without_fifo),
        cmocka_unit_test(word_length_and_loopback_concern_input_too),
        cmocka_unit_test(trigger_levels_interrupt),
        cmocka_unit_test(bytes_below_the_trigger_time_out),
        cmocka_unit_test(host_input_never_overruns),
        cmocka_unit_test(end_of_input_stops_the_polling),
        cmocka_unit_test(overrun_with_and_without_fifo),
        cmocka_unit_test(break_comes_with_its_character),
        cmocka_unit_test(fifo_resets),
        cmocka_unit_test(thre_interrupt_comes_and_goes),
        cmocka_unit_test(causes_have_priorities),
        cmocka_unit_test(out2_and_loopback_gate_the_line),
        cmocka_unit_test(loopback_wires_the_modem_lines),
        cmocka_unit_test(input_error_is_told_and_ends_it),
        cmocka_unit_test(broken_output_is_told_once),
        cmocka_unit_test(slow_output_loses_nothing),
        cmocka_unit_test(tells_what_polls_give),
    };
    return cmocka_run_group_tests_name("uart", tests, NULL, NULL);
}
