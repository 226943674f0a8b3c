/* Connections: one typed call per statement, and how a row becomes a struct. */
#include "core/store/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "queries.h"

static bool
copy(const char *text, char **out)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

enum err
connection_from_row(
    const struct rows *rows, size_t row, struct connection *conn)
{
	const char *id = rows_text(rows, row, "connection_id");
	const char *key_id = rows_text(rows, row, "key_id");

	if (!id || !rows_text(rows, row, "type"))
		return OK; /* it was deleted: conn stays empty */
	snprintf(conn->id, sizeof(conn->id), "%s", id);
	snprintf(
	    conn->type, sizeof(conn->type), "%s", rows_text(rows, row, "type"));
	snprintf(
	    conn->key_id, sizeof(conn->key_id), "%s", key_id ? key_id : "");
	snprintf(conn->status, sizeof(conn->status), "%s",
	    rows_text(rows, row, "status"));
	conn->writeback = rows_bool(rows, row, "writeback");
	conn->is_other_account = rows_bool(rows, row, "is_other_account");
	conn->generation = rows_int(rows, row, "generation");
	conn->key_version = rows_int(rows, row, "key_version");
	conn->rate_limited_until_ms = rows_int(rows, row, "rate_limited_ms");
	/* the column says how much longer, by the database's clock, which all
	 * processes share */
	if (conn->rate_limited_until_ms > 0)
		conn->rate_limited_until_ms += clock_wall_ms();
	if (!copy(rows_text(rows, row, "label"), &conn->label) ||
	    !copy(rows_text(rows, row, "api_key"), &conn->key) ||
	    !copy(rows_text(rows, row, "metadata"), &conn->metadata) ||
	    !copy(rows_text(rows, row, "account_id"), &conn->account_id))
		return err_set(ERR_NOMEM, "no memory for a connection");
	return rows_bytes(
	    rows, row, "key_sealed", &conn->key_sealed, &conn->key_sealed_len);
}

enum err
connection_list(const struct store *store, const char *user_id, char **json)
{
	const struct q_connection_list_args args = { .user_id = user_id };
	struct buf buf = BUF_INIT((size_t)16 * 1024 * 1024);
	struct rows rows = { 0 };
	enum err err;

	err = store_run(store, q_connection_list_with(&args), &rows);
	if (!err)
		err = buf_add(&buf, "[", 1);
	for (size_t i = 0; !err && i < rows_count(&rows); i++)
		err = buf_addf(&buf, "%s%s", i ? "," : "",
		    rows_text(&rows, i, "connection"));
	if (!err)
		err = buf_add(&buf, "]", 1);
	if (!err && !(*json = buf_take(&buf, NULL)))
		err = err_set(ERR_NOMEM, "no memory for a list");
	buf_done(&buf);
	rows_done(&rows);
	return err;
}

enum err
connection_read(const struct store *store, const char *user_id,
    const char *connection_id, char **json)
{
	const struct q_connection_list_args args = {
		.user_id = user_id,
		.connection_id = connection_id,
	};

	return store_one(
	    store, q_connection_list_with(&args), "connection", json);
}

/* Run a statement that returns a row if the connection is this user's. */
static enum err
run_for_one(const struct store *store, struct statement statement)
{
	char *id = NULL;
	enum err err = store_one(store, statement, "id", &id);

	free(id);
	return err;
}

enum err
connection_add(const struct store *store, const struct connection *conn)
{
	const struct q_connection_add_args args = {
		.user_id = conn->user_id,
		.connection_id = conn->id,
		.type = conn->type,
		.label = conn->label ? conn->label : "",
		.key_sealed = { conn->key_sealed, conn->key_sealed_len },
		.key_id = conn->key_id,
		.metadata = conn->metadata ? conn->metadata : "{}",
		.most = CONNECTIONS_MOST,
	};
	enum err err = run_for_one(store, q_connection_add_with(&args));

	return err != ERR_NOTFOUND
		   ? err
		   : err_set(ERR_CONFLICT,
			 "You have %d connections, and there can be no more.",
			 CONNECTIONS_MOST);
}

