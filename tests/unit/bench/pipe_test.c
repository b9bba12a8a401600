/* Calls through a program: what its lines mean, and programs that are none of ours. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/unit/bench/suites.h"
#include "tools/bench/pipe.h"

static const struct {
    enum wire_kv_op op;         /* of the call, on key "k1" */
    bool first;                 /* the answer's first line */
    const char *line;           /* what came */
    enum bench_answer expected; /* what it means */
} lines[] = {
    {WIRE_KV_PUT, true, "PUT k1 found", BENCH_ANSWER_FOUND},
    {WIRE_KV_PUT, true, "PUT k1 not_found", BENCH_ANSWER_NONE},
    {WIRE_KV_PUT, true, "PUT k1 maybe", BENCH_ANSWER_BAD},
    {WIRE_KV_PUT, true, "PUT k1 ", BENCH_ANSWER_BAD},
    {WIRE_KV_PUT, true, "PUT k1", BENCH_ANSWER_BAD},
    {WIRE_KV_PUT, true, "PUT k found", BENCH_ANSWER_BAD},
    {WIRE_KV_PUT, true, "PUT k11 found", BENCH_ANSWER_BAD},
    {WIRE_KV_PUT, true, "SWAP k1 found", BENCH_ANSWER_BAD},
    {WIRE_KV_PUT, true, "", BENCH_ANSWER_BAD},
    {WIRE_KV_DELETE, true, "DELETE k1 found", BENCH_ANSWER_FOUND},
    {WIRE_KV_DELETE, true, "DELETE k1 not_found", BENCH_ANSWER_NONE},
    {WIRE_KV_GET, true, "GET k1 v", BENCH_ANSWER_FOUND},
    {WIRE_KV_GET, true, "GET k1 null", BENCH_ANSWER_NONE},
    {WIRE_KV_GET, true, "GET k1 nulls", BENCH_ANSWER_FOUND},
    {WIRE_KV_SWAP, true, "SWAP k1 found", BENCH_ANSWER_FOUND},
    {WIRE_KV_SWAP, true, "SWAP k1 null", BENCH_ANSWER_NONE},
    {WIRE_KV_GET, true, "ERROR timeout: nothing was read or changed", BENCH_ANSWER_FAILED},
    {WIRE_KV_SCAN, true, "SCAN k1 k2 BEGIN", BENCH_ANSWER_MORE},
    {WIRE_KV_SCAN, true, "SCAN k2 k3 BEGIN", BENCH_ANSWER_BAD},
    {WIRE_KV_SCAN, true, "  k1 v", BENCH_ANSWER_BAD},
    {WIRE_KV_SCAN, false, "  k1 v", BENCH_ANSWER_MORE},
    {WIRE_KV_SCAN, false, "  SCAN END", BENCH_ANSWER_MORE},
    {WIRE_KV_SCAN, false, "SCAN END", BENCH_ANSWER_FOUND},
    {WIRE_KV_SCAN, false, "GET k1 v", BENCH_ANSWER_BAD},
    {WIRE_KV_SCAN, false, "ERROR timeout: nothing was read or changed", BENCH_ANSWER_FAILED},
};

START_TEST(test_lines_mean_what_the_client_means)
{
    struct span key = span_text("k1");
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        enum bench_answer got =
            bench_pipe_judge(lines[i].op, key, lines[i].first, span_text(lines[i].line));
        ck_assert_msg(got == lines[i].expected, "line %zu, '%s': %d", i, lines[i].line, (int)got);
    }
}
END_TEST

/* --- programs -------------------------------------------------------------------------------- */

static struct client_done last;
static int done_count;

static void note_done(void *argument, const struct client_done *done, wire_time now)
{
    (void)argument;
    (void)now;
    last = *done;
    done_count++;
}

/* A caller that talks to a shell script. */
static struct bench_caller *begin(int epoll, const char *script)
{
    char *const command[] = {"sh", "-c", (char *)script, NULL};
    const struct bench_pipe_config config = {
        .command = command, .diagnostics = -1, .epoll = epoll, .done = note_done};
    signal(SIGPIPE, SIG_IGN);
    done_count = 0;
    struct bench_caller *caller = bench_pipe_new(&config);
    ck_assert_ptr_nonnull(caller);
    return caller;
}

