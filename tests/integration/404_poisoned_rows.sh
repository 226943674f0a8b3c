#!/bin/bash
# A value that nobody should have written, in every column that a client or an operator
# can write: it is refused, or its own row stops or is handled. Every statement over many
# rows goes on, and so does everybody else.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

FLOWPINS=1

# --- each column, each statement ----------------------------------------------------

# poisons [TYPE]: what poison.sql finds, on standard output, in all columns or in those of
# a type; every query is there by its name.
poisons() {
	local file name

	echo "set poison.type = '${1:-%}';" >"$STACK_DIR/poison.sql"
	for file in "$STACK_ROOT"/sql/queries/*.sql; do
		name=${file##*/}
		echo "prepare ${name%.sql} as"
		stack_query "$file"
		echo ';'
	done >>"$STACK_DIR/poison.sql"
	cat "$STACK_ROOT/tests/integration/poison.sql" >>"$STACK_DIR/poison.sql"
	stack_admin flowpin -f "$STACK_DIR/poison.sql" 2>&1 |
		sed -n 's/.*NOTICE:  POISON/POISON/p'
}

test_no_value_makes_a_statement_over_many_rows_fail() {
	local found

	found=$(poisons)
	is "$(grep '^POISON ' <<<"$found")" '' "none fails"
	like "$found" 'POISONS [1-9][0-9]+ refused, [1-9][0-9]+ taken' \
		"they were tried: $(tail -n 3 <<<"$found")"
}

# The walk above finds something if there is something to find.
test_the_search_finds_what_is_there() {
	sql "create or replace function gateway.us(t timestamptz) returns bigint
		language sql stable as
		'select (extract(epoch from t) * 1000000)::bigint'" >/dev/null
	like "$(poisons timestamptz | grep -c '^POISON ')" '^[1-9]' "it is found"
	stack_migrate
}

# --- the whole way --------------------------------------------------------------------

