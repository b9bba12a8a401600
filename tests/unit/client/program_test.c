/* The program madkv-client: what goes in, what comes out, when it ends. Its path is in the
 * environment, MADKV_CLIENT. */
#include "tests/unit/client/world.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/link.h"
#include "tests/unit/client/fake.h"

enum {
    ARGUMENTS_MAX = 8,
    OUTPUT_MAX = 64 * 1024,
};

extern char **environ;

struct child {
    pid_t pid;  /* the program */
    int input;  /* its stdin, write end; -1: closed */
    int output; /* its stdout, read end; -1: closed */
    int errors; /* its stderr, read end */
};

static void make_pipe(int ends[2])
{
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
}

static struct child start_with(char *const arguments[])
{
    int in[2], out[2], errors[2];
    make_pipe(in);
    make_pipe(out);
    make_pipe(errors);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, errors[1], STDERR_FILENO);
    struct child child = {.input = in[1], .output = out[0], .errors = errors[0]};
    ck_assert_int_eq(posix_spawn(&child.pid, arguments[0], &actions, NULL, arguments, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    close(errors[1]);
    return child;
}

static struct child start(const char *flag, const char *address, const char *timeout)
{
    char *path = getenv("MADKV_CLIENT");
    ck_assert_ptr_nonnull(path);
    char *arguments[ARGUMENTS_MAX] = {path, (char *)(uintptr_t)flag, (char *)(uintptr_t)address};
    if (timeout != NULL) {
        arguments[3] = (char *)(uintptr_t) "--timeout";
        arguments[4] = (char *)(uintptr_t)timeout;
    }
    return start_with(arguments);
}

static void feed_bytes(struct child *child, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(child->input, bytes, size);
        ck_assert_int_gt(written, 0);
        bytes += written;
        size -= (size_t)written;
    }
}

static void feed(struct child *child, const char *text)
{
    feed_bytes(child, text, strlen(text));
}

static void close_input(struct child *child)
{
    close(child->input);
    child->input = -1;
}

/* Reads one line of stdout, with its end. */
static void expect_line(struct child *child, const char *expected)
{
    char line[256];
    size_t size = 0;
    do {
        ck_assert_uint_lt(size, sizeof line - 1);
        ck_assert_int_eq(read(child->output, line + size, 1), 1);
    } while (line[size++] != '\n');
    line[size] = '\0';
    ck_assert_str_eq(line, expected);
}

static void read_all(int fd, char text[OUTPUT_MAX])
{
    size_t size = 0;
    ssize_t count;
    while ((count = read(fd, text + size, OUTPUT_MAX - 1 - size)) > 0)
        size += (size_t)count;
    ck_assert_int_eq(count, 0);
    text[size] = '\0';
}

/* Everything it has to say, then its exit status. */
static int end(struct child *child, char output[OUTPUT_MAX], char errors[OUTPUT_MAX])
{
    if (child->output >= 0)
        read_all(child->output, output);
    read_all(child->errors, errors);
    int status;
    ck_assert_int_eq(waitpid(child->pid, &status, 0), child->pid);
    ck_assert(WIFEXITED(status));
    if (child->input >= 0)
        close(child->input);
    if (child->output >= 0)
        close(child->output);
    close(child->errors);
    return WEXITSTATUS(status);
}

static void expect_end(struct child *child, const char *output, int status)
{
    char said[OUTPUT_MAX], errors[OUTPUT_MAX];
    int ended = end(child, said, errors);
    ck_assert_str_eq(said, output);
    ck_assert_int_eq(ended, status);
    ck_assert_str_eq(errors, "");
}

START_TEST(test_program_answers_as_the_contract_says)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct child child = start("--manager_addrs", fake_address(fake), NULL);
    feed(&child, "PUT b 1\nPUT  b\t2\nGET b\nGET c\nSWAP b 3\nSWAP c 4\n\n   \nPUT a \"=[%]\n"
                 "SCAN a b\nSCAN a z\nSCAN x z\nDELETE b\nDELETE b\r\nSTOP\nGET a\n");
    expect_end(&child,
               "PUT b not_found\nPUT b found\nGET b 2\nGET c null\nSWAP b 2\nSWAP c null\n"
               "PUT a not_found\n"
               "SCAN a b BEGIN\n  a \"=[%]\n  b 3\nSCAN END\n"
               "SCAN a z BEGIN\n  a \"=[%]\n  b 3\n  c 4\nSCAN END\n"
               "SCAN x z BEGIN\nSCAN END\nDELETE b found\nDELETE b not_found\nSTOP\n",
               0);
    fake_stop(&fake);
}
END_TEST

