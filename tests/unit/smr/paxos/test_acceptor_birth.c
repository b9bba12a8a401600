/* The first disk of a replica: who writes it down, and when it may vote. */
#include "smr/memory_log.h"
#include "smr/paxos/acceptor.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct stand *stand;

static void setup(void)
{
    struct smr_config config = stand_config(5);
    struct smr_log log = smr_memory_log_new(); /* empty: nobody admitted this disk */
    stand = stand_new(&config, smr_acceptor_new(&config, log), log);
}

static void teardown(void)
{
    stand_free(stand);
}

/* A peer's word about the disk with that nonce. */
static void known_of(wire_replica peer, uint64_t nonce, bool first)
{
    stand_feed(stand, FROM(ACCEPTOR, peer, BIRTH_KNOWN,
                           .birth_known = {.nonce = nonce, .first = first}));
}

static void known(wire_replica peer, bool first)
{
    known_of(peer, stand->config.self.birth.nonce, first);
}

static void prepare(void)
{
    stand_feed(stand, FROM(PROPOSER, 1, PREPARE, .prepare = {.ballot = BALLOT(3, 1), .from = 1}));
}

START_TEST(test_birth_is_told_to_every_peer_until_it_answers)
{
    for (wire_replica peer = 1; peer < 5; peer++)
        stand_sent(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, peer);
    stand_nothing(stand);
    known(2, true);
    stand_pass(stand, stand->config.timing.ask);
    stand_sent(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, 1);
    stand_sent(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, 3);
    stand_sent(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, 4);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_birth_counts_a_peer_once_and_itself_never)
{
    stand_forget(stand);
    known(2, true);
    known(2, true);
    known(3, true);
    known(2, true);
    stand_nothing(stand);
    ck_assert_uint_eq(stand_figure(stand, "acceptor.admitted"), 0);
    known(4, true);
    ck_assert(stand_put_state(stand)->admitted);
    stand_nothing(stand);
    known(1, true);
    stand_pass(stand, 5 * WIRE_SECOND);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_birth_comes_before_the_first_vote)
{
    stand_forget(stand);
    prepare();
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = BALLOT(3, 1), .slot = 1},
                           .payload = batch_of("x")));
    stand_feed(stand, FROM(PROPOSER, 1, ASK, .ask = {.ballot = BALLOT(3, 1)}));
    stand_nothing(stand);
    stand_feed(stand, FROM(PROPOSER, 0, ATTACH, .attach = {0}));
    stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    stand_nothing(stand);
    for (wire_replica peer = 1; peer < 4; peer++)
        known(peer, true);
    stand_forget(stand);
    stand->now += WIRE_SECOND; /* a new life helps nobody before */
    prepare();
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 1);
}
END_TEST

START_TEST(test_birth_takes_no_word_about_a_disk_that_was_here_before)
{
    for (wire_replica peer = 1; peer < 5; peer++)
        known_of(peer, stand->config.self.birth.nonce + 1, true);
    known_of(1, stand->config.self.birth.nonce + 1, false);
    ck_assert_int_eq(stand->out.fatal, WIRE_OK);
    stand_forget(stand);
    stand->now += WIRE_SECOND;
    prepare();
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 0);
}
END_TEST

START_TEST(test_birth_is_asked_for_once_in_the_life_of_a_disk)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        known(peer, true);
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    stand_nothing(stand);
    prepare();
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 1);
}
END_TEST

START_TEST(test_birth_of_a_second_disk_ends_the_process)
{
    stand_forget(stand);
    known(1, true);
    known(2, false); /* that peer knew another disk */
    ck_assert_int_eq(stand->out.fatal, WIRE_IDENTITY);
    ck_assert_ptr_nonnull(stand->out.fatal_text);
}
END_TEST

START_TEST(test_birth_of_a_peer_is_durable_before_it_is_known)
{
    stand_forget(stand);
    stand_feed(stand, FROM(LEARNER, 3, BIRTH, .birth = {0}));
    const struct wire_hard_state *state = stand_put_state(stand);
    ck_assert_uint_eq(state->births[3].generation, 1);
    ck_assert_uint_eq(state->births[3].nonce, 103);
    const struct wire_message *m =
        stand_sent_durable(stand, WIRE_MESSAGE_BIRTH_KNOWN, WIRE_ROLE_LEARNER, 3);
    ck_assert(m->birth_known.first);
    stand_feed(stand, FROM(LEARNER, 3, BIRTH, .birth = {0}));
    m = stand_sent_durable(stand, WIRE_MESSAGE_BIRTH_KNOWN, WIRE_ROLE_LEARNER, 3);
    ck_assert(m->birth_known.first);
    stand_nothing(stand);
    ck_assert_uint_eq(smr_acceptor_counters(stand->role)->births_recorded, 1);
}
END_TEST

START_TEST(test_birth_of_another_disk_of_a_peer_is_not_the_first)
{
    stand_forget(stand);
    stand_feed(stand, FROM(LEARNER, 3, BIRTH, .birth = {0}));
    stand_forget(stand);
    struct wire_message m = FROM(LEARNER, 3, BIRTH, .birth = {0});
    m.sender.birth = (struct wire_birth){.generation = 2, .nonce = 5};
    stand_feed(stand, m);
    ck_assert(!stand_sent_durable(stand, WIRE_MESSAGE_BIRTH_KNOWN, WIRE_ROLE_LEARNER, 3)
                   ->birth_known.first);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_birth_of_a_stranger_is_not_written_down)
{
    stand_forget(stand);
    struct wire_message m = FROM(LEARNER, 3, BIRTH, .birth = {0});
    m.sender.cluster = 8;
    stand_feed(stand, m);
    stand_nothing(stand);
    ck_assert_uint_eq(smr_acceptor_counters(stand->role)->foreign_messages, 1);
}
END_TEST

START_TEST(test_birth_once_written_down_is_remembered_over_a_restart)
{
    stand_forget(stand);
    stand_feed(stand, FROM(LEARNER, 3, BIRTH, .birth = {0}));
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    stand_forget(stand);
    struct wire_message m = FROM(LEARNER, 3, BIRTH, .birth = {0});
    m.sender.birth.nonce++; /* a wiped disk that takes itself for the first */
    stand_feed(stand, m); /* it is told so, or it would wait for ever */
    ck_assert(!stand_find(stand, WIRE_MESSAGE_BIRTH_KNOWN)->birth_known.first);
    stand_nothing(stand);
}
END_TEST

Suite *acceptor_birth_suite(void)
{
    Suite *suite = suite_create("acceptor_birth");
    TCase *tests = tcase_create("acceptor_birth");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_birth_is_told_to_every_peer_until_it_answers);
    tcase_add_test(tests, test_birth_counts_a_peer_once_and_itself_never);
    tcase_add_test(tests, test_birth_comes_before_the_first_vote);
    tcase_add_test(tests, test_birth_takes_no_word_about_a_disk_that_was_here_before);
    tcase_add_test(tests, test_birth_is_asked_for_once_in_the_life_of_a_disk);
    tcase_add_test(tests, test_birth_of_a_second_disk_ends_the_process);
    tcase_add_test(tests, test_birth_of_a_peer_is_durable_before_it_is_known);
    tcase_add_test(tests, test_birth_of_another_disk_of_a_peer_is_not_the_first);
    tcase_add_test(tests, test_birth_of_a_stranger_is_not_written_down);
    tcase_add_test(tests, test_birth_once_written_down_is_remembered_over_a_restart);
    suite_add_tcase(suite, tests);
    return suite;
}
