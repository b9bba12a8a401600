/* What must never be. Checked as it happens, so that the first wrong step is what is reported:
 *
 *   - a slot has one value: in all that any applier is handed, and in all that a majority ever made
 *     durable in one ballot (that is what "chosen" means, whether or not anybody noticed);
 *   - a durable promise never falls, and no replica speaks below a ballot it promised aloud;
 *   - a replica on a new disk speaks below no ballot that a leader was elected with through a promise
 *     of an older disk of it;
 *   - what a Promise or Accepted says is durable when it is said, and so is a ballot of one's own;
 *   - a slot that a leader calls chosen was durable at a majority in one ballot, and whoever proposes in
 *     a higher ballot proposes that value: also where peers have cut it;
 *   - a log is cut only behind a checkpoint that is durable, and so is what a heartbeat's answer calls
 *     stored; neither base nor state nor bars ever go back, whatever is installed when;
 *   - a read's index covers all that any replica had applied when the read came in;
 *   - when a leader is elected, none of a lower ballot holds a lease;
 *   - of a chain: what its tail acknowledges all members have stored, and whoever says that it holds
 *     everything has all that was acknowledged up to its epoch; a chain without such a member serves nothing;
 *   - replicas that applied the same slots have the same state;
 *   - what clients saw is linearizable, which with values written once and Swaps also shows a call
 *     that took effect twice. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "manager/map_machine.h"
#include "smr/applier.h"
#include "smr/chain/forwarder.h"
#include "smr/image.h"
#include "smr/paxos/acceptor.h"
#include "smr/paxos/proposer.h"
#include "tools/check/check.h"
#include "wire/batch.h"
#include "wire/hash.h"

void sim_check_begin(struct sim *sim)
{
    for (int i = 0; i < sim->group_count; i++) {
        struct sim_cluster_group *group = &sim->groups[i];
        group->agreement = (struct sim_agreement){
            .chosen = wire_calloc(SIM_SLOTS_MAX, sizeof(uint64_t)),
            .voted = wire_calloc(SIM_SLOTS_MAX, sizeof(uint64_t)),
            .voted_in = wire_calloc(SIM_SLOTS_MAX, sizeof(struct wire_ballot)),
            .digests = wire_calloc(SIM_SLOTS_MAX, sizeof(uint64_t)),
            .acked_in = wire_calloc(SIM_SLOTS_MAX, sizeof(uint64_t)),
        };
        group->vote_capacity = 1024;
        group->votes = wire_calloc(group->vote_capacity, sizeof *group->votes);
        group->vote_count = 0;
    }
    sim->history = history_new();
}

void sim_check_free(struct sim *sim)
{
    for (int i = 0; i < sim->group_count; i++) {
        free(sim->groups[i].agreement.chosen);
        free(sim->groups[i].agreement.voted);
        free(sim->groups[i].agreement.voted_in);
        free(sim->groups[i].agreement.digests);
        free(sim->groups[i].agreement.acked_in);
        free(sim->groups[i].votes);
    }
    history_free(&sim->history);
}

static struct sim_cluster_group *group_of(struct sim *sim, const struct sim_node *node)
{
    return &sim->groups[node->group_index];
}

/* --- one value per slot ------------------------------------------------------------------------------ */

static void agree(struct sim *sim, const struct sim_node *node, wire_slot slot, uint64_t checksum,
                  uint64_t *known, const uint64_t *other, const char *what)
{
    if (slot >= SIM_SLOTS_MAX)
        sim_fail(sim, "more slots than the simulator keeps");
    if (known[slot] == 0)
        known[slot] = checksum;
    if (known[slot] != checksum || (other[slot] != 0 && other[slot] != checksum))
        sim_fail(sim, "node %d: slot %" PRIu64 " has two values (%s)", node->index, slot, what);
}

void sim_check_chosen(struct sim *sim, struct sim_node *node, wire_slot slot, uint64_t checksum)
{
    struct sim_agreement *a = &group_of(sim, node)->agreement;
    agree(sim, node, slot, checksum, a->chosen, a->voted, "handed to an applier");
}

