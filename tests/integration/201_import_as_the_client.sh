#!/bin/bash
# An import makes the row that Flowpin's own client would make, or brings the one back
# that stands for the item; and polls write Flowpin's rows only when something in them
# changed for their user.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

fresh() { # PROVIDER [ITEM'S JSON]: with an item in the inbox. Sets ENTRY.
	as_new_user && add_connection "$1" &&
		add_own_item "$1" 'Wanted' "${2:-null}" &&
		poll_once "$CONNECTION" && find_entry
}

# find_entry [CONNECTION]: ENTRY is the item's place in the inbox, if it has one.
find_entry() {
	ENTRY=$(sql "select id from inbox_items
		where connection_id = '${1:-$CONNECTION}' and source_id = '$ITEM'")
}

# import [JSON]: sets TASK.
import() {
	api POST "/v1/inbox/$ENTRY/import" "${1:-}"
	TASK=$(field .task.id)
}

# row COLUMNS: of the task, as Flowpin's table has it.
row() {
	sql "select $1 from tasks where id = '$TASK'"
}

# bucket [USER]: a new one of theirs.
bucket() {
	sql "insert into buckets (user_id, name)
		values ('${1:-$USER_ID}', 'Work') returning id"
}

# --- what is written ------------------------------------------------------------

test_a_task_of_todoist_is_as_the_client_makes_it() {
	local id

	fresh todoist '{"description": "Two litres", "priority": 3,
		"labels": ["shop"], "recurring": "every day",
		"due_date": "2031-02-03"}' || return
	import
	is "$STATUS" 201 "it is imported: $BODY"
	is "$(row 'title, source, source_id, status, connection_id,
			source_description, waiting_for_reason is null')" \
		"Wanted|todoist|$ITEM|active|$CONNECTION|Two litres|t" "the row"
	sim GET "/_sim/items/todoist/$ITEM"
	id=$(field .project_id)
	is "$(row source_metadata | jq -cS 'del(.url)')" "$(jq -cSn --arg p "$id" '{
		projectId: $p, priority: 3, labels: ["shop"],
		description: "Two litres", due: {date: "2031-02-03",
		string: "every day", is_recurring: true, lang: "en"}}')" "its bag, in the client's words"
	like "$(row source_metadata | jq -r .url)" '^https://app.todoist.com/' \
		"and where to open it"
}

test_a_task_of_linear_is_as_the_client_makes_it() {
	fresh linear '{"description": "It squeaks", "estimate": 2,
		"project": "Doors", "state_type": "started"}' || return
	import
	is "$STATUS" 201 "it is imported: $BODY"
	is "$(row 'title, source, source_id, status, connection_id,
			source_description')" \
		"[ENG-1] Wanted|linear|$ITEM|active|$CONNECTION|It squeaks" "the row"
	sim GET "/_sim/items/linear/$ITEM"
	is "$(row source_metadata | jq -cS 'del(.projectId, .teamName)')" \
		"$(jq -cS '{identifier: .identifier, description: .description,
			teamId: .team_id, teamKey: "ENG", projectName: "Doors",
			state: .state_name, stateType: "started", estimate: 2,
			url: .url}' <<<"$BODY")" "its bag, in the client's words"
	is "$(row source_metadata | jq -c '[.projectId, .teamName] |
		map(type)')" '["string","string"]' "project and team are named"
}

test_a_task_of_attio_is_as_the_client_makes_it() {
	fresh attio '{"due_date": "2031-02-03"}' || return
	import
	is "$STATUS" 201 "it is imported: $BODY"
	is "$(row 'title, source, source_id, status, connection_id')" \
		"Wanted|attio|$ITEM|active|$CONNECTION" "the row"
	is "$(row source_metadata | jq -cS 'map_values(type)')" \
		'{"assignees":"array","createdAt":"string","deadlineAt":"string","linkedRecords":"array","workspaceId":"string"}' \
		"its bag, in the client's words"
	like "$(row source_metadata | jq -r .deadlineAt)" '^2031-02-03' "the deadline"
}

