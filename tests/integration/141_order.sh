#!/bin/bash
# Wishes about one task keep their order, however quickly they follow each other
# and however slowly the provider answers; one call at most is in flight for it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"


fresh() {
	as_new_user && add_connection "$1"
}

slow() { # PROVIDER [MS]
	fault "{\"kind\": \"delay\", \"provider\": \"$1\", \"write\": true,
		\"delay_ms\": ${2:-400}}"
}

# one_at_a_time: no write about the item began before the last was answered, as
# the simulator saw them: after so many milliseconds it answers.
one_at_a_time() { # PROVIDER MS
	sim GET "/_sim/requests?since=$MARK&write=true&item=$ITEM"
	is "$(jq --argjson ms "$2" '[.requests[].at_ms] | . as $at |
		[range(1; length) | select($at[.] - $at[. - 1] < $ms - 20)] |
		length' <<<"$BODY")" 0 "$1: one call in flight at most: $BODY"
}

all_have_ended() {
	[ "$(sql "select count(*) from writebacks where task_id = '$TASK'
		and settled_at is null")" = 0 ]
}

# both_sides WISH PROVIDER: and nothing is open any more.
both_sides() {
	wait_until 30 all_have_ended || flunk "$2: all wishes end"
	is "$(task_status "$TASK")" \
		"$([ "$1" = complete ] && echo completed || echo active)" \
		"$2: here, the last wish"
	is "$(provider_says "$2" "$ITEM")" "$(state_for "$1")" \
		"$2: there as well"
	if [ "$1" = uncomplete ]; then
		is "$(task_line "$TASK")" "active - -" "$2: no trace is left"
	fi
}

test_complete_and_uncomplete_at_once_end_uncompleted_on_both_sides() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		sim_stands
		call_behind first POST "/v1/tasks/$TASK/complete"
		wait_until 20 is_sending "$TASK" || flunk "it is on its way"
		call_behind second POST "/v1/tasks/$TASK/uncomplete"
		wait_until 20 has_begun 2 || flunk "the second is noted"
		is "$(sql "select string_agg(state, ' ' order by task_version)
			from writebacks where task_id = '$TASK'")" \
			"sending queued" "$provider: one in flight at most"
		sim_goes_on
		call_joined first
		is "$STATUS" 200 "$provider: the first is answered: $BODY"
		call_joined second
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: so is the second: $BODY"
		is "$(field .task.status)" active "$provider: as wished"
		both_sides uncomplete "$provider"
		is "$(writes) $(taken)" "2 2" "$provider: one write for each wish"
	done
}

# The first one's answer never comes; the second waits for what became of it.
test_a_wish_behind_one_that_hangs_comes_true() {
	local provider kind

	for provider in $(providers); do
		for kind in hang_after hang_before; do
			fresh "$provider"
			ready_for complete "$provider" || continue
			fault "{\"kind\": \"$kind\", \"provider\": \"$provider\",
				\"write\": true, \"times\": 1}"
			call_behind first POST "/v1/tasks/$TASK/complete"
			wait_until 10 is_in_flight 'write=true' ||
				flunk "it is in flight"
			call_behind second POST "/v1/tasks/$TASK/uncomplete"
			call_joined first
			call_joined second
			like "$STATUS" '^20[02]$' "$provider: it is taken: $BODY"
			both_sides uncomplete "$provider"
			no_faults
		done
	done
}

# What is refused while a newer wish waits must not undo it.
test_a_refusal_does_not_undo_a_newer_wish() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		fault "{\"kind\": \"status\", \"status\": 400, \"delay_ms\": 1500,
			\"provider\": \"$provider\", \"write\": true, \"times\": 1}"
		call_behind first POST "/v1/tasks/$TASK/complete"
		wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
		call_behind second POST "/v1/tasks/$TASK/uncomplete"
		call_joined first
		call_joined second
		both_sides uncomplete "$provider"
		no_faults
	done
}

