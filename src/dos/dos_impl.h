/* The built-in DOS's own state and how its parts call each other.
 *
 * A service runs when the guest has called and returns what comes next (enum dos_next). It can neither wait nor call the
 * BIOS: for that it sends the guest into a routine of the stub (help_*) and says what comes after: the end of the
 * call, or the same service once more, from its beginning. So a service must have changed nothing that matters before it asks
 * for help and wants to be run again, and everything in between is in guest memory. */
#ifndef HUDDLE_DOS_DOS_IMPL_H
#define HUDDLE_DOS_DOS_IMPL_H

#include "dos/dos.h"
#include "dos/ems.h"
#include "dos/layout.h"
#include "dos/mouse.h"
#include "dos/xms.h"

enum dos_next {
    DOS_RETURN,  /* to the caller, registers are set */
    DOS_HELP,    /* the guest runs a routine of the stub first */
    DOS_JUMP,    /* registers are those of another place: a program has begun or ended */
};

/* After help. */
enum dos_after {
    AFTER_RETURN,   /* the call ends; its results were set before */
    AFTER_AGAIN,    /* the service is run again */
    AFTER_KEY,      /* AX is a key: again */
    AFTER_POLL,     /* AX is a key, if ZF is clear: again */
    AFTER_BREAK,    /* "^C" is shown: INT 23h */
    AFTER_BIOS,     /* AX is what the BIOS returned: again */
};

enum { LINE_BYTES = 256, DIRECTORY_SNAPSHOTS = 64, OPEN_FILES = SFT_ENTRIES };

/* CON: keys that have been read and not delivered, the line being edited. */
struct dos_console {
    bool polled, poll_there; /* the keyboard was asked: the service that asked is being run again */
    bool have_scan;          /* the second half of a key without a character */
    u8 scan;
    bool have_key;
    u16 key;
    /* A line as AH=0Ah and reads of CON edit it. */
    bool editing, line_done, insert;
    u8 prefix; /* F2 or F4 was pressed: waits for its character */
    u32 start_column;
    u8 line[LINE_BYTES];
    u32 length;
    u8 template[LINE_BYTES]; /* the line before */
    u32 template_length, template_at;
    u32 delivered; /* of a line that is there, by reads; 0 and length 0: none */
    bool delivering;
    /* in_fd */
    u8 in[LINE_BYTES];
    u32 in_at, in_count;
    bool in_ended;
};

/* A directory as FINDFIRST met it: entries that go away meanwhile do not shift the others. */
struct dos_snapshot {
    u16 id; /* 0: none */
    u8 drive;
    bool stale; /* something on the drive went away since: each entry has to be looked for */
    char directory[DOS_PATH_BYTES];
    struct dos_entry *entry;
    u32 count;
    u64 used; /* when: the oldest goes. 0: nothing more is in it */
};

struct dos_file {
    struct volume_file *file; /* NULL: the entry is a device's, or free */
    u8 drive;
    char path[DOS_PATH_BYTES];
};

struct dos {
    struct dos_config config;
    struct machine *machine;
    struct cpu_state *cpu; /* during a call */
    u16 entry[STUB_ENTRIES];
    bool booted;

    struct dos_console con;
    struct dos_file file[OPEN_FILES]; /* by SFT entry */
    struct dos_snapshot snapshot[DIRECTORY_SNAPSHOTS];
    u16 last_snapshot;
    u64 uses;

    bool verify;
    bool divided; /* "Divide overflow" is shown */
    u8 allocation; /* AH=58h: strategy */
    u16 upper_first; /* segment of upper memory's first control block, 0: none */
    s32 day;       /* of the calendar, since 1980-01-01, at the last look at the clock */
    u16 bios_ax;   /* what a BIOS call returned */
    bool bios_answered;
    u32 progress;  /* characters that AUX or PRN has taken of the write being served */
    enum stub_entry site; /* of the call being served */
    u8 error_drive;       /* of the last path or file: for INT 24h */

