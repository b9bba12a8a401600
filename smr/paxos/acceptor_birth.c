/* Births: which disk this replica speaks from, and whether it may vote.
 *
 * A disk that is empty, or whose hard state is damaged, has forgotten what it promised and accepted; if
 * it voted as if it never had, two majorities might have nobody in common (Michael, Ports, Sharma and
 * Szekeres, "Recovering Shared Objects Without Stable Storage", DISC 2017). So each disk has a birth,
 * and a new one votes in one of two ways:
 *
 *   first    No other disk of this replica ever voted. Servers know from the managers, before they
 *            start. A manager asks the others: f + 1 of the 2f must have written its birth down and know
 *            no other. If anybody remembers any ballot, f of them must be voters: for whoever let an
 *            earlier disk vote were f + 1 of the others, so one of any f would know it.
 *   reborn   f + 1 voters of the others must have written its birth down, and then told which ballot
 *            they promised and up to which slot they voted. It promises the highest ballot, and votes
 *            once it holds what was chosen in every slot up to the highest one, and once every lease
 *            that the old disk may have granted has run out.
 *
 * Why that is enough. Let the old disk's vote in ballot B count in a majority. None of the f others in it
 * knew of the new disk when it voted there: votes carry the births their acceptor knows, and a proposer
 * drops a vote of an older disk than any vote beside it names. So the f + 1 answers hold one of them,
 * given after its vote: the ballot promised here is at least B, and if the vote was for a slot, the
 * highest slot is at least that one, so its chosen value is held before anything else can be voted for.
 *
 * The answers must fit together in the same way: one from a disk older than any other answer names does
 * not count, and the births they name are taken over, or two replicas reborn at the same time might
 * each count what the other has forgotten. Whoever does not vote is no witness, so if more than f are
 * reborn at once, all of them wait.
 *
 * No two disks of one generation ever vote: f + 1 others wrote down each that does, and nobody writes
 * down two of a generation. A manager takes the generation after the highest it hears of, once f + 1 voters
 * have answered it; the birth is then in its hard state. Servers have theirs logged by the managers. Only a disk that votes
 * may push out another one of its generation (that one was wiped half reborn): it shows itself to each
 * peer at each start, and whenever it is told that it is not known.
 *
 * Answers are collected in memory: a process that dies before it may vote begins anew. */
#include "smr/paxos/acceptor_state.h"

static unsigned others_needed(const struct acceptor *self)
{
    return smr_quorum(self->replica_count);
}

enum wire_standing birth_standing(const struct acceptor *self)
{
    if (self->votes)
        return WIRE_STANDING_VOTES;
    if (self->self.birth.generation <= 1 && self->other == 0)
        return WIRE_STANDING_FIRST;
    return self->adopted ? WIRE_STANDING_CATCHING_UP : WIRE_STANDING_ASKING;
}

struct wire_generations birth_generations(const struct acceptor *self)
{
    struct wire_generations known;
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
        known.of[i] = self->hard.births[i].generation;
    return known;
}

/* --- the own disk --------------------------------------------------------------------------------- */

static void speak_from(struct acceptor *self, struct wire_birth birth)
{
    self->self.birth = self->learner.birth = birth;
    self->peers.known[self->self.replica].birth = birth;
}

static void forget_answers(struct acceptor *self)
{
    memset(self->answers, 0, sizeof self->answers);
    self->adopted = false;
    self->wanted = 0;
    self->other = 0;
}

void birth_load(struct acceptor *self)
{
    wire_replica own = self->self.replica;
    if (self->chain)
        self->hard.admitted = true; /* the managers say which disks are members: smr/chain/keeper.h */
    self->votes = self->hard.admitted;
    self->birth_deadline = 0;
    if (self->hard.births[own].generation > self->self.birth.generation)
        speak_from(self, self->hard.births[own]);
    if (!self->votes && self->self.birth.generation > 1)
        self->counters.rebirths_begun++;
    for (int i = 0; i < self->replica_count; i++) {
        if (i != own && self->hard.births[i].generation > 0)
            self->peers.known[i].birth = self->hard.births[i];
    }
}

/* A manager learned that another disk was here before. */
static void take_next_birth(struct acceptor *self, wire_time now, struct smr_out *out)
{
    struct wire_random random = {.state = self->self.birth.nonce ^ self->seed};
    struct wire_birth birth = {.generation = self->other + 1, .nonce = wire_random_next(&random) | 1};
    self->hard.births[self->self.replica] = birth;
    acceptor_put_state(self, out);
    speak_from(self, birth);
    forget_answers(self);
    self->counters.rebirths_begun++;
    self->birth_deadline = now;
    acceptor_tell_proposer(self, now, out);
}

/* --- births of peers ------------------------------------------------------------------------------ */

