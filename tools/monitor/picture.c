#include "tools/monitor/picture.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/monitor/words.h"

/* --- words --------------------------------------------------------------------------------- */

const char *picture_state_text(enum picture_state state)
{
    static const char *const texts[] = {
#define X(name, text) [PICTURE_##name] = text,
        PICTURE_STATES(X)
#undef X
    };
    return texts[state];
}

const char *picture_role_text(enum picture_role role)
{
    static const char *const texts[] = {
#define X(name, text) [PICTURE_ROLE_##name] = text,
        PICTURE_ROLES(X)
#undef X
    };
    return texts[role];
}

char *picture_group_name(uint32_t group, char text[PICTURE_NAME_BYTES])
{
    if (group == WIRE_GROUP_MANAGERS)
        snprintf(text, PICTURE_NAME_BYTES, "m");
    else
        snprintf(text, PICTURE_NAME_BYTES, "s%" PRIu32, group);
    return text;
}

char *picture_node_name(uint32_t group, wire_replica id, char text[PICTURE_NAME_BYTES])
{
    char name[PICTURE_NAME_BYTES];
    snprintf(text, PICTURE_NAME_BYTES, "%.11s.%u", picture_group_name(group, name), id);
    return text;
}

/* --- figures ------------------------------------------------------------------------------- */

static bool find_figure(struct span figures, const char *name, struct wire_figure *figure)
{
    struct wire_reader in = wire_reader_of(figures);
    while (wire_figure_next(&in, figure)) {
        if (span_equal(figure->name, span_text(name)))
            return true;
    }
    return false;
}

static struct picture_number find_number(struct span figures, const char *name)
{
    struct wire_figure figure;
    if (!find_figure(figures, name, &figure) || figure.is_text)
        return (struct picture_number){0};
    return (struct picture_number){.known = true, .value = figure.number};
}

struct picture_number picture_figure(const struct picture_replica *replica, const char *name)
{
    return find_number(wire_writer_span(&replica->figures), name);
}

static struct picture_number higher(struct picture_number a, struct picture_number b)
{
    return !a.known || (b.known && b.value > a.value) ? b : a;
}

static bool figures_are_sound(struct span figures)
{
    struct wire_figure figure;
    struct wire_reader in = wire_reader_of(figures);
    while (wire_figure_next(&in, &figure))
        continue;
    return wire_read_end(&in) == WIRE_OK;
}

/* --- a replica ----------------------------------------------------------------------------- */

/* cluster: of servers; 0 fits all. Managers sign with another number until they have founded it. */
static enum picture_state judge(const struct picture_replica *replica, uint64_t cluster,
                                const struct client_status *answer)
{
    const struct wire_sender *sender = &answer->sender;
    bool is_server = replica->group != WIRE_GROUP_MANAGERS;
    if (answer->error != WIRE_OK)
        return PICTURE_SILENT;
    if (sender->group != replica->group || sender->replica != replica->id ||
        (is_server && cluster != 0 && sender->cluster != cluster))
        return PICTURE_STRANGER;
    return figures_are_sound(wire_writer_span(&answer->figures)) ? PICTURE_UP : PICTURE_GARBLED;
}

static enum picture_role role_of(struct span figures)
{
    struct wire_figure state;
    if (!find_figure(figures, "proposer.state", &state) || !state.is_text)
        return PICTURE_ROLE_NONE;
    if (span_equal(state.text, span_text("leading")))
        return PICTURE_ROLE_LEADER;
    /* Asking, claiming and preparing are steps of one campaign. */
    return span_equal(state.text, span_text("following")) ? PICTURE_ROLE_FOLLOWER
                                                          : PICTURE_ROLE_CANDIDATE;
}

static struct wire_ballot ballot_of(struct span figures)
{
    struct picture_number round = find_number(figures, "proposer.leader_round");
    struct picture_number leader = find_number(figures, "proposer.leader_replica");
    if (!leader.known || leader.value >= WIRE_REPLICA_COUNT_MAX)
        return (struct wire_ballot){.round = round.value};
    return (struct wire_ballot){.round = round.value, .replica = (wire_replica)leader.value};
}

