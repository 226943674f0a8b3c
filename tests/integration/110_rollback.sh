#!/bin/bash
# What a provider did with a write whose answer is lost, broken or late is read
# from the item itself. Really done is accepted, really not done is rolled back to
# exactly what was there, and what cannot be read stays open until it can.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"


# connected: one user with a connection of each type.
connected() {
	local provider

	as_new_user
	for provider in $(providers); do
		add_connection "$provider" || bail "no connection"
	done
}

# write_fault PROVIDER MEMBERS: every write of it meets this.
write_fault() {
	fault "{\"provider\": \"$1\", \"write\": true, $2}"
}

read_fault() {
	fault "{\"provider\": \"$1\", \"write\": false, $2}"
}

# is_done_in_spite_of WISH PROVIDER MEMBERS: the write took effect, its answer
# never came; it is not sent again.
is_done_in_spite_of() {
	next_task "$1" || return
	write_fault "$2" "$3"
	wish "$1" "$TASK"
	healed
	diag "$1: $2 $3"
	is_outcome accepted "done"
	is "$(provider_says "$2" "$ITEM")" "$(state_for "$1")" "$2 has it"
	is "$(writes) $(taken)" "1 1" "$2 $3: one write, taken once"
	is "$(writeback_state "$(sql "select id from writebacks
		where task_id = '$TASK' order by created_at desc limit 1")")" \
		accepted "it has ended"
}

# is_undone_because_of WISH PROVIDER MEMBERS [STATUS]: no write took effect.
is_undone_because_of() {
	next_task "$1" || return
	write_fault "$2" "$3"
	wish "$1" "$TASK"
	healed
	diag "$1: $2 $3"
	is_rolled_back "${4:-504}" '[a-z_]+' "$(name_of "$2")"
	is "$(provider_says "$2" "$ITEM")" "$(state_before "$1")" \
		"$2 $3: the item is as it was"
	is "$(taken)" 0 "$2 $3: nothing was taken"
	isnt "$(writes)" 0 "$2 $3: something was tried"
}

AFTER=('"kind": "reset_after"' '"kind": "hang_after"' '"kind": "truncate"'
	'"kind": "html", "applied": true' '"kind": "empty_body"'
	'"kind": "status", "status": 500, "applied": true'
	'"kind": "html_status", "status": 502, "applied": true')
NOT=('"kind": "reset_before"' '"kind": "hang_before"' '"kind": "html"'
	'"kind": "html_status", "status": 502' '"kind": "status", "status": 500'
	'"kind": "status", "status": 503'
	'"kind": "reset_after", "applied": false'
	'"kind": "hang_after", "applied": false')

