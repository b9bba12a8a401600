#include "manager/oracle.h"

#include <stdlib.h>
#include "wire/chain.h"
#include "wire/figures.h"
#include "wire/random.h"

#define ORACLE_CHECK (100 * WIRE_MS) /* between two looks at all chains */
#define ORACLE_FRESH (WIRE_SECOND)   /* heard within that: alive for sure; some pulses long */
#define ORACLE_FORM (3 * WIRE_SECOND) /* a first epoch waits so long for replicas that never came */
#define ORACLE_LEAVE (200 * WIRE_MS) /* between saying that it leaves and being cut out */
#define NEVER_HEARD (INT64_MIN / 2)

/* What is known of a replica by its own word. */
struct seen {
    struct wire_birth birth; /* disk of the newest pulse; generation 0: none ever */
    wire_time heard;         /* when that came in */
    wire_time since;         /* when that disk was first heard: nothing of an earlier one is later */
    bool known;              /* that disk is registered */
    uint64_t start;          /* newest life on that disk */
    wire_time leaves;        /* that life said first that it leaves; NEVER_HEARD: it did not */
    uint64_t epoch;          /* it acts in */
    uint64_t flags;          /* WIRE_PULSE_... of it */
    uint64_t reached;        /* members it reaches */
};

struct chain_watch {
    struct wire_chain chain; /* as an answer said last; behind at worst, and then a change is refused */
    struct seen seen[WIRE_REPLICA_COUNT_MAX];
    wire_time first_heard;   /* any replica of it under this term */
    bool silent;             /* all members are; for the counter */
    bool avoids;             /* a member is avoided: it gets no answer ... */
    wire_replica avoided;    /* ... which one ... */
    wire_time avoided_since; /* ... since when */
};

struct oracle {
    struct wire_random random;  /* for terms */
    uint32_t partitions;        /* chains */
    uint8_t server_rf;          /* replicas of each */
    bool leading;               /* this manager leads */
    bool taken;                 /* the term is in the managers' state */
    uint64_t term;              /* of this leadership */
    wire_time taken_at;         /* leases of earlier terms were granted at the latest then */
    bool under_way;             /* a command of ours is */
    struct wire_chain_call call; /* that command */
    wire_time next_check;       /* look at the chains then */
    struct chain_watch *watches; /* by partition; owned */
    struct oracle_counters counters;
};

/* --- leading ------------------------------------------------------------------------------------- */

/* Nothing that was heard before counts: it may have been long ago. */
static void begin_term(struct oracle *self, wire_time now)
{
    self->taken = false;
    self->term = wire_random_next(&self->random) | 1;
    self->next_check = now;
    for (uint32_t p = 0; p < self->partitions; p++) {
        self->watches[p] = (struct chain_watch){.first_heard = WIRE_NEVER};
        for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
            self->watches[p].seen[i].heard = self->watches[p].seen[i].since =
                self->watches[p].seen[i].leaves = NEVER_HEARD;
    }
}

static void oracle_lead(void *role, wire_time now, bool leading)
{
    struct oracle *self = role;
    self->leading = leading;
    self->under_way = false;
    if (leading)
        begin_term(self, now);
}

/* --- pulses -------------------------------------------------------------------------------------- */

static void oracle_asked(void *role, wire_time now, struct span query)
{
    struct oracle *self = role;
    struct wire_chain_call call;
    if (wire_chain_call_decode(query, &call) != WIRE_OK || call.op != WIRE_CHAIN_PULSE ||
        call.partition >= self->partitions || call.replica >= self->server_rf ||
        (call.flags & WIRE_PULSE_LOST) != 0)
        return;
    self->counters.pulses++;
    struct chain_watch *watch = &self->watches[call.partition];
    struct seen *seen = &watch->seen[call.replica];
    if (call.birth.generation < seen->birth.generation)
        return; /* from a disk that another one has taken the place of */
    if (!birth_equal(seen->birth, call.birth)) {
        seen->since = now;
        seen->known = false;
        seen->start = 0;
    }
    if (call.start < seen->start)
        return; /* what an earlier life said of itself comes late */
    if (call.start > seen->start)
        seen->leaves = NEVER_HEARD;
    if ((call.flags & WIRE_PULSE_LEAVING) != 0 && seen->leaves == NEVER_HEARD)
        seen->leaves = now;
    seen->start = call.start;
    seen->birth = call.birth;
    seen->heard = now;
    seen->epoch = call.epoch;
    seen->flags = call.flags;
    seen->reached = call.reached;
    if (watch->first_heard == WIRE_NEVER)
        watch->first_heard = now;
}