static void take_figures(struct picture_replica *replica, struct span figures)
{
    struct picture_number admitted = find_number(figures, "acceptor.admitted");
    wire_write_raw(&replica->figures, figures);
    replica->role = role_of(figures);
    replica->votes = !admitted.known || admitted.value != 0;
    replica->in_chain = find_number(figures, "chain.epoch").known;
    replica->whole = find_number(figures, "chain.whole").value != 0;
    replica->ballot = ballot_of(figures);
    replica->pid = find_number(figures, "process.pid");
    replica->applied = find_number(figures, "applier.applied_slot");
    /* A leader's proposer is ahead of its disk, a follower's acceptor of its proposer. */
    replica->chosen = higher(find_number(figures, "proposer.chosen_slot"),
                             find_number(figures, "acceptor.chosen_slot"));
}

static void take_answer(struct picture_replica *replica, uint64_t cluster,
                        const struct client_status *answer)
{
    replica->state = judge(replica, cluster, answer);
    if (replica->state == PICTURE_UP || replica->state == PICTURE_STRANGER)
        replica->sender = answer->sender;
    if (replica->state == PICTURE_UP)
        take_figures(replica, wire_writer_span(&answer->figures));
}

/* --- a group ------------------------------------------------------------------------------- */

static void find_leader(struct picture_group *group)
{
    struct wire_ballot highest = {0};
    for (wire_replica r = 0; r < group->replica_count; r++) {
        const struct picture_replica *replica = &group->replicas[r];
        if (replica->ballot.round > group->leader_round)
            group->leader_round = replica->ballot.round;
        if (replica->role != PICTURE_ROLE_LEADER ||
            (group->has_leader && ballot_compare(replica->ballot, highest) <= 0))
            continue;
        /* Two at once: the lower ballot was deposed and has not noticed yet. */
        group->has_leader = true;
        group->leader = r;
        highest = replica->ballot;
    }
}

static void find_bars(struct picture_group *group)
{
    for (wire_replica r = 0; r < group->replica_count; r++) {
        const struct picture_replica *replica = &group->replicas[r];
        group->chosen = higher(group->chosen, higher(replica->chosen, replica->applied));
        group->applied = higher(group->applied, replica->applied);
    }
    for (wire_replica r = 0; r < group->replica_count; r++) {
        struct picture_replica *replica = &group->replicas[r];
        if (!replica->applied.known)
            continue;
        replica->lag.known = true;
        replica->lag.value = group->chosen.value - replica->applied.value;
        group->lag = higher(group->lag, replica->lag);
    }
    if (group->has_leader && group->replicas[group->leader].applied.known)
        group->applied = group->replicas[group->leader].applied;
}

/* Of a chain every member that has all it passed on may go on alone: the managers cut the others
 * out. Whoever knows an older epoch than somebody else may have been. */
static void count_members(struct picture_group *group)
{
    unsigned whole = 0, unknown = 0;
    for (wire_replica r = 0; r < group->replica_count; r++) {
        const struct picture_replica *replica = &group->replicas[r];
        whole += replica->state == PICTURE_UP && replica->in_chain && replica->whole &&
                 replica->ballot.round == group->leader_round;
        unknown += replica->state == PICTURE_UNKNOWN;
    }
    group->can_lose = whole > 1 ? whole - 1 : 0;
    group->majority_lost = whole + unknown == 0;
}

static bool is_chain(const struct picture_group *group)
{
    bool chain = false;
    for (wire_replica r = 0; r < group->replica_count; r++)
        chain |= group->replicas[r].state == PICTURE_UP && group->replicas[r].in_chain;
    return chain;
}

static void count_voters(struct picture_group *group)
{
    unsigned majority = group->replica_count / 2u + 1;
    unsigned voters = 0, unknown = 0;
    for (wire_replica r = 0; r < group->replica_count; r++) {
        const struct picture_replica *replica = &group->replicas[r];
        group->up_count += replica->state == PICTURE_UP;
        voters += replica->state == PICTURE_UP && replica->votes;
        unknown += replica->state == PICTURE_UNKNOWN;
    }
    group->can_lose = voters > majority ? voters - majority : 0;
    group->majority_lost = group->up_count + unknown < majority;
    if (is_chain(group))
        count_members(group);
}

