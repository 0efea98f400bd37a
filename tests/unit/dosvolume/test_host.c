/* A directory of the host as a drive: names, attributes, changes made by the host, large files, a host that
 * fails. */
#include "volume_rig.h"

#include "host_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { PATH_BYTES = 320 };

/* A file in the mounted directory, made behind the drive's back. */
static void host_put(const struct volume_rig *rig, const char *name, const char *text)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", rig->root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void host_stat(const struct volume_rig *rig, const char *name, struct stat *stat_buf)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", rig->root, name);
    assert_int_equal(stat(path, stat_buf), 0);
}

static bool host_has(const struct volume_rig *rig, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", rig->root, name);
    return access(path, F_OK) == 0;
}

static void set_xattr(const struct volume_rig *rig, const char *name, const void *value, size_t bytes)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", rig->root, name);
    assert_int_equal(setxattr(path, "user.DOSATTRIB", value, bytes, 0), 0);
}

/* "" if there is none. */
static const char *get_xattr(const struct volume_rig *rig, const char *name, char text[64])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", rig->root, name);
    ssize_t bytes = getxattr(path, "user.DOSATTRIB", text, 63);
    text[bytes < 0 ? 0 : bytes] = 0;
    return text;
}

static u8 attributes_of(struct volume_rig *rig, const char *path)
{
    struct dos_entry entry;
    assert_int_equal(rig_find(rig, path, &entry), DOS_OK);
    return entry.attributes;
}

/* --- names --- */

static void all_names_are_reachable(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    host_put(rig, "A.TXT", "upper");
    host_put(rig, "a.txt", "lower");
    host_put(rig, "A long name.text", "long");
    host_put(rig, "\xc3\xa4rger.txt", "umlaut");
    host_put(rig, "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.txt", "Japanese");
    host_put(rig, "\xff\xfe.bad", "no UTF-8");
    host_put(rig, "con", "device");
    host_put(rig, ".profile", "hidden");
    rig_assert_names(rig, "", "A.TXT ALONGN~1.TEX A~1.TXT CON~1 PROFIL~1 ___~1.TXT __~1.BAD \x8eRGER.TXT ");
    rig_assert_text(rig, "A.TXT", "upper");
    rig_assert_text(rig, "A~1.TXT", "lower");
    rig_assert_text(rig, "ALONGN~1.TEX", "long");
    rig_assert_text(rig, "\x8eRGER.TXT", "umlaut");
    rig_assert_text(rig, "\x84RGER.TXT", "umlaut");
    rig_assert_text(rig, "___~1.TXT", "Japanese");
    rig_assert_text(rig, "__~1.BAD", "no UTF-8");
    rig_assert_text(rig, "CON~1", "device");
    rig_assert_text(rig, "PROFIL~1", "hidden");
    assert_int_equal(rig_open_close(rig, "CON", VOLUME_READ), DOS_FILE_NOT_FOUND);
    char dos[DOS_NAME_BYTES];
    assert_true(volume_host_name(&rig->volume, "A long name.text", dos));
    assert_string_equal(dos, "ALONGN~1.TEX");
    assert_true(volume_host_name(&rig->volume, "a.txt", dos));
    assert_string_equal(dos, "A~1.TXT");
    assert_false(volume_host_name(&rig->volume, "A long name.texT", dos));
    rig_destroy(rig);
}

