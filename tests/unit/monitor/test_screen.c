/* The full screen as text: pictures of a made-up cluster, keys pressed, other sizes. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/monitor/suites.h"
#include "tools/monitor/screen.h"

static struct canned canned;
static struct watch *watch;
static struct screen screen;
static struct wire_writer out;

/* Two pictures a second apart, the newer one at 00:16:41 of the first day. */
static void begin(void)
{
    setenv("TZ", "UTC", 1);
    canned_begin(&canned);
    watch = watch_new();
    screen_init(&screen, 1000, false);
}

static void take(unsigned second)
{
    watch_take(watch, (wire_time)(100 + second) * WIRE_SECOND, 1000 + second,
               canned_picture(&canned));
}

static void work(void)
{
    canned_grow(&canned, 10);
    canned_event(&canned, S01, "event.proposer.1", "3000 leader leads with ballot 4.1");
    take(0);
    canned_grow(&canned, 11);
    take(1);
}

static void end(void)
{
    wire_writer_free(&out);
    watch_free(&watch);
    canned_end(&canned);
}

static const char *draw_sized(int rows, int columns, bool unicode)
{
    struct grid grid;
    grid_init(&grid, rows, columns, unicode);
    screen_draw(&screen, watch, 1500, &grid);
    wire_writer_clear(&out);
    grid_text(&grid, &out);
    wire_write_raw(&out, span_of("", 1));
    grid_free(&grid);
    return (const char *)out.data;
}

static const char *draw(void)
{
    return draw_sized(24, 80, false);
}

static void type(const char *keys)
{
    for (; *keys != '\0'; keys++)
        screen_press(&screen, *keys);
}

static void assert_screen(const char *drawn, const char *expected)
{
    ck_assert_msg(strcmp(drawn, expected) == 0, "drawn:\n%s\nexpected:\n%s", drawn, expected);
}

static void assert_has(const char *drawn, const char *expected)
{
    ck_assert_msg(strstr(drawn, expected) != NULL, "no '%s' in:\n%s", expected, drawn);
}

/* clang-format off */
static const char HEALTHY[] =
    "HEALTHY: every group has a leader, every replica is up                  00:16:41\n"
    "cluster 00c0ffee  9 of 9 replicas up, 2 partitions  2020 op/s  every 1 s\n"
    "[1 Overview] 2 Replicas  3 Latency  4 Storage  5 Events  6 Clients  7 Chain\n"
    "\n"
    "GROUP    LEADER   UP CAN LOSE   OP/S    P50    P99    COMMIT    LAG STORED\n"
    "managers m.0     3/3   1 more      0      -      -       120      2      -\n"
    "s0       s0.1    3/3   1 more   1010 895 us 895 us       120      2 1.0 MB\n"
    "s1       s1.2    3/3   1 more   1010 895 us 895 us       120      2 1.0 MB\n"
    "\n"
    "nothing is wrong: every replica is up\n"
    "\n"
    "OP/S                                                             @ max 2020\n"
    "\n"
    "00:16:37 s0.1    leader     leads with ballot 4.1\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "1-7 view  jk choose  Enter node  s sort  / filter  p pause  +- interval  ? help\n";
static const char TROUBLE[] =
    "NOT HEALTHY: s0.1 does not answer                                       00:16:44\n"
    "cluster 00c0ffee  7 of 9 replicas up, 2 partitions  0 op/s  every 1 s\n"
    "[1 Overview] 2 Replicas  3 Latency  4 Storage  5 Events  6 Clients  7 Chain\n"
    "\n"
    "GROUP    LEADER   UP CAN LOSE   OP/S    P50    P99    COMMIT    LAG STORED\n"
    "managers m.0     3/3   1 more      0      -      -       120      2      -\n"
    "s0       s0.0    2/3   0 more      0      -      -       140     22      -\n"
    "s1       s1.2    2/3   0 more      0 895 us 895 us       120      2 1.0 MB\n"
    "\n"
    "s0.1   DOWN 2s       s0 can lose 0 more: one more failure stops it\n"
    "s0.2   catch-up 47%  s0 can lose 0 more: one more failure stops it\n"
    "s1.0   OTHER         s1 can lose 0 more: one more failure stops it\n"
    "\n"
    "OP/S                                                           @+_ max 2020\n"
    "\n"
    "00:16:37 s0.1    leader     leads with ballot 4.1\n"
    "00:16:42 s0.0    leader     leads with ballot 5.0\n"
    "00:16:42 s0.1    down       answers no more (silent)\n"
    "00:16:42 cluster unhealthy  s0.1 does not answer\n"
    "00:16:44 s1.0    down       answers no more (stranger)\n"
    "\n"
    "\n"
    "\n"
    "1-7 view  jk choose  Enter node  s sort  / filter  p pause  +- interval  ? help\n";
