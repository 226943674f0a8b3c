#!/bin/bash
# The simulator against its own manual, over HTTP, as TAP; it needs nothing else
# of Flowpin. Every test starts from a reset and is a sentence about behaviour.
# Nothing is waited for by time: hanging requests are seen in the log.
# shellcheck disable=SC2016 # the dollars in single quotes are GraphQL's
set -u

# shellcheck source-path=SCRIPTDIR source=../stack.sh
. "$(dirname "$0")/../stack.sh"

sim_bin=$STACK_BIN/flowpin-sim
dir=$(mktemp -d)
pid=
count=0
failures=0

finish() {
	[ -n "$pid" ] && kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT

"$sim_bin" --port-file "$dir/port" --seed 7 >"$dir/out" 2>"$dir/err" &
pid=$!
for _ in $(seq 500); do
	[ -s "$dir/port" ] && break
	kill -0 "$pid" 2>/dev/null || break
	sleep 0.01
done
[ -s "$dir/port" ] || { echo "# cannot go on: $sim_bin does not start"; exit 1; }
url=http://127.0.0.1:$(cat "$dir/port")

# Each leaves status, body and headers of the last answer behind.
request() {
	code=$(curl -sS -m 20 -o "$dir/body" -D "$dir/headers" -w '%{http_code}' \
	    "$@" 2>"$dir/curl")
	exit_code=$?
}
sim() { # METHOD PATH [JSON]
	request -X "$1" ${3:+--data-binary "$3"} "$url/_sim/$2"
}
todoist() { # METHOD PATH [curl arguments]
	local method=$1 path=$2
	shift 2
	request -X "$method" -H "Authorization: Bearer ${key:-ada}" "$@" \
	    "$url/api/v1/$path"
}
attio() { # METHOD PATH [JSON]
	request -X "$1" -H "Authorization: Bearer ${key:-ada}" \
	    ${3:+-H 'Content-Type: application/json' -d "$3"} "$url/v2/$2"
}
linear() { # DOCUMENT [VARIABLES [OPERATION]]
	jq -n --arg q "$1" --argjson v "${2:-null}" --arg o "${3:-}" \
	    '{query:$q,variables:$v} + if $o == "" then {} else {operationName:$o} end' \
	    >"$dir/query"
	request -H "Authorization: ${key:-ada}" \
	    -H 'Content-Type: application/json' -d "@$dir/query" "$url/graphql"
}
sync() { # UUID TYPE ID
	todoist POST sync -H 'Content-Type: application/json' -d \
	    "{\"commands\":[{\"type\":\"$2\",\"uuid\":\"$1\",\"args\":{\"id\":\"$3\"}}]}"
}
item() { # PROVIDER [MORE MEMBERS]: an item of account ada; its id in $id
	sim POST items "{\"provider\":\"$1\",\"account\":\"ada\"${2:+,$2}}"
	id=$(jq -r .id "$dir/body")
}
fault() { # MEMBERS
	sim POST faults "{$1}"
}
header() { # NAME
	sed -n "s/^$1: \(.*\)\r\$/\1/Ip" "$dir/headers"
}

# Checks: all of a test's must hold.
good=true
note() {
	good=false
	echo "# $*"
}
status_is() {
	[ "$code" = "$1" ] || note "status $code, not $1: $(head -c 300 "$dir/body")"
}
body_has() { # JQ CONDITION
	jq -e "$1" "$dir/body" >/dev/null 2>&1 ||
	    note "not so: $1 in $(head -c 600 "$dir/body")"
}
curl_fails() { # EXIT CODE
	[ "$exit_code" = "$1" ] || note "curl ended with $exit_code, not $1"
}
state_is() { # PROVIDER CONDITION: about $id
	sim GET "items/$1/$id"
	body_has "$2"
}
log_has() { # JQ CONDITION on the newest request
	sim GET requests
	body_has ".requests[-1] | $1"
}
begin() {
	good=true
	key=ada
	sim POST reset
}
it() { # SENTENCE: what the checks since begin have shown
	count=$((count + 1))
	if $good; then
		echo "ok $count - $1"
	else
		failures=$((failures + 1))
		echo "not ok $count - $1"
	fi
	begin
}
wait_until() { # COMMAND: at most ten seconds
	for _ in $(seq 1000); do
		"$@" && return
		sleep 0.01
	done
	note "never true: $*"
}
is_pending() {
	sim GET requests
	jq -e '.requests[-1].status == null' "$dir/body" >/dev/null
}
is_cut() {
	sim GET requests
	jq -e '.requests[-1].status == 0' "$dir/body" >/dev/null
}

begin

# The program

grep -q "^flowpin-sim listening on $url\$" "$dir/out" ||
    note "$(cat "$dir/out")"
it "the address is printed when it is ready"

"$sim_bin" --help >"$dir/help" || note "--help fails"
for kind in $(curl -sS -d '{"kind":"x"}' "$url/_sim/faults" |
    jq -r '.error | sub(".*known: "; "") | gsub("[.,]"; "")'); do
	grep -qw "$kind" "$dir/help" || note "--help lacks $kind"
done
"$sim_bin" --version | grep -q '^flowpin-sim [0-9]' || note "--version"
it "--help documents every fault kind"

"$sim_bin" --nonsense 2>"$dir/err2"
[ $? = 2 ] || note "exit status"
[ "$(wc -l <"$dir/err2")" = 1 ] || note "not one sentence"
"$sim_bin" --port 70000 2>/dev/null
[ $? = 2 ] || note "exit status for a bad port"
it "a bad option is one sentence and exit status 2"

"$sim_bin" --port "$(cat "$dir/port")" 2>"$dir/err2"
[ $? = 1 ] || note "exit status"
[ "$(wc -l <"$dir/err2")" = 1 ] || note "not one sentence"
it "a taken port is one sentence and exit status 1"

# Control

sim GET health
status_is 200
body_has '.ok'
it "health answers"

request -X POST -d '{"provider":"todoist","token":"k1","account":"ada"}' \
    "$url/_sim/accounts"
status_is 201
item todoist
key=k1 todoist GET "tasks/$id"
status_is 200
sim POST accounts '{"provider":"todoist","token":"k1","account":"bob"}'
key=k1 todoist GET "tasks/$id"
status_is 404
sim GET accounts
body_has '[.accounts[].account] == ["ada","bob"]'
it "a token can be given to another account"

item todoist
sim DELETE accounts/todoist/ada
status_is 200
todoist GET tasks
status_is 401
sim DELETE accounts/todoist/ada
status_is 404
it "a revoked token is refused"

sim POST accounts '{"provider":"todoist","token":"ada","scope":"read"}'
sim POST accounts '{"provider":"linear","token":"ada","scope":"read"}'
sim POST accounts '{"provider":"attio","token":"ada","scope":"read"}'
item todoist
todoist GET "tasks/$id"
status_is 200
todoist POST "tasks/$id/close"
status_is 403
body_has '.error_tag == "AUTH_INSUFFICIENT_TOKEN_SCOPE"'
item linear
linear "mutation { issueUpdate(id: \"$id\", input: {}) { success } }"
status_is 403
body_has '.errors[0].extensions.code == "FORBIDDEN"'
item attio
attio PATCH "tasks/$id" '{"data":{"is_completed":true}}'
status_is 403
body_has '.type == "auth_error"'
it "a token for reading only is refused writes"

sim POST items '{"provider":"todoist","count":3,"title":"Tea"}'
status_is 201
body_has '.items | length == 3'
body_has '.items[2].title == "Tea 3" and .items[0].account == "demo"'
sim GET 'items?provider=todoist&state=open'
body_has '.items | length == 3'
sim GET 'items?state=completed'
body_has '.items == []'
it "items are made in numbers for the default account"

item todoist '"id":"6Xabc"'
sim GET items/todoist/6Xabc
status_is 200
sim DELETE items/todoist/6Xabc
status_is 200
todoist GET tasks/6Xabc
status_is 404
sim GET items/todoist/6Xabc
status_is 404
it "a purged item never existed"

for bad in '{' '[]' '{"provider":"asana"}' '{"provider":"todoist","colour":1}' \
    '{"provider":"todoist","count":0}' '{"provider":"todoist","id":"12"}' \
    '{"provider":"todoist","state":"canceled"}' \
    '{"provider":"attio","state":"moved"}' '{"provider":"todoist","title":4}' \
    '{"provider":"todoist","due_date":"soon"}' '{"provider":"attio","due":{}}' \
    '{"provider":"todoist","parent_id":"none"}' \
    '{"provider":"todoist","description":4}' \
    '{"provider":"attio","description":"x"}' \
    '{"provider":"todoist","labels":"home"}' \
    '{"provider":"todoist","labels":[1]}' \
    '{"provider":"todoist","duration":{"amount":1,"unit":"week"}}' \
    '{"provider":"todoist","project":"Home"}' \
    '{"provider":"linear","estimate":"1"}' '{"provider":"linear","project":1}' \
    '{"provider":"attio","linked_records":null}'; do
	sim POST items "$bad"
	status_is 400
	body_has '.error | type == "string"'
done
sim GET items
body_has '.items == []'
sim GET 'items?state=finished'
status_is 400
sim GET nothing
status_is 404
sim PUT health
status_is 405
sim PATCH items/todoist/none '{}'
status_is 404
it "mistakes in control calls are told in a sentence and change nothing"

sim POST accounts '{"provider":"linear","token":"ada"}'
sim POST teams '{"account":"ada","team_id":"t1","name":"Ops","states":[{"id":"s1","name":"Open","type":"unstarted"}]}'
status_is 201
item linear '"team_id":"t1"'
body_has '.identifier == "OPS-1" and .state_type == "unstarted"'
sim PATCH "items/linear/$id" '{"state":"completed"}'
status_is 400
sim PATCH teams/t1 '{"states":[{"id":"s2","name":"Fresh","type":"unstarted"},{"name":"Done","type":"completed"}],"default_state":"Fresh"}'
body_has '[.states[].name] == ["Fresh","Done"] and .default_state == "s2"'
linear "mutation { issueUpdate(id: \"$id\", input: {stateId: \"s1\"}) { success } }"
status_is 200
body_has '.data == null and .errors[0].message == "Entity not found: WorkflowState"'
sim GET teams
body_has '.teams | length == 2'
sim PATCH teams/none '{}'
status_is 404
it "teams lose and gain states"

item todoist
todoist GET tasks
todoist POST "tasks/$id/close"
sim GET 'requests?write=true'
body_has '.requests | length == 1'
body_has ".requests[0] | .op == \"close\" and .item == \"$id\" and .applied and .status == 200 and .account == \"ada\""
last=$(jq .last_seq "$dir/body")
sim GET "requests?since=$last"
body_has '.requests == []'
sim DELETE requests
sim GET requests
body_has ".requests == [] and .last_seq == $last"
it "the log tells what was received and what it did"

sim POST limits '{"provider":"attio","requests":2,"window_ms":600000}'
item attio
attio GET tasks
attio GET tasks
status_is 200
attio GET tasks
status_is 429
sim GET limits
body_has '.limits[0].requests == 2'
sim DELETE limits
attio GET tasks
status_is 200
it "a rate limit refuses what is too much"

# Todoist

item todoist '"count":5'
todoist GET 'tasks?limit=2'
body_has '.results | length == 2'
body_has '.results[0] | keys | length == 23'
cursor=$(jq -r .next_cursor "$dir/body")
todoist GET "tasks?limit=2&cursor=$cursor"
cursor=$(jq -r .next_cursor "$dir/body")
todoist GET "tasks?limit=2&cursor=$cursor"
body_has '(.results | length) == 1 and .next_cursor == null'
log_has '.page == null and .op == "list"'
it "Todoist lists page by page until next_cursor is null"

item todoist
for bad in limit=0 limit=201 limit=x cursor=nonsense; do
	todoist GET "tasks?$bad"
	status_is 400
	body_has '.error_tag == "INVALID_ARGUMENT_VALUE"'
done
todoist GET "tasks?ids=$id,6Xnone"
body_has '.results | length == 1'
todoist GET 'tasks?project_id=none'
body_has '.results == []'
todoist GET tasks/filter
status_is 400
todoist GET 'tasks/filter?query=today'
body_has '.results | length == 1'
it "Todoist checks a list's parameters"

item todoist
todoist GET tasks
body_has '.results[0] | .description == "" and .labels == [] and .duration == null'
sim PATCH "items/todoist/$id" '{"description":"2 *litres*","priority":4,
    "labels":["home","Besuch"],"duration":{"amount":30,"unit":"minute"}}'