/* addresses, answers: of this group, `given` of them, by replica. */
static void fill_group(struct picture_group *group, const char **addresses,
                       const struct client_status *answers, size_t given, uint64_t cluster)
{
    for (wire_replica r = 0; r < group->replica_count; r++) {
        struct picture_replica *replica = &group->replicas[r];
        replica->group = group->id;
        replica->id = r;
        if (r >= given)
            continue;
        snprintf(replica->address, sizeof replica->address, "%s", addresses[r]);
        take_answer(replica, cluster, &answers[r]);
    }
    find_leader(group);
    find_bars(group);
    count_voters(group);
}

/* --- the whole ----------------------------------------------------------------------------- */

/* r as the first of them says that makes sense; 0: none does. */
static uint8_t said_replica_count(const struct client_status *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct picture_number said = {0};
        if (answers[i].error == WIRE_OK)
            said = find_number(wire_writer_span(&answers[i].figures), "proposer.replica_count");
        if (said.value >= 1 && said.value <= WIRE_REPLICA_COUNT_MAX)
            return (uint8_t)said.value;
    }
    return 0;
}

static void add_managers(struct picture *self, const struct picture_plan *plan,
                         const struct client_status *answers)
{
    struct picture_group *group = &self->groups[self->group_count++];
    uint8_t said = said_replica_count(answers, plan->manager_count);
    group->id = WIRE_GROUP_MANAGERS;
    group->replica_count = said > plan->manager_count ? said : (uint8_t)plan->manager_count;
    fill_group(group, plan->addresses, answers, plan->manager_count, 0);
}

/* The cluster's number where there is no map: the first server's word, else the managers'. */
static uint64_t said_cluster(const struct picture *self, const struct picture_plan *plan,
                             const struct client_status *servers)
{
    for (size_t i = 0; i < plan->server_count; i++) {
        if (servers[i].error == WIRE_OK)
            return servers[i].sender.cluster;
    }
    for (wire_replica r = 0; self->group_count > 0 && r < self->groups[0].replica_count; r++) {
        struct picture_number said = picture_figure(&self->groups[0].replicas[r], "map.cluster");
        if (said.value != 0)
            return said.value;
    }
    return 0;
}

static void add_servers(struct picture *self, const struct picture_plan *plan,
                        const struct client_status *answers, uint8_t rf)
{
    for (size_t first = 0; first < plan->server_count; first += rf) {
        struct picture_group *group = &self->groups[self->group_count++];
        size_t left = plan->server_count - first;
        group->id = (uint32_t)(first / rf);
        group->replica_count = rf;
        fill_group(group, plan->addresses + plan->manager_count + first, answers + first,
                   left < rf ? left : rf, self->cluster);
    }
}

const struct picture_replica *picture_best(const struct picture_group *group)
{
    const struct picture_replica *best = &group->replicas[group->has_leader ? group->leader : 0];
    for (wire_replica r = 0; r < group->replica_count && !group->has_leader; r++) {
        if (group->replicas[r].applied.value > best->applied.value)
            best = &group->replicas[r];
    }
    return best;
}

/* --- health -------------------------------------------------------------------------------- */

/* In its own words, if it has any. */
static void say_why_no_vote(const struct picture_replica *replica, const char *name,
                            char reason[PICTURE_REASON_BYTES])
{
    struct wire_figure standing;
    char text[PICTURE_REASON_BYTES / 2]; /* no byte that a terminal must not get */
    if (find_figure(wire_writer_span(&replica->figures), "acceptor.standing", &standing) &&
        standing.is_text)
        snprintf(reason, PICTURE_REASON_BYTES, "%s may not vote yet: %s", name,
                 words_safe(text, sizeof text, standing.text));
    else
        snprintf(reason, PICTURE_REASON_BYTES, "%s may not vote yet", name);
}

