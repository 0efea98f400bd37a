/* The CMOS bytes a firmware reads, and the fw_cfg interface beside them. */
#include "dev_rig.h"
#include "dev_tests.h"

#include "dev/block.h"
#include "dev/fwcfg.h"
#include "dev/rtc.h"

#include <string.h>

/* Disks that are nothing but a geometry: the only thing the chips here ask for. */
struct block {
    struct block_geometry geometry;
};

struct block_geometry block_geometry(const struct block *block)
{
    return block->geometry;
}

static struct machine_config new_config(void)
{
    return (struct machine_config){.ram_bytes = 16 * MIB, .boot = "ac"};
}

static u32 get16(const u8 *at)
{
    return at[0] | (u32)at[1] << 8;
}

static void memory_sizes(void **state)
{
    (void)state;
    static const struct {
        u32 ram_mib, extended_kib, above_16;
    } cases[] = {{1, 0, 0}, {4, 3072, 0}, {16, 15360, 0}, {64, 64512, 768}, {1024, 65535, 16128}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct machine_config config = new_config();
        u8 ram[CMOS_BYTES] = {0};
        config.ram_bytes = cases[i].ram_mib * MIB;
        cmos_configure(ram, &config);
        assert_int_equal(get16(ram + 0x15), 640);
        assert_int_equal(get16(ram + 0x17), cases[i].extended_kib);
        assert_int_equal(get16(ram + 0x30), cases[i].extended_kib);
        assert_int_equal(get16(ram + 0x34), cases[i].above_16);
    }
}

static void floppy_types(void **state)
{
    (void)state;
    static const struct {
        struct block_geometry geometry;
        u8 type;
    } cases[] = {
        {{40, 1, 8}, 1},  {{40, 2, 9}, 1},  {{80, 2, 9}, 3},  {{80, 2, 15}, 2},
        {{80, 2, 18}, 4}, {{82, 2, 21}, 4}, {{80, 2, 36}, 5},
    };
    struct machine_config config = new_config();
    u8 ram[CMOS_BYTES] = {0};
    cmos_configure(ram, &config);
    assert_int_equal(ram[0x10], 0x40); /* A: 1.44 MB and empty, no B: */
    assert_int_equal(ram[0x14], 0x07);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct block a = {cases[i].geometry}, b = {{80, 2, 9}};
        config.floppy[0] = &a;
        config.floppy[1] = &b;
        cmos_configure(ram, &config);
        assert_int_equal(ram[0x10], cases[i].type << 4 | 3);
        assert_int_equal(ram[0x14], 0x47);
    }
}

static void disk_types(void **state)
{
    (void)state;
    struct block small = {{615, 4, 17}}, big = {{16383, 16, 63}}, large = {{2000, 16, 63}};
    struct machine_config config = new_config();
    u8 ram[CMOS_BYTES] = {0};
    config.disk[0] = &small;
    config.disk[1] = &big;
    config.disk[3] = &large;
    cmos_configure(ram, &config);
    assert_int_equal(ram[0x12], 0xff);
    assert_int_equal(ram[0x19], 47);
    assert_int_equal(ram[0x1a], 47);
    static const u8 first[] = {615 & 255, 615 >> 8, 4, 0xff, 0xff, 0xc0, 615 & 255, 615 >> 8, 17};
    static const u8 second[] = {0xff, 0x3f, 16, 0xff, 0xff, 0xc8, 0xff, 0x3f, 63};
    assert_memory_equal(ram + 0x1b, first, sizeof first);
    assert_memory_equal(ram + 0x24, second, sizeof second);
    assert_int_equal(ram[0x39], 0 | 1 << 2 | 2 << 6); /* none, LBA, absent, large */
}

static void second_disk_alone(void **state)
{
    (void)state;
    struct block disk = {{615, 4, 17}};
    struct machine_config config = new_config();
    u8 ram[CMOS_BYTES] = {0};
    config.disk[1] = &disk;
    cmos_configure(ram, &config);
    assert_int_equal(ram[0x12], 0x0f);
    assert_int_equal(ram[0x19], 0);
    assert_int_equal(ram[0x1a], 47);
}

static void boot_order(void **state)
{
    (void)state;
    static const struct {
        const char *boot;
        u8 flags_2;
    } cases[] = {{"a", 0x01}, {"c", 0x02}, {"ac", 0x21}, {"ca", 0x12}, {"nc", 0x02}, {"", 0}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct machine_config config = new_config();
        u8 ram[CMOS_BYTES] = {0};
        memset(config.boot, 0, sizeof config.boot);
        memcpy(config.boot, cases[i].boot, strlen(cases[i].boot));
        cmos_configure(ram, &config);
        assert_int_equal(ram[0x3d], cases[i].flags_2);
        assert_int_equal(ram[0x38], 0x01);
    }
}

static void checksum(void **state)
{
    (void)state;
    struct block disk = {{615, 4, 17}};
    struct machine_config config = new_config();
    config.disk[0] = &disk;
    u8 ram[CMOS_BYTES] = {0};
    cmos_configure(ram, &config);
    u32 sum = 0;
    for (unsigned i = 0x10; i <= 0x2d; i++)
        sum += ram[i];
    assert_int_equal(ram[0x2e] << 8 | ram[0x2f], sum);
    assert_true(sum > 0);
}

static void cmos_is_in_the_chip(void **state)
{
    (void)state;
    struct rig *rig = rig_new();
    rig->config.ram_bytes = 64 * MIB;
    rig_add(rig, &rtc_class);
    rig_out(rig, 0x70, 0x35);
    assert_int_equal(rig_in(rig, 0x71), 3);
    rig_free(rig);
}

