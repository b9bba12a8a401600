/* The library and the questions of other programs, over real sockets. */
#include "tests/unit/client/world.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "client/ask.h"
#include "client/link.h"
#include "client/madkv.h"
#include "tests/unit/client/fake.h"
#include "wire/figures.h"

static struct madkv *open_at(const char *managers, const char *servers, int64_t timeout_ms)
{
    struct madkv_options options = {
        .manager_addrs = managers, .server_addrs = servers, .timeout_ms = timeout_ms};
    struct madkv *kv;
    ck_assert_int_eq(madkv_open(&options, &kv, NULL), MADKV_OK);
    return kv;
}

START_TEST(test_library_does_every_call)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct madkv *kv = open_at(fake_address(fake), NULL, 0);
    struct madkv_bytes key, value;
    bool found;
    ck_assert_int_eq(madkv_get(kv, "k", 1, &found, &value), MADKV_OK);
    ck_assert(!found && value.size == 0);
    ck_assert_int_eq(madkv_put(kv, "k", 1, "v1", 2, &found), MADKV_OK);
    ck_assert(!found);
    ck_assert_int_eq(madkv_swap(kv, "k", 1, "v2", 2, &found, &value), MADKV_OK);
    ck_assert(found && value.size == 2 && memcmp(value.data, "v1", 2) == 0);
    ck_assert_int_eq(madkv_put(kv, "a", 1, "x", 1, NULL), MADKV_OK);
    ck_assert_int_eq(madkv_put(kv, "z", 1, "y", 1, NULL), MADKV_OK);
    ck_assert_int_eq(madkv_scan(kv, "a", 1, "z", 1), MADKV_OK);
    for (const char *expected = "akz"; *expected != '\0'; expected++) {
        ck_assert(madkv_next(kv, &key, &value));
        ck_assert(key.size == 1 && key.data[0] == *expected);
    }
    ck_assert(!madkv_next(kv, &key, &value));
    ck_assert_int_eq(madkv_delete(kv, "k", 1, &found), MADKV_OK);
    ck_assert(found);
    ck_assert_int_eq(madkv_put(kv, "white space", 11, "v", 1, NULL), MADKV_INVALID);
    ck_assert_int_eq(madkv_put(kv, "k", 1, "", 0, NULL), MADKV_INVALID);
    ck_assert_str_ne(madkv_problem(kv), "");
    madkv_close(&kv);
    fake_stop(&fake);
}
END_TEST

START_TEST(test_library_carries_the_largest_value)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct madkv *kv = open_at(NULL, fake_address(fake), 0);
    static char large[WIRE_VALUE_BYTES_MAX + 1];
    memset(large, 'x', sizeof large);
    struct madkv_bytes value;
    bool found;
    ck_assert_int_eq(madkv_put(kv, "k", 1, large, WIRE_VALUE_BYTES_MAX, NULL), MADKV_OK);
    ck_assert_int_eq(madkv_get(kv, "k", 1, &found, &value), MADKV_OK);
    ck_assert(found && value.size == WIRE_VALUE_BYTES_MAX);
    ck_assert_int_eq(memcmp(value.data, large, value.size), 0);
    ck_assert_int_eq(madkv_put(kv, "k", 1, large, WIRE_VALUE_BYTES_MAX + 1, NULL), MADKV_INVALID);
    madkv_close(&kv);
    fake_stop(&fake);
}
END_TEST

START_TEST(test_library_refuses_bad_options)
{
    static const struct madkv_options bad[] = {
        {.manager_addrs = NULL},
        {.manager_addrs = "127.0.0.1:1", .server_addrs = "127.0.0.1:2"},
        {.manager_addrs = "none"},
        {.manager_addrs = "127.0.0.1"},
        {.manager_addrs = "127.0.0.1:0"},
        {.manager_addrs = "127.0.0.1:1", .timeout_ms = -1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *problem = NULL;
        struct madkv *kv;
        ck_assert_int_eq(madkv_open(&bad[i], &kv, &problem), MADKV_INVALID);
        ck_assert_ptr_null(kv);
        ck_assert_ptr_nonnull(problem);
    }
}
END_TEST

START_TEST(test_library_tells_a_timeout_that_changed_nothing)
{
    char address[WIRE_ADDRESS_TEXT_MAX];
    int port = dead_port_take(address);
    struct madkv *kv = open_at(address, NULL, 300);
    bool found;
    ck_assert_int_eq(madkv_put(kv, "k", 1, "v", 1, &found), MADKV_FAILED);
    ck_assert(madkv_timed_out(kv));
    madkv_close(&kv);
    close(port);
}
END_TEST

START_TEST(test_library_tells_a_timeout_that_may_have_changed_something)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct madkv *kv = open_at(NULL, fake_address(fake), 300);
    ck_assert_int_eq(madkv_put(kv, "k", 1, "v", 1, NULL), MADKV_OK);
    fake_set_mood(fake, FAKE_MUTE);
    ck_assert_int_eq(madkv_put(kv, "k", 1, "w", 1, NULL), MADKV_UNKNOWN);
    ck_assert(madkv_timed_out(kv));
    fake_set_mood(fake, FAKE_SERVES);
    ck_assert_int_eq(madkv_put(kv, "k", 1, "x", 1, NULL), MADKV_OK);
    ck_assert(!madkv_timed_out(kv));
    madkv_close(&kv);
    fake_stop(&fake);
}
END_TEST

