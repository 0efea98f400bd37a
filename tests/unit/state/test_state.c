/* States of the machine: the file's frame, each chip in the middle of something, random traffic, corrupt
 * files. */
#include "state_tests.h"

int main(void)
{
    return run_frame_tests() + run_chip_tests() + run_traffic_tests() + run_corrupt_tests() != 0;
}
