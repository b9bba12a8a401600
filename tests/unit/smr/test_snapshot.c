/* Snapshots, from the checkpointer that fetches one to the streamers that serve it (the applier that takes
 * it over: test_takeover.c). The test stands where the acceptor does: it carries what they say to each other. */
#include <stdio.h>

#include "smr/checkpointer.h"
#include "smr/image.h"
#include "smr/memory_base.h"
#include "smr/session.h"
#include "smr/snapshot.h"
#include "smr/streamer.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

enum {
    PAIRS = 40,        /* of a snapshot */
    PIECE_BYTES = 100, /* so that it has many pieces */
    SLOT = 30,         /* of the peers' snapshot */
    WANTED = 10,       /* the slot that is cut */
    CARRIED_MAX = 1000 /* messages; more: something goes round in circles */
};

/* --- states and who has them ----------------------------------------------------------------------- */

/* Checks of a part: its totals, as a machine with pairs has them. */
static bool listing_fits(struct span part, const struct smr_totals *totals)
{
    struct wire_reader in = wire_reader_of(part);
    uint64_t pairs = wire_read_uint(&in, UINT64_MAX);
    uint64_t hash_sum = wire_read_uint(&in, UINT64_MAX);
    return wire_read_end(&in) == WIRE_OK && pairs == totals->pairs && hash_sum == totals->hash_sum;
}

static const struct smr_machine_ops listing_ops = {.fits = listing_fits};

struct state {
    struct wire_sender of; /* whose image it has */
    wire_slot applied;     /* which slot it says */
    wire_slot named;       /* and which its name; 0: the same */
    uint64_t more;         /* added to the count of pairs in the part */
};

static void put_pair(const struct smr_base *base, struct smr_totals *totals, int number)
{
    char key[16], value[16];
    snprintf(key, sizeof key, "key%03d", number);
    snprintf(value, sizeof value, "value%d", number);
    base->ops->put(base->self, span_text(key), span_text(value));
    totals->pairs++;
    totals->hash_sum += smr_pair_hash(span_text(key), span_text(value));
}

/* Fills a base with a state. */
static void fill(const struct smr_base *base, const struct state *state)
{
    struct wire_writer part = {0}, sessions = {0}, image = {0};
    struct smr_totals totals = {0};
    struct smr_sessions *table = smr_sessions_new();
    base->ops->begin(base->self);
    for (int i = 0; i < PAIRS; i++)
        put_pair(base, &totals, i);
    wire_write_uint(&part, totals.pairs + state->more);
    wire_write_uint(&part, totals.hash_sum);
    smr_sessions_encode(table, &sessions);
    smr_sessions_free(table);
    struct smr_image head = {.cluster = state->of.cluster,
                             .group = state->of.group,
                             .applied = state->applied,
                             .sessions = wire_writer_span(&sessions),
                             .part = wire_writer_span(&part)};
    smr_image_encode(&head, &image);
    ck_assert_int_eq(base->ops->commit(base->self, wire_writer_span(&image)), WIRE_OK);
    wire_writer_free(&part);
    wire_writer_free(&sessions);
    wire_writer_free(&image);
}

static struct smr_base own;                     /* of replica 0, which fetches */
static struct smr_base theirs[3];               /* of the others */
static struct stand *fetcher;                   /* the checkpointer of replica 0 */
static struct stand *servers[3];                /* the streamers of the others; NULL: down */
static unsigned complaints;                     /* lines that say that no peer has a snapshot */
static wire_slot wanted;                        /* asked for by the acceptor */
static uint64_t asked[3];                       /* pieces, of each of them */
static size_t pace_bytes;                       /* of the fetcher; 0: as it comes */

static struct smr_config config_of(wire_replica replica)
{
    struct smr_config config = stand_config(3);
    config.self = stand_sender(WIRE_ROLE_CLIENT, replica);
    config.checkpointing.piece_bytes = config.checkpointing.stage_bytes = PIECE_BYTES;
    config.checkpointing.pace_bytes = pace_bytes;
    return config;
}

static void begin_fetcher(void)
{
    struct smr_config config = config_of(0);
    struct smr_machine machine = {.ops = &listing_ops, .base = &own};
    fetcher = stand_new(&config, smr_checkpointer_new(&config, machine), (struct smr_log){0});
}

