/* Driving the floppy controller as a BIOS does. */
#include "fdc_rig.h"

static void leave_reset(struct rig *rig)
{
    rig_out(rig, FDC_DOR_PORT, 0x00);
    rig_out(rig, FDC_DOR_PORT, DOR_NOT_RESET | DOR_NOT_DMAGATE);
    rig_pass(rig, NS_PER_MS);
    for (u8 i = 0; i < FDC_DRIVES; i++)
        assert_int_equal(fdc_sense(rig), ST0_IC_POLLING | i);
}

struct rig *fdc_rig_with(struct block *block, struct rig *rig, enum fdc_rate rate)
{
    rig->config.floppy[0] = block;
    rig_add(rig, &dma_class);
    rig_add(rig, &fdc_class);
    rig_out(rig, 0xd6, 0xc0); /* channel 4 cascades */
    rig_out(rig, 0xd4, 0x00); /* and is not masked */
    leave_reset(rig);
    rig_out(rig, FDC_DOR_PORT, DOR_MOTOR_0 | DOR_NOT_RESET | DOR_NOT_DMAGATE);
    rig_out(rig, FDC_DIR_PORT, rate);
    return rig;
}

struct rig *fdc_rig_create(u32 sectors)
{
    struct rig *rig = rig_create();
    struct block *block = sectors ? rig_open(rig, sectors, BLOCK_FLOPPY) : NULL;
    enum fdc_rate rate = sectors <= 1440 ? RATE_250K : sectors <= 3444 ? RATE_500K : RATE_1M;
    return fdc_rig_with(block, rig, rate);
}

void fdc_send(struct rig *rig, const u8 *bytes, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        assert_int_equal(rig_in(rig, FDC_MSR_PORT) & (MSR_RQM | MSR_DIO), MSR_RQM);
        rig_out(rig, FDC_DATA_PORT, bytes[i]);
    }
}

void fdc_result(struct rig *rig, u8 *bytes, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        assert_int_equal(rig_in(rig, FDC_MSR_PORT) & 0xf0, MSR_RQM | MSR_DIO | MSR_CMDBSY);
        bytes[i] = rig_in(rig, FDC_DATA_PORT);
    }
    assert_int_equal(rig_in(rig, FDC_MSR_PORT) & 0xf0, MSR_RQM);
}

void fdc_run(struct rig *rig, const u8 *bytes, u32 n)
{
    fdc_send(rig, bytes, n);
    for (u32 i = 0; i < 2000 && !(rig_in(rig, FDC_MSR_PORT) & MSR_RQM); i++)
        rig_pass(rig, NS_PER_MS / 2);
    assert_true(rig_in(rig, FDC_MSR_PORT) & MSR_RQM);
}

u16 fdc_sense(struct rig *rig)
{
    u8 r[2];
    fdc_send(rig, (const u8[]){0x08}, 1);
    fdc_result(rig, r, 2);
    return (u16)(r[0] | r[1] << 8);
}

u16 fdc_seek(struct rig *rig, u8 unit, u8 cylinder)
{
    fdc_send(rig, (const u8[]){0x0f, unit, cylinder}, 3);
    rig_pass(rig, 100 * NS_PER_MS);
    return fdc_sense(rig);
}

void fdc_program_dma(struct rig *rig, u8 mode, u32 gpa, u32 bytes)
{
    rig_out(rig, 0x0a, 0x06); /* mask channel 2 */
    rig_out(rig, 0x0c, 0x00);
    rig_out(rig, 0x0b, mode);
    rig_out(rig, 0x04, (u8)gpa);
    rig_out(rig, 0x04, (u8)(gpa >> 8));
    rig_out(rig, 0x81, (u8)(gpa >> 16));
    rig_out(rig, 0x05, (u8)(bytes - 1));
    rig_out(rig, 0x05, (u8)((bytes - 1) >> 8));
    rig_out(rig, 0x0a, 0x02);
}