enum err
connection_update(const struct store *store, const char *user_id,
    const char *connection_id, const struct connection_change *change)
{
	struct q_connection_update_args args = {
		.user_id = user_id,
		.connection_id = connection_id,
		.label = change->label,
		.writeback = change->writeback,
		.is_active = change->is_active,
	};

	if (change->sealed) {
		args.key_sealed.ptr = change->sealed->key_sealed;
		args.key_sealed.len = change->sealed->key_sealed_len;
		args.key_id = change->sealed->key_id;
	}
	return run_for_one(store, q_connection_update_with(&args));
}

enum err
connection_delete(
    const struct store *store, const char *user_id, const char *connection_id)
{
	const struct q_connection_delete_args args = {
		.user_id = user_id,
		.connection_id = connection_id,
	};

	return run_for_one(store, q_connection_delete_with(&args));
}

enum err
connection_poll_now(
    const struct store *store, const char *user_id, const char *connection_id)
{
	const struct q_connection_poll_now_args args = {
		.user_id = user_id,
		.connection_id = connection_id,
	};

	return run_for_one(store, q_connection_poll_now_with(&args));
}

static void
read_health(const struct rows *rows, size_t row, struct provider_health *out)
{
	snprintf(
	    out->type, sizeof(out->type), "%s", rows_text(rows, row, "type"));
	out->connections = rows_int(rows, row, "connections");
	out->without_key = rows_int(rows, row, "without_key");
	out->auth_failed = rows_int(rows, row, "auth_failed");
	out->failing = rows_int(rows, row, "failing");
	out->last_complete_run_age_s =
	    rows_text(rows, row, "last_complete_run_age_s")
		? rows_int(rows, row, "last_complete_run_age_s")
		: -1;
}

enum err
connection_health(const struct store *store, const char *const *types,
    size_t count, struct provider_health *out)
{
	struct q_health_read_args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	for (size_t i = 0; i < count; i++)
		array_text(&args.types, types[i]);
	err = store_run(store, q_health_read_with(&args), &rows);
	for (size_t i = 0; !err && i < rows_count(&rows) && i < count; i++)
		read_health(&rows, i, &out[i]);
	rows_done(&rows);
	q_health_read_args_done(&args);
	return err;
}

enum err
connection_note(const struct store *store, const char *connection_id)
{
	const struct q_connection_note_args args = {
		.connection_id = connection_id,
	};

	return store_run(store, q_connection_note_with(&args), NULL);
}

enum err
connection_plain(
    const struct store *store, const char *after, struct connection *out)
{
	const struct q_connection_plain_args args = {
		.after = after,
		.limit = 1,
	};
	struct rows rows = { 0 };
	enum err err = store_run(store, q_connection_plain_with(&args), &rows);

	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_NOTFOUND, "no connection has a plain key");
	if (!err) {
		snprintf(out->id, sizeof(out->id), "%s",
		    rows_text(&rows, 0, "connection_id"));
		snprintf(out->user_id, sizeof(out->user_id), "%s",
		    rows_text(&rows, 0, "user_id"));
		snprintf(out->type, sizeof(out->type), "%s",
		    rows_text(&rows, 0, "type"));
		if (!copy(rows_text(&rows, 0, "api_key"), &out->key))
			err = err_set(ERR_NOMEM, "no memory for a key");
	}
	rows_done(&rows);
	return err;
}

enum err
connection_seal(const struct store *store, const struct connection *conn)
{
	const struct q_connection_seal_args args = {
		.connection_id = conn->id,
		.api_key = conn->key,
		.key_sealed = { conn->key_sealed, conn->key_sealed_len },
		.key_id = conn->key_id,
	};
	struct rows rows = { 0 };
	enum err err = store_run(store, q_connection_seal_with(&args), &rows);

	if (!err && rows_count(&rows) == 0)
		err = err_set(ERR_CONFLICT,
		    "it was not sealed: what stands there has changed");
	rows_done(&rows);
	return err;
}

enum err
connection_publish(
    const struct store *store, const char *connection_id, const char *patch)
{
	const struct q_connection_publish_args args = {
		.connection_id = connection_id,
		.patch = patch,
	};

	return store_run(store, q_connection_publish_with(&args), NULL);
}
