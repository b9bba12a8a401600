#include "smr/api.h"
#include "tests/unit/smr/counting_machine.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"
#include "wire/batch.h"
#include "wire/figures.h"

static struct stand *stand;

static const struct smr_machine_ops machine = {.classify = counting_machine_classify};

static struct stand *api_new(uint32_t group, bool reads_through_log)
{
    struct smr_config config = stand_config(3);
    config.self.group = group;
    config.reads = reads_through_log ? SMR_READS_LOG : SMR_READS_INDEX;
    return stand_new(&config, smr_api_new(&config, &machine),
                     (struct smr_log){0});
}

static void leadership(bool leading, uint64_t round, wire_replica replica)
{
    stand_feed(stand, FROM(PROPOSER, 0, LEADERSHIP,
                           .leadership = {.leading = leading, .ballot = BALLOT(round, replica)}));
}

static void setup(void)
{
    stand = api_new(0, false);
    leadership(true, 3, 0);
    stand_nothing(stand);
}

static void teardown(void)
{
    stand_free(stand);
}

static const struct smr_counters *counters(void)
{
    return smr_api_counters(stand->role);
}

/* --- clients ------------------------------------------------------------------------------------ */

/* Client 'c' asks under that tag. */
static struct wire_message request(enum wire_call_kind kind, uint64_t tag, const char *body)
{
    struct wire_message m = {.type = WIRE_MESSAGE_REQUEST,
                             .sender = {.cluster = 7, .role = WIRE_ROLE_CLIENT},
                             .client = {.size = 1, .bytes = "c"},
                             .request = {.tag = tag, .kind = (uint8_t)kind}};
    m.payload = text_buf(body);
    return m;
}

static void ask(enum wire_call_kind kind, uint64_t tag, const char *body)
{
    stand_feed(stand, request(kind, tag, body));
}

static const struct wire_message *assert_reply(uint64_t tag, enum wire_status status)
{
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_REPLY, WIRE_ROLE_CLIENT, 0);
    ck_assert_uint_eq(m->client.size, 1);
    ck_assert_uint_eq(m->client.bytes[0], 'c');
    ck_assert_uint_eq(m->reply.tag, tag);
    ck_assert_str_eq(wire_status_text(m->reply.status), wire_status_text(status));
    ck_assert_ptr_nonnull(m->payload);
    return m;
}

/* The call is handed on to be ordered; returns the API's name for it. */
static uint64_t submitted(void)
{
    return stand_sent(stand, WIRE_MESSAGE_SUBMIT, WIRE_ROLE_PROPOSER, 0)->submit.tag;
}

static uint64_t read_handed_on(void)
{
    return stand_sent(stand, WIRE_MESSAGE_READ, WIRE_ROLE_PROPOSER, 0)->read.tag;
}

static void result(uint64_t tag, enum wire_status status, uint64_t session, const char *answer)
{
    stand_feed(stand, FROM(APPLIER, 0, RESULT,
                           .result = {.tag = tag, .status = (uint8_t)status, .session = session},
                           .payload = text_buf(answer)));
}

/* --- what is handed on ---------------------------------------------------------------------------- */

