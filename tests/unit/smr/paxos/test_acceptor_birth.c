/* A replica's disk: who writes it down, whether it is the first one, and when it may vote. */
#include "smr/memory_log.h"
#include "smr/paxos/acceptor.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct stand *stand;

/* Over an empty log: nobody admitted this disk. */
static void begin(uint32_t group, uint32_t generation)
{
    struct smr_config config = stand_config(5);
    struct smr_log log = smr_memory_log_new();
    config.self.group = group;
    config.self.birth.generation = generation;
    stand = stand_new(&config, smr_acceptor_new(&config, log), log);
}

static void setup_first(void)
{
    begin(0, 1);
}

static void setup_reborn(void)
{
    begin(0, 2);
}

static void setup_manager(void)
{
    begin(WIRE_GROUP_MANAGERS, 1);
}

static void teardown(void)
{
    stand_free(stand);
}

/* Feeds, and lets the role settle, as a shell does. */
static void feed(struct wire_message message)
{
    message.sender.group = stand->config.self.group;
    stand_feed(stand, message);
    stand_settle(stand);
}

/* What a peer that votes, and remembers nothing, says of this disk. */
static struct wire_message known(wire_replica peer)
{
    return FROM(ACCEPTOR, peer, BIRTH_KNOWN,
                .birth_known = {.nonce = stand->config.self.birth.nonce,
                                .recorded = true,
                                .generation = stand->config.self.birth.generation,
                                .votes = true});
}

/* The same of one that promised and voted. */
static struct wire_message remembers(wire_replica peer, struct wire_ballot promised,
                                     wire_slot highest)
{
    struct wire_message m = known(peer);
    m.birth_known.promised = promised;
    m.birth_known.highest = highest;
    return m;
}

static void prepare(void)
{
    feed(FROM(PROPOSER, 1, PREPARE, .prepare = {.ballot = BALLOT(3, 1), .from = 1}));
}

static bool votes(void)
{
    return stand_figure(stand, "acceptor.admitted") == 1;
}

/* --- the first disk ------------------------------------------------------------------------------- */

START_TEST(test_birth_is_told_to_every_peer_until_it_answers)
{
    for (wire_replica peer = 1; peer < 5; peer++)
        ck_assert(!stand_sent_durable(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, peer)
                       ->birth.admitted);
    stand_nothing(stand);
    feed(known(2));
    stand_pass(stand, stand->config.timing.ask);
    stand_sent_durable(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, 1);
    stand_sent_durable(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, 3);
    stand_sent_durable(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, 4);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_birth_counts_a_peer_once_and_itself_never)
{
    stand_forget(stand);
    feed(known(2));
    feed(known(2));
    feed(known(3));
    feed(known(2));
    stand_commit(stand);
    stand_nothing(stand);
    feed(known(4));
    ck_assert(stand_put_state(stand)->admitted);
    stand_nothing(stand);
    ck_assert(!votes()); /* not before that is durable */
    stand_commit(stand);
    ck_assert(votes());
}
END_TEST

START_TEST(test_birth_that_votes_is_shown_to_every_peer_until_it_answers)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(known(peer));
    stand_commit(stand);
    stand_forget(stand);
    stand_pass(stand, stand->config.timing.ask);
    for (wire_replica peer = 1; peer < 5; peer++)
        ck_assert(stand_sent_durable(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, peer)
                      ->birth.admitted);
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(known(peer));
    stand_pass(stand, stand->config.timing.silence_max);
    stand_sent_durable(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, 4);
    stand_nothing(stand);
    feed(known(4));
    stand_pass(stand, 5 * WIRE_SECOND);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_birth_comes_before_the_first_vote)
{
    stand_forget(stand);
    prepare();
    feed(FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = BALLOT(3, 1), .slot = 1},
              .payload = batch_of("x")));
    feed(FROM(PROPOSER, 1, ASK, .ask = {.ballot = BALLOT(3, 1)}));
    stand_nothing(stand);
    feed(FROM(PROPOSER, 0, ATTACH, .attach = {0}));
    ck_assert(!stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0)->heard.fit);
    stand_nothing(stand);
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(known(peer));
    stand_commit(stand);
    stand_forget(stand);
    stand->now += WIRE_SECOND; /* a new life helps nobody before */
    prepare();
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 1);
}
END_TEST