static void begin_server(wire_replica replica)
{
    struct smr_config config = config_of(replica);
    servers[replica] = stand_new(&config, smr_streamer_new(&config, &theirs[replica]),
                                 (struct smr_log){0});
}

static void end_server(wire_replica replica)
{
    if (servers[replica] != NULL)
        stand_free(servers[replica]);
    servers[replica] = NULL;
}

static void setup(void)
{
    own = smr_memory_base_new();
    wanted = WANTED;
    pace_bytes = 0;
    begin_fetcher();
    struct state state = {.of = stand_sender(WIRE_ROLE_CLIENT, 0), .applied = SLOT};
    for (wire_replica i = 1; i < 3; i++) {
        theirs[i] = smr_memory_base_new();
        fill(&theirs[i], &state);
        begin_server(i);
    }
    memset(asked, 0, sizeof asked);
}

static void teardown(void)
{
    stand_free(fetcher);
    for (wire_replica i = 1; i < 3; i++) {
        end_server(i);
        smr_memory_base_free(&theirs[i]);
    }
    smr_memory_base_free(&own);
}

static const struct smr_counters *counters(void)
{
    return smr_checkpointer_counters(fetcher->role);
}

/* Replica `replica` has that state and no other from now on. */
static void give(wire_replica replica, struct state state)
{
    end_server(replica);
    smr_memory_base_free(&theirs[replica]);
    theirs[replica] = smr_memory_base_new();
    fill(&theirs[replica], &state);
    begin_server(replica);
}

/* --- carrying ----------------------------------------------------------------------------------------- */

static void want(wire_replica leader)
{
    stand_feed(fetcher, FROM(ACCEPTOR, 0, FETCH, .fetch = {.from = wanted, .leader = leader}));
}

/* Likewise, after a while, in which the group has chosen so many slots. */
static void want_later(wire_slot heard, uint64_t held)
{
    stand_pass(fetcher, WIRE_SECOND / 5);
    stand_feed(fetcher, FROM(ACCEPTOR, 0, FETCH,
                             .fetch = {.from = wanted, .leader = WIRE_NO_REPLICA, .heard = heard, .held = held}));
}

/* The next message among the effects not looked at, or NULL. */
static const struct wire_message *next_message(struct stand *stand)
{
    while (stand->seen < stand->out.count) {
        const struct smr_effect *effect = &stand->out.effects[stand->seen++];
        if (effect->kind == SMR_SEND)
            return &effect->message;
        struct buf *line = effect->say.line;
        complaints += memmem(line->data, line->size, "so nothing", 10) != NULL;
    }
    return NULL;
}

/* As it would arrive from that actor of that replica. */
static struct wire_message relayed(const struct wire_message *m, enum wire_role as, wire_replica from)
{
    struct wire_message copy = *m;
    copy.sender = stand_sender(as, from);
    buf_ref(copy.payload);
    if (m->type == WIRE_MESSAGE_SNAPSHOT)
        copy.snapshot.peer = m->sender.replica;
    else if (m->type == WIRE_MESSAGE_SNAPSHOT_DENIED)
        copy.snapshot_denied.peer = m->sender.replica;
    return copy;
}

/* A question of the fetcher to whom it is for; the answer of that one back. */
static void carry(const struct wire_message *ask)
{
    wire_replica peer = ask->snapshot_ask.peer;
    asked[peer]++;
    if (servers[peer] == NULL)
        return;
    stand_forget(servers[peer]);
    stand_feed(servers[peer], relayed(ask, WIRE_ROLE_LEARNER, 0));
    const struct wire_message *answer = next_message(servers[peer]);
    while (answer != NULL && answer->type == WIRE_MESSAGE_STREAMING)
        answer = next_message(servers[peer]);
    ck_assert_ptr_nonnull(answer);
    stand_feed(fetcher, relayed(answer, WIRE_ROLE_ACCEPTOR, 0));
}

/* Carries questions and answers, at most that many, until something else is said. That, or NULL. */
static const struct wire_message *carry_on(int most)
{
    for (int i = 0; i < most; i++) {
        const struct wire_message *m = next_message(fetcher);
        if (m == NULL && fetcher->role.ops->deadline(fetcher->role.self) <= fetcher->now) {
            stand_pass(fetcher, 0);
            m = next_message(fetcher);
        }
        if (m == NULL)
            return NULL;
        if (m->type != WIRE_MESSAGE_SNAPSHOT_ASK)
            return m;
        carry(m);
    }
    return NULL;
}

