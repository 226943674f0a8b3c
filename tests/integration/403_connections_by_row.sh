#!/bin/bash
# Connections that the app's client makes, changes and removes as rows of integrations
# take effect at the next pass, without anybody's call; polls write none of these rows.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

FLOWPINS=1

# app_connects TYPE [TOKEN]: a row as the client makes it. Sets CONNECTION and KEY.
app_connects() {
	KEY=${2:-$(sim_token "$1")}
	sim POST /_sim/accounts "{\"provider\": \"$1\", \"token\": \"$KEY\"}"
	CONNECTION=$(cat /proc/sys/kernel/random/uuid)
	CONNECTIONS[$1]=$CONNECTION
	TOKENS[$1]=$KEY
	app "insert into integrations (id, user_id, type, label, api_key)
		values ('$CONNECTION', '$USER_ID', '$1', 'mine', '$KEY')"
}

# app_sets ASSIGNMENTS: in the connection's row.
app_sets() {
	app "update integrations set $1, updated_at = now() where id = '$CONNECTION'"
}

# runs: how many the connection had, and how the last one ended.
runs() {
	sql "select count(*), (select outcome from poll_runs
			where connection_id = '$CONNECTION'
			order by started_at desc limit 1)
		from poll_runs where connection_id = '$CONNECTION'"
}

# kept COLUMNS: of what the gateway keeps of the connection.
kept() {
	sql "select $1 from connections where id = '$CONNECTION'"
}

# alone: a new user; no pass polls the others' connections any more.
alone() {
	as_new_user
	sql "update connections set next_poll_at = '2100-01-01'" >/dev/null
}

# connected: a new user with a task of a new connection by row.
connected() {
	alone
	app_connects todoist
	add_own_item todoist 'of a row'
	stack_poll
	import_titled 'of a row'
	mark
}

test_an_inserted_row_is_polled_by_the_next_pass() {
	as_new_user
	app_connects todoist
	add_own_item todoist 'of a new row'
	stack_poll
	is "$(runs)" "1|complete" "it was polled"
	import_titled 'of a new row'
	complete "$TASK"
	is_outcome accepted "done"
	is "$(sql "select api_key from integrations where id = '$CONNECTION'")" \
		"$KEY" "the key is left to its clients"
	is "$(kept 'key_sealed is null')" t "and not kept a second time"
}

test_a_new_name_is_a_name() {
	local before

	connected
	before=$(kept 'generation, key_version, next_poll_at, status')
	app_sets "label = 'renamed'"
	is "$(kept 'generation, key_version, next_poll_at, status')" "$before" \
		"nothing else changes"
	is "$(connection_says "$CONNECTION" label)" renamed "it is told"
}

test_a_disabled_row_is_paused() {
	connected
	app_sets "is_active = false"
	sql "update connections set next_poll_at = now()
		where id = '$CONNECTION'" >/dev/null
	stack_poll
	is "$(runs)" "1|complete" "it is not polled"
	is "$(connection_says "$CONNECTION" status)" paused "it is told"
	complete "$TASK"
	is_outcome skipped paused
	uncomplete "$TASK"
	is_outcome skipped paused
	is "$(requests)" 0 "nobody is asked"

	sql "update connections set next_poll_at = now() + interval '1 day'
		where id = '$CONNECTION'" >/dev/null
	app_sets "is_active = true"
	stack_poll
	is "$(runs)" "2|complete" "enabled, it is polled by the next pass"
	complete "$TASK"
	is_outcome accepted "done"
}

test_a_replaced_key_makes_a_dead_connection_live() {
	local version

	connected
	app_sets "api_key = 'sim-todoist-nobodys'"
	stack_poll
	is "$(kept status)" auth_failed "the wrong key is refused"
	complete "$TASK"
	is "$STATUS" 502 "so is what needs it"
	version=$(kept key_version)
	app_sets "api_key = '$KEY'"
	is "$(kept "status, failure_count, last_error is null, key_version > $version")" \
		"active|0|t|t" "the old key's failure is forgotten"
	complete "$TASK"
	is_outcome accepted "done"
	stack_poll
	is "$(runs)" "3|complete" "it is polled by the next pass"
}

