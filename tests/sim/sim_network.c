/* What the network does to messages. Between replicas and between them and clients: loss, delay,
 * reordering, corruption, cut and clogged links in either direction; between replicas and for answers
 * also duplication; between replicas old messages come again much later. A client's request arrives
 * at most once, as over TCP: the client's core relies on that (client/core.h). Between the actors of
 * one replica order is kept, and the edges that may refuse a message sometimes do.
 *
 * An end of a link is a node's index, or SIM_NODES_MAX and a client's. */
#include "tests/sim/sim.h"

struct sim_letter sim_letter_write(const struct wire_message *message, enum wire_role to)
{
    struct wire_writer head = {0};
    wire_message_encode(message, &head);
    struct sim_letter letter = {.head = wire_writer_take(&head),
                                .payload = buf_ref(message->payload),
                                .to = to,
                                .client = message->client};
    wire_writer_free(&head);
    return letter;
}

static struct sim_letter copy_of(const struct sim_letter *letter)
{
    struct sim_letter copy = *letter;
    buf_ref(copy.head);
    buf_ref(copy.payload);
    return copy;
}

static wire_time delay(struct sim *sim)
{
    if (sim_chance(sim, sim->weather.straggle)) {
        sim->happenings->messages_straggled++;
        return (wire_time)sim_below(sim, WIRE_SECOND / 2);
    }
    return 20 + (wire_time)sim_below(sim, (uint64_t)sim->weather.delay_max);
}

static void keep_for_replay(struct sim *sim, const struct sim_letter *letter, int to, bool vote)
{
    size_t place = (size_t)sim_below(sim, SIM_REPLAYS / 2) + (vote ? SIM_REPLAYS / 2 : 0);
    sim_letter_free(&sim->replays[place]);
    sim->replays[place] = copy_of(letter);
    sim->replay_to[place] = to;
}

void sim_network_replay(struct sim *sim)
{
    size_t place = (size_t)sim_below(sim, SIM_REPLAYS);
    if (sim->replays[place].head == NULL)
        return;
    sim->happenings->messages_replayed++;
    sim_schedule(sim, sim->now + delay(sim),
                 (struct sim_event){.kind = SIM_ARRIVE,
                                    .node = sim->replay_to[place],
                                    .client = -1,
                                    .letter = copy_of(&sim->replays[place])});
}

void sim_network_free(struct sim *sim)
{
    for (size_t i = 0; i < SIM_REPLAYS; i++)
        sim_letter_free(&sim->replays[i]);
}

static struct sim_node *node_of(struct sim *sim, int group_index, wire_replica replica)
{
    return &sim->nodes[sim->groups[group_index].first_node + replica];
}

/* Within a replica: the actors' own queues. */
static void send_inside(struct sim *sim, struct sim_node *node, struct sim_letter letter,
                        enum wire_type type)
{
    bool about_base = type == WIRE_MESSAGE_CHECKPOINT || type == WIRE_MESSAGE_CHECKPOINTED ||
                      type == WIRE_MESSAGE_PRESSURE || type == WIRE_MESSAGE_SAVE ||
                      (type >= WIRE_MESSAGE_FETCH && type <= WIRE_MESSAGE_INSTALLED);
    bool may_refuse = type == WIRE_MESSAGE_CHOSEN || type == WIRE_MESSAGE_APPLIED ||
                      type == WIRE_MESSAGE_CHOOSE || type == WIRE_MESSAGE_HEARD ||
                      type == WIRE_MESSAGE_ACCEPT || type == WIRE_MESSAGE_ACCEPTED ||
                      type == WIRE_MESSAGE_ATTACH || type == WIRE_MESSAGE_STORED ||
                      type == WIRE_MESSAGE_LINK || type == WIRE_MESSAGE_LINKED ||
                      type == WIRE_MESSAGE_TAIL_ASK || type == WIRE_MESSAGE_TAIL_TELL ||
                      type == WIRE_MESSAGE_PULSE || type == WIRE_MESSAGE_VIEW ||
                      about_base;
    if (may_refuse && sim_chance(sim, sim->weather.inproc_loss)) {
        sim->happenings->inproc_lost++;
        sim_letter_free(&letter);
        return;
    }
    sim_node_deliver(sim, node, letter);
}

/* --- links ------------------------------------------------------------------------------------------ */

/* What becomes of a message on its way from one end to another. */
struct passage {
    int from, to;                     /* ends */
    bool may_double;                  /* it may arrive twice */
    const struct wire_message *sent;  /* what the letter says */
};

static void lose(struct sim *sim, struct sim_letter *letter)
{
    sim->happenings->messages_lost++;
    sim_letter_free(letter);
}

/* True: the link is cut or clogged, and the event was taken care of. */
static bool held_up(struct sim *sim, const struct passage *passage, struct sim_event *event)
{
    wire_time clogged_until = sim->clogged_until[passage->from][passage->to];
    if (sim->cut[passage->from][passage->to]) {
        if (sim_chance(sim, sim->weather.buffering)) {
            /* TCP keeps it and delivers it when the way is free again. */
            sim->happenings->messages_buffered++;
            sim_schedule(sim, sim->now + (wire_time)sim_below(sim, 5 * WIRE_SECOND), *event);
        } else {
            lose(sim, &event->letter);
        }
        return true;
    }
    if (clogged_until > sim->now) {
        /* Nothing is lost, and all comes at once, in the order it was sent. */
        sim->happenings->messages_clogged++;
        sim_schedule(sim, clogged_until, *event);
        return true;
    }
    return false;
}

