#include "smr/fetch.h"

#include <inttypes.h>
#include "smr/image.h"
#include "smr/session.h"
#include "wire/figures.h"

#define WANTED_FOR (5 * WIRE_SECOND)  /* unless it is said again */
#define BUSY_FOR (1 * WIRE_SECOND)    /* a peer that serves another one, or has nothing new enough yet */
#define SHOW_EVERY (WIRE_SECOND / 2)  /* progress */
#define LOST_MAX 4                    /* times that patience is doubled */
#define ALONE_EVERY (30 * WIRE_SECOND) /* said if no peer has what is wanted */

static const struct smr_base *base_of(const struct smr_fetch *self)
{
    return self->machine.base;
}

/* --- what is staged -------------------------------------------------------------------------------- */

static bool is_ours(const struct smr_fetch *self, const struct smr_mark *mark)
{
    return mark->cluster == self->self.cluster && mark->group == self->self.group;
}

/* Where an earlier life left off. */
static void read_mark(struct smr_fetch *self)
{
    struct buf *bytes = base_of(self)->ops->staged(base_of(self)->self);
    struct smr_mark mark = {0};
    bool good = bytes != NULL && smr_mark_decode(buf_span(bytes), &mark) == WIRE_OK &&
                is_ours(self, &mark);
    if (bytes != NULL && !good)
        base_of(self)->ops->unstage(base_of(self)->self);
    self->at = self->durable = good ? mark : (struct smr_mark){0};
    self->afresh = !good;
    buf_unref(&bytes);
}

void smr_fetch_init(struct smr_fetch *self, const struct smr_config *config,
                    struct smr_machine machine, struct smr_counters *counters)
{
    *self = (struct smr_fetch){.self = config->self,
                               .replica_count = config->replica_count,
                               .timing = config->timing,
                               .stage_bytes = config->checkpointing.stage_bytes,
                               .machine = machine,
                               .counters = counters,
                               .peer = config->self.replica,
                               .deadline = WIRE_NEVER};
    self->self.role = WIRE_ROLE_CHECKPOINTER;
    smr_pace_init(&self->pace, config->checkpointing.pace_bytes);
    if (self->stage_bytes == 0)
        self->stage_bytes = WIRE_STAGE_BYTES;
    if (machine.base != NULL)
        read_mark(self);
}

void smr_fetch_free(struct smr_fetch *self)
{
    wire_writer_free(&self->image);
}

static void begin_stage(struct smr_fetch *self)
{
    if (self->staging)
        return;
    base_of(self)->ops->stage(base_of(self)->self, self->afresh);
    self->staging = true;
    self->staged_bytes = 0;
}

/* What did not become durable is fetched again. */
static enum wire_error end_stage(struct smr_fetch *self)
{
    struct wire_writer mark = {0};
    if (!self->staging)
        return WIRE_OK;
    smr_mark_encode(&self->at, &mark);
    enum wire_error error =
        base_of(self)->ops->stage_commit(base_of(self)->self, wire_writer_span(&mark));
    wire_writer_free(&mark);
    self->staging = false;
    self->afresh = false;
    if (error == WIRE_OK) {
        self->durable = self->at;
        return WIRE_OK;
    }
    self->counters->stages_full++;
    self->at = self->durable;
    wire_writer_clear(&self->image);
    return error;
}

/* From nothing; the next piece says of which snapshot. */
static void start_over(struct smr_fetch *self)
{
    end_stage(self);
    self->at = (struct smr_mark){.cluster = self->self.cluster, .group = self->self.group};
    self->afresh = true;
    self->without = 0;
    wire_writer_clear(&self->image);
}

void smr_fetch_drop(struct smr_fetch *self)
{
    start_over(self);
    if (self->durable.snapshot != 0)
        base_of(self)->ops->unstage(base_of(self)->self);
    self->at = self->durable = (struct smr_mark){0};
    self->state = SMR_FETCH_IDLE;
    self->deadline = WIRE_NEVER;
}

void smr_fetch_note_saved(struct smr_fetch *self, wire_slot saved)
{
    if (self->at.snapshot != 0 && self->at.snapshot <= saved)
        smr_fetch_drop(self);
    else if (self->durable.snapshot != 0 && self->durable.snapshot <= saved) {
        base_of(self)->ops->unstage(base_of(self)->self);
        self->durable = (struct smr_mark){0};
    }
}

/* --- asking ----------------------------------------------------------------------------------------- */

static uint64_t place_of(const struct smr_fetch *self)
{
    return self->at.whole ? self->image.size : smr_snapshot_place(smr_mark_key(&self->at));
}

