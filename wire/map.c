#include "wire/map.h"

#include <stdlib.h>
#include "wire/address.h"
#include "wire/hash.h"

enum {
    FOUND_VALUES = 5,    /* op, cluster, server_rf, protocol, count; then the addresses */
    REGISTER_VALUES = 6, /* op, cluster, partition, replica, generation, nonce */
    GET_VALUES = 1,      /* op */
    ANSWER_VALUES = 5,   /* verdict, cluster, server_rf, protocol, count; then the servers */
    SERVER_VALUES = 3,   /* address, generation, nonce */
};

const char *wire_protocol_text(enum wire_protocol protocol)
{
    static const char *const texts[WIRE_PROTOCOLS] = {
        [WIRE_PROTOCOL_MULTIPAXOS] = "multipaxos", [WIRE_PROTOCOL_CHAIN] = "chain"};
    assert((unsigned)protocol < WIRE_PROTOCOLS);
    return texts[protocol];
}

bool wire_protocol_parse(const char *text, enum wire_protocol *protocol)
{
    for (int i = 0; i < WIRE_PROTOCOLS; i++) {
        if (strcmp(text, wire_protocol_text((enum wire_protocol)i)) != 0)
            continue;
        *protocol = (enum wire_protocol)i;
        return true;
    }
    return false;
}

void wire_map_free(struct wire_map *map)
{
    free(map->servers);
    *map = (struct wire_map){0};
}

void wire_map_copy(struct wire_map *to, const struct wire_map *from)
{
    if (to == from)
        return;
    wire_map_free(to);
    *to = *from;
    to->servers = NULL;
    if (from->server_count == 0)
        return;
    to->servers = wire_calloc(from->server_count, sizeof *to->servers);
    memcpy(to->servers, from->servers, from->server_count * sizeof *to->servers);
}

static bool is_factor(uint64_t server_rf)
{
    return server_rf % 2 == 1 && server_rf <= WIRE_REPLICA_COUNT_MAX;
}

/* Reads cluster, factor and count, out of a call or answer whose array has `values` elements, of
 * which `before` are no servers and the rest are servers of `each` values. Allocates the servers
 * only when what is there can hold them: at most WIRE_SERVER_COUNT_MAX, and one per byte of input.
 */
static void read_topology(struct wire_reader *in, struct wire_map *map, uint32_t values,
                          uint32_t before, uint32_t each)
{
    map->cluster = wire_read_uint(in, UINT64_MAX);
    map->server_rf = (uint8_t)wire_read_uint(in, WIRE_REPLICA_COUNT_MAX);
    map->protocol = (enum wire_protocol)wire_read_uint(in, WIRE_PROTOCOLS - 1);
    map->server_count = (uint32_t)wire_read_uint(in, WIRE_SERVER_COUNT_MAX);
    bool legal = map->cluster != 0 && is_factor(map->server_rf) && map->server_count > 0 &&
                 map->server_count % map->server_rf == 0 &&
                 map->server_count / map->server_rf <= WIRE_PARTITION_COUNT_MAX;
    bool none = map->cluster == 0 && map->server_rf == 0 && map->protocol == 0 &&
                map->server_count == 0;
    if (in->bad || !(legal || none) || values != before + each * map->server_count) {
        in->bad = true;
        map->server_count = 0;
        return;
    }
    if (map->server_count > 0)
        map->servers = wire_calloc(map->server_count, sizeof *map->servers);
}

static void read_address(struct wire_reader *in, char address[WIRE_ADDRESS_TEXT_MAX])
{
    struct wire_address parsed;
    const char *problem;
    char text[WIRE_ADDRESS_TEXT_MAX] = {0};
    struct span bytes = wire_read_bin(in, WIRE_ADDRESS_TEXT_MAX - 1);
    if (bytes.size > 0)
        memcpy(text, bytes.data, bytes.size);
    if (strlen(text) != bytes.size || wire_address_parse(text, &parsed, &problem) != WIRE_OK)
        in->bad = true;
    else
        memcpy(address, text, WIRE_ADDRESS_TEXT_MAX);
}

static struct wire_birth read_birth(struct wire_reader *in)
{
    struct wire_birth birth = {.generation = (uint32_t)wire_read_uint(in, UINT32_MAX)};
    birth.nonce = wire_read_uint(in, UINT64_MAX);
    return birth;
}

/* --- calls ----------------------------------------------------------------------------------- */

static void write_found(const struct wire_map *map, struct wire_writer *out)
{
    wire_write_array(out, FOUND_VALUES + map->server_count);
    wire_write_uint(out, WIRE_MAP_FOUND);
    wire_write_uint(out, map->cluster);
    wire_write_uint(out, map->server_rf);
    wire_write_uint(out, map->protocol);
    wire_write_uint(out, map->server_count);
    for (uint32_t i = 0; i < map->server_count; i++)
        wire_write_bin(out, span_text(map->servers[i].address));
}

