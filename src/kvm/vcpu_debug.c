/* The debug registers, which are not part of the shared page: for saving and loading a machine. SDM volume
 * 3, 17.2. */
#include "kvm/vcpu.h"

#include "base/log.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

enum { DR6_INIT = (s32)0xffff0ff0, DR7_INIT = 0x400 };

static void reset_values(u32 dr[VCPU_DEBUG_REGS])
{
    memset(dr, 0, VCPU_DEBUG_REGS * sizeof dr[0]);
    dr[4] = (u32)DR6_INIT;
    dr[5] = DR7_INIT;
}

void vcpu_get_debug(struct vcpu *vcpu, u32 dr[VCPU_DEBUG_REGS])
{
    struct kvm_debugregs regs;
    vcpu->ioctls++;
    reset_values(dr);
    if (ioctl(vcpu->fd, KVM_GET_DEBUGREGS, &regs))
        return; /* a KVM without them */
    for (int i = 0; i < 4; i++)
        dr[i] = (u32)regs.db[i];
    dr[4] = (u32)regs.dr6;
    dr[5] = (u32)regs.dr7;
}

int vcpu_put_debug(struct vcpu *vcpu, const u32 dr[VCPU_DEBUG_REGS])
{
    u32 now[VCPU_DEBUG_REGS];
    vcpu_get_debug(vcpu, now);
    if (!memcmp(now, dr, sizeof now))
        return 0;
    struct kvm_debugregs regs = {.db = {dr[0], dr[1], dr[2], dr[3]}, .dr6 = dr[4], .dr7 = dr[5]};
    vcpu->ioctls++;
    if (!ioctl(vcpu->fd, KVM_SET_DEBUGREGS, &regs))
        return 0;
    int rc = -errno;
    log_error("KVM_SET_DEBUGREGS: %s", strerror(-rc));
    return rc;
}
