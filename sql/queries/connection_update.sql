-- connection_update: change what is given; a new key makes it active again.
-- The account stays: a key of another one shows, and holds the runs.
-- :user_id        uuid      whose
-- :connection_id  uuid
-- :name           text      null: stays
-- :key_sealed     bytea     null: stays
-- :key_id         text      of the master key that sealed it
-- :writeback      boolean?  null: stays
-- :status         text      active or paused; null: stays
-- input: errors of class 22 are about what the caller sent
update integrations i
   set name = coalesce(:name, i.name),
       key_sealed = coalesce(:key_sealed, i.key_sealed),
       key_id = coalesce(:key_id, i.key_id),
       key_version = case when :key_sealed is null
			then i.key_version else i.key_version + 1 end,
       writeback = coalesce(:writeback, i.writeback),
       status = case when :status is not null
			and (i.status <> 'auth_failed' or :key_sealed is not null)
			then :status
		when :key_sealed is not null and i.status = 'auth_failed'
			then 'active'
		else i.status end,
       rate_limited_until = case when :key_sealed is null
			then i.rate_limited_until end,
       lease_until = case when :key_sealed is null then i.lease_until end,
       -- another key may be another account's
       quiet_list = case when :key_sealed is null then i.quiet_list end,
       failure_count = case when :key_sealed is null
			then i.failure_count else 0 end,
       last_error = case when :key_sealed is null then i.last_error end,
       next_poll_at = case when :key_sealed is null and :status is null
			then i.next_poll_at else now() end,
       generation = case when :key_sealed is null
			then i.generation else i.generation + 1 end,
       updated_at = now()
 where i.user_id = :user_id
   and i.id = :connection_id
returning i.id, i.type
