/* What volume.h promises, on every kind of drive that can be written. */
#include "volume_rig.h"

#include "host_faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct volume_rig *(*make_rig)(void);

static struct volume_rig *floppy(void)
{
    return rig_fat("-F 12", 1440);
}

static struct volume_rig *disk(void)
{
    return rig_fat("-F 16 -s 4", 32768);
}

static struct volume_rig *small_clusters(void)
{
    return rig_fat("-F 16 -s 1 -r 64", 4096);
}

/* Both as it is now and after opening the drive again. */
static void assert_text(struct volume_rig *rig, const char *path, const char *text)
{
    rig_assert_text(rig, path, text);
    rig_remount(rig, false);
    rig_assert_text(rig, path, text);
}

static void check(struct volume_rig *rig)
{
    if (rig->block) {
        rig_close_image(rig);
        rig_assert_fsck(rig);
    }
    rig_destroy(rig);
}

static void files(make_rig make)
{
    struct volume_rig *rig = make();
    struct dos_entry entry;
    assert_int_equal(rig_find(rig, "A.TXT", &entry), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_find(rig, "NODIR\\A.TXT", &entry), DOS_PATH_NOT_FOUND);
    assert_int_equal(rig_put(rig, "A.TXT", "hello", 5), DOS_OK);
    assert_int_equal(rig_put(rig, "B", "", 0), DOS_OK);
    assert_text(rig, "A.TXT", "hello");
    assert_text(rig, "B", "");
    assert_int_equal(rig_put(rig, "A.TXT", "bye", 3), DOS_OK);
    assert_text(rig, "A.TXT", "bye");
    assert_int_equal(rig_find(rig, "A.TXT", &entry), DOS_OK);
    assert_string_equal(entry.name, "A.TXT");
    assert_int_equal(entry.bytes, 3);
    assert_int_equal(entry.attributes, DOS_ATTR_ARCHIVE);
    rig_assert_names(rig, "", "A.TXT B ");
    assert_int_equal(rig_remove(rig, "A.TXT"), DOS_OK);
    assert_int_equal(rig_remove(rig, "A.TXT"), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_remove(rig, "NODIR\\A"), DOS_PATH_NOT_FOUND);
    assert_int_equal(rig_open_close(rig, "A.TXT", VOLUME_READ), DOS_FILE_NOT_FOUND);
    rig_assert_names(rig, "", "B ");
    assert_int_equal(rig_find(rig, "", &entry), DOS_OK);
    assert_int_equal(entry.attributes, DOS_ATTR_DIRECTORY);
    check(rig);
}

static void creating(make_rig make)
{
    struct volume_rig *rig = make();
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_entry entry;
    u32 done;
    assert_int_equal(v->class->create(v->object, "NEW", DOS_ATTR_READ_ONLY, true, &file), DOS_OK);
    assert_int_equal(v->class->write(v->object, file, 0, "x", 1, &done), DOS_OK); /* that handle may */
    v->class->close_file(v->object, file);
    assert_int_equal(rig_find(rig, "NEW", &entry), DOS_OK);
    assert_int_equal(entry.attributes, DOS_ATTR_READ_ONLY | DOS_ATTR_ARCHIVE);
    assert_int_equal(v->class->create(v->object, "NEW", 0, true, &file), DOS_FILE_EXISTS);
    assert_int_equal(v->class->create(v->object, "NEW", 0, false, &file), DOS_ACCESS_DENIED);
    assert_int_equal(rig_open_close(rig, "NEW", VOLUME_READ), DOS_OK);
    assert_int_equal(rig_open_close(rig, "NEW", VOLUME_WRITE), DOS_ACCESS_DENIED);
    assert_int_equal(rig_remove(rig, "NEW"), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_attributes(v->object, "NEW", 0), DOS_OK);
    assert_int_equal(rig_find(rig, "NEW", &entry), DOS_OK);
    assert_int_equal(entry.attributes & DOS_ATTR_READ_ONLY, 0);
    assert_int_equal(rig_remove(rig, "NEW"), DOS_OK);
    assert_int_equal(v->class->create(v->object, "NODIR\\NEW", 0, false, &file), DOS_PATH_NOT_FOUND);
    assert_int_equal(v->class->create(v->object, "", 0, false, &file), DOS_ACCESS_DENIED);
    assert_int_equal(rig_open_close(rig, "", VOLUME_READ), DOS_ACCESS_DENIED);
    check(rig);
}

