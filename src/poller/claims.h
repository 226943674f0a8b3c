/* Who is polled next: each claim takes as many connections as there are free
 * runners, so that a thousand take some dozens of statements and no lease runs
 * while its run waits; and of one provider no more at once than its limit.
 * While a slow run keeps the pass from ending, whatever comes due meanwhile is
 * polled as well: no timer starts another pass before this one ends. */
#ifndef POLLER_CLAIMS_H
#define POLLER_CLAIMS_H

#include <pthread.h>
#include <stdbool.h>

#include "run.h"

#define CLAIMS_TYPES_MAX 8

/* One provider's. */
struct claim_queue {
	const char *type;
	struct run *claimed; /* from next to count they wait for a runner */
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
	bool is_closed; /* no more is claimed */
};

void claims_init(
    struct claims *claims, const struct poller *poller, int runners);
void claims_done(struct claims *claims);

/* The next one, *out, which is given to claims_end() after its run; waits while
 * every provider with work is at its limit, or a run goes on. ERR_NOTFOUND:
 * there is no more, and nobody polls. */
enum err claims_take(struct claims *claims, struct run *out) MUST_CHECK;
void claims_end(struct claims *claims, struct run *run);

/* Would another runner find something now, or soon? */
bool claims_left(struct claims *claims);

/* Take what is claimed already, and no more. */
void claims_close(struct claims *claims);

#endif
