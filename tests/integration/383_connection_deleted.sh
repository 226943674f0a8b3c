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

	for provider in $(providers); do
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

# Its tasks belong to the connection that comes in its place.
test_what_was_completed_through_it_is_reopened_through_its_successor() {
	local provider

	for provider in $(providers); do
		as_new_user && add_connection "$provider" &&
			make_task "$provider" 'Twice'
		complete "$TASK"
		is_outcome accepted 'done'
		delete_connection
		is "$(task_line "$TASK")" "completed user -" "$provider: it stays"
		uncomplete "$TASK"
		is_outcome skipped no_connection
		complete "$TASK"
		is_outcome skipped no_connection
		change_item "$provider" "$ITEM" '{"state": "open"}'
		add_connection "$provider" "${TOKENS[$provider]}"
		uncomplete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" "$provider: $BODY"
		is "$(field .task.connection_id)" "$CONNECTION" \
			"$provider: its connection is known"
		poll_own
		is "$(task_line "$TASK")" "active - -" "$provider: open it is"
		is "$(sql "select count(*) from tasks where user_id = '$USER_ID'")" \
			1 "$provider: in one row"
	done
}

stack_whole && run_tests