static void new_files_have_small_letters(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    assert_int_equal(rig_put(rig, "NEW.TXT", "1", 1), DOS_OK);
    assert_int_equal(rig_make(rig, "DIR.1"), DOS_OK);
    assert_int_equal(rig_put(rig, "DIR.1\\\x8e\x90.TXT", "2", 1), DOS_OK);
    assert_true(host_has(rig, "new.txt"));
    assert_true(
        host_has(rig, "dir.1/\xc3\xa4\xc3\x89.txt")); /* E acute would not come back from its small letter */
    rig_assert_text(rig, "DIR.1\\\x8e\x90.TXT", "2");
    host_put(rig, "Mixed.Txt", "old");
    assert_int_equal(rig_put(rig, "MIXED.TXT", "new", 3), DOS_OK); /* keeps its name */
    assert_true(host_has(rig, "Mixed.Txt"));
    assert_false(host_has(rig, "mixed.txt"));
    assert_int_equal(rig_put(rig, "CON", "", 0), DOS_ACCESS_DENIED);
    assert_int_equal(rig_make(rig, "LPT1"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_rename(rig, "NEW.TXT", "NUL.X"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_put(rig, "TOOLONGANAME", "", 0), DOS_ACCESS_DENIED);
    rig_destroy(rig);
}

static void names_stay_while_others_go(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    host_put(rig, "long name a", "a");
    host_put(rig, "long name b", "b");
    host_put(rig, "long name c", "c");
    rig_assert_names(rig, "", "LONGNA~1 LONGNA~2 LONGNA~3 ");
    assert_int_equal(rig_remove(rig, "LONGNA~1"), DOS_OK);
    usleep(30000); /* so that the directory is read again */
    rig_assert_names(rig, "", "LONGNA~2 LONGNA~3 ");
    host_put(rig, "Long", "d");
    rig_assert_text(rig, "LONGNA~2", "b");
    host_put(rig, "long name d", "d");
    rig_assert_text(rig, "LONGNA~1", "d");
    rig_destroy(rig);
}

/* "a.txt" has a tail, and keeps it when "A.TXT" goes; the name without is free, but not its small letters. */
static void a_name_is_free_but_not_its_small_letters(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    host_put(rig, "A.TXT", "upper");
    host_put(rig, "a.txt", "lower");
    rig_assert_names(rig, "", "A.TXT A~1.TXT ");
    assert_int_equal(rig_remove(rig, "A.TXT"), DOS_OK);
    assert_int_equal(rig_put(rig, "A.TXT", "new", 3), DOS_OK);
    rig_assert_text(rig, "A.TXT", "new");
    rig_assert_text(rig, "A~1.TXT", "lower");
    assert_int_equal(rig_remove(rig, "A.TXT"), DOS_OK);
    assert_int_equal(rig_make(rig, "A.TXT"), DOS_OK);
    assert_int_equal(rig_rename(rig, "A.TXT", "B"), DOS_OK);
    assert_int_equal(rig_rename(rig, "B", "A.TXT"), DOS_OK);
    rig_remount(rig, false);
    rig_assert_names(rig, "", "A.TXT A~1.TXT ");
    rig_assert_names(rig, "A.TXT", ". .. ");
    rig_assert_text(rig, "A~1.TXT", "lower");
    rig_destroy(rig);
}

static void five_thousand_files(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct dos_entry *entries, entry;
    struct volume *v = &rig->volume;
    u32 count;
    char name[64];
    for (u32 i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, i % 2 ? "file%u.dat" : "a long file name %u.data", i);
        host_put(rig, name, "");
    }
    assert_int_equal(v->class->list(v->object, "", &entries, &count), DOS_OK);
    assert_int_equal(count, 5000);
    for (u32 i = 0; i < count; i++) {
        assert_true(i == 0 || strcmp(entries[i - 1].name, entries[i].name) < 0);
        assert_int_equal(rig_find(rig, entries[i].name, &entry), DOS_OK);
        assert_string_equal(entry.name, entries[i].name);
    }
    for (u32 i = 0; i < count; i++)
        assert_int_equal(rig_remove(rig, entries[i].name), DOS_OK);
    free(entries);
    rig_assert_names(rig, "", "");
    assert_int_equal(rig_shell(rig, "test -z \"$(ls -A root)\""), 0);
    rig_destroy(rig);
}

static void deep_paths(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    char path[200] = "A";
    for (u32 i = 0; i < 40; i++) {
        assert_int_equal(rig_make(rig, path), DOS_OK);
        strcat(path, "\\A");
    }
    assert_int_equal(rig_put(rig, path, "deep", 4), DOS_OK);
    rig_assert_text(rig, path, "deep");
    rig_destroy(rig);
}

/* More directories than listings are kept. */
static void many_directories(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    char path[64], text[16];
    for (u32 round = 0; round < 3; round++) {
        for (u32 i = 0; i < 600; i++) {
            snprintf(path, sizeof path, "D%u", i);
            assert_int_equal(rig_make(rig, path), round ? DOS_ACCESS_DENIED : DOS_OK);
            snprintf(path, sizeof path, "D%u\\F", i);
            snprintf(text, sizeof text, "%u", i);
            if (!round)
                assert_int_equal(rig_put(rig, path, text, (u32)strlen(text)), DOS_OK);
            rig_assert_text(rig, path, text);
        }
    }
    for (u32 i = 0; i < 600; i++) {
        snprintf(path, sizeof path, "D%u\\F", i);
        snprintf(text, sizeof text, "D%u\\G", (i + 300) % 600);
        assert_int_equal(rig_rename(rig, path, text), DOS_OK);
    }
    rig_destroy(rig);
}

/* --- changes by the host --- */

static void changes_by_the_host_are_seen_at_once(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct dos_entry entry;
    char name[200], dos[64];
    assert_int_equal(rig_make(rig, "SUB"), DOS_OK);
    for (u32 i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "sub/f%u", i);
        snprintf(dos, sizeof dos, "SUB\\F%u", i);
        assert_int_equal(rig_find(rig, dos, &entry), DOS_FILE_NOT_FOUND);
        host_put(rig, name, "12");
        assert_int_equal(rig_find(rig, dos, &entry), DOS_OK);
        assert_int_equal(entry.bytes, 2);
        host_put(rig, name, "1234");
        assert_int_equal(rig_find(rig, dos, &entry), DOS_OK);
        assert_int_equal(entry.bytes, 4);
        if (i % 3 == 0) {
            snprintf(name, sizeof name, "%s/sub/f%u", rig->root, i);
            assert_int_equal(unlink(name), 0);
            assert_int_equal(rig_find(rig, dos, &entry), DOS_FILE_NOT_FOUND);
        }
    }
    assert_int_equal(rig_shell(rig, "mv root/sub root/away; mkdir root/sub; echo > root/sub/other"), 0);
    rig_assert_names(rig, "SUB", ". .. OTHER ");
    rig_assert_names(rig, "", "AWAY SUB ");
    rig_destroy(rig);
}