static void assert_staged(wire_slot slot)
{
    const struct wire_message *m = carry_on(CARRIED_MAX);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->type, WIRE_MESSAGE_STAGED);
    ck_assert_uint_eq(m->staged.slot, slot);
}

static void install(wire_slot slot, bool yes)
{
    stand_feed(fetcher, FROM(APPLIER, 0, INSTALL, .install = {.slot = slot, .yes = yes}));
}

static void assert_installed(wire_slot slot, enum wire_error outcome)
{
    const struct wire_message *m = next_message(fetcher);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->type, WIRE_MESSAGE_INSTALLED);
    ck_assert_uint_eq(m->installed.slot, slot);
    ck_assert_int_eq((int)m->installed.outcome, (int)outcome);
}

/* The own base is what the peers' is. */
static void assert_same(void)
{
    struct buf *image = own.ops->image(own.self), *other = theirs[1].ops->image(theirs[1].self);
    ck_assert(span_equal(buf_span(image), buf_span(other)));
    buf_unref(&image);
    buf_unref(&other);
    void *view = own.ops->view_open(own.self);
    ck_assert_uint_eq(own.ops->view_pairs(view), PAIRS);
    own.ops->view_close(view);
    struct buf *value = own.ops->get(own.self, span_text("key017"));
    ck_assert(span_equal(buf_span(value), span_text("value17")));
    buf_unref(&value);
}

static void assert_untouched(void)
{
    struct buf *image = own.ops->image(own.self);
    ck_assert_ptr_null(image);
    ck_assert_ptr_null(own.ops->get(own.self, span_text("key017")));
}

/* --- the way it goes ---------------------------------------------------------------------------------- */

START_TEST(test_snapshot_becomes_the_base_once_the_applier_agrees)
{
    want(WIRE_NO_REPLICA);
    assert_staged(SLOT);
    assert_untouched();
    install(SLOT, true);
    assert_installed(SLOT, WIRE_OK);
    assert_same();
    ck_assert_uint_gt(counters()->pieces_staged, 5);
    install(SLOT, true); /* the answer got lost */
    assert_installed(SLOT, WIRE_OK);
    ck_assert_uint_eq(counters()->snapshots_installed, 1);
}
END_TEST

/* The next question, however long that takes. */
static const struct wire_message *await_ask(void)
{
    for (;;) {
        const struct wire_message *m = next_message(fetcher);
        if (m != NULL)
            return m;
        stand_pass(fetcher, WIRE_MS);
    }
}

/* How long the fetcher rests after a piece that took 10 ms. */
static wire_time rest(void)
{
    const struct wire_message *ask = await_ask();
    stand_pass(fetcher, 10 * WIRE_MS);
    carry(ask);
    wire_time came = fetcher->now;
    await_ask();
    fetcher->seen--;
    return fetcher->now - came;
}

START_TEST(test_snapshot_comes_with_rests_while_the_group_is_at_work)
{
    stand_free(fetcher);
    pace_bytes = PIECE_BYTES;
    begin_fetcher();
    want(WIRE_NO_REPLICA);
    ck_assert_int_eq(rest(), WIRE_PACE_REST * 10 * WIRE_MS); /* nobody knows yet whether it is */
    want_later(0, 0);
    ck_assert_int_eq(rest(), 0);
    want_later(1000, 0);
    ck_assert_int_ge(rest(), WIRE_PACE_REST * 10 * WIRE_MS);
    want_later(2000, 90); /* the log that is held for it is nearly too long */
    ck_assert_int_eq(rest(), 0);
    ck_assert_uint_eq(counters()->rests, 2);
    ck_assert_uint_eq(counters()->rests_forgone, 1);
    want_later(2000, 90);
    assert_staged(SLOT);
    install(SLOT, true);
    assert_installed(SLOT, WIRE_OK);
    assert_same();
}
END_TEST