START_TEST(test_program_answers_each_line_before_it_reads_the_next)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct child child = start("--server-addrs", fake_address(fake), NULL);
    feed(&child, "PUT k v\n");
    expect_line(&child, "PUT k not_found\n");
    feed(&child, "GET k\n");
    expect_line(&child, "GET k v\n");
    feed(&child, "SCAN a z\n");
    expect_line(&child, "SCAN a z BEGIN\n");
    expect_line(&child, "  k v\n");
    expect_line(&child, "SCAN END\n");
    feed(&child, "get k\n");
    expect_line(&child, "ERROR no such call: expected PUT, SWAP, GET, DELETE, SCAN or STOP\n");
    feed(&child, "STOP\n");
    expect_end(&child, "STOP\n", 1);
    fake_stop(&fake);
}
END_TEST

START_TEST(test_program_says_error_once_a_bad_line)
{
    struct fake *fake = fake_start(FAKE_SERVES);
    struct child child = start("--server_addrs", fake_address(fake), NULL);
    static char large[3 * WIRE_VALUE_BYTES_MAX];
    memset(large, 'x', sizeof large);
    feed(&child, "PUT k\nPUT k ");
    feed_bytes(&child, large, sizeof large);
    feed(&child, "\nGET ");
    feed_bytes(&child, large, WIRE_KEY_BYTES_MAX + 1);
    feed(&child, "\n");
    feed_bytes(&child, "GET k\0k\n", 8);
    feed(&child, "GET k"); /* no end of line: still a line */
    close_input(&child);
    char output[OUTPUT_MAX], errors[OUTPUT_MAX];
    ck_assert_int_eq(end(&child, output, errors), 1);
    int count = 0;
    char *line = strtok(output, "\n");
    for (; line != NULL && count < 4; line = strtok(NULL, "\n"), count++)
        ck_assert_int_eq(strncmp(line, "ERROR ", 6), 0);
    ck_assert_int_eq(count, 4);
    ck_assert_str_eq(line, "GET k null");
    ck_assert_ptr_null(strtok(NULL, "\n"));
    fake_stop(&fake);
}
END_TEST

START_TEST(test_program_stops_without_the_service)
{
    char address[WIRE_ADDRESS_TEXT_MAX];
    int port = dead_port_take(address);
    wire_time begin = client_clock();
    struct child child = start("--manager_addrs", address, NULL);
    feed(&child, "STOP\n");
    expect_end(&child, "STOP\n", 0);
    child = start("--manager_addrs", address, NULL);
    feed(&child, "\n");
    close_input(&child);
    expect_end(&child, "", 0);
    ck_assert_int_lt(client_clock() - begin, 5 * WIRE_SECOND);
    close(port);
}
END_TEST

START_TEST(test_program_ends_when_nobody_reads_its_answers)
{
    char address[WIRE_ADDRESS_TEXT_MAX];
    int port = dead_port_take(address);
    struct child child = start("--manager_addrs", address, NULL);
    feed(&child, "GET k\n");
    close(child.output);
    child.output = -1;
    char output[OUTPUT_MAX], errors[OUTPUT_MAX];
    ck_assert_int_eq(end(&child, output, errors), 1); /* its stdin is open all the time */
    close(port);
}
END_TEST

START_TEST(test_program_answers_the_last_line_before_it_ends)
{
    struct fake *fake = fake_start(FAKE_MUTE);
    struct child child = start("--server_addrs", fake_address(fake), NULL);
    feed(&child, "GET k\n");
    close_input(&child);
    fake_wait_for(fake, 1);
    fake_set_mood(fake, FAKE_SERVES);
    expect_line(&child, "GET k null\n");
    char output[OUTPUT_MAX], errors[OUTPUT_MAX];
    ck_assert_int_eq(end(&child, output, errors), 0);
    ck_assert_str_eq(output, "");
    fake_stop(&fake);
}
END_TEST

