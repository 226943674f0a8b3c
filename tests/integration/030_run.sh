#!/bin/bash
# `make run`'s script: it starts, what it prints can be pasted and works, and
# Ctrl-C leaves nothing behind; as whoever runs this and, if that is root, as an
# ordinary user in a copy of the project too.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

RUN_AS=() # in front of the command, to be somebody else

# make_copy DIRECTORY: what running needs, so that no other run of this checkout
# writes the same build/run. RUN_ROOT is that from here on.
make_copy() {
	RUN_ROOT=$1
	mkdir -p "$1/build/copy"
	(cd "$STACK_ROOT" && tar cf - tests/run.sh tests/stack.sh nginx) |
		tar xf - -C "$1" &&
		cp "$STACK_BIN"/flowpin* "$1/build/copy/"
}

# start_run [VARIABLE=VALUE...]: on a free port; its words go to $RUN_OUT.
start_run() {
	RUN_PORT=$(stack_port)
	RUN_OUT=$STACK_DIR/run.$RUN_PORT
	: >"$RUN_OUT"
	# bash gives its background children an ignored SIGINT, which they could
	# never trap again
	env --default-signal=INT "${RUN_AS[@]}" env BUILD=build/copy \
		PORT="$RUN_PORT" "$@" "$RUN_ROOT/tests/run.sh" \
		</dev/null >"$RUN_OUT" 2>&1 &
	STACK_PIDS+=("run$RUN_PORT:$!")
	stack_until 60 stack_holds_or_gone "run$RUN_PORT" \
		grep -q '^Logs and settings' "$RUN_OUT" &&
		stack_alive "run$RUN_PORT" && return 0
	flunk "it starts: $(cat "$RUN_OUT")"
	return 1
}

# stop_run PORT [SIGNAL]
stop_run() {
	RUN_STATE=$(sed -n 's/^Logs and settings: //p' "$STACK_DIR/run.$1")
	stack_end "run$1" "${2:-INT}"
}

# Its processes all have its directory in their arguments or environment, or
# their work in it.
left_of() { # DIRECTORY
	local proc

	[ -z "$1" ] || [ ! -e "$1" ] || echo "$1"
	for proc in /proc/[0-9]*; do
		[ "${proc#/proc/}" != "$$" ] || continue
		{ tr '\0' ' ' <"$proc/cmdline"; } 2>/dev/null |
			grep -F -- "${1:-/nothing}" | sed "s|^|${proc#/proc/}: |"
	done
}

# paste_line NUMBER: the way somebody would, in a shell that knows nothing.
paste_line() {
	{
		sed -n 's/^  \(\. .*\)/\1/p' "$RUN_OUT"
		grep '^  curl ' "$RUN_OUT" | sed -n "$1p"
	} | env -i "PATH=$PATH" bash -u
}

env_value() { # NAME
	sed -n "s/^$1=//p" "$RUN_ROOT/build/run/$RUN_PORT/env"
}

completed_titles() {
	curl -sS -H "Authorization: Bearer $(env_value FLOWPIN_TOKEN)" \
		"$(env_value FLOWPIN_URL)/v1/tasks?status=completed" |
		jq -r '.tasks[].completed_by'
}

absence_is_seen() {
	completed_titles | grep -qx absence
}