/* One call, until it ends or the caller is in trouble. */
static void call(int epoll, struct bench_caller *caller, enum wire_kv_op op, struct span value)
{
    const struct client_call call = {.op = op, .key = span_text("k"), .value = value};
    int before = done_count;
    uint64_t id = bench_caller_submit(caller, bench_clock(), &call);
    bench_caller_settle(caller, bench_clock());
    while (done_count == before && bench_caller_trouble(caller) == NULL) {
        struct epoll_event event;
        ck_assert_int_eq(epoll_wait(epoll, &event, 1, 60000), 1);
        bench_caller_ready(event.data.ptr, event.events, bench_clock());
    }
    ck_assert(done_count == before || last.call == id);
}

static void end(int epoll, struct bench_caller *caller)
{
    bench_caller_destroy(&caller, bench_clock());
    ck_assert_ptr_null(caller);
    close(epoll);
}

START_TEST(test_calls_go_through_a_program)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct bench_caller *caller = begin(
        epoll, "while read -r op k v; do case $op in"
               " SCAN) echo \"SCAN $k $v BEGIN\"; printf '  k v\\n  SCAN END\\n'; echo 'SCAN END';;"
               " DELETE) echo 'ERROR no';; *) echo \"$op $k null\";; esac; done");
    call(epoll, caller, WIRE_KV_GET, span_text(""));
    ck_assert_int_eq(done_count, 1);
    ck_assert(last.outcome == CLIENT_OK && !last.found && last.op == WIRE_KV_GET);
    call(epoll, caller, WIRE_KV_SCAN, span_text("z"));
    ck_assert_int_eq(done_count, 2);
    ck_assert(last.outcome == CLIENT_OK && last.op == WIRE_KV_SCAN);
    call(epoll, caller, WIRE_KV_DELETE, span_text(""));
    ck_assert_int_eq(done_count, 3);
    ck_assert_int_eq(last.outcome, CLIENT_FAILED);
    ck_assert_ptr_null(bench_caller_trouble(caller));
    end(epoll, caller);
}
END_TEST

START_TEST(test_a_value_longer_than_a_pipe_goes_through)
{
    enum { BYTES = 1000 * 1000 };
    static uint8_t value[BYTES];
    memset(value, 'v', sizeof value);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct bench_caller *caller = begin(epoll, "exec cat");
    call(epoll, caller, WIRE_KV_SWAP, span_of(value, sizeof value));
    ck_assert_int_eq(done_count, 1);
    ck_assert(last.outcome == CLIENT_OK && last.found);
    end(epoll, caller);
}
END_TEST

START_TEST(test_a_program_that_ends_is_trouble)
{
    static const char *const scripts[] = {"exit 3", "read -r line", "exec /no/such/program",
                                          "echo GET k v; echo GET k v; read -r line; exec cat",
                                          "while read -r line; do echo \"GET K v\"; done"};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        int epoll = epoll_create1(EPOLL_CLOEXEC);
        struct bench_caller *caller = begin(epoll, scripts[i]);
        for (int j = 0; j < 3 && bench_caller_trouble(caller) == NULL; j++)
            call(epoll, caller, WIRE_KV_GET, span_text(""));
        ck_assert_msg(bench_caller_trouble(caller) != NULL, "%s", scripts[i]);
        end(epoll, caller);
    }
}
END_TEST

START_TEST(test_a_program_that_does_not_end_is_ended)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct bench_caller *caller =
        begin(epoll, "trap '' TERM HUP PIPE; echo; exec sleep 100 </dev/null >/dev/null");
    struct epoll_event event;
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, 60000), 1);
    end(epoll, caller);
}
END_TEST

Suite *pipe_suite(void)
{
    Suite *suite = suite_create("pipe");
    TCase *tests = tcase_create("pipe");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, test_lines_mean_what_the_client_means);
    tcase_add_test(tests, test_calls_go_through_a_program);
    tcase_add_test(tests, test_a_value_longer_than_a_pipe_goes_through);
    tcase_add_test(tests, test_a_program_that_ends_is_trouble);
    tcase_add_test(tests, test_a_program_that_does_not_end_is_ended);
    suite_add_tcase(suite, tests);
    return suite;
}
