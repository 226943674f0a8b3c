#!/bin/bash
# An unmodified client closes a recurring Todoist item itself, and writes the row that
# makes the gateway wish the same: one occurrence is closed, whoever comes first. The
# gateway waits recurring_grace_ms for the client; what then tells is the due date. A
# client that takes longer than that closes the next occurrence, and nobody can tell.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

DAILY='{"recurring": "every day", "due_date": "2031-02-03"}'
GRACE_MS=2500

# at_todoist MEMBER: of the item.
at_todoist() {
	sim GET "/_sim/items/todoist/$ITEM"
	jq -c "$1" <<<"$BODY"
}

# next_daily: one more recurring item's task. Sets TASK, ITEM and BEFORE.
next_daily() {
	next_task
}

closes() {
	closes_itself "${TOKENS[todoist]}" "$ITEM"
}

# time_passes: since the run that showed the date which stands in the task's link.
time_passes() {
	sql "update gateway.links set due_since = due_since - interval '10 s'
		where task_id = '$TASK'" >/dev/null
}

# one_is_closed WISHES: exactly one occurrence, and the wish ended so.
one_is_closed() {
	wishes_are "$TASK" "$1"
	is "$(at_todoist '[.occurrences_done, .due.date]')" '[1,"2031-02-04"]' \
		"one occurrence is closed"
}

# stays_open WISHES OCCURRENCES: nothing was closed by the gateway, and the row is back.
stays_open() {
	wishes_are "$TASK" "$1"
	is "$(at_todoist .occurrences_done)" "$2" "no occurrence is closed by us"
	is "$(task_status "$TASK")" active "the row is back"
	api GET '/v1/events?limit=200'
	like "$(jq -r --arg t "$TASK" '[.events[] | select(.task_id == $t)] |
		last | tostring' <<<"$BODY")" \
		'The task was not completed: the item was changed in Todoist' \
		"and its user is told why"
}

# --- the client is faster ---------------------------------------------------------------

test_the_client_closes_it_before_the_row_comes() {
	next_daily
	closes
	row_says "$TASK" completed
	one_is_closed "complete row accepted already_done"
	is "$(writes)" 1 "the client's write is the only one"
}

test_the_client_closes_it_after_the_row_came() {
	next_daily
	row_says "$TASK" completed
	sleep 1 # what a slow client takes, below the grace
	closes
	one_is_closed "complete row accepted already_done"
}

test_the_client_closes_it_while_the_gateway_looks() {
	next_daily
	fault '{"provider": "todoist", "op": "read", "kind": "delay",
		"delay_ms": 4000}'
	row_says "$TASK" completed
	wait_until 20 is_in_flight 'op=read' || flunk "the gateway looks"
	closes
	one_is_closed "complete row accepted already_done"
	no_faults
}

# The row is flushed hours later, by a client that closed the item at once: a run has
# shown the next date meanwhile, and the wish is not about that one.
test_a_row_that_comes_after_the_next_date_was_listed_closes_nothing() {
	local moment

	next_daily
	moment=$(sql "select now()")
	closes
	poll_own
	is "$(sql "select metadata ->> 'due_date' from links
		where task_id = '$TASK'")" 2031-02-04 "the row has the next date"
	row_says "$TASK" completed "'$moment'"
	stays_open "complete row rolled_back source_changed" 1
	time_passes
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row rolled_back source_changed, complete row accepted done"
	is "$(at_todoist .occurrences_done)" 2 "what is wished now is done"
}

# Clocks of devices are no better than their owners: of a wish within seconds of the new
# date nobody knows which date it is about.
test_a_device_whose_clock_is_fast_closes_nothing() {
	local stamp

	for stamp in "now() + interval '2 s'" "now() + interval '1 day'" "'infinity'" \
		"null"; do
		next_daily
		closes
		poll_own
		row_says "$TASK" completed "$stamp"
		stays_open "complete row rolled_back source_changed" 1
	done
}

# The row is active again for the date that was found then, which no run has shown yet.
test_what_is_active_again_is_the_date_that_was_read() {
	next_daily
	complete "$TASK"
	is_outcome accepted "done"
	row_says "$TASK" active
	wishes_are "$TASK" "complete call accepted done, uncomplete row accepted already_done"
	complete "$TASK"
	is_outcome accepted "done"
	is "$(at_todoist .occurrences_done)" 2 "what is wished now is done"
}

