/* Inside the client core: its structures, and what its files offer each other. Nobody else includes
 * it.
 *
 *     core.c          lifetime, events, calls and how they end
 *     core_request.c  requests: queues, sends, back-off, which replica next
 *     core_reply.c    answers, by status
 *     core_session.c  sessions: numbers, window, opening, losing, closing
 *     core_route.c    the map: asking for it, which group a call belongs to
 *     core_scan.c     scans: pages of every partition merged into one result
 *
 * The life of a request:
 *
 *     WAITING --number--> READY --send--> FLIGHT --answer--> gone
 *     (writes only)         ^                |
 *                           +--refused, lost, timed out
 *
 * While an event is handled core->now and core->out hold its time and its list of effects. */
#ifndef MADKV_CLIENT_CORE_INSIDE_H
#define MADKV_CLIENT_CORE_INSIDE_H

#include <sys/queue.h>

#include "client/core.h"
#include "wire/random.h"

/* Which queue of its group a request is in. */
enum request_state {
    REQUEST_HELD,    /* none: it waits for a new map, or is being handled */
    REQUEST_WAITING, /* a write without a number: no session yet, or its window is full */
    REQUEST_READY,   /* to be sent as soon as the group's pause is over */
    REQUEST_FLIGHT,  /* sent, no answer yet */
};

/* What a request is for. */
enum request_purpose {
    REQUEST_FOR_CALL, /* the only request of a put, swap, get or delete */
    REQUEST_FOR_PAGE, /* a page of a scan */
    REQUEST_FOR_OPEN, /* a session of its group */
    REQUEST_FOR_MAP,  /* the cluster map */
    REQUEST_FOR_ASK,  /* somebody's own call on the managers */
};

struct request {
    TAILQ_ENTRY(request) link;    /* in the queue that state names */
    enum request_state state;     /* see above */
    enum request_purpose purpose; /* see above */
    enum wire_call_kind kind;     /* as on the wire */
    struct call *call;            /* of CALL and PAGE: whose */
    uint32_t part;                /* of PAGE: which part of the scan */
    uint32_t group;               /* where it goes */
    uint32_t place;               /* index in core->requests; part of every tag */
    struct buf *payload;          /* the machine's command or query; one reference */
    uint64_t first_serial;        /* of its first send; 0: not sent yet */
    uint64_t last_serial;         /* of its last one */
    wire_time sent;               /* when that was */
    wire_replica to;              /* to which replica */
    uint64_t epoch;               /* of the group at that time */
    bool spread;                  /* that was any replica's turn, not the target */
    bool in_doubt;                /* an earlier send may have been proposed, or may yet be */
    uint64_t session;             /* of a write with a number, else 0 */
    uint64_t life;                /* likewise: which session of its group, by group.life */
    uint64_t number;              /* likewise */
    uint64_t lowest;              /* as it was when it got its number */
};
TAILQ_HEAD(request_queue, request);

struct group {
    uint32_t id;               /* partition, or WIRE_GROUP_MANAGERS */
    uint8_t replica_count;     /* 1 .. WIRE_REPLICA_COUNT_MAX */
    wire_replica target;       /* whom to ask now */
    wire_replica turn;         /* whose turn it was last, hints apart */
    bool spreads;              /* a chain: every replica answers reads */
    wire_replica read_turn;    /* whose turn it was last, of reads */
    wire_time shunned[WIRE_REPLICA_COUNT_MAX]; /* by replica: no reads go there before */
    struct wire_ballot ballot; /* newest one heard of in a hint */
    uint32_t hops;             /* hints followed since the last useful answer or pause */
    uint32_t pauses;           /* pauses since the last useful answer, or since renewed */
    wire_time renewed;         /* when a newer ballot last made pauses short again */
    wire_time not_before;      /* nothing is sent before it */
    uint64_t epoch;            /* counts changes of target and pause: older news changes nothing */
    enum client_trouble trouble;  /* NONE: the last answer was useful, or nothing was asked yet */
    wire_time trouble_since;      /* when it began */
    wire_time trouble_last;       /* when a replica last gave that reason */
    struct request_queue waiting; /* by call, oldest first */
    struct request_queue ready;   /* any order */
    struct request_queue flight;  /* by time of sending */
    struct request *opening;      /* the OPEN on its way, or NULL */
    uint64_t session;             /* the open session, or 0 */
    uint64_t life;                /* sessions opened so far: tells two apart whatever their ids */
    uint64_t next_number;         /* next to be given, from 1 */
    uint64_t lowest;              /* lowest number without an end; <= next_number */
    uint64_t ended;               /* bit i: number lowest + i has ended; bit 0 is never set */
};

