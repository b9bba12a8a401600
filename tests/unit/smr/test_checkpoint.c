/* Checkpoints, as applier and checkpointer make them of a machine that counts over a base in
 * memory. */
#include <stdlib.h>

#include "smr/applier.h"
#include "smr/checkpointer.h"
#include "smr/image.h"
#include "smr/memory_base.h"
#include "tests/unit/smr/counting_machine.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"
#include "wire/batch.h"

enum { COMMAND_BYTES = 10 }; /* what a command counts as changed */

/* --- a machine with a base
 * ------------------------------------------------------------------------ */

struct saving {
    uint64_t count;              /* commands applied */
    uint64_t unsaved;            /* of them since the last freeze */
    bool is_frozen;              /* between freeze and thaw */
    const struct smr_base *base; /* where to */
};

static bool disk_is_full; /* the machine finds no room while set */

static enum wire_status saving_apply(void *self, const struct smr_moment *moment, struct span body,
                                     struct wire_writer *answer)
{
    struct saving *machine = self;
    (void)moment, (void)body;
    machine->count++;
    machine->unsaved++;
    wire_write_uint(answer, machine->count);
    return WIRE_STATUS_OK;
}

static uint64_t saving_digest(const void *self)
{
    return ((const struct saving *)self)->count;
}

static void saving_figures(const void *self, struct wire_writer *out)
{
    (void)self, (void)out;
}

static size_t saving_unsaved(const void *self)
{
    return ((const struct saving *)self)->unsaved * COMMAND_BYTES;
}

static void saving_freeze(void *self, struct wire_writer *part)
{
    struct saving *machine = self;
    ck_assert(!machine->is_frozen);
    machine->is_frozen = true;
    machine->unsaved = 0;
    wire_write_uint(part, machine->count);
}

static enum wire_error saving_save(void *self, struct span image)
{
    struct saving *machine = self;
    ck_assert(machine->is_frozen);
    if (disk_is_full)
        return WIRE_FULL;
    machine->base->ops->begin(machine->base->self);
    return machine->base->ops->commit(machine->base->self, image);
}

static void saving_thaw(void *self)
{
    struct saving *machine = self;
    ck_assert(machine->is_frozen);
    machine->is_frozen = false;
}

static bool saving_restore(void *self, struct span part)
{
    struct wire_reader in = wire_reader_of(part);
    uint64_t count = wire_read_uint(&in, UINT64_MAX);
    if (wire_read_end(&in) != WIRE_OK)
        return false;
    ((struct saving *)self)->count = count;
    return true;
}

static struct smr_machine saving_machine_new(const struct smr_base *base)
{
    static const struct smr_machine_ops ops = {
        .classify = counting_machine_classify,
        .apply = saving_apply,
        .digest = saving_digest,
        .figures = saving_figures,
        .destroy = free,
        .unsaved_bytes = saving_unsaved,
        .freeze = saving_freeze,
        .save = saving_save,
        .thaw = saving_thaw,
        .restore = saving_restore,
    };
    struct saving *self = wire_calloc(1, sizeof *self);
    self->base = base;
    return (struct smr_machine){.ops = &ops, .self = self, .base = base};
}

/* --- a replica's two roles
 * ------------------------------------------------------------------------ */

static const struct smr_checkpointing never = {
    .changed_bytes = SIZE_MAX, .log_bytes = SIZE_MAX, .slots = UINT64_MAX};

static struct smr_base base;
static struct stand *stand;  /* the applier */
static struct stand *writer; /* the checkpointer over the same machine */
static uint64_t session;     /* opened in slot 1 */

static void begin_life_of(wire_replica replica, struct smr_checkpointing checkpointing)
{
    struct smr_config config = stand_config(3);
    config.self.replica = replica;
    struct smr_machine machine = saving_machine_new(&base);
    config.checkpointing = checkpointing;
    stand = stand_new(&config, smr_applier_new(&config, machine), (struct smr_log){0});
    writer = stand_new(&config, smr_checkpointer_new(&config, machine), (struct smr_log){0});
}

static void begin_life(struct smr_checkpointing checkpointing)
{
    begin_life_of(0, checkpointing);
}

static void end_life(void)
{
    stand_free(writer);
    stand_free(stand);
}

static void setup(void)
{
    base = smr_memory_base_new();
    disk_is_full = false;
    session = 0;
}

