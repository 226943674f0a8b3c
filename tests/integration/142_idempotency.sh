#!/bin/bash
# Idempotency-Key: one request under one key is carried out once and answered the
# same way ever after. Prefer: respond-async: answered before it is carried out.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

fresh() {
	as_new_user && add_connection "${1:-attio}"
}

KEY_COUNT=0

# new_key: sets KEY, a header with a key that nobody used.
new_key() {
	KEY_COUNT=$((KEY_COUNT + 1))
	KEY="Idempotency-Key: key-$KEY_COUNT"
}

test_a_repeated_completion_gets_the_same_answer_and_is_sent_once() {
	local provider first

	for provider in $(providers); do
		fresh "$provider"
		new_key
		ready_for complete "$provider" || continue
		complete "$TASK" "$KEY"
		is_outcome accepted "done"
		first=$BODY
		complete "$TASK" "$KEY"
		is "$STATUS" 200 "$provider: answered"
		is "$BODY" "$first" "$provider: to the letter"
		is "$(header idempotency-replayed)" true "and said to be a replay"
		is "$(writes)" 1 "$provider: sent once"
	done
}

test_the_answer_is_replayed_even_if_the_task_has_changed() {
	local first

	fresh
	new_key
	ready_for complete attio
	complete "$TASK" "$KEY"
	first=$BODY
	uncomplete "$TASK"
	is_outcome accepted "done"
	mark
	complete "$TASK" "$KEY"
	is "$BODY" "$first" "it is the answer of then"
	is "$(requests)" 0 "nobody is asked"
	is "$(task_status "$TASK")" active "and nothing is changed"
}

test_a_task_made_twice_under_one_key_is_one() {
	local first

	fresh
	new_key
	api POST /v1/tasks '{"title": "Once"}' "$KEY"
	is "$STATUS" 201 "it is made"
	first=$BODY
	api POST /v1/tasks '{"title": "Once"}' "$KEY"
	is "$STATUS" 201 "answered again"
	is "$BODY" "$first" "with the same task"
	api GET /v1/tasks
	is "$(jq '.tasks | length' <<<"$BODY")" 1 "there is one"
}

test_an_import_repeated_under_its_key_is_answered_again() {
	local id first

	fresh
	new_key
	add_own_item attio 'Import me'
	poll_once "$CONNECTION"
	api GET /v1/inbox
	id=$(field '.items[0].id')
	api POST "/v1/inbox/$id/import" '' "$KEY"
	is "$STATUS" 201 "imported"
	first=$BODY
	api POST "/v1/inbox/$id/import" '' "$KEY"
	is "$STATUS $BODY" "201 $first" "as before"
	api GET /v1/tasks
	is "$(jq '.tasks | length' <<<"$BODY")" 1 "there is one task"
}

# differs METHOD PATH JSON: under a key that another request used.
differs() {
	api "$1" "$2" "$3" "$KEY"
	is "$STATUS $(header content-type)" "422 application/problem+json" \
		"$1 $2 $3: $BODY"
}

test_another_request_under_a_used_key_is_refused() {
	fresh
	new_key
	ready_for complete attio
	complete "$TASK" "$KEY"
	mark
	differs POST "/v1/tasks/$TASK/uncomplete" ''
	differs POST /v1/tasks '{"title": "Other"}'
	is "$(task_status "$TASK")" completed "nothing is changed"
	is "$(requests)" 0 "nobody is asked"
	new_key
	api POST /v1/tasks '{"title": "One"}' "$KEY"
	differs POST /v1/tasks '{"title": "Two"}'
	api GET '/v1/tasks?status=active'
	is "$(jq -r '[.tasks[].title] | join(" ")' <<<"$BODY")" One \
		"one task was made"
}

test_while_it_runs_a_repetition_is_told_to_wait() {
	fresh
	new_key
	ready_for complete attio
	fault '{"kind": "delay", "delay_ms": 1000, "write": true}'
	call_behind first POST "/v1/tasks/$TASK/complete" '' "$KEY"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	complete "$TASK" "$KEY"
	is "$STATUS $(field .status)" "409 409" "it still runs: $BODY"
	like "$(header retry-after)" '^[0-9]+$' "when to come back"
	call_joined first
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "the first"
	complete "$TASK" "$KEY"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "then the second"
	is "$(writes)" 1 "sent once"
	no_faults
}

