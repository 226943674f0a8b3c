-- writeback_settle: end writebacks, or put them back in the queue, if they still belong
-- to the owner that says so; restore tasks that are rolled back and still are as the
-- local change left them; remember what was learnt of connections.
-- :user_ids       uuid[]     whose
-- :ids            uuid[]     the writebacks
-- :generations    bigint[]   of their owner
-- :states         text[]     accepted, skipped, rolled_back or queued
-- :reasons        text[]     why
-- :details        text[]     what was seen
-- :due_ms         bigint[]   queued: due after so long
-- :is_unclear     boolean[]  queued: a send may have had its effect
-- :doubt_ms       bigint[]   queued, accepted: for so long a send may yet have its effect
-- :are_told       boolean[]  the user is told by an event
-- :auth_failed    boolean[]  the key was refused
-- :limit_ms       bigint[]   rate limited for so long, 0: not
-- :patches        jsonb[]    what was learnt of the connection, or null
-- :key_versions   bigint[]   of the key that it was asked with: what these three say
--                            holds for that one
-- One row per element: owned and settled; or busy, its task's row was locked by someone
-- else: again, alone; or neither: the lease was lost (fencing). restored: the task is
-- back to what it was.
-- Only tasks that may change are locked, and never waited for: one locked row must not
-- hold up everybody else's commit. A wish holds the task's lock, so that none can come
-- between; one that this snapshot cannot see has bumped the link's version, which is
-- read again under the lock: then it counts as busy. One statement, because its commit is
-- shared, and because all of it holds only for owners that still are.
with said as (
	select *
	  from unnest(:user_ids, :ids, :generations, :states, :reasons, :details,
		:due_ms, :is_unclear, :doubt_ms, :are_told, :auth_failed, :limit_ms,
		:patches, :key_versions)
	       with ordinality as s (user_id, id, generation, state, reason, detail,
		due_ms, now_unclear, doubt_ms, is_told, auth_failed, limit_ms, patch,
		key_version, ord)
), changing as materialized (
	select s.ord, t.user_id, t.id, l.version
	  from said s
	  join gateway.writebacks w on w.user_id = s.user_id and w.id = s.id
	  join public.tasks t on t.id = w.task_id and t.user_id = w.user_id
	  left join gateway.links l on l.task_id = t.id
	 where s.state in ('rolled_back', 'queued')
	    or (s.state = 'accepted' and w.by_fallback)
), tasks_locked as materialized (
	select c.ord, c.id, c.version
	  from changing c
	  join public.tasks t on t.id = c.id and t.user_id = c.user_id
	 order by t.id
	   for update of t skip locked
), ready as materialized (
	select s.*
	  from said s
	 where not exists (select from changing c where c.ord = s.ord)
	    or exists (select from tasks_locked t
			where t.ord = s.ord
			  and gateway.link_version(t.id) is not distinct from t.version)
), owned as materialized (
	-- a newer wish makes trying again pointless, and harmful after it; but it waits
	-- for a send that may still have its effect
	select s.ord,
	       case when n.is_newer and s.state = 'queued' and s.doubt_ms = 0
			then 'superseded' else s.state end as new_state,
	       case when n.is_newer and s.state = 'queued' and s.doubt_ms = 0
			then 'newer_wish' else s.reason end as new_reason,
	       s.detail as new_detail,
	       -- and no longer than for that
	       case when n.is_newer then least(s.due_ms, s.doubt_ms)
			else s.due_ms end as wait_ms,
	       s.now_unclear, s.doubt_ms, s.is_told,
	       s.auth_failed, s.limit_ms, s.patch, s.key_version, w as was
	  from ready s
	  join gateway.writebacks w on w.user_id = s.user_id and w.id = s.id
	 cross join lateral (
		select exists (
			select from gateway.newer_wishes(w.user_id, w.task_id,
				w.task_version))) n (is_newer)
	 where w.state = 'sending'
	   and w.generation = s.generation
	 order by w.id
	   for update of w
), settled as (
	update gateway.writebacks w
	   set state = h.new_state, reason = h.new_reason,
	       detail = h.new_detail, is_unclear = h.now_unclear,
	       doubt_until = case when h.new_state in ('queued', 'accepted') and h.doubt_ms > 0
			then now() + h.doubt_ms * interval '1 ms' end,
	       due_at = case h.new_state when 'queued'
			then now() + h.wait_ms * interval '1 ms' end,
	       settled_at = case h.new_state when 'queued' then null
			else clock_timestamp() end
	  from owned h
	 where w.user_id = (h.was).user_id
	   and w.id = (h.was).id
), inherited as (
	-- a wish that was built on this one goes back, if it must, to what was there
	-- before either
	update gateway.writebacks n
	   set before_status = (h.was).before_status,
	       before_completed_at = (h.was).before_completed_at,
	       before_completed_by = (h.was).before_completed_by,
	       before_completion_reason = (h.was).before_completion_reason
	  from owned h
	 where n.user_id = (h.was).user_id
	   and n.task_id = (h.was).task_id
	   and n.settled_at is null
	   and n.task_version > (h.was).task_version
	   and h.new_state in ('rolled_back', 'superseded')
), restored as (
	-- the link first: the trigger must find that the gateway took note. A task whose
	-- status is not what was noted has a wish that is found late: it wins
	update gateway.links l
	   set version = l.version + 1,
	       status = (h.was).before_status,
	       completed_by = (h.was).before_completed_by,
	       completion_reason = (h.was).before_completion_reason,
	       changed_at = clock_timestamp()
	  from owned h
	  join public.tasks t
	    on t.id = (h.was).task_id
	   and t.user_id = (h.was).user_id
	 where l.task_id = (h.was).task_id
	   and l.version = (h.was).task_version
	   and l.status = t.status::text
	   and h.new_state = 'rolled_back'
	returning h.ord, h.was, l as link
), changed as (
	-- what a superseded wish had changed may be as it was already: a row that is
	-- written for nothing makes all of the user's clients read all they have
	update public.tasks t
	   set status = gateway.task_status((r.was).before_status),
	       completed_at = (r.was).before_completed_at,
	       updated_at = now()
	  from restored r
	 where t.id = (r.was).task_id
	   and t.user_id = (r.was).user_id
	   and (t.status::text, t.completed_at) is distinct from
	       ((r.was).before_status, (r.was).before_completed_at)
	returning r.ord, t as task
), there as materialized (
	-- one that is being deleted names nothing
	select h.ord, h.was
	  from owned h
	  join public.integrations i
	    on i.id = (h.was).connection_id
	   and i.user_id = (h.was).user_id
	 where (h.was).by_fallback
	   and h.new_state = 'accepted'
	   for key share of i skip locked
), named as (
	-- what was found by the fallback is known from now on
	update public.tasks t
	   set connection_id = (h.was).connection_id
	  from there h
	 where t.id = (h.was).task_id
	   and t.user_id = (h.was).user_id
	   and t.connection_id is null
	returning h.ord, t as task
), learnt as (
	select (h.was).connection_id as id, bool_or(h.auth_failed) as auth_failed,
	       max(h.limit_ms) as limit_ms,
	       (array_agg(h.patch) filter (where h.patch is not null))[1] as patch
	  from owned h
	  join gateway.connections c
	    on c.id = (h.was).connection_id
	   and c.user_id = (h.was).user_id
	   and c.key_version = h.key_version
	 where h.auth_failed or h.limit_ms > 0 or h.patch is not null
	 group by (h.was).connection_id
), connections as (
	update gateway.connections c
	   set status = case when l.auth_failed then 'auth_failed'
			else c.status end,
	       last_error = case when l.auth_failed
			then 'the provider refused the key' else c.last_error end,
	       rate_limited_until = gateway.limit_until(c.rate_limited_until,
			l.limit_ms),
	       metadata = c.metadata || coalesce(l.patch, '{}')
	  from learnt l
	 where c.id = l.id
	returning c.user_id, c.id, l.auth_failed
), told as (
	insert into gateway.events (user_id, type, task_id, writeback_id,
		connection_id, source, wish, reason)
	select (h.was).user_id,
	       case h.new_state when 'rolled_back' then 'task.rolled_back'
			when 'skipped' then 'writeback.skipped'
			else 'writeback.accepted' end,
	       (h.was).task_id, (h.was).id, (h.was).connection_id, (h.was).source,
	       (h.was).wish, h.new_reason
	  from owned h
	 where h.is_told
	   and h.new_state in ('rolled_back', 'skipped', 'accepted')
	   and (h.new_state <> 'rolled_back'
		or exists (select from restored b where b.ord = h.ord))
	 union all
	select c.user_id, 'connection.auth_failed', null, null, c.id, i.type::text,
	       null, 'auth_failed'
	  from connections c
	  join public.integrations i on i.id = c.id
	 where c.auth_failed
)
select s.ord, h.ord is not null as owned, r.ord is null as busy,
       b.ord is not null as restored,
       case when t.id is not null then gateway.task_json(
		coalesce(c.task, n.task, t), coalesce(b.link, l)) end as task
  from said s
  left join ready r using (ord)
  left join owned h using (ord)
  left join restored b using (ord)
  left join changed c using (ord)
  left join named n using (ord)
  left join public.tasks t
    on t.id = (h.was).task_id and t.user_id = (h.was).user_id
  left join gateway.links l on l.task_id = t.id
