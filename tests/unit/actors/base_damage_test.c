/* What becomes of a base with a record, or a file, that is damaged: nobody reads on. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/aside.h"
#include "actors/datafile.h"
#include "tests/unit/actors/base_stand.h"
#include "tests/unit/actors/suites.h"
#include "tests/unit/support/capture.h"
#include "wire/random.h"

enum { LINE_STATUS = 6 }; /* WIRE_EXIT_STORAGE */

/* Flips a bit wherever the file holds that text. */
static unsigned damage(const char *text)
{
    char path[128];
    unsigned found = 0;
    snprintf(path, sizeof path, "%s/state/data.mdb", base_directory);
    int file = open(path, O_RDWR);
    off_t size = lseek(file, 0, SEEK_END);
    uint8_t *bytes = malloc((size_t)size);
    ck_assert_int_eq(pread(file, bytes, (size_t)size, 0), size);
    for (size_t i = 0; i + strlen(text) <= (size_t)size; i++) {
        if (memcmp(bytes + i, text, strlen(text)) != 0)
            continue;
        bytes[i] ^= 1;
        found++;
    }
    ck_assert_int_eq(pwrite(file, bytes, (size_t)size, 0), size);
    free(bytes);
    close(file);
    return found;
}

enum reading { READ_GET, READ_SCAN, READ_IMAGE, READ_VIEW, READ_VIEW_IMAGE, READINGS };

enum { STARTED_AGAIN = 42 };

static void start_again(void)
{
    _exit(STARTED_AGAIN);
}

/* As a streamer does. */
static void read_view(const struct smr_base *base, bool image)
{
    struct wire_writer out = {0};
    void *view = base->ops->view_open(base->self);
    struct buf *got = image ? base->ops->view_image(view) : NULL;
    if (!image)
        base->ops->view_scan(view, span_text("k"), false, base_add_pair, &out);
    base->ops->view_close(view);
    buf_unref(&got);
    wire_writer_free(&out);
}

static void read_damaged(void *context)
{
    const enum reading *how = context;
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    struct wire_writer out = {0};
    struct buf *got = NULL;
    if (*how == READ_GET)
        got = base->ops->get(base->self, span_text("key"));
    else if (*how == READ_IMAGE)
        got = base->ops->image(base->self);
    else if (*how == READ_VIEW || *how == READ_VIEW_IMAGE)
        read_view(base, *how == READ_VIEW_IMAGE);
    else
        base->ops->scan(base->self, span_text("k"), false, base_add_pair, &out);
    buf_unref(&got);
    wire_writer_free(&out);
    base_close(&lmdb);
}

static void read_damaged_with_peers(void *context)
{
    base_on_damage(start_again);
    read_damaged(context);
}

static void assert_there(const char *name, bool there)
{
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", base_directory, name);
    ck_assert_msg((stat(path, &status) == 0) == there, "%s is %sthere", path, there ? "not " : "");
}

/* A checkpoint of two pairs, and a bit of one record flipped. */
static void make_damaged(enum reading how)
{
    bool image = how == READ_IMAGE || how == READ_VIEW_IMAGE;
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    base->ops->begin(base->self);
    base_put_text(base, "key", "a value with many bytes");
    base_put_text(base, "other", "well");
    ck_assert_int_eq(base->ops->commit(base->self, span_text("an image of something")), WIRE_OK);
    base_close(&lmdb);
    struct capture capture = capture_run(read_damaged, &how);
    ck_assert_int_eq(capture.status, 0);
    ck_assert_uint_ge(damage(image ? "an image of" : "a value with"), 1);
}

static void assert_one_line(const struct capture *capture, const char *words)
{
    ck_assert_ptr_nonnull(strstr(capture->err, base_directory));
    ck_assert_ptr_nonnull(strstr(capture->err, "state/data.mdb, page "));
    ck_assert_msg(strstr(capture->err, words) != NULL, "%s", capture->err);
    ck_assert_ptr_eq(strchr(capture->err, '\n'), capture->err + strlen(capture->err) - 1);
}

START_TEST(test_base_ends_the_process_over_a_damaged_record)
{
    enum reading how = (enum reading)_i;
    make_damaged(how);
    struct capture capture = capture_run(read_damaged, &how);
    ck_assert_int_eq(capture.status, LINE_STATUS);
    assert_one_line(&capture, "alone in its group");
    assert_there("state/data.mdb", true);
    assert_there("state.damaged", false);
}
END_TEST