# The wish in the middle was not sent yet: it need not be. Nor need the last, which
# the first has made true.
test_a_wish_not_sent_yet_is_superseded() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		sim_stands
		call_behind first POST "/v1/tasks/$TASK/complete"
		wait_until 20 is_sending "$TASK" || flunk "it is on its way"
		uncomplete "$TASK" 'Prefer: respond-async'
		is "$STATUS" 202 "$provider: the second is noted: $BODY"
		complete "$TASK" 'Prefer: respond-async'
		is "$STATUS" 202 "$provider: so is the third: $BODY"
		sim_goes_on
		call_joined first
		both_sides complete "$provider"
		is "$(sql "select string_agg(concat_ws(' ', state, reason), ', '
				order by task_version)
			from writebacks where task_id = '$TASK'")" \
			"accepted done, superseded newer_wish, accepted already_done" \
			"$provider: how they ended"
		is "$(writes)" 1 "$provider: sent once"
	done
}

# parallel WISH...: from as many clients, one after the other as fast as they can.
parallel() {
	local i=0 each

	for each; do
		i=$((i + 1))
		call_behind "client$i" POST "/v1/tasks/$TASK/$each"
		wait_until 10 has_begun "$i" || flunk "wish $i is noted"
	done
	for ((; i > 0; i--)); do
		call_joined "client$i"
		like "$STATUS" '^20[02]$' "client $i is answered: $BODY"
	done
}

# The order of wishes is that of their local changes.
has_begun() {
	[ "$(sql "select count(*) from writebacks where task_id = '$TASK'")" \
		-ge "$1" ]
}

test_three_wishes_of_three_clients_end_as_the_last() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		slow "$provider" 700
		parallel complete uncomplete complete
		both_sides complete "$provider"
		one_at_a_time "$provider" 700
		no_faults
	done
}

test_five_wishes_of_five_clients_end_as_the_last() {
	fresh attio
	ready_for uncomplete attio || return
	slow attio 700
	# one writeback is there already
	has_begun() {
		[ "$(sql "select count(*) from writebacks
			where task_id = '$TASK'")" -ge $(($1 + 1)) ]
	}
	parallel uncomplete complete uncomplete complete uncomplete
	both_sides uncomplete attio
	one_at_a_time attio 700
	no_faults
}

# Nobody can tell who was first: but both sides tell the same.
test_a_crowd_of_clients_leaves_both_sides_agreeing() {
	local provider i state

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		slow "$provider" 100
		for i in 1 2 3 4 5 6; do
			call_behind "c$i" POST "/v1/tasks/$TASK/complete"
			call_behind "u$i" POST "/v1/tasks/$TASK/uncomplete"
		done
		for i in 1 2 3 4 5 6; do
			call_joined "c$i"
			like "$STATUS" '^20[02]$' "$provider: answered: $BODY"
			call_joined "u$i"
			like "$STATUS" '^20[02]$' "$provider: answered: $BODY"
		done
		no_faults
		wait_until 30 all_have_ended || flunk "$provider: all end"
		state=$(task_status "$TASK")
		is "$(provider_says "$provider" "$ITEM")" \
			"$([ "$state" = completed ] && echo completed || echo open)" \
			"$provider: both sides agree"
		one_at_a_time "$provider" 100
	done
}

test_a_recurring_task_that_many_complete_is_closed_once() {
	local i

	fresh todoist
	ready_for complete todoist \
		'{"recurring": "every day", "due_date": "2031-02-03"}' || return
	slow todoist 300
	for i in 1 2 3 4 5 6; do
		call_behind "r$i" POST "/v1/tasks/$TASK/complete"
	done
	for i in 1 2 3 4 5 6; do
		call_joined "r$i"
		is "$STATUS" 200 "answered: $BODY"
	done
	no_faults
	sim GET "/_sim/items/todoist/$ITEM"
	is "$(field .occurrences_done)" 1 "one occurrence is done"
	is "$(taken)" 1 "one write"
}

test_slow_tasks_do_not_hold_up_others_of_the_same_connection() {
	local held

	fresh attio
	ready_for complete attio
	held=$TASK
	fault "{\"kind\": \"hang_before\", \"provider\": \"attio\",
		\"write\": true, \"times\": 1, \"item\": \"$ITEM\"}"
	ready_for complete attio
	call_behind held POST "/v1/tasks/$held/complete"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	complete "$TASK"
	is_outcome accepted "done"
	is "$(sql "select state from writebacks where task_id = '$held'")" \
		sending "the slow one still is in flight"
	call_joined held
	is "$STATUS" 200 "and comes to its end: $BODY"
	no_faults
}

stack_init || bail "no directory"
short_times 10000 4000
stack_whole && run_tests
