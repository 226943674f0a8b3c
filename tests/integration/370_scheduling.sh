#!/bin/bash
# How much is polled at once, how often, and what one long list costs.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=absence.sh
. "$(dirname "$0")/absence.sh"

# only_ours: nobody else's connections are due
only_ours() {
	sql "update connections set next_poll_at = now() +
		case when user_id = '$USER_ID' then '0' else '1 day' end::interval"
}

# closest PROVIDER OP N: of any N+1 requests in a row, how near the last came to
# the first, in ms
closest() {
	sim GET "/_sim/requests?since=${MARK:-0}&provider=$1&op=$2"
	jq --argjson n "$3" '[.requests[].at_ms] | sort |
		[.[$n:], .[:length - $n]] | transpose | map(.[0] - .[1]) | min' \
		<<<"$BODY"
}

test_of_one_provider_so_many_are_polled_at_once() {
	local i

	as_new_user
	for i in {1..9}; do
		add_connection todoist || return
		add_connection attio || return
	done
	only_ours
	mark
	fault '{"kind": "delay", "op": "list", "delay_ms": 500}'
	FLOWPIN_POLL_TYPE_CONCURRENCY=3 stack_poll
	no_faults
	is "$(sql "select count(*) from poll_runs where user_id = '$USER_ID'
		and outcome = 'complete'")" 18 "all were polled"
	# a fourth one begins when one of three has had its answer
	ok "three of Todoist at once" [ "$(closest todoist list 3)" -ge 490 ]
	ok "three of Attio at once" [ "$(closest attio list 3)" -ge 490 ]
	sim GET "/_sim/requests?since=$MARK&op=list"
	# shellcheck disable=SC2016 # jq has variables, too
	ok "one provider does not wait for the other" jq -e '[.requests[] |
		select(.provider == "attio").at_ms] as $a |
		[.requests[] | select(.provider == "todoist").at_ms] as $t |
		($a | min) < ($t | max) and ($t | min) < ($a | max)' <<<"$BODY"
}

test_in_all_so_many_are_polled_at_once() {
	local i

	as_new_user
	for i in {1..8}; do
		add_connection linear || return
	done
	only_ours
	mark
	fault '{"kind": "delay", "op": "list", "delay_ms": 400}'
	FLOWPIN_POLL_CONCURRENCY=2 stack_poll
	no_faults
	is "$(sql "select count(*) from poll_runs where user_id = '$USER_ID'
		and outcome = 'complete'")" 8 "all were polled"
	ok "two at once" [ "$(closest linear list 2)" -ge 390 ]
}

test_more_connections_than_runners_are_polled_once_each() {
	as_new_user
	add_connection attio
	# forty of the same key: what is counted are runs
	sql "insert into integrations (user_id, type, label, api_key)
		select '$USER_ID', 'attio', 'n' || n, '${TOKENS[attio]}'
		  from generate_series(1, 40) n" >/dev/null
	only_ours
	stack_poll
	is $? 0 "the pass ends well"
	is "$(sql "select count(*) || ' ' || count(distinct connection_id)
		from poll_runs where user_id = '$USER_ID'")" "41 41" "each once"
}

# wait_s: until the latest connection's next poll
wait_s() {
	sql "select extract(epoch from next_poll_at - clock_timestamp())::int
		from connections where id = '$CONNECTION'"
}

# waits_about SECONDS: a tenth of jitter each way, and what passed meanwhile
waits_about() {
	local s

	s=$(wait_s)
	ok "about $1 s until the next poll: $s" \
		[ $((s * 100)) -ge $(($1 * 85)) ] &&
		ok "about $1 s until the next poll: $s" [ $((s * 100)) -le $(($1 * 111)) ]
}

# quiet RUNS: as if so many had found nothing
quiet() {
	sql "update connections set idle_runs = $1 where id = '$CONNECTION'"
}

test_an_idle_connection_is_polled_less_and_less_often() {
	fill linear 2
	polls 2
	waits_about 60
	quiet 9
	polls 1
	waits_about 60
	polls 1
	waits_about 120
	polls 1
	waits_about 240
	polls 3
	waits_about 600
	polls 1
	waits_about 600
}

