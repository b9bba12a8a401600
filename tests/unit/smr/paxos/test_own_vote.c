/* The leader's own vote: held back while the others may be a majority without it. */
#include "smr/paxos/proposer.h"
#include "tests/unit/smr/paxos/campaign.h"
#include "tests/unit/smr/suites.h"

#define OWN_VOTE (5 * WIRE_MS)

static struct stand *stand;
static struct wire_ballot ballot; /* of its leadership */

static struct stand *patient_proposer(uint8_t replica_count)
{
    struct smr_config config = stand_config(replica_count);
    config.timing.own_vote = OWN_VOTE;
    struct stand *made = stand_new(&config, smr_proposer_new(&config), (struct smr_log){0});
    stand_forget(made);
    return made;
}

/* Leads, and its opening batch in slot 1 is chosen by the others. */
static void setup(void)
{
    stand = patient_proposer(3);
    ballot = campaign_win(stand, 0, 0);
    campaign_accepted(stand, 1, ballot, 1);
    campaign_accepted(stand, 2, ballot, 1);
    stand_settle(stand);
    stand_forget(stand);
}

static void teardown(void)
{
    stand_free(stand);
}

static const struct smr_counters *counters(void)
{
    return smr_proposer_counters(stand->role);
}

static void submit(const char *text)
{
    campaign_submit(stand, 1, text);
    stand_settle(stand);
}

static void assert_asked(wire_replica acceptor, wire_slot slot, wire_slot chosen)
{
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_ACCEPT, WIRE_ROLE_ACCEPTOR, acceptor);
    ck_assert_uint_eq(m->accept.slot, slot);
    ck_assert_uint_eq(m->accept.chosen, chosen);
}

START_TEST(test_own_vote_is_held_back)
{
    submit("a");
    assert_asked(1, 2, 1);
    assert_asked(2, 2, 1);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_own_acceptor_is_handed_what_the_others_chose)
{
    submit("a");
    stand_forget(stand);
    campaign_accepted(stand, 1, ballot, 2);
    stand_nothing(stand); /* one of three is no majority */
    campaign_accepted(stand, 2, ballot, 2);
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_ACCEPT, WIRE_ROLE_ACCEPTOR, 0);
    ck_assert(ballot_equal(m->accept.ballot, ballot));
    ck_assert_uint_eq(m->accept.slot, 2);
    ck_assert_uint_eq(m->accept.chosen, 2);
    assert_batch(m->payload, "a");
    stand_settle(stand);
    stand_sent(stand, WIRE_MESSAGE_CHOOSE, WIRE_ROLE_ACCEPTOR, 0);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->handed_slots, 2);
    ck_assert_uint_eq(counters()->own_votes_late, 0);
}
END_TEST

START_TEST(test_own_vote_is_asked_for_when_the_others_are_late)
{
    submit("a");
    stand_forget(stand);
    stand_pass(stand, OWN_VOTE - 1);
    stand_nothing(stand);
    stand_pass(stand, 1);
    assert_asked(0, 2, 1); /* an Accept like any other: it wants a vote */
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->own_votes_late, 1);
    campaign_accepted(stand, 0, ballot, 2);
    campaign_accepted(stand, 1, ballot, 2);
    stand_settle(stand);
    stand_sent(stand, WIRE_MESSAGE_CHOOSE, WIRE_ROLE_ACCEPTOR, 0);
    ck_assert_uint_eq(stand_figure(stand, "proposer.chosen_slot"), 2);
}
END_TEST

static void choose(wire_slot slot)
{
    campaign_accepted(stand, 1, ballot, slot);
    campaign_accepted(stand, 2, ballot, slot);
    stand_settle(stand);
}

/* One slot after another is in flight, and never none. */
START_TEST(test_own_vote_is_not_asked_for_while_the_others_are_in_time)
{
    submit("a");
    for (wire_slot slot = 2; slot < 20; slot++) {
        submit("b");
        stand_pass(stand, OWN_VOTE / 3);
        choose(slot);
    }
    ck_assert_uint_eq(counters()->own_votes_late, 0);
    stand_forget(stand);
    stand_pass(stand, OWN_VOTE - OWN_VOTE / 3); /* since the last one was proposed */
    assert_asked(0, 20, 19);
    ck_assert_uint_eq(counters()->own_votes_late, 1);
}
END_TEST

/* Proposes a slot and says whether all three acceptors are asked for it at once. */
static bool asks_at_once(void)
{
    stand_forget(stand);
    submit("b");
    size_t asked = stand_count(stand, WIRE_MESSAGE_ACCEPT);
    ck_assert(asked == 2 || asked == 3);
    return asked == 3;
}

/* Longer each time that the others are late again, and never for good: they may be well again. */
START_TEST(test_own_vote_is_asked_for_at_once_after_the_others_were_late)
{
    wire_time eager = OWN_VOTE;
    wire_slot slot = 2;
    ck_assert(!asks_at_once());
    for (uint64_t i = 1; i <= 4; i++, eager *= 2) {
        stand_pass(stand, OWN_VOTE);
        ck_assert_uint_eq(counters()->own_votes_late, i);
        choose(slot++);
        ck_assert(asks_at_once());
        choose(slot++);
        stand_pass(stand, eager - 1);
        ck_assert(asks_at_once());
        choose(slot++);
        stand_pass(stand, 1);
        ck_assert(!asks_at_once());
    }
    choose(slot++);
    stand_pass(stand, 3 * eager);
    ck_assert(!asks_at_once());
    stand_pass(stand, OWN_VOTE); /* late after a long time in which they were not: from the beginning */
    choose(slot++);
    stand_pass(stand, OWN_VOTE);
    ck_assert(!asks_at_once());
}
END_TEST

START_TEST(test_own_vote_is_nobody_elses_business_when_alone)
{
    stand_free(stand);
    stand = patient_proposer(1);
    struct wire_ballot alone = campaign_claim(stand, 0, 0);
    campaign_promise(stand, 0, alone, 1, 0, true, NULL);
    assert_asked(0, 1, 0);
}
END_TEST

Suite *own_vote_suite(void)
{
    Suite *suite = suite_create("own_vote");
    TCase *tests = tcase_create("own_vote");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_own_vote_is_held_back);
    tcase_add_test(tests, test_own_acceptor_is_handed_what_the_others_chose);
    tcase_add_test(tests, test_own_vote_is_asked_for_when_the_others_are_late);
    tcase_add_test(tests, test_own_vote_is_not_asked_for_while_the_others_are_in_time);
    tcase_add_test(tests, test_own_vote_is_asked_for_at_once_after_the_others_were_late);
    tcase_add_test(tests, test_own_vote_is_nobody_elses_business_when_alone);
    suite_add_tcase(suite, tests);
    return suite;
}
