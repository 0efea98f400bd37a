/* The groups of tests of states. */
#ifndef TESTS_UNIT_STATE_TESTS_H
#define TESTS_UNIT_STATE_TESTS_H

int run_chip_tests(void);
int run_corrupt_tests(void);
int run_frame_tests(void);
int run_traffic_tests(void);

#endif
