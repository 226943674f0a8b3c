#!/bin/bash
# A restart under constant calls is nothing but a longer answer: the socket is systemd's,
# and stays.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

CLIENTS=32

# The gateway is started by who holds its socket.
activated() {
	stack_end gateway
	rm -f "$STACK_DIR/gateway.sock"
	stack_start gateway python3 "$STACK_ROOT/tests/integration/activate.py" \
		"$STACK_DIR/gateway.sock" "$STACK_DIR/statuses" \
		"$STACK_BIN/flowpin-gateway" --config "$STACK_DIR/flowpin.conf"
	stack_await gateway test -S "$STACK_DIR/gateway.sock"
}

# The clients have made so many changes by now.
has_calls() { # COUNT
	[ "$(sql 'select count(*) from writebacks')" -ge "$1" ]
}

restarts() { # COUNT
	[ -e "$STACK_DIR/statuses" ] && [ "$(wc -l <"$STACK_DIR/statuses")" -ge "$1" ]
}

test_32_clients_see_a_restart_as_a_longer_answer() {
	local tasks=() i calls bad what

	as_new_user && add_connection attio && make_tasks attio "$CLIENTS" || return
	for i in "${MADE_TASKS[@]}"; do
		tasks+=("${i% *}")
	done
	stack_start clients python3 "$STACK_ROOT/tests/integration/clients.py" \
		"$URL" "$TOKEN" "$STACK_DIR/enough" "${tasks[@]}"
	for i in 1 2 3; do
		wait_until 60 has_calls $((i * 100)) || flunk "they call"
		kill -HUP "$(stack_pid gateway)"
		wait_until 60 restarts "$i" || flunk "restart $i"
	done
	wait_until 60 has_calls 500 || flunk "they go on"
	touch "$STACK_DIR/enough"
	wait_until 60 stack_is_down clients || flunk "they come to an end"
	read -r calls bad what <"$STACK_DIR/clients.log"
	diag "$calls calls"
	is "$bad" 0 "every call is answered with 200: $what"
	is "$(paste -sd ' ' "$STACK_DIR/statuses")" '0 0 0' "every process ended well"
	is "$(sql "select count(*) from writebacks where state <> 'accepted'")" 0 \
		"no writeback is left, or was refused"
}

stack_init || bail "no directory"
stack_setting workers 256 # one user's clients
stack_whole && activated && run_tests
