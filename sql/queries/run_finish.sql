-- run_finish: everything that a complete run changes, in one transaction that
-- holds only if the claim is still current.
-- :user_id         uuid         whose
-- :connection_id   uuid
-- :generation      bigint       the claim's
-- :t0              timestamptz  when the run began
-- :account_id      text         or null
-- :metadata_patch  jsonb        or null
-- :next_poll_ms    bigint       until the next poll
-- :source_ids      text[]       listed
-- :titles          text[]       listed
-- :source_urls     text[]       listed
-- :metadata        jsonb[]      listed
-- :dues            text[]       listed; or null
-- :task_ids        uuid[]       judged
-- :versions        bigint[]     they were judged at
-- :verdicts        text[]
-- :actions         text[]
-- :reasons         text[]
-- :new_ids         text[]       source_ids, or null
-- :pages           integer      a count
-- :still_open      integer      a count
-- :unconfirmed     integer      a count
-- :repeated        integer      rows that came again
-- :guard           text         its kind, or null
-- :held            integer      tasks without evidence
-- :idle_poll_ms    bigint       longest wait of an idle connection
-- :quiet_runs      integer      so many until it is idle
-- :digest          text         SHA-256 of the list
-- :tasks_seen      bigint?      what run_diff returned
-- No row: another poller has the connection now, or it is gone; nothing changed.
with own as materialized (
	select i.user_id, i.id, i.type,
	       not exists (
			select from integrations o
			 where o.user_id = i.user_id
			   and o.type = i.type
			   and (o.created_at, o.id) < (i.created_at, i.id))
			as is_oldest
	  from integrations i
	 where i.user_id = :user_id
	   and i.id = :connection_id
	   and i.generation = :generation
	   -- no key update: imports and tasks that refer to it need not wait
	   for no key update of i
), listed as materialized (
	select l.*
	  from own,
	       unnest(:source_ids, :titles, :source_urls, :metadata,
		:dues) as l (source_id, title, source_url, metadata, due)
), judged as materialized (
	select j.*
	  from own,
	       unnest(:task_ids, :versions, :verdicts, :actions,
		:reasons, :new_ids)
			as j (id, version, verdict, action, reason, new_id)
), marks as materialized (
	select t.id, m.action, m.reason, m.new_id,
	       -- completed for no better reason than that it could not be seen
	       m.action = 'reopen' and t.completed_by = 'absence'
		and t.completion_reason = 'not_visible' as is_healed
	  from own o
	 cross join judged m
	  join tasks t on t.id = m.id
	 where t.user_id = o.user_id
	   and t.version = m.version
	   and m.action not in ('none', 'held')
	   -- the item may have been imported again under its new id
	   and (m.action <> 'renumber' or not exists (
		select from tasks n
		 where n.user_id = t.user_id
		   and n.source = t.source
		   and n.source_id = m.new_id
		   and n.status = 'active'))
	   and not exists (
		select from writebacks w
		 where w.user_id = t.user_id
		   and w.task_id = t.id
		   and (w.settled_at is null
			or w.settled_at >= :t0))
	 order by t.id
	   -- what someone changes at this moment is the next run's; to wait for
	   -- it could be for ever: a settle locks its task first, then its
	   -- connection
	   for update of t skip locked
), marked as (
	update tasks t
	   set status = case m.action when 'complete' then 'completed'
			when 'reopen' then 'active' else t.status end,
	       completed_at = case m.action when 'complete'
			then clock_timestamp()
			when 'reopen' then null else t.completed_at end,
	       completed_by = case m.action when 'complete' then 'absence'
			when 'reopen' then null else t.completed_by end,
	       completion_reason = case m.action when 'complete' then m.reason
			when 'reopen' then null else t.completion_reason end,
	       source_id = coalesce(m.new_id, t.source_id),
	       connection_id = case when m.action in ('complete', 'reopen',
			'renumber')
			then coalesce(t.connection_id, :connection_id)
			else t.connection_id end,
	       missing_since = case m.action when 'missing'
			then coalesce(t.missing_since, :t0) end
	  from marks m
	 where t.id = m.id
	   and t.user_id = :user_id
	returning t.id, t.connection_id, m.action, m.reason, m.is_healed
), refreshed as (
	update tasks t
	   set source_metadata = l.metadata,
	       connection_id = o.id,
	       missing_since = null,
	       seen_at = :t0
	  from own o, listed l
	 where t.user_id = o.user_id
	   and t.source = o.type
	   and t.source_id = l.source_id
	   and t.status = 'active'
	   and t.updated_at < :t0
	   and (t.connection_id = o.id
		or (t.connection_id is null and o.is_oldest
		    and not exists (
			select from tasks a
			 where a.user_id = t.user_id
			   and a.source = t.source
			   and a.source_id = t.source_id
			   and a.status = 'active'
			   and a.id <> t.id)))
	   and (t.source_metadata is distinct from l.metadata
		or t.connection_id is null or t.missing_since is not null)
	   and not exists (select from marks m where m.id = t.id)
	   -- adopting it counts as a change, which a rollback would lose to
	   and not exists (
		select from writebacks w
		 where w.user_id = t.user_id
		   and w.task_id = t.id
		   and w.settled_at is null)
	returning t.id
), removed as (
	delete from inbox_items i
	 using own o
	 where i.user_id = o.user_id
	   and i.connection_id = o.id
	   and (not exists (select from listed l
			     where l.source_id = i.source_id)
		or exists (select from tasks t
			    where t.user_id = i.user_id
			      and t.source = o.type
			      and t.source_id = i.source_id
			      and t.status = 'active'
			      and t.connection_id is not distinct from o.id
			      and not exists (select from marked m
					       where m.id = t.id
						 and m.reason = 'occurrence')))
	returning i.id
), newest as materialized (
	-- a join, not a look at each: a long list would cost so much by the
	-- planner's count that it compiles the statement, for many seconds
	select l.*, n.id as task_id, n.status, n.due_date, n.recurs,
	       coalesce(m.action, '') as action
	  from listed l
	  left join (
		select distinct on (t.source_id)
		       t.source_id, t.id, t.status,
		       t.source_metadata->>'due_date' as due_date,
		       coalesce(t.source_metadata->>'is_recurring', 'false')
				= 'true' as recurs
		  from own o
		  join tasks t
		    on t.user_id = o.user_id
		   and t.source = o.type
		   and (t.connection_id = o.id or t.connection_id is null)
		  join listed k
		    on k.source_id = t.source_id
		 order by t.source_id, t.status = 'active' desc,
			t.created_at desc, t.id desc) n
	    on n.source_id = l.source_id
	  left join marked m on m.id = n.id
), busy as materialized (
	select w.task_id
	  from newest n
	  join writebacks w
	    on w.user_id = :user_id
	   and w.task_id = n.task_id
	   and (w.settled_at is null or w.settled_at >= :t0)
	 where n.status <> 'active'
), added as (
	insert into inbox_items as i (user_id, connection_id, source_id, title,
		source_url, metadata)
	select o.user_id, o.id, n.source_id, n.title, n.source_url, n.metadata
	  from own o
	 cross join newest n
	 where (n.task_id is null
		or (n.status = 'archived'
		    and n.task_id not in (select task_id from busy))
		-- another occurrence than the one that was done: the next,
		-- or one that was put off to an earlier day
		or (n.status = 'active' and n.action = 'complete')
		or (n.status = 'completed'
		    and n.task_id not in (select task_id from busy)
		    and (n.recurs or n.due is not null)
		    and n.due is distinct from n.due_date))
	   -- a conflict locks its row, which is a write too: what is as it
	   -- was is left alone
	   and not exists (
		select from inbox_items k
		 where k.user_id = o.user_id
		   and k.connection_id = o.id
		   and k.source_id = n.source_id
		   and (k.title, k.source_url, k.metadata) is not distinct from
		       (n.title, n.source_url, n.metadata))
	    on conflict (user_id, connection_id, source_id) do update
	   set title = excluded.title, source_url = excluded.source_url,
	       metadata = excluded.metadata
	 where (i.title, i.source_url, i.metadata) is distinct from
	       (excluded.title, excluded.source_url, excluded.metadata)
	returning i.id, xmax = 0 as is_new
), told as (
	insert into events (user_id, type, task_id, connection_id, reason, detail)
	select :user_id,
	       case m.action when 'complete' then 'task.completed'
			else 'task.reopened' end,
	       m.id, :connection_id, m.reason,
	       case when m.action = 'reopen'
			then format('The item is open again in %s, and so is the task.', initcap(o.type))
		    when m.reason in ('completed', 'occurrence')
			then format('The task was completed in %s.', initcap(o.type))
		    else format('The item is %s in %s; the task was completed.',
			case m.reason when 'not_visible' then 'no longer there'
				else m.reason end, initcap(o.type)) end
	  from own o
	 cross join marked m
	 where m.action in ('complete', 'reopen')
), counted as (
	select (select count(*) from listed) as items,
	       (select count(*) from added where is_new) as inbox_added,
	       (select count(*) from removed) as inbox_removed,
	       (select count(*) from marked where action = 'complete') as completed,
	       (select count(*) from marked where action = 'reopen') as reopened,
	       (select count(*) from marked where is_healed) as healed,
	       (select count(*) from refreshed) as refreshed
), activity as (
	select q.id, q.quiet_runs,
	       flowpin_poll_wait(:next_poll_ms, :idle_poll_ms, q.quiet_runs,
			:quiet_runs) as wait_ms,
	       -- the same list over the same tasks will be as quiet
	       q.quiet_runs > 0 and cardinality(:task_ids) = 0
		and flowpin_tasks_seen(q.connection) = :tasks_seen
		and not exists (
			select from guards g
			 where g.user_id = :user_id
			   and g.connection_id = q.id) as has_nothing_to_do
	  from (select o.id, i as connection,
		       case when c.inbox_added + c.inbox_removed + c.completed
				+ c.reopened + c.refreshed > 0
			     or :guard is not null
			     or exists (
				select from tasks t
				 where t.connection_id = o.id
				   and t.user_id = o.user_id
				   and t.updated_at > i.last_complete_run_at)
			    then 0 else i.quiet_runs + 1 end as quiet_runs
		  from own o
		  join integrations i on i.id = o.id
		 cross join counted c) q
), run as (
	insert into poll_runs (user_id, connection_id, generation, started_at,
		ended_at, outcome, pages, items, inbox_added, inbox_removed,
		candidates, completed, still_open, unconfirmed, reopened,
		repeated, healed, guard, held)
	select o.user_id, o.id, :generation, :t0, clock_timestamp(),
	       'complete', :pages, c.items, c.inbox_added, c.inbox_removed,
	       cardinality(:task_ids), c.completed, :still_open, :unconfirmed,
	       c.reopened, :repeated, c.healed, :guard, :held
	  from own o, counted c
	returning id
), decided as (
	insert into decisions (user_id, task_id, run_id, verdict, action, reason,
		is_applied)
	select o.user_id, j.id, r.id, j.verdict, j.action, j.reason,
	       m.id is not null
	  from own o
	 cross join run r
	 cross join judged j
	  left join marked m on m.id = j.id
	  left join lateral (
		select d.action, d.reason
		  from decisions d
		 where d.user_id = o.user_id
		   and d.task_id = j.id
		 order by d.decided_at desc
		 limit 1) last on true
	 where m.id is not null
	    or (last.action, last.reason) is distinct from (j.action, j.reason)
), raised as (
	insert into guards as g (user_id, connection_id, kind, held)
	select o.user_id, o.id, :guard, :held
	  from own o
	 where :guard is not null
	    on conflict (user_id, connection_id) do update
	   set kind = excluded.kind,
	       held = excluded.held,
	       account_id = null,
	       seen_at = now(),
	       raised_at = case when g.kind = excluded.kind
			then g.raised_at else now() end,
	       -- what a person let pass covers no more than was shown then
	       approved_at = case when g.kind = excluded.kind
			and excluded.held <= g.held then g.approved_at end
	returning xmax = 0 as is_new
), released as (
	delete from guards g
	 using own o
	 where g.user_id = o.user_id
	   and g.connection_id = o.id
	   and :guard is null
	returning g.kind
), told_of_guards as (
	insert into events (user_id, type, connection_id, reason, detail)
	select o.user_id, 'guard.raised', o.id, :guard,
	       format('%s shows too little at once; %s tasks stay open until that is certain.',
			initcap(o.type), :held)
	  from own o, raised
	 where is_new
	union all
	select o.user_id, 'guard.released', o.id, r.kind,
	       format('What %s shows is certain again.', initcap(o.type))
	  from own o, released r
), freed as (
	update integrations i
	   set lease_until = null,
	       -- past t0 it was asked for while this run was under way
	       next_poll_at = greatest(i.rate_limited_until,
			least(now() + a.wait_ms * interval '1 ms',
				case when i.next_poll_at > :t0
					then i.next_poll_at end)),
	       quiet_runs = a.quiet_runs,
	       quiet_list = case when a.has_nothing_to_do then :digest end,
	       quiet_tasks = :tasks_seen,
	       quiet_inbox = flowpin_inbox_seen(i),
	       failure_count = 0,
	       last_error = null,
	       last_complete_run_at = :t0,
	       account_id = coalesce(:account_id, i.account_id),
	       metadata = coalesce(i.metadata, '{}') || coalesce(:metadata_patch, '{}')
	  from activity a
	 where i.id = a.id
)
select c.* from own, counted c
