-- run_refresh: remember of every listed item what a later write needs, and that it was
-- seen. Links only: no client hears of it.
-- :user_id        uuid     whose
-- :connection_id  uuid     the connection
-- :type           text     its source
-- :account_id     text     who asks, or null
-- :generation     bigint   of the claim, whose row run_hold has locked
-- :t0             bigint   epoch microseconds
-- :source_ids     text[]   listed
-- :metadata       text[]   of each, JSON: cast here, item by item, it costs a tenth of
--                          what jsonb[] does
-- A task that changed since t0 knows better than the list.
with own as materialized (
	select gateway.ownership(:user_id, :type, :connection_id) as ownership
	 where exists (
		select from gateway.connections c
		 where c.id = :connection_id
		   and c.generation = :generation)
), listed as materialized (
	select l.source_id, l.metadata::jsonb as metadata
	  from unnest(:source_ids, :metadata) as l (source_id, metadata)
), stale as (
	select t.id, l.metadata
	  from own o
	 cross join gateway.item_tasks t
	  join listed l on l.source_id = t.source_id
	  left join gateway.tasks_under_way(:user_id, gateway.at(:t0)) as w (task_id)
	    on w.task_id = t.id
	 where t.user_id = :user_id
	   and t.source = :type
	   and t.status = 'active'
	   and t.is_linked
	   -- the list may be from before a write of ours
	   and w.task_id is null
	   and t.changed_at < gateway.at(:t0)
	   and t.linked_at < gateway.at(:t0)
	   and gateway.is_own(t.connection_id, t.account_id, :connection_id, o.ownership)
	   and (t.metadata is distinct from l.metadata
		or t.account_id is distinct from :account_id
		or t.missing_since is not null
		or t.contradicted_since is not null
		or t.asks > 0)
), locked as materialized (
	select k.task_id, s.metadata
	  from stale s
	  join gateway.links k on k.task_id = s.id
	 where k.user_id = :user_id
	   and k.source = :type
	   and k.status = 'active'
	   and k.changed_at < gateway.at(:t0)
	   -- what somebody changes at this moment is the next run's
	   for update of k skip locked
), refreshed as (
	update gateway.links k
	   set metadata = l.metadata,
	       due_since = case when k.metadata ->> 'due_date'
			is distinct from l.metadata ->> 'due_date'
			-- not t0: it may have moved after that, before its page was read
			then clock_timestamp() else k.due_since end,
	       account_id = :account_id,
	       seen_at = gateway.at(:t0),
	       missing_since = null,
	       contradicted_since = null,
	       asks = 0,
	       ask_after = null
	  from locked l
	 where k.task_id = l.task_id
	   and k.user_id = :user_id
	   and k.source = :type
	returning k.task_id
)
select count(*) as refreshed from refreshed
