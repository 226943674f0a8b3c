#!/bin/bash
# SIGTERM: nothing new is begun, what is in flight is finished or left to its
# lease, and the process is gone in time; idle, busy and in a burst.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

connected() {
	add_connection attio
}

# stop_gateway: as systemd would. stack_end kills what does not end within 20 s,
# and its status is 137 then.
stop_gateway() {
	stack_end "${1:-gateway}" TERM
}

all_have_ended() {
	[ "$(sql 'select count(*) from writebacks where settled_at is null')" = 0 ]
}

is_stopping() {
	grep -q 'msg="stopping"' "$STACK_DIR/gateway.log"
}

start_again() {
	: >"$STACK_DIR/gateway.log"
	stack_gateway || bail "the gateway does not come back"
}

slow() { # MS
	fault "{\"kind\": \"delay\", \"write\": true, \"delay_ms\": $1}"
}

test_an_idle_gateway_ends_at_once() {
	stop_gateway
	is "$STACK_STATUS" 0 "its status"
	start_again
}

test_so_it_does_on_sigint() {
	stack_end gateway INT
	is "$STACK_STATUS" 0 "its status"
	start_again
}

kept_connections() {
	grep -c "$STACK_DIR/gateway.sock\$" /proc/net/unix
}

# The shipped site keeps none; another web server may.
test_an_idle_gateway_with_kept_connections_ends_at_once() {
	stack_start holder python3 -c "
import socket, time
held = [socket.socket(socket.AF_UNIX) for _ in range(8)]
for s in held:
    s.connect('$STACK_DIR/gateway.sock')
print('held', flush=True)
time.sleep(600)"
	stack_await holder grep -q held "$STACK_DIR/holder.log"
	ok "some are kept" [ "$(kept_connections)" -gt 8 ]
	stop_gateway
	is "$STACK_STATUS" 0 "its status"
	stack_end holder
	start_again
}

# A peer that says nothing, and one that stops in the middle of a record.
test_silent_peers_do_not_hold_it_up() {
	python3 - "$STACK_DIR/gateway.sock" <<-'PYTHON' &
		import socket, sys, time
		silent = socket.socket(socket.AF_UNIX)
		silent.connect(sys.argv[1])
		half = socket.socket(socket.AF_UNIX)
		half.connect(sys.argv[1])
		half.sendall(b"\x01\x01\x00\x01\x00\x08")
		time.sleep(60)
	PYTHON
	wait_until 10 is_connected || flunk "they are connected"
	stop_gateway
	is "$STACK_STATUS" 0 "its status"
	kill $! 2>/dev/null
	wait $! 2>/dev/null
	start_again
}

is_connected() {
	[ "$(kept_connections)" -gt 2 ]
}

test_a_busy_gateway_finishes_what_is_in_flight() {
	make_tasks attio 1
	next_task
	slow 1500
	call_behind busy POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	stop_gateway
	is "$STACK_STATUS" 0 "its status"
	call_joined busy
	is "$STATUS $(field .writeback.outcome)" "200 accepted" \
		"it is answered: $BODY"
	is "$(provider_says attio "$ITEM") $(taken)" "completed 1" "and done"
	no_faults
	start_again
}

test_while_it_stops_no_call_is_begun() {
	local first

	make_tasks attio 2
	next_task
	first=$TASK
	slow 4000
	call_behind busy POST "/v1/tasks/$first/complete"
	wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
	kill -TERM "$(stack_pid gateway)"
	wait_until 10 is_stopping || flunk "it stops"
	next_task
	complete "$TASK"
	like "$STATUS" '^50[23]$' "another call is not taken: $BODY"
	is "$(task_status_of "$TASK")" active "it has changed nothing"
	stop_gateway
	is "$STACK_STATUS" 0 "its status"
	call_joined busy
	is "$STATUS" 200 "the one in flight is finished: $BODY"
	is "$(writes)" 0 "and no other was sent"
	no_faults
	start_again
}

task_status_of() {
	sql "select status from tasks where id = '$1'"
}

