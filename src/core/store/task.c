/* Tasks, inbox and events: one typed call per statement. */
#include "core/store/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "queries.h"

/* A cursor is the sort key of the last row seen: epoch microseconds, an
 * underscore, the id. */
struct cursor {
	int64_t us;
	char id[CRYPTO_UUID];
	bool is_given;
};

static enum err
cursor_parse(const char *text, struct cursor *out)
{
	const char *digits;
	size_t n;

	memset(out, 0, sizeof(*out));
	if (!text)
		return OK;
	digits = *text == '-' ? text + 1 : text; /* before 1970 */
	n = strspn(digits, "0123456789");
	if (n == 0 || n > 18 || digits[n] != '_' ||
	    !crypto_uuid_parse(digits + n + 1, out->id))
		return err_set(ERR_INPUT, "This is not a cursor of a listing.");
	out->us = strtoll(text, NULL, 10);
	out->is_given = true;
	return OK;
}

/* The JSON of at most limit rows as an array. */
static enum err
join_rows(
    const struct rows *rows, const char *column, size_t limit, char **json)
{
	struct buf buf = BUF_INIT((size_t)64 * 1024 * 1024);
	size_t n = rows_count(rows);
	enum err err = buf_add(&buf, "[", 1);

	for (size_t i = 0; !err && i < n && i < limit; i++) {
		if (i > 0)
			err = buf_add(&buf, ",", 1);
		if (!err)
			err = buf_add_str(&buf, rows_text(rows, i, column));
	}
	if (!err)
		err = buf_add(&buf, "]", 1);
	if (!err) {
		*json = buf_take(&buf, NULL);
		if (!*json)
			err = err_set(ERR_NOMEM, "no memory for a list");
	}
	buf_done(&buf);
	return err;
}

/* The statement was asked for one row more than limit: it came if there is
 * another page. */
static enum err
read_listing(
    const struct rows *rows, const char *column, int limit, struct listing *out)
{
	size_t n = rows_count(rows), last = (size_t)limit - 1;
	char cursor[48 + CRYPTO_UUID + 2];
	enum err err = join_rows(rows, column, (size_t)limit, &out->json);

	if (err || n <= (size_t)limit)
		return err;
	snprintf(cursor, sizeof(cursor), "%s_%s",
	    rows_text(rows, last, "created_us"), rows_text(rows, last, "id"));
	out->next_cursor = strdup(cursor);
	return out->next_cursor ? OK : err_set(ERR_NOMEM, "no memory");
}

enum err
task_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct listing *out)
{
	struct q_task_list_args args = {
		.user_id = user_id,
		.status = filter->status,
		.source = filter->source,
		.limit = filter->limit + 1,
	};
	struct rows rows = { 0 };
	struct cursor cursor;
	enum err err = cursor_parse(filter->cursor, &cursor);

	if (err)
		return err;
	if (cursor.is_given) {
		args.after_us = &cursor.us;
		args.after_id = cursor.id;
	}
	err = store_run(store, q_task_list_with(&args), &rows);
	if (!err)
		err = read_listing(&rows, "task", filter->limit, out);
	rows_done(&rows);
	return err;
}

enum err
inbox_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct listing *out)
{
	struct q_inbox_list_args args = {
		.user_id = user_id,
		.connection_id = filter->connection_id,
		.limit = filter->limit + 1,
	};
	struct rows rows = { 0 };
	struct cursor cursor;
	enum err err = cursor_parse(filter->cursor, &cursor);

	if (err)
		return err;
	if (cursor.is_given) {
		args.after_us = &cursor.us;
		args.after_id = cursor.id;
	}
	err = store_run(store, q_inbox_list_with(&args), &rows);
	if (!err)
		err = read_listing(&rows, "item", filter->limit, out);
	rows_done(&rows);
	return err;
}

/* An event's cursor: two decimal numbers, transaction and event, with a hyphen
 * between. */
static bool
event_cursor(const char *text, char txid[24], char id[24])
{
	size_t n = strspn(text, "0123456789"), m;

	if (n == 0 || n >= 20 || text[n] != '-')
		return false;
	m = strspn(text + n + 1, "0123456789");
	if (m == 0 || m >= 19 || text[n + 1 + m] != '\0')
		return false;
	snprintf(txid, 24, "%.*s", (int)n, text);
	snprintf(id, 24, "%s", text + n + 1);
	return true;
}

static void
read_event(const struct rows *rows, size_t i, struct event *e)
{
	snprintf(e->id, sizeof(e->id), "%s-%s", rows_text(rows, i, "txid"),
	    rows_text(rows, i, "id"));
	rows_copy(rows, i, "type", e->type, sizeof(e->type));
	rows_copy(rows, i, "task_id", e->task_id, sizeof(e->task_id));
	rows_copy(
	    rows, i, "writeback_id", e->writeback_id, sizeof(e->writeback_id));
	rows_copy(rows, i, "connection_id", e->connection_id,
	    sizeof(e->connection_id));
	rows_copy(rows, i, "source", e->source, sizeof(e->source));
	rows_copy(rows, i, "reason", e->reason, sizeof(e->reason));
	rows_copy(rows, i, "created_at", e->created_at, sizeof(e->created_at));
	e->wish = wish_by_name(rows_text(rows, i, "wish"));
	e->held = rows_int(rows, i, "held");
}

