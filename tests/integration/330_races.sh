#!/bin/bash
# What happens while a run reads, asks and decides: edits, imports, shifts of the
# pages, writebacks in flight, and another poller.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

declare -A PAGE=([todoist]=200 [linear]=250 [attio]=500)

# on_second_page PROVIDER: a run that waits there; the test acts meanwhile
on_second_page() {
	fault "{\"kind\": \"delay\", \"provider\": \"$1\", \"op\": \"list\",
		\"page\": 2, \"delay_ms\": 5000, \"times\": 1}"
	sql "update connections set next_poll_at = now() where id = '$CONNECTION'"
	patient_poll
	wait_until 20 second_page_is_asked || flunk "$1: the second page is asked for"
}

second_page_is_asked() {
	[ "$(count_requests op=list)" -ge 2 ] && is_in_flight op=list
}

paging_ends() {
	poll_joined
	is "$STACK_STATUS" 0 "the pass ends well"
	is "$(last_run "$CONNECTION")" complete "and the run is complete"
	no_faults
}

test_an_item_edited_between_two_pages_stays() {
	local provider n

	for provider in $(providers); do
		n=$((PAGE[$provider] + 20))
		fill "$provider" "$n" || continue
		on_second_page "$provider"
		# one that was read already, and one that was not
		change_item "$provider" "${IDS[3]}" '{"title": "Edited"}'
		change_item "$provider" "${IDS[n - 3]}" '{"title": "Edited"}'
		paging_ends
		polls 2
		is "$(tally)" "$n active" "$provider: all stay"
	done
}

# What is finished on a page that was read shifts the next: one row is never seen.
test_a_shift_of_the_pages_hides_no_open_item() {
	local provider n

	for provider in $(providers); do
		n=$((PAGE[$provider] + 20))
		fill "$provider" "$n" || continue
		on_second_page "$provider"
		item_changes "$provider" 0 5 '{"state": "completed"}'
		paging_ends
		# Linear lists the newest first: there they are already gone
		like "$(tally)" "^($n active|$((n - 5)) active, 5 completed completed)$" \
			"$provider: no other, either way"
		polls 1
		is "$(tally)" "$((n - 5)) active, 5 completed completed" \
			"$provider: those that are finished, and no other"
	done
}

test_rows_that_come_again_are_counted() {
	fill attio 510
	change_item attio "${IDS[0]}" '{"state": "completed"}'
	polls 1
	mark
	on_second_page attio
	# the oldest is listed again, in front of all others
	change_item attio "${IDS[0]}" '{"state": "open"}'
	paging_ends
	is "$(sql "select repeated || ' ' || items from poll_runs
		where connection_id = '$CONNECTION'
		order by started_at desc limit 1")" "1 509" "one came again"
	is "$(tally)" "509 active, 1 completed completed" "which changes nothing"
	polls 1
	is "$(tally)" "510 active" "the next run sees it"
}

test_what_is_imported_while_the_pages_are_read_stays() {
	local provider n id

	for provider in $(providers); do
		n=$((PAGE[$provider] + 20))
		fill "$provider" "$n" || continue
		add_own_item "$provider" 'Imported meanwhile'
		polls 1
		mark
		on_second_page "$provider"
		# gone at the provider before anybody could know of the task
		import_titled 'Imported meanwhile'
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		id=$TASK
		paging_ends
		is "$(task_line "$id")" "active - -" "$provider: it is not touched"
		polls 1
		is "$(task_line "$id")" "completed absence completed" \
			"$provider: the next run finds it"
	done
}

test_an_edit_by_the_user_while_the_run_asks_wins() {
	local provider

	for provider in $(providers); do
		fill "$provider" 3 || continue
		polls 1
		change_item "$provider" "${IDS[0]}" '{"state": "completed"}'
		TASK=$(task_of "${IDS[0]}")
		fault "{\"kind\": \"delay_after\", \"provider\": \"$provider\",
			\"op\": \"read\", \"delay_ms\": 5000, \"times\": 1}"
		mark
		patient_poll
		wait_until 20 is_in_flight op=read || flunk "$provider: it asks"
		api POST "/v1/tasks/$TASK/archive"
		is "$STATUS" 200 "$provider: the user archives it"
		poll_joined
		no_faults
		is "$(task_status "$TASK")" archived "$provider: archived it stays"
	done
}

# The list was read before our own close, and is read as if nothing had happened.
# A run that waits for its connection's row judges by what is true after that.
test_a_change_of_mind_while_the_run_waits_wins() {
	local provider

	for provider in $(providers); do
		as_new_user
		add_connection "$provider"
		make_task "$provider" 'Wavering'
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		stack_end gateway
		fault "{\"kind\": \"delay_after\", \"provider\": \"$provider\",
			\"op\": \"read\", \"delay_ms\": 3000, \"times\": 1}"
		mark
		patient_poll
		wait_until 20 is_in_flight op=read || flunk "$provider: it asks"
		locks "select from gateway.connections where id = '$CONNECTION'
			for update"
		wait_until 20 waits_for_lock || flunk "$provider: the run waits"
		row_says "$TASK" completed
		row_says "$TASK" active
		lets_go
		poll_joined
		no_faults
		is "$(task_status "$TASK")" active "$provider: the user's word stays"
		restart_gateway
		ok "$provider: the wishes end" wait_until 20 all_ended "$TASK"
		is "$(task_status "$TASK") $(provider_says "$provider" "$ITEM")" \
			'active open' "$provider: both sides agree"
	done
}

