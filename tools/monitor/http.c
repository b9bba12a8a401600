/* --prometheus: metrics over HTTP/1.1, answers to GET /metrics and nothing else.
 *
 * Pictures come from a poller at intervals; a scrape gets the newest one at once, so that a dead
 * node never holds a scrape up. At most CLIENTS_MAX connections, each for at most CLIENT_LIFE and
 * with a request of at most REQUEST_BYTES; one answer a connection, then it is closed. One thread.
 */
#include "tools/monitor/live.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/link.h"
#include "tools/monitor/poller.h"
#include "tools/monitor/render.h"
#include "wire/say.h"

enum {
    CLIENTS_MAX = 16,     /* connections at a time; more wait in the kernel */
    REQUEST_BYTES = 4096, /* of a request's head; a longer one is refused */
    WAIT_MS = 200,        /* between looks at whether it is ended and whether a picture came */
};

#define CLIENT_LIFE (5 * WIRE_SECOND) /* then the connection is closed, whatever it waits for */

struct http_client {
    int socket;                  /* -1: a free place */
    wire_time deadline;          /* closed then */
    char request[REQUEST_BYTES]; /* its head so far */
    size_t size;                 /* bytes of it */
    struct wire_writer answer;   /* what it gets; empty while the request is not whole */
    size_t sent;                 /* bytes of it that have left */
};

struct http {
    int listener;                            /* socket */
    struct http_client clients[CLIENTS_MAX]; /* some of them free places */
    struct picture *picture;                 /* the newest; NULL: none yet */
};

/* --- listening ----------------------------------------------------------------------------------
 */

/* Ends the process with a line if it cannot be. */
static int listen_at(const char *address)
{
    char host[WIRE_ADDRESS_TEXT_MAX];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
    snprintf(host, sizeof host, "%s", address);
    char *port = strrchr(host, ':');
    *port++ = '\0';
    char *name = host[0] == '[' ? host + 1 : host;
    name[strcspn(name, "]")] = '\0';
    int code = getaddrinfo(name, port, &hints, &found);
    if (code != 0)
        wire_say_die(WIRE_EXIT_ADDRESS, "--prometheus %s: %s", address, gai_strerror(code));
    int one = 1;
    int self = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool listens = self >= 0 && setsockopt(self, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
                   bind(self, found->ai_addr, found->ai_addrlen) == 0 && listen(self, 64) == 0;
    if (!listens)
        wire_say_die(WIRE_EXIT_ADDRESS, "--prometheus %s: cannot listen there: %s", address,
                     strerror(errno));
    freeaddrinfo(found);
    return self;
}

static void close_client(struct http_client *client)
{
    close(client->socket);
    wire_writer_free(&client->answer);
    *client = (struct http_client){.socket = -1};
}

static void accept_clients(struct http *self)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (self->clients[i].socket >= 0)
            continue;
        int socket = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket < 0)
            return;
        self->clients[i].socket = socket;
        self->clients[i].deadline = client_clock() + CLIENT_LIFE;
    }
}

/* --- a client -----------------------------------------------------------------------------------
 */

static void add_answer(struct http_client *client, const char *status, struct span body)
{
    char head[256];
    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
             "Content-Length: %zu\r\nConnection: close\r\n\r\n",
             status, body.size);
    wire_write_raw(&client->answer, span_text(head));
    wire_write_raw(&client->answer, body);
}

static void answer(const struct http *self, struct http_client *client)
{
    static const char path[] = "GET /metrics";
    struct wire_writer body = {0};
    char after = client->request[sizeof path - 1];
    if (strncmp(client->request, "GET ", 4) != 0) {
        add_answer(client, "405 Method Not Allowed", span_text("only GET\n"));
    } else if (strncmp(client->request, path, sizeof path - 1) != 0 ||
               (after != ' ' && after != '?')) {
        add_answer(client, "404 Not Found", span_text("only /metrics\n"));
    } else if (self->picture == NULL) {
        add_answer(client, "503 Service Unavailable", span_text("no picture yet\n"));
    } else {
        render_metrics(self->picture, &body);
        add_answer(client, "200 OK", wire_writer_span(&body));
    }
    wire_writer_free(&body);
}

static void read_request(const struct http *self, struct http_client *client)
{
    size_t room = sizeof client->request - 1 - client->size;
    ssize_t got = read(client->socket, client->request + client->size, room);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_client(client);
        return;
    }
    client->size += (size_t)got;
    client->request[client->size] = '\0';
    if (strstr(client->request, "\r\n\r\n") != NULL)
        answer(self, client);
    else if (client->size == sizeof client->request - 1)
        add_answer(client, "431 Request Header Fields Too Large", span_text("too long\n"));
}

static void write_answer(struct http_client *client)
{
    struct span left = wire_writer_span(&client->answer);
    left = span_of(left.data + client->sent, left.size - client->sent);
    ssize_t sent = send(client->socket, left.data, left.size, MSG_NOSIGNAL);
    if (sent > 0)
        client->sent += (size_t)sent;
    bool failed = sent < 0 && errno != EAGAIN && errno != EINTR;
    if (failed || client->sent == client->answer.size)
        close_client(client);
}

static void serve(const struct http *self, struct http_client *client)
{
    if (client->answer.size == 0)
        read_request(self, client);
    if (client->socket >= 0 && client->answer.size > 0)
        write_answer(client);
}

/* --- the loop -----------------------------------------------------------------------------------
 */

static void serve_all(struct http *self)
{
    struct pollfd polls[CLIENTS_MAX + 1];
    wire_time now = client_clock();
    bool room = false;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct http_client *client = &self->clients[i];
        if (client->socket >= 0 && now >= client->deadline)
            close_client(client);
        room |= client->socket < 0;
        polls[i] = (struct pollfd){.fd = client->socket,
                                   .events = client->answer.size > 0 ? POLLOUT : POLLIN};
    }
    polls[CLIENTS_MAX] = (struct pollfd){.fd = room ? self->listener : -1, .events = POLLIN};
    if (poll(polls, CLIENTS_MAX + 1, WAIT_MS) <= 0)
        return;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (polls[i].fd >= 0 && polls[i].revents != 0)
            serve(self, &self->clients[i]);
    }
    if (polls[CLIENTS_MAX].revents != 0)
        accept_clients(self);
}

int live_prometheus(const struct live_settings *settings, const char *address)
{
    struct http *self = wire_calloc(1, sizeof *self);
    for (int i = 0; i < CLIENTS_MAX; i++)
        self->clients[i].socket = -1;
    self->listener = listen_at(address);
    zactor_t *poller = poller_new(&settings->targets, settings->interval_ms);
    wire_say("metrics at http://%s/metrics", address);
    while (!live_is_ended()) {
        struct poller_news news;
        while (poller_take(poller, &news)) {
            picture_free(&self->picture);
            self->picture = news.picture;
        }
        serve_all(self);
    }
    poller_destroy(&poller);
    for (int i = 0; i < CLIENTS_MAX; i++) {
        if (self->clients[i].socket >= 0)
            close_client(&self->clients[i]);
    }
    close(self->listener);
    picture_free(&self->picture);
    free(self);
    return WIRE_EXIT_OK;
}
