/* FAT images against mkfs.fat, mtools and fsck.fat: formats, long names, a full disk, protection, and what a
 * crash at any moment leaves. What all volumes do is in test_contract.c. */
#include "volume_rig.h"

#include "host_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char content[] = "The quick brown fox\n";

/* --- formats --- */

/* A tree of ours is what mtools sees, and the other way round. */
static void exchange_with_mtools(struct volume_rig *rig, const char *drive)
{
    static u8 big[50000];
    for (u32 i = 0; i < sizeof big; i++)
        big[i] = (u8)(i * 7 + (i >> 9));
    assert_int_equal(rig_make(rig, "OURS"), DOS_OK);
    assert_int_equal(rig_put(rig, "OURS\\BIG.BIN", big, sizeof big), DOS_OK);
    assert_int_equal(rig_put(rig, "F.TXT", content, sizeof content - 1), DOS_OK);
    rig_close_image(rig);
    assert_int_equal(
        rig_shell(rig, "mcopy -n -i %s ::F.TXT f.txt && mcopy -n -i %s ::OURS/BIG.BIN big.bin", drive, drive),
        0);
    char path[128];
    u8 back[sizeof big];
    snprintf(path, sizeof path, "%s/big.bin", rig->dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fread(back, 1, sizeof back, file), sizeof back);
    fclose(file);
    assert_memory_equal(back, big, sizeof big);
    assert_int_equal(
        rig_shell(rig, "mmd -i %s ::THEIRS && mcopy -n -i %s big.bin ::THEIRS/BIG2.BIN", drive, drive), 0);
    struct stat stat_buf;
    assert_int_equal(stat(rig->image, &stat_buf), 0);
    rig_open_image(rig, stat_buf.st_size <= 2880 * 1024 ? BLOCK_FLOPPY : BLOCK_DISK);
    rig_assert_content(rig, "THEIRS\\BIG2.BIN", big, sizeof big);
    rig_assert_names(rig, "THEIRS", ". .. BIG2.BIN ");
}

static void all_formats(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        u32 kib;
    } formats[] = {
        {"-F 12", 160},
        {"-F 12", 180},
        {"-F 12", 320},
        {"-F 12", 360},
        {"-F 12", 720},
        {"-F 12", 1200},
        {"-F 12", 1440},
        {"-F 12", 2880},
        {"-F 12 -s 8", 8192},
        {"-F 16 -s 1", 8192},
        {"-F 16", 33000},
        {"-F 16 -s 64", 2000000},
        {"-F 16 -f 1 -s 2", 16384},
        {"-F 12 -s 64", 65536},
        {"-F 16 -R 9 -r 1024", 40000},
    };
    for (u32 i = 0; i < ARRAY_LEN(formats); i++) {
        struct volume_rig *rig = rig_fat(formats[i].options, formats[i].kib);
        struct dos_space space;
        assert_int_equal(rig->volume.class->space(rig->volume.object, &space), DOS_OK);
        assert_int_equal(space.free_clusters, space.clusters);
        exchange_with_mtools(rig, "image");
        rig_close_image(rig);
        rig_assert_fsck(rig);
        rig_destroy(rig);
    }
}

/* An MBR with a partition of another system before ours. */
static void write_partitions(const struct volume_rig *rig, u8 type, u32 first, u32 sectors)
{
    u8 mbr[512] = {0};
    const u32 entries[2][3] = {{0x83, 63, 1}, {type, first, sectors}};
    for (u32 i = 0; i < 2; i++) {
        u8 *entry = mbr + 0x1be + 16 * i;
        entry[4] = (u8)entries[i][0];
        memcpy(entry + 8, &entries[i][1], 4);
        memcpy(entry + 12, &entries[i][2], 4);
    }
    mbr[510] = 0x55;
    mbr[511] = 0xaa;
    FILE *file = fopen(rig->image, "r+");
    assert_non_null(file);
    assert_int_equal(fwrite(mbr, 1, sizeof mbr, file), sizeof mbr);
    fclose(file);
}

