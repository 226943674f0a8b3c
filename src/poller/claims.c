/* Claims are made under one lock: a claim takes a millisecond, a run a
 * hundred. */
#include "claims.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/crash.h"

#define AGAIN_MS 1000  /* between two looks for more, while a run goes on */
#define PASS_MS 300000 /* after that it ends with the runs that go on */

void
claims_init(struct claims *claims, const struct poller *poller, int runners,
    const volatile sig_atomic_t *is_stopping)
{
	memset(claims, 0, sizeof(*claims));
	pthread_mutex_init(&claims->lock, NULL);
	clock_cond_init(&claims->changed);
	claims->begin_ms = clock_mono_ms();
	claims->is_stopping = is_stopping;
	claims->poller = poller;
	claims->runners = runners;
	for (size_t i = 0; i < CLAIMS_TYPES_MAX && provider_at(i); i++) {
		claims->queues[i].type = provider_at(i)->name;
		claims->count++;
	}
}

static void
forget(struct claim_queue *q)
{
	while (q->next < q->count)
		run_done(&q->claimed[q->next++]);
	free(q->claimed);
	q->claimed = NULL;
	q->next = q->count = 0;
}

void
claims_done(struct claims *claims)
{
	for (size_t i = 0; i < claims->count; i++)
		forget(&claims->queues[i]);
	pthread_cond_destroy(&claims->changed);
	pthread_mutex_destroy(&claims->lock);
}

/* How many more runs of q could begin at once. No more are claimed, because a
 * lease should not run while its run waits for a runner. */
static int
room(const struct claims *claims, const struct claim_queue *q)
{
	int limit = claims->poller->config->poll_type_concurrency - q->busy;
	int runners = claims->runners;

	for (size_t i = 0; i < claims->count; i++) {
		const struct claim_queue *o = &claims->queues[i];

		runners -= o->busy + (int)(o->count - o->next);
	}
	if (limit > runners)
		limit = runners;
	return limit;
}

static bool
is_polling(const struct claims *claims)
{
	for (size_t i = 0; i < claims->count; i++)
		if (claims->queues[i].busy)
			return true;
	return false;
}

/* Nothing more is due, or it is too early to look again. */
static bool
is_dry(const struct claims *claims, const struct claim_queue *q)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms > claims->begin_ms + PASS_MS)
		return true;
	return q->dry_ms &&
	       (!is_polling(claims) || now_ms < q->dry_ms + AGAIN_MS);
}

static enum err
refill(struct claims *claims, struct claim_queue *q)
{
	const struct run_wanted wanted = { .type = q->type };
	int limit = room(claims, q);
	enum err err;

	if (limit <= 0 || is_dry(claims, q) || *claims->is_stopping)
		return OK;
	forget(q);
	crash_point("before_run");
	err = run_claim(&claims->poller->store, limit,
	    claims->poller->config->poll_lease_ms, &wanted, &q->claimed,
	    &q->count);
	crash_point("after_run");
	q->dry_ms = err || q->count < (size_t)limit ? clock_mono_ms() : 0;
	return err;
}

/* Take from the queue with the fewest runs at work, so that a provider with
 * many connections holds up no other. */
static struct claim_queue *
least_busy(struct claims *claims)
{
	struct claim_queue *best = NULL;

	for (size_t i = 0; i < claims->count; i++) {
		struct claim_queue *q = &claims->queues[i];

		if (q->next < q->count && (!best || q->busy < best->busy))
			best = q;
	}
	return best;
}

/* May there be more to claim once a runner is free? */
static bool
is_waiting(const struct claims *claims)
{
	for (size_t i = 0; !*claims->is_stopping && i < claims->count; i++)
		if (!is_dry(claims, &claims->queues[i]))
			return true;
	return false;
}

enum err
claims_take(struct claims *claims, struct run *out)
{
	struct claim_queue *q = NULL;
	enum err err = OK;

	pthread_mutex_lock(&claims->lock);
	while (!err && !q) {
		for (size_t i = 0; !err && i < claims->count; i++)
			if (claims->queues[i].next == claims->queues[i].count)
				err = refill(claims, &claims->queues[i]);
		q = least_busy(claims);
		if (err || q)
			break;
		if (!is_waiting(claims) && !is_polling(claims))
			err = err_set(ERR_NOTFOUND, "nothing more is due");
		else
			clock_wait(&claims->changed, &claims->lock,
			    clock_mono_ms() + AGAIN_MS);
	}
	if (q) { /* what is claimed is polled, whatever else failed */
		err = OK;
		*out = q->claimed[q->next++];
		q->busy++;
	}
	pthread_mutex_unlock(&claims->lock);
	return err;
}

void
claims_end(struct claims *claims, struct run *run)
{
	pthread_mutex_lock(&claims->lock);
	for (size_t i = 0; i < claims->count; i++)
		if (!strcmp(claims->queues[i].type, run->connection.type))
			claims->queues[i].busy--;
	/* a place is free for one; or nobody polls any more, and all go home */
	if (is_polling(claims))
		pthread_cond_signal(&claims->changed);
	else
		pthread_cond_broadcast(&claims->changed);
	pthread_mutex_unlock(&claims->lock);
	run_done(run);
}

bool
claims_left(struct claims *claims)
{
	bool is_left;

	pthread_mutex_lock(&claims->lock);
	is_left = is_waiting(claims) || least_busy(claims);
	pthread_mutex_unlock(&claims->lock);
	return is_left;
}
