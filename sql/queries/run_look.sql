-- run_look: the next connection that is due, as run_claim would find it, and without
-- claiming it: for a run that changes nothing.
-- :after          uuid  after this one; null: the first
-- :connection_id  uuid  only this one, due or not; or null
select s.user_id, s.id as connection_id, s.type, s.label, s.key_sealed, s.key_id,
       s.api_key, s.key_version, s.metadata, s.account_id, s.status, s.writeback,
       s.generation, s.is_other_account, c.failure_count, 0 as rate_limited_ms, gateway.us(clock_timestamp()) as t0,
       c.quiet_list,
       gateway.us(c.last_complete_run_at) / 1000 as listed_at_ms,
       (select g.held from gateway.guards g
	 where g.user_id = s.user_id
	   and g.connection_id = s.id
	   and g.approved_at is not null) as approved
  from gateway.connection_state s
  join gateway.connections c on c.id = s.id
 where s.has_key
   and s.status = 'active'
   and (c.next_poll_at <= now() or :connection_id is not null)
   and (:connection_id is null or s.id = :connection_id)
   and (:after is null or s.id > :after)
   and (c.lease_until is null or c.lease_until <= now())
   and (c.rate_limited_until is null or c.rate_limited_until <= now())
 order by s.id
 limit 1
