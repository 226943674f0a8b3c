#!/bin/bash
# What the app's client writes into a row of tasks becomes a wish, or does not: the table
# in sql/rules/60_take_note.sql, on Flowpin's own database, by its own role.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

FLOWPINS=1

# --- the table ------------------------------------------------------------------

test_a_changed_row_is_a_wish() {
	next_task
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted done"
	is "$(provider_says todoist "$ITEM") $(taken)" "completed 1" \
		"it is closed there, once"
	is "$(task_line "$TASK")" "completed user -" "by its user"
	mark
	row_says "$TASK" active
	wishes_are "$TASK" \
		"complete row accepted done, uncomplete row accepted done"
	is "$(provider_says todoist "$ITEM") $(taken)" "open 1" \
		"and opened again, once"
}

test_a_change_is_a_wish_however_late_it_comes() {
	next_task
	app "update tasks set status = 'completed',
		completed_at = now() - interval '9 days',
		updated_at = now() - interval '9 days' where id = '$TASK'"
	wishes_are "$TASK" "complete row accepted done"
	is "$(provider_says todoist "$ITEM")" completed "it is closed there"
}

test_a_row_written_as_it_is_changes_nothing() {
	local before

	next_task
	before=$(noted "$TASK")
	app "update tasks set status = 'active', updated_at = now()
		where id = '$TASK'"
	app_reads tasks
	app_syncs tasks
	is "$(wishes "$TASK") $(noted "$TASK")" " $before" "no wish came of it"
}

test_other_columns_are_the_clients() {
	local before

	next_task
	before=$(noted "$TASK")
	app_reads tasks
	app_changes tasks "[.[] | select(.id == \"$TASK\") | .title = \"mine\" |
		.position = 7 | .section = \"later\" | .updated_at = \"2200-01-01Z\"]"
	app_syncs tasks
	app "update tasks set description = 'more' where id = '$TASK'"
	is "$(wishes "$TASK") $(noted "$TASK")" " $before" "no wish came of it"
	is "$(sql "select title, position, section, description from tasks
		where id = '$TASK'")" "mine|7|later|more" "they are as written"
}

test_an_old_copy_changes_neither_status_nor_completion_time() {
	local done_at

	next_task
	app_reads tasks
	app_changes tasks "[.[] | select(.id == \"$TASK\") | .title = \"old\"]"
	complete "$TASK"
	done_at=$(sql "select completed_at from tasks where id = '$TASK'")
	app_syncs tasks
	is "$(sql "select title, status, completed_at from tasks
		where id = '$TASK'")" "old|completed|$done_at" "only the title is old"
	wishes_are "$TASK" "complete call accepted done"

	app_reads tasks
	app_changes tasks "[.[] | select(.id == \"$TASK\")]"
	uncomplete "$TASK"
	app_syncs tasks
	is "$(sql "select status, completed_at from tasks where id = '$TASK'")" \
		"active|" "the other way round"
	wishes_are "$TASK" \
		"complete call accepted done, uncomplete call accepted done"
}

test_a_copy_that_is_not_older_is_a_wish() {
	next_task
	app_reads tasks
	app_changes tasks "[.[] | select(.id == \"$TASK\") |
		.status = \"completed\" | .completed_at = \"2026-01-02T03:04:05Z\"]"
	app_syncs tasks
	wishes_are "$TASK" "complete row accepted done"
	is "$(provider_says todoist "$ITEM")" completed "it is closed there"
	is "$(sql "select completed_at from tasks where id = '$TASK'")" \
		"2026-01-02 03:04:05+00" "at the client's time"
}

test_the_completion_time_is_the_clients_to_change() {
	local before

	next_task
	complete "$TASK"
	before=$(noted "$TASK")
	app "update tasks set completed_at = '2026-01-02 03:04:05Z'
		where id = '$TASK'"
	wishes_are "$TASK" "complete call accepted done"
	is "$(noted "$TASK")" "$before" "no wish came of it"
	is "$(sql "select completed_at from tasks where id = '$TASK'")" \
		"2026-01-02 03:04:05+00" "it is as written"
}

