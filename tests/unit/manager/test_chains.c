/* The chains in the managers' state, and the oracle that changes them. */
#include <check.h>
#include "manager/chains.h"
#include "manager/oracle.h"
#include "tests/unit/manager/suites.h"

static struct wire_map map;
static struct chains chains;

/* One partition of three replicas whose first disks are registered, and term 5 is taken. */
static void begin(void)
{
    map = (struct wire_map){.cluster = 7, .server_rf = 3, .protocol = WIRE_PROTOCOL_CHAIN};
    map.server_count = 3;
    map.servers = wire_calloc(3, sizeof *map.servers);
    for (int i = 0; i < 3; i++)
        map.servers[i].birth = (struct wire_birth){.generation = 1, .nonce = 10 + (uint64_t)i};
    chains_found(&chains, 1);
    struct wire_chain_call take = {.op = WIRE_CHAIN_TAKE, .term = 5};
    ck_assert_int_eq(chains_run(&chains, &map, &take).verdict, WIRE_CHAIN_OK);
}

static void end(void)
{
    chains_free(&chains);
    wire_map_free(&map);
}

static enum wire_chain_verdict change(uint64_t term, uint64_t epoch, uint64_t drop, uint64_t add)
{
    struct wire_chain_call call = {
        .op = WIRE_CHAIN_CHANGE, .term = term, .epoch = epoch, .drop = drop, .add = add};
    return chains_run(&chains, &map, &call).verdict;
}

START_TEST(test_chains_first_epoch_holds_everything)
{
    begin();
    ck_assert_int_eq(change(5, 0, 0, 7), WIRE_CHAIN_OK);
    const struct wire_chain *chain = &chains.chains[0];
    ck_assert_uint_eq(chain->epoch, 1);
    ck_assert_uint_eq(chain->count, 3);
    ck_assert(chain->members[0].whole && chain->members[2].whole);
    end();
}
END_TEST

START_TEST(test_chains_refuse_another_term_or_epoch)
{
    begin();
    ck_assert_int_eq(change(4, 0, 0, 7), WIRE_CHAIN_REFUSED);
    ck_assert_int_eq(change(5, 1, 0, 7), WIRE_CHAIN_REFUSED);
    ck_assert_int_eq(change(5, 0, 0, 7), WIRE_CHAIN_OK);
    ck_assert_int_eq(change(5, 0, 1, 0), WIRE_CHAIN_REFUSED);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    end();
}
END_TEST

START_TEST(test_chains_keep_one_that_holds_everything)
{
    begin();
    ck_assert_int_eq(change(5, 0, 0, 3), WIRE_CHAIN_OK);
    ck_assert_int_eq(change(5, 1, 3, 0), WIRE_CHAIN_REFUSED);
    ck_assert_int_eq(change(5, 1, 2, 4), WIRE_CHAIN_OK); /* 0, then 2 as the new tail */
    ck_assert(!chains.chains[0].members[1].whole);
    ck_assert_int_eq(change(5, 2, 1, 0), WIRE_CHAIN_REFUSED);
    struct wire_chain_call whole = {.op = WIRE_CHAIN_WHOLE, .term = 5, .epoch = 2, .replica = 2};
    ck_assert_int_eq(chains_run(&chains, &map, &whole).verdict, WIRE_CHAIN_OK);
    ck_assert_int_eq(change(5, 2, 1, 0), WIRE_CHAIN_OK);
    ck_assert_uint_eq(chains.chains[0].members[0].replica, 2);
    end();
}
END_TEST

START_TEST(test_chains_know_registered_disks_only)
{
    begin();
    map.servers[2].birth.generation = 0;
    ck_assert_int_eq(change(5, 0, 0, 7), WIRE_CHAIN_REFUSED);
    struct wire_chain_call pulse = {.op = WIRE_CHAIN_PULSE, .replica = 1, .birth = {1, 11}};
    ck_assert_int_eq(chains_run(&chains, &map, &pulse).verdict, WIRE_CHAIN_OK);
    pulse.birth.nonce = 12;
    ck_assert_int_eq(chains_run(&chains, &map, &pulse).verdict, WIRE_CHAIN_UNKNOWN);
    end();
}
END_TEST

