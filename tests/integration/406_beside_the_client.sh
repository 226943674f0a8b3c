#!/bin/bash
# What the gateway does while a client's own transaction is under way: neither makes the
# other's write fail, waits for it, or lets an old copy pass as a new one.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

FLOWPINS=1

# open_session COMMAND...: one that stays, for `says` and `hears`.
open_session() {
	coproc SESSION { "$@" 2>&1; }
}

says() {
	printf '%s\n' "$@" >&"${SESSION[1]}"
}

# hears: the next line of what the session answers, in HEARD.
hears() {
	HEARD=''
	read -r -t 30 -u "${SESSION[0]}" HEARD || flunk "the session answers"
}

session_ends() {
	local pid=$SESSION_PID

	says '\q' # what was started meanwhile has the descriptor, too
	eval "exec ${SESSION[1]}>&-"
	wait "$pid" 2>/dev/null
}

as_client() {
	PGOPTIONS="-c role=authenticated -c request.jwt.claims={\"sub\":\"$USER_ID\"}" \
		psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$STACK_DIR/pg" \
		-p "$STACK_PG_PORT" -U postgres -d flowpin
}

as_gateway() {
	PGOPTIONS='-c search_path=public,gateway' psql -X -q -A -t \
		-v ON_ERROR_STOP=1 -h "$STACK_DIR/pg" -p "$STACK_PG_PORT" \
		-U flowpin -d flowpin
}

somebody_waits() {
	[ "$(sql "select count(*) from pg_locks where not granted")" -gt 0 ]
}

# psql_variable NAME UUID: as psql takes it.
psql_variable() {
	printf "\\\\set %s '''%s'''::uuid\\n" "$1" "$2"
}

# nameless PROVIDER: a task that names no connection.
nameless() {
	as_new_user && add_connection "$1" && make_task "$1" 'of none' &&
		app "update tasks set connection_id = null where id = '$TASK'"
}

test_a_connection_is_deleted_while_a_run_marks_its_tasks() {
	nameless attio
	open_session as_gateway
	says "$(psql_variable user_id "$USER_ID")" \
		"$(psql_variable connection_id "$CONNECTION")" \
		"\\set generation $(sql "select generation from connections
			where id = '$CONNECTION'")"
	says 'begin;' "\\i $STACK_ROOT/sql/queries/run_hold.sql" ';'
	hears
	is "$HEARD" "$CONNECTION" "the run has its connection"
	(app "delete from integrations where id = '$CONNECTION'" \
		>"$STACK_DIR/deleted" 2>&1 || echo failed >>"$STACK_DIR/deleted") &
	wait_until 10 somebody_waits || flunk "who deletes it waits"
	says "update tasks set connection_id = '$CONNECTION'
		where id = '$TASK' returning 'named';"
	hears
	is "$HEARD" named "the run goes on"
	says 'commit;'
	session_ends
	wait $!
	is "$(cat "$STACK_DIR/deleted")" '' "the client's delete succeeds"
	is "$(sql "select count(*) from integrations where id = '$CONNECTION'")" 0 \
		"it is gone"
}

# The batch that the outcome is told in has other users' in it.
test_an_outcome_does_not_wait_for_who_deletes_the_connection() {
	nameless attio
	open_session as_client
	says 'begin;' "delete from integrations where id = '$CONNECTION'
		returning 'deleted';"
	hears
	complete "$TASK"
	is_outcome accepted "done"
	is "$(sql "select connection_id is null from tasks where id = '$TASK'")" t \
		"what is being deleted is not named"
	says 'commit;'
	session_ends
}

test_a_copy_that_names_a_connection_that_is_being_deleted_is_taken() {
	as_new_user && add_connection attio && make_task attio 'of one' || return
	app_reads tasks
	app "delete from tasks where id = '$TASK'"
	open_session as_client
	says 'begin;' "delete from integrations where id = '$CONNECTION'
		returning 'deleted';"
	hears
	ok "the client's write succeeds" app_syncs tasks
	says 'commit;'
	session_ends
	is "$(sql "select connection_id is null from tasks where id = '$TASK'")" t \
		"it names none"
}

a_pass_waits() {
	[ "$(sql "select count(*) from pg_locks l join pg_stat_activity a using (pid)
		where not l.granted and a.query like '%for no key update of c%'")" = 1 ]
}

