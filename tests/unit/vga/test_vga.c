/* Unit tests of src/dev/vga. */
#include "vga_tests.h"

int main(void)
{
    return test_modes();
}