static bool oracle_answered(void *role, wire_time now, struct span bytes)
{
    struct oracle *self = role;
    struct wire_chain_answer answer;
    (void)now;
    if (wire_chain_answer_decode(bytes, &answer) != WIRE_OK)
        return true; /* about something else */
    bool dropping = self->under_way && self->call.op == WIRE_CHAIN_CHANGE &&
                    self->call.partition == answer.partition &&
                    (self->call.drop >> answer.replica & 1) != 0;
    bool avoided = answer.partition < self->partitions &&
                   self->watches[answer.partition].avoids &&
                   self->watches[answer.partition].avoided == answer.replica;
    if (!self->taken || answer.term != self->term || dropping || avoided) {
        self->counters.answers_kept++;
        return false;
    }
    if (answer.partition < self->partitions) {
        self->watches[answer.partition].chain = answer.chain;
        self->watches[answer.partition].seen[answer.replica].known =
            answer.verdict == WIRE_CHAIN_OK;
    }
    return true;
}

/* --- decisions ----------------------------------------------------------------------------------- */

static bool is_fresh(const struct seen *seen, wire_time now)
{
    return seen->heard != NEVER_HEARD && now < seen->heard + ORACLE_FRESH;
}

/* No lease of that member can be left. */
static bool is_silent(const struct oracle *self, const struct chain_watch *watch,
                      const struct wire_chain_member *member, wire_time now)
{
    const struct seen *seen = &watch->seen[member->replica];
    wire_time granted = smr_lease_granted(SMR_CHAIN_LEASE);
    wire_time heard = birth_equal(seen->birth, member->birth) ? seen->heard : seen->since;
    if (watch->avoids && watch->avoided == member->replica && watch->avoided_since < heard)
        heard = watch->avoided_since;
    return now >= self->taken_at + granted && now >= heard + granted;
}

static struct wire_chain_call change_of(uint32_t partition, const struct wire_chain *chain,
                                        uint64_t drop, uint64_t add)
{
    return (struct wire_chain_call){.op = WIRE_CHAIN_CHANGE,
                                    .partition = partition,
                                    .epoch = chain->epoch,
                                    .drop = drop,
                                    .add = add};
}

/* The first epoch: with all replicas, or after a while with those that came. */
static bool form(const struct oracle *self, uint32_t partition, wire_time now,
                 struct wire_chain_call *call)
{
    const struct chain_watch *watch = &self->watches[partition];
    uint64_t add = 0;
    for (wire_replica i = 0; i < self->server_rf; i++)
        add |= (uint64_t)(is_fresh(&watch->seen[i], now) && watch->seen[i].known) << i;
    bool all = add == (1u << self->server_rf) - 1;
    if (add == 0 || (!all && now < watch->first_heard + ORACLE_FORM))
        return false;
    *call = change_of(partition, &watch->chain, 0, add);
    return true;
}

/* That member, on that disk and in this epoch, says that it holds everything. */
static bool holds_everything(const struct chain_watch *watch,
                             const struct wire_chain_member *member, wire_time now)
{
    const struct seen *seen = &watch->seen[member->replica];
    return is_fresh(seen, now) && birth_equal(seen->birth, member->birth) &&
           (seen->flags & WIRE_PULSE_WHOLE) != 0 && seen->epoch == watch->chain.epoch;
}

static bool leaves(const struct chain_watch *watch, const struct wire_chain_member *member)
{
    const struct seen *seen = &watch->seen[member->replica];
    return birth_equal(seen->birth, member->birth) && seen->leaves != NEVER_HEARD;
}

/* The one that leaves and has said so for long enough; 0: there is none, or more than one. What leases an
 * earlier manager gave to a later life of it is not known before those are over. */
static uint64_t leaver(const struct oracle *self, const struct chain_watch *watch, wire_time now)
{
    uint64_t found = 0;
    for (int i = 0; i < watch->chain.count; i++) {
        wire_replica replica = watch->chain.members[i].replica;
        if (!leaves(watch, &watch->chain.members[i]))
            continue;
        if (found != 0 || now < watch->seen[replica].leaves + ORACLE_LEAVE ||
            now < self->taken_at + smr_lease_granted(SMR_CHAIN_LEASE))
            return 0;
        found = (uint64_t)1 << replica;
    }
    return found;
}

/* Those that are silent or leave go, if one is left that says by itself that it holds everything: one that held it
 * before it started again may find that its disk lost a record, and then those that would go are needed. */
static bool cut(struct oracle *self, uint32_t partition, wire_time now,
                struct wire_chain_call *call)
{
    struct chain_watch *watch = &self->watches[partition];
    uint64_t drop = leaver(self, watch, now);
    int left = 0, whole_left = 0;
    for (int i = 0; i < watch->chain.count; i++) {
        const struct wire_chain_member *member = &watch->chain.members[i];
        bool silent = is_silent(self, watch, member, now);
        drop |= (uint64_t)silent << member->replica;
        left += !silent;
        bool avoided = watch->avoids && watch->avoided == member->replica;
        whole_left += !silent && !avoided && member->whole && !leaves(watch, member) &&
                      holds_everything(watch, member, now);
    }
    self->counters.all_silent += left == 0 && !watch->silent;
    watch->silent = left == 0;
    if (drop == 0 || whole_left == 0)
        return false;
    *call = change_of(partition, &watch->chain, drop, 0);
    return true;
}

