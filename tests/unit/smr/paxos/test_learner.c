/* What is chosen: bars, slots from peers, and the way to the applier. */
#include "smr/paxos/acceptor.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct stand *stand;

static void setup(void)
{
    stand = stand_acceptor(5);
}

static void teardown(void)
{
    stand_free(stand);
}

static const struct smr_counters *counters(void)
{
    return smr_acceptor_counters(stand->role);
}

static void accept(uint64_t round, wire_replica replica, wire_slot slot, const char *text,
                   wire_slot chosen)
{
    stand_feed(stand, FROM(PROPOSER, replica, ACCEPT,
                           .accept = {.ballot = BALLOT(round, replica),
                                      .slot = slot,
                                      .chosen = chosen},
                           .payload = batch_of(text)));
}

static void heartbeat(uint64_t round, wire_replica replica, wire_slot chosen)
{
    stand_feed(stand, FROM(PROPOSER, replica, HEARTBEAT,
                           .heartbeat = {.ballot = BALLOT(round, replica), .chosen = chosen}));
}

static void learned(wire_replica from_peer, wire_slot from, wire_slot chosen, struct buf *entries)
{
    stand_feed(stand, FROM(ACCEPTOR, from_peer, LEARNED,
                           .learned = {.from = from, .chosen = chosen}, .payload = entries));
}

static wire_slot chosen(void)
{
    return smr_acceptor_chosen(stand->role);
}

/* The next effect is a question to that peer for slots from `from` on. */
static void assert_asks(wire_replica peer, wire_slot from)
{
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_LEARN);
    const struct smr_effect *effect = &stand->out.effects[stand->seen - 1];
    ck_assert_int_eq(effect->to, WIRE_ROLE_ACCEPTOR);
    ck_assert_uint_eq(effect->to_replica, peer);
    ck_assert_int_eq(m->sender.role, WIRE_ROLE_LEARNER);
    ck_assert_uint_eq(m->learn.from, from);
}

/* --- bars --------------------------------------------------------------------------------------- */

START_TEST(test_learner_takes_accepted_slots_of_the_ballot_as_chosen)
{
    accept(3, 1, 1, "a", 0);
    accept(3, 1, 2, "b", 0);
    accept(3, 1, 3, "c", 1);
    ck_assert_uint_eq(chosen(), 1);
    heartbeat(3, 1, 3);
    ck_assert_uint_eq(chosen(), 3);
    heartbeat(3, 1, 2); /* an older one that comes late */
    ck_assert_uint_eq(chosen(), 3);
    ck_assert_uint_eq(counters()->learn_asks, 0);
}
END_TEST

START_TEST(test_learner_asks_when_ballot_differs)
{
    accept(3, 1, 1, "a", 0);
    stand_forget(stand);
    heartbeat(4, 2, 1);
    ck_assert_uint_eq(chosen(), 0);
    assert_asks(2, 1); /* the leader is the likeliest to have it */
    ck_assert_uint_eq(counters()->gaps, 1);
}
END_TEST

START_TEST(test_learner_asks_when_a_slot_is_missing)
{
    accept(3, 1, 1, "a", 0);
    accept(3, 1, 3, "c", 0);
    stand_forget(stand);
    heartbeat(3, 1, 3);
    ck_assert_uint_eq(chosen(), 1);
    assert_asks(1, 2);
    heartbeat(3, 1, 3); /* one question at a time */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_LEARN), 0);
}
END_TEST

/* A leader may need a second to find the way to a process that has just come back. */
START_TEST(test_learner_that_comes_back_asks_without_waiting_for_a_leader)
{
    accept(3, 1, 1, "a", 0);
    heartbeat(3, 1, 1);
    accept(3, 1, 2, "b", 1);
    stand_settle(stand);
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    stand_pass(stand, stand->config.timing.resend / 8);
    assert_asks(1, 2);
    learned(1, 2, 9, no_bytes());
    stand_pass(stand, stand->config.timing.resend);
    assert_asks(2, 2); /* now it knows that there is more */
}
END_TEST

START_TEST(test_learner_that_comes_back_asks_nothing_if_a_leader_was_faster)
{
    accept(3, 1, 1, "a", 0);
    heartbeat(3, 1, 1);
    accept(3, 1, 2, "b", 1);
    stand_settle(stand);
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    heartbeat(3, 1, 1);
    stand_forget(stand);
    stand_pass(stand, 2 * stand->config.timing.resend);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_LEARN), 0);
}
END_TEST

