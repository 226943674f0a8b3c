-- What happened to tasks and writebacks, and in which transaction. For the
-- killing test only.
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
language plpgsql as $$
declare
	-- without what is only long
	before jsonb := case when tg_op <> 'INSERT'
		then to_jsonb(old) - 'title' - 'source_metadata' end;
	after jsonb := case when tg_op <> 'DELETE'
		then to_jsonb(new) - 'title' - 'source_metadata' end;
begin
	if tg_op = 'UPDATE' and before = after then
		return null;
	end if;
	insert into crash_audit (what, op, row_id, was, became)
	values (tg_table_name, lower(tg_op),
		(coalesce(after, before)->>'id')::uuid, before, after);
	return null;
end
$$;

create trigger crash_audit after insert or update or delete on tasks
	for each row execute function crash_audit();
create trigger crash_audit after insert or update or delete on writebacks
	for each row execute function crash_audit();
create trigger crash_audit after insert on poll_runs
	for each row execute function crash_audit();
