/* Votes: what an acceptor promises and accepts, and what it says when. */
#include "smr/paxos/acceptor.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct stand *stand;

static void setup(void)
{
    stand = stand_acceptor(3);
    stand_nothing(stand);
}

static void teardown(void)
{
    stand_free(stand);
}

static const struct smr_counters *counters(void)
{
    return smr_acceptor_counters(stand->role);
}

static void prepare(uint64_t round, wire_replica replica, wire_slot from)
{
    stand_feed(stand, FROM(PROPOSER, replica, PREPARE,
                           .prepare = {.ballot = BALLOT(round, replica), .from = from}));
}

static void accept(uint64_t round, wire_replica replica, wire_slot slot, const char *text)
{
    stand_feed(stand, FROM(PROPOSER, replica, ACCEPT,
                           .accept = {.ballot = BALLOT(round, replica), .slot = slot},
                           .payload = batch_of(text)));
}

static void heartbeat(uint64_t round, wire_replica replica, wire_slot chosen, uint64_t number)
{
    stand_feed(stand, FROM(PROPOSER, replica, HEARTBEAT,
                           .heartbeat = {.ballot = BALLOT(round, replica),
                                         .chosen = chosen,
                                         .round = number}));
}

static void assert_nack(wire_replica to, uint64_t round, uint64_t promised_round)
{
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, to);
    assert_ballot(m->nack.ballot, round, to);
    ck_assert_uint_eq(m->nack.promised.round, promised_round);
    stand_nothing(stand);
}

/* --- promises ------------------------------------------------------------------------------------- */

START_TEST(test_acceptor_promise_waits_for_commit)
{
    prepare(3, 1, 1);
    assert_ballot(stand_put_state(stand)->promised, 3, 1);
    stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    const struct wire_message *m =
        stand_sent_durable(stand, WIRE_MESSAGE_PROMISE, WIRE_ROLE_PROPOSER, 1);
    assert_ballot(m->promise.ballot, 3, 1);
    ck_assert_uint_eq(m->promise.from, 1);
    ck_assert_uint_eq(m->promise.through, 0);
    ck_assert(m->promise.last);
    ck_assert_uint_eq(m->payload->size, 0);
    stand_nothing(stand);
    assert_ballot(smr_acceptor_promised(stand->role), 3, 1);
}
END_TEST

START_TEST(test_acceptor_rejects_lower_ballot)
{
    prepare(3, 1, 1);
    stand_forget(stand);
    prepare(2, 2, 1);
    assert_nack(2, 2, 3);
    prepare(3, 0, 1); /* of one round the lower replica */
    assert_nack(0, 3, 3);
    accept(2, 2, 1, "x");
    assert_nack(2, 2, 3);
    heartbeat(2, 2, 0, 1);
    assert_nack(2, 2, 3);
    ck_assert_uint_eq(counters()->nacks, 4);
    ck_assert_uint_eq(counters()->accepts, 0);
    assert_ballot(smr_acceptor_promised(stand->role), 3, 1);
}
END_TEST

START_TEST(test_acceptor_promises_the_same_ballot_again_without_another_put)
{
    prepare(3, 1, 1);
    stand_forget(stand);
    prepare(3, 1, 1);
    stand_sent_durable(stand, WIRE_MESSAGE_PROMISE, WIRE_ROLE_PROPOSER, 1);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->promises, 1);
}
END_TEST

START_TEST(test_acceptor_remembers_its_promise_over_a_restart)
{
    prepare(3, 1, 1);
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    stand_forget(stand);
    prepare(2, 2, 1);
    assert_nack(2, 2, 3);
}
END_TEST

START_TEST(test_acceptor_was_not_heard_if_it_forgets_a_promise_in_a_crash)
{
    prepare(3, 1, 1);
    stand_restart_acceptor(stand, true); /* the promise was not committed, so it did not leave */
    stand_forget(stand);
    prepare(2, 2, 1);
    assert_ballot(stand_put_state(stand)->promised, 2, 2);
    stand_forget(stand);
}
END_TEST

START_TEST(test_acceptor_promise_tells_what_it_accepted)
{
    accept(3, 1, 1, "a");
    accept(3, 1, 2, "b");
    accept(3, 1, 4, "d"); /* and nothing in 3 */
    accept(4, 2, 2, "B");
    stand_forget(stand);
    prepare(5, 1, 2);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    struct buf *expected =
        ENTRIES({2, BALLOT(4, 2), false, "B"}, {4, BALLOT(3, 1), false, "d"});
    ck_assert(span_equal(buf_span(m->payload), buf_span(expected)));
    ck_assert_uint_eq(m->promise.through, 4);
    ck_assert(m->promise.last);
    buf_unref(&expected);
}
END_TEST

