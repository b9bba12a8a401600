/* Leadership changes hands on purpose: the leader's side, the acceptor's, the successor's. */
#include "smr/paxos/acceptor.h"
#include "smr/paxos/proposer.h"
#include "tests/unit/smr/paxos/campaign.h"
#include "tests/unit/smr/suites.h"

enum {
    REPLICAS = 5,
    FIRST_ROUND = 1 /* of heartbeats, sent when it began to lead */
};

static struct stand *stand;
static struct wire_ballot ballot; /* of the leader on the stand */

/* It leads under leases, its opening batch, in slot 1, is chosen, and its time has moved on. */
static void begin_to_lead(wire_time step_down)
{
    struct smr_config config = stand_config(REPLICAS);
    config.reads = SMR_READS_LEASE;
    config.timing.step_down = step_down;
    stand = stand_new(&config, smr_proposer_new(&config), (struct smr_log){0});
    stand_forget(stand);
    ballot = campaign_open(stand, 0, 0);
    stand->now += WIRE_MS; /* what was heard until now does not count */
}

static void setup_leader(void)
{
    begin_to_lead(smr_timing_default().step_down);
}

static void setup_acceptor(void)
{
    stand = stand_acceptor(REPLICAS);
}

static void teardown(void)
{
    stand_free(stand);
}

/* --- the leader ---------------------------------------------------------------------------------- */

static void leave(void)
{
    stand->role.ops->leave(stand->role.self, stand->now, &stand->out);
}

static bool has_left(void)
{
    return stand->role.ops->left(stand->role.self);
}

static void order(enum wire_admin_action action, wire_replica replica)
{
    stand_feed(stand, FROM(API, 0, ADMIN,
                           .admin = {.tag = 77, .action = (uint8_t)action, .replica = replica}));
}

static void assert_order_done(enum wire_admin_outcome outcome)
{
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_ADMIN_DONE);
    ck_assert_uint_eq(m->admin_done.tag, 77);
    ck_assert_str_eq(wire_admin_outcome_text(m->admin_done.outcome),
                     wire_admin_outcome_text(outcome));
}

/* The round of heartbeats that asks who is ready; it goes to all. */
static uint64_t probe(void)
{
    uint64_t round = 0;
    for (wire_replica i = 0; i < REPLICAS; i++)
        round = stand_sent(stand, WIRE_MESSAGE_HEARTBEAT, WIRE_ROLE_ACCEPTOR, i)->heartbeat.round;
    stand_nothing(stand);
    return round;
}

static void answer_probe(wire_replica from, uint64_t round, bool ready)
{
    stand_feed(stand, FROM(ACCEPTOR, from, HEARTBEAT_ACK,
                           .heartbeat_ack = {
                               .ballot = ballot, .round = round, .chosen = 1, .ready = ready}));
}

static void all_ready(uint64_t round)
{
    for (wire_replica i = 0; i < REPLICAS; i++)
        answer_probe(i, round, true);
    stand_settle(stand);
}

static void assert_releases(wire_slot chosen)
{
    for (wire_replica i = 0; i < REPLICAS; i++) {
        const struct wire_message *m =
            stand_sent(stand, WIRE_MESSAGE_RELEASE, WIRE_ROLE_ACCEPTOR, i);
        ck_assert(ballot_equal(m->release.ballot, ballot));
        ck_assert_uint_eq(m->release.chosen, chosen);
    }
    stand_nothing(stand);
    ck_assert(!smr_proposer_leads(stand->role));
}

static void released(wire_replica from, wire_slot chosen)
{
    stand_feed(stand, FROM(ACCEPTOR, from, RELEASED,
                           .released = {.ballot = ballot, .chosen = chosen}));
}

static void assert_succeeds(wire_replica successor)
{
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_SUCCEED, WIRE_ROLE_ACCEPTOR, successor);
    ck_assert(ballot_equal(m->succeed.ballot, ballot));
    stand_nothing(stand);
}

/* Its own acceptor heard the first word of that leader. */
static void elected(wire_replica leader)
{
    campaign_heard(stand, BALLOT(ballot.round + 1, leader), ballot.round + 1);
}