START_TEST(test_snapshot_that_came_too_late_is_dropped)
{
    want(WIRE_NO_REPLICA);
    assert_staged(SLOT);
    install(SLOT, false);
    assert_untouched();
    ck_assert_ptr_null(own.ops->staged(own.self));
    install(SLOT, true); /* of an earlier question */
    assert_installed(SLOT, WIRE_NOT_FOUND);
    ck_assert_uint_eq(counters()->snapshots_dropped, 1);
}
END_TEST

START_TEST(test_snapshot_is_fetched_from_the_leader_only_if_nobody_else_has_it)
{
    want(1);
    assert_staged(SLOT);
    ck_assert_uint_eq(asked[1], 0);
    install(SLOT, false);
    end_server(2);
    want(1);
    carry_on(CARRIED_MAX);
    while (asked[1] == 0) {
        stand_pass(fetcher, WIRE_SECOND);
        want(1);
        carry_on(CARRIED_MAX);
    }
    ck_assert_uint_eq(counters()->servers_given_up, 1);
    ck_assert_uint_ge(fetcher->now, 10 * WIRE_SECOND + fetcher->config.timing.silence);
}
END_TEST

START_TEST(test_snapshot_goes_on_where_a_crash_left_it)
{
    want(WIRE_NO_REPLICA);
    carry_on(6);
    uint64_t before = asked[1] + asked[2];
    stand_free(fetcher);
    smr_memory_base_crash(own);
    begin_fetcher();
    want(WIRE_NO_REPLICA);
    assert_staged(SLOT);
    install(SLOT, true);
    assert_installed(SLOT, WIRE_OK);
    assert_same();
    ck_assert_uint_eq(counters()->fetches_resumed, 1);
    stand_free(fetcher);
    smr_memory_base_free(&own);
    own = smr_memory_base_new();
    begin_fetcher();
    uint64_t resumed = asked[1] + asked[2] - before;
    want(WIRE_NO_REPLICA);
    assert_staged(SLOT);
    ck_assert_uint_gt(asked[1] + asked[2] - before - resumed, resumed); /* all of it */
}
END_TEST

START_TEST(test_snapshot_is_begun_anew_if_nobody_has_the_same_any_more)
{
    want(WIRE_NO_REPLICA);
    carry_on(6);
    for (wire_replica i = 1; i < 3; i++)
        give(i, (struct state){.of = stand_sender(WIRE_ROLE_CLIENT, 0), .applied = SLOT + 5});
    assert_staged(SLOT + 5);
    install(SLOT + 5, true);
    assert_installed(SLOT + 5, WIRE_OK);
    assert_same();
    ck_assert_uint_eq(counters()->fetches_restarted, 1);
}
END_TEST

/* Only what is under way already, and that late. */
static const struct wire_message *carry_late(wire_time late)
{
    const struct wire_message *other = NULL;
    for (int i = 0; i < 8; i++) {
        want(WIRE_NO_REPLICA);
        stand_pass(fetcher, late / 8);
    }
    for (size_t end = fetcher->out.count; other == NULL && fetcher->seen < end;)
        other = carry_on(1);
    return other;
}

START_TEST(test_snapshot_is_got_from_slow_peers_that_have_not_the_same)
{
    const struct wire_message *m = NULL;
    give(2, (struct state){.of = stand_sender(WIRE_ROLE_CLIENT, 0), .applied = SLOT + 5});
    for (int i = 0; i < CARRIED_MAX && m == NULL; i++)
        m = carry_late(fetcher->config.timing.silence * 5 / 2);
    ck_assert_ptr_nonnull(m);
    ck_assert_int_eq(m->type, WIRE_MESSAGE_STAGED);
    ck_assert_uint_ge(counters()->fetches_restarted, 1);
}
END_TEST

START_TEST(test_people_are_told_now_and_then_that_no_peer_has_a_snapshot)
{
    complaints = 0;
    wanted = SLOT + 1;
    want(WIRE_NO_REPLICA);
    for (int s = 0; s < 61; s++) {
        want(WIRE_NO_REPLICA);
        carry_on(CARRIED_MAX);
        stand_pass(fetcher, WIRE_SECOND);
    }
    ck_assert_uint_eq(complaints, 2);
}
END_TEST

