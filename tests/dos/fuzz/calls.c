/* Random calls of the kernel of the built-in DOS, without a processor: the guest's memory and registers are
 * made up, and so is what the stub's routines would do. Under the sanitizers this is where bugs show.
 *
 *   calls DIRECTORY IMAGE [seeds [first]]
 *
 * DIRECTORY becomes drive C:, IMAGE, of FAT, E:. Stops with a message, or by abort(), at the first wrong thing. */
#include "checked_volume.h"

#include "dev/block.h"
#include "dos/dos_impl.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    CALLS_PER_SEED = 600,
    MEMORY_BYTES = 2 * MIB,
    ROM_AT = 0xc8000,
    ROM_CALL_AT = 8,
    POOL_SEGMENT = 0x3000,
    SLOW_S = 10
};

struct fuzz {
    u64 random;
    struct machine machine;
    struct machine_config machine_config;
    struct cpu_state cpu;
    struct block *image;
    struct volume host, rom, fat, mounted[3];
    struct checked_volume checked[3];
    struct dos_config config;
    struct dos *dos;
    u64 seed;
    u32 call;
};

static u32 below(struct fuzz *f, u32 n)
{
    return (u32)(xorshift(&f->random) >> 16) % n;
}

static bool one_in(struct fuzz *f, u32 n)
{
    return below(f, n) == 0;
}

static void set_segment(struct fuzz *f, enum cpu_sreg s, u16 value)
{
    f->cpu.sreg[s].selector = value;
    f->cpu.sreg[s].base = (u32)value << 4;
}

static u8 *byte(struct fuzz *f, u32 linear)
{
    return f->machine.memory.plain + linear % MIB;
}

/* --- what pointers point to --- */

static const char *const names[] = {"A.TXT",
                                    "C:\\A.TXT",
                                    "E:\\B.TXT",
                                    "E:\\DIR",
                                    "E:\\DIR\\C.TXT",
                                    "E:*.*",
                                    "DIR",
                                    "DIR\\B.TXT",
                                    "..",
                                    ".",
                                    "\\",
                                    "C:",
                                    "*.*",
                                    "DIR\\*.*",
                                    "????????.???",
                                    "CON",
                                    "NUL",
                                    "PRN",
                                    "AUX",
                                    "CLOCK$",
                                    "COM1",
                                    "D:\\FILE.COM",
                                    "D:*.*",
                                    "E:X",
                                    "Z:Y",
                                    "A.COM",
                                    "B.EXE",
                                    "DIR\\..\\A.TXT",
                                    "DIR\\.\\B.TXT",
                                    "..\\..\\A.TXT",
                                    "lower.txt",
                                    "verylongname.extension",
                                    "A..B",
                                    ".X",
                                    "A.",
                                    "A B",
                                    "\\\\SERVER\\X",
                                    "C:\\DIR\\",
                                    "/etc/passwd",
                                    "LINK",
                                    "LINKDIR\\SECRET",
                                    "FIFO",
                                    "HUGE.BIN",
                                    "UNREAD.TXT",
                                    "NEW1",
                                    "NEW2",
                                    "DIR\\NEW3",
                                    "NEWDIR",
                                    "NEWDIR\\X",
                                    "NUL.TXT",
                                    "DIR\\CON",
                                    "A:CON",
                                    "C:CON",
                                    "",
                                    "\x80\x81.\xff",
                                    "A\x01",
                                    "A\\\\B",
                                    "A|B",
                                    "A*B.C*",
                                    "*",
                                    "*.",
                                    ".*",
                                    "DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DI"
                                    "R\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR\\DIR"};

static void put_name(struct fuzz *f, u32 at)
{
    const char *name = names[below(f, ARRAY_LEN(names))];
    for (u32 i = 0; i <= strlen(name); i++)
        *byte(f, at + i) = (u8)name[i];
    if (one_in(f, 16))
        *byte(f, at + below(f, 12)) = (u8)below(f, 256);
}

static void put_fcb(struct fuzz *f, u32 at)
{
    static const char *const fcb_names[] = {"A       TXT", "????????COM", "???????????",   "NEW     FCB",
                                            "CON        ", "DIR        ", "A\\..\\.. TXT", "X\\..\\..\\..\\",
                                            ".          ", "..         ", "lower   txt",   "HUGE    BIN"};
    u8 fcb[37] = {0};
    fcb[0] = (u8)(one_in(f, 4) ? below(f, 256) : below(f, 6));
    memcpy(fcb + 1, fcb_names[below(f, ARRAY_LEN(fcb_names))], 11);
    for (u32 i = 12; i < sizeof fcb; i++)
        fcb[i] = (u8)(one_in(f, 3) ? below(f, 256) : i == 24 ? below(f, SFT_ENTRIES + 2) : 0);
    if (one_in(f, 8))
        fcb[1 + below(f, 11)] = (u8)below(f, 256);
    if (one_in(f, 4)) {
        *byte(f, at) = 0xff;
        *byte(f, at + 6) = (u8)below(f, 256);
        at += 7;
    }
    for (u32 i = 0; i < sizeof fcb; i++)
        *byte(f, at + i) = fcb[i];
}

