/* The acceptor of a chain: what it refuses, and what must be durable before it says so. */
#include "smr/paxos/acceptor.h"
#include "smr/memory_log.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

/* Replica 0 of three, the head of epoch 3. */
static struct stand *keeper(void)
{
    struct smr_config config = stand_config(3);
    config.protocol = WIRE_PROTOCOL_CHAIN;
    struct smr_log log = smr_memory_log_new();
    struct stand *stand = stand_new(&config, smr_acceptor_new(&config, log), log);
    stand_feed(stand, FROM(PROPOSER, 0, PREPARE, .prepare = {BALLOT(3, 0), .from = 1}));
    stand_settle(stand);
    stand_commit(stand);
    stand_forget(stand);
    return stand;
}

START_TEST(test_keeper_tells_of_an_epoch_once_it_is_durable)
{
    struct stand *stand = keeper();
    stand_feed(stand, FROM(PROPOSER, 0, PREPARE, .prepare = {BALLOT(4, 2), .from = 1}));
    assert_ballot(stand_put_state(stand)->promised, 4, 2);
    stand_sent_durable(stand, WIRE_MESSAGE_PROMISE, WIRE_ROLE_PROPOSER, 0);
    stand_free(stand);
}
END_TEST

START_TEST(test_keeper_refuses_other_epochs)
{
    struct stand *stand = keeper();
    for (uint64_t epoch = 2; epoch <= 4; epoch += 2) {
        stand_feed(stand, FROM(PROPOSER, 2, ACCEPT, .accept = {BALLOT(epoch, 0), .slot = 1},
                               .payload = batch_of("x")));
        stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, 2);
        stand_feed(stand, FROM(PROPOSER, 2, LINK, .link = {BALLOT(epoch, 0), .from = 2}));
        stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, 2);
    }
    stand_nothing(stand);
    ck_assert_uint_eq(smr_acceptor_counters(stand->role)->refused_epochs, 4);
    stand_free(stand);
}
END_TEST

START_TEST(test_keeper_adopts_no_epoch_for_another_replica)
{
    struct stand *stand = keeper();
    stand_feed(stand, FROM(PROPOSER, 2, PREPARE, .prepare = {BALLOT(9, 2), .from = 1}));
    stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, 2);
    assert_ballot(smr_acceptor_promised(stand->role), 3, 0);
    stand_free(stand);
}
END_TEST

START_TEST(test_keeper_tells_both_forwarders_once_a_slot_is_durable)
{
    struct stand *stand = keeper();
    stand_feed(stand, FROM(PROPOSER, 2, ACCEPT, .accept = {BALLOT(3, 0), .slot = 1},
                           .payload = batch_of("x")));
    ck_assert_uint_eq(stand_put_slot(stand)->slot, 1);
    stand_sent_durable(stand, WIRE_MESSAGE_ACCEPTED, WIRE_ROLE_PROPOSER, 2);
    assert_batch(stand_sent_durable(stand, WIRE_MESSAGE_STORED, WIRE_ROLE_PROPOSER, 0)->payload, "x");
    stand_free(stand);
}
END_TEST

START_TEST(test_keeper_tells_what_it_learned_once_that_is_durable)
{
    struct stand *stand = keeper();
    stand_feed(stand, FROM(PROPOSER, 0, CATCH_UP, .catch_up = {.upto = 1, .peer = 2}));
    stand_find(stand, WIRE_MESSAGE_LEARN);
    stand_feed(stand, FROM(ACCEPTOR, 2, LEARNED, .learned = {.from = 1, .chosen = 1},
                           .payload = ENTRIES({1, {2, 0}, true, "x"})));
    stand_put_slot(stand);
    stand_settle(stand);
    stand_find(stand, WIRE_MESSAGE_HEARD);
    const struct smr_effect *heard = &stand->out.effects[stand->seen - 1];
    ck_assert_int_eq(heard->kind, SMR_SEND_DURABLE);
    ck_assert_uint_eq(heard->message.heard.chosen, 1);
    stand_free(stand);
}
END_TEST

