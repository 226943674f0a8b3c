#!/bin/bash
# One page among many that is not what it should be: the whole list is worth
# nothing, whatever the others said, and only that connection's.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

declare -A PAGE=([todoist]=200 [linear]=250 [attio]=500)

# bad_page PROVIDER PAGE FAULT: page PAGE of one more is bad while an item is
# finished and another is not listed
bad_page() {
	local n=$((PAGE[$1] * $2 + 5)) what="$1, page $2: $3"

	fill "$1" "$n" || return
	change_item "$1" "${IDS[0]}" '{"state": "completed"}'
	fault "$(jq -n --arg p "$1" --argjson page "$2" --argjson more "$3" \
		'{provider: $p, op: "list", page: $page} + $more')"
	ok "$what: the pass ends well" polls 2
	is "$(last_run "$CONNECTION")" failed "$what: the run failed"
	is "$(tally)" "$n active" "$what: nothing is marked"
	is "$(count_requests op=read)" 0 "$what: nor is anything asked by id"
	is "$(sql "select max(pages) from poll_runs
		where connection_id = '$CONNECTION'")" "$(($2 - 1))" \
		"$what: so many pages were good"
	is "$(guard_of)" "" "$what: no guard"
	no_faults
	sql "update connections set rate_limited_until = null, status = 'active'
		where id = '$CONNECTION'" >/dev/null
	polls 1
	is "$(tally)" "$((n - 1)) active, 1 completed completed" \
		"$what: the next whole list counts"
	is "$(writes)" 0 "$what: nothing is written"
}

# What can be told of one odd item is that it is there; the list is whole without it.
test_one_item_that_cannot_be_read_spoils_no_list() {
	local provider line

	for provider in $(providers); do
		fill "$provider" 4 || continue
		polls 1
		sql "delete from tasks where source_id = '${IDS[3]}'" >/dev/null
		polls 1
		fault "{\"kind\": \"odd_item\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
		change_item "$provider" "${IDS[2]}" '{"state": "completed"}'
		polls 2
		is "$(last_run "$CONNECTION")" complete "$provider: the run is whole"
		is "$(tally)" "2 active, 1 completed completed" \
			"$provider: what is finished is completed, the odd one stays"
		is "$(sql "select odd, items from poll_runs where connection_id =
			'$CONNECTION' order by started_at desc limit 1")" "1|3" \
			"$provider: it is counted"
		like "$(ctl doctor)" 'items: 1 of 1 connections cannot be read' \
			"$provider: doctor says so"
		line=$(grep -c "connection=$CONNECTION .*items could not be read" \
			"$STACK_DIR/poller.log")
		is "$line" 2 "$provider: in a line each run"
		no_faults
		polls 1
		unlike "$(ctl doctor)" 'items: .* cannot be read' "$provider: it is over"
	done
}

# A page may hold more than 8 MiB of what its people wrote: then it is asked for in parts.
test_a_page_that_is_too_large_is_asked_for_in_parts() {
	local provider title

	title=$(printf '%*s' 45000 '' | tr ' ' x)
	for provider in $(providers); do
		as_new_user
		add_connection "$provider" || continue
		add_own_item "$provider" "$title" "{\"count\": $((PAGE[$provider] + 5))}"
		adopt "$provider" "$((PAGE[$provider] + 5))" || continue
		change_item "$provider" "${IDS[3]}" '{"state": "completed"}'
		polls 1
		is "$(last_run "$CONNECTION")" complete "$provider: the run is whole"
		is "$(sql "select items from poll_runs where connection_id = '$CONNECTION'
			order by started_at desc limit 1")" $((PAGE[$provider] + 4)) \
			"$provider: nothing is left out"
		is "$(tally)" "$((PAGE[$provider] + 4)) active, 1 completed completed" \
			"$provider: and it counts"
	done
}

test_a_rate_limit_on_page_7_marks_nothing() {
	bad_page todoist 7 '{"kind": "rate_limit", "retry_after": 1}'
	bad_page linear 7 '{"kind": "rate_limit", "retry_after": 1}'
	bad_page attio 7 '{"kind": "rate_limit", "retry_after": 1}'
}

test_a_web_page_instead_of_page_2_marks_nothing() {
	local provider

	for provider in $(providers); do
		bad_page "$provider" 2 '{"kind": "html"}'
		bad_page "$provider" 2 '{"kind": "html_status", "status": 502}'
	done
}

test_graphql_errors_beside_data_mark_nothing() {
	bad_page linear 1 '{"kind": "graphql_errors"}'
	bad_page linear 2 '{"kind": "graphql_errors"}'
}

test_a_page_that_is_cut_or_garbled_marks_nothing() {
	local provider kind

	for provider in $(providers); do
		for kind in truncate truncate_json empty_body invalid_utf8 \
			wrong_type reset_after; do
			bad_page "$provider" 2 "{\"kind\": \"$kind\"}"
		done
	done
}

test_a_page_without_its_end_or_with_a_cursor_that_stays_marks_nothing() {
	local provider

	for provider in todoist linear; do
		bad_page "$provider" 2 '{"kind": "no_next_cursor"}'
		# there the last page that was good asks for itself again
		bad_page "$provider" 2 '{"kind": "same_cursor"}'
	done
}

# bad_neighbour PROVIDER: two connections of one user, one of them fails on page 2
test_one_of_two_connections_of_a_provider_failing_on_page_2_is_alone_in_it() {
	local provider n bad

	for provider in $(providers); do
		n=$((PAGE[$provider] + 5))
		fill "$provider" "$n" || continue
		bad=$CONNECTION
		change_item "$provider" "${IDS[0]}" '{"state": "completed"}'
		fault "{\"kind\": \"status\", \"provider\": \"$provider\",
			\"op\": \"list\", \"page\": 2,
			\"account\": \"${TOKENS[$provider]}\"}"
		add_connection "$provider"
		add_own_item "$provider" 'Item' "{\"count\": $n}"
		adopt "$provider" "$n"
		item_changes "$provider" 0 2 '{"state": "completed"}'
		ok "$provider: the pass ends well" poll_own
		is "$(last_run "$bad") $(last_run "$CONNECTION")" "failed complete" \
			"$provider: the one fails, the other does not"
		is "$(tally)" "$((2 * n - 2)) active, 2 completed completed" \
			"$provider: only the whole list counts"
		no_faults
		poll_own
		is "$(tally)" "$((2 * n - 3)) active, 3 completed completed" \
			"$provider: then the other, too"
	done
}

stack_whole && run_tests