/* In between changes of our own, which are not followed by reading the directory again. */
static void changes_by_both(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct dos_entry entry;
    char name[200], dos[64];
    for (u32 i = 0; i < 20; i++) {
        snprintf(dos, sizeof dos, "OWN%u", i);
        assert_int_equal(rig_put(rig, dos, "", 0), DOS_OK);
        snprintf(name, sizeof name, "host%u", i);
        host_put(rig, name, "");
        usleep(50000);
        snprintf(dos, sizeof dos, "HOST%u", i);
        assert_int_equal(rig_find(rig, dos, &entry), DOS_OK);
    }
    rig_destroy(rig);
}

static void the_mounted_directory_goes_away(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct dos_entry entry;
    assert_int_equal(rig_put(rig, "F", "1", 1), DOS_OK);
    assert_int_equal(rig_shell(rig, "mv root moved"), 0);
    rig_assert_text(rig, "F", "1"); /* the directory, not the name */
    assert_int_equal(rig_shell(rig, "rm -r moved"), 0);
    assert_int_equal(rig_find(rig, "F", &entry), DOS_FILE_NOT_FOUND);
    assert_int_not_equal(rig_put(rig, "F", "1", 1), DOS_OK);
    assert_int_not_equal(rig_make(rig, "D"), DOS_OK);
    rig_destroy(rig);
}

/* --- attributes --- */

static void attributes_are_kept_as_samba_does(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    struct stat stat_buf;
    char text[64];
    rig_needs_xattrs(rig);
    assert_int_equal(rig_put(rig, "F", "", 0), DOS_OK);
    assert_string_equal(get_xattr(rig, "f", text), "");
    assert_int_equal(v->class->set_attributes(v->object, "F", DOS_ATTR_HIDDEN | DOS_ATTR_READ_ONLY), DOS_OK);
    assert_string_equal(get_xattr(rig, "f", text), "0x02");
    host_stat(rig, "f", &stat_buf);
    assert_int_equal(stat_buf.st_mode & 0222, 0);
    assert_int_equal(v->class->set_attributes(v->object, "F", DOS_ATTR_SYSTEM | DOS_ATTR_READ_ONLY), DOS_OK);
    assert_string_equal(get_xattr(rig, "f", text), "0x04");
    host_stat(rig, "f", &stat_buf);
    assert_int_equal(stat_buf.st_mode & 0222, 0);
    assert_int_equal(v->class->set_attributes(v->object, "F", DOS_ATTR_ARCHIVE), DOS_OK);
    assert_string_equal(get_xattr(rig, "f", text), ""); /* what it is without */
    host_stat(rig, "f", &stat_buf);
    assert_int_equal(stat_buf.st_mode & 0200, 0200);
    set_xattr(rig, "f", "0x26", 4);
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_HIDDEN | DOS_ATTR_SYSTEM | DOS_ATTR_ARCHIVE);
    set_xattr(rig, "f", "0x3\0\0\4\0binary", 12); /* of a newer Samba, text first */
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_HIDDEN);
    set_xattr(rig, "f", "\0\0\4\0", 4); /* no text */
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_ARCHIVE);
    set_xattr(rig, "f", "garbage", 7);
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_ARCHIVE);
    rig_destroy(rig);
}

