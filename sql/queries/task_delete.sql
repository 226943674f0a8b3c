-- task_delete: a local matter, no provider hears of it.
-- $1 user_id  $2 task id
delete from tasks t
 where t.user_id = $1::uuid
   and t.id = $2::uuid
returning t.id
