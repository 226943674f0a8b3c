-- What happened to tasks, writebacks and connections, with the transaction it
-- happened in. For the agreement test only.
create table agreement_audit (
	id bigint generated always as identity primary key,
	at timestamptz not null default clock_timestamp(),
	xact xid8 not null default pg_current_xact_id(),
	user_id uuid not null,
	what text not null,
	op text not null,
	row_id uuid not null,
	was jsonb,
	became jsonb
);

-- What is only long stays out: a title, a story for operators, a sealed key.
create function agreement_audit() returns trigger
language plpgsql as $$
declare
	long text[] := array['title', 'source_url', 'detail', 'updated_at',
		'key_sealed', 'name'];
	before jsonb := case when tg_op <> 'INSERT'
		then to_jsonb(old) - long end;
	after jsonb := case when tg_op <> 'DELETE'
		then to_jsonb(new) - long end;
begin
	if tg_op = 'UPDATE' and before = after then
		return null;
	end if;
	insert into agreement_audit (user_id, what, op, row_id, was, became)
	values ((coalesce(after, before)->>'user_id')::uuid, tg_table_name,
		lower(tg_op), (coalesce(after, before)->>'id')::uuid, before,
		after);
	return null;
end
$$;

create trigger agreement_audit after insert or update or delete on tasks
	for each row execute function agreement_audit();
create trigger agreement_audit after insert or update or delete on writebacks
	for each row execute function agreement_audit();
create trigger agreement_audit after insert on poll_runs
	for each row execute function agreement_audit();
-- of connections, only who may still speak for them
create trigger agreement_audit after update of generation on integrations
	for each row when (old.generation is distinct from new.generation)
	execute function agreement_audit();
