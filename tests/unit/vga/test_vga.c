/* Unit tests of src/dev/vga. */
#include "vga_tests.h"

int main(void)
{
    return test_regs() + test_mem() + test_timing() + test_modes() + test_picture() + test_raster() +
           test_linear() + test_run();
}
