/* madkv-bench: YCSB's workloads straight at the service, and how fast it was.
 *
 * Calls go out as the client library sends them (the same core, one session and one connection to
 * each leader for every client), from few threads that drive many clients each; or, with --through,
 * over the pipes of a client program for each. Everything for people that is no result is on
 * stderr. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tools/bench/run.h"
#include "wire/address.h"
#include "wire/error.h"
#include "wire/flags.h"
#include "wire/say.h"

enum {
    SECONDS_DEFAULT = 10, /* of a run whose length is not given */
    LOADERS = 20,         /* clients that load the records */
    WHY_BYTES = 256,
    THROUGH_BYTES_MAX = 4096, /* of --through's command */
    THROUGH_WORDS_MAX = 32,
};

#define SECONDS_MIN 0.001
#define SECONDS_MAX 1e6

static const char more[] =
    "A workload is a letter (YCSB's a to f, or w: updates only) or a YCSB property file. An\n"
    "INSERT is a PUT, an UPDATE a SWAP, a READ a GET, a SCAN of n a SCAN up to the n-th known\n"
    "key, a READ-MODIFY-WRITE a GET and a SWAP, one operation. Every write is a whole value of\n"
    "--value_size bytes. The first 16 calls of each client (they connect it) and the warm-up are\n"
    "not counted. With --rate, operations are due at fixed moments and their latency counts from\n"
    "then. A --seconds run ends when the operations that began in time have; records are loaded\n"
    "first unless --no_load. Without --seconds and --ops it takes 10 s.\n"
    "\n"
    "--through COMMAND: each client is a program of its own (madkv-client --manager_addrs ...),\n"
    "started for each phase, which is written one call at a time and timed at its pipes.\n"
    "\n"
    "--json: the last line is one object: tput (operations a second), ops, avg_us, min_us,\n"
    "p50_us, p99_us, p999_us, max_us, errors, missing (reads that found nothing), the same under\n"
    "by_op for each kind of operation, retries, unstarted (due by --rate and never begun),\n"
    "unanswered (begun before a run ended early), seconds, partial, client_cpu_us_per_op.\n"
    "\n"
    "exit status: 0 done, 1 calls failed, or the service does not answer and results are\n"
    "partial, 2 wrong usage\n";

/* What the command line says. */
static struct arguments {
    const char *manager_addrs; /* or NULL */
    const char *server_addrs;  /* or NULL */
    const char *through;       /* or NULL; exactly one of the three */
    const char *through_log;   /* path, or NULL */
    const char *workload;      /* letter or path */
    const char *histogram;     /* path, or NULL */
    const char *seconds;       /* or NULL */
    uint64_t clients, threads, depth, ops, records, value_bytes, rate, warmup, seed;
    bool records_given, value_given;
    bool load, no_load, json, phases;
} given = {.clients = 1, .threads = 1, .depth = 1, .seed = 1};

