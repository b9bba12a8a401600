/* Leading: batches, votes, resending, heartbeats, stepping down. */
#include <stdlib.h>

#include "smr/paxos/proposer.h"
#include "tests/unit/smr/paxos/campaign.h"
#include "tests/unit/smr/suites.h"
#include "wire/batch.h"

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

static wire_slot chosen(void)
{
    return stand_figure(stand, "proposer.chosen_slot");
}

/* A majority accepts that slot. */
static void choose(struct wire_ballot ballot, wire_slot slot)
{
    for (wire_replica i = 0; i < 3; i++)
        campaign_accepted(stand, i, ballot, slot);
}

static void submit(uint64_t tag, const char *text)
{
    campaign_submit(stand, tag, text);
    stand_settle(stand);
}

/* Commands in a batch. */
static uint32_t batch_count(const struct buf *batch)
{
    return wire_batch_open(buf_span(batch)).count;
}

/* --- votes --------------------------------------------------------------------------------------- */

START_TEST(test_proposer_counts_a_vote_once)
{
    struct wire_ballot ballot = campaign_win(stand, 0, 0);
    for (int i = 0; i < 3; i++)
        campaign_accepted(stand, 1, ballot, 1);
    campaign_accepted(stand, 2, ballot, 1);
    ck_assert_uint_eq(chosen(), 0);
    ck_assert_uint_eq(counters()->doubled_votes, 2);
    campaign_accepted(stand, 4, ballot, 1);
    ck_assert_uint_eq(chosen(), 1);
}
END_TEST

START_TEST(test_proposer_drops_votes_of_another_ballot_or_slot)
{
    struct wire_ballot ballot = campaign_win(stand, 4, 0);
    for (wire_replica i = 0; i < 5; i++) {
        campaign_accepted(stand, i, BALLOT(ballot.round - 1, 0), 1);
        campaign_accepted(stand, i, ballot, 0);
        campaign_accepted(stand, i, ballot, 2);
    }
    ck_assert_uint_eq(chosen(), 0);
    ck_assert_uint_eq(counters()->stale_votes, 15);
}
END_TEST

START_TEST(test_proposer_never_calls_a_slot_behind_a_hole_chosen)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    submit(1, "a");
    submit(2, "b");
    stand_forget(stand);
    choose(ballot, 3);
    ck_assert_uint_eq(chosen(), 1);
    stand_settle(stand);
    stand_nothing(stand);
    choose(ballot, 2);
    ck_assert_uint_eq(chosen(), 3);
}
END_TEST

START_TEST(test_proposer_tells_the_chosen_bar_to_its_acceptor_and_with_the_next_accept)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    submit(1, "a");
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_ACCEPT)->accept.chosen, 1);
    stand_forget(stand);
    choose(ballot, 2);
    campaign_submit(stand, 2, "b");
    stand_settle(stand);
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_CHOOSE, WIRE_ROLE_ACCEPTOR, 0);
    ck_assert(ballot_equal(m->choose.ballot, ballot));
    ck_assert_uint_eq(m->choose.chosen, 2);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_ACCEPT)->accept.chosen, 2);
}
END_TEST

/* --- batches -------------------------------------------------------------------------------------- */

START_TEST(test_proposer_gathers_what_comes_while_rounds_are_in_flight)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    for (uint64_t tag = 1; tag <= WIRE_ROUNDS_MAX; tag++) {
        submit(tag, "a");
        assert_accepts(stand, tag + 1, "a");
    }
    for (uint64_t tag = 10; tag < 20; tag++)
        submit(tag, "b");
    stand_nothing(stand);
    choose(ballot, 2);
    stand_settle(stand);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_ACCEPT);
    ck_assert_uint_eq(m->accept.slot, WIRE_ROUNDS_MAX + 2);
    ck_assert_uint_eq(batch_count(m->payload), 10);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPT), 4); /* to the others: one batch */
}
END_TEST

