#!/bin/bash
# A recurring task of Todoist is never closed twice: a second close would skip an
# occurrence. What is closed is one occurrence; the same task is active again for the
# next one.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

DAILY='{"recurring": "every day", "due_date": "2031-02-03"}'

fresh() {
	as_new_user && add_connection todoist
}

# at_todoist MEMBER: of the item.
at_todoist() {
	sim GET "/_sim/items/todoist/$ITEM"
	jq -c "$1" <<<"$BODY"
}

# one_is_done: exactly one occurrence, and Todoist goes on.
one_is_done() {
	is "$(at_todoist '[.occurrences_done, .checked, .due.date]')" \
		'[1,false,"2031-02-04"]' "${1:-}: one occurrence is done"
	is "$(task_line "$TASK")" "completed user -" "${1:-}: and here"
}

test_completing_a_recurring_task_closes_one_occurrence_once() {
	fresh
	ready_for complete todoist "$DAILY" || return
	complete "$TASK"
	is_outcome accepted "done"
	one_is_done
	is "$(writes) $(taken)" "1 1" "one write was sent"
}

test_it_is_looked_at_before_it_is_closed() {
	fresh
	ready_for complete todoist "$DAILY" || return
	complete "$TASK"
	sim GET "/_sim/requests?since=$MARK"
	is "$(jq -r '[.requests[] | if .write then "write" else .op end] |
		join(" ")' <<<"$BODY")" "read write" "its due date comes first"
}

test_the_next_occurrence_is_the_same_task_again() {
	fresh
	ready_for complete todoist "$DAILY" || return
	complete "$TASK"
	is_outcome accepted "done"
	is "$(task_json "$TASK" | jq -c .source_metadata.due_date)" '"2031-02-03"' \
		"it is about the one that was closed"
	poll_once "$CONNECTION"
	is "$(task_line "$TASK")" "active - -" "the next one is to be done"
	is "$(task_json "$TASK" | jq -c .source_metadata.due_date)" '"2031-02-04"' \
		"under its date"
	is "$(events_of "$TASK")" "task.reopened next_occurrence" "and told"
	is "$(writes)" 1 "nothing was written for it"
	api GET '/v1/inbox?limit=200'
	is "$(jq '.items | length' <<<"$BODY")" 0 "nor is it offered as well"
	complete "$TASK"
	is_outcome accepted "done"
	is "$(at_todoist .occurrences_done)" 2 "and done in its turn"
	is "$(writes)" 2 "with a write of its own"
}

test_what_is_completed_again_is_not_closed_again() {
	local writeback

	fresh
	ready_for complete todoist "$DAILY" || return
	complete "$TASK"
	writeback=$(field .writeback.id)
	mark
	complete "$TASK"
	is_outcome accepted "done"
	is "$(field .writeback.id)" "$writeback" "it is answered as then"
	is "$(requests)" 0 "nobody is asked"
	is "$(at_todoist .occurrences_done)" 1 "one occurrence is done"
}

# Somebody was faster: this task's occurrence is done there already.
test_an_occurrence_done_there_is_not_closed_a_second_time() {
	fresh
	ready_for complete todoist "$DAILY" || return
	change_item todoist "$ITEM" '{"advance": true}'
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "it is done"
	is "$(writes)" 0 "nothing is written"
	one_is_done
}

# A due date moved back or made later by hand is no occurrence done; but it may
# look like one. What must not be is a second close.
test_an_unknown_outcome_is_not_sent_twice_in_effect() {
	local members

	fresh
	for members in '"kind": "reset_after"' '"kind": "hang_after"' \
		'"kind": "truncate"' '"kind": "truncate_json"' \
		'"kind": "html", "applied": true' '"kind": "empty_body"' \
		'"kind": "status", "status": 500, "applied": true'; do
		diag "$members"
		ready_for complete todoist "$DAILY" || continue
		fault "{\"provider\": \"todoist\", \"write\": true, $members}"
		complete "$TASK"
		healed
		is_outcome accepted "done"
		one_is_done "$members"
		is "$(writes)" 1 "$members: sent once"
	done
}

