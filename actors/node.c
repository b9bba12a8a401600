#include "actors/node.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "actors/aside.h"
#include "actors/crash.h"
#include "actors/notify.h"
#include "actors/process.h"
#include "smr/group.h"
#include "wire/say.h"

/* Of a real leader: half as often as the protocol's default, since each one wakes three threads at every
 * replica of an idle cluster; a lease still outlives two, and a silence five. */
#define NODE_HEARTBEAT (200 * WIRE_MS)
/* Several times what a round to the others and their commits usually take. */
#define NODE_OWN_VOTE (5 * WIRE_MS)

const char node_exit_statuses[] =
    "exit status:\n"
    "  0  ended as it was told to (SIGTERM, SIGINT)\n"
    "  1  failed in a way not named below\n"
    "  2  a flag is wrong or missing\n"
    "  3  backer_path belongs to another node or cluster, is in use by a process or out of date, or\n"
    "     this replica, alone in its group, served before from another directory\n"
    "  4  a listening address is in use or not of this machine\n"
    "  6  the disk is full, not writable, or failed\n"
    "  7  the flags contradict the founded cluster\n\n" CRASH_HELP;

const char node_accept_data_loss_help[] =
    "start empty if all data of a replica alone in its group is gone";

static_assert(WIRE_EXIT_FAILED == 1 && WIRE_EXIT_USAGE == 2 && WIRE_EXIT_IDENTITY == 3 &&
                  WIRE_EXIT_ADDRESS == 4 && WIRE_EXIT_STORAGE == 6 && WIRE_EXIT_TOPOLOGY == 7,
              "the text above says so");

const char node_checkpoint_mb_help[] =
    "a checkpoint begins once so much has changed in memory (default 32)";
const char node_log_tail_mb_help[] =
    "log kept for replicas that are behind; behind by more they fetch a snapshot (default 96)";

const char node_protocol_help[] =
    "how the servers' replicas agree (default multipaxos); the same for all of a cluster";

static_assert(NODE_CHECKPOINT_MB == 32 && NODE_LOG_TAIL_MB == 96, "the texts above say so");

/* --- flags ------------------------------------------------------------------------------------ */

static void take_address(const struct node *self, const char *flag, const char *given,
                         struct wire_address *address)
{
    const char *problem = "an address";
    if (given == NULL || wire_address_parse(given, address, &problem) != WIRE_OK)
        wire_flags_fail(self->program, flag, given, "%s", problem);
}

/* The list leaves the node itself out, so the places from its own on shift by one. */
static void take_peers(struct node *self, const char *given)
{
    struct wire_address listed[WIRE_REPLICA_COUNT_MAX];
    const char *problem = "";
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    size_t count = 0;
    if (given != NULL && wire_address_list_parse(given, listed, WIRE_REPLICA_COUNT_MAX - 1, &count,
                                                 &problem, bad_part) != WIRE_OK)
        wire_flags_fail(self->program, "peer_addrs", bad_part, "%s", problem);
    if (count % 2 != 0)
        wire_flags_fail(self->program, "peer_addrs", given,
                        "the other replicas of a group of 1, 3, 5, 7 or 9: "
                        "none, 2, 4, 6 or 8 addresses");
    self->replica_count = (uint8_t)(count + 1);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++)
            if (strcmp(listed[i].text, listed[k].text) == 0)
                wire_flags_fail(self->program, "peer_addrs", listed[i].text, "each address once");
        self->peers[i < self->replica ? i : i + 1] = listed[i];
    }
}

static const struct replica_placement *placement_of(const struct node *self, const char *given)
{
    static const struct replica_placement *const known[] = {&replica_thread_per_actor,
                                                            &replica_fused};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (given == NULL || strcmp(given, known[i]->name) == 0)
            return known[i];
    wire_flags_fail(self->program, "threads", given, "%s or %s", known[0]->name, known[1]->name);
}

static void say_as(const struct node *self)
{
    if (self->group == WIRE_GROUP_MANAGERS)
        wire_say_as("%s m.%u", self->program->name, self->replica);
    else
        wire_say_as("%s s%" PRIu32 ".%u", self->program->name, self->group, self->replica);
}

