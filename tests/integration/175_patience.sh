#!/bin/bash
# What nobody waits for is delivered later: with backoff, not before a provider
# said, and up to a configured age. Then it is rolled back and told.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"


fresh() {
	as_new_user && add_connection "$1" && ready_for complete "$1"
}

# noted: as one asks who does not wait. Sets WRITEBACK.
noted() {
	complete "$TASK" 'Prefer: respond-async'
	is "$STATUS $(field .writeback.outcome)" "202 open" "noted: $BODY"
	WRITEBACK=$(field .writeback.id)
	is "$(header location)" "/v1/writebacks/$WRITEBACK" "and where to look"
}

tried() { # COUNT
	[ "$(sql "select attempts >= $1 and state = 'queued' from writebacks
		where id = '$WRITEBACK'")" = t ]
}

ends_as() { # OUTCOME
	wait_until 40 writeback_has_ended "$WRITEBACK" || flunk "it ends"
	is "$(writeback_state "$WRITEBACK")" "$1" "how it ended"
}

# due_in: seconds until the next attempt, and of the connection's limit, too.
due_in() {
	sql "select ceil(extract(epoch from w.due_at - now())) || ' ' ||
		ceil(extract(epoch from i.rate_limited_until - now()))
		from writebacks w join connections i on i.id = w.connection_id
		where w.id = '$WRITEBACK'"
}

is_about_300() {
	[ "$1" -gt 240 ] && [ "$1" -le 301 ]
}

# A limit as each provider tells it: Todoist in seconds, Linear as the epoch's
# milliseconds, Attio as a date.
test_a_limit_is_honoured_in_every_form_it_comes_in() {
	local provider due limit

	for provider in $(providers); do
		fresh "$provider" || continue
		fault "{\"kind\": \"rate_limit\", \"write\": true, \"times\": 1,
			\"provider\": \"$provider\", \"retry_after\": 300}"
		noted
		wait_until 20 tried 1 || flunk "$provider: it is tried"
		read -r due limit <<<"$(due_in)"
		ok "$provider: not before it was told: $due" \
			is_about_300 "$due"
		ok "$provider: nor does anybody else: $limit" \
			is_about_300 "$limit"
		is "$(task_status "$TASK")" completed "$provider: it stays so here"
		sql "update connections set rate_limited_until = null
			where id = '$CONNECTION'; update writebacks
			set due_at = now() where id = '$WRITEBACK'"
		ends_as accepted
		is "$(provider_says "$provider" "$ITEM") $(taken)" \
			"completed 1" "$provider has it, once"
	done
}

# The limit may have been met by somebody else, in the meantime.
test_a_limit_that_another_met_is_waited_for_without_a_request() {
	fresh attio || return
	sql "update connections set rate_limited_until = now() +
		interval '200 s' where id = '$CONNECTION'"
	noted
	wait_until 20 tried 1 || flunk "it is taken up"
	is "$(requests)" 0 "nobody is asked"
	ok "it waits as long" [ "$(due_in | cut -d' ' -f1)" -gt 150 ]
	sql "update connections set rate_limited_until = null
		where id = '$CONNECTION'; update writebacks
		set due_at = now() where id = '$WRITEBACK'"
	ends_as accepted
}

# gaps: milliseconds between one try and the next, as the provider saw them. A
# try may be several requests, 600 ms apart at most.
gaps() {
	sim GET "/_sim/requests?since=$MARK"
	jq -c '[.requests[].at_ms] | . as $at | [range(1; length) |
		$at[.] - $at[. - 1] | select(. > 700)]' <<<"$BODY"
}

# From 1 s, twice as long each time, jittered by a half each way: so at least
# 0.5, 1 and 2 s.
test_tries_come_later_and_later() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		fault "{\"kind\": \"reset_before\", \"provider\": \"$provider\"}"
		noted
		wait_until 60 tried 4 || flunk "$provider: it is tried four times"
		is "$(gaps | jq 'max >= 1990 and length >= 2')" true \
			"$provider: later each time: $(gaps)"
		no_faults
		ends_as accepted
		is "$(taken)" 1 "$provider: delivered once"
	done
}

