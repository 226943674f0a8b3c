-- A role of its own for the gateway and the pollers, where the tables belong to
-- somebody else (on Supabase: postgres, who migrates): it reads and writes their
-- rows and can change nothing about them. Run it as the tables' owner, once and
-- after every upgrade that brings tables; give the role its password yourself:
--
--	psql "$OWNERS_URL" -f gateway-role.sql
--	psql "$OWNERS_URL" -c '\password flowpin'
--
-- Row level security stays on for everybody else.
begin;
set local client_min_messages = warning;

do $$
declare
	name text;
begin
	if not exists (select from pg_roles where rolname = 'flowpin') then
		create role flowpin login;
	end if;
	grant usage on schema public to flowpin;
	foreach name in array array['integrations', 'tasks', 'inbox_items',
		'writebacks', 'poll_runs', 'decisions', 'guards', 'events',
		'idempotency_keys'] loop
		execute format('grant select, insert, update, delete on %I to flowpin', name);
		execute format('drop policy if exists flowpin_gateway on %I', name);
		execute format('create policy flowpin_gateway on %I to flowpin using (true) with check (true)', name);
	end loop;
	-- which it only looks at, to say that a migration is missing
	grant select on flowpin_migrations to flowpin;
	drop policy if exists flowpin_gateway on flowpin_migrations;
	create policy flowpin_gateway on flowpin_migrations
		for select to flowpin using (true);
end
$$;

commit;
