/* See rig.h. Intel SDM volume 3: 4.5 (4-level paging), 6.14 (64-bit interrupt gates). */
#include "bench/rig.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

enum {
    HUGE_PAGE = 2 * MIB,
    SMALL_PAGE = 4096,
    PTE_ALL = 7, /* present, writable, for ring 3 too */
    PTE_LARGE = BIT(7),
    PTES = 512,
    TABLE_ROOM = HUGE_PAGE, /* for the page tables behind the big memory */
    GATE_BYTES = 16,
    LOW_PT = 0x43000, /* the first 2 MiB of the guest in 4 KiB pages */
};

static const u64 gdt[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00affb000000ffff, 0x00cff3000000ffff};

u8 *rig_memory(u64 bytes, bool huge)
{
    u8 *p = mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                 -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    u64 skip = -(uintptr_t)p & (HUGE_PAGE - 1);
    if (skip)
        munmap(p, skip);
    if (skip != HUGE_PAGE)
        munmap(p + skip + bytes, HUGE_PAGE - skip);
    madvise(p + skip, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return p + skip;
}

void rig_memory_free(u8 *memory, u64 bytes)
{
    if (memory)
        munmap(memory, bytes);
}

static void put_u64(u8 *at, u64 value)
{
    memcpy(at, &value, sizeof value);
}

static void put_gate(u8 *at, u32 handler)
{
    enum { SEL_CODE = 8, PRESENT_INTERRUPT_GATE = 0x8e };
    put_u64(at, (handler & 0xffffu) | (u64)SEL_CODE << 16 | (u64)PRESENT_INTERRUPT_GATE << 40 |
                    (u64)(handler >> 16) << 48);
    put_u64(at + 8, 0);
}

/* Handlers of all exceptions, and of the interrupt: in the real-mode table, or in gates. */
static void make_vectors(struct rig *rig)
{
    u8 *idt = rig->low + GUEST_TABLES + SMALL_PAGE;
    for (u32 i = 0; i <= GUEST_VECTOR; i++) {
        u32 handler = rig_entry(rig, i == GUEST_VECTOR ? GUEST_IRQ : GUEST_FAULT);
        if (rig->config.mode == RIG_LONG)
            put_gate(idt + i * GATE_BYTES, handler);
        else
            memcpy(rig->low + i * 4, &handler, 4); /* segment 0 */
    }
}

/* One page directory for the first GiB; with 4 KiB pages, page tables behind the big memory. */
static void make_pages(struct rig *rig)
{
    u8 *pml4 = rig->low + GUEST_PAGES, *pdpt = pml4 + SMALL_PAGE, *pd = pdpt + SMALL_PAGE;
    u64 tables = RIG_BIG + rig->config.big_bytes;
    put_u64(pml4, (GUEST_PAGES + SMALL_PAGE) | PTE_ALL);
    put_u64(pdpt, (GUEST_PAGES + 2 * SMALL_PAGE) | PTE_ALL);
    for (u64 i = 1; i < PTES; i++)
        put_u64(pd + i * 8, i * HUGE_PAGE | PTE_ALL | PTE_LARGE);
    put_u64(pd, LOW_PT | PTE_ALL);
    for (u64 i = 0; i < PTES; i++)
        put_u64(rig->low + LOW_PT + i * 8, i * SMALL_PAGE | PTE_ALL);
    if (!rig->config.guest_small)
        return;
    for (u64 page = 0; page < rig->config.big_bytes / SMALL_PAGE; page++)
        put_u64(rig->big + rig->config.big_bytes + page * 8, (RIG_BIG + page * SMALL_PAGE) | PTE_ALL);
    for (u64 i = 0; i < rig->config.big_bytes / HUGE_PAGE; i++)
        put_u64(pd + (RIG_BIG / HUGE_PAGE + i) * 8, (tables + i * SMALL_PAGE) | PTE_ALL);
}

static int open_vm(struct rig *rig, const char **why)
{
    struct vm_slot slots[2] = {{.first = 0, .bytes = GUEST_RAM_BYTES, .host = rig->low},
                               {.first = RIG_BIG, .bytes = rig->big_mapped, .host = rig->big}};
    *why = "there is no KVM";
    int rc = vm_open(&rig->vm);
    if (!rc)
        rc = vm_set_slots(&rig->vm, slots, rig->big ? 2 : 1);
    if (!rc)
        rc = vcpu_open(&rig->vcpu, &rig->vm, &(struct vcpu_traits){0}, &rig->attention);
    if (!rc && rig->config.mode == RIG_LONG) {
        *why = "KVM does not show the guest the host's processor";
        rc = vcpu_show_host_cpuid(&rig->vm, &rig->vcpu);
        rc = rc && rc != -ENOMEM ? -EPROTO : rc;
    }
    return rc;
}

int rig_open(struct rig *rig, const struct rig_config *config, const char **why)
{
    *rig = (struct rig){.config = *config, .vm = {.fd = -1, .system_fd = -1}};
    vcpu_init_closed(&rig->vcpu);
    *why = "there is no memory for it";
    rig->low = rig_memory(GUEST_RAM_BYTES, false);
    if (!rig->low)
        return -ENOMEM;
    if (config->big_bytes) {
        rig->big_mapped = config->big_bytes + TABLE_ROOM;
        rig->big = rig_memory(rig->big_mapped, config->host_huge);
    }
    int rc = config->big_bytes && !rig->big ? -ENOMEM : 0;
    if (!rc) {
        memcpy(rig->low + GUEST_CODE, config->code, config->code_bytes);
        make_vectors(rig);
        if (config->mode == RIG_LONG) {
            memcpy(rig->low + GUEST_TABLES, gdt, sizeof gdt);
            make_pages(rig);
        }
        rc = open_vm(rig, why);
    }
    if (rc)
        rig_close(rig);
    return rc;
}

void rig_close(struct rig *rig)
{
    if (rig->has_timer)
        timer_delete(rig->timer);
    rig->has_timer = false;
    vcpu_close(&rig->vcpu);
    vm_close(&rig->vm);
    rig_memory_free(rig->low, GUEST_RAM_BYTES);
    rig_memory_free(rig->big, rig->big_mapped);
    rig->low = rig->big = NULL;
}

u32 rig_entry(const struct rig *rig, enum guest_entry entry)
{
    u32 address;
    memcpy(&address, rig->low + GUEST_CODE + entry * sizeof address, sizeof address);
    return address;
}

static void flat_segments(struct cpu_state *cpu)
{
    enum { SEL_CODE = 8, SEL_DATA = 16, TYPE_CODE = 11 };
    for (int i = 0; i < CPU_SREGS; i++) {
        struct cpu_segment *s = &cpu->sreg[i];
        s->limit = UINT32_MAX;
        s->g = s->db = true;
        s->selector = i == CPU_CS ? SEL_CODE : SEL_DATA;
        s->type = i == CPU_CS ? TYPE_CODE : s->type;
    }
    cpu->cr0 |= CR0_PE;
}

int rig_start(struct rig *rig, u32 address)
{
    if (rig->config.mode == RIG_LONG) {
        const struct vcpu_long_start start = {.ring3 = rig->config.ring3,
                                              .rip = address,
                                              .rsp = GUEST_STACK,
                                              .cr3 = GUEST_PAGES,
                                              .gdt = GUEST_TABLES,
                                              .gdt_limit = sizeof gdt - 1,
                                              .idt = GUEST_TABLES + SMALL_PAGE,
                                              .idt_limit = (GUEST_VECTOR + 1) * GATE_BYTES - 1};
        return vcpu_start_long(&rig->vcpu, &start);
    }
    struct cpu_state cpu;
    cpu_reset(&cpu);
    cpu.cr0 = CR0_ET; /* caches on */
    cpu.sreg[CPU_CS].selector = 0;
    cpu.sreg[CPU_CS].base = 0;
    if (rig->config.mode == RIG_FLAT32)
        flat_segments(&cpu);
    cpu.eip = address;
    cpu.reg[CPU_ESP] = GUEST_STACK;
    vcpu_put_state(&rig->vcpu, &cpu);
    return 0;
}

static void on_timer(int signal_number, siginfo_t *info, void *context)
{
    struct rig *rig = info->si_value.sival_ptr;
    (void)signal_number, (void)context;
    if (info->si_code != SI_TIMER)
        return;
    rig->attention = 1;
    vcpu_kick(&rig->vcpu);
}

void rig_limit(struct rig *rig, u64 ms)
{
    if (!rig->has_timer) {
        struct sigaction action = {.sa_sigaction = on_timer, .sa_flags = SA_SIGINFO};
        struct sigevent event = {
            .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM, .sigev_value.sival_ptr = rig};
        sigemptyset(&action.sa_mask);
        if (sigaction(SIGALRM, &action, NULL) || timer_create(CLOCK_MONOTONIC, &event, &rig->timer))
            return;
        rig->has_timer = true;
    }
    rig->attention = 0;
    vcpu_set_immediate_exit(&rig->vcpu, false);
    struct itimerspec at = {.it_value = {(time_t)(ms / 1000), (long)(ms % 1000 * NS_PER_MS)}};
    timer_settime(rig->timer, 0, &at, NULL);
}

const char *rig_exit_text(const struct vmexit *exit)
{
    static const char *const text[] = {
        [VMEXIT_PIO] = "another exit came, at a port",
        [VMEXIT_MMIO] = "another exit came, at device memory",
        [VMEXIT_HLT] = "the guest halted",
        [VMEXIT_IRQ_WINDOW] = "the interrupt window opened",
        [VMEXIT_KICK] = "the guest does not come back from it",
        [VMEXIT_SHUTDOWN] = "the guest ended with a triple fault",
        [VMEXIT_EMULATION] = "KVM cannot execute the instruction",
        [VMEXIT_ENTRY] = "the processor refused the guest's state",
        [VMEXIT_UNKNOWN] = "KVM ended the guest with an exit of its own",
    };
    if (exit->kind == VMEXIT_PIO && exit->pio.port == GUEST_FAULT_PORT)
        return "the guest gets an exception";
    return text[exit->kind];
}
