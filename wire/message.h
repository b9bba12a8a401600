/* Every message of the system, in one list.
 *
 * A message is one frame of msgpack, the head, and for some types a second frame of bytes, the
 * payload. The payload is a `struct buf`: it travels by reference, encoded once.
 *
 *     head    [type, format, cluster, group, role, replica, generation, nonce, start, field ...]
 *     payload a batch (wire/batch.h), a list of log entries (wire/entry.h), a command or its result
 *
 * The sender part of the head says who speaks (group, role, replica), from which disk (birth) and in
 * which life of its process (start). Receivers drop what does not fit before anything else, so that
 * whatever arrives late, twice or from a stranger is harmless.
 *
 * To add a message, add a line to WIRE_MESSAGES and its fields: struct, encoder, decoder, printer
 * and the fuzzer's generator follow from it. */
#ifndef MADKV_WIRE_MESSAGE_H
#define MADKV_WIRE_MESSAGE_H

#include "wire/buf.h"
#include "wire/error.h"
#include "wire/limits.h"
#include "wire/pack.h"
#include "wire/types.h"

#define WIRE_FORMAT 1 /* version of every message; another one is dropped and counted */

/* Who speaks: one per thread of a replica, and the clients. */
#define WIRE_ROLES(X)                                                                              \
    X(CLIENT, "client")     /* a program outside, or a server asking the managers */               \
    X(API, "api")           /* takes clients' calls */                                             \
    X(PROPOSER, "proposer") /* orders commands */                                                  \
    X(ACCEPTOR, "acceptor") /* votes, keeps the log, learns what is chosen */                      \
    X(LEARNER, "learner")   /* an acceptor where it asks its peers for slots */                    \
    X(APPLIER, "applier")   /* runs the state machine */                                           \
    X(CHECKPOINTER, "checkpointer") /* writes state to the disk, beside the applier */             \
    X(STREAMER, "streamer") /* sends snapshots of that state to peers */                           \
    X(COURIER, "courier")   /* speaks with the managers for a replica of a chain */                \
    X(MANAGER, "manager")   /* a manager's API, as the courier sees it; nobody signs so */

enum wire_role {
#define X(name, text) WIRE_ROLE_##name,
    WIRE_ROLES(X)
#undef X
    WIRE_ROLE_COUNT
};

struct wire_sender {
    uint64_t cluster;        /* random, founded once; before that a checksum of the topology */
    uint32_t group;          /* partition, or WIRE_GROUP_MANAGERS */
    enum wire_role role;     /* which actor */
    wire_replica replica;    /* which replica of the group */
    struct wire_birth birth; /* which disk */
    uint64_t start;          /* which life of the process on that disk, from 1 */
};

#define WIRE_GROUP_MANAGERS UINT32_MAX

/* The newest disk of each replica of a group, as far as one of them knows. */
struct wire_births {
    struct wire_birth of[WIRE_REPLICA_COUNT_MAX]; /* by replica; generation 0: none known */
};

/* The same in short, for votes: no two disks of one generation ever vote (smr/paxos/acceptor_birth.c). */
struct wire_generations {
    uint32_t of[WIRE_REPLICA_COUNT_MAX]; /* by replica; 0: none known */
};

/* Field kinds: (kind) -> C type, reader, writer and printer in message.c. */
#define WIRE_TYPE_u8 uint8_t
#define WIRE_TYPE_u64 uint64_t
#define WIRE_TYPE_flag bool
#define WIRE_TYPE_slot wire_slot
#define WIRE_TYPE_replica wire_replica
#define WIRE_TYPE_ballot struct wire_ballot
#define WIRE_TYPE_births struct wire_births
#define WIRE_TYPE_generations struct wire_generations

/* `births` of an acceptor's answers: the disks its peers are known to speak from. A vote of an older
 * disk than any vote beside it names must not count. */

/* --- elections: proposer <-> acceptor ------------------------------------------------------------ */
/* "Would you promise me a ballot?" Raises nothing. chosen: the candidate's own bar. */
#define WIRE_ASK_FIELDS(F) F(ballot, ballot) F(slot, chosen)
/* verdict: enum wire_verdict. */
#define WIRE_ASKED_FIELDS(F)                                                                       \
    F(ballot, ballot) F(u8, verdict) F(ballot, promised) F(slot, chosen) F(generations, births)