START_TEST(test_api_hands_a_write_on_as_an_entry_of_a_batch)
{
    struct wire_message m = request(WIRE_CALL_WRITE, 5, "word");
    m.request.session = 1024;
    m.request.number = 8;
    m.request.lowest = 6;
    stand_feed(stand, m);
    const struct wire_message *s = stand_sent(stand, WIRE_MESSAGE_SUBMIT, WIRE_ROLE_PROPOSER, 0);
    struct wire_batch head = {0};
    struct buf *entry = s->payload;
    struct buf *bytes = wire_batch_build(&head, &entry, 1);
    struct wire_batch batch = wire_batch_open(buf_span(bytes));
    struct wire_command command;
    ck_assert(wire_batch_next(&batch, &command));
    ck_assert_int_eq(command.kind, WIRE_CALL_WRITE);
    ck_assert_uint_eq(command.tag, s->submit.tag);
    ck_assert_uint_eq(command.session, 1024);
    ck_assert_uint_eq(command.number, 8);
    ck_assert_uint_eq(command.lowest, 6);
    ck_assert(span_equal(command.body, span_text("word")));
    buf_unref(&bytes);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_hands_every_kind_of_call_on_where_it_belongs)
{
    ask(WIRE_CALL_OPEN, 1, "");
    submitted();
    ask(WIRE_CALL_CLOSE, 2, "");
    submitted();
    ask(WIRE_CALL_PLAIN, 3, "p");
    submitted();
    ask(WIRE_CALL_READ, 4, "q");
    read_handed_on();
    stand_nothing(stand);
    ck_assert_uint_eq(smr_api_open_calls(stand->role), 4);
}
END_TEST

START_TEST(test_api_orders_reads_like_writes_if_told_to)
{
    stand_free(stand);
    stand = api_new(0, true);
    leadership(true, 3, 0);
    ask(WIRE_CALL_READ, 4, "q");
    submitted();
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_gives_the_answer_to_whoever_asked_once)
{
    ask(WIRE_CALL_OPEN, 9, "");
    uint64_t tag = submitted();
    result(tag, WIRE_STATUS_OK, 2048, "done");
    const struct wire_message *m = assert_reply(9, WIRE_STATUS_OK);
    ck_assert_uint_eq(m->reply.session, 2048);
    ck_assert_uint_eq(m->reply.leader, 0);
    assert_ballot(m->reply.ballot, 3, 0);
    ck_assert(span_equal(buf_span(m->payload), span_text("done")));
    result(tag, WIRE_STATUS_OK, 2048, "done");
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->results_unclaimed, 1);
    ck_assert_uint_eq(counters()->replies, 1);
    ck_assert_uint_eq(smr_api_open_calls(stand->role), 0);
}
END_TEST

START_TEST(test_api_does_not_take_a_late_answer_for_that_of_a_newer_call)
{
    ask(WIRE_CALL_PLAIN, 1, "p");
    uint64_t first = submitted();
    result(first, WIRE_STATUS_OK, 0, "");
    assert_reply(1, WIRE_STATUS_OK);
    ask(WIRE_CALL_PLAIN, 2, "p");
    uint64_t second = submitted();
    ck_assert_uint_ne(first, second);
    result(first, WIRE_STATUS_OK, 0, "");
    stand_nothing(stand);
    result(UINT64_MAX, WIRE_STATUS_OK, 0, ""); /* no such place */
    stand_nothing(stand);
    result(second, WIRE_STATUS_OK, 0, "");
    assert_reply(2, WIRE_STATUS_OK);
}
END_TEST

/* --- refusals ----------------------------------------------------------------------------------- */

START_TEST(test_api_refusal_is_definite)
{
    leadership(false, 4, 2);
    ask(WIRE_CALL_WRITE, 5, "w");
    const struct wire_message *m = assert_reply(5, WIRE_STATUS_NOT_LEADER);
    ck_assert_uint_eq(m->reply.leader, 2);
    assert_ballot(m->reply.ballot, 4, 2);
    stand_nothing(stand); /* nothing was handed on */
    leadership(false, 0, 0);
    ask(WIRE_CALL_READ, 6, "q");
    ck_assert_uint_eq(assert_reply(6, WIRE_STATUS_NOT_LEADER)->reply.leader, WIRE_NO_REPLICA);
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->requests_refused, 2);
    ck_assert_uint_eq(smr_api_open_calls(stand->role), 0);
}
END_TEST