static const struct wire_flag FLAGS[] = {
    {.name = "manager_addrs",
     .argument = "ADDRESS,...",
     .help = "the managers, in order",
     .text = &given.manager_addrs},
    {.name = "server_addrs",
     .argument = "ADDRESS,...",
     .help = "instead: the replicas of a service without managers",
     .text = &given.server_addrs},
    {.name = "through",
     .argument = "COMMAND",
     .help = "instead: a program, with arguments, that each client writes calls to",
     .text = &given.through},
    {.name = "through_log",
     .argument = "FILE",
     .help = "what those programs say on stderr goes there",
     .text = &given.through_log},
    {.name = "workload",
     .argument = "a..f|w|FILE",
     .help = "what to ask for",
     .text = &given.workload,
     .required = true},
    {.name = "clients",
     .argument = "N",
     .help = "clients, each with a session",
     .number = &given.clients,
     .min = 1,
     .max = WIRE_SESSION_COUNT_MAX},
    {.name = "threads",
     .argument = "N",
     .help = "threads that drive them",
     .number = &given.threads,
     .min = 1,
     .max = 256},
    {.name = "pipeline",
     .argument = "N",
     .help = "operations a client has in flight",
     .number = &given.depth,
     .min = 1,
     .max = BENCH_DEPTH_MAX},
    {.name = "seconds",
     .argument = "S",
     .help = "end after so long (10, 0.5); not given: 10, or as --ops says",
     .text = &given.seconds},
    {.name = "ops",
     .argument = "N",
     .help = "end after so many operations in all; 0: as --seconds says",
     .number = &given.ops,
     .min = 1,
     .max = INT64_MAX},
    {.name = "rate",
     .argument = "N",
     .help = "open loop: operations due a second in all; 0: closed loop",
     .number = &given.rate,
     .min = 1,
     .max = 10000000},
    {.name = "warmup",
     .argument = "N",
     .help = "seconds before counting begins",
     .number = &given.warmup,
     .max = 100000},
    {.name = "records",
     .argument = "N",
     .help = "records before the run; 0: as the workload says, 1000",
     .number = &given.records,
     .min = 1,
     .max = YCSB_RECORDS_MAX,
     .given = &given.records_given},
    {.name = "value_size",
     .argument = "N",
     .help = "bytes of each value; 0: as the workload says, 1000",
     .number = &given.value_bytes,
     .min = 1,
     .max = WIRE_VALUE_BYTES_MAX,
     .given = &given.value_given},
    {.name = "load", .help = "load the records first (the default)", .on = &given.load},
    {.name = "no_load", .help = "the records are there already", .on = &given.no_load},
    {.name = "seed",
     .argument = "N",
     .help = "of all choices",
     .number = &given.seed,
     .max = INT64_MAX},
    {.name = "phases",
     .help = "print both phases in the layout that scripts parse",
     .on = &given.phases},
    {.name = "json", .help = "print one line of JSON", .on = &given.json},
    {.name = "histogram",
     .argument = "FILE",
     .help = "write the latency histograms there",
     .text = &given.histogram},
};

static const struct wire_program PROGRAM = {
    .name = "madkv-bench",
    .purpose = "Measures a MadKV service with YCSB's workloads.",
    .more = more,
    .flags = FLAGS,
    .flag_count = sizeof FLAGS / sizeof FLAGS[0],
};

/* The service's addresses as the client core takes them. */
struct service {
    struct wire_address addresses[WIRE_REPLICA_COUNT_MAX]; /* parsed */
    const char *texts[WIRE_REPLICA_COUNT_MAX];             /* into them */
};

/* The program that clients talk through. */
struct through {
    char text[THROUGH_BYTES_MAX];       /* the command, a NUL behind each word */
    char *words[THROUGH_WORDS_MAX + 1]; /* into it, NULL at the end */
};

static void on_signal(int number)
{
    (void)number;
    bench_run_interrupt();
}

/* --- the command line ------------------------------------------------------------------------ */

static void check_arguments(void)
{
    int ways =
        (given.manager_addrs != NULL) + (given.server_addrs != NULL) + (given.through != NULL);
    if (ways != 1)
        wire_flags_fail(&PROGRAM, "manager_addrs", ways == 0 ? NULL : "it and another of the three",
                        "one of --manager_addrs, --server_addrs and --through");
    if (given.load && given.no_load)
        wire_flags_fail(&PROGRAM, "load", "it and --no_load", "one of the two");
    if (given.json && given.phases)
        wire_flags_fail(&PROGRAM, "json", "it and --phases", "one of the two");
    if (given.threads > given.clients)
        wire_flags_fail(&PROGRAM, "threads", "more threads than clients",
                        "at most %" PRIu64 ", the number of clients", given.clients);
    if (given.through != NULL && given.depth > 1)
        wire_flags_fail(&PROGRAM, "pipeline", "more than one call",
                        "1, as --through programs take one call at a time");
    if (given.through == NULL && given.through_log != NULL)
        wire_flags_fail(&PROGRAM, "through_log", given.through_log, "--through beside it");
}

