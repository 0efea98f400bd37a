/* Finding the first difference of two runs. */
#include "cli_tests.h"

#include "dev/devices.h"
#include "fake_runs.h"
#include "report/difference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    struct run_stats a, b;
    struct access records_a[16], records_b[16];
    u32 n_a, n_b;
};

static void pair_init(struct pair *p)
{
    memset(p, 0, sizeof *p);
    p->n_a = fake_records(p->records_a);
    p->n_b = fake_records(p->records_b);
    p->a =
        (struct run_stats){.variant = "off", .end = RUN_END_EXIT_PORT, .status = 1, .stream_count = p->n_a};
    p->b = p->a;
    strcpy(p->b.variant, "on");
}

static struct difference find(struct pair *p)
{
    struct difference d;
    difference_find(&d, &p->a, (struct records){p->records_a, p->n_a}, &p->b,
                    (struct records){p->records_b, p->n_b});
    assert_true(d.a == &p->a && d.b == &p->b);
    return d;
}

static void same(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p);
    assert_int_equal(find(&p).kind, DIFFERENCE_NONE);
}

static void every_field_of_a_record_counts(void **state)
{
    (void)state;
    for (int field = 0; field < 4; field++) {
        struct pair p;
        pair_init(&p);
        struct access *r = &p.records_b[6];
        *(field == 0 ? &r->addr : &r->value) += field < 2;
        *(field == 2 ? &r->kind : &r->size) += field >= 2;
        p.b.stream_hash = 1;
        struct difference d = find(&p);
        assert_int_equal(d.kind, DIFFERENCE_ACCESS);
        assert_int_equal(d.index, 6);
        assert_int_equal(d.n_context, DIFFERENCE_CONTEXT);
        assert_memory_equal(d.context, &p.records_a[2], sizeof d.context);
        assert_memory_equal(&d.record_b, r, sizeof *r);
    }
}

static void at_the_very_first_access(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p);
    p.records_a[0].value ^= 1;
    p.a.stream_hash = 1;
    struct difference d = find(&p);
    assert_int_equal(d.kind, DIFFERENCE_ACCESS);
    assert_int_equal(d.index, 0);
    assert_int_equal(d.n_context, 0);
}

static void one_goes_on(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p);
    p.n_a = 9;
    p.a.stream_count = 9;
    struct difference d = find(&p);
    assert_int_equal(d.kind, DIFFERENCE_LENGTH);
    assert_int_equal(d.index, 9);
    assert_false(d.has_a);
    assert_true(d.has_b);
    p.a.end = RUN_END_TIMEOUT;
    assert_int_equal(find(&p).kind, DIFFERENCE_STOPPED);
    p.a.end = RUN_END_EXIT_PORT;
    p.b.end = RUN_END_TIMEOUT; /* the longer one was stopped: it had already gone too far */
    assert_int_equal(find(&p).kind, DIFFERENCE_LENGTH);
}

static void only_the_beginning_was_kept(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p);
    p.n_a = p.n_b = 5;
    p.b.stream_hash = 1;
    assert_int_equal(find(&p).kind, DIFFERENCE_BEYOND);
    p.n_b = 11;
    assert_int_equal(find(&p).kind, DIFFERENCE_BEYOND);
    p.records_b[3].value++;
    assert_int_equal(find(&p).kind, DIFFERENCE_ACCESS);
    p.n_a = p.n_b = 0;
    assert_int_equal(find(&p).kind, DIFFERENCE_BEYOND);
}

/* Stopped between the same two accesses, at different places there. */
static void stopped_between_accesses(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p);
    p.a.end = p.b.end = RUN_END_TIMEOUT;
    assert_int_equal(find(&p).kind, DIFFERENCE_NONE);
    p.b.ram_hash = 1;
    struct difference d = find(&p);
    assert_int_equal(d.kind, DIFFERENCE_STOPPED);
    assert_int_equal(d.index, p.a.stream_count);
    p.b.end = RUN_END_EXIT_PORT;
    assert_int_equal(find(&p).kind, DIFFERENCE_STOPPED);
    p.a.end = RUN_END_EXIT_PORT;
    assert_int_equal(find(&p).kind, DIFFERENCE_RAM);
}

