#!/bin/bash
# Whoever waits, for a provider or for a turn, holds no database connection: one
# single connection serves them all.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

WAITERS=20

fresh() {
	as_new_user && add_connection attio
}

gateways_connections() {
	sql "select count(*) from pg_stat_activity
		where application_name = 'flowpin-gateway'"
}

in_a_transaction() {
	sql "select count(*) from pg_stat_activity where state like
		'idle in transaction%'"
}

are_in_flight() { # COUNT
	sim GET "/_sim/requests?since=$MARK&write=true"
	[ "$(jq '[.requests[] | select(.status == null)] | length' \
		<<<"$BODY")" -ge "$1" ]
}

are_queued() { # COUNT
	[ "$(sql "select count(*) from writebacks where task_id = '$TASK'")" \
		-ge "$1" ]
}

# others_are_served: while they wait.
others_are_served() {
	api GET "/v1/tasks/$TASK"
	is "$STATUS" 200 "a read is answered: $BODY"
	api POST /v1/tasks '{"title": "In between"}'
	is "$STATUS" 201 "a task is made: $BODY"
	complete "$(field .task.id)"
	is "$STATUS" 200 "and completed: $BODY"
	is "$(gateways_connections) $(in_a_transaction)" "1 0" \
		"one connection, and no transaction is open"
}

test_many_calls_that_wait_for_the_provider_share_one_connection() {
	local i task

	fresh
	make_tasks attio $WAITERS
	mark
	fault '{"kind": "delay", "write": true, "delay_ms": 5000}'
	for i in "${!MADE_TASKS[@]}"; do
		read -r task _ <<<"${MADE_TASKS[i]}"
		call_behind "w$i" POST "/v1/tasks/$task/complete"
	done
	wait_until 20 are_in_flight $WAITERS ||
		flunk "all of them are in flight at once"
	TASK=$task
	others_are_served
	for i in "${!MADE_TASKS[@]}"; do
		call_joined "w$i"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" "$BODY"
	done
	no_faults
}

test_calls_that_wait_for_their_turn_share_it_as_well() {
	local i wish=uncomplete

	fresh
	ready_for complete attio
	fault '{"kind": "delay", "write": true, "times": 1, "delay_ms": 5000}'
	call_behind w0 POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	for i in 1 2 3 4 5 6 7 8; do
		call_behind "w$i" POST "/v1/tasks/$TASK/$wish"
		wait_until 20 are_queued $((i + 1)) || flunk "wish $i is noted"
		[ $wish = complete ] && wish=uncomplete || wish=complete
	done
	others_are_served
	for i in 0 1 2 3 4 5 6 7 8; do
		call_joined "w$i"
		like "$STATUS" '^20[02]$' "answered: $BODY"
	done
	no_faults
	is "$(provider_says attio "$ITEM")" completed "the last wish holds"
}

stack_init || bail "no directory"
stack_setting workers 256
stack_setting database_connections 1
stack_setting call_deadline_ms 15000
stack_setting provider_timeout_ms 10000
stack_setting lease_ms 17000
stack_whole && run_tests
