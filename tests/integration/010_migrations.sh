#!/bin/bash
# The schema in a database of the gateway's own: made from nothing, by several at
# once, and by hand; and every query of sql/queries fits it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=flowpins.sh
. "$(dirname "$0")/flowpins.sh"

MIGRATIONS=("$STACK_ROOT"/sql/migrations/*.sql)

# migrate NAME [OPTION]: what flowpinctl says goes to $STACK_DIR/migrate.log
migrate() {
	FLOWPIN_DATABASE_URL=$(url_of "$1") \
		"$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" \
		migrate "${@:2}" >>"$STACK_DIR/migrate.log" 2>&1
}

# schema_of NAME: what the gateway needs, all of it.
schema_of() {
	catalogue "$1" public gateway
	stack_admin "$1" -A -t \
		-c 'select number, name from gateway.migrations order by number' \
		-c 'select name from gateway.additions order by name'
}

test_a_dry_run_says_what_is_missing_and_changes_nothing() {
	new_database dry
	ok "it can be tried" migrate dry --dry-run
	is "$(sed '$d' "$STACK_DIR/migrate.log")" "$(printf '%s\n' "${MIGRATIONS[@]##*/}" |
		sed 's/\.sql$//')" "each is named"
	is "$(sql "select count(*) from pg_namespace where nspname = 'gateway'")" 0 \
		"nothing is there"
}

test_an_empty_database_gets_the_whole_schema() {
	new_database empty
	ok "migrating works" migrate empty
	is "$(sql 'select count(*) from gateway.migrations')" \
		"${#MIGRATIONS[@]}" "every migration is noted"
	is "$(sql 'select count(*) from public.tasks')" 0 \
		"there are tasks to be had"
}

test_a_second_time_changes_nothing() {
	local before

	before=$(schema_of empty)
	ok "migrating again works" migrate empty
	like "$(tail -n 1 "$STACK_DIR/migrate.log")" ' 0 migrations' \
		"nothing was left to do"
	is_catalogue "$(schema_of empty)" "$before" "the catalogue is the same"
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
	is_catalogue "$(schema_of crowd)" "$(schema_of empty)" "as one alone makes it"
}

test_the_printed_script_gives_the_same_catalogue() {
	new_database byhand
	"$STACK_BIN/flowpinctl" --config /dev/null migrate --print \
		>"$STACK_DIR/printed.sql" || flunk "it is printed, without settings"
	PGOPTIONS='' stack_sql -f "$STACK_DIR/printed.sql" >/dev/null ||
		flunk "psql runs it"
	is_catalogue "$(schema_of byhand)" "$(schema_of empty)" \
		"the same as flowpinctl migrate makes"
	ok "migrating it works" migrate byhand
	like "$(tail -n 1 "$STACK_DIR/migrate.log")" ' 0 migrations' \
		"and has nothing to do"
}

test_a_migration_that_fails_changes_nothing() {
	local before

	new_database broken
	# what migration 8 is to make is there already
	stack_admin broken -c 'create schema gateway authorization flowpin'
	sql 'create table gateway.poll_runs (id integer)'
	before=$(catalogue broken public gateway)
	migrate broken && flunk "migrating fails"
	like "$(tail -n 1 "$STACK_DIR/migrate.log")" 'poll_runs.* already exists' \
		"it says why"
	is_catalogue "$(catalogue broken public gateway)" "$before" \
		"nothing before it is there, either"
	sql 'drop table gateway.poll_runs'
	ok "migrating works once the obstacle is gone" migrate broken
	is_catalogue "$(schema_of broken)" "$(schema_of empty)" "to the same schema"
}

test_what_somebody_dropped_is_made_anew() {
	new_database worn
	migrate worn || flunk "migrating works"
	sql 'drop trigger flowpin_gateway on tasks;
		drop trigger flowpin_gateway on integrations;
		drop function gateway.take_note' || flunk "it is dropped"
	ok "migrating again works" migrate worn
	is_catalogue "$(schema_of worn)" "$(schema_of empty)" "the schema is whole again"
}

test_every_query_fits_the_schema() {
	local file

	STACK_DATABASE=empty
	for file in "$STACK_ROOT"/sql/queries/*.sql; do
		{
			echo "set search_path = '';"
			echo 'prepare q as'
			stack_query "$file"
			echo ';'
		} | stack_sql >"$STACK_DIR/prepare" 2>&1 ||
			flunk "${file##*/}: $(cat "$STACK_DIR/prepare")"
	done
}

test_every_table_and_view_is_explained() {
	is "$(STACK_DATABASE=empty sql "select c.relname from pg_class c
		where c.relnamespace = 'gateway'::regnamespace
		  and c.relkind in ('r', 'v') and obj_description(c.oid) is null")" \
		'' "none without a comment"
}

# What clients may read is what they could read before.
test_nothing_of_the_gateway_is_in_public() {
	stack_admin empty -A -t >"$STACK_DIR/public" <<-'SQL'
		select relname from pg_class
		 where relnamespace = 'public'::regnamespace
		   and relkind in ('r', 'v', 'S', 'm') order by 1;
		select proname from pg_proc
		 where pronamespace = 'public'::regnamespace order by 1;
		select relname, tgname from pg_trigger
		  join pg_class c on c.oid = tgrelid
		 where relnamespace = 'public'::regnamespace and not tgisinternal
		 order by 1, 2;
	SQL
	is "$(paste -sd ' ' "$STACK_DIR/public")" "buckets integrations tasks $(
		)update_updated_at buckets|set_updated_at $(
		)integrations|flowpin_gateway integrations|set_updated_at $(
		)tasks|flowpin_gateway tasks|set_updated_at" \
		"Flowpin's tables, and a trigger each on two of them"
	is "$(stack_admin empty -A -t -c "select relname from pg_class
		where relnamespace = 'public'::regnamespace and relkind = 'r'
		  and not relrowsecurity")" '' \
		"no table without row level security"
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_postgres || bail "no PostgreSQL"
run_tests
