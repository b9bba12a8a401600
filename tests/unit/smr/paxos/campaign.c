#include "tests/unit/smr/paxos/campaign.h"

#include "smr/paxos/proposer.h"
#include "wire/batch.h"

void campaign_attach(struct stand *stand, uint64_t round, wire_slot chosen)
{
    stand_feed(stand, FROM(ACCEPTOR, 0, HEARD,
                           .heard = {.promised = BALLOT(round, 0),
                                     .chosen = chosen,
                                     .heard_ago = (uint64_t)stand->now,
                                     .fit = true}));
    stand_forget(stand);
}

struct wire_ballot campaign_ask(struct stand *stand, uint64_t round, wire_slot chosen)
{
    campaign_attach(stand, round, chosen);
    stand_until(stand, WIRE_MESSAGE_ASK);
    struct wire_ballot ballot = stand_find(stand, WIRE_MESSAGE_ASK)->ask.ballot;
    stand_forget(stand);
    return ballot;
}

struct wire_ballot campaign_claim(struct stand *stand, uint64_t round, wire_slot chosen)
{
    struct wire_ballot asked = campaign_ask(stand, round, chosen);
    for (wire_replica i = 0; i <= stand->config.replica_count / 2; i++)
        campaign_asked(stand, i, asked, WIRE_VERDICT_YES);
    struct wire_ballot ballot =
        stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, 0)->prepare.ballot;
    stand_nothing(stand);
    return ballot;
}

struct wire_ballot campaign_prepare(struct stand *stand, uint64_t round, wire_slot chosen)
{
    struct wire_ballot ballot = campaign_claim(stand, round, chosen);
    campaign_promise(stand, 0, ballot, chosen + 1, chosen, true, NULL);
    for (wire_replica i = 1; i < stand->config.replica_count; i++) {
        const struct wire_message *m =
            stand_sent(stand, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, i);
        ck_assert_uint_eq(m->prepare.from, chosen + 1);
    }
    return ballot;
}

struct wire_ballot campaign_win(struct stand *stand, uint64_t round, wire_slot chosen)
{
    struct wire_ballot ballot = campaign_prepare(stand, round, chosen);
    for (wire_replica i = 1; i <= stand->config.replica_count / 2; i++)
        campaign_promise(stand, i, ballot, chosen + 1, chosen, true, NULL);
    ck_assert(smr_proposer_leads(stand->role));
    stand_forget(stand);
    return ballot;
}

struct wire_ballot campaign_open(struct stand *stand, uint64_t round, wire_slot chosen)
{
    struct wire_ballot ballot = campaign_win(stand, round, chosen);
    for (wire_replica i = 0; i <= stand->config.replica_count / 2; i++)
        campaign_accepted(stand, i, ballot, chosen + 1);
    stand_settle(stand);
    ck_assert_uint_eq(
        stand_sent(stand, WIRE_MESSAGE_CHOOSE, WIRE_ROLE_ACCEPTOR, 0)->choose.chosen, chosen + 1);
    stand_nothing(stand);
    return ballot;
}

/* --- acceptors ---------------------------------------------------------------------------------- */

void campaign_asked(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                    enum wire_verdict verdict)
{
    stand_feed(stand, FROM(ACCEPTOR, from, ASKED,
                           .asked = {.ballot = ballot, .verdict = (uint8_t)verdict}));
}

void campaign_promise(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                      wire_slot first, wire_slot through, bool last, struct buf *entries)
{
    stand_feed(stand, FROM(ACCEPTOR, from, PROMISE,
                           .promise = {.ballot = ballot,
                                       .from = first,
                                       .through = through,
                                       .last = last},
                           .payload = entries == NULL ? no_bytes() : entries));
}

void campaign_accepted(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                       wire_slot slot)
{
    stand_feed(stand, FROM(ACCEPTOR, from, ACCEPTED,
                           .accepted = {.ballot = ballot, .slot = slot}));
}

void campaign_ack(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                  uint64_t round)
{
    stand_feed(stand, FROM(ACCEPTOR, from, HEARTBEAT_ACK,
                           .heartbeat_ack = {.ballot = ballot, .round = round}));
}

void campaign_nack(struct stand *stand, wire_replica from, struct wire_ballot ballot,
                   struct wire_ballot promised)
{
    stand_feed(stand, FROM(ACCEPTOR, from, NACK,
                           .nack = {.ballot = ballot, .promised = promised}));
}

void campaign_heard(struct stand *stand, struct wire_ballot leader, uint64_t promised_round)
{
    stand_feed(stand, FROM(ACCEPTOR, 0, HEARD,
                           .heard = {.leader = leader,
                                     .promised = BALLOT(promised_round, leader.replica),
                                     .fit = true}));
}

/* --- effects ------------------------------------------------------------------------------------ */

void assert_accepts(struct stand *stand, wire_slot slot, const char *text)
{
    for (wire_replica i = 0; i < stand->config.replica_count; i++) {
        const struct wire_message *m =
            stand_sent(stand, WIRE_MESSAGE_ACCEPT, WIRE_ROLE_ACCEPTOR, i);
        ck_assert_uint_eq(m->accept.slot, slot);
        ck_assert(ballot_equal(m->accept.ballot, smr_proposer_ballot(stand->role)));
        assert_batch(m->payload, text);
    }
}

void campaign_submit(struct stand *stand, uint64_t tag, const char *text)
{
    struct wire_command command = {
        .kind = WIRE_CALL_PLAIN, .tag = tag, .body = span_text(text)};
    struct wire_writer out = {0};
    wire_command_encode(&command, &out);
    stand_feed(stand, FROM(API, 0, SUBMIT, .submit = {.tag = tag},
                           .payload = wire_writer_take(&out)));
    wire_writer_free(&out);
}

void campaign_read(struct stand *stand, uint64_t tag)
{
    stand_feed(stand, FROM(API, 0, READ, .read = {.tag = tag}, .payload = text_buf("q")));
}