static void teardown(void)
{
    end_life();
    smr_memory_base_free(&base);
}

static void feed(wire_slot slot, const struct wire_command *command)
{
    struct wire_batch head = {.origin = 0, .origin_start = 1, .elapsed_ms = 7};
    struct wire_message m = FROM(ACCEPTOR, 0, CHOSEN, .chosen = {.slot = slot});
    struct wire_writer out = {0};
    wire_command_encode(command, &out);
    struct buf *entry = wire_writer_take(&out);
    m.payload = wire_batch_build(&head, &entry, 1);
    buf_unref(&entry);
    wire_writer_free(&out);
    stand_feed(stand, m);
}

/* Slot 1 opens a session; slot n is write n - 1 in it. */
static void feed_slot(wire_slot slot)
{
    struct wire_command command = {.kind = WIRE_CALL_OPEN, .tag = slot};
    if (slot > 1)
        command = (struct wire_command){.kind = WIRE_CALL_WRITE,
                                        .tag = slot,
                                        .session = session,
                                        .number = slot - 1,
                                        .lowest = slot > 10 ? slot - 10 : 1,
                                        .body = span_text("w")};
    feed(slot, &command);
    if (slot == 1)
        session = stand_find(stand, WIRE_MESSAGE_RESULT)->result.session;
}

/* Slots from..to in one round. */
static void feed_slots(wire_slot from, wire_slot to)
{
    for (wire_slot slot = from; slot <= to; slot++)
        feed_slot(slot);
    stand_forget(stand);
    stand_settle(stand);
}

static void assert_applied(wire_slot slot, wire_slot saved)
{
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_APPLIED, WIRE_ROLE_ACCEPTOR, 0);
    ck_assert_uint_eq(m->applied.slot, slot);
    ck_assert_uint_eq(m->applied.saved, saved);
}

/* The applier wants the state of that slot written; returns the image, with a reference. */
static struct buf *assert_checkpoint(wire_slot slot)
{
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_CHECKPOINT, WIRE_ROLE_CHECKPOINTER, 0);
    struct smr_image image;
    ck_assert_uint_eq(m->checkpoint.slot, slot);
    ck_assert_int_eq(smr_image_decode(buf_span(m->payload), &image), WIRE_OK);
    ck_assert_uint_eq(image.applied, slot);
    return buf_ref(m->payload);
}

/* The checkpointer writes it, or cannot, and its answer goes to the applier. */
static void write_down(wire_slot slot, struct buf **image, enum wire_error outcome)
{
    disk_is_full = outcome == WIRE_FULL;
    stand_feed(writer,
               FROM(APPLIER, 0, CHECKPOINT, .checkpoint = {.slot = slot}, .payload = *image));
    *image = NULL;
    const struct wire_message *m =
        stand_sent(writer, WIRE_MESSAGE_CHECKPOINTED, WIRE_ROLE_APPLIER, 0);
    ck_assert_uint_eq(m->checkpointed.slot, slot);
    ck_assert_int_eq(m->checkpointed.outcome, outcome);
    stand_nothing(writer);
    stand_feed(stand, FROM(CHECKPOINTER, 0, CHECKPOINTED,
                           .checkpointed = {.slot = slot, .outcome = (uint8_t)outcome}));
}

static const struct smr_counters *counters(void)
{
    return smr_applier_counters(stand->role);
}

/* --- when
 * ----------------------------------------------------------------------------------------- */

START_TEST(test_checkpoint_begins_when_enough_has_changed)
{
    struct smr_checkpointing when = never;
    when.changed_bytes = 5 * COMMAND_BYTES;
    begin_life(when);
    stand_forget(stand);
    feed_slots(1, 5); /* four writes */
    assert_applied(5, 0);
    stand_nothing(stand);
    feed_slots(6, 6);
    struct buf *image = assert_checkpoint(6);
    assert_applied(6, 0);
    stand_nothing(stand);
    buf_unref(&image);
}
END_TEST

START_TEST(test_checkpoint_begins_when_enough_slots_were_applied)
{
    struct smr_checkpointing when = never;
    when.slots = 8;
    begin_life(when);
    stand_forget(stand);
    feed_slots(1, 7);
    assert_applied(7, 0);
    stand_nothing(stand);
    feed_slots(8, 12);
    struct buf *image = assert_checkpoint(12);
    assert_applied(12, 0);
    write_down(12, &image, WIRE_OK);
    feed_slots(13, 19);
    assert_applied(19, 12);
    stand_nothing(stand);
    feed_slots(20, 20);
    image = assert_checkpoint(20);
    buf_unref(&image);
}
END_TEST

