#!/bin/bash
# What became of an item that is no longer listed, which of it completes a task,
# and where Todoist tells it when it cannot be read by id any more.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

# becomes PROVIDER JSON TALLY: one of three items
becomes() {
	fill "$1" 3 || return
	polls 1
	change_item "$1" "${IDS[1]}" "$2"
	polls 3
	is "$(tally)" "$3" "$1: $2"
	is "$(writes)" 0 "$1: nothing is written"
	is "$(events_of_guards)" "" "$1: nothing is held"
}

test_what_was_reassigned_is_completed_as_reassigned() {
	becomes todoist '{"state": "reassigned"}' "2 active, 1 completed reassigned"
	becomes linear '{"state": "reassigned"}' "2 active, 1 completed reassigned"
}

test_what_moved_to_the_backlog_stays() {
	becomes linear '{"state_type": "backlog"}' "3 active"
}

test_a_duplicate_is_completed_as_duplicate() {
	becomes linear '{"state": "duplicate"}' "2 active, 1 completed duplicate"
}

# A type that Linear may invent tomorrow is none that closes an issue.
test_a_state_type_nobody_has_heard_of_closes_nothing() {
	fill linear 3
	polls 1
	fault '{"kind": "unknown_state_type", "provider": "linear"}'
	polls 2
	is "$(tally)" "3 active" "listed with it: they stay"
	fault '{"kind": "drop_items", "provider": "linear", "op": "list",
		"drop": 2}'
	no_faults
	fault '{"kind": "empty_list", "provider": "linear", "op": "list"}'
	fault '{"kind": "unknown_state_type", "provider": "linear", "op": "read"}'
	polls 2
	no_faults
	is "$(tally)" "3 active" "not listed, and by id with it: they stay"
	is "$(guard_of)" "" "and nothing needs a guard: they were seen"
}

# by_policy WORDS: a run under another policy
by_policy() {
	FLOWPIN_COMPLETE_ON=$1 polls 1
}

test_a_policy_says_what_completes_a_task() {
	local state

	for state in canceled duplicate deleted archived reassigned; do
		fill linear 2 || continue
		change_item linear "${IDS[0]}" "{\"state\": \"$state\"}"
		by_policy 'completed moved not_visible'
		by_policy ''
		is "$(tally)" "2 active" "$state: left open"
		by_policy "$state"
		is "$(tally)" "1 active, 1 completed $state" "$state: completed"
	done
}

test_a_policy_may_ask_for_what_can_be_seen() {
	fill todoist 3
	change_item todoist "${IDS[0]}" '{"state": "deleted"}'
	by_policy 'canceled, deleted'
	by_policy 'canceled, deleted'
	by_policy 'canceled, deleted'
	is "$(tally)" "3 active" "not visible, and left open"
	is "$(sql "select count(*) from links where missing_since is not null
		and user_id = '$USER_ID'")" 0 "nor remembered as missing"
}

test_completed_completes_under_any_policy() {
	fill linear 2
	change_item linear "${IDS[0]}" '{"state": "completed"}'
	by_policy 'moved'
	is "$(tally)" "1 active, 1 completed completed" "it does"
}

test_still_open_completes_under_no_policy() {
	local answer

	answer=$(FLOWPIN_COMPLETE_ON='completed, open' ctl check-config)
	is "$?" 1 "it is refused"
	like "$answer" "complete_on: 'open'" "and named"
	FLOWPIN_COMPLETE_ON=open stack_poll
	is "$?" 1 "by the poller, too"
}

# --- what stays as it is is not asked for again and again -------------------------

# asked: how many items the runs since mark() asked for by id
asked() {
	count_requests op=read
}

test_what_a_policy_keeps_is_asked_for_ever_more_seldom() {
	local i reads=

	fill todoist 8
	polls 1
	sim PATCH "/_sim/accounts/todoist/${TOKENS[todoist]}" '{"deleted_reads": "flag"}'
	item_changes todoist 0 5 '{"state": "deleted"}'
	export FLOWPIN_COMPLETE_ON=completed FLOWPIN_POLL_INTERVAL_MS=60000
	for i in {1..4}; do
		mark
		polls 1
		reads+=" $(asked)"
	done
	is "$reads" " 5 5 5 0" "three times at once, and then later"
	is "$(sql "select count(*) from links where user_id = '$USER_ID' and asks = 3
		and ask_after between now() + interval '50 s' and now() + interval '70 s'")" \
		5 "an interval later"
	sql "update links set ask_after = now() where asks > 0" >/dev/null
	mark
	polls 1
	is "$(asked)" 5 "then again"
	is "$(sql "select count(*) from links where user_id = '$USER_ID' and asks = 4
		and ask_after between now() + interval '100 s' and now() + interval '130 s'")" \
		5 "and two later"
	is "$(guard_of)" "" "no guard is needed for what was answered"
	item_changes todoist 0 5 '{"state": "open"}'
	polls 1
	is "$(sql "select max(asks) from links where user_id = '$USER_ID'")" 0 \
		"what is listed again begins anew"
	unset FLOWPIN_COMPLETE_ON FLOWPIN_POLL_INTERVAL_MS
	is "$(tally)" "8 active" "and all stay"
}