static void put_noise(struct fuzz *f, u32 at, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++)
        *byte(f, at + i) = (u8)below(f, 256);
}

/* Mostly what a call expects, at a place in the pool; sometimes anywhere. */
static void make_pointer(struct fuzz *f, enum cpu_sreg s, enum cpu_reg r)
{
    u16 segment = (u16)(POOL_SEGMENT + below(f, 8) * 0x100), offset = (u16)below(f, 0x1000);
    if (one_in(f, 12)) {
        static const u16 corners[] = {0,      0x40,   DOS_SEG, 0x9fff, 0xa000,
                                      0xb800, 0xc800, 0xf000,  0xfff0, 0xffff};
        segment = one_in(f, 2) ? corners[below(f, ARRAY_LEN(corners))] : (u16)below(f, 0x10000);
        offset = one_in(f, 2) ? (u16)(0xffff - below(f, 64)) : (u16)below(f, 0x10000);
    }
    u32 at = (u32)segment * 16 + offset;
    switch (below(f, 6)) {
    case 0:
    case 1:
    case 2:
        put_name(f, at);
        break;
    case 3:
        put_fcb(f, at);
        break;
    case 4:
        put_noise(f, at, 64);
        break;
    default:
        break;
    }
    set_segment(f, s, segment);
    f->cpu.reg[r] = offset;
}

/* What a program can do to DOS's own tables. */
static void scribble(struct fuzz *f)
{
    u32 dos_bytes = DOS_END - LOL;
    switch (below(f, 5)) {
    case 0: /* anywhere in the tables */
        *byte(f, DOS_SEG * 16 + LOL + below(f, dos_bytes)) = (u8)below(f, 256);
        break;
    case 1: /* a field of an entry of the system file table */
        *byte(f, DOS_SEG * 16 + SFT + SFT_HEADER_BYTES + below(f, 12) * SFT_BYTES + below(f, SFT_BYTES)) =
            (u8)below(f, 256);
        break;
    case 2: /* the program's prefix */
        *byte(f, current_psp(f->dos) * 16u + below(f, 0x60)) = (u8)below(f, 256);
        break;
    case 3: /* a memory control block */
        put_noise(f, (FIRST_MCB + below(f, 2) * 0x11) * 16u + below(f, 16), 1);
        break;
    default: /* the BIOS's data: keys */
        put_noise(f, 0x41a + below(f, 6), 1 + below(f, 4));
        break;
    }
}

/* --- calls --- */

static u16 random_word(struct fuzz *f)
{
    static const u16 edges[] = {0, 1, 2, 3, 4, 5, 6, 0x10, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff};
    return one_in(f, 2) ? edges[below(f, ARRAY_LEN(edges))] : (u16)below(f, 0x10000);
}

static void at_site(struct fuzz *f, enum stub_entry site)
{
    set_segment(f, CPU_CS, DOS_SEG);
    f->cpu.eip = f->dos->entry[site];
}

static void new_call(struct fuzz *f)
{
    static const enum stub_entry sites[] = {STUB_AT_INT20, STUB_AT_INT25, STUB_AT_INT26,
                                            STUB_AT_INT27, STUB_AT_INT29, STUB_AT_INT2E,
                                            STUB_AT_INT2F, STUB_AT_INT0,  STUB_AT_DRIVER};
    static const u8 frequent[] = {0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x42, 0x44, 0x4e, 0x4f, 0x11, 0x0f,
                                  0x14, 0x27, 0x48, 0x4a, 0x5b, 0x6c, 0x0a, 0x4b, 0x55, 0x1a, 0x3b};
    for (u32 r = 0; r < CPU_REGS; r++)
        f->cpu.reg[r] = random_word(f);
    if (one_in(f, 2))
        f->cpu.reg[CPU_EBX] = below(f, 12); /* a handle */
    if (one_in(f, 2))
        f->cpu.reg[CPU_ECX] = below(f, 300);
    make_pointer(f, CPU_ES, one_in(f, 2) ? CPU_EBX : CPU_EDI);
    make_pointer(f, CPU_DS, CPU_EDX);
    make_pointer(f, CPU_DS, CPU_ESI);
    make_pointer(f, CPU_DS, CPU_EDX);
    if (one_in(f, 2))
        f->cpu.reg[CPU_EBX] = below(f, 12);
    u8 function = (u8)(one_in(f, 2) ? frequent[below(f, ARRAY_LEN(frequent))] : below(f, 0x70));
    u8 al = (u8)(one_in(f, 3) ? below(f, 256) : below(f, 5));
    f->cpu.reg[CPU_EAX] = (u32)function << 8 | al;
    set_segment(f, CPU_SS, one_in(f, 20) ? random_word(f) : 0x2f00);
    f->cpu.reg[CPU_ESP] = one_in(f, 20) ? random_word(f) : 0x800;
    f->cpu.eflags = FLAG_FIXED | (one_in(f, 2) ? FLAG_CF : 0);
    at_site(f, one_in(f, 12) ? sites[below(f, ARRAY_LEN(sites))] : STUB_AT_INT21);
    if ((f->dos->site == STUB_AT_INT25 || f->dos->site == STUB_AT_INT26) && one_in(f, 2)) {
        f->cpu.reg[CPU_EAX] = 4; /* E: */
        f->cpu.reg[CPU_EDX] = below(f, 330);
        f->cpu.reg[CPU_ECX] = one_in(f, 4) ? 0xffff : below(f, 4);
    }
    if (f->dos->site == STUB_AT_INT2F && one_in(f, 2))
        f->cpu.reg[CPU_EAX] = 0x1200 + below(f, 0x40);
}

