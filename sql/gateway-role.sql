-- A role of its own for the gateway and the pollers, where the tables belong to
-- somebody else (on Supabase: postgres, who migrates). It has exactly what its
-- statements use: Flowpin's tables by column, the gateway's by name, functions of
-- schema gateway. Run it as the tables' owner after every `flowpinctl migrate`; give
-- the role its password yourself:
--
--	psql "$OWNERS_URL" -f gateway-role.sql
--	psql "$OWNERS_URL" -c '\password flowpin'
--
-- Row level security stays on for everybody else, and nothing here depends on what a
-- project's default privileges give or do not give.
begin;
set local client_min_messages = warning;

do $$
declare
	name text;
	columns text;
begin
	if not exists (select from pg_roles where rolname = 'flowpin') then
		create role flowpin login;
	end if;
	-- compiling takes longer than the longest of its statements, and a guess of the
	-- planner's is enough to begin with it
	alter role flowpin set jit = off;
	foreach name in array array['tasks', 'integrations', 'buckets'] loop
		if to_regclass('public.' || name) is null then
			continue;
		end if;
		execute format('revoke all on public.%I from flowpin', name);
		execute format('grant select on public.%I to flowpin', name);
		execute format('drop policy if exists flowpin_gateway on public.%I', name);
		execute format('create policy flowpin_gateway on public.%I to flowpin
			using (true) with check (true)', name);
	end loop;

	-- an import writes the columns that this project has
	select string_agg(quote_ident(a.attname), ', ')
	  into columns
	  from pg_attribute a
	 where a.attrelid = 'public.tasks'::regclass
	   and not a.attisdropped
	   and a.attname in ('id', 'user_id', 'title', 'source', 'source_id',
		'connection_id', 'status', 'source_description', 'source_metadata',
		'source_project', 'bucket_id', 'section', 'position', 'updated_at');
	execute format('grant insert (%s) on public.tasks to flowpin', columns);
end
$$;

grant usage on schema public, gateway to flowpin;
grant delete on public.tasks, public.integrations to flowpin;
grant update (status, completed_at, connection_id, source_id, title, updated_at)
	on public.tasks to flowpin;
grant insert (id, user_id, type, label, metadata) on public.integrations to flowpin;
grant update (label, is_active, metadata, api_key) on public.integrations to flowpin;

grant select on gateway.connection_state, gateway.connection_use,
	gateway.item_tasks, gateway.migrations to flowpin;
grant select, update on gateway.reconciling to flowpin;
grant select, insert, update on gateway.connections, gateway.key_sets to flowpin;
grant select, insert, update, delete on gateway.links, gateway.writebacks,
	gateway.inbox_items, gateway.poll_runs, gateway.guards,
	gateway.idempotency_keys to flowpin;
grant select, insert, delete on gateway.decisions, gateway.events to flowpin;
grant execute on all functions in schema gateway to flowpin;
-- these two run as the tables' owner, by their triggers only
revoke execute on function gateway.task_written(), gateway.integration_written()
	from flowpin;

commit;
