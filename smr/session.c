#include "smr/session.h"

#include <assert.h>
#include <stdlib.h>
#include "wire/hash.h"

enum {
    SESSION_BYTES = 256 /* what a session is charged for beside its answers */
};

struct kept {
    uint64_t number;          /* which call; 0: none kept here */
    struct smr_answer answer; /* what came out */
};

struct session {
    uint64_t id;              /* place in the log of its opening */
    uint64_t used_ms;         /* log time of its last use */
    uint64_t lowest;          /* answers below are forgotten; calls below are stale */
    struct kept *kept;        /* ring by number; the numbers lowest .. lowest + capacity - 1 fit */
    uint64_t capacity;        /* power of two, at most the window */
    struct session *older;    /* in order of last use */
    struct session *newer;
};

struct smr_sessions {
    struct session **by_id;  /* ascending; ids grow, so opening appends */
    size_t count;            /* sessions */
    size_t capacity;         /* room at by_id */
    struct session *oldest;  /* least recently used */
    struct session *newest;  /* most recently used */
    size_t bytes;            /* charged for sessions and answers */
    size_t count_max;        /* more: the least recently used ends */
};

struct smr_sessions *smr_sessions_new(void)
{
    struct smr_sessions *self = wire_calloc(1, sizeof *self);
    self->count_max = WIRE_SESSION_COUNT_MAX;
    return self;
}

void smr_sessions_bound(struct smr_sessions *self, size_t count_max)
{
    assert(count_max > 0 && self->count <= count_max);
    self->count_max = count_max;
}

/* --- order of use ------------------------------------------------------------------------------- */

static void unlink_use(struct smr_sessions *self, struct session *s)
{
    *(s->older != NULL ? &s->older->newer : &self->oldest) = s->newer;
    *(s->newer != NULL ? &s->newer->older : &self->newest) = s->older;
    s->older = s->newer = NULL;
}

static void link_newest(struct smr_sessions *self, struct session *s)
{
    s->older = self->newest;
    *(self->newest != NULL ? &self->newest->newer : &self->oldest) = s;
    self->newest = s;
}

/* --- by id -------------------------------------------------------------------------------------- */

