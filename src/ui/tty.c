/* Taking a terminal, giving it back, reading what is typed. ncurses(3X), terminfo(5). */
#include "ui/tty_impl.h"

#include "base/log.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>

#define ESCAPE_DELAY_MS 25 /* what comes later is no sequence of one key */
enum { ESCAPE = 0x1b };

/* --- taking it --- */

/* The terminal's orders by their terminfo names; NULL if it has none. */
static const char *order(const char *name)
{
    const char *text = tigetstr(name);
    return text && text != (const char *)-1 ? text : NULL;
}

static int refuse(int rc, const char *why)
{
    const char *term = getenv("TERM");
    log_error("--display=term: %s (TERM=%s)", why, term ? term : "");
    return rc;
}

static int check_terminal(void)
{
    int error = 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        log_error("--display=term: standard %s is not a terminal", isatty(STDIN_FILENO) ? "output" : "input");
        return -ENOTTY;
    }
    if (setupterm(NULL, STDOUT_FILENO, &error) == ERR)
        return refuse(
            -ENODEV, error == 1   ? "the terminal is a printing one"
                     : error == 0 ? "the terminal is unknown: set TERM, or install the package ncurses-term"
                                  : "there is no description of terminals: install the package ncurses-base");
    bool able = order("cup") && order("clear");
    del_curterm(cur_term);
    return able ? 0 : refuse(-ENODEV, "the terminal cannot put characters anywhere");
}

/* Cursor keys in the mode that the terminal was told to leave: some take no notice. */
static void define_cursor_keys(void)
{
    static const struct {
        const char *sent;
        int key;
    } keys[] = {
        {"\033[A", KEY_UP},   {"\033[B", KEY_DOWN}, {"\033[C", KEY_RIGHT}, {"\033[D", KEY_LEFT},
        {"\033[H", KEY_HOME}, {"\033[F", KEY_END},  {"\033[1~", KEY_HOME}, {"\033[4~", KEY_END},
        {"\033OA", KEY_UP},   {"\033OB", KEY_DOWN}, {"\033OC", KEY_RIGHT}, {"\033OD", KEY_LEFT},
        {"\033OH", KEY_HOME}, {"\033OF", KEY_END},
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (key_defined(keys[i].sent) == 0)
            define_key(keys[i].sent, keys[i].key);
}

static void set_modes(struct tty *tty)
{
    raw(); /* Ctrl-C is the guest's */
    noecho();
    nonl();
    intrflush(stdscr, FALSE);
    keypad(stdscr, TRUE);
    meta(stdscr, TRUE);
    define_cursor_keys();
    nodelay(stdscr, TRUE);
    set_escdelay(ESCAPE_DELAY_MS);
    tty_colors_init(tty);
    curs_set(0);
}

static void add_orders(struct tty *tty)
{
    static const char *const names[] = {"Se", "oc", "sgr0", "rmacs", "cnorm", "rmkx", "rmcup"};
    tty->set_shape = order("Ss");
    tty->reset_shape = order("Se");
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (order(names[i]))
            tty_guard_add_order(&tty->guard, order(names[i]));
}

int tty_open(struct tty **out)
{
    setlocale(LC_CTYPE, "");
    int rc = check_terminal();
    if (rc)
        return rc;
    struct tty *tty = calloc(1, sizeof *tty);
    int fd = dup(STDOUT_FILENO);
    if (!tty) {
        log_error("out of memory");
        if (fd >= 0)
            close(fd);
        return -ENOMEM;
    }
    tty->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    tty->out = fd >= 0 ? fdopen(fd, "w") : NULL;
    rc = tty->out ? tty_guard_init(&tty->guard, fd) : -errno;
    if (rc)
        goto failed;
    tty->screen = newterm(NULL, tty->out, stdin);
    if (!tty->screen) {
        tty_guard_fini(&tty->guard);
        rc = -ENODEV;
        goto failed;
    }
    set_modes(tty);
    add_orders(tty);
    *out = tty;
    return 0;
failed:
    log_error("--display=term: the terminal cannot be used: %s", strerror(-rc));
    if (tty->out)
        fclose(tty->out);
    free(tty);
    return rc;
}

/* curses has flushed what it had; its own putp writes to standard output, whatever the screen is on. */
static void send(struct tty *tty, const char *text)
{
    if (write(tty->guard.fd, text, strlen(text)) < 0)
        return; /* the terminal is gone: who reads it notices */
}

void tty_close(struct tty *tty)
{
    if (tty->reset_shape && tty->cursor_shape)
        send(tty, tty->reset_shape);
    endwin();
    delscreen(tty->screen);
    tcsetattr(tty->guard.fd, TCSADRAIN, &tty->guard.modes);
    tty_guard_fini(&tty->guard);
    fclose(tty->out);
    free(tty);
}

void tty_set_cursor_shape(struct tty *tty, int shape)
{
    if (tty->set_shape && shape != tty->cursor_shape)
        send(tty, tiparm(tty->set_shape, shape));
    tty->cursor_shape = shape;
}

void tty_guard_thread(struct tty *tty)
{
    tty_guard_watch(&tty->guard);
}

int tty_fd(const struct tty *tty)
{
    (void)tty;
    return STDIN_FILENO;
}

bool tty_last_message(struct tty *tty, char *line, size_t bytes)
{
    return tty_guard_message(&tty->guard, line, bytes);
}

void tty_beep(struct tty *tty)
{
    (void)tty;
    beep();
}

/* --- reading it --- */

/* One byte of UTF-8. True: the character is whole. What is none is dropped. */
static bool add_byte(struct tty *tty, u8 byte, u32 *character)
{
    if ((byte & 0xc0) == 0x80) {
        if (!tty->missing)
            return false;
        tty->partial = tty->partial << 6 | (byte & 0x3f);
        *character = tty->partial;
        return --tty->missing == 0;
    }
    tty->missing = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    tty->partial = byte & (0x3fu >> tty->missing);
    return false;
}

/* A byte that is not ASCII. Where the locale has no such character it is what a terminal sends for Alt. */
static bool add_high_byte(struct tty *tty, u8 byte, struct tty_input *input)
{
    if (tty->utf8)
        return add_byte(tty, byte, &input->character);
    wint_t wide = btowc(byte);
    input->alt |= wide == WEOF;
    input->character = wide == WEOF ? byte & 0x7fu : (u32)wide;
    return true;
}

static int next(struct tty *tty)
{
    int c = tty->unread;
    tty->unread = 0;
    return c ? c : getch();
}

/* False: `c` is no whole input yet. */
static bool take(struct tty *tty, int c, struct tty_input *input)
{
    if (c == KEY_RESIZE) {
        input->kind = TTY_RESIZED;
        return true;
    }
    if (c > 0xff) {
        const char *name = keyname(c);
        snprintf(tty->name, sizeof tty->name, "%s", name ? name : "");
        input->kind = TTY_KEY;
        input->name = tty->name;
        return true;
    }
    input->kind = TTY_CHARACTER;
    input->character = (u32)c;
    if (c < 0x80) {
        tty->missing = 0;
        return true;
    }
    return add_high_byte(tty, (u8)c, input);
}

void tty_read(struct tty *tty, struct tty_input *input)
{
    for (;;) {
        *input = (struct tty_input){.kind = TTY_NOTHING};
        int c = next(tty);
        if (c == ERR)
            return;
        if (c == ESCAPE) {
            int after = next(tty);
            input->alt = after != ERR && after != ESCAPE && after != KEY_RESIZE;
            if (input->alt)
                c = after;
            else if (after != ERR)
                tty->unread = after;
        }
        if (take(tty, c, input))
            return;
    }
}
