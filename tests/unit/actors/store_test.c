/* The log on disk and the log in memory do the same: the tests of the first group run over both.
 * The others are about the directory. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/store_private.h"
#include "tests/unit/actors/suites.h"
#include "wire/batch.h"
#include "wire/message.h"

enum { ON_DISK, IN_MEMORY, KINDS };

static char directory[64]; /* a fresh one per test, removed afterwards */
static char path[80];      /* a backer_path in it that does not exist yet */
static char problem[STORE_PROBLEM_BYTES];

static void setup(void)
{
    snprintf(directory, sizeof directory, "/tmp/madkv-store-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/backer", directory);
    problem[0] = '\0';
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
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct store_config config_of(int kind)
{
    return (struct store_config){
        .path = kind == ON_DISK ? path : NULL,
        .self = {.group = 2, .replica = 1, .replica_count = 3},
    };
}

static struct store *open_good(const struct store_config *config)
{
    struct store *store = NULL;
    enum wire_error error = store_open(config, &store, problem);
    ck_assert_msg(error == WIRE_OK, "%s: %s", wire_error_text(error), problem);
    return store;
}

static struct buf *batch_of(const char *text, size_t size)
{
    struct wire_writer body = {0}, entry = {0};
    for (size_t i = 0; i < size; i++)
        wire_write_raw(&body, span_of(&text[i % strlen(text)], 1));
    struct wire_command command = {.kind = WIRE_CALL_PLAIN, .tag = 1};
    command.body = wire_writer_span(&body);
    wire_command_encode(&command, &entry);
    struct buf *encoded = wire_writer_take(&entry);
    struct wire_batch head = {.origin = 1, .origin_start = 1};
    struct buf *batch = wire_batch_build(&head, &encoded, 1);
    buf_unref(&encoded);
    wire_writer_free(&body);
    wire_writer_free(&entry);
    return batch;
}

static void put(struct smr_log log, wire_slot slot, uint64_t round, const char *text, size_t size)
{
    struct smr_log_entry entry = {.slot = slot, .ballot = {round, 1}, .learned = round % 2 == 0};
    entry.batch = batch_of(text, size);
    log.ops->put_slot(log.self, &entry);
    buf_unref(&entry.batch);
}

static void check_slot(struct smr_log log, wire_slot slot, uint64_t round, const char *text,
                       size_t size)
{
    struct smr_log_entry entry;
    struct buf *expected = batch_of(text, size);
    ck_assert_int_eq(log.ops->read(log.self, slot, &entry), WIRE_OK);
    ck_assert_uint_eq(entry.slot, slot);
    ck_assert_uint_eq(entry.ballot.round, round);
    ck_assert_uint_eq(entry.ballot.replica, 1);
    ck_assert(entry.learned == (round % 2 == 0));
    ck_assert(span_equal(buf_span(entry.batch), buf_span(expected)));
    buf_unref(&entry.batch);
    buf_unref(&expected);
}

static wire_slot highest_of(struct smr_log log)
{
    struct wire_hard_state state;
    wire_slot highest;
    ck_assert_int_eq(log.ops->load(log.self, &state, &highest), WIRE_OK);
    return highest;
}

/* --- both kinds of log ------------------------------------------------------------------------ */

START_TEST(test_store_reads_only_what_is_committed)
{
    struct store_config config = config_of(_i);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    struct smr_log_entry entry;
    put(log, 1, 5, "one", 100);
    ck_assert_int_eq(log.ops->read(log.self, 1, &entry), WIRE_NOT_FOUND);
    ck_assert_uint_eq(highest_of(log), 0);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    check_slot(log, 1, 5, "one", 100);
    ck_assert_int_eq(log.ops->read(log.self, 2, &entry), WIRE_NOT_FOUND);
    ck_assert_uint_eq(highest_of(log), 1);
    store_close(&store);
}
END_TEST

START_TEST(test_store_replaces_a_slot_and_fills_gaps)
{
    struct store_config config = config_of(_i);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    put(log, 300, 1, "far", 10);
    put(log, 2, 1, "two", 5000);
    put(log, 2, 2, "second", 70000);
    put(log, 301, 2, "farther", 1);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    put(log, 300, 7, "again", 20);
    put(log, 256, 3, "between", 300);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    check_slot(log, 2, 2, "second", 70000);
    check_slot(log, 256, 3, "between", 300);
    check_slot(log, 300, 7, "again", 20);
    check_slot(log, 301, 2, "farther", 1);
    ck_assert_uint_eq(highest_of(log), 301);
    store_close(&store);
}
END_TEST

START_TEST(test_store_keeps_the_last_hard_state)
{
    struct store_config config = config_of(_i);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    struct wire_hard_state state, got;
    wire_slot highest;
    ck_assert_int_eq(log.ops->load(log.self, &got, &highest), WIRE_OK);
    ck_assert(!got.admitted && got.promised.round == 0 && got.chosen == 0);
    for (uint64_t round = 1; round <= 3; round++) {
        state = (struct wire_hard_state){.promised = {round, 2}, .chosen = round * 10};
        state.admitted = true;
        state.births[4] = (struct wire_birth){1, 99};
        log.ops->put_state(log.self, &state);
    }
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    ck_assert_int_eq(log.ops->load(log.self, &got, &highest), WIRE_OK);
    ck_assert_uint_eq(got.promised.round, 3);
    ck_assert_uint_eq(got.chosen, 30);
    ck_assert(got.admitted);
    ck_assert_uint_eq(got.births[4].nonce, 99);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    store_close(&store);
}
END_TEST

START_TEST(test_store_drops_what_is_queued_when_closed)
{
    struct store_config config = config_of(_i);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    put(log, 1, 1, "gone", 3000);
    store_close(&store);
    store = open_good(&config);
    ck_assert_uint_eq(highest_of(store_log(store)), 0);
    store_close(&store);
}
END_TEST

START_TEST(test_store_counts_up_nothing_but_start)
{
    struct store_config config = config_of(_i);
    struct store *store = open_good(&config);
    ck_assert_uint_eq(store_identity(store)->start, 1);
    ck_assert_uint_eq(store_identity(store)->group, 2);
    ck_assert_uint_eq(store_identity(store)->birth.generation, 0);
    struct wire_identity identity = *store_identity(store);
    identity.cluster = 77;
    identity.birth = (struct wire_birth){1, 1234};
    ck_assert_int_eq(store_put_identity(store, &identity), WIRE_OK);
    ck_assert_uint_eq(store_identity(store)->cluster, 77);
    store_close(&store);
}
END_TEST

/* --- the directory ---------------------------------------------------------------------------- */

START_TEST(test_store_finds_everything_again)
{
    struct store_config config = config_of(ON_DISK);
    for (uint64_t start = 1; start <= 3; start++) {
        struct store *store = open_good(&config);
        struct smr_log log = store_log(store);
        ck_assert_uint_eq(store_identity(store)->start, start);
        ck_assert_uint_eq(highest_of(log), start - 1);
        if (start > 1) {
            check_slot(log, start - 1, start - 1, "kept", 9000);
            ck_assert_uint_eq(store_identity(store)->cluster, 5);
            ck_assert_uint_eq(store_identity(store)->birth.nonce, 6);
        }
        struct wire_identity identity = *store_identity(store);
        identity.cluster = 5;
        identity.birth = (struct wire_birth){1, 6};
        ck_assert_int_eq(store_put_identity(store, &identity), WIRE_OK);
        put(log, start, start, "kept", 9000);
        ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
        store_close(&store);
    }
}
END_TEST

START_TEST(test_store_keeps_its_files_private)
{
    snprintf(path, sizeof path, "%s/a/b/c/", directory);
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0700);
    static const char *const names[] = {"data.mdb", "LOCK"};
    for (int i = 0; i < 2; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s/%s", path, names[i]);
        ck_assert_int_eq(stat(name, &info), 0);
        ck_assert_uint_eq(info.st_mode & 0777, 0600);
    }
    store_close(&store);
}
END_TEST

