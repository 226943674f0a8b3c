/* Connections: one typed call per statement, and how a row becomes one. */
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
	conn->generation = rows_int(rows, row, "generation");
	conn->key_version = rows_int(rows, row, "key_version");
	conn->rate_limited_until_ms = rows_int(rows, row, "rate_limited_ms");
	/* by the database's clock, which all processes share */
	if (conn->rate_limited_until_ms > 0)
		conn->rate_limited_until_ms += clock_wall_ms();
	if (!copy(rows_text(rows, row, "name"), &conn->name) ||
	    !copy(rows_text(rows, row, "metadata"), &conn->metadata) ||
	    !copy(rows_text(rows, row, "account_id"), &conn->account_id))
		return err_set(ERR_NOMEM, "no memory for a connection");
	return rows_bytes(
	    rows, row, "key_sealed", &conn->key_sealed, &conn->key_sealed_len);
}

enum err
connection_list(const struct store *store, const char *user_id, char **json)
{
	struct buf buf = BUF_INIT((size_t)16 * 1024 * 1024);
	struct args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	args_text(&args, user_id);
	args_text(&args, NULL);
	err = store_run(store, &q_connection_list, &args, &rows);
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
	args_done(&args);
	return err;
}

enum err
connection_read(const struct store *store, const char *user_id,
    const char *connection_id, char **json)
{
	struct args args = { 0 };

	args_text(&args, user_id);
	args_text(&args, connection_id);
	return store_one(store, &q_connection_list, &args, "connection", json);
}

enum err
connection_add(const struct store *store, const struct connection *conn)
{
	struct args args = { 0 };
	enum err err;

	args_text(&args, conn->user_id);
	args_text(&args, conn->id);
	args_text(&args, conn->type);
	args_text(&args, conn->name ? conn->name : "");
	args_bytes(&args, conn->key_sealed, conn->key_sealed_len);
	args_text(&args, conn->key_id);
	args_text(&args, conn->metadata ? conn->metadata : "{}");
	err = store_run(store, &q_connection_add, &args, NULL);
	args_done(&args);
	return err;
}

/* One row back means that it was this user's. */
static enum err
run_for_one(const struct store *store, const struct query *q, struct args *args)
{
	char *id = NULL;
	enum err err = store_one(store, q, args, "id", &id);

	free(id);
	args_done(args);
	return err;
}

enum err
connection_update(const struct store *store, const char *user_id,
    const char *connection_id, const struct connection_change *change)
{
	struct args args = { 0 };

	args_text(&args, user_id);
	args_text(&args, connection_id);
	args_text(&args, change->name);
	if (change->sealed) {
		args_bytes(&args, change->sealed->key_sealed,
		    change->sealed->key_sealed_len);
		args_text(&args, change->sealed->key_id);
	} else {
		args_text(&args, NULL);
		args_text(&args, NULL);
	}
	if (change->writeback)
		args_bool(&args, *change->writeback);
	else
		args_text(&args, NULL);
	args_text(&args, change->status);
	return run_for_one(store, &q_connection_update, &args);
}

enum err
connection_delete(
    const struct store *store, const char *user_id, const char *connection_id)
{
	struct args args = { 0 };

	args_text(&args, user_id);
	args_text(&args, connection_id);
	return run_for_one(store, &q_connection_delete, &args);
}

enum err
connection_poll_now(
    const struct store *store, const char *user_id, const char *connection_id)
{
	struct args args = { 0 };

	args_text(&args, user_id);
	args_text(&args, connection_id);
	return run_for_one(store, &q_connection_poll_now, &args);
}

static void
read_health(const struct rows *rows, size_t row, struct provider_health *out)
{
	snprintf(
	    out->type, sizeof(out->type), "%s", rows_text(rows, row, "type"));
	out->connections = rows_int(rows, row, "connections");
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
	struct array names = ARRAY_INIT;
	struct args args = { 0 };
	struct rows rows = { 0 };
	enum err err;

	for (size_t i = 0; i < count; i++)
		array_text(&names, types[i]);
	args_array(&args, &names);
	err = store_run(store, &q_health_read, &args, &rows);
	for (size_t i = 0; !err && i < rows_count(&rows) && i < count; i++)
		read_health(&rows, i, &out[i]);
	rows_done(&rows);
	args_done(&args);
	array_done(&names);
	return err;
}