# A settle that learnt of a refusal with the old key says nothing of the new one.
test_a_refusal_of_the_old_key_is_not_the_new_ones() {
	connected
	fault '{"provider": "todoist", "kind": "auth", "delay_ms": 1500}'
	row_says "$TASK" completed
	wait_until 20 is_in_flight 'provider=todoist' || flunk "it is asked"
	app_sets "api_key = '$KEY '"
	app_sets "api_key = '$KEY'"
	wait_until 20 all_ended "$TASK"
	no_faults
	is "$(kept status)" active "the new key is not marked"
}

test_a_run_under_an_old_key_is_void() {
	connected
	fault '{"provider": "todoist", "op": "list", "kind": "empty_list",
		"delay_ms": 2500}'
	sql "update connections set next_poll_at = now()
		where id = '$CONNECTION'" >/dev/null
	poll_behind
	wait_until 20 is_in_flight 'op=list' || flunk "it is listed"
	app_sets "api_key = '$KEY '"
	app_sets "api_key = '$KEY'"
	poll_joined
	no_faults
	is "$(runs)" "1|complete" "what it saw does not count"
	is "$(task_status "$TASK")" active "nothing was marked"
	stack_poll
	is "$(runs)" "2|complete" "the next pass sees for itself"
}

test_an_emptied_key_is_no_key() {
	local nothing

	connected
	for nothing in "''" null; do
		app_sets "api_key = $nothing"
		sql "update connections set next_poll_at = now()
			where id = '$CONNECTION'" >/dev/null
		stack_poll
		is "$(connection_says "$CONNECTION" status)" no_key "it is told"
		complete "$TASK"
		is_outcome skipped no_key
		uncomplete "$TASK"
		is_outcome skipped no_key
	done
	is "$(runs) $(requests)" "1|complete 0" "nobody is asked"
	app_sets "api_key = '$KEY'"
	stack_poll
	is "$(runs)" "2|complete" "filled in, it is polled by the next pass"
}

test_a_deleted_row_is_a_deleted_connection() {
	connected
	add_own_item todoist 'left in the inbox'
	poll_once "$CONNECTION"
	app "delete from integrations where id = '$CONNECTION'"
	is "$(kept '1')$(sql "select count(*) from inbox_items
		where connection_id = '$CONNECTION'")" 0 "all that was kept is gone"
	is "$(sql "select connection_id is null from tasks where id = '$TASK'")" t \
		"the task stays"
	complete "$TASK"
	is_outcome skipped no_connection
	ok "a pass is none the worse" stack_poll
}

test_a_row_deleted_while_it_is_polled_marks_nothing() {
	connected
	fault '{"provider": "todoist", "op": "list", "kind": "empty_list",
		"delay_ms": 2500}'
	sql "update connections set next_poll_at = now()
		where id = '$CONNECTION'" >/dev/null
	poll_behind
	wait_until 20 is_in_flight 'op=list' || flunk "it is listed"
	app "delete from integrations where id = '$CONNECTION'"
	poll_joined
	no_faults
	is "$STACK_STATUS" 0 "the pass ends well"
	is "$(task_status "$TASK")" active "nothing was marked"
}

test_the_oldest_row_with_a_key_has_the_tasks_that_name_none() {
	local older

	connected
	older=$CONNECTION
	sql "update tasks set connection_id = null where id = '$TASK'" >/dev/null
	app_connects todoist
	app "update integrations set api_key = null where id = '$older'"
	is "$(sql "select id from gateway.connection_for('$USER_ID', 'todoist',
		null, null)")" "$CONNECTION" "the younger one has a key"
	complete "$TASK"
	is_outcome skipped connection_gone
	app "update integrations set api_key = '$KEY', is_active = false
		where id = '$older'"
	is "$(sql "select id from gateway.connection_for('$USER_ID', 'todoist',
		null, null)")" "$older" "the oldest again"
}

test_a_key_that_no_request_can_carry_is_none() {
	local older key

	connected
	older=$CONNECTION
	app_connects todoist
	for key in "'   '" "E'a\\r\\nX-Evil: 1'" "E'\\t'" "'ключ'" "repeat('k', 5000)" "''"; do
		app "update integrations set api_key = $key where id = '$older'"
		is "$(sql "select id from gateway.connection_for('$USER_ID', 'todoist',
			null, null)")" "$CONNECTION" "the younger one has a key: $key"
	done
	app "update integrations set api_key = 'Bearer $KEY' where id = '$older'"
	is "$(sql "select id from gateway.connection_for('$USER_ID', 'todoist',
		null, null)")" "$older" "as a header has it"
	app "update integrations set api_key = 'sim-todoist-nobodys' where id = '$older'"
	poll_once "$older"
	is "$(sql "select id from gateway.connection_for('$USER_ID', 'todoist',
		null, null)")" "$CONNECTION" "the older one is refused"
	app "delete from integrations where id = '$CONNECTION'"
	is "$(sql "select id from gateway.connection_for('$USER_ID', 'todoist',
		null, null)")" "$older" "which is better than none"
}

