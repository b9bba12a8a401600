/* The forwarder: what a member that is not whole yet keeps to itself. */
#include "smr/chain/forwarder.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static uint64_t subject(struct span body)
{
    (void)body;
    return SMR_SUBJECT_ALL;
}

/* The managers' answer to its last question. */
static void view(struct stand *stand, const struct wire_chain *chain)
{
    struct wire_chain_answer answer = {.term = 1, .chain = *chain};
    struct wire_writer out = {0};
    uint64_t number = stand_find(stand, WIRE_MESSAGE_PULSE)->pulse.number;
    wire_chain_answer_encode(&answer, &out);
    stand_feed(stand, FROM(COURIER, 0, VIEW, .view = {.number = number},
                           .payload = wire_writer_take(&out)));
    wire_writer_free(&out);
}

/* Replica 0 of three, the tail of epoch 2 behind replica 1; it holds nothing. */
static struct stand *tail(bool whole)
{
    struct smr_config config = stand_config(3);
    config.protocol = WIRE_PROTOCOL_CHAIN;
    const struct wire_chain chain = {
        .epoch = 2,
        .count = 2,
        .members = {{.replica = 1,
                     .birth = stand_sender(WIRE_ROLE_API, 1).birth,
                     .since = 1,
                     .whole = true},
                    {.replica = 0, .birth = config.self.birth, .since = 2, .whole = whole}}};
    struct stand *stand =
        stand_new(&config, smr_forwarder_new(&config, subject), (struct smr_log){0});
    stand_sent(stand, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, 0);
    stand_feed(stand, FROM(ACCEPTOR, 0, HEARD, .heard = {.fit = true}));
    view(stand, &chain);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_PREPARE)->prepare.ballot.round, 2);
    stand_feed(stand, FROM(ACCEPTOR, 0, PROMISE,
                           .promise = {.ballot = BALLOT(2, 1), .from = 1, .last = true},
                           .payload = no_bytes()));
    stand_settle(stand);
    stand_forget(stand);
    return stand;
}

static size_t answers_to_an_ask(struct stand *stand)
{
    stand_forget(stand);
    stand_feed(stand,
               FROM(ACCEPTOR, 0, TAIL_ASK, .tail_ask = {BALLOT(2, 1), .from = 1, .round = 1}));
    return stand_count(stand, WIRE_MESSAGE_TAIL_TELL);
}

START_TEST(test_forwarder_of_the_tail_says_what_is_acknowledged)
{
    struct stand *stand = tail(true);
    ck_assert_uint_eq(answers_to_an_ask(stand), 1);
    ck_assert(smr_forwarder_serves(stand->role, stand->now));
    stand_free(stand);
}
END_TEST

START_TEST(test_forwarder_greets_the_other_members_now_and_then)
{
    struct stand *stand = tail(true);
    stand_pass(stand, SMR_CHAIN_PULSE);
    stand_sent(stand, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, 0);
    stand_sent(stand, WIRE_MESSAGE_PULSE, WIRE_ROLE_COURIER, 0);
    stand_sent(stand, WIRE_MESSAGE_GREET, WIRE_ROLE_ACCEPTOR, 1);
    stand_free(stand);
}
END_TEST

/* By then it may be cut out, and another one have acknowledged more. */
START_TEST(test_forwarder_of_the_tail_answers_for_no_read_when_its_lease_is_over)
{
    struct stand *stand = tail(true);
    ck_assert_uint_eq(answers_to_an_ask(stand), 1);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_TAIL_TELL)->tail_tell.round, 1);
    stand->now += SMR_CHAIN_LEASE;
    ck_assert_uint_eq(answers_to_an_ask(stand), 1);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_TAIL_TELL)->tail_tell.round, 0);
    stand_free(stand);
}
END_TEST

START_TEST(test_forwarder_that_joined_keeps_silent_until_it_is_whole)
{
    struct stand *stand = tail(false);
    ck_assert_uint_eq(answers_to_an_ask(stand), 0);
    ck_assert(!smr_forwarder_serves(stand->role, stand->now));
    stand_feed(stand, FROM(ACCEPTOR, 0, LINK, .link = {BALLOT(2, 1), .from = 1, .last = 1}));
    ck_assert_uint_eq(answers_to_an_ask(stand), 0);
    stand_feed(stand, FROM(ACCEPTOR, 0, STORED, .stored = {BALLOT(2, 1), .slot = 1},
                           .payload = batch_of("x")));
    ck_assert_uint_eq(answers_to_an_ask(stand), 1);
    ck_assert(smr_forwarder_serves(stand->role, stand->now));
    stand_free(stand);
}
END_TEST

