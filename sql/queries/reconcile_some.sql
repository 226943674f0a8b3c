-- reconcile_some: look at the next tasks for changes that no trigger noticed: of
-- connections that are not polled, runs do not look. After the last one it begins anew.
-- Links whose task is gone, where no trigger deleted them with it, go as well; those whose
-- task never came to be, with the wish that was noted of it.
-- :limit  integer  tasks at most: as many at once as a client may wait for
-- looked_at: how many it looked at. Fewer than the limit: that was the last one.
with cursor as materialized (
	-- it has one row, which the planner does not know: it would compile all of this,
	-- at every pass of every poller
	select r.after_task_id
	  from gateway.reconciling r
	 limit 1
	   for update skip locked
), looked_at as materialized (
	select t.id
	  from cursor c
	 cross join lateral (
		select t.id
		  from public.tasks t
		 where t.id > c.after_task_id
		   and t.source_id is not null
		 order by t.id
		 limit :limit) t
), next as (
	select case when (select count(*) from looked_at) = :limit
		then (select l.id from looked_at l order by l.id desc limit 1)
		else '00000000-0000-0000-0000-000000000000' end as id
), moved as (
	-- where all fit into one look, the cursor stays and nothing is written
	update gateway.reconciling r
	   set after_task_id = n.id
	  from next n
	 cross join cursor c
	 where r.after_task_id <> n.id
), gone as (
	delete from gateway.links l
	 where l.task_id > (select c.after_task_id from cursor c)
	   and l.task_id <= (
		select case n.id when '00000000-0000-0000-0000-000000000000'
			then 'ffffffff-ffff-ffff-ffff-ffffffffffff' else n.id end
		  from next n)
	   and not exists (select from public.tasks t where t.id = l.task_id)
	   and (l.linked_at < now() - interval '1 hour'
		or exists (
			select from gateway.writebacks w
			 where w.user_id = l.user_id
			   and w.task_id = l.task_id
			   and w.settled_at is null))
	returning l.user_id, l.task_id, l.version
), ended as (
	update gateway.writebacks w
	   set state = 'superseded', reason = 'not_written', settled_at = now(),
	       due_at = null
	  from gone g
	 where w.user_id = g.user_id
	   and w.task_id = g.task_id
	   and w.task_version = g.version
	   and w.state = 'queued'
	   and w.origin <> 'call'
	   and w.attempts = 0
)
select gateway.reconcile(array(select l.id from looked_at l)) as noted,
       (select count(*) from looked_at) as looked_at
