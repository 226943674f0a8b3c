/* Claims for many runners: whoever waits while one is under way shares the
 * next, so that a thousand connections take some dozens of statements. Nothing
 * is claimed ahead: there is a runner for each of them, and a lease never runs
 * while its run waits. */
#ifndef POLLER_CLAIMS_H
#define POLLER_CLAIMS_H

#include <pthread.h>
#include <stdatomic.h>

#include "run.h"

struct claims {
	const struct poller *poller;
	const char *connection_id; /* only this one, or NULL */
	pthread_mutex_t lock;
	struct run *list; /* claimed, from `next` on not taken yet */
	size_t next, count;
	atomic_int waiting;
	bool is_dry; /* nothing was due the last time */
};

void claims_init(struct claims *claims, const struct poller *poller,
    const char *connection_id);
void claims_done(struct claims *claims);

/* *found: out is a run, for the caller to run_done(). */
enum err claims_take(
    struct claims *claims, struct run *out, bool *found) MUST_CHECK;

#endif
