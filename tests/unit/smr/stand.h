/* A test stand for one role: the test feeds it messages and lets time pass, and looks at what it wants
 * done, effect by effect, in order.
 *
 * Puts and cuts go to the stand's log as they come and are durable after stand_commit, as in a running replica;
 * sends go nowhere: what comes back is what the test feeds. The role is replica 0 unless the test says
 * otherwise before it starts. */
#ifndef MADKV_TESTS_SMR_STAND_H
#define MADKV_TESTS_SMR_STAND_H

#include <check.h>

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"

struct stand {
    struct smr_config config; /* what the role was told at birth */
    struct smr_role role;     /* what is tested */
    struct smr_log log;       /* of an acceptor; ops NULL: the role has none */
    struct smr_out out;       /* effects since the test last looked at all of them */
    size_t seen;              /* of them looked at */
    wire_time now;            /* made-up time */
};

/* A ballot, and a message from that role of that replica: FROM(PROPOSER, 1, PREPARE, .prepare =
 * {...}, .payload = ...). */
#define BALLOT(round_, replica_)                                                                   \
    ((struct wire_ballot){.round = (round_), .replica = (wire_replica)(replica_)})
#define FROM(role_, replica_, TYPE, ...)                                                           \
    ((struct wire_message){.type = WIRE_MESSAGE_##TYPE,                                            \
                           .sender = stand_sender(WIRE_ROLE_##role_, (wire_replica)(replica_)),    \
                           __VA_ARGS__})

/* Replica 0 of that many, with default timing. */
struct smr_config stand_config(uint8_t replica_count);
/* How that role of that replica signs: first disk, first life. */
struct wire_sender stand_sender(enum wire_role role, wire_replica replica);

/* Takes over role and log, and wakes the role as a shell does at its start. */
struct stand *stand_new(const struct smr_config *config, struct smr_role role, struct smr_log log);
/* An acceptor over an empty log of a disk that may vote, bound by no lease; a proposer that has said
 * ATTACH. */
struct stand *stand_acceptor(uint8_t replica_count);
struct stand *stand_proposer(uint8_t replica_count);
void stand_free(struct stand *stand);
/* Another life of an acceptor over the same log; crash: what was not committed is gone. */
void stand_restart_acceptor(struct stand *stand, bool crash);

/* --- events ------------------------------------------------------------------------------------- */

/* Takes over the payload. */
void stand_feed(struct stand *stand, struct wire_message message);
void stand_settle(struct stand *stand);
/* What was put is durable, and the role is told. */
void stand_commit(struct stand *stand);
/* Lets time pass and wakes the role at its deadlines. */
void stand_pass(struct stand *stand, wire_time time);
/* Lets so much time pass that an acceptor just started helps anybody: longer than any lease it may have
 * forgotten. Wakes nobody. */
void stand_outwait_leases(struct stand *stand);
/* Lets time pass until the role sends a message of that type; fails the test if it does not. */
void stand_until(struct stand *stand, enum wire_type type);

/* --- effects ------------------------------------------------------------------------------------ */

/* The next effect, which must be a message of that type to that actor, to leave at once ... */
const struct wire_message *stand_sent(struct stand *stand, enum wire_type type, enum wire_role to,
                                      wire_replica to_replica);
/* ... or once all puts are durable. Pointers are good until the next event. */
const struct wire_message *stand_sent_durable(struct stand *stand, enum wire_type type,
                                              enum wire_role to, wire_replica to_replica);
/* The next effect, which must be a put or a cut. */
const struct smr_log_entry *stand_put_slot(struct stand *stand);
const struct wire_hard_state *stand_put_state(struct stand *stand);
wire_slot stand_cut(struct stand *stand);
/* Nothing is left to look at. */
void stand_nothing(const struct stand *stand);
/* Does not look at the rest. */
void stand_forget(struct stand *stand);
/* Messages of that type among the effects not looked at. */
size_t stand_count(const struct stand *stand, enum wire_type type);
/* Passes over effects up to the next message of that type, which must be there. */
const struct wire_message *stand_find(struct stand *stand, enum wire_type type);
/* The number of a figure the role shows; 0 if it shows none of that name. */
uint64_t stand_figure(const struct stand *stand, const char *name);

/* --- what messages carry -------------------------------------------------------------------------- */

/* A batch with one PLAIN command of that text, or without commands for NULL. */
struct buf *batch_of(const char *text);
/* A batch with one PLAIN command of that many bytes. */
struct buf *batch_of_size(size_t size);
void assert_batch(const struct buf *batch, const char *text);

/* A list of entries: ENTRIES({1, {3, 0}, false, "x"}, ...). */
struct entry_text {
    wire_slot slot;            /* where */
    struct wire_ballot ballot; /* under which */
    bool chosen;               /* known to be */
    const char *text;          /* as batch_of takes it */
};
struct buf *entries_of(const struct entry_text *entries, size_t count);
#define ENTRIES(...)                                                                               \
    entries_of((const struct entry_text[]){__VA_ARGS__},                                           \
               sizeof((const struct entry_text[]){__VA_ARGS__}) / sizeof(struct entry_text))
struct buf *no_bytes(void);
struct buf *text_buf(const char *text);

void assert_ballot(struct wire_ballot ballot, uint64_t round, wire_replica replica);

#endif