/* Stops a mute server once it has got something. */
static void *stop_when_asked(void *argument)
{
    struct fake *fake = argument;
    fake_wait_for(fake, 1);
    fake_stop(&fake);
    return NULL;
}

START_TEST(test_library_notices_a_killed_server_before_any_timeout)
{
    struct fake *mute = fake_start(FAKE_MUTE);
    struct fake *alive = fake_start(FAKE_SERVES);
    char servers[2 * WIRE_ADDRESS_TEXT_MAX];
    bool asked_mute = false;
    /* The first one to ask is drawn by lot, so soon it is the mute one. */
    snprintf(servers, sizeof servers, "%s,%s", fake_address(mute), fake_address(alive));
    pthread_t stopper;
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_when_asked, mute), 0);
    while (!asked_mute) {
        struct madkv *kv = open_at(NULL, servers, 0);
        bool found;
        struct madkv_bytes value;
        wire_time start = client_clock();
        ck_assert_int_eq(madkv_get(kv, "k", 1, &found, &value), MADKV_OK);
        ck_assert_int_lt(client_clock() - start, CLIENT_TRY_TIMEOUT / 2);
        asked_mute = pthread_tryjoin_np(stopper, NULL) == 0;
        madkv_close(&kv);
    }
    fake_stop(&alive);
}
END_TEST

START_TEST(test_library_goes_past_dead_replicas)
{
    struct fake *alive = fake_start(FAKE_SERVES);
    char dead[2][WIRE_ADDRESS_TEXT_MAX];
    char servers[3 * WIRE_ADDRESS_TEXT_MAX];
    int ports[2] = {dead_port_take(dead[0]), dead_port_take(dead[1])};
    snprintf(servers, sizeof servers, "%s,%s,%s", dead[0], fake_address(alive), dead[1]);
    for (int i = 0; i < 5; i++) {
        struct madkv *kv = open_at(NULL, servers, 0);
        wire_time start = client_clock();
        ck_assert_int_eq(madkv_put(kv, "k", 1, "v", 1, NULL), MADKV_OK);
        ck_assert_int_lt(client_clock() - start, 3 * CLIENT_TRY_TIMEOUT);
        madkv_close(&kv);
    }
    close(ports[0]);
    close(ports[1]);
    fake_stop(&alive);
}
END_TEST

START_TEST(test_library_gives_up_when_the_watched_descriptor_hangs_up)
{
    char address[WIRE_ADDRESS_TEXT_MAX];
    int port = dead_port_take(address);
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    struct madkv_options options = {.server_addrs = address, .watch = true, .watched = ends[1]};
    struct madkv *kv;
    ck_assert_int_eq(madkv_open(&options, &kv, NULL), MADKV_OK);
    close(ends[0]);
    ck_assert_int_eq(madkv_put(kv, "k", 1, "v", 1, NULL), MADKV_HUNG_UP);
    madkv_close(&kv);
    close(ends[1]);
    close(port);
}
END_TEST

/* --- calls in flight -------------------------------------------------------------------------- */

static uint64_t start(struct madkv *kv, enum madkv_op op, const char *key, const char *value)
{
    uint64_t call = 0;
    ck_assert_int_eq(madkv_start(kv, op, key, strlen(key), value, strlen(value), &call), MADKV_OK);
    return call;
}

static struct madkv_result wait_one(struct madkv *kv)
{
    struct madkv_result result = {0};
    ck_assert_int_eq(madkv_wait(kv, 30000, &result), MADKV_OK);
    return result;
}

START_TEST(test_library_sends_calls_without_waiting_for_answers)
{
    struct fake *fake = fake_start(FAKE_MUTE);
    struct madkv *kv = open_at(NULL, fake_address(fake), 0);
    struct madkv_result result;
    char key[16];
    for (int i = 0; i < MADKV_CALLS_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        start(kv, MADKV_GET, key, "");
    }
    ck_assert_int_eq(madkv_start(kv, MADKV_GET, "k", 1, NULL, 0, NULL), MADKV_FULL);
    ck_assert_uint_eq(madkv_in_flight(kv), MADKV_CALLS_MAX);
    ck_assert_int_eq(madkv_wait(kv, 100, &result), MADKV_LATE);
    /* None has been answered, and all have arrived. */
    fake_wait_for(fake, MADKV_CALLS_MAX);
    madkv_close(&kv);
    fake_stop(&fake);
}
END_TEST