/* That replica speaks from that disk, and no longer from any other. */
static void record(struct acceptor *self, wire_replica replica, struct wire_birth birth,
                   struct smr_out *out)
{
    self->hard.births[replica] = birth;
    self->peers.known[replica] = (struct smr_peer){.birth = birth};
    self->counters.births_recorded++;
    acceptor_put_state(self, out);
}

static struct wire_message *answer_birth(struct acceptor *self, const struct wire_message *m,
                                         struct smr_out *out)
{
    const struct wire_birth *known = &self->hard.births[m->sender.replica];
    struct wire_message *n = smr_out_send(out, SMR_SEND_DURABLE, &self->self,
                                          WIRE_MESSAGE_BIRTH_KNOWN, WIRE_ROLE_LEARNER,
                                          m->sender.replica);
    n->birth_known.nonce = m->sender.birth.nonce;
    n->birth_known.recorded = birth_equal(*known, m->sender.birth);
    n->birth_known.generation = known->generation;
    n->birth_known.votes = self->votes;
    n->birth_known.promised = self->hard.promised;
    n->birth_known.highest = self->highest;
    memcpy(n->birth_known.births.of, self->hard.births, sizeof self->hard.births);
    return n;
}

void birth_receive(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    struct wire_birth birth = m->sender.birth;
    const struct wire_birth *known = &self->hard.births[m->sender.replica];
    if (m->sender.replica == self->self.replica)
        return;
    bool pushes_out = m->birth.admitted && birth.generation == known->generation;
    if (birth.generation > known->generation || (pushes_out && !birth_equal(birth, *known)))
        record(self, m->sender.replica, birth, out);
    answer_birth(self, m, out);
}

void birth_refuse(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    wire_replica from = m->sender.replica;
    bool asks = m->type == WIRE_MESSAGE_ASK || m->type == WIRE_MESSAGE_HEARTBEAT ||
                m->type == WIRE_MESSAGE_LEARN;
    if (asks && from != self->self.replica && self->hard.births[from].generation > 0 &&
        !birth_equal(m->sender.birth, self->hard.births[from]))
        answer_birth(self, m, out);
}

/* --- may it vote? --------------------------------------------------------------------------------- */

/* An answer of a disk that nobody named a newer one of. */
static bool counts(const struct acceptor *self, wire_replica peer)
{
    const struct birth_answer *answer = &self->answers[peer];
    return answer->recorded && answer->generation >= self->hard.births[peer].generation;
}

static unsigned count_answers(const struct acceptor *self, bool of_voters)
{
    unsigned count = 0;
    for (wire_replica i = 0; i < self->replica_count; i++)
        count += counts(self, i) && (self->answers[i].votes || !of_voters);
    return count;
}

/* A new birth puts the disk before out of date for good, so it is taken only where it will come to vote. If
 * too many were started on wrong directories, the right ones must still be good. */
static bool may_be_reborn(const struct acceptor *self)
{
    unsigned voters = 0;
    for (wire_replica i = 0; i < self->replica_count; i++)
        voters += self->answers[i].given && self->answers[i].votes;
    return voters >= others_needed(self);
}

static bool anybody_promised(const struct acceptor *self)
{
    for (wire_replica i = 0; i < self->replica_count; i++) {
        if (self->answers[i].given && !ballot_is_none(self->answers[i].promised))
            return true;
    }
    return false;
}

static bool is_first(const struct acceptor *self)
{
    return count_answers(self, false) >= others_needed(self) &&
           (!anybody_promised(self) || count_answers(self, true) >= others_needed(self) - 1);
}

/* Enough have answered: from here on nothing below what they promised is promised here. */
static void adopt(struct acceptor *self, wire_time now, struct smr_out *out)
{
    struct wire_ballot highest = self->hard.promised;
    self->wanted = self->hard.chosen;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        const struct birth_answer *answer = &self->answers[i];
        if (!counts(self, i) || !answer->votes)
            continue;
        if (ballot_less(highest, answer->promised))
            highest = answer->promised;
        if (answer->highest > self->wanted)
            self->wanted = answer->highest;
    }
    if (ballot_less(self->hard.promised, highest))
        acceptor_promise(self, highest, out);
    self->adopted = true;
    acceptor_tell_proposer(self, now, out);
    learner_ask_if_wanting(self, now, out);
}

static void admit(struct acceptor *self, struct smr_out *out)
{
    self->counters.rebirths += self->self.birth.generation > 1;
    self->hard.admitted = true;
    acceptor_put_state(self, out);
}

void birth_settle(struct acceptor *self, wire_time now, struct smr_out *out)
{
    if (self->hard.admitted || !self->loaded)
        return;
    if (self->other != 0) {
        if (may_be_reborn(self))
            take_next_birth(self, now, out);
        return;
    }
    if (self->self.birth.generation <= 1) {
        if (is_first(self))
            admit(self, out);
        return;
    }
    if (!self->adopted && count_answers(self, true) >= others_needed(self))
        adopt(self, now, out);
    if (self->adopted && self->hard.chosen >= self->wanted && now >= self->helps_after)
        admit(self, out);
}

