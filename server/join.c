#include "server/join.h"

#include <assert.h>
#include <inttypes.h>
#include <time.h>

#include "actors/process.h"
#include "client/ask.h"
#include "wire/figures.h"
#include "wire/hash.h"
#include "wire/map.h"
#include "wire/say.h"

enum {
    RETRY_MS = 200,  /* between two questions to managers that have founded nothing yet */
    CHECK_MS = 1000, /* for managers to contradict a server that could do without them */
    STATUS_MS = 500, /* for the other replicas of the group to say what they remember */
};

/* One call to the managers, for timeout_ms or, below 0, as long as it takes. False: no answer in
 * time. *map is the caller's to free. */
static bool ask_managers(const struct node *self, enum wire_call_kind kind,
                         const struct wire_map_call *call, int64_t timeout_ms,
                         enum wire_map_verdict *verdict, struct wire_map *map)
{
    struct wire_writer body = {0}, answer = {0};
    wire_map_call_encode(call, &body);
    enum wire_error error = client_ask(self->managers, self->manager_count, kind,
                                       wire_writer_span(&body), timeout_ms, &answer);
    bool answered = error != WIRE_FAILED;
    if (error == WIRE_OK)
        error = wire_map_answer_decode(wire_writer_span(&answer), verdict, map);
    if (answered && error != WIRE_OK)
        wire_say_die(WIRE_EXIT_FAILED, "the managers gave no answer that makes sense: %s",
                     wire_error_text(error));
    assert(answered || timeout_ms >= 0);
    wire_writer_free(&body);
    wire_writer_free(&answer);
    return answered;
}

static struct wire_map learn_map(const struct node *self)
{
    const struct wire_map_call call = {.op = WIRE_MAP_GET};
    enum wire_map_verdict verdict;
    struct wire_map map = {0};
    while (ask_managers(self, WIRE_CALL_READ, &call, -1, &verdict, &map) &&
           verdict == WIRE_MAP_NOT_FOUNDED) {
        const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
        wire_map_free(&map);
        nanosleep(&pause, NULL);
    }
    return map;
}

static void check_topology(const struct node *node, const struct wire_map *map)
{
    uint64_t cluster = node_identity(node)->cluster;
    if (cluster != 0 && cluster != map->cluster)
        wire_say_die(WIRE_EXIT_IDENTITY,
                     "backer_path '%s' belongs to cluster %016" PRIx64 ", these managers founded "
                     "%016" PRIx64 "; give it a directory of its own",
                     node->backer_path, cluster, map->cluster);
    if (map->protocol != node->protocol)
        wire_say_die(WIRE_EXIT_TOPOLOGY,
                     "--protocol: given '%s', but the managers founded a cluster of --protocol %s",
                     wire_protocol_text(node->protocol), wire_protocol_text(map->protocol));
    if (map->server_rf != node->replica_count)
        wire_say_die(
            WIRE_EXIT_TOPOLOGY,
            "--peer_addrs: names %u other replicas, but the managers founded groups of %u, "
            "so it must name %u",
            node->replica_count - 1u, map->server_rf, map->server_rf - 1u);
    if (node->group >= wire_map_partition_count(map))
        wire_say_die(WIRE_EXIT_TOPOLOGY,
                     "--partition_id: %" PRIu32 " is not one of the %" PRIu32
                     " partitions that the managers founded",
                     node->group, wire_map_partition_count(map));
}

/* The disk of this replica that the managers know. */
static struct wire_birth registered(const struct node *node, const struct wire_map *map)
{
    return map->servers[node->group * map->server_rf + node->replica].birth;
}

/* Alone in its group there is nobody to ask for what the disk before held. A replica without a directory
 * forgets everything at each end on purpose. */