body_has '.description == "2 *litres*" and .labels == ["home","Besuch"] and .duration.amount == 30'
todoist GET tasks
body_has '.results[0] | .description == "2 *litres*" and .priority == 4 and
    .labels == ["home","Besuch"] and .duration == {amount: 30, unit: "minute"}'
sim PATCH "items/todoist/$id" '{"description":null,"labels":[],"duration":null}'
todoist GET "tasks/$id"
body_has '.description == "" and .labels == [] and .duration == null'
it "a Todoist task has a description, labels and a duration"

item todoist
todoist POST "tasks/$id/close"
status_is 200
[ "$(cat "$dir/body")" = null ] || note "the body is not null"
todoist GET "tasks/$id"
body_has '.checked and .completed_at != null'
todoist GET tasks
body_has '.results == []'
todoist POST "tasks/$id/close"
status_is 200
log_has '.applied == false'
todoist POST "tasks/$id/reopen"
status_is 200
todoist GET "tasks/$id"
body_has '(.checked | not) and .completed_at == null'
state_is todoist '.closes == 1 and .state == "open"'
it "Todoist closes and reopens a task"

item todoist '"recurring":"every month","due_date":"1850-01-31"'
todoist POST "tasks/$id/close"
state_is todoist '.due.date == "1850-02-28"'
sim DELETE "items/todoist/$id"
for case in '"every day" 2026-12-01' '"every week" 2026-12-07' \
    '"every month" 2026-12-30' '"every 3 days" 2026-12-03' 'true 2026-12-01'; do
	item todoist "\"recurring\":${case% *},\"due_date\":\"2026-11-30\""
	todoist POST "tasks/$id/close"
	todoist GET "tasks/$id"
	body_has "(.checked | not) and .due.date == \"${case##* }\""
	state_is todoist '.occurrences_done == 1 and .closes == 1'