/* Index of the first session whose id is not below. */
static size_t lower_bound(const struct smr_sessions *self, uint64_t id)
{
    size_t low = 0, high = self->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->by_id[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct session *find(const struct smr_sessions *self, uint64_t id)
{
    size_t at = lower_bound(self, id);
    return at < self->count && self->by_id[at]->id == id ? self->by_id[at] : NULL;
}

static size_t answer_bytes(const struct smr_answer *answer)
{
    return answer->body == NULL ? 0 : answer->body->size;
}

static void forget(struct smr_sessions *self, struct kept *kept)
{
    self->bytes -= answer_bytes(&kept->answer);
    buf_unref(&kept->answer.body);
    kept->number = 0;
}

static void end_session(struct smr_sessions *self, struct session *s)
{
    size_t at = lower_bound(self, s->id);
    assert(at < self->count && self->by_id[at] == s);
    memmove(self->by_id + at, self->by_id + at + 1,
            (self->count - at - 1) * sizeof *self->by_id);
    self->count--;
    unlink_use(self, s);
    for (uint64_t i = 0; i < s->capacity; i++)
        forget(self, &s->kept[i]);
    self->bytes -= SESSION_BYTES;
    free(s->kept);
    free(s);
}

void smr_sessions_free(struct smr_sessions *self)
{
    while (self->oldest != NULL)
        end_session(self, self->oldest);
    assert(self->bytes == 0);
    free(self->by_id);
    free(self);
}

static void keep_bounds(struct smr_sessions *self, struct smr_counters *counters)
{
    while (self->count > 1 && (self->count > self->count_max ||
                               self->bytes > WIRE_SESSION_BYTES_MAX)) {
        end_session(self, self->oldest);
        counters->sessions_expired++;
    }
}

void smr_sessions_open(struct smr_sessions *self, uint64_t id, uint64_t log_time_ms,
                       struct smr_counters *counters)
{
    assert(id > 0 && (self->count == 0 || self->by_id[self->count - 1]->id < id));
    struct session *s = wire_calloc(1, sizeof *s);
    *s = (struct session){.id = id, .used_ms = log_time_ms, .lowest = 1};
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 16 : self->capacity * 2;
        self->by_id = wire_realloc(self->by_id, self->capacity * sizeof(struct session *));
    }
    self->by_id[self->count++] = s;
    self->bytes += SESSION_BYTES;
    link_newest(self, s);
    keep_bounds(self, counters);
}

bool smr_sessions_close(struct smr_sessions *self, uint64_t id)
{
    struct session *s = find(self, id);
    if (s == NULL)
        return false;
    end_session(self, s);
    return true;
}

void smr_sessions_expire(struct smr_sessions *self, uint64_t log_time_ms,
                         struct smr_counters *counters)
{
    while (self->oldest != NULL && self->oldest->used_ms + WIRE_SESSION_LIFE_MS <= log_time_ms) {
        end_session(self, self->oldest);
        counters->sessions_expired++;
    }
}

/* --- calls -------------------------------------------------------------------------------------- */

static void raise_lowest(struct smr_sessions *self, struct session *s, uint64_t lowest)
{
    uint64_t span = s->capacity;
    for (uint64_t n = s->lowest; n < lowest && span > 0; n++, span--) {
        struct kept *kept = &s->kept[n & (s->capacity - 1)];
        if (kept->number == n)
            forget(self, kept);
    }
    if (lowest > s->lowest)
        s->lowest = lowest;
}

enum smr_call_verdict smr_sessions_judge(struct smr_sessions *self, uint64_t id, uint64_t number,
                                         uint64_t lowest, uint64_t log_time_ms,
                                         struct smr_answer *answer)
{
    struct session *s = find(self, id);
    if (s == NULL)
        return SMR_CALL_GONE;
    if (number < 1 || lowest > number || number - lowest >= WIRE_SESSION_WINDOW)
        return SMR_CALL_WRONG;
    s->used_ms = log_time_ms;
    unlink_use(self, s);
    link_newest(self, s);
    raise_lowest(self, s, lowest);
    if (number < s->lowest)
        return SMR_CALL_STALE;
    if (number - s->lowest >= WIRE_SESSION_WINDOW)
        return SMR_CALL_WRONG;
    if (s->capacity > 0 && s->kept[number & (s->capacity - 1)].number == number) {
        *answer = s->kept[number & (s->capacity - 1)].answer;
        return SMR_CALL_REPEAT;
    }
    return SMR_CALL_FRESH;
}

static void grow_ring(struct session *s, uint64_t number)
{
    uint64_t capacity = s->capacity == 0 ? 1 : s->capacity;
    while (number - s->lowest >= capacity)
        capacity *= 2;
    if (capacity == s->capacity)
        return;
    struct kept *ring = wire_calloc(capacity, sizeof *ring);
    for (uint64_t i = 0; i < s->capacity; i++) {
        if (s->kept[i].number != 0)
            ring[s->kept[i].number & (capacity - 1)] = s->kept[i];
    }
    free(s->kept);
    s->kept = ring;
    s->capacity = capacity;
}

void smr_sessions_remember(struct smr_sessions *self, uint64_t id, uint64_t number,
                           struct smr_answer answer, struct smr_counters *counters)
{
    struct session *s = find(self, id);
    assert(s != NULL && number >= s->lowest && number - s->lowest < WIRE_SESSION_WINDOW);
    grow_ring(s, number);
    struct kept *kept = &s->kept[number & (s->capacity - 1)];
    assert(kept->number == 0);
    *kept = (struct kept){.number = number, .answer = answer};
    buf_ref(answer.body);
    self->bytes += answer_bytes(&answer);
    keep_bounds(self, counters);
}

size_t smr_sessions_count(const struct smr_sessions *self)
{
    return self->count;
}

size_t smr_sessions_bytes(const struct smr_sessions *self)
{
    return self->bytes;
}

static uint64_t mix(uint64_t digest, uint64_t value)
{
    uint8_t bytes[8];
    wire_put_u64(bytes, value);
    return wire_hash_seeded(span_of(bytes, sizeof bytes), digest);
}

uint64_t smr_sessions_digest(const struct smr_sessions *self)
{
    uint64_t digest = self->count;
    for (const struct session *s = self->oldest; s != NULL; s = s->newer) {
        digest = mix(mix(mix(digest, s->id), s->used_ms), s->lowest);
        for (uint64_t n = s->lowest; n < s->lowest + s->capacity; n++) {
            const struct kept *kept = &s->kept[n & (s->capacity - 1)];
            if (kept->number != n)
                continue;
            digest = mix(mix(digest, n), kept->answer.status);
            digest = wire_hash_seeded(buf_span(kept->answer.body), digest);
        }
    }
    return digest;
}

/* --- in a checkpoint -------------------------------------------------------------------------- */

/* Per session [id, used, lowest, kept, (number, status, bin answer) ...]. */

static uint32_t kept_count(const struct session *s)
{
    uint32_t count = 0;
    for (uint64_t i = 0; i < s->capacity; i++)
        count += s->kept[i].number != 0;
    return count;
}

static void encode_session(const struct session *s, struct wire_writer *out)
{
    uint32_t count = kept_count(s);
    wire_write_array(out, 4 + 3 * count);
    wire_write_uint(out, s->id);
    wire_write_uint(out, s->used_ms);
    wire_write_uint(out, s->lowest);
    wire_write_uint(out, count);
    for (uint64_t i = 0; i < s->capacity; i++) {
        if (s->kept[i].number == 0)
            continue;
        wire_write_uint(out, s->kept[i].number);
        wire_write_uint(out, s->kept[i].answer.status);
        wire_write_bin(out, buf_span(s->kept[i].answer.body));
    }
}

void smr_sessions_encode(const struct smr_sessions *self, struct wire_writer *out)
{
    for (const struct session *s = self->oldest; s != NULL; s = s->newer)
        encode_session(s, out);
}

static void insert_by_id(struct smr_sessions *self, struct session *s)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity == 0 ? 16 : self->capacity * 2;
        self->by_id = wire_realloc(self->by_id, self->capacity * sizeof(struct session *));
    }
    size_t at = lower_bound(self, s->id);
    memmove(self->by_id + at + 1, self->by_id + at, (self->count - at) * sizeof *self->by_id);
    self->by_id[at] = s;
    self->count++;
    self->bytes += SESSION_BYTES;
    link_newest(self, s);
}

