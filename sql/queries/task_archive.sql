-- task_archive: a local matter, no provider hears of it. The completion time stays.
-- Archiving twice is harmless.
-- :user_id  uuid  whose
-- :task_id  uuid  which
with locked as materialized (
	select t.id, t.status::text as status
	  from public.tasks t
	 where t.user_id = :user_id
	   and t.id = :task_id
	   for update
), noted as (
	-- the link first: the trigger must find that the gateway took note
	update gateway.links l
	   set version = l.version + 1, status = 'archived',
	       missing_since = null, changed_at = clock_timestamp()
	  from locked k
	 where l.task_id = k.id
	   and l.status <> 'archived'
	returning l as link
), archived as (
	update public.tasks t
	   set status = 'archived', updated_at = now()
	  from locked k
	  left join noted n on true
	 where t.id = k.id
	   and k.status <> 'archived'
	returning t as task
)
select gateway.task_json(coalesce(a.task, t), coalesce(n.link, l)) as task
  from locked k
  join public.tasks t on t.id = k.id
  left join gateway.links l on l.task_id = k.id
  left join archived a on true
  left join noted n on true
