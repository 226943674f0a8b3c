#!/bin/bash
# Rows that meet each other on their way: what the trigger notes before a row is written,
# and what then comes to nothing, is nobody's wish; and no client's write fails for it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2034 # lib.sh reads it
FLOWPINS=1

# meanwhile SQL: a session of the client's that has done so, and commits a while later.
# Sets MEANWHILE, to be waited for.
meanwhile() {
	app_session -c "begin; $1; select pg_advisory_lock(7); select pg_sleep(1.5); commit" \
		>/dev/null 2>&1 &
	MEANWHILE=$!
	wait_until 10 is_locked || flunk "the other session has written"
}

is_locked() {
	[ "$(sql "select count(*) from pg_locks where locktype = 'advisory'
		and objid = 7 and granted")" = 1 ]
}

new_id() {
	cat /proc/sys/kernel/random/uuid
}

# insert ID STATUS: of the item ITEM, as a client's statement has it.
insert() {
	echo "insert into tasks (id, user_id, title, source, source_id, status,
		completed_at) values ('$1', '$USER_ID', 'raced', 'todoist', '$ITEM',
		'$2', case '$2' when 'completed' then now() end)"
}

test_an_insert_that_meets_one_in_a_race_is_no_wish() {
	local first second

	add_own_item todoist 'raced'
	first=$(new_id) second=$(new_id)
	meanwhile "$(insert "$first" active)"
	app "$(insert "$second" completed) on conflict do nothing"
	wait "$MEANWHILE"
	stack_poll
	wait_until 10 all_ended "$second" || flunk "it ends"
	is "$(wishes "$second")" "complete row superseded not_written" \
		"of a row that never was"
	is "$(sql "select task_id from links where source_id = '$ITEM'")" "$first" \
		"nothing else is kept"
	is "$(provider_says todoist "$ITEM") $(task_status "$first")" "open active" \
		"and both sides are as they were"
}

test_an_upsert_that_meets_one_in_a_race_is_one_wish() {
	local first second

	add_own_item todoist 'raced'
	first=$(new_id) second=$(new_id)
	mark
	meanwhile "$(insert "$first" active)"
	app "$(insert "$second" completed)
		on conflict (user_id, source, source_id) do update
		set status = excluded.status, completed_at = excluded.completed_at"
	wait "$MEANWHILE"
	stack_poll
	wait_until 10 all_ended || flunk "both end"
	is "$(wishes "$first")|$(wishes "$second")" \
		"complete row accepted done|complete row superseded not_written" \
		"the row's"
	is "$(provider_says todoist "$ITEM") $(writes)" "completed 1" "and one write"
}

# A trigger of the app's own that leaves a row as it is, after ours.
test_a_change_that_the_app_leaves_out_is_no_wish() {
	next_task
	stack_admin flowpin -c "create function frozen() returns trigger language plpgsql
			as 'begin return null; end'" \
		-c "create trigger zz_frozen before update on tasks for each row
			when (old.id = '$TASK') execute function frozen()"
	row_says "$TASK" completed
	is "$(task_status "$TASK")" active "it is left out"
	mark
	poll_own
	poll_own
	wait_until 10 all_ended "$TASK" || flunk "it ends"
	stack_admin flowpin -c "drop trigger zz_frozen on tasks"
	is "$(writes) $(provider_says todoist "$ITEM") $(task_status "$TASK")" \
		"0 open active" "nothing was done: $(wishes "$TASK")"
}

test_an_upsert_of_a_row_that_is_being_deleted_is_a_wish() {
	next_task
	meanwhile "delete from tasks where id = '$TASK'"
	app "$(insert "$TASK" completed) on conflict (id) do update
		set status = excluded.status, completed_at = excluded.completed_at"
	wait "$MEANWHILE"
	is "$(task_status "$TASK")" completed "it is made anew"
	poll_own
	wait_until 10 all_ended "$TASK" || flunk "it ends"
	poll_own
	is "$(provider_says todoist "$ITEM") $(task_status "$TASK")" \
		"completed completed" "both sides have it: $(wishes "$TASK")"
}

# As the gateway's own statements lock it, for a moment.
test_an_old_copy_of_a_row_that_is_locked_does_not_win() {
	next_task
	meanwhile "select 1 from tasks where id = '$TASK' for update"
	app "insert into tasks (id, user_id, title, source, source_id, status,
			completed_at, updated_at)
		values ('$TASK', '$USER_ID', 'x', 'todoist', '$ITEM', 'completed',
			now(), now() - interval '1 day')
		on conflict (id) do update set status = excluded.status,
			completed_at = excluded.completed_at, updated_at = excluded.updated_at"
	wait "$MEANWHILE"
	is "$(task_status "$TASK") $(wishes "$TASK")" "active " "it does not"
}

test_sync_now_meets_deleted_rows_and_goes_on() {
	as_new_user
	add_connection todoist && make_task todoist 'to be synced' || return
	app_reads tasks
	app "delete from integrations where id = '$CONNECTION'"
	meanwhile "delete from tasks where id = '$TASK'"
	ok "it goes on" app_syncs tasks
	wait "$MEANWHILE"
	is "$(sql "select connection_id is null from tasks where id = '$TASK'")" t \
		"of a connection that is gone nothing is named"
}

# An ignored insert must not make a later statement of its message an upsert.
test_a_connection_that_goes_is_named_by_no_row() {
	as_new_user
	add_connection todoist && make_task todoist 'in one message' || return
	app "insert into tasks (id, user_id, title) values ('$TASK', '$USER_ID', 'x')
		on conflict do nothing; delete from integrations where id = '$CONNECTION'"
	is "$(sql "select connection_id is null from tasks where id = '$TASK'")" t "none does"
}

# Whichever of two rows an upsert changes, it is an upsert.
test_an_old_copy_that_meets_two_rows_is_one() {
	local one other

	as_new_user
	add_connection todoist && make_task todoist 'one' || return
	one=$TASK
	make_task todoist 'other' || return
	other=$TASK
	complete "$other"
	mark
	app "insert into tasks (id, user_id, title, source, source_id, status, updated_at)
		values ('$one', '$USER_ID', 'x', 'todoist', '$ITEM', 'active',
			now() - interval '2 days')
		on conflict (user_id, source, source_id) do update
		set status = excluded.status, completed_at = excluded.completed_at,
		    updated_at = excluded.updated_at"
	is "$(task_status "$other") $(writes)" "completed 0" "it does not win"
}

stack_init || bail "no directory"
stack_setting sweep_ms 300
stack_whole && as_new_user && add_connection todoist && make_tasks todoist 4 &&
	run_tests
