/* The acceptor where the log of its peers does not reach: when it wants a snapshot, what it carries for
 * others, and what an installed one does to its log. */
#include <stdio.h>

#include "smr/memory_log.h"
#include "smr/paxos/acceptor.h"
#include "smr/snapshot.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct stand *stand;

/* Three replicas; this one has three chosen slots, of which `damaged` is (0: none), and promised 7.1. */
static void begin(wire_slot damaged)
{
    struct smr_config config = stand_config(3);
    struct smr_log log = smr_memory_log_new();
    struct wire_hard_state state = {.admitted = true, .chosen = 3, .promised = BALLOT(7, 1)};
    for (wire_slot slot = 1; slot <= 3; slot++) {
        struct smr_log_entry entry = {.slot = slot, .ballot = BALLOT(3, 1), .batch = batch_of("x")};
        log.ops->put_slot(log.self, &entry);
        buf_unref(&entry.batch);
    }
    log.ops->put_state(log.self, &state);
    log.ops->commit(log.self);
    if (damaged != 0)
        smr_memory_log_damage(log, damaged);
    stand = stand_new(&config, smr_acceptor_new(&config, log), log);
    stand_forget(stand);
}

static void teardown(void)
{
    stand_free(stand);
}

static void applied(wire_slot slot, wire_slot saved)
{
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = slot, .saved = saved}));
    stand_settle(stand);
}

/* A leader says that slots up to 100 are chosen. */
static void hear_of_more(void)
{
    stand_feed(stand, FROM(PROPOSER, 1, HEARTBEAT,
                           .heartbeat = {.ballot = BALLOT(7, 1), .chosen = 100, .round = 1}));
}

static void learned(wire_replica peer, wire_slot from, wire_slot cut)
{
    stand_feed(stand, FROM(ACCEPTOR, peer, LEARNED,
                           .learned = {.from = from, .chosen = 100, .cut = cut},
                           .payload = no_bytes()));
}

/* The line said since the test last looked at everything, or "". */
static const char *said(void)
{
    static char line[300];
    line[0] = '\0';
    for (size_t i = stand->seen; i < stand->out.count; i++) {
        const struct smr_effect *effect = &stand->out.effects[i];
        if (effect->kind == SMR_SAY)
            snprintf(line, sizeof line, "%.*s", (int)effect->say.line->size,
                     (const char *)effect->say.line->data);
    }
    return line;
}

/* --- wanting one ---------------------------------------------------------------------------------------- */

START_TEST(test_learner_asks_the_next_peer_at_once_if_one_has_cut_the_slot)
{
    begin(0);
    applied(3, 3);
    hear_of_more();
    stand_forget(stand);
    learned(1, 4, 60);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_LEARN)->learn.from, 4);
    stand_forget(stand);
    learned(2, 4, 50); /* that were all of them */
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_FETCH)->fetch.from, 50);
    stand_forget(stand);
    learned(1, 4, 60); /* from then on it takes its time */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_LEARN), 0);
}
END_TEST

START_TEST(test_learner_gives_a_peer_time_that_lacks_the_slot_too)
{
    begin(0);
    applied(3, 3);
    hear_of_more();
    stand_forget(stand);
    learned(1, 4, 0);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_LEARN), 0);
    stand_until(stand, WIRE_MESSAGE_LEARN);
}
END_TEST

START_TEST(test_learner_wants_a_snapshot_once_all_peers_were_asked_for_the_slot)
{
    begin(0);
    applied(3, 3);
    hear_of_more();
    stand_find(stand, WIRE_MESSAGE_LEARN);
    learned(1, 4, 60);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_FETCH), 0);
    stand_until(stand, WIRE_MESSAGE_LEARN);
    stand_forget(stand);
    learned(2, 4, 50);
    stand_until(stand, WIRE_MESSAGE_FETCH);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_FETCH);
    ck_assert_uint_eq(m->fetch.from, 50); /* an older one would lead to another one */
    ck_assert_uint_eq(m->fetch.leader, 1);
    stand_until(stand, WIRE_MESSAGE_FETCH); /* and says so again and again */
    stand_forget(stand);
    stand_feed(stand, FROM(ACCEPTOR, 2, LEARNED, .learned = {.from = 4, .chosen = 100},
                           .payload = ENTRIES({4, BALLOT(7, 1), true, "x"})));
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_FETCH)->fetch.from, 0); /* no longer */
}
END_TEST

START_TEST(test_learner_with_a_peer_that_has_the_slot_wants_no_snapshot)
{
    begin(0);
    applied(3, 3);
    hear_of_more();
    learned(1, 4, 60);
    stand_until(stand, WIRE_MESSAGE_LEARN);
    stand_forget(stand);
    stand_feed(stand, FROM(ACCEPTOR, 2, LEARNED, .learned = {.from = 4, .chosen = 100},
                           .payload = ENTRIES({4, BALLOT(7, 1), true, "x"})));
    stand_pass(stand, WIRE_SECOND / 10);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_FETCH), 0);
}
END_TEST

START_TEST(test_learner_wants_a_snapshot_for_a_damaged_slot_that_is_cut_at_peers)
{
    begin(2);
    applied(1, 1);
    learned(1, 2, 60);
    stand_until(stand, WIRE_MESSAGE_LEARN);
    learned(2, 2, 70);
    stand_until(stand, WIRE_MESSAGE_FETCH);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_FETCH)->fetch.from, 60);
}
END_TEST

