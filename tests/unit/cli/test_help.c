/* Help and man page: everything of the table is there, lines fit. */
#include "cli_tests.h"

#include "options.h"
#include "options_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *help_text(enum command command)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    help_print(out, command);
    fclose(out);
    return text;
}

static void help_lists_what_the_command_takes(void **state)
{
    (void)state;
    for (size_t c = 0; c < command_row_count; c++) {
        char *text = help_text(command_rows[c].command);
        for (size_t i = 0; i < option_row_count; i++) {
            char line[64];
            const struct option_row *row = &option_rows[i];
            snprintf(line, sizeof line, "\n  --%s%s", row->name, row->optional ? "[=" : row->metavar ? "=" : " ");
            bool wanted = (row->commands & command_rows[c].command) && !row->hidden;
            if ((strstr(text, line) != NULL) != wanted)
                fail_msg("help of %s: --%s is %s", command_rows[c].name, row->name,
                         wanted ? "missing" : "too much");
        }
        free(text);
    }
}

static void help_fits_a_terminal(void **state)
{
    static const enum command commands[] = {COMMAND_NONE, COMMAND_RUN, COMMAND_AB, COMMAND_CLUSTERS, COMMAND_DOCTOR};
    (void)state;
    for (size_t c = 0; c < ARRAY_LEN(commands); c++) {
        char *text = help_text(commands[c]);
        for (const char *p = text; *p; p += strcspn(p, "\n") + 1)
            assert_in_range(strcspn(p, "\n"), 0, 80);
        free(text);
    }
}

static void help_reads_well(void **state)
{
    char *text = help_text(COMMAND_AB);
    (void)state;
    assert_golden("help-ab.txt", text);
    free(text);
}

static void man_page_has_every_option(void **state)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    help_man(out);
    fclose(out);
    for (size_t i = 0; i < option_row_count; i++) {
        char line[80] = "\n.B \\-\\-";
        for (const char *p = option_rows[i].name; *p; p++)
            strcat(line, *p == '-' ? "\\-" : (char[]){*p, 0});
        strcat(line, "\\fR");
        assert_true((strstr(text, line) != NULL) == !option_rows[i].hidden);
    }
    assert_non_null(strstr(text, "\n.SH SCRIPTS\n"));
    free(text);
}

int test_help(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_what_the_command_takes),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(help_reads_well),
        cmocka_unit_test(man_page_has_every_option),
    };
    return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