/* A peer without a vote may have been wiped too, and would know no older disk. */
START_TEST(test_birth_in_a_group_that_remembers_ballots_is_vouched_for_by_voters)
{
    for (wire_replica peer = 1; peer < 5; peer++) {
        struct wire_message m = peer == 1 ? remembers(peer, BALLOT(4, 2), 9) : known(peer);
        m.birth_known.votes = peer == 1;
        feed(m);
    }
    stand_commit(stand);
    ck_assert(!votes());
    feed(known(2));
    stand_commit(stand);
    ck_assert(votes());
}
END_TEST

START_TEST(test_birth_takes_no_word_about_a_disk_that_was_here_before)
{
    for (wire_replica peer = 1; peer < 5; peer++) {
        struct wire_message m = known(peer);
        m.birth_known.nonce++;
        feed(m);
        m.birth_known.recorded = false;
        m.birth_known.generation = 8;
        feed(m);
    }
    ck_assert_int_eq(stand->out.fatal, WIRE_OK);
    stand_commit(stand);
    ck_assert(!votes());
}
END_TEST

START_TEST(test_birth_is_asked_for_once_in_the_life_of_a_disk)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(known(peer));
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    stand_nothing(stand);
    prepare();
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 1);
}
END_TEST

START_TEST(test_birth_of_an_older_disk_ends_the_process)
{
    stand_forget(stand);
    feed(known(1));
    struct wire_message m = known(2);
    m.birth_known.recorded = false;
    feed(m);
    ck_assert_int_eq(stand->out.fatal, WIRE_IDENTITY);
    ck_assert_ptr_nonnull(stand->out.fatal_text);
}
END_TEST

/* --- births of peers ------------------------------------------------------------------------------ */

/* A peer's acceptor shows a disk of that generation and nonce. */
static struct wire_message birth(uint32_t generation, uint64_t nonce, bool admitted)
{
    struct wire_message m = FROM(LEARNER, 3, BIRTH, .birth = {.admitted = admitted});
    m.sender.birth = (struct wire_birth){.generation = generation, .nonce = nonce};
    return m;
}

static const struct wire_message *answer(void)
{
    return stand_sent_durable(stand, WIRE_MESSAGE_BIRTH_KNOWN, WIRE_ROLE_LEARNER, 3);
}

START_TEST(test_birth_of_a_peer_is_durable_before_it_is_known)
{
    stand_forget(stand);
    feed(birth(1, 103, false));
    const struct wire_hard_state *state = stand_put_state(stand);
    ck_assert_uint_eq(state->births[3].generation, 1);
    ck_assert_uint_eq(state->births[3].nonce, 103);
    ck_assert(answer()->birth_known.recorded);
    feed(birth(1, 103, false));
    ck_assert(answer()->birth_known.recorded);
    stand_nothing(stand);
    ck_assert_uint_eq(smr_acceptor_counters(stand->role)->births_recorded, 1);
}
END_TEST

/* Of votes too, not only of what it knows chosen. */
START_TEST(test_birth_of_a_peer_is_answered_with_all_that_is_remembered)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(known(peer));
    stand_commit(stand);
    feed(FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = BALLOT(3, 1), .slot = 9},
              .payload = batch_of("x")));
    stand_forget(stand);
    feed(birth(2, 5, false));
    ck_assert_uint_eq(stand_put_state(stand)->births[3].generation, 2);
    const struct wire_message *m = answer();
    ck_assert(m->birth_known.votes);
    assert_ballot(m->birth_known.promised, 3, 1);
    ck_assert_uint_eq(m->birth_known.highest, 9);
}
END_TEST

START_TEST(test_birth_of_a_newer_disk_replaces_that_of_an_older)
{
    feed(birth(1, 103, false));
    feed(birth(2, 5, false));
    stand_forget(stand);
    feed(birth(1, 103, true)); /* late */
    ck_assert(!answer()->birth_known.recorded);
    feed(birth(2, 5, false));
    ck_assert(answer()->birth_known.recorded);
    stand_nothing(stand);
}
END_TEST

/* One that was wiped before it could vote, and another one that was let vote meanwhile. */
START_TEST(test_birth_of_a_disk_that_votes_pushes_out_one_of_its_generation)
{
    feed(birth(2, 5, false));
    stand_forget(stand);
    feed(birth(2, 6, false));
    ck_assert(!answer()->birth_known.recorded);
    feed(birth(2, 6, true));
    ck_assert_uint_eq(stand_put_state(stand)->births[3].nonce, 6);
    ck_assert(answer()->birth_known.recorded);
}
END_TEST

