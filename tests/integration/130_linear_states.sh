#!/bin/bash
# Linear has no "done" but states of a team's own: which one a completion takes,
# and which one an uncompletion goes back to.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# team KEY STATES [DEFAULT]: a team of this user's, STATES as name:type:position.
# Sets TEAM; id_of NAME is a state of it.
team() {
	sim POST /_sim/teams "$(jq -n --arg a "${TOKENS[linear]}" --arg k "$1" \
		--arg d "${3:-}" --argjson s "$(states "$2")" \
		'{account: $a, key: $k, name: $k, states: $s} +
		if $d == "" then {} else {default_state: $d} end')" || return 1
	TEAM=$(field '.team_id // .id // .team.id')
	[ -n "$TEAM" ] || flunk "a team: $BODY"
}

states() {
	jq -nc --arg s "$1" '[$s | split(" ")[] | split(":") |
		{name: .[0], type: .[1], position: (.[2] | tonumber)}]'
}

# teams_states: of TEAM.
teams_states() {
	sim GET "/_sim/teams?account=${TOKENS[linear]}"
	jq -c --arg t "$TEAM" '.teams[] | select((.team_id // .id) == $t) |
		.states' <<<"$BODY"
}

id_of() {
	teams_states | jq -r --arg n "$1" '.[] | select(.name == $n) | .id'
}

# without NAME...: TEAM loses these states; those left keep their ids.
without() {
	sim GET "/_sim/teams?account=${TOKENS[linear]}"
	sim PATCH "/_sim/teams/$TEAM" "$(jq -c --arg t "$TEAM" '.teams[] |
		select((.team_id // .id) == $t) | {default_state,
		states: [.states[] | select(.name as $n |
			$ARGS.positional | index($n) | not)]}' \
		--args "$@" <<<"$BODY")"
}

# issue STATE [MEMBERS]: an issue of TEAM there, and its task.
issue() {
	ready_for complete linear "$(jq -n --arg t "$TEAM" \
		--arg s "$(id_of "$1")" '{team_id: $t, state_id: $s}')"
}

# stands: the issue's state, by name.
stands() {
	sim GET "/_sim/items/linear/$ITEM"
	field .state_name
}

fresh() {
	as_new_user && add_connection linear || return
	# an inbox that shows every active issue
	sql "update integrations set metadata = '{\"linearStateTypes\":
		[\"triage\", \"backlog\", \"unstarted\", \"started\"]}'
		where id = '$CONNECTION'" >/dev/null
}

USUAL='Backlog:backlog:0 Todo:unstarted:1 Doing:started:2 Done:completed:3
	Canceled:canceled:4'
USUAL=${USUAL//$'\n\t'/ }

test_completing_takes_the_first_completed_state() {
	fresh
	team ONE 'Todo:unstarted:1 Released:completed:9 Merged:completed:5 Canceled:canceled:2'
	issue Todo || return
	complete "$TASK"
	is_outcome accepted "done"
	is "$(stands) $(writes)" "Merged 1" "the lowest of two"
}

test_uncompleting_goes_back_to_the_state_before() {
	local before

	fresh
	team TWO "$USUAL"
	for before in Doing Backlog Todo; do
		issue "$before" || continue
		complete "$TASK"
		is_outcome accepted "done"
		is "$(stands)" Done "$before: done"
		mark
		uncomplete "$TASK"
		is_outcome accepted "done"
		is "$(stands) $(writes)" "$before 1" "$before: and back"
	done
}

# The state before is that of the completion, not of the import.
test_the_state_before_is_the_one_of_the_last_moment() {
	fresh
	team MOVED "$USUAL"
	issue Todo || return
	change_item linear "$ITEM" "{\"state_id\": \"$(id_of Doing)\"}"
	poll_once "$CONNECTION"
	complete "$TASK"
	is_outcome accepted "done"
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(stands)" Doing "where it had been moved to"
	change_item linear "$ITEM" "{\"state_id\": \"$(id_of Backlog)\"}"
	poll_once "$CONNECTION"
	complete "$TASK"
	is_outcome accepted "done"
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(stands)" Backlog "and a second time"
}

test_the_state_before_survives_polls_in_between() {
	fresh
	team POLLED "$USUAL"
	issue Doing || return
	complete "$TASK"
	poll_once "$CONNECTION"
	poll_once "$CONNECTION"
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(stands)" Doing "back to it"
}

test_if_the_state_before_is_gone_the_teams_default_is_taken() {
	fresh
	team DEFAULT "$USUAL Next:unstarted:7" Next
	issue Doing || return
	complete "$TASK"
	without Doing
	mark
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(stands)" Next "the default"
	is "$(taken)" 1 "taken once"
}

test_if_the_default_is_no_open_state_the_first_unstarted_is_taken() {
	fresh
	team UNSTARTED "$USUAL Early:unstarted:0.5" Done
	issue Doing || return
	complete "$TASK"
	without Doing
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(stands)" Early "the lowest unstarted"
}

test_if_nothing_is_unstarted_the_backlog_is_taken() {
	fresh
	team BACKLOG 'Later:backlog:5 Soon:backlog:1 Doing:started:2 Done:completed:3' \
		Done
	issue Doing || return
	complete "$TASK"
	without Doing
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(stands)" Soon "the lowest of it"
}

test_an_issue_that_changed_its_team_uses_that_teams_states() {
	local first

	fresh
	team LEFT "$USUAL"
	first=$TEAM
	issue Doing || return
	team JOINED 'Ready:unstarted:1 Going:started:2 Shipped:completed:3' Ready
	change_item linear "$ITEM" "{\"team_id\": \"$TEAM\",
		\"state_id\": \"$(id_of Going)\"}"
	complete "$TASK"
	is_outcome accepted "done"
	is "$(stands)" Shipped "done as that team does it"
	is "$(taken)" 1 "taken once"
	change_item linear "$ITEM" "{\"team_id\": \"$TEAM\",
		\"state_id\": \"$(id_of Shipped)\"}"
	uncomplete "$TASK"
	is_outcome accepted "done"
	like "$(stands)" '^(Going|Ready)$' "and open as that team does it"
	isnt "$TEAM" "$first" "it is another team"
}

test_a_refused_state_is_looked_up_anew_and_tried_once_more() {
	local old new

	fresh
	team RENEWED "$USUAL"
	issue Doing || return
	poll_once "$CONNECTION" # so that the old one is remembered
	old=$(id_of Done)
	without Done
	sim PATCH "/_sim/teams/$TEAM" "$(teams_states | jq -c '{states:
		(. + [{name: "Finished", type: "completed", position: 3}])}')"
	new=$(id_of Finished)
	isnt "$old" "$new" "it is another state"
	mark
	complete "$TASK"
	is_outcome accepted "done"
	is "$(stands) $(taken)" "Finished 1" "the new one"
	like "$(writes)" '^[12]$' "at most two tries"
}

test_a_state_that_was_looked_up_anew_is_remembered() {
	local first

	fresh
	team KEEPS "$USUAL"
	issue Doing || return
	first=$TASK
	issue Doing || return
	without Done
	sim PATCH "/_sim/teams/$TEAM" "$(teams_states | jq -c '{states:
		(. + [{name: "Finished", type: "completed", position: 3}])}')"
	complete "$first"
	is "$(field .writeback.outcome)" accepted "the first finds it: $BODY"
	mark
	complete "$TASK"
	is_outcome accepted "done"
	is "$(stands) $(writes) $(count_requests 'op=states')" "Finished 1 0" \
		"the second need not ask"
}

test_a_state_refused_twice_is_rolled_back() {
	fresh
	team REFUSED "$USUAL"
	issue Doing || return
	fault '{"kind": "state_refused", "provider": "linear", "write": true}'
	complete "$TASK"
	healed
	is_rolled_back 502 state_refused Linear
	is "$(writes) $(stands)" "2 Doing" "one more try, and no third"
	isnt "$(count_requests 'op=states')" 0 "the states were read anew"
	complete "$TASK"
	is_outcome accepted "done"
}

test_a_state_refused_once_is_tried_again_for_uncompleting_too() {
	fresh
	team AGAIN "$USUAL"
	issue Doing || return
	complete "$TASK"
	mark
	fault '{"kind": "state_refused", "provider": "linear", "write": true,
		"times": 1}'
	uncomplete "$TASK"
	healed
	is_outcome accepted "done"
	is "$(writes) $(taken)" "2 1" "one more try"
}

