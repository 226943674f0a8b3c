/* Each thing that is looked at prints a line. Rights are tried by using them,
 * in transactions that are rolled back. */
#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/keys.h"
#include "core/store/connection.h"
#include "queries.h"

#define KEYS_MOST 10000
#define SKEW_MOST_MS 2000

static void
print_line(const char *what, bool is_well, const char *words, bool *all_well)
{
	printf("%-6s %s: %s\n", is_well ? "ok" : "ERROR", what, words);
	*all_well = *all_well && is_well;
}

static enum err
look(const struct store *store, bool *is_well)
{
	struct rows rows = { 0 };
	enum err err = store_run(store, q_doctor_look_with(), &rows);

	for (size_t i = 0; !err && i < rows_count(&rows); i++) {
		const char *what = rows_text(&rows, i, "what");
		const char *words = rows_text(&rows, i, "words");

		if (!rows_text(&rows, i, "is_well"))
			printf("%-6s %s: %s\n", "", what, words);
		else
			print_line(what, rows_bool(&rows, i, "is_well"), words,
			    is_well);
	}
	rows_done(&rows);
	return err;
}

/* Compare the clocks, and find out whether a pooler is in between: it gives a
 * process number of its own when a connection is opened. */
static enum err
look_at_clock(struct db *db, bool is_prepared, bool *is_well)
{
	int64_t before = clock_wall_ms(), skew_ms, off_ms;
	char words[160];
	struct rows rows = { 0 };
	bool is_pooled;
	enum err err = db_run(db, q_doctor_clock_with(), &rows);

	if (err)
		return err;
	skew_ms = rows_int(&rows, 0, "now_ms") -
		  (before + (clock_wall_ms() - before) / 2);
	is_pooled = rows_int(&rows, 0, "pid") != db_backend_pid(db);
	rows_done(&rows);
	off_ms = skew_ms < 0 ? -skew_ms : skew_ms;
	snprintf(words, sizeof(words),
	    "the database is %" PRId64 " ms %s this host", off_ms,
	    skew_ms < 0 ? "behind" : "ahead of");
	print_line("clock", off_ms < SKEW_MOST_MS, words, is_well);
	print_line("pooler", !is_pooled || !is_prepared,
	    !is_pooled    ? "none in between"
	    : is_prepared ? "one in between, which may lose named statements: "
			    "set database_prepared = 0"
			  : "one in between; nothing here depends on a session",
	    is_well);
	return OK;
}

/* A statement for each right that the programs need, as they use it. */
/* clang-format off */
static const struct {
	const char *what, *sql;
} rights[] = {
	{ "read tasks", "select * from public.tasks limit 0" },
	{ "read integrations", "select * from public.integrations limit 0" },
	{ "make tasks", "insert into public.tasks (id, user_id, title, source, source_id, connection_id, status, updated_at) "
	  "select id, user_id, title, source, source_id, connection_id, status, updated_at from public.tasks limit 0" },
	{ "change tasks", "update public.tasks set status = status, completed_at = completed_at, connection_id = connection_id, "
	  "source_id = source_id, title = title, updated_at = updated_at where false" },
	{ "delete tasks", "delete from public.tasks where false" },
	{ "make integrations", "insert into public.integrations (id, user_id, type, label, metadata) "
	  "select id, user_id, type, label, metadata from public.integrations limit 0" },
	{ "change integrations", "update public.integrations set label = label, is_active = is_active, metadata = metadata, api_key = api_key where false" },
	{ "delete integrations", "delete from public.integrations where false" },
	{ "read views", "select (select count(*) from (select * from gateway.connection_state limit 0) a), "
	  "(select count(*) from (select * from gateway.connection_use limit 0) b), "
	  "(select count(*) from (select * from gateway.item_tasks limit 0) c)" },
	{ "change gateway.connections", "insert into gateway.connections select * from gateway.connections limit 0; "
	  "update gateway.connections set generation = generation where false" },
	{ "change gateway.links", "insert into gateway.links select * from gateway.links limit 0; "
	  "update gateway.links set version = version where false; delete from gateway.links where false" },
	{ "change gateway.writebacks", "insert into gateway.writebacks select * from gateway.writebacks limit 0; "
	  "update gateway.writebacks set reason = reason where false; delete from gateway.writebacks where false" },
	{ "change gateway.inbox_items", "insert into gateway.inbox_items select * from gateway.inbox_items limit 0; "
	  "update gateway.inbox_items set title = title where false; delete from gateway.inbox_items where false" },
	{ "change gateway.poll_runs", "insert into gateway.poll_runs select * from gateway.poll_runs limit 0; "
	  "update gateway.poll_runs set pages = pages where false; delete from gateway.poll_runs where false" },
	{ "change gateway.decisions", "insert into gateway.decisions select * from gateway.decisions limit 0; delete from gateway.decisions where false" },
	{ "change gateway.guards", "insert into gateway.guards select * from gateway.guards limit 0; "
	  "update gateway.guards set held = held where false; delete from gateway.guards where false" },
	{ "change gateway.events", "insert into gateway.events (user_id, type) select user_id, type from gateway.events limit 0; "
	  "delete from gateway.events where false" },
	{ "change gateway.idempotency_keys", "insert into gateway.idempotency_keys select * from gateway.idempotency_keys limit 0; "
	  "update gateway.idempotency_keys set status = status where false; delete from gateway.idempotency_keys where false" },
	{ "change gateway.key_sets", "insert into gateway.key_sets select * from gateway.key_sets limit 0; "
	  "update gateway.key_sets set keys = keys where false" },
	{ "change gateway.reconciling", "update gateway.reconciling set after_task_id = after_task_id where false" },
	{ "call the rules", "select gateway.reconcile('{}'), gateway.connection_note('{}'), gateway.us(now()), gateway.time_text(now()), "
	  "gateway.tasks_seen(gen_random_uuid(), '', null), gateway.inbox_seen(gen_random_uuid(), null), "
	  "gateway.ownership(gen_random_uuid(), '', null), gateway.link_version(gen_random_uuid()), "
	  "gateway.task_status('active'), gateway.task_source('manual'), gateway.is_due(null::gateway.connections, false), gateway.limit_until(null, 0), gateway.is_told(null, null)" },
	{ "import", "select gateway.import_item(gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), null, null)" },
};
/* clang-format on */