/* A command of so many bytes. */
static void submit_sized(size_t size)
{
    char *text = calloc(1, size + 1);
    memset(text, 'x', size);
    stand_forget(stand);
    submit(1, text);
    free(text);
}

static size_t accepts(void)
{
    return stand_count(stand, WIRE_MESSAGE_ACCEPT);
}

/* Many clients fill few large batches: the second waits for as much as is in the first, and a third for one
 * of these two. */
START_TEST(test_proposer_has_two_large_rounds_in_flight)
{
    const size_t large = 4 * WIRE_SMALL_ROUNDS_BYTES;
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    submit_sized(large);
    ck_assert_uint_gt(accepts(), 0);
    submit_sized(large / 2);
    ck_assert_uint_eq(accepts(), 0);
    submit_sized(large / 2);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_ACCEPT);
    ck_assert_uint_eq(batch_count(m->payload), 2);
    submit_sized(2 * large);
    submit_sized(large);
    ck_assert_uint_eq(accepts(), 0);
    choose(ballot, 2);
    stand_settle(stand);
    ck_assert_uint_eq(batch_count(stand_find(stand, WIRE_MESSAGE_ACCEPT)->payload), 2);
    ck_assert_uint_eq(stand_figure(stand, "proposer.rounds_in_flight"), 2);
}
END_TEST

START_TEST(test_proposer_does_not_hold_full_batches_back)
{
    campaign_open(stand, 0, 0);
    for (uint64_t i = 0; i < WIRE_ROUNDS_MAX; i++)
        submit(i, "a");
    stand_forget(stand);
    for (uint64_t i = 0; i < 2 * WIRE_BATCH_COMMANDS_MAX + 5; i++)
        campaign_submit(stand, i, "b");
    stand_settle(stand);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPT), 2 * 5);
    ck_assert_uint_eq(batch_count(stand_find(stand, WIRE_MESSAGE_ACCEPT)->payload),
                      WIRE_BATCH_COMMANDS_MAX);
    ck_assert_uint_eq(stand_figure(stand, "proposer.queued_commands"), 5);
}
END_TEST

START_TEST(test_proposer_has_no_more_than_a_window_of_slots_in_flight)
{
    campaign_open(stand, 0, 0);
    for (uint64_t i = 0; i < (WIRE_WINDOW_SLOTS + 3) * WIRE_BATCH_COMMANDS_MAX; i++)
        campaign_submit(stand, i, "b");
    stand_settle(stand);
    ck_assert_uint_eq(stand_figure(stand, "proposer.rounds_in_flight"), WIRE_WINDOW_SLOTS);
    ck_assert_uint_eq(stand_figure(stand, "proposer.queued_commands"),
                      3 * WIRE_BATCH_COMMANDS_MAX);
}
END_TEST

/* Submits a command of a megabyte. */
static void submit_large(uint64_t tag)
{
    static char text[WIRE_VALUE_BYTES_MAX + 1];
    memset(text, 'x', WIRE_VALUE_BYTES_MAX);
    campaign_submit(stand, tag, text);
}

START_TEST(test_proposer_makes_no_batch_larger_than_an_acceptor_takes)
{
    campaign_open(stand, 0, 0);
    for (uint64_t tag = 1; tag <= 3; tag++)
        submit_large(tag);
    stand_settle(stand);
    for (wire_slot slot = 2; slot <= 4; slot++) {
        for (int i = 0; i < 5; i++) {
            const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_ACCEPT);
            ck_assert_uint_eq(m->accept.slot, slot);
            ck_assert_int_eq(wire_batch_check(buf_span(m->payload)), WIRE_OK);
        }
    }
    stand_nothing(stand);
}
END_TEST