static void partitions(void **state)
{
    (void)state;
    static const u8 types[] = {1, 4, 6, 14};
    for (u32 i = 0; i < ARRAY_LEN(types); i++) {
        struct volume_rig *rig = rig_bare();
        assert_int_equal(rig_shell(rig,
                                   "truncate -s 20M image && mkfs.fat --offset 2048 %s image 16384 >log 2>&1",
                                   types[i] == 1 ? "-F 12 -s 16" : "-F 16"),
                         0);
        write_partitions(rig, types[i], 2048, 32768);
        rig_open_image(rig, BLOCK_DISK);
        exchange_with_mtools(rig, "image@@1M");
        rig_close_image(rig);
        assert_int_equal(
            rig_shell(rig, "dd if=image of=part bs=512 skip=2048 count=32768 2>log && mv part image"), 0);
        rig_assert_fsck(rig);
        rig_destroy(rig);
    }
}

/* DOS 1 and 2 formatted without a parameter block. */
static void diskettes_without_parameters(void **state)
{
    (void)state;
    static const char *const options[] = {"-M 0xfe -s 1 -r 64 -F 12", "-M 0xfc -s 1 -r 64 -F 12",
                                          "-M 0xff -s 2 -r 112 -F 12", "-M 0xfd -s 2 -r 112 -F 12"};
    static const u32 kib[] = {160, 180, 320, 360};
    for (u32 i = 0; i < ARRAY_LEN(kib); i++) {
        struct volume_rig *rig = rig_fat(options[i], kib[i]);
        assert_int_equal(rig_put(rig, "F.TXT", content, sizeof content - 1), DOS_OK);
        rig_close_image(rig);
        assert_int_equal(rig_shell(rig,
                                   "dd if=image of=boot count=1 2>log && dd if=/dev/zero of=image count=1 "
                                   "conv=notrunc 2>log"),
                         0);
        rig_open_image(rig, BLOCK_FLOPPY);
        rig_assert_text(rig, "F.TXT", content);
        assert_int_equal(rig_put(rig, "G.TXT", content, sizeof content - 1), DOS_OK);
        rig_close_image(rig);
        assert_int_equal(rig_shell(rig, "dd if=boot of=image count=1 conv=notrunc 2>log"), 0);
        rig_assert_fsck(rig);
        rig_destroy(rig);
    }
}

static void assert_refused(const char *make, enum block_kind kind)
{
    struct volume_rig *rig = rig_bare();
    char why[100] = "";
    assert_int_equal(rig_shell(rig, "{ %s ; } >log 2>&1", make), 0);
    assert_int_equal(block_open(&rig->block, rig->image, kind, false), 0);
    assert_int_equal(volume_fat_open(&rig->volume, rig->block, why, sizeof why), -EINVAL);
    assert_string_equal(why, "no FAT12 or FAT16 file system in it");
    assert_null(rig->volume.object);
    rig_destroy(rig);
}

static void what_is_no_file_system_is_refused(void **state)
{
    (void)state;
    assert_refused("truncate -s 1440K image", BLOCK_FLOPPY);
    assert_refused("dd if=/dev/urandom of=image bs=1440K count=1", BLOCK_FLOPPY);
    assert_refused("mkfs.fat -C -F 32 -s 1 image 40000", BLOCK_DISK);
    assert_refused("mkfs.fat -C -S 1024 image 4096", BLOCK_DISK);
    assert_refused("mkfs.fat -C -F 16 -s 4 image 32768 && truncate -s 16M image", BLOCK_DISK); /* cut off */
    assert_refused("mkfs.fat -C -F 16 -s 128 image 600000", BLOCK_DISK);
}

