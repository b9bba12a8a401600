/* An acceptor and its log: what it keeps in memory, and records that cannot be read. */
#include "smr/memory_log.h"
#include "smr/paxos/acceptor.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

/* --- a log that fails ------------------------------------------------------------------------------- */

static struct smr_log_ops failing_ops; /* those of a memory log, but for what a test replaced */

static enum wire_error damaged_load(void *self, struct wire_hard_state *state, wire_slot *highest)
{
    (void)self, (void)state, (void)highest;
    return WIRE_DAMAGED;
}

static enum wire_error failing_load(void *self, struct wire_hard_state *state, wire_slot *highest)
{
    (void)self, (void)state, (void)highest;
    return WIRE_FAILED;
}

static enum wire_error failing_read(void *self, wire_slot slot, struct smr_log_entry *entry)
{
    (void)self, (void)slot, (void)entry;
    return WIRE_FAILED;
}

static struct stand *stand_over(struct smr_log log)
{
    struct smr_config config = stand_config(3);
    return stand_new(&config, smr_acceptor_new(&config, log), log);
}

static struct smr_log memory_log(void)
{
    struct smr_log log = smr_memory_log_new();
    struct wire_hard_state state = {.admitted = true};
    log.ops->put_state(log.self, &state);
    log.ops->commit(log.self);
    return log;
}

static struct smr_log failing_log(void)
{
    struct smr_log log = memory_log();
    failing_ops = *log.ops;
    log.ops = &failing_ops;
    return log;
}

/* Slots from..to of that log, all chosen. */
static void fill(struct smr_log log, wire_slot from, wire_slot to, struct buf *batch)
{
    struct wire_hard_state state = {.admitted = true, .chosen = to};
    for (wire_slot slot = from; slot <= to; slot++) {
        struct smr_log_entry entry = {.slot = slot, .ballot = BALLOT(3, 1), .batch = batch};
        log.ops->put_slot(log.self, &entry);
    }
    log.ops->put_state(log.self, &state);
    log.ops->commit(log.self);
}

static void applied(struct stand *stand, wire_slot slot)
{
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = slot}));
}

static void prepare(struct stand *stand, wire_slot from)
{
    stand_feed(stand, FROM(PROPOSER, 1, PREPARE,
                           .prepare = {.ballot = BALLOT(9, 1), .from = from}));
}

START_TEST(test_acceptor_with_damaged_hard_state_does_not_vote)
{
    struct smr_log log = failing_log();
    failing_ops.load = damaged_load;
    struct stand *stand = stand_over(log);
    ck_assert_int_eq(stand->out.fatal, WIRE_DAMAGED);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_with_an_unreadable_log_ends)
{
    struct smr_log log = failing_log();
    failing_ops.load = failing_load;
    struct stand *stand = stand_over(log);
    ck_assert_int_eq(stand->out.fatal, WIRE_FAILED);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_never_takes_a_failed_read_for_an_empty_slot)
{
    struct smr_log log = failing_log();
    struct buf *batch = batch_of("x");
    fill(log, 1, 3, batch);
    failing_ops.read = failing_read;
    struct stand *stand = stand_over(log);
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = BALLOT(9, 1), .slot = 5},
                           .payload = batch_of("y")));
    ck_assert_int_eq(stand->out.fatal, WIRE_OK); /* past the highest there is nothing to read */
    stand_forget(stand);
    prepare(stand, 1);
    ck_assert_int_eq(stand->out.fatal, WIRE_FAILED);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 0);
    stand_free(stand);
    buf_unref(&batch);
}
END_TEST

START_TEST(test_acceptor_does_not_accept_over_a_slot_it_cannot_read)
{
    struct smr_log log = failing_log();
    struct smr_log_entry entry = {.slot = 4, .ballot = BALLOT(3, 1), .batch = batch_of("x")};
    log.ops->put_slot(log.self, &entry);
    log.ops->commit(log.self);
    buf_unref(&entry.batch);
    failing_ops.read = failing_read;
    struct stand *stand = stand_over(log);
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = BALLOT(9, 1), .slot = 4},
                           .payload = batch_of("y")));
    ck_assert_int_eq(stand->out.fatal, WIRE_FAILED);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_ACCEPTED), 0);
    stand_free(stand);
}
END_TEST

/* --- damaged records ---------------------------------------------------------------------------------- */

