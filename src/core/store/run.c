/* Runs: claim, diff, finish or fail. See the heads of sql/queries/run_*.sql. */
#include "core/store/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/store/commits.h"
#include "core/store/connection.h"
#include "queries.h"

/* After so many runs without news a connection is an idle one. */
#define QUIET_RUNS 10

/* Quiet runs that end in one commit, at most; and how long one waits for that
 * of those before it. */
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
	snprintf(run->t0, sizeof(run->t0), "%s", rows_text(rows, row, "t0"));
	snprintf(run->quiet_list, sizeof(run->quiet_list), "%s",
	    quiet_list ? quiet_list : "");
	run->connection.listed_at_ms = rows_int(rows, row, "listed_at_ms");
	run->approved = rows_text(rows, row, "approved")
			    ? rows_int(rows, row, "approved")
			    : -1;
	return err;
}

enum err
run_claim(const struct store *store, int limit, int64_t lease_ms,
    const struct run_wanted *wanted, struct run **list, size_t *count)
{
	struct args args = { 0 };
	struct rows rows = { 0 };
	struct run *found = NULL;
	size_t n = 0;
	enum err err;

	args_int(&args, limit);
	args_int(&args, lease_ms);
	args_text(&args, wanted->connection_id);
	args_text(&args, wanted->type);
	err = store_run(store, &q_run_claim, &args, &rows);
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
	args_done(&args);
	return err;
}

enum err
run_look(const struct store *store, const char *after,
    const char *connection_id, struct run *out)
{
	struct args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	args_text(&args, after);
	args_text(&args, connection_id);
	err = store_run(store, &q_run_look, &args, &rows);
	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_NOTFOUND, "no connection is due");
	if (!err)
		err = read_run(&rows, 0, out);
	rows_done(&rows);
	args_done(&args);
	return err;
}

static enum diff_verdict
verdict_of(const char *text)
{
	if (!strcmp(text, "occurrence"))
		return DIFF_OCCURRENCE;
	return !strcmp(text, "returned") ? DIFF_RETURNED : DIFF_MISSING;
}

static enum err
read_candidate(const struct rows *rows, size_t row, struct candidate *c)
{
	const char *due = rows_text(rows, row, "due");

	snprintf(
	    c->task_id, sizeof(c->task_id), "%s", rows_text(rows, row, "id"));
	c->version = rows_int(rows, row, "version");
	c->was_missing = rows_bool(rows, row, "was_missing");
	c->never_seen = rows_bool(rows, row, "never_seen");
	c->verdict = verdict_of(rows_text(rows, row, "verdict"));
	c->source_id = strdup(rows_text(rows, row, "source_id"));
	c->due = due ? strdup(due) : NULL;
	return c->source_id && !due == !c->due
		   ? OK
		   : err_set(ERR_NOMEM, "no memory");
}

/* The one row that is always there names no task if there is none. */
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
run_diff(const struct store *store, struct run *run, const struct items *items,
    struct candidates *out)
{
	struct array ids = ARRAY_INIT, dues = ARRAY_INIT;
	struct args args = { 0 };
	struct rows rows = { 0 };
	size_t n;
	enum err err;

	for (size_t i = 0; i < items->count; i++) {
		array_text(&ids, items->list[i].source_id);
		array_text(&dues, items->list[i].due);
	}
	args_text(&args, run->connection.user_id);
	args_text(&args, run->connection.id);
	args_text(&args, run->t0);
	args_array(&args, &ids);
	args_array(&args, &dues);
	err = store_run(store, &q_run_diff, &args, &rows);
	if (err)
		goto out;
	n = count_candidates(&rows, run);
	out->list = calloc(n ? n : 1, sizeof(*out->list));
	if (!out->list) {
		err = err_set(ERR_NOMEM, "no memory for candidates");
		goto out;
	}
	out->count = n;
	out->active = n ? rows_int(&rows, 0, "active") : 0;
	for (size_t i = 0; !err && i < n; i++)
		err = read_candidate(&rows, i, &out->list[i]);
	if (err)
		candidates_done(out);
out:
	rows_done(&rows);
	args_done(&args);
	array_done(&ids);
	array_done(&dues);
	return err;
}

enum {
	F_ID,
	F_TITLE,
	F_URL,
	F_METADATA,
	F_DUE,
	F_TASK,
	F_VERSION,
	F_VERDICT,
	F_ACTION,
	F_REASON,
	F_NEW_ID,
	F_COUNT
};

static void
fill_arrays(struct array *a, const struct run_result *r)
{
	for (size_t i = 0; i < r->items->count; i++) {
		const struct item *item = &r->items->list[i];

		array_text(&a[F_ID], item->source_id);
		array_text(&a[F_TITLE], item->title ? item->title : "");
		array_text(&a[F_URL], item->source_url);
		array_text(
		    &a[F_METADATA], item->metadata ? item->metadata : "{}");
		array_text(&a[F_DUE], item->due);
	}
	for (size_t i = 0; i < r->candidates->count; i++) {
		const struct candidate *c = &r->candidates->list[i];

		array_text(&a[F_TASK], c->task_id);
		array_int(&a[F_VERSION], c->version);
		array_text(&a[F_VERDICT], diff_verdict_name(c->verdict));
		array_text(&a[F_ACTION], mark_action_name(c->action));
		array_text(&a[F_REASON], c->reason);
		array_text(&a[F_NEW_ID], c->new_id);
	}
}