test_of_many_at_once_under_one_key_one_is_carried_out() {
	local i made=0

	fresh
	new_key
	for i in 1 2 3 4 5 6 7 8; do
		call_behind "m$i" POST /v1/tasks '{"title": "Crowd"}' "$KEY"
	done
	for i in 1 2 3 4 5 6 7 8; do
		call_joined "m$i"
		like "$STATUS" '^(201|409)$' "made or told to wait: $BODY"
		[ "$STATUS" = 201 ] && made=$((made + 1))
	done
	isnt "$made" 0 "one at least was told of it"
	api GET /v1/tasks
	is "$(jq '.tasks | length' <<<"$BODY")" 1 "one task"
}

test_a_failed_one_is_tried_again() {
	fresh
	new_key
	ready_for complete attio
	fault '{"kind": "status", "status": 400, "write": true}'
	complete "$TASK" "$KEY"
	healed
	is_rolled_back 502 refused Attio
	complete "$TASK" "$KEY"
	is_outcome accepted "done"
	is "$(header idempotency-replayed)" '' "that is no replay"
	is "$(writes) $(taken)" "2 1" "sent again"
	complete "$TASK" "$KEY"
	is "$(writes)" 2 "but not after it succeeded"
}

test_a_mistake_is_tried_again_too() {
	fresh
	new_key
	api POST /v1/tasks/00000000-0000-4000-8000-0000000000ff/complete '' "$KEY"
	is "$STATUS" 404 "no such task"
	api POST /v1/tasks/00000000-0000-4000-8000-0000000000ff/complete '' "$KEY"
	is "$STATUS" 404 "still none"
}

test_keys_that_cannot_be_are_refused() {
	local before

	fresh
	before=$(sql 'select count(*) from tasks')
	api POST /v1/tasks '{"title": "No"}' \
		"Idempotency-Key: $(head -c 256 /dev/zero | tr '\0' k)"
	is "$STATUS" 400 "256 bytes are too many: $BODY"
	api POST /v1/tasks '{"title": "No"}' $'Idempotency-Key: k\xc3\xa4se'
	is "$STATUS" 400 "letters beyond ASCII: $BODY"
	is "$(sql 'select count(*) from tasks')" "$before" "nothing is made"
	api POST /v1/tasks '{"title": "Yes"}' \
		"Idempotency-Key: $(head -c 255 /dev/zero | tr '\0' k)"
	is "$STATUS" 201 "255 are not"
}

# A gateway that died has left its key behind, for a lease and no longer.
test_a_key_whose_gateway_died_is_free_again() {
	fresh
	new_key
	ready_for complete attio
	fault '{"kind": "hang_after", "write": true, "times": 1}'
	call_behind dies POST "/v1/tasks/$TASK/complete" '' "$KEY"
	wait_until 10 is_in_flight 'write=true' || flunk "it is in flight"
	stack_end gateway KILL
	call_joined dies
	stack_gateway || bail "the gateway does not come back"
	wait_until 30 key_is_free || flunk "the key is free again"
	is "$STATUS $(field .task.status)" "200 completed" "answered: $BODY"
	is "$(provider_says attio "$ITEM") $(taken)" "completed 1" "taken once"
	no_faults
}

key_is_free() {
	complete "$TASK" "$KEY"
	[ "$STATUS" = 200 ]
}

# --- respond-async ------------------------------------------------------------

ASYNC='Prefer: respond-async'

# noted WISH PROVIDER: 202, at once. Sets WRITEBACK.
noted() {
	wish "$1" "$TASK" "$ASYNC"
	is "$STATUS $(field .writeback.outcome)" "202 open" "it is noted: $BODY"
	WRITEBACK=$(field .writeback.id)
	is "$(header location)" "/v1/writebacks/$WRITEBACK" "where to look"
	is "$(header preference-applied)" respond-async "as preferred"
	is "$(field .task.status)" \
		"$([ "$1" = complete ] && echo completed || echo active)" \
		"it is so here at once"
}

test_an_asynchronous_completion_is_answered_and_then_delivered() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		noted complete
		wait_until 20 writeback_has_ended "$WRITEBACK" ||
			flunk "$provider: it ends"
		is "$(writeback_state "$WRITEBACK")" accepted "$provider: accepted"
		is "$(provider_says "$provider" "$ITEM") $(writes)" "completed 1" \
			"$provider has it"
		mark
		noted uncomplete
		wait_until 20 writeback_has_ended "$WRITEBACK" ||
			flunk "$provider: it ends"
		is "$(provider_says "$provider" "$ITEM") $(writes)" "open 1" \
			"$provider: and back"
		is "$(task_line "$TASK")" "active - -" "here too"
	done
}

