/* The line that AH=0Ah, and reads of CON, let the user type: the editing keys of DOS, with the line before as template. MS-DOS
 * 5.0 User's Guide, "Editing with the template". */
#include "dos/dos_impl.h"

#include <string.h>

enum {
    CTRL_C = 0x03,
    BACKSPACE = 0x08,
    TAB = 0x09,
    LINE_FEED = 0x0a,
    RETURN = 0x0d,
    CTRL_Z = 0x1a,
    ESCAPE = 0x1b,
    DELETE_BACK = 0x7f,
    /* Scan codes of keys without a character. */
    SCAN_F1 = 0x3b,
    SCAN_F2 = 0x3c,
    SCAN_F3 = 0x3d,
    SCAN_F4 = 0x3e,
    SCAN_F5 = 0x3f,
    SCAN_F6 = 0x40,
    SCAN_LEFT = 0x4b,
    SCAN_RIGHT = 0x4d,
    SCAN_INSERT = 0x52,
    SCAN_DELETE = 0x53,

    ECHO_BYTES = 128,
    AT_ONCE = 4096, /* characters of the host's, before the guest has its turn */
};

/* What one key shows. */
struct echo {
    u8 text[ECHO_BYTES];
    u32 count;
};

static void echo(struct echo *e, u8 c)
{
    if (e->count < ECHO_BYTES)
        e->text[e->count++] = c;
}

static bool is_control(u8 c)
{
    return c < 0x20 && c != TAB && c != LINE_FEED;
}

static void echo_character(struct echo *e, u8 c)
{
    if (is_control(c)) {
        echo(e, '^');
        c |= 0x40;
    }
    echo(e, c);
}

static void put(struct dos_console *con, struct echo *e, u32 room, u8 c)
{
    if (con->length + 1 >= room) {
        echo(e, 7);
        return;
    }
    con->line[con->length++] = c;
    echo_character(e, c);
}

static void type(struct dos_console *con, struct echo *e, u32 room, u8 c)
{
    u32 before = con->length;
    put(con, e, room, c);
    if (!con->insert && con->length > before && con->template_at < con->template_length)
        con->template_at++;
}

/* A tab is shown up to the next multiple of 8, counted from where the line began. */
static u32 width(const struct dos_console *con, u32 start, u32 length)
{
    u32 column = start;
    for (u32 i = 0; i < length; i++)
        column += con->line[i] == TAB ? 8 - column % 8 : is_control(con->line[i]) ? 2 : 1;
    return column;
}

static void rub_out(struct dos_console *con, struct echo *e)
{
    if (!con->length)
        return;
    con->length--;
    u32 columns = width(con, con->start_column, con->length + 1) - width(con, con->start_column, con->length);
    for (u32 i = 0; i < columns; i++) {
        echo(e, BACKSPACE);
        echo(e, ' ');
        echo(e, BACKSPACE);
    }
    if (con->template_at)
        con->template_at--;
}

static void copy_template(struct dos_console *con, struct echo *e, u32 room, u32 end)
{
    while (con->template_at < end && con->length + 1 < room)
        put(con, e, room, con->template[con->template_at++]);
}

static u32 find_in_template(const struct dos_console *con, u8 c)
{
    for (u32 i = con->template_at + 1; i < con->template_length; i++)
        if (con->template[i] == c)
            return i;
    return con->template_at; /* not there: the key does nothing */
}

static void new_line(struct dos_console *con, struct echo *e, u8 mark)
{
    echo(e, mark);
    echo(e, RETURN);
    echo(e, LINE_FEED);
    for (u32 i = 0; i < con->start_column && i < ECHO_BYTES / 2; i++)
        echo(e, ' ');
    con->length = con->template_at = 0;
}

static void take_template(struct dos_console *con)
{
    memcpy(con->template, con->line, con->length);
    con->template_length = con->length;
    con->template_at = 0;
}

/* A key without a character. */
static void function_key(struct dos_console *con, struct echo *e, u32 room, u8 scan)
{
    switch (scan) {
    case SCAN_F1:
    case SCAN_RIGHT:
        copy_template(con, e, room, MIN(con->template_at + 1, con->template_length));
        break;
    case SCAN_F2:
    case SCAN_F4:
        con->prefix = scan;
        break;
    case SCAN_F3:
        copy_template(con, e, room, con->template_length);
        break;
    case SCAN_F5:
        take_template(con);
        new_line(con, e, '@');
        break;
    case SCAN_F6:
        type(con, e, room, CTRL_Z);
        break;
    case SCAN_LEFT:
        rub_out(con, e);
        break;
    case SCAN_INSERT:
        con->insert = !con->insert;
        break;
    case SCAN_DELETE:
        if (con->template_at < con->template_length)
            con->template_at++;
        break;
    default:
        break;
    }
}

