#include "wire/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_BYTES =
        1024, /* a longer line is cut; below PIPE_BUF, so that lines of threads never mix */
    NAME_BYTES = 64,
};

#define CLEAR_LINE "\r\033[K" /* of a terminal: what was said fleetingly goes */

static char speaker[NAME_BYTES] = "madkv";
static atomic_bool fleeting_shown; /* the terminal's last line is to be cleared */

/* One line stays one line, and no byte of it talks to the terminal. */
static void hide_controls(char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < ' ' || c == 0x7f)
            text[i] = '?';
    }
}

/* Bytes that snprintf left in a room of `room`, without the NUL. */
static size_t fitted(int printed, size_t room)
{
    if (printed < 0)
        return 0;
    return (size_t)printed < room ? (size_t)printed : room - 1;
}

static void say_ending(char end, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* end: of line, or NUL for none. */
static void say_ending(char end, const char *format, va_list arguments)
{
    char line[LINE_BYTES];
    int kept = errno;
    size_t room = sizeof line - 1; /* for the end of line */
    size_t begin = 0;
    if (atomic_exchange(&fleeting_shown, end == '\0'))
        begin = fitted(snprintf(line, room, CLEAR_LINE), room);
    size_t size = begin + fitted(snprintf(line + begin, room - begin, "%s: ", speaker), room - begin);
    errno = kept; /* for %m */
    size += fitted(vsnprintf(line + size, room - size, format, arguments), room - size);
    hide_controls(line + begin, size - begin);
    if (end != '\0')
        line[size++] = end;
    /* A closed stderr is no reason to stop serving: what cannot be said is not. */
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written;
    errno = kept;
}

static void say_line(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static void say_line(const char *format, va_list arguments)
{
    say_ending('\n', format, arguments);
}

void wire_say_fleeting(const char *format, ...)
{
    if (!isatty(STDERR_FILENO))
        return;
    va_list arguments;
    va_start(arguments, format);
    say_ending('\0', format, arguments);
    va_end(arguments);
}

struct buf *wire_say_format(const char *format, va_list arguments)
{
    char text[LINE_BYTES];
    return buf_copy(span_of(text, fitted(vsnprintf(text, sizeof text, format, arguments), LINE_BYTES)));
}

void wire_say_as(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(speaker, sizeof speaker, format, arguments);
    va_end(arguments);
}

void wire_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line(format, arguments);
    va_end(arguments);
}

void wire_say_gated(struct wire_say_gate *gate, wire_time now, const char *format, ...)
{
    if (gate->last != 0 && now - gate->last < WIRE_SECOND) {
        gate->held++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    if (gate->held == 0) {
        say_line(format, arguments);
    } else {
        char text[LINE_BYTES];
        vsnprintf(text, sizeof text, format, arguments);
        wire_say("%s (and %" PRIu64 " like it before)", text, gate->held);
    }
    va_end(arguments);
    gate->held = 0;
    gate->last = now == 0 ? 1 : now; /* 0 means that none ever passed */
}

void wire_say_die(int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say_line(format, arguments);
    va_end(arguments);
    _exit(status);
}

bool wire_print(struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes.data, bytes.size);
        if (written > 0)
            bytes = span_of(bytes.data + written, bytes.size - (size_t)written);
        else if (errno != EINTR)
            return false;
    }
    return true;
}
