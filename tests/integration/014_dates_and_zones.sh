#!/bin/bash
# A database may show dates and times as its people do, and be in their time zone: the
# gateway neither reads nor writes them in that way.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=flowpins.sh
. "$(dirname "$0")/flowpins.sh"

# pages_of PATH MEMBER: ids of all pages of two, a line each. After the last event
# there is a cursor, too.
pages_of() {
	local cursor=''

	for _ in {1..20}; do
		api GET "$1limit=2${cursor:+&cursor=$cursor}"
		is "$STATUS" 200 "a page: $BODY" || return 1
		jq -r ".$2[].id" <<<"$BODY"
		cursor=$(field .next_cursor)
		[ -n "$cursor" ] && [ "$(field ".$2[0].id")" ] || return 0
	done
	flunk "there is a last page"
}

# is_now TIME SENTENCE: RFC 3339 in UTC, and less than two minutes ago.
is_now() {
	local now

	like "$1" '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z$' "$2" ||
		return
	now=$(date +%s)
	now=$((now - $(date -d "$1" +%s)))
	((now >= -1 && now < 120)) || flunk "$2: it is $now s old"
}

test_the_database_shows_times_in_its_own_way() {
	like "$(sql "select timestamptz '2026-02-01 00:00Z'")" \
		'^01/02/2026 05:30' "or the tests below prove nothing"
}

test_completion_goes_both_ways() {
	both_ways todoist
	both_ways linear
	both_ways attio
}

test_times_are_told_in_utc() {
	make_task todoist 'Timed' || return
	complete "$TASK"
	is_now "$(field .task.completed_at)" "completed"
	is_now "$(field .task.created_at)" "created"
	api GET "/v1/connections/$CONNECTION"
	is_now "$(field .connection.last_complete_run_at)" "polled"
	api GET '/v1/events?limit=200'
	is_now "$(field '.events[-1].created_at')" "told"
}

test_lists_are_paged() {
	make_tasks todoist 5 || return
	is "$(pages_of '/v1/tasks?' tasks | sort | uniq -c |
		awk '$1 != 1' | wc -l)" 0 "no task is listed twice"
	is "$(pages_of '/v1/tasks?' tasks | wc -l)" \
		"$(sql 'select count(*) from public.tasks')" "and none is left out"
	add_own_item todoist 'Left there' '{"count": 5}'
	poll_once "${CONNECTIONS[todoist]}"
	is "$(pages_of "/v1/inbox?connection_id=${CONNECTIONS[todoist]}&" items |
		sort -u | wc -l)" 5 "the inbox"
	is "$(pages_of '/v1/events?' events | wc -l)" \
		"$(sql 'select count(*) from gateway.events')" "events"
}

test_a_rollback_restores_the_time_to_the_microsecond() {
	ready_for uncomplete todoist || return
	fault '{"kind": "auth", "write": true, "times": 1}'
	uncomplete "$TASK"
	is_rolled_back 502 '.*' Todoist
	no_faults
}

test_a_rate_limit_ends_when_the_provider_says() {
	local wait

	as_new_user
	stack_admin "$STACK_DATABASE" -c \
		"insert into auth.users (id, email) values ('$USER_ID', 'b@x')"
	CLIENT=$USER_ID client_connects attio || return
	add_own_item attio 'Slow' || return
	fault '{"kind": "rate_limit", "op": "list", "retry_after": 3000, "times": 1}'
	poll_once "$CONNECTION"
	no_faults
	wait=$(sql "select extract(epoch from rate_limited_until - now())::integer
		from gateway.connections where id = '$CONNECTION'")
	((wait > 2800 && wait <= 3000)) || flunk "it waits $wait s"
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_postgres || bail "no PostgreSQL"
flowpins_database dates later || bail "no database"
stack_admin postgres -c "alter database dates set DateStyle = 'SQL, DMY'" \
	-c "alter database dates set TimeZone = 'Asia/Kolkata'" \
	-c "alter database dates set IntervalStyle = 'sql_standard'" \
	-c "alter role flowpin in database dates set search_path = ''" ||
	bail "no settings"
ctl dates flowpins_owner migrate || bail "no schema: $SAID"
gateway_on dates
run_tests