static void finish_line(struct dos_console *con, struct echo *e)
{
    take_template(con);
    con->line[con->length++] = RETURN;
    con->line_done = true;
    echo(e, RETURN);
}

static void edit(struct dos_console *con, struct echo *e, u32 room, u8 c)
{
    u8 prefix = con->prefix;
    con->prefix = 0;
    if (prefix == SCAN_F2) {
        copy_template(con, e, room, find_in_template(con, c));
    } else if (prefix == SCAN_F4) {
        con->template_at = find_in_template(con, c);
    } else if (c == RETURN) {
        finish_line(con, e);
    } else if (c == BACKSPACE || c == DELETE_BACK) {
        rub_out(con, e);
    } else if (c == ESCAPE) {
        new_line(con, e, '\\');
    } else if (c == LINE_FEED) {
        echo(e, RETURN);
        echo(e, LINE_FEED);
    } else {
        type(con, e, room, c);
    }
}

/* Characters that are no keys: a file's end ends the line. */
static void take_from_host(struct dos_console *con, u32 room, u8 c)
{
    bool end = c == CTRL_Z && con->in_ended;
    if (end && !con->length)
        con->line[con->length++] = CTRL_Z;
    if (end || c == RETURN)
        con->line[con->length++] = RETURN;
    else if (con->length + 1 < room)
        con->line[con->length++] = c;
    con->line_done = end || c == RETURN;
}

static void begin(struct dos *dos)
{
    struct dos_console *con = &dos->con;
    con->editing = true;
    con->line_done = con->insert = con->delivering = false;
    con->length = con->template_at = con->prefix = 0;
    con->start_column = guest_u8(dos, in_dos(dos->entry[STUB_CARPOS]));
}

bool line_edit(struct dos *dos, u32 room, enum dos_next *next)
{
    struct dos_console *con = &dos->con;
    room = MIN(room, (u32)LINE_BYTES - 2);
    if (!con->editing)
        begin(dos);
    for (u32 i = 0; !con->line_done; i++) {
        struct echo e = {.count = 0};
        bool function = con->have_scan;
        u8 c;
        if (i == AT_ONCE) { /* it may never end */
            *next = help(dos, STUB_IDLE, AFTER_AGAIN);
            return false;
        }
        if (!con_get(dos, true, &c, next))
            return false;
        if (con_from_host(dos)) {
            take_from_host(con, room, c);
            continue;
        }
        if (c == CTRL_C && !function) {
            con->editing = false;
            *next = help_break(dos);
            return false;
        }
        if (function)
            function_key(con, &e, room, c);
        else if (c || !con->have_scan)
            edit(con, &e, room, c);
        if (e.count) {
            *next = help_show_text(dos, e.text, e.count, AFTER_AGAIN);
            return false;
        }
    }
    con->editing = false;
    return true;
}

/* Reads get lines with CR and LF; what does not fit comes with the next read. */
enum dos_next con_read(struct dos *dos, far_t to, u16 bytes, bool raw)
{
    struct dos_console *con = &dos->con;
    enum dos_next next;
    u8 c;
    if (!bytes)
        return dos_ok_ax(dos, 0);
    if (raw) {
        if (!con_get(dos, true, &c, &next))
            return next;
        guest_put_u8(dos, to, c);
        return dos_ok_ax(dos, 1);
    }
    if (!con->delivering) {
        if (!line_edit(dos, LINE_BYTES - 2, &next))
            return next;
        con->delivering = true;
        con->delivered = 0;
        con->line[con->length++] = LINE_FEED;
        c = LINE_FEED;
        if (!con_from_host(dos))
            return help_show_text(dos, &c, 1, AFTER_AGAIN);
    }
    if (con->line[0] == CTRL_Z) {
        con->delivering = false;
        return dos_ok_ax(dos, 0);
    }
    u16 n = (u16)MIN(con->length - con->delivered, (u32)bytes);
    guest_write(dos, to, con->line + con->delivered, n);
    con->delivered += n;
    con->delivering = con->delivered < con->length;
    return dos_ok_ax(dos, n);
}
