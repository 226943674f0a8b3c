# shellcheck shell=bash
# shellcheck disable=SC2034 # RATE, P50, NODE_URL are for the caller
# What the measurements share: a stack with a durable PostgreSQL and the stub in
# the providers' place, tasks to complete, the load, medians, the results.

set -u -o pipefail
STACK_FSYNC=on
# shellcheck source-path=SCRIPTDIR source=../stack.sh
. "$(dirname "${BASH_SOURCE[0]}")/../stack.sh"
BENCH=$STACK_ROOT/tests/bench

declare -A SAMPLES=()
STACK_DATABASE=flowpin
USERS=100 # each with one connection of each provider

# As on a small server: what is hot fits, and no checkpoint falls into a round
# more often than it would there.
STACK_PG_OPTIONS=(-c shared_buffers=1GB -c max_wal_size=4GB -c wal_compression=on
	-c max_connections=200)

say() {
	echo "bench: $*" >&2
}

give_up() {
	say "$*"
	exit 1
}

# --- the stack ----------------------------------------------------------------

bench_stub() {
	stack_start stub "${STUB:-$STACK_BIN/flowpin-stub}" "$STACK_DIR/stub.port"
	stack_await stub test -s "$STACK_DIR/stub.port" || return 1
	STUB_URL=http://127.0.0.1:$(cat "$STACK_DIR/stub.port")
	for provider in todoist linear attio; do
		stack_setting "${provider}_url" "$STUB_URL"
	done
}

# provider_takes MS: so long for every answer, from here on.
provider_takes() {
	curl -sSf -o /dev/null -X POST "$STUB_URL/_stub/delay/$1"
}

# bench_tls: the stub behind TLS, a new connection for each request. Sets TLS_URL.
bench_tls() {
	local dir=$STACK_DIR/tls port

	mkdir -p "$dir" && port=$(stack_port) || return 1
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-days 2 -subj /CN=stub -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$dir/key.pem" -out "$dir/one.pem" 2>"$dir/log" || return 1
	cat /etc/ssl/certs/ca-certificates.crt "$dir/one.pem" >"$dir/bundle.pem" ||
		return 1
	{
		[ "$(id -u)" = 0 ] && echo 'user root;'
		cat <<-CONF
			daemon off;
			pid $dir/pid;
			error_log $dir/log;
			events {
				worker_connections 4096;
			}
			http {
				access_log off;
				client_body_temp_path $dir/body;
				proxy_temp_path $dir/proxy;
				fastcgi_temp_path $dir/fastcgi;
				uwsgi_temp_path $dir/uwsgi;
				scgi_temp_path $dir/scgi;
				server {
					listen 127.0.0.1:$port ssl backlog=4096;
					ssl_certificate $dir/one.pem;
					ssl_certificate_key $dir/key.pem;
					ssl_session_tickets off;
					keepalive_timeout 0;
					location / {
						proxy_pass $STUB_URL;
					}
				}
			}
		CONF
	} >"$dir/nginx.conf"
	stack_start tls nginx -e "$dir/log" -p "$dir" -c "$dir/nginx.conf"
	stack_await tls test -s "$dir/pid" || return 1
	TLS_URL=https://127.0.0.1:$port
}

# What is measured against: two processes behind an nginx of their own.
# node_start NAME SHARED: sets NODE_URL; node_end NAME ends it.
node_start() {
	local n dir=$STACK_DIR/$1 port

	mkdir -p "$dir/nginx" || return 1
	for n in writeback_begin writeback_settle; do
		stack_query "$STACK_ROOT/sql/queries/$n.sql" >"$dir/$n.sql" ||
			return 1
	done
	for n in 1 2; do
		rm -f "$dir/$n.sock"
		stack_start "$1-$n" env DATABASE_URL="$DATABASE_URL" \
			DATABASE_CONNECTIONS=8 PROVIDER_CONNECTIONS=256 \
			SHARED_COMMITS="$2" SOCKET="$dir/$n.sock" \
			QUERIES="$dir" \
			JWT_SECRET_FILE="$STACK_DIR/jwt.secret" \
			MASTER_KEY_FILE="$STACK_DIR/master.key" \
			TODOIST_URL="$STUB_URL" LINEAR_URL="$STUB_URL" \
			ATTIO_URL="$STUB_URL" NODE_ENV=production \
			node "$BENCH_NODE/server.mjs"
	done
	for n in 1 2; do
		stack_await "$1-$n" test -S "$dir/$n.sock" || return 1
	done
	for _ in {1..5}; do
		port=$(stack_port) || return 1
		rm -f "$dir/nginx/pid"
		node_nginx_conf "$dir" "$port" >"$dir/nginx/nginx.conf"
		stack_start "$1-nginx" nginx -e "$dir/nginx/log" -p "$dir/nginx" \
			-c "$dir/nginx/nginx.conf"
		stack_until "$STACK_WAIT" stack_holds_or_gone "$1-nginx" \
			test -s "$dir/nginx/pid" && stack_alive "$1-nginx" && break
		stack_end "$1-nginx"
	done
	stack_await "$1-nginx" test -s "$dir/nginx/pid" || return 1
	NODE_URL=http://127.0.0.1:$port
}

