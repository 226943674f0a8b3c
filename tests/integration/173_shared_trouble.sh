#!/bin/bash
# What one process learns of a connection holds for all of them: a limit, a dead
# key. A provider in trouble as a whole is left alone by each of them, and callers
# are told so at once.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

STACK_GATEWAYS='gateway second third'

# fresh_tasks PROVIDER COUNT: of a new user.
fresh_tasks() {
	as_new_user && add_connection "$1" && make_tasks "$1" "$2"
}

# nobody_asks PROVIDER STATUS REASON: whoever of the three gets the call.
nobody_asks() {
	local i

	for i in 1 2 3 4 5 6; do
		next_task || return
		complete "$TASK"
		is_rolled_back "$2" "$3" "$(name_of "$1")"
		is "$(requests)" 0 "$1: nobody is asked"
	done
}

test_a_limit_that_one_gateway_met_holds_for_all() {
	local provider

	for provider in $(providers); do
		fresh_tasks "$provider" 7 || continue
		fault "{\"kind\": \"rate_limit\", \"provider\": \"$provider\",
			\"write\": true, \"times\": 1, \"retry_after\": 90}"
		next_task
		complete "$TASK"
		is_rolled_back 503 rate_limited "$(name_of "$provider")"
		nobody_asks "$provider" 503 rate_limited
		like "$(header retry-after)" '^[6-9][0-9]$' "$provider: told when"
		no_faults
	done
}

test_a_limit_that_a_poll_met_holds_for_gateways() {
	local provider

	for provider in $(providers); do
		fresh_tasks "$provider" 6 || continue
		fault "{\"kind\": \"rate_limit\", \"provider\": \"$provider\",
			\"times\": 1, \"retry_after\": 90}"
		poll_once "$CONNECTION"
		no_faults
		nobody_asks "$provider" 503 rate_limited
	done
}

test_a_limit_that_a_gateway_met_holds_for_polls() {
	fresh_tasks attio 1
	fault '{"kind": "rate_limit", "write": true, "times": 1,
		"retry_after": 90}'
	next_task
	complete "$TASK"
	is "$STATUS" 503 "it is limited"
	mark
	poll_own
	is "$(requests)" 0 "no poll asks"
}

test_a_dead_key_that_one_gateway_met_stops_all() {
	local provider

	for provider in $(providers); do
		fresh_tasks "$provider" 7 || continue
		sim DELETE "/_sim/accounts/$provider/${TOKENS[$provider]}"
		next_task
		complete "$TASK"
		is_rolled_back 502 auth_failed "$(name_of "$provider")"
		nobody_asks "$provider" 502 auth_failed
		mark
		poll_own
		is "$(requests)" 0 "$provider: nor does a poll"
		is "$(sql "select count(*) from events where type =
			'connection.auth_failed' and connection_id =
			'$CONNECTION'")" 1 "$provider: told once"
	done
}

test_a_dead_key_that_a_poll_met_stops_gateways() {
	local provider

	for provider in $(providers); do
		fresh_tasks "$provider" 6 || continue
		sim DELETE "/_sim/accounts/$provider/${TOKENS[$provider]}"
		poll_once "$CONNECTION"
		nobody_asks "$provider" 502 auth_failed
	done
}

test_another_connection_goes_on() {
	fresh_tasks attio 1
	next_task
	complete "$TASK"
	is_outcome accepted "done"
}

# A call that waited its turn sees what the one before it met.
behind_one_that() { # FAULT
	fresh_tasks attio 1
	next_task
	nor_whose_key attio
	fault "{\"write\": true, \"times\": 1, \"delay_ms\": 2500, $1}"
	call_behind first POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	call_behind second POST "/v1/tasks/$TASK/uncomplete"
	call_joined first
	call_joined second
	healed
}

test_a_call_behind_one_that_met_a_limit_sends_nothing() {
	behind_one_that '"kind": "rate_limit", "retry_after": 90'
	is "$STATUS" 503 "it is told to wait: $BODY"
	is "$(requests)" 1 "one request in all"
}

test_a_call_behind_one_that_met_a_dead_key_sends_nothing() {
	behind_one_that '"kind": "auth"'
	is "$STATUS" 502 "it is told so: $BODY"
	is "$(writes)" 1 "one write in all"
}

# What was asked with the old key says nothing of the one that replaced it.
late_answer_under_the_old_key() { # FAULT
	local key

	fresh_tasks attio 2
	next_task
	fault "{\"write\": true, \"times\": 1, \"delay_ms\": 4000, $1}"
	call_behind old POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	key=$(sim_token attio)
	sim POST /_sim/accounts "$(jq -n --arg t "$key" \
		--arg a "${TOKENS[attio]}" \
		'{provider: "attio", token: $t, account: $a}')"
	api PATCH "/v1/connections/$CONNECTION" "{\"key\": \"$key\"}"
	is "$STATUS" 200 "the key is replaced: $BODY"
	call_joined old
	like "$STATUS" '^50[23]$' "the old one is refused: $BODY"
	no_faults
	is "$(connection_says "$CONNECTION" status)" active "the connection is not"
	next_task
	complete "$TASK"
	is_outcome accepted "done"
}

