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

new_at_todoist() {
	as_new_user && add_connection todoist && new_key
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

# The first call's process died after all was done, and by now a run has shown the next
# occurrence: the repetition is not about that one.
test_a_call_whose_process_died_is_not_carried_out_again() {
	new_at_todoist
	ready_for complete todoist '{"recurring": "every day"}' || return
	complete "$TASK" "$KEY"
	is_outcome accepted "done"
	forgets_its_answer
	poll_once "$CONNECTION"
	is "$(task_status "$TASK")" active "the next occurrence is to be done"
	complete "$TASK" "$KEY"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" \
		"the repetition hears how the first one ended: $BODY"
	is "$(taken)" 1 "one occurrence is closed"
}

# The call was told that it is open; it was done.
test_a_call_that_was_left_open_is_not_carried_out_again() {
	local writeback

	new_at_todoist
	ready_for complete todoist '{"recurring": "every day"}' || return
	fault '{"provider": "todoist", "op": "read", "kind": "status",
		"status": 500, "skip": 1}'
	fault '{"provider": "todoist", "write": true, "kind": "reset_after",
		"times": 1}'
	complete "$TASK" "$KEY"
	is "$STATUS $(field .writeback.outcome)" "504 open" "it is open: $BODY"
	writeback=$(field .writeback.id)
	no_faults
	wait_until 30 writeback_has_ended "$writeback" || flunk "it ends"
	poll_once "$CONNECTION"
	is "$(task_status "$TASK")" active "the next occurrence is to be done"
	complete "$TASK" "$KEY"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "it was done: $BODY"
	is "$(taken)" 1 "one occurrence is closed"
}

# The row was changed before: the call is about that wish, and so is its repetition.
test_a_call_that_joined_a_wish_is_about_that_one() {
	new_at_todoist
	ready_for complete todoist '{"recurring": "every day"}' || return
	sql "update public.tasks set status = 'completed', completed_at = now()
		where id = '$TASK'"
	complete "$TASK" "$KEY"
	is_outcome accepted "done"
	forgets_its_answer
	poll_once "$CONNECTION"
	is "$(task_status "$TASK")" active "the next occurrence is to be done"
	complete "$TASK" "$KEY"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "it was done: $BODY"
	is "$(taken)" 1 "one occurrence is closed"
}

test_what_is_rolled_back_is_tried_again_by_the_next() {
	new_at_todoist
	ready_for complete todoist || return
	fault '{"provider": "todoist", "write": true, "kind": "status",
		"status": 400, "times": 1}'
	complete "$TASK" "$KEY"
	is "$STATUS" 502 "refused: $BODY"
	complete "$TASK" "$KEY"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "tried again: $BODY"
}

# forgets_its_answer: as if the process had died before it was kept.
forgets_its_answer() {
	sql "update idempotency_keys set status = null, locked_until = now()
		where user_id = '$USER_ID'"
}

test_what_was_made_is_not_made_again() {
	local first body='{"title": "Once"}'

	new_at_todoist
	api POST /v1/tasks "$body" "$KEY"
	first=$(field .task.id)
	forgets_its_answer
	api POST /v1/tasks "$body" "$KEY"
	is "$STATUS $(field .task.id)" "201 $first" "the task is the first one: $BODY"
	is "$(sql "select count(*) from tasks where title = 'Once'
		and user_id = '$USER_ID'")" 1 "there is one"

	KEY=$KEY-connection
	body='{"type": "linear", "key": "lin_api_once"}'
	api POST /v1/connections "$body" "$KEY"
	first=$(field .connection.id)
	forgets_its_answer
	api POST /v1/connections "$body" "$KEY"
	is "$STATUS $(field .connection.id)" "201 $first" \
		"the connection is the first one: $BODY"

	KEY=$KEY-import
	add_own_item todoist one
	poll_once "$CONNECTION"
	api GET /v1/inbox
	first=$(field '.items[0].id')
	api POST "/v1/inbox/$first/import" '' "$KEY"
	body=$(field .task.id)
	forgets_its_answer
	api POST "/v1/inbox/$first/import" '' "$KEY"
	is "$STATUS $(field .task.id)" "201 $body" "the item is imported once: $BODY"
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
