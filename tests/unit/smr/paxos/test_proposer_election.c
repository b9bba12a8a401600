/* Standing for election: ask, claim, prepare. */
#include "smr/paxos/proposer.h"
#include "tests/unit/smr/paxos/campaign.h"
#include "tests/unit/smr/suites.h"

static struct stand *stand;

static void setup(void)
{
    stand = stand_proposer(5);
}

static void teardown(void)
{
    stand_free(stand);
}

static const struct smr_counters *counters(void)
{
    return smr_proposer_counters(stand->role);
}

static bool leads(void)
{
    return smr_proposer_leads(stand->role);
}

/* --- before ------------------------------------------------------------------------------------- */

START_TEST(test_proposer_asks_its_acceptor_until_it_speaks)
{
    stand_pass(stand, 3 * stand->config.timing.resend);
    for (int i = 0; i < 3; i++)
        stand_sent(stand, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, 0);
    stand_nothing(stand);
    stand_feed(stand, FROM(ACCEPTOR, 1, HEARD, .heard = {.fit = true})); /* of another replica */
    stand_pass(stand, 10 * WIRE_SECOND);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ASK), 0);
    campaign_attach(stand, 0, 0);
    stand_until(stand, WIRE_MESSAGE_ASK);
}
END_TEST

START_TEST(test_proposer_asks_its_acceptor_whom_it_heard_before_it_asks_others)
{
    campaign_attach(stand, 0, 0);
    stand_until(stand, WIRE_MESSAGE_ATTACH);
    stand_sent(stand, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, 0);
    stand_nothing(stand);
    campaign_heard(stand, BALLOT(3, 2), 3);
    stand_forget(stand);
    stand_pass(stand, stand->config.timing.silence_min - 1); /* a leader lives */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ASK), 0);
}
END_TEST

START_TEST(test_proposer_does_not_stand_while_its_acceptor_cannot_read_what_is_chosen)
{
    stand_feed(stand, FROM(ACCEPTOR, 0, HEARD, .heard = {.heard_ago = 1u << 30, .fit = false}));
    stand_pass(stand, 20 * WIRE_SECOND);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ASK), 0);
    stand_forget(stand);
    campaign_attach(stand, 0, 0);
    stand_until(stand, WIRE_MESSAGE_ASK);
}
END_TEST

START_TEST(test_proposer_tells_the_api_who_leads)
{
    campaign_attach(stand, 0, 0);
    campaign_heard(stand, BALLOT(3, 2), 3);
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API, 0);
    ck_assert(!m->leadership.leading);
    assert_ballot(m->leadership.ballot, 3, 2);
    campaign_heard(stand, BALLOT(3, 2), 3);
    stand_nothing(stand);
    campaign_heard(stand, BALLOT(2, 4), 3); /* an older one */
    stand_nothing(stand);
    stand->now += WIRE_SECOND;
    campaign_heard(stand, BALLOT(3, 2), 3); /* again now and then: the edge may refuse it */
    assert_ballot(stand_sent(stand, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API, 0)->leadership.ballot,
                  3, 2);
    ck_assert_uint_eq(stand_figure(stand, "proposer.leader_round"), 3);
    ck_assert_uint_eq(stand_figure(stand, "proposer.leader_replica"), 2);
}
END_TEST

/* --- asking ------------------------------------------------------------------------------------- */

START_TEST(test_proposer_asks_all_and_claims_nothing_yet)
{
    campaign_attach(stand, 7, 4);
    stand_until(stand, WIRE_MESSAGE_ASK);
    stand_sent(stand, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, 0);
    for (wire_replica i = 0; i < 5; i++) {
        const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_ASK, WIRE_ROLE_ACCEPTOR, i);
        assert_ballot(m->ask.ballot, 8, 0);
        ck_assert_uint_eq(m->ask.chosen, 4);
    }
    stand_nothing(stand);
}
END_TEST

START_TEST(test_proposer_claims_only_if_a_majority_and_its_own_acceptor_would_promise)
{
    struct wire_ballot ballot = campaign_ask(stand, 0, 0);
    campaign_asked(stand, 1, ballot, WIRE_VERDICT_YES);
    campaign_asked(stand, 1, ballot, WIRE_VERDICT_YES);
    campaign_asked(stand, 2, BALLOT(9, 0), WIRE_VERDICT_YES); /* to another question */
    campaign_asked(stand, 2, ballot, WIRE_VERDICT_YES);
    campaign_asked(stand, 3, ballot, WIRE_VERDICT_YES);
    stand_nothing(stand);
    campaign_asked(stand, 0, ballot, WIRE_VERDICT_YES);
    stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, 0);
    stand_nothing(stand);
    campaign_asked(stand, 4, ballot, WIRE_VERDICT_YES); /* too late */
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->stale_votes, 2);
}
END_TEST

