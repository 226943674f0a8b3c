# shellcheck shell=bash
# For the tests of bad input, beside lib.sh: what a refusal is. A test says
# begin_refusals, sends what it has one by one, each followed by what must have
# come of it, and ends with end_refusals.

# --- what a refusal is --------------------------------------------------------

# digest: of every row of every table.
digest() {
	sql "select md5(string_agg(query_to_xml(format('select t::text as row
		from %I.%I t order by 1', schemaname, tablename), true, false,
		'')::text, '' order by schemaname, tablename))
		from pg_tables where schemaname in ('public', 'gateway')"
}

# begin_refusals: what is there now is what has to be there afterwards. Both logs
# are read on from here.
begin_refusals() {
	ACCESS_FILE=$STACK_DIR/nginx/access.log
	[ -z "${SIM_URL:-}" ] || mark
	DIGEST=$(digest)
	GATEWAY_PID=$(stack_pid gateway)
	[ -e "$ACCESS_FILE" ] || ACCESS_FILE=/dev/null # there is no nginx
	[ -z "${GATEWAY_LOG:-}" ] || exec {GATEWAY_LOG}<&- {ACCESS_LOG}<&-
	exec {GATEWAY_LOG}<"$STACK_DIR/gateway.log"
	exec {ACCESS_LOG}<"$ACCESS_FILE"
	skip_lines "$GATEWAY_LOG"
	skip_lines "$ACCESS_LOG"
}

skip_lines() { # FD
	while read -r -u "$1"; do :; done
}

# has_logged GATEWAY_LINES WHAT: since the last time; nginx always has one. Sets
# LINE to the gateway's.
has_logged() {
	local more

	LINE=''
	[ "$1" = 0 ] || wait_until 10 read -r -u "$GATEWAY_LOG" LINE ||
		flunk "$2: a line in the gateway's log"
	read -r -u "$GATEWAY_LOG" more && flunk "$2: no more than $1: $more"
	[ "$ACCESS_FILE" = /dev/null ] && return
	wait_until 10 read -r -u "$ACCESS_LOG" more ||
		flunk "$2: a line in nginx's log"
	! read -r -u "$ACCESS_LOG" more || flunk "$2: one only: $more"
}

# refused STATUS CODE DETAIL WHAT: the last answer is this problem of the
# gateway's, and there is one line of it. DETAIL is a pattern, and so is METHOD
# where it is not an ordinary one.
refused() {
	local which='' detail='' wanted

	is "$STATUS $(header content-type)" "$1 application/problem+json" \
		"$4: a problem: ${BODY:0:300}"
	{
		read -r which
		read -r detail
	} < <(jq -r '"\(.type) \(.status) \(.code)", .detail' <<<"$BODY")
	is "$which" "urn:flowpin:problem:$2 $1 $2" "$4: which one"
	like "$detail" "$3" "$4: the sentence says what"
	like "$detail" "^[A-Z'].*\\.\$" "$4: it is a sentence"
	has_logged 1 "$4"
	wanted="^level=(info|warn) prog=flowpin-gateway req=$(header x-request-id) \
method=${METHOD:-[A-Z]+} path=\"([^\"\\]|\\\\.)*\" status=$1 ms=[0-9]+ (user=$USER_ID )?\
err=$2 msg=\".*\"\$"
	like "$LINE" "$wanted" "$4: its line in the log"
}

# refused_outside STATUS WHAT: nginx did, and the gateway heard nothing of it.
refused_outside() {
	local which='' detail=''

	is "$STATUS $(header content-type)" "$1 application/problem+json" \
		"$2: a problem: ${BODY:0:300}"
	{
		read -r which
		read -r detail
	} < <(jq -r '"\(.type) \(.status)", .detail' <<<"$BODY")
	is "$which" "about:blank $1" "$2: which one"
	like "$detail" '^[A-Z].*\.$' "$2: it is a sentence"
	has_logged 0 "$2"
}

# end_refusals: nothing came of any of them, here or at a provider, and the log
# is whole lines of ASCII.
end_refusals() {
	is "$(digest)" "$DIGEST" "nothing changed in the database"
	[ -z "${SIM_URL:-}" ] ||
		is "$(requests)" 0 "nothing went to a provider"
	is "$(stack_pid gateway)" "$GATEWAY_PID" "it is the same process"
	ok "which goes on" stack_alive gateway
	is "$(LC_ALL=C grep -cvE '^level=[a-z]+ prog=flowpin-gateway [ -~]*$' \
		"$STACK_DIR/gateway.log")" 0 "every line of the log is readable"
}

# answer_of COMMAND...: of its output, sets STATUS, HEADERS and BODY.
answer_of() {
	local all

	all=$("$@" 2>&1)
	all=${all//$'\r'/}
	while [[ $all == 'HTTP/1.1 100'* ]]; do
		all=${all#*$'\n\n'}
	done
	HEADERS=${all%%$'\n\n'*}
	BODY=
	[ "$HEADERS" = "$all" ] || BODY=${all#*$'\n\n'}
	[[ $HEADERS =~ ^(HTTP/[0-9.]+|Status:)\ ([0-9]+) ]]
	STATUS=${BASH_REMATCH[2]:-}
}

# header NAME: of the last answer; without a process of its own.
header() {
	local line

	while IFS= read -r line; do
		if [[ ${line,,} == "$1: "* ]]; then
			echo "${line#*: }"
			return
		fi
	done <<<"$HEADERS"
}

# repeated COUNT TEXT
repeated() {
	yes "$2" | head -n "$1" | tr -d '\n'
}
