-- guard_approve: a person says that what a guard holds is right. The next run lets
-- as many tasks pass as were held; another account becomes the connection's.
-- :connection_id  uuid
-- No row: no guard holds there.
with own as materialized (
	-- in the order in which a run takes them
	select i.user_id, i.id
	  from integrations i
	 where i.id = :connection_id
	   for no key update
), held as materialized (
	select g.*
	  from own o
	  join guards g on g.user_id = o.user_id and g.connection_id = o.id
	   for update of g
), approved as (
	update guards g
	   set approved_at = now()
	  from held h
	 where g.user_id = h.user_id
	   and g.connection_id = h.connection_id
	   and h.kind <> 'account_changed'
), released as (
	delete from guards g
	 using held h
	 where g.user_id = h.user_id
	   and g.connection_id = h.connection_id
	   and h.kind = 'account_changed'
	returning g.user_id, g.connection_id, g.kind
), told as (
	insert into events (user_id, type, connection_id, reason, detail)
	select r.user_id, 'guard.released', r.connection_id, r.kind,
	       'The connection goes on with its new account.'
	  from released r
), freed as (
	update integrations i
	   set next_poll_at = now(),
	       account_id = coalesce(h.account_id, i.account_id),
	       -- a run under way knows the account before only
	       generation = i.generation + (h.account_id is not null)::integer,
	       lease_until = case when h.account_id is null
			then i.lease_until end
	  from held h
	 where i.user_id = h.user_id
	   and i.id = h.connection_id
)
select kind from held
