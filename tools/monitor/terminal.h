/* A real terminal, through ncurses: grids go out, keys come in. One terminal per process; one
 * thread. Nothing reaches it but the printable characters of a grid. */
#ifndef MADKV_MONITOR_TERMINAL_H
#define MADKV_MONITOR_TERMINAL_H

#include "tools/monitor/grid.h"

#define TERMINAL_NO_KEY (-1)

/* Whether stdin and stdout are a terminal that can be drawn on at all; says nothing. */
bool terminal_is_fit(void);
/* Whether TERM is known (terminal_known.c). */
bool terminal_is_known(void);
/* Takes the terminal over. False: TERM is not known; nothing has changed. */
bool terminal_open(void);
/* Gives it back as it was. */
void terminal_close(void);
/* How large it is now, and whether it shows block characters. */
void terminal_size(int *rows, int *columns, bool *unicode);
void terminal_show(const struct grid *grid);
/* The next key that was pressed, as screen.h names it, or TERMINAL_NO_KEY; never waits. */
int terminal_key(void);

#endif
