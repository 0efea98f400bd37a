/* What differed, for whoever has to find out why: both results, the state at entry, the accesses around the first
 * difference, memory, and the cluster with its steps and host code. */
#include "cluster/check_impl.h"

#include <string.h>

enum {
    ACCESSES_BEFORE = 4, /* shown ahead of the first difference */
    ACCESSES_AFTER = 12,
    MEMORY_LINES = 24,
    LINE_BYTES = 8,
    TEXT_BYTES = 64 * 1024,
};

/* --- processor state --- */

#define FIELD(text, member) {text, offsetof(struct cpu_state, member), sizeof((struct cpu_state *)0)->member}
static const struct check_field fields[] = {
    FIELD("eax", reg[CPU_EAX]),  FIELD("ebx", reg[CPU_EBX]),  FIELD("ecx", reg[CPU_ECX]),
    FIELD("edx", reg[CPU_EDX]),  FIELD("esi", reg[CPU_ESI]),  FIELD("edi", reg[CPU_EDI]),
    FIELD("ebp", reg[CPU_EBP]),  FIELD("esp", reg[CPU_ESP]),  FIELD("eip", eip),
    FIELD("eflags", eflags),     FIELD("shadow", interrupt_shadow), FIELD("halted", halted),
    FIELD("cr0", cr0),           FIELD("cr2", cr2),           FIELD("cr3", cr3),
    FIELD("cr4", cr4),           FIELD("gdt base", gdt.base), FIELD("gdt limit", gdt.limit),
    FIELD("idt base", idt.base), FIELD("idt limit", idt.limit),
};
#undef FIELD

#define FIELD(text, member) {text, offsetof(struct cpu_segment, member), sizeof((struct cpu_segment *)0)->member}
static const struct check_field segment_fields[] = {
    FIELD("", selector),         FIELD("base", base),   FIELD("limit", limit), FIELD("type", type),
    FIELD("dpl", dpl),           FIELD("s", s),         FIELD("present", present), FIELD("db", db),
    FIELD("g", g),               FIELD("unusable", unusable), FIELD("avl", avl),
};
#undef FIELD

static const struct {
    const char *name;
    u32 offset;
} segments[] = {
    {"es", offsetof(struct cpu_state, sreg[CPU_ES])}, {"cs", offsetof(struct cpu_state, sreg[CPU_CS])},
    {"ss", offsetof(struct cpu_state, sreg[CPU_SS])}, {"ds", offsetof(struct cpu_state, sreg[CPU_DS])},
    {"fs", offsetof(struct cpu_state, sreg[CPU_FS])}, {"gs", offsetof(struct cpu_state, sreg[CPU_GS])},
    {"ldt", offsetof(struct cpu_state, ldt)},         {"tr", offsetof(struct cpu_state, tr)},
};

bool check_field(u32 i, struct check_field *field)
{
    if (i < ARRAY_LEN(fields)) {
        *field = fields[i];
        return true;
    }
    i -= ARRAY_LEN(fields);
    if (i >= ARRAY_LEN(segments) * ARRAY_LEN(segment_fields))
        return false;
    u32 segment = i / ARRAY_LEN(segment_fields);
    *field = segment_fields[i % ARRAY_LEN(segment_fields)];
    field->offset += segments[segment].offset;
    char part[sizeof field->name];
    strcpy(part, field->name);
    snprintf(field->name, sizeof field->name, "%.4s%s%.10s", segments[segment].name, *part ? " " : "", part);
    return true;
}

u32 check_field_value(const struct cpu_state *cpu, const struct check_field *field)
{
    u32 value = 0;
    memcpy(&value, (const u8 *)cpu + field->offset, field->size);
    return value;
}

static void print_flags(FILE *out, u32 eflags)
{
    static const struct {
        u32 mask;
        const char *name;
    } flags[] = {
        {FLAG_OF, "OF"}, {FLAG_DF, "DF"}, {FLAG_IF, "IF"}, {FLAG_TF, "TF"}, {FLAG_SF, "SF"}, {FLAG_ZF, "ZF"},
        {FLAG_AF, "AF"}, {FLAG_PF, "PF"}, {FLAG_CF, "CF"}, {FLAG_NT, "NT"}, {FLAG_RF, "RF"}, {FLAG_AC, "AC"},
        {FLAG_ID, "ID"},
    };
    for (u32 i = 0; i < ARRAY_LEN(flags); i++)
        if (eflags & flags[i].mask)
            fprintf(out, " %s", flags[i].name);
}