static void parse_service(struct service *service, struct client_core_config *config)
{
    bool managed = given.manager_addrs != NULL;
    const char *list = managed ? given.manager_addrs : given.server_addrs;
    const char *problem;
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    size_t count = 0;
    const char *flag = managed ? "manager_addrs" : "server_addrs";
    if (wire_address_list_parse(list, service->addresses, WIRE_REPLICA_COUNT_MAX, &count, &problem,
                                bad_part) != WIRE_OK)
        wire_flags_fail(&PROGRAM, flag, bad_part, "%s", problem);
    if (count == 0)
        wire_flags_fail(&PROGRAM, flag, list, "at least one address");
    for (size_t i = 0; i < count; i++)
        service->texts[i] = service->addresses[i].text;
    if (managed) {
        config->managers = service->texts;
        config->manager_count = count;
    } else {
        config->servers = service->texts;
        config->server_count = count;
    }
}

/* Blanks part words; there is no quoting. */
static void parse_through(struct through *through, struct bench_plan *plan)
{
    size_t count = 0;
    char *rest = NULL;
    if (strlen(given.through) >= sizeof through->text)
        wire_flags_fail(&PROGRAM, "through", given.through, "less than %d bytes",
                        THROUGH_BYTES_MAX);
    strcpy(through->text, given.through);
    for (char *word = strtok_r(through->text, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        if (count == THROUGH_WORDS_MAX)
            wire_flags_fail(&PROGRAM, "through", given.through, "at most %d words",
                            THROUGH_WORDS_MAX);
        through->words[count++] = word;
    }
    if (count == 0)
        wire_flags_fail(&PROGRAM, "through", given.through, "a program");
    plan->command = through->words;
    if (given.through_log == NULL)
        return;
    plan->diagnostics = open(given.through_log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (plan->diagnostics < 0)
        wire_flags_fail(&PROGRAM, "through_log", given.through_log, "a file to write: %s",
                        strerror(errno));
}

static void parse_workload(struct ycsb_workload *workload)
{
    struct ycsb_problem problem;
    if (ycsb_workload_find(given.workload, workload, &problem) != WIRE_OK) {
        fprintf(stderr, "%s: --workload: %s: %s\n", PROGRAM.name, given.workload, problem.text);
        exit(WIRE_EXIT_USAGE);
    }
    if (given.records_given)
        workload->record_count = given.records;
    if (given.ops > 0)
        workload->operation_count = given.ops;
    if (!given.value_given)
        given.value_bytes = ycsb_workload_record_bytes(workload);
}

/* --- phases ---------------------------------------------------------------------------------- */

/* Every client has a connection to several replicas. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit); /* else with what there is; too few are told of later */
    }
}

static struct bench_plan plan_load(const struct bench_plan *run)
{
    struct bench_plan plan = *run;
    uint64_t loaders = run->command != NULL ? run->clients : LOADERS;
    plan.load = true;
    plan.keys = NULL;
    plan.ops = run->workload->record_count;
    plan.clients = plan.ops < loaders ? plan.ops : loaders;
    plan.threads = plan.depth = 1;
    plan.duration = plan.warmup = 0;
    plan.rate = 0;
    return plan;
}

static enum wire_exit load(const struct bench_plan *run)
{
    struct bench_plan plan = plan_load(run);
    struct bench_result result = {0};
    struct bench_tally total;
    char why[WHY_BYTES];
    enum bench_end end = bench_run(&plan, isatty(STDERR_FILENO) ? "load" : NULL, &result, why);
    bench_result_total(&result, &total);
    if (given.phases)
        bench_result_print_phase(&result, "Load", stdout);
    else if (!given.json && end == BENCH_DONE && total.errors == 0)
        printf("Loaded %" PRIu64 " records in %.1f s\n", total.latency.count,
               (double)result.elapsed / WIRE_SECOND);
    fflush(stdout);
    if (end == BENCH_DONE && total.errors == 0)
        return WIRE_EXIT_OK;
    wire_say("loading stopped after %" PRIu64 " of %" PRIu64 " records: %s", total.latency.count,
             plan.ops, end != BENCH_DONE ? why : "calls failed");
    return WIRE_EXIT_FAILED;
}

