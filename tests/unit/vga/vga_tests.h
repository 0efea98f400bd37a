/* The groups of VGA tests; each returns the number of failures. */
#ifndef HUDDLE_TESTS_UNIT_VGA_TESTS_H
#define HUDDLE_TESTS_UNIT_VGA_TESTS_H

#include "vga_rig.h"

int test_modes(void);

#endif
