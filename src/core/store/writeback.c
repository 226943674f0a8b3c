/* Each statement takes arrays and returns a row per element. What it does is
 * said in the heads of sql/queries/writeback_*.sql. */
#include "core/store/writeback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/store/commits.h"
#include "core/store/connection.h"
#include "queries.h"

/* A statement and its commit take less than this, unless the database is slow
 * for everybody. */
#define COMMIT_PATIENCE_MS 20

void
begin_done(struct begin *begin)
{
	free(begin->reason);
	free(begin->task);
	writeback_done(&begin->writeback);
	begin->reason = begin->task = NULL;
}

static enum err
copy_text(const char *text, char **out)
{
	*out = NULL;
	if (!text)
		return OK;
	*out = strdup(text);
	return *out ? OK : err_set(ERR_NOMEM, "no memory for a row");
}

static enum err
read_connection(const struct rows *rows, size_t row, struct writeback *w)
{
	snprintf(w->connection.user_id, sizeof(w->connection.user_id), "%s",
	    w->user_id);
	return connection_from_row(rows, row, &w->connection);
}

/* Read the columns that begin and claim_due share. */
static enum err
read_work(const struct rows *rows, size_t row, struct writeback *w)
{
	enum err err;

	w->by_fallback = rows_bool(rows, row, "by_fallback");
	w->is_guess = rows_bool(rows, row, "is_guess");
	w->by_row = rows_bool(rows, row, "by_row");
	err = copy_text(rows_text(rows, row, "source_id"), &w->source_id);
	if (!err)
		err = copy_text(rows_text(rows, row, "source_metadata"),
		    &w->source_metadata);
	if (!err)
		err = copy_text(rows_text(rows, row, "shown_to"), &w->shown_to);
	return err ? err : read_connection(rows, row, w);
}

static enum begun
begun_of(const char *route, const char *state)
{
	static const struct {
		const char *route;
		enum begun begun;
	} table[] = {
		{ "not_found", BEGUN_NOT_FOUND },
		{ "busy", BEGUN_BUSY },
		{ "archived", BEGUN_ARCHIVED },
		{ "unchanged", BEGUN_UNCHANGED },
		{ "skip", BEGUN_SKIPPED },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(route, table[i].route))
			return table[i].begun;
	if (!state || !strcmp(state, "queued"))
		return BEGUN_QUEUED;
	if (strcmp(state, "sending") != 0)
		return BEGUN_ENDED;
	/* somebody else is sending the wish that was joined */
	return strcmp(route, "joined") ? BEGUN_SENDING : BEGUN_QUEUED;
}

static enum err
read_begun(const struct rows *rows, size_t row, struct begin *b)
{
	struct writeback *w = &b->writeback;
	enum err err;

	b->begun = begun_of(
	    rows_text(rows, row, "route"), rows_text(rows, row, "state"));
	err = copy_text(rows_text(rows, row, "reason"), &b->reason);
	if (!err)
		err = copy_text(rows_text(rows, row, "task"), &b->task);
	snprintf(b->writeback_id, sizeof(b->writeback_id), "%s",
	    rows_text(rows, row, "id"));
	if (err || (b->begun != BEGUN_SENDING && b->begun != BEGUN_QUEUED))
		return err;
	snprintf(w->id, sizeof(w->id), "%s", b->writeback_id);
	snprintf(w->user_id, sizeof(w->user_id), "%s", b->user_id);
	snprintf(w->task_id, sizeof(w->task_id), "%s", b->task_id);
	w->wish = b->wish;
	w->generation = b->begun == BEGUN_SENDING;
	w->attempts = b->begun == BEGUN_SENDING;
	return read_work(rows, row, w);
}

enum err
writeback_begin(const struct store *store, struct begin *list, size_t count)
{
	struct q_writeback_begin_args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	for (size_t i = 0; i < count; i++) {
		array_text(&args.user_ids, list[i].user_id);
		array_text(&args.task_ids, list[i].task_id);
		array_text(&args.wishes, wish_name(list[i].wish));
		array_text(&args.ids, list[i].writeback_id);
		array_int(&args.lease_ms, list[i].lease_ms);
	}
	err = store_run(store, q_writeback_begin_with(&args), &rows);
	for (size_t i = 0; !err && i < rows_count(&rows); i++)
		err = read_begun(&rows, i, &list[i]);
	rows_done(&rows);
	q_writeback_begin_args_done(&args);
	return err;
}

