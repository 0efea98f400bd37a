/* What was run, by mnemonic. */
#include "forms.h"

#include <stdio.h>

static u32 size_index(const struct form *form)
{
    const struct insn *insn = &form->insn;
    return insn->op_size == 1 ? 0 : insn->op_size == 2 ? 1 : 2;
}

void form_table_add_form(struct form_table *table, const struct form *form)
{
    struct form_row *row = &table->row[form->insn.zydis.mnemonic];
    row->forms[size_index(form)]++;
    row->memory_forms += form->memory;
}

void form_table_add_case(struct form_table *table, const struct form *form, const struct form_outcome *result)
{
    struct form_row *row = &table->row[form->insn.zydis.mnemonic];
    row->cases++;
    row->no_cluster += result->verdict == FORM_NO_CLUSTER;
    row->unsupported += result->verdict == FORM_UNSUPPORTED;
    row->faults += result->fault;
    row->by_kvm += result->by_kvm;
    if (result->verdict != FORM_SAME || result->fault)
        return;
    row->native += result->native;
    row->completed[size_index(form)]++;
}

static u32 sum(const u32 *sizes)
{
    return sizes[0] + sizes[1] + sizes[2];
}

static bool print_row(const char *name, const struct form_row *row)
{
    bool complete = true;
    for (u32 i = 0; i < FORM_SIZES; i++)
        complete &= !row->forms[i] || row->completed[i];
    printf("%-8s %6u %6u %6u %7u %8u %8u %8u %8u %7u%s\n", name, row->forms[0], row->forms[1], row->forms[2],
           row->memory_forms, row->cases, sum(row->completed), row->native, row->by_kvm, row->faults,
           complete ? "" : "  NOT EXECUTED at each of its sizes");
    return complete;
}

static void add(struct form_row *total, const struct form_row *row)
{
    for (u32 i = 0; i < FORM_SIZES; i++) {
        total->forms[i] += row->forms[i];
        total->completed[i] += row->completed[i];
    }
    total->memory_forms += row->memory_forms;
    total->cases += row->cases;
    total->faults += row->faults;
    total->no_cluster += row->no_cluster;
    total->unsupported += row->unsupported;
    total->native += row->native;
    total->by_kvm += row->by_kvm;
}

static void print_names(const struct form_table *table, const char *what,
                        bool (*holds)(const struct form_row *row))
{
    printf("%s:", what);
    for (u32 i = 0; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++)
        if (sum(table->row[i].forms) && holds(&table->row[i]))
            printf(" %s", ZydisMnemonicGetString((ZydisMnemonic)i));
    printf("\n");
}

static bool not_by_kvm(const struct form_row *row)
{
    return !row->by_kvm;
}

static bool never_native(const struct form_row *row)
{
    return !row->native;
}

static bool sometimes_unsupported(const struct form_row *row)
{
    return row->unsupported;
}

static bool sometimes_alone(const struct form_row *row)
{
    return row->no_cluster;
}

bool form_table_report(const struct form_table *table, bool kvm)
{
    struct form_row total = {0};
    u32 instructions = 0;
    bool complete = table->refused == 0;
    printf("%-8s %6s %6s %6s %7s %8s %8s %8s %8s %7s\n", "", "forms8", "16", "32", "memory", "cases",
           "executed", "native", "by KVM", "faults");
    for (u32 i = 0; i <= ZYDIS_MNEMONIC_MAX_VALUE; i++) {
        const struct form_row *row = &table->row[i];
        if (!sum(row->forms))
            continue;
        complete &= print_row(ZydisMnemonicGetString((ZydisMnemonic)i), row);
        add(&total, row);
        instructions++;
    }
    print_row("all", &total);
    if (kvm)
        print_names(table, "not compared with KVM", not_by_kvm);
    print_names(table, "always in the interpreter, by host code too", never_native);
    print_names(table, "some cases left to KVM", sometimes_unsupported);
    print_names(table, "some forms begin no cluster", sometimes_alone);
    printf("%u instructions in %u forms; %u cases begin no cluster, %u are left to KVM, %u listed forms were "
           "refused\n",
           instructions, sum(total.forms), total.no_cluster, total.unsupported, table->refused);
    return complete && instructions && (!kvm || total.by_kvm);
}
