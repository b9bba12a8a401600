#include "manager/chains.h"

#include <stdlib.h>

void chains_found(struct chains *self, uint32_t partitions)
{
    chains_free(self);
    self->count = partitions;
    if (partitions > 0)
        self->chains = wire_calloc(partitions, sizeof *self->chains);
}

void chains_free(struct chains *self)
{
    free(self->chains);
    *self = (struct chains){0};
}

/* --- changes ------------------------------------------------------------------------------------ */

static const struct wire_birth *registered(const struct wire_map *map, uint32_t partition,
                                           wire_replica replica)
{
    return &map->servers[partition * map->server_rf + replica].birth;
}

/* Without the dropped ones; false: nobody would be left who holds everything. */
static bool drop_members(struct wire_chain *next, uint64_t drop)
{
    bool had_members = next->count > 0, whole = false;
    uint8_t left = 0;
    for (int i = 0; i < next->count; i++) {
        if ((drop >> next->members[i].replica & 1) != 0)
            continue;
        next->members[left++] = next->members[i];
        whole |= next->members[left - 1].whole;
    }
    next->count = left;
    return whole || !had_members;
}

/* With the added ones behind; false: one of them is a member or has no registered disk. The members of
 * a first epoch hold everything, for there is nothing yet. */
static bool add_members(struct wire_chain *next, const struct wire_map *map, uint32_t partition,
                        uint64_t add)
{
    bool first = next->epoch == 1;
    for (wire_replica replica = 0; replica < WIRE_REPLICA_COUNT_MAX; replica++) {
        if ((add >> replica & 1) == 0)
            continue;
        if (replica >= map->server_rf || wire_chain_place(next, replica) >= 0 ||
            registered(map, partition, replica)->generation == 0)
            return false;
        next->members[next->count++] =
            (struct wire_chain_member){.replica = replica,
                                       .birth = *registered(map, partition, replica),
                                       .since = next->epoch,
                                       .whole = first};
    }
    return true;
}

/* Alone in its chain there is nobody to bring a replica back, so its owner was asked before another disk
 * of it was registered (server/join.c): the chain begins anew with that. */
static bool begins_anew(const struct wire_chain *chain, const struct wire_map *map,
                        const struct wire_chain_call *call)
{
    return map->server_rf == 1 && chain->count == 1 && call->drop == 1 && call->add == 1 &&
           registered(map, call->partition, 0)->generation > chain->members[0].birth.generation;
}

static enum wire_chain_verdict change(struct chains *self, const struct wire_map *map,
                                      const struct wire_chain_call *call)
{
    struct wire_chain *chain = &self->chains[call->partition];
    if (call->term != self->term || call->epoch != chain->epoch || (call->drop | call->add) == 0)
        return WIRE_CHAIN_REFUSED;
    struct wire_chain next = *chain;
    bool anew = begins_anew(chain, map, call);
    next.epoch++;
    if ((!drop_members(&next, call->drop) && !anew) ||
        !add_members(&next, map, call->partition, call->add) || next.count == 0)
        return WIRE_CHAIN_REFUSED;
    next.members[0].whole |= anew;
    *chain = next;
    return WIRE_CHAIN_OK;
}

static enum wire_chain_verdict make_whole(struct chains *self, const struct wire_chain_call *call)
{
    struct wire_chain *chain = &self->chains[call->partition];
    int place = wire_chain_place(chain, call->replica);
    if (call->term != self->term || call->epoch != chain->epoch || place < 0)
        return WIRE_CHAIN_REFUSED;
    chain->members[place].whole = true;
    return WIRE_CHAIN_OK;
}

static enum wire_chain_verdict judge_pulse(const struct wire_map *map,
                                           const struct wire_chain_call *call)
{
    if ((call->cluster != 0 && call->cluster != map->cluster) || call->replica >= map->server_rf ||
        !birth_equal(*registered(map, call->partition, call->replica), call->birth))
        return WIRE_CHAIN_UNKNOWN;
    return WIRE_CHAIN_OK;
}

struct wire_chain_answer chains_run(struct chains *self, const struct wire_map *map,
                                    const struct wire_chain_call *call)
{
    struct wire_chain_answer answer = {.verdict = WIRE_CHAIN_UNKNOWN, .term = self->term};
    if (self->count == 0)
        return answer;
    if (call->op == WIRE_CHAIN_TAKE) {
        self->term = answer.term = call->term;
        answer.verdict = WIRE_CHAIN_OK;
        return answer;
    }
    if (call->partition >= self->count)
        return answer;
    answer.verdict = call->op == WIRE_CHAIN_CHANGE  ? change(self, map, call)
                     : call->op == WIRE_CHAIN_WHOLE ? make_whole(self, call)
                                                    : judge_pulse(map, call);
    answer.partition = call->partition;
    answer.replica = call->op == WIRE_CHAIN_PULSE ? call->replica : 0;
    answer.chain = self->chains[call->partition];
    return answer;
}

uint32_t chains_lost(const struct chains *self, const struct wire_map *map)
{
    uint32_t lost = 0;
    for (uint32_t p = 0; p < self->count; p++) {
        const struct wire_chain *chain = &self->chains[p];
        bool held = chain->count == 0;
        for (int i = 0; i < chain->count; i++)
            held |= chain->members[i].whole &&
                    birth_equal(chain->members[i].birth,
                                *registered(map, p, chain->members[i].replica));
        lost += !held;
    }
    return lost;
}

/* --- checkpoints -------------------------------------------------------------------------------- */

void chains_encode(const struct chains *self, struct wire_writer *out)
{
    wire_write_uint(out, self->term);
    wire_write_uint(out, self->count);
    for (uint32_t i = 0; i < self->count; i++)
        wire_chain_encode(&self->chains[i], out);
}

bool chains_decode(struct chains *self, struct wire_reader *in)
{
    uint64_t term = wire_read_uint(in, UINT64_MAX);
    chains_found(self, (uint32_t)wire_read_uint(in, WIRE_PARTITION_COUNT_MAX));
    self->term = term;
    for (uint32_t i = 0; i < self->count && !in->bad; i++)
        self->chains[i] = wire_chain_read(in);
    return !in->bad;
}