static uint64_t vote_hash(wire_slot slot, struct wire_ballot ballot)
{
    uint64_t parts[3] = {slot, ballot.round, ballot.replica};
    return wire_hash(span_of(parts, sizeof parts));
}

static struct sim_vote *find_vote(struct sim_cluster_group *group, wire_slot slot,
                                  struct wire_ballot ballot)
{
    size_t at = vote_hash(slot, ballot) & (group->vote_capacity - 1);
    while (group->votes[at].slot != 0 &&
           (group->votes[at].slot != slot || !ballot_equal(group->votes[at].ballot, ballot)))
        at = (at + 1) & (group->vote_capacity - 1);
    return &group->votes[at];
}

static void grow_votes(struct sim_cluster_group *group)
{
    struct sim_vote *old = group->votes;
    size_t count = group->vote_capacity;
    group->vote_capacity *= 2;
    group->votes = wire_calloc(group->vote_capacity, sizeof *group->votes);
    for (size_t i = 0; i < count; i++) {
        if (old[i].slot != 0)
            *find_vote(group, old[i].slot, old[i].ballot) = old[i];
    }
    free(old);
}

static void add_disk(struct sim *sim, struct sim_vote *vote, wire_replica replica,
                     const struct sim_disk *disk)
{
    int *count = &vote->replicas[replica].count;
    for (int i = 0; i < *count; i++) {
        if (vote->replicas[replica].disks[i].generation == disk->generation)
            return; /* what was known at the first time counts: a message of then may still come */
    }
    if (*count == SIM_DISKS_MAX)
        sim_fail(sim, "more disks of a replica voted for a slot than the simulator keeps");
    vote->replicas[replica].disks[(*count)++] = *disk;
}

/* A choice of one disk, or none, of each of the first replicas. */
struct sim_choice {
    const struct sim_disk *disks[SIM_REPLICAS_MAX]; /* by replica; NULL: none */
    int count;                                      /* of disks */
};

static bool fits_together(const struct sim_choice *choice)
{
    for (int i = 0; i < SIM_REPLICAS_MAX; i++) {
        for (int k = 0; k < SIM_REPLICAS_MAX; k++) {
            if (choice->disks[i] != NULL && choice->disks[k] != NULL &&
                choice->disks[i]->generation < choice->disks[k]->named[i])
                return false;
        }
    }
    return true;
}

/* Did a majority of replicas vote, none of them from a disk that another one knew to be gone? */
static bool majority_voted(const struct sim_cluster_group *group, const struct sim_vote *vote,
                           int replica, struct sim_choice *choice)
{
    if (choice->count > group->replica_count / 2)
        return fits_together(choice);
    if (replica == group->replica_count)
        return false;
    for (int i = 0; i < vote->replicas[replica].count; i++) {
        struct sim_choice more = *choice;
        more.disks[replica] = &vote->replicas[replica].disks[i];
        more.count++;
        if (majority_voted(group, vote, replica + 1, &more))
            return true;
    }
    return majority_voted(group, vote, replica + 1, choice);
}

static void count_vote(struct sim *sim, struct sim_node *node, const struct sim_put *put)
{
    struct sim_cluster_group *group = group_of(sim, node);
    if (group->vote_count * 2 >= group->vote_capacity)
        grow_votes(group);
    struct sim_vote *vote = find_vote(group, put->slot, put->ballot);
    if (vote->slot == 0) {
        *vote = (struct sim_vote){
            .slot = put->slot, .ballot = put->ballot, .checksum = put->checksum};
        group->vote_count++;
    }
    /* A head that starts again has forgotten what it never passed on. */
    bool elsewhere = false;
    for (int i = 0; i < SIM_REPLICAS_MAX; i++)
        elsewhere |= i != node->replica && vote->replicas[i].count > 0;
    if (group->protocol == WIRE_PROTOCOL_CHAIN && !elsewhere)
        vote->checksum = put->checksum;
    if (vote->checksum != put->checksum)
        sim_fail(sim, "node %d: ballot %" PRIu64 ".%u proposed two values for slot %" PRIu64,
                 node->index, put->ballot.round, put->ballot.replica, put->slot);
    add_disk(sim, vote, node->replica, &put->disk);
    if (group->protocol == WIRE_PROTOCOL_CHAIN)
        return; /* there is no majority to it: see check_acknowledged */
    struct sim_choice none = {0};
    if (!majority_voted(group, vote, 0, &none))
        return;
    struct sim_agreement *a = &group->agreement;
    agree(sim, node, put->slot, put->checksum, a->voted, a->chosen, "durable at a majority");
    if (ballot_is_none(a->voted_in[put->slot]) ||
        ballot_less(put->ballot, a->voted_in[put->slot]))
        a->voted_in[put->slot] = put->ballot;
}

