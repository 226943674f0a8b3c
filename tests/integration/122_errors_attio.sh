#!/bin/bash
# Every way in which Attio says no: what becomes of the task, of the connection
# and of what the caller is told.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# meets MEMBERS: every write meets this fault.
meets() {
	fault "{\"provider\": \"attio\", \"write\": true, $1}"
}

# refused_for_good WISH MEMBERS REASON: rolled back at once, tried once.
refused_for_good() {
	ready_for "$1" attio || return
	meets "$2"
	wish "$1" "$TASK"
	healed
	is_rolled_back 502 "$3" Attio
	is "$(writes) $(provider_says attio "$ITEM")" \
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
	ready_for complete attio || return
	meets "$1"
	fault "{\"provider\": \"attio\", \"op\": \"self\", $1}"
	complete "$TASK"
	healed
	is_rolled_back 502 "$2" Attio
	is "$(writes)" 1 "$1: tried once"
	is "$(connection_says "$CONNECTION" status)" auth_failed \
		"$1: the connection is stopped"
	mark
	complete "$TASK"
	is_rolled_back 502 '[a-z_]+' Attio
	is "$(requests)" 0 "$1: nothing is sent"
	api PATCH "/v1/connections/$CONNECTION" \
		"{\"key\": \"${TOKENS[attio]}\"}"
	complete "$TASK"
	is_outcome accepted "done"
}

# is_trouble WISH MEMBERS: of the provider itself, so it is looked at, tried again
# and then rolled back.
is_trouble() {
	ready_for "$1" attio || return
	meets "$2"
	wish "$1" "$TASK"
	healed
	is_rolled_back 504 '[a-z_]+' Attio
	is "$(provider_says attio "$ITEM") $(taken)" \
		"$(state_before "$1") 0" "$2: nothing happened"
	isnt "$(count_requests 'write=false')" 0 "$2: it was looked at"
	is "$(connection_says "$CONNECTION" status)" active \
		"$2: the connection lives"
}

test_a_bad_argument_is_permanent() {
	refused_for_good complete '"kind": "status", "status": 400' refused
	refused_for_good uncomplete '"kind": "status", "status": 400' refused
}

test_an_unauthorized_key_stops_the_connection() {
	stops_connection '"kind": "auth"' auth_failed
}

# Of a key that answers who it is, one refusal is about one thing.
test_a_refusal_of_one_write_does_not_stop_the_connection() {
	refused_for_good complete '"kind": "auth"' forbidden
	refused_for_good complete '"kind": "forbidden"' 'scope_missing|forbidden'
}

test_an_unknown_item_is_gone() {
	ready_for complete attio
	meets '"kind": "not_found"'
	complete "$TASK"
	healed
	is_outcome accepted already_gone
	ready_for uncomplete attio
	meets '"kind": "not_found"'
	uncomplete "$TASK"
	healed
	is_rolled_back 502 source_gone Attio
}

# Retry-After is a date: a second more or less.
test_a_limit_that_ends_at_a_date_is_told_in_seconds() {
	local wait

	ready_for complete attio
	meets '"kind": "rate_limit", "retry_after": 4'
	complete "$TASK"
	healed
	wait=$(header retry-after)
	is_rolled_back 503 rate_limited Attio
	like "$wait" '^[1-5]$' "when to come back"
	is "$(writes)" 1 "tried once"
	wait_until 10 limit_is_over || flunk "it is over in time"
	complete "$TASK"
	is_outcome accepted "done"
}

# The usual answer names the next second, which is worth waiting for.
test_a_limit_that_ends_at_once_is_waited_for() {
	ready_for complete attio
	meets '"kind": "rate_limit", "retry_after": 0, "times": 1'
	complete "$TASK"
	healed
	is_outcome accepted "done"
	is "$(writes) $(taken)" "2 1" "refused once, then taken"
}

test_a_bill_not_paid_is_rolled_back_after_one_try() {
	ready_for complete attio
	meets '"kind": "status", "status": 402'
	complete "$TASK"
	healed
	is_rolled_back 502 '[a-z_]+' Attio
	is "$(writes)" 1 "tried once"
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
	ready_for complete attio
	meets '"kind": "status", "status": 418'
	complete "$TASK"
	healed
	is_rolled_back 502 '[a-z_]+' Attio
	ready_for complete attio
	meets '"kind": "html_status", "status": 302'
	complete "$TASK"
	healed
	like "$STATUS" '^50[24]$' "a redirect is not followed"
	is_rolled_back "$STATUS" '[a-z_]+' Attio
}

stack_init || bail "no directory"
short_times 2000 600
stack_whole && as_new_user && add_connection attio && run_tests
