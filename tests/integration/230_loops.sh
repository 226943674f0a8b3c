#!/bin/bash
# What came from one side is not sent back to it: the simulator's log of requests
# shows it, and the tasks stay what they are.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

fresh() { # PROVIDER
	as_new_user && add_connection "$1" && add_own_item "$1" 'Stays' &&
		make_task "$1" 'Goes round' && mark
}

# slow_list PROVIDER MS: the next list is put together now and arrives later.
slow_list() {
	fault "{\"kind\": \"delay_after\", \"provider\": \"$1\",
		\"op\": \"list\", \"delay_ms\": $2, \"times\": 1}"
	poll_behind --connection "$CONNECTION"
	wait_until 20 is_in_flight "provider=$1&op=list" ||
		flunk "$1: the run reads the list"
}

# The list must still be under way, or the test proved nothing.
still_under_way() {
	ok "$1: all that while the list was under way" \
		is_in_flight "provider=$1&op=list"
	poll_joined
	is "$STACK_STATUS" 0 "$1: the pass ends well"
	is "$(last_run "$CONNECTION")" complete "$1: with a complete run"
	no_faults
}

test_a_completion_that_came_in_is_not_sent_out() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		poll_own
		poll_own
		is "$(task_line "$TASK")" "completed absence completed" \
			"$provider: it came in"
		is "$(writes)" 0 "$provider: nothing is written"
		is "$(sql "select count(*) from writebacks
			where user_id = '$USER_ID'")" 0 "$provider: nor meant to be"
	done
}

test_a_reopening_that_came_in_is_not_sent_out() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		change_item "$provider" "$ITEM" '{"state": "open"}'
		poll_own
		poll_own
		is "$(task_line "$TASK")" "active - -" "$provider: it came in"
		is "$(writes)" 0 "$provider: nothing is written"
		is "$(sql "select count(*) from writebacks
			where user_id = '$USER_ID'")" 0 "$provider: nor meant to be"
	done
}

test_the_echo_of_a_completion_changes_nothing() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		complete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: it is completed"
		before=$(task_json "$TASK")
		poll_own
		is "$(task_json "$TASK")" "$before" "$provider: after one run"
		poll_own
		is "$(task_json "$TASK")" "$before" "$provider: after another"
		is "$(writes)" 1 "$provider: one write, the user's"
		is "$(provider_says "$provider" "$ITEM")" completed "$provider: it is"
		api GET /v1/events
		is "$(jq '[.events[] | select(.type | startswith("task."))] |
			length' <<<"$BODY")" 0 "$provider: nothing to be told"
	done
}

test_the_echo_of_an_uncompletion_changes_nothing() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		complete "$TASK"
		poll_own
		uncomplete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: it is uncompleted"
		before=$(task_json "$TASK" | jq -S 'del(.source_metadata)')
		poll_own
		is "$(task_json "$TASK" | jq -S 'del(.source_metadata)')" \
			"$before" "$provider: after one run"
		poll_own
		is "$(task_json "$TASK" | jq -S 'del(.source_metadata)')" \
			"$before" "$provider: after another"
		is "$(writes)" 2 "$provider: two writes, the user's"
		is "$(provider_says "$provider" "$ITEM")" open "$provider: it is"
	done
}

test_a_list_from_before_the_close_does_not_reopen() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		slow_list "$provider" 2500
		complete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: it is completed meanwhile"
		before=$(task_json "$TASK")
		still_under_way "$provider"
		is "$(task_json "$TASK")" "$before" "$provider: and stays so"
		poll_own
		poll_own
		is "$(task_json "$TASK")" "$before" "$provider: for good"
		is "$(writes)" 1 "$provider: one write"
		is "$(provider_says "$provider" "$ITEM")" completed \
			"$provider: there as well"
	done
}

# Even if it is open by id: only a run that began after the close may say so.
test_a_run_from_before_the_close_does_not_reopen_and_the_next_does() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		slow_list "$provider" 3000
		complete "$TASK"
		is "$(field .writeback.outcome)" accepted "$provider: completed"
		change_item "$provider" "$ITEM" '{"state": "open"}'
		before=$(task_json "$TASK")
		still_under_way "$provider"
		is "$(task_json "$TASK")" "$before" "$provider: it stays completed"
		poll_own
		is "$(task_line "$TASK")" "active - -" \
			"$provider: a run from after it reopens"
		is "$(writes)" 1 "$provider: only the user's wish was written"
	done
}

# Listed still though closed, as by a replica that lags; by id it is finished.
test_a_stale_list_right_after_the_close_does_not_reopen() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		complete "$TASK"
		before=$(task_json "$TASK")
		fault "{\"kind\": \"finished_rows\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
		poll_own
		poll_own
		no_faults
		is "$(task_json "$TASK")" "$before" "$provider: it stays completed"
		is "$(writes)" 1 "$provider: one write"
		api GET /v1/inbox
		is "$(jq --arg i "$ITEM" '[.items[] |
			select(.source_id == $i)] | length' <<<"$BODY")" 0 \
			"$provider: nor is it offered"
	done
}

# The wish to reopen is still on its way: what the list says is older than it.
test_an_open_writeback_keeps_runs_off() {
	local provider id

	for provider in $(providers); do
		fresh "$provider" || continue
		complete "$TASK"
		is "$(field .writeback.outcome)" accepted "$provider: completed"
		fault "{\"kind\": \"status\", \"status\": 503, \"write\": true,
			\"provider\": \"$provider\"}"
		uncomplete "$TASK" 'Prefer: respond-async'
		is "$STATUS" 202 "$provider: the wish is noted"
		id=$(field .writeback.id)
		poll_own
		poll_own
		api GET "/v1/writebacks/$id"
		is "$(field .writeback.outcome)" open "$provider: it is still open"
		is "$(task_line "$TASK")" "active - -" \
			"$provider: no run completes it again"
		no_faults
		wait_until 60 it_ended "$id" || flunk "$provider: the wish ends"
		is "$OUTCOME" accepted "$provider: and well"
		poll_own
		poll_own
		is "$(task_line "$TASK") $(provider_says "$provider" "$ITEM")" \
			"active - - open" "$provider: both sides agree"
	done
}

it_ended() {
	api GET "/v1/writebacks/$1"
	OUTCOME=$(field .writeback.outcome)
	[ "$OUTCOME" != open ]
}

test_two_users_of_one_account_do_not_play_ping_pong() {
	local first second

	fresh todoist
	first=$USER_ID FIRST_TASK=$TASK
	as_new_user
	second=$USER_ID
	api POST /v1/connections "$(jq -n --arg k "${TOKENS[todoist]}" \
		'{type: "todoist", label: "shared", key: $k}')"
	CONNECTION=$(field .connection.id)
	poll_own
	import_titled 'Goes round'
	mark
	complete "$TASK"
	is "$(field .writeback.outcome)" accepted "one completes it"
	as_user "$first"
	poll_own
	is "$(task_line "$FIRST_TASK")" "completed absence completed" \
		"the other's is completed by it"
	uncomplete "$FIRST_TASK"
	is "$(field .writeback.outcome)" accepted "who reopens it"
	as_user "$second"
	poll_own
	is "$(task_line "$TASK")" "active - -" "which the one hears of"
	poll_own
	as_user "$first"
	poll_own
	is "$(task_line "$FIRST_TASK")" "active - -" "and that is that"
	is "$(writes)" 2 "two wishes, two writes"
}

stack_init || bail "no directory"
stack_setting sweep_ms 200
stack_whole && run_tests
