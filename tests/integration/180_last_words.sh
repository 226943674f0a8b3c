#!/bin/bash
# Who has the last word on a writeback: not an owner that lost its lease, not a
# key that was replaced, not half a change. And what the caller hears of it then.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# held_up FAULT [TIMES]: a call whose write is not answered before `sim_goes_on`.
# Sets WRITEBACK.
held_up() {
	fault "{$1, \"provider\": \"attio\", \"write\": true,
		\"times\": ${2:-1}}"
	sim_stands
	call_behind late POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_sending "$TASK" || flunk "it is on its way"
}

answered() {
	sim_goes_on
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
	sql "with l as (update links set status = 'active', completed_by = null,
				version = version + 1
			where task_id = '$TASK' returning task_id)
		update tasks t set status = 'active', completed_at = null
			from l where t.id = l.task_id" >/dev/null
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

# A commit in doubt is said again: by the same owner, of what has ended.
test_what_has_ended_does_not_end_otherwise() {
	fresh || return
	held_up '"kind": "status", "status": 400'
	sql "update writebacks set state = 'accepted', reason = 'done',
		settled_at = now(), due_at = null
		where id = '$WRITEBACK'" >/dev/null
	answered
	is_outcome accepted "done"
	is "$(task_line "$TASK")" "completed user -" "the task stays as it is"
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

	for table in gateway.writebacks gateway.links tasks; do
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
	sim_goes_on
	wait_until 10 settling_was_refused || flunk "the settle is tried"
	is "$(task_status "$TASK")" completed "the task is not restored"
	is "$(sql "select state from writebacks
		where id = '$WRITEBACK'")" sending "so it has not ended"
	allow tasks
	call_joined late
	is_rolled_back 502 refused Attio
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

# Neither happened there: the task is what it was before both.
test_two_wishes_refused_one_after_the_other_leave_what_was_there() {
	local second

	fresh || return
	held_up '"kind": "status", "status": 400' 2
	uncomplete "$TASK" 'Prefer: respond-async'
	is "$STATUS" 202 "the second is noted: $BODY"
	second=$(field .writeback.id)
	answered
	wait_until 30 writeback_has_ended "$second" || flunk "the second ends"
	is "$(writeback_state "$WRITEBACK") $(writeback_state "$second")" \
		"rolled_back rolled_back" "both were refused"
	is "$(task_facts "$TASK")" "$BEFORE" "the task is what it was"
	is "$(provider_says attio "$ITEM")" open "as the item is"
}

# ends_once_due WRITEBACK: who has it at this moment may yet put it off for the hour that
# its connection was limited for.
ends_once_due() {
	sql "update writebacks set due_at = now() where id = '$1'
		and state = 'queued' and due_at > now()" >/dev/null
	writeback_has_ended "$1"
}

test_a_wish_that_took_anothers_place_goes_back_to_what_was_before_both() {
	local second

	fresh || return
	# nothing may be sent yet
	sql "update connections set rate_limited_until = now() + '1 hour'
		where id = '$CONNECTION'" >/dev/null
	complete "$TASK" 'Prefer: respond-async'
	uncomplete "$TASK" 'Prefer: respond-async'
	is "$STATUS $(field .task.status)" "202 active" "both are noted: $BODY"
	second=$(field .writeback.id)
	sql "update connections set rate_limited_until = null,
			status = 'auth_failed' where id = '$CONNECTION'" >/dev/null
	wait_until 30 ends_once_due "$second" || flunk "the second ends"
	is "$(sql "select string_agg(state, ' ' order by task_version)
		from writebacks where task_id = '$TASK'")" \
		"superseded rolled_back" "how they ended"
	is "$(task_facts "$TASK")" "$BEFORE" "the task is what it was"
	is "$(provider_says attio "$ITEM") $(taken)" "open 0" "as the item is"
}

test_what_a_dead_gateway_left_open_is_ended_by_a_poller() {
	fresh || return
	fault '{"kind": "hang_after", "write": true, "times": 1}'
	call_behind late POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	is_sending "$TASK" || flunk "and its owner lives"
	stack_end gateway KILL
	call_joined late
	is "$(task_status "$TASK")" completed "it is completed here"
	sql "update writebacks set due_at = now()
		where id = '$WRITEBACK'" >/dev/null # its lease is over
	poll_once
	is "$(sql "select state, reason from writebacks
		where id = '$WRITEBACK'")" "accepted|done" "a pass has looked"
	stack_gateway || bail "the gateway does not come back"
	is "$(provider_says attio "$ITEM") $(taken)" "completed 1" \
		"taken once"
}

stack_init || bail "no directory"
short_times 20000 15000
stack_whole && run_tests
