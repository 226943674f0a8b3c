-- writeback_begin: change tasks locally and write down, in the same commit, the
-- wish that their providers follow; or decide that nothing is to be sent.
-- :user_ids    uuid[]    whose
-- :task_ids    uuid[]
-- :wishes      text[]    complete or uncomplete
-- :ids         uuid[]    of the new writebacks
-- :leases_ms   bigint[]  0: nobody waits for it, so it is queued for the sweepers
-- :give_up_ms  bigint    age at which an unknown outcome is given up
-- One row per element. verdict:
--   not_found, archived, unchanged   nothing was done
--   conflict  nothing was done: another active task stands for the same item
--   busy    someone else has the row at this moment: try again, alone
--   send    changed; state sending (ours until the lease ends) or queued
--           (another call for the task is in flight: claim it later)
--   skip    changed, and the writeback ended as skipped
-- The snapshot's version is compared with the locked row's: if they differ, a
-- begin that this snapshot cannot see came between, and what is open for the
-- task is not known. writebacks_sending, a unique index, is the last guard.
with wished as (
	select *
	  from unnest(:user_ids, :task_ids, :wishes, :ids,
		:leases_ms)
	       with ordinality as w (user_id, task_id, wish, id, lease_ms, ord)
), seen as (
	select w.ord, t.version
	  from wished w
	  join tasks t on t.id = w.task_id and t.user_id = w.user_id
), locked as materialized (
	select w.ord, w.id as writeback_id, w.wish, w.lease_ms, t as task
	  from wished w
	  join tasks t on t.id = w.task_id and t.user_id = w.user_id
	 order by t.id
	   for update of t skip locked
), judged as materialized (
	select l.ord, l.writeback_id, l.wish, l.lease_ms, l.task,
	       c.id as connection_id, c.writeback as connection_writes,
	       (l.task).connection_id is null and c.id is not null as by_fallback,
	       exists (
			select from writebacks o
			 where o.user_id = (l.task).user_id
			   and o.task_id = (l.task).id
			   and o.state = 'sending') as in_flight,
	       case when (l.task).version <> s.version then 'busy'
		    when (l.task).status = 'archived' then 'archived'
		    when ((l.task).status = 'completed') = (l.wish = 'complete')
			then 'unchanged'
		    when l.wish = 'uncomplete' and l.place > 1 then 'busy'
		    when l.wish = 'uncomplete' and exists (
			select from tasks o
			 where o.user_id = (l.task).user_id
			   and o.source = (l.task).source
			   and o.source_id = (l.task).source_id
			   and o.status = 'active'
			   -- who names no connection falls back to it
			   and coalesce(o.connection_id, c.id) is not distinct
				from coalesce((l.task).connection_id, c.id))
			then 'conflict'
		    when coalesce((l.task).source, 'manual') = 'manual'
			or (l.task).source_id is null then 'manual'
		    when c.id is null then 'no_connection'
		    when not c.writeback or c.status = 'paused'
			then 'writeback_off'
		    else 'send'
	       end as verdict
	  from (select k.*, row_number() over (
			partition by k.wish, (k.task).user_id,
				(k.task).connection_id, (k.task).source_id,
				case when (k.task).connection_id is null
				     then k.ord end
			order by k.ord) as place
		  from locked k) l
	  join seen s using (ord)
	  left join lateral (
		select i.id, i.writeback, i.status
		  from integrations i
		 where i.user_id = (l.task).user_id
		   and i.type = (l.task).source
		   and ((l.task).connection_id is null
			or i.id = (l.task).connection_id)
		 order by i.key_sealed is null, i.created_at, i.id
		 limit 1) c on true
), changing as materialized (
	select *
	  from judged
	 where verdict in ('manual', 'no_connection', 'writeback_off', 'send')
), changed as (
	update tasks t
	   set status = case c.wish when 'complete' then 'completed'
			else 'active' end,
	       completed_at = case c.wish when 'complete'
			then clock_timestamp() end,
	       completed_by = case c.wish when 'complete' then 'user' end,
	       completion_reason = null,
	       missing_since = null
	  from changing c
	 where t.id = (c.task).id
	   and t.user_id = (c.task).user_id
	returning c.ord, t.version, flowpin_task_json(t) as task
), waiting as materialized (
	-- as they are once they are locked: one that the snapshot has in flight
	-- may have been put back in the queue since. In the order of a settle.
	select c.ord, o.user_id, o.id, o.state, o.task_version,
	       o.before_status, o.before_completed_at, o.before_completed_by,
	       o.before_completion_reason
	  from changing c
	  join writebacks o
	    on o.user_id = (c.task).user_id
	   and o.task_id = (c.task).id
	 where o.settled_at is null
	 order by o.id
	   for update of o
), superseded as (
	update writebacks o
	   set state = 'superseded', reason = 'newer_wish',
	       settled_at = now(), due_at = null
	  from waiting w
	 where o.user_id = w.user_id
	   and o.id = w.id
	   and w.state = 'queued'
), written as (
	insert into writebacks (user_id, id, task_id, connection_id, by_fallback,
		wish, state, reason, task_version, before_status,
		before_completed_at, before_completed_by,
		before_completion_reason, source, source_id, source_metadata,
		generation, attempts, due_at, give_up_at, settled_at)
	select (c.task).user_id, c.writeback_id, (c.task).id, c.connection_id,
	       c.by_fallback, c.wish,
	       case when c.verdict <> 'send' then 'skipped'
		    when c.in_flight or c.lease_ms = 0 then 'queued'
		    else 'sending' end,
	       case when c.verdict <> 'send' then c.verdict end,
	       d.version,
	       coalesce(q.before_status, (c.task).status),
	       case when q.before_status is null then (c.task).completed_at
		    else q.before_completed_at end,
	       case when q.before_status is null then (c.task).completed_by
		    else q.before_completed_by end,
	       case when q.before_status is null then (c.task).completion_reason
		    else q.before_completion_reason end,
	       coalesce((c.task).source, 'manual'), (c.task).source_id,
	       (c.task).source_metadata,
	       case when c.verdict = 'send' and not c.in_flight
			and c.lease_ms > 0 then 1 else 0 end,
	       case when c.verdict = 'send' and not c.in_flight
			and c.lease_ms > 0 then 1 else 0 end,
	       case when c.verdict = 'send'
		    then now() + c.lease_ms * interval '1 ms' end,
	       now() + :give_up_ms * interval '1 ms',
	       case when c.verdict <> 'send' then now() end
	  from changing c
	  join changed d using (ord)
	  -- what it supersedes was never agreed on: a rollback goes back to
	  -- what was there before that
	  left join lateral (
		select o.before_status, o.before_completed_at,
		       o.before_completed_by, o.before_completion_reason
		  from waiting o
		 where o.ord = c.ord
		   and o.state = 'queued'
		 order by o.task_version
		 limit 1) q on true
	returning id, state
)
select w.ord,
       case when s.ord is null then 'not_found'
	    when j.ord is null then 'busy'
	    when j.verdict in ('busy', 'archived', 'unchanged', 'conflict',
		'send')
		then j.verdict
	    else 'skip' end as verdict,
       case when j.verdict in ('manual', 'no_connection', 'writeback_off')
	    then j.verdict end as reason,
       coalesce(d.task, case when j.ord is not null
		then flowpin_task_json(j.task) end) as task,
       n.state, (j.task).source, (j.task).source_id,
       (j.task).source_metadata, j.by_fallback,
       c.id as connection_id, c.type, c.name, c.key_sealed, c.key_id,
       c.key_version,
       c.metadata, c.account_id, c.status, c.writeback, c.generation,
       greatest(extract(epoch from c.rate_limited_until - now()) * 1000,
		0)::bigint as rate_limited_ms
  from wished w
  left join seen s using (ord)
  left join judged j using (ord)
  left join changed d using (ord)
  left join written n on n.id = w.id
  left join integrations c
    on c.id = j.connection_id and j.verdict = 'send'
 order by w.ord