/* "Paxos Made Simple", 2.2, P2b. */
static void check_proposal(struct sim *sim, struct sim_node *node,
                           const struct wire_message *message)
{
    const struct sim_agreement *a = &group_of(sim, node)->agreement;
    wire_slot slot = message->accept.slot;
    if (slot < SIM_SLOTS_MAX && a->voted[slot] != 0 &&
        ballot_less(a->voted_in[slot], message->accept.ballot) &&
        wire_batch_checksum(buf_span(message->payload)) != a->voted[slot])
        sim_fail(sim, "node %d: proposes another value for slot %" PRIu64 ", which is chosen",
                 node->index, slot);
}

/* --- checkpoints and snapshots -------------------------------------------------------------------------- */

void sim_check_base(struct sim *sim, struct sim_node *node)
{
    struct smr_image image = {0};
    struct buf *bytes = node->base.ops->image(node->base.self);
    if (bytes != NULL && smr_image_decode(buf_span(bytes), &image) != WIRE_OK)
        sim_fail(sim, "node %d: its base has no image", node->index);
    if (bytes == NULL && node->base_damaged && !node->base_lost)
        return; /* so now it is found */
    if (image.applied < node->saved)
        sim_fail(sim, "node %d: its base went back from slot %" PRIu64 " to %" PRIu64, node->index,
                 node->saved, image.applied);
    node->saved = image.applied;
    buf_unref(&bytes);
    if (!node->base_lost || image.applied == 0)
        return;
    if (image.applied < node->durable_cut)
        sim_fail(sim, "node %d: its state is of slot %" PRIu64 ", and its log begins behind slot %" PRIu64,
                 node->index, image.applied, node->durable_cut);
    sim->happenings->bases_repaired++;
    node->base_lost = node->base_damaged = false;
}

static void check_bars(struct sim *sim, struct sim_node *node)
{
    const struct wire_hard_state *state = &node->put_state;
    if (state->chosen < node->durable_chosen || state->cut < node->durable_cut)
        sim_fail(sim, "node %d: its chosen bar or its cut went back", node->index);
    if (node->base_lost ? state->cut != node->durable_cut : state->cut > node->saved)
        sim_fail(sim, "node %d: its log is cut up to slot %" PRIu64 ", but its base is of slot %" PRIu64,
                 node->index, state->cut, node->saved);
    node->durable_chosen = state->chosen;
    node->durable_cut = state->cut;
}

/* --- promises ---------------------------------------------------------------------------------------- */

void sim_check_durable(struct sim *sim, struct sim_node *node)
{
    for (size_t i = 0; i < node->put_count; i++) {
        if (!node->puts[i].learned)
            count_vote(sim, node, &node->puts[i]);
    }
    if (!node->state_put)
        return;
    if (ballot_less(node->put_state.promised, node->durable_promise))
        sim_fail(sim, "node %d: its durable promise fell", node->index);
    node->durable_promise = node->put_state.promised;
    check_bars(sim, node);
}

static void speak(struct sim *sim, struct sim_node *node, struct wire_ballot ballot)
{
    if (ballot_less(ballot, node->spoken_promise))
        sim_fail(sim, "node %d: votes in ballot %" PRIu64 ".%u after promising %" PRIu64 ".%u",
                 node->index, ballot.round, ballot.replica, node->spoken_promise.round,
                 node->spoken_promise.replica);
    if (ballot_less(ballot, node->counted))
        sim_fail(sim, "node %d: votes in ballot %" PRIu64 ".%u, but helped elect %" PRIu64 ".%u",
                 node->index, ballot.round, ballot.replica, node->counted.round,
                 node->counted.replica);
    if (ballot_is_none(node->spoken_promise))
        node->spoken_first = ballot;
    node->spoken_promise = ballot;
    if (ballot_less(node->durable_promise, ballot))
        sim_fail(sim, "node %d: speaks of a promise that is not durable", node->index);
}