START_TEST(test_api_refuses_what_is_no_call_of_its_machine)
{
    static const struct {
        enum wire_call_kind kind;
        const char *body;
    } calls[] = {{WIRE_CALL_WRITE, ""},  {WIRE_CALL_WRITE, "q"}, {WIRE_CALL_WRITE, "p"},
                 {WIRE_CALL_READ, "w"},  {WIRE_CALL_READ, "?"},  {WIRE_CALL_PLAIN, "w"},
                 {WIRE_CALL_PLAIN, "?"}, {WIRE_CALL_OPEN, "w"},  {WIRE_CALL_CLOSE, "w"},
                 {WIRE_CALL_KINDS, "w"}, {255, ""}};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        ask(calls[i].kind, i, calls[i].body);
        assert_reply(i, WIRE_STATUS_MALFORMED);
        stand_nothing(stand);
    }
    struct wire_message large = request(WIRE_CALL_WRITE, 99, "");
    uint8_t *fill;
    buf_unref(&large.payload);
    large.payload = buf_new(WIRE_COMMAND_BYTES_MAX + 1, &fill);
    memset(fill, 'w', large.payload->size);
    stand_feed(stand, large);
    assert_reply(99, WIRE_STATUS_MALFORMED);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_refuses_calls_for_another_group_or_cluster)
{
    struct wire_message m = request(WIRE_CALL_READ, 1, "q");
    m.sender.group = 1;
    stand_feed(stand, m);
    assert_reply(1, WIRE_STATUS_WRONG_GROUP);
    m = request(WIRE_CALL_READ, 2, "q");
    m.sender.cluster = 8;
    stand_feed(stand, m);
    assert_reply(2, WIRE_STATUS_WRONG_GROUP);
    m = request(WIRE_CALL_READ, 3, "q");
    m.sender.cluster = 0; /* does not know it yet */
    stand_feed(stand, m);
    read_handed_on();
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_of_managers_takes_calls_whatever_cluster_they_name)
{
    stand_free(stand);
    stand = api_new(WIRE_GROUP_MANAGERS, false);
    leadership(true, 3, 0);
    struct wire_message m = request(WIRE_CALL_READ, 1, "q");
    m.sender.group = WIRE_GROUP_MANAGERS;
    m.sender.cluster = 99;
    stand_feed(stand, m);
    read_handed_on();
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_is_busy_when_it_works_on_too_many_calls)
{
    uint64_t last = 0;
    for (uint64_t i = 0; i < WIRE_API_CALLS_MAX; i++) {
        ask(WIRE_CALL_READ, i, "q");
        last = read_handed_on();
    }
    ask(WIRE_CALL_READ, 9999, "q");
    assert_reply(9999, WIRE_STATUS_BUSY);
    stand_nothing(stand);
    result(last, WIRE_STATUS_OK, 0, "");
    stand_forget(stand);
    ask(WIRE_CALL_READ, 10000, "q");
    read_handed_on();
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_is_busy_when_it_works_on_too_many_bytes)
{
    uint8_t *fill;
    struct buf *large = buf_new(1024 * 1024, &fill);
    memset(fill, 'q', large->size);
    uint64_t last = 0;
    for (uint64_t i = 0; i < WIRE_API_BYTES_MAX / (1024 * 1024) + 1; i++) {
        struct wire_message m = request(WIRE_CALL_READ, i, "");
        buf_unref(&m.payload);
        m.payload = buf_ref(large);
        stand_feed(stand, m);
        if (i < WIRE_API_BYTES_MAX / (1024 * 1024))
            last = read_handed_on();
        else
            assert_reply(i, WIRE_STATUS_BUSY);
    }
    ck_assert_uint_eq(stand_figure(stand, "api.open_bytes"), WIRE_API_BYTES_MAX);
    result(last, WIRE_STATUS_OK, 0, "");
    stand_forget(stand);
    ask(WIRE_CALL_READ, 500, "q");
    read_handed_on();
    buf_unref(&large);
}
END_TEST

START_TEST(test_api_passes_the_refusal_of_the_proposer_on)
{
    ask(WIRE_CALL_PLAIN, 1, "p");
    uint64_t tag = submitted();
    stand_feed(stand, FROM(PROPOSER, 0, REFUSED,
                           .refused = {.tag = tag, .status = WIRE_STATUS_NOT_LEADER}));
    assert_reply(1, WIRE_STATUS_NOT_LEADER);
    ck_assert_uint_eq(smr_api_open_calls(stand->role), 0);
}
END_TEST