START_TEST(test_leader_drops_its_lease_then_tells_the_acceptors_then_the_successor)
{
    leave();
    all_ready(probe());
    assert_releases(1);
    ck_assert(!smr_proposer_holds_lease(stand->role, stand->now));
    campaign_read(stand, 5);
    stand_settle(stand);
    stand_nothing(stand);
    released(0, 1);
    released(1, 1);
    released(1, 1);
    stand_nothing(stand);
    released(2, 1);
    assert_succeeds(1);
    ck_assert(!has_left());
    elected(1);
    ck_assert(has_left());
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API, 0);
    ck_assert(!m->leadership.leading && m->leadership.answering);
    assert_ballot(m->leadership.ballot, ballot.round + 1, 1);
    ck_assert_int_eq(m->leadership.why, WIRE_LOSS_ENDING);
    m = stand_sent(stand, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API, 0);
    ck_assert_uint_eq(m->refused.tag, 5);
    stand_nothing(stand);
    ck_assert_uint_eq(smr_proposer_counters(stand->role)->hand_overs_done, 1);
}
END_TEST

START_TEST(test_leader_that_hands_over_has_what_is_in_flight_chosen_first)
{
    campaign_submit(stand, 1, "in flight");
    stand_settle(stand);
    stand_forget(stand);
    leave();
    uint64_t round = probe();
    all_ready(round);
    campaign_submit(stand, 2, "waits");
    stand_settle(stand);
    stand_nothing(stand);
    for (wire_replica i = 0; i < 3; i++)
        campaign_accepted(stand, i, ballot, 2);
    stand_settle(stand);
    stand_sent(stand, WIRE_MESSAGE_CHOOSE, WIRE_ROLE_ACCEPTOR, 0);
    assert_releases(2);
    for (wire_replica i = 0; i < 3; i++)
        released(i, 2);
    stand_forget(stand);
    elected(1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_LEADERSHIP), 1); /* nothing is in doubt */
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_REFUSED)->refused.tag, 2);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_leader_that_cannot_get_all_chosen_hands_over_and_says_doubt)
{
    campaign_submit(stand, 1, "never chosen");
    stand_settle(stand);
    stand_forget(stand);
    leave();
    all_ready(probe());
    stand_until(stand, WIRE_MESSAGE_RELEASE);
    for (wire_replica i = 0; i < 3; i++)
        released(i, 1);
    stand_forget(stand);
    elected(1);
    ck_assert(stand_find(stand, WIRE_MESSAGE_LEADERSHIP)->leadership.answering);
    ck_assert(!stand_find(stand, WIRE_MESSAGE_LEADERSHIP)->leadership.answering);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_successor_has_all_that_is_chosen)
{
    leave();
    all_ready(probe());
    assert_releases(1);
    for (wire_replica i = 0; i < 4; i++)
        released(i, 0);
    stand_nothing(stand);
    stand_until(stand, WIRE_MESSAGE_RELEASE); /* those that were behind may have caught up */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASE), REPLICAS);
    stand_forget(stand);
    released(3, 1);
    assert_succeeds(3);
}
END_TEST

START_TEST(test_leader_that_nobody_answers_goes_anyway_when_it_must)
{
    leave();
    probe();
    stand_pass(stand, 2 * stand->config.timing.ask);
    ck_assert(has_left());
    ck_assert(!stand_find(stand, WIRE_MESSAGE_LEADERSHIP)->leadership.leading);
    stand_forget(stand);
    stand_pass(stand, 10 * WIRE_SECOND);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ASK), 0); /* and never campaigns again */
}
END_TEST

START_TEST(test_leader_that_must_go_waits_for_replicas_that_started_lately)
{
    leave();
    uint64_t round = probe();
    for (wire_replica i = 0; i < REPLICAS; i++)
        answer_probe(i, round, false);
    stand_pass(stand, SMR_LEASE_MAX);
    ck_assert(smr_proposer_leads(stand->role));
    round = stand_figure(stand, "proposer.heartbeat_number");
    all_ready(round);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASE), REPLICAS);
}
END_TEST

START_TEST(test_order_that_cannot_be_carried_out_changes_nothing)
{
    order(WIRE_ADMIN_MOVE_LEADER, 3);
    uint64_t round = probe();
    for (wire_replica i = 0; i < REPLICAS; i++)
        answer_probe(i, round, i != 3);
    stand_settle(stand);
    stand_nothing(stand);
    order(WIRE_ADMIN_STEP_DOWN, 0);
    assert_order_done(WIRE_ADMIN_BUSY);
    stand_pass(stand, stand->config.timing.ask);
    assert_order_done(WIRE_ADMIN_UNFIT);
    ck_assert(smr_proposer_leads(stand->role));
    stand_forget(stand);
    campaign_submit(stand, 1, "goes on");
    stand_settle(stand);
    assert_accepts(stand, 2, "goes on");
    order(WIRE_ADMIN_MOVE_LEADER, REPLICAS);
    assert_order_done(WIRE_ADMIN_UNFIT);
    order(WIRE_ADMIN_MOVE_LEADER, 0);
    assert_order_done(WIRE_ADMIN_DONE);
}
END_TEST

