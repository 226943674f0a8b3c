#!/bin/bash
# When a connection is polled, and by whom: as often as it is due, by one poller
# at a time, whatever becomes of that one.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# due: this user's connections, and nobody else's.
due() {
	sql "update connections set next_poll_at = now() +
		case when user_id = '$USER_ID' then '0' else '1 day' end::interval"
}

lists() { # [ACCOUNT]
	count_requests "op=list${1:+&account=$1}"
}

fresh() { # PROVIDER
	as_new_user && add_connection "$1" && add_own_item "$1" 'Stays' &&
		make_task "$1" 'Polled' && due && stack_poll && mark
}

test_a_new_connection_is_polled_by_the_next_pass() {
	as_new_user
	add_connection todoist
	mark
	stack_poll
	is "$(lists "${TOKENS[todoist]}")" 1 "without being asked for"
	is "$(last_run "$CONNECTION")" complete "and well"
}

test_a_connection_is_not_polled_before_its_time() {
	fresh todoist
	stack_poll
	stack_poll
	stack_poll
	is "$(lists)" 0 "nobody is due"
}

test_a_connection_is_polled_as_often_as_set() {
	local apart

	fresh todoist
	export FLOWPIN_POLL_INTERVAL_MS=2000
	due
	stack_poll
	mark
	# from the run before on: its time is the database's
	wait_until 30 polled_again || flunk "it is polled again"
	unset FLOWPIN_POLL_INTERVAL_MS
	apart=$(sql "select extract(epoch from (max(started_at) -
		min(started_at))) >= 1.7 from (select started_at from poll_runs
		where connection_id = '$CONNECTION'
		order by started_at desc limit 2) last_two")
	is "$apart" t "two seconds later, or a tenth less"

	is "$(lists)" 1 "once"
}

polled_again() {
	stack_poll
	[ "$(lists)" -gt 0 ]
}

# limited_for: the seconds that the connection is left alone from now on.
limited_for() {
	sql "select coalesce(round(extract(epoch from rate_limited_until - now())), 0)
		from connections where id = '$CONNECTION'"
}

# Two processes are told to wait: by a write, and by the list at the same time.
test_the_longest_limit_stands() {
	fresh todoist
	due
	fault '{"kind": "rate_limit", "provider": "todoist", "op": "list",
		"delay_ms": 1500, "retry_after": 1}'
	poll_behind
	wait_until 10 is_in_flight 'op=list' || flunk "a run is under way"
	sql "update connections set rate_limited_until = now() + interval '600 s'
		where id = '$CONNECTION'"
	poll_joined
	no_faults
	is "$(last_run "$CONNECTION")" failed "the run was limited, too"
	ok "the longer one stands: $(limited_for)" [ "$(limited_for)" -gt 500 ]
	is "$(sql "select next_poll_at >= rate_limited_until from connections
		where id = '$CONNECTION'")" t "nobody polls before"
}

test_a_limit_that_reading_by_id_meets_is_written_down() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		fault "{\"kind\": \"rate_limit\", \"provider\": \"$provider\",
			\"op\": \"read\", \"retry_after\": 300}"
		due
		stack_poll
		no_faults
		is "$(last_run "$CONNECTION") $(task_status "$TASK")" \
			"complete active" "$provider: the list was whole, nothing is concluded"
		ok "$provider: it is left alone: $(limited_for)" \
			[ "$(limited_for)" -gt 250 ]
		is "$(sql "select next_poll_at >= rate_limited_until
			from connections where id = '$CONNECTION'")" t \
			"$provider: by polls, too"
		sql "update connections set rate_limited_until = null"
		due
		stack_poll
		is "$(task_status "$TASK")" completed "$provider: later it is told"
	done
}

