/* The fuzzer's inputs without the fuzzer, for compilers that have none.
 *
 *     fuzz-replay                runs seeds of every decoder, each also with a bit of noise
 *     fuzz-replay FILE ...       runs those inputs, e.g. a crash that libFuzzer left
 *     fuzz-replay --write DIR    writes the seeds as files: a corpus to start libFuzzer with */
#include <stdio.h>
#include <stdlib.h>
#include "tests/fuzz/fuzz_decoders.h"
#include "tests/unit/support/decoders.h"
#include "wire/flags.h"
#include "wire/limits.h"

enum {
    SEEDS = 8,     /* per decoder, in a corpus */
    NOISED = 2000, /* per decoder, run here */
};

static const char *write_to;

static void parse_flags(int argc, char **argv, int *first)
{
    static const struct wire_flag flags[] = {
        {.name = "write", .argument = "DIR", .help = "write the seeds there", .text = &write_to},
    };
    static const struct wire_program program = {
        .name = "fuzz-replay",
        .purpose = "Runs inputs of the fuzzer; without any, seeds and noise of its own.",
        .flags = flags,
        .flag_count = 1,
        .rest = "FILE ...",
    };
    *first = wire_flags_parse(&program, argc, argv);
}

/* An input of the fuzzer: the byte that picks the decoder, then a good one for it. */
static void make_input(int kind, struct wire_random *random, struct wire_writer *out)
{
    uint8_t pick = (uint8_t)kind;
    wire_writer_clear(out);
    wire_write_raw(out, span_of(&pick, 1));
    decoder_seed((enum decoder_kind)kind, random, out);
}

static int write_seeds(void)
{
    struct wire_random random = {.state = 1};
    struct wire_writer input = {0};
    int failed = 0;
    for (int i = 0; i < SEEDS * DECODER_COUNT && failed == 0; i++) {
        char path[4096];
        int kind = i % DECODER_COUNT;
        make_input(kind, &random, &input);
        input.data[0] |= i % 2 == 0 ? FUZZ_SEALED : 0;
        snprintf(path, sizeof path, "%s/%s-%d", write_to, decoder_name((enum decoder_kind)kind),
                 i / DECODER_COUNT);
        FILE *file = fopen(path, "wb");
        failed = file == NULL || fwrite(input.data, 1, input.size, file) != input.size;
        if (file != NULL && fclose(file) != 0)
            failed = 1;
        if (failed)
            perror(path);
    }
    wire_writer_free(&input);
    return failed;
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *input = wire_alloc(WIRE_FRAME_BYTES_MAX);
    int failed = file == NULL;
    if (file != NULL) {
        size_t size = fread(input, 1, WIRE_FRAME_BYTES_MAX, file);
        failed = ferror(file) != 0;
        fclose(file);
        if (!failed)
            LLVMFuzzerTestOneInput(input, size);
    }
    if (failed)
        perror(path);
    free(input);
    return failed;
}

static void run_noise(void)
{
    struct wire_random random = {.state = 2};
    struct wire_writer input = {0};
    for (int i = 0; i < NOISED * DECODER_COUNT; i++) {
        make_input(i % DECODER_COUNT, &random, &input);
        LLVMFuzzerTestOneInput(input.data, input.size);
        for (uint64_t changes = wire_random_below(&random, 4); changes > 0; changes--)
            input.data[wire_random_below(&random, input.size)] = (uint8_t)wire_random_next(&random);
        LLVMFuzzerTestOneInput(input.data, wire_random_below(&random, input.size + 1));
        LLVMFuzzerTestOneInput(input.data, input.size);
    }
    wire_writer_free(&input);
}

int main(int argc, char **argv)
{
    int first;
    int failed = 0;
    parse_flags(argc, argv, &first);
    if (write_to != NULL)
        return write_seeds();
    if (first == argc)
        run_noise();
    for (int i = first; i < argc; i++)
        failed |= run_file(argv[i]);
    return failed;
}