# What is stored of it may be nothing, or of a date that was put forward since: the one
# that was read right before the write tells.
test_an_unknown_outcome_is_compared_with_what_was_read() {
	local members stored

	fresh
	for members in '"kind": "reset_after"' '"kind": "hang_after"' \
		'"kind": "status", "status": 500, "applied": true'; do
		for stored in '{}' '{"is_recurring": true}' \
			'{"is_recurring": true, "due_date": "2031-02-07"}' \
			'{"is_recurring": true, "due_date": "2031-01-07"}'; do
			diag "$members, stored $stored"
			ready_for complete todoist "$DAILY" || continue
			sql "update links set metadata = '$stored'
				where task_id = '$TASK'" >/dev/null
			fault "{\"provider\": \"todoist\", \"write\": true, $members}"
			complete "$TASK"
			healed
			if [[ $stored == *01-07* ]]; then
				# it moved on since: an occurrence is done already
				is_outcome accepted already_done
				is "$(writes)" 0 "nothing is sent"
				continue
			fi
			is_outcome accepted "done"
			one_is_done "$members"
			is "$(writes)" 1 "$members: sent once"
		done
	done
}

test_what_did_not_reach_it_is_rolled_back() {
	local members

	fresh
	for members in '"kind": "reset_before"' '"kind": "hang_before"' \
		'"kind": "status", "status": 500' \
		'"kind": "html_status", "status": 502' \
		'"kind": "empty_body", "applied": false' '"kind": "html"'; do
		diag "$members"
		ready_for complete todoist "$DAILY" || continue
		fault "{\"provider\": \"todoist\", \"write\": true, $members}"
		complete "$TASK"
		healed
		is_rolled_back 504 '[a-z_]+' Todoist
		is "$(at_todoist '[.occurrences_done, .due.date]')" \
			'[0,"2031-02-03"]' "$members: none is done"
	done
}

test_a_command_that_fails_is_rolled_back() {
	fresh
	ready_for complete todoist "$DAILY" || return
	fault '{"provider": "todoist", "write": true, "kind": "sync_error"}'
	complete "$TASK"
	healed
	like "$STATUS" '^50[24]$' "it is refused"
	is_rolled_back "$STATUS" '[a-z_]+' Todoist
	is "$(at_todoist .occurrences_done)" 0 "none is done"
}

# The command is the same whenever and by whomever it is sent.
test_repeated_sendings_carry_one_command_id() {
	fresh
	ready_for complete todoist "$DAILY" || return
	fault '{"provider": "todoist", "write": true, "kind": "reset_before",
		"times": 2}'
	complete "$TASK"
	healed
	is_outcome accepted "done"
	one_is_done
	sim GET "/_sim/requests?since=$MARK&write=true"
	is "$(jq '[.requests[].commands // empty | .. | strings |
		select(test("^[0-9a-f]{8}-[0-9a-f-]{27}$"))] | unique |
		length' <<<"$BODY")" 1 "one id: $BODY"
}

# The first one took effect, and nobody can tell: the second is the same command.
test_a_close_is_not_sent_again_unread() {
	local writeback

	fresh
	ready_for complete todoist "$DAILY" || return
	# the look before must succeed, the look in between must not
	fault '{"provider": "todoist", "op": "read", "kind": "status",
		"status": 500, "skip": 1}'
	fault '{"provider": "todoist", "write": true, "kind": "reset_after",
		"times": 1}'
	complete "$TASK"
	writeback=$(field .writeback.id)
	is "$STATUS $(field .writeback.outcome)" '504 open' "it stays open: $BODY"
	is "$(writes)" 1 "it was sent once"
	no_faults
	wait_until 60 writeback_has_ended "$writeback" || flunk "it ends"
	is "$(writeback_state "$writeback")" accepted "as what was found there"
	is "$(writes)" 1 "and not sent again"
	one_is_done
}

test_what_cannot_be_read_stays_open_and_is_not_closed_twice() {
	local members writeback state

	fresh
	for members in '"kind": "reset_after"' '"kind": "hang_after"' \
		'"kind": "reset_before"'; do
		diag "$members"
		ready_for complete todoist "$DAILY" || continue
		# the look before must succeed, the look after must not
		fault '{"provider": "todoist", "op": "read", "kind": "status",
			"status": 500, "skip": 1}'
		fault "{\"provider\": \"todoist\", \"write\": true, $members}"
		complete "$TASK"
		is "$STATUS $(jq -c '[.rolled_back, .writeback.outcome]' \
			<<<"$BODY")" '504 [false,"open"]' "$members: it is open: $BODY"
		writeback=$(field .writeback.id)
		no_faults
		wait_until 30 writeback_has_ended "$writeback" ||
			flunk "$members: it ends" || continue
		state=$(writeback_state "$writeback")
		if [ "$state" = accepted ]; then
			one_is_done "$members"
		else
			is "$state $(at_todoist .occurrences_done)" \
				"rolled_back 0" "$members: or nothing was done"
			is "$(task_facts "$TASK")" "$BEFORE" "$members: and undone"
		fi
	done
}

