#include "smr/streamer.h"

#include <inttypes.h>
#include <stdlib.h>
#include "smr/image.h"
#include "smr/peers.h"
#include "smr/snapshot.h"
#include "wire/figures.h"

#define SAY_STREAMING_EVERY WIRE_SECOND /* to the own acceptor, while it is so */

struct streamer {
    struct wire_sender self;     /* how it signs */
    struct smr_peers peers;      /* whom it lets in */
    const struct smr_base *base; /* what it reads; NULL: nothing */
    size_t piece_bytes;          /* a piece stops growing past them */
    void *view;                  /* of it; NULL: nobody is served */
    struct buf *image;           /* in the view */
    wire_slot snapshot;          /* of the view */
    uint64_t pairs;              /* in it */
    wire_replica to;             /* who is served */
    wire_time opened;            /* when */
    wire_time idle_at;           /* closed then unless it asks again */
    wire_time told_at;           /* the acceptor was told last */
    wire_time save_asked_at;     /* the applier was asked for a newer state last; 0: not yet */
    uint64_t bytes;              /* sent since it was opened */
    struct wire_writer scratch;  /* a piece in the making */
    struct smr_counters counters;
};

static void close_view(struct streamer *self)
{
    if (self->view == NULL)
        return;
    self->base->ops->view_close(self->view);
    self->view = NULL;
    buf_unref(&self->image);
}

/* The newest state there is. self->snapshot 0: there is none. */
static void open_view(struct streamer *self, wire_time now, wire_replica to)
{
    struct smr_image image = {0};
    close_view(self);
    self->snapshot = 0;
    if (self->base == NULL)
        return;
    self->view = self->base->ops->view_open(self->base->self);
    self->image = self->base->ops->view_image(self->view);
    if (self->image == NULL || smr_image_decode(buf_span(self->image), &image) != WIRE_OK) {
        close_view(self);
        return;
    }
    self->snapshot = image.applied;
    self->pairs = self->base->ops->view_pairs(self->view);
    self->to = to;
    self->opened = now;
    self->told_at = now - SAY_STREAMING_EVERY;
    self->bytes = 0;
}

static void deny(struct streamer *self, const struct wire_message *m, bool busy,
                 struct smr_out *out)
{
    self->counters.snapshots_denied++;
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_SNAPSHOT_DENIED,
                                          WIRE_ROLE_LEARNER, m->sender.replica);
    n->snapshot_denied.peer = self->self.replica;
    n->snapshot_denied.snapshot = m->snapshot_ask.snapshot;
    n->snapshot_denied.newest = self->snapshot;
    n->snapshot_denied.busy = busy;
}

/* --- pieces --------------------------------------------------------------------------------------- */

struct filling {
    struct wire_writer *out; /* the piece */
    size_t enough;           /* bytes of it */
    bool more;               /* pairs are left behind it */
};

static bool add_pair(void *context, struct span key, struct span value)
{
    struct filling *filling = context;
    if (filling->out->size >= filling->enough) {
        filling->more = true;
        return false;
    }
    smr_snapshot_put(filling->out, key, value);
    return true;
}

/* True: they are the last. */
static bool fill_pairs(struct streamer *self, struct span after)
{
    struct filling filling = {.out = &self->scratch, .enough = self->piece_bytes};
    self->base->ops->view_scan(self->view, after, after.size > 0, add_pair, &filling);
    return !filling.more;
}

/* Likewise. */
static bool fill_image(struct streamer *self, uint64_t place)
{
    struct span image = buf_span(self->image);
    size_t from = place < image.size ? (size_t)place : image.size;
    size_t left = image.size - from;
    size_t size = left < self->piece_bytes ? left : self->piece_bytes;
    wire_write_raw(&self->scratch, span_of(image.data + from, size));
    return size == left;
}

static void send_piece(struct streamer *self, wire_time now, const struct wire_message *m,
                       struct smr_out *out)
{
    const struct wire_snapshot_ask_body *ask = &m->snapshot_ask;
    wire_writer_clear(&self->scratch);
    bool last = ask->image ? fill_image(self, ask->place) : fill_pairs(self, buf_span(m->payload));
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_SNAPSHOT,
                                          WIRE_ROLE_LEARNER, m->sender.replica);
    n->snapshot.peer = self->self.replica;
    n->snapshot.snapshot = self->snapshot;
    n->snapshot.image = ask->image;
    n->snapshot.place = ask->image ? ask->place : smr_snapshot_place(buf_span(m->payload));
    n->snapshot.last = last;
    n->snapshot.pairs = self->pairs;
    n->payload = wire_writer_take(&self->scratch);
    n->snapshot.checksum = smr_snapshot_checksum(n);
    self->bytes += n->payload->size;
    self->counters.pieces_sent++;
    self->idle_at = now + WIRE_STREAM_IDLE_MS * WIRE_MS;
    if (ask->image && last) {
        self->counters.snapshots_sent++;
        smr_out_say(out, false, "sent replica %u the snapshot of slot %" PRIu64 ": %" PRIu64 " MB",
                    self->to, self->snapshot, self->bytes / 1000000);
    }
}

/* --- questions ------------------------------------------------------------------------------------- */