# What was told for how long, by whom, and what holds then.
told_and_as_before() { # PROVIDER
	is "$(task_facts "$TASK")" "$BEFORE" "$1: the task is what it was"
	is "$(events_of "$TASK")" "task.rolled_back given_up" "$1: told once"
	api GET '/v1/events?limit=200'
	like "$(jq -r --arg t "$TASK" '.events[] | select(.task_id == $t) |
		.detail' <<<"$BODY")" "^The task was not .*$(name_of "$1").*\.$" \
		"$1: in a sentence"
	is "$(provider_says "$1" "$ITEM")" open "$1: nothing was done there"
}

test_past_its_age_it_is_rolled_back_and_told() {
	local provider

	stack_end gateway
	FLOWPIN_GIVE_UP_MS=2500 stack_gateway || bail "no gateway"
	for provider in $(providers); do
		fresh "$provider" || continue
		fault "{\"kind\": \"status\", \"status\": 503,
			\"provider\": \"$provider\", \"write\": true}"
		noted
		ends_as rolled_back
		no_faults
		told_and_as_before "$provider"
	done
}

# However long the provider wants it to wait.
test_past_its_age_a_limited_one_is_rolled_back_and_told() {
	fresh attio || return
	fault '{"kind": "rate_limit", "write": true, "retry_after": 3}'
	noted
	ends_as rolled_back
	no_faults
	told_and_as_before attio
	stack_end gateway
	stack_gateway || bail "no gateway"
}

# What a caller waited for and nobody knows goes the same way, after a 504.
test_an_unknown_outcome_is_answered_as_such_and_settled_later() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		fault "{\"kind\": \"reset_after\", \"write\": true, \"times\": 1,
			\"provider\": \"$provider\"}"
		fault "{\"kind\": \"reset_before\", \"provider\": \"$provider\"}"
		complete "$TASK"
		is "$STATUS $(jq -r '.rolled_back, .writeback.outcome' \
			<<<"$BODY" | xargs)" "504 false open" "$provider: not known yet: $BODY"
		WRITEBACK=$(field .writeback.id)
		is "$(header location)" "/v1/writebacks/$WRITEBACK" "see there"
		like "$(field .detail)" "not certain.*$(name_of "$provider").*\.$" \
			"$provider: in a sentence"
		is "$(task_status "$TASK")" completed "$provider: not rolled back"
		no_faults
		ends_as accepted
		is "$(taken)" 1 "$provider: done once"
		is "$(events_of "$TASK")" "writeback.accepted done" \
			"$provider: and told"
		api GET '/v1/events?limit=200'
		like "$(jq -r --arg t "$TASK" '.events[] |
			select(.task_id == $t) | .detail' <<<"$BODY")" \
			"^The task is completed in $(name_of "$provider").*\.$" \
			"$provider: in a sentence"
	done
}

# Who did not wait and had no reason to doubt is not bothered.
test_a_success_at_the_first_try_is_no_event() {
	fresh attio || return
	noted
	ends_as accepted
	is "$(events_of "$TASK")" "" "nothing is told"
}

# A reopening that nobody knows of is superseded by a completion, which is refused:
# the task is completed as before, and its item is open. The polls find it.
test_what_a_superseded_wish_has_done_is_found_by_polls() {
	local provider looked

	for provider in $(providers); do
		fresh "$provider" || continue
		complete "$TASK"
		is_outcome accepted "done"
		fault "{\"kind\": \"reset_after\", \"write\": true, \"times\": 1,
			\"provider\": \"$provider\"}"
		# Linear's issue is looked at before it is reopened
		looked=0
		[ "$provider" != linear ] || looked=1
		fault "{\"kind\": \"reset_before\", \"provider\": \"$provider\",
			\"skip\": $looked}"
		uncomplete "$TASK"
		is "$STATUS" 504 "$provider: not known: $BODY"
		sql "update writebacks set due_at = now() + interval '1 hour'
			where task_id = '$TASK' and settled_at is null"
		no_faults
		fault "{\"kind\": \"forbidden\", \"write\": true,
			\"provider\": \"$provider\"}"
		complete "$TASK"
		healed
		is "$STATUS" 502 "$provider: refused: $BODY"
		is "$(task_status "$TASK") $(provider_says "$provider" "$ITEM")" \
			"completed open" "$provider: the sides differ"
		sql "update connections set status = 'active'"
		poll_own
		poll_own
		is "$(task_status "$TASK") $(provider_says "$provider" "$ITEM")" \
			"active open" "$provider: two polls later they agree"
	done
}

stack_init || bail "no directory"
short_times 2500 600
stack_setting give_up_ms 86400000
stack_whole && run_tests