done_in_spite_of_all() {
	local members more=("${@:2}")

	make_tasks "$1" $((${#AFTER[@]} + ${#more[@]} + 2)) || return
	for members in "${AFTER[@]}" "${more[@]}"; do
		is_done_in_spite_of complete "$1" "$members"
	done
	is_done_in_spite_of uncomplete "$1" '"kind": "reset_after"'
	is_done_in_spite_of uncomplete "$1" '"kind": "hang_after"'
}

undone_because_of_all() {
	local members more=("${@:2}")

	make_tasks "$1" $((${#NOT[@]} + ${#more[@]} + 2)) || return
	for members in "${NOT[@]}" "${more[@]}"; do
		is_undone_because_of complete "$1" "$members"
	done
	is_undone_because_of uncomplete "$1" '"kind": "reset_before"'
	is_undone_because_of uncomplete "$1" '"kind": "status", "status": 500'
}

test_todoist_has_done_it_whatever_became_of_the_answer() {
	done_in_spite_of_all todoist
}

test_linear_has_done_it_whatever_became_of_the_answer() {
	done_in_spite_of_all linear '"kind": "truncate_json"' \
		'"kind": "graphql_errors_after"' '"kind": "invalid_utf8"'
}

test_attio_has_done_it_whatever_became_of_the_answer() {
	done_in_spite_of_all attio '"kind": "truncate_json"' \
		'"kind": "invalid_utf8"'
}

# An empty 200 is a success to Todoist's clients: nothing to be tried there.
test_todoist_has_not_done_it_and_the_task_is_what_it_was() {
	undone_because_of_all todoist
}

test_linear_has_not_done_it_and_the_task_is_what_it_was() {
	undone_because_of_all linear '"kind": "empty_body", "applied": false' \
		'"kind": "graphql_errors"'
}

test_attio_has_not_done_it_and_the_task_is_what_it_was() {
	undone_because_of_all attio '"kind": "empty_body", "applied": false'
}

test_what_fails_once_is_tried_again_within_the_call() {
	local provider members

	for provider in $(providers); do
		make_tasks "$provider" 4 || continue
		for members in '"kind": "reset_before"' \
			'"kind": "hang_before"' '"kind": "status", "status": 500' \
			'"kind": "html_status", "status": 503'; do
			next_task
			write_fault "$provider" "$members, \"times\": 1"
			complete "$TASK"
			healed
			is_outcome accepted "done"
			is "$(provider_says "$provider" "$ITEM") $(writes) $(taken)" \
				"completed 2 1" "$provider $members: on the second try"
		done
	done
}

# left_open WISH PROVIDER MEMBERS: nobody can tell what became of it.
left_open() {
	local answer looked=0

	next_task "$1" || return
	write_fault "$2" "$3"
	# Linear's issue is looked at before it is reopened
	[ "$2 $1" != 'linear uncomplete' ] || looked=1
	read_fault "$2" "\"kind\": \"status\", \"status\": 500, \"skip\": $looked"
	wish "$1" "$TASK"
	answer=$BODY
	is "$STATUS $(jq -r '"\(.rolled_back) \(.writeback.outcome)"' \
		<<<"$BODY")" "504 false open" "$2 $3: it is open: $BODY"
	is "$(header content-type)" application/problem+json "it is a problem"
	like "$(field .detail)" "$(name_of "$2").*\.$" "in a sentence"
	WRITEBACK=$(field .writeback.id)
	is "$(header location)" "/v1/writebacks/$WRITEBACK" "where to look"
	is "$(task_json "$TASK" | jq -r .status)" "$(local_state "$1")" \
		"$2 $3: the task stays as wished"
	is "$(jq -r .task.status <<<"$answer")" "$(local_state "$1")" \
		"and the answer says so"
	is "$(writeback_state "$WRITEBACK")" open "it waits"
}

local_state() {
	[ "$1" = complete ] && echo completed || echo active
}

# ends_truly WISH PROVIDER TAKEN: in whichever way, both sides agree.
ends_truly() {
	local state

	healed
	wait_until 30 writeback_has_ended "$WRITEBACK" ||
		flunk "$2: it ends once the provider answers again" || return
	state=$(writeback_state "$WRITEBACK")
	if [ "$state" = accepted ]; then
		is "$(provider_says "$2" "$ITEM")" "$(state_for "$1")" \
			"$2: accepted is what is there"
		is "$(task_json "$TASK" | jq -r .status)" "$(local_state "$1")" \
			"$2: and here"
		is "$(taken)" 1 "$2: taken once"
	else
		is "$state" rolled_back "$2: else rolled back"
		is "$3" 0 "$2: though nothing had been taken"
		is "$(task_facts "$TASK")" "$BEFORE" "$2: to what it was"
		is "$(provider_says "$2" "$ITEM")" "$(state_before "$1")" \
			"$2: as the item is"
		like "$(events_of "$TASK")" 'task.rolled_back' "$2: and told"
	fi
}

open_until_it_can_be_read() {
	make_tasks "$1" 5 || return
	left_open complete "$1" '"kind": "reset_after"' &&
		ends_truly complete "$1" 1
	left_open complete "$1" '"kind": "hang_after"' &&
		ends_truly complete "$1" 1
	left_open complete "$1" '"kind": "reset_before"' &&
		ends_truly complete "$1" 0
	left_open uncomplete "$1" '"kind": "reset_after"' &&
		ends_truly uncomplete "$1" 1
	left_open uncomplete "$1" '"kind": "status", "status": 500' &&
		ends_truly uncomplete "$1" 0
}

test_what_todoist_cannot_be_asked_stays_open_until_it_can() {
	open_until_it_can_be_read todoist
}

test_what_linear_cannot_be_asked_stays_open_until_it_can() {
	open_until_it_can_be_read linear
}

test_what_attio_cannot_be_asked_stays_open_until_it_can() {
	open_until_it_can_be_read attio
}

# The deadline falls into the third write. A look takes no time, and must be had.
test_a_write_that_the_deadline_cuts_off_is_looked_at_too() {
	local provider

	stack_setting provider_timeout_ms 2000
	restart_gateway
	for provider in $(providers); do
		make_tasks "$provider" 1 || continue
		is_undone_because_of complete "$provider" '"kind": "hang_before"'
	done
	stack_setting provider_timeout_ms 600
	restart_gateway
}

test_a_poll_leaves_alone_what_is_open() {
	make_tasks attio 1
	left_open complete attio '"kind": "reset_before"'
	sim DELETE "/_sim/faults/$FAULT" # reading works, writing does not
	poll_once "${CONNECTIONS[attio]}"
	is "$(task_status "$TASK")" completed "the task stays as wished"
	ends_truly complete attio 0
}

test_a_gateway_that_dies_in_flight_leaves_it_to_the_next() {
	local provider

	for provider in $(providers); do
		make_tasks "$provider" 1 || continue
		next_task
		write_fault "$provider" '"kind": "hang_after"'
		call_behind dies POST "/v1/tasks/$TASK/complete"
		wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
		stack_end gateway KILL
		call_joined dies
		is "$STATUS" 503 "the caller is told to look"
		healed
		stack_gateway || bail "the gateway does not come back"
		WRITEBACK=$(sql "select id from writebacks
			where task_id = '$TASK'")
		wait_until 30 writeback_has_ended "$WRITEBACK" ||
			flunk "$provider: the next one ends it"
		is "$(writeback_state "$WRITEBACK")" accepted "$provider: accepted"
		is "$(provider_says "$provider" "$ITEM") $(taken)" "completed 1" \
			"$provider: taken once"
		is "$(task_status "$TASK")" completed "$provider: here too"
	done
}

# A time is restored as well, to its last digit.
test_an_uncompletion_rolled_back_restores_the_time_of_completion() {
	local at

	make_tasks attio 1
	next_task uncomplete
	left_as "$TASK" completed absence canceled '2020-02-29 12:34:56.654321Z'
	BEFORE=$(task_facts "$TASK")
	at=$(jq -r .completed_at <<<"$BEFORE")
	is "$at" 2020-02-29T12:34:56.654321Z "it was completed long ago"
	write_fault attio '"kind": "status", "status": 400'
	uncomplete "$TASK"
	healed
	is_rolled_back 502 refused Attio
	is "$(field .task.completed_at)" "$at" "and still is"
}

test_what_inbound_sync_found_meanwhile_wins_over_a_rollback() {
	make_tasks attio 1
	next_task
	write_fault attio '"kind": "status", "status": 400, "delay_ms": 800'
	call_behind slow POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	# as a webhook or another process would have left it
	left_as "$TASK" completed webhook completed 2020-01-01Z
	call_joined slow
	healed
	is "$(task_line "$TASK")" "completed webhook completed" \
		"the newer change stays"
	is "$(task_json "$TASK" | jq -r .completed_at)" \
		2020-01-01T00:00:00.000000Z "with its time"
}

# Last: it changes a setting of the gateway.
test_what_stays_unknown_for_too_long_is_rolled_back_and_told() {
	local provider

	stack_setting give_up_ms 1000
	restart_gateway
	for provider in $(providers); do
		make_tasks "$provider" 1 || continue
		left_open complete "$provider" '"kind": "reset_before"' ||
			continue
		wait_until 40 writeback_has_ended "$WRITEBACK" ||
			flunk "$provider: it is given up"
		is "$(writeback_state "$WRITEBACK")" rolled_back "rolled back"
		is "$(task_facts "$TASK")" "$BEFORE" "to what it was"
		is "$(events_of "$TASK")" "task.rolled_back given_up" "and told"
		like "$(api GET '/v1/events?limit=200' && jq -r --arg t "$TASK" \
			'.events[] | select(.task_id == $t) | .detail' \
			<<<"$BODY")" "$(name_of "$provider").*\.$" "in a sentence"
		healed
		mark
		uncomplete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: nobody takes it for known to be open: $BODY"
		isnt "$(requests)" 0 "$provider: it is asked"
	done
}

stack_init || bail "no directory"
short_times 4500 600
stack_whole && connected && run_tests
