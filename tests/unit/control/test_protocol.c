/* Framing, requests, arguments, keys. */
#include "control_tests.h"

#include "control/qcode.h"
#include "control/qmp.h"
#include "control/qmp_split.h"

#include <stdlib.h>
#include <string.h>

/* What comes out of `input` when it arrives in pieces of `piece` bytes: "{...}" for a text, "!" for junk. */
static void cut(char *out, const char *input, size_t bytes, size_t piece)
{
    struct qmp_split *split = calloc(1, sizeof *split);
    const char *why;
    *out = '\0';
    for (size_t done = 0; done < bytes;) {
        const char *at = input + done;
        size_t left = bytes - done < piece ? bytes - done : piece;
        done += left;
        while (left) {
            enum qmp_cut got = qmp_split(split, &at, &left, &why);
            if (got == QMP_WHOLE)
                strncat(out, split->text, split->bytes);
            else if (got == QMP_JUNK)
                strcat(out, "!");
            assert_true(split->bytes <= QMP_TEXT_MAX && split->depth <= QMP_DEPTH_MAX);
        }
    }
    free(split);
}

static void texts_are_cut_at_their_last_bracket(void **state)
{
    static const struct {
        const char *input, *expected;
    } rows[] = {
        {"{}", "{}"},
        {" \r\n{} \t{\"a\":1}\n", "{}{\"a\":1}"},
        {"{\"a\":\"}\"}", "{\"a\":\"}\"}"},
        {"{\"a\":\"\\\"}\"}", "{\"a\":\"\\\"}\"}"},
        {"{\"a\":\"\\\\\"}", "{\"a\":\"\\\\\"}"},
        {"[1,{\"b\":[]}]", "[1,{\"b\":[]}]"},
        {"{\n\"a\":\n1}", "{\n\"a\":\n1}"},
        {"hello\n{}", "!{}"},
        {"123 {}\n{}", "!{}"},
        {"{]{}\n{}", "!{}"},
        {"[}\n[]", "![]"},
        {"{\"a\n{}", "!{}"}, /* no line end in strings */
        {"{\"a", ""},
        {"}\n{}", "!{}"},
        {"\"{}\"\n{}", "!{}"},
    };
    char out[256];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        for (size_t piece = 1; piece <= 3; piece++) {
            cut(out, rows[i].input, strlen(rows[i].input), piece);
            assert_string_equal(out, rows[i].expected);
        }
    cut(out, "{\0}\n{}", 6, 6);
    assert_string_equal(out, "!{}");
}

static void what_is_too_much_is_refused_once(void **state)
{
    enum { BYTES = 3 * QMP_TEXT_MAX };
    char *input = malloc(BYTES), *out = malloc(BYTES);
    (void)state;
    memset(input, '[', BYTES); /* too deep */
    memcpy(input + BYTES - 3, "\n{}", 3);
    cut(out, input, BYTES, 4096);
    assert_string_equal(out, "!{}");
    memset(input, ' ', BYTES); /* too long */
    input[0] = '{';
    memcpy(input + BYTES - 3, "\n{}", 3);
    cut(out, input, BYTES, 4096);
    assert_string_equal(out, "!{}");
    memset(input, 'x', BYTES); /* a string without end */
    memcpy(input, "{\"", 2);
    cut(out, input, BYTES, 4096);
    assert_string_equal(out, "!");
    memset(input, '[', QMP_DEPTH_MAX); /* just not too deep */
    memset(input + QMP_DEPTH_MAX, ']', QMP_DEPTH_MAX);
    cut(out, input, 2 * QMP_DEPTH_MAX, 4096);
    assert_int_equal(strlen(out), 2 * QMP_DEPTH_MAX);
    free(input);
    free(out);
}

/* Whatever comes, nothing is written outside, and a command on a line of its own is understood behind it. */
static void random_bytes_do_no_harm(void **state)
{
    static const char letters[] = "{}[]\"\\:,01ae \n\r\t\0\xff";
    enum { BYTES = 5000, ROUNDS = 200 };
    char *input = malloc(BYTES + 16), *out = malloc(4 * BYTES);
    u32 seed = 12345, found = 0;
    (void)state;
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 i = 0; i < BYTES; i++) {
            seed = seed * 1664525 + 1013904223;
            input[i] = letters[(seed >> 16) % (sizeof letters - 1)];
        }
        /* Out of a string and of brackets, whatever the state. */
        memcpy(input + BYTES, "\n}]\n\n{\"last\":1}", 15);
        cut(out, input, BYTES + 15, 1 + round % 97);
        found += strstr(out, "{\"last\":1}") != NULL;
    }
    assert_true(found > ROUNDS / 2); /* random brackets may stay open */
    free(input);
    free(out);
}