void node_init(struct node *self, const struct wire_program *program, uint32_t group,
               const struct node_flags *flags)
{
    *self = (struct node){.program = program, .group = group, .listen_flag = flags->listen_flag};
    self->replica = (wire_replica)flags->replica_id;
    self->allow_admin = flags->allow_admin;
    take_address(self, flags->listen_flag, flags->listen, &self->listen);
    take_peers(self, flags->peer_addrs);
    if (flags->replica_id >= self->replica_count) {
        char given[24];
        snprintf(given, sizeof given, "%" PRIu64, flags->replica_id);
        wire_flags_fail(program, "replica_id", given,
                        "a number from 0 to %u (--peer_addrs makes a group of %u)",
                        self->replica_count - 1, self->replica_count);
    }
    if (self->replica_count > 1)
        take_address(self, "p2p_listen", flags->p2p_listen, &self->p2p_listen);
    self->placement = placement_of(self, flags->threads);
    self->spin = (wire_time)flags->spin_us;
    self->checkpoint_bytes = (size_t)(flags->checkpoint_mb * NODE_MB);
    self->log_tail_bytes = flags->log_tail_mb * NODE_MB;
    if (strcmp(flags->backer_path, "none") != 0)
        self->backer_path = flags->backer_path;
    self->accept_data_loss = flags->accept_data_loss;
    say_as(self);
}

enum wire_protocol node_take_protocol(const struct wire_program *program, const char *given)
{
    enum wire_protocol protocol;
    if (!wire_protocol_parse(given, &protocol))
        wire_flags_fail(program, "protocol", given, "multipaxos or chain");
    return protocol;
}

/* --- the directory ---------------------------------------------------------------------------- */

static bool is_damaged(const struct node *self)
{
    struct wire_hard_state state;
    wire_slot highest;
    struct smr_log log = store_log(self->store);
    return log.ops->load(log.self, &state, &highest) == WIRE_DAMAGED;
}

/* What it promised cannot be read, so nothing it holds may be voted on: the disk counts as wiped, and
 * becomes another one. The state goes first: a crash in between finds the damage again. */
static void begin_anew(struct node *self)
{
    struct wire_identity identity = *node_identity(self);
    if (self->replica_count == 1 && !self->accept_data_loss)
        wire_say_die(WIRE_EXIT_STORAGE,
                     "backer_path '%s': what this replica promised is damaged, and alone in its group "
                     "it has nobody to ask: restore the directory from a copy, or give "
                     "--accept_data_loss to empty it and lose all it holds",
                     self->backer_path);
    identity.birth = (struct wire_birth){.generation = identity.birth.generation + 1,
                                         .nonce = node_random()};
    identity.cluster = 0;
    wire_say("backer_path '%s': what this replica promised is damaged; it is emptied and begins anew as "
             "disk %" PRIu32 " of this replica",
             self->backer_path, identity.birth.generation);
    int code = aside_wipe(self->backer_path);
    if (code != 0 || store_wipe(self->store, &identity) != WIRE_OK)
        wire_say_die(WIRE_EXIT_STORAGE, "backer_path '%s' cannot be emptied: %s", self->backer_path,
                     code != 0 ? strerror(code) : "see above");
}

void node_open(struct node *self, const struct wire_identity *known, const char *topology)
{
    char problem[STORE_PROBLEM_BYTES];
    struct store_config config = {.path = self->backer_path, .self = *known, .topology = topology};
    config.self.group = self->group;
    config.self.replica = self->replica;
    config.self.replica_count = self->replica_count;
    config.self.protocol = self->protocol;
    enum wire_error error = store_open(&config, &self->store, problem);
    if (error != WIRE_OK)
        wire_say_die(process_exit_of(error), "%s", problem);
    if (is_damaged(self))
        begin_anew(self);
}