test_a_task_goes_where_its_connection_says() {
	local own

	fresh todoist || return
	own=$(bucket)
	sql "update integrations set default_bucket_id = '$own',
		default_section = 'later' where id = '$CONNECTION'"
	import
	is "$STATUS $(row 'bucket_id, section')" "201 $own|later" "by default"
}

test_a_task_goes_where_the_call_says() {
	local own

	fresh todoist || return
	own=$(bucket)
	sql "update integrations set default_bucket_id = '$(bucket)',
		default_section = 'later' where id = '$CONNECTION'"
	import "{\"bucket_id\": \"$own\", \"section\": \"today\"}"
	is "$STATUS $(row 'bucket_id, section')" "201 $own|today" "as asked"
}

test_without_either_it_goes_where_new_tasks_go() {
	fresh todoist || return
	sql "update integrations set default_section = null
		where id = '$CONNECTION'"
	import
	is "$STATUS $(row 'bucket_id is null, section')" "201 t|sooner" "sooner"
}

test_a_task_is_put_last() {
	fresh todoist || return
	import
	is "$(row position)" 0 "the first"
	sql "update tasks set position = 41 where id = '$TASK'"
	add_own_item todoist 'Wanted, too'
	poll_once "$CONNECTION"
	find_entry
	import
	is "$(row position)" 42 "after the last"
	sql "update tasks set position = 2147483647 where id = '$TASK'"
	add_own_item todoist 'Wanted as well'
	poll_once "$CONNECTION"
	find_entry
	import
	is "$STATUS $(row position)" "201 2147483647" "as far as numbers go"
}

test_a_wrong_place_is_refused_and_the_item_stays() {
	local what json

	fresh todoist || return
	while IFS='|' read -r what json; do
		api POST "/v1/inbox/$ENTRY/import" "$json"
		is "$STATUS $(header content-type)" "400 application/problem+json" \
			"$what: $BODY"
		like "$(field .detail)" '^.*\.$' "$what: a sentence"
	done <<-BODIES
		no such bucket|{"bucket_id": "00000000-0000-4000-8000-00000000dead"}
		another's bucket|{"bucket_id": "$(bucket "$DEMO_USER")"}
		not an id|{"bucket_id": "work"}
		not a text|{"bucket_id": 7}
		no such section|{"section": "tomorrow"}
		an empty section|{"section": ""}
		not a word|{"section": ["today"]}
		no JSON|{"section": "today"
	BODIES
	find_entry
	isnt "$ENTRY" "" "it still lies in the inbox"
	is "$(sql "select count(*) from tasks where user_id = '$USER_ID'")" 0 \
		"and no task came of it"
	import '{"section": "today"}'
	is "$STATUS" 201 "from where it can be imported"
}

# --- one row per item -----------------------------------------------------------

# back_again: the row is there, active, and nothing of it is left behind.
back_again() { # WHAT
	local first=$TASK

	import
	is "$STATUS $TASK" "201 $first" "$1: the same row"
	is "$(task_line "$TASK") $(row 'completed_at is null, connection_id')" \
		"active - - t|$CONNECTION" "$1: to be done again"
	is "$(sql "select count(*) from tasks where user_id = '$USER_ID'")" 1 \
		"$1: there is no second one"
	find_entry
	is "$ENTRY" "" "$1: nothing is left in the inbox"
	mark
	poll_own
	poll_own
	is "$(task_line "$TASK")" "active - -" "$1: for good"
	is "$(writes)" 0 "$1: nothing is written"
	is "$(sql "select count(*) from writebacks where task_id = '$TASK'
		and settled_at is null")" 0 "$1: nor meant to be"
}

test_an_archived_row_comes_back() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		import || continue
		sql "update tasks set title = 'My own words', section = 'today',
			position = 7 where id = '$TASK'"
		api POST "/v1/tasks/$TASK/archive"
		poll_own
		find_entry
		isnt "$ENTRY" "" "$provider: it is offered again"
		back_again "$provider"
		is "$(row 'title, section, position')" 'My own words|today|7' \
			"$provider: as its user had it"
		complete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: and can be completed"
	done
}

