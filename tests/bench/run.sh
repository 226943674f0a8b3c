#!/bin/bash
# Measures what the README's table says, in interleaved rounds of one run: every
# round measures everything once, and medians are compared, because a machine
# drifts. Everything runs on loopback and is ended again. QUICK=1: two minutes,
# fewer and shorter rounds, and a smaller big table. Leaves build/bench/results.tsv.
. "$(dirname "$0")/lib.sh"

ROUNDS=5 SECONDS_EACH=5 BIG=10000000 WORN=1000000
if [ "${QUICK:-0}" = 1 ]; then
	ROUNDS=2 SECONDS_EACH=2 BIG=300000 WORN=20000
fi
# only some of it, while working on one thing; and against whom
PARTS=${PARTS:-completions many alone waits poll tls growth memory worn size}
AGAINST=${AGAINST-pgbench node}
POLLED=1000 AT_ONCE=256 # connections
RESULTS=${RESULTS:-$STACK_ROOT/build/bench/results.tsv}
NODE_OLDEST=20 # what its packages ask for

wants() {
	[[ " $PARTS " == *" $1 "* ]]
}

against() {
	[[ " $AGAINST " == *" $1 "* ]]
}

# The client count that suits pgbench best, once.
find_best() {
	local clients most=0

	for clients in 4 8 16 32; do
		bench_pgbench $clients 2
		say "pgbench, $clients clients: $RATE"
		if [ "$(calc "$RATE > $most")" = 1 ]; then
			most=$RATE BEST=$clients
		fi
	done
}

round_completions() {
	bench_wrk "$URL" 64 "$SECONDS_EACH"
	sample gateway "$RATE"
	if against pgbench; then
		bench_pgbench "$BEST" "$SECONDS_EACH"
		sample pgbench "$RATE"
	fi
	if against node; then
		bench_wrk "$NODE_PLAIN" 64 "$SECONDS_EACH"
		sample node "$RATE"
		bench_wrk "$NODE_SHARED" 64 "$SECONDS_EACH"
		sample node_shared "$RATE"
	fi
}

round_memory() {
	sample gateway_kib "$(kib_under_load "$URL" gateway)"
	! against node || sample node_kib \
		"$(kib_under_load "$NODE_PLAIN" node-1 node-2)"
}

# kib_under_load URL NAME...
kib_under_load() {
	local wrk

	bench_wrk "$1" 64 2 &
	wrk=$!
	shift
	sleep 1.5
	kib_of "$@"
	wait $wrk
}

# The provider's own time is what it takes the load to get its answer from it.
round_alone() {
	bench_wrk "$URL" 1 "$SECONDS_EACH"
	sample alone "$(calc "$P50 - $(stub_ms)")"
	if against pgbench; then
		bench_pgbench 1 "$SECONDS_EACH"
		sample commits "$P50"
	fi
}

stub_ms() {
	wrk -t 1 -c 1 -d 1 --latency "$STUB_URL/api/v1/user" | awk '
		$1 == "50%" { ms = $2 + 0
			if ($2 ~ /us$/) ms /= 1000
			print ms }'
}

measure_completions() {
	local i

	wants completions || wants memory || wants alone || return 0
	! against pgbench || find_best
	bench_wrk "$URL" 64 2 # warm: prepared statements, kept connections
	if against node; then
		bench_wrk "$NODE_PLAIN" 64 2
		bench_wrk "$NODE_SHARED" 64 2
	fi
	for ((i = 1; i <= ROUNDS; i++)); do
		say "round $i of $ROUNDS"
		! wants completions || round_completions
		! wants memory || round_memory
		! wants alone || round_alone
	done
	! wants completions || tell_completions
	! wants alone || result 'ms added for one client, p50' "$(of alone)" \
		'two lone commits of the same statements' "$(of commits)" '<= 1.5'
	! wants memory || result 'gateway, MiB, 64 workers, under load' \
		"$(mib "$(of gateway_kib)")" 'Node, two processes' \
		"$(mib "$(of node_kib)")" '<= 0.2'
}

tell_completions() {
	local rate=('completions/s, 64 clients, provider 0 ms' "$(of gateway)")

	result "${rate[@]}" "pgbench, one by one, ${BEST:-} clients" \
		"$(of pgbench)" '>= 1.3'
	result "${rate[@]}" 'Node, a commit for each step' "$(of node)" '>= 4'
	result "${rate[@]}" 'Node, with shared commits' "$(of node_shared)" \
		'>= 1.4'
}