/* The general registers always, the rest where it differs. */
static void print_states(const struct check *check)
{
    FILE *out = check->config.report;
    const struct cpu_state *entry = &check->entry, *a = &check->reference.cpu, *b = &check->candidate.cpu;
    struct check_field field;
    fprintf(out, "  %-12s  %-8s  %-9s  %s\n", "", "at entry", "reference", "candidate");
    for (u32 i = 0; check_field(i, &field); i++) {
        u32 was = check_field_value(entry, &field), want = check_field_value(a, &field);
        u32 have = check_field_value(b, &field);
        if (i >= CPU_REGS + 2 && want == have) /* past eip and eflags */
            continue;
        fprintf(out, "  %-12s  %08x  %08x   %08x%s\n", field.name, was, want, have, want == have ? "" : "  <--");
    }
    fprintf(out, "  flags at entry:   ");
    print_flags(out, entry->eflags);
    fprintf(out, "\n  flags, reference: ");
    print_flags(out, a->eflags);
    fprintf(out, "\n  flags, candidate: ");
    print_flags(out, b->eflags);
    fprintf(out, "\n");
}

/* Where the run began. */
static void print_segments(const struct check *check)
{
    const struct cpu_state *cpu = &check->entry;
    FILE *out = check->config.report;
    for (u32 i = 0; i < CPU_SREGS; i++)
        fprintf(out, "  %s at entry %04x, base %08x, limit %08x, type %x%s\n", segments[i].name, cpu->sreg[i].selector,
                cpu->sreg[i].base, cpu->sreg[i].limit, cpu->sreg[i].type, cpu->sreg[i].db ? ", 32-bit" : "");
}

/* --- reason and counts --- */

static const char *leave_text(enum cluster_leave leave)
{
    return (u32)leave < LEAVE_REASONS ? cluster_leave_reason[leave].text : "(none)";
}

static void print_counts(const struct check *check)
{
    FILE *out = check->config.report;
    const struct check_side *a = &check->reference, *b = &check->candidate;
    const struct cluster *cluster = check->cluster;
    fprintf(out, "  left by: %s | %s\n", leave_text(a->leave), leave_text(b->leave));
    fprintf(out, "  instructions: %llu | %llu\n", (unsigned long long)a->stats.instructions,
            (unsigned long long)b->stats.instructions);
    fprintf(out, "  exits avoided: %llu | %llu\n", (unsigned long long)a->stats.exits_avoided,
            (unsigned long long)b->stats.exits_avoided);
    for (u32 i = 0; i < cluster->n; i++)
        if (a->exits_avoided[i] != b->exits_avoided[i])
            fprintf(out, "  exits avoided by %08x: %llu | %llu\n", cluster->key.where.cs_base + cluster->insn[i].eip,
                    (unsigned long long)a->exits_avoided[i], (unsigned long long)b->exits_avoided[i]);
}

/* --- accesses --- */

static void print_access(FILE *out, const struct check_access *access)
{
    static const char *const kind[] = {
        [CHECK_IN] = "in", [CHECK_OUT] = "out", [CHECK_READ] = "read", [CHECK_WRITE] = "write"};
    fprintf(out, "%-5s %0*x.%u %0*x", kind[access->kind], access->kind <= CHECK_OUT ? 4 : 8, access->addr, access->size,
            2 * access->size, access->value);
}

