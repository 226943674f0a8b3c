#!/bin/bash
# Every way in which Linear says no: what becomes of the task, of the connection
# and of what the caller is told.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# meets MEMBERS: every write meets this fault.
meets() {
	fault "{\"provider\": \"linear\", \"write\": true, $1}"
}

# refused_for_good WISH MEMBERS REASON: rolled back at once, tried once.
refused_for_good() {
	ready_for "$1" linear || return
	meets "$2"
	wish "$1" "$TASK"
	healed
	is_rolled_back 502 "$3" Linear
	is "$(writes) $(provider_says linear "$ITEM")" \
		"1 $(state_before "$1")" "$2: tried once, nothing happened"
	is "$(connection_says "$CONNECTION" status)" active \
		"$2: the connection lives"
	# nothing is lost: the same wish comes true afterwards
	wish "$1" "$TASK"
	is_outcome accepted "done"
}

# stops_connection MEMBERS REASON: what refuses a write, and to say whose key it is;
# nothing is sent until there is another.
stops_connection() {
	ready_for complete linear || return
	meets "$1"
	fault "{\"provider\": \"linear\", \"op\": \"whoami\", $1}"
	complete "$TASK"
	healed
	is_rolled_back 502 "$2" Linear
	is "$(writes)" 1 "$1: tried once"
	is "$(connection_says "$CONNECTION" status)" auth_failed \
		"$1: the connection is stopped"
	mark
	complete "$TASK"
	is_rolled_back 502 '[a-z_]+' Linear
	is "$(requests)" 0 "$1: nothing is sent"
	api PATCH "/v1/connections/$CONNECTION" \
		"{\"key\": \"${TOKENS[linear]}\"}"
	complete "$TASK"
	is_outcome accepted "done"
}

# is_trouble WISH MEMBERS: of the provider itself, so it is looked at, tried again
# and then rolled back.
is_trouble() {
	ready_for "$1" linear || return
	meets "$2"
	wish "$1" "$TASK"
	healed
	is_rolled_back 504 '[a-z_]+' Linear
	is "$(provider_says linear "$ITEM") $(taken)" \
		"$(state_before "$1") 0" "$2: nothing happened"
	isnt "$(count_requests 'write=false')" 0 "$2: it was looked at"
	is "$(connection_says "$CONNECTION" status)" active \
		"$2: the connection lives"
}

test_a_bad_argument_with_its_own_status_is_permanent() {
	refused_for_good complete '"kind": "status", "status": 400' refused
	refused_for_good uncomplete '"kind": "status", "status": 400' refused
}

# Only the message tells it from an unknown item.
test_a_bad_argument_with_status_200_is_permanent() {
	refused_for_good complete '"kind": "not_found",
		"message": "Argument Validation Error"' refused
	refused_for_good uncomplete '"kind": "not_found",
		"message": "Argument Validation Error"' refused
}

test_a_write_without_success_is_a_refusal() {
	refused_for_good complete '"kind": "success_false"' refused
	refused_for_good uncomplete '"kind": "success_false"' refused
}

# Of the item or of the key: Linear says the same.
test_what_is_forbidden_is_rolled_back_after_one_try() {
	local status

	for status in 403 200; do
		ready_for complete linear || continue
		meets "\"kind\": \"forbidden\", \"status\": $status"
		complete "$TASK"
		healed
		is_rolled_back 502 'forbidden|scope_missing' Linear
		is "$(writes)" 1 "$status: tried once"
		api PATCH "/v1/connections/$CONNECTION" \
			"{\"key\": \"${TOKENS[linear]}\"}"
		complete "$TASK"
		is_outcome accepted "done"
	done
}

# It comes with status 200, and like a bad argument but for its message: only
# what is really not there by id is gone.
test_an_unknown_item_is_gone_if_it_is() {
	ready_for complete linear
	sim DELETE "/_sim/items/linear/$ITEM"
	complete "$TASK"
	is_outcome accepted already_gone
	ready_for uncomplete linear
	sim DELETE "/_sim/items/linear/$ITEM"
	uncomplete "$TASK"
	is_rolled_back 502 source_gone Linear
}

test_an_unauthorized_key_stops_the_connection() {
	stops_connection '"kind": "auth"' auth_failed
}

# Of a key that answers who it is, one refusal is about one thing.
test_a_refusal_of_one_write_does_not_stop_the_connection() {
	refused_for_good complete '"kind": "auth"' forbidden
}

# Status 400, and the end in a header, in milliseconds since 1970.
test_a_limit_is_told_in_seconds() {
	local wait

	ready_for complete linear
	meets '"kind": "rate_limit", "retry_after": 3'
	complete "$TASK"
	healed
	wait=$(header retry-after)
	is_rolled_back 503 rate_limited Linear
	like "$wait" '^[123]$' "when to come back"
	is "$(writes)" 1 "tried once"
	wait_until 10 limit_is_over || flunk "it is over in time"
	complete "$TASK"
	is_outcome accepted "done"
}

test_a_limit_of_the_edge_without_json_is_a_limit() {
	ready_for complete linear
	meets '"kind": "html_status", "status": 429'
	complete "$TASK"
	healed
	is_rolled_back 503 rate_limited Linear
	is "$(writes)" 1 "tried once"
	sql "update connections set rate_limited_until = null
		where id = '$CONNECTION'" >/dev/null
}

test_an_internal_error_with_status_200_is_trouble() {
	is_trouble complete '"kind": "graphql_errors"'
	is_trouble uncomplete '"kind": "graphql_errors"'
}

limit_is_over() {
	[ "$(sql "select coalesce(rate_limited_until <= now(), true)
		from connections where id = '$CONNECTION'")" = t ]
}

test_server_errors_are_looked_at_before_anything_is_rolled_back() {
	is_trouble complete '"kind": "status", "status": 500'
	is_trouble complete '"kind": "status", "status": 502'
	is_trouble complete '"kind": "status", "status": 503'
	is_trouble complete '"kind": "status", "status": 504'
	is_trouble uncomplete '"kind": "status", "status": 503'
}

test_a_server_error_in_html_is_one_like_any_other() {
	is_trouble complete '"kind": "html_status", "status": 503'
	is_trouble uncomplete '"kind": "html_status", "status": 502'
}

# Nobody's own: what is not in the table must lose nothing either.
test_a_status_that_nobody_documents_is_rolled_back() {
	ready_for complete linear
	meets '"kind": "status", "status": 418'
	complete "$TASK"
	healed
	is_rolled_back 502 '[a-z_]+' Linear
	ready_for complete linear
	meets '"kind": "html_status", "status": 302'
	complete "$TASK"
	healed
	like "$STATUS" '^50[24]$' "a redirect is not followed"
	is_rolled_back "$STATUS" '[a-z_]+' Linear
}

stack_init || bail "no directory"
short_times 2000 600
stack_whole && as_new_user && add_connection linear && run_tests
