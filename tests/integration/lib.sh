# shellcheck shell=bash
# shellcheck disable=SC2034 # what the verbs set is for the tests
# What every integration test shares: a private stack, a few verbs in the
# product's own words, and TAP for prove.
#
#	. "$(dirname "$0")/lib.sh"
#	test_a_task_made_by_hand_is_listed() {
#		api POST /v1/tasks '{"title":"Milk"}'
#		is "$STATUS" 201 "it is made"
#	}
#	stack_whole && run_tests
#
# Every function named test_... runs in the order of the file, in this shell, and
# is one TAP line: its name is the sentence. A check that fails says so in a
# comment line; the test goes on, so that one run shows all of it.

set -u -o pipefail
# shellcheck source-path=SCRIPTDIR source=../stack.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stack.sh"

DEMO_USER=00000000-0000-4000-8000-000000000001
declare -A TOKENS=() CONNECTIONS=()
STATUS='' BODY='' HEADERS='' TASK='' ITEM='' CONNECTION='' HELPER_PORT=''

# --- TAP ----------------------------------------------------------------------

tap_number=0
tap_bad=0
tap_failed=0

diag() {
	local line

	while IFS= read -r line; do
		echo "# $line"
	done <<<"$*"
}

# A check failed: the test has, too.
flunk() {
	diag "not so: $*"
	tap_failed=1
	return 1
}

# ok SENTENCE COMMAND...
ok() {
	local sentence=$1

	shift
	"$@" || flunk "$sentence"
}

# is GOT WANTED [SENTENCE]
is() {
	[ "$1" = "$2" ] && return 0
	flunk "${3:-as expected}"
	diag "     got: $1"
	diag "  wanted: $2"
	return 1
}

# isnt GOT UNWANTED [SENTENCE]
isnt() {
	[ "$1" != "$2" ] && return 0
	flunk "${3:-different from before}"
	diag "     got: $1"
	return 1
}

# like GOT REGEX [SENTENCE]
like() {
	[[ $1 =~ $2 ]] && return 0
	flunk "${3:-like it}"
	diag "     got: $1"
	diag "  wanted: $2"
	return 1
}

# unlike GOT REGEX [SENTENCE]
unlike() {
	[[ ! $1 =~ $2 ]] && return 0
	flunk "${3:-unlike it}"
	diag "     got: $1"
	diag "  unwanted: $2"
	return 1
}

# providers: those that a case is tried with, all of them; where SAMPLE is a number, one,
# which is another one for the next case, and for another number.
providers() {
	local all=(todoist linear attio)

	if [ -z "${SAMPLE:-}" ] || [ "$tap_number" = 0 ] || [ -n "${CASES:-}" ]; then
		echo "${all[*]}"
	else
		echo "${all[(SAMPLE + tap_number) % 3]}"
	fi
}

# In the order of the file, which declare -F knows with extdebug only. CASES, names
# of test_ functions, runs these alone.
run_tests() {
	local name names

	shopt -s extdebug
	mapfile -t names < <(declare -F | awk '$3 ~ /^test_/ { print $3 }' |
		while read -r name; do declare -F "$name"; done |
		sort -n -k 2 | awk '{ print $1 }')
	shopt -u extdebug
	if [ -n "${CASES:-}" ]; then
		read -ra names <<<"$CASES"
		for name in "${names[@]}"; do
			[[ $name == test_* && $(type -t "$name") == function ]] ||
				bail "there is no case '$name' here"
		done
	fi
	echo "1..${#names[@]}"
	for name in "${names[@]}"; do
		tap_number=$((tap_number + 1))
		tap_failed=0
		"$name" || [ $tap_failed = 1 ] || flunk "it ended with status $?"
		if [ $tap_failed = 0 ]; then
			echo "ok $tap_number - $(sentence "$name")"
		else
			echo "not ok $tap_number - $(sentence "$name")"
			tap_bad=$((tap_bad + 1))
		fi
	done
	sanitizers_are_silent || tap_bad=$((tap_bad + 1))
	[ $tap_bad = 0 ] || tell_logs
	exit $((tap_bad > 0))
}