static void attributes(make_rig make)
{
    struct volume_rig *rig = make();
    struct volume *v = &rig->volume;
    struct dos_entry entry;
    if (!rig->block)
        rig_needs_xattrs(rig);
    static const u8 all = DOS_ATTR_READ_ONLY | DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM | DOS_ATTR_ARCHIVE;
    assert_int_equal(rig_put(rig, "F", "1", 1), DOS_OK);
    assert_int_equal(rig_make(rig, "D"), DOS_OK);
    for (u32 a = 0; a < 0x40; a++) {
        assert_int_equal(v->class->set_attributes(v->object, "F", (u8)a), DOS_OK);
        if (a % 8 == 5)
            rig_remount(rig, false);
        assert_int_equal(rig_find(rig, "F", &entry), DOS_OK);
        assert_int_equal(entry.attributes, a & all);
    }
    assert_int_equal(v->class->set_attributes(v->object, "D", DOS_ATTR_HIDDEN), DOS_OK);
    assert_int_equal(rig_find(rig, "D", &entry), DOS_OK);
    assert_int_equal(entry.attributes, DOS_ATTR_DIRECTORY | DOS_ATTR_HIDDEN);
    assert_int_equal(v->class->set_attributes(v->object, "NONE", 0), DOS_FILE_NOT_FOUND);
    /* Writing sets "archive". */
    struct volume_file *file;
    u32 done;
    assert_int_equal(v->class->set_attributes(v->object, "F", DOS_ATTR_SYSTEM), DOS_OK);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_WRITE, &file), DOS_OK);
    assert_int_equal(v->class->write(v->object, file, 0, "2", 1, &done), DOS_OK);
    v->class->close_file(v->object, file);
    assert_int_equal(rig_find(rig, "F", &entry), DOS_OK);
    assert_int_equal(entry.attributes, DOS_ATTR_SYSTEM | DOS_ATTR_ARCHIVE);
    check(rig);
}

/* A file in memory and one on the drive are treated alike, and must be equal. */
static void random_writes(make_rig make)
{
    enum { MOST = 200000, ROUNDS = 400 };
    struct volume_rig *rig = make();
    struct volume *v = &rig->volume;
    struct volume_file *file;
    u8 *model = calloc(1, MOST), *buf = malloc(MOST);
    u32 size = 0, done;
    srand(1);
    assert_int_equal(v->class->create(v->object, "DATA.BIN", 0, true, &file), DOS_OK);
    for (u32 round = 0; round < ROUNDS; round++) {
        u32 offset = (u32)rand() % (MOST / 2), bytes = 1 + (u32)rand() % (round % 4 ? 3000 : 60000);
        if (round % 7 == 3) {
            assert_int_equal(v->class->set_size(v->object, file, offset), DOS_OK);
            if (offset < size)
                memset(model + offset, 0, size - offset);
            size = offset;
            continue;
        }
        for (u32 i = 0; i < bytes; i++)
            buf[i] = (u8)rand();
        assert_int_equal(v->class->write(v->object, file, offset, buf, bytes, &done), DOS_OK);
        assert_int_equal(done, bytes);
        memcpy(model + offset, buf, bytes);
        size = MAX(size, offset + bytes);
        offset = (u32)rand() % MOST;
        assert_int_equal(v->class->read(v->object, file, offset, buf, 5000, &done), DOS_OK);
        assert_int_equal(done, offset < size ? MIN(5000, size - offset) : 0);
        assert_int_equal(memcmp(buf, model + offset, done), 0);
    }
    struct dos_entry entry;
    assert_int_equal(v->class->stat_file(v->object, file, &entry), DOS_OK);
    assert_int_equal(entry.bytes, size);
    assert_string_equal(entry.name, "DATA.BIN");
    u32 syncs = host_faults()->syncs;
    assert_int_equal(v->class->commit(v->object, file), DOS_OK);
    assert_int_equal(host_faults()->syncs, syncs + 1);
    v->class->close_file(v->object, file);
    rig_remount(rig, false);
    rig_assert_content(rig, "DATA.BIN", model, size);
    free(model);
    free(buf);
    check(rig);
}

static void two_handles(make_rig make)
{
    struct volume_rig *rig = make();
    struct volume *v = &rig->volume;
    struct volume_file *one, *two;
    char buf[8] = "";
    u32 done;
    assert_int_equal(rig_put(rig, "F", "", 0), DOS_OK);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_READ | VOLUME_WRITE, &one), DOS_OK);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_READ, &two), DOS_OK);
    assert_int_equal(v->class->write(v->object, one, 0, "abc", 3, &done), DOS_OK);
    assert_int_equal(v->class->read(v->object, two, 1, buf, 8, &done), DOS_OK);
    assert_int_equal(done, 2);
    assert_string_equal(buf, "bc");
    assert_int_equal(v->class->write(v->object, two, 0, "x", 1, &done), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_size(v->object, two, 0), DOS_ACCESS_DENIED);
    assert_int_equal(rig_rename(rig, "F", "G.X"), DOS_OK);
    struct dos_entry entry;
    assert_int_equal(v->class->stat_file(v->object, two, &entry), DOS_OK);
    assert_string_equal(entry.name, "G.X");
    assert_int_equal(v->class->write(v->object, one, 3, "d", 1, &done), DOS_OK);
    v->class->close_file(v->object, one);
    assert_int_equal(v->class->read(v->object, two, 0, buf, 8, &done), DOS_OK);
    assert_int_equal(done, 4);
    v->class->close_file(v->object, two);
    assert_text(rig, "G.X", "abcd");
    check(rig);
}

