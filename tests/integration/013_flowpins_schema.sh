#!/bin/bash
# The gateway comes to Flowpin's own database, in every form that is out there, works
# there, and goes again without a trace.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=flowpins.sh
. "$(dirname "$0")/flowpins.sh"

OWNER=flowpins_owner

# rows_of NAME: all that the app has, whatever the gateway added.
rows_of() {
	stack_admin "$1" -A -t <<-'SQL' | sha256sum
		select to_jsonb(t) - 'connection_id' from public.tasks t order by id;
		select to_jsonb(i) from public.integrations i order by id;
		select to_jsonb(b) from public.buckets b order by id;
	SQL
}

# some_rows: a few tasks of Ada's, with and without an item.
some_rows() {
	owner_sql "insert into public.integrations (user_id, type, api_key)
		values ('$ADA', 'todoist', 'old-key');
		insert into public.tasks (user_id, title, source, source_id, status,
			completed_at)
		select '$ADA', 'task ' || n, 'todoist', 'old' || n,
		       case when n % 3 = 0 then 'completed' else 'active' end
				::public.task_status,
		       case when n % 3 = 0 then now() end
		  from generate_series(1, 300) n;
		insert into public.tasks (user_id, title) values ('$ADA', 'by hand')"
}

migrates() { # NAME
	ctl "$1" "$OWNER" migrate || flunk "migrating works: $SAID"
}

# refuses_to_migrate NAME PATTERN: with one sentence, and nothing is changed.
refuses_to_migrate() {
	local before

	before=$(catalogue "$1" public gateway)
	ctl "$1" "$OWNER" migrate && flunk "migrating fails"
	is "$(grep -c '' <<<"$SAID")" 1 "one sentence: $SAID"
	like "$SAID" "$2" "says what is the matter"
	is_catalogue "$(catalogue "$1" public gateway)" "$before" "nothing is changed"
}

test_the_earlier_form_works_both_ways() {
	flowpins_database early || bail "no database"
	some_rows
	catalogue early public >"$STACK_DIR/early.before"
	migrates early
	gateway_on early
	both_ways todoist
	both_ways linear
	both_ways attio
}

test_what_was_there_before_belongs_to_the_oldest_connection() {
	local key

	key=$(sim_token todoist)
	sim POST /_sim/accounts "{\"provider\": \"todoist\", \"token\": \"$key\"}"
	TOKENS[todoist]=$key
	add_own_item todoist 'Of old'
	owner_sql "update public.integrations set api_key = '$key'
			where api_key = 'old-key';
		update public.tasks set source_id = '$ITEM' where title = 'task 1'"
	TASK=$(owner_sql "select id from public.tasks where title = 'task 1'")
	client_sql "update tasks set status = 'completed', completed_at = now(),
		updated_at = now() where id = '$TASK'" || flunk "the client completes"
	wait_until 20 item_is todoist "$ITEM" completed ||
		flunk "its item is closed"
	is "$(row "$TASK" "t.connection_id = (select i.id from public.integrations i
		where i.api_key = '$key')")" t "the connection is filled in"
}

test_the_app_can_change_its_own_tables_later() {
	ok "its own migration goes through" \
		stack_admin early -f "$FLOWPIN_SCHEMAS/later.sql"
	migrates early
	like "$SAID" ' 0 migrations' "nothing is left to do"
	both_ways todoist
	is "$(row "$TASK" t.source_metadata)" '' \
		"the role has no right to its new column"
	ctl early flowpin doctor
	like "$SAID" 'ERROR  columns of an import: no right to make .*source_metadata' \
		"which is said: $SAID"
	gateway_on early
	both_ways linear
	is "$(row "$TASK" "t.source_metadata ? 'identifier'")" t \
		"until it is given that"
	stack_admin early -c 'alter table tasks drop column source_metadata,
		drop column waiting_for_reason, add column source_project text' ||
		flunk "and back again"
}

