#include "actors/actor.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "actors/actor_private.h"
#include "actors/clock.h"
#include "actors/crash.h"
#include "actors/process.h"
#include "actors/socket.h"

struct actor *actor_new(const struct actor_config *config)
{
    assert(config->replica_count >= 1 && config->replica_count <= WIRE_REPLICA_COUNT_MAX);
    assert(config->self.replica < config->replica_count);
    struct actor *self = wire_calloc(1, sizeof *self);
    self->role = config->role;
    self->self = config->self;
    self->replica_count = config->replica_count;
    self->link_patience = config->link_patience;
    self->log = config->log;
    self->log_figures = config->log_figures;
    self->log_figures_self = config->log_figures_self;
    return self;
}

void actor_destroy(struct actor **actor)
{
    struct actor *self = *actor;
    *actor = NULL;
    if (self == NULL)
        return;
    actor_drop_packed(self);
    for (size_t i = 0; i < self->socket_count; i++) {
        frames_inbox_free(&self->sockets[i].inbox);
        zmq_close(self->sockets[i].handle);
    }
    self->role.ops->destroy(self->role.self);
    smr_out_free(&self->out);
    smr_out_free(&self->held);
    wire_writer_free(&self->scratch);
    free(self);
}

const char *actor_name(const struct actor *self)
{
    return self->role.ops->name;
}

size_t actor_socket_count(const struct actor *self)
{
    return self->socket_count;
}

void actor_poll_items(const struct actor *self, struct pollfd *items)
{
    for (size_t i = 0; i < self->socket_count; i++)
        items[i] = (struct pollfd){.fd = socket_descriptor(self->sockets[i].handle), .events = POLLIN};
}

/* --- carrying out ----------------------------------------------------------------------------- */

/* Moves the message: the effect owns nothing afterwards. */
static void hold(struct actor *self, struct smr_effect *effect)
{
    struct wire_message *held = smr_out_send(&self->held, SMR_SEND_DURABLE, &effect->message.sender,
                                             effect->message.type, effect->to, effect->to_replica);
    *held = effect->message;
    effect->message.payload = NULL;
}

/* Election results are for people too: one line when it begins to lead and one when that is over.
 */
static void say_leadership(struct actor *self, const struct wire_message *message)
{
    struct wire_ballot ballot = message->leadership.ballot;
    bool leads = message->leadership.leading;
    if (leads == self->leads && (!leads || ballot_equal(ballot, self->leads_with)))
        return;
    char group[16] = "m";
    if (message->sender.group != WIRE_GROUP_MANAGERS)
        snprintf(group, sizeof group, "s%" PRIu32, message->sender.group);
    if (leads)
        wire_say("elected: group %s replica %u ballot %" PRIu64 ".%u", group,
                 message->sender.replica, ballot.round, ballot.replica);
    else
        wire_say("leads no more: group %s replica %u ballot %" PRIu64 ".%u: %s", group,
                 message->sender.replica, self->leads_with.round, self->leads_with.replica,
                 wire_loss_text((enum wire_loss)message->leadership.why));
    self->leads = leads;
    self->leads_with = ballot;
}

/* A disk that may not vote yet is shown to the peers again and again: who has not answered is for people
 * to know, once the usual moment for starting them all has passed. */
static void say_birth(struct actor *self, wire_replica peer, const struct wire_message *message)
{
    wire_time now = clock_now();
    if (message->birth.admitted)
        return;
    if (self->birth_asked == 0)
        self->birth_asked = now;
    if (now - self->birth_asked < ACTOR_BIRTH_PATIENCE || (self->birth_said >> peer & 1) != 0)
        return;
    self->birth_said |= 1u << peer;
    if (message->sender.birth.generation > 1 || self->standing == WIRE_STANDING_ASKING)
        wire_say("reborn: waiting for replica %u to say what it remembers; it must be up, and vote "
                 "itself",
                 peer);
    else
        wire_say("waiting for manager %u to write down this new disk; all managers of a fresh cluster "
                 "must be started once",
                 peer);
}