START_TEST(test_learner_believes_only_its_own_proposer_what_it_chose)
{
    accept(3, 1, 1, "a", 0);
    stand_forget(stand);
    stand_feed(stand, FROM(PROPOSER, 1, CHOOSE,
                           .choose = {.ballot = BALLOT(3, 1), .chosen = 1}));
    ck_assert_uint_eq(chosen(), 0);
    stand_feed(stand, FROM(PROPOSER, 0, CHOOSE,
                           .choose = {.ballot = BALLOT(3, 1), .chosen = 1}));
    ck_assert_uint_eq(chosen(), 1);
}
END_TEST

START_TEST(test_learner_takes_a_repaired_slot_as_chosen_whatever_the_ballot)
{
    accept(4, 2, 2, "old", 0);
    heartbeat(4, 2, 1);
    learned(2, 1, 1, ENTRIES({1, BALLOT(3, 1), true, "a"}));
    ck_assert_uint_eq(chosen(), 1);
    stand_commit(stand);
    stand_restart_acceptor(stand, true); /* the bar was not stored, the slot was, as learned */
    stand_forget(stand);
    ck_assert_uint_eq(chosen(), 0);
    heartbeat(9, 3, 1);
    ck_assert_uint_eq(chosen(), 1);
    ck_assert_uint_eq(counters()->learn_asks, 0);
}
END_TEST

/* --- being taught ----------------------------------------------------------------------------------- */

START_TEST(test_learner_stores_what_a_peer_knows_chosen)
{
    heartbeat(3, 1, 3);
    stand_forget(stand);
    learned(1, 1, 3, ENTRIES({1, BALLOT(2, 4), true, "a"}, {2, BALLOT(3, 1), true, "b"}));
    const struct smr_log_entry *entry = stand_put_slot(stand);
    ck_assert(entry->slot == 1 && entry->learned);
    assert_ballot(entry->ballot, 2, 4);
    assert_batch(entry->batch, "a");
    ck_assert_uint_eq(stand_put_slot(stand)->slot, 2);
    ck_assert_uint_eq(chosen(), 2);
    assert_asks(1, 3); /* it helped, so it is asked on */
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->learned_slots, 2);
}
END_TEST

START_TEST(test_learner_ignores_entries_that_are_not_known_chosen)
{
    heartbeat(3, 1, 2);
    stand_forget(stand);
    learned(1, 1, 2, ENTRIES({1, BALLOT(2, 4), false, "a"}, {2, BALLOT(2, 4), true, "b"}));
    stand_nothing(stand);
    ck_assert_uint_eq(chosen(), 0);
    ck_assert_uint_eq(counters()->learned_slots, 0);
}
END_TEST

START_TEST(test_learner_asks_the_next_peer_when_one_does_not_help)
{
    heartbeat(3, 4, 2);
    assert_asks(4, 1);
    stand_forget(stand);
    learned(4, 1, 2, no_bytes());
    stand_nothing(stand); /* not at once, or two that lack the same would chase each other */
    stand_until(stand, WIRE_MESSAGE_LEARN);
    assert_asks(1, 1); /* past itself */
    stand_until(stand, WIRE_MESSAGE_LEARN); /* no answer at all */
    assert_asks(2, 1);
    learned(2, 1, 2, ENTRIES({1, BALLOT(3, 4), true, "a"}, {2, BALLOT(3, 4), true, "b"}));
    ck_assert_uint_eq(chosen(), 2);
    stand_forget(stand);
    stand_pass(stand, 5 * WIRE_SECOND);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_learner_takes_a_late_answer_and_asks_nothing_more_for_it)
{
    heartbeat(3, 1, 1);
    learned(1, 1, 1, ENTRIES({1, BALLOT(3, 1), true, "a"}));
    stand_forget(stand);
    learned(2, 1, 2,
            ENTRIES({1, BALLOT(3, 1), true, "a"}, {2, BALLOT(3, 1), true, "b"}));
    ck_assert_uint_eq(chosen(), 2);
    ck_assert_uint_eq(stand_put_slot(stand)->slot, 2); /* and not 1 a second time */
    stand_nothing(stand);
}
END_TEST

START_TEST(test_learner_drops_lists_that_make_no_sense)
{
    heartbeat(3, 1, 9);
    stand_forget(stand);
    learned(1, 1, 9, text_buf("no list"));
    learned(1, 2, 9, ENTRIES({1, BALLOT(3, 1), true, "a"}));
    learned(1, 1, 9, ENTRIES({2, BALLOT(3, 1), true, "b"}, {1, BALLOT(3, 1), true, "a"}));
    learned(1, 1, 9, ENTRIES({1, BALLOT(0, 0), true, "a"}));
    stand_feed(stand, FROM(LEARNER, 1, LEARNED, .learned = {.from = 1, .chosen = 9},
                           .payload = ENTRIES({1, BALLOT(3, 1), true, "a"})));
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->senseless_messages, 5);
    ck_assert_uint_eq(chosen(), 0);
}
END_TEST

