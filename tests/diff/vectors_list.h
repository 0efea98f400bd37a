/* How much of the vectors' opcodes the allow-list of clusters holds: a figure that must not fall. */
#ifndef HUDDLE_TESTS_VECTORS_LIST_H
#define HUDDLE_TESTS_VECTORS_LIST_H

#include "decode/insn.h"

/* An opcode of the vectors: a file of them ("F6.4"). */
struct opcode {
    char name[8];
    char text[48];      /* an instruction of it */
    const char *reason; /* it is not on the list because */
    bool privileged;    /* at the innermost ring only */
    u32 valid;          /* tests whose bytes this processor knows */
    u32 listed;         /* of these, on the allow-list */
};

enum { OPCODES_MAX = 512 };

struct opcode_list {
    u32 n;
    struct opcode opcode[OPCODES_MAX];
};

/* Begins the opcode of the file `name` ("F6.4.MOO.gz"). NULL: there are too many. */
struct opcode *opcode_list_add(struct opcode_list *list, const char *name);

/* Counts a test: its instruction, in a 16-bit code segment. */
void opcode_add(struct opcode *opcode, const u8 *bytes, u32 size);

/* Prints the share of the opcodes that is listed, and what is not, with the reason. Returns it in
 * thousandths; privileged opcodes do not count. */
u32 opcode_list_report(const struct opcode_list *list);

#endif
