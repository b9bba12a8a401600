#include "tools/monitor/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

char *words_count(char text[WORDS_BYTES], int width, struct picture_number number)
{
    const char *unit = " kMGTPE"; /* the unit of whole ones is left out */
    uint64_t value = number.value;
    int size = snprintf(text, WORDS_BYTES, "%" PRIu64, value);
    while (size > width) {
        value /= 1000;
        size = snprintf(text, WORDS_BYTES, "%" PRIu64 "%c", value, *++unit);
    }
    if (!number.known)
        snprintf(text, WORDS_BYTES, "-");
    return text;
}

static char *scaled(char text[WORDS_BYTES], struct picture_number number,
                    const char *const units[7])
{
    double value = (double)number.value;
    int unit = 0;
    for (; value >= 999.5 && unit < 6; unit++)
        value /= 1000;
    if (number.known)
        snprintf(text, WORDS_BYTES, "%.*f %s", unit > 0 && value < 9.95 ? 1 : 0, value,
                 units[unit]);
    else
        snprintf(text, WORDS_BYTES, "-");
    return text;
}

char *words_bytes(char text[WORDS_BYTES], struct picture_number bytes)
{
    static const char *const units[7] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    return scaled(text, bytes, units);
}

char *words_us(char text[WORDS_BYTES], struct picture_number us)
{
    static const char *const units[7] = {"us", "ms", "s", "ks", "Ms", "Gs", "Ts"};
    return scaled(text, us, units);
}

char *words_age(char text[WORDS_BYTES], uint64_t ms)
{
    uint64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;
    if (seconds < 60)
        snprintf(text, WORDS_BYTES, "%" PRIu64 "s", seconds);
    else if (minutes < 60)
        snprintf(text, WORDS_BYTES, "%" PRIu64 "m%02us", minutes, (unsigned)(seconds % 60));
    else if (hours < 24)
        snprintf(text, WORDS_BYTES, "%" PRIu64 "h%02um", hours, (unsigned)(minutes % 60));
    else
        snprintf(text, WORDS_BYTES, "%" PRIu64 "d%uh", hours / 24, (unsigned)(hours % 24));
    return text;
}

char *words_rate(char text[WORDS_BYTES], double per_second)
{
    const char *unit = "\0kMGTPE";
    while (per_second >= 9999.5 && unit[1] != '\0') {
        per_second /= 1000;
        unit++;
    }
    int digits = per_second > 0 && per_second < 9.95 ? 1 : 0;
    if (unit[0] == '\0')
        snprintf(text, WORDS_BYTES, "%.*f", digits, per_second);
    else
        snprintf(text, WORDS_BYTES, "%.*f%c", digits, per_second, unit[0]);
    return text;
}

char *words_safe(char *text, size_t room, struct span bytes)
{
    size_t size = bytes.size < room - 1 ? bytes.size : room - 1;
    for (size_t i = 0; i < size; i++)
        text[i] = bytes.data[i] >= ' ' && bytes.data[i] <= '~' ? (char)bytes.data[i] : '?';
    text[size] = '\0';
    return text;
}

char *words_address(char text[WORDS_BYTES], int width, const char *address)
{
    enum { TAIL = 8 };
    char safe[WIRE_ADDRESS_TEXT_MAX];
    words_safe(safe, sizeof safe, span_text(address));
    size_t size = strlen(safe), room = (size_t)width;
    if (size <= room)
        snprintf(text, WORDS_BYTES, "%.*s", WORDS_BYTES - 1, size == 0 ? "-" : safe);
    else
        snprintf(text, WORDS_BYTES, "%.*s..%.*s", (int)(room - TAIL - 2), safe, TAIL,
                 safe + size - TAIL);
    return text;
}