/* --- doubt -------------------------------------------------------------------------------------- */

static void assert_doubts(uint64_t write, bool leads_again)
{
    assert_reply(2, WIRE_STATUS_NOT_LEADER); /* a read changes nothing */
    assert_reply(1, WIRE_STATUS_IN_DOUBT);
    stand_nothing(stand);
    result(write, WIRE_STATUS_OK, 0, "");
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->results_unclaimed, 1);
    ck_assert_uint_eq(counters()->calls_in_doubt, 2);
    ask(WIRE_CALL_PLAIN, 3, "p");
    if (leads_again)
        submitted();
    else
        assert_reply(3, WIRE_STATUS_NOT_LEADER);
    stand_nothing(stand);
}

START_TEST(test_api_leaves_writes_in_doubt_when_leadership_ends)
{
    ask(WIRE_CALL_READ, 2, "q");
    read_handed_on();
    ask(WIRE_CALL_PLAIN, 1, "p");
    uint64_t write = submitted();
    leadership(false, 4, 1);
    assert_doubts(write, false);
}
END_TEST

START_TEST(test_api_leaves_writes_in_doubt_when_the_same_replica_leads_anew)
{
    ask(WIRE_CALL_READ, 2, "q");
    read_handed_on();
    ask(WIRE_CALL_PLAIN, 1, "p");
    uint64_t write = submitted();
    leadership(true, 5, 0); /* that it lost office in between was not heard */
    assert_doubts(write, true);
}
END_TEST

START_TEST(test_api_hears_the_same_leadership_twice_without_harm)
{
    ask(WIRE_CALL_PLAIN, 1, "p");
    uint64_t write = submitted();
    leadership(true, 3, 0);
    stand_nothing(stand);
    result(write, WIRE_STATUS_OK, 0, "");
    assert_reply(1, WIRE_STATUS_OK);
}
END_TEST

START_TEST(test_api_leaves_calls_to_a_proposer_that_sees_to_them)
{
    ask(WIRE_CALL_PLAIN, 1, "p");
    uint64_t first = submitted();
    ask(WIRE_CALL_PLAIN, 2, "p");
    uint64_t second = submitted();
    stand_feed(stand, FROM(PROPOSER, 0, LEADERSHIP,
                           .leadership = {.ballot = BALLOT(4, 1), .answering = true}));
    stand_nothing(stand);
    stand_feed(stand, FROM(PROPOSER, 0, REFUSED,
                           .refused = {.tag = second, .status = WIRE_STATUS_NOT_LEADER}));
    ck_assert_uint_eq(assert_reply(2, WIRE_STATUS_NOT_LEADER)->reply.leader, 1);
    result(first, WIRE_STATUS_OK, 0, "");
    assert_reply(1, WIRE_STATUS_OK);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_is_free_to_go_when_every_call_is_answered)
{
    ask(WIRE_CALL_PLAIN, 1, "p");
    uint64_t tag = submitted();
    stand->role.ops->leave(stand->role.self, stand->now, &stand->out);
    ck_assert(!stand->role.ops->left(stand->role.self));
    stand_feed(stand, FROM(PROPOSER, 0, LEADERSHIP,
                           .leadership = {.ballot = BALLOT(4, 1), .answering = true}));
    ck_assert(!stand->role.ops->left(stand->role.self));
    result(tag, WIRE_STATUS_OK, 0, "");
    ck_assert(stand->role.ops->left(stand->role.self));
}
END_TEST

/* --- orders ------------------------------------------------------------------------------------- */

static void give_order(enum wire_admin_action action, uint64_t tag)
{
    stand_feed(stand, (struct wire_message){.type = WIRE_MESSAGE_ADMIN,
                                            .client = {.size = 1, .bytes = "c"},
                                            .sender = {.cluster = 7},
                                            .admin = {.tag = tag,
                                                      .action = (uint8_t)action,
                                                      .replica = 2}});
}

