/* Registers, selection, resets, interrupts and the commands of ATA disks that move no sectors: ATA-3. */
#include "ide_rig.h"

#include <string.h>

static void assert_signature(struct rig *rig)
{
    assert_int_equal(rig_in(rig, ERROR), 0x01);
    assert_int_equal(rig_in(rig, COUNT), 0x01);
    assert_int_equal(rig_in(rig, SECTOR), 0x01);
    assert_int_equal(rig_in(rig, LOW), 0x00);
    assert_int_equal(rig_in(rig, HIGH), 0x00);
    assert_int_equal(rig_in(rig, DH) & 0x5f, 0x00);
}

static void power_on_shows_the_signature(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    rig->config.disk[0] = rig_open(rig, DISK_SECTORS, BLOCK_DISK);
    rig_add(rig, &ide_class);
    assert_int_equal(rig_in(rig, STATUS) & IDE_STATUS_BSY, IDE_STATUS_BSY);
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, STATUS), READY);
    assert_signature(rig);
    assert_int_equal(rig->irq_edges[14], 0);
    rig_destroy(rig);
}

static void registers_keep_what_is_written(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    rig_out(rig, COUNT, 0x55);
    rig_out(rig, SECTOR, 0xaa);
    rig_out(rig, LOW, 0x12);
    rig_out(rig, HIGH, 0x34);
    rig_out(rig, DH, 0x4b);
    rig_out(rig, FEATURES, 0x99);
    assert_int_equal(rig_in(rig, COUNT), 0x55);
    assert_int_equal(rig_in(rig, SECTOR), 0xaa);
    assert_int_equal(rig_in(rig, LOW), 0x12);
    assert_int_equal(rig_in(rig, HIGH), 0x34);
    assert_int_equal(rig_in(rig, DH), 0xeb);
    assert_int_equal(rig_in(rig, ERROR), 0x01); /* not the features */
    rig_destroy(rig);
}

static void empty_channel_floats_without_busy(void **state)
{
    (void)state;
    struct rig *rig = disks_rig(0);
    rig_out(rig, DH, 0xa0);
    rig_out(rig, COUNT, 0x55);
    rig_out(rig, SECTOR, 0xaa);
    for (u16 port = ERROR; port <= STATUS; port++)
        assert_int_equal(rig_in(rig, port), 0x7f);
    assert_int_equal(rig_in(rig, ALTERNATE), 0x7f);
    assert_int_equal(bus_in(&rig->machine.bus, DATA, 2), 0xff7f);
    rig_out(rig, CONTROL, IDE_CONTROL_SRST);
    rig_out(rig, CONTROL, 0);
    rig_out(rig, COMMAND, 0xec);
    rig_out(rig, COMMAND, 0x90);
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig->irq_edges[14], 0);
    assert_int_equal(rig_in(rig, STATUS), 0x7f);
    rig_destroy(rig);
}

static void device_0_answers_for_an_absent_device_1(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    rig_out(rig, DH, 0xb0);
    rig_out(rig, COUNT, 0x55);
    assert_int_equal(rig_in(rig, STATUS), 0x00);
    assert_int_equal(rig_in(rig, ALTERNATE), 0x00);
    assert_int_equal(rig_in(rig, COUNT), 0x55);
    assert_int_equal(rig_in(rig, DH), 0xb0);
    rig_out(rig, COMMAND, 0xec);
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, STATUS), 0x00);
    assert_int_equal(rig->irq_edges[14], 0);
    rig_out(rig, DH, 0xa0);
    assert_int_equal(rig_in(rig, STATUS), READY);
    rig_destroy(rig);
}

static void lone_device_1_works(void **state)
{
    (void)state;
    struct rig *rig = disks_rig(2);
    u8 sector[SECTOR_BYTES];
    assert_int_equal(rig_in(rig, STATUS), 0x7f);
    rig_out(rig, DH, 0xf0);
    assert_int_equal(rig_in(rig, STATUS), READY);
    rig_out(rig, COUNT, 1);
    rig_out(rig, SECTOR, 42);
    rig_out(rig, LOW, 0);
    rig_out(rig, HIGH, 0);
    rig_out(rig, COMMAND, 0x20);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_read_words(rig, sector, sizeof sector);
    assert_is_sector(sector, 42);
    rig_destroy(rig);
}

