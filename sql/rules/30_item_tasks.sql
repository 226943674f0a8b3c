-- Every task that stands for an item, with its link. is_linked: the gateway keeps it
-- and the item and its user are still the same.
create or replace view gateway.item_tasks as
select t.id, t.user_id, t.source::text as source, t.source_id, t.connection_id,
       t.status::text as status, t.completed_at,
       coalesce(l.source_id = t.source_id and l.source = t.source::text, false)
		as is_linked,
       coalesce(l.version, 0) as version, l.status as noted, l.completed_by,
       l.completion_reason, l.metadata, l.account_id, l.missing_since,
       l.contradicted_since, l.asks, l.ask_after, l.linked_at,
       l.changed_at
  from public.tasks t
  left join gateway.links l
    on l.task_id = t.id
   -- known anyway; for whoever looks at all tasks of a user
   and l.user_id = t.user_id
 where t.source_id is not null
   and t.source::text <> 'manual';
comment on view gateway.item_tasks is 'Tasks that stand for an item, with what the gateway keeps of them.';

-- Tasks of a user whose writeback is open, or was settled since: a list from before
-- says nothing of them.
create or replace function gateway.tasks_under_way(user_id uuid, since timestamptz)
returns setof uuid
language sql stable parallel safe as $$
	select w.task_id
	  from gateway.writebacks w
	 where w.user_id = $1
	   and w.settled_at is null
	union
	select w.task_id
	  from gateway.writebacks w
	 where w.user_id = $1
	   and w.settled_at >= $2
$$;

-- One number for every state of a task that a list may be judged against: all that a run
-- looks at.
create or replace function gateway.task_seen(t gateway.item_tasks) returns bigint
language sql immutable parallel safe as $$
	select hash_record_extended(row((t).id, (t).status, (t).connection_id,
		(t).source_id, (t).is_linked, (t).version, (t).noted, (t).metadata,
		(t).completed_by, (t).completion_reason, (t).account_id,
		(t).missing_since, (t).contradicted_since, (t).linked_at), 0)
$$;

-- The same of several tasks, from the exclusive or of their numbers: their count, and
-- which of those that name no connection belong to the one that asks, make part of it.
create or replace function gateway.seen_together(seen bigint, count bigint,
	own gateway.ownership) returns bigint
language sql immutable parallel safe as $$
	select coalesce(seen, 0) # count
		# hash_record_extended(own, 0)
$$;

-- Of all of the user's tasks of the connection's source, through whichever connection.
-- No order, no clock: equal only if nothing of it changed.
create or replace function gateway.tasks_seen(user_id uuid, source text,
	connection_id uuid) returns bigint
language sql stable parallel safe as $$
	select gateway.seen_together(bit_xor(gateway.task_seen(t)), count(*),
		gateway.ownership($1, $2, $3))
	  from gateway.item_tasks t
	 where t.user_id = $1
	   and t.source = $2
$$;

-- The same of a connection's inbox, whose rows only runs and imports write.
create or replace function gateway.inbox_seen(user_id uuid, connection_id uuid)
returns bigint
language sql stable parallel safe as $$
	select coalesce(bit_xor(uuid_hash_extended(b.id, 0)), 0) # count(*)
	  from gateway.inbox_items b
	 where b.user_id = $1
	   and b.connection_id = $2
$$;
