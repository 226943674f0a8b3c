-- task_read: one task of a user.
-- $1 user_id  $2 task id
select flowpin_task_json(t) as task
  from tasks t
 where t.user_id = $1::uuid
   and t.id = $2::uuid
