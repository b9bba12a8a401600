/* The session table: what makes a call that is sent again count once (Ongaro, "Consensus: bridging
 * theory and practice", 6.3; Liskov and Cowling, "Viewstamped replication revisited", 4.1).
 *
 * The table is part of the replicated state: every function here is called at apply, in slot order,
 * and does the same on every replica. A session is named by the place in the log of the command that
 * opened it. It keeps the answers to the calls from its lowest unanswered number up, at most
 * WIRE_SESSION_WINDOW of them, because that is all its client may still ask for.
 *
 * Sessions end when closed; when unused for WIRE_SESSION_LIFE_MS of log time; and, the least recently
 * used first, when there are more than WIRE_SESSION_COUNT_MAX or their answers take more than
 * WIRE_SESSION_BYTES_MAX. */
#ifndef MADKV_SMR_SESSION_H
#define MADKV_SMR_SESSION_H

#include "smr/counters.h"
#include "wire/buf.h"
#include "wire/limits.h"
#include "wire/message.h"
#include "wire/pack.h"

struct smr_sessions;

/* An answer kept in the table. */
struct smr_answer {
    enum wire_status status; /* how the call went */
    struct buf *body;        /* the machine's answer; owned by the table, NULL if empty */
};

enum smr_call_verdict {
    SMR_CALL_FRESH,  /* never applied: apply it, then smr_sessions_remember */
    SMR_CALL_REPEAT, /* applied before: *answer is what came out then */
    SMR_CALL_STALE,  /* applied before, and its client has had the answer */
    SMR_CALL_GONE,   /* no such session: must not be applied */
    SMR_CALL_WRONG,  /* further ahead than a window: must not be applied */
};

struct smr_sessions *smr_sessions_new(void);
/* Keeps at most so many sessions instead of WIRE_SESSION_COUNT_MAX. Before anything is
 * opened, and the same on every replica. */
void smr_sessions_bound(struct smr_sessions *self, size_t count_max);
void smr_sessions_free(struct smr_sessions *self);

/* Opens a session; ids must grow. May end others to keep the bounds. */
void smr_sessions_open(struct smr_sessions *self, uint64_t id, uint64_t log_time_ms,
                       struct smr_counters *counters);
/* False if there is no such session. */
bool smr_sessions_close(struct smr_sessions *self, uint64_t id);
/* Ends what has not been used for its life. */
void smr_sessions_expire(struct smr_sessions *self, uint64_t log_time_ms,
                         struct smr_counters *counters);

/* Judges call `number` of a session whose client has answers to all calls below `lowest`. Marks the
 * session used and forgets the answers below. *answer is set on REPEAT, good until the next call. */
enum smr_call_verdict smr_sessions_judge(struct smr_sessions *self, uint64_t id, uint64_t number,
                                         uint64_t lowest, uint64_t log_time_ms,
                                         struct smr_answer *answer);
/* Keeps the answer to a call judged FRESH just before. Takes a reference to the body. */
void smr_sessions_remember(struct smr_sessions *self, uint64_t id, uint64_t number,
                           struct smr_answer answer, struct smr_counters *counters);

size_t smr_sessions_count(const struct smr_sessions *self);
size_t smr_sessions_bytes(const struct smr_sessions *self);
/* Appends the whole table, in order of last use. */
void smr_sessions_encode(const struct smr_sessions *self, struct wire_writer *out);
/* A table out of what encode wrote, or NULL: it is none. */
struct smr_sessions *smr_sessions_decode(struct span bytes);
/* A hash of the whole table: equal on replicas that applied the same slots. */
uint64_t smr_sessions_digest(const struct smr_sessions *self);

#endif
