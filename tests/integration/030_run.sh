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

# begin_run COMMAND...: on $RUN_PORT, from a folder of no meaning; its words go to
# $RUN_OUT.
begin_run() {
	RUN_OUT=$STACK_DIR/run.$RUN_PORT
	: >"$RUN_OUT"
	cd / || return 1
	# bash gives its background children an ignored SIGINT, which they could
	# never trap again; a session of its own is what a terminal has
	setsid env --default-signal=INT "${RUN_AS[@]}" env PORT="$RUN_PORT" "$@" \
		</dev/null >"$RUN_OUT" 2>&1 &
	STACK_PIDS+=("run$RUN_PORT:$!")
	cd "$OLDPWD" || return 1
}

# has_come WORDS: the run says them, or has ended.
has_come() {
	stack_until 120 stack_holds_or_gone "run$RUN_PORT" \
		grep -q "$1" "$RUN_OUT" && stack_alive "run$RUN_PORT" && return 0
	flunk "it starts: $(cat "$RUN_OUT")"
}

# start_run [VARIABLE=VALUE...]: the script alone, on a free port.
start_run() {
	RUN_PORT=$(stack_port)
	begin_run BUILD=build/copy "$@" "$RUN_ROOT/tests/run.sh" &&
		has_come '^Logs and settings'
}

# stop_run PORT [SIGNAL]
stop_run() {
	RUN_STATE=$(sed -n 's/^Logs and settings: //p' "$STACK_DIR/run.$1")
	stack_end "run$1" "${2:-INT}"
}

# interrupt_run [SIGNAL]: as a terminal's Ctrl-C, which all of its processes get; as
# timeout and CI systems do it with others.
interrupt_run() {
	kill -s "${1:-INT}" -- "-$(stack_pid "run$RUN_PORT")"
	stack_until 60 stack_is_down "run$RUN_PORT" || flunk "it stops"
	stack_end "run$RUN_PORT"
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
	printed_line "$1" | env -i "PATH=$PATH" sh -u
}

printed_line() {
	grep -E '^  (curl|psql) ' "$RUN_OUT" | sed -n "$1p"
}

# database SQL: what the run's own says.
database() {
	psql -X -At "$(env_value DATABASE_URL)" -c "$1"
}

# provider_has PROVIDER ID: the state of a task's item, there.
provider_has() {
	curl -sS "$(env_value FLOWPIN_SIM_URL)/_sim/items?provider=$1" |
		jq -r --arg id "$2" '.items[] | select(.id == $id) | .state'
}

row_has_arrived() { # TASK
	[ "$(database "select t.status || ' ' || w.origin || ' ' || w.state
		from tasks t join gateway.writebacks w on w.task_id = t.id
		where t.id = '$1'")" = 'completed row accepted' ]
}

env_value() { # NAME
	sed -n "s/^$1=//p" "$RUN_ROOT/build/run/$RUN_PORT/env"
}

completed_titles() {
	curl -sS -H "Authorization: Bearer $(env_value FLOWPIN_TOKEN)" \
		"$(env_value FLOWPIN_URL)/v1/tasks?status=completed" |
		jq -r '.tasks[].completed_by'
}

# What the run's own simulator was asked to change, from here on.
mark_writes() {
	SEQ=$(run_requests 0 | jq .last_seq)
}

writes_since() {
	run_requests "$SEQ" | jq '[.requests[] | select(.write)] | length'
}

run_requests() { # SINCE
	curl -sS "$(env_value FLOWPIN_SIM_URL)/_sim/requests?since=$1"
}

absence_is_seen() {
	completed_titles | grep -qx absence
}