static void tell_acceptor(struct streamer *self, wire_time now, struct smr_out *out)
{
    if (now - self->told_at < SAY_STREAMING_EVERY)
        return;
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_STREAMING,
                                          WIRE_ROLE_ACCEPTOR, self->self.replica);
    n->streaming.slot = self->snapshot;
    self->told_at = now;
}

/* Whoever lost its state, or is behind what this replica itself has cut, needs one that leads on to its log.
 * Where little is written the next checkpoint may be days away, so it is made now. */
static void ask_for_newer(struct streamer *self, wire_time now, wire_slot from, struct smr_out *out)
{
    if (self->base == NULL ||
        (self->save_asked_at != 0 && now - self->save_asked_at < SAY_STREAMING_EVERY))
        return;
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_SAVE,
                                          WIRE_ROLE_APPLIER, self->self.replica);
    n->save.slot = from;
    self->save_asked_at = now;
}

static bool is_busy(const struct streamer *self, wire_time now, wire_replica from)
{
    return self->view != NULL && self->to != from && now < self->idle_at;
}

/* Is the view good for whoever asks? It stays open even if the question is about another snapshot: that may
 * be one that came late. */
static bool goes_on(const struct streamer *self, const struct wire_message *m)
{
    return self->view != NULL && self->to == m->sender.replica &&
           self->snapshot >= m->snapshot_ask.from;
}

static void receive_ask(struct streamer *self, wire_time now, const struct wire_message *m,
                        struct smr_out *out)
{
    if (is_busy(self, now, m->sender.replica)) {
        deny(self, m, true, out);
        return;
    }
    const struct wire_snapshot_ask_body *ask = &m->snapshot_ask;
    bool was_open = goes_on(self, m);
    if (!was_open)
        open_view(self, now, m->sender.replica);
    if (!goes_on(self, m) || (ask->snapshot != 0 && ask->snapshot != self->snapshot)) {
        deny(self, m, false, out);
        if (self->snapshot < ask->from)
            ask_for_newer(self, now, ask->from, out);
        if (!was_open)
            close_view(self);
        return;
    }
    if (!was_open)
        smr_out_say(out, false, "sending replica %u the snapshot of slot %" PRIu64, self->to,
                    self->snapshot);
    send_piece(self, now, m, out);
    tell_acceptor(self, now, out);
}

static bool makes_sense(const struct wire_message *m)
{
    const struct wire_snapshot_ask_body *ask = &m->snapshot_ask;
    return m->type == WIRE_MESSAGE_SNAPSHOT_ASK && m->sender.role == WIRE_ROLE_LEARNER &&
           ask->from > 0 && buf_span(m->payload).size <= WIRE_KEY_BYTES_MAX &&
           (ask->snapshot > 0 || (!ask->image && buf_span(m->payload).size == 0));
}

/* --- the role --------------------------------------------------------------------------------------- */

static void streamer_receive(void *role, wire_time now, const struct wire_message *m,
                             struct smr_out *out)
{
    struct streamer *self = role;
    if (!smr_peers_admit(&self->peers, &m->sender, &self->counters))
        return;
    if (!makes_sense(m))
        self->counters.senseless_messages++;
    else
        receive_ask(self, now, m, out);
}

static wire_time streamer_deadline(const void *role)
{
    const struct streamer *self = role;
    wire_time life = self->opened + WIRE_STREAM_LIFE_MS * WIRE_MS;
    if (self->view == NULL)
        return WIRE_NEVER;
    return self->idle_at < life ? self->idle_at : life;
}

static void streamer_wake(void *role, wire_time now, struct smr_out *out)
{
    struct streamer *self = role;
    (void)out;
    if (now >= streamer_deadline(self))
        close_view(self);
}

static void streamer_figures(const void *role, wire_time now, struct wire_writer *out)
{
    const struct streamer *self = role;
    (void)now;
    if (self->view != NULL) {
        wire_figure_number(out, "streamer.to_replica", self->to);
        wire_figure_number(out, "streamer.snapshot_slot", self->snapshot);
        wire_figure_number(out, "streamer.sent_bytes", self->bytes);
    }
    smr_counters_figures(&self->counters, "streamer", out);
}

static void streamer_destroy(void *role)
{
    struct streamer *self = role;
    close_view(self);
    wire_writer_free(&self->scratch);
    free(self);
}

static const struct smr_role_ops streamer_ops = {
    .name = "streamer",
    .receive = streamer_receive,
    .wake = streamer_wake,
    .deadline = streamer_deadline,
    .figures = streamer_figures,
    .destroy = streamer_destroy,
};

struct smr_role smr_streamer_new(const struct smr_config *config, const struct smr_base *base)
{
    struct streamer *self = wire_calloc(1, sizeof *self);
    self->self = config->self;
    self->self.role = WIRE_ROLE_STREAMER;
    self->base = base;
    self->piece_bytes = config->checkpointing.piece_bytes;
    if (self->piece_bytes == 0 || self->piece_bytes > WIRE_PIECE_BYTES)
        self->piece_bytes = WIRE_PIECE_BYTES;
    smr_peers_init(&self->peers, config);
    return (struct smr_role){.ops = &streamer_ops, .self = self};
}

const struct smr_counters *smr_streamer_counters(struct smr_role streamer)
{
    assert(streamer.ops == &streamer_ops);
    return &((struct streamer *)streamer.self)->counters;
}
