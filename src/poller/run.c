/* A run: fetch every page of the list. Unless it says nothing new, compare it
 * with the tasks, read missing items by id, then mark the tasks in one
 * transaction. */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/backoff.h"
#include "core/clock.h"
#include "core/crash.h"
#include "core/json.h"
#include "core/log.h"
#include "core/store/connection.h"

#define MARGIN_MS 2000 /* of the lease, kept for marking */

/* Is the key dead? So is one that lacks the right to list: it would be refused
 * each time. */
static bool
is_key_dead(const struct poller *poller, struct run *run, int64_t deadline_ms,
    const struct answer *failure)
{
	if (failure->outcome != OUTCOME_AUTH_FAILED)
		return false;
	return failure->reason == REASON_SCOPE_MISSING ||
	       courier_ask_key(&poller->courier, &run->connection, NULL,
		   deadline_ms) == KEY_REFUSED;
}

static enum err
fail(const struct poller *poller, struct run *run,
    const struct fetched *fetched, int64_t deadline_ms,
    const struct answer *failure)
{
	struct run_failure f = { .error = failure->detail,
		.pages = fetched->pages,
		.other_account_id = fetched->other_account_id,
		.auth_failed = is_key_dead(poller, run, deadline_ms, failure),
		.limit_ms = failure->outcome == OUTCOME_RATE_LIMITED
				? backoff_asked_ms(failure->retry_after_ms)
				: 0,
		.wait_ms = backoff_poll_ms(poller->config->poll_interval_ms,
		    poller->config->poll_longest_wait_ms,
		    run->connection.failure_count, crypto_random()) };
	char detail[200];
	enum err err;

	log_warn("connection=%s type=%s msg=\"run failed\" outcome=%s "
		 "reason=%s pages=%d detail=%s",
	    run->connection.id, run->connection.type,
	    outcome_name(failure->outcome), reason_name(failure->reason),
	    fetched->pages, log_quote(failure->detail, detail, sizeof(detail)));
	crash_point("before_run_fails");
	err = run_fail(&poller->store, run, &f);
	crash_point("after_run_fails");
	return err;
}

static int64_t
next_poll_ms(const struct poller *poller)
{
	return backoff_spread_ms(
	    poller->config->poll_interval_ms, crypto_random());
}

/* One line, however many odd items there are. */
static void
log_odd(const struct run *run, const struct findings *f)
{
	const struct items *items = &f->fetched.items;
	size_t i = 0;

	if (f->fetched.odd == 0)
		return;
	while (!items->list[i].is_odd)
		i++;
	log_warn("connection=%s type=%s msg=\"items could not be read\" "
		 "odd=%zu item=%s why=\"%s\"",
	    run->connection.id, run->connection.type, f->fetched.odd,
	    items->list[i].source_id, items->list[i].title);
}

static void
log_run(const struct run *run, const struct findings *f,
    const struct run_result *result)
{
	log_info(
	    "connection=%s type=%s pages=%d items=%zu repeated=%zu odd=%zu "
	    "candidates=%zu completed=%" PRId64 " reopened=%" PRId64
	    " still_open=%d unconfirmed=%d inbox_added=%" PRId64
	    " inbox_removed=%" PRId64,
	    run->connection.id, run->connection.type, f->fetched.pages,
	    f->fetched.items.count, f->fetched.repeated, f->fetched.odd,
	    f->candidates.count, result->completed, result->reopened,
	    f->still_open, f->unconfirmed, result->inbox_added,
	    result->inbox_removed);
	log_odd(run, f);
	if (f->guard.kind)
		log_warn("connection=%s type=%s msg=\"guard holds\" kind=%s "
			 "held=%" PRId64,
		    run->connection.id, run->connection.type,
		    guard_kind_name(f->guard.kind), f->guard.held);
}

/* True if the run is ended: the list and the tasks are those of the last run,
 * which had nothing to do. */
static bool
ends_quietly(
    const struct poller *poller, const struct run *run, struct findings *f)
{
	const struct run_result result = { .items = &f->fetched.items,
		.digest = f->fetched.digest,
		.metadata_patch = f->fetched.metadata_patch,
		.next_poll_ms = next_poll_ms(poller),
		.idle_poll_ms = poller->config->poll_idle_interval_ms,
		.pages = f->fetched.pages,
		.repeated = f->fetched.repeated };
	bool is_ended;

	if (!f->fetched.is_quiet)
		return false;
	crash_point("before_quiet");
	is_ended = run_end_quietly(&poller->store, run, &result);
	crash_point("after_quiet");
	if (is_ended)
		log_run(run, f, &result);
	return is_ended;
}

static enum err
fail_to_mark(
    const struct poller *poller, struct run *run, const struct findings *f)
{
	struct answer failure = { .outcome = OUTCOME_UNKNOWN,
		.retry_after_ms = -1 };

	snprintf(failure.detail, sizeof(failure.detail),
	    "what was found could not be written down: %s", err_text());
	return fail(poller, run, &f->fetched, 0, &failure);
}

