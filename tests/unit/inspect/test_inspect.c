/* What madkv-inspect makes of a directory that the store wrote, whole and damaged in all kinds of
 * ways; and what the store itself makes of the damaged ones: neither may crash. */
#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/base.h"
#include "actors/datafile.h"
#include "smr/image.h"
#include "smr/session.h"
#include "tests/unit/support/seeds.h"
#include "tools/inspect/report.h"
#include "wire/hash.h"

/* What LMDB had allocated when the guard left it in the middle is lost; the program ends soon after. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:mdb_env_open\n";
}

enum {
    SLOTS = 300,
    CUT = 40,
    CHOSEN = 290,
    APPLIED = 200,
    PAIRS = 500,
    FLIPS = 400,
};

static const uint64_t cluster = 0x1234;

static char directory[64]; /* a fresh one per test, removed afterwards */
static char path[80];      /* the replica's directory in it */
static char log_file[96];  /* the replica's data.mdb */
static char state_file[112];
static struct inspect_report report;
static char problem[INSPECT_TEXT_BYTES];

/* --- a directory ------------------------------------------------------------------------------ */

static void fill_log(struct smr_log log, struct wire_random *random)
{
    struct wire_hard_state state = {
        .promised = {7, 2}, .chosen = CHOSEN, .cut = CUT, .admitted = true};
    for (wire_slot slot = CUT + 1; slot <= SLOTS; slot++) {
        struct smr_log_entry entry = {.slot = slot, .ballot = {6, 1}, .learned = slot % 10 == 0};
        entry.batch = seed_batch_of(random);
        log.ops->put_slot(log.self, &entry);
        buf_unref(&entry.batch);
    }
    log.ops->put_state(log.self, &state);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
}

static void fill_state(struct base *base)
{
    const struct smr_base *interface = base_interface(base);
    struct smr_sessions *sessions = smr_sessions_new();
    struct smr_counters counters = {0};
    struct wire_writer table = {0}, image = {0};
    for (uint64_t id = 1; id <= 3; id++)
        smr_sessions_open(sessions, id, 10, &counters);
    smr_sessions_encode(sessions, &table);
    struct smr_image content = {.cluster = cluster,
                                .group = 2,
                                .applied = APPLIED,
                                .log_time_ms = 5000,
                                .sessions = wire_writer_span(&table)};
    smr_image_encode(&content, &image);
    interface->ops->begin(interface->self);
    for (int i = 0; i < PAIRS; i++) {
        char key[16];
        snprintf(key, sizeof key, "key%06d", i);
        interface->ops->put(interface->self, span_text(key), span_text("some value of it"));
    }
    ck_assert_int_eq(interface->ops->commit(interface->self, wire_writer_span(&image)), WIRE_OK);
    smr_sessions_free(sessions);
    wire_writer_free(&table);
    wire_writer_free(&image);
}

static struct store_config config_of(void)
{
    return (struct store_config){
        .path = path, .self = {.cluster = cluster, .group = 2, .replica = 1, .replica_count = 3}};
}

static void make_directory(void)
{
    struct wire_random random = {.state = 1};
    struct store_config config = config_of();
    struct store *store = NULL;
    struct base *base = NULL;
    char why[STORE_PROBLEM_BYTES];
    ck_assert_int_eq(store_open(&config, &store, why), WIRE_OK);
    struct wire_identity identity = *store_identity(store);
    identity.birth = (struct wire_birth){1, 99};
    ck_assert_int_eq(store_put_identity(store, &identity), WIRE_OK);
    fill_log(store_log(store), &random);
    ck_assert_int_eq(base_open(path, &base, why), WIRE_OK);
    fill_state(base);
    base_close(&base);
    store_close(&store);
}

static void setup(void)
{
    snprintf(directory, sizeof directory, "/tmp/madkv-inspect-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/backer", directory);
    snprintf(log_file, sizeof log_file, "%s/data.mdb", path);
    snprintf(state_file, sizeof state_file, "%s/state/data.mdb", path);
    make_directory();
}

