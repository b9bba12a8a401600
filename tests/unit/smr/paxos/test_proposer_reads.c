/* Reads by the leader's index. */
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

static void read_and_settle(uint64_t tag)
{
    campaign_read(stand, tag);
    stand_settle(stand);
}

/* The next effects are a round of heartbeats to all acceptors; returns its number. */
static uint64_t round_begun(void)
{
    uint64_t round = 0;
    for (wire_replica i = 0; i < 5; i++)
        round = stand_sent(stand, WIRE_MESSAGE_HEARTBEAT, WIRE_ROLE_ACCEPTOR, i)->heartbeat.round;
    return round;
}

static void assert_read_at(uint64_t tag, wire_slot index)
{
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_READ_AT, WIRE_ROLE_APPLIER, 0);
    ck_assert_uint_eq(m->read_at.tag, tag);
    ck_assert_uint_eq(m->read_at.index, index);
    ck_assert(span_equal(buf_span(m->payload), span_text("q")));
}

START_TEST(test_reads_wait_for_the_opening_batch)
{
    struct wire_ballot ballot = campaign_win(stand, 0, 7);
    read_and_settle(1);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->reads_held, 1);
    for (wire_replica i = 0; i < 3; i++)
        campaign_accepted(stand, i, ballot, 8);
    stand_settle(stand);
    stand_sent(stand, WIRE_MESSAGE_CHOOSE, WIRE_ROLE_ACCEPTOR, 0);
    uint64_t round = round_begun();
    for (wire_replica i = 1; i < 4; i++)
        campaign_ack(stand, i, ballot, round);
    assert_read_at(1, 8);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_reads_wait_for_a_majority)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 7);
    read_and_settle(1);
    uint64_t round = round_begun();
    for (int i = 0; i < 3; i++)
        campaign_ack(stand, 1, ballot, round);
    campaign_ack(stand, 0, ballot, round); /* its own vote counts, as one */
    stand_nothing(stand);
    campaign_ack(stand, 2, ballot, round);
    assert_read_at(1, 8);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_reads_are_not_confirmed_by_an_older_round_or_another_ballot)
{
    struct wire_ballot ballot = campaign_open(stand, 3, 7);
    stand_pass(stand, stand->config.timing.heartbeat);
    uint64_t older = stand_find(stand, WIRE_MESSAGE_HEARTBEAT)->heartbeat.round;
    stand_forget(stand);
    read_and_settle(1);
    uint64_t round = round_begun();
    ck_assert_uint_gt(round, older);
    for (wire_replica i = 0; i < 5; i++) {
        campaign_ack(stand, i, ballot, older);
        campaign_ack(stand, i, BALLOT(ballot.round - 1, 0), round);
        campaign_ack(stand, i, ballot, round + 1);
    }
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->stale_votes, 10);
}
END_TEST

START_TEST(test_reads_are_confirmed_by_a_later_round_too)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 7);
    read_and_settle(1);
    uint64_t round = round_begun();
    stand_pass(stand, stand->config.timing.heartbeat);
    stand_forget(stand);
    for (wire_replica i = 1; i < 4; i++)
        campaign_ack(stand, i, ballot, round + 1);
    assert_read_at(1, 8);
}
END_TEST

START_TEST(test_reads_that_wait_share_a_round_and_later_ones_take_the_next)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 7);
    campaign_read(stand, 1);
    campaign_read(stand, 2);
    stand_settle(stand);
    uint64_t first = round_begun();
    read_and_settle(3); /* came in after the round began */
    stand_nothing(stand);
    for (wire_replica i = 1; i < 4; i++)
        campaign_ack(stand, i, ballot, first);
    assert_read_at(1, 8);
    assert_read_at(2, 8);
    stand_nothing(stand);
    stand_settle(stand);
    uint64_t second = round_begun();
    campaign_ack(stand, 4, ballot, first); /* late */
    for (wire_replica i = 1; i < 4; i++)
        campaign_ack(stand, i, ballot, second);
    assert_read_at(3, 8);
    ck_assert_uint_eq(counters()->read_rounds, 2);
    ck_assert_uint_eq(counters()->reads, 3);
}
END_TEST

START_TEST(test_reads_get_the_bar_of_when_their_round_began)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 7);
    campaign_submit(stand, 9, "a");
    stand_settle(stand);
    stand_forget(stand);
    read_and_settle(1);
    uint64_t round = round_begun();
    for (wire_replica i = 0; i < 3; i++)
        campaign_accepted(stand, i, ballot, 9);
    read_and_settle(2);
    stand_forget(stand);
    for (wire_replica i = 1; i < 4; i++)
        campaign_ack(stand, i, ballot, round);
    assert_read_at(1, 8);
    stand_settle(stand);
    round = round_begun();
    for (wire_replica i = 1; i < 4; i++)
        campaign_ack(stand, i, ballot, round);
    assert_read_at(2, 9);
}
END_TEST