test_a_run_leaves_the_user_some_of_what_the_provider_allows() {
	fill todoist 250
	polls 1
	sim PATCH "/_sim/accounts/todoist/${TOKENS[todoist]}" '{"deleted_reads": "flag"}'
	item_changes todoist 0 100 '{"state": "deleted"}'
	mark
	polls 1
	is "$(asked)" 40 "so many in a run"
	is "$(guard_of)" "mass_drop 60" "of the rest nobody knows yet"
	polls 2
	is "$(asked)" 100 "each once"
	is "$(tally)" "150 active, 100 completed deleted" "and all are found"
	is "$(guard_of)" "" "the guard released itself"
}

# While a guard holds what cannot be seen, all the others still have their turn.
test_what_cannot_be_seen_keeps_none_from_being_asked_for() {
	fill todoist 250
	polls 1
	sim PATCH "/_sim/accounts/todoist/${TOKENS[todoist]}" '{"deleted_reads": "flag"}'
	item_changes todoist 0 80 '{"state": "moved"}'
	item_changes todoist 80 40 '{"state": "deleted"}'
	polls 5
	like "$(guard_of)" '^mass_drop ' "a guard holds"
	is "$(tally)" "210 active, 40 completed deleted" "what was answered is done"
}

test_many_that_were_finished_are_told_by_one_list() {
	fill todoist 120
	polls 1
	item_changes todoist 0 90 '{"state": "completed"}'
	mark
	polls 1
	is "$(tally)" "30 active, 90 completed completed" "all are found"
	is "$(asked) $(count_requests op=completed_list)" "0 1" "by one question"
}

# --- Todoist: finished, and yet 404 by id ---------------------------------------

forgets_finished() {
	sim PATCH "/_sim/accounts/todoist/${TOKENS[todoist]}" \
		'{"completed_reads": "404"}'
}

test_what_was_finished_and_cannot_be_read_is_completed_at_once() {
	fill todoist 12
	polls 1
	forgets_finished
	item_changes todoist 0 9 '{"state": "completed"}'
	change_item todoist "${IDS[9]}" '{"state": "deleted"}'
	mark
	polls 1
	is "$(tally)" "3 active, 9 completed completed" "nine were finished"
	is "$(count_requests op=completed_list)" 1 "one question tells"
	polls 1
	is "$(tally)" "2 active, 9 completed completed, 1 completed not_visible" \
		"the other was not, which two runs must agree on"
	is "$(events_of_guards)" "" "nothing needed a guard"
}

test_the_list_of_the_finished_is_read_to_its_end() {
	fill todoist 12
	polls 1
	forgets_finished
	add_own_item todoist 'Never imported' \
		'{"count": 450, "state": "completed"}'
	item_changes todoist 0 1 '{"state": "completed"}'
	sim PATCH "/_sim/items/todoist/${IDS[0]}" '{"state": "completed"}'
	add_own_item todoist 'Finished later' '{"count": 450, "state": "completed"}'
	mark
	polls 1
	is "$(tally)" "11 active, 1 completed completed" "it is found"
	is "$(count_requests op=completed_list)" 5 "on one of five pages"
}

# As if the item had not been asked for: not seen twice is not the same as not told.
test_a_list_of_the_finished_that_fails_marks_nothing() {
	local what json

	while IFS='|' read -r what json; do
		fill todoist 12 || continue
		add_own_item todoist 'Never imported' '{"state": "completed"}'
		polls 1
		change_item todoist "${IDS[0]}" '{"state": "deleted"}'
		fault "$(jq -n --argjson more "$json" \
			'{provider: "todoist", op: "completed_list"} + $more')"
		polls 3
		no_faults
		is "$(tally)" "12 active" "$what: it stays"
		is "$(sql "select unconfirmed from poll_runs
			where connection_id = '$CONNECTION'
			order by started_at desc limit 1")" 1 "$what: nobody answered"
		polls 2
		is "$(tally)" "11 active, 1 completed not_visible" \
			"$what: until somebody does"
	done <<-'FAULTS'
		status 500|{"kind": "status", "status": 500}
		html|{"kind": "html"}
		no move|{"kind": "same_cursor"}
		a cut|{"kind": "truncate"}
		numbers|{"kind": "wrong_type"}
	FAULTS
}

# --- ids that no item can have ---