/* Phase 1a for every slot from `from` on; asked again with a larger `from` for the next chunk. */
#define WIRE_PREPARE_FIELDS(F) F(ballot, ballot) F(slot, from)
/* Phase 1b: what was accepted in from..through (payload: entries); last: nothing beyond. chosen: all
 * slots up to it are known chosen here; cut: slots up to it are no longer in the log. damaged: there is
 * more, but its record cannot be read (chains only: else that is no promise). */
#define WIRE_PROMISE_FIELDS(F)                                                                     \
    F(ballot, ballot) F(slot, from) F(slot, through) F(flag, last) F(slot, chosen) F(slot, cut)    \
    F(generations, births) F(flag, damaged)
/* --- steady state ------------------------------------------------------------------------------ */
/* Phase 2a. Payload: the batch. chosen: the leader's bar. */
#define WIRE_ACCEPT_FIELDS(F) F(ballot, ballot) F(slot, slot) F(slot, chosen)
/* Phase 2b, sent once the record is durable. chosen: the acceptor's bar. */
#define WIRE_ACCEPTED_FIELDS(F)                                                                    \
    F(ballot, ballot) F(slot, slot) F(slot, chosen) F(generations, births)
/* "I promised more", or (promised not higher) "I am too far behind for that slot". */
#define WIRE_NACK_FIELDS(F) F(ballot, ballot) F(ballot, promised) F(slot, slot) F(slot, chosen)
/* The leader is there; round numbers the heartbeats of a ballot. safe: the least that any replica of
 * the group calls stored, so that nobody will ever ask for these slots. */
#define WIRE_HEARTBEAT_FIELDS(F) F(ballot, ballot) F(slot, chosen) F(u64, round) F(slot, safe)
/* "I have promised nothing higher than this ballot." stored: whatever happens to this process, it will
 * never ask for a slot up to this one: they are in a durable checkpoint, and durably known chosen.
 * ready: but for the lease of this leader nothing keeps this replica from voting and leading. full: its
 * disk has no room for more. */
#define WIRE_HEARTBEAT_ACK_FIELDS(F)                                                               \
    F(ballot, ballot) F(u64, round) F(slot, chosen) F(slot, stored) F(flag, ready) F(flag, full)   \
    F(generations, births)
/* A reborn replica to a leader it hears: "I may not vote before every slot up to `upto` is chosen; let
 * something be chosen there." */
#define WIRE_FILL_FIELDS(F) F(slot, upto)
/* To the own acceptor only: slots up to `chosen` are chosen, with the values of this ballot. at: since
 * when, a wire_time; it never leaves the process and only serves to say how long what follows takes,
 * like every `at` below, where 0 says nothing. */
#define WIRE_CHOOSE_FIELDS(F) F(ballot, ballot) F(slot, chosen) F(u64, at)
/* --- handing leadership over: proposer <-> acceptor (Ongaro's thesis, 3.10) ------------------------ */
/* From a leader that goes: it reads under no lease of this ballot any more, for good, so let go of it,
 * and refuse nobody for its sake. chosen: its bar. */
#define WIRE_RELEASE_FIELDS(F) F(ballot, ballot) F(slot, chosen)
/* Done. chosen: the acceptor's bar. */
#define WIRE_RELEASED_FIELDS(F) F(ballot, ballot) F(slot, chosen)
/* A majority has let go of the lease of this ballot: campaign, now. From the leader to the successor's
 * acceptor, which passes it on to its own proposer. chosen: the bar of whoever sends it. */
#define WIRE_SUCCEED_FIELDS(F) F(ballot, ballot) F(slot, chosen)
/* --- own proposer <-> own acceptor --------------------------------------------------------------- */
/* The proposer is up and wants to know where things stand. */
#define WIRE_ATTACH_FIELDS(F)
/* promised and chosen of this acceptor; leader: whom it heard last (none: nobody) and heard_ago how
 * many microseconds before it said so; fit: it votes and can read all that is chosen, so that its
 * proposer may lead; standing: enum wire_standing, and wanted: the slot up to which a reborn replica
 * must know what was chosen; full: its disk has no room for more. Sent when asked (ATTACH) and when
 * anything but the time has changed. */