/* Registers the next disk of a replica. */
static void register_next(wire_replica replica)
{
    struct wire_birth *birth = &map.servers[replica].birth;
    *birth = (struct wire_birth){.generation = birth->generation + 1, .nonce = birth->nonce + 100};
}

START_TEST(test_chains_count_those_whose_holders_lost_their_disks)
{
    begin();
    ck_assert_uint_eq(chains_lost(&chains, &map), 0);
    ck_assert_int_eq(change(5, 0, 0, 3), WIRE_CHAIN_OK);
    ck_assert_int_eq(change(5, 1, 2, 4), WIRE_CHAIN_OK); /* 0, and 2 that does not hold everything */
    register_next(2);
    ck_assert_uint_eq(chains_lost(&chains, &map), 0);
    register_next(0);
    ck_assert_uint_eq(chains_lost(&chains, &map), 1);
    ck_assert_int_eq(change(5, 2, 1, 0), WIRE_CHAIN_REFUSED);
    ck_assert_int_eq(change(5, 2, 1, 2), WIRE_CHAIN_REFUSED);
    ck_assert_int_eq(change(5, 2, 1, 1), WIRE_CHAIN_REFUSED);
    ck_assert_int_eq(change(5, 2, 5, 5), WIRE_CHAIN_REFUSED);
    end();
}
END_TEST

START_TEST(test_chains_never_begin_anew_where_others_might_bring_a_replica_back)
{
    begin();
    ck_assert_int_eq(change(5, 0, 0, 1), WIRE_CHAIN_OK);
    register_next(0);
    ck_assert_int_eq(change(5, 1, 1, 1), WIRE_CHAIN_REFUSED);
    ck_assert_uint_eq(chains_lost(&chains, &map), 1);
    end();
}
END_TEST

START_TEST(test_chains_with_one_replica_for_each_begin_anew_on_another_disk)
{
    begin();
    map.server_rf = 1;
    ck_assert_int_eq(change(5, 0, 0, 1), WIRE_CHAIN_OK);
    ck_assert_int_eq(change(5, 1, 1, 1), WIRE_CHAIN_REFUSED); /* it has its disk still */
    register_next(0);
    ck_assert_int_eq(change(5, 1, 1, 1), WIRE_CHAIN_OK);
    ck_assert(chains.chains[0].members[0].whole);
    ck_assert(birth_equal(chains.chains[0].members[0].birth, map.servers[0].birth));
    ck_assert_uint_eq(chains_lost(&chains, &map), 0);
    end();
}
END_TEST

/* --- the oracle ------------------------------------------------------------------------------------ */

/* Has its wish carried out, if it has one; returns which, or WIRE_CHAIN_OPS. */
static enum wire_chain_op grant(struct smr_overseer oracle, wire_time now)
{
    struct wire_writer body = {0}, answer = {0};
    struct wire_chain_call call = {.op = WIRE_CHAIN_OPS};
    oracle.ops->wish(oracle.self, now, &body);
    if (body.size > 0) {
        ck_assert_int_eq(wire_chain_call_decode(wire_writer_span(&body), &call), WIRE_OK);
        struct wire_chain_answer answered = chains_run(&chains, &map, &call);
        wire_chain_answer_encode(&answered, &answer);
        oracle.ops->done(oracle.self, now, WIRE_STATUS_OK, wire_writer_span(&answer));
    }
    wire_writer_free(&body);
    wire_writer_free(&answer);
    return call.op;
}

/* Whom each replica reaches, and how often it was started. */
static uint64_t reached[3] = {7, 7, 7};
static uint64_t starts[3] = {1, 1, 1};