/* Else all replicas would write checkpoints at the same time, and nobody were left to answer. */
START_TEST(test_checkpoint_of_each_replica_has_its_turn)
{
    static const wire_slot first[] = {9, 6, 3};
    struct smr_checkpointing when = never;
    when.slots = 9;
    for (wire_replica replica = 0; replica < 3; replica++) {
        if (replica > 0)
            end_life();
        begin_life_of(replica, when);
        wire_slot slot = 0;
        while (stand_count(stand, WIRE_MESSAGE_CHECKPOINT) == 0) {
            stand_forget(stand);
            ck_assert_uint_lt(slot, 9);
            slot++;
            stand_feed(stand, FROM(ACCEPTOR, replica, CHOSEN, .chosen.slot = slot,
                                   .payload = batch_of("w")));
            stand_settle(stand);
        }
        ck_assert_uint_eq(slot, first[replica]);
    }
}
END_TEST

/* Slot `slot` alone; `behind`: many more are to come. */
static void feed_behind(wire_slot slot, bool behind)
{
    stand_feed(stand, FROM(ACCEPTOR, 0, CHOSEN, .chosen = {.slot = slot, .behind = behind},
                           .payload = batch_of("w")));
    stand_forget(stand);
    stand_settle(stand);
}

/* One would take from it what it needs to come back. */
START_TEST(test_checkpoint_of_who_is_behind_comes_later)
{
    struct smr_checkpointing when = never;
    when.slots = 8;
    begin_life(when);
    wire_slot slot = 0;
    do
        feed_behind(++slot, true);
    while (stand_count(stand, WIRE_MESSAGE_CHECKPOINT) == 0);
    ck_assert_uint_eq(slot, WIRE_CHECKPOINT_BEHIND * when.slots);
    end_life();
    begin_life(when);
    for (slot = 1; slot < 12; slot++)
        feed_behind(slot, true);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_CHECKPOINT), 0);
    feed_behind(slot, false); /* it keeps up again */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_CHECKPOINT), 1);
}
END_TEST

START_TEST(test_checkpoint_begins_when_enough_log_was_applied)
{
    struct smr_checkpointing when = never;
    struct buf *one = batch_of("w");
    when.log_bytes = 20 * one->size;
    begin_life(when);
    wire_slot slot = 0;
    do {
        stand_forget(stand);
        ck_assert_uint_le(slot, 20);
        feed_slots(slot + 1, slot + 1);
        slot++;
    } while (stand_count(stand, WIRE_MESSAGE_CHECKPOINT) == 0);
    ck_assert_uint_ge(slot, 10);
    struct buf *image = assert_checkpoint(slot);
    assert_applied(slot, 0);
    write_down(slot, &image, WIRE_OK);
    stand_settle(stand);
    assert_applied(slot, slot);
    feed_slots(slot + 1, slot + 5); /* counted from the freeze on */
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_CHECKPOINT), 0);
    buf_unref(&one);
}
END_TEST

START_TEST(test_checkpoint_of_an_idle_replica_is_not_made_again)
{
    struct smr_checkpointing always = {0};
    begin_life(always);
    assert_applied(0, 0);
    stand_settle(stand);
    stand_nothing(stand);
    feed_slots(1, 3);
    struct buf *image = assert_checkpoint(3);
    assert_applied(3, 0);
    write_down(3, &image, WIRE_OK);
    stand_settle(stand);
    assert_applied(3, 3);
    stand_settle(stand);
    stand_nothing(stand);
    stand_pass(stand, 10 * WIRE_SECOND);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_CHECKPOINT), 0);
}
END_TEST

START_TEST(test_checkpoint_needs_a_base)
{
    struct smr_config config = stand_config(3);
    begin_life(never);
    struct stand *plain =
        stand_new(&config, smr_applier_new(&config, counting_machine_new()), (struct smr_log){0});
    stand_forget(plain);
    stand_feed(plain, FROM(ACCEPTOR, 0, CHOSEN, .chosen = {.slot = 1}, .payload = batch_of("p")));
    stand_forget(plain);
    stand_settle(plain);
    const struct wire_message *m = stand_sent(plain, WIRE_MESSAGE_APPLIED, WIRE_ROLE_ACCEPTOR, 0);
    ck_assert_uint_eq(m->applied.saved, 1); /* nothing is ever read back from the log */
    stand_nothing(plain);
    stand_free(plain);
}
END_TEST

