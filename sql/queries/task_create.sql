-- task_create: a task made by hand, or a legacy import that names an item but no
-- connection; connection_id is null either way.
-- input: errors of class 22 are about what the caller sent
-- :user_id     uuid  whose
-- :task_id     uuid  its id
-- :title       text  what
-- :source      text  manual, or the provider
-- :source_id   text  the item, or null
-- :source_url  text  where a person opens it, or null
-- The link first: the trigger must find that the gateway took note.
with new as materialized (
	select :task_id as id
), linked as (
	insert into gateway.links as l (task_id, user_id, source, source_id, source_url,
		status)
	select n.id, :user_id, :source, :source_id, :source_url, 'active'
	  from new n
	 where :source_id is not null
	returning l as link
), made as (
	insert into public.tasks as t (id, user_id, title, source, source_id, updated_at)
	select n.id, :user_id, :title, gateway.task_source(:source), :source_id, now()
	  from new n
	  left join linked l on true
	returning t as task
)
select gateway.task_json(m.task, l.link) as task
  from made m
  left join linked l on true
