#!/bin/bash
# A list that did not arrive whole marks nothing, whatever was wrong with it; the
# other connections go on; and the next good run makes up for it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

declare -A PAGE=([todoist]=200 [linear]=250 [attio]=500)

# A connection to PROVIDER whose list has two pages, and in it: $GONE, the task
# of an item that is completed by now; $OPEN and $LAST, tasks whose items are open.
# And one to another provider that nothing happens to: $OTHER.
two_pages() {
	local other=todoist

	[ "$1" != todoist ] || other=attio
	as_new_user
	add_connection "$other" || return
	OTHER_TYPE=$other
	OTHER=$CONNECTION
	add_connection "$1" || return
	add_own_item "$1" 'Open'
	add_own_item "$1" 'Gone'
	GONE_ITEM=$ITEM
	add_own_item "$1" 'Filler' "{\"count\": ${PAGE[$1]}}"
	add_own_item "$1" 'Last'
	poll_once "$CONNECTION"
	page_import "$1" 'Open' && OPEN=$TASK
	page_import "$1" 'Last' && LAST=$TASK
	page_import "$1" 'Gone' && GONE=$TASK
	change_item "$1" "$GONE_ITEM" '{"state": "completed"}'
	mark
}

# page_import PROVIDER TITLE: from an inbox of several pages. Sets TASK.
page_import() {
	local id

	id=$(sql "select id from inbox_items where user_id = '$USER_ID'
		and connection_id = '$CONNECTION' and title = '$2'")
	api POST "/v1/inbox/$id/import"
	is "$STATUS" 201 "$1: '$2' is imported" || return 1
	TASK=$(field .task.id)
}

# small PROVIDER: the same on one page, less the last.
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
	sql "select coalesce(string_agg(distinct status, ' '), '') from tasks
		where user_id = '$USER_ID' and connection_id = '$CONNECTION'"
}

# One run under a fault: it fails, says so, changes nothing here, and the other
# connection's run is as good as ever.
marks_nothing() { # PROVIDER PAGE WHAT FAULT
	local what="$1, page $2, $3" inbox before

	inbox=$(inbox_count "$CONNECTION")
	before=$(connection_says "$CONNECTION" last_complete_run_at)
	add_item "$OTHER_TYPE" "While $what" \
		"{\"account\": \"${TOKENS[$OTHER_TYPE]}\"}"
	fault "$(jq -n --arg p "$1" --argjson n "$2" --argjson more "$4" \
		'{provider: $p, op: "list", page: $n} + $more')"
	sql 'update integrations set rate_limited_until = null' >/dev/null
	ok "$what: the pass ends well" poll_own
	sim GET /_sim/faults
	isnt "$(field '.faults[0].hits')" 0 "$what: the fault is met"
	no_faults
	is "$(statuses)" active "$what: nothing is marked"
	is "$(inbox_count "$CONNECTION")" "$inbox" "$what: the inbox stays"
	is "$(last_run "$CONNECTION")" failed "$what: the run failed"
	is "$(connection_says "$CONNECTION" last_complete_run_at)" "$before" \
		"$what: it does not count as complete"
	isnt "$(connection_says "$CONNECTION" last_error)" "" \
		"$what: its owner can see why"
	is "$(sql "select count(*) from inbox_items
		where connection_id = '$OTHER' and title = 'While $what'")" 1 \
		"$what: the other connection goes on"
}

# The faults every provider can have.
COMMON='status 500|{"kind": "status", "status": 500}
status 503|{"kind": "status", "status": 503}
status 404|{"kind": "not_found"}
status 403|{"kind": "forbidden"}
gone_410|{"kind": "gone_410"}
reset_before|{"kind": "reset_before"}
reset_after|{"kind": "reset_after"}
hang_before|{"kind": "hang_before"}
hang_after|{"kind": "hang_after"}
truncate|{"kind": "truncate"}
truncate_json|{"kind": "truncate_json"}
html|{"kind": "html"}
html_status|{"kind": "html_status"}
empty_body|{"kind": "empty_body"}
empty_body 204|{"kind": "empty_body", "status": 204}
invalid_utf8|{"kind": "invalid_utf8"}
wrong_type|{"kind": "wrong_type"}
rate_limit|{"kind": "rate_limit", "retry_after": 1}'
CURSORS='
no_next_cursor|{"kind": "no_next_cursor"}
same_cursor|{"kind": "same_cursor"}'
ERRORS='
graphql_errors|{"kind": "graphql_errors"}'