    struct dos_mouse mouse;
    struct xms xms;
    struct ems ems;

    int status;
    const char *why;
};

/* --- guest memory: guest.c --- */

/* A far pointer: segment in the upper half. */
typedef u32 far_t;

static inline far_t far(u16 segment, u16 offset)
{
    return (u32)segment << 16 | offset;
}

/* So many bytes behind it, in the segment that begins 64 KiB higher if need be: buffers do not wrap around. */
static inline far_t far_add(far_t at, u32 bytes)
{
    u32 offset = (at & 0xffff) + bytes;
    return far((u16)((at >> 16) + (offset >> 16 << 12)), (u16)offset);
}

/* As the processor would, A20 and device windows included; where nothing is, reads give FFh. Ranges may not
 * exceed 1 MiB. */
void guest_read(const struct dos *dos, far_t at, void *buf, u32 bytes);
void guest_write(struct dos *dos, far_t at, const void *buf, u32 bytes);
void guest_fill(struct dos *dos, far_t at, u8 value, u32 bytes);
u8 guest_u8(const struct dos *dos, far_t at);
u16 guest_u16(const struct dos *dos, far_t at);
u32 guest_u32(const struct dos *dos, far_t at);
void guest_put_u8(struct dos *dos, far_t at, u8 value);
void guest_put_u16(struct dos *dos, far_t at, u16 value);
void guest_put_u32(struct dos *dos, far_t at, u32 value);
/* `bytes` of an address below 1 MiB + 64 KiB, as the processor finds them when A20 is on. */
void guest_read_linear(const struct dos *dos, gpa_t at, void *buf, u32 bytes);
void guest_write_linear(struct dos *dos, gpa_t at, const void *buf, u32 bytes);
/* A string up to a NUL, or as much of it as there is room for. False: it was longer. */
bool guest_string(const struct dos *dos, far_t at, char *text, u32 room);

static inline far_t in_dos(u16 offset)
{
    return far(DOS_SEG, offset);
}

static inline u8 bda_u8(const struct dos *dos, u16 linear)
{
    return guest_u8(dos, far(0, linear));
}

far_t vector_get(const struct dos *dos, u8 number);
void vector_set(struct dos *dos, u8 number, far_t handler);

/* --- registers --- */

static inline u16 reg16(const struct dos *dos, enum cpu_reg r)
{
    return (u16)dos->cpu->reg[r];
}

static inline u8 reg_low(const struct dos *dos, enum cpu_reg r)
{
    return (u8)dos->cpu->reg[r];
}

static inline u8 reg_high(const struct dos *dos, enum cpu_reg r)
{
    return (u8)(dos->cpu->reg[r] >> 8);
}

static inline void set_reg16(struct dos *dos, enum cpu_reg r, u16 value)
{
    dos->cpu->reg[r] = (dos->cpu->reg[r] & 0xffff0000u) | value;
}

static inline void set_low(struct dos *dos, enum cpu_reg r, u8 value)
{
    dos->cpu->reg[r] = (dos->cpu->reg[r] & 0xffffff00u) | value;
}

static inline void set_high(struct dos *dos, enum cpu_reg r, u8 value)
{
    dos->cpu->reg[r] = (dos->cpu->reg[r] & 0xffff00ffu) | (u32)value << 8;
}

static inline u16 sreg(const struct dos *dos, enum cpu_sreg s)
{
    return dos->cpu->sreg[s].selector;
}

/* Real mode. */
static inline void set_sreg(struct dos *dos, enum cpu_sreg s, u16 value)
{
    dos->cpu->sreg[s].selector = value;
    dos->cpu->sreg[s].base = (u32)value << 4;
}

static inline far_t ds_dx(const struct dos *dos)
{
    return far(sreg(dos, CPU_DS), reg16(dos, CPU_EDX));
}

/* Carry (and other flags) as the caller will have them: in the image that IRET takes from the stack. */
void set_caller_flag(struct dos *dos, u16 flag, bool on);