START_TEST(test_proposer_asks_again_soon_after_a_denial)
{
    struct wire_ballot ballot = campaign_ask(stand, 0, 0);
    for (wire_replica i = 0; i < 5; i++)
        campaign_asked(stand, i, ballot, WIRE_VERDICT_LEADER_LIVES);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->asks_denied, 5);
    wire_time before = stand->now;
    stand_until(stand, WIRE_MESSAGE_ASK);
    ck_assert_int_lt(stand->now - before, stand->config.timing.silence_min);
    ck_assert(ballot_equal(stand_find(stand, WIRE_MESSAGE_ASK)->ask.ballot, ballot));
}
END_TEST

START_TEST(test_proposer_asks_with_a_higher_round_than_any_it_was_told)
{
    struct wire_ballot ballot = campaign_ask(stand, 0, 0);
    stand_feed(stand, FROM(ACCEPTOR, 3, ASKED,
                           .asked = {.ballot = ballot,
                                     .verdict = WIRE_VERDICT_PROMISED,
                                     .promised = BALLOT(41, 2)}));
    stand_until(stand, WIRE_MESSAGE_ASK);
    assert_ballot(stand_find(stand, WIRE_MESSAGE_ASK)->ask.ballot, 42, 0);
}
END_TEST

START_TEST(test_proposer_catches_up_first_when_told_that_it_is_behind)
{
    struct wire_ballot ballot = campaign_ask(stand, 0, 2);
    stand_feed(stand, FROM(ACCEPTOR, 3, ASKED,
                           .asked = {.ballot = ballot,
                                     .verdict = WIRE_VERDICT_BEHIND,
                                     .chosen = 500}));
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_CATCH_UP, WIRE_ROLE_ACCEPTOR, 0);
    ck_assert_uint_eq(m->catch_up.upto, 500);
    ck_assert_uint_eq(m->catch_up.peer, 3);
    stand_nothing(stand);
    campaign_asked(stand, 0, ballot, WIRE_VERDICT_YES); /* it no longer stands */
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->behind_campaigns, 1);
}
END_TEST

START_TEST(test_proposer_stops_asking_when_a_leader_is_heard)
{
    struct wire_ballot ballot = campaign_ask(stand, 0, 0);
    campaign_heard(stand, BALLOT(1, 3), 1);
    stand_forget(stand);
    for (wire_replica i = 0; i < 5; i++)
        campaign_asked(stand, i, ballot, WIRE_VERDICT_YES);
    stand_nothing(stand);
}
END_TEST

/* --- claiming and preparing ------------------------------------------------------------------------- */

START_TEST(test_proposer_tells_nobody_its_ballot_before_it_is_durable)
{
    struct wire_ballot ballot = campaign_claim(stand, 0, 4);
    stand_pass(stand, stand->config.timing.resend);
    stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, 0); /* again, and to no other */
    stand_nothing(stand);
    campaign_promise(stand, 0, ballot, 5, 4, true, NULL);
    for (wire_replica i = 1; i < 5; i++) {
        const struct wire_message *m =
            stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, i);
        ck_assert(ballot_equal(m->prepare.ballot, ballot));
        ck_assert_uint_eq(m->prepare.from, 5);
    }
    stand_nothing(stand);
}
END_TEST

START_TEST(test_proposer_sends_prepare_again_to_those_that_did_not_promise)
{
    struct wire_ballot ballot = campaign_prepare(stand, 0, 0);
    campaign_promise(stand, 3, ballot, 1, 0, true, NULL);
    stand_pass(stand, stand->config.timing.resend);
    stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, 1);
    stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, 2);
    stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, 4);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_proposer_leads_once_a_majority_promised)
{
    struct wire_ballot ballot = campaign_prepare(stand, 0, 0);
    campaign_promise(stand, 1, ballot, 1, 0, true, NULL);
    ck_assert(!leads());
    stand_nothing(stand);
    campaign_promise(stand, 2, ballot, 1, 0, true, NULL);
    ck_assert(leads());
    assert_accepts(stand, 1, NULL); /* the opening batch */
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API, 0);
    ck_assert(m->leadership.leading && ballot_equal(m->leadership.ballot, ballot));
    for (wire_replica i = 0; i < 5; i++)
        stand_sent(stand, WIRE_MESSAGE_HEARTBEAT, WIRE_ROLE_ACCEPTOR, i);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_proposer_counts_a_promise_once)
{
    struct wire_ballot ballot = campaign_prepare(stand, 0, 0);
    for (int i = 0; i < 3; i++)
        campaign_promise(stand, 1, ballot, 1, 0, true, NULL);
    campaign_promise(stand, 0, ballot, 1, 0, true, NULL);
    ck_assert(!leads());
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->doubled_votes, 3);
}
END_TEST

