-- run_guard: raise, keep or release the guard of a connection after a complete run.
-- :user_id        uuid    whose
-- :connection_id  uuid    the connection
-- :type           text    its source
-- :generation     bigint  of the claim, whose row run_hold has locked
-- :kind           text    what holds, or null
-- :held           bigint  tasks without evidence
with own as (
	select c.id
	  from gateway.connections c
	 where c.id = :connection_id
	   and c.generation = :generation
), raised as (
	insert into gateway.guards as g (user_id, connection_id, kind, held)
	select :user_id, o.id, :kind, :held::integer
	  from own o
	 where :kind is not null
	    on conflict (user_id, connection_id) do update
	   set kind = excluded.kind,
	       held = excluded.held,
	       account_id = null,
	       seen_at = now(),
	       raised_at = case when g.kind = excluded.kind
			then g.raised_at else now() end,
	       -- what a person let pass covers no more than was shown then
	       approved_at = case when g.kind = excluded.kind
			and excluded.held <= g.held then g.approved_at end
	returning g.kind, xmax = 0 as is_new
), released as (
	delete from gateway.guards g
	 using own o
	 where g.user_id = :user_id
	   and g.connection_id = o.id
	   and :kind is null
	returning g.kind
)
insert into gateway.events (user_id, type, connection_id, source, reason, held)
select :user_id, 'guard.raised', :connection_id, :type, r.kind, :held::integer
  from raised r
 where r.is_new
 union all
select :user_id, 'guard.released', :connection_id, :type, r.kind, null
  from released r