# The gateway's views name columns of the app's: see deploy/flowpin.md.
test_the_app_can_change_a_column_that_a_view_names() {
	local views='drop view gateway.connection_state, gateway.item_tasks cascade'
	local changes='alter table integrations alter column label type'

	ok "the app makes a task" client_sql "insert into tasks (user_id, title,
		source, source_id) values ('$ADA', 'Meanwhile', 'todoist', 'meanwhile')"
	stack_admin early -c "$changes varchar(200)" 2>/dev/null &&
		flunk "a view is in the way"
	ok "without the views it is changed" \
		stack_admin early -c "begin; $views; $changes varchar(200); commit"
	ok "nothing that the app writes fails meanwhile" client_sql "update tasks
		set status = 'completed' where source_id = 'meanwhile'"
	api GET /v1/connections
	is "$STATUS" 503 "a call can be repeated: $BODY"
	migrates early
	gateway_on early
	both_ways todoist
	is "$(wait_until 20 has_wish && echo yes)" yes "what was written is found"
	stack_admin early -c "begin; $views; $changes text; commit" ||
		flunk "and back again"
	migrates early
	gateway_on early
	both_ways linear
}

has_wish() {
	[ "$(owner_sql "select count(*) from gateway.writebacks
		where source_id = 'meanwhile'")" = 1 ]
}

test_uninstalling_asks_first() {
	local before answer

	before=$(catalogue early public gateway)
	for answer in no '' y YES; do
		ctl early "$OWNER" uninstall-schema <<<"$answer"
		is "$STATUS" 1 "'$answer' is no yes: $SAID"
	done
	ctl early "$OWNER" uninstall-schema </dev/null
	is "$STATUS" 1 "nor is silence"
	ctl early "$OWNER" uninstall-schema --dry-run || flunk "trying works: $SAID"
	is_catalogue "$(catalogue early public gateway)" "$before" \
		"nothing is changed"
}

test_uninstalling_leaves_no_trace() {
	local before

	stack_end gateway
	before=$(rows_of early)
	ctl early "$OWNER" uninstall-schema --yes || flunk "it works: $SAID"
	is_catalogue "$(catalogue early public)" "$(cat "$STACK_DIR/early.before")" \
		"the app's schema is what it was"
	is "$(catalogue early gateway)" '' "ours is gone"
	is "$(rows_of early)" "$before" "the app's rows are what they were"
	ctl early "$OWNER" uninstall-schema --yes ||
		flunk "a second time does no harm: $SAID"
	client_sql "update tasks set status = 'active', completed_at = null
		where status = 'completed'" || flunk "the app goes on"
}

test_it_can_be_installed_again() {
	migrates early
	gateway_on early
	both_ways todoist
	ctl early "$OWNER" uninstall-schema <<<yes || flunk "yes is yes: $SAID"
	is "$(catalogue early gateway)" '' "it is gone"
}

test_the_later_form_works_both_ways() {
	flowpins_database later later || bail "no database"
	migrates later
	gateway_on later
	both_ways todoist
	is "$(row "$TASK" "t.source_metadata ? 'projectId'")" t "the client's bag"
	both_ways linear
	is "$(row "$TASK" "t.source_metadata ? 'teamKey'")" t "the client's bag"
	both_ways attio
	is "$(row "$TASK" "t.source_metadata ? 'workspaceId'")" t "the client's bag"
	is "$(row "$TASK" "t.position = (select max(position) from public.tasks)")" t \
		"the last position"
}

test_columns_may_be_text() {
	flowpins_database text || bail "no database"
	stack_admin text <<-'SQL' || bail "no text"
		drop index idx_tasks_user_section, idx_tasks_user_source;
		alter table tasks
			alter status drop default, alter source drop default,
			alter section drop default,
			alter status type text using status::text,
			alter source type text using source::text,
			alter section type text using section::text,
			alter status set default 'active',
			alter source set default 'manual',
			alter section set default 'sooner';
		alter table integrations
			alter type type text using type::text,
			alter default_section drop default,
			alter default_section type text using default_section::text,
			alter default_section set default 'sooner';
		drop type task_status, task_source, integration_type, section_type;
	SQL
	migrates text
	gateway_on text
	both_ways linear
}

test_row_level_security_may_be_off() {
	flowpins_database open || bail "no database"
	stack_admin open -c 'alter table tasks disable row level security;
		alter table integrations disable row level security'
	migrates open
	gateway_on open
	both_ways todoist
	is "$(stack_admin open -A -t -c "select bool_or(relrowsecurity) from pg_class
		where relname in ('tasks', 'integrations')")" f "it is left as it was"
}

