/* Events, and what the roles say of themselves that depends on the time. */
#include <stdio.h>

#include "smr/api.h"
#include "smr/events.h"
#include "smr/paxos/proposer.h"
#include "tests/unit/smr/counting_machine.h"
#include "tests/unit/smr/paxos/campaign.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"
#include "wire/figures.h"

static void assert_figure(struct wire_reader *in, const char *name, const char *text)
{
    struct wire_figure figure;
    ck_assert(wire_figure_next(in, &figure) && figure.is_text);
    ck_assert_msg(span_equal(figure.name, span_text(name)), "%.*s", (int)figure.name.size,
                  (const char *)figure.name.data);
    ck_assert_msg(span_equal(figure.text, span_text(text)), "%.*s", (int)figure.text.size,
                  (const char *)figure.text.data);
}

START_TEST(test_events_say_how_long_ago_what_happened)
{
    struct smr_events events = {0};
    struct wire_writer out = {0};
    ck_assert_ptr_null(smr_events_last(&events));
    smr_events_add_ballot(&events, 1000, SMR_EVENT_LEADS, BALLOT(7, 2));
    smr_events_add_number(&events, 9 * WIRE_SECOND, SMR_EVENT_BEHIND, UINT64_MAX);
    ck_assert_int_eq(smr_events_last(&events)->name, SMR_EVENT_BEHIND);
    smr_events_figures(&events, "x", 10 * WIRE_SECOND, &out);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    assert_figure(&in, "event.x.1", "9999 leader leads with ballot 7.2");
    assert_figure(&in, "event.x.2",
                  "1000 catchup is 18446744073709551615 slots behind and fetches them");
    ck_assert(!wire_read_more(&in));
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_events_forget_the_oldest_and_keep_their_numbers)
{
    struct smr_events events = {0};
    struct wire_writer out = {0};
    struct wire_figure figure;
    for (int i = 0; i < 3 * SMR_EVENTS_KEPT; i++)
        smr_events_add_number(&events, i, SMR_EVENT_BUSY, 1);
    smr_events_figures(&events, "x", 0, &out);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    for (int i = 0; i < SMR_EVENTS_KEPT; i++) {
        char name[32];
        snprintf(name, sizeof name, "event.x.%d", 2 * SMR_EVENTS_KEPT + 1 + i);
        assert_figure(&in, name, "0 refusal refuses calls: 1 are open");
    }
    ck_assert(!wire_figure_next(&in, &figure) && !in.bad);
    wire_writer_free(&out);
}
END_TEST

static const struct smr_machine_ops machine = {.classify = counting_machine_classify};

START_TEST(test_api_measures_calls_from_taking_to_answering)
{
    struct smr_config config = stand_config(3);
    struct stand *stand = stand_new(&config, smr_api_new(&config, &machine), (struct smr_log){0});
    stand_feed(stand, FROM(PROPOSER, 0, LEADERSHIP,
                           .leadership = {.leading = true, .ballot = BALLOT(3, 0)}));
    struct wire_message request = FROM(CLIENT, 0, REQUEST, .request = {.kind = WIRE_CALL_PLAIN});
    request.client = (struct wire_client){.size = 1, .bytes = {7}};
    request.payload = text_buf("p");
    stand_feed(stand, request);
    const struct wire_message *submit = stand_find(stand, WIRE_MESSAGE_SUBMIT);
    ck_assert_uint_eq(submit->submit.at, (uint64_t)stand->now);
    uint64_t tag = submit->submit.tag;
    stand->now += 700;
    stand_feed(stand,
               FROM(APPLIER, 0, RESULT, .result = {.tag = tag, .at = (uint64_t)stand->now - 30},
                    .payload = no_bytes()));
    ck_assert_uint_eq(stand_figure(stand, "op.write_us_max"), 700);
    ck_assert_uint_eq(stand_figure(stand, "op.write_us_count"), 1);
    ck_assert_uint_eq(stand_figure(stand, "op.read_us_count"), 0);
    ck_assert_uint_eq(stand_figure(stand, "stage.apply_us_max"), 30);
    stand_free(stand);
}
END_TEST

START_TEST(test_proposer_measures_the_stages_of_a_call)
{
    struct stand *stand = stand_proposer(3);
    struct wire_ballot ballot = campaign_open(stand, 0, 7);
    struct wire_message submit = FROM(API, 0, SUBMIT, .submit = {.tag = 1});
    submit.payload = text_buf("x");
    submit.submit.at = (uint64_t)stand->now - 5;
    stand_feed(stand, submit);
    stand->now += 40;
    stand_settle(stand);
    stand->now += 300;
    campaign_accepted(stand, 0, ballot, 9);
    campaign_accepted(stand, 1, ballot, 9);
    ck_assert_uint_eq(stand_figure(stand, "stage.api_us_max"), 5);
    ck_assert_uint_eq(stand_figure(stand, "stage.queue_us_max"), 40);
    ck_assert_uint_eq(stand_figure(stand, "stage.quorum_us_max"), 300);
    stand_free(stand);
}
END_TEST

Suite *events_suite(void)
{
    Suite *suite = suite_create("events");
    TCase *tests = tcase_create("events");
    tcase_add_test(tests, test_events_say_how_long_ago_what_happened);
    tcase_add_test(tests, test_events_forget_the_oldest_and_keep_their_numbers);
    tcase_add_test(tests, test_proposer_measures_the_stages_of_a_call);
    tcase_add_test(tests, test_api_measures_calls_from_taking_to_answering);
    suite_add_tcase(suite, tests);
    return suite;
}