/* Two unique constraints can refuse a begin that may just try again.
 * writebacks_sending does so if another call for the task is in flight that the
 * statement's snapshot did not see; the next try sees it. writebacks_pkey does
 * so if an earlier call with this id, thought dead, wrote the row after all.
 * Any other constraint refuses a value that stands in a row, and would refuse
 * it until the call's deadline. */
static enum err
begin_alone(const struct store *store, struct begin *begin)
{
	enum err err = writeback_begin(store, begin, 1);

	if (err == ERR_CONFLICT &&
	    strcmp(db_constraint(), "writebacks_sending") != 0 &&
	    strcmp(db_constraint(), "writebacks_pkey") != 0) {
		log_warn("task=%s msg=\"cannot be changed\" constraint=%s",
		    begin->task_id, db_constraint());
		return err_set(ERR_DATA, "%s", db_constraint());
	}
	if (err == ERR_CONFLICT || err == ERR_BUSY) {
		begin->begun = BEGUN_BUSY;
		err = OK;
	}
	return err;
}

/* Can one element have failed the statement for all? Then each is tried alone.
 * Any other failure would only fail once for each element. */
static bool
is_one_to_blame(enum err err)
{
	return err == ERR_CONFLICT || err == ERR_INPUT || err == ERR_DATA ||
	       err == ERR_BUSY;
}

static void
begin_together(void *context, void **elements, size_t count)
{
	const struct store *store = context;
	struct begin *list = count > 1 ? calloc(count, sizeof(*list)) : NULL;
	enum err err = ERR_BUSY;

	if (list) {
		for (size_t i = 0; i < count; i++)
			list[i] = *(struct begin *)elements[i];
		err = writeback_begin(store, list, count);
	}
	for (size_t i = 0; i < count; i++) {
		struct begin *one = elements[i];

		if (list && !is_one_to_blame(err)) {
			*one = list[i];
			one->err = err;
			continue;
		}
		if (list)
			begin_done(&list[i]);
		one->err = begin_alone(store, one);
	}
	free(list);
}

enum err
writeback_begin_one(const struct store *store, struct begin *begin)
{
	if (!store->begins)
		return begin_alone(store, begin);
	commits_join(store->begins, begin);
	return begin->err ? err_set(begin->err, "begin failed") : OK;
}

static const char *
begin_key(const void *element)
{
	return ((const struct begin *)element)->task_id;
}

static void
read_kept(const struct rows *rows, size_t row, struct writeback *w)
{
	const char *target = rows_text(rows, row, "target");
	const char *due_read = rows_text(rows, row, "due_read");

	w->is_unclear = rows_bool(rows, row, "is_unclear");
	w->doubt_ms = rows_int(rows, row, "doubt_ms");
	w->has_newer = rows_bool(rows, row, "has_newer");
	snprintf(w->target, sizeof(w->target), "%s", target ? target : "");
	snprintf(
	    w->due_read, sizeof(w->due_read), "%s", due_read ? due_read : "");
}

enum err
writeback_claim(const struct store *store, struct writeback *w,
    int64_t lease_ms, struct claim *out)
{
	const struct q_writeback_claim_args args = {
		.user_id = w->user_id,
		.id = w->id,
		.lease_ms = lease_ms,
	};
	struct rows rows = { 0 };
	const char *state;
	enum err err;

	memset(out, 0, sizeof(*out));
	err = store_run(store, q_writeback_claim_with(&args), &rows);
	if (err == ERR_CONFLICT || err == ERR_BUSY) {
		/* another call for the task began at this moment */
		snprintf(out->state, sizeof(out->state), "queued");
		err = OK;
		goto out;
	}
	if (err)
		goto out;
	if (rows_count(&rows) == 0) {
		err = err_set(ERR_NOTFOUND, "writeback %s is gone", w->id);
		goto out;
	}
	state = rows_text(&rows, 0, "state");
	snprintf(out->state, sizeof(out->state), "%s", state);
	out->is_claimed = rows_bool(&rows, 0, "claimed");
	if (out->is_claimed) {
		w->generation = rows_int(&rows, 0, "writeback_generation");
		w->attempts = (int)rows_int(&rows, 0, "attempts");
		w->is_agreed = rows_bool(&rows, 0, "is_agreed");
		read_kept(&rows, 0, w);
		free(w->source_metadata);
		err = copy_text(rows_text(&rows, 0, "source_metadata"),
		    &w->source_metadata);
		connection_done(&w->connection);
		if (!err)
			err = read_connection(&rows, 0, w);
	}
out:
	rows_done(&rows);
	return err;
}