START_TEST(test_proposer_counts_log_time_between_batches_and_at_most_a_second)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    submit(1, "a");
    stand_forget(stand);
    stand->now += 300 * WIRE_MS + 700;
    submit(2, "b");
    struct buf *batch = stand_find(stand, WIRE_MESSAGE_ACCEPT)->payload;
    ck_assert_uint_eq(wire_batch_open(buf_span(batch)).elapsed_ms, 300);
    stand_forget(stand);
    choose(ballot, 2);
    choose(ballot, 3);
    stand->now += 5 * WIRE_MS + 400; /* with the rest of before: 6 ms */
    submit(3, "c");
    batch = stand_find(stand, WIRE_MESSAGE_ACCEPT)->payload;
    ck_assert_uint_eq(wire_batch_open(buf_span(batch)).elapsed_ms, 6);
    ck_assert_uint_eq(wire_batch_open(buf_span(batch)).origin, 0);
    ck_assert_uint_eq(wire_batch_open(buf_span(batch)).origin_start, 1);
    stand_forget(stand);
    stand->now += 50 * WIRE_SECOND;
    submit(4, "d");
    batch = stand_find(stand, WIRE_MESSAGE_ACCEPT)->payload;
    ck_assert_uint_eq(wire_batch_open(buf_span(batch)).elapsed_ms, WIRE_LOG_TIME_STEP_MS_MAX);
}
END_TEST

START_TEST(test_proposer_opens_with_the_command_it_was_given)
{
    struct smr_config config = stand_config(3);
    config.opening = span_text("found");
    stand_free(stand);
    stand = stand_new(&config, smr_proposer_new(&config), (struct smr_log){0});
    stand_forget(stand);
    struct wire_ballot ballot = campaign_prepare(stand, 0, 0);
    campaign_promise(stand, 1, ballot, 1, 0, true, NULL);
    assert_accepts(stand, 1, "found");
}
END_TEST

/* --- resending and credit --------------------------------------------------------------------------- */

START_TEST(test_proposer_sends_accepts_again_to_those_that_did_not_answer)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    submit(1, "a");
    stand_forget(stand);
    campaign_accepted(stand, 0, ballot, 2);
    campaign_accepted(stand, 3, ballot, 2);
    stand_pass(stand, stand->config.timing.resend - stand->config.timing.heartbeat);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPT), 0);
    stand_forget(stand);
    stand_pass(stand, 2 * stand->config.timing.heartbeat);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPT), 3);
    unsigned peers = 0;
    while (stand_count(stand, WIRE_MESSAGE_ACCEPT) > 0) {
        const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_ACCEPT);
        ck_assert_uint_eq(m->accept.slot, 2);
        peers |= 1u << stand->out.effects[stand->seen - 1].to_replica;
    }
    ck_assert_uint_eq(peers, 1u << 1 | 1u << 2 | 1u << 4);
    ck_assert_uint_eq(counters()->resent_accepts, 3);
    campaign_accepted(stand, 1, ballot, 2);
    stand_forget(stand);
    stand_pass(stand, 4 * stand->config.timing.heartbeat);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPT), 0); /* it is chosen */
}
END_TEST

/* Accepts of that many large batches, of which a majority (0, 1, 2) answers each. */
static void flood(struct wire_ballot ballot, wire_slot first, int count)
{
    for (int i = 0; i < count; i++) {
        submit_large(100 + (uint64_t)i);
        stand_settle(stand);
        choose(ballot, first + (wire_slot)i);
        stand_forget(stand);
    }
}

START_TEST(test_proposer_withholds_accepts_from_an_acceptor_that_owes_too_many_bytes)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    flood(ballot, 2, 7); /* 3 and 4 are silent, and owe almost 8 MiB each */
    ck_assert_uint_eq(counters()->withheld_accepts, 0);
    submit_large(1);
    stand_settle(stand);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPT), 3);
    ck_assert_uint_eq(counters()->withheld_accepts, 2);
    stand_forget(stand);
    campaign_ack(stand, 4, ballot, 1); /* of the first heartbeat: the opening batch was taken */
    stand_pass(stand, stand->config.timing.heartbeat);
    stand_forget(stand);
    /* An answer to an Accept says that all sent before it is off the network too. */
    campaign_ack(stand, 3, ballot, 2);
    stand_pass(stand, stand->config.timing.resend);
    size_t to_three = 0, to_four = 0;
    while (stand_count(stand, WIRE_MESSAGE_ACCEPT) > 0) {
        stand_find(stand, WIRE_MESSAGE_ACCEPT);
        wire_replica to = stand->out.effects[stand->seen - 1].to_replica;
        to_three += to == 3;
        to_four += to == 4;
    }
    ck_assert_uint_ge(to_three, 1);
    ck_assert_uint_eq(to_four, 0);
}
END_TEST