START_TEST(test_acceptor_promise_marks_what_is_known_chosen)
{
    accept(3, 1, 1, "a");
    accept(3, 1, 2, "b");
    heartbeat(3, 1, 1, 1);
    stand_forget(stand);
    prepare(5, 1, 1);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    struct buf *expected = ENTRIES({1, BALLOT(3, 1), true, "a"}, {2, BALLOT(3, 1), false, "b"});
    ck_assert(span_equal(buf_span(m->payload), buf_span(expected)));
    ck_assert_uint_eq(m->promise.chosen, 1);
    buf_unref(&expected);
}
END_TEST

START_TEST(test_acceptor_tells_a_long_promise_in_chunks)
{
    struct buf *batch = batch_of_size(WIRE_CHUNK_BYTES * 2 / 3);
    for (wire_slot slot = 1; slot <= 3; slot++)
        stand_feed(stand, FROM(PROPOSER, 1, ACCEPT,
                               .accept = {.ballot = BALLOT(3, 1), .slot = slot},
                               .payload = buf_ref(batch)));
    stand_forget(stand);
    prepare(5, 1, 1);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    ck_assert_uint_eq(m->promise.from, 1);
    ck_assert_uint_eq(m->promise.through, 2);
    ck_assert(!m->promise.last);
    prepare(5, 1, 3);
    m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    ck_assert_uint_eq(m->promise.from, 3);
    ck_assert_uint_eq(m->promise.through, 3);
    ck_assert(m->promise.last);
    buf_unref(&batch);
}
END_TEST

/* --- votes --------------------------------------------------------------------------------------- */

START_TEST(test_acceptor_accepted_waits_for_commit)
{
    prepare(3, 1, 1);
    stand_forget(stand);
    accept(3, 1, 1, "a");
    stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0); /* a leader is there */
    const struct smr_log_entry *entry = stand_put_slot(stand);
    ck_assert_uint_eq(entry->slot, 1);
    assert_ballot(entry->ballot, 3, 1);
    ck_assert(!entry->learned);
    assert_batch(entry->batch, "a");
    const struct wire_message *m =
        stand_sent_durable(stand, WIRE_MESSAGE_ACCEPTED, WIRE_ROLE_PROPOSER, 1);
    assert_ballot(m->accepted.ballot, 3, 1);
    ck_assert_uint_eq(m->accepted.slot, 1);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_acceptor_stores_what_is_chosen_already_without_an_answer)
{
    stand_feed(stand, FROM(PROPOSER, 0, ACCEPT,
                           .accept = {.ballot = BALLOT(3, 0), .slot = 1, .chosen = 1},
                           .payload = batch_of("a")));
    stand_put_state(stand); /* accepting a ballot is promising it */
    ck_assert_uint_eq(stand_put_slot(stand)->slot, 1);
    stand_nothing(stand); /* a vote for it would count nowhere, so nobody waits for this commit */
    ck_assert_uint_eq(smr_acceptor_chosen(stand->role), 1);
}
END_TEST

START_TEST(test_acceptor_promises_the_ballot_it_accepts)
{
    accept(3, 1, 1, "a");
    stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    assert_ballot(stand_put_state(stand)->promised, 3, 1);
    stand_put_slot(stand);
    stand_sent_durable(stand, WIRE_MESSAGE_ACCEPTED, WIRE_ROLE_PROPOSER, 1);
    stand_nothing(stand);
    prepare(2, 2, 1);
    assert_nack(2, 2, 3);
}
END_TEST

START_TEST(test_acceptor_accepts_again_without_another_put)
{
    accept(3, 1, 1, "a");
    stand_forget(stand);
    accept(3, 1, 1, "a");
    stand_sent_durable(stand, WIRE_MESSAGE_ACCEPTED, WIRE_ROLE_PROPOSER, 1);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->accepts_again, 1);
}
END_TEST

START_TEST(test_acceptor_never_accepts_two_values_of_one_ballot)
{
    accept(3, 1, 1, "a");
    stand_forget(stand);
    accept(3, 1, 1, "b");
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->senseless_messages, 1);
}
END_TEST

