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

	for provider in $(providers); do
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

	for provider in $(providers); do
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

	for provider in $(providers); do
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

	for provider in $(providers); do
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

	for provider in $(providers); do
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

	for provider in $(providers); do
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

# One row stands for the whole series: it is active and has the date of the next
# occurrence, but for the time between a completion here and the run that sees what
# came of it.

DAILY='{"recurring": "every day", "due_date": "2031-02-03"}'

closes() {
	sim GET "/_sim/items/todoist/$ITEM"
	field .closes
}

# due_here [MEMBER]: what the gateway knows of the item's date
due_here() {
	task_json "$TASK" | jq -r ".source_metadata.${1:-due_date}"
}

# it_is_due DATE: to be done then, as the one task of its item
it_is_due() {
	is "$(task_line "$TASK") $(due_here)" "active - - $1" "it is due $1"
	is "$(sql "select count(*) from tasks where user_id = '$USER_ID'
		and source_id = '$ITEM'")" 1 "one row stands for the series"
	is "$(in_inbox)" 0 "nothing of it is offered"
}

# next_occurrences: how often it was told that one is due
next_occurrences() {
	events_of "$TASK" | grep -c '^task.reopened next_occurrence$'
}

test_an_occurrence_done_at_todoist_leaves_the_series_to_be_done() {
	fresh todoist "$DAILY"
	it_is_due 2031-02-03
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	it_is_due 2031-02-04
	poll_own
	poll_own
	it_is_due 2031-02-04
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	it_is_due 2031-02-05
	is "$(events_of "$TASK")" "" "there is nothing to tell"
	is "$(closes) $(writes)" "0 0" "nor to write"
}

test_an_occurrence_done_here_makes_the_next_one_due() {
	local before

	fresh todoist "$DAILY"
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "it is done"
	is "$(closes)" 1 "one close"
	poll_own
	it_is_due 2031-02-04
	is "$(next_occurrences)" 1 "which is told"
	before=$(task_json "$TASK")
	poll_own
	poll_own
	is "$(task_json "$TASK")" "$before" "for good"
	is "$(next_occurrences)" 1 "and once"
	is "$(closes) $(writes)" "1 1" "still one close, by one write"
}

test_the_next_occurrence_is_closed_once_as_well() {
	local i

	fresh todoist "$DAILY"
	for i in 1 2 3; do
		complete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"number $i is done"
		is "$(closes) $(writes)" "$i $i" "by one close"
		complete "$TASK"
		is "$STATUS $(closes) $(writes)" "200 $i $i" \
			"asked once more, by no other"
		poll_own
		it_is_due "2031-02-0$((3 + i))"
	done
	is "$(next_occurrences)" 3 "each was told"
}

test_what_the_client_completes_by_row_comes_back_with_its_next_date() {
	fresh todoist "$DAILY"
	sql "update tasks set status = 'completed', completed_at = now()
		where id = '$TASK'"
	wait_until 30 has_closed 1 || flunk "it is closed"
	poll_until_active
	it_is_due 2031-02-04
	is "$(next_occurrences)" 1 "which is told"
	poll_own
	is "$(closes) $(writes)" "1 1" "one close"
}

has_closed() {
	[ "$(closes)" = "$1" ]
}

# A run that began before the writeback was settled says nothing yet.
poll_until_active() {
	wait_until 30 is_active_again || flunk "it is active again"
}

is_active_again() {
	poll_own
	[ "$(task_status "$TASK")" = active ]
}

# as the client does when it sees the item again: the same row, no writeback
client_makes_it_active() {
	sql "update tasks set status = 'active', completed_at = null
		where id = '$TASK'"
}

none_is_open() {
	[ "$(sql "select count(*) from writebacks where task_id = '$TASK'
		and settled_at is null")" = 0 ]
}

test_a_row_that_the_client_made_active_takes_no_occurrence_back() {
	fresh todoist "$DAILY"
	complete "$TASK"
	is "$(field .writeback.outcome)" accepted "it is done"
	client_makes_it_active
	wait_until 30 none_is_open || flunk "all is settled"
	poll_own
	poll_own
	it_is_due 2031-02-04
	is "$(next_occurrences)" 0 "nobody need be told"
	is "$(closes) $(writes)" "1 1" "one close, and nothing else"
}

