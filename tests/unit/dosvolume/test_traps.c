/* Nothing outside the mounted directory is ever touched: links that lead out, things that are no files,
 * permissions, and others on the host who exchange what is there while the guest works. */
#include "volume_rig.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What must not be reached: rig->dir/outside, with times, owners and contents written down. */
static void make_outside(const struct volume_rig *rig)
{
    assert_int_equal(rig_shell(rig, "mkdir outside outside/dir && echo secret >outside/secret && "
                                    "echo secret >outside/f && echo secret >outside/dir/f && sleep 0.05"),
                     0);
    assert_int_equal(rig_shell(rig, "{ find outside -printf '%%p %%y %%m %%s %%T@ %%C@\\n' | sort; "
                                    "find outside -type f | sort | xargs cat; } >outside.before"),
                     0);
}

static void assert_outside_untouched(const struct volume_rig *rig)
{
    assert_int_equal(rig_shell(rig, "{ find outside -printf '%%p %%y %%m %%s %%T@ %%C@\\n' | sort; "
                                    "find outside -type f | sort | xargs cat; } | diff - outside.before"),
                     0);
}

/* Every operation on what `path` names, which the guest must not get at. */
static void assert_unreachable(struct volume_rig *rig, const char *path)
{
    struct volume *v = &rig->volume;
    struct volume_file *file;
    struct dos_entry entry;
    char below[64];
    snprintf(below, sizeof below, "%s\\F", path);
    assert_int_equal(rig_find(rig, path, &entry), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_open_close(rig, path, VOLUME_READ), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_open_close(rig, path, VOLUME_READ | VOLUME_WRITE), DOS_FILE_NOT_FOUND);
    assert_int_equal(v->class->create(v->object, path, 0, true, &file), DOS_FILE_EXISTS);
    assert_int_equal(v->class->create(v->object, path, 0, false, &file), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_attributes(v->object, path, DOS_ATTR_READ_ONLY), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_remove(rig, path), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_rename(rig, path, "MOVED"), DOS_FILE_NOT_FOUND);
    assert_int_equal(rig_make(rig, path), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->remove_directory(v->object, path), DOS_PATH_NOT_FOUND);
    assert_int_not_equal(rig_find(rig, below, &entry), DOS_OK);
    assert_int_not_equal(rig_put(rig, below, "x", 1), DOS_OK);
    assert_int_not_equal(rig_remove(rig, below), DOS_OK);
    assert_int_not_equal(rig_rename(rig, "PLAIN", below), DOS_OK);
    assert_int_not_equal(rig_make(rig, below), DOS_OK);
}

static void links_out_are_not_there(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    make_outside(rig);
    assert_int_equal(
        rig_shell(rig,
                  "cd root && echo plain >plain && ln -s ../outside/secret rel && "
                  "ln -s %s/outside/secret abs && ln -s ../outside dirrel && "
                  "ln -s %s/outside dirabs && ln -s .. up && ln -s / top && "
                  "mkdir sub && ln -s ../../outside sub/deep && ln -s %s/root/plain absin && "
                  "ln -s sub/../../outside winding && ln -s /proc/self/root magic && "
                  "ln -s /proc/self/fd/0 magicfd && ln -s self self && ln -s b a && ln -s a b && "
                  "ln -s nothing dangling",
                  rig->dir, rig->dir, rig->dir),
        0);
    rig_assert_names(rig, "", "PLAIN SUB ");
    rig_assert_names(rig, "SUB", ". .. ");
    static const char *const paths[] = {"REL",   "ABS",       "DIRREL", "DIRABS", "UP",
                                        "TOP",   "SUB\\DEEP", "ABSIN",  "A",      "WINDING",
                                        "MAGIC", "MAGICFD",   "SELF",   "B",      "DANGLING"};
    for (u32 i = 0; i < ARRAY_LEN(paths); i++)
        assert_unreachable(rig, paths[i]);
    rig_assert_text(rig, "PLAIN", "plain\n");
    assert_outside_untouched(rig);
    rig_destroy(rig);
}

static void links_within_are_followed(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    struct dos_entry entry;
    assert_int_equal(rig_shell(rig, "cd root && mkdir -p d/e && echo file >d/e/f && ln -s d/e link && "
                                    "ln -s ../../top d/e/up && ln -s d/e/f flink && echo top >top"),
                     0);
    rig_assert_names(rig, "", "D FLINK LINK TOP ");
    rig_assert_text(rig, "LINK\\F", "file\n");
    rig_assert_text(rig, "LINK\\UP", "top\n");
    assert_int_equal(rig_find(rig, "FLINK", &entry), DOS_OK);
    assert_int_equal(entry.bytes, 5);
    assert_int_equal(rig_put(rig, "FLINK", "new", 3), DOS_OK);
    rig_assert_text(rig, "D\\E\\F", "new");
    assert_int_equal(v->class->set_attributes(v->object, "FLINK", DOS_ATTR_READ_ONLY), DOS_OK);
    assert_int_equal(rig_open_close(rig, "D\\E\\F", VOLUME_WRITE), DOS_ACCESS_DENIED);
    assert_int_equal(v->class->set_attributes(v->object, "FLINK", 0), DOS_OK);
    /* The link itself is renamed and removed. */
    assert_int_equal(rig_rename(rig, "FLINK", "GLINK"), DOS_OK);
    assert_int_equal(rig_remove(rig, "GLINK"), DOS_OK);
    rig_assert_text(rig, "D\\E\\F", "new");
    assert_int_equal(v->class->remove_directory(v->object, "LINK"), DOS_ACCESS_DENIED);
    rig_destroy(rig);
}

