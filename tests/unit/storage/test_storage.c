/* Disks, floppies, DMA, serial: one program, a group per chip. */
#include "rig.h"

int main(void)
{
    int failed = 0;
    failed += block_tests();
    failed += dma_tests();
    failed += fdc_tests();
    failed += fdc_transfer_tests();
    failed += ide_tests();
    failed += ide_transfer_tests();
    failed += uart_tests();
    failed += storm_tests();
    failed += fault_tests();
    return failed != 0;
}