# What the gateway closed was not the date of the last list, and the next one that the
# client closes is.
test_what_was_closed_is_the_date_that_was_read() {
	next_daily
	change_item todoist "$ITEM" '{"due_date": "2031-02-02"}'
	complete "$TASK"
	is_outcome accepted "done"
	row_says "$TASK" active
	wishes_are "$TASK" "complete call accepted done, uncomplete row accepted already_done"
	time_passes
	closes
	row_says "$TASK" completed
	wishes_are "$TASK" "complete call accepted done, uncomplete row accepted already_done, complete row accepted already_done"
	is "$(at_todoist '[.occurrences_done, .due.date]')" '[2,"2031-02-04"]' \
		"the client's own close is the second one"
}

# Nor what was read before a wish was taken back: the client's next close leads to the
# very date that the last list had.
test_what_is_taken_back_is_the_date_that_was_read() {
	next_daily
	change_item todoist "$ITEM" '{"due_date": "2031-02-01"}'
	closes
	row_says "$TASK" completed
	stays_open "complete row rolled_back source_changed" 1
	is "$(sql "select due_read from writebacks where task_id = '$TASK'")" '' \
		"whoever had taken it over would not have taken that for the date meant"
	time_passes
	closes
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row rolled_back source_changed, complete row accepted already_done"
	is "$(at_todoist '[.occurrences_done, .due.date]')" '[2,"2031-02-03"]' \
		"the client closed two, and nobody a third"
}

# People bring the date forward, which no run has seen, and the client's own close leads
# back to the date that the list had.
test_a_date_that_came_back_closes_nothing() {
	next_daily
	change_item todoist "$ITEM" '{"due_date": "2031-02-02"}'
	closes
	row_says "$TASK" completed
	stays_open "complete row rolled_back source_changed" 1
	is "$(at_todoist .due.date)" '"2031-02-03"' "it is where the list had it"
}

# The same of a second device's copy, after the row is open again.
# Its date is the one that was closed, to which the series may come back.
test_an_archived_task_that_is_completed_closes_nothing() {
	next_daily
	closes
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted already_done"
	row_says "$TASK" archived
	change_item todoist "$ITEM" '{"due_date": "2031-02-02"}'
	mark
	closes
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted already_done, complete row rolled_back source_changed"
	is "$(writes) $(at_todoist .due.date)" '1 "2031-02-03"' \
		"the client closed one, and nobody another"
	is "$(task_status "$TASK")" archived "the row is back"
}

# The undo waits for the client, and the person changes their mind: the date in the link is
# the one that was closed, which says nothing of the next.
test_a_completion_after_an_undo_that_was_not_sent_closes_the_next_one() {
	next_daily
	complete "$TASK"
	is_outcome accepted "done"
	row_says "$TASK" active
	closes_the_next_one
}

test_a_completion_after_the_archive_closes_the_next_one() {
	next_daily
	complete "$TASK"
	is_outcome accepted "done"
	app "update tasks set status = 'archived' where id = '$TASK'"
	app "update tasks set status = 'active', completed_at = null
		where id = '$TASK'"
	closes_the_next_one
}

test_a_completion_after_an_undo_that_stayed_here_closes_the_next_one() {
	next_daily
	complete "$TASK"
	is_outcome accepted "done"
	api PATCH "/v1/connections/$CONNECTION" '{"status": "paused"}'
	uncomplete "$TASK"
	is_outcome skipped paused
	api PATCH "/v1/connections/$CONNECTION" '{"status": "active"}'
	closes_the_next_one
}

closes_the_next_one() {
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "it is done: $BODY"
	is "$(at_todoist '[.occurrences_done, .due.date]')" '[2,"2031-02-05"]' \
		"in truth"
}

test_a_second_device_does_not_close_the_next_occurrence() {
	local moment

	next_daily
	moment=$(sql "select now()")
	row_says "$TASK" completed
	one_is_closed "complete row accepted done"
	poll_own
	is "$(task_status "$TASK")" active "the next date is listed, it is active again"
	row_says "$TASK" completed "'$moment'"
	stays_open "complete row accepted done, complete row rolled_back source_changed" 1
}

# --- nobody else closes it ----------------------------------------------------------------

test_the_gateway_waits_and_then_closes_it() {
	local began

	next_daily
	began=${EPOCHREALTIME/[.,]/}
	row_says "$TASK" completed
	one_is_closed "complete row accepted done"
	((${EPOCHREALTIME/[.,]/} - began >= GRACE_MS * 1000)) ||
		flunk "it waited for the client"
	is "$(writes)" 1 "by one write"
}

