#!/bin/bash
# The row in tasks usually changes before any call comes: a call then joins the wish
# that the changed row made, whoever sends it, and is told what became of it. A wish
# is sent once, however many ask for it.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

DAILY='{"recurring": "every day", "due_date": "2031-02-03"}'

fresh() {
	as_new_user && add_connection "$1"
}

# by_row WISH: as the app changes the row of TASK. Sets WRITEBACK, its wish.
by_row() {
	case $1 in
	complete) sql "update tasks set status = 'completed',
		completed_at = now(), updated_at = now() where id = '$TASK'" ;;
	*) sql "update tasks set status = 'active', completed_at = null,
		updated_at = now() where id = '$TASK'" ;;
	esac
	WRITEBACK=$(sql "select id from writebacks where task_id = '$TASK'
		and origin = 'row' order by task_version desc limit 1")
	[ -n "$WRITEBACK" ] || flunk "the row's change is a wish"
}

# a_sweeper: another gateway, which calls do not reach, takes up what is due; the one
# that they reach does not.
a_sweeper() {
	stack_setting sweep_ms 100
	stack_gateway other || bail "no other gateway"
	stack_setting sweep_ms 600000
}

no_sweeper() {
	stack_end other
}

# writebacks_of TASK: how many there are.
writebacks_of() {
	sql "select count(*) from writebacks where task_id = '$1'"
}

# is_told_of_it OUTCOME REASON: the last call was answered with WRITEBACK.
is_told_of_it() {
	is_outcome "$1" "$2"
	is "$(field .writeback.id)" "$WRITEBACK" "it is the wish of the row"
}

test_a_call_sends_what_the_row_wished_for() {
	local provider wish

	for provider in $(providers); do
		fresh "$provider"
		for wish in complete uncomplete; do
			ready_for "$wish" "$provider" || continue
			by_row "$wish"
			is "$(writeback_state "$WRITEBACK")" open "it waits"
			wish "$wish" "$TASK"
			is_told_of_it accepted "done"
			is "$(provider_says "$provider" "$ITEM")" \
				"$(state_for "$wish")" "$provider has it"
			is "$(writes)" 1 "$provider: one write was sent"
			is "$(sql "select origin || ' ' || attempts from writebacks
				where id = '$WRITEBACK'")" "row 1" "by the call"
		done
	done
}

test_a_call_waits_for_whoever_sends_it_already() {
	local provider

	a_sweeper
	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		fault "{\"kind\": \"delay\", \"provider\": \"$provider\",
			\"write\": true, \"delay_ms\": 4000}"
		by_row complete
		wait_until 20 is_sending "$TASK" || flunk "it is sent"
		complete "$TASK"
		healed
		is "$STATUS" 200 "$provider: answered: $BODY"
		is_told "$provider"
	done
	no_sweeper
}

# is_told PROVIDER: of the accepted WRITEBACK, as it can be read; sent once.
is_told() {
	is "$(jq -c '.writeback | [.id, .outcome, .reason]' <<<"$BODY")" \
		"[\"$WRITEBACK\",\"accepted\",\"done\"]" "$1: as it ended"
	is "$(field .task.status)" completed "$1: the task is as wished"
	is "$(provider_says "$1" "$ITEM") $(writes)" "completed 1" \
		"$1 has it, sent once"
}

# A call, a sweeper, a pass and many more calls: whoever comes first.
test_of_all_who_would_send_it_one_does() {
	local provider i more

	a_sweeper
	for provider in $(providers) recurring; do
		more=null
		[ "$provider" != recurring ] || more=$DAILY
		[ "$provider" != recurring ] || provider=todoist
		fresh "$provider"
		ready_for complete "$provider" "$more" || continue
		fault "{\"kind\": \"delay\", \"provider\": \"$provider\",
			\"write\": true, \"delay_ms\": 400}"
		for i in 1 2 3; do
			call_behind "before$i" POST "/v1/tasks/$TASK/complete"
		done
		by_row_or_call
		stack_poll &
		for i in 1 2 3; do
			call_behind "after$i" POST "/v1/tasks/$TASK/complete"
		done
		wait $!
		for i in before1 before2 before3 after1 after2 after3; do
			call_joined "$i"
			is "$STATUS $(field .writeback.id)" "200 $WRITEBACK" \
				"$provider: all are told of one: $BODY"
			is "$(field .writeback.outcome)" accepted "accepted"
		done
		no_faults
		is "$(writebacks_of "$TASK") $(writes)" "1 1" \
			"$provider: one wish, sent once"
	done
	sim GET "/_sim/items/todoist/$ITEM"
	is "$(field .occurrences_done)" 1 "one occurrence is done"
	no_sweeper
}

# by_row_or_call: the row is changed, if no call did so before. Sets WRITEBACK.
by_row_or_call() {
	sql "update tasks set status = 'completed', completed_at = now(),
		updated_at = now() where id = '$TASK'"
	WRITEBACK=$(sql "select id from writebacks where task_id = '$TASK'")
}

