/* huddle doctor: looks at the host. Saying what was found is doctor.c's. */
#include "cmd.h"
#include "doctor.h"

#include <cpuid.h>
#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* CPUID.1:ECX[5] VMX (Intel SDM vol. 2A), 8000_0001h:ECX[2] SVM (AMD APM vol. 3, appendix E). */
static void look_at_processor(struct doctor_facts *f)
{
    u32 a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d))
        f->cpu_vmx = c & BIT(5);
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        f->cpu_svm = c & BIT(2);
}

static void look_at_device(struct doctor_facts *f)
{
    struct stat st;
    const struct group *group = stat("/dev/kvm", &st) == 0 ? getgrgid(st.st_gid) : NULL;
    if (group)
        snprintf(f->group, sizeof f->group, "%s", group->gr_name);
    f->container = access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
}

static void look_at_firmware(struct doctor_firmware *found, enum firmware_kind kind, const char *path)
{
    struct firmware_image image;
    found->usable = firmware_load_image(&image, kind, path, "", found->why, sizeof found->why) == 0;
    if (!found->usable)
        return;
    memcpy(found->path, image.path, sizeof found->path);
    found->bytes = image.bytes;
    firmware_free_image(&image);
}

int cmd_doctor(const struct options *options)
{
    struct doctor_facts facts = {0};
    look_at_processor(&facts);
    look_at_device(&facts);
    look_at_firmware(&facts.bios, FIRMWARE_BIOS, options->bios);
    look_at_firmware(&facts.vgabios, FIRMWARE_VGABIOS, options->vgabios);
    backend_probe(&facts.probe);
    return doctor_print(stdout, &facts) ? STATUS_OK : STATUS_DIFFERENT;
}
