-- run_look: the next connection that is due, as run_claim would find it, and without
-- claiming it: for a run that changes nothing.
-- :after          uuid  after this one; null: the first
-- :connection_id  uuid  only this one, due or not; or null
select u.owner_id as user_id, u.*, c.failure_count,
       gateway.us(clock_timestamp()) as t0, c.quiet_list,
       gateway.us(c.last_complete_run_at) / 1000 as listed_at_ms,
       (select g.held from gateway.guards g
	 where g.user_id = u.owner_id
	   and g.connection_id = u.connection_id
	   and g.approved_at is not null) as approved,
       gateway.is_told(c.metadata, i.metadata) as is_told
  from gateway.connection_use u
  join gateway.connections c on c.id = u.connection_id
  join public.integrations i on i.id = c.id
 where u.status = 'active'
   and u.has_key
   and gateway.is_due(c, :connection_id is not null)
   and (:connection_id is null or u.connection_id = :connection_id)
   and (:after is null or u.connection_id > :after)
 order by u.connection_id
 limit 1