START_TEST(test_order_to_move_names_the_successor_and_is_answered_when_it_leads)
{
    order(WIRE_ADMIN_MOVE_LEADER, 3);
    all_ready(probe());
    assert_releases(1);
    for (wire_replica i = 0; i < 3; i++)
        released(i, 1);
    stand_nothing(stand);
    released(3, 1);
    assert_succeeds(3);
    elected(3);
    assert_order_done(WIRE_ADMIN_DONE);
    order(WIRE_ADMIN_STEP_DOWN, 0);
    assert_order_done(WIRE_ADMIN_NOT_LEADER);
}
END_TEST

START_TEST(test_order_fails_when_the_successor_never_speaks)
{
    order(WIRE_ADMIN_STEP_DOWN, 0);
    all_ready(probe());
    assert_releases(1);
    for (wire_replica i = 0; i < 3; i++)
        released(i, 1);
    assert_succeeds(1);
    campaign_nack(stand, 2, ballot, BALLOT(ballot.round + 1, 1)); /* a candidate, not a leader */
    stand_until(stand, WIRE_MESSAGE_SUCCEED); /* it may have been lost */
    stand_forget(stand);
    stand_pass(stand, 2 * stand->config.timing.ask);
    assert_order_done(WIRE_ADMIN_FAILED);
}
END_TEST

START_TEST(test_leader_told_to_end_amid_an_order_goes)
{
    order(WIRE_ADMIN_MOVE_LEADER, 3);
    leave();
    stand_pass(stand, 2 * stand->config.timing.ask);
    assert_order_done(WIRE_ADMIN_FAILED);
    ck_assert(has_left());
}
END_TEST

/* --- the disk ------------------------------------------------------------------------------------- */

/* Lets time pass; of each round of heartbeats the acceptors in `bits` answer. */
static void beat(wire_time time, unsigned bits)
{
    for (wire_time end = stand->now + time; stand->now < end;) {
        stand_pass(stand, stand->config.timing.heartbeat);
        uint64_t round = stand_figure(stand, "proposer.heartbeat_number");
        for (wire_replica i = 0; i < REPLICAS; i++) {
            if ((bits >> i & 1) != 0)
                answer_probe(i, round, true);
        }
        stand_settle(stand);
    }
}

START_TEST(test_leader_whose_disk_stalls_hands_over_and_says_so)
{
    const struct smr_timing *timing = &stand->config.timing;
    beat(timing->stall, 0x1f); /* it idles, and its acceptor answers: nothing */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASE), 0);
    beat(timing->stall - timing->heartbeat, 0x1e);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASE), 0);
    ck_assert_uint_gt(stand_figure(stand, "proposer.commit_outstanding_us"), 0);
    beat(2 * timing->heartbeat, 0x1e);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASE), REPLICAS);
    for (wire_replica i = 1; i < 4; i++)
        released(i, 1);
    stand_forget(stand);
    /* Its own acceptor cannot tell it who leads, so clients are sent to whom it told to. */
    stand_pass(stand, timing->ask);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_LEADERSHIP);
    assert_ballot(m->leadership.ballot, ballot.round + 1, 1);
    ck_assert_int_eq(m->leadership.why, WIRE_LOSS_STALLED);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_LEADERSHIP), 1); /* and what it did is in doubt */
    ck_assert_uint_eq(smr_proposer_counters(stand->role)->stalls, 1);
}
END_TEST

START_TEST(test_leader_stays_when_all_disks_stall)
{
    beat(5 * stand->config.timing.stall, 0); /* one that answers nothing steps down for that */
    ck_assert(!smr_proposer_leads(stand->role));
    ck_assert_uint_eq(smr_proposer_counters(stand->role)->majority_lost, 1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASE), 0);
}
END_TEST