# With page 2 the last page: a cursor that stands still needs one after it.
every_fault() { # PROVIDER PAGE FAULTS
	local what json

	two_pages "$1" || return
	while IFS='|' read -r what json; do
		[ "$what $2" != 'same_cursor 2' ] ||
			add_own_item "$1" 'More' "{\"count\": ${PAGE[$1]}}"
		marks_nothing "$1" "$2" "$what" "$json"
		# asking for its page again may bring what it lacked
		revive "$1"
	done <<<"$3"
	heals "$1"
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

heals() {
	sql 'update integrations set rate_limited_until = null' >/dev/null
	poll_own
	is "$(last_run "$CONNECTION")" complete "$1: the next run is good"
	is "$(connection_says "$CONNECTION" failure_count)" 0 "$1: and says so"
	is "$(task_line "$GONE")" "completed absence completed" \
		"$1: what was done is completed now"
	is "$(task_line "$OPEN")$(task_line "$LAST")" "active - -active - -" \
		"$1: what is open stays"
	is "$(writes)" 0 "$1: nothing was written"
}

test_a_first_page_that_fails_at_todoist_marks_nothing() {
	every_fault todoist 1 "$COMMON$CURSORS"
}

test_a_second_page_that_fails_at_todoist_marks_nothing() {
	every_fault todoist 2 "$COMMON$CURSORS"
}

test_a_first_page_that_fails_at_linear_marks_nothing() {
	every_fault linear 1 "$COMMON$CURSORS$ERRORS"
}

test_a_second_page_that_fails_at_linear_marks_nothing() {
	every_fault linear 2 "$COMMON$CURSORS$ERRORS"
}

test_a_first_page_that_fails_at_attio_marks_nothing() {
	every_fault attio 1 "$COMMON"
}

test_a_second_page_that_fails_at_attio_marks_nothing() {
	every_fault attio 2 "$COMMON"
}

test_a_refused_key_marks_nothing_and_stops_the_connection() {
	local provider

	for provider in todoist linear attio; do
		small "$provider" || continue
		change_item "$provider" "$GONE_ITEM" '{"state": "completed"}'
		fault "{\"kind\": \"auth\", \"provider\": \"$provider\",
			\"op\": \"list\"}"
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

test_a_refused_key_on_a_second_page_marks_nothing() {
	local provider

	for provider in todoist linear attio; do
		two_pages "$provider" || continue
		marks_nothing "$provider" 2 auth '{"kind": "auth"}'
		is "$(connection_says "$CONNECTION" status)" auth_failed \
			"$provider: the connection says why"
		revive "$provider"
		heals "$provider"
	done
}

# Whether the run waits or is tried again: not before it was told to.
test_a_rate_limited_list_is_not_asked_for_before_its_time() {
	local provider

	for provider in todoist linear attio; do
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

	for provider in todoist linear attio; do
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

test_a_page_passed_over_marks_nothing_on_it() {
	local provider page

	for provider in todoist linear attio; do
		two_pages "$provider" || continue
		for page in 1 2; do
			fault "{\"kind\": \"missing_page\", \"op\": \"list\",
				\"provider\": \"$provider\", \"page\": $page}"
			poll_once "$CONNECTION"
			no_faults
			is "$(task_line "$OPEN")$(task_line "$LAST")" \
				"active - -active - -" "$provider: page $page"
		done
		heals "$provider"
	done
}

test_finished_rows_in_the_list_are_not_taken_for_open() {
	local provider

	for provider in todoist linear attio; do
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

	for provider in todoist linear attio; do
		small "$provider" || continue
		change_item "$provider" "$GONE_ITEM" '{"state": "completed"}'
		while IFS='|' read -r what json; do
			[ "$provider $what" != 'todoist graphql_errors' ] &&
				[ "$provider $what" != 'attio graphql_errors' ] ||
				continue
			fault "{\"kind\": \"empty_list\", \"op\": \"list\",
				\"provider\": \"$provider\"}"
			fault "$(jq -n --arg p "$provider" --argjson more "$json" \
				'{provider: $p, op: "read"} + $more')"
			sql 'update integrations
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
		sql 'update integrations set rate_limited_until = null' >/dev/null
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
