#!/bin/bash
# What flowpinctl doctor sees: each thing that it looks at, well and not well.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# look: what it says, in $SAID; its exit status in $STATUS.
look() {
	SAID=$("$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" doctor 2>&1)
	STATUS=$?
}

test_all_is_well() {
	add_connection todoist
	poll_once "$CONNECTION"
	look
	is "$STATUS" 0 "it is content: $SAID"
	unlike "$SAID" 'ERROR' "no line is an error"
	like "$SAID" 'trigger on tasks: there and on' "the trigger on tasks"
	like "$SAID" 'trigger on integrations: there and on' "and on integrations"
	like "$SAID" 'clock: the database is [0-9]+ ms' "the clocks"
	like "$SAID" 'pooler: none in between' "no pooler"
	like "$SAID" 'rights: 2[0-9] of 2[0-9] tried and fine' "every right"
	like "$SAID" 'sealed keys: 1 open, 0 cannot be opened' "every key"
	like "$SAID" 'todoist: 1 connections, last complete run' "the last runs"
}

test_a_trigger_that_is_dropped_or_off_is_seen() {
	sql 'drop trigger flowpin_gateway on tasks' >/dev/null
	look
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'ERROR  trigger on tasks: missing' "and says why"
	stack_migrate
	sql 'alter table integrations disable trigger flowpin_gateway' >/dev/null
	look
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'ERROR  trigger on integrations: disabled' "and says why"
	stack_migrate
	look
	is "$STATUS" 0 "migrating puts them back: $SAID"
}

test_statements_that_are_compiled_are_seen() {
	look
	like "$SAID" 'jit: off' "they are not"
	sql 'alter role flowpin reset jit' >/dev/null
	look
	is "$STATUS" 0 "that alone is no fault"
	like "$SAID" 'jit: on.* alter role flowpin set jit = off' "but it is said"
	sql 'alter role flowpin set jit = off' >/dev/null
}

test_a_trigger_that_hides_what_clients_send_is_seen() {
	sql 'create trigger a_first before update on tasks for each row
		execute function update_updated_at()' >/dev/null
	look
	like "$SAID" 'ERROR  trigger on tasks: fires after a_first' "it says which"
	sql 'drop trigger a_first on tasks' >/dev/null
}

test_a_change_that_nobody_took_note_of_is_seen() {
	add_item todoist Unseen
	sql "insert into tasks (user_id, title, source, source_id)
		values ('$USER_ID', 'Unseen', 'todoist', '$ITEM')" >/dev/null
	stack_admin flowpin -c "set session_replication_role = replica;
		update public.tasks set status = 'completed' where source_id = '$ITEM'"
	look
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'ERROR  rows not taken note of: 1 tasks' "and counts"
	sql "delete from tasks where source_id = '$ITEM'" >/dev/null
}

# The data API's, as a project has them.
data_api_roles() {
	stack_admin flowpin -c "do \$\$ begin if not exists (select from pg_roles
			where rolname = 'anon') then create role anon;
			create role authenticated; end if; end \$\$"
}

test_a_table_that_everybody_reads_is_said_aloud() {
	data_api_roles
	stack_admin flowpin -c "grant select on public.tasks to anon;
		alter table public.tasks disable row level security"
	look
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'row level security of tasks: OFF: EVERYBODY CHANGES OR READS IT' "in capitals"
	stack_admin flowpin -c "revoke select on public.tasks from anon;
		alter table public.tasks enable row level security"
}

test_a_policy_for_every_row_is_said_aloud() {
	data_api_roles
	stack_admin flowpin -c 'grant select, insert
		on public.tasks, public.integrations to anon, authenticated'
	stack_admin flowpin -c 'create policy all_see on public.tasks
		for select to anon using (true)'
	look
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'ERROR  row level security of tasks: ON, BUT THE POLICY "all_see"' \
		"and names it"
	stack_admin flowpin -c 'drop policy all_see on public.tasks;
		create policy anybody_makes on public.integrations
			for insert with check (true)'
	look
	like "$SAID" 'ERROR  row level security of integrations: ON, BUT .*"anybody' \
		"one that lets anybody insert is one, too"
	stack_admin flowpin -c 'drop policy anybody_makes on public.integrations;
		create policy own on public.tasks for select to anon using (user_id is null)'
	look
	is "$STATUS" 0 "one for some rows is none: $SAID"
	stack_admin flowpin -c 'drop policy own on public.tasks; revoke all
		on public.tasks, public.integrations from anon, authenticated'
}

test_a_right_that_is_left_without_row_level_security_is_seen() {
	local right

	data_api_roles
	for right in delete 'select (title)' 'update (status)'; do
		stack_admin flowpin -c "alter table public.tasks
				disable row level security;
			grant $right on public.tasks to anon"
		look
		like "$SAID" 'ERROR  row level security of tasks: OFF' "$right"
		stack_admin flowpin -c "revoke all on public.tasks from anon"
		look
		like "$SAID" 'ok     row level security of tasks: the data API' \
			"and not without"
		stack_admin flowpin -c 'alter table public.tasks
			enable row level security'
	done
}

