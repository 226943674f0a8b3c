-- A task as a wish needs to know it: what was there before the change.
do $$
begin
	if to_regtype('gateway.task_before') is null then
		create type gateway.task_before as (
			user_id uuid,
			id uuid,
			source text,
			source_id text,
			connection_id uuid,
			status text,
			completed_at timestamptz
		);
	end if;
end
$$;

-- What the next write needs of an item, as far as Flowpin's own client keeps it in its
-- bag. A poll knows better, and replaces it. A due that is none, or beyond all measure,
-- is not known.
create or replace function gateway.bag_metadata(bag jsonb) returns jsonb
language sql immutable parallel safe as $$
	select case when pg_column_size(bag -> 'due') <= 2048
		then jsonb_strip_nulls(jsonb_build_object(
			-- what is neither is more likely a yes than none
			'is_recurring', case
				when jsonb_typeof(bag #> '{due,is_recurring}') = 'boolean'
					then bag #> '{due,is_recurring}'
				when jsonb_typeof(bag #> '{due,is_recurring}') <> 'null'
					then to_jsonb(true) end,
			'due_date', bag #> '{due,date}',
			'due_string', bag #> '{due,string}',
			'due_lang', bag #> '{due,lang}',
			'due_timezone', bag #> '{due,timezone}'))
		else '{}' end
$$;

-- Make the link of a task that has none, or whose item or user is another one now;
-- return it.
-- noted: the status that is taken note of.
create or replace function gateway.link_make(task gateway.task_before, noted text,
	bag jsonb) returns gateway.links
language plpgsql as $$
declare
	made gateway.links;
begin
	-- a task of this id may have been there before, and wishes of it still open
	insert into gateway.links as l (task_id, user_id, source, source_id, status,
		metadata, version)
	values (task.id, task.user_id, task.source, task.source_id, noted,
		gateway.bag_metadata(bag), 1 + coalesce((
			select max(w.task_version)
			  from gateway.writebacks w
			 where w.user_id = task.user_id
			   and w.task_id = task.id), 0))
	    on conflict (task_id) do update
	   set user_id = excluded.user_id, source = excluded.source,
	       source_id = excluded.source_id,
	       source_url = null, version = l.version + 1, status = excluded.status,
	       completed_by = null, completion_reason = null,
	       metadata = excluded.metadata, due_since = null, account_id = null, seen_at = null,
	       missing_since = null, contradicted_since = null,
	       linked_at = clock_timestamp(), changed_at = clock_timestamp()
	 where (l.user_id, l.source, l.source_id) is distinct from
	       (excluded.user_id, excluded.source, excluded.source_id)
	returning * into made;
	if made.task_id is null then
		select l.* into made
		  from gateway.links l
		 where l.task_id = task.id;
	end if;
	return made;
end
$$;

-- What the write of a wish needs of its item. A wish from before the due date that stands
-- there is not about that one: which it was about is not known. moment: by a device's own
-- clock, which may be fast by seconds; null: now.
create or replace function gateway.metadata_at(l gateway.links, moment timestamptz)
returns jsonb
language sql stable parallel safe as $$
	select case when moment < (l).due_since + interval '5 s'
		then (l).metadata - 'due_date'
		else coalesce((l).metadata, '{}') end
$$;

-- Before a wish is skipped for want of a connection: take note of those of a user that no
-- trigger told of. Are there any?
create or replace function gateway.connections_found(user_id uuid) returns boolean
language plpgsql as $$
declare
	found_late uuid[] := array(
		select i.id
		  from public.integrations i
		 where i.user_id = connections_found.user_id
		   and not exists (
			select from gateway.connections c where c.id = i.id));
begin
	if cardinality(found_late) = 0 then
		return false;
	end if;
	perform gateway.connection_note(found_late);
	return true;
end
$$;

-- Write a wish down: bump the link, take note of the new status, supersede what was
-- queued, and queue the writeback or end it as skipped. The one way that a wish comes
-- to be: of a call, of a changed row, and of one found late. One function, because no
-- caller may leave out a part of it. The caller holds the lock on the task's row, and
-- changes the row after this, not before.
-- writeback: its id. lease_ms: the caller sends it itself within its lease; 0: a sweeper
-- does. moment: when a client wished it, by its own clock; null: now. route: send, or
-- why it was skipped. state: as it was written. metadata: what the write needs.
create or replace function gateway.wish_add(task gateway.task_before, wish text,
	writeback uuid, lease_ms bigint, origin text, moment timestamptz,
	out route text, out state text, out connection_id uuid,
	out link gateway.links, out metadata jsonb)
language plpgsql as $$
declare
	c gateway.connection_state;
	account text;
	was gateway.links;
	back gateway.task_before;
	back_by text;
	back_reason text;
begin
	select l.account_id into account
	  from gateway.links l
	 where l.task_id = task.id
	   and l.source_id = task.source_id;
	select f.* into c
	  from gateway.connection_for(task.user_id, task.source, task.connection_id,
		account) f;
	route := gateway.wish_route(task.source, task.source_id, c);
	if route = 'no_connection' and gateway.connections_found(task.user_id) then
		select f.* into c
		  from gateway.connection_for(task.user_id, task.source,
			task.connection_id, account) f;
		route := gateway.wish_route(task.source, task.source_id, c);
	end if;
	connection_id := c.id;
	if route <> 'manual' then
		was := gateway.link_make(task, task.status, null);
		update gateway.links l
		   set version = l.version + 1,
		       status = case wish_add.wish when 'complete'
				then 'completed' else 'active' end,
		       completed_by = case wish_add.wish when 'complete' then 'user' end,
		       completion_reason = null,
		       -- the date that was closed, when nobody asks which is next
		       metadata = case when wish_add.wish = 'uncomplete'
				and route <> 'send'
				then l.metadata - 'due_date' else l.metadata end,
		       missing_since = null,
		       contradicted_since = null,
		       changed_at = clock_timestamp()
		 where l.task_id = task.id
		returning l.* into link;
	end if;

	-- One that is in flight, or may be at the provider, is left alone: it ends by
	-- itself, and its owner sees then that there is a newer wish; this one waits for
	-- that no longer than the doubt lasts. What is superseded was never agreed on, so
	-- a rollback goes back to what was there before that.
	update gateway.writebacks o
	   set due_at = o.doubt_until
	 where o.user_id = task.user_id
	   and o.task_id = task.id
	   and o.state = 'queued'
	   and o.doubt_until > now()
	   and o.due_at > o.doubt_until;
	with queued as materialized (
		select o.*
		  from gateway.writebacks o
		 where o.user_id = task.user_id
		   and o.task_id = task.id
		   and o.state = 'queued'
		   and (o.doubt_until is null or o.doubt_until <= now())
		   for update
	), superseded as (
		update gateway.writebacks o
		   set state = 'superseded', reason = 'newer_wish',
		       settled_at = now(), due_at = null
		  from queued q
		 where o.user_id = q.user_id
		   and o.id = q.id
	)
	select q.before_status, q.before_completed_at, q.before_completed_by,
	       q.before_completion_reason
	  into back.status, back.completed_at, back_by, back_reason
	  from queued q
	 order by q.task_version
	 limit 1;
	if not found then
		back := task;
		back_by := was.completed_by;
		back_reason := was.completion_reason;
	end if;

	state := case when route <> 'send' then 'skipped'
		when lease_ms = 0 or exists (
			select from gateway.writebacks o
			 where o.user_id = task.user_id
			   and o.task_id = task.id
			   and (o.settled_at is null
				or o.doubt_until > now())) then 'queued'
		else 'sending' end;
	-- the date of a task that was not active, or is so by a wish that was not sent, is
	-- one that was closed, or that no run kept up: which is to be closed now is not
	-- known
	metadata := gateway.metadata_at(link, moment)
		- case when wish_add.wish = 'complete'
			and (task.status <> 'active' or back.status <> 'active')
			then 'due_date' else '' end;
	insert into gateway.writebacks (user_id, id, task_id, connection_id,
		by_fallback, wish, origin, state, reason, task_version, before_status,
		before_completed_at, before_completed_by, before_completion_reason,
		source, source_id, source_metadata, generation, attempts, due_at,
		settled_at)
	values (task.user_id, writeback, task.id, c.id,
		task.connection_id is null and c.id is not null, wish_add.wish,
		wish_add.origin, wish_add.state,
		case when route <> 'send' then route end,
		coalesce(link.version, 0), back.status, back.completed_at, back_by,
		back_reason, task.source, task.source_id,
		metadata,
		(wish_add.state = 'sending')::integer,
		(wish_add.state = 'sending')::integer,
		case when route = 'send'
			then now() + lease_ms * interval '1 ms' end,
		case when route <> 'send' then now() end);
end
$$;