/* A replica without its old disk votes only once its peers have told it enough. */
static void say_standing(struct actor *self, const struct wire_message *message)
{
    enum wire_standing standing = (enum wire_standing)message->heard.standing;
    if (standing == self->standing)
        return;
    if (standing == WIRE_STANDING_ASKING)
        wire_say("reborn: this replica had another disk before; it asks the others what that one may "
                 "have promised, and votes on nothing before %u of %u have answered",
                 self->replica_count / 2u + 1, self->replica_count - 1u);
    else if (standing == WIRE_STANDING_CATCHING_UP)
        wire_say("reborn: bound to ballot %" PRIu64 ".%u; it votes once it has fetched what was chosen "
                 "up to slot %" PRIu64 " and old leases have run out",
                 message->heard.promised.round, message->heard.promised.replica,
                 message->heard.wanted);
    else if (standing == WIRE_STANDING_VOTES && self->standing != WIRE_STANDING_FIRST)
        wire_say("votes again: it knows all that its disk before may have voted for");
    self->standing = standing;
}

static void carry_out_send(struct actor *self, struct smr_effect *effect)
{
    struct wire_message *message = &effect->message;
    if (message->type == WIRE_MESSAGE_LEADERSHIP)
        say_leadership(self, message);
    if (message->type == WIRE_MESSAGE_BIRTH)
        say_birth(self, effect->to_replica, message);
    if (message->type == WIRE_MESSAGE_HEARD)
        say_standing(self, message);
    if (message->type == WIRE_MESSAGE_STATUS && effect->to == WIRE_ROLE_CLIENT)
        actor_extend_status(self, message);
    actor_send(self, effect->to, effect->to_replica, message);
}

static void mark_dirty(struct actor *self)
{
    if (!self->dirty)
        self->dirty_since = clock_now();
    self->dirty = true;
}

static void say(const struct smr_effect *effect)
{
    const struct buf *line = effect->say.line;
    if (effect->say.fleeting)
        wire_say_fleeting("%.*s", (int)line->size, (const char *)line->data);
    else
        wire_say("%.*s", (int)line->size, (const char *)line->data);
}

static void carry_out_one(struct actor *self, struct smr_effect *effect)
{
    switch (effect->kind) {
    case SMR_SEND_DURABLE:
        /* Puts of earlier steps count too: what is held must not be overtaken by the disk's answer
         * to something older. */
        if (self->dirty)
            hold(self, effect);
        else
            carry_out_send(self, effect);
        break;
    case SMR_SEND:
        carry_out_send(self, effect);
        break;
    case SMR_PUT_SLOT:
        assert(self->log.ops != NULL);
        self->log.ops->put_slot(self->log.self, &effect->entry);
        mark_dirty(self);
        self->dirty_bytes += effect->entry.batch->size;
        break;
    case SMR_CUT:
        assert(self->log.ops != NULL);
        self->log.ops->cut(self->log.self, effect->upto);
        mark_dirty(self);
        break;
    case SMR_SAY:
        say(effect);
        break;
    case SMR_PUT_STATE:
        assert(self->log.ops != NULL);
        self->log.ops->put_state(self->log.self, &effect->state);
        mark_dirty(self);
        break;
    }
}

static void carry_out(struct actor *self)
{
    if (self->out.fatal != WIRE_OK)
        wire_say_die(process_exit_of(self->out.fatal), "%s: %s", self->role.ops->name,
                     self->out.fatal_text);
    for (size_t i = 0; i < self->out.count; i++)
        carry_out_one(self, &self->out.effects[i]);
    smr_out_clear(&self->out);
}

static void send_held(struct actor *self)
{
    for (size_t i = 0; i < self->held.count; i++)
        carry_out_send(self, &self->held.effects[i]);
    smr_out_clear(&self->held);
}

