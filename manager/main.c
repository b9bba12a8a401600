/* madkv-manager: one replica of the group that keeps the cluster map. */
#include <stdio.h>
#include <stdlib.h>

#include "actors/node.h"
#include "actors/process.h"
#include "manager/map_machine.h"
#include "manager/oracle.h"
#include "wire/map.h"
#include "wire/say.h"

/* What the command line said. */
struct settings {
    struct node_flags node;   /* what every node takes */
    uint64_t server_rf;       /* replicas of a partition */
    const char *server_addrs; /* the servers' client addresses */
    const char *protocol;     /* how the servers' replicas agree */
};

static struct settings settings = {
    .node = {.listen_flag = "man_listen",
             .checkpoint_mb = NODE_CHECKPOINT_MB,
             .log_tail_mb = NODE_LOG_TAIL_MB},
    .protocol = "multipaxos",
};

static const struct wire_flag flags[] = {
    {.name = "replica_id",
     .argument = "N",
     .help = "which manager",
     .number = &settings.node.replica_id,
     .max = WIRE_REPLICA_COUNT_MAX - 1,
     .required = true},
    {.name = "man_listen",
     .argument = "ADDRESS",
     .help = "where servers and clients connect",
     .text = &settings.node.listen,
     .required = true},
    {.name = "p2p_listen",
     .argument = "ADDRESS",
     .help = "where the other managers connect (needed with peers)",
     .text = &settings.node.p2p_listen},
    {.name = "peer_addrs",
     .argument = "ADDRESS,...",
     .help = "the other managers' p2p addresses by replica, or none",
     .text = &settings.node.peer_addrs},
    {.name = "server_rf",
     .argument = "N",
     .help = "replicas of a partition: 1, 3, 5, 7 or 9",
     .number = &settings.server_rf,
     .min = 1,
     .max = WIRE_REPLICA_COUNT_MAX,
     .required = true},
    {.name = "server_addrs",
     .argument = "ADDRESS,...",
     .help = "all servers' api addresses, by partition, then replica",
     .text = &settings.server_addrs,
     .required = true},
    {.name = "backer_path",
     .argument = "PATH",
     .help = "directory of the data, or none: in memory",
     .text = &settings.node.backer_path,
     .required = true},
    {.name = "protocol",
     .argument = "multipaxos|chain",
     .help = node_protocol_help,
     .text = &settings.protocol},
    {.name = "threads",
     .argument = "role|fused",
     .help = "a thread per role, or one for all but the log (default role)",
     .text = &settings.node.threads},
    {.name = "spin_us",
     .argument = "N",
     .help = "while calls come, threads look for the next one so long before they sleep (default 0)",
     .number = &settings.node.spin_us,
     .max = NODE_SPIN_US_MAX},
    {.name = "checkpoint_mb",
     .argument = "N",
     .help = node_checkpoint_mb_help,
     .number = &settings.node.checkpoint_mb,
     .min = 1,
     .max = NODE_CHECKPOINT_MB_MAX},
    {.name = "log_tail_mb",
     .argument = "N",
     .help = node_log_tail_mb_help,
     .number = &settings.node.log_tail_mb,
     .max = NODE_LOG_TAIL_MB_MAX},
    {.name = "allow_admin",
     .help = "take orders on the clients' port: move the leader, make a checkpoint",
     .on = &settings.node.allow_admin},
    {.name = "accept_data_loss",
     .help = node_accept_data_loss_help,
     .on = &settings.node.accept_data_loss},
};

static const struct wire_program program = {
    .name = "madkv-manager",
    .purpose = "Serves one replica of the managers of a MadKV cluster.",
    .more = node_exit_statuses,
    .flags = flags,
    .flag_count = sizeof flags / sizeof flags[0],
};

/* --- the topology ----------------------------------------------------------------------------- */

static void check_counts(size_t count)
{
    char given[24];
    snprintf(given, sizeof given, "%u", (unsigned)settings.server_rf);
    if (settings.server_rf % 2 == 0)
        wire_flags_fail(&program, "server_rf", given, "1, 3, 5, 7 or 9");
    snprintf(given, sizeof given, "%zu addresses", count);
    if (count == 0 || count % settings.server_rf != 0)
        wire_flags_fail(&program, "server_addrs", given,
                        "%u for each partition (--server_rf), at least one partition",
                        (unsigned)settings.server_rf);
    if (count / settings.server_rf > WIRE_PARTITION_COUNT_MAX)
        wire_flags_fail(&program, "server_addrs", given, "at most %d partitions",
                        WIRE_PARTITION_COUNT_MAX);
}

/* Two replicas under one address would be one. */
static void check_distinct(const struct wire_map *map)
{
    for (uint32_t i = 0; i < map->server_count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(map->servers[i].address, map->servers[k].address) == 0)
                wire_flags_fail(&program, "server_addrs", map->servers[i].address,
                                "each address once");
}

