/* The tests of this folder, by file. */
#ifndef CONTROL_TESTS_H
#define CONTROL_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

extern const struct CMUnitTest protocol_tests[];
extern const size_t protocol_test_count;
extern const struct CMUnitTest talk_tests[];
extern const size_t talk_test_count;

#endif
