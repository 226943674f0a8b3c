#!/bin/bash
# How PostgreSQL goes about the statements of calls and polls once tables have
# grown: through indexes, under the plan that a prepared statement keeps for all
# its values; and the one comparison of whole lists takes linear time.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# whose tables are large: nothing may read one of them whole
GROWING='tasks|links|writebacks|inbox_items|integrations|connections|events|poll_runs|decisions|idempotency_keys'
LARGE=00000000-0000-4000-8000-0000000000cc

# 2,000 users with a connection and 25 tasks each, and one whose connection has
# 50,000; as many writebacks, some of them open.
grow() {
	stack_admin flowpin <<-SQL
		set session_replication_role = replica;
		set search_path = public, gateway;
		insert into integrations (id, user_id, type, label)
		select md5('c' || n)::uuid, md5('u' || n)::uuid, 'todoist'::integration_type, ''
		  from generate_series(1, 2000) n
		union all
		select '$LARGE', '$LARGE', 'todoist', '';
		insert into connections (id, user_id, next_poll_at, key_sealed, key_id)
		select id, user_id, now() + random() * interval '1 hour',
		       'k'::bytea, 'k'
		  from integrations;
		insert into tasks (id, user_id, title, source, source_id,
			connection_id, created_at, updated_at)
		select md5('t' || n)::uuid, md5('u' || n % 2000 + 1)::uuid, 'task',
		       'todoist'::task_source, 'i' || n, md5('c' || n % 2000 + 1)::uuid,
		       now() - interval '1 day', now() - interval '1 day'
		  from generate_series(1, 50000) n
		union all
		select md5('l' || n)::uuid, '$LARGE', 'task', 'todoist', 'i' || n,
		       '$LARGE', now() - interval '1 day', now() - interval '1 day'
		  from generate_series(1, 50000) n;
		insert into links (task_id, user_id, source, source_id, status,
			linked_at, changed_at)
		select id, user_id, 'todoist', source_id, 'active', created_at,
		       created_at
		  from tasks;
		insert into writebacks (user_id, id, task_id, source_id, wish, origin, state,
			task_version, before_status, source, due_at, settled_at)
		select t.user_id, t.id, t.id, t.source_id, 'complete', 'call', case when is_open
				then 'queued' else 'accepted' end, 2, 'active',
		       'todoist', case when is_open then now() end,
		       case when not is_open then now() - interval '1 day' end
		  from (select *, row_number() over () % 1000 = 0 as is_open
			  from tasks) t
		 where t.user_id <> '$LARGE';
		insert into inbox_items (user_id, connection_id, source_id, title)
		select user_id, connection_id, 'n' || source_id, 'item' from tasks;
		insert into idempotency_keys (user_id, key, fingerprint, owner,
			call_id, locked_until)
		select user_id, id::text, 'f', gen_random_uuid(),
		       gen_random_uuid(), now() from tasks;
		insert into poll_runs (user_id, connection_id, generation,
			started_at, ended_at, outcome)
		select user_id, connection_id, row_number() over (), now(), now(),
		       'complete' from tasks;
		insert into decisions (user_id, task_id, run_id, finding, action,
			is_applied)
		select user_id, id, id, 'missing', 'none', true from tasks;
		insert into events (user_id, type, task_id)
		select user_id, 'task.completed', id from tasks;
		analyze;
	SQL
}

# settings of a run's transaction over a whole list
RUN_PLAN="set enable_nestloop = off; set jit = off;"

# plan_of QUERY [SETTINGS]: the one for any values.
plan_of() {
	local file=$STACK_ROOT/sql/queries/$1.sql count

	count=$(grep -c '^-- :' "$file")
	{
		echo "${2:-}"
		echo 'set plan_cache_mode = force_generic_plan;'
		echo 'prepare q as'
		stack_query "$file"
		echo ';'
		echo "explain execute q($(printf 'null,%.0s' $(seq "$count") |
			sed 's/,$//'));"
	} | stack_sql
}

reads_by_index() { # QUERY [SETTINGS]
	local plan

	plan=$(plan_of "$@")
	like "$plan" 'cost=' "$1 has a plan"
	unlike "$plan" "Seq Scan on ($GROWING)" "$1 reads no table whole"
}

# plans_within STATEMENT [MODE]: of all statements that its functions and triggers run,
# for any values if nothing else is said; it is rolled back.
plans_within() {
	stack_admin flowpin 2>&1 <<-SQL
		load 'auto_explain';
		set auto_explain.log_min_duration = 0;
		set auto_explain.log_nested_statements = on;
		set plan_cache_mode = ${2:-force_generic_plan};
		set client_min_messages = log;
		begin;
		$1;
		rollback;
	SQL
}

functions_read_by_index() { # SENTENCE STATEMENT [MODE]
	local plans

	plans=$(plans_within "${@:2}")
	like "$plans" 'Query Text.*Query Text' "$1: there are plans"
	unlike "$plans" 'ERROR' "$1: it works"
	unlike "$plans" "Seq Scan on ($GROWING)" "$1: reads no table whole"
}

