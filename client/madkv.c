#include "client/madkv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/net.h"
#include "wire/address.h"

enum {
    PROBLEM_BYTES = 160, /* longest text of a problem */
};

struct madkv {
    struct client_net *net;      /* does the work */
    wire_time timeout;           /* of each call; 0: none */
    struct buf *result;          /* what the last call handed out points into it */
    struct wire_reader unread;   /* pairs of the last scan not taken yet */
    enum client_reason reason;   /* why the last call did not end well */
    char problem[PROBLEM_BYTES]; /* likewise, in words */
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

static enum madkv_outcome run(struct madkv *kv, struct client_call *call, struct client_done *done)
{
    reset(kv);
    const char *problem = check(call);
    if (problem != NULL)
        return invalid(kv, problem);
    call->timeout = kv->timeout;
    uint64_t id = client_net_submit(kv->net, call);
    assert(id != 0);
    if (client_net_wait(kv->net, WIRE_NEVER, done) != CLIENT_NET_DONE) {
        snprintf(kv->problem, sizeof kv->problem, "hung up: nobody waits for the answer");
        return MADKV_HUNG_UP;
    }
    assert(done->call == id);
    kv->result = done->result;
    if (done->outcome == CLIENT_OK)
        return MADKV_OK;
    explain(kv, done);
    return done->outcome == CLIENT_UNKNOWN ? MADKV_UNKNOWN : MADKV_FAILED;
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
    return kv->reason == CLIENT_REASON_TIMEOUT;
}