# What a program built with them found, until its last breath.
sanitizers_are_silent() {
	local name found

	for name in pollers ${STACK_GATEWAYS:-gateway} sim; do
		stack_end "$name"
	done
	found=$(grep -hE 'ERROR: [A-Za-z]*Sanitizer|runtime error:' \
		"$STACK_DIR"/*.log 2>/dev/null) || return 0
	diag "sanitizers: $found"
	return 1
}

sentence() {
	local words=${1#test_}

	echo "${words//_/ }"
}

# Said when something failed: the stack and its logs are gone a moment later.
tell_logs() {
	local log

	for log in "$STACK_DIR"/*.log; do
		[ -s "$log" ] || continue
		diag "${log##*/}:"
		diag "$(tail -n 30 "$log")"
	done
}

# bail SENTENCE: this suite cannot go on, and fails. Not with TAP's "Bail out!",
# which would end the others, too. There is nothing for a suite that would rather
# not run: a check that was left out is not one that passed.
bail() {
	diag "cannot go on: $*"
	[ -z "$STACK_DIR" ] || tell_logs
	exit 1
}

# wait_until SECONDS COMMAND...
wait_until() {
	stack_until "$@"
}

# --- the stack ----------------------------------------------------------------

# All of it but the pollers, whose passes a test asks for one by one; a caller
# may stack_setting NAME VALUE between stack_init and this.
stack_whole() {
	local name

	[ -n "$STACK_DIR" ] || stack_init || bail "no directory"
	helper_start || bail "no helper"
	stack_postgres || bail "no PostgreSQL"
	[ -z "${FLOWPINS:-}" ] || flowpins_tables || bail "no tables of Flowpin's"
	stack_migrate || bail "no schema"
	[ -n "${SIM_URL:-}" ] || stack_sim || bail "no simulator"
	for name in ${STACK_GATEWAYS:-gateway}; do
		stack_gateway "$name" || bail "no gateway"
	done
	stack_nginx || bail "no nginx"
	as_user "$DEMO_USER"
}

# as_user USER_ID: whose token `api` sends from here on.
as_user() {
	USER_ID=$1
	[ -z "${FLOWPINS:-}" ] || stack_admin flowpin -c "insert into auth.users (id)
		values ('$1') on conflict do nothing" || bail "no user"
	ask token "$STACK_DIR/jwt.secret" "$1" 86400 || bail "no token"
	TOKEN=${OUT%$'\n'}
	printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" \
		>"$STACK_DIR/api.curl" # for calls that curl itself makes
}

restart_gateway() { # [SIGNAL]
	stack_end gateway "${1:-TERM}"
	stack_gateway || bail "the gateway does not come back"
}

# --- the helper ---------------------------------------------------------------

# What a suite asks hundreds of times is answered by one process that stays:
# starting psql, curl or jq takes longer than what they do. jq and psql, as suites
# use them, go there; what it does not know is theirs.
helper_start() {
	[ -z "$HELPER_PORT" ] || return 0
	stack_start helper "$STACK_ROOT/build/helper/flowpin-test-helper" \
		"$STACK_DIR/helper.port"
	stack_await helper test -s "$STACK_DIR/helper.port" || return 1
	HELPER_PORT=$(<"$STACK_DIR/helper.port")
}

# ask VERB WORD...: sets OUT and ERR; its status is that of the program it stands for.
ask() {
	local LC_ALL=C fd status=2 out=0 err=0

	OUT='' ERR=''
	exec {fd}<>"/dev/tcp/127.0.0.1/$HELPER_PORT" || return 2
	printf '%s\0' $# "$@" >&"$fd"
	# not from <&: standard input may be what the helper is to read
	read -ru "$fd" status out err || status=2
	[ "$out" = 0 ] || IFS= read -ru "$fd" -N "$out" OUT
	[ "$err" = 0 ] || IFS= read -ru "$fd" -N "$err" ERR
	exec {fd}>&-
	return "$status"
}

# ask_for VERB WORD...: told as the program would, to its own descriptors.
ask_for() {
	local OUT ERR status

	ask "$@"
	status=$?
	printf %s "$OUT"
	[ -z "$ERR" ] || printf %s "$ERR" >&2
	return "$status"
}

