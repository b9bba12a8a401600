/* Every decoder of wire/, and of checkpoints, in one table, for the tests of hostile input and for the fuzzer: how to
 * make a good input, how to decode any input, how to repair the checksums of a broken one so that
 * the decoder behind them is reached. */
#ifndef MADKV_TESTS_DECODERS_H
#define MADKV_TESTS_DECODERS_H

#include "tests/unit/support/random.h"
#include "wire/error.h"
#include "wire/pack.h"

#define DECODERS(X)                                                                                \
    X(message)                                                                                     \
    X(batch)                                                                                       \
    X(entries)                                                                                     \
    X(slot_record)                                                                                 \
    X(hard_state)                                                                                  \
    X(identity)                                                                                    \
    X(kv_call)                                                                                     \
    X(kv_answer)                                                                                   \
    X(kv_page)                                                                                     \
    X(map_call)                                                                                    \
    X(map_answer)                                                                                  \
    X(figures)                                                                                     \
    X(sessions)                                                                                    \
    X(image)

enum decoder_kind {
#define X(name) DECODER_##name,
    DECODERS(X)
#undef X
        DECODER_COUNT
};

const char *decoder_name(enum decoder_kind kind);

/* Appends an input that decodes. */
void decoder_seed(enum decoder_kind kind, struct wire_random *random, struct wire_writer *out);

/* Decodes a copy of the input that ends where its memory ends; reads every byte that the decoder
 * hands out; encodes what came out and asserts that this decodes again. Returns what the decoder
 * said. */
enum wire_error decoder_run(enum decoder_kind kind, struct span input);

/* Makes the checksums in data fit, as far as its shape allows. Leaves kinds without any alone. */
void decoder_seal(enum decoder_kind kind, uint8_t *data, size_t size);
/* Whether every byte of the kind is under a checksum. */
bool decoder_is_sealed(enum decoder_kind kind);
/* Whether the kind is a list without a count, of which a part can be a good list too. */
bool decoder_is_list(enum decoder_kind kind);

#endif