void wire_map_call_encode(const struct wire_map_call *call, struct wire_writer *out)
{
    if (call->op == WIRE_MAP_FOUND) {
        write_found(&call->map, out);
        return;
    }
    wire_write_array(out, call->op == WIRE_MAP_REGISTER ? REGISTER_VALUES : GET_VALUES);
    wire_write_uint(out, call->op);
    if (call->op == WIRE_MAP_REGISTER) {
        wire_write_uint(out, call->cluster);
        wire_write_uint(out, call->partition);
        wire_write_uint(out, call->replica);
        wire_write_uint(out, call->birth.generation);
        wire_write_uint(out, call->birth.nonce);
    }
}

static void read_found(struct wire_reader *in, struct wire_map *map, uint32_t values)
{
    read_topology(in, map, values, FOUND_VALUES, 1);
    if (map->cluster == 0)
        in->bad = true;
    for (uint32_t i = 0; i < map->server_count && !in->bad; i++)
        read_address(in, map->servers[i].address);
}

static void read_register(struct wire_reader *in, struct wire_map_call *call, uint32_t values)
{
    call->cluster = wire_read_uint(in, UINT64_MAX);
    call->partition = (uint32_t)wire_read_uint(in, UINT32_MAX);
    call->replica = (wire_replica)wire_read_uint(in, UINT8_MAX);
    call->birth = read_birth(in);
    if (values != REGISTER_VALUES || call->birth.generation == 0)
        in->bad = true;
}

enum wire_error wire_map_call_decode(struct span bytes, struct wire_map_call *call)
{
    struct wire_reader in = wire_reader_of(bytes);
    *call = (struct wire_map_call){0};
    uint32_t values = wire_read_array(&in);
    call->op = (enum wire_map_op)wire_read_uint(&in, WIRE_MAP_OPS - 1);
    if (call->op == WIRE_MAP_FOUND)
        read_found(&in, &call->map, values);
    else if (call->op == WIRE_MAP_REGISTER)
        read_register(&in, call, values);
    else if (values != GET_VALUES)
        in.bad = true;
    if (wire_read_end(&in) == WIRE_OK)
        return WIRE_OK;
    wire_map_call_free(call);
    return WIRE_MALFORMED;
}

void wire_map_call_free(struct wire_map_call *call)
{
    wire_map_free(&call->map);
    *call = (struct wire_map_call){0};
}

/* --- answers --------------------------------------------------------------------------------- */

void wire_map_answer_encode(enum wire_map_verdict verdict, const struct wire_map *map,
                            struct wire_writer *out)
{
    static const struct wire_map none;
    if (map == NULL)
        map = &none;
    wire_write_array(out, ANSWER_VALUES + SERVER_VALUES * map->server_count);
    wire_write_uint(out, verdict);
    wire_write_uint(out, map->cluster);
    wire_write_uint(out, map->server_rf);
    wire_write_uint(out, map->protocol);
    wire_write_uint(out, map->server_count);
    for (uint32_t i = 0; i < map->server_count; i++) {
        wire_write_bin(out, span_text(map->servers[i].address));
        wire_write_uint(out, map->servers[i].birth.generation);
        wire_write_uint(out, map->servers[i].birth.nonce);
    }
}

enum wire_error wire_map_answer_decode(struct span bytes, enum wire_map_verdict *verdict,
                                       struct wire_map *map)
{
    struct wire_reader in = wire_reader_of(bytes);
    struct wire_map read = {0};
    uint32_t values = wire_read_array(&in);
    uint64_t said = wire_read_uint(&in, WIRE_MAP_VERDICTS - 1);
    read_topology(&in, &read, values, ANSWER_VALUES, SERVER_VALUES);
    for (uint32_t i = 0; i < read.server_count && !in.bad; i++) {
        read_address(&in, read.servers[i].address);
        read.servers[i].birth = read_birth(&in);
    }
    /* A map comes with every verdict but one. */
    bool fits = (said == WIRE_MAP_NOT_FOUNDED) == (read.cluster == 0);
    if (!fits || wire_read_end(&in) != WIRE_OK) {
        wire_map_free(&read);
        return WIRE_MALFORMED;
    }
    *verdict = (enum wire_map_verdict)said;
    *map = read;
    return WIRE_OK;
}

uint64_t wire_map_topology(uint8_t manager_count, const struct wire_map *map)
{
    struct wire_writer text = {0};
    wire_write_uint(&text, manager_count);
    wire_write_uint(&text, map->server_rf);
    if (map->protocol != WIRE_PROTOCOL_MULTIPAXOS)
        wire_write_uint(&text, map->protocol);
    for (uint32_t i = 0; i < map->server_count; i++)
        wire_write_bin(&text, span_text(map->servers[i].address));
    uint64_t hash = wire_hash(wire_writer_span(&text));
    wire_writer_free(&text);
    return hash == 0 ? 1 : hash;
}