node_nginx_conf() {
	[ "$(id -u)" = 0 ] && echo 'user root;'
	cat <<-CONF
		daemon off;
		worker_processes ${STACK_NGINX_WORKERS:-auto};
		pid $1/nginx/pid;
		error_log $1/nginx/log;
		events {
			worker_connections 4096;
		}
		http {
			access_log $1/nginx/access.log;
			client_body_temp_path $1/nginx/body;
			proxy_temp_path $1/nginx/proxy;
			fastcgi_temp_path $1/nginx/fastcgi;
			uwsgi_temp_path $1/nginx/uwsgi;
			scgi_temp_path $1/nginx/scgi;
			keepalive_requests 100000;
			upstream node {
				server unix:$1/1.sock;
				server unix:$1/2.sock;
				keepalive 64;
			}
			server {
				listen 127.0.0.1:$2 backlog=4096;
				location / {
					proxy_pass http://node;
					proxy_http_version 1.1;
					proxy_set_header Connection "";
					proxy_read_timeout 75s;
				}
			}
		}
	CONF
}

# Its packages, as the lock file has them, beside what is built.
node_install() {
	BENCH_NODE=$STACK_ROOT/build/bench/node
	mkdir -p "$BENCH_NODE" &&
		cp "$BENCH"/node/*.mjs "$BENCH"/node/package*.json "$BENCH_NODE/" &&
		cmp -s "$BENCH_NODE/package-lock.json" "$BENCH_NODE/installed" &&
		return
	say "installing the Node service's packages"
	(cd "$BENCH_NODE" && npm ci --omit=dev --ignore-scripts --no-audit \
		--no-fund >npm.log 2>&1 && cp package-lock.json installed)
}

bench_stack() {
	stack_init || give_up "no directory"
	stack_setting database_prepared 1
	stack_setting workers 64
	# a busy machine may take long for what is measured, but not fail
	stack_setting query_timeout_ms 120000
	# a poll is asked for, never due
	stack_setting poll_interval_ms 3600000
	{ stack_postgres && stack_migrate && bench_stub && stack_gateway &&
		stack_nginx; } || give_up "no stack"
	bench_users
}

# --- users, connections, tasks ------------------------------------------------

# The n-th user, task and so on have ids that every tool can make up: md5 of a
# word and n.
bench_users() {
	local token type

	stack_sql -c "select md5('user' || n)::uuid
		from generate_series(0, $USERS - 1) n" >"$STACK_DIR/users"
	while read -r token; do
		stack_token "$token" || return 1
	done <"$STACK_DIR/users" >"$STACK_DIR/tokens"
	while read -r token; do
		for type in todoist linear attio; do
			connection_call "$token" "$type" bench
		done
	done <"$STACK_DIR/tokens" | curl_all || give_up "no connections"
	stack_sql -c "update connections c
		set metadata = '{\"teamDoneStates\": {\"team\": \"done\"}}'
		from integrations i
		where i.id = c.id and i.type = 'linear'"
}

# connection_call TOKEN TYPE KEY: a call that adds one, for curl_all.
connection_call() {
	cat <<-CURL
		next
		url = "$URL/v1/connections"
		header = "Authorization: Bearer $1"
		header = "Content-Type: application/json"
		data = "{\"type\":\"$2\",\"key\":\"$3\"}"
		output = "/dev/null"
		silent
		fail
	CURL
}

curl_all() {
	sed 1d | curl -K -
}

# use_database NAME: the gateway's from here on; made at first use, with
# the users' connections but no task.
use_database() {
	STACK_DATABASE=$1
	stack_setting database_url "${DATABASE_URL%/*}/$1"
	if [ -z "$(stack_sql -d postgres -c \
		"select 1 from pg_database where datname = '$1'")" ]; then
		stack_admin postgres -c "create database $1 owner flowpin" ||
			give_up "no database $1"
		stack_migrate || give_up "no schema in $1"
		{
			echo 'set session_replication_role = replica;'
			pg_dump -h "$STACK_DIR/pg" -p "$STACK_PG_PORT" -U postgres \
				-a -t public.integrations -t gateway.connections \
				flowpin
		} | stack_admin "$1" >/dev/null || give_up "no connections"
	fi
	restart_gateway
}

restart_gateway() {
	stack_end gateway
	stack_gateway || give_up "no gateway"
}

# bench_tasks COUNT: imported ones, spread over users and providers. Indexes and
# checks come after the rows: ten million would take an hour otherwise.
bench_tasks() {
	local drop=$STACK_DIR/drop.sql restore=$STACK_DIR/restore.sql

	bench_indexes >"$STACK_DIR/indexes"
	cut -f 1 "$STACK_DIR/indexes" >"$drop"
	cut -f 2 "$STACK_DIR/indexes" >"$restore"
	stack_admin "$STACK_DATABASE" <<-SQL || give_up "no tasks"
		set session_replication_role = replica;
		\i $drop
		insert into tasks (id, user_id, title, source, source_id,
			connection_id, created_at, updated_at)
		select md5('task' || n)::uuid, i.user_id, 'Task ' || n,
		       i.type::text::task_source, 'item-' || n, i.id,
		       now() - n * interval '1 s', now() - n * interval '1 s'
		  from generate_series(1, $1) n
		  join integrations i
		    on i.user_id = md5('user' || n % $USERS)::uuid
		   and i.type::text = (array['todoist', 'linear', 'attio'])[1 + n % 3];
		insert into gateway.links (task_id, user_id, source, source_id, status,
			metadata, seen_at)
		select id, user_id, source::text, source_id, 'active',
		       case source
				when 'todoist' then '{"is_recurring": false}'
				when 'linear' then '{"team_id": "team",
					"state_id": "todo",
					"state_type": "unstarted"}'
				else '{}' end::jsonb,
		       now()
		  from tasks;
		set maintenance_work_mem = '512MB';
		\i $restore
	SQL
	stack_admin "$STACK_DATABASE" -c 'vacuum analyze' -c checkpoint
}

# What tasks and links have besides their primary keys: how it goes, and how it
# comes back.
bench_indexes() {
	stack_sql -F "$(printf '\t')" <<-'SQL'
		set search_path = pg_catalog; -- names come with their schema
		select case when k.oid is null
				then format('drop index %s;', x.indexrelid::regclass)
				else format('alter table %s drop constraint %I;',
					x.indrelid::regclass, k.conname) end,
		       case when k.oid is null
				then pg_get_indexdef(x.indexrelid) || ';'
				else format('alter table %s add constraint %I %s;',
					x.indrelid::regclass, k.conname,
					pg_get_constraintdef(k.oid)) end
		  from pg_index x
		  left join pg_constraint k on k.conindid = x.indexrelid
		   and k.conrelid = x.indrelid and k.contype = 'u'
		 where x.indrelid in ('public.tasks'::regclass,
				'gateway.links'::regclass)
		   and not x.indisprimary
	SQL
}

# bench_load FILE TASK...: calls that complete what is active and the other way
# round, in an order of no meaning. TASK... is SQL for the tasks' numbers.
bench_load() {
	stack_sql -F ' ' -c "select n % $USERS, t.id, case t.status
			when 'active' then 'complete' else 'uncomplete' end
		from ($2) numbers (n)
		join tasks t on t.id = md5('task' || n)::uuid
		order by md5(t.id::text)" |
		awk 'NR == FNR { token[NR - 1] = $1; next }
			{ print token[$1], $2, $3 }' "$STACK_DIR/tokens" - >"$1"
}

# --- measuring ----------------------------------------------------------------

# What wrk and pgbench work on, each its own.
WRK_TASKS='select generate_series(1, 10000)'
PGBENCH_FIRST=10001
PGBENCH_TASKS=10000

# bench_wrk URL CLIENTS SECONDS: sets RATE (completions a second)
# and P50 (ms).
bench_wrk() {
	bench_load "$STACK_DIR/load" "$WRK_TASKS"
	LOAD=$STACK_DIR/load wrk -t 1 -c "$2" -d "$3" --timeout 20 \
		-s "$BENCH/load.lua" "$1" >"$STACK_DIR/wrk.log" 2>&1 ||
		give_up "wrk: $(cat "$STACK_DIR/wrk.log")"
	read -r RATE P50 OTHERS < <(awk '/^load / {
		printf "%.1f %.3f %d\n", $2 / $3, $4 / 1000, $6
	}' "$STACK_DIR/wrk.log")
	# what the run before left in flight may have come between
	[ "${OTHERS:-9999}" -le $((${WRK_LEFT:-0} + $2)) ] ||
		give_up "$OTHERS calls were no completions: $(head -n 3 "$STACK_DIR/wrk.log")"
	WRK_LEFT=$2
}

# bench_pgbench CLIENTS SECONDS: the same begin and settle, one by one. Sets RATE
# and P50 (ms), the median of one begin and one settle.
bench_pgbench() {
	local threads=$(($1 < 2 ? 1 : 2)) log=$STACK_DIR/pgbench

	rm -f "$log".[0-9]*
	awk -f "$BENCH/pairs.awk" -v tasks=$PGBENCH_TASKS -v first=$PGBENCH_FIRST \
		-v users=$USERS -v clients="$1" \
		"$STACK_ROOT"/sql/queries/writeback_{begin,settle}.sql \
		>"$STACK_DIR/pairs.sql"
	pgbench -h "$STACK_DIR/pg" -p "$STACK_PG_PORT" -U flowpin -n -M prepared \
		-c "$1" -j $threads -T "$2" -f "$STACK_DIR/pairs.sql" \
		--log --log-prefix="$log" "$STACK_DATABASE" >"$STACK_DIR/pgbench.out" 2>&1 ||
		give_up "pgbench: $(tail -n 3 "$STACK_DIR/pgbench.out")"
	# a transaction of it is two pairs
	RATE=$(awk '/^tps/ { rate = 2 * $3 } END { print rate + 0 }' \
		"$STACK_DIR/pgbench.out")
	P50=$(cat "$log".[0-9]* | awk '{ print $3 / 2000 }' | sort -g |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] + 0 }')
}

# kib_of NAME...: the processes' proportional share of memory; what several of
# them map alike counts once.
kib_of() {
	local name

	for name; do
		cat "/proc/$(stack_pid "$name")/smaps_rollup"
	done | awk '/^Pss:/ { sum += $2 } END { print sum }'
}

# server_ms: CPU that the server's processes for the gateway's role used so far, those
# that ended included: what a run cost is told by the difference. The kernel counts the
# ended ones as the server's children.
server_ms() {
	local server pid ended

	server=$(stack_pid postgres)
	ended=$(ticks_of "$server" 16 17)
	for pid in $(pgrep -P "$server" -f '^postgres: flowpin '); do
		ended=$((ended + $(ticks_of "$pid" 14 15)))
	done
	echo $((ended * 1000 / $(getconf CLK_TCK)))
}

# ticks_of PID FIELD FIELD: their sum, of its stat; nothing of one that is gone.
ticks_of() {
	sed 's/^.*) /- - /' "/proc/$1/stat" 2>/dev/null |
		awk -v a="$2" -v b="$3" '{ sum = $a + $b } END { print sum + 0 }'
}

# median NUMBER...
median() {
	printf '%s\n' "$@" | sort -g | awk '{ v[NR] = $1 } END {
		print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# --- results ------------------------------------------------------------------

# sample WHAT NUMBER: one round's figure.
sample() {
	SAMPLES[$1]="${SAMPLES[$1]:-} $2"
}

# of WHAT: the median of its rounds; nothing if it was not measured.
of() {
	# shellcheck disable=SC2086 # numbers
	[ -z "${SAMPLES[$1]:-}" ] || median ${SAMPLES[$1]}
}

calc() {
	awk "BEGIN { printf \"%.4g\", ($1) }"
}

mib() { # KIB
	[ -z "$1" ] || calc "$1 / 1024"
}

# result MEASURED VALUE AGAINST VALUE TARGET: a line of the table. TARGET is
# ">= 1.3" or "<= 1.5", of the two values' ratio; - stands for what was left out.
result() {
	local ratio=-

	[ -z "$4" ] || ratio=$(calc "$2 / $4")
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$3" "${4:--}" "$ratio" \
		"$5" >>"$RESULTS"
}
