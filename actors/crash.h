/* Named places where a process dies on purpose, for tests of real processes:
 *
 *     MADKV_CRASH_AT=commit.after:3    SIGKILL when that place is reached for the third time
 *
 * --help of the programs lists the names.
 *
 * They are in every build and off unless the variable is set: what is tested is the very program
 * that is shipped, and a place that is off costs one comparison. A process that is to die says so
 * when it starts. Nothing is flushed, closed or handed over; the page cache stays, so what a power
 * loss would take away is the shim's matter (tests/shim).
 *
 * Thread: any, after crash_arm. */
#ifndef MADKV_ACTORS_CRASH_H
#define MADKV_ACTORS_CRASH_H

#define CRASH_POINTS(X)                                                                            \
    X(START_BEFORE, "start.before",                                                                \
      "this start of the process is about to be counted in its directory")                         \
    X(START_AFTER, "start.after", "it was")                                                        \
    X(IDENTITY_BEFORE, "identity.before",                                                          \
      "the directory is about to learn whose it is, or its birth")                                 \
    X(IDENTITY_AFTER, "identity.after", "it has")                                                  \
    X(COMMIT_BEFORE, "commit.before", "records of the log are about to become durable")            \
    X(COMMIT_AFTER, "commit.after", "they are; what they allow to be said is not said yet")        \
    X(SEND_BEFORE, "send.before", "a message is about to leave for another replica or a client")   \
    X(SEND_AFTER, "send.after", "it was handed to the transport")                                  \
    X(APPLY_BEFORE, "apply.before", "a chosen batch is about to be applied")                       \
    X(APPLY_AFTER, "apply.after", "it was; its answers have not left yet")                         \
    X(CHECKPOINT_BEFORE, "checkpoint.before", "a checkpoint is about to become durable")           \
    X(CHECKPOINT_AFTER, "checkpoint.after", "it is; nobody knows of it yet")                       \
    X(STAGE_BEFORE, "stage.before", "a part of a snapshot is about to become durable")             \
    X(STAGE_AFTER, "stage.after", "it is")                                                         \
    X(INSTALL_BEFORE, "install.before", "a whole snapshot is about to become the state")           \
    X(INSTALL_AFTER, "install.after", "it is; what was the state lies about still")                \
    X(CUT_BEFORE, "cut.before", "slots are about to be cut from the log")                          \
    X(CUT_AFTER, "cut.after", "they were")

enum crash_point {
#define X(NAME, name, text) CRASH_##NAME,
    CRASH_POINTS(X)
#undef X
        CRASH_POINT_COUNT
};

/* The names, for --help. */
#define CRASH_HELP_LINE(NAME, name, text) "\n  " name ": " text
#define CRASH_HELP                                                                                 \
    "for tests: MADKV_CRASH_AT=PLACE[:N] in the environment ends the process by SIGKILL when it\n" \
    "reaches PLACE for the Nth time" CRASH_POINTS(CRASH_HELP_LINE)

/* Reads MADKV_CRASH_AT. Once, in main, before there are threads; a value that names no place ends
 * the process with one line and WIRE_EXIT_USAGE. */
void crash_arm(void);

/* This place is reached. */
void crash_at(enum crash_point point);

#endif
