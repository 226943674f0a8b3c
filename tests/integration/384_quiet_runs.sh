#!/bin/bash
# A list that gave the last run nothing to do gives the next one nothing to do,
# over the same tasks: that is found out cheaply, and whatever changed on either
# side is seen all the same.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"


is_quiet() {
	[ "$(sql "select quiet_list is not null from connections
		where id = '$CONNECTION'")" = t ]
}

# settled PROVIDER COUNT: so many items, all of them tasks, and one more in the inbox;
# and runs until there is nothing to do. A wrong title in the inbox, which nobody but
# a run writes, then tells a run that went the long way from one that did not.
settled() {
	fill "$1" "$2" && add_own_item "$1" 'Waiting' && polls 3 &&
		ok "$1: it is quiet" is_quiet && mark &&
		sql "update inbox_items set title = 'odd'
			where connection_id = '$CONNECTION'"
}

# went_long [CONNECTION]: what was odd has been mended
went_long() {
	[[ $(sql "select title from inbox_items where title ~ '(^odd|Waiting)\$'
		and connection_id = '${1:-$CONNECTION}'") == *Waiting ]]
}

# counters: how many rows were ever written, by table
counters() {
	sql 'select pg_stat_force_next_flush()' >/dev/null
	sql "select relname || ' ' || n_tup_ins + n_tup_upd + n_tup_del
		from pg_stat_user_tables order by 1"
}

test_a_quiet_run_is_a_complete_one() {
	local provider before

	for provider in $(providers); do
		settled "$provider" 3 || continue
		before=$(sql "select idle_runs + 1 from connections
			where id = '$CONNECTION'")
		sql "update connections set failure_count = 2, last_error = 'odd'
			where id = '$CONNECTION'"
		polls 1
		is "$(sql "select count(*), max(generation) - min(generation) from poll_runs
			where connection_id = '$CONNECTION'
			and outcome = 'complete' and pages = 1
			and items = 4")" '4|3' "$provider: it is told as one"
		ok "$provider: it was short" eval '! went_long'
		is "$(sql "select idle_runs, failure_count, last_error is null,
				lease_until is null, next_poll_at > now(),
				last_complete_run_at = (
					select max(started_at) from poll_runs
					where connection_id = i.id)
			from connections i where id = '$CONNECTION'")" \
			"$before|0|t|t|t|t" "$provider: and leaves what any leaves"
	done
}

test_it_does_not_ask_whose_list_it_is() {
	settled todoist 3 || return
	polls 1
	is "$(count_requests 'op=user')" 0 "nobody else has these items"
	is "$(count_requests 'op=list')" 1 "one page"
	ok "it was short" eval '! went_long'
	add_own_item todoist 'Another'
	polls 1
	is "$(count_requests 'op=user')" 1 "any other list may be another's"
}

# Nothing is concluded from a list before that was asked.
test_it_asks_when_there_is_something_to_do() {
	settled todoist 3 || return
	sql "update tasks set status = 'archived'
		where id = '$(task_of "${IDS[0]}")'"
	polls 1
	is "$(count_requests 'op=user')" 1 "asked, although the list is known"
	is "$(sql "select count(*) from inbox_items
		where source_id = '${IDS[0]}'")" 1 "and done"
}

test_another_key_is_no_quiet_matter() {
	local provider key

	for provider in todoist attio; do
		settled "$provider" 3 || continue
		key=$(sim_token "$provider")
		sim POST /_sim/accounts "$(jq -n --arg p "$provider" --arg t "$key" \
			--arg a "${TOKENS[$provider]}" \
			'{provider: $p, token: $t, account: $a}')"
		api PATCH "/v1/connections/$CONNECTION" "{\"key\": \"$key\"}"
		mark
		polls 1
		is "$(count_requests 'op=user')$(count_requests 'op=self')" \
			"$([ "$provider" = todoist ] && echo 10 || echo 01)" \
			"$provider: whose it is was asked"
		ok "$provider: it went the long way" went_long
	done
}

test_an_empty_list_may_be_anybodys() {
	fill todoist 0 && polls 3 && ok "it is quiet" is_quiet && mark
	polls 1
	is "$(count_requests 'op=user')" 1 "it is asked whose it is"
}

test_what_was_finished_there_is_seen() {
	local provider

	for provider in $(providers); do
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
	is "$(field '.items[0].title')" '[ENG-1] New' "the inbox has it"
}

# The list is the same: what changed is on this side.
test_a_task_whose_item_is_not_listed_is_seen() {
	local provider gone

	for provider in $(providers); do
		fill "$provider" 3 || continue
		gone=${IDS[0]}
		item_changes "$provider" 0 1 '{"state": "completed"}'
		polls 4
		ok "$provider: it is quiet" is_quiet
		is "$(tally)" '2 active, 1 completed completed' "$provider"
		left_as "$(task_of "$gone")" active
		polls 1
		is "$(tally)" '2 active, 1 completed completed' "$provider: again"
	done
}

test_a_task_that_was_deleted_here_is_seen() {
	settled attio 2 || return
	sql "delete from tasks where id = '$(task_of "${IDS[0]}")'"
	polls 1
	is "$(sql "select count(*) from inbox_items
		where source_id = '${IDS[0]}'")" 1 "its item can be imported"
}

test_a_task_that_was_archived_here_is_seen() {
	settled attio 2 || return
	sql "update tasks set status = 'archived'
		where id = '$(task_of "${IDS[0]}")'"
	polls 1
	is "$(sql "select count(*) from inbox_items
		where source_id = '${IDS[0]}'")" 1 "its item can be imported"
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

# seen_by_its_account: was the item shown by the account of the last connection?
seen_by_its_account() {
	sql "select l.account_id = c.account_id from links l, connections c
		where l.user_id = '$USER_ID' and c.id = '$CONNECTION'"
}

test_a_task_that_names_no_connection_is_seen() {
	as_new_user
	add_connection todoist || return
	add_own_item todoist 'Old import' && polls 3 && ok "it is quiet" is_quiet
	sql "insert into tasks (user_id, title, source, source_id)
		values ('$USER_ID', 'Old import', 'todoist', '$ITEM')"
	polls 1
	is "$(seen_by_its_account)" t "its item was seen"
	is "$(sql "select count(*) from inbox_items
		where user_id = '$USER_ID'")" 0 "and is not offered any more"
}

test_an_older_connection_that_was_deleted_is_seen() {
	local older item

	as_new_user
	add_connection attio || return
	older=$CONNECTION
	add_connection attio || return
	add_own_item attio 'Mine' && polls 3 && ok "it is quiet" is_quiet
	item=$ITEM
	# it is the older one's, and that has never listed it
	sql "insert into tasks (user_id, title, source, source_id)
		values ('$USER_ID', 'Mine', 'attio', '$item')"
	polls 3
	is "$(seen_by_its_account)" '' "not its own yet"
	ok "and it is quiet" is_quiet
	api DELETE "/v1/connections/$older"
	polls 1
	is "$(seen_by_its_account)" t "it is"
}

# What a run could not judge, it knows nothing of.
test_a_task_under_way_is_not_taken_for_judged() {
	fill attio 2 || return
	polls 1
	open_writeback "${IDS[0]}" || return
	polls 3
	ok "no run is sure of it" eval '! is_quiet'
	sql "delete from writebacks where task_id = '$TASK'"
	polls 1
	ok "now it is" is_quiet
}

# One whose archived task may yet go back: its item waits for how that ends.
test_an_archived_task_under_way_is_not_taken_for_judged() {
	fill attio 2 || return
	polls 1
	open_writeback "${IDS[0]}" || return
	sql "update tasks set status = 'archived' where id = '$TASK'"
	polls 3
	is "$(sql "select count(*) from inbox_items
		where connection_id = '$CONNECTION'")" 0 "it waits"
	sql "update writebacks set state = 'skipped', settled_at = now(),
			due_at = null, reason = 'manual'
		where task_id = '$TASK'"
	polls 1
	is "$(sql "select source_id from inbox_items
		where connection_id = '$CONNECTION'")" "${IDS[0]}" "it does not"
}

# open_writeback ITEM: its task's change is as old as it looks, only its writeback
# is under way. Sets TASK.
open_writeback() {
	TASK=$(task_of "$1")
	sql "insert into writebacks (user_id, task_id, task_version, wish, origin,
			state, due_at, source, source_id, before_status)
		select user_id, task_id, version, 'complete', 'call', 'queued',
			now() + interval '1 day', source, source_id, 'active'
		from links where task_id = '$TASK'" >/dev/null ||
		flunk "a writeback"
	sql "update connections set quiet_list = null where id = '$CONNECTION'"
}

test_what_nobody_answered_is_asked_again() {
	local provider

	for provider in $(providers); do
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
	sql "insert into guards (user_id, connection_id, kind, held)
		values ('$USER_ID', '$CONNECTION', 'mass_drop', 8)"
	polls 1
	is "$(guard_of)" '' "a run that finds all there releases it"
	ok "and went the long way" went_long
}

# What this connection is to do may hang on a task of another one.
test_a_task_of_another_connection_is_seen() {
	fill attio 1 || return
	add_connection attio "${TOKENS[attio]}" || return
	polls 3
	is "$(offered)" 0 "its item is a task already, through the other one"
	ok "there is nothing to do" is_quiet
	api POST "/v1/tasks/$(task_of "${IDS[0]}")/archive"
	is "$STATUS" 200 "it is archived"
	polls 1
	is "$(offered)" 1 "now it is offered through this one as well"
}

# offered: how many items lie in the latest connection's inbox
offered() {
	sql "select count(*) from inbox_items where connection_id = '$CONNECTION'"
}

# A run whose claim ended changes nothing.
test_a_claim_that_ended_ends_nothing() {
	local runs

	settled attio 2 || return
	runs=$(sql "select count(*) from poll_runs
		where connection_id = '$CONNECTION'")
	fault '{"kind": "delay", "op": "list", "delay_ms": 3000}'
	poll_behind --connection "$CONNECTION"
	wait_until 20 is_in_flight 'op=list' || flunk "it is under way"
	sql "update connections set generation = generation + 1
		where id = '$CONNECTION'"
	poll_joined
	no_faults
	is "$(sql "select count(*) from poll_runs
		where connection_id = '$CONNECTION'")" "$runs" "not its run, either"
	is "$(sql "select lease_until > now() from connections
		where id = '$CONNECTION'")" t "the lease is the other's"
}

test_an_unchanged_connection_writes_itself_and_its_run() {
	local before now

	settled linear 5 || return
	sql "update connections set next_poll_at = now() + interval '1 day'
		where id <> '$CONNECTION'"
	# a session may keep what it counted until it ends
	now=$(sql 'select now()')
	restart_gateway
	ok "older sessions have ended" wait_until 20 no_session_before "$now"
	before=$(counters)
	poll_once "$CONNECTION"
	wait_until 20 are_written "$before" 'connections poll_runs' ||
		flunk "those two: $(written "$before")"
}

# the helper's own tell what they counted at once
no_session_before() {
	[ "$(sql "select count(*) from pg_stat_activity
		where backend_type = 'client backend' and application_name <> 'psql'
		  and backend_start < '$1'")" = 0 ]
}

# written BEFORE: which tables have been since
written() {
	diff <(echo "$1") <(counters) | grep '^>' | cut -d ' ' -f 2 | paste -sd ' '
}

are_written() {
	[ "$(written "$1")" = "$2" ]
}

# A claim changes nothing that an index knows, and its row stays on its page.
test_a_claim_rewrites_its_row_in_place() {
	local before after

	settled todoist 1 || return
	before=$(updates)
	polls 2
	# each is made due, claimed and ended; told when their sessions have ended
	ok "so many updates" wait_until 20 were_updated $((${before% *} + 6))
	after=$(updates)
	ok "claims in place: $before, $after" \
		[ "$((${after#* } - ${before#* }))" -ge 2 ]
}

were_updated() {
	[[ $(updates) == "$1 "* ]]
}

updates() {
	sql "select n_tup_upd || ' ' || n_tup_hot_upd
		from pg_stat_user_tables where relname = 'connections'"
}

have_ended() {
	[ "$(sql "select count(*) from connections
		where user_id = '$USER_ID' and idle_runs = $1
		and lease_until is null")" = "$2" ]
}

# Somebody has one of the rows locked for long: the others do not wait for that.
test_many_end_together() {
	local i locked

	as_new_user
	for i in {1..12}; do
		add_connection attio || return
		add_own_item attio 'Waiting'
	done
	for i in 1 2 3; do
		poll_own
	done
	ok "all are quiet" have_ended 2 12
	sql "update inbox_items set title = 'odd' where user_id = '$USER_ID'"
	sql "update connections set next_poll_at = now() +
		case when user_id = '$USER_ID' then '0' else '1 day' end::interval"
	fault '{"kind": "delay", "op": "list", "delay_ms": 3000}'
	mark
	poll_behind
	wait_until 20 is_in_flight 'op=list' || flunk "it is under way"
	locked=$(sql "select min(id::text) from connections
		where user_id = '$USER_ID'")
	stack_start locker psql "$DATABASE_URL" -X -c "begin; select 1 from gateway.connections
		where id = '$locked' for update; select pg_sleep(600)"
	ok "eleven end" wait_until 20 have_ended 3 11
	# its server would sleep on
	sql "select pg_terminate_backend(pid) from pg_stat_activity
		where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()" \
		>/dev/null
	stack_end locker
	poll_joined
	no_faults
	ok "and the last one after all" have_ended 3 12
	is "$(sql "select count(*) from inbox_items
		where user_id = '$USER_ID' and title = 'odd'")" 11 "which went the long way"
}

stack_whole && run_tests
