/* The inputs of the line parser's fuzzer without the fuzzer: replay FILE ... runs each, then with
 * noise of its own. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz_decoders.h"
#include "wire/random.h"

enum {
    INPUT_BYTES = 64 * 1024, /* longest input */
    NOISED = 2000            /* spoilt versions of each */
};

static void spoil(uint8_t *input, size_t size, struct wire_random *random)
{
    for (uint64_t changes = wire_random_below(random, 6); changes > 0; changes--)
        input[wire_random_below(random, size)] = (uint8_t)wire_random_next(random);
}

static int run_file(const char *path, struct wire_random *random)
{
    static uint8_t input[INPUT_BYTES];
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    size_t size = fread(input, 1, sizeof input, file);
    fclose(file);
    LLVMFuzzerTestOneInput(input, size);
    for (int i = 0; i < NOISED && size > 0; i++) {
        spoil(input, size, random);
        LLVMFuzzerTestOneInput(input, 1 + wire_random_below(random, size));
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct wire_random random = {.state = 3};
    int failed = EXIT_SUCCESS;
    for (int i = 1; i < argc; i++)
        failed |= run_file(argv[i], &random);
    return failed;
}