# others_go_on: another user's run, wish by row, call and listing.
others_go_on() {
	local user=$USER_ID was=${CONNECTIONS[todoist]} key=${TOKENS[todoist]}
	local before

	as_user "$OTHER"
	CONNECTIONS[todoist]=$OTHERS_CONNECTION
	TOKENS[todoist]=$OTHERS_KEY
	read -r TASK ITEM <<<"${OTHERS_TASKS[0]}"
	OTHERS_TASKS=("${OTHERS_TASKS[@]:1}")
	before=$(sql "select count(*) from poll_runs
		where connection_id = '$OTHERS_CONNECTION'")
	row_says "$TASK" completed
	sql "update connections set next_poll_at = now()
		where id = '$OTHERS_CONNECTION'" >/dev/null
	stack_poll
	is "$(sql "select count(*) - $before from poll_runs
		where connection_id = '$OTHERS_CONNECTION'
		  and outcome = 'complete'")" 1 "others are polled"
	wishes_are "$TASK" "complete row accepted done" "others' wishes"
	uncomplete "$TASK"
	is "$STATUS" 200 "others' calls: $BODY"
	api GET '/v1/tasks?limit=200'
	is "$STATUS" 200 "others' listing"
	as_user "$user"
	CONNECTIONS[todoist]=$was
	TOKENS[todoist]=$key
}

# his_good_one_goes_on: the same user's task that nothing is wrong with.
his_good_one_goes_on() {
	read -r TASK ITEM <<<"$GOOD"
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" \
		"his other task: $BODY"
	uncomplete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" \
		"and back: $BODY"
}

# his_run_ends: the last one was complete.
his_run_ends() {
	sql "update connections set next_poll_at = now()
		where id = '${CONNECTIONS[$1]}'" >/dev/null
	stack_poll
	is "$(last_run "${CONNECTIONS[$1]}")" complete "his run"
}

# lists_all COUNT: his listing, page by page, has so many tasks.
lists_all() {
	local cursor='' seen=0

	while :; do
		api GET "/v1/tasks?limit=3${cursor:+&cursor=$cursor}"
		is "$STATUS" 200 "a page: ${BODY:0:200}" || return
		seen=$((seen + $(jq '.tasks | length' <<<"$BODY")))
		cursor=$(field .next_cursor)
		[ -n "$cursor" ] || break
	done
	is "$seen" "$1" "all are listed"
}

victim() {
	as_new_user
	add_connection todoist
	make_tasks todoist "$1"
	GOOD=${MADE_TASKS[0]}
	MADE_TASKS=("${MADE_TASKS[@]:1}")
}

test_times_that_are_none() {
	local value

	victim 9
	for value in infinity -infinity '294276-12-31 23:59:59+00' \
		'4713-01-02 00:00:00+00 BC'; do
		next_task
		app "update tasks set created_at = '$value' where id = '$TASK'"
		next_task
		sql "alter table tasks disable trigger set_updated_at" >/dev/null
		ok "it is written" app "update tasks set updated_at = '$value'
			where id = '$TASK'"
		sql "alter table tasks enable trigger set_updated_at" >/dev/null
		row_says "$TASK" completed "'$value'"
		wishes_are "$TASK" "complete row accepted done"
		BEFORE=$(sql "select status, completed_at from tasks
			where id = '$TASK'")
		fault '{"provider": "todoist", "op": "reopen", "kind": "status",
			"status": 400}'
		uncomplete "$TASK"
		healed
		is "$STATUS $(field .rolled_back)" "502 true" "$value: it is refused"
		is "$(sql "select status, completed_at from tasks
			where id = '$TASK'")" "$BEFORE" "$value comes back"
	done
	lists_all 5
	his_good_one_goes_on
	his_run_ends todoist
	others_go_on
}

test_a_page_may_end_before_1970_or_in_the_year_9999() {
	victim 5
	next_task
	app "update tasks set created_at = '9999-12-31 23:59:59.999999Z'"
	lists_all 5
	app "update tasks set created_at = '0001-01-01 00:00:00Z'"
	lists_all 5
	app "update tasks set created_at = '1900-01-01 00:00:00.000001Z'"
	lists_all 5
}

test_positions_at_their_end() {
	victim 2
	next_task
	app "update tasks set position = 2147483647 where id = '$TASK'"
	make_task todoist 'imported after the last'
	is "$(sql "select position from tasks where id = '$TASK'")" 2147483647 \
		"it is beside it"
	his_good_one_goes_on
}

test_texts_without_end() {
	local i

	victim 9
	for i in 1 2 3 4 5 6 7; do
		next_task
		app "update tasks set title = repeat('long ', 2000000),
			description = repeat('x', 10000000) where id = '$TASK'"
	done
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted done"
	lists_all 9
	api GET "/v1/tasks/$TASK"
	is "$STATUS" 200 "it is read"
	is "$(sql "select length(title) from tasks where id = '$TASK'")" 10000000 \
		"and stays as it is"
	app "update integrations set label = repeat('x', 10000000)
		where user_id = '$USER_ID'"
	api GET /v1/connections
	is "$STATUS" 200 "the connection is told"
	his_good_one_goes_on
	his_run_ends todoist
	others_go_on
}

test_ids_that_no_request_can_carry() {
	local value task

	victim 8
	for value in "repeat('a', 100000)" "''" "'../../etc'" "'💥'" "E'a\\\\nb'" \
		"'a b'"; do
		next_task
		app "update tasks set source_id = $value where id = '$TASK'"
		task=$TASK
		complete "$TASK"
		is "$STATUS $(field .rolled_back)" "502 true" "$value: it is refused"
		row_says "$task" completed
		wait_until 20 all_ended "$task" || flunk "$value: $(wishes "$task")"
		is "$(task_status "$task")" active "$value: the row is back"
	done
	lists_all 8
	his_good_one_goes_on
	his_run_ends todoist
	others_go_on
}

test_bags_that_are_none() {
	local bag

	victim 9
	for bag in '[]' '"x"' 5 null '{"due": 5}' '{"due": {"date": 5, "is_recurring": "yes"}}' \
		'{"due": {"date": {}, "is_recurring": true, "string": []}}'; do
		next_task
		app "update tasks set source_metadata = '$bag' where id = '$TASK'"
		# as a row that the gateway knows from the client only
		sql "delete from links where task_id = '$TASK'" >/dev/null
		row_says "$TASK" completed
		wishes_are "$TASK" "complete row accepted done" "$bag"
	done
	his_good_one_goes_on
	his_run_ends todoist
	others_go_on
}

test_metadata_of_connections_that_is_none() {
	local metadata

	as_new_user
	add_connection linear
	add_own_item linear 'a ticket' '{"count": 2}'
	poll_once "$CONNECTION"
	import_titled 'a ticket 2'
	for metadata in "'[]'" "'\"x\"'" 5 "'null'" "'{\"linearStateTypes\": 5}'" \
		"'{\"linearStateTypes\": \"started\"}'" \
		"'{\"linearStateTypes\": {\"started\": 1}}'" \
		"'{\"teamDoneStates\": []}'" "'{\"teamDoneStates\": 5}'" \
		"'{\"teamDoneStates\": {\"t\": 5}, \"teams\": 5, \"user\": []}'" \
		"jsonb_build_object('x', repeat('long ', 2000000))"; do
		app "update integrations set metadata = to_jsonb($metadata::jsonb)
			where id = '$CONNECTION'"
		his_run_ends linear
		complete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"${metadata:0:60}: $BODY"
		uncomplete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"${metadata:0:60}, and back: $BODY"
		api GET /v1/inbox
		is "$STATUS $(jq '.items | length' <<<"$BODY")" "200 1" \
			"${metadata:0:60}: the inbox"
		others_go_on
		read -r TASK ITEM <<<"$(sql "select id, source_id from tasks
			where user_id = '$USER_ID'" | tr '|' ' ')"
	done
}

test_other_columns_of_connections() {
	local value

	for value in "api_key = repeat('x', 10000000)" "api_key = E'a\\\\nb'" \
		"api_key = '💥'" "label = null" "created_at = 'infinity'" \
		"created_at = '294276-12-31'" "created_at = '4713-01-02 BC'" \
		"last_synced_at = '-infinity'" "default_section = null" \
		"auto_import = null" "type = 'attio'"; do
		diag "$value"
		victim 2
		app "update integrations set $value where id = '$CONNECTION'"
		sql "update connections set next_poll_at = now()
			where id = '$CONNECTION'" >/dev/null
		stack_poll
		api GET /v1/connections
		is "$STATUS" 200 "it is told"
		api GET '/v1/tasks?limit=200'
		is "$STATUS" 200 "his tasks are"
		next_task
		row_says "$TASK" completed
		wait_until 20 all_ended "$TASK" || flunk "it ends: $(wishes "$TASK")"
		others_go_on
	done
}

# A writeback that cannot be rolled back, since there is no such status, ends nobody
# else's, and a pass does what it has to do beside it.
test_a_writeback_that_cannot_be_settled() {
	victim 3
	next_task
	fault '{"provider": "todoist", "op": "close", "kind": "status",
		"status": 400, "delay_ms": 1500, "times": 1}'
	row_says "$TASK" completed
	wait_until 10 is_in_flight 'op=close'
	sql "update writebacks set before_status = 'nothing'
		where task_id = '$TASK'" >/dev/null
	others_go_on
	no_faults
	his_good_one_goes_on
	sql "update writebacks set before_status = 'active', due_at = now()
		where before_status = 'nothing'" >/dev/null
	wait_until 60 all_ended || flunk "it ends once it can"
}

prepare() {
	as_new_user
	add_connection todoist
	make_tasks todoist 60 || return
	OTHERS_TASKS=("${MADE_TASKS[@]}")
	OTHER=$USER_ID
	OTHERS_CONNECTION=$CONNECTION
	OTHERS_KEY=${TOKENS[todoist]}
}

stack_init && stack_setting sweep_ms 200 && short_times 4000 1500
stack_whole && prepare && run_tests
