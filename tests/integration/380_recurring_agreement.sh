#!/bin/bash
# Every occurrence that is due is a task or lies in the inbox, wherever people move
# it: none is lost between a completed task and the next date.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

DAILY='{"recurring": "every day", "due_date": "2031-02-05"}'

fresh() {
	as_new_user && add_connection todoist && add_own_item todoist 'Stays' &&
		make_task todoist 'Again' "$DAILY"
}

in_inbox() {
	api GET '/v1/inbox?limit=200'
	jq --arg i "$ITEM" '[.items[] | select(.source_id == $i)] | length' \
		<<<"$BODY"
}

due_on() { # DATE
	change_item todoist "$ITEM" "{\"due\": {\"date\": \"$1\",
		\"string\": \"every day\", \"is_recurring\": true}}"
}

test_one_put_off_to_before_the_one_that_was_done_is_in_the_inbox() {
	fresh
	complete "$TASK"
	due_on 2031-02-03
	poll_own
	poll_own
	is "$(task_status "$TASK")" completed "what was done stays done"
	is "$(in_inbox)" 1 "the other one is offered"
}

test_the_same_one_made_open_again_reopens_its_task() {
	fresh
	complete "$TASK"
	mark
	due_on 2031-02-05
	poll_own
	is "$(task_line "$TASK")" "active - -" "it is to be done again"
	is "$(writes)" 0 "nothing is written for it"
	poll_own
	is "$(task_line "$TASK")" "active - -" "for good"
	is "$(in_inbox)" 0 "and not offered beside"
}

test_one_finished_for_good_and_reopened_reopens_its_task() {
	fresh
	change_item todoist "$ITEM" '{"state": "completed"}'
	poll_own
	is "$(task_line "$TASK")" "completed absence completed" "it is finished"
	change_item todoist "$ITEM" '{"state": "open"}'
	poll_own
	is "$(task_line "$TASK")" "active - -" "it is to be done again"
}

test_one_that_does_not_recur_any_more_is_in_the_inbox() {
	fresh
	complete "$TASK"
	change_item todoist "$ITEM" '{"recurring": false}'
	poll_own
	is "$(task_status "$TASK")" completed "what was done stays done"
	is "$(in_inbox)" 1 "what is left is offered"
}

test_a_close_that_never_happened_is_noticed() {
	fresh
	# the item is said to be gone, and is not
	fault '{"kind": "not_found", "provider": "todoist", "op": "read",
		"times": 1}'
	complete "$TASK"
	is "$(field .writeback.reason)" already_gone "it is believed: $BODY"
	poll_own
	is "$(task_line "$TASK")" "active - -" "until the list shows it"
}

stack_whole && run_tests