test_begin_and_settle_go_through_indexes() {
	reads_by_index writeback_begin
	reads_by_index writeback_settle
	reads_by_index writeback_claim
	reads_by_index writeback_claim_due
	reads_by_index writeback_keep
	reads_by_index writeback_open
}

test_polls_go_through_indexes() {
	local query

	reads_by_index run_claim
	reads_by_index run_quiet
	reads_by_index run_fail
	for query in run_diff run_guard run_inbox run_mark run_reconcile \
		run_refresh run_end; do
		reads_by_index "$query" "$RUN_PLAN"
	done
}

# A plan over jit_above_cost is compiled, which takes half a second, where that was not
# switched off for the role.
is_never_compiled() { # QUERY VALUE...
	local cost limit

	limit=$(sql 'show jit_above_cost')
	cost=$({
		echo 'prepare q as'
		stack_query "$STACK_ROOT/sql/queries/$1.sql"
		echo ';'
		echo "explain execute q($2);"
	} | stack_sql | sed -n '1s/.*\.\.\([0-9]*\)\..*/\1/p')
	like "$cost" '^[0-9]+$' "$1 has a cost"
	[ "${cost:-$limit}" -lt "$limit" ] || flunk "$1: $cost is compiled"
}

test_what_every_pass_asks_is_not_compiled() {
	# this one is never analyzed by itself
	stack_admin flowpin -c "update pg_class set reltuples = -1, relpages = 0
		where oid = 'gateway.reconciling'::regclass"
	is_never_compiled reconcile_some 1000
	is_never_compiled run_claim '1000, 15000, null, null'
	is_never_compiled writeback_claim_due "10, 15000, 86400000, 0, 0, '{}', '{}'"
}

test_reads_and_local_changes_go_through_indexes() {
	local query

	for query in task_list task_read task_rename task_archive task_delete \
		inbox_list event_list connection_list connection_update \
		connection_seal connection_poll_now connection_publish \
		idempotency_begin idempotency_end idempotency_point writeback_read \
		reconcile_some; do
		reads_by_index "$query"
	done
}

test_what_clients_write_goes_through_indexes() {
	functions_read_by_index "completing a row" "update public.tasks
		set status = 'completed' where id = md5('t7')::uuid"
	functions_read_by_index "a new row" "insert into public.tasks (user_id, title,
			source, source_id, status)
		values (md5('u7')::uuid, 'x', 'todoist', 'new', 'completed')"
	functions_read_by_index "deleting it" "delete from public.tasks
		where id = md5('t7')::uuid"
	functions_read_by_index "another key" "update public.integrations
		set api_key = 'x' where id = md5('c7')::uuid" auto
}

test_functions_go_through_indexes() {
	functions_read_by_index "importing" "select gateway.import_item(user_id, id,
			gen_random_uuid(), null, null)
		from gateway.inbox_items where user_id = md5('u7')::uuid limit 1"
	functions_read_by_index "a wish" "select gateway.wish_add(row(t.user_id, t.id,
			t.source::text, t.source_id, t.connection_id,
			t.status::text, t.completed_at)::gateway.task_before,
			'complete', gen_random_uuid(), 1000, 'call', null)
		from public.tasks t where t.id = md5('t7')::uuid"
	functions_read_by_index "a wish that was" "select gateway.wish_join(row(t.user_id,
			t.id, t.source::text, t.source_id, t.connection_id,
			t.status::text, t.completed_at)::gateway.task_before,
			'complete')
		from public.tasks t where t.id = md5('t7')::uuid"
}

# Comparing everything with everything would take 22 s where this takes 0.05.
test_a_list_of_50000_is_compared_in_linear_time_under_any_plan() {
	local missing

	missing=$({
		echo "set statement_timeout = '10s'; $RUN_PLAN"
		echo 'set plan_cache_mode = force_generic_plan;'
		echo 'prepare diff as'
		stack_query "$STACK_ROOT/sql/queries/run_diff.sql"
		echo ';'
		stack_sql -c "select format('execute diff(%L, %L, %L, null, %L, %L, %L, 0, 0);',
				'$LARGE'::uuid, '$LARGE'::uuid, 'todoist',
				gateway.us(now()), array_agg('i' || n),
				array_agg(null::text))
			from generate_series(4, 50000) n"
	} | stack_sql)
	is "$(wc -l <<<"$missing")" 3 "what is not listed is found"
	is "$(grep -o '|i[0-9]*|.*missing' <<<"$missing" | sort |
		sed -E 's/\|(i[0-9]+).*(missing)/\1 \2/' | paste -s)" \
		$'i1 missing\ti2 missing\ti3 missing' "and nothing else"
}

stack_init || bail "no directory"
helper_start || bail "no helper"
stack_postgres || bail "no PostgreSQL"
stack_migrate || bail "no schema"
grow || bail "no rows"
run_tests