/* --- results: error.c --- */

/* Success of a function that tells by carry. */
enum dos_next dos_ok(struct dos *dos);
enum dos_next dos_ok_ax(struct dos *dos, u16 ax);
/* Failure: carry, AX, and the extended error; for errors of hardware INT 24h first. */
enum dos_next dos_fail(struct dos *dos, enum dos_error error);
/* The same of a character device. */
enum dos_next dos_fail_device(struct dos *dos, int device, enum dos_error error);
/* The same for functions with FCBs: AL = FFh; of those that move records, 1. */
enum dos_next dos_fail_fcb(struct dos *dos, enum dos_error error);
void dos_note_error(struct dos *dos, u16 error);
/* STUB_AT_INT24_DONE. */
enum dos_next dos_critical_answer(struct dos *dos);
enum dos_next int21_extended_error(struct dos *dos);
enum dos_next int21_set_error(struct dos *dos);

/* --- help: help.c --- */

enum dos_next help(struct dos *dos, enum stub_entry routine, enum dos_after after);
/* `count` characters of the guest's at `text` to CON (INT 29h; screen only if the monitor has them already). */
enum dos_next help_show(struct dos *dos, far_t text, u16 count, enum dos_after after);
/* The same for up to 128 characters of the monitor's. */
enum dos_next help_show_text(struct dos *dos, const u8 *text, u32 count, enum dos_after after);
/* `count` characters of the guest's at `text` by the BIOS's INT `number`, AH = `function`, DX = 0. */
enum dos_next help_send(struct dos *dos, u8 number, u8 function, far_t text, u16 count);
/* INT `number` of the BIOS with AX, BX, CX and DX; the result is in dos->bios_ax when the service runs again. */
enum dos_next help_bios(struct dos *dos, u8 number, u16 ax, u16 dx);
/* STUB_AT_HELPED. */
enum dos_next help_done(struct dos *dos);
/* Ctrl-C was found: shows it and calls INT 23h. */
enum dos_next help_break(struct dos *dos);
/* STUB_AT_INT23_DONE. */
enum dos_next help_break_done(struct dos *dos);
/* AX to ES on the stack, as INT 24h handlers find them; and back. */
void push_caller(struct dos *dos);
void pop_caller(struct dos *dos);
/* CS:IP to a place in the stub. */
void stub_goto(struct dos *dos, enum stub_entry entry);

/* --- dispatch: dos.c, int21.c --- */

/* Serves the call at dos->site, perhaps again. */
enum dos_next dos_serve(struct dos *dos);

enum dos_next int21(struct dos *dos);

/* --- paths: path.c --- */

struct dos_path {
    u8 drive;                  /* 0 = A: */
    char path[DOS_PATH_BYTES]; /* as a volume takes it */
    bool wild;                 /* the last component has * or ? (now all ?) */
    bool device;               /* it names a character device, which path[] has, without its directory */
};

/* What a program gave as a path, with the current drive and directory. */
enum dos_error path_parse(struct dos *dos, const char *text, struct dos_path *path);
enum dos_error path_parse_at(struct dos *dos, far_t text, struct dos_path *path);
/* The directory a path lies in. */
void path_parent(const struct dos_path *path, struct dos_path *parent);
const char *path_name(const struct dos_path *path);
/* "NAME.EXT" to eleven characters, padded; ? stays. And back. */
void name_to_fcb(const char *name, u8 fcb[11]);
void fcb_to_name(const u8 fcb[11], char name[DOS_NAME_BYTES]);
/* Could a file have this name? No wildcards. */
bool fcb_is_name(const u8 fcb[11]);
bool fcb_matches(const u8 pattern[11], const u8 name[11]);
u8 dos_upper(u8 character);
/* 0-25, or -1. `number`: 0 is the current drive, 1 is A:. */
int drive_of_number(const struct dos *dos, u8 number);
u8 current_drive(const struct dos *dos);
struct volume *drive_volume(const struct dos *dos, u8 drive);
/* The current directory of the drive as a volume takes it. */
void current_directory(const struct dos *dos, u8 drive, char path[DOS_PATH_BYTES]);