START_TEST(test_acceptor_overwrites_a_value_of_a_lower_ballot)
{
    accept(3, 1, 1, "a");
    stand_forget(stand);
    accept(4, 2, 1, "b");
    stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    stand_put_state(stand);
    assert_batch(stand_put_slot(stand)->batch, "b");
    stand_sent_durable(stand, WIRE_MESSAGE_ACCEPTED, WIRE_ROLE_PROPOSER, 2);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_acceptor_acknowledges_a_chosen_slot_without_storing_it)
{
    accept(3, 1, 1, "a");
    heartbeat(3, 1, 1, 1);
    stand_forget(stand);
    accept(4, 2, 1, "a");
    stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    const struct wire_message *m =
        stand_sent_durable(stand, WIRE_MESSAGE_ACCEPTED, WIRE_ROLE_PROPOSER, 2);
    ck_assert_uint_eq(m->accepted.chosen, 1);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_acceptor_takes_no_slot_too_far_ahead_and_says_how_far_it_is)
{
    accept(3, 1, WIRE_AHEAD_SLOTS, "a");
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPTED), 1);
    stand_forget(stand);
    accept(3, 1, WIRE_AHEAD_SLOTS + 1, "b");
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, 1);
    assert_ballot(m->nack.promised, 3, 1); /* not higher: no reason to give up */
    ck_assert_uint_eq(m->nack.slot, WIRE_AHEAD_SLOTS + 1);
    ck_assert_uint_eq(m->nack.chosen, 0);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->accepts_ahead, 1);
}
END_TEST

START_TEST(test_acceptor_stores_its_chosen_bar_only_with_something_else)
{
    accept(3, 1, 1, "a");
    heartbeat(3, 1, 1, 1);
    stand_forget(stand);
    stand_settle(stand);
    ck_assert_uint_eq(stand_put_state(stand)->chosen, 1);
    stand_nothing(stand);
    accept(3, 1, 2, "b");
    stand_settle(stand);
    stand_forget(stand);
    heartbeat(3, 1, 2, 2);
    stand_forget(stand);
    stand_settle(stand); /* nothing is put in this round: the bar alone is not worth a commit */
    stand_nothing(stand);
    ck_assert_uint_eq(smr_acceptor_chosen(stand->role), 2);
}
END_TEST

/* --- leaders ---------------------------------------------------------------------------------------- */

START_TEST(test_acceptor_acknowledges_a_heartbeat_at_once)
{
    heartbeat(3, 1, 0, 42);
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    assert_ballot(m->heard.leader, 3, 1);
    ck_assert_uint_eq(m->heard.heard_ago, 0);
    ck_assert(m->heard.fit);
    m = stand_sent(stand, WIRE_MESSAGE_HEARTBEAT_ACK, WIRE_ROLE_PROPOSER, 1);
    assert_ballot(m->heartbeat_ack.ballot, 3, 1);
    ck_assert_uint_eq(m->heartbeat_ack.round, 42);
    stand_nothing(stand);
    heartbeat(3, 1, 0, 43); /* the proposer knows of this leader */
    stand_sent(stand, WIRE_MESSAGE_HEARTBEAT_ACK, WIRE_ROLE_PROPOSER, 1);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_acceptor_tells_its_proposer_how_things_stand)
{
    prepare(3, 1, 1);
    heartbeat(3, 1, 0, 1);
    stand_forget(stand);
    stand_pass(stand, 70 * WIRE_MS);
    stand_feed(stand, FROM(PROPOSER, 0, ATTACH, .attach = {0}));
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    assert_ballot(m->heard.promised, 3, 1);
    assert_ballot(m->heard.leader, 3, 1);
    ck_assert_uint_eq(m->heard.heard_ago, 70 * WIRE_MS);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_acceptor_helps_nobody_but_its_leader_during_a_lease)
{
    heartbeat(3, 1, 0, 1);
    stand_forget(stand);
    prepare(4, 2, 1);
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, 2);
    assert_ballot(m->nack.promised, 0, 0); /* no reason to give up: it may ask again */
    stand_nothing(stand);
    stand_pass(stand, smr_lease_granted(stand->config.timing.lease) - 1);
    prepare(4, 2, 1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 0);
    ck_assert_uint_eq(counters()->leases_kept, 2);
    stand_pass(stand, 1);
    prepare(4, 2, 1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 1);
}
END_TEST

