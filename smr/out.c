#include "smr/out.h"

#include <stdarg.h>
#include <stdlib.h>
#include "wire/say.h"

static struct smr_effect *append(struct smr_out *out, enum smr_effect_kind kind)
{
    if (out->count == out->capacity) {
        out->capacity = out->capacity == 0 ? 16 : out->capacity * 2;
        out->effects = wire_realloc(out->effects, out->capacity * sizeof *out->effects);
    }
    struct smr_effect *effect = &out->effects[out->count++];
    memset(effect, 0, sizeof *effect);
    effect->kind = kind;
    return effect;
}

struct wire_message *smr_out_send(struct smr_out *out, enum smr_effect_kind kind,
                                  const struct wire_sender *sender, enum wire_type type,
                                  enum wire_role to, wire_replica to_replica)
{
    assert(kind == SMR_SEND || kind == SMR_SEND_DURABLE);
    struct smr_effect *effect = append(out, kind);
    effect->to = to;
    effect->to_replica = to_replica;
    effect->message.type = type;
    effect->message.sender = *sender;
    return &effect->message;
}

void smr_out_put_slot(struct smr_out *out, const struct smr_log_entry *entry)
{
    struct smr_effect *effect = append(out, SMR_PUT_SLOT);
    effect->entry = *entry;
    buf_ref(effect->entry.batch);
}

void smr_out_put_state(struct smr_out *out, const struct wire_hard_state *state)
{
    append(out, SMR_PUT_STATE)->state = *state;
}

void smr_out_cut(struct smr_out *out, wire_slot upto)
{
    append(out, SMR_CUT)->upto = upto;
}

void smr_out_say(struct smr_out *out, bool fleeting, const char *format, ...)
{
    struct smr_effect *effect = append(out, SMR_SAY);
    va_list arguments;
    va_start(arguments, format);
    effect->say.line = wire_say_format(format, arguments);
    va_end(arguments);
    effect->say.fleeting = fleeting;
}

void smr_out_die(struct smr_out *out, enum wire_error why, const char *text)
{
    assert(why != WIRE_OK);
    if (out->fatal != WIRE_OK)
        return;
    out->fatal = why;
    out->fatal_text = text;
}

void smr_out_clear(struct smr_out *out)
{
    for (size_t i = 0; i < out->count; i++) {
        struct smr_effect *effect = &out->effects[i];
        if (effect->kind == SMR_SEND || effect->kind == SMR_SEND_DURABLE)
            wire_message_clear(&effect->message);
        else if (effect->kind == SMR_PUT_SLOT)
            buf_unref(&effect->entry.batch);
        else if (effect->kind == SMR_SAY)
            buf_unref(&effect->say.line);
    }
    out->count = 0;
}

void smr_out_free(struct smr_out *out)
{
    smr_out_clear(out);
    free(out->effects);
    *out = (struct smr_out){0};
}
