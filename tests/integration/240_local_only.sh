#!/bin/bash
# Archiving, deleting and renaming are Flowpin's own: no provider hears of them,
# and what is archived or completed is no run's business.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

fresh() { # PROVIDER
	as_new_user && add_connection "$1" && add_own_item "$1" 'Stays' &&
		make_task "$1" 'Own' && mark
}

# untouched PROVIDER BEFORE: the item is what it was, and no write came near it.
untouched() {
	poll_own
	poll_own
	is "$(writes)" 0 "$1: nothing is written"
	sim GET "/_sim/items/$1/$ITEM"
	is "$BODY" "$2" "$1: the item is what it was"
}

item_json() {
	sim GET "/_sim/items/$1/$ITEM"
	echo "$BODY"
}

test_archiving_stays_here() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		before=$(item_json "$provider")
		api POST "/v1/tasks/$TASK/archive"
		is "$STATUS $(field .task.status)" "200 archived" "$provider"
		untouched "$provider" "$before"
	done
}

test_archiving_what_is_completed_stays_here() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		complete "$TASK"
		mark
		before=$(item_json "$provider")
		api POST "/v1/tasks/$TASK/archive"
		is "$STATUS $(field .task.status)" "200 archived" "$provider"
		untouched "$provider" "$before"
	done
}

test_deleting_stays_here() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		before=$(item_json "$provider")
		api DELETE "/v1/tasks/$TASK"
		is "$STATUS" 204 "$provider: it is deleted"
		api GET "/v1/tasks/$TASK"
		is "$STATUS" 404 "$provider: it is gone"
		untouched "$provider" "$before"
	done
}

test_renaming_stays_here() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		before=$(item_json "$provider")
		api PATCH "/v1/tasks/$TASK" '{"title": "My own words"}'
		is "$STATUS $(field .task.title)" "200 My own words" \
			"$provider: it is renamed"
		untouched "$provider" "$before"
		is "$(task_json "$TASK" | jq -r .title)" "My own words" \
			"$provider: and no run takes that back"
		# not even one that has something new to note
		sql "update links set metadata = '{\"old\": 1}'
			where task_id = '$TASK'" >/dev/null
		poll_own
		is "$(task_json "$TASK" | jq -c '[.title, .source_metadata.old]')" \
			'["My own words",null]' "$provider: all but the name is new"
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		is "$(task_line "$TASK")" "completed absence completed" \
			"$provider: it is the same task all the same"
	done
}

test_an_archived_task_is_nobodys_candidate() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		api POST "/v1/tasks/$TASK/archive"
		before=$(task_json "$TASK")
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		mark
		poll_own
		poll_own
		is "$(task_json "$TASK")" "$before" "$provider: it stays archived"
		is "$(count_requests "op=read&item=$ITEM")" 0 \
			"$provider: nobody asks after it"
		change_item "$provider" "$ITEM" '{"state": "open"}'
		poll_own
		poll_own
		is "$(task_json "$TASK")" "$before" "$provider: whatever happens"
	done
}

# Judged as active, and archived before the run could say so: the newer wins.
test_what_is_archived_while_a_run_asks_after_it_stays_archived() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		fault "{\"kind\": \"delay\", \"provider\": \"$provider\",
			\"op\": \"read\", \"delay_ms\": 2500, \"times\": 1}"
		mark
		poll_behind --connection "$CONNECTION"
		wait_until 20 is_in_flight "provider=$provider&op=read" ||
			flunk "$provider: it is asked after"
		api POST "/v1/tasks/$TASK/archive"
		before=$(task_json "$TASK")
		poll_joined
		is "$STACK_STATUS" 0 "$provider: the pass ends well"
		is "$(task_json "$TASK")" "$before" "$provider: it stays so"
		no_faults
	done
}

test_a_completed_task_is_nobodys_candidate() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		complete "$TASK"
		before=$(task_json "$TASK")
		change_item "$provider" "$ITEM" '{"state": "deleted"}'
		mark
		poll_own
		poll_own
		poll_own
		is "$(task_json "$TASK")" "$before" "$provider: it stays as it is"
		is "$(count_requests "op=read&item=$ITEM")" 0 \
			"$provider: nobody asks after it"
	done
}

test_a_task_completed_by_absence_is_nobodys_candidate_any_more() {
	local provider before

	for provider in $(providers); do
		fresh "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		before=$(task_json "$TASK")
		mark
		poll_own
		poll_own
		is "$(task_json "$TASK")" "$before" "$provider: it stays as it is"
		is "$(count_requests "op=read&item=$ITEM")" 0 \
			"$provider: nobody asks after it"
	done
}

test_a_completion_of_a_task_by_hand_stays_here() {
	fresh todoist
	api POST /v1/tasks '{"title": "By hand"}'
	TASK=$(field .task.id)
	complete "$TASK"
	is "$STATUS $(field .task.status)" "200 completed" "it is completed"
	is "$(field .writeback.outcome) $(field .writeback.reason)" \
		"skipped manual" "and skipped"
	uncomplete "$TASK"
	is "$STATUS $(field .task.status)" "200 active" "and active again"
	is "$(requests)" 0 "no provider is asked for anything"
}

# Its owner fell silent, perhaps after sending it; it is read, and was not done. What has
# become local meanwhile is not sent after that.
test_what_was_in_doubt_is_read_and_not_sent_once_it_is_to_stay_here() {
	local provider row

	stack_end gateway
	for row in "connections set writeback = false|writeback_off" \
		"integrations set is_active = false|paused"; do
		for provider in $(providers); do
			stack_gateway || bail "no gateway"
			fresh "$provider" || continue
			stack_end gateway
			row_says "$TASK" completed
			sql "update writebacks set is_unclear = true
				where task_id = '$TASK'; update ${row%|*}
				where id = '$CONNECTION'" >/dev/null
			stack_poll
			is "$(sql "select state, reason from writebacks
				where task_id = '$TASK'")" "skipped|${row#*|}" \
				"$provider: it stays here"
			isnt "$(requests)" 0 "$provider: it was read"
			is "$(provider_says "$provider" "$ITEM")" open \
				"$provider: and not closed"
		done
	done
	stack_gateway || bail "no gateway"
}

# What a wish left local is known for as long as the task is completed, and not only for
# as long as writebacks are kept.
test_a_completion_that_stayed_here_outlives_its_writeback() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		sql "update connections set writeback = false
			where id = '$CONNECTION'" >/dev/null
		complete "$TASK"
		is_outcome skipped writeback_off
		sql "update writebacks set created_at = created_at - interval '100 days',
			settled_at = settled_at - interval '100 days'
			where task_id = '$TASK'" >/dev/null
		polls_twice
		is "$(task_line "$TASK")" 'completed user -' "$provider: it stays completed"
		is "$(provider_says "$provider" "$ITEM")" open "$provider: and open there"
	done
}

polls_twice() {
	poll_once "$CONNECTION" # which trims
	sql "update connections set next_poll_at = now() + interval '1 day'" >/dev/null
	stack_poll
	poll_once "$CONNECTION"
}

stack_whole && run_tests
