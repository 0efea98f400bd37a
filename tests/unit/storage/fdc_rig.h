/* A driver's view of the floppy controller, for its tests. */
#ifndef HUDDLE_TESTS_STORAGE_FDC_RIG_H
#define HUDDLE_TESTS_STORAGE_FDC_RIG_H

#include "rig.h"

#include "dev/fdc.h"

enum { FDC_DOR_PORT = 0x3f2, FDC_MSR_PORT = 0x3f4, FDC_DATA_PORT = 0x3f5, FDC_DIR_PORT = 0x3f7 };

/* Drive A: with an image of `sectors` (0: empty), DMA, controller out of reset and the polling interrupt
 * sensed, motor on, data rate set for the image, recalibrated. */
struct rig *fdc_rig_create(u32 sectors);
/* The same with a write-protected or otherwise prepared image. */
struct rig *fdc_rig_with(struct block *block, struct rig *rig, enum fdc_rate rate);

/* Sends command bytes, each after RQM. */
void fdc_send(struct rig *rig, const u8 *bytes, u32 n);
/* Reads `n` result bytes, checking that there are exactly as many. */
void fdc_result(struct rig *rig, u8 *bytes, u32 n);
/* Sends a command, lets time pass until the result or the next command phase. */
void fdc_run(struct rig *rig, const u8 *bytes, u32 n);
/* SENSE INTERRUPT STATUS: ST0 in the low byte, PCN above. */
u16 fdc_sense(struct rig *rig);
/* Seeks and senses; returns ST0 and PCN as fdc_sense. */
u16 fdc_seek(struct rig *rig, u8 unit, u8 cylinder);
/* Programs DMA channel 2: `mode` 46h to memory, 4Ah from memory. */
void fdc_program_dma(struct rig *rig, u8 mode, u32 gpa, u32 bytes);

#define FDC_RUN(rig, ...)                                                                                    \
    do {                                                                                                     \
        const u8 fdc_run_bytes[] = {__VA_ARGS__};                                                            \
        fdc_run(rig, fdc_run_bytes, sizeof fdc_run_bytes);                                                   \
    } while (0)

#define FDC_EXPECT(rig, ...)                                                                                 \
    do {                                                                                                     \
        const u8 fdc_expected[] = {__VA_ARGS__};                                                             \
        u8 fdc_got[sizeof fdc_expected];                                                                     \
        fdc_result(rig, fdc_got, sizeof fdc_got);                                                            \
        assert_memory_equal(fdc_got, fdc_expected, sizeof fdc_got);                                          \
    } while (0)

#endif