# app_imports STATUS: a row as the client makes it of an item. Sets TASK.
app_imports() {
	TASK=$(cat /proc/sys/kernel/random/uuid)
	app "insert into tasks (id, user_id, title, source, source_id, status,
			completed_at, source_metadata)
		values ('$TASK', '$USER_ID', 'imported', 'todoist', '$ITEM', '$1',
			case when '$1' = 'completed' then now() end,
			'{\"due\": {\"date\": \"2031-02-03\", \"is_recurring\": false}}')"
}

test_an_imported_row_gets_a_link() {
	add_own_item todoist 'to import'
	app_imports active
	is "$(wishes "$TASK")|$(noted "$TASK")" "|active|1" "a link and no wish"
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted done"
	is "$(provider_says todoist "$ITEM")" completed "it is closed there"
	is "$(sql "select connection_id from tasks where id = '$TASK'")" \
		"${CONNECTIONS[todoist]}" "and its connection is known now"
}

test_a_row_made_completed_is_a_wish() {
	add_own_item todoist 'done at once'
	app_imports completed
	wishes_are "$TASK" "complete row accepted done"
	is "$(provider_says todoist "$ITEM")" completed "it is closed there"
}

test_the_archive_stays_here() {
	next_task
	row_says "$TASK" archived
	row_says "$TASK" active
	row_says "$TASK" archived
	is "$(wishes "$TASK") $(taken)" " 0" "nothing is sent"
	like "$(noted "$TASK")" '^archived' "it is taken note of"
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted done"
	is "$(provider_says todoist "$ITEM")" completed \
		"from there to completed is a wish"
}

test_a_deleted_tasks_wish_still_ends() {
	next_task
	fault '{"provider": "todoist", "op": "read", "kind": "delay",
		"delay_ms": 1500}'
	row_says "$TASK" completed
	wait_until 10 is_in_flight 'op=read'
	app "delete from tasks where id = '$TASK'"
	is "$(noted "$TASK")" '' "the link is gone"
	wishes_are "$TASK" "complete row accepted done"
	no_faults
}

test_another_item_gets_a_new_link() {
	local version

	next_task
	complete "$TASK"
	version=$(sql "select version from links where task_id = '$TASK'")
	add_own_item todoist 'another'
	app "update tasks set source_id = '$ITEM', status = 'active',
		completed_at = null where id = '$TASK'"
	is "$(sql "select source_id, status, completed_by is null,
		version > $version from links where task_id = '$TASK'")" \
		"$ITEM|active|t|t" "the link is about the other one"
	row_says "$TASK" completed
	wait_until 20 all_ended "$TASK"
	is "$(provider_says todoist "$ITEM")" completed "which is closed"
}

test_what_a_rollback_is_about_to_restore_is_a_wish() {
	next_task
	fault '{"provider": "todoist", "op": "close", "kind": "status",
		"status": 400,
		"delay_ms": 1500}'
	call_behind late POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_in_flight 'op=close'
	row_says "$TASK" active
	call_joined late
	no_faults
	wishes_are "$TASK" \
		"complete call rolled_back refused, uncomplete row accepted already_done"
	is "$(task_status "$TASK") $(provider_says todoist "$ITEM")" \
		"active open" "both sides are as the row says"
}

# --- the connection ---------------------------------------------------------------

test_a_copy_without_the_connection_does_not_lose_it() {
	next_task
	app_reads tasks
	app_changes tasks "[.[] | select(.id == \"$TASK\") |
		.connection_id = null | .updated_at = \"2200-01-01Z\"]"
	app_syncs tasks
	is "$(sql "select connection_id from tasks where id = '$TASK'")" \
		"${CONNECTIONS[todoist]}" "it is as it was"
}

