#!/bin/bash
# A provider answers from replicas: for a while its lists and reads show an item as it was
# before a write of ours. What they say against it counts only when a second whole list
# and look, absence_least_ms later, say the same.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

# stale PROVIDER: from now on lists and reads show how things are at this moment.
stale() {
	fault "{\"kind\": \"stale\", \"provider\": \"$1\"}"
}

test_a_completion_of_ours_outlives_a_stale_list() {
	local provider task

	for provider in $(providers); do
		fill "$provider" 2 || continue
		task=$(task_of "${IDS[0]}")
		polls 1
		stale "$provider"
		complete "$task"
		is "$STATUS $(field .writeback.reason)" "200 done" "$provider: $BODY"
		polls 1
		is "$(tally)" "1 active, 1 completed" "$provider: it stays completed"
		is "$(provider_lists "$provider")" yes "$provider: though it was listed"
		no_faults
		polls 1
		is "$(tally)" "1 active, 1 completed" "$provider: it was right"
	done
}

# provider_lists PROVIDER: did the last run see the item in its list?
provider_lists() {
	[ "$(sql "select items from poll_runs where connection_id = '$CONNECTION'
		order by started_at desc limit 1")" = 2 ] && echo yes
}

test_a_reopening_of_ours_outlives_a_stale_list() {
	local provider task

	for provider in $(providers); do
		fill "$provider" 2 || continue
		task=$(task_of "${IDS[0]}")
		polls 1
		complete "$task"
		is "$STATUS" 200 "$provider: $BODY"
		stale "$provider"
		uncomplete "$task"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" "$provider: $BODY"
		polls 1
		is "$(tally)" "2 active" "$provider: it stays active"
		no_faults
		polls 1
		is "$(tally)" "2 active" "$provider: it was right"
	done
}

test_what_a_second_list_says_too_is_true() {
	local provider task

	for provider in $(providers); do
		fill "$provider" 2 || continue
		task=$(task_of "${IDS[0]}")
		polls 1
		complete "$task"
		change_item "$provider" "${IDS[0]}" '{"state": "open"}'
		polls 1
		is "$(tally)" "1 active, 1 completed" "$provider: once is not enough"
		polls 1
		is "$(tally)" "2 active" "$provider: twice is"
		uncomplete "$task"
		complete "$task"
		uncomplete "$task"
		change_item "$provider" "${IDS[0]}" '{"state": "completed"}'
		polls 1
		is "$(tally)" "2 active" "$provider: once is not enough"
		polls 1
		is "$(tally)" "1 active, 1 completed completed" "$provider: twice is"
	done
}

# Two lists that are close to each other may be of one replica.
test_the_second_list_comes_later() {
	local task

	fill attio 1 || return
	task=$(task_of "${IDS[0]}")
	export FLOWPIN_ABSENCE_LEAST_MS=60000
	polls 1
	complete "$task"
	change_item attio "${IDS[0]}" '{"state": "open"}'
	polls 3
	is "$(tally)" "1 completed" "it is one list"
	sql "update links set contradicted_since = contradicted_since
		- interval '1 minute' where task_id = '$task'"
	polls 1
	is "$(tally)" "1 active" "a minute later it is two"
	unset FLOWPIN_ABSENCE_LEAST_MS
}

# Of an older contradiction a newer write of ours knows nothing.
test_each_write_is_contradicted_anew() {
	local task

	fill attio 1 || return
	task=$(task_of "${IDS[0]}")
	polls 1
	complete "$task"
	change_item attio "${IDS[0]}" '{"state": "open"}'
	polls 1
	is "$(tally)" "1 completed" "once"
	uncomplete "$task"
	complete "$task"
	change_item attio "${IDS[0]}" '{"state": "open"}'
	polls 1
	is "$(tally)" "1 completed" "once again"
	polls 1
	is "$(tally)" "1 active" "twice"
}

test_an_old_write_of_ours_is_not_doubted() {
	local task

	fill attio 1 || return
	task=$(task_of "${IDS[0]}")
	polls 1
	complete "$task"
	change_item attio "${IDS[0]}" '{"state": "open"}'
	sql "update writebacks set settled_at = settled_at - interval '2 minutes'
		where task_id = '$task'"
	polls 1
	is "$(tally)" "1 active" "one list is enough"
}

# The due date tells which occurrence it is, and an old list shows an old date.
test_a_recurring_item_needs_no_second_list() {
	local task

	as_new_user
	add_connection todoist || return
	add_own_item todoist Daily '{"recurring": "every day"}' && adopt todoist 1
	polls 1
	task=$(task_of "${IDS[0]}")
	stale todoist
	complete "$task"
	is "$STATUS $(field .writeback.reason)" "200 done" "it is closed: $BODY"
	polls 1
	is "$(tally)" "1 completed" "an old list shows the old date"
	no_faults
	polls 1
	is "$(tally)" "1 active" "the next date is the next occurrence"
}

stack_init || bail "no directory"
stack_setting replica_lag_ms 60000
stack_setting provider_timeout_ms 4000
stack_whole && run_tests