START_TEST(test_library_hands_out_every_call_once)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct madkv *kv = open_at(fake_address(fake), NULL, 0);
    struct madkv_result result;
    char key[16];
    uint64_t calls[MADKV_CALLS_MAX], seen = 0;
    ck_assert_int_eq(madkv_wait(kv, 0, &result), MADKV_IDLE);
    for (int i = 0; i < MADKV_CALLS_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        calls[i] = start(kv, MADKV_PUT, key, key);
        ck_assert(i == 0 || calls[i] > calls[i - 1]);
    }
    for (int i = 0; i < MADKV_CALLS_MAX; i++) {
        result = wait_one(kv);
        ck_assert(result.outcome == MADKV_OK && result.op == MADKV_PUT && !result.found);
        for (int j = 0; j < MADKV_CALLS_MAX; j++)
            seen |= calls[j] == result.call ? UINT64_C(1) << j : 0;
    }
    ck_assert_uint_eq(seen, UINT64_MAX);
    ck_assert_int_eq(madkv_wait(kv, -1, &result), MADKV_IDLE);
    madkv_close(&kv);
    fake_stop(&fake);
}
END_TEST

static bool is(struct madkv_bytes bytes, const char *text)
{
    return bytes.size == strlen(text) && memcmp(bytes.data, text, bytes.size) == 0;
}

START_TEST(test_library_keeps_the_order_of_calls_on_one_key)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct madkv *kv = open_at(fake_address(fake), NULL, 0);
    struct madkv_result result;
    uint64_t calls[] = {start(kv, MADKV_PUT, "k", "v1"), start(kv, MADKV_SWAP, "k", "v2"),
                        start(kv, MADKV_GET, "k", ""), start(kv, MADKV_DELETE, "k", ""),
                        start(kv, MADKV_GET, "k", "")};
    static const char *const values[] = {NULL, "v1", "v2", NULL, NULL};
    static const bool found[] = {false, true, true, true, false};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        result = wait_one(kv);
        ck_assert_uint_eq(result.call, calls[i]);
        ck_assert(result.outcome == MADKV_OK && result.found == found[i]);
        ck_assert(values[i] == NULL || is(result.value, values[i]));
    }
    madkv_close(&kv);
    fake_stop(&fake);
}
END_TEST

START_TEST(test_library_blocks_beside_calls_in_flight)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct madkv *kv = open_at(fake_address(fake), NULL, 0);
    struct madkv_bytes key, value;
    bool found;
    ck_assert_int_eq(madkv_put(kv, "b", 1, "old", 3, NULL), MADKV_OK);
    uint64_t first = start(kv, MADKV_GET, "b", ""), second = start(kv, MADKV_SWAP, "b", "new");
    ck_assert_int_eq(madkv_get(kv, "b", 1, &found, &value), MADKV_OK);
    ck_assert(found && is(value, "new"));
    uint64_t scan = start(kv, MADKV_SCAN, "a", "c");
    ck_assert(is(value, "new")); /* a start takes nothing away */
    struct madkv_result result = wait_one(kv);
    ck_assert(result.call == first && is(result.value, "old"));
    result = wait_one(kv);
    ck_assert(result.call == second && is(result.value, "old"));
    result = wait_one(kv);
    ck_assert(result.call == scan && result.op == MADKV_SCAN);
    ck_assert(madkv_next(kv, &key, &value) && is(key, "b") && is(value, "new"));
    ck_assert(!madkv_next(kv, &key, &value));
    start(kv, MADKV_GET, "b", "");
    ck_assert_int_eq(madkv_put(kv, "c", 1, "v", 1, NULL), MADKV_OK);
    madkv_close(&kv); /* with a result that nobody took */
    fake_stop(&fake);
}
END_TEST