static void label_and_serial(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("-n 'MY DISK' -i 1234abcd", 1440);
    char label[12];
    assert_int_equal(rig->volume.serial, 0x1234abcd);
    rig->volume.class->label(rig->volume.object, label);
    assert_string_equal(label, "MY DISK");
    rig_assert_names(rig, "", "");
    assert_int_equal(rig_put(rig, "MY DISK", "", 0), DOS_OK); /* a file of that name is another thing */
    rig_close_image(rig);
    assert_int_equal(rig_shell(rig, "mlabel -i image ::ELEVEN.CHAR >log 2>&1"), 0);
    rig_open_image(rig, BLOCK_FLOPPY);
    rig->volume.class->label(rig->volume.object, label);
    assert_string_not_equal(label, "MY DISK");
    rig_destroy(rig);
}

/* --- names --- */

static void long_names_go_with_their_files(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_bare();
    assert_int_equal(
        rig_shell(rig, "echo 1 >'a long name.text' && cp 'a long name.text' 'another long name with many "
                       "more characters in it than any.dos' && cp 'a long name.text' 'third long name' && "
                       "mkfs.fat -C image 1440 >log && mmd -i image ::'long directory' && "
                       "mcopy -i image 'a long name.text' anoth* third* ::"),
        0);
    rig_open_image(rig, BLOCK_FLOPPY);
    rig_assert_names(rig, "", "LONGDI~1 ALONGN~1.TEX ANOTHE~1.DOS THIRDL~1 ");
    rig_assert_text(rig, "ANOTHE~1.DOS", "1\n");
    assert_int_equal(rig_remove(rig, "ANOTHE~1.DOS"), DOS_OK);
    assert_int_equal(rig_rename(rig, "ALONGN~1.TEX", "SHORT"), DOS_OK);
    assert_int_equal(rig_rename(rig, "THIRDL~1", "LONGDI~1\\THIRD"), DOS_OK);
    assert_int_equal(rig_rename(rig, "LONGDI~1", "DIR"), DOS_OK);
    rig_assert_names(rig, "", "DIR SHORT ");
    rig_close_image(rig);
    rig_assert_fsck(rig); /* would find parts of long names without a file */
    assert_int_equal(rig_shell(rig, "! mdir -b -i image :: | grep -q ' '"), 0);
    rig_destroy(rig);
}

static void names_that_begin_with_the_mark_of_deletion(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("", 1440);
    assert_int_equal(rig_put(rig, "\xe5X", "1", 1), DOS_OK);
    assert_int_equal(rig_put(rig, "OTHER", "2", 1), DOS_OK);
    rig_remount(rig, false);
    rig_assert_names(rig, "", "\xe5X OTHER ");
    rig_assert_text(rig, "\xe5X", "1");
    rig_destroy(rig);
}

/* --- limits --- */

