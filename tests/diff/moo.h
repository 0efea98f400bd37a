/* Reader for MOO files (Machine Opcode Operation, format 1.1): hardware-made single-instruction tests, gzipped. */
#ifndef HUDDLE_TESTS_MOO_H
#define HUDDLE_TESTS_MOO_H

#include "base/types.h"

/* Order of the REGS chunk. */
enum moo_reg {
    MOO_AX, MOO_BX, MOO_CX, MOO_DX, MOO_CS, MOO_SS, MOO_DS, MOO_ES, MOO_SP, MOO_BP, MOO_SI, MOO_DI, MOO_IP,
    MOO_FLAGS,
    MOO_REGS
};

struct moo_byte {
    u32 address;
    u8 value;
};

#define MOO_RAM_MAX 2048

struct moo_state {
    u16 reg[MOO_REGS];
    u32 reg_mask; /* which registers the chunk named */
    u32 ram_count;
    struct moo_byte ram[MOO_RAM_MAX];
};

struct moo_test {
    u32 index;
    char name[64];
    u8 bytes[32];
    u32 byte_count;
    struct moo_state initial, final; /* final.reg: initial values where the file names none */
    bool has_exception;
    u8 exception;
    u32 exception_flags; /* address of the pushed flags */
};

struct moo_file {
    u8 *data;
    size_t size, at;
};

/* 0, or -errno / -EINVAL with nothing to close. */
must_check int moo_open(struct moo_file *file, const char *path);
void moo_close(struct moo_file *file);

/* The next test: 1, 0 at the end, -EINVAL on a malformed file. */
must_check int moo_next(struct moo_file *file, struct moo_test *test);

#endif
