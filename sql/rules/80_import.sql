-- Import an inbox item as Flowpin's client would: a new row, or, of an item whose task
-- was archived or completed, that row again. Columns that this project does not have, or
-- got since the role was given its rights, are left out. new_id: of a new row. bucket and
-- section: null is the connection's default.
-- One function, because what is there is looked at, locked and changed in one go.
-- what: made, returned (the row was there), active (it is an active task already: id is
-- that one), no_item or no_bucket.
create or replace function gateway.import_item(for_user uuid, item_id uuid,
	new_id uuid, bucket uuid, section text, out what text, out id uuid)
language plpgsql as $$
declare
	item gateway.inbox_items;
	c record;
	was record;
	wanted jsonb;
	names text;
begin
	-- Flowpin's row first, as who deletes the connection has it
	perform
	   from gateway.inbox_items b
	   join public.integrations i on i.id = b.connection_id
	  where b.user_id = for_user
	    and b.id = item_id
	    and i.user_id = for_user
	    for key share of i;
	select b.* into item
	  from gateway.inbox_items b
	 where b.user_id = for_user
	   and b.id = item_id
	   for update;
	if not found then
		what := 'no_item';
		return;
	end if;
	select i.type::text as type, to_jsonb(i) as row, k.account_id
	  into c
	  from public.integrations i
	  left join gateway.connections k on k.id = i.id
	 where i.id = item.connection_id
	   and i.user_id = for_user;
	if bucket is not null then
		names := null;
		if to_regclass('public.buckets') is not null then
			execute 'select b.name from public.buckets b where b.id = $1 and b.user_id = $2'
			   into names using bucket, for_user;
		end if;
		if names is null then
			what := 'no_bucket';
			return;
		end if;
	end if;
	delete from gateway.inbox_items b
	 where b.user_id = for_user
	   and b.id = item_id;

	select t.id, t.status::text as status
	  into was
	  from public.tasks t
	 where t.user_id = for_user
	   and t.source = gateway.task_source(c.type)
	   and t.source_id = item.source_id
	   for update;
	if found then
		id := was.id;
		what := case was.status when 'active' then 'active' else 'returned' end;
	else
		id := new_id;
		what := 'made';
	end if;

	-- the link first: the trigger must find that the gateway took note
	insert into gateway.links as l (task_id, user_id, source, source_id, source_url,
		status, metadata, account_id, seen_at)
	values (import_item.id, for_user, c.type, item.source_id, item.source_url,
		'active', item.metadata, c.account_id, clock_timestamp())
	    on conflict (task_id) do update
	   set version = l.version + 1, status = 'active', completed_by = null,
	       completion_reason = null, metadata = excluded.metadata,
	       due_since = case when l.metadata ->> 'due_date'
			is distinct from excluded.metadata ->> 'due_date'
			then clock_timestamp() else l.due_since end,
	       source_url = excluded.source_url, account_id = excluded.account_id,
	       seen_at = excluded.seen_at, missing_since = null,
	       contradicted_since = null,
	       linked_at = clock_timestamp(), changed_at = clock_timestamp()
	 where what = 'returned';
	if what = 'active' then
		return;
	end if;
	if what = 'returned' then
		-- not sent yet: whoever imports the item wants it open
		update gateway.writebacks w
		   set state = 'superseded', reason = 'newer_wish',
		       settled_at = now(), due_at = null
		 where w.user_id = for_user
		   and w.task_id = import_item.id
		   and w.wish = 'complete'
		   and w.state = 'queued';
		update public.tasks t
		   set status = gateway.task_status('active'), completed_at = null,
		       connection_id = item.connection_id, updated_at = now()
		 where t.id = import_item.id;
		return;
	end if;

	wanted := jsonb_strip_nulls(jsonb_build_object('id', import_item.id,
		'user_id', for_user, 'title', item.title, 'source', c.type,
		'source_id', item.source_id, 'connection_id', item.connection_id,
		'status', 'active', 'updated_at', now(),
		'source_description', item.bag -> 'description',
		'source_metadata', item.bag, 'source_project', item.bag -> 'projectName',
		'bucket_id', coalesce(to_jsonb(bucket), c.row -> 'default_bucket_id'),
		'section', coalesce(import_item.section, c.row ->> 'default_section'),
		'position', (select least(coalesce(max(t.position), -1)::bigint + 1,
					2147483647)
			       from public.tasks t
			      where t.user_id = for_user
				and t.status::text = 'active')));
	select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
	  into names
	  from pg_attribute a
	 where a.attrelid = 'public.tasks'::regclass
	   and a.attnum > 0 and not a.attisdropped
	   and wanted ? a.attname::text
	   and has_column_privilege(a.attrelid, a.attnum, 'insert');
	execute format('insert into public.tasks (%1$s) select %1$s
		from jsonb_populate_record(null::public.tasks, $1)', names)
	  using wanted;
end
$$;
