#include <stdlib.h>
#include "tests/unit/support/random.h"
#include "tests/unit/wire/suites.h"
#include "wire/pack.h"

static struct wire_reader reader_of(const struct wire_writer *out)
{
    return wire_reader_of(wire_writer_span(out));
}

START_TEST(test_pack_uints_round_trip_at_every_size)
{
    struct wire_random random = {.state = 1};
    struct wire_writer out = {0};
    uint64_t values[2000];
    for (size_t i = 0; i < 2000; i++) {
        values[i] = random_value(&random, UINT64_MAX);
        wire_write_uint(&out, values[i]);
    }
    struct wire_reader in = reader_of(&out);
    for (size_t i = 0; i < 2000; i++)
        ck_assert_uint_eq(wire_read_uint(&in, UINT64_MAX), values[i]);
    ck_assert_int_eq(wire_read_end(&in), WIRE_OK);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_pack_bins_round_trip_around_the_size_classes)
{
    static const size_t sizes[] = {0, 1, 255, 256, 65535, 65536, 1 << 20};
    uint8_t *bytes = wire_alloc(1 << 20);
    memset(bytes, 'v', 1 << 20);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct wire_writer out = {0};
        wire_write_bin(&out, span_of(bytes, sizes[i]));
        struct wire_reader in = reader_of(&out);
        ck_assert(span_equal(wire_read_bin(&in, sizes[i]), span_of(bytes, sizes[i])));
        ck_assert_int_eq(wire_read_end(&in), WIRE_OK);
        in = reader_of(&out);
        if (sizes[i] > 0)
            ck_assert_uint_eq(wire_read_bin(&in, sizes[i] - 1).size, 0);
        ck_assert(sizes[i] == 0 || in.bad);
        wire_writer_free(&out);
    }
    free(bytes);
}
END_TEST

START_TEST(test_pack_reader_stays_bad_and_yields_zero)
{
    static const uint8_t text[] = {0xc1, 0x01, 0xc3, 0x91};
    struct wire_reader in = wire_reader_of(span_of(text, sizeof text));
    ck_assert_uint_eq(wire_read_uint(&in, 9), 0);
    ck_assert(in.bad);
    ck_assert_uint_eq(wire_read_uint(&in, 9), 0);
    ck_assert(!wire_read_bool(&in));
    ck_assert_uint_eq(wire_read_array(&in), 0);
    ck_assert_uint_eq(wire_read_bin(&in, 9).size, 0);
    ck_assert(!wire_read_nil(&in));
    ck_assert(!wire_read_more(&in));
    ck_assert_int_eq(wire_read_end(&in), WIRE_MALFORMED);
}
END_TEST

START_TEST(test_pack_reader_takes_empty_input)
{
    struct wire_reader in = wire_reader_of(span_of(NULL, 0));
    ck_assert(!wire_read_more(&in));
    ck_assert(!wire_read_nil(&in));
    ck_assert_int_eq(wire_read_end(&in), WIRE_OK);
    ck_assert_uint_eq(wire_read_uint(&in, 9), 0);
    ck_assert_int_eq(wire_read_end(&in), WIRE_MALFORMED);
}
END_TEST

/* A declared size is worth nothing: what is announced has to be there. */
START_TEST(test_pack_declared_sizes_past_the_end_are_refused)
{
    static const struct {
        uint8_t bytes[10];
        size_t size;
    } huge[] = {
        {{0xdd, 0xff, 0xff, 0xff, 0xff}, 5},
        {{0xdd, 0, 0, 0, 1}, 5},
        {{0xdd, 0xff, 0xff, 0xff, 0xff, 0x90}, 6},
        {{0xdc, 0xff, 0xff}, 3},
        {{0x9f, 1, 2}, 3},
        {{0x91}, 1},
        {{0xdd, 0xff}, 2},
        {{0xc6, 0xff, 0xff, 0xff, 0xff}, 5},
        {{0xc6, 0xff, 0xff, 0xff, 0xff, 7}, 6},
        {{0xc5, 0, 2, 7}, 4},
        {{0xc4, 2, 7}, 3},
        {{0xc4}, 1},
        {{0xcf, 1, 2, 3}, 4},
        {{0xcd, 1}, 2},
        {{0x80}, 1},
        {{0xa1, 'x'}, 2},
        {{0xd0, 1}, 2},
        {{0xff}, 1},
    };
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++) {
        uint8_t *exact = wire_alloc(huge[i].size);
        memcpy(exact, huge[i].bytes, huge[i].size);
        struct span bytes = span_of(exact, huge[i].size);
        struct wire_reader in = wire_reader_of(bytes);
        ck_assert_uint_eq(wire_read_array(&in), 0);
        ck_assert(in.bad);
        in = wire_reader_of(bytes);
        ck_assert_uint_eq(wire_read_bin(&in, SIZE_MAX).size, 0);
        ck_assert(in.bad);
        in = wire_reader_of(bytes);
        ck_assert_uint_eq(wire_read_uint(&in, UINT64_MAX), 0);
        ck_assert(in.bad);
        free(exact);
    }
}
END_TEST

START_TEST(test_pack_writer_takes_what_it_wrote_and_starts_anew)
{
    struct wire_writer out = {0};
    wire_write_uint(&out, 5);
    struct buf *taken = wire_writer_take(&out);
    ck_assert_uint_eq(taken->size, 1);
    ck_assert_uint_eq(taken->data[0], 5);
    ck_assert_uint_eq(out.size, 0);
    struct buf *second = buf_ref(taken);
    buf_unref(&taken);
    ck_assert_ptr_null(taken);
    ck_assert_uint_eq(second->data[0], 5);
    buf_unref(&second);
    buf_unref(&second);
    ck_assert_ptr_null(buf_ref(NULL));
    ck_assert_uint_eq(buf_span(NULL).size, 0);
    wire_writer_free(&out);
}
END_TEST

Suite *pack_suite(void)
{
    Suite *suite = suite_create("pack");
    TCase *tests = tcase_create("pack");
    tcase_add_test(tests, test_pack_uints_round_trip_at_every_size);
    tcase_add_test(tests, test_pack_bins_round_trip_around_the_size_classes);
    tcase_add_test(tests, test_pack_reader_stays_bad_and_yields_zero);
    tcase_add_test(tests, test_pack_reader_takes_empty_input);
    tcase_add_test(tests, test_pack_declared_sizes_past_the_end_are_refused);
    tcase_add_test(tests, test_pack_writer_takes_what_it_wrote_and_starts_anew);
    suite_add_tcase(suite, tests);
    return suite;
}