static bool stands_at(const struct fuzz *f, enum stub_entry entry)
{
    return f->cpu.sreg[CPU_CS].selector == DOS_SEG && f->cpu.eip == f->dos->entry[entry];
}

/* The stub's routine, if the call wants one: true, and the call that ends it is next. */
static bool answer_help(struct fuzz *f)
{
    static const enum stub_entry plain[] = {STUB_READ_KEY, STUB_POLL_KEY,  STUB_IDLE, STUB_CON_WRITE,
                                            STUB_CON_SHOW, STUB_CALL_BIOS, STUB_HALT};
    static const u16 keys[] = {0x1c0d, 0x0e08, 0x3d00, 0x3b00, 0x3f00, 0x4000, 0x5200, 0x5300,
                               0x2e03, 0x011b, 0x0f09, 0x1e61, 0x47e0, 0x2c1a, 0x3c00, 0x3e00};
    for (u32 i = 0; i < ARRAY_LEN(plain); i++)
        if (stands_at(f, plain[i])) {
            f->cpu.reg[CPU_EAX] = one_in(f, 4) ? random_word(f) : keys[below(f, ARRAY_LEN(keys))];
            f->cpu.eflags = FLAG_FIXED | (one_in(f, 3) ? FLAG_ZF : 0);
            if (one_in(f, 50)) /* an interrupt handler calls DOS meanwhile */
                return false;
            at_site(f, STUB_AT_HELPED);
            return true;
        }
    if (stands_at(f, STUB_CALL_INT24)) {
        f->cpu.reg[CPU_EAX] = below(f, 5);
        at_site(f, STUB_AT_INT24_DONE);
        return true;
    }
    if (stands_at(f, STUB_CALL_INT23)) {
        f->cpu.eflags = FLAG_FIXED | (one_in(f, 2) ? FLAG_CF : 0);
        f->cpu.reg[CPU_ESP] -= one_in(f, 2) ? 2 : 0;
        at_site(f, STUB_AT_INT23_DONE);
        return true;
    }
    return false;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void call(struct fuzz *f)
{
    double begin = now_s();
    u32 ax = f->cpu.reg[CPU_EAX];
    dos_call(f->dos, &f->cpu);
    double took = now_s() - begin;
    if (took > SLOW_S) {
        fprintf(stderr, "seed %llu: AX=%04x took %.1f s\n", (unsigned long long)f->seed, ax, took);
        exit(1);
    }
}

/* --- a seed --- */

static void boot(struct fuzz *f)
{
    u32 bytes;
    u16 entry;
    u8 *image = dos_rom_image(&bytes);
    if (!image || dos_create(&f->dos, &f->machine, &f->config))
        exit(1);
    memset(f->machine.memory.plain, 0, MIB);
    memcpy(f->machine.memory.plain + ROM_AT, image, bytes);
    memcpy(&entry, image + ROM_CALL_AT, sizeof entry);
    free(image);
    *byte(f, BDA_MEMORY_KB) = 639 & 0xff;
    *byte(f, BDA_MEMORY_KB + 1) = 639 >> 8;
    *byte(f, BDA_KEY_START) = *byte(f, BDA_KEY_HEAD) = *byte(f, BDA_KEY_TAIL) = 0x1e;
    *byte(f, BDA_KEY_END) = 0x3e;
    memset(&f->cpu, 0, sizeof f->cpu);
    set_segment(f, CPU_CS, ROM_AT / 16);
    f->cpu.eip = entry;
    if (dos_call(f->dos, &f->cpu) != DOS_GUEST_GOES_ON || !f->dos->booted) {
        fprintf(stderr, "DOS did not boot\n");
        exit(1);
    }
    /* A program is running: the loader's EXEC, by hand. */
    at_site(f, STUB_AT_INT21);
    f->cpu.reg[CPU_EAX] = 0x4b00;
    set_segment(f, CPU_DS, DOS_SEG);
    set_segment(f, CPU_ES, DOS_SEG);
    f->cpu.reg[CPU_EDX] = f->dos->entry[STUB_EXEC_NAME];
    f->cpu.reg[CPU_EBX] = f->dos->entry[STUB_EXEC_BLOCK];
    f->cpu.reg[CPU_ESP] -= 6;
    dos_call(f->dos, &f->cpu);
}

static void run_seed(struct fuzz *f, u64 seed)
{
    static const char *const environment[] = {"PATH=C:\\", "COMSPEC=D:\\FILE.COM", NULL};
    f->seed = seed;
    f->random = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
    f->config.environment = environment;
    f->config.in_fd = seed % 4 == 1   ? open("/dev/zero", O_RDONLY | O_CLOEXEC)
                      : seed % 4 == 2 ? open("/dev/null", O_RDONLY | O_CLOEXEC)
                                      : -1;
    f->config.out_fd = seed % 4 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
    for (u32 i = 0; i < ARRAY_LEN(f->checked); i++)
        f->checked[i].errors_in = seed % 3 ? 0 : 20;
    boot(f);
    for (f->call = 0; f->call < CALLS_PER_SEED; f->call++) {
        if (seed % 2 && one_in(f, 10))
            scribble(f);
        if (!answer_help(f))
            new_call(f);
        call(f);
    }
    dos_destroy(f->dos);
    f->dos = NULL;
    for (u32 i = 0; i < ARRAY_LEN(f->checked); i++)
        if (f->checked[i].open_files) {
            fprintf(stderr, "seed %llu: %u files of drive %u are still open\n", (unsigned long long)seed,
                    f->checked[i].open_files, i);
            exit(1);
        }
    if (f->config.in_fd >= 0)
        close(f->config.in_fd);
    if (f->config.out_fd >= 0)
        close(f->config.out_fd);
}

/* Drives C: to E:. */
static void open_drives(struct fuzz *f, const char *directory, const char *image)
{
    static const u8 program[] = {0xc3};
    static const struct volume_rom_file files[] = {{"FILE.COM", program, sizeof program}};
    char why[256];
    if (volume_host_open(&f->host, directory, false, why, sizeof why) ||
        volume_rom_open(&f->rom, files, ARRAY_LEN(files)) || block_open(&f->image, image, BLOCK_FLOPPY, false) ||
        volume_fat_open(&f->fat, f->image, why, sizeof why)) {
        fprintf(stderr, "no drives\n");
        exit(1);
    }
    f->checked[0].inner = f->host;
    f->checked[1].inner = f->rom;
    f->checked[2].inner = f->fat;
    f->config.boot_drive = 'C';
    f->config.program = "D:\\FILE.COM";
    f->config.tail = "";
    for (u32 i = 0; i < ARRAY_LEN(f->checked); i++) {
        f->checked[i].random = &f->random;
        checked_volume_open(&f->mounted[i], &f->checked[i]);
        f->config.drive[2 + i] = &f->mounted[i];
    }
}

int main(int argc, char **argv)
{
    struct fuzz *f = calloc(1, sizeof *f);
    if (!f || argc < 3 || memory_init(&f->machine.memory, MEMORY_BYTES))
        return 2;
    u64 seeds = argc > 3 ? strtoull(argv[3], NULL, 0) : 300,
        first = argc > 4 ? strtoull(argv[4], NULL, 0) : 1;
    bus_init(&f->machine.bus);
    clock_init(&f->machine.clock, CLOCK_MODE_ACCESS);
    trace_init(&f->machine.trace, -1);
    f->machine.config = &f->machine_config;
    f->machine_config.rtc_epoch_s = 770472000;
    open_drives(f, argv[1], argv[2]);
    double begin = now_s();
    for (u64 seed = first; seed < first + seeds; seed++) {
        run_seed(f, seed);
        if (seed % 100 == 0) {
            printf("seed %llu, %.1f s\n", (unsigned long long)seed, now_s() - begin);
            fflush(stdout);
        }
    }
    printf("%llu seeds of %u calls in %.1f s\n", (unsigned long long)seeds, CALLS_PER_SEED, now_s() - begin);
    volume_close(&f->rom);
    volume_close(&f->host);
    volume_close(&f->fat);
    block_close(f->image);
    memory_fini(&f->machine.memory);
    free(f);
    return 0;
}
