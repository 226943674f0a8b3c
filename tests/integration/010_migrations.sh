#!/bin/bash
# The schema: made from nothing, on top of a project that has tasks already, by
# several at once, and by hand; and every query of sql/queries fits it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

MIGRATIONS=("$STACK_ROOT"/sql/migrations/*.sql)

# new_database NAME: empty, of the gateway's role.
new_database() {
	stack_admin postgres -c "create database $1 owner flowpin"
	STACK_DATABASE=$1
}

# migrate NAME: what flowpinctl says goes to $STACK_DIR/migrate.NAME
migrate() {
	FLOWPIN_DATABASE_URL=${DATABASE_URL%/flowpin}/$1 \
		"$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" \
		migrate >>"$STACK_DIR/migrate.log" 2>&1
}

# What a schema is, by name, whatever order its columns were added in.
catalogue() {
	stack_admin "$1" -A -t <<-'SQL'
		select 'table', c.relname, c.relkind, c.relrowsecurity,
		       c.relforcerowsecurity, c.reloptions,
		       obj_description(c.oid, 'pg_class')
		  from pg_class c
		 where c.relnamespace = 'public'::regnamespace
		   and c.relkind in ('r', 'v', 'S', 'p', 'm')
		 order by 2;
		select 'column', c.relname, a.attname,
		       format_type(a.atttypid, a.atttypmod), a.attnotnull,
		       a.attidentity, a.attgenerated,
		       pg_get_expr(d.adbin, d.adrelid),
		       col_description(c.oid, a.attnum)
		  from pg_attribute a
		  join pg_class c on c.oid = a.attrelid
		  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
		 where c.relnamespace = 'public'::regnamespace
		   and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
		 order by 2, 3;
		select 'constraint', conrelid::regclass, conname, convalidated,
		       pg_get_constraintdef(oid)
		  from pg_constraint
		 where connamespace = 'public'::regnamespace
		 order by 2::text, 3;
		select 'index', indexname, indexdef
		  from pg_indexes where schemaname = 'public' order by 2;
		select 'trigger', tgname, pg_get_triggerdef(oid)
		  from pg_trigger where not tgisinternal order by 2;
		select 'function', proname, pg_get_functiondef(oid),
		       obj_description(oid, 'pg_proc')
		  from pg_proc
		 where pronamespace = 'public'::regnamespace order by 2;
		select 'policy', * from pg_policies order by policyname;
		select 'migration', number, name from flowpin_migrations order by 2;
	SQL
}

# A project that had Flowpin's own tables before the gateway came.
older_project() { # NAME COLUMNS_OF_TASKS
	new_database "$1"
	stack_sql <<-SQL
		create table integrations (
			id uuid primary key default gen_random_uuid(),
			user_id uuid not null,
			type text not null,
			access_token text,
			created_at timestamptz not null default now());
		create table tasks (
			id uuid primary key default gen_random_uuid(),
			user_id uuid not null,
			title text not null,
			source text default 'manual',
			source_id text,
			$2
			completed_at timestamptz);
		insert into integrations (user_id, type, access_token)
		values ('$DEMO_USER', 'todoist', 'old');
		insert into tasks (user_id, title, source, source_id)
		select '$DEMO_USER', 'task ' || n, 'todoist', 'old' || n
		  from generate_series(1, 500) n;
		insert into tasks (user_id, title, completed_at)
		values ('$DEMO_USER', 'done', '2024-05-06 07:08:09Z');
	SQL
}

# Rewriting a row, or the whole table, would show here.
fingerprint() {
	sql "select pg_relation_filenode('tasks'),
		    md5(string_agg(concat(id, title, source, source_id,
			completed_at, xmin, ctid), ',' order by id))
	       from tasks $1"
}

test_an_empty_database_gets_the_whole_schema() {
	new_database empty
	ok "migrating works" migrate empty
	is "$(sql 'select count(*) from flowpin_migrations')" \
		"${#MIGRATIONS[@]}" "every migration is noted"
	is "$(sql 'select count(*) from tasks')" 0 "there are tasks to be had"
}

test_a_second_time_changes_nothing() {
	local before

	before=$(catalogue empty)
	ok "migrating again works" migrate empty
	like "$(tail -n 1 "$STACK_DIR/migrate.log")" ' 0 migrations' \
		"nothing was left to do"
	is "$(catalogue empty)" "$before" "the catalogue is the same"
}

test_four_migrators_at_once_make_one_schema() {
	local pids=() pid bad=0

	new_database crowd
	for _ in 1 2 3 4; do
		migrate crowd &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || bad=1
	done
	is "$bad" 0 "all of them end well"
	is "$(catalogue crowd)" "$(catalogue empty)" "as one alone makes it"
}

test_the_file_for_a_new_database_gives_the_same_catalogue() {
	new_database byhand
	stack_sql -f "$STACK_ROOT/sql/setup-db.sql" >/dev/null ||
		flunk "setup-db.sql runs"
	catalogue byhand >"$STACK_DIR/byhand"
	catalogue empty >"$STACK_DIR/empty"
	is "$(diff "$STACK_DIR/empty" "$STACK_DIR/byhand")" '' \
		"no difference (< migrations, > setup-db.sql)"
	ok "migrating it works" migrate byhand
	like "$(tail -n 1 "$STACK_DIR/migrate.log")" ' 0 migrations' \
		"and has nothing to do"
}

test_a_project_with_tasks_keeps_them_unwritten() {
	local before

	older_project older "status text not null default 'active',"
	before=$(fingerprint '')
	ok "migrating works" migrate older
	is "$(fingerprint '')" "$before" "no row was touched or moved"
	is "$(sql 'select count(*) from tasks where connection_id is not null')" \
		0 "no task has a connection"
	is "$(sql 'select count(*), min(status) from integrations
		where access_token is not null')" '1|active' \
		"the integration is there, with what it had"
}

test_a_project_without_status_keeps_what_was_done_done() {
	local before

	older_project nostatus ''
	before=$(fingerprint 'where completed_at is null')
	ok "migrating works" migrate nostatus
	is "$(fingerprint 'where completed_at is null')" "$before" \
		"no open task was touched"
	is "$(sql "select status from tasks where title = 'done'")" completed \
		"the one with a completion time is completed"
	is "$(sql "select count(*) from tasks where status = 'active'")" 500 \
		"the others are active"
}

test_a_migration_that_fails_leaves_nothing_half_done() {
	new_database broken
	# poll_runs exists already, with another shape
	sql 'create table poll_runs (id integer)'
	migrate broken && flunk "migrating fails"
	is "$(sql 'select max(number) from flowpin_migrations')" 7 \
		"all before it are there, none after"
	sql 'drop table poll_runs'
	ok "migrating goes on once the obstacle is gone" migrate broken
	is "$(catalogue broken)" "$(catalogue empty)" "to the same schema"
}

# Where the tables are somebody else's, as on Supabase.
test_a_role_that_owns_nothing_can_do_the_gateways_work() {
	local table

	stack_admin postgres -c 'create database others'
	STACK_DATABASE=others
	stack_admin others -f "$STACK_ROOT/sql/setup-db.sql"
	is "$(sql 'select count(*) from tasks' 2>&1 | grep -c denied)" 1 \
		"at first it may not"
	stack_admin others -f "$STACK_ROOT/sql/gateway-role.sql" ||
		flunk "gateway-role.sql runs"
	stack_admin others -f "$STACK_ROOT/sql/gateway-role.sql" ||
		flunk "and runs again"
	sql "insert into tasks (user_id, title) values ('$DEMO_USER', 'x');
		update tasks set title = 'y', status = 'archived';
		insert into events (user_id, type)
		values ('$DEMO_USER', 'task.completed')"
	is "$(sql 'select title, version from tasks')" 'y|2' "it writes rows"
	for table in $(sql "select relname from pg_class where relkind = 'r'
		and relnamespace = 'public'::regnamespace order by 1"); do
		sql "select count(*) from $table" >/dev/null ||
			flunk "it reads $table"
	done
	sql 'alter table tasks add x text' 2>/dev/null &&
		flunk "it changes no table"
	return 0
}

test_every_query_fits_the_schema() {
	local file

	STACK_DATABASE=empty
	for file in "$STACK_ROOT"/sql/queries/*.sql; do
		{
			echo 'prepare q as'
			stack_query "$file"
			echo ';'
		} | stack_sql >"$STACK_DIR/prepare" 2>&1 ||
			flunk "${file##*/}: $(cat "$STACK_DIR/prepare")"
	done
}

test_every_table_is_explained_and_closed_to_others() {
	STACK_DATABASE=empty
	is "$(sql "select c.relname from pg_class c
		where c.relnamespace = 'public'::regnamespace
		  and c.relkind = 'r' and obj_description(c.oid) is null")" '' \
		"no table without a comment"
	is "$(sql "select c.relname from pg_class c
		where c.relnamespace = 'public'::regnamespace
		  and c.relkind = 'r' and not c.relrowsecurity")" '' \
		"no table without row level security"
}

stack_init || bail "no directory"
stack_postgres || bail "no PostgreSQL"
run_tests
