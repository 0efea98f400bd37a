/* The groups of VGA tests; each returns the number of failures. */
#ifndef HUDDLE_TESTS_UNIT_VGA_TESTS_H
#define HUDDLE_TESTS_UNIT_VGA_TESTS_H

#include "dev/devices.h"
#include "vga_rig.h"

int test_linear(void);
int test_mem(void);
int test_modes(void);
int test_picture(void);
int test_raster(void);
int test_regs(void);
int test_run(void);
int test_timing(void);

#endif