static void send_ask(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_SNAPSHOT_ASK,
                                          WIRE_ROLE_ACCEPTOR, self->self.replica);
    m->snapshot_ask.peer = self->peer;
    m->snapshot_ask.from = self->from;
    m->snapshot_ask.snapshot = self->at.snapshot;
    m->snapshot_ask.image = self->at.whole;
    m->snapshot_ask.place = place_of(self);
    m->payload = buf_copy(self->at.whole ? span_of(NULL, 0) : smr_mark_key(&self->at));
    self->deadline = now + (self->timing.piece << (self->repeats < 4 ? self->repeats : 4));
}

static void ask_next(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    self->state = SMR_FETCH_ASKING;
    self->asked = now;
    self->repeats = 0;
    send_ask(self, now, out);
}

static bool may_ask(const struct smr_fetch *self, wire_time now, wire_replica peer)
{
    return peer != self->self.replica && self->shunned[peer] <= now &&
           (self->without >> peer & 1) == 0;
}

/* The next one after the last in turn; the leader if it is the only one. */
static wire_replica pick(const struct smr_fetch *self, wire_time now)
{
    wire_replica found = WIRE_NO_REPLICA;
    for (unsigned i = 1; i <= self->replica_count; i++) {
        wire_replica peer = (wire_replica)((self->peer + i) % self->replica_count);
        if (may_ask(self, now, peer) && (found == WIRE_NO_REPLICA || found == self->leader))
            found = peer;
    }
    return found;
}

static void complain(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    wire_time since = self->alone_said > self->alone_since ? self->alone_said : self->alone_since;
    if (now - since < ALONE_EVERY)
        return;
    self->alone_said = now;
    smr_out_say(out, false,
                "no replica that answers has a snapshot of slot %" PRIu64 " or later, so nothing can be "
                "applied here; start the others, they are asked again and again",
                self->from);
}

/* If nobody has what was begun, something newer will do. */
static void ask_somebody(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    wire_replica peer = pick(self, now);
    if (peer == WIRE_NO_REPLICA && self->without != 0) {
        self->counters->fetches_restarted++;
        self->lost += self->lost < LOST_MAX;
        start_over(self);
        peer = pick(self, now);
    }
    if (peer == WIRE_NO_REPLICA) {
        self->state = SMR_FETCH_RESTING;
        self->deadline = now + self->timing.piece / 2;
        complain(self, now, out);
        return;
    }
    self->peer = peer;
    ask_next(self, now, out);
}

static void shun(struct smr_fetch *self, wire_time now, wire_time time)
{
    self->shunned[self->peer] = now + time;
}

static void begin(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    self->counters->fetches++;
    self->counters->fetches_resumed += self->at.snapshot != 0;
    self->begun = self->alone_since = now;
    self->bytes = 0;
    self->pairs = 0;
    if (self->at.snapshot == 0)
        start_over(self);
    ask_somebody(self, now, out);
    smr_out_say(out, false,
                "fetching a snapshot of slot %" PRIu64 " or later%s (%" PRIu64
                " pairs of it are here)",
                self->from, self->at.snapshot != 0 ? ", from where it was left" : "",
                self->at.totals.pairs);
}

void smr_fetch_want(struct smr_fetch *self, wire_time now, const struct wire_message *m,
                    struct smr_out *out)
{
    if (base_of(self) == NULL || self->replica_count == 1)
        return;
    if (m->fetch.from == 0) {
        if (self->state != SMR_FETCH_IDLE && self->state != SMR_FETCH_WHOLE)
            smr_fetch_drop(self);
        return;
    }
    self->from = m->fetch.from;
    self->leader = m->fetch.leader;
    self->wanted_until = now + WANTED_FOR;
    smr_pace_note(&self->pace, now, m->fetch.heard, m->fetch.held);
    if (self->state == SMR_FETCH_IDLE)
        begin(self, now, out);
}

/* --- answers ---------------------------------------------------------------------------------------- */

static bool is_awaited(const struct smr_fetch *self, wire_replica peer)
{
    return self->state == SMR_FETCH_ASKING && peer == self->peer;
}

void smr_fetch_denied(struct smr_fetch *self, wire_time now, const struct wire_message *m,
                      struct smr_out *out)
{
    const struct wire_snapshot_denied_body *denied = &m->snapshot_denied;
    if (!is_awaited(self, denied->peer) || denied->snapshot != self->at.snapshot)
        return;
    if (!denied->busy && denied->newest >= self->from && self->at.snapshot != 0)
        self->without |= 1u << denied->peer; /* it has another one */
    else
        shun(self, now, BUSY_FOR);
    ask_somebody(self, now, out);
}

static void refuse(struct smr_fetch *self, wire_time now, const char *why, struct smr_out *out)
{
    self->counters->snapshots_refused++;
    smr_out_say(out, false, "the snapshot of slot %" PRIu64 " from replica %u is refused: %s",
                self->at.snapshot, self->peer, why);
    shun(self, now, self->timing.silence);
    smr_fetch_drop(self);
    self->state = SMR_FETCH_RESTING;
    self->deadline = now + self->timing.piece / 2;
}

