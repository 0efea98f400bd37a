/* EXEC: INT 21h AH=4Bh. .COM and .EXE files, overlays. MS-DOS Programmer's Reference, "Program management". */
#include "dos/dos_impl.h"

#include <stdlib.h>
#include <string.h>

enum { EXEC_RUN = 0, EXEC_LOAD = 1, EXEC_OVERLAY = 3, EXEC_READY = 5 };
enum { PARAGRAPH = 16, PAGE = 512, PSP_PARAGRAPHS = PSP_BYTES / PARAGRAPH, COM_MAX_BYTES = 0xff00, COM_STACK = 0x100,
       ENVIRONMENT_MAX = 32 * KIB, START_FLAGS = 0x7202, SEGMENT_PARAGRAPHS = 0x1000 };

struct __attribute__((packed)) exe_header {
    u16 magic; /* "MZ" or "ZM" */
    u16 last_page_bytes, pages, relocations, header_paragraphs, min_extra, max_extra, ss, sp, checksum, ip, cs, relocation_at,
        overlay;
};

struct __attribute__((packed)) exec_block {
    u16 environment;
    u32 tail, fcb1, fcb2;
    u16 sp, ss, ip, cs; /* EXEC_LOAD: given back */
};

/* A program on its way into memory. */
struct image {
    struct volume *volume;
    struct volume_file *file;
    u32 file_bytes;
    bool exe;
    struct exe_header header;
    u32 from, bytes; /* of the file: what is loaded */
    u16 environment, psp, size; /* segments, paragraphs */
    u16 load;                   /* segment of what is loaded */
    u16 cs, ip, ss, sp;
};

static enum dos_error read_at(const struct image *image, u32 at, void *buf, u32 bytes)
{
    u32 done = 0;
    enum dos_error error = image->volume->class->read(image->volume->object, image->file, at, buf, bytes, &done);
    return error || done == bytes ? error : DOS_BAD_FORMAT;
}

static enum dos_error open_image(struct dos *dos, const struct dos_path *path, struct image *image)
{
    struct dos_entry entry;
    if (path->device || path->wild)
        return DOS_FILE_NOT_FOUND;
    image->volume = drive_volume(dos, path->drive);
    enum dos_error error = image->volume->class->open(image->volume->object, path->path, VOLUME_READ, &image->file);
    if (error)
        return error;
    error = image->volume->class->stat_file(image->volume->object, image->file, &entry);
    image->file_bytes = entry.bytes;
    if (error)
        image->volume->class->close_file(image->volume->object, image->file);
    return error;
}

/* What of the file is loaded. */
static enum dos_error understand(struct image *image)
{
    enum { MZ = 0x5a4d, ZM = 0x4d5a };
    struct exe_header *h = &image->header;
    image->bytes = image->file_bytes;
    if (image->file_bytes >= sizeof *h) {
        enum dos_error error = read_at(image, 0, h, sizeof *h);
        if (error)
            return error;
        image->exe = h->magic == MZ || h->magic == ZM;
    }
    if (!image->exe && image->file_bytes >= 2 && image->file_bytes < sizeof *h) {
        enum dos_error error = read_at(image, 0, &h->magic, sizeof h->magic);
        if (error || h->magic == MZ || h->magic == ZM)
            return error ? error : DOS_BAD_FORMAT;
    }
    if (!image->exe)
        return image->file_bytes && image->file_bytes <= COM_MAX_BYTES ? DOS_OK : DOS_BAD_FORMAT;
    u32 end = (u32)h->pages * PAGE, header = (u32)h->header_paragraphs * PARAGRAPH;
    if (h->last_page_bytes && h->last_page_bytes < PAGE && h->pages)
        end -= PAGE - h->last_page_bytes;
    end = MIN(end, image->file_bytes);
    if (header > end)
        return DOS_BAD_FORMAT;
    image->from = header;
    image->bytes = end - header;
    return DOS_OK;
}

