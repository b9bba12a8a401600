/* Views from the managers, the leases that come with them, and what a new epoch begins with. */
#include "smr/chain/forwarder_state.h"

#include "wire/entry.h"

#define LOSS_SURE_AFTER (3 * WIRE_SECOND)  /* of a chain whose last whole member lost its disk */
#define LOSS_SAID_EVERY (30 * WIRE_SECOND)

/* --- pulses ------------------------------------------------------------------------------------- */

static bool is_member_of(const struct forwarder *self, const struct wire_chain *chain, int *place)
{
    *place = wire_chain_place(chain, self->self.replica);
    return *place >= 0 && birth_equal(chain->members[*place].birth, self->self.birth);
}

static uint64_t pulse_flags(const struct forwarder *self, bool lost)
{
    if (lost)
        return WIRE_PULSE_LOST;
    if (self->leaving_since != 0)
        return WIRE_PULSE_LEAVING;
    if (self->state == FORWARDER_ACTIVE && self->whole)
        return WIRE_PULSE_WHOLE;
    bool near = self->state == FORWARDER_OUTSIDE && self->fenced && self->fit &&
                self->tail_heard && self->own_chosen + WIRE_WINDOW_SLOTS >= self->tail_acked;
    return near ? WIRE_PULSE_READY : 0;
}

/* A member whose disk takes nothing, or that lost what it held, or the state that this led to, gives no sign
 * of life, and is cut out if another one holds everything. */
static bool is_lost(struct forwarder *self, wire_time now)
{
    bool member = self->state >= FORWARDER_ADOPTING;
    bool stuck = member && now - self->keeper_heard >= SMR_CHAIN_LEASE;
    self->counters.stuck_silences += stuck;
    return stuck || (member && (self->broken || !self->fit));
}

bool chain_epoch_is_lost(const struct forwarder *self)
{
    for (int i = 0; i < self->view.count; i++) {
        const struct wire_chain_member *member = &self->view.members[i];
        bool whole = member->whole || (i == self->place && self->whole);
        uint32_t disk = self->peers.known[member->replica].birth.generation;
        if (whole && disk <= member->birth.generation)
            return false;
    }
    return self->view.count > 0;
}

/* What was acknowledged is gone with the disks that held it, and nothing may be built on less. That some
 * member holds everything the managers may hear a little later than it does. */
static void note_loss(struct forwarder *self, wire_time now, struct smr_out *out)
{
    bool lost = chain_epoch_is_lost(self);
    if (!lost || self->lost_since == 0)
        self->lost_since = lost ? now : 0;
    if (!lost || now - self->lost_since < LOSS_SURE_AFTER ||
        (self->lost_said != 0 && now - self->lost_said < LOSS_SAID_EVERY))
        return;
    self->lost_said = now;
    smr_out_say(out, false,
                "nobody is left in this chain who holds all that was answered: whoever did was started on "
                "another disk since; its calls wait for ever. Found a new cluster and load it from a copy");
}

static uint64_t reached(const struct forwarder *self, wire_time now)
{
    uint64_t reached = (uint64_t)1 << self->self.replica;
    for (int i = 0; i < self->view.count; i++) {
        wire_replica member = self->view.members[i].replica;
        reached |= (uint64_t)(now - self->greeted[member] < FORWARDER_GREETED) << member;
    }
    return reached;
}

void chain_epoch_greet(struct forwarder *self, struct smr_out *out)
{
    for (int i = 0; i < self->view.count && self->fenced; i++) {
        if (self->view.members[i].replica == self->self.replica)
            continue;
        struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_GREET, WIRE_ROLE_ACCEPTOR,
                                                self->view.members[i].replica);
        m->greet.ballot = self->ballot;
    }
}

