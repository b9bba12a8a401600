/* Addresses as text: host:port and comma-separated lists of them. */
#ifndef MADKV_WIRE_ADDRESS_H
#define MADKV_WIRE_ADDRESS_H

#include <stddef.h>
#include "wire/error.h"
#include "wire/limits.h"

struct wire_address {
    char text[WIRE_ADDRESS_TEXT_MAX]; /* host:port; host an IPv4 address, a name or [IPv6] */
    uint16_t port;                    /* the number in it, 1 to 65535 */
};

/* WIRE_OK or WIRE_USAGE; then *problem says in a few words what is expected (static text). */
enum wire_error wire_address_parse(const char *text, struct wire_address *address,
                                   const char **problem);

/* Splits at commas; the word `none` (and nothing else) is the empty list. Parses every part. *count
 * is how many; at most `max`. On WIRE_USAGE *problem says what is expected and bad_part (of
 * WIRE_ADDRESS_TEXT_MAX bytes) holds the part in question, cut to fit. */
enum wire_error wire_address_list_parse(const char *text, struct wire_address *addresses,
                                        size_t max, size_t *count, const char **problem,
                                        char *bad_part);

#endif