START_TEST(test_birth_of_a_stranger_is_not_written_down)
{
    stand_forget(stand);
    struct wire_message m = birth(1, 103, false);
    m.sender.cluster = 8;
    feed(m);
    stand_nothing(stand);
    ck_assert_uint_eq(smr_acceptor_counters(stand->role)->foreign_messages, 1);
}
END_TEST

START_TEST(test_birth_once_written_down_is_remembered_over_a_restart)
{
    feed(birth(1, 103, false));
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    stand_forget(stand);
    feed(birth(1, 104, false)); /* a wiped disk that takes itself for the first */
    const struct wire_message *m = answer();
    ck_assert(!m->birth_known.recorded);
    ck_assert_uint_eq(m->birth_known.generation, 1);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_birth_that_is_gone_is_told_so_when_it_asks)
{
    feed(birth(2, 5, false));
    stand_forget(stand);
    feed(FROM(PROPOSER, 3, ASK, .ask = {.ballot = BALLOT(3, 3)})); /* of generation 1 */
    const struct wire_message *m = answer();
    ck_assert(!m->birth_known.recorded);
    ck_assert_uint_eq(m->birth_known.nonce, 103);
    ck_assert_uint_eq(m->birth_known.generation, 2);
    stand_nothing(stand);
}
END_TEST

/* It is chosen whatever disk it lies on, and the streamer of a manager speaks from its first one. */
START_TEST(test_birth_of_a_streamer_does_not_matter)
{
    feed(birth(2, 5, false));
    stand_forget(stand);
    feed(FROM(STREAMER, 3, SNAPSHOT_DENIED, .snapshot_denied = {.newest = 4}));
    ck_assert_uint_eq(
        stand_sent(stand, WIRE_MESSAGE_SNAPSHOT_DENIED, WIRE_ROLE_CHECKPOINTER, 0)->snapshot_denied.peer,
        3);
}
END_TEST

/* --- reborn --------------------------------------------------------------------------------------- */

static struct wire_message learned(wire_slot from, wire_slot to)
{
    struct wire_message m =
        FROM(ACCEPTOR, 1, LEARNED, .learned = {.from = from, .chosen = to});
    struct entry_text entries[16];
    for (wire_slot slot = from; slot <= to; slot++)
        entries[slot - from] = (struct entry_text){slot, BALLOT(2, 2), true, "v"};
    m.payload = entries_of(entries, to - from + 1);
    return m;
}

START_TEST(test_reborn_promises_the_highest_ballot_anybody_remembers)
{
    stand_forget(stand);
    feed(remembers(1, BALLOT(5, 2), 3));
    feed(remembers(2, BALLOT(7, 4), 0));
    stand_nothing(stand);
    feed(remembers(3, BALLOT(6, 1), 2));
    assert_ballot(stand_put_state(stand)->promised, 7, 4);
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    assert_ballot(m->heard.promised, 7, 4);
    ck_assert_uint_eq(m->heard.standing, WIRE_STANDING_CATCHING_UP);
    ck_assert_uint_eq(m->heard.wanted, 3);
}
END_TEST

START_TEST(test_reborn_votes_once_it_holds_every_slot_and_leases_have_run_out)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(remembers(peer, BALLOT(5, 2), 3));
    stand_outwait_leases(stand);
    feed(learned(1, 2));
    stand_commit(stand);
    ck_assert(!votes());
    feed(learned(3, 3));
    stand_commit(stand);
    ck_assert(votes());
    stand_forget(stand);
    prepare(); /* ballot 3.1, lower than what was adopted */
    stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, 1);
}
END_TEST

START_TEST(test_reborn_waits_for_leases_of_the_old_disk)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(known(peer));
    stand_pass(stand, SMR_LEASE_MAX);
    stand_settle(stand);
    stand_commit(stand);
    ck_assert(!votes());
    stand_pass(stand, SMR_LEASE_MAX / 2);
    stand_settle(stand);
    stand_commit(stand);
    ck_assert(votes());
}
END_TEST

START_TEST(test_reborn_asks_for_slots_and_asks_the_leader_to_fill_them)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(remembers(peer, BALLOT(5, 2), 3));
    stand_find(stand, WIRE_MESSAGE_LEARN);
    stand_forget(stand);
    feed(FROM(PROPOSER, 2, HEARTBEAT, .heartbeat = {.ballot = BALLOT(5, 2), .chosen = 1}));
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_FILL)->fill.upto, 3);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_HEARTBEAT_ACK), 0);
    stand_forget(stand);
    feed(FROM(PROPOSER, 2, HEARTBEAT, .heartbeat = {.ballot = BALLOT(5, 2), .chosen = 3}));
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_FILL), 0);
}
END_TEST