void chain_epoch_pulse(struct forwarder *self, wire_time now, struct smr_out *out)
{
    note_loss(self, now, out);
    self->pulse_deadline = now + (self->leaving_since == 0 ? SMR_CHAIN_PULSE : FORWARDER_LEAVE_PULSE);
    forwarder_send(self, out, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, self->self.replica);
    bool lost = is_lost(self, now);
    struct wire_writer body = {0};
    struct wire_chain_call call = {.op = WIRE_CHAIN_PULSE,
                                   .cluster = self->self.cluster,
                                   .partition = self->self.group,
                                   .replica = self->self.replica,
                                   .birth = self->self.birth,
                                   .start = self->self.start,
                                   .epoch = self->view.epoch,
                                   .flags = pulse_flags(self, lost),
                                   .reached = reached(self, now)};
    wire_chain_call_encode(&call, &body);
    uint64_t number = ++self->pulse_number;
    /* No lease is taken from the answer to a replica that the managers do not count as alive. */
    self->pulse_sent[number & (FORWARDER_PULSES - 1)] = lost ? now - 2 * SMR_CHAIN_LEASE : now;
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_PULSE, WIRE_ROLE_COURIER,
                                            self->self.replica);
    m->pulse.number = number;
    m->payload = wire_writer_take(&body);
    wire_writer_free(&body);
}

bool chain_epoch_holds_lease(const struct forwarder *self, wire_time now)
{
    return self->lease_epoch == self->view.epoch && now < self->lease_until;
}

/* --- epochs ------------------------------------------------------------------------------------- */

void chain_epoch_prepare(struct forwarder *self, struct smr_out *out)
{
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR,
                                            self->self.replica);
    m->prepare.ballot = self->ballot;
    m->prepare.from = self->state == FORWARDER_OUTSIDE  ? UINT64_MAX / 2
                      : self->state == FORWARDER_ACTIVE ? self->acked + 1
                                                        : self->prepare_next;
}

/* What was read and not judged is refused: whoever asked asks again, perhaps another replica. */
static void leave_epoch(struct forwarder *self, struct smr_out *out)
{
    chain_reads_drop(self, out);
    chain_slots_empty(self);
    self->fenced = self->linked = self->link_ready = self->goal_told = self->tail_heard = false;
    self->broken = self->recovery_ended = false;
    self->held = self->taken = self->told_acked = 0;
    self->ask_deadline = WIRE_NEVER;
}

static void begin_epoch(struct forwarder *self, wire_time now, const struct wire_chain *view,
                        struct smr_out *out)
{
    bool was_member = self->place >= 0;
    leave_epoch(self, out);
    self->view = *view;
    if (!is_member_of(self, view, &self->place))
        self->place = -1;
    self->ballot = (struct wire_ballot){
        .round = view->epoch, .replica = view->count == 0 ? 0 : view->members[0].replica};
    if (self->place < 0) {
        self->counters.epochs_outside++;
        forwarder_enter(self, FORWARDER_OUTSIDE);
    } else {
        const struct wire_chain_member *own = &view->members[self->place];
        self->counters.epochs++;
        bool joins = !was_member && own->since == view->epoch && view->epoch > 1;
        self->counters.rejoins += joins;
        self->counters.reborn_joins += joins && own->birth.generation > 1;
        self->since = own->since;
        self->whole = own->whole;
        self->acked = self->last = self->recovered = self->taken = self->own_chosen;
        self->prepare_next = self->own_chosen + 1;
        self->keeper_heard = now;
        forwarder_enter(self, FORWARDER_ADOPTING);
    }
    for (int i = 0; i < view->count; i++)
        self->greeted[view->members[i].replica] = now;
    if (!forwarder_is_head(self))
        forwarder_refuse_all(self, &self->submits, out);
    forwarder_tell_api(self, now, out);
    if (view->epoch > 0)
        chain_epoch_prepare(self, out);
}

