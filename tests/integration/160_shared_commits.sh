#!/usr/bin/env bash
# Calls that come at the same time share a commit: what is wrong with one of
# them, or locked for it, must not touch the others.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

USER_OTHER=00000000-0000-4000-8000-0000000000aa

# make_tasks N PREFIX: active ones of the Attio connection, without items.
make_tasks() {
	sql "insert into tasks (id, user_id, title, source, source_id,
			connection_id)
		select ('$2' || lpad(i::text, 12, '0'))::uuid, '$USER_ID', 'task',
			'attio', gen_random_uuid()::text, '${CONNECTIONS[attio]}'
		  from generate_series(1, $1) i" >/dev/null
}

# at_once N PREFIX: complete all of them side by side; one status per line.
at_once() {
	local i pids=()

	for ((i = 1; i <= $1; i++)); do
		curl -sS -o /dev/null -w '%{http_code}\n' --max-time 60 -X POST \
			-K "$STACK_DIR/api.curl" \
			"$URL/v1/tasks/$2$(printf '%012d' "$i")/complete" \
			>"$STACK_DIR/status.$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	cat "$STACK_DIR"/status.*
	rm -f "$STACK_DIR"/status.*
}

# lock_tasks ID ID: another session holds both rows until unlock_tasks. Two, as
# many as there are statements under way at once.
lock_tasks() {
	coproc LOCKER { stack_sql 2>&1; }
	LOCKER_IN=${LOCKER[1]}
	echo "begin; select 1 from tasks where id in ('$1', '$2') for update;
		select 'locked';" >&"$LOCKER_IN"
	local line
	while read -r -t 10 line <&"${LOCKER[0]}"; do
		[[ $line == *locked* ]] && return 0
	done
	flunk "the row is locked"
}

unlock_tasks() {
	# shellcheck disable=SC2153 # the coprocess's own variable
	local pid=$LOCKER_PID

	echo 'rollback;' >&"$LOCKER_IN"
	eval "exec $LOCKER_IN>&-"
	wait "$pid" 2>/dev/null
}

test_forty_calls_at_once_are_all_completed_and_written_down_once() {
	local prefix=00000000-0000-4000-8001-

	make_tasks 40 "$prefix"
	is "$(at_once 40 "$prefix" | sort | uniq -c | tr -s ' ')" ' 40 200'
	is "$(sql "select count(*), count(distinct task_id) from writebacks
		where task_id::text like '$prefix%' and state = 'accepted'")" \
		'40|40'
}

test_rows_that_someone_else_has_locked_hold_up_nobody_else() {
	local prefix=00000000-0000-4000-8002- one two pids=() id

	make_tasks 20 "$prefix"
	one=${prefix}000000000019
	two=${prefix}000000000020
	lock_tasks "$one" "$two" || return
	for id in "$one" "$two"; do
		curl -sS -o "$STACK_DIR/held.$id" --max-time 60 -X POST \
			-K "$STACK_DIR/api.curl" "$URL/v1/tasks/$id/complete" &
		pids+=($!)
	done
	# while they are locked, the others are answered
	is "$(at_once 18 "$prefix" | sort | uniq -c | tr -s ' ')" ' 18 200'
	is "$(task_status "$one") $(task_status "$two")" 'active active'
	unlock_tasks
	wait "${pids[@]}"
	is "$(cat "$STACK_DIR"/held.* | jq -r .task.status | sort -u)" completed
}

test_an_element_that_a_constraint_refuses_fails_alone() {
	local prefix=00000000-0000-4000-8003-

	make_tasks 20 "$prefix"
	# its version cannot be counted up
	sql "update links set version = 1000000000000000
		where task_id = '${prefix}000000000001'" >/dev/null
	is "$(at_once 20 "$prefix" | sort | uniq -c | tr -s ' ')" \
		$' 19 200\n 1 500'
	is "$(task_status "${prefix}000000000001")" active
	is "$(sql "select count(*) from writebacks
		where task_id = '${prefix}000000000001'")" 0
}

test_strangers_in_the_same_commit_see_nothing_of_each_other() {
	local prefix=00000000-0000-4000-8004- other got

	make_tasks 10 "$prefix"
	other=$(stack_token "$USER_OTHER")
	curl -sS -o /dev/null -w '%{http_code}' -X POST \
		-H "Authorization: Bearer $other" \
		"$URL/v1/tasks/${prefix}000000000001/complete" \
		>"$STACK_DIR/other.status" &
	got=$(at_once 10 "$prefix" | sort | uniq -c | tr -s ' ')
	wait $!
	is "$got" ' 10 200'
	is "$(cat "$STACK_DIR/other.status")" 404
}

test_one_task_completed_by_ten_at_once_is_sent_once() {
	local prefix=00000000-0000-4000-8005- i pids=()

	add_own_item attio 'many hands'
	make_tasks 1 "$prefix"
	sql "update tasks set source_id = '$ITEM'
		where id = '${prefix}000000000001'" >/dev/null
	mark
	for i in 1 2 3 4 5 6 7 8 9 10; do
		curl -sS -o "$STACK_DIR/hand.$i" -X POST \
			-K "$STACK_DIR/api.curl" \
			"$URL/v1/tasks/${prefix}000000000001/complete" &
		pids+=($!)
	done
	wait "${pids[@]}"
	is "$(writes)" 1
	is "$(cat "$STACK_DIR"/hand.* | jq -r .task.status | sort -u)" completed
	is "$(cat "$STACK_DIR"/hand.* | jq -r '.writeback |
		"\(.id) \(.outcome) \(.reason)"' | sort | uniq -c | tr -s ' ')" \
		" 10 $(sql "select id from writebacks
			where task_id = '${prefix}000000000001'") accepted done" \
		"all are told of the one writeback"
}

stack_init || bail "no directory"
stack_setting workers 256 # they are one user's
stack_setting database_prepared "${PREPARED:-1}"
# on a busy machine two of them wait long for the others
stack_setting call_deadline_ms 40000
stack_setting lease_ms 42000
stack_whole
add_connection attio
run_tests