/* One that does not vote has forgotten as much itself. */
START_TEST(test_reborn_believes_voters_only)
{
    for (wire_replica peer = 1; peer < 5; peer++) {
        struct wire_message m = known(peer);
        m.birth_known.votes = peer > 2;
        feed(m);
    }
    stand_pass(stand, 3 * WIRE_SECOND);
    stand_settle(stand);
    stand_commit(stand);
    ck_assert(!votes());
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_HEARD), 0);
    feed(known(1));
    stand_commit(stand);
    ck_assert(votes());
}
END_TEST

/* Replica 1 answered, and was wiped itself before replica 2 answered, who knows. */
START_TEST(test_reborn_drops_an_answer_of_a_disk_that_is_gone)
{
    stand_outwait_leases(stand);
    feed(known(1));
    feed(known(3));
    struct wire_message m = known(2);
    m.birth_known.births.of[1] = (struct wire_birth){.generation = 2, .nonce = 77};
    stand_forget(stand);
    feed(m);
    ck_assert_uint_eq(stand_put_state(stand)->births[1].nonce, 77); /* taken over for its own votes */
    stand_commit(stand);
    ck_assert(!votes());
    feed(known(4));
    stand_commit(stand);
    ck_assert(votes());
}
END_TEST

START_TEST(test_reborn_names_the_births_it_was_told_of_with_its_votes)
{
    stand_outwait_leases(stand);
    struct wire_message m = known(1);
    m.birth_known.births.of[4] = (struct wire_birth){.generation = 3, .nonce = 77};
    feed(m);
    feed(known(2));
    feed(known(3));
    stand_commit(stand);
    stand_forget(stand);
    prepare();
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_PROMISE)->promise.births.of[4], 3);
}
END_TEST

START_TEST(test_reborn_begins_anew_after_a_crash)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(remembers(peer, BALLOT(5, 2), 3));
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    feed(learned(1, 3));
    stand_commit(stand);
    ck_assert(!votes());
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(known(peer));
    stand_commit(stand);
    ck_assert(votes());
    ck_assert_uint_eq(smr_acceptor_promised(stand->role).round, 5);
}
END_TEST

/* --- managers ------------------------------------------------------------------------------------- */

START_TEST(test_manager_takes_the_next_generation_when_an_older_disk_is_known)
{
    stand_forget(stand);
    struct wire_message m = known(1);
    m.birth_known.recorded = false;
    m.birth_known.generation = 4;
    feed(m);
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0)->heard.standing,
                      WIRE_STANDING_ASKING);
    feed(known(2));
    feed(m);
    stand_nothing(stand);
    feed(known(3)); /* with it three have answered that vote */
    struct wire_birth taken = stand_put_state(stand)->births[0];
    ck_assert_uint_eq(taken.generation, 5);
    ck_assert_uint_ne(taken.nonce, stand->config.self.birth.nonce);
    const struct wire_message *heard = stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0);
    ck_assert(birth_equal(heard->sender.birth, taken));
    ck_assert_uint_eq(heard->heard.standing, WIRE_STANDING_ASKING);
    feed(m); /* about the disk before: no more */
    stand_nothing(stand);
    stand_pass(stand, stand->config.timing.ask);
    for (wire_replica peer = 1; peer < 5; peer++)
        ck_assert(birth_equal(stand_sent_durable(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, peer)
                                  ->sender.birth,
                              taken));
}
END_TEST

/* Wrong directories must not put right ones out of date. */
START_TEST(test_manager_takes_no_generation_among_others_that_do_not_vote)
{
    for (wire_replica peer = 1; peer < 5; peer++) {
        struct wire_message m = known(peer);
        m.birth_known.recorded = peer != 1;
        m.birth_known.generation = peer == 1 ? 4 : 1;
        m.birth_known.votes = peer <= 2;
        feed(m);
    }
    stand_pass(stand, 5 * WIRE_SECOND);
    stand_settle(stand);
    stand_commit(stand);
    ck_assert_uint_eq(stand_figure(stand, "acceptor.generation"), 1);
    ck_assert(!votes());
}
END_TEST

