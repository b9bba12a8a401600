#include "client/madkv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/link.h"
#include "client/net.h"
#include "wire/address.h"

enum {
    PROBLEM_BYTES = 160, /* longest text of a problem */
};

static_assert(MADKV_CALLS_MAX <= WIRE_SESSION_WINDOW, "no call waits for another's answer");
static_assert(MADKV_CALLS_MAX < CLIENT_CALLS_MAX, "a blocking call fits beside those in flight");

struct madkv {
    struct client_net *net;      /* does the work */
    wire_time timeout;           /* of each call; 0: none */
    struct buf *result;          /* what the last call handed out points into it */
    struct wire_reader unread;   /* pairs of the last scan not taken yet */
    enum client_reason reason;   /* why the last call did not end well */
    char problem[PROBLEM_BYTES]; /* likewise, in words */
    size_t in_flight;            /* calls begun by madkv_start and not handed out by madkv_wait */
    size_t ended_count;          /* of them, those that have ended */
    struct client_done ended[MADKV_CALLS_MAX]; /* in the order in which they did; owned */
};

/* --- lifetime --------------------------------------------------------------------------------- */

/* Fills texts with pointers into addresses. NULL, or what is wrong. */
static const char *parse_addresses(const char *list, struct wire_address *addresses,
                                   const char **texts, size_t *count)
{
    const char *problem;
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    if (wire_address_list_parse(list, addresses, WIRE_REPLICA_COUNT_MAX, count, &problem,
                                bad_part) != WIRE_OK)
        return problem;
    if (*count == 0)
        return "at least one address is needed";
    for (size_t i = 0; i < *count; i++)
        texts[i] = addresses[i].text;
    return NULL;
}

enum madkv_outcome madkv_open(const struct madkv_options *options, struct madkv **kv_p,
                              const char **problem_p)
{
    struct wire_address addresses[WIRE_REPLICA_COUNT_MAX];
    const char *texts[WIRE_REPLICA_COUNT_MAX];
    size_t count = 0;
    const char *problem = NULL;
    *kv_p = NULL;
    bool managed = options->manager_addrs != NULL;
    if (managed == (options->server_addrs != NULL))
        problem = "give the managers' addresses or the servers', one of the two";
    else if (options->timeout_ms < 0 || options->timeout_ms > INT64_MAX / WIRE_MS / 2)
        problem = "the time-out is out of range";
    else
        problem = parse_addresses(managed ? options->manager_addrs : options->server_addrs,
                                  addresses, texts, &count);
    if (problem != NULL) {
        if (problem_p != NULL)
            *problem_p = problem;
        return MADKV_INVALID;
    }
    struct client_net_config config = {.notice = options->notice,
                                       .notice_argument = options->notice_argument,
                                       .watch = options->watch,
                                       .watched = options->watched};
    config.core.managers = managed ? texts : NULL;
    config.core.manager_count = managed ? count : 0;
    config.core.servers = managed ? NULL : texts;
    config.core.server_count = managed ? 0 : count;
    struct madkv *kv = wire_calloc(1, sizeof *kv);
    kv->net = client_net_new(&config);
    kv->timeout = options->timeout_ms * WIRE_MS;
    *kv_p = kv;
    return MADKV_OK;
}

