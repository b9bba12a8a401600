#include "tests/unit/smr/counting_machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "wire/figures.h"
#include "wire/hash.h"

struct counting {
    uint64_t count;              /* commands applied */
    uint64_t unsaved;            /* of them since the last freeze */
    bool frozen;                 /* something is */
    const struct smr_base *base; /* where it goes, or NULL */
};

enum smr_body counting_machine_classify(struct span body)
{
    if (body.size == 0)
        return SMR_BODY_MALFORMED;
    return body.data[0] == 'w'   ? SMR_BODY_COMMAND
           : body.data[0] == 'p' ? SMR_BODY_PLAIN
           : body.data[0] == 'q' ? SMR_BODY_QUERY
                                 : SMR_BODY_MALFORMED;
}

static bool second_is(struct span body, char letter)
{
    return body.size > 1 && body.data[1] == letter;
}

static enum wire_status counting_query(void *self, struct span body, struct wire_writer *answer)
{
    const struct counting *machine = self;
    char text[24];
    if (counting_machine_classify(body) == SMR_BODY_MALFORMED)
        return WIRE_STATUS_MALFORMED;
    if (second_is(body, '!'))
        return WIRE_STATUS_WRONG_GROUP;
    snprintf(text, sizeof text, "%" PRIu64, machine->count);
    if (!second_is(body, 's'))
        wire_write_raw(answer, span_text(text));
    return WIRE_STATUS_OK;
}

static enum wire_status counting_apply(void *self, const struct smr_moment *moment,
                                       struct span body, struct wire_writer *answer)
{
    struct counting *machine = self;
    (void)moment;
    bool counts = counting_machine_classify(body) != SMR_BODY_MALFORMED && body.data[0] != 'q' &&
                  !second_is(body, '!');
    machine->count += counts;
    machine->unsaved += counts;
    return counting_query(self, body, answer);
}

static uint64_t counting_digest(const void *self)
{
    return ((const struct counting *)self)->count;
}

static void counting_figures(const void *self, struct wire_writer *out)
{
    wire_figure_number(out, "machine.count", ((const struct counting *)self)->count);
}

static size_t counting_unsaved(const void *self)
{
    return 10 * ((const struct counting *)self)->unsaved;
}

static void counting_freeze(void *self, struct wire_writer *part)
{
    struct counting *machine = self;
    uint8_t bytes[8];
    assert(!machine->frozen);
    machine->frozen = true;
    machine->unsaved = 0;
    wire_put_u64(bytes, machine->count);
    wire_write_raw(part, span_of(bytes, sizeof bytes));
}

static enum wire_error counting_save(void *self, struct span image)
{
    struct counting *machine = self;
    assert(machine->frozen);
    machine->base->ops->begin(machine->base->self);
    return machine->base->ops->commit(machine->base->self, image);
}

static void counting_thaw(void *self)
{
    struct counting *machine = self;
    assert(machine->frozen);
    machine->frozen = false;
}

static bool counting_restore(void *self, struct span part)
{
    struct counting *machine = self;
    if (part.size != 8)
        return false;
    machine->count = wire_get_u64(part.data);
    machine->unsaved = 0;
    machine->frozen = false;
    return true;
}

static bool counting_fits(struct span part, const struct smr_totals *totals)
{
    return part.size == 8 && totals->pairs == 0;
}

static const struct smr_machine_ops counting_ops = {
    .classify = counting_machine_classify,
    .apply = counting_apply,
    .query = counting_query,
    .digest = counting_digest,
    .figures = counting_figures,
    .destroy = free,
    .unsaved_bytes = counting_unsaved,
    .freeze = counting_freeze,
    .save = counting_save,
    .thaw = counting_thaw,
    .restore = counting_restore,
    .fits = counting_fits,
};

struct smr_machine counting_machine_new(void)
{
    return counting_machine_new_on(NULL);
}

struct smr_machine counting_machine_new_on(const struct smr_base *base)
{
    struct counting *machine = wire_calloc(1, sizeof *machine);
    machine->base = base;
    return (struct smr_machine){.ops = &counting_ops, .self = machine, .base = base};
}