/* Only the selected device drives INTRQ; the other keeps its request. */
static void two_devices_share_the_line(void **state)
{
    (void)state;
    struct rig *rig = disks_rig(3);
    u8 identity[SECTOR_BYTES];
    rig_out(rig, DH, 0xb0);
    rig_out(rig, COMMAND, 0xec);
    rig_pass(rig, NS_PER_MS);
    assert_true(rig->irq_level[14]);
    rig_out(rig, DH, 0xa0);
    assert_false(rig->irq_level[14]);
    assert_int_equal(rig_in(rig, STATUS), READY);
    rig_out(rig, DH, 0xb0);
    assert_true(rig->irq_level[14]);
    assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ);
    assert_false(rig->irq_level[14]);
    ide_read_words(rig, identity, sizeof identity);
    assert_memory_equal(identity + 20, "DH10", 4); /* HD01: channel 0, device 1 */
    rig_destroy(rig);
}

static void second_channel_is_its_own(void **state)
{
    (void)state;
    struct rig *rig = disks_rig(4);
    assert_int_equal(rig_in(rig, STATUS), 0x7f);
    assert_int_equal(rig_in(rig, 0x177), READY);
    rig_out(rig, 0x177, 0xec);
    rig_pass(rig, NS_PER_MS);
    assert_true(rig->irq_level[15]);
    assert_int_equal(rig->irq_edges[14], 0);
    assert_int_equal(rig_in(rig, 0x376), READY | IDE_STATUS_DRQ);
    assert_int_equal(bus_in(&rig->machine.bus, 0x170, 2), 0x0040);
    assert_int_equal(rig_in(rig, 0x177), READY | IDE_STATUS_DRQ);
    assert_false(rig->irq_level[15]);
    rig_destroy(rig);
}

static void nien_gates_the_line(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    rig_out(rig, CONTROL, IDE_CONTROL_NIEN);
    rig_out(rig, COMMAND, 0xe1);
    rig_pass(rig, NS_PER_MS);
    assert_false(rig->irq_level[14]);
    rig_out(rig, CONTROL, 0);
    assert_true(rig->irq_level[14]); /* it was pending */
    rig_out(rig, COMMAND, 0xe1);     /* a command acknowledges too */
    assert_false(rig->irq_level[14]);
    rig_pass(rig, NS_PER_MS);
    assert_true(rig->irq_level[14]);
    rig_destroy(rig);
}

static void software_reset_stops_and_signs(void **state)
{
    (void)state;
    struct rig *rig = disks_rig(3);
    ide_simple(rig, 0xc6, 8);
    rig_out(rig, DH, 0xf0);
    rig_out(rig, COUNT, 9);
    rig_out(rig, COMMAND, 0x20);
    rig_out(rig, CONTROL, IDE_CONTROL_SRST);
    rig_pass(rig, 10 * NS_PER_MS);
    assert_int_equal(rig_in(rig, STATUS) & IDE_STATUS_BSY, IDE_STATUS_BSY); /* as long as it is set */
    rig_out(rig, CONTROL, 0);
    assert_int_equal(rig_in(rig, STATUS) & IDE_STATUS_BSY, IDE_STATUS_BSY);
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig_in(rig, STATUS), READY);
    assert_signature(rig);
    assert_int_equal(rig->irq_edges[14], 1); /* SET MULTIPLE's */
    u8 identity[SECTOR_BYTES];
    ide_simple(rig, 0xec, 0);
    ide_read_words(rig, identity, sizeof identity);
    assert_memory_equal(identity + 20, "DH00", 4); /* device 0 is selected */
    rig_out(rig, DH, 0xb0);
    assert_int_equal(rig_in(rig, STATUS), READY);
    rig_out(rig, DH, 0xe0);
    ide_lba_command(rig, 0xc4, 0, 1);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR); /* settings went to their defaults */
    rig_destroy(rig);
}

static void settings_survive_a_reset_on_request(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    rig_out(rig, FEATURES, 0x66);
    assert_int_equal(ide_simple(rig, 0xef, 0), READY);
    ide_simple(rig, 0xc6, 8);
    rig_out(rig, CONTROL, IDE_CONTROL_SRST);
    rig_out(rig, CONTROL, 0);
    rig_pass(rig, NS_PER_MS);
    ide_lba_command(rig, 0xc4, 0, 1);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_class.reset(rig->dev[0]); /* not the hardware line */
    rig_pass(rig, NS_PER_MS);
    ide_lba_command(rig, 0xc4, 0, 1);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
    rig_destroy(rig);
}