static int remove_one(const char *name, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat;
    (void)type;
    (void)walk;
    return remove(name);
}

static void teardown(void)
{
    inspect_report_free(&report);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static enum wire_error look(void)
{
    inspect_report_free(&report);
    report = (struct inspect_report){.path = path};
    return inspect_look(&report, problem);
}

/* --- changing what is in it ------------------------------------------------------------------- */

/* A change to a value of a table of the log's environment. */
typedef void change(MDB_txn *txn, MDB_dbi table, MDB_val *key);

static void change_log(const char *table, MDB_val key, change *make)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    ck_assert_int_eq(mdb_env_create(&env), 0);
    ck_assert_int_eq(mdb_env_set_maxdbs(env, 2), 0);
    ck_assert_int_eq(mdb_env_set_mapsize(env, (size_t)1 << 30), 0);
    ck_assert_int_eq(mdb_env_open(env, path, 0, 0600), 0);
    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_dbi_open(txn, table, 0, &dbi), 0);
    make(txn, dbi, &key);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static MDB_val key_of(wire_slot slot)
{
    static uint8_t bytes[2][8];
    static int turn;
    uint8_t *at = bytes[turn = !turn];
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(slot >> (8 * (7 - i)));
    return (MDB_val){.mv_size = 8, .mv_data = at};
}

static MDB_val name_of(const char *name)
{
    return (MDB_val){.mv_size = strlen(name), .mv_data = (void *)(uintptr_t)name};
}

static uint8_t *copy_of(MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value)
{
    ck_assert_int_eq(mdb_get(txn, table, key, value), 0);
    uint8_t *copy = wire_alloc(value->mv_size);
    memcpy(copy, value->mv_data, value->mv_size);
    value->mv_data = copy;
    return copy;
}

static void flip_last_byte(MDB_txn *txn, MDB_dbi table, MDB_val *key)
{
    MDB_val value;
    uint8_t *copy = copy_of(txn, table, key, &value);
    copy[value.mv_size - 1] ^= 0x40;
    ck_assert_int_eq(mdb_put(txn, table, key, &value, 0), 0);
    free(copy);
}

static void put_another_slots_record(MDB_txn *txn, MDB_dbi table, MDB_val *key)
{
    MDB_val value, other = key_of(150);
    uint8_t *copy = copy_of(txn, table, &other, &value);
    ck_assert_int_eq(mdb_put(txn, table, key, &value, 0), 0);
    free(copy);
}

static void take_away(MDB_txn *txn, MDB_dbi table, MDB_val *key)
{
    ck_assert_int_eq(mdb_del(txn, table, key, NULL), 0);
}

static void raise_format(MDB_txn *txn, MDB_dbi table, MDB_val *key)
{
    MDB_val value;
    uint8_t *copy = copy_of(txn, table, key, &value);
    copy[0] = WIRE_RECORD_FORMAT + 1;
    ck_assert_int_eq(mdb_put(txn, table, key, &value, 0), 0);
    free(copy);
}

/* LMDB takes pages at the end of the file for them, and never writes them. */
static void put_and_take_away(MDB_txn *txn, MDB_dbi table, MDB_val *key)
{
    static char large[50000];
    MDB_val value = {.mv_size = sizeof large, .mv_data = large};
    ck_assert_int_eq(mdb_put(txn, table, key, &value, 0), 0);
    ck_assert_int_eq(mdb_del(txn, table, key, NULL), 0);
}

static void check_one_damage(const char *file, wire_slot slot, const char *what)
{
    ck_assert_msg(look() == WIRE_OK, "%s", problem);
    ck_assert_uint_eq(report.damage_count, 1);
    ck_assert_str_eq(report.damage[0].file, file);
    ck_assert_uint_eq(report.damage[0].slot, slot);
    ck_assert_msg(strstr(report.damage[0].what, what) != NULL, "%s", report.damage[0].what);
    ck_assert_ptr_nonnull(report.damage[0].advice);
}

