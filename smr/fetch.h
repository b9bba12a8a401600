/* Fetching a snapshot (smr/snapshot.h): the receiver's side, a part of the checkpointer.
 *
 * One at a time, from one peer at a time, piece by piece: each is asked for when the one before has come,
 * put into the staging table at once and made durable some megabytes at a time. A peer that falls silent,
 * is busy or has nothing new enough is left for a while and another one asked; the leader only if no other
 * will do. While the group is at work it takes its time (smr/pace.h). Whatever does not fit is refused and asked for again; a whole snapshot whose parts do not fit
 * together is thrown away, and its peer avoided for longer.
 *
 * Peers that are left for their silence may each have another snapshot, and what came from one is of no use
 * with the other's: so each time something is lost that way they are given twice as long, and where all
 * of them (or this replica itself) are slow, one gets to its end.
 *
 * It stops when nobody has said for a while that it is wanted. */
#ifndef MADKV_SMR_FETCH_H
#define MADKV_SMR_FETCH_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/out.h"
#include "smr/pace.h"
#include "smr/snapshot.h"

enum smr_fetch_state {
    SMR_FETCH_IDLE,   /* nothing is wanted */
    SMR_FETCH_ASKING, /* a peer is asked for a piece */
    SMR_FETCH_RESTING, /* no peer will do; after a while again */
    SMR_FETCH_PACING,  /* a piece has come; the next one is asked for after a rest */
    SMR_FETCH_WHOLE,  /* all is staged; the applier is asked */
};

struct smr_fetch {
    struct wire_sender self;    /* how it signs */
    uint8_t replica_count;      /* r */
    struct smr_timing timing;   /* see smr/config.h */
    size_t stage_bytes;         /* made durable together */
    struct smr_machine machine; /* whose state; only fits() and the base are used */
    struct smr_counters *counters; /* the checkpointer's */

    enum smr_fetch_state state; /* see there */
    wire_slot from;             /* the slot that is wanted */
    wire_replica leader;        /* to be spared */
    wire_time wanted_until;     /* then it is not, unless it is said again */
    wire_replica peer;          /* asked, or asked last */
    wire_time shunned[WIRE_REPLICA_COUNT_MAX]; /* peers not to be asked before */
    wire_time asked;            /* the peer, for the piece that is wanted now or came last: when first */
    size_t piece;               /* bytes of the one that came last */
    struct smr_pace pace;       /* how long to rest after it */
    bool rests;                 /* pacing: that is settled, and counted from then on */
    unsigned repeats;           /* and how often since */
    unsigned without;           /* bit per peer that does not have this snapshot */
    wire_time alone_since;      /* no peer that may be asked has had anything since ... */
    wire_time alone_said;       /* ... and people were told last */
    unsigned lost;              /* times that what had come was of no use, since the last install */
    wire_time deadline;         /* the next thing to do; WIRE_NEVER: none */

    struct smr_mark at;         /* how far it has come */
    struct smr_mark durable;    /* likewise, what a crash would leave */
    bool afresh;                /* the next stage is the first of its snapshot */
    bool staging;               /* a stage is begun in the base */
    size_t staged_bytes;        /* in it */
    struct wire_writer image;   /* as far as it has come; of a whole one, all */

    wire_time begun;            /* this fetch: when */
    uint64_t bytes;             /* taken since */
    uint64_t pairs;             /* of the whole snapshot, as the peer says */
    wire_time shown;            /* progress was, last */
};

void smr_fetch_init(struct smr_fetch *self, const struct smr_config *config,
                    struct smr_machine machine, struct smr_counters *counters);
void smr_fetch_free(struct smr_fetch *self);

/* FETCH, SNAPSHOT and SNAPSHOT_DENIED, from the own acceptor. */
void smr_fetch_want(struct smr_fetch *self, wire_time now, const struct wire_message *m,
                    struct smr_out *out);
void smr_fetch_take(struct smr_fetch *self, wire_time now, const struct wire_message *m,
                    struct smr_out *out);
void smr_fetch_denied(struct smr_fetch *self, wire_time now, const struct wire_message *m,
                      struct smr_out *out);
/* The deadline has passed. */
void smr_fetch_wake(struct smr_fetch *self, wire_time now, struct smr_out *out);

/* The base is to be written for something else: what is staged is made durable first. */
void smr_fetch_pause(struct smr_fetch *self, wire_time now);
/* A checkpoint of that slot was made: what is staged of an older one is of no use. */
void smr_fetch_note_saved(struct smr_fetch *self, wire_slot saved);
/* The applier has answered: install it (WIRE_OK: done), or drop it. */
enum wire_error smr_fetch_install(struct smr_fetch *self, wire_time now, struct smr_out *out);
void smr_fetch_drop(struct smr_fetch *self);

void smr_fetch_figures(const struct smr_fetch *self, struct wire_writer *out);

#endif
