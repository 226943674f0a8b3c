#!/bin/bash
# Several statements in one round trip are one transaction: all or nothing,
# directly and through a pooler that hands out a connection per transaction.
# What is asserted lies in pipeline.c.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# pipeline URL [NAME=VALUE]: cmocka's lines are told if one fails.
pipeline() {
	local url=$1

	shift
	env DATABASE_URL="$url" "$@" "$STACK_BIN/tests/integration/pipeline" \
		>"$STACK_DIR/pipeline.log" 2>&1 </dev/null && return 0
	diag "$(cat "$STACK_DIR/pipeline.log")"
	return 1
}

test_steps_are_one_transaction() {
	ok "each of them" pipeline "$DATABASE_URL"
}

test_steps_are_one_transaction_when_they_are_prepared() {
	ok "each of them" pipeline "$DATABASE_URL" PREPARED=1
}

test_steps_are_one_transaction_behind_a_transaction_pooler() {
	ok "each of them" pipeline "$DATABASE_URL_POOLED"
	ok "it went through the pooler" grep -q 'flowpin/flowpin.* login attempt' \
		"$STACK_DIR/pgbouncer.log"
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_postgres || bail "no PostgreSQL"
stack_sql <<-'SQL' || bail "no table"
	create table accounts (
		id integer primary key,
		balance bigint not null
			constraint balance_is_positive check (balance >= 0),
		name text not null
			constraint names_differ unique deferrable initially deferred
	);
	insert into accounts values (1, 100, 'one'), (2, 100, 'two');
SQL
stack_pgbouncer || bail "no pooler"
run_tests
