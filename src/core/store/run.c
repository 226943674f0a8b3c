/* Runs: claim, diff, finish or fail. What the statements do is said in the
 * heads of sql/queries/run_*.sql. */
#include "core/store/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/store/commits.h"
#include "core/store/connection.h"
#include "queries.h"

/* After this many runs without news a connection is polled less often. */
#define QUIET_RUNS 10

/* How many quiet runs end in one commit, at most, and how long a run waits for
 * the commit before its own. */
#define QUIETS_MOST 128
#define QUIETS_PATIENCE_MS 50

void
run_done(struct run *run)
{
	connection_done(&run->connection);
}

static enum err
read_run(const struct rows *rows, size_t row, struct run *run)
{
	enum err err = connection_from_row(rows, row, &run->connection);
	const char *quiet_list = rows_text(rows, row, "quiet_list");

	snprintf(run->connection.user_id, sizeof(run->connection.user_id), "%s",
	    rows_text(rows, row, "user_id"));
	run->t0 = rows_int(rows, row, "t0");
	run->connection.failure_count =
	    (int)rows_int(rows, row, "failure_count");
	snprintf(run->quiet_list, sizeof(run->quiet_list), "%s",
	    quiet_list ? quiet_list : "");
	run->connection.listed_at_ms = rows_int(rows, row, "listed_at_ms");
	run->is_told = rows_bool(rows, row, "is_told");
	run->approved = rows_text(rows, row, "approved")
			    ? rows_int(rows, row, "approved")
			    : -1;
	return err;
}

enum err
run_claim(const struct store *store, int limit, int64_t lease_ms,
    const struct run_wanted *wanted, struct run **list, size_t *count)
{
	const struct q_run_claim_args args = {
		.limit = limit,
		.lease_ms = lease_ms,
		.connection_id = wanted->connection_id,
		.type = wanted->type,
	};
	struct rows rows = { 0 };
	struct run *found = NULL;
	size_t n = 0;
	enum err err;

	err = store_run(store, q_run_claim_with(&args), &rows);
	if (err)
		goto out;
	n = rows_count(&rows);
	found = calloc(n ? n : 1, sizeof(*found));
	if (!found) {
		err = err_set(ERR_NOMEM, "no memory for runs");
		goto out;
	}
	for (size_t i = 0; !err && i < n; i++)
		err = read_run(&rows, i, &found[i]);
	if (err)
		goto out;
	*list = found;
	*count = n;
	found = NULL;
out:
	for (size_t i = 0; found && i < n; i++)
		run_done(&found[i]);
	free(found);
	rows_done(&rows);
	return err;
}

enum err
run_look(const struct store *store, const char *after,
    const char *connection_id, struct run *out)
{
	const struct q_run_look_args args = {
		.after = after,
		.connection_id = connection_id,
	};
	struct rows rows = { 0 };
	enum err err = store_run(store, q_run_look_with(&args), &rows);

	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_NOTFOUND, "no connection is due");
	if (!err)
		err = read_run(&rows, 0, out);
	rows_done(&rows);
	return err;
}

static enum finding
finding_of(const char *text)
{
	return !strcmp(text, "returned") ? FINDING_RETURNED : FINDING_MISSING;
}

static enum err
read_candidate(const struct rows *rows, size_t row, struct candidate *c)
{
	const char *due = rows_text(rows, row, "due");
	const char *closed_due = rows_text(rows, row, "closed_due");

	snprintf(
	    c->task_id, sizeof(c->task_id), "%s", rows_text(rows, row, "id"));
	c->version = rows_int(rows, row, "version");
	c->was_missing = rows_bool(rows, row, "was_missing");
	c->is_long_missing = rows_bool(rows, row, "is_long_missing");
	c->never_seen = rows_bool(rows, row, "never_seen");
	c->is_lagging = rows_bool(rows, row, "is_lagging");
	c->asks = (int)rows_int(rows, row, "asks");
	c->is_put_off = rows_bool(rows, row, "is_put_off");
	c->finding = finding_of(rows_text(rows, row, "finding"));
	c->source_id = strdup(rows_text(rows, row, "source_id"));
	c->is_local = rows_bool(rows, row, "is_local");
	c->due = due ? strdup(due) : NULL;
	c->closed_due = closed_due ? strdup(closed_due) : NULL;
	return c->source_id && !due == !c->due && !closed_due == !c->closed_due
		   ? OK
		   : err_set(ERR_NOMEM, "no memory");
}

/* There is always a row. If there is no candidate, it names no task. */
static size_t
count_candidates(const struct rows *rows, struct run *run)
{
	size_t n = rows_count(rows);
	const char *seen = n ? rows_text(rows, 0, "tasks_seen") : NULL;

	snprintf(
	    run->tasks_seen, sizeof(run->tasks_seen), "%s", seen ? seen : "");
	return n && rows_text(rows, 0, "id") ? n : 0;
}

