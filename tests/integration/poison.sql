-- One user's rows, one of everything; then a value that nobody should have written, in
-- one column of one row at a time, and every statement over many rows. It prints a line
-- for each statement that fails. Queries are prepared before, under their names. All is
-- rolled back.
begin;
set local client_min_messages = notice;

insert into auth.users (id) values ('00000000-0000-4000-8000-00000000dead');
insert into public.integrations (id, user_id, type, api_key)
select ('c0000000-0000-4000-8000-00000000000' || n)::uuid,
       '00000000-0000-4000-8000-00000000dead', 'todoist', 'key'
  from generate_series(1, 2) n;
insert into public.tasks (id, user_id, title, source, source_id, connection_id,
	source_metadata)
select ('a0000000-0000-4000-8000-00000000000' || n)::uuid,
       '00000000-0000-4000-8000-00000000dead', 'task', 'todoist', 'i' || n,
       'c0000000-0000-4000-8000-000000000001', '{}'
  from generate_series(1, 6) n;
update public.tasks
   set status = 'completed', completed_at = now()
 where id in ('a0000000-0000-4000-8000-000000000003',
	'a0000000-0000-4000-8000-000000000004');
-- two wishes that are due: one queued, one whose owner is silent
update gateway.writebacks
   set state = 'sending', due_at = now() - interval '1 minute', generation = 1
 where task_id = 'a0000000-0000-4000-8000-000000000004';
update gateway.connections
   set quiet_list = 'list', last_complete_run_at = now(), last_run_at = now(),
       quiet_tasks = gateway.tasks_seen(user_id, 'todoist', id), quiet_inbox = 0
 where user_id = '00000000-0000-4000-8000-00000000dead';
insert into gateway.inbox_items (user_id, id, connection_id, source_id, title)
select '00000000-0000-4000-8000-00000000dead',
       ('b0000000-0000-4000-8000-00000000000' || n)::uuid,
       'c0000000-0000-4000-8000-000000000001', 'n' || n, 'item'
  from generate_series(1, 3) n;
insert into gateway.poll_runs (user_id, connection_id, generation, started_at, outcome)
select '00000000-0000-4000-8000-00000000dead',
       'c0000000-0000-4000-8000-000000000001', 1, now(), 'complete'
  from generate_series(1, 2);
insert into gateway.decisions (user_id, task_id, run_id, finding, action, is_applied)
select '00000000-0000-4000-8000-00000000dead',
       'a0000000-0000-4000-8000-000000000001', gen_random_uuid(), 'missing', 'none', true
  from generate_series(1, 2);
insert into gateway.guards (user_id, connection_id, kind)
select '00000000-0000-4000-8000-00000000dead',
       ('c0000000-0000-4000-8000-00000000000' || n)::uuid, 'list_emptied'
  from generate_series(1, 2) n;
insert into gateway.events (user_id, type, task_id, connection_id, source, reason)
select '00000000-0000-4000-8000-00000000dead', 'task.completed',
       'a0000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000001',
       'todoist', 'completed'
  from generate_series(1, 2);
insert into gateway.idempotency_keys (user_id, key, fingerprint, owner, call_id,
	locked_until)
select '00000000-0000-4000-8000-00000000dead', 'key ' || n, 'f', gen_random_uuid(),
       gen_random_uuid(), now()
  from generate_series(1, 2) n;