test_a_late_refusal_of_the_old_key_does_not_stop_the_new_one() {
	late_answer_under_the_old_key '"kind": "auth"'
}

test_a_late_limit_of_the_old_key_does_not_hold_up_the_new_one() {
	late_answer_under_the_old_key '"kind": "rate_limit", "retry_after": 90'
}

# --- the circuit ---------------------------------------------------------------

# of_three COUNT: tasks of three users' connections at Todoist, in OF_THREE as
# "user task item"; a circuit needs the trouble of at least three.
of_three() {
	local i entry

	OF_THREE=()
	for i in 1 2 3; do
		fresh_tasks todoist "$1" || return 1
		for entry in "${MADE_TASKS[@]}"; do
			OF_THREE+=("$USER_ID $entry")
		done
	done
	mapfile -t OF_THREE < <(printf '%s\n' "${OF_THREE[@]}" | sort -k 2)
}

# next_of_three: sets TASK, ITEM and BEFORE, as that task's user. One that was rolled
# back can be tried again, so they go round.
next_of_three() {
	local user

	OF_THREE=("${OF_THREE[@]:1}" "${OF_THREE[0]}")
	read -r user TASK ITEM <<<"${OF_THREE[-1]}"
	as_user "$user"
	BEFORE=$(task_facts "$TASK")
}

opens() {
	local i

	for ((i = 0; i < 24; i++)); do
		next_of_three
		complete "$TASK"
		[ "$(field .writeback.reason)" = circuit_open ] && return 0
	done
	return 1
}

one_gateway() {
	stack_end second
	stack_end third
	STACK_GATEWAYS=gateway
	stack_end nginx
	stack_nginx || bail "no nginx"
}

# However many connections one has.
test_one_users_trouble_is_nobody_elses() {
	local i all=()

	one_gateway
	as_new_user
	for i in 1 2 3 4; do
		add_connection todoist && make_tasks todoist 6 || return
		all+=("${MADE_TASKS[@]}")
	done
	fault '{"kind": "status", "status": 503, "provider": "todoist"}'
	for i in "${!all[@]}"; do
		read -r TASK ITEM <<<"${all[i]}"
		complete "$TASK"
		isnt "$(field .writeback.reason)" circuit_open \
			"call $((i + 1)) of four connections is made"
	done
	no_faults
}

test_a_provider_in_trouble_is_left_alone_and_callers_are_told_at_once() {
	local i

	one_gateway
	of_three 12
	fault '{"kind": "status", "status": 503, "provider": "todoist"}'
	ok "the circuit opens" opens
	mark
	for i in 1 2 3; do
		next_of_three
		complete "$TASK"
		[ "$(field .writeback.reason)" = circuit_open ] || continue
		is_rolled_back 503 circuit_open Todoist
		like "$(header retry-after)" '^[0-9]+$' "told when to come back"
	done
	# others' trouble is not this provider's
	fresh_tasks linear 1
	next_task
	complete "$TASK"
	is_outcome accepted "done"
}

# probe_is_out: the wait is over; one request goes out, the probe.
probe_is_out() {
	next_of_three
	call_behind "probe$PROBES" POST "/v1/tasks/$TASK/complete"
	PROBES=$((PROBES + 1))
	wait_until 1 is_in_flight 'provider=todoist'
}

test_half_open_one_probe_goes_out_and_others_are_told_at_once() {
	local i

	no_faults
	fault '{"kind": "hang_before", "provider": "todoist"}'
	PROBES=0
	mark
	wait_until 70 probe_is_out || flunk "a probe goes out"
	for i in 1 2 3 4; do
		next_of_three
		complete "$TASK"
		is "$STATUS $(field .writeback.reason)" "503 circuit_open" \
			"told at once, while the probe is out: $BODY"
	done
	is "$(count_requests 'provider=todoist')" 1 "one request, the probe"
	for ((i = 0; i < PROBES; i++)); do
		call_joined "probe$i"
	done
}

is_taken_again() {
	next_of_three
	complete "$TASK"
	[ "$STATUS" = 200 ]
}

test_a_probe_that_is_answered_closes_the_circuit() {
	no_faults
	of_three 2
	wait_until 70 is_taken_again || flunk "it closes"
	is_outcome accepted "done"
	is "$(provider_says todoist "$ITEM")" completed "and is as wished"
	next_of_three
	complete "$TASK"
	is_outcome accepted "done"
}

stack_init || bail "no directory"
stack_setting call_deadline_ms 9000
stack_setting provider_timeout_ms 6000
stack_setting lease_ms 11000
stack_setting sweep_ms 500
stack_whole && run_tests