void chain_epoch_receive_view(struct forwarder *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out)
{
    struct wire_chain_answer answer;
    uint64_t number = m->view.number;
    int place;
    if (wire_chain_answer_decode(buf_span(m->payload), &answer) != WIRE_OK ||
        answer.verdict != WIRE_CHAIN_OK || answer.partition != self->self.group ||
        answer.replica != self->self.replica || number > self->pulse_number ||
        number + FORWARDER_PULSES <= self->pulse_number) {
        self->counters.senseless_messages++;
        return;
    }
    self->counters.views++;
    if (answer.chain.epoch < self->view.epoch) {
        self->counters.old_views++;
        return;
    }
    if (self->state == FORWARDER_LOST || answer.chain.epoch > self->view.epoch)
        begin_epoch(self, now, &answer.chain, out);
    self->view = answer.chain;
    if (!is_member_of(self, &answer.chain, &place))
        return;
    wire_time until =
        self->pulse_sent[number & (FORWARDER_PULSES - 1)] + smr_lease_held(SMR_CHAIN_LEASE);
    if (self->lease_epoch != answer.chain.epoch || until > self->lease_until)
        self->lease_until = until;
    self->lease_epoch = answer.chain.epoch;
}

/* --- what the own keeper holds -------------------------------------------------------------------- */

/* An entry beyond the chosen bar is part of the history if it was stored while this replica was a
 * member, without interruption, or learned, and everything before it is there. */
static void recover_entry(struct forwarder *self, const struct wire_entry *entry)
{
    if (entry->slot <= self->recovered)
        return;
    if (entry->slot != self->recovered + 1 ||
        (!entry->chosen && entry->ballot.round < self->since)) {
        self->recovery_ended = true;
        return;
    }
    struct buf *batch = buf_copy(entry->batch);
    bool stored = ballot_equal(entry->ballot, self->ballot);
    if (chain_slots_keep(self, entry->slot, batch, stored))
        self->recovered++;
    else
        self->recovery_ended = true;
    buf_unref(&batch);
}

/* Whoever has nobody before it cannot have what it lost brought back. */
static void note_damage(struct forwarder *self)
{
    self->recovery_ended = true;
    if (forwarder_is_head(self))
        self->broken = true;
    self->whole = false;
}

static void become_active(struct forwarder *self, wire_time now, struct smr_out *out)
{
    forwarder_enter(self, FORWARDER_ACTIVE);
    self->held = self->recovered;
    self->next = self->held + 1;
    self->batcher.batched_at = now;
    self->refresh_at = self->last;
    chain_slots_advance(self);
    chain_slots_store_held(self, now, out);
    forwarder_tell_api(self, now, out);
}

/* In the middle of an epoch: what STORED should have said. */
static void refresh(struct forwarder *self, const struct wire_message *m)
{
    struct wire_reader in = wire_reader_of(buf_span(m->payload));
    struct wire_entry entry;
    while (wire_entry_next(&in, &entry)) {
        if (!ballot_equal(entry.ballot, self->ballot))
            continue;
        struct buf *batch = buf_copy(entry.batch);
        chain_slots_keep(self, entry.slot, batch, true);
        buf_unref(&batch);
    }
    chain_slots_advance(self);
}

static void adopt_chunk(struct forwarder *self, wire_time now, const struct wire_message *m,
                        struct smr_out *out)
{
    if (m->promise.chosen > self->recovered) {
        chain_slots_acknowledge(self, m->promise.chosen);
        self->recovered = m->promise.chosen;
    }
    struct wire_reader in = wire_reader_of(buf_span(m->payload));
    struct wire_entry entry;
    while (!self->recovery_ended && wire_entry_next(&in, &entry))
        recover_entry(self, &entry);
    if (m->promise.damaged && !self->recovery_ended)
        note_damage(self);
    self->prepare_next = m->promise.through + 1;
    if (m->promise.last || self->recovery_ended)
        become_active(self, now, out);
    else
        chain_epoch_prepare(self, out);
}

void chain_epoch_receive_promise(struct forwarder *self, wire_time now,
                                 const struct wire_message *m, struct smr_out *out)
{
    bool ours = m->sender.replica == self->self.replica &&
                ballot_equal(m->promise.ballot, self->ballot);
    if (!ours || wire_entries_check(buf_span(m->payload), m->promise.from) != WIRE_OK) {
        self->counters.stale_votes++;
        return;
    }
    self->fenced = true;
    if (self->state == FORWARDER_ADOPTING && m->promise.from == self->prepare_next)
        adopt_chunk(self, now, m, out);
    else if (self->state == FORWARDER_ACTIVE)
        refresh(self, m);
}