/* --- tests ------------------------------------------------------------------------------------ */

START_TEST(test_inspect_tells_what_a_whole_directory_holds)
{
    ck_assert_msg(look() == WIRE_OK, "%s", problem);
    ck_assert_msg(report.damage_count == 0, "%s", report.damage[0].what);
    ck_assert_uint_eq(report.identity.cluster, cluster);
    ck_assert_uint_eq(report.identity.replica, 1);
    ck_assert_uint_eq(report.identity.birth.nonce, 99);
    ck_assert_uint_eq(report.identity.start, 1);
    ck_assert_uint_eq(report.hard_state.promised.round, 7);
    ck_assert_uint_eq(report.log_first, CUT + 1);
    ck_assert_uint_eq(report.log_last, SLOTS);
    ck_assert_uint_eq(report.log_count, SLOTS - CUT);
    ck_assert_uint_eq(report.learned_count, (SLOTS - CUT) / 10);
    ck_assert(report.has_checkpoint);
    ck_assert_uint_eq(report.applied, APPLIED);
    ck_assert_uint_eq(report.session_count, 3);
    ck_assert_uint_eq(report.pair_count, PAIRS);
    ck_assert_uint_le(report.log.live_bytes, report.log.bytes);
    ck_assert_uint_gt(report.state.live_bytes, 0);
}
END_TEST

