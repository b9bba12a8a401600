/* madkv-sim: many lives, one per seed. Prints how often everything happened, and fails if something
 * that ought to happen never did: seeds must not pass because nothing went wrong. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "wire/flags.h"

static volatile uint64_t current_seed;
static const char *commit; /* of the sources, if given */

/* A failed assertion in a role: say which seed it was, then die as asked. */
static void on_abort(int signal_number)
{
    char text[512];
    int size = snprintf(text, sizeof text,
                        "%s%.100s%sseed %" PRIu64 " FAILED: an assertion\n"
                        "see it again with: %.200s --seed %" PRIu64 " --verbose\n",
                        commit == NULL ? "" : "commit ", commit == NULL ? "" : commit,
                        commit == NULL ? "" : " ", current_seed, sim_replay_command, current_seed);
    ssize_t written = write(STDERR_FILENO, text, (size_t)size);
    (void)written;
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

struct missing {
    int count; /* counters that are zero */
};

/* What comes about in one of some thousand lives only; unit tests see to it. */
static bool may_be_zero(const char *name)
{
    static const char *const names[] = {
        "fills", /* two slots of a deposed leader at one replica, all quiet since, and another reborn */
        "withheld_passes", /* megabytes on their way to one successor */
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static void visit(void *context, const char *name, uint64_t value)
{
    struct missing *missing = context;
    bool excused = may_be_zero(name);
    printf("  %-22s %12" PRIu64 "%s\n", name, value,
           value > 0 ? "" : excused ? "  (rare)" : "  NEVER HAPPENED");
    missing->count += value == 0 && !excused;
}

static int report(const struct smr_counters *counters, const struct sim_happenings *happenings)
{
    struct missing missing = {0};
    printf("what happened to the clusters:\n");
#define X(name) visit(&missing, #name, happenings->name);
    SIM_HAPPENINGS(X)
#undef X
    printf("what the replicas did:\n");
    smr_counters_each(counters, visit, &missing);
    return missing.count;
}

/* One line for people, and for those who watch how fast this is. */
static void print_speed(uint64_t seeds, uint64_t first, double took, uint64_t simulated_ms)
{
    printf("%" PRIu64 " seeds from %" PRIu64 " on passed in %.1f s: %.0f seeds a second, %.0f simulated "
           "seconds a second",
           seeds, first, took, (double)seeds / took, (double)simulated_ms / 1e3 / took);
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, seeds = 300;
    const char *protocol = NULL;
    bool verbose = false, quiet = false, seeds_given = false, seed_given = false;
    const struct wire_flag flags[] = {
        {.name = "seed", .argument = "N", .help = "the first seed", .number = &seed,
         .max = UINT64_MAX, .given = &seed_given},
        {.name = "seeds", .argument = "N", .help = "how many, one after the other",
         .number = &seeds, .min = 1, .max = 1000000000, .given = &seeds_given},
        {.name = "protocol", .argument = "multipaxos|chain",
         .help = "of the servers in every life (default: a third of the lives are of chains)",
         .text = &protocol},
        {.name = "verbose", .help = "print who said what", .on = &verbose},
        {.name = "commit", .argument = "TEXT", .help = "of the sources, to be said with a failing seed",
         .text = &commit},
        {.name = "quiet", .help = "no counters, and do not ask that everything happened",
         .on = &quiet},
    };
    const struct wire_program program = {
        .name = "madkv-sim",
        .purpose = "Runs whole clusters under a made-up network, disk and clock, each from a seed.",
        .more = "Exit status: 0 all well; 1 a violation, or something never happened; 2 usage.",
        .flags = flags,
        .flag_count = sizeof flags / sizeof flags[0],
    };
    wire_flags_parse(&program, argc, argv);
    if (seed_given && !seeds_given)
        seeds = 1;
    if (protocol != NULL && strcmp(protocol, "multipaxos") != 0 && strcmp(protocol, "chain") != 0)
        wire_flags_fail(&program, "protocol", protocol, "multipaxos or chain");
    if (protocol != NULL)
        sim_protocol = protocol[0] == 'c' ? SIM_PROTOCOL_CHAIN : SIM_PROTOCOL_MULTIPAXOS;
    sim_set_commit(commit);
    sim_replay_command = argv[0];
    signal(SIGABRT, on_abort);
    struct smr_counters counters = {0};
    struct sim_happenings happenings = {0};
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (uint64_t i = 0; i < seeds; i++) {
        current_seed = seed + i;
        sim_run(seed + i, &counters, &happenings, verbose);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double took = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    int missing = quiet || seeds < 100 ? 0 : report(&counters, &happenings);
    print_speed(seeds, seed, took, happenings.simulated_ms);
    printf("%s\n", missing > 0 ? "; but not everything happened that should" : "");
    return missing > 0 ? 1 : 0;
}
