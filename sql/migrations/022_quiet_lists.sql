-- What the last run saw that had nothing to do: the same list, over the same tasks
-- and inbox, gives the next one nothing to do either.
alter table integrations
	add column quiet_list text,
	add column quiet_tasks bigint,
	add column quiet_inbox bigint;

comment on column integrations.quiet_list is 'SHA-256 of the last whole list that gave a run nothing to do; null: none did, or not for certain.';
comment on column integrations.quiet_tasks is 'flowpin_tasks_seen when that run judged.';
comment on column integrations.quiet_inbox is 'flowpin_inbox_seen when that run ended.';

-- One number for every state of the tasks that a list may be judged against: all
-- that a run looks at in all of the user's tasks of the connection's source, through
-- whichever connection, and whether those that name none fall back to this one. No
-- order, no clock: equal only if nothing of it changed.
create function flowpin_tasks_seen(i integrations) returns bigint
language sql stable parallel safe as $$
	select coalesce(bit_xor(hash_record_extended(row(t.id, t.version, t.status,
			t.connection_id, t.source_id, t.source_metadata,
			t.completed_by, t.missing_since, t.created_at), 0)), 0)
		# count(*)
		# case when exists (
			select from integrations o
			 where o.user_id = i.user_id
			   and o.type = i.type
			   and (o.created_at, o.id) < (i.created_at, i.id))
			then 0 else bigint '1' << 62 end
	  from tasks t
	 where t.user_id = i.user_id
	   and t.source = i.type
	   and t.source_id is not null
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

-- Room for rows that are rewritten all the time to stay on their page: a claim of a
-- connection, what a run refreshes of a task.
alter table integrations set (fillfactor = 70);
alter table tasks set (fillfactor = 90);

-- What these say has become more than they said.
comment on column integrations.status is 'auth_failed: the provider refused the key, nothing is sent until it is replaced; paused: by the user, neither polled nor written to.';
comment on column tasks.completed_by is 'user: here; absence: at the provider; webhook is reserved.';
comment on column poll_runs.candidates is 'Tasks that the list spoke of: not listed, listed with another due date, or completed here and listed again.';
comment on column poll_runs.unconfirmed is 'Missing ones of which the provider said nothing, or that it could not show for the first time; tried again by the next run.';
comment on column decisions.reason is 'What the provider said of the item by id; no_answer: nothing; reopened: it is open again; occurrence: the list alone told.';
comment on column idempotency_keys.fingerprint is 'SHA-256 of method, path, query and body: another request under the same key is refused.';