START_TEST(test_learner_fetches_what_its_proposer_says_is_missing)
{
    stand_feed(stand, FROM(PROPOSER, 1, CATCH_UP, .catch_up = {.upto = 7, .peer = 3}));
    stand_nothing(stand); /* of another replica */
    stand_feed(stand, FROM(PROPOSER, 0, CATCH_UP, .catch_up = {.upto = 7, .peer = 3}));
    assert_asks(3, 1);
    stand_feed(stand, FROM(PROPOSER, 0, CATCH_UP, .catch_up = {.upto = 6, .peer = 200}));
    stand_nothing(stand);
}
END_TEST

/* --- teaching --------------------------------------------------------------------------------------- */

static const struct wire_message *taught(wire_slot from)
{
    stand_feed(stand, FROM(LEARNER, 2, LEARN, .learn = {.from = from}));
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_LEARNED, WIRE_ROLE_LEARNER, 2);
    ck_assert_uint_eq(m->learned.from, from);
    stand_nothing(stand);
    return m;
}

START_TEST(test_learner_teaches_only_what_is_chosen)
{
    accept(3, 1, 1, "a", 0);
    accept(3, 1, 2, "b", 0);
    accept(3, 1, 3, "c", 2);
    stand_forget(stand);
    const struct wire_message *m = taught(2);
    ck_assert_uint_eq(m->learned.chosen, 2);
    struct buf *expected = ENTRIES({2, BALLOT(3, 1), true, "b"});
    ck_assert(span_equal(buf_span(m->payload), buf_span(expected)));
    buf_unref(&expected);
    ck_assert_uint_eq(counters()->taught_slots, 1);
    ck_assert_uint_eq(taught(3)->payload->size, 0);
    ck_assert_uint_eq(taught(100)->payload->size, 0);
    ck_assert_uint_eq(counters()->taught_slots, 1);
}
END_TEST

START_TEST(test_learner_has_no_slot_zero_to_teach)
{
    stand_feed(stand, FROM(LEARNER, 2, LEARN, .learn = {.from = 0}));
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->senseless_messages, 1);
}
END_TEST

/* --- the way to the applier --------------------------------------------------------------------------- */

static void applied(wire_slot slot)
{
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = slot}));
}

/* Settles; slots from..to are fed and nothing else. */
static void assert_feeds(wire_slot from, wire_slot to)
{
    stand_forget(stand);
    stand_settle(stand);
    if (stand->seen < stand->out.count && stand->out.effects[stand->seen].kind == SMR_PUT_STATE)
        stand_put_state(stand); /* the bar rides along */
    for (wire_slot slot = from; slot <= to; slot++)
        ck_assert_uint_eq(
            stand_sent(stand, WIRE_MESSAGE_CHOSEN, WIRE_ROLE_APPLIER, 0)->chosen.slot, slot);
    stand_nothing(stand);
}

/* That many slots more are accepted and chosen. */
static void choose(wire_slot count, struct buf *batch)
{
    for (wire_slot slot = chosen() + 1; count > 0; slot++, count--) {
        stand_feed(stand, FROM(PROPOSER, 1, ACCEPT,
                               .accept = {.ballot = BALLOT(3, 1), .slot = slot},
                               .payload = buf_ref(batch)));
        heartbeat(3, 1, slot);
        stand_forget(stand);
    }
}

START_TEST(test_learner_feeds_chosen_slots_in_order_once_the_applier_is_there)
{
    accept(3, 1, 1, "a", 0);
    accept(3, 1, 2, "b", 0);
    heartbeat(3, 1, 2);
    assert_feeds(1, 0);
    applied(0);
    stand_settle(stand);
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_CHOSEN, WIRE_ROLE_APPLIER, 0);
    ck_assert_uint_eq(m->chosen.slot, 1);
    assert_batch(m->payload, "a");
    m = stand_sent(stand, WIRE_MESSAGE_CHOSEN, WIRE_ROLE_APPLIER, 0);
    ck_assert_uint_eq(m->chosen.slot, 2);
    assert_batch(m->payload, "b");
    assert_feeds(1, 0);
}
END_TEST

START_TEST(test_learner_says_that_many_more_are_to_come)
{
    struct buf *batch = batch_of("x");
    wire_slot count = WIRE_FEED_SLOTS;
    choose(count, batch);
    applied(0);
    stand_settle(stand);
    for (wire_slot slot = 1; slot <= count; slot++) {
        const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_CHOSEN);
        ck_assert_uint_eq(m->chosen.slot, slot);
        ck_assert_int_eq(m->chosen.behind, count - slot > 2 * WIRE_WINDOW_SLOTS);
    }
    buf_unref(&batch);
}
END_TEST

