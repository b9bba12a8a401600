#include "tests/unit/client/fake.h"

#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "wire/figures.h"
#include "wire/kv.h"
#include "wire/map.h"

enum {
    FAKE_CLUSTER = 99,
    PAIRS_MAX = 64, /* keys it can hold */
    PAGE_PAIRS = 2, /* of a Scan, to see pages */
    FRAMES = 3,     /* id, head, payload */
};

struct pair {
    struct buf *key;   /* NULL: the place is free */
    struct buf *value; /* its value */
};

struct fake {
    pthread_t thread;                    /* owns the socket and the pairs */
    void *context;                       /* ZeroMQ's */
    void *router;                        /* the port */
    int stop[2];                         /* a pipe; closing its write end ends the thread */
    char address[WIRE_ADDRESS_TEXT_MAX]; /* of the port */
    pthread_mutex_t mutex;               /* guards what follows */
    pthread_cond_t changed;              /* messages */
    enum fake_mood mood;                 /* what it does */
    uint64_t messages;                   /* received so far */
    struct pair pairs[PAIRS_MAX];        /* the thread's alone */
};

/* --- the store -------------------------------------------------------------------------------- */

static struct pair *find_pair(struct fake *self, struct span key)
{
    for (int i = 0; i < PAIRS_MAX; i++) {
        if (self->pairs[i].key != NULL && span_equal(buf_span(self->pairs[i].key), key))
            return &self->pairs[i];
    }
    return NULL;
}

static void set_pair(struct fake *self, struct pair *pair, struct span key, struct span value)
{
    for (int i = 0; i < PAIRS_MAX && pair == NULL; i++) {
        if (self->pairs[i].key == NULL)
            pair = &self->pairs[i];
    }
    assert(pair != NULL);
    if (pair->key == NULL)
        pair->key = buf_copy(key);
    buf_unref(&pair->value);
    pair->value = buf_copy(value);
}

/* The pair with the smallest key from `from` (or behind it) to `to`. */
static const struct pair *next_pair(const struct fake *self, struct span from, bool after,
                                    struct span to)
{
    const struct pair *found = NULL;
    for (int i = 0; i < PAIRS_MAX; i++) {
        const struct pair *pair = &self->pairs[i];
        if (pair->key == NULL)
            continue;
        struct span key = buf_span(pair->key);
        int order = span_compare(key, from);
        if (order < 0 || (after && order == 0) || span_compare(key, to) > 0)
            continue;
        if (found == NULL || span_compare(key, buf_span(found->key)) < 0)
            found = pair;
    }
    return found;
}

static void scan(const struct fake *self, const struct wire_kv_call *call, struct wire_writer *out)
{
    const struct pair *page[PAGE_PAIRS + 1];
    uint32_t count = 0;
    struct span from = call->key;
    bool after = call->after;
    while (count <= PAGE_PAIRS && (page[count] = next_pair(self, from, after, call->value))) {
        from = buf_span(page[count++]->key);
        after = true;
    }
    bool more = count > PAGE_PAIRS;
    if (more)
        count = PAGE_PAIRS;
    wire_kv_page_begin(out, more, count);
    for (uint32_t i = 0; i < count; i++)
        wire_kv_page_add(out, buf_span(page[i]->key), buf_span(page[i]->value));
}

static void apply(struct fake *self, struct span body, struct wire_writer *out)
{
    struct wire_kv_call call;
    enum wire_error error = wire_kv_call_decode(body, &call);
    assert(error == WIRE_OK);
    if (call.op == WIRE_KV_SCAN) {
        scan(self, &call, out);
        return;
    }
    struct pair *pair = find_pair(self, call.key);
    struct wire_kv_answer answer = {.found = pair != NULL};
    if (pair != NULL)
        answer.value = buf_span(pair->value);
    wire_kv_answer_encode(call.op, &answer, out);
    if (call.op == WIRE_KV_PUT || call.op == WIRE_KV_SWAP) {
        set_pair(self, pair, call.key, call.value);
    } else if (call.op == WIRE_KV_DELETE && pair != NULL) {
        buf_unref(&pair->key);
        buf_unref(&pair->value);
    }
}

static void give_map(const struct fake *self, struct wire_writer *out)
{
    struct wire_map_server server = {0};
    memcpy(server.address, self->address, sizeof server.address);
    struct wire_map map = {
        .cluster = FAKE_CLUSTER, .server_rf = 1, .server_count = 1, .servers = &server};
    wire_map_answer_encode(WIRE_MAP_OK, &map, out);
}

/* --- messages --------------------------------------------------------------------------------- */

static void send_all(struct fake *self, zmq_msg_t *id, const struct wire_message *reply,
                     struct span payload)
{
    struct wire_writer head = {0};
    wire_message_encode(reply, &head);
    zmq_msg_send(id, self->router, ZMQ_SNDMORE);
    zmq_send(self->router, head.data, head.size, ZMQ_SNDMORE);
    zmq_send(self->router, payload.data, payload.size, 0);
    wire_writer_free(&head);
}

