-- writeback_begin: change tasks locally and write down, in the same commit, the wish
-- that their providers follow; or decide that nothing is to be sent.
-- :user_ids   uuid[]    whose
-- :task_ids   uuid[]    the tasks, none twice
-- :wishes     text[]    complete or uncomplete
-- :ids        uuid[]    of new writebacks
-- :lease_ms   bigint[]  0: nobody waits for it, so it is queued for the sweepers
-- One row per element. route:
--   not_found, archived, unchanged   nothing was done
--   busy    someone else has the row at this moment: try again, alone
--   joined  nothing was done: an earlier wish was the same; id and state are its
--   send    written down; state sending (ours until the lease ends) or queued (another
--           call for the task is in flight: claim it later)
--   skip    changed, and the writeback ended as skipped: reason
-- writebacks_sending, a unique index, is the last guard against two in flight. One
-- statement, because its commit is shared by all who call at this moment.
with wished as (
	select *
	  from unnest(:user_ids, :task_ids, :wishes, :ids, :lease_ms)
	       with ordinality as w (user_id, task_id, wish, id, lease_ms, ord)
), seen as (
	select w.ord
	  from wished w
	  join public.tasks t on t.id = w.task_id and t.user_id = w.user_id
), locked as materialized (
	select w.ord, w.id as writeback_id, w.wish, w.lease_ms, t as task
	  from wished w
	  join public.tasks t on t.id = w.task_id and t.user_id = w.user_id
	 order by t.id
	   for update of t skip locked
), judged as materialized (
	select l.*,
	       gateway.before_of(l.task, (l.task).status::text,
			(l.task).completed_at) as before,
	       case when (l.task).status::text = 'archived' then 'archived'
		    when ((l.task).status::text = 'completed') = (l.wish = 'complete')
			then 'same'
		    else 'change' end as route
	  from locked l
), joined as materialized (
	select j.ord, w.*
	  from judged j
	 cross join lateral gateway.wish_join(j.before, j.wish) w
	 where j.route = 'same'
), added as materialized (
	select j.ord, j.route = 'change' as is_change, j.before, j.wish, a.*
	  from judged j
	  left join joined o using (ord)
	 cross join lateral gateway.wish_add(coalesce(o.known, j.before), j.wish,
		j.writeback_id, j.lease_ms, 'call', null) a
	 where j.route = 'change'
	    or o.route = 'unknown'
), changed as (
	update public.tasks t
	   set status = gateway.task_status(case a.wish when 'complete'
			then 'completed' else 'active' end),
	       completed_at = case a.wish when 'complete'
			then clock_timestamp() end,
	       updated_at = now()
	  from added a
	 where t.id = (a.before).id
	   and t.user_id = (a.before).user_id
	   and a.is_change
	returning a.ord, t as task
)
select w.ord,
       case when s.ord is null then 'not_found'
	    when j.ord is null then 'busy'
	    when a.route = 'send' then 'send'
	    when a.ord is not null then 'skip'
	    else coalesce(o.route, j.route) end as route,
       case when a.route <> 'send' then a.route end as reason,
       case when j.ord is not null then gateway.task_json(
		coalesce(d.task, j.task), coalesce(a.link, o.link, l)) end as task,
       coalesce((o.writeback).id, w.id) as id,
       coalesce(a.state, (o.writeback).state) as state,
       coalesce((o.writeback).source_id, (j.before).source_id) as source_id,
       coalesce((o.writeback).source_metadata, a.metadata)
		as source_metadata,
       coalesce((o.writeback).by_fallback, (j.before).connection_id is null)
		as by_fallback,
       gateway.is_guess(l.account_id, c.account_id, coalesce((o.writeback).by_fallback,
		(j.before).connection_id is null)) as is_guess,
       l.account_id as shown_to,
       -- who calls for a reopening means it, whoever changed the row before
       coalesce((o.writeback).origin <> 'call'
		and (o.writeback).wish = 'complete', false) as by_row,
       c.*
  from wished w
  left join seen s using (ord)
  left join judged j using (ord)
  left join joined o using (ord)
  left join added a using (ord)
  left join changed d using (ord)
  left join gateway.links l on l.task_id = w.task_id
  left join gateway.connection_use c
    on c.connection_id = coalesce(a.connection_id, (o.writeback).connection_id)
   and c.owner_id = w.user_id
   and (a.route = 'send' or o.route = 'joined')
 order by w.ord
