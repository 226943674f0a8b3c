#!/bin/bash
# Guards: what vanished without anybody saying what became of it stays while too
# much of it is gone at once; it is shown, and released on evidence or by a person.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

# hidden PROVIDER: nothing can be seen by id; Linear does not return it then
hidden() {
	local kind=not_found

	[ "$1" != linear ] || kind=empty_list
	fault "{\"kind\": \"$kind\", \"provider\": \"$1\", \"op\": \"read\"}"
}

# unlisted PROVIDER ROWS: so many rows of the first page are left out
unlisted() {
	fault "{\"kind\": \"drop_items\", \"provider\": \"$1\", \"op\": \"list\",
		\"page\": 1, \"drop\": $2}"
}

test_a_list_that_is_empty_once_marks_nothing() {
	local provider

	for provider in $(providers); do
		fill "$provider" 8 || continue
		fault "{\"kind\": \"empty_list\", \"provider\": \"$provider\",
			\"op\": \"list\", \"times\": 1}"
		polls 1
		is "$(tally)" "8 active" "$provider: all stay"
		is "$(count_requests op=list)" 1 "$provider: it was empty"
		no_faults
		polls 2
		is "$(tally)" "8 active" "$provider: and go on"
	done
}

test_an_emptied_list_is_held_and_shown() {
	local provider

	for provider in $(providers); do
		fill "$provider" 3 || continue
		polls 1
		fault "{\"kind\": \"empty_list\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
		hidden "$provider"
		polls 3
		is "$(tally)" "3 active" "$provider: all stay"
		is "$(guard_of)" "list_emptied 3" "$provider: a guard holds"
		is "$(events_of_guards)" "guard.raised list_emptied" \
			"$provider: its user hears of it once"
		is "$(metric "flowpin_guards{provider=\"$provider\",kind=\"list_emptied\"}")" \
			1 "$provider: it is counted"
		is "$(last_run "$CONNECTION")" complete "$provider: the runs are whole"
		no_faults
		polls 1
		is "$(tally)" "3 active" "$provider: they are listed again"
		is "$(guard_of)" "" "$provider: the guard is gone"
		is "$(events_of_guards)" \
			"guard.raised list_emptied, guard.released list_emptied" \
			"$provider: which is told"
		is "$(metric "flowpin_guards{provider=\"$provider\",kind=\"list_emptied\"}")" \
			0 "$provider: and counted"
	done
}

test_an_emptied_list_that_is_confirmed_by_id_needs_no_guard() {
	local provider

	for provider in $(providers); do
		fill "$provider" 8 || continue
		item_changes "$provider" 0 8 '{"state": "completed"}'
		polls 1
		is "$(tally)" "8 completed completed" "$provider: all are done"
		is "$(events_of_guards)" "" "$provider: nothing was held"
	done
}

test_a_guard_releases_itself_when_confirmation_arrives() {
	fill todoist 8
	item_changes todoist 0 7 '{"state": "deleted"}'
	polls 3
	is "$(tally)" "8 active" "all stay"
	is "$(guard_of)" "mass_drop 7" "a guard holds"
	sim PATCH "/_sim/accounts/todoist/${TOKENS[todoist]}" \
		'{"deleted_reads": "flag"}'
	polls 1
	is "$(tally)" "1 active, 7 completed deleted" "now it is certain"
	is "$(guard_of)" "" "and the guard is gone"
	is "$(events_of_guards)" \
		"guard.raised mass_drop, guard.released mass_drop" "it is told"
}

# More than max(5, 20 %) of 30 is 7.
test_a_mass_drop_is_held_and_less_is_not() {
	local provider gone

	for provider in $(providers); do
		for gone in 6 7; do
			fill "$provider" 30 || continue
			unlisted "$provider" "$gone"
			hidden "$provider"
			polls 1
			is "$(tally)" "30 active" "$provider, $gone: one run"
			polls 2
			no_faults
			if [ "$gone" = 6 ]; then
				is "$(tally)" "24 active, 6 completed not_visible" \
					"$provider, $gone: two runs agree"
				is "$(events_of_guards)" "" "$provider: no guard"
			else
				is "$(tally)" "30 active" "$provider, $gone: held"
				is "$(guard_of)" "mass_drop 7" "$provider: a guard"
			fi
		done
	done
}

