#include "tests/unit/monitor/canned.h"

static const char *const addresses[CANNED_NODES] = {
    "127.0.0.1:3666",
    "127.0.0.1:3667",
    "127.0.0.1:3668",
    "127.0.0.1:3777",
    "127.0.0.1:3778",
    "127.0.0.1:3779",
    "node-with-a-long-name.example.org:3780",
    "[2001:db8::15]:3781",
    "10.0.0.1:65535",
};

void canned_silence(struct canned *self, int node)
{
    wire_writer_clear(&self->answers[node].figures);
    self->answers[node].error = WIRE_FAILED;
    self->answers[node].sender = (struct wire_sender){0};
}

void canned_say(struct canned *self, int node, const char *state, uint64_t round,
                wire_replica leader, wire_slot chosen, wire_slot applied)
{
    struct client_status *answer = &self->answers[node];
    int server = node - CANNED_MANAGERS;
    wire_writer_clear(&answer->figures);
    answer->error = WIRE_OK;
    answer->sender = (struct wire_sender){.cluster = CANNED_CLUSTER, .role = WIRE_ROLE_API};
    answer->sender.group = server < 0 ? WIRE_GROUP_MANAGERS : (uint32_t)server / 3;
    answer->sender.replica = (wire_replica)(node % 3);
    wire_figure_text(&answer->figures, "proposer.state", state);
    wire_figure_number(&answer->figures, "proposer.replica_count", 3);
    wire_figure_number(&answer->figures, "proposer.leader_round", round);
    wire_figure_number(&answer->figures, "proposer.leader_replica", leader);
    wire_figure_number(&answer->figures, "acceptor.chosen_slot", chosen);
    wire_figure_number(&answer->figures, "applier.applied_slot", applied);
}

static void say_more(struct client_status *answer, int node)
{
    wire_figure_number(&answer->figures, "acceptor.admitted", 1);
    wire_figure_number(&answer->figures, "process.pid", 1000u + (unsigned)node);
    wire_figure_number(&answer->figures, "process.rss_bytes", 12345678);
    wire_figure_number(&answer->figures, "log.commit_us_p99", node == S02 ? 12345 : 850);
    wire_figure_number(&answer->figures, "log.commit_us_count", node == M2 ? 0 : 7);
    if (node < CANNED_MANAGERS) {
        wire_figure_number(&answer->figures, "map.cluster", CANNED_CLUSTER);
    } else {
        wire_figure_number(&answer->figures, "kv.records", 1000);
        wire_figure_number(&answer->figures, "kv.bytes", 1048576);
    }
}

void canned_begin(struct canned *self)
{
    *self = (struct canned){0};
    self->plan = (struct picture_plan){
        .addresses = self->addresses,
        .manager_count = CANNED_MANAGERS,
        .server_count = CANNED_SERVERS,
        .server_rf = 3,
        .cluster = CANNED_CLUSTER,
    };
    for (int node = 0; node < CANNED_NODES; node++) {
        wire_replica leader = (wire_replica)(node / 3);
        self->addresses[node] = addresses[node];
        canned_say(self, node, node % 3 == leader ? "leading" : "following", 4, leader, 120,
                   node % 3 == leader ? 120 : 118);
        say_more(&self->answers[node], node);
    }
}

struct picture *canned_picture(const struct canned *self)
{
    return picture_new(&self->plan, self->answers);
}

void canned_end(struct canned *self)
{
    for (int node = 0; node < CANNED_NODES; node++)
        wire_writer_free(&self->answers[node].figures);
}
