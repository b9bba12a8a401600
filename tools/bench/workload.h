/* What a YCSB core workload asks for: the mix of operations, how records are chosen, the sizes.
 * Read from YCSB's own property files; A to F are those that come with YCSB, W (updates only) is
 * ours.
 *
 * Known properties, with YCSB's defaults: recordcount (1000; YCSB has none), operationcount (1000),
 * readproportion (0.95), updateproportion (0.05), insertproportion, scanproportion,
 * readmodifywriteproportion (0), requestdistribution (uniform; zipfian, latest), minscanlength (1),
 * maxscanlength (1000), scanlengthdistribution (uniform; zipfian), fieldcount (10), fieldlength
 * (100), writeallfields (false), insertorder (hashed; ordered), zeropadding (1). `workload` must be
 * YCSB's CoreWorkload, and what would change the work and is not done here (insertstart,
 * insertcount, fields of varying length, further distributions) is refused; all others are ignored.
 */
#ifndef MADKV_TOOLS_BENCH_WORKLOAD_H
#define MADKV_TOOLS_BENCH_WORKLOAD_H

#include "tools/bench/property.h"
#include "wire/error.h"

#define YCSB_RECORDS_MAX UINT64_C(100000000) /* records of a workload; more is refused */
#define YCSB_SCAN_MAX 100000                 /* records of a scan; more is refused */
#define YCSB_PADDING_MAX 40                  /* digits a key is padded to; more is refused */
#define YCSB_KEY_BYTES 48                    /* room for a key with its NUL */

/* The operations, in the order in which YCSB's chooser counts up their shares. */
#define YCSB_KINDS(X)                                                                              \
    X(READ, "READ")                                                                                \
    X(UPDATE, "UPDATE")                                                                            \
    X(INSERT, "INSERT")                                                                            \
    X(SCAN, "SCAN")                                                                                \
    X(READ_MODIFY_WRITE, "READ-MODIFY-WRITE")

enum ycsb_kind {
#define X(name, text) YCSB_##name,
    YCSB_KINDS(X)
#undef X
        YCSB_KIND_COUNT
};

/* As YCSB writes it. */
const char *ycsb_kind_text(enum ycsb_kind kind);

enum ycsb_distribution {
    YCSB_UNIFORM, /* each record alike */
    YCSB_ZIPFIAN, /* a few hot ones, scattered */
    YCSB_LATEST,  /* the newer the hotter */
};

struct ycsb_workload {
    double shares[YCSB_KIND_COUNT]; /* of each operation; at least 0, the sum above 0, any sum */
    enum ycsb_distribution request; /* how records are chosen */
    enum ycsb_distribution scan_length; /* UNIFORM or ZIPFIAN (shorter is likelier) */
    uint64_t record_count;              /* records before the run, 1 to YCSB_RECORDS_MAX */
    uint64_t operation_count;           /* how long a run is expected to be */
    uint64_t scan_min, scan_max;        /* records of a scan, 1 to YCSB_SCAN_MAX */
    uint64_t field_count, field_bytes;  /* shape of a record; their product fits a value */
    bool write_all_fields;              /* an update writes the record, else one field */
    bool ordered;                       /* keys hold the record's number, else its hash */
    uint64_t zero_padding;              /* digits that a key has at least */
};

/* What is wrong, in words. */
struct ycsb_problem {
    char text[256]; /* one line without its end */
};

/* One letter, a to f or w, either case: a built-in one. WIRE_OK or WIRE_NOT_FOUND. */
enum wire_error ycsb_workload_builtin(const char *letter, struct ycsb_workload *workload);
/* WIRE_OK, or WIRE_USAGE and the problem names the property, what it is and what is expected. */
enum wire_error ycsb_workload_of(const struct ycsb_properties *properties,
                                 struct ycsb_workload *workload, struct ycsb_problem *problem);
/* A letter, or the path of a property file. WIRE_OK, or WIRE_USAGE with the problem. */
enum wire_error ycsb_workload_find(const char *name, struct ycsb_workload *workload,
                                   struct ycsb_problem *problem);

/* The key of a record. Its size. */
size_t ycsb_workload_key(const struct ycsb_workload *workload, uint64_t record,
                         char key[YCSB_KEY_BYTES]);

/* Bytes of a whole record, and of what an update writes. */
static inline size_t ycsb_workload_record_bytes(const struct ycsb_workload *workload)
{
    return workload->field_count * workload->field_bytes;
}
static inline size_t ycsb_workload_update_bytes(const struct ycsb_workload *workload)
{
    return workload->write_all_fields ? ycsb_workload_record_bytes(workload)
                                      : workload->field_bytes;
}

#endif