#define WIRE_HEARD_FIELDS(F)                                                                       \
    F(ballot, leader) F(ballot, promised) F(slot, chosen) F(u64, heard_ago) F(flag, fit)           \
    F(u8, standing) F(slot, wanted) F(flag, full)
/* "Slots up to `upto` are chosen and `peer` has them." Makes the acceptor fetch. */
#define WIRE_CATCH_UP_FIELDS(F) F(slot, upto) F(replica, peer)
/* --- learning: learner <-> acceptor of a peer ----------------------------------------------------- */
#define WIRE_LEARN_FIELDS(F) F(slot, from)
/* Payload: entries from `from` on, all chosen. chosen: the bar there. cut: as in Promise. held: percent of the
 * room in which a log is held for a snapshot on its way that are taken there; 0: none is on its way. */
#define WIRE_LEARNED_FIELDS(F) F(slot, from) F(slot, chosen) F(slot, cut) F(u64, held)
/* --- to and from the applier --------------------------------------------------------------------- */
/* Slot is chosen. Payload: the batch. In slot order, without gaps. at: since when, if this replica's own
 * proposer said so. behind: many more are chosen behind it. */
#define WIRE_CHOSEN_FIELDS(F) F(slot, slot) F(u64, at) F(flag, behind)
/* All slots up to `slot` are applied, so the acceptor may feed on; those up to `saved` are in a durable
 * checkpoint, so the log need not keep them for this replica. */
#define WIRE_APPLIED_FIELDS(F) F(slot, slot) F(slot, saved)
/* Make the frozen state durable together with the image. Payload: the image (smr/image.h). */
#define WIRE_CHECKPOINT_FIELDS(F) F(slot, slot)
/* outcome: enum wire_error; anything but OK: nothing of it is durable, try again later. */
#define WIRE_CHECKPOINTED_FIELDS(F) F(slot, slot) F(u8, outcome)
/* Answer the query once `index` is applied. Payload: the query. */
#define WIRE_READ_AT_FIELDS(F) F(u64, tag) F(slot, index)
/* The outcome of a call. status: enum wire_status. at: when the applier took it. Payload: the machine's
 * answer. */
#define WIRE_RESULT_FIELDS(F) F(u64, tag) F(u8, status) F(u64, session) F(u64, at)
/* --- API <-> proposer ---------------------------------------------------------------------------- */
/* Order this. at: when the API took it. Payload: one encoded batch entry, packed into a batch as it is. */
#define WIRE_SUBMIT_FIELDS(F) F(u64, tag) F(u64, at)
/* Read this by the leader's index. at: as in Submit. Payload: the query. */
#define WIRE_READ_FIELDS(F) F(u64, tag) F(u64, at)
/* This call was not proposed. */
#define WIRE_REFUSED_FIELDS(F) F(u64, tag) F(u8, status)
/* Who leads, as far as the proposer knows. When leading ends, what was submitted is in doubt; but
 * answering: each call handed on will be answered yet. why: enum wire_loss, of the last leadership of
 * this replica that ended. reads: this replica answers reads, whether it leads or not. */
#define WIRE_LEADERSHIP_FIELDS(F)                                                                  \
    F(flag, leading) F(ballot, ballot) F(flag, answering) F(u8, why) F(flag, reads)
/* --- clients <-> API ----------------------------------------------------------------------------- */
/* kind: enum wire_call_kind. tag: the client's own, returned. lowest: the lowest number the client
 * has no answer to. Payload: the machine's command or query. */
#define WIRE_REQUEST_FIELDS(F) F(u64, tag) F(u8, kind) F(u64, session) F(u64, number) F(u64, lowest)
/* status: enum wire_status. leader, ballot: where to try next if the status asks for it. session: of
 * an OPEN. Payload: the machine's answer. */
#define WIRE_REPLY_FIELDS(F)                                                                       \
    F(u64, tag) F(u8, status) F(replica, leader) F(ballot, ballot) F(u64, session)