START_TEST(test_lease_is_not_renewed_while_a_commit_is_outstanding)
{
    const struct smr_timing *timing = &stand->config.timing;
    beat(timing->heartbeat, 0x1f);
    ck_assert(smr_proposer_holds_lease(stand->role, stand->now));
    beat(timing->lease / 2 + timing->lease, 0x1e);
    ck_assert(smr_proposer_leads(stand->role));
    ck_assert(!smr_proposer_holds_lease(stand->role, stand->now));
    beat(timing->heartbeat, 0x1f);
    ck_assert(smr_proposer_holds_lease(stand->role, stand->now));
}
END_TEST

START_TEST(test_leader_that_was_stopped_does_not_blame_its_disk)
{
    const struct smr_timing timing = stand->config.timing;
    stand_free(stand);
    begin_to_lead(10 * WIRE_SECOND);
    beat(timing.heartbeat, 0x1f);
    stand_pass(stand, timing.heartbeat); /* a round leaves ... */
    stand->now += timing.stall;          /* ... and the process stands still */
    stand_pass(stand, timing.heartbeat);
    ck_assert(smr_proposer_leads(stand->role));
    ck_assert_uint_eq(smr_proposer_counters(stand->role)->hand_overs, 0);
}
END_TEST

static void heard_full(bool full)
{
    stand_feed(stand, FROM(ACCEPTOR, 0, HEARD, .heard = {.fit = true, .full = full}));
}

/* Acceptors that answer, some of them to say that they are full. */
static void acks_of_full(unsigned full)
{
    uint64_t round = stand_figure(stand, "proposer.heartbeat_number");
    for (wire_replica i = 1; i < REPLICAS; i++) {
        bool is_full = (full >> i & 1) != 0;
        stand_feed(stand, FROM(ACCEPTOR, i, HEARTBEAT_ACK,
                               .heartbeat_ack = {.ballot = ballot,
                                                 .round = round,
                                                 .chosen = 1,
                                                 .ready = !is_full,
                                                 .full = is_full}));
    }
}

static void assert_refused_full(uint64_t tag)
{
    campaign_submit(stand, tag, "no");
    stand_settle(stand);
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API, 0);
    ck_assert_uint_eq(m->refused.tag, tag);
    ck_assert_int_eq(m->refused.status, WIRE_STATUS_FULL);
    stand_nothing(stand);
}

START_TEST(test_leader_refuses_commands_while_its_disk_is_full_and_reads_on)
{
    for (wire_replica i = 1; i < 4; i++)
        answer_probe(i, FIRST_ROUND, false);
    answer_probe(0, FIRST_ROUND, true);
    heard_full(true);
    stand_forget(stand);
    assert_refused_full(1);
    campaign_read(stand, 2);
    stand_settle(stand);
    stand_sent(stand, WIRE_MESSAGE_READ_AT, WIRE_ROLE_APPLIER, 0);
    heard_full(false);
    campaign_submit(stand, 3, "yes");
    stand_settle(stand);
    assert_accepts(stand, 2, "yes");
}
END_TEST

/* The own acceptor says so once, and that may be refused on the way: its answers say it too. */
START_TEST(test_leader_hears_of_room_on_its_disk_with_every_heartbeat)
{
    heard_full(true);
    stand_forget(stand);
    assert_refused_full(1);
    answer_probe(0, FIRST_ROUND, true);
    stand_forget(stand);
    campaign_submit(stand, 2, "yes");
    stand_settle(stand);
    assert_accepts(stand, 2, "yes");
}
END_TEST

START_TEST(test_leader_refuses_commands_while_a_majority_is_full)
{
    acks_of_full(0x06);
    campaign_submit(stand, 1, "yes");
    stand_settle(stand);
    assert_accepts(stand, 2, "yes");
    acks_of_full(0x0e);
    assert_refused_full(2);
    acks_of_full(0x06);
    campaign_submit(stand, 3, "yes");
    stand_settle(stand);
    assert_accepts(stand, 3, "yes");
}
END_TEST

START_TEST(test_full_leader_hands_over_if_others_have_room)
{
    heard_full(true);
    acks_of_full(0x06);
    stand_pass(stand, stand->config.timing.heartbeat);
    ck_assert_uint_eq(smr_proposer_counters(stand->role)->hand_overs, 0);
    acks_of_full(0x02);
    stand_pass(stand, stand->config.timing.heartbeat);
    ck_assert_uint_eq(smr_proposer_counters(stand->role)->full_leaders, 1);
    stand_forget(stand);
    acks_of_full(0x02);
    stand_settle(stand);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASE), REPLICAS);
    stand_forget(stand);
    for (wire_replica i = 0; i < 4; i++)
        released(i, 1);
    assert_succeeds(2); /* 1 is full as well */
}
END_TEST

