/* Characters, words, output and questions. */
#ifndef HUDDLE_DOS_SHELL_TEXT_H
#define HUDDLE_DOS_SHELL_TEXT_H

#include "base/types.h"

/* gcc calls these. */
void *memset(void *to, int value, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

size_t text_length(const char *text);
/* `from` into `to` of `bytes`, cut if it must; false if it was. */
bool text_copy(char *to, size_t bytes, const char *from);
/* The same behind what is there. */
bool text_append(char *to, size_t bytes, const char *from);
/* Without regard to case. */
bool text_same(const char *a, const char *b);
/* The last place of `c`, or NULL. */
char *text_last(const char *text, char c);
bool text_has(const char *text, char c);
char char_upper(char c);
bool char_is_digit(char c);
bool char_is_letter(char c);
/* Space, tab, comma, semicolon, equals: what separates words. */
bool char_is_delimiter(char c);
bool char_is_blank(char c);
char *skip_delimiters(char *text);
char *skip_blanks(char *text);
/* Digits at *text as a number up to 65535, *text moved behind them; -1 if there is none or it is greater. */
s32 number_read(char **text);

/* Standard output, through a buffer that out_flush empties. Formats: %s %u %c %%, with '-', '0' and a width.
 */
void out(const char *format, ...) __attribute__((format(printf, 1, 2)));
void out_char(char c);
void out_flush(void);
/* To standard error, with a new line. 1: the status of a command that failed. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The words for DOS's error code; `what` behind it if it is not NULL. */
int complain_code(u16 code, const char *what);

/* A key from standard input, not shown. */
char key_read(void);
/* Asks until Y or N is typed. `text` has no '%'. */
bool ask_yes_no(const char *text);
/* The same with a key instead of a line, and nothing that was typed before. The end of the input means yes. */
bool ask_key(const char *text);
/* A line from standard input without its end; false: there is no more. Longer ones are cut. A line of a file
 * may have 255 characters, one that is typed 126. */
bool line_input(char *line, size_t bytes);

#endif