static void dots_are_hidden(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_entry entry;
    char text[64];
    rig_needs_xattrs(rig);
    host_put(rig, ".dot", "");
    assert_int_equal(rig_shell(rig, "mkdir root/.git"), 0);
    assert_int_equal(attributes_of(rig, "DOT~1"), DOS_ATTR_HIDDEN | DOS_ATTR_ARCHIVE);
    assert_int_equal(attributes_of(rig, "GIT~1"), DOS_ATTR_HIDDEN | DOS_ATTR_DIRECTORY);
    assert_int_equal(v->class->open(v->object, "DOT~1", VOLUME_READ, &file), DOS_OK);
    assert_int_equal(v->class->stat_file(v->object, file, &entry), DOS_OK);
    assert_int_equal(entry.attributes, DOS_ATTR_HIDDEN | DOS_ATTR_ARCHIVE);
    v->class->close_file(v->object, file);
    assert_int_equal(v->class->set_attributes(v->object, "DOT~1", DOS_ATTR_ARCHIVE), DOS_OK);
    assert_int_equal(attributes_of(rig, "DOT~1"), DOS_ATTR_ARCHIVE);
    assert_string_equal(get_xattr(rig, ".dot", text), "0x20");
    rig_destroy(rig);
}

/* The same twice: what was looked at long ago is not looked at again until it changes. */
static void old_files_are_looked_at_once(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    rig_needs_xattrs(rig);
    host_put(rig, "f", "");
    set_xattr(rig, "f", "0x02", 4);
    sleep(3);
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_HIDDEN);
    u32 reads = host_faults()->xattr_reads;
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_HIDDEN);
    assert_int_equal(host_faults()->xattr_reads, reads);
    set_xattr(rig, "f", "0x04", 4);
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_SYSTEM);
    rig_destroy(rig);
}

static void without_extended_attributes(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    rig_needs_xattrs(rig);
    assert_int_equal(rig_put(rig, "F", "", 0), DOS_OK);
    host_faults()->xattr_error = ENOTSUP;
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_ARCHIVE);
    assert_int_equal(v->class->set_attributes(v->object, "F", DOS_ATTR_HIDDEN | DOS_ATTR_READ_ONLY), DOS_OK);
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_ARCHIVE | DOS_ATTR_READ_ONLY);
    host_faults()->xattr_error = EACCES;
    assert_int_equal(v->class->set_attributes(v->object, "F", DOS_ATTR_HIDDEN), DOS_ACCESS_DENIED);
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_ARCHIVE | DOS_ATTR_READ_ONLY); /* as it was */
    host_faults()->xattr_error = 0;
    rig_destroy(rig);
}

static void read_only_drive(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    struct volume_file *file;
    u32 done;
    assert_int_equal(rig_put(rig, "F", "text", 4), DOS_OK);
    assert_int_equal(rig_make(rig, "D"), DOS_OK);
    assert_int_equal(rig_shell(rig, "find root -printf '%%p %%m %%s %%T@ %%C@\\n' >before"), 0);
    rig_remount(rig, true);
    assert_true(v->read_only);
    rig_assert_text(rig, "F", "text");
    assert_int_equal(attributes_of(rig, "F"), DOS_ATTR_READ_ONLY | DOS_ATTR_ARCHIVE);
    assert_int_equal(attributes_of(rig, "D"), DOS_ATTR_DIRECTORY);
    assert_int_equal(rig_put(rig, "F", "x", 1), DOS_ACCESS_DENIED);
    assert_int_equal(rig_put(rig, "G", "x", 1), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->create(v->object, "F", 0, true, &file), DOS_FILE_EXISTS);
    assert_int_equal(rig_open_close(rig, "F", VOLUME_READ | VOLUME_WRITE), DOS_ACCESS_DENIED);
    assert_int_equal(rig_open_close(rig, "F", VOLUME_WRITE), DOS_ACCESS_DENIED);
    assert_int_equal(rig_remove(rig, "F"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_rename(rig, "F", "G"), DOS_ACCESS_DENIED);
    assert_int_equal(rig_make(rig, "E"), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->remove_directory(v->object, "D"), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_attributes(v->object, "F", 0), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_READ, &file), DOS_OK);
    assert_int_equal(v->class->write(v->object, file, 0, "x", 1, &done), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_size(v->object, file, 0), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_time(v->object, file, 0x21, 0), DOS_ACCESS_DENIED);
    v->class->close_file(v->object, file);
    assert_int_equal(rig_shell(rig, "find root -printf '%%p %%m %%s %%T@ %%C@\\n' | cmp - before"), 0);
    rig_destroy(rig);
}

