/* The values clients write: each is written by one call only, so that an answer tells whose effect it
 * saw, and an effect that was lost or came twice shows.
 *
 * A small value is its number, "v17"; a large one has a tail, "v17.eeee...": in the history both are
 * "v17", and the tail is checked here. A SWAP says which value it replaced. As each is written once,
 * it can be replaced once; and in a life of SWAPs alone all of a key form one chain, of which nothing
 * may be missing. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>

uint32_t sim_value_new(struct sim *sim, int key)
{
    if (sim->value_count + 1 >= sim->value_capacity) {
        sim->value_capacity = sim->value_capacity == 0 ? 256 : sim->value_capacity * 2;
        sim->values = wire_realloc(sim->values, sim->value_capacity * sizeof *sim->values);
    }
    uint32_t number = ++sim->value_count;
    bool large = sim_chance(sim, sim->workload.large);
    sim->happenings->large_values += large;
    sim->values[number] = (struct sim_value){
        .size = large ? SIM_VALUE_NAME_MAX + (uint32_t)sim_below(sim, WIRE_VALUE_BYTES_MAX -
                                                                          SIM_VALUE_NAME_MAX)
                      : 0,
        .key = key};
    return number;
}

struct span sim_value_name(uint32_t number, char name[SIM_VALUE_NAME_MAX])
{
    int size = snprintf(name, SIM_VALUE_NAME_MAX, "v%" PRIu32, number);
    return span_of(name, (size_t)size);
}

static uint8_t tail_letter(uint32_t number)
{
    return (uint8_t)('a' + number % 26);
}

struct buf *sim_value_bytes(const struct sim *sim, uint32_t number)
{
    char text[SIM_VALUE_NAME_MAX];
    struct span name = sim_value_name(number, text);
    uint32_t size = sim->values[number].size;
    if (size == 0)
        return buf_copy(name);
    uint8_t *fill;
    struct buf *bytes = buf_new(size, &fill);
    memcpy(fill, name.data, name.size);
    fill[name.size] = '.';
    memset(fill + name.size + 1, tail_letter(number), size - name.size - 1);
    return bytes;
}

/* All of the tail is the same letter. */
static bool tail_fits(struct span tail, uint32_t number)
{
    return tail.size > 0 && tail.data[0] == tail_letter(number) &&
           memcmp(tail.data, tail.data + 1, tail.size - 1) == 0;
}

uint32_t sim_value_read(const struct sim *sim, struct span bytes)
{
    uint32_t number = 0;
    size_t at = 1;
    for (; at < bytes.size && at < 10 && bytes.data[at] >= '0' && bytes.data[at] <= '9'; at++)
        number = number * 10 + (uint32_t)(bytes.data[at] - '0');
    if (bytes.size == 0 || bytes.data[0] != 'v' || number == 0 || number > sim->value_count)
        sim_fail(sim, "a client reads a value that no client wrote");
    uint32_t size = sim->values[number].size;
    bool whole = size == 0 ? at == bytes.size
                           : bytes.size == size && bytes.data[at] == '.' &&
                                 tail_fits(span_of(bytes.data + at + 1, size - at - 1), number);
    if (!whole)
        sim_fail(sim, "a client reads value v%" PRIu32 " with other bytes than were written",
                 number);
    return number;
}

void sim_value_swapped(struct sim *sim, int key, uint32_t number, uint32_t old)
{
    sim->values[number].swapped_in = true;
    if (old != 0 && sim->values[old].taken)
        sim_fail(sim, "two SWAPs, of them v%" PRIu32 ", were told that they replaced v%" PRIu32
                      ": an effect was lost, or came twice",
                 number, old);
    if (old == 0 && sim->workload.swaps && sim->nothing_taken[key])
        sim_fail(sim, "two SWAPs, of them v%" PRIu32 ", were told that they were the first on a key",
                 number);
    if (old != 0)
        sim->values[old].taken = true;
    else
        sim->nothing_taken[key] = true;
}

void sim_values_check(const struct sim *sim)
{
    if (!sim->workload.swaps)
        return;
    for (int key = 0; key < sim->workload.key_count; key++) {
        unsigned left = 0, unsure = 0;
        for (uint32_t i = 1; i <= sim->value_count; i++) {
            const struct sim_value *value = &sim->values[i];
            left += value->key == key && value->swapped_in && !value->taken;
            unsure += value->key == key && !value->swapped_in;
        }
        /* One is there now; each call without an answer may have replaced another. */
        if (left > 1 + unsure)
            sim_fail(sim, "key %d: %u answered SWAPs have left no trace, %u of them lost", key,
                     left, left - 1 - unsure);
    }
}
