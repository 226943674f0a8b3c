#!/bin/bash
# A list that gave the last run nothing to do gives the next one nothing to do,
# over the same tasks: that is found out cheaply, and whatever changed on either
# side is seen all the same.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

PROVIDERS=(todoist linear attio)

is_quiet() {
	[ "$(sql "select quiet_list is not null from integrations
		where id = '$CONNECTION'")" = t ]
}

# settled PROVIDER COUNT: so many items, all of them tasks, and runs until there is
# nothing to do.
settled() {
	fill "$1" "$2" && polls 3 && ok "$1: it is quiet" is_quiet && mark
}

# counters: how many rows were ever written, by table
counters() {
	sql 'select pg_stat_force_next_flush()' >/dev/null
	sql "select relname || ' ' || n_tup_ins + n_tup_upd + n_tup_del
		from pg_stat_user_tables order by 1"
}

test_a_quiet_run_is_a_complete_one() {
	local provider before

	for provider in "${PROVIDERS[@]}"; do
		settled "$provider" 3 || continue
		before=$(sql "select quiet_runs + 1 from integrations
			where id = '$CONNECTION'")
		sql "update integrations set failure_count = 2, last_error = 'odd'
			where id = '$CONNECTION'"
		polls 1
		is "$(sql "select count(*), max(generation) from poll_runs
			where connection_id = '$CONNECTION'
			and outcome = 'complete' and items = 3
			and pages = 1")" '4|4' "$provider: it is told as one"
		is "$(sql "select quiet_runs, failure_count, last_error is null,
				lease_until is null, next_poll_at > now(),
				last_complete_run_at = (
					select max(started_at) from poll_runs
					where connection_id = i.id)
			from integrations i where id = '$CONNECTION'")" \
			"$before|0|t|t|t|t" "$provider: and leaves what any leaves"
	done
}

test_it_does_not_ask_whose_list_it_is() {
	settled todoist 3 || return
	polls 1
	is "$(count_requests 'op=user')" 0 "nobody else has these items"
	is "$(count_requests 'op=list')" 1 "one page"
	add_own_item todoist 'Another'
	polls 1
	is "$(count_requests 'op=user')" 1 "any other list may be another's"
}

test_an_empty_list_may_be_anybodys() {
	fill todoist 0 && polls 3 && mark
	polls 1
	is "$(count_requests 'op=user')" 1 "it is asked whose it is"
}

test_what_was_finished_there_is_seen() {
	local provider

	for provider in "${PROVIDERS[@]}"; do
		settled "$provider" 3 || continue
		item_changes "$provider" 1 1 '{"state": "completed"}'
		polls 1
		is "$(tally)" '2 active, 1 completed completed' "$provider"
		ok "$provider: that was something to do" eval '! is_quiet'
	done
}

test_a_title_that_changed_there_is_seen() {
	as_new_user
	add_connection linear || return
	add_own_item linear 'Old' && polls 3 && ok "it is quiet" is_quiet
	change_item linear "$ITEM" '{"title": "New"}'
	polls 1
	api GET '/v1/inbox'
	is "$(field '.items[0].title')" New "the inbox has it"
}

# The list is the same: what changed is on this side.
test_a_task_whose_item_is_not_listed_is_seen() {
	local provider gone

	for provider in "${PROVIDERS[@]}"; do
		fill "$provider" 3 || continue
		gone=${IDS[0]}
		item_changes "$provider" 0 1 '{"state": "completed"}'
		polls 3
		ok "$provider: it is quiet" is_quiet
		is "$(tally)" '2 active, 1 completed completed' "$provider"
		# as Flowpin's own client would, past the gateway
		sql "update tasks set status = 'active', completed_at = null
			where user_id = '$USER_ID' and source_id = '$gone'"
		polls 1
		is "$(tally)" '2 active, 1 completed completed' "$provider: again"
	done
}

test_a_task_that_was_deleted_here_is_seen() {
	settled attio 2 || return
	sql "delete from tasks where id = '$(task_of "${IDS[0]}")'"
	polls 1
	is "$(sql "select source_id from inbox_items
		where user_id = '$USER_ID'")" "${IDS[0]}" "its item can be imported"
}

test_a_task_that_was_archived_here_is_seen() {
	settled attio 2 || return
	sql "update tasks set status = 'archived'
		where id = '$(task_of "${IDS[0]}")'"
	polls 1
	is "$(sql "select source_id from inbox_items
		where user_id = '$USER_ID'")" "${IDS[0]}" "its item can be imported"
}

test_an_inbox_item_that_was_deleted_here_is_seen() {
	as_new_user
	add_connection todoist || return
	add_own_item todoist 'Kept' && polls 3 && ok "it is quiet" is_quiet
	sql "delete from inbox_items where user_id = '$USER_ID'"
	polls 1
	is "$(sql "select title from inbox_items where user_id = '$USER_ID'")" \
		Kept "it is back"
}

test_a_task_that_names_no_connection_is_seen() {
	as_new_user
	add_connection todoist || return
	add_own_item todoist 'Old import' && polls 3 && ok "it is quiet" is_quiet
	sql "insert into tasks (user_id, title, source, source_id, created_at,
			updated_at)
		values ('$USER_ID', 'Old import', 'todoist', '$ITEM',
			now() - interval '1 hour', now() - interval '1 hour')"
	polls 1
	is "$(sql "select connection_id from tasks
		where user_id = '$USER_ID'")" "$CONNECTION" "it is adopted"
}