static const char REPLICAS[] =
    "NOT HEALTHY: s0.1 does not answer                                       00:16:44\n"
    "cluster 00c0ffee  7 of 9 replicas up, 2 partitions  0 op/s  every 1 s\n"
    " 1 Overview [2 Replicas] 3 Latency  4 Storage  5 Events  6 Clients  7 Chain\n"
    "\n"
    "NODE   STATE        ROLE       LEASE    LAG  QUEUE FSYNC99 MEMORY   CPU  UPTIME\n"
    "m.0    up           LEADER         -      0      -  639 us  12 MB    0%     12s\n"
    "m.1    up           follower  350 ms      2      -  639 us  12 MB    0%     12s\n"
    "m.2    up           follower  350 ms      2      -  639 us  12 MB    0%     12s\n"
    "s0.0   up           LEADER         -      0      -       -      -     -       -\n"
    "s0.1   DOWN 2s      -              -      -      -       -      -     -       -\n"
    "s0.2   catch-up 47% follower  350 ms     22      -   12 ms  12 MB    0%     12s\n"
    "s1.0   OTHER        -              -      -      -       -      -     -       -\n"
    "s1.1   up           follower  350 ms      2      -  639 us  12 MB    0%     12s\n"
    "s1.2   up           LEADER    350 ms      0      -  639 us  12 MB    0%     12s\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "1-7 view  jk choose  Enter node  s sort  / filter  p pause  +- interval  ? help\n";
static const char LATENCY[] =
    "HEALTHY: every group has a leader, every replica is up                  00:16:41\n"
    "cluster 00c0ffee  9 of 9 replicas up, 2 partitions  2020 op/s  every 1 s\n"
    " 1 Overview  2 Replicas [3 Latency] 4 Storage  5 Events  6 Clients  7 Chain\n"
    "\n"
    "s0 (2 of 3, up and down for the others): the last 10 s\n"
    "CALLS                      COUNT     P50     P99  .....1ms..32ms.1s...\n"
    "put                         1000  895 us  895 us _____@______________\n"
    "get                           10   14 ms   14 ms _________@__________\n"
    "STAGES                     COUNT     P50     P99  .....1ms..32ms.1s...\n"
    "API to proposer                0       -       -\n"
    "queue: waits for a batch       0       -       -\n"
    "quorum: proposed, chosen    1000  767 us  767 us _____@______________\n"
    "persist: disk of s0.0        500  639 us  639 us _____@______________\n"
    "persist: disk of s0.1        500  639 us  639 us _____@______________\n"
    "persist: disk of s0.2        500   12 ms   12 ms _________@__________\n"
    "chosen to applier              0       -       -\n"
    "apply and answer               0       -       -\n"
    "reads: confirm                 0       -       -\n"
    "a quorum waits mostly for the disks\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "1-7 view  jk choose  Enter node  s sort  / filter  p pause  +- interval  ? help\n";
static const char STORAGE[] =
    "HEALTHY: every group has a leader, every replica is up                  00:16:41\n"
    "cluster 00c0ffee  9 of 9 replicas up, 2 partitions  2020 op/s  every 1 s\n"
    " 1 Overview  2 Replicas  3 Latency [4 Storage] 5 Events  6 Clients  7 Chain\n"
    "\n"
    "NODE    RECORDS STORED   DISK   FREE  FULL    LOG   CKPT WRITE/S FSYNC99\n"
    "m.0           -      - 2.0 MB  80 MB   20%      -      -       -  639 us\n"
    "m.1           -      - 2.0 MB  80 MB   20%      -      -       -  639 us\n"
    "m.2           -      - 2.0 MB  80 MB   20%      -      -       -  639 us\n"
    "s0.0       1000 1.0 MB 2.0 MB  80 MB   20%      -      -       -  639 us\n"
    "s0.1       1000 1.0 MB 2.0 MB  80 MB   20%      -      -       -  639 us\n"
    "s0.2       1000 1.0 MB 2.0 MB  80 MB   20%      -      -       -   12 ms\n"
    "s1.0       1000 1.0 MB 2.0 MB  80 MB   20%      -      -       -  639 us\n"
    "s1.1       1000 1.0 MB 2.0 MB 3.0 MB   97%      -      -       -  639 us\n"
    "s1.2       1000 1.0 MB 2.0 MB  80 MB   20%      -      -       -  639 us\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "1-7 view  jk choose  Enter node  s sort  / filter  p pause  +- interval  ? help\n";
