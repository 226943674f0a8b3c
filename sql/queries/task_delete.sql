-- task_delete: a local matter, no provider hears of it.
-- :user_id  uuid  whose
-- :task_id  uuid  which
delete from public.tasks t
 where t.user_id = :user_id
   and t.id = :task_id
returning t.id