test_events_of_another_cluster_are_seen() {
	local cursor

	add_connection todoist
	make_task todoist 'Told'
	change_item todoist "$ITEM" '{"state":"completed"}'
	poll_own
	# as they are in a dump from a cluster that has seen more
	sql "update events set txid = (txid::text::bigint + 1000000000)::text::xid8
		where user_id = '$USER_ID'" >/dev/null
	cursor=$(sql "select txid || '-' || id - 1 from events
		where user_id = '$USER_ID' order by id desc limit 1")
	look
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'ERROR  events: 1 came with a dump' "and counts"
	stack_migrate
	look
	is "$STATUS" 0 "migrating puts them in their place: $SAID"
	api GET "/v1/events?cursor=$cursor"
	is "$(field '.events | map(.type) | join(" ")')" task.completed \
		"a client goes on where it was: $BODY"
	cursor=$(field .next_cursor)
	make_task todoist 'Later'
	change_item todoist "$ITEM" '{"state":"completed"}'
	poll_own
	api GET "/v1/events?cursor=$cursor"
	is "$(field '.events | length')" 1 "what is new comes after it"
}

test_a_cursor_from_another_cluster_passes_over_nothing() {
	as_new_user
	add_connection todoist
	make_task todoist 'New'
	change_item todoist "$ITEM" '{"state":"completed"}'
	poll_own
	api GET "/v1/events?cursor=99999999999-1"
	is "$(field '.events | length')" 1 "what is new here is told: $BODY"
}

test_a_database_that_cannot_be_written_to_is_seen() {
	stack_admin flowpin -c 'alter role flowpin set default_transaction_read_only = on'
	look
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'ERROR  database: PostgreSQL .*read-only' "and says why"
	stack_admin flowpin -c 'alter role flowpin reset default_transaction_read_only'
}

test_a_right_that_is_missing_is_named() {
	stack_admin flowpin -c 'create role weak login'
	stack_admin flowpin -c 'grant usage on schema gateway to weak;
		grant select on all tables in schema gateway, public to weak;
		grant execute on all functions in schema gateway to weak;
		revoke execute on function gateway.wish_add from public, weak'
	SAID=$(FLOWPIN_DATABASE_URL="host=$STACK_DIR/pg port=$STACK_PG_PORT user=weak dbname=flowpin" \
		"$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" doctor 2>&1)
	STATUS=$?
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'ERROR  change gateway.links: .*permission denied' "it says which"
	like "$SAID" 'ERROR  rights: [0-9]+ of 2[0-9] tried and fine' "and how many"
	like "$SAID" 'ERROR  functions: [0-9]+ of schema gateway, no right to wish_add' \
		"each function"
	stack_admin flowpin -c 'drop owned by weak; drop role weak'
	stack_migrate
}

test_a_key_that_cannot_be_opened_is_named_and_never_printed() {
	local master=$STACK_DIR/other.key

	openssl rand -hex 32 >"$master"
	SAID=$(FLOWPIN_MASTER_KEY_FILES=$master "$STACK_BIN/flowpinctl" \
		--config "$STACK_DIR/flowpin.conf" doctor 2>&1)
	STATUS=$?
	is "$STATUS" 1 "it is not content"
	like "$SAID" "ERROR  connection $CONNECTION: " "it says which"
	unlike "$SAID" "${TOKENS[todoist]}" "not the key"
}

test_a_connection_without_a_key_and_a_guard_are_seen() {
	sql "insert into integrations (user_id, type, label)
		values ('$USER_ID', 'attio', 'empty');
		insert into guards (user_id, connection_id, kind, held)
		select user_id, id, 'mass_drop', 7 from connections
		 where id = '$CONNECTION'" >/dev/null
	look
	is "$STATUS" 1 "it is not content"
	like "$SAID" 'ERROR  connections: [0-9]+, of them 1 without a key' "no key"
	like "$SAID" 'ERROR  guards: 1 hold' "and the guard"
	sql "delete from guards; delete from integrations where label = 'empty'" >/dev/null
}

test_a_pooler_is_seen_and_named_statements_behind_it() {
	stack_pgbouncer || return
	SAID=$(FLOWPIN_DATABASE_URL=$DATABASE_URL_POOLED "$STACK_BIN/flowpinctl" \
		--config "$STACK_DIR/flowpin.conf" doctor 2>&1)
	STATUS=$?
	is "$STATUS" 0 "a pooler is fine: $SAID"
	like "$SAID" 'pooler: one in between' "and said"
	SAID=$(FLOWPIN_DATABASE_URL=$DATABASE_URL_POOLED FLOWPIN_DATABASE_PREPARED=1 \
		"$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" doctor 2>&1)
	STATUS=$?
	is "$STATUS" 1 "named statements are not"
	stack_end pgbouncer INT
}

stack_whole && run_tests