static void accept_loss(const struct node *node)
{
    if (node->backer_path == NULL)
        wire_say("started before; what it held then was in memory only and is gone");
    else if (node->accept_data_loss)
        wire_say("started before from another directory; what it held is lost, as "
                 "--accept_data_loss allows");
    else
        wire_say_die(WIRE_EXIT_IDENTITY,
                     "this replica, alone in its group, served before from another directory than "
                     "'%s', so starting it with this one loses all it held; give --backer_path that "
                     "one, or --accept_data_loss",
                     node->backer_path);
}

/* --- reborn among others ------------------------------------------------------------------------------ */

static bool is_in_chain(const struct node *node)
{
    return node->protocol == WIRE_PROTOCOL_CHAIN;
}

/* How many others have to remember, for a replica that does not to come back: so many that vote, or of a
 * chain one that holds everything, which is who answers reads. */
static unsigned others_needed(const struct node *node)
{
    return is_in_chain(node) ? 1 : smr_quorum(node->replica_count);
}

static bool says_it_remembers(const struct node *node, const struct client_status *answer)
{
    const char *name = is_in_chain(node) ? "chain.serves_reads" : "acceptor.admitted";
    struct wire_reader in = wire_reader_of(wire_writer_span(&answer->figures));
    struct wire_figure figure;
    while (wire_figure_next(&in, &figure)) {
        if (span_equal(figure.name, span_text(name)) && !figure.is_text)
            return figure.number != 0;
    }
    return false;
}

/* One round of STATUS: how many other replicas of the group remember. A process that serves as this one ends
 * this one. *silent: the first that does not. */
static unsigned count_others(const struct node *node, const struct wire_map *map,
                             wire_replica *silent)
{
    const char *addresses[WIRE_REPLICA_COUNT_MAX];
    struct client_status answers[WIRE_REPLICA_COUNT_MAX] = {{0}};
    unsigned count = 0;
    for (wire_replica i = 0; i < node->replica_count; i++)
        addresses[i] = map->servers[node->group * map->server_rf + i].address;
    client_status_many(addresses, node->replica_count, STATUS_MS, answers);
    *silent = WIRE_NO_REPLICA;
    for (wire_replica i = 0; i < node->replica_count; i++) {
        bool there = answers[i].error == WIRE_OK && answers[i].sender.group == node->group &&
                     answers[i].sender.replica == i && answers[i].sender.cluster == map->cluster;
        bool remembers = there && says_it_remembers(node, &answers[i]);
        wire_writer_free(&answers[i].figures);
        if (there && i == node->replica)
            wire_say_die(WIRE_EXIT_IDENTITY,
                         "this replica is up already, at %s, with another directory than '%s'; end "
                         "that one first",
                         addresses[i], node->backer_path == NULL ? "none" : node->backer_path);
        count += remembers;
        if (!remembers && i != node->replica && *silent == WIRE_NO_REPLICA)
            *silent = i;
    }
    return count;
}

static void say_waiting(const struct node *node, wire_replica silent)
{
    if (is_in_chain(node))
        wire_say("reborn: this replica had another disk before, and comes back only while another one of "
                 "its chain holds all that was answered; waiting, for replica %u first",
                 silent);
    else
        wire_say("reborn: this replica had another disk before, and comes back only among %u of the "
                 "%u others that have theirs; waiting, for replica %u first",
                 others_needed(node), node->replica_count - 1u, silent);
}

/* Being registered puts the disk before out of date for good, so that is put off until it is not missed:
 * while a majority of the group, itself left out, votes, or somebody else of the chain holds everything. If
 * they were all started on wrong directories, the right ones are still good. */
static void wait_for_others(const struct node *node, const struct wire_map *map)
{
    const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
    wire_replica silent;
    bool said = false;
    while (count_others(node, map, &silent) < others_needed(node)) {
        if (!said)
            say_waiting(node, silent);
        said = true;
        nanosleep(&pause, NULL);
    }
}