test_without_answers_by_id_a_drop_is_shown_and_released() {
	fill linear 30
	item_changes linear 0 9 '{"state": "completed"}'
	fault '{"kind": "status", "provider": "linear", "op": "read"}'
	polls 1
	is "$(tally)" "30 active" "nothing is marked"
	is "$(guard_of)" "mass_drop 9" "a guard holds"
	no_faults
	polls 1
	is "$(tally)" "21 active, 9 completed completed" "with an answer they are"
	is "$(guard_of)" "" "and nothing holds any more"
}

test_what_is_confirmed_is_marked_beside_a_guard() {
	fill todoist 12
	item_changes todoist 0 7 '{"state": "deleted"}'
	item_changes todoist 7 2 '{"state": "completed"}'
	polls 2
	is "$(tally)" "10 active, 2 completed completed" "the two that are certain"
	is "$(guard_of)" "mass_drop 7" "the seven are held"
}

test_a_person_lets_pass_what_a_guard_holds() {
	local provider answer

	for provider in $(providers); do
		fill "$provider" 8 || continue
		unlisted "$provider" 7
		hidden "$provider"
		polls 2
		is "$(tally)" "8 active" "$provider: held"
		answer=$(ctl guard approve "$CONNECTION")
		is "$?" 0 "$provider: it can be approved: $answer"
		like "$(ctl guard list | grep "^$CONNECTION")" 'approved$' \
			"$provider: which shows"
		sql "update connections set next_poll_at = now() + '1 day'
			where id <> '$CONNECTION'"
		stack_poll
		no_faults
		is "$(tally)" "1 active, 7 completed not_visible" \
			"$provider: the next pass marks them"
		is "$(guard_of)" "" "$provider: and the guard is gone"
		is "$(writes)" 0 "$provider: nothing is written"
	done
}

test_an_approval_covers_no_more_than_was_shown() {
	fill attio 20
	unlisted attio 7
	hidden attio
	polls 2
	ctl guard approve "$CONNECTION" >/dev/null
	no_faults
	unlisted attio 12
	hidden attio
	polls 2
	is "$(tally)" "20 active" "twelve are more than seven"
	is "$(guard_of)" "mass_drop 12" "it is held anew"
	like "$(ctl guard list | grep "^$CONNECTION")" 'user=[0-9a-f-]+$' \
		"and no longer approved"
	no_faults
}

test_nothing_is_approved_where_no_guard_holds() {
	local answer

	fill linear 1
	answer=$(ctl guard approve "$CONNECTION")
	is "$?" 1 "it says no: $answer"
	ctl guard approve nonsense >/dev/null
	is "$?" 2 "nor without an id"
	ctl guard >/dev/null
	is "$?" 2 "nor without a word"
}

test_a_guard_holds_its_own_connection_only() {
	local held

	fill todoist 8
	item_changes todoist 0 7 '{"state": "deleted"}'
	held=$CONNECTION
	add_connection todoist
	add_own_item todoist 'Item' '{"count": 3}'
	adopt todoist 3
	item_changes todoist 0 2 '{"state": "completed"}'
	poll_own
	poll_own
	is "$(guard_of "$held")" "mass_drop 7" "the one is held"
	is "$(guard_of)" "" "the other is not"
	is "$(tally)" "9 active, 2 completed completed" "and is marked"
}

test_the_guard_of_a_deleted_connection_is_gone() {
	fill todoist 8
	item_changes todoist 0 8 '{"state": "deleted"}'
	polls 1
	is "$(guard_of)" "list_emptied 8" "it holds"
	api DELETE "/v1/connections/$CONNECTION"
	is "$STATUS $(guard_of)" "204 " "it is gone"
}

# 136 of 794 items were missing once, as has been seen in the field.
test_136_of_794_items_missing_once_mark_nothing() {
	local provider what json

	for provider in $(providers); do
		fill "$provider" 794 || continue
		polls 1
		while IFS='|' read -r what json; do
			unlisted "$provider" 136
			case $json in
			'') ;;
			hidden) hidden "$provider" ;;
			*) fault "$(jq -n --arg p "$provider" \
				--argjson more "$json" \
				'{provider: $p, op: "read"} + $more')" ;;
			esac
			polls 1
			no_faults
			is "$(tally)" "794 active" "$provider, $what"
			polls 1
			is "$(tally)" "794 active" "$provider, $what: and later"
		done <<-'FAULTS'
			by id they are open|
			by id nobody answers|{"kind": "status", "status": 500}
			by id they cannot be seen|hidden
		FAULTS
		is "$(writes)" 0 "$provider: nothing is written"
	done
}

