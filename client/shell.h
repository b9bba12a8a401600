/* The program on a terminal: lines with editing, history and completion, answers for people. One
 * thread. */
#ifndef MADKV_CLIENT_SHELL_H
#define MADKV_CLIENT_SHELL_H

#include "client/madkv.h"

/* For --help. */
#define SHELL_HELP                                                                                 \
    "on a terminal: a prompt with the cluster's state, editing, history and completion (Tab);\n"   \
    "  `help` lists what it knows. History: $XDG_STATE_HOME/madkv/history, for the user only.\n"

/* Reads and makes calls until exit, STOP or the end of the input; returns the exit status. The
 * service is opened with the options, of which `watch` is the shell's own, so that Ctrl-C ends a
 * call that waits. */
int shell_run(const struct madkv_options *options);

#endif
