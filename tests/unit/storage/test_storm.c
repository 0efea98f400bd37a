/* A guest that writes anything anywhere: nothing may crash or hang (run under the sanitizers), images keep
 * their size, and after a reset everything works. */
#include "fdc_rig.h"
#include "ide_rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ACCESSES = 300000 };

static u32 next_random(u64 *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(*seed >> 33);
}

static const u16 first_ports[][2] = {{0x00, 16}, {0x81, 15}, {0xc0, 32}, {0x3f2, 6}, {0x1f0, 8},
                                     {0x170, 8}, {0x3f6, 1}, {0x376, 1}, {0x3f8, 8}};

static void one_access(struct rig *rig, u64 *seed)
{
    struct bus *bus = &rig->machine.bus;
    u32 r = next_random(seed);
    u32 group = r % ARRAY_LEN(first_ports);
    u16 port = (u16)(first_ports[group][0] + (r >> 8) % first_ports[group][1]);
    u8 size = (u8)(1u << ((r >> 16) % 3));
    if (r & BIT(20))
        bus_in(bus, port, size);
    else
        bus_out(bus, port, size, next_random(seed));
    if ((r >> 24) % 4 == 0)
        rig_pass(rig, next_random(seed) % (50 * NS_PER_US));
}

static void assert_size(const char *path, u64 sectors)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, sectors * SECTOR_BYTES);
}

static void survives_anything(void **state)
{
    (void)state;
    struct rig *rig = rig_create();
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    rig->config.serial_out_fd = out;
    rig->config.floppy[1] = rig_open(rig, 720, BLOCK_FLOPPY);
    rig->config.disk[0] = rig_open(rig, DISK_SECTORS, BLOCK_DISK);
    rig->config.disk[3] = rig_open(rig, 1008, BLOCK_DISK);
    fdc_rig_with(rig_open(rig, 2880, BLOCK_FLOPPY), rig, RATE_500K);
    rig_add(rig, &ide_class);
    rig_add(rig, &uart_class);
    u64 seed = 0x68756464;
    for (u32 i = 0; i < ACCESSES; i++)
        one_access(rig, &seed);
    for (u32 i = 0; i < rig->n_devs; i++)
        rig->class[i]->reset(rig->dev[i]);
    for (u8 n = 4; n < 16; n++)
        assert_false(rig->irq_level[n]);
    rig_pass(rig, NS_PER_MS);
    assert_int_equal(ide_simple(rig, 0xec, 0), READY | IDE_STATUS_DRQ);
    rig_out(rig, FDC_DOR_PORT, 0x1c);
    FDC_RUN(rig, 0x10);
    FDC_EXPECT(rig, 0x90);
    assert_size(rig->path[0], 720);
    assert_size(rig->path[1], DISK_SECTORS);
    assert_size(rig->path[2], 1008);
    assert_size(rig->path[3], 2880);
    rig_destroy(rig);
    close(out);
}

int storm_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_anything),
    };
    return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}
