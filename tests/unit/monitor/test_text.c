#include <stdio.h>
#include <string.h>

#include "tests/unit/monitor/suites.h"
#include "tools/monitor/render.h"

static struct canned canned;
static struct wire_writer out;

static void begin(void)
{
    canned_begin(&canned);
    wire_writer_clear(&out);
}

static void end(void)
{
    wire_writer_free(&out);
    canned_end(&canned);
}

/* The text of the picture, with a NUL, good until the next call. */
static const char *draw(bool colour)
{
    struct picture *picture = canned_picture(&canned);
    wire_writer_clear(&out);
    render_text(picture, colour, &out);
    wire_write_raw(&out, span_of("", 1));
    picture_free(&picture);
    return (const char *)out.data;
}

/* clang-format off */
static const char HEALTHY[] =
    "HEALTHY: every group has a leader, every replica is up\n"
    "cluster 00c0ffee12345678: 3 managers, 2 partitions; 9 of 9 replicas up\n"
    "\n"
    "GROUP    LEADER  BALLOT      CHOSEN     APPLIED     LAG CAN LOSE  RECORDS  BYTES\n"
    "managers m.0          4         120         120       2   1 more        -      -\n"
    "s0       s0.1         4         120         120       2   1 more     1000 1.0 MB\n"
    "s1       s1.2         4         120         120       2   1 more     1000 1.0 MB\n"
    "\n"
    "NODE   STATE   ROLE      ADDRESS                   APPLIED    LAG COMMIT* MEMORY\n"
    "m.0    up      leader    127.0.0.1:3666                120      0  850 us  12 MB\n"
    "m.1    up      follower  127.0.0.1:3667                118      2  850 us  12 MB\n"
    "m.2    up      follower  127.0.0.1:3668                118      2       -  12 MB\n"
    "s0.0   up      follower  127.0.0.1:3777                118      2  850 us  12 MB\n"
    "s0.1   up      leader    127.0.0.1:3778                120      0  850 us  12 MB\n"
    "s0.2   up      follower  127.0.0.1:3779                118      2   12 ms  12 MB\n"
    "s1.0   up      follower  node-with-a-..org:3780        118      2  850 us  12 MB\n"
    "s1.1   up      follower  [2001:db8::15]:3781           118      2  850 us  12 MB\n"
    "s1.2   up      leader    10.0.0.1:65535                120      0  850 us  12 MB\n"
    "* 99 of 100 commits to the log took at most that long\n";

static const char TROUBLE[] =
    "NOT HEALTHY: s1: majority lost\n"
    "cluster 00c0ffee12345678: 3 managers, 2 partitions; 5 of 9 replicas up\n"
    "\n"
    "GROUP    LEADER  BALLOT      CHOSEN     APPLIED     LAG CAN LOSE  RECORDS  BYTES\n"
    "managers m.0          4         120         120       2   0 more        -      -\n"
    "s0       s0.2         6         130         130      10   0 more        -      -\n"
    "s1       none         4         120         118       2  stopped     1000 1.0 MB\n"
    "\n"
    "NODE   STATE   ROLE      ADDRESS                   APPLIED    LAG COMMIT* MEMORY\n"
    "m.0    up      leader    127.0.0.1:3666                120      0  850 us  12 MB\n"
    "m.1    DOWN    -         127.0.0.1:3667                  -      -       -      -\n"
    "m.2    up      follower  127.0.0.1:3668                118      2       -  12 MB\n"
    "s0.0   DOWN    -         127.0.0.1:3777                  -      -       -      -\n"
    "s0.1   up      deposed   127.0.0.1:3778                120     10  850 us  12 MB\n"
    "s0.2   up      leader    127.0.0.1:3779                130      0       -      -\n"
    "s1.0   OTHER   -         node-with-a-..org:3780          -      -       -      -\n"
    "s1.1   up      follower  [2001:db8::15]:3781           118      2  850 us  12 MB\n"
    "s1.2   GARBLED -         10.0.0.1:65535                  -      -       -      -\n"
    "* 99 of 100 commits to the log took at most that long\n";
/* clang-format on */

