/* All of it is one transaction: if a project lacks something or has it twice,
 * the error says so and nothing is changed. The lock that keeps two runners
 * apart ends with the transaction, because a pooler may stand in between; the
 * second runner finds the work done. Rules (views, functions, triggers) are
 * made anew each time, so that a trigger that somebody dropped is back. */
#include "migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/clock.h"
#include "migrations.h"
#include "queries.h"

/* any constant: it names this lock among the database's advisory locks */
#define LOCK "781200411"
#define TRIES 20
#define SCRIPT_MAX ((size_t)4 * 1024 * 1024)

static const char begin[] = "begin;\n"
			    "set local lock_timeout = '30s';\n"
			    "set local client_min_messages = warning;\n"
			    "select pg_advisory_xact_lock(" LOCK ");\n";

/* While Flowpin's tables are locked, and while we wait for the locks, clients
 * wait too; at Supabase they give up after 8 s. The tables are locked in the
 * order in which deleting a connection locks them, and at once as strongly as
 * needed, so that no client's write meets a deadlock. */
static const char lock[] =
    "set local lock_timeout = '4s';\n"
    "do $$\n"
    "begin\n"
    "	if to_regclass('public.integrations') is null\n"
    "	   or to_regclass('public.tasks') is null then\n"
    "		return;\n"
    "	end if;\n"
    "	lock table public.integrations in share row exclusive mode;\n"
    "	if exists (select from pg_attribute\n"
    "		where attrelid = 'public.tasks'::regclass\n"
    "		  and attname = 'connection_id' and not attisdropped) then\n"
    "		lock table public.tasks in share row exclusive mode;\n"
    "	else\n"
    "		lock table public.tasks in access exclusive mode;\n"
    "	end if;\n"
    "end\n"
    "$$;\n";

/* Statements that are under way lock views in another order than they are made
 * anew in. Whoever waits for a lock longer than deadlock_timeout, a second,
 * looks for a deadlock and is the one to fail. So we give up long before
 * that. */
static const char lock_views[] = "set local lock_timeout = '100ms';\n";

static const char list[] =
    "create schema if not exists gateway;\n"
    "create table if not exists gateway.migrations (\n"
    "	number integer primary key,\n"
    "	name text not null,\n"
    "	applied_at timestamptz not null default now()\n"
    ");\n"
    "comment on schema gateway is "
    "'What the Flowpin gateway keeps. No client reads or writes here.';\n"
    "comment on table gateway.migrations is "
    "'Which migrations this database has.';\n";

/* Additions go last, because the gateway's own views depend on them. The rights
 * of a role that owns the tables are not the gateway's to take. */
static const char undo[] =
    "set local lock_timeout = '4s';\n"
    "do $$\n"
    "declare\n"
    "	name text;\n"
    "	added text[] := '{}';\n"
    "begin\n"
    "	foreach name in array array['integrations', 'tasks', 'buckets'] loop\n"
    "		if to_regclass('public.' || name) is null then\n"
    "			continue;\n"
    "		end if;\n"
    "		execute format('lock table public.%I in access "
    "exclusive mode', name);\n"
    "		execute format('drop trigger if exists flowpin_gateway "
    "on public.%I', name);\n"
    "		execute format('drop policy if exists flowpin_gateway "
    "on public.%I', name);\n"
    "		if exists (select from pg_class c, pg_roles r\n"
    "			where c.oid = to_regclass('public.' || name)\n"
    "			  and r.rolname = 'flowpin'\n"
    "			  and r.oid <> c.relowner) then\n"
    "			execute format('revoke all on public.%I "
    "from flowpin', name);\n"
    "		end if;\n"
    "	end loop;\n"
    "	if exists (select from pg_namespace n, pg_roles r\n"
    "		where n.nspname = 'public' and r.rolname = 'flowpin'\n"
    "		  and not pg_has_role(r.oid, n.nspowner, 'usage')) then\n"
    "		revoke usage on schema public from flowpin;\n"
    "	end if;\n"
    "	if to_regclass('gateway.additions') is not null then\n"
    "		added := array(select a.name from gateway.additions a);\n"
    "	end if;\n"
    "	drop schema if exists gateway cascade;\n"
    "	if 'idx_tasks_connection_id' = any (added) then\n"
    "		drop index if exists public.idx_tasks_connection_id;\n"
    "	end if;\n"
    "	if 'tasks.connection_id' = any (added) then\n"
    "		alter table public.tasks drop column if exists "
    "connection_id;\n"
    "	end if;\n"
    "	if 'tasks_user_id_source_source_id_key' = any (added) then\n"
    "		drop index if exists "
    "public.tasks_user_id_source_source_id_key;\n"
    "	end if;\n"
    "end\n"
    "$$;\n";