START_TEST(test_acceptor_helps_the_holder_of_the_lease_to_a_new_ballot)
{
    heartbeat(3, 1, 0, 1);
    stand_forget(stand);
    prepare(4, 1, 1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 1);
    ck_assert_uint_eq(counters()->leases_kept, 0);
}
END_TEST

START_TEST(test_acceptor_helps_nobody_after_a_restart_until_every_lease_is_over)
{
    heartbeat(3, 1, 0, 1);
    stand_restart_acceptor(stand, true);
    stand->now -= smr_lease_granted(SMR_LEASE_MAX); /* it has just begun */
    stand_forget(stand);
    prepare(4, 1, 1); /* whoever held it */
    prepare(4, 2, 1);
    stand->now += smr_lease_granted(SMR_LEASE_MAX) - 1;
    prepare(4, 2, 1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 0);
    ck_assert_uint_eq(counters()->leases_kept, 3);
    stand->now += 1;
    prepare(4, 2, 1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 1);
}
END_TEST

static enum wire_verdict ask(uint64_t round, wire_replica replica, wire_slot chosen)
{
    stand_feed(stand, FROM(PROPOSER, replica, ASK,
                           .ask = {.ballot = BALLOT(round, replica), .chosen = chosen}));
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_ASKED, WIRE_ROLE_PROPOSER, replica);
    assert_ballot(m->asked.ballot, round, replica);
    stand_nothing(stand);
    return m->asked.verdict;
}

START_TEST(test_acceptor_asked_says_yes_and_promises_nothing)
{
    ck_assert_int_eq(ask(1, 1, 0), WIRE_VERDICT_YES);
    assert_ballot(smr_acceptor_promised(stand->role), 0, 0);
}
END_TEST

START_TEST(test_acceptor_asked_says_no_to_a_ballot_it_could_not_promise)
{
    prepare(3, 1, 1);
    stand_forget(stand);
    ck_assert_int_eq(ask(2, 2, 0), WIRE_VERDICT_PROMISED);
    ck_assert_int_eq(ask(3, 1, 0), WIRE_VERDICT_PROMISED);
    ck_assert_int_eq(ask(3, 2, 0), WIRE_VERDICT_YES);
}
END_TEST

START_TEST(test_acceptor_asked_says_no_while_a_leader_is_heard)
{
    heartbeat(3, 1, 0, 1);
    stand_forget(stand);
    stand_pass(stand, stand->config.timing.silence_min - 1);
    ck_assert_int_eq(ask(4, 2, 0), WIRE_VERDICT_LEADER_LIVES);
    ck_assert_int_eq(ask(4, 1, 0), WIRE_VERDICT_YES); /* that very leader, in its next life */
    stand_pass(stand, 1);
    ck_assert_int_eq(ask(4, 2, 0), WIRE_VERDICT_YES);
}
END_TEST

START_TEST(test_acceptor_asked_sends_a_candidate_that_is_far_behind_to_catch_up)
{
    for (wire_slot slot = 1; slot <= WIRE_WINDOW_SLOTS + 1; slot++)
        accept(3, 1, slot, "a");
    heartbeat(3, 1, WIRE_WINDOW_SLOTS + 1, 1);
    stand_forget(stand);
    stand_pass(stand, 5 * WIRE_SECOND);
    ck_assert_int_eq(ask(4, 2, 0), WIRE_VERDICT_BEHIND);
    ck_assert_int_eq(ask(4, 2, 1), WIRE_VERDICT_YES);
    ck_assert_int_eq(ask(4, 0, 0), WIRE_VERDICT_YES); /* the own proposer knows best */
}
END_TEST

/* --- the door ---------------------------------------------------------------------------------------- */

START_TEST(test_acceptor_drops_ballots_that_are_not_their_senders)
{
    const struct wire_ballot stolen = BALLOT(9, 2);
    stand_feed(stand, FROM(PROPOSER, 1, ASK, .ask = {.ballot = stolen}));
    stand_feed(stand, FROM(PROPOSER, 1, PREPARE, .prepare = {.ballot = stolen, .from = 1}));
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = stolen, .slot = 1},
                           .payload = batch_of("x")));
    stand_feed(stand, FROM(PROPOSER, 1, HEARTBEAT, .heartbeat = {.ballot = stolen}));
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->senseless_messages, 4);
}
END_TEST