test_what_has_ended_is_answered_as_it_ended() {
	local provider before

	a_sweeper
	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		by_row complete
		wait_until 20 writeback_has_ended "$WRITEBACK" ||
			flunk "$provider: it ends without a call"
		before=$(task_json "$TASK")
		mark
		complete "$TASK"
		is_told_of_it accepted "done"
		complete "$TASK" 'Prefer: respond-async'
		is_told_of_it accepted "done"
		is "$(task_json "$TASK")" "$before" "$provider: as it was"
		is "$(requests) $(writebacks_of "$TASK")" "0 1" \
			"$provider: nobody is asked"
	done
	no_sweeper
}

# The client writes its copy again after the call, as it does at each sync.
test_an_echo_of_the_row_is_no_other_wish() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		complete "$TASK"
		is_outcome accepted "done"
		WRITEBACK=$(field .writeback.id)
		sql "update tasks set status = 'completed', completed_at = now(),
			updated_at = now() where id = '$TASK'"
		mark
		complete "$TASK"
		is_told_of_it accepted "done"
		is "$(requests) $(writebacks_of "$TASK")" "0 1" \
			"$provider: nothing more is wished for"
	done
}

test_what_was_skipped_is_answered_as_skipped() {
	fresh attio
	ready_for complete attio
	api PATCH "/v1/connections/$CONNECTION" '{"writeback": false}'
	by_row complete
	complete "$TASK"
	is_told_of_it skipped writeback_off
	api PATCH "/v1/connections/$CONNECTION" '{"writeback": true}'
	complete "$TASK"
	is_told_of_it skipped writeback_off
	is "$(requests)" 0 "nobody is asked"
}

# What the wish waited for is over: it is not sent after all.
test_a_wish_whose_connection_was_paused_meanwhile_is_skipped() {
	fresh attio
	ready_for complete attio
	by_row complete
	api PATCH "/v1/connections/$CONNECTION" '{"status": "paused"}'
	complete "$TASK"
	is_told_of_it skipped paused
	is "$(task_line "$TASK") $(requests)" "completed user - 0" \
		"completed here alone"
}

test_what_was_completed_by_absence_is_unchanged() {
	local provider before

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		poll_once "$CONNECTION"
		is "$(task_line "$TASK")" "completed absence completed" \
			"$provider: found completed"
		before=$(task_json "$TASK")
		mark
		complete "$TASK"
		is "$STATUS $(jq -c .writeback <<<"$BODY")" \
			'200 {"id":null,"outcome":"skipped","reason":"unchanged"}' \
			"$provider: $BODY"
		is "$(task_json "$TASK")" "$before" "$provider: as it was"
		is "$(requests) $(writebacks_of "$TASK")" "0 0" \
			"$provider: nobody is asked"
	done
}

# Imported by the app itself: no list and no write ever told how its item stands.
test_what_nobody_knows_to_agree_is_asked_for() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		add_own_item "$provider" 'By the app' || continue
		TASK=$(sql "insert into tasks (user_id, title, source, source_id)
			values ('$USER_ID', 'By the app', '$provider', '$ITEM')
			returning id")
		mark
		uncomplete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: asked: $BODY"
		isnt "$(requests)" 0 "$provider: a request was made"
		is "$(provider_says "$provider" "$ITEM")" open "it is open"
		is "$(task_line "$TASK")" "active - -" "and so is the task"
	done
}

refused() { # PROVIDER [DELAY_MS]
	fault "{\"kind\": \"status\", \"status\": 400, \"provider\": \"$1\",
		\"write\": true, \"delay_ms\": ${2:-0}}"
}

test_a_joined_wish_that_is_refused_is_a_problem() {
	local provider wish

	for provider in $(providers); do
		fresh "$provider"
		for wish in complete uncomplete; do
			ready_for "$wish" "$provider" || continue
			refused "$provider"
			by_row "$wish"
			wish "$wish" "$TASK"
			healed
			is_rolled_back 502 refused "$(name_of "$provider")"
			is "$(field .writeback.id)" "$WRITEBACK" "the row's wish"
			is "$(writes)" 1 "$provider: sent once"
		done
	done
}

test_a_refusal_of_what_another_one_sends_is_told_as_well() {
	local provider

	a_sweeper
	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		refused "$provider" 4000
		by_row complete
		wait_until 20 is_sending "$TASK" || flunk "it is sent"
		complete "$TASK"
		healed
		is_rolled_back 502 refused "$(name_of "$provider")"
		is "$(field .writeback.id)" "$WRITEBACK" "the row's wish"
		is "$(writes)" 1 "$provider: sent once"
	done
	no_sweeper
}