# Foreign clocks: by triggers, by clients, or not at all.
test_updated_at_may_be_anything() {
	local id

	flowpins_database stamps || bail "no database"
	stack_admin stamps <<-'SQL' || bail "no stamps"
		drop trigger set_updated_at on tasks;
		drop trigger set_updated_at on integrations;
		alter table tasks alter updated_at drop default;
		alter table integrations alter updated_at drop default,
			alter updated_at drop not null;
	SQL
	migrates stamps
	gateway_on stamps
	both_ways todoist
	stack_admin stamps -c 'alter table tasks alter updated_at drop not null'
	for id in null "now() + interval '1 day'" "'infinity'" "'1970-01-01'"; do
		make_task todoist "Stamped $id" || continue
		client_sql "update tasks set updated_at = $id where id = '$TASK'"
		client_sql "update tasks set status = 'completed',
			completed_at = now(), updated_at = $id where id = '$TASK'"
		wait_until 20 item_is todoist "$ITEM" completed ||
			flunk "$id: a row that is changed closes the item"
		uncomplete "$TASK"
		is "$STATUS" 200 "$id: a call opens it: $BODY"
		api GET /v1/tasks?status=active
		like "$BODY" "$TASK" "$id: it is listed"
		change_item todoist "$ITEM" '{"state": "completed"}'
		poll_once "$CONNECTION" || flunk "a pass"
		is "$(task_line "$TASK")" 'completed absence completed' \
			"$id: what is done there is done here"
	done
}

test_a_connection_id_that_was_there_stays() {
	local before

	flowpins_database mine || bail "no database"
	owner_sql "alter table public.tasks add column connection_id uuid
			references public.integrations on delete set null;
		comment on column public.tasks.connection_id is 'the app''s own'"
	before=$(catalogue mine public)
	migrates mine
	gateway_on mine
	both_ways todoist
	stack_end gateway
	ctl mine "$OWNER" uninstall-schema --yes || flunk "it works: $SAID"
	is_catalogue "$(catalogue mine public)" "$before" \
		"the app's schema is what it was"
	is "$(row "$TASK" t.connection_id)" "$CONNECTION" "with what it held"
}

test_an_item_with_two_rows_is_named() {
	local ids id

	flowpins_database twice || bail "no database"
	owner_sql 'alter table public.tasks
		drop constraint tasks_user_id_source_source_id_key'
	some_rows
	owner_sql "insert into public.tasks (user_id, title, source, source_id)
		values ('$ADA', 'again', 'todoist', 'old7')"
	refuses_to_migrate twice \
		"an item has several rows in tasks: todoist item old7 of user $ADA: rows"
	ids=$(owner_sql "select id from public.tasks where source_id = 'old7'")
	for id in $ids; do
		like "$SAID" "$id" "it names the row"
	done
	owner_sql "insert into public.tasks (user_id, title, source, source_id)
		select '$ADA', 'again', 'todoist', 'old' || n
		  from generate_series(1, 100) n, generate_series(1, 5)"
	refuses_to_migrate twice '100 items have several rows'
}

test_a_unique_key_that_is_missing_is_made_and_goes_again() {
	local before

	owner_sql "delete from public.tasks where title = 'again'"
	before=$(catalogue twice public)
	migrates twice
	owner_sql "insert into public.tasks (user_id, title, source, source_id)
		values ('$ADA', 'again', 'todoist', 'old7')" 2>/dev/null &&
		flunk "an item has one row"
	ctl twice "$OWNER" uninstall-schema --yes || flunk "it goes: $SAID"
	is_catalogue "$(catalogue twice public)" "$before" \
		"the app's schema is what it was"
}

test_an_unfinished_unique_key_is_none() {
	flowpins_database half || bail "no database"
	owner_sql 'alter table public.tasks
		drop constraint tasks_user_id_source_source_id_key'
	some_rows
	owner_sql "insert into public.tasks (user_id, title, source, source_id)
		values ('$ADA', 'again', 'todoist', 'old7')"
	owner_sql "create unique index concurrently half
		on public.tasks (user_id, source, source_id)" 2>/dev/null &&
		flunk "it cannot be made"
	refuses_to_migrate half \
		"an item has several rows in tasks: todoist item old7 of user $ADA: rows"
}