static void what_is_no_file_is_not_there(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    assert_int_equal(rig_shell(rig, "cd root && echo plain >plain && mkfifo fifo && ln -s fifo flink"), 0);
    bool device = rig_shell(rig, "mknod root/dev c 1 5 2>/dev/null") == 0;
    rig_assert_names(rig, "", "PLAIN ");
    assert_unreachable(rig, "FIFO"); /* and nothing waits for its other end */
    assert_unreachable(rig, "FLINK");
    if (device)
        assert_unreachable(rig, "DEV");
    else
        print_message("what_is_no_file_is_not_there: no right to make devices: not tested with one\n");
    rig_destroy(rig);
}

static void unreadable_files_are_not_there(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct dos_entry entry;
    assert_int_equal(
        rig_shell(rig, "cd root && echo plain >plain && echo x >no && chmod 000 no && mkdir closed && "
                       "echo x >closed/f && chmod 000 closed && mkdir noexec && echo x >noexec/f && "
                       "chmod 444 noexec && mkdir ro && chmod 555 ro && echo x >wo && chmod 222 wo"),
        0);
    rig_set_override(false);
    char path[128];
    snprintf(path, sizeof path, "%s/no", rig->root);
    if (open(path, O_RDONLY | O_CLOEXEC) >= 0) {
        rig_set_override(true);
        rig_destroy(rig);
        print_message("unreadable_files_are_not_there: skipped: no permission stops this user\n");
        skip();
    }
    rig_assert_names(rig, "", "NOEXEC PLAIN RO ");
    assert_unreachable(rig, "NO");
    assert_unreachable(rig, "WO");
    assert_int_equal(rig_find(rig, "CLOSED\\F", &entry), DOS_ACCESS_DENIED);
    assert_int_not_equal(rig_find(rig, "NOEXEC\\F", &entry), DOS_OK);
    assert_int_equal(rig_put(rig, "RO\\NEW", "x", 1), DOS_ACCESS_DENIED);
    assert_int_equal(rig_make(rig, "RO\\NEW"), DOS_ACCESS_DENIED);
    rig_set_override(true);
    rig_destroy(rig);
}

/* --- races --- */

struct exchange {
    pthread_t thread;
    int fd; /* rig->dir */
    const char *a, *b;
    atomic_bool stop;
    u32 rounds;
};

static void *exchange_thread(void *opaque)
{
    struct exchange *x = opaque;
    while (!atomic_load(&x->stop)) {
        if (renameat2(x->fd, x->a, x->fd, x->b, RENAME_EXCHANGE))
            return (void *)1;
        x->rounds++;
    }
    if (x->rounds % 2 && renameat2(x->fd, x->a, x->fd, x->b, RENAME_EXCHANGE))
        return (void *)1;
    return NULL;
}

/* From the heap: a test that fails leaves the thread behind. */
static struct exchange *exchange_begin(const struct volume_rig *rig, const char *a, const char *b)
{
    struct exchange *x = calloc(1, sizeof *x);
    assert_non_null(x);
    *x = (struct exchange){.fd = open(rig->dir, O_PATH | O_DIRECTORY), .a = a, .b = b};
    assert_true(x->fd >= 0);
    assert_int_equal(pthread_create(&x->thread, NULL, exchange_thread, x), 0);
    return x;
}

static void exchange_end(struct exchange *x)
{
    void *result;
    atomic_store(&x->stop, true);
    assert_int_equal(pthread_join(x->thread, &result), 0);
    assert_null(result);
    assert_true(x->rounds > 100);
    close(x->fd);
    free(x);
}

/* Whatever is read is not what lies outside. Returns whether there was something to read. */
static bool read_is_harmless(struct volume_rig *rig, const char *path)
{
    struct volume *v = &rig->volume;
    struct volume_file *file;
    char buf[64] = "";
    u32 done;
    if (v->class->open(v->object, path, VOLUME_READ, &file))
        return false;
    enum dos_error error = v->class->read(v->object, file, 0, buf, sizeof buf - 1, &done);
    v->class->close_file(v->object, file);
    assert_null(strstr(buf, "secret"));
    return !error;
}

