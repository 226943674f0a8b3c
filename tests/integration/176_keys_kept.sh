#!/bin/bash
# An Idempotency-Key lives in the database: it outlives the process that answered
# under it, holds for every gateway, and goes with its retention.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

STACK_GATEWAYS='gateway second third'

new_key() {
	KEY="Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)"
}

fresh() {
	as_new_user && add_connection attio && ready_for complete attio && new_key
}

restart_all() { # SIGNAL
	local name

	for name in $STACK_GATEWAYS; do
		stack_end "$name" "$1"
		stack_gateway "$name" || bail "$name does not come back"
	done
}

test_the_first_answer_outlives_a_restart() {
	local signal first

	for signal in TERM KILL; do
		fresh || continue
		complete "$TASK" "$KEY"
		is_outcome accepted "done"
		complete "$TASK" "$KEY"
		first=$BODY
		restart_all $signal
		complete "$TASK" "$KEY"
		is "$STATUS $(header idempotency-replayed)" "200 true" \
			"$signal: answered again"
		is "$BODY" "$first" "$signal: as before"
		is "$(taken)" 1 "$signal: sent once"
		is "$(sql "select count(*) from writebacks
			where task_id = '$TASK'")" 1 "$signal: one wish"
	done
}

test_all_gateways_know_the_key() {
	local i first

	fresh || return
	complete "$TASK" "$KEY"
	first=$BODY
	for i in 1 2 3 4 5 6; do
		complete "$TASK" "$KEY"
		is "$STATUS $BODY" "200 $first" "answered again"
	done
	api POST /v1/tasks '{"title": "Another"}' "$KEY"
	is "$STATUS" 422 "another request is refused: $BODY"
}

test_while_one_gateway_is_at_it_the_others_say_so() {
	local i

	fresh || return
	fault '{"kind": "delay", "write": true, "delay_ms": 2500}'
	call_behind first POST "/v1/tasks/$TASK/complete" '' "$KEY"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	for i in 1 2 3; do
		complete "$TASK" "$KEY"
		is "$STATUS" 409 "still running: $BODY"
	done
	call_joined first
	is "$STATUS" 200 "the first is answered"
	no_faults
	is "$(taken)" 1 "sent once"
}

# The process that had the key dies; who takes it over has it, and if the dead one
# was only slow, its late answer is not kept.
test_a_key_taken_over_belongs_to_who_took_it() {
	local first

	fresh || return
	fault '{"kind": "delay", "write": true, "delay_ms": 3000}'
	call_behind slow POST "/v1/tasks/$TASK/complete" '' "$KEY"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	sql "update idempotency_keys set locked_until = now()
		where user_id = '$USER_ID'"
	complete "$TASK" "$KEY"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" \
		"the next one hears how the wish ends: $BODY"
	first=$BODY
	call_joined slow
	is "$STATUS" 200 "the slow one is answered, too"
	no_faults
	complete "$TASK" "$KEY"
	is "$STATUS $BODY" "200 $first" "kept is the answer of who had the key"
	is "$(taken)" 1 "sent once"
}

test_keys_are_forgotten_after_their_time_and_not_before() {
	local n

	fresh || return
	complete "$TASK" "$KEY"
	is "$STATUS" 200 "done"
	age '47 hours'
	stack_poll
	complete "$TASK" "$KEY"
	is "$(header idempotency-replayed)" true "within two days it is known"
	age '49 hours'
	stack_poll
	n=$(sql "select count(*) from idempotency_keys where user_id = '$USER_ID'")
	is "$n" 0 "after them it is gone"
	api POST /v1/tasks '{"title": "Another"}' "$KEY"
	is "$STATUS" 201 "and free for another request: $BODY"
}

age() {
	sql "update idempotency_keys set created_at = now() - interval '$1'
		where user_id = '$USER_ID'"
}

stack_init || bail "no directory"
short_times 6000 4000
stack_whole && run_tests