const struct smr_base *node_base(struct node *self)
{
    char problem[STORE_PROBLEM_BYTES];
    if (self->backer_path == NULL)
        return NULL;
    if (self->replica_count > 1)
        base_on_damage(process_start_again);
    enum wire_error error = base_open(self->backer_path, &self->base, problem);
    if (error == WIRE_DAMAGED && self->replica_count > 1) {
        wire_say("%s; it is set aside as state.damaged, and this replica takes its state from its log and "
                 "the others", problem);
        int code = aside_put(self->backer_path);
        error = code == 0 ? base_open(self->backer_path, &self->base, problem) : WIRE_DAMAGED;
    }
    if (error != WIRE_OK)
        wire_say_die(process_exit_of(error), "%s", problem);
    return base_interface(self->base);
}

const struct wire_identity *node_identity(const struct node *self)
{
    return store_identity(self->store);
}

void node_put_identity(struct node *self, const struct wire_identity *identity)
{
    enum wire_error error = store_put_identity(self->store, identity);
    if (error != WIRE_OK)
        wire_say_die(process_exit_of(error), "backer_path '%s' cannot be written",
                     self->backer_path);
}

void node_take_birth(struct node *self, uint32_t generation)
{
    struct wire_identity identity = *node_identity(self);
    assert(generation > identity.birth.generation);
    identity.birth = (struct wire_birth){.generation = generation, .nonce = node_random()};
    node_put_identity(self, &identity);
}

void node_ensure_birth(struct node *self)
{
    if (node_identity(self)->birth.generation == 0)
        node_take_birth(self, 1);
}

static struct wire_hard_state load_state(struct node *self)
{
    struct wire_hard_state state;
    wire_slot highest;
    struct smr_log log = store_log(self->store);
    enum wire_error error = log.ops->load(log.self, &state, &highest);
    if (error != WIRE_OK)
        wire_say_die(process_exit_of(error),
                     "backer_path '%s': what this replica promised cannot be read (%s), so it must "
                     "not vote; restore the directory from a copy, or retire this replica",
                     self->backer_path, wire_error_text(error));
    return state;
}

bool node_is_admitted(struct node *self)
{
    return load_state(self).admitted;
}

void node_admit(struct node *self)
{
    struct wire_hard_state state = load_state(self);
    struct smr_log log = store_log(self->store);
    state.admitted = true;
    log.ops->put_state(log.self, &state);
    enum wire_error error = log.ops->commit(log.self);
    if (error != WIRE_OK)
        wire_say_die(process_exit_of(error), "backer_path '%s' cannot be written: %s",
                     self->backer_path, wire_error_text(error));
}

/* --- serving ---------------------------------------------------------------------------------- */

uint64_t node_random(void)
{
    uint64_t bits = 0;
    while (bits == 0) {
        ssize_t got = getrandom(&bits, sizeof bits, 0);
        if (got < 0 && errno != EINTR)
            wire_say_die(WIRE_EXIT_FAILED, "the system gives no random numbers: %s",
                         strerror(errno));
        if (got != (ssize_t)sizeof bits)
            bits = 0;
    }
    return bits;
}

static struct smr_role courier_of(const struct node *self, const struct smr_config *config)
{
    if (self->courier == NULL)
        return (struct smr_role){0};
    return self->courier(config, self->managers, self->manager_count);
}

static struct replica_config replica_config_of(const struct node *self, const char *api_flag,
                                               const struct smr_config *config,
                                               struct smr_machine machine)
{
    struct smr_log log = store_log(self->store);
    struct smr_group group = smr_group_new(config, machine, log);
    return (struct replica_config){
        .context = self->context,
        .self = config->self,
        .replica_count = self->replica_count,
        .api_flag = api_flag,
        .api_listen = self->listen.text,
        .p2p_listen = self->replica_count == 1 ? NULL : self->p2p_listen.text,
        .roles = {[REPLICA_API] = group.api,
                  [REPLICA_PROPOSER] = group.proposer,
                  [REPLICA_ACCEPTOR] = group.acceptor,
                  [REPLICA_APPLIER] = group.applier,
                  [REPLICA_CHECKPOINTER] = group.checkpointer,
                  [REPLICA_STREAMER] = group.streamer,
                  [REPLICA_COURIER] = courier_of(self, config)},
        .manager_count = self->courier == NULL ? 0 : self->manager_count,
        .log = log,
        .log_figures = store_figures,
        .log_figures_self = self->store,
        .placement = self->placement,
        .spin = self->spin,
    };
}

