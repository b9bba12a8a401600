/* madkv-server: one replica of one partition of the key-value store. */
#include <stdlib.h>

#include "actors/node.h"
#include "actors/process.h"
#include "server/courier.h"
#include "server/join.h"
#include "server/kv_machine.h"

/* What the command line said. */
struct settings {
    struct node_flags node;    /* what every node takes */
    uint64_t partition_id;     /* which partition */
    const char *manager_addrs; /* whom to ask for the cluster, or "none" */
    const char *reads;         /* "lease", "index" or "log" */
    const char *protocol;      /* "multipaxos" or "chain" */
    bool has_partition;        /* --partition_id was given */
    bool has_replica;          /* --replica_id was given */
};

static struct settings settings = {
    .node = {.listen_flag = "api_listen",
             .checkpoint_mb = NODE_CHECKPOINT_MB,
             .log_tail_mb = NODE_LOG_TAIL_MB},
    .reads = "lease",
    .protocol = "multipaxos",
};

static const struct wire_flag flags[] = {
    {.name = "partition_id",
     .argument = "N",
     .help = "which partition (needed with managers)",
     .number = &settings.partition_id,
     .max = WIRE_PARTITION_COUNT_MAX - 1,
     .given = &settings.has_partition},
    {.name = "replica_id",
     .argument = "N",
     .help = "which replica of it (needed with managers)",
     .number = &settings.node.replica_id,
     .max = WIRE_REPLICA_COUNT_MAX - 1,
     .given = &settings.has_replica},
    {.name = "manager_addrs",
     .argument = "ADDRESS,...",
     .help = "the managers, or none: a whole service by itself",
     .text = &settings.manager_addrs,
     .required = true},
    {.name = "api_listen",
     .argument = "ADDRESS",
     .help = "where clients connect",
     .text = &settings.node.listen,
     .required = true},
    {.name = "p2p_listen",
     .argument = "ADDRESS",
     .help = "where the other replicas connect (needed with peers)",
     .text = &settings.node.p2p_listen},
    {.name = "peer_addrs",
     .argument = "ADDRESS,...",
     .help = "the other replicas' p2p addresses by replica, or none",
     .text = &settings.node.peer_addrs},
    {.name = "backer_path",
     .argument = "PATH",
     .help = "directory of the data, or none: in memory",
     .text = &settings.node.backer_path,
     .required = true},
    {.name = "protocol",
     .argument = "multipaxos|chain",
     .help = node_protocol_help,
     .text = &settings.protocol},
    {.name = "reads",
     .argument = "lease|index|log",
     .help = "how reads are made current (default lease)",
     .text = &settings.reads},
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
    .name = "madkv-server",
    .purpose = "Serves one replica of one partition of a MadKV cluster.",
    .more = node_exit_statuses,
    .flags = flags,
    .flag_count = sizeof flags / sizeof flags[0],
};

/* Who is a member of a chain is for managers to say; its own way of reading is the only one, but for the
 * log; and what a member is said to hold it must hold after its next start, or be another one. */
static void check_chain(const struct node *node)
{
    if (node->manager_count == 0)
        wire_flags_fail(&program, "protocol", settings.protocol,
                        "multipaxos with --manager_addrs none: chains need managers");
    if (node->reads == SMR_READS_INDEX)
        wire_flags_fail(&program, "reads", settings.reads, "lease or log with --protocol chain");
    if (node->backer_path == NULL)
        wire_flags_fail(&program, "backer_path", settings.node.backer_path,
                        "a directory with --protocol chain");
}

static enum smr_reads take_reads(void)
{
    static const char *const words[] = {
        [SMR_READS_LEASE] = "lease", [SMR_READS_INDEX] = "index", [SMR_READS_LOG] = "log"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(settings.reads, words[i]) == 0)
            return (enum smr_reads)i;
    }
    wire_flags_fail(&program, "reads", settings.reads, "lease, index or log");
}

/* Returns how many managers; 0: none at all. */
static size_t take_managers(struct wire_address managers[WIRE_REPLICA_COUNT_MAX])
{
    const char *problem;
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    size_t count = 0;
    if (wire_address_list_parse(settings.manager_addrs, managers, WIRE_REPLICA_COUNT_MAX, &count,
                                &problem, bad_part) != WIRE_OK)
        wire_flags_fail(&program, "manager_addrs", bad_part, "%s", problem);
    if (count > 0 && !settings.has_partition)
        wire_flags_fail(&program, "partition_id", NULL, "N");
    if (count > 0 && !settings.has_replica)
        wire_flags_fail(&program, "replica_id", NULL, "N");
    return count;
}

int main(int argc, char **argv)
{
    static struct wire_address managers[WIRE_REPLICA_COUNT_MAX];
    static struct node node;
    wire_flags_parse(&program, argc, argv);
    enum wire_protocol protocol = node_take_protocol(&program, settings.protocol);
    size_t manager_count = take_managers(managers);
    node_init(&node, &program, (uint32_t)settings.partition_id, &settings.node);
    if (manager_count == 0 && node.replica_count > 1)
        wire_flags_fail(&program, "peer_addrs", settings.node.peer_addrs,
                        "none with --manager_addrs none: replicas need managers");
    node.reads = take_reads();
    node.protocol = protocol;
    node.manager_count = manager_count;
    for (size_t i = 0; i < manager_count; i++)
        node.managers[i] = managers[i].text;
    if (protocol == WIRE_PROTOCOL_CHAIN) {
        check_chain(&node);
        node.courier = courier_new;
    }
    node.context = process_begin();

    const struct wire_identity known = {.cluster = manager_count == 0 ? server_alone_cluster() : 0};
    node_open(&node, &known, NULL);
    if (manager_count == 0)
        server_stand_alone(&node);
    else
        server_join(&node);
    const struct wire_identity *identity = node_identity(&node);
    struct smr_machine machine =
        kv_machine_new_on(node_base(&node), node.group, identity->partitions);
    return node_serve(&node, identity->cluster, machine, span_of(NULL, 0));
}