static enum dos_error load(struct dos *dos, struct image *image)
{
    u8 part[16 * KIB];
    for (u32 done = 0, n; done < image->bytes; done += n) {
        n = MIN(image->bytes - done, (u32)sizeof part);
        enum dos_error error = read_at(image, image->from + done, part, n);
        if (error)
            return error;
        guest_write(dos, far((u16)(image->load + done / PARAGRAPH), 0), part, n);
    }
    return DOS_OK;
}

static enum dos_error relocate(struct dos *dos, const struct image *image, u16 factor)
{
    struct {
        u16 offset, segment;
    } item[256];
    for (u32 done = 0, n; done < image->header.relocations; done += n) {
        n = MIN(image->header.relocations - done, (u32)ARRAY_LEN(item));
        enum dos_error error = read_at(image, image->header.relocation_at + done * (u32)sizeof item[0], item,
                                       n * (u32)sizeof item[0]);
        if (error)
            return error;
        for (u32 i = 0; i < n; i++) {
            far_t at = far((u16)(image->load + item[i].segment), item[i].offset);
            guest_put_u16(dos, at, guest_u16(dos, at) + factor);
        }
    }
    return DOS_OK;
}

/* --- environment --- */

/* A copy of the strings at `from` (0: none), and behind them the program's name, as programs find it. */
static enum dos_error copy_environment(struct dos *dos, u16 from, const struct dos_path *path, u16 *segment)
{
    u8 *block = malloc(ENVIRONMENT_MAX + DOS_PATH_BYTES + 8);
    u32 n = 0;
    u16 largest;
    if (!block)
        return DOS_NOT_ENOUGH_MEMORY;
    if (from) {
        guest_read(dos, far(from, 0), block, ENVIRONMENT_MAX);
        while (n + 1 < ENVIRONMENT_MAX && (block[n] || block[n + 1]))
            n++;
        n += block[0] || block[1] ? 1 : 0;
    }
    enum dos_error error = n + 1 >= ENVIRONMENT_MAX ? DOS_BAD_ENVIRONMENT : DOS_OK;
    if (!error) {
        if (!n)
            block[n++] = 0;
        block[n++] = 0;
        block[n++] = 1;
        block[n++] = 0;
        block[n++] = 'A' + path->drive;
        block[n++] = ':';
        block[n++] = '\\';
        memcpy(block + n, path->path, strlen(path->path) + 1);
        n += (u32)strlen(path->path) + 1;
        error = arena_allocate(dos, current_psp(dos), (u16)((n + PARAGRAPH - 1) / PARAGRAPH), segment, &largest);
    }
    if (!error)
        guest_write(dos, far(*segment, 0), block, n);
    free(block);
    return error;
}

/* --- memory --- */

/* At least `least`, at most `most` paragraphs. */
static enum dos_error take_memory(struct dos *dos, u32 least, u32 most, struct image *image)
{
    u16 largest;
    if (least > 0xffff)
        return DOS_NOT_ENOUGH_MEMORY;
    image->size = (u16)MIN(most, 0xffffu);
    enum dos_error error = arena_allocate(dos, current_psp(dos), image->size, &image->psp, &largest);
    if (error != DOS_NOT_ENOUGH_MEMORY || largest < least)
        return error;
    image->size = largest;
    return arena_allocate(dos, current_psp(dos), image->size, &image->psp, &largest);
}

/* DOS counts whole pages of the file, whatever there is in the last. */
static u32 body_of(const struct image *image)
{
    enum { PAGE_PARAGRAPHS = PAGE / PARAGRAPH };
    u32 pages = image->header.pages * (u32)PAGE_PARAGRAPHS, header = image->header.header_paragraphs;
    u32 loaded = (image->bytes + PARAGRAPH - 1) / PARAGRAPH;
    return PSP_PARAGRAPHS + (pages > header ? MAX(pages - header, loaded) : loaded);
}