test_a_copy_with_a_deleted_connection_is_taken() {
	local was_user=$USER_ID was=${CONNECTIONS[todoist]} key=${TOKENS[todoist]}

	as_new_user
	add_connection todoist
	make_task todoist 'of a connection that goes'
	app_reads tasks
	app "delete from integrations where id = '$CONNECTION'"
	app_changes tasks '[.[] | .title = "synced"]'
	ok "the client's write succeeds" app_syncs tasks
	is "$(sql "select title, connection_id is null from tasks
		where id = '$TASK'")" "synced|t" "and the connection is none"
	ok "so does an update" app "update tasks set connection_id = '$CONNECTION'
		where id = '$TASK'"
	as_user "$was_user"
	CONNECTIONS[todoist]=$was
	TOKENS[todoist]=$key
}

test_a_connection_of_another_user_is_none() {
	local other

	other=$(sql "select gen_random_uuid()")
	stack_admin flowpin -c "insert into auth.users (id) values ('$other')"
	stack_admin flowpin -c "insert into integrations (id, user_id, type)
		values ('$other', '$other', 'todoist')"
	next_task
	ok "the client's write succeeds" app "update tasks
		set connection_id = '$other' where id = '$TASK'"
	is "$(sql "select connection_id is null from tasks where id = '$TASK'")" t \
		"and names nobody else's"
}

# --- the same item under another id ----------------------------------------------

# inserts STATUS MORE: a new row for the item of $TASK, as another writer makes one.
inserts() {
	app "insert into tasks (user_id, title, source, source_id, status, completed_at,
			updated_at)
		select user_id, 'a second', source, source_id, '$1',
		       case '$1' when 'completed' then now() end, ${3:-now()}
		  from tasks where id = '$TASK' $2"
}

test_an_insert_that_is_ignored_is_no_wish() {
	local before

	next_task
	before=$(noted "$TASK")
	inserts completed 'on conflict do nothing'
	inserts completed 'on conflict (user_id, source, source_id) do nothing'
	is "$(sql "select count(*) from writebacks where user_id = '$USER_ID'
		and created_at > now() - interval '5 s' and state = 'queued'")" 0 \
		"no wish came of it"
	is "$(sql "select count(*) from links l where l.user_id = '$USER_ID'
		and not exists (select from tasks t where t.id = l.task_id)")" 0 \
		"and no link"
	is "$(wishes "$TASK") $(noted "$TASK")" " $before" "nor for the item's task"
}

test_an_upsert_may_name_the_item() {
	local set='on conflict (user_id, source, source_id) do update
		set status = excluded.status, completed_at = excluded.completed_at,
		    updated_at = excluded.updated_at'

	next_task
	inserts completed "$set"
	wishes_are "$TASK" "complete row accepted done"
	is "$(provider_says todoist "$ITEM") $(taken)" "completed 1" \
		"it is closed there, once"
	is "$(sql "select count(*) from writebacks w where w.user_id = '$USER_ID'
		and not exists (select from tasks t where t.id = w.task_id)
		and w.created_at > now() - interval '1 minute'
		and w.source_id = '$ITEM'")" 0 "under one id"
	inserts active "$set" "'2020-01-01'"
	wishes_are "$TASK" "complete row accepted done" "an old copy is no wish"
	is "$(task_status "$TASK")" completed "and leaves the status"
}

test_a_task_made_anew_begins_after_the_old_one() {
	next_task
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted done"
	app_reads tasks
	app "delete from tasks where id = '$TASK'"
	app_syncs tasks
	is "$(sql "select version > (select task_version from writebacks
			where task_id = '$TASK' order by created_at limit 1)
		from links where task_id = '$TASK'")" t \
		"what ends for the old one finds another version"
}

# --- many rows ---------------------------------------------------------------------

