/* A terminal: what curses is needed for. Apart from display_term.c because curses and dev/keyboard.h both
 * name their keys KEY_*. After tty_open only one thread at a time may use it, and one after the other. */
#ifndef HUDDLE_UI_TTY_H
#define HUDDLE_UI_TTY_H

#include "base/types.h"
#include "dev/vga/vga_screen.h"

struct tty;

/* Takes standard input and output, which must be a terminal, and keeps back what is written to standard
 * output and standard error where these are the terminal. 0 or -errno (logged). */
must_check int tty_open(struct tty **tty);
/* Gives the terminal back as it was, with what was written meanwhile. May be called from another thread than
 * the others, when that has ended. */
void tty_close(struct tty *tty);

/* Of the thread that calls it: a fatal signal puts the terminal in order first. */
void tty_guard_thread(struct tty *tty);

/* Readable: input waits. */
int tty_fd(const struct tty *tty);

enum tty_input_kind { TTY_NOTHING, TTY_CHARACTER, TTY_KEY, TTY_RESIZED };
struct tty_input {
    enum tty_input_kind kind;
    u32 character;    /* a code point of Unicode */
    const char *name; /* curses' name for the key */
    bool alt;         /* Escape came right before it */
};
/* The next input, without waiting but for the rest of an escape sequence. */
void tty_read(struct tty *tty, struct tty_input *input);

struct tty_status {
    const char *urgent; /* shown in the last line even if that hides the guest's; NULL: nothing is */
    const char *idle;   /* shown if the line is free */
};
/* Brings the screen up to date. */
void tty_show(struct tty *tty, const struct vga_screen *screen, const struct tty_status *status);

/* The last line that was written to standard error since the last call, if it is kept back. False: none. */
bool tty_last_message(struct tty *tty, char *line, size_t bytes);

void tty_beep(struct tty *tty);

#endif