START_TEST(test_proposer_drops_promises_of_another_ballot)
{
    struct wire_ballot ballot = campaign_prepare(stand, 4, 0);
    struct wire_ballot earlier = BALLOT(ballot.round - 1, 0);
    for (wire_replica i = 1; i < 5; i++)
        campaign_promise(stand, i, earlier, 1, 0, true, NULL);
    ck_assert(!leads());
    ck_assert_uint_eq(counters()->stale_votes, 4);
}
END_TEST

START_TEST(test_proposer_adopts_value_of_highest_ballot)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 0);
    campaign_promise(stand, 1, ballot, 1, 2, true,
                     ENTRIES({1, BALLOT(5, 1), false, "high"}, {2, BALLOT(3, 1), false, "low"}));
    campaign_promise(stand, 2, ballot, 1, 2, true,
                     ENTRIES({1, BALLOT(4, 2), false, "low"}, {2, BALLOT(3, 4), false, "high"}));
    ck_assert(leads());
    assert_accepts(stand, 1, "high");
    assert_accepts(stand, 2, "high");
    assert_accepts(stand, 3, NULL);
    ck_assert_uint_eq(counters()->recovered_slots, 2);
    ck_assert_uint_eq(counters()->noop_fills, 0);
}
END_TEST

START_TEST(test_proposer_adopts_a_value_known_chosen_whatever_its_ballot)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 0);
    campaign_promise(stand, 1, ballot, 1, 2, true,
                     ENTRIES({1, BALLOT(5, 1), false, "high"}, {2, BALLOT(2, 1), true, "chosen"}));
    campaign_promise(stand, 2, ballot, 1, 2, true,
                     ENTRIES({1, BALLOT(2, 2), true, "chosen"}, {2, BALLOT(6, 1), false, "high"}));
    assert_accepts(stand, 1, "chosen");
    assert_accepts(stand, 2, "chosen");
}
END_TEST

START_TEST(test_proposer_fills_gaps_with_noops)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 4);
    campaign_promise(stand, 1, ballot, 5, 7, true, ENTRIES({7, BALLOT(5, 1), false, "x"}));
    campaign_promise(stand, 2, ballot, 5, 4, true, NULL);
    assert_accepts(stand, 5, NULL);
    assert_accepts(stand, 6, NULL);
    assert_accepts(stand, 7, "x");
    assert_accepts(stand, 8, NULL);
    ck_assert_uint_eq(counters()->noop_fills, 2);
}
END_TEST

START_TEST(test_proposer_takes_an_unfinished_promise_for_none_and_asks_on)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 0);
    campaign_promise(stand, 1, ballot, 1, 1, false, ENTRIES({1, BALLOT(3, 1), false, "a"}));
    ck_assert_uint_eq(
        stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, 1)->prepare.from, 2);
    campaign_promise(stand, 2, ballot, 1, 0, true, NULL);
    ck_assert(!leads());
    campaign_promise(stand, 1, ballot, 1, 1, false, ENTRIES({1, BALLOT(3, 1), false, "a"}));
    campaign_promise(stand, 1, ballot, 3, 3, true, ENTRIES({3, BALLOT(3, 1), false, "c"}));
    ck_assert(!leads()); /* one a second time, one out of turn */
    campaign_promise(stand, 1, ballot, 2, 2, true, ENTRIES({2, BALLOT(3, 1), false, "b"}));
    ck_assert(leads());
    assert_accepts(stand, 1, "a");
    assert_accepts(stand, 2, "b");
    ck_assert_uint_eq(counters()->promise_chunks, 1);
    ck_assert_uint_eq(counters()->doubled_votes, 2);
}
END_TEST