done
sim PATCH "items/todoist/$id" '{"advance":true}'
body_has '.due.date == "2026-12-02" and .occurrences_done == 2 and .closes == 1'
todoist GET tasks
body_has '.results | length == 5'
it "closing a recurring Todoist task moves it to the next occurrence"

item todoist
parent=$id
item todoist "\"parent_id\":\"$parent\""
todoist POST "tasks/$parent/close"
state_is todoist '.state == "completed"'
todoist POST "tasks/$id/reopen"
id=$parent
state_is todoist '.state == "open"'
it "Todoist closes subtasks and reopens ancestors"

item todoist '"recurring":true,"due_date":"2026-11-30"'
sync u1 item_close "$id"
body_has '.sync_status.u1 == "ok"'
sync u1 item_close "$id"
body_has '.sync_status.u1 == "ok"'
log_has '.applied == false and .op == "sync" and .write and .commands[0].result == "repeated"'
state_is todoist '.due.date == "2026-12-01" and .closes == 1'
todoist POST sync --data-urlencode \
    "commands=[{\"type\":\"item_update_date_complete\",\"uuid\":\"u2\",\"args\":{\"id\":\"$id\",\"is_forward\":0}}]"
body_has '.sync_status.u2 == "ok"'
state_is todoist '.due.date == "2026-11-30"'
sync u3 item_complete "$id"
state_is todoist '.state == "completed"'
sync u4 item_uncomplete "$id"
state_is todoist '.state == "open"'
sync u5 item_close 6Xnone
body_has '.sync_status.u5.error_tag == "ITEM_NOT_FOUND"'
sync u6 item_fly "$id"
body_has '.sync_status.u6.http_code == 400'
it "a Todoist command is run once"

item todoist
todoist POST sync -d sync_token='*' -d 'resource_types=["items"]'
body_has '.full_sync and (.items | length) == 1'
token=$(jq -r .sync_token "$dir/body")
todoist POST sync -d "sync_token=$token" -d 'resource_types=["items"]'
body_has '(.full_sync | not) and .items == []'
sim PATCH "items/todoist/$id" '{"state":"deleted"}'
todoist POST sync -d "sync_token=$token" -d 'resource_types=["items"]'
body_has '.items[0].is_deleted'
it "a Todoist sync gives what has changed"

