-- task_rename: a local matter, no provider hears of it.
-- $1 user_id  $2 task id  $3 title
update tasks t
   set title = $3, updated_at = clock_timestamp()
 where t.user_id = $1::uuid
   and t.id = $2::uuid
returning flowpin_task_json(t) as task
