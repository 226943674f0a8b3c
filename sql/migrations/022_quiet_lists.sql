-- What the last run saw that had nothing to do: the same list, over the same tasks
-- and inbox, gives the next one nothing to do either.
alter table integrations
	add column quiet_list text,
	add column quiet_tasks bigint,
	add column quiet_inbox bigint;

comment on column integrations.quiet_list is 'SHA-256 of the last whole list that gave a run nothing to do; null: the last one did.';
comment on column integrations.quiet_tasks is 'flowpin_tasks_seen when that run judged.';
comment on column integrations.quiet_inbox is 'flowpin_inbox_seen when that run ended.';

-- One number for every state that a list may be judged against: which tasks the
-- connection has, each at which version, those that name no connection included,
-- and whether they fall back to it. Its order does not matter.
create function flowpin_tasks_seen(i integrations) returns bigint
language sql stable parallel safe as $$
	select coalesce(bit_xor(uuid_hash_extended(k.id, k.version)), 0)
		# count(*)
		# case when exists (
			select from integrations o
			 where o.user_id = i.user_id
			   and o.type = i.type
			   and (o.created_at, o.id) < (i.created_at, i.id))
			then 0 else bigint '1' << 62 end
	  from (select t.id, t.version
		  from tasks t
		 where t.user_id = i.user_id
		   and t.connection_id = i.id
		   and t.source_id is not null
		union all
		select t.id, t.version
		  from tasks t
		 where t.user_id = i.user_id
		   and t.source = i.type
		   and t.connection_id is null
		   and t.source_id is not null) k
$$;

-- The same of the inbox, whose rows only runs and imports write.
create function flowpin_inbox_seen(i integrations) returns bigint
language sql stable parallel safe as $$
	select coalesce(bit_xor(uuid_hash_extended(b.id, 0)), 0) # count(*)
	  from inbox_items b
	 where b.user_id = i.user_id
	   and b.connection_id = i.id
$$;

-- When to poll again: past so many quiet runs the wait doubles with each.
create function flowpin_poll_wait(wait_ms bigint, longest_ms bigint,
	quiet_runs integer, idle_after integer) returns bigint
language sql immutable parallel safe as $$
	select least(greatest(wait_ms, longest_ms), wait_ms
		* power(2, greatest(0, least(30, quiet_runs - idle_after)))::bigint)
$$;