/* What it says to the managers next. */
static uint64_t next_pulse_flags(struct stand *stand)
{
    struct wire_chain_call call;
    stand_forget(stand);
    stand_until(stand, WIRE_MESSAGE_PULSE);
    ck_assert_int_eq(
        wire_chain_call_decode(buf_span(stand_find(stand, WIRE_MESSAGE_PULSE)->payload), &call),
        WIRE_OK);
    return call.flags;
}

/* A line that holds this text was said since the test last looked at everything. */
static bool has_said(const struct stand *stand, const char *text)
{
    for (size_t i = stand->seen; i < stand->out.count; i++) {
        const struct smr_effect *effect = &stand->out.effects[i];
        if (effect->kind == SMR_SAY && memmem(effect->say.line->data, effect->say.line->size, text,
                                              strlen(text)) != NULL)
            return true;
    }
    return false;
}

/* Replica 0 of three on its second disk; on its first one it was the head, and replica 1 the tail. */
static struct stand *wiped(bool tail_is_whole)
{
    struct smr_config config = stand_config(3);
    const struct wire_chain chain = {
        .epoch = 2,
        .count = 2,
        .members = {{.replica = 0, .birth = config.self.birth, .since = 1, .whole = true},
                    {.replica = 1,
                     .birth = stand_sender(WIRE_ROLE_API, 1).birth,
                     .since = 2,
                     .whole = tail_is_whole}}};
    config.protocol = WIRE_PROTOCOL_CHAIN;
    config.self.birth = (struct wire_birth){.generation = 2, .nonce = 77};
    struct stand *stand =
        stand_new(&config, smr_forwarder_new(&config, subject), (struct smr_log){0});
    struct wire_message heard = FROM(ACCEPTOR, 0, HEARD, .heard = {.fit = true});
    heard.sender.birth = config.self.birth;
    stand_feed(stand, heard);
    view(stand, &chain);
    stand_forget(stand);
    return stand;
}

START_TEST(test_forwarder_on_another_disk_is_no_member)
{
    struct stand *stand = wiped(true);
    ck_assert(!smr_forwarder_is_head(stand->role));
    ck_assert(!smr_forwarder_serves(stand->role, stand->now));
    ck_assert_uint_eq(next_pulse_flags(stand) & WIRE_PULSE_WHOLE, 0);
    stand_pass(stand, 10 * WIRE_SECOND);
    ck_assert_uint_eq(stand_figure(stand, "chain.lost"), 0);
    ck_assert(!has_said(stand, "nobody is left"));
    stand_free(stand);
}
END_TEST

START_TEST(test_forwarder_says_that_nobody_holds_everything_any_more)
{
    struct stand *stand = wiped(false);
    stand_pass(stand, 2 * WIRE_SECOND); /* perhaps the managers hear more */
    ck_assert(!has_said(stand, "nobody is left"));
    stand_pass(stand, 2 * WIRE_SECOND);
    ck_assert(has_said(stand, "nobody is left"));
    ck_assert_uint_eq(stand_figure(stand, "chain.lost"), 1);
    stand_forget(stand);
    stand_pass(stand, 10 * WIRE_SECOND);
    ck_assert(!has_said(stand, "nobody is left")); /* not all the time */
    stand_free(stand);
}
END_TEST

START_TEST(test_forwarder_refuses_reads_when_its_lease_is_over)
{
    struct stand *stand = tail(true);
    stand->now += SMR_CHAIN_LEASE;
    stand_feed(stand, FROM(API, 0, READ, .read = {.tag = 4}, .payload = text_buf("q")));
    stand_settle(stand);
    ck_assert_uint_eq(stand_find(stand, WIRE_MESSAGE_REFUSED)->refused.tag, 4);
    stand_free(stand);
}
END_TEST

Suite *forwarder_suite(void)
{
    Suite *suite = suite_create("forwarder");
    TCase *tests = tcase_create("forwarder");
    tcase_add_test(tests, test_forwarder_of_the_tail_says_what_is_acknowledged);
    tcase_add_test(tests, test_forwarder_greets_the_other_members_now_and_then);
    tcase_add_test(tests, test_forwarder_of_the_tail_answers_for_no_read_when_its_lease_is_over);
    tcase_add_test(tests, test_forwarder_that_joined_keeps_silent_until_it_is_whole);
    tcase_add_test(tests, test_forwarder_refuses_reads_when_its_lease_is_over);
    tcase_add_test(tests, test_forwarder_on_another_disk_is_no_member);
    tcase_add_test(tests, test_forwarder_says_that_nobody_holds_everything_any_more);
    suite_add_tcase(suite, tests);
    return suite;
}