# env_is_whole: build/run/env has every name, with a value, for any shell.
# shellcheck disable=SC2016 # the dollars are the other shell's
env_is_whole() {
	local env=$RUN_ROOT/build/run/env

	is "$(stat -c %a "$env")" 600 "the keys in env are their owner's"
	is "$(env -i "PATH=$PATH" sh -ue -c '. "$0" && for name in FLOWPIN_URL \
		FLOWPIN_TOKEN FLOWPIN_SIM_URL DATABASE_URL SIM_TODOIST_TOKEN \
		SIM_LINEAR_API_KEY SIM_ATTIO_TOKEN; do
		eval "test -n \"\$$name\"" && echo "$name"; done | wc -l' "$env")" 7 \
		"all seven names are in env"
	is "$(sh -c '. "$0" && echo "$FLOWPIN_URL"' "$env")" \
		"http://127.0.0.1:$RUN_PORT" "the address in env"
	is "$(cat "$RUN_ROOT/build/run/$RUN_PORT/env")" "$(cat "$env")" \
		"the port's own is the same"
	is "$(sh -c '. "$0" && for account in "$SIM_TODOIST_TOKEN" \
		"$SIM_LINEAR_API_KEY" "$SIM_ATTIO_TOKEN"; do
		curl -s "$FLOWPIN_SIM_URL/_sim/items?account=$account" |
		jq ".items | length > 0"; done' "$env" | sort | uniq -c |
		tr -d ' ')" 3true "each account at the simulator has items"
}

# polls: how many runs each connection has had, at least.
polls() {
	database 'select min(n) from (select count(*) as n
		from gateway.poll_runs group by connection_id) c'
}

has_polled() {
	[ "$(polls)" -ge "$1" ]
}

works_and_leaves_nothing() {
	local env task source item

	start_run || return
	env=$RUN_ROOT/build/run/$RUN_PORT/env
	env_is_whole
	is "$(printed_line 1,9 | wc -l)" 4 "four lines are printed"
	like "$(paste_line 1 | jq '.tasks | length')" '^([3-9]|10)$' \
		"the first line lists tasks"
	is "$(paste_line 2 | jq -r '.task.status, .writeback.outcome' |
		tr '\n' ' ')" 'completed accepted ' \
		"the second completes one at its provider"
	task=$(printed_line 3 | grep -oE '[0-9a-f-]{36}')
	is "$(paste_line 3)" 'UPDATE 1' "the third changes a row"
	ok "which its provider hears of" wait_until 60 row_has_arrived "$task"
	IFS='|' read -r source item < <(database "select source, source_id
		from tasks where id = '$task'")
	is "$(provider_has "$source" "$item")" completed "and has it"
	paste_line 4 >/dev/null || flunk "the fourth completes one over there"
	mark_writes
	ok "which is completed here soon" wait_until 60 absence_is_seen
	is "$(writes_since)" 0 "and nothing is written for it"
	ok "it goes on polling" wait_until 60 has_polled "$(($(polls) + 2))"
	is "$(database 'select count(*) > 0 from gateway.inbox_items')" t \
		"the database can be looked at, and some items wait in the inbox"
	is "$(database "select string_agg(distinct type::text, ' '
			order by type::text)
		from integrations join gateway.connections c using (id)
		where c.status = 'active' and last_complete_run_at is not null")" \
		'attio linear todoist' "a connection at each provider"
	stop_run "$RUN_PORT"
	is "$(left_of "$RUN_STATE")" '' "nothing is left behind"
	ok "nor its env" test ! -e "$env" -a ! -e "$RUN_ROOT/build/run"
	unlike "$(cat "$RUN_OUT")" 'rror' "and it never complained"
}

test_it_starts_works_and_leaves_nothing_behind() {
	works_and_leaves_nothing
	[ "$tap_failed" = 0 ] || diag "$(cat "$RUN_OUT")"
}

test_it_starts_again_on_the_same_port() {
	start_run || return
	stop_run "$RUN_PORT"
	begin_run BUILD=build/copy "$RUN_ROOT/tests/run.sh"
	has_come '^Logs and settings' || return
	like "$(paste_line 1)" '"tasks"' "it works as the first did"
	stop_run "$RUN_PORT"
	is "$(left_of "$RUN_STATE")" '' "and ends as it did"
}

# The whole command, as it is typed in another folder, with a terminal's Ctrl-C.
test_make_run_works_from_any_folder() {
	local make=(make --no-print-directory -C "$STACK_ROOT" "BUILD=$BUILD" run)

	RUN_PORT=$(stack_port)
	RUN_ROOT=$STACK_ROOT begin_run env -u MAKEFLAGS -u MAKELEVEL "${make[@]}"
	has_come '^Logs and settings' || return
	RUN_STATE=$(sed -n 's/^Logs and settings: //p' "$RUN_OUT")
	like "$(paste_line 1)" '"tasks"' "it works"
	interrupt_run
	is "$(left_of "$RUN_STATE")" '' "nothing is left behind"
	ok "nor its env" test ! -e "$STACK_ROOT/build/run/$RUN_PORT"
}

