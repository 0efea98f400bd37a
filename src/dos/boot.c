/* The firmware is done: DOS's tables and vectors in guest memory, and the first process, whose only work is to start the program. */
#include "dos/dos_impl.h"

#include "dos/embedded.h"

#include <string.h>

enum { INITIAL_STACK_TOP = DOS_STACKS + DOS_STACK_COUNT * DOS_STACK_BYTES, CALL5_VECTOR = 0xc0, FAR_JUMP = 0xea,
       ROOT_PARAGRAPHS = PSP_BYTES / 16, ENVIRONMENT_BYTES = 1024, MAX_TAIL = 126, RETURN = 0x0d };

static void set_vectors(struct dos *dos)
{
    static const struct {
        u8 number;
        enum stub_entry entry;
    } vectors[] = {
        {0x00, STUB_INT0}, {0x01, STUB_IRET}, {0x03, STUB_IRET}, {0x04, STUB_IRET}, {0x1b, STUB_INT1B}, {0x20, STUB_INT20}, {0x21, STUB_INT21},
        {0x22, STUB_INT20}, {0x23, STUB_INT23}, {0x24, STUB_INT24}, {0x25, STUB_INT25}, {0x26, STUB_INT26},
        {0x27, STUB_INT27}, {0x28, STUB_IRET}, {0x29, STUB_INT29}, {0x2a, STUB_IRET}, {0x2b, STUB_IRET},
        {0x2c, STUB_IRET}, {0x2d, STUB_IRET}, {0x2e, STUB_INT2E}, {0x2f, STUB_INT2F}, {0x33, STUB_INT33},
    };
    for (u32 i = 0; i < ARRAY_LEN(vectors); i++)
        vector_set(dos, vectors[i].number, in_dos(dos->entry[vectors[i].entry]));
}

/* CALL 5 goes to 0000:00C0, or, the address line A20 being on, 1 MiB above. */
static void set_call5(struct dos *dos)
{
    static const gpa_t places[] = {CALL5_VECTOR, MIB + CALL5_VECTOR};
    u8 jump[5] = {FAR_JUMP};
    u32 to = in_dos(dos->entry[STUB_CALL5]);
    memcpy(jump + 1, &to, sizeof to);
    for (u32 i = 0; i < ARRAY_LEN(places); i++)
        guest_write_linear(dos, places[i], jump, sizeof jump);
}

static void lay_out_tables(struct dos *dos)
{
    u8 nul[18] = {0};
    u32 next = in_dos(dos->entry[STUB_DEVICES]);
    u16 words[3] = {0x8004, dos->entry[STUB_STRATEGY], dos->entry[STUB_NUL_INTERRUPT]};
    guest_fill(dos, in_dos(0), 0, DOS_END);
    guest_write(dos, in_dos(0), dos_stub, dos_stub_bytes);
    memcpy(nul, &next, sizeof next);
    memcpy(nul + 4, words, sizeof words);
    memcpy(nul + 10, "NUL     ", 8);
    guest_write(dos, in_dos(LOL + LOL_NUL), nul, sizeof nul);
    guest_put_u32(dos, in_dos(LOL + LOL_CLOCK), in_dos(dos->entry[STUB_CLOCK_DEVICE]));
    guest_put_u32(dos, in_dos(LOL + LOL_CON), in_dos(dos->entry[STUB_CON_DEVICE]));
    guest_put_u16(dos, in_dos(LOL + LOL_MAX_SECTOR), 512);
    guest_put_u32(dos, in_dos(LOL + LOL_BUFFERS), 0xffffffffu);
    guest_put_u16(dos, in_dos(LOL + LOL_BUFFER_COUNT), 20);
    guest_put_u8(dos, in_dos(LOL + LOL_386), 1);
    guest_put_u16(dos, in_dos(LOL + LOL_EXTENDED_KB), (u16)MIN(dos->machine->memory.ram_bytes / KIB - 1024, 0xffffu));
    guest_put_u8(dos, in_dos(dos->entry[STUB_TEE]), dos->config.out_fd >= 0);
}

/* The first process: a prefix and an environment; its code is the stub's. */
static enum dos_error make_root(struct dos *dos)
{
    u8 environment[ENVIRONMENT_BYTES] = {0};
    u32 n = 0;
    u16 psp, block, largest;
    for (const char *const *e = dos->config.environment; e && *e; e++) {
        u32 length = (u32)strlen(*e) + 1;
        if (n + length + 1 > sizeof environment)
            break;
        memcpy(environment + n, *e, length);
        n += length;
    }
    enum dos_error error = arena_allocate(dos, 0xffff, ROOT_PARAGRAPHS, &psp, &largest);
    if (!error)
        error = arena_allocate(dos, 0xffff, (u16)((n + 1 + 15) / 16 + 1), &block, &largest);
    if (error)
        return error;
    guest_write(dos, far(block, 0), environment, n + 1);
    guest_put_u16(dos, in_dos(SDA + SDA_PSP), psp);
    psp_make(dos, psp, psp, (u16)(psp + ROOT_PARAGRAPHS));
    static const u8 handles[] = {0, 0, 0, 1, 2}; /* CON three times, AUX, PRN */
    guest_write(dos, far(psp, PSP_JFT), handles, sizeof handles);
    guest_put_u16(dos, far(psp, PSP_ENVIRONMENT), block);
    arena_own(dos, psp, psp, "HUDDLE");
    arena_own(dos, block, psp, "");
    guest_put_u32(dos, in_dos(SDA + SDA_DTA), far(psp, PSP_TAIL));
    return DOS_OK;
}

static void write_program(struct dos *dos)
{
    u8 tail[MAX_TAIL + 2] = {0};
    u32 length = (u32)MIN(strlen(dos->config.tail), (size_t)MAX_TAIL);
    tail[0] = (u8)length;
    memcpy(tail + 1, dos->config.tail, length);
    tail[1 + length] = RETURN;
    guest_write(dos, in_dos(dos->entry[STUB_EXEC_TAIL]), tail, sizeof tail);
    guest_write(dos, in_dos(dos->entry[STUB_EXEC_NAME]), dos->config.program,
                (u32)MIN(strlen(dos->config.program), (size_t)DOS_PATH_BYTES - 1) + 1);
}

static enum dos_next enter_root(struct dos *dos)
{
    static const enum cpu_sreg segments[] = {CPU_DS, CPU_ES, CPU_SS, CPU_FS, CPU_GS};
    for (u32 i = 0; i < ARRAY_LEN(segments); i++)
        set_sreg(dos, segments[i], DOS_SEG);
    stub_goto(dos, STUB_START);
    dos->cpu->reg[CPU_ESP] = INITIAL_STACK_TOP;
    dos->cpu->eflags = FLAG_FIXED | FLAG_IF;
    dos->cpu->interrupt_shadow = false;
    return DOS_JUMP;
}

enum dos_next dos_boot(struct dos *dos)
{
    dos->verify = dos->divided = dos->bios_answered = false;
    dos->allocation = 0;
    dos->progress = 0;
    memory_set_a20(&dos->machine->memory, false); /* as a PC without HIMEM.SYS: old programs count on it */
    lay_out_tables(dos);
    mouse_boot(dos);
    set_vectors(dos);
    set_call5(dos);
    xms_boot(dos);
    ems_boot(dos);
    arena_boot(dos);
    time_boot(dos);
    country_boot(dos);
    drives_boot(dos);
    files_boot(dos);
    dos->booted = true;
    dos->why = "it was not started";
    if (make_root(dos))
        dos->why = "there is no memory for DOS";
    write_program(dos);
    return enter_root(dos);
}
