/* Two 8237A DMA controllers and their page registers, as ISA wires them: channels 0-3 move bytes, channel 4
 * cascades, channels 5-7 move words. */
#ifndef HUDDLE_DEV_DMA_H
#define HUDDLE_DEV_DMA_H

#include "base/types.h"

struct dma;

/* As the device sees it. */
enum dma_direction {
    DMA_TO_MEMORY,   /* the 8237A's "write transfer" */
    DMA_FROM_MEMORY, /* the 8237A's "read transfer" */
};

/* A device on `channel` (0-3, 5-7) asks for up to `bytes` bytes (even on 5-7) to be moved between `buf` and
 * memory at once. Returns how many were moved: fewer if terminal count was reached first, none while the
 * channel is masked, disabled or cascading. `*terminal_count` says whether the TC line was pulsed with the
 * last of them.
 * A channel programmed for verify, or for the other direction, counts without moving; `buf` then keeps (to
 * memory) or gets FFh (from memory), as do bytes from addresses where no RAM is. */
u32 dma_transfer(struct dma *dma, u8 channel, enum dma_direction dir, void *buf, u32 bytes,
                 bool *terminal_count);

/* Drives the DREQ line, as the status register shows it. Moves nothing by itself. */
void dma_set_dreq(struct dma *dma, u8 channel, bool level);

#endif
