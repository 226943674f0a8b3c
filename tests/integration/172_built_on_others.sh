#!/bin/bash
# A wish that is built on another one, which nobody agreed to, goes back to what
# was there before either of them.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"


# long_completed PROVIDER: a task that was, in 2020. BEFORE has all of it.
long_completed() {
	as_new_user && add_connection "$1" && ready_for uncomplete "$1" || return 1
	left_as "$TASK" completed absence canceled '2020-02-29 12:34:56.654321Z'
	BEFORE=$(task_facts "$TASK")
	mark
}

refused() { # PROVIDER TIMES DELAY_MS
	fault "{\"kind\": \"status\", \"status\": 400, \"provider\": \"$1\",
		\"write\": true, \"times\": $2, \"delay_ms\": $3}"
}

# The first is in flight, the second waits behind it, and both are refused.
test_what_waited_behind_a_refused_wish_goes_back_past_it() {
	local provider

	for provider in $(providers); do
		long_completed "$provider" || continue
		refused "$provider" 2 2500
		call_behind first POST "/v1/tasks/$TASK/uncomplete"
		wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
		call_behind second POST "/v1/tasks/$TASK/complete"
		call_joined first
		is "$STATUS" 502 "$provider: the first is refused: $BODY"
		call_joined second
		healed
		is_rolled_back 502 refused "$(name_of "$provider")"
		is "$(provider_says "$provider" "$ITEM")" completed \
			"$provider: as the item is"
	done
}

# The first was never sent: what it changed here is nothing to go back to.
test_what_supersedes_a_wish_never_sent_goes_back_past_it() {
	local provider

	for provider in $(providers); do
		long_completed "$provider" || continue
		sql "update connections set rate_limited_until =
			now() + interval '1 hour' where id = '$CONNECTION'"
		uncomplete "$TASK" 'Prefer: respond-async'
		is "$STATUS" 202 "$provider: noted: $BODY"
		wait_until 20 is_put_off || flunk "$provider: it is put off"
		sql "update connections set rate_limited_until = null
			where id = '$CONNECTION'"
		fault "{\"kind\": \"status\", \"status\": 400, \"write\": true,
			\"provider\": \"$provider\"}"
		complete "$TASK"
		healed
		is_rolled_back 502 refused "$(name_of "$provider")"
		is "$(sql "select string_agg(state, ' ' order by task_version)
			from (select state, task_version from writebacks
			where task_id = '$TASK' order by task_version desc
			limit 2) w")" "superseded rolled_back" \
			"$provider: how they ended"
		is "$(provider_says "$provider" "$ITEM")" completed \
			"$provider: as the item is"
	done
}

is_put_off() {
	[ "$(sql "select attempts > 0 and state = 'queued' from writebacks
		where task_id = '$TASK' and settled_at is null")" = t ]
}

stack_init || bail "no directory"
short_times 9000 6000
stack_whole && run_tests