static struct replica *start_replica(const struct node *self, const struct smr_config *config,
                                     struct smr_machine machine)
{
    char problem[SOCKET_PROBLEM_BYTES], flag[64];
    snprintf(flag, sizeof flag, "--%s", self->listen_flag);
    struct replica_config wanted = replica_config_of(self, flag, config, machine);
    struct replica *replica = replica_new(&wanted, problem);
    if (replica == NULL)
        wire_say_die(WIRE_EXIT_ADDRESS, "%s", problem);
    for (wire_replica peer = 0; peer < self->replica_count; peer++)
        if (peer != self->replica &&
            !replica_connect(replica, peer, self->peers[peer].text, problem))
            wire_say_die(WIRE_EXIT_USAGE, "--peer_addrs: %s", problem);
    for (wire_replica i = 0; i < wanted.manager_count; i++)
        if (!replica_connect_manager(replica, i, self->managers[i], problem))
            wire_say_die(WIRE_EXIT_USAGE, "--manager_addrs: %s", problem);
    if (!replica_start(replica))
        wire_say_die(WIRE_EXIT_FAILED, "the system gives no threads: %s", strerror(errno));
    return replica;
}

static void say_ready(const struct node *self)
{
    char peers[WIRE_ADDRESS_TEXT_MAX + 32] = "";
    if (self->replica_count > 1)
        snprintf(peers, sizeof peers, " and %s for peers", self->p2p_listen.text);
    wire_say("listening on %s for clients%s; replica %u of %u, start %" PRIu64 ", data in %s",
             self->listen.text, peers, self->replica, self->replica_count,
             node_identity(self)->start,
             self->backer_path == NULL ? "memory only" : self->backer_path);
}

/* What is not asked for by a flag keeps its proportion to what is. */
static struct smr_checkpointing checkpointing_of(const struct node *self)
{
    struct smr_checkpointing when = smr_checkpointing_default();
    size_t unsaved = 6 * self->checkpoint_bytes;
    when.changed_bytes = self->checkpoint_bytes;
    when.log_bytes = 2 * self->checkpoint_bytes;
    if (unsaved > when.unsaved_bytes_max)
        when.unsaved_bytes_max = unsaved;
    when.tail_bytes = self->log_tail_bytes > 0 ? self->log_tail_bytes : 1;
    return when;
}

int node_serve(struct node *self, uint64_t cluster, struct smr_machine machine, struct span opening)
{
    const struct wire_identity *identity = node_identity(self);
    struct smr_config config = {
        .self = {.cluster = cluster,
                 .group = self->group,
                 .replica = self->replica,
                 .birth = identity->birth,
                 .start = identity->start},
        .replica_count = self->replica_count,
        .seed = node_random(),
        .timing = smr_timing_default(),
        .checkpointing = checkpointing_of(self),
        .reads = self->reads,
        .protocol = self->protocol,
        .overseer = self->overseer,
        .allow_admin = self->allow_admin,
        .opening = opening,
    };
    config.timing.heartbeat = NODE_HEARTBEAT;
    config.timing.own_vote = NODE_OWN_VOTE;
    process_hold_signals();
    struct replica *replica = start_replica(self, &config, machine);
    say_ready(self);
    notify_send(NOTIFY_READY);
    int got = process_wait();
    if (got == 0) {
        replica_leave(replica, PROCESS_AGAIN_MS); /* a leader hands over as far as it can */
        process_exec();
    }
    notify_send(NOTIFY_STOPPING);
    wire_say("ending: %s", strsignal(got));
    replica_leave(replica, PROCESS_LEAVE_MS);
    replica_destroy(&replica);
    base_close(&self->base);
    store_close(&self->store);
    process_end(); /* last, so that its watchdog sees to all of it */
    return WIRE_EXIT_OK;
}