static void check_accepted(struct sim *sim, struct sim_node *node, wire_slot slot)
{
    struct smr_log_entry entry;
    if (slot <= smr_acceptor_chosen(node->roles.acceptor))
        return; /* chosen before: the vote adds nothing */
    if (node->log.ops->read(node->log.self, slot, &entry) != WIRE_OK)
        sim_fail(sim, "node %d: speaks of slot %" PRIu64 ", which is not durable", node->index,
                 slot);
    buf_unref(&entry.batch);
}

static struct sim_read *read_of(struct sim_node *node, uint64_t tag)
{
    return &node->reads[tag % (sizeof node->reads / sizeof node->reads[0])];
}

void sim_check_read(struct sim *sim, struct sim_node *node, uint64_t tag)
{
    *read_of(node, tag) =
        (struct sim_read){.tag = tag, .applied = group_of(sim, node)->agreement.applied};
}

static void check_index(struct sim *sim, struct sim_node *node, uint64_t tag, wire_slot index)
{
    const struct sim_read *read = read_of(node, tag);
    if (read->tag == tag && index < read->applied)
        sim_fail(sim, "node %d: a read gets index %" PRIu64 ", but slot %" PRIu64
                      " was applied before it came in",
                 node->index, index, read->applied);
}

/* A leader says that everything up to `bar` is chosen. */
static void check_bar(struct sim *sim, struct sim_node *node, wire_slot bar)
{
    struct sim_agreement *a = &group_of(sim, node)->agreement;
    if (bar >= SIM_SLOTS_MAX)
        sim_fail(sim, "more slots than the simulator keeps");
    for (; a->bar < bar; a->bar++) {
        if (a->voted[a->bar + 1] == 0)
            sim_fail(sim, "node %d: calls slot %" PRIu64 " chosen, which no majority accepted",
                     node->index, a->bar + 1);
    }
}

static void check_accept(struct sim *sim, struct sim_node *node, const struct wire_message *message)
{
    check_bar(sim, node, message->accept.chosen);
    check_proposal(sim, node, message);
}

/* "I shall never ask for these slots." */
static void check_stored(struct sim *sim, struct sim_node *node, wire_slot stored)
{
    if (stored > node->saved || stored > node->durable_chosen)
        sim_fail(sim, "node %d: calls slot %" PRIu64 " stored; its base is of slot %" PRIu64
                      ", its durable bar %" PRIu64,
                 node->index, stored, node->saved, node->durable_chosen);
}

static void check_claim(struct sim *sim, struct sim_node *node, struct wire_ballot ballot)
{
    if (ballot_less(node->durable_promise, ballot))
        sim_fail(sim, "node %d: speaks of a ballot of its own that is not durable", node->index);
}

/* No newer disk of those whose promises count may have voted below. */
static void check_promises(struct sim *sim, struct sim_node *node, struct wire_ballot ballot)
{
    const struct sim_cluster_group *group = group_of(sim, node);
    unsigned counted = smr_proposer_promises(node->roles.proposer);
    for (int i = 0; i < group->replica_count; i++) {
        struct sim_node *other = &sim->nodes[group->first_node + i];
        if ((counted >> i & 1) == 0)
            continue;
        if (ballot_less(other->counted, ballot))
            other->counted = ballot;
        if (!ballot_is_none(other->spoken_first) && ballot_less(other->spoken_promise, ballot) &&
            other->disks > 0)
            sim_fail(sim, "node %d is elected by a promise of node %d, whose disk of today never gave it "
                          "and voted",
                     node->index, other->index);
    }
}

