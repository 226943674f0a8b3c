#!/bin/bash
# What goes wrong with one connection is its own trouble: no other connection,
# user or provider is held up or marked by it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# connection_with_task PROVIDER [COUNT]: and as many items beside it. Leaves
# CONNECTION, TASK and ITEM.
connection_with_task() {
	add_connection "$1" || return
	[ -z "${2:-}" ] || add_own_item "$1" 'Filler' "{\"count\": $2}"
	add_own_item "$1" "Stays"
	add_own_item "$1" "Task of $CONNECTION"
	poll_once "$CONNECTION"
	TASK=$(sql "select id from inbox_items
		where title ~ 'Task of $CONNECTION\$'")
	api POST "/v1/inbox/$TASK/import"
	is "$STATUS" 201 "it is imported" || return
	TASK=$(field .task.id)
	ITEM=$(field .task.source_id)
}

test_one_of_two_connections_to_a_provider_fails_on_its_second_page() {
	local provider bad_connection bad_task bad_token bad_item

	for provider in todoist linear attio; do
		as_new_user
		connection_with_task "$provider" 501 || continue
		bad_connection=$CONNECTION bad_task=$TASK bad_item=$ITEM
		bad_token=${TOKENS[$provider]}
		connection_with_task "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		change_item "$provider" "$bad_item" '{"state": "completed"}'
		mark
		fault "{\"kind\": \"status\", \"provider\": \"$provider\",
			\"op\": \"list\", \"account\": \"$bad_token\", \"page\": 2}"
		ok "$provider: the pass ends well" poll_own
		no_faults
		is "$(task_line "$TASK")" "completed absence completed" \
			"$provider: the good one's task is completed"
		is "$(task_line "$bad_task")" "active - -" \
			"$provider: the bad one's is not"
		is "$(last_run "$CONNECTION") $(last_run "$bad_connection")" \
			"complete failed" "$provider: the runs"
		poll_own
		is "$(task_line "$bad_task")" "completed absence completed" \
			"$provider: until it works again"
		is "$(writes)" 0 "$provider: nothing is written"
	done
}

test_a_dead_token_of_one_user_is_nothing_to_another() {
	local provider victim victim_task victim_connection before

	for provider in todoist linear attio; do
		as_new_user
		connection_with_task "$provider" || continue
		victim=$USER_ID victim_task=$TASK victim_connection=$CONNECTION
		sim DELETE "/_sim/accounts/$provider/${TOKENS[$provider]}"
		before=$(task_json "$TASK")
		as_new_user
		connection_with_task "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		ok "$provider: the pass ends well" poll_once
		is "$(task_line "$TASK")" "completed absence completed" \
			"$provider: the one's task is completed"
		is "$(connection_says "$CONNECTION" status)" active \
			"$provider: and the connection as before"
		api GET /v1/events
		is "$(jq '[.events[] | select(.type == "connection.auth_failed")] |
			length' <<<"$BODY")" 0 "$provider: nothing said to him"
		api GET "/v1/connections/$victim_connection"
		is "$STATUS" 404 "$provider: nor shown"
		as_user "$victim"
		is "$(connection_says "$victim_connection" status)" auth_failed \
			"$provider: the other's connection is dead"
		is "$(task_json "$victim_task")" "$before" \
			"$provider: and nothing of his is marked"
		api GET /v1/events
		is "$(jq -c '[.events[] | [.type, .connection_id]]' <<<"$BODY")" \
			"[[\"connection.auth_failed\",\"$victim_connection\"]]" \
			"$provider: which he hears once"
	done
}

test_a_provider_that_is_down_does_not_fail_the_pass() {
	local provider tasks=()

	as_new_user
	for provider in linear attio todoist; do
		connection_with_task "$provider" && tasks+=("$TASK")
	done
	change_item todoist "$ITEM" '{"state": "completed"}'
	fault '{"kind": "status", "status": 503, "provider": "linear"}'
	fault '{"kind": "reset_before", "provider": "attio"}'
	poll_own
	is $? 0 "it exits 0"
	no_faults
	is "$(task_line "${tasks[2]}")" "completed absence completed" \
		"the third provider's task is completed"
	is "$(task_line "${tasks[0]}")$(task_line "${tasks[1]}")" \
		"active - -active - -" "the others' are not"
}

test_a_provider_nobody_reaches_does_not_fail_the_pass() {
	local task

	as_new_user
	connection_with_task todoist
	task=$TASK
	connection_with_task attio
	change_item attio "$ITEM" '{"state": "completed"}'
	# a port of this machine where nobody listens
	export FLOWPIN_TODOIST_URL=http://127.0.0.1:9
	poll_own
	is $? 0 "it exits 0"
	unset FLOWPIN_TODOIST_URL
	is "$(task_line "$TASK")" "completed absence completed" "one is completed"
	is "$(task_line "$task")" "active - -" "the other stays"
}

test_a_slow_provider_holds_up_no_other() {
	local slow

	as_new_user
	connection_with_task linear
	slow=$CONNECTION
	connection_with_task attio
	change_item attio "$ITEM" '{"state": "completed"}'
	mark
	fault '{"kind": "hang_before", "provider": "linear", "op": "list"}'
	sql "update connections set next_poll_at = now() +
		case when user_id = '$USER_ID' then '0' else '1 day' end::interval"
	poll_behind
	wait_until 3 is_completed "$TASK" || flunk "it is completed"
	ok "while the slow one is still waited for" is_in_flight \
		'provider=linear&op=list'
	poll_joined
	is "$STACK_STATUS" 0 "the pass ends well"
	no_faults
	is "$(last_run "$slow")" failed "the slow one's run failed"
}

is_completed() {
	[ "$(task_status "$1")" = completed ]
}

test_a_connection_that_keeps_failing_keeps_the_others_going() {
	local i

	as_new_user
	connection_with_task todoist
	fault "{\"kind\": \"status\", \"provider\": \"todoist\",
		\"account\": \"${TOKENS[todoist]}\"}"
	BAD=$CONNECTION
	connection_with_task todoist
	for i in 1 2 3; do
		poll_own
		is "$(connection_says "$BAD" failure_count)" "$i" "failure $i"
		is "$(connection_says "$CONNECTION" failure_count)" 0 \
			"none of the other"
	done
	no_faults
	poll_own
	is "$(connection_says "$BAD" failure_count)" 0 "a good run ends it"
}

test_an_account_changed_behind_the_key_marks_nothing() {
	local provider token mine others task item

	for provider in todoist linear attio; do
		as_new_user
		connection_with_task "$provider" || continue
		task=$TASK item=$ITEM token=${TOKENS[$provider]}
		mine=$(task_json "$TASK")
		add_item "$provider" "Another's" '{"account": "other of '"$token"'"}'
		others=$ITEM
		sim POST /_sim/accounts "$(jq -n --arg p "$provider" \
			--arg t "$token" '{provider: $p, token: $t,
				account: ("other of " + $t)}')"
		ok "$provider: the pass ends well" poll_own
		poll_own
		poll_own
		is "$(task_json "$task")" "$mine" "$provider: nothing is marked"
		api GET /v1/inbox
		is "$(jq --arg i "$others" '[.items[] |
			select(.source_id == $i)] | length' <<<"$BODY")" 0 \
			"$provider: nor is what the other has offered"
		isnt "$(connection_says "$CONNECTION" last_error)" "" \
			"$provider: its owner can see why"
		sim POST /_sim/accounts "$(jq -n --arg p "$provider" \
			--arg t "$token" '{provider: $p, token: $t, account: $t}')"
		change_item "$provider" "$item" '{"state": "completed"}'
		poll_own
		is "$(task_line "$task")" "completed absence completed" \
			"$provider: with the account back it goes on"
	done
}