START_TEST(test_store_refuses_second_process)
{
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    pid_t child = fork();
    if (child == 0) {
        struct store *second = NULL;
        enum wire_error error = store_open(&config, &second, problem);
        char expected[64];
        snprintf(expected, sizeof expected, "in use by process %ld", (long)getppid());
        _exit(error == WIRE_IN_USE && strstr(problem, expected) != NULL ? 0 : 1);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_uint_eq(store_identity(store)->start, 1);
    store_close(&store);
    store = open_good(&config);
    ck_assert_uint_eq(store_identity(store)->start, 2);
    store_close(&store);
}
END_TEST

static void check_refused(const struct store_config *config, enum wire_error expected,
                          const char *words)
{
    struct store *store = NULL;
    ck_assert_int_eq(store_open(config, &store, problem), expected);
    ck_assert_ptr_null(store);
    ck_assert_msg(strstr(problem, words) != NULL, "'%s' lacks '%s'", problem, words);
    ck_assert_ptr_null(strchr(problem, '\n'));
}

/* Opens it and gives it a birth: from then on it is somebody's. */
static void make_directory(const struct store_config *config)
{
    struct store *store = open_good(config);
    struct wire_identity identity = *store_identity(store);
    identity.birth = (struct wire_birth){1, 1};
    ck_assert_int_eq(store_put_identity(store, &identity), WIRE_OK);
    store_close(&store);
}

START_TEST(test_store_is_anybodys_until_it_has_a_birth)
{
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    store_close(&store);
    config.self.replica_count = 5;
    config.self.replica = 4;
    store = open_good(&config);
    ck_assert_uint_eq(store_identity(store)->replica_count, 5);
    ck_assert_uint_eq(store_identity(store)->replica, 4);
    ck_assert_uint_eq(store_identity(store)->start, 2);
    store_close(&store);
}
END_TEST

START_TEST(test_store_refuses_foreign_identity)
{
    struct store_config config = config_of(ON_DISK);
    config.self.cluster = 0xabc;
    make_directory(&config);
    struct store *store;
    config.self.replica = 0;
    check_refused(&config, WIRE_IDENTITY, "belongs to server s2.1, this is server s2.0");
    config.self.replica = 1;
    config.self.group = WIRE_GROUP_MANAGERS;
    check_refused(&config, WIRE_IDENTITY, "this is manager m.1");
    config.self.group = 2;
    config.self.replica_count = 5;
    check_refused(&config, WIRE_USAGE, "founded with 3 replicas; the flags say 5");
    config.self.replica_count = 3;
    config.self.cluster = 0xdef;
    check_refused(&config, WIRE_IDENTITY, "belongs to cluster 0000000000000abc");
    config.self.cluster = 0;
    store = open_good(&config);
    ck_assert_uint_eq(store_identity(store)->start, 2);
    store_close(&store);
}
END_TEST

START_TEST(test_store_names_both_topologies)
{
    struct store_config config = config_of(ON_DISK);
    config.self.topology = 11;
    config.topology = "server_rf 3";
    make_directory(&config);
    config.self.topology = 12;
    config.topology = "server_rf 5";
    check_refused(&config, WIRE_USAGE, "founded with server_rf 3; the flags say server_rf 5");
}
END_TEST

START_TEST(test_store_refuses_what_is_no_directory)
{
    FILE *file = fopen(path, "w");
    fputs("a file", file);
    fclose(file);
    struct store_config config = config_of(ON_DISK);
    check_refused(&config, WIRE_FAILED, "is a file");
    char below[96];
    snprintf(below, sizeof below, "%s/below", path);
    config.path = below;
    check_refused(&config, WIRE_FAILED, "cannot make the directory");
}
END_TEST

START_TEST(test_store_refuses_a_file_that_is_no_database)
{
    char name[128];
    ck_assert_int_eq(mkdir(path, 0700), 0);
    snprintf(name, sizeof name, "%s/data.mdb", path);
    FILE *file = fopen(name, "w");
    for (int i = 0; i < 10000; i++)
        fputs("no database", file);
    fclose(file);
    struct store_config config = config_of(ON_DISK);
    check_refused(&config, WIRE_DAMAGED, "not LMDB's");
}
END_TEST

/* In a child, because root may write anywhere and who gave root up cannot clean up. */
START_TEST(test_store_refuses_a_directory_it_may_not_write)
{
    pid_t child = fork();
    if (child == 0) {
        struct store_config config = config_of(ON_DISK);
        struct store *store = NULL;
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        config.path = "/proc/madkv";
        if (store_open(&config, &store, problem) != WIRE_FAILED ||
            strstr(problem, "cannot make the directory") == NULL)
            _exit(3);
        config.path = "/";
        _exit(store_open(&config, &store, problem) != WIRE_FAILED ||
              strstr(problem, "cannot write into the directory") == NULL);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* Flips a bit of the `at`th place where `text` stands in the file. */
static int damage(const char *text)
{
    char name[128];
    int found = 0;
    snprintf(name, sizeof name, "%s/data.mdb", path);
    FILE *file = fopen(name, "r+");
    static char bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof bytes, file);
    for (size_t i = 0; i + strlen(text) <= size; i++) {
        if (memcmp(bytes + i, text, strlen(text)) != 0)
            continue;
        fseek(file, (long)i, SEEK_SET);
        fputc(text[0] ^ 1, file);
        found++;
    }
    fclose(file);
    return found;
}

START_TEST(test_store_tells_damaged_from_absent)
{
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    put(log, 1, 1, "good", 40);
    put(log, 2, 1, "DAMAGE-ME-", 10);
    put(log, 4, 1, "good", 40);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    store_close(&store);
    ck_assert_int_ge(damage("DAMAGE-ME-"), 1);
    store = open_good(&config);
    log = store_log(store);
    struct smr_log_entry entry;
    check_slot(log, 1, 1, "good", 40);
    ck_assert_int_eq(log.ops->read(log.self, 2, &entry), WIRE_DAMAGED);
    ck_assert_int_eq(log.ops->read(log.self, 3, &entry), WIRE_NOT_FOUND);
    check_slot(log, 4, 1, "good", 40);
    put(log, 2, 3, "repaired", 10);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    check_slot(log, 2, 3, "repaired", 10);
    store_close(&store);
}
END_TEST

START_TEST(test_store_says_when_hard_state_is_damaged)
{
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    struct wire_hard_state state = {.chosen = 1};
    memset(&state.births[2].nonce, 'Q', sizeof state.births[2].nonce);
    log.ops->put_state(log.self, &state);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    store_close(&store);
    ck_assert_int_ge(damage("QQQQQQQQ"), 1);
    store = open_good(&config);
    log = store_log(store);
    wire_slot highest = 42;
    ck_assert_int_eq(log.ops->load(log.self, &state, &highest), WIRE_DAMAGED);
    ck_assert_uint_eq(highest, 42);
    store_close(&store);
}
END_TEST

/* Takes the hard state out, as damage to a page above it may. */
static void lose_hard_state(struct store *store)
{
    MDB_txn *txn;
    ck_assert_int_eq(mdb_txn_begin(store->env, NULL, 0, &txn), 0);
    ck_assert_int_eq(store_delete_meta(txn, store->meta, "hard_state"), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
}

START_TEST(test_store_calls_a_hard_state_that_is_gone_damaged)
{
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    struct wire_hard_state state;
    wire_slot highest;
    ck_assert_int_eq(log.ops->load(log.self, &state, &highest), WIRE_OK); /* nobody's yet */
    struct wire_identity identity = *store_identity(store);
    identity.birth = (struct wire_birth){1, 6};
    ck_assert_int_eq(store_put_identity(store, &identity), WIRE_OK);
    ck_assert_int_eq(log.ops->load(log.self, &state, &highest), WIRE_OK);
    lose_hard_state(store);
    ck_assert_int_eq(log.ops->load(log.self, &state, &highest), WIRE_DAMAGED);
    store_close(&store);
    store = open_good(&config);
    log = store_log(store);
    ck_assert_int_eq(log.ops->load(log.self, &state, &highest), WIRE_DAMAGED);
    store_close(&store);
}
END_TEST

START_TEST(test_store_that_is_wiped_is_empty_and_somebodys)
{
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    struct wire_hard_state state = {.promised = {7, 1}, .chosen = 3, .admitted = true};
    struct wire_identity identity = *store_identity(store);
    identity.birth = (struct wire_birth){1, 6};
    ck_assert_int_eq(store_put_identity(store, &identity), WIRE_OK);
    log.ops->put_state(log.self, &state);
    for (wire_slot slot = 1; slot <= 50; slot++)
        put(log, slot, 7, "forgotten", 5000);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    identity.birth = (struct wire_birth){2, 8};
    ck_assert_int_eq(store_wipe(store, &identity), WIRE_OK);
    for (int life = 0; life < 2; life++) {
        struct smr_log_entry entry;
        wire_slot highest;
        log = store_log(store);
        ck_assert_uint_eq(store_identity(store)->birth.nonce, 8);
        ck_assert_int_eq(log.ops->load(log.self, &state, &highest), WIRE_OK);
        ck_assert(!state.admitted && state.promised.round == 0 && state.chosen == 0);
        ck_assert_uint_eq(highest, 0);
        ck_assert_int_eq(log.ops->read(log.self, 50, &entry), WIRE_NOT_FOUND);
        store_close(&store);
        store = open_good(&config);
    }
    put(store_log(store), 1, 9, "anew", 10);
    ck_assert_int_eq(store_log(store).ops->commit(store_log(store).self), WIRE_OK);
    check_slot(store_log(store), 1, 9, "anew", 10);
    store_close(&store);
}
END_TEST

START_TEST(test_store_refuses_a_damaged_identity)
{
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    struct wire_identity identity = *store_identity(store);
    memset(&identity.birth.nonce, 'Z', sizeof identity.birth.nonce);
    identity.birth.generation = 1;
    ck_assert_int_eq(store_put_identity(store, &identity), WIRE_OK);
    store_close(&store);
    ck_assert_int_ge(damage("ZZZZZZZZ"), 1);
    check_refused(&config, WIRE_DAMAGED, "damaged");
}
END_TEST

START_TEST(test_store_keeps_the_queue_while_there_is_no_room)
{
    struct store_config config = config_of(ON_DISK);
    config.map_bytes = 256 * 1024;
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    put(log, 1, 1, "small", 1000);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    for (wire_slot slot = 2; slot < 12; slot++)
        put(log, slot, 1, "large", 60000);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_FULL);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_FULL);
    struct smr_log_entry entry;
    ck_assert_int_eq(log.ops->read(log.self, 2, &entry), WIRE_NOT_FOUND);
    check_slot(log, 1, 1, "small", 1000);
    ck_assert_uint_eq(highest_of(log), 1);
    store_close(&store);
    /* What was durable before is still there, and with more room it goes on. */
    config.map_bytes = 16 * 1024 * 1024;
    store = open_good(&config);
    log = store_log(store);
    for (wire_slot slot = 2; slot < 12; slot++)
        put(log, slot, 1, "large", 60000);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    check_slot(log, 1, 1, "small", 1000);
    check_slot(log, 11, 1, "large", 60000);
    store_close(&store);
}
END_TEST

/* Room appears while the process runs: once in the map, once on the file system. */
START_TEST(test_store_commits_once_there_is_room)
{
    struct store_config config = config_of(ON_DISK);
    config.map_bytes = 512 * 1024;
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    put(log, 1, 1, "larger", 700000);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_FULL);
    ck_assert_int_eq(mdb_env_set_mapsize(store->env, 8 * 1024 * 1024), 0);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    check_slot(log, 1, 1, "larger", 700000);

    store->reserve_bytes = UINT64_MAX / 2;
    put(log, 2, 2, "waits", 1000);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_FULL);
    store->reserve_bytes = 0;
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
    check_slot(log, 2, 2, "waits", 1000);

    /* What was seen long ago counts no more once somebody has looked: others use the disk too. */
    store->reserve_bytes = UINT64_MAX / 4;
    store->room = UINT64_MAX / 2;
    store->room_used = 0;
    log.ops->is_low(log.self);
    put(log, 3, 2, "waits too", 1000);
    ck_assert_int_eq(log.ops->commit(log.self), WIRE_FULL);
    store_close(&store);
}
END_TEST