static void assert_order_done(uint64_t tag, enum wire_admin_outcome outcome, wire_replica leader)
{
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_ADMIN_DONE, WIRE_ROLE_CLIENT, 0);
    ck_assert_uint_eq(m->client.bytes[0], 'c');
    ck_assert_uint_eq(m->admin_done.tag, tag);
    ck_assert_str_eq(wire_admin_outcome_text(m->admin_done.outcome),
                     wire_admin_outcome_text(outcome));
    ck_assert_uint_eq(m->admin_done.leader, leader);
    stand_nothing(stand);
}

static void setup_admin(void)
{
    struct smr_config config = stand_config(3);
    config.allow_admin = true;
    stand = stand_new(&config, smr_api_new(&config, &machine),
                      (struct smr_log){0});
    leadership(true, 3, 0);
}

START_TEST(test_api_takes_no_orders_unless_allowed)
{
    give_order(WIRE_ADMIN_STEP_DOWN, 4);
    assert_order_done(4, WIRE_ADMIN_NOT_ALLOWED, 0);
    give_order(WIRE_ADMIN_CHECKPOINT, 5);
    assert_order_done(5, WIRE_ADMIN_NOT_ALLOWED, 0);
}
END_TEST

START_TEST(test_api_hands_orders_on_one_at_a_time)
{
    give_order(WIRE_ADMIN_MOVE_LEADER, 4);
    const struct wire_message *m =
        stand_sent(stand, WIRE_MESSAGE_ADMIN, WIRE_ROLE_PROPOSER, 0);
    ck_assert_uint_eq(m->admin.replica, 2);
    uint64_t tag = m->admin.tag;
    give_order(WIRE_ADMIN_CHECKPOINT, 5);
    assert_order_done(5, WIRE_ADMIN_BUSY, 0);
    leadership(false, 6, 2);
    stand_feed(stand, FROM(PROPOSER, 0, ADMIN_DONE,
                           .admin_done = {.tag = tag, .outcome = WIRE_ADMIN_DONE}));
    assert_order_done(4, WIRE_ADMIN_DONE, 2);
    give_order(WIRE_ADMIN_CHECKPOINT, 6);
    ck_assert_uint_gt(
        stand_sent(stand, WIRE_MESSAGE_ADMIN, WIRE_ROLE_APPLIER, 0)->admin.tag, tag);
    stand_feed(stand, FROM(PROPOSER, 0, ADMIN_DONE,
                           .admin_done = {.tag = tag, .outcome = WIRE_ADMIN_DONE}));
    stand_nothing(stand); /* that was about an earlier one */
}
END_TEST

START_TEST(test_api_gives_an_order_up_that_nobody_answers)
{
    give_order(WIRE_ADMIN_STEP_DOWN, 4);
    stand_forget(stand);
    stand_until(stand, WIRE_MESSAGE_ADMIN_DONE);
    assert_order_done(4, WIRE_ADMIN_FAILED, 0);
}
END_TEST

START_TEST(test_api_refuses_orders_that_make_no_sense_here)
{
    give_order(WIRE_ADMIN_ACTIONS, 4);
    assert_order_done(4, WIRE_ADMIN_MALFORMED, 0);
    leadership(false, 6, 2);
    give_order(WIRE_ADMIN_STEP_DOWN, 5);
    assert_order_done(5, WIRE_ADMIN_NOT_LEADER, 2);
}
END_TEST

/* --- STATUS ------------------------------------------------------------------------------------- */

static void ask_status(uint64_t tag)
{
    stand_feed(stand, (struct wire_message){.type = WIRE_MESSAGE_STATUS_ASK,
                                            .client = {.size = 1, .bytes = "c"},
                                            .status_ask = {.tag = tag}});
}

