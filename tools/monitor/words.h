/* Numbers as short texts for people: at most three or four digits and a unit, nothing that depends
 * on a locale. What is not known is "-". Pure. */
#ifndef MADKV_MONITOR_WORDS_H
#define MADKV_MONITOR_WORDS_H

#include "tools/monitor/picture.h"

#define WORDS_BYTES 32 /* room for any of these texts */

/* All digits if they fit the width, else thousands, millions and so on, cut off: "18446744T". */
char *words_count(char text[WORDS_BYTES], int width, struct picture_number number);
/* "0 B", "1.2 MB". */
char *words_bytes(char text[WORDS_BYTES], struct picture_number bytes);
/* "850 us", "12 ms". */
char *words_us(char text[WORDS_BYTES], struct picture_number us);
/* How long something has been so: "12s", "3m05s", "4h07m", "12d3h". */
char *words_age(char text[WORDS_BYTES], uint64_t ms);
/* "0", "0.4", "12", "9.9k", "120k". */
char *words_rate(char text[WORDS_BYTES], double per_second);
/* A host:port of at most `width` characters: a long host is cut in its middle, since its name
 * stands in front and the port behind. "-" for none. Safe to show. */
char *words_address(char text[WORDS_BYTES], int width, const char *address);
/* Copies what a terminal may be shown: any byte that is not printable ASCII becomes a '?'; what
 * does not fit is cut. */
char *words_safe(char *text, size_t room, struct span bytes);

#endif