enum err
writeback_keep(const struct store *store, const struct writeback *w,
    const char *target, const char *due_read)
{
	const struct q_writeback_keep_args args = {
		.user_id = w->user_id,
		.id = w->id,
		.generation = w->generation,
		.target = target,
		.due_read = due_read,
	};
	char *id = NULL;
	enum err err =
	    store_one(store, q_writeback_keep_with(&args), "id", &id);

	free(id);
	return err == ERR_NOTFOUND
		   ? err_set(ERR_CONFLICT, "the lease ended before the write")
		   : err;
}

static enum err
read_due(const struct rows *rows, size_t row, struct writeback *w)
{
	snprintf(
	    w->id, sizeof(w->id), "%s", rows_text(rows, row, "writeback_id"));
	snprintf(w->user_id, sizeof(w->user_id), "%s",
	    rows_text(rows, row, "user_id"));
	snprintf(w->task_id, sizeof(w->task_id), "%s",
	    rows_text(rows, row, "task_id"));
	w->wish = wish_by_name(rows_text(rows, row, "wish"));
	w->generation = rows_int(rows, row, "writeback_generation");
	w->attempts = (int)rows_int(rows, row, "attempts");
	w->is_doubted = rows_bool(rows, row, "is_doubted");
	w->is_agreed = rows_bool(rows, row, "is_agreed");
	w->is_too_old = rows_bool(rows, row, "is_too_old");
	read_kept(rows, row, w);
	return read_work(rows, row, w);
}

enum err
writeback_claim_due(const struct store *store, int limit, int64_t lease_ms,
    const struct array *but_connections, const struct array *but_users,
    struct writeback **list, size_t *count)
{
	const struct q_writeback_claim_due_args args = {
		.limit = limit,
		.lease_ms = lease_ms,
		.give_up_ms = store->give_up_ms,
		.doubt_ms = store->doubt_ms,
		.recurring_grace_ms = store->recurring_grace_ms,
		.but_connections = *but_connections,
		.but_users = *but_users,
	};
	struct rows rows = { 0 };
	struct writeback *found = NULL;
	size_t n = 0;
	enum err err;

	err = store_run(store, q_writeback_claim_due_with(&args), &rows);
	if (err == ERR_BUSY || err == ERR_CONFLICT) {
		/* a begin for the same task came between and goes first; what
		 * is due stays due */
		*list = NULL;
		*count = 0;
		err = OK;
		goto out;
	}
	if (err)
		goto out;
	n = rows_count(&rows);
	found = calloc(n ? n : 1, sizeof(*found));
	if (!found) {
		err = err_set(ERR_NOMEM, "no memory for writebacks");
		goto out;
	}
	for (size_t i = 0; !err && i < n; i++)
		err = read_due(&rows, i, &found[i]);
	if (err)
		goto out;
	*list = found;
	*count = n;
	found = NULL;
out:
	for (size_t i = 0; found && i < n; i++)
		writeback_done(&found[i]);
	free(found);
	rows_done(&rows);
	return err;
}

static void
add_settle(struct q_writeback_settle_args *args, const struct settle *s)
{
	array_text(&args->user_ids, s->user_id);
	array_text(&args->ids, s->writeback_id);
	array_int(&args->generations, s->generation);
	array_text(&args->states, ending_name(s->verdict.ending));
	array_text(&args->reasons, reason_name(s->verdict.reason));
	array_text(&args->details, s->verdict.detail);
	array_int(&args->due_ms, s->verdict.due_ms);
	array_bool(&args->auth_failed, s->verdict.auth_failed);
	array_int(&args->limit_ms, s->verdict.limit_ms);
	array_text(&args->patches, s->metadata_patch);
	array_bool(&args->are_told, s->is_told);
	array_int(&args->key_versions, s->key_version);
	array_bool(&args->is_unclear, s->verdict.is_unclear);
	array_int(&args->doubt_ms, s->verdict.doubt_ms);
}

static enum err
read_settled(const struct rows *rows, size_t row, struct settle *list)
{
	struct settle *s = &list[rows_int(rows, row, "ord") - 1];

	s->is_busy = rows_bool(rows, row, "busy");
	s->is_owned = rows_bool(rows, row, "owned");
	s->is_restored = rows_bool(rows, row, "restored");
	return copy_text(rows_text(rows, row, "task"), &s->task);
}

