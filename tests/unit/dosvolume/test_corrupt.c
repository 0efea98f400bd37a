/* FAT images that are not what they should be: each operation ends soon, with an error or without, and
 * nothing outside the file system is written. */
#include "volume_rig.h"

#include "host_faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A disk: something else, the file system, something else. */
enum {
    BEFORE = 100,
    SECTORS = 4000,
    SECTORS16 = 4400,
    AFTER = 200,
    WHOLE = BEFORE + SECTORS16 + AFTER,
    GUARD = 0xa7
};

struct disk {
    struct volume_rig *rig;
    int fd;
    u8 *pristine, *sectors; /* WHOLE * 512 each; the former is never changed after it was made */
    u8 *start;              /* of the file system in `sectors` */
    u32 table, root, data;  /* first sectors; one cluster is one sector */
    u32 count;              /* sectors of the file system: SECTORS or, for FAT16, SECTORS16 */
};

static void make_guards(struct disk *d)
{
    memset(d->pristine, GUARD, BEFORE * 512);
    memset(d->pristine + (BEFORE + d->count) * 512, GUARD, (WHOLE - BEFORE - d->count) * 512);
    u8 *entry = d->pristine + 0x1be;
    memset(entry, 0, 64);
    const u32 first = BEFORE, count = d->count;
    entry[4] = d->count == SECTORS16 ? 6 : 1;
    memcpy(entry + 8, &first, 4);
    memcpy(entry + 12, &count, 4);
    d->pristine[510] = 0x55;
    d->pristine[511] = 0xaa;
}

static void disk_write(struct disk *d)
{
    assert_int_equal(pwrite(d->fd, d->sectors, WHOLE * 512, 0), WHOLE * 512);
}

/* What is opened next is the pristine disk, until it is changed. */
static void disk_reset(struct disk *d)
{
    memcpy(d->sectors, d->pristine, WHOLE * 512);
}

static void fill(struct volume_rig *rig)
{
    static u8 buf[30000];
    char path[32];
    memset(buf, 'b', sizeof buf);
    assert_int_equal(rig_put(rig, "A", buf, 5000), DOS_OK);
    assert_int_equal(rig_put(rig, "B", buf, 30000), DOS_OK);
    assert_int_equal(rig_make(rig, "D"), DOS_OK);
    assert_int_equal(rig_make(rig, "D\\E"), DOS_OK);
    assert_int_equal(rig_put(rig, "D\\E\\F", buf, 700), DOS_OK);
    for (u32 i = 0; i < 40; i++) {
        snprintf(path, sizeof path, "D\\N%u", i);
        assert_int_equal(rig_put(rig, path, buf, i * 20), DOS_OK);
    }
}

static struct disk *disk_create(bool fat16)
{
    struct disk *d = calloc(1, sizeof *d);
    *d = (struct disk){.rig = rig_bare(), .count = fat16 ? SECTORS16 : SECTORS};
    d->pristine = malloc(WHOLE * 512);
    d->sectors = malloc(WHOLE * 512);
    assert_int_equal(rig_shell(d->rig,
                               "truncate -s %u image && mkfs.fat --offset %u %s -g 255/63 -r 64 image %u "
                               ">log 2>&1",
                               WHOLE * 512, BEFORE, fat16 ? "-s 1 -F 16" : "-s 1 -F 12", d->count / 2),
                     0);
    d->fd = open(d->rig->image, O_RDWR);
    assert_int_equal(pread(d->fd, d->pristine, WHOLE * 512, 0), WHOLE * 512);
    make_guards(d);
    disk_reset(d);
    disk_write(d);
    rig_open_image(d->rig, BLOCK_DISK);
    fill(d->rig);
    rig_close_image(d->rig);
    assert_int_equal(pread(d->fd, d->pristine, WHOLE * 512, 0), WHOLE * 512);
    disk_reset(d);
    d->start = d->sectors + BEFORE * 512;
    d->table = d->start[0x0e] | d->start[0x0f] << 8;
    d->root = d->table + 2 * (d->start[0x16] | (u32)d->start[0x17] << 8);
    d->data = d->root + 64 * 32 / 512;
    return d;
}