test_a_team_without_a_completed_state_is_skipped_with_a_warning() {
	local warned

	fresh
	team NODONE 'Todo:unstarted:1 Doing:started:2 Canceled:canceled:3'
	issue Todo || return
	warned=$(log_lines 'level=warn.*no_done_state')
	complete "$TASK"
	is_outcome skipped no_done_state
	is "$(task_line "$TASK")" "completed user -" "completed here"
	is "$(stands) $(writes)" "Todo 0" "and nothing was written"
	is "$(log_lines 'level=warn.*no_done_state')" $((warned + 1)) \
		"one warning in the log"
	like "$(grep -E 'level=warn.*no_done_state' "$STACK_DIR/gateway.log" |
		tail -n 1)" "$TASK" "it names the task"
}

test_one_team_without_a_completed_state_does_not_touch_another() {
	fresh
	team NONE 'Todo:unstarted:1'
	issue Todo || return
	complete "$TASK"
	is_outcome skipped no_done_state
	team SOME "$USUAL"
	issue Todo || return
	complete "$TASK"
	is_outcome accepted "done"
}

test_a_rollback_leaves_the_remembered_state_alone() {
	fresh
	team KEPT "$USUAL"
	issue Doing || return
	fault '{"kind": "success_false", "provider": "linear", "write": true}'
	complete "$TASK"
	healed
	is_rolled_back 502 refused Linear
	complete "$TASK"
	is_outcome accepted "done"
	fault '{"kind": "success_false", "provider": "linear", "write": true}'
	BEFORE=$(task_facts "$TASK")
	uncomplete "$TASK"
	healed
	is_rolled_back 502 refused Linear
	uncomplete "$TASK"
	is_outcome accepted "done"
	is "$(stands)" Doing "back to it"
}

test_an_uncompletion_whose_answer_is_lost_has_gone_back_as_well() {
	fresh
	team LOST "$USUAL"
	issue Doing || return
	complete "$TASK"
	mark
	fault '{"kind": "hang_after", "provider": "linear", "write": true}'
	uncomplete "$TASK"
	healed
	is_outcome accepted "done"
	is "$(stands) $(taken)" "Doing 1" "it had been taken"
}

stack_init || bail "no directory"
short_times 3000 800
stack_whole && run_tests
