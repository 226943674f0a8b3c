-- connection_update: change what is given; a new key makes it active again.
-- The account stays: a key of another one shows, and holds the runs.
-- $1 user_id  $2 connection id  $3 name or null  $4 sealed key or null
-- $5 key id  $6 writeback or null  $7 status or null (active, paused)
update integrations i
   set name = coalesce($3, i.name),
       key_sealed = coalesce($4::bytea, i.key_sealed),
       key_id = coalesce($5, i.key_id),
       key_version = case when $4::bytea is null
			then i.key_version else i.key_version + 1 end,
       writeback = coalesce($6::boolean, i.writeback),
       status = case when $7::text is not null
			and (i.status <> 'auth_failed' or $4::bytea is not null)
			then $7
		when $4::bytea is not null and i.status = 'auth_failed'
			then 'active'
		else i.status end,
       rate_limited_until = case when $4::bytea is null
			then i.rate_limited_until end,
       lease_until = case when $4::bytea is null then i.lease_until end,
       -- another key may be another account's
       quiet_list = case when $4::bytea is null then i.quiet_list end,
       failure_count = case when $4::bytea is null
			then i.failure_count else 0 end,
       last_error = case when $4::bytea is null then i.last_error end,
       next_poll_at = case when $4::bytea is null and $7::text is null
			then i.next_poll_at else now() end,
       generation = case when $4::bytea is null
			then i.generation else i.generation + 1 end,
       updated_at = now()
 where i.user_id = $1::uuid
   and i.id = $2::uuid
returning i.id, i.type