/* The only replica of a chain is back on another disk. */
static bool renew(const struct oracle *self, uint32_t partition, wire_time now,
                  struct wire_chain_call *call)
{
    const struct chain_watch *watch = &self->watches[partition];
    const struct seen *seen = &watch->seen[0];
    const struct wire_chain_member *member = &watch->chain.members[0];
    if (self->server_rf > 1 || !is_fresh(seen, now) || !seen->known ||
        birth_equal(seen->birth, member->birth) || !is_silent(self, watch, member, now))
        return false;
    *call = change_of(partition, &watch->chain, 1, 1);
    return true;
}

/* It speaks with the managers, in this epoch. */
static bool is_at_work(const struct chain_watch *watch, int place, wire_time now)
{
    const struct wire_chain_member *member = &watch->chain.members[place];
    const struct seen *seen = &watch->seen[member->replica];
    return is_fresh(seen, now) && birth_equal(seen->birth, member->birth) &&
           seen->epoch == watch->chain.epoch;
}

/* How many others at work it does not reach, or that do not reach it. */
static int missed(const struct chain_watch *watch, int place, wire_time now)
{
    int missed = 0;
    wire_replica own = watch->chain.members[place].replica;
    for (int i = 0; i < watch->chain.count; i++) {
        wire_replica other = watch->chain.members[i].replica;
        bool both = (watch->seen[own].reached >> other & 1) != 0 &&
                    (watch->seen[other].reached >> own & 1) != 0;
        missed += i != place && !both && is_at_work(watch, i, now);
    }
    return missed;
}

static bool can_do_without(const struct chain_watch *watch, int place, wire_time now)
{
    for (int i = 0; i < watch->chain.count; i++) {
        const struct wire_chain_member *member = &watch->chain.members[i];
        if (i != place && member->whole && !leaves(watch, member) &&
            holds_everything(watch, member, now))
            return true;
    }
    return false;
}

/* The place of the member that misses most, or -1. Of two that miss as many it is the one further down. */
static int worst_place(const struct chain_watch *watch, wire_time now)
{
    int most = 0, worst = -1;
    for (int i = 0; i < watch->chain.count; i++) {
        int count = is_at_work(watch, i, now) ? missed(watch, i, now) : 0;
        if (count == 0 || count < most)
            continue;
        most = count;
        worst = i;
    }
    return worst;
}

/* Whoever is avoided and fell silent meanwhile stays so. */
static void avoid(struct oracle *self, struct chain_watch *watch, wire_time now)
{
    int place = watch->avoids ? wire_chain_place(&watch->chain, watch->avoided) : -1;
    if (place < 0 || is_at_work(watch, place, now))
        place = worst_place(watch, now);
    if (place < 0 || !can_do_without(watch, place, now)) {
        watch->avoids = false;
        return;
    }
    wire_replica replica = watch->chain.members[place].replica;
    if (watch->avoids && watch->avoided == replica)
        return;
    watch->avoids = true;
    watch->avoided = replica;
    watch->avoided_since = now;
    self->counters.members_avoided++;
}

/* A member that joined says that it holds everything. */
static bool confirm(const struct oracle *self, uint32_t partition, wire_time now,
                    struct wire_chain_call *call)
{
    const struct chain_watch *watch = &self->watches[partition];
    for (int i = 0; i < watch->chain.count; i++) {
        const struct wire_chain_member *member = &watch->chain.members[i];
        if (member->whole || !holds_everything(watch, member, now))
            continue;
        *call = (struct wire_chain_call){.op = WIRE_CHAIN_WHOLE,
                                         .partition = partition,
                                         .epoch = watch->chain.epoch,
                                         .replica = member->replica};
        return true;
    }
    return false;
}

/* One that returned, is nearly there and reaches everybody becomes the tail; one at a time. */
static bool join(const struct oracle *self, uint32_t partition, wire_time now,
                 struct wire_chain_call *call)
{
    const struct chain_watch *watch = &self->watches[partition];
    uint64_t members = 0;
    for (int i = 0; i < watch->chain.count; i++) {
        members |= (uint64_t)1 << watch->chain.members[i].replica;
        if (!watch->chain.members[i].whole)
            return false;
    }
    for (wire_replica i = 0; i < self->server_rf; i++) {
        const struct seen *seen = &watch->seen[i];
        if (wire_chain_place(&watch->chain, i) >= 0 || !is_fresh(seen, now) ||
            !seen->known || (seen->flags & WIRE_PULSE_READY) == 0 ||
            (seen->reached & members) != members)
            continue;
        *call = change_of(partition, &watch->chain, 0, (uint64_t)1 << i);
        return true;
    }
    return false;
}

