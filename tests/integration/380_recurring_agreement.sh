#!/bin/bash
# A recurring item has one row for ever: whatever was done here, and wherever people
# move its date, both sides agree on whether something is to be done, and when.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

DAILY='{"recurring": "every day", "due_date": "2031-02-05"}'

fresh() {
	as_new_user && add_connection todoist && add_own_item todoist 'Stays' &&
		make_task todoist 'Again' "$DAILY" && mark
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

closes() {
	sim GET "/_sim/items/todoist/$ITEM"
	field .closes
}

# is_open_as DUE REASON: both sides agree, for good; told once, under that reason.
is_open_as() {
	is "$(task_line "$TASK")" "active - -" "it is to be done"
	is "$(sql "select metadata ->> 'due_date' from links
		where task_id = '$TASK'")" "$1" "at the item's date"
	is "$(in_inbox)" 0 "and not offered beside"
	is "$(sql "select string_agg(reason, ' ') from events
		where task_id = '$TASK' and type = 'task.reopened'")" "$2" \
		"it is told once"
	poll_own
	is "$(task_line "$TASK")" "active - -" "for good"
	is "$(sql "select count(*) from tasks where user_id = '$USER_ID'
		and source_id = '$ITEM'")" 1 "in one row"
}

test_what_was_done_here_is_active_again_as_the_next_one() {
	fresh
	complete "$TASK"
	is_outcome accepted 'done'
	poll_own
	is_open_as 2031-02-06 next_occurrence
	is "$(closes) $(taken)" "1 1" "one occurrence was closed"
	complete "$TASK"
	is_outcome accepted 'done'
	poll_own
	is "$(closes) $(taken)" "2 2" "and the next one, once"
	is "$(sql "select metadata ->> 'due_date' from links
		where task_id = '$TASK'")" 2031-02-07 "it stands for the one after"
}

test_one_put_off_to_before_the_one_that_was_done_is_to_be_done() {
	fresh
	complete "$TASK"
	due_on 2031-02-03
	mark
	poll_own
	is_open_as 2031-02-03 reopened
	is "$(writes)" 0 "nothing is written for it"
}

test_the_same_one_made_open_again_reopens_its_task() {
	fresh
	complete "$TASK"
	due_on 2031-02-05
	mark
	poll_own
	is_open_as 2031-02-05 reopened
	is "$(writes)" 0 "nothing is written for it"
}

test_one_finished_for_good_and_reopened_reopens_its_task() {
	fresh
	change_item todoist "$ITEM" '{"state": "completed"}'
	poll_own
	is "$(task_line "$TASK")" "completed absence completed" "it is finished"
	change_item todoist "$ITEM" '{"state": "open"}'
	poll_own
	is_open_as 2031-02-05 reopened
	is "$(writes)" 0 "nothing is written for it"
}

test_one_that_does_not_recur_any_more_is_to_be_done() {
	fresh
	complete "$TASK"
	change_item todoist "$ITEM" '{"recurring": false}'
	mark
	poll_own
	is "$(task_line "$TASK")" "active - -" "what is left is to be done"
	is "$(in_inbox) $(writes)" "0 0" "in its own row, by no write"
	complete "$TASK"
	is_outcome accepted 'done'
	poll_own
	is "$(task_line "$TASK") $(provider_says todoist "$ITEM")" \
		"completed user - completed" "and then it is done for good"
}

# Whether it was put off or done there looks the same, and needs no decision.
test_what_moved_on_there_takes_the_date() {
	fresh
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	is_open_as 2031-02-06 ''
	due_on 2031-02-20
	poll_own
	is_open_as 2031-02-20 ''
	is "$(writes)" 0 "nothing is written for it"
}

test_what_was_completed_here_only_stays_so() {
	fresh
	api PATCH "/v1/connections/$CONNECTION" '{"writeback": false}'
	complete "$TASK"
	is_outcome skipped writeback_off
	poll_own
	is "$(task_status "$TASK") $(closes)" "completed 0" \
		"the item is where it was"
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	is_open_as 2031-02-06 next_occurrence
}

test_a_close_that_never_happened_is_noticed() {
	fresh
	# the item is said to be gone, and is not
	fault '{"kind": "not_found", "provider": "todoist", "op": "read",
		"times": 1}'
	complete "$TASK"
	is "$(field .writeback.reason)" already_gone "it is believed: $BODY"
	poll_own
	is_open_as 2031-02-05 reopened
}

stack_whole && run_tests
