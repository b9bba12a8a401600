/* Which votes count at all: none of a disk that is known to be gone. */
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

static uint64_t old_votes(void)
{
    return smr_proposer_counters(stand->role)->old_votes;
}

/* A vote for slot 1 that knows replica 1 to have a disk of that generation. */
static struct wire_message naming(wire_replica from, struct wire_ballot ballot, uint32_t generation)
{
    struct wire_message m =
        FROM(ACCEPTOR, from, ACCEPTED, .accepted = {.ballot = ballot, .slot = 1});
    m.accepted.births.of[1] = generation;
    return m;
}

static bool is_chosen(void)
{
    return stand_figure(stand, "proposer.chosen_slot") == 1;
}

START_TEST(test_proposer_counts_no_vote_beside_one_that_names_a_newer_disk)
{
    struct wire_ballot ballot = campaign_win(stand, 0, 0);
    campaign_accepted(stand, 1, ballot, 1);
    campaign_accepted(stand, 2, ballot, 1);
    stand_feed(stand, naming(3, ballot, 2));
    ck_assert(!is_chosen());
    campaign_accepted(stand, 1, ballot, 1); /* once more, and no better */
    ck_assert(!is_chosen());
    ck_assert_uint_eq(old_votes(), 3); /* its promise, and its vote twice */
    campaign_accepted(stand, 4, ballot, 1);
    ck_assert(is_chosen());
}
END_TEST

START_TEST(test_proposer_counts_a_vote_beside_one_that_names_the_same_disk)
{
    struct wire_ballot ballot = campaign_win(stand, 0, 0);
    campaign_accepted(stand, 1, ballot, 1);
    stand_feed(stand, naming(2, ballot, 1));
    stand_feed(stand, naming(3, ballot, 0));
    ck_assert(is_chosen());
}
END_TEST

START_TEST(test_proposer_counts_the_vote_of_the_new_disk)
{
    struct wire_ballot ballot = campaign_win(stand, 0, 0);
    campaign_accepted(stand, 1, ballot, 1);
    stand_feed(stand, naming(3, ballot, 2));
    struct wire_message m = naming(1, ballot, 0);
    m.sender.birth = (struct wire_birth){.generation = 2, .nonce = 201};
    stand_feed(stand, m);
    ck_assert(!is_chosen());
    campaign_accepted(stand, 2, ballot, 1);
    ck_assert(is_chosen());
}
END_TEST

START_TEST(test_proposer_is_not_elected_by_the_promise_of_a_disk_that_is_gone)
{
    struct wire_ballot ballot = campaign_prepare(stand, 0, 0);
    campaign_promise(stand, 1, ballot, 1, 0, true, NULL);
    struct wire_message m = FROM(ACCEPTOR, 2, PROMISE,
                                 .promise = {.ballot = ballot, .from = 1, .last = true},
                                 .payload = no_bytes());
    m.promise.births.of[1] = 2;
    stand_feed(stand, m);
    ck_assert(!smr_proposer_leads(stand->role));
    campaign_promise(stand, 3, ballot, 1, 0, true, NULL);
    ck_assert(smr_proposer_leads(stand->role));
}
END_TEST

START_TEST(test_proposer_of_an_old_disk_gives_up)
{
    struct wire_ballot ballot = campaign_win(stand, 0, 0);
    struct wire_message m = naming(2, ballot, 0);
    m.accepted.births.of[0] = 2;
    stand_feed(stand, m);
    ck_assert(!smr_proposer_leads(stand->role));
}
END_TEST

START_TEST(test_proposer_speaks_from_the_disk_of_its_acceptor)
{
    campaign_attach(stand, 0, 0);
    struct wire_message m = FROM(ACCEPTOR, 0, HEARD, .heard = {.fit = true});
    m.sender.birth = (struct wire_birth){.generation = 3, .nonce = 9};
    stand_feed(stand, m);
    stand_forget(stand);
    stand_until(stand, WIRE_MESSAGE_ASK);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_ASK)->sender.birth.nonce, 9);
}
END_TEST

START_TEST(test_proposer_fills_slots_that_a_reborn_replica_waits_for)
{
    campaign_open(stand, 0, 0);
    stand_forget(stand);
    stand_feed(stand, FROM(ACCEPTOR, 1, FILL, .fill = {.upto = 3}));
    stand_settle(stand);
    assert_accepts(stand, 2, NULL);
    assert_accepts(stand, 3, NULL);
    stand_feed(stand, FROM(ACCEPTOR, 1, FILL, .fill = {.upto = 3}));
    stand_feed(stand, FROM(ACCEPTOR, 1, FILL, .fill = {.upto = 1000000}));
    stand_settle(stand);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPT), 0);
}
END_TEST

Suite *proposer_births_suite(void)
{
    Suite *suite = suite_create("proposer_births");
    TCase *tests = tcase_create("proposer_births");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_proposer_counts_no_vote_beside_one_that_names_a_newer_disk);
    tcase_add_test(tests, test_proposer_counts_a_vote_beside_one_that_names_the_same_disk);
    tcase_add_test(tests, test_proposer_counts_the_vote_of_the_new_disk);
    tcase_add_test(tests, test_proposer_is_not_elected_by_the_promise_of_a_disk_that_is_gone);
    tcase_add_test(tests, test_proposer_of_an_old_disk_gives_up);
    tcase_add_test(tests, test_proposer_speaks_from_the_disk_of_its_acceptor);
    tcase_add_test(tests, test_proposer_fills_slots_that_a_reborn_replica_waits_for);
    suite_add_tcase(suite, tests);
    return suite;
}
