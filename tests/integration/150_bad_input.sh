#!/bin/bash
# Whatever a client sends: a problem with the right status and a sentence, one
# line in the log, nothing changed, and the process goes on. Bodies, queries,
# headers and tokens in tables; the routes and their methods are those of
# deploy/openapi.json.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=refusals.sh
. "$(dirname "$0")/refusals.sh"

description=$STACK_ROOT/deploy/openapi.json
NOBODYS=00000000-0000-4000-8000-00000000dead

# --- ways to send -------------------------------------------------------------

# send METHOD PATH [BYTES [HEADER...]]: as the user; BYTES as printf's %b has them.
send() {
	call_by "$STACK_DIR/api.curl" "$@"
}

# stranger: the same without a token.
stranger() {
	call_by /dev/null "$@"
}

call_by() { # CURL_CONFIG METHOD PATH [BYTES [HEADER...]]
	local config=$1 method=$2 path=$3 bytes=${4:-} args=() header

	shift 3
	if [ $# -gt 0 ]; then
		shift
		args+=(--data-binary @-)
		[ $# -gt 0 ] || set -- 'Content-Type: application/json'
	fi
	for header; do
		args+=(-H "$header")
	done
	answer_of curl -sS -i -X "$method" --max-time 60 --path-as-is -g \
		-K "$config" "${args[@]}" "$URL$path" < <(printf '%b' "$bytes")
}

# raw BYTES: a request written by hand. Not with bash's own printf, which sends
# a socket line by line: nginx answers and closes before it has seen all of it.
raw() {
	answer_of raw_exchange "$1"
}

raw_exchange() {
	local fd

	exec {fd}<>"/dev/tcp/127.0.0.1/${URL##*:}" || return 1
	env printf '%b' "$1" >&"$fd"
	timeout 60 cat <&"$fd"
	exec {fd}>&-
}

# --- bodies -------------------------------------------------------------------

test_a_body_that_is_not_json_is_refused() {
	local body

	begin_refusals
	while IFS= read -r body; do
		send POST /v1/tasks "$body"
		refused 400 bad_request '^The body is not valid: JSON: ' "$body"
	done <<-'BODIES'
		x
		{
		{"title"
		{"title":
		{"title":"Milk"
		{"title":"Milk"}}
		{"title":"Milk"} x
		{"title":"Milk"}{"title":"Milk"}
		{"title":"Milk",}
		{,"title":"Milk"}
		{'title':'Milk'}
		{title:"Milk"}
		{"title":"Mi\x0alk"}
		{"title":"Milk\\x41"}
		{"title":"Milk\\u00g0"}
		{"title":"Milk"}//
		{"title":"Milk","n":01}
		{"title":"Milk","n":1.}
		{"title":"Milk","n":NaN}
		{"title":"Milk","n":0x1}
		{"title":"Milk","n":undefined}
		{"title":"Milk","n":[1,]}
		{"title":"Milk","n":[1}
		title=Milk
		<title>Milk</title>
		\xef\xbb\xbf{"title":"Milk"}
	BODIES
	end_refusals
}

test_a_body_that_is_no_object_is_refused() {
	local body

	begin_refusals
	for body in '[]' '[{"title":"Milk"}]' null true 1 '"title"'; do
		send POST /v1/tasks "$body"
		refused 400 bad_request '^The body must be a JSON object\.$' \
			"$body"
	done
	end_refusals
}

test_a_body_that_is_not_utf_8_is_refused() {
	local bytes

	begin_refusals
	for bytes in '\xff' '\xc3' '\xc0\xaf' '\xe0\x80\xaf' '\xed\xa0\x80' \
		'\xf4\x90\x80\x80' '\xf0\x8f\xbf\xbf' '\x80' 'Caf\xe9'; do
		send POST /v1/tasks "{\"title\":\"$bytes\"}"
		refused 400 bad_request 'not UTF-8' "$bytes in a string"
		send POST /v1/tasks "{\"title\":\"Milk\",\"$bytes\":1}"
		refused 400 bad_request 'not UTF-8' "$bytes in a name"
	done
	send POST /v1/tasks '\xff\xfe{\x00}\x00'
	refused 400 bad_request 'not UTF-8' 'UTF-16'
	end_refusals
}

test_nul_and_halves_of_characters_are_refused() {
	begin_refusals
	send POST /v1/tasks '{"title":"Mi\x00lk"}'
	refused 400 bad_request '^The body is not valid: ' 'a NUL in a string'
	send POST /v1/tasks '{"title":"Milk"}\x00'
	refused 400 bad_request '^The body is not valid: ' 'a NUL at the end'
	send POST /v1/tasks '{"title":"Milk"}\x00{"title":"Oil"}'
	refused 400 bad_request '^The body is not valid: ' 'a NUL in between'
	send POST /v1/tasks '{"title":"Mi\\u0000lk"}'
	refused 400 bad_request 'escaped NUL' 'an escaped NUL'
	send POST /v1/tasks '{"title":"Milk","\\u0000":1}'
	refused 400 bad_request 'escaped NUL' 'an escaped NUL in a name'
	send POST /v1/tasks '{"title":"\\ud83d"}'
	refused 400 bad_request 'half a surrogate' 'half a pair'
	send POST /v1/tasks '{"title":"\\ude00\\ud83d"}'
	refused 400 bad_request 'half a surrogate' 'a pair the wrong way round'
	end_refusals
}

test_nesting_is_bounded() {
	local depth text

	begin_refusals
	for depth in 32 33 1000 20000; do # inside the body's own object
		text=$(repeated "$depth" '[')$(repeated "$depth" ']')
		send POST /v1/tasks "{\"title\":\"Milk\",\"n\":$text}"
		refused 400 bad_request 'nested deeper than 32' "$depth arrays"
	done
	send POST /v1/tasks "{\"title\":\"Milk\",\"n\":$(repeated 9000 '{"n":')"
	refused 400 bad_request 'nested deeper than 32' 'objects without end'
	end_refusals
	text=$(repeated 31 '[')$(repeated 31 ']')
	send POST /v1/tasks "{\"title\":\"Milk\",\"n\":$text}"
	is "$STATUS" 201 "up to there it is taken"
}

test_a_name_that_is_there_twice_is_refused() {
	local body many

	begin_refusals
	for body in '{"title":"Milk","title":"Oil"}' \
		'{"title":"Milk","\\u0074itle":"Milk"}' \
		'{"title":"Milk","o":{"a":1,"b":2,"a":3}}'; do
		send POST /v1/tasks "$body"
		refused 400 bad_request 'a name is there twice' "$body"
	done
	send POST /v1/connections \
		'{"type":"todoist","key":"one","key":"other"}'
	refused 400 bad_request 'a name is there twice' 'two keys'
	# as many as fit, and the pair at its ends: quick as well
	many=$(seq -f '"%g":1,' 6000 | tr -d '\n')
	send POST /v1/tasks "{\"title\":\"Milk\",$many\"title\":1}"
	refused 400 bad_request 'a name is there twice' 'thousands of names'
	end_refusals
}

test_values_of_the_wrong_type_are_refused() {
	local value name

	begin_refusals
	for value in 1 true '[]' '["Milk"]' '{}' '{"a":"b"}' 1e999; do
		send POST /v1/tasks "{\"title\":$value}"
		refused 400 bad_request "^'title' must be a string" "title $value"
		send PATCH "/v1/tasks/$SOME_TASK" "{\"title\":$value}"
		refused 400 bad_request "^'title' must be a string" \
			"a new title $value"
		for name in source source_id source_url; do
			send POST /v1/tasks "{\"title\":\"Milk\",\"$name\":$value}"
			refused 400 bad_request "^'$name' must be a string" \
				"$name $value"
		done
		for name in type label key; do
			send POST /v1/connections "$(jq -c --arg n "$name" \
				--argjson v "${value/1e999/9}" '.[$n] = $v' \
				<<<'{"type":"todoist","label":"n","key":"k"}')"
			refused 400 bad_request "^'$name' must be a string" \
				"a connection's $name $value"
		done
		for name in label status key; do
			send PATCH "/v1/connections/${CONNECTIONS[todoist]}" \
				"{\"$name\":$value}"
			refused 400 bad_request "^'$name' must be a string" \
				"a connection's new $name $value"
		done
	done
	for value in 1 '"x"' '[]' true; do
		send POST /v1/connections \
			"{\"type\":\"todoist\",\"key\":\"k\",\"metadata\":$value}"
		refused 400 bad_request "^'metadata' must be an object" \
			"metadata $value"
	done
	for value in 1 '"true"' '{}' null; do
		send PATCH "/v1/connections/${CONNECTIONS[todoist]}" \
			"{\"writeback\":$value}"
		refused 400 bad_request "^'writeback' must be true or false" \
			"writeback $value"
	done
	end_refusals
}

test_values_that_cannot_be_are_refused() {
	local long path=/v1/connections

	long=$(repeated 2001 x)
	begin_refusals
	while IFS='|' read -r method where detail body; do
		send "$method" "$where" "$body"
		refused 400 bad_request "$detail" "$method $where ${body:0:70}"
	done <<-CASES
		POST|/v1/tasks|^'title' is missing|{}
		POST|/v1/tasks|^'title' is missing|{"title":null}
		POST|/v1/tasks|^'title' is missing|{"title":""}
		POST|/v1/tasks|^'title' is missing|{"title":" \\\\t\\\\n "}
		POST|/v1/tasks|^'title' is missing|{"Title":"Milk"}
		POST|/v1/tasks|^'title' is longer|{"title":"$long"}
		POST|/v1/tasks|^'source' must be|{"title":"a","source":"jira","source_id":"1"}
		POST|/v1/tasks|^'source' is longer|{"title":"a","source":"$long"}
		POST|/v1/tasks|^'source_id' belongs|{"title":"a","source":"linear"}
		POST|/v1/tasks|^'source_id' belongs|{"title":"a","source_id":"1"}
		POST|/v1/tasks|^'source_id' is none that an item of Linear|{"title":"a","source":"linear","source_id":"ENG-12"}
		POST|/v1/tasks|^'source_id' is none that an item of Linear|{"title":"a","source":"linear","source_id":"0B8F8A54-93B0-4F0F-8E0F-5B4B0A2D7C01"}
		POST|/v1/tasks|^'source_id' is none that an item of Todoist|{"title":"a","source":"todoist","source_id":"ENG/12 3"}
		POST|/v1/tasks|^'source_id' is none that an item of Attio|{"title":"a","source":"attio","source_id":"Aufgäbe"}
		POST|/v1/tasks|^'source_id' is longer|{"title":"a","source":"linear","source_id":"$long"}
		POST|/v1/tasks|^'source_url' is longer|{"title":"a","source_url":"$long"}
		PATCH|/v1/tasks/$SOME_TASK|^'title' is missing|{}
		PATCH|/v1/tasks/$SOME_TASK|^'title' is missing|{"status":"completed"}
		PATCH|/v1/tasks/$SOME_TASK|^'title' is longer|{"title":"$long"}
		POST|$path|^'type' is missing|{}
		POST|$path|^'type' must be|{"type":"jira","key":"k"}
		POST|$path|^'type' must be|{"type":"manual","key":"k"}
		POST|$path|^'type' must be|{"type":"Todoist","key":"k"}
		POST|$path|^'key' is missing|{"type":"todoist"}
		POST|$path|^'key' is empty|{"type":"todoist","key":""}
		POST|$path|^'key' has characters|{"type":"todoist","key":"a b"}
		POST|$path|^'key' has characters|{"type":"todoist","key":"a\\\\r\\\\nX-Y: z"}
		POST|$path|^'key' has characters|{"type":"todoist","key":"schl\\\\u00fcssel"}
		POST|$path|^'key' is longer|{"type":"todoist","key":"$long$long"}
		POST|$path|^'label' is longer|{"type":"todoist","key":"k","label":"$long"}
		PATCH|$path/${CONNECTIONS[todoist]}|^'status' must be|{"status":"auth_failed"}
		PATCH|$path/${CONNECTIONS[todoist]}|^'status' must be|{"status":""}
		PATCH|$path/${CONNECTIONS[todoist]}|^'key' is empty|{"key":""}
		PATCH|$path/${CONNECTIONS[todoist]}|^'key' has characters|{"key":"\\\\u007f"}
		PATCH|$path/${CONNECTIONS[todoist]}|^'label' is longer|{"label":"$long"}
	CASES
	end_refusals
}

# A completion takes no members, but a body that is there has to be one.
test_a_body_that_is_not_needed_is_judged_all_the_same() {
	begin_refusals
	send POST "/v1/tasks/$SOME_TASK/complete" '{'
	refused 400 bad_request '^The body is not valid: ' 'completing'
	send POST "/v1/tasks/$SOME_TASK/archive" '[]'
	refused 400 bad_request 'must be a JSON object' 'archiving'
	send DELETE "/v1/tasks/$SOME_TASK" '\xff'
	refused 400 bad_request 'not UTF-8' 'deleting'
	end_refusals
}

test_a_body_that_is_too_large_is_refused_by_the_process() {
	local fill

	fill=$(repeated 65536 ' ')
	begin_refusals
	send POST /v1/tasks "${fill:14}{\"title\":\"Oil\"}"
	refused 413 too_large 'too large' 'one byte too many'
	send POST /v1/tasks "{\"title\":\"Oil\"}$(repeated 1000000 x)"
	refused 413 too_large 'too large' 'a megabyte'
	send POST /v1/tasks "${fill:14}{\"title\":\"Oil\"}" \
		'Content-Type: application/json' 'Transfer-Encoding: chunked'
	refused 413 too_large 'too large' 'in chunks'
	send POST "/v1/tasks/$SOME_TASK/complete" "$fill x"
	refused 413 too_large 'too large' 'a completion'
	end_refusals
	send POST /v1/tasks "${fill:15}{\"title\":\"Oil\"}"
	is "$STATUS" 201 "all that is allowed is taken: $BODY"
}

test_a_body_that_is_larger_than_that_ends_at_nginx() {
	local large

	large="{\"title\":\"Oil\"}$(repeated 1048562 ' ')"
	begin_refusals
	send POST /v1/tasks "$large"
	refused_outside 413 'more than a megabyte'
	send POST /v1/tasks "$large" 'Content-Type: application/json' \
		'Transfer-Encoding: chunked'
	refused_outside 413 'the same in chunks'
	end_refusals
}

test_the_length_has_to_be_known_and_true() {
	local auth head

	auth="Authorization: Bearer $TOKEN\r\nConnection: close\r\n"
	head="POST /v1/tasks HTTP/1.1\r\nHost: h\r\n$auth"
	begin_refusals
	raw "$head\r\n"
	refused 411 length_required 'needs a body and its length' 'no length'
	raw "PATCH /v1/tasks/$SOME_TASK HTTP/1.1\r\nHost: h\r\n$auth\r\n"
	refused 411 length_required 'needs a body and its length' 'for PATCH'
	raw "POST /v1/connections HTTP/1.1\r\nHost: h\r\n$auth\r\n"
	refused 411 length_required 'needs a body and its length' 'connections'
	raw "${head}Content-Length: 0\r\n\r\n"
	refused 400 bad_request '^The body is empty\.$' 'a length of 0'
	raw "${head}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	refused 400 bad_request '^The body is empty\.$' 'no chunks'
	raw "${head}Content-Length: 8\r\n\r\n{\"title\":\"Oil\"}"
	refused 400 bad_request '^The body is not valid' 'a length too short'
	for length in -1 x 1x '1 1' 0x10 99999999999999999999 ''; do
		raw "${head}Content-Length: $length\r\n\r\n{}"
		refused_outside 400 "the length '$length'"
	done
	raw "${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "
	refused_outside 400 'two lengths'
	raw "${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"
	refused_outside 400 'a length and chunks'
	raw "${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"
	refused_outside 400 'a chunk without a size'
	raw "${head}Transfer-Encoding: gzip\r\n\r\n{}"
	refused_outside 501 'an encoding of the transfer'
	end_refusals
	raw "${head}Transfer-Encoding: chunked\r\n\r\n\
8\r\n{\"title\"\r\n7\r\n:\"Oil\"}\r\n0\r\n\r\n"
	is "$STATUS" 201 "chunks are taken: $BODY"
}

# The client goes away in the middle: nothing reaches the gateway.
test_a_body_that_breaks_off_changes_nothing() {
	local fd head

	head="POST /v1/tasks HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer $TOKEN"
	begin_refusals
	for head in "$head\r\nContent-Length: 15\r\n\r\n{\"title\":" \
		"$head\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n{\"title\":"; do
		exec {fd}<>"/dev/tcp/127.0.0.1/${URL##*:}"
		printf '%b' "$head" >&"$fd"
		exec {fd}>&-
		has_logged 0 'it broke off'
	done
	end_refusals
}

test_a_body_of_another_kind_is_refused() {
	local type

	begin_refusals
	for type in text/plain text/json application/xml multipart/form-data \
		application/jsonx json +json '*/*' application/octet-stream \
		$'application/js\xf6n' ', application/json'; do
		send POST /v1/tasks '{"title":"Milk"}' "Content-Type: $type"
		refused 415 unsupported_media_type 'must be application/json' \
			"$type"
		send POST "/v1/tasks/$SOME_TASK/complete" '{}' \
			"Content-Type: $type"
		refused 415 unsupported_media_type 'must be application/json' \
			"$type for a completion"
	done
	end_refusals
	for type in 'application/json; charset=utf-8' Application/JSON \
		application/merge-patch+json application/json\;a=b; do
		send POST /v1/tasks '{"title":"Milk"}' "Content-Type: $type"
		is "$STATUS" 201 "$type is taken"
	done
	send POST /v1/tasks '{"title":"Milk"}' 'Content-Type:'
	is "$STATUS" 201 "and none: $BODY"
}

# --- paths and methods --------------------------------------------------------

test_what_does_not_exist_is_not_found() {
	local method path

	begin_refusals
	while read -r method path; do
		if [ "$method" = PATCH ]; then
			send PATCH "${path/\{id\}/$NOBODYS}" \
				'{"title":"Milk","label":"Mine"}'
		else
			send "$method" "${path/\{id\}/$NOBODYS}"
		fi
		refused 404 not_found 'nothing of that name' "$method $path"
	done < <(jq -r '.paths | to_entries[] | .key as $p
		| select($p | test("[{]id[}]")) | .value | keys[]
		| "\(ascii_upcase) \($p)"' "$description")
	end_refusals
}

test_an_id_that_is_no_uuid_is_not_found() {
	local id

	begin_refusals
	for id in 1 x null "${SOME_TASK}0" "${SOME_TASK%?}" "{$SOME_TASK}" \
		"${SOME_TASK//-/}" "${SOME_TASK/-/+}" "${SOME_TASK%?}g" \
		"${SOME_TASK}%20" "%27%20or%201=1%20--" "$SOME_TASK,$SOME_TASK" \
		"${SOME_TASK/-/%c0%ad}" "$(repeated 3000 0)"; do
		send GET "/v1/tasks/$id"
		refused 404 not_found 'nothing of that name' "${id:0:60}"
		send POST "/v1/tasks/$id/complete"
		refused 404 not_found 'nothing of that name' \
			"completing ${id:0:60}"
		send DELETE "/v1/connections/$id"
		refused 404 not_found 'nothing of that name' \
			"deleting ${id:0:60}"
	done
	end_refusals
}

test_a_path_that_is_no_route_is_not_found() {
	local path

	begin_refusals
	for path in / /v1 /v1/ /v2/tasks /v1/tasks/ /v1/task /V1/tasks \
		/v1/tasksx "/v1/tasks/$SOME_TASK/" "/v1/tasks/$SOME_TASK/done" \
		"/v1/tasks/$SOME_TASK/complete/" "/v1/$SOME_TASK/complete" \
		/favicon.ico /healthz/ /.env /v1/tasks%2f /v1/%ff%fe /%c0%af \
		'/%22%20status=200%20x=%22' '/%0alevel=error%20prog=x%20msg=y' \
		'/%1b%5b2J' /v1/tasks%3f "/$(repeated 5000 a)" \
		"/$(repeated 800 %e2%82%ac)"; do
		send GET "$path"
		refused 404 not_found 'nothing of that name' "${path:0:60}"
		stranger POST "$path" '{}'
		USER_ID='' refused 404 not_found 'nothing of that name' \
			"${path:0:60} without a token"
	done
	end_refusals
}

# Every path of the description with every method it does not have.
test_a_wrong_method_is_told_the_right_ones() {
	local path allowed method

	begin_refusals
	while read -r path allowed; do
		[[ ", $allowed, " != *', GET, '* ]] || allowed+=', HEAD'
		allowed+=', OPTIONS'
		for method in GET HEAD POST PUT PATCH DELETE PROPFIND; do
			[[ ", $allowed, " != *", $method, "* ]] || continue
			wrong_method "$method" "${path/\{id\}/$SOME_TASK}" \
				"$allowed"
		done
	done < <(jq -r '.paths | to_entries[] | "\(.key) \(.value | keys_unsorted
		| map(ascii_upcase) | join(", "))"' "$description")
	end_refusals
}

wrong_method() { # METHOD PATH ALLOWED
	# which has no body, so that only its head can be looked at
	if [ "$1" = HEAD ]; then
		answer_of curl -sS --max-time 30 -I "$URL$2"
		is "$STATUS $(sorted "$(header allow)")" "405 $(sorted "$3")" "HEAD $2: $HEADERS"
		has_logged 1 "HEAD $2"
		return
	fi
	stranger "$1" "$2"
	is "$(sorted "$(header allow)")" "$(sorted "$3")" "$1 $2: Allow"
	refused 405 method_not_allowed "takes only " "$1 $2"
}

sorted() { # LIST
	tr -d ' ' <<<"${1^^}" | tr ',' '\n' | sort | tr '\n' ' '
}

test_what_is_no_http_ends_at_nginx() {
	local request

	begin_refusals
	for request in 'GET /v1/%00 HTTP/1.1\r\nHost: h' \
		'GET /v1/tasks%00x HTTP/1.1\r\nHost: h' \
		'GET /v1/%zz HTTP/1.1\r\nHost: h' \
		'GET /v1/tasks HTTP/1.1' 'get /v1/tasks HTTP/1.1\r\nHost: h' \
		'GET v1/tasks HTTP/1.1\r\nHost: h' 'nonsense' \
		'GET /../../etc/passwd HTTP/1.1\r\nHost: h' \
		'GET /v1/tasks HTTP/1.1\r\nHost: h\r\nX: a\x00b' \
		'GET /v1/tasks HTTP/1.1\r\nHost: h\r\nHost: i' \
		'GET /v1/tasks HTTP/1.1\r\nHost: a b'; do
		raw "$request\r\nConnection: close\r\n\r\n"
		refused_outside 400 "$request"
	done
	raw "TRACE /v1/tasks HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
	refused_outside 405 'TRACE'
	isnt "$(header allow)" '' 'it says which methods there are'
	raw "GET /v1/tasks HTTP/2.7\r\nHost: h\r\nConnection: close\r\n\r\n"
	refused_outside 505 'another HTTP'
	raw "GET /$(repeated 9000 a) HTTP/1.1\r\nHost: h\r\n\r\n"
	refused_outside 414 'an address too long'
	raw "GET / HTTP/1.1\r\nHost: h\r\nX: $(repeated 9000 a)\r\n\r\n"
	refused_outside 431 'headers too long'
	end_refusals
}

# --- queries ------------------------------------------------------------------

test_a_bad_query_is_refused() {
	local path

	begin_refusals
	while IFS='|' read -r detail path; do
		send GET "$path"
		refused 400 bad_request "$detail" "$path"
	done <<-CASES
		^'status' must be|/v1/tasks?status=done
		^'status' must be|/v1/tasks?status=Active
		^'status' must be|/v1/tasks?status=active%20
		^'source' must be|/v1/tasks?source=jira
		^'connection_id' must be|/v1/inbox?connection_id=1
		^'connection_id' must be|/v1/inbox?connection_id=${NOBODYS}0
		badly encoded|/v1/tasks?status=%
		badly encoded|/v1/tasks?status=a%4
		badly encoded|/v1/tasks?limit=%zz
		badly encoded|/v1/tasks?limit=1&cursor=%u0041
		not UTF-8|/v1/tasks?status=%ff
		not UTF-8|/v1/tasks?source=%c0%af
		not UTF-8|/v1/tasks?cursor=%ed%a0%80
		not UTF-8|/v1/inbox?cursor=a%e2%82
		not UTF-8|/v1/events?cursor=%fe
		has a NUL|/v1/tasks?limit=5%00
		has a NUL|/v1/tasks?cursor=%00
		has a NUL|/v1/inbox?connection_id=$NOBODYS%00
		too long|/v1/tasks?status=$(repeated 500 a)
		too long|/v1/tasks?cursor=$(repeated 5000 a)
		too long|/v1/tasks?limit=$(repeated 500 1)
		too long|/v1/events?cursor=$(repeated 500 1)
	CASES
	end_refusals
}

test_a_bad_limit_is_refused() {
	local limit path

	begin_refusals
	for path in tasks inbox events; do
		for limit in 0 -1 201 1000 5x x 1e2 5.0 0x5 %205 5%20 %2B5 +5 \
			18446744073709551617 99999999999999999999; do
			send GET "/v1/$path?limit=$limit"
			refused 400 bad_request \
				"^'limit' must be a whole number|too long" \
				"$path $limit"
		done
	done
	end_refusals
	send GET '/v1/tasks?limit=200'
	is "$STATUS" 200 "the most is taken"
}

test_a_bad_cursor_is_refused() {
	local cursor time=1767225600000000

	begin_refusals
	for cursor in x _ 1 "$NOBODYS" "_$NOBODYS" "$time" "${time}_" \
		"${time}_1" "${time}_${NOBODYS}0" "x_$NOBODYS" "now_$NOBODYS" \
		"infinity_$NOBODYS" "2026-01-01T00:00:00.000000Z_$NOBODYS" \
		"--${time}_$NOBODYS" "-_$NOBODYS" "%2B${time}_$NOBODYS" "0x1_$NOBODYS" \
		"1.5_$NOBODYS" "1e3_$NOBODYS" "${time}000_$NOBODYS" "-${time}000_$NOBODYS" \
		"${time}__$NOBODYS" "%20${time}_$NOBODYS" "${time}'_$NOBODYS" \
		"1-1" null; do
		send GET "/v1/tasks?cursor=$cursor"
		refused 400 bad_request 'not a cursor' "tasks $cursor"
		send GET "/v1/inbox?cursor=$cursor"
		refused 400 bad_request 'not a cursor' "inbox $cursor"
	done
	for cursor in x - 1 1- -1 1-1- 1--1 a-b 1-x ' 1-1' +1-1 1.0-1 \
		"${time}_$NOBODYS" 99999999999999999999-1 \
		1-99999999999999999999 18446744073709551615-1; do
		send GET "/v1/events?cursor=${cursor// /%20}"
		refused 400 bad_request 'not a cursor' "events $cursor"
	done
	end_refusals
}

# --- headers ------------------------------------------------------------------

test_a_bad_idempotency_key_is_refused() {
	local key

	begin_refusals
	for key in '' "$(repeated 256 k)" $'sch\xc3\xb6n' $'\xff' $'a\tb' \
		$'a\x7fb' $'a\x01b'; do
		send POST /v1/tasks '{"title":"Milk"}' \
			'Content-Type: application/json' \
			"Idempotency-Key${key:+: $key}${key:-;}"
		refused 400 bad_request '^The Idempotency-Key ' "the key '$key'"
	done
	# one that was taken for a request that failed is free again
	send POST /v1/tasks '{"title":1}' 'Content-Type: application/json' \
		"Idempotency-Key: $(repeated 255 k)"
	refused 400 bad_request "^'title'" 'a bad request under a good key'
	end_refusals
	send POST /v1/tasks '{"title":"Milk"}' \
		'Content-Type: application/json' \
		"Idempotency-Key: $(repeated 255 k)"
	is "$STATUS" 201 "the longest is taken: $BODY"
}

# RFC 7240: what is not understood in it is passed over.
test_a_preference_that_is_none_is_passed_over() {
	local prefer

	for prefer in 'no-respond-async' 'respond-asynchronously' 'wait=x' \
		'x="respond-async' $'\xff' ',;,=' 'respond' \
		"$(repeated 4000 a)"; do
		ready_for complete todoist || return
		complete "$TASK" "Prefer: $prefer"
		is_outcome accepted 'done' || diag "Prefer: $prefer"
	done
	for prefer in 'respond-async' 'Respond-Async' 'wait=5, respond-async' \
		'respond-async;a=b' ' ,respond-async ,x'; do
		ready_for complete todoist || return
		complete "$TASK" "Prefer: $prefer"
		is "$STATUS $(header preference-applied)" '202 respond-async' \
			"'$prefer' is understood: $BODY"
		ok "and its writeback ends" wait_until 20 writeback_has_ended \
			"$(field .writeback.id)"
	done
}

# --- tokens -------------------------------------------------------------------

base64url() {
	openssl base64 -A | tr '+/' '-_' | tr -d '='
}

# jwt HEADER CLAIMS [SECRET]: as signed by Supabase, or by somebody else.
jwt() {
	local text secret=${3-$(cat "$STACK_DIR/jwt.secret")}

	text=$(printf %s "$1" | base64url).$(printf %s "$2" | base64url)
	printf '%s.%s' "$text" "$(printf %s "$text" | openssl dgst -sha256 \
		-mac HMAC -macopt "key:$secret" -binary | base64url)"
}

# claims [JQ]: a user's, changed.
claims() {
	jq -n -c --arg u "$USER_ID" "{sub: \$u, aud: \"authenticated\",
		role: \"authenticated\", exp: (now + 3600 | floor)} | ${1:-.}"
}

test_a_bad_token_is_refused() {
	local hs256='{"alg":"HS256","typ":"JWT"}' good token name
	local -A tokens

	good=$(jwt "$hs256" "$(claims)")
	bearing "Bearer $good"
	is "$STATUS" 200 "a good one is taken: $BODY"
	tokens=(
		[empty]=''
		[a word]='x'
		[dots]='..'
		[a part less]=${good%.*}
		[a part more]=$good.x
		[no signature]=${good%.*}.
		[its signature cut]=${good%?}
		[another signature]=${good%.*}.$(jwt "$hs256" "$(claims '.a = 1')" |
			sed 's/.*\.//')
		[another secret]=$(jwt "$hs256" "$(claims)" "$(repeated 64 0)")
		[no algorithm]=$(jwt '{"alg":"none"}' "$(claims)")
		[unsigned]=$(jwt '{"alg":"none"}' "$(claims)" | sed 's/[^.]*$//')
		[another algorithm]=$(jwt '{"alg":"RS256"}' "$(claims)")
		[must be understood]=$(jwt '{"alg":"HS256","crit":["x"],"x":1}' \
			"$(claims)")
		[no header]=$(jwt 'x' "$(claims)")
		[no claims]=$(jwt "$hs256" 'x')
		[claims not UTF-8]=$(jwt "$hs256" $'{"sub":"\xff"}')
		[deep claims]=$(jwt "$hs256" "$(repeated 2000 '[')")
		[claims in a list]=$(jwt "$hs256" "[$(claims)]")
		[two users]=$(jwt "$hs256" "$(claims | sed 's/{/{"sub":"x",/')")
		[expired]=$(jwt "$hs256" "$(claims '.exp -= 7200')")
		[for ever]=$(jwt "$hs256" "$(claims 'del(.exp)')")
		[an odd time]=$(jwt "$hs256" "$(claims '.exp |= tostring')")
		[not yet]=$(jwt "$hs256" "$(claims '.nbf = .exp')")
		[another audience]=$(jwt "$hs256" "$(claims '.aud = "x"')")
		[the anonymous]=$(jwt "$hs256" "$(claims '.role = "anon"')")
		[the service]=$(jwt "$hs256" "$(claims '.role = "service_role"')")
		[no user]=$(jwt "$hs256" "$(claims 'del(.sub)')")
		[a user by name]=$(jwt "$hs256" "$(claims '.sub = "ada"')")
		[a user by number]=$(jwt "$hs256" "$(claims '.sub = 1')")
		[not ASCII]=$'\xff\xfe.\xc3\xa4.x'
	)
	begin_refusals
	for name in "${!tokens[@]}"; do
		token=${tokens[$name]}
		bearing "Bearer $token"
		refused_user "$name"
		[ ${#token} -lt 20 ] ||
			is "$(grep -cF -- "$token" "$STACK_DIR/gateway.log")" 0 \
				"$name: no token in the log"
	done
	for name in "Basic $good" "$good" "Bearer$good" "Bearer" "Token $good"; do
		bearing "$name"
		refused_user "${name:0:12}"
	done
	end_refusals
}

bearing() { # AUTHORIZATION
	answer_of curl -sS -i --max-time 60 -H "Authorization: $1" \
		"$URL/v1/tasks"
}

refused_user() { # WHAT
	is "$(header www-authenticate)" Bearer "$1: it says what is wanted"
	USER_ID='' refused 401 unauthorized 'valid bearer token' "$1"
}

test_no_call_works_without_a_token() {
	local method path

	begin_refusals
	while read -r method path; do
		stranger "$method" "${path/\{id\}/$SOME_TASK}" '{"title":'
		refused_user "$method $path"
	done < <(jq -r '.paths | to_entries[] | .key as $p
		| select($p | startswith("/v1/")) | .value | keys[]
		| "\(ascii_upcase) \($p)"' "$description")
	end_refusals
}

stack_whole
add_connection todoist || bail "no connection"
make_task todoist 'stays as it is' || bail "no task"
SOME_TASK=$TASK
run_tests