static void diagnostic_runs_on_both(void **state)
{
    (void)state;
    struct rig *rig = disks_rig(3);
    rig_out(rig, DH, 0xb0);
    rig_out(rig, COUNT, 0x33);
    rig_out(rig, COMMAND, 0x90);
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(rig->irq_edges[14], 1);
    assert_true(rig->irq_level[14]);
    assert_int_equal(rig_in(rig, STATUS), READY);
    assert_signature(rig);
    rig_out(rig, DH, 0xb0);
    assert_int_equal(rig_in(rig, COUNT), 0x01);
    assert_false(rig->irq_level[14]);
    rig_destroy(rig);
    rig = disk_rig(); /* also when an absent device is selected */
    rig_out(rig, DH, 0xb0);
    rig_out(rig, COMMAND, 0x90);
    rig_pass(rig, NS_PER_MS);
    assert_true(rig->irq_level[14]);
    assert_int_equal(rig_in(rig, STATUS), READY);
    rig_destroy(rig);
}

static void text(const u8 *identity, u32 word, u32 words, char *out)
{
    for (u32 i = 0; i < 2 * words; i++)
        out[i] = (char)identity[2 * word + (i ^ 1)];
    out[2 * words] = 0;
}

static void identify_describes_the_disk(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 identity[SECTOR_BYTES];
    const u16 *w = (const u16 *)identity;
    char name[41];
    assert_int_equal(ide_simple(rig, 0xec, 0), READY | IDE_STATUS_DRQ);
    ide_read_words(rig, identity, sizeof identity);
    assert_int_equal(rig_in(rig, STATUS), READY);
    assert_int_equal(w[0], 0x0040); /* ATA, fixed */
    assert_int_equal(w[1], 4);
    assert_int_equal(w[3], 16);
    assert_int_equal(w[6], 63);
    text(identity, 10, 10, name);
    assert_string_equal(name, "HD00                ");
    text(identity, 27, 20, name);
    assert_memory_equal(name, "HUDDLE DISK         ", 20);
    assert_int_equal(w[47], 0x8010);
    assert_int_equal(w[49] & 0x300, 0x200); /* LBA, no DMA */
    assert_int_equal(w[53] & 3, 3);
    assert_int_equal(w[54], 4);
    assert_int_equal(w[55], 16);
    assert_int_equal(w[56], 63);
    assert_int_equal(w[57] | w[58] << 16, 4 * 1008);
    assert_int_equal(w[60] | w[61] << 16, DISK_SECTORS);
    assert_int_equal(w[63], 0);
    assert_int_equal(w[80], 0x000e);
    assert_int_equal(w[82], 0x7068);
    rig_destroy(rig);
}

static void unknown_commands_abort(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    const u8 codes[] = {0x00, 0x01, 0x08, 0x22, 0x32, 0x50, 0x60, 0x80,
                        0x92, 0xa0, 0xa1, 0xb0, 0xc8, 0xca, 0xf8, 0xff};
    for (u32 i = 0; i < ARRAY_LEN(codes); i++) {
        u32 edges = rig->irq_edges[14];
        assert_int_equal(ide_simple(rig, codes[i], 1), READY | IDE_STATUS_ERR);
        assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_ABRT);
        assert_int_equal(rig->irq_edges[14], edges + 1);
        assert_int_equal(ide_simple(rig, 0x10, 1), READY); /* the next one is well again */
        assert_int_equal(rig_in(rig, ERROR), 0);
    }
    rig_destroy(rig);
}

static void positioning_completes(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    for (u8 code = 0x10; code <= 0x1f; code++)
        assert_int_equal(ide_simple(rig, code, 0), READY);
    ide_chs_command(rig, 0x70, 3, 15, 63, 0);
    assert_int_equal(ide_wait(rig), READY);
    ide_chs_command(rig, 0x7f, 4, 0, 1, 0);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_ERR);
    assert_int_equal(rig_in(rig, ERROR), IDE_ERROR_IDNF);
    rig_destroy(rig);
}

static void power_modes_are_told(void **state)
{
    (void)state;
    static const struct {
        u8 command, check, answer;
    } t[] = {{0xe3, 0xe5, 0x80}, {0xe2, 0xe5, 0x00}, {0xe1, 0x98, 0x80}, {0xe0, 0xe5, 0x00},
             {0x95, 0x98, 0x80}, {0x94, 0x98, 0x00}, {0x97, 0xe5, 0x80}, {0x96, 0xe5, 0x00}};
    struct rig *rig = disk_rig();
    assert_int_equal(ide_simple(rig, 0xe5, 0x12), READY);
    assert_int_equal(rig_in(rig, COUNT), 0xff);
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        assert_int_equal(ide_simple(rig, t[i].command, 0), READY);
        assert_int_equal(ide_simple(rig, t[i].check, 0x12), READY);
        assert_int_equal(rig_in(rig, COUNT), t[i].answer);
    }
    ide_lba_command(rig, 0x40, 0, 1); /* access wakes it */
    ide_wait(rig);
    ide_simple(rig, 0xe5, 0);
    assert_int_equal(rig_in(rig, COUNT), 0xff);
    rig_destroy(rig);
}