/* --- seeing inside -------------------------------------------------------------------------------- */
#define WIRE_STATUS_ASK_FIELDS(F) F(u64, tag)
/* Payload: figures (wire/figures.h). */
#define WIRE_STATUS_FIELDS(F) F(u64, tag)

/* --- orders: a tool of an operator -> API -> the actor concerned, and back --------------------------- */
/* action: enum wire_admin_action. replica: of MOVE_LEADER the successor. To the API of any replica, as
 * a REQUEST is sent (role CLIENT, the group's number in the head); refused unless that process was
 * started with --allow_admin. Answered once, within some seconds. */
#define WIRE_ADMIN_FIELDS(F) F(u64, tag) F(u8, action) F(replica, replica)
/* outcome: enum wire_admin_outcome. leader: who leads as far as this replica knows, WIRE_NO_REPLICA if
 * nobody; ballot: its ballot. */
#define WIRE_ADMIN_DONE_FIELDS(F) F(u64, tag) F(u8, outcome) F(replica, leader) F(ballot, ballot)

/* --- births: an acceptor that was formatted, and its peers ------------------------------------------ */
/* "My disk is the one the head names; write it down, and say what you remember." admitted: it votes,
 * so a majority of the others has written it down. */
#define WIRE_BIRTH_FIELDS(F) F(flag, admitted)
/* About the disk with that nonce. recorded: it is the newest disk of that replica that is known here,
 * and that is durable; generation: of the newest one. votes: this acceptor does, so it remembers all it
 * ever said: promised, the highest ballot, and highest, the highest slot with a vote. births: what it
 * knows of every replica's disk, its own included. */
#define WIRE_BIRTH_KNOWN_FIELDS(F)                                                                 \
    F(u64, nonce) F(flag, recorded) F(u64, generation) F(flag, votes) F(ballot, promised)          \
    F(slot, highest) F(births, births)

/* --- snapshots (smr/snapshot.h): learner -> own checkpointer <-> own acceptor <-> streamer of a peer -- */
/* Slot `from` is wanted and peers have cut it: fetch a snapshot that holds it. Said again and again while
 * that is so. from 0: no longer. leader: to be spared where another peer will do. heard: what the group has
 * chosen; held: as the peer that sends one says it in LEARNED. */
#define WIRE_FETCH_FIELDS(F) F(slot, from) F(replica, leader) F(slot, heard) F(u64, held)
/* A piece of a snapshot that holds slot `from`, of that of slot `snapshot` (0: whichever there is): the
 * pairs behind the key in the payload, or the image from byte `place` on. place: else the key's hash, as
 * the piece will say it. peer: who is asked. */
#define WIRE_SNAPSHOT_ASK_FIELDS(F)                                                                \
    F(replica, peer) F(slot, from) F(slot, snapshot) F(flag, image) F(u64, place)
/* The piece. Payload: pairs, or bytes of the image. last: the last one of its kind. pairs: in the whole
 * snapshot. checksum: over all of it. */
#define WIRE_SNAPSHOT_FIELDS(F)                                                                    \
    F(replica, peer) F(slot, snapshot) F(flag, image) F(u64, place) F(flag, last) F(u64, pairs)    \
    F(u64, checksum)
/* There is none for you: the newest here is of slot `newest`; busy: another peer is served. snapshot: as
 * it was asked for. */
#define WIRE_SNAPSHOT_DENIED_FIELDS(F) F(replica, peer) F(slot, snapshot) F(slot, newest) F(flag, busy)
/* To the own acceptor: a snapshot of that slot is on its way to a peer, which will need what is behind. */
#define WIRE_STREAMING_FIELDS(F) F(slot, slot)
/* To the own applier: a peer lost its state and needs one of that slot or later, and the last checkpoint
 * here is older. */
#define WIRE_SAVE_FIELDS(F) F(slot, slot)
/* --- installing: checkpointer <-> applier ---------------------------------------------------------- */
/* A whole snapshot of that slot lies ready. */
#define WIRE_STAGED_FIELDS(F) F(slot, slot)
/* Make it the base: the applier touches nothing until it is told the outcome. yes false: drop it. */
#define WIRE_INSTALL_FIELDS(F) F(slot, slot) F(flag, yes)
/* outcome: enum wire_error. OK: the base is the state after that slot. Else nothing has changed. */
#define WIRE_INSTALLED_FIELDS(F) F(slot, slot) F(u8, outcome)
/* --- applier -> API --------------------------------------------------------------------------------- */
/* So much is not in a checkpoint that writes must wait; `on` false: no longer. Holds for WIRE_PRESSURE_MS,
 * and is said again before. */
