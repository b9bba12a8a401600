/* libFuzzer's way into the client's line parser. The first byte of an input says in what pieces the
 * rest arrives; however that is, the lines must be the same, and what is taken for a call must be
 * one that the service takes, too. */
#include <assert.h>
#include <stdlib.h>

#include "client/line.h"
#include "tests/fuzz/fuzz_decoders.h"

enum {
    LINES_MAX = 256 /* of an input that are compared */
};

/* What an input came to. */
struct seen {
    enum line_kind kinds[LINES_MAX]; /* of its lines */
    size_t sizes[LINES_MAX];         /* of a call: bytes of its key and value */
    size_t count;                    /* how many */
};

/* A call is one that the service decodes as the same call. */
static void check_call(const struct wire_kv_call *call)
{
    struct wire_writer bytes = {0};
    struct wire_kv_call again;
    wire_kv_call_encode(call, &bytes);
    enum wire_error error = wire_kv_call_decode(wire_writer_span(&bytes), &again);
    assert(error == WIRE_OK && again.op == call->op && span_equal(again.key, call->key));
    assert(span_equal(again.value, call->value));
    (void)error;
    wire_writer_free(&bytes);
}

static void take_line(struct seen *seen, struct line line)
{
    assert((line.kind == LINE_ERROR) == (line.problem != NULL));
    if (line.kind == LINE_CALL)
        check_call(&line.call);
    if (seen->count == LINES_MAX)
        return;
    seen->sizes[seen->count] =
        line.kind == LINE_CALL ? line.call.key.size + line.call.value.size : 0;
    seen->kinds[seen->count++] = line.kind;
}

/* piece: bytes that arrive at a time. */
static void read_in_pieces(struct span input, size_t piece, struct seen *seen)
{
    struct line_reader reader = {0};
    for (size_t at = 0; at < input.size; at += piece) {
        size_t size = input.size - at < piece ? input.size - at : piece;
        struct span left = span_of(input.data + at, size);
        while (line_reader_feed(&reader, &left)) {
            take_line(seen, line_reader_parse(&reader));
            line_reader_next(&reader);
        }
        assert(left.size == 0);
    }
    if (line_reader_has_rest(&reader))
        take_line(seen, line_reader_parse(&reader));
    line_reader_free(&reader);
}

/* Without the reader: the bytes between ends of lines, each line parsed alone and as it is. */
static void read_raw(struct span input, struct seen *seen)
{
    while (input.size > 0) {
        const uint8_t *end = memchr(input.data, '\n', input.size);
        size_t size = end == NULL ? input.size : (size_t)(end - input.data);
        take_line(seen, line_parse(span_of(input.data, size)));
        size += end != NULL;
        input = span_of(input.data + size, input.size - size);
    }
}

static void assert_same(const struct seen *one, const struct seen *other)
{
    assert(one->count == other->count);
    for (size_t i = 0; i < one->count; i++)
        assert(one->kinds[i] == other->kinds[i] && one->sizes[i] == other->sizes[i]);
}

/* What people type goes through this first. */
static void raise_word(struct span input)
{
    uint8_t *bytes = wire_alloc(input.size + 1);
    memcpy(bytes, input.data, input.size);
    line_raise_word(bytes, input.size);
    struct line line = line_parse(span_of(bytes, input.size));
    if (line.kind == LINE_CALL)
        check_call(&line.call);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen whole, pieces, raw;
    if (size < 2)
        return 0;
    struct span input = span_of(data + 1, size - 1);
    whole.count = pieces.count = raw.count = 0;
    read_in_pieces(input, input.size, &whole);
    read_in_pieces(input, (size_t)data[0] + 1, &pieces);
    read_raw(input, &raw);
    assert_same(&whole, &pieces);
    assert_same(&whole, &raw);
    raise_word(input);
    return 0;
}
