-- What the gateway must know of Flowpin's tables before it builds on them: that an item
-- has one row, and of which types status and source are. And what it added itself, so
-- that it can be taken away again.
do $$
declare
	lacking text;
begin
	select string_agg(format('%s.%s', w.tab, w.col), ', ' order by w.tab, w.col)
	  into lacking
	  from (values ('tasks', 'id'), ('tasks', 'user_id'), ('tasks', 'title'),
			('tasks', 'status'), ('tasks', 'source'), ('tasks', 'source_id'),
			('tasks', 'created_at'), ('tasks', 'updated_at'),
			('tasks', 'completed_at'), ('integrations', 'id'),
			('integrations', 'user_id'), ('integrations', 'type'),
			('integrations', 'api_key'), ('integrations', 'label'),
			('integrations', 'metadata'), ('integrations', 'is_active'),
			('integrations', 'created_at')) as w (tab, col)
	 where not exists (
		select from pg_attribute a
		 where a.attrelid = to_regclass('public.' || w.tab)
		   and a.attname = w.col and not a.attisdropped);
	if lacking is not null then
		raise undefined_column using
			message = 'this is not Flowpin''s schema: it lacks ' || lacking,
			hint = 'Nothing was changed.';
	end if;
	select string_agg(format('%s.%s is %s', a.attrelid::regclass, a.attname,
			format_type(a.atttypid, a.atttypmod)), ', ')
	  into lacking
	  from pg_attribute a
	 where a.attrelid in ('public.tasks'::regclass, 'public.integrations'::regclass)
	   and a.attname in ('id', 'user_id', 'connection_id')
	   and not a.attisdropped
	   and a.atttypid <> 'uuid'::regtype;
	if lacking is not null then
		raise datatype_mismatch using
			message = 'this is not Flowpin''s schema: ' || lacking
				|| ', not uuid',
			hint = 'Nothing was changed.';
	end if;
end
$$;

create table gateway.additions (
	name text primary key
);
comment on table gateway.additions is 'What the gateway added to schema public and was not there before; flowpinctl uninstall-schema takes it away.';

do $$
declare
	twice text;
begin
	if exists (
		select
		  from pg_index x
		 where x.indrelid = 'public.tasks'::regclass
		   and x.indisunique and x.indisvalid and x.indisready
		   and x.indpred is null and x.indexprs is null and x.indnkeyatts = 3
		   and (select array_agg(a.attname::text order by a.attname::text)
			  from pg_attribute a
			 where a.attrelid = x.indrelid
			   and a.attnum = any (x.indkey))
			= array['source', 'source_id', 'user_id']) then
		return;
	end if;
	select case when max(d.items) = 1 then 'an item has several rows in tasks: '
		    else max(d.items) || ' items have several rows in tasks, such as '
		    end || string_agg(format('%s item %s of user %s: rows %s', d.source,
			d.source_id, d.user_id, d.ids), '; ')
	  into twice
	  from (select t.user_id, t.source::text as source, t.source_id,
		       array_to_string((array_agg(t.id::text
				order by t.created_at, t.id))[:3], ', ') as ids,
		       count(*) over () as items
		  from public.tasks t
		 where t.source_id is not null
		 group by t.user_id, t.source, t.source_id
		having count(*) > 1
		 order by 1, 2, 3
		 limit 2) d;
	if twice is not null then
		raise exception using
			message = twice,
			hint = 'Delete or merge these rows, then migrate again. Nothing was changed.';
	end if;
	create unique index tasks_user_id_source_source_id_key
		on public.tasks (user_id, source, source_id);
	insert into gateway.additions values ('tasks_user_id_source_source_id_key');
end
$$;

-- Older projects have text where newer ones have enums: these turn text into whatever
-- the column is, for callers with any search_path. The planner inlines them.
do $$
declare
	made record;
begin
	for made in
		select a.attname, format('%I.%I', n.nspname, y.typname) as type
		  from pg_attribute a
		  join pg_type y on y.oid = a.atttypid
		  join pg_namespace n on n.oid = y.typnamespace
		 where a.attrelid = 'public.tasks'::regclass
		   and a.attname in ('status', 'source')
	loop
		execute format('create function gateway.task_%s(value text) returns %s
			language sql stable parallel safe as ''select value::%2$s''',
			made.attname, made.type);
	end loop;
	execute format('create function gateway.connection_type(value text) returns %s
		language sql stable parallel safe as ''select value::%1$s''',
		(select format('%I.%I', n.nspname, y.typname)
		   from pg_attribute a
		   join pg_type y on y.oid = a.atttypid
		   join pg_namespace n on n.oid = y.typnamespace
		  where a.attrelid = 'public.integrations'::regclass
		    and a.attname = 'type'));
end
$$;
