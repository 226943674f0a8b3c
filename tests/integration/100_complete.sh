#!/bin/bash
# Completing and uncompleting: what is sent to the provider, what is not, and
# what the task and the answer say of it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# fresh PROVIDER: another user, with one connection.
fresh() {
	as_new_user && add_connection "$1"
}

# comes_true WISH PROVIDER [JSON]: here and there, with one write.
comes_true() {
	ready_for "$@" || return
	wish "$1" "$TASK"
	is_outcome accepted "done"
	is "$(provider_says "$2" "$ITEM")" "$(state_for "$1")" "$2 has it"
	is "$(writes)" 1 "one write was sent"
	is "$(count_requests "write=true&item=$ITEM")" 1 "about that item"
	if [ "$1" = complete ]; then
		is "$(task_line "$TASK")" "completed user -" "it is completed"
		is "$(sql "select now() - completed_at between '0 s' and '1 min'
			from tasks where id = '$TASK'")" t "just now"
	else
		is "$(task_line "$TASK")" "active - -" "it is to be done"
		is "$(task_json "$TASK" | jq .completed_at)" null \
			"and has no time"
	fi
}

# Then the opposite wish, and the first again: no state sticks.
comes_true_and_back() {
	fresh "$1" || return
	comes_true complete "$1"
	mark
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(provider_says "$1" "$ITEM") $(writes)" "open 1" "it is open again"
	is "$(task_line "$TASK")" "active - -" "here too"
	mark
	complete "$TASK"
	is_outcome accepted "done"
	is "$(provider_says "$1" "$ITEM") $(writes)" "completed 1" \
		"and completed again"
	comes_true uncomplete "$1"
}

test_a_task_of_todoist_is_completed_and_reopened_on_both_sides() {
	comes_true_and_back todoist
}

test_a_task_of_linear_is_completed_and_reopened_on_both_sides() {
	comes_true_and_back linear
}

test_a_task_of_attio_is_completed_and_reopened_on_both_sides() {
	comes_true_and_back attio
}

test_a_completed_task_is_listed_as_such() {
	fresh attio
	ready_for complete attio
	complete "$TASK"
	api GET '/v1/tasks?status=completed'
	is "$(jq -r '.tasks[].id' <<<"$BODY")" "$TASK" "among the completed"
	api GET '/v1/tasks?status=active'
	is "$(jq '.tasks | length' <<<"$BODY")" 0 "not among the active"
	api GET '/v1/tasks?source=todoist'
	is "$(jq '.tasks | length' <<<"$BODY")" 0 "not among another source's"
}

test_the_writeback_of_a_completion_can_be_read() {
	fresh todoist
	ready_for complete todoist
	complete "$TASK"
	api GET "/v1/writebacks/$(field .writeback.id)"
	is "$STATUS $(jq -c '[.writeback.outcome, .writeback.wish,
		.writeback.task_id, .writeback.connection_id,
		.task.status]' <<<"$BODY")" \
		"200 [\"accepted\",\"complete\",\"$TASK\",\"$CONNECTION\",\"completed\"]"
}

test_what_is_completed_here_stays_so_after_polls() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		complete "$TASK"
		BEFORE=$(task_facts "$TASK")
		poll_once "$CONNECTION"
		poll_once "$CONNECTION"
		is "$(task_facts "$TASK")" "$BEFORE" "$provider: completed"
		uncomplete "$TASK"
		BEFORE=$(task_facts "$TASK")
		poll_once "$CONNECTION"
		poll_once "$CONNECTION"
		is "$(task_facts "$TASK" | jq 'del(.source_metadata)')" \
			"$(jq 'del(.source_metadata)' <<<"$BEFORE")" \
			"$provider: uncompleted"
		is "$(count_requests 'write=true')" 2 "and nothing more is sent"
	done
}

test_a_task_made_by_hand_is_completed_here_alone() {
	fresh todoist
	api POST /v1/tasks '{"title": "Milk"}'
	TASK=$(field .task.id)
	mark
	complete "$TASK"
	is_outcome skipped manual
	is "$(task_line "$TASK")" "completed user -" "it is completed"
	uncomplete "$TASK"
	is_outcome skipped manual
	is "$(task_line "$TASK")" "active - -" "and to be done again"
	is "$(requests)" 0 "nobody is asked"
}