# 512 calls at once need as many workers.
measure_many() {
	local i

	wants many || return 0
	stack_setting workers 512
	restart_gateway
	provider_takes 100
	bench_wrk "$URL" 512 2
	for ((i = 1; i <= ROUNDS; i++)); do
		bench_wrk "$URL" 512 "$SECONDS_EACH"
		sample many "$RATE"
	done
	provider_takes 0
	stack_setting workers 64
	restart_gateway
	result 'completions/s, 512 clients, provider 100 ms' "$(of many)" \
		'the limit, 512 / 0.1 s' 5120 '>= 0.75'
}

# A kept connection must not keep a worker from the others.
measure_waits() {
	local i longest answered

	wants waits || return 0
	stack_setting workers 8
	restart_gateway
	provider_takes 10
	for ((i = 1; i <= ROUNDS; i++)); do
		bench_load "$STACK_DIR/load" "$WRK_TASKS"
		read -r longest answered < <(python3 "$BENCH/waits.py" "$URL" 64 \
			"$SECONDS_EACH" "$STACK_DIR/load") || give_up "no probe"
		[ "${answered:-0}" -ge 64 ] || give_up "nobody was answered"
		sample longest "$longest"
	done
	provider_takes 0
	stack_setting workers 64
	restart_gateway
	result 's waited at most, 64 clients, 8 workers' \
		"$(of longest)" 's at most' 1 '<= 1'
}

# --- polls --------------------------------------------------------------------

# polled NAME: a pass over what is due. Samples seconds, memory and CPU.
polled() {
	local seconds kib cpu

	read -r seconds kib cpu < <(python3 "$BENCH/pass.py" \
		"$STACK_BIN/flowpin-poller" --config "$STACK_DIR/flowpin.conf" \
		2>>"$STACK_DIR/poller.log") || give_up "the poller failed"
	sample "$1_seconds" "$seconds"
	sample "$1_kib" "$kib"
	sample "$1_cpu" "$cpu"
}

# add_polled COUNT PAGES ITEMS: connections with so long lists, in a database of
# their own so that nothing else is polled.
add_polled() {
	local i tokens

	mapfile -t tokens <"$STACK_DIR/tokens"
	for ((i = 0; i < $1; i++)); do
		connection_call "${tokens[i % USERS]}" todoist "list-$2-$3"
	done | curl_all || give_up "no connections"
}

measure_poll() {
	local i

	wants poll || return 0
	say "polling $POLLED connections"
	stack_setting poll_concurrency $AT_ONCE
	stack_setting poll_type_concurrency $AT_ONCE
	use_database polls
	stack_sql -c 'delete from integrations'
	add_polled $POLLED 2 50
	provider_takes 0
	stack_poll || give_up "the first poll" # fills the inbox
	stack_admin flowpin -c 'vacuum analyze'
	provider_takes 50
	for ((i = 1; i <= ROUNDS; i++)); do
		stack_sql -c 'update connections set next_poll_at = now()'
		polled many
	done
	provider_takes 0
	# the others are not due again for an hour
	add_polled 1 250 200
	polled long
	result "s to poll $POLLED connections, 2 pages, 50 ms" \
		"$(of many_seconds)" "the limit, $AT_ONCE at once" \
		"$(calc "2 * 0.05 * $POLLED / $AT_ONCE")" '<= 1.5'
	result 'poller, MiB, 1,000 connections' "$(mib "$(of many_kib)")" \
		'MiB at most' 64 '<= 1'
	result 'poller, MiB, one of 50,000 items' "$(mib "$(of long_kib)")" \
		'MiB at most' 64 '<= 1'
}

# What a run costs the database must grow with its list, not with its square. Lists of
# 200 a page: an inbox, and tasks of which three in ten are gone.
measure_growth() {
	local i pages

	wants growth || return 0
	say "runs over long lists"
	use_database growth
	stack_sql -c 'delete from integrations'
	for pages in 10 100; do
		add_listed todoist $pages $pages
	done
	for pages in 10 250; do
		add_listed linear $pages $((pages * 7 / 10))
	done
	stack_end gateway
	autovacuum off # its work is not a run's
	for ((i = 1; i <= ROUNDS; i++)); do
		round_growth
	done
	autovacuum on
	restart_gateway
	tell_growth
}

