/* Which connection is polled next. Each claim takes as many connections as
 * there are free runners. So a thousand connections take a few dozen
 * statements, and no lease runs while its connection waits for a runner. Of one
 * provider no more connections are polled at once than its limit.
 *
 * While a slow run keeps the pass from ending, connections that come due
 * meanwhile are polled as well: the timer starts no other pass before this one
 * has ended. */
#ifndef POLLER_CLAIMS_H
#define POLLER_CLAIMS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "run.h"

#define CLAIMS_TYPES_MAX 8

/* The claimed connections of one provider. */
struct claim_queue {
	const char *type;
	struct run *claimed; /* those from next to count wait for a runner */
	size_t next, count;
	int busy;       /* being polled */
	int64_t dry_ms; /* when nothing more was due; 0: there may be more */
};

struct claims {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct poller *poller;
	int runners; /* threads that take */
	int64_t begin_ms;
	struct claim_queue queues[CLAIMS_TYPES_MAX];
	size_t count;
	const volatile sig_atomic_t *is_stopping; /* set: no more is claimed */
};

void claims_init(struct claims *claims, const struct poller *poller,
    int runners, const volatile sig_atomic_t *is_stopping);
void claims_done(struct claims *claims);

/* The next one, *out, which is given to claims_end() after its run; waits while
 * every provider with work is at its limit, or a run goes on. ERR_NOTFOUND:
 * there is no more, and nobody polls. */
enum err claims_take(struct claims *claims, struct run *out) MUST_CHECK;
void claims_end(struct claims *claims, struct run *run);

/* Would another runner find something to do now, or soon? */
bool claims_left(struct claims *claims);

#endif
