/* What is chosen: bars from leaders, slots from peers, and the way to the applier.
 *
 * A follower takes a slot as chosen only if what it accepted there has the ballot of the leader that
 * says so; a value of another ballot may be one that lost. Then, and where it has nothing at all, it
 * asks a peer for the slot. */
#include "smr/paxos/acceptor_state.h"

#include "wire/entry.h"

#define BEHIND_SLOTS (2 * WIRE_WINDOW_SLOTS) /* to be applied; more never are while a replica keeps up */

/* --- the chosen bar -------------------------------------------------------------------------------- */

static void raise_bar(struct acceptor *self)
{
    self->hard.chosen++;
    self->state_dirty = true;
}

/* Asks a peer for what is missing; the next question goes to the next one unless this one helps. At
 * most one question is open. */
static void ask(struct acceptor *self, wire_time now, struct smr_out *out)
{
    wire_slot from = learner_wanted(self);
    if (self->replica_count == 1) {
        if (self->damaged != 0)
            smr_out_die(out, WIRE_DAMAGED,
                        "a chosen record of the log is damaged and there is no peer to repair it "
                        "from: restore the directory from a copy");
        return;
    }
    if (self->teacher == self->self.replica)
        self->teacher = (wire_replica)((self->teacher + 1) % self->replica_count);
    learner_note_asked(self, now, out);
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->learner, WIRE_MESSAGE_LEARN,
                                          WIRE_ROLE_ACCEPTOR, self->teacher);
    m->learn.from = from;
    self->teacher = (wire_replica)((self->teacher + 1) % self->replica_count);
    self->counters.learn_asks++;
    self->learn_deadline = now + self->timing.resend;
}

/* Slots that are chosen for sure. */
static bool lacks_slots(const struct acceptor *self)
{
    return self->bar_heard > self->hard.chosen || self->wanted > self->hard.chosen ||
           self->damaged != 0;
}

static bool wants_slots(const struct acceptor *self)
{
    return lacks_slots(self) || self->curious || self->stateless;
}

void learner_ask_if_wanting(struct acceptor *self, wire_time now, struct smr_out *out)
{
    if (wants_slots(self) && self->learn_deadline == WIRE_NEVER)
        ask(self, now, out);
}

void learner_note_chosen(struct acceptor *self, wire_time now, struct wire_ballot ballot,
                         wire_slot bar, struct smr_out *out)
{
    self->curious = false;
    if (bar > self->bar_heard)
        self->bar_heard = bar;
    while (self->hard.chosen < bar) {
        const struct smr_log_entry *entry;
        enum wire_error error = acceptor_slot(self, self->hard.chosen + 1, &entry, out);
        if (error != WIRE_OK || (!entry->learned && !ballot_equal(entry->ballot, ballot))) {
            self->counters.gaps++;
            if (self->learn_deadline == WIRE_NEVER)
                self->teacher = ballot.replica; /* the likeliest to have it */
            learner_ask_if_wanting(self, now, out);
            break;
        }
        raise_bar(self);
    }
}

void learner_receive_catch_up(struct acceptor *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out)
{
    if (m->sender.replica != self->self.replica)
        return;
    if (m->catch_up.upto > self->bar_heard)
        self->bar_heard = m->catch_up.upto;
    if (m->catch_up.peer < self->replica_count)
        self->teacher = m->catch_up.peer;
    learner_ask_if_wanting(self, now, out);
}

/* --- teaching and being taught ----------------------------------------------------------------------- */

/* Up to where this log is of no use to whoever wants slots from there on. A damaged record of a slot that
 * is in the own checkpoint is as good as cut: nobody else may know that the slot is chosen, and the
 * snapshot holds it. */
static wire_slot useless_upto(const struct acceptor *self, wire_slot from, bool damaged)
{
    return damaged && from > self->hard.cut && from <= self->saved ? from : self->hard.cut;
}

void learner_receive_learn(struct acceptor *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out)
{
    wire_slot from = m->learn.from;
    bool damaged;
    if (from == 0) {
        self->counters.senseless_messages++;
        return;
    }
    wire_slot through = acceptor_list(self, from, self->hard.chosen, true, &damaged, out);
    if (through >= from)
        self->counters.taught_slots += through - from + 1;
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_LEARNED,
                                          WIRE_ROLE_LEARNER, m->sender.replica);
    n->learned.from = from;
    n->learned.chosen = self->hard.chosen;
    n->learned.cut = useless_upto(self, from, damaged && through < from);
    n->learned.held = acceptor_held_percent(self, now);
    n->payload = wire_writer_take(&self->scratch);
}

/* Stores a chosen slot that a peer sent, if it is the one wanted next. */
static void learn_slot(struct acceptor *self, wire_time now, const struct wire_entry *entry,
                       struct smr_out *out)
{
    bool repairs = self->damaged != 0 && entry->slot == self->damaged;
    if (!entry->chosen || (entry->slot != self->hard.chosen + 1 && !repairs) ||
        !acceptor_has_place(self, entry->slot))
        return;
    struct smr_log_entry learned = {.slot = entry->slot,
                                    .ballot = entry->ballot,
                                    .learned = true,
                                    .batch = buf_copy(entry->batch)};
    acceptor_store(self, &learned, out);
    buf_unref(&learned.batch);
    self->counters.learned_slots++;
    if (repairs) {
        self->damaged = 0;
        acceptor_tell_proposer(self, now, out);
    }
    if (entry->slot == self->hard.chosen + 1)
        raise_bar(self);
}

