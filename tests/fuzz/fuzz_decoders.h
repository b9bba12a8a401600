/* The entry that libFuzzer and the replay share. */
#ifndef MADKV_TESTS_FUZZ_DECODERS_H
#define MADKV_TESTS_FUZZ_DECODERS_H

#include <stddef.h>
#include <stdint.h>

/* In an input's first byte: make the checksums fit. */
#define FUZZ_SEALED 0x80

/* Any bytes at all; ends the process if a decoder misbehaves. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
