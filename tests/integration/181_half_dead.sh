#!/bin/bash
# A database, a pooler or a network that is half dead, and comes back: nothing of it stays
# behind in the gateway.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# relay_does WORD...
relay_does() {
	echo "$*" >"$STACK_DIR/relay.word.new"
	mv "$STACK_DIR/relay.word.new" "$STACK_DIR/relay.word"
}

# Between the gateway and PostgreSQL from now on.
relay_stands_between() {
	relay_does pass
	stack_start relay python3 "$STACK_ROOT/tests/integration/relay.py" \
		"$STACK_DIR/relay.port" "$STACK_PG_PORT" "$STACK_DIR/relay.word"
	wait_until 10 test -s "$STACK_DIR/relay.port" || bail "no relay"
	stack_setting database_url "${DATABASE_URL/:$STACK_PG_PORT\//:$(<"$STACK_DIR/relay.port")/}"
	restart_gateway
}

ends_sessions() {
	stack_admin flowpin -c "select pg_terminate_backend(pid) from pg_stat_activity
		where application_name = 'flowpin-gateway'" >/dev/null
}

answers() { # STATUS
	api GET /v1/connections
	[ "$STATUS" = "$1" ]
}

completes() {
	complete "$TASK"
	[ "$STATUS" = 200 ]
}

test_a_database_that_was_read_only_for_a_while_leaves_no_session_like_that() {
	as_new_user && add_connection attio && make_task attio 'Written'
	stack_admin flowpin -c "alter role flowpin set default_transaction_read_only = on"
	ends_sessions
	complete "$TASK"
	is "$STATUS" 503 "nothing can be written: $BODY"
	stack_admin flowpin -c "alter role flowpin reset default_transaction_read_only"
	wait_until 10 completes || flunk "and then it can: $STATUS $BODY"
	is "$(provider_says attio "$ITEM")" completed "as before"
}

is_unready() {
	anonymous GET /readyz
	[ "$STATUS" = 503 ]
}

is_ready() {
	anonymous GET /readyz
	[ "$STATUS" = 200 ]
}

test_readiness_tries_to_write() {
	stack_admin flowpin -c "alter role flowpin set default_transaction_read_only = on"
	ends_sessions
	wait_until 10 is_unready || flunk "it is not ready"
	stack_admin flowpin -c "alter role flowpin reset default_transaction_read_only"
	wait_until 10 is_ready || flunk "it is ready again"
}

# completes_at_once COUNT SENTENCE: so many calls beside each other, of the next tasks.
completes_at_once() {
	local i

	for ((i = 1; i <= $1; i++)); do
		next_task
		call_behind "$i" POST "/v1/tasks/$TASK/complete"
	done
	for ((i = 1; i <= $1; i++)); do
		call_joined "$i"
		is "$STATUS" 200 "$2: $BODY"
	done
}

# Many sessions are opened, and rest until the network has forgotten them.
test_sessions_that_the_network_forgot_are_not_trusted() {
	local i

	as_new_user && add_connection attio && make_tasks attio 8
	completes_at_once 6 "a call opens a session"
	relay_does forget 4
	sleep 5.2 # as long as a session is trusted
	for i in {1..6}; do
		call_behind "$i" GET /v1/connections
	done
	for i in {1..6}; do
		call_joined "$i"
		is "$STATUS" 200 "a call in spite of that: $BODY"
	done
	relay_does pass
}

test_a_pooler_that_grants_few_sessions_is_lived_with() {
	as_new_user && add_connection attio && make_tasks attio 12
	relay_does grant 2
	ends_sessions
	completes_at_once 12 "every call is answered"
	relay_does pass
}

# Those who try to open one at the same moment are no reason to wait for each other.
test_a_database_that_takes_nobody_is_told_at_once() {
	local i before

	as_new_user && add_connection attio
	relay_does grant 0
	ends_sessions
	before=$(grep -c 'no further database session' "$STACK_DIR/gateway.log")
	for i in {1..12}; do
		call_behind "$i" GET /v1/connections
	done
	for i in {1..12}; do
		call_joined "$i"
		is "$STATUS" 503 "a call: $BODY"
	done
	is "$(grep -c 'no further database session' "$STACK_DIR/gateway.log")" \
		"$before" "nobody waited for sessions that were never there"
	relay_does pass
	wait_until 10 answers 200 || flunk "it answers again"
}

