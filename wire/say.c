#include "wire/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_BYTES =
        1024, /* a longer line is cut; below PIPE_BUF, so that lines of threads never mix */
    NAME_BYTES = 64,
};

static char speaker[NAME_BYTES] = "madkv";

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

static void say_line(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

static void say_line(const char *format, va_list arguments)
{
    char line[LINE_BYTES];
    int kept = errno;
    size_t room = sizeof line - 1; /* for the end of line */
    size_t size = fitted(snprintf(line, room, "%s: ", speaker), room);
    errno = kept; /* for %m */
    size += fitted(vsnprintf(line + size, room - size, format, arguments), room - size);
    hide_controls(line, size);
    line[size++] = '\n';
    /* A closed stderr is no reason to stop serving: what cannot be said is not. */
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written;
    errno = kept;
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
