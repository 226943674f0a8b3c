#!/bin/bash
# Whose item it is, that it moved or that it cannot be seen depends on who asks: it counts
# from the account that has shown the item, through whichever connection, and from no
# other.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

# connect_again PROVIDER: the same account, as another row.
connect_again() {
	api POST /v1/connections "$(jq -n --arg t "$1" --arg k "${TOKENS[$1]}" \
		'{type: $t, label: "again", key: $k}')"
	is "$STATUS" 201 "$1: it is connected again: $BODY" || return 1
	CONNECTION=$(field .connection.id)
}

# other_first PROVIDER: the user's oldest connection is of another account; the latest
# one, of its own, has shown 8 items that are tasks.
other_first() {
	as_new_user
	add_connection "$1" || return
	OTHER=$CONNECTION
	add_connection "$1" || return
	IDS=()
	add_own_item "$1" 'Item' '{"count": 8}' && adopt "$1" 8 && polls 1
}

test_what_a_deleted_connection_showed_no_other_account_may_end() {
	local provider

	for provider in $(providers); do
		other_first "$provider" || continue
		api DELETE "/v1/connections/$CONNECTION"
		CONNECTION=$OTHER
		polls 3
		is "$(tally)" "8 active" "$provider: as they were"
		is "$(guard_of)" "" "$provider: and nothing is held for it"
	done
}

test_an_account_that_is_connected_again_has_its_tasks() {
	local provider over

	for provider in $(providers); do
		over=
		other_first "$provider" || continue
		api DELETE "/v1/connections/$CONNECTION"
		connect_again "$provider" || continue
		polls 2
		is "$(sql "select count(*) from inbox_items
			where connection_id = '$CONNECTION'")" 0 \
			"$provider: they are not offered again"
		item_changes "$provider" 0 2 '{"state": "completed"}'
		# Attio's lists are the whole workspace's, whoever has the task
		[ "$provider" = attio ] || over=1
		[ "$provider" = attio ] ||
			item_changes "$provider" 2 1 '{"state": "reassigned"}'
		polls 1
		is "$(tally)" "$((6 - over)) active, 2 completed completed${over:+, 1 completed reassigned}" \
			"$provider: what happens there is known here"
		change_item "$provider" "${IDS[0]}" '{"state": "open"}'
		polls 1
		is "$(tally)" "$((7 - over)) active, 1 completed completed${over:+, 1 completed reassigned}" \
			"$provider: both ways"
		mark
		complete "$(task_of "${IDS[4]}")"
		is "$STATUS $(field .writeback.outcome) $(field .writeback.reason)" \
			"200 accepted done" "$provider: a wish goes out through it"
		is "$(sql "select connection_id from tasks
			where id = '$(task_of "${IDS[4]}")'")" "$CONNECTION" \
			"$provider: which the task names from then on"
	done
}

test_an_account_that_a_person_let_in_ends_nothing_of_the_one_before() {
	local provider

	for provider in $(providers); do
		fill "$provider" 12 || continue
		polls 1
		switch "$provider" "other-$CONNECTION"
		polls 1
		ctl guard approve "$CONNECTION" >/dev/null
		polls 3
		is "$(tally)" "12 active" "$provider: all stay"
		is "$(guard_of)" "" "$provider: and nothing is held for it"
		is "$(last_run "$CONNECTION")" complete "$provider: it goes on"
	done
}

# What waits in the inbox is the account's that was there before.
test_what_another_account_showed_cannot_be_imported_for_the_new_one() {
	local provider

	for provider in $(providers); do
		fill "$provider" 2 || continue
		add_own_item "$provider" 'Waits' && polls 1
		api GET /v1/inbox
		is "$(field '.items | length')" 1 "$provider: it waits"
		switch "$provider" "other-$CONNECTION"
		polls 1
		ctl guard approve "$CONNECTION" >/dev/null
		api GET /v1/inbox
		is "$(field '.items | length')" 0 "$provider: it waits no longer"
		switch "$provider" "${TOKENS[$provider]}"
		polls 1
		ctl guard approve "$CONNECTION" >/dev/null
		polls 1
		api GET /v1/inbox
		is "$(field '.items | length')" 1 "$provider: until its own is back"
	done
}

