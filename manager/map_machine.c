#include "manager/map_machine.h"

#include <stdlib.h>
#include "manager/chains.h"
#include "wire/figures.h"
#include "wire/hash.h"

enum {
    CHANGE_BYTES = 128 /* what a change counts towards the next checkpoint */
};

struct map_machine {
    struct wire_map map;       /* the state; cluster 0: not founded */
    struct chains chains;      /* likewise; none for servers that need no oracle */
    struct wire_map flags;     /* what the command line said; no part of the state */
    bool compares;             /* flags were given */
    uint8_t manager_count;     /* of the command line */
    map_conflict_fn *conflict; /* or NULL */
    void *context;             /* of conflict */
    const struct smr_base *base; /* where checkpoints go; NULL: nowhere */
    uint64_t changes;          /* applied since the last freeze */
};

static bool is_founded(const struct map_machine *self)
{
    return self->map.cluster != 0;
}

static bool same_topology(const struct wire_map *a, const struct wire_map *b)
{
    if (a->server_rf != b->server_rf || a->protocol != b->protocol ||
        a->server_count != b->server_count)
        return false;
    for (uint32_t i = 0; i < a->server_count; i++) {
        if (strcmp(a->servers[i].address, b->servers[i].address) != 0)
            return false;
    }
    return true;
}

/* --- the calls ------------------------------------------------------------------------------- */

static void compare_with_flags(const struct map_machine *self)
{
    if (is_founded(self) && self->conflict != NULL && self->compares &&
        !same_topology(&self->map, &self->flags))
        self->conflict(self->context, &self->map, &self->flags);
}

static enum wire_map_verdict found(struct map_machine *self, const struct wire_map *map)
{
    if (!is_founded(self)) {
        wire_map_copy(&self->map, map);
        if (map->protocol == WIRE_PROTOCOL_CHAIN)
            chains_found(&self->chains, wire_map_partition_count(map));
    }
    compare_with_flags(self);
    return WIRE_MAP_OK;
}

static enum wire_map_verdict register_birth(struct map_machine *self,
                                            const struct wire_map_call *call)
{
    if (!is_founded(self))
        return WIRE_MAP_NOT_FOUNDED;
    if (call->partition >= wire_map_partition_count(&self->map) ||
        call->replica >= self->map.server_rf ||
        (call->cluster != 0 && call->cluster != self->map.cluster))
        return WIRE_MAP_STRANGER;
    uint32_t place = call->partition * self->map.server_rf + call->replica;
    struct wire_birth *known = &self->map.servers[place].birth;
    if (call->birth.generation > known->generation)
        *known = call->birth;
    return birth_equal(*known, call->birth) ? WIRE_MAP_OK : WIRE_MAP_REBORN;
}

static enum wire_map_verdict run_call(struct map_machine *self, const struct wire_map_call *call)
{
    switch (call->op) {
    case WIRE_MAP_FOUND:
        return found(self, &call->map);
    case WIRE_MAP_REGISTER:
        return register_birth(self, call);
    default:
        return is_founded(self) ? WIRE_MAP_OK : WIRE_MAP_NOT_FOUNDED;
    }
}

/* --- the machine ----------------------------------------------------------------------------- */

static enum smr_body map_classify(struct span body)
{
    struct wire_map_call call;
    struct wire_chain_call of_chain;
    if (wire_chain_call_decode(body, &of_chain) == WIRE_OK)
        return of_chain.op == WIRE_CHAIN_PULSE ? SMR_BODY_QUERY : SMR_BODY_PLAIN;
    if (wire_map_call_decode(body, &call) != WIRE_OK)
        return SMR_BODY_MALFORMED;
    enum smr_body kind = call.op == WIRE_MAP_GET ? SMR_BODY_QUERY : SMR_BODY_PLAIN;
    wire_map_call_free(&call);
    return kind;
}

static uint64_t map_subject(struct span body)
{
    (void)body;
    return SMR_SUBJECT_ALL;
}

static enum wire_status map_apply(void *self, const struct smr_moment *moment, struct span body,
                                  struct wire_writer *answer)
{
    struct map_machine *machine = self;
    struct wire_map_call call;
    struct wire_chain_call of_chain;
    (void)moment; /* no call depends on when it is made */
    if (wire_chain_call_decode(body, &of_chain) == WIRE_OK) {
        struct wire_chain_answer answered =
            chains_run(&machine->chains, &machine->map, &of_chain);
        machine->changes += of_chain.op != WIRE_CHAIN_PULSE;
        wire_chain_answer_encode(&answered, answer);
        return WIRE_STATUS_OK;
    }
    if (wire_map_call_decode(body, &call) != WIRE_OK)
        return WIRE_STATUS_MALFORMED;
    enum wire_map_verdict verdict = run_call(machine, &call);
    machine->changes += call.op != WIRE_MAP_GET;
    wire_map_answer_encode(verdict, &machine->map, answer);
    wire_map_call_free(&call);
    return WIRE_STATUS_OK;
}

static enum wire_status map_query(void *self, struct span body, struct wire_writer *answer)
{
    if (map_classify(body) != SMR_BODY_QUERY)
        return WIRE_STATUS_MALFORMED;
    return map_apply(self, NULL, body, answer);
}