START_TEST(test_manager_keeps_the_generation_it_took_over_a_restart)
{
    struct wire_message m = known(1);
    m.birth_known.recorded = false;
    m.birth_known.generation = 4;
    feed(m);
    feed(known(2));
    feed(known(3));
    stand_commit(stand);
    stand_restart_acceptor(stand, true);
    ck_assert_uint_eq(stand_figure(stand, "acceptor.generation"), 5);
    ck_assert(!votes());
}
END_TEST

START_TEST(test_manager_that_votes_shows_itself_to_who_knows_another_of_its_generation)
{
    for (wire_replica peer = 1; peer < 4; peer++)
        feed(known(peer));
    stand_commit(stand);
    stand_forget(stand);
    struct wire_message m = known(4);
    m.birth_known.recorded = false;
    feed(m);
    ck_assert(stand_sent_durable(stand, WIRE_MESSAGE_BIRTH, WIRE_ROLE_ACCEPTOR, 4)->birth.admitted);
    m.birth_known.generation++;
    feed(m); /* a newer one was let in since */
    ck_assert_int_eq(stand->out.fatal, WIRE_IDENTITY);
}
END_TEST

Suite *acceptor_birth_suite(void)
{
    Suite *suite = suite_create("acceptor_birth");
    TCase *tests = tcase_create("first");
    tcase_add_checked_fixture(tests, setup_first, teardown);
    tcase_add_test(tests, test_birth_is_told_to_every_peer_until_it_answers);
    tcase_add_test(tests, test_birth_counts_a_peer_once_and_itself_never);
    tcase_add_test(tests, test_birth_that_votes_is_shown_to_every_peer_until_it_answers);
    tcase_add_test(tests, test_birth_comes_before_the_first_vote);
    tcase_add_test(tests, test_birth_in_a_group_that_remembers_ballots_is_vouched_for_by_voters);
    tcase_add_test(tests, test_birth_takes_no_word_about_a_disk_that_was_here_before);
    tcase_add_test(tests, test_birth_is_asked_for_once_in_the_life_of_a_disk);
    tcase_add_test(tests, test_birth_of_an_older_disk_ends_the_process);
    tcase_add_test(tests, test_birth_of_a_peer_is_durable_before_it_is_known);
    tcase_add_test(tests, test_birth_of_a_peer_is_answered_with_all_that_is_remembered);
    tcase_add_test(tests, test_birth_of_a_newer_disk_replaces_that_of_an_older);
    tcase_add_test(tests, test_birth_of_a_disk_that_votes_pushes_out_one_of_its_generation);
    tcase_add_test(tests, test_birth_of_a_stranger_is_not_written_down);
    tcase_add_test(tests, test_birth_once_written_down_is_remembered_over_a_restart);
    tcase_add_test(tests, test_birth_that_is_gone_is_told_so_when_it_asks);
    tcase_add_test(tests, test_birth_of_a_streamer_does_not_matter);
    suite_add_tcase(suite, tests);
    tests = tcase_create("reborn");
    tcase_add_checked_fixture(tests, setup_reborn, teardown);
    tcase_add_test(tests, test_reborn_promises_the_highest_ballot_anybody_remembers);
    tcase_add_test(tests, test_reborn_votes_once_it_holds_every_slot_and_leases_have_run_out);
    tcase_add_test(tests, test_reborn_waits_for_leases_of_the_old_disk);
    tcase_add_test(tests, test_reborn_asks_for_slots_and_asks_the_leader_to_fill_them);
    tcase_add_test(tests, test_reborn_believes_voters_only);
    tcase_add_test(tests, test_reborn_drops_an_answer_of_a_disk_that_is_gone);
    tcase_add_test(tests, test_reborn_names_the_births_it_was_told_of_with_its_votes);
    tcase_add_test(tests, test_reborn_begins_anew_after_a_crash);
    suite_add_tcase(suite, tests);
    tests = tcase_create("manager");
    tcase_add_checked_fixture(tests, setup_manager, teardown);
    tcase_add_test(tests, test_manager_takes_the_next_generation_when_an_older_disk_is_known);
    tcase_add_test(tests, test_manager_takes_no_generation_among_others_that_do_not_vote);
    tcase_add_test(tests, test_manager_keeps_the_generation_it_took_over_a_restart);
    tcase_add_test(tests, test_manager_that_votes_shows_itself_to_who_knows_another_of_its_generation);
    suite_add_tcase(suite, tests);
    return suite;
}
