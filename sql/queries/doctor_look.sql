-- doctor_look: what a look at the database tells an operator, in lines; is_well null is
-- a line that judges nothing. One statement, because its lines are of one moment.
select l.what, l.is_well, l.words
  from (
	select 1 as rank, 'database' as what,
	       current_setting('transaction_read_only') = 'off'
		and not pg_is_in_recovery() as is_well,
	       format('PostgreSQL %s, %s', current_setting('server_version'),
			case when pg_is_in_recovery() then 'a standby: nothing can be written'
			     when current_setting('transaction_read_only') = 'on'
				then 'read-only: nothing can be written'
			     else 'writable' end) as words
	union all
	select 1, 'jit', nullif(current_setting('jit') = 'off', false),
	       case current_setting('jit') when 'off' then 'off'
		    else format('on, which costs more than it saves here: alter role %I set jit = off',
			current_user) end
	union all
	select 2, 'trigger on ' || w.tab,
	       coalesce(g.tgenabled in ('O', 'A'), false)
		and late.name is null,
	       case when g.tgname is null
			then 'missing: run flowpinctl migrate; until then runs find changes late'
		    when g.tgenabled not in ('O', 'A')
			then 'disabled: run flowpinctl migrate; until then runs find changes late'
		    when late.name is not null
			then format('fires after %s, which hides what clients send', late.name)
		    else 'there and on' end
	  from (values ('tasks'), ('integrations')) as w (tab)
	  left join pg_trigger g
	    on g.tgrelid = to_regclass('public.' || w.tab)
	   and g.tgname = 'flowpin_gateway'
	  left join lateral (
		select min(o.tgname::text) as name
		  from pg_trigger o
		  join pg_proc p on p.oid = o.tgfoid
		 where o.tgrelid = g.tgrelid
		   and w.tab = 'tasks'
		   and not o.tgisinternal
		   and (o.tgtype & 2) = 2
		   and o.tgname < g.tgname
		   and p.prosrc like '%updated_at%') late on true
	union all
	select 3, 'row level security of ' || w.tab,
	       not reach.is_open or (c.relrowsecurity and wide.name is null),
	       case when not reach.is_open
			then 'the data API''s roles may do nothing with it'
		    when not c.relrowsecurity
			then 'OFF: EVERYBODY CHANGES OR READS IT THROUGH THE DATA API'
		    when wide.name is not null
			then format('ON, BUT THE POLICY "%s" IS FOR EVERY ROW', wide.name)
		    else 'on' end
	  from (values ('tasks'), ('integrations'), ('buckets'), ('profiles')) as w (tab)
	  join pg_class c on c.oid = to_regclass('public.' || w.tab)
	 cross join lateral (
		select coalesce(bool_or(has_table_privilege(r.oid, c.oid, 'delete')
			or has_any_column_privilege(r.oid, c.oid,
				'select, insert, update')), false) as is_open
		  from pg_roles r
		 where r.rolname in ('anon', 'authenticated')) reach
	  left join lateral (
		-- what is told of a user to all is Flowpin's to say
		select min(p.polname::text) as name
		  from pg_policy p
		 where p.polrelid = c.oid
		   and p.polpermissive
		   and w.tab <> 'profiles'
		   and 'true' in (pg_get_expr(p.polqual, c.oid),
			pg_get_expr(p.polwithcheck, c.oid))
		   and exists (
			select from unnest(p.polroles) as a (role)
			  left join pg_roles r on r.oid = a.role
			 where a.role = 0
			    or r.rolname in ('anon', 'authenticated'))) wide on true
	union all
	select 4, 'connections', count(*) filter (where not s.has_key and s.is_active) = 0,
	       format('%s, of them %s without a key, %s paused, %s with a refused key, %s of another account',
			count(*), count(*) filter (where not s.has_key),
			count(*) filter (where not s.is_active),
			count(*) filter (where s.status = 'auth_failed'),
			count(*) filter (where s.is_other_account))
	  from gateway.connection_state s
	union all
	select 5, 'rows not taken note of', count(*) = 0,
	       format('%s tasks have another status than the gateway knows%s', count(*),
			case when count(*) = 1000 then ' or more' else '' end)
	  from (select from gateway.item_tasks t
		 where t.is_linked
		   and t.noted is distinct from t.status
		 limit 1000) t
	union all
	select 6, 'writebacks', null,
	       format('%s open, the oldest for %s s', count(*),
			coalesce(extract(epoch from now() - min(w.created_at)), 0)::bigint)
	  from gateway.writebacks w
	 where w.settled_at is null
	union all
	select 7, 'guards', count(*) = 0,
	       case when count(*) = 0 then 'none holds'
		    else format('%s hold: see flowpinctl guard list', count(*)) end
	  from gateway.guards g
	union all
	select 8, 'events', count(*) = 0,
	       case when count(*) = 0 then 'all of this database cluster'
		    else format('%s came with a dump and are not told: run flowpinctl migrate',
			count(*)) end
	  from gateway.events e
	 where e.txid >= pg_snapshot_xmax(pg_current_snapshot())
	union all
	select 9, 'items', coalesce(sum(r.odd), 0) = 0,
	       case when coalesce(sum(r.odd), 0) = 0 then 'all that are listed can be read'
		    else format('%s of %s connections cannot be read: see the poller''s log',
			sum(r.odd), count(*) filter (where r.odd > 0)) end
	  from gateway.connections c
	 cross join lateral (
		select p.odd
		  from gateway.poll_runs p
		 where p.user_id = c.user_id
		   and p.connection_id = c.id
		   and p.outcome = 'complete'
		 order by p.started_at desc
		 limit 1) r
	union all
	select 10, 'functions', count(*) filter (where not f.is_mine) = 0,
	       format('%s of schema gateway, no right to %s', count(*),
			coalesce(string_agg(f.proname, ', ' order by f.proname)
				filter (where not f.is_mine), 'none'))
	  from (select p.proname::text, has_function_privilege(p.oid, 'execute') as is_mine
		  from pg_proc p
		 where p.pronamespace = to_regnamespace('gateway')
		   -- triggers: as their owner
		   and p.prorettype <> 'trigger'::regtype) f
	union all
	select 11, 'columns of an import', count(*) = 0,
	       case when count(*) = 0 then 'all that are there'
		    else format('no right to make %s: run gateway-role.sql',
			string_agg(a.attname, ', ' order by a.attname)) end
	  from pg_attribute a
	 where a.attrelid = to_regclass('public.tasks')
	   and not a.attisdropped
	   and a.attname in ('source_description', 'source_metadata', 'source_project',
		'bucket_id', 'section', 'position')
	   and not has_column_privilege(a.attrelid, a.attnum, 'insert')
	) l
 order by l.rank, l.what
