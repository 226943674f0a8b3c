#!/bin/bash
# A wish that is begun while an earlier one ends, so close that the statement which
# ends it cannot see it: neither may then act on what it believes.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

GATE=4711 # an advisory lock; who ends a writeback waits for it, snapshot in hand

at_the_gate() {
	[ "$(sql "select count(*) from pg_locks where locktype = 'advisory'
		and not granted")" = 1 ]
}

is_queued_behind() {
	[ "$(sql "select count(*) from writebacks where task_id = '$TASK'
		and state = 'queued'")" = 1 ]
}

# settle STATE GATE [DOUBT_MS]: ends the writeback in flight as its owner would, with a look at
# the gate once the statement has its snapshot. Says owned and busy.
settle() {
	local row user id generation

	row=$(sql "select user_id, id, generation from writebacks
		where task_id = '$TASK' and state = 'sending'")
	IFS='|' read -r user id generation <<<"$row"
	stack_sql -v user_ids="array['$user'::uuid]" -v ids="array['$id'::uuid]" \
		-v generations="array[$generation]" -v states="array['$1']" \
		-v reasons="array['refused']" -v details="array['']" \
		-v due_ms="array[passed($2)]" -v auth_failed="array[false]" \
		-v limit_ms="array[0]" -v patches="array[null::jsonb]" \
		-v are_told="array[false]" -v key_versions="array[0]" \
		-v is_unclear="array[false]" -v doubt_ms="array[${3:-0}]" \
		-f "$STACK_ROOT/sql/queries/writeback_settle.sql" |
		cut -d '|' -f 2,3
}

# both_at_once STATE: the first wish is in flight, the second is begun while the
# first ends as STATE.
both_at_once() {
	as_new_user && add_connection attio && make_task attio 'Both'
	sim_stands
	call_behind first POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_sending "$TASK" || flunk "the first is in flight"
	coproc KEEPER { stack_sql; }
	echo "select pg_advisory_lock($GATE);" >&"${KEEPER[1]}"
	read -r -u "${KEEPER[0]}" _
	settle "$1" "$GATE" >"$STACK_DIR/settled" &
	wait_until 10 at_the_gate || flunk "its end has a snapshot"
	call_behind second POST "/v1/tasks/$TASK/uncomplete"
	wait_until 10 is_queued_behind || flunk "the second waits behind it"
	eval "exec ${KEEPER[1]}>&-"
	wait_until 10 test -s "$STACK_DIR/settled" || flunk "the end was tried"
	is "$(cat "$STACK_DIR/settled")" "f|t" "it is to be tried anew"
}

test_a_refusal_is_told_to_the_wish_that_was_built_on_it() {
	both_at_once rolled_back
	is "$(settle rolled_back 1)" "t|f" "then it ends"
	is "$(sql "select before_status from writebacks
		where task_id = '$TASK' and wish = 'uncomplete'")" active \
		"the second goes back to what was there before either"
	sim_goes_on
	call_joined first
	call_joined second
}

test_an_unclear_end_makes_way_for_the_newer_wish() {
	both_at_once queued
	is "$(settle queued 1)" "t|f" "then it ends"
	is "$(sql "select state from writebacks
		where task_id = '$TASK' and wish = 'complete'")" superseded \
		"it is not sent again"
	sim_goes_on
	call_joined first
	call_joined second
}

# the_first WHAT: of the writeback of the completion.
the_first() {
	sql "select $1 from writebacks where task_id = '$TASK' and wish = 'complete'"
}

# What may be at the provider holds a newer wish up, but for no longer than it may.
test_a_newer_wish_waits_for_the_doubt_and_not_for_the_next_try() {
	as_new_user && add_connection attio && make_task attio 'Both'
	sim_stands
	call_behind first POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_sending "$TASK" || flunk "the first is in flight"
	call_behind second POST "/v1/tasks/$TASK/uncomplete"
	wait_until 10 is_queued_behind || flunk "the second waits behind it"
	is "$(settle queued 1 9000)" "t|f" "the first goes back in the queue"
	is "$(the_first "state, due_at = doubt_until")" "queued|t" \
		"it is looked at when it cannot happen any more"
	sim_goes_on
	call_joined first
	call_joined second
}

test_a_wish_that_comes_later_shortens_the_wait_as_well() {
	as_new_user && add_connection attio && make_task attio 'Both'
	sim_stands
	call_behind first POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_sending "$TASK" || flunk "the first is in flight"
	is "$(settle queued 1 9000)" "t|f" "the first goes back in the queue"
	is "$(the_first "due_at > doubt_until")" t "it has time"
	call_behind second POST "/v1/tasks/$TASK/uncomplete"
	wait_until 10 is_due_at_the_end_of_its_doubt ||
		flunk "until something waits for it"
	sim_goes_on
	call_joined first
	call_joined second
}

is_due_at_the_end_of_its_doubt() {
	[ "$(the_first "state, due_at = doubt_until")" = 'queued|t' ]
}

# begin WISH GATE: another wish, its statement's snapshot taken before it looks at
# the gate.
begin() {
	stack_sql -v user_ids="array['$USER_ID'::uuid]" \
		-v task_ids="array['$TASK'::uuid]" -v wishes="array['$1']" \
		-v ids="array[gen_random_uuid()]" \
		-v lease_ms="array[passed($2)]" \
		-f "$STACK_ROOT/sql/queries/writeback_begin.sql" |
		cut -d '|' -f 2,6
}

test_a_wish_begun_while_the_one_before_goes_back_in_the_queue_supersedes_it() {
	as_new_user && add_connection attio && make_task attio 'Both'
	sim_stands
	call_behind first POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_sending "$TASK" || flunk "the first is in flight"
	coproc KEEPER { stack_sql; }
	echo "select pg_advisory_lock($GATE);" >&"${KEEPER[1]}"
	read -r -u "${KEEPER[0]}" _
	begin uncomplete "$GATE" >"$STACK_DIR/begun" &
	wait_until 10 at_the_gate || flunk "its beginning has a snapshot"
	is "$(settle queued 1)" "t|f" "the first is put back in the queue"
	eval "exec ${KEEPER[1]}>&-"
	wait_until 10 test -s "$STACK_DIR/begun" || flunk "it begins"
	is "$(cat "$STACK_DIR/begun")" "send|sending" "it is its turn"
	is "$(sql "select state from writebacks
		where task_id = '$TASK' and wish = 'complete'")" superseded \
		"the first will not be sent again"
	is "$(sql "select before_status from writebacks
		where task_id = '$TASK' and wish = 'uncomplete'")" active \
		"it goes back to what was there before either"
	sim_goes_on
	call_joined first
}

stack_init || bail "no directory"
stack_setting call_deadline_ms 30000
stack_setting provider_timeout_ms 25000
stack_setting lease_ms 40000
stack_whole
sql "create function passed(gate bigint) returns bigint language sql volatile
	as 'select 60000::bigint from pg_advisory_lock(gate)'"
run_tests
