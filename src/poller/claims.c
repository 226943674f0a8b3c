/* The lock is held while a claim is under way: who waits for it is who shares
 * the next one. */
#include "claims.h"

#include <stdlib.h>
#include <string.h>

#include "core/crash.h"

void
claims_init(struct claims *claims, const struct poller *poller,
    const char *connection_id)
{
	memset(claims, 0, sizeof(*claims));
	claims->poller = poller;
	claims->connection_id = connection_id;
	pthread_mutex_init(&claims->lock, NULL);
}

void
claims_done(struct claims *claims)
{
	for (; claims->next < claims->count; claims->next++)
		run_done(&claims->list[claims->next]);
	free(claims->list);
	pthread_mutex_destroy(&claims->lock);
}

/* One for each who waits, the caller included. */
static enum err
claim(struct claims *claims)
{
	const struct poller *poller = claims->poller;
	struct run *list = NULL;
	size_t n = 0;
	enum err err;

	crash_point("before_run");
	err = run_claim(&poller->store, atomic_load(&claims->waiting),
	    poller->config->poll_lease_ms, claims->connection_id, &list, &n);
	crash_point("after_run");
	if (err)
		return err;
	free(claims->list);
	claims->list = list;
	claims->next = 0;
	claims->count = n;
	/* one that is asked for by name would be due for ever */
	claims->is_dry = n == 0 || claims->connection_id;
	return OK;
}

enum err
claims_take(struct claims *claims, struct run *out, bool *found)
{
	enum err err = OK;

	atomic_fetch_add(&claims->waiting, 1);
	pthread_mutex_lock(&claims->lock);
	if (claims->next == claims->count && !claims->is_dry)
		err = claim(claims);
	*found = !err && claims->next < claims->count;
	if (*found)
		*out = claims->list[claims->next++];
	atomic_fetch_sub(&claims->waiting, 1);
	pthread_mutex_unlock(&claims->lock);
	return err;
}
