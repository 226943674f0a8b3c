-- task_rename: a local matter, no provider hears of it.
-- :user_id  uuid  whose
-- :task_id  uuid
-- :title    text
-- input: errors of class 22 are about what the caller sent
update tasks t
   set title = :title, updated_at = clock_timestamp()
 where t.user_id = :user_id
   and t.id = :task_id
returning flowpin_task_json(t) as task