/* --- files: file.c, device.c --- */

/* Entry of the current program's handle, or -1. */
int sft_of_handle(const struct dos *dos, u16 handle);
far_t sft_at(int entry);
/* A free handle of the current program, or -1. */
int handle_free(const struct dos *dos);
void handle_set(struct dos *dos, u16 handle, u8 entry);
/* Opens into a free entry of the table: *entry. `mode`: as AH=3Dh. */
enum dos_error sft_open(struct dos *dos, const struct dos_path *path, u8 mode, int *entry);
enum dos_error sft_create(struct dos *dos, const struct dos_path *path, u8 attributes, bool fresh, int *entry);
enum dos_error sft_close(struct dos *dos, int entry); /* one reference */
enum dos_error sft_read_at(struct dos *dos, int entry, u32 position, far_t to, u32 bytes, u32 *done);
enum dos_error sft_read_byte(struct dos *dos, int entry, u32 position, u8 *c, u32 *done);
enum dos_error sft_write_at(struct dos *dos, int entry, u32 position, far_t from, u32 bytes, u32 *done);
/* The same from the monitor's memory. */
enum dos_error sft_write_bytes(struct dos *dos, int entry, u32 position, const u8 *text, u32 bytes, u32 *done);
enum dos_error sft_set_size(struct dos *dos, int entry, u32 bytes);
u32 sft_size(struct dos *dos, int entry);
void sft_time(struct dos *dos, int entry, u16 *date, u16 *time);
enum dos_error sft_set_time(struct dos *dos, int entry, u16 date, u16 time);
enum dos_error sft_commit(struct dos *dos, int entry);
/* All handles of a program. */
void files_close_all(struct dos *dos, u16 psp);
bool sft_is_device(const struct dos *dos, int entry);
/* Lays out the table with the devices' entries and gives the first program's handles. */
void files_boot(struct dos *dos);

enum dos_next int21_create(struct dos *dos);
enum dos_next int21_open(struct dos *dos);
enum dos_next int21_close(struct dos *dos);
enum dos_next int21_read(struct dos *dos);
enum dos_next int21_write(struct dos *dos);
enum dos_next int21_seek(struct dos *dos);
enum dos_next int21_ioctl(struct dos *dos);
enum dos_next int21_dup(struct dos *dos);
enum dos_next int21_dup2(struct dos *dos);
enum dos_next int21_file_time(struct dos *dos);
enum dos_next int21_create_temp(struct dos *dos);
enum dos_next int21_create_new(struct dos *dos);
enum dos_next int21_handle_count(struct dos *dos);
enum dos_next int21_commit(struct dos *dos);
enum dos_next int21_extended_open(struct dos *dos);
enum dos_next int21_lock(struct dos *dos);

/* A character device by name ("CON", without extension), or -1. */
int device_of_name(const struct dos *dos, const char *name);
enum dos_next device_request(struct dos *dos); /* a program calls a driver itself */
/* Reads and writes of handles that are devices. */
enum dos_next device_read(struct dos *dos, int entry, far_t to, u16 bytes);
enum dos_next device_write(struct dos *dos, int entry, far_t from, u16 bytes);
/* The same for INT 21h AH=02h, 06h and 09h, as the last thing they do. */
enum dos_next device_send(struct dos *dos, int entry, far_t text, u16 count);
far_t device_header(const struct dos *dos, int device);
/* SFT_INFO of the device. */
u16 device_info(int device);
const char *device_name(int device);
enum { DEVICE_CON, DEVICE_AUX, DEVICE_PRN, DEVICE_NUL, DEVICE_CLOCK, DEVICE_COM1, DEVICE_LPT1, DEVICE_EMS, DEVICES };

/* --- console: chario.c, console.c, line.c --- */

