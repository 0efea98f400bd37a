/* INT 21h AH=01h-0Ch: characters from handle 0, to handle 1, AUX and PRN. */
#include "dos/dos_impl.h"

enum { CTRL_C = 3, END_OF_FILE = 0x1a, RETURN = 0x0d, HANDLE_IN = 0, HANDLE_OUT = 1, LINE_LIMIT = 64 * KIB,
       BACKSPACE = 8, CHUNK = 256, TAB_COLUMNS = 8 };

static bool is_con(const struct dos *dos, int entry)
{
    enum { CON_INFO = INFO_DEVICE | INFO_STDIN };
    return entry >= 0 && (guest_u16(dos, sft_at(entry) + SFT_INFO) & CON_INFO) == CON_INFO;
}

/* One character of handle 0: true and *c; or false and what comes next. */
static bool get(struct dos *dos, bool wait, u8 *c, enum dos_next *next)
{
    int entry = sft_of_handle(dos, HANDLE_IN);
    if (is_con(dos, entry))
        return con_get(dos, wait, c, next);
    *next = DOS_RETURN;
    *c = END_OF_FILE;
    if (entry < 0 || sft_is_device(dos, entry))
        return true;
    u32 position = guest_u32(dos, sft_at(entry) + SFT_POSITION), done = 0;
    enum dos_error error = sft_read_byte(dos, entry, position, c, &done);
    if (error || !done)
        *c = END_OF_FILE;
    else
        guest_put_u32(dos, sft_at(entry) + SFT_POSITION, position + 1);
    return true;
}

/* Tabs become spaces up to the next column that a multiple of 8 names, in files too; the column is CON's. Returns how many characters
 * are in `out`. */
static u32 expand(struct dos *dos, const u8 *text, u32 count, u8 *out)
{
    far_t column_at = in_dos(dos->entry[STUB_CARPOS]);
    u8 column = guest_u8(dos, column_at);
    u32 n = 0;
    for (u32 i = 0; i < count; i++) {
        u8 c = text[i];
        do {
            out[n++] = c == '\t' ? ' ' : c;
            if (c == RETURN)
                column = 0;
            else if (c == BACKSPACE)
                column -= column != 0;
            else if (c >= ' ' || c == '\t')
                column++;
        } while (c == '\t' && column % TAB_COLUMNS);
    }
    guest_put_u8(dos, column_at, column);
    return n;
}

static void put_in_file(struct dos *dos, int entry, far_t text, u16 count)
{
    u8 part[CHUNK], out[CHUNK * TAB_COLUMNS];
    for (u32 i = 0, n; i < count; i += n) {
        u32 position = guest_u32(dos, sft_at(entry) + SFT_POSITION), done = 0;
        n = MIN((u32)count - i, (u32)CHUNK);
        guest_read(dos, far_add(text, i), part, n);
        u32 bytes = expand(dos, part, n, out);
        enum dos_error error = sft_write_bytes(dos, entry, position, out, bytes, &done);
        guest_put_u32(dos, sft_at(entry) + SFT_POSITION, position + done);
        if (error || done < bytes)
            return; /* the call has no way to tell it */
    }
}

/* `count` characters to handle 1, as the last thing a call does; its registers are set. */
static enum dos_next put(struct dos *dos, far_t text, u16 count)
{
    int entry = sft_of_handle(dos, HANDLE_OUT);
    if (is_con(dos, entry))
        return help_show(dos, text, count, AFTER_RETURN);
    if (entry < 0)
        return DOS_RETURN;
    if (sft_is_device(dos, entry))
        return device_send(dos, entry, text, count);
    put_in_file(dos, entry, text, count);
    return DOS_RETURN;
}

static enum dos_next put_character(struct dos *dos, u8 c)
{
    int entry = sft_of_handle(dos, HANDLE_OUT);
    if (is_con(dos, entry))
        return help_show_text(dos, &c, 1, AFTER_RETURN);
    guest_put_u8(dos, in_dos(SDA + SDA_SCRATCH), c);
    return put(dos, in_dos(SDA + SDA_SCRATCH), 1);
}

static bool break_in(struct dos *dos, u8 c)
{
    return c == CTRL_C && !dos->con.have_scan && is_con(dos, sft_of_handle(dos, HANDLE_IN));
}

/* A character to AL, awaited. */
static enum dos_next char_in(struct dos *dos, bool breaks, bool echoes)
{
    enum dos_next next;
    u8 c;
    if (!get(dos, true, &c, &next))
        return next;
    if (breaks && break_in(dos, c))
        return help_break(dos);
    set_low(dos, CPU_EAX, c);
    return echoes && !con_from_host(dos) ? put_character(dos, c) : DOS_RETURN;
}

enum dos_next int21_char_in_echo(struct dos *dos)
{
    return char_in(dos, true, true);
}

enum dos_next int21_char_in_raw(struct dos *dos)
{
    return char_in(dos, false, false);
}

enum dos_next int21_char_in(struct dos *dos)
{
    return char_in(dos, true, false);
}

enum dos_next int21_char_out(struct dos *dos)
{
    u8 c = reg_low(dos, CPU_EDX);
    if (con_break_pending(dos))
        return con_break(dos);
    set_low(dos, CPU_EAX, c == '\t' ? ' ' : c);
    return put_character(dos, c);
}