test_a_connection_id_of_another_type_is_named() {
	flowpins_database textual || bail "no database"
	owner_sql 'alter table public.tasks add connection_id text'
	refuses_to_migrate textual 'tasks.connection_id is text, not uuid'
}

test_a_column_that_is_missing_is_named() {
	flowpins_database lacking || bail "no database"
	owner_sql 'alter table public.tasks drop column completed_at'
	refuses_to_migrate lacking 'lacks tasks.completed_at$'
	owner_sql 'alter table public.integrations drop column label'
	refuses_to_migrate lacking \
		'lacks integrations.label, tasks.completed_at$'
}

test_tables_of_something_else_are_left_alone() {
	new_database other "$OWNER"
	owner_sql 'create table public.tasks (id integer primary key, what text)'
	refuses_to_migrate other 'lacks tasks.completed_at, '
}

test_two_at_once_make_one_schema() {
	flowpins_database pair || bail "no database"
	some_rows
	(ctl pair "$OWNER" migrate && echo "$SAID" >"$STACK_DIR/pair.1") &
	ctl pair "$OWNER" migrate || flunk "the one ends well: $SAID"
	wait $! || flunk "the other ends well"
	is "$({
		echo "$SAID"
		cat "$STACK_DIR/pair.1"
	} | grep -o '[0-9]* migrations' | sort | paste -s)" \
		$'0 migrations\t12 migrations' "one of them did it"
}

# Clients wait for the locks of a migration, and give up after some seconds.
test_a_transaction_that_does_not_end_is_not_waited_for() {
	flowpins_database busy || bail "no database"
	stack_start holder psql -X -q -h "$STACK_DIR/pg" -p "$STACK_PG_PORT" \
		-U postgres -d busy -c "begin; select count(*) from tasks;
			select pg_sleep(600)"
	wait_until 20 holds_tasks || flunk "somebody reads"
	ctl busy "$OWNER" migrate && flunk "it gives up"
	like "$SAID" 'in use.*nothing was changed, try again' "and says so"
	ok "while they read" holds_tasks
	stack_end holder KILL
	stack_admin postgres -c "select pg_terminate_backend(pid)
		from pg_stat_activity where datname = 'busy'" >/dev/null
	is "$(catalogue busy gateway)" '' "nothing is there"
	migrates busy
}

holds_tasks() {
	[ "$(stack_admin busy -A -t -c "select count(*) from pg_locks
		where relation = 'public.tasks'::regclass and granted")" -gt 0 ]
}

# writer NAME: as a client that gives up, one write after another until it is told to
# stop; a line each, good or bad.
writer() {
	local n=0

	while [ ! -e "$STACK_DIR/enough" ]; do
		n=$((n + 1))
		stack_admin "$1" -c "set lock_timeout = '3s'" -c "update tasks
			set title = 'written $n' where source_id = 'i$n'" \
			>>"$STACK_DIR/writer.log" 2>&1 && echo good || echo bad
	done >"$STACK_DIR/written"
}

test_a_million_tasks_are_not_rewritten_and_nobody_waits_long() {
	local node

	flowpins_database big || bail "no database"
	stack_admin big <<-SQL || bail "no million"
		set session_replication_role = replica;
		insert into tasks (user_id, title, source, source_id)
		select '$ADA', 'task', 'todoist', 'i' || n
		  from generate_series(1, $(at_size 1000000)) n;
	SQL
	node=$(owner_sql "select pg_relation_filenode('public.tasks')")
	writer big &
	wait_until 20 test -s "$STACK_DIR/written" || flunk "somebody writes"
	migrates big
	sleep 0.5 # a write after it
	touch "$STACK_DIR/enough"
	wait $!
	is "$(owner_sql "select pg_relation_filenode('public.tasks')")" "$node" \
		"the table is not written anew"
	is "$(grep -c bad "$STACK_DIR/written")" 0 "no write failed"
	is "$(owner_sql "select count(*) from public.tasks
		where title like 'written %'")" \
		"$(grep -c good "$STACK_DIR/written")" "every write is there"
	ctl big "$OWNER" uninstall-schema --yes || flunk "it goes: $SAID"
	is "$(owner_sql "select pg_relation_filenode('public.tasks')")" "$node" \
		"nor is it when the gateway goes"
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_postgres || bail "no PostgreSQL"
run_tests