static enum dos_error place_exe(struct dos *dos, struct image *image)
{
    const struct exe_header *h = &image->header;
    u32 body = body_of(image);
    bool high = !h->min_extra && !h->max_extra; /* as high as it can */
    enum dos_error error = take_memory(dos, body + h->min_extra, high ? 0xffff : body + h->max_extra, image);
    if (error)
        return error;
    image->load = high ? (u16)(image->psp + image->size - body + PSP_PARAGRAPHS) : image->psp + PSP_PARAGRAPHS;
    image->cs = image->load + h->cs;
    image->ip = h->ip;
    image->ss = image->load + h->ss;
    image->sp = h->sp;
    return DOS_OK;
}

static enum dos_error place_com(struct dos *dos, struct image *image)
{
    u32 least = (image->bytes + COM_STACK + PARAGRAPH - 1) / PARAGRAPH + PSP_PARAGRAPHS;
    enum dos_error error = take_memory(dos, least, 0xffff, image);
    if (error)
        return error;
    image->load = image->psp + PSP_PARAGRAPHS;
    image->cs = image->ss = image->psp;
    image->ip = PSP_BYTES;
    image->sp = (u16)(image->size >= SEGMENT_PARAGRAPHS ? 0xfffe : image->size * PARAGRAPH - 2);
    return DOS_OK;
}

static void program_name(const struct dos_path *path, char name[DOS_NAME_BYTES])
{
    strcpy(name, path_name(path));
    name[strcspn(name, ".")] = 0;
}

/* Memory, environment and the file's contents. What was taken goes back if it fails. */
static enum dos_error bring_in(struct dos *dos, const struct exec_block *block, const struct dos_path *path, struct image *image)
{
    u16 from = block->environment ? block->environment : guest_u16(dos, far(current_psp(dos), PSP_ENVIRONMENT));
    enum dos_error error = copy_environment(dos, from, path, &image->environment);
    if (error)
        return error;
    error = image->exe ? place_exe(dos, image) : place_com(dos, image);
    if (!error) {
        error = load(dos, image);
        if (!error && image->exe)
            error = relocate(dos, image, image->load);
        if (error && arena_free(dos, image->psp))
            error = DOS_ARENA_TRASHED;
    }
    if (error && arena_free(dos, image->environment))
        error = DOS_ARENA_TRASHED;
    return error;
}

/* --- the new program's prefix and registers --- */

static void make_prefix(struct dos *dos, const struct exec_block *block, const struct dos_path *path, struct image *image)
{
    enum { FCB_BYTES = 16, TAIL_BYTES = 128 };
    char name[DOS_NAME_BYTES];
    u8 part[TAIL_BYTES];
    u16 psp = image->psp;
    psp_make(dos, psp, current_psp(dos), psp + image->size);
    guest_put_u16(dos, far(psp, PSP_ENVIRONMENT), image->environment);
    guest_read(dos, block->tail, part, TAIL_BYTES);
    guest_write(dos, far(psp, PSP_TAIL), part, TAIL_BYTES);
    guest_read(dos, block->fcb1, part, FCB_BYTES);
    guest_write(dos, far(psp, PSP_FCB1), part, FCB_BYTES);
    guest_read(dos, block->fcb2, part, FCB_BYTES);
    guest_write(dos, far(psp, PSP_FCB2), part, FCB_BYTES);
    program_name(path, name);
    arena_own(dos, psp, psp, name);
    arena_own(dos, image->environment, psp, "");
    guest_put_u16(dos, in_dos(SDA + SDA_PSP), psp);
    guest_put_u32(dos, in_dos(SDA + SDA_DTA), far(psp, PSP_TAIL));
}

/* AX tells whether the drives in the two FCBs exist. */
static u16 drives_answer(const struct dos *dos, u16 psp)
{
    bool first = drive_of_number(dos, guest_u8(dos, far(psp, PSP_FCB1))) >= 0;
    bool second = drive_of_number(dos, guest_u8(dos, far(psp, PSP_FCB2))) >= 0;
    return (u16)((first ? 0 : 0xff) | (second ? 0 : 0xff00));
}

