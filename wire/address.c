#include "wire/address.h"

#include <arpa/inet.h>
#include <string.h>
#include "wire/span.h"

static const char WANTED[] = "host:port, host an IPv4 address, a name or [IPv6]";
static const char WANTED_PORT[] = "host:port with a port from 1 to 65535";
static const char WANTED_SHORTER[] = "host:port of at most 71 bytes";
static const char WANTED_FEWER[] = "fewer addresses";

static_assert(WIRE_ADDRESS_TEXT_MAX == 72, "WANTED_SHORTER says so");

/* One spelling per port, so that equal addresses are equal texts: no sign, no leading zero. 0:
 * none. */
static uint16_t port_of(const char *text)
{
    uint32_t port = 0;
    if (*text < '1' || *text > '9')
        return 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        port = port * 10 + (uint32_t)(*text - '0');
        if (port > UINT16_MAX)
            return 0;
    }
    return (uint16_t)port;
}

static bool is_ipv6(const char *host)
{
    size_t size = strlen(host);
    if (size < 3 || host[0] != '[' || host[size - 1] != ']')
        return false;
    char inner[WIRE_ADDRESS_TEXT_MAX];
    memcpy(inner, host + 1, size - 2);
    inner[size - 2] = '\0';
    struct in6_addr ignored;
    return inet_pton(AF_INET6, inner, &ignored) == 1;
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

/* Labels of letters, digits, - and _ with single dots between; none begins or ends with a hyphen.
 */
static bool is_name(const char *host)
{
    char before = '.';
    for (; *host != '\0'; before = *host++) {
        bool edge = before == '.';
        if (*host == '.' ? edge || before == '-' : !is_name_byte(*host) || (edge && *host == '-'))
            return false;
    }
    return before != '.' && before != '-';
}

static bool is_host(const char *host)
{
    if (host[0] == '[')
        return is_ipv6(host);
    /* What looks like an IPv4 address has to be one: the resolver would take 1.2.3 for 1.2.0.3. */
    struct in_addr ignored;
    if (strspn(host, "0123456789.") == strlen(host))
        return inet_pton(AF_INET, host, &ignored) == 1;
    return is_name(host);
}

/* NULL: it is an address, else what is expected. */
static const char *problem_of(const char *text, struct wire_address *address)
{
    char host[WIRE_ADDRESS_TEXT_MAX];
    size_t size = strlen(text);
    if (size >= WIRE_ADDRESS_TEXT_MAX)
        return WANTED_SHORTER;
    const char *colon = strrchr(text, ':');
    if (colon == NULL)
        return WANTED;
    size_t host_size = (size_t)(colon - text);
    memcpy(host, text, host_size);
    host[host_size] = '\0';
    if (!is_host(host))
        return WANTED;
    uint16_t port = port_of(colon + 1);
    if (port == 0)
        return WANTED_PORT;
    memcpy(address->text, text, size + 1);
    address->port = port;
    return NULL;
}

enum wire_error wire_address_parse(const char *text, struct wire_address *address,
                                   const char **problem)
{
    const char *found = problem_of(text, address);
    if (found == NULL)
        return WIRE_OK;
    *problem = found;
    return WIRE_USAGE;
}

/* Copies the part of a list that begins at text, cut to fit; returns its whole size. */
static size_t copy_part(const char *text, char *part, size_t room)
{
    size_t size = strcspn(text, ",");
    size_t kept = size < room ? size : room - 1;
    memcpy(part, text, kept);
    part[kept] = '\0';
    return size;
}

enum wire_error wire_address_list_parse(const char *text, struct wire_address *addresses,
                                        size_t max, size_t *count, const char **problem,
                                        char *bad_part)
{
    size_t found = 0;
    if (strcmp(text, "none") == 0) {
        *count = 0;
        return WIRE_OK;
    }
    for (;; text++) {
        char part[WIRE_ADDRESS_TEXT_MAX + 1]; /* one more, so that too long is seen as that */
        size_t size = copy_part(text, part, sizeof part);
        const char *wrong = found == max ? WANTED_FEWER : problem_of(part, &addresses[found]);
        if (wrong != NULL) {
            *problem = wrong;
            copy_part(part, bad_part, WIRE_ADDRESS_TEXT_MAX);
            return WIRE_USAGE;
        }
        found++;
        text += size;
        if (*text == '\0')
            break;
    }
    *count = found;
    return WIRE_OK;
}