/* Takes over the letter in the event. */
static void send_outside(struct sim *sim, const struct passage *passage, struct sim_event event)
{
    sim->happenings->messages++;
    if (held_up(sim, passage, &event))
        return;
    if (sim_chance(sim, sim->weather.loss)) {
        lose(sim, &event.letter);
        return;
    }
    if (passage->may_double && sim_chance(sim, sim->weather.duplication)) {
        struct sim_event twin = event;
        twin.letter = copy_of(&event.letter);
        sim->happenings->messages_doubled++;
        sim_schedule(sim, sim->now + delay(sim), twin);
    }
    wire_time takes = delay(sim);
    if (sim_chance(sim, sim->weather.corruption) &&
        !sim_wire_corrupt(sim, &event.letter, passage->sent))
        takes += 200 * WIRE_MS; /* TCP sends it again */
    sim_schedule(sim, sim->now + takes, event);
}

/* --- between replicas --------------------------------------------------------------------------------- */

static void send_to_replica(struct sim *sim, struct sim_node *from, struct sim_node *to,
                            struct sim_letter letter, const struct wire_message *message)
{
    struct passage passage = {
        .from = from->index, .to = to->index, .may_double = true, .sent = message};
    if (sim_chance(sim, sim->weather.forgery)) {
        struct sim_letter forged = sim_wire_forge(sim, message, letter.to);
        if (forged.head != NULL) {
            sim_letter_free(&letter);
            letter = forged;
        }
    }
    if (sim_chance(sim, sim->weather.replay))
        keep_for_replay(sim, &letter, to->index, message->type == WIRE_MESSAGE_ACCEPTED);
    send_outside(sim, &passage,
                 (struct sim_event){
                     .kind = SIM_ARRIVE, .node = to->index, .client = -1, .letter = letter});
}

/* A courier's question, as a client of the managers; if it cannot be taken it is lost. */
static void send_to_manager(struct sim *sim, struct sim_node *from,
                            const struct smr_effect *effect)
{
    struct sim_node *to = node_of(sim, 0, effect->to_replica);
    struct passage passage = {.from = from->index, .to = to->index, .sent = &effect->message};
    if (!to->alive)
        return;
    struct sim_letter letter = sim_letter_write(&effect->message, WIRE_ROLE_API);
    letter.client = (struct wire_client){.size = 3,
                                         .bytes = {(uint8_t)(SIM_CLIENTS_MAX + from->index),
                                                   (uint8_t)(from->life >> 8), (uint8_t)from->life}};
    send_outside(sim, &passage,
                 (struct sim_event){
                     .kind = SIM_ARRIVE, .node = to->index, .client = -1, .letter = letter});
}

static void send_to_courier(struct sim *sim, struct sim_node *from,
                            const struct wire_message *message)
{
    const uint8_t *connection = message->client.bytes;
    struct sim_node *to = &sim->nodes[connection[0] - SIM_CLIENTS_MAX];
    struct passage passage = {
        .from = from->index, .to = to->index, .may_double = true, .sent = message};
    if (to->life != ((uint64_t)connection[1] << 8 | connection[2]))
        return;
    struct sim_letter letter = sim_letter_write(message, WIRE_ROLE_COURIER);
    letter.client = (struct wire_client){0};
    send_outside(sim, &passage,
                 (struct sim_event){.kind = SIM_ARRIVE,
                                    .node = to->index,
                                    .client = -1,
                                    .life = to->life,
                                    .letter = letter});
}

void sim_network_send(struct sim *sim, struct sim_node *from, const struct smr_effect *effect)
{
    if (effect->to == WIRE_ROLE_MANAGER) {
        send_to_manager(sim, from, effect);
        return;
    }
    if (effect->to == WIRE_ROLE_CLIENT) {
        sim_network_to_client(sim, from, &effect->message);
        return;
    }
    struct sim_node *to = node_of(sim, from->group_index, effect->to_replica);
    struct sim_letter letter = sim_letter_write(&effect->message, effect->to);
    sim_check_spoken(sim, from, effect->to_replica, &effect->message);
    if (to == from)
        send_inside(sim, from, letter, effect->message.type);
    else
        send_to_replica(sim, from, to, letter, &effect->message);
}

/* --- between replicas and clients ----------------------------------------------------------------------- */

static struct wire_client connection_of(const struct sim_client *client)
{
    return (struct wire_client){.size = 3,
                                .bytes = {(uint8_t)client->index, (uint8_t)(client->life >> 8),
                                          (uint8_t)client->life}};
}

void sim_network_to_client(struct sim *sim, struct sim_node *from,
                           const struct wire_message *message)
{
    const uint8_t *connection = message->client.bytes;
    assert(message->client.size == 3);
    if (connection[0] >= SIM_CLIENTS_MAX) {
        send_to_courier(sim, from, message);
        return;
    }
    assert(connection[0] < sim->client_count);
    struct passage passage = {.from = from->index,
                              .to = SIM_NODES_MAX + connection[0],
                              .may_double = true,
                              .sent = message};
    send_outside(sim, &passage,
                 (struct sim_event){.kind = SIM_CLIENT_ARRIVE,
                                    .node = from->index,
                                    .client = connection[0],
                                    .life = (uint64_t)connection[1] << 8 | connection[2],
                                    .letter = sim_letter_write(message, WIRE_ROLE_CLIENT)});
}

bool sim_network_from_client(struct sim *sim, struct sim_client *from, struct sim_node *to,
                             const struct wire_message *message)
{
    if (!to->alive)
        return false;
    struct passage passage = {
        .from = SIM_NODES_MAX + from->index, .to = to->index, .sent = message};
    struct sim_letter letter = sim_letter_write(message, WIRE_ROLE_API);
    letter.client = connection_of(from);
    send_outside(sim, &passage,
                 (struct sim_event){
                     .kind = SIM_ARRIVE, .node = to->index, .client = -1, .letter = letter});
    return true;
}