-- What a column of this type can hold.
create function pg_temp.poisons(type text) returns setof text
language sql as $$
	select v
	  from (values ('timestamptz', 'infinity'), ('timestamptz', '-infinity'),
			('timestamptz', '294276-12-31 23:59:59+00'),
			('timestamptz', '4713-01-02 00:00:00+00 BC'),
			('int8', '9223372036854775807'), ('int8', '-9223372036854775808'),
			('int8', '1000000000000000'), ('int4', '1000000000'),
			('int4', '2147483647'), ('int4', '-2147483648'),
			('jsonb', '[]'), ('jsonb', '"x"'), ('jsonb', '5'), ('jsonb', 'null'),
			('jsonb', '{"linearStateTypes": 5, "teamDoneStates": "x"}'),
			('jsonb', '{"due": {"date": 5, "is_recurring": "yes"}}'),
			('jsonb', '{"due": "x", "state_type": 5, "is_recurring": []}'),
			('text', ''), ('text', repeat('x', 10485760)), ('bytea', ''),
			('bool', 'true'), ('bool', 'false'),
			('xid8', '18446744073709551615')) as w (t, v)
	 where w.t = $1
	union all
	select null
$$;

-- What statements are given, since parameters of prepared ones are no queries.
create function pg_temp.generation() returns bigint language sql stable as $$
	select generation from gateway.connections
	 where id = 'c0000000-0000-4000-8000-000000000001'
$$;
create function pg_temp.ids() returns uuid[] language sql stable as $$
	select array_agg(id order by id) from public.tasks
	 where user_id = '00000000-0000-4000-8000-00000000dead'
$$;
create function pg_temp.versions() returns bigint[] language sql stable as $$
	select array_agg(coalesce(l.version, 0) order by t.id)
	  from public.tasks t
	  left join gateway.links l on l.task_id = t.id
	 where t.user_id = '00000000-0000-4000-8000-00000000dead'
$$;

-- Every statement that a row of this user's can meet with others. t0 is later than all
-- of them, so that each is judged.
create function pg_temp.statements() returns setof text
language sql as $$
	select replace(replace(replace(replace(s, 'VICTIM', '''00000000-0000-4000-8000-00000000dead'''),
		'C1', '''c0000000-0000-4000-8000-000000000001'''),
		'C2', '''c0000000-0000-4000-8000-000000000002'''),
		'T0', gateway.us(now() + interval '1 day')::text)
	  from unnest(array[
		'connection_note(null)',
		'connection_plain(null, 100)',
		'connection_list(VICTIM, null)',
		'run_claim(100, 1000, null, null)',
		'run_look(null, null)',
		'run_reconcile(VICTIM, ''todoist'', 1000)',
		'reconcile_some(10000)',
		'run_diff(VICTIM, C1, ''todoist'', ''acc'', T0, ''{i1,n1}'', ''{2031-01-01,null}'', 0, 100000)',
		$s$run_mark(VICTIM, C1, 'todoist', 'acc', pg_temp.generation(), T0, gen_random_uuid(),
			pg_temp.ids(), pg_temp.versions(), array_fill('missing'::text, '{6}'),
			'{complete,missing,reopen,none,complete,complete}',
			array_fill('completed'::text, '{6}'), array_fill(0::bigint, '{6}'),
			array_fill(null::text, '{6}'),
			array_fill('{"due_date": "2031-01-01"}'::jsonb, '{6}'),
			1, 1, 0, 0, 0, 0, null, 0)$s$,
		$s$run_guard(VICTIM, C1, 'todoist', pg_temp.generation(), 'mass_drop', 7)$s$,
		$s$run_inbox(VICTIM, C1, 'todoist', pg_temp.generation(), T0,
			gen_random_uuid(), '{i1,n1,n2,n9}', '{a,b,c,d}',
			'{a,b,c,d}', array_fill('{}'::jsonb, '{4}'),
			array_fill('{}'::jsonb, '{4}'))$s$,
		$s$run_refresh(VICTIM, C1, 'todoist', 'acc', pg_temp.generation(), T0, '{i1,i2,i5,i6}',
			array_fill('{"due_date": "2031-01-02"}'::jsonb, '{4}'))$s$,
		$s$run_end(VICTIM, C1, 'todoist', pg_temp.generation(), T0, 'me', '{"a": 1}', 1000, 1000, 1, 'list', 1, 0, 1000)$s$,
		$s$run_quiet(array[VICTIM, VICTIM]::uuid[], array[C1, C2]::uuid[],
			array[pg_temp.generation(), 0], array[T0, T0], '{list,list}',
			array['{"a": 1}', '{"a": 1}']::jsonb[], '{1000,1000}', '{1,1}',
			'{1,1}', '{1,1}', 1000, 1)$s$,
		$s$run_fail(VICTIM, C1, pg_temp.generation(), T0, 'why', 1, false, 1000, 1000, 'other')$s$,
		'writeback_claim_due(100, 1000, 1000, 1000, 0, ''{}'', ''{}'')',
		'writeback_open',
		'health_read(''{todoist,linear}'')',
		'guard_count(''{todoist}'', ''{mass_drop}'')',
		'guard_list',
		'task_list(VICTIM, null, null, null, null, 100)',
		'task_list(VICTIM, null, null, T0, ''ffffffff-ffff-ffff-ffff-ffffffffffff'', 100)',
		'inbox_list(VICTIM, null, null, null, 100)',
		'event_list(VICTIM, ''0'', 0, 100)',
		'task_explain(''a0000000-0000-4000-8000-000000000001'')',
		'writeback_trim(1, 100)', 'poll_run_trim(1, 100)', 'decision_trim(1, 100)',
		'event_trim(1, 100)', 'idempotency_key_trim(1, 100)',
		$s$idempotency_begin(VICTIM, 'key 1', 'f', 1000, gen_random_uuid())$s$,
		$s$inbox_import(VICTIM, 'b0000000-0000-4000-8000-000000000003',
			gen_random_uuid(), null, null)$s$
		]) s