enum err
run_finish(
    const struct store *store, const struct run *run, struct run_result *result)
{
	struct array a[F_COUNT];
	struct args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	for (int i = 0; i < F_COUNT; i++)
		a[i] = (struct array)ARRAY_INIT;
	fill_arrays(a, result);
	args_text(&args, run->connection.user_id);
	args_text(&args, run->connection.id);
	args_int(&args, run->connection.generation);
	args_text(&args, run->t0);
	args_text(&args, result->account_id);
	args_text(&args, result->metadata_patch);
	args_int(&args, result->next_poll_ms);
	for (int i = 0; i < F_COUNT; i++)
		args_array(&args, &a[i]);
	args_int(&args, result->pages);
	args_int(&args, result->still_open);
	args_int(&args, result->unconfirmed);
	args_int(&args, (int64_t)result->repeated);
	args_text(&args, result->guard ? guard_kind_name(result->guard) : NULL);
	args_int(&args, result->held);
	args_int(&args, result->idle_poll_ms);
	args_int(&args, QUIET_RUNS);
	args_text(&args, result->digest);
	args_text(&args, *run->tasks_seen ? run->tasks_seen : NULL);
	err = store_run(store, &q_run_finish, &args, &rows);
	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_CONFLICT,
		    "another poller has the connection now, or it is gone");
	if (!err) {
		result->inbox_added = rows_int(&rows, 0, "inbox_added");
		result->inbox_removed = rows_int(&rows, 0, "inbox_removed");
		result->completed = rows_int(&rows, 0, "completed");
		result->reopened = rows_int(&rows, 0, "reopened");
	}
	rows_done(&rows);
	args_done(&args);
	for (int i = 0; i < F_COUNT; i++)
		array_done(&a[i]);
	return err;
}

/* --- quiet runs --------------------------------------------------------------
 */

struct quiet {
	const struct run *run;
	const struct run_result *result;
	bool is_ended;
};

enum {
	Q_USER,
	Q_CONNECTION,
	Q_GENERATION,
	Q_T0,
	Q_LIST,
	Q_PATCH,
	Q_NEXT_POLL,
	Q_PAGES,
	Q_ITEMS,
	Q_REPEATED,
	Q_COUNT
};

static void
add_quiet(struct array *a, const struct quiet *q)
{
	array_text(&a[Q_USER], q->run->connection.user_id);
	array_text(&a[Q_CONNECTION], q->run->connection.id);
	array_int(&a[Q_GENERATION], q->run->connection.generation);
	array_text(&a[Q_T0], q->run->t0);
	array_text(&a[Q_LIST], q->result->digest);
	array_text(&a[Q_PATCH], q->result->metadata_patch);
	array_int(&a[Q_NEXT_POLL], q->result->next_poll_ms);
	array_int(&a[Q_PAGES], q->result->pages);
	array_int(&a[Q_ITEMS], (int64_t)q->result->items->count);
	array_int(&a[Q_REPEATED], (int64_t)q->result->repeated);
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
	struct array a[Q_COUNT];
	struct args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	for (int i = 0; i < Q_COUNT; i++)
		a[i] = (struct array)ARRAY_INIT;
	for (size_t i = 0; i < count; i++)
		add_quiet(a, quiets[i]);
	for (int i = 0; i < Q_COUNT; i++)
		args_array(&args, &a[i]);
	args_int(&args, first->result->idle_poll_ms);
	args_int(&args, QUIET_RUNS);
	err = store_run(store, &q_run_quiet, &args, &rows);
	for (size_t i = 0; !err && i < count; i++) {
		struct quiet *q = quiets[i];

		q->is_ended = is_among(&rows, q->run->connection.id);
	}
	rows_done(&rows);
	args_done(&args);
	for (int i = 0; i < Q_COUNT; i++)
		array_done(&a[i]);
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
	struct args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	args_text(&args, run->connection.user_id);
	args_text(&args, run->connection.id);
	args_int(&args, run->connection.generation);
	args_text(&args, run->t0);
	args_text(&args, failure->error);
	args_int(&args, failure->pages);
	args_bool(&args, failure->auth_failed);
	args_int(&args, failure->limit_ms);
	args_int(&args, failure->first_wait_ms);
	args_int(&args, failure->longest_wait_ms);
	args_text(&args, failure->other_account_id);
	err = store_run(store, &q_run_fail, &args, &rows);
	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_CONFLICT,
		    "another poller has the connection now, or it is gone");
	rows_done(&rows);
	args_done(&args);
	return err;
}

static enum err
trim(const struct store *store, const struct query *q, int days, int limit)
{
	struct args args = { 0 };
	enum err err;

	args_int(&args, days);
	args_int(&args, limit);
	err = store_run(store, q, &args, NULL);
	args_done(&args);
	return err;
}

enum err
retention_trim(const struct store *store, const struct retention *r)
{
	enum err err;

	err = trim(store, &q_writeback_trim, r->writebacks_days, r->limit);
	if (!err)
		err = trim(store, &q_poll_run_trim, r->runs_days, r->limit);
	if (!err)
		err = trim(store, &q_decision_trim, r->runs_days, r->limit);
	if (!err)
		err = trim(store, &q_event_trim, r->events_days, r->limit);
	if (!err)
		err = trim(store, &q_idempotency_key_trim, r->idempotency_days,
		    r->limit);
	return err;
}