enum err
run_diff(const struct store *store, struct run *run,
    const struct run_question *question, struct candidates *out)
{
	const struct items *items = question->items;

	struct q_run_diff_args args = {
		.user_id = run->connection.user_id,
		.connection_id = run->connection.id,
		.type = run->connection.type,
		.t0 = run->t0,
		.account_id = question->account_id,
		.absence_least_ms = question->absence_least_ms,
		.replica_lag_ms = question->replica_lag_ms,
	};
	struct db_step steps[] = { { .statement = q_run_plan_with() },
		{ .statement = q_run_diff_with(&args) } };
	const struct rows *rows = &steps[1].rows;
	size_t n;
	enum err err;

	for (size_t i = 0; i < items->count; i++) {
		array_text(&args.source_ids, items->list[i].source_id);
		array_text(&args.dues, items->list[i].due);
	}
	err = store_run_all(store, steps, 2);
	if (err)
		goto out;
	n = count_candidates(rows, run);
	out->list = calloc(n ? n : 1, sizeof(*out->list));
	if (!out->list) {
		err = err_set(ERR_NOMEM, "no memory for candidates");
		goto out;
	}
	out->count = n;
	out->active = n ? rows_int(rows, 0, "active") : 0;
	for (size_t i = 0; !err && i < n; i++)
		err = read_candidate(rows, i, &out->list[i]);
	if (err)
		candidates_done(out);
out:
	rows_done(&steps[0].rows);
	rows_done(&steps[1].rows);
	q_run_diff_args_done(&args);
	return err;
}

/* How many changes that no trigger noticed are noted in one transaction, and
 * how many such transactions a run makes at most. */
enum { RECONCILED_AT_ONCE = 1000, RECONCILED_TIMES = 10 };

/* The statements of a run's last transaction, in this order. */
enum { PLAN, HOLD, MARK, REFRESH, INBOX, GUARD, END, STEPS };

struct finish {
	struct q_run_hold_args hold;
	struct q_run_mark_args mark;
	struct q_run_refresh_args refresh;
	struct q_run_inbox_args inbox;
	struct q_run_guard_args guard;
	struct q_run_end_args end;
};

static void
add_candidates(
    struct q_run_mark_args *args, const struct candidates *candidates)
{
	for (size_t i = 0; i < candidates->count; i++) {
		const struct candidate *c = &candidates->list[i];

		array_text(&args->task_ids, c->task_id);
		array_int(&args->versions, c->version);
		array_text(&args->findings, finding_name(c->finding));
		array_text(&args->actions, mark_action_name(c->action));
		array_text(&args->reasons, c->reason);
		array_int(&args->ask_after_ms, c->ask_after_ms);
		array_text(&args->new_ids, c->new_id);
		array_text(&args->metadata, c->metadata);
	}
}

static void
add_items(struct finish *f, const struct items *items)
{
	for (size_t i = 0; i < items->count; i++) {
		const struct item *item = &items->list[i];
		const char *metadata = item->metadata ? item->metadata : "{}";

		if (item->is_odd)
			continue;
		array_text(&f->refresh.source_ids, item->source_id);
		array_text(&f->refresh.metadata, metadata);
		array_text(&f->inbox.source_ids, item->source_id);
		array_text(&f->inbox.titles, item->title ? item->title : "");
		array_text(&f->inbox.urls, item->source_url);
		array_text(&f->inbox.metadata, metadata);
		array_text(&f->inbox.bags, item->bag ? item->bag : "{}");
	}
}

static void
finish_done(struct finish *f)
{
	q_run_mark_args_done(&f->mark);
	q_run_refresh_args_done(&f->refresh);
	q_run_inbox_args_done(&f->inbox);
}