# What stands in a row cannot be refused any more. It is left out, and takes nobody along.
test_an_id_that_cannot_be_does_not_keep_others_from_being_asked_about() {
	local provider bad

	for provider in $(providers); do
		fill "$provider" 12 || continue
		for bad in 'ENG/12 3' 'Aufgäbe' '../../user' "$(printf 'a%.0s' {1..400})" \
			"$(printf '1%.0s' {1..200})"; do
			printf '%s\n' "$bad"
		done | make_tasks_of "$provider"
		[ "$provider" != linear ] ||
			echo ENG-12 | make_tasks_of "$provider"
		item_changes "$provider" 0 12 '{"state": "completed"}'
		polls 1
		is "$(tally)" "$([ "$provider" = linear ] && echo 6 || echo 5) active, 12 completed completed" \
			"$provider: the others are told"
		is "$(sql "select distinct d.reason from decisions d
			join tasks t on t.id = d.task_id
			where t.user_id = '$USER_ID' and t.status = 'active'")" \
			bad_id "$provider: and why these are not"
		is "$(sql "select count(*) from guards
			where user_id = '$USER_ID'")" 0 "$provider: nothing is held"
	done
}

# Perhaps for one of them; nobody says which.
test_a_batch_that_is_refused_is_asked_about_in_halves() {
	fill linear 12 || return
	item_changes linear 0 12 '{"state": "completed"}'
	mark
	fault '{"kind": "not_found", "message": "Argument Validation Error",
		"provider": "linear", "op": "read", "times": 2}'
	polls 1
	no_faults
	is "$(tally)" "12 completed completed" "each of them is told"
	is "$(count_requests op=read)" 5 "twelve, six, three and three, six"
}

# --- Todoist: ids of the old API ------------------------------------------------

# old_task CONNECTION_OR_NULL: an item whose task has the number it once had. Sets
# TASK and ITEM.
old_task() {
	as_new_user
	add_connection todoist || return
	add_own_item todoist 'Stays'
	add_own_item todoist 'Old'
	sim GET "/_sim/items/todoist/$ITEM"
	OLD=$(field .old_id)
	TASK=$(sql "insert into tasks (user_id, title, source, source_id,
			connection_id, created_at)
		values ('$USER_ID', 'Old', 'todoist', '$OLD', $1,
			now() - interval '1 hour') returning id")
	mark
}

test_a_task_with_an_old_id_is_not_absent() {
	old_task null
	like "$OLD" '^[0-9]+$' "it is a number"
	polls 1
	is "$(task_line "$TASK")" "active - -" "it stays"
	is "$(sql "select source_id || ' ' || connection_id from tasks
		where id = '$TASK'")" "$ITEM $CONNECTION" "under its new id"
	is "$(count_requests op=read)" 0 "the number was not asked for by id"
	polls 2
	is "$(task_line "$TASK")" "active - -" "and goes on"
	is "$(sql "select string_agg(title, ', ') from inbox_items
		where user_id = '$USER_ID'")" Stays "it is not offered again"
	is "$(count_requests op=id_mappings)" 1 "it was asked about once"
	complete "$TASK"
	is "$STATUS $(provider_says todoist "$ITEM")" "200 completed" \
		"and completing it reaches its item"
}

test_a_task_with_an_old_id_and_its_connection_is_not_absent() {
	old_task null
	sql "update tasks set connection_id = '$CONNECTION' where id = '$TASK'"
	polls 2
	is "$(sql "select status || ' ' || source_id from tasks
		where id = '$TASK'")" "active $ITEM" "it has its new id"
	change_item todoist "$ITEM" '{"state": "completed"}'
	polls 1
	is "$(task_line "$TASK")" "completed absence completed" \
		"and is completed as any other"
}

test_an_old_id_that_nobody_knows_is_gone_after_two_runs() {
	old_task null
	sql "update tasks set connection_id = '$CONNECTION', source_id = '77'
		where id = '$TASK'"
	polls 1
	is "$(task_line "$TASK")" "active - -" "one run is not enough"
	polls 1
	is "$(task_line "$TASK")" "completed absence not_visible" "two are"
}

test_without_an_answer_about_old_ids_they_stay() {
	old_task null
	sql "update tasks set connection_id = '$CONNECTION' where id = '$TASK'"
	fault '{"kind": "status", "provider": "todoist", "op": "id_mappings"}'
	polls 3
	no_faults
	is "$(sql "select status || ' ' || source_id from tasks
		where id = '$TASK'")" "active $OLD" "it stays as it was"
}

test_an_item_imported_under_both_ids_stays_two_tasks() {
	old_task null
	sql "update tasks set connection_id = '$CONNECTION',
		title = 'Under its number' where id = '$TASK'"
	OLD_TASK=$TASK
	sql "insert into tasks (user_id, title, source, source_id, connection_id,
			created_at)
		values ('$USER_ID', 'Under its id', 'todoist', '$ITEM',
			'$CONNECTION', now() - interval '1 hour')"
	ok "the run is written down" polls 2
	is "$(last_run "$CONNECTION")" complete "and whole"
	is "$(tally)" "2 active" "both stay"
	is "$(sql "select source_id from tasks where id = '$OLD_TASK'")" "$OLD" \
		"the older one keeps its number"
}

stack_whole && run_tests