/* Bytes of files that are mapped and present in this process; proc(5). */
static size_t mapped_bytes(void)
{
    size_t pages;
    FILE *file = fopen("/proc/self/statm", "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*u %*u %zu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

START_TEST(test_store_does_not_keep_all_of_its_file_mapped)
{
    const size_t size = 500000;
    const wire_slot count = 24;
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    struct smr_log log = store_log(store);
    struct wire_hard_state state = {.chosen = 1};
    size_t at_first = mapped_bytes();
    log.ops->put_state(log.self, &state);
    for (wire_slot slot = 1; slot <= count; slot++) {
        put(log, slot, 1, "large", size);
        ck_assert_int_eq(log.ops->commit(log.self), WIRE_OK);
        size_t before = mapped_bytes();
        check_slot(log, slot, 1, "large", size);
        ck_assert_uint_ge(mapped_bytes(), before + size / 2); /* it is mapped now */
        ck_assert_uint_lt(mapped_bytes(), at_first + 10 * size);
    }
    for (wire_slot slot = 1; slot <= count; slot++)
        check_slot(log, slot, 1, "large", size);
    store_close(&store);
}
END_TEST

START_TEST(test_store_refuses_to_start_on_a_full_disk)
{
    struct store_config config = config_of(ON_DISK);
    config.reserve_bytes = UINT64_MAX / 2;
    check_refused(&config, WIRE_FULL, "no room left on the disk");
    config.reserve_bytes = 0;
    struct store *store = open_good(&config);
    ck_assert_uint_eq(store_identity(store)->start, 1);
    store_close(&store);
}
END_TEST

START_TEST(test_store_shows_figures)
{
    struct store_config config = config_of(ON_DISK);
    struct store *store = open_good(&config);
    struct wire_writer out = {0};
    store_figures(store, &out);
    ck_assert_uint_gt(out.size, 100);
    wire_writer_free(&out);
    store_close(&store);
}
END_TEST

Suite *store_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *both = tcase_create("both kinds");
    tcase_add_checked_fixture(both, setup, teardown);
    tcase_add_loop_test(both, test_store_reads_only_what_is_committed, 0, KINDS);
    tcase_add_loop_test(both, test_store_replaces_a_slot_and_fills_gaps, 0, KINDS);
    tcase_add_loop_test(both, test_store_keeps_the_last_hard_state, 0, KINDS);
    tcase_add_loop_test(both, test_store_drops_what_is_queued_when_closed, 0, KINDS);
    tcase_add_loop_test(both, test_store_counts_up_nothing_but_start, 0, KINDS);
    suite_add_tcase(suite, both);
    TCase *disk = tcase_create("directory");
    tcase_add_checked_fixture(disk, setup, teardown);
    tcase_add_test(disk, test_store_finds_everything_again);
    tcase_add_test(disk, test_store_keeps_its_files_private);
    tcase_add_test(disk, test_store_refuses_second_process);
    tcase_add_test(disk, test_store_is_anybodys_until_it_has_a_birth);
    tcase_add_test(disk, test_store_refuses_foreign_identity);
    tcase_add_test(disk, test_store_names_both_topologies);
    tcase_add_test(disk, test_store_refuses_what_is_no_directory);
    tcase_add_test(disk, test_store_refuses_a_file_that_is_no_database);
    tcase_add_test(disk, test_store_refuses_a_directory_it_may_not_write);
    tcase_add_test(disk, test_store_tells_damaged_from_absent);
    tcase_add_test(disk, test_store_says_when_hard_state_is_damaged);
    tcase_add_test(disk, test_store_calls_a_hard_state_that_is_gone_damaged);
    tcase_add_test(disk, test_store_that_is_wiped_is_empty_and_somebodys);
    tcase_add_test(disk, test_store_refuses_a_damaged_identity);
    tcase_add_test(disk, test_store_keeps_the_queue_while_there_is_no_room);
    tcase_add_test(disk, test_store_commits_once_there_is_room);
    tcase_add_test(disk, test_store_refuses_to_start_on_a_full_disk);
    tcase_add_test(disk, test_store_does_not_keep_all_of_its_file_mapped);
    tcase_add_test(disk, test_store_shows_figures);
    suite_add_tcase(suite, disk);
    return suite;
}
