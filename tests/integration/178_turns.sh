#!/bin/bash
# One user, connection or client never holds up the others: calls, sweeps and polls are
# shared out by turn.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# hangs: all that the latest user's key of Attio asks for is not answered.
hangs() {
	fault "$(jq -n --arg a "${TOKENS[attio]}" \
		'{kind: "hang_before", provider: "attio", account: $a}')"
}

in_flight_of() { # USER
	sql "select count(*) from writebacks where user_id = '$1' and state = 'sending'"
}

are_in_flight() { # USER COUNT
	[ "$(in_flight_of "$1")" -ge "$2" ]
}

# crowd COUNT: a user with so many tasks, whose provider hangs; $CROWD is who.
crowd() {
	as_new_user
	add_connection attio && make_tasks attio "$1" || return
	CROWD=$USER_ID
	hangs
}

test_one_users_hanging_writebacks_hold_up_nobody_elses() {
	crowd 24 || return
	while [ ${#MADE_TASKS[@]} -gt 0 ]; do
		next_task
		complete "$TASK" 'Prefer: respond-async'
	done
	wait_until 20 are_in_flight "$CROWD" 4 || flunk "some are in flight"
	as_new_user && add_connection attio && make_task attio 'Alone'
	complete "$TASK" 'Prefer: respond-async'
	is "$STATUS" 202 "another user's is noted: $BODY"
	wait_until 10 writeback_has_ended "$(field .writeback.id)" ||
		flunk "it is sent"
	is "$(provider_says attio "$ITEM")" completed "it is done"
	is "$(in_flight_of "$CROWD")" 4 "a connection has no more than its share"
	no_faults
	sql "update writebacks set due_at = now() where user_id = '$CROWD'
		and state = 'queued'" >/dev/null
}

all_have_ended() { # USER
	[ "$(sql "select count(*) from writebacks where user_id = '$1'
		and settled_at is null")" = 0 ]
}

test_the_rest_is_sent_once_the_provider_answers() {
	wait_until 60 all_have_ended "$CROWD" || flunk "all end"
	is "$(sql "select count(*) from writebacks where user_id = '$CROWD'
		and state = 'accepted'")" 24 "all are accepted"
}

# first_of ROWS [USER]: which of the writebacks that are inserted is taken up first, if
# none of that user's is.
first_of() {
	{
		echo "begin; $1;"
		cat "$STACK_ROOT/sql/queries/writeback_claim_due.sql"
		echo '; rollback;'
	} | stack_sql -v limit=1 -v lease_ms=60000 -v give_up_ms=86400000 \
		-v doubt_ms=0 -v recurring_grace_ms=0 \
		-v but_connections="array[]::uuid[]" \
		-v but_users="'{${2:-}}'::uuid[]" | grep -o '|x[0-9]*|'
}

ROWS="insert into writebacks (user_id, id, task_id, source, source_id, wish, origin, state,
	task_version, before_status, generation, due_at)"

# What a silent owner left has waited already.
test_what_was_abandoned_comes_before_what_is_queued() {
	as_new_user
	is "$(first_of "$ROWS select '$USER_ID', gen_random_uuid(), gen_random_uuid(),
			'attio', 'x' || n, 'complete', 'call',
			case n when 1 then 'sending' else 'queued' end, 1, 'active', 1,
			now() - case n when 1 then interval '1 s' else interval '1 hour' end
		  from generate_series(1, 1000) n")" '|x1|' "the abandoned one"
}

test_those_who_have_enough_are_passed_over() {
	local user=$USER_ID

	as_new_user
	is "$(first_of "$ROWS select case n when 3 then '$USER_ID' else '$user' end::uuid,
			gen_random_uuid(), gen_random_uuid(), 'attio', 'x' || n,
			'complete', 'call', 'queued', 1, 'active', 1,
			now() - interval '1 hour' + n * interval '1 s'
		  from generate_series(1, 3) n" "$user")" '|x3|' "the other user's"
}

# 16 workers: a user may keep 8 of them waiting.
test_one_users_open_calls_leave_workers_for_others() {
	local i

	crowd 9 || return
	for i in {1..8}; do
		next_task
		call_behind "$i" POST "/v1/tasks/$TASK/complete"
	done
	wait_until 20 are_in_flight "$CROWD" 8 || flunk "eight calls wait"
	next_task
	complete "$TASK"
	is "$STATUS $(field .code)" "429 too_many_calls" "the ninth is refused: $BODY"
	is "$(header Retry-After)" 1 "and told when to come again"
	is "$(task_status "$TASK")" active "nothing was begun"
	api GET /v1/connections
	is "$STATUS" 200 "what does not wait is answered"
	as_new_user && add_connection attio && make_task attio 'Alone'
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" \
		"another user's call is answered"
	no_faults
	for i in {1..8}; do
		call_joined "$i"
	done
}

runs_of() { # CONNECTION COUNT
	[ "$(sql "select count(*) from poll_runs where connection_id = '$1'
		and outcome = 'complete'")" -ge "$2" ]
}

# The timer starts no pass while another goes on.
test_a_slow_run_keeps_nobody_elses_polls_from_being_made() {
	local slow

	as_new_user && add_connection attio
	slow=$CONNECTION
	hangs
	as_new_user && add_connection attio
	sql "update connections set next_poll_at = case when id in ('$slow', '$CONNECTION')
		then now() else now() + interval '1 hour' end" >/dev/null
	export FLOWPIN_POLL_INTERVAL_MS=1000 FLOWPIN_PROVIDER_TIMEOUT_MS=60000
	poll_behind
	wait_until 30 runs_of "$CONNECTION" 3 || flunk "another's is polled again"
	ok "in one pass" stack_alive pass
	no_faults
	unset FLOWPIN_POLL_INTERVAL_MS FLOWPIN_PROVIDER_TIMEOUT_MS
	poll_joined
}

stack_init || bail "no directory"
stack_setting workers 16
short_times 15000 12000
stack_whole && run_tests