START_TEST(test_proposer_drops_promises_that_make_no_sense)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 4);
    campaign_promise(stand, 1, ballot, 5, 9, true, text_buf("no list"));
    campaign_promise(stand, 2, ballot, 5, 9, true, ENTRIES({4, BALLOT(3, 1), false, "low"}));
    campaign_promise(stand, 3, ballot, 5, 3, true, NULL);
    ck_assert(!leads());
    ck_assert_uint_eq(counters()->senseless_messages, 3);
}
END_TEST

START_TEST(test_proposer_catches_up_first_when_a_log_is_cut_above_it)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 4);
    stand_feed(stand, FROM(ACCEPTOR, 2, PROMISE,
                           .promise = {.ballot = ballot,
                                       .from = 5,
                                       .through = 4,
                                       .last = true,
                                       .chosen = 90,
                                       .cut = 5},
                           .payload = no_bytes()));
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_CATCH_UP, WIRE_ROLE_ACCEPTOR, 0);
    ck_assert_uint_eq(m->catch_up.upto, 90);
    ck_assert_uint_eq(m->catch_up.peer, 2);
    stand_nothing(stand);
    for (wire_replica i = 1; i < 5; i++)
        campaign_promise(stand, i, ballot, 5, 4, true, NULL);
    ck_assert(!leads());
}
END_TEST

START_TEST(test_proposer_catches_up_first_when_there_is_more_to_recover_than_it_can_hold)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 4);
    wire_slot bound = 5 + WIRE_RING_SLOTS - WIRE_WINDOW_SLOTS;
    campaign_promise(stand, 1, ballot, 5, bound - 1, true,
                     ENTRIES({bound - 1, BALLOT(3, 1), false, "x"}));
    stand_nothing(stand);
    campaign_promise(stand, 2, ballot, 5, bound, true,
                     ENTRIES({bound, BALLOT(3, 1), false, "x"}));
    stand_sent(stand, WIRE_MESSAGE_CATCH_UP, WIRE_ROLE_ACCEPTOR, 0);
    stand_nothing(stand);
}
END_TEST

/* --- giving up ------------------------------------------------------------------------------------- */

START_TEST(test_proposer_gives_a_campaign_up_that_comes_to_nothing)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 0);
    stand_pass(stand, 2 * stand->config.timing.ask);
    stand_forget(stand);
    for (wire_replica i = 1; i < 5; i++)
        campaign_promise(stand, i, ballot, 1, 0, true, NULL);
    ck_assert(!leads());
    stand_until(stand, WIRE_MESSAGE_ASK);
    ck_assert(ballot_less(ballot, stand_find(stand, WIRE_MESSAGE_ASK)->ask.ballot));
}
END_TEST

START_TEST(test_proposer_yields_to_a_higher_promise_of_its_own_acceptor)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 0);
    stand_feed(stand, FROM(ACCEPTOR, 0, HEARD,
                           .heard = {.promised = BALLOT(12, 3), .heard_ago = 1u << 30,
                                     .fit = true}));
    stand_forget(stand);
    for (wire_replica i = 1; i < 5; i++)
        campaign_promise(stand, i, ballot, 1, 0, true, NULL);
    ck_assert(!leads());
    stand_until(stand, WIRE_MESSAGE_ASK);
    assert_ballot(stand_find(stand, WIRE_MESSAGE_ASK)->ask.ballot, 13, 0);
}
END_TEST

START_TEST(test_proposer_yields_to_a_newer_leader)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 0);
    campaign_heard(stand, BALLOT(8, 3), 8); /* an older one does not disturb */
    stand_forget(stand);
    campaign_promise(stand, 1, ballot, 1, 0, true, NULL);
    campaign_heard(stand, BALLOT(ballot.round, 3), ballot.round);
    campaign_promise(stand, 2, ballot, 1, 0, true, NULL);
    ck_assert(!leads());
}
END_TEST

START_TEST(test_proposer_gives_up_when_refused_for_a_higher_ballot)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 0);
    campaign_nack(stand, 1, BALLOT(1, 0), BALLOT(99, 3)); /* of an earlier ballot of its own */
    campaign_nack(stand, 1, ballot, ballot);
    campaign_promise(stand, 1, ballot, 1, 0, true, NULL);
    ck_assert_uint_eq(counters()->stale_votes, 1);
    campaign_nack(stand, 2, ballot, BALLOT(20, 3));
    campaign_promise(stand, 3, ballot, 1, 0, true, NULL);
    ck_assert(!leads());
    stand_until(stand, WIRE_MESSAGE_ASK);
    assert_ballot(stand_find(stand, WIRE_MESSAGE_ASK)->ask.ballot, 100, 0);
}
END_TEST