static void disk_destroy(struct disk *d)
{
    close(d->fd);
    free(d->pristine);
    free(d->sectors);
    rig_destroy(d->rig);
    free(d);
}

/* False if it is not opened. */
static bool disk_open(struct disk *d)
{
    char why[100] = "";
    disk_write(d);
    assert_int_equal(block_open(&d->rig->block, d->rig->image, BLOCK_DISK, false), 0);
    if (!volume_fat_open(&d->rig->volume, d->rig->block, why, sizeof why))
        return true;
    assert_true(why[0] != 0);
    block_close(d->rig->block);
    d->rig->block = NULL;
    return false;
}

static void disk_close(struct disk *d)
{
    rig_close_image(d->rig);
    assert_int_equal(pread(d->fd, d->sectors, WHOLE * 512, 0), WHOLE * 512);
    for (u32 i = 512; i < BEFORE * 512; i++)
        assert_int_equal(d->sectors[i], GUARD);
    for (u32 i = (BEFORE + d->count) * 512; i < WHOLE * 512; i++)
        assert_int_equal(d->sectors[i], GUARD);
}

/* --- all operations --- */

/* No operation may read more than a few times what there is. */
static void begin(void)
{
    host_faults()->reads = 0;
}

static void end(const char *what, const char *path)
{
    if (host_faults()->reads > 8 * WHOLE)
        fail_msg("%s %s: %u reads", what, path, host_faults()->reads);
    begin();
}

static void use_file(struct volume_rig *rig, const char *path)
{
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_entry entry;
    static u8 buf[65535];
    u32 done;
    begin();
    enum dos_error error = v->class->open(v->object, path, VOLUME_READ | VOLUME_WRITE, &file);
    end("open", path);
    if (error)
        return;
    for (u32 i = 0; i < 4; i++) {
        v->class->read(v->object, file, i * 60000, buf, sizeof buf, &done);
        assert_true(done <= sizeof buf);
        end("read", path);
    }
    v->class->stat_file(v->object, file, &entry);
    begin();
    v->class->write(v->object, file, 100, "change", 6, &done);
    v->class->write(v->object, file, MIN(entry.bytes, 1u << 20), buf, 3000, &done);
    end("write", path);
    begin();
    v->class->set_size(v->object, file, 1000);
    v->class->set_size(v->object, file, 40000);
    v->class->set_time(v->object, file, 0xffff, 0xffff);
    v->class->commit(v->object, file);
    v->class->close_file(v->object, file);
    end("the rest", path);
}

static void look_around(struct volume_rig *rig, const char *path, u32 depth)
{
    struct dos_entry *entries, entry;
    u32 count;
    char below[80];
    begin();
    enum dos_error error = rig->volume.class->list(rig->volume.object, path, &entries, &count);
    end("list", path);
    if (error)
        return;
    for (u32 i = 0; i < MIN(count, 100); i++) {
        assert_non_null(memchr(entries[i].name, 0, DOS_NAME_BYTES));
        snprintf(below, sizeof below, "%s%s%s", path, *path ? "\\" : "", entries[i].name);
        if (entries[i].name[0] == '.')
            continue;
        begin();
        rig_find(rig, below, &entry);
        end("find", below);
        if (entries[i].attributes & DOS_ATTR_DIRECTORY && depth < 3)
            look_around(rig, below, depth + 1);
        else if (i < 8)
            use_file(rig, below);
    }
    free(entries);
}

static void change_things(struct volume_rig *rig)
{
    struct volume *v = &rig->volume;
    char path[32], label[12];
    struct dos_space space;
    begin();
    v->class->space(v->object, &space);
    v->class->label(v->object, label);
    end("label", "");
    assert_non_null(memchr(label, 0, sizeof label));
    rig_make(rig, "D\\MADE");
    end("make", "");
    rig_make(rig, "MADE");
    end("make", "");
    rig_put(rig, "D\\E\\PUT", "text", 4);
    end("put", "");
    rig_put(rig, "A", "text", 4);
    end("put", "");
    rig_rename(rig, "D\\E", "MADE\\E");
    end("rename", "");
    rig_rename(rig, "B", "D\\B");
    end("rename", "");
    v->class->set_attributes(v->object, "D\\N1", DOS_ATTR_HIDDEN);
    end("set_attributes", "");
    for (u32 i = 0; i < 40; i++) {
        snprintf(path, sizeof path, "D\\N%u", i);
        rig_remove(rig, path);
        end("remove", "");
    }
    v->class->remove_directory(v->object, "D\\MADE");
    end("remove_directory", "");
    v->class->remove_directory(v->object, "D");
    end("remove_directory", "");
    rig_remove(rig, "D\\B");
    end("remove", "");
}