test_an_asynchronous_call_does_not_wait_for_the_provider() {
	local begun took

	fresh
	ready_for complete attio
	fault '{"kind": "delay", "delay_ms": 2000, "write": true}'
	begun=${EPOCHREALTIME/[.,]/}
	noted complete
	took=$((${EPOCHREALTIME/[.,]/} - begun))
	ok "answered before the provider is: $took us" [ $took -lt 1900000 ]
	wait_until 20 writeback_has_ended "$WRITEBACK" || flunk "it ends"
	is "$(writeback_state "$WRITEBACK") $(taken)" "accepted 1" "delivered"
	no_faults
}

test_what_is_refused_later_is_rolled_back_and_told_as_an_event() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		fault "{\"kind\": \"status\", \"status\": 400,
			\"provider\": \"$provider\", \"write\": true}"
		noted complete
		wait_until 20 writeback_has_ended "$WRITEBACK" ||
			flunk "$provider: it ends"
		is "$(writeback_state "$WRITEBACK")" rolled_back "$provider: refused"
		is "$(task_facts "$TASK")" "$BEFORE" "$provider: as it was"
		api GET '/v1/events?limit=200'
		is "$(jq -c --arg t "$TASK" --arg w "$WRITEBACK" '[.events[] |
			select(.task_id == $t and .writeback_id == $w) |
			[.type, .reason]]' <<<"$BODY")" \
			'[["task.rolled_back","refused"]]' "$provider: told once"
		like "$(jq -r --arg t "$TASK" '.events[] | select(.task_id == $t) |
			.detail' <<<"$BODY")" "$(name_of "$provider").*\.$" \
			"$provider: in a sentence"
		no_faults
	done
}

test_what_cannot_be_reached_is_delivered_later() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		fault "{\"kind\": \"reset_before\", \"provider\": \"$provider\"}"
		noted complete
		wait_until 10 has_been_tried || flunk "$provider: it is tried"
		is "$(writeback_state "$WRITEBACK")" open "$provider: and again"
		is "$(task_status "$TASK")" completed "$provider: it stays so here"
		no_faults
		wait_until 30 writeback_has_ended "$WRITEBACK" ||
			flunk "$provider: it ends"
		is "$(writeback_state "$WRITEBACK") $(taken)" "accepted 1" \
			"$provider: once it answers"
		is "$(provider_says "$provider" "$ITEM")" completed "and has it"
	done
}

has_been_tried() {
	[ "$(sql "select attempts > 0 and state = 'queued' from writebacks
		where id = '$WRITEBACK'")" = t ]
}

test_a_limit_is_waited_for_however_long_it_is() {
	fresh
	ready_for complete attio
	fault '{"kind": "rate_limit", "retry_after": 5, "write": true,
		"times": 1}'
	noted complete
	wait_until 10 has_been_tried || flunk "it is tried"
	is "$(task_status "$TASK")" completed "it is not rolled back"
	wait_until 30 writeback_has_ended "$WRITEBACK" || flunk "it ends"
	is "$(writeback_state "$WRITEBACK") $(writes)" "accepted 2" "delivered"
	no_faults
}

test_what_ends_at_begin_is_answered_at_once_even_if_async() {
	fresh
	api POST /v1/tasks '{"title": "Milk"}'
	TASK=$(field .task.id)
	complete "$TASK" "$ASYNC"
	is_outcome skipped manual
}

test_an_asynchronous_completion_under_a_key_is_noted_once() {
	local first

	fresh
	new_key
	ready_for complete attio
	complete "$TASK" "$ASYNC" "$KEY"
	is "$STATUS" 202 "noted"
	first=$BODY
	complete "$TASK" "$ASYNC" "$KEY"
	is "$STATUS $BODY" "202 $first" "answered as before"
	wait_until 20 writeback_has_ended "$(field .writeback.id)" ||
		flunk "it ends"
	is "$(writes)" 1 "sent once"
}

stack_init || bail "no directory"
short_times 6000 2500
stack_whole && run_tests
