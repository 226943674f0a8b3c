#!/bin/bash
# deploy/openapi.json and the program say the same: every route is described and
# nothing else, and what real calls answer has exactly the members, types,
# statuses and headers that the description names.
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC2016 # jq has variables too
. "$(dirname "$0")/lib.sh"

description=$STACK_ROOT/deploy/openapi.json

# What of JSON Schema the description uses. errors(schema; value; place) is a
# list of sentences, empty if the value fits.
schema_jq='
def deref: if type == "object" and has("$ref")
	then (."$ref" | ltrimstr("#/") | split("/")) as $p
		| $doc[0] | getpath($p) | deref
	else . end;
def is_a($t): . as $v | ([$t] | flatten) | any(
	. == ($v | type)
	or (. == "integer" and ($v | type) == "number" and $v == ($v | floor)));
def fits_format($f): type != "string" or (
	if $f == "uuid" then
		test("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
	elif $f == "date-time" then
		test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]+Z$")
	else true end);
def errors($schema; $at):
	. as $v | ($schema | deref) as $s
	| if $s.oneOf then
		if any($s.oneOf[]; . as $o | $v | errors($o; $at) | length == 0)
		then [] else ["\($at) is none of what it may be"] end
	elif ($s | has("const")) and $v != $s.const then ["\($at) is not \($s.const)"]
	elif $s.enum and ($s.enum | index([$v]) == null) then
		["\($at) is \($v | tojson), which is not in its list"]
	elif $s.type and ($v | is_a($s.type) | not) then
		["\($at) is of type \($v | type)"]
	elif $s.format and ($v | fits_format($s.format) | not) then
		["\($at) is no \($s.format): \($v)"]
	elif ($v | type) == "array" and $s.items then
		[range($v | length) as $i | $v[$i]
			| errors($s.items; "\($at)[\($i)]")[]]
	elif ($v | type) == "object" and $s.properties then
		[$s.required // [] | .[] | select(. as $k | $v | has($k) | not)
			| "\($at).\(.) is missing"]
		+ [$v | keys[] | select(. as $k | $s.properties | has($k) | not)
			| "\($at).\(.) is not described"]
		+ [$s.properties | to_entries[] | .key as $k | .value as $p
			| select($v | has($k)) | $v[$k]
			| errors($p; "\($at).\($k)")[]]
	elif ($v | type) == "object" and ($s.additionalProperties | type) == "object"
		then [$v | to_entries[] | .key as $k | .value
			| errors($s.additionalProperties; "\($at).\($k)")[]]
	else [] end;
def operations: $doc[0].paths[] | to_entries[] | .value;
def response($id; $status): first(operations | select(.operationId == $id)
	| .responses[$status] // empty | deref) // null;'

# describes FILTER [JQ OPTION...]: on the description, with what is above.
describes() {
	local filter=$1

	shift
	jq -n -r --slurpfile doc "$description" "$@" "$schema_jq $filter"
}

# fits OPERATION_ID STATUS: the last answer has this status and is as described.
fits() {
	local id=$1 wrong

	is "$STATUS" "$2" "$id answers $2: $BODY" || return 1
	wrong=$(jq -R -s -r --slurpfile doc "$description" --arg id "$id" \
		--arg status "$STATUS" --arg type "$(header Content-Type)" \
		"$schema_jq"'
		. as $body | response($id; $status) as $r
		| if $r == null then "no such status of it is described"
		elif $r.content == null then
			if $body == "" then empty else "there is a body" end
		elif $r.content | has($type) | not then "its type is \($type)"
		elif $type | test("json") | not then empty
		else ($body | try fromjson catch null)
			| errors($r.content[$type].schema; "it")[] end' <<<"$BODY")
	[ "$wrong" = "there is a body" ] && [ -z "$BODY" ] && wrong=
	[ -z "$wrong" ] || flunk "$id $STATUS is as described: $wrong
$BODY" || return 1
	like "$(header X-Request-Id)" '^[0-9a-f]{16}$' "X-Request-Id"
}

# --- what can be seen without a call ------------------------------------------

# "METHOD /path", one a line, as the program has them.
routes() {
	perl -ne 'print "$1 $2\n"
		if /^\s*\{ "([A-Z]+)",\s*"(\/[^"]*)",/' \
		"$STACK_ROOT/src/gateway/router.c" | sort
}

test_every_route_is_described_and_nothing_else() {
	local paths

	paths=$(describes '$doc[0].paths | to_entries[] | .key as $path
		| .value | keys[] | "\(ascii_upcase) \($path)"' | sort)
	isnt "$(routes)" "" "routes are found in router.c"
	is "$paths" "$(routes)" "the description has the routes"
}

test_the_description_is_sound() {
	is "$(describes '$doc[0].openapi')" 3.1.0
	is "$(describes '[$doc[0] | .. | objects | ."$ref" // empty] | unique[]
		| . as $r | (ltrimstr("#/") | split("/")) as $p
		| select($doc[0] | getpath($p) == null) | $r')" "" \
		"every reference leads somewhere"
	is "$(describes '[operations | .operationId] | group_by(.)[]
		| select(length > 1 or .[0] == null) | .[0]')" "" \
		"every operation has a name of its own"
	is "$(describes 'operations | select([.responses | keys[]
		| select(startswith("2"))] | length == 0) | .operationId')" "" \
		"every operation can succeed"
	is "$(describes '$doc[0].paths | to_entries[]
		| select(.key | test("[{]id[}]")) | .value[]
		| select([.parameters[]? | deref | .name] | index("id") == null)
		| .operationId')" "" "every {id} is a parameter"
	is "$(describes '$doc[0].paths | to_entries[]
		| select(.key | startswith("/v1/") | not) | .value[]
		| select(.security != []) | .operationId')" "" \
		"what needs no token says so"
	is "$(describes '$doc[0].paths | to_entries[]
		| select(.key | startswith("/v1/")) | .value[]
		| select(.security != null or .responses["401"] == null)
		| .operationId')" "" "everything else needs one"
}

