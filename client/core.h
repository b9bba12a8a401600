/* The client as a pure state machine: routing by the cluster map, leader discovery, sessions,
 * retries. No socket, clock, thread or rand in here: madkv.c drives it over ZeroMQ, the simulator
 * over a made-up network, and neither knows anything it does.
 *
 * A call (put, swap, get, delete, scan) becomes one request to the group that owns its key, a scan
 * one request after another to every group. A request is sent as often as it takes; every send has
 * a tag of its own, so that its answer, early, late or doubled, is told from any other.
 *
 *   - Writes go under a session (Ongaro's thesis, 6.3): (session, number) stays the same over all
 *     sends of one write, so it is applied at most once. Reads have no session.
 *   - A send is *resolved* by an answer that says it was not proposed (NOT_LEADER, BUSY, FULL) or
 * by the transport, which could not take it (client_core_unsent). Any other end of it (time-out,
 *     connection lost, IN_DOUBT) leaves the write *in doubt* for good: it may have been proposed,
 * or may yet be, whatever becomes of later sends. Only what was never in doubt may fail as
 *     "definitely not applied" or go out again under another session.
 *   - This relies on the transport delivering a send at most once, as TCP does. A simulator that
 *     doubles or resends messages must do so to answers only.
 *   - Redirects cannot loop: a leader hint is followed at once only if its ballot is newer than
 * every ballot seen of that group, and at most CLIENT_HOPS_MAX times in a row. All else waits, with
 *     jittered exponential back-off, and takes the next replica in turn; a hint that repeats the
 *     newest ballot is worth a visit after such a pause, between two replicas in turn, so that a
 * leader that was not ready yet is soon asked again and still every replica has its turn.
 *   - Of a chain (the map says so) every replica answers reads: they take turns, whoever refuses one or
 *     is silent is passed over for a while, and only if all are do reads go where writes go.
 *   - Calls of one client on the same key are sent one after the other, in the order submitted.
 *
 * `now` never goes back. Effects are appended to `out`; the caller carries them out in order. One
 * thread. The same seed and the same events give the same effects. */
#ifndef MADKV_CLIENT_CORE_H
#define MADKV_CLIENT_CORE_H

#include "wire/kv.h"
#include "wire/map.h"
#include "wire/message.h"

#define CLIENT_CALLS_MAX                                                                           \
    1024                  /* unfinished calls of one client; more: submit says 0, ask again later */
#define CLIENT_HOPS_MAX 3 /* hints followed in a row without back-off */
#define CLIENT_TRY_TIMEOUT (1 * WIRE_SECOND) /* no answer to a send: the next replica is tried */
#define CLIENT_BACKOFF_MIN (5 * WIRE_MS)     /* first pause after a refusal, before jitter */
#define CLIENT_BACKOFF_MAX (250 * WIRE_MS)   /* longest pause, before jitter */
#define CLIENT_SCAN_BYTES_MAX (1024u * 1024 * 1024) /* a scan's result past it: FAILED, TOO_LARGE  \
                                                     */

/* One replica of one group: what a connection leads to. */
struct client_endpoint {
    uint32_t group;       /* partition, or WIRE_GROUP_MANAGERS */
    wire_replica replica; /* by the map; of managers and fixed servers: place in the list given */
};

struct client_core_config {
    const char *const *managers; /* their addresses by replica; copied. NULL: no managers */
    size_t manager_count;        /* 1 .. WIRE_REPLICA_COUNT_MAX, or 0 */
    const char *const *servers;  /* without managers: the replicas of the only partition; copied */
    size_t server_count;         /* 1 .. WIRE_REPLICA_COUNT_MAX, or 0 */
    uint64_t seed;               /* of the own random generator (jitter, first replica to ask) */
    wire_time try_timeout;       /* 0: CLIENT_TRY_TIMEOUT */
    wire_time backoff_min;       /* 0: CLIENT_BACKOFF_MIN */
    wire_time backoff_max;       /* 0: CLIENT_BACKOFF_MAX */
};

/* What to do. Keys and values must be legal (wire_kv_key_ok, wire_kv_value_ok); they are copied. */
struct client_call {
    enum wire_kv_op op; /* which */
    struct span key;    /* the key; of SCAN: from */
    struct span value;  /* of PUT and SWAP: the value; of SCAN: to */
    wire_time timeout;  /* give up that long after submit; 0: never */
};

