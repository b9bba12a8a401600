/* What the network does to messages. Between replicas: loss, delay, reordering, duplication, cuts in
 * one direction, and old messages that come again much later. Between the actors of one replica:
 * order is kept, and the edges that may refuse a message sometimes do. */
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
    bool may_refuse = type == WIRE_MESSAGE_CHOSEN || type == WIRE_MESSAGE_APPLIED ||
                      type == WIRE_MESSAGE_CHOOSE || type == WIRE_MESSAGE_HEARD ||
                      type == WIRE_MESSAGE_ACCEPT || type == WIRE_MESSAGE_ACCEPTED ||
                      type == WIRE_MESSAGE_ATTACH;
    if (may_refuse && sim_chance(sim, sim->weather.inproc_loss)) {
        sim->happenings->inproc_lost++;
        sim_letter_free(&letter);
        return;
    }
    sim_node_deliver(sim, node, letter);
}

static void send_outside(struct sim *sim, struct sim_node *from, struct sim_node *to,
                         struct sim_letter letter, bool vote)
{
    sim->happenings->messages++;
    bool cut = sim->cut[from->index][to->index];
    if (cut && sim_chance(sim, sim->weather.buffering)) {
        /* TCP keeps it and delivers it when the way is free again. */
        sim->happenings->messages_buffered++;
        sim_schedule(sim, sim->now + (wire_time)sim_below(sim, 5 * WIRE_SECOND),
                     (struct sim_event){
                         .kind = SIM_ARRIVE, .node = to->index, .client = -1, .letter = letter});
        return;
    }
    if (cut || sim_chance(sim, sim->weather.loss)) {
        sim->happenings->messages_lost++;
        sim_letter_free(&letter);
        return;
    }
    struct sim_event event = {
        .kind = SIM_ARRIVE, .node = to->index, .client = -1, .letter = letter};
    if (sim_chance(sim, sim->weather.duplication)) {
        struct sim_event twin = event;
        twin.letter = copy_of(&letter);
        sim->happenings->messages_doubled++;
        sim_schedule(sim, sim->now + delay(sim), twin);
    }
    if (sim_chance(sim, sim->weather.replay))
        keep_for_replay(sim, &letter, to->index, vote);
    sim_schedule(sim, sim->now + delay(sim), event);
}

void sim_network_send(struct sim *sim, struct sim_node *from, const struct smr_effect *effect)
{
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
        send_outside(sim, from, to, letter, effect->message.type == WIRE_MESSAGE_ACCEPTED);
}

void sim_network_to_client(struct sim *sim, struct sim_node *from,
                           const struct wire_message *message)
{
    int client = message->client.bytes[0];
    if (sim_chance(sim, sim->weather.loss)) {
        sim->happenings->messages_lost++;
        return;
    }
    int copies = 1 + sim_chance(sim, sim->weather.duplication);
    for (int i = 0; i < copies; i++) {
        sim_schedule(sim, sim->now + delay(sim),
                     (struct sim_event){.kind = SIM_CLIENT_ARRIVE,
                                        .node = from->index,
                                        .client = client,
                                        .letter = sim_letter_write(message, WIRE_ROLE_CLIENT)});
    }
}

bool sim_network_from_client(struct sim *sim, struct sim_client *from, struct sim_node *to,
                             const struct wire_message *message)
{
    if (!to->alive)
        return false;
    if (sim_chance(sim, sim->weather.loss)) {
        sim->happenings->messages_lost++;
        return true;
    }
    struct sim_letter letter = sim_letter_write(message, WIRE_ROLE_API);
    letter.client = (struct wire_client){.size = 1, .bytes = {(uint8_t)from->index}};
    sim_schedule(sim, sim->now + delay(sim),
                 (struct sim_event){
                     .kind = SIM_ARRIVE, .node = to->index, .client = -1, .letter = letter});
    return true;
}