enum dos_next int21_string_out(struct dos *dos)
{
    enum { LONGEST = 0xffff };
    far_t text = ds_dx(dos);
    u8 part[CHUNK];
    u32 count = 0;
    if (con_break_pending(dos))
        return con_break(dos);
    for (bool found = false; !found && count < LONGEST;) {
        guest_read(dos, far_add(text, count), part, sizeof part);
        u32 i = 0;
        while (i < CHUNK && part[i] != '$')
            i++;
        found = i < CHUNK;
        count += i;
    }
    set_low(dos, CPU_EAX, '$');
    return put(dos, text, (u16)MIN(count, (u32)LONGEST));
}

/* AH=06h: DL = FFh is input without waiting, ZF: none there. */
enum dos_next int21_direct(struct dos *dos)
{
    u8 c = reg_low(dos, CPU_EDX);
    enum dos_next next;
    if (c != 0xff) {
        set_low(dos, CPU_EAX, c);
        return put_character(dos, c);
    }
    bool there = get(dos, false, &c, &next);
    if (next != DOS_RETURN)
        return next;
    set_caller_flag(dos, FLAG_ZF, !there);
    set_low(dos, CPU_EAX, there ? c : 0);
    return DOS_RETURN;
}

/* AH=0Ah: at DS:DX the room for characters with CR, their number without it, and they. */
enum dos_next int21_line_in(struct dos *dos)
{
    far_t buffer = ds_dx(dos);
    u8 room = guest_u8(dos, buffer);
    enum dos_next next;
    if (!room)
        return DOS_RETURN;
    if (is_con(dos, sft_of_handle(dos, HANDLE_IN))) {
        if (!line_edit(dos, room, &next))
            return next;
        u32 length = dos->con.length;
        guest_put_u8(dos, buffer + 1, (u8)(length - 1));
        guest_write(dos, buffer + 2, dos->con.line, length);
        dos->con.length = 0;
        return DOS_RETURN;
    }
    u8 n = 0, c = 0;
    /* LIMIT: what would be a longer line is no text, but a file without an end, perhaps; the rest is the next line. */
    for (u32 i = 0; i < LINE_LIMIT && get(dos, true, &c, &next) && c != RETURN && c != END_OF_FILE; i++)
        if (c != '\n' && n + 1 < room)
            guest_put_u8(dos, buffer + 2 + n++, c);
    guest_put_u8(dos, buffer + 2 + n, RETURN);
    guest_put_u8(dos, buffer + 1, n);
    return DOS_RETURN;
}

enum dos_next int21_status(struct dos *dos)
{
    enum dos_next next = DOS_RETURN;
    int entry = sft_of_handle(dos, HANDLE_IN);
    if (con_break_pending(dos))
        return con_break(dos);
    bool there = is_con(dos, entry) ? con_ready(dos, &next) : entry >= 0;
    if (next != DOS_RETURN)
        return next;
    set_low(dos, CPU_EAX, there ? 0xff : 0);
    return DOS_RETURN;
}

/* AH=0Ch: empties the keyboard's buffer; then it is the function in AL. That is another call, for it may have to be run again, and
 * the keys that came meanwhile are to stay. */
enum dos_next int21_flush_in(struct dos *dos)
{
    if (is_con(dos, sft_of_handle(dos, HANDLE_IN)))
        con_flush(dos);
    dos->site = STUB_AT_FLUSHED;
    stub_goto(dos, dos->site);
    return chario_flushed(dos);
}

enum dos_next chario_flushed(struct dos *dos)
{
    switch (reg_low(dos, CPU_EAX)) {
    case 0x01:
        return int21_char_in_echo(dos);
    case 0x06:
        return int21_direct(dos);
    case 0x07:
        return int21_char_in_raw(dos);
    case 0x08:
        return int21_char_in(dos);
    case 0x0a:
        return int21_line_in(dos);
    default:
        set_low(dos, CPU_EAX, 0);
        return DOS_RETURN;
    }
}

/* --- AUX and PRN: the BIOS's serial and printer services --- */

enum { BIOS_SERIAL = 0x14, BIOS_PRINTER = 0x17, SERIAL_SEND = 0x0100, SERIAL_RECEIVE = 0x0200 };

static bool answered(struct dos *dos)
{
    bool answered = dos->bios_answered;
    dos->bios_answered = false;
    return answered;
}

enum dos_next int21_aux_in(struct dos *dos)
{
    if (!answered(dos))
        return help_bios(dos, BIOS_SERIAL, SERIAL_RECEIVE, 0);
    set_low(dos, CPU_EAX, (u8)dos->bios_ax);
    return DOS_RETURN;
}

enum dos_next int21_aux_out(struct dos *dos)
{
    if (!answered(dos))
        return help_bios(dos, BIOS_SERIAL, SERIAL_SEND | reg_low(dos, CPU_EDX), 0);
    return DOS_RETURN;
}

enum dos_next int21_prn_out(struct dos *dos)
{
    if (!answered(dos))
        return help_bios(dos, BIOS_PRINTER, reg_low(dos, CPU_EDX), 0);
    return DOS_RETURN;
}