static bool pulse(struct smr_overseer oracle, wire_time now, wire_replica replica, uint64_t flags)
{
    struct wire_writer body = {0}, answer = {0};
    struct wire_chain_call call = {.op = WIRE_CHAIN_PULSE,
                                   .cluster = 7,
                                   .replica = replica,
                                   .birth = map.servers[replica].birth,
                                   .start = starts[replica],
                                   .epoch = chains.chains[0].epoch,
                                   .flags = flags,
                                   .reached = reached[replica]};
    wire_chain_call_encode(&call, &body);
    oracle.ops->asked(oracle.self, now, wire_writer_span(&body));
    struct wire_chain_answer answered = chains_run(&chains, &map, &call);
    wire_chain_answer_encode(&answered, &answer);
    bool said = oracle.ops->answered(oracle.self, now, wire_writer_span(&answer));
    wire_writer_free(&body);
    wire_writer_free(&answer);
    return said;
}

/* Lets time pass, in which those replicas (bit each) ask, with these flags; stops at the first change. */
static wire_time pass_saying(struct smr_overseer oracle, wire_time from, wire_time until,
                             unsigned alive, uint64_t flags)
{
    uint64_t epoch = chains.chains[0].epoch;
    wire_time now = from;
    for (; now < until && chains.chains[0].epoch == epoch; now += SMR_CHAIN_PULSE) {
        for (wire_replica i = 0; i < 3; i++) {
            if ((alive >> i & 1) != 0)
                pulse(oracle, now, i, flags);
        }
        grant(oracle, now);
    }
    return now;
}

static wire_time pass(struct smr_overseer oracle, wire_time from, wire_time until, unsigned alive)
{
    return pass_saying(oracle, from, until, alive, WIRE_PULSE_WHOLE);
}

START_TEST(test_oracle_cuts_a_silent_member_out_after_its_lease)
{
    begin();
    struct smr_overseer oracle = oracle_new(1, 3, 1);
    oracle.ops->lead(oracle.self, 0, true);
    ck_assert(!pulse(oracle, 0, 0, 0)); /* no term is taken yet */
    ck_assert_int_eq(grant(oracle, 0), WIRE_CHAIN_TAKE);
    wire_time formed = pass(oracle, 100 * WIRE_MS, WIRE_SECOND, 7);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    wire_time cut = pass(oracle, formed, formed + 10 * WIRE_SECOND, 3);
    ck_assert_uint_eq(chains.chains[0].count, 2);
    ck_assert_int_ge(cut - formed, SMR_CHAIN_LEASE);
    ck_assert_int_lt(cut - formed, 3 * WIRE_SECOND);
    oracle.ops->destroy(oracle.self);
    end();
}
END_TEST

START_TEST(test_oracle_changes_nothing_when_all_are_silent)
{
    begin();
    struct smr_overseer oracle = oracle_new(1, 3, 1);
    oracle.ops->lead(oracle.self, 0, true);
    ck_assert_int_eq(grant(oracle, 0), WIRE_CHAIN_TAKE);
    wire_time formed = pass(oracle, 100 * WIRE_MS, WIRE_SECOND, 7);
    pass(oracle, formed, formed + 60 * WIRE_SECOND, 0);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    ck_assert_uint_eq(oracle_counters(oracle)->all_silent, 1);
    oracle.ops->destroy(oracle.self);
    end();
}
END_TEST

START_TEST(test_oracle_leaves_a_chain_to_one_that_says_it_holds_everything)
{
    begin();
    struct smr_overseer oracle = oracle_new(1, 3, 1);
    oracle.ops->lead(oracle.self, 0, true);
    ck_assert_int_eq(grant(oracle, 0), WIRE_CHAIN_TAKE);
    wire_time now = pass(oracle, 100 * WIRE_MS, WIRE_SECOND, 7);
    now = pass_saying(oracle, now, now + 60 * WIRE_SECOND, 1, 0); /* it has started again */
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    pass(oracle, now, now + 10 * WIRE_SECOND, 1);
    ck_assert_uint_eq(chains.chains[0].epoch, 2);
    ck_assert_uint_eq(chains.chains[0].count, 1);
    oracle.ops->destroy(oracle.self);
    end();
}
END_TEST