void learner_receive_learned(struct acceptor *self, wire_time now, const struct wire_message *m,
                             struct smr_out *out)
{
    struct span list = buf_span(m->payload);
    if (m->sender.role != WIRE_ROLE_ACCEPTOR ||
        wire_entries_check(list, m->learned.from) != WIRE_OK) {
        self->counters.senseless_messages++;
        return;
    }
    self->curious = false;
    wire_slot before = self->hard.chosen;
    wire_slot damaged_before = self->damaged;
    learner_note_cut(self, m->sender.replica, m->learned.cut);
    if (m->learned.held > 0 || m->sender.replica == self->held_by) {
        self->held_there = m->learned.held;
        self->held_by = m->sender.replica;
    }
    bool cut_there = m->learned.cut >= learner_wanted(self);
    struct wire_reader in = wire_reader_of(list);
    struct wire_entry entry;
    while (wire_entry_next(&in, &entry))
        learn_slot(self, now, &entry, out);
    if (m->learned.chosen > self->bar_heard)
        self->bar_heard = m->learned.chosen;
    bool helped = self->hard.chosen > before || self->damaged != damaged_before;
    if (helped)
        learner_note_helped(self, out);
    if (self->learn_deadline == WIRE_NEVER)
        return; /* the answer to a question that was given up */
    /* If it did not help, the next one is asked at the deadline; not at once, or two that lack the same
     * slot would chase each other. One that has cut the slot lacks nothing, so the round of asking all peers
     * before a snapshot is wanted takes no longer than their answers. */
    if (helped)
        self->teacher = m->sender.replica;
    bool wants = wants_slots(self);
    if (!wants)
        self->asked_in_vain = 0;
    bool at_once = (helped && lacks_slots(self)) || (cut_there && self->asked_in_vain < self->replica_count);
    self->learn_deadline = at_once || !wants ? WIRE_NEVER : now + self->timing.resend;
    learner_ask_if_wanting(self, now, out);
}

/* --- the way to the applier -------------------------------------------------------------------------- */

static wire_slot known_chosen(const struct acceptor *self)
{
    return self->bar_heard > self->hard.chosen ? self->bar_heard : self->hard.chosen;
}

void learner_feed(struct acceptor *self, wire_time now, struct smr_out *out)
{
    if (self->stateless || (self->damaged == self->fed + 1 && self->learn_deadline != WIRE_NEVER))
        return; /* a peer is being asked for it */
    while (self->applier_attached && self->fed < self->hard.chosen &&
           self->fed < self->applied + WIRE_FEED_SLOTS && self->fed_bytes < WIRE_FEED_BYTES) {
        const struct smr_log_entry *entry;
        enum wire_error error = acceptor_slot(self, self->fed + 1, &entry, out);
        if (error != WIRE_OK) {
            /* Known chosen, and its record cannot be trusted: a peer has it. Perhaps no peer knows
             * yet that it is chosen; then another leader has to find out by proposing it again, so
             * this replica must not lead. */
            if (self->damaged != self->fed + 1)
                smr_events_add_number(&self->events, now, SMR_EVENT_DAMAGED, self->fed + 1);
            self->damaged = self->fed + 1;
            acceptor_tell_proposer(self, now, out);
            learner_ask_if_wanting(self, now, out);
            break;
        }
        struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_CHOSEN,
                                              WIRE_ROLE_APPLIER, self->self.replica);
        m->chosen.slot = ++self->fed;
        m->chosen.at = self->chosen_at;
        m->chosen.behind = known_chosen(self) - self->fed > BEHIND_SLOTS;
        m->payload = buf_ref(entry->batch);
        self->fed_sizes[self->fed % WIRE_FEED_SLOTS] = (uint32_t)entry->batch->size;
        self->fed_bytes += entry->batch->size;
        if (self->feed_deadline == WIRE_NEVER)
            self->feed_deadline = now + self->timing.ask;
    }
}

void learner_receive_applied(struct acceptor *self, wire_time now, const struct wire_message *m,
                             struct smr_out *out)
{
    wire_slot applied = m->applied.slot;
    assert(applied >= self->applied && m->applied.saved <= applied);
    if (applied < self->hard.cut && self->replica_count == 1) {
        smr_out_die(out, WIRE_DAMAGED,
                    "the state is older than the log, which is cut behind a newer one: restore the "
                    "whole directory from one copy");
        return;
    }
    bool attaches = !self->applier_attached;
    self->applier_attached = true;
    self->saved = m->applied.saved;
    if (applied > self->hard.chosen || (self->damaged != 0 && applied >= self->damaged))
        learner_jump(self, now, applied, out);
    else if (self->saved > self->put_chosen)
        acceptor_put_state(self, out); /* else a restart could not tell what its own log has */
    learner_note_stateless(self, now, applied < self->hard.cut, out);
    if (attaches) {
        self->fed = self->applied = applied;
        if (self->chain)
            acceptor_tell_proposer(self, now, out);
    }
    for (wire_slot slot = self->applied + 1; slot <= applied && slot <= self->fed; slot++)
        self->fed_bytes -= self->fed_sizes[slot % WIRE_FEED_SLOTS];
    self->applied = applied;
    if (self->fed < applied)
        self->fed = applied;
    self->feed_deadline = self->fed == applied ? WIRE_NEVER : now + self->timing.ask;
}

void learner_wake(struct acceptor *self, wire_time now, struct smr_out *out)
{
    if (now >= self->feed_deadline) {
        /* Some of it was refused on the way: again from what is applied for sure. */
        self->counters.refed_slots += self->fed - self->applied;
        self->fed = self->applied;
        self->fed_bytes = 0;
        self->feed_deadline = WIRE_NEVER;
        learner_feed(self, now, out);
    }
    if (now >= self->curious_at) {
        self->curious_at = WIRE_NEVER;
        learner_ask_if_wanting(self, now, out);
    }
    if (now >= self->learn_deadline) {
        self->learn_deadline = WIRE_NEVER;
        learner_ask_if_wanting(self, now, out);
    }
}
