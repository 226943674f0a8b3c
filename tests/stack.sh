# shellcheck shell=bash
# shellcheck disable=SC2034 # URL, SIM_URL, STACK_STATUS are for the caller
# A private Flowpin: PostgreSQL, simulator, gateway, nginx and poller in one
# temporary directory, on loopback ports that were free. For `make run`, the
# integration tests and the bench; sourced, not run.
#
#	stack_init                 a directory, settings, traps
#	stack_postgres             a server, a role and its database
#	stack_flowpin              Flowpin's own tables in it, and the gateway's
#	stack_sim  stack_migrate  stack_gateway  stack_nginx [PORT]
#	stack_pollers SECONDS      a pass every so often
#	stack_pgbouncer            a transaction pooler in front of PostgreSQL
#	stack_stop                 ends all of it; also on EXIT, INT and TERM
#
# It leaves URL, SIM_URL, DATABASE_URL and STACK_DIR.
#
# Everything started is a child of this shell, so that its pid stays its own
# until this shell waited for it. Readiness is a condition with a deadline.

STACK_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd) || exit 1
BUILD=${BUILD:-build/release}
case $BUILD in
/*) STACK_BIN=$BUILD ;;
*) STACK_BIN=$STACK_ROOT/$BUILD ;;
esac

# nginx and pgbouncer live where an ordinary user's PATH does not look, PostgreSQL's
# programs behind a script of Debian's that takes longer than they do
STACK_PG_BIN=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
STACK_PG_BIN=${STACK_PG_BIN%/initdb}
[ ! -x "$STACK_PG_BIN/psql" ] || PATH=$STACK_PG_BIN:$PATH
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# A stack's settings come from its own file: what the caller's environment
# says about another installation must not reach it.
# shellcheck disable=SC2086 # names of variables
unset ${!FLOWPIN_@} ${!PG@}

STACK_DIR=
STACK_FSYNC=${STACK_FSYNC:-off}
STACK_PG_OPTIONS=() # what else the server is started with
STACK_WAIT=${STACK_WAIT:-30} # seconds for anything to become ready
# name:pid, in the order of their start
STACK_PIDS=()

stack_fail() {
	echo "stack: $*" >&2
	return 1
}

# stack_until SECONDS COMMAND...: true as soon as the command is.
stack_until() {
	local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))

	shift
	until "$@"; do
		((${EPOCHREALTIME/[.,]/} < deadline)) || return 1
		stack_pause 0.05
	done
}

# stack_pause SECONDS: without a process that sleeps; nobody ever writes there.
stack_pause() {
	stack_read -rt "$1" -u "$STACK_SILENCE"
	return 0
}

# stack_read OPTION... NAME: read with a limit. A trap that ends the shell must not do so
# within it: the limit would come later, and bash would jump back into what is gone.
stack_read() {
	local status

	STACK_READS=1
	# shellcheck disable=SC2162 # its caller says so
	read "$@"
	status=$?
	STACK_READS=
	[ -z "${STACK_SIGNALLED:-}" ] || exit "$STACK_SIGNALLED"
	return "$status"
}

# stack_signalled STATUS: end with it, as soon as that can be.
stack_signalled() {
	STACK_SIGNALLED=$1
	[ -n "${STACK_READS:-}" ] || exit "$1"
}
exec {STACK_SILENCE}<> <(:)

# The directory is short: a Unix socket's path ends after 107 bytes.
stack_init() {
	STACK_DIR=$(mktemp -d /tmp/flowpin.XXXXXX) || return 1
	trap stack_stop EXIT
	# exit runs the trap above, with the status a signal's victim has
	trap 'stack_signalled 130' INT
	trap 'stack_signalled 143' TERM
	trap 'stack_signalled 129' HUP
	# root's PostgreSQL runs under another account and must come through
	[ "$EUID" != 0 ] || chmod 711 "$STACK_DIR"
	(
		umask 077
		openssl rand -hex 32 >"$STACK_DIR/jwt.secret"
		openssl rand -hex 32 >"$STACK_DIR/master.key"
		: >"$STACK_DIR/flowpin.conf"
	)
	stack_setting socket "$STACK_DIR/gateway.sock"
	stack_setting jwt_secret_files "$STACK_DIR/jwt.secret"
	stack_setting master_key_files "$STACK_DIR/master.key"
	# two lists in a row are two, however soon they come
	stack_setting absence_least_ms 0
	stack_setting replica_lag_ms 0
	# the simulator does not go on working on what it did not answer
	stack_setting doubt_ms 0
	stack_few_certificates
}

# One certificate instead of the system's hundred: hundreds of programs are started, and
# nothing here speaks TLS.
stack_few_certificates() {
	local kept=$STACK_ROOT/build/ca.pem

	if [ ! -s "$kept" ]; then
		mkdir -p "${kept%/*}" && openssl req -x509 -newkey ec \
			-pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
			-subj /CN=localhost -keyout /dev/null -out "$kept.$$" \
			2>/dev/null && mv "$kept.$$" "$kept" || return 1
	fi
	stack_setting ca_file "$kept"
}

# stack_setting NAME VALUE: in the file all programs of this stack read.
stack_setting() {
	local file=$STACK_DIR/flowpin.conf line lines=''

	while IFS= read -r line; do
		[[ $line == "$1 = "* ]] || lines+=$line$'\n'
	done <"$file"
	printf '%s%s = %s\n' "$lines" "$1" "$2" >"$file"
}

# stack_start NAME COMMAND...: in the background, its output in NAME.log.
# A session of its own keeps a terminal's Ctrl-C from it, so that the stack ends
# in order; the kernel ends it should this shell be killed.
stack_start() {
	local name=$1

	shift
	setsid setpriv --pdeathsig TERM -- "$@" \
		</dev/null >>"$STACK_DIR/$name.log" 2>&1 &
	STACK_PIDS+=("$name:$!")
}

stack_pid() {
	local entry

	for entry in "${STACK_PIDS[@]}"; do
		[ "${entry%%:*}" = "$1" ] && echo "${entry#*:}"
	done
}

# Is it there? A child that ended stays visible to kill until it is waited for.
stack_alive() {
	local pid state

	pid=$(stack_pid "$1")
	[ -n "$pid" ] && read -r _ _ state _ 2>/dev/null <"/proc/$pid/stat" &&
		[ "$state" != Z ]
}

# stack_await NAME COMMAND...: until the command holds, as long as NAME lives.
stack_await() {
	local name=$1

	shift
	stack_until "$STACK_WAIT" stack_holds_or_gone "$name" "$@" &&
		stack_alive "$name" && "$@" && return 0
	stack_fail "$name did not start; the end of its log:"
	tail -n 20 "$STACK_DIR/$name.log" >&2
	return 1
}

stack_holds_or_gone() {
	local name=$1

	shift
	"$@" || ! stack_alive "$name"
}

# stack_end NAME [SIGNAL]: and wait; what does not end in time is killed.
stack_end() {
	local name=$1 signal=${2:-TERM} entry pid left=()

	pid=$(stack_pid "$name")
	[ -n "$pid" ] || return 0
	kill -s "$signal" "$pid" 2>/dev/null
	stack_until 20 stack_is_down "$name" || kill -s KILL "$pid" 2>/dev/null
	# not while all ends: a signal that met bash in `wait -n` can make it wait for ever
	[ -n "${STACK_ENDING:-}" ] || wait "$pid" 2>/dev/null
	STACK_STATUS=$?
	for entry in "${STACK_PIDS[@]}"; do
		[ "$entry" = "$name:$pid" ] || left+=("$entry")
	done
	STACK_PIDS=("${left[@]}")
}

stack_is_down() {
	! stack_alive "$1"
}

# A port nobody listens on, below those the kernel gives to clients. Somebody
# may take it before we do: whoever starts on it tries another one then.
stack_port() {
	local port

	for _ in {1..100}; do
		port=$((10000 + (RANDOM * 32768 + RANDOM) % 22000))
		if ! stack_is_taken "$port"; then
			echo "$port"
			return 0
		fi
	done
	stack_fail "no free port"
}

stack_is_taken() {
	(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# PostgreSQL refuses to run as root, and PgBouncer too.
stack_account() {
	if [ "$EUID" != 0 ]; then
		"$@"
	else
		stack_drop
		setpriv "${STACK_DROP[@]}" -- "$@"
	fi
}

stack_drop() {
	local user=nobody

	id postgres >/dev/null 2>&1 && user=postgres
	STACK_OWNER=$user
	STACK_DROP=("--reuid=$user" "--regid=$(id -g "$user")" --clear-groups)
}

stack_postgres() {
	local bin=$STACK_PG_BIN data=$STACK_DIR/pg/data password start=()

	[ -x "$bin/initdb" ] || bin=$(dirname "$(command -v initdb)")
	mkdir -m 700 "$STACK_DIR/pg" || return 1
	if [ "$EUID" = 0 ]; then
		stack_drop
		chown "$STACK_OWNER" "$STACK_DIR/pg"
		start=(setpriv "${STACK_DROP[@]}" --pdeathsig INT --)
	fi
	stack_cluster "$bin" "$data" || return 1
	# the socket lies in a folder only its owner enters; loopback is everybody's
	stack_account tee "$data/pg_hba.conf" >/dev/null <<-'HBA'
		local all all trust
		host all all 127.0.0.1/32 scram-sha-256
	HBA
	for _ in {1..5}; do
		STACK_PG_PORT=$(stack_port) || return 1
		: >"$STACK_DIR/postgres.log"
		cd "$STACK_DIR/pg" || return 1
		stack_start postgres "${start[@]}" "$bin/postgres" -D "$data" \
			-p "$STACK_PG_PORT" -k "$STACK_DIR/pg" \
			-c listen_addresses=127.0.0.1 -c "fsync=$STACK_FSYNC" \
			-c "full_page_writes=$STACK_FSYNC" -c max_connections=200 \
			-c shared_buffers=64MB -c timezone=UTC \
			-c "log_line_prefix=%m %u %a " "${STACK_PG_OPTIONS[@]}"
		cd "$OLDPWD" || return 1
		stack_until "$STACK_WAIT" stack_holds_or_gone postgres \
			stack_pg_is_ready && stack_alive postgres && break
		stack_end postgres
	done
	stack_await postgres stack_pg_is_ready || return 1
	password=$(openssl rand -hex 16)
	stack_admin postgres <<-SQL || return 1
		create role flowpin login password '$password';
		alter role flowpin set jit = off;
		create database flowpin owner flowpin;
	SQL
	DATABASE_URL=postgresql://flowpin:$password@127.0.0.1:$STACK_PG_PORT/flowpin
	stack_setting database_url "$DATABASE_URL"
}

# stack_cluster BIN DATA: an empty one. initdb takes seconds, and its result is always
# the same: a copy of the first one does.
stack_cluster() {
	local kept=$STACK_ROOT/build/cluster/$EUID${1//\//_} new

	if [ -d "$kept" ]; then
		cp -a "$kept" "$2"
		return
	fi
	# from there: it wants to come back to where it was, which may be closed
	(cd "$STACK_DIR/pg" && stack_account "$1/initdb" -D "$2" -A trust \
		-U postgres -E UTF8 --locale=C.UTF-8 --no-sync) \
		>"$STACK_DIR/initdb.log" 2>&1 || {
		stack_fail "initdb:"
		cat "$STACK_DIR/initdb.log" >&2
		return 1
	}
	rm -f "$STACK_DIR/initdb.log"
	# who comes second finds it there
	new=$kept.$$
	mkdir -p "${kept%/*}" && cp -a "$2" "$new" && mv -nT "$new" "$kept"
	rm -rf "$new"
}

stack_pg_is_ready() {
	psql -X -q -h "$STACK_DIR/pg" -p "$STACK_PG_PORT" -U postgres -d postgres \
		-c 'select 1' >/dev/null 2>&1
}

# stack_admin DATABASE [PSQL OPTION...]: psql as the server's owner.
stack_admin() {
	stack_psql postgres "$1" "${PGOPTIONS:-}" "${@:2}"
}

# stack_flowpin: Flowpin's own database, as its later versions have it; the gateway's
# role has what gateway-role.sql gives it, and clients write as their users, behind row
# level security.
stack_flowpin() {
	local url="postgresql://postgres@/flowpin?host=$STACK_DIR/pg&port=$STACK_PG_PORT"

	stack_admin flowpin -f "$STACK_ROOT/tests/fixtures/flowpin/schema.sql" &&
		stack_admin flowpin -c "alter table tasks add source_metadata jsonb,
			add waiting_for_reason text, drop source_project" &&
		FLOWPIN_DATABASE_URL=$url stack_migrate &&
		stack_admin flowpin -f "$STACK_ROOT/sql/gateway-role.sql"
}

# stack_psql USER DATABASE OPTIONS [PSQL OPTION...]
stack_psql() {
	PGOPTIONS=$3 psql -X -q -v ON_ERROR_STOP=1 -h "$STACK_DIR/pg" \
		-p "$STACK_PG_PORT" -U "$1" -d "$2" "${@:4}"
}

# stack_sql [PSQL OPTION...]: psql as the gateway's role, bare values; the gateway's
# tables are found without their schema.
stack_sql() {
	stack_psql flowpin "${STACK_DATABASE:-flowpin}" \
		"-c search_path=public,gateway" -A -t "$@"
}

# stack_query FILE...: a query as it is sent, its parameters numbered in the order
# of their lines, which come first.
stack_query() {
	awk -v kind=query -v part=sql -f "$STACK_ROOT/src/embed.awk" "$@"
}

# A pooler that hands out a connection per transaction, as Supabase's does.
# Sets DATABASE_URL_POOLED; a setting is the caller's to change.
stack_pgbouncer() {
	local dir=$STACK_DIR/pgbouncer start=() password

	password=${DATABASE_URL#*://flowpin:}
	password=${password%%@*}
	mkdir -m 700 "$dir" || return 1
	if [ "$EUID" = 0 ]; then
		stack_drop
		start=(setpriv "${STACK_DROP[@]}" --pdeathsig INT --)
	fi
	for _ in {1..5}; do
		STACK_BOUNCER_PORT=$(stack_port) || return 1
		(umask 077 && echo "\"flowpin\" \"$password\"" >"$dir/users" &&
			cat >"$dir/ini") <<-INI || return 1
			[databases]
			flowpin = host=127.0.0.1 port=$STACK_PG_PORT dbname=flowpin
			[pgbouncer]
			listen_addr = 127.0.0.1
			listen_port = $STACK_BOUNCER_PORT
			unix_socket_dir =
			auth_type = scram-sha-256
			auth_file = $dir/users
			pool_mode = transaction
			default_pool_size = 8
			max_client_conn = 500
			ignore_startup_parameters = extra_float_digits,options
		INI
		[ "$EUID" = 0 ] && chown -R "$STACK_OWNER" "$dir"
		DATABASE_URL_POOLED=${DATABASE_URL/:$STACK_PG_PORT/:$STACK_BOUNCER_PORT}
		: >"$STACK_DIR/pgbouncer.log"
		stack_start pgbouncer "${start[@]}" pgbouncer "$dir/ini"
		stack_until "$STACK_WAIT" stack_holds_or_gone pgbouncer \
			stack_bouncer_is_ready && stack_alive pgbouncer && return 0
		stack_end pgbouncer
	done
	stack_fail "pgbouncer did not start; see $STACK_DIR/pgbouncer.log"
}

stack_bouncer_is_ready() {
	psql -X -q "$DATABASE_URL_POOLED" -c 'select 1' >/dev/null 2>&1
}

stack_migrate() {
	"$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" migrate \
		>>"$STACK_DIR/migrate.log" 2>&1 && return 0
	stack_fail "migrating failed:"
	tail -n 20 "$STACK_DIR/migrate.log" >&2
	return 1
}

# stack_sim [PROVIDER...|none]: the providers on loopback. Sets SIM_URL and points
# the settings of those named (all three if nothing is said) at it.
stack_sim() {
	local provider

	stack_start sim "$STACK_BIN/flowpin-sim" --port 0 \
		--port-file "$STACK_DIR/sim.port"
	stack_await sim test -s "$STACK_DIR/sim.port" || return 1
	SIM_URL=http://127.0.0.1:$(cat "$STACK_DIR/sim.port")
	[ $# -gt 0 ] || set -- todoist linear attio
	for provider; do
		[ "$provider" = none ] ||
			stack_setting "${provider}_url" "$SIM_URL"
	done
	stack_await sim curl -s -o /dev/null "$SIM_URL/_sim/requests?since=0"
}

# stack_gateway [NAME]: behind nginx if it is called gateway, or so in
# STACK_GATEWAYS. An older one's socket file would look like readiness.
stack_gateway() {
	local name=${1:-gateway}

	rm -f "$STACK_DIR/$name.sock"
	stack_start "$name" env "FLOWPIN_SOCKET=$STACK_DIR/$name.sock" \
		"$STACK_BIN/flowpin-gateway" --config "$STACK_DIR/flowpin.conf"
	stack_await "$name" test -S "$STACK_DIR/$name.sock"
}

# stack_nginx [PORT]: a given port or none, otherwise a free one. Sets URL.
stack_nginx() {
	local dir=$STACK_DIR/nginx port=${1:-}

	[ -d "$dir" ] || mkdir -m 700 "$dir" || return 1
	cp "$STACK_ROOT/nginx/flowpin-locations.conf" "$dir/" || return 1
	for _ in {1..5}; do
		[ $# -gt 0 ] || port=$(stack_port) || return 1
		stack_nginx_conf "$dir" "$port" >"$dir/nginx.conf"
		: >"$STACK_DIR/nginx.log"
		# -e: before it read its configuration nginx logs elsewhere
		stack_start nginx nginx -e "$STACK_DIR/nginx.log" -p "$dir" \
			-c "$dir/nginx.conf"
		# it writes its pid when it listens
		stack_until "$STACK_WAIT" stack_holds_or_gone nginx \
			test -s "$dir/pid" && stack_alive nginx && break
		stack_end nginx
		[ $# -eq 0 ] || break
	done
	stack_await nginx test -s "$dir/pid" || return 1
	URL=http://127.0.0.1:$port
}

stack_nginx_conf() {
	# workers as whoever owns the directory: the socket is theirs
	[ "$EUID" = 0 ] && echo 'user root;'
	cat <<-CONF
		daemon off;
		worker_processes ${STACK_NGINX_WORKERS:-auto};
		pid $1/pid;
		error_log $STACK_DIR/nginx.log;
		events {
			worker_connections 4096;
		}
		http {
			access_log $1/access.log;
			client_body_temp_path $1/body;
			fastcgi_temp_path $1/fastcgi;
			proxy_temp_path $1/proxy;
			uwsgi_temp_path $1/uwsgi;
			scgi_temp_path $1/scgi;
			keepalive_requests 100000;
			map \$http_origin \$flowpin_origin {
				default "";
				$(stack_origins)
			}
			map \$server_port \$flowpin_hsts {
				default "";
			}
			upstream flowpin_gateway {
				$(stack_upstreams)
			}
			server {
				listen 127.0.0.1:$2 backlog=4096;
				server_name localhost;
				include $1/flowpin-locations.conf;
			}
		}
	CONF
}

# Those that STACK_ORIGINS lists.
stack_origins() {
	local origin

	for origin in ${STACK_ORIGINS:-}; do
		echo "\"$origin\" \$http_origin;"
	done
}

# Calls go to them in turn.
stack_upstreams() {
	local name

	for name in ${STACK_GATEWAYS:-gateway}; do
		echo "server unix:$STACK_DIR/$name.sock max_fails=0;"
	done
}

stack_poll() {
	"$STACK_BIN/flowpin-poller" --config "$STACK_DIR/flowpin.conf" "$@" \
		>>"$STACK_DIR/poller.log" 2>&1
}

# stack_pollers SECONDS: as systemd's timer does it, a pass and then a pause.
stack_pollers() {
	stack_poll_loop "$1" "$$" &
	STACK_PIDS+=("pollers:$!")
}

stack_poll_loop() {
	local child=

	trap - EXIT INT HUP
	trap 'kill "$child" 2>/dev/null; wait; exit 0' TERM
	trap '' INT # a terminal's Ctrl-C: the stack ends it in its turn
	while kill -0 "$2" 2>/dev/null; do
		setsid setpriv --pdeathsig TERM -- "$STACK_BIN/flowpin-poller" \
			--config "$STACK_DIR/flowpin.conf" \
			</dev/null >>"$STACK_DIR/poller.log" 2>&1 &
		child=$!
		wait "$child"
		sleep "$1" &
		child=$!
		wait "$child"
	done
}

# stack_token USER_ID [SECONDS]: what Supabase would have given to this user.
stack_token() {
	"$STACK_BIN/flowpinctl" --config "$STACK_DIR/flowpin.conf" \
		token "$1" --life "${2:-86400}"
}

# Last started, first ended: nobody loses what it depends on while it works.
stack_stop() {
	local status=$? i names=()

	STACK_SIGNALLED=
	STACK_ENDING=1
	trap - EXIT
	trap '' INT TERM HUP # impatience must not leave half of it behind
	for ((i = ${#STACK_PIDS[@]} - 1; i >= 0; i--)); do
		names+=("${STACK_PIDS[i]%%:*}")
	done
	for i in "${names[@]}"; do
		case $i in
		postgres) stack_end "$i" INT ;; # its fast shutdown
		pgbouncer) stack_end "$i" INT ;;
		*) stack_end "$i" TERM ;;
		esac
	done
	[ -z "${STACK_KEEP:-}" ] && [ -n "$STACK_DIR" ] && rm -rf "$STACK_DIR"
	STACK_ENDING=
	trap - INT TERM HUP
	return "$status"
}