START_TEST(test_acceptor_drops_what_makes_no_sense)
{
    prepare(0, 1, 1);
    prepare(3, 1, 0);
    accept(0, 1, 1, "x");
    accept(3, 1, 0, "x");
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = BALLOT(3, 1), .slot = 1},
                           .payload = text_buf("this is no batch, nor has it a checksum")));
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = BALLOT(3, 1), .slot = 1},
                           .payload = no_bytes()));
    stand_feed(stand, FROM(PROPOSER, 1, PROMISE, .promise = {.last = true}));
    stand_feed(stand, FROM(LEARNER, 1, ACCEPTED, .accepted = {.slot = 1}));
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->senseless_messages, 8);
    assert_ballot(smr_acceptor_promised(stand->role), 0, 0);
}
END_TEST

START_TEST(test_acceptor_drops_strangers_older_disks_and_earlier_lives)
{
    struct wire_message m = FROM(PROPOSER, 1, PREPARE,
                                 .prepare = {.ballot = BALLOT(3, 1), .from = 1});
    struct wire_message stranger = m;
    stranger.sender.cluster = 8;
    struct wire_message early = m;
    m.sender.start = 2;
    struct wire_message old = m;
    m.sender.birth.generation = 2;
    stand_feed(stand, stranger);
    stand_nothing(stand);
    stand_feed(stand, old);
    stand_forget(stand);
    stand_feed(stand, early);
    stand_nothing(stand);
    stand_feed(stand, m);
    stand_forget(stand);
    stand_feed(stand, old);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->foreign_messages, 1);
    ck_assert_uint_eq(counters()->old_starts, 1);
    ck_assert_uint_eq(counters()->old_births, 1);
}
END_TEST

Suite *acceptor_suite(void)
{
    Suite *suite = suite_create("acceptor");
    TCase *tests = tcase_create("acceptor");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_acceptor_promise_waits_for_commit);
    tcase_add_test(tests, test_acceptor_rejects_lower_ballot);
    tcase_add_test(tests, test_acceptor_promises_the_same_ballot_again_without_another_put);
    tcase_add_test(tests, test_acceptor_remembers_its_promise_over_a_restart);
    tcase_add_test(tests, test_acceptor_was_not_heard_if_it_forgets_a_promise_in_a_crash);
    tcase_add_test(tests, test_acceptor_promise_tells_what_it_accepted);
    tcase_add_test(tests, test_acceptor_promise_marks_what_is_known_chosen);
    tcase_add_test(tests, test_acceptor_tells_a_long_promise_in_chunks);
    tcase_add_test(tests, test_acceptor_accepted_waits_for_commit);
    tcase_add_test(tests, test_acceptor_stores_what_is_chosen_already_without_an_answer);
    tcase_add_test(tests, test_acceptor_promises_the_ballot_it_accepts);
    tcase_add_test(tests, test_acceptor_accepts_again_without_another_put);
    tcase_add_test(tests, test_acceptor_never_accepts_two_values_of_one_ballot);
    tcase_add_test(tests, test_acceptor_overwrites_a_value_of_a_lower_ballot);
    tcase_add_test(tests, test_acceptor_acknowledges_a_chosen_slot_without_storing_it);
    tcase_add_test(tests, test_acceptor_takes_no_slot_too_far_ahead_and_says_how_far_it_is);
    tcase_add_test(tests, test_acceptor_stores_its_chosen_bar_only_with_something_else);
    tcase_add_test(tests, test_acceptor_acknowledges_a_heartbeat_at_once);
    tcase_add_test(tests, test_acceptor_tells_its_proposer_how_things_stand);
    tcase_add_test(tests, test_acceptor_helps_nobody_but_its_leader_during_a_lease);
    tcase_add_test(tests, test_acceptor_helps_the_holder_of_the_lease_to_a_new_ballot);
    tcase_add_test(tests, test_acceptor_helps_nobody_after_a_restart_until_every_lease_is_over);
    tcase_add_test(tests, test_acceptor_asked_says_yes_and_promises_nothing);
    tcase_add_test(tests, test_acceptor_asked_says_no_to_a_ballot_it_could_not_promise);
    tcase_add_test(tests, test_acceptor_asked_says_no_while_a_leader_is_heard);
    tcase_add_test(tests, test_acceptor_asked_sends_a_candidate_that_is_far_behind_to_catch_up);
    tcase_add_test(tests, test_acceptor_drops_ballots_that_are_not_their_senders);
    tcase_add_test(tests, test_acceptor_drops_what_makes_no_sense);
    tcase_add_test(tests, test_acceptor_drops_strangers_older_disks_and_earlier_lives);
    suite_add_tcase(suite, tests);
    return suite;
}