#define WIRE_PRESSURE_FIELDS(F) F(flag, on)
/* A snapshot stands in for the slots up to this one: calls that were ordered in them get no RESULT. */
#define WIRE_SKIPPED_FIELDS(F) F(slot, slot)
/* --- chain replication: smr/chain/ -------------------------------------------------------------------- */
/* The ballot of all of these is the epoch: its number as the round, the chain's head as the replica.
 * What a replica's forwarder says to that of another one goes through the other one's acceptor, which
 * drops what is of another epoch and hands it on; `from` is who said it. */
/* Own acceptor to own forwarder: the slot that another replica passed is durable. Payload: the batch. */
#define WIRE_STORED_FIELDS(F) F(ballot, ballot) F(slot, slot)
/* To the successor in a new epoch: "I hold all slots up to `last`, and up to `chosen` they are
 * acknowledged." Whoever holds as much is whole. taken: what the successor's acceptor said it has. */
#define WIRE_LINK_FIELDS(F)                                                                        \
    F(ballot, ballot) F(replica, from) F(slot, last) F(slot, chosen) F(slot, taken)
/* Back to the predecessor: "pass on what comes after `last`." */
#define WIRE_LINKED_FIELDS(F) F(ballot, ballot) F(replica, from) F(slot, last)
/* What has the tail acknowledged? round numbers the questions of a replica. */
#define WIRE_TAIL_ASK_FIELDS(F) F(ballot, ballot) F(replica, from) F(u64, round)
#define WIRE_TAIL_TELL_FIELDS(F) F(ballot, ballot) F(replica, from) F(u64, round) F(slot, chosen)
/* Forwarder to the acceptors of other members, and the answer: they are in one epoch, and the link works
 * both ways. What forwarders say to each other does not tell that, since an answer takes another link. */
#define WIRE_GREET_FIELDS(F) F(ballot, ballot)
#define WIRE_GREETED_FIELDS(F) F(ballot, ballot)
/* Forwarder to courier and back: a PULSE and its answer (wire/chain.h). */
#define WIRE_PULSE_FIELDS(F) F(u64, number)
#define WIRE_VIEW_FIELDS(F) F(u64, number)