/* A majority has promised to this leader, so the leases it granted to others must have run out. */
static void check_leases(struct sim *sim, struct sim_node *node, struct wire_ballot ballot)
{
    if (ballot_equal(node->elected, ballot))
        return; /* it only says so again */
    node->elected = ballot;
    check_promises(sim, node, ballot);
    const struct sim_cluster_group *group = group_of(sim, node);
    for (int i = 0; i < group->replica_count; i++) {
        struct sim_node *other = &sim->nodes[group->first_node + i];
        if (other != node && other->alive &&
            ballot_less(smr_proposer_ballot(other->roles.proposer), ballot) &&
            smr_proposer_holds_lease(other->roles.proposer,
                                     sim_clock_now(&other->clock, sim->now)))
            sim_fail(sim, "node %d is elected while node %d holds a lease", node->index,
                     other->index);
    }
}

/* --- chains ------------------------------------------------------------------------------------------- */

static bool has_durably(const struct sim *sim, const struct sim_node *node, wire_slot slot)
{
    struct smr_log_entry entry;
    struct wire_hard_state state;
    wire_slot highest;
    enum wire_error error = node->log.ops->read(node->log.self, slot, &entry);
    if (error == WIRE_OK)
        buf_unref(&entry.batch);
    if (error == WIRE_OK || (error == WIRE_DAMAGED && sim->damaged))
        return true;
    node->log.ops->load(node->log.self, &state, &highest);
    return slot <= state.cut;
}

/* Its tail says that everything up to `acked` is acknowledged: all members have it on their disks, but for
 * those that were wiped since. */
static void check_acknowledged(struct sim *sim, struct sim_node *node, wire_slot acked)
{
    struct sim_cluster_group *group = group_of(sim, node);
    const struct wire_chain *view = smr_forwarder_view(node->roles.proposer);
    if (!smr_forwarder_is_tail(node->roles.proposer) || acked >= SIM_SLOTS_MAX)
        return;
    for (wire_slot slot = group->agreement.bar + 1; slot <= acked; slot++) {
        for (int i = 0; i < view->count; i++) {
            const struct sim_node *member = &sim->nodes[group->first_node + view->members[i].replica];
            if (birth_equal(member->birth, view->members[i].birth) && !has_durably(sim, member, slot))
                sim_fail(sim, "node %d: acknowledges slot %" PRIu64 ", which node %d has not stored",
                         node->index, slot, member->index);
        }
        group->agreement.acked_in[slot] = view->epoch;
    }
    if (acked > group->agreement.bar)
        group->agreement.bar = acked;
}

/* It says that it holds everything that was acknowledged up to its epoch, so that the chain may be left to
 * it alone. */
static void check_whole(struct sim *sim, struct sim_node *node, const struct wire_message *message)
{
    struct wire_chain_call call;
    const struct sim_agreement *a = &group_of(sim, node)->agreement;
    if (wire_chain_call_decode(buf_span(message->payload), &call) != WIRE_OK ||
        (call.flags & WIRE_PULSE_WHOLE) == 0 || node->whole_in == call.epoch)
        return;
    node->whole_in = call.epoch;
    for (wire_slot slot = node->saved + 1; slot <= a->bar; slot++) {
        if (a->acked_in[slot] <= call.epoch && !has_durably(sim, node, slot))
            sim_fail(sim, "node %d: says in epoch %" PRIu64 " that it holds everything; slot %" PRIu64
                          " it has not stored",
                     node->index, call.epoch, slot);
    }
}

/* No manager has cut out a replica that still answers reads. */
static void check_serving(struct sim *sim, struct sim_node *node)
{
    const struct wire_chain *view = smr_forwarder_view(node->roles.proposer);
    int place = wire_chain_place(view, node->replica);
    sim->happenings->reads_by_head += place == 0;
    sim->happenings->reads_by_middle += place > 0 && place < view->count - 1;
    sim->happenings->reads_by_tail += place == view->count - 1;
    for (int i = 0; i < sim->groups[0].replica_count; i++) {
        if (!sim->nodes[i].alive)
            continue;
        const struct wire_chain *chain = map_machine_chain(sim->nodes[i].machine, node->group);
        if (chain != NULL && chain->epoch > view->epoch &&
            wire_chain_place(chain, node->replica) < 0)
            sim_fail(sim, "node %d: answers a read of epoch %" PRIu64 ", and was cut out in %" PRIu64,
                     node->index, view->epoch, chain->epoch);
    }
}

