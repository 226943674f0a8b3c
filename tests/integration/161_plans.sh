#!/bin/bash
# How PostgreSQL goes about the statements of calls and polls once tables have
# grown: through indexes, under the plan that a prepared statement keeps for all
# its values; and the one comparison of whole lists takes linear time.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

# whose tables are large: nothing may read one of them whole
GROWING='tasks|writebacks|inbox_items|integrations|events|poll_runs|idempotency_keys'
LARGE=00000000-0000-4000-8000-0000000000cc

# 2,000 users with a connection and 25 tasks each, and one whose connection has
# 50,000; as many writebacks, some of them open.
grow() {
	stack_admin flowpin <<-SQL
		set session_replication_role = replica;
		insert into integrations (id, user_id, type, name, next_poll_at,
			key_sealed, key_id)
		select md5('c' || n)::uuid, md5('u' || n)::uuid, 'todoist', '',
		       now() + n * interval '1 s', 'k'::bytea, 'k'
		  from generate_series(1, 2000) n
		union all
		select '$LARGE', '$LARGE', 'todoist', '', now(), 'k'::bytea, 'k';
		insert into tasks (id, user_id, title, source, source_id,
			connection_id, created_at, updated_at)
		select md5('t' || n)::uuid, md5('u' || n % 2000 + 1)::uuid, 'task',
		       'todoist', 'i' || n, md5('c' || n % 2000 + 1)::uuid,
		       now() - interval '1 day', now() - interval '1 day'
		  from generate_series(1, 50000) n
		union all
		select md5('l' || n)::uuid, '$LARGE', 'task', 'todoist', 'i' || n,
		       '$LARGE', now() - interval '1 day', now() - interval '1 day'
		  from generate_series(1, 50000) n;
		insert into writebacks (user_id, id, task_id, wish, state,
			task_version, before_status, source, due_at, give_up_at,
			settled_at)
		select t.user_id, t.id, t.id, 'complete', case when is_open
				then 'queued' else 'accepted' end, 2, 'active',
		       'todoist', case when is_open then now() end, now(),
		       case when not is_open then now() - interval '1 day' end
		  from (select *, row_number() over () % 1000 = 0 as is_open
			  from tasks) t
		 where t.user_id <> '$LARGE';
		insert into inbox_items (user_id, connection_id, source_id, title)
		select user_id, connection_id, 'n' || source_id, 'item' from tasks;
		insert into idempotency_keys (user_id, key, fingerprint, owner,
			locked_until)
		select user_id, id::text, 'f', gen_random_uuid(), now() from tasks;
		insert into poll_runs (user_id, connection_id, generation,
			started_at, ended_at, outcome)
		select user_id, connection_id, row_number() over (), now(), now(),
		       'complete' from tasks;
		insert into events (user_id, type, task_id)
		select user_id, 'task.completed', id from tasks;
		analyze;
	SQL
}

# plan_of QUERY: the one for any values.
plan_of() {
	local file=$STACK_ROOT/sql/queries/$1.sql count

	count=$(grep -c '^-- :' "$file")
	{
		echo 'set plan_cache_mode = force_generic_plan;'
		echo 'prepare q as'
		stack_query "$file"
		echo ';'
		echo "explain execute q($(printf 'null,%.0s' $(seq "$count") |
			sed 's/,$//'));"
	} | stack_sql
}

reads_by_index() { # QUERY
	local plan

	plan=$(plan_of "$1")
	like "$plan" 'cost=' "$1 has a plan"
	unlike "$plan" "Seq Scan on ($GROWING)" "$1 reads no table whole"
}

test_begin_and_settle_go_through_indexes() {
	reads_by_index writeback_begin
	reads_by_index writeback_settle
	reads_by_index writeback_claim
	reads_by_index writeback_claim_due
}

test_polls_go_through_indexes() {
	reads_by_index run_claim
	reads_by_index run_diff
	reads_by_index run_finish
	reads_by_index run_quiet
	reads_by_index run_fail
}

test_reads_and_local_changes_go_through_indexes() {
	local query

	for query in task_list task_read task_rename task_archive task_delete \
		inbox_list inbox_import event_list connection_list \
		idempotency_begin idempotency_end writeback_read; do
		reads_by_index "$query"
	done
}

# Comparing everything with everything would take 22 s where this takes 0.05.
test_a_list_of_50000_is_compared_in_linear_time_under_any_plan() {
	local missing

	missing=$({
		echo "set statement_timeout = '10s';"
		echo 'set plan_cache_mode = force_generic_plan;'
		echo 'prepare diff as'
		stack_query "$STACK_ROOT/sql/queries/run_diff.sql"
		echo ';'
		stack_sql -c "select format('execute diff(%L, %L, now(), %L, %L);',
				'$LARGE'::uuid, '$LARGE'::uuid,
				array_agg('i' || n), array_agg(null::text))
			from generate_series(4, 50000) n"
	} | stack_sql)
	is "$(wc -l <<<"$missing")" 3 "what is not listed is found"
	is "$(awk -F '|' '{ print $3, $(NF - 1) }' <<<"$missing" | sort | paste -s)" \
		$'i1 missing\ti2 missing\ti3 missing' "and nothing else"
}

stack_init || bail "no directory"
stack_postgres || bail "no PostgreSQL"
stack_migrate || bail "no schema"
grow || bail "no rows"
run_tests