/* A call on the managers as it is: for those who speak another language than put and get. */
struct client_ask {
    enum wire_call_kind kind; /* READ or PLAIN */
    struct span body;         /* the managers' command or query; copied */
    wire_time timeout;        /* give up that long after submit; 0: never */
};

/* How a call ended. */
#define CLIENT_OUTCOMES(X)                                                                         \
    X(OK, "done")                                                                                  \
    X(FAILED, "not applied, and never will be")                                                    \
    X(UNKNOWN, "may or may not have been applied, and may still be")

enum client_outcome {
#define X(name, text) CLIENT_##name,
    CLIENT_OUTCOMES(X)
#undef X
};

/* Why it did not end well. */
#define CLIENT_REASONS(X)                                                                          \
    X(NONE, "no reason")                                                                           \
    X(TIMEOUT, "timeout")                                                                          \
    X(NO_ROOM, "timeout: no room on the disk")                                                     \
    X(REFUSED, "the service does not know this call")                                              \
    X(SESSION_GONE, "the session ended while the call was in doubt")                               \
    X(STALE, "the service holds the call for answered")                                            \
    X(MOVED, "the key moved to another group while the call was in doubt")                         \
    X(WRONG_GROUP, "these servers do not hold that key")                                           \
    X(BAD_ANSWER, "the answer makes no sense")                                                     \
    X(TOO_LARGE, "the result is too large")                                                        \
    X(CLOSED, "the client was closed")

enum client_reason {
#define X(name, text) CLIENT_REASON_##name,
    CLIENT_REASONS(X)
#undef X
};

/* The end of a call. */
struct client_done {
    uint64_t call;               /* what submit returned */
    bool is_ask;                 /* of client_core_ask: result is the answer as it is */
    enum wire_kv_op op;          /* else: which it was */
    enum client_outcome outcome; /* of reads never UNKNOWN */
    enum client_reason reason;   /* NONE if OK */
    bool found;                  /* OK, not SCAN: was there a value */
    struct span value;           /* OK, GET and SWAP where found: the value; points into result */
    struct buf *result;          /* OK: the bytes of value, of SCAN the pairs; one reference, owned;
                                  * of an ask NULL if the answer has no bytes */
};

enum client_effect_kind {
    CLIENT_SEND, /* hand message to the transport towards `to`; if it cannot: client_core_unsent */
    CLIENT_DONE, /* a call has ended */
};

struct client_effect {
    enum client_effect_kind kind; /* which of the below */
    struct client_endpoint to;    /* of SEND */
    union {
        struct wire_message message; /* of SEND: a REQUEST with its payload (maybe empty); owned */
        struct client_done done;     /* of DONE */
    };
};

/* A list of effects. Zero-initialised is empty. While it is carried out by index further events may
 * append to it; pointers into it are good until then. */
struct client_out {
    struct client_effect *effects; /* in order */
    size_t count;                  /* how many */
    size_t capacity;               /* room at effects */
};

/* Drops all effects and what they own; keeps the room. An effect whose message.payload or
 * done.result was taken must have it set to NULL. */
void client_out_clear(struct client_out *out);
void client_out_free(struct client_out *out);

struct client_core;

/* Exactly one of managers and servers must be given. Nothing is sent before the first call. */
struct client_core *client_core_new(const struct client_core_config *config);
/* Drops everything, tells nobody; *core becomes NULL. */
void client_core_destroy(struct client_core **core);

/* Starts a call. Its id, or 0: CLIENT_CALLS_MAX are unfinished already, or the core is closed. */
uint64_t client_core_submit(struct client_core *core, wire_time now, const struct client_call *call,
                            struct client_out *out);
/* Starts a call on the managers; as submit. A PLAIN one may be applied more than once. */
uint64_t client_core_ask(struct client_core *core, wire_time now, const struct client_ask *ask,
                         struct client_out *out);
/* A message came in over the connection to that endpoint. Anything but a fitting REPLY is counted
 * and dropped. The caller keeps the message. */
void client_core_receive(struct client_core *core, wire_time now, struct client_endpoint from,
                         const struct wire_message *message, struct client_out *out);
/* The connection to that endpoint broke: sends it had taken may or may not have arrived. */
void client_core_lost(struct client_core *core, wire_time now, struct client_endpoint endpoint,
                      struct client_out *out);