START_TEST(test_learner_tells_people_of_a_slot_that_nobody_can_repair)
{
    begin(2);
    applied(1, 1);
    stand_forget(stand);
    wire_time until = stand->now + 20 * WIRE_SECOND;
    unsigned lines = 0;
    while (stand->now < until) {
        stand_until(stand, WIRE_MESSAGE_LEARN);
        lines += strstr(said(), "slot 2 of the log is damaged") != NULL;
        stand_forget(stand);
    }
    ck_assert_uint_eq(lines, 1); /* not with every question */
    stand_feed(stand, FROM(PROPOSER, 2, PREPARE, .prepare = {.ballot = BALLOT(9, 2), .from = 1}));
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 0);
}
END_TEST

/* --- what passes through ---------------------------------------------------------------------------------- */

START_TEST(test_acceptor_carries_questions_and_answers_of_snapshots)
{
    begin(0);
    stand_feed(stand, FROM(CHECKPOINTER, 0, SNAPSHOT_ASK,
                           .snapshot_ask = {.peer = 2, .from = 4, .snapshot = 9, .place = 5},
                           .payload = text_buf("key")));
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_SNAPSHOT_ASK, WIRE_ROLE_STREAMER, 2);
    ck_assert_uint_eq(m->snapshot_ask.snapshot, 9);
    ck_assert_int_eq(m->sender.role, WIRE_ROLE_LEARNER);
    struct wire_message piece = FROM(STREAMER, 2, SNAPSHOT, .snapshot = {.peer = 1, .snapshot = 9},
                                     .payload = text_buf("pairs"));
    struct wire_message bad = piece;
    piece.snapshot.checksum = smr_snapshot_checksum(&piece);
    bad.snapshot.checksum = piece.snapshot.checksum ^ 1;
    buf_ref(piece.payload);
    stand_feed(stand, piece);
    m = stand_sent(stand, WIRE_MESSAGE_SNAPSHOT, WIRE_ROLE_CHECKPOINTER, 0);
    ck_assert_uint_eq(m->snapshot.peer, 2); /* who sent it, not who it says did */
    stand_feed(stand, bad);
    ck_assert_ptr_nonnull(strstr(said(), "is refused: its checksum"));
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_SNAPSHOT), 0);
    ck_assert_uint_eq(smr_acceptor_counters(stand->role)->senseless_messages, 1);
    stand_forget(stand);
    struct wire_message forged = FROM(ACCEPTOR, 2, SNAPSHOT_DENIED, .snapshot_denied = {.newest = 9});
    stand_feed(stand, forged);
    stand_nothing(stand);
}
END_TEST

/* --- having one --------------------------------------------------------------------------------------------- */

START_TEST(test_acceptor_cuts_its_log_up_to_an_installed_snapshot_and_keeps_its_promise)
{
    begin(0);
    applied(3, 3);
    stand_forget(stand);
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, /* of a ballot that may have lost */
                           .accept = {.ballot = BALLOT(7, 1), .slot = 5, .chosen = 3},
                           .payload = batch_of("lost")));
    stand_settle(stand);
    stand_commit(stand);
    stand_forget(stand);
    applied(50, 50);
    ck_assert_uint_eq(stand_cut(stand), 50);
    const struct wire_hard_state *state = stand_put_state(stand);
    ck_assert_uint_eq(state->chosen, 50);
    ck_assert_uint_eq(state->cut, 50);
    assert_ballot(state->promised, 7, 1);
    stand_commit(stand);
    stand_feed(stand, FROM(PROPOSER, 2, PREPARE, .prepare = {.ballot = BALLOT(9, 2), .from = 4}));
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    ck_assert_uint_eq(m->promise.cut, 50);
    ck_assert_uint_eq(m->payload->size, 0); /* nothing of what was voted for below */
}
END_TEST

START_TEST(test_acceptor_is_fit_again_once_a_snapshot_holds_the_damaged_slot)
{
    begin(2);
    applied(1, 1);
    ck_assert(!stand_find(stand, WIRE_MESSAGE_HEARD)->heard.fit);
    stand_forget(stand);
    applied(2, 2); /* a state that is behind the bar, but not behind the damage */
    ck_assert_uint_eq(stand_cut(stand), 2);
    ck_assert(stand_find(stand, WIRE_MESSAGE_HEARD)->heard.fit);
    ck_assert_uint_eq(smr_acceptor_chosen(stand->role), 3);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_CHOSEN)->chosen.slot, 3);
}
END_TEST

Suite *learner_snapshot_suite(void)
{
    Suite *suite = suite_create("learner_snapshot");
    TCase *tests = tcase_create("learner_snapshot");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, test_learner_asks_the_next_peer_at_once_if_one_has_cut_the_slot);
    tcase_add_test(tests, test_learner_gives_a_peer_time_that_lacks_the_slot_too);
    tcase_add_test(tests, test_learner_wants_a_snapshot_once_all_peers_were_asked_for_the_slot);
    tcase_add_test(tests, test_learner_with_a_peer_that_has_the_slot_wants_no_snapshot);
    tcase_add_test(tests, test_learner_wants_a_snapshot_for_a_damaged_slot_that_is_cut_at_peers);
    tcase_add_test(tests, test_learner_tells_people_of_a_slot_that_nobody_can_repair);
    tcase_add_test(tests, test_acceptor_carries_questions_and_answers_of_snapshots);
    tcase_add_test(tests, test_acceptor_cuts_its_log_up_to_an_installed_snapshot_and_keeps_its_promise);
    tcase_add_test(tests, test_acceptor_is_fit_again_once_a_snapshot_holds_the_damaged_slot);
    suite_add_tcase(suite, tests);
    return suite;
}