item todoist '"state":"completed"'
item todoist '"recurring":true'
todoist POST "tasks/$id/close"
todoist GET 'tasks/completed/by_completion_date?since=2020-01-01T00:00:00Z&until=2099-01-01T00:00:00Z'
body_has '(.items | length) == 1 and (has("next_cursor") | not)'
todoist GET 'tasks/completed/by_completion_date?since=2020-01-01T00:00:00Z'
status_is 400
log_has '.op == "completed_list"'
it "Todoist lists completed tasks without recurring ones"

item todoist
old=$(jq -r .old_id "$dir/body")
todoist GET "id_mappings/tasks/$old,1"
body_has ". == [{\"old_id\":\"$old\",\"new_id\":\"$id\"}]"
todoist GET "tasks/$old"
status_is 400
body_has '.error_tag == "V1_ID_CANNOT_BE_USED"'
todoist GET user
body_has '.id | type == "string"'
todoist GET "Tasks/$id"
status_is 404
todoist PUT "tasks/$id"
status_is 405
request "$url/rest/v2/tasks"
status_is 410
it "Todoist maps old ids and refuses old paths"

todoist GET tasks
status_is 401
[ -n "$(header WWW-Authenticate)" ] || note "no WWW-Authenticate"
body_has '.error_tag == "UNAUTHORIZED" and .http_code == 401'
it "Todoist refuses an unknown token"

for case in 'completed 200 0' 'deleted 404 0' 'archived 200 0' 'moved 404 0' \
    'reassigned 200 1'; do
	read -r state by_id listed <<<"$case"
	begin
	item todoist
	sim PATCH "items/todoist/$id" "{\"state\":\"$state\"}"
	body_has ".state == \"$state\""
	todoist GET "tasks/$id"
	status_is "$by_id"
	todoist GET tasks
	body_has ".results | length == $listed"
	sim PATCH "items/todoist/$id" '{"state":"open"}'
	todoist GET tasks
	body_has '.results | length == 1'
	it "a Todoist task can be $state and come back"
done

item todoist '"state":"deleted"'
sim PATCH accounts/todoist/ada '{"deleted_reads":"flag"}'
todoist GET "tasks/$id"
status_is 200
body_has '.is_deleted'
it "a deleted Todoist task can be read with its flag"

item todoist '"state":"completed"'
sim PATCH accounts/todoist/ada '{"completed_reads":"404"}'
todoist GET "tasks/$id"
status_is 404
sim PATCH accounts/todoist/ada '{"completed_reads":"200"}'
todoist GET "tasks/$id"
status_is 200
it "a finished Todoist task may be one that is not read by id"

# Linear

active='query ActiveIssues($first: Int!, $after: String) { viewer { id
  assignedIssues(first: $first, after: $after, filter: { state: { type: { nin:
  ["completed", "canceled", "duplicate"] } } }) { nodes { id identifier title
  description url priority estimate dueDate updatedAt state { id name type }
  team { id name key } project { id name } }
  pageInfo { hasNextPage endCursor } } } }'
by_id='query IssuesById($ids: [ID!]!, $first: Int!) { issues(first: $first,
  includeArchived: true, filter: { id: { in: $ids } }) { nodes { id identifier
  archivedAt trashed completedAt canceledAt state { id type } team { id }
  assignee { id } } pageInfo { hasNextPage endCursor } } }'
set_state='mutation SetIssueState($id: String!, $stateId: String!) {
  issueUpdate(id: $id, input: { stateId: $stateId }) { success issue { id
  identifier completedAt canceledAt updatedAt state { id type } team { id } } } }'
team_states='query TeamStates($team: String!, $first: Int!) { team(id: $team) {
  id key defaultIssueState { id type } states(first: $first) { nodes { id name
  type position } pageInfo { hasNextPage endCursor } } } }'

item linear '"count":5'
linear "$active" '{"first":2}'
status_is 200
body_has '[.data.viewer.assignedIssues.nodes[].identifier] == ["ENG-5","ENG-4"]'
cursor=$(jq .data.viewer.assignedIssues.pageInfo.endCursor "$dir/body")
linear "$active" "{\"first\":2,\"after\":$cursor}"
cursor=$(jq .data.viewer.assignedIssues.pageInfo.endCursor "$dir/body")
linear "$active" "{\"first\":2,\"after\":$cursor}"
body_has '.data.viewer.assignedIssues | (.nodes | length) == 1 and (.pageInfo.hasNextPage | not)'
[ -n "$(header X-RateLimit-Requests-Reset)" ] || note "no limit headers"
log_has '.op == "list"'
it "Linear lists assigned issues, newest first, page by page"

item linear
linear "$active" '{"first":9}'
body_has '.data.viewer.assignedIssues.nodes[0] | .description == null and
    .estimate == null and .project == null and .team.key == "ENG" and
    .team.name == "Engineering" and .state.name == "In Progress"'
