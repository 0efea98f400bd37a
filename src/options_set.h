/* What the rows of the option table do with a value: check it, and store it in struct options. */
#ifndef HUDDLE_OPTIONS_SET_H
#define HUDDLE_OPTIONS_SET_H

#include "options_table.h"

#define CODE_CACHE_MAX (1024u * MIB)

/* Generic ones, for the field at the row's offset. */
extern option_setter option_set_flag, option_set_string, option_set_number, option_set_seconds, option_set_size, option_set_kib;
/* And those of one option, or of a few. */
extern option_setter option_set_boot, option_set_clock, option_set_display, option_set_triple_fault, option_set_exit_port,
    option_set_net, option_set_serial, option_set_level, option_set_executor, option_set_perf_map, option_set_horizon,
    option_set_variants, option_set_windows, option_set_stress, option_set_part, option_add_mount, option_add_command;

#endif