static void sleep_ends_with_a_reset_only(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    assert_int_equal(ide_simple(rig, 0xe6, 0), READY);
    u32 edges = rig->irq_edges[14];
    assert_int_equal(ide_simple(rig, 0xec, 0), READY);
    assert_int_equal(rig->irq_edges[14], edges);
    rig_out(rig, CONTROL, IDE_CONTROL_SRST);
    rig_out(rig, CONTROL, 0);
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(ide_simple(rig, 0xec, 0), READY | IDE_STATUS_DRQ);
    rig_destroy(rig);
}

static void features_are_set_or_aborted(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    static const struct {
        u8 feature, count, ok;
    } t[] = {{0x02, 0, 1},    {0x82, 0, 1},    {0xaa, 0, 1},    {0x55, 0, 1},
             {0xcc, 0, 1},    {0x03, 0x00, 1}, {0x03, 0x0c, 1}, {0x03, 0x0d, 0},
             {0x03, 0x20, 0}, {0x03, 0x45, 0}, {0x01, 0, 0},    {0x77, 0, 0}};
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        rig_out(rig, FEATURES, t[i].feature);
        assert_int_equal(ide_simple(rig, 0xef, t[i].count), READY | (t[i].ok ? 0 : IDE_STATUS_ERR));
    }
    u8 identity[SECTOR_BYTES];
    ide_simple(rig, 0xec, 0);
    ide_read_words(rig, identity, sizeof identity);
    assert_int_equal(((const u16 *)identity)[85], 0x7008); /* cache and look-ahead are off now */
    rig_destroy(rig);
}

static void flush_completes(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 data[SECTOR_BYTES] = {1};
    ide_lba_command(rig, 0x30, 1, 1);
    ide_wait(rig);
    ide_write_words(rig, data, sizeof data);
    assert_int_equal(ide_wait(rig), READY);
    assert_int_equal(ide_simple(rig, 0xe7, 0), READY);
    rig_destroy(rig);
}

static void busy_device_ignores_the_host(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    u8 sector[SECTOR_BYTES];
    ide_lba_command(rig, 0x20, 7, 1);
    rig_out(rig, COMMAND, 0xe1);
    rig_out(rig, SECTOR, 9);
    assert_int_equal(rig_in(rig, SECTOR), 7);
    assert_int_equal(ide_wait(rig), READY | IDE_STATUS_DRQ);
    ide_read_words(rig, sector, sizeof sector);
    assert_is_sector(sector, 7);
    assert_int_equal(ide_shown_lba(rig), 7);
    rig_destroy(rig);
}

static void tells_what_polls_give(void **state)
{
    (void)state;
    struct rig *rig = disk_rig();
    struct bus *bus = &rig->machine.bus;
    struct bus_poll poll;
    ide_lba_command(rig, 0x20, 7, 1);
    assert_true(bus_poll(bus, ALTERNATE, &poll));
    assert_true(poll.n == 1 && (poll.value[0] & IDE_STATUS_BSY) && poll.until_ns == BUS_POLL_EVENT);
    assert_true(bus_poll(bus, STATUS, &poll));
    assert_int_equal(poll.value[0] & IDE_STATUS_BSY, IDE_STATUS_BSY);
    rig_pass(rig, 100 * NS_PER_MS);
    assert_false(bus_poll(bus, STATUS, &poll)); /* a read acknowledges the interrupt */
    assert_true(bus_poll(bus, ALTERNATE, &poll));
    assert_int_equal(poll.value[0], READY | IDE_STATUS_DRQ);
    assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ);
    assert_true(bus_poll(bus, STATUS, &poll));
    assert_int_equal(poll.value[0], READY | IDE_STATUS_DRQ);
    assert_false(bus_poll(bus, DATA, &poll));
    rig_destroy(rig);
}