autovacuum() {
	stack_admin postgres -c "alter system set autovacuum = $1" \
		-c 'select pg_reload_conf()' >/dev/null
}

# add_listed TYPE PAGES LISTED: a connection of a user of its own, called so. Its list
# has so many pages; GROWN finds it.
declare -A GROWN=()
add_listed() {
	local n=${#GROWN[@]} token

	token=$(sed -n "$((n + 1))p" "$STACK_DIR/tokens")
	connection_call "$token" "$1" "list-$3-200" | curl_all ||
		give_up "no connection"
	GROWN[$1-$2]=$(stack_sql -c "select c.id from connections c
		where c.user_id = md5('user' || $n)::uuid")
}

# Of an inbox both the run that fills it and one that finds it as it is, and looks at
# everything again.
round_growth() {
	local pages

	for pages in 10 100; do
		stack_sql -c "delete from inbox_items
			where connection_id = '${GROWN[todoist-$pages]}'"
		run_of "todoist-$pages" "filled-$pages"
		run_of "todoist-$pages" "inbox-$pages"
	done
	for pages in 10 250; do
		tasks_listed $pages
		run_of "linear-$pages" "gone-$pages"
		[ "$(stack_sql -c "select completed from poll_runs
			where connection_id = '${GROWN[linear-$pages]}'
			order by started_at desc limit 1")" = $((pages * 60)) ] ||
			give_up "what is gone was not found"
	done
}

# run_of NAME AS: a run, not a quiet one; the database's CPU is sampled.
run_of() {
	local before

	stack_sql -c "update connections set quiet_list = null
		where id = '${GROWN[$1]}'"
	stack_admin growth -c 'vacuum analyze'
	stack_until 10 no_sessions || give_up "somebody is in the database"
	before=$(server_ms)
	stack_poll --connection "${GROWN[$1]}" || give_up "the run failed"
	stack_until 10 no_sessions || give_up "somebody is in the database"
	sample "$2" $(($(server_ms) - before))
	say "$2:${SAMPLES[$2]}"
}

no_sessions() {
	! pgrep -P "$(stack_pid postgres)" -f '^postgres: (flowpin|postgres) ' >/dev/null
}

# tasks_listed PAGES: a task for each item of so many pages, as the list shows them.
tasks_listed() {
	stack_admin growth <<-SQL || give_up "no tasks"
		set session_replication_role = replica;
		create temporary view own as
		select i.id, i.user_id from integrations i
		 where i.id = '${GROWN[linear-$1]}';
		delete from gateway.decisions using own o
		 where decisions.user_id = o.user_id;
		delete from gateway.links using own o where links.user_id = o.user_id;
		delete from tasks using own o where tasks.user_id = o.user_id;
		insert into tasks (user_id, title, source, source_id, connection_id)
		select o.user_id, 'Task', 'linear', format(
			'00000000-0000-4000-8%s-%s', lpad(to_hex(page), 3, '0'),
			lpad(to_hex(n), 12, '0')), o.id
		  from own o, generate_series(0, $1 - 1) page, generate_series(0, 199) n;
		insert into gateway.links (task_id, user_id, source, source_id, status,
			metadata, account_id, seen_at)
		select t.id, t.user_id, 'linear', t.source_id, 'active',
		       jsonb_build_object('team_id', 'team', 'state_id', 'todo',
				'state_type', 'unstarted', 'identifier',
				'ENG-' || ('x' || right(t.source_id, 12))::bit(48)::bigint),
		       'viewer', now()
		  from own o
		  join tasks t on t.user_id = o.user_id;
	SQL
}

tell_growth() {
	local inbox=('ms of CPU, PostgreSQL, a run, inbox of 20,000'
		"$(of inbox-100)")
	local gone=('ms of CPU, PostgreSQL, a run, 30 % of 50,000 gone'
		"$(of gone-250)")

	result "${inbox[@]}" 'ms at most' 1000 '<= 1'
	result "${inbox[@]}" 'an inbox of 2,000' "$(of inbox-10)" '<= 12'
	result 'ms of CPU, PostgreSQL, a run, 20,000 new items' \
		"$(of filled-100)" '2,000 new items' "$(of filled-10)" '<= 12'
	result "${gone[@]}" 'ms at most' 2000 '<= 1'
	result "${gone[@]}" '30 % of 2,000 gone' "$(of gone-10)" '<= 30'
}

# Every request of a pass is a new TLS connection, with Debian's CA bundle. To read
# that for each of them would cost fifty times what the connection does.
measure_tls() {
	local i name count=200

	wants tls && wants poll || return 0
	bench_tls || give_up "no TLS in front of the stub"
	stack_setting todoist_url "$TLS_URL"
	for ((i = 1; i <= ROUNDS; i++)); do
		for name in one bundle; do
			stack_setting ca_file "$STACK_DIR/tls/$name.pem"
			stack_sql -c "update connections set next_poll_at = now()
				where id in (select id from connections
					where quiet_list is not null
					order by id limit $count)"
			polled "tls_$name"
		done
	done
	stack_setting todoist_url "$STUB_URL"
	stack_setting ca_file ''
	result "s of CPU, $count polls, each by new TLS" \
		"$(of tls_bundle_cpu)" 'one CA, not all of Debian'\''s' "$(of tls_one_cpu)" '<= 1.5'
}

# --- size ---------------------------------------------------------------------

# sized DATABASE EVERY NAME SECONDS: calls over 10,000 of its tasks, every so
# many-th; sampled after so long to get warm.
sized() {
	use_database "$1"
	WRK_TASKS="select $2 * generate_series(1, 10000)"
	bench_wrk "$URL" 64 "$4"
	# as autovacuum does within a minute: plans made for empty tables end
	stack_admin "$1" -c analyze
	bench_wrk "$URL" 64 "$SECONDS_EACH"
	sample "$3" "$(calc "1e6 / $RATE")"
}

# The same calls, over the tasks of a small table and over as many that lie all
# over a big one.
measure_size() {
	local i

	wants size || return 0
	say "$BIG tasks"
	use_database small
	bench_tasks 10000
	use_database big
	bench_tasks $BIG
	for ((i = 1; i <= ROUNDS; i++)); do
		sized small 1 small 1
		sized big $((BIG / 10000)) big 1
	done
	result "us a completion costs at $BIG tasks" "$(of big)" 'at 10,000' \
		"$(of small)" '<= 1.2'
}

# The same calls over tasks that were completed a hundred times each, and over
# such that were completed once, so that every page was written since the last
# checkpoint.
measure_worn() {
	local i done=0

	wants worn || return 0
	for ((i = 1; i <= ROUNDS; i++)); do
		use_database "fresh$i"
		bench_tasks 10000
	done
	use_database worn
	bench_tasks 10000
	say "$WORN completions"
	while [ "$(calc "$done < $WORN")" = 1 ]; do
		bench_wrk "$URL" 64 10
		done=$(calc "$done + $RATE * 10")
	done
	for ((i = 1; i <= ROUNDS; i++)); do
		sized "fresh$i" 1 fresh 4
		sized worn 1 worn 4
	done
	result "us a completion costs after $WORN" "$(of worn)" \
		'the first ones' "$(of fresh)" '<= 1.1'
}

start_node() {
	local version

	version=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null)
	if [ "${version:-0}" -lt $NODE_OLDEST ]; then
		say "no Node of version $NODE_OLDEST: left out"
		AGAINST=${AGAINST/node/}
		return
	fi
	node_install || give_up "npm: see $BENCH_NODE/npm.log"
	node_start node 0 || give_up "no Node service"
	NODE_PLAIN=$NODE_URL
	node_start shared 1 || give_up "no Node service"
	NODE_SHARED=$NODE_URL
}

main() {
	mkdir -p "${RESULTS%/*}" || give_up "no folder for the results"
	printf 'measured\tvalue\tagainst\tvalue\tratio\ttarget\n' >"$RESULTS"
	bench_stack
	bench_tasks $((PGBENCH_FIRST + PGBENCH_TASKS))
	! against node || start_node
	measure_completions
	measure_many
	measure_waits
	measure_poll
	measure_tls
	measure_growth
	measure_worn
	measure_size
	awk -f "$BENCH/table.awk" "$RESULTS"
}

main