# Flowpin's own client may have left such rows.
test_a_task_without_an_item_or_a_provider_is_taken_for_one_made_by_hand() {
	local columns

	fresh todoist
	add_own_item todoist 'Milk'
	mark
	for columns in "'todoist', null" "'manual', '$ITEM'"; do
		TASK=$(sql "insert into tasks (user_id, title, source, source_id)
			values ('$USER_ID', 'Milk', $columns) returning id")
		complete "$TASK"
		is_outcome skipped manual
		is "$(task_line "$TASK")" "completed user -" "$columns: completed"
		is "$(requests)" 0 "$columns: nobody is asked"
	done
}

test_a_task_whose_connection_was_deleted_is_completed_here_alone() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		api DELETE "/v1/connections/$CONNECTION"
		is "$STATUS" 204 "$provider: the connection is deleted"
		is "$(task_json "$TASK" | jq .connection_id)" null \
			"the task has none"
		complete "$TASK"
		is_outcome skipped no_connection
		is "$(task_line "$TASK")" "completed user -" "it is completed"
		uncomplete "$TASK"
		is_outcome skipped no_connection
		is "$(task_line "$TASK")" "active - -" "and to be done again"
		is "$(requests)" 0 "nobody is asked"
		is "$(provider_says "$provider" "$ITEM")" open "the item is"
	done
}

test_another_type_of_connection_is_no_substitute() {
	fresh todoist
	add_connection attio
	ready_for complete todoist
	api DELETE "/v1/connections/${CONNECTIONS[todoist]}"
	complete "$TASK"
	is_outcome skipped no_connection
	is "$(requests)" 0 "nobody is asked"
}

test_a_connection_that_is_not_written_back_to_is_not() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		api PATCH "/v1/connections/$CONNECTION" '{"writeback": false}'
		is "$STATUS $(jq .connection.writeback <<<"$BODY")" "200 false" \
			"$provider: it is switched off"
		complete "$TASK"
		is_outcome skipped writeback_off
		is "$(task_line "$TASK")" "completed user -" "it is completed"
		uncomplete "$TASK"
		is_outcome skipped writeback_off
		is "$(requests)" 0 "nobody is asked"
		api PATCH "/v1/connections/$CONNECTION" '{"writeback": true}'
		complete "$TASK"
		is_outcome accepted "done"
		is "$(writes)" 1 "until it is switched on"
	done
}

test_a_paused_connection_is_not_written_to() {
	fresh attio
	ready_for complete attio
	api PATCH "/v1/connections/$CONNECTION" '{"status": "paused"}'
	complete "$TASK"
	is_outcome skipped paused
	is "$(task_line "$TASK") $(requests)" "completed user - 0" \
		"it is completed here alone"
	uncomplete "$TASK"
	is_outcome skipped paused
	api PATCH "/v1/connections/$CONNECTION" '{"status": "active"}'
	complete "$TASK"
	is_outcome accepted "done"
}

# legacy PROVIDER: an item of the latest connection, and a task that names none.
legacy() {
	add_own_item "$1" 'Old friend' || return
	api POST /v1/tasks "$(jq -n --arg p "$1" --arg s "$ITEM" \
		'{title: "Old friend", source: $p, source_id: $s}')"
	is "$STATUS $(jq .task.connection_id <<<"$BODY")" "201 null" \
		"a legacy task: $BODY"
	TASK=$(field .task.id)
	mark
}

test_a_task_without_a_connection_finds_one_and_keeps_it() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		legacy "$provider" || continue
		complete "$TASK"
		is_outcome accepted "done"
		is "$(field .task.connection_id)" "$CONNECTION" "$provider: kept"
		is "$(provider_says "$provider" "$ITEM") $(writes)" "completed 1" \
			"$provider has it"
		uncomplete "$TASK"
		is_outcome accepted "done"
		is "$(provider_says "$provider" "$ITEM") $(writes)" "open 2" \
			"and the opposite"
	done
}

test_of_several_connections_a_task_without_one_takes_the_oldest() {
	local oldest

	fresh todoist
	oldest=$CONNECTION
	legacy todoist
	add_connection todoist
	complete "$TASK"
	is_outcome accepted "done"
	is "$(field .task.connection_id)" "$oldest" "the oldest is kept"
}

# As a project has them whose integrations are older than the gateway.
test_a_task_without_a_connection_passes_over_one_without_a_key() {
	fresh todoist
	sql "insert into integrations (user_id, type, created_at)
		values ('$USER_ID', 'todoist', now() - interval '1 year')" >/dev/null
	legacy todoist
	complete "$TASK"
	is_outcome accepted "done"
	is "$(field .task.connection_id)" "$CONNECTION" "the one with a key"
}

