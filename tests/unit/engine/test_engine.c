/* Runs the cluster engine's unit tests. */
#include "engine_rig.h"

int main(void)
{
    return test_form() + test_golden() + test_life() + test_counts() + test_leave() + test_equal() + test_region();
}
