/* Does terminfo know this terminal? Asked before ncurses takes it over: newterm gives nothing back of what
 * it took for one it does not know. In a file of its own, since <term.h> makes macros of common words. */
#include "tools/monitor/terminal.h"

#include <unistd.h>
#include <curses.h>
#include <term.h>

bool terminal_is_known(void)
{
    int problem;
    if (setupterm(NULL, STDOUT_FILENO, &problem) != OK)
        return false;
    del_curterm(cur_term);
    return true;
}