test_a_task_whose_guessed_connection_does_not_know_it_is_completed_here_alone() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		add_connection "$provider"
		legacy "$provider" || continue # its item is the newer one's
		complete "$TASK"
		is_outcome skipped connection_gone
		is "$(task_line "$TASK")" "completed user -" \
			"$provider: it is completed"
		is "$(task_json "$TASK" | jq .connection_id)" null \
			"and still names none"
		is "$(provider_says "$provider" "$ITEM")" open "the item is open"
	done
}

test_a_task_of_a_deleted_connection_is_not_lost_to_the_next_one() {
	fresh todoist
	ready_for complete todoist
	api DELETE "/v1/connections/$CONNECTION"
	add_connection todoist
	complete "$TASK"
	is_outcome skipped connection_gone
	is "$(task_line "$TASK")" "completed user -" "it is completed here"
}

test_completing_what_is_gone_at_the_provider_is_accepted() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		sim DELETE "/_sim/items/$provider/$ITEM"
		complete "$TASK"
		is_outcome accepted already_gone
		is "$(task_line "$TASK")" "completed user -" "$provider: completed"
		like "$(writes)" '^[01]$' "one write at most"
	done
	for provider in todoist attio; do
		fresh "$provider"
		ready_for complete "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "deleted"}'
		complete "$TASK"
		is_outcome accepted already_gone
	done
}

test_uncompleting_what_is_gone_at_the_provider_is_rolled_back() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for uncomplete "$provider" || continue
		sim DELETE "/_sim/items/$provider/$ITEM"
		uncomplete "$TASK"
		is_rolled_back 502 source_gone "$(name_of "$provider")"
		like "$(writes)" '^[01]$' "one write at most"
	done
	for provider in todoist attio; do
		fresh "$provider"
		ready_for uncomplete "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "deleted"}'
		uncomplete "$TASK"
		is_rolled_back 502 source_gone "$(name_of "$provider")"
	done
}

test_what_is_already_so_here_is_sent_nowhere() {
	local provider version answer

	for provider in $(providers); do
		fresh "$provider"
		ready_for uncomplete "$provider" || continue
		version=$(task_json "$TASK")
		answer=$(sql "select id from writebacks where task_id = '$TASK'")
		complete "$TASK"
		is_outcome accepted "done"
		is "$(field .writeback.id)" "$answer" \
			"$provider: completed already: answered as then"
		is "$(task_json "$TASK")" "$version" "the task is as it was"
		ready_for complete "$provider" || continue
		version=$(task_json "$TASK")
		uncomplete "$TASK"
		is "$STATUS $(jq -c .writeback <<<"$BODY")" \
			'200 {"id":null,"outcome":"skipped","reason":"unchanged"}' \
			"$provider: active already: $BODY"
		is "$(jq -S .task <<<"$BODY")" "$version" "the answer has it"
		is "$(task_json "$TASK")" "$version" "the task is as it was"
		is "$(requests)" 0 "nobody is asked"
		is "$(sql "select count(*) from writebacks
			where task_id = '$TASK'")" 0 "nothing was to be sent"
	done
}

test_what_is_already_so_at_the_provider_is_accepted() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		complete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: it is completed there already"
		is "$(provider_says "$provider" "$ITEM")" completed "and stays so"
		ready_for uncomplete "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "open"}'
		uncomplete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: it is open there already"
		is "$(provider_says "$provider" "$ITEM")" open "and stays so"
	done
}

test_archiving_deleting_and_renaming_stay_in_flowpin() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		api PATCH "/v1/tasks/$TASK" '{"title": "Another name"}'
		is "$STATUS $(field .task.title)" "200 Another name" \
			"$provider: renamed"
		api POST "/v1/tasks/$TASK/archive"
		is "$STATUS $(field .task.status)" "200 archived" "archived"
		ready_for complete "$provider" || continue
		api DELETE "/v1/tasks/$TASK"
		is "$STATUS" 204 "deleted"
		api GET "/v1/tasks/$TASK"
		is "$STATUS" 404 "and gone"
		is "$(count_requests 'write=true')" 0 "nothing is written"
		is "$(provider_says "$provider" "$ITEM")" open "the item is open"
	done
	is "$(sim GET "/_sim/items?provider=todoist" &&
		jq '[.items[] | select(.title == "Another name")] | length' \
			<<<"$BODY")" 0 "the name stays here"
}

