-- run_diff: which tasks of a connection does its complete list speak of?
-- :user_id        uuid         whose
-- :connection_id  uuid
-- :t0             timestamptz  when the run began
-- :source_ids     text[]       listed
-- :dues           text[]       their due date if they recur, or null
-- verdict: missing    active, not listed: to be confirmed by id
--          occurrence active, listed, its due date moved on: that one was done
--          returned   completed on both sides before, listed again: by id
-- active: how many active tasks the connection has.
-- tasks_seen: flowpin_tasks_seen of what was judged; null if some could not be, or
-- may have to be adopted. At least one row says it, without a task if the list speaks
-- of none.
-- Tasks that changed since t0, or whose writeback is open or was settled since,
-- are left out. Tasks that name no connection belong to the user's oldest one of
-- their source. The anti-join grows linearly under any plan; `<> all` does not.
with own as (
	select i.user_id, i.id, i.type, flowpin_tasks_seen(i) as tasks_seen,
	       not exists (
			select from integrations o
			 where o.user_id = i.user_id
			   and o.type = i.type
			   and (o.created_at, o.id) < (i.created_at, i.id))
			as is_oldest
	  from integrations i
	 where i.user_id = :user_id
	   and i.id = :connection_id
), listed as materialized (
	select *
	  from unnest(:source_ids, :dues) as l (source_id, due)
), known as materialized (
	select t.*,
	       t.connection_id = o.id or (t.connection_id is null and o.is_oldest)
			as is_own,
	       t.created_at < :t0
		and t.updated_at < :t0 as is_settled
	  from own o
	  join tasks t
	    on t.user_id = o.user_id
	   and t.source = o.type
	 where t.source_id is not null
), quiet as (
	select k.*
	  from known k
	 where k.is_own
	   and k.is_settled
	   and k.status in ('active', 'completed')
	   and not exists (
		select from writebacks w
		 where w.user_id = k.user_id
		   and w.task_id = k.id
		   and (w.settled_at is null
			or w.settled_at >= :t0))
), spoken_of as (
	select q.id, q.version, q.source_id, q.missing_since is not null as was_missing,
	       q.connection_id is null as never_seen, l.due,
	       (select count(*)
		  from own o
		  join tasks a
		    on a.user_id = o.user_id
		   and a.connection_id = o.id
		 where a.status = 'active'
		   and a.source_id is not null) as active,
	       case when q.status = 'completed' then 'returned'
		    when l.source_id is null then 'missing'
		    else 'occurrence' end as verdict
	  from quiet q
	  left join listed l using (source_id)
	 where (q.status = 'active' and l.source_id is null)
	    or (q.status = 'active' and l.due is not null
		and q.source_metadata->>'is_recurring' = 'true'
		-- another day; or, between two of the same shape, a later time
		and (left(l.due, 10) > left(q.source_metadata->>'due_date', 10)
		     or (length(l.due) = length(q.source_metadata->>'due_date')
			 and l.due > (q.source_metadata->>'due_date'))))
	    or (q.status = 'completed' and l.source_id is not null
		-- one occurrence is not another: the same one is open again
		and (l.due = q.source_metadata->>'due_date'
		     or (l.due is null
			 and coalesce(q.source_metadata->>'is_recurring', 'false')
				<> 'true'))
		-- the newest task of the item, and none of it active
		and not exists (
			select from tasks n
			 where n.user_id = q.user_id
			   and n.source = q.source
			   and n.source_id = q.source_id
			   and n.id <> q.id
			   and (n.status = 'active' or (n.created_at, n.id)
				> (q.created_at, q.id)))
		-- what stayed local on purpose stays so; what a wish that was refused,
		-- given up or superseded left behind does not
		and (q.completed_by in ('absence', 'webhook')
		     or (select w.state <> 'skipped'
			   from writebacks w
			  where w.user_id = q.user_id
			    and w.task_id = q.id
			    and w.wish = 'complete'
			    -- what was rolled back went back to an earlier completion
			    and w.state in ('accepted', 'skipped')
			  order by w.task_version desc
			  limit 1)))
)
select c.*,
       case when not exists (
		select from known k
		 where k.is_settled is not true
		    or (k.is_own and k.status = 'active'
			and k.connection_id is null))
	     and not exists (
		select from known k
		  join writebacks w
		    on w.user_id = k.user_id
		   and w.task_id = k.id
		 where w.settled_at is null
		    or w.settled_at >= :t0)
		then o.tasks_seen end as tasks_seen
  from own o
  left join spoken_of c on true
 order by c.id