START_TEST(test_reads_are_refused_when_leadership_ends)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 7);
    read_and_settle(1);
    uint64_t round = round_begun();
    read_and_settle(2);
    campaign_nack(stand, 4, ballot, BALLOT(ballot.round, 4));
    stand_sent(stand, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API, 0);
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API, 0)->refused.tag, 1);
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API, 0)->refused.tag, 2);
    stand_sent(stand, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API, 0);
    for (wire_replica i = 1; i < 4; i++)
        campaign_ack(stand, i, ballot, round);
    stand_nothing(stand);
}
END_TEST

/* --- leases ------------------------------------------------------------------------------------- */

/* The proposer relies on leases; it leads, and its opening batch, in slot 8, is chosen. */
static struct wire_ballot open_with_leases(void)
{
    struct smr_config config = stand_config(5);
    config.reads = SMR_READS_LEASE;
    stand_free(stand);
    stand = stand_new(&config, smr_proposer_new(&config), (struct smr_log){0});
    stand_forget(stand);
    return campaign_open(stand, 0, 7);
}

START_TEST(test_reads_under_a_lease_ask_nobody)
{
    struct wire_ballot ballot = open_with_leases();
    ck_assert(!smr_proposer_holds_lease(stand->role, stand->now));
    campaign_ack(stand, 0, ballot, 1);
    campaign_ack(stand, 1, ballot, 1);
    campaign_ack(stand, 1, ballot, 1);
    ck_assert(!smr_proposer_holds_lease(stand->role, stand->now));
    campaign_ack(stand, 2, ballot, 1);
    read_and_settle(1);
    read_and_settle(2);
    assert_read_at(1, 8);
    assert_read_at(2, 8);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->lease_reads, 2);
}
END_TEST

START_TEST(test_reads_ask_a_majority_when_the_lease_is_over)
{
    struct wire_ballot ballot = open_with_leases();
    for (wire_replica i = 0; i < 3; i++)
        campaign_ack(stand, i, ballot, 1); /* sent when it began to lead: counted from then */
    wire_time held = smr_lease_held(stand->config.timing.lease);
    ck_assert_int_lt(held, stand->config.timing.lease);
    stand->now += held - 1;
    read_and_settle(1);
    assert_read_at(1, 8);
    stand->now += 1;
    read_and_settle(2);
    uint64_t round = round_begun();
    stand_nothing(stand);
    for (wire_replica i = 0; i < 3; i++)
        campaign_ack(stand, i, ballot, round);
    assert_read_at(2, 8);
    read_and_settle(3); /* and that round was a lease, too */
    assert_read_at(3, 8);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_reads_under_a_lease_wait_for_the_opening_batch)
{
    struct wire_ballot first = open_with_leases();
    campaign_nack(stand, 4, first, BALLOT(first.round, 4));
    stand_forget(stand);
    struct wire_ballot ballot = campaign_win(stand, first.round, 8);
    for (wire_replica i = 0; i < 3; i++)
        campaign_ack(stand, i, ballot, 2); /* the round it began to lead with */
    ck_assert(smr_proposer_holds_lease(stand->role, stand->now));
    read_and_settle(1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_READ_AT), 0);
    for (wire_replica i = 0; i < 3; i++)
        campaign_accepted(stand, i, ballot, 9);
    stand_settle(stand);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_READ_AT)->read_at.index, 9);
}
END_TEST

START_TEST(test_reads_under_a_lease_end_with_the_leadership_that_held_it)
{
    struct wire_ballot ballot = open_with_leases();
    for (wire_replica i = 0; i < 3; i++)
        campaign_ack(stand, i, ballot, 1);
    ck_assert(smr_proposer_holds_lease(stand->role, stand->now));
    campaign_nack(stand, 4, ballot, BALLOT(ballot.round, 4));
    ck_assert(!smr_proposer_holds_lease(stand->role, stand->now));
    campaign_win(stand, ballot.round, 8);
    ck_assert(!smr_proposer_holds_lease(stand->role, stand->now));
}
END_TEST

Suite *proposer_reads_suite(void)
{
    Suite *suite = suite_create("proposer_reads");
    TCase *tests = tcase_create("proposer_reads");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_reads_wait_for_the_opening_batch);
    tcase_add_test(tests, test_reads_wait_for_a_majority);
    tcase_add_test(tests, test_reads_are_not_confirmed_by_an_older_round_or_another_ballot);
    tcase_add_test(tests, test_reads_are_confirmed_by_a_later_round_too);
    tcase_add_test(tests, test_reads_that_wait_share_a_round_and_later_ones_take_the_next);
    tcase_add_test(tests, test_reads_get_the_bar_of_when_their_round_began);
    tcase_add_test(tests, test_reads_are_refused_when_leadership_ends);
    tcase_add_test(tests, test_reads_under_a_lease_ask_nobody);
    tcase_add_test(tests, test_reads_ask_a_majority_when_the_lease_is_over);
    tcase_add_test(tests, test_reads_under_a_lease_wait_for_the_opening_batch);
    tcase_add_test(tests, test_reads_under_a_lease_end_with_the_leadership_that_held_it);
    suite_add_tcase(suite, tests);
    return suite;
}
