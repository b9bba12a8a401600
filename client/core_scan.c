/* Scans of the client core: a key range lies in every partition, so every partition is asked, side
 * by side and a page at a time; the pages are merged into one result in byte order. See
 * core_inside.h.
 *
 * A part that has run out of pairs and has more pages stops the merge until its next page is there,
 * so besides the result there is one page per partition in memory. The next page begins behind the
 * last key of the one before, so however often a page is asked for no key comes twice. */
#include "client/core_inside.h"

#include <assert.h>
#include <stdlib.h>

static void ask_page(struct client_core *core, struct call *call, uint32_t index)
{
    struct part *part = &call->scan->parts[index];
    struct wire_kv_call body = {.op = WIRE_KV_SCAN, .key = call->key, .value = call->value};
    if (part->last_size > 0) {
        body.key = span_of(part->last, part->last_size);
        body.after = true;
    }
    struct wire_writer bytes = {0};
    wire_kv_call_encode(&body, &bytes);
    part->request =
        request_new(core, REQUEST_FOR_PAGE, WIRE_CALL_READ, index, wire_writer_take(&bytes));
    wire_writer_free(&bytes);
    part->request->call = call;
    part->request->part = index;
    request_enqueue(core, part->request);
}

void scan_start(struct client_core *core, struct call *call)
{
    assert(call->scan == NULL);
    struct scan *scan = wire_calloc(1, sizeof *scan);
    scan->part_count = core->server_groups;
    scan->parts = wire_calloc(scan->part_count, sizeof *scan->parts);
    call->scan = scan;
    for (uint32_t i = 0; i < scan->part_count; i++)
        ask_page(core, call, i);
}

void scan_stop(struct client_core *core, struct call *call)
{
    struct scan *scan = call->scan;
    call->scan = NULL;
    for (uint32_t i = 0; i < scan->part_count; i++) {
        if (scan->parts[i].request != NULL)
            request_free(core, &scan->parts[i].request);
        buf_unref(&scan->parts[i].page);
    }
    wire_writer_free(&scan->result);
    free(scan->parts);
    free(scan);
}

/* --- pages ------------------------------------------------------------------------------------ */

/* Whether a page is what was asked for: legal pairs, in the range, ascending, and some if there is
 * more to come (else the next page would be this one again). */
static bool page_ok(const struct call *call, const struct part *part, struct span page)
{
    bool more;
    struct wire_reader in = wire_kv_page_open(page, &more);
    struct span key, value, before = span_of(part->last, part->last_size);
    bool any = false;
    while (wire_kv_page_next(&in, &key, &value)) {
        if (!wire_kv_key_ok(key) || !wire_kv_value_ok(value) || span_compare(key, before) <= 0 ||
            span_compare(key, call->key) < 0 || span_compare(key, call->value) > 0)
            return false;
        before = key;
        any = true;
    }
    return wire_read_end(&in) == WIRE_OK && (any || !more);
}

/* Takes the part's next pair; at the end of a page drops it and asks for the next. */
static void part_next(struct client_core *core, struct call *call, uint32_t index)
{
    struct part *part = &call->scan->parts[index];
    struct span last = part->has_pair ? part->key : span_of(NULL, 0);
    part->has_pair = wire_kv_page_next(&part->unread, &part->key, &part->value);
    if (part->has_pair)
        return;
    if (last.size > 0) {
        memcpy(part->last, last.data, last.size);
        part->last_size = (uint16_t)last.size;
    }
    buf_unref(&part->page);
    if (part->more)
        ask_page(core, call, index);
}

/* The part with the smallest key; part_count: none has a pair, or one must be waited for. */
static uint32_t smallest(const struct scan *scan)
{
    uint32_t found = scan->part_count;
    for (uint32_t i = 0; i < scan->part_count; i++) {
        const struct part *part = &scan->parts[i];
        if (part->request != NULL)
            return scan->part_count;
        if (part->has_pair &&
            (found == scan->part_count || span_compare(part->key, scan->parts[found].key) < 0))
            found = i;
    }
    return found;
}

static bool is_complete(const struct scan *scan)
{
    for (uint32_t i = 0; i < scan->part_count; i++) {
        if (scan->parts[i].request != NULL || scan->parts[i].has_pair)
            return false;
    }
    return true;
}

/* A buf that owns what a writer wrote, without a copy of it. */
struct written_buf {
    struct buf base;  /* what others see; first, so that it can be cast back */
    uint8_t *written; /* owned */
};

static void written_release(struct buf *base)
{
    struct written_buf *self = (struct written_buf *)base;
    free(self->written);
    free(self);
}

static struct buf *take_written(struct wire_writer *writer)
{
    if (writer->size == 0)
        return buf_copy(span_text(""));
    struct written_buf *self = wire_calloc(1, sizeof *self);
    self->written = writer->data;
    self->base.data = writer->data;
    self->base.size = writer->size;
    atomic_init(&self->base.refs, 1);
    self->base.release = written_release;
    *writer = (struct wire_writer){0};
    return &self->base;
}

static void merge(struct client_core *core, struct call *call)
{
    struct scan *scan = call->scan;
    uint32_t index;
    while ((index = smallest(scan)) < scan->part_count) {
        wire_kv_page_add(&scan->result, scan->parts[index].key, scan->parts[index].value);
        part_next(core, call, index);
    }
    if (scan->result.size > CLIENT_SCAN_BYTES_MAX) {
        call_fail(core, call, CLIENT_REASON_TOO_LARGE);
    } else if (is_complete(scan)) {
        struct client_done done = {.result = take_written(&scan->result)};
        call_end(core, call, CLIENT_OK, CLIENT_REASON_NONE, &done);
    }
}

bool scan_page(struct client_core *core, struct request *request, struct span page,
               struct buf *payload)
{
    struct call *call = request->call;
    uint32_t index = request->part;
    struct part *part = &call->scan->parts[index];
    assert(part->request == request && part->page == NULL && !part->has_pair);
    if (!page_ok(call, part, page))
        return false;
    request_free(core, &part->request);
    part->page = buf_ref(payload);
    part->unread = wire_kv_page_open(page, &part->more);
    part_next(core, call, index);
    merge(core, call);
    return true;
}
