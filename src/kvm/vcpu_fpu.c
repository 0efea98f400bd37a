/* The guest's x87, which is not part of the shared page: fetched by one ioctl when it is first asked for after a KVM_RUN,
 * put back by one before the next if it was changed. KVM_SET_FPU would not do: what it writes is ignored as long as KVM
 * holds the x87 for being in its initial state. SDM volume 1, 13.4 (XSAVE area). */
#include "kvm/vcpu.h"

#include "base/log.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* Layout of the XSAVE area. KVM stores it with REX.W: pointers of 64 bits, in which there are no selectors. */
enum {
    AREA_CONTROL = 0,
    AREA_OPCODE = 6,
    AREA_IP = 8,
    AREA_CS = 12,
    AREA_DP = 16,
    AREA_DS = 20,
    AREA_MXCSR = 24,
    AREA_REGISTERS = 32,
    AREA_XSTATE_BV = 512, /* which parts are not in their initial state: */
    XSTATE_X87 = BIT(0),
    XSTATE_SSE = BIT(1),
    XSTATE_AVX = BIT(2),
    CONTROL_INIT = 0x37f,
    MXCSR_INIT = 0x1f80,
};

struct vcpu_fpu {
    struct kvm_xsave area __attribute__((aligned(64)));
    bool fetched, dirty;
    u8 pointers[AREA_MXCSR - AREA_OPCODE]; /* as they were put back last, selectors included */
};

static u8 *bytes_of(struct vcpu_fpu *fpu)
{
    return (u8 *)fpu->area.region;
}

static void put_u16(u8 *at, u16 value)
{
    memcpy(at, &value, sizeof value);
}

/* Everything but the selectors, which KVM does not keep. */
static bool same_pointers(const u8 *area, const struct vcpu_fpu *fpu)
{
    const u8 *kept = fpu->pointers - AREA_OPCODE;
    return !memcmp(area + AREA_OPCODE, kept + AREA_OPCODE, AREA_CS - AREA_OPCODE) &&
           !memcmp(area + AREA_DP, kept + AREA_DP, AREA_DS - AREA_DP);
}

/* Parts in their initial state are spelled out, and the x87's pointers get the selectors they had. */
static void normalise(struct vcpu_fpu *fpu)
{
    u8 *area = bytes_of(fpu);
    u64 present;
    memcpy(&present, area + AREA_XSTATE_BV, sizeof present);
    if (!(present & XSTATE_X87)) {
        memset(area, 0, AREA_MXCSR);
        memset(area + AREA_REGISTERS, 0, 8 * 16);
        put_u16(area + AREA_CONTROL, CONTROL_INIT);
    }
    if (!(present & (XSTATE_SSE | XSTATE_AVX)))
        put_u16(area + AREA_MXCSR, MXCSR_INIT);
    memset(area + AREA_CS, 0, AREA_DP - AREA_CS);
    memset(area + AREA_DS, 0, AREA_MXCSR - AREA_DS);
    if (same_pointers(area, fpu))
        memcpy(area + AREA_OPCODE, fpu->pointers, sizeof fpu->pointers);
    present |= XSTATE_X87 | XSTATE_SSE;
    memcpy(area + AREA_XSTATE_BV, &present, sizeof present);
}

static int fetch(struct vcpu *vcpu)
{
    struct vcpu_fpu *fpu = vcpu->fpu;
    vcpu->ioctls++;
    if (ioctl(vcpu->fd, KVM_GET_XSAVE, &fpu->area)) {
        int rc = -errno;
        log_error("KVM_GET_XSAVE: %s", strerror(-rc));
        return rc;
    }
    normalise(fpu);
    fpu->fetched = true;
    return 0;
}

void *vcpu_fpu(struct vcpu *vcpu, bool write)
{
    if (!vcpu->fpu) {
        vcpu->fpu = aligned_alloc(_Alignof(struct vcpu_fpu), sizeof *vcpu->fpu);
        if (!vcpu->fpu)
            return NULL;
        memset(vcpu->fpu, 0, sizeof *vcpu->fpu);
    }
    if (!vcpu->fpu->fetched && fetch(vcpu))
        return NULL;
    vcpu->fpu->dirty |= write;
    return bytes_of(vcpu->fpu);
}

int vcpu_fpu_put_back(struct vcpu *vcpu)
{
    struct vcpu_fpu *fpu = vcpu->fpu;
    if (!fpu)
        return 0;
    fpu->fetched = false;
    if (!fpu->dirty)
        return 0;
    u8 *area = bytes_of(fpu);
    memcpy(fpu->pointers, area + AREA_OPCODE, sizeof fpu->pointers);
    memset(area + AREA_CS, 0, AREA_DP - AREA_CS);
    memset(area + AREA_DS, 0, AREA_MXCSR - AREA_DS);
    vcpu->ioctls++;
    if (ioctl(vcpu->fd, KVM_SET_XSAVE, &fpu->area)) {
        int rc = -errno;
        log_error("KVM_SET_XSAVE: %s", strerror(-rc));
        return rc;
    }
    fpu->dirty = false;
    return 0;
}

void vcpu_fpu_free(struct vcpu *vcpu)
{
    free(vcpu->fpu);
    vcpu->fpu = NULL;
}