test_the_readme_lists_every_route() {
	is "$(perl -ne 'print "$1\n" if /^\| `([A-Z]+ \/[^`]*)` \|/' \
		"$STACK_ROOT/README.md" | sort)" "$(routes)"
}

# Otherwise `fits` below would let through what the description forgot.
test_schemas_of_answers_name_every_member() {
	is "$(describes '$doc[0].components.schemas | to_entries[]
		| select(.key | test("(New|Change)$") | not)
		| select(.value.properties) | select(
			.value.additionalProperties != false or
			(.value.required | sort) != (.value.properties | keys))
		| .key')" "" "each is closed and requires all of it"
}

test_every_reason_is_in_the_list() {
	local names

	names=$(perl -0ne 'print "$_\n" for
		/reason_names\[\] = \{(.*?)\};/s ? $1 =~ /"(\w+)"/g : ()' \
		"$STACK_ROOT/src/core/model.c")
	is "$(describes '$doc[0].components.schemas.Reason.enum[]' | sort)" \
		"$(printf '%s\nunchanged\n' "$names" | sort)"
}

test_every_header_that_the_program_sets_is_described() {
	local name

	for name in $(perl -ne 'print "$1\n"
		if /reply_header\(|reply, "/ and /"([A-Z][A-Za-z-]+): /' \
		"$STACK_ROOT"/src/gateway/*.c | sort -u) X-Request-Id; do
		is "$(describes '[$doc[0] | .. | objects | .headers // empty
			| objects | keys[]] | index($name) != null' \
			--arg name "$name")" true "$name"
	done
}

# --- what real calls answer ---------------------------------------------------

test_health() {
	anonymous GET /healthz
	fits checkLive 200
	anonymous GET /readyz
	fits checkReady 200
	anonymous GET /metrics
	is "$STATUS" 200
	like "$(header Content-Type)" '^text/plain; version=0\.0\.4'
}

test_tasks() {
	local id

	api POST /v1/tasks '{"title":"Milk"}'
	fits createTask 201
	id=$(field .task.id)
	api POST /v1/tasks '{"title":"Bread"}'
	fits createTask 201
	api GET /v1/tasks
	fits listTasks 200
	is "$(jq '.tasks | length' <<<"$BODY")" 2
	api GET '/v1/tasks?limit=1&status=active&source=manual'
	fits listTasks 200
	isnt "$(field .next_cursor)" "" "there is a next page"
	api GET "/v1/tasks?limit=1&cursor=$(field .next_cursor)"
	fits listTasks 200
	api GET "/v1/tasks/$id"
	fits readTask 200
	api PATCH "/v1/tasks/$id" '{"title":"Oat milk"}'
	fits renameTask 200
	api POST "/v1/tasks/$id/archive"
	fits archiveTask 200
	api DELETE "/v1/tasks/$id"
	fits deleteTask 204
}

test_connections_and_inbox() {
	local type item

	for type in todoist linear attio; do
		add_connection "$type"
		fits addConnection 201
		add_item "$type" "From $type"
	done
	poll_once || flunk "a pass of the poller"
	api GET /v1/connections
	fits listConnections 200
	is "$(jq '.connections | length' <<<"$BODY")" 3
	api GET "/v1/connections/$CONNECTION"
	fits readConnection 200
	api PATCH "/v1/connections/$CONNECTION" \
		'{"label":"Sales","writeback":false,"status":"paused"}'
	fits changeConnection 200
	api POST "/v1/connections/$CONNECTION/poll"
	fits pollConnection 202
	api GET /v1/inbox
	fits listInbox 200
	is "$(jq '.items | length' <<<"$BODY")" 3
	import_task linear 'From linear'
	fits importItem 201
	add_item linear 'Put somewhere'
	poll_once || flunk "a pass of the poller"
	api GET /v1/inbox
	item=$(field '.items[] | select(.title | test("Put somewhere")).id')
	api POST "/v1/inbox/$item/import" \
		'{"bucket_id":"00000000-0000-4000-8000-00000000dead"}'
	fits importItem 400
	api POST "/v1/inbox/$item/import" '{"section":"today"}'
	fits importItem 201
	api DELETE "/v1/connections/$CONNECTION"
	fits deleteConnection 204
	# as a client makes one that has neither a name nor a key yet
	CONNECTION=$(sql "insert into integrations (user_id, type)
		values ('$USER_ID', 'attio') returning id")
	api GET "/v1/connections/$CONNECTION"
	fits readConnection 200
	is "$(field .connection.status)" no_key "nothing is sent through it"
	api DELETE "/v1/connections/$CONNECTION"
	fits deleteConnection 204
}

test_completions() {
	local id

	import_task todoist 'From todoist'
	complete "$TASK"
	fits completeTask 200
	is "$(field .writeback.outcome)" accepted
	id=$(field .writeback.id)
	complete "$TASK"
	fits completeTask 200
	is "$(field .writeback.id) $(field .writeback.reason)" "$id done" \
		"it is answered as it ended"
	api POST /v1/tasks '{"title":"By hand"}'
	id=$(field .task.id)
	complete "$id"
	fits completeTask 200
	is "$(field .writeback.reason)" manual
	complete "$id"
	fits completeTask 200
	is "$(field .writeback.reason)" unchanged
	uncomplete "$TASK" 'Prefer: respond-async'
	fits uncompleteTask 202
	like "$(header Location)" '^/v1/writebacks/[0-9a-f-]{36}$' Location
	is "$(header Preference-Applied)" respond-async
	api GET "$(header Location)"
	fits readWriteback 200
	wait_until 20 writeback_is_settled "$(field .writeback.id)" ||
		flunk "it ends"
	fits readWriteback 200
}

writeback_is_settled() {
	api GET "/v1/writebacks/$1"
	[ "$(field .writeback.outcome)" != open ]
}

test_an_answer_that_is_given_again() {
	local key='Idempotency-Key: 3f1c'

	api POST /v1/tasks '{"title":"Once"}' "$key"
	fits createTask 201
	is "$(header Idempotency-Replayed)" ""
	api POST /v1/tasks '{"title":"Once"}' "$key"
	fits createTask 201
	is "$(header Idempotency-Replayed)" true
	api POST /v1/tasks '{"title":"Twice"}' "$key"
	fits createTask 422
}

test_events() {
	complete_elsewhere linear 'From linear'
	wait_until 20 there_are_events || flunk "an event: $BODY"
	fits listEvents 200
	api GET "/v1/events?cursor=$(field .next_cursor)"
	fits listEvents 200
	is "$(jq '.events | length' <<<"$BODY")" 0
}

# The item of the task with this title is completed at its provider.
complete_elsewhere() { # PROVIDER TITLE
	change_item "$1" "$(sql "select source_id from tasks
		where title ~ '(^|] )$2\$'")" '{"state":"completed"}'
	poll_once || flunk "a pass of the poller"
	poll_once || flunk "another one"
}

there_are_events() {
	api GET /v1/events
	[ "$(jq '.events | length' <<<"$BODY")" -gt 0 ]
}

test_problems() {
	api GET '/v1/tasks?status=done'
	fits listTasks 400
	api POST /v1/tasks '{"title":'
	fits createTask 400
	anonymous GET /v1/tasks
	fits listTasks 401
	is "$(header WWW-Authenticate)" Bearer
	api GET /v1/tasks/00000000-0000-4000-8000-00000000dead
	fits readTask 404
	api PUT /v1/tasks '{}'
	fits listTasks 405
	is "$(header Allow)" "GET, HEAD, POST, OPTIONS"
	api POST /v1/tasks
	fits createTask 411
	api POST /v1/tasks "{\"title\":\"$(printf '%070000d' 0)\"}"
	fits createTask 413
	api POST /v1/tasks Milk 'Content-Type: text/plain'
	fits createTask 415
	api POST "/v1/tasks/$TASK/archive"
	complete "$TASK"
	fits completeTask 409
}

test_refusals_of_the_provider() {
	add_item todoist Refused
	import_task todoist Refused
	sim POST /_sim/faults '{"kind":"status","status":400,"write":true,
		"provider":"todoist"}'
	complete "$TASK"
	fits completeTask 502
	is "$(field .writeback.outcome)" rolled_back
	is "$(jq .rolled_back <<<"$BODY")" true
	sim DELETE /_sim/faults
	sim POST /_sim/faults '{"kind":"rate_limit","retry_after":30,
		"provider":"todoist","times":1}'
	complete "$TASK"
	fits completeTask 503
	like "$(header Retry-After)" '^(29|30|31)$' Retry-After
	sim DELETE /_sim/faults
}

test_an_outcome_that_is_not_known() {
	sql 'update connections set rate_limited_until = null' >/dev/null
	sim POST /_sim/faults '{"kind":"hang_before","provider":"todoist"}'
	complete "$TASK"
	fits completeTask 504
	is "$(field .writeback.outcome)" open
	is "$(jq .rolled_back <<<"$BODY")" false
	is "$(header Location)" "/v1/writebacks/$(field .writeback.id)"
	sim DELETE /_sim/faults
}

stack_init || bail "no directory"
stack_setting call_deadline_ms 2000
stack_setting provider_timeout_ms 600
stack_whole && run_tests