# An import is from a list, too; a row that a client made names the connection only.
test_what_no_list_ever_showed_is_the_named_connections() {
	fill todoist 2 || return
	sql "update links set account_id = null where user_id = '$USER_ID'"
	item_changes todoist 0 1 '{"state": "reassigned"}'
	polls 1
	is "$(tally)" "1 active, 1 completed reassigned" "it may speak of it"
	sql "update links set account_id = null where user_id = '$USER_ID'"
	switch todoist "other-$CONNECTION"
	polls 1
	ctl guard approve "$CONNECTION" >/dev/null
	polls 3
	is "$(tally)" "1 active, 1 completed reassigned" "another account may not"
}

test_an_account_that_never_had_the_item_cannot_say_that_it_is_gone() {
	local provider task

	for provider in $(providers); do
		other_first "$provider" || continue
		api DELETE "/v1/connections/$CONNECTION"
		task=$(task_of "${IDS[0]}")
		complete "$task"
		is "$STATUS $(field .writeback.outcome) $(field .writeback.reason)" \
			"200 skipped connection_gone" "$provider: $BODY"
		is "$(provider_says "$provider" "${IDS[0]}")" open \
			"$provider: nothing was done there"
	done
}

# A client puts another account's key into the row; no run has seen that yet.
test_a_key_that_was_replaced_concludes_nothing() {
	local provider other called row undone

	for provider in $(providers); do
		fill "$provider" 4 || continue
		polls 1
		called=$(task_of "${IDS[0]}") row=$(task_of "${IDS[1]}")
		undone=$(task_of "${IDS[2]}")
		complete "$undone"
		other=$(sim_token "$provider")
		sim POST /_sim/accounts \
			"{\"provider\": \"$provider\", \"token\": \"$other\"}"
		sql "update integrations set api_key = '$other'
			where id = '$CONNECTION'" >/dev/null
		complete "$called"
		is "$STATUS $(field .writeback.outcome) $(field .writeback.reason)" \
			"504 open account_changed" "$provider: $BODY"
		row_says "$row" completed
		row_says "$undone" active
		wait_until 20 all_wait 3 || flunk "$provider: all are taken up"
		is "$(tally)" "2 active, 2 completed" "$provider: as wished"
		is "$(provider_says "$provider" "${IDS[0]}")" open \
			"$provider: there nothing is done"
		polls 1
		is "$(guard_of)" "account_changed 0" "$provider: a run sees it"
		sql "update integrations set api_key = '${TOKENS[$provider]}'
			where id = '$CONNECTION'" >/dev/null
		polls 1
		sql "update writebacks set due_at = now() where settled_at is null" \
			>/dev/null
		wait_until 20 all_ended || flunk "$provider: all end"
		is "$(provider_says "$provider" "${IDS[0]}") $(provider_says \
			"$provider" "${IDS[1]}") $(provider_says "$provider" "${IDS[2]}")" \
			"completed completed open" "$provider: with its own key, as wished"
		polls 2
		is "$(tally)" "2 active, 2 completed" "$provider: both sides agree"
	done
}

# The same, with a connection of which no run has learnt whose it is.
test_nor_does_a_key_whose_account_no_run_has_seen() {
	local provider other new

	for provider in $(providers); do
		fill "$provider" 2 || continue
		polls 1
		other=$(sim_token "$provider") new=$(</proc/sys/kernel/random/uuid)
		sim POST /_sim/accounts \
			"{\"provider\": \"$provider\", \"token\": \"$other\"}"
		sql "insert into integrations (id, user_id, type, api_key)
			values ('$new', '$USER_ID', '$provider', '$other');
			update tasks set connection_id = '$new'
			where id = '$(task_of "${IDS[0]}")'" >/dev/null
		complete "$(task_of "${IDS[0]}")"
		is "$STATUS $(field .writeback.outcome) $(field .writeback.reason)" \
			"504 open account_changed" "$provider: $BODY"
		is "$(provider_says "$provider" "${IDS[0]}")" open \
			"$provider: nothing is done there"
		poll_once "$new"
		sql "update writebacks set due_at = now() where settled_at is null" \
			>/dev/null
		wait_until 20 all_ended || flunk "$provider: it ends"
		is "$(sql "select state || ' ' || reason from writebacks
			where user_id = '$USER_ID'")" "skipped connection_gone" \
			"$provider: once it is known"
	done
}

# all_wait COUNT: so many wishes of the user wait for its account.
all_wait() {
	[ "$(sql "select count(*) from writebacks where user_id = '$USER_ID'
		and settled_at is null and reason = 'account_changed'")" = "$1" ]
}

stack_init || bail "no directory"
stack_setting sweep_ms 300
stack_setting provider_timeout_ms 4000
stack_whole && run_tests