/* All operations in D, whose results may be anything. Counts those that found D. */
static void use_directory(struct volume_rig *rig, u32 round, u32 *reached)
{
    struct volume *v = &rig->volume;
    struct dos_entry entry, *entries;
    u32 count;
    *reached += read_is_harmless(rig, "D\\F");
    rig_put(rig, "D\\F", "mine", 4);
    rig_put(rig, "D\\NEW", "mine", 4);
    if (!rig_find(rig, "D\\F", &entry))
        assert_int_not_equal(entry.bytes, 7); /* the size of the one outside */
    v->class->set_attributes(v->object, "D\\F", round % 2 ? DOS_ATTR_HIDDEN : DOS_ATTR_ARCHIVE);
    rig_make(rig, "D\\SUB");
    rig_rename(rig, "D\\NEW", "D\\NEWER");
    rig_rename(rig, "D\\F", "KEEP");
    rig_rename(rig, "KEEP", "D\\F");
    rig_remove(rig, "D\\NEWER");
    rig_remove(rig, "D\\SECRET");
    v->class->remove_directory(v->object, "D\\SUB");
    v->class->remove_directory(v->object, "D\\DIR");
    if (!v->class->list(v->object, "D", &entries, &count)) {
        for (u32 i = 0; i < count; i++)
            assert_string_not_equal(entries[i].name, "SECRET");
        free(entries);
    }
}

static void a_directory_becomes_a_link_out(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    u32 reached = 0;
    make_outside(rig);
    assert_int_equal(rig_shell(rig, "mkdir root/d && echo mine >root/d/f && ln -s ../outside trap"), 0);
    struct exchange *x = exchange_begin(rig, "root/d", "trap");
    for (u32 round = 0; round < 3000; round++)
        use_directory(rig, round, &reached);
    exchange_end(x);
    assert_true(reached > 0); /* else nothing was tested */
    assert_outside_untouched(rig);
    rig_destroy(rig);
}

/* The whole path below: a component in the middle. */
static void a_component_becomes_a_link_out(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    u32 reached = 0;
    make_outside(rig);
    assert_int_equal(
        rig_shell(rig, "mkdir -p root/m/dir && echo mine >root/m/dir/f && ln -s ../outside trap"), 0);
    struct exchange *x = exchange_begin(rig, "root/m", "trap");
    for (u32 round = 0; round < 3000; round++) {
        reached += read_is_harmless(rig, "M\\DIR\\F");
        rig_put(rig, "M\\DIR\\F", "mine", 4);
        rig_put(rig, "M\\DIR\\G", "mine", 4);
        rig_remove(rig, "M\\DIR\\G");
        rig_make(rig, "M\\DIR\\H");
        rig_rename(rig, "M\\DIR\\H", "H");
        rig_rename(rig, "H", "M\\DIR\\H");
    }
    exchange_end(x);
    assert_true(reached > 0);
    assert_outside_untouched(rig);
    rig_destroy(rig);
}

static void a_file_becomes_a_link_out(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    struct volume *v = &rig->volume;
    u32 reached = 0;
    make_outside(rig);
    assert_int_equal(rig_shell(rig, "echo mine >root/f && ln -s ../outside/secret trap"), 0);
    struct exchange *x = exchange_begin(rig, "root/f", "trap");
    for (u32 round = 0; round < 5000; round++) {
        reached += read_is_harmless(rig, "F");
        rig_put(rig, "F", "mine", 4);
        v->class->set_attributes(v->object, "F", round % 2 ? DOS_ATTR_HIDDEN : DOS_ATTR_ARCHIVE);
    }
    exchange_end(x);
    assert_true(reached > 0);
    assert_outside_untouched(rig);
    rig_destroy(rig);
}

static void a_file_becomes_a_fifo(void **state)
{
    (void)state;
    struct volume_rig *rig = rig_host();
    u32 reached = 0;
    assert_int_equal(rig_shell(rig, "echo mine >root/f && mkfifo trap"), 0);
    struct exchange *x = exchange_begin(rig, "root/f", "trap");
    for (u32 round = 0; round < 5000; round++) { /* and never waits */
        reached += read_is_harmless(rig, "F");
        rig_put(rig, "F", "mine", 4);
    }
    exchange_end(x);
    assert_true(reached > 0);
    rig_destroy(rig);
}

int trap_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_out_are_not_there),        cmocka_unit_test(links_within_are_followed),
        cmocka_unit_test(what_is_no_file_is_not_there),   cmocka_unit_test(unreadable_files_are_not_there),
        cmocka_unit_test(a_directory_becomes_a_link_out), cmocka_unit_test(a_component_becomes_a_link_out),
        cmocka_unit_test(a_file_becomes_a_link_out),      cmocka_unit_test(a_file_becomes_a_fifo),
    };
    return cmocka_run_group_tests_name("traps", tests, NULL, NULL);
}