static bool use(struct disk *d)
{
    if (!disk_open(d))
        return false;
    look_around(d->rig, "", 0);
    change_things(d->rig);
    look_around(d->rig, "", 2);
    disk_close(d);
    return true;
}

/* --- certain damages --- */

static void set_table(struct disk *d, u32 cluster, u32 value)
{
    for (u32 copy = 0; copy < 2; copy++) {
        u8 *table = d->start + (d->table + copy * (d->root - d->table) / 2) * 512;
        u8 *at = table + cluster + cluster / 2;
        u32 pair = at[0] | (u32)at[1] << 8;
        pair = cluster & 1 ? (pair & 0xf) | value << 4 : (pair & 0xf000) | value;
        at[0] = (u8)pair;
        at[1] = (u8)(pair >> 8);
    }
}

/* The first entry of the root with that name. */
static u8 *root_entry(struct disk *d, const char *name)
{
    for (u8 *at = d->start + d->root * 512; at < d->start + d->data * 512; at += 32)
        if (!memcmp(at, name, strlen(name)) && at[strlen(name)] == ' ')
            return at;
    fail();
    return NULL;
}

static u32 first_cluster(const u8 *entry)
{
    return entry[26] | (u32)entry[27] << 8;
}

static void loops(void **state)
{
    (void)state;
    struct disk *d = disk_create(false);
    u32 directory = first_cluster(root_entry(d, "D")), file = first_cluster(root_entry(d, "A"));
    char names[4096];
    set_table(d, directory, directory); /* a directory without end */
    set_table(d, file, file);
    assert_true(disk_open(d));
    begin();
    assert_string_equal(rig_names(d->rig, "D", names, sizeof names), "!31 ");
    end("list", "D");
    assert_int_equal(rig_make(d->rig, "D\\NEW"), DOS_GENERAL_FAILURE);
    u8 buf[5000];
    u32 done;
    struct volume_file *handle;
    struct volume *v = &d->rig->volume;
    assert_int_equal(v->class->open(v->object, "A", VOLUME_READ, &handle), DOS_OK);
    v->class->read(v->object, handle, 0, buf, sizeof buf, &done);
    assert_true(done <= 5000);
    v->class->close_file(v->object, handle);
    assert_int_equal(rig_remove(d->rig, "A"), DOS_OK);
    disk_close(d);
    disk_reset(d);
    root_entry(d, "D")[26] = 0; /* a directory that is its parent */
    use(d);
    disk_destroy(d);
}

static void chains_that_lead_nowhere(void **state)
{
    (void)state;
    static const u32 values[] = {0, 1, 0xff0, 0xff6, 0xff7, 0xfef};
    struct disk *d = disk_create(false);
    struct volume *v = &d->rig->volume;
    for (u32 i = 0; i < ARRAY_LEN(values); i++) {
        struct volume_file *file;
        u8 buf[2000];
        u32 done;
        disk_reset(d);
        set_table(d, first_cluster(root_entry(d, "B")), values[i]);
        assert_true(disk_open(d));
        assert_int_equal(v->class->open(v->object, "B", VOLUME_READ | VOLUME_WRITE, &file), DOS_OK);
        assert_int_equal(v->class->read(v->object, file, 0, buf, sizeof buf, &done), DOS_GENERAL_FAILURE);
        assert_int_equal(done, 512);
        assert_int_equal(v->class->write(v->object, file, 600, "x", 1, &done), DOS_GENERAL_FAILURE);
        assert_int_equal(v->class->write(v->object, file, 30000, "x", 1, &done), DOS_GENERAL_FAILURE);
        assert_int_equal(v->class->set_size(v->object, file, 2000), DOS_GENERAL_FAILURE);
        assert_int_equal(v->class->set_size(v->object, file, 100), DOS_OK);
        v->class->close_file(v->object, file);
        disk_close(d);
        disk_reset(d);
        set_table(d, first_cluster(root_entry(d, "D")), values[i]);
        use(d);
    }
    disk_destroy(d);
}

