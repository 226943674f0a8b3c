-- run_inbox: make a connection's inbox what its list shows without an active or
-- completed task, whichever connection that came through.
-- :user_id        uuid     whose
-- :connection_id  uuid     the connection
-- :type           text     its source
-- :generation     bigint   of the claim, whose row run_hold has locked
-- :t0             bigint   epoch microseconds
-- :run_id         uuid     the run's, which run_mark has written down
-- :source_ids     text[]   listed
-- :titles         text[]   of each
-- :urls           text[]   of each, or null
-- :metadata       text[]   of each, JSON: cast here, item by item, it costs a tenth of
-- :bags           text[]   what jsonb[] does
with own as (
	select c.id
	  from gateway.connections c
	 where c.id = :connection_id
	   and c.generation = :generation
), listed as materialized (
	select l.source_id, l.title, l.source_url, l.metadata::jsonb as metadata, l.bag::jsonb as bag
	  from own,
	       unnest(:source_ids, :titles, :urls, :metadata, :bags)
		as l (source_id, title, source_url, metadata, bag)
), taken as materialized (
	select t.source_id
	  from gateway.item_tasks t
	  left join gateway.tasks_under_way(:user_id, gateway.at(:t0)) as w (task_id)
	    on w.task_id = t.id
	 where t.user_id = :user_id
	   and t.source = :type
	   and (t.status <> 'archived' or w.task_id is not null)
), removed as (
	delete from gateway.inbox_items b
	 using (select i.id
		  from gateway.inbox_items i
		  left join listed l on l.source_id = i.source_id
		  left join taken t on t.source_id = i.source_id
		 where i.user_id = :user_id
		   and i.connection_id = :connection_id
		   and exists (select from own)
		   and (l.source_id is null or t.source_id is not null)) g
	 where b.user_id = :user_id
	   and b.id = g.id
	returning b.id
), added as (
	insert into gateway.inbox_items as i (user_id, connection_id, source_id, title,
		source_url, metadata, bag)
	select :user_id, :connection_id, l.source_id, l.title, l.source_url,
	       l.metadata, l.bag
	  from listed l
	  left join taken t on t.source_id = l.source_id
	  left join gateway.inbox_items k
	    on k.user_id = :user_id
	   and k.connection_id = :connection_id
	   and k.source_id = l.source_id
	 where t.source_id is null
	   -- a conflict locks its row, which is a write too: what is as it was is
	   -- left alone
	   and (k.title, k.source_url, k.metadata, k.bag)
		is distinct from (l.title, l.source_url, l.metadata, l.bag)
	    on conflict (user_id, connection_id, source_id) do update
	   set title = excluded.title, source_url = excluded.source_url,
	       metadata = excluded.metadata, bag = excluded.bag
	returning i.id, xmax = 0 as is_new
)
update gateway.poll_runs r
   set inbox_added = (select count(*) from added a where a.is_new),
       inbox_removed = (select count(*) from removed)
 where r.user_id = :user_id
   and r.id = :run_id
returning r.inbox_added, r.inbox_removed