/* A scan's part: what one partition has of it. */
struct part {
    struct request *request;          /* the page asked for, or NULL */
    struct buf *page;                 /* the page that is being merged, or NULL */
    struct wire_reader unread;        /* its pairs behind `key` */
    bool more;                        /* there are pages behind it */
    bool has_pair;                    /* key and value hold the part's next pair */
    struct span key;                  /* points into page */
    struct span value;                /* likewise */
    uint16_t last_size;               /* bytes of the last key of the pages so far; 0: none */
    uint8_t last[WIRE_KEY_BYTES_MAX]; /* that key: the next page begins behind it */
};

struct scan {
    uint32_t part_count;       /* partitions when it began */
    struct part *parts;        /* by partition */
    struct wire_writer result; /* the pairs merged so far */
};

struct call {
    TAILQ_ENTRY(call) link;  /* in core->calls, oldest first */
    uint64_t id;             /* as submit returned it */
    bool is_ask;             /* a call on the managers as it is; has no op and no key */
    enum wire_kv_op op;      /* which */
    uint64_t key_hash;       /* of key */
    struct span key;         /* points behind the struct */
    struct span value;       /* likewise */
    wire_time deadline;      /* give up then; WIRE_NEVER */
    bool blocked;            /* an older call has the same key */
    bool homeless;           /* waits for a map */
    struct request *request; /* of all but SCAN, once routed; of an ask always */
    struct scan *scan;       /* of SCAN, once routed */
};
TAILQ_HEAD(call_queue, call);

struct client_core {
    uint8_t address_count; /* managers, or fixed servers */
    bool fixed;            /* no managers: the addresses are the only partition's */
    bool closed;           /* close was called */
    char addresses[WIRE_REPLICA_COUNT_MAX][WIRE_ADDRESS_TEXT_MAX]; /* by replica */
    wire_time try_timeout;                                         /* see config */
    wire_time backoff_min;                                         /* see config */
    wire_time backoff_max;                                         /* see config */
    struct wire_random random; /* for pauses and first targets */

    wire_time now;          /* of the event at hand */
    struct client_out *out; /* effects of the event at hand */

    struct group managers;  /* unused if fixed */
    struct group *servers;  /* by partition */
    uint32_t server_groups; /* how many; 0: no map yet */
    struct wire_map map;    /* as received; zero: none */

    struct request *map_request; /* the MAP on its way, or NULL */
    uint32_t homeless_count;     /* calls that wait for a map */
    uint32_t wrong_groups;       /* WRONG_GROUP since the last useful answer of a server */
    wire_time wrong_since;       /* when the first came */
    wire_time map_not_before;    /* do not ask for the map again before */
    bool moving;                 /* a map of another shape is being adopted: calls stay homeless */

    struct call_queue calls; /* all that are unfinished, oldest first */
    uint32_t call_count;     /* how many */
    uint32_t blocked_count;  /* how many are blocked */
    uint64_t last_call;      /* id of the newest */
    wire_time next_timeout;  /* no call's deadline is earlier */

    struct request **requests; /* by place; NULL: free */
    uint32_t request_room;     /* places at requests */
    uint32_t *free_places;     /* stack of free ones */
    uint32_t free_count;       /* how many */
    uint64_t last_serial;      /* of sends */

    struct client_counters counters; /* what happened */
};

/* --- core.c --- */
/* Ends a call: the effect, its requests, the next call on its key. result: its reference is taken.
 */
void call_end(struct client_core *core, struct call *call, enum client_outcome outcome,
              enum client_reason reason, struct client_done *done);
/* Ends a call that did not get what it wanted: UNKNOWN if a write of it is in doubt, else FAILED.
 */
void call_fail(struct client_core *core, struct call *call, enum client_reason reason);
/* The pause number `pauses` (from 0): grows, is capped, and is jittered between half and whole. */
wire_time core_pause(struct client_core *core, uint32_t pauses);
struct client_effect *core_effect(struct client_core *core, enum client_effect_kind kind);

/* --- core_request.c --- */
void group_init(struct client_core *core, struct group *group, uint32_t id, uint8_t replica_count);
/* A read that was one of many replicas' turn got nothing from it: the next one is asked at once, and that
 * one gets no reads for a while. False: it was no such read. */