/*  (NAME, name, has payload) */
#define WIRE_MESSAGES(M)                                                                           \
    M(ASK, ask, false)                                                                             \
    M(ASKED, asked, false)                                                                         \
    M(PREPARE, prepare, false)                                                                     \
    M(PROMISE, promise, true)                                                                      \
    M(ACCEPT, accept, true)                                                                        \
    M(ACCEPTED, accepted, false)                                                                   \
    M(NACK, nack, false)                                                                           \
    M(HEARTBEAT, heartbeat, false)                                                                 \
    M(HEARTBEAT_ACK, heartbeat_ack, false)                                                         \
    M(FILL, fill, false)                                                                           \
    M(CHOOSE, choose, false)                                                                       \
    M(RELEASE, release, false)                                                                     \
    M(RELEASED, released, false)                                                                   \
    M(SUCCEED, succeed, false)                                                                     \
    M(ATTACH, attach, false)                                                                       \
    M(HEARD, heard, false)                                                                         \
    M(CATCH_UP, catch_up, false)                                                                   \
    M(LEARN, learn, false)                                                                         \
    M(LEARNED, learned, true)                                                                      \
    M(CHOSEN, chosen, true)                                                                        \
    M(APPLIED, applied, false)                                                                     \
    M(CHECKPOINT, checkpoint, true)                                                                \
    M(CHECKPOINTED, checkpointed, false)                                                           \
    M(READ_AT, read_at, true)                                                                      \
    M(RESULT, result, true)                                                                        \
    M(SUBMIT, submit, true)                                                                        \
    M(READ, read, true)                                                                            \
    M(REFUSED, refused, false)                                                                     \
    M(LEADERSHIP, leadership, false)                                                               \
    M(REQUEST, request, true)                                                                      \
    M(REPLY, reply, true)                                                                          \
    M(STATUS_ASK, status_ask, false)                                                               \
    M(STATUS, status, true)                                                                        \
    M(ADMIN, admin, false)                                                                         \
    M(ADMIN_DONE, admin_done, false)                                                               \
    M(BIRTH, birth, false)                                                                         \
    M(BIRTH_KNOWN, birth_known, false)                                                             \
    M(FETCH, fetch, false)                                                                         \
    M(SNAPSHOT_ASK, snapshot_ask, true)                                                            \
    M(SNAPSHOT, snapshot, true)                                                                    \
    M(SNAPSHOT_DENIED, snapshot_denied, false)                                                     \
    M(STREAMING, streaming, false)                                                                 \
    M(STAGED, staged, false)                                                                       \
    M(INSTALL, install, false)                                                                     \
    M(INSTALLED, installed, false)                                                                 \
    M(PRESSURE, pressure, false)                                                                   \
    M(SKIPPED, skipped, false)                                                                 \
    M(STORED, stored, true)                                                                        \
    M(LINK, link, false)                                                                           \
    M(LINKED, linked, false)                                                                       \
    M(TAIL_ASK, tail_ask, false)                                                                   \
    M(TAIL_TELL, tail_tell, false)                                                                 \
    M(PULSE, pulse, true)                                                                          \
    M(VIEW, view, true)                                                                            \
    M(GREET, greet, false)                                                                         \
    M(GREETED, greeted, false)                                                                     \
    M(SAVE, save, false)

enum wire_type {
    WIRE_MESSAGE_NONE, /* never sent */
#define M(NAME, name, payload) WIRE_MESSAGE_##NAME,
    WIRE_MESSAGES(M)
#undef M
    WIRE_MESSAGE_END
};

/* One struct per message: struct wire_ask_body and so on. `nothing` keeps an empty one legal C. */
#define F(kind, field) WIRE_TYPE_##kind field;
#define M(NAME, name, payload)                                                                     \
    struct wire_##name##_body {                                                                           \
        WIRE_##NAME##_FIELDS(F) char nothing;                                                      \
    };
WIRE_MESSAGES(M)
#undef M
#undef F

/* The routing id of a client's connection. Not part of the encoding: the transport knows it. */
struct wire_client {
    uint8_t size;                            /* bytes used; 0: no client */
    uint8_t bytes[WIRE_CLIENT_ID_BYTES_MAX]; /* as the transport gave them */
};

struct wire_message {
    enum wire_type type;       /* which member of the union is meant */
    struct wire_sender sender; /* who speaks */
    struct wire_client client; /* on a client port: which connection it came from or goes to */
    union {
#define M(NAME, name, payload) struct wire_##name##_body name;
        WIRE_MESSAGES(M)
#undef M
    };
    struct buf *payload; /* the second frame, or NULL; owned by whoever owns the message */
};

/* Why an acceptor would or would not promise (ASKED). */
enum wire_verdict {
    WIRE_VERDICT_YES,
    WIRE_VERDICT_LEADER_LIVES, /* it heard a leader lately */
    WIRE_VERDICT_BEHIND,       /* the candidate should catch up first: see chosen */
    WIRE_VERDICT_PROMISED,     /* a ballot at least as high was promised */
};

/* Whether a replica's disk votes (HEARD.standing). */
enum wire_standing {
    WIRE_STANDING_VOTES,    /* it does */
    WIRE_STANDING_FIRST,    /* a new disk: peers are asked whether they know an older one */
    WIRE_STANDING_ASKING,   /* reborn: peers are asked what they remember */
    WIRE_STANDING_CATCHING_UP, /* reborn: it fetches what was chosen, up to `wanted` */
    WIRE_STANDINGS
};

/* What a client asks of an API (REQUEST.kind). */
enum wire_call_kind {
    WIRE_CALL_WRITE, /* a command under (session, number): applied at most once */
    WIRE_CALL_READ,  /* a query; no session */
    WIRE_CALL_OPEN,  /* open a session */
    WIRE_CALL_CLOSE, /* close the session */
    WIRE_CALL_PLAIN, /* a command that may be applied twice without harm; no session */
    WIRE_CALL_KINDS
};