static void bad_first_clusters(void **state)
{
    (void)state;
    static const u16 values[] = {0, 1, 0xffff, 0xfff, 0x1000, SECTORS, SECTORS + 10};
    struct disk *d = disk_create(false);
    for (u32 i = 0; i < ARRAY_LEN(values); i++) {
        disk_reset(d);
        memcpy(root_entry(d, "A") + 26, &values[i], 2);
        memcpy(root_entry(d, "D") + 26, &values[i], 2);
        assert_true(disk_open(d));
        rig_assert_names(d->rig, "D", "!31 ");
        assert_int_equal(rig_put(d->rig, "D\\X", "x", 1), DOS_GENERAL_FAILURE);
        assert_int_equal(d->rig->volume.class->remove_directory(d->rig->volume.object, "D"),
                         DOS_GENERAL_FAILURE);
        disk_close(d);
        disk_reset(d);
        memcpy(root_entry(d, "B") + 26, &values[i], 2);
        use(d);
    }
    disk_destroy(d);
}

static void sizes_larger_than_the_chain(void **state)
{
    (void)state;
    struct disk *d = disk_create(false);
    memset(root_entry(d, "A") + 28, 0xff, 4);
    memset(root_entry(d, "B") + 28, 0, 4); /* and one that has clusters beyond its size */
    use(d);
    disk_reset(d);
    memset(root_entry(d, "B") + 28, 0, 4);
    assert_true(disk_open(d));
    struct volume_file *file;
    struct volume *v = &d->rig->volume;
    u32 done;
    assert_int_equal(v->class->open(v->object, "B", VOLUME_WRITE, &file), DOS_OK);
    assert_int_equal(v->class->write(v->object, file, 0, "new", 3, &done), DOS_OK);
    v->class->close_file(v->object, file);
    rig_assert_text(d->rig, "B", "new");
    disk_close(d);
    disk_destroy(d);
}

/* --- random damage --- */

static u32 random_below(u32 *seed, u32 n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (u32)((u64)(*seed >> 4) * n >> 28);
}

/* Mostly where it hurts. */
static void damage(struct disk *d, u32 *seed)
{
    u32 count = 1 + random_below(seed, 40);
    for (u32 i = 0; i < count; i++) {
        u32 at;
        switch (random_below(seed, 8)) {
        case 0:
            at = random_below(seed, 64); /* the parameters */
            break;
        case 1:
        case 2:
        case 3:
            at = d->table * 512 + random_below(seed, 400);
            break;
        case 4:
        case 5:
            at = d->root * 512 + random_below(seed, 400);
            break;
        default:
            at = d->data * 512 + random_below(seed, 200 * 512);
        }
        d->start[at] = random_below(seed, 3) ? (u8)random_below(seed, 256)
                                             : (u8)(d->start[at] ^ BIT(random_below(seed, 8)));
    }
}

static void random_damage(bool fat16)
{
    struct disk *d = disk_create(fat16);
    const char *rounds = getenv("HUDDLE_FUZZ_ROUNDS"); /* for more of them by hand */
    u32 n = rounds ? (u32)atoi(rounds) : 300, opened = 0;
    for (u32 seed = 1; seed <= n; seed++) {
        u32 s = seed * 2654435761u;
        disk_reset(d);
        damage(d, &s);
        opened += use(d);
    }
    assert_true(opened > n / 2);
    disk_destroy(d);
}

static void random_damage_fat12(void **state)
{
    (void)state;
    random_damage(false);
}

static void random_damage_fat16(void **state)
{
    (void)state;
    random_damage(true);
}

int corrupt_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops),
        cmocka_unit_test(chains_that_lead_nowhere),
        cmocka_unit_test(bad_first_clusters),
        cmocka_unit_test(sizes_larger_than_the_chain),
        cmocka_unit_test(random_damage_fat12),
        cmocka_unit_test(random_damage_fat16),
    };
    return cmocka_run_group_tests_name("corrupt", tests, NULL, NULL);
}
