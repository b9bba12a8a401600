#include "tools/monitor/terminal.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/monitor/screen.h"

static SCREEN *terminal; /* NULL: not taken over */
static bool coloured;    /* colours are wanted and there */

bool terminal_is_fit(void)
{
    const char *term = getenv("TERM");
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term != NULL && term[0] != '\0' &&
           strcmp(term, "dumb") != 0;
}

/* https://no-color.org: present and not empty. */
static bool colour_is_wanted(void)
{
    const char *no_color = getenv("NO_COLOR");
    return no_color == NULL || no_color[0] == '\0';
}

static void begin_colours(void)
{
    coloured = colour_is_wanted() && has_colors();
    if (!coloured)
        return;
    start_color();
    use_default_colors();
    init_pair(GRID_GOOD, COLOR_GREEN, -1);
    init_pair(GRID_WARN, COLOR_YELLOW, -1);
    init_pair(GRID_BAD, COLOR_RED, -1);
}

bool terminal_open(void)
{
    setlocale(LC_CTYPE, ""); /* only characters: numbers keep their point */
    if (!terminal_is_known())
        return false;
    terminal = newterm(NULL, stdout, stdin);
    if (terminal == NULL)
        return false;
    begin_colours();
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(50);
    curs_set(0);
    return true;
}

void terminal_close(void)
{
    if (terminal == NULL)
        return;
    endwin();
    delscreen(terminal);
    terminal = NULL;
}

void terminal_size(int *rows, int *columns, bool *unicode)
{
    getmaxyx(stdscr, *rows, *columns);
    *unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void set_mood(enum grid_mood mood)
{
    attr_t attributes = mood == GRID_BAD      ? A_BOLD
                        : mood == GRID_FAINT  ? A_DIM
                        : mood == GRID_CHOSEN ? A_REVERSE
                                              : A_NORMAL;
    bool pair = coloured && (mood == GRID_GOOD || mood == GRID_WARN || mood == GRID_BAD);
    attrset(attributes | (pair ? COLOR_PAIR(mood) : 0));
}

void terminal_show(const struct grid *grid)
{
    erase();
    for (int row = 0; row < grid->rows; row++) {
        move(row, 0);
        for (int column = 0; column < grid->columns; column++) {
            const struct grid_cell *cell = &grid->cells[row * grid->columns + column];
            char text[5];
            set_mood((enum grid_mood)cell->mood);
            addstr(grid_utf8(cell->code, text));
        }
    }
    refresh();
}

int terminal_key(void)
{
    int key = getch();
    switch (key) {
    case ERR:
        return TERMINAL_NO_KEY;
    case KEY_UP:
        return SCREEN_KEY_UP;
    case KEY_DOWN:
        return SCREEN_KEY_DOWN;
    case KEY_PPAGE:
        return SCREEN_KEY_PAGE_UP;
    case KEY_NPAGE:
        return SCREEN_KEY_PAGE_DOWN;
    case KEY_HOME:
        return SCREEN_KEY_HOME;
    case KEY_END:
        return SCREEN_KEY_END;
    case KEY_LEFT:
        return SCREEN_KEY_LEFT;
    case KEY_RIGHT:
        return SCREEN_KEY_RIGHT;
    case KEY_ENTER:
    case '\n':
    case '\r':
        return SCREEN_KEY_ENTER;
    case '\033':
        return SCREEN_KEY_ESCAPE;
    case KEY_BACKSPACE:
    case '\b':
    case 0x7f:
        return SCREEN_KEY_BACKSPACE;
    default:
        return key;
    }
}
