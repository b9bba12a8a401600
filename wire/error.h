/* Error codes of the whole project: one enum, one table of strings.
 *
 * Found, not found and failed are three outcomes everywhere: a function that looks something up
 * says WIRE_NOT_FOUND only when the thing is known not to be there, and any other code when it
 * could not tell. */
#ifndef MADKV_WIRE_ERROR_H
#define MADKV_WIRE_ERROR_H

#define WIRE_ERRORS(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(NOT_FOUND, "not found")                                                                      \
    X(MALFORMED, "malformed")                                                                      \
    X(TOO_LARGE, "over a limit")                                                                   \
    X(DAMAGED, "damaged: the checksum does not fit")                                               \
    X(FAILED, "failed")                                                                            \
    X(FULL, "no room left")                                                                        \
    X(IDENTITY, "belongs to somebody else")                                                        \
    X(IN_USE, "in use")                                                                            \
    X(USAGE, "usage")

enum wire_error {
#define X(name, text) WIRE_##name,
    WIRE_ERRORS(X)
#undef X
};

/* Exit statuses of every program; listed in each --help. */
enum wire_exit {
    WIRE_EXIT_OK = 0,       /* did what was asked */
    WIRE_EXIT_FAILED = 1,   /* anything not named below; for the client: a line got ERROR */
    WIRE_EXIT_USAGE = 2,    /* a flag is wrong or missing */
    WIRE_EXIT_IDENTITY = 3, /* backer_path belongs to another node, cluster or a running process */
    WIRE_EXIT_ADDRESS = 4,  /* a listening address is in use or not of this machine */
    WIRE_EXIT_UNHEALTHY = 5, /* madkv-monitor: the service is not healthy */
    WIRE_EXIT_STORAGE = 6,  /* the disk is full, not writable, or failed */
    WIRE_EXIT_TOPOLOGY = 7, /* the flags contradict the founded cluster */
    WIRE_EXIT_ABSENT = 8,   /* madkv-client get: there is no such key */
    WIRE_EXIT_UNKNOWN = 9,  /* madkv-client: a change may or may not have taken effect */
};

/* The text of an error; never NULL. */
const char *wire_error_text(enum wire_error error);

#endif