static void what_remains(void **state)
{
    struct pair p;
    (void)state;
    pair_init(&p);
    p.b.frame_hash = 1;
    assert_int_equal(find(&p).kind, DIFFERENCE_FRAME);
    p.b.ram_hash = 1;
    assert_int_equal(find(&p).kind, DIFFERENCE_RAM);
    p.b.status = 3;
    assert_int_equal(find(&p).kind, DIFFERENCE_END);
    p.b.end = RUN_END_HOST_ERROR;
    assert_int_equal(find(&p).kind, DIFFERENCE_FAILED);
}

static void memory_that_differs_is_located(void **state)
{
    struct pair p;
    u8 a[64] = {0}, b[64] = {0};
    char *text;
    size_t size;
    (void)state;
    pair_init(&p);
    p.b.ram_hash = 1;
    struct difference d = find(&p);
    difference_locate_ram(&d, a, b, sizeof a);
    assert_false(d.ram_located);
    b[60] = 0xaa; /* nearer to the end than what is shown */
    b[63] = 0xbb;
    difference_locate_ram(&d, a, b, sizeof a);
    assert_int_equal(d.ram_addr, 60);
    assert_int_equal(d.ram_differing, 2);
    FILE *out = open_memstream(&text, &size);
    difference_print(out, &d, NULL);
    fclose(out);
    assert_non_null(strstr(text, "2 bytes differ, the first at 0000003Ch"));
    assert_non_null(strstr(text, " aa 00 00 bb"));
    free(text);
}

static void records_read_as_text(void **state)
{
    struct access r[16];
    char text[128];
    (void)state;
    fake_records(r);
    difference_format_access(text, sizeof text, &r[0], fake_port_name);
    assert_string_equal(text, "port write 3CEh (VGA GC index): 05h");
    difference_format_access(text, sizeof text, &r[0], NULL);
    assert_string_equal(text, "port write 3CEh: 05h");
    difference_format_access(text, sizeof text, &r[3], fake_port_name);
    assert_string_equal(text, "memory write A0000h: 1234h");
    difference_format_access(text, sizeof text, &r[4], fake_port_name);
    assert_string_equal(text, "interrupt 08h");
    r[0].kind = 99;
    difference_format_access(text, sizeof text, &r[0], fake_port_name);
    assert_string_equal(text, "? 3CEh: 05h");
}

/* The names in a report are those of the machine's own port tables. */
static void ports_have_names(void **state)
{
    (void)state;
    assert_non_null(devices_port_name(0x20));
    assert_non_null(strstr(devices_port_name(0x3cf), "VGA"));
    assert_string_not_equal(devices_port_name(0x3ce), devices_port_name(0x3cf));
    assert_null(devices_port_name(0x1234));
}

static void differences_print(void **state)
{
    struct pair p;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    (void)state;
    pair_init(&p);
    p.n_b = 9;
    p.b.stream_count = 9;
    p.b.end = RUN_END_CRASH;
    p.b.status = 70;
    strcpy(p.a.end_text, "the guest wrote 0 to port F4h");
    strcpy(p.b.end_text, "triple fault");
    struct difference d = find(&p);
    difference_print(out, &d, fake_port_name);
    fclose(out);
    assert_golden("difference-length.txt", text);
    free(text);
}

int test_difference(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same),
        cmocka_unit_test(every_field_of_a_record_counts),
        cmocka_unit_test(at_the_very_first_access),
        cmocka_unit_test(one_goes_on),
        cmocka_unit_test(only_the_beginning_was_kept),
        cmocka_unit_test(stopped_between_accesses),
        cmocka_unit_test(what_remains),
        cmocka_unit_test(memory_that_differs_is_located),
        cmocka_unit_test(records_read_as_text),
        cmocka_unit_test(ports_have_names),
        cmocka_unit_test(differences_print),
    };
    return cmocka_run_group_tests_name("difference", tests, NULL, NULL);
}
