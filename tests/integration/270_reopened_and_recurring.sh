#!/bin/bash
# What was completed and is open again at its provider; and what comes back
# every day.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

fresh() { # PROVIDER [JSON]
	as_new_user && add_connection "$1" && add_own_item "$1" 'Stays' &&
		make_task "$1" 'Again' "${2:-null}" && mark
}

# in_inbox: how often the item lies there.
in_inbox() {
	api GET '/v1/inbox?limit=200'
	jq --arg i "$ITEM" '[.items[] | select(.source_id == $i)] | length' \
		<<<"$BODY"
}

it_is_reopened() { # PROVIDER WRITES
	is "$(task_json "$TASK" | jq -c '[.status, .completed_at,
		.completed_by, .completion_reason]')" \
		'["active",null,null,null]' "$1: it is to be done again"
	is "$(writes)" "$2" "$1: nothing is written for it"
	is "$(in_inbox)" 0 "$1: nor is it offered beside"
	api GET /v1/events
	is "$(jq --arg t "$TASK" '[.events[] | select(.task_id == $t and
		.type == "task.reopened")] | length' <<<"$BODY")" 1 \
		"$1: and told once"
}

test_what_absence_completed_and_is_open_again_is_reopened() {
	local provider

	for provider in todoist linear attio; do
		fresh "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		is "$(task_status "$TASK")" completed "$provider: completed there"
		change_item "$provider" "$ITEM" '{"state": "open"}'
		poll_own
		it_is_reopened "$provider" 0
		poll_own
		it_is_reopened "$provider" 0
	done
}

test_what_the_user_completed_and_is_open_again_is_reopened() {
	local provider

	for provider in todoist linear attio; do
		fresh "$provider" || continue
		complete "$TASK"
		is "$(field .writeback.outcome)" accepted "$provider: completed here"
		change_item "$provider" "$ITEM" '{"state": "open"}'
		poll_own
		it_is_reopened "$provider" 1
		poll_own
		it_is_reopened "$provider" 1
	done
}

test_what_came_back_in_whatever_way_is_reopened() {
	local change

	for change in canceled duplicate deleted archived reassigned; do
		fresh linear || continue
		change_item linear "$ITEM" "{\"state\": \"$change\"}"
		poll_own
		is "$(task_line "$TASK")" "completed absence $change" "$change"
		change_item linear "$ITEM" '{"state": "open", "assignee": "me"}'
		poll_own
		is "$(task_line "$TASK")" "active - -" "$change: and back"
	done
}

test_it_may_go_to_and_fro() {
	local provider i

	for provider in todoist linear attio; do
		fresh "$provider" || continue
		for i in 1 2 3; do
			change_item "$provider" "$ITEM" '{"state": "completed"}'
			poll_own
			is "$(task_line "$TASK")" "completed absence completed" \
				"$provider: done, $i"
			change_item "$provider" "$ITEM" '{"state": "open"}'
			poll_own
			is "$(task_line "$TASK")" "active - -" "$provider: open, $i"
		done
		is "$(writes)" 0 "$provider: nothing is written"
		is "$(sql "select count(*) from tasks
			where user_id = '$USER_ID'")" 1 "$provider: one task all along"
	done
}

test_a_completion_that_was_skipped_is_not_reopened() {
	local provider before

	for provider in todoist linear attio; do
		fresh "$provider" || continue
		api PATCH "/v1/connections/$CONNECTION" '{"writeback": false}'
		is "$STATUS" 200 "$provider: writeback is off"
		complete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 skipped" \
			"$provider: completed here only"
		before=$(task_json "$TASK" | jq -S 'del(.source_metadata)')
		poll_own
		poll_own
		is "$(task_json "$TASK" | jq -S 'del(.source_metadata)')" \
			"$before" "$provider: it stays so"
		is "$(writes)" 0 "$provider: nothing is written"
		api PATCH "/v1/connections/$CONNECTION" '{"writeback": true}'
		poll_own
		is "$(task_json "$TASK" | jq -S 'del(.source_metadata)')" \
			"$before" "$provider: with writeback on again, too"
	done
}

test_what_is_archived_is_not_reopened() {
	local provider

	for provider in todoist linear attio; do
		fresh "$provider" || continue
		complete "$TASK"
		api POST "/v1/tasks/$TASK/archive"
		is "$STATUS" 200 "$provider: it is archived"
		change_item "$provider" "$ITEM" '{"state": "open"}'
		poll_own
		poll_own
		is "$(task_status "$TASK")" archived "$provider: it stays so"
		is "$(in_inbox)" 1 "$provider: its item is offered again"
	done
}