/* All three siblings are asked; returns the API's name for it. */
static uint64_t siblings_asked(void)
{
    stand_sent(stand, WIRE_MESSAGE_STATUS_ASK, WIRE_ROLE_PROPOSER, 0);
    stand_sent(stand, WIRE_MESSAGE_STATUS_ASK, WIRE_ROLE_ACCEPTOR, 0);
    stand_sent(stand, WIRE_MESSAGE_STATUS_ASK, WIRE_ROLE_APPLIER, 0);
    stand_sent(stand, WIRE_MESSAGE_STATUS_ASK, WIRE_ROLE_CHECKPOINTER, 0);
    return stand_sent(stand, WIRE_MESSAGE_STATUS_ASK, WIRE_ROLE_STREAMER, 0)->status_ask.tag;
}

static void sibling_says(uint64_t tag, const char *name)
{
    struct wire_writer out = {0};
    wire_figure_number(&out, name, 1);
    stand_feed(stand, FROM(ACCEPTOR, 0, STATUS, .status = {.tag = tag},
                           .payload = wire_writer_take(&out)));
    wire_writer_free(&out);
}

/* The client gets figures, among them `names`, separated by spaces, and none of `missing`. */
static void assert_status(uint64_t tag, const char *names, const char *missing)
{
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_STATUS, WIRE_ROLE_CLIENT, 0);
    ck_assert_uint_eq(m->status.tag, tag);
    struct wire_reader in = wire_reader_of(buf_span(m->payload));
    struct wire_figure figure;
    char seen[4096] = "";
    while (wire_figure_next(&in, &figure)) {
        strncat(seen, (const char *)figure.name.data, figure.name.size);
        strcat(seen, " ");
    }
    ck_assert(!in.bad);
    ck_assert_msg(strstr(seen, names) != NULL, "no '%s' in '%s'", names, seen);
    ck_assert(missing == NULL || strstr(seen, missing) == NULL);
}

START_TEST(test_api_status_puts_the_figures_of_all_actors_together)
{
    ask_status(77);
    uint64_t tag = siblings_asked();
    sibling_says(tag, "one");
    sibling_says(tag, "two");
    sibling_says(tag, "three");
    sibling_says(tag, "four");
    stand_nothing(stand);
    sibling_says(tag, "five");
    assert_status(77, "one two three four five", NULL);
    sibling_says(tag, "six"); /* said too late */
    stand_nothing(stand);
    ck_assert_int_eq(stand->role.ops->deadline(stand->role.self), WIRE_NEVER);
}
END_TEST

START_TEST(test_api_status_does_not_wait_for_an_actor_that_is_stuck)
{
    ask_status(77);
    uint64_t first = siblings_asked();
    sibling_says(first, "one");
    stand_pass(stand, 200 * WIRE_MS);
    ask_status(78);
    siblings_asked();
    stand_nothing(stand);
    stand_pass(stand, 200 * WIRE_MS);
    assert_status(77, "replica.version", "two");
    stand_nothing(stand);
    sibling_says(first, "two");
    stand_nothing(stand);
    stand_pass(stand, 200 * WIRE_MS);
    assert_status(78, "replica.id", "one");
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_status_serves_sixteen_at_a_time)
{
    for (uint64_t i = 0; i < 17; i++)
        ask_status(i);
    for (uint64_t i = 0; i < 16; i++)
        siblings_asked();
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->requests_refused, 1);
    stand_pass(stand, WIRE_SECOND);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_STATUS), 16);
}
END_TEST

