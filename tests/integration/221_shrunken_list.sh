#!/bin/bash
# Lists that came whole and yet without rows that are open, refused keys, and
# items that cannot be asked for by id: what is not certain stays.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# small PROVIDER: a connection with two tasks, $OPEN and $GONE, of $OPEN_ITEM and
# $GONE_ITEM, both open at first.
small() {
	as_new_user
	add_connection "$1" || return
	add_own_item "$1" 'Open'
	OPEN_ITEM=$ITEM
	add_own_item "$1" 'Gone'
	GONE_ITEM=$ITEM
	poll_once "$CONNECTION"
	import_titled 'Open' && OPEN=$TASK
	import_titled 'Gone' && GONE=$TASK
	mark
}

inbox_count() {
	sql "select count(*) from inbox_items where connection_id = '$1'"
}

statuses() {
	sql "select coalesce(string_agg(distinct status::text, ' '), '') from tasks
		where user_id = '$USER_ID' and connection_id = '$CONNECTION'"
}

# A fault like a 403 may have stopped the connection: its owner brings the key.
revive() {
	if [ "$(connection_says "$CONNECTION" status)" != active ]; then
		api PATCH "/v1/connections/$CONNECTION" \
			"$(jq -n --arg k "${TOKENS[$1]}" '{key: $k}')"
		is "$STATUS $(field .connection.status)" "200 active" \
			"the key is replaced"
	fi
}

test_a_refused_key_marks_nothing_and_stops_the_connection() {
	local provider

	for provider in $(providers); do
		small "$provider" || continue
		change_item "$provider" "$GONE_ITEM" '{"state": "completed"}'
		fault "{\"kind\": \"auth\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
		nor_whose_key "$provider"
		ok "$provider: the pass ends well" poll_own
		no_faults
		is "$(statuses)" active "$provider: nothing is marked"
		is "$(connection_says "$CONNECTION" status)" auth_failed \
			"$provider: the connection says why"
		api GET /v1/events
		is "$(jq -c '[.events[] | [.type, .connection_id, .task_id]]' \
			<<<"$BODY")" \
			"[[\"connection.auth_failed\",\"$CONNECTION\",null]]" \
			"$provider: its owner hears of it"
		mark
		poll_own
		poll_own
		is "$(count_requests "account=${TOKENS[$provider]}")" 0 \
			"$provider: it is left alone"
		is "$(statuses)" active "$provider: still nothing is marked"
		api PATCH "/v1/connections/$CONNECTION" "$(jq -n \
			--arg k "${TOKENS[$provider]}" '{key: $k}')"
		is "$(field .connection.status)" active "$provider: a new key"
		poll_own
		is "$(task_line "$GONE") $(task_line "$OPEN")" \
			"completed absence completed active - -" \
			"$provider: makes up for it"
	done
}

# Whether the run waits or is tried again: not before it was told to.
test_a_rate_limited_list_is_not_asked_for_before_its_time() {
	local provider

	for provider in $(providers); do
		small "$provider" || continue
		change_item "$provider" "$GONE_ITEM" '{"state": "completed"}'
		fault "{\"kind\": \"rate_limit\", \"provider\": \"$provider\",
			\"op\": \"list\", \"retry_after\": 4, \"times\": 1}"
		wait_until 30 it_went_on || flunk "$provider: it goes on"
		is "$(task_line "$GONE") $(task_line "$OPEN")" \
			"completed absence completed active - -" \
			"$provider: which makes up for it"
		sim GET "/_sim/requests?since=$MARK&op=list&account=${TOKENS[$provider]}"
		# a date in a header has no parts of a second
		is "$(jq '.requests[1].at_ms - .requests[0].at_ms >= 3000' \
			<<<"$BODY")" true "$provider: after four seconds"
	done
}

it_went_on() {
	poll_own
	[ "$(last_run "$CONNECTION")" = complete ] &&
		[ "$(count_requests "op=list&account=${TOKENS[$provider]}")" -gt 1 ]
}

# Whole and well-formed, and yet rows are missing: only asking by id can tell.
test_rows_that_are_not_listed_though_open_stay() {
	local provider what json

	for provider in $(providers); do
		small "$provider" || continue
		while IFS='|' read -r what json; do
			fault "$(jq -n --arg p "$provider" --argjson more "$json" \
				'{provider: $p, op: "list"} + $more')"
			poll_own
			poll_own
			poll_own
			no_faults
			is "$(statuses)" active "$provider, $what: all stay"
			is "$(writes)" 0 "$provider, $what: nothing is written"
		done <<-'FAULTS'
			empty_list|{"kind": "empty_list"}
			missing_page|{"kind": "missing_page"}
			drop_items|{"kind": "drop_items", "drop": 1}
			drop_items 2|{"kind": "drop_items", "drop": 2}
		FAULTS
		poll_own
		is "$(statuses)" active "$provider: and with the whole list"
		is "$(inbox_count "$CONNECTION")" 0 \
			"$provider: they are not offered again"
	done
}