static void
fill(struct finish *f, const struct run *run, const struct run_result *r,
    const char *run_id, const int64_t *tasks_seen)
{
	const char *user_id = run->connection.user_id;
	const char *connection_id = run->connection.id;
	const char *type = run->connection.type;
	int64_t generation = run->connection.generation;
	const char *kind = r->guard ? guard_kind_name(r->guard) : NULL;

	f->hold = (struct q_run_hold_args){ .user_id = user_id,
		.connection_id = connection_id,
		.generation = generation };
	f->mark = (struct q_run_mark_args){ .user_id = user_id,
		.connection_id = connection_id,
		.type = type,
		.account_id = r->account_id,
		.generation = generation,
		.t0 = run->t0,
		.run_id = run_id,
		.pages = r->pages,
		.items = (int64_t)r->items->count,
		.repeated = (int64_t)r->repeated,
		.odd = (int64_t)r->odd,
		.still_open = r->still_open,
		.unconfirmed = r->unconfirmed,
		.kind = kind,
		.held = r->held };
	f->refresh = (struct q_run_refresh_args){ .user_id = user_id,
		.connection_id = connection_id,
		.type = type,
		.account_id = r->account_id,
		.generation = generation,
		.t0 = run->t0 };
	f->inbox = (struct q_run_inbox_args){ .user_id = user_id,
		.connection_id = connection_id,
		.type = type,
		.generation = generation,
		.t0 = run->t0,
		.run_id = run_id };
	f->guard = (struct q_run_guard_args){ .user_id = user_id,
		.connection_id = connection_id,
		.type = type,
		.generation = generation,
		.kind = kind,
		.held = r->held };
	f->end = (struct q_run_end_args){ .user_id = user_id,
		.connection_id = connection_id,
		.type = type,
		.generation = generation,
		.t0 = run->t0,
		.account_id = r->account_id,
		.patch = r->metadata_patch,
		.next_poll_ms = r->next_poll_ms,
		.idle_poll_ms = r->idle_poll_ms,
		.idle_after = QUIET_RUNS,
		.list = r->digest,
		.tasks_seen = tasks_seen,
		.candidates = (int64_t)r->candidates->count,
		.limit_ms = r->limit_ms };
	add_candidates(&f->mark, r->candidates);
	add_items(f, r->items);
}

static void
read_result(const struct db_step *steps, struct run_result *result)
{
	result->completed = rows_int(&steps[MARK].rows, 0, "completed");
	result->reopened = rows_int(&steps[MARK].rows, 0, "reopened");
	result->inbox_added = rows_int(&steps[INBOX].rows, 0, "inbox_added");
	result->inbox_removed =
	    rows_int(&steps[INBOX].rows, 0, "inbox_removed");
}

enum err
run_finish(
    const struct store *store, const struct run *run, struct run_result *result)
{
	int64_t tasks_seen = strtoll(run->tasks_seen, NULL, 10);
	char run_id[CRYPTO_UUID];
	struct finish f;
	struct db_step steps[STEPS];
	enum err err;

	crypto_uuid(run_id);
	fill(&f, run, result, run_id, *run->tasks_seen ? &tasks_seen : NULL);
	memset(steps, 0, sizeof(steps));
	steps[PLAN].statement = q_run_plan_with();
	steps[HOLD].statement = q_run_hold_with(&f.hold);
	steps[MARK].statement = q_run_mark_with(&f.mark);
	steps[REFRESH].statement = q_run_refresh_with(&f.refresh);
	steps[INBOX].statement = q_run_inbox_with(&f.inbox);
	steps[GUARD].statement = q_run_guard_with(&f.guard);
	steps[END].statement = q_run_end_with(&f.end);
	err = store_run_all(store, steps, STEPS);
	if (!err && rows_count(&steps[MARK].rows) == 0)
		err = err_set(ERR_NOTFOUND,
		    "another poller has the connection now, or it is gone");
	if (!err)
		read_result(steps, result);
	for (int i = 0; i < STEPS; i++)
		rows_done(&steps[i].rows);
	finish_done(&f);
	return err;
}

enum err
run_reconcile(const struct store *store, const struct run *run)
{
	const struct q_run_reconcile_args args = {
		.user_id = run->connection.user_id,
		.type = run->connection.type,
		.limit = RECONCILED_AT_ONCE,
	};
	int64_t noted = RECONCILED_AT_ONCE;
	enum err err = OK;

	for (int i = 0;
	     !err && noted == RECONCILED_AT_ONCE && i < RECONCILED_TIMES; i++) {
		struct db_step steps[] = {
			{ .statement = q_run_plan_with() },
			{ .statement = q_run_reconcile_with(&args) },
		};

		err = store_run_all(store, steps, 2);
		if (!err)
			noted = rows_int(&steps[1].rows, 0, "noted");
		rows_done(&steps[0].rows);
		rows_done(&steps[1].rows);
	}
	return err;
}

enum err
reconcile_some(const struct store *store, int limit)
{
	const struct q_reconcile_some_args args = { .limit =
							RECONCILED_AT_ONCE };
	int64_t looked_at = RECONCILED_AT_ONCE;
	enum err err = OK;

	while (!err && looked_at == RECONCILED_AT_ONCE && limit > 0) {
		struct rows rows = { 0 };

		err = store_run(store, q_reconcile_some_with(&args), &rows);
		if (!err)
			looked_at = rows_int(&rows, 0, "looked_at");
		rows_done(&rows);
		limit -= RECONCILED_AT_ONCE;
	}
	return err;
}

