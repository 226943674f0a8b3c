-- task_archive: a local matter, no provider hears of it. The completion time
-- stays. Archiving twice is harmless.
-- $1 user_id  $2 task id
update tasks t
   set status = 'archived'
 where t.user_id = $1::uuid
   and t.id = $2::uuid
returning flowpin_task_json(t) as task