/* --- sizes --- */

static void huge_files(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_entry entry;
    struct stat stat_buf;
    char buf[32] = "";
    u32 done;
    assert_int_equal(rig_shell(rig, "truncate -s 5G root/huge; truncate -s 4294967295 root/most"), 0);
    assert_int_equal(rig_find(rig, "HUGE", &entry), DOS_OK);
    assert_int_equal(entry.bytes, 0xffffffff);
    assert_int_equal(rig_find(rig, "MOST", &entry), DOS_OK);
    assert_int_equal(entry.bytes, 0xffffffff);
    assert_int_equal(v->class->open(v->object, "HUGE", VOLUME_READ | VOLUME_WRITE, &file), DOS_OK);
    assert_int_equal(v->class->read(v->object, file, 0xfffffff0, buf, 32, &done), DOS_OK);
    assert_int_equal(done, 15);
    assert_int_equal(v->class->write(v->object, file, 0xfffffff0, buf, 32, &done), DOS_OK);
    assert_int_equal(done, 15);
    assert_int_equal(v->class->write(v->object, file, 0xffffffff, buf, 32, &done), DOS_OK);
    assert_int_equal(done, 0);
    host_stat(rig, "huge", &stat_buf);
    assert_true(stat_buf.st_size == 5ll << 30);
    assert_int_equal(v->class->set_size(v->object, file, 3), DOS_OK);
    host_stat(rig, "huge", &stat_buf);
    assert_int_equal(stat_buf.st_size, 3);
    assert_int_equal(v->class->write(v->object, file, 0x80000000, "x", 1, &done), DOS_OK);
    assert_int_equal(v->class->read(v->object, file, 2, buf, 4, &done), DOS_OK);
    assert_memory_equal(buf, "\0\0\0\0", 4);
    v->class->close_file(v->object, file);
    rig_destroy(rig);
}

static void space_is_what_dos_can_say(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct dos_space space;
    assert_int_equal(rig->volume.class->space(rig->volume.object, &space), DOS_OK);
    assert_in_range(space.clusters, 1, 65526);
    assert_true((u64)space.clusters * space.cluster_sectors * 512 < 1u << 31);
    assert_true(rig->volume.serial != 0);
    u32 serial = rig->volume.serial;
    rig_remount(rig, false);
    assert_int_equal(rig->volume.serial, serial);
    rig_destroy(rig);
}

static void labels(void **state)
{
    (void)state;
    static const char *const names[][2] = {
        {"games", "GAMES"}, {"My old games", "MYOLDGAMES"}, {"a.much.longer name", "AMUCHLONGER"}};
    struct volume_rig *rig = rig_host();
    for (u32 i = 0; i < ARRAY_LEN(names); i++) {
        struct volume volume;
        char path[200], why[200], label[12];
        snprintf(path, sizeof path, "%s/%s", rig->root, names[i][0]);
        assert_int_equal(mkdir(path, 0755), 0);
        strcat(path, "/.");
        assert_int_equal(volume_host_open(&volume, path, false, why, sizeof why), 0);
        volume.class->label(volume.object, label);
        assert_string_equal(label, names[i][1]);
        volume_close(&volume);
    }
    rig_destroy(rig);
}

/* --- the host fails --- */