test_a_completed_row_comes_back() {
	local provider

	for provider in $(providers); do
		fresh "$provider" || continue
		import || continue
		api POST "/v1/tasks/$TASK/archive"
		poll_own
		find_entry
		# found completed by another connection's run, say, and opened since
		left_as "$TASK" completed absence completed
		back_again "$provider"
	done
}

# Offered since the last poll, completed by row, and not sent yet: the import is newer.
test_an_import_supersedes_a_completion_that_was_not_sent() {
	fresh todoist && import || return
	api POST "/v1/tasks/$TASK/archive"
	poll_own
	find_entry
	mark
	sql "update connections set rate_limited_until = now() + interval '1 hour'
		where id = '$CONNECTION'"
	sql "update tasks set status = 'completed', completed_at = now()
		where id = '$TASK'"
	wait_until 30 is_put_off || flunk "it waits"
	import
	is "$STATUS" 201 "it is imported: $BODY"
	is "$(sql "select wish, origin, state, reason from writebacks
		where task_id = '$TASK'")" 'complete|row|superseded|newer_wish' \
		"the completion is not sent"
	sql "update connections set rate_limited_until = null
		where id = '$CONNECTION'"
	poll_own
	is "$(task_line "$TASK") $(provider_says todoist "$ITEM") $(writes)" \
		"active - - open 0" "both sides agree"
}

is_put_off() {
	[ "$(sql "select state || ' ' || reason from writebacks
		where task_id = '$TASK'")" = 'queued rate_limited' ]
}

test_the_item_of_an_active_task_is_not_imported() {
	local before first

	fresh todoist || return
	first=$ENTRY
	add_connection todoist "${TOKENS[todoist]}" || return
	poll_once "$CONNECTION"
	find_entry
	isnt "$ENTRY" "" "two connections offer the same item"
	api POST "/v1/inbox/$first/import"
	TASK=$(field .task.id)
	before=$(task_json "$TASK")
	api POST "/v1/inbox/$ENTRY/import"
	is "$STATUS $(header content-type)" "409 application/problem+json" \
		"it is a task already: $BODY"
	is "$(field .detail)" "This item is an active task already." "so it says"
	find_entry
	is "$ENTRY" "" "and it leaves the inbox"
	is "$(task_json "$TASK")" "$before" "the task stays as it is"
	is "$(sql "select count(*) from tasks where user_id = '$USER_ID'")" 1 \
		"and alone"
}

inbox_of() {
	sql "select id from inbox_items where user_id = '$USER_ID' and source_id = '$1'"
}

# The app may have rules of its own.
test_an_import_that_the_table_refuses_is_told_so() {
	local rule

	as_new_user
	add_connection todoist || return
	add_own_item todoist 'Against a rule' && poll_once "$CONNECTION"
	for rule in "add column must_have text not null default ''; alter table tasks alter column must_have drop default" \
		"add constraint short check (length(title) < 5) not valid"; do
		stack_admin flowpin -c "begin" -c "alter table tasks $rule" -c commit
		api POST "/v1/inbox/$(inbox_of "$ITEM")/import"
		is "$STATUS $(field .detail)" \
			"422 A rule of Flowpin's own table does not allow this task." \
			"$rule"
		stack_admin flowpin -c "alter table tasks drop column if exists must_have,
			drop constraint if exists short"
	done
	stack_admin flowpin -c "create function no() returns trigger language plpgsql
			as 'begin raise exception ''not today''; end'" \
		-c "create trigger no before insert on tasks for each row
			execute function no()"
	api POST "/v1/inbox/$(inbox_of "$ITEM")/import"
	is "$STATUS" 422 "a trigger: $BODY"
	api POST /v1/tasks '{"title": "by hand"}'
	is "$STATUS $(field .detail)" \
		"422 A rule of Flowpin's own table does not allow this task." "by hand"
	stack_admin flowpin -c "drop trigger no on tasks"
	api POST "/v1/inbox/$(inbox_of "$ITEM")/import"
	is "$STATUS" 201 "the item is still there"
}