START_TEST(test_proposer_always_sends_one_accept_however_large)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    flood(ballot, 2, 3);
    ck_assert_uint_eq(counters()->withheld_accepts, 0);
    campaign_accepted(stand, 3, ballot, 4); /* late and of no use, but the way is free */
    ck_assert_uint_eq(counters()->stale_votes, 1);
}
END_TEST

/* --- heartbeats ------------------------------------------------------------------------------------- */

START_TEST(test_proposer_sends_heartbeats_to_all)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    size_t sent[5] = {0};
    for (int i = 0; i < 20; i++) {
        stand_pass(stand, stand->config.timing.heartbeat);
        while (stand_count(stand, WIRE_MESSAGE_HEARTBEAT) > 0) {
            const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_HEARTBEAT);
            wire_replica to = stand->out.effects[stand->seen - 1].to_replica;
            ck_assert_uint_eq(m->heartbeat.chosen, 1);
            sent[to]++;
            campaign_ack(stand, to, ballot, m->heartbeat.round);
        }
    }
    stand_forget(stand);
    stand_forget(stand);
    stand->role.ops->wake(stand->role.self, stand->now, &stand->out); /* too early: harmless */
    stand_nothing(stand);
    ck_assert(smr_proposer_leads(stand->role));
    for (wire_replica i = 0; i < 5; i++)
        ck_assert_uint_eq(sent[i], 20);
    ck_assert_uint_ge(counters()->elections, 1);
}
END_TEST

START_TEST(test_proposer_tells_the_api_again_and_again_that_it_leads)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    size_t told = 0;
    for (uint64_t round = 2; round < 42; round++) {
        stand_pass(stand, stand->config.timing.heartbeat);
        told += stand_count(stand, WIRE_MESSAGE_LEADERSHIP);
        stand_forget(stand);
        campaign_ack(stand, 1, ballot, round);
        campaign_ack(stand, 2, ballot, round);
    }
    ck_assert_uint_ge(told, 3);
    ck_assert_uint_le(told, 4);
}
END_TEST

START_TEST(test_proposer_takes_no_heart_from_acks_that_do_not_fit)
{
    struct wire_ballot ballot = campaign_open(stand, 3, 0);
    for (int i = 0; i < 12; i++) {
        stand_pass(stand, stand->config.timing.heartbeat);
        for (wire_replica from = 1; from < 5; from++) {
            campaign_ack(stand, from, BALLOT(ballot.round - 1, 0), 1); /* of another ballot */
            campaign_ack(stand, from, ballot, 1000);                   /* to none it ever sent */
            campaign_ack(stand, from, ballot, 1); /* to one it sent when it began to lead */
        }
    }
    ck_assert(!smr_proposer_leads(stand->role));
    ck_assert_uint_eq(counters()->majority_lost, 1);
}
END_TEST

static wire_slot safe_of_next_heartbeat(void)
{
    stand_pass(stand, stand->config.timing.heartbeat);
    wire_slot safe = stand_find(stand, WIRE_MESSAGE_HEARTBEAT)->heartbeat.safe;
    stand_forget(stand);
    return safe;
}

static void ack_stored(wire_replica from, struct wire_ballot ballot, wire_slot stored)
{
    stand_feed(stand, FROM(ACCEPTOR, from, HEARTBEAT_ACK,
                           .heartbeat_ack = {.ballot = ballot, .round = 1, .stored = stored}));
}