test_an_archived_task_is_neither_completed_nor_uncompleted() {
	local before each

	fresh attio
	for each in complete uncomplete; do
		ready_for "$each" attio || continue
		api POST "/v1/tasks/$TASK/archive"
		before=$(task_json "$TASK")
		wish "$each" "$TASK"
		is "$STATUS $(field .code)" "409 conflict" "$each: $BODY"
		is "$(task_json "$TASK")" "$before" "$each: it stays archived"
		is "$(requests)" 0 "$each: nobody is asked"
	done
}

# interrupted WHAT FAULT: a call that is in flight when its task changes here.
# Sets WRITEBACK.
interrupted() {
	local method=$1 path=$2 json=$3

	fault "$4" && call_behind interrupted POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	api "$method" "/v1/tasks/$TASK$path" "$json"
	like "$STATUS" '^20[04]$' "the task is changed meanwhile"
	call_joined interrupted
	WRITEBACK=$(sql "select id from writebacks where task_id = '$TASK'")
	no_faults
	wait_until 20 writeback_has_ended "$WRITEBACK" ||
		flunk "the writeback ends"
}

test_a_writeback_ends_though_its_task_is_archived_meanwhile() {
	fresh attio
	ready_for complete attio
	interrupted POST /archive '' \
		'{"kind": "delay", "delay_ms": 1500, "write": true}'
	is "$(writeback_state "$WRITEBACK")" accepted "it was delivered"
	is "$(task_status "$TASK")" archived "the task is archived"
	ready_for complete attio
	interrupted POST /archive '' '{"kind": "status", "status": 400,
		"delay_ms": 1500, "write": true}'
	is "$(writeback_state "$WRITEBACK")" rolled_back "it was refused"
	is "$(task_status "$TASK")" archived "the newer change wins"
}

test_a_writeback_ends_though_its_task_is_deleted_meanwhile() {
	fresh attio
	ready_for complete attio
	interrupted DELETE '' '' \
		'{"kind": "delay", "delay_ms": 1500, "write": true}'
	is "$(writeback_state "$WRITEBACK")" accepted "it was delivered"
	ready_for complete attio
	interrupted DELETE '' '' '{"kind": "status", "status": 400,
		"delay_ms": 1500, "write": true}'
	like "$(writeback_state "$WRITEBACK")" '^(rolled_back|superseded)$' \
		"it was refused"
	api GET "/v1/tasks/$TASK"
	is "$STATUS" 404 "the task stays deleted"
}

test_a_new_name_outlives_a_rollback() {
	fresh attio
	ready_for complete attio
	interrupted PATCH '' '{"title": "Renamed in between"}' \
		'{"kind": "status", "status": 400, "delay_ms": 1500,
			"write": true}'
	is "$(writeback_state "$WRITEBACK")" rolled_back "it was refused"
	is "$(task_facts "$TASK")" \
		"$(jq '.title = "Renamed in between"' <<<"$BEFORE")" \
		"all but the name is as it was"
}

# polled: what this user's connection asks when it is due for a poll.
polled() {
	sql "update connections set next_poll_at = case when id = '$CONNECTION'
		then now() else '2100-01-01' end" && stack_poll &&
		requests
}

# refused_until_replaced PROVIDER REASON: by the last call's key.
refused_until_replaced() {
	local provider=$1 key

	is_rolled_back 502 "$2" "$(name_of "$provider")"
	is "$(connection_says "$CONNECTION" status)" auth_failed \
		"$provider: the connection says so"
	is "$(provider_says "$provider" "$ITEM")" open "the item is open"
	mark
	complete "$TASK"
	is_rolled_back 502 '[a-z_]+' "$(name_of "$provider")"
	is "$(requests)" 0 "$provider: nobody is asked any more"
	is "$(polled)" 0 "$provider: nor by a poll"
	key=$(sim_token "$provider")
	sim POST /_sim/accounts "$(jq -n --arg p "$provider" --arg t "$key" \
		--arg a "${TOKENS[$provider]}" \
		'{provider: $p, token: $t, account: $a}')"
	api PATCH "/v1/connections/$CONNECTION" "{\"key\": \"$key\"}"
	is "$STATUS $(field .connection.status)" "200 active" \
		"$provider: a new key revives it"
	complete "$TASK"
	is_outcome accepted "done"
	is "$(provider_says "$provider" "$ITEM") $(writes)" "completed 1" \
		"$provider has it"
}