test_it_ends_whatever_the_signal_and_whoever_gets_it() {
	local signal

	for signal in TERM HUP TERM TERM; do
		start_run || return
		RUN_STATE=$(sed -n 's/^Logs and settings: //p' "$RUN_OUT")
		interrupt_run "$signal"
		is "$(left_of "$RUN_STATE")" '' "$signal: nothing is left behind"
	done
}

# Wherever it is interrupted on its way.
test_ctrl_c_while_it_starts_leaves_nothing_behind() {
	local words before

	for words in 'starting PostgreSQL' 'creating the tables' \
		'starting the gateway' 'starting nginx' 'adding a demo user'; do
		RUN_PORT=$(stack_port)
		begin_run BUILD=build/copy TMP_MARK="$STACK_DIR/mark.$RUN_PORT" \
			"$RUN_ROOT/tests/run.sh"
		has_come "$words" || return
		before=$(tr '\0' '\n' <"/proc/$(stack_pid "run$RUN_PORT")/environ" |
			grep -c '^TMP_MARK=')
		is "$before" 1 "its processes can be told from others"
		interrupt_run
		is "$(marked "$STACK_DIR/mark.$RUN_PORT")" '' \
			"interrupted at '$words': no process"
		is "$(left_of "$(sed -n 's/^run: in //p' "$RUN_OUT")")" '' \
			"interrupted at '$words': no directory"
		ok "nor env" test ! -e "$RUN_ROOT/build/run"
	done
}

# marked MARK: processes that have it in their environment, which is inherited.
marked() {
	grep -lsF "TMP_MARK=$1" /proc/[0-9]*/environ
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
	ok "and leaves env to the latest" env_is_whole
	like "$(paste_line 1)" '"tasks"' "the second goes on"
	first=$RUN_PORT
	start_run || return
	stop_run "$RUN_PORT" TERM
	is "$(left_of "$RUN_STATE")" '' "a third ends whole"
	RUN_PORT=$first RUN_OUT=$STACK_DIR/run.$first
	ok "and gives env back to the second" env_is_whole
	stop_run "$RUN_PORT" TERM
	is "$(left_of "$RUN_STATE")" '' "which ends as well"
	ok "and takes env away" test ! -e "$RUN_ROOT/build/run"
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

# The real ones are another simulator's here, at which nothing was made ready.
test_real_providers_are_used_where_keys_are_given() {
	local key=own-$RANDOM$RANDOM provider

	stack_sim || return
	for provider in todoist linear attio; do
		add_item "$provider" "real at $provider" "{\"account\":\"$key\"}"
	done
	start_run TODOIST_TOKEN="$key" TODOIST_URL="$SIM_URL" \
		LINEAR_API_KEY="$key" LINEAR_URL="$SIM_URL" \
		ATTIO_API_KEY="$key" ATTIO_URL="$SIM_URL" || return
	is "$(curl -sS -H "Authorization: Bearer $(env_value FLOWPIN_TOKEN)" \
		"$(env_value FLOWPIN_URL)/v1/inbox" |
		jq -r ".items[] | $PLAIN_TITLE" | sort | tr '\n' ,)" \
		'real at attio,real at linear,real at todoist,' \
		"their items wait in the inbox, and no others"
	is "$(grep -c 'is the real one' "$RUN_OUT")" 3 "it is said"
	like "$(paste_line 1)" '"tasks"' "the line that is left works"
	sim GET '/_sim/requests?since=0'
	is "$(jq '[.requests[] | select(.write)] | length' <<<"$BODY")" 0 \
		"nothing was changed there"
	stop_run "$RUN_PORT"
	is "$(left_of "$RUN_STATE")" '' "nothing is left behind"
	stack_end sim
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
	[ "$EUID" = 0 ] || return 0 # that was who ran it all along
	make_copy "$STACK_DIR/nobodys"
	chown -R nobody "$RUN_ROOT"
	RUN_AS=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)
	works_and_leaves_nothing
	[ "$tap_failed" = 0 ] || diag "$(cat "$RUN_OUT")"
}

stack_init || bail "no directory"
helper_start || bail "no helper"
make_copy "$STACK_DIR/copy" || bail "no copy"
run_tests