works_and_leaves_nothing() {
	local env

	start_run || return
	env=$RUN_ROOT/build/run/$RUN_PORT/env
	is "$(stat -c %a "$env")" 600 "the keys in env are their owner's"
	like "$(paste_line 1 | jq '.tasks | length')" '^[3-9]$' \
		"the first line lists tasks"
	is "$(paste_line 2 | jq -r '.task.status, .writeback.outcome' |
		tr '\n' ' ')" 'completed accepted ' \
		"the second completes one at its provider"
	paste_line 3 >/dev/null || flunk "the third completes one over there"
	ok "which is completed here soon" wait_until 20 absence_is_seen
	is "$(psql -X -At "$(env_value DATABASE_URL)" \
		-c 'select count(*) > 0 from inbox_items')" t \
		"the database can be looked at, and some items wait in the inbox"
	is "$(psql -X -At "$(env_value DATABASE_URL)" -c "select string_agg(
		distinct type, ' ' order by type) from integrations
		where status = 'active' and last_complete_run_at is not null")" \
		'attio linear todoist' "a connection at each provider"
	stop_run "$RUN_PORT"
	is "$(left_of "$RUN_STATE")" '' "nothing is left behind"
	ok "nor its env" test ! -e "$env"
	unlike "$(cat "$RUN_OUT")" 'rror' "and it never complained"
}

test_it_starts_works_and_leaves_nothing_behind() {
	works_and_leaves_nothing
	[ "$tap_failed" = 0 ] || diag "$(cat "$RUN_OUT")"
}

test_two_run_beside_each_other() {
	local first

	start_run || return
	first=$RUN_PORT
	start_run || return
	ok "env is the latest one's" cmp -s "$RUN_ROOT/build/run/env" \
		"$RUN_ROOT/build/run/$RUN_PORT/env"
	stop_run "$first" TERM
	is "$(left_of "$RUN_STATE")" '' "the first ends whole"
	ok "and leaves env to the latest" test -s "$RUN_ROOT/build/run/env"
	like "$(paste_line 1)" '"tasks"' "the second goes on"
	stop_run "$RUN_PORT" TERM
	is "$(left_of "$RUN_STATE")" '' "and ends as well"
}

test_a_port_in_use_is_said_in_a_sentence() {
	local port said

	start_run || return
	port=$RUN_PORT
	said=$(PORT=$port BUILD=build/copy "$RUN_ROOT/tests/run.sh" 2>&1) &&
		flunk "the second on a port fails"
	like "$said" "port $port is in use" "and says why"
	like "$(paste_line 1)" '"tasks"' "the first does not notice"
	stop_run "$port"
}

# A key given for a real provider must not show: neither in arguments nor in what
# is kept. Its address is a closed port here, which is as far as tests go.
test_a_key_of_the_users_own_is_told_to_nobody() {
	local secret=own-key-$RANDOM$RANDOM

	start_run ATTIO_API_KEY="$secret" ATTIO_URL=http://127.0.0.1:9 || return
	is "$(grep -rlF -- "$secret" "$RUN_OUT" \
		"$(sed -n 's/^Logs and settings: //p' "$RUN_OUT")" 2>/dev/null)" \
		'' "it is in no log and no file"
	like "$(cat "$RUN_OUT")" 'Attio is the real one' "it is said"
	is "$(grep -lsF -f <(printf '%s\n' "$secret") /proc/[0-9]*/cmdline)" '' \
		"it is in no argument"
	stop_run "$RUN_PORT"
}

# Killed without a chance to clean up, its processes end with it all the same.
test_kill_9_ends_its_processes() {
	start_run || return
	RUN_STATE=$(sed -n 's/^Logs and settings: //p' "$RUN_OUT")
	# bash would say so
	{ stack_end "run$RUN_PORT" KILL; } 2>/dev/null
	all_ended() { [ "$(left_of "$RUN_STATE")" = "$RUN_STATE" ]; }
	ok "only its files are left" wait_until 20 all_ended
	rm -rf "$RUN_STATE" "$RUN_ROOT/build/run/$RUN_PORT"
}

test_an_ordinary_user_can_run_it_too() {
	[ "$(id -u)" = 0 ] || return 0 # that was who ran it all along
	make_copy "$STACK_DIR/nobodys"
	chown -R nobody "$RUN_ROOT"
	RUN_AS=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)
	works_and_leaves_nothing
	[ "$tap_failed" = 0 ] || diag "$(cat "$RUN_OUT")"
}

stack_init || bail "no directory"
make_copy "$STACK_DIR/copy" || bail "no copy"
run_tests