test_news_make_a_connection_busy_again() {
	local provider

	for provider in $(providers); do
		fill "$provider" 3 || continue
		polls 2
		quiet 12
		polls 1
		ok "$provider: it is idle" [ "$(wait_s)" -gt 200 ]
		change_item "$provider" "${IDS[0]}" '{"state": "completed"}'
		polls 1
		waits_about 60
		quiet 12
		add_own_item "$provider" 'New'
		polls 1
		waits_about 60
		quiet 12
		polls 1
		ok "$provider: it is idle again" [ "$(wait_s)" -gt 200 ]
		complete "$(task_of "${IDS[1]}")"
		polls 1
		waits_about 60
		quiet 12
		api POST "/v1/connections/$CONNECTION/poll"
		is "$(sql "select idle_runs || ' ' || (next_poll_at <= now())
			from connections where id = '$CONNECTION'")" "0 true" \
			"$provider: nor is one that is asked for"
	done
}

# What a pass needs at most, in MB.
peak_mb() {
	python3 - "$STACK_BIN/flowpin-poller" --config "$STACK_DIR/flowpin.conf" \
		--connection "$CONNECTION" 2>>"$STACK_DIR/poller.log" <<-'PY'
		import resource, subprocess, sys
		code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
		      if code == 0 else -1)
	PY
}

test_a_list_of_50000_items_needs_little_memory() {
	local mb n

	n=$(at_size 50000)
	fill todoist "$n" || return
	mb=$(peak_mb)
	diag "$n items, each a task: $mb MB"
	is "$(last_run "$CONNECTION")" complete "the run is complete"
	is "$(tally)" "$n active" "all stay"
	# sanitizers need several times as much
	[[ $STACK_BIN == */san ]] || ok "$mb MB are less than 120" \
		[ $((mb > 0 && mb < 120)) = 1 ]
	change_item todoist "${IDS[n - 1]}" '{"state": "completed"}'
	polls 1
	is "$(tally)" "$((n - 1)) active, 1 completed completed" "the last one is found"
}

test_an_inbox_of_50000_items_needs_little_memory() {
	local mb n

	n=$(at_size 50000)
	as_new_user
	add_connection linear
	add_own_item linear 'Item' "{\"count\": $n}"
	mb=$(peak_mb)
	diag "$n items, all new: $mb MB"
	is "$(sql "select count(*) from inbox_items
		where connection_id = '$CONNECTION'")" "$n" "all arrive"
	[[ $STACK_BIN == */san ]] || ok "$mb MB are less than 120" \
		[ $((mb > 0 && mb < 120)) = 1 ]
}

# long_list: as psql variables, what the statements of a run over 50000 items are given.
long_list() {
	cat <<-SQL
		\set user_id '\'$USER_ID\''
		\set connection_id '\'$CONNECTION\''
		\set type '\'linear\''
		\set generation 1
		\set t0 0
		\set absence_least_ms 0
		\set replica_lag_ms 0
		\set account_id '\'me\''
		\set run_id '\'$USER_ID\''
		select format('%L::text[]', array_agg('i' || n)) as source_ids,
		       format('%L::text[]', array_agg('t'::text)) as titles,
		       format('%L::text[]', array_agg('u'::text)) as urls,
		       format('%L::text[]', array_agg(null::text)) as dues,
		       format('%L::text[]', array_agg('{}'::text)) as metadata,
		       format('%L::text[]', array_agg('{}'::text)) as bags
		  from generate_series(1, 50000) n \gset
	SQL
}

# Compiling them would take longer than all the rest, however much they cost.
test_the_statements_of_a_long_run_are_not_compiled() {
	local query plan

	fill linear 1 || return
	for query in run_diff run_inbox run_refresh; do
		plan=$({
			long_list
			echo 'begin; set jit_above_cost = 0;'
			cat "$STACK_ROOT/sql/queries/run_plan.sql"
			echo '; explain'
			cat "$STACK_ROOT/sql/queries/$query.sql"
			echo '; rollback;'
		} | stack_sql)
		like "$plan" 'CTE listed' "$query: it has a plan"
		unlike "$plan" 'JIT:' "$query: which is not compiled"
	done
}

stack_init || bail "no directory"
# what it needs is memory, not haste
stack_setting query_timeout_ms 120000
stack_whole && run_tests