START_TEST(test_base_sets_a_damaged_state_aside_where_peers_have_another)
{
    enum reading how = (enum reading)_i;
    make_damaged(how);
    struct capture capture = capture_run(read_damaged_with_peers, &how);
    ck_assert_int_eq(capture.status, STARTED_AGAIN);
    assert_one_line(&capture, "it is set aside");
    assert_there("state", false);
    assert_there("state.damaged/data.mdb", true);
    struct base *lmdb = base_open_good();
    base_assert_image(base_interface(lmdb), NULL);
    base_assert_scan(base_interface(lmdb), "", false, "");
    base_close(&lmdb);
    assert_there("state.damaged/data.mdb", true); /* nothing better is there yet */
}
END_TEST

/* How a state becomes whole again. */
enum filling { BY_CHECKPOINT, BY_SNAPSHOT, IN_AN_EARLIER_LIFE, FILLINGS };

START_TEST(test_base_drops_what_was_set_aside_once_it_is_whole)
{
    enum reading how = READ_GET;
    make_damaged(how);
    if (_i == IN_AN_EARLIER_LIFE) {
        char path[128];
        snprintf(path, sizeof path, "%s/state.damaged", base_directory);
        ck_assert_int_eq(mkdir(path, 0700), 0); /* it died before it removed it */
    } else {
        ck_assert_int_eq(capture_run(read_damaged_with_peers, &how).status, STARTED_AGAIN);
    }
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    if (_i == BY_CHECKPOINT)
        base->ops->begin(base->self);
    if (_i == BY_SNAPSHOT)
        base->ops->stage(base->self, true);
    if (_i != IN_AN_EARLIER_LIFE)
        base_put_text(base, "key", "again");
    if (_i == BY_CHECKPOINT) {
        ck_assert_int_eq(base->ops->commit(base->self, span_text("next")), WIRE_OK);
    } else if (_i == BY_SNAPSHOT) {
        ck_assert_int_eq(base->ops->stage_commit(base->self, span_text("mark")), WIRE_OK);
        assert_there("state.damaged", true); /* staged is not whole */
        ck_assert_int_eq(base->ops->install(base->self, span_text("next")), WIRE_OK);
    }
    assert_there("state.damaged", false);
    if (_i != IN_AN_EARLIER_LIFE)
        base_assert_scan(base, "", false, "key=again ");
    base_close(&lmdb);
}
END_TEST

START_TEST(test_base_keeps_the_older_of_two_damaged_states)
{
    enum reading how = READ_GET;
    make_damaged(how);
    ck_assert_int_eq(capture_run(read_damaged_with_peers, &how).status, STARTED_AGAIN);
    struct base *lmdb = base_open_good(); /* it dies before it is whole, and is damaged too */
    base_close(&lmdb);
    assert_there("state/data.mdb", true);
    ck_assert_int_eq(aside_put(base_directory), 0);
    assert_there("state/data.mdb", false);
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s/state.damaged/data.mdb", base_directory);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_gt(status.st_size, 12288); /* the full one */
    ck_assert_int_eq(aside_wipe(base_directory), 0);
    assert_there("state.damaged", false);
}
END_TEST

/* A page that the file no longer has, read while it is open. */
static void read_page_that_is_gone(void *context)
{
    char path[128];
    (void)context;
    datafile_watch(base_directory);
    base_on_damage(start_again);
    struct base *lmdb = base_open_good();
    snprintf(path, sizeof path, "%s/state/data.mdb", base_directory);
    ck_assert_int_eq(truncate(path, 8192), 0);
    struct buf *got = base_interface(lmdb)->ops->get(base_interface(lmdb)->self, span_text("key"));
    buf_unref(&got);
}

START_TEST(test_base_sets_a_state_aside_whose_pages_are_gone)
{
    make_damaged(READ_GET);
    struct capture capture = capture_run(read_page_that_is_gone, NULL);
    ck_assert_int_eq(capture.status, STARTED_AGAIN);
    assert_one_line(&capture, "cannot be read");
    assert_there("state.damaged/data.mdb", true);
}
END_TEST

/* A good record in the wrong place is no good record. */
/* A bit flips in a key: its value is under another one, above or below, and LMDB says that it is not there. */
START_TEST(test_base_does_not_take_a_record_under_a_damaged_key_for_absent)
{
    static const char *const flipped[] = {"key", "kez", "image"}; /* jey, jez, hmage */
    static const enum reading hows[] = {READ_GET, READ_SCAN, READ_IMAGE};
    enum reading how = hows[_i];
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    base->ops->begin(base->self);
    for (const char *key = "abz"; *key != '\0'; key++) {
        base_put_text(base, (char[]){*key, '\0'}, "well");
        base_put_text(base, (char[]){'k', *key, '\0'}, "well");
    }
    base_put_text(base, flipped[_i], "1");
    ck_assert_int_eq(base->ops->commit(base->self, span_text("i")), WIRE_OK);
    base_close(&lmdb);
    struct capture capture = capture_run(read_damaged, &how);
    ck_assert_int_eq(capture.status, 0);
    ck_assert_uint_ge(damage(flipped[_i]), 1);
    capture = capture_run(read_damaged, &how);
    ck_assert_int_eq(capture.status, LINE_STATUS);
}
END_TEST

