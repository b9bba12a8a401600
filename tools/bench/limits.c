/* madkv-limits: what this machine can do at all, so that a store's figures can be held against it.
 * Each figure is the rate of one bare operation, measured for a second or so:
 *
 *     LMDB commits   one record of 1 KB a transaction, default flags (two flushes each): by one
 * process, and by three at once, as three replicas on one disk would fdatasync      4 KB appended
 * to a growing file, then flushed ZeroMQ         round trips of 1 KB between two threads: PAIR over
 * inproc, DEALER to ROUTER over TCP on loopback, with one message in flight and with 100
 *
 * Prints a line for each, or one JSON object. Files go to a directory of its own below the one
 * given, and are removed. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    RECORD_BYTES = 1024,
    APPEND_BYTES = 4096,
    MAP_BYTES = 256 * 1024 * 1024,
    PROCESSES = 3,
    KEPT_RECORDS = 1000,
    FLIGHT = 100,
    PATH_BYTES = 4096,
    REMOVE_DESCRIPTORS = 16,
};

#define SECONDS 1.0 /* that each figure takes */

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Ends the process: a limit that cannot be measured is none. */
static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "madkv-limits: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Operations a second. */
static double rate(bool (*operation)(void *argument), void *argument)
{
    uint64_t count = 0;
    double begin = now(), end;
    do {
        check(operation(argument), "an operation failed");
        count++;
        end = now();
    } while (end - begin < SECONDS);
    return (double)count / (end - begin);
}

/* --- disk ------------------------------------------------------------------------------------- */

static MDB_env *open_env(const char *directory)
{
    MDB_env *env = NULL;
    check(mkdir(directory, 0700) == 0, directory);
    check(mdb_env_create(&env) == 0 && mdb_env_set_mapsize(env, MAP_BYTES) == 0 &&
              mdb_env_open(env, directory, 0, 0600) == 0,
          "LMDB");
    return env;
}

struct log {
    MDB_env *env;  /* where it is */
    uint64_t slot; /* the newest record's */
};

/* A log's kind of write: appended, and what is behind the newest records removed. */
static bool commit(void *argument)
{
    static uint8_t record[RECORD_BYTES];
    struct log *self = argument;
    MDB_txn *txn;
    MDB_dbi dbi;
    uint64_t slot = ++self->slot, old = slot - KEPT_RECORDS;
    MDB_val key = {sizeof slot, &slot}, value = {sizeof record, record};
    MDB_val old_key = {sizeof old, &old};
    return mdb_txn_begin(self->env, NULL, 0, &txn) == 0 &&
           mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &dbi) == 0 &&
           mdb_put(txn, dbi, &key, &value, MDB_APPEND) == 0 &&
           (slot <= KEPT_RECORDS || mdb_del(txn, dbi, &old_key, NULL) == 0) &&
           mdb_txn_commit(txn) == 0;
}

static double measure_commits(const char *directory)
{
    struct log log = {.env = open_env(directory)};
    double result = rate(commit, &log);
    mdb_env_close(log.env);
    return result;
}