/* A directory whose birth is not known yet must have one of a later generation than all that are. */
static void choose_birth(struct node *node, const struct wire_map *map)
{
    struct wire_birth known = registered(node, map);
    struct wire_birth own = node_identity(node)->birth;
    if (own.generation > 0 && birth_equal(own, known))
        return;
    if (known.generation > 0 && node->replica_count == 1)
        accept_loss(node);
    else if (known.generation > 0)
        wait_for_others(node, map);
    if (own.generation <= known.generation)
        node_take_birth(node, known.generation + 1);
}

/* Until the managers have logged it; *map is as they know it last. */
static void register_birth(struct node *node, struct wire_map *map)
{
    enum wire_map_verdict verdict = WIRE_MAP_REBORN;
    while (verdict == WIRE_MAP_REBORN) {
        choose_birth(node, map);
        const struct wire_map_call call = {
            .op = WIRE_MAP_REGISTER,
            .cluster = map->cluster,
            .partition = node->group,
            .replica = node->replica,
            .birth = node_identity(node)->birth,
        };
        struct wire_map next = {0};
        ask_managers(node, WIRE_CALL_PLAIN, &call, -1, &verdict, &next);
        if (verdict != WIRE_MAP_OK && verdict != WIRE_MAP_REBORN)
            wire_say_die(WIRE_EXIT_TOPOLOGY,
                         "the managers know no replica %u of partition %" PRIu32 " in cluster "
                         "%016" PRIx64,
                         node->replica, node->group, map->cluster);
        wire_map_free(map);
        *map = next;
    }
}

/* The first disk may vote now, one that is alone too; a later one asks its peers once it serves, and in a
 * chain nobody votes: the managers say which disks are members. Admitted first: a first disk that knows its
 * cluster but may not vote would wait for ever. */
static void settle_in(struct node *node, uint64_t cluster, uint32_t partitions)
{
    if (node_identity(node)->birth.generation == 1 || node->replica_count == 1 || is_in_chain(node))
        node_admit(node);
    struct wire_identity identity = *node_identity(node);
    identity.cluster = cluster;
    identity.partitions = partitions;
    node_put_identity(node, &identity);
}

static void check_known(const struct node *node, const struct wire_map *map)
{
    check_topology(node, map);
    uint32_t known = registered(node, map).generation;
    uint32_t own = node_identity(node)->birth.generation;
    if (known > own)
        wire_say_die(WIRE_EXIT_IDENTITY,
                     "backer_path '%s' is out of date: it is disk %" PRIu32 " of this replica, which "
                     "was started from disk %" PRIu32 " since; give it that one, or an empty directory",
                     node->backer_path, own, known);
}

/* A directory that was founded serves without managers. But if they are there, and are those of
 * another cluster or other flags, its owner wants to hear that before clients wait in vain. */
static void check_founded(const struct node *node)
{
    const struct wire_map_call call = {.op = WIRE_MAP_GET};
    enum wire_map_verdict verdict;
    struct wire_map map = {0};
    if (!ask_managers(node, WIRE_CALL_READ, &call, CHECK_MS, &verdict, &map))
        wire_say("the managers do not answer; serving as founded, in cluster %016" PRIx64,
                 node_identity(node)->cluster);
    else if (verdict != WIRE_MAP_NOT_FOUNDED)
        check_known(node, &map);
    wire_map_free(&map);
}

void server_join(struct node *node)
{
    assert(node->manager_count >= 1);
    bool may_wait = node_identity(node)->birth.generation > 1; /* for its peers, once it serves */
    if (node_identity(node)->cluster != 0 && (node_is_admitted(node) || may_wait)) {
        check_founded(node);
        return;
    }
    struct wire_map map = learn_map(node);
    check_topology(node, &map);
    register_birth(node, &map);
    settle_in(node, map.cluster, wire_map_partition_count(&map));
    wire_map_free(&map);
}

void server_stand_alone(struct node *node)
{
    node_ensure_birth(node);
    if (!node_is_admitted(node) || node_identity(node)->cluster == 0)
        settle_in(node, server_alone_cluster(), 1);
}

uint64_t server_alone_cluster(void)
{
    return wire_hash(span_text("a cluster without managers"));
}
