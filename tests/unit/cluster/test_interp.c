/* Runs the interpreter's unit tests. */
#include "interp_tests.h"

int main(void)
{
    return test_lower() + test_real() + test_memory() + test_string() + test_protected() + test_deliver() +
           test_random() + test_wait() + test_x87() + test_x87_native();
}
