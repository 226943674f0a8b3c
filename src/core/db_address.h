/* Where a database may be: the addresses of the hosts in its URL. */
#ifndef SRC_CORE_DB_ADDRESS_H
#define SRC_CORE_DB_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define ADDRESSES_MOST 16

/* One place to try. An empty text is none. */
struct address {
	char host[256];  /* as the URL has it: a name, an address, a folder */
	char number[64]; /* what the name stands for; libpq's hostaddr */
	char port[16];
};

/* The places of url in the order in which they are to be tried, *n of them.
 * Names are looked up by deadline_ms (clock_mono_ms()): resolvers themselves
 * know no such thing. Where the URL leaves it to libpq, one without a text.
 * ERR_DB: no name could be resolved in time. */
enum err address_list(const char *url, int64_t deadline_ms,
    struct address list[ADDRESSES_MOST], size_t *n) MUST_CHECK;

#endif