static enum err
mark(const struct poller *poller, struct run *run, struct findings *f)
{
	struct run_result result = { .items = &f->fetched.items,
		.candidates = &f->candidates,
		.digest = f->fetched.digest,
		.account_id = findings_account(run, f),
		.metadata_patch = f->fetched.metadata_patch,
		.next_poll_ms = next_poll_ms(poller),
		.idle_poll_ms = poller->config->poll_idle_interval_ms,
		.guard = f->guard.kind,
		.held = f->guard.held,
		.limit_ms = f->limit_ms,
		.pages = f->fetched.pages,
		.still_open = f->still_open,
		.unconfirmed = f->unconfirmed,
		.repeated = f->fetched.repeated,
		.odd = f->fetched.odd };
	enum err err, told;

	crash_point("before_mark");
	err = run_finish(&poller->store, run, &result);
	crash_point("after_mark");
	if (!err)
		log_run(run, f, &result);
	if (!err || err == ERR_NOTFOUND)
		return err;
	/* the next run would fail the same way, so do not be silent about it */
	told = fail_to_mark(poller, run, f);
	return told ? told : err;
}

static int64_t
deadline(const struct poller *poller)
{
	return clock_mono_ms() + poller->config->poll_lease_ms - MARGIN_MS;
}

/* Compare the list with the tasks, read by id, and mark. */
static enum err
conclude(const struct poller *poller, struct run *run, int64_t deadline_ms,
    struct findings *f)
{
	struct answer failure = { 0 };
	enum err err;

	if (f->fetched.is_quiet &&
	    courier_ask_account(&poller->courier, &run->connection, deadline_ms,
		&f->fetched, &failure))
		return fail(poller, run, &f->fetched, deadline_ms, &failure);
	err = run_reconcile(&poller->store, run);
	if (!err)
		err = inbound_judge(&poller->inbound, run, deadline_ms, f);
	return err ? err : mark(poller, run, f);
}

static void
forget_patch(struct fetched *fetched)
{
	free(fetched->metadata_patch);
	fetched->metadata_patch = NULL;
}

/* Tell clients, through Flowpin's row, what was learnt of the connection. The
 * row is written only if that changes it, because each client rereads it then.
 * Clients are told before the gateway stores it as known: what is known is not
 * told again. */
static void
tell_clients(
    const struct poller *poller, const struct run *run, struct fetched *fetched)
{
	const char *patch = fetched->metadata_patch;

	if (!patch)
		return;
	if (run->is_told && json_contains(run->connection.metadata, patch)) {
		forget_patch(fetched);
		return;
	}
	if (connection_publish(&poller->store, run->connection.id, patch)) {
		log_warn("connection=%s msg=\"what was learnt is not told\" "
			 "why=\"%s\"",
		    run->connection.id, err_text());
		forget_patch(fetched); /* the next run learns it again */
	}
}

/* Conclude what there is to conclude from a whole list. */
static enum err
learn_from(const struct poller *poller, struct run *run, int64_t deadline_ms,
    struct findings *f)
{
	tell_clients(poller, run, &f->fetched);
	if (ends_quietly(poller, run, f))
		return OK;
	return conclude(poller, run, deadline_ms, f);
}

enum err
run_poll(const struct poller *poller, struct run *run)
{
	int64_t deadline_ms = deadline(poller);
	struct findings f = { 0 };
	struct answer failure = { 0 };
	enum err err = OK;

	crash_point("before_fetch");
	if (courier_fetch(&poller->courier, &run->connection, run->quiet_list,
		deadline_ms, &f.fetched, &failure))
		err = fail(poller, run, &f.fetched, deadline_ms, &failure);
	else
		err = learn_from(poller, run, deadline_ms, &f);
	findings_done(&f);
	if (err == ERR_NOTFOUND) {
		log_warn("connection=%s msg=\"given up\" why=\"%s\"",
		    run->connection.id, err_text());
		err = OK; /* not ours any more; nothing was marked */
	}
	return err;
}

static void
print_findings(const struct run *run, const struct findings *f)
{
	const char *id = run->connection.id, *type = run->connection.type;

	printf("%s %s: %d pages, %zu items, %zu candidates\n", id, type,
	    f->fetched.pages, f->fetched.items.count, f->candidates.count);
	if (f->guard.kind)
		printf("%s %s: the guard %s would hold %" PRId64 " tasks\n", id,
		    type, guard_kind_name(f->guard.kind), f->guard.held);
	for (size_t i = 0; i < f->candidates.count; i++) {
		const struct candidate *c = &f->candidates.list[i];

		printf("%s %s: task %s (item %s, %s): %s, %s\n", id, type,
		    c->task_id, c->source_id, finding_name(c->finding),
		    mark_action_name(c->action), c->reason);
	}
}

enum err
run_preview(const struct poller *poller, struct run *run)
{
	int64_t deadline_ms = deadline(poller);
	struct findings f = { 0 };
	struct answer failure = { 0 };
	enum err err = OK;

	if (courier_fetch(&poller->courier, &run->connection, "", deadline_ms,
		&f.fetched, &failure)) {
		printf("%s %s: not the whole list, marks nothing: %s\n",
		    run->connection.id, run->connection.type, failure.detail);
	} else {
		err = inbound_judge(&poller->inbound, run, deadline_ms, &f);
		if (!err)
			print_findings(run, &f);
	}
	findings_done(&f);
	return err;
}