enum dos_next int21_char_in_echo(struct dos *dos);
enum dos_next int21_char_out(struct dos *dos);
enum dos_next int21_aux_in(struct dos *dos);
enum dos_next int21_aux_out(struct dos *dos);
enum dos_next int21_prn_out(struct dos *dos);
enum dos_next int21_direct(struct dos *dos);
enum dos_next int21_char_in_raw(struct dos *dos);
enum dos_next int21_char_in(struct dos *dos);
enum dos_next int21_string_out(struct dos *dos);
enum dos_next int21_line_in(struct dos *dos);
enum dos_next int21_status(struct dos *dos);
enum dos_next int21_flush_in(struct dos *dos);
enum dos_next chario_flushed(struct dos *dos); /* STUB_AT_FLUSHED */

/* A character of CON: true and *c, or false and what comes next: help and then the service again, or, without `wait`,
 * DOS_RETURN: there is none. */
bool con_get(struct dos *dos, bool wait, u8 *c, enum dos_next *next);
/* Is there one? If *next is not DOS_RETURN, that first. */
bool con_ready(struct dos *dos, enum dos_next *next);
/* INT 16h has answered. */
void con_key(struct dos *dos, u16 ax, bool there);
void con_flush(struct dos *dos);
/* Characters come from in_fd, which has its own echo or needs none. */
bool con_from_host(const struct dos *dos);
/* What CON shows, for out_fd. */
void con_tee(struct dos *dos, const u8 *text, u32 count);
/* Ctrl-C or Ctrl-Break is next on the keyboard; and what follows then. */
bool con_break_pending(const struct dos *dos);
enum dos_next con_break(struct dos *dos);
/* The line that is being typed, up to `room` characters with its CR: true when it is there (con.line, con.length). */
bool line_edit(struct dos *dos, u32 room, enum dos_next *next);
/* AH=3Fh, CON. */
enum dos_next con_read(struct dos *dos, far_t to, u16 bytes, bool raw);

/* --- directories: dir.c, find.c --- */

enum dos_next int21_mkdir(struct dos *dos);
enum dos_next int21_rmdir(struct dos *dos);
enum dos_next int21_chdir(struct dos *dos);
enum dos_next int21_getcwd(struct dos *dos);
enum dos_next int21_unlink(struct dos *dos);
enum dos_next int21_attributes(struct dos *dos);
enum dos_next int21_rename(struct dos *dos);
enum dos_next int21_truename(struct dos *dos);
enum dos_next int21_find_first(struct dos *dos);
enum dos_next int21_find_next(struct dos *dos);
enum dos_next int21_select_drive(struct dos *dos);
enum dos_next int21_get_drive(struct dos *dos);
enum dos_next int21_free_space(struct dos *dos);
enum dos_next int21_allocation(struct dos *dos);
void drives_boot(struct dos *dos);
/* The next entry of a search: `index` goes on behind it. */
enum dos_error find_entry(struct dos *dos, u8 drive, const char *directory, u16 *snapshot, const u8 pattern[11], u8 attributes,
                          u16 *index, struct dos_entry *entry);
void find_forget(struct dos *dos);
/* A file or directory of the drive is not there any more. */
void find_removed(struct dos *dos, u8 drive);

/* --- disks: disk.c, sector.c --- */

/* Of a drive without sectors: what a disk of its size would have. */
void disk_geometry(struct dos *dos, u8 drive, struct dos_geometry *geometry);
bool disk_is_fixed(struct dos *dos, u8 drive);
bool disk_has_sectors(const struct dos *dos, u8 drive);
/* The drive parameter block; the next one's offset in DOS_SEG, 0: it is the last. */
void disk_write_dpb(struct dos *dos, u8 drive, u16 next);
enum dos_next int21_dpb(struct dos *dos);
enum dos_next int21_serial(struct dos *dos);
/* AX=440Dh, drive BL. */
enum dos_next disk_ioctl(struct dos *dos, u8 drive);
/* Does the drive do the function CX of AX=440Dh? */
bool disk_ioctl_known(const struct dos *dos, u8 drive, u16 function);
/* Sectors of the medium between it and guest memory. */
enum dos_error disk_transfer(struct dos *dos, u8 drive, bool write, u32 sector, u32 count, far_t buffer);
enum dos_next absolute_disk(struct dos *dos); /* INT 25h, 26h */

