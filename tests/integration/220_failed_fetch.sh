#!/bin/bash
# A list that did not arrive whole marks nothing, whatever was wrong with it; the
# other connections go on; and the next good run makes up for it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

STATE=
declare -A PAGE=([todoist]=200 [linear]=250 [attio]=500)

# A connection to PROVIDER whose list has two pages, and in it: $GONE, the task
# of an item that is completed by now; $OPEN and $LAST, tasks whose items are open.
# And one to another provider that nothing happens to: $OTHER.
two_pages() {
	local other=todoist

	[ "$1" != todoist ] || other=attio
	as_new_user
	add_connection "$other" || return
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
		and connection_id = '$CONNECTION' and title ~ '(^|] )$2\$'")
	api POST "/v1/inbox/$id/import"
	is "$STATUS" 201 "$1: '$2' is imported" || return 1
	TASK=$(field .task.id)
}

# What must not change: the tasks, the inbox, the last complete run; and behind
# it the connection's status, its last run, whether that left a reason, and
# how many complete runs the other connection had.
picture() {
	sql "update connections set rate_limited_until = null
			where user_id = '$USER_ID';
		select (select string_agg(t.id || t.status::text || l.version, ' '
				order by t.id) from tasks t
				left join links l on l.task_id = t.id
				where t.user_id = c.user_id) ||
			(select count(*) from inbox_items
				where connection_id = c.id) ||
			coalesce(last_complete_run_at::text, 'never'), c.status,
			(select outcome from poll_runs where connection_id = c.id
				order by started_at desc limit 1),
			last_error is not null,
			(select count(*) from poll_runs where connection_id = '$OTHER'
				and outcome = 'complete')
		from connections c where id = '$CONNECTION'"
}

# One run under a fault: it fails, says so, changes nothing here, and the other
# connection's run is as good as ever.
marks_nothing() { # PROVIDER PAGE WHAT FAULT
	local what="$1, page $2, $3" before after runs run why now

	IFS='|' read -r before _ _ _ runs < <(picture)
	fault "{\"provider\": \"$1\", \"op\": \"list\", \"page\": $2, ${4#\{}"
	ok "$what: the pass ends well" poll_own
	sim GET /_sim/faults
	unlike "$BODY" '"hits":0' "$what: the fault is met"
	no_faults
	IFS='|' read -r after STATE run why now < <(picture)
	is "$after" "$before" "$what: nothing is marked"
	is "$run" failed "$what: the run failed"
	is "$why" t "$what: and why can be seen"
	is "$now" $((runs + 1)) "$what: the other connection goes on"
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
		[ "$STATE" = active ] || revive "$1"
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
	sql 'update connections set rate_limited_until = null' >/dev/null
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

test_a_refused_key_on_a_second_page_marks_nothing() {
	local provider

	for provider in $(providers); do
		two_pages "$provider" || continue
		nor_whose_key "$provider"
		marks_nothing "$provider" 2 auth '{"kind": "auth"}'
		is "$(connection_says "$CONNECTION" status)" auth_failed \
			"$provider: the connection says why"
		revive "$provider"
		heals "$provider"
	done
}

test_a_page_passed_over_marks_nothing_on_it() {
	local provider page

	for provider in $(providers); do
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

stack_init || bail "no directory"
stack_setting provider_timeout_ms 800
stack_setting poll_lease_ms 20000
stack_whole && run_tests
