#include "tools/bench/keys.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <bsd/sys/tree.h>

#include "wire/buf.h"

/* A known key, of workloads with scans. */
struct known {
    RB_ENTRY(known) link;     /* in the tree, by the key in byte order */
    char key[YCSB_KEY_BYTES]; /* with its NUL */
};

RB_HEAD(known_tree, known);

struct ycsb_keys {
    const struct ycsb_workload *workload; /* how keys are made */
    atomic_ullong last;     /* newest record that may be chosen; written under mutex */
    pthread_mutex_t mutex;  /* guards all below */
    uint64_t next;          /* record to be taken next; above last */
    bool *done;             /* of record first + i: acknowledged */
    size_t done_room;       /* records that done has room for */
    struct known_tree tree; /* of workloads with scans: the known keys */
};

static int known_compare(const struct known *a, const struct known *b)
{
    return strcmp(a->key, b->key);
}

/* Not the static ones: those want a macro __unused, which not every libbsd defines. */
RB_PROTOTYPE(known_tree, known, link, known_compare)
RB_GENERATE(known_tree, known, link, known_compare)

static bool has_scans(const struct ycsb_keys *self)
{
    return self->workload->shares[YCSB_SCAN] > 0;
}

static void learn(struct ycsb_keys *self, uint64_t record)
{
    struct known *known = wire_calloc(1, sizeof *known);
    ycsb_workload_key(self->workload, record, known->key);
    if (RB_INSERT(known_tree, &self->tree, known) != NULL)
        free(known); /* two records, one hash: one key */
}

struct ycsb_keys *ycsb_keys_new(const struct ycsb_workload *workload)
{
    struct ycsb_keys *self = wire_calloc(1, sizeof *self);
    self->workload = workload;
    self->next = workload->record_count;
    atomic_init(&self->last, workload->record_count - 1);
    int failed = pthread_mutex_init(&self->mutex, NULL);
    assert(!failed);
    RB_INIT(&self->tree);
    for (uint64_t record = 0; has_scans(self) && record < workload->record_count; record++)
        learn(self, record);
    return self;
}

void ycsb_keys_destroy(struct ycsb_keys **self_p)
{
    struct ycsb_keys *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    struct known *known;
    while ((known = RB_ROOT(&self->tree)) != NULL) {
        RB_REMOVE(known_tree, &self->tree, known);
        free(known);
    }
    pthread_mutex_destroy(&self->mutex);
    free(self->done);
    free(self);
}

uint64_t ycsb_keys_take(struct ycsb_keys *self)
{
    pthread_mutex_lock(&self->mutex);
    uint64_t record = self->next++;
    pthread_mutex_unlock(&self->mutex);
    return record;
}

/* Room for a mark at that place; new ones are not set. */
static void reserve(struct ycsb_keys *self, size_t place)
{
    if (place < self->done_room)
        return;
    size_t room = self->done_room == 0 ? 1024 : self->done_room;
    while (room <= place)
        room *= 2;
    self->done = wire_realloc(self->done, room * sizeof *self->done);
    memset(self->done + self->done_room, 0, (room - self->done_room) * sizeof *self->done);
    self->done_room = room;
}

void ycsb_keys_acknowledge(struct ycsb_keys *self, uint64_t record)
{
    uint64_t first = self->workload->record_count;
    pthread_mutex_lock(&self->mutex);
    assert(record >= first && record < self->next);
    reserve(self, record - first);
    assert(!self->done[record - first]);
    self->done[record - first] = true;
    uint64_t last = atomic_load(&self->last);
    while (last + 1 - first < self->done_room && self->done[last + 1 - first])
        last++;
    atomic_store(&self->last, last);
    if (has_scans(self))
        learn(self, record);
    pthread_mutex_unlock(&self->mutex);
}

uint64_t ycsb_keys_last(struct ycsb_keys *self)
{
    return atomic_load(&self->last);
}

size_t ycsb_keys_scan_end(struct ycsb_keys *self, const char *start, uint64_t count,
                          char end[YCSB_KEY_BYTES])
{
    struct known from;
    size_t size = strlen(start);
    assert(count > 0 && has_scans(self) && size < sizeof from.key);
    memcpy(from.key, start, size + 1);
    memcpy(end, start, size + 1);
    pthread_mutex_lock(&self->mutex);
    struct known *known = RB_NFIND(known_tree, &self->tree, &from);
    for (; known != NULL && count > 0; count--) {
        size = strlen(known->key);
        memcpy(end, known->key, size + 1);
        known = RB_NEXT(known_tree, &self->tree, known);
    }
    pthread_mutex_unlock(&self->mutex);
    return size;
}