static void print_accesses(const struct check *check)
{
    FILE *out = check->config.report;
    u32 at = check->replayed; /* equal up to here */
    u32 first = at > ACCESSES_BEFORE ? at - ACCESSES_BEFORE : 0;
    fprintf(out, "device accesses: %u of the reference's %u were made%s\n", at, check->logged,
            check->diverged ? ", then another one" : check->done_missing ? ", the last not accounted for" : "");
    for (u32 i = first; i < check->logged && i < at + ACCESSES_AFTER; i++) {
        const struct check_access *access = &check->log[i];
        fprintf(out, "  #%-4u ", i);
        print_access(out, access);
        fprintf(out, "%s%s%s", access->after.intr ? ", interrupt asked for" : "",
                access->after.requests ? ", request" : "", access->after.attention ? ", attention" : "");
        fprintf(out, "%s\n", i < at ? "" : "  <-- not made");
    }
    if (!check->diverged)
        return;
    fprintf(out, "  candidate's #%u: ", at);
    print_access(out, &check->divergent);
    fprintf(out, "\n");
}

/* --- memory --- */

static void print_bytes(FILE *out, const u8 *bytes)
{
    for (u32 i = 0; i < LINE_BYTES; i++)
        fprintf(out, " %02x", bytes[i]);
}

static void print_memory(const struct check *check)
{
    FILE *out = check->config.report;
    struct check_page page;
    u32 lines = 0;
    fprintf(out, "memory, reference | candidate:\n");
    for (u32 i = 0; check_page(check, i, &page); i++) {
        for (u32 at = 0; at < CHECK_PAGE_BYTES; at += LINE_BYTES) {
            if (!memcmp(page.want + at, page.have + at, LINE_BYTES))
                continue;
            if (lines++ == MEMORY_LINES) {
                fprintf(out, "  and more\n");
                return;
            }
            fprintf(out, "  %08x ", page.at + at);
            print_bytes(out, page.want + at);
            fprintf(out, "  | ");
            print_bytes(out, page.have + at);
            fprintf(out, "\n");
        }
    }
}

/* --- the cluster --- */

static void print_host_code(FILE *out, const u8 *code, u32 bytes)
{
    ZydisDecoder decoder;
    ZydisFormatter formatter;
    ZydisDecodedInstruction insn;
    ZydisDecodedOperand operand[ZYDIS_MAX_OPERAND_COUNT];
    char text[128];
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    for (u32 at = 0; at < bytes; at += insn.length) {
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code + at, bytes - at, &insn, operand))) {
            fprintf(out, "      %04x  %02x\n", at, code[at]);
            insn.length = 1;
            continue;
        }
        ZydisFormatterFormatInstruction(&formatter, &insn, operand, insn.operand_count_visible, text, sizeof text,
                                        (ZyanU64)(uintptr_t)(code + at), NULL);
        fprintf(out, "      %04x  %s\n", at, text);
    }
}

static void print_insn(const struct check *check, int i)
{
    FILE *out = check->config.report;
    const struct cluster *cluster = check->cluster;
    const struct cluster_backend *backend = &check->candidate_backend;
    char text[1024];
    u32 bytes;
    steps_print(&cluster->insn[i].steps, text, sizeof text);
    fprintf(out, "  %08x\n%s", cluster->key.where.cs_base + cluster->insn[i].eip, text);
    const u8 *code = backend->code ? backend->code(backend->opaque, cluster, i, &bytes) : NULL;
    if (code)
        print_host_code(out, code, bytes);
}

static void print_cluster(const struct check *check)
{
    char text[TEXT_BYTES];
    cluster_print(check->cluster, text, sizeof text);
    fprintf(check->config.report, "cluster: %s", text);
    fprintf(check->config.report, "steps and host code:\n");
    for (u32 i = 0; i < check->cluster->n; i++)
        print_insn(check, (int)i);
}

void check_report(const struct check *check)
{
    FILE *out = check->config.report;
    fprintf(out, "huddle: check: the executor \"%s\" does not do what the reference does (left: reference, right: "
                 "candidate)\n", check->candidate_backend.name);
    print_states(check);
    print_segments(check);
    print_counts(check);
    if (check->differs & BIT(CHECK_DIFFERS_ACCESSES) || check->logged)
        print_accesses(check);
    if (check->differs & BIT(CHECK_DIFFERS_MEMORY))
        print_memory(check);
    if (check->differs & BIT(CHECK_DIFFERS_X87))
        check_x87_report(check);
    print_cluster(check);
    fflush(out);
}