static enum wire_exit write_histogram(const struct bench_result *result, const char *path)
{
    FILE *file = fopen(path, "w");
    bool good = file != NULL;
    if (good) {
        bench_result_print_histogram(result, file);
        good = ferror(file) == 0;
        good &= fclose(file) == 0;
    }
    if (!good)
        wire_say("cannot write %s: %s", path, strerror(errno));
    return good ? WIRE_EXIT_OK : WIRE_EXIT_FAILED;
}

static void print(const struct bench_result *result, const struct bench_plan *plan)
{
    const struct bench_about about = {.workload = given.workload,
                                      .clients = plan->clients,
                                      .records = plan->workload->record_count,
                                      .value_bytes = plan->value_bytes};
    if (given.phases)
        bench_result_print_phase(result, "Run", stdout);
    else if (given.json)
        bench_result_print_json(result, &about, stdout);
    else
        bench_result_print(result, &about, stdout);
}

static enum wire_exit run(const struct bench_plan *plan)
{
    struct bench_result result = {0};
    struct bench_tally total;
    char why[WHY_BYTES];
    enum wire_exit status = WIRE_EXIT_OK;
    enum bench_end end = bench_run(plan, isatty(STDERR_FILENO) ? "run" : NULL, &result, why);
    bench_result_total(&result, &total);
    if (end != BENCH_DONE || total.errors > 0)
        status = WIRE_EXIT_FAILED;
    if (end != BENCH_DONE)
        wire_say("%s; results are partial", why);
    if (given.histogram != NULL && write_histogram(&result, given.histogram) != WIRE_EXIT_OK)
        status = WIRE_EXIT_FAILED;
    print(&result, plan);
    return fflush(stdout) == 0 ? status : WIRE_EXIT_FAILED;
}

/* As --seconds says; 0: it says nothing. */
static wire_time take_duration(void)
{
    if (given.seconds == NULL)
        return 0;
    char *end;
    double seconds = strtod(given.seconds, &end);
    if (end == given.seconds || *end != '\0' || !(seconds >= SECONDS_MIN && seconds <= SECONDS_MAX))
        wire_flags_fail(&PROGRAM, "seconds", given.seconds, "a number from 0.001 to 1000000");
    return (wire_time)(seconds * WIRE_SECOND);
}

static void fill_plan(struct bench_plan *plan)
{
    plan->clients = given.clients;
    plan->threads = given.threads;
    plan->depth = given.depth;
    plan->value_bytes = given.value_bytes;
    plan->seed = given.seed;
    plan->rate = given.rate;
    plan->warmup = (wire_time)given.warmup * WIRE_SECOND;
    plan->ops = given.ops;
    plan->duration = take_duration();
    if (plan->duration == 0 && given.ops == 0)
        plan->duration = SECONDS_DEFAULT * WIRE_SECOND;
}

int main(int argc, char **argv)
{
    struct service service;
    struct through through = {0};
    struct ycsb_workload workload;
    struct bench_plan plan = {.workload = &workload, .diagnostics = -1};
    wire_flags_parse(&PROGRAM, argc, argv);
    check_arguments();
    if (given.through != NULL)
        parse_through(&through, &plan);
    else
        parse_service(&service, &plan.service);
    parse_workload(&workload);
    wire_say_as("madkv-bench");
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGPIPE, SIG_IGN); /* a program that is gone shows as an error of write */
    raise_descriptor_limit();
    fill_plan(&plan);
    if (given.phases)
        printf("Benchmarking results:  YCSB-%s  %" PRIu64 " clients\n", given.workload,
               plan.clients);
    if (!given.no_load && load(&plan) != WIRE_EXIT_OK)
        return WIRE_EXIT_FAILED;
    plan.keys = ycsb_keys_new(&workload);
    enum wire_exit status = run(&plan);
    ycsb_keys_destroy(&plan.keys);
    return (int)status;
}