sim PATCH "items/linear/$id" '{"description":"# Why","estimate":2.5,"project":"Doors"}'
body_has '.description == "# Why" and .estimate == 2.5 and .project == "Doors"'
project=$(jq -r .project_id "$dir/body")
item linear '"project":"Doors"'
body_has ".project_id == \"$project\""
linear "$active" '{"first":9}'
body_has ".data.viewer.assignedIssues.nodes | .[0].project == .[1].project and
    .[1].project == {id: \"$project\", name: \"Doors\"} and
    .[1].description == \"# Why\" and .[1].estimate == 2.5"
sim PATCH "items/linear/$id" '{"project":null}'
linear "$active" '{"first":1}'
body_has '.data.viewer.assignedIssues.nodes[0].project == null'
linear '{ issues { nodes { project } } }'
status_is 400
it "a Linear issue has a description, an estimate and a project"

item linear
linear "$active" '{"first":251}'
status_is 200
body_has '.data == null and (.errors[0].message | startswith("Argument Validation Error"))'
linear "$active" '{"first":5,"after":"nonsense"}'
status_is 200
body_has '.errors | length == 1'
linear '{ issues(orderBy: updatedAt, filter: {updatedAt: {gte: "-P1D"}, team: {key: {eq: "ENG"}}}) { nodes { id } pageInfo { hasNextPage } } }'
body_has '.data.issues.nodes | length == 1'
linear '{ issues(filter: {assignee: {isMe: {eq: false}}}) { nodes { id } } }'
body_has '.data.issues.nodes == []'
it "Linear checks arguments and applies filters"

item linear
gone=00000000-0000-4000-8000-000000000000
linear "$by_id" "{\"ids\":[\"$id\",\"$gone\"],\"first\":10}"
body_has '[.data.issues.nodes[].id] | length == 1'
log_has "(.items | length) == 2 and .op == \"read\" and .item == null"
linear "{ a: issue(id: \"$id\") { id } b: issue(id: \"$gone\") { id } }"
status_is 200
body_has '.data == null and .errors[0].message == "Entity not found: Issue"'
it "Linear confirms issues by id and leaves unknown ones out"

item linear
team=$(jq -r .team_id "$dir/body")
was=$(jq -r .state_id "$dir/body")
linear "$team_states" "{\"team\":\"$team\",\"first\":50}"
body_has '.data.team | .key == "ENG" and (.states.nodes | length) == 6 and .defaultIssueState.type == "backlog"'
done_state=$(jq -r '.data.team.states.nodes[] | select(.type == "completed").id' "$dir/body")
linear "$set_state" "{\"id\":\"$id\",\"stateId\":\"$done_state\"}"
body_has '.data.issueUpdate | .success and .issue.completedAt != null and .issue.state.type == "completed"'
log_has ".op == \"update\" and .item == \"$id\" and .applied"
linear 'query R($since: DateTimeOrDuration!) { issues(first: 5, includeArchived: true, filter: { assignee: { isMe: { eq: true } }, completedAt: { gte: $since } }) { nodes { id } } }' '{"since":"-P1D"}'
body_has '.data.issues.nodes | length == 1'
log_has '.op == "recently_done"'
linear "$set_state" "{\"id\":\"ENG-1\",\"stateId\":\"$was\"}"
body_has '.data.issueUpdate.issue | .completedAt == null and .state.type == "started"'
linear "$set_state" "{\"id\":\"$id\",\"stateId\":\"$gone\"}"
body_has '.errors[0].message == "Entity not found: WorkflowState"'
linear "$set_state" "{\"id\":\"$gone\",\"stateId\":\"$was\"}"
body_has '.data == null and .errors[0].message == "Entity not found: Issue"'
it "Linear sets an issue's state"

item linear
linear 'query A { viewer { ...U } } fragment U on User { me: id, ... on User { email } __typename } query B { organization { urlKey } }' null A
body_has '.data.viewer | .me and .email and .__typename == "User"'
linear 'query A { viewer { id } } query B { organization { urlKey } }'
status_is 400
linear 'query($n: Int = 2, $no: Boolean!) { workflowStates(first: $n) { nodes { name team { key @skip(if: $no) } } pageInfo { hasNextPage } } }' '{"no":true}'
body_has '.data.workflowStates | (.nodes | length) == 2 and .pageInfo.hasNextPage and .nodes[0].team == {}'
log_has '.op == "states"'
linear '{ rateLimitStatus { kind limits { type remainingAmount } } }'
body_has '.data.rateLimitStatus.limits[0].type == "requests"'
linear 'mutation { webhookCreate(input: {url: "https://hooks.example.test/x", teamId: "t", resourceTypes: ["Issue"]}) { success webhook { id enabled } } }'
body_has '.data.webhookCreate.webhook.enabled'
it "Linear understands fragments, aliases, directives and several operations"

item linear
for bad in '{ viewer { nope } }' '{ viewer }' '{ viewer { id { x } } }' '{' \
    '{ issue { id } }' '{ issue(id: "x", y: 1) { id } }' '{ ...F }' '' \
    '{ issues(filter: {identifier: {eq: "ENG-1"}}) { nodes { id } } }' \
    'mutation { issueUpdate(id: "x", input: {nope: 1}) { success } }' \
    'query($a: Int!) { issues(first: $a) { nodes { id } } }' \
    '{ issues(first: $a) { nodes { id } } }' 'subscription { x }' \
    'fragment F on Query { ...F } query { ...F }' '{ viewer { id "' \
    '{ issues(first: "x") { nodes { id } } }'; do
	linear "$bad"
	status_is 400
	body_has '.errors[0].extensions.type == "graphql error"'
done
deep=$(printf '{a%.0s' $(seq 5000))
linear "$deep"
status_is 400
it "Linear refuses documents that its schema does not know"

key=nobody linear '{ viewer { id } }'
status_is 401
body_has '.errors[0].extensions.code == "AUTHENTICATION_ERROR"'
sim POST accounts '{"provider":"linear","token":"lin_api_x"}'
key=lin_api_x linear '{ viewer { id } }'
status_is 200
key='Bearer lin_api_x' linear '{ viewer { id } }'
status_is 400
body_has '.errors[0].extensions.type == "invalid input"'
sim POST accounts '{"provider":"linear","token":"oauth"}'
key='Bearer oauth' linear '{ viewer { id } }'
status_is 200
it "Linear wants a key bare and takes other tokens either way"

for case in 'completed 0 completed' 'canceled 0 canceled' \
    'duplicate 0 duplicate' 'deleted 0 started' 'archived 0 started' \
    'reassigned 0 started' 'moved 1 backlog'; do
	read -r state listed type <<<"$case"
	begin
	item linear
	sim PATCH "items/linear/$id" "{\"state\":\"$state\"}"
	body_has ".state == \"$state\" and .state_type == \"$type\""
	linear "$active" '{"first":5}'
	body_has ".data.viewer.assignedIssues.nodes | length == $listed"
	linear "$by_id" "{\"ids\":[\"$id\"],\"first\":5}"
	body_has '.data.issues.nodes | length == 1'
	[ "$state" = deleted ] && body_has '.data.issues.nodes[0] | .trashed and .archivedAt'
	[ "$state" = moved ] && body_has '.data.issues.nodes[0].identifier == "OPER-1"'
	sim PATCH "items/linear/$id" '{"state":"open"}'
	linear "$active" '{"first":5}'
	body_has '.data.viewer.assignedIssues.nodes | length == 1'
	it "a Linear issue can be $state and come back"
done

item linear '"state_type":"backlog"'
body_has '.state_name == "Backlog"'
sim PATCH "items/linear/$id" '{"state_name":"Todo"}'
body_has '.state_type == "unstarted"'
sim PATCH "items/linear/$id" '{"team":"QA","assignee":null}'
body_has '.identifier == "QA-1" and .assignee == null'
it "a Linear issue's state, team and assignee can be set"

# Attio

item attio '"count":5,"due_date":"2026-12-01"'
attio GET 'tasks?limit=2&offset=4'
body_has '(.data | length) == 1 and .data[0].content_plaintext == "Item 5"'
body_has '.data[0].created_at | test("\\.[0-9]{9}Z$")'
id=$(jq -r '.data[0].id.task_id' "$dir/body")
sim PATCH "items/attio/$id" '{"state":"completed"}'
attio GET 'tasks?is_completed=false'
body_has '.data | length == 4'
attio GET 'tasks?is_completed=true&sort=completed_at:desc'
body_has '.data | length == 1'
attio GET 'tasks?sort=created_at:desc'
body_has '.data[0].content_plaintext == "Item 5"'
attio GET 'tasks?sort=colour'
status_is 400
attio GET 'tasks?limit=x'
status_is 400
it "Attio lists by offset and filter"

item attio
sim GET accounts
member=$(jq -r '.accounts[0].user_id' "$dir/body")
email=$(jq -r '.accounts[0].email' "$dir/body")
for who in "$member" "$email"; do
	attio GET "tasks?assignee=$who"
	body_has '.data | length == 1'
done
sim PATCH "items/attio/$id" '{"state":"reassigned"}'
attio GET "tasks?assignee=$member"
body_has '.data == []'
attio GET tasks
body_has '.data | length == 1'
sim PATCH "items/attio/$id" '{"assignee":null}'
attio GET 'tasks?assignee='
body_has '.data | length == 1'
it "Attio filters by assignee"

item attio '"linked_records":[{"target_object_id":"people","target_record_id":"p1"}]'
attio GET tasks
body_has '.data[0].linked_records == [{target_object_id: "people", target_record_id: "p1"}]'
attio PATCH "tasks/$id" '{"data":{"linked_records":[]}}'
body_has '.data.linked_records == []'
log_has '.applied'
it "an Attio task may be linked to records"

item attio
attio PATCH "tasks/$id" '{"data":{"is_completed":true}}'
status_is 200
body_has '.data.is_completed and .data.completed_at'
log_has '.applied and .op == "update"'
attio PATCH "tasks/$id" '{"data":{"is_completed":true}}'
log_has '.applied == false and .status == 200'
attio PATCH "tasks/$id" '{"data":{"is_completed":false}}'
body_has '.data.completed_at == null'
for bad in '{' '{}' '{"data":{"is_completed":1}}' '{"data":{"content":"x"}}' \
    '{"data":[]}'; do
	attio PATCH "tasks/$id" "$bad"
	status_is 400
	body_has '.code == "validation_type" and (.validation_errors | length) == 1'
done
it "Attio completes and uncompletes a task and checks the body"

item attio
attio DELETE "tasks/$id"
status_is 200
attio GET "tasks/$id"
status_is 404
body_has '.code == "not_found"'
attio POST tasks '{"data":{"content":"Call","format":"plaintext","deadline_at":null,"is_completed":false,"linked_records":[],"assignees":[]}}'
status_is 200
body_has '.data.content_plaintext == "Call"'
attio POST tasks '{"data":{"format":"plaintext"}}'
status_is 400
attio GET self
body_has '.active and .workspace_id'
key=nobody attio GET self
status_is 401
body_has '.type == "auth_error"'
it "Attio makes and deletes tasks and tells about the token"

# Faults

item todoist
fault '"kind":"status","status":503,"provider":"todoist","op":"close","write":true,"account":"ada","times":1'
status_is 201
sim GET faults
body_has '.faults | length == 1'
todoist GET tasks
status_is 200
todoist POST "tasks/$id/close"
status_is 503
body_has '.http_code == 503'
log_has '.applied == false and .fault == "status" and .status == 503'
todoist POST "tasks/$id/close"
status_is 200
it "a fault hits what it matches, as often as asked"

item todoist
fault '"kind":"status","status":500,"applied":true,"skip":1,"item":"'"$id"'"'
fault_id=$(jq .id "$dir/body")
todoist GET "tasks/$id"
status_is 200
todoist POST "tasks/$id/close"
status_is 500
state_is todoist '.state == "completed"'
sim DELETE "faults/$fault_id"
status_is 200
sim DELETE "faults/$fault_id"
status_is 404
todoist GET "tasks/$id"
status_is 200
it "an applied fault loses only the answer"

fault '"kind":"nonsense"'
status_is 400
body_has '.error | contains("reset_after")'
fault '"kind":"status","status":99'
status_is 400
fault '"kind":"status","statsu":500'
status_is 400
fault '"kind":"status","provider":"asana"'
status_is 400
sim GET faults
body_has '.faults == []'
it "a wrong fault is refused"

for provider in todoist linear attio; do
	item "$provider"
	fault "\"kind\":\"rate_limit\",\"provider\":\"$provider\",\"retry_after\":7"
done
todoist GET tasks
status_is 429
[ "$(header Retry-After)" = 7 ] || note "Retry-After $(header Retry-After)"
body_has '.error_extra.retry_after == 7 and .error_tag == "LIMITS_REACHED"'
linear '{ viewer { id } }'
status_is 400
body_has '.errors[0].extensions | .code == "RATELIMITED" and .type == "ratelimited"'
[ "$(header X-RateLimit-Requests-Remaining)" = 0 ] || note "remaining"
[ "$(header X-RateLimit-Requests-Reset)" -gt "$(date +%s)000" ] || note "reset"
attio GET tasks
status_is 429
date -d "$(header Retry-After)" >/dev/null || note "Retry-After is no date"
it "every provider limits rates in its own way"

for provider in todoist linear attio; do
	item "$provider"
done
fault '"kind":"auth","times":3'
todoist GET tasks
status_is 401
linear '{ viewer { id } }'
status_is 401
attio GET tasks
status_is 401
fault '"kind":"forbidden","times":3'
todoist GET tasks
status_is 403
linear '{ viewer { id } }'
status_is 403
attio GET tasks
status_is 403
fault '"kind":"not_found","times":3'
todoist GET tasks
status_is 404
linear '{ viewer { id } }'
status_is 200
body_has '.errors[0].message == "Entity not found: Issue"'
attio GET tasks
status_is 404
it "auth, forbidden and not_found speak each provider's language"

item attio
fault '"kind":"reset_before"'
attio PATCH "tasks/$id" '{"data":{"is_completed":true}}'
curl_fails 56
log_has '.status == 0 and .applied == false'
state_is attio '.state == "open"'
sim DELETE faults
fault '"kind":"reset_after"'
attio PATCH "tasks/$id" '{"data":{"is_completed":true}}'
curl_fails 56
log_has '.status == 0 and .applied'
state_is attio '.state == "completed"'
it "a connection is reset before or after the write"

for case in 'hang_before open' 'hang_after completed'; do
	begin
	item todoist
	fault "\"kind\":\"${case% *}\""
	curl -sS -X POST -H 'Authorization: Bearer ada' \
	    "$url/api/v1/tasks/$id/close" >/dev/null 2>&1 &
	hanging=$!
	wait_until is_pending
	state_is todoist ".state == \"${case#* }\""
	kill "$hanging"
	wait "$hanging" 2>/dev/null
	wait_until is_cut
	it "${case% *} holds the answer back until the client goes away"
done

item todoist
fault '"kind":"delay","delay_ms":120'
asked=$(date +%s%N)
todoist GET tasks
[ $(($(date +%s%N) - asked)) -ge 120000000 ] || note "no delay"
status_is 200
sim DELETE faults
fault '"kind":"delay_after","delay_ms":120'
todoist POST "tasks/$id/close"
status_is 200
state_is todoist '.state == "completed"'
it "answers can be late"

item todoist
fault '"kind":"truncate"'
todoist POST "tasks/$id/close"
curl_fails 18
state_is todoist '.state == "completed"'
sim DELETE faults
fault '"kind":"truncate_json"'
todoist GET "tasks/$id"
curl_fails 0
jq . "$dir/body" >/dev/null 2>&1 && note "still JSON"
sim DELETE faults
fault '"kind":"invalid_utf8"'
todoist GET "tasks/$id"
iconv -f utf-8 -t utf-8 "$dir/body" >/dev/null 2>&1 && note "still UTF-8"
sim DELETE faults
fault '"kind":"empty_body"'
todoist GET "tasks/$id"
status_is 200
[ -s "$dir/body" ] && note "not empty"
it "bodies can be cut, spoilt and empty"

item todoist
fault '"kind":"html"'
todoist POST "tasks/$id/close"
status_is 200
[ "$(header Content-Type)" = "text/html; charset=utf-8" ] || note "type"
sim DELETE faults
fault '"kind":"html_status"'
todoist POST "tasks/$id/close"
status_is 502
sim DELETE faults
fault '"kind":"gone_410"'
todoist POST "tasks/$id/close"
status_is 410
state_is todoist '.state == "open"'
it "answers can be pages and plain text"

item linear
fault '"kind":"graphql_errors"'
linear '{ viewer { id } }'
status_is 200
body_has '.data.viewer.id and .errors[0].extensions.type == "internal error"'
done_state=$(sim GET teams && jq -r '.teams[0].states[] | select(.type == "completed").id' "$dir/body")
linear "$set_state" "{\"id\":\"$id\",\"stateId\":\"$done_state\"}"
body_has '.data == null and (.errors | length) == 1'
state_is linear '.state == "open"'
sim DELETE faults
fault '"kind":"success_false"'
linear "$set_state" "{\"id\":\"$id\",\"stateId\":\"$done_state\"}"
body_has '.data.issueUpdate.success == false'
state_is linear '.state == "open"'
sim DELETE faults
fault '"kind":"state_refused","times":1'
linear "$set_state" "{\"id\":\"$id\",\"stateId\":\"$done_state\"}"
body_has '.errors[0].message == "Entity not found: WorkflowState"'
fault '"kind":"graphql_errors_after"'
linear "$set_state" "{\"id\":\"$id\",\"stateId\":\"$done_state\"}"
body_has '.data == null and (.errors | length) == 1'
state_is linear '.state == "completed"'
it "Linear can fail inside a good answer"

item todoist
fault '"kind":"sync_error"'
sync u1 item_close "$id"
status_is 200
body_has '.sync_status.u1.http_code == 500'
state_is todoist '.state == "open"'
sim DELETE faults
sync u1 item_close "$id"
body_has '.sync_status.u1 == "ok"'
state_is todoist '.state == "completed"'
it "a failed Todoist command is not taken for run"

# The rows of any provider's list.
any_rows='.results // (.data |
  if type == "array" then . else .viewer.assignedIssues.nodes end)'