# many_tasks COUNT: of a new user, whose connection sends nothing yet.
many_tasks() {
	as_new_user
	app "insert into integrations (user_id, type, api_key)
		values ('$USER_ID', 'todoist', 'nobody''s')"
	app "insert into tasks (user_id, title, source, source_id, status)
		select '$USER_ID', 'task ' || n, 'todoist', 'm' || n,
		       case when n % 3 = 0 then 'archived' else 'active' end::task_status
		  from generate_series(1, $1) n"
}

test_sync_now_of_two_thousand_rows_is_no_wish() {
	local was_user=$USER_ID before

	many_tasks 2000
	stack_end gateway
	# as long ago as the client's copy is of
	row_says "$(sql "select id from tasks where user_id = '$USER_ID'
		and status = 'active' limit 1")" completed
	sql "delete from writebacks" >/dev/null
	before=$(sql "select md5(string_agg(l::text, '' order by task_id))
		from links l")
	app_reads tasks
	app_reads integrations
	app_syncs tasks
	app_syncs integrations
	is "$(sql "select count(*) from writebacks")" 0 "no wish came of it"
	is "$(sql "select md5(string_agg(l::text, '' order by task_id))
		from links l")" "$before" "no link was touched"
	as_user "$was_user"
	restart_gateway
}

test_a_thousand_rows_completed_at_once() {
	local was_user=$USER_ID

	many_tasks 1500
	stack_end gateway
	ok "within the client's patience" app "set statement_timeout = '8s';
		update tasks set status = 'completed', completed_at = now()
		 where user_id = '$USER_ID' and status = 'active'"
	is "$(sql "select count(*), count(distinct task_id) from writebacks
		where user_id = '$USER_ID' and wish = 'complete'
		  and origin = 'row' and state = 'queued'")" "1000|1000" \
		"each has its wish"
	sql "delete from writebacks where user_id = '$USER_ID'" >/dev/null
	as_user "$was_user"
	restart_gateway
}

test_a_thousand_locked_links_do_not_hold_up_the_client() {
	local was_user=$USER_ID

	many_tasks 1500
	stack_end gateway
	locks_links "user_id = '$USER_ID'"
	ok "within the client's patience" app "set statement_timeout = '8s';
		update tasks set status = 'completed', completed_at = now()
		 where user_id = '$USER_ID' and status = 'active'" 2>/dev/null
	lets_go
	is "$(sql "select count(*) from tasks where user_id = '$USER_ID'
		and status = 'completed'")" 1000 "they are completed"
	poll_own
	poll_own
	is "$(sql "select count(*) from writebacks where user_id = '$USER_ID'
		and origin = 'found'")" 1000 "each has its wish in the end"
	sql "delete from writebacks where user_id = '$USER_ID'" >/dev/null
	as_user "$was_user"
	restart_gateway
}

# --- it never raises -----------------------------------------------------------------

locks_links() { # WHERE
	locks "select from gateway.links where $1 for update"
}

# is_found_later: what the client wrote is a wish once runs can look.
is_found_later() {
	is "$(database_log "WARNING:.*$TASK was not taken note of")" 1 \
		"one line says so"
	poll_own
	wait_until 20 all_ended "$TASK"
	[ -n "$(wishes "$TASK")" ] || poll_own
	wishes_are "$TASK" "complete found accepted done"
	is "$(provider_says todoist "$ITEM") $(taken)" "completed 1" \
		"it is closed there, once"
}

test_a_missing_table_is_no_reason_to_fail() {
	local table

	for table in writebacks links; do
		diag "$table"
		next_task
		sql "alter table gateway.$table rename to away" >/dev/null
		ok "the client's write succeeds" row_says "$TASK" completed 2>/dev/null
		sql "alter table gateway.away rename to $table" >/dev/null
		is "$(task_status "$TASK")" completed "it is written"
		is_found_later
	done
}

test_a_violated_constraint_is_no_reason_to_fail() {
	next_task
	sql "alter table gateway.writebacks add constraint never
		check (origin <> 'row') not valid" >/dev/null
	ok "the client's write succeeds" row_says "$TASK" completed 2>/dev/null
	sql "alter table gateway.writebacks drop constraint never" >/dev/null
	is_found_later
}

test_a_locked_link_is_no_reason_to_fail() {
	next_task
	locks_links "task_id = '$TASK'"
	ok "the client's write succeeds" row_says "$TASK" completed 2>/dev/null
	lets_go
	is_found_later
}

test_a_locked_table_is_no_reason_to_fail() {
	local table

	for table in gateway.links gateway.writebacks public.integrations; do
		diag "$table"
		next_task
		stack_end gateway
		# as a maintainer's statement does
		locks "lock table $table in access exclusive mode"
		ok "what is no news does not wait" app "set statement_timeout = '400ms';
			update tasks set title = 'mine' where id = '$TASK'"
		ok "news do not wait long" app "set statement_timeout = '4s';
			update tasks set status = 'completed', completed_at = now()
			 where id = '$TASK'" 2>/dev/null
		# its foreign key waits for integrations, with or without a gateway
		[ "$table" = public.integrations ] || ok "nor does a new task" app "set statement_timeout = '4s';
			insert into tasks (user_id, title, source, source_id, connection_id)
			values ('$USER_ID', 'new', 'todoist', 'locked $table',
				'${CONNECTIONS[todoist]}')" 2>/dev/null
		lets_go
		restart_gateway
		poll_own
		poll_own
		wishes_are "$TASK" "complete found accepted done"
		app "delete from tasks where source_id = 'locked $table'"
	done
}

# --- what becomes of them ---------------------------------------------------------------

# told TASK: the sentence of the last event of it that says it was rolled back.
told() {
	api GET '/v1/events?limit=200'
	jq -r --arg t "$1" '[.events[] | select(.task_id == $t and
		.type == "task.rolled_back")] | last | .sentence // .detail // ""' \
		<<<"$BODY"
}