test_a_revoked_key_stops_the_connection_until_it_is_replaced() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		sim DELETE "/_sim/accounts/$provider/${TOKENS[$provider]}"
		complete "$TASK"
		refused_until_replaced "$provider" auth_failed
	done
}

# Linear does not tell a key's scope from a person's rights to one item.
test_a_key_that_may_only_read_goes_on_reading() {
	local provider

	for provider in todoist attio; do
		fresh "$provider"
		ready_for complete "$provider" || continue
		sim POST /_sim/accounts "$(jq -n --arg p "$provider" \
			--arg t "${TOKENS[$provider]}" \
			'{provider: $p, token: $t, account: $t, scope: "read"}')"
		complete "$TASK"
		is "$(writes)" 1 "$provider: one write is tried"
		is_rolled_back 502 'scope_missing|forbidden' "$(name_of "$provider")"
		is "$(connection_says "$CONNECTION" status)" active \
			"$provider: the connection lives"
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_once "$CONNECTION" || flunk "a pass"
		is "$(task_line "$TASK")" 'completed absence completed' \
			"$provider: what is done there is done here"
	done
}

test_a_dead_key_does_not_touch_another_connection() {
	fresh todoist
	ready_for complete todoist
	sim DELETE "/_sim/accounts/todoist/${TOKENS[todoist]}"
	complete "$TASK"
	is "$STATUS" 502 "it is refused"
	add_connection todoist
	ready_for complete todoist
	complete "$TASK"
	is_outcome accepted "done"
}

test_a_short_limit_is_waited_for() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		fault "{\"kind\": \"rate_limit\", \"provider\": \"$provider\",
			\"write\": true, \"times\": 1, \"retry_after\": 1}"
		complete "$TASK"
		is_outcome accepted "done"
		is "$(provider_says "$provider" "$ITEM") $(writes)" "completed 2" \
			"$provider: refused once, then taken"
		is "$(sim GET "/_sim/requests?since=$MARK&write=true" && jq '
			.requests | .[1].at_ms - .[0].at_ms >= 900 or
			$p == "attio"' --arg p "$provider" <<<"$BODY")" true \
			"$provider: not before it was time"
		no_faults
	done
}

test_a_long_limit_is_told_and_respected() {
	local provider seconds

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		fault "{\"kind\": \"rate_limit\", \"provider\": \"$provider\",
			\"write\": true, \"retry_after\": 600}"
		complete "$TASK"
		is_rolled_back 503 rate_limited "$(name_of "$provider")"
		like "$(header retry-after)" '^(600|5[0-9]{2})$' \
			"when to come back"
		is "$(writes)" 1 "$provider: one write was tried"
		is "$(provider_says "$provider" "$ITEM")" open "the item is open"
		no_faults
		mark
		complete "$TASK"
		seconds=$(header retry-after)
		is_rolled_back 503 rate_limited "$(name_of "$provider")"
		like "$seconds" '^(600|5[0-9]{2})$' "still"
		is "$(requests)" 0 "$provider: nobody is asked meanwhile"
		is "$(polled)" 0 "$provider: nor by a poll"
		sql "update connections set rate_limited_until = now()
			where id = '$CONNECTION'" >/dev/null # it is over
		complete "$TASK"
		is_outcome accepted "done"
		is "$(writes)" 1 "$provider: then it is taken"
	done
}

test_an_unreachable_provider_is_said_to_be() {
	local provider port

	port=$(stack_port)
	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		stack_setting "${provider}_url" "http://127.0.0.1:$port"
		restart_gateway
		complete "$TASK"
		is_rolled_back 504 unreachable "$(name_of "$provider")"
		is "$(provider_says "$provider" "$ITEM") $(writes)" "open 0" \
			"nothing reached it"
		stack_setting "${provider}_url" "$SIM_URL"
	done
	restart_gateway
	complete "$TASK"
	is_outcome accepted "done"
}

test_the_optimistic_change_is_visible_while_the_call_is_in_flight() {
	fresh attio
	ready_for complete attio
	fault '{"kind": "delay", "delay_ms": 1500, "write": true}'
	call_behind slow POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	is "$(task_line "$TASK")" "completed user -" "it is completed at once"
	call_joined slow
	is_outcome accepted "done"
	no_faults
}

stack_init || bail "no directory"
short_times 6000 2500
stack_whole && run_tests
