/* Whatever comes from the network or the disk: every decoder of wire/ against every truncation,
 * every changed byte, sizes that promise more than there is, and things left over. Under ASan a
 * read past the input ends the test, as decoder_run copies it to memory of exactly its size. */
#include <stdlib.h>
#include "tests/unit/support/decoders.h"
#include "tests/unit/wire/suites.h"
#include "wire/map.h"

enum {
    SEEDS = 6,                    /* inputs per decoder */
    TRICK_BYTES = 10,             /* longest of the tricks */
    SESSION_PLACE_BYTES_MAX = 64, /* of an answer in a session's window */
};

/* The linker sends every call of wire_calloc here: maps and sessions are all that decoders
 * allocate. */
void *__real_wire_calloc(size_t count, size_t size);
void *__wrap_wire_calloc(size_t count, size_t size);

static size_t allocated_max;

void *__wrap_wire_calloc(size_t count, size_t size)
{
    if (count * size > allocated_max)
        allocated_max = count * size;
    return __real_wire_calloc(count, size);
}

static enum wire_error run_bounded(enum decoder_kind kind, struct span input)
{
    allocated_max = 0;
    enum wire_error error = decoder_run(kind, input);
    size_t servers_max = allocated_max / sizeof(struct wire_map_server);
    bool in_bounds = servers_max <= input.size && servers_max <= WIRE_SERVER_COUNT_MAX;
    if (kind == DECODER_sessions) /* a window, whatever stands in it */
        in_bounds = allocated_max <= WIRE_SESSION_WINDOW * SESSION_PLACE_BYTES_MAX;
    if (!in_bounds)
        ck_abort_msg("%s allocated %d bytes", decoder_name(kind), (int)allocated_max);
    return error;
}

/* ck_assert tells its parent of every check; millions of them are too many to tell. */
#define require(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

/* As it is, and with checksums that fit, so that what is behind them meets it too. */
static enum wire_error run_both(enum decoder_kind kind, struct span input)
{
    enum wire_error error = run_bounded(kind, input);
    uint8_t *sealed = wire_alloc(input.size);
    if (input.size > 0)
        memcpy(sealed, input.data, input.size);
    decoder_seal(kind, sealed, input.size);
    run_bounded(kind, span_of(sealed, input.size));
    free(sealed);
    return error;
}

static void seed_of(enum decoder_kind kind, uint64_t number, struct wire_writer *out)
{
    struct wire_random random = {.state = number * DECODER_COUNT + kind};
    decoder_seed(kind, &random, out);
}

START_TEST(test_hostile_good_input_decodes)
{
    enum decoder_kind kind = (enum decoder_kind)_i;
    for (uint64_t i = 0; i < 50 * SEEDS; i++) {
        struct wire_writer seed = {0};
        seed_of(kind, i, &seed);
        require(run_bounded(kind, wire_writer_span(&seed)) == WIRE_OK, "%s seed %d",
                decoder_name(kind), (int)i);
        wire_writer_free(&seed);
    }
}
END_TEST

START_TEST(test_hostile_truncated_input_is_refused)
{
    enum decoder_kind kind = (enum decoder_kind)_i;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct wire_writer seed = {0};
        seed_of(kind, i, &seed);
        for (size_t size = 0; size < seed.size; size++) {
            enum wire_error error = run_both(kind, span_of(seed.data, size));
            require(error != WIRE_OK || decoder_is_list(kind), "%s seed %d cut to %d",
                    decoder_name(kind), (int)i, (int)size);
        }
        wire_writer_free(&seed);
    }
}
END_TEST

START_TEST(test_hostile_changed_bytes_are_refused_or_read_in_bounds)
{
    enum decoder_kind kind = (enum decoder_kind)_i;
    for (uint64_t i = 0; i < SEEDS; i++) {
        struct wire_writer seed = {0};
        seed_of(kind, i, &seed);
        for (size_t at = 0; at < seed.size; at++) {
            uint8_t kept = seed.data[at];
            for (unsigned change = 1; change < 256; change++) {
                seed.data[at] = (uint8_t)(kept ^ change);
                enum wire_error error = run_both(kind, wire_writer_span(&seed));
                require(error != WIRE_OK || !decoder_is_sealed(kind), "%s seed %d byte %d ^ %u",
                        decoder_name(kind), (int)i, (int)at, change);
            }
            seed.data[at] = kept;
        }
        wire_writer_free(&seed);
    }
}
END_TEST