static void requests_are_understood(void **state)
{
    struct qmp_request r;
    char why[QMP_WHY_BYTES];
    static const char good[] = "{\"execute\":\"stop\",\"id\":[7],\"arguments\":{\"a\":1}}";
    (void)state;
    assert_true(qmp_request_parse(&r, good, strlen(good), why));
    assert_string_equal(r.execute, "stop");
    assert_int_equal(json_object_size(r.arguments), 1);
    json_t *reply = qmp_return(NULL, r.id);
    char *text = json_dumps(reply, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"id\":[7],\"return\":{}}");
    free(text);
    json_decref(reply);
    qmp_request_fini(&r);
}

static void bad_requests_get_a_reason(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"[]", "QMP input must be a JSON object"},
        {"{}", "QMP input lacks member 'execute'"},
        {"{\"id\":1}", "QMP input lacks member 'execute'"},
        {"{\"execute\":1}", "QMP input member 'execute' must be a string"},
        {"{\"execute\":\"stop\",\"arguments\":[]}", "QMP input member 'arguments' must be an object"},
        {"{\"execute\":\"stop\",\"extra\":1}", "QMP input member 'extra' is unexpected"},
        {"{\"execute\":\"stop\",\"execute\":\"stop\"}", "JSON parse error, "},
        {"{,}", "JSON parse error, "},
        {"{\"a\":1e999}", "JSON parse error, "},
        {"{\"a\":\"\\u0000\"}", "JSON parse error, "},
        {"{\"a\":\"\xff\"}", "JSON parse error, "},
    };
    struct qmp_request r;
    char why[QMP_WHY_BYTES];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_false(qmp_request_parse(&r, rows[i].text, strlen(rows[i].text), why));
        assert_memory_equal(why, rows[i].why,
                            strlen(rows[i].why)); /* the parser's own words come behind it */
        qmp_request_fini(&r);
    }
}

static void arguments_are_checked(void **state)
{
    static const struct qmp_param params[] = {{"name", QMP_TYPE_STRING}, {"n", QMP_TYPE_INT, true}, {NULL}};
    static const struct {
        const char *text, *why; /* NULL: good */
    } rows[] = {
        {"{\"name\":\"x\"}", NULL},
        {"{\"name\":\"x\",\"n\":3}", NULL},
        {"{}", "Parameter 'name' is missing"},
        {"{\"name\":1}", "Invalid parameter type for 'name', expected: string"},
        {"{\"name\":\"x\",\"n\":1.5}", "Invalid parameter type for 'n', expected: integer"},
        {"{\"name\":\"x\",\"m\":1}", "Parameter 'm' is unexpected"},
    };
    char why[QMP_WHY_BYTES];
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_t *arguments = json_loads(rows[i].text, 0, NULL);
        assert_int_equal(qmp_check_arguments(arguments, params, why), rows[i].why == NULL);
        if (rows[i].why)
            assert_string_equal(why, rows[i].why);
        json_decref(arguments);
    }
    assert_false(qmp_check_arguments(NULL, params, why));
    assert_string_equal(why, "Parameter 'name' is missing");
}

static void keys_have_qemus_names(void **state)
{
    (void)state;
    assert_int_equal(qcode_key("a"), KEY_A);
    assert_int_equal(qcode_key("ret"), KEY_ENTER);
    assert_int_equal(qcode_key("kp_enter"), KEY_KP_ENTER);
    assert_int_equal(qcode_key("ctrl_r"), KEY_RIGHT_CTRL);
    assert_int_equal(qcode_key("A"), KEY_NONE);
    assert_int_equal(qcode_key(""), KEY_NONE);
    /* Scan code set 1. */
    assert_int_equal(qcode_number_key(0x1e), KEY_A);
    assert_int_equal(qcode_number_key(0x1c), KEY_ENTER);
    assert_int_equal(qcode_number_key(0x9c), KEY_KP_ENTER);
    assert_int_equal(qcode_number_key(0xd3), KEY_DELETE);
    assert_int_equal(qcode_number_key(0), KEY_NONE);
    assert_int_equal(qcode_number_key(-1), KEY_NONE);
    assert_int_equal(qcode_number_key(0x11e), KEY_NONE);
}

const struct CMUnitTest protocol_tests[] = {
    cmocka_unit_test(texts_are_cut_at_their_last_bracket),
    cmocka_unit_test(what_is_too_much_is_refused_once),
    cmocka_unit_test(random_bytes_do_no_harm),
    cmocka_unit_test(requests_are_understood),
    cmocka_unit_test(bad_requests_get_a_reason),
    cmocka_unit_test(arguments_are_checked),
    cmocka_unit_test(keys_have_qemus_names),
};
const size_t protocol_test_count = ARRAY_LEN(protocol_tests);