/* An oracle that leads, and a chain of all three, which hold everything, at *now. */
static struct smr_overseer begin_formed(wire_time *now)
{
    begin();
    struct smr_overseer oracle = oracle_new(1, 3, 1);
    oracle.ops->lead(oracle.self, 0, true);
    ck_assert_int_eq(grant(oracle, 0), WIRE_CHAIN_TAKE);
    *now = pass(oracle, 100 * WIRE_MS, WIRE_SECOND, 7);
    return oracle;
}

static void end_formed(struct smr_overseer oracle)
{
    oracle.ops->destroy(oracle.self);
    end();
}

/* One that was wiped is cut out as who it was, and comes back as one that holds nothing. */
START_TEST(test_oracle_cuts_out_a_wiped_member_and_takes_it_back_as_a_joiner)
{
    wire_time now;
    struct smr_overseer oracle = begin_formed(&now);
    struct wire_birth old = map.servers[0].birth;
    register_next(0);
    wire_time cut = pass(oracle, now, now + 10 * WIRE_SECOND, 7);
    const struct wire_chain *chain = &chains.chains[0];
    ck_assert_uint_eq(chain->epoch, 2);
    ck_assert_int_eq(wire_chain_place(chain, 0), -1);
    ck_assert_int_ge(cut - now, SMR_CHAIN_LEASE);
    ck_assert_int_lt(cut - now, 3 * WIRE_SECOND);
    pass_saying(oracle, cut, cut + 10 * WIRE_SECOND, 7, WIRE_PULSE_WHOLE | WIRE_PULSE_READY);
    ck_assert_uint_eq(chain->epoch, 3);
    ck_assert_int_eq(wire_chain_place(chain, 0), 2);
    ck_assert(!birth_equal(chain->members[2].birth, old));
    ck_assert(!chain->members[2].whole);
    end_formed(oracle);
}
END_TEST

START_TEST(test_oracle_leaves_no_chain_to_a_disk_that_took_the_place_of_another)
{
    wire_time now;
    struct smr_overseer oracle = begin_formed(&now);
    register_next(0);
    register_next(1);
    register_next(2);
    pass(oracle, now, now + 60 * WIRE_SECOND, 7); /* they say that they hold everything */
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    ck_assert_uint_eq(chains_lost(&chains, &map), 1);
    end_formed(oracle);
}
END_TEST

START_TEST(test_oracle_hears_no_disk_that_another_one_took_the_place_of)
{
    wire_time now;
    struct smr_overseer oracle = begin_formed(&now);
    struct wire_birth old = map.servers[0].birth;
    register_next(0);
    struct wire_birth next = map.servers[0].birth;
    for (wire_time until = now + 3 * WIRE_SECOND; now < until; now += SMR_CHAIN_PULSE) {
        map.servers[0].birth = old; /* a process on it that has not ended yet */
        pulse(oracle, now, 0, WIRE_PULSE_WHOLE);
        map.servers[0].birth = next;
        for (wire_replica i = 0; i < 3; i++)
            pulse(oracle, now, i, WIRE_PULSE_WHOLE);
        grant(oracle, now);
    }
    ck_assert_uint_eq(chains.chains[0].epoch, 2);
    ck_assert_int_eq(wire_chain_place(&chains.chains[0], 0), -1);
    end_formed(oracle);
}
END_TEST

/* Replica 2 is silent, cut out, and back as the tail. */
static wire_time rejoin_last(struct smr_overseer oracle, wire_time now)
{
    now = pass(oracle, now, now + 10 * WIRE_SECOND, 3);
    return pass_saying(oracle, now, now + WIRE_SECOND, 4, WIRE_PULSE_READY);
}

