/* One run: poll one connection and mark what it shows. */
#ifndef POLLER_RUN_H
#define POLLER_RUN_H

#include "core/delivery/inbound.h"

struct poller {
	const struct config *config;
	struct store store;
	struct courier courier;
	struct inbound inbound;
};

/* Fetch the list and, unless it says nothing new, compare, confirm and mark. A
 * provider's failure is stored with the connection and is OK here, as it
 * concerns no other. An error is internal (ERR_DB and the like): nothing was
 * marked, and the lease will end. */
enum err run_poll(const struct poller *poller, struct run *run) MUST_CHECK;

/* The same for a run from run_look(), without writing anything: print what
 * would be marked, and why. */
enum err run_preview(const struct poller *poller, struct run *run) MUST_CHECK;

#endif
