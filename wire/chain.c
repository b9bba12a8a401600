#include "wire/chain.h"

enum {
    TAKE_VALUES = 2,   /* op, term */
    CHANGE_VALUES = 6, /* op, term, partition, epoch, drop, add */
    WHOLE_VALUES = 5,  /* op, term, partition, epoch, replica */
    PULSE_VALUES = 10, /* op, cluster, partition, replica, generation, nonce, start, epoch, flags,
                          reached */
    ANSWER_VALUES = 5, /* CHAIN, verdict, term, partition, replica; then the chain */
    CHAIN_VALUES = 2,  /* epoch, count; then the members */
    MEMBER_VALUES = 5, /* replica, generation, nonce, since, whole */
};

#define PULSE_FLAGS (WIRE_PULSE_READY | WIRE_PULSE_WHOLE | WIRE_PULSE_LOST | WIRE_PULSE_LEAVING)
#define MASK_MAX ((1u << WIRE_REPLICA_COUNT_MAX) - 1)

/* --- chains ------------------------------------------------------------------------------------ */

uint32_t wire_chain_values(const struct wire_chain *chain)
{
    return CHAIN_VALUES + MEMBER_VALUES * (uint32_t)chain->count;
}

void wire_chain_encode(const struct wire_chain *chain, struct wire_writer *out)
{
    wire_write_uint(out, chain->epoch);
    wire_write_uint(out, chain->count);
    for (int i = 0; i < chain->count; i++) {
        const struct wire_chain_member *member = &chain->members[i];
        wire_write_uint(out, member->replica);
        wire_write_uint(out, member->birth.generation);
        wire_write_uint(out, member->birth.nonce);
        wire_write_uint(out, member->since);
        wire_write_bool(out, member->whole);
    }
}

/* Members are distinct; only epoch 0 has none, and whoever joined did so by now. */
static bool is_sound(const struct wire_chain *chain)
{
    unsigned seen = 0;
    for (int i = 0; i < chain->count; i++) {
        const struct wire_chain_member *member = &chain->members[i];
        if ((seen >> member->replica & 1) != 0 || member->since > chain->epoch ||
            member->since == 0)
            return false;
        seen |= 1u << member->replica;
    }
    return (chain->epoch == 0) == (chain->count == 0);
}

struct wire_chain wire_chain_read(struct wire_reader *in)
{
    struct wire_chain chain = {.epoch = wire_read_uint(in, UINT64_MAX / 2)};
    chain.count = (uint8_t)wire_read_uint(in, WIRE_REPLICA_COUNT_MAX);
    for (int i = 0; i < chain.count; i++) {
        struct wire_chain_member *member = &chain.members[i];
        member->replica = (wire_replica)wire_read_uint(in, WIRE_REPLICA_COUNT_MAX - 1);
        member->birth.generation = (uint32_t)wire_read_uint(in, UINT32_MAX);
        member->birth.nonce = wire_read_uint(in, UINT64_MAX);
        member->since = wire_read_uint(in, UINT64_MAX / 2);
        member->whole = wire_read_bool(in);
    }
    if (in->bad || !is_sound(&chain)) {
        in->bad = true;
        return (struct wire_chain){0};
    }
    return chain;
}

/* --- calls -------------------------------------------------------------------------------------- */

static uint32_t values_of(enum wire_chain_op op)
{
    switch (op) {
    case WIRE_CHAIN_TAKE:
        return TAKE_VALUES;
    case WIRE_CHAIN_CHANGE:
        return CHANGE_VALUES;
    case WIRE_CHAIN_WHOLE:
        return WHOLE_VALUES;
    case WIRE_CHAIN_PULSE:
        return PULSE_VALUES;
    default:
        return 0;
    }
}

static void write_pulse(const struct wire_chain_call *call, struct wire_writer *out)
{
    wire_write_uint(out, call->cluster);
    wire_write_uint(out, call->partition);
    wire_write_uint(out, call->replica);
    wire_write_uint(out, call->birth.generation);
    wire_write_uint(out, call->birth.nonce);
    wire_write_uint(out, call->start);
    wire_write_uint(out, call->epoch);
    wire_write_uint(out, call->flags);
    wire_write_uint(out, call->reached);
}

