-- task_list: a user's tasks, newest first, one more than asked (is there a next
-- page?).
-- $1 user_id  $2 status or null  $3 source or null
-- $4 cursor: created_at of the last one seen, or null  $5 and its id  $6 limit
select t.id, flowpin_time(t.created_at) as created_at,
       flowpin_task_json(t) as task
  from tasks t
 where t.user_id = $1::uuid
   and ($2::text is null or t.status = $2)
   and ($3::text is null or coalesce(t.source, 'manual') = $3)
   and ($4::timestamptz is null
	or (t.created_at, t.id) < ($4::timestamptz, $5::uuid))
 order by t.created_at desc, t.id desc
 limit $6