void madkv_close(struct madkv **kv_p)
{
    struct madkv *kv = *kv_p;
    *kv_p = NULL;
    if (kv == NULL)
        return;
    client_net_destroy(&kv->net);
    for (size_t i = 0; i < kv->ended_count; i++)
        buf_unref(&kv->ended[i].result);
    buf_unref(&kv->result);
    free(kv);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Forgets what the call before handed out. */
static void reset(struct madkv *kv)
{
    buf_unref(&kv->result);
    kv->unread = wire_reader_of(span_text(""));
    kv->reason = CLIENT_REASON_NONE;
    kv->problem[0] = '\0';
}

static enum madkv_outcome invalid(struct madkv *kv, const char *what)
{
    snprintf(kv->problem, sizeof kv->problem, "%s", what);
    return MADKV_INVALID;
}

static const char *check(const struct client_call *call)
{
    if (!wire_kv_key_ok(call->key) || (call->op == WIRE_KV_SCAN && !wire_kv_key_ok(call->value)))
        return "a key is 1 to 511 bytes without white space and NUL";
    if ((call->op == WIRE_KV_PUT || call->op == WIRE_KV_SWAP) && !wire_kv_value_ok(call->value))
        return "a value is 1 byte to 1 MiB without white space and NUL";
    return NULL;
}

static void explain(struct madkv *kv, const struct client_done *done)
{
    const char *outcome = wire_kv_is_read(done->op) ? "nothing was read or changed"
                                                    : client_outcome_text(done->outcome);
    kv->reason = done->reason;
    snprintf(kv->problem, sizeof kv->problem, "%s: %s", client_reason_text(done->reason), outcome);
}

/* Takes what a call that ended hands out. */
static enum madkv_outcome take(struct madkv *kv, const struct client_done *done)
{
    kv->result = done->result;
    if (done->outcome == CLIENT_OK)
        return MADKV_OK;
    explain(kv, done);
    return done->outcome == CLIENT_UNKNOWN ? MADKV_UNKNOWN : MADKV_FAILED;
}

static enum madkv_outcome hung_up(struct madkv *kv)
{
    snprintf(kv->problem, sizeof kv->problem, "hung up: nobody waits for the answer");
    return MADKV_HUNG_UP;
}

static enum madkv_outcome run(struct madkv *kv, struct client_call *call, struct client_done *done)
{
    reset(kv);
    const char *problem = check(call);
    if (problem != NULL)
        return invalid(kv, problem);
    call->timeout = kv->timeout;
    uint64_t id = client_net_submit(kv->net, call);
    assert(id != 0);
    for (;;) {
        if (client_net_wait(kv->net, WIRE_NEVER, done) != CLIENT_NET_DONE)
            return hung_up(kv);
        if (done->call == id)
            return take(kv, done);
        assert(kv->ended_count < kv->in_flight);
        kv->ended[kv->ended_count++] = *done;
    }
}

static struct madkv_bytes bytes_of(struct span span)
{
    return (struct madkv_bytes){.data = (const char *)span.data, .size = span.size};
}

/* A call on one key. found and old may be NULL. */
static enum madkv_outcome run_on_key(struct madkv *kv, struct client_call call, bool *found,
                                     struct madkv_bytes *old)
{
    struct client_done done = {0};
    enum madkv_outcome outcome = run(kv, &call, &done);
    if (outcome != MADKV_OK)
        return outcome;
    if (found != NULL)
        *found = done.found;
    if (old != NULL)
        *old = bytes_of(done.value);
    return MADKV_OK;
}

enum madkv_outcome madkv_put(struct madkv *kv, const void *key, size_t key_size, const void *value,
                             size_t value_size, bool *found)
{
    struct client_call call = {.op = WIRE_KV_PUT, .key = span_of(key, key_size)};
    call.value = span_of(value, value_size);
    return run_on_key(kv, call, found, NULL);
}

enum madkv_outcome madkv_swap(struct madkv *kv, const void *key, size_t key_size, const void *value,
                              size_t value_size, bool *found, struct madkv_bytes *old)
{
    struct client_call call = {.op = WIRE_KV_SWAP, .key = span_of(key, key_size)};
    call.value = span_of(value, value_size);
    return run_on_key(kv, call, found, old);
}

enum madkv_outcome madkv_get(struct madkv *kv, const void *key, size_t key_size, bool *found,
                             struct madkv_bytes *value)
{
    struct client_call call = {.op = WIRE_KV_GET, .key = span_of(key, key_size)};
    return run_on_key(kv, call, found, value);
}

enum madkv_outcome madkv_delete(struct madkv *kv, const void *key, size_t key_size, bool *found)
{
    struct client_call call = {.op = WIRE_KV_DELETE, .key = span_of(key, key_size)};
    return run_on_key(kv, call, found, NULL);
}

enum madkv_outcome madkv_scan(struct madkv *kv, const void *from, size_t from_size, const void *to,
                              size_t to_size)
{
    struct client_call call = {.op = WIRE_KV_SCAN, .key = span_of(from, from_size)};
    call.value = span_of(to, to_size);
    struct client_done done = {0};
    enum madkv_outcome outcome = run(kv, &call, &done);
    if (outcome == MADKV_OK)
        kv->unread = wire_reader_of(buf_span(done.result));
    return outcome;
}

/* --- calls in flight -------------------------------------------------------------------------- */

static const enum wire_kv_op OPS[] = {[MADKV_PUT] = WIRE_KV_PUT,
                                      [MADKV_SWAP] = WIRE_KV_SWAP,
                                      [MADKV_GET] = WIRE_KV_GET,
                                      [MADKV_DELETE] = WIRE_KV_DELETE,
                                      [MADKV_SCAN] = WIRE_KV_SCAN};

static enum madkv_op op_of(enum wire_kv_op op)
{
    for (size_t i = 0; i < sizeof OPS / sizeof OPS[0]; i++) {
        if (OPS[i] == op)
            return (enum madkv_op)i;
    }
    assert(!"an operation that nobody begins");
    return MADKV_GET;
}

enum madkv_outcome madkv_start(struct madkv *kv, enum madkv_op op, const void *key, size_t key_size,
                               const void *value, size_t value_size, uint64_t *id_p)
{
    if ((size_t)op >= sizeof OPS / sizeof OPS[0])
        return invalid(kv, "no such operation");
    struct client_call call = {.op = OPS[op], .key = span_of(key, key_size)};
    if (op == MADKV_PUT || op == MADKV_SWAP || op == MADKV_SCAN)
        call.value = span_of(value, value_size);
    const char *problem = check(&call);
    if (problem != NULL)
        return invalid(kv, problem);
    if (kv->in_flight == MADKV_CALLS_MAX) {
        snprintf(kv->problem, sizeof kv->problem, "%d calls are in flight", MADKV_CALLS_MAX);
        return MADKV_FULL;
    }
    call.timeout = kv->timeout;
    uint64_t id = client_net_submit(kv->net, &call);
    assert(id != 0);
    kv->in_flight++;
    if (id_p != NULL)
        *id_p = id;
    return MADKV_OK;
}

/* The oldest of those that have ended already. */
static struct client_done take_ended(struct madkv *kv)
{
    struct client_done done = kv->ended[0];
    kv->ended_count--;
    memmove(kv->ended, kv->ended + 1, kv->ended_count * sizeof kv->ended[0]);
    return done;
}

enum madkv_outcome madkv_wait(struct madkv *kv, int64_t timeout_ms, struct madkv_result *result)
{
    struct client_done done;
    reset(kv);
    if (kv->in_flight == 0)
        return MADKV_IDLE;
    if (kv->ended_count > 0) {
        done = take_ended(kv);
    } else {
        bool ever = timeout_ms < 0 || timeout_ms > INT64_MAX / WIRE_MS / 2;
        wire_time until = ever ? WIRE_NEVER : client_clock() + timeout_ms * WIRE_MS;
        enum client_net_event event = client_net_wait(kv->net, until, &done);
        if (event != CLIENT_NET_DONE)
            return event == CLIENT_NET_LATE ? MADKV_LATE : hung_up(kv);
    }
    kv->in_flight--;
    *result = (struct madkv_result){.call = done.call, .op = op_of(done.op), .found = done.found};
    result->outcome = take(kv, &done);
    result->value = bytes_of(done.value);
    if (done.op == WIRE_KV_SCAN && result->outcome == MADKV_OK)
        kv->unread = wire_reader_of(buf_span(done.result));
    return MADKV_OK;
}

size_t madkv_in_flight(const struct madkv *kv)
{
    return kv->in_flight;
}

bool madkv_next(struct madkv *kv, struct madkv_bytes *key, struct madkv_bytes *value)
{
    struct span key_span, value_span;
    if (!wire_kv_page_next(&kv->unread, &key_span, &value_span))
        return false;
    *key = bytes_of(key_span);
    *value = bytes_of(value_span);
    return true;
}

const char *madkv_problem(const struct madkv *kv)
{
    return kv->problem;
}

bool madkv_timed_out(const struct madkv *kv)
{
    return kv->reason == CLIENT_REASON_TIMEOUT || kv->reason == CLIENT_REASON_NO_ROOM;
}