/* In all. */
static double measure_shared_commits(const char *directory)
{
    int pipes[2];
    double sum = 0, one;
    check(pipe(pipes) == 0, "pipe");
    for (int i = 0; i < PROCESSES; i++) {
        char path[PATH_BYTES];
        check(snprintf(path, sizeof path, "%s.%d", directory, i) < PATH_BYTES, directory);
        pid_t child = fork();
        check(child >= 0, "fork");
        if (child == 0) {
            one = measure_commits(path);
            _exit(write(pipes[1], &one, sizeof one) == sizeof one ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        check(wait(&status) > 0 && status == 0, "a process that commits");
        check(read(pipes[0], &one, sizeof one) == sizeof one, "read");
        sum += one;
    }
    close(pipes[0]);
    close(pipes[1]);
    return sum;
}

static bool append(void *argument)
{
    static uint8_t block[APPEND_BYTES];
    int file = *(int *)argument;
    return write(file, block, sizeof block) == sizeof block && fdatasync(file) == 0;
}

static double measure_appends(const char *path)
{
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    check(file >= 0, path);
    double result = rate(append, &file);
    close(file);
    return result;
}

/* --- messages --------------------------------------------------------------------------------- */

/* Sends back what comes, until it is one byte long. */
static void *echo(void *socket)
{
    uint8_t bytes[RECORD_BYTES];
    int size, more;
    size_t more_size = sizeof more;
    do {
        size = zmq_recv(socket, bytes, sizeof bytes, 0);
        zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size);
        if (size > 1)
            zmq_send(socket, bytes, (size_t)size, more ? ZMQ_SNDMORE : 0);
    } while (size != 1);
    return NULL;
}

struct exchange {
    void *socket; /* the side that asks */
    int flight;   /* messages in flight */
};

static bool round_trip(void *argument)
{
    struct exchange *self = argument;
    uint8_t bytes[RECORD_BYTES] = {0};
    return zmq_recv(self->socket, bytes, sizeof bytes, 0) == sizeof bytes &&
           zmq_send(self->socket, bytes, sizeof bytes, 0) == sizeof bytes;
}

static double measure_messages(const char *endpoint, int server_type, int client_type, int flight)
{
    uint8_t bytes[RECORD_BYTES] = {0};
    char bound[PATH_BYTES];
    size_t bound_size = sizeof bound;
    void *context = zmq_ctx_new();
    void *server = zmq_socket(context, server_type), *client = zmq_socket(context, client_type);
    pthread_t thread;
    check(server != NULL && client != NULL && zmq_bind(server, endpoint) == 0, endpoint);
    check(zmq_getsockopt(server, ZMQ_LAST_ENDPOINT, bound, &bound_size) == 0, "endpoint");
    check(zmq_connect(client, bound) == 0, bound);
    check(pthread_create(&thread, NULL, echo, server) == 0, "thread");
    for (int i = 0; i < flight; i++)
        check(zmq_send(client, bytes, sizeof bytes, 0) == sizeof bytes, "send");
    struct exchange exchange = {.socket = client, .flight = flight};
    double result = rate(round_trip, &exchange);
    for (int i = 0; i < flight; i++)
        check(zmq_recv(client, bytes, sizeof bytes, 0) == sizeof bytes, "receive");
    check(zmq_send(client, bytes, 1, 0) == 1, "send");
    pthread_join(thread, NULL);
    zmq_close(client);
    zmq_close(server);
    zmq_ctx_term(context);
    return result;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

struct figure {
    const char *name; /* of JSON */
    const char *text; /* for people */
    double rate;      /* a second */
};

static void print(const struct figure *figures, size_t count, bool json)
{
    for (size_t i = 0; i < count; i++) {
        if (json)
            printf("%s\"%s\":%.0f", i == 0 ? "{" : ",", figures[i].name, figures[i].rate);
        else
            printf("%-62s %9.0f /s\n", figures[i].text, figures[i].rate);
    }
    if (json)
        printf("}\n");
}

int main(int argc, char **argv)
{
    char directory[PATH_BYTES - 64], path[PATH_BYTES];
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    if (argc > 2 + json || (argc > 1 + json && argv[1 + json][0] == '-')) {
        fprintf(stderr, "madkv-limits: given '%s', expected [--json] [DIRECTORY]\n",
                argv[argc - 1]);
        return 2;
    }
    snprintf(directory, sizeof directory, "%s/madkv-limits-XXXXXX",
             argc > 1 + json ? argv[1 + json] : "/tmp");
    check(mkdtemp(directory) != NULL, directory);
    struct figure figures[] = {
        {"append_fdatasync", "append 4 KB and fdatasync", 0},
        {"lmdb_commits", "LMDB commit of 1 KB, two flushes", 0},
        {"lmdb_commits_3", "LMDB commit of 1 KB, three processes at once, in all", 0},
        {"inproc_round_trips", "ZeroMQ PAIR round trip of 1 KB, inproc, one in flight", 0},
        {"tcp_round_trips", "ZeroMQ DEALER-ROUTER round trip of 1 KB, TCP, one in flight", 0},
        {"tcp_round_trips_100", "ZeroMQ DEALER-ROUTER round trip of 1 KB, TCP, 100 in flight", 0},
    };
    snprintf(path, sizeof path, "%s/appended", directory);
    figures[0].rate = measure_appends(path);
    snprintf(path, sizeof path, "%s/env", directory);
    figures[1].rate = measure_commits(path);
    figures[2].rate = measure_shared_commits(path);
    figures[3].rate = measure_messages("inproc://limits", ZMQ_PAIR, ZMQ_PAIR, 1);
    figures[4].rate = measure_messages("tcp://127.0.0.1:*", ZMQ_ROUTER, ZMQ_DEALER, 1);
    figures[5].rate = measure_messages("tcp://127.0.0.1:*", ZMQ_ROUTER, ZMQ_DEALER, FLIGHT);
    nftw(directory, remove_entry, REMOVE_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
    print(figures, sizeof figures / sizeof figures[0], json);
    return fflush(stdout) == 0 ? 0 : 1;
}
