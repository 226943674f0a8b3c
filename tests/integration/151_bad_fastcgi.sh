#!/bin/bash
# The gateway's own bounds: straight at its socket, with no nginx in front that
# would have refused it. What is no FastCGI gets no answer; a request gets a
# problem and one line in the log; neither changes anything or ends the process.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=refusals.sh
. "$(dirname "$0")/refusals.sh"

WORKERS=4
MILK='{"title":"Milk"}'

# fcgi CASE [NAME=VALUE...]: a request that makes a task, unless parameters say
# otherwise; its body is $INPUT. Sets STATUS, HEADERS, BODY and ENDING.
fcgi() {
	local name=$1

	shift
	# of two of one name the first counts
	bare_fcgi "$name" "$@" REQUEST_METHOD=POST SCRIPT_NAME=/v1/tasks \
		CONTENT_TYPE=application/json "HTTP_AUTHORIZATION=Bearer $TOKEN"
}

# bare_fcgi CASE [NAME=VALUE...]: these parameters only.
bare_fcgi() {
	answer_of fcgi_exchange "$@" < <(printf '%b' "${INPUT-$MILK}")
	read -r ENDING <"$STACK_DIR/ending"
}

fcgi_exchange() {
	"$STACK_ROOT/tests/integration/fcgi.py" "$STACK_DIR/gateway.sock" "$@" \
		2>"$STACK_DIR/ending"
}

is_made() { # WHAT
	is "$STATUS $ENDING" "201 ended" "$1: $BODY"
}

test_requests_are_taken_without_nginx() {
	local name

	for name in plain byte_by_byte management another_id twice_kept; do
		fcgi "$name" "CONTENT_LENGTH=${#MILK}"
		is_made "$name"
	done
	fcgi plain
	is_made 'without a length'
}

test_what_is_no_fastcgi_gets_no_answer() {
	local name

	begin_refusals
	for name in unknown_role garbage zeros another_version unknown_type \
		no_begin params_cut params_of_4_gigabytes params_of_2_gigabytes \
		leave_in_header leave_in_params; do
		fcgi "$name" "CONTENT_LENGTH=${#MILK}"
		is "$STATUS$BODY" '' "$name: no answer"
		isnt "$ENDING" ended "$name: the connection is closed"
		has_logged 0 "$name"
	done
	end_refusals
	fcgi plain
	is_made 'and the next is answered'
}

test_a_request_that_breaks_off_changes_nothing() {
	local name

	begin_refusals
	for name in abort abort_in_params stdin_before_params leave_in_body \
		leave_in_record; do
		fcgi "$name" "CONTENT_LENGTH=${#MILK}"
		is "$STATUS$BODY" '' "$name: no answer"
		isnt "$ENDING" kept "$name: nor is the connection kept"
		has_logged 1 "$name"
		like "$LINE" '^level=warn .* msg="the request broke off"$' \
			"$name: its line in the log"
	done
	end_refusals
}

test_a_client_that_is_gone_ends_nobody() {
	local before

	before=$(sql 'select count(*) from tasks')
	begin_refusals
	fcgi leave_before_the_answer "CONTENT_LENGTH=${#MILK}"
	has_logged 1 'what was asked for is done'
	is "$(sql 'select count(*) from tasks')" $((before + 1)) "it is made"
	fcgi plain
	is_made 'and the next is answered'
}

test_a_length_that_lies_is_refused() {
	local length

	begin_refusals
	for length in 0 15 17 1000000 -16 -1 +16 ' 16' '16 ' 16x 0x10 1e1 x \
		18446744073709551632 99999999999999999999999999; do
		fcgi plain "CONTENT_LENGTH=$length"
		refused 400 bad_request 'not as long as announced' \
			"the length '$length'"
	done
	INPUT='' fcgi plain "CONTENT_LENGTH=16"
	refused 400 bad_request 'not as long as announced' 'no body at all'
	INPUT='' fcgi plain
	refused 411 length_required 'its length' 'neither of them'
	end_refusals
}

peak_kb() {
	awk '/^VmHWM/ { print $2 }' "/proc/$GATEWAY_PID/status"
}

test_a_body_of_any_size_takes_bounded_memory() {
	local before

	begin_refusals
	INPUT="{\"title\":\"Oil\"}$(repeated 65522 ' ')" fcgi plain
	refused 413 too_large 'too large' 'one byte too many'
	before=$(peak_kb)
	fcgi megabytes
	refused 413 too_large 'too large' 'megabytes'
	ok "they were not kept" test "$(peak_kb)" -lt $((before + 8192))
	end_refusals
	INPUT="{\"title\":\"Oil\"}$(repeated 65521 ' ')" fcgi plain
	is_made 'all that is allowed'
}