START_TEST(test_proposer_calls_safe_what_every_replica_has_stored)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 40);
    for (wire_replica i = 0; i < 4; i++)
        ack_stored(i, ballot, 30 + i);
    ck_assert_uint_eq(safe_of_next_heartbeat(), 0); /* the last one was not heard */
    ack_stored(4, ballot, 12);
    ck_assert_uint_eq(safe_of_next_heartbeat(), 12);
    ack_stored(4, ballot, 35);
    ack_stored(4, ballot, 13); /* an older one that comes late */
    ck_assert_uint_eq(safe_of_next_heartbeat(), 30);
}
END_TEST

/* --- stepping down ---------------------------------------------------------------------------------- */

START_TEST(test_proposer_steps_down_when_a_majority_is_silent)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    for (uint64_t round = 2; round < 11; round++) {
        stand_pass(stand, stand->config.timing.heartbeat);
        campaign_ack(stand, 1, ballot, round); /* one and itself: two of five */
    }
    submit(1, "a"); /* proposed: the API will leave it in doubt */
    for (uint64_t tag = 2; tag < 5; tag++)
        submit(tag, "b");
    campaign_submit(stand, 9, "waits");
    stand_forget(stand);
    stand_pass(stand, stand->config.timing.heartbeat);
    ck_assert(!smr_proposer_leads(stand->role));
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API, 0);
    ck_assert(!m->leadership.leading && m->leadership.answering);
    ck_assert_int_eq(m->leadership.why, WIRE_LOSS_MAJORITY);
    m = stand_sent(stand, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API, 0);
    ck_assert_uint_eq(m->refused.tag, 9);
    ck_assert_int_eq(m->refused.status, WIRE_STATUS_NOT_LEADER);
    m = stand_sent(stand, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API, 0);
    ck_assert(!m->leadership.leading && ballot_is_none(m->leadership.ballot));
    ck_assert(!m->leadership.answering);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->majority_lost, 1);
}
END_TEST

START_TEST(test_proposer_steps_down_before_a_higher_ballot_and_names_its_leader)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    campaign_nack(stand, 1, ballot, ballot); /* too far behind for a slot: no reason */
    ck_assert(smr_proposer_leads(stand->role));
    campaign_heard(stand, BALLOT(ballot.round + 1, 3), ballot.round + 1);
    ck_assert(!smr_proposer_leads(stand->role));
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_LEADERSHIP);
    ck_assert(!m->leadership.leading);
    stand_forget(stand);
    ck_assert_uint_eq(counters()->step_downs, 1);
    campaign_accepted(stand, 1, ballot, 2);
    ck_assert_uint_eq(counters()->stale_votes, 1);
}
END_TEST

START_TEST(test_proposer_steps_down_when_refused_for_a_higher_ballot)
{
    struct wire_ballot ballot = campaign_open(stand, 0, 0);
    campaign_nack(stand, 4, ballot, BALLOT(ballot.round, 4));
    ck_assert(!smr_proposer_leads(stand->role));
    ck_assert_uint_eq(counters()->step_downs, 1);
}
END_TEST

START_TEST(test_proposer_steps_down_when_its_acceptor_cannot_read_what_is_chosen)
{
    campaign_open(stand, 0, 0);
    stand_feed(stand, FROM(ACCEPTOR, 0, HEARD, .heard = {.fit = false, .heard_ago = 1u << 30}));
    ck_assert(!smr_proposer_leads(stand->role));
}
END_TEST

START_TEST(test_proposer_refuses_calls_while_it_does_not_lead)
{
    campaign_attach(stand, 0, 0);
    campaign_submit(stand, 5, "a");
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API, 0)->refused.tag, 5);
    campaign_read(stand, 6);
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API, 0)->refused.tag, 6);
    stand_settle(stand);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->refused, 2);
}
END_TEST