static bool replica_trouble(const struct picture_replica *replica,
                            char reason[PICTURE_REASON_BYTES])
{
    char name[PICTURE_NAME_BYTES], other[PICTURE_NAME_BYTES];
    picture_node_name(replica->group, replica->id, name);
    switch (replica->state) {
    case PICTURE_UNKNOWN:
        snprintf(reason, PICTURE_REASON_BYTES, "%s: its address was not given", name);
        return true;
    case PICTURE_SILENT:
        snprintf(reason, PICTURE_REASON_BYTES, "%s does not answer", name);
        return true;
    case PICTURE_STRANGER:
        picture_node_name(replica->sender.group, replica->sender.replica, other);
        snprintf(reason, PICTURE_REASON_BYTES, "%s: %s%s answers at its address", name,
                 strcmp(name, other) == 0 ? "another cluster's " : "", other);
        return true;
    case PICTURE_GARBLED:
        snprintf(reason, PICTURE_REASON_BYTES, "%s: its answer makes no sense", name);
        return true;
    case PICTURE_UP:
        if (replica->votes && replica->in_chain && !replica->whole)
            snprintf(reason, PICTURE_REASON_BYTES, "%s is on its way back into its chain", name);
        else
            say_why_no_vote(replica, name, reason);
        return !replica->votes || (replica->in_chain && !replica->whole);
    }
    return false;
}

/* Whether the group as a whole does not work; then why. Not known to work is not working, but what
 * ails a group whose leader may be where nobody was asked is found among its replicas. */
static bool group_trouble(const struct picture_group *group, char reason[PICTURE_REASON_BYTES])
{
    char name[PICTURE_NAME_BYTES] = "managers";
    if (group->has_leader && !group->majority_lost)
        return false;
    for (wire_replica r = 0; r < group->replica_count && !group->majority_lost; r++) {
        if (group->replicas[r].state == PICTURE_UNKNOWN)
            return replica_trouble(&group->replicas[r], reason);
    }
    if (group->id != WIRE_GROUP_MANAGERS)
        picture_group_name(group->id, name);
    snprintf(reason, PICTURE_REASON_BYTES, "%s: %s", name,
             group->majority_lost ? "majority lost" : "no leader");
    return true;
}

/* Groups that do not work come before replicas that are missing from those that do. */
static bool find_trouble(const struct picture *self, const char *map_problem,
                         char reason[PICTURE_REASON_BYTES])
{
    for (size_t g = 0; g < self->group_count; g++) {
        if (group_trouble(&self->groups[g], reason))
            return true;
    }
    if (map_problem != NULL) {
        snprintf(reason, PICTURE_REASON_BYTES, "managers: %s", map_problem);
        return true;
    }
    for (size_t g = 0; g < self->group_count; g++) {
        for (wire_replica r = 0; r < self->groups[g].replica_count; r++) {
            if (replica_trouble(&self->groups[g].replicas[r], reason))
                return true;
        }
    }
    return false;
}

/* --- lifetime ------------------------------------------------------------------------------ */

struct picture *picture_new(const struct picture_plan *plan, const struct client_status *answers)
{
    char reason[PICTURE_REASON_BYTES];
    assert(plan->manager_count <= WIRE_REPLICA_COUNT_MAX);
    assert(plan->server_rf <= WIRE_REPLICA_COUNT_MAX);
    const struct client_status *servers = answers + plan->manager_count;
    uint8_t rf = plan->server_rf;
    if (rf == 0)
        rf = said_replica_count(servers, plan->server_count);
    if (rf == 0)
        rf = 1; /* nobody answers: any division will do */
    struct picture *self = wire_calloc(1, sizeof *self);
    size_t groups = 1 + (plan->server_count + rf - 1) / rf;
    self->groups = wire_calloc(groups, sizeof *self->groups);
    if (plan->manager_count > 0)
        add_managers(self, plan, answers);
    self->cluster = plan->cluster != 0 ? plan->cluster : said_cluster(self, plan, servers);
    self->servers_known = plan->map_problem == NULL;
    add_servers(self, plan, servers, rf);
    assert(self->group_count <= groups);
    self->healthy = !find_trouble(self, plan->map_problem, reason);
    if (!self->healthy)
        memcpy(self->reason, reason, sizeof reason);
    return self;
}

void picture_free(struct picture **picture)
{
    struct picture *self = *picture;
    *picture = NULL;
    if (self == NULL)
        return;
    for (size_t g = 0; g < self->group_count; g++) {
        for (wire_replica r = 0; r < self->groups[g].replica_count; r++)
            wire_writer_free(&self->groups[g].replicas[r].figures);
    }
    free(self->groups);
    free(self);
}
