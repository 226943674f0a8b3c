# shellcheck shell=bash
# shellcheck disable=SC2034 # what the verbs set is for the tests
# What the tests of absence share: connections where every item is a task, and
# what became of them.

# fill PROVIDER COUNT: a new user, a connection with so many items, each of them a
# task. Sets IDS, in the order of the list.
fill() {
	as_new_user
	add_connection "$1" || return 1
	IDS=()
	[ "$2" = 0 ] || add_own_item "$1" 'Item' "{\"count\": $2}" || return 1
	adopt "$1" "$2"
}

# adopt PROVIDER COUNT: what the latest connection lists becomes tasks.
adopt() {
	sim GET "/_sim/items?provider=$1&account=${TOKENS[$1]}"
	mapfile -t IDS < <(field '.items[].id')
	is "${#IDS[@]}" "$2" "$1: so many items" || return 1
	[ "$2" = 0 ] || printf '%s\n' "${IDS[@]}" | make_tasks_of "$1" || return 1
	mark
}

# make_tasks_of PROVIDER: of the ids on standard input, as imports did an hour ago.
make_tasks_of() {
	{
		echo "create temp table id (n serial, source_id text);
			copy id (source_id) from stdin;"
		cat
		echo '\.'
		echo "insert into tasks (user_id, title, source, source_id,
				connection_id, created_at)
			select '$USER_ID', 'Item ' || n, '$1', source_id,
				'$CONNECTION', now() - interval '1 hour' from id;
			update links l
				set linked_at = now() - interval '1 hour',
				changed_at = now() - interval '1 hour',
				seen_at = now() - interval '1 hour',
				account_id = (select c.account_id from connections c
					where c.id = '$CONNECTION')
				from id where l.user_id = '$USER_ID'
				and l.source = '$1' and l.source_id = id.source_id;"
	} | stack_sql >/dev/null
}

# item_changes PROVIDER FROM COUNT JSON: so many of IDS, from 0
item_changes() {
	local id

	for id in "${IDS[@]:$2:$3}"; do
		change_item "$1" "$id" "$4"
	done
}

# task_of ID: the user's task of an item
task_of() {
	sql "select id from tasks
		where user_id = '$USER_ID' and source_id = '$1'"
}

# switch PROVIDER ACCOUNT: whose the key of the latest connection is from now on
switch() {
	sim POST /_sim/accounts "$(jq -n --arg p "$1" --arg t "${TOKENS[$1]}" \
		--arg a "$2" '{provider: $p, token: $t, account: $a}')"
}

# tally: the user's tasks by status and reason, like `3 active, 1 completed moved`
tally() {
	sql "select coalesce(string_agg(n || ' ' || what, ', ' order by what), 'none')
		from (select concat_ws(' ', t.status, l.completion_reason) as what,
			count(*) as n from tasks t
			left join links l on l.task_id = t.id
			where t.user_id = '$USER_ID' group by 1) t"
}

# polls COUNT: of the latest connection, which is due each time
polls() {
	local i

	for ((i = 0; i < $1; i++)); do
		sql "update connections set next_poll_at = now()
			where id = '$CONNECTION'"
		poll_once "$CONNECTION" || flunk "the pass ends well"
	done
}

# patient_poll: as poll_behind, of the latest connection, for a provider that the
# test lets wait longer than a run usually would.
patient_poll() {
	export FLOWPIN_PROVIDER_TIMEOUT_MS=60000
	poll_behind --connection "$CONNECTION"
	unset FLOWPIN_PROVIDER_TIMEOUT_MS
}

ctl() {
	"$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" "$@" 2>&1
}

# guard_of [CONNECTION]: the guard that holds it, and how many tasks
guard_of() {
	ctl guard list | sed -nE "s/^${1:-$CONNECTION} [a-z]+ ([a-z_]+) held=([0-9]+) .*/\1 \2/p"
}

# events_of_guards: of the user, in order
events_of_guards() {
	sql "select coalesce(string_agg(type || ' ' || reason, ', ' order by id), '')
		from events where user_id = '$USER_ID' and type like 'guard.%'"
}

# metric NAME: its value, labels and all, as it is now: an answer is kept for two seconds
metric() {
	sleep 2.1
	anonymous GET /metrics
	awk -v name="$1" '$1 == name { print $2 }' <<<"$BODY"
}
