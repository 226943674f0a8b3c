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

/* Fetch, and unless that says nothing new: diff, confirm, mark; every failure
 * of the provider is written down and concerns this connection only. ERR_DB and
 * the like: internal, nothing was marked; the lease will end. */
enum err run_poll(const struct poller *poller, struct run *run) MUST_CHECK;

/* The same of a run that was not claimed, but for the marking: print what would
 * be marked and why. */
enum err run_preview(const struct poller *poller, struct run *run) MUST_CHECK;

#endif
