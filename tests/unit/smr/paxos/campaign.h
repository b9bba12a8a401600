/* Brings the proposer of replica 0 on its stand to where a test begins, and feeds it what acceptors
 * say. */
#ifndef MADKV_TESTS_SMR_CAMPAIGN_H
#define MADKV_TESTS_SMR_CAMPAIGN_H

#include "tests/unit/smr/stand.h"

/* Its own acceptor has spoken: `chosen` is its bar, no leader was heard, `round` was promised. */
void campaign_attach(struct stand *stand, uint64_t round, wire_slot chosen);
/* ... and it has asked all acceptors. Returns the ballot they were asked about. */
struct wire_ballot campaign_ask(struct stand *stand, uint64_t round, wire_slot chosen);
/* ... and it has told its own acceptor the ballot it claims. */
struct wire_ballot campaign_claim(struct stand *stand, uint64_t round, wire_slot chosen);
/* ... and its own acceptor has promised, with nothing to report; the others were sent Prepares. */
struct wire_ballot campaign_prepare(struct stand *stand, uint64_t round, wire_slot chosen);
/* ... and a majority has; it leads, and its opening batch is on its way. */
struct wire_ballot campaign_win(struct stand *stand, uint64_t round, wire_slot chosen);
/* ... and the opening batch, in slot chosen + 1, is chosen and settled. */
struct wire_ballot campaign_open(struct stand *stand, uint64_t round, wire_slot chosen);

/* What acceptors say. A promise takes over the entries; NULL: none. */
void campaign_asked(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                    enum wire_verdict verdict);
void campaign_promise(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                      wire_slot first, wire_slot through, bool last, struct buf *entries);
void campaign_accepted(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                       wire_slot slot);
void campaign_ack(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                  uint64_t round);
void campaign_nack(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                   struct wire_ballot promised);
/* The own acceptor: it heard that leader just now, and promised that much. */
void campaign_heard(struct stand *stand, struct wire_ballot leader, uint64_t promised_round);

/* The next effects are Accepts of that slot to all acceptors, with that text (NULL: a no-op). */
void assert_accepts(struct stand *stand, wire_slot slot, const char *text);
/* What the API hands on: one command, one read. */
void campaign_submit(struct stand *stand, uint64_t tag, const char *text);
void campaign_read(struct stand *stand, uint64_t tag);

#endif