# --- a row that is made again under its id --------------------------------------------

# A run of the one before must not pass for one of this.
test_a_run_of_the_row_before_concludes_nothing() {
	local other

	connected
	add_own_item todoist 'of the one'
	other=$(sim_token todoist)
	sim POST /_sim/accounts "{\"provider\": \"todoist\", \"token\": \"$other\"}"
	add_item todoist 'of the other' "{\"account\": \"$other\"}"
	fault '{"provider": "todoist", "op": "list", "kind": "delay",
		"delay_ms": 3000, "times": 1}'
	mark
	poll_behind --connection "$CONNECTION"
	wait_until 10 is_in_flight 'op=list' || flunk "a run is under way"
	app "delete from integrations where id = '$CONNECTION';
		insert into integrations (id, user_id, type, api_key)
		values ('$CONNECTION', '$USER_ID', 'todoist', '$other')"
	poll_once "$CONNECTION"
	poll_joined
	is "$(sql "select string_agg(title, ', ') from inbox_items
		where connection_id = '$CONNECTION'")" "of the other" \
		"its inbox is its own"
	poll_once "$CONNECTION"
	is "$(sql "select count(*) from guards where connection_id = '$CONNECTION'")" \
		0 "and no guard holds it"
	is "$(task_status "$TASK")" active "what the one before showed stays"
}

test_a_refusal_of_the_key_before_is_none_of_this_one() {
	local key

	connected
	key=$KEY
	fault '{"provider": "todoist", "op": "list", "kind": "delay_after",
		"delay_ms": 3000, "times": 1}'
	app_sets "api_key = 'sim-todoist-nobodys'"
	mark
	poll_behind --connection "$CONNECTION"
	wait_until 10 is_in_flight 'op=list' || flunk "a run is under way"
	app "delete from integrations where id = '$CONNECTION';
		insert into integrations (id, user_id, type, api_key)
		values ('$CONNECTION', '$USER_ID', 'todoist', '$key')"
	poll_once "$CONNECTION"
	poll_joined
	is "$(kept status)" active "its key works"
}

test_a_row_may_get_another_id_or_user() {
	local id

	connected
	id=$(cat /proc/sys/kernel/random/uuid)
	ok "another id" app "update integrations set id = '$id' where id = '$CONNECTION'"
	is "$(sql "select connection_id from tasks where id = '$TASK'")" "$id" \
		"its tasks follow"
	CONNECTION=$id
	poll_once "$CONNECTION"
	is "$(runs)" "1|complete" "and runs go on"
	as_new_user
	sql "update integrations set user_id = '$USER_ID' where id = '$CONNECTION'" \
		>/dev/null
	stack_poll
	is "$(sql "select user_id from connections where id = '$CONNECTION'")" \
		"$USER_ID" "another user"
	is "$(connection_says "$CONNECTION" last_complete_run_at | grep -c :)" 1 \
		"has it"
}

# --- the trigger is promptness only ---------------------------------------------------

test_a_pass_takes_note_without_the_trigger() {
	sql "alter table integrations disable trigger flowpin_gateway" >/dev/null
	as_new_user
	app_connects todoist
	add_own_item todoist 'unseen'
	is "$(kept 1)" '' "nothing noticed it"
	stack_poll
	is "$(runs)" "1|complete" "inserted"
	import_titled 'unseen'

	app_sets "api_key = 'sim-todoist-nobodys'"
	stack_poll
	is "$(kept status)" auth_failed "replaced"
	app_sets "api_key = '$KEY'"
	stack_poll
	is "$(kept status) $(runs)" "active 3|complete" "replaced by a good one"

	app_sets "is_active = false"
	sql "update connections set next_poll_at = now()
		where id = '$CONNECTION'" >/dev/null
	stack_poll
	is "$(runs)" "3|complete" "disabled"
	app_sets "is_active = true"
	stack_poll
	is "$(runs)" "4|complete" "enabled"

	app_sets "api_key = ''"
	complete "$TASK"
	is_outcome skipped no_key
	app "delete from integrations where id = '$CONNECTION'"
	is "$(kept 1)" '' "deleted"
	sql "alter table integrations enable trigger flowpin_gateway" >/dev/null
}