static void show(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    if (now - self->shown < SHOW_EVERY)
        return;
    self->shown = now;
    wire_time took = now - self->begun + 1;
    smr_out_say(out, true,
                "fetching the snapshot of slot %" PRIu64 " from replica %u: %" PRIu64 " of %" PRIu64
                " pairs, %" PRIu64 " MB, %" PRIu64 " MB/s",
                self->at.snapshot, self->peer, self->at.totals.pairs, self->pairs,
                self->bytes / 1000000, self->bytes / (uint64_t)took);
}

static void put_pairs(struct smr_fetch *self, struct span pairs)
{
    struct wire_reader in = wire_reader_of(pairs);
    struct span key, value, last = {0};
    begin_stage(self);
    while (smr_snapshot_next(&in, &key, &value)) {
        base_of(self)->ops->put(base_of(self)->self, key, value);
        self->at.totals.pairs++;
        self->at.totals.bytes += key.size + value.size;
        self->at.totals.hash_sum += smr_pair_hash(key, value);
        last = key;
    }
    if (last.size > 0)
        memcpy(self->at.key, last.data, last.size);
    self->at.key_size = last.size > 0 ? last.size : self->at.key_size;
    self->staged_bytes += pairs.size;
}

/* Why the image does not belong to what is staged, or NULL: it does. */
static const char *find_fault(const struct smr_fetch *self)
{
    struct smr_image image;
    if (smr_image_decode(wire_writer_span(&self->image), &image) != WIRE_OK)
        return "it ends in what is no image";
    if (image.cluster != self->self.cluster || image.group != self->self.group)
        return "it is of another group or cluster";
    if (image.applied != self->at.snapshot)
        return "its image is of another slot";
    struct smr_sessions *sessions = smr_sessions_decode(image.sessions);
    if (sessions == NULL)
        return "its sessions make no sense";
    smr_sessions_free(sessions);
    if (!self->machine.ops->fits(image.part, &self->at.totals))
        return "its pairs are not those of its image";
    return NULL;
}

static void ask_applier(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_STAGED,
                                          WIRE_ROLE_APPLIER, self->self.replica);
    m->staged.slot = self->at.snapshot;
    self->deadline = now + self->timing.piece;
}

static void become_whole(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    const char *fault = find_fault(self);
    if (fault != NULL) {
        refuse(self, now, fault, out);
        return;
    }
    self->state = SMR_FETCH_WHOLE;
    ask_applier(self, now, out);
}

/* Of the pairs; 100 of what has come to its image. */
static uint64_t percent_of(const struct smr_fetch *self)
{
    if (self->at.whole)
        return 100;
    return self->pairs == 0 ? 0 : self->at.totals.pairs * 100 / self->pairs;
}

/* How long the piece took with all that is done about it shows when the clock is looked at again. */
static void rest_or_ask(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    bool outrun = smr_pace_is_outrun(&self->pace, percent_of(self));
    self->counters->rests_forgone += self->pace.busy && outrun;
    if (!self->pace.busy || outrun) {
        ask_next(self, now, out);
        return;
    }
    self->counters->rests++;
    self->state = SMR_FETCH_PACING;
    self->rests = false;
    self->deadline = now;
}

/* The next piece, or if there was no room for the last ones, what is durable again in a while. */
static void go_on(struct smr_fetch *self, wire_time now, enum wire_error error, struct smr_out *out)
{
    if (error == WIRE_OK) {
        rest_or_ask(self, now, out);
        return;
    }
    smr_out_say(out, false, "no room on the disk for a snapshot: make room, it goes on by itself");
    self->state = SMR_FETCH_RESTING;
    self->deadline = now + WIRE_SECOND;
}

/* At a pace a piece is made durable by itself, since who works waits for its disk behind what goes to it at
 * once. */
static void take_pairs(struct smr_fetch *self, wire_time now, const struct wire_message *m,
                       struct smr_out *out)
{
    put_pairs(self, buf_span(m->payload));
    self->at.whole = m->snapshot.last;
    bool enough = self->staged_bytes >= self->stage_bytes || self->at.whole || self->pace.busy;
    go_on(self, now, enough ? end_stage(self) : WIRE_OK, out);
}

static void take_image(struct smr_fetch *self, wire_time now, const struct wire_message *m,
                       struct smr_out *out)
{
    wire_write_raw(&self->image, buf_span(m->payload));
    if (m->snapshot.last)
        become_whole(self, now, out);
    else
        rest_or_ask(self, now, out);
}