/* Three chosen slots, of which one is damaged, and an applier that has applied none. */
static struct stand *stand_with_damage(uint8_t replica_count, wire_slot slot)
{
    struct smr_config config = stand_config(replica_count);
    struct smr_log log = memory_log();
    struct buf *batch = batch_of("x");
    fill(log, 1, 3, batch);
    buf_unref(&batch);
    smr_memory_log_damage(log, slot);
    return stand_new(&config, smr_acceptor_new(&config, log), log);
}

START_TEST(test_acceptor_makes_no_promise_over_a_damaged_vote)
{
    struct stand *stand = stand_with_damage(3, 2);
    prepare(stand, 1);
    stand_nothing(stand);
    ck_assert_uint_ge(smr_acceptor_counters(stand->role)->damaged_slots, 1);
    assert_ballot(smr_acceptor_promised(stand->role), 0, 0);
    prepare(stand, 3); /* that slot is not asked for: everything can be told */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_PROMISE), 1);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_repairs_a_damaged_chosen_slot_from_a_peer)
{
    struct stand *stand = stand_with_damage(3, 2);
    applied(stand, 0);
    stand_settle(stand);
    ck_assert_uint_eq(
        stand_sent(stand, WIRE_MESSAGE_CHOSEN, WIRE_ROLE_APPLIER, 0)->chosen.slot, 1);
    ck_assert(!stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0)->heard.fit);
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_LEARN, WIRE_ROLE_ACCEPTOR, 1)->learn.from, 2);
    stand_settle(stand); /* the question is on its way */
    stand_nothing(stand);
    stand_feed(stand, FROM(ACCEPTOR, 1, LEARNED, .learned = {.from = 2, .chosen = 3},
                           .payload = ENTRIES({2, BALLOT(3, 1), true, "x"})));
    const struct smr_log_entry *entry = stand_put_slot(stand);
    ck_assert(entry->slot == 2 && entry->learned);
    ck_assert(stand_sent(stand, WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, 0)->heard.fit);
    stand_settle(stand);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_CHOSEN)->chosen.slot, 2);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_CHOSEN)->chosen.slot, 3);
    stand_nothing(stand);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_asks_the_next_peer_if_one_cannot_repair)
{
    struct stand *stand = stand_with_damage(3, 2);
    applied(stand, 0);
    stand_settle(stand);
    stand_forget(stand);
    stand_feed(stand, FROM(ACCEPTOR, 1, LEARNED, .learned = {.from = 2, .chosen = 1},
                           .payload = no_bytes()));
    stand_nothing(stand);
    stand_until(stand, WIRE_MESSAGE_LEARN);
    ck_assert_uint_eq(stand_sent(stand, WIRE_MESSAGE_LEARN, WIRE_ROLE_ACCEPTOR, 2)->learn.from, 2);
    stand_free(stand);
}
END_TEST

/* Perhaps nobody else knows that the slot is chosen. What is in a checkpoint is got by a snapshot. */
START_TEST(test_acceptor_calls_a_damaged_slot_cut_once_it_is_in_a_checkpoint)
{
    static const wire_slot saved[] = {1, 2};
    static const wire_slot cut[] = {0, 2};
    for (int i = 0; i < 2; i++) {
        struct stand *stand = stand_with_damage(3, 2);
        stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = 2, .saved = saved[i]}));
        stand_forget(stand);
        stand_feed(stand, FROM(LEARNER, 1, LEARN, .learn = {.from = 2}));
        const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_LEARNED, WIRE_ROLE_LEARNER, 1);
        ck_assert_uint_eq(m->learned.cut, cut[i]);
        ck_assert_uint_eq(m->payload->size, 0);
        stand_feed(stand, FROM(LEARNER, 1, LEARN, .learn = {.from = 1})); /* what is left is taught */
        m = stand_sent(stand, WIRE_MESSAGE_LEARNED, WIRE_ROLE_LEARNER, 1);
        ck_assert_uint_eq(m->learned.cut, 0);
        ck_assert_uint_gt(m->payload->size, 0);
        stand_free(stand);
    }
}
END_TEST

START_TEST(test_acceptor_alone_ends_if_a_chosen_slot_is_damaged)
{
    struct stand *stand = stand_with_damage(1, 2);
    applied(stand, 0);
    stand_settle(stand);
    ck_assert_int_eq(stand->out.fatal, WIRE_DAMAGED);
    stand_free(stand);
}
END_TEST

/* --- the cache -------------------------------------------------------------------------------------- */

static struct wire_message learn(wire_slot from)
{
    return FROM(LEARNER, 2, LEARN, .learn = {.from = from});
}