test_a_poll_that_is_asked_for_comes_with_the_next_pass() {
	local other

	fresh todoist
	other=${TOKENS[todoist]}
	add_connection todoist
	due
	stack_poll
	mark
	api POST "/v1/connections/$CONNECTION/poll"
	is "$STATUS" 202 "it is noted"
	is "$(field .connection.id)" "$CONNECTION" "for this connection"
	stack_poll
	is "$(lists "${TOKENS[todoist]}")" 1 "it is polled"
	is "$(lists "$other")" 0 "and the other is not"
	stack_poll
	is "$(lists "${TOKENS[todoist]}")" 1 "once"
}

test_nobody_asks_for_a_poll_of_what_is_anothers() {
	fresh todoist
	as_new_user
	api POST "/v1/connections/$CONNECTION/poll"
	is "$STATUS" 404 "it is not there for him"
	stack_poll
	is "$(lists)" 0 "nor polled"
}

test_a_paused_connection_is_not_polled() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		api PATCH "/v1/connections/$CONNECTION" '{"status": "paused"}'
		is "$STATUS $(field .connection.status)" "200 paused" "$provider"
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		due
		stack_poll
		is "$(requests)" 0 "$provider: nothing is asked of it"
		api POST "/v1/connections/$CONNECTION/poll"
		due
		stack_poll
		is "$(requests)" 0 "$provider: not if one asks, either"
		is "$(task_line "$TASK")" "active - -" "$provider: its task stays"
		api PATCH "/v1/connections/$CONNECTION" '{"status": "active"}'
		is "$STATUS" 200 "$provider: it goes on"
		due
		stack_poll
		is "$(task_line "$TASK")" "completed absence completed" \
			"$provider: and makes up for it"
	done
}

test_a_connection_whose_key_was_refused_is_not_polled() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		fault "{\"kind\": \"auth\", \"provider\": \"$provider\"}"
		due
		stack_poll
		is "$(connection_says "$CONNECTION" status)" auth_failed "$provider"
		no_faults
		mark
		due
		stack_poll
		api POST "/v1/connections/$CONNECTION/poll"
		due
		stack_poll
		is "$(requests)" 0 "$provider: it is left alone"
		api GET /v1/events
		is "$(jq '[.events[] | select(.type == "connection.auth_failed")] |
			length' <<<"$BODY")" 1 "$provider: which is told once"
	done
}

test_a_failing_connection_is_asked_less_and_less_often() {
	local waits=() i

	fresh todoist
	fault '{"kind": "status", "provider": "todoist", "op": "list"}'
	for i in 1 2 3 4; do
		due
		stack_poll
		waits+=("$(sql "select extract(epoch from next_poll_at -
			clock_timestamp())::int from connections
			where id = '$CONNECTION'")")
	done
	no_faults
	ok "the fourth wait is longer than the first" \
		[ "${waits[3]}" -gt "${waits[0]}" ]
	ok "and no longer than half an hour" [ "${waits[3]}" -le 2000 ]
	due
	stack_poll
	ok "after a good run it is the usual one again" [ "$(sql "select
		extract(epoch from next_poll_at - clock_timestamp())::int
		from connections where id = '$CONNECTION'")" -le 70 ]
}

test_of_two_pollers_at_once_each_connection_is_polled_by_one() {
	local i tokens=() first second

	as_new_user
	for i in {1..12}; do
		add_connection todoist || return
		tokens+=("${TOKENS[todoist]}")
	done
	mark
	# long enough for both to be at it
	fault '{"kind": "delay", "op": "list", "delay_ms": 700}'
	due
	stack_start one "$STACK_BIN/flowpin-poller" \
		--config "$STACK_DIR/flowpin.conf"
	stack_start two "$STACK_BIN/flowpin-poller" \
		--config "$STACK_DIR/flowpin.conf"
	wait_until 60 stack_is_down one || flunk "the one ends"
	wait_until 60 stack_is_down two || flunk "the other ends"
	stack_end one
	first=$STACK_STATUS
	stack_end two
	second=$STACK_STATUS
	no_faults
	is "$first $second" "0 0" "both end well"
	for i in "${tokens[@]}"; do
		is "$(lists "$i")" 1 "$i: once"
	done
	is "$(sql "select count(*) || ' ' || count(distinct connection_id)
		from poll_runs where user_id = '$USER_ID'")" "12 12" "one run each"
}