START_TEST(test_oracle_calls_a_joiner_whole_once_it_says_so)
{
    wire_time now;
    struct smr_overseer oracle = begin_formed(&now);
    now = rejoin_last(oracle, now);
    const struct wire_chain *chain = &chains.chains[0];
    ck_assert_uint_eq(chain->epoch, 3);
    pass_saying(oracle, now, now + WIRE_SECOND, 7, 0);
    ck_assert(!chain->members[2].whole);
    pass(oracle, now + WIRE_SECOND, now + 2 * WIRE_SECOND, 7);
    ck_assert(chain->members[2].whole);
    end_formed(oracle);
}
END_TEST

START_TEST(test_oracle_calls_no_joiner_whole_on_the_word_of_its_next_disk)
{
    wire_time now;
    struct smr_overseer oracle = begin_formed(&now);
    now = rejoin_last(oracle, now);
    register_next(2);
    pass(oracle, now, now + WIRE_SECOND, 7);
    ck_assert_uint_eq(chains.chains[0].count, 3);
    ck_assert(!chains.chains[0].members[2].whole);
    end_formed(oracle);
}
END_TEST

START_TEST(test_oracle_renews_a_chain_of_one_after_the_lease_of_its_old_disk)
{
    begin();
    map.server_rf = 1;
    struct smr_overseer oracle = oracle_new(1, 1, 1);
    oracle.ops->lead(oracle.self, 0, true);
    ck_assert_int_eq(grant(oracle, 0), WIRE_CHAIN_TAKE);
    wire_time now = pass(oracle, 100 * WIRE_MS, WIRE_SECOND, 1);
    register_next(0);
    wire_time renewed = pass(oracle, now, now + 10 * WIRE_SECOND, 1);
    ck_assert_uint_eq(chains.chains[0].epoch, 2);
    ck_assert_int_ge(renewed - now, SMR_CHAIN_LEASE);
    ck_assert(birth_equal(chains.chains[0].members[0].birth, map.servers[0].birth));
    oracle.ops->destroy(oracle.self);
    end();
}
END_TEST

/* A chain of three that has gone on for longer than a lease of an earlier manager. */
static struct smr_overseer formed(wire_time *now)
{
    struct smr_overseer oracle = begin_formed(now);
    *now = pass(oracle, *now, *now + 3 * WIRE_SECOND, 7);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    return oracle;
}

static void dissolve(struct smr_overseer oracle)
{
    for (int i = 0; i < 3; i++) {
        reached[i] = 7;
        starts[i] = 1;
    }
    oracle.ops->destroy(oracle.self);
    end();
}

START_TEST(test_oracle_cuts_out_at_once_who_leaves)
{
    wire_time now, left;
    struct smr_overseer oracle = formed(&now);
    pulse(oracle, now, 1, WIRE_PULSE_LEAVING);
    left = pass(oracle, now, now + WIRE_SECOND, 5);
    ck_assert_int_lt(left - now, WIRE_SECOND);
    ck_assert_uint_eq(chains.chains[0].count, 2);
    ck_assert_int_eq(wire_chain_place(&chains.chains[0], 1), -1);
    ck_assert_uint_eq(oracle_counters(oracle)->members_left, 1);
    dissolve(oracle);
}
END_TEST

START_TEST(test_oracle_keeps_those_that_leave_together)
{
    wire_time now;
    struct smr_overseer oracle = formed(&now);
    for (wire_replica i = 0; i < 2; i++)
        pulse(oracle, now, i, WIRE_PULSE_LEAVING);
    now = pass(oracle, now, now + 2 * WIRE_SECOND, 4);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    pulse(oracle, now, 2, WIRE_PULSE_LEAVING);
    pass(oracle, now, now + 60 * WIRE_SECOND, 0);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    dissolve(oracle);
}
END_TEST