bool group_shun(struct client_core *core, struct group *group, struct request *request);
/* Drops its requests; calls must have let go of theirs before. */
void group_clear(struct client_core *core, struct group *group);
struct group *group_find(struct client_core *core, uint32_t id);
/* A new request, HELD. Takes the reference to payload. */
struct request *request_new(struct client_core *core, enum request_purpose purpose,
                            enum wire_call_kind kind, uint32_t group, struct buf *payload);
void request_free(struct client_core *core, struct request **request);
/* Out of its queue: HELD. */
void request_hold(struct client_core *core, struct request *request);
/* Into READY, or WAITING if it is a write without a number. */
void request_enqueue(struct client_core *core, struct request *request);
/* The request a tag belongs to, or NULL. */
struct request *request_find(struct client_core *core, uint64_t tag);
static inline uint64_t request_tag_serial(uint64_t tag)
{
    return tag >> 20;
}
/* Whether it changes anything over there, if it is applied. */
static inline bool request_changes(const struct request *request)
{
    return request->kind == WIRE_CALL_WRITE || request->kind == WIRE_CALL_PLAIN;
}
/* In doubt as of now: an earlier send is, or one is on its way. */
static inline bool request_maybe_proposed(const struct request *request)
{
    return request_changes(request) && (request->in_doubt || request->state == REQUEST_FLIGHT);
}
/* The last send of a request came to nothing: pause, then go to that replica; WIRE_NO_REPLICA: to
 * the one whose turn it is. News about an earlier epoch changes nothing. */
void group_retreat(struct client_core *core, struct group *group, uint64_t epoch, wire_replica to,
                   enum client_trouble trouble);
/* `from` says who leads. True: the hint is newer than all before, and the group goes there now, or
 * after a pause if it followed too many in a row. */
bool group_follow(struct client_core *core, struct group *group, wire_replica from,
                  wire_replica leader, struct wire_ballot ballot);
/* Where a hint that was not followed leads all the same, after a pause: its leader if it repeats
 * the newest ballot, else WIRE_NO_REPLICA. */
wire_replica group_hinted(const struct group *group, wire_replica from, wire_replica leader,
                          struct wire_ballot ballot);
/* A useful answer came. */
void group_well(struct group *group);
void group_lose(struct client_core *core, struct group *group, wire_replica replica);
void group_time_out(struct client_core *core, struct group *group);
void group_pump(struct client_core *core, struct group *group);
wire_time group_deadline(const struct client_core *core, const struct group *group);
/* The head of a REQUEST to the group's target. */
struct wire_message *group_message(struct client_core *core, const struct group *group,
                                   wire_replica to);

/* --- core_reply.c --- */
/* An answer to a send of that request came from that replica; last: to its last send, and nothing
 * has become of that yet. May free the request. */
void reply_handle(struct client_core *core, struct request *request, wire_replica from, bool last,
                  const struct wire_message *message);

/* --- core_session.c --- */
/* Numbers waiting writes as far as the window goes; opens a session if there is none. */
void session_advance(struct client_core *core, struct group *group);
void session_opened(struct client_core *core, struct group *group, uint64_t session);
/* The number of the request, if it has one, will not be asked for again. */
void session_release(struct client_core *core, const struct request *request);
/* Whether a write's number is of the session that is open now. */
static inline bool session_is_current(const struct group *group, const struct request *request)
{
    return request->number != 0 && group->session != 0 && request->life == group->life;
}
/* The session of that life is gone: forget it, and take the numbers of its writes that are ready
 * and not in doubt back. */
void session_gone(struct client_core *core, struct group *group, uint64_t life);
/* Takes the number back; the request is HELD. */
void session_unnumber(struct client_core *core, struct request *request);
void session_close(struct client_core *core, struct group *group);

/* --- core_route.c --- */
/* Sends a call to where its key lives, or makes it homeless. */
void route_call(struct client_core *core, struct call *call);
/* The group that answered does not own the request's key. */
void route_wrong_group(struct client_core *core, struct request *request);
/* The answer to the MAP request, which it frees or sends again. */
void route_map_answer(struct client_core *core, struct request *request, struct span answer);
/* Asks for the map if somebody needs it. */
void route_advance(struct client_core *core);

/* --- core_scan.c --- */
void scan_start(struct client_core *core, struct call *call);
/* A page came, the bytes of payload, as the answer to that request, which it frees. False, and
 * nothing changed: it makes no sense. May end the call. */
bool scan_page(struct client_core *core, struct request *request, struct span page,
               struct buf *payload);
/* Drops the scan's state and requests. */
void scan_stop(struct client_core *core, struct call *call);

#endif
