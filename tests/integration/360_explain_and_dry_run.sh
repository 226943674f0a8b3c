#!/bin/bash
# What operators see: what a run would do before it does it, and what was done to a
# task and why after all is over.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

dry_run() {
	"$STACK_BIN/flowpin-poller" --config "$STACK_DIR/flowpin.conf" \
		--dry-run "$@" 2>>"$STACK_DIR/poller.log"
}

# all that any program could change
everything() {
	local table

	for table in integrations tasks connections links inbox_items writebacks \
		poll_runs events decisions guards idempotency_keys; do
		sql "select '$table', md5(string_agg(r::text, ',' order by r::text))
			from $table r"
	done
}

# story TASK: kind and text, without times
story() {
	ctl explain "$1" | cut -d ' ' -f 2- | sed 's/^\([a-z]*\)  */\1: /'
}

test_a_dry_run_says_what_a_run_would_mark_and_why() {
	local provider before told

	for provider in $(providers); do
		fill "$provider" 4 || continue
		polls 1
		change_item "$provider" "${IDS[0]}" '{"state": "completed"}'
		sim DELETE "/_sim/items/$provider/${IDS[1]}"
		add_own_item "$provider" 'New'
		before=$(everything)
		mark
		told=$(dry_run --connection "$CONNECTION")
		is $? 0 "$provider: it ends well"
		is "$(everything)" "$before" "$provider: nothing is changed"
		is "$(writes)" 0 "$provider: nothing is written"
		like "$told" "$CONNECTION $provider: 1 pages, 3 items, 2 candidates" \
			"$provider: what was seen"
		like "$told" "task $(task_of "${IDS[0]}") \(item ${IDS[0]}, missing\): complete, completed" \
			"$provider: what would be completed"
		like "$told" "task $(task_of "${IDS[1]}") \(item ${IDS[1]}, missing\): missing, not_visible" \
			"$provider: what a second run must see"
		is "$(grep -c ': complete, ' <<<"$told")" 1 "$provider: nothing else"
		polls 1
		is "$(tally)" "3 active, 1 completed completed" \
			"$provider: and so it comes"
	done
}

test_a_dry_run_looks_at_all_that_is_due_and_at_nothing_else() {
	local one two
	fill todoist 1
	one=$CONNECTION
	add_connection linear
	two=$CONNECTION
	sql "update connections set next_poll_at = now() + '1 day'
		where id not in ('$one', '$two')"
	sql "update connections set next_poll_at = now()
		where id in ('$one', '$two')"
	is "$(dry_run | grep -c pages)" 2 "both are"
	sql "update connections set next_poll_at = now() + '1 day'
		where id = '$two'"
	is "$(dry_run | grep -o '^[0-9a-f-]* .*: 1 pages')" \
		"$one todoist: 1 pages" "one is"
	is "$(dry_run --connection "$two" | grep -c pages)" 1 "or it is named"
}

test_a_dry_run_says_what_a_guard_would_hold_and_what_failed() {
	local before

	fill todoist 8
	item_changes todoist 0 8 '{"state": "deleted"}'
	before=$(everything)
	like "$(dry_run --connection "$CONNECTION")" \
		'the guard list_emptied would hold 8 tasks' "it names the guard"
	fault '{"kind": "status", "provider": "todoist", "op": "list"}'
	like "$(dry_run --connection "$CONNECTION")" \
		'not the whole list, marks nothing: todoist: HTTP 500' \
		"and what failed"
	no_faults
	is "$(everything)" "$before" "nothing is changed"
}

test_on_a_terminal_a_pass_says_how_far_it_is() {
	local told

	fill todoist 1
	poll_own
	sql "update connections set next_poll_at = now() where id = '$CONNECTION'"
	told=$(script -qec "$STACK_BIN/flowpin-poller --config $STACK_DIR/flowpin.conf" \
		/dev/null </dev/null)
	is $? 0 "it ends well"
	like "$told" 'flowpin-poller: 1 connections polled' "it says so"
	sql "update connections set next_poll_at = now() where id = '$CONNECTION'"
	told=$("$STACK_BIN/flowpin-poller" --config "$STACK_DIR/flowpin.conf" 2>&1)
	unlike "$told" 'connections polled' "and keeps quiet where nobody looks"
}

