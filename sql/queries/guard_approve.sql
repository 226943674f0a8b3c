-- guard_approve: a person says that what a guard holds is right. The next run lets as
-- many tasks pass as were held; another account becomes the connection's.
-- :connection_id  uuid  whose guard
-- No row: no guard holds there.
with own as materialized (
	-- in the order in which a run takes them
	select c.user_id, c.id
	  from gateway.connections c
	 where c.id = :connection_id
	   for no key update
), held as materialized (
	select g.*, i.type::text as type
	  from own o
	  join gateway.guards g on g.user_id = o.user_id and g.connection_id = o.id
	  join public.integrations i on i.id = o.id
	   for update of g
), approved as (
	update gateway.guards g
	   set approved_at = now()
	  from held h
	 where g.user_id = h.user_id
	   and g.connection_id = h.connection_id
	   and h.kind <> 'account_changed'
), released as (
	delete from gateway.guards g
	 using held h
	 where g.user_id = h.user_id
	   and g.connection_id = h.connection_id
	   and h.kind = 'account_changed'
	returning g.user_id, g.connection_id, g.kind, h.type
), told as (
	insert into gateway.events (user_id, type, connection_id, source, reason)
	select r.user_id, 'guard.released', r.connection_id, r.type, r.kind
	  from released r
), kept as (
	-- the account that had them so far may speak of these, the new one not yet
	update gateway.links l
	   set account_id = c.account_id
	  from held h
	  join gateway.connections c on c.id = h.connection_id
	  join public.tasks t
	    on t.user_id = h.user_id
	   and t.connection_id = h.connection_id
	 where h.kind = 'account_changed'
	   and l.task_id = t.id
	   and l.user_id = h.user_id
	   and l.account_id is null
), emptied as (
	-- what waits in the inbox was shown to the account before: who imports it now
	-- would take it for the new one's
	delete from gateway.inbox_items b
	 using held h
	 where h.account_id is not null
	   and b.user_id = h.user_id
	   and b.connection_id = h.connection_id
), freed as (
	update gateway.connections c
	   set next_poll_at = now(),
	       account_id = coalesce(h.account_id, c.account_id),
	       -- a run under way knows the account before only
	       generation = c.generation + (h.account_id is not null)::integer,
	       lease_until = case when h.account_id is null then c.lease_until end
	  from held h
	 where c.id = h.connection_id
)
select kind from held
