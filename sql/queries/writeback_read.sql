-- writeback_read: one writeback and its task, as their owner may see them.
-- $1 user_id  $2 writeback id
select w.state,
       json_build_object(
		'id', w.id,
		'task_id', w.task_id,
		'connection_id', w.connection_id,
		'wish', w.wish,
		'outcome', case when w.settled_at is null then 'open'
			else w.state end,
		'reason', w.reason,
		'attempts', w.attempts,
		'created_at', flowpin_time(w.created_at),
		'settled_at', flowpin_time(w.settled_at)) as writeback,
       (select flowpin_task_json(t) from tasks t
	 where t.id = w.task_id and t.user_id = w.user_id) as task
  from writebacks w
 where w.user_id = $1::uuid
   and w.id = $2::uuid
