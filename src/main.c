/* huddle: command line in, process status out. The only place that ends the process. */
#include "cmd.h"

#include <signal.h>
#include <stdlib.h>

static int run_command(const struct options *options)
{
    switch (options->command) {
    case COMMAND_RUN:
        return cmd_run(options);
    case COMMAND_AB:
        return cmd_ab(options);
    case COMMAND_CLUSTERS:
        return cmd_clusters(options);
    case COMMAND_DOCTOR:
        return cmd_doctor(options);
    case COMMAND_BENCH:
        return cmd_bench(options);
    case COMMAND_TOP:
        return cmd_top(options);
    default:
        return STATUS_USAGE;
    }
}

static const char *command_help(enum command command)
{
    switch (command) {
    case COMMAND_RUN:
        return "huddle run --help";
    case COMMAND_AB:
        return "huddle ab --help";
    case COMMAND_CLUSTERS:
        return "huddle clusters --help";
    case COMMAND_DOCTOR:
        return "huddle doctor --help";
    case COMMAND_BENCH:
        return "huddle bench --help";
    case COMMAND_TOP:
        return "huddle top --help";
    default:
        return "huddle --help";
    }
}

int main(int argc, char *argv[])
{
    struct options options;
    char why[OPTIONS_WHY_BYTES];
    signal(SIGPIPE, SIG_IGN); /* a closed reader is a write error, told where it happens */
    signal(SIGXFSZ, SIG_IGN); /* so is a file that has become too large */
    switch (options_parse(&options, argc, argv, why)) {
    case OPTIONS_OK:
        exit(run_command(&options));
    case OPTIONS_HELP:
        help_print(stdout, options.command);
        exit(STATUS_OK);
    case OPTIONS_VERSION:
        printf("huddle %s\n", HUDDLE_VERSION);
        exit(STATUS_OK);
    case OPTIONS_MAN:
        help_man(stdout);
        exit(STATUS_OK);
    case OPTIONS_USAGE:
        break;
    }
    fprintf(stderr, "huddle: %s\nhuddle: try '%s'\n", why, command_help(options.command));
    exit(STATUS_USAGE);
}
