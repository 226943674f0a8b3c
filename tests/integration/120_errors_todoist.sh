#!/bin/bash
# Every way in which Todoist says no: what becomes of the task, of the connection
# and of what the caller is told.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# meets MEMBERS: every write meets this fault.
meets() {
	fault "{\"provider\": \"todoist\", \"write\": true, $1}"
}

# refused_for_good WISH MEMBERS REASON: rolled back at once, tried once.
refused_for_good() {
	ready_for "$1" todoist || return
	meets "$2"
	wish "$1" "$TASK"
	healed
	is_rolled_back 502 "$3" Todoist
	is "$(writes) $(provider_says todoist "$ITEM")" \
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
	ready_for complete todoist || return
	meets "$1"
	fault "{\"provider\": \"todoist\", \"op\": \"user\", $1}"
	complete "$TASK"
	healed
	is_rolled_back 502 "$2" Todoist
	is "$(writes)" 1 "$1: tried once"
	is "$(connection_says "$CONNECTION" status)" auth_failed \
		"$1: the connection is stopped"
	mark
	complete "$TASK"
	is_rolled_back 502 '[a-z_]+' Todoist
	is "$(requests)" 0 "$1: nothing is sent"
	api PATCH "/v1/connections/$CONNECTION" \
		"{\"key\": \"${TOKENS[todoist]}\"}"
	complete "$TASK"
	is_outcome accepted "done"
}

# is_trouble WISH MEMBERS: of the provider itself, so it is looked at, tried again
# and then rolled back.
is_trouble() {
	ready_for "$1" todoist || return
	meets "$2"
	wish "$1" "$TASK"
	healed
	is_rolled_back 504 '[a-z_]+' Todoist
	is "$(provider_says todoist "$ITEM") $(taken)" \
		"$(state_before "$1") 0" "$2: nothing happened"
	isnt "$(count_requests 'write=false')" 0 "$2: it was looked at"
	is "$(connection_says "$CONNECTION" status)" active \
		"$2: the connection lives"
}

test_a_bad_argument_is_permanent() {
	refused_for_good complete '"kind": "status", "status": 400' refused
	refused_for_good uncomplete '"kind": "status", "status": 400' refused
}

test_a_bad_argument_that_names_a_wait_is_permanent_too() {
	refused_for_good complete '"kind": "status", "status": 400,
		"retry_after": 1' refused
}

test_an_unauthorized_key_stops_the_connection() {
	stops_connection '"kind": "auth"' auth_failed
	stops_connection '"kind": "auth", "retry_after": 1' auth_failed
}

# Of a key that answers who it is, one refusal is about one thing.
test_a_refusal_of_one_write_does_not_stop_the_connection() {
	refused_for_good complete '"kind": "auth"' forbidden
	refused_for_good complete '"kind": "auth", "retry_after": 1' forbidden
	refused_for_good complete '"kind": "forbidden"' scope_missing
}

# FORBIDDEN without a word of the scope is about the item or about the key.
test_what_is_forbidden_is_rolled_back_after_one_try() {
	ready_for complete todoist
	meets '"kind": "status", "status": 403'
	complete "$TASK"
	healed
	is_rolled_back 502 'forbidden|scope_missing' Todoist
	is "$(writes)" 1 "tried once"
	api PATCH "/v1/connections/$CONNECTION" \
		"{\"key\": \"${TOKENS[todoist]}\"}"
	complete "$TASK"
	is_outcome accepted "done"
}

test_an_unknown_item_is_gone() {
	ready_for complete todoist
	meets '"kind": "not_found"'
	complete "$TASK"
	healed
	is_outcome accepted already_gone
	ready_for uncomplete todoist
	meets '"kind": "not_found"'
	uncomplete "$TASK"
	healed
	is_rolled_back 502 source_gone Todoist
}

test_a_retired_api_that_answers_in_plain_text_is_permanent() {
	refused_for_good complete '"kind": "gone_410"' gone_api
	refused_for_good uncomplete '"kind": "gone_410"' gone_api
}

test_a_limit_of_seconds_is_told_as_such() {
	local wait

	ready_for complete todoist
	meets '"kind": "rate_limit", "retry_after": 3'
	complete "$TASK"
	healed
	wait=$(header retry-after)
	is_rolled_back 503 rate_limited Todoist
	like "$wait" '^[123]$' "when to come back"
	is "$(writes)" 1 "tried once"
	wait_until 10 limit_is_over || flunk "it is over in time"
	complete "$TASK"
	is_outcome accepted "done"
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
	ready_for complete todoist
	meets '"kind": "status", "status": 418'
	complete "$TASK"
	healed
	is_rolled_back 502 '[a-z_]+' Todoist
	ready_for complete todoist
	meets '"kind": "html_status", "status": 302'
	complete "$TASK"
	healed
	like "$STATUS" '^50[24]$' "a redirect is not followed"
	is_rolled_back "$STATUS" '[a-z_]+' Todoist
}

# Older texts and clients know 204 for what is 200 today.
test_any_success_without_a_body_is_a_success() {
	ready_for complete todoist
	meets '"kind": "empty_body", "status": 204'
	complete "$TASK"
	healed
	is_outcome accepted "done"
	is "$(provider_says todoist "$ITEM") $(writes)" "completed 1" "it has it"
}

stack_init || bail "no directory"
short_times 2000 600
stack_whole && as_new_user && add_connection todoist && run_tests
