#include "server/kv_machine.h"

#include <stdlib.h>
#include "server/kv_store.h"
#include "wire/figures.h"
#include "wire/hash.h"
#include "wire/kv.h"
#include "wire/map.h"

struct kv_machine {
    uint32_t partition;          /* whose keys it holds */
    uint32_t partition_count;    /* of the cluster; 0 or 1: all keys are its own */
    struct kv_store store;       /* the state */
    struct wire_writer pairs;    /* scratch: of the page being put together */
    uint64_t calls[WIRE_KV_OPS]; /* answered since birth, by op; not part of the state */
    uint64_t wrong_group;        /* refused since birth; not part of the state */
};

static bool is_ours(const struct kv_machine *self, const struct wire_kv_call *call)
{
    if (self->partition_count <= 1 || call->op == WIRE_KV_SCAN)
        return true;
    uint32_t slot = wire_hash_slot(call->key);
    return wire_map_partition(slot, self->partition_count) == self->partition;
}

/* --- reading --------------------------------------------------------------------------------- */

static struct kv_found answer_value(struct kv_store *store, const struct wire_kv_call *call,
                                    struct wire_writer *answer)
{
    struct kv_found found = kv_store_find(store, call->key);
    struct wire_kv_answer said = {.found = found.is_there, .value = found.value};
    wire_kv_answer_encode(call->op, &said, answer);
    return found;
}

/* The page of one answer to a Scan while it fills. */
struct page {
    struct span to;            /* the last key wanted */
    struct wire_writer *pairs; /* encoded so far */
    uint32_t count;            /* how many */
    size_t bytes;              /* of their keys and values */
    bool more;                 /* the range goes on behind them */
};

static bool take_pair(void *context, struct span key, struct span value)
{
    struct page *page = context;
    if (span_compare(key, page->to) > 0)
        return false;
    if (page->bytes >= WIRE_SCAN_PAGE_BYTES || page->count == WIRE_SCAN_PAGE_COUNT) {
        page->more = true;
        return false;
    }
    wire_kv_page_add(page->pairs, key, value);
    page->bytes += key.size + value.size;
    page->count++;
    return true;
}

static void answer_scan(struct kv_machine *self, const struct wire_kv_call *call,
                        struct wire_writer *answer)
{
    struct page page = {.to = call->value, .pairs = &self->pairs};
    wire_writer_clear(&self->pairs);
    kv_store_scan(&self->store, call->key, call->after, take_pair, &page);
    wire_kv_page_begin(answer, page.more, page.count);
    wire_write_raw(answer, wire_writer_span(&self->pairs));
}

/* --- changing -------------------------------------------------------------------------------- */

/* The answer goes first: what was there before is gone once the change is made. */
static void change(struct kv_store *store, const struct wire_kv_call *call,
                   struct wire_writer *answer)
{
    struct kv_found found = answer_value(store, call, answer);
    kv_store_replace(store, &found, call->key,
                     call->op == WIRE_KV_DELETE ? span_of(NULL, 0) : call->value);
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
        answer_scan(self, call, answer);
    else if (call->op == WIRE_KV_GET)
        answer_value(&self->store, call, answer);
    else
        change(&self->store, call, answer);
    return WIRE_STATUS_OK;
}

static enum smr_body kv_classify(struct span body)
{
    struct wire_kv_call call;
    if (wire_kv_call_decode(body, &call) != WIRE_OK)
        return SMR_BODY_MALFORMED;
    return wire_kv_is_read(call.op) ? SMR_BODY_QUERY : SMR_BODY_COMMAND;
}

static unsigned kv_operation(struct span body)
{
    return wire_kv_op_of(body);
}

/* A Scan may concern any key. */
static uint64_t kv_subject(struct span body)
{
    struct wire_kv_call call;
    if (wire_kv_call_decode(body, &call) != WIRE_OK || call.op == WIRE_KV_SCAN)
        return SMR_SUBJECT_ALL;
    uint64_t hash = wire_hash(call.key);
    return hash == SMR_SUBJECT_ALL ? hash + 1 : hash;
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
    return kv_store_digest(&((const struct kv_machine *)self)->store);
}

static void kv_figures(const void *self, struct wire_writer *out)
{
    static const char *const names[WIRE_KV_OPS] = {
        [WIRE_KV_PUT] = "kv.put_calls",       [WIRE_KV_SWAP] = "kv.swap_calls",
        [WIRE_KV_DELETE] = "kv.delete_calls", [WIRE_KV_GET] = "kv.get_calls",
        [WIRE_KV_SCAN] = "kv.scan_calls",
    };
    const struct kv_machine *machine = self;
    wire_figure_number(out, "kv.records", machine->store.records);
    wire_figure_number(out, "kv.bytes", machine->store.bytes);
    for (int op = 0; op < WIRE_KV_OPS; op++)
        wire_figure_number(out, names[op], machine->calls[op]);
    wire_figure_number(out, "kv.wrong_group_calls", machine->wrong_group);
}

static void kv_destroy(void *self)
{
    struct kv_machine *machine = self;
    kv_store_clear(&machine->store);
    wire_writer_free(&machine->pairs);
    free(machine);
}

/* --- checkpoints ----------------------------------------------------------------------------- */

static size_t kv_unsaved_bytes(const void *self)
{
    return kv_store_unsaved_bytes(&((const struct kv_machine *)self)->store);
}

static void kv_freeze(void *self, struct wire_writer *part)
{
    kv_store_freeze(&((struct kv_machine *)self)->store, part);
}

static enum wire_error kv_save(void *self, struct span image)
{
    return kv_store_save(&((struct kv_machine *)self)->store, image);
}

static void kv_thaw(void *self)
{
    kv_store_thaw(&((struct kv_machine *)self)->store);
}

static bool kv_restore(void *self, struct span part)
{
    return kv_store_restore(&((struct kv_machine *)self)->store, part);
}

struct smr_machine kv_machine_new_on(const struct smr_base *base, uint32_t partition,
                                     uint32_t partition_count)
{
    static const char *const operations[] = {
        [WIRE_KV_PUT] = "put", [WIRE_KV_SWAP] = "swap", [WIRE_KV_DELETE] = "delete",
        [WIRE_KV_GET] = "get", [WIRE_KV_SCAN] = "scan", [WIRE_KV_OPS] = NULL,
    };
    static const struct smr_machine_ops ops = {
        .classify = kv_classify,
        .operation = kv_operation,
        .operations = operations,
        .subject = kv_subject,
        .apply = kv_apply,
        .query = kv_query,
        .digest = kv_digest,
        .figures = kv_figures,
        .destroy = kv_destroy,
        .unsaved_bytes = kv_unsaved_bytes,
        .freeze = kv_freeze,
        .save = kv_save,
        .thaw = kv_thaw,
        .restore = kv_restore,
        .fits = kv_store_fits,
    };
    assert(partition_count <= 1 || partition < partition_count);
    struct kv_machine *self = wire_calloc(1, sizeof *self);
    self->partition = partition;
    self->partition_count = partition_count;
    kv_store_init(&self->store, base);
    return (struct smr_machine){.ops = &ops, .self = self, .base = base};
}

struct smr_machine kv_machine_new(uint32_t partition, uint32_t partition_count)
{
    return kv_machine_new_on(NULL, partition, partition_count);
}