static void decode_kept(struct smr_sessions *self, struct session *s, struct wire_reader *in)
{
    uint64_t number = wire_read_uint(in, UINT64_MAX / 2);
    struct smr_answer answer = {
        .status = (enum wire_status)wire_read_uint(in, WIRE_STATUS_COUNT - 1)};
    struct span body = wire_read_bin(in, WIRE_RESULT_BYTES_MAX);
    if (in->bad || number < s->lowest || number - s->lowest >= WIRE_SESSION_WINDOW) {
        in->bad = true;
        return;
    }
    grow_ring(s, number);
    struct kept *kept = &s->kept[number & (s->capacity - 1)];
    if (kept->number != 0) {
        in->bad = true;
        return;
    }
    if (body.size > 0)
        answer.body = buf_copy(body);
    *kept = (struct kept){.number = number, .answer = answer};
    self->bytes += body.size;
}

static void decode_session(struct smr_sessions *self, struct wire_reader *in)
{
    uint32_t values = wire_read_array(in);
    struct session read = {.id = wire_read_uint(in, UINT64_MAX)};
    read.used_ms = wire_read_uint(in, UINT64_MAX);
    read.lowest = wire_read_uint(in, UINT64_MAX / 2);
    uint64_t count = wire_read_uint(in, WIRE_SESSION_WINDOW);
    /* Numbers begin with 1: a kept 0 would stand for an empty place. */
    if (in->bad || values != 4 + 3 * count || read.id == 0 || read.lowest == 0 ||
        find(self, read.id) != NULL) {
        in->bad = true;
        return;
    }
    struct session *s = wire_calloc(1, sizeof *s);
    *s = read;
    insert_by_id(self, s);
    for (uint64_t i = 0; i < count && !in->bad; i++)
        decode_kept(self, s, in);
}

struct smr_sessions *smr_sessions_decode(struct span bytes)
{
    struct smr_sessions *self = smr_sessions_new();
    struct wire_reader in = wire_reader_of(bytes);
    while (wire_read_more(&in))
        decode_session(self, &in);
    if (in.bad) {
        smr_sessions_free(self);
        return NULL;
    }
    return self;
}