test_an_older_connection_that_was_deleted_is_seen() {
	local older item

	as_new_user
	add_connection attio || return
	older=$CONNECTION
	add_connection attio || return
	add_own_item attio 'Mine' && polls 3 && ok "it is quiet" is_quiet
	item=$ITEM
	# it is the older one's to adopt, and that has never listed it
	sql "insert into tasks (user_id, title, source, source_id, created_at,
			updated_at)
		values ('$USER_ID', 'Mine', 'attio', '$item',
			now() - interval '1 hour', now() - interval '1 hour')"
	polls 3
	is "$(sql "select connection_id is null from tasks
		where user_id = '$USER_ID'")" t "not its own yet"
	api DELETE "/v1/connections/$older"
	polls 1
	is "$(sql "select connection_id from tasks
		where user_id = '$USER_ID'")" "$CONNECTION" "it is adopted"
}

# What a run could not judge, it knows nothing of.
test_a_task_under_way_is_not_taken_for_judged() {
	settled attio 2 || return
	TASK=$(task_of "${IDS[0]}")
	# its change is as old as it looks; only its writeback is under way
	sql "insert into writebacks (user_id, task_id, task_version, wish, state,
			due_at, give_up_at, source, source_id, before_status)
		select user_id, id, version, 'complete', 'queued',
			now() + interval '1 day', now() + interval '1 day', source,
			source_id, 'active'
		from tasks where id = '$TASK'" >/dev/null || flunk "a writeback"
	# something else to do, so that the run is not quiet by what was known
	change_item attio "${IDS[1]}" '{"title": "Other"}'
	polls 3
	ok "no run is sure of it" eval '! is_quiet'
	sql "delete from writebacks where task_id = '$TASK'"
	polls 1
	ok "now it is" is_quiet
}

test_what_nobody_answered_is_asked_again() {
	local provider

	for provider in "${PROVIDERS[@]}"; do
		settled "$provider" 3 || continue
		item_changes "$provider" 0 1 '{"state": "completed"}'
		fault "{\"kind\": \"status\", \"status\": 500,
			\"provider\": \"$provider\", \"op\": \"read\"}"
		polls 2
		is "$(tally)" '3 active' "$provider: nobody says what became of it"
		no_faults
		polls 1
		is "$(tally)" '2 active, 1 completed completed' "$provider: now"
	done
}

test_a_guard_is_no_quiet_matter() {
	settled attio 8 || return
	item_changes attio 0 8 '{"state": "deleted"}'
	polls 3
	is "$(guard_of)" 'list_emptied 8' "it holds"
	ok "and is not quiet" eval '! is_quiet'
}

test_an_unchanged_connection_writes_itself_and_its_run() {
	local before

	settled linear 5 || return
	sql "update integrations set next_poll_at = now() + interval '1 day'
		where id <> '$CONNECTION'"
	before=$(counters)
	poll_once "$CONNECTION"
	is "$(diff <(echo "$before") <(counters) | grep '^>' | cut -d ' ' -f 2 |
		paste -sd ' ')" 'integrations poll_runs' "and nothing else"
}

test_many_end_together() {
	local i

	as_new_user
	for i in {1..12}; do
		add_connection attio || return
		add_own_item attio 'One'
	done
	for i in 1 2 3; do
		poll_own
	done
	is "$(sql "select count(*) from integrations
		where user_id = '$USER_ID' and quiet_list is not null
		and quiet_runs = 2 and lease_until is null")" 12 "all are quiet"
	# one of them is another poller's, or a person's, at this moment
	CONNECTION=$(sql "select min(id::text) from integrations
		where user_id = '$USER_ID'")
	change_item attio "$ITEM" '{"state": "completed"}'
	poll_own
	is "$(sql "select count(*) from integrations
		where user_id = '$USER_ID' and quiet_runs = 3
		and lease_until is null")" 11 "eleven are"
	is "$(sql "select count(*) from inbox_items
		where user_id = '$USER_ID'")" 11 "and one has changed"
}

stack_whole && run_tests
