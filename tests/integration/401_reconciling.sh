#!/bin/bash
# The trigger on tasks is promptness, not truth: what it did not see is found by the next
# runs, and by passes for connections that are not polled.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# two_runs: of this user's connections, and what passes do beside them.
two_runs() {
	poll_own && poll_own
}

# is_found WISH: by two runs, and carried out once.
is_found() {
	two_runs
	wishes_are "$TASK" "$1 found accepted done"
	is "$(provider_says todoist "$ITEM") $(taken)" "$(state_for "$1") 1" \
		"it is $(state_for "$1") there, by one write"
	is "$(task_status "$TASK")" "$([ "$1" = complete ] && echo completed ||
		echo active)" "and here"
	is "$(sql "select status from links where task_id = '$TASK'")" \
		"$(task_status "$TASK")" "it is taken note of"
}

# without_trigger SQL: written as if there were none.
without_trigger() {
	sql "alter table tasks disable trigger flowpin_gateway; $1;
		alter table tasks enable trigger flowpin_gateway" >/dev/null
}

test_a_dropped_trigger_is_made_up_for() {
	next_task
	sql "drop trigger flowpin_gateway on tasks" >/dev/null
	row_says "$TASK" completed
	is "$(wishes "$TASK")" '' "nothing noticed it"
	is_found complete
	stack_migrate
	is "$(sql "select count(*) from pg_trigger where tgname = 'flowpin_gateway'
		and tgrelid = 'tasks'::regclass")" 1 \
		"flowpinctl migrate puts it back"
	mark
	row_says "$TASK" active
	wishes_are "$TASK" \
		"complete found accepted done, uncomplete row accepted done"
}

test_a_disabled_trigger_is_made_up_for() {
	next_task uncomplete
	sql "alter table tasks disable trigger user" >/dev/null
	row_says "$TASK" active
	sql "alter table tasks enable trigger user" >/dev/null
	two_runs
	wishes_are "$TASK" \
		"complete call accepted done, uncomplete found accepted done"
	is "$(provider_says todoist "$ITEM") $(taken)" "open 1" "it is open there"
}

test_a_replica_session_is_made_up_for() {
	next_task
	stack_admin flowpin -c "set session_replication_role = replica;
		update tasks set status = 'completed', completed_at = now()
		 where id = '$TASK'"
	is_found complete
}

# A dump from before is loaded: rows are replaced, and nothing fires.
test_restored_rows_are_made_up_for() {
	next_task
	sql "create table saved as select * from tasks where id = '$TASK'" >/dev/null
	complete "$TASK"
	is "$(provider_says todoist "$ITEM")" completed "it is completed first"
	mark
	without_trigger "delete from tasks where id = '$TASK';
		insert into tasks select * from saved"
	sql "drop table saved" >/dev/null
	two_runs
	wishes_are "$TASK" \
		"complete call accepted done, uncomplete found accepted done"
	is "$(task_status "$TASK") $(provider_says todoist "$ITEM")" \
		"active open" "both sides are as the dump has it"
}

# A device has not heard of a deletion and inserts its copy, as it was before anything
# was wished of it: that is a task of its own, and nobody wished to reopen the item.
is_another_task() { # HOW-DELETED HOW-INSERTED
	local columns='id, user_id, title, source, source_id, connection_id,
		source_metadata'

	next_task
	sql "create table if not exists copies as select * from tasks limit 0;
		insert into copies select * from tasks where id = '$TASK'" >/dev/null
	complete "$TASK"
	is_outcome accepted "done"
	mark
	"$1" "delete from tasks where id = '$TASK'"
	"$2" "insert into tasks ($columns)
		select $columns from copies where id = '$TASK'"
	two_runs
	wishes_are "$TASK" "complete call accepted done"
	is "$(provider_says todoist "$ITEM") $(taken)" "completed 0" \
		"its item is as it was"
	is "$(task_line "$TASK")" "completed absence completed" "which it learns"
	sql 'drop table copies' >/dev/null
}

by_call() {
	api DELETE "/v1/tasks/$TASK"
	is "$STATUS" 204 "it is deleted: $BODY"
}

with_trigger() {
	sql "$1" >/dev/null
}

test_a_deleted_task_that_is_inserted_again_is_another() {
	is_another_task by_call without_trigger
	is_another_task by_call with_trigger
	is_another_task without_trigger with_trigger
	is_another_task with_trigger without_trigger
	is_another_task with_trigger with_trigger
}