# The commit holds, and nobody was told.
test_a_wish_whose_commit_was_not_answered_is_looked_up() {
	local id

	as_new_user && add_connection attio && make_task attio 'Unheard'
	relay_does lose gateway.wish_add
	complete "$TASK"
	is "$(<"$STACK_DIR/relay.word")" pass "the answer was lost"
	like "$STATUS" '^20[02]$' "it is not said to have failed: $BODY"
	is "$(task_status "$TASK")" completed "it is completed here"
	id=$(sql "select id from writebacks where task_id = '$TASK'")
	wait_until 40 writeback_has_ended "$id" || flunk "and its writeback ends"
	is "$(writeback_state "$id") $(provider_says attio "$ITEM")" \
		"accepted completed" "there as well"
}

test_a_gateway_that_starts_without_its_database_serves_and_waits_for_it() {
	local data=$STACK_DIR/pg/data

	as_new_user && add_connection attio && make_task attio 'Later'
	stack_end gateway
	kill -STOP "$(head -n 1 "$data/postmaster.pid")" # it says nothing at all
	relay_does grant 0                               # and nobody comes to it
	stack_gateway || flunk "it starts"
	anonymous GET /healthz
	is "$STATUS" 200 "it lives"
	is_unready || flunk "it is not ready: $STATUS"
	complete "$TASK"
	is "$STATUS" 503 "a call is told so: $BODY"
	kill -CONT "$(head -n 1 "$data/postmaster.pid")"
	relay_does pass
	wait_until 20 completes || flunk "then it is done: $STATUS $BODY"
	wait_until 10 is_ready || flunk "and it is ready"
	is "$(provider_says attio "$ITEM")" completed "there as well"
}

# Somebody takes connections and says nothing.
silent_host() {
	[ -s "$STACK_DIR/silent.log" ] || stack_start silent python3 -c '
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(600)'
	stack_await silent test -s "$STACK_DIR/silent.log"
}

# check URL: what --check says of it, in $SAID.
check() {
	SAID=$(FLOWPIN_DATABASE_URL=$1 "$STACK_BIN/flowpin-gateway" \
		--config "$STACK_DIR/flowpin.conf" --check 2>&1)
}

test_a_silent_host_leaves_time_for_the_next() {
	local rest=${DATABASE_URL#*@} login=${DATABASE_URL%@*}

	silent_host || return
	check "$login@127.0.0.1:$(<"$STACK_DIR/silent.log"),$rest"
	is $? 0 "the second one is reached: $SAID"
	check "$login@$rest"
	is $? 0 "as it is alone: $SAID"
	check "$login@127.0.0.1:$(<"$STACK_DIR/silent.log")/flowpin"
	like "$SAID" 'cannot reach the database: no answer in time' "or it is said"
}

# A resolver knows no deadline of ours.
test_dead_nameservers_hold_nothing_up() {
	local shim=$STACK_DIR/silent_dns.so preload=

	cc -shared -fPIC -o "$shim" "$STACK_ROOT/tests/integration/silent_dns.c" ||
		bail "no shim"
	[[ $STACK_BIN != */san ]] || preload="$(cc -print-file-name=libasan.so) "
	export LD_PRELOAD="$preload$shim"
	check "${DATABASE_URL/127.0.0.1/db.silent}"
	unset LD_PRELOAD
	like "$SAID" '"db.silent" is not resolved: no answer in time' "the database's"
	as_new_user && add_connection attio && make_task attio 'Unresolved'
	stack_end gateway
	export LD_PRELOAD="$preload$shim" FLOWPIN_ATTIO_URL=https://attio.silent
	stack_gateway || flunk "it starts"
	unset LD_PRELOAD FLOWPIN_ATTIO_URL
	api POST "/v1/tasks/$TASK/complete"
	is "$STATUS $(field .code)" "504 writeback_unreachable" "a provider's: $BODY"
	is "$(task_status "$TASK")" active "the task is active again"
	restart_gateway
}

stack_init || bail "no directory"
stack_setting workers 64
stack_setting query_timeout_ms 8000
short_times 6000 3000
stack_whole && relay_stands_between && run_tests
