/* The unit tests of src/jit. */
#include "jit_rig.h"

int main(void)
{
    return test_code_buffer() + test_emit() + test_run() + test_poll() + test_golden() + test_loop() + test_fault();
}
