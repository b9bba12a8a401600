/* The pace of a snapshot, against a made-up machine: a fetch that takes pieces as fast as that goes, beside
 * clients whose writes fill a log. */
#include "smr/pace.h"
#include "tests/unit/smr/suites.h"
#include "wire/limits.h"

#define PIECE 1000000             /* bytes */
#define MB_PER_S(n) ((n) * 1e6)
#define GB(n) ((n) * 1e9)
#define SAID_EVERY (WIRE_SECOND / 2) /* what a receiver hears of the group and of its sender's log */

struct machine {
    double bytes; /* of the snapshot */
    double full;  /* bytes a second that come without rests */
    double log;   /* bytes a second that clients write; 0: there are none */
};

struct course {
    double seconds; /* from the first piece to the last */
    double working; /* of them it did not rest */
    double held;    /* bytes of log in the end */
};

/* Of writes of 10 KB a slot. */
static void note(struct smr_pace *pace, wire_time now, const struct machine *on)
{
    double held = on->log * (double)now / (double)WIRE_SECOND;
    double percent = held * 100 / WIRE_HOLD_BYTES;
    smr_pace_note(pace, now, (wire_slot)(held / 10000), percent < 100 ? (uint64_t)percent : 100);
}

static struct course fetch(struct machine on)
{
    struct smr_pace pace;
    smr_pace_init(&pace, 0);
    wire_time now = 1, noted = 0, working = 0;
    wire_time took = (wire_time)(PIECE / on.full * (double)WIRE_SECOND);
    for (double come = PIECE; come < on.bytes; come += PIECE) {
        if (noted == 0 || now - noted >= SAID_EVERY) {
            note(&pace, now, &on);
            noted = now;
        }
        now += took;
        working += took;
        if (pace.busy && !smr_pace_is_outrun(&pace, (uint64_t)(come * 100 / on.bytes)))
            now += smr_pace_rest(&pace, took, PIECE);
    }
    double seconds = (double)now / (double)WIRE_SECOND;
    return (struct course){.seconds = seconds,
                           .working = (double)working / (double)WIRE_SECOND,
                           .held = on.log * seconds};
}

START_TEST(test_pace_spares_nobody_where_nobody_works)
{
    struct course course = fetch((struct machine){.bytes = GB(1), .full = MB_PER_S(200)});
    ck_assert(course.working > 0.8 * course.seconds); /* it is careful until it knows */
}
END_TEST

START_TEST(test_pace_leaves_most_of_the_time_to_those_who_work)
{
    struct course course =
        fetch((struct machine){.bytes = GB(1), .full = MB_PER_S(200), .log = MB_PER_S(8)});
    ck_assert(course.working < 0.25 * course.seconds);
    ck_assert(course.held < WIRE_HOLD_BYTES);
}
END_TEST

START_TEST(test_pace_brings_a_snapshot_to_its_end_however_slow_the_machine)
{
    static const double full[] = {MB_PER_S(2), MB_PER_S(9), MB_PER_S(12), MB_PER_S(40), MB_PER_S(3000)};
    struct machine on = {.bytes = GB(0.2), .full = full[_i], .log = MB_PER_S(0.2)};
    struct course course = fetch(on);
    double least = on.full < WIRE_PACE_BYTES ? on.full : WIRE_PACE_BYTES;
    ck_assert(course.seconds <= 1.01 * on.bytes / least);
}
END_TEST

/* Whatever comes before the log is full without rests does so with them, unless all is over before anybody is
 * told how full it is. */
START_TEST(test_pace_does_not_let_the_log_be_cut_behind_a_snapshot)
{
    static const double sizes[] = {GB(0.2), GB(1), GB(5), GB(40)};
    static const double full[] = {MB_PER_S(30), MB_PER_S(100), MB_PER_S(200), MB_PER_S(1500)};
    struct machine on = {.bytes = sizes[_i / 4], .full = full[_i % 4]};
    for (on.log = MB_PER_S(0.5); on.log < MB_PER_S(100) && on.log * on.bytes / on.full < 0.7 * WIRE_HOLD_BYTES;
         on.log *= 1.3)
        ck_assert(fetch(on).held < WIRE_HOLD_BYTES);
}
END_TEST

Suite *pace_suite(void)
{
    Suite *suite = suite_create("pace");
    TCase *tests = tcase_create("pace");
    tcase_add_test(tests, test_pace_spares_nobody_where_nobody_works);
    tcase_add_test(tests, test_pace_leaves_most_of_the_time_to_those_who_work);
    tcase_add_loop_test(tests, test_pace_brings_a_snapshot_to_its_end_however_slow_the_machine, 0, 5);
    tcase_add_loop_test(tests, test_pace_does_not_let_the_log_be_cut_behind_a_snapshot, 0, 16);
    suite_add_tcase(suite, tests);
    return suite;
}