static void
try_rights(struct db *db, bool *is_well)
{
	size_t count = sizeof(rights) / sizeof(rights[0]), good = 0;
	char script[1200], words[400];

	for (size_t i = 0; i < count; i++) {
		snprintf(script, sizeof(script), "begin; %s; rollback",
		    rights[i].sql);
		if (!db_script(db, script)) {
			good++;
			continue;
		}
		snprintf(words, sizeof(words), "%s", err_text());
		print_line(rights[i].what, false, words, is_well);
		if (db_script(db, "rollback"))
			break; /* the connection is gone */
	}
	snprintf(
	    words, sizeof(words), "%zu of %zu tried and fine", good, count);
	print_line("rights", good == count, words, is_well);
}

/* Open the sealed keys of one connection after another, to see whether that
 * works. *opened, *failed: how many. */
static enum err
open_keys(const struct store *store, const struct crypto_keys *keys,
    int *opened, int *failed)
{
	char after[CRYPTO_UUID] = "";
	enum err err = OK;

	while (!err && *opened + *failed < KEYS_MOST) {
		const struct q_doctor_keys_args args = {
			.after = *after ? after : NULL, .limit = 1
		};
		struct connection conn = { 0 };
		struct rows rows = { 0 };

		err = store_run(store, q_doctor_keys_with(&args), &rows);
		if (!err && rows_count(&rows) == 0) {
			rows_done(&rows);
			break;
		}
		if (!err) {
			snprintf(conn.user_id, sizeof(conn.user_id), "%s",
			    rows_text(&rows, 0, "user_id"));
			err = connection_from_row(&rows, 0, &conn);
		}
		if (!err) {
			snprintf(after, sizeof(after), "%s", conn.id);
			if (keys_open(keys, &conn)) {
				++*failed;
				printf("ERROR  connection %s: %s\n", conn.id,
				    err_text());
			} else {
				++*opened;
			}
		}
		rows_done(&rows);
		connection_done(&conn);
	}
	return err;
}

static enum err
look_at_keys(
    const struct store *store, const struct crypto_keys *keys, bool *is_well)
{
	int opened = 0, failed = 0;
	char words[120];
	enum err err = open_keys(store, keys, &opened, &failed);

	if (err)
		return err;
	snprintf(words, sizeof(words), "%d open, %d cannot be opened%s", opened,
	    failed,
	    opened + failed == KEYS_MOST ? "; no more were looked at" : "");
	print_line("sealed keys", failed == 0, words, is_well);
	return OK;
}

enum err
doctor_database(const struct store *store, const struct crypto_keys *keys,
    bool is_prepared, bool *is_well)
{
	struct db *db = NULL;
	enum err err =
	    db_get(store->pool, clock_mono_ms() + store->wait_ms, &db);

	if (err)
		return err;
	err = look_at_clock(db, is_prepared, is_well);
	if (!err)
		try_rights(db, is_well);
	db_put(store->pool, db);
	if (!err)
		err = look(store, is_well);
	if (!err)
		err = look_at_keys(store, keys, is_well);
	return err;
}