test_the_story_of_a_task_is_told_in_order() {
	local told times

	fill todoist 0
	add_own_item todoist 'Stays'
	make_task todoist 'Told' || return
	change_item todoist "$ITEM" '{"state": "deleted"}'
	polls 1
	fault '{"kind": "status", "provider": "todoist", "op": "list"}'
	polls 1
	no_faults
	polls 1
	change_item todoist "$ITEM" '{"state": "open"}'
	polls 1
	complete "$TASK"
	uncomplete "$TASK"
	told=$(story "$TASK")
	is "$(cut -d : -f 1 <<<"$told" | uniq | paste -s -d ' ')" \
		"task run decision run decision event run decision event writeback now runs" \
		"its parts: $told"
	like "$told" "task: imported: \"Told\", todoist item $ITEM" "its item"
	like "$told" "run: generation [0-9]+ of connection $CONNECTION: complete, 1 pages, 1 items, 1 candidates" \
		"a run"
	like "$told" 'decision: not in the list; the provider says not_visible: stays, a second run must agree' \
		"the first doubt"
	like "$told" 'failed, 0 pages, 0 items, 0 candidates, todoist: HTTP 500' \
		"a run that failed"
	like "$told" 'decision: not in the list; the provider says not_visible: complete' \
		"the decision"
	like "$told" 'event: task.completed not_visible: ' "what its user heard"
	like "$told" 'decision: again in the list; the provider says reopened: reopen' \
		"the way back"
	like "$told" 'writeback: complete wished by a call, through connection' \
		"a wish"
	like "$told" 'writeback: uncomplete: accepted, done, 1 attempts' "its end"
	like "$told" 'now: active, version' "and how it is"
	like "$told" "runs: do not judge it: no whole list of connection $CONNECTION since it changed" \
		"and what the next one waits for"
	times=$(ctl explain "$TASK" | cut -d ' ' -f 1)
	is "$times" "$(sort <<<"$times")" "in order"
}

# Whoever it was: a call, a client that changed the row, or somebody whom no trigger
# saw.
test_the_story_tells_where_a_wish_came_from() {
	fill attio 0
	add_own_item attio 'Stays'
	make_task attio 'Wished' || return
	complete "$TASK"
	is_outcome accepted 'done'
	sql "update tasks set status = 'active', completed_at = null
		where id = '$TASK'" >/dev/null
	wait_until 30 all_has_ended || flunk "the second wish ends"
	sql "begin; alter table tasks disable trigger flowpin_gateway;
		update tasks set status = 'completed', completed_at = now()
		where id = '$TASK';
		alter table tasks enable trigger flowpin_gateway; commit" >/dev/null
	polls 1
	wait_until 30 all_has_ended || flunk "the third wish ends"
	is "$(story "$TASK" | grep ' wished ' | sed 's/, through .*//')" \
		'writeback: complete wished by a call
writeback: uncomplete wished by a changed row
writeback: complete wished by a change found later' "all of them"
	is "$(provider_says attio "$ITEM") $(taken)" "completed 3" \
		"and each is sent"
	mark
	polls 1
	is "$(task_line "$TASK") $(writes)" "completed user - 0" "once"
}

all_has_ended() {
	[ "$(sql "select count(*) from writebacks where task_id = '$TASK'
		and settled_at is null")" = 0 ]
}

