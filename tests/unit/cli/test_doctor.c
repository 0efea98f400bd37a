/* What doctor says about hosts of all kinds. */
#include "cli_tests.h"

#include "doctor.h"
#include "vmm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct doctor_facts healthy(void)
{
    struct doctor_facts f = {
        .probe = {.backend = BACKEND_VMX, .exit_ns = 1850, .sync_ns = 120, .insn_ns_tenths = 4},
        .cpu_vmx = true,
        .group = "kvm",
        .bios = {.usable = true, .path = "/usr/share/seabios/bios.bin", .bytes = 131072},
        .vgabios = {.usable = true, .path = "/usr/share/seabios/vgabios-isavga.bin", .bytes = 39424},
    };
    return f;
}

static bool print(const struct doctor_facts *f, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");
    assert_non_null(out);
    bool good = doctor_print(out, f);
    fclose(out);
    return good;
}

static void assert_says(const struct doctor_facts *f, bool good, const char *expected)
{
    char text[4096];
    assert_int_equal(print(f, text, sizeof text), good);
    if (!strstr(text, expected))
        fail_msg("not said: %s\n%s", expected, text);
}

static void a_good_host(void **state)
{
    struct doctor_facts f = healthy();
    char text[4096];
    (void)state;
    assert_true(print(&f, text, sizeof text));
    assert_golden("doctor-good.txt", text);
}

static void a_host_with_everything_wrong(void **state)
{
    struct doctor_facts f = {.probe = {.open_error = -ENOENT}, .cpu_svm = true, .container = true};
    char text[4096];
    (void)state;
    strcpy(f.bios.why, "no system firmware: bios.bin is not in /usr/share/seabios");
    strcpy(f.vgabios.why, "no VGA firmware: vgabios-isavga.bin is not in /usr/share/seabios");
    assert_false(print(&f, text, sizeof text));
    assert_golden("doctor-bad.txt", text);
}

static void the_device(void **state)
{
    struct doctor_facts f = healthy();
    (void)state;
    f.probe.open_error = -EACCES;
    assert_says(&f, false, "-> sudo usermod -aG kvm $USER");
    strcpy(f.group, "root");
    assert_says(&f, false, "-> sudo chgrp kvm /dev/kvm");
    f.probe.open_error = -ENOENT;
    assert_says(&f, false, "-> load the module: sudo modprobe kvm_intel");
    f.cpu_vmx = false;
    assert_says(&f, false, "enable VT-x, or AMD-V, in the machine's setup");
    f.probe.nested = true;
    assert_says(&f, false, "nested=1");
    f.probe.open_error = -EBUSY;
    assert_says(&f, false, "in use by another kind of hypervisor");
    f.probe.open_error = -EMFILE;
    assert_says(&f, false, "cannot be used: Too many open files");
}

static void the_backend(void **state)
{
    struct doctor_facts f = healthy();
    (void)state;
    f.probe.nested = true;
    assert_says(&f, true, "nested vmx");
    assert_says(&f, true, "exits cost about ten times as much");
    f.probe.backend = BACKEND_PVM;
    assert_says(&f, true, "software KVM");
    strcpy(f.probe.missing, "KVM_CAP_SYNC_REGS");
    assert_says(&f, false, "this kernel lacks KVM_CAP_SYNC_REGS");
    f = healthy();
    f.probe.exit_ns = 0;
    assert_says(&f, false, "could not be run");
}

static void the_firmware(void **state)
{
    struct doctor_facts f = healthy();
    (void)state;
    f.vgabios = (struct doctor_firmware){.why = "damaged"};
    assert_says(&f, false, "-> sudo apt-get install seabios");
}

/* How far to go on: what an exit costs, paid off by what an instruction costs more than in KVM. */
static void the_horizon(void **state)
{
    struct doctor_facts f = healthy();
    (void)state;
    f.probe.insn_ns_tenths = 6;
    f.probe.exit_ns = 2000;
    assert_says(&f, true, "the horizon           20,000 ");
    f.probe.insn_ns_tenths = 10;
    assert_says(&f, true, "the horizon           none: translated code is faster than the guest in KVM");
    assert_true(horizon_of_costs(2000000, 250, 750) == 4000);
    assert_true(horizon_of_costs(20000000, 250, 750) == 40000);
    assert_true(horizon_of_costs(2000000, 749, 750) == 2000000);
    assert_true(horizon_of_costs(2000000, 750, 750) == HORIZON_INF);
    assert_true(horizon_of_costs(1000, 250, 750) >= 100); /* never so short that it is all leaving */
}

int test_doctor(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_host),  cmocka_unit_test(a_host_with_everything_wrong),
        cmocka_unit_test(the_device),   cmocka_unit_test(the_backend),
        cmocka_unit_test(the_firmware), cmocka_unit_test(the_horizon),
    };
    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
