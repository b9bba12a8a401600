/* Pictures over time: rates, latencies, events, since when. */
#include <stdio.h>

#include "tests/unit/monitor/suites.h"
#include "tools/monitor/watch.h"

static struct canned canned;
static struct watch *watch;

static void begin(void)
{
    canned_begin(&canned);
    watch = watch_new();
}

static void end(void)
{
    watch_free(&watch);
    canned_end(&canned);
}

/* The picture of the canned cluster, `second` seconds after the first. */
static void take(unsigned second)
{
    watch_take(watch, (wire_time)(100 + second) * WIRE_SECOND, 1000000 + second,
               canned_picture(&canned));
}

static const struct picture_replica *replica(int node)
{
    const struct picture *picture = watch_picture(watch);
    return &picture->groups[node / 3].replicas[node % 3];
}

/* "node kind: text" of the last events, oldest first, one a line. */
static const char *events(size_t count)
{
    static char text[4096];
    size_t size = 0, total = watch_event_count(watch);
    text[0] = '\0';
    for (size_t i = total > count ? total - count : 0; i < total; i++) {
        const struct watch_event *event = watch_event(watch, i);
        size += (size_t)snprintf(text + size, sizeof text - size, "%s %s: %s\n", event->node,
                                 event->kind, event->text);
    }
    return text;
}

START_TEST(test_watch_rates_are_of_the_last_two_pictures)
{
    canned_grow(&canned, 10);
    take(0);
    ck_assert(!watch_throughput(watch, NULL).known);
    canned_grow(&canned, 14);
    take(2);
    struct watch_rate rate = watch_throughput(watch, NULL);
    ck_assert(rate.known);
    ck_assert_double_eq_tol(rate.value, 2 * 2020, 0.01);
    rate = watch_rate_of(watch, replica(S01), "api.requests");
    ck_assert_double_eq_tol(rate.value, 2020, 0.01);
    ck_assert(!watch_rate_of(watch, replica(S01), "no.such_figure").known);
    int count;
    ck_assert_double_eq_tol(watch_history(watch, &count)[0], 4040, 0.01);
    ck_assert_int_eq(count, 1);
}
END_TEST

START_TEST(test_watch_does_not_compare_two_processes)
{
    canned_grow(&canned, 10);
    take(0);
    canned_grow(&canned, 2); /* counters began anew */
    for (int node = 0; node < CANNED_NODES; node++)
        canned.answers[node].sender.start++;
    take(1);
    ck_assert(!watch_throughput(watch, NULL).known);
    struct buckets buckets = {0};
    watch_calls(watch, &watch_picture(watch)->groups[1], &buckets);
    ck_assert_uint_eq(buckets_total(&buckets), 0);
}
END_TEST

START_TEST(test_watch_latencies_are_of_the_last_ten_seconds)
{
    for (unsigned second = 0; second <= 30; second++) {
        canned_grow(&canned, second);
        take(second);
    }
    struct buckets buckets = {0};
    watch_latency(watch, replica(S01), "op.put_us", &buckets);
    ck_assert_uint_eq(buckets_total(&buckets), 10000);
    ck_assert_uint_eq(buckets_percentile(&buckets, 0.5).value, 895);
    watch_calls(watch, &watch_picture(watch)->groups[1], &buckets);
    ck_assert_uint_eq(buckets_total(&buckets), 20100);
    ck_assert_uint_eq(buckets_percentile(&buckets, 1).value, 14335);
}
END_TEST

START_TEST(test_watch_tells_an_event_of_a_replica_once_and_when_it_was)
{
    canned_event(&canned, S01, "event.proposer.3", "61000 leader leads with ballot 4.1");
    take(0);
    take(1);
    ck_assert_str_eq(events(9), "s0.1 leader: leads with ballot 4.1\n");
    ck_assert_int_eq(watch_event(watch, 0)->at, 1000000 - 61);
    canned_event(&canned, S01, "event.proposer.4", "0 leader leads no more");
    canned_event(&canned, S01, "event.log.1", "5 alarm a commit to the disk took 1200 ms");
    take(2);
    ck_assert_str_eq(events(2), "s0.1 leader: leads no more\n"
                                "s0.1 alarm: a commit to the disk took 1200 ms\n");
    ck_assert_uint_eq(watch_event(watch, 2)->number, 3);
}
END_TEST

START_TEST(test_watch_leaves_out_events_that_make_no_sense)
{
    canned_event(&canned, S01, "event.proposer.x", "1 leader leads");
    canned_event(&canned, S01, "event..1", "1 leader leads");
    canned_event(&canned, S01, "event.proposer.1.2", "1 leader leads");
    canned_event(&canned, S01, "event.proposer.9", "leader leads");
    canned_event(&canned, S01, "event.proposer.10", "1 alarm \033[2Jowned");
    take(0);
    ck_assert_str_eq(events(9), "s0.1 alarm: ?[2Jowned\n");
}
END_TEST

START_TEST(test_watch_sees_a_node_go_come_back_and_start_anew)
{
    take(0);
    canned_silence(&canned, S02);
    take(1);
    ck_assert(watch_is_suspect(watch, replica(S02)));
    take(3);
    ck_assert(!watch_is_suspect(watch, replica(S02)));
    ck_assert_uint_eq(watch_since_ms(watch, replica(S02)), 2000);
    ck_assert_str_eq(events(9), "s0.2 down: answers no more (silent)\n"
                                "cluster unhealthy: s0.2 does not answer\n");
    canned_say(&canned, S02, "following", 4, 1, 120, 118);
    wire_figure_number(&canned.answers[S02].figures, "process.pid", 4711);
    take(5);
    ck_assert_str_eq(events(3), "s0.2 up: answers again\n"
                                "s0.2 restart: runs anew as process 4711\n"
                                "cluster healthy: every group has a leader, every replica is up\n");
    ck_assert_uint_eq(watch_since_ms(watch, replica(S02)), 0);
}
END_TEST

START_TEST(test_watch_forgets_the_oldest_events)
{
    char name[32];
    for (unsigned i = 1; i <= WATCH_EVENTS + 50; i++) {
        snprintf(name, sizeof name, "event.api.%u", i);
        canned_silence(&canned, S00);
        canned_say(&canned, S00, "following", 4, 1, 120, 118);
        canned_event(&canned, S00, name, "0 refusal refuses calls");
        take(i);
    }
    ck_assert_uint_eq(watch_event_count(watch), WATCH_EVENTS);
    ck_assert_uint_eq(watch_event(watch, 0)->number, 51);
    ck_assert_uint_eq(watch_event(watch, WATCH_EVENTS - 1)->number, WATCH_EVENTS + 50);
}
END_TEST

Suite *watch_suite(void)
{
    Suite *suite = suite_create("monitor watch");
    TCase *tests = tcase_create("watch");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, test_watch_rates_are_of_the_last_two_pictures);
    tcase_add_test(tests, test_watch_does_not_compare_two_processes);
    tcase_add_test(tests, test_watch_latencies_are_of_the_last_ten_seconds);
    tcase_add_test(tests, test_watch_tells_an_event_of_a_replica_once_and_when_it_was);
    tcase_add_test(tests, test_watch_leaves_out_events_that_make_no_sense);
    tcase_add_test(tests, test_watch_sees_a_node_go_come_back_and_start_anew);
    tcase_add_test(tests, test_watch_forgets_the_oldest_events);
    suite_add_tcase(suite, tests);
    return suite;
}
