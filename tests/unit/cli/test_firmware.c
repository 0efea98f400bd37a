/* What is accepted as firmware, and where it is looked for. */
#include "cli_tests.h"

#include "firmware.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static u8 image[512 * KIB];

static void make_bios(u32 bytes)
{
    memset(image, 0, sizeof image);
    image[bytes - 16] = 0xea;
}

static void make_vgabios(u32 bytes)
{
    memset(image, 0, sizeof image);
    image[0] = 0x55;
    image[1] = 0xaa;
    image[2] = (u8)(bytes / 512);
    image[7] = (u8) - (0x55 + 0xaa + image[2]);
}

static void assert_why(enum firmware_kind kind, size_t bytes, const char *expected)
{
    const char *why = firmware_check(kind, image, bytes);
    if (!expected) {
        assert_null(why);
        return;
    }
    assert_non_null(why);
    assert_non_null(strstr(why, expected));
}

static void system_firmware(void **state)
{
    (void)state;
    make_bios(128 * KIB);
    assert_why(FIRMWARE_BIOS, 128 * KIB, NULL);
    make_bios(256 * KIB);
    assert_why(FIRMWARE_BIOS, 256 * KIB, NULL);
    assert_why(FIRMWARE_BIOS, 128 * KIB, "reset vector");
    assert_why(FIRMWARE_BIOS, 100 * KIB, "size");
    assert_why(FIRMWARE_BIOS, 512 * KIB, "size");
    assert_why(FIRMWARE_BIOS, 0, "size");
    memset(image, 0xff, sizeof image);
    assert_why(FIRMWARE_BIOS, 128 * KIB, "reset vector");
}

static void vga_firmware(void **state)
{
    (void)state;
    make_vgabios(32 * KIB);
    assert_why(FIRMWARE_VGABIOS, 32 * KIB, NULL);
    assert_why(FIRMWARE_VGABIOS, 40 * KIB, NULL);
    assert_why(FIRMWARE_VGABIOS, 31 * KIB, "length");
    assert_why(FIRMWARE_VGABIOS, 511, "size");
    assert_why(FIRMWARE_VGABIOS, 65 * KIB, "size");
    image[100]++;
    assert_why(FIRMWARE_VGABIOS, 32 * KIB, "checksum");
    image[100]--;
    image[1] = 0xab;
    assert_why(FIRMWARE_VGABIOS, 32 * KIB, "55h AAh");
    make_vgabios(32 * KIB);
    image[7] += image[2];
    image[2] = 0;
    assert_why(FIRMWARE_VGABIOS, 32 * KIB, "length");
}

static int load(struct firmware_image *loaded, enum firmware_kind kind, const char *path, const char *root,
                char *why)
{
    why[0] = '\0';
    return firmware_load_image(loaded, kind, path, root, why, 512);
}

static void named_files(void **state)
{
    struct firmware_image loaded;
    char why[512];
    (void)state;
    make_bios(64 * KIB);
    image[5] = 0x77;
    const char *path = temp_file("bios.bin", image, 64 * KIB, 64 * KIB);
    assert_int_equal(load(&loaded, FIRMWARE_BIOS, path, "", why), 0);
    assert_int_equal(loaded.bytes, 64 * KIB);
    assert_int_equal(loaded.data[5], 0x77);
    assert_string_equal(firmware_name(&loaded), path);
    firmware_free_image(&loaded);
    assert_int_equal(load(&loaded, FIRMWARE_VGABIOS, path, "", why), -EINVAL);
    assert_non_null(strstr(why, "cannot be used as VGA firmware"));
    assert_null(loaded.data);
    unlink(path);
    assert_int_equal(load(&loaded, FIRMWARE_BIOS, path, "", why), -ENOENT);
    assert_non_null(strstr(why, "No such file"));
    assert_int_equal(load(&loaded, FIRMWARE_BIOS, "/", "", why), -EISDIR);
    assert_int_equal(load(&loaded, FIRMWARE_BIOS, "/dev/null", "", why), -EINVAL);
}

static void searched_files(void **state)
{
    struct firmware_image loaded;
    char why[512], command[400], *root = strdup("huddle-test-root-XXXXXX");
    (void)state;
    assert_non_null(mkdtemp(root));
    assert_int_equal(load(&loaded, FIRMWARE_BIOS, NULL, root, why), -ENOENT);
    assert_string_equal(
        why, "no system firmware: bios.bin is not in /usr/share/seabios; install the package seabios, "
             "or name a file with --bios=FILE");
    make_bios(256 * KIB);
    const char *path = temp_file("b", image, 256 * KIB, 256 * KIB);
    snprintf(command, sizeof command,
             "mkdir -p %s/usr/share/seabios && mv %s %s/usr/share/seabios/bios-256k.bin", root, path, root);
    assert_int_equal(system(command), 0);
    assert_int_equal(load(&loaded, FIRMWARE_BIOS, NULL, root, why), 0);
    assert_string_equal(firmware_name(&loaded), "bios-256k.bin");
    firmware_free_image(&loaded);
    snprintf(command, sizeof command, "rm -r %s", root);
    assert_int_equal(system(command), 0);
    free(root);
}

int test_firmware(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_firmware),
        cmocka_unit_test(vga_firmware),
        cmocka_unit_test(named_files),
        cmocka_unit_test(searched_files),
    };
    return cmocka_run_group_tests_name("firmware", tests, NULL, NULL);
}
