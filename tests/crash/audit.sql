-- What happened to tasks and writebacks, and in which transaction. For the killing test
-- only. A task is told as it and its link are together, once for each transaction that
-- counts the link's version up: at its commit, when both are what they will be.
create table crash_audit (
	id bigint generated always as identity primary key,
	at timestamptz not null default clock_timestamp(),
	xact xid8 not null default pg_current_xact_id(),
	what text not null,
	op text not null,
	row_id uuid not null,
	was jsonb,
	became jsonb
);

create function crash_audit() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
	-- without what is only long
	long text[] := array['title', 'source_metadata', 'detail'];
	before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - long end;
	after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - long end;
begin
	if tg_op = 'UPDATE' and before = after then
		return null;
	end if;
	insert into public.crash_audit (what, op, row_id, was, became)
	values (tg_table_name, lower(tg_op),
		(coalesce(after, before)->>'id')::uuid, before, after);
	return null;
end
$$;

create function crash_audit_task() returns trigger
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
	  from public.crash_audit a
	 where a.what = 'tasks'
	   and a.row_id = new.task_id
	 order by a.id desc
	 limit 1;
	insert into public.crash_audit (what, op, row_id, was, became)
	values ('tasks', case when before is null then 'insert' else 'update' end,
		new.task_id, before, jsonb_build_object('id', task.id,
			'source', task.source, 'source_id', task.source_id,
			'connection_id', task.connection_id, 'status', task.status,
			'completed_at', task.completed_at, 'version', new.version,
			'completed_by', new.completed_by,
			'completion_reason', new.completion_reason,
			'missing_since', new.missing_since));
	return null;
end
$$;

create constraint trigger crash_audit after insert or update on gateway.links
	deferrable initially deferred
	for each row execute function crash_audit_task();
create trigger crash_audit after insert or update or delete on gateway.writebacks
	for each row execute function crash_audit();
create trigger crash_audit after insert on gateway.poll_runs
	for each row execute function crash_audit();