void wire_chain_call_encode(const struct wire_chain_call *call, struct wire_writer *out)
{
    wire_write_array(out, values_of(call->op));
    wire_write_uint(out, call->op);
    if (call->op == WIRE_CHAIN_PULSE) {
        write_pulse(call, out);
        return;
    }
    wire_write_uint(out, call->term);
    if (call->op == WIRE_CHAIN_TAKE)
        return;
    wire_write_uint(out, call->partition);
    wire_write_uint(out, call->epoch);
    if (call->op == WIRE_CHAIN_WHOLE) {
        wire_write_uint(out, call->replica);
        return;
    }
    wire_write_uint(out, call->drop);
    wire_write_uint(out, call->add);
}

static void read_pulse(struct wire_reader *in, struct wire_chain_call *call)
{
    call->cluster = wire_read_uint(in, UINT64_MAX);
    call->partition = (uint32_t)wire_read_uint(in, UINT32_MAX);
    call->replica = (wire_replica)wire_read_uint(in, WIRE_REPLICA_COUNT_MAX - 1);
    call->birth.generation = (uint32_t)wire_read_uint(in, UINT32_MAX);
    call->birth.nonce = wire_read_uint(in, UINT64_MAX);
    call->start = wire_read_uint(in, UINT64_MAX / 2);
    call->epoch = wire_read_uint(in, UINT64_MAX / 2);
    call->flags = wire_read_uint(in, PULSE_FLAGS);
    call->reached = wire_read_uint(in, MASK_MAX);
}

static void read_change(struct wire_reader *in, struct wire_chain_call *call)
{
    call->term = wire_read_uint(in, UINT64_MAX);
    if (call->op == WIRE_CHAIN_TAKE)
        return;
    call->partition = (uint32_t)wire_read_uint(in, UINT32_MAX);
    call->epoch = wire_read_uint(in, UINT64_MAX / 2);
    if (call->op == WIRE_CHAIN_WHOLE) {
        call->replica = (wire_replica)wire_read_uint(in, WIRE_REPLICA_COUNT_MAX - 1);
        return;
    }
    call->drop = wire_read_uint(in, MASK_MAX);
    call->add = wire_read_uint(in, MASK_MAX);
}

enum wire_error wire_chain_call_decode(struct span bytes, struct wire_chain_call *call)
{
    struct wire_reader in = wire_reader_of(bytes);
    struct wire_chain_call read = {0};
    uint32_t values = wire_read_array(&in);
    read.op = (enum wire_chain_op)wire_read_uint(&in, WIRE_CHAIN_OPS - 1);
    if (values == 0 || values != values_of(read.op))
        in.bad = true;
    if (read.op == WIRE_CHAIN_PULSE)
        read_pulse(&in, &read);
    else
        read_change(&in, &read);
    *call = (struct wire_chain_call){0};
    if (wire_read_end(&in) != WIRE_OK)
        return WIRE_MALFORMED;
    *call = read;
    return WIRE_OK;
}

/* --- answers ------------------------------------------------------------------------------------ */

void wire_chain_answer_encode(const struct wire_chain_answer *answer, struct wire_writer *out)
{
    wire_write_array(out, ANSWER_VALUES + wire_chain_values(&answer->chain));
    wire_write_uint(out, WIRE_CHAIN_ANSWER);
    wire_write_uint(out, answer->verdict);
    wire_write_uint(out, answer->term);
    wire_write_uint(out, answer->partition);
    wire_write_uint(out, answer->replica);
    wire_chain_encode(&answer->chain, out);
}

enum wire_error wire_chain_answer_decode(struct span bytes, struct wire_chain_answer *answer)
{
    struct wire_reader in = wire_reader_of(bytes);
    struct wire_chain_answer read;
    uint32_t values = wire_read_array(&in);
    bool ours = wire_read_uint(&in, UINT8_MAX) == WIRE_CHAIN_ANSWER;
    read.verdict = (enum wire_chain_verdict)wire_read_uint(&in, WIRE_CHAIN_VERDICTS - 1);
    read.term = wire_read_uint(&in, UINT64_MAX);
    read.partition = (uint32_t)wire_read_uint(&in, UINT32_MAX);
    read.replica = (wire_replica)wire_read_uint(&in, WIRE_REPLICA_COUNT_MAX - 1);
    read.chain = wire_chain_read(&in);
    *answer = (struct wire_chain_answer){0};
    if (!ours || wire_read_end(&in) != WIRE_OK ||
        values != ANSWER_VALUES + wire_chain_values(&read.chain))
        return WIRE_MALFORMED;
    *answer = read;
    return WIRE_OK;
}