static void answer(struct fake *self, zmq_msg_t *id, const struct wire_message *message,
                   struct span body, enum fake_mood mood)
{
    struct wire_message reply = {.type = WIRE_MESSAGE_REPLY};
    struct wire_writer payload = {0};
    reply.sender.role = WIRE_ROLE_API;
    reply.sender.group = message->sender.group;
    reply.sender.cluster = FAKE_CLUSTER;
    if (message->type == WIRE_MESSAGE_STATUS_ASK) {
        reply.type = WIRE_MESSAGE_STATUS;
        reply.status.tag = message->status_ask.tag;
        wire_figure_text(&payload, "replica.role", "fake");
    } else {
        reply.reply.tag = message->request.tag;
        reply.reply.leader = WIRE_NO_REPLICA;
        reply.reply.status = WIRE_STATUS_NOT_LEADER;
    }
    if (message->type == WIRE_MESSAGE_REQUEST && mood == FAKE_SERVES) {
        reply.reply.status = WIRE_STATUS_OK;
        if (message->request.kind == WIRE_CALL_OPEN)
            reply.reply.session = 7;
        else if (message->sender.group == WIRE_GROUP_MANAGERS)
            give_map(self, &payload);
        else if (message->request.kind != WIRE_CALL_CLOSE)
            apply(self, body, &payload);
    }
    send_all(self, id, &reply, wire_writer_span(&payload));
    wire_writer_free(&payload);
}

static void receive(struct fake *self)
{
    zmq_msg_t frames[FRAMES];
    int count = 0;
    bool more = true;
    while (more) {
        assert(count < FRAMES);
        zmq_msg_init(&frames[count]);
        int size = zmq_msg_recv(&frames[count], self->router, 0);
        assert(size >= 0);
        more = zmq_msg_more(&frames[count++]) != 0;
    }
    struct wire_message message;
    struct span head = span_of(zmq_msg_data(&frames[1]), zmq_msg_size(&frames[1]));
    enum wire_error error = wire_message_decode(head, &message);
    assert(error == WIRE_OK);
    struct span body = span_text("");
    if (count == FRAMES)
        body = span_of(zmq_msg_data(&frames[2]), zmq_msg_size(&frames[2]));
    pthread_mutex_lock(&self->mutex);
    enum fake_mood mood = self->mood;
    self->messages++;
    pthread_cond_broadcast(&self->changed);
    pthread_mutex_unlock(&self->mutex);
    if (mood != FAKE_MUTE)
        answer(self, &frames[0], &message, body, mood);
    for (int i = 0; i < count; i++)
        zmq_msg_close(&frames[i]);
}

static void *run(void *argument)
{
    struct fake *self = argument;
    zmq_pollitem_t items[] = {{.socket = self->router, .events = ZMQ_POLLIN},
                              {.fd = self->stop[0], .events = ZMQ_POLLIN}};
    for (;;) {
        zmq_poll(items, 2, -1);
        if (items[1].revents != 0)
            break;
        if (items[0].revents != 0)
            receive(self);
    }
    zmq_close(self->router);
    return NULL;
}

/* --- lifetime --------------------------------------------------------------------------------- */

struct fake *fake_start(enum fake_mood mood)
{
    struct fake *self = wire_calloc(1, sizeof *self);
    char endpoint[WIRE_ADDRESS_TEXT_MAX]; /* a loopback one is far shorter */
    size_t size = sizeof endpoint;
    self->mood = mood;
    pthread_mutex_init(&self->mutex, NULL);
    pthread_cond_init(&self->changed, NULL);
    self->context = zmq_ctx_new();
    self->router = zmq_socket(self->context, ZMQ_ROUTER);
    int linger = 0;
    zmq_setsockopt(self->router, ZMQ_LINGER, &linger, sizeof linger);
    int failed = zmq_bind(self->router, "tcp://127.0.0.1:*");
    assert(!failed);
    failed = zmq_getsockopt(self->router, ZMQ_LAST_ENDPOINT, endpoint, &size);
    assert(!failed);
    snprintf(self->address, sizeof self->address, "%s", endpoint + strlen("tcp://"));
    failed = pipe(self->stop);
    assert(!failed);
    failed = pthread_create(&self->thread, NULL, run, self);
    assert(!failed);
    return self;
}

const char *fake_address(const struct fake *self)
{
    return self->address;
}

void fake_set_mood(struct fake *self, enum fake_mood mood)
{
    pthread_mutex_lock(&self->mutex);
    self->mood = mood;
    pthread_mutex_unlock(&self->mutex);
}

void fake_wait_for(struct fake *self, uint64_t messages)
{
    pthread_mutex_lock(&self->mutex);
    while (self->messages < messages)
        pthread_cond_wait(&self->changed, &self->mutex);
    pthread_mutex_unlock(&self->mutex);
}

void fake_stop(struct fake **self_p)
{
    struct fake *self = *self_p;
    *self_p = NULL;
    close(self->stop[1]);
    pthread_join(self->thread, NULL);
    close(self->stop[0]);
    zmq_ctx_term(self->context);
    for (int i = 0; i < PAIRS_MAX; i++) {
        buf_unref(&self->pairs[i].key);
        buf_unref(&self->pairs[i].value);
    }
    pthread_mutex_destroy(&self->mutex);
    pthread_cond_destroy(&self->changed);
    free(self);
}

int dead_port_take(char text[WIRE_ADDRESS_TEXT_MAX])
{
    int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int failed = bind(socket_fd, (struct sockaddr *)&address, size);
    assert(!failed);
    failed = getsockname(socket_fd, (struct sockaddr *)&address, &size);
    assert(!failed);
    snprintf(text, WIRE_ADDRESS_TEXT_MAX, "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    return socket_fd;
}
