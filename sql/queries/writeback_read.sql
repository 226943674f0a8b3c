-- writeback_read: one writeback and its task, as their owner may see them.
-- :user_id  uuid  whose
-- :id       uuid  the writeback's
-- is_restored: the task is as it was before the wish.
select w.state, w.reason, w.settled_at is null as is_open,
       coalesce((select t.status = w.before_status
			and t.completed_at is not distinct from
				w.before_completed_at
		   from tasks t
		  where t.id = w.task_id
		    and t.user_id = w.user_id), false) as is_restored,
       (select row_to_json(j)
	  from (select
		w.id,
		w.task_id,
		w.connection_id,
		w.wish,
		case when w.settled_at is null then 'open'
			else w.state end as outcome,
		w.reason,
		w.attempts,
		flowpin_time(w.created_at) as created_at,
		flowpin_time(w.settled_at) as settled_at) j) as writeback,
       (select flowpin_task_json(t) from tasks t
	 where t.id = w.task_id and t.user_id = w.user_id) as task
  from writebacks w
 where w.user_id = :user_id
   and w.id = :id
