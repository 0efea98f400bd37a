/* What this host's KVM is like: which backend, what an exit and an instruction cost, and the traits in which
 * backends differ. Measured with a scratch VM, never guessed from names. */
#ifndef HUDDLE_KVM_BACKEND_H
#define HUDDLE_KVM_BACKEND_H

#include "kvm/vcpu.h"

enum backend { BACKEND_NONE, BACKEND_VMX, BACKEND_SVM, BACKEND_PVM, BACKEND_UNKNOWN };

struct backend_probe {
    enum backend backend;
    bool nested;           /* the host itself runs under a hypervisor */
    int open_error;        /* 0, or -errno of /dev/kvm: the figures below are then 0 */
    char missing[512];     /* capabilities this kernel lacks, "" if none */
    struct vcpu_traits traits;
    u32 exit_ns;           /* OUT to userspace and back, everything included */
    u32 sync_ns;           /* added by reading and replacing all registers through the shared page */
    u32 insn_ns_tenths;    /* a simple guest instruction, in tenths of a nanosecond */
};

/* Which vendor module is loaded. Reads /sys/module; needs no permission. */
enum backend backend_detect(void);
/* "vmx", "svm", "pvm", "none", "unknown", with "nested " in front where it applies. */
const char *backend_name(enum backend backend, bool nested);
/* Does the host run under a hypervisor (CPUID 1, ECX bit 31)? */
bool backend_host_nested(void);

/* Runs the scratch VM once: a few milliseconds. 0 or -errno (logged). */
must_check int vcpu_calibrate(struct vcpu_traits *traits);

/* All of it, costs included: about 100 ms. Never fails: what could not be had is in the fields. */
void backend_probe(struct backend_probe *probe);

#endif