/* --- quiet runs ----------------------------------------------------------- */

struct quiet {
	const struct run *run;
	const struct run_result *result;
	bool is_ended;
};

static void
add_quiet(struct q_run_quiet_args *args, const struct quiet *q)
{
	array_text(&args->user_ids, q->run->connection.user_id);
	array_text(&args->connection_ids, q->run->connection.id);
	array_int(&args->generations, q->run->connection.generation);
	array_int(&args->t0s, q->run->t0);
	array_text(&args->lists, q->result->digest);
	array_text(&args->patches, q->result->metadata_patch);
	array_int(&args->next_poll_ms, q->result->next_poll_ms);
	array_int(&args->pages, q->result->pages);
	array_int(&args->items, (int64_t)q->result->items->count);
	array_int(&args->repeated, (int64_t)q->result->repeated);
}

static bool
is_among(const struct rows *rows, const char *connection_id)
{
	for (size_t i = 0; i < rows_count(rows); i++)
		if (!strcmp(rows_text(rows, i, "connection_id"), connection_id))
			return true;
	return false;
}

static enum err
end_all(const struct store *store, void **quiets, size_t count)
{
	const struct quiet *first = quiets[0];
	struct q_run_quiet_args args = {
		.idle_poll_ms = first->result->idle_poll_ms,
		.idle_after = QUIET_RUNS,
	};
	struct rows rows = { 0 };
	enum err err;

	for (size_t i = 0; i < count; i++)
		add_quiet(&args, quiets[i]);
	err = store_run(store, q_run_quiet_with(&args), &rows);
	for (size_t i = 0; !err && i < count; i++) {
		struct quiet *q = quiets[i];

		q->is_ended = is_among(&rows, q->run->connection.id);
	}
	rows_done(&rows);
	q_run_quiet_args_done(&args);
	return err;
}

static void
end_together(void *context, void **quiets, size_t count)
{
	char why[200];

	if (end_all(context, quiets, count))
		log_warn("msg=\"quiet runs go the long way\" why=%s",
		    log_quote(err_text(), why, sizeof(why)));
}

bool
run_end_quietly(const struct store *store, const struct run *run,
    const struct run_result *result)
{
	struct quiet quiet = { .run = run, .result = result };

	commits_join(store->quiets, &quiet);
	return quiet.is_ended;
}

static const char *
quiet_key(const void *element)
{
	return ((const struct quiet *)element)->run->connection.id;
}

enum err
run_share(struct store *store)
{
	const struct commits_options options = { .most = QUIETS_MOST,
		.writers = 1,
		.patience_ms = QUIETS_PATIENCE_MS,
		.context = store,
		.run = end_together,
		.key = quiet_key };

	return commits_new(&options, &store->quiets);
}

void
run_unshare(struct store *store)
{
	commits_free(store->quiets);
	store->quiets = NULL;
}

enum err
run_fail(const struct store *store, const struct run *run,
    const struct run_failure *failure)
{
	const struct q_run_fail_args args = {
		.user_id = run->connection.user_id,
		.connection_id = run->connection.id,
		.generation = run->connection.generation,
		.t0 = run->t0,
		.run_error = failure->error,
		.pages = failure->pages,
		.auth_failed = failure->auth_failed,
		.limit_ms = failure->limit_ms,
		.wait_ms = failure->wait_ms,
		.other_account_id = failure->other_account_id,
	};
	struct rows rows = { 0 };
	enum err err = store_run(store, q_run_fail_with(&args), &rows);

	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_NOTFOUND,
		    "another poller has the connection now, or it is gone");
	rows_done(&rows);
	return err;
}

enum err
retention_trim(const struct store *store, const struct retention *r)
{
	const struct q_writeback_trim_args writebacks = {
		.days = r->writebacks_days, .limit = r->limit
	};
	const struct q_poll_run_trim_args runs = { .days = r->runs_days,
		.limit = r->limit };
	const struct q_decision_trim_args decisions = { .days = r->runs_days,
		.limit = r->limit };
	const struct q_event_trim_args events = { .days = r->events_days,
		.limit = r->limit };
	const struct q_idempotency_key_trim_args keys = {
		.days = r->idempotency_days, .limit = r->limit
	};
	const struct statement statements[] = {
		q_writeback_trim_with(&writebacks),
		q_poll_run_trim_with(&runs),
		q_decision_trim_with(&decisions),
		q_event_trim_with(&events),
		q_idempotency_key_trim_with(&keys),
	};
	enum err err = OK;

	for (size_t i = 0; !err && i < sizeof(statements) / sizeof(*statements);
	     i++)
		err = store_run(store, statements[i], NULL);
	return err;
}
