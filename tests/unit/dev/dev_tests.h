/* The test groups of this folder; each returns the number of failures. */
#ifndef TESTS_UNIT_DEV_TESTS_H
#define TESTS_UNIT_DEV_TESTS_H

int pic_tests(void);
int pit_counter_tests(void);
int pit_tests(void);
int rtc_tests(void);
int cmos_tests(void);
int fwcfg_tests(void);
int ports_tests(void);
int keyboard_tests(void);
int mouse_tests(void);
int kbc_tests(void);

#endif