/* clang-format on */

START_TEST(test_screen_of_a_healthy_cluster)
{
    work();
    assert_screen(draw(), HEALTHY);
}
END_TEST

/* A leader died two seconds ago, another replica leads, and one more failure would be the end. */
static void spoil(void)
{
    work();
    canned_grow(&canned, 12);
    canned_silence(&canned, S01);
    canned_say(&canned, S00, "leading", 5, 0, 140, 140);
    canned_event(&canned, S00, "event.proposer.7", "400 leader leads with ballot 5.0");
    take(2);
    canned.answers[S10].sender.replica = 1;
    wire_figure_number(&canned.answers[S02].figures, "acceptor.catch_up_percent", 47);
    take(4);
}

START_TEST(test_screen_says_who_failed_and_whether_another_failure_would_be_the_end)
{
    spoil();
    assert_screen(draw(), TROUBLE);
}
END_TEST

START_TEST(test_screen_of_replicas)
{
    spoil();
    type("2");
    assert_screen(draw(), REPLICAS);
}
END_TEST

START_TEST(test_screen_of_latencies)
{
    work();
    type("3");
    assert_screen(draw(), LATENCY);
}
END_TEST

START_TEST(test_screen_of_storage_warns_of_a_full_disk)
{
    work();
    type("4");
    assert_screen(draw(), STORAGE);
}
END_TEST

START_TEST(test_screen_of_clients_shows_calls_and_sessions)
{
    work();
    type("6");
    assert_has(draw(), "\ns0.1   LEADER         -   1010        -       -        4");
}
END_TEST

START_TEST(test_screen_of_chains_goes_from_head_to_tail)
{
    static const char *const roles[] = {"tail", "head", "middle"};
    work();
    type("7");
    assert_has(draw(), "\nno replica says that it is in a chain\n");
    for (int i = 0; i < 3; i++) {
        struct wire_writer *figures = &canned.answers[S00 + i].figures;
        wire_figure_number(figures, "chain.epoch", 3);
        wire_figure_number(figures, "chain.whole", 1);
        wire_figure_number(figures, "chain.serves_reads", i != 2);
        wire_figure_number(figures, "chain.last_slot", 130);
        wire_figure_number(figures, "chain.unpassed_slots", i == 1 ? 7 : 0);
        wire_figure_number(figures, "chain.unacknowledged_slots", 10);
        wire_figure_text(figures, "chain.role", roles[i]);
    }
    take(2);
    type("1");
    assert_has(draw(), "\ns0       s0.1    3/3   2 more"); /* the managers cut out who is gone */
    type("7");
    assert_has(draw(),
               "PLACE NODE   STATE        ROLE       EPOCH      LAST INFLIGHT UNACKED READS\n"
               "    0 s0.1   up           head           3       130        7      10 yes\n"
               "    1 s0.2   up           middle         3       130        0      10 no\n"
               "    2 s0.0   up           tail           3       130        0      10 yes\n");
}
END_TEST

START_TEST(test_screen_of_events_shows_the_newest_first_and_filters)
{
    spoil();
    type("5");
    assert_has(draw(), "\nTIME     NODE    KIND       WHAT\n"
                       "00:16:44 s1.0    down       answers no more (stranger)\n"
                       "00:16:42 cluster unhealthy  s0.1 does not answer\n");
    type("/leads");
    screen_press(&screen, SCREEN_KEY_ENTER);
    assert_has(draw(), "only lines with 'leads'\n"
                       "TIME     NODE    KIND       WHAT\n"
                       "00:16:42 s0.0    leader     leads with ballot 5.0\n"
                       "00:16:37 s0.1    leader     leads with ballot 4.1\n\n");
    screen_press(&screen, SCREEN_KEY_ESCAPE);
    assert_has(draw(), "unhealthy");
}
END_TEST