START_TEST(test_snapshot_is_not_wanted_for_ever)
{
    want(WIRE_NO_REPLICA);
    carry_on(6);
    end_server(1);
    end_server(2);
    stand_pass(fetcher, 60 * WIRE_SECOND);
    stand_forget(fetcher);
    stand_pass(fetcher, 60 * WIRE_SECOND);
    stand_nothing(fetcher);
    ck_assert_int_eq(fetcher->role.ops->deadline(fetcher->role.self), WIRE_NEVER);
}
END_TEST

START_TEST(test_snapshot_waits_for_room)
{
    want(WIRE_NO_REPLICA);
    carry_on(3);
    smr_memory_base_set_full(own, true);
    carry_on(CARRIED_MAX);
    ck_assert_uint_ge(counters()->stages_full, 1);
    smr_memory_base_set_full(own, false);
    want(WIRE_NO_REPLICA);
    stand_pass(fetcher, 2 * WIRE_SECOND);
    assert_staged(SLOT);
    smr_memory_base_set_full(own, true);
    install(SLOT, true);
    assert_installed(SLOT, WIRE_FULL);
    assert_untouched();
    smr_memory_base_set_full(own, false);
    stand_pass(fetcher, 2 * WIRE_SECOND);
    stand_forget(fetcher);
    install(SLOT, true);
    assert_installed(SLOT, WIRE_OK);
    assert_same();
}
END_TEST

/* A checkpoint goes on in the middle of it. */
START_TEST(test_snapshot_and_a_checkpoint_do_not_meet)
{
    struct state state = {.of = stand_sender(WIRE_ROLE_CLIENT, 0), .applied = 3};
    want(WIRE_NO_REPLICA);
    carry_on(6);
    fill(&own, &state); /* as a machine's save does */
    assert_staged(SLOT);
    install(SLOT, true);
    assert_installed(SLOT, WIRE_OK);
    assert_same();
}
END_TEST

/* What it was to be made of is gone by then: the base holds a later state. */
START_TEST(test_checkpoint_asked_for_again_after_an_install_is_not_written)
{
    want(WIRE_NO_REPLICA);
    assert_staged(SLOT);
    install(SLOT, true);
    assert_installed(SLOT, WIRE_OK);
    stand_feed(fetcher, FROM(APPLIER, 0, CHECKPOINT, .checkpoint = {.slot = SLOT - 1},
                             .payload = no_bytes()));
    const struct wire_message *m = next_message(fetcher);
    ck_assert_int_eq(m->type, WIRE_MESSAGE_CHECKPOINTED);
    ck_assert_int_eq(m->checkpointed.outcome, WIRE_OK);
    ck_assert_uint_eq(counters()->checkpoints_again, 1);
    assert_same();
}
END_TEST

/* --- what does not fit ---------------------------------------------------------------------------------- */

static void assert_refused(const char *why)
{
    bool said = false;
    want(WIRE_NO_REPLICA);
    for (int i = 0; i < CARRIED_MAX && !said; i++) {
        carry_on(1);
        for (size_t k = 0; k < fetcher->out.count; k++) {
            const struct smr_effect *effect = &fetcher->out.effects[k];
            ck_assert(effect->kind == SMR_SAY || effect->message.type != WIRE_MESSAGE_STAGED);
            if (effect->kind != SMR_SAY)
                continue;
            char line[300];
            snprintf(line, sizeof line, "%.*s", (int)effect->say.line->size,
                     (const char *)effect->say.line->data);
            said |= strstr(line, why) != NULL;
        }
    }
    ck_assert_msg(said, "nobody was told '%s'", why);
    ck_assert_uint_eq(counters()->snapshots_refused, 1);
    ck_assert_ptr_null(own.ops->staged(own.self));
    assert_untouched();
}

static void give_both(struct state state)
{
    give(1, state);
    give(2, state);
}

START_TEST(test_snapshot_of_another_group_is_refused)
{
    struct state state = {.of = stand_sender(WIRE_ROLE_CLIENT, 0), .applied = SLOT};
    state.of.group++;
    give_both(state);
    assert_refused("another group");
}
END_TEST

START_TEST(test_snapshot_of_another_cluster_is_refused)
{
    struct state state = {.of = stand_sender(WIRE_ROLE_CLIENT, 0), .applied = SLOT};
    state.of.cluster++;
    give_both(state);
    assert_refused("another group or cluster");
}
END_TEST

