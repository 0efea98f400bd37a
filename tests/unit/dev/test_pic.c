/* The 8259A pair: 8259A data sheet, "Interrupt sequence", "Operation command words", "Priority modes". */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/pic.h"

enum { MASTER = 0x20, SLAVE = 0xa0 };
enum {
    EOI = 0x20,
    EOI_SPECIFIC = 0x60,
    ROTATE_ON_EOI = 0xa0,
    ROTATE_ON_EOI_SPECIFIC = 0xe0,
    SET_PRIORITY = 0xc0,
    ROTATE_IN_AEOI = 0x80,
    NO_ROTATE_IN_AEOI = 0x00
};
enum { READ_IRR = 0x0a, READ_ISR = 0x0b, POLL = 0x0c, SPECIAL_MASK = 0x68, NO_SPECIAL_MASK = 0x48 };
enum { ICW4_8086 = 0x01, ICW4_AEOI = 0x02, ICW4_SFNM = 0x10 };

static void init_chip(struct rig *rig, u16 base, u8 icw1, u8 vector, u8 icw3, u8 icw4)
{
    rig_out(rig, base, icw1);
    rig_out(rig, base + 1, vector);
    if (!(icw1 & 2))
        rig_out(rig, base + 1, icw3);
    if (icw1 & 1)
        rig_out(rig, base + 1, icw4);
    rig_out(rig, base + 1, 0);
}

/* As a BIOS does it: vectors 08h and 70h, everything unmasked. */
static struct rig *new_pic(u8 master_icw4, u8 slave_icw4)
{
    struct rig *rig = rig_new();
    rig_add(rig, &pic_class);
    init_chip(rig, MASTER, 0x11, 0x08, 0x04, master_icw4);
    init_chip(rig, SLAVE, 0x11, 0x70, 0x02, slave_icw4);
    return rig;
}

static void raise_irq(struct rig *rig, u8 n)
{
    irq_set(&rig->machine.irq[n], true);
}

static void lower_irq(struct rig *rig, u8 n)
{
    irq_set(&rig->machine.irq[n], false);
}

static void pulse(struct rig *rig, u8 n)
{
    lower_irq(rig, n);
    raise_irq(rig, n);
}

static u8 ack(struct rig *rig)
{
    return pic_acknowledge(rig->machine.pic);
}

static u8 read_reg(struct rig *rig, u16 base, u8 ocw3)
{
    rig_out(rig, base, ocw3);
    return rig_in(rig, base);
}

static void pic_takes_an_edge(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    assert_false(rig->machine.intr);
    raise_irq(rig, 4);
    assert_true(rig->machine.intr);
    assert_int_equal(rig_in(rig, MASTER), 0x10); /* IRR is the default */
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0);
    assert_int_equal(ack(rig), 0x0c);
    assert_false(rig->machine.intr);
    assert_int_equal(read_reg(rig, MASTER, READ_IRR), 0);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x10);
    rig_out(rig, MASTER, EOI);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0);
    /* The line is still high: no second interrupt without an edge. */
    raise_irq(rig, 4);
    assert_false(rig->machine.intr);
    pulse(rig, 4);
    assert_true(rig->machine.intr);
    rig_free(rig);
}

static void pic_edge_that_falls_early_is_spurious(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    raise_irq(rig, 4);
    lower_irq(rig, 4);
    assert_false(rig->machine.intr);
    assert_int_equal(read_reg(rig, MASTER, READ_IRR), 0);
    assert_int_equal(ack(rig), 0x0f); /* IR7, and not in service */
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0);
    rig_free(rig);
}

static void pic_level_follows_the_line(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    rig_out(rig, 0x4d0, 0xff);
    rig_out(rig, 0x4d1, 0xff);
    assert_int_equal(rig_in(rig, 0x4d0), 0xf8); /* IRQ 0-2, 8 and 13 stay edge triggered */
    assert_int_equal(rig_in(rig, 0x4d1), 0xde);
    raise_irq(rig, 5);
    assert_int_equal(ack(rig), 0x0d);
    assert_int_equal(read_reg(rig, MASTER, READ_IRR), 0x20);
    assert_false(rig->machine.intr);
    rig_out(rig, MASTER, EOI);
    assert_true(rig->machine.intr); /* still high: asks again */
    lower_irq(rig, 5);
    assert_false(rig->machine.intr);
    rig_free(rig);
}

static void pic_level_mode_of_icw1(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    raise_irq(rig, 3);
    init_chip(rig, MASTER, 0x19, 0x08, 0x04, ICW4_8086);
    assert_true(rig->machine.intr); /* no edge needed */
    assert_int_equal(ack(rig), 0x0b);
    rig_out(rig, MASTER, EOI);
    assert_true(rig->machine.intr);
    rig_free(rig);
}