test_two_connections_that_see_the_same_item_share_its_row() {
	local provider first before

	for provider in $(providers); do
		fresh "$provider" || continue
		import || continue
		first=$CONNECTION
		add_connection "$provider" "${TOKENS[$provider]}" || continue
		poll_own
		poll_own
		before=$(task_json "$TASK")
		find_entry
		is "$ENTRY" "" "$provider: it is not offered through the other"
		poll_own
		is "$(task_json "$TASK")" "$before" "$provider: nor pulled to and fro"
		mark
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		poll_own
		is "$(task_line "$TASK") $(row connection_id)" \
			"completed absence completed $first" "$provider: completed"
		change_item "$provider" "$ITEM" '{"state": "open"}'
		poll_own
		poll_own
		is "$(task_line "$TASK") $(row connection_id)" "active - - $first" \
			"$provider: and open again"
		is "$(events_of "$TASK" | paste -sd ,)" \
			"task.completed completed,task.reopened reopened" \
			"$provider: each is told once"
		is "$(writes)" 0 "$provider: nothing is written"
		api DELETE "/v1/connections/$first"
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_own
		poll_own
		is "$(task_line "$TASK")" "completed absence completed" \
			"$provider: without the first, the other sees to it"
	done
}

# --- what the inbox shows of Linear -----------------------------------------------

# team: an issue of it can have each of the types. Sets TEAM.
team() {
	TEAM=$(cat /proc/sys/kernel/random/uuid)
	sim POST /_sim/teams "$(jq -n --arg a "${TOKENS[linear]}" \
		--arg i "$TEAM" '{account: $a, team_id: $i, key: "DES", name: "Design",
		states: [["triage", "backlog", "unstarted", "started", "completed"] |
			to_entries[] | {name: .value, type: .value,
				position: .key}]}')"
}

# shown: what the user's inbox offers, by title
shown() {
	api GET '/v1/inbox?limit=200'
	jq -r '.items[].title | sub("^.*] "; "")' <<<"$BODY" | sort | paste -sd ' '
}

# types JSON: as the client keeps what its user wants to see
types() {
	sql "update integrations set metadata =
		jsonb_build_object('linearStateTypes', '$1'::jsonb)
		where id = '$CONNECTION'"
}

test_the_inbox_of_linear_shows_the_types_that_are_wanted() {
	local type

	as_new_user
	add_connection linear && team || return
	for type in triage backlog unstarted started; do
		add_own_item linear "$type" "{\"team_id\": \"$TEAM\",
			\"state_type\": \"$type\"}"
	done
	poll_own
	is "$(shown)" "started unstarted" "what is to be done, by default"
	types '["backlog"]'
	is "$(shown)" backlog "or only the backlog"
	types '["triage", "backlog", "unstarted", "started"]'
	is "$(shown)" "backlog started triage unstarted" "or all"
	types '[]'
	is "$(shown)" "" "or nothing"
	poll_own
	is "$(shown)" "" "and no poll thinks otherwise"
	types '["started"]'
	is "$(shown)" started "that is a matter of showing them"
}

# All four count as active, whatever is shown.
test_a_task_whose_issue_is_put_back_stays_to_be_done() {
	local type bag

	fresh linear && import && team || return
	bag=$(row source_metadata)
	change_item linear "$ITEM" "{\"team_id\": \"$TEAM\"}"
	mark
	for type in backlog triage started unstarted; do
		change_item linear "$ITEM" "{\"state_type\": \"$type\"}"
		poll_own
		poll_own
		is "$(task_line "$TASK")" "active - -" "$type"
		is "$(task_json "$TASK" | jq -r .source_metadata.state_type)" \
			"$type" "$type: the gateway knows"
		is "$(row source_metadata)" "$bag" \
			"$type: the client's bag is the client's"
	done
	is "$(writes) $(events_of "$TASK")" "0 " "nothing is written or told"
}

# --- what a poll writes -----------------------------------------------------------

# picture: which rows Flowpin's tables hold, and which version of each
picture() {
	sql "select 'task', id, xmin, ctid from tasks
		union all select 'integration', id, xmin, ctid from integrations
		order by 1, 2"
}

