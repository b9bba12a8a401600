/* The courier: whom it asks, and what becomes of a question that nobody answers. */
#include "server/courier.h"

#include <check.h>
#include "tests/unit/server/suites.h"
#include "wire/chain.h"

static struct smr_role courier;
static struct smr_out out;
static wire_time now;

static void begin(void)
{
    static const char *const managers[] = {"m:1", "m:2", "m:3"};
    struct smr_config config = {.self = {.cluster = 7, .replica = 1}, .replica_count = 3, .seed = 1};
    courier = courier_new(&config, managers, 3);
    now = WIRE_SECOND;
}

static void end(void)
{
    smr_out_clear(&out);
    smr_out_free(&out);
    courier.ops->destroy(courier.self);
}

static void ask(uint64_t number)
{
    struct wire_writer body = {0};
    struct wire_chain_call call = {.op = WIRE_CHAIN_PULSE, .cluster = 7, .replica = 1};
    wire_chain_call_encode(&call, &body);
    struct wire_message m = {.type = WIRE_MESSAGE_PULSE, .sender = {.role = WIRE_ROLE_PROPOSER, .replica = 1}};
    m.pulse.number = number;
    m.payload = wire_writer_take(&body);
    courier.ops->receive(courier.self, now, &m, &out);
    wire_message_clear(&m);
    wire_writer_free(&body);
}

static void pass(wire_time time)
{
    for (wire_time until = now + time; courier.ops->deadline(courier.self) <= until;) {
        now = courier.ops->deadline(courier.self);
        courier.ops->wake(courier.self, now, &out);
    }
}

/* Managers that were asked, a bit each. */
static unsigned asked(void)
{
    unsigned managers = 0;
    for (size_t i = 0; i < out.count; i++) {
        if (out.effects[i].message.type == WIRE_MESSAGE_REQUEST)
            managers |= 1u << out.effects[i].to_replica;
    }
    return managers;
}

/* However many questions the first one swallows: a dead manager must not be asked for ever. */
START_TEST(test_courier_asks_another_manager_when_one_is_silent)
{
    begin();
    for (uint64_t number = 1; number <= 8; number++) {
        ask(number);
        pass(SMR_CHAIN_PULSE);
        now += SMR_CHAIN_PULSE / 2;
    }
    ck_assert_uint_eq(asked(), 7);
    end();
}
END_TEST

START_TEST(test_courier_brings_the_answer_to_the_forwarder)
{
    begin();
    ask(41);
    const struct smr_effect *sent = &out.effects[0];
    ck_assert_int_eq(sent->message.type, WIRE_MESSAGE_REQUEST);
    struct wire_message reply = {.type = WIRE_MESSAGE_REPLY,
                                 .sender = {.role = WIRE_ROLE_API,
                                            .group = WIRE_GROUP_MANAGERS,
                                            .replica = sent->to_replica}};
    reply.reply.tag = sent->message.request.tag;
    reply.reply.status = WIRE_STATUS_OK;
    reply.payload = buf_copy(span_text("a view"));
    courier.ops->receive(courier.self, now, &reply, &out);
    wire_message_clear(&reply);
    const struct smr_effect *view = &out.effects[out.count - 1];
    ck_assert_int_eq(view->message.type, WIRE_MESSAGE_VIEW);
    ck_assert_int_eq(view->to, WIRE_ROLE_PROPOSER);
    ck_assert_uint_eq(view->message.view.number, 41);
    ck_assert(span_equal(buf_span(view->message.payload), span_text("a view")));
    end();
}
END_TEST

Suite *courier_suite(void)
{
    Suite *suite = suite_create("courier");
    TCase *tests = tcase_create("courier");
    tcase_add_test(tests, test_courier_asks_another_manager_when_one_is_silent);
    tcase_add_test(tests, test_courier_brings_the_answer_to_the_forwarder);
    suite_add_tcase(suite, tests);
    return suite;
}
