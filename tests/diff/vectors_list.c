/* The allow-list's share of the vectors' opcodes. An opcode is listed if the plain form of it is: forms that
 * only some prefix takes off the list (REP IN) are counted beside it. */
#include "vectors_list.h"

#include "cluster/step.h"

#include <stdio.h>
#include <string.h>

struct opcode *opcode_list_add(struct opcode_list *list, const char *name)
{
    if (list->n == OPCODES_MAX)
        return NULL;
    struct opcode *opcode = &list->opcode[list->n++];
    const char *end = strstr(name, ".MOO");
    *opcode = (struct opcode){0};
    snprintf(opcode->name, sizeof opcode->name, "%.*s", end ? (int)(end - name) : 0, name);
    return opcode;
}

static const char *reason_of(const struct insn *insn)
{
    if (insn->flow == FLOW_FAR)
        return "loads CS: left to KVM";
    if (insn->zydis.mnemonic == ZYDIS_MNEMONIC_IN)
        return "KVM reads a whole batch for it";
    return "not on the list";
}

void opcode_add(struct opcode *opcode, const u8 *bytes, u32 size)
{
    struct insn insn;
    struct steps steps;
    if (!insn_decode(&insn, bytes, size, 0, false))
        return;
    bool listed = insn.class != INSN_UNSUPPORTED && steps_lower(&steps, &insn);
    opcode->valid++;
    opcode->listed += listed;
    opcode->privileged = insn.zydis.attributes & ZYDIS_ATTRIB_IS_PRIVILEGED;
    if (listed)
        return;
    opcode->reason = reason_of(&insn);
    insn_format(&insn, opcode->text, sizeof opcode->text);
}

u32 opcode_list_report(const struct opcode_list *list)
{
    u32 known = 0, listed = 0, privileged = 0, invalid = 0;
    for (u32 i = 0; i < list->n; i++) {
        const struct opcode *o = &list->opcode[i];
        invalid += !o->valid;
        privileged += o->valid && o->privileged;
        if (!o->valid || o->privileged)
            continue;
        known++;
        listed += o->listed > 0;
        if (o->listed < o->valid)
            printf("%s %-5s %s (%u of %u): %s\n", o->listed ? "partly listed:" : "not listed:   ", o->name,
                   o->text, o->valid - o->listed, o->valid, o->reason);
    }
    u32 share = known ? listed * 1000 / known : 0;
    printf(
        "allow-list: %u of %u opcodes, %u.%u %% (%u privileged and %u that a 486 does not know left out)\n",
        listed, known, share / 10, share % 10, privileged, invalid);
    return share;
}