/* --- how
 * ------------------------------------------------------------------------------------------ */

START_TEST(test_checkpoint_counts_as_saved_only_once_it_is_durable)
{
    struct smr_checkpointing always = {0};
    begin_life(always);
    stand_forget(stand);
    feed_slots(1, 4);
    struct buf *image = assert_checkpoint(4);
    assert_applied(4, 0);
    feed_slots(5, 9); /* goes on while it is written, and begins no other */
    assert_applied(9, 0);
    stand_nothing(stand);
    write_down(4, &image, WIRE_OK);
    stand_settle(stand);
    image = assert_checkpoint(9);
    assert_applied(9, 4);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->checkpoints, 1);
    buf_unref(&image);
}
END_TEST

START_TEST(test_checkpoint_that_finds_no_room_is_tried_again_as_it_was)
{
    struct smr_checkpointing always = {0};
    begin_life(always);
    stand_forget(stand);
    feed_slots(1, 4);
    struct buf *image = assert_checkpoint(4);
    struct buf *first = buf_ref(image);
    assert_applied(4, 0);
    for (int i = 0; i < 3; i++) {
        write_down(4, &image, WIRE_FULL);
        feed_slots(5 + (wire_slot)i, 5 + (wire_slot)i);
        ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_CHECKPOINT), 0);
        stand_forget(stand);
        stand_pass(stand, WIRE_SECOND - 1);
        ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_CHECKPOINT), 0);
        stand_until(stand, WIRE_MESSAGE_CHECKPOINT);
        while (stand_count(stand, WIRE_MESSAGE_APPLIED) > 0 &&
               stand->out.effects[stand->seen].message.type == WIRE_MESSAGE_APPLIED)
            assert_applied(5 + (wire_slot)i, 0);
        image = assert_checkpoint(4);
        ck_assert(span_equal(buf_span(image), buf_span(first)));
        stand_forget(stand);
    }
    write_down(4, &image, WIRE_OK);
    stand_settle(stand);
    image = assert_checkpoint(7);
    assert_applied(7, 4);
    ck_assert_uint_eq(counters()->checkpoints_failed, 3);
    ck_assert_uint_eq(counters()->checkpoints, 1);
    buf_unref(&image);
    buf_unref(&first);
}
END_TEST

/* --- the next life
 * -------------------------------------------------------------------------------- */

START_TEST(test_checkpoint_and_the_tail_of_the_log_make_the_same_state)
{
    struct smr_checkpointing when = never;
    when.slots = 10;
    begin_life(when);
    stand_forget(stand);
    feed_slots(1, 10);
    struct buf *image = assert_checkpoint(10);
    feed_slots(11, 17); /* in no checkpoint */
    write_down(10, &image, WIRE_OK);
    uint64_t digest = smr_applier_digest(stand->role);
    end_life();
    begin_life(when);
    assert_applied(10, 10); /* so the acceptor feeds from there */
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->restores, 1);
    ck_assert_uint_eq(stand_figure(stand, "applier.log_time_ms"), 70);
    feed_slots(11, 17);
    assert_applied(17, 10);
    ck_assert_uint_eq(smr_applier_digest(stand->role), digest);
}
END_TEST

/* Else a write whose answer got lost would count twice. */
START_TEST(test_checkpoint_remembers_what_was_answered)
{
    struct smr_checkpointing always = {0};
    begin_life(always);
    stand_forget(stand);
    feed_slots(1, 5);
    struct buf *image = assert_checkpoint(5);
    write_down(5, &image, WIRE_OK);
    end_life();
    begin_life(always);
    stand_forget(stand);
    struct wire_command again = {.kind = WIRE_CALL_WRITE,
                                 .tag = 99,
                                 .session = session,
                                 .number = 4,
                                 .lowest = 1,
                                 .body = span_text("w")};
    feed(6, &again);
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_RESULT, WIRE_ROLE_API, 0);
    struct wire_reader in = wire_reader_of(buf_span(m->payload));
    ck_assert_uint_eq(wire_read_uint(&in, UINT64_MAX), 4);
    ck_assert_uint_eq(counters()->repeats_answered, 1);
}
END_TEST

