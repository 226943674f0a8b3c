-- task_rename: a local matter, no provider hears of it.
-- input: errors of class 22 are about what the caller sent
-- :user_id  uuid  whose
-- :task_id  uuid  which
-- :title    text  its new title
with renamed as (
	update public.tasks t
	   set title = :title, updated_at = now()
	 where t.user_id = :user_id
	   and t.id = :task_id
	returning t as task
)
select gateway.task_json(r.task, l) as task
  from renamed r
  left join gateway.links l on l.task_id = (r.task).id