static void check_spoken_in_chain(struct sim *sim, struct sim_node *node, wire_replica to,
                                  const struct wire_message *message)
{
    if (message->type == WIRE_MESSAGE_PROMISE)
        speak(sim, node, message->promise.ballot);
    else if (message->type == WIRE_MESSAGE_ACCEPTED)
        check_accepted(sim, node, message->accepted.slot);
    else if (message->type == WIRE_MESSAGE_STORED)
        check_accepted(sim, node, message->stored.slot);
    else if (message->type == WIRE_MESSAGE_CHOOSE)
        check_acknowledged(sim, node, message->choose.chosen);
    else if (message->type == WIRE_MESSAGE_READ_AT)
        check_serving(sim, node);
    else if (message->type == WIRE_MESSAGE_PULSE)
        check_whole(sim, node, message);
    if (message->type == WIRE_MESSAGE_ACCEPTED &&
        message->accepted.slot > smr_acceptor_chosen(node->roles.acceptor))
        speak(sim, node, message->accepted.ballot);
    else if (to == node->replica)
        return;
    else if (message->type == WIRE_MESSAGE_LINK)
        check_claim(sim, node, message->link.ballot);
    else if (message->type == WIRE_MESSAGE_LINKED)
        check_claim(sim, node, message->linked.ballot);
}

void sim_check_spoken(struct sim *sim, struct sim_node *node, wire_replica to,
                      const struct wire_message *message)
{
    if (sim_node_is_chain(sim, node)) {
        check_spoken_in_chain(sim, node, to, message);
        return;
    }
    if (message->type == WIRE_MESSAGE_PREPARE && to != node->replica)
        check_claim(sim, node, message->prepare.ballot);
    else if (message->type == WIRE_MESSAGE_LEADERSHIP && message->leadership.leading)
        check_leases(sim, node, message->leadership.ballot);
    else if (message->type == WIRE_MESSAGE_ACCEPT)
        check_accept(sim, node, message);
    else if (message->type == WIRE_MESSAGE_HEARTBEAT_ACK)
        check_stored(sim, node, message->heartbeat_ack.stored);
    else if (message->type == WIRE_MESSAGE_READ_AT)
        check_index(sim, node, message->read_at.tag, message->read_at.index);
    else if (message->type == WIRE_MESSAGE_CHOOSE)
        check_bar(sim, node, message->choose.chosen);
    if (message->type == WIRE_MESSAGE_PROMISE) {
        speak(sim, node, message->promise.ballot);
    } else if (message->type == WIRE_MESSAGE_ACCEPTED) {
        if (message->accepted.slot > smr_acceptor_chosen(node->roles.acceptor))
            speak(sim, node, message->accepted.ballot);
        check_accepted(sim, node, message->accepted.slot);
    }
}

/* --- states -------------------------------------------------------------------------------------------- */

void sim_check_applied(struct sim *sim, struct sim_node *node)
{
    struct sim_agreement *a = &group_of(sim, node)->agreement;
    wire_slot slot = smr_applier_applied(node->roles.applier);
    uint64_t digest = smr_applier_digest(node->roles.applier);
    if (slot >= SIM_SLOTS_MAX)
        sim_fail(sim, "more slots than the simulator keeps");
    if (slot < node->applied)
        sim_fail(sim, "node %d: its state went back from slot %" PRIu64 " to %" PRIu64, node->index,
                 node->applied, slot);
    node->applied = slot;
    if (a->digests[slot] == 0)
        a->digests[slot] = digest;
    if (a->digests[slot] != digest)
        sim_fail(sim, "node %d: another state than a replica that applied the same %" PRIu64
                      " slots",
                 node->index, slot);
    if (slot > a->applied)
        a->applied = slot;
}

void sim_check_history(struct sim *sim)
{
    struct check_result result;
    enum check_verdict verdict = check_history(sim->history, NULL, &result);
    if (verdict == CHECK_LINEARIZABLE)
        return;
    check_explain(sim->history, NULL, &result, stderr);
    sim_fail(sim, "what the clients saw is %s",
             verdict == CHECK_VIOLATION ? "not linearizable" : "too much for the checker");
}
