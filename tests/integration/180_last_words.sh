#!/bin/bash
# Who has the last word on a writeback: not an owner that lost its lease, not a
# key that was replaced, not half a change. And what the caller hears of it then.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# held_up MEMBERS: a call whose write is answered when `let_go` says so, because
# the simulator is stopped. Sets WRITEBACK.
held_up() {
	fault "{\"provider\": \"attio\", \"write\": true, \"times\": 1,
		\"delay_ms\": 2000, $1}"
	call_behind late POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	kill -STOP "$(stack_pid sim)"
	WRITEBACK=$(sql "select id from writebacks where task_id = '$TASK'")
}

let_go() {
	kill -CONT "$(stack_pid sim)"
}

answered() {
	let_go
	call_joined late
}

# taken_over [CHANGES]: by another owner, whose claim came after the lease; and
# what that one made of it.
taken_over() {
	is "$(sql "update writebacks set generation = generation + 1,
		attempts = 2, ${1:-due_at = now() + '1 min'}
		where id = '$WRITEBACK' and state = 'sending'
		returning generation")" 2 "another owner was in time"
}

facts_of_writeback() {
	sql "select state, generation, reason, settled_at from writebacks
		where id = '$WRITEBACK'"
}

fresh() {
	as_new_user && add_connection attio && ready_for complete attio
}

# changes_nothing WHAT MEMBERS: such a late answer.
changes_nothing() {
	local before task

	fresh || return
	held_up "$2"
	taken_over
	before=$(facts_of_writeback)
	task=$(task_json "$TASK")
	answered
	is "$STATUS $(field .writeback.outcome)" "202 open" \
		"$1: the caller hears that another has it: $BODY"
	is "$(header location)" "/v1/writebacks/$WRITEBACK" "$1: where to look"
	is "$(facts_of_writeback)" "$before" "$1: the writeback is the other's"
	is "$(task_json "$TASK")" "$task" "$1: the task stays as wished"
	is "$(events_of "$TASK")" '' "$1: nobody is told otherwise"
	sql "update writebacks set due_at = now()
		where id = '$WRITEBACK'" >/dev/null
	wait_until 30 writeback_has_ended "$WRITEBACK" || flunk "$1: it ends"
	is "$(writeback_state "$WRITEBACK") $(task_status "$TASK")" \
		"accepted completed" "$1: as the next owner has it"
	is "$(provider_says attio "$ITEM") $(taken)" "completed 1" \
		"$1: taken once"
}

test_a_late_answer_of_an_owner_that_lost_its_lease_changes_nothing() {
	changes_nothing refused '"kind": "status", "status": 400'
	changes_nothing accepted '"kind": "delay"'
	changes_nothing unauthorized '"kind": "status", "status": 401'
	is "$(connection_says "$CONNECTION" status)" active \
		"nor does it stop the connection"
}

# The other owner was the faster one, and rolled it back.
test_what_another_owner_rolled_back_is_told_as_a_failure() {
	fresh || return
	held_up '"kind": "delay"'
	sql "update tasks set status = 'active', completed_at = null,
		completed_by = null where id = '$TASK'" >/dev/null
	taken_over "state = 'rolled_back', reason = 'refused',
		settled_at = now(), due_at = null"
	answered
	is_rolled_back 502 refused Attio
}

test_what_another_owner_brought_to_its_end_is_told_as_such() {
	fresh || return
	held_up '"kind": "delay"'
	taken_over "state = 'accepted', reason = 'done', settled_at = now(),
		due_at = null"
	answered
	is_outcome accepted "done"
}

# refuse TABLE: nothing can be written to it until `allow TABLE`.
refuse() {
	stack_admin flowpin -c "create or replace function refuse() returns trigger
		language plpgsql as 'begin raise exception ''refused''; end';
		create trigger refused before insert or update on $1
		for each row execute function refuse()" >/dev/null
}

allow() {
	stack_admin flowpin -c "drop trigger refused on $1" >/dev/null
}

refusals() {
	grep -c 'ERROR:  refused' "$STACK_DIR/postgres.log"
}

settling_was_refused() {
	[ "$(refusals)" -gt "$REFUSALS" ]
}

test_a_change_and_its_writeback_are_written_together_or_not_at_all() {
	local table before

	for table in writebacks tasks; do
		fresh || return
		before=$(task_json "$TASK")
		refuse "$table"
		complete "$TASK"
		allow "$table"
		like "$STATUS" '^50[03]$' "$table: it fails: $BODY"
		is "$(task_json "$TASK")" "$before" "$table: no change"
		is "$(sql "select count(*) from writebacks
			where task_id = '$TASK'")" 0 "$table: no writeback"
		is "$(requests)" 0 "$table: nobody is asked"
		complete "$TASK"
		is_outcome accepted "done"
	done
}

# The rollback and the outcome are one commit as well: else a second owner would
# take a task that was rolled back for one that is as it was left.
test_an_outcome_and_its_rollback_are_written_together_or_not_at_all() {
	fresh || return
	held_up '"kind": "status", "status": 400'
	REFUSALS=$(refusals)
	refuse tasks
	let_go
	wait_until 10 settling_was_refused || flunk "the settle is tried"
	is "$(task_status "$TASK")" completed "the task is not restored"
	is "$(sql "select state from writebacks
		where id = '$WRITEBACK'")" sending "so it has not ended"
	allow tasks
	call_joined late
	is_rolled_back 502 refused Attio
}

# A new key came while the old one was refused: it is not to blame.
test_a_key_replaced_meanwhile_is_not_blamed_for_the_old_one() {
	fresh || return
	held_up '"kind": "status", "status": 401'
	api PATCH "/v1/connections/$CONNECTION" \
		"{\"key\": \"${TOKENS[attio]}\"}"
	is "$STATUS" 200 "the key is replaced"
	answered
	is_rolled_back 502 auth_failed Attio
	is "$(connection_says "$CONNECTION" status)" active \
		"the connection stays active"
	api GET /v1/events
	unlike "$BODY" connection.auth_failed "nobody is told otherwise"
	complete "$TASK"
	is_outcome accepted "done"
}

test_a_refused_key_is_told_as_an_event() {
	fresh || return
	sim DELETE "/_sim/accounts/attio/${TOKENS[attio]}"
	complete "$TASK"
	is_rolled_back 502 auth_failed Attio
	api GET /v1/events
	is "$(jq -c --arg c "$CONNECTION" '[.events[] |
		select(.type == "connection.auth_failed") |
		.connection_id == $c]' <<<"$BODY")" '[true]' "once"
}

# The wish waits behind another; when its turn comes there is nobody to ask.
test_a_wish_whose_connection_is_deleted_meanwhile_is_skipped() {
	local second

	fresh || return
	held_up '"kind": "delay"'
	uncomplete "$TASK" 'Prefer: respond-async'
	is "$STATUS" 202 "the second is noted: $BODY"
	second=$(field .writeback.id)
	api DELETE "/v1/connections/$CONNECTION"
	is "$STATUS" 204 "the connection is deleted"
	answered
	is "$STATUS $(field .writeback.outcome)" "200 accepted" \
		"the first was under way: $BODY"
	wait_until 30 writeback_has_ended "$second" || flunk "the second ends"
	api GET "/v1/writebacks/$second"
	is "$(field .writeback.outcome) $(field .writeback.reason)" \
		"skipped no_connection" "as skipped"
	is "$(field .task.status) $(provider_says attio "$ITEM") $(taken)" \
		"active completed 1" "and nothing more was sent"
}

stack_init || bail "no directory"
short_times 20000 15000
stack_whole && run_tests
