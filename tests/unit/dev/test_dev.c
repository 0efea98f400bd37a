/* The core chips against their data sheets. */
#include "dev_tests.h"

int main(void)
{
    int failures = 0;
    failures += pic_tests();
    failures += pit_counter_tests();
    failures += pit_tests();
    failures += rtc_tests();
    failures += cmos_tests();
    failures += fwcfg_tests();
    failures += ports_tests();
    failures += keyboard_tests();
    failures += mouse_tests();
    failures += kbc_tests();
    return failures != 0;
}