enum err
event_list(const struct store *store, const char *user_id,
    const struct task_filter *filter, struct event **list, size_t *count,
    char next_cursor[48])
{
	char txid[24] = "0", id[24] = "0";
	struct q_event_list_args args = {
		.user_id = user_id,
		.after_txid = txid,
		.limit = filter->limit,
	};
	struct rows rows = { 0 };
	struct event *found = NULL;
	size_t n;
	enum err err;

	if (filter->cursor && !event_cursor(filter->cursor, txid, id))
		return err_set(ERR_INPUT, "This is not a cursor of a listing.");
	args.after_id = strtoll(id, NULL, 10); /* 18 digits at most */
	err = store_run(store, q_event_list_with(&args), &rows);
	if (err)
		goto out;
	n = rows_count(&rows);
	found = calloc(n ? n : 1, sizeof(*found));
	if (!found) {
		err = err_set(ERR_NOMEM, "no memory for events");
		goto out;
	}
	for (size_t i = 0; i < n; i++)
		read_event(&rows, i, &found[i]);
	if (n)
		snprintf(next_cursor, 48, "%s", found[n - 1].id);
	else
		snprintf(next_cursor, 48, "%s-%s", txid, id);
	*list = found;
	*count = n;
out:
	rows_done(&rows);
	return err;
}

enum err
task_read(const struct store *store, const char *user_id, const char *task_id,
    char **json)
{
	const struct q_task_read_args args = {
		.user_id = user_id,
		.task_id = task_id,
	};

	return store_one(store, q_task_read_with(&args), "task", json);
}

enum err
task_rename(const struct store *store, const char *user_id, const char *task_id,
    const char *title, char **json)
{
	const struct q_task_rename_args args = {
		.user_id = user_id,
		.task_id = task_id,
		.title = title,
	};

	return store_one(store, q_task_rename_with(&args), "task", json);
}

enum err
task_archive(const struct store *store, const char *user_id,
    const char *task_id, char **json)
{
	const struct q_task_archive_args args = {
		.user_id = user_id,
		.task_id = task_id,
	};

	return store_one(store, q_task_archive_with(&args), "task", json);
}

enum err
task_delete(const struct store *store, const char *user_id, const char *task_id)
{
	const struct q_task_delete_args args = {
		.user_id = user_id,
		.task_id = task_id,
	};
	char *id = NULL;
	enum err err = store_one(store, q_task_delete_with(&args), "id", &id);

	free(id);
	return err;
}

static enum err
not_allowed(void)
{
	return err_set(ERR_UNPROCESSABLE,
	    "A rule of Flowpin's own table does not allow this task.");
}

enum err
task_create(const struct store *store, const char *user_id, const char *task_id,
    const struct task_new *task, char **json)
{
	const struct q_task_create_args args = {
		.user_id = user_id,
		.task_id = task_id,
		.title = task->title,
		.source = task->source,
		.source_id = task->source_id,
		.source_url = task->source_url,
	};
	enum err err =
	    store_one(store, q_task_create_with(&args), "task", json);

	if (err != ERR_CONFLICT)
		return err;
	/* an earlier call with this id may have made it before it died */
	if (db_is_duplicate() && !task_read(store, user_id, task_id, json))
		return OK;
	if (!db_is_duplicate() || !task->source_id)
		return not_allowed();
	return err_set(ERR_CONFLICT, "There is a task of this item already.");
}

enum err
inbox_import(const struct store *store, const char *user_id,
    const char *inbox_item_id, const char *task_id, const struct import_to *to,
    char **json)
{
	const struct q_inbox_import_args args = {
		.user_id = user_id,
		.id = inbox_item_id,
		.task_id = task_id,
		.bucket_id = to->bucket_id,
		.section = to->section,
	};
	struct rows rows = { 0 };
	const char *what;
	enum err err = store_run(store, q_inbox_import_with(&args), &rows);

	/* after losing a race for the item's row, the second try finds it */
	if (err == ERR_CONFLICT && db_is_duplicate())
		err = store_run(store, q_inbox_import_with(&args), &rows);
	if (err == ERR_CONFLICT)
		return not_allowed();
	if (err)
		return err;
	what = rows_text(&rows, 0, "what");
	if (!strcmp(what, "no_item"))
		err = err_set(ERR_NOTFOUND, "no such item in the inbox");
	else if (!strcmp(what, "no_bucket"))
		err = err_set(ERR_INPUT, "There is no such bucket.");
	else if (!strcmp(what, "active"))
		err =
		    err_set(ERR_CONFLICT, "the item is an active task already");
	else
		err =
		    task_read(store, user_id, rows_text(&rows, 0, "id"), json);
	rows_done(&rows);
	return err;
}