static enum err
add_migration(struct buf *script, const struct migration *m)
{
	/* m->sql comes without the comments at the head of its file */
	return buf_addf(script,
	    "insert into gateway.migrations (number, name) values (%d, '%s');\n"
	    "%s\n",
	    m->number, m->name, m->sql);
}

static enum err
add_rules(struct buf *script)
{
	enum err err = OK;

	for (const struct migration *r = rules; !err && r->number; r++)
		err = buf_addf(script, "%s\n", r->sql);
	return err;
}

static bool
is_applied(const struct rows *rows, int number)
{
	for (size_t i = 0; i < rows_count(rows); i++)
		if (rows_int(rows, i, "number") == number)
			return true;
	return false;
}

/* Add everything that is missing, to the end of the transaction. */
static enum err
add_missing(const struct rows *rows, struct buf *script, int *missing)
{
	enum err err = buf_addf(script, "%s%s", lock, lock_views);

	for (const struct migration *m = migrations; !err && m->number; m++) {
		if (is_applied(rows, m->number))
			continue;
		err = add_migration(script, m);
		++*missing;
	}
	if (!err)
		err = add_rules(script);
	if (!err)
		err = buf_add_str(script, "commit;\n");
	return err;
}

/* End a failed transaction before its connection is given back. err_text()
 * still says what went wrong. */
static enum err
end_failed(struct db *db, enum err err)
{
	char why[512];

	snprintf(why, sizeof(why), "%s", err_text());
	if (db_script(db, "rollback"))
		return err_set(ERR_DB, "%s", why);
	if (err == ERR_BUSY)
		return err_set(err,
		    "the tables are in use by a transaction that does not "
		    "end; nothing was changed, try again (%s)",
		    why);
	return err_set(err, "%s", why);
}

static enum err
print_missing(struct db *db, const struct rows *rows, int *missing)
{
	for (const struct migration *m = migrations; m->number; m++) {
		if (is_applied(rows, m->number))
			continue;
		printf("%s\n", m->name);
		++*missing;
	}
	return db_script(db, "rollback");
}

static enum err
apply_missing(struct db *db, bool is_dry, int *count)
{
	struct buf script = BUF_INIT(SCRIPT_MAX);
	struct rows rows = { 0 };
	int missing = 0;
	enum err err = buf_addf(&script, "%s%s", begin, list);

	if (!err)
		err = db_script(db, script.ptr);
	buf_clear(&script);
	if (!err)
		err = db_run(db, q_migration_list_with(), &rows);
	if (!err)
		err = is_dry ? print_missing(db, &rows, &missing)
			     : add_missing(&rows, &script, &missing);
	rows_done(&rows);
	if (!err && !is_dry)
		err = db_script(db, script.ptr);
	buf_done(&script);
	if (err)
		return end_failed(db, err);
	*count = missing;
	return OK;
}

enum err
migrate(struct db_pool *pool, int64_t deadline_ms, bool is_dry, int *count)
{
	struct db *db = NULL;
	enum err err = db_get(pool, deadline_ms, &db);

	*count = 0;
	if (err)
		return err;
	for (int i = 0; i < TRIES; i++) {
		err = apply_missing(db, is_dry, count);
		if (err != ERR_BUSY)
			break;
		clock_sleep_ms(100 << (i < 4 ? i : 4));
	}
	db_put(pool, db);
	return err;
}

void
migrate_print(void)
{
	printf(
	    "-- The Flowpin gateway's schema, on top of Flowpin's own, for a "
	    "database that\n-- has none of it: psql -f\n%s%s%s",
	    begin, list, lock);
	for (const struct migration *m = migrations; m->number; m++)
		printf("\n-- %s\ninsert into gateway.migrations (number, name) "
		       "values (%d, '%s');\n%s",
		    m->name, m->number, m->name, m->sql);
	for (const struct migration *r = rules; r->number; r++)
		printf("\n-- %s\n%s", r->name, r->sql);
	printf("\ncommit;\n");
}

enum err
migrate_undo(struct db_pool *pool, int64_t deadline_ms, bool is_dry)
{
	struct buf script = BUF_INIT(SCRIPT_MAX);
	struct db *db = NULL;
	enum err err = db_get(pool, deadline_ms, &db);

	if (err)
		return err;
	err = buf_addf(
	    &script, "%s%s%s;\n", begin, undo, is_dry ? "rollback" : "commit");
	if (!err)
		err = db_script(db, script.ptr);
	if (err)
		err = end_failed(db, err);
	buf_done(&script);
	db_put(pool, db);
	return err;
}
