/* Lives of an acceptor after its log was cut, or beside a state from another time. */
#include "smr/memory_log.h"
#include "smr/paxos/acceptor.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct stand *stand;

/* An acceptor whose log holds that many slots, all chosen. */
static void begin(wire_slot slots)
{
    struct smr_config config = stand_config(3);
    struct smr_log log = smr_memory_log_new();
    struct wire_hard_state state = {.admitted = true, .chosen = slots};
    for (wire_slot slot = 1; slot <= slots; slot++) {
        struct smr_log_entry entry = {.slot = slot, .ballot = BALLOT(3, 1)};
        entry.batch = batch_of("x");
        log.ops->put_slot(log.self, &entry);
        buf_unref(&entry.batch);
    }
    log.ops->put_state(log.self, &state);
    log.ops->commit(log.self);
    stand = stand_new(&config, smr_acceptor_new(&config, log), log);
    stand_forget(stand);
}

static void teardown(void)
{
    stand_free(stand);
}

static void hear_applied(wire_slot slot, wire_slot saved)
{
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = slot, .saved = saved}));
}

static const struct wire_message *hear_leader(wire_slot chosen, wire_slot safe)
{
    stand_forget(stand);
    stand_feed(
        stand,
        FROM(PROPOSER, 1, HEARTBEAT,
             .heartbeat = {.ballot = BALLOT(3, 1), .chosen = chosen, .round = 1, .safe = safe}));
    return stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK);
}

/* Accepts a slot, so that there is something to commit, and commits it. */
static void accept_one(wire_slot slot)
{
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT,
                           .accept = {.ballot = BALLOT(3, 1), .slot = slot, .chosen = slot - 1},
                           .payload = batch_of("x")));
    stand_settle(stand);
    stand_commit(stand);
    stand_forget(stand);
}

static void assert_log_begins_with(wire_slot slot)
{
    struct wire_hard_state state;
    wire_slot highest;
    struct smr_log_entry entry;
    ck_assert_int_eq(stand->log.ops->load(stand->log.self, &state, &highest), WIRE_OK);
    ck_assert_uint_eq(state.cut, slot - 1);
    if (slot > 1)
        ck_assert_int_eq(stand->log.ops->read(stand->log.self, slot - 1, &entry), WIRE_NOT_FOUND);
    ck_assert_int_eq(stand->log.ops->read(stand->log.self, slot, &entry), WIRE_OK);
    buf_unref(&entry.batch);
    ck_assert_uint_eq(stand_figure(stand, "acceptor.cut_slot"), slot - 1);
}

START_TEST(test_acceptor_with_a_cut_log_says_so_to_candidates_and_learners)
{
    begin(50);
    hear_applied(50, 50);
    hear_leader(50, 50);
    accept_one(51);
    assert_log_begins_with(51);
    stand_restart_acceptor(stand, true);
    stand_feed(stand, FROM(LEARNER, 2, LEARN, .learn = {.from = 20}));
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_LEARNED);
    ck_assert_uint_eq(m->learned.cut, 50);
    ck_assert_uint_eq(m->payload->size, 0);
    stand_feed(stand, FROM(PROPOSER, 2, PREPARE, .prepare = {.ballot = BALLOT(4, 2), .from = 20}));
    m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    ck_assert_uint_eq(m->promise.cut, 50);
}
END_TEST

/* The state was damaged and set aside, or is from another time. */
START_TEST(test_acceptor_wants_a_snapshot_if_the_state_is_older_than_its_cut_log)
{
    begin(50);
    hear_applied(50, 40);
    hear_leader(50, 50);
    accept_one(51);
    assert_log_begins_with(41);
    stand_restart_acceptor(stand, true);
    stand_forget(stand);
    hear_applied(40, 40);
    ck_assert_int_eq(stand->out.fatal, WIRE_OK);
    stand_restart_acceptor(stand, true);
    stand_forget(stand);
    hear_applied(0, 0);
    ck_assert_int_eq(stand->out.fatal, WIRE_OK);
    ck_assert(!stand_find(stand, WIRE_MESSAGE_HEARD)->heard.fit);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_FETCH);
    ck_assert_uint_eq(m->fetch.from, 40); /* what the log goes on from */
    stand_until(stand, WIRE_MESSAGE_FETCH); /* again and again */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_CHOSEN), 0);
    stand_forget(stand);
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, /* it votes on ... */
                           .accept = {.ballot = BALLOT(3, 1), .slot = 52, .chosen = 51},
                           .payload = batch_of("x")));
    stand_find(stand, WIRE_MESSAGE_ACCEPTED);
    stand_settle(stand);
    stand_commit(stand);
    ck_assert(!hear_leader(51, 51)->heartbeat_ack.ready); /* ... but nobody should hand over to it */
    assert_log_begins_with(41);
    stand_forget(stand);
    hear_applied(45, 45);
    stand_settle(stand);
    ck_assert(stand_find(stand, WIRE_MESSAGE_HEARD)->heard.fit);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_CHOSEN)->chosen.slot, 46);
}
END_TEST

/* A snapshot was installed, or the bar in the log is older than the state: the log may hold other values
 * than those that led there, so none of it counts any more. */
START_TEST(test_acceptor_takes_a_state_that_is_newer_than_its_log)
{
    begin(50);
    hear_applied(60, 60);
    hear_leader(50, 50);
    ck_assert_int_eq(stand->out.fatal, WIRE_OK);
    ck_assert_uint_eq(smr_acceptor_chosen(stand->role), 60);
    for (wire_slot slot = 61; slot <= 62; slot++)
        accept_one(slot);
    assert_log_begins_with(61);
    stand_forget(stand);
    hear_leader(62, 62);
    stand_settle(stand);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_CHOSEN);
    ck_assert_uint_eq(m->chosen.slot, 62); /* 61 went with the Accept of 62 */
}
END_TEST

Suite *acceptor_cut_suite(void)
{
    Suite *suite = suite_create("acceptor_cut");
    TCase *tests = tcase_create("acceptor_cut");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, test_acceptor_with_a_cut_log_says_so_to_candidates_and_learners);
    tcase_add_test(tests, test_acceptor_wants_a_snapshot_if_the_state_is_older_than_its_cut_log);
    tcase_add_test(tests, test_acceptor_takes_a_state_that_is_newer_than_its_log);
    suite_add_tcase(suite, tests);
    return suite;
}
