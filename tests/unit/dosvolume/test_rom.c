/* Files that huddle brings along. */
#include "volume_rig.h"

#include <stdlib.h>
#include <string.h>

static const struct volume_rom_file rom_files[] = {
    {"COMMAND.COM", (const u8 *)"shell", 5},
    {"EMPTY", NULL, 0},
};

static void can_be_read(void **state)
{
    (void)state;
    struct volume_rig rig = {0};
    struct dos_entry entry;
    char label[12];
    assert_int_equal(volume_rom_open(&rig.volume, rom_files, ARRAY_LEN(rom_files)), 0);
    assert_true(rig.volume.read_only);
    rig_assert_names(&rig, "", "COMMAND.COM EMPTY ");
    rig_assert_names(&rig, "SUB", "!3 ");
    rig_assert_text(&rig, "COMMAND.COM", "shell");
    rig_assert_text(&rig, "EMPTY", "");
    assert_int_equal(rig_find(&rig, "COMMAND.COM", &entry), DOS_OK);
    assert_int_equal(entry.bytes, 5);
    assert_int_equal(entry.attributes, DOS_ATTR_READ_ONLY);
    assert_int_equal(rig_find(&rig, "", &entry), DOS_OK);
    assert_int_equal(entry.attributes, DOS_ATTR_DIRECTORY);
    assert_int_equal(rig_find(&rig, "COMMAND", &entry), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_find(&rig, "SUB\\COMMAND.COM", &entry), DOS_PATH_NOT_FOUND);
    rig.volume.class->label(rig.volume.object, label);
    assert_string_equal(label, "HUDDLE");
    volume_close(&rig.volume);
    assert_null(rig.volume.object);
}

static void reads_within(void **state)
{
    (void)state;
    struct volume_rig rig = {0};
    struct volume *v = &rig.volume;
    struct volume_file *file;
    char buf[8] = "";
    u32 done;
    assert_int_equal(volume_rom_open(v, rom_files, ARRAY_LEN(rom_files)), 0);
    assert_int_equal(v->class->open(v->object, "COMMAND.COM", VOLUME_READ, &file), DOS_OK);
    assert_int_equal(v->class->read(v->object, file, 3, buf, sizeof buf, &done), DOS_OK);
    assert_int_equal(done, 2);
    assert_string_equal(buf, "ll");
    assert_int_equal(v->class->read(v->object, file, 5, buf, sizeof buf, &done), DOS_OK);
    assert_int_equal(done, 0);
    assert_int_equal(v->class->read(v->object, file, UINT32_MAX, buf, sizeof buf, &done), DOS_OK);
    assert_int_equal(done, 0);
    v->class->close_file(v->object, file);
    volume_close(v);
}

static void refuses_changes(void **state)
{
    (void)state;
    struct volume_rig rig = {0};
    struct volume *v = &rig.volume;
    struct volume_file *file;
    u32 done;
    assert_int_equal(volume_rom_open(v, rom_files, ARRAY_LEN(rom_files)), 0);
    assert_int_equal(rig_put(&rig, "NEW", "", 0), DOS_ACCESS_DENIED);
    assert_int_equal(rig_put(&rig, "COMMAND.COM", "", 0), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->create(v->object, "COMMAND.COM", 0, true, &file), DOS_FILE_EXISTS);
    assert_int_equal(rig_open_close(&rig, "COMMAND.COM", VOLUME_WRITE), DOS_ACCESS_DENIED);
    assert_int_equal(rig_remove(&rig, "COMMAND.COM"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_remove(&rig, "NONE"), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_rename(&rig, "COMMAND.COM", "X"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_make(&rig, "D"), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->remove_directory(v->object, "D"), DOS_PATH_NOT_FOUND);
    assert_int_equal(v->class->set_attributes(v->object, "EMPTY", 0), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->open(v->object, "EMPTY", VOLUME_READ, &file), DOS_OK);
    assert_int_equal(v->class->write(v->object, file, 0, "x", 1, &done), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_size(v->object, file, 1), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_time(v->object, file, 0, 0), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->commit(v->object, file), DOS_OK);
    v->class->close_file(v->object, file);
    struct dos_space space;
    assert_int_equal(v->class->space(v->object, &space), DOS_OK);
    assert_int_equal(space.free_clusters, 0);
    volume_close(v);
}

int rom_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(can_be_read),
        cmocka_unit_test(reads_within),
        cmocka_unit_test(refuses_changes),
    };
    return cmocka_run_group_tests_name("rom", tests, NULL, NULL);
}