static void errors_of_the_medium(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    struct volume_file *file;
    char buf[100];
    u32 done;
    assert_int_equal(rig_put(rig, "F", "some text", 9), DOS_OK);
    assert_int_equal(v->class->open(v->object, "F", VOLUME_READ | VOLUME_WRITE, &file), DOS_OK);
    *host_faults() = (struct host_faults){.read_error = EIO, .write_error = EIO, .sync_error = EIO};
    assert_int_equal(v->class->read(v->object, file, 0, buf, 9, &done), DOS_READ_FAULT);
    assert_int_equal(v->class->write(v->object, file, 0, buf, 9, &done), DOS_WRITE_FAULT);
    assert_int_equal(v->class->commit(v->object, file), DOS_WRITE_FAULT);
    *host_faults() = (struct host_faults){.write_error = ENOSPC};
    assert_int_equal(v->class->write(v->object, file, 0, buf, 9, &done), DOS_OK);
    assert_int_equal(done, 0);
    *host_faults() = (struct host_faults){.interrupts = 3, .max_bytes = 2};
    assert_int_equal(v->class->write(v->object, file, 0, "SOME TEXT", 9, &done), DOS_OK);
    assert_int_equal(done, 9);
    *host_faults() = (struct host_faults){.interrupts = 3, .max_bytes = 2};
    assert_int_equal(v->class->read(v->object, file, 0, buf, 100, &done), DOS_OK);
    assert_int_equal(done, 9);
    assert_memory_equal(buf, "SOME TEXT", 9);
    *host_faults() = (struct host_faults){0};
    assert_int_equal(v->class->commit(v->object, file), DOS_OK);
    v->class->close_file(v->object, file);
    rig_destroy(rig);
}

static void too_many_open_files(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    static struct volume_file *files[5000];
    u32 count = 0;
    enum dos_error error = DOS_OK;
    assert_int_equal(rig_put(rig, "F", "text", 4), DOS_OK);
    while (count < ARRAY_LEN(files) && !(error = v->class->open(v->object, "F", VOLUME_READ, &files[count])))
        count++;
    if (count < ARRAY_LEN(files))
        assert_int_equal(error, DOS_TOO_MANY_OPEN_FILES);
    while (count)
        v->class->close_file(v->object, files[--count]);
    rig_assert_text(rig, "F", "text");
    rig_destroy(rig);
}

static void what_cannot_be_a_drive(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume volume;
    char why[300], path[200];
    assert_int_equal(volume_host_open(&volume, "/tmp/huddle-volume-none", false, why, sizeof why), -ENOENT);
    assert_string_equal(why, "/tmp/huddle-volume-none: No such file or directory");
    assert_null(volume.object);
    host_put(rig, "file", "");
    snprintf(path, sizeof path, "%s/file", rig->root);
    assert_int_equal(volume_host_open(&volume, path, false, why, sizeof why), -ENOTDIR);
    assert_non_null(strstr(why, path));
    rig_destroy(rig);
}

/* In a child: the filter stays. */
static int open_without_openat2(const char *directory)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {ARRAY_LEN(code), code};
    struct volume volume;
    char why[300] = "";
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter))
        return 77;
    int rc = volume_host_open(&volume, directory, false, why, sizeof why);
    return rc == -ENOSYS && strstr(why, "openat2") ? 0 : 1;
}

static void says_that_openat2_is_missing(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(open_without_openat2(rig->root));
    assert_int_equal(waitpid(child, &status, 0), child);
    rig_destroy(rig);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("says_that_openat2_is_missing: skipped: no seccomp filters here\n");
        skip();
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int host_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_names_are_reachable),
        cmocka_unit_test(new_files_have_small_letters),
        cmocka_unit_test(names_stay_while_others_go),
        cmocka_unit_test(a_name_is_free_but_not_its_small_letters),
        cmocka_unit_test(five_thousand_files),
        cmocka_unit_test(deep_paths),
        cmocka_unit_test(many_directories),
        cmocka_unit_test(changes_by_the_host_are_seen_at_once),
        cmocka_unit_test(changes_by_both),
        cmocka_unit_test(the_mounted_directory_goes_away),
        cmocka_unit_test(attributes_are_kept_as_samba_does),
        cmocka_unit_test(dots_are_hidden),
        cmocka_unit_test(old_files_are_looked_at_once),
        cmocka_unit_test(without_extended_attributes),
        cmocka_unit_test(read_only_drive),
        cmocka_unit_test(huge_files),
        cmocka_unit_test(space_is_what_dos_can_say),
        cmocka_unit_test(labels),
        cmocka_unit_test(errors_of_the_medium),
        cmocka_unit_test(too_many_open_files),
        cmocka_unit_test(what_cannot_be_a_drive),
        cmocka_unit_test(says_that_openat2_is_missing),
    };
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
