/* What `huddle doctor` found out, and how it says so. */
#ifndef HUDDLE_DOCTOR_H
#define HUDDLE_DOCTOR_H

#include "firmware.h"
#include "kvm/backend.h"

#include <stdio.h>

#define DOCTOR_WHY_BYTES 512

struct doctor_firmware {
    bool usable;
    char path[PATH_MAX]; /* if usable */
    u32 bytes;
    char why[DOCTOR_WHY_BYTES]; /* if not */
};

struct doctor_facts {
    struct backend_probe probe;
    bool cpu_vmx, cpu_svm; /* the processor says it can */
    bool container;        /* the host's /dev may not be all there is */
    char group[32];        /* that owns /dev/kvm, "" if unknown */
    struct doctor_firmware bios, vgabios;
};

/* Prints findings and what to do about each problem. True if huddle can run. */
bool doctor_print(FILE *out, const struct doctor_facts *facts);

#endif