static void pic_priority_nests(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    raise_irq(rig, 6);
    raise_irq(rig, 3);
    assert_int_equal(ack(rig), 0x0b);
    assert_false(rig->machine.intr); /* 6 waits for 3 */
    raise_irq(rig, 1);
    assert_true(rig->machine.intr);
    assert_int_equal(ack(rig), 0x09);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x0a);
    rig_out(rig, MASTER, EOI); /* the highest in service: 1 */
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x08);
    assert_false(rig->machine.intr);
    rig_out(rig, MASTER, EOI);
    assert_true(rig->machine.intr);
    assert_int_equal(ack(rig), 0x0e);
    rig_free(rig);
}

static void pic_mask_holds_and_keeps(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    rig_out(rig, MASTER + 1, 0x10);
    assert_int_equal(rig_in(rig, MASTER + 1), 0x10);
    raise_irq(rig, 4);
    assert_false(rig->machine.intr);
    assert_int_equal(read_reg(rig, MASTER, READ_IRR), 0x10);
    assert_true(pic_masked(rig->machine.pic, 4));
    assert_false(pic_masked(rig->machine.pic, 12));
    rig_out(rig, MASTER + 1, 0x04);
    assert_true(pic_masked(rig->machine.pic, 12)); /* through the cascade */
    assert_true(rig->machine.intr);
    rig_free(rig);
}

static void pic_specific_eoi(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    raise_irq(rig, 6);
    ack(rig);
    raise_irq(rig, 1);
    ack(rig);
    rig_out(rig, MASTER, EOI_SPECIFIC | 6);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x02);
    rig_free(rig);
}

static void pic_rotates(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    rig_out(rig, MASTER, SET_PRIORITY | 4); /* 5 is the highest now, 4 the lowest */
    raise_irq(rig, 0);
    raise_irq(rig, 4);
    raise_irq(rig, 5);
    assert_int_equal(ack(rig), 0x0d);
    rig_out(rig, MASTER, ROTATE_ON_EOI); /* 5 becomes the lowest: 0 before 4 */
    assert_int_equal(ack(rig), 0x08);
    rig_out(rig, MASTER, ROTATE_ON_EOI_SPECIFIC | 0); /* 0 lowest */
    pulse(rig, 0);
    assert_int_equal(ack(rig), 0x0c);
    rig_free(rig);
}

static void pic_automatic_eoi(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086 | ICW4_AEOI, ICW4_8086);
    raise_irq(rig, 3);
    assert_int_equal(ack(rig), 0x0b);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0);
    rig_out(rig, MASTER, ROTATE_IN_AEOI);
    pulse(rig, 3);
    ack(rig); /* 3 is the lowest now */
    pulse(rig, 3);
    pulse(rig, 6);
    assert_int_equal(ack(rig), 0x0e);
    assert_int_equal(ack(rig), 0x0b);
    rig_out(rig, MASTER, NO_ROTATE_IN_AEOI);
    pulse(rig, 5);
    ack(rig);
    pulse(rig, 5); /* still second after 4: 3 was the last to rotate */
    pulse(rig, 6);
    assert_int_equal(ack(rig), 0x0d);
    rig_free(rig);
}

static void pic_special_mask_mode(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    raise_irq(rig, 3);
    ack(rig);
    raise_irq(rig, 6);
    assert_false(rig->machine.intr);
    rig_out(rig, MASTER + 1, 0x08);
    assert_false(rig->machine.intr);
    rig_out(rig, MASTER, SPECIAL_MASK);
    assert_true(rig->machine.intr); /* 3 is in service but masked */
    assert_int_equal(ack(rig), 0x0e);
    rig_out(rig, MASTER, EOI); /* does not touch the masked 3 */
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x08);
    rig_out(rig, MASTER, EOI);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x08);
    rig_out(rig, MASTER, NO_SPECIAL_MASK);
    rig_out(rig, MASTER, EOI);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0);
    rig_free(rig);
}

static void pic_cascades(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    raise_irq(rig, 12);
    raise_irq(rig, 3);
    assert_true(rig->machine.intr);
    assert_int_equal(ack(rig), 0x74); /* IR2 before IR3 */
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x04);
    assert_int_equal(read_reg(rig, SLAVE, READ_ISR), 0x10);
    raise_irq(rig, 8); /* a higher one on the slave waits for the master's EOI */
    assert_false(rig->machine.intr);
    rig_out(rig, MASTER, EOI);
    assert_true(rig->machine.intr);
    assert_int_equal(ack(rig), 0x70);
    rig_out(rig, SLAVE, EOI);
    rig_out(rig, SLAVE, EOI);
    rig_out(rig, MASTER, EOI);
    assert_int_equal(ack(rig), 0x0b);
    rig_free(rig);
}

static void pic_special_fully_nested(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086 | ICW4_SFNM, ICW4_8086);
    raise_irq(rig, 12);
    assert_int_equal(ack(rig), 0x74);
    raise_irq(rig, 14); /* lower on the slave: no */
    assert_false(rig->machine.intr);
    raise_irq(rig, 8); /* higher on the slave: yes, although IR2 is in service */
    assert_true(rig->machine.intr);
    assert_int_equal(ack(rig), 0x70);
    raise_irq(rig, 3); /* below IR2 on the master: no */
    assert_false(rig->machine.intr);
    rig_free(rig);
}