enum { MANY = 4000 }; /* records; more than a branch page above the leaves */

static void read_each(void *context)
{
    char key[32];
    (void)context;
    datafile_watch(base_directory);
    struct base *lmdb = base_open_good();
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "user%06u", i);
        base_assert_value(base_interface(lmdb), key, "a value of some length, so that pages fill up");
    }
    base_close(&lmdb);
}

enum { LEAF = 2 }; /* LMDB's flag of a page that holds records */

/* Wherever the bit is behind the header of a page of records, in keys, values, checksums or what says where
 * they are, and whichever key is looked for: each read gives what was written, or the process
 * ends, with a line or (where LMDB itself follows the bit out of its file) by a signal; it is never told "not
 * there". */
START_TEST(test_base_with_a_flipped_bit_in_any_record_never_lacks_a_key)
{
    char key[32], path[128];
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    base->ops->begin(base->self);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "user%06u", i);
        base_put_text(base, key, "a value of some length, so that pages fill up");
    }
    ck_assert_int_eq(base->ops->commit(base->self, span_text("i")), WIRE_OK);
    base_close(&lmdb);
    snprintf(path, sizeof path, "%s/state/data.mdb", base_directory);
    int file = open(path, O_RDWR);
    off_t size = lseek(file, 0, SEEK_END);
    struct wire_random random = {.state = 11};
    unsigned noticed = 0;
    for (int turn = 0; turn < 60; turn++) {
        uint8_t byte = 0, kind = 0;
        off_t at;
        do {
            at = 8192 + (off_t)wire_random_below(&random, (uint64_t)size - 8192);
            ck_assert_int_eq(pread(file, &byte, 1, at), 1);
            ck_assert_int_eq(pread(file, &kind, 1, at / 4096 * 4096 + 10), 1);
        } while (byte == 0 || at % 4096 < 16 || kind != LEAF);
        uint8_t other = byte ^ (uint8_t)(1u << wire_random_below(&random, 8));
        ck_assert_int_eq(pwrite(file, &other, 1, at), 1);
        struct capture capture = capture_run(read_each, NULL);
        ck_assert_int_eq(pwrite(file, &byte, 1, at), 1);
        ck_assert_msg(capture.status == 0 || capture.status == LINE_STATUS || capture.status == -1,
                      "a bit of byte %lld: status %d: %s", (long long)at, capture.status, capture.err);
        noticed += capture.status == LINE_STATUS;
    }
    close(file);
    ck_assert_uint_gt(noticed, 20);
}
END_TEST

static void assert_refused(enum wire_error expected)
{
    struct base *base = NULL;
    ck_assert_int_eq(base_open(base_directory, &base, base_problem), expected);
    ck_assert_ptr_null(base);
    ck_assert_ptr_nonnull(strstr(base_problem, base_directory));
    ck_assert_ptr_null(strchr(base_problem, '\n'));
}

START_TEST(test_base_refuses_what_is_no_database)
{
    char path[128];
    snprintf(path, sizeof path, "%s/state", base_directory);
    int file = open(path, O_CREAT | O_WRONLY, 0600);
    close(file);
    assert_refused(WIRE_FAILED); /* no directory */
    ck_assert_int_eq(remove(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/state/data.mdb", base_directory);
    file = open(path, O_CREAT | O_WRONLY, 0600);
    char noise[8192];
    memset(noise, 'n', sizeof noise);
    ck_assert_int_eq(write(file, noise, sizeof noise), (ssize_t)sizeof noise);
    close(file);
    assert_refused(WIRE_DAMAGED);
}
END_TEST

Suite *base_damage_suite(void)
{
    Suite *suite = suite_create("base_damage");
    TCase *tests = tcase_create("base_damage");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, base_setup, base_teardown);
    tcase_add_loop_test(tests, test_base_ends_the_process_over_a_damaged_record, 0, READINGS);
    tcase_add_loop_test(tests, test_base_sets_a_damaged_state_aside_where_peers_have_another, 0,
                        READINGS);
    tcase_add_loop_test(tests, test_base_drops_what_was_set_aside_once_it_is_whole, 0, FILLINGS);
    tcase_add_test(tests, test_base_keeps_the_older_of_two_damaged_states);
    tcase_add_test(tests, test_base_sets_a_state_aside_whose_pages_are_gone);
    tcase_add_loop_test(tests, test_base_does_not_take_a_record_under_a_damaged_key_for_absent, 0, 3);
    tcase_add_test(tests, test_base_with_a_flipped_bit_in_any_record_never_lacks_a_key);
    tcase_add_test(tests, test_base_refuses_what_is_no_database);
    suite_add_tcase(suite, tests);
    return suite;
}