START_TEST(test_proposer_alone_leads_without_waiting)
{
    stand_free(stand);
    stand = stand_proposer(1);
    wire_time before = stand->now;
    struct wire_ballot ballot = campaign_claim(stand, 6, 0);
    ck_assert_int_eq(stand->now, before);
    campaign_promise(stand, 0, ballot, 1, 0, true, NULL);
    ck_assert(leads());
    assert_accepts(stand, 1, NULL);
    campaign_accepted(stand, 0, ballot, 1);
    ck_assert_uint_eq(stand_figure(stand, "proposer.chosen_slot"), 1);
}
END_TEST

/* --- the door ---------------------------------------------------------------------------------------- */

START_TEST(test_proposer_drops_strangers_and_what_no_acceptor_says)
{
    struct wire_ballot ballot = campaign_prepare(stand, 9, 0);
    struct wire_message m = FROM(ACCEPTOR, 1, PROMISE,
                                 .promise = {.ballot = ballot, .from = 1, .last = true});
    m.sender.cluster = 8;
    stand_feed(stand, m);
    stand_feed(stand, FROM(LEARNER, 1, PROMISE,
                           .promise = {.ballot = ballot, .from = 1, .last = true}));
    stand_feed(stand, FROM(ACCEPTOR, 1, PREPARE, .prepare = {.ballot = ballot, .from = 1}));
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->foreign_messages, 1);
    ck_assert_uint_eq(counters()->senseless_messages, 2);
}
END_TEST

Suite *proposer_election_suite(void)
{
    Suite *suite = suite_create("proposer_election");
    TCase *tests = tcase_create("proposer_election");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_proposer_asks_its_acceptor_until_it_speaks);
    tcase_add_test(tests, test_proposer_asks_its_acceptor_whom_it_heard_before_it_asks_others);
    tcase_add_test(tests, test_proposer_does_not_stand_while_its_acceptor_cannot_read_what_is_chosen);
    tcase_add_test(tests, test_proposer_tells_the_api_who_leads);
    tcase_add_test(tests, test_proposer_asks_all_and_claims_nothing_yet);
    tcase_add_test(tests, test_proposer_claims_only_if_a_majority_and_its_own_acceptor_would_promise);
    tcase_add_test(tests, test_proposer_asks_again_soon_after_a_denial);
    tcase_add_test(tests, test_proposer_asks_with_a_higher_round_than_any_it_was_told);
    tcase_add_test(tests, test_proposer_catches_up_first_when_told_that_it_is_behind);
    tcase_add_test(tests, test_proposer_stops_asking_when_a_leader_is_heard);
    tcase_add_test(tests, test_proposer_tells_nobody_its_ballot_before_it_is_durable);
    tcase_add_test(tests, test_proposer_sends_prepare_again_to_those_that_did_not_promise);
    tcase_add_test(tests, test_proposer_leads_once_a_majority_promised);
    tcase_add_test(tests, test_proposer_counts_a_promise_once);
    tcase_add_test(tests, test_proposer_drops_promises_of_another_ballot);
    tcase_add_test(tests, test_proposer_adopts_value_of_highest_ballot);
    tcase_add_test(tests, test_proposer_adopts_a_value_known_chosen_whatever_its_ballot);
    tcase_add_test(tests, test_proposer_fills_gaps_with_noops);
    tcase_add_test(tests, test_proposer_takes_an_unfinished_promise_for_none_and_asks_on);
    tcase_add_test(tests, test_proposer_drops_promises_that_make_no_sense);
    tcase_add_test(tests, test_proposer_catches_up_first_when_a_log_is_cut_above_it);
    tcase_add_test(tests, test_proposer_catches_up_first_when_there_is_more_to_recover_than_it_can_hold);
    tcase_add_test(tests, test_proposer_gives_a_campaign_up_that_comes_to_nothing);
    tcase_add_test(tests, test_proposer_yields_to_a_higher_promise_of_its_own_acceptor);
    tcase_add_test(tests, test_proposer_yields_to_a_newer_leader);
    tcase_add_test(tests, test_proposer_gives_up_when_refused_for_a_higher_ballot);
    tcase_add_test(tests, test_proposer_alone_leads_without_waiting);
    tcase_add_test(tests, test_proposer_drops_strangers_and_what_no_acceptor_says);
    suite_add_tcase(suite, tests);
    return suite;
}