test_a_new_key_of_the_same_account_goes_on() {
	local provider

	for provider in todoist linear attio; do
		as_new_user
		connection_with_task "$provider" || continue
		NEW=$(sim_token "$provider")
		sim POST /_sim/accounts "$(jq -n --arg p "$provider" \
			--arg t "$NEW" --arg a "${TOKENS[$provider]}" \
			'{provider: $p, token: $t, account: $a}')"
		sim DELETE "/_sim/accounts/$provider/${TOKENS[$provider]}"
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		is "$(task_line "$TASK")" "active - -" "$provider: the old is dead"
		api PATCH "/v1/connections/$CONNECTION" \
			"$(jq -n --arg k "$NEW" '{key: $k}')"
		is "$(field .connection.status)" active "$provider: a new key"
		poll_own
		is "$(task_line "$TASK")" "completed absence completed" \
			"$provider: goes on"
	done
}

# Two tasks of one user, from two accounts whose items have nothing in common.
test_what_vanishes_from_one_account_is_nothing_to_the_other() {
	local provider other

	for provider in todoist linear attio; do
		as_new_user
		connection_with_task "$provider" || continue
		other=$TASK
		connection_with_task "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		poll_own
		is "$(task_line "$TASK") $(task_line "$other")" \
			"completed absence completed active - -" "$provider"
	done
}

test_a_user_has_a_hundred_connections_at_most() {
	as_new_user
	sql "insert into integrations (user_id, type, label)
		select '$USER_ID', 'attio', 'n' || n from generate_series(1, 99) n"
	add_connection attio
	is "$STATUS" 201 "the hundredth"
	api POST /v1/connections "$(jq -n --arg k "$(sim_token attio)" \
		'{type: "attio", label: "one more", key: $k}')"
	is "$STATUS $(field .detail)" \
		"409 You have 100 connections, and there can be no more." "no more"
}

stack_init || bail "no directory"
stack_setting provider_timeout_ms 4000
stack_whole && run_tests
