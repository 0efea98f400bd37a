/* Sequences that once differed, or that show each oddity of oddity.c. */
#ifndef HUDDLE_TESTS_FIXED_H
#define HUDDLE_TESTS_FIXED_H

#include "trio.h"

/* Runs them all: every one must agree, and on a KVM that emulates each must need exactly the oddities it is
 * there for, on any other none. Prints what does not. */
bool fixed_cases_pass(struct trio *t);

#endif
