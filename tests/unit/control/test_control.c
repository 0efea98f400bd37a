/* --control without a guest. */
#include "control_tests.h"

#include <signal.h>

int main(void)
{
    signal(SIGPIPE, SIG_IGN); /* as main does */
    int failed = _cmocka_run_group_tests("protocol", protocol_tests, protocol_test_count, NULL, NULL);
    return failed + _cmocka_run_group_tests("talk", talk_tests, talk_test_count, NULL, NULL);
}