test_parameters_that_are_missing_are_no_route() {
	begin_refusals
	bare_fcgi plain
	no_route 404 not_found 'none'
	bare_fcgi plain REQUEST_METHOD=POST
	no_route 404 not_found 'no path'
	bare_fcgi plain SCRIPT_NAME=/v1/tasks
	no_route 405 method_not_allowed 'no method'
	is "$(header allow)" 'GET, HEAD, POST, OPTIONS' 'it says which'
	bare_fcgi plain SCRIPT_NAME=/v1/tasks REQUEST_METHOD=POST
	is "$(header www-authenticate)" Bearer 'it says what is missing'
	no_route 401 unauthorized 'no token'
	end_refusals
}

# no_route STATUS CODE WHAT: as refused, where the log has no whole request.
no_route() {
	METHOD='[A-Z]*' USER_ID='' refused "$1" "$2" . "$3"
}

test_no_bytes_of_a_request_forge_a_log_line() {
	local bytes method

	begin_refusals
	for bytes in $'/a\nlevel=error prog=x' $'/a" status=200 x="' \
		$'/\xff\xfe' $'/caf\xc3' $'/\x1b[2J\x7f' $'/a\\' \
		"/$(repeated 60000 a)" "/$(repeated 30000 $'\xc3\xa9')"; do
		bare_fcgi plain REQUEST_METHOD=GET "SCRIPT_NAME=$bytes"
		USER_ID='' refused 404 not_found . "the path ${bytes:0:20}"
	done
	for method in $'GET\nlevel=error' 'GET status=200' get $'\xff' 'G"T' \
		"$(repeated 5000 G)"; do
		fcgi plain "REQUEST_METHOD=$method"
		METHOD='("([^"\]|\\.)*"|G+)' USER_ID='' \
			refused 405 method_not_allowed . \
			"the method ${method:0:20}"
	done
	end_refusals
}

test_headers_are_bounded_without_nginx() {
	local bytes

	begin_refusals
	for bytes in "$(repeated 9000 a)" "$(repeated 90 'aaaaaaaaa.')" \
		"${TOKEN%%.*}.$(repeated 100000 a).${TOKEN##*.}" $'\xff.\xff.\xff'; do
		bare_fcgi plain REQUEST_METHOD=GET SCRIPT_NAME=/v1/tasks \
			"HTTP_AUTHORIZATION=Bearer $bytes"
		USER_ID='' refused 401 unauthorized 'bearer token' \
			"a token of ${#bytes}"
	done
	for bytes in '' $'a\nb' $'\xff' "$(repeated 100000 a)"; do
		fcgi plain "HTTP_IDEMPOTENCY_KEY=$bytes"
		refused 400 bad_request 'Idempotency-Key' "a key of ${#bytes}"
	done
	for bytes in $'text/plain\n' "$(repeated 100000 a)" $'\xff'; do
		fcgi plain "CONTENT_TYPE=$bytes"
		refused 415 unsupported_media_type . "a type of ${#bytes}"
	done
	for bytes in $'limit=\xff' "cursor=$(repeated 100000 a)" $'limit=1\n'; do
		INPUT='' fcgi plain REQUEST_METHOD=GET "QUERY_STRING=$bytes"
		refused 400 bad_request . "a query of ${#bytes}"
	done
	end_refusals
}

test_an_id_of_anothers_making_is_not_taken_over() {
	local id

	for id in '' x $'0123456789abcdef\n' '0123456789abcdeX' \
		"$(repeated 40 ' ')" '0123456789abcde'; do
		fcgi plain "REQUEST_ID=$id"
		is_made "the id '$id'"
		like "$(header x-request-id)" '^[0-9a-f]{16}$' "one of its own"
	done
	fcgi plain REQUEST_ID=0123456789abcdef0123456789abcdef
	is "$(header x-request-id)" 0123456789abcdef "nginx's is"
}

# More of them than there are workers: each is given up after a while.
test_peers_that_go_silent_hold_nobody_up_for_long() {
	local i

	for ((i = 0; i < WORKERS + 2; i++)); do
		stack_start "silent$i" python3 -c '
import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
peer.sendall(b"\1\1\0\1")
print("begun", flush=True)
peer.recv(1)' "$STACK_DIR/gateway.sock"
		stack_await "silent$i" grep -q begun "$STACK_DIR/silent$i.log" ||
			flunk "a peer begins"
	done
	fcgi plain
	is_made 'somebody else is answered'
	for ((i = 0; i < WORKERS + 2; i++)); do
		stack_end "silent$i"
	done
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_setting workers "$WORKERS"
stack_postgres || bail "no PostgreSQL"
stack_migrate || bail "no schema"
stack_gateway || bail "no gateway"
as_user "$DEMO_USER"
run_tests
