-- What happened to tasks and connections, to what the gateway keeps of them and to
-- writebacks, by which role, with the transaction it happened in. For the agreement
-- test only.
create table public.agreement_audit (
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

-- idle: a row was written and nothing in it changed, which makes every client reread
-- all it has.
create function public.agreement_audit() returns trigger
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
	insert into public.agreement_audit (user_id, what, op, row_id, was, became)
	values ((row ->> 'user_id')::uuid, tg_table_name,
		case when is_idle then 'idle' else lower(tg_op) end,
		(case when tg_table_name = 'links' then row ->> 'task_id'
			else row ->> 'id' end)::uuid, before, after);
	return null;
end
$$;

create trigger agreement_audit after insert or update or delete on public.tasks
	for each row execute function public.agreement_audit();
create trigger agreement_audit after insert or update or delete on public.integrations
	for each row execute function public.agreement_audit();
create trigger agreement_audit after insert or update or delete on gateway.links
	for each row execute function public.agreement_audit();
create trigger agreement_audit after insert or update or delete on gateway.writebacks
	for each row execute function public.agreement_audit();
create trigger agreement_audit after insert on gateway.poll_runs
	for each row execute function public.agreement_audit();
-- an import takes its item out of the inbox
create trigger agreement_audit after delete on gateway.inbox_items
	for each row execute function public.agreement_audit();
-- of connections, only who may still speak for them
create trigger agreement_audit after update of generation on gateway.connections
	for each row when (old.generation is distinct from new.generation)
	execute function public.agreement_audit();