enum err
writeback_settle(const struct store *store, struct settle *list, size_t count)
{
	struct q_writeback_settle_args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	for (size_t i = 0; i < count; i++) {
		list[i].is_owned = list[i].is_restored = list[i].is_busy =
		    false;
		list[i].task = NULL;
		add_settle(&args, &list[i]);
	}
	err = store_run(store, q_writeback_settle_with(&args), &rows);
	for (size_t r = 0; !err && r < rows_count(&rows); r++)
		err = read_settled(&rows, r, list);
	rows_done(&rows);
	q_writeback_settle_args_done(&args);
	return err;
}

static enum err
settle_alone(const struct store *store, struct settle *settle)
{
	enum err err = writeback_settle(store, settle, 1);

	if (!err && settle->is_busy)
		err = err_set(ERR_BUSY, "the task's row is locked");
	return err;
}

static void
settle_together(void *context, void **elements, size_t count)
{
	const struct store *store = context;
	struct settle *list = count > 1 ? calloc(count, sizeof(*list)) : NULL;
	enum err err = ERR_BUSY;

	if (list) {
		for (size_t i = 0; i < count; i++)
			list[i] = *(struct settle *)elements[i];
		err = writeback_settle(store, list, count);
	}
	for (size_t i = 0; i < count; i++) {
		struct settle *one = elements[i];

		if (list && !is_one_to_blame(err)) {
			*one = list[i];
			one->err = err ? err : one->is_busy ? ERR_BUSY : OK;
			continue;
		}
		if (list)
			free(list[i].task);
		/* settling twice is harmless: the generation fences */
		one->err = settle_alone(store, one);
	}
	free(list);
}

/* A settle that writes to a connection's row goes alone, because many share
 * that row. */
static bool
is_shareable(const struct settle *s)
{
	return !s->verdict.auth_failed && s->verdict.limit_ms == 0 &&
	       !s->metadata_patch && !s->names_connection;
}

enum err
writeback_settle_one(const struct store *store, struct settle *settle)
{
	if (!store->settles || !is_shareable(settle))
		return settle_alone(store, settle);
	commits_join(store->settles, settle);
	return settle->err ? err_set(settle->err, "settle failed") : OK;
}

static const char *
settle_key(const void *element)
{
	return ((const struct settle *)element)->writeback_id;
}

enum err
writeback_share(struct store *store, int writers)
{
	struct commits_options options = { .most = 256,
		.writers = writers,
		.patience_ms = COMMIT_PATIENCE_MS,
		.context = store,
		.run = begin_together,
		.key = begin_key };
	enum err err;

	err = commits_new(&options, &store->begins);
	options.run = settle_together;
	options.key = settle_key;
	if (!err)
		err = commits_new(&options, &store->settles);
	return err;
}

void
writeback_unshare(struct store *store)
{
	commits_free(store->begins);
	commits_free(store->settles);
	store->begins = store->settles = NULL;
}

void
fate_done(struct fate *fate)
{
	free(fate->writeback);
	free(fate->task);
	memset(fate, 0, sizeof(*fate));
}

static enum err
read_fate(const struct rows *rows, struct fate *fate)
{
	enum err err;

	fate->is_open = rows_bool(rows, 0, "is_open");
	fate->is_rolled_back =
	    !strcmp(rows_text(rows, 0, "state"), ending_name(END_ROLLED_BACK));
	fate->is_restored = rows_bool(rows, 0, "is_restored");
	fate->reason = reason_by_name(rows_text(rows, 0, "reason"));
	snprintf(fate->source, sizeof(fate->source), "%s",
	    rows_text(rows, 0, "source"));
	err = copy_text(rows_text(rows, 0, "writeback"), &fate->writeback);
	if (!err)
		err = copy_text(rows_text(rows, 0, "task"), &fate->task);
	return err;
}

enum err
writeback_read(const struct store *store, const char *user_id,
    const char *writeback_id, struct fate *out)
{
	const struct q_writeback_read_args args = {
		.user_id = user_id,
		.id = writeback_id,
	};
	struct rows rows = { 0 };
	struct fate fate = { 0 };
	enum err err;

	err = store_run(store, q_writeback_read_with(&args), &rows);
	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_NOTFOUND, "no such writeback");
	if (!err)
		err = read_fate(&rows, &fate);
	rows_done(&rows);
	if (err)
		fate_done(&fate);
	else
		*out = fate;
	return err;
}

enum err
writeback_open(const struct store *store, struct open_writebacks *out)
{
	struct rows rows = { 0 };
	enum err err = store_run(store, q_writeback_open_with(), &rows);

	if (!err) {
		out->count = rows_int(&rows, 0, "open");
		out->oldest_s = rows_int(&rows, 0, "oldest_s");
	}
	rows_done(&rows);
	return err;
}