static struct wire_map take_map(void)
{
    static struct wire_address listed[WIRE_SERVER_COUNT_MAX];
    const char *problem;
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    size_t count = 0;
    if (wire_address_list_parse(settings.server_addrs, listed, WIRE_SERVER_COUNT_MAX, &count,
                                &problem, bad_part) != WIRE_OK)
        wire_flags_fail(&program, "server_addrs", bad_part, "%s", problem);
    check_counts(count);
    struct wire_map map = {.server_rf = (uint8_t)settings.server_rf,
                           .protocol = node_take_protocol(&program, settings.protocol),
                           .server_count = (uint32_t)count};
    map.servers = wire_calloc(count, sizeof *map.servers);
    for (size_t i = 0; i < count; i++)
        memcpy(map.servers[i].address, listed[i].text, sizeof listed[i].text);
    check_distinct(&map);
    return map;
}

/* For people: "3 managers, --server_rf 3 --protocol chain --server_addrs a,b,c". */
static struct buf *describe(uint8_t manager_count, const struct wire_map *map)
{
    struct wire_writer text = {0};
    char head[96];
    bool plain = map->protocol == WIRE_PROTOCOL_MULTIPAXOS;
    snprintf(head, sizeof head, "%u manager%s, --server_rf %u%s%s --server_addrs ", manager_count,
             manager_count == 1 ? "" : "s", map->server_rf, plain ? "" : " --protocol ",
             plain ? "" : wire_protocol_text(map->protocol));
    wire_write_raw(&text, span_text(head));
    for (uint32_t i = 0; i < map->server_count; i++) {
        wire_write_raw(&text, span_text(i == 0 ? "" : ","));
        wire_write_raw(&text, span_text(map->servers[i].address));
    }
    wire_write_raw(&text, span_of("", 1));
    struct buf *description = wire_writer_take(&text);
    wire_writer_free(&text);
    return description;
}

/* The directories of the others were founded with other flags than ours. */
static void end_on_conflict(void *context, const struct wire_map *founded,
                            const struct wire_map *asked)
{
    const uint8_t *manager_count = context;
    struct buf *theirs = describe(*manager_count, founded);
    struct buf *ours = describe(*manager_count, asked);
    wire_say_die(WIRE_EXIT_TOPOLOGY, "the cluster was founded with %.400s; the flags say %.400s",
                 (const char *)theirs->data, (const char *)ours->data);
}

/* The first command of every leader: the first one ever chosen founds the cluster. A group that
 * keeps nothing must found the same cluster again, or its servers would not know it. */
static struct buf *founding_call(const struct node *node, const struct wire_map *map,
                                 uint64_t topology)
{
    struct wire_writer out = {0};
    struct wire_map_call call = {.op = WIRE_MAP_FOUND, .map = *map};
    call.map.cluster = node->backer_path == NULL ? topology : node_random();
    wire_map_call_encode(&call, &out);
    struct buf *opening = wire_writer_take(&out);
    wire_writer_free(&out);
    return opening;
}

/* Of chains the managers are the oracle, which may forget nothing. */
static void oversee_chains(struct node *node, const struct wire_map *map)
{
    if (node->backer_path == NULL)
        wire_flags_fail(&program, "backer_path", settings.node.backer_path,
                        "a directory with --protocol chain: who is in a chain must not be forgotten");
    node->overseer = oracle_new(wire_map_partition_count(map), map->server_rf, node_random());
}

int main(int argc, char **argv)
{
    static struct node node;
    wire_flags_parse(&program, argc, argv);
    struct wire_map map = take_map();
    node_init(&node, &program, WIRE_GROUP_MANAGERS, &settings.node);
    if (map.protocol == WIRE_PROTOCOL_CHAIN)
        oversee_chains(&node, &map);
    node.context = process_begin();

    const uint64_t topology = wire_map_topology(node.replica_count, &map);
    const struct wire_identity known = {.topology = topology};
    struct buf *description = describe(node.replica_count, &map);
    node_open(&node, &known, (const char *)description->data);
    node_ensure_birth(&node);
    /* Alone there is nobody to ask; in a group the acceptor asks the others (ARCHITECTURE 8). */
    if (node.replica_count == 1 && !node_is_admitted(&node))
        node_admit(&node);

    const struct map_flags told = {.map = &map,
                                   .manager_count = node.replica_count,
                                   .conflict = end_on_conflict,
                                   .context = &node.replica_count,
                                   .base = node_base(&node)};
    struct buf *opening = founding_call(&node, &map, topology);
    int status = node_serve(&node, topology, map_machine_new(&told), buf_span(opening));
    buf_unref(&opening);
    buf_unref(&description);
    wire_map_free(&map);
    return status;
}
