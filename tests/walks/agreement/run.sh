#!/bin/bash
# The agreement test: starts what it needs, then hands over to __main__.py.
#
#	BUILD=build/crash WALKS=200 STEPS=200 SEED=random tests/walks/agreement/run.sh
#
# A walk that failed leaves its log in build/agreement; with KEEP=1 each does. STORIES=9
# tells so many of them whole.
set -u -o pipefail
# shellcheck source-path=SCRIPTDIR source=../../stack.sh
. "$(dirname "$0")/../../stack.sh"

WALKS=${WALKS:-200}
STEPS=${STEPS:-200}
SEED=${SEED:-random}
[ "$SEED" != random ] || SEED=$((RANDOM * 32768 + RANDOM))

# Leases are short, so that what died is taken over while the walk goes on, and
# polls come when they are asked for. The Unix socket spares each program the
# price of a password.
settings() {
	stack_setting database_url \
		"postgresql://flowpin@/flowpin?host=$STACK_DIR/pg&port=$STACK_PG_PORT" &&
		stack_setting call_deadline_ms 1500 &&
		stack_setting lease_ms 2500 &&
		stack_setting provider_timeout_ms 700 &&
		stack_setting give_up_ms 8000 &&
		stack_setting recurring_grace_ms 1200 &&
		stack_setting replica_lag_ms 1500 &&
		stack_setting absence_least_ms 1400 &&
		stack_setting sweep_ms 200 &&
		stack_setting poll_interval_ms 3600000 &&
		stack_setting poll_longest_wait_ms 3600000 &&
		stack_setting poll_lease_ms 3000 &&
		stack_setting poll_concurrency 8 &&
		stack_setting workers 24 &&
		stack_setting database_connections 8
}

audit() {
	stack_admin flowpin -f "$STACK_ROOT/tests/walks/audit.sql"
}

stack_init && stack_postgres && stack_flowpin && audit && stack_sim &&
	settings || exit 1
PYTHONPATH=$STACK_ROOT/tests setpriv --pdeathsig TERM -- python3 -B -m walks.agreement \
	--walks "$WALKS" --steps "$STEPS" --seed "$SEED" --stack "$STACK_DIR" \
	--programs "$STACK_BIN" --source "$STACK_ROOT/src" --simulator "$SIM_URL" \
	--postgres-port "$STACK_PG_PORT" \
	--logs "$STACK_ROOT/build/agreement" </dev/null &
STACK_PIDS+=("walk:$!")
wait "$!"
STACK_STATUS=$?
exit "$STACK_STATUS"
