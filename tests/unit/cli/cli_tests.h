/* The groups of the command line's unit tests. Each runs its tests and returns the number that failed. */
#ifndef HUDDLE_TESTS_CLI_TESTS_H
#define HUDDLE_TESTS_CLI_TESTS_H

#include "base/types.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int test_options(void);
int test_help(void);
int test_drives(void);
int test_firmware(void);
int test_script(void);
int test_difference(void);
int test_report(void);
int test_json(void);
int test_doctor(void);
int test_leave_point(void);
int test_html(void);
int test_timeline(void);
int test_explain(void);

/* Writes a file of `bytes` bytes that begins with `data`; returns its path, valid until the next call but three. */
const char *temp_file(const char *name, const void *data, size_t len, u64 bytes);

/* Compares `text` with golden/NAME; with HUDDLE_REBASE set in the environment, writes it there instead. */
void assert_golden(const char *name, const char *text);

#endif