START_TEST(test_acceptor_keeps_no_more_than_its_bound_in_memory)
{
    struct stand *stand = stand_over(memory_log());
    struct buf *batch = batch_of_size(1024 * 1024);
    wire_slot count = 2 * WIRE_CACHE_BYTES / batch->size;
    for (wire_slot slot = 1; slot <= count; slot++) {
        stand_feed(stand, FROM(PROPOSER, 1, ACCEPT,
                               .accept = {.ballot = BALLOT(3, 1), .slot = slot},
                               .payload = buf_ref(batch)));
        stand_forget(stand);
        if (slot == count / 2 + 2) /* nothing is durable yet, so nothing may be dropped */
            ck_assert_uint_eq(stand_figure(stand, "acceptor.cache_bytes"), slot * batch->size);
        if (slot > count / 2 + 2)
            stand_commit(stand);
    }
    ck_assert_uint_le(stand_figure(stand, "acceptor.cache_bytes"),
                      WIRE_CACHE_BYTES + batch->size);
    /* What was dropped is read again, and does not drop itself: a promise tells all of it. */
    prepare(stand, 1);
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_PROMISE);
    ck_assert_uint_eq(m->promise.through, 1);
    ck_assert_uint_gt(m->payload->size, batch->size);
    stand_free(stand);
    buf_unref(&batch);
}
END_TEST

START_TEST(test_acceptor_old_slot_does_not_push_a_newer_one_out_of_memory)
{
    struct smr_log log = memory_log();
    struct buf *batch = batch_of("x");
    const wire_slot count = 4096 + 2; /* one place of the cache for slots 1 and 4097 */
    fill(log, 1, count, batch);
    struct stand *stand = stand_over(log);
    stand_feed(stand, learn(4097));
    ck_assert_uint_gt(stand_find(stand, WIRE_MESSAGE_LEARNED)->payload->size, batch->size);
    for (int i = 0; i < 2; i++) {
        stand_feed(stand, learn(1));
        ck_assert_uint_gt(stand_find(stand, WIRE_MESSAGE_LEARNED)->payload->size, batch->size);
    }
    ck_assert_uint_gt(smr_acceptor_counters(stand->role)->taught_slots, 2);
    stand_free(stand);
    buf_unref(&batch);
}
END_TEST

START_TEST(test_acceptor_goes_on_from_the_bar_it_stored)
{
    struct smr_log log = memory_log();
    struct buf *batch = batch_of("x");
    fill(log, 1, 5, batch);
    buf_unref(&batch);
    struct stand *stand = stand_over(log);
    ck_assert_uint_eq(smr_acceptor_chosen(stand->role), 5);
    applied(stand, 3);
    stand_settle(stand);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_CHOSEN)->chosen.slot, 4);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_CHOSEN)->chosen.slot, 5);
    stand_nothing(stand);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_asks_for_what_its_bar_covers_and_its_log_has_not)
{
    struct smr_log log = memory_log();
    struct wire_hard_state state = {.admitted = true, .chosen = 2};
    log.ops->put_state(log.self, &state);
    log.ops->commit(log.self);
    struct stand *stand = stand_over(log);
    ck_assert_uint_eq(stand_figure(stand, "acceptor.highest_slot"), 2);
    applied(stand, 0);
    stand_settle(stand);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_LEARN)->learn.from, 1);
    stand_free(stand);
}
END_TEST

/* --- cutting ------------------------------------------------------------------------------------ */

static void applied_and_saved(struct stand *stand, wire_slot slot, wire_slot saved)
{
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = slot, .saved = saved}));
}

static void heartbeat(struct stand *stand, wire_slot safe)
{
    stand_feed(stand, FROM(PROPOSER, 1, HEARTBEAT,
                           .heartbeat = {.ballot = BALLOT(3, 1), .safe = safe}));
}

/* Something is put, so that a commit happens anyway; then the round is over. */
static void put_and_settle(struct stand *stand, wire_slot slot)
{
    stand_feed(stand, FROM(PROPOSER, 1, ACCEPT, .accept = {.ballot = BALLOT(3, 1), .slot = slot},
                           .payload = batch_of("x")));
    stand_forget(stand);
    stand_settle(stand);
}

/* An acceptor with `count` slots, all chosen and applied, that keeps `tail` of them behind its checkpoint. */
static struct stand *stand_with_tail_of(wire_slot count, uint64_t tail, uint64_t tail_bytes)
{
    struct smr_config config = stand_config(3);
    config.checkpointing.tail_slots = tail;
    config.checkpointing.tail_bytes = tail_bytes;
    struct smr_log log = memory_log();
    struct buf *batch = batch_of("x");
    fill(log, 1, count, batch);
    buf_unref(&batch);
    struct stand *stand = stand_new(&config, smr_acceptor_new(&config, log), log);
    applied(stand, count);
    stand_forget(stand);
    return stand;
}