test_a_failed_run_reopens_nothing() {
	local provider

	for provider in todoist linear attio; do
		fresh "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		change_item "$provider" "$ITEM" '{"state": "open"}'
		fault "{\"kind\": \"truncate\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
		poll_own
		no_faults
		is "$(task_status "$TASK")" completed "$provider: not by that"
		poll_own
		is "$(task_status "$TASK")" active "$provider: but by the next"
	done
}

# --- every day ------------------------------------------------------------------

DAILY='{"recurring": "every day", "due_date": "2031-02-03"}'

closes() {
	sim GET "/_sim/items/todoist/$ITEM"
	field .closes
}

test_an_occurrence_done_at_todoist_completes_its_task() {
	local first

	fresh todoist "$DAILY"
	first=$TASK
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	is "$(task_line "$TASK")" "completed absence occurrence" "and says why"
	isnt "$(task_json "$TASK" | jq -r .completed_at)" null "and when"
	is "$(in_inbox)" 1 "the next one is in the inbox"
	is "$(writes)" 0 "nothing is written"
	poll_own
	poll_own
	is "$(task_line "$TASK")" "completed absence occurrence" "for good"
	is "$(in_inbox)" 1 "the next one stays there"
	import_titled 'Again'
	isnt "$TASK" "$first" "it is a task of its own"
	poll_own
	is "$(task_line "$TASK")" "active - -" "to be done"
	is "$(task_line "$first")" "completed absence occurrence" \
		"and the first remains done"
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	is "$(task_line "$TASK")" "completed absence occurrence" \
		"until it is done, too"
	is "$(closes)" 0 "nobody closed any but the person there"
}

test_an_occurrence_done_here_is_not_reopened_by_the_next() {
	local before

	fresh todoist "$DAILY"
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "it is done"
	before=$(task_json "$TASK")
	is "$(closes)" 1 "one close"
	poll_own
	poll_own
	is "$(task_json "$TASK")" "$before" "it stays done, though listed"
	is "$(in_inbox)" 1 "the next one is in the inbox"
	is "$(closes)" 1 "still one close"
	is "$(writes)" 1 "by one write"
}

test_several_occurrences_done_between_two_runs_complete_one_task() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"advance": true}'
	change_item todoist "$ITEM" '{"advance": true}'
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	poll_own
	is "$(task_line "$TASK")" "completed absence occurrence" "it is done"
	is "$(in_inbox)" 1 "one is next"
	is "$(sql "select count(*) from tasks where user_id = '$USER_ID'")" 1 \
		"one task"
}

test_a_recurring_item_completed_for_good_completes_its_task() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"state": "completed"}'
	poll_own
	is "$(task_line "$TASK")" "completed absence completed" "for good"
	is "$(in_inbox)" 0 "there is no next one"
	is "$(writes)" 0 "nothing is written"
}

test_a_recurring_item_that_did_not_move_stays() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"title": "Again"}'
	poll_own
	poll_own
	is "$(task_line "$TASK")" "active - -" "it is still to be done"
	is "$(in_inbox)" 0 "and not offered"
}

test_a_recurring_item_put_off_to_an_earlier_day_stays() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"due": {"date": "2031-02-01",
		"string": "every day", "is_recurring": true}}'
	poll_own
	poll_own
	is "$(task_line "$TASK")" "active - -" "it did not move on"
}

test_another_day_for_what_does_not_recur_changes_nothing() {
	local provider

	for provider in todoist linear attio; do
		fresh "$provider" '{"due_date": "2031-02-03"}' || continue
		change_item "$provider" "$ITEM" '{"due_date": "2031-03-04"}'
		poll_own
		poll_own
		is "$(task_line "$TASK")" "active - -" "$provider: it stays"
		is "$(in_inbox)" 0 "$provider: and is not offered"
	done
}

test_what_begins_to_recur_is_not_done_by_that() {
	fresh todoist '{"due_date": "2031-02-03"}'
	change_item todoist "$ITEM" '{"recurring": "every day"}'
	poll_own
	is "$(task_line "$TASK")" "active - -" "it is still to be done"
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	is "$(task_line "$TASK")" "completed absence occurrence" \
		"until its first occurrence is"
}

stack_whole && run_tests