/* --- the log ---------------------------------------------------------------------------------- */

static void note_full(struct actor *self, wire_time now)
{
    if (!self->full)
        wire_say("%s: no room left on the disk: nothing is voted or stored until there is; make "
                 "room, it goes on by itself",
                 self->role.ops->name);
    if (!self->full)
        smr_events_add_number(&self->events, now, SMR_EVENT_NO_ROOM, 0);
    self->full = true;
    self->retry = now + ACTOR_FULL_RETRY;
    self->room_due = now;
}

/* The role hears of it when there is no room for more, and when there is again. */
static void watch_room(struct actor *self, wire_time now)
{
    if (self->log.ops == NULL || now < self->room_due)
        return;
    self->room_due = now + ACTOR_FULL_RETRY;
    self->unwatched_bytes = 0;
    bool low = self->full || self->log.ops->is_low(self->log.self);
    if (low == self->low)
        return;
    self->low = low;
    if (!low)
        wire_say("%s: there is room on the disk again", self->role.ops->name);
    else if (!self->full)
        wire_say("%s: little room is left on the disk: no new writes are taken until there is more; "
                 "make room, it goes on by itself",
                 self->role.ops->name);
    if (!low || !self->full)
        smr_events_add_number(&self->events, now, low ? SMR_EVENT_LOW : SMR_EVENT_ROOM, 0);
    if (self->role.ops->room != NULL)
        self->role.ops->room(self->role.self, now, !low, &self->out);
    carry_out(self);
}

static void note_durable(struct actor *self, wire_time now)
{
    self->unwatched_bytes += self->dirty_bytes;
    if (self->full || self->low || self->unwatched_bytes >= ACTOR_WATCH_BYTES)
        self->room_due = now;
    self->full = false;
    self->dirty = false;
    self->dirty_bytes = 0;
    send_held(self);
    if (self->role.ops->durable != NULL)
        self->role.ops->durable(self->role.self, now, &self->out);
    carry_out(self); /* puts among it make the next round due at once */
}

/* What nobody waits for may wait for company. */
static wire_time commit_due(const struct actor *self)
{
    if (self->full)
        return self->retry;
    bool lazy = self->held.count == 0 && self->dirty_bytes < ACTOR_LAZY_BYTES;
    return lazy ? self->dirty_since + ACTOR_LAZY_TIME : 0;
}

static void commit(struct actor *self)
{
    wire_time begin = clock_now();
    if (!self->dirty || begin < commit_due(self))
        return;
    crash_at(CRASH_COMMIT_BEFORE);
    enum wire_error error = self->log.ops->commit(self->log.self);
    wire_time end = clock_now();
    if (error == WIRE_FULL) {
        note_full(self, end);
        return;
    }
    /* Whatever a failed write left behind, this process can no longer know; the next one reads what
     * is truly durable. The log has said why. */
    if (error != WIRE_OK)
        _exit(WIRE_EXIT_STORAGE);
    crash_at(CRASH_COMMIT_AFTER);
    wire_histogram_add(&self->commit_us, end - begin);
    if (end - begin >= ACTOR_SLOW_COMMIT)
        smr_events_add_number(&self->events, end, SMR_EVENT_SLOW_COMMIT,
                              (uint64_t)((end - begin) / WIRE_MS));
    note_durable(self, end);
}

/* --- rounds ----------------------------------------------------------------------------------- */

/* What asks for something to be stored. */
static bool is_to_store(enum wire_type type)
{
    return type == WIRE_MESSAGE_ACCEPT || type == WIRE_MESSAGE_PREPARE ||
           type == WIRE_MESSAGE_LEARNED || type == WIRE_MESSAGE_BIRTH;
}