/* A later life holds leases, whatever comes late from an earlier one. */
START_TEST(test_oracle_hears_of_no_leaving_that_a_later_life_knows_nothing_of)
{
    wire_time now;
    struct smr_overseer oracle = formed(&now);
    pulse(oracle, now, 1, WIRE_PULSE_LEAVING);
    starts[1] = 2;
    now = pass(oracle, now, now + WIRE_SECOND, 7);
    starts[1] = 1;
    pulse(oracle, now, 1, WIRE_PULSE_LEAVING);
    starts[1] = 2;
    now = pass(oracle, now, now + WIRE_SECOND, 5);
    pass(oracle, now, now + 2 * WIRE_SECOND, 7);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    dissolve(oracle);
}
END_TEST

START_TEST(test_oracle_of_a_new_term_waits_for_leases_also_of_who_leaves)
{
    wire_time now;
    struct smr_overseer oracle = formed(&now);
    oracle.ops->lead(oracle.self, now, false);
    oracle.ops->lead(oracle.self, now, true);
    ck_assert_int_eq(grant(oracle, now), WIRE_CHAIN_TAKE);
    pulse(oracle, now, 1, WIRE_PULSE_LEAVING);
    now = pass(oracle, now, now + 2 * WIRE_SECOND, 5);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    pass(oracle, now, now + WIRE_SECOND, 5);
    ck_assert_uint_eq(chains.chains[0].epoch, 2);
    dissolve(oracle);
}
END_TEST

/* The head speaks with the managers and with nobody else. */
START_TEST(test_oracle_cuts_out_who_reaches_nobody)
{
    wire_time now, cut;
    struct smr_overseer oracle = formed(&now);
    reached[0] = 1;
    ck_assert(pulse(oracle, now, 0, WIRE_PULSE_WHOLE));
    grant(oracle, now);
    ck_assert(!pulse(oracle, now, 0, WIRE_PULSE_WHOLE)); /* that would be a lease */
    cut = pass(oracle, now, now + 5 * WIRE_SECOND, 7);
    ck_assert_int_ge(cut - now, SMR_CHAIN_LEASE);
    ck_assert_uint_eq(chains.chains[0].count, 2);
    ck_assert_int_eq(wire_chain_place(&chains.chains[0], 0), -1);
    now = pass_saying(oracle, cut, cut + 2 * WIRE_SECOND, 7, WIRE_PULSE_READY | WIRE_PULSE_WHOLE);
    ck_assert_uint_eq(chains.chains[0].epoch, 2); /* not back before it reaches everybody */
    reached[0] = 7;
    pass_saying(oracle, now, now + 2 * WIRE_SECOND, 7, WIRE_PULSE_READY | WIRE_PULSE_WHOLE);
    ck_assert_uint_eq(chains.chains[0].count, 3);
    dissolve(oracle);
}
END_TEST

/* One link is cut, and in one direction only. */
START_TEST(test_oracle_cuts_out_the_further_one_of_two_that_miss_each_other)
{
    wire_time now;
    struct smr_overseer oracle = formed(&now);
    reached[0] = 5;
    pass(oracle, now, now + 5 * WIRE_SECOND, 7);
    ck_assert_uint_eq(chains.chains[0].count, 2);
    ck_assert_int_eq(wire_chain_place(&chains.chains[0], 1), -1);
    dissolve(oracle);
}
END_TEST

START_TEST(test_oracle_forgets_what_was_mended_in_time)
{
    wire_time now;
    struct smr_overseer oracle = formed(&now);
    reached[0] = 1;
    now = pass(oracle, now, now + WIRE_SECOND, 7);
    reached[0] = 7;
    pass(oracle, now, now + 5 * WIRE_SECOND, 7);
    ck_assert_uint_eq(chains.chains[0].epoch, 1);
    ck_assert(pulse(oracle, now, 0, WIRE_PULSE_WHOLE));
    dissolve(oracle);
}
END_TEST

