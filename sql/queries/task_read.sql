-- task_read: one task of a user.
-- :user_id  uuid  whose
-- :task_id  uuid  which
select gateway.task_json(t, l) as task
  from public.tasks t
  left join gateway.links l on l.task_id = t.id
 where t.user_id = :user_id
   and t.id = :task_id
