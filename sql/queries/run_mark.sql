-- run_mark: what a complete run makes of the tasks that its list spoke of, if the claim
-- is still current: run_hold has locked the connection.
-- :user_id        uuid      whose
-- :connection_id  uuid      the connection
-- :type           text      its source
-- :account_id     text      who asks, or null
-- :generation     bigint    of the claim
-- :t0             bigint    epoch microseconds
-- :run_id         uuid      the run's
-- :task_ids       uuid[]    judged
-- :versions       bigint[]  their links' versions then
-- :findings       text[]    missing or returned
-- :actions        text[]    what is done
-- :reasons        text[]    why
-- :ask_after_ms   bigint[]  asked for by id and left as it is: again after so long; or -1
-- :new_ids        text[]    new source_ids, or null
-- :metadata       text[]    of those that are reopened: the item as listed, JSON; or null
-- :pages          integer   read
-- :items          integer   listed
-- :repeated       integer   rows that came again
-- :odd            integer   items that could not be read
-- :still_open     integer   of the judged
-- :unconfirmed    integer   of the judged
-- :kind           text      the guard that holds, or null
-- :held           integer   tasks without evidence
-- One statement, because what is told and counted is what was locked and changed.
-- One row: what was done. No row: another poller has the connection now, or it is gone.
with own as materialized (
	select c.id
	  from gateway.connections c
	 where c.id = :connection_id
	   and c.user_id = :user_id
	   and c.generation = :generation
), judged as materialized (
	select j.id, j.version, j.finding, j.action, j.reason, j.ask_after_ms, j.new_id,
	       j.metadata::jsonb as metadata,
	       row_number() over (partition by j.new_id order by j.id) as nth_of_id
	  from own,
	       unnest(:task_ids, :versions, :findings, :actions, :reasons,
		:ask_after_ms, :new_ids, :metadata)
		as j (id, version, finding, action, reason, ask_after_ms, new_id, metadata)
), under_way as materialized (
	select w.task_id
	  from gateway.tasks_under_way(:user_id, gateway.at(:t0)) as w (task_id)
), locked as materialized (
	select t.id, j.action, j.reason, j.ask_after_ms, j.new_id, j.metadata,
	       -- what was seen of the item at the provider is taken back
	       j.action = 'reopen' and l.completed_by = 'absence' as is_healed
	  from judged j
	  join public.tasks t on t.id = j.id
	  join gateway.links l on l.task_id = t.id
	  left join under_way w on w.task_id = t.id
	 where t.user_id = :user_id
	   and l.user_id = :user_id
	   and l.version = j.version
	   and l.status = t.status::text
	   -- one that cannot be counted up must not stop the others
	   and l.version < 1000000000000000
	   and (j.action not in ('none', 'held') or j.ask_after_ms >= 0)
	   and w.task_id is null
	   -- the app stamps a row with the beginning of the transaction: one that was
	   -- stamped since this one began must not get an older stamp, by which a copy
	   -- of it would pass as newer; it is the next run's. Who stamps it with a
	   -- future time has a clock that is fast
	   and (t.updated_at is null or t.updated_at <= now()
		or t.updated_at > clock_timestamp())
	   -- a row may stand for the item under its new id already, or get it now
	   and (j.action <> 'renumber' or j.nth_of_id = 1)
	   and (j.action <> 'renumber' or not exists (
		select from public.tasks n
		 where n.user_id = :user_id
		   and n.source = t.source
		   and n.source_id = j.new_id))
	 order by t.id
	   -- what someone changes at this moment is the next run's; to wait for it
	   -- could be for ever
	   for update of t skip locked
), noted as (
	update gateway.links l
	   set version = case when k.action in ('complete', 'reopen', 'renumber')
			then l.version + 1 else l.version end,
	       changed_at = case when k.action in ('complete', 'reopen', 'renumber')
			then clock_timestamp() else l.changed_at end,
	       status = case k.action when 'complete' then 'completed'
			when 'reopen' then 'active' else l.status end,
	       completed_by = case k.action when 'complete' then 'absence'
			when 'reopen' then null else l.completed_by end,
	       completion_reason = case k.action when 'complete' then k.reason
			when 'reopen' then null else l.completion_reason end,
	       source_id = coalesce(k.new_id, l.source_id),
	       metadata = coalesce(k.metadata, l.metadata),
	       due_since = case when k.metadata ->> 'due_date'
			is distinct from l.metadata ->> 'due_date'
			and k.metadata is not null
			-- not t0: it may have moved after that, before its page was read
			then clock_timestamp() else l.due_since end,
	       account_id = case when k.action = 'reopen' then :account_id
			else l.account_id end,
	       missing_since = case when k.action = 'missing'
			then coalesce(l.missing_since, gateway.at(:t0))
			when k.action in ('none', 'held') and k.reason = 'not_visible'
			then l.missing_since end,
	       contradicted_since = case k.action when 'contradicted'
			then coalesce(l.contradicted_since, gateway.at(:t0)) end,
	       asks = case when k.ask_after_ms >= 0
			then least(l.asks + 1, 1000000) else 0 end,
	       ask_after = case when k.ask_after_ms >= 0
			then now() + k.ask_after_ms * interval '1 ms' end
	  from locked k
	 where l.task_id = k.id
	   and l.user_id = :user_id
	returning l.task_id, k.action, k.reason, k.new_id, k.is_healed
), marked as (
	-- only what its user sees changes: a row of public that is written makes all
	-- of the user's clients read all they have
	update public.tasks t
	   set status = gateway.task_status(case n.action when 'complete'
			then 'completed' when 'reopen' then 'active'
			else t.status::text end),
	       completed_at = case n.action when 'complete' then clock_timestamp()
			when 'reopen' then null else t.completed_at end,
	       source_id = coalesce(n.new_id, t.source_id),
	       connection_id = coalesce(t.connection_id, :connection_id),
	       updated_at = now()
	  from noted n
	 where t.id = n.task_id
	   and t.user_id = :user_id
	   and n.action in ('complete', 'reopen', 'renumber')
), decided as (
	insert into gateway.decisions (user_id, task_id, run_id, finding, action,
		reason, is_applied)
	select :user_id, j.id, :run_id, j.finding, j.action, j.reason,
	       coalesce(n.action not in ('none', 'held'), false)
	  from judged j
	  left join noted n on n.task_id = j.id
	  left join (
		select distinct on (d.task_id) d.task_id, d.action, d.reason
		  from gateway.decisions d
		 where d.user_id = :user_id
		 order by d.task_id, d.decided_at desc) last on last.task_id = j.id
	 where n.action not in ('none', 'held')
	    or (j.reason <> 'put_off'
		and (last.action, last.reason) is distinct from (j.action, j.reason))
), told as (
	insert into gateway.events (user_id, type, task_id, connection_id, source,
		reason)
	select :user_id,
	       case n.action when 'complete' then 'task.completed'
			else 'task.reopened' end,
	       n.task_id, :connection_id, :type, n.reason
	  from noted n
	 where n.action in ('complete', 'reopen')
), counted as (
	select count(*) filter (where n.action = 'complete') as completed,
	       count(*) filter (where n.action = 'reopen') as reopened,
	       count(*) filter (where n.is_healed) as healed
	  from noted n
)
insert into gateway.poll_runs (user_id, id, connection_id, generation, started_at,
	ended_at, outcome, pages, items, repeated, odd, candidates, completed, still_open,
	unconfirmed, reopened, healed, guard, held)
select :user_id, :run_id, o.id, :generation, gateway.at(:t0), clock_timestamp(),
       'complete', :pages, :items, :repeated, :odd, cardinality(:task_ids), n.completed,
       :still_open, :unconfirmed, n.reopened, n.healed, :kind, :held
  from own o
 cross join counted n
returning completed, reopened