START_TEST(test_screen_sorts_reverses_and_chooses)
{
    work();
    type("2");
    draw();
    ck_assert_uint_eq(screen.selected.group, WIRE_GROUP_MANAGERS);
    for (int i = 0; i < 8; i++)
        screen_press(&screen, SCREEN_KEY_RIGHT); /* the 8th: FSYNC99 */
    assert_has(draw(), "\nby FSYNC99\n");
    ck_assert_uint_eq(screen.selected.group, 0);
    ck_assert_uint_eq(screen.selected.id, 2);
    type("r");
    draw();
    ck_assert_uint_eq(screen.selected.group, 1);
    type("rj");
    draw();
    ck_assert_uint_eq(screen.selected.group, WIRE_GROUP_MANAGERS);
    type("S");
    screen_press(&screen, SCREEN_KEY_END);
    draw();
    ck_assert_uint_eq(screen.selected.group, 1);
    ck_assert_uint_eq(screen.selected.id, 2);
}
END_TEST

START_TEST(test_screen_of_a_node_shows_all_it_says_and_leads_back)
{
    work();
    type("2");
    for (int i = 0; i < 4; i++)
        screen_press(&screen, SCREEN_KEY_DOWN);
    draw();
    screen_press(&screen, SCREEN_KEY_ENTER);
    assert_has(draw(), "s0.1 up  leader  at 127.0.0.1:3778  pid 1004\n"
                       "s0 can lose 1 more\n\n"
                       "proposer.state                         leading\n");
    screen_press(&screen, SCREEN_KEY_ESCAPE);
    assert_has(draw(), "[2 Replicas]");
}
END_TEST

START_TEST(test_screen_in_other_sizes_stays_readable)
{
    spoil();
    assert_screen(draw_sized(5, 60, false),
                  "NOT HEALTHY: s0.1 does not answer                   00:16:44\n"
                  "at least 40x10 for more\n\n\n\n");
    assert_screen(draw_sized(1, 12, false), "NOT 00:16:44\n");
    const char *wide = draw_sized(40, 160, false);
    assert_has(wide, "GROUP    PROTOCOL   LEADER BALLOT   UP CAN LOSE");
    assert_has(wide, "s0       multipaxos s0.0        5  2/3   0 more");
    for (int rows = 0; rows < 30; rows += 3) {
        for (int columns = 0; columns < 130; columns += 7) {
            for (int view = SCREEN_OVERVIEW; view < SCREEN_VIEW_COUNT; view++) {
                screen.view = (enum screen_view)view;
                draw_sized(rows, columns, true);
            }
        }
    }
}
END_TEST

START_TEST(test_screen_before_the_first_picture_says_since_when_it_asks)
{
    assert_screen(draw_sized(3, 40, false), "asking the cluster since 1s ...\n\n\n");
}
END_TEST

START_TEST(test_screen_never_sends_control_bytes)
{
    canned.addresses[S00] = "\033]0;owned\007:1";
    work();
    canned_event(&canned, S00, "event.api.1", "0 alarm \033[31mred\n\200");
    wire_figure_text(&canned.answers[S00].figures, "replica.version", "\033[5m");
    take(2);
    for (int view = SCREEN_OVERVIEW; view < SCREEN_VIEW_COUNT; view++) {
        screen.view = (enum screen_view)view;
        screen.subject = (struct screen_target){true, 0, 0};
        const char *text = draw_sized(60, 200, false);
        for (const char *c = text; *c != '\0'; c++)
            ck_assert_msg((*c >= ' ' && *c <= '~') || *c == '\n', "view %d: %02x", view,
                          (unsigned char)*c);
    }
}
END_TEST

START_TEST(test_screen_pauses_and_changes_its_interval)
{
    work();
    type("p");
    ck_assert(screen.paused);
    assert_has(draw(), "\nPAUSED (p goes on)\n");
    type("p+");
    ck_assert(!screen.paused);
    ck_assert_uint_eq(screen.interval_ms, 500);
    type("+++");
    ck_assert_uint_eq(screen.interval_ms, 250);
    type("---------------");
    ck_assert_uint_eq(screen.interval_ms, 60000);
    type(" q");
    ck_assert(screen.refresh && screen.quit);
}
END_TEST