jq() {
	if [ -z "$HELPER_PORT" ] || [[ " $* " == *' --args '* ]]; then
		command jq "$@"
	else
		ask_for jq "/proc/$BASHPID/fd/0" "$@"
	fi
}

# What stack.sh has, with the helper's sessions where only statements are given.
stack_psql() {
	local word texts=() is_text='' rest=''

	for word in "${@:4}"; do
		if [ -n "$is_text" ]; then
			texts+=("$word")
			is_text=''
		else
			case $word in
			-c) is_text=1 ;;
			-A | -t) ;;
			*) rest=1 ;;
			esac
		fi
	done
	if [ -n "$HELPER_PORT" ] && [ -z "$rest" ] && [ ${#texts[@]} -gt 0 ]; then
		ask_for sql "$STACK_DIR/pg" "$STACK_PG_PORT" "$1" "$2" "$3" \
			"${texts[@]}"
		return
	fi
	PGOPTIONS=$3 psql -X -q -v ON_ERROR_STOP=1 -h "$STACK_DIR/pg" \
		-p "$STACK_PG_PORT" -U "$1" -d "$2" "${@:4}"
}

# --- HTTP ---------------------------------------------------------------------

# api METHOD PATH [JSON [HEADER...]]: as the user. Sets STATUS, BODY, HEADERS.
api() {
	http_call "$URL$2" "$1" "${3:-}" "Authorization: Bearer $TOKEN" "${@:4}"
}

# anonymous METHOD PATH [JSON [HEADER...]]
anonymous() {
	http_call "$URL$2" "$1" "${3:-}" "${@:4}"
}

# sim METHOD PATH [JSON]: the simulator's control calls.
sim() {
	http_call "$SIM_URL$2" "$1" "${3:-}"
	[[ $STATUS == 2* ]] || flunk "the simulator takes $1 $2: $STATUS $BODY"
}

# http_call URL METHOD BODY [HEADER...]: JSON, if no header says otherwise.
http_call() {
	local line

	[ -z "$3" ] || [[ ${*:4} == *Content-Type:* ]] ||
		set -- "${@:1:3}" 'Content-Type: application/json' "${@:4}"
	ask http "$@"
	BODY=$ERR
	# a pattern would look at every place of it, and it may be long
	[[ ${BODY: -1} != $'\n' ]] || BODY=${BODY:0:-1}
	HEADERS=${OUT//$'\r'/}
	STATUS=''
	while IFS= read -r line; do
		[[ $line != HTTP/* ]] || read -r _ STATUS _ <<<"$line"
	done <<<"$HEADERS"
}

# field PATH: of the last answer, as jq has it; nothing for null.
field() {
	ask jq "=$BODY" -r "$1 // empty"
	printf %s "$OUT"
}

# header NAME: of the last answer.
header() {
	local line

	while IFS= read -r line; do
		[[ ${line,,} == "${1,,}":* ]] || continue
		line=${line#*:}
		echo "${line#"${line%%[! ]*}"}"
		return
	done <<<"$HEADERS"
}

# --- database -----------------------------------------------------------------

# sql STATEMENT: as the gateway's role; values bare, columns split by |
sql() {
	stack_sql -c "$1"
}

# --- connections, items, tasks ------------------------------------------------

# add_connection TYPE [TOKEN [LABEL]]: an account at the simulator and a connection
# with its key. Sets CONNECTION, and CONNECTIONS[TYPE] and TOKENS[TYPE] to the latest.
add_connection() {
	local type=$1 key=${2:-}

	[ -n "$key" ] || key=$(sim_token "$type")
	sim POST /_sim/accounts "$(jq -n --arg p "$type" --arg t "$key" \
		'{provider: $p, token: $t}')" || return 1
	api POST /v1/connections "$(jq -n --arg t "$type" --arg k "$key" \
		--arg n "${3:-$type}" '{type: $t, label: $n, key: $k}')"
	is "$STATUS" 201 "a $type connection is added: $BODY" || return 1
	CONNECTION=$(field .connection.id)
	CONNECTIONS[$type]=$CONNECTION
	TOKENS[$type]=$key
}

# Shaped as the provider's own keys are.
sim_token() {
	case $1 in
	linear) printf 'lin_api_sim%08x%08x%08x\n' "$SRANDOM" "$SRANDOM" "$SRANDOM" ;;
	*) printf 'sim-%s-%08x%08x%08x\n' "$1" "$SRANDOM" "$SRANDOM" "$SRANDOM" ;;
	esac
}

# add_item PROVIDER TITLE [JSON]: at the simulator; JSON holds what else is
# special about it (account, recurring, ...). Sets ITEM.
add_item() {
	sim POST /_sim/items "$(jq -n --arg p "$1" --arg t "$2" \
		--argjson more "${3:-null}" \
		'{provider: $p, title: $t} + ($more // {})')" || return 1
	ITEM=$(field '.items[0].id')
	[ -n "$ITEM" ] || flunk "an item at $1: $BODY"
}

# change_item PROVIDER ID JSON
change_item() {
	sim PATCH "/_sim/items/$1/$2" "$3"
}

# poll_once [CONNECTION]: every connection of this database, due or not.
poll_once() {
	if [ $# -gt 0 ]; then
		stack_poll --connection "$1"
		return
	fi
	sql 'update connections set next_poll_at = now()' >/dev/null &&
		stack_poll
}

# An item's title, in jq: Linear's has the issue's number before it.
# shellcheck disable=SC2016 # jq's own variable
ITS_TITLE='(.title | sub("^\\[[A-Z0-9]+-[0-9]+\\] "; "")) == $t'

# import_task PROVIDER TITLE: poll, find it in the inbox, import it. Sets TASK to
# the task's id and ITEM to its item's.
import_task() {
	local id

	poll_once || flunk "a pass of the poller" || return 1
	api GET /v1/inbox
	id=$(jq -r --arg s "$1" --arg t "$2" 'first(.items[] |
		select(.source == $s and '"$ITS_TITLE"') | .id)' <<<"$BODY")
	[ -n "$id" ] || flunk "'$2' is in the inbox: $BODY" || return 1
	api POST "/v1/inbox/$id/import"
	is "$STATUS" 201 "'$2' is imported: $BODY" || return 1
	TASK=$(field .task.id)
	ITEM=$(field .task.source_id)
}

# complete TASK [HEADER...], uncomplete TASK [HEADER...]: sets STATUS and BODY.
complete() {
	api POST "/v1/tasks/$1/complete" '' "${@:2}"
}

uncomplete() {
	api POST "/v1/tasks/$1/uncomplete" '' "${@:2}"
}

# task_status TASK: active, completed or archived, straight from the database.
task_status() {
	sql "select status from tasks where id = '$1'"
}

# left_as TASK STATUS [BY [REASON [TIME]]]: as the gateway itself leaves a task when
# nobody here wished for it, so that no wish comes of it.
left_as() {
	sql "with l as (
			update links
			   set version = version + 1, status = '$2',
			       completed_by = nullif('${3:-}', ''),
			       completion_reason = nullif('${4:-}', ''),
			       changed_at = clock_timestamp()
			 where task_id = '$1'
			returning task_id
		)
		update tasks t
		   set status = '$2',
		       completed_at = case when '$2' = 'completed'
				then coalesce(nullif('${5:-}', '')::timestamptz,
					now()) end
		  from l
		 where t.id = l.task_id" >/dev/null
}

# provider_says PROVIDER ID: the item's state there.
provider_says() {
	sim GET "/_sim/items?provider=$1"
	jq -r --arg id "$2" 'first(.items[] | select(.id == $id) | .state) //
		"gone"' <<<"$BODY"
}

# --- what reached the providers -----------------------------------------------

# mark: `requests` and `writes` count from here.
mark() {
	sim GET "/_sim/requests?since=${MARK:-0}"
	MARK=$(field .last_seq)
}

requests() {
	sim GET "/_sim/requests?since=${MARK:-0}"
	jq '.requests | length' <<<"$BODY"
}

# writes: requests since the mark that would change something there.
writes() {
	sim GET "/_sim/requests?since=${MARK:-0}"
	jq '[.requests[] | select(.write)] | length' <<<"$BODY"
}

# --- users, tasks and runs ----------------------------------------------------

# as_new_user: nobody's yet.
as_new_user() {
	as_user "$(</proc/sys/kernel/random/uuid)"
}

# add_own_item PROVIDER TITLE [JSON]: in the account of the latest connection.
add_own_item() {
	add_item "$1" "$2" "$(jq -n --arg a "${TOKENS[$1]}" \
		--argjson more "${3:-null}" '{account: $a} + ($more // {})')"
}

# An item's title as it was given to `add_item`, in jq and in SQL: a Linear
# issue's begins with its identifier here.
# shellcheck disable=SC2034 # some is for suites
PLAIN_TITLE='(.title | sub("^\\[\\w+-\\d+\\] "; ""))'
SQL_TITLE="regexp_replace(title, '^\[\w+-\d+\] ', '')"

# import_titled TITLE: what lies in the inbox. Sets TASK and ITEM.
import_titled() {
	local id

	api GET '/v1/inbox?limit=200'
	id=$(jq -r --arg t "$1" 'first(.items[] | select('"$ITS_TITLE"') |
		.id)' <<<"$BODY")
	[ -n "$id" ] || flunk "'$1' is in the inbox: $BODY" || return 1
	api POST "/v1/inbox/$id/import"
	is "$STATUS" 201 "'$1' is imported: $BODY" || return 1
	TASK=$(field .task.id)
	ITEM=$(field .task.source_id)
}

# make_task PROVIDER TITLE [JSON]: an item of the latest connection, imported.
make_task() {
	add_own_item "$@" || return 1
	poll_once "${CONNECTIONS[$1]}" || flunk "a pass of the poller" || return 1
	import_titled "$2"
}

# poll_own: every connection of this user, and nobody else's.
poll_own() {
	sql "update connections set next_poll_at =
		now() + case when user_id = '$USER_ID' then '0' else '1 day' end
		::interval" >/dev/null && stack_poll
}

# task_json TASK: all of it, in one order.
task_json() {
	api GET "/v1/tasks/$1"
	jq -S .task <<<"$BODY"
}

# task_line TASK: its status, who completed it and why.
task_line() {
	api GET "/v1/tasks/$1"
	jq -r '.task | "\(.status) \(.completed_by // "-") " +
		(.completion_reason // "-")' <<<"$BODY"
}

# connection_says CONNECTION MEMBER
connection_says() {
	api GET "/v1/connections/$1"
	field ".connection.$2"
}

# last_run CONNECTION: how its last run ended.
last_run() {
	sql "select outcome from poll_runs where connection_id = '$1'
		order by started_at desc limit 1"
}

# fault JSON: sets FAULT.
fault() {
	sim POST /_sim/faults "$1" || return 1
	FAULT=$(field .id)
}

# A call that refuses the key is believed when the one that asks whose key it is
# refuses it too.
declare -rA WHOSE_KEY=([todoist]=user [linear]=whoami [attio]=self)
nor_whose_key() { # PROVIDER
	fault "{\"kind\": \"auth\", \"provider\": \"$1\",
		\"op\": \"${WHOSE_KEY[$1]}\"}"
}

no_faults() {
	sim DELETE /_sim/faults
}

# count_requests QUERY: the simulator's requests since the mark, `op=list&...`.
count_requests() {
	sim GET "/_sim/requests?since=${MARK:-0}&$1"
	jq '.requests | length' <<<"$BODY"
}

# is_in_flight QUERY: such a request is not answered yet.
is_in_flight() {
	sim GET "/_sim/requests?since=${MARK:-0}&$1"
	[ "$(jq '[.requests[] | select(.status == null)] | length' \
		<<<"$BODY")" -gt 0 ]
}

# poll_behind [OPTION...]: a pass that goes on while the test does; poll_joined
# waits for it, and leaves its status in STACK_STATUS.
poll_behind() {
	stack_start pass "$STACK_BIN/flowpin-poller" \
		--config "$STACK_DIR/flowpin.conf" "$@"
}

poll_joined() {
	wait_until 60 stack_is_down pass || flunk "the pass ends"
	stack_end pass
}

# --- completion calls and what becomes of them ---------------------------------

# task_facts TASK: all that a rollback has to restore.
task_facts() {
	task_json "$1" | jq -S 'del(.updated_at, .version)'
}

# ready_for WISH PROVIDER [JSON]: a new item's task, which WISH (complete or
# uncomplete) would change. Sets TASK, ITEM and BEFORE, what the task is now.
ready_for() {
	READY_COUNT=$((${READY_COUNT:-0} + 1))
	make_task "$2" "to $1 $READY_COUNT" "${3:-null}" || return 1
	if [ "$1" = uncomplete ]; then
		complete "$TASK"
		is "$STATUS $(provider_says "$2" "$ITEM")" "200 completed" \
			"it is completed first" || return 1
	fi
	BEFORE=$(task_facts "$TASK")
	mark
}

# wish WISH TASK [HEADER...]
wish() {
	api POST "/v1/tasks/$2/$1" '' "${@:3}"
}

# is_outcome OUTCOME REASON: of the last call, which is answered with 200.
is_outcome() {
	is "$STATUS $(field .writeback.outcome) $(field .writeback.reason)" \
		"200 $1 $2" "the outcome: $BODY" || return 1
	is "$(jq -S .task <<<"$BODY")" "$(task_json "$TASK")" \
		"the answer has the task as it is"
}

# is_rolled_back STATUS REASON NAME: so says the last answer, with a sentence that
# names the provider, and the task is as BEFORE. REASON is a pattern.
is_rolled_back() {
	local answer=$BODY

	is "$STATUS" "$1" "the status: $answer"
	is "$(header content-type)" application/problem+json "it is a problem"
	is "$(field .status) $(field .rolled_back) $(field .writeback.outcome)" \
		"$1 true rolled_back" "it says so: $answer"
	like "$(field .writeback.reason)" "^($2)$" "the reason"
	like "$(field .detail)" "$3" "the sentence names $3"
	like "$(field .detail)" '^[A-Z].*\.$' "it is a sentence"
	is "$(jq -S '.task | del(.updated_at, .version)' <<<"$answer")" \
		"$BEFORE" "the answer has the task as it was"
	is "$(task_facts "$TASK")" "$BEFORE" "the task is exactly what it was"
	is "$(writeback_state "$(jq -r .writeback.id <<<"$answer")")" \
		rolled_back "the writeback has ended"
}

# writeback_state ID: its outcome, as the API tells it.
writeback_state() {
	api GET "/v1/writebacks/$1"
	field .writeback.outcome
}

writeback_has_ended() {
	[[ $(writeback_state "$1") =~ ^(accepted|skipped|superseded|rolled_back)$ ]]
}

# state_for WISH: what an item is at its provider once the wish came true.
state_for() {
	[ "$1" = complete ] && echo completed || echo open
}

# state_before WISH
state_before() {
	[ "$1" = complete ] && echo open || echo completed
}

# name_of PROVIDER: as a person reads it.
name_of() {
	echo "${1^}"
}

# sim_stands: the simulator takes what comes and answers nothing until
# `sim_goes_on`: for what has to happen while a call is under way.
sim_stands() {
	kill -STOP "$(stack_pid sim)"
}

sim_goes_on() {
	kill -CONT "$(stack_pid sim)"
}

# is_sending TASK: a writeback of it has an owner. Sets WRITEBACK.
is_sending() {
	WRITEBACK=$(sql "select id from writebacks
		where task_id = '$1' and state = 'sending'")
	[ -n "$WRITEBACK" ]
}

# call_behind NAME METHOD PATH [JSON [HEADER...]]: a call that goes on while the
# test does; call_joined NAME waits for it and sets STATUS and BODY.
call_behind() {
	local name=$1

	shift
	(
		api "$@"
		jq -n --arg s "$STATUS" --arg b "$BODY" --arg h "$HEADERS" \
			'{$s, $b, $h}' >"$STACK_DIR/behind.$name.new"
		mv "$STACK_DIR/behind.$name.new" "$STACK_DIR/behind.$name"
	) &
}

call_joined() {
	local answer

	wait_until 60 test -s "$STACK_DIR/behind.$1" ||
		flunk "the call '$1' is answered" || return 1
	answer=$(cat "$STACK_DIR/behind.$1")
	rm -f "$STACK_DIR/behind.$1"
	STATUS=$(jq -r .s <<<"$answer")
	BODY=$(jq -r .b <<<"$answer")
	HEADERS=$(jq -r .h <<<"$answer")
}

# log_lines PATTERN: of the gateway's log, how many lines fit.
log_lines() {
	grep -cE "$1" "$STACK_DIR/gateway.log"
}

# short_times [DEADLINE_MS [TIMEOUT_MS]]: calls and leases that end while a test waits.
short_times() {
	stack_setting call_deadline_ms "${1:-3000}"
	stack_setting provider_timeout_ms "${2:-800}"
	stack_setting lease_ms "$((${1:-3000} + 1500))"
	stack_setting sweep_ms 200
}

# at_size N: so many of what a large number is tried with; a tenth of that under
# sanitizers, where it takes longer and nothing is measured.
at_size() {
	if [[ $STACK_BIN == */san ]]; then
		echo $(($1 / 10))
	else
		echo "$1"
	fi
}

# at_size N: so many of what a large number is tried with; a tenth of that under
# sanitizers, where all takes longer and nothing is measured.
at_size() {
	if [[ $STACK_BIN == */san ]]; then
		echo $(($1 / 10))
	else
		echo "$1"
	fi
}

# make_tasks PROVIDER COUNT [JSON]: of the latest connection, for `next_task`.
make_tasks() {
	local id ids

	add_own_item "$1" 'one of many' "$(jq -n --argjson n "$2" \
		--argjson more "${3:-null}" '{count: $n} + ($more // {})')" &&
		poll_once "${CONNECTIONS[$1]}" || flunk "a pass of the poller" ||
		return 1
	api GET "/v1/inbox?limit=200&connection_id=${CONNECTIONS[$1]}"
	ids=$(field '.items[].id')
	MADE_TASKS=()
	for id in $ids; do
		api POST "/v1/inbox/$id/import"
		MADE_TASKS+=("$(field '.task | "\(.id) \(.source_id)"')")
	done
	is "${#MADE_TASKS[@]}" "$2" "there are $2 tasks of $1"
}

# next_task [WISH]: sets TASK, ITEM and BEFORE as `ready_for` does.
next_task() {
	read -r TASK ITEM <<<"${MADE_TASKS[0]:-}"
	MADE_TASKS=("${MADE_TASKS[@]:1}")
	[ -n "$TASK" ] || flunk "there is one more task" || return 1
	if [ "${1:-complete}" = uncomplete ]; then
		complete "$TASK"
		is "$STATUS" 200 "it is completed first: $BODY" || return 1
	fi
	BEFORE=$(task_facts "$TASK")
	mark
}

# taken: how many writes since the mark took effect at a provider.
taken() {
	sim GET "/_sim/requests?since=${MARK:-0}&write=true"
	jq '[.requests[] | select(.applied)] | length' <<<"$BODY"
}

# events_of TASK: the types and reasons of what was told of it, a line each.
events_of() {
	api GET '/v1/events?limit=200'
	jq -r --arg t "$1" '.events[] | select(.task_id == $t) |
		"\(.type) \(.reason)"' <<<"$BODY"
}

# healed: no faults any more; the last answer stays readable.
healed() {
	local status=$STATUS body=$BODY headers=$HEADERS

	no_faults
	STATUS=$status BODY=$body HEADERS=$headers
}

# --- what the app's client does -------------------------------------------------

# flowpins_tables: with FLOWPINS=1 stack_whole builds on the app's own database, as
# Supabase has it, its tables the gateway's role's as they would be a migrator's; the
# client is then one of role `authenticated`.
flowpins_tables() {
	local dir=$STACK_ROOT/tests/fixtures/flowpin

	stack_admin flowpin -f "$dir/schema.sql" -f "$dir/later.sql" &&
		stack_admin flowpin <<-'SQL'
			grant usage, create on schema public to flowpin;
			grant usage on schema auth to flowpin;
			select format('alter table public.%I owner to flowpin', relname)
			  from pg_class
			 where relnamespace = 'public'::regnamespace and relkind = 'r'
			\gexec
			alter table auth.users owner to flowpin;
		SQL
}

# app SQL: as the app's client, signed in as the user. app_session: the same of standard
# input, or with psql's options.
app() {
	app_session -c "$1"
}

app_session() {
	if [ -z "${FLOWPINS:-}" ]; then
		stack_sql "$@"
		return
	fi
	PGOPTIONS="-c role=authenticated -c request.jwt.claims={\"sub\":\"$USER_ID\"}" \
		stack_admin flowpin -A -t "$@"
}

# app_reads TABLE: all that the user has there, as the client keeps it: in
# $STACK_DIR/TABLE.read.
app_reads() {
	app "select coalesce(json_agg(t), '[]') from $1 t
		where user_id = '$USER_ID'" >"$STACK_DIR/$1.read"
}

# app_changes TABLE JQ: what was read, as the client changes it.
app_changes() {
	jq -c "$2" "$STACK_DIR/$1.read" >"$STACK_DIR/$1.new" &&
		mv "$STACK_DIR/$1.new" "$STACK_DIR/$1.read"
}

# app_syncs TABLE: upsert what was read, with every column of it.
app_syncs() {
	local columns

	columns=$(jq -r '.[0] | keys_unsorted | join(", ")' "$STACK_DIR/$1.read")
	app_session <<-SQL
		\\set rows \`cat $STACK_DIR/$1.read\`
		insert into $1 ($columns)
		select $columns from json_populate_recordset(null::$1, :'rows')
		    on conflict (id) do update
		   set $(sed -E 's/([a-z_]+)/\1 = excluded.\1/g' <<<"$columns");
	SQL
}

# row_says TASK STATUS [TIME]: the client's own update of a row.
row_says() {
	local at=${3:-now()}

	[ "$2" = completed ] || at=null
	app "update tasks set status = '$2', completed_at = $at, updated_at = now()
		where id = '$1'"
}

# wishes TASK: its writebacks, oldest first: "complete row accepted done, ..."
wishes() {
	sql "select coalesce(string_agg(concat_ws(' ', wish, origin,
			case when settled_at is null then 'open' else state end,
			reason), ', ' order by task_version, created_at), '')
		from writebacks where task_id = '$1'"
}

# all_ended [TASK]: no writeback of it is open.
all_ended() {
	local which=${1:-}

	[ -z "$which" ] || which="and task_id = '$which'"
	[ "$(sql "select count(*) from writebacks where settled_at is null
		$which")" = 0 ]
}

# wishes_are TASK WANTED [SENTENCE]: once all have ended.
wishes_are() {
	wait_until 20 all_ended "$1" || flunk "they end: $(wishes "$1")"
	is "$(wishes "$1")" "$2" "${3:-the wishes of the task}"
}

# noted TASK: what the gateway took note of: status and version.
noted() {
	sql "select status, version from links where task_id = '$1'"
}

# closes_itself TOKEN ITEM: the client's own write to Todoist.
closes_itself() {
	curl -sS -o /dev/null -X POST -H "Authorization: Bearer $1" \
		"$SIM_URL/api/v1/tasks/$2/close"
}

# database_log PATTERN: lines of the server's log that fit.
database_log() {
	grep -cE "$1" "$STACK_DIR/postgres.log"
}

# locks STATEMENT: another session has what it locks, until lets_go.
locks() {
	mkfifo "$STACK_DIR/locker" &&
		stack_start locking bash -c "psql -X -q -A -t \
			-h '$STACK_DIR/pg' -p '$STACK_PG_PORT' -U flowpin flowpin \
			<'$STACK_DIR/locker'"
	exec 9>"$STACK_DIR/locker"
	echo "begin; $1; select 1;" >&9
	wait_until 10 grep -q . "$STACK_DIR/locking.log"
}

lets_go() {
	exec 9>&-
	stack_end locking
	rm -f "$STACK_DIR/locker" "$STACK_DIR/locking.log"
}