static void a_full_disk(void **state)
{
    (void)state;
    enum { ALL = 1440 * 1024 };
    struct volume_rig *rig = rig_fat("", 1440);
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_space space;
    struct dos_entry entry;
    u8 *buf = calloc(1, ALL), byte;
    u32 done;
    memset(buf, 'x', ALL);
    assert_int_equal(rig_make(rig, "D"), DOS_OK);
    assert_int_equal(v->class->create(v->object, "F", 0, true, &file), DOS_OK);
    assert_int_equal(v->class->write(v->object, file, 0, buf, 100, &done), DOS_OK);
    assert_int_equal(v->class->set_size(v->object, file, ALL), DOS_HANDLE_DISK_FULL);
    assert_int_equal(v->class->write(v->object, file, ALL, buf, 1, &done), DOS_OK); /* beyond what fits */
    assert_int_equal(done, 0);
    assert_int_equal(v->class->stat_file(v->object, file, &entry), DOS_OK);
    assert_int_equal(entry.bytes, 100);
    assert_int_equal(v->class->write(v->object, file, 100, buf, ALL, &done), DOS_OK);
    assert_int_equal(v->class->space(v->object, &space), DOS_OK);
    assert_int_equal(space.free_clusters, 0);
    assert_int_equal(done, (space.clusters - 1) * 512 - 100);
    assert_int_equal(v->class->write(v->object, file, 100 + done, buf, 1, &done), DOS_OK);
    assert_int_equal(done, 0);
    assert_int_equal(v->class->write(v->object, file, 50, "y", 1, &done), DOS_OK); /* in place */
    assert_int_equal(done, 1);
    v->class->close_file(v->object, file);
    assert_int_equal(rig_make(rig, "E"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_put(rig, "G", "", 0), DOS_OK); /* takes a place in the root only */
    assert_int_equal(rig_put(rig, "H", "x", 1), DOS_HANDLE_DISK_FULL);
    char path[16];
    enum dos_error error = DOS_OK;
    for (u32 i = 0; i < 14; i++) { /* the directory's only cluster has 14 more places */
        snprintf(path, sizeof path, "D\\%u", i);
        assert_int_equal(rig_put(rig, path, "", 0), DOS_OK);
    }
    error = rig_put(rig, "D\\15", "", 0);
    assert_int_equal(error, DOS_ACCESS_DENIED);
    rig_close_image(rig);
    rig_assert_fsck(rig);
    rig_open_image(rig, BLOCK_FLOPPY);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_READ | VOLUME_WRITE, &file), DOS_OK);
    assert_int_equal(v->class->read(v->object, file, 50, &byte, 1, &done), DOS_OK);
    assert_int_equal(byte, 'y');
    assert_int_equal(v->class->set_size(v->object, file, 0), DOS_OK);
    v->class->close_file(v->object, file);
    assert_int_equal(v->class->space(v->object, &space), DOS_OK);
    assert_int_equal(space.free_clusters, space.clusters - 1);
    free(buf);
    rig_close_image(rig);
    rig_assert_fsck(rig);
    rig_destroy(rig);
}

static void a_full_root(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("-r 16", 720);
    char path[16];
    u32 count = 0;
    struct dos_space before, after;
    for (; count < 100; count++) {
        snprintf(path, sizeof path, "F%u", count);
        if (rig_put(rig, path, "", 0))
            break;
    }
    assert_int_equal(count, 16);
    assert_int_equal(rig->volume.class->space(rig->volume.object, &before), DOS_OK);
    assert_int_equal(rig_put(rig, "F", "", 0), DOS_ACCESS_DENIED);
    assert_int_equal(rig_make(rig, "D"), DOS_ACCESS_DENIED);
    assert_int_equal(rig->volume.class->space(rig->volume.object, &after), DOS_OK);
    assert_int_equal(after.free_clusters, before.free_clusters);
    assert_int_equal(rig_rename(rig, "F0", "G0"), DOS_OK);
    rig_close_image(rig);
    rig_assert_fsck(rig);
    rig_destroy(rig);
}

static void write_protected(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("", 1440);
    struct volume *v = &rig->volume;
    assert_int_equal(rig_put(rig, "F", content, sizeof content - 1), DOS_OK);
    assert_int_equal(rig_make(rig, "D"), DOS_OK);
    rig_close_image(rig);
    assert_int_equal(chmod(rig->image, 0444), 0);
    rig_set_override(false);
    rig_open_image(rig, BLOCK_FLOPPY);
    rig_set_override(true);
    assert_true(block_readonly(rig->block));
    assert_true(v->read_only);
    rig_assert_text(rig, "F", content);
    assert_int_equal(rig_put(rig, "F", "x", 1), DOS_WRITE_PROTECT);
    assert_int_equal(rig_put(rig, "G", "x", 1), DOS_WRITE_PROTECT);
    assert_int_equal(rig_open_close(rig, "F", VOLUME_WRITE), DOS_WRITE_PROTECT);
    assert_int_equal(rig_remove(rig, "F"), DOS_WRITE_PROTECT);
    assert_int_equal(rig_remove(rig, "G"), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_rename(rig, "F", "G"), DOS_WRITE_PROTECT);
    assert_int_equal(rig_make(rig, "E"), DOS_WRITE_PROTECT);
    assert_int_equal(v->class->remove_directory(v->object, "D"), DOS_WRITE_PROTECT);
    assert_int_equal(v->class->set_attributes(v->object, "F", 0), DOS_WRITE_PROTECT);
    rig_destroy(rig);
}