START_TEST(test_checkpoint_that_was_never_finished_changes_nothing)
{
    struct smr_checkpointing always = {0};
    begin_life(always);
    stand_forget(stand);
    feed_slots(1, 5);
    struct buf *image = assert_checkpoint(5);
    write_down(5, &image, WIRE_FULL);
    end_life();
    begin_life(always);
    assert_applied(0, 0);
    ck_assert_uint_eq(counters()->restores, 0);
}
END_TEST

static void assert_refused(struct span image)
{
    base.ops->begin(base.self);
    ck_assert_int_eq(base.ops->commit(base.self, image), WIRE_OK);
    begin_life(never);
    ck_assert_int_eq(stand->out.fatal, WIRE_DAMAGED);
    end_life();
}

START_TEST(test_checkpoint_that_makes_no_sense_ends_the_process)
{
    struct smr_image image = {.cluster = stand_sender(WIRE_ROLE_APPLIER, 0).cluster, .applied = 5};
    struct wire_writer bytes = {0}, sessions = {0};
    assert_refused(span_text("no image"));
    smr_image_encode(&image, &bytes); /* a part that the machine does not know */
    assert_refused(wire_writer_span(&bytes));
    wire_write_uint(&sessions, 77);
    image.part = wire_writer_span(&sessions); /* good, but no session */
    image.sessions = wire_writer_span(&sessions);
    wire_writer_clear(&bytes);
    smr_image_encode(&image, &bytes);
    assert_refused(wire_writer_span(&bytes));
    image.sessions = span_of(NULL, 0);
    wire_writer_clear(&bytes);
    smr_image_encode(&image, &bytes);
    base.ops->begin(base.self);
    base.ops->commit(base.self, wire_writer_span(&bytes));
    begin_life(never);
    ck_assert_int_eq(stand->out.fatal, WIRE_OK);
    assert_applied(5, 5);
    wire_writer_free(&bytes);
    wire_writer_free(&sessions);
}
END_TEST

/* Directories that changed places: keys of one partition under the log of another. */
START_TEST(test_checkpoint_of_another_group_ends_the_process)
{
    struct smr_config config = stand_config(3);
    struct smr_checkpointing always = {0};
    begin_life(always);
    stand_forget(stand);
    feed_slots(1, 5);
    struct buf *image = assert_checkpoint(5);
    write_down(5, &image, WIRE_OK);
    for (int i = 0; i < 3; i++) {
        config.self = stand_sender(WIRE_ROLE_APPLIER, (wire_replica)i); /* another replica may */
        config.self.group += i == 1;
        config.self.cluster += i == 2;
        struct stand *other = stand_new(
            &config, smr_applier_new(&config, saving_machine_new(&base)), (struct smr_log){0});
        ck_assert_int_eq(other->out.fatal, i == 0 ? WIRE_OK : WIRE_DAMAGED);
        stand_free(other);
    }
}
END_TEST

Suite *checkpoint_suite(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tests = tcase_create("checkpoint");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_checkpoint_begins_when_enough_has_changed);
    tcase_add_test(tests, test_checkpoint_begins_when_enough_slots_were_applied);
    tcase_add_test(tests, test_checkpoint_of_each_replica_has_its_turn);
    tcase_add_test(tests, test_checkpoint_of_who_is_behind_comes_later);
    tcase_add_test(tests, test_checkpoint_begins_when_enough_log_was_applied);
    tcase_add_test(tests, test_checkpoint_of_an_idle_replica_is_not_made_again);
    tcase_add_test(tests, test_checkpoint_needs_a_base);
    tcase_add_test(tests, test_checkpoint_counts_as_saved_only_once_it_is_durable);
    tcase_add_test(tests, test_checkpoint_that_finds_no_room_is_tried_again_as_it_was);
    tcase_add_test(tests, test_checkpoint_and_the_tail_of_the_log_make_the_same_state);
    tcase_add_test(tests, test_checkpoint_remembers_what_was_answered);
    tcase_add_test(tests, test_checkpoint_that_was_never_finished_changes_nothing);
    tcase_add_test(tests, test_checkpoint_that_makes_no_sense_ends_the_process);
    tcase_add_test(tests, test_checkpoint_of_another_group_ends_the_process);
    suite_add_tcase(suite, tests);
    return suite;
}
