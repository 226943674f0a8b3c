/* One transaction per migration, as one script: it creates the list if need
 * be, takes a lock that ends with the transaction (a pooler may stand in
 * between), and raises an exception of its own when the number is there. */
#include "migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "migrations.h"

/* any constant; it names this lock among an application's advisory locks */
#define LOCK "781200411"

static enum err
apply_one(struct db *db, const struct migration *m)
{
	struct buf script = BUF_INIT((size_t)4 * 1024 * 1024);
	enum err err;

	/* the comments of a migration stay in its file: only SQL goes out */
	err = buf_addf(&script,
	    "begin;\n"
	    "set local lock_timeout = '30s';\n"
	    "insert into flowpin_migrations (number, name) values (%d, '%s');"
	    "\n%s\ncommit;\n",
	    m->number, m->name, m->sql);
	if (!err)
		err = db_script(db, script.ptr);
	buf_done(&script);
	return err;
}

/* Its list of migrations, made under a lock: `if not exists` alone races. */
static enum err
make_list(struct db *db)
{
	return db_script(db,
	    "begin;\n"
	    "set local client_min_messages = warning;\n"
	    "select pg_advisory_xact_lock(" LOCK ");\n"
	    "create table if not exists flowpin_migrations (\n"
	    "	number integer primary key,\n"
	    "	name text not null,\n"
	    "	applied_at timestamptz not null default now()\n"
	    ");\n"
	    "alter table flowpin_migrations enable row level security;\n"
	    "comment on table flowpin_migrations is "
	    "'Which migrations this database has.';\n"
	    "commit;\n");
}

enum err
migrate(struct db_pool *pool, int64_t deadline_ms, int *applied)
{
	struct db *db = NULL;
	enum err err = db_get(pool, deadline_ms, &db);

	*applied = 0;
	if (err)
		return err;
	err = make_list(db);
	for (const struct migration *m = migrations; !err && m->number; m++) {
		err = apply_one(db, m);
		if (!err) {
			++*applied;
			continue;
		}
		/* its number was there: done, by us before or by another */
		if (err == ERR_CONFLICT &&
		    !strcmp(db_constraint(), "flowpin_migrations_pkey"))
			err = OK;
		if (db_script(db, "rollback"))
			break;
	}
	db_put(pool, db);
	return err;
}
