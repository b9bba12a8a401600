#include "client/once.h"

#include <string.h>
#include <unistd.h>

#include "client/line.h"
#include "client/show.h"
#include "wire/error.h"
#include "wire/say.h"

static void add_shown(struct span bytes, struct wire_writer *out)
{
    if (isatty(STDOUT_FILENO))
        show_safe(bytes, out);
    else
        wire_write_raw(out, bytes);
}

static void add_pairs(struct madkv *kv, struct wire_writer *out)
{
    struct madkv_bytes key, value;
    while (madkv_next(kv, &key, &value)) {
        add_shown(span_of(key.data, key.size), out);
        wire_write_raw(out, span_text(" "));
        add_shown(span_of(value.data, value.size), out);
        wire_write_raw(out, span_text("\n"));
    }
}

static void add_plain(struct madkv *kv, const struct wire_kv_call *call,
                      const struct show_answer *answer, struct wire_writer *out)
{
    if (call->op == WIRE_KV_SCAN) {
        add_pairs(kv, out);
    } else if (call->op == WIRE_KV_PUT || call->op == WIRE_KV_DELETE) {
        wire_write_raw(out, span_text(answer->found ? "found\n" : "not_found\n"));
    } else if (answer->found) {
        add_shown(span_of(answer->value.data, answer->value.size), out);
        wire_write_raw(out, span_text("\n"));
    }
}

static int status_of(const struct wire_kv_call *call, const struct show_answer *answer)
{
    if (answer->outcome == MADKV_UNKNOWN)
        return WIRE_EXIT_UNKNOWN;
    if (answer->outcome != MADKV_OK)
        return WIRE_EXIT_FAILED;
    return call->op == WIRE_KV_GET && !answer->found ? WIRE_EXIT_ABSENT : WIRE_EXIT_OK;
}

/* The words as a line. */
static struct line parse(int count, char **words, struct wire_writer *text)
{
    for (int i = 0; i < count; i++) {
        wire_write_raw(text, span_text(i == 0 ? "" : " "));
        wire_write_raw(text, span_text(words[i]));
    }
    line_raise_word(text->data, text->size);
    return line_parse(wire_writer_span(text));
}

int once_run(struct madkv *kv, int count, char **words, bool json)
{
    struct wire_writer text = {0}, out = {0};
    struct line line = parse(count, words, &text);
    if (line.kind != LINE_CALL)
        wire_say_die(WIRE_EXIT_USAGE, "%s",
                     line.kind == LINE_ERROR ? line.problem : "expected a call, such as get k");
    struct show_answer answer = show_call(kv, &line.call);
    if (json)
        show_json(kv, &line.call, &answer, &out);
    else if (answer.outcome == MADKV_OK)
        add_plain(kv, &line.call, &answer, &out);
    if (answer.outcome != MADKV_OK && answer.outcome != MADKV_HUNG_UP)
        wire_say("%s", madkv_problem(kv));
    int status = status_of(&line.call, &answer);
    if (!wire_print(wire_writer_span(&out)))
        status = WIRE_EXIT_FAILED;
    wire_writer_free(&text);
    wire_writer_free(&out);
    return status;
}