test_a_limit_on_a_joined_wish_is_told_with_its_end() {
	fresh attio
	ready_for complete attio
	fault '{"kind": "rate_limit", "write": true, "retry_after": 90}'
	by_row complete
	complete "$TASK"
	healed
	is_rolled_back 503 rate_limited Attio
	like "$(header retry-after)" '^[89][0-9]$' "when to come back"
	is "$(field .writeback.id)" "$WRITEBACK" "the row's wish"
}

# The trigger was not there, as after a restore: the call finds the row changed, and a
# refusal goes back to what was known of it.
test_a_row_that_nobody_took_note_of_goes_back_if_it_must() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		unnoticed complete
		refused "$provider"
		complete "$TASK"
		healed
		is_rolled_back 502 refused "$(name_of "$provider")"
		unnoticed complete
		complete "$TASK"
		is_outcome accepted "done"
		is "$(provider_says "$provider" "$ITEM")" completed \
			"$provider has it"
		unnoticed uncomplete
		uncomplete "$TASK"
		is_outcome accepted "done"
		is "$(provider_says "$provider" "$ITEM")" open "and the opposite"
	done
}

# unnoticed WISH: the row of TASK changes, and no trigger sees it.
unnoticed() {
	sql "begin;
		alter table tasks disable trigger flowpin_gateway;
		update tasks set status = $([ "$1" = complete ] &&
			echo "'completed', completed_at = now()" ||
			echo "'active', completed_at = null")
		 where id = '$TASK';
		alter table tasks enable trigger flowpin_gateway;
		commit" >/dev/null
}

# Nothing is sent under it, and nothing concluded, until somebody says whose it is.
test_under_another_accounts_key_a_wish_waits() {
	local i

	fresh attio
	ready_for complete attio
	sql "insert into guards (user_id, connection_id, kind, account_id)
		values ('$USER_ID', '$CONNECTION', 'account_changed', 'another')"
	by_row complete
	for i in 1 2; do
		complete "$TASK"
		is "$STATUS $(field .code)" "504 writeback_account_changed" \
			"it is not sent: $BODY"
		is "$(jq -c '[.rolled_back, .task.status, .writeback.id,
			.writeback.outcome]' <<<"$BODY")" \
			"[false,\"completed\",\"$WRITEBACK\",\"open\"]" "it waits"
		is "$(header location)" "/v1/writebacks/$WRITEBACK" "where to look"
		like "$(field .detail)" '^[A-Z].*Attio.*\.$' "in a sentence"
	done
	is "$(requests)" 0 "nobody is asked"
	sql "delete from guards where connection_id = '$CONNECTION'"
	complete "$TASK"
	is_told_of_it accepted "done"
	is "$(writes)" 1 "sent once"
}

# What a list told of it once holds no longer.
test_a_task_back_from_the_archive_is_asked_for() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for uncomplete "$provider" || continue
		api POST "/v1/tasks/$TASK/archive"
		is "$STATUS" 200 "it is archived"
		sql "update tasks set status = 'active', completed_at = null,
			updated_at = now() where id = '$TASK'"
		is "$(task_line "$TASK")" "active - -" "and back"
		is "$(requests) $(writebacks_of "$TASK")" "0 1" \
			"$provider: that is a local matter"
		uncomplete "$TASK"
		is_outcome accepted "done"
		is "$(provider_says "$provider" "$ITEM")" open \
			"$provider: asked for, it is open there, too"
	done
}

test_an_asynchronous_call_is_told_where_to_look_for_it() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		by_row complete
		complete "$TASK" 'Prefer: respond-async'
		is "$STATUS $(jq -c '.writeback | [.id, .outcome]' <<<"$BODY")" \
			"202 [\"$WRITEBACK\",\"open\"]" "$provider: $BODY"
		is "$(header location)" "/v1/writebacks/$WRITEBACK" "where to look"
		is "$(header preference-applied)" respond-async "as preferred"
		wait_until 20 writeback_has_ended "$WRITEBACK" ||
			flunk "$provider: it is sent at once"
		is "$(writeback_state "$WRITEBACK")" accepted "$provider: accepted"
		is "$(provider_says "$provider" "$ITEM") $(writes)" \
			"completed 1" "$provider has it, sent once"
	done
}

# The opposite wish is another one: what was not sent yet need not be.
test_the_opposite_of_what_the_row_wished_for_supersedes_it() {
	local provider

	for provider in $(providers); do
		fresh "$provider"
		ready_for complete "$provider" || continue
		by_row complete
		uncomplete "$TASK"
		is "$STATUS $(field .writeback.outcome)" "200 accepted" \
			"$provider: $BODY"
		is "$(sql "select string_agg(state, ' ' order by task_version)
			from writebacks where task_id = '$TASK'")" \
			"superseded accepted" "$provider: how they ended"
		is "$(provider_says "$provider" "$ITEM") $(task_status "$TASK")" \
			"open active" "$provider: both sides agree"
	done
}

stack_init || bail "no directory"
short_times 12000 5000
# by nobody but whom a test starts for it
stack_setting sweep_ms 600000
stack_whole && run_tests