/* The transport did not take the send with that tag: it surely did not arrive, nor ever will. */
void client_core_unsent(struct client_core *core, wire_time now, uint64_t tag,
                        struct client_out *out);
/* The deadline has passed. Harmless at any other time. */
void client_core_wake(struct client_core *core, wire_time now, struct client_out *out);
/* When to wake it next; WIRE_NEVER if only an event can change anything. */
wire_time client_core_deadline(const struct client_core *core);
/* Ends every unfinished call (FAILED or UNKNOWN, reason CLOSED) and sends a CLOSE, once, for every
 * open session. From then on submit says 0 and answers are dropped. */
void client_core_close(struct client_core *core, wire_time now, struct client_out *out);

/* The text address of an endpoint, or NULL if there is none (any more). Good until the next event.
 */
const char *client_core_address(const struct client_core *core, struct client_endpoint endpoint);
/* How many calls are unfinished. */
size_t client_core_unfinished(const struct client_core *core);
/* The map in use, or NULL: none yet, or a fixed server list. Good until the next event. */
const struct wire_map *client_core_map(const struct client_core *core);

/* --- how things stand, for people ------------------------------------------------------------- */

#define CLIENT_TROUBLES(X)                                                                         \
    X(NONE, "all is well")                                                                         \
    X(UNREACHABLE, "no replica answers")                                                           \
    X(NO_LEADER, "there is no leader")                                                             \
    X(BUSY, "the service is overloaded")                                                           \
    X(FULL, "the service has no room left on its disks")                                           \
    X(IN_DOUBT, "leaders come and go")                                                             \
    X(NOT_FOUNDED, "the managers have no cluster map yet")                                         \
    X(WRONG_GROUP, "the servers and the cluster map disagree")                                     \
    X(SESSION, "the service ends sessions")                                                        \
    X(STRANGE, "these addresses belong to something else")

enum client_trouble {
#define X(name, text) CLIENT_TROUBLE_##name,
    CLIENT_TROUBLES(X)
#undef X
};

/* The group that has been in trouble longest. What makes it well again is a useful answer. */
struct client_health {
    enum client_trouble trouble; /* NONE: no group with unfinished requests is in trouble */
    uint32_t group;              /* which group */
    wire_time since;             /* when its trouble began */
};
struct client_health client_core_health(const struct client_core *core);

#define CLIENT_COUNTERS(X)                                                                         \
    X(calls, "calls submitted")                                                                    \
    X(sends, "messages handed to the transport")                                                   \
    X(retries, "of them, sends of a request that had been sent before")                            \
    X(redirects, "hints to a leader with a newer ballot followed")                                 \
    X(hints_ignored, "refusals whose hint was old, empty or about the replica itself")             \
    X(timeouts, "sends without an answer in time")                                                 \
    X(lost, "sends whose connection broke")                                                        \
    X(unsent, "sends the transport could not take")                                                \
    X(busy, "refusals: overloaded")                                                                \
    X(full, "refusals: no room")                                                                   \
    X(in_doubt, "answers: in doubt")                                                               \
    X(gone, "answers: the session is gone")                                                        \
    X(wrong_group, "answers: not the group of that key")                                           \
    X(sessions, "sessions opened")                                                                 \
    X(maps, "cluster maps received")                                                               \
    X(late, "answers to an earlier send of a request that was still open, used")                   \
    X(duplicates, "answers to requests already finished, or refusals of earlier sends, dropped")   \
    X(strangers, "messages that are no reply or of another group or cluster, dropped")             \
    X(malformed, "answers that make no sense")                                                     \
    X(failed, "calls that failed")                                                                 \
    X(unknown, "calls that ended with an unknown outcome")

struct client_counters {
#define X(name, text) uint64_t name; /* text above */
    CLIENT_COUNTERS(X)
#undef X
};
const struct client_counters *client_core_counters(const struct client_core *core);

const char *client_outcome_text(enum client_outcome outcome);
const char *client_reason_text(enum client_reason reason);
const char *client_trouble_text(enum client_trouble trouble);

/* The pairs of a SCAN's result, in byte order, without repeats: open a reader on buf_span(result)
 * with wire_reader_of, then take pairs with wire_kv_page_next until it is false. */

#endif