/* --- FCBs: fcb.c --- */

enum dos_next int21_fcb(struct dos *dos); /* AH = 0Fh-17h, 21h-24h, 27h-29h */

/* --- memory and programs: arena.c, process.c, exec.c --- */

void arena_boot(struct dos *dos);
/* *segment, or the largest block there is. */
enum dos_error arena_allocate(struct dos *dos, u16 owner, u16 paragraphs, u16 *segment, u16 *largest);
enum dos_error arena_free(struct dos *dos, u16 segment);
enum dos_error arena_resize(struct dos *dos, u16 segment, u16 paragraphs, u16 *largest);
void arena_free_all(struct dos *dos, u16 owner);
void arena_own(struct dos *dos, u16 segment, u16 owner, const char *name);
enum dos_next int21_allocate(struct dos *dos);
enum dos_next int21_free(struct dos *dos);
enum dos_next int21_resize(struct dos *dos);
enum dos_next int21_strategy(struct dos *dos);

u16 current_psp(const struct dos *dos);
void psp_make(struct dos *dos, u16 psp, u16 parent, u16 end);
enum dos_next int21_exec(struct dos *dos);
enum dos_next int2e(struct dos *dos);
/* As AH=4Dh tells it. */
enum process_ended { ENDED_NORMAL, ENDED_BREAK, ENDED_CRITICAL, ENDED_RESIDENT };
/* Ends the current program. */
enum dos_next process_end(struct dos *dos, u8 code, enum process_ended how);
enum dos_next int21_exit(struct dos *dos);
enum dos_next int21_terminate(struct dos *dos);
enum dos_next int21_keep(struct dos *dos);
enum dos_next int27_keep(struct dos *dos);
enum dos_next int0(struct dos *dos); /* divide error */
enum dos_next int21_return_code(struct dos *dos);
enum dos_next int21_psp(struct dos *dos);
enum dos_next int21_set_psp(struct dos *dos);
enum dos_next int21_create_psp(struct dos *dos);
enum dos_next int21_child_psp(struct dos *dos);

/* --- the rest: time.c, country.c, int2f.c --- */

struct dos_clock {
    u16 day; /* since 1980-01-01 */
    u8 hour, minute, second, hundredth;
};
struct dos_clock time_now(struct dos *dos);
/* False: there is no such day or time. */
bool time_set(struct dos *dos, const struct dos_clock *clock);
void time_boot(struct dos *dos);
/* Now, as directories have it. */
void time_stamp(struct dos *dos, u16 *date, u16 *time);
enum dos_next int21_get_date(struct dos *dos);
enum dos_next int21_set_date(struct dos *dos);
enum dos_next int21_get_time(struct dos *dos);
enum dos_next int21_set_time(struct dos *dos);
void country_boot(struct dos *dos);
enum dos_next int21_country(struct dos *dos);
enum dos_next int21_country_tables(struct dos *dos);
enum dos_next int21_double_byte(struct dos *dos);
enum dos_next int21_code_page(struct dos *dos);
enum dos_next int2f(struct dos *dos);

/* --- the mouse: mouse.c, mouse_calls.c, mouse_screen.c --- */

void mouse_boot(struct dos *dos); /* before INT 33h has its vector */
enum dos_next int33(struct dos *dos);
/* What it remembers, to and from a saved state. */
void mouse_saved(struct dos *dos, struct state *s);
/* The BIOS has a packet: AL, BL and CL are its bytes. */
enum dos_next mouse_packet(struct dos *dos);
enum dos_next mouse_mode_set(struct dos *dos);

/* boot.c: the firmware is done; the first program begins. */
enum dos_next dos_boot(struct dos *dos);

#endif