void birth_durable(struct acceptor *self, wire_time now, struct smr_out *out)
{
    if (self->votes || !self->hard.admitted)
        return;
    self->votes = true;
    forget_answers(self);
    self->birth_deadline = now; /* to show itself to all */
    acceptor_tell_proposer(self, now, out);
}

/* --- asking the others ---------------------------------------------------------------------------- */

static void show(struct acceptor *self, wire_replica peer, struct smr_out *out)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND_DURABLE, &self->learner, WIRE_MESSAGE_BIRTH,
                                          WIRE_ROLE_ACCEPTOR, peer);
    m->birth.admitted = self->votes;
}

static bool must_ask(const struct acceptor *self, wire_replica peer)
{
    bool answered = self->votes ? self->answers[peer].recorded
                                : counts(self, peer) && self->answers[peer].votes;
    return peer != self->self.replica && !self->adopted && !answered;
}

void birth_wake(struct acceptor *self, wire_time now, struct smr_out *out)
{
    bool shown = false;
    if (now < self->birth_deadline)
        return;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        if (!must_ask(self, i))
            continue;
        show(self, i, out);
        shown = true;
    }
    self->birth_deadline = !self->votes ? now + self->timing.ask
                           : shown      ? now + self->timing.silence_max
                                        : WIRE_NEVER;
}

/* The peer names births; those newer than known here are known from now on. Of two disks of one
 * generation none is believed: the one that votes will show itself. */
static void take_over_births(struct acceptor *self, const struct wire_births *births,
                             struct smr_out *out)
{
    for (wire_replica i = 0; i < self->replica_count; i++) {
        struct wire_birth named = births->of[i];
        struct wire_birth *known = &self->hard.births[i];
        if (i == self->self.replica || named.generation < known->generation ||
            birth_equal(named, *known))
            continue;
        if (named.generation == known->generation)
            named.nonce = 0;
        if (!birth_equal(named, *known))
            record(self, i, named, out);
    }
}

static void hear_of_another(struct acceptor *self, wire_time now, const struct wire_message *m,
                            struct smr_out *out)
{
    uint64_t theirs = m->birth_known.generation;
    if (theirs < self->self.birth.generation)
        return; /* it was asked before it heard of this one */
    if (self->hard.admitted && theirs == self->self.birth.generation) {
        show(self, m->sender.replica, out);
    } else if (!self->hard.admitted && self->self.group == WIRE_GROUP_MANAGERS &&
               theirs < UINT32_MAX) {
        bool news = self->other == 0;
        if (theirs > self->other)
            self->other = (uint32_t)theirs;
        if (news)
            acceptor_tell_proposer(self, now, out);
    } else {
        smr_out_die(out, WIRE_IDENTITY,
                    "this replica was started from another directory since, so this one is out of "
                    "date: start it with that one, or with an empty one");
    }
}

void birth_receive_known(struct acceptor *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out)
{
    if (m->birth_known.nonce != self->self.birth.nonce)
        return; /* late, and about a disk that was here before */
    if (!m->birth_known.recorded)
        hear_of_another(self, now, m, out);
    self->answers[m->sender.replica] = (struct birth_answer){
        .given = true,
        .recorded = m->birth_known.recorded,
        .votes = m->birth_known.votes,
        .generation = m->sender.birth.generation,
        .promised = m->birth_known.promised,
        .highest = m->birth_known.highest,
    };
    if (!self->hard.admitted)
        take_over_births(self, &m->birth_known.births, out);
}

/* --- while it may not vote ------------------------------------------------------------------------ */

void birth_hear(struct acceptor *self, wire_time now, const struct wire_message *m,
                struct smr_out *out)
{
    if (m->type != WIRE_MESSAGE_HEARTBEAT || ballot_less(m->heartbeat.ballot, self->hard.promised))
        return;
    acceptor_hear_leader(self, now, m->heartbeat.ballot, out);
    learner_note_chosen(self, now, m->heartbeat.ballot, m->heartbeat.chosen, out);
    if (!self->adopted || m->heartbeat.chosen >= self->wanted)
        return;
    /* A slot with a vote that no leader of today knows of would be waited for until clients come. */
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_FILL,
                                          WIRE_ROLE_PROPOSER, m->sender.replica);
    n->fill.upto = self->wanted;
}

const char *birth_standing_text(enum wire_standing standing)
{
    static const char *const texts[WIRE_STANDINGS] = {
        [WIRE_STANDING_VOTES] = "votes",
        [WIRE_STANDING_FIRST] = "new, waits for peers to write it down",
        [WIRE_STANDING_ASKING] = "reborn, waits for peers to answer",
        [WIRE_STANDING_CATCHING_UP] = "reborn, fetches what was chosen",
    };
    return texts[standing];
}
