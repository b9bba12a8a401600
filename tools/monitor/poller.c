#include "tools/monitor/poller.h"

#include <assert.h>

#include "client/link.h"

struct poller {
    zsock_t *pipe;         /* to whoever shows the pictures; czmq's */
    struct gather *gather; /* asks; owned */
    wire_time interval;    /* between two pictures; 0: none is taken */
    wire_time deadline;    /* of the next one */
    bool ended;            /* told to end by czmq */
};

/* What the thread is born with. */
struct birth {
    const struct gather_targets *targets; /* whom to ask */
    uint64_t interval_ms;                 /* how often */
};

enum {
    ORDER_MS = 8000 /* a replica answers within some seconds */
};

/* The order's bytes, then its address. */
static void give_order(struct poller *self, zmsg_t *message)
{
    zframe_t *frame = zmsg_pop(message);
    char *address = zmsg_popstr(message);
    char said[POLLER_TEXT_BYTES];
    struct client_order order;
    enum wire_admin_outcome outcome;
    assert(frame != NULL && zframe_size(frame) == sizeof order && address != NULL);
    memcpy(&order, zframe_data(frame), sizeof order);
    order.address = address;
    if (client_give_order(&order, ORDER_MS, &outcome) == WIRE_OK)
        snprintf(said, sizeof said, "%s: %s", address, wire_admin_outcome_text(outcome));
    else
        snprintf(said, sizeof said, "%s: no answer; it may be done or yet be done", address);
    zstr_sendx(self->pipe, "SAID", said, NULL);
    zframe_destroy(&frame);
    zstr_free(&address);
}

static void obey(struct poller *self)
{
    zmsg_t *message = zmsg_recv(self->pipe);
    char *command = message == NULL ? NULL : zmsg_popstr(message);
    if (command == NULL || streq(command, "$TERM")) {
        self->ended = true;
    } else if (streq(command, "NOW")) {
        self->deadline = 0;
    } else if (streq(command, "INTERVAL")) {
        char *number = zmsg_popstr(message);
        assert(number != NULL);
        self->interval = (wire_time)strtoull(number, NULL, 10) * WIRE_MS;
        self->deadline = self->interval == 0 ? WIRE_NEVER : client_clock() + self->interval;
        zstr_free(&number);
    } else if (streq(command, "ORDER")) {
        give_order(self, message);
    } else if (streq(command, "END")) {
        self->interval = 0;
        self->deadline = WIRE_NEVER;
        zstr_send(self->pipe, "ENDED");
    }
    zstr_free(&command);
    zmsg_destroy(&message);
}

static void take_picture(struct poller *self)
{
    wire_time begun = client_clock();
    struct picture *picture = gather_picture(self->gather);
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "PICTURE");
    zmsg_addmem(message, &picture, sizeof picture);
    zmsg_send(&message, self->pipe);
    wire_time next = begun + self->interval;
    self->deadline = self->interval == 0 ? WIRE_NEVER : next;
}

static int wait_ms(const struct poller *self)
{
    wire_time left = self->deadline == WIRE_NEVER ? WIRE_SECOND : self->deadline - client_clock();
    if (left > WIRE_SECOND)
        left = WIRE_SECOND;
    return left <= 0 ? 0 : (int)((left + WIRE_MS - 1) / WIRE_MS);
}

static void run(zsock_t *pipe, void *argument)
{
    struct birth *birth = argument;
    struct poller self = {.pipe = pipe, .interval = (wire_time)birth->interval_ms * WIRE_MS};
    self.gather = gather_new(birth->targets);
    zpoller_t *waits = zpoller_new(pipe, NULL);
    assert(waits != NULL);
    zpoller_set_nonstop(waits, true);
    zsock_signal(pipe, 0); /* from here on `birth` may be gone */
    while (!self.ended) {
        if (zpoller_wait(waits, wait_ms(&self)) != NULL)
            obey(&self);
        else if (client_clock() >= self.deadline)
            take_picture(&self);
    }
    zpoller_destroy(&waits);
    gather_free(&self.gather);
}

zactor_t *poller_new(const struct gather_targets *targets, uint64_t interval_ms)
{
    struct birth birth = {.targets = targets, .interval_ms = interval_ms};
    zactor_t *self = zactor_new(run, &birth); /* returns after the thread's signal */
    assert(self != NULL);
    return self;
}

void poller_set_interval(zactor_t *self, uint64_t interval_ms)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)interval_ms);
    zstr_sendx(self, "INTERVAL", text, NULL);
}

void poller_now(zactor_t *self)
{
    zstr_send(self, "NOW");
}

void poller_order(zactor_t *self, const struct client_order *order)
{
    zmsg_t *message = zmsg_new();
    zmsg_addstr(message, "ORDER");
    zmsg_addmem(message, order, sizeof *order);
    zmsg_addstr(message, order->address);
    zmsg_send(&message, self);
}

/* The next message. False: it is ENDED. */
static bool receive(zactor_t *self, struct poller_news *news)
{
    zmsg_t *message = zmsg_recv(self);
    char *word = zmsg_popstr(message);
    zframe_t *frame = zmsg_pop(message);
    *news = (struct poller_news){0};
    if (streq(word, "PICTURE"))
        memcpy(&news->picture, zframe_data(frame), sizeof news->picture);
    else if (streq(word, "SAID"))
        snprintf(news->said, sizeof news->said, "%.*s", (int)zframe_size(frame),
                 (const char *)zframe_data(frame));
    bool ended = streq(word, "ENDED");
    zframe_destroy(&frame);
    zstr_free(&word);
    zmsg_destroy(&message);
    return !ended;
}

bool poller_take(zactor_t *self, struct poller_news *news)
{
    return (zsock_events(self) & ZMQ_POLLIN) != 0 && receive(self, news);
}

void poller_destroy(zactor_t **poller)
{
    struct poller_news news;
    zstr_send(*poller, "END");
    while (receive(*poller, &news))
        picture_free(&news.picture);
    zactor_destroy(poller);
}