# The link must go with the task even where no trigger takes it away.
test_a_call_deletes_the_link_itself() {
	next_task
	sql "alter table tasks disable trigger flowpin_gateway" >/dev/null
	by_call
	sql "alter table tasks enable trigger flowpin_gateway" >/dev/null
	is "$(sql "select count(*) from links where task_id = '$TASK'")" 0 "gone"
}

test_a_row_that_no_trigger_saw_gets_a_link() {
	add_own_item todoist 'quietly made'
	TASK=$(cat /proc/sys/kernel/random/uuid)
	without_trigger "insert into tasks (id, user_id, title, source, source_id)
		values ('$TASK', '$USER_ID', 'quiet', 'todoist', '$ITEM')"
	is "$(noted "$TASK")" '' "there is none yet"
	two_runs
	is "$(noted "$TASK")|$(wishes "$TASK")" "active|1|" "a link and no wish"
	is "$(sql "select l.account_id = c.account_id from links l, connections c
		where l.task_id = '$TASK' and c.id = '${CONNECTIONS[todoist]}'")" t \
		"and its connection lists it"
	change_item todoist "$ITEM" '{"state": "completed"}'
	poll_own
	is "$(task_line "$TASK")" "completed absence completed" "it is followed"
}

# A completion that nobody noticed is not one by absence: it is sent, not found there.
test_what_is_found_late_is_not_taken_for_the_providers() {
	next_task
	change_item todoist "$ITEM" '{"state": "completed"}'
	without_trigger "update tasks set status = 'completed',
		completed_at = now() where id = '$TASK'"
	two_runs
	wishes_are "$TASK" "complete found accepted already_done"
	is "$(task_line "$TASK") $(taken)" "completed user - 0" "nothing is written"
}

test_a_refusal_of_what_is_found_late_takes_it_back() {
	next_task
	without_trigger "update tasks set status = 'completed',
		completed_at = now() where id = '$TASK'"
	fault '{"provider": "todoist", "write": true, "kind": "status",
		"status": 400}'
	two_runs
	wishes_are "$TASK" "complete found rolled_back refused"
	no_faults
	is "$(task_facts "$TASK")" "$BEFORE" "it is exactly what it was"
}

# --- connections that are not polled ---------------------------------------------------

# is_skipped REASON: though no run looks at this connection.
is_skipped() {
	local before

	before=$(sql "select count(*) from poll_runs where user_id = '$USER_ID'")
	two_runs
	wishes_are "$TASK" "complete found skipped $1"
	is "$(sql "select count(*) from poll_runs where user_id = '$USER_ID'")" \
		"$before" "no run looked"
	is "$(task_status "$TASK") $(provider_says todoist "$ITEM")" \
		"completed open" "it is completed here only"
}

test_a_paused_connections_rows_are_found_by_a_pass() {
	next_task
	sql "update integrations set is_active = false
		where id = '${CONNECTIONS[todoist]}'" >/dev/null
	without_trigger "update tasks set status = 'completed',
		completed_at = now() where id = '$TASK'"
	is_skipped paused
	sql "update integrations set is_active = true
		where id = '${CONNECTIONS[todoist]}'" >/dev/null
}

test_rows_of_a_connection_without_a_key_are_found_by_a_pass() {
	next_task
	sql "update connections set key_sealed = null, key_id = null
		where id = '${CONNECTIONS[todoist]}'" >/dev/null
	without_trigger "update tasks set status = 'completed',
		completed_at = now() where id = '$TASK'"
	is_skipped no_key
	api PATCH "/v1/connections/${CONNECTIONS[todoist]}" \
		"{\"key\": \"${TOKENS[todoist]}\"}"
	is "$STATUS" 200 "it has one again"
}

test_a_pass_goes_through_all_tasks_and_begins_anew() {
	sql "update reconciling set after_task_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'" \
		>/dev/null
	stack_poll
	is "$(sql "select after_task_id from reconciling")" \
		00000000-0000-0000-0000-000000000000 "past the last it begins anew"
	stack_poll
	is "$(sql "select after_task_id from reconciling")" \
		00000000-0000-0000-0000-000000000000 "all fit into one look: it stays"
}

test_links_of_tasks_that_are_gone_are_trimmed() {
	next_task
	without_trigger "delete from tasks where id = '$TASK'"
	stack_poll
	isnt "$(noted "$TASK")" '' "not yet: its task may be about to be made"
	sql "update links set linked_at = now() - interval '2 hours'" >/dev/null
	stack_poll
	is "$(noted "$TASK")" '' "it is gone"
	isnt "$(sql "select count(*) from links")" 0 "others are kept"
}

stack_init && stack_setting sweep_ms 200
stack_whole && as_new_user && add_connection todoist && make_tasks todoist 18 &&
	run_tests