test_a_gateway_that_dies_in_flight_closes_no_second_occurrence() {
	local writeback

	fresh
	ready_for complete todoist "$DAILY" || return
	fault '{"provider": "todoist", "write": true, "kind": "hang_after"}'
	call_behind dies POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	stack_end gateway KILL
	call_joined dies
	no_faults
	stack_gateway || bail "the gateway does not come back"
	writeback=$(sql "select id from writebacks where task_id = '$TASK'")
	wait_until 30 writeback_has_ended "$writeback" || flunk "it ends"
	is "$(writeback_state "$writeback")" accepted "as accepted"
	one_is_done
}

# What reopen does to a recurring task is not documented: either the occurrence is
# back, or the person is told that it is not.
test_uncompleting_an_occurrence_brings_it_back_or_says_why_not() {
	fresh
	ready_for complete todoist "$DAILY" || return
	complete "$TASK"
	is_outcome accepted "done"
	BEFORE=$(task_facts "$TASK")
	mark
	uncomplete "$TASK"
	if [ "$STATUS" = 200 ]; then
		is_outcome accepted "done"
		is "$(at_todoist .due.date)" '"2031-02-03"' "it is due as before"
		is "$(task_line "$TASK")" "active - -" "and to be done"
	else
		is_rolled_back 502 '[a-z_]+' Todoist
		is "$(at_todoist .due.date)" '"2031-02-04"' "nothing happened"
	fi
	like "$(taken)" '^[01]$' "at most one write"
}

# What repeats was learnt by a poll; it may not any more.
test_a_task_that_no_longer_recurs_is_closed_like_any_other() {
	fresh
	ready_for complete todoist "$DAILY" || return
	change_item todoist "$ITEM" '{"recurring": false}'
	complete "$TASK"
	is_outcome accepted "done"
	is "$(at_todoist .checked) $(taken)" "true 1" "it is closed"
}

# Its due date tells nothing: whoever made it recur may have moved it, too. The
# task is what the item is, to be done, and the user is told to look.
test_a_task_that_recurs_since_the_last_poll_is_not_closed_twice() {
	local due

	for due in null '"2031-02-03"'; do
		fresh
		ready_for complete todoist "{\"due_date\": $due}" || return
		change_item todoist "$ITEM" '{"recurring": "every day"}'
		fault '{"provider": "todoist", "write": true,
			"kind": "reset_after"}'
		complete "$TASK"
		healed
		is_rolled_back 502 source_changed Todoist
		is "$(at_todoist .occurrences_done)" 1 "one occurrence is done"
		poll_once "$CONNECTION"
		poll_once "$CONNECTION"
		is "$(task_status "$TASK")" active "the next one is to be done"
	done
}

# It was sent as a plain close, which knows no command id, and cannot be looked at:
# not sent again before somebody has looked.
test_a_plain_close_that_cannot_be_looked_at_is_not_sent_again() {
	local writeback

	fresh
	ready_for complete todoist '{"due_date": "2031-02-03"}' || return
	change_item todoist "$ITEM" '{"recurring": "every day"}'
	fault '{"provider": "todoist", "op": "read", "kind": "status",
		"status": 500}'
	fault '{"provider": "todoist", "write": true, "kind": "reset_after",
		"times": 1}'
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "504 open" "it is open: $BODY"
	writeback=$(field .writeback.id)
	no_faults
	wait_until 30 writeback_has_ended "$writeback" || flunk "it ends"
	is "$(events_of "$TASK")" "task.rolled_back source_changed" \
		"the user is told to look"
	is "$(writes) $(at_todoist .occurrences_done)" "1 1" "it was sent once"
}

# --- what was read before the write is kept ----------------------------------------------

# an_answer_is_lost: of the next write; and nothing can be read after the first time.
an_answer_is_lost() {
	fault '{"provider": "todoist", "op": "read", "kind": "status",
		"status": 500, "skip": 1}'
	fault '{"provider": "todoist", "write": true, "kind": "reset_after",
		"times": 1}'
}