/* What it ordered may be applied later still, so that an answer might grant a lease to one it drops. */
START_TEST(test_oracle_takes_a_new_term_after_a_command_in_doubt)
{
    begin();
    struct smr_overseer oracle = oracle_new(1, 3, 1);
    struct wire_writer body = {0};
    oracle.ops->lead(oracle.self, 0, true);
    oracle.ops->wish(oracle.self, 0, &body);
    ck_assert_uint_gt(body.size, 0);
    oracle.ops->done(oracle.self, 0, WIRE_STATUS_IN_DOUBT, span_of(NULL, 0));
    ck_assert_int_eq(grant(oracle, WIRE_SECOND), WIRE_CHAIN_TAKE);
    for (wire_replica i = 0; i < 3; i++)
        ck_assert(pulse(oracle, WIRE_SECOND, i, 0));
    wire_writer_clear(&body);
    oracle.ops->wish(oracle.self, WIRE_SECOND + 500 * WIRE_MS, &body); /* to form the chain */
    ck_assert_uint_gt(body.size, 0);
    oracle.ops->done(oracle.self, 2 * WIRE_SECOND, WIRE_STATUS_IN_DOUBT, span_of(NULL, 0));
    ck_assert(!pulse(oracle, 2 * WIRE_SECOND, 0, 0));
    ck_assert_int_eq(grant(oracle, 3 * WIRE_SECOND), WIRE_CHAIN_TAKE);
    pass(oracle, 3 * WIRE_SECOND, 4 * WIRE_SECOND, 7);
    ck_assert_uint_eq(chains.chains[0].count, 3);
    wire_writer_free(&body);
    oracle.ops->destroy(oracle.self);
    end();
}
END_TEST

Suite *chains_suite(void)
{
    Suite *suite = suite_create("chains");
    TCase *tests = tcase_create("chains");
    tcase_add_test(tests, test_chains_first_epoch_holds_everything);
    tcase_add_test(tests, test_chains_refuse_another_term_or_epoch);
    tcase_add_test(tests, test_chains_keep_one_that_holds_everything);
    tcase_add_test(tests, test_chains_know_registered_disks_only);
    tcase_add_test(tests, test_chains_count_those_whose_holders_lost_their_disks);
    tcase_add_test(tests, test_chains_never_begin_anew_where_others_might_bring_a_replica_back);
    tcase_add_test(tests, test_chains_with_one_replica_for_each_begin_anew_on_another_disk);
    tcase_add_test(tests, test_oracle_cuts_a_silent_member_out_after_its_lease);
    tcase_add_test(tests, test_oracle_cuts_out_a_wiped_member_and_takes_it_back_as_a_joiner);
    tcase_add_test(tests, test_oracle_leaves_no_chain_to_a_disk_that_took_the_place_of_another);
    tcase_add_test(tests, test_oracle_hears_no_disk_that_another_one_took_the_place_of);
    tcase_add_test(tests, test_oracle_calls_a_joiner_whole_once_it_says_so);
    tcase_add_test(tests, test_oracle_calls_no_joiner_whole_on_the_word_of_its_next_disk);
    tcase_add_test(tests, test_oracle_renews_a_chain_of_one_after_the_lease_of_its_old_disk);
    tcase_add_test(tests, test_oracle_changes_nothing_when_all_are_silent);
    tcase_add_test(tests, test_oracle_leaves_a_chain_to_one_that_says_it_holds_everything);
    tcase_add_test(tests, test_oracle_cuts_out_at_once_who_leaves);
    tcase_add_test(tests, test_oracle_keeps_those_that_leave_together);
    tcase_add_test(tests, test_oracle_hears_of_no_leaving_that_a_later_life_knows_nothing_of);
    tcase_add_test(tests, test_oracle_of_a_new_term_waits_for_leases_also_of_who_leaves);
    tcase_add_test(tests, test_oracle_cuts_out_who_reaches_nobody);
    tcase_add_test(tests, test_oracle_cuts_out_the_further_one_of_two_that_miss_each_other);
    tcase_add_test(tests, test_oracle_forgets_what_was_mended_in_time);
    tcase_add_test(tests, test_oracle_takes_a_new_term_after_a_command_in_doubt);
    suite_add_tcase(suite, tests);
    return suite;
}