# The app stamps a row with its transaction's beginning, also when a run writes it: the
# copy that a client read meanwhile would have the later stamp.
test_a_copy_read_while_a_run_is_under_way_does_not_pass_as_newer() {
	as_new_user && add_connection attio && make_task attio 'finished there' ||
		return
	change_item attio "$ITEM" '{"state": "completed"}'
	fault '{"kind": "delay", "provider": "attio", "op": "list",
		"delay_ms": 1500}'
	sql "update connections set next_poll_at = now() +
		case id when '$CONNECTION' then '0' else '1 day' end::interval" \
		>/dev/null
	poll_behind
	wait_until 20 is_in_flight 'op=list' || flunk "its list is asked for"
	open_session as_gateway
	says 'begin;' "select 'held' from gateway.connections
		where id = '$CONNECTION' for update;"
	hears
	wait_until 20 a_pass_waits || flunk "the run is about to mark"
	app "update tasks set title = 'mine', updated_at = now() where id = '$TASK'"
	app_reads tasks
	says 'commit;'
	session_ends
	poll_joined
	no_faults
	mark
	app_syncs tasks
	is "$(wishes "$TASK")" '' "nobody wished to reopen it"
	poll_own
	is "$(task_line "$TASK")" "completed absence completed" "the next run's"
	is "$(provider_says attio "$ITEM") $(writes)" "completed 0" "as it was there"
}

# The gateway itself gave it a new id.
test_an_old_copy_does_not_bring_an_old_item_id_back() {
	local before

	as_new_user && add_connection todoist && make_task todoist 'renumbered' ||
		return
	app_reads tasks
	sql "with l as (
			update links set source_id = 'NEW' || source_id,
			       version = version + 1
			 where task_id = '$TASK'
			returning task_id, source_id
		)
		update tasks t set source_id = l.source_id, updated_at = now()
		  from l where t.id = l.task_id" >/dev/null
	before=$(sql "select source_id, metadata, version from links
		where task_id = '$TASK'")
	app_syncs tasks
	is "$(sql "select source_id, metadata, version from links
		where task_id = '$TASK'")" "$before" "the link is as it was"
	is "$(sql "select source_id from tasks where id = '$TASK'")" "NEW$ITEM" \
		"and so is the row"
}

migrate_waits() {
	[ "$(sql "select count(*) from pg_locks where not granted
		and relation = 'gateway.item_tasks'::regclass")" -gt 0 ]
}

# It holds some of the views and waits for another, whose reader comes to the first.
test_a_migration_makes_no_statement_fail_in_a_deadlock() {
	local migrating

	open_session psql -X -q -A -t -v ON_ERROR_STOP=1 -h "$STACK_DIR/pg" \
		-p "$STACK_PG_PORT" -U postgres -d flowpin
	says "set deadlock_timeout = '300ms';" 'begin;' \
		"select 'read', count(*) >= 0 from gateway.item_tasks;"
	hears
	FLOWPIN_DATABASE_URL="host=$STACK_DIR/pg port=$STACK_PG_PORT user=postgres dbname=flowpin" \
		stack_migrate &
	migrating=$!
	wait_until 20 migrate_waits || flunk "it waits"
	says "select 'again', count(*) >= 0 from gateway.connection_state;"
	hears
	is "$HEARD" 'again|t' "the reader goes on"
	says 'commit;'
	session_ends
	wait "$migrating"
	is "$?" 0 "and the migration ends well"
}

# The app's row came while no trigger was there, and is taken note of after the call.
test_a_key_given_by_call_is_not_replaced_by_the_one_in_the_row() {
	local key

	as_new_user
	key=$(sim_token attio)
	sim POST /_sim/accounts "{\"provider\": \"attio\", \"token\": \"$key\"}"
	CONNECTION=$(</proc/sys/kernel/random/uuid)
	sql_admin "alter table integrations disable trigger flowpin_gateway"
	app "insert into integrations (id, user_id, type, label, api_key)
		values ('$CONNECTION', '$USER_ID', 'attio', 'mine', 'nobodys')"
	sql_admin "alter table integrations enable trigger flowpin_gateway"
	api PATCH "/v1/connections/$CONNECTION" "{\"key\": \"$key\"}"
	is "$STATUS" 200 "the key is replaced: $BODY"
	stack_poll
	is "$(sql "select key_sealed is not null, status from connections
		where id = '$CONNECTION'")" "t|active" "and stays"
}

sql_admin() {
	stack_admin flowpin -c "$1" >/dev/null
}

stack_init && stack_setting sweep_ms 200 && stack_setting call_deadline_ms 4000
stack_whole && run_tests
