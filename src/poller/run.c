/* A run reads as design has it: fetch every page, ask the database what is
 * missing, ask the provider about that by id, then mark in one transaction. */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/crash.h"
#include "core/log.h"
#include "core/sync/absence.h"

#define MARGIN_MS 2000 /* of the lease, for the marking */
#define RATE_LIMIT_DEFAULT_MS 60000
#define RATE_LIMIT_MOST_MS 3600000

static int64_t
limit_ms(const struct answer *failure)
{
	int64_t ms = failure->retry_after_ms;

	if (failure->outcome != OUTCOME_RATE_LIMITED)
		return 0;
	if (ms < 0)
		return RATE_LIMIT_DEFAULT_MS;
	return ms < RATE_LIMIT_MOST_MS ? ms + 1 : RATE_LIMIT_MOST_MS;
}

static enum err
fail(const struct poller *poller, const struct run *run, int pages,
    const struct answer *failure)
{
	struct run_failure f = { .error = failure->detail,
		.pages = pages,
		.auth_failed = failure->outcome == OUTCOME_AUTH_FAILED,
		.limit_ms = limit_ms(failure),
		.first_wait_ms = poller->config->poll_interval_ms,
		.longest_wait_ms = poller->config->poll_longest_wait_ms };
	char detail[200];
	enum err err;

	log_warn("connection=%s type=%s msg=\"run failed\" outcome=%s "
		 "reason=%s pages=%d detail=%s",
	    run->connection.id, run->connection.type,
	    outcome_name(failure->outcome), reason_name(failure->reason), pages,
	    log_quote(failure->detail, detail, sizeof(detail)));
	crash_point("before_run_fails");
	err = run_fail(&poller->store, run, &f);
	crash_point("after_run_fails");
	return err;
}

/* Read by id what the decision needs, and decide. */
static enum err
confirm(const struct poller *poller, struct run *run, int64_t deadline_ms,
    struct candidates *candidates, struct run_result *result)
{
	const char **ids = calloc(candidates->count + 1, sizeof(*ids));
	struct items read = { 0 };
	size_t n = 0;

	if (!ids)
		return err_set(ERR_NOMEM, "no memory for candidates");
	for (size_t i = 0; i < candidates->count; i++)
		if (absence_needs_reading(&candidates->list[i]))
			ids[n++] = candidates->list[i].source_id;
	courier_read(
	    &poller->courier, &run->connection, ids, n, deadline_ms, &read);
	for (size_t i = 0; i < candidates->count; i++) {
		struct candidate *c = &candidates->list[i];
		const struct item *item = courier_find(&read, c->source_id);

		absence_decide(c, item);
		if (c->verdict != DIFF_MISSING)
			continue;
		result->unconfirmed += !item || c->action == MARK_MISSING;
		result->still_open += item && item->state == ITEM_OPEN;
	}
	items_done(&read);
	free(ids);
	return OK;
}

static int64_t
next_poll_ms(const struct config *config)
{
	int64_t ms = config->poll_interval_ms;

	/* jitter of a tenth each way: a thousand connections added at once
	 * must not come due at once for ever */
	return ms - ms / 10 +
	       (int64_t)(crypto_random() % (uint64_t)(ms / 5 + 1));
}

static enum err
mark(const struct poller *poller, struct run *run, int64_t deadline_ms,
    struct fetched *fetched)
{
	struct candidates candidates = { 0 };
	struct run_result result = { .items = &fetched->items,
		.candidates = &candidates,
		.account_id = fetched->account_id,
		.metadata_patch = fetched->metadata_patch,
		.next_poll_ms = next_poll_ms(poller->config),
		.pages = fetched->pages };
	enum err err =
	    run_diff(&poller->store, run, &fetched->items, &candidates);

	if (!err)
		err = confirm(poller, run, deadline_ms, &candidates, &result);
	crash_point("before_mark");
	if (!err)
		err = run_finish(&poller->store, run, &result);
	crash_point("after_mark");
	if (!err)
		log_info("connection=%s type=%s pages=%d items=%zu "
			 "candidates=%zu completed=%" PRId64
			 " reopened=%" PRId64 " still_open=%d unconfirmed=%d "
			 "inbox_added=%" PRId64 " inbox_removed=%" PRId64,
		    run->connection.id, run->connection.type, result.pages,
		    fetched->items.count, candidates.count, result.completed,
		    result.reopened, result.still_open, result.unconfirmed,
		    result.inbox_added, result.inbox_removed);
	candidates_done(&candidates);
	return err;
}

enum err
run_poll(const struct poller *poller, struct run *run)
{
	int64_t deadline_ms =
	    clock_mono_ms() + poller->config->poll_lease_ms - MARGIN_MS;
	struct fetched fetched = { 0 };
	struct answer failure = { 0 };
	enum err err;

	crash_point("before_fetch");
	if (courier_fetch(&poller->courier, &run->connection, deadline_ms,
		&fetched, &failure))
		err = fail(poller, run, fetched.pages, &failure);
	else
		err = mark(poller, run, deadline_ms, &fetched);
	fetched_done(&fetched);
	if (err == ERR_CONFLICT) {
		log_warn("connection=%s msg=\"given up\" why=\"%s\"",
		    run->connection.id, err_text());
		err = OK; /* someone else's now, and nothing was marked */
	}
	return err;
}
