-- What happened to tasks and connections, to what the gateway keeps of them and to
-- writebacks, by which role, with the transaction it happened in: what both sides, and
-- "they commit together", are held against. For tests only.
create table public.audit (
	id bigint generated always as identity primary key,
	at timestamptz not null default clock_timestamp(),
	xact xid8 not null default pg_current_xact_id(),
	by name not null default session_user,
	user_id uuid not null,
	what text not null,
	op text not null,
	row_id uuid not null,
	was jsonb,
	became jsonb
);
create index on public.audit (row_id, id);

-- idle: a row was written and nothing in it changed, which makes every client reread
-- all it has.
create function public.audit() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
	long text[] := array['detail', 'source_url', 'bag'];
	before jsonb := case when tg_op <> 'INSERT'
		then to_jsonb(old) - long end;
	after jsonb := case when tg_op <> 'DELETE'
		then to_jsonb(new) - long end;
	row jsonb := coalesce(after, before);
	is_idle boolean := before - 'updated_at' = after - 'updated_at';
begin
	if is_idle and tg_table_schema <> 'public' then
		return null;
	end if;
	insert into public.audit (user_id, what, op, row_id, was, became)
	values ((row ->> 'user_id')::uuid, tg_table_name,
		case when is_idle then 'idle' else lower(tg_op) end,
		(case when tg_table_name = 'links' then row ->> 'task_id'
			else row ->> 'id' end)::uuid, before, after);
	return null;
end
$$;

create trigger audit after insert or update or delete on public.tasks
	for each row execute function public.audit();
create trigger audit after insert or update or delete on public.integrations
	for each row execute function public.audit();
create trigger audit after insert or update or delete on gateway.links
	for each row execute function public.audit();
create trigger audit after insert or update or delete on gateway.writebacks
	for each row execute function public.audit();
create trigger audit after insert on gateway.poll_runs
	for each row execute function public.audit();
-- an import takes its item out of the inbox
create trigger audit after delete on gateway.inbox_items
	for each row execute function public.audit();
-- of connections, only who may still speak for them
create trigger audit after update of generation on gateway.connections
	for each row when (old.generation is distinct from new.generation)
	execute function public.audit();

-- A task as it and its link are together, once for each transaction that writes the link:
-- at its commit, when both are what they will be.
create function public.audit_told() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
	task public.tasks;
	before jsonb;
begin
	select t.* into task from public.tasks t where t.id = new.task_id;
	if not found then
		return null;
	end if;
	select a.became into before
	  from public.audit a
	 where a.what = 'told'
	   and a.row_id = new.task_id
	 order by a.id desc
	 limit 1;
	insert into public.audit (user_id, what, op, row_id, was, became)
	values (new.user_id, 'told',
		case when before is null then 'insert' else 'update' end, new.task_id,
		before, jsonb_build_object('id', task.id,
			'source', task.source, 'source_id', task.source_id,
			'connection_id', task.connection_id, 'status', task.status,
			'completed_at', task.completed_at, 'version', new.version,
			'completed_by', new.completed_by,
			'completion_reason', new.completion_reason,
			'missing_since', new.missing_since));
	return null;
end
$$;

create constraint trigger audit_told after insert or update on gateway.links
	deferrable initially deferred
	for each row execute function public.audit_told();
