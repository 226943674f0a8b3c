-- Connections whose api_key is not the one that was taken note of, locked: of those that
-- are named, and waited for; ids null: of all that nobody else has locked.
create or replace function gateway.keys_replaced(ids uuid[])
returns table (id uuid, digest bytea)
language plpgsql as $$
begin
	perform
	   from gateway.connections c
	  where c.id = any (ids)
	  order by c.id
	    for no key update;
	return query
	select c.id, sha256(convert_to(nullif(i.api_key, ''), 'UTF8'))
	  from gateway.connections c
	  join public.integrations i on i.id = c.id
	 where (ids is null or c.id = any (ids))
	   and c.api_key_digest is distinct from
	       sha256(convert_to(nullif(i.api_key, ''), 'UTF8'))
	 order by c.id
	   for no key update of c skip locked;
end
$$;

-- Take note of rows of integrations: a new one gets its row here, and another api_key is
-- a replaced key, which revives the connection and ends any run that is under way under
-- the old one. An emptied one is no key. The account stays: a key of another one shows,
-- and holds the runs. ids null: all.
create or replace function gateway.connection_note(ids uuid[]) returns void
language plpgsql as $$
begin
	-- one that became another user's begins anew
	with moved as (
		update gateway.connections c
		   set user_id = i.user_id,
		       account_id = null,
		       metadata = '{}',
		       api_key_digest = null
		  from public.integrations i
		 where i.id = c.id
		   and i.user_id <> c.user_id
		   and (ids is null or c.id = any (ids))
		returning c.id
	), held as (
		delete from gateway.guards g
		 using moved m
		 where g.connection_id = m.id
	)
	delete from gateway.inbox_items b
	 using moved m
	 where b.connection_id = m.id;

	insert into gateway.connections (id, user_id, api_key_digest)
	select i.id, i.user_id, sha256(convert_to(nullif(i.api_key, ''), 'UTF8'))
	  from public.integrations i
	 where (ids is null or i.id = any (ids))
	   and not exists (select from gateway.connections c where c.id = i.id)
	 order by i.id
	    on conflict do nothing;

	-- one that is locked is the next pass's
	update gateway.connections c
	   set api_key_digest = n.digest,
	       key_sealed = null,
	       key_id = null,
	       key_version = c.key_version % 1000000000000000 + 1,
	       status = 'active',
	       rate_limited_until = null,
	       lease_until = null,
	       quiet_list = null,
	       idle_runs = 0,
	       failure_count = 0,
	       last_error = null,
	       next_poll_at = now(),
	       generation = c.generation % 1000000000000000 + 1
	  from gateway.keys_replaced(ids) n
	 where c.id = n.id
	   and (ids is null or c.id = any (ids));
end
$$;

-- The trigger on integrations: connections that clients make, change and remove by row
-- take effect at the next pass. After the row, so that who writes both tables takes
-- their locks in one order. It never raises; a pass does the same for all of them.
create or replace function gateway.integration_written() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
begin
	if tg_op = 'UPDATE' and new.api_key is not distinct from old.api_key
	   and new.is_active is not distinct from old.is_active
	   and new.user_id = old.user_id then
		return null;
	end if;
	begin
		perform gateway.connection_note(array[new.id]);
		if tg_op = 'UPDATE' and new.is_active
		   and new.is_active is distinct from old.is_active then
			update gateway.connections c
			   set next_poll_at = now()
			 where c.id = new.id;
		end if;
	exception when others then
		raise warning 'flowpin: a change of connection % was not taken note of: % (%)',
			new.id, sqlerrm, sqlstate;
	end;
	return null;
end
$$;

create or replace trigger flowpin_gateway
	after insert or update on public.integrations
	for each row execute function gateway.integration_written();

-- Connections that were there before the trigger.
do $$
begin
	perform gateway.connection_note(null);
end
$$;