/* What became of a call (REPLY, RESULT and REFUSED). */
#define WIRE_STATUSES(X)                                                                           \
    X(OK, "done")                                                                                  \
    X(NOT_LEADER, "not the leader; not proposed")                                                  \
    X(BUSY, "overloaded; not proposed")                                                            \
    X(FULL, "no room on the disk; not proposed")                                                   \
    X(IN_DOUBT, "leadership was lost after it was proposed; ask again under the same number")      \
    X(GONE, "the session is not known; not applied now")                                           \
    X(STALE, "the number was answered before")                                                     \
    X(MALFORMED, "not a call of this service; not proposed")                                       \
    X(WRONG_GROUP, "not the group of that key; not applied")

enum wire_status {
#define X(name, text) WIRE_STATUS_##name,
    WIRE_STATUSES(X)
#undef X
    WIRE_STATUS_COUNT
};

/* Why a leadership ended (LEADERSHIP). */
#define WIRE_LOSSES(X)                                                                             \
    X(NONE, "none ended yet")                                                                      \
    X(BALLOT, "a higher ballot or epoch was promised")                                                      \
    X(MAJORITY, "a majority is silent")                                                            \
    X(DAMAGE, "its log or its state is damaged")                                                    \
    X(DISK, "a newer disk of this replica is known")                                               \
    X(ORDER, "ordered to hand over")                                                               \
    X(ENDING, "this process is ending")                                                            \
    X(STALLED, "its disk stalls: a commit takes too long")                                         \
    X(FULL, "its disk is full, and those of others are not")

enum wire_loss {
#define X(name, text) WIRE_LOSS_##name,
    WIRE_LOSSES(X)
#undef X
    WIRE_LOSS_COUNT
};

/* What an operator may order (ADMIN). */
enum wire_admin_action {
    WIRE_ADMIN_STEP_DOWN,   /* of a leader: hand leadership to the follower that is fittest */
    WIRE_ADMIN_MOVE_LEADER, /* of a leader: hand leadership to that replica */
    WIRE_ADMIN_CHECKPOINT,  /* of any replica: begin a checkpoint; STATUS tells when it is durable */
    WIRE_ADMIN_ACTIONS
};

/* What became of the order (ADMIN_DONE). */
#define WIRE_ADMIN_OUTCOMES(X)                                                                     \
    X(DONE, "done")                                                                                \
    X(NOT_ALLOWED, "this process was started without --allow_admin")                               \
    X(NOT_LEADER, "this replica does not lead")                                                    \
    X(UNFIT, "no such follower is up and caught up, so nothing was changed")                       \
    X(BUSY, "an order like that is being carried out")                                             \
    X(FAILED, "tried, and it came to nothing")                                                     \
    X(MALFORMED, "there is no such order")

enum wire_admin_outcome {
#define X(name, text) WIRE_ADMIN_##name,
    WIRE_ADMIN_OUTCOMES(X)
#undef X
    WIRE_ADMIN_OUTCOME_COUNT
};

const char *wire_role_text(enum wire_role role);
const char *wire_loss_text(enum wire_loss loss);
const char *wire_admin_outcome_text(enum wire_admin_outcome outcome);
const char *wire_status_text(enum wire_status status);
const char *wire_type_text(enum wire_type type);
/* Whether messages of this type carry a second frame. */
bool wire_type_has_payload(enum wire_type type);

/* Appends the head of the message to out; the payload is not touched. */
void wire_message_encode(const struct wire_message *message, struct wire_writer *out);

/* Reads a head. On WIRE_OK *message is filled but for its payload, which is NULL; on WIRE_MALFORMED
 * it is untouched. Never allocates, never reads past the span. */
enum wire_error wire_message_decode(struct span head, struct wire_message *message);

/* One line for people, at most `size` bytes with its NUL. Returns text. */
char *wire_message_print(const struct wire_message *message, char *text, size_t size);

/* Gives up the payload. */
static inline void wire_message_clear(struct wire_message *message)
{
    buf_unref(&message->payload);
}

#endif
