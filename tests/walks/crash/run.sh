#!/bin/bash
# The killing test: starts what it needs, then hands over to __main__.py, which
# walks the crash points and judges what is left.
#
#	BUILD=build/crash KILLS=500 SEED=random tests/walks/crash/run.sh
#
# PostgreSQL is a child of this shell, so it is this shell that restarts it when
# the walk asks for that.
set -u -o pipefail
# shellcheck source-path=SCRIPTDIR source=../../stack.sh
. "$(dirname "$0")/../../stack.sh"

KILLS=${KILLS:-500}
SEED=${SEED:-random}
[ "$SEED" != random ] || SEED=$((RANDOM * 32768 + RANDOM))

# restart_postgres HOW: as `pg_ctl restart -m HOW` does it. immediate is SIGQUIT,
# and recovery at the start; fast is SIGINT, which ends sessions in order.
restart_postgres() {
	local command start=() signal=INT

	mapfile -d '' -t command <"/proc/$(stack_pid postgres)/cmdline"
	if [ "$(id -u)" = 0 ]; then
		stack_drop
		start=(setpriv "${STACK_DROP[@]}" --pdeathsig INT --)
	fi
	[ "$1" = fast ] || signal=QUIT
	stack_end postgres "$signal"
	cd "$STACK_DIR/pg" || return 1
	stack_start postgres "${start[@]}" "${command[@]}"
	cd "$OLDPWD" || return 1
	stack_await postgres stack_pg_is_ready
}

# PgBouncer waits 15 s after a failed login before it tries again; a test that
# takes the database away wants to know sooner.
impatient_pgbouncer() {
	sed -i '/^pool_mode/a server_login_retry = 0.2' "$STACK_DIR/pgbouncer/ini" &&
		kill -s HUP "$(stack_pid pgbouncer)"
}

# Every change of a task and of a writeback, with its transaction: what the
# promise "they commit together" is held against.
audit() {
	stack_admin flowpin -f "$STACK_ROOT/tests/walks/audit.sql"
}

settings() {
	stack_setting database_url "$DATABASE_URL_POOLED" &&
		stack_setting call_deadline_ms 1500 &&
		stack_setting lease_ms 2500 &&
		stack_setting provider_timeout_ms 700 &&
		stack_setting doubt_ms 1500 &&
		stack_setting sweep_ms 5000 &&
		stack_setting recurring_grace_ms 100 &&
		stack_setting poll_interval_ms 600000 &&
		stack_setting poll_lease_ms 3000 &&
		stack_setting workers 8 &&
		stack_setting database_connections 8
}

start_stack() {
	stack_init && stack_postgres && stack_flowpin && audit &&
		stack_pgbouncer && impatient_pgbouncer && stack_sim &&
		settings
}

walk_goes_on() {
	stack_alive walk
}

start_stack || exit 1
mkfifo "$STACK_DIR/asked" "$STACK_DIR/done" || exit 1
exec 7<>"$STACK_DIR/asked" 8<>"$STACK_DIR/done"
PYTHONPATH=$STACK_ROOT/tests setpriv --pdeathsig TERM -- python3 -B -m walks.crash \
	--kills "$KILLS" --seed "$SEED" --stack "$STACK_DIR" \
	--programs "$STACK_BIN" --source "$STACK_ROOT/src" --simulator "$SIM_URL" \
	--postgres-port "$STACK_PG_PORT" ${COUNTS:+--counts "$COUNTS"} </dev/null 7<&- 8<&- &
STACK_PIDS+=("walk:$!")
while walk_goes_on; do
	stack_read -r -t 0.5 word <&7 || continue
	# shellcheck disable=SC2154 # stack_read sets it
	restart_postgres "$word" || exit 1
	echo "$word" >&8
done
STACK_STATUS=1 # until the walk's own is known
stack_end walk
exit "$STACK_STATUS"