# Its own close comes before the gateway looks, and so does the next date.
test_a_client_that_does_all_of_it_itself_is_not_undone() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"advance": true}'
	sql "update tasks set status = 'completed', completed_at = now()
		where id = '$TASK'"
	client_makes_it_active
	wait_until 30 none_is_open || flunk "all is settled"
	poll_own
	poll_own
	it_is_due 2031-02-04
	is "$(closes) $(writes)" "0 0" "the gateway wrote nothing"
}

test_one_done_here_and_one_there_between_two_runs() {
	fresh todoist "$DAILY"
	complete "$TASK"
	is "$(field .writeback.outcome)" accepted "it is done"
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	it_is_due 2031-02-05
	is "$(next_occurrences) $(closes)" "1 1" "told once, closed once"
}

test_several_occurrences_done_between_two_runs() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"advance": true}'
	change_item todoist "$ITEM" '{"advance": true}'
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	it_is_due 2031-02-06
	is "$(writes)" 0 "nothing is written"
}

# Nothing was closed, so its item is listed with the date that the task had.
test_one_that_was_completed_here_only_comes_back_when_its_date_moves_on() {
	fresh todoist "$DAILY"
	api PATCH "/v1/connections/$CONNECTION" '{"writeback": false}'
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 skipped" \
		"it is completed here only"
	poll_own
	poll_own
	is "$(task_line "$TASK")" "completed user -" "it stays so"
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	it_is_due 2031-02-04
	is "$(next_occurrences) $(writes)" "1 0" "which is told, and not written"
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
	it_is_due 2031-02-03
}

# moved DUE MEMBER WANTED: it takes that, and nothing comes of it.
moved() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" "{\"due\": $1}"
	poll_own
	poll_own
	is "$(task_line "$TASK") $(due_here "$2")" "active - - $3" \
		"it stays, and takes that"
	is "$(in_inbox)" 0 "nothing is offered"
	is "$(events_of "$TASK")" "" "nothing is told"
	is "$(closes) $(writes)" "0 0" "nothing is written"
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome) $(closes)" "200 accepted 1" \
		"one completion closes one occurrence"
	poll_own
	poll_own
	is "$(task_line "$TASK") $(closes)" "active - - 1" \
		"after which the next one is due"
}

test_a_recurring_item_moved_to_an_earlier_day_stays() {
	moved '{"date": "2031-02-01", "string": "every day",
		"is_recurring": true}' due_date 2031-02-01
}

test_a_recurring_item_put_off_stays() {
	moved '{"date": "2031-02-09", "string": "every day",
		"is_recurring": true}' due_date 2031-02-09
}

test_a_recurring_item_with_another_rule_stays() {
	moved '{"date": "2031-02-03", "string": "every week",
		"is_recurring": true}' due_string 'every week'
}

test_a_recurring_item_with_another_time_zone_stays() {
	moved '{"date": "2031-02-03T09:00:00Z", "timezone": "Asia/Tokyo",
		"string": "every day", "is_recurring": true}' \
		due_timezone Asia/Tokyo
}

# Put off between the last run and the completion: that looks like one that somebody
# else has done already, and is not closed; the next run knows better.
test_one_put_off_just_before_its_completion_is_due_then() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"due_date": "2031-02-09"}'
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome) $(field .writeback.reason)" \
		"200 accepted already_done" "there is nothing to close"
	poll_own
	it_is_due 2031-02-09
	is "$(closes) $(writes)" "0 0" "nothing was written"
}

# Closed, it may be due again on the very day that was known here.
test_one_moved_earlier_just_before_its_completion_is_due_again() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"due_date": "2031-02-02"}'
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome) $(closes)" "200 accepted 1" \
		"it is closed"
	poll_own
	poll_own
	it_is_due 2031-02-03
	is "$(closes) $(writes)" "1 1" "once"
}

test_another_day_for_what_does_not_recur_changes_nothing() {
	local provider

	for provider in $(providers); do
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
	it_is_due 2031-02-03
	change_item todoist "$ITEM" '{"advance": true}'
	poll_own
	it_is_due 2031-02-04
}

test_what_no_longer_recurs_is_done_once() {
	fresh todoist "$DAILY"
	change_item todoist "$ITEM" '{"recurring": false}'
	poll_own
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "it is done"
	poll_own
	poll_own
	is "$(task_line "$TASK")" "completed user -" "for good"
}

stack_init || bail "no directory"
stack_setting sweep_ms 200
stack_setting recurring_grace_ms 300
stack_whole && run_tests