test_another_account_behind_the_key_is_held_until_it_is_back() {
	local provider

	for provider in $(providers); do
		fill "$provider" 2 || continue
		polls 1
		switch "$provider" "other-$CONNECTION"
		ok "$provider: the pass ends well" polls 2
		is "$(tally)" "2 active" "$provider: nothing is marked"
		is "$(guard_of)" "account_changed 0" "$provider: a guard holds"
		is "$(events_of_guards)" "guard.raised account_changed" \
			"$provider: its user hears of it once"
		is "$(metric "flowpin_guards{provider=\"$provider\",kind=\"account_changed\"}")" \
			1 "$provider: it is counted"
		is "$(connection_says "$CONNECTION" status)" active \
			"$provider: the key is not refused"
		switch "$provider" "${TOKENS[$provider]}"
		change_item "$provider" "${IDS[0]}" '{"state": "completed"}'
		polls 1
		is "$(tally)" "1 active, 1 completed completed" \
			"$provider: with its own account it goes on"
		is "$(guard_of)" "" "$provider: nothing holds"
	done
}

test_another_account_is_let_in_by_a_person() {
	local provider

	for provider in $(providers); do
		fill "$provider" 2 || continue
		polls 1
		add_item "$provider" 'Of the other' \
			"{\"account\": \"other-$CONNECTION\"}"
		switch "$provider" "other-$CONNECTION"
		polls 1
		is "$(guard_of)" "account_changed 0" "$provider: it is held"
		ctl guard approve "$CONNECTION" >/dev/null
		is "$(events_of_guards)" "guard.raised account_changed, guard.released account_changed" \
			"$provider: it is told"
		polls 1
		is "$(last_run "$CONNECTION")" complete "$provider: it goes on"
		like "$(sql "select string_agg(title, ', ') from inbox_items
			where connection_id = '$CONNECTION'")" '^(\[ENG-1\] )?Of the other$' \
			"$provider: with what the other account lists"
		is "$(tally)" "2 active" "$provider: one list alone marks nothing"
	done
}

# under_another_account PROVIDER: a guard holds the connection because of that, and
# two wishes, one by a call and one by a changed row, have met it. Sets CALLED and
# ROW, the tasks.
under_another_account() {
	fill "$1" 3 || return
	polls 1
	CALLED=$(task_of "${IDS[0]}") ROW=$(task_of "${IDS[1]}")
	switch "$1" "other-$CONNECTION"
	polls 1
	is "$(guard_of)" "account_changed 0" "$1: it is held"
	mark
	complete "$CALLED"
	is "$STATUS $(field .code) $(field .writeback.outcome)" \
		"504 writeback_account_changed open" "$1: it stays open: $BODY"
	is "$(jq -r '.rolled_back, .task.status' <<<"$BODY" | xargs)" \
		"false completed" "$1: as wished"
	like "$(field .detail)" "another account of $(name_of "$1").*\.$" \
		"$1: in a sentence"
	sql "update tasks set status = 'completed', completed_at = now()
		where id = '$ROW'" >/dev/null
	wait_until 30 both_wait || flunk "$1: both were taken up"
	is "$(requests)" 0 "$1: nobody was asked"
	is "$(tally)" "1 active, 2 completed" "$1: both stay completed"
}

both_wait() {
	[ "$(sql "select string_agg(state || ' ' || reason, ', ')
		from writebacks where task_id in ('$CALLED', '$ROW')
		and attempts > 0")" = \
		'queued account_changed, queued account_changed' ]
}

# both_end: their turn is now. How they ended, in the order of CALLED and ROW.
both_end() {
	sql "update writebacks set due_at = now()
		where task_id in ('$CALLED', '$ROW') and settled_at is null" \
		>/dev/null
	wait_until 30 none_is_open || flunk "both end"
	sql "select string_agg(state || ' ' || reason, ', ' order by task_id <> '$CALLED')
		from writebacks where task_id in ('$CALLED', '$ROW')"
}