/* --- the successor ------------------------------------------------------------------------------- */

static void succeed(wire_replica from)
{
    stand_feed(stand,
               FROM(ACCEPTOR, from, SUCCEED,
                    .succeed = {.ballot = BALLOT(ballot.round + 1, 2), .chosen = 999}));
}

START_TEST(test_successor_campaigns_at_once)
{
    elected(2);
    stand_forget(stand);
    succeed(2); /* only the own acceptor may say so */
    stand_nothing(stand);
    succeed(0);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ASK), REPLICAS);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_ASK);
    assert_ballot(m->ask.ballot, ballot.round + 2, 0);
    ck_assert_uint_eq(m->ask.chosen, 999); /* not what it knew when it last led */
    stand_forget(stand);
    succeed(0);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_replica_that_is_ending_does_not_succeed)
{
    elected(2);
    stand_forget(stand);
    leave();
    succeed(0);
    stand_nothing(stand);
    ck_assert(has_left());
}
END_TEST

/* --- the acceptor -------------------------------------------------------------------------------- */

static void heartbeat(uint64_t round, wire_replica leader)
{
    stand_feed(stand, FROM(PROPOSER, leader, HEARTBEAT,
                           .heartbeat = {.ballot = BALLOT(round, leader), .round = 1}));
}

static void release(uint64_t round, wire_replica leader)
{
    stand_feed(stand, FROM(PROPOSER, leader, RELEASE,
                           .release = {.ballot = BALLOT(round, leader)}));
}

static size_t promises(uint64_t round, wire_replica candidate)
{
    stand_forget(stand);
    stand_feed(stand, FROM(PROPOSER, candidate, PREPARE,
                           .prepare = {.ballot = BALLOT(round, candidate), .from = 1}));
    return stand_count(stand, WIRE_MESSAGE_PROMISE);
}

static enum wire_verdict verdict(uint64_t round, wire_replica candidate)
{
    stand_forget(stand);
    stand_feed(stand, FROM(PROPOSER, candidate, ASK, .ask = {.ballot = BALLOT(round, candidate)}));
    return (enum wire_verdict)stand_find(stand, WIRE_MESSAGE_ASKED)->asked.verdict;
}

START_TEST(test_acceptor_lets_go_of_the_lease_and_helps_at_once)
{
    heartbeat(3, 1);
    ck_assert(stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK)->heartbeat_ack.ready);
    ck_assert_int_eq(verdict(4, 2), WIRE_VERDICT_LEADER_LIVES);
    ck_assert_uint_eq(promises(4, 2), 0);
    stand_forget(stand);
    release(3, 1);
    assert_ballot(
        stand_sent(stand, WIRE_MESSAGE_RELEASED, WIRE_ROLE_PROPOSER, 1)->released.ballot, 3, 1);
    heartbeat(3, 1); /* it was sent before, and comes late */
    ck_assert_int_eq(verdict(4, 2), WIRE_VERDICT_YES);
    ck_assert_uint_eq(promises(4, 2), 1);
    ck_assert_uint_eq(smr_acceptor_counters(stand->role)->leases_released, 1);
    stand_forget(stand);
    release(3, 1);
    stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, 1);
}
END_TEST

START_TEST(test_acceptor_keeps_the_lease_of_another_ballot)
{
    heartbeat(3, 1);
    heartbeat(5, 2);
    release(3, 1);
    ck_assert_int_eq(verdict(6, 3), WIRE_VERDICT_LEADER_LIVES);
    ck_assert_uint_eq(promises(6, 3), 0);
    heartbeat(3, 1); /* a deposed leader that does not know: it gets no lease */
    ck_assert_uint_eq(promises(6, 1), 0);
}
END_TEST

START_TEST(test_acceptor_that_just_started_is_not_freed_by_a_release)
{
    stand_restart_acceptor(stand, true);
    stand->now -= smr_lease_granted(SMR_LEASE_MAX);
    stand_forget(stand);
    heartbeat(3, 1);
    ck_assert(!stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK)->heartbeat_ack.ready);
    stand_forget(stand);
    release(3, 1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASED), 0);
    ck_assert_uint_eq(promises(4, 2), 0);
    stand->now += smr_lease_granted(SMR_LEASE_MAX);
    release(3, 1);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_RELEASED), 1);
}
END_TEST