test_of_four_pollers_at_once_each_absence_is_marked_once() {
	local i

	as_new_user
	add_connection linear
	add_own_item linear 'Stays'
	for i in {1..5}; do
		add_own_item linear "Item $i"
	done
	poll_once "$CONNECTION"
	for i in {1..5}; do
		import_titled "Item $i"
		change_item linear "$ITEM" '{"state": "completed"}'
	done
	due
	for i in {1..4}; do
		stack_start "p$i" "$STACK_BIN/flowpin-poller" \
			--config "$STACK_DIR/flowpin.conf"
	done
	for i in {1..4}; do
		wait_until 60 stack_is_down "p$i" || flunk "poller $i ends"
		stack_end "p$i"
		is "$STACK_STATUS" 0 "poller $i ends well"
	done
	is "$(sql "select count(*) || ' ' || count(distinct task_id) from events
		where user_id = '$USER_ID' and type = 'task.completed'")" "5 5" \
		"each task once"
	is "$(sql "select min(version) || ' ' || max(version) from links
		where user_id = '$USER_ID'")" "2 2" "and changed once"
}

# Killed while the run waits for the answer to such a request.
killed_at() { # PROVIDER OP
	local before inbox

	as_new_user
	add_connection "$1" || return
	add_own_item "$1" 'Stays'
	make_task "$1" 'Polled' || return
	before=$(task_json "$TASK")
	inbox=$(sql "select count(*) from inbox_items
		where user_id = '$USER_ID'")
	change_item "$1" "$ITEM" '{"state": "completed"}'
	add_own_item "$1" 'New'
	mark
	fault "{\"kind\": \"hang_before\", \"provider\": \"$1\",
		\"op\": \"$2\"}"
	due
	export FLOWPIN_POLL_LEASE_MS=6000
	poll_behind
	wait_until 20 is_in_flight "op=$2" || flunk "$1, $2: it is there"
	stack_end pass KILL
	is "$STACK_STATUS" 137 "$1, $2: it is killed"
	no_faults
	is "$(task_json "$TASK")" "$before" "$1, $2: the task is as before"
	is "$(sql "select count(*) from inbox_items
		where user_id = '$USER_ID'")" "$inbox" "$1, $2: the inbox, too"
	mark
	due
	stack_poll
	is "$(lists)" 0 "$1, $2: another leaves it alone while it is claimed"
	wait_until 30 went_on || flunk "$1, $2: and takes it after the lease"
	unset FLOWPIN_POLL_LEASE_MS
	is "$(task_line "$TASK")" "completed absence completed" \
		"$1, $2: then the task is completed"
	is "$(sql "select count(*) from inbox_items where user_id = '$USER_ID'
		and title ~ '(^|] )New\$'")" 1 "$1, $2: and the new item is there"
	is "$(writes)" 0 "$1, $2: nothing is written"
}

went_on() {
	due
	stack_poll
	[ "$(lists)" -gt 0 ]
}

test_a_poller_killed_while_it_lists_leaves_nothing_half_done() {
	killed_at todoist list
	killed_at attio list
}

test_a_poller_killed_while_it_asks_by_id_leaves_nothing_half_done() {
	killed_at linear read
	killed_at todoist read
}

# Slower than its lease: what it found is somebody else's by then.
test_a_run_that_lost_its_lease_marks_nothing() {
	fresh todoist
	change_item todoist "$ITEM" '{"state": "completed"}'
	fault '{"kind": "delay", "provider": "todoist", "op": "read",
		"delay_ms": 3000, "times": 1}'
	due
	poll_behind
	wait_until 20 is_in_flight op=read || flunk "it asks by id"
	# as another poller does that claims it after the lease
	sql "update connections set generation = generation + 1
		where id = '$CONNECTION'"
	poll_joined
	is "$STACK_STATUS" 0 "it ends well"
	is "$(task_line "$TASK")" "active - -" "and marked nothing"
	no_faults
	sql "update connections set lease_until = null
		where id = '$CONNECTION'"
	due
	stack_poll
	is "$(task_line "$TASK")" "completed absence completed" "the next one does"
}

