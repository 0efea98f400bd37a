/* Volumes: one program, a group per subject. */
#include "volume_rig.h"

int main(void)
{
    int failed = 0;
    failed += name_tests();
    failed += contract_tests();
    failed += rom_tests();
    failed += host_tests();
    failed += trap_tests();
    failed += fat_tests();
    failed += corrupt_tests();
    return failed != 0;
}
