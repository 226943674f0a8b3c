-- writeback_settle: end writebacks, or put them back in the queue, if they still
-- belong to the owner that says so; restore tasks that are rolled back and still
-- are as the local change left them; remember what was learnt of connections.
-- :user_ids      uuid[]     whose
-- :ids           uuid[]     the writebacks'
-- :generations   bigint[]
-- :states        text[]     accepted, skipped, rolled_back or queued
-- :reasons       text[]
-- :details       text[]
-- :dues_ms       bigint[]   queued: due after so long
-- :auth_failed   boolean[]  the key was refused
-- :limits_ms     bigint[]   rate limited for so long; 0: not
-- :patches       jsonb[]    of metadata, or null
-- :sentences     text[]     for the user, or null: no event
-- :key_versions  bigint[]   of the key it was asked with: auth_failed, limits_ms and patches hold for that one
-- :is_unclear    boolean[]  queued: a send may have had its effect
-- One row per element: held and settled; or busy, its task's row was locked by
-- someone else: again, alone; or neither: the lease was lost (fencing).
-- restored: the task is back to what it was.
-- Only tasks that may change are locked, and never waited for: one locked row
-- must not hold up everybody else's commit. A locked row whose version is not the
-- snapshot's was changed by a begin that this snapshot cannot see; which wishes
-- there are is not known then, and it counts as busy.
with said as (
	select *
	  from unnest(:user_ids, :ids, :generations, :states,
		:reasons, :details, :dues_ms, :auth_failed,
		:limits_ms, :patches, :sentences, :key_versions,
		:is_unclear)
	       with ordinality as s (user_id, id, generation, state, reason,
		detail, due_ms, auth_failed, limit_ms, patch, sentence,
		key_version, is_unclear, ord)
), changing as materialized (
	select s.ord, t.user_id, t.id, t.version
	  from said s
	  join writebacks w on w.user_id = s.user_id and w.id = s.id
	  join tasks t on t.id = w.task_id and t.user_id = w.user_id
	 where s.state in ('rolled_back', 'queued')
	    or (s.state = 'accepted' and w.by_fallback)
), tasks_locked as materialized (
	select c.ord, t.version = c.version as is_seen
	  from changing c
	  join tasks t on t.id = c.id and t.user_id = c.user_id
	 order by t.id
	   for update of t skip locked
), ready as materialized (
	select s.*
	  from said s
	 where not exists (select from changing c where c.ord = s.ord)
	    or exists (select from tasks_locked l
			where l.ord = s.ord and l.is_seen)
), held as materialized (
	-- a newer wish makes trying again pointless, and harmful after it
	select s.ord,
	       case when n.is_newer and s.state = 'queued' then 'superseded'
			else s.state end as new_state,
	       case when n.is_newer and s.state = 'queued' then 'newer_wish'
			else s.reason end as new_reason,
	       s.detail as new_detail, s.due_ms, s.auth_failed, s.limit_ms,
	       s.patch, s.sentence, s.key_version,
	       s.is_unclear as now_unclear, w.*
	  from ready s
	  join writebacks w on w.user_id = s.user_id and w.id = s.id
	 cross join lateral (
		select exists (
			select from writebacks o
			 where o.user_id = w.user_id
			   and o.task_id = w.task_id
			   and o.task_version > w.task_version)) n (is_newer)
	 where w.state = 'sending'
	   and w.generation = s.generation
	 order by w.id
	   for update of w
), settled as (
	update writebacks w
	   set state = h.new_state, reason = h.new_reason,
	       detail = h.new_detail, is_unclear = h.now_unclear,
	       due_at = case h.new_state when 'queued'
			then now() + h.due_ms * interval '1 ms' end,
	       settled_at = case h.new_state when 'queued' then null
			else clock_timestamp() end
	  from held h
	 where w.user_id = h.user_id
	   and w.id = h.id
	returning h.ord
), inherited as (
	-- a wish that was built on this one goes back, if it must, to what was
	-- there before either
	update writebacks n
	   set before_status = h.before_status,
	       before_completed_at = h.before_completed_at,
	       before_completed_by = h.before_completed_by,
	       before_completion_reason = h.before_completion_reason
	  from held h
	 where n.user_id = h.user_id
	   and n.task_id = h.task_id
	   and n.settled_at is null
	   and n.task_version > h.task_version
	   and h.new_state in ('rolled_back', 'superseded')
), changed as (
	update tasks t
	   set status = case when h.new_state = 'rolled_back'
			then h.before_status else t.status end,
	       completed_at = case when h.new_state = 'rolled_back'
			then h.before_completed_at else t.completed_at end,
	       completed_by = case when h.new_state = 'rolled_back'
			then h.before_completed_by else t.completed_by end,
	       completion_reason = case when h.new_state = 'rolled_back'
			then h.before_completion_reason
			else t.completion_reason end,
	       connection_id = case when h.new_state = 'accepted'
			then h.connection_id else t.connection_id end
	  from held h
	 where t.id = h.task_id
	   and t.user_id = h.user_id
	   and (t.version = h.task_version
		-- its connection was deleted meanwhile, and nothing else happened
		or (t.version = h.task_version + 1 and not h.by_fallback
		    and t.connection_id is null))
	   and (h.new_state = 'rolled_back'
		or (h.new_state = 'accepted' and h.by_fallback
		    and t.connection_id is null
		    and exists (select from integrations i
				 where i.id = h.connection_id
				   and i.user_id = h.user_id)))
	   -- the item was imported anew meanwhile: that task stands for it
	   and (case when h.new_state = 'rolled_back' then h.before_status
		     else t.status end <> 'active'
		or not exists (
			select from tasks o
			 where o.user_id = t.user_id
			   and o.connection_id = coalesce(t.connection_id,
				h.connection_id)
			   and o.source_id = t.source_id
			   and o.status = 'active'
			   and o.id <> t.id))
	returning h.ord, h.new_state, flowpin_task_json(t) as task
), learnt as (
	select h.user_id, h.connection_id, bool_or(h.auth_failed) as auth_failed,
	       max(h.limit_ms) as limit_ms,
	       (array_agg(h.patch) filter (where h.patch is not null))[1]
			as patch
	  from held h
	  join integrations i
	    on i.id = h.connection_id
	   and i.user_id = h.user_id
	   and i.key_version = h.key_version
	 where h.auth_failed or h.limit_ms > 0 or h.patch is not null
	 group by h.user_id, h.connection_id
), connections as (
	update integrations i
	   set status = case when l.auth_failed and i.status = 'active'
			then 'auth_failed' else i.status end,
	       last_error = case when l.auth_failed
			then 'the provider refused the key'
			else i.last_error end,
	       rate_limited_until = case when l.limit_ms > 0
			then greatest(i.rate_limited_until,
				now() + l.limit_ms * interval '1 ms')
			else i.rate_limited_until end,
	       metadata = coalesce(i.metadata, '{}') || coalesce(l.patch, '{}'),
	       updated_at = now()
	  from learnt l
	 where i.id = l.connection_id
	   and i.user_id = l.user_id
	returning i.user_id, i.id, l.auth_failed
), told as (
	insert into events (user_id, type, task_id, writeback_id, connection_id,
		reason, detail)
	select h.user_id,
	       case h.new_state when 'rolled_back' then 'task.rolled_back'
			when 'skipped' then 'writeback.skipped'
			else 'writeback.accepted' end,
	       h.task_id, h.id, h.connection_id, h.new_reason, h.sentence
	  from held h
	 where h.sentence is not null
	   and (h.new_state <> 'rolled_back'
		or exists (select from changed c where c.ord = h.ord))
	 union all
	select c.user_id, 'connection.auth_failed', null, null, c.id,
	       'auth_failed', 'The provider no longer accepts this connection''s key.'
	  from connections c
	 where c.auth_failed
)
select s.ord, h.ord is not null as held, r.ord is null as busy,
       coalesce(c.new_state = 'rolled_back', false) as restored,
       coalesce(c.task,
		case when t.id is not null then flowpin_task_json(t) end)
		as task
  from said s
  left join ready r using (ord)
  left join held h using (ord)
  left join changed c using (ord)
  left join tasks t on t.id = h.task_id and t.user_id = h.user_id
