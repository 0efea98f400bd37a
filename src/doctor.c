/* Findings as text: one line per thing looked at, and under a problem what to do about it. */
#include "doctor.h"

#include "report/number.h"
#include "vmm.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define LABEL_COLUMNS 22

static void say(FILE *out, bool good, const char *label, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void say(FILE *out, bool good, const char *label, const char *format, ...)
{
    va_list args;
    fprintf(out, "%-8s%-*s", good ? "ok" : "PROBLEM", LABEL_COLUMNS, label);
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fputc('\n', out);
}

/* A line that goes on under what was said. */
static void add(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(FILE *out, const char *format, ...)
{
    va_list args;
    fprintf(out, "%*s", 8 + LABEL_COLUMNS, "");
    va_start(args, format);
    vfprintf(out, format, args);
    va_end(args);
    fputc('\n', out);
}

static void advise_missing_device(FILE *out, const struct doctor_facts *f)
{
    if (f->container)
        add(out, "-> in a container, pass the device in: --device=/dev/kvm");
    if (f->cpu_vmx || f->cpu_svm)
        add(out, "-> load the module: sudo modprobe %s", f->cpu_vmx ? "kvm_intel" : "kvm_amd");
    else if (f->probe.nested)
        add(out,
            "-> this is a virtual machine without nested virtualization: enable it on its host\n"
            "%*s   (nested=1 for kvm_intel or kvm_amd, and a processor model that has vmx or svm)",
            8 + LABEL_COLUMNS, "");
    else
        add(out, "-> the processor shows neither vmx nor svm: enable VT-x, or AMD-V, in the machine's setup");
}

static bool report_device(FILE *out, const struct doctor_facts *f)
{
    static const char label[] = "/dev/kvm";
    int error = -f->probe.open_error;
    switch (error) {
    case 0:
        say(out, true, label, "there, and may be opened");
        return true;
    case ENOENT:
    case ENODEV:
    case ENXIO:
        say(out, false, label, "%s", error == ENOENT ? "not there" : "there, but no KVM behind it");
        advise_missing_device(out, f);
        return false;
    case EACCES:
    case EPERM:
        say(out, false, label, "there, but you may not open it");
        if (f->group[0] && strcmp(f->group, "root") != 0)
            add(out, "-> sudo usermod -aG %s $USER, then log in again", f->group);
        else
            add(out,
                "-> sudo chgrp kvm /dev/kvm; sudo chmod 660 /dev/kvm; sudo usermod -aG kvm $USER, then log "
                "in\n"
                "%*s   again (a udev rule of the distribution's qemu package does the first two for good)",
                8 + LABEL_COLUMNS, "");
        return false;
    case EBUSY:
        say(out, false, label, "in use by another kind of hypervisor");
        add(out, "-> end its machines (VirtualBox, VMware) and try again");
        return false;
    default:
        say(out, false, label, "cannot be used: %s", strerror(error));
        return false;
    }
}

static const char *backend_meaning(enum backend backend)
{
    switch (backend) {
    case BACKEND_VMX:
        return "Intel VT-x: guest code runs at full speed, exits cost microseconds";
    case BACKEND_SVM:
        return "AMD-V: guest code runs at full speed, exits cost microseconds";
    case BACKEND_PVM:
        return "software KVM: the kernel interprets legacy code, every instruction is slow";
    case BACKEND_NONE:
        return "no KVM module";
    case BACKEND_UNKNOWN:
        break;
    }
    return "not known to huddle; what counts is measured";
}

static void report_cost(FILE *out, const char *label, double ns, const char *meaning)
{
    char text[NUMBER_BYTES];
    if (ns <= 0)
        say(out, true, label, "too little to measure");
    else if (ns < 100)
        say(out, true, label, "%-9s%s", (snprintf(text, sizeof text, "%.1f ns", ns), text), meaning);
    else
        say(out, true, label, "%-9s%s", number_format_ns(text, (u64)ns), meaning);
}

static void report_horizon(FILE *out, const struct backend_probe *p)
{
    char text[NUMBER_BYTES];
    u64 horizon = horizon_of_costs(p->exit_ns * 1000ull, p->insn_ns_tenths * 100ull, HORIZON_TRANSLATED_PS);
    if (horizon == HORIZON_INF)
        say(out, true, "the horizon", "none: translated code is faster than the guest in KVM");
    else
        say(out, true, "the horizon", "%-9sinstructions without a device access, then KVM gets the guest back",
            number_format(text, horizon));
    add(out, "if a translated instruction takes %.1f ns; a run measures that", HORIZON_TRANSLATED_PS / 1000.0);
}

static bool report_backend(FILE *out, const struct doctor_facts *f)
{
    const struct backend_probe *p = &f->probe;
    say(out, true, "backend", "%s", backend_name(p->backend, p->nested));
    add(out, "%s", backend_meaning(p->backend));
    if (p->nested && p->backend != BACKEND_PVM)
        add(out, "this host is itself a virtual machine: exits cost about ten times as much");
    if (!p->exit_ns) {
        say(out, false, "trial machine", "a machine of a few instructions could not be run");
        add(out, "-> the kernel's log may say why: sudo dmesg | grep -i kvm");
        return false;
    }
    report_cost(out, "an exit", p->exit_ns,
                "into KVM, out at a port, and back: what each avoided exit saves");
    report_cost(out, "a register sync", p->sync_ns, "more, if all registers are read and replaced as well");
    report_cost(out, "an instruction", p->insn_ns_tenths / 10.0, "of the guest, run by KVM");
    report_horizon(out, p);
    return true;
}

static bool report_capabilities(FILE *out, const struct doctor_facts *f)
{
    if (!f->probe.missing[0]) {
        say(out, true, "capabilities", "all that huddle needs");
        return true;
    }
    say(out, false, "capabilities", "this kernel lacks %s", f->probe.missing);
    add(out, "-> use a newer kernel (Linux 4.17 or later)");
    return false;
}

static bool report_firmware(FILE *out, const char *label, const struct doctor_firmware *firmware)
{
    if (firmware->usable) {
        say(out, true, label, "%s (%.4g KiB)", firmware->path, firmware->bytes / (double)KIB);
        return true;
    }
    say(out, false, label, "%s", firmware->why);
    add(out, "-> sudo apt-get install %s", FIRMWARE_PACKAGE);
    return false;
}

bool doctor_print(FILE *out, const struct doctor_facts *f)
{
    bool good = report_device(out, f);
    if (good)
        good = report_capabilities(out, f) && report_backend(out, f);
    good &= report_firmware(out, "system firmware", &f->bios);
    good &= report_firmware(out, "VGA firmware", &f->vgabios);
    fprintf(out, "\n%s\n", good ? "huddle can run here." : "huddle cannot run here yet.");
    return good;
}
