#include "server/kv_machine.h"

#include <stdlib.h>
#include "server/kv_tree.h"
#include "wire/figures.h"
#include "wire/hash.h"
#include "wire/kv.h"
#include "wire/map.h"

struct kv_machine {
    uint32_t partition;          /* whose keys it holds */
    uint32_t partition_count;    /* of the cluster; 0 or 1: all keys are its own */
    struct kv_tree tree;         /* the state */
    uint64_t calls[WIRE_KV_OPS]; /* answered since birth, by op; not part of the state */
    uint64_t wrong_group;        /* refused since birth; not part of the state */
};

/* The pairs of one answer to a Scan. */
struct page {
    const struct kv_record *first; /* NULL: none */
    uint32_t pairs;                /* from there on */
    bool more;                     /* the range goes on behind them */
};

static bool is_ours(const struct kv_machine *self, const struct wire_kv_call *call)
{
    if (self->partition_count <= 1 || call->op == WIRE_KV_SCAN)
        return true;
    uint32_t slot = wire_hash_slot(call->key);
    return wire_map_partition(slot, self->partition_count) == self->partition;
}

/* --- reading --------------------------------------------------------------------------------- */

static void answer_value(enum wire_kv_op op, const struct kv_record *record,
                         struct wire_writer *answer)
{
    struct wire_kv_answer found = {.found = record != NULL};
    if (record != NULL)
        found.value = record->value;
    wire_kv_answer_encode(op, &found, answer);
}

static struct page take_page(const struct kv_tree *tree, const struct wire_kv_call *call)
{
    struct page page = {.first = kv_tree_seek(tree, call->key, call->after)};
    size_t bytes = 0;
    const struct kv_record *record = page.first;
    for (; record != NULL && span_compare(record->key, call->value) <= 0;
         record = kv_tree_next(record)) {
        if (bytes >= WIRE_SCAN_PAGE_BYTES || page.pairs == WIRE_SCAN_PAGE_COUNT) {
            page.more = true;
            break;
        }
        bytes += record->key.size + record->value.size;
        page.pairs++;
    }
    return page;
}

static void answer_scan(const struct kv_tree *tree, const struct wire_kv_call *call,
                        struct wire_writer *answer)
{
    struct page page = take_page(tree, call);
    wire_kv_page_begin(answer, page.more, page.pairs);
    const struct kv_record *record = page.first;
    for (uint32_t i = 0; i < page.pairs; i++, record = kv_tree_next(record))
        wire_kv_page_add(answer, record->key, record->value);
}

/* --- changing -------------------------------------------------------------------------------- */

/* The answer goes first: what was there before is gone once the change is made. */
static void change(struct kv_tree *tree, const struct wire_kv_call *call,
                   struct wire_writer *answer)
{
    answer_value(call->op, kv_tree_find(tree, call->key), answer);
    if (call->op == WIRE_KV_DELETE)
        kv_tree_remove(tree, call->key);
    else
        kv_tree_set(tree, call->key, call->value);
}

/* --- the machine ----------------------------------------------------------------------------- */

static enum wire_status answer_call(struct kv_machine *self, const struct wire_kv_call *call,
                                    struct wire_writer *answer)
{
    if (!is_ours(self, call)) {
        self->wrong_group++;
        return WIRE_STATUS_WRONG_GROUP;
    }
    self->calls[call->op]++;
    if (call->op == WIRE_KV_SCAN)
        answer_scan(&self->tree, call, answer);
    else if (call->op == WIRE_KV_GET)
        answer_value(call->op, kv_tree_find(&self->tree, call->key), answer);
    else
        change(&self->tree, call, answer);
    return WIRE_STATUS_OK;
}

static enum smr_body kv_classify(struct span body)
{
    struct wire_kv_call call;
    if (wire_kv_call_decode(body, &call) != WIRE_OK)
        return SMR_BODY_MALFORMED;
    return wire_kv_is_read(call.op) ? SMR_BODY_QUERY : SMR_BODY_COMMAND;
}

static enum wire_status kv_apply(void *self, const struct smr_moment *moment, struct span body,
                                 struct wire_writer *answer)
{
    struct wire_kv_call call;
    (void)moment; /* no call depends on when it is made */
    if (wire_kv_call_decode(body, &call) != WIRE_OK)
        return WIRE_STATUS_MALFORMED;
    return answer_call(self, &call, answer);
}

static enum wire_status kv_query(void *self, struct span body, struct wire_writer *answer)
{
    struct wire_kv_call call;
    if (wire_kv_call_decode(body, &call) != WIRE_OK || !wire_kv_is_read(call.op))
        return WIRE_STATUS_MALFORMED;
    return answer_call(self, &call, answer);
}

static uint64_t kv_digest(const void *self)
{
    const struct kv_machine *machine = self;
    return kv_tree_digest(&machine->tree);
}

static void kv_figures(const void *self, struct wire_writer *out)
{
    static const char *const names[WIRE_KV_OPS] = {
        [WIRE_KV_PUT] = "kv.put_calls",       [WIRE_KV_SWAP] = "kv.swap_calls",
        [WIRE_KV_DELETE] = "kv.delete_calls", [WIRE_KV_GET] = "kv.get_calls",
        [WIRE_KV_SCAN] = "kv.scan_calls",
    };
    const struct kv_machine *machine = self;
    wire_figure_number(out, "kv.records", machine->tree.count);
    wire_figure_number(out, "kv.bytes", machine->tree.bytes);
    for (int op = 0; op < WIRE_KV_OPS; op++)
        wire_figure_number(out, names[op], machine->calls[op]);
    wire_figure_number(out, "kv.wrong_group_calls", machine->wrong_group);
}

static void kv_destroy(void *self)
{
    struct kv_machine *machine = self;
    kv_tree_clear(&machine->tree);
    free(machine);
}

struct smr_machine kv_machine_new(uint32_t partition, uint32_t partition_count)
{
    static const struct smr_machine_ops ops = {
        .classify = kv_classify,
        .apply = kv_apply,
        .query = kv_query,
        .digest = kv_digest,
        .figures = kv_figures,
        .destroy = kv_destroy,
    };
    assert(partition_count <= 1 || partition < partition_count);
    struct kv_machine *self = wire_calloc(1, sizeof *self);
    self->partition = partition;
    self->partition_count = partition_count;
    return (struct smr_machine){.ops = &ops, .self = self};
}