# rewritten BEFORE: the ids of rows that are not what they were
rewritten() {
	diff <(echo "$1") <(picture) | sed -n 's/^> [a-z]*|\([^|]*\)|.*/\1/p' |
		sort | paste -sd ' '
}

# working PROVIDER: tasks with and without a connection, one completed here, one by
# absence, one archived; and an item in the inbox. OWN and OWN_ITEM, LEGACY and
# LEGACY_ITEM are two of them.
working() {
	as_new_user
	add_connection "$1" || return
	add_own_item "$1" 'Legacy'
	LEGACY_ITEM=$ITEM
	LEGACY=$(sql "insert into tasks (user_id, title, source, source_id)
		values ('$USER_ID', 'Legacy', '$1', '$ITEM') returning id")
	make_task "$1" 'Completed here' && complete "$TASK"
	make_task "$1" 'Completed there' &&
		change_item "$1" "$ITEM" '{"state": "completed"}'
	make_task "$1" 'Archived' && api POST "/v1/tasks/$TASK/archive"
	add_own_item "$1" 'In the inbox'
	make_task "$1" 'Own' && OWN=$TASK OWN_ITEM=$ITEM
	poll_own
	poll_own
}

test_a_poll_that_finds_nothing_new_writes_no_row_of_flowpins() {
	local provider before known

	for provider in $(providers); do
		working "$provider" || continue
		[ "$provider" != linear ] || is "$(sql "select
			metadata -> 'teamDoneStates' <> '{}' from integrations
			where id = '$CONNECTION'")" t "$provider: its states are known"
		before=$(picture)
		poll_own
		poll_own
		is "$(rewritten "$before")" "" "$provider: quiet runs"
		sql "update connections set quiet_list = null
			where id = '$CONNECTION'"
		poll_own
		is "$(rewritten "$before")" "" "$provider: the long way"
		known=$(sql "select metadata from links where task_id = '$LEGACY'")
		sql "update links set metadata = '{\"old\": 1}', account_id = null,
			missing_since = now() where user_id = '$USER_ID'"
		poll_own
		is "$(rewritten "$before")" "" "$provider: with much to note"
		is "$(sql "select l.account_id = c.account_id, l.metadata,
			missing_since is null from links l, connections c
			where task_id = '$LEGACY' and c.id = '$CONNECTION'")" "t|$known|t" \
			"$provider: which it noted"
		is "$(sql "select connection_id is null from tasks
			where id = '$LEGACY'")" t "$provider: though not in the task"
		fault "{\"kind\": \"status\", \"provider\": \"$provider\"}"
		poll_own
		no_faults
		is "$(last_run "$CONNECTION") $(rewritten "$before")" "failed " \
			"$provider: a failed run"
		poll_own
		is "$(last_run "$CONNECTION") $(rewritten "$before")" "complete " \
			"$provider: and the next"
	done
}

test_a_poll_that_finds_something_writes_the_tasks_it_is_about() {
	local provider before both

	for provider in $(providers); do
		working "$provider" || continue
		before=$(picture)
		add_own_item "$provider" 'New'
		change_item "$provider" "$OWN_ITEM" '{"title": "Renamed there",
			"due_date": "2031-05-06"}'
		poll_own
		is "$(rewritten "$before")" "" "$provider: nothing changed for them"
		change_item "$provider" "$OWN_ITEM" '{"state": "completed"}'
		poll_own
		is "$(rewritten "$before")" "$OWN" "$provider: one"
		change_item "$provider" "$LEGACY_ITEM" '{"state": "completed"}'
		poll_own
		both=$(printf '%s\n' "$OWN" "$LEGACY" | sort | paste -sd ' ')
		is "$(rewritten "$before")" "$both" "$provider: and another"
		is "$(sql "select connection_id from tasks where id = '$LEGACY'")" \
			"$CONNECTION" "$provider: which is told whose it is by that"
		before=$(picture)
		change_item "$provider" "$OWN_ITEM" '{"state": "open"}'
		poll_own
		is "$(rewritten "$before")" "$OWN" "$provider: and back"
		poll_own
		poll_own
		is "$(rewritten "$before")" "$OWN" "$provider: that is all"
	done
}

stack_whole && run_tests