START_TEST(test_learner_feeds_no_more_slots_than_the_applier_has_room_for)
{
    struct buf *batch = batch_of("x");
    choose(WIRE_FEED_SLOTS + 20, batch);
    applied(0);
    assert_feeds(1, WIRE_FEED_SLOTS);
    applied(15);
    assert_feeds(WIRE_FEED_SLOTS + 1, WIRE_FEED_SLOTS + 15);
    applied(WIRE_FEED_SLOTS + 15);
    assert_feeds(WIRE_FEED_SLOTS + 16, WIRE_FEED_SLOTS + 20);
    buf_unref(&batch);
}
END_TEST

START_TEST(test_learner_feeds_no_more_bytes_than_the_applier_has_room_for)
{
    struct buf *batch = batch_of_size(1024 * 1024);
    choose(20, batch);
    applied(0);
    assert_feeds(1, 8);
    applied(1);
    assert_feeds(9, 9);
    applied(9);
    assert_feeds(10, 17);
    buf_unref(&batch);
}
END_TEST

START_TEST(test_learner_feeds_again_what_was_lost_on_the_way)
{
    struct buf *batch = batch_of("x");
    choose(3, batch);
    applied(0);
    assert_feeds(1, 3);
    applied(1);
    stand_pass(stand, stand->config.timing.ask);
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_CHOSEN, WIRE_ROLE_APPLIER, 0)->chosen.slot,
                      2);
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_CHOSEN, WIRE_ROLE_APPLIER, 0)->chosen.slot,
                      3);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->refed_slots, 2);
    applied(3);
    stand_pass(stand, 5 * WIRE_SECOND);
    stand_nothing(stand);
    buf_unref(&batch);
}
END_TEST

START_TEST(test_learner_goes_on_behind_what_the_applier_took_from_an_earlier_feed)
{
    struct buf *batch = batch_of("x");
    choose(5, batch);
    applied(0);
    assert_feeds(1, 5);
    stand->now += stand->config.timing.ask;
    stand->role.ops->wake(stand->role.self, stand->now, &stand->out); /* fed 1..5 again */
    applied(5);
    choose(1, batch);
    assert_feeds(6, 6);
    buf_unref(&batch);
}
END_TEST

Suite *learner_suite(void)
{
    Suite *suite = suite_create("learner");
    TCase *tests = tcase_create("learner");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_learner_takes_accepted_slots_of_the_ballot_as_chosen);
    tcase_add_test(tests, test_learner_asks_when_ballot_differs);
    tcase_add_test(tests, test_learner_asks_when_a_slot_is_missing);
    tcase_add_test(tests, test_learner_that_comes_back_asks_without_waiting_for_a_leader);
    tcase_add_test(tests, test_learner_that_comes_back_asks_nothing_if_a_leader_was_faster);
    tcase_add_test(tests, test_learner_believes_only_its_own_proposer_what_it_chose);
    tcase_add_test(tests, test_learner_takes_a_repaired_slot_as_chosen_whatever_the_ballot);
    tcase_add_test(tests, test_learner_stores_what_a_peer_knows_chosen);
    tcase_add_test(tests, test_learner_ignores_entries_that_are_not_known_chosen);
    tcase_add_test(tests, test_learner_asks_the_next_peer_when_one_does_not_help);
    tcase_add_test(tests, test_learner_takes_a_late_answer_and_asks_nothing_more_for_it);
    tcase_add_test(tests, test_learner_drops_lists_that_make_no_sense);
    tcase_add_test(tests, test_learner_fetches_what_its_proposer_says_is_missing);
    tcase_add_test(tests, test_learner_teaches_only_what_is_chosen);
    tcase_add_test(tests, test_learner_has_no_slot_zero_to_teach);
    tcase_add_test(tests, test_learner_feeds_chosen_slots_in_order_once_the_applier_is_there);
    tcase_add_test(tests, test_learner_says_that_many_more_are_to_come);
    tcase_add_test(tests, test_learner_feeds_no_more_slots_than_the_applier_has_room_for);
    tcase_add_test(tests, test_learner_feeds_no_more_bytes_than_the_applier_has_room_for);
    tcase_add_test(tests, test_learner_feeds_again_what_was_lost_on_the_way);
    tcase_add_test(tests, test_learner_goes_on_behind_what_the_applier_took_from_an_earlier_feed);
    suite_add_tcase(suite, tests);
    return suite;
}