static struct stand *stand_with_tail(wire_slot count, uint64_t tail)
{
    return stand_with_tail_of(count, tail, 0);
}

START_TEST(test_acceptor_cuts_what_is_saved_here_and_stored_everywhere)
{
    struct stand *stand = stand_with_tail(30, 20);
    applied_and_saved(stand, 30, 20);
    put_and_settle(stand, 31);
    stand_nothing(stand); /* a peer may still want it */
    heartbeat(stand, 18);
    put_and_settle(stand, 32);
    ck_assert_uint_eq(stand_cut(stand), 18);
    ck_assert_uint_eq(stand_put_state(stand)->cut, 18);
    stand_nothing(stand);
    stand_commit(stand);
    put_and_settle(stand, 33);
    stand_nothing(stand);
    heartbeat(stand, 30); /* now the own checkpoint holds it up */
    put_and_settle(stand, 34);
    ck_assert_uint_eq(stand_cut(stand), 20);
    stand_forget(stand);
    heartbeat(stand, 3); /* an older one that comes late */
    put_and_settle(stand, 35);
    stand_nothing(stand);
    ck_assert_uint_eq(stand_figure(stand, "acceptor.cut_slot"), 20);
    stand_free(stand);
}
END_TEST

/* A replica that is down must not make everybody's disk grow. */
START_TEST(test_acceptor_cuts_behind_its_checkpoint_but_for_a_tail)
{
    struct stand *stand = stand_with_tail(30, 5);
    applied_and_saved(stand, 30, 20);
    put_and_settle(stand, 31);
    ck_assert_uint_eq(stand_cut(stand), 15);
    stand_forget(stand);
    put_and_settle(stand, 32);
    stand_nothing(stand);
    stand_free(stand);
}
END_TEST

/* ... nor a tail of a few large slots. */
START_TEST(test_acceptor_keeps_no_tail_of_a_log_that_is_too_large)
{
    struct stand *stand = stand_with_tail_of(30, 25, 100);
    applied_and_saved(stand, 30, 20);
    put_and_settle(stand, 31);
    ck_assert_uint_eq(stand_cut(stand), 20);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_holds_the_log_behind_a_snapshot_on_its_way)
{
    struct stand *stand = stand_with_tail(30, 5);
    applied_and_saved(stand, 30, 20);
    stand_feed(stand, FROM(STREAMER, 0, STREAMING, .streaming = {.slot = 12}));
    put_and_settle(stand, 31);
    ck_assert_uint_eq(stand_cut(stand), 12);
    stand_forget(stand);
    put_and_settle(stand, 32);
    stand_nothing(stand);
    stand_pass(stand, WIRE_HOLD_MS * WIRE_MS); /* and not for ever */
    put_and_settle(stand, 33);
    ck_assert_uint_eq(stand_cut(stand), 15);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_cuts_nothing_that_it_does_not_know_chosen)
{
    struct stand *stand = stand_with_tail(20, 0);
    put_and_settle(stand, 21);
    put_and_settle(stand, 22);
    stand_commit(stand);
    applied_and_saved(stand, 20, 20);
    heartbeat(stand, 22);
    put_and_settle(stand, 23);
    ck_assert_uint_eq(stand_cut(stand), 20);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_cuts_only_with_a_commit_and_a_part_at_a_time)
{
    struct stand *stand = stand_with_tail(3 * WIRE_CUT_SLOTS, 3 * WIRE_CUT_SLOTS);
    applied_and_saved(stand, 3 * WIRE_CUT_SLOTS, 3 * WIRE_CUT_SLOTS);
    heartbeat(stand, WIRE_CUT_SLOTS + 7);
    stand_forget(stand);
    stand_settle(stand);
    stand_nothing(stand);
    put_and_settle(stand, 3 * WIRE_CUT_SLOTS + 1);
    ck_assert_uint_eq(stand_cut(stand), WIRE_CUT_SLOTS);
    stand_forget(stand);
    put_and_settle(stand, 3 * WIRE_CUT_SLOTS + 2);
    ck_assert_uint_eq(stand_cut(stand), WIRE_CUT_SLOTS + 7);
    stand_forget(stand);
    ck_assert_uint_eq(smr_acceptor_counters(stand->role)->cut_slots, WIRE_CUT_SLOTS + 7);
    prepare(stand, 1); /* whoever asks for what is gone is told so */
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_PROMISE)->promise.cut, WIRE_CUT_SLOTS + 7);
    stand_feed(stand, learn(1));
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_LEARNED);
    ck_assert_uint_eq(m->learned.cut, WIRE_CUT_SLOTS + 7);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_tells_the_leader_what_it_has_stored_once_it_is_durable)
{
    struct stand *stand = stand_with_tail(3, 0);
    heartbeat(stand, 0); /* no checkpoint is known yet */
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK)->heartbeat_ack.stored, 0);
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = 3, .saved = 3}));
    heartbeat(stand, 0);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK)->heartbeat_ack.stored, 3);
    put_and_settle(stand, 4);
    stand_feed(stand, FROM(PROPOSER, 1, HEARTBEAT,
                           .heartbeat = {.ballot = BALLOT(3, 1), .chosen = 4}));
    const struct wire_message *m = stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK);
    ck_assert_uint_eq(m->heartbeat_ack.chosen, 4);
    ck_assert_uint_eq(m->heartbeat_ack.stored, 3);
    put_and_settle(stand, 5); /* the bar rides along */
    heartbeat(stand, 0);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK)->heartbeat_ack.stored, 3);
    stand_commit(stand);
    stand_feed(stand, FROM(APPLIER, 0, APPLIED, .applied = {.slot = 4, .saved = 4}));
    heartbeat(stand, 0);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_HEARTBEAT_ACK)->heartbeat_ack.stored, 4);
    stand_free(stand);
}
END_TEST