static void open_files_are_not_removed(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("", 1440);
    struct volume *v = &rig->volume;
    struct volume_file *file;
    char buf[8];
    u32 done;
    assert_int_equal(rig_put(rig, "F", "12345", 5), DOS_OK);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_READ, &file), DOS_OK);
    assert_int_equal(rig_remove(rig, "F"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_put(rig, "F", "abc", 3), DOS_OK); /* emptied under the other handle */
    assert_int_equal(v->class->read(v->object, file, 0, buf, 8, &done), DOS_OK);
    assert_int_equal(done, 3);
    v->class->close_file(v->object, file);
    assert_int_equal(rig_remove(rig, "F"), DOS_OK);
    rig_close_image(rig);
    rig_assert_fsck(rig);
    rig_destroy(rig);
}

/* --- sectors --- */

enum { FLOPPY_TABLE = 1, FLOPPY_TABLE_SECTORS = 9, FLOPPY_ROOT = 19, FLOPPY_DATA = 33, BAD_PAIR_AT = 300 };

static void read_sector(struct volume_rig *rig, u32 sector, u8 *bytes)
{
    struct volume *v = &rig->volume;
    assert_int_equal(v->class->read_sectors(v->object, sector, 1, bytes), DOS_OK);
}

static enum dos_error write_sector(struct volume_rig *rig, u32 sector, const u8 *bytes)
{
    struct volume *v = &rig->volume;
    return v->class->write_sectors(v->object, sector, 1, bytes);
}

/* What an open file has got is on the medium when its sectors are read; what is written to sectors, the volume knows. */
static void sectors_and_files_agree(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("", 1440);
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_space before, after;
    struct dos_entry entry;
    u8 sector[512], many[2000] = {0};
    char read[8] = {0};
    u32 done;
    memset(many, 'm', sizeof many);
    assert_int_equal(rig_put(rig, "F", "12345", 5), DOS_OK);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_READ | VOLUME_WRITE, &file), DOS_OK);
    assert_int_equal(v->class->write(v->object, file, 5, many, sizeof many, &done), DOS_OK);
    read_sector(rig, FLOPPY_TABLE, sector);
    assert_int_equal(sector[3] | (sector[4] & 0xf) << 8, 3); /* cluster 2 has 3 behind it: F has four */
    read_sector(rig, FLOPPY_DATA, sector);
    assert_memory_equal(sector, "12345mm", 7);
    memcpy(sector, "abcde", 5);
    assert_int_equal(write_sector(rig, FLOPPY_DATA, sector), DOS_OK);
    assert_int_equal(v->class->read(v->object, file, 0, read, 7, &done), DOS_OK);
    assert_memory_equal(read, "abcdemm", 7);
    /* two bad clusters in both tables */
    assert_int_equal(v->class->space(v->object, &before), DOS_OK);
    read_sector(rig, FLOPPY_TABLE, sector);
    memcpy(sector + BAD_PAIR_AT, "\xf7\x7f\xff", 3);
    assert_int_equal(write_sector(rig, FLOPPY_TABLE, sector), DOS_OK);
    assert_int_equal(write_sector(rig, FLOPPY_TABLE + FLOPPY_TABLE_SECTORS, sector), DOS_OK);
    assert_int_equal(v->class->space(v->object, &after), DOS_OK);
    assert_int_equal(after.free_clusters, before.free_clusters - 2);
    /* more of the file: the clusters' chain is followed anew, and goes around what is bad */
    for (u32 i = 0; i < 120; i++)
        assert_int_equal(v->class->write(v->object, file, 2005 + i * (u32)sizeof many, many, sizeof many, &done), DOS_OK);
    v->class->close_file(v->object, file);
    read_sector(rig, FLOPPY_TABLE, sector);
    assert_memory_equal(sector + BAD_PAIR_AT, "\xf7\x7f\xff", 3);
    /* another name in the root */
    read_sector(rig, FLOPPY_ROOT, sector);
    sector[0] = 'G';
    assert_int_equal(write_sector(rig, FLOPPY_ROOT, sector), DOS_OK);
    assert_int_equal(rig_find(rig, "F", &entry), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_find(rig, "G", &entry), DOS_OK);
    assert_int_equal(entry.bytes, 2005 + 120 * sizeof many);
    rig_close_image(rig);
    rig_assert_fsck(rig);
    rig_destroy(rig);
}