int cmos_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_sizes),        cmocka_unit_test(floppy_types), cmocka_unit_test(disk_types),
        cmocka_unit_test(second_disk_alone),   cmocka_unit_test(boot_order),   cmocka_unit_test(checksum),
        cmocka_unit_test(cmos_is_in_the_chip),
    };
    return cmocka_run_group_tests_name("cmos", tests, NULL, NULL);
}

/* --- fw_cfg --- */

static const u8 rom[] = {0x55, 0xaa, 0x01, 0xeb};

static struct rig *new_fwcfg(const u8 *vgabios)
{
    struct rig *rig = rig_new();
    rig->config.vgabios = vgabios;
    rig->config.vgabios_bytes = vgabios ? sizeof rom : 0;
    rig->config.vgabios_name = "vgabios-isavga.bin";
    rig_add(rig, &fwcfg_class);
    return rig;
}

static void read_item(struct rig *rig, u16 key, u8 *buf, u32 bytes)
{
    bus_out(&rig->machine.bus, 0x510, 2, key);
    for (u32 i = 0; i < bytes; i++)
        buf[i] = rig_in(rig, 0x511);
}

/* The key and size of a file, as a firmware finds it; false if it is not in the directory. */
static bool find_file(struct rig *rig, const char *name, u16 *key, u32 *bytes)
{
    u8 entry[64], count[4];
    read_item(rig, FWCFG_FILE_DIR, count, sizeof count);
    for (u32 i = 0; i < (u32)count[3]; i++) {
        for (size_t j = 0; j < sizeof entry; j++)
            entry[j] = rig_in(rig, 0x511);
        if (strcmp((const char *)entry + 8, name))
            continue;
        *bytes = (u32)entry[0] << 24 | (u32)entry[1] << 16 | (u32)entry[2] << 8 | entry[3];
        *key = (u16)(entry[4] << 8 | entry[5]);
        return true;
    }
    return false;
}

static void fwcfg_is_found(void **state)
{
    (void)state;
    struct rig *rig = new_fwcfg(rom);
    u8 buf[8];
    for (unsigned i = 0; i < 4; i++)
        buf[i] = rig_in(rig, 0x511); /* the signature is selected at reset */
    assert_memory_equal(buf, "QEMU", 4);
    read_item(rig, FWCFG_SIGNATURE, buf, 6);
    assert_memory_equal(buf, "QEMU\0\0", 6); /* zeros beyond the end */
    read_item(rig, FWCFG_ID, buf, 4);
    assert_memory_equal(buf, "\1\0\0\0", 4); /* no DMA */
    read_item(rig, FWCFG_RAM_SIZE, buf, 8);
    assert_memory_equal(buf, "\0\0\0\1\0\0\0\0", 8);
    read_item(rig, FWCFG_NB_CPUS, buf, 2);
    assert_memory_equal(buf, "\1\0", 2);
    memset(buf, 0xff, sizeof buf);
    read_item(rig, FWCFG_BOOT_MENU, buf, 2);
    assert_memory_equal(buf, "\0\0", 2);
    read_item(rig, 0x8000, buf, 2); /* ACPI tables: none */
    assert_memory_equal(buf, "\0\0", 2);
    rig_free(rig);
}

static void fwcfg_has_the_vga_bios(void **state)
{
    (void)state;
    struct rig *rig = new_fwcfg(rom);
    u16 key;
    u32 bytes;
    u8 buf[sizeof rom];
    assert_true(find_file(rig, "vgaroms/vgabios-isavga.bin", &key, &bytes));
    assert_int_equal(bytes, sizeof rom);
    read_item(rig, key, buf, bytes);
    assert_memory_equal(buf, rom, sizeof rom);
    rig_free(rig);
    rig = new_fwcfg(NULL);
    assert_false(find_file(rig, "vgaroms/vgabios-isavga.bin", &key, &bytes));
    assert_true(find_file(rig, "etc/e820", &key, &bytes));
    rig_free(rig);
}

static void fwcfg_has_the_ram_map(void **state)
{
    (void)state;
    struct rig *rig = new_fwcfg(rom);
    u16 key;
    u32 bytes;
    u8 buf[20];
    assert_true(find_file(rig, "etc/e820", &key, &bytes));
    assert_int_equal(bytes, 20);
    read_item(rig, key, buf, bytes);
    assert_memory_equal(buf,
                        "\0\0\0\0\0\0\0\0"
                        "\0\0\0\1\0\0\0\0"
                        "\1\0\0\0",
                        20);
    assert_true(find_file(rig, "etc/boot-fail-wait", &key, &bytes));
    read_item(rig, key, buf, 4);
    assert_memory_equal(buf, "\xff\xff\xff\xff", 4);
    rig_free(rig);
}

static void fwcfg_select_is_16_bits_wide(void **state)
{
    (void)state;
    struct rig *rig = new_fwcfg(rom);
    bus_out(&rig->machine.bus, 0x510, 2, FWCFG_ID);
    rig_out(rig, 0x510, 0x00); /* a byte does nothing */
    assert_int_equal(rig_in(rig, 0x511), 1);
    rig_free(rig);
}

int fwcfg_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fwcfg_is_found),
        cmocka_unit_test(fwcfg_has_the_vga_bios),
        cmocka_unit_test(fwcfg_has_the_ram_map),
        cmocka_unit_test(fwcfg_select_is_16_bits_wide),
    };
    return cmocka_run_group_tests_name("fw_cfg", tests, NULL, NULL);
}