test_finished_rows_in_the_list_are_not_taken_for_open() {
	local provider

	for provider in $(providers); do
		small "$provider" || continue
		add_own_item "$provider" 'Never imported'
		change_item "$provider" "$ITEM" '{"state": "completed"}'
		change_item "$provider" "$GONE_ITEM" '{"state": "completed"}'
		fault "{\"kind\": \"finished_rows\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
		poll_own
		poll_own
		no_faults
		is "$(task_line "$GONE")" "completed absence completed" \
			"$provider: it is done"
		is "$(task_line "$OPEN")" "active - -" "$provider: the other is not"
		is "$(inbox_count "$CONNECTION")" 0 \
			"$provider: nor is the finished offered"
	done
}

# A list that lacks both, and by id no answer for either.
test_without_an_answer_by_id_all_stay_until_there_is_one() {
	local provider what json

	for provider in $(providers); do
		small "$provider" || continue
		change_item "$provider" "$GONE_ITEM" '{"state": "completed"}'
		while IFS='|' read -r what json; do
			[ "$what" != graphql_errors ] || [ "$provider" = linear ] ||
				continue
			fault "{\"kind\": \"empty_list\", \"op\": \"list\",
				\"provider\": \"$provider\"}"
			fault "$(jq -n --arg p "$provider" --argjson more "$json" \
				'{provider: $p, op: "read"} + $more')"
			sql 'update connections
				set rate_limited_until = null' >/dev/null
			ok "$provider, $what: the pass ends well" poll_own
			ok "$provider, $what: and the next" poll_own
			no_faults
			is "$(statuses)" active "$provider, $what: all stay"
			revive "$provider"
		done <<-'FAULTS'
			status 500|{"kind": "status", "status": 500}
			forbidden|{"kind": "forbidden"}
			reset_before|{"kind": "reset_before"}
			reset_after|{"kind": "reset_after"}
			hang_before|{"kind": "hang_before"}
			truncate|{"kind": "truncate"}
			truncate_json|{"kind": "truncate_json"}
			html|{"kind": "html"}
			empty_body|{"kind": "empty_body"}
			graphql_errors|{"kind": "graphql_errors"}
			rate_limit|{"kind": "rate_limit", "retry_after": 1}
			auth|{"kind": "auth"}
		FAULTS
		sql 'update connections set rate_limited_until = null' >/dev/null
		poll_own
		is "$(task_line "$GONE")" "completed absence completed" \
			"$provider: an answer tells that it is done"
		is "$(task_line "$OPEN")" "active - -" \
			"$provider: and that the other is not"
		is "$(writes)" 0 "$provider: nothing is written"
	done
}

# One answer by id is missing, the others are there.
test_one_item_that_cannot_be_read_holds_up_no_other() {
	local provider

	for provider in todoist attio; do
		small "$provider" || continue
		change_item "$provider" "$GONE_ITEM" '{"state": "completed"}'
		change_item "$provider" "$OPEN_ITEM" '{"state": "completed"}'
		fault "{\"kind\": \"status\", \"op\": \"read\",
			\"provider\": \"$provider\", \"item\": \"$OPEN_ITEM\"}"
		poll_own
		is "$(task_line "$GONE")" "completed absence completed" \
			"$provider: the one that can be read"
		is "$(task_line "$OPEN")" "active - -" \
			"$provider: the one that cannot"
		no_faults
		poll_own
		is "$(task_line "$OPEN")" "completed absence completed" \
			"$provider: until it can"
	done
}

# Nothing listed and nothing to be seen by id is what a key looks like that lost
# its rights: it is held until something else shows.
test_an_empty_list_of_which_nothing_is_visible_by_id_is_held() {
	local provider i

	for provider in todoist attio; do
		as_new_user
		add_connection "$provider" || continue
		for i in {1..8}; do
			add_own_item "$provider" "Item $i"
		done
		poll_once "$CONNECTION"
		for i in {1..8}; do
			import_titled "Item $i"
		done
		fault "{\"kind\": \"empty_list\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
		fault "{\"kind\": \"not_found\", \"provider\": \"$provider\",
			\"op\": \"read\"}"
		poll_own
		poll_own
		poll_own
		no_faults
		is "$(statuses)" active "$provider: all eight stay"
		poll_own
		is "$(statuses)" active "$provider: and are listed again"
	done
}

test_a_list_longer_than_allowed_marks_nothing() {
	small todoist
	add_own_item todoist 'Many' '{"count": 250}'
	change_item todoist "$GONE_ITEM" '{"state": "completed"}'
	export FLOWPIN_POLL_MAX_ITEMS=240
	poll_own
	unset FLOWPIN_POLL_MAX_ITEMS
	is "$(last_run "$CONNECTION")" failed "the run failed"
	is "$(statuses)" active "nothing is marked"
	poll_own
	is "$(task_line "$GONE")" "completed absence completed" \
		"until it is allowed"
}

stack_init || bail "no directory"
stack_setting provider_timeout_ms 800
stack_setting poll_lease_ms 20000
stack_whole && run_tests
