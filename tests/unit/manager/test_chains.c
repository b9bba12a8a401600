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

static bool pulse(struct smr_overseer oracle, wire_time now, wire_replica replica, uint64_t flags)
{
    struct wire_writer body = {0}, answer = {0};
    struct wire_chain_call call = {.op = WIRE_CHAIN_PULSE,
                                   .cluster = 7,
                                   .replica = replica,
                                   .birth = map.servers[replica].birth,
                                   .epoch = chains.chains[0].epoch,
                                   .flags = flags};
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
    tcase_add_test(tests, test_oracle_cuts_a_silent_member_out_after_its_lease);
    tcase_add_test(tests, test_oracle_changes_nothing_when_all_are_silent);
    tcase_add_test(tests, test_oracle_leaves_a_chain_to_one_that_says_it_holds_everything);
    tcase_add_test(tests, test_oracle_takes_a_new_term_after_a_command_in_doubt);
    suite_add_tcase(suite, tests);
    return suite;
}