test_the_story_tells_of_guards() {
	local told

	fill attio 8
	for id in "${IDS[@]:0:7}"; do
		sim DELETE "/_sim/items/attio/$id"
	done
	TASK=$(task_of "${IDS[0]}")
	polls 2
	told=$(story "$TASK")
	like "$told" 'guard: guard.raised mass_drop: ' "that it was raised"
	like "$told" 'held by the guard mass_drop \(7 tasks without evidence\)' \
		"in which runs"
	like "$told" 'decision: not in the list; the provider says not_visible: stays, a guard holds' \
		"what it held"
	like "$told" 'guard: mass_drop holds since .* 7 tasks without evidence' \
		"that it holds now"
	ctl guard approve "$CONNECTION" >/dev/null
	polls 1
	told=$(story "$TASK")
	like "$told" 'guard: guard.released mass_drop: ' "that it was released"
	like "$told" 'now: completed by absence, not_visible' "and what came of it"
}

test_a_decision_like_the_last_is_not_kept_again() {
	fill todoist 2
	change_item todoist "${IDS[0]}" '{"state": "archived"}'
	polls 4
	is "$(sql "select count(*) || ' ' || min(action) || ' ' || min(reason)
		from decisions where user_id = '$USER_ID'")" "1 none open" \
		"four runs, one decision"
	sim DELETE "/_sim/items/todoist/${IDS[0]}"
	# it was asked for often enough, and waits
	sql "update links set ask_after = null" >/dev/null
	polls 1
	is "$(sql "select string_agg(action, ' ' order by decided_at)
		from decisions where user_id = '$USER_ID'")" "none missing" "then another"
}

# passes_over TEXT: what the story says of runs
passes_over() {
	is "$(story "$TASK" | sed -n 's/^runs: do not judge it: //p' |
		sed "s/$CONNECTION/C/")" "$1" "${1:-they do}"
}

test_the_story_tells_why_runs_do_not_judge_it() {
	fill todoist 1 || return
	TASK=$(task_of "${IDS[0]}")
	passes_over "no whole list of connection C since it changed"
	polls 1
	passes_over ''
	sql "update links set account_id = 'another'" >/dev/null
	passes_over "no list of connection C's account ever showed its item"
	polls 1
	passes_over ''
	sql "alter table tasks disable trigger flowpin_gateway;
		update tasks set status = 'completed', completed_at = now()
			where id = '$TASK';
		alter table tasks enable trigger flowpin_gateway" >/dev/null
	passes_over 'no run took note yet of how it is now'
	sql "update tasks set status = 'active', completed_at = null
		where id = '$TASK'" >/dev/null
	sql "update integrations set is_active = false where id = '$CONNECTION'" >/dev/null
	passes_over "connection C is paused"
	sql "update integrations set api_key = null, is_active = true
		where id = '$CONNECTION';
		update connections set key_sealed = null, key_id = null" >/dev/null
	passes_over "connection C has no key"
	api DELETE "/v1/connections/$CONNECTION"
	passes_over "the user has no connection that it could belong to"
}

test_the_story_outlives_its_task() {
	fill todoist 0
	add_own_item todoist 'Stays'
	make_task todoist 'Deleted' || return
	complete "$TASK"
	api DELETE "/v1/tasks/$TASK"
	like "$(story "$TASK")" 'writeback: complete: accepted' "it is still told"
}

test_of_an_unknown_task_there_is_no_story() {
	local told

	told=$(ctl explain 00000000-0000-4000-8000-00000000abcd)
	is $? 1 "it says no: $told"
	ctl explain nonsense >/dev/null
	is $? 2 "nor without an id"
}

# What a task did not get is told, too.
test_a_decision_that_came_too_late_is_told_so() {
	fill todoist 2
	polls 1
	change_item todoist "${IDS[0]}" '{"state": "completed"}'
	TASK=$(task_of "${IDS[0]}")
	fault '{"kind": "delay_after", "provider": "todoist", "op": "read",
		"delay_ms": 5000, "times": 1}'
	mark
	patient_poll
	wait_until 20 is_in_flight op=read || flunk "it asks"
	api POST "/v1/tasks/$TASK/archive"
	poll_joined
	no_faults
	like "$(story "$TASK")" 'complete, which came too late: the task had changed' \
		"it is"
}

stack_whole && run_tests