# is_found_done: what was left in doubt is looked at by its next owner, and was done.
is_found_done() {
	local writeback

	is "$STATUS $(field .writeback.outcome)" "504 open" "it is open: $BODY"
	writeback=$(field .writeback.id)
	no_faults
	wait_until 30 writeback_has_ended "$writeback" || flunk "it ends"
	api GET "/v1/writebacks/$writeback"
	is "$(field .writeback.outcome)" accepted "it is known to be done: $BODY"
	is "$(writes)" 1 "it was sent once"
}

test_who_takes_over_knows_the_date_that_was_read() {
	fresh
	ready_for complete todoist "$DAILY" || return
	sql "update links set metadata = '{}' where task_id = '$TASK'"
	an_answer_is_lost
	complete "$TASK"
	is_found_done
	is "$(at_todoist .occurrences_done)" 1 "one occurrence is done"
}

test_who_takes_over_knows_that_it_was_reopened() {
	fresh
	ready_for complete todoist "$DAILY" || return
	change_item todoist "$ITEM" '{"state": "completed"}'
	poll_once "$CONNECTION"
	is "$(task_line "$TASK")" "completed absence completed" "it is over"
	change_item todoist "$ITEM" '{"due_date": "2031-02-09"}'
	mark
	an_answer_is_lost
	uncomplete "$TASK"
	is_found_done
	is "$(at_todoist '[.checked, .due.date]')" '[false,"2031-02-09"]' \
		"it is open, under the date that it was given"
}

# The first attempt was refused for a while, and surely did nothing; meanwhile the user
# closes it there.
test_a_later_attempt_knows_the_date_of_the_first() {
	local writeback

	fresh
	ready_for complete todoist "$DAILY" || return
	sql "update links set metadata = '{}' where task_id = '$TASK'"
	fault '{"provider": "todoist", "write": true, "kind": "rate_limit",
		"retry_after": 3, "times": 1}'
	api POST "/v1/tasks/$TASK/complete" '' 'Prefer: respond-async'
	writeback=$(field .writeback.id)
	wait_until 20 is_tried || flunk "it is tried"
	closes_itself "${TOKENS[todoist]}" "$ITEM"
	wait_until 30 writeback_has_ended "$writeback" || flunk "it ends"
	is "$(at_todoist .occurrences_done)" 1 "one occurrence is done"
}

is_tried() {
	[ "$(sql "select state = 'queued' and attempts = 1 from writebacks
		where task_id = '$TASK'")" = t ]
}

# A due without its rule would end the recurrence.
test_a_date_whose_rule_is_not_known_is_not_given_back() {
	fresh
	ready_for complete todoist "$DAILY" || return
	sql "update links set metadata = '{}' where task_id = '$TASK'"
	complete "$TASK"
	is_outcome accepted "done"
	uncomplete "$TASK"
	is_outcome accepted already_done
	is "$(writes) $(at_todoist .due.date)" '1 "2031-02-04"' "nothing is sent"
}

# The close was on its way, and read another date than the list had.
test_an_undo_goes_back_to_the_date_that_was_closed() {
	fresh
	ready_for complete todoist '{"recurring": "every day",
		"due_date": "2031-02-05"}' || return
	change_item todoist "$ITEM" '{"due_date": "2031-02-03"}'
	fault '{"provider": "todoist", "op": "read", "kind": "delay",
		"delay_ms": 1500, "times": 1}'
	call_behind close POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_in_flight 'op=read' || flunk "it is looked at"
	uncomplete "$TASK"
	is_outcome accepted "done"
	call_joined close
	is "$(at_todoist '[.occurrences_done, .due.date]')" '[0,"2031-02-03"]' \
		"it is to be done, under the date that it had"
}

# The list is from before the date went back; what is closed next is that date.
test_a_run_beside_an_undo_keeps_the_date_that_it_goes_back_to() {
	fresh
	ready_for complete todoist "$DAILY" || return
	complete "$TASK"
	fault '{"provider": "todoist", "op": "read", "kind": "delay",
		"delay_ms": 2500, "times": 1}'
	call_behind undo POST "/v1/tasks/$TASK/uncomplete"
	wait_until 20 is_in_flight 'op=read' || flunk "it is looked at"
	poll_once "$CONNECTION"
	call_joined undo
	is_outcome accepted "done"
	is "$(task_json "$TASK" | jq -c .source_metadata.due_date)" '"2031-02-03"' \
		"it is about the date that it went back to"
	complete "$TASK"
	is_outcome accepted "done"
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(at_todoist '[.occurrences_done, .due.date]')" '[0,"2031-02-03"]' \
		"and goes back once more"
}

stack_init || bail "no directory"
short_times 4500 600
stack_whole && run_tests
