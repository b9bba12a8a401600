/* Corruption of bytes on the wire, and who notices.
 *
 * MadKV itself covers every batch with a checksum, wherever it is: in an Accept, among the entries of
 * a Promise or a Learned, on the disk. Not covered are the heads, the slots, ballots and flags of
 * entries, and the calls and answers between clients and the API. For those MadKV relies on TCP: its
 * checksum and those of the links refuse nearly all damage, and what they refuse is sent again. (They
 * are 16 bits and 32: see Stone and Partridge, "When the CRC and TCP checksum disagree", SIGCOMM 2000,
 * for how little is left, and that it is not nothing.)
 *
 * So a message is altered at random and then put to the decoders that its receiver uses:
 *   - they refuse it: it is delivered like that, and sim_node.c checks that it has no effect;
 *   - they would take it for another, legal message: no part of MadKV could tell, so TCP has to. It
 *     arrives unharmed but late, as if sent again, and is counted as left to TCP. */
#include "tests/sim/sim.h"

#include "smr/snapshot.h"
#include "wire/chain.h"
#include "wire/entry.h"

enum {
    RUN_MAX = 8 /* bytes altered, cut off or added */
};

/* A damaged copy of the bytes. `sizes_only`: nothing but the size changes. */
static struct buf *damaged_copy(struct sim *sim, const struct buf *bytes, bool sizes_only)
{
    uint8_t copy[RUN_MAX];
    unsigned how = (unsigned)sim_below(sim, 4);
    if (bytes->size == 0 || how == 3 || (sizes_only && how == 1)) {
        for (size_t i = 0; i < RUN_MAX; i++)
            copy[i] = (uint8_t)sim_below(sim, 256);
        struct wire_writer longer = {0};
        wire_write_raw(&longer, buf_span(bytes));
        wire_write_raw(&longer, span_of(copy, 1 + (size_t)sim_below(sim, RUN_MAX)));
        struct buf *result = wire_writer_take(&longer);
        wire_writer_free(&longer);
        return result;
    }
    size_t run = 1 + (size_t)sim_below(sim, bytes->size < RUN_MAX ? bytes->size : RUN_MAX);
    if (how == 2 || sizes_only)
        return buf_copy(span_of(bytes->data, bytes->size - run));
    uint8_t *fill;
    struct buf *result = buf_new(bytes->size, &fill);
    memcpy(fill, bytes->data, bytes->size);
    size_t at = (size_t)sim_below(sim, bytes->size - run + 1);
    if (how == 0)
        fill[at] ^= (uint8_t)(1u << sim_below(sim, 8));
    for (size_t i = 0; i < run && how == 1; i++)
        fill[at + i] ^= (uint8_t)(1 + sim_below(sim, 255));
    return result;
}

static bool head_is_refused(struct span head, const struct wire_message *sent)
{
    struct wire_message read;
    if (wire_message_decode(head, &read) != WIRE_OK ||
        wire_type_has_payload(read.type) != (sent->payload != NULL))
        return true;
    /* The door of every role; clients and the API look at the group only. */
    bool between_replicas =
        sent->type != WIRE_MESSAGE_REQUEST && sent->type != WIRE_MESSAGE_REPLY;
    return read.sender.group != sent->sender.group ||
           (between_replicas && read.sender.cluster != sent->sender.cluster);
}

static bool call_is_refused(struct span body, const struct wire_message *sent)
{
    if (sent->request.kind == WIRE_CALL_OPEN || sent->request.kind == WIRE_CALL_CLOSE)
        return body.size > 0;
    struct wire_kv_call kv;
    if (sent->sender.group != WIRE_GROUP_MANAGERS)
        return wire_kv_call_decode(body, &kv) != WIRE_OK;
    struct wire_map_call map;
    struct wire_chain_call chain;
    if (wire_chain_call_decode(body, &chain) == WIRE_OK)
        return false;
    if (wire_map_call_decode(body, &map) != WIRE_OK)
        return true;
    wire_map_call_free(&map);
    return false;
}

static bool payload_is_refused(struct span payload, const struct wire_message *sent)
{
    switch (sent->type) {
    case WIRE_MESSAGE_ACCEPT:
    case WIRE_MESSAGE_SNAPSHOT:
        return true; /* every byte is under a checksum */
    case WIRE_MESSAGE_PROMISE:
        return wire_entries_check(payload, sent->promise.from) != WIRE_OK;
    case WIRE_MESSAGE_LEARNED:
        return wire_entries_check(payload, sent->learned.from) != WIRE_OK;
    case WIRE_MESSAGE_REQUEST:
        return call_is_refused(payload, sent);
    case WIRE_MESSAGE_REPLY:
        return true; /* only its size was changed: see below */
    default:
        return false;
    }
}

struct sim_letter sim_wire_forge(struct sim *sim, const struct wire_message *sent, enum wire_role to)
{
    struct sim_letter none = {0};
    if (sent->type != WIRE_MESSAGE_SNAPSHOT || sent->snapshot.image || sent->payload->size == 0)
        return none;
    uint8_t *fill;
    struct wire_message forged = *sent;
    forged.payload = buf_new(sent->payload->size, &fill);
    memcpy(fill, sent->payload->data, sent->payload->size);
    fill[sent->payload->size - 1] ^= 1; /* of the last value */
    forged.snapshot.checksum = smr_snapshot_checksum(&forged);
    struct sim_letter letter = sim_letter_write(&forged, to);
    sim->happenings->forgeries++;
    buf_unref(&forged.payload);
    return letter;
}

bool sim_wire_corrupt(struct sim *sim, struct sim_letter *letter, const struct wire_message *sent)
{
    bool in_payload = letter->payload != NULL && sim_chance(sim, 600);
    struct buf **bytes = in_payload ? &letter->payload : &letter->head;
    /* An answer's values are any bytes; what can be told from the answer alone is its size. */
    bool sizes_only = in_payload && sent->type == WIRE_MESSAGE_REPLY;
    struct buf *copy = damaged_copy(sim, *bytes, sizes_only);
    bool refused = in_payload ? payload_is_refused(buf_span(copy), sent)
                              : head_is_refused(buf_span(copy), sent);
    if (!refused) {
        sim->happenings->corruptions_left_to_tcp++;
        buf_unref(&copy);
        return false;
    }
    sim->happenings->corruptions_refused++;
    buf_unref(bytes);
    *bytes = copy;
    letter->damaged = true;
    return true;
}