/* A disk under the host's clock, which stands still but where the test moves it. */
static struct rig *host_time_rig(void)
{
    struct rig *rig = rig_create();
    struct clock *clock = &rig->machine.clock;
    clock_init(clock, CLOCK_MODE_HOST);
    clock_hold(clock, NS_PER_MS);
    rig->config.disk[0] = rig_open(rig, DISK_SECTORS, BLOCK_DISK);
    rig_add(rig, &ide_class);
    clock_hold(clock, 2 * NS_PER_MS);
    clock_run_due(clock);
    return rig;
}

/* Four microseconds of a command, one microsecond a look: the interrupt comes between two. */
static void looks_take_time_of_the_bus(void **state)
{
    (void)state;
    static const u16 port[] = {STATUS, ALTERNATE};
    struct rig *rig = host_time_rig();
    struct bus_poll poll;
    for (u32 i = 0; i < ARRAY_LEN(port); i++) {
        ide_lba_command(rig, 0x20, 7, 1);
        for (u32 look = 0; look < 4; look++) {
            assert_false(rig->irq_level[14]);
            assert_false(bus_poll(&rig->machine.bus, port[i], &poll)); /* a look changes something */
            assert_int_equal(rig_in(rig, port[i]) & IDE_STATUS_BSY, IDE_STATUS_BSY);
        }
        assert_true(rig->irq_level[14]);
        assert_true(bus_poll(&rig->machine.bus, ALTERNATE, &poll));
        assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ);
        assert_null(rig->machine.clock.events);
    }
    rig_destroy(rig);
}

/* Who does not look waits as long as the command takes; a look adds to the time that has passed. */
static void time_passes_without_looks(void **state)
{
    (void)state;
    struct rig *rig = host_time_rig();
    struct clock *clock = &rig->machine.clock;
    ide_lba_command(rig, 0x20, 7, 1);
    u64 due_ns = clock->next_deadline_ns;
    clock_hold(clock, due_ns - NS_PER_US / 2);
    clock_run_due(clock);
    assert_false(rig->irq_level[14]);
    assert_int_equal(rig_in(rig, ALTERNATE) & IDE_STATUS_BSY, IDE_STATUS_BSY);
    assert_true(rig->irq_level[14]);
    assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ);
    ide_lba_command(rig, 0x20, 7, 1);
    clock_hold(clock, clock->next_deadline_ns);
    assert_int_equal(rig_in(rig, STATUS), READY | IDE_STATUS_DRQ); /* before the timer that brings its end */
    rig_destroy(rig);
}

/* A device that is held in reset stays busy, whoever looks. */
static void looks_do_not_end_a_reset(void **state)
{
    (void)state;
    struct rig *rig = host_time_rig();
    rig_out(rig, CONTROL, IDE_CONTROL_SRST);
    for (u32 look = 0; look < 1000; look++)
        assert_int_equal(rig_in(rig, STATUS), IDE_STATUS_BSY);
    rig_out(rig, CONTROL, 0);
    u32 looks = 0;
    while (rig_in(rig, ALTERNATE) & IDE_STATUS_BSY)
        looks++;
    assert_int_equal(looks, 300); /* microseconds */
    assert_signature(rig);
    rig_destroy(rig);
}

int ide_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_on_shows_the_signature),
        cmocka_unit_test(registers_keep_what_is_written),
        cmocka_unit_test(empty_channel_floats_without_busy),
        cmocka_unit_test(device_0_answers_for_an_absent_device_1),
        cmocka_unit_test(lone_device_1_works),
        cmocka_unit_test(two_devices_share_the_line),
        cmocka_unit_test(second_channel_is_its_own),
        cmocka_unit_test(nien_gates_the_line),
        cmocka_unit_test(software_reset_stops_and_signs),
        cmocka_unit_test(settings_survive_a_reset_on_request),
        cmocka_unit_test(diagnostic_runs_on_both),
        cmocka_unit_test(identify_describes_the_disk),
        cmocka_unit_test(unknown_commands_abort),
        cmocka_unit_test(positioning_completes),
        cmocka_unit_test(power_modes_are_told),
        cmocka_unit_test(sleep_ends_with_a_reset_only),
        cmocka_unit_test(features_are_set_or_aborted),
        cmocka_unit_test(flush_completes),
        cmocka_unit_test(busy_device_ignores_the_host),
        cmocka_unit_test(tells_what_polls_give),
        cmocka_unit_test(looks_take_time_of_the_bus),
        cmocka_unit_test(time_passes_without_looks),
        cmocka_unit_test(looks_do_not_end_a_reset),
    };
    return cmocka_run_group_tests_name("ide", tests, NULL, NULL);
}
