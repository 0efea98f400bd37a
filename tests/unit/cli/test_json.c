/* The shape of the JSON files: programs read them. */
#include "cli_tests.h"

#include "fake_runs.h"
#include "report/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The value at "a.b.0.c"; fails the test if it is not there. */
static json_t *at(json_t *json, const char *path)
{
    char name[64];
    while (*path) {
        size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(name)) : json_object_get(json, name);
        if (!json)
            fail_msg("no %s in the JSON", name);
        path += n + (path[n] == '.');
    }
    return json;
}

static json_int_t number_at(json_t *json, const char *path)
{
    json_t *value = at(json, path);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void assert_text_at(json_t *json, const char *path, const char *expected)
{
    json_t *value = at(json, path);
    assert_true(json_is_string(value));
    assert_string_equal(json_string_value(value), expected);
}

static void variant_object(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 2);
    json_t *json = json_variant(&fake.runs[1]);
    assert_text_at(json, "name", "on");
    assert_text_at(json, "end.reason", "exit_port");
    assert_int_equal(number_at(json, "end.status"), 1);
    assert_int_equal(number_at(json, "exits.total"), fake.runs[1].exits_total);
#define X(id, text) assert_int_equal(number_at(json, "exits." #id), fake.runs[1].exits[EXIT_##id]);
    EXIT_KINDS(X)
#undef X
#define X(id, text)                                                                                          \
    assert_int_equal(number_at(json, "clusters.left." #id), fake.runs[1].clusters.leave[LEAVE_##id]);
    CLUSTER_LEAVES(X)
#undef X
#define X(id, text)                                                                                          \
    assert_int_equal(number_at(json, "clusters.not_run." #id), fake.runs[1].clusters.miss[MISS_##id]);
    CLUSTER_MISSES(X)
#undef X
    assert_int_equal(number_at(json, "kvm_run"), fake.runs[1].kvm_run);
    assert_int_equal(number_at(json, "ioctls"), 260);
    assert_text_at(json, "net.name", "echo");
    assert_int_equal(number_at(json, "net.sent"), 1001);
    assert_int_equal(number_at(json, "net.received_bytes"), 780456);
#define X(id, text) assert_int_equal(number_at(json, "net.dropped." #id), fake.runs[1].net.dropped[NET_DROP_##id]);
    NET_DROPS(X)
#undef X
    assert_int_equal(number_at(json, "net.round_trips.count"), 998);
    assert_int_equal(number_at(json, "net.round_trips.exits"), fake.runs[1].net.trip_exits);
    assert_int_equal(number_at(json, "accesses"), 81234);
    assert_int_equal(number_at(json, "interrupts"), 120);
    assert_int_equal(number_at(json, "clusters.formed"), 34);
    assert_int_equal(number_at(json, "clusters.exits_avoided"), fake.runs[1].clusters.exits_avoided);
    assert_text_at(json, "clusters.stops.0.mnemonic", "iret");
    assert_int_equal(json_array_size(at(json, "clusters.stops")), 2);
    assert_text_at(json, "executor", "host");
    assert_int_equal(number_at(json, "translation.translations"), 36);
    assert_int_equal(number_at(json, "translation.instructions"), 360);
    assert_int_equal(number_at(json, "translation.code_bytes"), 45678);
    assert_int_equal(number_at(json, "translation.host_ns"), 2340000);
    assert_int_equal(number_at(json, "translation.flushes"), 0);
    assert_int_equal(number_at(json, "translation.faults"), 12);
    assert_int_equal(number_at(json, "translation.recompiled"), 2);
    assert_int_equal(number_at(json, "translation.interpreted"), 345);
    assert_int_equal(number_at(json, "translation.failed"), 0);
    assert_int_equal(number_at(json, "host_ns.total"), fake.runs[1].host_ns_total);
    assert_int_equal(number_at(json, "host_ns.kvm"), fake.runs[1].host_ns_kvm);
    assert_int_equal(number_at(json, "host_ns.devices"), 90000000);
    assert_int_equal(number_at(json, "host_ns.cluster"), 9000000);
    assert_int_equal(number_at(json, "cpu_ns"), fake.runs[1].cpu_ns);
    assert_text_at(json, "result.stream_hash", "1122334455667788");
    assert_text_at(json, "targets.0.name", "VGA memory A0000h-AFFFFh");
    assert_int_equal(json_array_size(at(json, "targets")), 4);
    assert_text_at(json, "sites.2.instruction", "in al, dx");
    json_decref(json);
}

static void identical_runs(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 2);
    fake_ab_add_windows(&fake);
    json_t *json = ab_json(&fake.report);
    assert_text_at(json, "guest", "planar.img");
    assert_text_at(json, "backend", "nested vmx");
    assert_true(json_is_true(at(json, "identical")));
    assert_true(json_is_null(at(json, "first_difference")));
    assert_int_equal(json_array_size(at(json, "variants")), 2);
    assert_text_at(json, "variants.0.name", "off");
    assert_true(json_is_null(at(json, "variants.0.translation")));
    assert_int_equal(json_array_size(at(json, "windows")), 3);
    assert_int_equal(number_at(json, "windows.2.window"), 64);
    assert_true(json_is_true(at(json, "windows.2.identical")));
    assert_true(json_real_value(at(json, "windows.1.ratio")) > 11.9);
    json_decref(json);
}

static void different_runs(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 2);
    fake_ab_differ(&fake);
    json_t *json = ab_json(&fake.report);
    assert_true(json_is_false(at(json, "identical")));
    assert_true(json_is_true(at(json, "variants.0.identical")));
    assert_true(json_is_false(at(json, "variants.1.identical")));
    assert_text_at(json, "first_difference.kind", "access");
    assert_int_equal(number_at(json, "first_difference.index"), 7);
    assert_text_at(json, "first_difference.a.variant", "off");
    assert_int_equal(number_at(json, "first_difference.a.access.value"), 0);
    assert_int_equal(number_at(json, "first_difference.b.access.value"), 9);
    assert_text_at(json, "first_difference.b.access.text", "port read 3DAh (VGA input status 1): 09h");
    assert_int_equal(json_array_size(at(json, "first_difference.context")), DIFFERENCE_CONTEXT);
    json_decref(json);
}

/* A name that is not UTF-8 must not make the file unreadable. */
static void odd_names(void **state)
{
    struct fake_ab fake;
    (void)state;
    fake_ab_init(&fake, 2);
    fake.report.guest = "caf\xe9.img";
    strcpy(fake.runs[0].end_text, "\xff\xfe");
    json_t *json = ab_json(&fake.report);
    assert_text_at(json, "guest", "caf?.img");
    assert_text_at(json, "variants.0.end.text", "??");
    json_decref(json);
}

static void files(void **state)
{
    struct fake_ab fake;
    json_error_t error;
    const char *path = temp_file("out.json", "old", 3, 3);
    (void)state;
    fake_ab_init(&fake, 2);
    json_t *json = ab_json(&fake.report);
    assert_int_equal(json_write(json, path), 0);
    json_t *read_back = json_load_file(path, 0, &error);
    assert_non_null(read_back);
    assert_true(json_equal(json, read_back));
    assert_int_not_equal(json_write(json, "/no/such/file.json"), 0);
    json_decref(read_back);
    json_decref(json);
    unlink(path);
}

int test_json(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variant_object), cmocka_unit_test(identical_runs), cmocka_unit_test(different_runs),
        cmocka_unit_test(odd_names),      cmocka_unit_test(files),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