/* Is it the piece that is wanted? The first of a snapshot decides which one that is. */
static bool is_wanted(const struct smr_fetch *self, const struct wire_message *m)
{
    const struct wire_snapshot_body *piece = &m->snapshot;
    bool begins = self->at.snapshot == 0 && piece->snapshot >= self->from;
    return is_awaited(self, piece->peer) && (begins || piece->snapshot == self->at.snapshot) &&
           piece->image == self->at.whole && piece->place == place_of(self);
}

void smr_fetch_take(struct smr_fetch *self, wire_time now, const struct wire_message *m,
                    struct smr_out *out)
{
    const struct wire_snapshot_body *piece = &m->snapshot;
    if (!is_wanted(self, m)) {
        self->counters->pieces_misplaced++;
        return;
    }
    self->at.snapshot = piece->snapshot;
    struct span payload = buf_span(m->payload);
    bool good = piece->image ? self->image.size + payload.size <= WIRE_IMAGE_BYTES_MAX
                             : smr_snapshot_check(payload, smr_mark_key(&self->at)) == WIRE_OK;
    if (!good || (payload.size == 0 && !piece->last)) {
        refuse(self, now, "a piece of it makes no sense", out);
        return;
    }
    self->counters->pieces_staged++;
    self->alone_since = now;
    self->bytes += payload.size;
    self->piece = payload.size;
    self->pairs = piece->pairs;
    if (piece->image)
        take_image(self, now, m, out);
    else
        take_pairs(self, now, m, out);
    show(self, now, out);
}

/* --- time ------------------------------------------------------------------------------------------- */

static void rest(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    wire_time rest = self->rests ? 0 : smr_pace_rest(&self->pace, now - self->asked, self->piece);
    self->rests = true;
    self->deadline = now + rest;
    if (rest == 0)
        ask_next(self, now, out);
}

static void repeat(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    if (now - self->asked < self->timing.silence << self->lost) {
        self->repeats++;
        send_ask(self, now, out);
        return;
    }
    self->counters->servers_given_up++;
    wire_replica silent = self->peer;
    shun(self, now, self->timing.silence);
    ask_somebody(self, now, out);
    if (self->state == SMR_FETCH_ASKING)
        smr_out_say(out, false, "replica %u sends no snapshot: asking replica %u", silent, self->peer);
}

void smr_fetch_wake(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    if (now < self->deadline)
        return;
    if (self->state == SMR_FETCH_WHOLE) {
        ask_applier(self, now, out);
    } else if (now >= self->wanted_until) {
        end_stage(self); /* kept for a while: it may be wanted again */
        self->state = SMR_FETCH_IDLE;
        self->deadline = WIRE_NEVER;
    } else if (self->state == SMR_FETCH_ASKING) {
        repeat(self, now, out);
    } else if (self->state == SMR_FETCH_PACING) {
        rest(self, now, out);
    } else {
        ask_somebody(self, now, out);
    }
}

void smr_fetch_pause(struct smr_fetch *self, wire_time now)
{
    if (end_stage(self) != WIRE_OK && self->state != SMR_FETCH_IDLE) {
        self->state = SMR_FETCH_RESTING;
        self->deadline = now + WIRE_SECOND;
    }
}

/* --- the end ---------------------------------------------------------------------------------------- */

enum wire_error smr_fetch_install(struct smr_fetch *self, wire_time now, struct smr_out *out)
{
    enum wire_error error =
        base_of(self)->ops->install(base_of(self)->self, wire_writer_span(&self->image));
    if (error != WIRE_OK) {
        self->counters->stages_full++;
        return error;
    }
    self->counters->snapshots_installed++;
    self->lost = 0;
    smr_out_say(out, false,
                "installed the snapshot of slot %" PRIu64 " from replica %u: %" PRIu64 " pairs; %" PRIu64
                " MB fetched in %.1f s",
                self->at.snapshot, self->peer, self->at.totals.pairs, self->bytes / 1000000,
                (double)(now - self->begun) / WIRE_SECOND);
    self->durable = (struct smr_mark){0};
    smr_fetch_drop(self);
    return WIRE_OK;
}

void smr_fetch_figures(const struct smr_fetch *self, struct wire_writer *out)
{
    static const char *const states[] = {"idle", "asking", "resting", "pacing", "whole"};
    uint64_t took = (uint64_t)(self->shown - self->begun) + 1;
    wire_figure_text(out, "fetch.state", states[self->state]);
    if (self->state == SMR_FETCH_IDLE)
        return;
    wire_figure_number(out, "fetch.from_replica", self->peer);
    wire_figure_number(out, "fetch.snapshot_slot", self->at.snapshot);
    wire_figure_number(out, "fetch.bytes", self->bytes);
    wire_figure_number(out, "fetch.percent", percent_of(self));
    if (self->shown > self->begun)
        wire_figure_number(out, "fetch.bytes_per_s", self->bytes * (uint64_t)WIRE_SECOND / took);
}
