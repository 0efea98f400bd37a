/* Differential test: every form of every instruction of the cluster allow-list, by host code, the interpreter
 * and KVM.
 *
 *   forms [--full] [--mode=real|pm32|pm16] [--number=N | --from=N]
 *
 * Host code and interpreter run all of it; KVM, which costs more, runs the first forms of every instruction
 * by size, mode and kind of operand, and every so many of the others. --full: every SIB byte, every register
 * beside every addressing form, 16-bit protected mode, and all of it by KVM as well. --number: only that form
 * of the mode, as it is printed when it fails. --from: that one and all behind it.
 *
 * Fails if any case differs, or if an instruction on the allow-list was not executed to its end, at each of
 * its sizes, by host code and interpreter. */
#include "forms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_FAILURES = 10,
    PATTERN_SEED = 42,
    CLEAN_EVERY = 256,
    KVM_FIRST = 2,
    KVM_EVERY = 16,
    REGION_EVERY = 4,
    KINDS = 1 << 16
};

struct options {
    bool full;
    int mode;   /* -1: all */
    s64 number; /* -1: all */
    s64 from;
};

struct forms {
    struct trio trio;
    struct form_table table;
    struct options options;
    u32 failures;
    u8 seen[KINDS]; /* forms of a kind so far */
};

static u32 kind_of(const struct form *form)
{
    const struct insn *insn = &form->insn;
    u32 hash = (u32)insn->zydis.mnemonic * 31 + insn->zydis.opcode;
    hash = hash * 31 + insn->op_size * 8 + insn->addr_size;
    hash = hash * 31 + (u32)form->mode * 2 + form->memory;
    return hash * 2654435761u >> 16;
}

static bool is_for_kvm(struct forms *f, const struct form *form)
{
    u8 *seen = &f->seen[kind_of(form)];
    if (*seen < KVM_FIRST)
        return ++*seen, true;
    return f->options.full || f->options.number >= 0 || form->number % KVM_EVERY == 0;
}

static void complain(struct forms *f, const struct form *form, const struct form_case *c)
{
    static const char *const mode[MODES] = {"real", "pm32", "pm16"};
    const struct cpu_state *s = &c->start;
    char text[96];
    insn_format(&form->insn, text, sizeof text);
    printf("--mode=%s --number=%u: %s, %s\n  bytes", mode[form->mode], form->number, text, c->text);
    for (u32 i = 0; i < form->insn.length; i++)
        printf(" %02x", form->insn.bytes[i]);
    printf("\n  eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x flags %x\n",
           s->reg[0], s->reg[1], s->reg[2], s->reg[3], s->reg[4], s->reg[5], s->reg[6], s->reg[7], s->eflags);
    for (u32 i = 0; i < CPU_SREGS; i++)
        printf("  %c%c %x:%x", "ECSDFG"[i], 'S', s->sreg[i].base, s->sreg[i].limit);
    printf("\n");
    f->failures++;
}

static void run_cases(struct forms *f, const struct form *form, u32 config)
{
    struct form_case c;
    bool kvm = is_for_kvm(f, form);
    for (u32 i = 0; form_case_make(form, i, &c); i++) {
        struct form_outcome result = form_run(&f->trio, form, &c, config, i == 0, kvm);
        form_table_add_case(&f->table, form, &result);
        bool look = f->options.number >= 0 && !forms_memory_clean(&f->trio);
        if (look || result.verdict == FORM_DIFFERENT)
            complain(f, form, &c);
    }
}

/* In regions too what they do differently, and some of the rest. */
static void run_form(struct forms *f, const struct form *form)
{
    bool in_region = form->insn.flow != FLOW_NEXT || f->options.full || form->number % REGION_EVERY == 0;
    form_table_add_form(&f->table, form);
    if (!form->far)
        run_cases(f, form, 0);
    if (in_region || f->options.number >= 0)
        run_cases(f, form, HOST_REGIONS);
    if (form->number % CLEAN_EVERY == 0 && !forms_memory_clean(&f->trio)) {
        printf("one of the %u forms up to --number=%u of this mode stored beside its operands\n", CLEAN_EVERY,
               form->number);
        f->failures++;
    }
}

static bool each(void *opaque, const struct form *form)
{
    struct forms *f = opaque;
    if (f->options.number < 0 ? form->number >= f->options.from : form->number == f->options.number)
        run_form(f, form);
    return f->failures < MAX_FAILURES;
}

static void refused(void *opaque, const struct insn *insn)
{
    struct forms *f = opaque;
    char text[96];
    if (f->table.refused++)
        return;
    insn_format(insn, text, sizeof text);
    printf("on the decoder's list, but not lowered: %s\n", text);
}

static bool run_all(struct forms *f)
{
    for (enum mode mode = 0; mode < MODES; mode++) {
        bool wanted =
            f->options.mode < 0 ? mode != MODE_PM16 || f->options.full : f->options.mode == (int)mode;
        struct forms_walk walk = {
            .mode = mode, .full = f->options.full, .each = each, .refused = refused, .opaque = f};
        if (wanted)
            forms_walk(&walk);
    }
    if (!forms_memory_clean(&f->trio))
        f->failures++;
    bool complete = form_table_report(&f->table, f->trio.kvm.present);
    struct jit_stats host = trio_host_stats(&f->trio);
    printf("host code: %llu translations, %llu faults, %llu recompiled, %llu interpreted, %llu failed; %u "
           "failures\n",
           (unsigned long long)host.translations, (unsigned long long)host.faults,
           (unsigned long long)host.recompiled, (unsigned long long)host.interpreted,
           (unsigned long long)host.failed, f->failures);
    bool part = f->options.number >= 0 || f->options.from > 0;
    return !f->failures && !host.failed && (complete || part);
}

static bool parse(struct options *o, int argc, char **argv)
{
    static const char *const mode[MODES] = {"--mode=real", "--mode=pm32", "--mode=pm16"};
    for (int i = 1; i < argc; i++) {
        int found = -1;
        for (int m = 0; m < MODES; m++)
            found = strcmp(argv[i], mode[m]) ? found : m;
        if (found >= 0)
            o->mode = found;
        else if (!strcmp(argv[i], "--full"))
            o->full = true;
        else if (!strncmp(argv[i], "--number=", 9))
            o->number = strtoll(argv[i] + 9, NULL, 0);
        else if (!strncmp(argv[i], "--from=", 7))
            o->from = strtoll(argv[i] + 7, NULL, 0);
        else
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options options = {.mode = -1, .number = -1};
    if (!parse(&options, argc, argv)) {
        fprintf(stderr, "usage: forms [--full] [--mode=real|pm32|pm16] [--number=N | --from=N]\n");
        return 2;
    }
    struct forms *f = calloc(1, sizeof *f);
    if (!f || trio_open(&f->trio, PATTERN_SEED))
        return EXIT_FAILURE;
    f->options = options;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!f->trio.kvm.present)
        printf("no /dev/kvm here: host code and interpreter only\n");
    bool good = run_all(f);
    trio_close(&f->trio);
    free(f);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
