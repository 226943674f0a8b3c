-- run_claim: take connections that are due; t0 is the database's clock before any
-- request of the run.
-- :limit          integer  so many at most
-- :lease_ms       bigint
-- :connection_id  uuid     only this one; null: all
-- :type           text     only of this type; null: of all
-- approved: so many tasks without evidence may pass; null: no guard is approved
with due as materialized (
	select i.id
	  from integrations i
	 where i.key_sealed is not null
	   and i.status not in ('auth_failed', 'paused')
	   and (i.next_poll_at <= now() or :connection_id is not null)
	   and (:connection_id is null or i.id = :connection_id)
	   and (:type is null or i.type = :type)
	   and (i.lease_until is null or i.lease_until <= now())
	   and (i.rate_limited_until is null or i.rate_limited_until <= now())
	 order by i.next_poll_at
	 limit :limit
	   for update skip locked
)
update integrations i
   set generation = i.generation + 1,
       lease_until = now() + :lease_ms * interval '1 ms',
       last_run_at = clock_timestamp()
  from due d
 where i.id = d.id
returning i.user_id, i.id as connection_id, i.type, i.name, i.key_sealed,
       i.key_id, i.key_version, i.metadata, i.account_id, i.status, i.writeback,
       i.generation, 0 as rate_limited_ms, clock_timestamp() as t0,
       i.quiet_list,
       (extract(epoch from i.last_complete_run_at) * 1000)::bigint
		as listed_at_ms,
       (select g.held from guards g
	 where g.user_id = i.user_id
	   and g.connection_id = i.id
	   and g.approved_at is not null) as approved
