/* Runs every group; what they share. */
#include "cli_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *temp_file(const char *name, const void *data, size_t len, u64 bytes)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % ARRAY_LEN(paths)];
    snprintf(path, sizeof paths[0], "huddle-test-%d-%s", (int)getpid(), name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fflush(file), 0);
    assert_int_equal(ftruncate(fileno(file), (off_t)bytes), 0);
    fclose(file);
    return path;
}

void assert_golden(const char *name, const char *text)
{
    char path[512], golden[32768];
    snprintf(path, sizeof path, "%s/%s", GOLDEN_DIR, name);
    FILE *file = fopen(path, getenv("HUDDLE_REBASE") ? "w" : "r");
    assert_non_null(file);
    if (getenv("HUDDLE_REBASE")) {
        assert_true(fputs(text, file) >= 0);
        fclose(file);
        return;
    }
    size_t n = fread(golden, 1, sizeof golden - 1, file);
    golden[n] = '\0';
    fclose(file);
    assert_string_equal(text, golden);
}

int main(void)
{
    return test_options() + test_help() + test_drives() + test_firmware() + test_script() +
           test_difference() + test_report() + test_json() + test_doctor() + test_leave_point() +
           test_explain() + test_html() + test_timeline();
}