static int occurrences(const char *text, const char *part)
{
    int count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text += strlen(part);
    }
    return count;
}

START_TEST(test_program_gives_up_when_told_to_and_says_so)
{
    char address[WIRE_ADDRESS_TEXT_MAX];
    int port = dead_port_take(address);
    struct child child = start("--manager_addrs", address, "2");
    feed(&child, "PUT k v\nSCAN a b\nSTOP\n");
    char output[OUTPUT_MAX], errors[OUTPUT_MAX];
    ck_assert_int_eq(end(&child, output, errors), 1);
    ck_assert_str_eq(output, "ERROR timeout: not applied, and never will be\n"
                             "SCAN a b BEGIN\nERROR timeout: nothing was read or changed\nSTOP\n");
    ck_assert_int_eq(occurrences(errors, "\n"), 1);
    ck_assert_int_eq(occurrences(errors, "madkv-client: waiting for the managers at "), 1);
    close(port);
}
END_TEST

START_TEST(test_program_says_once_that_it_waits_and_once_that_it_is_over)
{
    struct fake *fake = fake_start(FAKE_NOT_LEADER);
    struct child child = start("--server_addrs", fake_address(fake), NULL);
    feed(&child, "PUT k v\nSTOP\n");
    fake_wait_for(fake, 20); /* sends with pauses of up to 250 ms: more than a second */
    fake_set_mood(fake, FAKE_SERVES);
    char output[OUTPUT_MAX], errors[OUTPUT_MAX];
    ck_assert_int_eq(end(&child, output, errors), 0);
    ck_assert_str_eq(output, "PUT k not_found\nSTOP\n");
    ck_assert_int_eq(occurrences(errors, "\n"), 2);
    ck_assert_int_eq(occurrences(errors, "there is no leader"), 1);
    ck_assert_int_eq(occurrences(errors, "connected again after "), 1);
    fake_stop(&fake);
}
END_TEST

static const char *const BAD_FLAGS[][3] = {
    {NULL},
    {"--manager_addrs", "127.0.0.1"},
    {"--manager_addrs", "none"},
    {"--manager_addrs"},
    {"--managers", "127.0.0.1:1"},
    {"--manager_addrs", "127.0.0.1:1", "more"},
    {"--manager_addrs=127.0.0.1:1", "--server_addrs=127.0.0.1:1"},
    {"--manager_addrs=127.0.0.1:1", "--timeout=x"},
};

START_TEST(test_program_refuses_bad_flags_in_one_line)
{
    char *arguments[ARGUMENTS_MAX] = {getenv("MADKV_CLIENT")};
    ck_assert_ptr_nonnull(arguments[0]);
    for (int i = 0; i < 3; i++)
        arguments[i + 1] = (char *)(uintptr_t)BAD_FLAGS[_i][i];
    struct child child = start_with(arguments);
    char output[OUTPUT_MAX], errors[OUTPUT_MAX];
    ck_assert_int_eq(end(&child, output, errors), 2);
    ck_assert_str_eq(output, "");
    ck_assert_int_eq(occurrences(errors, "\n"), 1);
    ck_assert_int_eq(occurrences(errors, "expected"), 1);
}
END_TEST

TCase *program_case(void)
{
    TCase *tcase = tcase_create("program");
    signal(SIGPIPE, SIG_IGN);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_program_answers_as_the_contract_says);
    tcase_add_test(tcase, test_program_answers_each_line_before_it_reads_the_next);
    tcase_add_test(tcase, test_program_says_error_once_a_bad_line);
    tcase_add_test(tcase, test_program_stops_without_the_service);
    tcase_add_test(tcase, test_program_ends_when_nobody_reads_its_answers);
    tcase_add_test(tcase, test_program_answers_the_last_line_before_it_ends);
    tcase_add_test(tcase, test_program_gives_up_when_told_to_and_says_so);
    tcase_add_test(tcase, test_program_says_once_that_it_waits_and_once_that_it_is_over);
    tcase_add_loop_test(tcase, test_program_refuses_bad_flags_in_one_line, 0,
                        (int)(sizeof BAD_FLAGS / sizeof BAD_FLAGS[0]));
    return tcase;
}