/* Reads and what changes no state go on. */
START_TEST(test_api_puts_writes_off_while_too_much_is_in_no_checkpoint)
{
    stand_feed(stand, FROM(APPLIER, 0, PRESSURE, .pressure = {.on = true}));
    ask(WIRE_CALL_WRITE, 1, "w");
    assert_reply(1, WIRE_STATUS_BUSY);
    ask(WIRE_CALL_READ, 2, "q");
    stand_sent(stand, WIRE_MESSAGE_READ, WIRE_ROLE_PROPOSER, 0);
    stand_feed(stand, FROM(APPLIER, 0, PRESSURE, .pressure = {.on = false}));
    ask(WIRE_CALL_WRITE, 3, "w");
    submitted();
    stand_feed(stand, FROM(APPLIER, 0, PRESSURE, .pressure = {.on = true}));
    stand_pass(stand, WIRE_PRESSURE_MS * WIRE_MS); /* the end of it got lost */
    ask(WIRE_CALL_WRITE, 4, "w");
    submitted();
}
END_TEST

/* A leader's own state came as a snapshot, and with it the effects of calls it had ordered. */
START_TEST(test_api_is_in_doubt_about_calls_that_a_snapshot_skipped)
{
    ask(WIRE_CALL_WRITE, 1, "w");
    uint64_t tag = submitted();
    stand_feed(stand, FROM(APPLIER, 0, SKIPPED, .skipped = {.slot = 9}));
    assert_reply(1, WIRE_STATUS_IN_DOUBT);
    result(tag, WIRE_STATUS_OK, 0, "late");
    stand_nothing(stand);
    ask(WIRE_CALL_WRITE, 2, "w"); /* it still leads */
    submitted();
}
END_TEST

/* --- the overseer -------------------------------------------------------------------------------- */

/* Always has a wish, and knows what became of the last one. */
struct wisher {
    unsigned wishes, done;   /* so far */
    enum wire_status status; /* of the last one done */
};

static struct wisher wisher;

static void wisher_lead(void *self, wire_time now, bool leading)
{
    (void)self, (void)now, (void)leading;
}

static void wisher_wish(void *self, wire_time now, struct wire_writer *command)
{
    (void)now;
    ((struct wisher *)self)->wishes++;
    wire_write_raw(command, span_text("p"));
}

static void wisher_done(void *self, wire_time now, enum wire_status status, struct span answer)
{
    struct wisher *wished = self;
    (void)now, (void)answer;
    wished->done++;
    wished->status = status;
}

static wire_time wisher_deadline(const void *self)
{
    (void)self;
    return WIRE_NEVER;
}

static void wisher_destroy(void *self)
{
    (void)self;
}

static void setup_overseen(void)
{
    static const struct smr_overseer_ops ops = {.lead = wisher_lead,
                                                .wish = wisher_wish,
                                                .done = wisher_done,
                                                .deadline = wisher_deadline,
                                                .destroy = wisher_destroy};
    struct smr_config config = stand_config(3);
    wisher = (struct wisher){0};
    config.overseer = (struct smr_overseer){&ops, &wisher};
    stand = stand_new(&config, smr_api_new(&config, &machine), (struct smr_log){0});
    leadership(true, 3, 0);
}

/* The wish is handed on to be ordered; returns the API's name for it. */
static uint64_t wished(void)
{
    stand_settle(stand);
    return submitted();
}

START_TEST(test_api_has_one_wish_of_the_overseer_ordered_at_a_time)
{
    uint64_t tag = wished();
    stand_settle(stand);
    stand_nothing(stand);
    result(tag, WIRE_STATUS_OK, 0, "done");
    ck_assert_uint_eq(wisher.done, 1);
    ck_assert_int_eq(wisher.status, WIRE_STATUS_OK);
    ck_assert_uint_ne(wished(), tag);
    ck_assert_uint_eq(wisher.wishes, 2);
}
END_TEST

/* No answer comes any more, and an overseer that waited for it would never wish again. */
START_TEST(test_api_is_in_doubt_about_a_wish_that_a_snapshot_skipped)
{
    uint64_t tag = wished();
    stand_feed(stand, FROM(APPLIER, 0, SKIPPED, .skipped = {.slot = 9}));
    ck_assert_uint_eq(wisher.done, 1);
    ck_assert_int_eq(wisher.status, WIRE_STATUS_IN_DOUBT);
    ck_assert_uint_ne(wished(), tag);
    result(tag, WIRE_STATUS_OK, 0, "late");
    ck_assert_uint_eq(wisher.done, 1);
    stand_nothing(stand);
}
END_TEST