waits_for_lock() {
	[ "$(sql "select count(*) from pg_stat_activity
		where wait_event_type = 'Lock' and query like '%gateway.connections%'
		  and application_name = 'flowpin-poller'")" -gt 0 ]
}

test_a_stale_page_after_our_own_close_reopens_nothing() {
	local provider

	for provider in $(providers); do
		fill "$provider" 3 || continue
		polls 1
		TASK=$(task_of "${IDS[0]}")
		fault "{\"kind\": \"delay_after\", \"provider\": \"$provider\",
			\"op\": \"list\", \"delay_ms\": 5000, \"times\": 1}"
		mark
		patient_poll
		wait_until 20 is_in_flight op=list || flunk "$provider: it lists"
		complete "$TASK"
		is "$STATUS" 200 "$provider: it is closed meanwhile"
		poll_joined
		no_faults
		is "$(task_line "$TASK")" "completed user -" \
			"$provider: the run from before changes nothing"
		fault "{\"kind\": \"finished_rows\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
		polls 2
		no_faults
		is "$(task_line "$TASK")" "completed user -" \
			"$provider: nor does a list that still has it"
		is "$(taken)" 1 "$provider: it was written once"
	done
}

# after_timeout JSON: the close takes effect and its answer never comes, while a
# run is about to see it.
after_timeout() {
	fill todoist 0
	add_own_item todoist 'Stays'
	make_task todoist 'Slow' "$1" || return
	polls 1
	mark
	# the item is closed with the first write, whose answer is lost
	fault '{"kind": "hang_after", "provider": "todoist", "write": true,
		"times": 1}'
	call_behind slow POST "/v1/tasks/$TASK/complete"
	wait_until 20 it_was_taken || flunk "it took effect"
	polls 1
	call_joined slow
	healed
	is "$STATUS $(field .task.status)" "200 completed" "it is completed: $BODY"
	polls 2
}

it_was_taken() {
	[ "$(taken)" -gt 0 ]
}

test_a_timeout_after_a_plain_close_leaves_both_sides_agreeing() {
	after_timeout null || return
	is "$(task_status "$TASK") $(provider_says todoist "$ITEM")" \
		"completed completed" "both agree"
	is "$(taken)" 1 "it was closed once"
}

test_a_timeout_after_a_recurring_close_skips_no_occurrence() {
	after_timeout '{"recurring": "every day", "due_date": "2031-02-03"}' || return
	sim GET "/_sim/items/todoist/$ITEM"
	is "$(field .occurrences_done) $(field .due.date)" "1 2031-02-04" \
		"one occurrence is done"
	is "$(task_line "$TASK")" "active - -" "its task stands for the next one"
	is "$(events_of "$TASK")" "task.reopened next_occurrence" "which is told"
	is "$(taken)" 1 "it was closed once"
}

test_two_pollers_on_one_connection_mark_once() {
	local i

	fill linear 30
	polls 1
	item_changes linear 0 20 '{"state": "completed"}'
	fault '{"kind": "delay", "provider": "linear", "delay_ms": 1500}'
	mark
	sql "update connections set next_poll_at = now() where id = '$CONNECTION'"
	for i in one two three; do
		stack_start "$i" "$STACK_BIN/flowpin-poller" --config \
			"$STACK_DIR/flowpin.conf" --connection "$CONNECTION"
	done
	for i in one two three; do
		wait_until 60 stack_is_down "$i" || flunk "$i ends"
		stack_end "$i"
		is "$STACK_STATUS" 0 "poller $i ends well"
	done
	no_faults
	is "$(tally)" "10 active, 20 completed completed" "all are marked"
	is "$(sql "select count(*) || ' ' || count(distinct task_id) from events
		where user_id = '$USER_ID' and type = 'task.completed'")" "20 20" \
		"each once"
	is "$(count_requests op=list)" 1 "by the one that had claimed it"
}

# The slower of two asked before the item was open again: under a claim that is not
# its any more it marks nothing, though nobody touched the task.
test_what_an_older_claim_decides_is_refused() {
	fill linear 3
	polls 1
	change_item linear "${IDS[0]}" '{"state": "completed"}'
	fault '{"kind": "delay_after", "provider": "linear", "op": "read",
		"delay_ms": 15000, "times": 1}'
	mark
	patient_poll
	wait_until 20 is_in_flight op=read || flunk "it asks"
	change_item linear "${IDS[0]}" '{"state": "open"}'
	# its lease ended, and another took over and is done
	sql "update connections set lease_until = now() where id = '$CONNECTION'"
	polls 1
	ok "the slower still waits" is_in_flight op=read
	poll_joined
	is "$STACK_STATUS" 0 "and ends well"
	no_faults
	is "$(tally)" "3 active" "it marked nothing"
	is "$(sql "select count(*) from poll_runs
		where connection_id = '$CONNECTION'")" 2 "nor did it count"
}

stack_init || bail "no directory"
short_times 8000 1500
stack_setting provider_timeout_ms 4000
stack_whole && run_tests
