/* What madkv-inspect finds out about a directory: a record filled by look.c, log.c and state.c,
 * printed by text.c and json.c. One thread. */
#ifndef MADKV_INSPECT_REPORT_H
#define MADKV_INSPECT_REPORT_H

#include <lmdb.h>
#include <stdio.h>

#include "wire/record.h"

#define INSPECT_TEXT_BYTES 320
#define INSPECT_DAMAGE_MAX 100 /* more damage is counted, not described */

/* Something that is not as it was written. */
struct inspect_damage {
    const char *file;              /* data.mdb or state/data.mdb */
    wire_slot slot;                /* of a log record; 0: it is no log record */
    char what[INSPECT_TEXT_BYTES]; /* what is wrong */
    const char *advice;            /* what to do */
};

/* An LMDB environment. */
struct inspect_file {
    bool there;          /* it is there */
    bool whole;          /* all of it could be walked through */
    uint64_t bytes;      /* size of data.mdb */
    uint64_t live_bytes; /* of pages that are in use */
};

struct inspect_report {
    const char *path; /* the directory, as given */

    bool has_identity;                 /* identity is read */
    struct wire_identity identity;     /* whose directory */
    struct wire_writer topology;       /* managers: in words; else empty */
    bool has_hard_state;               /* hard_state is read, or none was ever written */
    struct wire_hard_state hard_state; /* what was promised */

    wire_slot log_first;    /* lowest slot with a record; 0: none */
    wire_slot log_last;     /* highest */
    uint64_t log_count;     /* records */
    uint64_t log_bytes;     /* of them */
    uint64_t learned_count; /* of them, learned from a peer */
    uint64_t log_damaged;   /* of them, damaged or of another slot */

    bool has_checkpoint;    /* the next ones are read */
    wire_slot applied;      /* the checkpoint is of the state after that slot */
    uint64_t log_time_ms;   /* at it */
    int64_t written;        /* when its file was last written, seconds since 1970 */
    uint64_t session_count; /* open sessions */
    uint64_t session_bytes; /* of their answers */
    uint64_t pair_count;    /* keys with a value */
    uint64_t pair_bytes;    /* of keys and values */

    struct inspect_file log;   /* data.mdb */
    struct inspect_file state; /* state/data.mdb */

    struct inspect_damage damage[INSPECT_DAMAGE_MAX]; /* the first ones */
    uint64_t damage_count;                            /* all of them */
};

/* --- look.c ----------------------------------------------------------------------------------- */

/* Fills the report of a directory. WIRE_OK: damage_count says how well it is. WIRE_IN_USE,
 * WIRE_IDENTITY (not a MadKV directory, or another format) and WIRE_FAILED: `problem` says why, and
 * nothing is filled. Changes no byte of the directory. */
enum wire_error inspect_look(struct inspect_report *report, char problem[INSPECT_TEXT_BYTES]);
void inspect_report_free(struct inspect_report *report);

/* Adds a damage. */
void inspect_note(struct inspect_report *report, const struct inspect_damage *damage);

/* An open environment. */
struct inspect_tables {
    MDB_env *env;              /* read only */
    MDB_txn *txn;              /* the one read transaction */
    const char *file;          /* its name, for damage */
    struct inspect_file *size; /* where its sizes go */
};

/* Calls visit for each pair of a table, in order; false: there is no such table. A table that
 * cannot be walked through is noted as damage. */
typedef void inspect_visit(struct inspect_report *report, struct span key, struct span value);
bool inspect_walk(struct inspect_report *report, const struct inspect_tables *tables,
                  const char *table, inspect_visit *visit);
/* One value of a table; false: there is none, or it cannot be read, which is noted. */
bool inspect_get(struct inspect_report *report, const struct inspect_tables *tables,
                 const char *table, const char *key, struct span *value);

/* --- log.c, state.c --------------------------------------------------------------------------- */

void inspect_log(struct inspect_report *report, const struct inspect_tables *tables);
void inspect_state(struct inspect_report *report, const struct inspect_tables *tables);
/* What only both together tell. */
void inspect_compare(struct inspect_report *report);

/* --- text.c, json.c --------------------------------------------------------------------------- */

void inspect_write_text(const struct inspect_report *report, FILE *out);
void inspect_write_json(const struct inspect_report *report, struct wire_writer *out);

#endif
