#!/bin/bash
# Where nothing is to be written, nothing is: what is open already stays in whose hands it
# is, what cannot be read may be finished, and what cannot be completed is not tried.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

test_an_issue_that_a_colleague_works_on_is_left_to_them() {
	local task state

	fill linear 2 || return
	polls 1
	task=$(task_of "${IDS[0]}")
	change_item linear "${IDS[0]}" '{"state": "reassigned", "state_type": "started"}'
	polls 1
	is "$(tally)" "1 active, 1 completed reassigned" "it is theirs"
	state=$(at_linear .state_type)
	mark
	uncomplete "$task"
	is "$STATUS $(field .writeback.outcome) $(field .writeback.reason)" \
		"200 accepted already_done" "it is open: $BODY"
	is "$(writes) $(at_linear .state_type)" "0 $state" "and as it was"
}

at_linear() {
	sim GET "/_sim/items/linear/${IDS[0]}"
	jq -c "$1" <<<"$BODY"
}

test_what_is_finished_and_cannot_be_read_is_reopened() {
	local task

	fill todoist 3 || return
	sim PATCH "/_sim/accounts/todoist/${TOKENS[todoist]}" \
		'{"completed_reads": "404"}' || return
	polls 1
	task=$(task_of "${IDS[0]}")
	complete "$task"
	is "$STATUS" 200 "it is completed: $BODY"
	mark
	row_says "$task" active # which makes the gateway look
	wishes_are "$task" \
		"complete call accepted done, uncomplete row accepted done"
	is "$(provider_says todoist "${IDS[0]}")" open "it is open again"

	complete "$task"
	fault '{"provider": "todoist", "write": true, "kind": "reset_before", "times": 1}'
	uncomplete "$task"
	is "$STATUS $(field .writeback.reason)" "200 done" \
		"after a lost request, too: $BODY"
	is "$(provider_says todoist "${IDS[0]}")" open "it is open again"
	no_faults

	change_item todoist "${IDS[1]}" '{"state": "completed"}'
	polls 1
	is "$(tally)" "2 active, 1 completed completed" "finished there"
	task=$(task_of "${IDS[1]}")
	uncomplete "$task"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "and reopened: $BODY"

	task=$(task_of "${IDS[2]}")
	complete "$task"
	sim DELETE "/_sim/items/todoist/${IDS[2]}"
	uncomplete "$task"
	is "$STATUS $(field .code)" "502 writeback_source_gone" "what is gone, is: $BODY"
}

test_what_cannot_be_completed_is_not_tried() {
	local task

	as_new_user
	add_connection todoist || return
	add_item todoist '* A heading' "{\"account\": \"${TOKENS[todoist]}\"}"
	poll_once "$CONNECTION"
	api GET /v1/inbox
	is "$(field '.items[0].source_metadata.is_uncompletable')" true "the inbox says so"
	import_titled '* A heading'
	task=$TASK
	mark
	complete "$task"
	is "$STATUS $(field .code) $(field .rolled_back)" \
		"502 writeback_uncompletable true" "it is refused: $BODY"
	is "$(field .detail)" \
		"The task was not completed: items like this one cannot be completed in Todoist." \
		"in a sentence"
	is "$(writes) $(task_status "$task")" "0 active" "and nothing was sent"
	row_says "$task" completed
	wishes_are "$task" "complete call rolled_back uncompletable, complete row rolled_back uncompletable"
	is "$(task_status "$task")" active "by row, too"
	api PATCH "/v1/tasks/$task" '{"title": "anything"}'
	change_item todoist "$ITEM" '{"title": "A task"}'
	complete "$task"
	is "$STATUS $(field .writeback.reason)" "200 done" "renamed there it can be: $BODY"
}

stack_init || bail "no directory"
stack_setting sweep_ms 300
stack_setting provider_timeout_ms 4000
stack_whole && run_tests
