-- task_read: one task of a user.
-- :user_id  uuid  whose
-- :task_id  uuid
select flowpin_task_json(t) as task
  from tasks t
 where t.user_id = :user_id
   and t.id = :task_id