rows() { # PROVIDER: titles of a first page of two, in $dir/rows
	case $1 in
	todoist) todoist GET "tasks?limit=2${2:+&cursor=$2}" ;;
	linear) linear "$active" "{\"first\":2${2:+,\"after\":\"$2\"}}" ;;
	attio) attio GET 'tasks?limit=2' ;;
	esac
	jq -c "[($any_rows)[] | .content // .title // .content_plaintext]" \
	    "$dir/body" >"$dir/rows"
}
rows_are() {
	[ "$(cat "$dir/rows")" = "$1" ] || note "rows $(cat "$dir/rows"), not $1"
}
for provider in todoist attio linear; do
	begin
	item "$provider" '"count":5'
	if [ "$provider" = linear ]; then
		second='["Item 3","Item 2"]' shifted='["Item 4","Item 3"]'
	else
		second='["Item 3","Item 4"]' shifted='["Item 2","Item 3"]'
	fi
	fault '"kind":"empty_list","times":1'
	rows "$provider"
	rows_are '[]'
	fault '"kind":"missing_page","times":1'
	rows "$provider"
	rows_are "$second"
	fault '"kind":"drop_items","drop":1,"times":1'
	rows "$provider"
	rows_are "$shifted"
	sim PATCH "items/$provider/$(sim GET items && jq -r '.items[0].id' "$dir/body")" '{"state":"completed"}'
	fault '"kind":"finished_rows","times":1'
	case $provider in
	todoist) todoist GET tasks && body_has '[.results[].checked] | any' ;;
	linear) linear "$active" '{"first":9}' && body_has '[.data.viewer.assignedIssues.nodes[].state.type == "completed"] | any' ;;
	attio) attio GET 'tasks?is_completed=false' && body_has '[.data[].is_completed] | any' ;;
	esac
	fault '"kind":"wrong_type"'
	rows "$provider"
	body_has "[($any_rows)[].id | .task_id? // .] | all(type == \"number\")"
	it "lists of $provider can be wrong"
