/* The crash report: what happened, where, and how the guest got there. */
#include "vmm_internal.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

enum { CRASH_STATUS = 70, DISASSEMBLED_INSNS = 8 };

static void print_registers(const struct cpu_state *c)
{
    static const char *const sreg[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    const u32 *r = c->reg;
    fprintf(stderr, "  eax %08x  ebx %08x  ecx %08x  edx %08x\n", r[CPU_EAX], r[CPU_EBX], r[CPU_ECX], r[CPU_EDX]);
    fprintf(stderr, "  esi %08x  edi %08x  ebp %08x  esp %08x\n", r[CPU_ESI], r[CPU_EDI], r[CPU_EBP], r[CPU_ESP]);
    fprintf(stderr, "  eip %08x  eflags %08x  cr0 %08x  cr3 %08x  cr4 %08x\n", c->eip, c->eflags, c->cr0, c->cr3,
            c->cr4);
    for (int i = 0; i < CPU_SREGS; i++)
        fprintf(stderr, "  %s %04x base %08x limit %08x%s%s", sreg[i], c->sreg[i].selector, c->sreg[i].base,
                c->sreg[i].limit, c->sreg[i].db ? " 32-bit" : "", i % 2 ? "\n" : "");
    fprintf(stderr, "  gdt %08x/%04x  idt %08x/%04x\n", c->gdt.base, c->gdt.limit, c->idt.base, c->idt.limit);
}

static void print_code(const struct vmm *vmm)
{
    u32 eip = vmm->cpu.eip;
    for (int i = 0; i < DISASSEMBLED_INSNS; i++) {
        struct insn insn;
        char text[96] = "(not an instruction)";
        bool valid = vmm_decode(vmm, eip, &insn);
        if (valid)
            insn_format(&insn, text, sizeof text);
        fprintf(stderr, "  %s %04x:%08x  %s\n", i ? "  " : "=>", vmm->cpu.sreg[CPU_CS].selector, eip, text);
        if (!valid)
            return;
        eip += insn.length;
    }
}

static void print_recent_exits(const struct vmm *vmm)
{
    static const char *const name[] = {
#define X(id, text) [EXIT_##id] = text,
        EXIT_KINDS(X)
#undef X
    };
    u64 first = vmm->n_recent > RECENT_EXITS ? vmm->n_recent - RECENT_EXITS : 0;
    for (u64 i = first; i < vmm->n_recent; i++) {
        const struct recent_exit *e = &vmm->recent[i % RECENT_EXITS];
        fprintf(stderr, "  #%-8llu rip %08x  %-22s", (unsigned long long)i, e->rip, name[e->kind]);
        if (e->size)
            fprintf(stderr, " %0*Xh, %u bytes: %0*llXh", e->kind <= EXIT_string ? 4 : 8, e->addr, e->size, e->size * 2,
                    (unsigned long long)e->value);
        fputc('\n', stderr);
    }
}

void vmm_crash(struct vmm *vmm, const char *format, ...)
{
    if (vmm->ended)
        return;
    char reason[160];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    log_error("%s", reason);
    print_registers(&vmm->cpu);
    fprintf(stderr, "code:\n");
    print_code(vmm);
    fprintf(stderr, "last exits:\n");
    print_recent_exits(vmm);
    vmm_end(vmm, RUN_END_CRASH, CRASH_STATUS, "%s", reason);
}