START_TEST(test_snapshot_with_other_pairs_than_its_image_says_is_refused)
{
    give_both((struct state){
        .of = stand_sender(WIRE_ROLE_CLIENT, 0), .applied = SLOT, .more = 1});
    assert_refused("its pairs are not those of its image");
}
END_TEST

/* The first question, and who was asked. */
static struct wire_message first_piece(void)
{
    want(WIRE_NO_REPLICA);
    const struct wire_message *ask = next_message(fetcher);
    wire_replica peer = ask->snapshot_ask.peer;
    stand_feed(servers[peer], relayed(ask, WIRE_ROLE_LEARNER, 0));
    return relayed(next_message(servers[peer]), WIRE_ROLE_ACCEPTOR, 0);
}

START_TEST(test_snapshot_with_pairs_that_make_no_sense_is_refused)
{
    struct wire_message piece = first_piece();
    struct wire_writer out = {0};
    smr_snapshot_put(&out, span_text("b"), span_text("1"));
    if (_i == 0)
        smr_snapshot_put(&out, span_text("a"), span_text("keys descend"));
    else if (_i == 1)
        smr_snapshot_put(&out, span_text("c"), span_of(NULL, 0));
    else if (_i == 2)
        wire_write_uint(&out, 7);
    else
        wire_writer_clear(&out); /* nothing, and not the last */
    buf_unref(&piece.payload);
    piece.payload = wire_writer_take(&out);
    stand_forget(fetcher);
    stand_feed(fetcher, piece);
    ck_assert_uint_eq(counters()->snapshots_refused, 1);
    ck_assert_uint_eq(counters()->pieces_staged, 0);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_snapshot_takes_no_piece_that_is_late_or_doubled_or_of_another_one)
{
    struct wire_message piece = first_piece(), again = piece, other = piece, stranger = piece;
    for (int i = 0; i < 3; i++)
        buf_ref(piece.payload);
    stand_feed(fetcher, piece);
    stand_pass(fetcher, 0);
    stand_feed(fetcher, again);
    other.snapshot.snapshot++;
    other.snapshot.place = next_message(fetcher)->snapshot_ask.place;
    stand_feed(fetcher, other);
    stranger.snapshot.place = other.snapshot.place;
    stranger.snapshot.peer = (wire_replica)(3 - stranger.snapshot.peer);
    stand_feed(fetcher, stranger);
    ck_assert_uint_eq(counters()->pieces_staged, 1);
    ck_assert_uint_eq(counters()->pieces_misplaced, 3);
    stand_pass(fetcher, WIRE_SECOND);
    assert_staged(SLOT);
}
END_TEST

/* --- serving -------------------------------------------------------------------------------------------- */

static struct wire_message ask_of(wire_replica from, wire_slot slot, wire_slot snapshot)
{
    struct wire_message m = FROM(LEARNER, from, SNAPSHOT_ASK,
                                 .snapshot_ask = {.peer = 1, .from = slot, .snapshot = snapshot});
    m.payload = no_bytes();
    return m;
}

static const struct wire_message *answer_to(struct wire_message ask)
{
    stand_forget(servers[1]);
    stand_feed(servers[1], ask);
    return next_message(servers[1]);
}

START_TEST(test_streamer_serves_one_peer_at_a_time)
{
    ck_assert_int_eq(answer_to(ask_of(0, WANTED, 0))->type, WIRE_MESSAGE_SNAPSHOT);
    const struct wire_message *m = answer_to(ask_of(2, WANTED, 0));
    ck_assert_int_eq(m->type, WIRE_MESSAGE_SNAPSHOT_DENIED);
    ck_assert(m->snapshot_denied.busy);
    stand_pass(servers[1], WIRE_STREAM_IDLE_MS * WIRE_MS); /* the first is gone */
    ck_assert_int_eq(answer_to(ask_of(2, WANTED, 0))->type, WIRE_MESSAGE_SNAPSHOT);
}
END_TEST

