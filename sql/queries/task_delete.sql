-- task_delete: a local matter, no provider hears of it. Its link goes with it, whether or
-- not the trigger is there: a device may insert its copy again, and that is another task.
-- :user_id  uuid  whose
-- :task_id  uuid  which
with task as materialized (
	select t.id
	  from public.tasks t
	 where t.user_id = :user_id
	   and t.id = :task_id
	   for update
), link as (
	delete from gateway.links l
	 using task t
	 where l.task_id = t.id
	returning l.task_id
)
-- the link first: the trigger would delete one that this statement still is to
delete from public.tasks t
 using task
 where t.id = task.id
   and (select count(*) from link) >= 0
returning t.id
