-- run_claim: take connections that are due; t0 is the database's clock before any
-- request of the run.
-- :limit          integer  at most so many
-- :lease_ms       bigint   for so long
-- :connection_id  uuid     only this connection, due or not; or null
-- :type           text     only of this type; or null
-- approved: so many tasks without evidence may pass; null: no guard is approved
with due as materialized (
	select c.id
	  from gateway.connections c
	  join gateway.connection_state s on s.id = c.id
	 where s.has_key
	   and s.status = 'active'
	   and gateway.is_due(c, :connection_id is not null)
	   and (:connection_id is null or c.id = :connection_id)
	   and (:type is null or s.type = :type)
	 order by c.next_poll_at
	 limit :limit
	   for update of c skip locked
), claimed as (
	update gateway.connections c
	   -- past the last number it begins anew: what counts is that it differs
	   set generation = c.generation % 1000000000000000 + 1,
	       lease_until = now() + :lease_ms * interval '1 ms',
	       last_run_at = clock_timestamp()
	  from due d
	 where c.id = d.id
	returning c.id, c.generation, c.quiet_list, c.last_complete_run_at,
		c.failure_count, c.metadata
)
select u.owner_id as user_id, c.generation, u.*, c.failure_count,
       gateway.us(clock_timestamp()) as t0, c.quiet_list,
       gateway.us(c.last_complete_run_at) / 1000 as listed_at_ms,
       (select g.held from gateway.guards g
	 where g.user_id = u.owner_id
	   and g.connection_id = u.connection_id
	   and g.approved_at is not null) as approved,
       gateway.is_told(c.metadata, i.metadata) as is_told
  from claimed c
  join gateway.connection_use u on u.connection_id = c.id
  join public.integrations i on i.id = c.id