$$;

-- One poison: is it refused? Else a line for each statement that fails.
create function pg_temp.poison(tab regclass, col text, value text) returns text
language plpgsql as $$
declare
	statement text;
	hit integer;
begin
	begin
		execute format('update %s set %I = %L where ctid = (
			select min(ctid) from %1$s where user_id = %4$L)', tab, col, value,
			'00000000-0000-4000-8000-00000000dead');
		get diagnostics hit = row_count;
	exception when others then
		return 'refused';
	end;
	if hit <> 1 then
		raise notice 'POISON % %: no row', tab, col;
	end if;
	for statement in select pg_temp.statements() loop
		begin
			execute 'execute ' || statement;
			raise exception 'undo' using errcode = 'UNDO0';
		exception
		when sqlstate 'UNDO0' then
			null;
		when others then
			raise notice 'POISON % % = %: %: %', tab, col, left(value, 30),
				split_part(statement, '(', 1), sqlerrm;
		end;
	end loop;
	-- the value itself goes with the caller's block
	raise exception 'undo' using errcode = 'UNDO1';
end
$$;

do $$
declare
	c record;
	value text;
	refused integer := 0;
	taken integer := 0;
begin
	for c in
		select a.attrelid::regclass as tab, a.attname as name, y.typname as type
		  from pg_attribute a
		  join pg_class r on r.oid = a.attrelid and r.relkind = 'r'
		  join pg_type y on y.oid = a.atttypid
		 where a.attnum > 0 and not a.attisdropped
		   and (r.relnamespace = 'gateway'::regnamespace
			or r.oid in ('public.tasks'::regclass, 'public.integrations'::regclass))
		   and exists (
			select from pg_attribute u
			 where u.attrelid = r.oid and u.attname = 'user_id')
		   and a.attname not in ('id', 'user_id')
		   and y.typname like coalesce(current_setting('poison.type', true), '%')
		 order by 1, a.attnum
	loop
		for value in select pg_temp.poisons(c.type) loop
			begin
				perform pg_temp.poison(c.tab, c.name, value);
				refused := refused + 1;
			exception when sqlstate 'UNDO1' then
				taken := taken + 1;
			end;
		end loop;
	end loop;
	raise notice 'POISONS % refused, % taken', refused, taken;
end
$$;
rollback;