/* The figures that a picture may have to show at their largest. */
static void exaggerate(int node)
{
    struct wire_writer *figures = &canned.answers[node].figures;
    canned_say(&canned, node, "leading", UINT64_MAX, (wire_replica)(node % 3), UINT64_MAX, 0);
    wire_figure_number(figures, "process.rss_bytes", UINT64_MAX);
    wire_figure_number(figures, "log.commit_us_p99", UINT64_MAX);
    wire_figure_number(figures, "log.commit_us_count", UINT64_MAX);
    wire_figure_number(figures, "kv.records", UINT64_MAX);
    wire_figure_number(figures, "kv.bytes", 999499999);
}

static void ck_assert_lines_fit(const char *text)
{
    for (const char *line = text; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        ck_assert_msg(size <= RENDER_COLUMNS, "%zu columns: %.*s", size, (int)size, line);
        line += size + (line[size] == '\n');
    }
}

START_TEST(test_text_of_a_healthy_cluster)
{
    ck_assert_str_eq(draw(false), HEALTHY);
}
END_TEST

START_TEST(test_text_of_a_cluster_in_trouble)
{
    canned_silence(&canned, M1);
    canned_silence(&canned, S00);
    canned_say(&canned, S02, "leading", 6, 2, 130, 130);
    canned.answers[S10].sender.replica = 1;
    wire_write_raw(&canned.answers[S12].figures, span_text("\xc1"));
    ck_assert_str_eq(draw(false), TROUBLE);
}
END_TEST

START_TEST(test_text_fits_80_columns_at_its_largest)
{
    static const char *const long_host =
        "a-host-name-that-is-as-long-as-it-may-be.in-some-domain.example.org:65535";
    for (int node = 0; node < CANNED_NODES; node++) {
        exaggerate(node);
        canned.addresses[node] = long_host;
    }
    const char *text = draw(false);
    ck_assert_lines_fit(text);
    ck_assert_ptr_nonnull(strstr(text, "18446744T"));
    canned.answers[S10].sender.cluster = 1;
    ck_assert_lines_fit(draw(false));
}
END_TEST

START_TEST(test_text_without_a_map_does_not_pretend_to_know_the_servers)
{
    canned.plan.server_count = 0;
    canned.plan.map_problem = "they do not say who the servers are";
    ck_assert_ptr_nonnull(strstr(draw(false),
                                 "NOT HEALTHY: managers: they do not say who the servers are\n"
                                 "cluster 00c0ffee12345678: 3 managers, servers not known; "
                                 "3 of 3 replicas up\n"));
}
END_TEST

START_TEST(test_text_colours_only_when_told_to)
{
    canned_silence(&canned, S00);
    ck_assert_ptr_null(strchr(draw(false), '\033'));
    const char *text = draw(true);
    ck_assert_ptr_nonnull(strstr(text, "\033[1;31mNOT HEALTHY\033[0m: s0.0 does not answer"));
    ck_assert_ptr_nonnull(strstr(text, "\033[1;31mDOWN   \033[0m"));
}
END_TEST

START_TEST(test_text_sends_no_control_bytes_to_the_terminal)
{
    canned.addresses[S00] = "\033]0;owned\007:1";
    canned_say(&canned, S02, "following", 4, 1, 120, 120);
    wire_figure_number(&canned.answers[S02].figures, "acceptor.admitted", 0);
    wire_figure_text(&canned.answers[S02].figures, "acceptor.standing", "\033[2J\n");
    const char *text = draw(false);
    ck_assert_ptr_null(strchr(text, '\033'));
    ck_assert_ptr_nonnull(strstr(text, "?]0;owned?:1"));
}
END_TEST

Suite *text_suite(void)
{
    Suite *suite = suite_create("monitor text");
    TCase *tcase = tcase_create("text");
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, test_text_of_a_healthy_cluster);
    tcase_add_test(tcase, test_text_of_a_cluster_in_trouble);
    tcase_add_test(tcase, test_text_fits_80_columns_at_its_largest);
    tcase_add_test(tcase, test_text_without_a_map_does_not_pretend_to_know_the_servers);
    tcase_add_test(tcase, test_text_colours_only_when_told_to);
    tcase_add_test(tcase, test_text_sends_no_control_bytes_to_the_terminal);
    suite_add_tcase(suite, tcase);
    return suite;
}
