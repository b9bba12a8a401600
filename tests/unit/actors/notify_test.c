/* What the service manager is told, and that nothing happens where nobody asked. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "actors/notify.h"
#include "tests/unit/actors/suites.h"

/* A socket under `name`, as a service manager holds it. */
static int listen_as(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int handle = socket(AF_UNIX, SOCK_DGRAM, 0);
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    ck_assert_int_eq(bind(handle, (const struct sockaddr *)&address, size), 0);
    return handle;
}

static void check_told(int handle, const char *expected)
{
    char told[64] = "";
    ssize_t size = recv(handle, told, sizeof told - 1, MSG_DONTWAIT);
    ck_assert_int_eq(size, (ssize_t)strlen(expected));
    ck_assert_str_eq(told, expected);
}

START_TEST(test_notify_tells_a_socket_with_a_path)
{
    char name[] = "/tmp/madkv-notify-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(name));
    char path[sizeof name + 8];
    snprintf(path, sizeof path, "%s/socket", name);
    int handle = listen_as(path);
    setenv("NOTIFY_SOCKET", path, 1);
    ck_assert(notify_send(NOTIFY_READY));
    ck_assert(notify_send(NOTIFY_STOPPING));
    check_told(handle, "READY=1");
    check_told(handle, "STOPPING=1");
    close(handle);
    unlink(path);
    rmdir(name);
}
END_TEST

START_TEST(test_notify_tells_an_abstract_socket)
{
    char name[64];
    snprintf(name, sizeof name, "@madkv-notify-%d", (int)getpid());
    int handle = listen_as(name);
    setenv("NOTIFY_SOCKET", name, 1);
    ck_assert(notify_send(NOTIFY_READY));
    check_told(handle, "READY=1");
    close(handle);
}
END_TEST

START_TEST(test_notify_tells_nobody_who_did_not_ask)
{
    unsetenv("NOTIFY_SOCKET");
    ck_assert(!notify_send(NOTIFY_READY));
    setenv("NOTIFY_SOCKET", "", 1);
    ck_assert(!notify_send(NOTIFY_READY));
}
END_TEST

START_TEST(test_notify_goes_on_where_nobody_listens)
{
    char too_long[200] = "/";
    memset(too_long + 1, 'x', sizeof too_long - 2);
    const char *const names[] = {"/nowhere/socket", "relative", "@", "/", "vsock:2:1", too_long};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        ck_assert(!notify_send(NOTIFY_READY));
    }
}
END_TEST

Suite *notify_suite(void)
{
    Suite *suite = suite_create("notify");
    TCase *tests = tcase_create("notify");
    tcase_add_test(tests, test_notify_tells_a_socket_with_a_path);
    tcase_add_test(tests, test_notify_tells_an_abstract_socket);
    tcase_add_test(tests, test_notify_tells_nobody_who_did_not_ask);
    tcase_add_test(tests, test_notify_goes_on_where_nobody_listens);
    suite_add_tcase(suite, tests);
    return suite;
}