# A call may come before the pass: it reads the row.
test_a_call_reads_the_row_itself() {
	sql "alter table integrations disable trigger flowpin_gateway" >/dev/null
	connected
	app_sets "is_active = false"
	complete "$TASK"
	is_outcome skipped paused
	sql "alter table integrations enable trigger flowpin_gateway" >/dev/null
}

test_the_trigger_never_raises() {
	connected
	sql "alter table gateway.connections rename to away" >/dev/null
	ok "the client's write succeeds" app_sets "api_key = 'sim-todoist-other'" \
		2>/dev/null
	sql "alter table gateway.away rename to connections" >/dev/null
	is "$(database_log "WARNING:.*$CONNECTION was not taken note of")" 1 \
		"one line says so"
	is "$(grep -c sim-todoist-other "$STACK_DIR/postgres.log")" 0 \
		"without the key"
	stack_poll
	is "$(kept status)" auth_failed "the pass took note"
}

# --- limits and silence -----------------------------------------------------------------

test_a_rate_limit_holds_until_the_key_is_another() {
	connected
	fault '{"provider": "todoist", "op": "list", "kind": "rate_limit",
		"retry_after": 600, "times": 1}'
	sql "update connections set next_poll_at = now()
		where id = '$CONNECTION'" >/dev/null
	stack_poll
	no_faults
	is "$(runs) $(kept 'rate_limited_until > now()')" "2|failed t" "it is limited"
	sql "update connections set next_poll_at = now()
		where id = '$CONNECTION'" >/dev/null
	stack_poll
	is "$(runs)" "2|failed" "and not asked"
	row_says "$TASK" completed
	sleep 1
	is "$(wishes "$TASK") $(taken)" "complete row open rate_limited 0" \
		"a wish by row waits"
	app_sets "api_key = '$KEY '"
	app_sets "api_key = '$KEY'"
	is "$(kept 'rate_limited_until is null')" t "another key has no limit yet"
	sql "update writebacks set due_at = now() where task_id = '$TASK'" >/dev/null
	wishes_are "$TASK" "complete row accepted done"
	stack_poll
	is "$(runs)" "3|complete" "and is polled"
}

# rows_written: what would make every open client of the user reread all it has.
rows_written() {
	sql "select md5(string_agg(concat(tab, id, xmin, ctid), ',' order by tab, id))
		from (select 'i' as tab, id, xmin, ctid from integrations
			where user_id = '$USER_ID'
		       union all
		      select 't', id, xmin, ctid from tasks
			where user_id = '$USER_ID') r"
}

test_clients_hear_nothing_of_polls() {
	local type before

	for type in $(providers); do
		diag "$type"
		alone
		app_connects "$type"
		add_own_item "$type" 'silent'
		stack_poll
		import_titled silent || continue
		poll_own
		before=$(rows_written)
		poll_own
		change_item "$type" "$ITEM" '{"title": "other"}'
		add_own_item "$type" 'one more'
		poll_own
		fault "{\"provider\": \"$type\", \"kind\": \"status\", \"status\": 500}"
		poll_own
		no_faults
		fault "{\"provider\": \"$type\", \"kind\": \"auth\"}"
		poll_own
		no_faults
		is "$(kept status)" auth_failed "it was polled"
		is "$(rows_written)" "$before" "no row of theirs was written"
	done
}

test_sync_now_leaves_a_connection_as_it_is() {
	local before

	connected
	before=$(sql "select md5(c::text) from connections c
		where id = '$CONNECTION'")
	app_reads integrations
	app_changes integrations '[.[] | .metadata = {projects: []} |
		.last_synced_at = "2026-01-01T00:00:00Z"]'
	app_syncs integrations
	is "$(sql "select md5(c::text) from connections c
		where id = '$CONNECTION'")" "$before" "nothing is taken note of"
}

stack_init && stack_setting sweep_ms 200 && stack_setting call_deadline_ms 4000
stack_whole && run_tests
