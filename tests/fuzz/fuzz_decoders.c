/* libFuzzer's way into every decoder of wire/. The first byte of an input picks the decoder; its
 * upper half says whether checksums are repaired first, so that the fuzzer also gets behind them.
 */
#include <stdlib.h>
#include "tests/fuzz/fuzz_decoders.h"
#include "tests/unit/support/decoders.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum decoder_kind kind = (enum decoder_kind)((data[0] & 0x7f) % DECODER_COUNT);
    uint8_t *input = wire_alloc(size - 1);
    if (size > 1)
        memcpy(input, data + 1, size - 1);
    if ((data[0] & FUZZ_SEALED) != 0)
        decoder_seal(kind, input, size - 1);
    decoder_run(kind, span_of(input, size - 1));
    free(input);
    return 0;
}