START_TEST(test_keeper_answers_greetings_of_its_epoch_itself)
{
    struct stand *stand = keeper();
    stand_feed(stand, FROM(PROPOSER, 2, GREET, .greet = {.ballot = BALLOT(3, 0)}));
    stand_sent(stand, WIRE_MESSAGE_GREETED, WIRE_ROLE_PROPOSER, 2);
    stand_feed(stand, FROM(PROPOSER, 2, GREET, .greet = {.ballot = BALLOT(2, 0)}));
    stand_sent(stand, WIRE_MESSAGE_NACK, WIRE_ROLE_PROPOSER, 2);
    stand_nothing(stand);
    stand_free(stand);
}
END_TEST

static void store(struct stand *stand, wire_slot slot)
{
    stand_feed(stand, FROM(PROPOSER, 2, ACCEPT, .accept = {BALLOT(3, 0), .slot = slot},
                           .payload = batch_of("x")));
    stand_settle(stand);
    stand_commit(stand);
}

static wire_slot cut_of(const struct stand *stand)
{
    struct wire_hard_state state;
    wire_slot highest;
    ck_assert_int_eq(stand->log.ops->load(stand->log.self, &state, &highest), WIRE_OK);
    return state.cut;
}

/* What is not acknowledged may be asked for by a new successor for as long as it likes. */
START_TEST(test_keeper_cuts_behind_its_checkpoint_and_keeps_a_tail)
{
    struct smr_config config = stand_config(3);
    config.protocol = WIRE_PROTOCOL_CHAIN;
    config.checkpointing.tail_slots = 2;
    struct smr_log log = smr_memory_log_new();
    struct stand *stand = stand_new(&config, smr_acceptor_new(&config, log), log);
    stand_feed(stand, FROM(PROPOSER, 0, PREPARE, .prepare = {BALLOT(3, 0), .from = 1}));
    for (wire_slot slot = 1; slot <= 20; slot++)
        store(stand, slot);
    stand_feed(stand, FROM(PROPOSER, 1, CHOOSE, .choose = {BALLOT(3, 0), .chosen = 12}));
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = 12, .saved = 10}));
    store(stand, 21);
    ck_assert_uint_eq(cut_of(stand), 8);
    stand_forget(stand);
    stand_feed(stand, FROM(PROPOSER, 0, PREPARE, .prepare = {BALLOT(4, 2), .from = 13}));
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    ck_assert_uint_eq(m->promise.chosen, 12);
    ck_assert_uint_eq(m->promise.through, 21);
    ck_assert(m->promise.last);
    stand_free(stand);
}
END_TEST

START_TEST(test_keeper_goes_on_from_a_snapshot_with_what_was_stored_behind_it)
{
    struct stand *stand = keeper();
    store(stand, 4); /* the chain is ahead; slots 1 to 3 are cut at everybody */
    stand_forget(stand);
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = 3, .saved = 3}));
    stand_settle(stand);
    ck_assert_uint_eq(stand_cut(stand), 3);
    assert_ballot(stand_put_state(stand)->promised, 3, 0);
    stand_find(stand, WIRE_MESSAGE_HEARD);
    ck_assert_int_eq(stand->out.effects[stand->seen - 1].kind, SMR_SEND_DURABLE);
    stand_commit(stand);
    stand_feed(stand, FROM(PROPOSER, 0, PREPARE, .prepare = {BALLOT(4, 2), .from = 4}));
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    ck_assert_uint_eq(m->promise.chosen, 3);
    ck_assert_uint_gt(m->payload->size, 0); /* slot 4 */
    stand_free(stand);
}
END_TEST

Suite *keeper_suite(void)
{
    Suite *suite = suite_create("keeper");
    TCase *tests = tcase_create("keeper");
    tcase_add_test(tests, test_keeper_tells_of_an_epoch_once_it_is_durable);
    tcase_add_test(tests, test_keeper_refuses_other_epochs);
    tcase_add_test(tests, test_keeper_adopts_no_epoch_for_another_replica);
    tcase_add_test(tests, test_keeper_tells_both_forwarders_once_a_slot_is_durable);
    tcase_add_test(tests, test_keeper_tells_what_it_learned_once_that_is_durable);
    tcase_add_test(tests, test_keeper_cuts_behind_its_checkpoint_and_keeps_a_tail);
    tcase_add_test(tests, test_keeper_goes_on_from_a_snapshot_with_what_was_stored_behind_it);
    tcase_add_test(tests, test_keeper_answers_greetings_of_its_epoch_itself);
    suite_add_tcase(suite, tests);
    return suite;
}