START_TEST(test_streamer_denies_what_it_does_not_have)
{
    const struct wire_message *m = answer_to(ask_of(0, SLOT + 1, 0));
    ck_assert_int_eq(m->type, WIRE_MESSAGE_SNAPSHOT_DENIED);
    ck_assert_uint_eq(m->snapshot_denied.newest, SLOT);
    m = answer_to(ask_of(0, WANTED, SLOT - 1));
    ck_assert_int_eq(m->type, WIRE_MESSAGE_SNAPSHOT_DENIED);
    ck_assert_uint_eq(m->snapshot_denied.snapshot, SLOT - 1);
    ck_assert_int_eq(servers[1]->role.ops->deadline(servers[1]->role.self), WIRE_NEVER);
    stand_forget(servers[1]);
    stand_feed(servers[1], ask_of(0, 0, 0)); /* no slot */
    stand_nothing(servers[1]);
    ck_assert_uint_eq(smr_streamer_counters(servers[1]->role)->senseless_messages, 1);
}
END_TEST

/* For a peer that lost its state, and needs one as new as its own log begins. */
START_TEST(test_streamer_has_a_newer_state_made_if_it_is_asked_for_one)
{
    ck_assert_int_eq(answer_to(ask_of(0, SLOT + 1, 0))->type, WIRE_MESSAGE_SNAPSHOT_DENIED);
    const struct wire_message *m = next_message(servers[1]);
    ck_assert_int_eq(m->type, WIRE_MESSAGE_SAVE);
    ck_assert_uint_eq(m->save.slot, SLOT + 1);
    answer_to(ask_of(0, SLOT + 1, 0));
    ck_assert_ptr_null(next_message(servers[1])); /* not with each question */
    stand_pass(servers[1], 2 * WIRE_SECOND);
    answer_to(ask_of(0, SLOT + 1, 0));
    ck_assert_int_eq(next_message(servers[1])->type, WIRE_MESSAGE_SAVE);
    answer_to(ask_of(0, WANTED, SLOT - 1)); /* another one than there is, but not a newer one */
    ck_assert_ptr_null(next_message(servers[1]));
}
END_TEST

START_TEST(test_streamer_tells_its_acceptor_to_hold_the_log)
{
    answer_to(ask_of(0, WANTED, 0));
    const struct wire_message *m = next_message(servers[1]);
    ck_assert_int_eq(m->type, WIRE_MESSAGE_STREAMING);
    ck_assert_uint_eq(m->streaming.slot, SLOT);
}
END_TEST

Suite *snapshot_suite(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tests = tcase_create("snapshot");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_snapshot_becomes_the_base_once_the_applier_agrees);
    tcase_add_test(tests, test_snapshot_comes_with_rests_while_the_group_is_at_work);
    tcase_add_test(tests, test_snapshot_that_came_too_late_is_dropped);
    tcase_add_test(tests, test_snapshot_is_fetched_from_the_leader_only_if_nobody_else_has_it);
    tcase_add_test(tests, test_snapshot_goes_on_where_a_crash_left_it);
    tcase_add_test(tests, test_snapshot_is_begun_anew_if_nobody_has_the_same_any_more);
    tcase_add_test(tests, test_snapshot_is_got_from_slow_peers_that_have_not_the_same);
    tcase_add_test(tests, test_people_are_told_now_and_then_that_no_peer_has_a_snapshot);
    tcase_add_test(tests, test_snapshot_is_not_wanted_for_ever);
    tcase_add_test(tests, test_snapshot_waits_for_room);
    tcase_add_test(tests, test_snapshot_and_a_checkpoint_do_not_meet);
    tcase_add_test(tests, test_checkpoint_asked_for_again_after_an_install_is_not_written);
    tcase_add_test(tests, test_snapshot_of_another_group_is_refused);
    tcase_add_test(tests, test_snapshot_of_another_cluster_is_refused);
    tcase_add_test(tests, test_snapshot_with_other_pairs_than_its_image_says_is_refused);
    tcase_add_loop_test(tests, test_snapshot_with_pairs_that_make_no_sense_is_refused, 0, 4);
    tcase_add_test(tests, test_snapshot_takes_no_piece_that_is_late_or_doubled_or_of_another_one);
    tcase_add_test(tests, test_streamer_serves_one_peer_at_a_time);
    tcase_add_test(tests, test_streamer_denies_what_it_does_not_have);
    tcase_add_test(tests, test_streamer_has_a_newer_state_made_if_it_is_asked_for_one);
    tcase_add_test(tests, test_streamer_tells_its_acceptor_to_hold_the_log);
    suite_add_tcase(suite, tests);
    return suite;
}
