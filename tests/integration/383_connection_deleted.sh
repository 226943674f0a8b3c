#!/bin/bash
# A connection is deleted, perhaps while something is under way for one of its
# tasks, and added anew.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

delete_connection() {
	api DELETE "/v1/connections/$CONNECTION"
	is "$STATUS" 204 "the connection is deleted"
}

test_a_refusal_after_the_connection_went_still_rolls_back() {
	local provider

	for provider in todoist linear attio; do
		as_new_user && add_connection "$provider" &&
			make_task "$provider" 'Refused'
		fault "{\"kind\": \"auth\", \"provider\": \"$provider\",
			\"write\": true, \"delay_ms\": 1500, \"times\": 1}"
		call_behind refused POST "/v1/tasks/$TASK/complete"
		wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
		delete_connection
		call_joined refused
		is "$STATUS $(field .rolled_back)" "502 true" \
			"$provider: refused: $BODY"
		is "$(task_line "$TASK")" "active - -" "$provider: as it was"
		no_faults
	done
}

test_a_task_is_not_reopened_beside_the_one_that_stands_for_its_item() {
	local first

	as_new_user && add_connection attio && make_task attio 'Twice'
	first=$TASK
	complete "$first"
	is "$(field .writeback.outcome)" accepted "done: $BODY"
	delete_connection
	change_item attio "$ITEM" '{"state": "open"}'
	sql "delete from inbox_items; insert into tasks (user_id, title, source,
		source_id, status) values ('$USER_ID', 'Twice', 'attio',
		'$ITEM', 'active')" >/dev/null
	add_connection attio "${TOKENS[attio]}"
	uncomplete "$first"
	is "$STATUS" 409 "before the other names its connection: $BODY"
	poll_own
	uncomplete "$first"
	is "$STATUS" 409 "and after: $BODY"
	is "$(sql "select count(*) from tasks where user_id = '$USER_ID'
		and status = 'active'")" 1 "one task is to be done"
}

stack_whole && run_tests
