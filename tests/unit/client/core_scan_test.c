/* Scans of the client core. */
#include "tests/unit/client/world.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PARTITIONS = 3,
    KEYS = 100, /* k000 to k099, key i in partition (i * 7 % 11) % 3 */
};

static uint32_t owner(int key)
{
    return (uint32_t)(key * 7 % 11) % PARTITIONS;
}

/* Answers one SCAN with at most `page` pairs out of the made-up data. */
static void answer_page(struct world *world, const struct sent *sent, int page)
{
    struct wire_kv_call call;
    ck_assert_int_eq(wire_kv_call_decode(buf_span(sent->message.payload), &call), WIRE_OK);
    ck_assert_int_eq(call.op, WIRE_KV_SCAN);
    struct wire_writer pairs = {0};
    struct wire_writer answer = {0};
    uint32_t count = 0;
    bool more = false;
    for (int i = 0; i < KEYS; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%03d", i);
        int from = span_compare(span_text(key), call.key);
        if (owner(i) != sent->to.group || from < 0 || (from == 0 && call.after) ||
            span_compare(span_text(key), call.value) > 0)
            continue;
        more = count == (uint32_t)page;
        if (more)
            break;
        wire_kv_page_add(&pairs, span_text(key), span_text(key + 1));
        count++;
    }
    wire_kv_page_begin(&answer, more, count);
    wire_write_raw(&answer, wire_writer_span(&pairs));
    world_reply_bytes(world, sent, wire_writer_span(&answer));
    wire_writer_free(&pairs);
    wire_writer_free(&answer);
}

static void check_result(struct client_done *done, int first, int last)
{
    struct wire_reader in = wire_reader_of(buf_span(done->result));
    struct span key, value;
    for (int i = first; i <= last; i++) {
        char expected[8];
        snprintf(expected, sizeof expected, "k%03d", i);
        ck_assert(wire_kv_page_next(&in, &key, &value));
        ck_assert(span_equal(key, span_text(expected)));
        ck_assert(span_equal(value, span_text(expected + 1)));
    }
    ck_assert(!wire_kv_page_next(&in, &key, &value));
    ck_assert_int_eq(wire_read_end(&in), WIRE_OK);
    buf_unref(&done->result);
}

/* The loop index is the size of a page. */
START_TEST(test_core_merges_a_scan_over_partitions_and_pages)
{
    struct world *world = world_new(PARTITIONS, 1);
    uint64_t call = world_call(world, WIRE_KV_SCAN, "k010", "k089");
    world_give_map(world);
    ck_assert_uint_eq(world->send_count, PARTITIONS); /* side by side */
    while (world->done_count == 0) {
        struct sent sent = world_sent(world);
        answer_page(world, &sent, _i);
        answer_page(world, &sent, _i); /* twice: no matter */
        sent_free(&sent);
    }
    struct client_done done = world_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    check_result(&done, 10, 89);
    world_free(world);
}
END_TEST

START_TEST(test_core_resumes_a_scan_behind_the_last_page)
{
    struct world *world = world_new(PARTITIONS, 3);
    uint64_t call = world_call(world, WIRE_KV_SCAN, "k000", "k099");
    world_give_map(world);
    for (int i = 0; world->done_count == 0; i++) {
        if (world->send_count == 0)
            world_until_send(world);
        struct sent sent = world_sent(world);
        if (i % 4 == 0)
            world_lose(world, sent.to);
        else if (i % 4 == 1)
            world_reply(world, &sent, WIRE_STATUS_NOT_LEADER);
        else
            answer_page(world, &sent, 5);
        sent_free(&sent);
    }
    struct client_done done = world_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    check_result(&done, 0, 99);
    world_free(world);
}
END_TEST

START_TEST(test_core_scans_nothing)
{
    struct world *world = world_new(PARTITIONS, 1);
    uint64_t call = world_call(world, WIRE_KV_SCAN, "x", "y");
    world_give_map(world);
    for (int i = 0; i < PARTITIONS; i++) {
        struct sent sent = world_sent(world);
        answer_page(world, &sent, 5);
        sent_free(&sent);
    }
    struct client_done done = world_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    check_result(&done, 0, -1);
    world_free(world);
}
END_TEST

/* Pages that no server may give for SCAN b d: one string each, "more" first. */
static const char *const BAD_PAGES[] = {
    "1",   /* more, but nothing */
    "0a",  /* below the range */
    "0e",  /* above it */
    "0cb", /* not ascending */
    "0cc", /* twice */
    "0b ", /* not a legal key */
};

START_TEST(test_core_refuses_a_page_that_makes_no_sense)
{
    struct world *world = world_new(0, 1);
    uint64_t call = world_call(world, WIRE_KV_SCAN, "b", "d");
    struct sent sent = world_sent(world);
    const char *bad = BAD_PAGES[_i];
    struct wire_writer page = {0};
    wire_kv_page_begin(&page, bad[0] == '1', (uint32_t)strlen(bad) - 1);
    for (const char *key = bad + 1; *key != '\0'; key++)
        wire_kv_page_add(&page, span_of(key, 1), span_text("v"));
    world_reply_bytes(world, &sent, wire_writer_span(&page));
    wire_writer_free(&page);
    sent_free(&sent);
    world_expect_done(world, call, CLIENT_FAILED, CLIENT_REASON_BAD_ANSWER);
    world_free(world);
}
END_TEST

START_TEST(test_core_gives_up_a_scan_at_its_deadline)
{
    struct world *world = world_new(PARTITIONS, 1);
    uint64_t call = world_call_for(world, WIRE_KV_SCAN, "k000", "k099", WIRE_SECOND / 2);
    world_give_map(world);
    struct sent sent = world_sent(world);
    answer_page(world, &sent, 5);
    sent_free(&sent);
    world_pass(world, WIRE_SECOND);
    world_expect_done(world, call, CLIENT_FAILED, CLIENT_REASON_TIMEOUT);
    world_forget(world);
    world_free(world);
}
END_TEST

TCase *core_scan_case(void)
{
    TCase *tcase = tcase_create("core_scan");
    tcase_add_loop_test(tcase, test_core_merges_a_scan_over_partitions_and_pages, 1, 40);
    tcase_add_test(tcase, test_core_resumes_a_scan_behind_the_last_page);
    tcase_add_test(tcase, test_core_scans_nothing);
    tcase_add_loop_test(tcase, test_core_refuses_a_page_that_makes_no_sense, 0,
                        (int)(sizeof BAD_PAGES / sizeof BAD_PAGES[0]));
    tcase_add_test(tcase, test_core_gives_up_a_scan_at_its_deadline);
    return tcase;
}