none_is_open() {
	[ "$(sql "select count(*) from writebacks where user_id = '$USER_ID'
		and settled_at is null")" = 0 ]
}

test_a_wish_under_another_account_goes_on_when_its_own_is_back() {
	local provider

	for provider in $(providers); do
		under_another_account "$provider" || continue
		switch "$provider" "${TOKENS[$provider]}"
		polls 1
		is "$(guard_of)" "" "$provider: nothing holds any more"
		is "$(both_end)" "accepted done, accepted done" \
			"$provider: both are sent"
		is "$(provider_says "$provider" "${IDS[0]}")$(provider_says \
			"$provider" "${IDS[1]}")" completedcompleted \
			"$provider: and done there"
		is "$(taken)" 2 "$provider: each once"
		is "$(events_of "$CALLED")" "writeback.accepted done" \
			"$provider: who was told that it is open is told the end"
	done
}

# The other account has no such items, and never had: that it does not know them proves
# nothing.
test_a_wish_under_another_account_goes_on_when_a_person_lets_it_in() {
	local provider

	for provider in $(providers); do
		under_another_account "$provider" || continue
		ctl guard approve "$CONNECTION" >/dev/null
		is "$(both_end)" "skipped connection_gone, skipped connection_gone" \
			"$provider: the new account was asked"
		is "$(provider_says "$provider" "${IDS[0]}") $(taken)" "open 0" \
			"$provider: the old one's item was not touched"
	done
}

test_a_wish_under_another_account_is_rolled_back_at_its_age() {
	local provider

	for provider in $(providers); do
		under_another_account "$provider" || continue
		sql "update writebacks set created_at = now() - interval '1 day'
			where task_id in ('$CALLED', '$ROW')" >/dev/null
		is "$(both_end)" "rolled_back given_up, rolled_back given_up" \
			"$provider: neither is tried for ever"
		is "$(tally)" "3 active" "$provider: the tasks are as they were"
		is "$(events_of "$CALLED"), $(events_of "$ROW")" \
			"task.rolled_back given_up, task.rolled_back given_up" \
			"$provider: their user is told"
		is "$(requests)" 0 "$provider: nobody was asked"
		is "$(guard_of)" "account_changed 0" "$provider: it is still held"
	done
}

# A key that may see less than before: most of the list is gone, and by id, too.
test_a_reduced_scope_marks_nothing() {
	local provider

	for provider in $(providers); do
		fill "$provider" 12 || continue
		polls 1
		unlisted "$provider" 10
		hidden "$provider"
		polls 3
		is "$(tally)" "12 active" "$provider: all stay"
		is "$(guard_of)" "mass_drop 10" "$provider: a guard holds"
		no_faults
		fault "{\"kind\": \"forbidden\", \"provider\": \"$provider\"}"
		polls 1
		no_faults
		is "$(tally)" "12 active" "$provider: nor when it is forbidden"
	done
}

# Whether a person reopened it there or it was never over, the list alone does not tell.
test_a_completion_that_a_later_look_takes_back_is_counted() {
	local before

	fill attio 3
	polls 1
	before=$(metric flowpin_wrong_completions)
	change_item attio "${IDS[0]}" '{"state": "completed"}'
	polls 1
	change_item attio "${IDS[0]}" '{"state": "open"}'
	polls 1
	is "$(tally)" "3 active" "a change of mind"
	is "$(metric flowpin_wrong_completions)" $((before + 1)) "is counted"
	unlisted attio 1
	hidden attio
	polls 2
	no_faults
	is "$(tally)" "2 active, 1 completed not_visible" "twice a lie"
	polls 1
	is "$(tally)" "3 active" "heals itself"
	is "$(metric flowpin_wrong_completions)" $((before + 2)) "and is counted"
	complete "$(task_of "${IDS[0]}")"
	change_item attio "${IDS[0]}" '{"state": "open"}'
	polls 1
	is "$(tally)" "3 active" "what its user completed and somebody reopened"
	is "$(metric flowpin_wrong_completions)" $((before + 2)) "is not"
}

stack_whole && run_tests
