/* The groups of tests in this program. */
#ifndef HUDDLE_UI_TESTS_H
#define HUDDLE_UI_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

int chord_tests(void);
int glyph_tests(void);
int palette_tests(void);
int typist_tests(void);

#endif