static void sectors_that_are_not_there(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("", 1440);
    struct volume *v = &rig->volume;
    u8 sectors[1024];
    const u32 beyond[] = {2880, 2881, 0x7fffffff, 0xffffffff};
    for (u32 i = 0; i < ARRAY_LEN(beyond); i++) {
        assert_int_equal(v->class->read_sectors(v->object, beyond[i], 1, sectors), DOS_SECTOR_NOT_FOUND);
        assert_int_equal(v->class->write_sectors(v->object, beyond[i], 1, sectors), DOS_SECTOR_NOT_FOUND);
    }
    assert_int_equal(v->class->read_sectors(v->object, 2879, 2, sectors), DOS_SECTOR_NOT_FOUND);
    assert_int_equal(v->class->read_sectors(v->object, 2879, 1, sectors), DOS_OK);
    assert_int_equal(v->class->read_sectors(v->object, 2880, 0, sectors), DOS_OK);
    rig_destroy(rig);
}

/* --- failures --- */

static void errors_of_the_medium(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("", 1440);
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_entry entry;
    char buf[8];
    u32 done;
    assert_int_equal(rig_put(rig, "F", "12345", 5), DOS_OK);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_READ | VOLUME_WRITE, &file), DOS_OK);
    *host_faults() = (struct host_faults){.read_error = EIO};
    assert_int_equal(v->class->read(v->object, file, 0, buf, 5, &done), DOS_READ_FAULT);
    assert_int_equal(rig_find(rig, "F", &entry), DOS_READ_FAULT);
    *host_faults() = (struct host_faults){.write_error = EIO};
    assert_int_equal(v->class->write(v->object, file, 0, buf, 5, &done), DOS_WRITE_FAULT);
    assert_int_equal(v->class->write(v->object, file, 0, "0123456789", 10, &done), DOS_WRITE_FAULT);
    assert_int_equal(rig_make(rig, "D"), DOS_WRITE_FAULT);
    *host_faults() = (struct host_faults){0};
    assert_int_equal(v->class->read(v->object, file, 0, buf, 8, &done), DOS_OK);
    assert_int_equal(done, 5);
    v->class->close_file(v->object, file);
    rig_close_image(rig);
    rig_assert_fsck(rig);
    rig_destroy(rig);
}

/* Everything that writes. */
static void work(struct volume_rig *rig)
{
    struct volume *v = &rig->volume;
    struct volume_file *file;
    static u8 buf[20000];
    u32 done;
    char path[32];
    memset(buf, 'w', sizeof buf);
    rig_put(rig, "OLD", buf, 9000); /* is there, and emptied */
    rig_make(rig, "NEW");
    for (u32 i = 0; i < 20; i++) { /* the directory grows */
        snprintf(path, sizeof path, "NEW\\F%u", i);
        rig_put(rig, path, buf, i * 100);
    }
    rig_rename(rig, "DIR\\SUB", "NEW\\SUB");
    rig_rename(rig, "DIR\\F", "G");
    rig_rename(rig, "G", "H");
    if (!v->class->open(v->object, "H", VOLUME_READ | VOLUME_WRITE, &file)) {
        v->class->write(v->object, file, 3000, buf, 20000, &done);
        v->class->set_size(v->object, file, 700);
        v->class->write(v->object, file, 30000, buf, 1000, &done);
        v->class->commit(v->object, file);
        v->class->close_file(v->object, file);
    }
    rig_remove(rig, "NEW\\F7");
    rig_remove(rig, "NEW\\F19");
    v->class->set_attributes(v->object, "H", DOS_ATTR_READ_ONLY);
    rig_remove(rig, "NEW\\SUB\\DEEP");
    v->class->remove_directory(v->object, "NEW\\SUB");
    v->class->remove_directory(v->object, "DIR");
}