START_TEST(test_proposer_begins_a_second_leadership_afresh)
{
    struct wire_ballot first = campaign_open(stand, 0, 0);
    submit(1, "lost");
    stand_forget(stand);
    campaign_nack(stand, 4, first, BALLOT(first.round, 4));
    stand_forget(stand);
    struct wire_ballot second = campaign_win(stand, first.round, 1);
    ck_assert(ballot_less(first, second));
    for (wire_replica i = 0; i < 5; i++)
        campaign_accepted(stand, i, first, 2); /* votes for what was proposed before */
    ck_assert_uint_eq(chosen(), 1);
    choose(second, 2);
    ck_assert_uint_eq(chosen(), 2);
    ck_assert_uint_eq(stand_figure(stand, "proposer.rounds_in_flight"), 0);
}
END_TEST

START_TEST(test_proposer_forgets_what_is_queued_when_it_ends)
{
    campaign_win(stand, 0, 0);
    for (uint64_t tag = 0; tag < 200; tag++) {
        campaign_submit(stand, tag, "a");
        campaign_read(stand, 1000 + tag);
    }
    ck_assert_uint_eq(stand_figure(stand, "proposer.queued_commands"), 200);
    ck_assert_uint_eq(stand_figure(stand, "proposer.queued_reads"), 200);
}
END_TEST

Suite *proposer_leading_suite(void)
{
    Suite *suite = suite_create("proposer_leading");
    TCase *tests = tcase_create("proposer_leading");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_test(tests, test_proposer_counts_a_vote_once);
    tcase_add_test(tests, test_proposer_drops_votes_of_another_ballot_or_slot);
    tcase_add_test(tests, test_proposer_never_calls_a_slot_behind_a_hole_chosen);
    tcase_add_test(tests, test_proposer_tells_the_chosen_bar_to_its_acceptor_and_with_the_next_accept);
    tcase_add_test(tests, test_proposer_gathers_what_comes_while_rounds_are_in_flight);
    tcase_add_test(tests, test_proposer_has_two_large_rounds_in_flight);
    tcase_add_test(tests, test_proposer_does_not_hold_full_batches_back);
    tcase_add_test(tests, test_proposer_has_no_more_than_a_window_of_slots_in_flight);
    tcase_add_test(tests, test_proposer_makes_no_batch_larger_than_an_acceptor_takes);
    tcase_add_test(tests, test_proposer_counts_log_time_between_batches_and_at_most_a_second);
    tcase_add_test(tests, test_proposer_opens_with_the_command_it_was_given);
    tcase_add_test(tests, test_proposer_sends_accepts_again_to_those_that_did_not_answer);
    tcase_add_test(tests, test_proposer_withholds_accepts_from_an_acceptor_that_owes_too_many_bytes);
    tcase_add_test(tests, test_proposer_always_sends_one_accept_however_large);
    tcase_add_test(tests, test_proposer_sends_heartbeats_to_all);
    tcase_add_test(tests, test_proposer_tells_the_api_again_and_again_that_it_leads);
    tcase_add_test(tests, test_proposer_takes_no_heart_from_acks_that_do_not_fit);
    tcase_add_test(tests, test_proposer_calls_safe_what_every_replica_has_stored);
    tcase_add_test(tests, test_proposer_steps_down_when_a_majority_is_silent);
    tcase_add_test(tests, test_proposer_steps_down_before_a_higher_ballot_and_names_its_leader);
    tcase_add_test(tests, test_proposer_steps_down_when_refused_for_a_higher_ballot);
    tcase_add_test(tests, test_proposer_steps_down_when_its_acceptor_cannot_read_what_is_chosen);
    tcase_add_test(tests, test_proposer_refuses_calls_while_it_does_not_lead);
    tcase_add_test(tests, test_proposer_begins_a_second_leadership_afresh);
    tcase_add_test(tests, test_proposer_forgets_what_is_queued_when_it_ends);
    suite_add_tcase(suite, tests);
    return suite;
}