static enum dos_next start(struct dos *dos, const struct image *image)
{
    struct cpu_state *cpu = dos->cpu;
    set_sreg(dos, CPU_CS, image->cs);
    set_sreg(dos, CPU_SS, image->ss);
    set_sreg(dos, CPU_DS, image->psp);
    set_sreg(dos, CPU_ES, image->psp);
    cpu->eip = image->ip;
    cpu->eflags = START_FLAGS;
    cpu->interrupt_shadow = false;
    cpu->reg[CPU_EAX] = drives_answer(dos, image->psp);
    cpu->reg[CPU_EBX] = 0;
    cpu->reg[CPU_ECX] = 0xff;
    cpu->reg[CPU_EDX] = image->psp;
    cpu->reg[CPU_ESI] = image->ip;
    cpu->reg[CPU_EDI] = image->sp;
    cpu->reg[CPU_ESP] = image->sp;
    cpu->reg[CPU_EBP] = 0x91c;
    return DOS_JUMP;
}

/* A program that was only loaded: where it would begin, for a debugger. */
static enum dos_next give_back(struct dos *dos, far_t at, struct exec_block *block, const struct image *image)
{
    block->ss = image->ss;
    block->sp = image->sp - 2;
    block->cs = image->cs;
    block->ip = image->ip;
    guest_put_u16(dos, far(image->ss, block->sp), drives_answer(dos, image->psp));
    guest_write(dos, at, block, sizeof *block);
    return dos_ok(dos);
}

static enum dos_next run(struct dos *dos, const struct dos_path *path, struct image *image, bool only_load)
{
    far_t at = far(sreg(dos, CPU_ES), reg16(dos, CPU_EBX));
    far_t frame = far(sreg(dos, CPU_SS), reg16(dos, CPU_ESP));
    struct exec_block block;
    guest_read(dos, at, &block, sizeof block);
    enum dos_error error = bring_in(dos, &block, path, image);
    if (error)
        return dos_fail(dos, error);
    vector_set(dos, 0x22, guest_u32(dos, frame)); /* behind the caller's INT 21h */
    if (only_load) {
        make_prefix(dos, &block, path, image);
        return give_back(dos, at, &block, image);
    }
    push_caller(dos);
    make_prefix(dos, &block, path, image);
    if (!image->exe)
        guest_put_u16(dos, far(image->ss, image->sp), 0); /* a near return ends it, at INT 20h */
    return start(dos, image);
}

static enum dos_next overlay(struct dos *dos, struct image *image)
{
    struct {
        u16 load, factor;
    } where;
    guest_read(dos, far(sreg(dos, CPU_ES), reg16(dos, CPU_EBX)), &where, sizeof where);
    image->load = where.load;
    enum dos_error error = load(dos, image);
    if (!error && image->exe)
        error = relocate(dos, image, where.factor);
    return error ? dos_fail(dos, error) : dos_ok(dos);
}

enum dos_next int21_exec(struct dos *dos)
{
    u8 function = reg_low(dos, CPU_EAX);
    struct image image = {.exe = false};
    struct dos_path path;
    if (function == EXEC_READY)
        return dos_ok(dos);
    if (function != EXEC_RUN && function != EXEC_LOAD && function != EXEC_OVERLAY)
        return dos_fail(dos, DOS_INVALID_FUNCTION);
    enum dos_error error = path_parse_at(dos, ds_dx(dos), &path);
    if (!error)
        error = open_image(dos, &path, &image);
    if (error)
        return dos_fail(dos, error);
    enum dos_next next;
    error = understand(&image);
    if (error)
        next = dos_fail(dos, error);
    else
        next = function == EXEC_OVERLAY ? overlay(dos, &image) : run(dos, &path, &image, function == EXEC_LOAD);
    image.volume->class->close_file(image.volume->object, image.file);
    return next;
}