test_a_call_does_not_wait() {
	next_daily
	complete "$TASK"
	is_outcome accepted "done"
	one_is_closed "complete call accepted done"
}

test_a_plain_item_does_not_wait() {
	read -r TASK ITEM <<<"${PLAIN_TASKS[0]}"
	PLAIN_TASKS=("${PLAIN_TASKS[@]:1}")
	mark
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted done"
}

# Found by a run that sees the next date listed already: the wish still compares with
# the date from before.
test_a_row_found_late_compares_with_the_date_from_before() {
	next_daily
	sql "alter table tasks disable trigger flowpin_gateway" >/dev/null
	row_says "$TASK" completed
	closes
	sql "alter table tasks enable trigger flowpin_gateway" >/dev/null
	poll_own
	one_is_closed "complete found accepted already_done"
}

# Clients make the row active when they see the next occurrence: that is no wish to have
# the last one back.
test_a_row_made_active_again_gives_no_occurrence_back() {
	next_daily
	row_says "$TASK" completed
	one_is_closed "complete row accepted done"
	row_says "$TASK" active
	wishes_are "$TASK" \
		"complete row accepted done, uncomplete row accepted already_done"
	is "$(at_todoist '[.occurrences_done, .due.date]') $(writes)" \
		'[1,"2031-02-04"] 1' "its item stays as it is"
	poll_own
	is "$(task_status "$TASK")" active "and the row is open"
}

# --- the date from before is not known ----------------------------------------------------

# forgets_due: as a task that no run has seen yet.
forgets_due() {
	sql "update tasks set source_metadata = null where id = '$TASK';
		update links set metadata = '{}' where task_id = '$TASK'" >/dev/null
}

test_a_date_that_is_not_known_closes_nothing() {
	next_daily
	forgets_due
	row_says "$TASK" completed
	stays_open "complete row rolled_back source_changed" 0
	is "$(writes)" 0 "nothing is written"
}

test_nor_a_second_time_if_the_client_closed_it() {
	next_daily
	forgets_due
	row_says "$TASK" completed
	closes
	stays_open "complete row rolled_back source_changed" 1
}

test_a_call_closes_it_all_the_same() {
	next_daily
	forgets_due
	complete "$TASK"
	is_outcome accepted "done"
	is "$(at_todoist .occurrences_done)" 1 "one occurrence is closed"
}

test_an_item_that_recurs_since_the_last_poll_is_not_closed() {
	read -r TASK ITEM <<<"${PLAIN_TASKS[0]}"
	PLAIN_TASKS=("${PLAIN_TASKS[@]:1}")
	mark
	change_item todoist "$ITEM" "$DAILY"
	row_says "$TASK" completed
	stays_open "complete row rolled_back source_changed" 0
}

# --- plain items ----------------------------------------------------------------------------

test_a_plain_item_that_the_client_closed_is_done() {
	read -r TASK ITEM <<<"${PLAIN_TASKS[0]}"
	PLAIN_TASKS=("${PLAIN_TASKS[@]:1}")
	mark
	closes
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted already_done"
	is "$(writes) $(taken) $(provider_says todoist "$ITEM")" "1 1 completed" \
		"the client's write is the only one"
}

test_a_plain_item_that_the_client_closes_late_is_closed_once() {
	read -r TASK ITEM <<<"${PLAIN_TASKS[0]}"
	PLAIN_TASKS=("${PLAIN_TASKS[@]:1}")
	mark
	row_says "$TASK" completed
	wishes_are "$TASK" "complete row accepted done"
	closes
	is "$(taken) $(provider_says todoist "$ITEM")" "1 completed" \
		"one write takes effect"
}

make_all() {
	make_tasks todoist 4 && PLAIN_TASKS=("${MADE_TASKS[@]}") || return
	add_own_item todoist daily '{"count": 25, "recurring": "every day",
		"due_date": "2031-02-03"}'
	poll_once "${CONNECTIONS[todoist]}"
	MADE_TASKS=()
	api GET '/v1/inbox?limit=200'
	for id in $(field '.items[].id'); do
		api POST "/v1/inbox/$id/import"
		MADE_TASKS+=("$(field '.task | "\(.id) \(.source_id)"')")
	done
	is "${#MADE_TASKS[@]}" 25 "there are recurring tasks"
}

stack_init && stack_setting sweep_ms 200 &&
	stack_setting recurring_grace_ms "$GRACE_MS" &&
	stack_setting provider_timeout_ms 8000
stack_whole && as_new_user && add_connection todoist && make_all && run_tests