static uint64_t map_digest(const void *self)
{
    const struct map_machine *machine = self;
    struct wire_writer text = {0};
    wire_map_answer_encode(WIRE_MAP_OK, &machine->map, &text);
    chains_encode(&machine->chains, &text);
    uint64_t hash = wire_hash(wire_writer_span(&text));
    wire_writer_free(&text);
    return hash;
}

static void map_figures(const void *self, struct wire_writer *out)
{
    const struct map_machine *machine = self;
    uint32_t registered = 0;
    for (uint32_t i = 0; i < machine->map.server_count; i++)
        registered += machine->map.servers[i].birth.generation != 0;
    wire_figure_number(out, "map.cluster", machine->map.cluster);
    wire_figure_number(out, "map.managers", machine->manager_count);
    wire_figure_number(out, "map.server_rf", machine->map.server_rf);
    wire_figure_number(out, "map.partitions", wire_map_partition_count(&machine->map));
    wire_figure_number(out, "map.servers_registered", registered);
    if (machine->chains.count > 0)
        wire_figure_number(out, "map.chains_lost", chains_lost(&machine->chains, &machine->map));
}

static void map_destroy(void *self)
{
    struct map_machine *machine = self;
    wire_map_free(&machine->map);
    wire_map_free(&machine->flags);
    chains_free(&machine->chains);
    free(machine);
}

/* --- checkpoints: the whole map is the part, and nothing is keys and values -------------------- */

static size_t map_unsaved_bytes(const void *self)
{
    return ((const struct map_machine *)self)->changes * CHANGE_BYTES;
}

static void map_freeze(void *self, struct wire_writer *part)
{
    struct map_machine *machine = self;
    struct wire_writer map = {0};
    machine->changes = 0;
    wire_map_answer_encode(is_founded(machine) ? WIRE_MAP_OK : WIRE_MAP_NOT_FOUNDED, &machine->map,
                           &map);
    wire_write_bin(part, wire_writer_span(&map));
    chains_encode(&machine->chains, part);
    wire_writer_free(&map);
}

static enum wire_error map_save(void *self, struct span image)
{
    const struct smr_base *base = ((struct map_machine *)self)->base;
    base->ops->begin(base->self);
    return base->ops->commit(base->self, image);
}

static void map_thaw(void *self)
{
    (void)self; /* what was frozen stands in the image */
}

/* False: it is no part of such a machine, and nothing was allocated. */
static bool read_part(struct span part, struct wire_map *map, struct chains *chains)
{
    enum wire_map_verdict verdict;
    struct wire_reader in = wire_reader_of(part);
    struct span text = wire_read_bin(&in, part.size);
    if (chains_decode(chains, &in) && wire_read_end(&in) == WIRE_OK &&
        wire_map_answer_decode(text, &verdict, map) == WIRE_OK)
        return true;
    chains_free(chains);
    return false;
}

static bool map_restore(void *self, struct span part)
{
    struct map_machine *machine = self;
    struct wire_map map = {0};
    struct chains chains = {0};
    if (!read_part(part, &map, &chains))
        return false;
    wire_map_free(&machine->map);
    chains_free(&machine->chains);
    machine->map = map;
    machine->chains = chains;
    machine->changes = 0;
    compare_with_flags(machine); /* a snapshot may stand in for the FOUND that would have */
    return true;
}

static bool map_fits(struct span part, const struct smr_totals *totals)
{
    struct wire_map map = {0};
    struct chains chains = {0};
    if (totals->pairs != 0 || !read_part(part, &map, &chains))
        return false;
    wire_map_free(&map);
    chains_free(&chains);
    return true;
    return true;
}

struct smr_machine map_machine_new(const struct map_flags *flags)
{
    static const struct smr_machine_ops ops = {
        .classify = map_classify,
        .subject = map_subject,
        .apply = map_apply,
        .query = map_query,
        .digest = map_digest,
        .figures = map_figures,
        .destroy = map_destroy,
        .unsaved_bytes = map_unsaved_bytes,
        .freeze = map_freeze,
        .save = map_save,
        .thaw = map_thaw,
        .restore = map_restore,
        .fits = map_fits,
    };
    struct map_machine *self = wire_calloc(1, sizeof *self);
    if (flags != NULL) {
        self->compares = flags->map != NULL;
        self->manager_count = flags->manager_count;
        self->conflict = flags->conflict;
        self->context = flags->context;
        self->base = flags->base;
    }
    if (self->compares)
        wire_map_copy(&self->flags, flags->map);
    return (struct smr_machine){.ops = &ops, .self = self, .base = self->base};
}

const struct wire_map *map_machine_map(struct smr_machine machine)
{
    assert(machine.ops->apply == map_apply);
    return &((const struct map_machine *)machine.self)->map;
}

const struct wire_chain *map_machine_chain(struct smr_machine machine, uint32_t partition)
{
    const struct map_machine *self = machine.self;
    assert(machine.ops->apply == map_apply);
    return partition < self->chains.count ? &self->chains.chains[partition] : NULL;
}