done

item todoist '"count":5'
fault '"kind":"no_next_cursor","times":1'
todoist GET 'tasks?limit=2'
body_has 'has("next_cursor") | not'
fault '"kind":"same_cursor"'
rows todoist
cursor=$(jq -r .next_cursor "$dir/body")
rows todoist "$cursor"
rows_are '["Item 1","Item 2"]'
body_has ".next_cursor == \"$cursor\""
it "Todoist's cursor can be missing or stand still"

item linear '"count":5'
fault '"kind":"no_next_cursor","times":1'
linear "$active" '{"first":2}'
body_has '.data.viewer.assignedIssues.pageInfo | has("hasNextPage") | not'
fault '"kind":"same_cursor","times":2'
rows linear
cursor=$(jq -r .data.viewer.assignedIssues.pageInfo.endCursor "$dir/body")
rows linear "$cursor"
rows_are '["Item 5","Item 4"]'
body_has ".data.viewer.assignedIssues.pageInfo | .hasNextPage and .endCursor == \"$cursor\""
fault '"kind":"unknown_state_type"'
linear "$active" '{"first":2}'
body_has '[.data.viewer.assignedIssues.nodes[].state.type] | unique == ["paused"]'
it "Linear's cursor can be missing or stand still, and a type be new"

item todoist '"count":5'
fault '"kind":"status","page":2,"op":"list"'
todoist GET 'tasks?limit=2'
status_is 200
todoist GET "tasks?limit=2&cursor=$(jq -r .next_cursor "$dir/body")"
status_is 500
it "a fault can wait for the second page"