START_TEST(test_api_counts_what_no_client_may_say)
{
    stand_feed(stand, (struct wire_message){.type = WIRE_MESSAGE_RESULT,
                                            .client = {.size = 1, .bytes = "c"},
                                            .payload = no_bytes()});
    stand_feed(stand, (struct wire_message){.type = WIRE_MESSAGE_LEADERSHIP,
                                            .client = {.size = 1, .bytes = "c"}});
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->senseless_messages, 2);
    ask(WIRE_CALL_PLAIN, 1, "p"); /* it still leads */
    submitted();
}
END_TEST

Suite *api_suite(void)
{
    Suite *suite = suite_create("api");
    TCase *tests = tcase_create("api");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_api_hands_a_write_on_as_an_entry_of_a_batch);
    tcase_add_test(tests, test_api_hands_every_kind_of_call_on_where_it_belongs);
    tcase_add_test(tests, test_api_orders_reads_like_writes_if_told_to);
    tcase_add_test(tests, test_api_gives_the_answer_to_whoever_asked_once);
    tcase_add_test(tests, test_api_does_not_take_a_late_answer_for_that_of_a_newer_call);
    tcase_add_test(tests, test_api_refusal_is_definite);
    tcase_add_test(tests, test_api_refuses_what_is_no_call_of_its_machine);
    tcase_add_test(tests, test_api_refuses_calls_for_another_group_or_cluster);
    tcase_add_test(tests, test_api_of_managers_takes_calls_whatever_cluster_they_name);
    tcase_add_test(tests, test_api_is_busy_when_it_works_on_too_many_calls);
    tcase_add_test(tests, test_api_is_busy_when_it_works_on_too_many_bytes);
    tcase_add_test(tests, test_api_passes_the_refusal_of_the_proposer_on);
    tcase_add_test(tests, test_api_leaves_writes_in_doubt_when_leadership_ends);
    tcase_add_test(tests, test_api_leaves_writes_in_doubt_when_the_same_replica_leads_anew);
    tcase_add_test(tests, test_api_hears_the_same_leadership_twice_without_harm);
    tcase_add_test(tests, test_api_status_puts_the_figures_of_all_actors_together);
    tcase_add_test(tests, test_api_status_does_not_wait_for_an_actor_that_is_stuck);
    tcase_add_test(tests, test_api_status_serves_sixteen_at_a_time);
    tcase_add_test(tests, test_api_puts_writes_off_while_too_much_is_in_no_checkpoint);
    tcase_add_test(tests, test_api_is_in_doubt_about_calls_that_a_snapshot_skipped);
    tcase_add_test(tests, test_api_counts_what_no_client_may_say);
    tcase_add_test(tests, test_api_leaves_calls_to_a_proposer_that_sees_to_them);
    tcase_add_test(tests, test_api_is_free_to_go_when_every_call_is_answered);
    tcase_add_test(tests, test_api_takes_no_orders_unless_allowed);
    suite_add_tcase(suite, tests);
    TCase *overseen = tcase_create("overseen");
    tcase_add_checked_fixture(overseen, setup_overseen, teardown);
    tcase_add_test(overseen, test_api_has_one_wish_of_the_overseer_ordered_at_a_time);
    tcase_add_test(overseen, test_api_is_in_doubt_about_a_wish_that_a_snapshot_skipped);
    suite_add_tcase(suite, overseen);
    TCase *orders = tcase_create("orders");
    tcase_add_checked_fixture(orders, setup_admin, teardown);
    tcase_add_test(orders, test_api_hands_orders_on_one_at_a_time);
    tcase_add_test(orders, test_api_gives_an_order_up_that_nobody_answers);
    tcase_add_test(orders, test_api_refuses_orders_that_make_no_sense_here);
    suite_add_tcase(suite, orders);
    return suite;
}