static void pic_withdrawn_slave_request(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    rig_out(rig, 0x4d1, 0x02); /* IRQ9 by level */
    raise_irq(rig, 12);
    raise_irq(rig, 9);
    assert_int_equal(ack(rig), 0x71);
    rig_out(rig, SLAVE, EOI);
    rig_out(rig, MASTER, EOI);
    lower_irq(rig, 9);
    assert_true(rig->machine.intr);
    lower_irq(rig, 12);
    assert_false(rig->machine.intr);
    assert_int_equal(ack(rig), 0x0f); /* the slave's INT fell with it: IR7 of the master */
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0);
    rig_free(rig);
}

static void pic_automatic_eoi_of_slave_asks_again(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086 | ICW4_AEOI);
    raise_irq(rig, 9);
    raise_irq(rig, 10);
    assert_int_equal(ack(rig), 0x71);
    rig_out(rig, MASTER, EOI);
    assert_true(rig->machine.intr); /* INT fell with the acknowledge and rose again: an edge for the master */
    assert_int_equal(ack(rig), 0x72);
    rig_free(rig);
}

static void pic_polls(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    rig_out(rig, MASTER, POLL);
    assert_int_equal(rig_in(rig, MASTER) & 0x80, 0);
    raise_irq(rig, 12);
    raise_irq(rig, 5);
    rig_out(rig, MASTER, POLL);
    assert_int_equal(rig_in(rig, MASTER), 0x82);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x04);
    rig_out(rig, SLAVE, POLL);
    assert_int_equal(rig_in(rig, SLAVE + 1), 0x84); /* any read */
    assert_int_equal(read_reg(rig, SLAVE, READ_ISR), 0x10);
    assert_int_equal(rig_in(rig, SLAVE + 1), 0); /* once */
    rig_out(rig, MASTER, EOI);
    assert_int_equal(ack(rig), 0x0d);
    rig_free(rig);
}

static void pic_icw1_resets(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    raise_irq(rig, 4);
    raise_irq(rig, 1);
    ack(rig);
    rig_out(rig, MASTER + 1, 0xff);
    rig_out(rig, MASTER, SET_PRIORITY | 3);
    rig_out(rig, MASTER, READ_ISR);
    rig_out(rig, MASTER, 0x11);
    assert_int_equal(rig_in(rig, MASTER), 0);     /* IRR, edges forgotten though the lines are high */
    assert_int_equal(rig_in(rig, MASTER + 1), 0); /* IMR */
    rig_out(rig, MASTER + 1, 0x20);
    rig_out(rig, MASTER + 1, 0x04);
    raise_irq(rig, 7);
    assert_false(rig->machine.intr); /* not until ICW4 */
    rig_out(rig, MASTER + 1, ICW4_8086);
    raise_irq(rig, 0);
    assert_int_equal(ack(rig), 0x20);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0x01);
    rig_free(rig);
}

static void pic_single_has_no_slave(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    init_chip(rig, MASTER, 0x13, 0x08, 0, ICW4_8086 | ICW4_AEOI); /* SNGL: no ICW3 */
    raise_irq(rig, 9);
    assert_int_equal(ack(rig), 0x0a);
    assert_int_equal(read_reg(rig, MASTER, READ_ISR), 0); /* ICW4 was taken as such */
    rig_free(rig);
}

static void pic_wrong_slave_id_answers_nothing(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    init_chip(rig, SLAVE, 0x11, 0x70, 0x05, ICW4_8086);
    raise_irq(rig, 9);
    assert_int_equal(ack(rig), 0xff);
    rig_free(rig);
}

static void pic_names_its_ports(void **state)
{
    (void)state;
    struct rig *rig = new_pic(ICW4_8086, ICW4_8086);
    assert_string_equal(bus_port_name(&rig->machine.bus, 0x20), "PIC master command");
    assert_string_equal(bus_port_name(&rig->machine.bus, 0xa1), "PIC slave mask");
    rig_free(rig);
}

int pic_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pic_takes_an_edge),
        cmocka_unit_test(pic_edge_that_falls_early_is_spurious),
        cmocka_unit_test(pic_level_follows_the_line),
        cmocka_unit_test(pic_level_mode_of_icw1),
        cmocka_unit_test(pic_priority_nests),
        cmocka_unit_test(pic_mask_holds_and_keeps),
        cmocka_unit_test(pic_specific_eoi),
        cmocka_unit_test(pic_rotates),
        cmocka_unit_test(pic_automatic_eoi),
        cmocka_unit_test(pic_special_mask_mode),
        cmocka_unit_test(pic_cascades),
        cmocka_unit_test(pic_special_fully_nested),
        cmocka_unit_test(pic_withdrawn_slave_request),
        cmocka_unit_test(pic_automatic_eoi_of_slave_asks_again),
        cmocka_unit_test(pic_polls),
        cmocka_unit_test(pic_icw1_resets),
        cmocka_unit_test(pic_single_has_no_slave),
        cmocka_unit_test(pic_wrong_slave_id_answers_nothing),
        cmocka_unit_test(pic_names_its_ports),
    };
    return cmocka_run_group_tests_name("pic", tests, NULL, NULL);
}
