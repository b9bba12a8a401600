#include "tests/unit/monitor/canned.h"

#include <stdio.h>

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

/* Latencies: one bucket that grows. */
static void say_latency(struct client_status *answer, const char *name, uint64_t count,
                        uint64_t end)
{
    char full[64], text[64];
    snprintf(full, sizeof full, "%s_count", name);
    wire_figure_number(&answer->figures, full, count);
    snprintf(full, sizeof full, "%s_sum", name);
    wire_figure_number(&answer->figures, full, count * end);
    snprintf(full, sizeof full, "%s_buckets", name);
    snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)end, (unsigned long long)count);
    wire_figure_text(&answer->figures, full, text);
}

static void say_work(struct client_status *answer, int node, unsigned age)
{
    bool leads = node % 3 == node / 3 && node >= CANNED_MANAGERS;
    if (leads) {
        say_latency(answer, "op.put_us", age * 1000, 895);
        say_latency(answer, "op.get_us", age * 10, 14335);
        say_latency(answer, "stage.quorum_us", age * 1000, 767);
    }
    say_latency(answer, "log.commit_us", age * 500, node == S02 ? 12287 : 639);
    wire_figure_number(&answer->figures, "process.cpu_ms", age * 100);
    wire_figure_number(&answer->figures, "process.uptime_ms", age * 1000);
    wire_figure_number(&answer->figures, "disk.used_bytes", 2000000);
    wire_figure_number(&answer->figures, "disk.free_bytes", node == S11 ? 3000000 : 80000000);
    wire_figure_number(&answer->figures, "disk.size_bytes", 100000000);
    wire_figure_number(&answer->figures, "api.requests", age * 1010);
    wire_figure_number(&answer->figures, "applier.sessions", 4);
    wire_figure_number(&answer->figures,
                       leads ? "proposer.lease_left_us" : "acceptor.lease_granted_left_us", 350000);
    wire_figure_text(&answer->figures, "replica.version", "0.1.0");
}

void canned_event(struct canned *self, int node, const char *name, const char *text)
{
    wire_figure_text(&self->answers[node].figures, name, text);
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

static void say_all(struct canned *self)
{
    for (int node = 0; node < CANNED_NODES; node++) {
        wire_replica leader = (wire_replica)(node / 3);
        self->addresses[node] = addresses[node];
        canned_say(self, node, node % 3 == leader ? "leading" : "following", 4, leader, 120,
                   node % 3 == leader ? 120 : 118);
        say_more(&self->answers[node], node);
    }
}

void canned_grow(struct canned *self, unsigned age)
{
    self->age = age;
    say_all(self);
    for (int node = 0; node < CANNED_NODES; node++)
        say_work(&self->answers[node], node, age);
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
    say_all(self);
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