START_TEST(test_library_tells_the_outcome_of_each_call_in_flight)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct madkv *kv = open_at(NULL, fake_address(fake), 300);
    ck_assert_int_eq(madkv_put(kv, "k", 1, "v", 1, NULL), MADKV_OK);
    fake_set_mood(fake, FAKE_MUTE);
    uint64_t get = start(kv, MADKV_GET, "a", ""), put = start(kv, MADKV_PUT, "b", "v");
    for (int i = 0; i < 2; i++) {
        struct madkv_result result = wait_one(kv);
        ck_assert(result.call == get || result.call == put);
        ck_assert_int_eq(result.outcome, result.call == get ? MADKV_FAILED : MADKV_UNKNOWN);
        ck_assert(madkv_timed_out(kv) && madkv_problem(kv)[0] != '\0');
    }
    ck_assert_int_eq(madkv_start(kv, MADKV_PUT, "white space", 11, "v", 1, NULL), MADKV_INVALID);
    ck_assert_int_eq(madkv_start(kv, (enum madkv_op)9, "k", 1, "v", 1, NULL), MADKV_INVALID);
    ck_assert_uint_eq(madkv_in_flight(kv), 0);
    madkv_close(&kv);
    fake_stop(&fake);
}
END_TEST

START_TEST(test_ask_gets_the_managers_answer)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    const char *address = fake_address(fake);
    struct wire_writer answer = {0};
    ck_assert_int_eq(client_ask(&address, 1, WIRE_CALL_PLAIN, span_text("?"), -1, &answer),
                     WIRE_OK);
    enum wire_map_verdict verdict;
    struct wire_map map = {0};
    ck_assert_int_eq(wire_map_answer_decode(wire_writer_span(&answer), &verdict, &map), WIRE_OK);
    ck_assert_str_eq(map.servers[0].address, address);
    wire_map_free(&map);
    fake_set_mood(fake, FAKE_NOT_LEADER);
    ck_assert_int_eq(client_ask(&address, 1, WIRE_CALL_READ, span_text("?"), 100, &answer),
                     WIRE_FAILED);
    wire_writer_free(&answer);
    fake_stop(&fake);
}
END_TEST

START_TEST(test_status_asks_many_and_waits_for_none_that_is_dead)
{
    struct fake *fakes[2] = {fake_start(FAKE_SERVES), fake_start(FAKE_MUTE)};
    char dead[WIRE_ADDRESS_TEXT_MAX];
    int port = dead_port_take(dead);
    const char *addresses[] = {dead, fake_address(fakes[0]), fake_address(fakes[1])};
    struct client_status results[3] = {0};
    wire_time start = client_clock();
    client_status_many(addresses, 2, 5000, results);
    ck_assert_int_lt(client_clock() - start, 2 * WIRE_SECOND);
    ck_assert_int_eq(results[0].error, WIRE_FAILED);
    ck_assert_int_eq(results[1].error, WIRE_OK);
    client_status_many(addresses, 3, 200, results);
    ck_assert_int_eq(results[1].error, WIRE_OK);
    ck_assert_int_eq(results[2].error, WIRE_FAILED);
    struct wire_reader figures = wire_reader_of(wire_writer_span(&results[1].figures));
    struct wire_figure figure;
    ck_assert(wire_figure_next(&figures, &figure));
    ck_assert(figure.is_text && span_equal(figure.text, span_text("fake")));
    struct wire_writer one = {0};
    ck_assert_int_eq(client_status(addresses[1], 5000, &one), WIRE_OK);
    ck_assert(span_equal(wire_writer_span(&one), wire_writer_span(&results[1].figures)));
    ck_assert_int_eq(client_status(addresses[0], 50, &one), WIRE_FAILED);
    wire_writer_free(&one);
    wire_writer_free(&results[1].figures);
    close(port);
    fake_stop(&fakes[0]);
    fake_stop(&fakes[1]);
}
END_TEST

TCase *library_case(void)
{
    TCase *tcase = tcase_create("library");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_library_does_every_call);
    tcase_add_test(tcase, test_library_carries_the_largest_value);
    tcase_add_test(tcase, test_library_refuses_bad_options);
    tcase_add_test(tcase, test_library_tells_a_timeout_that_changed_nothing);
    tcase_add_test(tcase, test_library_tells_a_timeout_that_may_have_changed_something);
    tcase_add_test(tcase, test_library_notices_a_killed_server_before_any_timeout);
    tcase_add_test(tcase, test_library_goes_past_dead_replicas);
    tcase_add_test(tcase, test_library_gives_up_when_the_watched_descriptor_hangs_up);
    tcase_add_test(tcase, test_library_sends_calls_without_waiting_for_answers);
    tcase_add_test(tcase, test_library_hands_out_every_call_once);
    tcase_add_test(tcase, test_library_keeps_the_order_of_calls_on_one_key);
    tcase_add_test(tcase, test_library_blocks_beside_calls_in_flight);
    tcase_add_test(tcase, test_library_tells_the_outcome_of_each_call_in_flight);
    tcase_add_test(tcase, test_ask_gets_the_managers_answer);
    tcase_add_test(tcase, test_status_asks_many_and_waits_for_none_that_is_dead);
    return tcase;
}