item todoist
fault '"kind":"status","probability":0'
todoist GET tasks
status_is 200
it "a fault of probability 0 never hits"

# Size, and the end

sim POST items '{"provider":"todoist","account":"ada","count":50000}'
status_is 201
seen=0 cursor=
while :; do
	todoist GET "tasks?limit=200${cursor:+&cursor=$cursor}"
	# Not jq: 250 of them would be most of this test's time.
	seen=$((seen + $(grep -o '"day_order"' "$dir/body" | wc -l)))
	cursor=$(sed 's/.*"next_cursor":"\{0,1\}\([^"}]*\).*/\1/' "$dir/body")
	[ "$cursor" = null ] && break
done
[ "$seen" = 50000 ] || note "$seen rows"
it "50,000 tasks are listed whole"

item todoist
fault '"kind":"hang_before"'
for _ in 1 2 3 4 5; do
	curl -sS -H 'Authorization: Bearer ada' "$url/api/v1/tasks" \
	    >/dev/null 2>&1 &
done
wait_until is_pending
sim GET health
status_is 200
kill "$pid"
wait "$pid"
rc=$?
pid=
[ $rc = 0 ] || note "exit status $rc"
[ -s "$dir/err" ] && note "$(cat "$dir/err")"
count=$((count + 1))
$good || failures=$((failures + 1))
$good || printf 'not '
echo "ok $count - it ends, also with requests that hang"

echo "1..$count"
[ $failures = 0 ]