test_a_refused_wish_takes_the_row_back() {
	next_task
	fault '{"provider": "todoist", "op": "close", "kind": "status",
		"status": 400}'
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row rolled_back refused"
	no_faults
	is "$(task_facts "$TASK")" "$BEFORE" "it is exactly what it was"
	like "$(told "$TASK")" '^The task was not completed: .*Todoist.*\.$' \
		"its user is told in a sentence"
}

test_a_refused_reopening_restores_the_completion_time() {
	next_task
	row_says "$TASK" completed "'2026-01-02 03:04:05.678901Z'"
	wishes_are "$TASK" "complete row accepted done"
	BEFORE=$(task_facts "$TASK")
	fault '{"provider": "todoist", "op": "reopen", "kind": "status",
		"status": 400}'
	row_says "$TASK" active
	wishes_are "$TASK" "complete row accepted done, uncomplete row rolled_back refused"
	no_faults
	is "$(task_facts "$TASK")" "$BEFORE" "it is exactly what it was"
	like "$(told "$TASK")" '^The task was not reopened: .*Todoist.*\.$' \
		"its user is told in a sentence"
}

test_complete_then_uncomplete_at_once_ends_uncompleted() {
	next_task
	app_session <<-SQL
		begin;
		update tasks set status = 'completed', completed_at = now()
		 where id = '$TASK';
		update tasks set status = 'active', completed_at = null
		 where id = '$TASK';
		commit;
	SQL
	wishes_are "$TASK" "complete row superseded newer_wish, uncomplete row accepted already_done"
	is "$(writes)" 0 "nothing is sent and undone"
	is "$(task_status "$TASK") $(provider_says todoist "$ITEM")" \
		"active open" "both sides agree"
	row_says "$TASK" completed
	row_says "$TASK" active
	wait_until 20 all_ended "$TASK"
	is "$(task_status "$TASK") $(provider_says todoist "$ITEM")" \
		"active open" "and if the first was faster"
}

stack_init && stack_setting sweep_ms 200
stack_whole && as_new_user && add_connection todoist && make_tasks todoist 30 &&
	run_tests