START_TEST(test_screen_acts_only_if_allowed_and_confirmed_by_name)
{
    work();
    type("2");
    screen_press(&screen, SCREEN_KEY_END);
    draw();
    type("a");
    assert_has(draw(), "actions are off: start madkv-monitor with --allow-admin");
    screen.may_act = true;
    type("a");
    assert_has(draw(), "s1.2: 1 move leadership here, 2 step down, 3 checkpoint");
    type("2");
    screen_press(&screen, SCREEN_KEY_ENTER);
    assert_has(draw(), "s1.2: type s1.2 to step down, Esc for nothing: _");
    type("s1.1");
    screen_press(&screen, SCREEN_KEY_ENTER);
    ck_assert_int_eq(screen.order, SCREEN_NOTHING);
    assert_has(draw(), "nothing done: 's1.1' is not s1.2");
    type("a2");
    screen_press(&screen, SCREEN_KEY_ENTER);
    type("s1.2");
    screen_press(&screen, SCREEN_KEY_ENTER);
    ck_assert_int_eq(screen.order, SCREEN_STEP_DOWN);
    ck_assert_uint_eq(screen.subject.group, 1);
    ck_assert_uint_eq(screen.subject.id, 2);
    screen.subject.id = 0;
    ck_assert_str_eq(screen_addressee(&screen, watch)->address, canned.addresses[S10]);
    screen.order = SCREEN_MOVE_LEADER;
    ck_assert_str_eq(screen_addressee(&screen, watch)->address, canned.addresses[S12]);
    type("a9");
    screen_press(&screen, SCREEN_KEY_ENTER);
    assert_has(draw(), "nothing done: '9' is no action of 1 to 3");
}
END_TEST

START_TEST(test_grid_sparkline_and_bar)
{
    struct grid grid;
    static const double values[] = {9, 0, 1, 4, 8};
    grid_init(&grid, 3, 10, false);
    grid_sparkline(&grid, 0, 0, 4, values, 5);
    grid_sparkline(&grid, 1, 0, 8, values, 5);
    grid_bar(&grid, 2, 0, 10, 0.45);
    wire_writer_clear(&out);
    grid_text(&grid, &out);
    wire_write_raw(&out, span_of("", 1));
    assert_screen((const char *)out.data, "_.+@\n   @_.=#\n#####.....\n");
    grid_free(&grid);
    grid_init(&grid, 1, 3, true);
    grid_sparkline(&grid, 0, 0, 3, values + 1, 4);
    wire_writer_clear(&out);
    grid_text(&grid, &out);
    wire_write_raw(&out, span_of("", 1));
    assert_screen((const char *)out.data, "\u2582\u2585\u2588\n");
    grid_free(&grid);
}
END_TEST

Suite *screen_suite(void)
{
    Suite *suite = suite_create("monitor screen");
    TCase *tests = tcase_create("screen");
    tcase_add_checked_fixture(tests, begin, end);
    tcase_add_test(tests, test_screen_of_a_healthy_cluster);
    tcase_add_test(tests, test_screen_says_who_failed_and_whether_another_failure_would_be_the_end);
    tcase_add_test(tests, test_screen_of_replicas);
    tcase_add_test(tests, test_screen_of_latencies);
    tcase_add_test(tests, test_screen_of_storage_warns_of_a_full_disk);
    tcase_add_test(tests, test_screen_of_clients_shows_calls_and_sessions);
    tcase_add_test(tests, test_screen_of_chains_goes_from_head_to_tail);
    tcase_add_test(tests, test_screen_of_events_shows_the_newest_first_and_filters);
    tcase_add_test(tests, test_screen_sorts_reverses_and_chooses);
    tcase_add_test(tests, test_screen_of_a_node_shows_all_it_says_and_leads_back);
    tcase_add_test(tests, test_screen_in_other_sizes_stays_readable);
    tcase_add_test(tests, test_screen_before_the_first_picture_says_since_when_it_asks);
    tcase_add_test(tests, test_screen_never_sends_control_bytes);
    tcase_add_test(tests, test_screen_pauses_and_changes_its_interval);
    tcase_add_test(tests, test_screen_acts_only_if_allowed_and_confirmed_by_name);
    tcase_add_test(tests, test_grid_sparkline_and_bar);
    suite_add_tcase(suite, tests);
    return suite;
}