test_a_poller_that_is_told_to_stop_ends_its_runs() {
	fresh todoist
	change_item todoist "$ITEM" '{"state": "completed"}'
	fault '{"kind": "delay", "provider": "todoist", "op": "list",
		"delay_ms": 1000, "times": 1}'
	due
	poll_behind
	wait_until 20 is_in_flight op=list || flunk "it lists"
	stack_end pass TERM
	is "$STACK_STATUS" 0 "it ends well"
	no_faults
	due
	stack_poll
	is "$(task_line "$TASK")" "completed absence completed" \
		"and nothing of it stands in the way"
}

test_a_connection_deleted_while_it_is_polled_harms_nothing() {
	local provider gone good good_task

	for provider in $(providers); do
		fresh "$provider" || continue
		good=$CONNECTION good_task=$TASK
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		add_connection "$provider"
		gone=$CONNECTION
		add_own_item "$provider" 'Stays here'
		make_task "$provider" 'Orphan'
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		mark
		fault "{\"kind\": \"delay_after\", \"provider\": \"$provider\",
			\"op\": \"list\", \"account\": \"${TOKENS[$provider]}\",
			\"delay_ms\": 3000, \"times\": 1}"
		due
		poll_behind
		wait_until 20 is_in_flight \
			"op=list&account=${TOKENS[$provider]}" ||
			flunk "$provider: it is polled"
		api DELETE "/v1/connections/$gone"
		is "$STATUS" 204 "$provider: it is deleted meanwhile"
		ok "$provider: while it was polled" is_in_flight \
			"op=list&account=${TOKENS[$provider]}"
		poll_joined
		is "$STACK_STATUS" 0 "$provider: the pass ends well"
		no_faults
		is "$(task_json "$TASK" | jq -c '[.status, .connection_id]')" \
			'["active",null]' "$provider: its task is nobody's now"
		is "$(sql "select count(*) from inbox_items
			where connection_id = '$gone'")" 0 "$provider: no inbox of it"
		is "$(task_line "$good_task")" "completed absence completed" \
			"$provider: the other's is completed"
		is "$(last_run "$good")" complete "$provider: by a complete run"
	done
}

test_a_connection_paused_while_it_is_polled_harms_nothing() {
	fresh todoist
	change_item todoist "$ITEM" '{"state": "completed"}'
	fault '{"kind": "delay_after", "provider": "todoist", "op": "list",
		"delay_ms": 1500, "times": 1}'
	due
	poll_behind
	wait_until 20 is_in_flight op=list || flunk "it is polled"
	api PATCH "/v1/connections/$CONNECTION" '{"status": "paused"}'
	poll_joined
	is "$STACK_STATUS" 0 "the pass ends well"
	no_faults
	is "$(connection_says "$CONNECTION" status)" paused "it stays paused"
	mark
	due
	stack_poll
	is "$(requests)" 0 "and is not polled"
}

test_a_pass_with_nothing_to_do_ends_well() {
	as_new_user
	due
	ok "it exits 0" stack_poll
	stack_poll --connection 00000000-0000-4000-8000-00000000abcd
	is $? 0 "for a connection that does not exist, too"
}

# A row that is only locked would be written, too: xmax tells of either.
test_a_list_that_is_as_before_writes_nothing_to_the_inbox() {
	fresh todoist
	due
	stack_poll
	is "$(last_run "$CONNECTION")" complete "it is polled"
	is "$(sql "select count(*), count(*) filter (where xmax <> 0)
		from inbox_items where connection_id = '$CONNECTION'")" '1|0' \
		"its item lies there untouched"
}

stack_whole && run_tests
