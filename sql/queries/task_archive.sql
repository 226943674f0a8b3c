-- task_archive: a local matter, no provider hears of it. The completion time
-- stays. Archiving twice is harmless.
-- :user_id  uuid  whose
-- :task_id  uuid
update tasks t
   set status = 'archived'
 where t.user_id = :user_id
   and t.id = :task_id
returning flowpin_task_json(t) as task