/* fsck.fat may complain of nothing but clusters that belong to nobody or lie beyond the end of a file, and of
 * copies of the table that differ: between the two writes. */
static void assert_only_lost_clusters(const struct volume_rig *rig, u32 writes)
{
    if (rig_shell(
            rig, "fsck.fat -n image >fsck.log 2>&1 ; ! grep -v 'chain length is >' fsck.log | grep -qiE "
                 "'share|bad|"
                 "free cluster|size is|Start|directory.*(not|no)|entry|orphan|duplicate|circular|zero'") == 0)
        return;
    print_message("after %u writes:\n", writes);
    rig_shell(rig, "cat fsck.log");
    fail();
}

/* All of it, with the image failing for good after so many writes. Returns whether it did not come to that.
 */
static bool work_until(struct volume_rig *rig, u32 writes)
{
    int saved = dup(2), null = open("/dev/null", O_WRONLY);
    rig_open_image(rig, BLOCK_FLOPPY);
    *host_faults() = (struct host_faults){.writes_end = true, .writes_left = writes};
    dup2(null, 2); /* block.c reports the fault each time */
    work(rig);
    rig_close_image(rig);
    bool finished = host_faults()->writes_left > 0;
    *host_faults() = (struct host_faults){0};
    dup2(saved, 2);
    close(saved);
    close(null);
    return finished;
}

static void a_crash_loses_at_most_clusters(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_fat("-s 1 -F 12", 360);
    static u8 buf[10000], pristine[360 * 1024];
    bool finished = false;
    u32 writes = 0;
    assert_int_equal(rig_put(rig, "OLD", buf, 5000), DOS_OK);
    assert_int_equal(rig_make(rig, "DIR"), DOS_OK);
    assert_int_equal(rig_put(rig, "DIR\\F", buf, 5000), DOS_OK);
    assert_int_equal(rig_make(rig, "DIR\\SUB"), DOS_OK);
    assert_int_equal(rig_put(rig, "DIR\\SUB\\DEEP", buf, 1), DOS_OK);
    rig_close_image(rig);
    int fd = open(rig->image, O_RDWR);
    assert_int_equal(read(fd, pristine, sizeof pristine), sizeof pristine);
    for (; !finished; writes++) {
        assert_int_equal(pwrite(fd, pristine, sizeof pristine, 0), sizeof pristine);
        finished = work_until(rig, writes);
        assert_only_lost_clusters(rig, writes);
    }
    assert_true(writes > 150);
    close(fd);
    rig_assert_fsck(rig); /* the last time was without a crash */
    rig_destroy(rig);
}

int fat_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_formats),
        cmocka_unit_test(partitions),
        cmocka_unit_test(diskettes_without_parameters),
        cmocka_unit_test(what_is_no_file_system_is_refused),
        cmocka_unit_test(label_and_serial),
        cmocka_unit_test(long_names_go_with_their_files),
        cmocka_unit_test(names_that_begin_with_the_mark_of_deletion),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(a_full_root),
        cmocka_unit_test(write_protected),
        cmocka_unit_test(open_files_are_not_removed),
        cmocka_unit_test(sectors_and_files_agree),
        cmocka_unit_test(sectors_that_are_not_there),
        cmocka_unit_test(errors_of_the_medium),
        cmocka_unit_test(a_crash_loses_at_most_clusters),
    };
    return cmocka_run_group_tests_name("FAT", tests, NULL, NULL);
}