START_TEST(test_hostile_trailing_bytes_are_refused)
{
    enum decoder_kind kind = (enum decoder_kind)_i;
    for (uint64_t i = 0; i < SEEDS; i++) {
        for (unsigned last = 0; last < 256; last++) {
            struct wire_writer seed = {0};
            uint8_t byte = (uint8_t)last;
            seed_of(kind, i, &seed);
            wire_write_raw(&seed, span_of(&byte, 1));
            require(run_both(kind, wire_writer_span(&seed)) != WIRE_OK, "%s seed %d + %u",
                    decoder_name(kind), (int)i, last);
            wire_writer_free(&seed);
        }
    }
}
END_TEST

/* Sizes that promise gigabytes, arrays in arrays, in the place of each byte in turn. */
START_TEST(test_hostile_declared_sizes_allocate_nothing_that_is_not_there)
{
    static const struct {
        uint8_t bytes[TRICK_BYTES];
        size_t size;
    } tricks[] = {
        {{0xdd, 0xff, 0xff, 0xff, 0xff}, 5},
        {{0xdc, 0xff, 0xff}, 3},
        {{0xc6, 0xff, 0xff, 0xff, 0xff}, 5},
        {{0xdd, 0x7f, 0xff, 0xff, 0xff, 0xdd, 0x7f, 0xff, 0xff, 0xff}, 10},
        {{0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91}, 10},
        {{0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 9},
        {{0xcd, 0x09, 0x00}, 3},
    };
    enum decoder_kind kind = (enum decoder_kind)_i;
    for (size_t i = 0; i < SEEDS * (sizeof tricks / sizeof tricks[0]); i++) {
        struct span trick = span_of(tricks[i / SEEDS].bytes, tricks[i / SEEDS].size);
        struct wire_writer seed = {0};
        struct wire_writer bent = {0};
        seed_of(kind, i % SEEDS, &seed);
        for (size_t at = 0; at < seed.size; at++) {
            wire_writer_clear(&bent);
            wire_write_raw(&bent, span_of(seed.data, at));
            wire_write_raw(&bent, trick);
            wire_write_raw(&bent, span_of(seed.data + at + 1, seed.size - at - 1));
            run_both(kind, wire_writer_span(&bent));
        }
        wire_writer_free(&bent);
        wire_writer_free(&seed);
    }
}
END_TEST

START_TEST(test_hostile_noise_never_decodes_past_its_end)
{
    enum decoder_kind kind = (enum decoder_kind)_i;
    struct wire_random random = {.state = kind};
    uint8_t noise[64];
    for (int i = 0; i < 20000; i++) {
        size_t size = wire_random_below(&random, sizeof noise + 1);
        for (size_t at = 0; at < size; at++)
            noise[at] = (uint8_t)wire_random_next(&random);
        run_both(kind, span_of(noise, size));
    }
}
END_TEST

Suite *hostile_suite(void)
{
    Suite *suite = suite_create("hostile");
    TCase *tests = tcase_create("hostile");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, test_hostile_good_input_decodes, 0, DECODER_COUNT);
    tcase_add_loop_test(tests, test_hostile_truncated_input_is_refused, 0, DECODER_COUNT);
    tcase_add_loop_test(tests, test_hostile_changed_bytes_are_refused_or_read_in_bounds, 0,
                        DECODER_COUNT);
    tcase_add_loop_test(tests, test_hostile_trailing_bytes_are_refused, 0, DECODER_COUNT);
    tcase_add_loop_test(tests, test_hostile_declared_sizes_allocate_nothing_that_is_not_there, 0,
                        DECODER_COUNT);
    tcase_add_loop_test(tests, test_hostile_noise_never_decodes_past_its_end, 0, DECODER_COUNT);
    suite_add_tcase(suite, tests);
    return suite;
}
