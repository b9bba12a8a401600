/* The applier and its base: a snapshot is taken over between two batches, and a checkpoint made for a peer
 * that has no state. */
#include "smr/applier.h"
#include "smr/image.h"
#include "smr/memory_base.h"
#include "tests/unit/smr/counting_machine.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct smr_base own;

static void setup(void)
{
    own = smr_memory_base_new();
}

static void teardown(void)
{
    smr_memory_base_free(&own);
}

static struct stand *applier_over(struct smr_base *base)
{
    struct smr_config config = stand_config(3);
    struct stand *applier = stand_new(
        &config, smr_applier_new(&config, counting_machine_new_on(base)), (struct smr_log){0});
    stand_forget(applier);
    return applier;
}

static void feed_chosen(struct stand *applier, wire_slot slot)
{
    stand_feed(applier,
               FROM(ACCEPTOR, 0, CHOSEN, .chosen = {.slot = slot}, .payload = batch_of("p")));
    stand_settle(applier);
}

/* A base as a snapshot of that slot would leave it. */
static void become(struct smr_base *base, wire_slot slot, uint64_t count)
{
    struct wire_writer image = {0};
    uint8_t part[8];
    wire_put_u64(part, count);
    struct smr_image head = {.cluster = stand_sender(WIRE_ROLE_APPLIER, 0).cluster,
                             .applied = slot,
                             .log_time_ms = 123,
                             .part = span_of(part, sizeof part)};
    smr_image_encode(&head, &image);
    base->ops->begin(base->self);
    ck_assert_int_eq(base->ops->commit(base->self, wire_writer_span(&image)), WIRE_OK);
    wire_writer_free(&image);
}

START_TEST(test_applier_makes_a_checkpoint_for_a_peer_once_it_has_applied_as_much)
{
    struct smr_config config = stand_config(3);
    config.checkpointing = smr_checkpointing_default();
    struct stand *applier = stand_new(
        &config, smr_applier_new(&config, counting_machine_new_on(&own)), (struct smr_log){0});
    feed_chosen(applier, 1);
    stand_forget(applier);
    stand_feed(applier, FROM(STREAMER, 0, SAVE, .save = {.slot = 2}));
    ck_assert_uint_eq(stand_count(applier, WIRE_MESSAGE_CHECKPOINT), 0);
    feed_chosen(applier, 2);
    stand_feed(applier, FROM(STREAMER, 0, SAVE, .save = {.slot = 2}));
    ck_assert_uint_eq(stand_find(applier, WIRE_MESSAGE_CHECKPOINT)->checkpoint.slot, 2);
    feed_chosen(applier, 3);
    stand_forget(applier);
    stand_feed(applier, FROM(STREAMER, 0, SAVE, .save = {.slot = 2})); /* it is being made */
    ck_assert_uint_eq(stand_count(applier, WIRE_MESSAGE_CHECKPOINT), 0);
    ck_assert_uint_eq(smr_applier_counters(applier->role)->checkpoints_for_peers, 1);
    stand_free(applier);
}
END_TEST

START_TEST(test_applier_stands_still_while_a_snapshot_is_installed)
{
    struct stand *applier = applier_over(&own);
    feed_chosen(applier, 1);
    stand_forget(applier);
    stand_feed(applier, FROM(CHECKPOINTER, 0, STAGED, .staged = {.slot = 9}));
    const struct wire_message *m =
        stand_sent(applier, WIRE_MESSAGE_INSTALL, WIRE_ROLE_CHECKPOINTER, 0);
    ck_assert(m->install.yes);
    feed_chosen(applier, 2); /* not now */
    stand_feed(applier,
               FROM(PROPOSER, 0, READ_AT, .read_at = {.index = 1}, .payload = text_buf("q")));
    stand_nothing(applier);
    become(&own, 9, 77);
    stand_feed(applier, FROM(CHECKPOINTER, 0, INSTALLED, .installed = {.slot = 9}));
    stand_settle(applier);
    stand_find(applier, WIRE_MESSAGE_SKIPPED);
    stand_find(applier, WIRE_MESSAGE_RESULT);
    m = stand_find(applier, WIRE_MESSAGE_APPLIED);
    ck_assert_uint_eq(m->applied.slot, 9);
    ck_assert_uint_eq(m->applied.saved, 9);
    ck_assert_uint_eq(stand_figure(applier, "machine.count"), 77);
    ck_assert_uint_eq(stand_figure(applier, "applier.log_time_ms"), 123);
    feed_chosen(applier, 10);
    ck_assert_uint_eq(smr_applier_applied(applier->role), 10);
    stand_free(applier);
}
END_TEST

START_TEST(test_applier_goes_on_if_nothing_was_installed)
{
    struct stand *applier = applier_over(&own);
    feed_chosen(applier, 1);
    stand_feed(applier, FROM(CHECKPOINTER, 0, STAGED, .staged = {.slot = 9}));
    stand_forget(applier);
    stand_until(applier, WIRE_MESSAGE_INSTALL); /* asked again: it may have got lost */
    stand_feed(applier, FROM(CHECKPOINTER, 0, INSTALLED,
                             .installed = {.slot = 9, .outcome = WIRE_FULL}));
    feed_chosen(applier, 2);
    ck_assert_uint_eq(smr_applier_applied(applier->role), 2);
    stand_forget(applier);
    stand_feed(applier, FROM(CHECKPOINTER, 0, INSTALLED, .installed = {.slot = 9})); /* late */
    ck_assert_uint_eq(smr_applier_applied(applier->role), 2);
    stand_free(applier);
}
END_TEST

START_TEST(test_applier_turns_a_snapshot_down_that_is_not_ahead)
{
    struct stand *applier = applier_over(&own);
    for (wire_slot slot = 1; slot <= 9; slot++)
        feed_chosen(applier, slot);
    stand_forget(applier);
    stand_feed(applier, FROM(CHECKPOINTER, 0, STAGED, .staged = {.slot = 9}));
    ck_assert(!stand_sent(applier, WIRE_MESSAGE_INSTALL, WIRE_ROLE_CHECKPOINTER, 0)->install.yes);
    feed_chosen(applier, 10);
    ck_assert_uint_eq(smr_applier_applied(applier->role), 10);
    stand_free(applier);
}
END_TEST

Suite *takeover_suite(void)
{
    Suite *suite = suite_create("takeover");
    TCase *tests = tcase_create("takeover");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_applier_makes_a_checkpoint_for_a_peer_once_it_has_applied_as_much);
    tcase_add_test(tests, test_applier_stands_still_while_a_snapshot_is_installed);
    tcase_add_test(tests, test_applier_goes_on_if_nothing_was_installed);
    tcase_add_test(tests, test_applier_turns_a_snapshot_down_that_is_not_ahead);
    suite_add_tcase(suite, tests);
    return suite;
}