# While one slow call keeps the process alive, its sweepers have had their last.
test_while_it_stops_nothing_is_taken_up() {
	local entry waiting

	make_tasks attio 17
	next_task
	slow 4000
	for entry in "${MADE_TASKS[@]}"; do
		complete "${entry%% *}" 'Prefer: respond-async'
		is "$STATUS" 202 "noted: $BODY"
	done
	call_behind busy POST "/v1/tasks/$TASK/complete"
	wait_until 20 is_in_flight "write=true&item=$ITEM" ||
		flunk "it is in flight"
	kill -TERM "$(stack_pid gateway)"
	wait_until 10 is_stopping || flunk "it stops"
	waiting=$(never_tried)
	stop_gateway
	is "$STACK_STATUS" 0 "its status"
	ok "some were waiting" [ "$waiting" -gt 0 ]
	# one that was being taken up at that very moment may be missing
	ok "they still are: $waiting, $(never_tried)" \
		[ "$(never_tried)" -ge $((waiting - 1)) ]
	is "$(sql "select count(*) from writebacks where state = 'sending'")" \
		0 "what was in flight is settled"
	call_joined busy
	is "$STATUS" 200 "the call is answered: $BODY"
	no_faults
	start_again
	wait_until 40 all_have_ended || flunk "the next one takes them up"
}

never_tried() {
	sql 'select count(*) from writebacks
		where attempts = 0 and settled_at is null'
}

# What takes longer than stop_ms is left to its lease.
test_what_does_not_end_in_time_is_left_to_its_lease() {
	local way

	stack_end gateway
	FLOWPIN_STOP_MS=1000 stack_gateway || bail "no gateway"
	for way in call sweeper; do
		make_tasks attio 1
		next_task
		fault "{\"kind\": \"hang_after\", \"write\": true, \"times\": 1}"
		if [ $way = call ]; then
			call_behind busy POST "/v1/tasks/$TASK/complete"
		else
			complete "$TASK" 'Prefer: respond-async'
		fi
		wait_until 20 is_in_flight 'write=true' || flunk "it is in flight"
		stop_gateway
		is "$STACK_STATUS" 1 "$way: it says so, in time"
		is "$(sql "select state from writebacks where task_id = '$TASK'")" \
			sending "$way: the lease goes on"
		[ $way = sweeper ] || call_joined busy
		no_faults
		sql "update writebacks set due_at = now() where task_id = '$TASK'
			and state = 'sending'"
		FLOWPIN_STOP_MS=1000 stack_gateway || bail "no gateway"
		wait_until 20 all_have_ended || flunk "$way: the next one ends it"
		is "$(provider_says attio "$ITEM") $(taken)" "completed 1" \
			"$way: done once"
	done
	stack_end gateway
	start_again
}

# Forty at once, and the signal in their midst.
test_a_burst_cut_by_a_stop_loses_nothing() {
	local i task odd=0

	make_tasks attio 40
	mark
	slow 300
	for i in "${!MADE_TASKS[@]}"; do
		read -r task _ <<<"${MADE_TASKS[i]}"
		call_behind "b$i" POST "/v1/tasks/$task/complete"
	done
	wait_until 20 is_in_flight 'write=true' || flunk "it has begun"
	stop_gateway
	is "$STACK_STATUS" 0 "its status"
	for i in "${!MADE_TASKS[@]}"; do
		read -r task _ <<<"${MADE_TASKS[i]}"
		call_joined "b$i"
		case "$STATUS $(task_status_of "$task")" in
		'200 completed' | '502 active' | '503 active') ;;
		*) odd=$((odd + 1)) && diag "$STATUS $(task_status_of "$task")" ;;
		esac
	done
	is "$odd" 0 "done and told so, or nothing was begun"
	ok "nothing is open" all_have_ended
	no_faults
	start_again
	is "$(sql "select count(*) from writebacks w join tasks t
		on t.id = w.task_id where w.created_at > now() - interval '5 min'
		and (t.status = 'completed') <> (w.state = 'accepted')")" 0 \
		"what was accepted is completed"
	is "$(taken)" "$(burst_completed)" "each was sent once"
}

burst_completed() {
	local entry n=0

	for entry in "${MADE_TASKS[@]}"; do
		[ "$(task_status_of "${entry% *}")" != completed ] || n=$((n + 1))
	done
	echo $n
}

test_a_poller_told_to_stop_claims_nothing_more() {
	local status

	as_new_user
	add_connection attio
	add_own_item attio 'somewhere' '{"count": 3}'
	sql "update connections set next_poll_at = now()" >/dev/null
	fault '{"kind": "delay", "op": "list", "delay_ms": 1500}'
	mark
	poll_behind
	wait_until 20 is_in_flight 'op=list' || flunk "it is at it"
	stack_end pass TERM
	status=$STACK_STATUS
	no_faults
	is "$status" 0 "it ends in order, its run finished"
	is "$(sql 'select count(*) from connections
		where lease_until is not null')" 0 "no lease is left behind"
}

stack_init || bail "no directory"
stack_setting workers 256
stack_setting call_deadline_ms 8000
stack_setting provider_timeout_ms 6000
stack_setting lease_ms 10000
stack_setting sweep_ms 200
stack_whole && connected && run_tests