START_TEST(test_inspect_prints_json_with_each_number)
{
    struct wire_writer line = {0};
    ck_assert_int_eq(look(), WIRE_OK);
    inspect_write_json(&report, &line);
    wire_write_raw(&line, span_of("", 1));
    const char *text = (const char *)line.data;
    static const char *const parts[] = {
        "\"node\":\"s2.1\"",
        "\"cluster\":\"0000000000001234\"",
        "\"promised_round\":7",
        "\"log_first_slot\":41",
        "\"log_last_slot\":300",
        "\"chosen_slot\":290",
        "\"checkpoint_slot\":200",
        "\"sessions\":3",
        "\"pairs\":500",
        "\"birth_generation\":1",
        "\"damage_count\":0,\"damage\":[]",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        ck_assert_msg(strstr(text, parts[i]) != NULL, "no %s in %s", parts[i], text);
    wire_writer_free(&line);
}
END_TEST

START_TEST(test_inspect_names_the_slot_of_a_damaged_record)
{
    change_log("log", key_of(123), flip_last_byte);
    check_one_damage("data.mdb", 123, "checksum");
    ck_assert_uint_eq(report.log_count, SLOTS - CUT);
}
END_TEST

START_TEST(test_inspect_tells_a_record_of_another_slot)
{
    change_log("log", key_of(77), put_another_slots_record);
    check_one_damage("data.mdb", 77, "belongs to slot 150");
}
END_TEST

START_TEST(test_inspect_misses_a_chosen_slot)
{
    change_log("log", key_of(222), take_away);
    check_one_damage("data.mdb", 222, "no record");
}
END_TEST

START_TEST(test_inspect_does_not_miss_what_was_never_chosen)
{
    change_log("log", key_of(CHOSEN + 3), take_away);
    change_log("log", key_of(SLOTS), take_away);
    ck_assert_int_eq(look(), WIRE_OK);
    ck_assert_uint_eq(report.damage_count, 0);
}
END_TEST

START_TEST(test_inspect_checks_hard_state_and_identity)
{
    change_log("meta", name_of("hard_state"), flip_last_byte);
    check_one_damage("data.mdb", 0, "hard state");
    change_log("meta", name_of("hard_state"), flip_last_byte);
    change_log("meta", name_of("identity"), flip_last_byte);
    check_one_damage("data.mdb", 0, "identity");
}
END_TEST

static uint64_t hash_of_file(void)
{
    static uint8_t bytes[1 << 22];
    FILE *file = fopen(log_file, "rbe");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    ck_assert(feof(file));
    fclose(file);
    return wire_hash(span_of(bytes, size));
}

static void refuse_format(const char *expected)
{
    struct store_config config = config_of();
    struct store *store = NULL;
    char why[STORE_PROBLEM_BYTES];
    uint64_t before = hash_of_file();
    ck_assert_int_eq(look(), WIRE_IDENTITY);
    ck_assert_msg(strstr(problem, expected) != NULL, "%s", problem);
    ck_assert_int_eq(store_open(&config, &store, why), WIRE_IDENTITY);
    ck_assert_msg(strstr(why, expected) != NULL, "%s", why);
    ck_assert_uint_eq(hash_of_file(), before); /* nothing of it was touched */
}

START_TEST(test_directory_of_another_format_is_refused_by_name)
{
    char expected[32];
    snprintf(expected, sizeof expected, "has format %d", WIRE_RECORD_FORMAT + 1);
    change_log("meta", name_of("identity"), raise_format);
    refuse_format(expected);
}
END_TEST

START_TEST(test_inspect_refuses_a_directory_in_use)
{
    struct store_config config = config_of();
    struct store *store = NULL;
    char why[STORE_PROBLEM_BYTES], pid[32];
    ck_assert_int_eq(store_open(&config, &store, why), WIRE_OK);
    ck_assert_int_eq(look(), WIRE_IN_USE);
    snprintf(pid, sizeof pid, "process %ld;", (long)getpid());
    ck_assert_msg(strstr(problem, pid) != NULL, "%s", problem);
    store_close(&store);
}
END_TEST

START_TEST(test_inspect_refuses_what_is_no_directory_of_madkv)
{
    report.path = "/nonexistent/madkv";
    ck_assert_int_eq(inspect_look(&report, problem), WIRE_IDENTITY);
    report.path = log_file;
    ck_assert_int_eq(inspect_look(&report, problem), WIRE_IDENTITY);
    report.path = directory;
    ck_assert_int_eq(inspect_look(&report, problem), WIRE_IDENTITY);
    ck_assert_msg(strstr(problem, "not a directory of MadKV") != NULL, "%s", problem);
}
END_TEST

/* --- files that are broken -------------------------------------------------------------------- */

START_TEST(test_good_file_may_be_short_of_pages_that_were_never_written)
{
    struct datafile file;
    change_log("meta", name_of("aside"), put_and_take_away);
    ck_assert_int_eq(datafile_look(log_file, &file, problem, sizeof problem), WIRE_OK);
    ck_assert_uint_lt(file.bytes, file.page_count * file.page_bytes);
    ck_assert_int_eq(look(), WIRE_OK);
    ck_assert_msg(report.damage_count == 0, "%s", report.damage[0].what);
    struct store_config config = config_of();
    struct store *store = NULL;
    char why[STORE_PROBLEM_BYTES];
    ck_assert_msg(store_open(&config, &store, why) == WIRE_OK, "%s", why);
    store_close(&store);
}
END_TEST

/* A start of the replica on the directory as it is, in a process of its own: it may be refused with
 * a line or go on, but never end by a signal. */
static void start_on_it(void)
{
    struct store_config config = config_of();
    struct store *store = NULL;
    struct base *base = NULL;
    char why[STORE_PROBLEM_BYTES];
    struct wire_hard_state state;
    wire_slot highest;
    struct smr_log_entry entry;
    if (freopen("/dev/null", "w", stderr) == NULL || store_open(&config, &store, why) != WIRE_OK ||
        base_open(path, &base, why) != WIRE_OK)
        _exit(WIRE_EXIT_STORAGE);
    struct smr_log log = store_log(store);
    if (log.ops->load(log.self, &state, &highest) == WIRE_OK)
        for (wire_slot slot = 1; slot <= SLOTS; slot++)
            if (log.ops->read(log.self, slot, &entry) == WIRE_OK)
                buf_unref(&entry.batch);
    struct buf *image = base_interface(base)->ops->image(base_interface(base)->self);
    buf_unref(&image);
    _exit(0);
}

static int start_status(void)
{
    int status;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        start_on_it();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the store ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* The directory as it was made, to be damaged anew. */
static struct wire_writer read_file(const char *name)
{
    struct wire_writer content = {0};
    uint8_t bytes[65536];
    int fd = open(name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
        wire_write_raw(&content, span_of(bytes, (size_t)got));
    close(fd);
    return content;
}

static void write_file(const char *name, struct span content)
{
    int fd = open(name, O_WRONLY | O_TRUNC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, content.data, content.size), (ssize_t)content.size);
    close(fd);
}

static const char *file_of(int which)
{
    return which == 0 ? log_file : state_file;
}

START_TEST(test_truncated_file_is_told_and_crashes_nobody)
{
    const char *name = file_of(_i);
    struct wire_writer whole = read_file(name);
    for (size_t size = 1; size < whole.size; size += size < 20000 ? 999 : 8191) {
        write_file(name, span_of(whole.data, size));
        ck_assert_int_eq(look(), WIRE_OK);
        ck_assert_msg(report.damage_count > 0, "%zu of %zu bytes were called well", size,
                      whole.size);
        ck_assert_int_eq(start_status(), WIRE_EXIT_STORAGE);
    }
    wire_writer_free(&whole);
}
END_TEST

/* Bytes that nothing refers to may be anything: so not every flip is damage. */
START_TEST(test_flipped_bits_crash_nobody)
{
    const char *name = file_of(_i);
    struct wire_writer whole = read_file(name), other = read_file(file_of(!_i));
    struct wire_random random = {.state = (uint64_t)_i + 7};
    int told = 0;
    for (int turn = 0; turn < FLIPS; turn++) {
        size_t at = (size_t)wire_random_below(&random, turn % 2 ? whole.size : 16384);
        uint8_t bit = (uint8_t)(1u << wire_random_below(&random, 8));
        whole.data[at] ^= bit;
        write_file(name, wire_writer_span(&whole));
        told += look() != WIRE_OK || report.damage_count > 0;
        if (turn % 4 == 0) {
            start_status();
            write_file(file_of(!_i), wire_writer_span(&other));
        }
        whole.data[at] ^= bit;
    }
    ck_assert_int_gt(told, FLIPS / 20);
    wire_writer_free(&whole);
    wire_writer_free(&other);
}
END_TEST

static Suite *inspect_suite(void)
{
    Suite *suite = suite_create("inspect");
    TCase *whole = tcase_create("records");
    tcase_add_checked_fixture(whole, setup, teardown);
    tcase_add_test(whole, test_inspect_tells_what_a_whole_directory_holds);
    tcase_add_test(whole, test_inspect_prints_json_with_each_number);
    tcase_add_test(whole, test_inspect_names_the_slot_of_a_damaged_record);
    tcase_add_test(whole, test_inspect_tells_a_record_of_another_slot);
    tcase_add_test(whole, test_inspect_misses_a_chosen_slot);
    tcase_add_test(whole, test_inspect_does_not_miss_what_was_never_chosen);
    tcase_add_test(whole, test_inspect_checks_hard_state_and_identity);
    tcase_add_test(whole, test_directory_of_another_format_is_refused_by_name);
    tcase_add_test(whole, test_inspect_refuses_a_directory_in_use);
    tcase_add_test(whole, test_inspect_refuses_what_is_no_directory_of_madkv);
    suite_add_tcase(suite, whole);
    TCase *broken = tcase_create("files");
    tcase_set_timeout(broken, 60);
    tcase_add_checked_fixture(broken, setup, teardown);
    tcase_add_test(broken, test_good_file_may_be_short_of_pages_that_were_never_written);
    tcase_add_loop_test(broken, test_truncated_file_is_told_and_crashes_nobody, 0, 2);
    tcase_add_loop_test(broken, test_flipped_bits_crash_nobody, 0, 2);
    suite_add_tcase(suite, broken);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(inspect_suite());
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