static void times(make_rig make)
{
    struct volume_rig *rig = make();
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_entry entry;
    u32 done;
    const u16 date = 12 << 9 | 7 << 5 | 14, time = 13 << 11 | 37 << 5 | 21;
    assert_int_equal(v->class->create(v->object, "F", 0, true, &file), DOS_OK);
    assert_int_equal(v->class->write(v->object, file, 0, "1", 1, &done), DOS_OK);
    assert_int_equal(v->class->set_time(v->object, file, date, time), DOS_OK);
    assert_int_equal(v->class->stat_file(v->object, file, &entry), DOS_OK);
    assert_int_equal(entry.date, date);
    v->class->close_file(v->object, file); /* and that leaves it */
    rig_remount(rig, false);
    assert_int_equal(rig_find(rig, "F", &entry), DOS_OK);
    assert_int_equal(entry.date, date);
    assert_int_equal(entry.time, time);
    assert_int_equal(rig_put(rig, "F", "2", 1), DOS_OK);
    assert_int_equal(rig_find(rig, "F", &entry), DOS_OK);
    assert_true(entry.date > date); /* now */
    check(rig);
}

static void directories(make_rig make)
{
    struct volume_rig *rig = make();
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_entry entry;
    assert_int_equal(rig_make(rig, "SUB"), DOS_OK);
    assert_int_equal(rig_make(rig, "SUB"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_make(rig, ""), DOS_ACCESS_DENIED);
    assert_int_equal(rig_make(rig, "NONE\\SUB"), DOS_PATH_NOT_FOUND);
    assert_int_equal(rig_make(rig, "SUB\\DEEP.ER"), DOS_OK);
    assert_int_equal(rig_put(rig, "SUB\\DEEP.ER\\F", "deep", 4), DOS_OK);
    assert_text(rig, "SUB\\DEEP.ER\\F", "deep");
    rig_assert_names(rig, "SUB", ". .. DEEP.ER ");
    rig_assert_names(rig, "SUB\\DEEP.ER", ". .. F ");
    rig_assert_names(rig, "NONE", "!3 ");
    rig_assert_names(rig, "SUB\\DEEP.ER\\F", "!3 ");
    assert_int_equal(rig_find(rig, "SUB", &entry), DOS_OK);
    assert_int_equal(entry.attributes, DOS_ATTR_DIRECTORY);
    assert_int_equal(entry.bytes, 0);
    assert_int_equal(rig_open_close(rig, "SUB", VOLUME_READ), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->create(v->object, "SUB", 0, false, &file), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->create(v->object, "SUB", 0, true, &file), DOS_FILE_EXISTS);
    assert_int_equal(rig_remove(rig, "SUB"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_find(rig, "SUB\\DEEP.ER\\F\\X", &entry), DOS_PATH_NOT_FOUND);
    assert_int_equal(v->class->remove_directory(v->object, "SUB\\DEEP.ER"), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->remove_directory(v->object, "SUB\\DEEP.ER\\F"), DOS_PATH_NOT_FOUND);
    assert_int_equal(v->class->remove_directory(v->object, "NONE"), DOS_PATH_NOT_FOUND);
    assert_int_equal(v->class->remove_directory(v->object, ""), DOS_ACCESS_DENIED);
    assert_int_equal(rig_remove(rig, "SUB\\DEEP.ER\\F"), DOS_OK);
    assert_int_equal(v->class->remove_directory(v->object, "SUB\\DEEP.ER"), DOS_OK);
    rig_assert_names(rig, "SUB", ". .. ");
    check(rig);
}

static void renaming(make_rig make)
{
    struct volume_rig *rig = make();
    assert_int_equal(rig_make(rig, "A"), DOS_OK);
    assert_int_equal(rig_make(rig, "B"), DOS_OK);
    assert_int_equal(rig_make(rig, "A\\SUB"), DOS_OK);
    assert_int_equal(rig_put(rig, "A\\SUB\\F", "1", 1), DOS_OK);
    assert_int_equal(rig_put(rig, "G", "2", 1), DOS_OK);
    assert_int_equal(rig_rename(rig, "G", "H"), DOS_OK);
    assert_int_equal(rig_rename(rig, "G", "I"), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_rename(rig, "H", "A"), DOS_ACCESS_DENIED); /* is there */
    assert_int_equal(rig_rename(rig, "H", "NONE\\H"), DOS_PATH_NOT_FOUND);
    assert_int_equal(rig_rename(rig, "H", ""), DOS_ACCESS_DENIED);
    assert_int_equal(rig_rename(rig, "", "Z"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_rename(rig, "H", "A\\SUB\\H"), DOS_OK);
    assert_int_equal(rig_rename(rig, "A\\SUB", "B\\MOVED"), DOS_OK);
    assert_int_equal(rig_rename(rig, "B", "B\\MOVED\\B"), DOS_ACCESS_DENIED); /* into itself */
    assert_int_equal(rig_rename(rig, "B", "C"), DOS_OK);
    assert_text(rig, "C\\MOVED\\F", "1");
    assert_text(rig, "C\\MOVED\\H", "2");
    rig_assert_names(rig, "A", ". .. ");
    rig_assert_names(rig, "", "A C ");
    check(rig);
}

static void many_files(make_rig make)
{
    struct volume_rig *rig = make();
    char path[32];
    assert_int_equal(rig_make(rig, "MANY"), DOS_OK);
    for (u32 i = 0; i < 300; i++) {
        snprintf(path, sizeof path, "MANY\\F%u.DAT", i * 7 % 300);
        assert_int_equal(rig_put(rig, path, path, (u32)strlen(path)), DOS_OK);
    }
    for (u32 i = 0; i < 300; i += 2) {
        snprintf(path, sizeof path, "MANY\\F%u.DAT", i);
        assert_int_equal(rig_remove(rig, path), DOS_OK);
    }
    rig_remount(rig, false);
    struct dos_entry *entries;
    u32 count;
    assert_int_equal(rig->volume.class->list(rig->volume.object, "MANY", &entries, &count), DOS_OK);
    assert_int_equal(count, 152);
    free(entries);
    for (u32 i = 1; i < 300; i += 2) {
        snprintf(path, sizeof path, "MANY\\F%u.DAT", i);
        rig_assert_text(rig, path, path);
    }
    check(rig);
}

static void space(make_rig make)
{
    struct volume_rig *rig = make();
    struct dos_space before, after;
    char label[12];
    static const u8 block[100000];
    assert_int_equal(rig->volume.class->space(rig->volume.object, &before), DOS_OK);
    assert_int_equal(before.sector_bytes, 512);
    assert_true(before.cluster_sectors >= 1 && before.cluster_sectors <= 64);
    assert_true(before.free_clusters <= before.clusters);
    assert_int_equal(rig_put(rig, "F", block, sizeof block), DOS_OK);
    assert_int_equal(rig->volume.class->space(rig->volume.object, &after), DOS_OK);
    u32 bytes = before.cluster_sectors * 512;
    if (rig->block)
        assert_int_equal(before.free_clusters - after.free_clusters, (sizeof block + bytes - 1) / bytes);
    rig->volume.class->label(rig->volume.object, label);
    assert_string_equal(label, rig->block ? "" : "ROOT");
    check(rig);
}

#define ON_EACH(test)                                                                                        \
    static void test##_host(void **state)                                                                    \
    {                                                                                                        \
        (void)state;                                                                                         \
        test(rig_host);                                                                                      \
    }                                                                                                        \
    static void test##_floppy(void **state)                                                                  \
    {                                                                                                        \
        (void)state;                                                                                         \
        test(floppy);                                                                                        \
    }                                                                                                        \
    static void test##_disk(void **state)                                                                    \
    {                                                                                                        \
        (void)state;                                                                                         \
        test(disk);                                                                                          \
    }                                                                                                        \
    static void test##_small_clusters(void **state)                                                          \
    {                                                                                                        \
        (void)state;                                                                                         \
        test(small_clusters);                                                                                \
    }
#define EACH(test)                                                                                           \
    cmocka_unit_test(test##_host), cmocka_unit_test(test##_floppy), cmocka_unit_test(test##_disk),           \
        cmocka_unit_test(test##_small_clusters)

ON_EACH(files)
ON_EACH(creating)
ON_EACH(attributes)
ON_EACH(random_writes)
ON_EACH(two_handles)
ON_EACH(times)
ON_EACH(directories)
ON_EACH(renaming)
ON_EACH(many_files)
ON_EACH(space)

int contract_tests(void)
{
    const struct CMUnitTest tests[] = {
        EACH(files), EACH(creating),    EACH(attributes), EACH(random_writes), EACH(two_handles),
        EACH(times), EACH(directories), EACH(renaming),   EACH(many_files),    EACH(space),
    };
    return cmocka_run_group_tests_name("contract", tests, NULL, NULL);
}
