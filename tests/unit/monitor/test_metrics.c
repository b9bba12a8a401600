#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/monitor/suites.h"
#include "tools/monitor/render.h"

static struct canned canned;
static struct wire_writer out;

static void begin(void)
{
    canned_begin(&canned);
    canned_grow(&canned, 10);
}

static void end(void)
{
    wire_writer_free(&out);
    canned_end(&canned);
}

static const char *draw(void)
{
    struct picture *picture = canned_picture(&canned);
    wire_writer_clear(&out);
    render_metrics(picture, &out);
    wire_write_raw(&out, span_of("", 1));
    picture_free(&picture);
    return (const char *)out.data;
}

static void assert_has(const char *text, const char *line)
{
    ck_assert_msg(strstr(text, line) != NULL, "no %s", line);
}

START_TEST(test_metrics_tell_of_groups_and_replicas)
{
    canned_silence(&canned, S00);
    const char *text = draw();
    assert_has(text, "\nmadkv_healthy 0\n");
    assert_has(text, "\nmadkv_group_can_lose_replicas{group=\"s0\"} 0\n");
    assert_has(text, "\nmadkv_group_can_lose_replicas{group=\"s1\"} 1\n");
    assert_has(text, "\nmadkv_up{group=\"s0\",node=\"s0.0\"} 0\n");
    assert_has(text, "\nmadkv_leader{group=\"s0\",node=\"s0.1\"} 1\n");
    assert_has(text, "\nmadkv_lease_left_seconds{group=\"s0\",node=\"s0.1\"} 0.35\n");
    ck_assert_ptr_null(strstr(text, "madkv_leader{group=\"s0\",node=\"s0.0\"}"));
    assert_has(text, "# TYPE madkv_requests_total counter\n");
}
END_TEST

START_TEST(test_metrics_histograms_are_cumulative_and_end_in_infinity)
{
    const char *text = draw();
    assert_has(text, "# TYPE madkv_call_seconds histogram\n");
    assert_has(text, "\nmadkv_call_seconds_bucket{group=\"s0\",node=\"s0.1\",op=\"put\","
                     "le=\"0.000512\"} 0\n");
    assert_has(text, "\nmadkv_call_seconds_bucket{group=\"s0\",node=\"s0.1\",op=\"put\","
                     "le=\"0.001024\"} 10000\n");
    assert_has(text, "\nmadkv_call_seconds_bucket{group=\"s0\",node=\"s0.1\",op=\"put\","
                     "le=\"+Inf\"} 10000\n");
    assert_has(text, "\nmadkv_call_seconds_sum{group=\"s0\",node=\"s0.1\",op=\"put\"} 8.95\n");
    assert_has(text, "\nmadkv_call_seconds_count{group=\"s0\",node=\"s0.1\",op=\"put\"} 10000\n");
    assert_has(text, "\nmadkv_commit_seconds_count{group=\"s0\",node=\"s0.2\"} 5000\n");
}
END_TEST

/* Every line by the grammar of the text format, and every family in one piece. */
START_TEST(test_metrics_follow_the_exposition_format)
{
    canned_silence(&canned, S00);
    canned_event(&canned, S01, "op.we\"ird\n_us_buckets", "1:2");
    const char *text = draw();
    const char *script = getenv("MADKV_EXPOSITION");
    ck_assert_msg(script != NULL, "MADKV_EXPOSITION names no script");
    FILE *python = popen(script, "w");
    ck_assert_ptr_nonnull(python);
    ck_assert_int_ge(fputs(text, python), 0);
    int status = pclose(python);
    ck_assert_msg(status == 0, "status %d", status);
}
END_TEST

Suite *metrics_suite(void)
{
    Suite *suite = suite_create("monitor metrics");
    TCase *tests = tcase_create("metrics");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, test_metrics_tell_of_groups_and_replicas);
    tcase_add_test(tests, test_metrics_histograms_are_cumulative_and_end_in_infinity);
    tcase_add_test(tests, test_metrics_follow_the_exposition_format);
    suite_add_tcase(suite, tests);
    return suite;
}
