#!/bin/bash
# Which state is "done" in a team of Linear: kept by polls, by the state's type
# and position, and kept fresh.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# The latest of a name.
declare -A STATE_ID=()

# states NAME TYPE POSITION ...: each with an id of its own. Sets STATES.
states() {
	local list='[]'

	while [ $# -gt 0 ]; do
		STATE_ID[$1]=$(cat /proc/sys/kernel/random/uuid)
		list=$(jq -n --argjson l "$list" --arg i "${STATE_ID[$1]}" \
			--arg n "$1" --arg t "$2" --argjson p "$3" \
			'$l + [{id: $i, name: $n, type: $t, position: $p}]')
		shift 3
	done
	STATES=$list
}

# team KEY: with $STATES. Sets TEAM.
team() {
	TEAM=$(cat /proc/sys/kernel/random/uuid)
	sim POST /_sim/teams "$(jq -n --arg a "${TOKENS[linear]}" \
		--arg i "$TEAM" --arg k "$1" --argjson s "$STATES" \
		'{account: $a, team_id: $i, key: $k, name: $k, states: $s}')"
}

# done_state TEAM: as it is kept; nothing if there is none.
done_state() {
	sql "select metadata -> 'teamDoneStates' ->> '$1' from connections
		where id = '$CONNECTION'"
}

# told_to_clients TEAM: as Flowpin's own row has it
told_to_clients() {
	sql "select metadata -> 'teamDoneStates' ->> '$1' from integrations
		where id = '$CONNECTION'"
}

fresh() {
	as_new_user && add_connection linear
}

test_a_poll_keeps_the_completed_state_of_every_team() {
	local a b

	fresh
	states Todo unstarted 1 Doing started 2 Done completed 3 No canceled 4
	team AAA
	a=$TEAM
	A_DONE=${STATE_ID[Done]}
	states Open unstarted 1 Shipped completed 2
	team BBB
	b=$TEAM
	is "$(done_state "$a")" "" "nothing is known before"
	poll_own
	is "$(done_state "$a")" "$A_DONE" "the one team's"
	is "$(done_state "$b")" "${STATE_ID[Shipped]}" "the other's, by its type"
	is "$(told_to_clients "$a") $(told_to_clients "$b")" \
		"$A_DONE ${STATE_ID[Shipped]}" "clients can read both"
}

# Flowpin's client keeps more there, and writes it whole.
test_what_else_is_kept_beside_the_states_stays() {
	fresh
	sql "update integrations set metadata = '{\"linearStateTypes\":
		[\"started\"], \"user\": {\"id\": \"u\"}, \"teamDoneStates\":
		{\"gone\": \"s\"}}' where id = '$CONNECTION'"
	states Todo unstarted 1 Done completed 2
	team AAA
	poll_own
	is "$(told_to_clients "$TEAM")" "${STATE_ID[Done]}" "the states are told"
	is "$(sql "select metadata -> 'linearStateTypes', metadata -> 'user'
		from integrations where id = '$CONNECTION'")" \
		'["started"]|{"id": "u"}' "the rest is as it was"
	is "$(told_to_clients gone)" "" "a team that is not there is not told"
}

# Or a client that was not told would never be.
test_what_could_not_be_told_is_told_by_the_next_run() {
	fresh
	states Todo unstarted 1 Done completed 2
	team AAA
	sql "create function refuse() returns trigger language plpgsql as
			'begin raise exception ''not now''; end';
		create trigger refuse before update of metadata on integrations
			for each row when (old.id = '$CONNECTION')
			execute function refuse()"
	poll_own
	is "$(sql "select outcome from poll_runs
		where connection_id = '$CONNECTION'")" complete "the run is whole"
	is "$(told_to_clients "$TEAM")" "" "nobody could be told"
	sql "drop trigger refuse on integrations; drop function refuse()"
	poll_own
	is "$(told_to_clients "$TEAM") $(done_state "$TEAM")" \
		"${STATE_ID[Done]} ${STATE_ID[Done]}" "told and kept"
}

test_what_a_write_learnt_is_told_by_the_next_run() {
	fresh
	states Todo unstarted 1 Done completed 2
	team AAA
	make_task linear 'One' "{\"team_id\": \"$TEAM\"}"
	complete "$TASK"
	is "$STATUS $(done_state "$TEAM")" "200 ${STATE_ID[Done]}" \
		"the write has asked for it"
	poll_own
	is "$(told_to_clients "$TEAM")" "${STATE_ID[Done]}" "clients can read it"
}

# Which rewrite the whole at each of their own syncs, and may choose otherwise.
test_what_a_client_chose_is_left_alone() {
	fresh
	states Todo unstarted 1 Done completed 2 Shipped completed 3
	team AAA
	poll_own
	sql "update integrations set metadata = jsonb_set(metadata,
		'{teamDoneStates,$TEAM}', '\"${STATE_ID[Shipped]}\"')
		where id = '$CONNECTION'"
	poll_own
	is "$(told_to_clients "$TEAM")" "${STATE_ID[Shipped]}" "as the client has it"
	sql "update integrations set metadata = '{}' where id = '$CONNECTION'"
	poll_own
	is "$(told_to_clients "$TEAM")" "${STATE_ID[Done]}" "what it dropped is told"
}

test_of_several_completed_states_the_lowest_counts() {
	fresh
	# as text 10 is less than 9.5
	states Todo unstarted 1 Later completed 10 Checked completed 9.5 \
		Last completed 100
	team AAA
	poll_own
	is "$(done_state "$TEAM")" "${STATE_ID[Checked]}" "by number"
	states Todo unstarted 1 Zero completed 0 Below completed -3.25
	team BBB
	poll_own
	is "$(done_state "$TEAM")" "${STATE_ID[Below]}" "below zero as well"
}

test_a_state_is_known_by_its_type_and_not_by_its_name() {
	fresh
	states Todo unstarted 1 Done started 2 Completed canceled 3 \
		Erledigt completed 4
	team AAA
	poll_own
	is "$(done_state "$TEAM")" "${STATE_ID[Erledigt]}" "whatever it is called"
}

test_a_team_without_a_completed_state_has_no_entry() {
	fresh
	states Todo unstarted 1 Doing started 2 No canceled 3
	team AAA
	poll_own
	is "$(sql "select coalesce(metadata -> 'teamDoneStates', '{}')
		? '$TEAM' from connections where id = '$CONNECTION'")" f "none"
	make_task linear 'No end' "{\"team_id\": \"$TEAM\"}"
	mark
	complete "$TASK"
	is "$STATUS $(field .task.status)" "200 completed" "completed here"
	is "$(field .writeback.outcome) $(field .writeback.reason)" \
		"skipped no_done_state" "and skipped"
	is "$(writes)" 0 "nothing is written"
	is "$(provider_says linear "$ITEM")" open "it is open there"
}

test_a_team_that_got_a_completed_state_has_one() {
	fresh
	states Todo unstarted 1
	team AAA
	poll_own
	is "$(done_state "$TEAM")" "" "not yet"
	states Todo unstarted 1 Done completed 2
	sim PATCH "/_sim/teams/$TEAM" "{\"states\": $STATES}"
	poll_own
	is "$(done_state "$TEAM")" "${STATE_ID[Done]}" "now"
}

test_a_team_that_lost_its_completed_state_has_none() {
	fresh
	states Todo unstarted 1 Done completed 2
	team AAA
	poll_own
	isnt "$(done_state "$TEAM")" "" "it had one"
	states Todo unstarted 1
	sim PATCH "/_sim/teams/$TEAM" "{\"states\": $STATES}"
	poll_own
	is "$(done_state "$TEAM")" "" "it has none"
	is "$(told_to_clients "$TEAM")" "" "nor do clients read one"
}

test_a_state_replaced_there_is_replaced_here_by_the_next_poll() {
	local old

	fresh
	states Todo unstarted 1 Done completed 2
	team AAA
	make_task linear 'Ship it' "{\"team_id\": \"$TEAM\"}"
	old=${STATE_ID[Done]}
	is "$(done_state "$TEAM")" "$old" "the first"
	states Todo unstarted 1 Released completed 2
	sim PATCH "/_sim/teams/$TEAM" "{\"states\": $STATES}"
	poll_own
	is "$(done_state "$TEAM")" "${STATE_ID[Released]}" "the next"
	complete "$TASK"
	is "$STATUS $(field .writeback.outcome)" "200 accepted" "which is used"
	sim GET "/_sim/items/linear/$ITEM"
	is "$(field .state_id)" "${STATE_ID[Released]}" "there"
}

test_states_put_in_another_order_change_which_counts() {
	local ids

	fresh
	states Todo unstarted 1 One completed 2 Two completed 3
	team AAA
	poll_own
	is "$(done_state "$TEAM")" "${STATE_ID[One]}" "the first of them"
	ids=$(jq -c 'map(if .name == "One" then .position = 4 else . end)' \
		<<<"$STATES")
	sim PATCH "/_sim/teams/$TEAM" "{\"states\": $ids}"
	poll_own
	is "$(done_state "$TEAM")" "${STATE_ID[Two]}" "the other"
}

test_a_poll_that_cannot_read_the_states_keeps_what_it_had() {
	local kind

	fresh
	states Todo unstarted 1 Done completed 2
	team AAA
	poll_own
	for kind in status graphql_errors truncate_json empty_body reset_after \
		no_next_cursor; do
		fault "{\"kind\": \"$kind\", \"provider\": \"linear\",
			\"op\": \"states\"}"
		ok "$kind: the pass ends well" poll_own
		no_faults
		is "$(done_state "$TEAM")" "${STATE_ID[Done]}" "$kind: it is kept"
	done
}

test_states_on_a_second_page_count() {
	local i args=() first

	fresh
	# of three types, as many as do not fit one page
	for i in {1..130}; do
		args+=("b$i" backlog "$i" "u$i" unstarted "$i")
	done
	states "${args[@]}" Done completed 1
	team AAA
	first=$TEAM FIRST_DONE=${STATE_ID[Done]}
	states Todo unstarted 1 Done completed 2
	team BBB
	poll_own
	is "$(done_state "$first")" "$FIRST_DONE" "the one team's"
	is "$(done_state "$TEAM")" "${STATE_ID[Done]}" "the other's"
}

test_completing_moves_an_issue_to_the_kept_state_and_back() {
	fresh
	states Todo unstarted 1 Doing started 2 Early completed 3 Late completed 4
	team AAA
	make_task linear 'Do it' "{\"team_id\": \"$TEAM\",
		\"state_id\": \"${STATE_ID[Doing]}\"}"
	mark
	complete "$TASK"
	is "$(field .writeback.outcome)" accepted "it is completed"
	is "$(requests)" 1 "without asking for what is kept"
	sim GET "/_sim/items/linear/$ITEM"
	is "$(field .state_id)" "${STATE_ID[Early]}" "in the lowest state"
	uncomplete "$TASK"
	is "$(field .writeback.outcome)" accepted "it is uncompleted"
	sim GET "/_sim/items/linear/$ITEM"
	is "$(field .state_id)" "${STATE_ID[Doing]}" "in the state from before"
	is "$(writes)" 2 "one write each"
}

stack_whole && run_tests
