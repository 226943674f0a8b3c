#!/bin/bash
# A rollback may go back to an earlier completion, whose item is open by then.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Its next attempt is put off, so that the newer wish comes first.
is_waiting() {
	[ -n "$(sql "update writebacks set due_at = '2100-01-01'
		where task_id = '$TASK' and state = 'queued' and attempts > 0
		returning id")" ]
}

test_what_a_rollback_completed_again_is_reopened_if_its_item_is_open() {
	as_new_user && add_connection attio && make_task attio 'To and fro'
	complete "$TASK"
	is "$(field .writeback.outcome)" accepted "done on both sides"
	# it is reopened there, and nobody can tell
	fault '{"kind": "status", "provider": "attio", "op": "update",
		"status": 500, "applied": true}'
	fault '{"kind": "status", "provider": "attio", "op": "read",
		"status": 500}'
	uncomplete "$TASK" 'Prefer: respond-async'
	wait_until 20 is_waiting || flunk "its outcome is unknown"
	is "$(provider_says attio "$ITEM")" open "it took effect"
	no_faults
	fault '{"kind": "auth", "provider": "attio", "op": "update"}'
	complete "$TASK"
	is "$STATUS $(field .rolled_back)" "502 true" "refused: $BODY"
	is "$(task_status "$TASK")" completed "as it was before either"
	no_faults
	api PATCH "/v1/connections/$CONNECTION" \
		"{\"key\": \"${TOKENS[attio]}\"}"
	is "$STATUS" 200 "the key is given anew"
	poll_own
	is "$(task_line "$TASK")" "active - -" "its item is open, and so is it"
}

stack_whole && run_tests