static bool decide(struct oracle *self, wire_time now, struct wire_chain_call *call)
{
    for (uint32_t p = 0; p < self->partitions; p++) {
        avoid(self, &self->watches[p], now);
        bool found = self->watches[p].chain.epoch == 0
                         ? form(self, p, now, call)
                         : cut(self, p, now, call) || confirm(self, p, now, call) ||
                               join(self, p, now, call) || renew(self, p, now, call);
        if (found)
            return true;
    }
    return false;
}

static void oracle_wish(void *role, wire_time now, struct wire_writer *command)
{
    struct oracle *self = role;
    assert(!self->under_way);
    if (!self->leading || now < self->next_check)
        return;
    struct wire_chain_call call = {.op = WIRE_CHAIN_TAKE};
    if (self->taken && !decide(self, now, &call)) {
        self->next_check = now + ORACLE_CHECK;
        return;
    }
    call.term = self->term;
    self->call = call;
    self->under_way = true;
    wire_chain_call_encode(&call, command);
}

/* --- outcomes ------------------------------------------------------------------------------------- */

static unsigned count_bits(uint64_t bits)
{
    return (unsigned)__builtin_popcountll(bits);
}

static void count_done(struct oracle *self, const struct wire_chain_answer *answer)
{
    struct oracle_counters *counters = &self->counters;
    const struct chain_watch *watch = &self->watches[self->call.partition];
    if (self->call.op == WIRE_CHAIN_WHOLE) {
        counters->members_whole++;
    } else if (answer->chain.epoch == 1) {
        counters->chains_formed++;
    } else {
        counters->members_cut += count_bits(self->call.drop);
        for (int i = 0; i < watch->chain.count; i++)
            counters->members_left += (self->call.drop >> watch->chain.members[i].replica & 1) != 0 &&
                                      leaves(watch, &watch->chain.members[i]);
        counters->members_joined += count_bits(self->call.add);
    }
}

static void oracle_done(void *role, wire_time now, enum wire_status status, struct span bytes)
{
    struct oracle *self = role;
    struct wire_chain_answer answer;
    assert(self->under_way);
    self->under_way = false;
    self->next_check = now;
    if (!self->leading)
        return;
    bool sound = status == WIRE_STATUS_OK && wire_chain_answer_decode(bytes, &answer) == WIRE_OK;
    if (!sound || answer.term != self->term) {
        begin_term(self, now); /* in doubt, or another manager has taken over since */
        self->next_check = now + ORACLE_CHECK;
    } else if (self->call.op == WIRE_CHAIN_TAKE) {
        self->taken = answer.verdict == WIRE_CHAIN_OK;
        self->taken_at = now;
        self->counters.terms += self->taken;
        self->next_check = now + ORACLE_CHECK;
    } else {
        if (answer.verdict == WIRE_CHAIN_OK)
            count_done(self, &answer);
        else
            self->next_check = now + ORACLE_CHECK;
        self->watches[self->call.partition].chain = answer.chain;
    }
}

/* --- the overseer --------------------------------------------------------------------------------- */

static wire_time oracle_deadline(const void *role)
{
    const struct oracle *self = role;
    return self->leading && !self->under_way ? self->next_check : WIRE_NEVER;
}

static void oracle_figures(const void *role, struct wire_writer *out)
{
    const struct oracle *self = role;
    wire_figure_number(out, "oracle.taken", self->taken);
#define X(name) wire_figure_number(out, "oracle." #name, self->counters.name);
    ORACLE_COUNTERS(X)
#undef X
}

static void oracle_destroy(void *role)
{
    struct oracle *self = role;
    free(self->watches);
    free(self);
}

static const struct smr_overseer_ops oracle_ops = {
    .lead = oracle_lead,
    .asked = oracle_asked,
    .answered = oracle_answered,
    .wish = oracle_wish,
    .done = oracle_done,
    .deadline = oracle_deadline,
    .figures = oracle_figures,
    .destroy = oracle_destroy,
};

struct smr_overseer oracle_new(uint32_t partitions, uint8_t server_rf, uint64_t seed)
{
    struct oracle *self = wire_calloc(1, sizeof *self);
    self->random.state = seed;
    self->partitions = partitions;
    self->server_rf = server_rf;
    self->watches = wire_calloc(partitions, sizeof *self->watches);
    return (struct smr_overseer){.ops = &oracle_ops, .self = self};
}

const struct oracle_counters *oracle_counters(struct smr_overseer oracle)
{
    assert(oracle.ops == &oracle_ops);
    return &((struct oracle *)oracle.self)->counters;
}
