#!/bin/bash
# From an item at a provider to a task: what is kept of it, what leaves the
# inbox and what comes back to it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# inbox: the source_id of all that lie there, one per line.
inbox() {
	api GET '/v1/inbox?limit=200'
	jq -r '.items[].source_id' <<<"$BODY"
}

# fresh PROVIDER: a user with one connection, whose inbox is empty.
fresh() {
	as_new_user && add_connection "$1"
}

# title_here PROVIDER TITLE: as Flowpin has it, of an account's first issue.
title_here() {
	echo "$([ "$1" != linear ] || echo '[ENG-1] ')$2"
}

# An item becomes a task that says the same of it as the inbox did.
imports_faithfully() {
	local at_provider in_inbox task

	fresh "$1" || return
	add_own_item "$1" "$2" "${3:-null}" || return
	at_provider=$BODY
	poll_once "$CONNECTION"
	api GET /v1/inbox
	in_inbox=$(jq -S '.items[0]' <<<"$BODY")
	is "$(jq '.items | length' <<<"$BODY")" 1 "one item is in the inbox"
	import_titled "$2" || return
	task=$(task_json "$TASK")
	is "$(jq -c '{source, source_id, title, source_url}' <<<"$task")" \
		"$(jq -c --arg p "$1" --arg t "$(title_here "$1" "$2")" \
			'{source: $p, source_id: .id, title: $t,
			source_url: .url}' <<<"$at_provider")" "the item's own words"
	is "$(jq -S '{source, source_id, title, source_url, source_metadata,
			connection_id}' <<<"$task")" \
		"$(jq -S '{source, source_id, title, source_url, source_metadata,
			connection_id}' <<<"$in_inbox")" "and the inbox's"
	is "$(jq -r .connection_id <<<"$task")" "$CONNECTION" "its connection"
	is "$(task_line "$TASK")" "active - -" "it is to be done"
	is "$(jq -r .completed_at <<<"$task")" null "and was not"
}

test_an_item_of_todoist_becomes_a_task_with_its_connection() {
	imports_faithfully todoist 'Buy milk'
	add_own_item todoist 'Water plants' \
		'{"recurring": "every day", "due_date": "2031-02-03"}'
	poll_once "$CONNECTION"
	import_titled 'Water plants'
	is "$(task_json "$TASK" | jq '.source_metadata |
		([.. | strings] | any(startswith("2031-02-03"))) and
		([.. | booleans] | any)')" true "due date and recurrence are kept"
}

test_an_item_of_linear_becomes_a_task_with_its_connection_and_team() {
	local team state

	imports_faithfully linear 'Fix the door'
	sim GET "/_sim/items/linear/$ITEM"
	team=$(field .team_id)
	state=$(field .state_id)
	is "$(task_json "$TASK" | jq --arg t "$team" --arg s "$state" \
		'.source_metadata | [.. | strings] |
		(index($t) != null) and (index($s) != null)')" true \
		"team and state are kept"
}

test_an_item_of_attio_becomes_a_task_with_its_connection() {
	imports_faithfully attio 'Call Ada'
}

test_titles_are_kept_as_they_are() {
	local provider

	for provider in $(providers); do
		imports_faithfully "$provider" \
			$'**Käse** & "Brot" \\ <b>\'\'; drop table tasks;-- 🧀\ttab'
	done
}

test_a_task_made_by_hand_has_no_connection() {
	fresh todoist
	api POST /v1/tasks '{"title": "Milk"}'
	is "$STATUS" 201 "it is made"
	is "$(jq -c '.task | [.title, .source, .source_id, .source_url,
		.connection_id, .status]' <<<"$BODY")" \
		'["Milk","manual",null,null,null,"active"]' "as a manual one"
}

test_the_legacy_import_has_no_connection() {
	fresh todoist
	add_own_item todoist 'Old friend'
	api POST /v1/tasks "$(jq -n --arg s "$ITEM" '{title: "Old friend",
		source: "todoist", source_id: $s,
		source_url: "https://app.todoist.com/app/task/1"}')"
	is "$STATUS" 201 "it is made"
	is "$(jq -c '.task | [.title, .source, .source_id, .source_url,
		.connection_id, .status]' <<<"$BODY")" \
		"[\"Old friend\",\"todoist\",\"$ITEM\",\"https://app.todoist.com/app/task/1\",null,\"active\"]" \
		"without a connection"
	poll_once "$CONNECTION"
	poll_once "$CONNECTION"
	is "$(inbox)" "" "its item is not offered a second time"
}

test_an_item_that_has_a_task_gets_no_second_one() {
	local before

	fresh todoist
	make_task todoist 'Twice'
	before=$(task_json "$TASK")
	api POST /v1/tasks "$(jq -n --arg s "$ITEM" '{title: "Once more",
		source: "todoist", source_id: $s}')"
	is "$STATUS $(header content-type)" "409 application/problem+json" \
		"it is refused"
	is "$(field .detail)" "There is a task of this item already." \
		"with a sentence"
	is "$(task_json "$TASK")" "$before" "the one there is stays as it is"
	api GET /v1/tasks
	is "$(jq '.tasks | length' <<<"$BODY")" 1 "and alone"
}