START_TEST(test_acceptor_alone_ends_if_the_state_is_older_than_its_log)
{
    struct smr_log log = memory_log();
    struct wire_hard_state state = {.admitted = true, .chosen = 20, .cut = 10};
    log.ops->put_state(log.self, &state);
    log.ops->commit(log.self);
    struct smr_config config = stand_config(1);
    struct stand *stand = stand_new(&config, smr_acceptor_new(&config, log), log);
    applied(stand, 9);
    ck_assert_int_eq(stand->out.fatal, WIRE_DAMAGED);
    stand_free(stand);
}
END_TEST

Suite *acceptor_log_suite(void)
{
    Suite *suite = suite_create("acceptor_log");
    TCase *tests = tcase_create("acceptor_log");
    tcase_add_test(tests, test_acceptor_with_damaged_hard_state_does_not_vote);
    tcase_add_test(tests, test_acceptor_with_an_unreadable_log_ends);
    tcase_add_test(tests, test_acceptor_never_takes_a_failed_read_for_an_empty_slot);
    tcase_add_test(tests, test_acceptor_does_not_accept_over_a_slot_it_cannot_read);
    tcase_add_test(tests, test_acceptor_makes_no_promise_over_a_damaged_vote);
    tcase_add_test(tests, test_acceptor_repairs_a_damaged_chosen_slot_from_a_peer);
    tcase_add_test(tests, test_acceptor_asks_the_next_peer_if_one_cannot_repair);
    tcase_add_test(tests, test_acceptor_calls_a_damaged_slot_cut_once_it_is_in_a_checkpoint);
    tcase_add_test(tests, test_acceptor_alone_ends_if_a_chosen_slot_is_damaged);
    tcase_add_test(tests, test_acceptor_keeps_no_more_than_its_bound_in_memory);
    tcase_add_test(tests, test_acceptor_old_slot_does_not_push_a_newer_one_out_of_memory);
    tcase_add_test(tests, test_acceptor_goes_on_from_the_bar_it_stored);
    tcase_add_test(tests, test_acceptor_asks_for_what_its_bar_covers_and_its_log_has_not);
    tcase_add_test(tests, test_acceptor_cuts_what_is_saved_here_and_stored_everywhere);
    tcase_add_test(tests, test_acceptor_cuts_behind_its_checkpoint_but_for_a_tail);
    tcase_add_test(tests, test_acceptor_keeps_no_tail_of_a_log_that_is_too_large);
    tcase_add_test(tests, test_acceptor_holds_the_log_behind_a_snapshot_on_its_way);
    tcase_add_test(tests, test_acceptor_cuts_nothing_that_it_does_not_know_chosen);
    tcase_add_test(tests, test_acceptor_cuts_only_with_a_commit_and_a_part_at_a_time);
    tcase_add_test(tests, test_acceptor_tells_the_leader_what_it_has_stored_once_it_is_durable);
    tcase_add_test(tests, test_acceptor_alone_ends_if_the_state_is_older_than_its_log);
    suite_add_tcase(suite, tests);
    return suite;
}
