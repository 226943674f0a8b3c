#!/bin/bash
# A provider may go on working on a write that it did not answer: an item that is read
# meanwhile as it was is not done yet, which is not "not done". Nothing is rolled back,
# and no other wish of it is sent, before that is certain.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

DAILY='{"recurring": "every day", "due_date": "2031-02-03"}'

# late_for PROVIDER WISH [JSON]: a task, whose write takes effect after the call is over.
late_for() {
	as_new_user && add_connection "$1" && ready_for "$2" "$1" "${3:-null}" &&
		fault "{\"kind\": \"delay\", \"provider\": \"$1\", \"write\": true,
			\"delay_ms\": 2600}"
}

fresh() { # PROVIDER
	as_new_user && add_connection "$1" && ready_for complete "$1"
}

# is_told_open: so says the last answer, and the task stays as wished. Sets WRITEBACK.
is_told_open() { # STATUS-OF-TASK
	is "$STATUS $(jq -c '[.rolled_back, .writeback.outcome]' <<<"$BODY")" \
		'504 [false,"open"]' "it is not certain: $BODY"
	like "$(field .detail)" 'not certain yet' "which is said"
	is "$(field .task.status)" "$1" "it stays as wished"
	WRITEBACK=$(field .writeback.id)
	is "$(header location)" "/v1/writebacks/$WRITEBACK" "and where to look"
}

ends_as() { # OUTCOME
	wait_until 40 writeback_has_ended "$WRITEBACK" || flunk "it ends"
	is "$(writeback_state "$WRITEBACK")" "$1" "how it ended"
}

commands() {
	sql "select count(*) from writebacks where task_id = '$TASK'"
}

occurrences() {
	sim GET "/_sim/items/todoist/$ITEM"
	jq -r .occurrences_done <<<"$BODY"
}

test_a_write_that_is_late_is_not_rolled_back() {
	local provider wish

	for provider in $(providers); do
		for wish in complete uncomplete; do
			late_for "$provider" "$wish" || continue
			wish "$wish" "$TASK"
			is_told_open "$(task_status "$TASK")"
			isnt "$(task_facts "$TASK")" "$BEFORE" "$provider: it stands"
			no_faults
			ends_as accepted
			is "$(provider_says "$provider" "$ITEM")" \
				"$(state_for "$wish")" "$provider: done there"
			is "$(events_of "$TASK" | grep -c rolled_back)" 0 \
				"$provider: nobody hears of a rollback"
		done
	done
}

test_an_occurrence_closed_late_is_closed_once() {
	late_for todoist complete "$DAILY" || return
	complete "$TASK"
	is_told_open completed
	complete "$TASK" 'Prefer: respond-async' # the user tries again
	like "$STATUS" '^20[02]$' "which joins: $BODY"
	is "$(field .writeback.id)" "$WRITEBACK" "the wish that is on its way"
	no_faults
	ends_as accepted
	is "$(occurrences)" 1 "one occurrence is done"
	is "$(commands)" 1 "by one command"
}

# The one that is late would come after the one that takes it back.
test_the_opposite_wish_waits() {
	local provider

	for provider in $(providers); do
		late_for "$provider" complete || continue
		complete "$TASK"
		is_told_open completed
		uncomplete "$TASK" 'Prefer: respond-async'
		is "$STATUS $(field .task.status)" "202 active" "noted: $BODY"
		WRITEBACK=$(field .writeback.id)
		no_faults
		ends_as accepted
		sleep_until_late
		is "$(provider_says "$provider" "$ITEM")" open \
			"$provider: the last wish is what it is"
		poll_own
		is "$(task_line "$TASK")" "active - -" "$provider: on both sides"
	done
}

# Until whatever the simulator was told to do late is done.
sleep_until_late() {
	wait_until 20 all_are_answered || flunk "every request is over"
}

all_are_answered() {
	sim GET '/_sim/requests?since=0'
	[ "$(jq '[.requests[] | select(.status == null)] | length' \
		<<<"$BODY")" = 0 ]
}

# It took no effect: that is certain when the time is over, and then it is sent again.
test_what_did_not_happen_is_sent_again() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		fault "{\"kind\": \"reset_before\", \"provider\": \"$provider\",
			\"write\": true}"
		complete "$TASK"
		is_told_open completed
		no_faults
		ends_as accepted
		is "$(provider_says "$provider" "$ITEM")" completed \
			"$provider: in the end"
	done
}

test_what_did_not_happen_is_superseded_by_the_opposite_wish() {
	local first

	as_new_user && add_connection attio && ready_for complete attio || return
	fault '{"kind": "reset_before", "provider": "attio", "write": true}'
	complete "$TASK"
	is_told_open completed
	first=$WRITEBACK
	uncomplete "$TASK" 'Prefer: respond-async'
	WRITEBACK=$(field .writeback.id)
	wait_until 20 writeback_has_ended "$first" || flunk "the first one ends"
	is "$(writeback_state "$first")" superseded "nobody wishes it any more"
	no_faults
	ends_as accepted
	is "$(task_line "$TASK") $(provider_says attio "$ITEM")" "active - - open" \
		"open on both sides"
}

test_a_connection_that_is_paused_meanwhile_is_looked_at_only() {
	late_for attio complete || return
	complete "$TASK"
	is_told_open completed
	api PATCH "/v1/connections/$CONNECTION" '{"status": "paused"}'
	is "$STATUS" 200 "paused: $BODY"
	no_faults
	mark
	ends_as accepted
	is "$(writes)" 0 "nothing is sent"
	is "$(provider_says attio "$ITEM")" completed "it was done late"
}

# The vendor says itself that it failed: then it is over, and a look decides.
test_a_failure_that_is_answered_leaves_no_doubt() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		fault "{\"kind\": \"status\", \"provider\": \"$provider\",
			\"write\": true, \"status\": 500}"
		complete "$TASK"
		healed
		is_rolled_back 504 server_error "$(name_of "$provider")"
	done
}

# Its owner died; nobody knows when it was sent, but not after its lease.
test_an_owner_that_died_leaves_the_doubt_to_the_next() {
	late_for attio complete || return
	call_behind dead POST "/v1/tasks/$TASK/complete"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	stack_end gateway KILL
	call_joined dead
	sql "update writebacks set due_at = now() where task_id = '$TASK'" >/dev/null
	WRITEBACK=$(sql "select id from writebacks where task_id = '$TASK'")
	stack_gateway || bail "the gateway does not come back"
	no_faults
	ends_as accepted
	is "$(sql "select count(*) from writebacks where task_id = '$TASK'
		and state = 'accepted'")" 1 "it is done"
	is "$(task_line "$TASK") $(provider_says attio "$ITEM")" \
		"completed user - completed" "on both sides"
}

stack_init || bail "no directory"
stack_setting call_deadline_ms 1800
stack_setting provider_timeout_ms 700
stack_setting doubt_ms 4000
stack_setting lease_ms 3000
stack_setting sweep_ms 200
stack_whole && run_tests
