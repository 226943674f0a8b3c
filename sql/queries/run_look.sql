-- run_look: the next connection that is due, as run_claim would find it, and
-- without claiming it: for a run that changes nothing.
-- :after          uuid  only after this id; null: from the start
-- :connection_id  uuid  only this one; null: all
select i.user_id, i.id as connection_id, i.type, i.name, i.key_sealed,
       i.key_id, i.key_version, i.metadata, i.account_id, i.status, i.writeback,
       i.generation, 0 as rate_limited_ms, clock_timestamp() as t0,
       i.quiet_list,
       (extract(epoch from i.last_complete_run_at) * 1000)::bigint
		as listed_at_ms,
       (select g.held from guards g
	 where g.user_id = i.user_id
	   and g.connection_id = i.id
	   and g.approved_at is not null) as approved
  from integrations i
 where i.key_sealed is not null
   and i.status not in ('auth_failed', 'paused')
   and (i.next_poll_at <= now() or :connection_id is not null)
   and (:connection_id is null or i.id = :connection_id)
   and (:after is null or i.id > :after)
   and (i.lease_until is null or i.lease_until <= now())
   and (i.rate_limited_until is null or i.rate_limited_until <= now())
 order by i.id
 limit 1