/* Everything that is lost is sent again, so while the disk takes nothing more is not taken in. */
static bool must_drop(const struct actor *self, enum wire_type type)
{
    return self->full && is_to_store(type) &&
           (self->held.count >= ACTOR_HELD_MAX || self->dirty_bytes >= ACTOR_HELD_BYTES_MAX);
}

static void receive(struct actor *self, const struct wire_message *message)
{
    bool applies = message->type == WIRE_MESSAGE_CHOSEN;
    if (applies)
        crash_at(CRASH_APPLY_BEFORE);
    self->role.ops->receive(self->role.self, clock_now(), message, &self->out);
    if (applies)
        crash_at(CRASH_APPLY_AFTER);
}

static void dispatch(struct actor *self, const struct wire_message *message)
{
    if (message->type == WIRE_MESSAGE_STATUS_ASK && self->self.role != WIRE_ROLE_API)
        actor_answer_status(self, message);
    else if (must_drop(self, message->type))
        self->dropped_full++;
    else
        receive(self, message);
}

/* True if there was something. */
static bool drain(struct actor *self, struct actor_socket *socket)
{
    for (int i = 0; i < ACTOR_DRAIN_MAX; i++) {
        struct wire_message message;
        enum frames_outcome outcome = actor_receive(self, socket, &message);
        socket->ready = outcome != FRAMES_NOTHING;
        if (outcome == FRAMES_NOTHING)
            return i > 0;
        if (outcome != FRAMES_MESSAGE)
            continue;
        dispatch(self, &message);
        wire_message_clear(&message);
    }
    return true;
}

/* True if any socket had something. */
static bool drain_all(struct actor *self, const struct pollfd *items)
{
    bool any = false;
    size_t first = self->first_socket;
    for (size_t i = 0; i < self->socket_count; i++) {
        size_t at = (first + i) % self->socket_count;
        if (items[at].revents == 0 && !self->sockets[at].ready)
            continue;
        any = drain(self, &self->sockets[at]) || any;
    }
    if (any)
        self->first_socket = (first + 1) % self->socket_count;
    return any;
}

/* begun: when the first thing of this round was taken up. */
static void finish_round(struct actor *self, wire_time begun)
{
    if (self->role.ops->settle != NULL)
        self->role.ops->settle(self->role.self, clock_now(), &self->out);
    carry_out(self);
    actor_flush(self); /* nobody waits for what the commit does not hold */
    commit(self);
    watch_room(self, clock_now());
    actor_flush(self);
    actor_look_again(self);
    self->rounds++;
    wire_histogram_add(&self->round_us, clock_now() - begun);
}

void actor_start(struct actor *self, wire_time now)
{
    self->role.ops->wake(self->role.self, now, &self->out);
    finish_round(self, now);
}

void actor_leave(struct actor *self)
{
    if (self->role.ops->leave == NULL)
        return;
    wire_time now = clock_now();
    self->role.ops->leave(self->role.self, now, &self->out);
    finish_round(self, now);
}

bool actor_left(const struct actor *self)
{
    return self->role.ops->left == NULL || self->role.ops->left(self->role.self);
}

static wire_time role_deadline(const struct actor *self)
{
    return self->role.ops->deadline == NULL ? WIRE_NEVER
                                            : self->role.ops->deadline(self->role.self);
}

void actor_round(struct actor *self, const struct pollfd *items)
{
    wire_time begun = clock_now();
    bool due = drain_all(self, items);
    wire_time now = clock_now();
    if (role_deadline(self) <= now) {
        self->role.ops->wake(self->role.self, now, &self->out);
        due = true;
    }
    if (due || self->dirty)
        finish_round(self, begun);
}

wire_time actor_deadline(const struct actor *self)
{
    for (size_t i = 0; i < self->socket_count; i++)
        if (self->sockets[i].ready)
            return 0;
    wire_time deadline = role_deadline(self);
    wire_time due = self->dirty ? commit_due(self) : WIRE_NEVER;
    return deadline < due ? deadline : due;
}
