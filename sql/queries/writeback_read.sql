-- writeback_read: one writeback and its task, as their owner may see them.
-- :user_id  uuid  whose
-- :id       uuid  the writeback
-- is_restored: the task is as it was before the wish.
select w.state, w.reason, w.wish, w.source, w.settled_at is null as is_open,
       coalesce(t.status::text = w.before_status
		and t.completed_at is not distinct from w.before_completed_at,
		false) as is_restored,
       (select row_to_json(j)
	  from (select
		w.id,
		w.task_id,
		w.connection_id,
		w.wish,
		w.origin,
		case when w.settled_at is null then 'open'
			else w.state end as outcome,
		w.reason,
		w.attempts,
		gateway.time_text(w.created_at) as created_at,
		gateway.time_text(w.settled_at) as settled_at) j) as writeback,
       case when t.id is not null then gateway.task_json(t, l) end as task
  from gateway.writebacks w
  left join public.tasks t on t.id = w.task_id and t.user_id = w.user_id
  left join gateway.links l on l.task_id = t.id
 where w.user_id = :user_id
   and w.id = :id