test_a_task_from_before_connections_were_kept_still_works() {
	fresh todoist
	add_own_item todoist 'Ancient'
	TASK=$(sql "insert into tasks (user_id, title, source, source_id)
		values ('$USER_ID', 'Ancient', 'todoist', '$ITEM') returning id")
	api GET '/v1/tasks?source=todoist'
	is "$(jq -r '.tasks[] | "\(.id) \(.connection_id)"' <<<"$BODY")" \
		"$TASK null" "it is listed"
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" \
		"it is completed through the only connection there is"
	is "$(field .task.connection_id)" "$CONNECTION" "which it keeps"
	is "$(provider_says todoist "$ITEM")" completed "there as well"
}

test_an_item_is_imported_once() {
	local id

	fresh todoist
	add_own_item todoist 'Once'
	poll_once "$CONNECTION"
	api GET /v1/inbox
	id=$(field '.items[0].id')
	api POST "/v1/inbox/$id/import"
	is "$STATUS" 201 "the first time"
	api POST "/v1/inbox/$id/import"
	like "$STATUS" '^(404|409)$' "not a second time"
	like "$(header content-type)" '^application/problem\+json' \
		"which is said as a problem"
	api GET /v1/tasks
	is "$(jq '.tasks | length' <<<"$BODY")" 1 "one task"
}

test_of_several_imports_at_once_one_succeeds() {
	local id i answers=$STACK_DIR/imports

	fresh todoist
	add_own_item todoist 'Wanted by many'
	poll_once "$CONNECTION"
	api GET /v1/inbox
	id=$(field '.items[0].id')
	for i in {1..8}; do
		(api POST "/v1/inbox/$id/import" && echo "$STATUS" >"$answers.$i") &
	done
	for i in {1..8}; do
		wait_until 30 test -s "$answers.$i" || flunk "answer $i comes"
	done
	is "$(cat "$answers".* | grep -c '^201$')" 1 "one is the first"
	is "$(cat "$answers".* | grep -Ecv '^(201|404|409)$')" 0 \
		"the others hear why not"
	rm -f "$answers".*
	api GET /v1/tasks
	is "$(jq '.tasks | length' <<<"$BODY")" 1 "one task"
}

test_an_imported_item_leaves_the_inbox_and_does_not_come_back() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		make_task "$provider" 'Taken' || continue
		is "$(inbox)" "" "$provider: gone at once"
		poll_once "$CONNECTION"
		is "$(inbox)" "" "$provider: and after a poll"
		poll_once "$CONNECTION"
		is "$(inbox)" "" "$provider: and after another"
	done
}

test_the_item_of_an_archived_task_brings_its_row_back() {
	local provider first

	for provider in $(providers); do
		fresh "$provider"
		make_task "$provider" 'Not now' || continue
		first=$TASK
		api POST "/v1/tasks/$TASK/archive"
		is "$STATUS $(field .task.status)" "200 archived" "it is archived"
		poll_once "$CONNECTION"
		poll_once "$CONNECTION"
		is "$(inbox)" "$ITEM" "$provider: its item is in the inbox again"
		import_titled 'Not now' || continue
		is "$TASK" "$first" "$provider: as the task that it was"
		is "$(task_line "$TASK")" "active - -" "$provider: to be done"
		is "$(sql "select count(*) from tasks
			where user_id = '$USER_ID'")" 1 "$provider: one row"
		is "$(inbox)" "" "$provider: nothing is left to import"
		poll_once "$CONNECTION"
		is "$(task_line "$TASK")$(inbox)" "active - -" \
			"$provider: nor does a poll think otherwise"
	done
}

test_the_item_of_a_deleted_task_comes_back_to_the_inbox() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		make_task "$provider" 'Mistake' || continue
		api DELETE "/v1/tasks/$TASK"
		is "$STATUS" 204 "it is deleted"
		poll_once "$CONNECTION"
		is "$(inbox)" "$ITEM" "$provider: its item is in the inbox again"
	done
}

test_what_is_finished_before_anybody_imports_it_leaves_the_inbox() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		add_own_item "$provider" 'Done already'
		poll_once "$CONNECTION"
		is "$(inbox)" "$ITEM" "$provider: it is there"
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_once "$CONNECTION"
		is "$(inbox)" "" "$provider: it is not"
	done
	api GET /v1/tasks
	is "$(jq '.tasks | length' <<<"$BODY")" 0 "no task comes of it"
}

test_the_inbox_follows_a_new_title() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		add_own_item "$provider" 'Draft'
		poll_once "$CONNECTION"
		change_item "$provider" "$ITEM" '{"title": "Final"}'
		poll_once "$CONNECTION"
		api GET /v1/inbox
		is "$(jq -c '[.items[] | [.source_id, .title]]' <<<"$BODY")" \
			"[[\"$ITEM\",\"$(title_here "$provider" Final)\"]]" \
			"$provider: one item, renamed"
	done
}

test_nobody_imports_from_the_inbox_of_another() {
	local id owner

	fresh todoist
	owner=$USER_ID
	add_own_item todoist 'Private'
	poll_once "$CONNECTION"
	api GET /v1/inbox
	id=$(field '.items[0].id')
	as_new_user
	is "$(inbox)" "" "another user does not see it"
	api POST "/v1/inbox/$id/import"
	is "$STATUS" 404 "nor import it"
	as_user "$owner"
	is "$(inbox)" "$ITEM" "it still lies there"
}

test_the_inbox_of_a_deleted_connection_is_gone_and_its_tasks_are_not() {
	fresh todoist
	make_task todoist 'Stays'
	add_own_item todoist 'Goes'
	poll_once "$CONNECTION"
	isnt "$(inbox)" "" "an item lies there"
	api DELETE "/v1/connections/$CONNECTION"
	is "$STATUS" 204 "the connection is deleted"
	is "$(inbox)" "" "its items are gone"
	is "$(task_line "$TASK")" "active - -" "its task is there"
	is "$(task_json "$TASK" | jq -r .connection_id)" null \
		"without a connection"
}

stack_whole && run_tests