START_TEST(test_acceptor_says_when_its_disk_is_full)
{
    stand->role.ops->room(stand->role.self, stand->now, false, &stand->out);
    ck_assert(stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0)->heard.full);
    heartbeat(3, 1);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK);
    ck_assert(m->heartbeat_ack.full && !m->heartbeat_ack.ready);
    stand->role.ops->room(stand->role.self, stand->now, true, &stand->out);
    ck_assert(!stand_find(stand, WIRE_MESSAGE_HEARD)->heard.full);
    heartbeat(3, 1);
    m = stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK);
    ck_assert(!m->heartbeat_ack.full && m->heartbeat_ack.ready);
}
END_TEST

START_TEST(test_acceptor_tells_its_proposer_to_succeed_unless_it_is_late)
{
    heartbeat(3, 1);
    stand_forget(stand);
    stand_feed(stand, FROM(PROPOSER, 1, SUCCEED, .succeed = {.ballot = BALLOT(3, 1)}));
    assert_ballot(
        stand_sent(stand, WIRE_MESSAGE_SUCCEED, WIRE_ROLE_PROPOSER, 0)->succeed.ballot, 3, 1);
    stand_feed(stand, FROM(PROPOSER, 2, SUCCEED, .succeed = {.ballot = BALLOT(3, 1)}));
    stand_nothing(stand); /* it does not speak for that leader */
    heartbeat(4, 2);
    stand_forget(stand);
    stand_feed(stand, FROM(PROPOSER, 1, SUCCEED, .succeed = {.ballot = BALLOT(3, 1)}));
    stand_nothing(stand);
}
END_TEST

Suite *handover_suite(void)
{
    Suite *suite = suite_create("handover");
    TCase *leader = tcase_create("leader");
    tcase_add_checked_fixture(leader, setup_leader, teardown);
    tcase_add_test(leader, test_leader_drops_its_lease_then_tells_the_acceptors_then_the_successor);
    tcase_add_test(leader, test_leader_that_hands_over_has_what_is_in_flight_chosen_first);
    tcase_add_test(leader, test_leader_that_cannot_get_all_chosen_hands_over_and_says_doubt);
    tcase_add_test(leader, test_successor_has_all_that_is_chosen);
    tcase_add_test(leader, test_leader_that_nobody_answers_goes_anyway_when_it_must);
    tcase_add_test(leader, test_leader_that_must_go_waits_for_replicas_that_started_lately);
    tcase_add_test(leader, test_order_that_cannot_be_carried_out_changes_nothing);
    tcase_add_test(leader, test_order_to_move_names_the_successor_and_is_answered_when_it_leads);
    tcase_add_test(leader, test_order_fails_when_the_successor_never_speaks);
    tcase_add_test(leader, test_leader_told_to_end_amid_an_order_goes);
    tcase_add_test(leader, test_leader_whose_disk_stalls_hands_over_and_says_so);
    tcase_add_test(leader, test_leader_stays_when_all_disks_stall);
    tcase_add_test(leader, test_lease_is_not_renewed_while_a_commit_is_outstanding);
    tcase_add_test(leader, test_leader_that_was_stopped_does_not_blame_its_disk);
    tcase_add_test(leader, test_leader_refuses_commands_while_its_disk_is_full_and_reads_on);
    tcase_add_test(leader, test_leader_hears_of_room_on_its_disk_with_every_heartbeat);
    tcase_add_test(leader, test_leader_refuses_commands_while_a_majority_is_full);
    tcase_add_test(leader, test_full_leader_hands_over_if_others_have_room);
    tcase_add_test(leader, test_successor_campaigns_at_once);
    tcase_add_test(leader, test_replica_that_is_ending_does_not_succeed);
    suite_add_tcase(suite, leader);
    TCase *acceptor = tcase_create("acceptor");
    tcase_add_checked_fixture(acceptor, setup_acceptor, teardown);
    tcase_add_test(acceptor, test_acceptor_lets_go_of_the_lease_and_helps_at_once);
    tcase_add_test(acceptor, test_acceptor_keeps_the_lease_of_another_ballot);
    tcase_add_test(acceptor, test_acceptor_that_just_started_is_not_freed_by_a_release);
    tcase_add_test(acceptor, test_acceptor_says_when_its_disk_is_full);
    tcase_add_test(acceptor, test_acceptor_tells_its_proposer_to_succeed_unless_it_is_late);
    suite_add_tcase(suite, acceptor);
    return suite;
}
